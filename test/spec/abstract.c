/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of the core, as words of the abstract state; and what a comparison is to look at. */
#include "abstract.h"

#include <stdarg.h>
#include <stdio.h>

#include "iommu/device.h"
#include "vm/vm.h"

#include "abstract_parts.h"

_Static_assert(SPEC_VMS == VM_SECONDARIES + 1 && SPEC_PVS == VM_MAX_PVIOMMUS && SPEC_DEVICES == DEVICE_MAX &&
		       SPEC_ENDPOINTS == ENDPOINT_MAX && SPEC_RAM >= MACHINE_MAX_RAM,
	       "all of the machine has room");

static char why[600];

const char *difference(void) { return why; }

bool differs(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	return false;
}

void look_pages(struct spec_look *look, u64 pa, u64 size)
{
	u64 first = page_number(pa);

	if (first == NO_PAGE || size == 0)
		return;
	if (look->page_runs > 0 && look->page[look->page_runs - 1].first + look->page[look->page_runs - 1].count == first) {
		look->page[look->page_runs - 1].count += (size + SPEC_PAGE - 1) / SPEC_PAGE;
		return;
	}
	if (look->page_runs == ARRAY_SIZE(look->page)) {
		look->all = true;
		return;
	}
	look->page[look->page_runs].first = first;
	look->page[look->page_runs++].count = (size + SPEC_PAGE - 1) / SPEC_PAGE;
}

void look_tree(struct spec_look *look, const struct spec_tree *tree, u64 from, u64 size)
{
	u64 end = 1ull << tree->bits;

	if (from >= end)
		return;
	if (look->tree_runs == ARRAY_SIZE(look->tree)) {
		look->all = true;
		return;
	}
	look->tree[look->tree_runs].tree = tree;
	look->tree[look->tree_runs].from = from;
	look->tree[look->tree_runs++].to = size > end - from ? end : from + size;
}

/* --- one object each */

u64 abstract_vm_number(const struct vm *vm) { return vm->owner - OWNER_VM; }

static u64 pv_number(const struct pviommu *pv) { return pv != NULL ? pv->id + 1 : 0; }

struct spec_pv pv_words(const struct pviommu *pv)
{
	struct spec_pv words = {
		.iommu = pv->iommu != NULL ? pv->iommu->index + 1 : 0,
		.vsids = pv->vsid_count,
		.attached = pv->attached,
		.faults = pv->faults,
		.lost = pv->lost,
		.quarantines = pv->quarantines,
		.ring_pages = pv->ring.page != NULL ? pv->ring.page_count : 0,
	};

	if (words.ring_pages == 0)
		return words;
	words.ring_log2 = pv->ring.log2;
	words.ring_bytes = pv->ring.record_bytes;
	words.ring_irq = pv->ring_irq;
	for (u64 i = 0; i < words.ring_pages; i++)
		words.ring_page[i] = pv->ring.page[i].v;
	return words;
}

/* The list is in the VM's pool, and goes with it. */
u32 guards_of(const struct vm *vm)
{
	return vm->state == VM_DYING && vm->teardown == TEARDOWN_POOL ? 0 : vm->guard_count;
}

struct spec_vm_words vm_words(const struct vm *vm)
{
	struct spec_vm_words w = {
		.handle = vm->handle,
		.life = vm->state,
		.vcpus = vm->view.vcpu_count,
		.pool_total = vm->pool.total_pages,
		.pool_free = vm->pool.free_pages,
		.pages = vm->pages,
		.pages_lost = vm->pages_lost,
		.domain_max = vm->domain_max,
		.domains = vm->domain_count,
		.open_mmio = vm->open_mmio,
		.guards = guards_of(vm),
		.runners = vm->runners,
		.teardown = vm->state == VM_DYING ? vm->teardown : 0,
		.cpu_tables = vm->cpu_pt.tables,
		.dma_tables = vm->dma_pt.tables,
	};

