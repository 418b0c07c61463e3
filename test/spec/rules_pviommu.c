/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other operations of PVIOMMU_OP (abi/pviommu.h): domains, attachments, questions. Names are looked up before the
 * domain, all of them; then each endpoint is checked in the order of the list, and the first refusal is the answer.
 */
#include "rules.h"

#include <string.h>

#include "abi/hcall.h"

/* Leaves that one step of FREE_DOMAIN clears, and tables that it frees. */
#define FREE_LEAVES 512u
#define FREE_TABLES 64u

/* --- domains */

/* R1 is an id that no domain of the VM has. */
s64 rule_alloc_domain(struct spec_call *c)
{
	struct spec_vm *vm = c->vm;

	if (vm->w.domains == vm->w.domain_max)
		return PC_NO_MEMORY;
	if (!pool_take(c, spec->paging.roots == 1 ? 0 : 1))
		return PC_NO_MEMORY;
	/* Tags of the machine may run out before domains do: the pool's share keeps the usual VM far from it. */
	if (c->got_status == PC_NO_MEMORY && !abstract_tags_left(vm_index(vm)))
		return PC_NO_MEMORY;
	RULE_DEMAND(c, c->got_status == PC_SUCCESS, "there is a domain left, and a page for its root");
	RULE_DEMAND(c, c->got[1] != 0 && c->got[1] >> 32 == 0 && domain_of(vm, c->got[1]) == NULL,
		    "the id is 0, too wide, or another domain's");
	pool_settle(c);
	c->out[0] = c->got[1];
	domain_add(vm, c->out[0]);
	vm->w.domains++;
	return PC_SUCCESS;
}

/*
 * A step of a removal: from the lowest address on, 512 leaves at most; and when none is left, tables, 64 at most. How far it
 * comes is its own affair, and what it did is exact.
 */
static void free_mappings(struct spec_call *c, struct spec_domain *d, u64 mapped)
{
	u64 at = d->freed, entry;
	u32 leaves = 0;
	int level;

	while (d->tree.mapped > mapped && tree_next(&d->tree, at, 1ull << d->tree.bits, &at, &level, &entry)) {
		u32 range;

		tree_clear(&d->tree, at, level);
		if (leaf_prot_of(entry) & PVIOMMU_PROT_MMIO)
			device_of_range(leaf_out(entry), SPEC_PAGE, &range)->w.mmio_pins--;
		else
			pins_add(leaf_out(entry), level_size(level), level < SPEC_LAST, -1);
		look_pages(&c->look, leaf_out(entry), level_size(level));
		c->vm->w.pins -= level_size(level) / SPEC_PAGE;
		c->vm->w.mapped -= level_size(level);
		leaves++;
	}
	RULE_DEMAND(c, d->tree.mapped == mapped, "what a step removed is no run of leaves from the lowest on");
	RULE_DEMAND(c, leaves <= FREE_LEAVES, "a step removed %u leaves", leaves);
	d->w.mapped = mapped;
	d->freed = at;
}

s64 rule_free_domain(struct spec_call *c)
{
	struct spec_domain *d = domain_of(c->vm, c->r[2]);
	u64 mapped, tables, roots = spec->paging.roots;

	if (d == NULL)
		return PC_NOT_FOUND;
	if (d->w.attached > 0)
		return PC_BUSY;
	if (d->w.nested) {
		RULE_DEMAND(c, c->finished, "there is nothing to be removed in steps");
		c->vm->w.domains--;
		domain_remove(d);
		return PC_SUCCESS;
	}
	look_tree(&c->look, &d->tree, 0, 1ull << d->tree.bits);
	abstract_domain_left(vm_index(c->vm), d->w.id, &mapped, &tables);
	free_mappings(c, d, mapped);
	RULE_DEMAND(c, tables <= d->w.tables && d->w.tables - tables <= FREE_TABLES, "a step freed %llu tables",
		    (unsigned long long)(d->w.tables - tables));
	RULE_DEMAND(c, mapped == 0 || tables == d->w.tables, "tables are freed while something is mapped");
	c->vm->w.pool_free += d->w.tables - tables;
	d->w.tables = tables;
	d->w.dying = 1;
	c->again = mapped > 0 || tables > 0 || !c->finished;
	if (c->again)
		return PC_SUCCESS;
	c->vm->w.pool_free += roots;
	c->vm->w.domains--;
	domain_remove(d);
	return PC_SUCCESS;
}

