// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The VMM's calls. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "donate.h"

/* Beyond what the hypervisor asks for: tables for what is donated. */
#define POOL_TABLES	48

/* More steps would be a teardown that does not end. */
#define DESTROY_STEPS	100000
#define RUN_ROUNDS	100000

s32 donate_call(u32 fn, u64 a, u64 b, u64 c, u64 d, u64 e, u64 *value)
{
	struct arm_smccc_res res;

	pcl_smccc(fn, a, b, c, d, e, 0, &res);
	*value = res.a1;
	return res.a0;
}

int donate_query(u32 property, u64 index, u64 *value)
{
	s32 status = donate_call(PC_VMM_QUERY, property, index, 0, 0, 0, value);

	if (status)
		return donate_wrong("VMM_QUERY %u: %d", property, status);
	return 0;
}

/* The machine has one IOMMU, so there is one pvIOMMU. */
int donate_stat(u32 counter, u64 *value)
{
	s32 status = donate_call(PC_PVIOMMU_OP, PVIOMMU_STATS, 0, counter, 0, 0,
				 value);

	if (status)
		return donate_wrong("STATS %u: %d", counter, status);
	return 0;
}

int donate_vm_create(struct donate_vm *vm, unsigned int vcpus)
{
	u64 pages, handle;
	s32 status;
	int ret;

	*vm = (struct donate_vm) {};
	ret = donate_query(PC_VMM_Q_MIN_POOL, vcpus, &pages);
	if (ret)
		return ret;
	pages += POOL_TABLES;
	vm->pool_order = get_order(pages * PAGE_SIZE);
	vm->pool = alloc_pages(GFP_KERNEL | __GFP_NOWARN, vm->pool_order);
	vm->exit = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!vm->pool || !vm->exit) {
		ret = donate_wrong("no memory for a pool");
		goto free;
	}

	status = donate_call(PC_VM_CREATE, 0, vcpus, page_to_phys(vm->pool),
			     1ULL << vm->pool_order, 0, &handle);
	if (status) {
		ret = donate_wrong("VM_CREATE: %d", status);
		goto free;
	}
	vm->handle = handle;
	return 0;

free:
	if (vm->pool)
		__free_pages(vm->pool, vm->pool_order);
	if (vm->exit)
		__free_page(vm->exit);
	return ret;
}

int donate_vm_destroy(struct donate_vm *vm)
{
	unsigned int steps = 0;
	s32 status;
	u64 left;
	int ret;

	do {
		status = donate_call(PC_VM_DESTROY, vm->handle, 0, 0, 0, 0,
				     &left);
		cond_resched();
	} while (!status && left && ++steps < DESTROY_STEPS);
	if (status || left)
		return donate_wrong("VM_DESTROY: %d, %llu left", status, left);

	status = donate_call(PC_VM_DESTROY, vm->handle, 0, 0, 0, 0, &left);
	if (status != PC_NOT_FOUND)
		return donate_wrong("VM_DESTROY of what is gone: %d", status);
	ret = donate_check_zero(vm->pool, 1 << vm->pool_order);
	__free_pages(vm->pool, vm->pool_order);
	__free_page(vm->exit);
	return ret;
}

int donate_vm_finalise(struct donate_vm *vm)
{
	u64 none;
	s32 status = donate_call(PC_VM_FINALISE, vm->handle, 0, 0, 0, 0, &none);

	return status ? donate_wrong("VM_FINALISE: %d", status) : 0;
}

int donate_vm_expect(struct donate_vm *vm, phys_addr_t pa, u64 pages,
		     s32 wanted)
{
	u64 done;
	s32 status = donate_call(PC_VM_DONATE, vm->handle, DONATE_IPA_FREE,
				 pa, pages, PC_DONATE_KEEP, &done);

	if (status == wanted && done == (wanted ? 0 : pages))
		return 0;
	return donate_wrong("VM_DONATE of %llu pages at %pa: %d, %llu done, %d was due",
			    pages, &pa, status, done, wanted);
}

int donate_vm_run(struct donate_vm *vm, u64 power)
{
	struct pc_vcpu_exit *exit = page_address(vm->exit);
	unsigned int rounds = 0;
	s32 status;
	u64 reason;

	do {
		exit->size = sizeof(*exit);
		status = donate_call(PC_VCPU_RUN, vm->handle, 0,
				     page_to_phys(vm->exit), 0, 0, &reason);
		cond_resched();
	} while (!status && reason == PC_EXIT_HOST_IRQ &&
		 ++rounds < RUN_ROUNDS);

	if (status || reason != PC_EXIT_POWER || exit->reason != reason ||
	    exit->arg[0] != power)
		return donate_wrong("VCPU_RUN: %d, reason %llu arg %llu, power %llu was due",
				    status, reason, exit->arg[0], power);
	return 0;
}
