/* SPDX-License-Identifier: BSD-2-Clause */
/* Which TLB commands a request becomes: exactly the range, under the tag, and none illegal. */
#include <string.h>

#include "smmuv3/queue.h"
#include "suite.h"
#include "tiny.h"

#define PAGE(n) ((u64)(n) << 12)
#define S1_ONLY ((TINY_IDR0 & ~3u) | 2)
#define S2_ONLY ((TINY_IDR0 & ~3u) | 1)
#define NO_RIL  (TINY_IDR3 & ~(1u << 10))

static struct smmuv3 *start(u32 idr0, u32 idr3, u32 iidr)
{
	struct machine *m = tiny_machine();
	struct smmuv3 *s;

	tiny.idr0 = idr0;
	tiny.idr3 = idr3;
	tiny.iidr = iidr;
	s = tiny_start(m);
	tiny_log_clear();
	return s;
}

static struct iommu_tag tag_of(enum iommu_tag_kind kind)
{
	return (struct iommu_tag){ .kind = kind, .asid = 0xa51d, .vmid = 0x1d1d };
}

static void inval(enum iommu_tag_kind kind, const struct inval_range *r, u32 count)
{
	const struct iommu_tag tag = tag_of(kind);
	u64 ticket;

	tiny_log_clear();
	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, r, count, &ticket), OK);
	assert_int_equal(smmuv3_ops.wait(&tiny_iommu, ticket), OK);
	assert_int_equal(tiny.doorbells, 1);
	assert_int_equal(tiny_op(tiny.log_count - 1), 0x46);
}

/* What a command covers, from the tables of IHI 0070 4.4.1.1; fails on anything reserved. */
static u64 covered(const struct tiny_cmd *c, bool ril, u64 *base, u32 *ttl)
{
	u32 num = (c->w0 >> 12) & 31, scale = (c->w0 >> 20) & 63, tg = (c->w1 >> 10) & 3;

	*ttl = (c->w1 >> 8) & 3;
	*base = c->w1 & ~0xfffull;
	assert_int_equal(c->w1 & 0xfe, 0);
	assert_int_equal(c->w0 & 0xfc0e0f00, 0);
	if (tg == 0) {
		assert_true(num == 0 && scale == 0 && *ttl == 0);
		return PAGE(1);
	}
	assert_true(ril && tg == 1 && scale < 32);
	assert_false(num == 0 && scale == 0 && *ttl == 0);
	if (*ttl == 1)
		assert_int_equal(*base & 0x3fffffff, 0);
	if (*ttl == 2)
		assert_int_equal(*base & 0x1fffff, 0);
	return PAGE((num + 1ull) << scale);
}

static void C7_ranges_are_covered_exactly(void **state UNUSED)
{
	static const u8 shifts[] = { 12, 21, 30 };

	start(TINY_IDR0, TINY_IDR3, 0);
	for (u32 i = 0; i < 20000; i++) {
		u8 shift = shifts[fake_random_below(3)];
		u64 leaves = 1 + fake_random_below(1ull << fake_random_below(48 - shift));
		u64 at = fake_random_below(((1ull << 48) - (leaves << shift)) >> shift) << shift;
		struct inval_range r = { .base = at, .size = leaves << shift, .leaf_shift = shift, .leaf_only = fake_random_below(2) };

		if (i == 0)
			r = (struct inval_range){ .size = (1ull << 48) - PAGE(1), .leaf_shift = 12 };
		inval(i % 2 ? TAG_STAGE1 : TAG_STAGE2, &r, 1);
		assert_in_range(tiny.log_count, 2, 9);
		at = r.base;
		for (u32 c = 0; c + 1 < tiny.log_count; c++) {
			u64 base, size;
			u32 ttl;

			size = covered(&tiny.log[c], true, &base, &ttl);
			assert_int_equal(base, at);
			assert_int_equal(tiny.log[c].w1 & 1, r.leaf_only);
			if (ttl != 0)
				assert_true(r.leaf_only && ttl == 3u - (r.leaf_shift - 12u) / 9);
			at += size;
		}
		assert_int_equal(at, r.base + r.size);
	}
}

static void common_sizes_are_one_command(void **state UNUSED)
{
	static const u32 pages[] = { 1, 2, 16, 31, 32, 512, 15 * 512, 1u << 18 };

	start(TINY_IDR0, TINY_IDR3, 0);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		struct inval_range r = { .base = PAGE(0x40003), .size = PAGE(pages[i]), .leaf_shift = 12, .leaf_only = true };

		inval(TAG_STAGE1, &r, 1);
		assert_int_equal(tiny.log_count, 2);
	}
}

