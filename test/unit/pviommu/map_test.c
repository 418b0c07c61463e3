/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping: blocks and their splitting, partial results, rights, lists, limits, one page often. */
#include <string.h>

#include "bench.h"
#include "suite.h"

#define WHERE bench_page(2000)
#define BASE  (64 * BLOCK_SIZE)

static u32 d;

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(16);
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_attach(1, d);
}

static void boot(void) { boot_with(bench_defaults()); }

static u32 stores;

static void count(void *ctx UNUSED, u64 *entry UNUSED, u64 value UNUSED) { stores++; }

static void stores_begin(void)
{
	stores = 0;
	fake_store_hook_add(count, NULL);
}

static u32 stores_end(void)
{
	fake_store_hook_remove(count, NULL);
	return stores;
}

static void aligned_run_becomes_one_leaf(void **state UNUSED)
{
	boot();
	bench_map(d, 0, bench_page(0), 0x1000); /* the upper tables */
	stores_begin();
	bench_map(d, BASE, bench_block(1), BLOCK_SIZE);
	assert_int_equal(stores_end(), 1);
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 1);
	bench_lands(2, 0, BASE + 0x123458, bench_block(1) + 0x123458);
	stores_begin();
	bench_unmap(d, BASE, BLOCK_SIZE);
	/* The leaf, one invalidation and one sync of two words each. */
	assert_int_equal(stores_end(), 1 + 2 * 2);
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 0);
	bench_faults(2, 0, BASE + 0x123458, SMMU_F_TRANSLATION);
}

static void misaligned_run_becomes_pages(void **state UNUSED)
{
	struct result r;

	boot();
	r = pv_map(d, BASE, bench_block(1) + PAGE_SIZE, BLOCK_SIZE, BENCH_RW);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, BLOCK_SIZE); /* 512 leaves: exactly what one call may */
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 0);
	bench_lands(2, 0, BASE, bench_block(1) + PAGE_SIZE);
	bench_lands(2, 0, BASE + BLOCK_SIZE - 8, bench_block(2) + PAGE_SIZE - 8);
}

/* Pages up to the boundary, blocks, pages after it, in one call. */
static void edges_and_middle(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 size = 2 * BLOCK_SIZE + 0x6000;

	o.ram_bytes = 64ull << 20;
	boot_with(o);
	bench_map(d, BASE - 0x3000, bench_block(1) - 0x3000, size);
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 1);
	assert_int_equal(page_run_of(pa(bench_block(2)))->block_pins, 1);
	bench_lands(2, 0, BASE - 0x3000, bench_block(1) - 0x3000);
	bench_lands(2, 0, BASE + BLOCK_SIZE, bench_block(2));
	bench_lands(2, 0, BASE + 2 * BLOCK_SIZE + 0x2ff8, bench_block(3) + 0x2ff8);
	bench_unmap(d, BASE - 0x3000, size);
	bench_faults(2, 0, BASE, SMMU_F_TRANSLATION);
}

static void gigabyte_block(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 gib = 1ull << 30, there = FAKE_RAM_BASE + gib;

	o.ram_bytes = 2 * gib + (64ull << 20);
	boot_with(o);
	stores_begin();
	bench_map(d, 4 * gib, there, gib);
	assert_true(stores_end() <= 2);
	assert_status(pv_map(d, 4 * gib, there, gib, BENCH_RW), PC_EXISTS);
	bench_lands(2, 0, 4 * gib + 0x3fffff8, there + 0x3fffff8);
	bench_lands(2, 0, 5 * gib - 8, there + gib - 8);
	/* A page out of the middle: the block becomes blocks, one of them pages. */
	bench_unmap(d, 4 * gib + 5 * BLOCK_SIZE + 0x7000, 0x1000);
	bench_faults(2, 0, 4 * gib + 5 * BLOCK_SIZE + 0x7000, SMMU_F_TRANSLATION);
	bench_lands(2, 0, 4 * gib + 5 * BLOCK_SIZE + 0x6000, there + 5 * BLOCK_SIZE + 0x6000);
	bench_lands(2, 0, 4 * gib + 9 * BLOCK_SIZE, there + 9 * BLOCK_SIZE);
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
}

