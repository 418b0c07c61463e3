/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table entries and context descriptors against expectations written as bit numbers from
 * IHI 0070 5.2 and 5.4, not through the driver's own field masks.
 */
#include <string.h>

#include "pt_lpae.h"
#include "smmuv3/smmuv3.h"
#include "suite.h"

#define B(n) (1ull << (n))

static const struct smmuv3_features nested = {
	.stage1 = true,
	.stage2 = true,
	.coherent = true,
	.oas = 4,
	.out_bits = 44,
	.asid_bits = 16,
	.vmid_bits = 16,
};
static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = 0xabcd, .asid = 0x1234 };
static const struct pt s2_table = { .ops = &pt_lpae_s2, .root = { 0x0000000412346000ull } };
static const struct pt s1_table = { .ops = &pt_lpae_s1, .root = { 0x0000000412345000ull } };
static const struct iommu_table s2 = { .pt = &s2_table, .tag = &tag };
static const struct iommu_table s1 = { .pt = &s1_table, .tag = &tag };

static void expect(const u64 got[8], const u64 want[8])
{
	for (u32 i = 0; i < 8; i++)
		if (got[i] != want[i])
			suite_fail("word %u: %016llx, expected %016llx", i,
				   (unsigned long long)got[i], (unsigned long long)want[i]);
}

static void encode(u64 ste[8], const struct smmuv3_features *f, const struct stream_config *c)
{
	/* Whatever was there must not shine through. */
	memset(ste, 0xa5, 64);
	smmuv3_ste_encode(ste, f, c);
}

static void B9_blocked_is_invalid(void **state UNUSED)
{
	static const u64 want[8];
	u64 ste[8];

	encode(ste, &nested, &(struct stream_config){ .mode = STREAM_BLOCKED });
	expect(ste, want);
}

static void quiet_aborts_without_event(void **state UNUSED)
{
	static const u64 want[8] = { B(0) };
	u64 ste[8];

	encode(ste, &nested, &(struct stream_config){ .mode = STREAM_QUIET });
	expect(ste, want);
}

static void B7_stage2_entry(void **state UNUSED)
{
	const u64 want[8] = {
		B(0) | B(2) | B(3), /* V, Config 0b110 */
		0,
		0xabcd | (64ull - 40) << 32 | 1ull << 38 /* SL0: level 1 */ | 1ull << 40 |
			1ull << 42 | 3ull << 44 | 4ull << 48 /* PS 44 */ | B(51) | B(53) | B(54) |
			B(58),
		0x412346000ull,
	};
	u64 ste[8];

	encode(ste, &nested, &(struct stream_config){ .mode = STREAM_STAGE2, .table = &s2 });
	expect(ste, want);
}

static void B7_stage2_start_level_follows_the_table(void **state UNUSED)
{
	static const struct {
		u8 va_bits, root_pages, sl0;
	} row[] = { { 48, 1, 2 }, { 40, 1, 2 }, { 39, 1, 1 }, { 40, 2, 1 }, { 43, 16, 1 }, { 44, 1, 2 }, { 31, 1, 1 }, { 30, 1, 0 }, { 32, 4, 0 }, { 52, 16, 2 } };

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		struct pt_ops ops = pt_lpae_s2;
		struct pt pt = s2_table;
		struct iommu_table table = { .pt = &pt, .tag = &tag };
		u64 ste[8];

		ops.va_bits = row[i].va_bits;
		ops.root_pages = row[i].root_pages;
		pt.ops = &ops;
		pt.root.v = 0x40000000;
		encode(ste, &nested,
		       &(struct stream_config){ .mode = STREAM_STAGE2, .table = &table });
		assert_int_equal((ste[2] >> 38) & 3, row[i].sl0);
		assert_int_equal((ste[2] >> 32) & 63, 64 - row[i].va_bits);
	}
}

