/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that is late for a guest's invalidation and answers when it is asked again: forgiven, but not for ever. */
#include "ats_bench.h"
#include "bench_vm.h"
#include "suite.h"

/* A device's only entry of a batch, for which it is late: it does answer when it is asked again. */
static void is_late(u32 device, u32 vsid)
{
	struct result r;

	smmu_atc_deaf(bench_smmu[0], bench_sid(device, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(vsid), VA);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	r = invalidate(2);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_NOT_ATTEMPTED, 0xee }), 3);
	ats_alive();
}

/* Each time the queue stands still for it. Neither being asked in peace nor a reset by its owner makes it forgotten. */
static void N47_late_again_and_again_is_deaf(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 n = 0; n < 3; n++) {
		is_late(1, 7);
		assert_status(invalidate(2), PC_SUCCESS);
		assert_status(pv_detach(0, 7, 0, ats_domain), PC_SUCCESS);
		assert_status(bench_call(PC_DEV_RESET, 0, 7, 0, 0, 0, 0), PC_SUCCESS);
		bench_attach(7, ats_domain);
		assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	}
	assert_int_equal(ats_ring->producer, 0);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_NH_ASID | asid_field(1), 0);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(7), 2 * VA);
	put_entry(3, OP_NH_ALL, 0);
	r = invalidate(4);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, PVIOMMU_INVAL_HW_TIMEOUT, 1, 0xee }), 5);
	ats_alive();
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_false(bench_master[1]);
	assert_int_equal(ats_ring->producer, 2);
	assert_int_equal(ats_event(0).reason, PVIOMMU_REASON_INVAL_TIMEOUT);
	assert_int_equal(ats_event(0).endpoint, 7);
	assert_int_equal(ats_event(1).reason, PVIOMMU_REASON_QUARANTINED);
	/* With a new owner, here the same, it begins anew. */
	assert_status(pc_dev_release(1), PC_SUCCESS);
	bench_assign(1, 0, 7);
	bench_attach(7, ats_domain);
	is_late(1, 7);
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
}

/*
 * One of three is late for a batch: nobody can say which. From then on each of the three is asked apart, in the guest's order,
 * so that it is known.
 */
static void N47_only_who_is_late_is_fenced_for_it(void **state UNUSED)
{
	static const u8 order[] = { 1, 2, 1, 0 }, asked[] = { 8, 2, 2, 2 };
	static const u32 vsid[] = { 10, 7, 8 };
	static const u8 together[5] = { 0, 0, 0, 0, 0xee }, apart[5] = { 0, 1, 1, 1, 0xee }, last[5] = { PVIOMMU_INVAL_HW_TIMEOUT, 1, 1, 1, 0xee };

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 n = 0; n < 4; n++) {
		struct result r;
		u32 atc = 0;

		assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
		for (u32 i = 0; i < 4; i++)
			put_entry(i, OP_ATC_INV | sid_field(vsid[order[i]]), VA);
		smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
		smmu_log_clear(bench_smmu[0]);
		r = invalidate(4);
		assert_status(r, n < 3 ? PC_SUCCESS : PC_IO);
		assert_int_equal(r.v1, n == 0 ? 4 : n < 3);
		assert_memory_equal(ats_bytes(), n == 0 ? together : n < 3 ? apart :
									     last,
				    5);
		for (u32 i = 0; i < smmu_cmd_count(bench_smmu[0]); i++) {
			u64 w = smmu_cmd_at(bench_smmu[0], i)->word[0];

			if ((w & 0xff) != OP_ATC_INV)
				continue;
			/* All of a batch at first, and again; then the late one alone, twice. */
			if (n > 0)
				assert_int_equal(w >> 32, bench_sid(1, 0));
			atc++;
		}
		assert_int_equal(atc, asked[n]);
	}
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[0].state, DEVICE_ASSIGNED);
	assert_int_equal(device_table[2].state, DEVICE_ASSIGNED);
	ats_alive();
}

