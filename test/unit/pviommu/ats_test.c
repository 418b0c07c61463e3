/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that keep translations (ATS), and what a guest's invalidation meets when one does not answer, or when hardware
 * refuses a command: who it was is found out and told, nobody else is held up or harmed.
 */
#include <string.h>

#include "ats_bench.h"
#include "bench_vm.h"
#include "hyp/io.h"
#include "iommu/attach.h"
#include "suite.h"

/* --- who may keep translations, and of what */

static void S4_8_only_what_has_it_may_use_it(void **state UNUSED)
{
	u32 plain;

	ats_boot();
	ats_set_up();
	assert_int_equal(pv_sid_info(0, 7).v1, PVIOMMU_EP_ATS);
	assert_int_equal(pv_endpoint_info(0, 7).v1, PVIOMMU_EP_ATS);
	assert_int_equal(pv_sid_info(0, 9).v1, 0);
	assert_status(pv_attach(0, 9, 0, ats_domain, 0), PC_INVALID_PARAMETER);
	assert_int_equal(bench_ats_on[1], 1);
	assert_int_equal(bench_ats_on[0], 1); /* endpoint by endpoint */
	assert_int_equal(bench_ats_on[3], 0);
	/* Off with another domain, with none, and with the reset. */
	plain = alloc_linear(CDS);
	bench_attach(9, plain);
	bench_attach(7, plain);
	assert_int_equal(bench_ats_on[1], 0);
	assert_int_equal(smmu_ats_request(bench_smmu[0], bench_sid(1, 0), VA, &(u64){ 0 }), SMMU_F_BAD_ATS_TREQ);
	bench_attach(7, ats_domain);
	assert_int_equal(bench_ats_on[1], 1);
	assert_status(pv_detach(0, 7, 0, ats_domain), PC_SUCCESS);
	assert_int_equal(bench_ats_on[1], 0);
}

static void no_split_no_ats(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.smmu.ats_stage1_only = true;
	ats_boot_with(o);
	bench_assign(1, 0, 7);
	assert_int_equal(pv_sid_info(0, 7).v1, 0);
	assert_status(alloc_raw(B(0) | 5 << 1 | CDS, EATS), PC_INVALID_PARAMETER);
	put_entry(0, OP_ATC_INV | sid_field(7), ALL);
	assert_status(invalidate(1), PC_INVALID_PARAMETER);
	assert_int_equal(*ats_bytes(), PVIOMMU_INVAL_BAD_OPCODE);
}

/* What a device keeps is what the first stage says; whatever it makes of it goes through the second. */
static void G1_G2_V1_what_a_device_says_is_translated_is_not_believed(void **state UNUSED)
{
	u64 ours[2];
	u32 vm;

	ats_boot();
	ats_set_up();
	ours[0] = machine->heap.base;
	ours[1] = machine->image.base;
	assert_int_equal(ats_ask(1, VA), DATA);
	assert_int_equal(ats_write(1, DATA), SMMU_OK);
	assert_int_equal(*at(DATA), 0x77);
	for (u32 i = 0; i < ARRAY_SIZE(ours); i++)
		assert_int_equal(ats_write(1, align_down(ours[i], PAGE_SIZE)), SMMU_F_TRANSLATION);
	/* A page that leaves the VM leaves its devices, whatever they keep. */
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, DATA, 1, 0);
	assert_true(ats_holds(1, VA));
	assert_int_equal(ats_write(1, DATA), SMMU_F_TRANSLATION);
	/* And who has not ATS on may not say so at all. */
	bench_attach(9, alloc_linear(CDS));
	assert_int_equal(ats_write(3, bench_page(5)), SMMU_F_TRANSL_FORBIDDEN);
}

/*
 * N88: what is repeated in a batch is repeated when it is asked again alone, but for device TLBs; and what had come to nothing,
 * like a hint, comes to nothing again.
 */
static void N88_N47_alone_as_in_the_batch(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.smmu.iidr = 0x36b;
	ats_boot_with(o);
	ats_set_up();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, 0x01 | sid_field(7), 0); /* PREFETCH_CONFIG */
	put_entry(1, OP_NH_ALL, 0);
	put_entry(2, OP_ATC_INV | sid_field(7), VA);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(3), PC_SUCCESS);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0, 0 }), 3);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ALL, 0), 4);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 2);
	ats_alive();
}

