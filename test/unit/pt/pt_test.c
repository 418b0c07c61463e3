/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One suite over every page-table format: a random sequence of maps, unmaps, splits, merges and
 * refused requests is held against a plain array of what each page should translate to. The
 * walker of the suite reads raw descriptors by the architecture's own rules (Arm ARM D8.3), not
 * by the format under test.
 */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#include "arch/arm64/pt_lpae.h"
#include "hyp/io.h"
#include "mem/bulk_map.h"
#include "mem/page.h"
#include "mem/pool_priv.h"

#define RAM    (64ull << 20)
#define HEAP   (32ull << 20)
#define PAGES  (4u * 512) /* the window under test: four 2 MiB slots */
#define ROUNDS 4000

static struct pool pool;
static struct pt pt;

/* What page i of the window is mapped to; 0: not mapped. Low bits hold the PT_* prot. */
static u64 want[PAGES];
static u64 window; /* input address of page 0 */

static const struct format {
	const char *name;
	const struct pt_ops *ops;
	int start_level;
	u64 base;
} formats[] = {
	{ "s1", &pt_lpae_s1, 0, 0x7fffc0000000ull - (2ull << 21) },
	{ "s2", &pt_lpae_s2, 1, 0x7fc0000000ull - (2ull << 21) },
	{ "s2_deep", &pt_lpae_s2_deep, 0, 0xfffc0000000ull - (2ull << 21) },
};
static const struct format *format;

static void setup_on(const struct format *f, bool snoops)
{
	struct machine *m;
	struct range rest;

	fake_reset();
	m = fake_machine(RAM, HEAP, 1);
	fake_machine_use(m);
	if (!snoops)
		fake_noncoherent();
	boot_alloc_open(m->heap);
	page_init(m);
	rest = boot_alloc_close();
	pool_init(&pool, 0);
	pool_add(&pool, pa(rest.base), rest.size >> PAGE_SHIFT);
	assert_int_equal(pt_init(&pt, f->ops, &pool, ~0u, !snoops), OK);
	memset(want, 0, sizeof(want));
	format = f;
	window = f->base;
}

static void setup(const struct format *f) { setup_on(f, true); }

/* Independent walk: output address and leaf size, or false. */
static bool hw_walk(u64 va, u64 *out, u64 *size, u64 *leaf)
{
	u64 table = pt.root.v;

	for (int level = format->start_level; level <= 3; level++) {
		u32 shift = 39 - 9 * (u32)level;
		u64 index = va >> shift, entry;

		if (level != format->start_level)
			index &= 511;
		memcpy(&entry, (const u64 *)io_phys(pa(table)) + index, 8);
		if (!(entry & 1))
			return false;
		if (level < 3 && (entry & 2)) {
			table = entry & 0xfffffffff000ull;
			continue;
		}
		assert_true(level == 3 ? (entry & 2) != 0 : true);
		assert_true((entry & (1ull << 10)) != 0); /* AF: no fault on first use */
		*size = 1ull << shift;
		*leaf = entry;
		*out = (entry & 0xfffffffff000ull & ~(*size - 1)) | (va & (*size - 1));
		return true;
	}
	return false;
}

/* UXN of stage 1, the upper bit of XN of stage 2 (D8.4). */
static bool hw_executable(u64 leaf)
{
	return (leaf & (1ull << 54)) == 0;
}

static bool hw_writable(u64 leaf)
{
	return format->ops->stage == 1 ? !(leaf & (1u << 7)) : (leaf & (1u << 7)) != 0;
}

static void check_page(u32 i)
{
	u64 va = window + ((u64)i << PAGE_SHIFT), out, size, leaf;
	struct pt_run run;
	bool mapped = hw_walk(va, &out, &size, &leaf);

	if (mapped != (want[i] != 0))
		suite_fail("page %u: mapped %d, wanted %lx", i, mapped, (unsigned long)want[i]);
	assert_int_equal(pt.ops->lookup(&pt, va, va, &run), mapped);
	if (!mapped)
		return;
	assert_int_equal(out, want[i] & ~PAGE_MASK);
	assert_int_equal(hw_writable(leaf), (want[i] & PT_WRITE) != 0);
	assert_int_equal(run.out + (va - run.va), out);
	assert_int_equal(run.prot & PT_WRITE, want[i] & PT_WRITE);
	assert_int_equal(hw_executable(leaf), (want[i] & PT_EXEC) != 0);
	assert_int_equal(run.prot & PT_EXEC, want[i] & PT_EXEC);
}