/* Behind many pages a leaf of 1 GiB is more than the call has left: it is the next one's, whole. */
static void V9_gigabyte_block_behind_pages(void **state UNUSED)
{
	const u64 gib = 1ull << 30, there = FAKE_RAM_BASE + gib, pages = 400 * PAGE_SIZE;
	struct bench_options o = bench_defaults();
	struct result r;

	o.ram_bytes = 2 * gib + (64ull << 20);
	boot_with(o);
	r = pv_map(d, 4 * gib - pages, there - pages, pages + gib, BENCH_RW);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, pages);
	stores_begin();
	bench_map(d, 4 * gib, there, gib);
	assert_true(stores_end() <= 2);
	bench_lands(2, 0, 4 * gib - 8, there - 8);
	bench_lands(2, 0, 5 * gib - 8, there + gib - 8);
}

static void A4_split_leaves_the_rest(void **state UNUSED)
{
	boot();
	bench_map(d, BASE, bench_block(1), BLOCK_SIZE);
	bench_lands(2, 0, BASE + 0x5000, bench_block(1) + 0x5000);
	bench_unmap(d, BASE + 0x5000, 0x2000);
	bench_faults(2, 0, BASE + 0x5000, SMMU_F_TRANSLATION);
	bench_faults(2, 0, BASE + 0x6ff8, SMMU_F_TRANSLATION);
	bench_lands(2, 0, BASE + 0x4ff8, bench_block(1) + 0x4ff8);
	bench_lands(2, 0, BASE + 0x7000, bench_block(1) + 0x7000);
	bench_lands(2, 0, BASE + BLOCK_SIZE - 8, bench_block(1) + BLOCK_SIZE - 8);
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 0);
	assert_int_equal(page_find(pa(bench_block(1) + 0x5000))->pins, 0);
	assert_int_equal(page_find(pa(bench_block(1) + 0x4000))->pins, 1);
	/* First and last page of a block. */
	bench_map(d, BASE + BLOCK_SIZE, bench_block(2), BLOCK_SIZE);
	bench_unmap(d, BASE + BLOCK_SIZE, 0x1000);
	bench_unmap(d, BASE + 2 * BLOCK_SIZE - 0x1000, 0x1000);
	bench_lands(2, 0, BASE + BLOCK_SIZE + 0x1000, bench_block(2) + 0x1000);
}

static void unmap_over_two_half_blocks(void **state UNUSED)
{
	boot();
	bench_map(d, BASE, bench_block(1), 2 * BLOCK_SIZE);
	bench_unmap(d, BASE + BLOCK_SIZE / 2, BLOCK_SIZE);
	bench_lands(2, 0, BASE, bench_block(1));
	bench_lands(2, 0, BASE + BLOCK_SIZE + BLOCK_SIZE / 2, bench_block(2) + BLOCK_SIZE / 2);
	bench_faults(2, 0, BASE + BLOCK_SIZE, SMMU_F_TRANSLATION);
}

/* A2: a block takes the place of an empty table; the table is reused only after the walk caches. */
static void A2_block_over_an_empty_table(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 4; i++) {
		bench_map(d, BASE, bench_page(i), 0x1000);
		bench_lands(2, 0, BASE, bench_page(i));
		bench_unmap(d, BASE, 0x1000);
		bench_map(d, BASE, bench_block(1), BLOCK_SIZE);
		bench_lands(2, 0, BASE + 0x1000, bench_block(1) + 0x1000);
		bench_unmap(d, BASE, BLOCK_SIZE);
		bench_faults(2, 0, BASE, SMMU_F_TRANSLATION);
	}
	/* And the other way: a table in the place of a block that was. */
	bench_map(d, BASE, bench_page(9), 0x1000);
	bench_lands(2, 0, BASE, bench_page(9));
}

