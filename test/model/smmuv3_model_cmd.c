/* SPDX-License-Identifier: BSD-2-Clause */
/* The command queue of the model: IHI 0070 chapter 4. */
#include "fake.h"
#include "hyp/io.h"
#include "smmuv3_model_private.h"

#define OP_PREFETCH_CONFIG 0x01
#define OP_PREFETCH_ADDR   0x02
#define OP_CFGI_STE        0x03
#define OP_CFGI_STE_RANGE  0x04
#define OP_CFGI_CD         0x05
#define OP_CFGI_CD_ALL     0x06
#define OP_NH_ALL          0x10
#define OP_NH_ASID         0x11
#define OP_NH_VA           0x12
#define OP_NH_VAA          0x13
#define OP_EL2_ALL         0x20
#define OP_EL2_ASID        0x21
#define OP_EL2_VA          0x22
#define OP_EL2_VAA         0x23
#define OP_S12_VMALL       0x28
#define OP_S2_IPA          0x2a
#define OP_NSNH_ALL        0x30
#define OP_ATC_INV         0x40
#define OP_SYNC            0x46

#define B(n)    (1ull << (n))
#define M(h, l) ((~0ull >> (63 - (h))) & (~0ull << (l)))

#define F_OP    M(7, 0)
#define F_SSV   B(11)
#define F_SSID  M(31, 12)
#define F_SID   M(63, 32)
#define F_VMID  M(47, 32)
#define F_ASID  M(63, 48)
#define F_NUM   M(16, 12)
#define F_SCALE M(25, 20)
#define F_RANGE (F_NUM | F_SCALE)
#define F_LEAF  B(0)
#define F_TTL   M(9, 8)
#define F_TG    M(11, 10)
#define F_VA    M(63, 12)
#define F_IPA   M(51, 12)

enum need { ALWAYS,
	    STAGE1,
	    STAGE2,
	    EITHER,
	    HYP,
	    ATS,
	    NEVER };

/*
 * Which bits each command defines. SSec is left out everywhere: it is for the Secure queue, and
 * set here it is an illegal command.
 */
static const struct row {
	u8 op;
	enum need need;
	u64 word0, word1;
	bool range; /* NUM, SCALE, TG and TTL exist with IDR3.RIL */
} rows[] = {
	{ OP_PREFETCH_CONFIG, ALWAYS, F_SSV | F_SSID | F_SID, 0, false },
	{ OP_PREFETCH_ADDR, ALWAYS, F_SSV | F_SSID | F_SID, F_VA | M(4, 0), false },
	{ OP_CFGI_STE, ALWAYS, F_SID, F_LEAF, false },
	{ OP_CFGI_STE_RANGE, ALWAYS, F_SID, M(4, 0), false },
	{ OP_CFGI_CD, STAGE1, F_SSID | F_SID, F_LEAF, false },
	{ OP_CFGI_CD_ALL, STAGE1, F_SID, 0, false },
	{ OP_NH_ALL, STAGE1, F_VMID, 0, false },
	{ OP_NH_ASID, STAGE1, F_VMID | F_ASID, 0, false },
	{ OP_NH_VA, STAGE1, F_VMID | F_ASID, F_LEAF | F_VA, true },
	{ OP_NH_VAA, STAGE1, F_VMID, F_LEAF | F_VA, true },
	{ OP_EL2_ALL, HYP, 0, 0, false },
	{ OP_EL2_ASID, HYP, F_ASID, 0, false },
	{ OP_EL2_VA, HYP, F_ASID, F_LEAF | F_VA, true },
	{ OP_EL2_VAA, HYP, 0, F_LEAF | F_VA, true },
	{ OP_S12_VMALL, STAGE2, F_VMID, 0, false },
	{ OP_S2_IPA, STAGE2, F_VMID, F_LEAF | F_IPA, true },
	{ OP_NSNH_ALL, EITHER, 0, 0, false },
	{ OP_ATC_INV, ATS, F_SSV | F_SSID | F_SID | B(9), F_VA | M(5, 0), false },
	{ OP_SYNC, ALWAYS, M(13, 12) | M(23, 22) | M(27, 24) | M(63, 32), M(51, 2), false },
};

static bool needed(const struct smmu_config *c, enum need need)
{
	switch (need) {
	case ALWAYS:
		return true;
	case STAGE1:
		return c->stage1;
	case STAGE2:
		return c->stage2;
	case EITHER:
		return c->stage1 || c->stage2;
	case HYP:
		return c->hyp;
	case ATS:
		return c->ats;
	case NEVER:
		break;
	}
	return false;
}

