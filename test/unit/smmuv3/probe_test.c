/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking an SMMU over: what is refused, what is written and in which order, what is claimed. */
#include <string.h>

#include "hyp/arch.h"
#include "mem/pool_priv.h"
#include "pt_lpae.h"
#include "smmuv3/queue.h"
#include "suite.h"
#include "tiny.h"

static void refused(const char *word)
{
	const char *why = NULL;
	struct smmuv3_features f;
	struct smmuv3_id id = { tiny.idr0, tiny.idr1, tiny.idr3, tiny.idr5, tiny.iidr, tiny.aidr };

	assert_false(smmuv3_decode_id(&id, true, &f, &why));
	if (why == NULL || strstr(why, word) == NULL)
		suite_fail("refused with \"%s\", expected \"%s\"", why, word);
}

static void H6_what_cannot_be_made_safe_is_refused(void **state UNUSED)
{
	static const struct {
		u32 idr0_clear, idr0_set, idr1_set, idr5_clear, aidr;
		const char *word;
	} row[] = {
		{ .idr0_clear = 3, .word = "at no stage" },
		{ .idr0_clear = 8, .idr0_set = 4, .word = "AArch64" },
		{ .idr0_clear = 3u << 21, .idr0_set = 3u << 21, .word = "little-endian" },
		{ .idr0_clear = 3u << 21, .idr0_set = 1u << 21, .word = "little-endian" },
		{ .idr5_clear = 1u << 4, .word = "4 KiB" },
		{ .idr0_clear = 3u << 24, .idr0_set = 2u << 24, .word = "stalls" },
		{ .idr0_clear = 3u << 24, .idr0_set = 3u << 24, .word = "stalls" },
		{ .idr1_set = 1u << 28, .word = "not ours" },
		{ .idr1_set = 1u << 29, .word = "not ours" },
		{ .idr1_set = 1u << 30, .word = "not ours" },
		{ .idr1_set = 0x3f, .word = "32 bits" },
		{ .aidr = 0x10, .word = "major version" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		tiny_machine();
		tiny.idr0 = (TINY_IDR0 & ~row[i].idr0_clear) | row[i].idr0_set;
		tiny.idr1 |= row[i].idr1_set;
		tiny.idr5 &= ~row[i].idr5_clear;
		tiny.aidr = row[i].aidr;
		refused(row[i].word);
		fake_reset();
	}
}

static void a_refused_smmu_is_left_blocking(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	const char *why = NULL;

	tiny.reg[0x24 / 4] = tiny.reg[0x20 / 4] = 0xd; /* firmware left it on */
	tiny.reg[0x00 / 4] = TINY_IDR0 & ~3u;
	assert_int_equal(arch_iommu_probe(&m->iommu[0], &tiny_iommu, &why), E_NOSYS);
	assert_string_equal(why, "it translates at no stage");
	assert_null(tiny_iommu.ops);
	assert_true((tiny.reg[0x44 / 4] >> 20) & 1);
	assert_int_equal(tiny.reg[0x20 / 4], 0);
}

static void the_board_must_fit(void **state UNUSED)
{
	static const struct {
		u8 out_bits, sid_bits;
		bool stage2, two_level;
		u64 ram_end, streams;
		const char *word;
	} row[] = {
		{ 44, 16, true, true, 1ull << 44, 0x10000, NULL },
		{ 36, 16, false, true, 1ull << 36, 0x10000, NULL },
		{ 36, 16, true, true, 1ull << 32, 0x10000, "40 address bits" },
		{ 36, 16, false, true, (1ull << 36) + 1, 0x10000, "all of the RAM" },
		{ 44, 16, true, true, 0, 0x10001, "beyond its stream ids" },
		{ 44, 8, true, true, 0, 0x101, "beyond its stream ids" },
		{ 44, 0, true, false, 0, 1, NULL },
		{ 44, 0, true, false, 0, 0, NULL },
		{ 44, 32, true, true, 0, 1u << 24, NULL },
		{ 44, 32, true, true, 0, (1u << 24) + 1, "too spread" },
		{ 44, 32, true, false, 0, 1u << 14, NULL },
		{ 44, 32, true, false, 0, (1u << 14) + 1, "too spread" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		struct smmuv3_features f = {
			.stage1 = true,
			.stage2 = row[i].stage2,
			.out_bits = row[i].out_bits,
			.sid_bits = row[i].sid_bits,
			.two_level = row[i].two_level,
		};
		const char *why = NULL;

		assert_int_equal(smmuv3_fits_board(&f, row[i].ram_end, row[i].streams, &why),
				 row[i].word == NULL);
		if (row[i].word != NULL)
			assert_non_null(strstr(why, row[i].word));
	}
}

static void the_board_is_looked_at(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	const char *why = NULL;

	tiny.reg[0x00 / 4] = TINY_IDR0;
	tiny.reg[0x04 / 4] = TINY_IDR1;
	tiny.reg[0x14 / 4] = TINY_IDR5;
	m->pci[0].sidmap[0].sid = 1; /* one more than 16 bits hold */
	assert_int_equal(arch_iommu_probe(&m->iommu[0], &tiny_iommu, &why), E_NOSYS);
	assert_non_null(strstr(why, "beyond its stream ids"));
	m->pci[0].sidmap[0].sid = 0;
	m->dt_device_count = 1;
	m->dt_device[0].stream_count = 1;
	m->dt_device[0].stream[0].sid = 0x10000;
	assert_int_equal(arch_iommu_probe(&m->iommu[0], &tiny_iommu, &why), E_NOSYS);
	/* Another SMMU's streams are not ours. */
	m->dt_device[0].stream[0].iommu = 1;
	assert_int_equal(arch_iommu_probe(&m->iommu[0], &tiny_iommu, &why), OK);
}

static void V4_bypass_aborts_before_anything_else(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	const char *why = NULL;

	tiny.reg[0x24 / 4] = tiny.reg[0x20 / 4] = 0xd;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), OK);
	assert_int_equal(tiny.order[0], 0x44);
	assert_int_equal(tiny.reg[0x44 / 4], 0x101000); /* ABORT, and the rest as it was */
	assert_int_equal(tiny.order[1], 0x20);
	assert_int_equal(tiny.reg[0x24 / 4], 0);
	assert_int_equal(tiny.order[2], 0x50);
	assert_int_equal(tiny.writes, 3);
}

