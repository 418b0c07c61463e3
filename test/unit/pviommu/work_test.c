/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one call does where everything that it finds is costly (V9): lists whose entries find tables, blocks, runs, registers
 * and a secondary's memory in no order, and the end of domains. How far a call comes bounds what it did; how far exactly
 * is the specification's to say.
 */
#include <string.h>

#include "bench_vm.h"
#include "suite.h"

#define BASE    (64 * BLOCK_SIZE)
#define AT      0x80000000ull
#define BLOCKS  48u
#define WHERE   bench_page(2000)
#define ENTRIES (WHERE + 64)

static u32 d, vm;

static void boot(void)
{
	struct bench_options o = bench_defaults();

	o.ram_bytes = 64ull << 20;
	o.pool_bytes = 4ull << 20;
	bench_boot(&o);
	oracle_effort(256);
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_attach(1, d);
}

static struct pviommu_map_entry *map_entry(u32 n) { return (struct pviommu_map_entry *)bench_ptr(ENTRIES) + n; }
static struct pviommu_unmap_entry *unmap_entry(u32 n) { return (struct pviommu_unmap_entry *)bench_ptr(ENTRIES) + n; }

static u64 list(u64 op, u32 count)
{
	struct result r;

	*(struct pviommu_map_list *)bench_ptr(WHERE) = (struct pviommu_map_list){
		.size = 32, .domain = d, .entry_len = op == PVIOMMU_MAP_LIST ? 32 : 16, .entry_num = count, .entries_ipa = ENTRIES
	};
	r = pv_list(op, WHERE);
	assert_status(r, PC_SUCCESS);
	assert_true(r.v1 > 0);
	return r.v1;
}

/* Tables that are empty, one in the place of each block. */
static void empty_tables(u64 base)
{
	for (u64 i = 0; i < BLOCKS; i++)
		bench_map(d, base + i * BLOCK_SIZE, bench_page(1), PAGE_SIZE);
	for (u64 i = 0; i < BLOCKS; i++)
		bench_unmap(d, base + i * BLOCK_SIZE, PAGE_SIZE);
}

/* An entry that is all that a call may do is the last that it looks at. */
static void V9_list_ends_with_the_entry_that_took_all(void **state UNUSED)
{
	boot();
	bench_map(d, BASE + PAGE_SIZE, bench_page(1), 512 * PAGE_SIZE);
	bench_map(d, BASE + 4 * BLOCK_SIZE, bench_page(1), PAGE_SIZE);
	*unmap_entry(0) = (struct pviommu_unmap_entry){ BASE + PAGE_SIZE, 512 * PAGE_SIZE };
	*unmap_entry(1) = (struct pviommu_unmap_entry){ BASE + 4 * BLOCK_SIZE, PAGE_SIZE };
	assert_int_equal(list(PVIOMMU_UNMAP_LIST, 2), 512 * PAGE_SIZE);
	bench_faults(2, 0, BASE + PAGE_SIZE, SMMU_F_TRANSLATION);
	bench_lands(2, 0, BASE + 4 * BLOCK_SIZE, bench_page(1));
}

/* However the blocks are spread over entries, the tables that make room for them are counted over all of them. */
static void V9_tables_that_make_room_are_counted_by_call(void **state UNUSED)
{
	boot();
	for (u64 blocks = 1; blocks <= 8; blocks *= 2) {
		const u64 base = BASE + blocks * 256 * BLOCK_SIZE;
		u64 done;

		empty_tables(base);
		for (u32 i = 0; i < BLOCKS / blocks; i++)
			*map_entry(i) = (struct pviommu_map_entry){ base + i * blocks * BLOCK_SIZE, bench_block(1), blocks * BLOCK_SIZE, BENCH_RW, 0 };
		done = list(PVIOMMU_MAP_LIST, (u32)(BLOCKS / blocks));
		assert_true(done < 40 * BLOCK_SIZE);
		bench_lands(2, 0, base, bench_block(1));
		bench_unmap(d, base, done);
	}
}

/* A range that meets more of them than one step takes away is mapped so far, with no pin of what lies behind. */
static void V9_V2_a_range_ends_where_too_many_tables_are(void **state UNUSED)
{
	struct result r;

	boot();
	empty_tables(BASE);
	r = pv_map(d, BASE - PAGE_SIZE, bench_block(1) - PAGE_SIZE, 12 * BLOCK_SIZE, BENCH_RW);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 8 * BLOCK_SIZE + PAGE_SIZE);
	assert_int_equal(page_run_of(pa(bench_block(8)))->block_pins, 1);
	assert_int_equal(page_run_of(pa(bench_block(9)))->block_pins, 0);
	bench_lands(2, 0, BASE + 8 * BLOCK_SIZE - 8, bench_block(9) - 8);
	bench_faults(2, 0, BASE + 8 * BLOCK_SIZE, SMMU_F_TRANSLATION);
}

