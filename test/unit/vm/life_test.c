/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs come and go: VM_CREATE, VM_ADD_POOL, VM_FINALISE, VM_DESTROY, handles, and what is left after them. */
#include "bench_vm.h"
#include "suite.h"
#include "vm/vm_life.h"

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(4);
}

static void I3_create_statuses(void **state UNUSED)
{
	u64 least;

	boot();
	least = pc_vmm_query(PC_VMM_Q_MIN_POOL, 1).v1;
	assert_true(least > 0 && least < BENCH_POOL);
	assert_status(pc_vm_create(4, 1, bench_page(0), 64), PC_NOT_SUPPORTED);
	assert_status(pc_vm_create(1ull << 63, 1, bench_page(0), 64), PC_NOT_SUPPORTED);
	assert_status(pc_vm_create(0, 0, bench_page(0), 64), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 9, bench_page(0), 64), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1ull << 32 | 1, bench_page(0), 64), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, bench_page(0) + 8, 64), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, bench_page(0), 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, bench_page(0), least - 1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, bench_page(0), PC_POOL_MAX + 1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, bench_page(0), 1ull << 52), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, ~0ull << 12, 64), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(0, 1, machine->heap.base, 64), PC_DENIED);
	assert_status(pc_vm_create(0, 1, machine->image.base, 64), PC_DENIED);
	assert_status(pc_vm_create(0, 1, bench_guest_base - 8 * PAGE_SIZE, 64), PC_DENIED);
	assert_status(pc_vm_create(0, 1, bench_bar(3), 64), PC_FAULT);
	assert_status(pc_vm_create(0, 1, FAKE_IOMMU_BASE, 64), PC_FAULT);
	assert_status(pc_vm_create(0, 1, machine->ram[0].base + machine->ram[0].size - 0x8000, 64), PC_FAULT);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_VMS, 0).v1, 0);
}

static void A6_create_from_pinned_pages(void **state UNUSED)
{
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, 0, bench_page(63), PAGE_SIZE);
	assert_status(pc_vm_create(0, 1, bench_page(0), 64), PC_BUSY);
	bench_map(d, BLOCK_SIZE, bench_block(2), BLOCK_SIZE);
	assert_status(pc_vm_create(0, 1, bench_block(2) + 16 * PAGE_SIZE, 64), PC_BUSY);
	bench_unmap(d, 0, PAGE_SIZE);
	bench_destroy(bench_vm(0));
}

/* The least pool for each number of vCPUs is enough, and everything comes back zeroed. */
static void A9_K4_create_with_the_least_pool(void **state UNUSED)
{
	boot();
	for (u32 vcpus = 1; vcpus <= 8; vcpus++) {
		u64 least = pc_vmm_query(PC_VMM_Q_MIN_POOL, vcpus).v1;
		u32 vm;

		bench_fill(bench_page(0), least << PAGE_SHIFT, 0xa5);
		vm = bench_vm_of(0, least, vcpus);
		assert_int_equal(pc_vmm_query(PC_VMM_Q_VMS, 0).v1, 1);
		bench_destroy(vm);
		assert_true(bench_all(bench_page(0), least << PAGE_SHIFT, 0));
	}
	assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, 9), PC_INVALID_PARAMETER);
}

/*
 * And wherever it begins, though its pages do not go into the same runs then. What a call that found too few had to give back
 * it would give back at once.
 */
static void V9_K4_the_least_pool_is_enough_anywhere(void **state UNUSED)
{
	boot();
	oracle_effort(64);
	for (u64 what = 0; what < 2 * 8 * 64; what++) {
		u64 flags = what % 2 ? PC_VM_NESTED : 0, vcpus = what / 2 % 8 + 1, page = what / 16;
		u64 least = pc_vmm_query(PC_VMM_Q_MIN_POOL, flags << PC_VMM_Q_MIN_POOL_FLAGS | vcpus).v1;
		struct result r = pc_vm_create(flags, vcpus, bench_page(page), least);

		assert_status(r, PC_SUCCESS);
		bench_destroy((u32)r.v1);
	}
}

