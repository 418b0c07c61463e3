/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of the core, as words of the abstract state. */
#include "abstract.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hyp/arch.h"
#include "hyp/io.h"
#include "iommu/attach.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#include "rules.h"
#include "spec_check.h"

_Static_assert(SPEC_VMS == VM_SECONDARIES + 1 && SPEC_PVS == VM_MAX_PVIOMMUS && SPEC_DEVICES == DEVICE_MAX &&
		       SPEC_ENDPOINTS == ENDPOINT_MAX && SPEC_RAM >= MACHINE_MAX_RAM,
	       "all of the machine has room");

#define FEW_DOMAINS 32u

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

static struct spec_pv pv_words(const struct pviommu *pv)
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
static u32 guards_of(const struct vm *vm)
{
	return vm->state == VM_DYING && vm->teardown == TEARDOWN_POOL ? 0 : vm->guard_count;
}

static struct spec_vm_words vm_words(const struct vm *vm)
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

static struct spec_vcpu_words vcpu_words(const struct vcpu *vcpu)
{
	return (struct spec_vcpu_words){
		.running = vcpu->running,
		.load = vcpu->load,
		.undelivered = vcpu->undelivered,
	};
}

static struct spec_domain_words domain_words(const struct domain *d)
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

static struct spec_device_words device_words(const struct device *d)
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

static struct spec_endpoint_words endpoint_words(const struct endpoint *e)
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

static const struct domain *slot(const struct vm *vm, u32 i)
{
	return &vm->domain_page[i / DOMAINS_PER_PAGE][i % DOMAINS_PER_PAGE];
}

static bool vm_there(const struct vm *vm) { return vm->primary || vm->state != VM_FREE; }

static const struct endpoint *real_endpoint(const struct spec_endpoint *e)
{
	return &device_table[e->device].endpoint[e->index];
}

/* --- taking */

static struct spec_tree format_of(const struct pt_ops *ops, u32 sizes)
{
	u32 bits = ops->va_bits - PAGE_SHIFT - (u32)__builtin_ctz(ops->root_pages);

	if (ops->root_pages > SPEC_ROOTS)
		spec_fail("a table of %u roots", ops->root_pages);
	return (struct spec_tree){
		.roots = ops->root_pages,
		.start = (u8)(4 - (bits + 8) / 9),
		.bits = ops->va_bits,
		.stage = ops->stage,
		.sizes = sizes & ops->leaf_sizes,
	};
}

u64 abstract_page_count(void)
{
	u64 pages = 0;

	for (u32 i = 0; i < machine->ram_count; i++)
		pages += (align_up(machine->ram[i].base + machine->ram[i].size, BLOCK_SIZE) -
			  align_down(machine->ram[i].base, BLOCK_SIZE)) >>
			 PAGE_SHIFT;
	return pages;
}

static void take_ram(void)
{
	u64 first = 0;

	spec->ram_count = machine->ram_count;
	for (u32 i = 0; i < machine->ram_count; i++) {
		u64 base = align_down(machine->ram[i].base, BLOCK_SIZE);

		spec->ram[i].base = machine->ram[i].base;
		spec->ram[i].size = machine->ram[i].size;
		spec->ram[i].first = first;
		first += (align_up(machine->ram[i].base + machine->ram[i].size, BLOCK_SIZE) - base) >> PAGE_SHIFT;
	}
	spec->pages = first;
}

/* A record as one word, without what a pool notes in it. */
static u64 record_word(const struct page *p)
{
	u64 word;

	memcpy(&word, p, sizeof(word));
	return word & (p->owner == OWNER_HYP ? 0xffffffff000000ffull : 0xffffffff0000ffffull);
}

static u64 page_word(u64 n)
{
	u64 word;

	memcpy(&word, &spec->page[n], sizeof(word));
	return word;
}

#define TOGETHER 8

/* Whether none of these records is of interest, in the terms of record_word(); what a pool notes is looked at singly. */
static bool together_same(const struct page *real, u64 n)
{
	u64 is[TOGETHER], want[TOGETHER], interest = 0;

	memcpy(is, real, sizeof(is));
	memcpy(want, &spec->page[n], sizeof(want));
	for (u32 i = 0; i < TOGETHER; i++)
		interest |= ((is[i] ^ want[i]) & 0xffffffff0000ffffull) | (is[i] & (0xff & ~OWNER_VM));
	return interest == 0;
}