static void check_all(void)
{
	for (u32 i = 0; i < PAGES; i++)
		check_page(i);
}

static bool window_free(u32 first, u32 count)
{
	for (u32 i = first; i < first + count; i++)
		if (want[i] != 0)
			return false;
	return true;
}

static void want_set(u32 first, u32 count, u64 out, u32 prot)
{
	for (u32 i = 0; i < count; i++)
		want[first + i] = out == 0 ? 0 : (out + ((u64)i << PAGE_SHIFT)) | prot;
}

/* Map with the edit protocol that the core follows. */
static enum status map(u32 first, u32 count, u64 out, u8 shift, u32 prot)
{
	u64 va = window + ((u64)first << PAGE_SHIFT), size = (u64)count << PAGE_SHIFT;
	struct pt_edit edit = { .count = 0 };
	u32 tables = pt.tables;
	u64 free_pages = pool_free_pages(&pool);
	enum status status = pt.ops->prepare(&pt, &edit, va, size, shift);

	if (status != OK) {
		pt.ops->undo(&pt, &edit);
		pt.ops->finish(&pt, &edit);
		assert_int_equal(pt.tables, tables);
		assert_int_equal(pool_free_pages(&pool), free_pages);
		return status;
	}
	pt.ops->commit(&pt, va, out, size, shift, prot);
	pt.ops->finish(&pt, &edit);
	want_set(first, count, out, prot);
	return OK;
}

static void random_map(void)
{
	u8 shift = fake_random_below(4) == 0 ? PT_SHIFT_2M : PT_SHIFT_4K;
	u32 unit = 1u << (shift - PAGE_SHIFT);
	u32 first = (u32)fake_random_below(PAGES / unit) * unit;
	u32 count = (1 + (u32)fake_random_below(shift == PT_SHIFT_2M ? 2 : 700)) * unit;
	u64 out = (1 + fake_random_below(1u << 16)) << shift;
	u32 prot = PT_READ | (fake_random_below(2) ? PT_WRITE : 0) | (fake_random_below(2) ? PT_EXEC : 0);
	bool room;
	enum status status;

	if (first + count > PAGES)
		count = PAGES - first;
	room = window_free(first, count);
	status = map(first, count, out, shift, prot);
	assert_int_equal(status, room ? OK : E_EXIST);
}

static void split_at(u64 va, const struct pt_run *block)
{
	pa_t table;

	assert_int_equal(pt.ops->split_prepare(&pt, va, &table), OK);
	pt.ops->split_commit(&pt, va, block->shift, table);
}

static void random_unmap(void)
{
	u32 first = (u32)fake_random_below(PAGES), count = 1 + (u32)fake_random_below(900);
	u64 va = window + ((u64)first << PAGE_SHIFT), end = va + ((u64)count << PAGE_SHIFT);

	if (end > window + ((u64)PAGES << PAGE_SHIFT))
		end = window + ((u64)PAGES << PAGE_SHIFT);
	while (va < end) {
		struct pt_run run;
		u32 page = (u32)((va - window) >> PAGE_SHIFT);

		if (!pt.ops->lookup(&pt, va, end, &run)) {
			va += PAGE_SIZE;
			continue;
		}
		if (run.va < va || run.va + (1ull << run.shift) > end) {
			split_at(va, &run);
			continue;
		}
		if (run.va + run.size > end)
			run.size = (end - run.va) >> run.shift << run.shift;
		/* What a run claims is what will be unpinned: every page of it, no other. */
		for (u64 k = 0; k < run.size >> PAGE_SHIFT; k++)
			assert_int_equal(want[page + k] & ~PAGE_MASK, run.out + (k << PAGE_SHIFT));
		pt.ops->clear(&pt, &run);
		want_set(page, (u32)(run.size >> PAGE_SHIFT), 0, 0);
		va += run.size;
	}
}

static void random_merge(void)
{
	u64 va = window + (fake_random_below(PAGES / 512) << PT_SHIFT_2M);
	struct pt_edit edit = { .count = 0 };
	struct pt_run block;

	if (!pt.ops->merge(&pt, va, PT_SHIFT_2M, &edit, &block))
		return;
	assert_int_equal(block.va, va);
	pt.ops->commit(&pt, block.va, block.out, block.size, block.shift, block.prot);
	pt.ops->finish(&pt, &edit);
}