/* The primary has the tags of a machine with few, and a VM the last. That is found before its pages are touched, of which there may be many. */
static void V9_V10_without_a_tag_no_page_is_touched(void **state UNUSED)
{
	struct bench_options o = bench_stage1_only();
	u32 domains = 0;

	o.smmu.asid16 = false;
	o.ram_bytes = 96ull << 20;
	o.heap_bytes = 24ull << 20;
	o.pool_bytes = 12ull << 20;
	bench_boot(&o);
	oracle_effort(64);
	while (pv_alloc().status == PC_SUCCESS)
		domains++;
	assert_true(domains > 200 && domains < 256);
	assert_status(pc_vm_create(0, 1, bench_page(6000), 64), PC_SUCCESS); /* the last one */
	bench_fill(bench_page(0), PC_POOL_MAX << PAGE_SHIFT, 0xa5);
	assert_status(pc_vm_create(0, 1, bench_page(0), PC_POOL_MAX), PC_NO_MEMORY);
	assert_true(bench_all(bench_page(0), PC_POOL_MAX << PAGE_SHIFT, 0xa5));
}

/* Pages of the pool are out of the primary's reach: its calls, its devices, its domains. */
static void V1_B11_pool_leaves_the_primary(void **state UNUSED)
{
	u32 d, vm;

	boot();
	d = bench_domain();
	bench_lands(2, 0, bench_page(3), bench_page(3));
	vm = bench_vm(0);
	bench_faults(2, 0, bench_page(3), SMMU_F_TRANSLATION);
	assert_status(pv_map(d, 0, bench_page(3), PAGE_SIZE, BENCH_RW), PC_FAULT);
	assert_status(pc_dev_info(0, bench_page(3)), PC_FAULT);
	assert_status(pc_vm_create(0, 1, bench_page(32), 64), PC_DENIED);
	assert_status(pc_vm_add_pool(vm, bench_page(60), 8), PC_DENIED);
	bench_destroy(vm);
	bench_lands(2, 0, bench_page(3), bench_page(3));
}

