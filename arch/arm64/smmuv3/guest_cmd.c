/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that a guest may have executed on its nested streams (IHI 0070 4.2 to 4.5; INVALIDATE of
 * abi/pviommu.h): what is not in a row of the table is refused, bit by bit, and who it is for is written anew. Pure: no
 * lock, no register, no memory but the arguments.
 *
 * Hardware may ignore a reserved bit or stop the queue of everybody for it (4.1.3), so this check alone decides.
 */
#include "abi/pviommu.h"
#include "guest_cmd.h"

/* What is special about a command. */
#define HAS_VMID   BIT(0) /* any; ours is written */
#define HAS_ASID   BIT(1)
#define HAS_RANGE  BIT(2) /* NUM, SCALE, TG, TTL: with range invalidation */
#define HAS_STREAM BIT(3) /* a vSID; the stream's own id is written */
#define HAS_SSID   BIT(4) /* with substreams */
#define HAS_SSV    BIT(5) /* with substreams */
#define IS_ATS     BIT(6) /* exists with ATS only */
#define IS_HINT    BIT(7) /* checked, never issued */

struct row {
	u8 issue;  /* opcode that hardware gets */
	bool known;
	u16 is;
	u64 may[CMD_WORDS]; /* bits that the guest may set beside the opcode and what `is` adds */
};

/* clang-format off */
static const struct row rows[GUEST_OPS] = {
	[OP_PREFETCH_CONFIG] = { 0,              true, HAS_STREAM | HAS_SSID | HAS_SSV | IS_HINT, { 0, 0 } },
	[OP_PREFETCH_ADDR]   = { 0,              true, HAS_STREAM | HAS_SSID | HAS_SSV | IS_HINT, { 0, CMD1_ADDRESS | CMD1_PREFETCH } },
	[OP_CFGI_CD]         = { OP_CFGI_CD,     true, HAS_STREAM | HAS_SSID,                     { 0, CMD1_LEAF } },
	[OP_CFGI_CD_ALL]     = { OP_CFGI_CD_ALL, true, HAS_STREAM,                                { 0, 0 } },
	[OP_TLBI_NH_ALL]     = { OP_TLBI_NH_ALL, true, HAS_VMID,                                  { 0, 0 } },
	[OP_TLBI_NH_ASID]    = { OP_TLBI_NH_ASID, true, HAS_VMID | HAS_ASID,                      { 0, 0 } },
	[OP_TLBI_NH_VA]      = { OP_TLBI_NH_VA,  true, HAS_VMID | HAS_ASID | HAS_RANGE,           { 0, CMD1_ADDRESS | CMD1_LEAF } },
	[OP_TLBI_NH_VAA]     = { OP_TLBI_NH_VAA, true, HAS_VMID | HAS_RANGE,                      { 0, CMD1_ADDRESS | CMD1_LEAF } },
	/* All of everybody's becomes all of one's own. */
	[OP_TLBI_NSNH_ALL]   = { OP_TLBI_NH_ALL, true, 0,                                         { 0, 0 } },
	[OP_ATC_INV]         = { OP_ATC_INV,     true, HAS_STREAM | HAS_SSID | HAS_SSV | IS_ATS,
				 { 0, CMD1_ADDRESS | CMD1_ATC_SIZE } },
};
/* clang-format on */

/* Bits that a guest may set in word 0: what every SMMU has, and what this one has of the rest. */
static u64 may_word0(const struct smmuv3_features *f, const struct row *row)
{
	u64 may = CMD0_OP | row->may[0];

	if (row->is & HAS_VMID)
		may |= CMD0_VMID;
	if (row->is & HAS_ASID)
		may |= FIELD(CMD0_ASID, BIT(f->asid_bits) - 1);
	if ((row->is & HAS_RANGE) && f->range)
		may |= CMD0_NUM | CMD0_SCALE | (f->ds ? CMD0_SCALE_DS : 0);
	if (row->is & HAS_STREAM)
		may |= CMD0_SID;
	if ((row->is & HAS_SSID) && f->ssid_bits > 0)
		may |= CMD0_SSID;
	if ((row->is & HAS_SSV) && f->ssid_bits > 0)
		may |= CMD0_SSV;
	if ((row->is & IS_ATS) && f->ssid_bits > 0)
		may |= CMD0_ATC_GLOBAL;
	return may;
}