/* A table of leaves becomes one block where they are that block's pieces, all of them, and nowhere else. */
static void B6_only_pieces_of_one_block_are_merged(void **state)
{
	static const struct {
		u32 page, prot;
		u64 out; /* 0: nothing there */
	} odd[] = { { 0, PT_READ, 0x80000000 },
		    { 511, PT_READ, 0x80000000 + 511 * PAGE_SIZE },
		    { 100, PT_READ | PT_WRITE, 0x90000000 },
		    { 511, PT_READ | PT_WRITE, 0x80000000 + 512 * PAGE_SIZE },
		    { 7, PT_READ | PT_WRITE, 0 } };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		struct pt_edit edit = { .count = 0 };
		struct pt_run block;

		for (u32 k = 0; k < ARRAY_SIZE(odd); k++) {
			u32 page = odd[k].page;

			setup(&formats[i]);
			if (page > 0)
				assert_int_equal(map(0, page, 0x80000000, PT_SHIFT_4K, PT_READ | PT_WRITE), OK);
			if (page < 511)
				assert_int_equal(map(page + 1, 511 - page, 0x80000000 + (page + 1) * PAGE_SIZE,
						     PT_SHIFT_4K, PT_READ | PT_WRITE),
						 OK);
			if (odd[k].out != 0)
				assert_int_equal(map(page, 1, odd[k].out, PT_SHIFT_4K, odd[k].prot), OK);
			assert_false(pt.ops->merge(&pt, window, PT_SHIFT_2M, &edit, &block));
			assert_false(pt.ops->merge_live(&pt, window, PT_SHIFT_2M, &edit));
			check_all();
		}
		setup(&formats[i]);
		assert_int_equal(map(0, 512, 0x80000000, PT_SHIFT_4K, PT_READ | PT_WRITE), OK);
		assert_true(pt.ops->merge_live(&pt, window, PT_SHIFT_2M, &edit));
		pt.ops->finish(&pt, &edit);
		check_all();
	}
}

static void against_array(const struct format *f, u64 seed)
{
	u64 start;

	setup(f);
	start = pool_free_pages(&pool);
	fake_seed(seed);
	for (u32 i = 0; i < ROUNDS; i++) {
		switch (fake_random_below(5)) {
		case 0:
		case 1:
			random_map();
			break;
		case 2:
		case 3:
			random_unmap();
			break;
		default:
			random_merge();
			break;
		}
		if (i % 16 == 0)
			check_all();
	}
	check_all();
	while (pt.ops->destroy(&pt, 3) > 0 && pt.tables > 0)
		;
	assert_int_equal(pool_free_pages(&pool), start);
	assert_int_equal(pt.tables, 0);
}

static void random_sequences_match_an_array_B6_B7(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++)
		for (u64 seed = 1; seed <= 3; seed++)
			against_array(&formats[i], seed);
}

/* What a walker without snooping finds in a table, and in those below it, is what the CPU has there. */
static void in_memory(u64 table, int level)
{
	u64 entries = level == format->start_level ? 512ull * pt.ops->root_pages : 512;

	for (u64 i = 0; i < entries; i++) {
		u64 entry, seen;

		memcpy(&entry, (const u64 *)io_phys(pa(table)) + i, sizeof(entry));
		assert_true(fake_hw_read(table + 8 * i, &seen, sizeof(seen), false));
		if (seen != entry)
			suite_fail("entry %u of level %d is %#lx in memory", (u32)i, level, (unsigned long)seen);
		if (level < 3 && (entry & 3) == 3)
			in_memory(entry & 0xfffffffff000ull, level + 1);
	}
}

static void B5_tables_are_in_memory_at_every_moment(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		setup_on(&formats[i], false);
		in_memory(pt.root.v, format->start_level);
		fake_seed(i + 1);
		for (u32 round = 0; round < 100; round++) {
			if (fake_random_below(2))
				random_map();
			else if (fake_random_below(2))
				random_unmap();
			else
				random_merge();
			in_memory(pt.root.v, format->start_level);
		}
	}
}

/* Every allocation that a map needs fails once: nothing is left of the attempt. */
static void failed_allocations_leave_nothing_I4_V10(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		u32 failures = 0;

		setup(&formats[i]);
		for (u64 n = 1;; n++) {
			enum status status;

			pool_fail_after = n;
			/* Across a 2 MiB and, by the choice of the window, a 1 GiB boundary. */
			status = map(1000, 100, 0x80000000, PT_SHIFT_4K, PT_READ);
			pool_fail_after = 0;
			if (status == OK)
				break;
			assert_int_equal(status, E_NOMEM);
			check_all();
			failures++;
		}
		assert_true(failures >= 4);
		check_all();
	}
}

