/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that keep translations (ATS), and what a guest's invalidation meets when one does not answer, or when hardware
 * refuses a command: who it was is found out and told, nobody else is held up or harmed.
 */
#include <string.h>

#include "bench.h"
#include "bench_vm.h"
#include "first_stage.h"
#include "hyp/io.h"
#include "iommu/attach.h"
#include "suite.h"

#define DATA bench_page(300)
#define EATS (1ull << 28)
#define RING bench_page(600)
#define ALL  52ull /* Size of everything */

static u32 domain;
static struct pviommu_ring *ring;

extern bool smmuv3_ill_panics; /* of the driver, in test builds */

static void with_ats(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].ats = pci_function[i].group < 3;
}

static void boot_with(struct bench_options o)
{
	o.change = with_ats;
	bench_boot(&o);
	oracle_effort(8);
	fake_time_step(100);
}

static void boot(void) { boot_with(bench_pasids()); }

/* Device 0 has vSIDs 10 to 12, device 1 7, device 2 8, all under one first stage that keeps translations; device 3 has 9, without. */
static void set_up(void)
{
	bench_assign(0, 0, 10);
	bench_assign(1, 0, 7);
	bench_assign(2, 0, 8);
	bench_assign(3, 0, 9);
	put_leaf(0, VA, DATA);
	put_leaf(0, 2 * VA, DATA + 0x1000);
	put_cd(CDS, 1, root_of(0));
	domain = alloc(B(0) | 5 << 1 | CDS, EATS);
	bench_attach(7, domain);
	bench_attach(8, domain);
	bench_attach(10, domain);
	ring = bench_ptr(RING);
	memset(ring, 0, sizeof(*ring));
	assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, 0, RING, 4, 0, PVIOMMU_EVENTS_RECORD(64)), PC_SUCCESS);
}

/* What a device asks, and keeps. */
static u64 ask(u32 device, u64 va)
{
	u64 out = 0;

	assert_int_equal(smmu_ats_request(bench_smmu[0], bench_sid(device, 0), va, &out), SMMU_OK);
	assert_true(smmu_atc_holds(bench_smmu[0], bench_sid(device, 0), va));
	return out;
}

static bool holds(u32 device, u64 va) { return smmu_atc_holds(bench_smmu[0], bench_sid(device, 0), va); }

/* A write to what the device says is translated already. */
static enum smmu_event write_translated(u32 device, u64 addr)
{
	const struct smmu_dma dma = { .sid = bench_sid(device, 0), .write = true, .translated = true, .addr = addr, .size = 8 };
	u64 value = 0x77;

	return smmu_dma(bench_smmu[0], &dma, &value, NULL);
}

static const u8 *bytes(void) { return bench_ptr(STATUS); }

static struct pviommu_event event(u32 n)
{
	struct pviommu_event e;

	memcpy(&e, (char *)ring + sizeof(*ring) + 64ul * n, sizeof(e));
	return e;
}

static void assert_alive(void)
{
	assert_false(iommu_instance[0].dead);
	assert_false(iommu_instance[0].told);
	assert_int_equal(smmu_reg(bench_smmu[0], 0x60) ^ smmu_reg(bench_smmu[0], 0x64), 0);
}

/* --- who may keep translations, and of what */

static void S4_8_only_what_has_it_may_use_it(void **state UNUSED)
{
	u32 plain;

	boot();
	set_up();
	assert_int_equal(pv_sid_info(0, 7).v1, PVIOMMU_EP_ATS);
	assert_int_equal(pv_endpoint_info(0, 7).v1, PVIOMMU_EP_ATS);
	assert_int_equal(pv_sid_info(0, 9).v1, 0);
	assert_status(pv_attach(0, 9, 0, domain, 0), PC_INVALID_PARAMETER);
	assert_int_equal(bench_ats_on[1], 1);
	assert_int_equal(bench_ats_on[0], 1); /* endpoint by endpoint */
	assert_int_equal(bench_ats_on[3], 0);
	/* Off with another domain, with none, and with the reset. */
	plain = alloc_linear(CDS);
	bench_attach(9, plain);
	bench_attach(7, plain);
	assert_int_equal(bench_ats_on[1], 0);
	assert_int_equal(smmu_ats_request(bench_smmu[0], bench_sid(1, 0), VA, &(u64){ 0 }), SMMU_F_BAD_ATS_TREQ);
	bench_attach(7, domain);
	assert_int_equal(bench_ats_on[1], 1);
	assert_status(pv_detach(0, 7, 0, domain), PC_SUCCESS);
	assert_int_equal(bench_ats_on[1], 0);
}

