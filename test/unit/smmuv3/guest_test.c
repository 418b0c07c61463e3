/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may say of its own stage 1: stream table entries and commands, every bit of them, against a table of this
 * file's own, written from IHI 0070 chapters 4 and 5 and the interface, not from the driver's.
 */
#include <string.h>

#include "abi/pviommu.h"
#include "smmuv3/smmuv3.h"
#include "suite.h"
#include "tiny.h"

#define B(n)     (1ull << (n))
#define OUR_VMID 0x0b5e
#define OUR_SID  0x1234abcdu
#define VSID     0x77u

/* --- machines: all that the verdicts depend on */

static struct smmuv3_features machine_of(u32 n)
{
	return (struct smmuv3_features){
		.stage1 = true,
		.stage2 = true,
		.asid_bits = n & 1 ? 16 : 8,
		.vmid_bits = 16,
		.range = (n & 2) != 0,
		.ds = (n & 4) != 0,
		.ssid_bits = n & 8 ? 20 : 0,
		.ats = (n & 16) != 0,
		.cd_two_level = (n & 32) != 0,
		.stall_off = (n & 64) != 0,
	};
}
#define MACHINES 32u /* for commands: the last two bits are about entries */
#define FULL     31u

static const struct iommu_guest_stream nested = { .sid = { OUR_SID }, .nested = true, .ats = true, .pasid_bits = 20 };

/* --- the table */

enum when { ALWAYS,
	    ASID16,
	    RANGE,
	    RANGE_DS,
	    SSIDS };

/* Bits high..low of the two words, word 1 from bit 64 on. */
static const struct allowed {
	u8 op, high, low;
	enum when when;
} allowed[] = {
	{ 0x01, 11, 11, SSIDS },
	{ 0x01, 31, 12, SSIDS },
	{ 0x01, 63, 32, ALWAYS },
	{ 0x02, 11, 11, SSIDS },
	{ 0x02, 31, 12, SSIDS },
	{ 0x02, 63, 32, ALWAYS },
	{ 0x02, 64 + 9, 64, ALWAYS },
	{ 0x02, 127, 64 + 12, ALWAYS },
	{ 0x05, 31, 12, SSIDS },
	{ 0x05, 63, 32, ALWAYS },
	{ 0x05, 64, 64, ALWAYS },
	{ 0x06, 63, 32, ALWAYS },
	{ 0x10, 47, 32, ALWAYS },
	{ 0x11, 47, 32, ALWAYS },
	{ 0x11, 55, 48, ALWAYS },
	{ 0x11, 63, 56, ASID16 },
	{ 0x12, 47, 32, ALWAYS },
	{ 0x12, 55, 48, ALWAYS },
	{ 0x12, 63, 56, ASID16 },
	{ 0x12, 64, 64, ALWAYS },
	{ 0x12, 127, 76, ALWAYS },
	{ 0x12, 16, 12, RANGE },
	{ 0x12, 24, 20, RANGE },
	{ 0x12, 25, 25, RANGE_DS },
	{ 0x12, 75, 72, RANGE },
	{ 0x13, 47, 32, ALWAYS },
	{ 0x13, 64, 64, ALWAYS },
	{ 0x13, 127, 76, ALWAYS },
	{ 0x13, 16, 12, RANGE },
	{ 0x13, 24, 20, RANGE },
	{ 0x13, 25, 25, RANGE_DS },
	{ 0x13, 75, 72, RANGE },
	{ 0x40, 63, 32, ALWAYS },
	{ 0x40, 64 + 5, 64, ALWAYS },
	{ 0x40, 127, 76, ALWAYS },
	{ 0x40, 11, 11, SSIDS },
	{ 0x40, 31, 12, SSIDS },
	{ 0x40, 9, 9, SSIDS },
};

static bool is_opcode(const struct smmuv3_features *f, u8 op)
{
	static const u8 ops[] = { 0x01, 0x02, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x30 };

	return memchr(ops, op, sizeof(ops)) != NULL || (op == 0x40 && f->ats);
}

