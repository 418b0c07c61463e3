/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call of the pvIOMMU that has a goal, a few times and then once more, and nothing after it that is one of them:
 * scripts/bench_profile.py takes the last of each, instruction by instruction.
 */
#include "ram.h"
#include "rig.h"

#define TURNS     3
#define BASE_IOVA 0x10000000000ul

static void there_and_back(u64 iova, u64 ipa, u64 bytes)
{
	rig_map(rig.domain, iova, ipa, bytes, RW);
	rig_unmap(rig.domain, iova, bytes);
}

CASE(steps, all)
{
	u64 memory;

	rig_open();
	memory = (u64)ram_alloc(BLOCK_2M, BLOCK_2M);
	rig.domain = rig_domain();
	rig_attach(TESTDEV, rig.domain);
	rig_map(rig.domain, BASE_IOVA + BLOCK_2M - PAGE, memory, PAGE, RW);
	for (u32 i = 0; i < TURNS; i++)
		rig_query(PVIOMMU_Q_VERSION, 0);
	for (u32 i = 0; i < TURNS; i++)
		there_and_back(BASE_IOVA, memory, PAGE);
	for (u32 i = 0; i < TURNS; i++)
		there_and_back(BASE_IOVA, memory, 16 * PAGE);
	rig_unmap(rig.domain, BASE_IOVA + BLOCK_2M - PAGE, PAGE);
	for (u32 i = 0; i < TURNS; i++)
		there_and_back(BASE_IOVA + BLOCK_2M, memory, BLOCK_2M);
	/* A page beside where a block would fit. */
	for (u32 i = 0; i < TURNS; i++)
		there_and_back(BASE_IOVA + BLOCK_2M + PAGE, memory, BLOCK_2M);
	for (u32 i = 0; i < TURNS; i++) {
		rig_detach(TESTDEV, rig.domain);
		rig_attach(TESTDEV, rig.domain);
	}
}

void guest_main(void)
{
	report_run("*", &rig_hooks);
}