/* --- attaching */

struct request {
	struct spec_endpoint *e[PVIOMMU_MAX_VSIDS];
	u32 count;
	u64 pv, domain, pasid, bits, cookie;
};

static s64 collect(const struct spec_call *c, struct request *q, const u64 *one, const u32 *many)
{
	if (pv_of(c->vm, q->pv) == NULL)
		return PC_NOT_FOUND;
	for (u32 i = 0; i < q->count; i++) {
		q->e[i] = endpoint_of(c->vm, q->pv, many != NULL ? many[i] : *one);
		if (q->e[i] == NULL)
			return PC_NOT_FOUND;
		for (u32 k = 0; k < i; k++)
			if (q->e[k] == q->e[i])
				return PC_INVALID_PARAMETER;
	}
	return PC_SUCCESS;
}

static s64 may_attach(const struct spec_call *c, const struct spec_endpoint *e, const struct spec_domain *domain,
		      const struct request *q)
{
	const struct spec_device *d = &spec->device[e->device];
	const struct spec_sub *sub;
	s64 status;

	if (d->w.state == DEV_QUARANTINED || !spec->iommu[e->iommu].common)
		return PC_DENIED;
	if (d->w.state != DEV_ASSIGNED)
		return PC_BUSY; /* its reset is still under way */
	if (spec->iommu[e->iommu].dead)
		return PC_IO;
	status = may_attach_nested(c->vm, e, domain, q->pasid);
	if (status != PC_SUCCESS)
		return status;
	if (q->pasid == 0)
		return e->w.domain == q->domain ? PC_EXISTS : PC_SUCCESS;
	if (e->pasid_bits == 0 || e->w.domain == 0 || !spec->stage1)
		return PC_NOT_SUPPORTED;
	if (e->w.bits == 0 || q->pasid >> e->w.bits != 0)
		return PC_INVALID_PARAMETER;
	sub = sub_of(e, q->pasid);
	return sub != NULL && sub->domain == q->domain ? PC_EXISTS : PC_SUCCESS;
}

static u32 order_of(u64 bytes)
{
	u32 order = 0;

	while ((SPEC_PAGE << order) < bytes)
		order++;
	return order;
}

/*
 * Pages for the context of a stage-1 stream of 2^bits PASIDs: descriptors of 64 bytes, in one run up to 4,096 of them and
 * else in runs of 1,024 below a page; and 16 bytes each to remember attachments. False: the pool has not got them.
 */
static bool context_take(struct spec_call *c, u32 bits, u64 *pages)
{
	u64 before = c->spent;
	bool got;

	if (bits <= 12) {
		got = pool_take(c, order_of(64ull << bits));
	} else {
		got = pool_take(c, 0);
		for (u32 i = 0; got && i < 1u << (bits - 10); i++)
			got = pool_take(c, 4);
	}
	if (got && bits > 0)
		got = pool_take(c, order_of(16ull << bits));
	*pages = c->spent - before;
	return got;
}

/* What each endpoint gets that has no context yet; all or nothing. */
static bool contexts_make(struct spec_call *c, struct request *q)
{
	u64 pages[PVIOMMU_MAX_VSIDS] = { 0 };

	for (u32 i = 0; i < q->count && q->pasid == 0 && spec->stage1; i++) {
		const struct spec_endpoint *e = q->e[i];
		u32 bits = q->bits < e->pasid_bits ? (u32)q->bits : e->pasid_bits;

		if (e->w.context == 0 && !context_take(c, bits, &pages[i]))
			return false;
	}
	for (u32 i = 0; i < q->count; i++) {
		if (pages[i] == 0)
			continue;
		q->e[i]->w.context = pages[i];
		q->e[i]->w.bits = q->bits < q->e[i]->pasid_bits ? q->bits : q->e[i]->pasid_bits;
	}
	pool_settle(c);
	return true;
}

