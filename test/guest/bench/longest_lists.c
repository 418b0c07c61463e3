/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists and ranges that are worst by what they find: empty tables in the place of blocks, runs of one leaf, registers of many
 * devices side by side, a secondary's memory in no order; and the end of a domain of runs, holes and empty tables.
 */
#include "longest.h"
#include "rig.h"

#define AREA       longest_area()
#define FAR_STRIDE longest_stride()
#define ENTRIES    PVIOMMU_MAX_LIST

/* --- of a caller whose memory lies in no order, by entries as long as a call takes half as many of */

#define LONG_ENTRY (PVIOMMU_MAX_READ / PVIOMMU_MAX_LONG)
#define STRUCT_AT  (PAGE - 8)
#define ENTRIES_AT (4 * PAGE + 8)
#define TARGETS_AT (16 * PAGE)
#define TARGETS    (LONGEST_ROOM / PAGE - 16)

static u64 *word(const struct longest_caller *c, u64 at)
{
	return c->here(at);
}

static u64 entry_at(u32 n)
{
	return ENTRIES_AT + (u64)n * LONG_ENTRY;
}

/* For either list; of an entry to unmap `ipa` is the bytes, and the rest zero. */
static void put_entry(const struct longest_caller *c, u32 n, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	*word(c, entry_at(n)) = iova;
	*word(c, entry_at(n) + 8) = ipa;
	*word(c, entry_at(n) + 16) = bytes;
	*word(c, entry_at(n) + 24) = prot;
}

static u64 list(const struct longest_caller *c, u64 op, u64 domain, u32 from, u32 count)
{
	*word(c, STRUCT_AT) = PVIOMMU_MAX_STRUCT;
	*word(c, STRUCT_AT + 8) = domain | (u64)LONG_ENTRY << 32;
	*word(c, STRUCT_AT + 16) = count;
	*word(c, STRUCT_AT + 24) = c->ipa + entry_at(from);
	return c->op("a list", op, c->ipa + STRUCT_AT, 0, 0, 0, 0).r1;
}

/* All entries, of `bytes` each; what is left of one that a call stopped in goes by itself. */
static void list_all(const struct longest_caller *c, u64 op, u64 domain, u64 bytes)
{
	for (u32 at = 0; at < ENTRIES;) {
		u64 done = list(c, op, domain, at, ENTRIES - at), part = done % bytes;

		REQUIRE(done, "operation %lu does nothing", op);
		at += (u32)(done / bytes);
		if (!part)
			continue;
		if (op == PVIOMMU_MAP_LIST)
			c->op("MAP_PAGES", PVIOMMU_MAP_PAGES, domain, *word(c, entry_at(at)) + part, *word(c, entry_at(at) + 8) + part,
			      bytes - part, RW);
		else
			c->op("UNMAP_PAGES", PVIOMMU_UNMAP_PAGES, domain, *word(c, entry_at(at)) + part, bytes - part, 0, 0);
		at++;
	}
}

/* Each entry in tables of its own, which are there the second time. */
static void far_pages(const struct longest_caller *c, u64 domain, u64 op, u32 pages)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		u64 iova = AREA + i * FAR_STRIDE + PAGE, ipa = c->ipa + TARGETS_AT + i * pages % (TARGETS - pages) * PAGE;

		if (op == PVIOMMU_MAP_LIST)
			put_entry(c, i, iova, ipa, pages * PAGE, RW);
		else
			put_entry(c, i, iova, pages * PAGE, 0, 0);
	}
	list_all(c, op, domain, pages * PAGE);
}

static void paged_blocks(const struct longest_caller *c, u64 domain, u64 block)
{
	for (u32 i = 0; i < ENTRIES; i++)
		put_entry(c, i, AREA + i * BLOCK_2M, block, BLOCK_2M, RW);
	list_all(c, PVIOMMU_MAP_LIST, domain, BLOCK_2M);
}

void longest_lists_of(const struct longest_caller *c, u64 paged_block)
{
	static const u32 sizes[] = { 1, 2, 1, 2, 16 };
	u64 domain;

	c->lend(true);
	for (u64 at = 0; at < LONGEST_ROOM; at += 8)
		*word(c, at) = 0;
	domain = c->op("ALLOC_DOMAIN", PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0).r1;
	longest_forget();
	for (u32 i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		far_pages(c, domain, PVIOMMU_MAP_LIST, sizes[i]);
		far_pages(c, domain, PVIOMMU_UNMAP_LIST, sizes[i]);
	}
	paged_blocks(c, domain, paged_block);
	longest_print_of(c->prefix, "lists");
	c->lend(false);
}

/* --- the primary's */

static struct pviommu_map_entry maps[ENTRIES] __attribute__((aligned(64)));
static struct pviommu_unmap_entry unmaps[ENTRIES] __attribute__((aligned(64)));

static u64 primary_list(const char *what, u64 op, u32 entry_len, const void *array, u32 count)
{
	static struct pviommu_map_list envelope __attribute__((aligned(64)));

	envelope = (struct pviommu_map_list){
		.size = sizeof(envelope), .domain = (u32)rig.domain, .entry_len = entry_len, .entry_num = count, .entries_ipa = (u64)array
	};
	return LONGEST_OP(what, op, (u64)&envelope, 0, 0, 0, 0).r1;
}

static u64 map_all(void)
{
	return primary_list("MAP_LIST", PVIOMMU_MAP_LIST, sizeof(maps[0]), maps, ENTRIES);
}

