/* SPDX-License-Identifier: BSD-2-Clause */
#include "nested.h"

#include "abi/pviommu.h"
#include "domain.h"
#include "iommu.h"
#include "vm/vm.h"

bool nested_possible(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].caps.nested)
			return true;
	return false;
}

bool nested_offered(const struct vm *vm, const struct iommu *iommu)
{
	/* Behind the first stage is the VM's DMA table: it must have one, in the format of this IOMMU. */
	return iommu->caps.nested && vm->dma_pt.ops != NULL;
}

enum status nested_alloc(struct vm *vm, struct iommu *iommu, struct nested_config *config, u32 *id)
{
	enum status status = iommu->ops->nested_check(iommu, config);

	if (status != OK)
		return status;
	vm_lock(vm);
	status = domain_alloc_nested(vm, iommu, config, id);
	vm_unlock(vm);
	return status;
}

u8 nested_inval(struct vm *vm, u32 pviommu, struct iommu *iommu, u64 *entry, u32 count, u32 *done)
{
	struct guest_inval g = { .vm = vm, .pviommu = pviommu, .tag = &vm->dma_tag, .entry = entry, .count = count };
	u8 verdict;

	do {
		/*
		 * What was queued under the lock is before all that a change of the stream, or of its owner, queues later;
		 * so no command comes to hardware after its name has become another's.
		 */
		vm_lock(vm);
		verdict = iommu->ops->inval_guest(iommu, &g);
		vm_unlock(vm);
		if (g.ticket != 0 && unlikely(iommu->ops->wait(iommu, g.ticket) != OK)) {
			iommu_fail(iommu, "a guest's invalidation did not complete");
			verdict = PVIOMMU_INVAL_HW_TIMEOUT;
		} else {
			g.entry += g.done * (iommu->ops->inval_bytes / sizeof(u64));
			g.count -= g.done;
		}
	} while (g.count > 0 && verdict == PVIOMMU_INVAL_DONE);
	*done = count - g.count;
	return verdict;
}
