/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table entries, IHI 0070 5.2, as pure functions of what the core wants.
 *
 * A blocked stream has V = 0: its transactions are aborted like those of a valid entry with
 * Config = abort, but leave a C_BAD_STE event, so that the owner learns of them. A quiet one has
 * Config = abort: for a device that would flood the event queue.
 *
 * A nested stream translates by the guest's first stage and then by our second, or by that alone where the guest asks for
 * bypass; where it asks for nothing valid it is quiet. Its faults may be merged (MEV): they are the guest's to cause.
 *
 * ATS only where a guest that may asks for it, and then split: a device keeps what the guest's stage 1 says, and what it
 * sends by that goes through our stage 2 and is no more trusted than an address. No stalls: a PCIe function must not be
 * stalled, and a page that is not there is an error in every domain we have. Permissions, memory type and shareability come
 * from the transaction where tables do not say; faults of other streams are not merged, each is seen.
 */
#include "hyp/check.h"
#include "smmuv3.h"

static u64 cacheability(const struct smmuv3_features *f)
{
	return f->coherent ? ATTR_WB : ATTR_NC;
}

static u64 shareability(const struct smmuv3_features *f)
{
	return f->coherent ? SH_INNER : SH_OUTER;
}

static void encode_stage1(u64 ste[STE_WORDS], const struct smmuv3_features *f,
			  const struct stream_config *config)
{
	const struct stream_ctx *ctx = config->ctx;
	const bool two_level = ctx->pasid_bits > CD_LINEAR_BITS;

	CHECK((ctx->table.v & ~STE0_CONTEXT) == 0);
	ste[0] = STE0_V | FIELD(STE0_CONFIG, CONFIG_STAGE1) |
		 FIELD(STE0_S1FMT, two_level ? S1FMT_TWO_64K : S1FMT_LINEAR) | ctx->table.v |
		 FIELD(STE0_S1CDMAX, ctx->pasid_bits);
	/*
	 * With substreams, transactions without one are PASID 0's, and transactions that say
	 * substream 0 abort. Never S1DSS = bypass.
	 */
	ste[1] = FIELD(STE1_S1DSS, ctx->pasid_bits > 0 ? S1DSS_SUBSTREAM0 : S1DSS_TERMINATE) |
		 FIELD(STE1_S1CIR, cacheability(f)) | FIELD(STE1_S1COR, cacheability(f)) |
		 FIELD(STE1_S1CSH, shareability(f)) | FIELD(STE1_STRW, STRW_EL1);
	if (f->stall_off)
		ste[1] |= STE1_S1STALLD;
	/* Stage 1 alone is tagged by VMID too, where VMIDs exist (5.2 S2VMID). */
	if (f->stage2)
		ste[2] = FIELD(STE2_S2VMID, config->vmid);
}

/* S2SL0 with the 4 KiB granule: 2, 1, 0 for a walk from level 0, 1, 2. */
static u64 start_level(const struct pt_ops *ops)
{
	/* Concatenated root tables resolve bits above their level. */
	u32 bits = ops->va_bits - (u32)__builtin_ctz(ops->root_pages);

	return bits > 39 ? 2 : bits > 30 ? 1 :
					   0;
}

static void encode_stage2(u64 ste[STE_WORDS], const struct smmuv3_features *f,
			  const struct iommu_table *table)
{
	const struct pt *pt = table->pt;

	CHECK((pt->root.v & ~STE3_S2TTB) == 0 && pt->ops->stage == 2);
	ste[0] = STE0_V | FIELD(STE0_CONFIG, CONFIG_STAGE2);
	ste[2] = FIELD(STE2_S2VMID, table->tag->vmid) |
		 FIELD(STE2_S2T0SZ, 64u - pt->ops->va_bits) |
		 FIELD(STE2_S2SL0, start_level(pt->ops)) | FIELD(STE2_S2IR0, cacheability(f)) |
		 FIELD(STE2_S2OR0, cacheability(f)) | FIELD(STE2_S2SH0, shareability(f)) |
		 FIELD(STE2_S2PS, f->oas) | STE2_S2AA64 | STE2_S2AFFD | STE2_S2PTW | (table->unrecorded ? 0 : STE2_S2R);
	ste[3] = pt->root.v;
}

static void encode_nested(u64 ste[STE_WORDS], const struct smmuv3_features *f,
			  const struct stream_config *config)
{
	const u64 *guest = config->nested->word;
	const u64 wanted = (guest[0] & STE0_V) != 0 ? FIELD_GET(STE0_CONFIG, guest[0]) : CONFIG_ABORT;

	CHECK(smmuv3_guest_ste_ok(f, config->table->pt->ops->va_bits, guest));
	if (wanted == CONFIG_ABORT || config->table->unrecorded) {
		/* Of faults in its first stage only the guest could say that they leave no event. */
		ste[0] = STE0_V | FIELD(STE0_CONFIG, CONFIG_ABORT);
		return;
	}
	encode_stage2(ste, f, config->table);
	ste[1] = STE1_MEV | FIELD(STE1_STRW, STRW_EL1);
	if (wanted == CONFIG_BYPASS)
		return;
	ste[0] = STE0_V | FIELD(STE0_CONFIG, CONFIG_NESTED) | (guest[0] & (STE0_S1FMT | STE0_CONTEXT | STE0_S1CDMAX));
	ste[1] |= guest[1] & (STE1_S1DSS | STE1_S1CIR | STE1_S1COR | STE1_S1CSH);
	if ((guest[1] & STE1_EATS) != 0)
		ste[1] |= FIELD(STE1_EATS, EATS_SPLIT);
	if (f->stall_off)
		ste[1] |= STE1_S1STALLD;
}

void smmuv3_ste_encode(u64 ste[STE_WORDS], const struct smmuv3_features *f,
		       const struct stream_config *config)
{
	for (u32 i = 0; i < STE_WORDS; i++)
		ste[i] = 0;
	switch (config->mode) {
	case STREAM_BLOCKED:
		return;
	case STREAM_QUIET:
		ste[0] = STE0_V | FIELD(STE0_CONFIG, CONFIG_ABORT);
		return;
	case STREAM_STAGE1:
		encode_stage1(ste, f, config);
		break;
	case STREAM_STAGE2:
		encode_stage2(ste, f, config->table);
		break;
	case STREAM_NESTED:
		encode_nested(ste, f, config);
		break;
	}
	if (f->types_ovr && FIELD_GET(STE0_CONFIG, ste[0]) != CONFIG_ABORT)
		ste[1] |= FIELD(STE1_SHCFG, SHCFG_INCOMING);
}
