/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records (IHI 0070 7.3) and the event queue: order, wrap, overflow, bounds. */
#include <string.h>

#include "smmuv3/queue.h"
#include "suite.h"
#include "tiny.h"

#define SSV      (1ull << 11)
#define SSID(n)  ((u64)(n) << 12)
#define SID(n)   ((u64)(n) << 32)
#define STALL    (1ull << 31)
#define PNU      (1ull << 33)
#define IND      (1ull << 34)
#define RNW      (1ull << 35)
#define S2       (1ull << 39)
#define CLASS(n) ((u64)(n) << 40)
#define ADDR     0xfedcba9876543210ull
#define IPA      0x000123456789a000ull

static struct iommu_event decode(u64 w0, u64 w1, bool known)
{
	const u64 w[4] = { w0, w1, ADDR, 0xfff0000000000fffull | IPA };
	struct iommu_event e;

	memset(&e, 0xa5, sizeof(e));
	assert_int_equal(smmuv3_event_decode(w, &e), known);
	return e;
}

static void every_architected_event(void **state UNUSED)
{
	static const struct {
		u8 code, reason;
		bool addr, dir, attr, stage;
	} row[] = {
		{ 0x01, 0, true, true, true, false },   /* F_UUT */
		{ 0x02, 1, false, false, false, false }, /* C_BAD_STREAMID */
		{ 0x03, 1, false, false, false, false }, /* F_STE_FETCH */
		{ 0x04, 1, false, false, false, false }, /* C_BAD_STE */
		{ 0x05, 10, true, false, false, false }, /* F_BAD_ATS_TREQ */
		{ 0x06, 9, false, false, false, false }, /* F_STREAM_DISABLED */
		{ 0x07, 10, true, true, false, false },  /* F_TRANSL_FORBIDDEN */
		{ 0x08, 8, false, false, false, false }, /* C_BAD_SUBSTREAMID */
		{ 0x09, 1, false, false, false, false }, /* F_CD_FETCH */
		{ 0x0a, 1, false, false, false, false }, /* C_BAD_CD */
		{ 0x0b, 3, true, true, true, true },     /* F_WALK_EABT */
		{ 0x10, 2, true, true, true, true },     /* F_TRANSLATION */
		{ 0x11, 7, true, true, true, true },     /* F_ADDR_SIZE */
		{ 0x12, 6, true, true, true, true },     /* F_ACCESS */
		{ 0x13, 5, true, true, true, true },     /* F_PERMISSION */
		{ 0x20, 11, true, true, true, true },    /* F_TLB_CONFLICT */
		{ 0x21, 11, false, false, false, false }, /* F_CFG_CONFLICT */
		{ 0x24, 0, true, false, false, false },  /* E_PAGE_REQUEST */
		{ 0x25, 0, false, false, false, false }, /* F_VMS_FETCH */
	};
	u32 known = 0;

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		u64 w0 = row[i].code | SSV | SSID(0xabcde) | SID(0x87654321);
		struct iommu_event e = decode(w0, PNU | IND | RNW | CLASS(2), true);

		assert_int_equal(e.code, row[i].code);
		assert_int_equal(e.reason, row[i].reason);
		assert_true(e.has_sid && e.has_pasid);
		assert_int_equal(e.sid.v, 0x87654321);
		assert_int_equal(e.pasid, 0xabcde);
		assert_int_equal(e.has_addr, row[i].addr);
		assert_int_equal(e.addr, row[i].addr ? ADDR : 0);
		assert_int_equal(e.read, row[i].dir);
		assert_false(e.write);
		assert_int_equal(e.exec, row[i].attr);
		assert_int_equal(e.priv, row[i].attr);
		assert_true(!e.stage2 && !e.table_walk && !e.stalled && e.ipa == 0);
		/* Of contexts, which may be a guest's: F_CD_FETCH, F_CFG_CONFLICT; of what is ours alone. */
		assert_int_equal(e.context, e.code == 0x09 || e.code == 0x21);
		assert_int_equal(e.internal, e.code == 0x02 || e.code == 0x03 || e.code >= 0x24);
		/* No substream, a write. */
		e = decode(row[i].code | SSID(0xabcde) | SID(7), CLASS(1), true);
		assert_int_equal(e.has_pasid, row[i].code == 0x08);
		assert_int_equal(e.pasid, row[i].code == 0x08 ? 0xabcde : 0);
		assert_int_equal(e.write, row[i].dir);
		assert_int_equal(e.table_walk, row[i].stage);
		assert_false(e.read || e.exec || e.priv);
	}
	/* All others tell nothing but their code. */
	for (u32 code = 0; code < 256; code++) {
		bool architected = false;
		struct iommu_event e;

		for (u32 i = 0; i < ARRAY_SIZE(row); i++)
			architected |= row[i].code == code;
		known += architected;
		if (architected)
			continue;
		e = decode(code | SSV | SID(5), ~0ull, false);
		assert_int_equal(e.code, code);
		assert_false(e.has_sid || e.has_pasid || e.has_addr || e.read || e.write ||
			     e.stage2 || e.stalled);
		assert_int_equal(e.reason, 0);
	}
	assert_int_equal(known, ARRAY_SIZE(row));
}

