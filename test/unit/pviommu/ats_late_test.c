/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that is late for a guest's invalidation and answers when it is asked again: forgiven, but not for ever. */
#include "ats_bench.h"
#include "suite.h"

/* A device's only entry of a batch, for which it is late: it does answer when it is asked again. */
static void is_late(u32 device, u32 vsid)
{
	smmu_atc_deaf(bench_smmu[0], bench_sid(device, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(vsid), VA);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	assert_status(invalidate(2), PC_SUCCESS);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0, 0xee }), 3);
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
	static const u8 order[] = { 1, 2, 1, 0 }, asked[] = { 8, 5, 5, 2 };
	static const u32 vsid[] = { 10, 7, 8 };

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 n = 0; n < 4; n++) {
		u32 atc = 0;

		assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
		for (u32 i = 0; i < 4; i++)
			put_entry(i, OP_ATC_INV | sid_field(vsid[order[i]]), VA);
		smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
		smmu_log_clear(bench_smmu[0]);
		if (n < 3) {
			assert_status(invalidate(4), PC_SUCCESS);
			assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0, 0, 0, 0xee }), 5);
		} else {
			struct result r = invalidate(4);

			assert_status(r, PC_IO);
			assert_int_equal(r.v1, 0);
			assert_memory_equal(ats_bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 1, 1, 1, 0xee }), 5);
		}
		for (u32 i = 0; i < smmu_cmd_count(bench_smmu[0]); i++) {
			u64 w = smmu_cmd_at(bench_smmu[0], i)->word[0];

			if ((w & 0xff) != OP_ATC_INV)
				continue;
			/* All of a batch at first, and again; then the late one twice, and each by itself. */
			if (n > 0 && n < 3)
				assert_int_equal(w >> 32, bench_sid(order[atc == 0 ? 0 : atc - 1], 0));
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

		smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
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

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(N47_late_again_and_again_is_deaf),
		cmocka_unit_test(N47_only_who_is_late_is_fenced_for_it),
		cmocka_unit_test(N47_who_was_late_is_asked_apart),
		cmocka_unit_test(N46_N47_late_is_counted_once),
		cmocka_unit_test(N47_beside_a_deaf_one_nobody_is_late),
	};

	return SUITE("ats_late", cases);
}
