/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events while what they are looked up by changes: hardware that goes on translating by what it has cached, until it is told
 * (CFGI races), records that reach the queue when their attachment has gone (late), and hardware that merges them. A
 * record says of a fault what was true of it, or it is not told at all; that it is missing shows in the sequence.
 */
#include <string.h>

#include "bench_vm.h"
#include "iommu/drain.h"
#include "suite.h"

#define RING       bench_page(600)
#define RING_LOG2  10u
#define OLD_COOKIE 0x1122334455667788ull
#define NEW_COOKIE 7ull
/* Mapped by one of two domains each: who faults there is under the other. */
#define OLD_HAS 0x100000ull
#define NEW_HAS 0x200000ull
#define VSID    1u

static struct pviommu_ring *ring;
static u32 old_domain, new_domain;

static const struct pviommu_event *record(u32 number)
{
	const struct pviommu_event *records = (const struct pviommu_event *)(ring + 1);

	return &records[number & ((1u << RING_LOG2) - 1)];
}

static void open_ring(u32 log2)
{
	ring = bench_ptr(RING);
	memset(ring, 0, sizeof(*ring));
	assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, 0, RING, log2, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)),
		      PC_SUCCESS);
}

static void attach_with(u32 domain, u64 cookie)
{
	struct pviommu_attach_list *list = bench_ptr(bench_page(700));
	u32 *vsids = bench_ptr(bench_page(700) + 64);

	*list = (struct pviommu_attach_list){
		.size = sizeof(*list),
		.domain = domain,
		.cookie = cookie,
		.vsids_ipa = bench_page(700) + 64,
		.vsid_count = 1,
	};
	*vsids = VSID;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(700)), PC_SUCCESS);
}

static void drain(void) { hyp_exit_work(vm_vcpu(vm_primary, 0)); }

/* All that waits. */
static void drain_all(void)
{
	for (u32 i = 0; i < 64; i++)
		drain();
}

static void boot_with(const struct bench_options *o)
{
	bench_boot(o);
	oracle_effort(64);
	bench_assign(2, 0, VSID);
	old_domain = bench_domain();
	new_domain = bench_domain();
	bench_map(old_domain, OLD_HAS, bench_page(1), PAGE_SIZE);
	bench_map(new_domain, NEW_HAS, bench_page(2), PAGE_SIZE);
	attach_with(old_domain, OLD_COOKIE);
	open_ring(RING_LOG2);
}

/* --- DMA at every moment of a change */

static u64 racing;        /* accesses so far; each has an address of its own */
static bool in_the_midst;
static bool others_drain; /* another CPU makes its exits meanwhile */

static void access_both(void)
{
	u64 value = racing, at = racing % (PAGE_SIZE / 8) * 8;

	if (in_the_midst)
		return;
	in_the_midst = true;
	smmu_dma_write(bench_smmu[0], bench_sid(2, 0), OLD_HAS + at, &value, 8);
	smmu_dma_write(bench_smmu[0], bench_sid(2, 0), NEW_HAS + at, &value, 8);
	if (racing % 3 == 2)
		smmu_events_arrive(bench_smmu[0], 1 + racing % 2);
	racing++;
	in_the_midst = false;
}

/* Where the one that changes has a queue in hand the other would wait. */
static void drain_beside(void)
{
	if (others_drain && fake_locks_held() == 1 && !in_the_midst) {
		in_the_midst = true;
		iommu_drain(&iommu_instance[0], DRAIN_EVENTS);
		in_the_midst = false;
	}
}

static void at_store(void *ctx UNUSED, u64 *entry UNUSED, u64 value UNUSED)
{
	access_both();
	drain_beside();
}

static void at_relax(void *ctx UNUSED)
{
	access_both();
	drain_beside();
}

static void race(bool on)
{
	if (on) {
		racing = 0;
		fake_store_hook_add(at_store, NULL);
		fake_relax_hook_add(at_relax, NULL);
	} else {
		fake_store_hook_remove(at_store, NULL);
		fake_relax_hook_remove(at_relax, NULL);
	}
}