/*
 * The first page in [n, end) whose record is not what the state says, or that has an address in a secondary; `end`:
 * none. Over a whole machine most of the time goes here, so a run is found once, and its records, side by side, are
 * compared by eight.
 */
static u64 next_of_interest(u64 n, u64 end)
{
	while (n < end) {
		u64 last = align_up(n + 1, BLOCK_PAGES) < end ? align_up(n + 1, BLOCK_PAGES) : end;
		const struct page *real = page_find(pa(page_address(n)));

		/* A region may begin or end inside a run. */
		if (real == NULL || page_find(pa(page_address(last - 1))) == NULL)
			last = n + 1;
		while (real != NULL && n < last) {
			bool together = n % TOGETHER == 0 && last - n >= TOGETHER && together_same(real, n);
			u32 past = together ? TOGETHER : 1;

			if (!together && (real->owner > OWNER_VM || record_word(real) != page_word(n)))
				return n;
			n += past;
			real += past;
		}
		n = last;
	}
	return end;
}

static void take_pages(void)
{
	for (u64 n = next_of_interest(0, spec->pages); n < spec->pages; n = next_of_interest(n + 1, spec->pages)) {
		pa_t at = pa(page_address(n));
		u64 word = record_word(page_find(at));

		memcpy(&spec->page[n], &word, sizeof(word));
		spec->page_ipa[n] = spec->page[n].owner > 1 ? (u32)(page_ipa(at).v >> PAGE_SHIFT) : 0;
	}
	for (u64 n = 0; n < spec->pages; n++) {
		pa_t at = pa(page_address(n));

		if (page_find(at) == NULL)
			continue;
		spec->block_pins[n / BLOCK_PAGES] = page_run_of(at)->block_pins;
		n |= BLOCK_PAGES - 1;
	}
}

static void take_devices(void)
{
	spec->devices = device_count;
	spec->endpoints = 0;
	for (u32 i = 0; i < device_count; i++) {
		const struct device *real = &device_table[i];
		struct spec_device *d = &spec->device[i];
		struct spec_device was = *d;

		*d = (struct spec_device){
			.w = device_words(real),
			.first = spec->endpoints,
			.endpoints = real->endpoint_count,
			.group = real->group,
			.pci = real->pci,
			.mmio_count = real->mmio_count,
			.line_count = real->irq_count,
			.name = real->name,
		};
		memcpy(d->token, was.token, sizeof(d->token));
		for (u32 k = 0; k < real->mmio_count; k++) {
			d->mmio[k].base = real->mmio[k].base;
			d->mmio[k].size = real->mmio[k].size;
			d->mmio_ipa[k] = real->mmio_ipa[k];
			d->mmio_given[k] = real->mmio_given[k];
		}
		for (u32 k = 0; k < real->irq_count; k++) {
			d->lines[k] = real->irq[k];
			d->line[k] = real->irq_given[k];
		}
		for (u32 k = 0; k < real->endpoint_count; k++) {
			struct spec_endpoint *e = &spec->endpoint[spec->endpoints++];

			e->w = endpoint_words(&real->endpoint[k]);
			e->device = i;
			e->index = k;
			e->iommu = real->endpoint[k].iommu->index;
			e->pasid_bits = endpoint_pasid_bits(&real->endpoint[k]);
			e->ats = real->endpoint[k].ats;
		}
	}
}

static void take_subs(void)
{
	spec->sub_count = 0;
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct endpoint *e = real_endpoint(&spec->endpoint[i]);

		for (u32 p = 1; e->substream != NULL && p >> e->ctx.pasid_bits == 0; p++) {
			if (e->substream[p].domain == NULL)
				continue;
			if (spec->sub_count == SPEC_SUBS)
				spec_fail("more attached PASIDs than the specification has room for");
			spec->sub[spec->sub_count++] = (struct spec_sub){
				.endpoint = i,
				.pasid = p,
				.domain = e->substream[p].domain->id,
				.cookie = e->substream[p].cookie,
			};
		}
	}
}

static const struct domain *real_domain(const struct spec_domain *d)
{
	const struct vm *vm = vm_at((u32)d->w.vm);
	u32 i = (u32)(d->w.id - 1) % DOMAIN_MAX;

	return i < vm->domain_max && slot(vm, i)->state != DOMAIN_FREE ? slot(vm, i) : NULL;
}