static bool bit_allowed(const struct smmuv3_features *f, u8 op, u32 bit)
{
	for (u32 i = 0; i < ARRAY_SIZE(allowed); i++) {
		const struct allowed *a = &allowed[i];

		if (a->op != op || bit > a->high || bit < a->low)
			continue;
		return a->when == ALWAYS || (a->when == ASID16 && f->asid_bits == 16) || (a->when == RANGE && f->range) ||
		       (a->when == RANGE_DS && f->range && f->ds) || (a->when == SSIDS && f->ssid_bits > 0);
	}
	return false;
}

static u64 part(u64 word, u32 high, u32 low) { return word << (63 - high) >> (63 - high + low); }

/* The five rows of range rules. */
static bool range_allowed(const struct smmuv3_features *f, const u64 w[2])
{
	u64 num = part(w[0], 16, 12), scale = part(w[0], 25, 20), ttl = part(w[1], 9, 8), tg = part(w[1], 11, 10);

	if (!f->range)
		return (num | scale | ttl | tg) == 0;
	if (tg == 0 && (num | scale | ttl) != 0)
		return false;
	if (tg == 2 && ttl == 1 && !f->ds)
		return false;
	if (tg != 0 && (num | scale | ttl) == 0)
		return false;
	return scale <= 31 || f->ds;
}

static u8 verdict(const struct smmuv3_features *f, const u64 w[2], const struct iommu_guest_stream *stream)
{
	u8 op = (u8)w[0];
	bool by_stream = op == 0x01 || op == 0x02 || op == 0x05 || op == 0x06 || op == 0x40;

	if (!is_opcode(f, op))
		return 2;
	for (u32 bit = 8; bit < 128; bit++)
		if ((w[bit / 64] >> (bit % 64) & 1) && !bit_allowed(f, op, bit))
			return 3;
	if ((op == 0x12 || op == 0x13) && !range_allowed(f, w))
		return 3;
	if (op == 0x40 && part(w[1], 5, 0) > 52)
		return 3;
	if (by_stream && stream == NULL)
		return 4;
	if (by_stream && stream->quarantined)
		return 8;
	return op == 0x05 && stream->nested && part(w[0], 31, 12) >= B(stream->pasid_bits) ? 3 : 0;
}

/* What hardware gets, of a command that passes. */
static void rewritten(const u64 w[2], const struct iommu_guest_stream *stream, u64 out[2])
{
	u8 op = (u8)w[0];

	memcpy(out, w, 16);
	switch (op) {
	case 0x01:
	case 0x02:
		out[0] = out[1] = 0;
		break;
	case 0x05:
	case 0x06:
	case 0x40:
		out[0] = part(w[0], 31, 0) | (u64)OUR_SID << 32;
		if (!stream->nested || (op == 0x40 && !stream->ats))
			out[0] = out[1] = 0;
		break;
	case 0x30:
		out[0] = 0x10 | (u64)OUR_VMID << 32;
		break;
	default:
		out[0] = (w[0] & ~(0xffffull << 32)) | (u64)OUR_VMID << 32;
		break;
	}
}

static void judge(const struct smmuv3_features *f, const u64 w[2], const struct iommu_guest_stream *stream)
{
	u64 out[2] = { ~0ull, ~0ull }, want[2] = { 0, 0 };
	u8 is = smmuv3_guest_cmd(f, OUR_VMID, w, stream, out), should = verdict(f, w, stream);

	if (should == 0)
		rewritten(w, stream, want);
	if (is != should || memcmp(out, want, sizeof(out)) != 0)
		suite_fail("command %016llx %016llx: verdict %u, %016llx %016llx; expected %u, %016llx %016llx",
			   (unsigned long long)w[0], (unsigned long long)w[1], is, (unsigned long long)out[0],
			   (unsigned long long)out[1], should, (unsigned long long)want[0], (unsigned long long)want[1]);
}

/* --- commands */

static void C6_N35_of_all_opcodes_these_reach_hardware(void **state UNUSED)
{
	static const u8 stream_ops[] = { 0x05, 0x06, 0x40 };
	const struct smmuv3_features f = machine_of(FULL);

	for (u32 op = 0; op < 256; op++) {
		const u64 w[2] = { op };
		bool by_stream = memchr(stream_ops, (int)op, sizeof(stream_ops)) != NULL;
		bool reaches = by_stream || op == 0x10 || op == 0x11 || op == 0x12 || op == 0x13 || op == 0x30;
		u64 out[2];

		(void)smmuv3_guest_cmd(&f, OUR_VMID, w, &nested, out);
		assert_int_equal(out[0] != 0, reaches);
		if (reaches)
			assert_int_equal(out[0] & 0xff, op == 0x30 ? 0x10 : op);
		(void)smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out);
		assert_int_equal(out[0] != 0, reaches && !by_stream);
	}
}