static void V9_hardware_that_does_not_answer_is_refused(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	const char *why = NULL;
	u64 begin = fake_time_now();

	tiny.no_ack = true;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), E_IO);
	assert_non_null(strstr(why, "GBPA"));
	assert_true(fake_time_now() - begin < 2 * REG_WAIT_US);
	/* GBPA in an update for ever: not even written. */
	tiny.writes = 0;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), E_IO);
	assert_int_equal(tiny.writes, 0);
	/* It blocks, but goes on with what the boot loader had it do. */
	tiny.no_ack = false;
	tiny.reg[0x44 / 4] = 0;
	tiny.no_stop = true;
	tiny.reg[0x24 / 4] = 1;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), E_IO);
	assert_non_null(strstr(why, "does not stop"));
	tiny.reg[0x24 / 4] = 0;
	tiny.reg[0x54 / 4] = 1;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), E_IO);
	assert_non_null(strstr(why, "does not stop"));
	m->iommu[0].regs.size = 0x10000;
	assert_int_equal(arch_iommu_quiesce(&m->iommu[0], &why), E_NOSYS);
}

static void a_command_queue_that_does_not_run_is_refused(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	const char *why = NULL;

	tiny.held = true;
	tiny.reg[0x00 / 4] = TINY_IDR0;
	tiny.reg[0x04 / 4] = TINY_IDR1;
	tiny.reg[0x14 / 4] = TINY_IDR5;
	assert_int_equal(arch_iommu_probe(&m->iommu[0], &tiny_iommu, &why), E_IO);
	assert_non_null(strstr(why, "does not start"));
	assert_int_equal(tiny.reg[0x20 / 4], 0);
	assert_true((tiny.reg[0x44 / 4] >> 20) & 1);
}

/* Index of the n-th write to a register, from 0. */
static u32 nth_write(u32 offset, u32 nth)
{
	for (u32 i = 0; i < tiny.writes && i < ARRAY_SIZE(tiny.order); i++)
		if (tiny.order[i] == offset && nth-- == 0)
			return i;
	suite_fail("no such write to %#x", offset);
}

static void translation_starts_last_and_empty(void **state UNUSED)
{
	tiny_default();
	/* CR0: stop, CMDQEN, EVENTQEN, SMMUEN. Tables and queues before, flush in between. */
	assert_true(nth_write(0x44, 0) < nth_write(0x20, 0));
	assert_true(nth_write(0x90, 0) < nth_write(0x20, 1));
	assert_true(nth_write(0x88, 0) < nth_write(0x20, 1));
	assert_true(nth_write(0x80, 0) < nth_write(0x20, 1));
	assert_true(nth_write(0x2c, 0) < nth_write(0x20, 1));
	assert_true(nth_write(0x98, 1) > nth_write(0x20, 1));
	assert_true(nth_write(0x98, 1) < nth_write(0x20, 2));
	assert_true(nth_write(0xa0, 0) < nth_write(0x20, 2));
	assert_true(nth_write(0x50, 1) < nth_write(0x20, 3));
	assert_int_equal(nth_write(0x20, 3), tiny.writes - 1);
	assert_int_equal(tiny.reg[0x20 / 4], 0xd);
	assert_int_equal(tiny.reg[0x50 / 4], 5);
	assert_int_equal(tiny.reg[0x28 / 4], 0xd75); /* WB, inner shareable */
	assert_int_equal(tiny.reg[0x2c / 4], 6);     /* PTM, RECINVSID */
	assert_int_equal(tiny.log_count, 4);
	assert_int_equal(tiny.log[0].w0, 0x04);
	assert_int_equal(tiny.log[0].w1, 31);
	assert_int_equal(tiny_op(2), 0x30);
	assert_int_equal(tiny_op(3), 0x46);
}