static void stage2_faults_of_tables_are_walk_faults(void **state UNUSED)
{
	for (u32 code = 0x10; code <= 0x13; code++) {
		struct iommu_event in = decode(code | SID(1), S2 | CLASS(2), true);
		struct iommu_event tt = decode(code | SID(1), S2 | CLASS(1), true);
		struct iommu_event cd = decode(code | SID(1), S2 | CLASS(0), true);

		assert_true(in.stage2 && !in.table_walk && in.reason != 3 && in.reason != 1);
		assert_true(tt.stage2 && tt.table_walk);
		assert_int_equal(tt.reason, 3);
		assert_int_equal(cd.reason, 1);
		assert_int_equal(in.ipa, IPA);
		/* Stage 1 has no IPA, whatever the word holds. */
		assert_int_equal(decode(code | SID(1), CLASS(2), true).ipa, 0);
	}
	/* The last word of these is a physical address. */
	assert_int_equal(decode(0x0b | SID(1), S2 | CLASS(1), true).ipa, 0);
	assert_int_equal(decode(0x03 | SID(1), S2, true).ipa, 0);
}

static void only_translation_faults_stall(void **state UNUSED)
{
	static const u8 codes[] = { 0x01, 0x04, 0x07, 0x0b, 0x20, 0x24 };

	for (u32 code = 0x10; code <= 0x13; code++)
		assert_true(decode(code, STALL, true).stalled);
	for (u32 i = 0; i < ARRAY_SIZE(codes); i++)
		assert_false(decode(codes[i], STALL, true).stalled);
}

/* --- the queue */

static u32 produced, size_log2;

static struct smmuv3 *start(u32 log2)
{
	struct machine *m = tiny_machine();

	tiny.idr1 = (TINY_IDR1 & ~(31u << 16)) | log2 << 16;
	produced = 0;
	size_log2 = log2 < 12 ? log2 : 12;
	return tiny_start(m);
}

static u32 prod_reg(void)
{
	return tiny.reg[0x100a8 / 4];
}

static u32 cons_reg(void)
{
	return tiny.reg[0x100ac / 4];
}

/* As hardware does: the record, then the index; nothing when full. False: dropped. */
static bool produce(void)
{
	u32 size = 1u << size_log2, wrap = 2 * size - 1;
	u64 base = tiny_reg64(0xa0) & 0xffffffffffffe0ull;
	const u64 w[4] = { 0x10 | SID(produced), RNW | CLASS(2), (u64)produced << 12, 0 };

	assert_int_equal(tiny_reg64(0xa0) & 31, size_log2);
	if (((prod_reg() - cons_reg()) & wrap) == size)
		return false;
	assert_true(fake_hw_write(base + (prod_reg() & (size - 1)) * 32ull, w, 32));
	tiny.reg[0x100a8 / 4] = ((prod_reg() + 1) & wrap) | (prod_reg() & 0x80000000u);
	produced++;
	return true;
}

static void overflow(void)
{
	if (((prod_reg() ^ cons_reg()) & 0x80000000u) == 0)
		tiny.reg[0x100a8 / 4] ^= 0x80000000u;
}

static void events_arrive_in_order_at_every_size(void **state UNUSED)
{
	for (u32 log2 = 0; log2 <= 14; log2++) {
		u32 rounds = log2 < 6 ? 40 : 3;

		fake_reset();
		start(log2);
		assert_false(iommu_pending(&tiny_iommu));
		for (u32 i = 0; i < rounds; i++) {
			u32 n = 1 + (u32)fake_random_below(1u << size_log2);

			for (u32 k = 0; k < n; k++)
				assert_true(produce());
			assert_true(iommu_pending(&tiny_iommu));
			while (smmuv3_events(&tiny_iommu, 1 + (u32)fake_random_below(100)))
				assert_true(iommu_pending(&tiny_iommu));
			assert_false(iommu_pending(&tiny_iommu));
			assert_int_equal(prod_reg(), cons_reg());
			assert_int_equal(tiny_event_count, produced);
		}
		for (u32 i = 0; i < produced && i < ARRAY_SIZE(tiny_events); i++) {
			if (produced > ARRAY_SIZE(tiny_events))
				break;
			assert_int_equal(tiny_events[i].sid.v, i);
			assert_int_equal(tiny_events[i].addr, (u64)i << 12);
		}
		assert_int_equal(tiny_overflows, 0);
	}
}