static void many_empty_tables_in_the_place_of_blocks(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 size, done = 0;

	o.ram_bytes = 128ull << 20;
	o.pool_bytes = 4ull << 20;
	boot_with(o);
	size = 40 * BLOCK_SIZE;
	for (u64 at = 0; at < size; at += BLOCK_SIZE) {
		bench_map(d, BASE + at, bench_page(1), 0x1000);
		bench_unmap(d, BASE + at, 0x1000);
	}
	while (done < size) {
		struct result r =
			pv_map(d, BASE + done, bench_block(0) + done, size - done, BENCH_RW);

		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0);
		done += r.v1;
	}
	bench_lands(2, 0, BASE + size - 8, bench_block(0) + size - 8);
}

static void V9_large_map_is_done_in_steps(void **state UNUSED)
{
	u64 size = 3000 * PAGE_SIZE, done = 0;
	struct result r;
	u32 calls = 0;

	boot();
	while (done < size) {
		r = pv_map(d, BASE + done, bench_block(0) + PAGE_SIZE + done, size - done,
			   BENCH_RW);
		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 <= 512 * PAGE_SIZE);
		done += r.v1;
		calls++;
	}
	assert_int_equal(calls, 6);
	for (done = 0, calls = 0; done < size; done += r.v1, calls++) {
		r = pv_unmap(d, BASE + done, size - done);
		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 <= 512 * PAGE_SIZE);
	}
	assert_int_equal(calls, 6);
}

/* 4,096 page records at most, however few the leaves. */
static void V9_blocks_are_limited_by_their_pages(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct result r;

	o.ram_bytes = 128ull << 20;
	boot_with(o);
	r = pv_map(d, BASE, bench_block(0), 40 * BLOCK_SIZE, BENCH_RW);
	assert_status(r, PC_SUCCESS);
	assert_true(r.v1 > 0);
	r = pv_unmap(d, BASE, r.v1);
	assert_status(r, PC_SUCCESS);
}

/* A block of 1 GiB is 512 runs of page records: a call takes as many of them as it may touch records, and no more. */
static void V9_large_blocks_are_limited_by_their_records(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 gib = 1ull << 30, there = FAKE_RAM_BASE + gib, size = 10 * gib, done;
	struct result r;
	u32 own;

	o.ram_bytes = size + 2 * gib;
	o.heap_bytes = 64ull << 20;
	boot_with(o);
	oracle_effort(1u << 20);
	for (done = 0; done < size; done += r.v1) {
		r = pv_map(d, 16 * gib + done, there + done, size - done, BENCH_RW);
		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 <= (PVIOMMU_MAX_PAGES / 512) * gib);
	}
	for (done = 0; done < size; done += r.v1) {
		r = pv_unmap(d, 16 * gib + done, size - done);
		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 <= (PVIOMMU_MAX_PAGES / 512) * gib);
	}
	own = bench_domain();
	/* Behind pages that have taken the most of a call it is the next one's, there and in FREE_DOMAIN. */
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(pv_map(own, 16 * gib - 400 * PAGE_SIZE, bench_page(100), 400 * PAGE_SIZE, BENCH_RW).v1, 400 * PAGE_SIZE);
		assert_int_equal(pv_map(own, 16 * gib, there, gib, BENCH_RW).v1, gib);
		if (i == 0) {
			assert_int_equal(pv_unmap(own, 16 * gib - 400 * PAGE_SIZE, 400 * PAGE_SIZE + gib).v1, 400 * PAGE_SIZE);
			assert_int_equal(pv_unmap(own, 16 * gib, gib).v1, gib);
		}
	}
	assert_status(pv_free(own), PC_SUCCESS);
}

