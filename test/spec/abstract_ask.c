/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules cannot know from the abstract state, asked of the machine. */
#include "abstract.h"

#include "hyp/arch.h"
#include "hcall/hcall.h"
#include "hyp/io.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#include "abstract_parts.h"
#include "spec_check.h"

bool abstract_page_is_zero(u64 at)
{
	const u64 *word = io_phys(pa(at));

	for (u32 i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != 0)
			return false;
	return true;
}

bool abstract_in_window(u64 at, u64 size)
{
	for (u32 i = 0; arch_vm_window(i).size != 0; i++) {
		const struct range w = arch_vm_window(i);

		if (at < w.base + w.size && w.base < at + size)
			return true;
	}
	return false;
}

bool abstract_window(u64 index, u64 *base, u64 *size)
{
	const struct range w = arch_vm_window(index < 8 ? (u32)index : 8);

	*base = w.base;
	*size = w.size;
	return w.size != 0;
}

u64 abstract_vm_parts(u64 vcpus)
{
	u64 asids = iommu_common.stage1 && iommu_common.stage2 ?
			    align_up(idmap_bytes(1u << iommu_common.asid_bits), PAGE_SIZE) >> PAGE_SHIFT :
			    0;

	return 2 + arch_cpu_pt->root_pages + (1ull << arch_vm_order()) + (vcpus << arch_vcpu_order()) + asids;
}

u64 abstract_domain_tags(void)
{
	u64 tags = (1ull << (iommu_common.stage1 ? iommu_common.asid_bits : iommu_common.vmid_bits)) - 3;

	/* Where tags are the machine's, all secondaries together have half of them. */
	return iommu_common.stage1 && iommu_common.stage2 ? tags : tags / (2 * VM_SECONDARIES) + 1;
}

u64 abstract_vm_place(u64 handle)
{
	for (u32 i = 0; i < SPEC_VMS; i++)
		if (abstract_vm_is_there(i) && vm_at(i)->handle == handle)
			return i;
	return SPEC_VMS;
}

u64 abstract_device_state(u32 device) { return device_table[device].state; }
u64 abstract_device_vm(u32 device) { return abstract_vm_number(device_table[device].vm); }

u64 abstract_wake_irq(void) { return machine->wake_irq; }
bool abstract_can_run(void) { return arch_vcpu_can_run(); }

u64 abstract_allocation_fails(void) { return pool_fail_after; }

bool abstract_hardware_failed(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].dead)
			return true;
	return false;
}

bool abstract_tags_left(u32 vm)
{
	const struct idmap *map = iommu_common.stage1 ? vm_at(vm)->asids : &iommu_vmids;

	for (u32 i = 0; i < map->count; i++)
		if (!(map->word[i / 64] >> (i % 64) & 1))
			return true;
	return false;
}

bool abstract_event_irq(u64 index, u64 *intid)
{
	if (index < machine->event_irq_count)
		*intid = machine->event_irq[index];
	return index < machine->event_irq_count;
}

bool abstract_pool_has_run(u32 vm, u32 order)
{
	const struct pool *pool = &vm_at(vm)->pool;

	for (u32 i = order; i <= POOL_ORDER_MAX; i++)
		if (pool->free[i].next != &pool->free[i])
			return true;
	return false;
}

bool abstract_irq_is_of(u32 intid, u32 iommu)
{
	return machine->iommu[iommu].event_irq == intid || machine->iommu[iommu].error_irq == intid;
}

static bool events_came(void)
{
	bool came = false;

	for (u32 i = 0; i < iommu_count; i++)
		came |= hw_events_came(i);
	return came;
}

bool abstract_streams_muted(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].poll_force != 0)
			return true;
	return false;
}

const char *abstract_take_faults(bool any)
{
	if (!any && !events_came())
		return NULL;
	for (u32 i = 0; i < SPEC_VMS; i++)
		for (u32 k = 0; k < SPEC_PVS; k++) {
			const struct pviommu *real = &vm_at(i)->pviommu[k];
			struct spec_pv *pv = &spec->vm[i].pv[k];

			if (!abstract_vm_is_there(i))
				continue;
			if ((real->faults != pv->faults || real->lost != pv->lost) &&
			    (real->faults < pv->faults || real->lost < pv->lost || pv->iommu == 0)) {
				differs("pvIOMMU %u of VM number %u: %llu faults and %llu lost, before %llu and %llu", k, i,
					(unsigned long long)real->faults, (unsigned long long)real->lost,
					(unsigned long long)pv->faults, (unsigned long long)pv->lost);
				return difference();
			}
			pv->faults = real->faults;
			pv->lost = real->lost;
		}
	return NULL;
}

bool abstract_events_pending(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_pending(&iommu_instance[i]))
			return true;
	return false;
}

bool abstract_call_is_fresh(const struct vcpu *vcpu) { return vcpu->call->row != NULL; }

bool abstract_config_window(u64 at)
{
	for (u32 i = 0; i < machine->pci_count; i++)
		if (at - machine->pci[i].ecam.base < machine->pci[i].ecam.size)
			return true;
	return false;
}