static void no_split_no_ats(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.smmu.ats_stage1_only = true;
	boot_with(o);
	bench_assign(1, 0, 7);
	assert_int_equal(pv_sid_info(0, 7).v1, 0);
	assert_status(alloc_raw(B(0) | 5 << 1 | CDS, EATS), PC_INVALID_PARAMETER);
	put_entry(0, OP_ATC_INV | sid_field(7), ALL);
	assert_status(invalidate(1), PC_INVALID_PARAMETER);
	assert_int_equal(*bytes(), PVIOMMU_INVAL_BAD_OPCODE);
}

/* What a device keeps is what the first stage says; whatever it makes of it goes through the second. */
static void G1_G2_V1_what_a_device_says_is_translated_is_not_believed(void **state UNUSED)
{
	u64 ours[2];
	u32 vm;

	boot();
	set_up();
	ours[0] = machine->heap.base;
	ours[1] = machine->image.base;
	assert_int_equal(ask(1, VA), DATA);
	assert_int_equal(write_translated(1, DATA), SMMU_OK);
	assert_int_equal(*at(DATA), 0x77);
	for (u32 i = 0; i < ARRAY_SIZE(ours); i++)
		assert_int_equal(write_translated(1, align_down(ours[i], PAGE_SIZE)), SMMU_F_TRANSLATION);
	/* A page that leaves the VM leaves its devices, whatever they keep. */
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, DATA, 1, 0);
	assert_true(holds(1, VA));
	assert_int_equal(write_translated(1, DATA), SMMU_F_TRANSLATION);
	/* And who has not ATS on may not say so at all. */
	bench_attach(9, alloc_linear(CDS));
	assert_int_equal(write_translated(3, bench_page(5)), SMMU_F_TRANSL_FORBIDDEN);
}

/*
 * N88: what is repeated in a batch is repeated when it is asked again alone, but for device TLBs; and what had come to nothing,
 * like a hint, comes to nothing again.
 */
static void N88_N47_alone_as_in_the_batch(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.smmu.iidr = 0x36b;
	boot_with(o);
	set_up();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, 0x01 | sid_field(7), 0); /* PREFETCH_CONFIG */
	put_entry(1, OP_NH_ALL, 0);
	put_entry(2, OP_ATC_INV | sid_field(7), VA);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(3), PC_SUCCESS);
	assert_memory_equal(bytes(), ((u8[]){ 0, 0, 0 }), 3);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ALL, 0), 4);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 2);
	assert_alive();
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

			boot_with(o);
			set_up();
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

	boot();
	set_up();
	assert_int_equal(ask(1, VA), DATA);
	assert_int_equal(write_translated(1, DATA), SMMU_OK);
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, DATA, 1, 0);
	assert_true(holds(1, VA));
	assert_int_equal(write_translated(1, DATA), SMMU_F_TRANSLATION);
	bench_destroy(vm);
	assert_int_equal(write_translated(1, DATA), SMMU_OK);
}

static void another_domain_leaves_nothing_kept(void **state UNUSED)
{
	u32 other;

	boot();
	set_up();
	put_leaf(1, VA, DATA + 0x2000);
	put_cd(CDS + 64, 2, root_of(1));
	other = alloc(B(0) | 5 << 1 | (CDS + 64), EATS);
	assert_int_equal(ask(1, VA), DATA);
	bench_attach(7, other);
	assert_false(holds(1, VA));
	assert_int_equal(ask(1, VA), DATA + 0x2000);
}

/* --- a guest's ATC_INV */