/* Entries of blocks, each over an empty table. */
static void over_empty_tables(u64 memory, u64 blocks)
{
	const u64 area = AREA + blocks * BLOCK_1G;
	u64 done;

	for (u64 i = 0; i < ENTRIES; i++) {
		rig_map(rig.domain, area + i * BLOCK_2M, memory, PAGE, RW);
		rig_unmap(rig.domain, area + i * BLOCK_2M, PAGE);
		maps[i] = (struct pviommu_map_entry){ area + i * blocks * BLOCK_2M, memory, blocks * BLOCK_2M, RW, 0 };
	}
	done = map_all();
	REQUIRE(done && done < ENTRIES * BLOCK_2M, "MAP_LIST over empty tables maps %lu bytes", done);
	rig_unmap(rig.domain, area, done);
}

/* A page, a block and a page in every entry, in tables that are there the second time. */
static void page_block_page(u64 memory)
{
	const u64 bytes = BLOCK_2M + 2 * PAGE;

	for (u32 turn = 0; turn < 2; turn++) {
		u64 done;

		for (u64 i = 0; i < ENTRIES; i++)
			maps[i] = (struct pviommu_map_entry){ AREA + i * FAR_STRIDE + BLOCK_2M - PAGE, memory + BLOCK_2M - PAGE, bytes, RW, 0 };
		done = map_all();
		for (u64 i = 0; i * bytes < done; i++)
			rig_unmap(rig.domain, maps[i].iova, done - i * bytes < bytes ? done - i * bytes : bytes);
	}
}

/* All blocks of a range but for the first, so that none of 1 GiB fits. */
static void blocks_in_a_row(u64 gib)
{
	const u64 iova = AREA + 64 * BLOCK_1G + BLOCK_2M, bytes = BLOCK_1G - BLOCK_2M;

	for (u64 at = 0, done; at < bytes; at += done) {
		done = LONGEST_OP("MAP_PAGES", PVIOMMU_MAP_PAGES, rig.domain, iova + at, gib + at, bytes - at, RW).r1;
		REQUIRE(done, "MAP_PAGES maps nothing");
	}
	rig_unmap(rig.domain, iova, bytes);
}

/* --- registers */

static u64 window[ENTRIES];
static u32 windows;

static void window_add(u64 at)
{
	u32 i = windows++;

	for (; i > 0 && window[i - 1] > at; i--)
		window[i] = window[i - 1];
	window[i] = at;
}

/* Windows of a page, in their order. */
static void find_windows(void)
{
	const u64 devices = OK(dev_count()).r1;

	for (u32 d = 0; d < devices; d++) {
		const struct pc_dev_info info = rig_device_info(d);

		for (u32 i = 0; i < info.mmio_count && windows < ENTRIES; i++)
			if (info.mmio[i].bytes == PAGE)
				window_add(info.mmio[i].ipa);
	}
	REQUIRE(windows > 1, "no two devices have a window of a page");
}

static void map_window(u64 iova, u32 n)
{
	OK(pv_map(rig.domain, iova, window[n % windows], PAGE, RW | PVIOMMU_PROT_MMIO));
}

/* Two windows in each entry, in tables of their own. */
static void far_registers(void)
{
	for (u32 i = 0; i < ENTRIES; i++) {
		const u64 iova = AREA + i * FAR_STRIDE;

		for (u32 k = 0; k < 2; k++)
			map_window(iova + k * PAGE, i * 97 % (windows - 1) + k);
		unmaps[i] = (struct pviommu_unmap_entry){ iova, 2 * PAGE };
	}
	for (u64 done, at = 0; at < ENTRIES; at += (done + PAGE) / PAGE / 2) {
		done = primary_list("UNMAP_LIST", PVIOMMU_UNMAP_LIST, sizeof(unmaps[0]), &unmaps[at], (u32)(ENTRIES - at));
		REQUIRE(done, "UNMAP_LIST unmaps nothing");
		if (done % (2 * PAGE))
			rig_unmap(rig.domain, unmaps[at + done / PAGE / 2].iova + PAGE, PAGE);
	}
}

/* Runs of four pages, of memory or of registers, two holes between; and tables in which nothing is. */
static void domain_of_holes(u64 memory)
{
	const u64 domain = rig.domain, other = OK(pv_alloc_domain()).r1;

	rig.domain = other;
	rig_note_domain(other);
	for (u32 i = 0; i < 127; i++) {
		for (u32 k = 0; k < 4; k++)
			map_window((2 * i * 6 + k) * PAGE, i * 4 + k);
		rig_map(other, (2 * i + 1) * 6 * PAGE, memory + i * 6 * PAGE, 4 * PAGE, RW);
	}
	for (u64 i = 1; i < 57; i++) {
		rig_map(other, i * FAR_STRIDE, memory, PAGE, RW);
		rig_unmap(other, i * FAR_STRIDE, PAGE);
	}
	LONGEST_OP("FREE_DOMAIN", PVIOMMU_FREE_DOMAIN, other, 0, 0, 0, 0);
	rig_forget_domain(other);
	rig.domain = domain;
}

void longest_lists(u64 memory, u64 gib)
{
	over_empty_tables(memory, 1);
	over_empty_tables(memory, 8);
	longest_print("map_list_over_tables");
	page_block_page(memory);
	longest_print("map_list_edges");
	blocks_in_a_row(gib);
	longest_print("map_blocks");
	find_windows();
	far_registers();
	longest_print("unmap_list_registers");
	domain_of_holes(memory);
	longest_print("free_domain_holes");
}
