/* SPDX-License-Identifier: BSD-2-Clause */
/* Map and unmap by the guest's names: arguments checked, the domain found and locked, one step. */
#include "pviommu.h"

#include "hcall/hcall.h"
#include "iommu/domain.h"
#include "vm/vm.h"

static bool range_ok(u64 base, u64 bytes)
{
	return page_aligned(base | bytes) && base + bytes >= base;
}

static ALWAYS_INLINE bool map_args_ok(u64 base, u64 from, u64 bytes, u64 prot)
{
	return page_aligned(base | from | bytes) && base + bytes >= base && from + bytes >= from &&
	       (prot & ~(u64)PVIOMMU_PROT_ALL) == 0 &&
	       (prot & (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)) != 0;
}

static enum status map_entry(struct vcpu *vcpu, struct domain *d,
			     const struct pviommu_map_entry *e, struct budget *b, u64 *done)
	MUST_HOLD(domain_class)
{
	struct map_request req = {
		.iova = iova(e->iova),
		.ipa = ipa(e->ipa),
		.size = e->bytes,
		.prot = e->prot,
	};
	enum status status = domain_map(vcpu, d, &req, b, done);

	if (likely(status == OK && *done > 0))
		vcpu->vm->stat[vcpu->index].maps++;
	return status;
}

static NOINLINE enum status map_general(struct vcpu *vcpu, struct domain *d,
					const struct pviommu_map_entry *e, u64 *done)
	MUST_HOLD(domain_class)
{
	struct budget b = BUDGET_WHOLE;

	return map_entry(vcpu, d, e, &b, done);
}

enum status pviommu_map(struct vcpu *vcpu, u64 domain, u64 base, u64 from, u64 bytes, u64 prot,
			u64 *done)
{
	enum status status;
	struct domain *d;

	if (unlikely(!map_args_ok(base, from, bytes, prot)))
		return E_INVAL;
	if (unlikely(!domain_get(vcpu->vm, domain, &d, &status)))
		return status;
	if (unlikely(bytes == 0)) {
		/* Nothing to do, and done. */
	} else if (likely(domain_map_simple(vcpu, d, iova(base), ipa(from), bytes, (u32)prot))) {
		vcpu->vm->stat[vcpu->index].maps++;
		*done = bytes;
	} else {
		vcpu->call->map = (struct pviommu_map_entry){ base, from, bytes, (u32)prot, 0 };
		status = map_general(vcpu, d, &vcpu->call->map, done);
	}
	domain_unlock(d);
	return status;
}

enum status pviommu_map_list(struct vcpu *vcpu, u64 domain, const struct pviommu_map_entry *e,
			     u32 count, u64 *done)
{
	struct budget b = BUDGET_WHOLE;
	enum status status;
	struct domain *d;

	if (!domain_get(vcpu->vm, domain, &d, &status))
		return status;
	for (u32 i = 0; i < count && budget_left(&b); i++) {
		u64 step = 0;

		status = map_args_ok(e[i].iova, e[i].ipa, e[i].bytes, e[i].prot) &&
					 e[i].reserved == 0 ?
				 OK :
				 E_INVAL;
		if (status == OK && e[i].bytes == 0)
			continue;
		if (status == OK)
			status = map_entry(vcpu, d, &e[i], &b, &step);
		if (status != OK)
			break;
		*done += step;
		if (step < e[i].bytes)
			break;
		budget_spend(&b, WORK_MAP_ENTRY);
	}
	domain_unlock(d);
	return status;
}

/* The general way, for one range or a list; releases the domain lock. */
static enum status unmap_all(struct vcpu *vcpu, struct domain *d,
			     const struct pviommu_unmap_entry *e, u32 count, u64 *done)
	RELEASES(domain_class);

enum status pviommu_unmap(struct vcpu *vcpu, u64 domain, u64 base, u64 bytes, u64 *done)
	NO_LOCK_ANALYSIS
{
	enum status status;
	struct domain *d;

	if (unlikely(!range_ok(base, bytes)))
		return E_INVAL;
	if (unlikely(!domain_get(vcpu->vm, domain, &d, &status)))
		return status;
	if (likely(bytes != 0 && domain_unmap_simple(vcpu, d, iova(base), bytes, &status))) {
		vcpu->vm->stat[vcpu->index].unmaps++;
		*done = likely(status == OK) ? bytes : 0;
		return status;
	}
	return unmap_all(vcpu, d, &(struct pviommu_unmap_entry){ .iova = base, .bytes = bytes }, 1,
			 done);
}

/* Gather all entries. *done: bytes, with what the entry that fails had done. */
static enum status gather(struct domain *d, const struct pviommu_unmap_entry *e, u32 count,
			  u64 *done) MUST_HOLD(domain_class)
{
	struct budget b = BUDGET_WHOLE;

	for (u32 i = 0; i < count && budget_left(&b); i++) {
		enum status status;
		u64 step = 0;

		if (unlikely(!range_ok(e[i].iova, e[i].bytes)))
			return E_INVAL;
		if (e[i].bytes == 0)
			continue;
		budget_spend(&b, WORK_UNMAP_ENTRY);
		status = domain_unmap_gather(d, iova(e[i].iova), e[i].bytes, &b, &step);
		*done += step;
		if (unlikely(status != OK))
			return status;
		if (step < e[i].bytes)
			break;
	}
	return OK;
}

static enum status unmap_all(struct vcpu *vcpu, struct domain *d,
			     const struct pviommu_unmap_entry *e, u32 count, u64 *done)
{
	enum status status, hw;

	domain_unmap_begin(d);
	status = gather(d, e, count, done);
	if (*done > 0)
		vcpu->vm->stat[vcpu->index].unmaps++;
	hw = domain_unmap_end(vcpu, d);
	if (unlikely(hw != OK)) {
		*done = 0;
		return hw;
	}
	return status;
}

enum status pviommu_unmap_list(struct vcpu *vcpu, u64 domain, const struct pviommu_unmap_entry *e,
			       u32 count, u64 *done)
{
	enum status status;
	struct domain *d;

	if (unlikely(!domain_get(vcpu->vm, domain, &d, &status)))
		return status;
	return unmap_all(vcpu, d, e, count, done);
}