/* Lists whose every entry splits a block: the work of one call stays bounded. */
static void V9_list_of_splits_is_done_in_steps(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *e;
	u64 size = 48 * BLOCK_SIZE, done;
	struct result r;
	u32 calls = 0, left = 48;

	o.ram_bytes = 128ull << 20;
	o.pool_bytes = 4ull << 20;
	boot_with(o);
	for (done = 0; done < size; done += r.v1) {
		r = pv_map(d, BASE + done, bench_block(0) + done, size - done, BENCH_RW);
		assert_status(r, PC_SUCCESS);
	}
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	while (left > 0) {
		*list = (struct pviommu_map_list){ .size = 32,
						   .domain = d,
						   .entry_len = 16,
						   .entry_num = left,
						   .entries_ipa = WHERE + 64 };
		for (u32 i = 0; i < left; i++)
			e[i] = (struct pviommu_unmap_entry){
				BASE + (48 - left + i) * BLOCK_SIZE + 0x3000, 0x1000
			};
		r = pv_list(PVIOMMU_UNMAP_LIST, WHERE); /* the oracle holds the bound */
		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 % 0x1000 == 0);
		left -= (u32)(r.v1 >> PAGE_SHIFT);
		calls++;
	}
	assert_true(calls > 1);
}

static void rights_are_what_was_asked(void **state UNUSED)
{
	u64 value = 7;

	boot();
	assert_status(pv_map(d, 0x1000, bench_page(1), 0x1000, PVIOMMU_PROT_READ), PC_SUCCESS);
	assert_int_equal(bench_read(2, 0, 0x1000, &value), SMMU_OK);
	bench_faults(2, 0, 0x1000, SMMU_F_PERMISSION);
	assert_status(pv_map(d, 0x2000, bench_page(2), 0x1000,
			     PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_PRIV),
		      PC_SUCCESS);
	bench_faults(2, 0, 0x2000, SMMU_F_PERMISSION);
	{
		const struct smmu_dma dma = { .sid = bench_sid(2, 0),
					      .write = true,
					      .priv = true,
					      .addr = 0x2000,
					      .size = 8 };

		assert_int_equal(smmu_dma(bench_smmu[0], &dma, &value, NULL), SMMU_OK);
	}
	/* A5: the same page with fewer rights, after its removal. */
	bench_map(d, 0x3000, bench_page(3), 0x1000);
	bench_lands(2, 0, 0x3000, bench_page(3));
	bench_unmap(d, 0x3000, 0x1000);
	assert_status(pv_map(d, 0x3000, bench_page(3), 0x1000, PVIOMMU_PROT_READ), PC_SUCCESS);
	bench_faults(2, 0, 0x3000, SMMU_F_PERMISSION);
}