/* Those of the last state that are no more. */
static void forget_domains(void)
{
	for (u32 i = spec->domain_count; i-- > 0;) {
		struct spec_domain *d = &spec->domain[i];

		if (vm_there(vm_at((u32)d->w.vm)) && real_domain(d) != NULL && real_domain(d)->id == d->w.id)
			continue;
		tree_end(&d->tree);
		*d = spec->domain[--spec->domain_count];
	}
}

static void take_domains(const struct vm *vm)
{
	for (u32 i = 0; i < vm->domain_max; i++) {
		const struct domain *real = slot(vm, i);
		struct spec_domain *d;

		if (real->state == DOMAIN_FREE)
			continue;
		d = domain_find(abstract_vm_number(vm), real->id);
		if (d == NULL) {
			if (spec->domain_count == SPEC_DOMAINS)
				spec_fail("more domains than the specification has room for");
			d = &spec->domain[spec->domain_count++];
			*d = (struct spec_domain){ 0 };
		}
		d->w = domain_words(real);
		if (!domain_is_nested(real))
			hw_tree_take(&d->tree, &spec->paging, real->pt.root.v);
		for (u32 k = 0; k < ARRAY_SIZE(d->on); k++)
			d->on[k] = real->attached_on[k];
	}
}

/* A view of a VM's memory, if it has one. */
static void take_view(struct spec_tree *tree, const struct pt *pt)
{
	struct spec_tree format;

	if (pt == NULL || pt->root.v == 0) {
		tree_end(tree);
		*tree = (struct spec_tree){ 0 };
		return;
	}
	format = format_of(pt->ops, pt->leaf_sizes);
	hw_tree_take(tree, &format, pt->root.v);
}

static void take_vm(const struct vm *vm)
{
	struct spec_vm *v = &spec->vm[abstract_vm_number(vm)];

	memset(&v->w, 0, sizeof(v->w));
	take_view(&v->cpu, vm_there(vm) ? &vm->cpu_pt : NULL);
	take_view(&v->dma, vm_there(vm) ? &vm->dma_pt : NULL);
	if (!vm_there(vm))
		return;
	for (u32 i = 0; i < guards_of(vm); i++)
		v->guard[i] = vm->guard[i];
	for (u32 i = 0; i < SPEC_VCPUS; i++)
		v->vcpu[i].w = vcpu_words(&vm->vcpu[i]);
	v->w = vm_words(vm);
	for (u32 i = 0; i < SPEC_PVS; i++)
		v->pv[i] = pv_words(&vm->pviommu[i]);
	take_domains(vm);
}

void abstract_take(void)
{
	take_ram();
	spec->stage1 = iommu_common.stage1;
	spec->stage2 = iommu_common.stage2;
	spec->paging = format_of(iommu_common.paging, iommu_common.paging_sizes);
	spec->cpu = format_of(arch_cpu_pt, ~0u);
	spec->dma = format_of(iommu_common.dma, iommu_common.dma_sizes);
	spec->iommus = iommu_count;
	for (u32 i = 0; i < iommu_count; i++)
		spec->iommu[i] = (struct spec_iommu){
			.common = iommu_is_common(&iommu_instance[i]),
			.dead = iommu_instance[i].dead,
			.pasid_bits = iommu_pasid_bits(&iommu_instance[i]),
		};
	for (u32 i = 0; i < iommu_count; i++)
		hw_nested_facts(&iommu_instance[i], &spec->iommu[i]);
	spec->hyp_free = vm_tables_free();
	spec->looked_count = 0;
	forget_domains();
	take_pages();
	take_devices();
	take_subs();
	for (u32 i = 0; i < SPEC_VMS; i++)
		take_vm(vm_at(i));
}

/* --- comparing */

static bool same_words(const void *real, const void *want, u32 count, const char *(*name)(u32), const char *kind,
		       u64 which)
{
	const u64 *is = real, *must = want;

	for (u32 i = 0; i < count; i++)
		if (is[i] != must[i])
			return differs("%s %llu: %s is %llu (0x%llx), the specification says %llu (0x%llx)", kind,
				       (unsigned long long)which, name(i), (unsigned long long)is[i],
				       (unsigned long long)is[i], (unsigned long long)must[i],
				       (unsigned long long)must[i]);
	return true;
}