static void H6_stage1_entry_without_substreams(void **state UNUSED)
{
	struct stream_ctx ctx = { .table = { 0x412340000ull }, .pages = 1 };
	struct stream_config c = { .mode = STREAM_STAGE1, .ctx = &ctx, .vmid = 0x77 };
	u64 want[8] = {
		B(0) | B(1) | B(3) | 0x412340000ull, /* V, Config 0b101 */
		1ull << 2 | 1ull << 4 | 3ull << 6,   /* S1CIR, S1COR, S1CSH; S1DSS 0, EATS 0 */
		0x77,
	};
	struct smmuv3_features f = nested;
	u64 ste[8];

	encode(ste, &f, &c);
	expect(ste, want);
	/* Without stage 2 there is no VMID. */
	f.stage2 = false;
	want[2] = 0;
	encode(ste, &f, &c);
	expect(ste, want);
	/* Configurable stalls are off; where there are none the bit is illegal. */
	f.stall_off = true;
	want[1] |= B(27);
	encode(ste, &f, &c);
	expect(ste, want);
}

static void D8_stage1_entry_with_substreams(void **state UNUSED)
{
	struct stream_ctx ctx = { .table = { 0x412340000ull } };
	struct stream_config c = { .mode = STREAM_STAGE1, .ctx = &ctx };
	u64 ste[8];

	for (ctx.pasid_bits = 1; ctx.pasid_bits <= 16; ctx.pasid_bits++) {
		encode(ste, &nested, &c);
		assert_int_equal(ste[0] >> 59, ctx.pasid_bits);
		assert_int_equal((ste[0] >> 4) & 3, ctx.pasid_bits > 12 ? 2 : 0);
		assert_int_equal(ste[1] & 3, 2); /* substream 0 for those without; never bypass */
		assert_int_equal((ste[1] >> 28) & 3, 0);
	}
}

/* The guest's words, and behind them the second stage as it is for everybody. */
static void N49_nested_entry(void **state UNUSED)
{
	struct nested_config guest = { .word = { B(0) | 5ull << 1 | 2ull << 4 | 0x12340000ull | 12ull << 59, 2 | 0xf4 } };
	struct stream_config c = { .mode = STREAM_NESTED, .table = &s2, .nested = &guest };
	struct smmuv3_features f = nested;
	u64 plain[8], ste[8];

	f.ssid_bits = 20;
	f.cd_two_level = true;
	encode(plain, &f, &(struct stream_config){ .mode = STREAM_STAGE2, .table = &s2 });
	encode(ste, &f, &c);
	assert_int_equal(ste[0], B(0) | 7ull << 1 | 2ull << 4 | 0x12340000ull | 12ull << 59);
	assert_int_equal(ste[1], 2 | 0xf4 | B(19)); /* MEV; STRW 0 */
	assert_memory_equal(&ste[2], &plain[2], 48);
	assert_int_equal(ste[2] & 0xffff, 0xabcd);
	/* No stalls, whatever it says. */
	f.stall_off = true;
	encode(ste, &f, &c);
	assert_int_equal(ste[1], 2 | 0xf4 | B(19) | B(27));
	f.types_ovr = true;
	encode(ste, &f, &c);
	assert_int_equal(ste[1], 2 | 0xf4 | B(19) | B(27) | 1ull << 44);
}

/* G1: what it calls ATS is ours split, never full; and not without a stage 1 to split off. */
static void G1_ats_of_a_guest_is_split(void **state UNUSED)
{
	struct nested_config guest = { .word = { B(0) | 5ull << 1 | 0x12340000ull, 1ull << 28 } };
	struct stream_config c = { .mode = STREAM_NESTED, .table = &s2, .nested = &guest };
	struct smmuv3_features f = nested;
	u64 ste[8];

	f.ats = true;
	encode(ste, &f, &c);
	assert_int_equal(ste[1], 2ull << 28 | B(19));
	guest.word[0] = B(0) | 4ull << 1;
	encode(ste, &f, &c);
	assert_int_equal(ste[1], B(19));
	guest.word[0] = 0;
	encode(ste, &f, &c);
	assert_int_equal(ste[1], 0);
}

static void nested_entries_that_do_not_translate_by_stage1(void **state UNUSED)
{
	static const u64 aborts[8] = { B(0) };
	struct nested_config guest = { .word = { B(0) | 4ull << 1, 0 } };
	const struct iommu_table muted = { .pt = &s2_table, .tag = &tag, .unrecorded = true };
	struct stream_config c = { .mode = STREAM_NESTED, .table = &s2, .nested = &guest };
	struct smmuv3_features f = nested;
	u64 plain[8], ste[8];

	encode(plain, &nested, &(struct stream_config){ .mode = STREAM_STAGE2, .table = &s2 });
	encode(ste, &nested, &c); /* bypass of stage 1 is never bypass of ours */
	plain[1] |= B(19);
	expect(ste, plain);
	guest.word[0] = B(0);
	encode(ste, &nested, &c);
	expect(ste, aborts);
	f.types_ovr = true; /* what an access is made as is of no account where there is none */
	encode(ste, &f, &c);
	expect(ste, aborts);
	guest.word[0] = 5ull << 1 | 0x40000000;
	encode(ste, &nested, &c);
	expect(ste, aborts);
	guest.word[0] |= 1;
	c.table = &muted;
	encode(ste, &nested, &c);
	expect(ste, aborts);
}