static void C1_N36_every_bit_of_every_opcode(void **state UNUSED)
{
	for (u32 n = 0; n < MACHINES; n++) {
		const struct smmuv3_features f = machine_of(n);

		for (u32 op = 0; op < 256; op++)
			for (u32 bit = 0; bit <= 128; bit++) {
				u64 w[2] = { op };

				if (bit < 128)
					w[bit / 64] ^= B(bit % 64);
				judge(&f, w, &nested);
				judge(&f, w, NULL);
			}
	}
}

/* Pairs of flips, and more, of opcodes that there are: a range takes three of them. */
static void C1_N36_flips_at_random(void **state UNUSED)
{
	static const u8 ops[] = { 0x01, 0x02, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x30, 0x40 };

	for (u32 i = 0; i < 2000000; i++) {
		const struct smmuv3_features f = machine_of((u32)fake_random_below(MACHINES));
		const struct iommu_guest_stream s = { .sid = { OUR_SID },
						      .nested = fake_random_below(4) != 0,
						      .quarantined = fake_random_below(16) == 0,
						      .ats = fake_random_below(2) != 0,
						      .pasid_bits = (u8)fake_random_below(21) };
		u64 w[2] = { ops[fake_random_below(ARRAY_SIZE(ops))] };

		for (u64 flips = i % 2 ? 2 : fake_random_below(9); flips > 0; flips--) {
			u32 bit = (u32)fake_random_below(128);

			w[bit / 64] ^= B(bit % 64);
		}
		judge(&f, w, i % 8 ? &s : NULL);
	}
}

static void C2_N37_the_vmid_is_always_ours(void **state UNUSED)
{
	static const u8 ops[] = { 0x10, 0x11, 0x12, 0x13 };
	const struct smmuv3_features f = machine_of(FULL);

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
		for (u64 vmid = 0; vmid < 0x10000; vmid++) {
			const u64 w[2] = { ops[i] | vmid << 32 };
			u64 out[2];

			assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out), 0);
			assert_int_equal(part(out[0], 47, 32), OUR_VMID);
		}
}

static void N38_everything_becomes_all_of_ones_own(void **state UNUSED)
{
	const struct smmuv3_features f = machine_of(FULL);
	u64 w[2] = { 0x30 }, out[2];

	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out), PVIOMMU_INVAL_DONE);
	assert_int_equal(out[0], 0x10 | (u64)OUR_VMID << 32);
	assert_int_equal(out[1], 0);
	for (u32 bit = 8; bit < 128; bit++) {
		w[0] = 0x30;
		w[1] = 0;
		w[bit / 64] |= B(bit % 64);
		assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out), PVIOMMU_INVAL_BAD_BITS);
		assert_int_equal(out[0], 0);
	}
}

static void C6_N39_secure_and_substreams(void **state UNUSED)
{
	const struct smmuv3_features with = machine_of(FULL), without = machine_of(FULL & ~8u);
	const u64 cfgi_ssid[2] = { 0x05 | 3 << 12 }, cfgi_ssv[2] = { 0x05 | B(11) };
	struct iommu_guest_stream s = nested;
	u64 out[2];

	for (u32 op = 0; op < 256; op++) {
		const u64 w[2] = { op | B(10) };

		assert_int_not_equal(smmuv3_guest_cmd(&with, OUR_VMID, w, &nested, out), PVIOMMU_INVAL_DONE);
	}
	assert_int_equal(smmuv3_guest_cmd(&with, OUR_VMID, cfgi_ssv, &s, out), PVIOMMU_INVAL_BAD_BITS);
	assert_int_equal(smmuv3_guest_cmd(&without, OUR_VMID, cfgi_ssid, &s, out), PVIOMMU_INVAL_BAD_BITS);
	s.pasid_bits = 2;
	assert_int_equal(smmuv3_guest_cmd(&with, OUR_VMID, cfgi_ssid, &s, out), PVIOMMU_INVAL_DONE);
	s.pasid_bits = 1;
	assert_int_equal(smmuv3_guest_cmd(&with, OUR_VMID, cfgi_ssid, &s, out), PVIOMMU_INVAL_BAD_BITS);
}