static void everything_there_is_is_a_flush_of_the_tag(void **state UNUSED)
{
	struct inval_range all = { .size = 1ull << 48, .leaf_shift = 30 };

	start(TINY_IDR0, TINY_IDR3, 0);
	inval(TAG_STAGE1, &all, 1);
	assert_int_equal(tiny.log_count, 2);
	assert_int_equal(tiny.log[0].w0, 0x11 | 0x1d1dull << 32 | 0xa51dull << 48);
}

/* A hint of the level is for leaves that lie there whole: hardware may spare all others. */
static void C7_no_level_for_a_part_of_a_leaf(void **state UNUSED)
{
	const struct inval_range part[] = {
		{ .base = (7ull << 30) + PAGE(1), .size = PAGE(512), .leaf_shift = 21, .leaf_only = true },
		{ .base = 7ull << 30, .size = PAGE(511), .leaf_shift = 21, .leaf_only = true },
	};

	start(TINY_IDR0, TINY_IDR3, 0);
	for (u32 i = 0; i < ARRAY_SIZE(part); i++) {
		inval(TAG_STAGE1, &part[i], 1);
		for (u32 c = 0; c + 1 < tiny.log_count; c++) {
			u64 base;
			u32 ttl;

			covered(&tiny.log[c], true, &base, &ttl);
			assert_int_equal(ttl, 0);
		}
	}
}

static void without_ranges_a_command_a_leaf(void **state UNUSED)
{
	static const u8 shifts[] = { 12, 21, 30 };

	start(TINY_IDR0, NO_RIL, 0);
	assert_false(tiny_iommu.caps.range_inval);
	for (u32 i = 0; i < ARRAY_SIZE(shifts); i++)
		for (u32 leaves = 1; leaves <= 70; leaves++) {
			struct inval_range r = { .base = 7ull << 30,
						 .size = (u64)leaves << shifts[i],
						 .leaf_shift = shifts[i],
						 .leaf_only = true };

			inval(TAG_STAGE1, &r, 1);
			if (leaves > TLBI_BUDGET) {
				assert_int_equal(tiny.log_count, 2);
				assert_int_equal(tiny_op(0), 0x11);
				continue;
			}
			assert_int_equal(tiny.log_count, leaves + 1);
			for (u32 c = 0; c < leaves; c++) {
				u64 base;
				u32 ttl;

				covered(&tiny.log[c], false, &base, &ttl);
				assert_int_equal(base, r.base + ((u64)c << r.leaf_shift));
			}
		}
}

static void rule11_commands_by_kind(void **state UNUSED)
{
	static const struct {
		u32 idr0;
		enum iommu_tag_kind kind;
		u8 ops[3], whole;
		u64 id;
	} row[] = {
		{ TINY_IDR0, TAG_STAGE1, { 0x12 }, 0x11, 0x1d1dull << 32 | 0xa51dull << 48 },
		{ S1_ONLY, TAG_STAGE1, { 0x12 }, 0x11, 0xa51dull << 48 },
		{ TINY_IDR0, TAG_STAGE2, { 0x2a }, 0x28, 0x1d1dull << 32 },
		{ S2_ONLY, TAG_STAGE2, { 0x2a }, 0x28, 0x1d1dull << 32 },
		/* Combined entries go after stage 2 is complete. */
		{ TINY_IDR0, TAG_DMA, { 0x2a, 0x46, 0x10 }, 0x28, 0x1d1dull << 32 },
		{ S2_ONLY, TAG_DMA, { 0x2a }, 0x28, 0x1d1dull << 32 },
	};
	struct inval_range r = { .base = PAGE(5), .size = PAGE(1), .leaf_shift = 12, .leaf_only = true };

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		u32 n = row[i].ops[1] != 0 ? 3 : 1;

		fake_reset();
		start(row[i].idr0, TINY_IDR3, 0);
		inval(row[i].kind, &r, 1);
		assert_int_equal(tiny.log_count, n + 1);
		for (u32 c = 0; c < n; c++) {
			assert_int_equal(tiny_op(c), row[i].ops[c]);
			if (tiny_op(c) != 0x46)
				assert_int_equal(tiny.log[c].w0 & ~0xffull, row[i].id);
		}
		assert_int_equal(tiny.log[0].w1, PAGE(5) | 1);
		inval(row[i].kind, NULL, 0);
		assert_int_equal(tiny.log_count, 2);
		assert_int_equal(tiny.log[0].w0, row[i].whole | row[i].id);
		assert_int_equal(tiny.log[0].w1, 0);
	}
}