static u64 may_word1(const struct smmuv3_features *f, const struct row *row)
{
	u64 may = row->may[1];

	if ((row->is & HAS_RANGE) && f->range)
		may |= CMD1_TG | CMD1_TTL;
	return may;
}

struct smmuv3_guest_rule smmuv3_guest_rule(const struct smmuv3_features *f, u64 op)
{
	const struct row *row = &rows[op < ARRAY_SIZE(rows) ? op : 0];

	if (!row->known || ((row->is & IS_ATS) != 0 && !f->ats))
		return (struct smmuv3_guest_rule){ 0 };
	return (struct smmuv3_guest_rule){
		.issue = row->issue,
		.vmid = (row->is & HAS_STREAM) == 0,
		.ats = (row->is & IS_ATS) != 0,
		.hint = (row->is & IS_HINT) != 0,
		.may = { may_word0(f, row), may_word1(f, row) },
		.range = { row->is & HAS_RANGE ? GUEST_RANGE0 : 0, row->is & HAS_RANGE ? GUEST_RANGE1 : 0 },
	};
}

bool smmuv3_guest_range_ok(const struct smmuv3_features *f, const u64 in[CMD_WORDS])
{
	const u64 tg = FIELD_GET(CMD1_TG, in[1]), ttl = FIELD_GET(CMD1_TTL, in[1]);
	const bool plain = (in[0] & (CMD0_NUM | CMD0_SCALE | CMD0_SCALE_DS)) == 0 && ttl == 0;

	if (tg == 0 || plain)
		return tg == 0 && plain;
	return tg != TG_16K || ttl != 1 || f->ds;
}

u8 smmuv3_guest_stream_cmd(const struct smmuv3_guest_rule *rule, const u64 in[CMD_WORDS],
			   const struct iommu_guest_stream *stream, u64 out[CMD_WORDS])
{
	out[0] = out[1] = 0;
	if (rule->ats && FIELD_GET(CMD1_ATC_SIZE, in[1]) > ATC_SIZE_MAX)
		return PVIOMMU_INVAL_BAD_BITS;
	if (stream == NULL)
		return PVIOMMU_INVAL_BAD_ID;
	if (stream->quarantined)
		return PVIOMMU_INVAL_QUARANTINED;
	if (!stream->nested)
		return PVIOMMU_INVAL_DONE;
	if (rule->issue == OP_CFGI_CD && FIELD_GET(CMD0_SSID, in[0]) >> stream->pasid_bits != 0)
		return PVIOMMU_INVAL_BAD_BITS;
	if (rule->hint || (rule->ats && !stream->ats))
		return PVIOMMU_INVAL_DONE;
	out[0] = (in[0] & ~(CMD0_OP | CMD0_SID)) | rule->issue | FIELD(CMD0_SID, stream->sid.v);
	out[1] = in[1];
	return PVIOMMU_INVAL_DONE;
}

u8 smmuv3_guest_cmd(const struct smmuv3_features *f, u16 vmid, const u64 in[CMD_WORDS],
		    const struct iommu_guest_stream *stream, u64 out[CMD_WORDS])
{
	const struct smmuv3_guest_rule rule = smmuv3_guest_rule(f, FIELD_GET(CMD0_OP, in[0]));

	out[0] = out[1] = 0;
	if (rule.may[0] == 0)
		return PVIOMMU_INVAL_BAD_OPCODE;
	if (!smmuv3_guest_bits_ok(f, &rule, in))
		return PVIOMMU_INVAL_BAD_BITS;
	if (!rule.vmid)
		return smmuv3_guest_stream_cmd(&rule, in, stream, out);
	smmuv3_guest_vmid_cmd(&rule, vmid, in, out);
	return PVIOMMU_INVAL_DONE;
}