static void C7_N40_every_range(void **state UNUSED)
{
	for (u32 n = 0; n < MACHINES; n++) {
		const struct smmuv3_features f = machine_of(n);

		for (u64 num = 0; num < 32; num++)
			for (u64 scale = 0; scale < 64; scale++)
				for (u64 rest = 0; rest < 16; rest++) {
					const u64 w[2] = { 0x12 | num << 12 | scale << 20, 0x1000 | rest << 8 };

					judge(&f, w, NULL);
				}
	}
}

static void N41_an_asid_of_eight_bits(void **state UNUSED)
{
	for (u64 asid = 0; asid < 0x10000; asid++) {
		const struct smmuv3_features narrow = machine_of(FULL & ~1u);
		const u64 w[2] = { 0x11 | asid << 48 };
		u64 out[2];

		assert_int_equal(smmuv3_guest_cmd(&narrow, OUR_VMID, w, NULL, out),
				 asid > 0xff ? PVIOMMU_INVAL_BAD_BITS : PVIOMMU_INVAL_DONE);
	}
}

static void N42_device_tlbs(void **state UNUSED)
{
	const struct smmuv3_features f = machine_of(FULL), without = machine_of(FULL & ~16u);
	struct iommu_guest_stream s = nested;
	u64 out[2];

	for (u64 size = 0; size < 64; size++) {
		const u64 w[2] = { 0x40 | (u64)VSID << 32, size };

		assert_int_equal(smmuv3_guest_cmd(&without, OUR_VMID, w, &s, out), PVIOMMU_INVAL_BAD_OPCODE);
		assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, &s, out),
				 size > 52 ? PVIOMMU_INVAL_BAD_BITS : PVIOMMU_INVAL_DONE);
		assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out),
				 size > 52 ? PVIOMMU_INVAL_BAD_BITS : PVIOMMU_INVAL_BAD_ID);
	}
	s.ats = false;
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x40 }, &s, out), PVIOMMU_INVAL_DONE);
	assert_int_equal(out[0], 0);
}

static void C4_N45_no_completion_of_a_guests(void **state UNUSED)
{
	const struct smmuv3_features f = machine_of(FULL);
	u64 out[2];

	for (u64 cs = 0; cs < 4; cs++) {
		const u64 w[2] = { 0x46 | cs << 12, 0x40001000 };

		assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, &nested, out), PVIOMMU_INVAL_BAD_OPCODE);
	}
}

static void C3_S3_9_the_stream_is_the_one_of_that_name(void **state UNUSED)
{
	static const u8 ops[] = { 0x05, 0x06, 0x40 };
	const struct smmuv3_features f = machine_of(FULL);

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
		for (u32 bit = 0; bit < 32; bit++) {
			const u64 w[2] = { ops[i] | B(32 + bit) };
			u64 out[2];

			assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, &nested, out), 0);
			assert_int_equal(out[0] >> 32, OUR_SID);
		}
}

/* arm_vsmmu_validate_user_cmd: what a guest's Linux driver sends, with what its fields may be. */
static void what_linux_sends_is_taken(void **state UNUSED)
{
	const struct smmuv3_features f = machine_of(FULL & ~4u);
	u64 out[2];

	for (u64 leaf = 0; leaf < 2; leaf++)
		for (u64 pages = 1; pages < 4096; pages++) {
			u64 scale = (u64)__builtin_ctzll(pages), num = (pages >> scale & 31) - 1;
			/* __arm_smmu_tlb_inv_range: TTL 3 for leaves of a page, or none; TG 4 KiB */
			const u64 w[2] = { 0x12 | num << 12 | scale << 20 | 0x1234ull << 48 | 1ull << 32,
					   0xffff800012345000ull | 1 << 10 | 3 << 8 | leaf };

			assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, w, NULL, out), 0);
		}
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x11 | 0xffffull << 48 | 9ull << 32 }, NULL, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x10 | 9ull << 32 }, NULL, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x30 }, NULL, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x05 | 7 << 12 | 8ull << 32, 1 }, &nested, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x06 | 8ull << 32 }, &nested, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x40 | B(11) | 7 << 12 | 8ull << 32, 52 }, &nested, out), 0);
	assert_int_equal(smmuv3_guest_cmd(&f, OUR_VMID, (u64[2]){ 0x40 | 8ull << 32, 0x1000 | 3 }, &nested, out), 0);
}

