/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator fails at the n-th call, for every n, in every hypercall that allocates. A refusal
 * answers NO_MEMORY and changes nothing (V10, by the oracle); a partial answer has done what it
 * says; the call that follows with memory there succeeds.
 */
#include "bench.h"
#include "suite.h"

#define WHERE   bench_page(1000)
#define N_LIMIT 200u

static u32 domain, other;

typedef struct result attempt(void);

/*
 * Fails the first, the second, ... allocation of the call until one attempt needs fewer. The
 * state is the same before each attempt, or undo() makes it so. Returns how many there were.
 */
static u32 sweep(attempt *call, void (*undo)(void))
{
	for (u32 n = 1; n < N_LIMIT; n++) {
		struct result r;

		pool_fail_after = n;
		r = call();
		if (pool_fail_after != 0) {
			/* Fewer allocations than n: it must have gone well. */
			pool_fail_after = 0;
			assert_status(r, PC_SUCCESS);
			return n - 1;
		}
		assert_true(r.status == PC_NO_MEMORY || (r.status == PC_SUCCESS && r.v1 != 0));
		if (r.v1 != 0 && undo != NULL)
			undo();
	}
	suite_fail("more than %u allocations in one call", N_LIMIT);
}

static void boot(void)
{
	struct bench_options o = bench_pasids();

	o.pool_bytes = 4ull << 20;
	bench_boot(&o);
	oracle_effort(16);
	bench_assign(0, 0, 100);
	bench_assign(1, 0, 110);
	bench_assign(2, 0, 120);
	domain = bench_domain();
	other = bench_domain();
}

static struct result alloc_domain(void) { return pv_alloc(); }

static void alloc_domain_nth(void **state UNUSED)
{
	boot();
	assert_true(sweep(alloc_domain, NULL) >= 1);
}

static struct result map_one(void)
{
	return pv_map(domain, 0x7f0000000000, bench_page(0), PAGE_SIZE, BENCH_RW);
}

static void map_new_tables_nth(void **state UNUSED)
{
	boot();
	assert_int_equal(sweep(map_one, NULL), 3);
}

static struct result map_over_tables(void)
{
	/* 512 pages across a boundary of level 2, level 1 and level 0 tables. */
	return pv_map(domain, (1ull << 39) - 256 * PAGE_SIZE, bench_page(1), 512 * PAGE_SIZE,
		      BENCH_RW);
}

static void map_across_tables_nth(void **state UNUSED)
{
	boot();
	assert_true(sweep(map_over_tables, NULL) >= 6);
}

static void map_while_attached_nth(void **state UNUSED)
{
	boot();
	bench_attach(100, domain);
	smmu_watch(bench_smmu[0], bench_sid(0, 0), false, 0, 1ull << 39);
	assert_true(sweep(map_over_tables, NULL) >= 6);
	bench_lands(0, 0, 1ull << 39, bench_page(257));
}

/* Blocks over empty tables: the tables are unlinked, and linked again when memory lacks. */
static struct result map_block_over_empty(void)
{
	return pv_map(domain, 0, bench_block(1) - 16 * PAGE_SIZE + (0), BLOCK_SIZE, BENCH_RW);
}

static struct result map_edges_and_block(void)
{
	return pv_map(domain, BLOCK_SIZE - PAGE_SIZE, bench_block(1) - PAGE_SIZE,
		      BLOCK_SIZE + 2 * PAGE_SIZE, BENCH_RW);
}

static void map_blocks_over_empty_tables_nth(void **state UNUSED)
{
	boot();
	bench_attach(100, domain);
	bench_map(domain, BLOCK_SIZE + 0x3000, bench_page(3), 0x1000);
	bench_unmap(domain, BLOCK_SIZE + 0x3000, 0x1000);
	smmu_watch(bench_smmu[0], bench_sid(0, 0), false, 0, BLOCK_SIZE + 0x3000);
	smmu_speculate(bench_smmu[0]);
	assert_true(sweep(map_edges_and_block, NULL) >= 2);
	bench_lands(0, 0, BLOCK_SIZE + 0x3000, bench_block(1) + 0x3000);
	assert_status(map_block_over_empty(), PC_EXISTS);
}

static struct result map_list_call(void)
{
	struct pviommu_map_list *list = bench_ptr(WHERE);
	struct pviommu_map_entry *e = bench_ptr(WHERE + 64);

	*list = (struct pviommu_map_list){ .size = 32,
					   .domain = domain,
					   .entry_len = 32,
					   .entry_num = 5,
					   .entries_ipa = WHERE + 64 };
	for (u32 i = 0; i < 5; i++)
		e[i] = (struct pviommu_map_entry){ (u64)i << 30, bench_page(i), 0x2000, BENCH_RW,
						   0 };
	return pv_list(PVIOMMU_MAP_LIST, WHERE);
}

