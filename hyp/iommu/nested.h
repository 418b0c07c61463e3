/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that are a guest's own: the domain, and the guest's invalidations for them. What its words mean is the
 * driver's affair (include/hyp/iommu_hw.h); here is who they are about.
 */
#ifndef IOMMU_NESTED_H
#define IOMMU_NESTED_H

#include "hyp/iommu_hw.h"
#include "hyp/lock.h"

/* Is there an IOMMU here that a VM could have nested domains behind? */
bool nested_possible(void);
/* May this VM have nested domains behind the IOMMU? */
bool nested_offered(const struct vm *vm, const struct iommu *iommu);

/* E_INVAL: the IOMMU has no such first stage; E_NOMEM. */
enum status nested_alloc(struct vm *vm, struct iommu *iommu, struct nested_config *config, u32 *id) MUST_CHECK
	NOT_HELD(vm_class);

/* What became of entries. */
struct inval_done {
	u32 done; /* those before are complete */
	u32 told; /* and of those from there to here the first byte of each entry says PVIOMMU_INVAL_* */
};

/*
 * Invalidate by the entries, in batches that are each complete before the next begins; no lock is held while hardware is
 * waited for. Returns PVIOMMU_INVAL_* of the entry at r->done, DONE: there is none left, NOT_ATTEMPTED: again from
 * there, since devices are asked by another call, or this one has waited for them for long. A device that does not answer is
 * quarantined, and one that is late again and again.
 */
u8 nested_inval(struct vm *vm, u32 pviommu, struct iommu *iommu, u64 *entry, u32 count, struct inval_done *r) MUST_CHECK
	NOT_HELD(vm_class);

#endif
