/* SPDX-License-Identifier: BSD-2-Clause */
/* UNMAP_PAGES: exact counts, holes, blocks that are split. */
#include "ram.h"
#include "rig.h"

#define FREE_IOVA (RIG_IOVA + 64 * PAGE) /* nothing is mapped from here on */

CASE(unmap, hole_stops_with_the_bytes_before_it)
{
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(4 * PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, memory, 2 * PAGE, RW);
	rig_map(rig.domain, FREE_IOVA + 3 * PAGE, memory + 3 * PAGE, PAGE, RW);
	REFUSED(pv_unmap(rig.domain, FREE_IOVA + 2 * PAGE, PAGE), PC_INVALID_PARAMETER);
	REFUSED(pv_unmap(rig.domain, FREE_IOVA + 2 * PAGE, 2 * PAGE), PC_INVALID_PARAMETER);
	{
		struct hres r = pv_unmap(rig.domain, FREE_IOVA, 4 * PAGE);

		REQUIRE(hres_status(r) == PC_INVALID_PARAMETER && r.r1 == 2 * PAGE, "%s with %#lx bytes",
			status_name(hres_status(r)), r.r1);
	}
	FAULTS(rig.testdev, FREE_IOVA, (u32 *)memory);
	FAULTS(rig.testdev, FREE_IOVA + PAGE, (u32 *)(memory + PAGE));
	LANDS(rig.testdev, FREE_IOVA + 3 * PAGE, (u32 *)(memory + 3 * PAGE));
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), 2 * PAGE);
}

/* Repeating an unmap that is done finds a hole. */
CASE(unmap, twice_D12)
{
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, memory, PAGE, RW);
	rig_unmap(rig.domain, FREE_IOVA, PAGE);
	REFUSED(pv_unmap(rig.domain, FREE_IOVA, PAGE), PC_INVALID_PARAMETER);
	rig_map(rig.domain, FREE_IOVA, memory, PAGE, RW);
	LANDS(rig.testdev, FREE_IOVA, (u32 *)memory);
}

CASE(unmap, part_of_a_block_splits_it)
{
	u64 memory, iova = RIG_IOVA + 8 * BLOCK_2M;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	for (u64 page = 0; page < 512; page += 511) {
		u64 gone = page * PAGE, left = gone ? 0 : PAGE;

		rig_map(rig.domain, iova, memory, BLOCK_2M, RW);
		LANDS(rig.testdev, iova + gone, (u32 *)(memory + gone));
		rig_unmap(rig.domain, iova + gone, PAGE);
		FAULTS(rig.testdev, iova + gone, (u32 *)(memory + gone));
		LANDS(rig.testdev, iova + left, (u32 *)(memory + left));
		LANDS(rig.testdev, iova + 256 * PAGE, (u32 *)(memory + 256 * PAGE));
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), BLOCK_2M);
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 512);
		rig_unmap(rig.domain, iova + left, BLOCK_2M - PAGE);
		FAULTS(rig.testdev, iova + 256 * PAGE, (u32 *)(memory + 256 * PAGE));
	}
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
}

/* The hypervisor's record of a page that leaves by the CPU's side is the same: DMA and CPU see one memory. */
CASE(unmap, memory_is_free_when_it_returns_A1_V3)
{
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(64 * PAGE, PAGE);
	for (u32 round = 0; round < 20; round++) {
		rig_map(rig.domain, FREE_IOVA, memory, 64 * PAGE, RW);
		for (u32 i = 0; i < 64; i += 9)
			LANDS(rig.testdev, FREE_IOVA + i * PAGE, (u32 *)(memory + i * PAGE));
		rig_unmap(rig.domain, FREE_IOVA, 64 * PAGE);
		for (u32 i = 0; i < 64; i += 9)
			FAULTS(rig.testdev, FREE_IOVA + i * PAGE, (u32 *)(memory + i * PAGE));
	}
}

/* A block that cannot be split for want of a table stays whole, and goes as a whole. */
CASE(unmap, split_without_memory_changes_nothing_I4)
{
	u64 memory, filler, iova = RIG_IOVA + 8 * BLOCK_2M;

	rig_open_mapped();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, iova, memory, BLOCK_2M, RW);
	filler = rig_drain_pool();
	REFUSED(pv_unmap(rig.domain, iova, PAGE), PC_NO_MEMORY);
	REFUSED(pv_unmap(rig.domain, iova + BLOCK_2M - PAGE, PAGE), PC_NO_MEMORY);
	LANDS(rig.testdev, iova, (u32 *)memory);
	LANDS(rig.testdev, iova + BLOCK_2M - PAGE, (u32 *)(memory + BLOCK_2M - PAGE));
	OK(pv_free_domain(filler));
	rig_forget_domain(filler);
	rig_unmap(rig.domain, iova, PAGE);
	FAULTS(rig.testdev, iova, (u32 *)memory);
	rig_unmap(rig.domain, iova + PAGE, BLOCK_2M - PAGE);
}