/* The least queue that there is, and the hardware falls silent anywhere: nothing that was not done is said to be. */
static void E9_silence_while_one_is_asked_alone(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.smmu.iidr = 0x36b;
	o.smmu.cmdq_bits = 1;
	for (u32 n = 0; n < 24; n++)
		IN_CHILD({
			struct result r;

			ats_boot_with(o);
			ats_set_up();
			bench_hardware_fails();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
			put_entry(0, OP_NH_ALL, 0);
			put_entry(1, OP_ATC_INV | sid_field(7), VA);
			smmu_inject_silence(bench_smmu[0], n);
			r = invalidate(2);
			if (!smmu_silent(bench_smmu[0]))
				assert_status(r, PC_SUCCESS);
			else
				assert_int_equal(r.status, iommu_instance[0].dead ? PC_IO : PC_SUCCESS);
			assert_true((r.status == PC_SUCCESS) == (r.v1 == 2));
		});
}

/* N48: hardware calls an invalidation done that a device has refused, so nothing of ours rests on what a device forgets. */
static void N48_A1_what_a_device_never_forgets_reaches_no_page_that_has_gone(void **state UNUSED)
{
	u32 vm;

	ats_boot();
	ats_set_up();
	assert_int_equal(ats_ask(1, VA), DATA);
	assert_int_equal(ats_write(1, DATA), SMMU_OK);
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, DATA, 1, 0);
	assert_true(ats_holds(1, VA));
	assert_int_equal(ats_write(1, DATA), SMMU_F_TRANSLATION);
	bench_destroy(vm);
	assert_int_equal(ats_write(1, DATA), SMMU_OK);
}

static void another_domain_leaves_nothing_kept(void **state UNUSED)
{
	u32 other;

	ats_boot();
	ats_set_up();
	put_leaf(1, VA, DATA + 0x2000);
	put_cd(CDS + 64, 2, root_of(1));
	other = alloc(B(0) | 5 << 1 | (CDS + 64), EATS);
	assert_int_equal(ats_ask(1, VA), DATA);
	bench_attach(7, other);
	assert_false(ats_holds(1, VA));
	assert_int_equal(ats_ask(1, VA), DATA + 0x2000);
}

/* --- a guest's ATC_INV */

static void N42_S3_9_atc_inv_is_of_one_stream(void **state UNUSED)
{
	u32 plain;

	ats_boot();
	ats_set_up();
	ats_ask(1, VA);
	ats_ask(1, 2 * VA);
	ats_ask(2, VA);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_ATC_INV | sid_field(7), VA);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0], OP_ATC_INV | (u64)bench_sid(1, 0) << 32);
	assert_false(ats_holds(1, VA));
	assert_true(ats_holds(1, 2 * VA));
	assert_true(ats_holds(2, VA));
	inval(OP_ATC_INV | sid_field(7), ALL);
	assert_false(ats_holds(1, 2 * VA));
	assert_true(ats_holds(2, VA));
	/* Of who keeps nothing, nothing is asked. */
	plain = alloc_linear(CDS);
	bench_attach(9, plain);
	bench_attach(8, plain);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_ATC_INV | sid_field(9), ALL);
	inval(OP_ATC_INV | sid_field(8), ALL);
	inval(OP_ATC_INV | sid_field(11), ALL);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
}

static void N43_a_sync_comes_before_atc_inv(void **state UNUSED)
{
	static const u8 want[] = { 0x12, 0x46, 0x40, 0x40, 0x46 };

	ats_boot();
	ats_set_up();
	put_entry(0, OP_NH_VA | asid_field(1), VA);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(8), VA);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(3), PC_SUCCESS);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), sizeof(want));
	for (u32 i = 0; i < sizeof(want); i++)
		assert_int_equal(smmu_cmd_at(bench_smmu[0], i)->word[0] & 0xff, want[i]);
	assert_null(smmu_misuse(bench_smmu[0]));
}