static void N42_S3_9_atc_inv_is_of_one_stream(void **state UNUSED)
{
	u32 plain;

	boot();
	set_up();
	ask(1, VA);
	ask(1, 2 * VA);
	ask(2, VA);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_ATC_INV | sid_field(7), VA);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0], OP_ATC_INV | (u64)bench_sid(1, 0) << 32);
	assert_false(holds(1, VA));
	assert_true(holds(1, 2 * VA));
	assert_true(holds(2, VA));
	inval(OP_ATC_INV | sid_field(7), ALL);
	assert_false(holds(1, 2 * VA));
	assert_true(holds(2, VA));
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

	boot();
	set_up();
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

	boot();
	set_up();
	ask(0, VA);
	ask(1, VA);
	ask(2, VA);
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	put_entry(0, OP_ATC_INV | sid_field(10), VA);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(8), VA);
	r = invalidate(3);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 0, 0xee }), 4);
	assert_alive();
	/* The others are as they were, without what they had kept. */
	assert_false(holds(0, VA));
	assert_false(holds(2, VA));
	bench_lands(0, 0, VA, DATA);
	bench_lands(2, 0, VA, DATA);
	/* It is out, with what it still keeps. */
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_false(bench_master[1]);
	assert_int_equal(bench_ats_on[1], 0);
	assert_true(holds(1, VA));
	assert_int_equal(write_translated(1, DATA), SMMU_C_BAD_STE);
	bench_faults(1, 0, VA, SMMU_C_BAD_STE);
	/* And its owner knows, before the faults. */
	assert_int_equal(ring->producer, 2);
	assert_int_equal(event(0).kind, PVIOMMU_KIND_INVALIDATION);
	assert_int_equal(event(0).reason, PVIOMMU_REASON_INVAL_TIMEOUT);
	assert_int_equal(event(0).endpoint, 7);
	assert_int_equal(event(1).kind, PVIOMMU_KIND_DEVICE);
	assert_int_equal(event(1).reason, PVIOMMU_REASON_QUARANTINED);
	assert_int_equal(event(1).endpoint, 7);
	/* From here on it is refused by name, and costs nobody time. */
	r = invalidate(3);
	assert_status(r, PC_DENIED);
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_QUARANTINED, 1 }), 3);
}

static void once_is_no_offence(void **state UNUSED)
{
	boot();
	set_up();
	ask(1, VA);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	assert_status(invalidate(2), PC_SUCCESS);
	assert_memory_equal(bytes(), ((u8[]){ 0, 0, 0xee }), 3);
	assert_false(holds(1, VA));
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ring->producer, 0);
	assert_alive();
}

/* A device's only entry of a batch, for which it is late: it does answer when it is asked again. */
static void is_late(u32 device, u32 vsid)
{
	smmu_atc_deaf(bench_smmu[0], bench_sid(device, 0), 1);
	put_entry(0, OP_ATC_INV | sid_field(vsid), VA);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	assert_status(invalidate(2), PC_SUCCESS);
	assert_memory_equal(bytes(), ((u8[]){ 0, 0, 0xee }), 3);
	assert_alive();
}

/* Each time the queue stands still for it. Neither being asked in peace nor a reset by its owner makes it forgotten. */
static void N47_late_again_and_again_is_deaf(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
	bench_quarantine_expected();
	for (u32 n = 0; n < 3; n++) {
		is_late(1, 7);
		assert_status(invalidate(2), PC_SUCCESS);
		assert_status(pv_detach(0, 7, 0, domain), PC_SUCCESS);
		assert_status(bench_call(PC_DEV_RESET, 0, 7, 0, 0, 0, 0), PC_SUCCESS);
		bench_attach(7, domain);
		assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	}
	assert_int_equal(ring->producer, 0);
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), 1);
	put_entry(0, OP_NH_ASID | asid_field(1), 0);
	put_entry(1, OP_ATC_INV | sid_field(7), VA);
	put_entry(2, OP_ATC_INV | sid_field(7), 2 * VA);
	put_entry(3, OP_NH_ALL, 0);
	r = invalidate(4);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, PVIOMMU_INVAL_HW_TIMEOUT, 1, 0xee }), 5);
	assert_alive();
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_false(bench_master[1]);
	assert_int_equal(ring->producer, 2);
	assert_int_equal(event(0).reason, PVIOMMU_REASON_INVAL_TIMEOUT);
	assert_int_equal(event(0).endpoint, 7);
	assert_int_equal(event(1).reason, PVIOMMU_REASON_QUARANTINED);
	/* With a new owner, here the same, it begins anew. */
	assert_status(pc_dev_release(1), PC_SUCCESS);
	bench_assign(1, 0, 7);
	bench_attach(7, domain);
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

	boot();
	set_up();
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
			assert_memory_equal(bytes(), ((u8[]){ 0, 0, 0, 0, 0xee }), 5);
		} else {
			struct result r = invalidate(4);

			assert_status(r, PC_IO);
			assert_int_equal(r.v1, 0);
			assert_memory_equal(bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 1, 1, 1, 0xee }), 5);
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
	assert_alive();
}

