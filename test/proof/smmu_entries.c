/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table entries and context descriptors as the encoders make them (arch/arm64/smmuv3: probe.c, ste.c, cd.c), for
 * every SMMU that the driver accepts. The bits are numbered here as IHI 0070 5.2 and 5.4 number them, not by the driver's
 * masks.
 *
 * For all: identification registers, configurations, tables, tags, and what was in the memory of the entry before.
 *
 * unwind: 9
 */
#include "proof.h"

#include "arch/arm64/pt_lpae_s2.c"
#undef PT_UNROLL
#include "arch/arm64/pt_lpae_s1.c"
#undef SH_INNER /* of table descriptors; in entries it is the same number, from smmuv3_regs.h */
#include "arch/arm64/smmuv3/cd.c"
#include "arch/arm64/smmuv3/errata.c"
#include "arch/arm64/smmuv3/guest_ste.c"
#include "arch/arm64/smmuv3/probe.c"
#include "arch/arm64/smmuv3/ste.c"

#define B(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

static u64 field(u64 word, u32 high, u32 low)
{
	return (word & B(high, low)) >> low;
}

/* Below the RAM's end, which smmuv3_fits_board() holds against the output size. */
static pa_t any_table(const struct smmuv3_features *f)
{
	u64 at = any_u64();

	ASSUME(page_aligned(at) && at >> f->out_bits == 0);
	return pa(at);
}

/* What PT_DEFINE_OPS takes from a format; CBMC initialises statics in an order of its own. */
static struct pt_ops ops_of(const struct pt_format *format, u8 stage)
{
	return (struct pt_ops){ .va_bits = format->va_bits, .root_pages = format->root_pages, .stage = stage };
}

static struct smmuv3_features any_smmu(struct smmuv3_id *id)
{
	struct smmuv3_features f;
	const char *why;

	*id = (struct smmuv3_id){ any_u32(), any_u32(), any_u32(), any_u32(), any_u32(), any_u32() };
	ASSUME(smmuv3_decode_id(id, any_bool(), &f, &why));
	return f;
}

static void prove_features(void)
{
	static const u8 bits_of[] = { 32, 36, 40, 42, 44, 48 };
	struct smmuv3_id id;
	const struct smmuv3_features f = any_smmu(&id);

	CLAIM("no more output bits than hardware has", f.oas <= 5 && f.oas <= (id.idr5 & 7));
	CLAIM("output bits and their code are one thing", f.out_bits == bits_of[f.oas]);
	CLAIM("PASID bits are within hardware and tables",
	      f.pasid_bits <= (id.idr1 >> 6 & 31) && f.pasid_bits <= (f.cd_two_level ? 16 : 12) && (f.stage1 || f.pasid_bits == 0));
	CLAIM("queues are no larger than hardware's", f.cmdq_log2 <= (id.idr1 >> 21 & 31) && f.evtq_log2 <= (id.idr1 >> 16 & 31));
	CLAIM("stream ids have at most 32 bits", f.sid_bits <= 32);
}