/* Bit by bit: what is taken from a guest is what hardware takes, which stops everybody's queue for a reserved bit. */
static void V8_no_bit_of_atc_inv_is_illegal(void **state UNUSED)
{
	u32 taken = 0;

	ats_boot();
	ats_set_up();
	for (u32 bit = 8; bit < 128; bit++) {
		u64 w[2] = { OP_ATC_INV | sid_field(7), 0 };
		struct result r;

		if (bit >= 32 && bit < 64)
			continue; /* the stream */
		w[bit / 64] |= B(bit % 64);
		put_entry(0, w[0], w[1]);
		r = invalidate(1);
		if (r.status == PC_SUCCESS)
			taken++;
		else
			assert_int_equal(*ats_bytes(), PVIOMMU_INVAL_BAD_BITS);
	}
	/* Global, SSV and SSID; Size, of which 32 and what is below may be alone, and Address. */
	assert_int_equal(taken, 1 + 1 + 20 + 6 + 52);
	put_entry(0, OP_ATC_INV | sid_field(7) | B(9) | B(11) | 5 << 12, ALL);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(1), PC_SUCCESS);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0], OP_ATC_INV | B(9) | B(11) | 5 << 12 | (u64)bench_sid(1, 0) << 32);
}

/* --- a device that does not answer */

static u32 fail_again;

static void fail_the_next_sync(void *ctx UNUSED)
{
	if (fail_again == 0 || smmu_inject_left(bench_smmu[0]) > 0)
		return;
	fail_again--;
	smmu_inject_cerror(bench_smmu[0], 3, SMMU_CERROR_ATC_INV_SYNC); /* that one, an entry, its sync */
}

/* N47, S0-10: three at once, the second is deaf. Longer than a wait for hardware that is well takes. */
static void N47_S0_10_the_one_that_does_not_answer_is_named(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	ats_ask(0, VA);
	ats_ask(1, VA);
	ats_ask(2, VA);
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	put_entry(0, OP_ATC_INV | sid_field(10), VA);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(8), VA);
	r = invalidate(3);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 0, 0xee }), 4);
	ats_alive();
	/* The others are as they were, without what they had kept. */
	assert_false(ats_holds(0, VA));
	assert_false(ats_holds(2, VA));
	bench_lands(0, 0, VA, DATA);
	bench_lands(2, 0, VA, DATA);
	/* It is out, with what it still keeps. */
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_false(bench_master[1]);
	assert_int_equal(bench_ats_on[1], 0);
	assert_true(ats_holds(1, VA));
	assert_int_equal(ats_write(1, DATA), SMMU_C_BAD_STE);
	bench_faults(1, 0, VA, SMMU_C_BAD_STE);
	/* And its owner knows, before the faults. */
	assert_int_equal(ats_ring->producer, 2);
	assert_int_equal(ats_event(0).kind, PVIOMMU_KIND_INVALIDATION);
	assert_int_equal(ats_event(0).reason, PVIOMMU_REASON_INVAL_TIMEOUT);
	assert_int_equal(ats_event(0).endpoint, 7);
	assert_int_equal(ats_event(1).kind, PVIOMMU_KIND_DEVICE);
	assert_int_equal(ats_event(1).reason, PVIOMMU_REASON_QUARANTINED);
	assert_int_equal(ats_event(1).endpoint, 7);
	/* From here on it is refused by name, and costs nobody time. */
	r = invalidate(3);
	assert_status(r, PC_DENIED);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_QUARANTINED, 1 }), 3);
}

static void once_is_no_offence(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	ats_ask(1, VA);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	/* The call ends where it has waited for long. */
	r = invalidate(2);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_NOT_ATTEMPTED, 0xee }), 3);
	assert_false(ats_holds(1, VA));
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ats_ring->producer, 0);
	ats_alive();
}

/* Two of them in one batch, the first more than once; one alone without time to spare. */
static void N47_each_that_does_not_answer_is_named(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	smmu_atc_deaf(bench_smmu[0], bench_sid(2, 0), ~0u);
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	put_entry(1, OP_NH_ASID | asid_field(1), 0);
	put_entry(2, OP_ATC_INV | sid_field(7), VA);
	put_entry(3, OP_ATC_INV | sid_field(7), 2 * VA);
	put_entry(4, OP_ATC_INV | sid_field(10), VA);
	put_entry(5, OP_ATC_INV | sid_field(8), VA);
	put_entry(6, 0xff, 0);
	put_entry(7, OP_NH_ALL, 0);
	r = invalidate(8);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 2);
	/* The bad one behind the first that failed was not attempted. */
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0, 6, 8, 0, 6, 1, 1, 0xee }), 9);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[0].state, DEVICE_ASSIGNED);
	ats_alive();
	bench_lands(0, 0, VA, DATA);
}