static void domain_used(struct spec_domain *d, const struct spec_endpoint *e)
{
	d->w.attached++;
	d->on[e->iommu]++;
	if (!d->w.nested) /* they have no tag of their own */
		d->w.iommus |= 1ull << e->iommu;
}

static void domain_left(struct spec_domain *d, const struct spec_endpoint *e)
{
	d->w.attached--;
	if (--d->on[e->iommu] == 0)
		d->w.iommus &= ~(1ull << e->iommu);
}

static void attach_sub(struct spec_call *c, u32 endpoint, const struct request *q)
{
	struct spec_endpoint *e = &spec->endpoint[endpoint];
	struct spec_sub *sub = sub_of(e, q->pasid);

	if (sub != NULL) {
		domain_left(domain_of(c->vm, sub->domain), e);
	} else {
		if (spec->sub_count == SPEC_SUBS)
			spec_fail("more attached PASIDs than the specification has room for");
		sub = &spec->sub[spec->sub_count++];
		e->w.subs++;
		c->vm->pv[q->pv].attached++;
	}
	*sub = (struct spec_sub){ endpoint, (u32)q->pasid, q->domain, q->cookie };
}

static void attach_one(struct spec_call *c, struct spec_endpoint *e, const struct request *q, struct spec_domain *d)
{
	domain_used(d, e);
	spec->device[e->device].w.frozen = 1;
	if (q->pasid != 0) {
		attach_sub(c, (u32)(e - spec->endpoint), q);
		return;
	}
	if (e->w.domain != 0)
		domain_left(domain_of(c->vm, e->w.domain), e);
	else
		c->vm->pv[q->pv].attached++;
	e->w.domain = q->domain;
	e->w.cookie = q->cookie;
	e->w.stream = STREAM_DOMAIN | q->domain;
}

/* Contexts of a list are for no more PASIDs in all than one can be for. */
static bool too_many_pasids(const struct request *q)
{
	u64 pasids = 0;

	for (u32 i = 0; i < q->count && q->pasid == 0 && spec->stage1; i++) {
		u64 bits = q->bits < q->e[i]->pasid_bits ? q->bits : q->e[i]->pasid_bits;

		if (q->e[i]->w.context == 0 && bits > 0)
			pasids += 1ull << bits;
	}
	return pasids > 1u << 14;
}

static s64 do_attach(struct spec_call *c, struct request *q, const u64 *one, const u32 *many)
{
	s64 status = collect(c, q, one, many);
	struct spec_domain *d;

	if (status != PC_SUCCESS)
		return status;
	d = live_domain(c, q->domain, &status);
	if (status == PC_DENIED) {
		d = domain_of(c->vm, q->domain);
		status = PC_SUCCESS;
	}
	for (u32 i = 0; status == PC_SUCCESS && i < q->count; i++)
		status = may_attach(c, q->e[i], d, q);
	if (status == PC_SUCCESS && !d->w.nested && too_many_pasids(q))
		status = PC_INVALID_PARAMETER;
	if (status != PC_SUCCESS)
		return status;
	if (!d->w.nested && !contexts_make(c, q))
		return PC_NO_MEMORY;
	for (u32 i = 0; i < q->count; i++)
		attach_one(c, q->e[i], q, d);
	return PC_SUCCESS;
}

static s64 may_detach(const struct spec_endpoint *e, const struct request *q)
{
	const struct spec_sub *sub = q->pasid != 0 ? sub_of(e, q->pasid) : NULL;
	u64 domain = q->pasid == 0 ? e->w.domain : sub != NULL ? sub->domain :
								 0;

	if (domain == 0 || domain != q->domain)
		return PC_NOT_FOUND;
	return q->pasid == 0 && e->w.subs > 0 ? PC_BUSY : PC_SUCCESS;
}