static void stage2_write_only(void **state UNUSED)
{
	u64 value = 1, end;

	boot_with(bench_stage2_only());
	end = 1ull << pv_query(0, PVIOMMU_Q_IOVA_BITS, 0).v1;
	assert_status(pv_map(d, 0x1000, bench_page(1), 0x1000, PVIOMMU_PROT_WRITE), PC_SUCCESS);
	assert_int_equal(bench_write(2, 0, 0x1000, 3), SMMU_OK);
	assert_int_equal(bench_read(2, 0, 0x1000, &value), SMMU_F_PERMISSION);
	assert_status(pv_map(d, end - 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_SUCCESS);
	bench_lands(2, 0, end - 0x1000, bench_page(1));
	assert_status(pv_map(d, end, bench_page(1), 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
	bench_faults(2, 0, end, SMMU_F_TRANSLATION);
}

static void A1_moved_page_is_at_its_new_place_only(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 50; i++) {
		bench_map(d, 0x1000, bench_page(i), 0x1000);
		bench_lands(2, 0, 0x1000, bench_page(i));
		bench_unmap(d, 0x1000, 0x1000);
		bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	}
}

static void A6_page_mapped_often_is_pinned_often(void **state UNUSED)
{
	u32 other;

	boot();
	other = bench_domain();
	for (u64 i = 0; i < 20; i++) {
		bench_map(i % 2 ? d : other, i << 21, bench_page(7), 0x1000);
		assert_int_equal(page_find(pa(bench_page(7)))->pins, i + 1);
	}
	for (u64 i = 0; i < 20; i++)
		bench_unmap(i % 2 ? d : other, i << 21, 0x1000);
	assert_int_equal(page_find(pa(bench_page(7)))->pins, 0);
}

static void D10_iova_space_ends(void **state UNUSED)
{
	u64 end = 1ull << 48;

	boot();
	bench_map(d, end - BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	bench_lands(2, 0, end - 8, bench_block(1) + BLOCK_SIZE - 8);
	bench_faults(2, 0, end, SMMU_F_TRANSLATION);
	bench_faults(2, 0, ~0ull - 7, SMMU_F_TRANSLATION);
	bench_unmap(d, end - BLOCK_SIZE, BLOCK_SIZE);
	assert_status(pv_map(d, end - BLOCK_SIZE, bench_block(1), BLOCK_SIZE + 0x1000, BENCH_RW),
		      PC_INVALID_PARAMETER);
}

/* One list: one invalidation and one sync for all of it. */
static void list_unmap_syncs_once(void **state UNUSED)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *e;
	u32 from;

	boot();
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	for (u32 i = 0; i < 10; i++)
		bench_map(d, i * 0x5000, bench_page(i), 0x1000);
	*list = (struct pviommu_map_list){
		.size = 32, .domain = d, .entry_len = 16, .entry_num = 10, .entries_ipa = WHERE + 64
	};
	for (u32 i = 0; i < 10; i++)
		e[i] = (struct pviommu_unmap_entry){ i * 0x5000, 0x1000 };
	from = smmu_cmd_count(bench_smmu[0]);
	assert_int_equal(pv_list(PVIOMMU_UNMAP_LIST, WHERE).v1, 0xa000);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], 0x46, from), 1);
	/* Mapping sends nothing at all: not-present entries are not cached. */
	from = smmu_cmd_count(bench_smmu[0]);
	bench_map(d, 0, bench_page(0), 0x8000);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), from);
}

static void more_ranges_than_fit_flush_the_tag(void **state UNUSED)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *e;

	boot();
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	for (u32 i = 0; i < 120; i++) {
		bench_map(d, i * 0x3000ull, bench_page(i), 0x1000);
		bench_lands(2, 0, i * 0x3000ull, bench_page(i));
	}
	*list = (struct pviommu_map_list){ .size = 32,
					   .domain = d,
					   .entry_len = 16,
					   .entry_num = 119,
					   .entries_ipa = WHERE + 64 };
	for (u32 i = 0; i < 119; i++)
		e[i] = (struct pviommu_unmap_entry){ i * 0x3000ull, 0x1000 };
	assert_int_equal(pv_list(PVIOMMU_UNMAP_LIST, WHERE).v1, 119 * 0x1000);
	for (u32 i = 0; i < 119; i++)
		bench_faults(2, 0, i * 0x3000ull, SMMU_F_TRANSLATION);
	bench_lands(2, 0, 119 * 0x3000ull, bench_page(119));
}