/* A page, a block, a page in each entry: runs are counted, not leaves. */
static void V9_runs_of_all_entries_are_counted(void **state UNUSED)
{
	const u64 bytes = BLOCK_SIZE + 2 * PAGE_SIZE;
	u64 done = 0;

	boot();
	for (u32 turn = 0; turn < 2; turn++) {
		for (u32 i = 0; i < 60; i++)
			*map_entry(i) = (struct pviommu_map_entry){ BASE + i * 4 * BLOCK_SIZE - PAGE_SIZE, bench_block(1) - PAGE_SIZE, bytes, BENCH_RW, 0 };
		done = list(PVIOMMU_MAP_LIST, 60);
		for (u64 at = 0; at < done; at += bytes)
			bench_unmap(d, BASE + at / bytes * 4 * BLOCK_SIZE - PAGE_SIZE, done - at < bytes ? done - at : bytes);
	}
	assert_true(done <= 45 * bytes);
}

/* Splits take of what is left for the other entries, and each entry of what is left for those behind it. */
static void V9_splits_and_entries_are_counted_together(void **state UNUSED)
{
	u64 done;

	boot();
	bench_map(d, BASE, bench_block(1), 7 * BLOCK_SIZE);
	for (u32 i = 0; i < 7; i++)
		*unmap_entry(i) = (struct pviommu_unmap_entry){ BASE + i * BLOCK_SIZE + PAGE_SIZE, PAGE_SIZE };
	for (u32 i = 7; i < PVIOMMU_MAX_LIST; i++) {
		bench_map(d, i * 4 * PAGE_SIZE, bench_page(8), 2 * PAGE_SIZE);
		*unmap_entry(i) = (struct pviommu_unmap_entry){ i * 4 * PAGE_SIZE, 2 * PAGE_SIZE };
	}
	done = list(PVIOMMU_UNMAP_LIST, PVIOMMU_MAX_LIST);
	assert_true(done >= 8 * PAGE_SIZE && done <= 50 * PAGE_SIZE);
	/* And without them. */
	memmove(unmap_entry(0), unmap_entry(60), (PVIOMMU_MAX_LIST - 60) * sizeof(*unmap_entry(0)));
	done = list(PVIOMMU_UNMAP_LIST, PVIOMMU_MAX_LIST - 60);
	assert_true(done >= 100 * 2 * PAGE_SIZE && done <= 160 * 2 * PAGE_SIZE);
}

/* Registers: each page may be another device's. */
/* What was mapped range by range, side by side, goes in one call. */
static void V2_ranges_side_by_side_are_unpinned_at_once(void **state UNUSED)
{
	boot();
	for (u64 i = 0; i < 3; i++)
		assert_status(pv_map(d, i * 0x4000, bench_bar(0) + i * 0x4000, 0x4000,
				     PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO),
			      PC_SUCCESS);
	assert_int_equal(device_table[0].mmio_pins, 12);
	bench_unmap(d, 0, 0xc000);
	assert_int_equal(device_table[0].mmio_pins, 0);
}

static void V9_pages_of_registers_are_counted(void **state UNUSED)
{
	const u32 prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
	u64 done;

	boot();
	for (u32 i = 0; i < PVIOMMU_MAX_LIST; i++) {
		assert_status(pv_map(d, i * 3 * PAGE_SIZE, bench_bar(3), 2 * PAGE_SIZE, prot), PC_SUCCESS);
		*unmap_entry(i) = (struct pviommu_unmap_entry){ i * 3 * PAGE_SIZE, 2 * PAGE_SIZE };
	}
	done = list(PVIOMMU_UNMAP_LIST, PVIOMMU_MAX_LIST);
	assert_true(done <= 115 * 2 * PAGE_SIZE);
	assert_int_equal(device_table[3].mmio_pins, 2 * PVIOMMU_MAX_LIST - done / PAGE_SIZE);
}