/* --- batches: the same verdicts, and in the queue what the table says */

static bool the_stream(u32 vsid UNUSED, struct iommu_guest_stream *out)
{
	*out = nested;
	return true;
}

static void start(u32 n)
{
	struct machine *m = tiny_machine();

	if (n & 1) /* 8-bit ASIDs, no ranges */ {
		tiny.idr0 &= ~(1u << 12);
		tiny.idr3 &= ~(1u << 10);
	}
	if (n & 2) /* substreams and ATS */ {
		tiny.idr0 |= 1u << 10;
		tiny.idr1 |= 20u << 6;
	}
	if (n & 4) /* 52-bit tables */
		tiny.idr5 |= 1u << 7;
	tiny_start(m);
	tiny_stream = the_stream;
}

/*
 * One batch: up to the first that is refused, or is of another kind behind a device's, each is in the queue as the table says,
 * in order; a sync is the last.
 */
static void judge_batch(struct smmuv3 *s, const u64 (*entry)[2], u32 count)
{
	static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = OUR_VMID };
	u64 copy[4][2], want[4][2];
	struct guest_inval g = { .tag = &tag, .entry = copy[0], .count = count };
	u32 done = 0, wanted = 0, seen = 0;
	bool device = false;
	u8 should = 0, is;

	memcpy(copy, entry, count * sizeof(*copy));
	for (; done < count && should == 0 && !(device && part(entry[done][0], 7, 0) != 0x40); done += should == 0) {
		should = verdict(&s->f, entry[done], &nested);
		if (should == 0)
			rewritten(entry[done], &nested, want[wanted]);
		device |= should == 0 && part(want[wanted][0], 7, 0) == 0x40;
		wanted += should == 0 && want[wanted][0] != 0;
	}
	tiny_log_clear();
	is = smmuv3_inval_guest(&tiny_iommu, &g);
	if (is != should || g.done != done)
		suite_fail("command %016llx %016llx behind %u: verdict %u, expected %u; %u done, expected %u",
			   (unsigned long long)entry[done < count ? done : count - 1][0],
			   (unsigned long long)entry[done < count ? done : count - 1][1], done, is, should, g.done, done);
	for (u32 i = 0; i < tiny.log_count; i++) {
		if (tiny_op(i) == 0x46)
			continue;
		assert_true(seen < wanted && tiny.log[i].w0 == want[seen][0] && tiny.log[i].w1 == want[seen][1]);
		seen++;
	}
	assert_int_equal(seen, wanted);
	assert_int_equal(g.ticket != 0, wanted > 0);
	assert_true(wanted > 0 ? tiny_op(tiny.log_count - 1) == 0x46 : tiny.log_count == 0);
}

static void every_bit_of(u32 n)
{
	static const u64 before[][2] = { { 0x12 | 5ull << 48, 0x1000 }, { 0x06 | (u64)VSID << 32, 0 }, { 0x01 | (u64)VSID << 32, 0 }, { 0x11, 0 } };
	struct smmuv3 *s;

	start(n);
	s = smmuv3_of(&tiny_iommu);
	for (u32 op = 0; op < 256; op++)
		for (u32 bit = 0; bit <= 128; bit++) {
			u64 w[3][2] = { { op, 0 }, { 0, 0 }, { 0x10, 0 } };

			if (bit < 128)
				w[0][bit / 64] ^= B(bit % 64);
			judge_batch(s, w, 1);
			memcpy(w[1], w[0], sizeof(w[1]));
			memcpy(w[0], before[(op + bit) % ARRAY_SIZE(before)], sizeof(w[0]));
			judge_batch(s, w, 3);
		}
}

static void C1_N36_every_bit_in_a_batch(void **state UNUSED)
{
	for (u32 n = 0; n < 8; n++)
		IN_CHILD(every_bit_of(n));
}