/* A block may take the place of tables that are empty, and not of one that holds a leaf. */
static void block_replaces_empty_tables_only_B10(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		u64 free_pages;

		setup(&formats[i]);
		assert_int_equal(map(5, 1, 0x80000000, PT_SHIFT_4K, PT_READ), OK);
		free_pages = pool_free_pages(&pool);
		assert_int_equal(map(0, 512, 0x90000000, PT_SHIFT_2M, PT_READ), E_EXIST);
		check_all();
		struct pt_run run;

		assert_true(pt.ops->lookup(&pt, window + 5 * PAGE_SIZE, window + 6 * PAGE_SIZE, &run));
		pt.ops->clear(&pt, &run);
		want_set(5, 1, 0, 0);
		assert_int_equal(map(0, 512, 0x90000000, PT_SHIFT_2M, PT_READ | PT_WRITE), OK);
		assert_int_equal(pool_free_pages(&pool), free_pages + 1);
		check_all();
	}
}

/* Input addresses are bounded by the format; roots of several pages are indexed whole. */
static void edges_of_the_input_space_D10(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		u64 top, out, size, leaf;

		setup(&formats[i]);
		top = 1ull << pt.ops->va_bits;
		assert_int_equal(bulk_map(&pt, PAGE_SIZE, 0x80000000, 0, PT_READ), E_INVAL);
		for (u64 odd = 1; odd < PAGE_SIZE; odd <<= 1) {
			assert_int_equal(bulk_map(&pt, odd, 0x80000000, PAGE_SIZE, PT_READ), E_INVAL);
			assert_int_equal(bulk_map(&pt, 0, 0x80000000 + odd, PAGE_SIZE, PT_READ), E_INVAL);
			assert_int_equal(bulk_map(&pt, 0, 0x80000000, odd, PT_READ), E_INVAL);
		}
		assert_int_equal(bulk_map(&pt, top, 0x80000000, PAGE_SIZE, PT_READ), E_INVAL);
		assert_int_equal(bulk_map(&pt, top - PAGE_SIZE, 0x80000000, 2 * PAGE_SIZE, PT_READ),
				 E_INVAL);
		assert_int_equal(bulk_map(&pt, top - PAGE_SIZE, 0x80000000, PAGE_SIZE, PT_READ), OK);
		assert_int_equal(bulk_map(&pt, 0, 0x80001000, PAGE_SIZE, PT_READ), OK);
		assert_true(hw_walk(top - PAGE_SIZE, &out, &size, &leaf));
		assert_int_equal(out, 0x80000000);
		assert_true(hw_walk(0, &out, &size, &leaf));
		assert_int_equal(out, 0x80001000);
		assert_false(hw_walk(top / 2, &out, &size, &leaf));
	}
}

/* The largest leaves that alignment allows, and not one larger. */
static void bulk_map_chooses_leaf_sizes_B7(void **state)
{
	u64 out, size, leaf;

	(void)state;
	setup(&formats[1]);
	assert_int_equal(bulk_map(&pt, 0x3fe00000, 0x3fe00000, 0x40400000 + 0x3000, PT_READ), OK);
	assert_true(hw_walk(0x3fe00000, &out, &size, &leaf));
	assert_int_equal(size, 1ull << 21);
	assert_true(hw_walk(0x40000000, &out, &size, &leaf));
	assert_int_equal(size, 1ull << 30);
	assert_true(hw_walk(0x80000000, &out, &size, &leaf));
	assert_int_equal(size, 1ull << 21);
	assert_true(hw_walk(0x80202000, &out, &size, &leaf));
	assert_int_equal(size, 1ull << 12);
	assert_int_equal(out, 0x80202000);
	assert_false(hw_walk(0x80203000, &out, &size, &leaf));
	/* Input and output that are not congruent get small leaves. */
	assert_int_equal(bulk_map(&pt, 0x100000000, 0x100001000, 0x400000, PT_READ), OK);
	assert_true(hw_walk(0x100200000, &out, &size, &leaf));
	assert_int_equal(size, 1ull << 12);
}