static void a_kind_that_hardware_has_not_is_refused(void **state UNUSED)
{
	const struct iommu_tag s1 = tag_of(TAG_STAGE1), s2 = tag_of(TAG_STAGE2);
	struct inval_range r = { .size = PAGE(1), .leaf_shift = 12 };
	u64 ticket;

	start(S1_ONLY, TINY_IDR3, 0);
	assert_int_equal(smmuv3_inval(&tiny_iommu, &s2, &r, 1, &ticket), E_INVAL);
	fake_reset();
	start(S2_ONLY, TINY_IDR3, 0);
	assert_int_equal(smmuv3_inval(&tiny_iommu, &s1, NULL, 0, &ticket), E_INVAL);
	assert_int_equal(tiny.log_count, 0);
}

static void A4_several_ranges_share_one_sync(void **state UNUSED)
{
	struct inval_range r[20];

	start(TINY_IDR0, TINY_IDR3, 0);
	for (u32 i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = (struct inval_range){ .base = PAGE(1000 * i), .size = PAGE(3), .leaf_shift = 12, .leaf_only = i % 2 };
	inval(TAG_STAGE1, r, 14);
	assert_int_equal(tiny.log_count, 15);
	for (u32 i = 0; i < 14; i++) {
		u64 base;
		u32 ttl;

		assert_int_equal(covered(&tiny.log[i], true, &base, &ttl), PAGE(3));
		assert_int_equal(base, r[i].base);
	}
	assert_int_equal(tiny_count(0x46), 1);
	/* Many awkward ranges: the tag. What was queued before the decision does no harm. */
	for (u32 i = 0; i < ARRAY_SIZE(r); i++)
		r[i].size = PAGE(0x11111111);
	inval(TAG_STAGE1, r, ARRAY_SIZE(r));
	assert_int_equal(tiny_op(tiny.log_count - 2), 0x11);
	inval(TAG_STAGE1, r, 0);
	assert_int_equal(tiny.log_count, 1);
}

/* --- errata */

#define IIDR(product, variant, revision, implementer) \
	((u32)(product) << 20 | (variant) << 16 | (revision) << 12 | (implementer))

static void errata_by_version(void **state UNUSED)
{
	static const struct {
		u32 iidr, quirks;
	} row[] = {
		{ 0, 0 },
		{ IIDR(0x483, 0, 0, 0x43b), QUIRK_NO_NESTING },
		{ IIDR(0x483, 0, 2, 0x43b), QUIRK_NO_NESTING },
		{ IIDR(0x483, 1, 15, 0x43b), QUIRK_NO_NESTING },
		{ IIDR(0x483, 2, 0, 0x43b), 0 },
		{ IIDR(0x487, 0, 0, 0x43b), QUIRK_NO_NESTING | QUIRK_SYNC_63 },
		{ IIDR(0x487, 0, 9, 0x43b), QUIRK_NO_NESTING | QUIRK_SYNC_63 },
		{ IIDR(0x487, 1, 0, 0x43b), QUIRK_NO_NESTING | QUIRK_SYNC_63 },
		{ IIDR(0x487, 1, 1, 0x43b), 0 },
		{ IIDR(0x487, 15, 15, 0x43b), 0 },
		{ IIDR(0x487, 0, 0, 0x43c), 0 },
		{ IIDR(0x498, 0, 0, 0x43b), 0 },
		{ IIDR(0x123, 15, 15, 0x36b), QUIRK_REPEAT },
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(smmuv3_quirks(row[i].iidr), row[i].quirks);
	start(TINY_IDR0, TINY_IDR3, IIDR(0x483, 1, 0, 0x43b));
	assert_false(tiny_iommu.caps.nested);
	assert_true(tiny_iommu.caps.stage1 && tiny_iommu.caps.stage2);
	fake_reset();
	start(TINY_IDR0, TINY_IDR3, 0);
	assert_true(tiny_iommu.caps.nested);
}

static void A12_invalidations_are_repeated_where_required(void **state UNUSED)
{
	struct inval_range r[2] = {
		{ .base = PAGE(1), .size = PAGE(1), .leaf_shift = 12, .leaf_only = true },
		{ .base = PAGE(9), .size = PAGE(4), .leaf_shift = 12, .leaf_only = true },
	};
	struct stream_config quiet = { .mode = STREAM_QUIET };

	start(TINY_IDR0, TINY_IDR3, IIDR(0x123, 0, 0, 0x36b));
	for (u32 kind = 0; kind < 3; kind++)
		for (u32 count = 0; count <= 2; count++) {
			u32 half;

			inval(kind, count == 0 ? NULL : r, count);
			half = tiny.log_count / 2;
			assert_int_equal(tiny.log_count % 2, 0);
			assert_memory_equal(tiny.log, &tiny.log[half], half * sizeof(tiny.log[0]));
			assert_int_equal(tiny_op(half - 1), 0x46);
		}
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(3)), OK);
	tiny_log_clear();
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(3), &quiet), OK);
	assert_int_equal(tiny.log_count, 8);
	assert_int_equal(tiny_count(0x03), 4);
}