static void queues_and_tables_are_where_the_registers_say(void **state UNUSED)
{
	tiny_default();
	assert_int_equal(tiny_reg64(0x90) & 31, 8);
	assert_int_equal(tiny_reg64(0xa0) & 31, 12);
	assert_int_equal(tiny_reg64(0xa0) & 0x1ffe0, 0); /* 128 KiB, aligned */
	assert_non_null(fake_ram(tiny_reg64(0xa0) & 0xffffffffffffe0ull, 1 << 17));
	assert_int_equal(tiny.reg[0x88 / 4], 1u << 16 | 8u << 6 | 16);
	assert_int_equal(tiny.reg[0x98 / 4], tiny.reg[0x9c / 4]);
	assert_int_equal(tiny.reg[0x100a8 / 4] | tiny.reg[0x100ac / 4], 0);
}

static void small_hardware_gets_small_queues(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr1 = (TINY_IDR1 & ~(0x3ffu << 16)) | 3u << 21 | 2u << 16;
	tiny_start(m);
	assert_int_equal(tiny_reg64(0x90) & 31, 3);
	assert_int_equal(tiny_reg64(0xa0) & 31, 2);
}

static void B5_without_snooping_nothing_is_cached(void **state UNUSED)
{
	/* Either the SMMU or firmware says so. */
	for (u32 i = 0; i < 2; i++) {
		struct machine *m = tiny_machine();

		m->iommu[0].coherent = i == 1;
		if (i == 1)
			tiny.idr0 &= ~0x10u;
		fake_noncoherent();
		tiny_start(m);
		assert_false(tiny_iommu.caps.coherent);
		assert_int_equal(tiny.reg[0x28 / 4], 2u << 10 | 2u << 4);
		fake_reset();
	}
}

static void messages_are_off_where_there_are_any(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 |= 1u << 13;
	tiny.reg[0x68 / 4] = tiny.reg[0xb0 / 4] = tiny.reg[0xb4 / 4] = 0x8090040;
	tiny_start(m);
	assert_int_equal(tiny_reg64(0x68), 0);
	assert_int_equal(tiny_reg64(0xb0), 0);
	assert_true(nth_write(0xb0, 0) < nth_write(0x50, 1));
}

static void G1_translated_requests_are_checked_where_there_is_ats(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 |= 1u << 10;
	tiny_start(m);
	assert_int_equal(tiny.reg[0x20 / 4], 0x1d);
}

/* To a guest only what can be split, and so only where there are both stages; checked is what comes all the same. */
static void G1_ats_is_given_split_or_not_at_all(void **state UNUSED)
{
	for (u32 n = 0; n < 16; n++) {
		struct machine *m = tiny_machine();
		bool stages = (n & 12) == 12, some = (n & 12) != 0;

		tiny.idr0 = (tiny.idr0 & ~3u) | n >> 2 | (n & 1) << 10 | (n & 2) << 10;
		if (some) {
			tiny_start(m);
			assert_int_equal(tiny_iommu.caps.ats, stages && (n & 3) == 1);
			assert_int_equal(tiny.reg[0x20 / 4], (n & 1) != 0 ? 0x1d : 0xd);
		}
		fake_reset();
	}
}

static void el2_entries_are_flushed_where_there_are_any(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 |= 1u << 9;
	tiny_start(m);
	assert_int_equal(tiny_count(0x20), 1);
}

static void errors_from_before_are_forgotten(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.reg[0x60 / 4] = 0x1d;
	tiny_start(m);
	assert_int_equal(tiny.reg[0x64 / 4], 0x1d);
	assert_false(iommu_pending(&tiny_iommu));
}