/* Who was late by itself is asked by itself, first or last; others are asked together as ever. */
static void N47_who_was_late_is_asked_apart(void **state UNUSED)
{
	static const u32 pair[][2] = { { 7, 10 }, { 10, 7 }, { 10, 8 } };
	static const u8 apart[] = { OP_ATC_INV, 0x46, OP_ATC_INV, 0x46 }, together[] = { OP_ATC_INV, OP_ATC_INV, 0x46 };

	ats_boot();
	ats_set_up();
	is_late(1, 7);
	for (u32 n = 0; n < ARRAY_SIZE(pair); n++) {
		const u8 *want = n < 2 ? apart : together;
		u32 count = n < 2 ? sizeof(apart) : sizeof(together);

		put_entry(0, OP_ATC_INV | sid_field(pair[n][0]), VA);
		put_entry(1, OP_ATC_INV | sid_field(pair[n][1]), VA);
		smmu_log_clear(bench_smmu[0]);
		assert_status(invalidate(2), PC_SUCCESS);
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), count);
		for (u32 i = 0; i < count; i++)
			assert_int_equal(smmu_cmd_at(bench_smmu[0], i)->word[0] & 0xff, want[i]);
	}
}

/* What hardware refuses of the next batch is told of that one. */
static void N46_N47_late_is_counted_once(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	smmuv3_ill_panics = false;
	oracle_stand_ins_allowed();
	bench_quarantine_expected();
	smmu_refuse(bench_smmu[0], OP_NH_ASID, true);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_NH_ASID | asid_field(1), 0);
	for (u32 n = 0; n < 3; n++) {
		struct result r;

		/* At once, so that the call goes on. */
		smmu_inject_cerror(bench_smmu[0], 2, SMMU_CERROR_ATC_INV_SYNC);
		r = invalidate(2);
		assert_status(r, PC_IO);
		assert_int_equal(r.v1, 1);
		assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_ILLEGAL, 0xee }), 3);
	}
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	ats_alive();
}

/* Of several in a batch one does not answer at all: that is who was late, and the others stay who they were. */
static void N47_beside_a_deaf_one_nobody_is_late(void **state UNUSED)
{
	static const u32 vsid[] = { 10, 7, 8 };
	static const u8 together[] = { OP_ATC_INV, OP_ATC_INV, 0x46 };

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	for (u32 i = 0; i < 3; i++)
		put_entry(i, OP_ATC_INV | sid_field(vsid[i]), VA);
	assert_status(invalidate(3), PC_IO);
	/* Asked together as before. */
	put_entry(1, OP_ATC_INV | sid_field(8), VA);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(2), PC_SUCCESS);
	for (u32 i = 0; i < sizeof(together); i++)
		assert_int_equal(smmu_cmd_at(bench_smmu[0], i)->word[0] & 0xff, together[i]);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), sizeof(together));
}

/* --- what its owner does meanwhile */

static u32 reset_when; /* so many ATC_INV have been taken */

static void detach_and_begin_a_reset(void *ctx UNUSED)
{
	struct hcall_args detach = { { PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 7, 0, ats_domain } };
	struct hcall_args reset = { { PC_DEV_RESET, 0, 7 } };

	if (reset_when == 0 || smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0) < reset_when)
		return;
	reset_when = 0;
	fake_cpu_set(1);
	bench_reset_turns = 1;
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &detach));
	assert_int_equal(detach.r[0], PC_SUCCESS);
	assert_false(hyp_hypercall(vm_vcpu(vm_primary, 1), &reset));
	assert_int_equal(device_table[1].state, DEVICE_RESETTING);
	fake_cpu_set(0);
}

static struct result invalidate_beside_a_reset(u32 when, u32 times)
{
	struct result r;

	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), times);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	smmu_log_clear(bench_smmu[0]);
	reset_when = when;
	fake_relax_hook_add(detach_and_begin_a_reset, NULL);
	r = invalidate(1);
	fake_relax_hook_remove(detach_and_begin_a_reset, NULL);
	assert_int_equal(reset_when, 0);
	assert_int_equal(device_table[1].state, DEVICE_RESETTING);
	return r;
}