/* The reserved combinations of a range, IHI 0070 4.4.1. */
static bool range_good(const u64 word[2])
{
	u64 num = field(word[0], 16, 12), scale = field(word[0], 25, 20);
	u64 ttl = field(word[1], 9, 8), tg = field(word[1], 11, 10);

	if (tg == 0)
		return num == 0 && scale == 0 && ttl == 0;
	if (num == 0 && scale == 0 && ttl == 0)
		return false;
	if (scale > 31 || (tg == 2 && ttl == 1))
		return false;
	return true;
}

static bool tags_good(const struct smmu_config *c, const struct row *row, const u64 word[2])
{
	u64 vmid = field(word[0], 47, 32), asid = field(word[0], 63, 48);

	if ((row->word0 & F_VMID) != 0 && (row->word0 & F_SID) != F_SID) {
		if (!c->stage2 && vmid != 0)
			return false;
		if (!c->vmid16 && vmid > 0xff)
			return false;
	}
	if ((row->word0 & F_SID) != F_SID && (row->word0 & F_ASID) == F_ASID && !c->asid16 &&
	    asid > 0xff)
		return false;
	return true;
}

static bool sync_good(const struct smmu_config *c, const u64 word[2])
{
	u64 cs = field(word[0], 13, 12);

	if (cs == 3)
		return false;
	/* The MSI fields mean something only where an MSI is asked for and exists. */
	return (cs == 1 && c->msi) || ((word[0] & M(63, 22)) == 0 && word[1] == 0);
}

enum smmu_cerror cmd_check(const struct smmu *smmu, const u64 word[2])
{
	const struct smmu_config *c = &smmu->config;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		u64 word0 = F_OP | row->word0, word1 = row->word1;

		if (row->op != field(word[0], 7, 0))
			continue;
		if (!needed(c, row->need))
			return SMMU_CERROR_ILL;
		if (row->range && c->range_inval) {
			word0 |= F_RANGE;
			word1 |= F_TTL | F_TG;
		}
		if ((word[0] & ~word0) != 0 || (word[1] & ~word1) != 0)
			return SMMU_CERROR_ILL;
		if (row->range && !range_good(word))
			return SMMU_CERROR_ILL;
		if (!tags_good(c, row, word))
			return SMMU_CERROR_ILL;
		if (row->op == OP_SYNC && !sync_good(c, word))
			return SMMU_CERROR_ILL;
		if (row->op == OP_ATC_INV && field(word[1], 5, 0) > 52)
			return SMMU_CERROR_ILL;
		return SMMU_CERROR_NONE;
	}
	return SMMU_CERROR_ILL;
}

static void cmd_error(struct smmu *smmu, enum smmu_cerror code)
{
	smmu->cmdq_cons = (smmu->cmdq_cons & ~0x7f000000u) | (u32)code << 24;
	smmu->gerror ^= 1; /* CMDQ_ERR; only here while it is not active */
	if (bit(smmu->irq_ctrl, 0))
		smmu->error_irqs++;
}

static void effects_apply(struct smmu *smmu)
{
	for (u32 i = 0; i < smmu->effects.count; i++)
		cache_apply(smmu, LIST_AT(&smmu->effects, struct effect, i)->word);
	smmu->effects.count = 0;
}

static void sync_complete(struct smmu *smmu, const u64 word[2])
{
	u32 data = (u32)field(word[0], 63, 32);

	smmu_events_arrive(smmu, ~0u);
	effects_apply(smmu);
	if (field(word[0], 13, 12) == 1 && smmu->config.msi && field(word[1], 51, 2) != 0 &&
	    !fake_hw_write(field_addr(word[1], 51, 2), &data, sizeof(data)))
		smmu_inject_gerror(smmu, 1u << 4);
}

/* SIDs are not truncated here: a command for a stream that cannot exist is a mistake. */
static void sid_check(struct smmu *smmu, u8 op, const u64 word[2])
{
	u64 sid = field(word[0], 63, 32);

	switch (op) {
	case OP_CFGI_STE:
	case OP_CFGI_CD:
	case OP_CFGI_CD_ALL:
	case OP_ATC_INV:
		if (smmu->config.sid_bits < 32 && sid >> smmu->config.sid_bits != 0)
			smmu_misused(smmu, "command %#x for stream %#llx, out of range", op,
				     (unsigned long long)sid);
		break;
	default:
		break;
	}
}

/* Is there an invalidation of the SMMU's own that is not complete? */
static bool other_effects(const struct smmu *smmu)
{
	for (u32 i = 0; i < smmu->effects.count; i++)
		if (field(LIST_AT(&smmu->effects, struct effect, i)->word[0], 7, 0) != OP_ATC_INV)
			return true;
	return false;
}

/* It does not answer to this one. */
static bool is_deaf(struct smmu *smmu, u32 sid)
{
	for (u32 i = 0; i < smmu->deaf.count; i++) {
		struct deaf *deaf = LIST_AT(&smmu->deaf, struct deaf, i);

		if (deaf->sid == sid && deaf->times > 0) {
			deaf->times--;
			return true;
		}
	}
	return false;
}