/* At every position of three batches: what is complete is exact, and nothing behind the batch was attempted. */
static void C10_N44_the_count_is_exact_behind_a_time_out(void **state UNUSED)
{
	static const u32 where[] = { 0, 1, 62, 63, 64, 65, 126, 127, 128, 148 };

	for (u32 i = 0; i < ARRAY_SIZE(where); i++)
		IN_CHILD({
			struct result r;

			ats_boot();
			ats_set_up();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			for (u32 k = 0; k < 150; k++)
				put_entry(k, OP_NH_ASID | asid_field(k), 0);
			put_entry(where[i], OP_ATC_INV | sid_field(7), VA);
			put_entry(where[i] + 1, OP_ATC_INV | sid_field(8), VA);
			r = invalidate(150);
			assert_status(r, PC_IO);
			assert_int_equal(r.v1, where[i]);
			for (u32 k = 0; k < 150; k++) {
				bool beside = k == where[i] + 1 && k % 64 != 0;
				u8 want = k < where[i] || beside ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_NOT_ATTEMPTED;

				assert_int_equal(ats_bytes()[k], k == where[i] ? PVIOMMU_INVAL_HW_TIMEOUT : want);
			}
			ats_alive();
		});
}

/* Hardware that says so of a sync with no device before it: the entry has failed, and nobody is to blame. */
static void N47_only_who_was_asked_can_be_deaf(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	smmu_inject_cerrors(bench_smmu[0], 2, SMMU_CERROR_ATC_INV_SYNC, 1);
	assert_status(invalidate(1), PC_SUCCESS);
	/* The sync of the batch, which is taken again, and that of the second try. */
	smmu_inject_cerror(bench_smmu[0], 2, SMMU_CERROR_ATC_INV_SYNC);
	fail_again = 1;
	fake_relax_hook_add(fail_the_next_sync, NULL);
	r = invalidate(1);
	fake_relax_hook_remove(fail_the_next_sync, NULL);
	assert_int_equal(fail_again, 0);
	assert_status(r, PC_IO);
	assert_int_equal(*ats_bytes(), PVIOMMU_INVAL_HW_TIMEOUT);
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ats_ring->producer, 0);
	ats_alive();
}

/* A stream that is attached to a first stage with ATS while its device does not answer. */
static void E4_attach_of_a_deaf_device_fails(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	assert_status(pv_detach(0, 7, 0, ats_domain), PC_SUCCESS);
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	assert_status(pv_attach(0, 7, 0, ats_domain, 0), PC_IO);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(bench_ats_on[1], 0);
	bench_faults(1, 0, VA, SMMU_C_BAD_STE);
	ats_alive();
	bench_lands(2, 0, VA, DATA);
}

/* --- commands that hardware calls illegal, or cannot read */

/* N46: loud in test builds. Else what hardware refused is told, by entry, and all that it takes is done. */
static void C9_N46_an_entry_that_hardware_refuses(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	ats_ask(1, VA);
	smmuv3_ill_panics = false;
	oracle_stand_ins_allowed();
	bench_quarantine_expected();
	smmu_refuse(bench_smmu[0], OP_NH_ASID, true);
	put_entry(0, OP_NH_VA | asid_field(1), VA);
	put_entry(1, OP_NH_ASID | asid_field(1), 0);
	put_entry(2, OP_CFGI_CD | sid_field(7), 1);
	put_entry(3, OP_NH_ASID | asid_field(2), 0);
	put_entry(4, OP_ATC_INV | sid_field(7), VA);
	put_entry(5, OP_NH_ALL, 0);
	r = invalidate(6);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_ILLEGAL, 0, PVIOMMU_INVAL_HW_ILLEGAL, 0, 1, 0xee }), 7);
	assert_false(ats_holds(1, VA));
	/* One that nothing can stand in for is skipped, and not the end of the SMMU. */
	smmu_refuse(bench_smmu[0], OP_ATC_INV, true);
	ats_ask(1, VA);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_NH_ALL, 0);
	r = invalidate(2);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(ats_bytes(), ((u8[]){ PVIOMMU_INVAL_HW_ILLEGAL, 1, 0xee }), 3);
	/* It is nobody's fault: no device is out, and no event says so. */
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ats_ring->producer, 0);
	ats_alive();
	smmu_refuse(bench_smmu[0], OP_ATC_INV, false);
	assert_status(invalidate(2), PC_SUCCESS);
	assert_false(ats_holds(1, VA));
	bench_lands(1, 0, VA, DATA);
}