static void I3_add_pool_statuses(void **state UNUSED)
{
	u32 vm, d;

	boot();
	vm = bench_vm(0);
	d = bench_domain();
	bench_map(d, 0, bench_page(70), PAGE_SIZE);
	assert_status(pc_vm_add_pool(vm, bench_page(64), 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_add_pool(vm, bench_page(64) + 1, 1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_add_pool(vm, bench_page(64), PC_POOL_MAX + 1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_add_pool(1, bench_page(64), 1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_add_pool(0, bench_page(64), 1), PC_NOT_FOUND);
	assert_status(pc_vm_add_pool(vm + 1, bench_page(64), 1), PC_NOT_FOUND);
	assert_status(pc_vm_add_pool(vm | 1ull << 32, bench_page(64), 1), PC_NOT_FOUND);
	assert_status(pc_vm_add_pool(vm, bench_page(0), 1), PC_DENIED);
	assert_status(pc_vm_add_pool(vm, bench_bar(3), 1), PC_FAULT);
	assert_status(pc_vm_add_pool(vm, bench_page(64), 8), PC_BUSY);
	assert_status(pc_vm_add_pool(vm, bench_page(64), 6), PC_SUCCESS);
	bench_unmap(d, 0, PAGE_SIZE);
	assert_status(pc_vm_add_pool(vm, bench_page(70), 200), PC_SUCCESS);
	bench_destroy(vm);
}

static void I3_finalise_statuses(void **state UNUSED)
{
	u32 vm;

	boot();
	vm = bench_vm(0);
	assert_status(pc_vm_finalise(0), PC_NOT_FOUND);
	assert_status(pc_vm_finalise(vm + 256), PC_NOT_FOUND);
	assert_status(pc_vm_finalise(1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	assert_status(pc_vm_finalise(vm), PC_EXISTS);
	pc_vm_destroy(vm);
	assert_status(pc_vm_finalise(vm), PC_BUSY);
	bench_destroy(vm);
}

/* Only the primary has VMM calls; every other caller learns nothing. */
static void D7_secondaries_have_no_vmm_calls(void **state UNUSED)
{
	u32 vm;

	boot();
	vm = bench_vm(0);
	for (u64 n = 0x100; n <= 0x119; n++)
		assert_status(bench_call_vm(vm, PC_FN(n), 1, 1, 1, 1, 1, 1), PC_NOT_SUPPORTED);
	for (u64 n = 2; n <= 11; n++)
		assert_status(bench_call(PC_FN(n), 0, 0, 0, 0, 0, 0), PC_NOT_SUPPORTED);
	bench_destroy(vm);
}

/* A call that names a VM which is being taken apart, or which is gone. */
static void all_calls(u32 vm, s64 status)
{
	bench_exit();
	assert_status(pc_vm_donate(vm, 0, bench_page(300), 1, 0), status);
	assert_status(pc_vm_finalise(vm), status);
	assert_status(pc_vm_add_pool(vm, bench_page(300), 1), status);
	assert_status(pc_vcpu_set(vm, 0, 0, 0), status);
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), status);
	assert_status(pc_vcpu_irq(vm, 0, 40, 1), status);
	assert_status(pc_dev_assign(2, vm, 0), status);
}

static void E4_handles_are_stale_after_destroy(void **state UNUSED)
{
	u32 vm, next;

	boot();
	vm = bench_vm(0);
	bench_donate(vm, 0, bench_page(100), 8, 0);
	assert_true(pc_vm_destroy(vm).v1 > 0);
	all_calls(vm, PC_BUSY);
	bench_destroy(vm);
	all_calls(vm, PC_NOT_FOUND);
	next = bench_vm(0);
	assert_int_not_equal(next, vm);
	assert_int_equal(next % 256, vm % 256);
	all_calls(vm, PC_NOT_FOUND);
	assert_status(pc_vm_destroy(vm), PC_NOT_FOUND);
	assert_status(pc_vm_destroy(1), PC_INVALID_PARAMETER);
	assert_status(pc_vm_destroy(0), PC_NOT_FOUND);
	assert_status(pc_vm_destroy(next | 1ull << 40), PC_NOT_FOUND);
	bench_destroy(next);
}

static void K1_K4_64_vms_at_once(void **state UNUSED)
{
	u32 vm[VM_SECONDARIES];
	u64 least;

	boot();
	oracle_effort(64);
	least = pc_vmm_query(PC_VMM_Q_MIN_POOL, 1).v1;
	assert_int_equal(pc_vmm_query(PC_VMM_Q_MAX_VMS, 0).v1, VM_SECONDARIES);
	for (u32 i = 0; i < VM_SECONDARIES; i++) {
		vm[i] = bench_vm_of(i * (least + 4), least, 1);
		bench_donate(vm[i], 0x40000000, bench_page(i * (least + 4) + least), 4, 0);
	}
	assert_status(pc_vm_create(0, 1, bench_page(64 * (least + 4)), 64), PC_NO_MEMORY);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_VMS, 0).v1, VM_SECONDARIES);
	/* In another order than they came. */
	for (u32 i = 0; i < VM_SECONDARIES; i++)
		bench_destroy(vm[(i * 37 + 11) % VM_SECONDARIES]);
	oracle_effort(1);
	bench_check();
}

/* Who takes one VM apart while others are made: the others are whole. */
static void E4_destroy_and_create_interleaved(void **state UNUSED)
{
	u32 a, b;

	boot();
	a = bench_vm(0);
	bench_donate(a, 0x40000000, bench_page(1024), 700, 0);
	for (u32 i = 0; i < 4; i++)
		assert_true(pc_vm_destroy(a).v1 > 0);
	b = bench_vm(64);
	bench_donate(b, 0x40000000, bench_page(200), 16, 0);
	bench_destroy(a);
	bench_donate(b, 0x40010000, bench_page(1024), 700, 0);
	bench_destroy(b);
}

static void I3_query(void **state UNUSED)
{
	struct result r;

	boot();
	for (u64 i = 0; i < 2; i++) {
		assert_status(pc_vmm_query(PC_VMM_Q_WINDOW_BASE, i), PC_SUCCESS);
		r = pc_vmm_query(PC_VMM_Q_WINDOW_SIZE, i);
		assert_true(r.v1 > 0);
	}
	assert_status(pc_vmm_query(PC_VMM_Q_WINDOW_BASE, 2), PC_NOT_FOUND);
	assert_status(pc_vmm_query(PC_VMM_Q_WINDOW_SIZE, ~0ull), PC_NOT_FOUND);
	assert_status(pc_vmm_query(PC_VMM_Q_WAKE_IRQ, 0), PC_SUCCESS);
	r = pc_vmm_query(PC_VMM_Q_IPA_BITS, 0);
	assert_true(r.v1 >= 32 && r.v1 <= 48);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_POOL_FREE, 0).v1, vm_tables_free());
	assert_int_equal(pc_vmm_query(PC_VMM_Q_DEV_QUARANTINED, 0).v1, 0);
	assert_status(pc_vmm_query(1ull << 32, 0), PC_NOT_SUPPORTED);
}

