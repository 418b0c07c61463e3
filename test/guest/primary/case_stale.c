/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stale IOTLB entries, for every way a translation can go: a DMA goes through before (so the entry is cached), the
 * translation is taken away, and the same DMA must fault after, with the memory unchanged. QEMU's SMMU keeps stale
 * entries until they are invalidated, so a missing invalidation fails these (checklist A1, A4, A5).
 */
#include <string.h>

#include "ram.h"
#include "rig.h"

#define IOVA (RIG_IOVA + 8 * BLOCK_2M)

/* Touches so that each page of [iova, iova + bytes) is in the TLB, by both testdevs. */
static void warm(u64 iova, u64 memory, u64 bytes, u64 step)
{
	for (u64 o = 0; o < bytes; o += step) {
		LANDS(rig.testdev, iova + o, (u32 *)(memory + o));
		LANDS(rig.testdev2, iova + o, (u32 *)(memory + o));
	}
}

static void all_fault(u64 iova, u64 memory, u64 bytes, u64 step)
{
	for (u64 o = 0; o < bytes; o += step) {
		FAULTS(rig.testdev, iova + o, (u32 *)(memory + o));
		FAULTS(rig.testdev2, iova + o, (u32 *)(memory + o));
	}
}

CASE(stale, unmap_4k_A1)
{
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < 64; i++) {
		rig_map(rig.domain, IOVA, memory, PAGE, RW);
		warm(IOVA, memory, PAGE, PAGE);
		rig_unmap(rig.domain, IOVA, PAGE);
		all_fault(IOVA, memory, PAGE, PAGE);
	}
}

CASE(stale, unmap_64k_A4)
{
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(16 * PAGE, 16 * PAGE);
	rig_map(rig.domain, IOVA, memory, 16 * PAGE, RW);
	warm(IOVA, memory, 16 * PAGE, PAGE);
	rig_unmap(rig.domain, IOVA, 16 * PAGE);
	all_fault(IOVA, memory, 16 * PAGE, PAGE);
}

CASE(stale, unmap_512_pages_A4)
{
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, IOVA + PAGE, memory, BLOCK_2M, RW);
	warm(IOVA + PAGE, memory, BLOCK_2M, PAGE);
	rig_unmap(rig.domain, IOVA + PAGE, BLOCK_2M);
	all_fault(IOVA + PAGE, memory, BLOCK_2M, PAGE);
}

CASE(stale, unmap_2m_block_A4)
{
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, IOVA, memory, BLOCK_2M, RW);
	warm(IOVA, memory, BLOCK_2M, 37 * PAGE);
	rig_unmap(rig.domain, IOVA, BLOCK_2M);
	all_fault(IOVA, memory, BLOCK_2M, PAGE);
}

/* Blocks and pages in one unmap: every length around the limits between one command and many. */
CASE(stale, unmap_every_length_A4)
{
	static const u64 lengths[] = { 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1024, 1027 };
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M);
	for (u32 i = 0; i < ARRAY_COUNT(lengths); i++) {
		u64 bytes = lengths[i] * PAGE;

		for (u64 shift = 0; shift <= PAGE; shift += PAGE) {
			rig_map(rig.domain, IOVA + shift, memory + shift, bytes, RW);
			LANDS(rig.testdev, IOVA + shift, (u32 *)(memory + shift));
			LANDS(rig.testdev, IOVA + shift + bytes / 2, (u32 *)(memory + shift + bytes / 2));
			LANDS(rig.testdev, IOVA + shift + bytes - PAGE, (u32 *)(memory + shift + bytes - PAGE));
			rig_unmap(rig.domain, IOVA + shift, bytes);
			FAULTS(rig.testdev, IOVA + shift, (u32 *)(memory + shift));
			FAULTS(rig.testdev, IOVA + shift + bytes / 2, (u32 *)(memory + shift + bytes / 2));
			FAULTS(rig.testdev, IOVA + shift + bytes - PAGE, (u32 *)(memory + shift + bytes - PAGE));
		}
	}
}

/* A part of a cached block goes: that part faults, all others stay, and none of them may come from the old entry. */
CASE(stale, split_block_A4)
{
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	for (u64 page = 0; page < 512; page += 73) {
		rig_map(rig.domain, IOVA, memory, BLOCK_2M, RW);
		warm(IOVA, memory, BLOCK_2M, 64 * PAGE);
		rig_unmap(rig.domain, IOVA + page * PAGE, PAGE);
		all_fault(IOVA + page * PAGE, memory + page * PAGE, PAGE, PAGE);
		if (page)
			rig_unmap(rig.domain, IOVA, page * PAGE);
		rig_unmap(rig.domain, IOVA + (page + 1) * PAGE, (511 - page) * PAGE);
		all_fault(IOVA, memory, BLOCK_2M, 64 * PAGE);
	}
}