static void C9_N46_a_refused_entry_is_our_alarm(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	smmu_refuse(bench_smmu[0], OP_NH_ASID, true);
	put_entry(0, OP_NH_ASID | asid_field(1), 0);
	assert_panics((void)invalidate(1));
}

/* Each command and sync of a mixed batch cannot be read, once; and then one never. */
static void C9_commands_that_are_not_read_are_tried_again(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	put_entry(2, OP_ATC_INV | sid_field(7), VA);
	put_entry(3, OP_ATC_INV | sid_field(8), VA);
	for (u32 n = 1; n <= 7; n++) {
		ats_ask(1, VA);
		smmu_inject_cerror(bench_smmu[0], n, SMMU_CERROR_ABT);
		smmu_log_clear(bench_smmu[0]);
		assert_status(invalidate(4), PC_SUCCESS);
		assert_int_equal(smmu_inject_left(bench_smmu[0]), 0);
		/* And nothing a second time. */
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), 7);
		assert_false(ats_holds(1, VA));
		ats_alive();
	}
	bench_hardware_fails();
	smmu_inject_cerrors(bench_smmu[0], 5, SMMU_CERROR_ABT, 16);
	r = invalidate(4);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(ats_bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 1, 1, 1, 0xee }), 5);
	assert_true(iommu_instance[0].dead);
}

/* It fails for good at the second try of the first of three. What was found out before is told, and the device is not blamed. */
static void E9_hardware_that_dies_while_it_is_found_out(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	bench_hardware_fails();
	put_entry(0, OP_NH_ASID | asid_field(1), 0);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(8), VA);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	/* NH_ASID, sync, ATC_INV twice, sync; NH_ASID, sync, and this. */
	smmu_inject_cerrors(bench_smmu[0], 8, SMMU_CERROR_ABT, 16);
	r = invalidate(3);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 1, 0xee }), 4);
	assert_true(iommu_instance[0].dead && iommu_instance[0].told);
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
}

/* --- what others do meanwhile */

static void (*other_call)(void);
static u32 atc_wanted; /* when so many ATC_INV have been taken */
static bool inside;
static u32 waits;

static void other_cpu(void *ctx UNUSED)
{
	waits++;
	if (inside || other_call == NULL || smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0) < atc_wanted)
		return;
	inside = true;
	fake_cpu_set(1);
	other_call();
	fake_cpu_set(0);
	other_call = NULL;
	inside = false;
}

/* A call of CPU 1, without the oracle: CPU 0 is in the middle of something. */
static s64 call(u64 function, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	struct hcall_args args = { { function, a, b, c, d, e } };

	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &args));
	return function == PC_PVIOMMU_OP && a < PVIOMMU_OP_FIRST_OURS ? (s64)args.r[3] : (s64)args.r[0];
}

static struct result invalidate_during(u32 count, u32 atc, void (*what)(void))
{
	struct result r;

	smmu_log_clear(bench_smmu[0]);
	other_call = what;
	atc_wanted = atc;
	fake_relax_hook_add(other_cpu, NULL);
	r = invalidate(count);
	fake_relax_hook_remove(other_cpu, NULL);
	assert_null(other_call); /* it was made */
	return r;
}

static u32 paging;

static void unmap(void)
{
	u64 start = io_time_us();

	assert_int_equal(call(PC_PVIOMMU_OP, PVIOMMU_UNMAP_PAGES, paging, VA, 0x1000, 0), PC_SUCCESS);
	assert_true(io_time_us() - start > IOMMU_WAIT_US);
}

