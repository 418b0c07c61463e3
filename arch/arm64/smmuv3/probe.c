/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this SMMU has, and whether it can be made safe: pure functions of its identification
 * registers (IHI 0070 6.3.1 to 6.3.8) and of the board.
 */
#include "hyp/io.h"
#include "smmuv3.h"

struct smmuv3_id smmuv3_read_id(const volatile u8 __mmio *regs)
{
	return (struct smmuv3_id){
		.idr0 = io_read32(regs + SMMU_IDR0),
		.idr1 = io_read32(regs + SMMU_IDR1),
		.idr3 = io_read32(regs + SMMU_IDR3),
		.idr5 = io_read32(regs + SMMU_IDR5),
		.iidr = io_read32(regs + SMMU_IIDR),
		.aidr = io_read32(regs + SMMU_AIDR),
	};
}

u8 smmuv3_sid_bits(u64 streams)
{
	return streams > 1 ? (u8)(64 - __builtin_clzll(streams - 1)) : 0;
}

/* A sentence for what nobody can work around, or NULL. */
static const char *refusal(const struct smmuv3_id *id)
{
	u64 endian = FIELD_GET(IDR0_TTENDIAN, id->idr0);

	if (FIELD_GET(AIDR_MAJOR, id->aidr) != 0)
		return "it is of a major version after SMMUv3";
	if ((id->idr0 & (IDR0_S1P | IDR0_S2P)) == 0)
		return "it translates at no stage";
	if ((id->idr0 & IDR0_TTF_AARCH64) == 0)
		return "it does not walk AArch64 tables";
	if (endian != TTENDIAN_MIXED && endian != TTENDIAN_LITTLE)
		return "it does not walk little-endian tables";
	if ((id->idr5 & IDR5_GRAN4K) == 0)
		return "it has no 4 KiB granule";
	if (FIELD_GET(IDR0_STALL_MODEL, id->idr0) >= STALL_FORCED)
		return "it stalls every faulting transaction";
	if ((id->idr1 & (IDR1_TABLES_PRESET | IDR1_QUEUES_PRESET | IDR1_REL)) != 0)
		return "its tables or queues are in memory that is not ours to choose";
	if (FIELD_GET(IDR1_SIDSIZE, id->idr1) > 32)
		return "its stream ids have more than 32 bits";
	return NULL;
}

static u8 at_most(u64 value, u8 limit)
{
	return value < limit ? (u8)value : limit;
}

static void decode_sizes(const struct smmuv3_id *id, struct smmuv3_features *f)
{
	static const u8 oas_bits[] = { 32, 36, 40, 42, 44, 48 };

	/* Larger outputs exist, but 4 KiB descriptors reach 48 bits. */
	f->oas = at_most(FIELD_GET(IDR5_OAS, id->idr5), OAS_48);
	f->out_bits = oas_bits[f->oas];
	f->sid_bits = (u8)FIELD_GET(IDR1_SIDSIZE, id->idr1);
	f->asid_bits = f->stage1 ? ((id->idr0 & IDR0_ASID16) != 0 ? 16 : 8) : 0;
	f->vmid_bits = f->stage2 ? ((id->idr0 & IDR0_VMID16) != 0 ? 16 : 8) : 0;
	if (f->stage1) {
		f->ssid_bits = (u8)FIELD_GET(IDR1_SSIDSIZE, id->idr1);
		f->pasid_bits = at_most(FIELD_GET(IDR1_SSIDSIZE, id->idr1),
					f->cd_two_level ? CD_TWO_BITS : CD_LINEAR_BITS);
	}
	f->cmdq_log2 = at_most(FIELD_GET(IDR1_CMDQS, id->idr1), CMDQ_LOG2_WANT);
	f->evtq_log2 = at_most(FIELD_GET(IDR1_EVENTQS, id->idr1), EVTQ_LOG2_WANT);
}

bool smmuv3_decode_id(const struct smmuv3_id *id, bool coherent, struct smmuv3_features *f,
		      const char **why)
{
	const char *no = refusal(id);

	if (no != NULL) {
		*why = no;
		return false;
	}
	*f = (struct smmuv3_features){
		.stage1 = (id->idr0 & IDR0_S1P) != 0,
		.stage2 = (id->idr0 & IDR0_S2P) != 0,
		.coherent = coherent && (id->idr0 & IDR0_COHACC) != 0,
		.range = (id->idr3 & IDR3_RIL) != 0,
		.split_live = FIELD_GET(IDR3_BBML, id->idr3) == BBML_LIVE,
		.two_level = FIELD_GET(IDR0_ST_LEVEL, id->idr0) == ST_LEVEL_TWO,
		.cd_two_level = (id->idr0 & IDR0_CD2L) != 0,
		.stall_off = FIELD_GET(IDR0_STALL_MODEL, id->idr0) == STALL_BOTH,
		.types_ovr = (id->idr1 & IDR1_TYPES_OVR) != 0,
		.ats = (id->idr0 & (IDR0_ATS | IDR0_NS1ATS | IDR0_S1P | IDR0_S2P)) == (IDR0_ATS | IDR0_S1P | IDR0_S2P),
		.ats_check = (id->idr0 & IDR0_ATS) != 0,
		.hyp = (id->idr0 & IDR0_HYP) != 0,
		.msi = (id->idr0 & IDR0_MSI) != 0,
		.ds = (id->idr5 & IDR5_DS) != 0,
		.quirks = smmuv3_quirks(id->iidr),
	};
	decode_sizes(id, f);
	return true;
}

bool smmuv3_fits_board(const struct smmuv3_features *f, u64 ram_end, u64 streams,
		       const char **why)
{
	u8 need = smmuv3_sid_bits(streams);
	const char *no = NULL;

	if (f->stage2 && f->out_bits < 40)
		no = "its stage 2 takes fewer than 40 address bits";
	else if (ram_end > BIT(f->out_bits))
		no = "its output addresses do not reach all of the RAM";
	else if (need > f->sid_bits)
		no = "the board has streams beyond its stream ids";
	else if (need > (f->two_level ? STRTAB_LOG2_MAX : LINEAR_LOG2_MAX))
		no = "the board's stream ids are too spread for a stream table";
	if (no != NULL)
		*why = no;
	return no == NULL;
}