/* Entries that are longer than they are known: no more than a call reads bytes of, and the count says so. */
static void V9_longer_entries_make_no_longer_call(void **state UNUSED)
{
	static const struct {
		u64 op;
		u32 entry_len;
	} calls[] = { { PVIOMMU_MAP_LIST, 256 }, { PVIOMMU_UNMAP_LIST, 256 } };
	const u64 quarter = PVIOMMU_MAX_LIST / 4 * PAGE_SIZE;

	boot();
	for (u32 k = 0; k < ARRAY_SIZE(calls); k++) {
		u8 *entry = bench_ptr(WHERE + 64);
		u32 len = calls[k].entry_len;

		*(struct pviommu_map_list *)bench_ptr(WHERE) = (struct pviommu_map_list){
			.size = 32, .domain = d, .entry_len = len, .entry_num = PVIOMMU_MAX_LIST, .entries_ipa = WHERE + 64
		};
		memset(entry, 0, (u64)len * PVIOMMU_MAX_LIST);
		/* Neighbours, so that what else a call is bounded by is far away: a page of each. */
		for (u32 i = 0; i < PVIOMMU_MAX_LIST; i++)
			if (calls[k].op == PVIOMMU_MAP_LIST)
				*(struct pviommu_map_entry *)(entry + (u64)len * i) = (struct pviommu_map_entry){
					i * PAGE_SIZE, bench_page(i), PAGE_SIZE, BENCH_RW, 0
				};
			else
				*(struct pviommu_unmap_entry *)(entry + (u64)len * i) =
					(struct pviommu_unmap_entry){ i * PAGE_SIZE, PAGE_SIZE };
		entry[(u64)len * PVIOMMU_MAX_LIST - 1] = 1; /* of the last, which is not looked at */
		assert_int_equal(pv_list(calls[k].op, WHERE).v1, quarter);
	}
}

/* A list of which the bound of a call reaches the second entry's middle: the count says exactly where. */
static void C10_a_list_stops_inside_an_entry(void **state UNUSED)
{
	u64 first = 3 * PAGE_SIZE, all = (u64)PVIOMMU_MAX_LEAVES * PAGE_SIZE, done = all;
	struct pviommu_map_list *list;
	struct pviommu_map_entry *e;

	boot();
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	*list = (struct pviommu_map_list){ .size = 32,
					   .domain = d,
					   .entry_len = sizeof(*e),
					   .entry_num = 3,
					   .entries_ipa = WHERE + 64 };
	e[0] = (struct pviommu_map_entry){ .iova = 0, .ipa = bench_page(1), .bytes = first, .prot = BENCH_RW };
	e[1] = (struct pviommu_map_entry){ .iova = BASE, .ipa = bench_page(101), .bytes = all, .prot = BENCH_RW };
	e[2] = (struct pviommu_map_entry){ .iova = 2 * BASE, .ipa = bench_page(1), .bytes = first, .prot = BENCH_RW };
	assert_int_equal(pv_list(PVIOMMU_MAP_LIST, WHERE).v1, done);
	bench_lands(2, 0, first - PAGE_SIZE, bench_page(3));
	bench_lands(2, 0, BASE + done - first - PAGE_SIZE, bench_page(101) + done - first - PAGE_SIZE);
	bench_faults(2, 0, BASE + done - first, SMMU_F_TRANSLATION);
	bench_faults(2, 0, 2 * BASE, SMMU_F_TRANSLATION);
}

static void I1_list_is_copied_before_it_is_looked_at(void **state UNUSED)
{
	struct pviommu_map_list *list;
	struct pviommu_map_entry *e;

	boot();
	/* The list maps the page that it lies in, and the entry behind it: it does not matter. */
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	*list = (struct pviommu_map_list){
		.size = 32, .domain = d, .entry_len = 32, .entry_num = 2, .entries_ipa = WHERE + 64
	};
	e[0] = (struct pviommu_map_entry){ 0x1000, WHERE, 0x1000, BENCH_RW, 0 };
	e[1] = (struct pviommu_map_entry){ 0x2000, WHERE + 0x1000, 0x1000, BENCH_RW, 0 };
	assert_int_equal(pv_list(PVIOMMU_MAP_LIST, WHERE).v1, 0x2000);
	bench_lands(2, 0, 0x1000, WHERE);
}