static void detach_one(struct spec_call *c, struct spec_endpoint *e, const struct request *q)
{
	domain_left(domain_of(c->vm, q->domain), e);
	c->vm->pv[q->pv].attached--;
	if (q->pasid != 0) {
		*sub_of(e, q->pasid) = spec->sub[--spec->sub_count];
		e->w.subs--;
		return;
	}
	c->vm->w.pool_free += e->w.context;
	e->w.domain = e->w.cookie = e->w.context = e->w.bits = 0;
	e->w.stream = STREAM_NO;
}

static s64 do_detach(struct spec_call *c, struct request *q, const u64 *one, const u32 *many)
{
	s64 status = collect(c, q, one, many);

	for (u32 i = 0; status == PC_SUCCESS && i < q->count; i++)
		status = may_detach(q->e[i], q);
	for (u32 i = 0; status == PC_SUCCESS && i < q->count; i++)
		detach_one(c, q->e[i], q);
	return status;
}

static struct request of_registers(const struct spec_call *c)
{
	return (struct request){ .count = 1, .pv = c->r[2], .pasid = c->r[4], .domain = c->r[5], .bits = c->r[6] };
}

static struct request of_list(const struct spec_call *c)
{
	const struct pviommu_attach_list *l = &c->envelope.attach;

	return (struct request){ .count = l->vsid_count,
				 .pv = l->pviommu,
				 .pasid = l->pasid,
				 .domain = l->domain,
				 .bits = l->pasid_bits,
				 .cookie = l->cookie };
}

s64 rule_attach_dev(struct spec_call *c)
{
	struct request q = of_registers(c);

	return do_attach(c, &q, &c->r[3], NULL);
}

s64 rule_detach_dev(struct spec_call *c)
{
	struct request q = of_registers(c);

	return do_detach(c, &q, &c->r[3], NULL);
}

s64 rule_attach_list(struct spec_call *c)
{
	struct request q = of_list(c);

	return c->fetched == PC_SUCCESS ? do_attach(c, &q, NULL, c->list.vsid) : c->fetched;
}

s64 rule_detach_list(struct spec_call *c)
{
	struct request q = of_list(c);

	return c->fetched == PC_SUCCESS ? do_detach(c, &q, NULL, c->list.vsid) : c->fetched;
}

/* --- questions */

static const struct spec_endpoint *named(const struct spec_call *c)
{
	return pv_of(c->vm, c->r[2]) != NULL ? endpoint_of(c->vm, c->r[2], c->r[3]) : NULL;
}

/* No page requests, no stalls, nothing shared on this machine: no flag of them is set. */
s64 rule_sid_info(struct spec_call *c)
{
	const struct spec_endpoint *e = named(c);

	if (e == NULL)
		return PC_NOT_FOUND;
	c->out[0] = e->ats ? PVIOMMU_EP_ATS : 0;
	return PC_SUCCESS;
}

s64 rule_endpoint_info(struct spec_call *c)
{
	const struct spec_endpoint *e = named(c);

	if (e == NULL)
		return PC_NOT_FOUND;
	c->out[0] = e->ats ? PVIOMMU_EP_ATS : 0;
	c->out[1] = e->pasid_bits;
	c->out[2] = spec->device[e->device].group;
	return PC_SUCCESS;
}

/* The index-th vSID of a pvIOMMU, in the order of devices and endpoints. */
static s64 vsid_at(struct spec_call *c)
{
	u64 left = c->r[4];

	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct spec_endpoint *e = &spec->endpoint[i];
		const struct spec_device *d = &spec->device[e->device];

		if (!e->w.has_vsid || d->w.vm != vm_index(c->vm) || d->w.pv != c->r[2] + 1 || left-- > 0)
			continue;
		c->out[0] = e->w.vsid;
		return PC_SUCCESS;
	}
	return PC_NOT_FOUND;
}