#define SAME(real, want, name, kind, which) same_words(&(real), &(want), sizeof(want) / sizeof(u64), name, kind, which)

static bool same_page(u64 n)
{
	const struct page *real = page_find(pa(page_address(n)));
	u64 is = record_word(real), want = page_word(n);

	if (is != want)
		return differs("page 0x%llx: owner %llu state %llu pins %llu, the specification says owner %llu state %llu pins %llu",
			       (unsigned long long)page_address(n), (unsigned long long)(is & 0xff),
			       (unsigned long long)(is >> 8 & 0xff), (unsigned long long)(is >> 32),
			       (unsigned long long)(want & 0xff), (unsigned long long)(want >> 8 & 0xff),
			       (unsigned long long)(want >> 32));
	if (real->owner > OWNER_VM && spec->page_ipa[n] != page_ipa(pa(page_address(n))).v >> PAGE_SHIFT)
		return differs("page 0x%llx: its owner has it at another address than the specification says",
			       (unsigned long long)page_address(n));
	return true;
}

static bool same_block_pins(u64 n)
{
	pa_t at = pa(page_address(n));
	u32 want = spec->block_pins[n / BLOCK_PAGES];

	if (page_find(at) == NULL || page_run_of(at)->block_pins == want)
		return true;
	return differs("run 0x%llx: %u block pins, the specification says %u", (unsigned long long)at.v,
		       page_run_of(at)->block_pins, want);
}

static bool same_pages(u64 first, u64 count)
{
	const u64 end = first + count;

	for (u64 n = next_of_interest(first, end); n < end; n = next_of_interest(n + 1, end))
		if (!same_page(n))
			return false;
	for (u64 n = first; n < end; n = align_up(n + 1, BLOCK_PAGES))
		if (!same_block_pins(n))
			return false;
	return true;
}

static bool same_device(u32 i)
{
	const struct device *real = &device_table[i];
	const struct spec_device *d = &spec->device[i];
	const struct spec_device_words w = device_words(real);

	if (!SAME(w, d->w, device_word, "device", i))
		return false;
	for (u32 k = 0; k < d->mmio_count; k++) {
		if (real->mmio_ipa[k] != d->mmio_ipa[k])
			return differs("device %u: range %u is at 0x%llx, the specification says 0x%llx", i, k,
				       (unsigned long long)real->mmio_ipa[k], (unsigned long long)d->mmio_ipa[k]);
		if (real->mmio_given[k] != d->mmio_given[k])
			return differs("device %u: 0x%llx bytes of range %u are mapped, the specification says 0x%llx", i,
				       (unsigned long long)real->mmio_given[k], k, (unsigned long long)d->mmio_given[k]);
	}
	for (u32 k = 0; k < d->line_count; k++)
		if (real->irq_given[k] != d->line[k])
			return differs("device %u: line %u is interrupt %u, the specification says %llu", i, k,
				       real->irq_given[k], (unsigned long long)d->line[k]);
	return true;
}

static bool same_endpoints(void)
{
	u32 subs = 0;

	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct endpoint *e = real_endpoint(&spec->endpoint[i]);
		const struct spec_endpoint_words w = endpoint_words(e);

		if (!SAME(w, spec->endpoint[i].w, endpoint_word, "endpoint", i))
			return false;
		subs += e->substreams;
	}
	for (u32 i = 0; i < spec->sub_count; i++) {
		const struct spec_sub *s = &spec->sub[i];
		const struct endpoint *e = real_endpoint(&spec->endpoint[s->endpoint]);
		const struct attachment *a = e->substream != NULL && s->pasid >> e->ctx.pasid_bits == 0 ?
						     &e->substream[s->pasid] :
						     NULL;

		if (a == NULL || a->domain == NULL || a->domain->id != s->domain || a->cookie != s->cookie)
			return differs("endpoint %u: PASID %u is not attached as the specification says", s->endpoint, s->pasid);
	}
	return subs == spec->sub_count || differs("%u PASIDs are attached, the specification says %u", subs, spec->sub_count);
}