static void random_batches_of(u32 n)
{
	static const u8 ops[] = { 0x01, 0x02, 0x05, 0x06, 0x10, 0x11, 0x12, 0x12, 0x13, 0x30, 0x40 };
	struct smmuv3 *s;

	start(n);
	s = smmuv3_of(&tiny_iommu);
	for (u32 i = 0; i < 50000; i++) {
		u64 w[4][2];

		for (u32 k = 0; k < 4; k++) {
			w[k][0] = ops[fake_random_below(ARRAY_SIZE(ops))];
			w[k][1] = 0;
			for (u64 flips = fake_random_below(5); flips > 0; flips--) {
				u32 bit = (u32)fake_random_below(128);

				w[k][bit / 64] ^= B(bit % 64);
			}
		}
		judge_batch(s, w, 1 + i % 4);
	}
}

static void C1_N36_batches_at_random(void **state UNUSED)
{
	for (u32 n = 0; n < 8; n++)
		IN_CHILD(random_batches_of(n));
}

/* Invalidations of pages, as many as fill a batch. */
static void pages(u64 (*w)[2], u32 count)
{
	for (u32 i = 0; i < count; i++) {
		w[i][0] = 0x12 | 5ull << 48;
		w[i][1] = (i + 1ull) << 12;
	}
}

/* Erratum 2268618 of the MMU-700 is about our queue, whoever wrote what is in it. */
static void no_more_than_63_of_a_guests_before_a_sync(void **state UNUSED)
{
	static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = OUR_VMID };
	struct machine *m = tiny_machine();
	u64 w[64][2];
	struct guest_inval g = { .tag = &tag, .entry = w[0], .count = 64 };

	pages(w, 64);
	tiny.iidr = 0x48700000 | 0x43b;
	tiny_start(m);
	tiny_log_clear();
	assert_int_equal(smmuv3_inval_guest(&tiny_iommu, &g), 0);
	assert_int_equal(g.done, 64);
	assert_int_equal(tiny_count(0x12), 64);
	assert_int_equal(tiny_count(0x46), 2);
	assert_int_equal(tiny_op(63), 0x46);
	assert_int_equal(tiny_op(65), 0x46);
}

/* A batch meets a queue that is full: none of it is written over what hardware has still to read. */
static void C8_a_batch_waits_for_room(void **state UNUSED)
{
	static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = OUR_VMID };
	struct machine *m = tiny_machine();
	u64 w[3][2], ticket;
	struct guest_inval g = { .tag = &tag, .entry = w[0], .count = 3 };
	struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };

	pages(w, 3);
	tiny.idr1 = (TINY_IDR1 & ~(31u << 21)) | 3u << 21;
	tiny_start(m);
	tiny_log_clear();
	tiny.held = true;
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &ticket), OK);
	assert_int_equal(tiny.prod - tiny.cons, 8);
	tiny.held = false;
	tiny.on_relax = true;
	assert_int_equal(smmuv3_inval_guest(&tiny_iommu, &g), 0);
	assert_int_equal(smmuv3_inval_wait(&tiny_iommu, &g), OK);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(tiny.log[tiny.log_count - 4 + i].w1, w[i][1]);
}

/* Illegal, and its stand-in too: the queue is at its end, and who waits for the batch hears that, not that it was another's. */
static void C9_a_batch_that_the_queue_dies_of(void **state UNUSED)
{
	static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = OUR_VMID };
	u64 w[2][2];
	struct guest_inval g = { .tag = &tag, .entry = w[0], .count = 2 };

	for (u32 times = 1; times <= 2; times++) {
		fake_reset();
		pages(w, 2);
		tiny_start(tiny_machine());
		smmuv3_ill_panics = false;
		tiny.fail_at = 1;
		tiny.fail_code = CERROR_ILL;
		tiny.fail_times = times;
		assert_int_equal(smmuv3_inval_guest(&tiny_iommu, &g), 0);
		assert_int_equal(smmuv3_inval_wait(&tiny_iommu, &g), times == 1 ? E_BUSY : E_IO);
		assert_int_equal(tiny_iommu.dead, times == 2);
	}
}

static struct iommu_guest_stream became;

static bool has_become(struct iommu_guest_stream *out)
{
	*out = became;
	return true;
}

