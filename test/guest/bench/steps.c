/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each call of the pvIOMMU that has a goal, a few times and then once more, and nothing after it that is one of them:
 * scripts/bench_profile.py takes the last of each, instruction by instruction.
 */
#include "bench_stage.h"
#include "ram.h"
#include "rig.h"

#define TURNS     3
#define BASE_IOVA 0x10000000000ul

static void there_and_back(u64 iova, u64 ipa, u64 bytes)
{
	rig_map(rig.domain, iova, ipa, bytes, RW);
	rig_unmap(rig.domain, iova, bytes);
}

static struct pviommu_inval_smmuv3 entry[16] __attribute__((aligned(4096)));
static struct pviommu_invalidate inval __attribute__((aligned(64)));

static void invalidate(u32 count)
{
	for (u32 i = 0; i < count; i++)
		entry[i] = (struct pviommu_inval_smmuv3){ { NH_VA | ASID(BENCH_STAGE_ASID), BENCH_STAGE_VA + i * PAGE } };
	inval = stage1_envelope(rig.pviommu, entry, count);
	REQUIRE_EQUAL(OK(pv_invalidate((u64)&inval)).r1, count);
}

CASE(steps, all)
{
	u64 memory, *leaf;

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
	rig_attach(TESTDEV2, bench_first_stage(&leaf));
	for (u32 i = 0; i < TURNS; i++)
		invalidate(1);
	for (u32 i = 0; i < TURNS; i++)
		invalidate(16);
}

void guest_main(void)
{
	report_run("*", &rig_hooks);
}