/* Several pages go by one command, which may spare all leaves but those of 4 KiB: the block's must be gone by then. */
CASE(stale, several_pages_of_a_block_A4)
{
	u64 memory;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, IOVA, memory, BLOCK_2M, RW);
	warm(IOVA, memory, BLOCK_2M, 64 * PAGE);
	rig_unmap(rig.domain, IOVA + 64 * PAGE, 64 * PAGE);
	all_fault(IOVA + 64 * PAGE, memory + 64 * PAGE, 64 * PAGE, PAGE);
	rig_unmap(rig.domain, IOVA, 64 * PAGE);
	rig_unmap(rig.domain, IOVA + 128 * PAGE, BLOCK_2M - 128 * PAGE);
}

/* What a table was for 512 pages becomes a block, and the other way round. */
CASE(stale, table_becomes_block_A2_B6)
{
	u64 memory, other;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	other = ram_alloc_raw(2 * BLOCK_2M, BLOCK_2M);
	for (u32 round = 0; round < 4; round++) {
		rig_map(rig.domain, IOVA, memory, 5 * PAGE, RW);
		warm(IOVA, memory, 5 * PAGE, PAGE);
		rig_unmap(rig.domain, IOVA, 5 * PAGE);
		rig_map(rig.domain, IOVA, other, BLOCK_2M, RW);
		warm(IOVA, other, BLOCK_2M, 128 * PAGE);
		rig_unmap(rig.domain, IOVA, BLOCK_2M);
		all_fault(IOVA, other, BLOCK_2M, 128 * PAGE);
	}
}

CASE(stale, remap_to_another_page_A1)
{
	u32 *first, *second;

	rig_open_mapped();
	first = ram_alloc(PAGE, PAGE);
	second = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < 16; i++) {
		u32 *now = i % 2 ? second : first, *old = i % 2 ? first : second;

		rig_map(rig.domain, IOVA, (u64)now, PAGE, RW);
		*old = 0x01dda7a;
		LANDS(rig.testdev, IOVA, now);
		LANDS(rig.testdev2, IOVA, now);
		REQUIRE_EQUAL(*old, 0x01dda7a);
		rig_unmap(rig.domain, IOVA, PAGE);
	}
}

CASE(stale, remap_with_less_right_A5)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, IOVA, (u64)memory, PAGE, RW);
	warm(IOVA, (u64)memory, PAGE, PAGE);
	rig_unmap(rig.domain, IOVA, PAGE);
	rig_map(rig.domain, IOVA, (u64)memory, PAGE, PVIOMMU_PROT_READ);
	all_fault(IOVA, (u64)memory, PAGE, PAGE);
}

CASE(stale, unmap_list_A4)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *entries;
	u64 memory;

	rig_open_mapped();
	list = ram_alloc(PAGE, PAGE);
	entries = ram_alloc(4 * PAGE, PAGE);
	memory = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M);
	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = (u32)rig.domain,
					   .entry_len = sizeof(*entries),
					   .entry_num = 64,
					   .entries_ipa = (u64)entries };
	/* 60 scattered pages, two runs of five, a block, and a page of another gigabyte. */
	for (u64 i = 0; i < 64; i++) {
		u64 bytes = i < 60 ? PAGE : i < 62 ? 5 * PAGE :
				    i == 62        ? BLOCK_2M :
						     PAGE;
		u64 iova = i < 62 ? IOVA + i * 8 * PAGE : i == 62 ? IOVA + 2 * BLOCK_2M :
								    IOVA + 3 * BLOCK_1G;

		entries[i] = (struct pviommu_unmap_entry){ iova, bytes };
		rig_map(rig.domain, iova, i == 62 ? memory + 2 * BLOCK_2M : memory + i * 8 * PAGE, bytes, RW);
		warm(iova, i == 62 ? memory + 2 * BLOCK_2M : memory + i * 8 * PAGE, bytes, PAGE * 64);
	}
	REQUIRE_EQUAL(OK(pv_unmap_list((u64)list)).r1, 71 * PAGE + BLOCK_2M);
	for (u64 i = 0; i < 64; i++)
		all_fault(entries[i].iova, i == 62 ? memory + 2 * BLOCK_2M : memory + i * 8 * PAGE, entries[i].bytes, PAGE);
}

