/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's commands one by one: the rule of an opcode on this SMMU, then what it says of each command. A batch has the rule
 * at hand as long as the opcode stays the same.
 */
#ifndef SMMUV3_GUEST_CMD_H
#define SMMUV3_GUEST_CMD_H

#include "smmuv3.h"

/* issue 0 and no bits that may be set: no guest may ask that. */
struct smmuv3_guest_rule smmuv3_guest_rule(const struct smmuv3_features *f, u64 op);
/* The reserved combinations of a range (4.4.1.1). */
bool smmuv3_guest_range_ok(const struct smmuv3_features *f, const u64 in[CMD_WORDS]);
/* Of a command about a stream (NULL: there is none of that name); its bits are checked. */
u8 smmuv3_guest_stream_cmd(const struct smmuv3_guest_rule *rule, const u64 in[CMD_WORDS],
			   const struct iommu_guest_stream *stream, u64 out[CMD_WORDS]);

/* The fields of a range; without any of them it is one page, by far the commonest. */
#define GUEST_RANGE0 (CMD0_NUM | CMD0_SCALE | CMD0_SCALE_DS)
#define GUEST_RANGE1 (CMD1_TG | CMD1_TTL)

static inline bool smmuv3_guest_bits_ok(const struct smmuv3_features *f, const struct smmuv3_guest_rule *rule,
					const u64 in[CMD_WORDS])
{
	if (((in[0] & ~rule->may[0]) | (in[1] & ~rule->may[1])) != 0)
		return false;
	return ((in[0] & rule->range[0]) | (in[1] & rule->range[1])) == 0 || smmuv3_guest_range_ok(f, in);
}

static ALWAYS_INLINE void smmuv3_guest_vmid_cmd(const struct smmuv3_guest_rule *rule, u16 vmid, const u64 in[CMD_WORDS],
						u64 out[CMD_WORDS])
{
	out[0] = (in[0] & ~(CMD0_OP | CMD0_VMID)) | rule->issue | FIELD(CMD0_VMID, vmid);
	out[1] = in[1];
}

#endif
