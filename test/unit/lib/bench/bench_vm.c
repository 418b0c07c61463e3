/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_vm.h"

#include <string.h>

#include "suite.h"

#define POISON BENCH_POISON

struct result pc_vmm_query(u64 property, u64 index)
{
	return bench_call(PC_VMM_QUERY, property, index, POISON, POISON, POISON, POISON);
}

struct result pc_vm_create(u64 flags, u64 vcpus, u64 pool, u64 pages)
{
	return bench_call(PC_VM_CREATE, flags, vcpus, pool, pages, POISON, POISON);
}

struct result pc_vm_destroy(u64 vm)
{
	return bench_call(PC_VM_DESTROY, vm, POISON, POISON, POISON, POISON, POISON);
}

struct result pc_vm_donate(u64 vm, u64 at, u64 from, u64 pages, u64 flags)
{
	return bench_call(PC_VM_DONATE, vm, at, from, pages, flags, POISON);
}

struct result pc_vm_finalise(u64 vm)
{
	return bench_call(PC_VM_FINALISE, vm, POISON, POISON, POISON, POISON, POISON);
}

struct result pc_vm_add_pool(u64 vm, u64 pool, u64 pages)
{
	return bench_call(PC_VM_ADD_POOL, vm, pool, pages, POISON, POISON, POISON);
}

struct result pc_vcpu_set(u64 vm, u64 vcpu, u64 entry, u64 argument)
{
	return bench_call(PC_VCPU_SET, vm, vcpu, entry, argument, POISON, POISON);
}

struct result pc_vcpu_run(u64 vm, u64 vcpu, u64 at)
{
	return bench_call(PC_VCPU_RUN, vm, vcpu, at, POISON, POISON, POISON);
}

struct result pc_vcpu_irq(u64 vm, u64 vcpu, u64 intid, u64 level)
{
	return bench_call(PC_VCPU_IRQ, vm, vcpu, intid, level, POISON, POISON);
}

struct result pc_dev_map_mmio(u64 device, u64 range, u64 at)
{
	return bench_call(PC_DEV_MAP_MMIO, device, range, at, POISON, POISON, POISON);
}

struct result pc_dev_map_irq(u64 device, u64 index, u64 intid)
{
	return bench_call(PC_DEV_MAP_IRQ, device, index, intid, POISON, POISON, POISON);
}

struct result vm_share(u32 vm, u64 at, u64 pages)
{
	return bench_call_vm(vm, PC_MEM_SHARE, at, pages, 0, POISON, POISON, POISON);
}

struct result vm_unshare(u32 vm, u64 at, u64 pages)
{
	return bench_call_vm(vm, PC_MEM_UNSHARE, at, pages, 0, POISON, POISON, POISON);
}

struct result vm_relinquish(u32 vm, u64 at, u64 flags)
{
	return bench_call_vm(vm, PC_MEM_RELINQUISH, at, flags, 0, POISON, POISON, POISON);
}

struct result vm_guard(u32 vm, u64 function, u64 at, u64 pages)
{
	return bench_call_vm(vm, function, at, pages, POISON, POISON, POISON, POISON);
}

struct result vm_config(u32 vm, u64 pviommu, u64 vsid, u64 how, u64 value)
{
	return bench_call_vm(vm, PC_DEV_CONFIG, pviommu, vsid, how, value, POISON, POISON);
}

struct result vm_reset(u32 vm, u64 pviommu, u64 vsid)
{
	return bench_call_vm(vm, PC_DEV_RESET, pviommu, vsid, POISON, POISON, POISON, POISON);
}

struct result vm_pv(u32 vm, u64 op, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	return bench_call_vm(vm, PC_PVIOMMU_OP, op, r2, r3, r4, r5, r6);
}

/* --- steps */

u32 bench_vm_with(u64 flags, u64 page, u64 pages, u32 vcpus)
{
	struct result r = pc_vm_create(flags, vcpus, bench_page(page), pages);

	assert_status(r, PC_SUCCESS);
	assert_true(r.v1 > PC_VM_PRIMARY);
	return (u32)r.v1;
}

u32 bench_vm_of(u64 page, u64 pages, u32 vcpus) { return bench_vm_with(0, page, pages, vcpus); }

u32 bench_vm_nested(u64 page) { return bench_vm_with(PC_VM_NESTED, page, BENCH_POOL, 1); }

u32 bench_vm(u64 page) { return bench_vm_of(page, BENCH_POOL, 1); }

void bench_donate(u32 vm, u64 at, u64 from, u64 pages, u32 flags)
{
	for (u64 done = 0; done < pages;) {
		struct result r = pc_vm_donate(vm, at + (done << PAGE_SHIFT),
					       from + (done << PAGE_SHIFT), pages - done, flags);

		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 <= pages - done && r.v1 <= PC_DONATE_MAX);
		done += r.v1;
	}
}

struct result bench_assign_until_done(u32 device, u32 vm, u32 pviommu)
{
	struct result r;

	do {
		r = pc_dev_assign(device, vm, pviommu);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	return r;
}

struct result bench_release_until_done(u32 device)
{
	struct result r;

	do {
		r = pc_dev_release(device);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	return r;
}

void bench_vm_assign(u32 device, u32 vm, u32 pviommu, u32 vsid)
{
	assert_status(bench_assign_until_done(device, vm, pviommu), PC_SUCCESS);
	for (u32 i = 0; i < device_table[device].endpoint_count; i++)
		assert_status(pc_dev_vsid(device, i, vsid + i), PC_SUCCESS);
}

u32 bench_destroy(u32 vm)
{
	struct result r;
	u32 steps = 0;

	do {
		r = pc_vm_destroy(vm);
		assert_status(r, PC_SUCCESS);
		assert_true(++steps < 10000);
	} while (r.v1 != 0);
	assert_status(pc_vm_destroy(vm), PC_NOT_FOUND);
	return steps;
}

u32 bench_vm_domain(u32 vm)
{
	struct result r = vm_pv(vm, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);

	assert_status(r, PC_SUCCESS);
	return (u32)r.v1;
}

void bench_vm_attach(u32 vm, u32 vsid, u32 domain)
{
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, vsid, 0, domain, 0), PC_SUCCESS);
}

void bench_vm_map(u32 vm, u32 domain, u64 iova, u64 ipa, u64 bytes)
{
	struct result r = vm_pv(vm, PVIOMMU_MAP_PAGES, domain, iova, ipa, bytes, BENCH_RW);

	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, bytes);
}

bool bench_all(u64 addr, u64 bytes, u8 value)
{
	const u8 *byte = bench_ptr(addr);

	for (u64 i = 0; i < bytes; i++)
		if (byte[i] != value)
			return false;
	return true;
}

void bench_fill(u64 addr, u64 bytes, u8 value) { memset(bench_ptr(addr), value, bytes); }

struct pc_vcpu_exit *bench_exit(void)
{
	struct pc_vcpu_exit *exit = bench_ptr(BENCH_EXIT);

	memset(exit, 0, sizeof(*exit));
	exit->size = sizeof(*exit);
	return exit;
}