/* One edit remembers so many tables: what needs more is refused whole, and less of it works. */
static void edit_that_is_full_is_undone_I4(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		struct pt_edit edit = { .count = 0 };
		u64 size = (PT_EDIT_MAX + 1) * BLOCK_SIZE, free_pages;

		setup(&formats[i]);
		free_pages = pool_free_pages(&pool);
		assert_int_equal(pt.ops->prepare(&pt, &edit, BLOCK_SIZE, size, PT_SHIFT_4K), E_NOMEM);
		assert_int_equal(edit.count, PT_EDIT_MAX);
		assert_true(pt.ops->undo(&pt, &edit));
		pt.ops->finish(&pt, &edit);
		assert_int_equal(pt.tables, 0);
		assert_int_equal(pool_free_pages(&pool), free_pages);
		edit = (struct pt_edit){ .count = 0 };
		assert_int_equal(pt.ops->prepare(&pt, &edit, BLOCK_SIZE, size / 2, PT_SHIFT_4K), OK);
		pt.ops->finish(&pt, &edit);
		/* A leaf of 1 GiB has tables of tables in its way, empty or not. */
		edit = (struct pt_edit){ .count = 0 };
		assert_int_equal(pt.ops->prepare(&pt, &edit, 0, 1ull << 30, PT_SHIFT_1G), E_TOOBIG);
		assert_int_equal(edit.count, 0);
	}
}

/* Tables go one by one where the budget is one, those of tables too, and every step but the last says so. */
static void tables_are_destroyed_in_steps_V9(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		u64 free_pages;
		u32 tables, steps = 1;

		setup(&formats[i]);
		free_pages = pool_free_pages(&pool);
		for (u64 at = 0; at < 6; at++)
			assert_int_equal(bulk_map(&pt, (at << 30) + (at & 1) * BLOCK_SIZE, 0x80000000, PAGE_SIZE, PT_READ), OK);
		tables = pt.tables;
		assert_true(tables >= 12);
		while ((void)pt.ops->destroy(&pt, 1), pt.tables > 0)
			assert_int_equal(pt.tables, tables - steps++);
		assert_int_equal(steps, tables);
		assert_int_equal(pool_free_pages(&pool), free_pages);
	}
}

/* A table that is nearly empty takes as long to look through as a few to release: it counts so. */
static void empty_slots_count_when_tables_are_destroyed_V9(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		u32 tables;

		setup(&formats[i]);
		for (u64 at = 0; at < 40; at++)
			assert_int_equal(bulk_map(&pt, at << 30, 0x80000000, PAGE_SIZE, PT_READ), OK);
		tables = pt.tables;
		assert_true(pt.ops->destroy(&pt, 64) >= 64);
		assert_true(tables - pt.tables >= 8 && tables - pt.tables <= 16);
		/* However little there is, one goes. */
		tables = pt.tables;
		assert_true(pt.ops->destroy(&pt, 0) <= 16);
		assert_int_equal(pt.tables, tables - 1);
	}
}

/* The short way maps within one table only, and says so where a range leaves it. */
static void try_map_stays_in_one_table(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(formats); i++) {
		setup(&formats[i]);
		assert_int_equal(map(0, 1024, 0x80000000, PT_SHIFT_4K, PT_READ), OK);
		pt.ops->clear(&pt, &(struct pt_run){ .va = window, .size = 512 * PAGE_SIZE, .shift = PT_SHIFT_4K });
		want_set(0, 512, 0, 0);
		assert_false(pt.ops->try_map(&pt, window + 511 * PAGE_SIZE, 0x90000000, 2 * PAGE_SIZE, PT_SHIFT_4K, PT_READ));
		check_all();
		assert_true(pt.ops->try_map(&pt, window + 510 * PAGE_SIZE, 0x90000000, 2 * PAGE_SIZE, PT_SHIFT_4K, PT_READ));
		want_set(510, 2, 0x90000000, PT_READ);
		check_all();
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(random_sequences_match_an_array_B6_B7),
		cmocka_unit_test(B6_only_pieces_of_one_block_are_merged),
		cmocka_unit_test(B5_tables_are_in_memory_at_every_moment),
		cmocka_unit_test(failed_allocations_leave_nothing_I4_V10),
		cmocka_unit_test(block_replaces_empty_tables_only_B10),
		cmocka_unit_test(edges_of_the_input_space_D10),
		cmocka_unit_test(bulk_map_chooses_leaf_sizes_B7),
		cmocka_unit_test(edit_that_is_full_is_undone_I4),
		cmocka_unit_test(tables_are_destroyed_in_steps_V9),
		cmocka_unit_test(empty_slots_count_when_tables_are_destroyed_V9),
		cmocka_unit_test(try_map_stays_in_one_table),
	};

	return SUITE("pt", cases);
}