static bool same_domain(const struct spec_domain *d)
{
	const struct domain *real = real_domain(d);
	struct spec_domain_words w;

	if (real == NULL)
		return differs("domain %llu is gone", (unsigned long long)d->w.id);
	w = domain_words(real);
	if (!SAME(w, d->w, domain_word, "domain", d->w.id))
		return false;
	for (u32 k = 0; k < ARRAY_SIZE(d->on); k++)
		if (real->attached_on[k] != d->on[k])
			return differs("domain %llu: %u attachments by IOMMU %u, the specification says %u",
				       (unsigned long long)d->w.id, real->attached_on[k], k, d->on[k]);
	return true;
}

/* All; or those that the call looked up, and a few in turn. */
static bool same_domains(bool all)
{
	static u32 turn;
	bool same = true;

	if (spec->looked_count > SPEC_LOOKED || spec->domain_count < FEW_DOMAINS)
		all = true;
	for (u32 i = 0; i < spec->domain_count && same && all; i++)
		same = same_domain(&spec->domain[i]);
	for (u32 i = 0; i < spec->looked_count && same && !all; i++) {
		const struct spec_domain *d = domain_find(spec->looked[i].vm, spec->looked[i].id);

		same = d == NULL || same_domain(d);
	}
	for (u32 i = 0; i < FEW_DOMAINS && same && !all; i++)
		same = same_domain(&spec->domain[turn++ % spec->domain_count]);
	spec->looked_count = 0;
	return same;
}

static bool same_vm(u32 i)
{
	const struct vm *real = vm_at(i);
	const struct spec_vm *v = &spec->vm[i];
	struct spec_vm_words w;

	if (!vm_there(real) || v->w.life == VM_NONE)
		return vm_there(real) == (v->w.life != VM_NONE) ||
		       differs("VM number %u: the specification says that it is%s there", i, v->w.life == VM_NONE ? " not" : "");
	w = vm_words(real);
	if (!SAME(w, v->w, vm_word, "VM", v->w.handle))
		return false;
	for (u32 k = 0; k < SPEC_VCPUS; k++) {
		const struct spec_vcpu_words c = vcpu_words(&real->vcpu[k]);

		if (!SAME(c, v->vcpu[k].w, vcpu_word, "vCPU", k))
			return false;
	}
	for (u32 k = 0; k < SPEC_PVS; k++) {
		const struct spec_pv p = pv_words(&real->pviommu[k]);

		if (!SAME(p, v->pv[k], pv_word, i == 0 ? "pvIOMMU of the primary" : "pvIOMMU of a secondary", k))
			return false;
	}
	return true;
}

static bool same_tree(const struct spec_tree *t, u64 from, u64 to)
{
	char name[40];

	for (u32 i = 0; i < spec->domain_count; i++) {
		const struct spec_domain *d = &spec->domain[i];

		if (t != &d->tree)
			continue;
		snprintf(name, sizeof(name), "domain %llu of VM number %llu", (unsigned long long)d->w.id,
			 (unsigned long long)d->w.vm);
		return d->w.dying || d->w.nested || hw_tree_same(t, real_domain(d)->pt.root.v, from, to, name);
	}
	for (u32 i = 0; i < SPEC_VMS; i++) {
		snprintf(name, sizeof(name), "the %s view of VM number %u", t == &spec->vm[i].dma ? "DMA" : "CPU", i);
		if (t == &spec->vm[i].cpu)
			return hw_tree_same(t, vm_at(i)->cpu_pt.root.v, from, to, name);
		if (t == &spec->vm[i].dma)
			return hw_tree_same(t, vm_at(i)->dma_pt.root.v, from, to, name);
	}
	return true;
}

static bool same_guards(u32 i)
{
	const struct vm *real = vm_at(i);
	const struct spec_vm *v = &spec->vm[i];

	for (u32 k = 0; k < v->w.guards; k++) {
		u32 n = 0;

		while (n < real->guard_count && real->guard[n] != v->guard[k])
			n++;
		if (n == real->guard_count)
			return differs("VM number %u: 0x%llx is not guarded, the specification says that it is", i,
				       (unsigned long long)v->guard[k]);
	}
	return true;
}

