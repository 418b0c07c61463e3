/* SPDX-License-Identifier: BSD-2-Clause */
/* Map and unmap by the guest's names: arguments checked, the domain found and locked, one step. */
#include "pviommu.h"

#include "iommu/domain.h"
#include "vm/vm.h"

static bool range_ok(u64 base, u64 bytes)
{
	return page_aligned(base | bytes) && base + bytes >= base;
}

static enum status check_map(const struct pviommu_map_entry *e)
{
	if (unlikely(!range_ok(e->iova, e->bytes) || !range_ok(e->ipa, e->bytes)))
		return E_INVAL;
	if (unlikely((e->prot & ~PVIOMMU_PROT_ALL) != 0 || e->reserved != 0 ||
		     (e->prot & (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)) == 0))
		return E_INVAL;
	return OK;
}

static enum status map_entry(struct vcpu *vcpu, struct domain *d,
			     const struct pviommu_map_entry *e, u32 *leaves, u64 *done)
	MUST_HOLD(domain_class)
{
	struct map_request req = {
		.iova = iova(e->iova),
		.ipa = ipa(e->ipa),
		.size = e->bytes,
		.prot = e->prot,
	};
	enum status status = domain_map(vcpu, d, &req, leaves, done);

	if (likely(status == OK))
		vcpu->vm->stat[vcpu->index].maps++;
	return status;
}

enum status pviommu_map(struct vcpu *vcpu, u64 domain, const struct pviommu_map_entry *e, u64 *done)
{
	u32 leaves = PVIOMMU_MAX_LEAVES;
	enum status status;
	struct domain *d;

	status = check_map(e);
	if (unlikely(status != OK))
		return status;
	if (!domain_get(vcpu->vm, domain, &d, &status))
		return status;
	if (likely(e->bytes != 0))
		status = map_entry(vcpu, d, e, &leaves, done);
	domain_unlock(d);
	return status;
}

enum status pviommu_map_list(struct vcpu *vcpu, u64 domain, const struct pviommu_map_entry *e,
			     u32 count, u64 *done)
{
	u32 leaves = PVIOMMU_MAX_LEAVES;
	enum status status;
	struct domain *d;

	if (!domain_get(vcpu->vm, domain, &d, &status))
		return status;
	for (u32 i = 0; i < count && leaves > 0; i++) {
		u64 step = 0;

		status = check_map(&e[i]);
		if (status == OK && e[i].bytes != 0)
			status = map_entry(vcpu, d, &e[i], &leaves, &step);
		if (status != OK)
			break;
		*done += step;
		if (step < e[i].bytes)
			break;
	}
	domain_unlock(d);
	return status;
}

enum status pviommu_unmap(struct vcpu *vcpu, u64 domain, u64 base, u64 bytes, u64 *done)
{
	struct pviommu_unmap_entry entry = { .iova = base, .bytes = bytes };

	return pviommu_unmap_list(vcpu, domain, &entry, 1, done);
}

/* Gather all entries; *whole excludes what a failing entry had done, *done includes it. */
static enum status gather(struct domain *d, const struct pviommu_unmap_entry *e, u32 count,
			  u64 *done) MUST_HOLD(domain_class)
{
	u32 leaves = PVIOMMU_MAX_LEAVES;

	for (u32 i = 0; i < count && leaves > 0; i++) {
		enum status status;
		u64 step = 0;

		if (unlikely(!range_ok(e[i].iova, e[i].bytes)))
			return E_INVAL;
		if (e[i].bytes == 0)
			continue;
		status = domain_unmap_gather(d, iova(e[i].iova), e[i].bytes, &leaves, &step);
		*done += step;
		if (unlikely(status != OK))
			return status;
		if (step < e[i].bytes)
			break;
	}
	return OK;
}

enum status pviommu_unmap_list(struct vcpu *vcpu, u64 domain, const struct pviommu_unmap_entry *e,
			       u32 count, u64 *done)
{
	enum status status, hw;
	struct domain *d;

	if (count == 1 && unlikely(!range_ok(e->iova, e->bytes)))
		return E_INVAL;
	if (!domain_get(vcpu->vm, domain, &d, &status))
		return status;
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