	for (u32 i = 0; i < VM_MAX_VCPUS; i++) {
		w.maps += vm->stat[i].maps;
		w.unmaps += vm->stat[i].unmaps;
		w.pins += vm->stat[i].pins;
		w.mapped += vm->stat[i].mapped;
	}
	return w;
}

struct spec_vcpu_words vcpu_words(const struct vcpu *vcpu)
{
	return (struct spec_vcpu_words){
		.running = vcpu->running,
		.load = vcpu->load,
		.undelivered = vcpu->undelivered,
	};
}

struct spec_domain_words domain_words(const struct domain *d)
{
	return (struct spec_domain_words){
		.id = d->id,
		.vm = abstract_vm_number(d->vm),
		.dying = d->state == DOMAIN_DYING,
		.attached = d->attached,
		.iommus = d->tag.users,
		.mapped = d->mapped,
		.tables = d->pt.tables,
		.nested = domain_is_nested(d) ? d->iommu->index + 1 : 0,
		.word0 = domain_is_nested(d) ? d->nested.word[0] : 0,
		.word1 = domain_is_nested(d) ? d->nested.word[1] : 0,
	};
}

struct spec_device_words device_words(const struct device *d)
{
	return (struct spec_device_words){
		.state = d->state,
		.target = d->state == DEVICE_RESETTING ? d->target : 0,
		.vm = abstract_vm_number(d->vm),
		.pv = pv_number(d->pviommu),
		.frozen = d->frozen,
		.blocked = d->vm->state == VM_DYING ? d->blocked : 0,
		.clean = d->state == DEVICE_CLAIMED && d->clean,
		.mmio_away = d->mmio_away,
		.mmio_stuck = d->mmio_stuck,
		.mmio_pins = d->mmio_pins,
	};
}

struct spec_endpoint_words endpoint_words(const struct endpoint *e)
{
	return (struct spec_endpoint_words){
		.has_vsid = e->has_vsid,
		.vsid = e->has_vsid ? e->vsid.v : 0,
		.domain = e->attached.domain != NULL ? e->attached.domain->id : 0,
		.cookie = e->attached.cookie,
		.context = (e->ctx.table.v != 0 ? e->ctx.pages : 0) +
			   (e->substream != NULL ? 1ull << e->ctx_pages_order : 0),
		.bits = e->ctx.table.v != 0 ? e->ctx.pasid_bits : 0,
		.subs = e->substreams,
		.stream = hw_stream(e),
	};
}

const struct domain *domain_in_slot(const struct vm *vm, u32 i)
{
	return &vm->domain_page[i / DOMAINS_PER_PAGE][i % DOMAINS_PER_PAGE];
}

bool vm_there(const struct vm *vm) { return vm->primary || vm->state != VM_FREE; }

const struct endpoint *real_endpoint(const struct spec_endpoint *e)
{
	return &device_table[e->device].endpoint[e->index];
}

const struct domain *real_domain(const struct spec_domain *d)
{
	const struct vm *vm = vm_at((u32)d->w.vm);
	u32 i = (u32)(d->w.id - 1) % DOMAIN_MAX;

	return i < vm->domain_max && domain_in_slot(vm, i)->state != DOMAIN_FREE ? domain_in_slot(vm, i) : NULL;
}

bool abstract_vm_is_there(u32 vm) { return vm_there(vm_at(vm)); }

void abstract_domain_left(u32 vm, u64 id, u64 *mapped, u64 *tables)
{
	const struct vm *real = vm_at(vm);
	u32 i = (u32)(id - 1) % DOMAIN_MAX;

	*mapped = *tables = 0;
	if (i >= real->domain_max || domain_in_slot(real, i)->id != id || domain_in_slot(real, i)->state == DOMAIN_FREE)
		return;
	*mapped = domain_in_slot(real, i)->mapped;
	*tables = domain_in_slot(real, i)->pt.tables;
}
