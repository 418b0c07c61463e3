/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What else a guest's exit can be about: an access to an emulated window, an interrupt of ours,
 * and the work that must not wait for an interrupt that a guest can hold back.
 */
#include "debug/console.h"
#include "hcall/hcall.h"
#include "hyp/arch.h"
#include "hyp/log.h"
#include "hyp/pci.h"
#include "hyp/upcall.h"
#include "iommu/device.h"
#include "iommu/drain.h"
#include "iommu/fault.h"
#include "iommu/iommu.h"
#include "vm/vcpu.h"
#include "vm/view.h"
#include "vm/vm.h"

/* Each IOMMU has a share of what an exit takes, so that none can keep another's events waiting. */
static NOINLINE void drain_pending(struct vcpu *vcpu)
{
	u32 share = (hcall_was_long(vcpu) ? DRAIN_EVENTS_LONG : DRAIN_EVENTS) / iommu_count;

	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_pending(&iommu_instance[i]))
			iommu_drain_exit(&iommu_instance[i], share > 0 ? share : 1);
}

/* Every exit comes here: no stack frame while nothing is pending. */
void hyp_exit_work(struct vcpu *vcpu)
{
	const struct iommu *iommu = iommu_instance;

	for (u32 left = iommu_count; left > 0; left--, iommu++)
		if (unlikely(iommu_pending(iommu)))
			return drain_pending(vcpu);
}

void hyp_irq(u32 intid)
{
	if (intid == machine->debug.irq)
		console_turn();
	for (u32 i = 0; i < iommu_count; i++)
		if (machine->iommu[i].event_irq == intid || machine->iommu[i].error_irq == intid) {
			iommu_drain_exit(&iommu_instance[i], DRAIN_EVENTS / iommu_count);
			fault_tell();
		}
}

static bool config_access(struct vcpu *vcpu, u32 host, struct mem_access *access)
{
	u64 offset = access->ipa.v - machine->pci[host].ecam.base;

	if (!access->valid || access->width > 4 || (offset & (access->width - 1u)) != 0)
		return false;
	if (access->write)
		pci_config_write(vcpu->vm, host, offset, access->width, (u32)access->value);
	else
		access->value = pci_config_read(vcpu->vm, host, offset, access->width);
	return true;
}

void hyp_irq_storm(u32 physical, struct vm *vm)
{
	device_irq_storm(physical, vm);
}

void hyp_vcpu_wake(struct vcpu *vcpu)
{
	(void)vcpu; /* the primary asks by running it */
	arch_raise_event_irq(machine->wake_irq);
}

/*
 * True: memory of the primary that is being split or merged on another CPU, mapped again in a moment.
 * Apart and without the record, so that accesses of configuration space, of which a boot makes many, keep
 * theirs in registers.
 */
static NOINLINE bool nobodys_access(struct vm *vm, ipa_t addr, bool write)
{
	if (page_find(pa(addr.v)) != NULL && view_has(vm, addr))
		return true;
	log_debug("vm %u: %s of 0x%lx, which is nobody's", vm->handle, write ? "write" : "read", (unsigned long)addr.v);
	return false;
}

bool hyp_mem_access(struct vcpu *vcpu, struct mem_access *access)
{
	for (u32 i = 0; i < machine->pci_count; i++)
		if (access->ipa.v - machine->pci[i].ecam.base < machine->pci[i].ecam.size)
			return config_access(vcpu, i, access);
	access->again = nobodys_access(vcpu->vm, access->ipa, access->write);
	return false;
}

bool hyp_vcpu_mem_access(struct vcpu *vcpu, struct mem_access *access)
{
	return vcpu_mem_access(vcpu, access);
}