CASE(stale, detach_B3_B4)
{
	rig_open_mapped();
	for (u32 i = 0; i < 16; i++) {
		warm(RIG_IOVA, (u64)rig.page, PAGE, PAGE);
		rig_detach(TESTDEV, rig.domain);
		FAULTS(rig.testdev, RIG_IOVA, rig.page);
		LANDS(rig.testdev2, RIG_IOVA, rig.page);
		rig_attach(TESTDEV, rig.domain);
	}
}

/* Changes made while nobody looks must not be hidden by what was cached under the domain's tag before. */
CASE(stale, unmap_while_detached_A4_B4)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < 8; i++) {
		rig_map(rig.domain, IOVA, (u64)memory, PAGE, RW);
		warm(IOVA, (u64)memory, PAGE, PAGE);
		for (u32 e = 0; e < RIG_ENDPOINTS; e++)
			rig_detach(e, rig.domain);
		rig_unmap(rig.domain, IOVA, PAGE);
		for (u32 e = 0; e < RIG_ENDPOINTS; e++)
			rig_attach(e, rig.domain);
		all_fault(IOVA, (u64)memory, PAGE, PAGE);
	}
}

CASE(stale, free_domain_A8)
{
	u32 *memory;

	rig_open();
	memory = ram_alloc(PAGE, PAGE);
	/* The next domain gets the tag and the table pages of the last: nothing of it may be left. */
	for (u32 i = 0; i < 300; i++) {
		u64 domain = OK(pv_alloc_domain()).r1;

		rig_attach(TESTDEV, domain);
		FAULTS(rig.testdev, IOVA + i % 3 * PAGE, memory);
		rig_map(domain, IOVA, (u64)memory, PAGE, RW);
		rig_map(domain, IOVA + PAGE, (u64)memory, PAGE, RW);
		rig_map(domain, IOVA + 2 * PAGE, (u64)memory, PAGE, RW);
		LANDS(rig.testdev, IOVA, memory);
		LANDS(rig.testdev, IOVA + PAGE, memory);
		LANDS(rig.testdev, IOVA + 2 * PAGE, memory);
		rig_detach(TESTDEV, domain);
		OK(pv_free_domain(domain));
	}
}

CASE(stale, replace_B4)
{
	u64 domains[4];
	u32 *pages[4];

	rig_open();
	for (u32 i = 0; i < 4; i++) {
		domains[i] = rig_domain();
		pages[i] = ram_alloc(PAGE, PAGE);
		rig_map(domains[i], IOVA, (u64)pages[i], PAGE, RW);
		rig_map(domains[i], IOVA + (i + 1) * PAGE, (u64)pages[i], PAGE, RW);
	}
	for (u32 round = 0; round < 32; round++) {
		u32 now = round % 4, before = (round + 3) % 4;

		rig_attach(TESTDEV, domains[now]);
		LANDS(rig.testdev, IOVA, pages[now]);
		LANDS(rig.testdev, IOVA + (now + 1) * PAGE, pages[now]);
		FAULTS(rig.testdev, IOVA + (before + 1) * PAGE, pages[before]);
	}
}

/* One domain's invalidation and another's entries: same IOVAs, two tags. */
CASE(stale, other_domain_is_untouched_C2)
{
	u32 *mine, *theirs;
	u64 other;

	rig_open_mapped();
	mine = ram_alloc(PAGE, PAGE);
	theirs = ram_alloc(PAGE, PAGE);
	other = rig_domain();
	rig_map(rig.domain, IOVA, (u64)mine, PAGE, RW);
	rig_map(other, IOVA, (u64)theirs, PAGE, RW);
	rig_attach(TESTDEV2, other);
	for (u32 i = 0; i < 8; i++) {
		LANDS(rig.testdev, IOVA, mine);
		LANDS(rig.testdev2, IOVA, theirs);
		rig_unmap(rig.domain, IOVA, PAGE);
		FAULTS(rig.testdev, IOVA, mine);
		LANDS(rig.testdev2, IOVA, theirs);
		rig_map(rig.domain, IOVA, (u64)mine, PAGE, RW);
	}
}

CASE(stale, release_and_assign_A8_E1)
{
	u32 bdf, *memory;

	for (u32 round = 0; round < 4; round++) {
		rig_open_mapped();
		memory = rig.page;
		warm(RIG_IOVA, (u64)memory, PAGE, PAGE);
		bdf = rig.testdev.bdf;
		rig_hooks.clean_up();
		testdev_open(&rig.testdev, bdf);
		/* Identity again: the IOVA of the old domain is no address there. */
		FAULTS(rig.testdev, RIG_IOVA, memory);
		LANDS(rig.testdev, (u64)memory, memory);
	}
}