/* Late while it is being reset already: it is counted all the same, and out as soon as its reset is over. */
static void N47_E6_a_reset_meanwhile_hides_nothing(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 n = 1; n <= 4; n++) {
		struct result r = invalidate_beside_a_reset(1, 1);

		assert_status(r, n < 4 ? PC_SUCCESS : PC_IO);
		assert_int_equal(*ats_bytes(), n < 4 ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_HW_TIMEOUT);
		assert_status(bench_call(PC_DEV_RESET, 0, 7, 0, 0, 0, 0), n < 4 ? PC_SUCCESS : PC_IO);
		assert_int_equal(device_table[1].state, n < 4 ? DEVICE_ASSIGNED : DEVICE_QUARANTINED);
		if (n < 4)
			bench_attach(7, ats_domain);
	}
	assert_int_equal(ats_ring->producer, 2);
	assert_int_equal(ats_event(0).reason, PVIOMMU_REASON_INVAL_TIMEOUT);
	assert_int_equal(ats_event(1).reason, PVIOMMU_REASON_QUARANTINED);
	ats_alive();
	/* And with its next owner it begins anew. */
	bench_reset_turns = 0;
	assert_status(pc_dev_release(1), PC_SUCCESS);
	bench_assign(1, 0, 7);
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
}

/* It does not answer to the second try either, and is in its reset by then. */
static void N47_E6_deaf_and_in_a_reset(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	assert_status(invalidate_beside_a_reset(2, 2), PC_IO);
	assert_int_equal(*ats_bytes(), PVIOMMU_INVAL_HW_TIMEOUT);
	assert_status(bench_call(PC_DEV_RESET, 0, 7, 0, 0, 0, 0), PC_IO);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	ats_alive();
}

static void detach_and_begin_a_release(void *ctx UNUSED)
{
	struct hcall_args detach = { { PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 7, 0, ats_domain } };
	struct hcall_args release = { { PC_DEV_RELEASE, 1 } };

	if (reset_when == 0 || smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0) < reset_when)
		return;
	reset_when = 0;
	fake_cpu_set(1);
	bench_reset_turns = 1;
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &detach));
	assert_int_equal(detach.r[0], PC_SUCCESS);
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &release));
	assert_int_equal(release.r[1], 1);
	assert_false(device_table[1].endpoint[0].has_vsid);
	fake_cpu_set(0);
}

static void given_back_meanwhile(u32 when)
{
	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	smmu_log_clear(bench_smmu[0]);
	reset_when = when;
	fake_relax_hook_add(detach_and_begin_a_release, NULL);
	assert_status(invalidate(1), PC_SUCCESS);
	fake_relax_hook_remove(detach_and_begin_a_release, NULL);
	assert_int_equal(reset_when, 0);
	assert_int_equal(*ats_bytes(), PVIOMMU_INVAL_DONE);
	assert_int_equal(device_table[1].endpoint[0].late, 0);
	assert_status(pc_dev_release(1), PC_SUCCESS);
	assert_int_equal(device_table[1].state, DEVICE_UNASSIGNED);
}

/* Given back meanwhile: what it kept goes with its reset, and nobody is late under a name that is no longer. */
static void N47_E6_given_back_meanwhile(void **state UNUSED)
{
	IN_CHILD(given_back_meanwhile(1));
	IN_CHILD(given_back_meanwhile(2));
}

/* --- devices that answer, but slowly */

#define SLOW_US 900000u

static struct result invalidate_slowly(u32 count, u64 *took)
{
	u64 begin = fake_time_now();
	struct result r;

	smmu_atc_slow(bench_smmu[0], SLOW_US);
	r = invalidate(count);
	smmu_atc_slow(bench_smmu[0], 0);
	*took = fake_time_now() - begin;
	return r;
}