/* Operations from 0x40 that exist, from bit 0 on. */
static u64 features(void)
{
	u64 bits = 0;

	for (u32 op = PVIOMMU_OP_FIRST_OURS; op < PVIOMMU_OP_COUNT; op++)
		bits |= (u64)(spec_operations[op].callers != 0) << (op - PVIOMMU_OP_FIRST_OURS);
	return bits;
}

s64 rule_query(struct spec_call *c)
{
	const struct spec_pv *pv = pv_of(c->vm, c->r[2]);
	u64 *value = &c->out[0];

	if (pv == NULL)
		return PC_NOT_FOUND;
	switch (c->r[3]) {
	case PVIOMMU_Q_VERSION:
		*value = PC_ABI_VERSION;
		return PC_SUCCESS;
	case PVIOMMU_Q_PAGE_SIZES:
		*value = spec->paging.sizes;
		return PC_SUCCESS;
	case PVIOMMU_Q_IOVA_BITS:
		*value = spec->paging.bits;
		return PC_SUCCESS;
	case PVIOMMU_Q_PASID_BITS:
		*value = spec->iommu[pv->iommu - 1].pasid_bits;
		return PC_SUCCESS;
	case PVIOMMU_Q_VSID_COUNT:
		*value = pv->vsids;
		return PC_SUCCESS;
	case PVIOMMU_Q_VSID:
		return vsid_at(c);
	case PVIOMMU_Q_DOMAINS_LEFT:
		*value = c->vm->w.domain_max - c->vm->w.domains;
		return PC_SUCCESS;
	case PVIOMMU_Q_FEATURES:
		*value = features();
		return PC_SUCCESS;
	case PVIOMMU_Q_MAP_LIST_MAX:
		*value = PVIOMMU_MAX_LIST;
		return PC_SUCCESS;
	case PVIOMMU_Q_INVAL_MAX:
		*value = nested_here(c->vm, pv) ? 256 : 0;
		return PC_SUCCESS;
	case PVIOMMU_Q_NESTED_TYPES:
		*value = nested_here(c->vm, pv) ? 1 << 2 : 0;
		return PC_SUCCESS;
	case PVIOMMU_Q_INVAL_TYPES:
		*value = nested_here(c->vm, pv) ? 1 << 1 : 0;
		return PC_SUCCESS;
	case PVIOMMU_Q_DOORBELL: /* none */
	case PVIOMMU_Q_DOORBELL_SIZE:
		return PC_SUCCESS;
	case PVIOMMU_Q_EVENT_IRQ:
		return vm_index(c->vm) == 0 && abstract_event_irq(c->r[4], value) ? PC_SUCCESS : PC_NOT_FOUND;
	case PVIOMMU_Q_RESERVED_BASE: /* every IOVA is the guest's */
	case PVIOMMU_Q_RESERVED_SIZE:
		return PC_NOT_FOUND;
	default:
		return PC_NOT_SUPPORTED;
	}
}

s64 rule_stats(struct spec_call *c)
{
	const struct spec_pv *pv = pv_of(c->vm, c->r[2]);
	const struct spec_vm_words *w = &c->vm->w;

	if (pv == NULL)
		return PC_NOT_FOUND;
	if (c->r[3] >= PVIOMMU_STAT_COUNT)
		return PC_NOT_SUPPORTED;
	c->out[0] = ((const u64[PVIOMMU_STAT_COUNT]){
		[PVIOMMU_STAT_MAPS] = w->maps,
		[PVIOMMU_STAT_UNMAPS] = w->unmaps,
		[PVIOMMU_STAT_FAULTS] = pv->faults,
		[PVIOMMU_STAT_LOST] = pv->lost,
		[PVIOMMU_STAT_QUARANTINES] = pv->quarantines,
		[PVIOMMU_STAT_POOL_FREE] = w->pool_free,
		[PVIOMMU_STAT_PINS] = w->pins,
		[PVIOMMU_STAT_MAPPED] = w->mapped,
		[PVIOMMU_STAT_DOMAINS] = w->domains,
		[PVIOMMU_STAT_ATTACHED] = pv->attached,
	})[c->r[3]];
	return PC_SUCCESS;
}