static void free_of_a_large_domain_is_done_in_steps(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 before;
	u32 big;

	o.pool_bytes = 4ull << 20;
	o.ram_bytes = 64ull << 20;
	boot_with(o);
	before = pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1;
	big = bench_domain();
	for (u64 i = 0; i < 40; i++)
		bench_map(big, i << 30, bench_page(i), 64 * PAGE_SIZE);
	bench_map(big, 1ull << 46, bench_block(1), BLOCK_SIZE);
	assert_status(pv_free(big), PC_SUCCESS);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1, before);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_PINS).v1, 0);
	assert_status(pv_map(big, 0, bench_page(0), 0x1000, BENCH_RW), PC_NOT_FOUND);
}

/* While it goes, any other call on it is BUSY, from whatever vCPU (abi/status.h). */
static void dying_domain_is_busy(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct hcall_args args;
	u32 big, steps = 0;

	o.pool_bytes = 4ull << 20;
	boot_with(o);
	big = bench_domain();
	for (u64 i = 0; i < 100; i++)
		bench_map(big, i << 30, bench_page(i), 64 * PAGE_SIZE);
	do {
		args = (struct hcall_args){ { PC_PVIOMMU_OP, PVIOMMU_FREE_DOMAIN, big } };
		bench_cpu_set(steps % 2);
		if (hyp_hypercall(vm_vcpu(vm_primary, bench_cpu), &args))
			break;
		steps++;
		assert_null(oracle_check());
		bench_cpu_set((steps + 1) % 2);
		assert_status(pv_map(big, 0, bench_page(0), 0x1000, BENCH_RW), PC_BUSY);
		assert_status(pv_unmap(big, 0, 0x1000), PC_BUSY);
		assert_status(pv_attach(0, 1, 0, big, 0), PC_BUSY);
		assert_status(pv_iova_to_ipa(big, 0), PC_BUSY);
	} while (steps < 1000);
	assert_true(steps > 3);
	assert_int_equal(args.r[0], 0);
	bench_check();
}

/* A4: three pages from a boundary on, with the last of them read by the device: none is left. */
static void A4_last_page_of_a_gathered_range_goes(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 domain;

	bench_boot(&o);
	oracle_effort(16);
	bench_assign(2, 0, 1);
	domain = bench_domain();
	bench_attach(1, domain);
	/* Two tables: gathered as two runs, one range. */
	bench_map(domain, BLOCK_SIZE - 2 * PAGE_SIZE, bench_page(1), 4 * PAGE_SIZE);
	for (u32 i = 0; i < 4; i++)
		bench_lands(2, 0, BLOCK_SIZE + (i - 2ull) * PAGE_SIZE, bench_page(1 + i));
	bench_unmap(domain, BLOCK_SIZE - 2 * PAGE_SIZE, 4 * PAGE_SIZE);
	for (u32 i = 0; i < 4; i++)
		bench_faults(2, 0, BLOCK_SIZE + (i - 2ull) * PAGE_SIZE, SMMU_F_TRANSLATION);
}

/* B6: blocks side by side, unmapped up to the middle of the second. */
static void A4_run_of_blocks_ends_inside_one(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 domain;

	bench_boot(&o);
	oracle_effort(16);
	bench_assign(2, 0, 1);
	domain = bench_domain();
	bench_attach(1, domain);
	bench_map(domain, BLOCK_SIZE, bench_block(1), 2 * BLOCK_SIZE);
	bench_lands(2, 0, 2 * BLOCK_SIZE + 0x200000 - PAGE_SIZE, bench_block(2) + BLOCK_SIZE - PAGE_SIZE);
	bench_unmap(domain, BLOCK_SIZE, BLOCK_SIZE + 16 * PAGE_SIZE);
	bench_faults(2, 0, 2 * BLOCK_SIZE, SMMU_F_TRANSLATION);
	bench_lands(2, 0, 2 * BLOCK_SIZE + 16 * PAGE_SIZE, bench_block(2) + 16 * PAGE_SIZE);
}

