/* SPDX-License-Identifier: BSD-2-Clause */
/* Does the machine differ from the abstract state, and did a call touch what it is not about? */
#include "abstract.h"

#include <stdio.h>

#include "iommu/device.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#include "abstract_parts.h"
#include "rules.h"

#define FEW_DOMAINS 32u

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
		if (!pages_same(look->page[i].first, look->page[i].count))
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
		same = look->all ? pages_same(0, spec->pages) && same_trees() : same_parts(look);
	return same ? NULL : difference();
}

/* --- what a call must not touch */

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
	return same ? NULL : difference();
}