/* Take back the entries that were done before the failing one. */
static void unmap_list_entries(void)
{
	for (u32 i = 0; i < 5; i++)
		(void)pv_unmap(domain, (u64)i << 30, 0x2000);
}

static void map_list_nth(void **state UNUSED)
{
	boot();
	assert_true(sweep(map_list_call, unmap_list_entries) >= 3);
}

static struct result unmap_part(void) { return pv_unmap(domain, BLOCK_SIZE + 0x5000, 0x3000); }

static void unmap_part_of_a_block_nth(void **state UNUSED)
{
	boot();
	bench_attach(100, domain);
	bench_map(domain, BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	bench_lands(0, 0, BLOCK_SIZE + 0x5000, bench_block(1) + 0x5000);
	assert_int_equal(sweep(unmap_part, NULL), 1);
	bench_faults(0, 0, BLOCK_SIZE + 0x5000, SMMU_F_TRANSLATION);
	bench_lands(0, 0, BLOCK_SIZE + 0x8000, bench_block(1) + 0x8000);
}

static struct result attach_pasids(void) { return pv_attach(0, 110, 0, domain, 8); }

static void attach_nth(void **state UNUSED)
{
	boot();
	assert_true(sweep(attach_pasids, NULL) >= 2);
	assert_status(pv_attach(0, 110, 200, other, 0), PC_SUCCESS);
}

static struct result attach_list_call(void)
{
	struct pviommu_attach_list *list = bench_ptr(WHERE);
	u32 *vsid = bench_ptr(WHERE + 64);

	*list = (struct pviommu_attach_list){ .size = 48,
					      .domain = domain,
					      .pasid_bits = 8,
					      .vsids_ipa = WHERE + 64,
					      .vsid_count = 5 };
	for (u32 i = 0; i < 5; i++)
		vsid[i] = i < 3 ? 100 + i : 110 + 10 * (i - 3);
	return pv_list(PVIOMMU_ATTACH_LIST, WHERE);
}

/* D4: five endpoints, and whichever of them lacks memory, none is attached. */
static void D4_attach_list_nth(void **state UNUSED)
{
	boot();
	assert_true(sweep(attach_list_call, NULL) >= 6);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(bench_write(0, i, 0, 1), SMMU_F_TRANSLATION);
}

/* One of the list is attached elsewhere already: a failure leaves it there. */
static void D4_attach_list_replacing_nth(void **state UNUSED)
{
	boot();
	bench_map(other, 0x1000, bench_page(7), 0x1000);
	bench_attach(101, other);
	for (u32 n = 1; n < N_LIMIT; n++) {
		struct result r;

		pool_fail_after = n;
		r = attach_list_call();
		if (r.status == PC_SUCCESS)
			break;
		assert_status(r, PC_NO_MEMORY);
		bench_lands(0, 1, 0x1000, bench_page(7));
	}
	pool_fail_after = 0;
	bench_faults(0, 1, 0x1000, SMMU_F_TRANSLATION);
}

/* Stage-1-only hardware: giving a device back makes its identity context anew. */
static void release_to_identity_nth(void **state UNUSED)
{
	struct bench_options o = bench_stage1_only();
	struct result r;

	bench_boot(&o);
	bench_assign(2, 0, 120);
	bench_quarantine_expected();
	pool_fail_after = 1;
	do {
		r = pc_dev_release(2);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	/* Without memory it stays blocked, and can be released again later. */
	if (r.status != PC_SUCCESS) {
		assert_status(r, PC_NO_MEMORY);
		assert_int_not_equal(bench_write(2, 0, bench_page(0), 1), SMMU_OK);
		pool_fail_after = 0;
		assert_status(pc_dev_release(2), PC_SUCCESS);
	}
	pool_fail_after = 0;
	bench_lands(2, 0, bench_page(0), bench_page(0));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(alloc_domain_nth),
		cmocka_unit_test(map_new_tables_nth),
		cmocka_unit_test(map_across_tables_nth),
		cmocka_unit_test(map_while_attached_nth),
		cmocka_unit_test(map_blocks_over_empty_tables_nth),
		cmocka_unit_test(map_list_nth),
		cmocka_unit_test(unmap_part_of_a_block_nth),
		cmocka_unit_test(attach_nth),
		cmocka_unit_test(D4_attach_list_nth),
		cmocka_unit_test(D4_attach_list_replacing_nth),
		cmocka_unit_test(release_to_identity_nth),
	};

	return SUITE("fail_nth", cases);
}