/* Who was late by itself is asked by itself, first or last; others are asked together as ever. */
static void N47_who_was_late_is_asked_apart(void **state UNUSED)
{
	static const u32 pair[][2] = { { 7, 10 }, { 10, 7 }, { 10, 8 } };
	static const u8 apart[] = { OP_ATC_INV, 0x46, OP_ATC_INV, 0x46 }, together[] = { OP_ATC_INV, OP_ATC_INV, 0x46 };

	boot();
	set_up();
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
	boot();
	set_up();
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
		assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_ILLEGAL, 0xee }), 3);
	}
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_alive();
}

/* Of several in a batch one does not answer at all: that is who was late, and the others stay who they were. */
static void N47_beside_a_deaf_one_nobody_is_late(void **state UNUSED)
{
	static const u32 vsid[] = { 10, 7, 8 };
	static const u8 together[] = { OP_ATC_INV, OP_ATC_INV, 0x46 };

	boot();
	set_up();
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

/* Two of them in one batch, the first more than once; one alone without time to spare. */
static void N47_each_that_does_not_answer_is_named(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
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
	assert_memory_equal(bytes(), ((u8[]){ 0, 0, 6, 8, 0, 6, 1, 1, 0xee }), 9);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[0].state, DEVICE_ASSIGNED);
	assert_alive();
	bench_lands(0, 0, VA, DATA);
}

/* At every position of three batches: what is complete is exact, and nothing behind the batch was attempted. */
static void C10_N44_the_count_is_exact_behind_a_time_out(void **state UNUSED)
{
	static const u32 where[] = { 0, 1, 62, 63, 64, 65, 126, 127, 128, 148 };

	for (u32 i = 0; i < ARRAY_SIZE(where); i++)
		IN_CHILD({
			struct result r;

			boot();
			set_up();
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

				assert_int_equal(bytes()[k], k == where[i] ? PVIOMMU_INVAL_HW_TIMEOUT : want);
			}
			assert_alive();
		});
}

/* Hardware that says so of a sync with no device before it: the entry has failed, and nobody is to blame. */
static void N47_only_who_was_asked_can_be_deaf(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
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
	assert_int_equal(*bytes(), PVIOMMU_INVAL_HW_TIMEOUT);
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ring->producer, 0);
	assert_alive();
}

/* A stream that is attached to a first stage with ATS while its device does not answer. */
static void E4_attach_of_a_deaf_device_fails(void **state UNUSED)
{
	boot();
	set_up();
	assert_status(pv_detach(0, 7, 0, domain), PC_SUCCESS);
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	assert_status(pv_attach(0, 7, 0, domain, 0), PC_IO);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(bench_ats_on[1], 0);
	bench_faults(1, 0, VA, SMMU_C_BAD_STE);
	assert_alive();
	bench_lands(2, 0, VA, DATA);
}

/* --- commands that hardware calls illegal, or cannot read */

/* N46: loud in test builds. Else what hardware refused is told, by entry, and all that it takes is done. */
static void C9_N46_an_entry_that_hardware_refuses(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
	ask(1, VA);
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
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_ILLEGAL, 0, PVIOMMU_INVAL_HW_ILLEGAL, 0, 1, 0xee }), 7);
	assert_false(holds(1, VA));
	/* One that nothing can stand in for is skipped, and not the end of the SMMU. */
	smmu_refuse(bench_smmu[0], OP_ATC_INV, true);
	ask(1, VA);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	put_entry(1, OP_NH_ALL, 0);
	r = invalidate(2);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(bytes(), ((u8[]){ PVIOMMU_INVAL_HW_ILLEGAL, 1, 0xee }), 3);
	/* It is nobody's fault: no device is out, and no event says so. */
	assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
	assert_int_equal(ring->producer, 0);
	assert_alive();
	smmu_refuse(bench_smmu[0], OP_ATC_INV, false);
	assert_status(invalidate(2), PC_SUCCESS);
	assert_false(holds(1, VA));
	bench_lands(1, 0, VA, DATA);
}