/* Who may be blamed for a fault: by where it was, whose cookie. */
static void check_records(u64 at_old, u64 at_new)
{
	u32 told = 0;

	/* Each fault that hardware saw has its number, told or not. */
	assert_int_equal(ring->sequence, smmu_event_count(bench_smmu[0]));
	for (u32 i = ring->consumer; i != ring->producer; i++) {
		const struct pviommu_event *e = record(i);

		if (e->kind != PVIOMMU_KIND_FAULT)
			continue;
		told++;
		assert_int_equal(e->endpoint, VSID);
		if (e->reason == PVIOMMU_REASON_DOMAIN) {
			assert_true(e->cookie == 0 && e->address == 0);
			continue;
		}
		assert_int_equal(e->reason, PVIOMMU_REASON_MAPPING);
		assert_int_equal(e->cookie, e->address >> 12 == OLD_HAS >> 12 ? at_old : at_new);
		assert_int_not_equal(e->cookie, 0);
	}
	assert_true(told > 0);
	ring->consumer = ring->producer;
}

/* Until all that is on its way has come, and is told. */
static void settle(u64 at_old, u64 at_new)
{
	race(false);
	smmu_events_late(bench_smmu[0], false);
	drain_all();
	check_records(at_old, at_new);
}

static void begin(bool late)
{
	smmu_events_late(bench_smmu[0], late);
	race(true);
	access_both();
}

static void replace_detach_attach(struct bench_options o, enum smmu_time time, bool late)
{
	o.time = time;
	boot_with(&o);
	begin(late);
	/* At what the old domain has faults only who is under the new one, and the other way round. */
	attach_with(new_domain, NEW_COOKIE);
	access_both();
	settle(NEW_COOKIE, OLD_COOKIE);
	begin(late);
	assert_status(pv_detach(0, VSID, 0, new_domain), PC_SUCCESS);
	settle(NEW_COOKIE, 0);
	begin(late);
	attach_with(old_domain, OLD_COOKIE);
	access_both();
	settle(0, OLD_COOKIE);
}

static void S1_1_S1_7_a_fault_in_a_change_is_told_as_what_it_was(void **state UNUSED)
{
	replace_detach_attach(bench_defaults(), SMMU_AT_ONCE, false);
}

static void S1_1_S1_7_the_same_while_hardware_takes_its_time(void **state UNUSED)
{
	replace_detach_attach(bench_defaults(), SMMU_ON_RELAX, false);
}

static void S1_1_S1_7_the_same_while_another_cpu_drains(void **state UNUSED)
{
	others_drain = true;
	replace_detach_attach(bench_defaults(), SMMU_ON_RELAX, false);
}

static void S1_7_late_records_while_another_cpu_drains(void **state UNUSED)
{
	others_drain = true;
	replace_detach_attach(bench_stage2_only(), SMMU_ON_RELAX, true);
}

static void S1_7_the_same_in_stage_2(void **state UNUSED)
{
	replace_detach_attach(bench_stage2_only(), SMMU_ON_RELAX, false);
}

static void S1_7_the_same_in_stage_1(void **state UNUSED)
{
	replace_detach_attach(bench_stage1_only(), SMMU_ON_RELAX, false);
}

static void S1_7_the_same_with_records_that_come_late(void **state UNUSED)
{
	replace_detach_attach(bench_defaults(), SMMU_ON_RELAX, true);
}

static void S1_7_late_records_in_stage_2(void **state UNUSED)
{
	replace_detach_attach(bench_stage2_only(), SMMU_ON_RELAX, true);
}

/* --- late records, one at a time */

/* On its way when the attachment changes: lost, and counted. */
static void S1_7_a_late_record_is_counted_and_given_to_nobody(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	boot_with(&o);
	smmu_events_late(bench_smmu[0], true);
	bench_faults(2, 0, NEW_HAS, SMMU_F_TRANSLATION);
	attach_with(new_domain, NEW_COOKIE);
	assert_int_equal(smmu_events_arrive(bench_smmu[0], 1), 0); /* the change waited for it */
	smmu_events_late(bench_smmu[0], false);
	drain();
	assert_true(ring->producer == 0 && ring->lost == 1 && ring->sequence == 1 && ring->flags == PVIOMMU_RING_OVERFLOW);
	bench_faults(2, 0, OLD_HAS, SMMU_F_TRANSLATION);
	drain();
	assert_int_equal(ring->producer, 2);
	assert_true(record(0)->kind == PVIOMMU_KIND_LOST && record(0)->private_data[0] == 1);
	assert_true(record(1)->cookie == NEW_COOKIE && record(1)->sequence == 1);
}

/*
 * A device moves to a VM while faults that its last owner had are on their way, in the queue, or both: the VM hears of none,
 * under no name.
 */