/* Who queues behind it waits as long as hardware does, which is longer than for hardware that is well; and no longer. */
static void N47_N82_others_wait_and_are_not_harmed(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	paging = bench_domain();
	bench_attach(9, paging);
	for (u32 n = 1; n <= 2; n++) {
		bench_map(paging, VA, bench_page(50), 0x1000);
		bench_lands(3, 0, VA, bench_page(50));
		bench_quarantine_expected();
		smmu_atc_deaf(bench_smmu[0], bench_sid(n, 0), ~0u);
		put_entry(0, OP_ATC_INV | sid_field(6 + n), VA);
		assert_status(invalidate_during(1, n, unmap), PC_IO);
		assert_int_equal(device_table[n].state, DEVICE_QUARANTINED);
		bench_faults(3, 0, VA, SMMU_F_TRANSLATION);
		ats_alive();
	}
}

/* V9: more devices than a wait is long. Each that is given up is progress, and a call gives up two at most. */
static void N47_V9_many_deaf_devices_are_not_a_dead_smmu(void **state UNUSED)
{
	static const u64 vsid[] = { 10, 7, 8 };
	struct result r;
	u32 out = 0;

	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	for (u32 i = 0; i < 3; i++)
		smmu_atc_deaf(bench_smmu[0], bench_sid(i, 0), ~0u);
	for (u32 i = 0; i < 64; i++)
		put_entry(i, OP_ATC_INV | sid_field(vsid[i % 3]), VA);
	r = invalidate(64);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(ats_bytes(), ((u8[]){ 6, 6, 1, 1 }), 4);
	for (u32 i = 0; i < 3; i++)
		out += device_table[i].state == DEVICE_QUARANTINED;
	assert_int_equal(out, 2);
	/* Nor does a call wait for one more often than twice, whatever is between. */
	for (u32 i = 0; i < 64; i++)
		put_entry(i, i % 2 ? OP_NH_ALL : OP_ATC_INV | sid_field(8), i % 2 ? 0 : VA);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(64), PC_IO);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 2);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	ats_alive();
}

static void no_lock(void *ctx UNUSED)
{
	waits++;
	assert_true(fake_locks_held() == 0 || device_table[1].state == DEVICE_QUARANTINED);
}

static void K3_no_lock_is_held_while_it_is_waited_for(void **state UNUSED)
{
	ats_boot();
	ats_set_up();
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	waits = 0;
	fake_relax_hook_add(no_lock, NULL);
	assert_status(invalidate(1), PC_IO);
	fake_relax_hook_remove(no_lock, NULL);
	assert_true(waits > 2 * SMMU_ATC_TIMEOUT_US / 1000);
}

static void detach_it(void) { assert_int_equal(call(PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 7, 0, ats_domain), PC_SUCCESS); }

/* N87: its stream is nobody's first stage by then. Before the second try: there is none; during it: what it met is its own. */
static void N87_detach_meanwhile(void **state UNUSED)
{
	for (u32 n = 1; n <= 2; n++)
		IN_CHILD({
			ats_boot();
			ats_set_up();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			assert_status(invalidate_during(1, n, detach_it), n == 1 ? PC_SUCCESS : PC_IO);
			assert_int_equal(device_table[1].state, n == 1 ? DEVICE_ASSIGNED : DEVICE_QUARANTINED);
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), n);
			bench_faults(1, 0, VA, SMMU_C_BAD_STE);
			ats_alive();
		});
}

static u32 victim;

static void give_away(void)
{
	detach_it();
	do
		assert_int_equal(call(PC_DEV_RELEASE, 1, 0, 0, 0, 0), PC_SUCCESS);
	while (device_table[1].state == DEVICE_RESETTING);
	do
		assert_int_equal(call(PC_DEV_ASSIGN, 1, victim, 0, 0, 0), PC_SUCCESS);
	while (device_table[1].state == DEVICE_RESETTING);
	assert_int_equal(call(PC_DEV_SET_END_POINT_VSID, 1, 0, 7, 0, 0), PC_SUCCESS);
}

/* By then it is another VM's, under the same name: neither is a command issued for it, nor is it taken from that VM. */
static void N87_N47_a_device_that_changed_hands_is_not_fenced(void **state UNUSED)
{
	for (u32 n = 1; n <= 2; n++)
		IN_CHILD({
			ats_boot();
			ats_set_up();
			bench_quarantine_expected();
			victim = bench_vm(2048);
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			assert_status(invalidate_during(1, n, give_away), n == 1 ? PC_SUCCESS : PC_IO);
			assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
			assert_int_equal(device_table[1].vm->handle, victim);
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), n);
			assert_int_equal(ats_ring->producer, 0);
			ats_alive();
		});
}