/* A pool in pieces too odd for what a VM needs in one piece. */
static void I4_create_from_a_broken_pool(void **state UNUSED)
{
	struct result r;
	u64 least;

	boot();
	least = pc_vmm_query(PC_VMM_Q_MIN_POOL, 1).v1;
	fake_vm_order = POOL_ORDER_MAX;
	r = pc_vm_create(0, 1, bench_page(1), pc_vmm_query(PC_VMM_Q_MIN_POOL, 1).v1);
	assert_status(r, PC_NO_MEMORY);
	fake_vm_order = 1;
	bench_destroy(bench_vm_of(1, least, 1));
}

/*
 * The pages of a pool come with all that the primary wrote into them: whole tables that would map everything. They are
 * cleared before hardware could walk them, which it may do at any store.
 */
static void B8_pages_of_a_pool_are_cleared_before_they_are_walked(void **state UNUSED)
{
	const u64 leaf = FAKE_RAM_BASE | 0x7ff; /* valid at every level and stage: a table or a page, for all */
	struct bench_options o = bench_defaults();
	u32 vm, domain;

	bench_boot(&o);
	for (u64 page = 0; page < 2 * BENCH_POOL; page++)
		for (u32 i = 0; i < PAGE_SIZE / 8; i++)
			((u64 *)bench_ptr(bench_page(page)))[i] = leaf;
	vm = bench_vm_of(0, BENCH_POOL, 2);
	assert_status(pc_vm_add_pool(vm, bench_page(BENCH_POOL), BENCH_POOL), PC_SUCCESS);
	bench_donate(vm, 0x80000000, bench_page(200), 4, 0);
	bench_vm_assign(2, vm, 0, 7);
	domain = bench_vm_domain(vm);
	bench_vm_attach(vm, 7, domain);
	/* Each needs tables of its own; the oracle looks at all of them after every call. */
	for (u64 i = 0; i < 20; i++) {
		bench_vm_map(vm, domain, i << 30, 0x80000000, PAGE_SIZE);
		smmu_speculate(bench_smmu[0]);
		bench_lands(2, 0, i << 30, bench_page(200));
		bench_faults(2, 0, (i << 30) + PAGE_SIZE, SMMU_F_TRANSLATION);
		bench_faults(2, 0, (i << 30) + BLOCK_SIZE, SMMU_F_TRANSLATION);
		bench_donate(vm, (i + 3) << 30, bench_page(210 + i), 1, 0);
	}
	bench_faults(2, 0, 100ull << 30, SMMU_F_TRANSLATION);
	bench_destroy(vm);
	bench_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(I3_create_statuses),
		cmocka_unit_test(A6_create_from_pinned_pages),
		cmocka_unit_test(A9_K4_create_with_the_least_pool),
		cmocka_unit_test(V9_K4_the_least_pool_is_enough_anywhere),
		cmocka_unit_test(V9_V10_without_a_tag_no_page_is_touched),
		cmocka_unit_test(V1_B11_pool_leaves_the_primary),
		cmocka_unit_test(I3_add_pool_statuses),
		cmocka_unit_test(I3_finalise_statuses),
		cmocka_unit_test(D7_secondaries_have_no_vmm_calls),
		cmocka_unit_test(E4_handles_are_stale_after_destroy),
		cmocka_unit_test(K1_K4_64_vms_at_once),
		cmocka_unit_test(E4_destroy_and_create_interleaved),
		cmocka_unit_test(I3_query),
		cmocka_unit_test(I4_create_from_a_broken_pool),
		cmocka_unit_test(B8_pages_of_a_pool_are_cleared_before_they_are_walked),
	};

	return SUITE("life", cases);
}