static void S3_14_N72_late_records_do_not_follow_a_device(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 vm;

	boot_with(&o);
	smmu_events_late(bench_smmu[0], true);
	for (u32 i = 0; i < 3 * DRAIN_EVENTS; i++)
		bench_faults(2, 0, NEW_HAS + i * 8, SMMU_F_TRANSLATION);
	smmu_events_arrive(bench_smmu[0], 2 * DRAIN_EVENTS);
	assert_status(pv_detach(0, VSID, 0, old_domain), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_faults(2, 0, 0, SMMU_F_TRANSLATION); /* identity: the primary's, under no name */
	vm = bench_vm_of(300, 128, 1);
	bench_donate(vm, 0x80000000ull, bench_page(1000), 16, PC_DONATE_SCRUB);
	bench_vm_assign(2, vm, 0, VSID);
	ring = bench_ptr(bench_page(1000));
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, 0x80000000ull, 4, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
	smmu_events_late(bench_smmu[0], false);
	drain_all();
	for (u32 i = 0; i != ring->producer; i++)
		assert_int_equal(((const struct pviommu_event *)(ring + 1))[i].kind, PVIOMMU_KIND_LOST);
	bench_destroy(vm);
}

/* --- hardware that merges */

/* Our entries do not allow it: each fault is a record, and what is counted is what happened. */
static void each_fault_is_a_record(struct bench_options o)
{
	o.smmu.merges = true;
	boot_with(&o);
	for (u32 k = 0; k < 20; k++)
		bench_faults(2, 0, NEW_HAS, SMMU_F_TRANSLATION);
	drain();
	assert_true(ring->producer == 20 && ring->sequence == 20 && ring->lost == 0);
}

static void MEV_hardware_may_not_merge_our_records(void **state UNUSED) { each_fault_is_a_record(bench_defaults()); }

static void MEV_the_same_in_stage_2(void **state UNUSED) { each_fault_is_a_record(bench_stage2_only()); }

/* --- OVFLG */

/* While one loss is not acknowledged a second does not show: the first look acknowledges, and no record is taken twice. */
static void N81_each_overflow_is_told_and_the_next_is_seen(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 taken = 0, losses = 0;

	o.smmu.evtq_like_qemu = false;
	o.smmu.evtq_bits = 4;
	boot_with(&o);
	for (u32 round = 0; round < 4; round++) {
		u64 lost;

		/* Who filled so small a queue was muted, which is a loss of its own. */
		fake_time_advance(2 * DRAIN_MUTE_US);
		drain_all();
		ring->consumer = ring->producer;
		lost = ring->lost;
		for (u32 i = 0; i < 20 + round; i++)
			bench_faults(2, 0, NEW_HAS + (round * 64 + i) * 8, SMMU_F_TRANSLATION);
		drain_all();
		assert_int_equal(ring->lost, lost + 1);
		assert_int_equal((smmu_reg(bench_smmu[0], 0x100a8) ^ smmu_reg(bench_smmu[0], 0x100ac)) >> 31, 0);
		for (; ring->consumer != ring->producer; ring->consumer++) {
			const struct pviommu_event *e = record(ring->consumer);

			if (e->kind == PVIOMMU_KIND_LOST) {
				/* How many, nobody knows. */
				assert_true(e->flags == 0 && e->private_data[0] == 0);
				losses++;
				continue;
			}
			assert_int_equal(e->address, NEW_HAS + (round * 64 + taken % 16) * 8);
			taken++;
		}
	}
	assert_int_equal(taken, 4 * 16);
	assert_int_equal(losses, 4);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(S1_1_S1_7_a_fault_in_a_change_is_told_as_what_it_was),
		cmocka_unit_test(S1_1_S1_7_the_same_while_hardware_takes_its_time),
		cmocka_unit_test(S1_1_S1_7_the_same_while_another_cpu_drains),
		cmocka_unit_test(S1_7_late_records_while_another_cpu_drains),
		cmocka_unit_test(S1_7_the_same_in_stage_2),
		cmocka_unit_test(S1_7_the_same_in_stage_1),
		cmocka_unit_test(S1_7_the_same_with_records_that_come_late),
		cmocka_unit_test(S1_7_late_records_in_stage_2),
		cmocka_unit_test(S1_7_a_late_record_is_counted_and_given_to_nobody),
		cmocka_unit_test(S3_14_N72_late_records_do_not_follow_a_device),
		cmocka_unit_test(MEV_hardware_may_not_merge_our_records),
		cmocka_unit_test(MEV_the_same_in_stage_2),
		cmocka_unit_test(N81_each_overflow_is_told_and_the_next_is_seen),
	};

	return SUITE("events_late", cases);
}