static void invalidate_other(void)
{
	struct pviommu_invalidate *q = bench_ptr(WHERE + 512);
	struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_INVALIDATE, WHERE + 512 } };

	*q = (struct pviommu_invalidate){ .size = 56,
					  .data_type = PVIOMMU_INVAL_SMMUV3,
					  .entry_len = 16,
					  .entry_num = 3,
					  .entries_ipa = WHERE + 1024,
					  .status_ipa = STATUS + 512 };
	at(WHERE + 1024)[0] = OP_NH_ALL;
	at(WHERE + 1024)[2] = OP_ATC_INV | sid_field(10);
	at(WHERE + 1024)[4] = OP_ATC_INV | sid_field(8);
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &args));
	/* Devices are asked by one call at a time, so that no number of them makes the queue wait longer. */
	assert_int_equal(args.r[0], PC_SUCCESS);
	assert_int_equal(args.r[1], 1);
	assert_memory_equal(ats_bytes() + 512, ((u8[]){ 0, PVIOMMU_INVAL_NOT_ATTEMPTED, PVIOMMU_INVAL_NOT_ATTEMPTED, 0xee }), 4);
}

static void N47_N86_two_at_once_take_turns(void **state UNUSED)
{
	for (u32 n = 1; n <= 3; n += 2)
		IN_CHILD({
			ats_boot();
			ats_set_up();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			put_entry(1, OP_ATC_INV | sid_field(10), VA);
			assert_status(invalidate_during(2, n, invalidate_other), PC_IO);
			assert_memory_equal(ats_bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 0, 0xee }), 3);
			assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
			/* Its turn has ended. */
			put_entry(0, OP_ATC_INV | sid_field(8), VA);
			assert_status(invalidate(1), PC_SUCCESS);
			assert_memory_equal(ats_bytes(), ((u8[]){ 0, 0xee }), 2);
			ats_alive();
		});
}

/* A command that hardware refuses is found out beside one that waits for a device: neither is blamed for the other's. */
static void refused_beside(void)
{
	struct pviommu_invalidate *q = bench_ptr(WHERE + 512);

	smmu_refuse(bench_smmu[0], OP_NH_ASID, true);
	*q = (struct pviommu_invalidate){ .size = 56,
					  .data_type = PVIOMMU_INVAL_SMMUV3,
					  .entry_len = 16,
					  .entry_num = 2,
					  .entries_ipa = WHERE + 1024,
					  .status_ipa = STATUS + 512 };
	at(WHERE + 1024)[0] = OP_NH_ASID;
	at(WHERE + 1024)[2] = OP_NH_ALL;
	assert_int_equal(call(PC_PVIOMMU_OP, PVIOMMU_INVALIDATE, WHERE + 512, 0, 0, 0), PC_IO);
	assert_memory_equal(ats_bytes() + 512, ((u8[]){ PVIOMMU_INVAL_HW_ILLEGAL, 0, 0xee }), 3);
	smmu_refuse(bench_smmu[0], OP_NH_ASID, false);
}

static void N46_N47_two_mishaps_are_told_apart(void **state UNUSED)
{
	static const struct {
		u32 atc, times;
	} row[] = {
		{ 1, 0 },   /* while its batch is on its way, in which all are well */
		{ 3, 1 },   /* while the first of it is there again, and well */
		{ 3, ~0u }, /* and is not */
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		IN_CHILD({
			bool guilty = row[i].times > 1;
			struct result r;

			ats_boot();
			ats_set_up();
			smmuv3_ill_panics = false;
			oracle_stand_ins_allowed();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), row[i].times);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			put_entry(1, OP_ATC_INV | sid_field(10), VA);
			r = invalidate_during(2, row[i].atc, refused_beside);
			assert_status(r, guilty ? PC_IO : PC_SUCCESS);
			assert_memory_equal(ats_bytes(), ((u8[]){ guilty ? PVIOMMU_INVAL_HW_TIMEOUT : 0, 0, 0xee }), 3);
			assert_int_equal(device_table[1].state, guilty ? DEVICE_QUARANTINED : DEVICE_ASSIGNED);
			/* Again because of its own only. */
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), i == 0 ? 2 : 4);
			ats_alive();
		});
}

