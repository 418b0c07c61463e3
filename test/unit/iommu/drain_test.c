/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of hardware's event queues one exit takes, whatever it was for (V9), and that none of them has to wait for another. */
#include "bench.h"
#include "iommu/drain.h"
#include "iommu/fault.h"
#include "suite.h"

#define IOVA 0x1000ull

static u32 d;

/* A call of which the answer does not matter: that it may be long is a property of the call. */
static void call(u64 function, u64 operation) { (void)bench_call(function, operation, 0, 0, 0, 0, 0); }

static void boot_of(u32 iommus)
{
	struct bench_options o = bench_defaults();

	o.iommus = iommus;
	o.smmu.evtq_bits = 9;
	bench_boot(&o);
	oracle_effort(64);
	bench_assign(0, 0, 10);
	bench_assign(2, 0, 1);
	bench_assign(3, 0, 2);
	bench_assign(5, iommus - 1, 5);
	d = bench_domain();
	for (u32 i = 0; i < 3; i++)
		bench_attach(10 + i, d);
	bench_attach(1, d);
	bench_attach(2, d);
	call(PC_PVIOMMU_OP, PVIOMMU_QUERY); /* the last one is a short one */
}

static void faults(u32 device, u32 endpoint, u32 count)
{
	for (u32 i = 0; i < count; i++)
		bench_faults(device, endpoint, IOVA, device == 5 ? SMMU_C_BAD_STE : SMMU_F_TRANSLATION);
}

/* So many events the next exit of a vCPU takes. */
static u64 taken(void)
{
	const u64 before = fault_counts().events;

	hyp_exit_work(vm_vcpu(vm_primary, 0));
	return fault_counts().events - before;
}

static void V9_H2_after_a_call_that_may_be_long_an_exit_takes_few(void **state UNUSED)
{
	static const u64 operations[] = { PVIOMMU_ATTACH_DEV, PVIOMMU_DETACH_DEV, PVIOMMU_MAP_PAGES, PVIOMMU_UNMAP_PAGES, PVIOMMU_MAP_LIST, PVIOMMU_UNMAP_LIST,
					  PVIOMMU_INVALIDATE, PVIOMMU_FREE_DOMAIN, PVIOMMU_ATTACH_LIST, PVIOMMU_DETACH_LIST };
	static const u64 functions[] = { PC_VM_CREATE, PC_VM_DESTROY, PC_VM_DONATE, PC_VM_ADD_POOL,
					 PC_DEV_ASSIGN, PC_DEV_RELEASE, PC_DEV_MAP_MMIO, PC_DEV_RESET };

	boot_of(1);
	faults(2, 0, 500);
	for (u32 i = 0; i < ARRAY_SIZE(operations); i++) {
		call(PC_PVIOMMU_OP, operations[i]);
		assert_int_equal(taken(), DRAIN_EVENTS_LONG);
	}
	for (u32 i = 0; i < ARRAY_SIZE(functions); i++) {
		call(functions[i], ~0ull);
		assert_int_equal(taken(), DRAIN_EVENTS_LONG);
	}
	/* It was told of once: other exits follow it. */
	assert_int_equal(taken(), DRAIN_EVENTS);
	call(PC_PVIOMMU_OP | PC_SVE_HINT, PVIOMMU_MAP_LIST);
	assert_int_equal(taken(), DRAIN_EVENTS_LONG);
}

static void V9_H2_after_a_short_call_an_exit_takes_all_that_it_may(void **state UNUSED)
{
	boot_of(1);
	faults(2, 0, 500);
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	call(PC_PVIOMMU_OP, PVIOMMU_QUERY);
	assert_int_equal(taken(), DRAIN_EVENTS);
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	call(PC_SMCCC_VERSION, 0);
	assert_int_equal(taken(), DRAIN_EVENTS);
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	call(PC_PVIOMMU_OP, PVIOMMU_OP_COUNT);
	assert_int_equal(taken(), DRAIN_EVENTS);
}