/* A block of 1 GiB for which too little is left is the next call's, and not smaller ones that stay for ever. */
static void V9_a_large_block_waits_for_the_next_call(void **state UNUSED)
{
	const u64 gib = 1ull << 30, there = FAKE_RAM_BASE + gib;
	struct bench_options o = bench_defaults();
	u64 tables;

	o.ram_bytes = 3 * gib;
	o.heap_bytes = 64ull << 20;
	bench_boot(&o);
	oracle_effort(1u << 20);
	d = bench_domain();
	bench_map(d, 15 * gib, bench_page(1), PAGE_SIZE);
	tables = pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1;
	for (u32 i = 0; i < 80; i++)
		*map_entry(i) = (struct pviommu_map_entry){ 15 * gib + (2 + 2 * i) * PAGE_SIZE, bench_page(1), PAGE_SIZE, BENCH_RW, 0 };
	*map_entry(80) = (struct pviommu_map_entry){ 16 * gib, there, gib, BENCH_RW, 0 };
	assert_int_equal(list(PVIOMMU_MAP_LIST, 81), 80 * PAGE_SIZE);
	*map_entry(0) = *map_entry(80);
	assert_int_equal(list(PVIOMMU_MAP_LIST, 1), gib);
	/* Entries of nothing leave all of a call to the first that is something. */
	bench_unmap(d, 16 * gib, gib);
	for (u32 i = 0; i < PVIOMMU_MAX_LIST - 1; i++)
		*map_entry(i) = (struct pviommu_map_entry){ 0, bench_page(1), 0, BENCH_RW, 0 };
	*map_entry(PVIOMMU_MAX_LIST - 1) = (struct pviommu_map_entry){ 16 * gib, there, gib, BENCH_RW, 0 };
	assert_int_equal(list(PVIOMMU_MAP_LIST, PVIOMMU_MAX_LIST), gib);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1, tables);
	/* Where tables are, empty or not, it is smaller ones. */
	bench_map(d, 24 * gib, bench_page(1), PAGE_SIZE);
	bench_unmap(d, 24 * gib, PAGE_SIZE);
	*map_entry(0) = (struct pviommu_map_entry){ 24 * gib, there, gib, BENCH_RW, 0 };
	assert_true(list(PVIOMMU_MAP_LIST, 1) < gib);
	/* And one counts for 128 leaves (abi/pviommu.h). */
	for (u32 i = 0; i < 3; i++)
		*map_entry(i) = (struct pviommu_map_entry){ (20 + i) * gib, there, gib, BENCH_RW, 0 };
	*map_entry(3) = (struct pviommu_map_entry){ 14 * gib, bench_page(1), 200 * PAGE_SIZE, BENCH_RW, 0 };
	assert_int_equal(list(PVIOMMU_MAP_LIST, 4), 3 * gib + 128 * PAGE_SIZE);
}

/* --- a secondary's memory */

static void boot_vm(void)
{
	boot();
	vm = bench_vm_of(6000, 512, 1);
	d = bench_vm_domain(vm);
}