static void capabilities(void **state UNUSED)
{
	const struct iommu_caps *c = &tiny_iommu.caps;
	struct machine *m;

	tiny_default();
	assert_true(c->stage1 && c->stage2 && c->nested && c->range_inval && c->split_live);
	assert_true(c->coherent);
	assert_int_equal(c->asid_bits, 16);
	assert_int_equal(c->vmid_bits, 16);
	assert_int_equal(c->pasid_bits, 0);
	assert_int_equal(c->sid_bits, 16);
	assert_int_equal(c->out_bits, 44);
	assert_ptr_equal(c->s1, &pt_lpae_s1);
	assert_ptr_equal(c->s2, &pt_lpae_s2_deep);
	assert_string_equal(tiny_iommu.ops->driver, "smmuv3");

	fake_reset();
	m = tiny_machine();
	tiny.idr0 = (TINY_IDR0 & ~(1u | 1u << 12)); /* stage 1 alone, 8-bit ASIDs */
	tiny.idr1 |= 20u << 6;
	tiny.idr3 = 1u << 11; /* BBML 1 */
	tiny.idr5 = 0x16;     /* 52 bits */
	tiny_start(m);
	assert_true(c->stage1 && !c->stage2 && !c->nested && !c->range_inval && !c->split_live);
	assert_int_equal(c->asid_bits, 8);
	assert_int_equal(c->vmid_bits, 0);
	assert_int_equal(c->pasid_bits, 12); /* linear tables only */
	assert_int_equal(c->out_bits, 48);
	assert_null(c->s2);

	fake_reset();
	m = tiny_machine();
	tiny.idr0 = (TINY_IDR0 & ~(2u | 1u << 18)); /* stage 2 alone, 8-bit VMIDs */
	tiny.idr1 |= 20u << 6;
	tiny_start(m);
	assert_true(!c->stage1 && c->stage2 && !c->nested);
	assert_int_equal(c->asid_bits, 0);
	assert_int_equal(c->vmid_bits, 8);
	assert_int_equal(c->pasid_bits, 0);
	assert_null(c->s1);
}

/* TTENDIAN 0: tables of either kind, as a context says, and we say little. */
static void a_walker_of_both_kinds_of_tables_is_taken(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 &= ~(3u << 21);
	tiny_start(m);
	assert_true(tiny_iommu.caps.stage1 && tiny_iommu.caps.stage2);
}

/* Errata take nesting away, and with it what a guest's ATS is split by. */
static void G1_no_ats_where_nesting_is_broken(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 |= 1u << 10;
	tiny.iidr = 0x48310000 | 0x43b;
	tiny_start(m);
	assert_true(tiny_iommu.caps.stage1 && tiny_iommu.caps.stage2);
	assert_false(tiny_iommu.caps.nested || tiny_iommu.caps.ats);
}

static void few_streams_get_a_linear_table(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr1 = (TINY_IDR1 & ~63u) | 8;
	m->pci[0].sidmap[0].count = 0x100;
	tiny_start(m);
	assert_int_equal(tiny.reg[0x88 / 4], 8);
}

static void wide_stream_ids_get_a_table_of_sensible_size(void **state UNUSED)
{
	static const struct {
		u32 sidsize, sid, log2;
	} row[] = { { 32, 0, 20 }, { 32, 0x100000, 21 }, { 20, 0, 20 }, { 9, 0, 9 } };

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		struct machine *m = tiny_machine();

		tiny.idr1 = (TINY_IDR1 & ~63u) | row[i].sidsize;
		m->pci[0].sidmap[0].count = 0x100;
		m->pci[0].sidmap[0].sid = row[i].sid;
		tiny_start(m);
		assert_int_equal(tiny.reg[0x88 / 4], 1u << 16 | 8u << 6 | row[i].log2);
		assert_int_equal(tiny_iommu.caps.sid_bits, row[i].log2);
		fake_reset();
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(H6_what_cannot_be_made_safe_is_refused),
		cmocka_unit_test(a_refused_smmu_is_left_blocking),
		cmocka_unit_test(the_board_must_fit),
		cmocka_unit_test(the_board_is_looked_at),
		cmocka_unit_test(V4_bypass_aborts_before_anything_else),
		cmocka_unit_test(V9_hardware_that_does_not_answer_is_refused),
		cmocka_unit_test(a_command_queue_that_does_not_run_is_refused),
		cmocka_unit_test(translation_starts_last_and_empty),
		cmocka_unit_test(queues_and_tables_are_where_the_registers_say),
		cmocka_unit_test(small_hardware_gets_small_queues),
		cmocka_unit_test(B5_without_snooping_nothing_is_cached),
		cmocka_unit_test(messages_are_off_where_there_are_any),
		cmocka_unit_test(G1_translated_requests_are_checked_where_there_is_ats),
		cmocka_unit_test(G1_ats_is_given_split_or_not_at_all),
		cmocka_unit_test(el2_entries_are_flushed_where_there_are_any),
		cmocka_unit_test(errors_from_before_are_forgotten),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(a_walker_of_both_kinds_of_tables_is_taken),
		cmocka_unit_test(G1_no_ats_where_nesting_is_broken),
		cmocka_unit_test(few_streams_get_a_linear_table),
		cmocka_unit_test(wide_stream_ids_get_a_table_of_sensible_size),
	};

	return SUITE("smmuv3_probe", cases);
}