static void syncs_are_close_enough_where_required(void **state UNUSED)
{
	struct inval_range r[8];
	u32 run = 0;

	start(TINY_IDR0, NO_RIL, IIDR(0x487, 0, 0, 0x43b));
	for (u32 i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = (struct inval_range){ .base = PAGE(100 * i), .size = PAGE(8), .leaf_shift = 12, .leaf_only = true };
	inval(TAG_STAGE1, r, ARRAY_SIZE(r));
	assert_int_equal(tiny_count(0x12), 64);
	for (u32 i = 0; i < tiny.log_count; i++) {
		run = tiny_op(i) == 0x46 ? 0 : run + 1;
		assert_true(run <= 63);
	}
	assert_int_equal(tiny_count(0x46), 2);
}

static void log_is(const u8 *ops, u32 count)
{
	assert_int_equal(tiny.log_count, count);
	for (u32 i = 0; i < count; i++)
		assert_int_equal(tiny_op(i), ops[i]);
}

/* 4.3.6: the configuration is out before the translations go, or it could fill them again. */
static void B3_everything_goes_in_order_and_is_waited_for(void **state UNUSED)
{
	static const u8 ops[] = { 0x04, 0x46, 0x30, 0x20, 0x46 }, twice[] = { 0x04, 0x46, 0x30, 0x20, 0x46, 0x04, 0x46, 0x30, 0x20, 0x46, 0x46 };
	struct smmuv3 *s = start(TINY_IDR0 | 1u << 9, TINY_IDR3, 0);

	tiny.on_relax = true;
	assert_int_equal(smmuv3_flush_all(s), OK);
	log_is(ops, ARRAY_SIZE(ops));
	tiny.on_relax = false;
	s->f.quirks |= QUIRK_REPEAT;
	tiny_log_clear();
	assert_int_equal(smmuv3_flush_all(s), OK);
	log_is(twice, ARRAY_SIZE(twice));
}

static void A12_entries_are_flushed_twice_where_required(void **state UNUSED)
{
	static const u8 ops[] = { 0x03, 0x46, 0x03, 0x46, 0x03, 0x46, 0x03, 0x46 };
	static const struct stream_config quiet = { .mode = STREAM_QUIET };
	struct smmuv3 *s = start(TINY_IDR0, TINY_IDR3, 0);

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	s->f.quirks |= QUIRK_REPEAT;
	tiny_log_clear();
	/* From invalid: a flush before the word that makes it valid, and one behind it. */
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(8), &quiet), OK);
	log_is(ops, ARRAY_SIZE(ops));
}

/* What a long batch looks like to a part that loses commands without a sync among 64. */
static void syncs_are_never_further_apart(void **state UNUSED)
{
	struct smmuv3 *s = start(TINY_IDR0, TINY_IDR3, 0x4870043b);
	struct cmdq_batch b;
	u32 since = 0;

	assert_true((s->f.quirks & QUIRK_SYNC_63) != 0);
	tiny_log_clear();
	b = cmdq_begin(s);
	for (u32 i = 0; i < 200; i++)
		cmdq_add(s, &b, 0x30, 0);
	assert_int_equal(cmdq_wait(s, cmdq_end(s, &b)), OK);
	for (u32 i = 0; i < tiny.log_count; i++) {
		since = tiny_op(i) == 0x46 ? 0 : since + 1;
		assert_true(since <= 63);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(C7_ranges_are_covered_exactly),
		cmocka_unit_test(common_sizes_are_one_command),
		cmocka_unit_test(everything_there_is_is_a_flush_of_the_tag),
		cmocka_unit_test(C7_no_level_for_a_part_of_a_leaf),
		cmocka_unit_test(without_ranges_a_command_a_leaf),
		cmocka_unit_test(rule11_commands_by_kind),
		cmocka_unit_test(a_kind_that_hardware_has_not_is_refused),
		cmocka_unit_test(A4_several_ranges_share_one_sync),
		cmocka_unit_test(errata_by_version),
		cmocka_unit_test(A12_invalidations_are_repeated_where_required),
		cmocka_unit_test(syncs_are_close_enough_where_required),
		cmocka_unit_test(B3_everything_goes_in_order_and_is_waited_for),
		cmocka_unit_test(A12_entries_are_flushed_twice_where_required),
		cmocka_unit_test(syncs_are_never_further_apart),
	};

	return SUITE("smmuv3_tlb", cases);
}
