/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A primary that lies, repeats and interleaves: random calls about three VMs, and theirs, with DMA of
 * every device between them. The oracle looks after each call, and each access that gets through lands
 * in a page of the device's owner. Seeds are fixed; SEED=n in the environment adds to them.
 */
#include <stdlib.h>

#include "random_vms.h"
#include "suite.h"

#define CALLS      6000u
#define CALLS_MORE (8 * CALLS) /* at most, for a kind of call that has not gone well, or not been refused, yet */

/* Kinds whose calls never fail need not be refused. */
static bool kind_seen(u32 k)
{
	const bool nested = k == PLAY_NESTED || k == PLAY_INVALIDATE;

	return (random_went_well[k] > 0 || (nested && !iommu_instance[0].caps.nested)) &&
	       (random_refused[k] > 0 || k == PLAY_ALLOC || k == PLAY_DESTROY);
}

static bool all_seen(void)
{
	u32 k = 0;

	while (k < PLAY_RAW && kind_seen(k))
		k++;
	return k == PLAY_RAW;
}

static void play(struct bench_options o, u64 seed)
{
	const char *more = getenv("SEED");

	fake_seed(seed + (more != NULL ? strtoull(more, NULL, 0) : 0));
	bench_boot(&o);
	oracle_effort(32);
	random_vms_begin();
	for (u32 i = 0; i < CALLS || (i < CALLS_MORE && !all_seen()); i++) {
		play_some_call(&random_vms);
		for (u64 n = fake_random_below(4); n > 0; n--)
			play_some_dma(&random_vms);
		if (fake_random_below(8) == 0)
			play_some_events(&random_vms);
		if (fake_random_below(8) == 0)
			play_some_nested(&random_vms);
		if (fake_random_below(8) == 0)
			hyp_exit_work(vm_vcpu(vm_primary, bench_cpu));
		if (fake_random_below(8) == 0)
			smmu_speculate(bench_smmu[0]);
	}
	/* K4: the end of all of them, and of the primary's rings. */
	bench_reset_turns = 0;
	bench_patience = 0;
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		(void)bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, i, 0, 0, 0, 0);
	for (u32 i = 0; i < PLAY_VMS; i++)
		if (vm_find(random_vms.vm[i]) != NULL)
			bench_destroy(random_vms.vm[i]);
	oracle_effort(1);
	bench_check();
	assert_int_equal(pc_vmm_query(PC_VMM_Q_VMS, 0).v1, 0);
	assert_true(random_landed > 100);
	for (u32 k = 0; k < PLAY_RAW; k++)
		if (!kind_seen(k))
			suite_fail("of kind %u %u calls went well, %u were refused", k, random_went_well[k], random_refused[k]);
}

static void V1_to_V10_random_vms_nested(void **state UNUSED) { play(bench_defaults(), 11); }

static void V1_to_V10_random_vms_stage1_only(void **state UNUSED) { play(bench_stage1_only(), 23); }

static void V1_to_V10_random_vms_stage2_only(void **state UNUSED) { play(bench_stage2_only(), 15); }

static void V1_to_V10_random_vms_two_smmus(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.stores = FAKE_STORES_RANDOM;
	o.iommus = 2;
	play(o, 25);
}

static void V1_to_V10_random_vms_no_live_split(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.bbml = 0;
	o.smmu.range_inval = false;
	play(o, 16);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V1_to_V10_random_vms_nested),
		cmocka_unit_test(V1_to_V10_random_vms_stage1_only),
		cmocka_unit_test(V1_to_V10_random_vms_stage2_only),
		cmocka_unit_test(V1_to_V10_random_vms_two_smmus),
		cmocka_unit_test(V1_to_V10_random_vms_no_live_split),
	};

	return SUITE("vm_random", cases);
}