static bool same_trees(void)
{
	for (u32 i = 0; i < spec->domain_count; i++)
		if (!same_tree(&spec->domain[i].tree, 0, 1ull << spec->paging.bits))
			return false;
	for (u32 i = 0; i < SPEC_VMS; i++) {
		const struct spec_vm *v = &spec->vm[i];

		if (v->w.life == VM_NONE)
			continue;
		if ((v->cpu.roots > 0 && !same_tree(&v->cpu, 0, 1ull << spec->cpu.bits)) ||
		    (v->dma.roots > 0 && !same_tree(&v->dma, 0, 1ull << spec->dma.bits)))
			return false;
	}
	return true;
}

static bool same_parts(const struct spec_look *look)
{
	for (u32 i = 0; i < look->page_runs; i++)
		if (!same_pages(look->page[i].first, look->page[i].count))
			return false;
	for (u32 i = 0; i < look->tree_runs; i++)
		if (!same_tree(look->tree[i].tree, look->tree[i].from, look->tree[i].to))
			return false;
	return true;
}

const char *abstract_differs(const struct spec_look *look)
{
	bool same = true;

	for (u32 i = 0; i < SPEC_VMS && same; i++)
		same = same_vm(i);
	if (same)
		same = same_domains(look->all);
	for (u32 i = 0; i < spec->devices && same; i++)
		same = same_device(i);
	if (same && vm_tables_free() != spec->hyp_free)
		same = differs("the hypervisor's pool has %llu free pages, the specification says %llu",
			       (unsigned long long)vm_tables_free(), (unsigned long long)spec->hyp_free);
	if (same)
		same = same_endpoints();
	for (u32 i = 1; i < SPEC_VMS && same && look->all; i++)
		same = same_guards(i);
	if (same)
		same = look->all ? same_pages(0, spec->pages) && same_trees() : same_parts(look);
	return same ? NULL : why;
}

/* --- printing */

struct text {
	char *at;
	size_t left;
};

static void PRINTF(2, 3) print(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left > 0 ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

/* Words that are zero in both are not worth their room. */
static void print_words(struct text *t, const char *kind, u64 which, const void *real, const void *want, u32 count,
			const char *(*name)(u32))
{
	const u64 *is = real, *must = want;

	print(t, "\n  %s %llu:", kind, (unsigned long long)which);
	for (u32 i = 0; i < count; i++) {
		if ((is[i] | must[i]) == 0)
			continue;
		print(t, " %s %llx", name(i), (unsigned long long)must[i]);
		if (is[i] != must[i])
			print(t, " (is %llx)", (unsigned long long)is[i]);
	}
}

#define PRINT(t, kind, which, real, want, name) print_words(t, kind, which, &(real), &(want), sizeof(want) / sizeof(u64), name)

static void print_vm(struct text *t, u32 i)
{
	const struct spec_vm *v = &spec->vm[i];
	const struct spec_vm_words w = vm_words(vm_at(i));

	PRINT(t, "VM number", i, w, v->w, vm_word);
	for (u32 k = 0; k < SPEC_PVS; k++) {
		const struct spec_pv p = pv_words(&vm_at(i)->pviommu[k]);

		if (p.iommu != 0 || v->pv[k].iommu != 0)
			PRINT(t, "  pvIOMMU", k, p, v->pv[k], pv_word);
	}
}

void abstract_print(char *to, size_t size)
{
	struct text t = { to, size };

	print(&t, "\nThe state, as specified (and as it is, where that differs), in hexadecimal:");
	for (u32 i = 0; i < SPEC_VMS; i++)
		if (spec->vm[i].w.life != VM_NONE || vm_there(vm_at(i)))
			print_vm(&t, i);
	for (u32 i = 0; i < spec->domain_count; i++) {
		const struct spec_domain *d = &spec->domain[i];
		const struct domain *real = real_domain(d);
		const struct spec_domain_words w = real != NULL ? domain_words(real) : (struct spec_domain_words){ 0 };

		PRINT(&t, "domain", d->w.id, w, d->w, domain_word);
	}
	for (u32 i = 0; i < spec->devices; i++) {
		const struct spec_device_words w = device_words(&device_table[i]);

		PRINT(&t, "device", i, w, spec->device[i].w, device_word);
	}
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct spec_endpoint_words w = endpoint_words(real_endpoint(&spec->endpoint[i]));

		PRINT(&t, "endpoint", i, w, spec->endpoint[i].w, endpoint_word);
	}
	print(&t, "\n  the hypervisor's pool: %llx free (is %llx)\n", (unsigned long long)spec->hyp_free,
	      (unsigned long long)vm_tables_free());
}