/* Aligned for a block, and not as long as one: no more than was asked for. */
static void D12_aligned_and_shorter_than_a_block(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 domain;

	bench_boot(&o);
	oracle_effort(16);
	domain = bench_domain();
	bench_map(domain, 5 * BLOCK_SIZE, bench_block(1), 300 * PAGE_SIZE);
	assert_status(pv_iova_to_ipa(domain, 5 * BLOCK_SIZE + 299 * PAGE_SIZE), PC_SUCCESS);
	assert_status(pv_iova_to_ipa(domain, 5 * BLOCK_SIZE + 300 * PAGE_SIZE), PC_NOT_FOUND);
}

/* Splits have used up most of a call's page records: the last entry ends where they do. */
static void V9_splits_leave_what_is_left_of_the_records(void **state UNUSED)
{
	u32 splits = (PVIOMMU_MAX_PAGES - 1) / 512;
	struct pviommu_unmap_entry *e;
	struct pviommu_map_list *list;

	boot();
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	*list = (struct pviommu_map_list){ .size = 32,
					   .domain = d,
					   .entry_len = sizeof(*e),
					   .entry_num = splits + 1,
					   .entries_ipa = WHERE + 64 };
	for (u32 i = 0; i < splits; i++) {
		bench_map(d, BASE + i * BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
		e[i] = (struct pviommu_unmap_entry){ BASE + i * BLOCK_SIZE + 0x3000, 0x1000 };
	}
	bench_map(d, 0, bench_page(1), 512 * PAGE_SIZE);
	e[splits] = (struct pviommu_unmap_entry){ 0, 512 * PAGE_SIZE };
	assert_int_equal(pv_list(PVIOMMU_UNMAP_LIST, WHERE).v1, 512 * PAGE_SIZE);
	bench_faults(2, 0, (511 - splits) * PAGE_SIZE, SMMU_F_TRANSLATION);
	bench_lands(2, 0, (512 - splits) * PAGE_SIZE, bench_page(1) + (512 - splits) * PAGE_SIZE);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(aligned_run_becomes_one_leaf),
		cmocka_unit_test(misaligned_run_becomes_pages),
		cmocka_unit_test(edges_and_middle),
		cmocka_unit_test(gigabyte_block),
		cmocka_unit_test(V9_gigabyte_block_behind_pages),
		cmocka_unit_test(A4_split_leaves_the_rest),
		cmocka_unit_test(unmap_over_two_half_blocks),
		cmocka_unit_test(A2_block_over_an_empty_table),
		cmocka_unit_test(many_empty_tables_in_the_place_of_blocks),
		cmocka_unit_test(V9_large_map_is_done_in_steps),
		cmocka_unit_test(V9_blocks_are_limited_by_their_pages),
		cmocka_unit_test(V9_large_blocks_are_limited_by_their_records),
		cmocka_unit_test(V9_list_of_splits_is_done_in_steps),
		cmocka_unit_test(rights_are_what_was_asked),
		cmocka_unit_test(stage2_write_only),
		cmocka_unit_test(A1_moved_page_is_at_its_new_place_only),
		cmocka_unit_test(A6_page_mapped_often_is_pinned_often),
		cmocka_unit_test(D10_iova_space_ends),
		cmocka_unit_test(list_unmap_syncs_once),
		cmocka_unit_test(more_ranges_than_fit_flush_the_tag),
		cmocka_unit_test(V9_longer_entries_make_no_longer_call),
		cmocka_unit_test(C10_a_list_stops_inside_an_entry),
		cmocka_unit_test(I1_list_is_copied_before_it_is_looked_at),
		cmocka_unit_test(free_of_a_large_domain_is_done_in_steps),
		cmocka_unit_test(dying_domain_is_busy),
		cmocka_unit_test(A4_last_page_of_a_gathered_range_goes),
		cmocka_unit_test(A4_run_of_blocks_ends_inside_one),
		cmocka_unit_test(D12_aligned_and_shorter_than_a_block),
		cmocka_unit_test(V9_splits_leave_what_is_left_of_the_records),
	};

	return SUITE("map", cases);
}