/* A stream that was muted has what it had, so its device may have too; nobody waits for that. */
static void H2_nothing_is_asked_when_a_stream_is_heard_again(void **state UNUSED)
{
	struct endpoint *e;

	ats_boot();
	ats_set_up();
	e = &device_table[1].endpoint[0];
	ats_ask(1, VA);
	smmu_log_clear(bench_smmu[0]);
	vm_lock(vm_primary);
	e->muted_until = 1;
	assert_int_equal(attach_unrecorded(e, 0, true), OK);
	assert_int_equal(attach_unrecorded(e, 0, false), OK);
	e->muted_until = 0;
	vm_unlock(vm_primary);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 0);
	assert_true(ats_holds(1, VA));
	assert_int_equal(ats_write(1, DATA), SMMU_OK);
}

/* The SMMU fails when the first of two has been found well: of the second nothing is known. */
static void service_failure(void)
{
	smmu_inject_gerror(bench_smmu[0], 1u << 8);
	hyp_irq(machine->iommu[0].error_irq);
	assert_true(iommu_instance[0].dead);
}

static void service_failure_when_idle(void *ctx UNUSED)
{
	if (other_call != NULL && smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0) == 3 && smmu_idle(bench_smmu[0])) {
		other_call();
		other_call = NULL;
	}
}

static void E9_what_a_dead_one_did_is_not_known(void **state UNUSED)
{
	struct result r;

	ats_boot();
	ats_set_up();
	bench_hardware_fails();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_ATC_INV | sid_field(8), VA);
	smmu_log_clear(bench_smmu[0]);
	other_call = service_failure;
	fake_relax_hook_add(service_failure_when_idle, NULL);
	r = invalidate(2);
	fake_relax_hook_remove(service_failure_when_idle, NULL);
	assert_null(other_call);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(ats_bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 0xee }), 3);
	assert_int_equal(device_table[2].state, DEVICE_ASSIGNED);
	assert_true(iommu_instance[0].told);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(S4_8_only_what_has_it_may_use_it),
		cmocka_unit_test(no_split_no_ats),
		cmocka_unit_test(G1_G2_V1_what_a_device_says_is_translated_is_not_believed),
		cmocka_unit_test(N88_N47_alone_as_in_the_batch),
		cmocka_unit_test(E9_silence_while_one_is_asked_alone),
		cmocka_unit_test(N48_A1_what_a_device_never_forgets_reaches_no_page_that_has_gone),
		cmocka_unit_test(another_domain_leaves_nothing_kept),
		cmocka_unit_test(N42_S3_9_atc_inv_is_of_one_stream),
		cmocka_unit_test(N43_a_sync_comes_before_atc_inv),
		cmocka_unit_test(V8_no_bit_of_atc_inv_is_illegal),
		cmocka_unit_test(N47_S0_10_the_one_that_does_not_answer_is_named),
		cmocka_unit_test(once_is_no_offence),
		cmocka_unit_test(N47_each_that_does_not_answer_is_named),
		cmocka_unit_test(C10_N44_the_count_is_exact_behind_a_time_out),
		cmocka_unit_test(N47_only_who_was_asked_can_be_deaf),
		cmocka_unit_test(E4_attach_of_a_deaf_device_fails),
		cmocka_unit_test(C9_N46_an_entry_that_hardware_refuses),
		cmocka_unit_test(C9_N46_a_refused_entry_is_our_alarm),
		cmocka_unit_test(C9_commands_that_are_not_read_are_tried_again),
		cmocka_unit_test(E9_hardware_that_dies_while_it_is_found_out),
		cmocka_unit_test(N47_N82_others_wait_and_are_not_harmed),
		cmocka_unit_test(N47_V9_many_deaf_devices_are_not_a_dead_smmu),
		cmocka_unit_test(K3_no_lock_is_held_while_it_is_waited_for),
		cmocka_unit_test(N87_detach_meanwhile),
		cmocka_unit_test(N87_N47_a_device_that_changed_hands_is_not_fenced),
		cmocka_unit_test(N47_N86_two_at_once_take_turns),
		cmocka_unit_test(N46_N47_two_mishaps_are_told_apart),
		cmocka_unit_test(H2_nothing_is_asked_when_a_stream_is_heard_again),
		cmocka_unit_test(E9_what_a_dead_one_did_is_not_known),
	};

	return SUITE("ats", cases);
}
