/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may say about a stream whose stage 1 is its own: the first two words of a stream table entry (IHI 0070
 * 5.2), allowed bit by bit. The second stage, the VMID and all that concerns others are ours, in ste.c. Pure.
 *
 * The rules here depend on this SMMU alone; what depends on an endpoint, PASIDs and ATS, is handed to the core.
 */
#include "smmuv3.h"

#define GUEST_STE0 (STE0_V | STE0_CONFIG | STE0_S1FMT | STE0_CONTEXT | STE0_S1CDMAX)
#define GUEST_STE1 (STE1_S1DSS | STE1_S1CIR | STE1_S1COR | STE1_S1CSH | STE1_S1STALLD | STE1_EATS)

/* Log2 of the bytes of the table that S1ContextPtr points to: descriptors, or pointers to leaves of them. */
static u32 table_log2(u32 fmt, u32 bits)
{
	const u32 split = fmt == S1FMT_TWO_4K ? CD_SPLIT_4K : CD_SPLIT;
	u32 log2 = bits + 6;

	if (fmt != S1FMT_LINEAR && bits > 0)
		log2 = bits > split ? bits - split + 3 : 3;
	return log2 < 6 ? 6 : log2;
}

static bool stage1_ok(const struct smmuv3_features *f, u8 ipa_bits, const u64 ste[GUEST_STE_WORDS])
{
	const u32 fmt = (u32)FIELD_GET(STE0_S1FMT, ste[0]), bits = (u32)FIELD_GET(STE0_S1CDMAX, ste[0]);
	const u64 table = ste[0] & STE0_CONTEXT, dss = FIELD_GET(STE1_S1DSS, ste[1]);

	if (bits > f->ssid_bits || fmt > S1FMT_TWO_64K || (fmt != S1FMT_LINEAR && !f->cd_two_level))
		return false;
	if ((table & (BIT(table_log2(fmt, bits)) - 1)) != 0 || table >> ipa_bits != 0)
		return false;
	if (dss > S1DSS_SUBSTREAM0 || (bits == 0 && dss != 0))
		return false;
	/* Where stalls cannot be configured the bit is illegal; where they can it is set anyway, ste.c. */
	return (ste[1] & STE1_S1STALLD) == 0 || f->stall_off;
}

bool smmuv3_guest_ste_ok(const struct smmuv3_features *f, u8 ipa_bits, const u64 ste[GUEST_STE_WORDS])
{
	const u64 config = FIELD_GET(STE0_CONFIG, ste[0]), eats = FIELD_GET(STE1_EATS, ste[1]);

	if ((ste[0] & ~GUEST_STE0) != 0 || (ste[1] & ~GUEST_STE1) != 0)
		return false;
	if (eats > EATS_FULL || (eats == EATS_FULL && !f->ats))
		return false;
	if ((ste[0] & STE0_V) == 0)
		return true;
	if (config == CONFIG_STAGE1)
		return stage1_ok(f, ipa_bits, ste);
	return config == CONFIG_ABORT || config == CONFIG_BYPASS;
}

u8 smmuv3_guest_ste_pasid_bits(const u64 ste[GUEST_STE_WORDS])
{
	const bool stage1 = (ste[0] & STE0_V) != 0 && FIELD_GET(STE0_CONFIG, ste[0]) == CONFIG_STAGE1;

	return stage1 ? (u8)FIELD_GET(STE0_S1CDMAX, ste[0]) : 0;
}