static void C9_N46_a_refused_entry_is_our_alarm(void **state UNUSED)
{
	boot();
	set_up();
	smmu_refuse(bench_smmu[0], OP_NH_ASID, true);
	put_entry(0, OP_NH_ASID | asid_field(1), 0);
	assert_panics((void)invalidate(1));
}

/* Each command and sync of a mixed batch cannot be read, once; and then one never. */
static void C9_commands_that_are_not_read_are_tried_again(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	put_entry(2, OP_ATC_INV | sid_field(7), VA);
	put_entry(3, OP_ATC_INV | sid_field(8), VA);
	for (u32 n = 1; n <= 7; n++) {
		ask(1, VA);
		smmu_inject_cerror(bench_smmu[0], n, SMMU_CERROR_ABT);
		smmu_log_clear(bench_smmu[0]);
		assert_status(invalidate(4), PC_SUCCESS);
		assert_int_equal(smmu_inject_left(bench_smmu[0]), 0);
		/* And nothing a second time. */
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), 7);
		assert_false(holds(1, VA));
		assert_alive();
	}
	bench_hardware_fails();
	smmu_inject_cerrors(bench_smmu[0], 5, SMMU_CERROR_ABT, 16);
	r = invalidate(4);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 1, 1, 1, 0xee }), 5);
	assert_true(iommu_instance[0].dead);
}

/* It fails for good at the second try of the first of three. What was found out before is told, and the device is not blamed. */
static void E9_hardware_that_dies_while_it_is_found_out(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
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
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 1, 0xee }), 4);
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
	boot();
	set_up();
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
		assert_alive();
	}
}

/* V9: more devices than a wait is long. Each that is given up is progress, and a call gives up two at most. */
static void N47_V9_many_deaf_devices_are_not_a_dead_smmu(void **state UNUSED)
{
	static const u64 vsid[] = { 10, 7, 8 };
	struct result r;
	u32 out = 0;

	boot();
	set_up();
	bench_quarantine_expected();
	for (u32 i = 0; i < 3; i++)
		smmu_atc_deaf(bench_smmu[0], bench_sid(i, 0), ~0u);
	for (u32 i = 0; i < 64; i++)
		put_entry(i, OP_ATC_INV | sid_field(vsid[i % 3]), VA);
	r = invalidate(64);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_memory_equal(bytes(), ((u8[]){ 6, 6, 1, 1 }), 4);
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
	assert_alive();
}

static void no_lock(void *ctx UNUSED)
{
	waits++;
	assert_true(fake_locks_held() == 0 || device_table[1].state == DEVICE_QUARANTINED);
}

static void K3_no_lock_is_held_while_it_is_waited_for(void **state UNUSED)
{
	boot();
	set_up();
	bench_quarantine_expected();
	smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
	put_entry(0, OP_ATC_INV | sid_field(7), VA);
	waits = 0;
	fake_relax_hook_add(no_lock, NULL);
	assert_status(invalidate(1), PC_IO);
	fake_relax_hook_remove(no_lock, NULL);
	assert_true(waits > 2 * SMMU_ATC_TIMEOUT_US / 1000);
}

static void detach_it(void) { assert_int_equal(call(PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 7, 0, domain), PC_SUCCESS); }