/* By the time that an entry is asked once more, alone, its stream may have no ATS, or no first stage of the guest's. */
static void G1_a_device_is_not_asked_for_what_it_no_longer_has(void **state UNUSED)
{
	static const struct iommu_tag tag = { .kind = TAG_DMA, .vmid = OUR_VMID };
	const struct guest_inval g = { .tag = &tag };
	const u64 w[2] = { 0x40 | (u64)OUR_SID << 32, 0x1000 };
	struct iommu_watch watch;

	start(2);
	tiny_still = has_become;
	for (u32 n = 0; n < 4; n++) {
		became = nested;
		became.nested = (n & 1) != 0;
		became.ats = (n & 2) != 0;
		tiny_log_clear();
		assert_int_equal(smmuv3_inval_alone(&tiny_iommu, &g, w, &watch), 0);
		assert_int_equal(tiny_count(0x40), n == 3);
		if (watch.queued)
			assert_int_equal(smmuv3_inval_fate(&tiny_iommu, &watch), 0);
	}
	tiny_still = NULL;
}

/* --- stream table entries */

/* Bits that the interface names, as masks written by hand. */
#define STE0_GUEST (B(0) | 7ull << 1 | 3ull << 4 | 0x00ffffffffffffc0ull | 31ull << 59)
#define STE1_GUEST (3ull | 3ull << 2 | 3ull << 4 | 3ull << 6 | B(27) | 3ull << 28)

static bool entry_good(const struct smmuv3_features *f, u8 ipa_bits, const u64 w[2])
{
	u64 config = part(w[0], 3, 1), fmt = part(w[0], 5, 4), bits = part(w[0], 63, 59), dss = part(w[1], 1, 0);
	u64 table = w[0] & 0x00ffffffffffffc0ull, eats = part(w[1], 29, 28), bytes = 64ull << bits;

	if ((w[0] & ~STE0_GUEST) | (w[1] & ~STE1_GUEST))
		return false;
	if (eats > 1 || (eats == 1 && !f->ats))
		return false;
	if ((w[0] & 1) == 0 || config == 0 || config == 4)
		return true;
	if (config != 5 || bits > f->ssid_bits || fmt == 3 || (fmt != 0 && !f->cd_two_level))
		return false;
	if (fmt == 1 && bits > 0)
		bytes = bits > 6 ? 8ull << (bits - 6) : 8;
	if (fmt == 2 && bits > 0)
		bytes = bits > 10 ? 8ull << (bits - 10) : 8;
	if (bytes < 64)
		bytes = 64;
	if (table % bytes != 0 || table >= B(ipa_bits))
		return false;
	if (dss == 3 || (bits == 0 && dss != 0))
		return false;
	return part(w[1], 27, 27) == 0 || f->stall_off;
}

static void judge_entry(const struct smmuv3_features *f, u8 ipa_bits, const u64 w[2])
{
	bool is = smmuv3_guest_ste_ok(f, ipa_bits, w);

	if (is != entry_good(f, ipa_bits, w))
		suite_fail("entry %016llx %016llx is %s", (unsigned long long)w[0], (unsigned long long)w[1],
			   is ? "taken" : "refused");
}

static void N49_every_bit_of_an_entry(void **state UNUSED)
{
	static const u64 from[][2] = { { 0, 0 }, { B(0), 0 }, { B(0) | 4 << 1, 0 }, { B(0) | 5 << 1, 0 }, { B(0) | 5 << 1 | 4ull << 59 | 0x40000000, 2 }, { B(0) | 5 << 1 | 12ull << 59 | 2 << 4, 0 } };

	for (u32 n = 0; n < 128; n++)
		for (u32 i = 0; i < ARRAY_SIZE(from); i++)
			for (u32 bit = 0; bit < 128; bit++) {
				const struct smmuv3_features f = machine_of(n);
				u64 w[2] = { from[i][0], from[i][1] };

				judge_entry(&f, 40, w);
				w[bit / 64] ^= B(bit % 64);
				judge_entry(&f, 40, w);
			}
}