void smmu_atc_deaf(struct smmu *smmu, u32 sid, u32 times)
{
	struct deaf *deaf = list_push(&smmu->deaf);

	*deaf = (struct deaf){ sid, times };
}

void smmu_atc_slow(struct smmu *smmu, u32 us) { smmu->atc_slow_us = us; }

void smmu_at_command(struct smmu *smmu, smmu_cmd_fn *fn) { smmu->at_command = fn; }

void smmu_refuse(struct smmu *smmu, u8 op, bool on) { smmu->refused[op] = on; }

static void cmd_execute(struct smmu *smmu, const u64 word[2])
{
	u8 op = (u8)field(word[0], 7, 0);

	sid_check(smmu, op, word);
	if (op == OP_SYNC) {
		sync_complete(smmu, word);
		return;
	}
	if (op == OP_ATC_INV && other_effects(smmu) && smmu->time != SMMU_AT_ONCE)
		smmu_misused(smmu, "ATC_INV is not ordered behind the invalidations before it");
	if (op == OP_ATC_INV && is_deaf(smmu, (u32)field(word[0], 63, 32))) {
		smmu->atc_failed = smmu->config.error_for_each ? smmu->atc_failed + 1 : 1;
		smmu->atc_until = io_time_us() + SMMU_ATC_TIMEOUT_US;
		return;
	}
	if (op == OP_ATC_INV && smmu->atc_slow_us > 0 && smmu->atc_until < io_time_us() + smmu->atc_slow_us)
		smmu->atc_until = io_time_us() + smmu->atc_slow_us;
	if (smmu->time == SMMU_AT_ONCE) {
		cache_apply(smmu, word);
	} else {
		struct effect *effect = list_push(&smmu->effects);

		effect->word[0] = word[0];
		effect->word[1] = word[1];
	}
}

/* What a test has planted for this command. */
static enum smmu_cerror injected(struct smmu *smmu, const u64 word[2])
{
	bool sync = field(word[0], 7, 0) == OP_SYNC;

	if (smmu->atc_failed > 0 && sync) {
		smmu->atc_failed--;
		return SMMU_CERROR_ATC_INV_SYNC;
	}
	if (smmu->inject_nth == 0 || --smmu->inject_nth != 0)
		return SMMU_CERROR_NONE;
	if (smmu->inject_times > 1) {
		smmu->inject_times--;
		smmu->inject_nth = 1; /* the next that it takes is this one again */
	}
	if (smmu->inject_code != SMMU_CERROR_ATC_INV_SYNC)
		return smmu->inject_code;
	if (sync)
		return SMMU_CERROR_ATC_INV_SYNC;
	smmu->atc_failed = 1;
	return SMMU_CERROR_NONE;
}

bool cmd_due(const struct smmu *smmu)
{
	return bit(smmu->cr0ack, 3) && !smmu->failed && ((smmu->gerror ^ smmu->gerrorn) & 1) == 0 &&
	       ((smmu->cmdq_cons ^ smmu->cmdq_prod) & ((2u << queue_log2(smmu->cmdq_base)) - 1)) != 0;
}

bool cmd_step(struct smmu *smmu)
{
	u32 log2 = queue_log2(smmu->cmdq_base);
	u32 mask = (2u << log2) - 1;
	u32 read = smmu->cmdq_cons & mask;
	enum smmu_cerror error;
	struct smmu_cmd *log;
	u64 word[2];

	if (!cmd_due(smmu))
		return false;
	if (!smmu_read_mem(smmu,
			   field_addr(smmu->cmdq_base, 51, 5) + (u64)(read & (mask >> 1)) * 16,
			   word, sizeof(word))) {
		cmd_error(smmu, SMMU_CERROR_ABT);
		return true;
	}
	if (field(word[0], 7, 0) == OP_SYNC && (smmu->atc_failed > 0 || smmu->atc_slow_us > 0) && io_time_us() < smmu->atc_until)
		return false;
	error = injected(smmu, word);
	if (error == SMMU_CERROR_NONE)
		error = smmu->refused[field(word[0], 7, 0)] ? SMMU_CERROR_ILL : cmd_check(smmu, word);
	if (error != SMMU_CERROR_NONE) {
		cmd_error(smmu, error);
		return true;
	}
	log = list_push(&smmu->cmds);
	log->word[0] = word[0];
	log->word[1] = word[1];
	if (smmu->at_command != NULL)
		smmu->at_command(log);
	cmd_execute(smmu, word);
	smmu->cmdq_cons = (smmu->cmdq_cons & ~mask) | ((read + 1) & mask);
	return true;
}