/* N87: its stream is nobody's first stage by then. Before the second try: there is none; during it: what it met is its own. */
static void N87_detach_meanwhile(void **state UNUSED)
{
	for (u32 n = 1; n <= 2; n++)
		IN_CHILD({
			boot();
			set_up();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			assert_status(invalidate_during(1, n, detach_it), n == 1 ? PC_SUCCESS : PC_IO);
			assert_int_equal(device_table[1].state, n == 1 ? DEVICE_ASSIGNED : DEVICE_QUARANTINED);
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), n);
			bench_faults(1, 0, VA, SMMU_C_BAD_STE);
			assert_alive();
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
			boot();
			set_up();
			bench_quarantine_expected();
			victim = bench_vm(2048);
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			assert_status(invalidate_during(1, n, give_away), n == 1 ? PC_SUCCESS : PC_IO);
			assert_int_equal(device_table[1].state, DEVICE_ASSIGNED);
			assert_int_equal(device_table[1].vm->handle, victim);
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), n);
			assert_int_equal(ring->producer, 0);
			assert_alive();
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
	assert_memory_equal(bytes() + 512, ((u8[]){ 0, PVIOMMU_INVAL_NOT_ATTEMPTED, PVIOMMU_INVAL_NOT_ATTEMPTED, 0xee }), 4);
}

static void N47_N86_two_at_once_take_turns(void **state UNUSED)
{
	for (u32 n = 1; n <= 3; n += 2)
		IN_CHILD({
			boot();
			set_up();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), ~0u);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			put_entry(1, OP_ATC_INV | sid_field(10), VA);
			assert_status(invalidate_during(2, n, invalidate_other), PC_IO);
			assert_memory_equal(bytes(), ((u8[]){ PVIOMMU_INVAL_HW_TIMEOUT, 0, 0xee }), 3);
			assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
			/* Its turn has ended. */
			put_entry(0, OP_ATC_INV | sid_field(8), VA);
			assert_status(invalidate(1), PC_SUCCESS);
			assert_memory_equal(bytes(), ((u8[]){ 0, 0xee }), 2);
			assert_alive();
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
	assert_memory_equal(bytes() + 512, ((u8[]){ PVIOMMU_INVAL_HW_ILLEGAL, 0, 0xee }), 3);
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

			boot();
			set_up();
			smmuv3_ill_panics = false;
			oracle_stand_ins_allowed();
			bench_quarantine_expected();
			smmu_atc_deaf(bench_smmu[0], bench_sid(1, 0), row[i].times);
			put_entry(0, OP_ATC_INV | sid_field(7), VA);
			put_entry(1, OP_ATC_INV | sid_field(10), VA);
			r = invalidate_during(2, row[i].atc, refused_beside);
			assert_status(r, guilty ? PC_IO : PC_SUCCESS);
			assert_memory_equal(bytes(), ((u8[]){ guilty ? PVIOMMU_INVAL_HW_TIMEOUT : 0, 0, 0xee }), 3);
			assert_int_equal(device_table[1].state, guilty ? DEVICE_QUARANTINED : DEVICE_ASSIGNED);
			/* Again because of its own only. */
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), i == 0 ? 2 : 4);
			assert_alive();
		});
}

/* A stream that was muted has what it had, so its device may have too; nobody waits for that. */
static void H2_nothing_is_asked_when_a_stream_is_heard_again(void **state UNUSED)
{
	struct endpoint *e;

	boot();
	set_up();
	e = &device_table[1].endpoint[0];
	ask(1, VA);
	smmu_log_clear(bench_smmu[0]);
	vm_lock(vm_primary);
	e->muted_until = 1;
	assert_int_equal(attach_unrecorded(e, 0, true), OK);
	assert_int_equal(attach_unrecorded(e, 0, false), OK);
	e->muted_until = 0;
	vm_unlock(vm_primary);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 0);
	assert_true(holds(1, VA));
	assert_int_equal(write_translated(1, DATA), SMMU_OK);
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

	boot();
	set_up();
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
	assert_memory_equal(bytes(), ((u8[]){ 0, PVIOMMU_INVAL_HW_TIMEOUT, 0xee }), 3);
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
		cmocka_unit_test(N47_S0_10_the_one_that_does_not_answer_is_named),
		cmocka_unit_test(once_is_no_offence),
		cmocka_unit_test(N47_late_again_and_again_is_deaf),
		cmocka_unit_test(N47_only_who_is_late_is_fenced_for_it),
		cmocka_unit_test(N47_who_was_late_is_asked_apart),
		cmocka_unit_test(N46_N47_late_is_counted_once),
		cmocka_unit_test(N47_beside_a_deaf_one_nobody_is_late),
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