/* The first one's flood leaves time for what waits in the second one's queue, at each exit, of either kind. */
static void V9_H2_each_iommu_has_its_share_of_an_exit(void **state UNUSED)
{
	boot_of(2);
	faults(2, 0, 300);
	faults(5, 0, 300);
	assert_int_equal(taken(), DRAIN_EVENTS);
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	assert_int_equal(taken(), DRAIN_EVENTS_LONG);
	hyp_irq(machine->iommu[1].event_irq);
	assert_int_equal(taken(), DRAIN_EVENTS);
	assert_int_equal(device_table[5].endpoint[0].faults, 3 * (DRAIN_EVENTS / 2) + DRAIN_EVENTS_LONG / 2);
}

static u32 muted(void)
{
	u32 count = 0;

	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].endpoint_count; k++)
			count += device_table[i].endpoint[k].muted_until != 0;
	return count;
}

/* Many whose time is over speak again, some at each exit. */
static void V9_H2_an_exit_lets_few_speak_again(void **state UNUSED)
{
	static const u8 who[][2] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 2, 0 }, { 3, 0 }, { 5, 0 } };
	u32 before;

	boot_of(1);
	for (u32 i = 0; i < ARRAY_SIZE(who); i++) {
		faults(who[i][0], who[i][1], 200);
		while (taken() > 0)
			;
	}
	before = muted();
	assert_int_equal(before, ARRAY_SIZE(who));
	fake_time_advance(2 * DRAIN_MUTE_US);
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	(void)taken();
	assert_int_equal(muted(), before);
	(void)taken();
	assert_int_equal(muted(), before - 4);
	(void)taken();
	assert_int_equal(muted(), 0);
}

/* A loss is many rings to write, and a flood a stream to mute: an exit that has time for that does it, once. */
static void V9_H2_S1_5_a_loss_is_told_behind_a_short_call(void **state UNUSED)
{
	u64 lost;

	boot_of(1);
	lost = pv_stats(0, PVIOMMU_STAT_LOST).v1;
	faults(2, 0, 600);
	for (u32 i = 0; i < 3; i++) {
		call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
		assert_int_equal(taken(), DRAIN_EVENTS_LONG);
		assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost);
		assert_int_equal(muted(), 0);
		call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	}
	(void)taken();
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost);
	(void)taken();
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost + 1);
	assert_int_equal(muted(), 1);
	while (taken() > 0)
		;
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost + 1);
}

/* Nothing new is in the queue: that a loss is to be told of is reason enough for an exit to look. */
static void V9_S1_5_a_loss_is_told_when_the_queue_is_empty(void **state UNUSED)
{
	u64 lost;

	boot_of(1);
	lost = pv_stats(0, PVIOMMU_STAT_LOST).v1;
	faults(2, 0, 513);
	for (u32 i = 0; i < 512 / DRAIN_EVENTS_LONG; i++) {
		call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
		assert_int_equal(taken(), DRAIN_EVENTS_LONG);
	}
	call(PC_PVIOMMU_OP, PVIOMMU_MAP_LIST);
	assert_int_equal(taken(), 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost);
	assert_int_equal(taken(), 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, lost + 1);
	assert_false(iommu_pending(&iommu_instance[0]));
}

/* Nothing answers for it any more, and still the pause of a stream behind it ends. */
static void H2_E9_a_pause_ends_behind_an_iommu_that_is_gone(void **state UNUSED)
{
	boot_of(1);
	faults(2, 0, 200);
	while (taken() > 0)
		;
	assert_int_equal(muted(), 1);
	bench_hardware_fails();
	smmu_inject_ones(bench_smmu[0], 1, true);
	(void)taken();
	(void)taken();
	fake_time_advance(2 * DRAIN_MUTE_US);
	(void)taken();
	(void)taken();
	assert_int_equal(muted(), 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V9_H2_after_a_call_that_may_be_long_an_exit_takes_few),
		cmocka_unit_test(V9_H2_after_a_short_call_an_exit_takes_all_that_it_may),
		cmocka_unit_test(V9_H2_each_iommu_has_its_share_of_an_exit),
		cmocka_unit_test(V9_H2_an_exit_lets_few_speak_again),
		cmocka_unit_test(V9_H2_S1_5_a_loss_is_told_behind_a_short_call),
		cmocka_unit_test(H2_E9_a_pause_ends_behind_an_iommu_that_is_gone),
		cmocka_unit_test(V9_S1_5_a_loss_is_told_when_the_queue_is_empty),
	};

	return SUITE("drain", cases);
}