static u64 vm_list(u64 op, u32 entry_len, u32 count)
{
	struct result r;

	*(struct pviommu_map_list *)bench_ptr(WHERE) = (struct pviommu_map_list){
		.size = 32, .domain = d, .entry_len = entry_len, .entry_num = count, .entries_ipa = AT + 64
	};
	r = vm_pv(vm, op, AT, 0, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	return r.v1;
}

/* Its table is walked for each page that does not follow the one before: over all entries no more than of one. */
static void V9_a_view_in_no_order_is_counted_by_call(void **state UNUSED)
{
	boot_vm();
	bench_donate(vm, AT, WHERE, 16, PC_DONATE_KEEP);
	for (u64 i = 0; i < 256; i++)
		bench_donate(vm, AT + (16 + i) * PAGE_SIZE, bench_page(1000 - 2 * i), 1, 0);
	for (u64 pages = 1; pages <= 64; pages *= 4) {
		for (u32 i = 0; i < 256 / pages; i++)
			*map_entry(i) = (struct pviommu_map_entry){ (pages << 30) + i * pages * PAGE_SIZE, AT + (16 + i * pages) * PAGE_SIZE, pages * PAGE_SIZE, BENCH_RW, 0 };
		assert_true(vm_list(PVIOMMU_MAP_LIST, 32, (u32)(256 / pages)) <= 110 * PAGE_SIZE);
	}
}

/* A block that it was given page by page is looked at whole, wherever it is mapped. */
static void V9_a_block_in_pages_is_no_cheap_leaf(void **state UNUSED)
{
	boot_vm();
	bench_donate(vm, AT, WHERE, 16, PC_DONATE_KEEP);
	for (u64 i = 0; i < 512; i++)
		bench_donate(vm, AT + 4 * BLOCK_SIZE + i * PAGE_SIZE, bench_block(5) + i * PAGE_SIZE, 1, 0);
	for (u32 i = 0; i < 100; i++)
		*map_entry(i) = (struct pviommu_map_entry){ i * BLOCK_SIZE, AT + 4 * BLOCK_SIZE, BLOCK_SIZE, BENCH_RW, 0 };
	assert_true(vm_list(PVIOMMU_MAP_LIST, 32, 100) <= 30 * BLOCK_SIZE);
}

/* --- the end of domains */

/* A domain of runs with holes between. */
static u32 runs_and_holes(u32 owner, u32 runs)
{
	u32 domain = owner ? bench_vm_domain(owner) : bench_domain();

	for (u64 i = 0; i < runs; i++)
		if (owner)
			bench_vm_map(owner, domain, i * 3 * PAGE_SIZE, AT + 32 * BLOCK_SIZE + i % 8 * PAGE_SIZE, PAGE_SIZE);
		else
			bench_map(domain, i * 3 * PAGE_SIZE, bench_page(i), PAGE_SIZE);
	return domain;
}

/* A step that has cleared much leaves the tables to the next. */
static void V9_runs_holes_and_tables_are_one_step_no_more(void **state UNUSED)
{
	u64 mapped, pool, tables = 0;
	struct hcall_args args;
	u32 domain, steps = 0;
	bool over;

	boot();
	domain = runs_and_holes(0, 100);
	for (u64 i = 1; i < 57; i++) {
		bench_map(domain, i << 30, bench_page(1), PAGE_SIZE);
		bench_unmap(domain, i << 30, PAGE_SIZE);
	}
	do {
		mapped = VM_STAT(vm_primary, mapped);
		pool = pool_free_pages(&vm_primary->pool);
		args = (struct hcall_args){ { PC_PVIOMMU_OP, PVIOMMU_FREE_DOMAIN, domain } };
		over = hyp_hypercall(vm_vcpu(vm_primary, bench_cpu), &args);
		mapped -= VM_STAT(vm_primary, mapped);
		pool = pool_free_pages(&vm_primary->pool) - pool;
		assert_true(mapped <= 80 * PAGE_SIZE || pool == 0);
		tables += pool;
	} while (!over && ++steps < 100);
	assert_int_equal(args.r[0], 0);
	assert_true(steps >= 2 && tables > 57);
	bench_check();
}

/* Two pages a table, at its ends: what lies between is looked over slot by slot. */
static void V9_holes_are_counted(void **state UNUSED)
{
	struct hcall_args args;
	u32 domain, steps = 0;
	u64 mapped;
	bool over;

	boot();
	domain = bench_domain();
	for (u64 i = 0; i < 8; i++) {
		bench_map(domain, i * BLOCK_SIZE, bench_page(i), PAGE_SIZE);
		bench_map(domain, (i + 1) * BLOCK_SIZE - PAGE_SIZE, bench_page(20 + i), PAGE_SIZE);
	}
	do {
		mapped = VM_STAT(vm_primary, mapped);
		args = (struct hcall_args){ { PC_PVIOMMU_OP, PVIOMMU_FREE_DOMAIN, domain } };
		over = hyp_hypercall(vm_vcpu(vm_primary, bench_cpu), &args);
		assert_true(mapped - VM_STAT(vm_primary, mapped) <= 4 * PAGE_SIZE);
	} while (!over && ++steps < 100);
	assert_int_equal(args.r[0], 0);
	bench_check();
}

/* Of all domains of a VM together a step takes no more than of one. */
static void V9_I8_domains_of_a_vm_are_one_step_no_more(void **state UNUSED)
{
	u64 before, after, longest = 0;
	const struct vm *v;

	boot_vm();
	bench_donate(vm, AT + 32 * BLOCK_SIZE, bench_page(300), 8, 0);
	for (u32 i = 0; i < 6; i++)
		runs_and_holes(vm, 40);
	v = vm_find(vm);
	do {
		before = VM_STAT(v, mapped);
		if (pc_vm_destroy(vm).v1 == 0)
			break;
		after = VM_STAT(v, mapped);
		if (before - after > longest)
			longest = before - after;
	} while (true);
	assert_true(longest > 0 && longest <= 120 * PAGE_SIZE);
	bench_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V9_list_ends_with_the_entry_that_took_all),
		cmocka_unit_test(V9_tables_that_make_room_are_counted_by_call),
		cmocka_unit_test(V9_V2_a_range_ends_where_too_many_tables_are),
		cmocka_unit_test(V9_runs_of_all_entries_are_counted),
		cmocka_unit_test(V9_splits_and_entries_are_counted_together),
		cmocka_unit_test(V2_ranges_side_by_side_are_unpinned_at_once),
		cmocka_unit_test(V9_pages_of_registers_are_counted),
		cmocka_unit_test(V9_a_large_block_waits_for_the_next_call),
		cmocka_unit_test(V9_a_view_in_no_order_is_counted_by_call),
		cmocka_unit_test(V9_a_block_in_pages_is_no_cheap_leaf),
		cmocka_unit_test(V9_runs_holes_and_tables_are_one_step_no_more),
		cmocka_unit_test(V9_holes_are_counted),
		cmocka_unit_test(V9_I8_domains_of_a_vm_are_one_step_no_more),
	};

	return SUITE("work", cases);
}