static void V9_a_drain_is_bounded(void **state UNUSED)
{
	start(12);
	for (u32 i = 0; i < 100; i++)
		produce();
	assert_true(smmuv3_events(&tiny_iommu, 7));
	assert_int_equal(tiny_event_count, 7);
	assert_true(smmuv3_events(&tiny_iommu, 0));
	assert_int_equal(tiny_event_count, 7);
	assert_false(smmuv3_events(&tiny_iommu, 93));
	assert_false(smmuv3_events(&tiny_iommu, 5));
	assert_int_equal(tiny_event_count, 100);
}

static void overflow_is_reported_once_and_acknowledged_at_once(void **state UNUSED)
{
	start(4);
	for (u32 round = 0; round < 5; round++) {
		while (produce())
			;
		overflow();
		overflow(); /* a second loss does not show */
		assert_true(smmuv3_events(&tiny_iommu, 1));
		assert_int_equal(tiny_overflows, round + 1);
		assert_int_equal((prod_reg() ^ cons_reg()) >> 31, 0);
		assert_false(smmuv3_events(&tiny_iommu, 100));
		assert_int_equal(tiny_overflows, round + 1);
		assert_false(iommu_pending(&tiny_iommu));
	}
	assert_int_equal(tiny_event_count, 5 * 16);
	/* Even with nothing to take. */
	overflow();
	assert_true(iommu_pending(&tiny_iommu));
	assert_false(smmuv3_events(&tiny_iommu, 1));
	assert_int_equal(tiny_overflows, 6);
	assert_false(iommu_pending(&tiny_iommu));
}

/* A device that is faster than we are: with each place that is taken the queue is full again, and loses more. */
static void refill(u32 offset)
{
	if (offset != SMMU_EVENTQ_CONS)
		return;
	while (produce())
		;
	overflow();
}

static void V9_a_drain_tells_of_an_overflow_once(void **state UNUSED)
{
	start(6);
	while (produce())
		;
	overflow();
	tiny.after_write = refill;
	assert_true(smmuv3_events(&tiny_iommu, 64));
	assert_int_equal(tiny_event_count, 64);
	assert_int_equal(tiny_overflows, 1);
	/* What was lost meanwhile is told by the next one. */
	tiny.after_write = NULL;
	assert_false(smmuv3_events(&tiny_iommu, 65));
	assert_int_equal(tiny_overflows, 2);
}

static void the_way_qemu_says_overflow(void **state UNUSED)
{
	start(4);
	while (produce())
		;
	tiny.reg[0x60 / 4] ^= 1u << 2;
	assert_true(iommu_pending(&tiny_iommu));
	smmuv3_error(&tiny_iommu);
	assert_int_equal(tiny_overflows, 1);
	assert_false(smmuv3_events(&tiny_iommu, 100));
	assert_int_equal(tiny_event_count, 16);
	assert_false(iommu_pending(&tiny_iommu));
}

static void an_index_that_makes_no_sense_is_skipped(void **state UNUSED)
{
	start(4);
	produce();
	tiny.reg[0x100a8 / 4] = 20; /* more than the queue holds */
	assert_false(smmuv3_events(&tiny_iommu, 100));
	assert_int_equal(tiny_event_count, 0);
	assert_int_equal(tiny_overflows, 1);
	assert_int_equal(cons_reg(), 20);
	produce();
	assert_false(smmuv3_events(&tiny_iommu, 100));
	assert_int_equal(tiny_event_count, 1);
	tiny.gone = true;
	assert_int_equal(tiny_event_count, 1);
	(void)smmuv3_events(&tiny_iommu, 100);
	assert_int_equal(tiny_event_count, 1);
}

static void B5_records_are_seen_without_snooping(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	m->iommu[0].coherent = false;
	fake_noncoherent();
	produced = 0;
	size_log2 = 12;
	tiny_start(m);
	for (u32 i = 0; i < 5000; i++) {
		produce();
		assert_false(smmuv3_events(&tiny_iommu, 2));
		assert_int_equal(tiny_events[i % ARRAY_SIZE(tiny_events)].sid.v, i);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_architected_event),
		cmocka_unit_test(stage2_faults_of_tables_are_walk_faults),
		cmocka_unit_test(only_translation_faults_stall),
		cmocka_unit_test(events_arrive_in_order_at_every_size),
		cmocka_unit_test(V9_a_drain_is_bounded),
		cmocka_unit_test(overflow_is_reported_once_and_acknowledged_at_once),
		cmocka_unit_test(V9_a_drain_tells_of_an_overflow_once),
		cmocka_unit_test(the_way_qemu_says_overflow),
		cmocka_unit_test(an_index_that_makes_no_sense_is_skipped),
		cmocka_unit_test(B5_records_are_seen_without_snooping),
	};

	return SUITE("smmuv3_events", cases);
}