/* 256 of two devices in turn, a batch for each entry: the call ends where it has waited for long, and goes on from there. */
static void N47_E9_a_call_waits_for_slow_devices_once(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	is_late(1, 7);
	is_late(2, 8);
	for (u32 i = 0; i < 256; i++)
		put_entry(i, OP_ATC_INV | sid_field(i % 2 ? 8 : 7), VA);
	for (u32 left = 256; left > 253; left--) {
		u64 took;
		struct result r = invalidate_slowly(left, &took);

		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, 1);
		assert_in_range(took, SLOW_US, SLOW_US * 3 / 2);
		for (u32 i = 0; i < left; i++)
			assert_int_equal(ats_bytes()[i], i < 1 ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_NOT_ATTEMPTED);
	}
	/* Who answers at once is not interrupted. */
	fake_time_step(1);
	assert_status(invalidate(256), PC_SUCCESS);
	assert_int_equal(ats_bytes()[255], PVIOMMU_INVAL_DONE);
	ats_alive();
}

/* Late for the batch, then slow in each single try: two of them are enough for a call, and it is late once more. */
static void N47_E9_slow_in_each_try(void **state UNUSED)
{
	struct result r;
	u64 took;

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 i = 0; i < 64; i++)
		put_entry(i, OP_ATC_INV | sid_field(7), VA);
	for (u32 n = 1; n <= 4; n++) {
		smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
		r = invalidate_slowly(64, &took);
		assert_in_range(took, SMMU_ATC_TIMEOUT_US + 2 * SLOW_US, SMMU_ATC_TIMEOUT_US + 3 * SLOW_US);
		if (n < 4) {
			assert_status(r, PC_SUCCESS);
			assert_int_equal(r.v1, 2);
			assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0, PVIOMMU_INVAL_NOT_ATTEMPTED }), 3);
		} else {
			assert_status(r, PC_IO);
			assert_int_equal(r.v1, 0);
			assert_memory_equal(ats_bytes(), ((u8[]){ 6, 6, PVIOMMU_INVAL_NOT_ATTEMPTED }), 3);
		}
	}
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	ats_alive();
}

/* Hardware that says so of each of five streams before one sync. */
static void N47_C9_an_error_for_each(void **state UNUSED)
{
	static const u32 vsid[] = { 7, 10, 11, 12, 8 };
	struct bench_options o = bench_pasids();
	struct result r;

	o.smmu.error_for_each = true;
	ats_boot_with(o);
	ats_set_up();
	bench_attach(11, ats_domain);
	bench_attach(12, ats_domain);
	bench_quarantine_expected();
	for (u32 i = 0; i < 5; i++)
		put_entry(i, OP_ATC_INV | sid_field(vsid[i]), VA);
	for (u32 i = 0; i < 3; i++)
		smmu_atc_deaf(bench_smmu[0], bench_sid(0, i), 1);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	smmu_atc_deaf(bench_smmu[0], bench_sid(2, 0), 1);
	r = invalidate(5);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(ats_bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 0, 0, 0, 0, 0xee }), 6);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[0].state, DEVICE_ASSIGNED);
	ats_alive();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(N47_late_again_and_again_is_deaf),
		cmocka_unit_test(N47_only_who_is_late_is_fenced_for_it),
		cmocka_unit_test(N47_who_was_late_is_asked_apart),
		cmocka_unit_test(N46_N47_late_is_counted_once),
		cmocka_unit_test(N47_beside_a_deaf_one_nobody_is_late),
		cmocka_unit_test(N47_E6_a_reset_meanwhile_hides_nothing),
		cmocka_unit_test(N47_E6_deaf_and_in_a_reset),
		cmocka_unit_test(N47_E6_given_back_meanwhile),
		cmocka_unit_test(N47_E9_a_call_waits_for_slow_devices_once),
		cmocka_unit_test(N47_E9_slow_in_each_try),
		cmocka_unit_test(N47_C9_an_error_for_each),
	};

	return SUITE("ats_late", cases);
}
