/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls with DMA between them, each answer predicted (spec.h), each followed by the
 * oracle, while hardware defers what it may and caches what it may. Seeds are fixed, so a failure
 * repeats; SEED=n in the environment adds to them.
 */
#include <stdlib.h>

#include "random_calls.h"
#include "suite.h"

#define CALLS 4000u

static void play(struct bench_options options, u64 seed)
{
	const char *more = getenv("SEED");

	fake_seed(seed + (more != NULL ? strtoull(more, NULL, 0) : 0));
	options.ram_bytes = 24ull << 20;
	bench_boot(&options);
	random_calls_begin(options.iommus);
	oracle_effort(64);
	for (u32 i = 0; i < CALLS; i++) {
		bench_cpu_set((u32)fake_random_below(2));
		random_calls_one();
		for (u64 n = fake_random_below(4); n > 0; n--)
			random_calls_dma();
		if (fake_random_below(8) == 0)
			smmu_speculate(bench_smmu[0]);
	}
	oracle_effort(1);
	bench_check();
}

static void V1_to_V10_random_nested(void **state UNUSED) { play(bench_defaults(), 1); }

static void V1_to_V10_random_stage1_only(void **state UNUSED) { play(bench_stage1_only(), 2); }

static void V1_to_V10_random_stage2_only(void **state UNUSED) { play(bench_stage2_only(), 3); }

static void V1_to_V10_random_two_smmus_with_pasids(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.stores = FAKE_STORES_RANDOM;
	o.iommus = 2;
	play(o, 4);
}

static void V1_to_V10_random_no_ranges_small_pool(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.range_inval = false;
	o.smmu.asid16 = o.smmu.vmid16 = false;
	o.pool_bytes = 96 * PAGE_SIZE;
	o.time = SMMU_ON_READ;
	play(o, 5);
}

static void V1_to_V10_random_no_live_split(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.bbml = 0;
	o.smmu.two_level = false;
	o.smmu.sid_bits = 13;
	play(o, 6);
}

static void B5_random_noncoherent(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.noncoherent = true;
	play(o, 7);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V1_to_V10_random_nested),
		cmocka_unit_test(V1_to_V10_random_stage1_only),
		cmocka_unit_test(V1_to_V10_random_stage2_only),
		cmocka_unit_test(V1_to_V10_random_two_smmus_with_pasids),
		cmocka_unit_test(V1_to_V10_random_no_ranges_small_pool),
		cmocka_unit_test(V1_to_V10_random_no_live_split),
		cmocka_unit_test(B5_random_noncoherent),
	};

	return SUITE("random", cases);
}