static void N49_configs_and_eats(void **state UNUSED)
{
	const struct smmuv3_features f = machine_of(127);

	for (u64 config = 0; config < 8; config++)
		for (u64 eats = 0; eats < 4; eats++) {
			const u64 w[2] = { B(0) | config << 1, eats << 28 };

			assert_int_equal(smmuv3_guest_ste_ok(&f, 40, w),
					 (config == 0 || config == 4 || config == 5) && eats < 2);
		}
}

static void N49_entries_at_random(void **state UNUSED)
{
	for (u32 i = 0; i < 2000000; i++) {
		const struct smmuv3_features f = machine_of((u32)fake_random_below(128));
		u64 bits = fake_random_below(4) ? fake_random_below(8) : fake_random_below(24);
		u64 w[2] = { B(0) | 5 << 1 | fake_random_below(4) << 4 | bits << 59 |
				     (fake_random() & 0xff000000000000ull & -(u64)(i % 5 == 0)) |
				     (fake_random_below(B(34)) << (6 + fake_random_below(8)) & 0xffffffffffc0ull),
			     fake_random() & STE1_GUEST };

		if (i % 3 == 0)
			w[i / 3 % 2] ^= B(fake_random_below(64));
		judge_entry(&f, i % 2 ? 40 : 48, w);
	}
}

static void pasids_of_an_entry(void **state UNUSED)
{
	assert_int_equal(smmuv3_guest_ste_pasid_bits((u64[2]){ B(0) | 5 << 1 | 7ull << 59 }), 7);
	assert_int_equal(smmuv3_guest_ste_pasid_bits((u64[2]){ B(0) | 4 << 1 | 7ull << 59 }), 0);
	assert_int_equal(smmuv3_guest_ste_pasid_bits((u64[2]){ 5 << 1 | 7ull << 59 }), 0);
}

/* On is a device's ATS only with a first stage to split off, whatever else the entry says. */
static void G1_ats_is_on_behind_a_first_stage_alone(void **state UNUSED)
{
	const u64 stage1 = 5 << 1 | 0x40000000;
	const struct {
		u64 word0, word1;
		bool wanted, on;
	} row[] = {
		{ B(0) | stage1, 1ull << 28, true, true },
		{ stage1, 1ull << 28, true, false },
		{ B(0) | 4 << 1, 1ull << 28, true, false },
		{ B(0), 1ull << 28, true, false },
		{ B(0) | stage1, 0, false, false },
	};

	start(2);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		struct nested_config c = { .word = { row[i].word0, row[i].word1 } };

		assert_int_equal(smmuv3_ops.nested_check(&tiny_iommu, &c), OK);
		assert_int_equal(c.ats, row[i].wanted);
		assert_int_equal(c.ats_on, row[i].on);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(C6_N35_of_all_opcodes_these_reach_hardware),
		cmocka_unit_test(C1_N36_every_bit_of_every_opcode),
		cmocka_unit_test(C1_N36_flips_at_random),
		cmocka_unit_test(C2_N37_the_vmid_is_always_ours),
		cmocka_unit_test(N38_everything_becomes_all_of_ones_own),
		cmocka_unit_test(C6_N39_secure_and_substreams),
		cmocka_unit_test(C7_N40_every_range),
		cmocka_unit_test(N41_an_asid_of_eight_bits),
		cmocka_unit_test(N42_device_tlbs),
		cmocka_unit_test(C4_N45_no_completion_of_a_guests),
		cmocka_unit_test(C3_S3_9_the_stream_is_the_one_of_that_name),
		cmocka_unit_test(what_linux_sends_is_taken),
		cmocka_unit_test(C1_N36_every_bit_in_a_batch),
		cmocka_unit_test(C1_N36_batches_at_random),
		cmocka_unit_test(no_more_than_63_of_a_guests_before_a_sync),
		cmocka_unit_test(C8_a_batch_waits_for_room),
		cmocka_unit_test(C9_a_batch_that_the_queue_dies_of),
		cmocka_unit_test(G1_a_device_is_not_asked_for_what_it_no_longer_has),
		cmocka_unit_test(N49_every_bit_of_an_entry),
		cmocka_unit_test(N49_configs_and_eats),
		cmocka_unit_test(N49_entries_at_random),
		cmocka_unit_test(pasids_of_an_entry),
		cmocka_unit_test(G1_ats_is_on_behind_a_first_stage_alone),
	};

	return SUITE("smmuv3_guest", cases);
}