bool abstract_vm_is_there(u32 vm) { return vm_there(vm_at(vm)); }

void abstract_domain_left(u32 vm, u64 id, u64 *mapped, u64 *tables)
{
	const struct vm *real = vm_at(vm);
	u32 i = (u32)(id - 1) % DOMAIN_MAX;

	*mapped = *tables = 0;
	if (i >= real->domain_max || slot(real, i)->id != id || slot(real, i)->state == DOMAIN_FREE)
		return;
	*mapped = slot(real, i)->mapped;
	*tables = slot(real, i)->pt.tables;
}

/* --- what a call must not touch */

static bool page_may_change(const struct spec_call *c, u64 n)
{
	const struct spec_page *was = &spec->page[n];
	const struct page *real = page_find(pa(page_address(n)));

	if (record_word(real) == page_word(n))
		return true;
	if ((was->owner != 0 && !c->mine(c, was->owner - 1u)) || (real->owner != OWNER_HYP && !c->mine(c, real->owner - OWNER_VM)))
		return differs("page 0x%llx of owner %u is owner %u's now, and the call is about neither",
			       (unsigned long long)page_address(n), was->owner, real->owner);
	if (was->owner == real->owner)
		return true;
	if (!c->returns_pages || was->owner == OWNER_VM || real->owner > OWNER_VM)
		return differs("page 0x%llx of owner %u is owner %u's now, and the call moves no page there",
			       (unsigned long long)page_address(n), was->owner, real->owner);
	if (real->owner == OWNER_HYP && !abstract_hardware_failed())
		return differs("page 0x%llx of owner %u is lost, and no hardware has failed", (unsigned long long)page_address(n),
			       was->owner);
	if (real->owner == OWNER_VM && !abstract_page_is_zero(page_address(n)))
		return differs("page 0x%llx is the primary's again and was not scrubbed", (unsigned long long)page_address(n));
	return true;
}

static bool pages_mine(const struct spec_call *c)
{
	for (u64 n = next_of_interest(0, spec->pages); n < spec->pages; n = next_of_interest(n + 1, spec->pages))
		if (!page_may_change(c, n))
			return false;
	return true;
}

/* The primary keeps all but tables of its views. */
static bool primary_kept(void)
{
	struct spec_vm *p = &spec->vm[0];

	p->w.cpu_tables = vm_primary->cpu_pt.tables;
	p->w.dma_tables = vm_primary->dma_pt.tables;
	return true;
}

static bool line_moves(const struct spec_call *c, u64 line)
{
	for (u32 i = 0; i < spec->devices; i++)
		for (u32 k = 0; k < spec->device[i].line_count; k++)
			if (c->moves(c, i) && spec->device[i].lines[k] == line)
				return true;
	return false;
}

/* A line that a function of another owner may drive from now on is given to nobody (architecture 9). */
static void lines_go(const struct spec_call *c, u32 device)
{
	struct spec_device *d = &spec->device[device];

	for (u32 k = 0; k < d->line_count; k++)
		if (device_table[device].irq_given[k] == 0 && line_moves(c, d->lines[k]))
			d->line[k] = 0;
}

/* Of other devices nothing changes: state, names, attachments, and what hardware has of their streams. */
static bool devices_kept(const struct spec_call *c)
{
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct spec_endpoint *e = &spec->endpoint[i];
		const struct spec_endpoint_words w = endpoint_words(real_endpoint(e));

		if (c->moves(c, e->device))
			continue;
		lines_go(c, e->device);
		if (!same_device(e->device) || !SAME(w, e->w, endpoint_word, "endpoint", i))
			return false;
	}
	return true;
}

const char *abstract_foreign(const struct spec_call *c)
{
	bool same = pages_mine(c) && primary_kept() && devices_kept(c);

	for (u32 i = 1; i < SPEC_VMS && same; i++)
		same = c->mine(c, i) || same_vm(i);
	for (u32 i = 0; i < spec->domain_count && same; i++)
		same = (spec->domain[i].w.vm != 0 && c->mine(c, (u32)spec->domain[i].w.vm)) || same_domain(&spec->domain[i]);
	return same ? NULL : why;
}
