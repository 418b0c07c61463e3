/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INVALIDATE of 1, 16 and 256 TLBI_NH_VA entries for a first stage of our own, from HVC to return: the copy, the checks,
 * the commands and their completion. Before every 100th call a leaf has changed and the device still hits the old page;
 * after it the new one, by what the last entry says.
 */
#include "bench.h"
#include "bench_stage.h"
#include "ram.h"
#include "rig.h"

#define SAMPLES     BENCH_SAMPLES
#define PROVE_EVERY 100
#define VA          BENCH_STAGE_VA

static u32 samples[SAMPLES];
static struct pviommu_inval_smmuv3 entry[PVIOMMU_MAX_INVAL] __attribute__((aligned(4096)));
static struct pviommu_invalidate inval __attribute__((aligned(64)));
static u64 *leaf;
static u32 *page[2];

static void put_leaf(u32 which)
{
	*leaf = stage1_leaf((u64)page[which]);
	stage1_publish();
}

static u32 timed_invalidate(u32 count)
{
	struct timed t = timed_call(PC_PVIOMMU_OP, PVIOMMU_INVALIDATE, (u64)&inval, 0, 0, 0, 0);

	REQUIRE(hres_ok(t.r) && t.r.r1 == count, "INVALIDATE of %u: %s, %lu", count, status_name(hres_status(t.r)), t.r.r1);
	return t.ticks;
}

static void bench_count(const char *key, u32 count)
{
	u32 cold;

	for (u32 i = 0; i < count; i++)
		entry[i] = (struct pviommu_inval_smmuv3){ { NH_VA | ASID(BENCH_STAGE_ASID), VA + (count - 1 - i) * PAGE } };
	inval = stage1_envelope(rig.pviommu, entry, count);
	cold = timed_invalidate(count);
	put_leaf(0);
	for (u32 i = 0; i < SAMPLES; i++) {
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		if (prove) {
			LANDS(rig.testdev2, VA, page[0]);
			put_leaf(1);
			LANDS(rig.testdev2, VA, page[0]);
		}
		samples[i] = timed_invalidate(count);
		if (prove) {
			LANDS(rig.testdev2, VA, page[1]);
			put_leaf(0);
			(void)timed_invalidate(count);
			LANDS(rig.testdev2, VA, page[0]);
		}
	}
	bench_print(key, bench_median(samples, SAMPLES), cold);
}

void bench_invalidations(void)
{
	u64 domain = bench_first_stage(&leaf);

	page[0] = ram_alloc(PAGE, PAGE);
	page[1] = ram_alloc(PAGE, PAGE);
	put_leaf(0);
	rig_attach(TESTDEV2, domain);
	bench_count("invalidate_1", 1);
	bench_count("invalidate_16", 16);
	bench_count("invalidate_256", 256);
	rig_detach(TESTDEV2, domain);
	OK(pv_free_domain(domain));
}