static void prove_ste(void)
{
	static const u8 config_of[] = { [STREAM_BLOCKED] = 0, [STREAM_STAGE2] = 6, [STREAM_STAGE1] = 5, [STREAM_QUIET] = 0 };
	struct smmuv3_id id;
	const struct smmuv3_features f = any_smmu(&id);
	const struct iommu_tag tag = { .kind = any_bool() ? TAG_DMA : TAG_STAGE2, .asid = any_u16(), .vmid = any_u16() };
	const bool deep = any_bool();
	const struct pt_ops ops = ops_of(deep ? &s2_deep_format : &s2_format, 2);
	const struct pt pt = { .ops = &ops, .root = any_table(&f) };
	const struct iommu_table table = { .pt = &pt, .tag = &tag, .unrecorded = any_bool() };
	const struct stream_ctx ctx = { .table = any_table(&f), .pages = any_u16(), .pasid_bits = any_u8() };
	struct stream_config config = { .table = &table, .ctx = &ctx, .vmid = any_u16() };
	u64 ste[8];

	config.mode = (enum stream_mode)any_u32_to(STREAM_QUIET);
	ASSUME(ctx.pasid_bits <= f.pasid_bits);
	/* As smmuv3_stream_write() sees to. */
	ASSUME((config.mode != STREAM_STAGE1 || f.stage1) && (config.mode != STREAM_STAGE2 || f.stage2));
	for (u32 i = 0; i < 8; i++)
		ste[i] = any_u64();
	smmuv3_ste_encode(ste, &f, &config);

	CLAIM("STE: no bit that is not ours, never ATS, bypass or EL2",
	      (ste[0] & ~(B(0, 0) | B(3, 1) | B(5, 4) | B(55, 6) | B(63, 59))) == 0 &&
		      (ste[1] & ~(B(7, 0) | B(27, 27) | B(45, 44))) == 0 &&
		      (ste[2] & ~(B(15, 0) | B(45, 32) | B(51, 48) | B(54, 53) | B(58, 58))) == 0 && (ste[3] & ~B(51, 4)) == 0 &&
		      (ste[4] | ste[5] | ste[6] | ste[7]) == 0);
	CLAIM("STE: never S1DSS bypass", field(ste[1], 1, 0) != 1);
	CLAIM("STE: blocked is invalid, quiet aborts", config.mode != STREAM_BLOCKED ? field(ste[0], 0, 0) == 1 :
										       ste[0] == 0);
	CLAIM("STE: Config is what the mode says", field(ste[0], 3, 1) == config_of[config.mode]);
	if (config.mode == STREAM_STAGE1) {
		CLAIM("STE: the context table is the stream's", (ste[0] & B(55, 6)) == ctx.table.v);
		CLAIM("STE: as many substreams as the context has", field(ste[0], 63, 59) == ctx.pasid_bits);
		CLAIM("STE: two levels only where hardware has them", field(ste[0], 5, 4) == (ctx.pasid_bits > 12 ? 2 : 0) &&
									      (field(ste[0], 5, 4) == 0 || f.cd_two_level));
		CLAIM("STE: stage 1 has the VM's VMID where there are VMIDs", ste[2] == (f.stage2 ? config.vmid : 0));
		CLAIM("STE: stalls are off where they can be on", (field(ste[1], 27, 27) == 1) == ((id.idr0 >> 24 & 3) == 0));
		CLAIM("STE: stage 1 has no stage 2 table", ste[3] == 0);
	} else if (config.mode == STREAM_STAGE2) {
		CLAIM("STE: stage 2 has the tag's VMID", field(ste[2], 15, 0) == tag.vmid);
		CLAIM("STE: stage 2 has the table's root", ste[3] == pt.root.v && (ste[0] & B(63, 4)) == 0);
		CLAIM("STE: stage 2 reaches what its table does",
		      64 - field(ste[2], 37, 32) == (deep ? 44 : 40) &&
			      field(ste[2], 39, 38) == (deep ? 2 : 1) && field(ste[2], 50, 48) == f.oas);
		CLAIM("STE: stage 2 is AArch64, faults on device walks, has events unless unrecorded",
		      field(ste[2], 51, 51) == 1 && field(ste[2], 54, 54) == 1 && field(ste[2], 58, 58) == !table.unrecorded);
	} else {
		CLAIM("STE: without a table nothing but Config is set", (ste[1] & ~B(45, 44)) == 0 && (ste[2] | ste[3]) == 0 &&
										(ste[0] & ~B(3, 0)) == 0);
	}
}

static void prove_cd(void)
{
	struct smmuv3_id id;
	const struct smmuv3_features f = any_smmu(&id);
	const struct iommu_tag tag = { .kind = TAG_STAGE1, .asid = any_u16(), .vmid = any_u16() };
	const struct pt_ops ops = ops_of(&s1_format, 1);
	const struct pt pt = { .ops = &ops, .root = any_table(&f) };
	const struct iommu_table table = { .pt = &pt, .tag = &tag, .unrecorded = any_bool() };
	u64 cd[8];

	for (u32 i = 0; i < 8; i++)
		cd[i] = any_u64();
	smmuv3_cd_encode(cd, &f, &table);
	CLAIM("CD: no bit that is not ours, no stall, no second table",
	      (cd[0] & ~(B(5, 0) | B(13, 8) | B(30, 30) | B(31, 31) | B(34, 32) | B(35, 35) | B(41, 41) | B(63, 45))) == 0 &&
		      (cd[1] & ~B(51, 4)) == 0 && (cd[2] | cd[4] | cd[5] | cd[6] | cd[7]) == 0);
	CLAIM("CD: the ASID is the tag's", field(cd[0], 63, 48) == tag.asid);
	CLAIM("CD: the table is the domain's", cd[1] == pt.root.v);
	CLAIM("CD: valid, TTB1 off, aborts, not shared with CPUs",
	      field(cd[0], 31, 30) == 3 && field(cd[0], 47, 46) == 3 && field(cd[0], 41, 41) == 1);
	CLAIM("CD: faults leave an event unless unrecorded", field(cd[0], 45, 45) == !table.unrecorded);
	CLAIM("CD: sizes are the format's and hardware's", 64 - field(cd[0], 5, 0) == 48 && field(cd[0], 34, 32) == f.oas);
	CLAIM("CD: the attributes are those that leaves name", cd[3] == 0x4404ff);
}

int main(void)
{
	prove_features();
	prove_ste();
	prove_cd();
	return 0;
}