static void an_entry_that_nobody_checked_is_our_bug(void **state UNUSED)
{
	struct nested_config guest = { .word = { B(0) | 6ull << 1, 0 } };
	struct stream_config c = { .mode = STREAM_NESTED, .table = &s2, .nested = &guest };
	u64 ste[8];

	assert_panics(smmuv3_ste_encode(ste, &nested, &c));
}

static void B5_attributes_follow_coherence(void **state UNUSED)
{
	struct stream_ctx ctx = { .table = { 0x412340000ull } };
	struct smmuv3_features f = nested;
	u64 ste[8], cd[8];

	f.coherent = false;
	f.types_ovr = true;
	encode(ste, &f, &(struct stream_config){ .mode = STREAM_STAGE1, .ctx = &ctx });
	assert_int_equal((ste[1] >> 2) & 0x3f, 2 << 4); /* not cached, outer shareable */
	assert_int_equal((ste[1] >> 44) & 3, 1);        /* SHCFG: as the transaction says */
	encode(ste, &f, &(struct stream_config){ .mode = STREAM_STAGE2, .table = &s2 });
	assert_int_equal((ste[2] >> 40) & 0x3f, 2 << 4);
	assert_int_equal((ste[1] >> 44) & 3, 1);
	smmuv3_cd_encode(cd, &f, &s1);
	assert_int_equal((cd[0] >> 8) & 0x3f, 2 << 4);
}

static void context_descriptor(void **state UNUSED)
{
	const u64 want[8] = {
		16 | 1 << 8 | 1 << 10 | 3 << 12 | B(30) /* EPD1 */ | B(31) /* V */ |
			4ull << 32 /* IPS */ | B(35) /* AFFD */ | B(41) /* AA64 */ |
			B(45) /* R */ | B(46) /* A */ | B(47) /* ASET */ | 0x1234ull << 48,
		0x412345000ull,
		0,
		0x4404ffull,
	};
	u64 cd[8];

	memset(cd, 0x5a, sizeof(cd));
	smmuv3_cd_encode(cd, &nested, &s1);
	expect(cd, want);
}

static void B7_a_table_of_the_wrong_stage_is_our_bug(void **state UNUSED)
{
	struct stream_config c = { .mode = STREAM_STAGE2, .table = &s1 };
	u64 words[8];

	assert_panics(smmuv3_ste_encode(words, &nested, &c));
	assert_panics(smmuv3_cd_encode(words, &nested, &s2));
}

static void an_unaligned_context_table_is_our_bug(void **state UNUSED)
{
	struct stream_ctx ctx = { .table = { 0x412340020ull } };
	struct stream_config c = { .mode = STREAM_STAGE1, .ctx = &ctx };
	u64 ste[8];

	assert_panics(smmuv3_ste_encode(ste, &nested, &c));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(B9_blocked_is_invalid),
		cmocka_unit_test(quiet_aborts_without_event),
		cmocka_unit_test(B7_stage2_entry),
		cmocka_unit_test(B7_stage2_start_level_follows_the_table),
		cmocka_unit_test(H6_stage1_entry_without_substreams),
		cmocka_unit_test(D8_stage1_entry_with_substreams),
		cmocka_unit_test(N49_nested_entry),
		cmocka_unit_test(G1_ats_of_a_guest_is_split),
		cmocka_unit_test(nested_entries_that_do_not_translate_by_stage1),
		cmocka_unit_test(an_entry_that_nobody_checked_is_our_bug),
		cmocka_unit_test(B5_attributes_follow_coherence),
		cmocka_unit_test(context_descriptor),
		cmocka_unit_test(B7_a_table_of_the_wrong_stage_is_our_bug),
		cmocka_unit_test(an_unaligned_context_table_is_our_bug),
	};

	return SUITE("smmuv3_encode", cases);
}
