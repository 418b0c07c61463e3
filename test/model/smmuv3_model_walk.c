/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model does with a transaction: configuration, stage 1, stage 2, access. Entry formats
 * are IHI 0070 5.2 (STE), 5.4 (CD), 3.3 (two-level tables); descriptors are Arm ARM D8.3, 4 KiB
 * granule.
 */
#include <string.h>

#include "fake.h"
#include "smmuv3_model_private.h"

#define PAGE 4096ull

static u32 level_shift(int level) { return 12 + 9 * (u32)(3 - level); }

/* --- stream table entries */

#define STE_BAD(why)                         \
	do {                                 \
		ste->event = SMMU_C_BAD_STE; \
		(void)(why);                 \
		return;                      \
	} while (0)

static void ste_stage1(const struct smmu *smmu, struct ste *ste, const u64 w[8])
{
	const struct smmu_config *c = &smmu->config;
	u64 align;

	ste->ctx = field_addr(w[0], 55, 6);
	ste->fmt = (u8)field(w[0], 5, 4);
	ste->cd_max = (u8)field(w[0], 63, 59);
	ste->dss = (u8)field(w[1], 1, 0);
	ste->stalld = bit(w[1], 27);
	if (!c->stage1)
		STE_BAD("no stage 1");
	if (ste->cd_max > c->ssid_bits)
		STE_BAD("S1CDMax beyond SSIDSIZE");
	if (ste->cd_max > 0 && ste->dss == 3)
		STE_BAD("S1DSS reserved");
	if (ste->cd_max > 0 && (ste->fmt == 3 || (ste->fmt != 0 && !c->cd_two_level)))
		STE_BAD("S1Fmt");
	if (field(w[1], 31, 30) != 0)
		STE_BAD("STRW");
	if (ste->stalld && c->stall_model == 1)
		STE_BAD("S1STALLD without a stall model");
	align = ste->cd_max == 0 || ste->fmt != 0 ? 64 : 64ull << ste->cd_max;
	if (ste->ctx % align != 0)
		STE_BAD("S1ContextPtr misaligned");
	if (!ste->stage2 && ste->ctx >> smmu_oas_bits(c->oas) != 0)
		STE_BAD("S1ContextPtr beyond OAS");
}

static void ste_stage2(const struct smmu *smmu, struct ste *ste, const u64 w[8])
{
	const struct smmu_config *c = &smmu->config;
	u32 t0sz = (u32)field(w[2], 37, 32), sl0 = (u32)field(w[2], 39, 38);
	u32 index_bits, oas = smmu_oas_bits(c->oas);

	ste->s2ttb = field_addr(w[3], 51, 4);
	ste->s2_bits = (u8)(64 - t0sz);
	ste->s2_out_bits = smmu_oas_bits((u8)field(w[2], 50, 48));
	ste->s2_record = bit(w[2], 58);
	ste->s2_affd = bit(w[2], 53);
	if (ste->s2_out_bits > oas)
		ste->s2_out_bits = (u8)oas;
	if (!c->stage2)
		STE_BAD("no stage 2");
	if ((w[2] & 0xf8000000ffff0000ull) != 0 || (w[3] & 0xfff000000000000full) != 0)
		STE_BAD("reserved bits of stage 2");
	if (!bit(w[2], 51) || bit(w[2], 52) || field(w[2], 56, 55) != 0)
		STE_BAD("S2AA64, S2ENDI, S2HA or S2HD");
	if (field(w[2], 47, 46) != 0)
		STE_BAD("S2TG: not 4 KiB");
	if (bit(w[2], 57) && c->stall_model == 1)
		STE_BAD("S2S without a stall model");
	if (t0sz < 16 || t0sz > 39 || ste->s2_bits > oas || sl0 == 3)
		STE_BAD("S2T0SZ or S2SL0");
	ste->s2_start = (u8)(2 - sl0);
	if (ste->s2_bits <= level_shift(ste->s2_start))
		STE_BAD("S2SL0 starts above the input size");
	index_bits = ste->s2_bits - level_shift(ste->s2_start);
	if (index_bits > (ste->s2_start == 0 ? 9u : 13u))
		STE_BAD("more than 16 concatenated tables");
	if (ste->s2ttb % (8ull << index_bits) != 0 || ste->s2ttb >> ste->s2_out_bits != 0)
		STE_BAD("S2TTB");
	if (!c->vmid16 && ste->vmid > 0xff)
		STE_BAD("S2VMID");
}

static void ste_decode(const struct smmu *smmu, struct ste *ste, const u64 w[8])
{
	u32 config = (u32)field(w[0], 3, 1);

	if (!bit(w[0], 0))
		STE_BAD("V = 0");
	if ((config & 4) == 0) {
		ste->abort = true;
		if (config != 0)
			STE_BAD("Config reserved");
		return;
	}
	if (field(w[0], 58, 56) != 0 || (w[1] & ~0x000ff1fff80ff0ffull) != 0)
		STE_BAD("reserved bits");
	for (u32 i = 4; i < 8; i++)
		if (w[i] != 0)
			STE_BAD("reserved words");
	ste->bypass = config == 4;
	ste->stage1 = (config & 1) != 0;
	ste->stage2 = (config & 2) != 0;
	ste->vmid = smmu->config.stage2 ? (u16)field(w[2], 15, 0) : 0;
	ste->mev = bit(w[1], 19);
	ste->eats = (u8)field(w[1], 29, 28);
	ste->privcfg = (u8)field(w[1], 49, 48);
	if (ste->privcfg == 1)
		STE_BAD("PRIVCFG reserved");
	if (ste->eats == 3 || (ste->eats != 0 && !smmu->config.ats) ||
	    (ste->eats == 2 && (config != 7 || smmu->config.ats_stage1_only)))
		STE_BAD("EATS");
	if (ste->stage2)
		ste_stage2(smmu, ste, w);
	if (ste->event == SMMU_OK && ste->stage1)
		ste_stage1(smmu, ste, w);
}

/* The first-level descriptor of a stream, and from it the address of its STE; 0: none. */
static u64 ste_two_level(struct smmu *smmu, u32 sid, bool cached, enum smmu_event *event)
{
	u32 split = (u32)field(smmu->strtab_cfg, 10, 6), first = sid >> split << split;
	u64 base = field_addr(smmu->strtab_base, 51, 6);
	const u64 *known = cached ? cache_l1(smmu, L1STD, 0, sid) : NULL;
	u64 word, span, table;

	*event = SMMU_C_BAD_STREAMID;
	if (known != NULL) {
		word = *known;
	} else if (!smmu_read_mem(smmu, base + (u64)(sid >> split) * 8, &word, sizeof(word))) {
		*event = SMMU_F_STE_FETCH;
		return 0;
	} else if (cached) {
		cache_add_l1(smmu, L1STD, 0, first, 1u << split, word);
	}
	span = field(word, 4, 0);
	if (span == 0 || span > split + 1 || sid - first >= 1u << (span - 1))
		return 0;
	table = field_addr(word, 51, 6);
	if (table % (64ull << (span - 1)) != 0)
		smmu_misused(smmu, "second-level stream table at %#llx is misaligned",
			     (unsigned long long)table);
	*event = SMMU_OK;
	return table + (u64)(sid - first) * 64;
}

struct ste ste_fetch(struct smmu *smmu, u32 sid, bool cached)
{
	struct ste ste = { .event = SMMU_OK };
	u32 log2 = (u32)field(smmu->strtab_cfg, 5, 0);
	const struct ste *known = cached ? cache_ste(smmu, sid) : NULL;
	u64 w[8];

	if (known != NULL)
		return *known;
	if (smmu->config.sid_bits < 32 && log2 > smmu->config.sid_bits)
		smmu_misused(smmu, "stream table of 2^%u entries", log2);
	if (log2 < 32 && sid >> log2 != 0) {
		ste.event = SMMU_C_BAD_STREAMID;
		return ste;
	}
	if (field(smmu->strtab_cfg, 17, 16) == 1)
		ste.addr = ste_two_level(smmu, sid, cached, &ste.event);
	else
		ste.addr = field_addr(smmu->strtab_base, 51, 6) + (u64)sid * 64;
	if (ste.event != SMMU_OK)
		return ste;
	if (!smmu_read_mem(smmu, ste.addr, w, sizeof(w))) {
		ste.event = SMMU_F_STE_FETCH;
		return ste;
	}
	ste_decode(smmu, &ste, w);
	if (cached)
		cache_add_ste(smmu, sid, &ste);
	return ste;
}

/* --- one stage's walk */

struct walk {
	bool stage1, cached;
	u16 vmid, asid;
	u64 in, ttb;
	u8 bits, start, out_bits;
	bool affd;
	const struct ste *s2; /* table addresses of a nested stage 1 go through it; or NULL */
	/* of a fault */
	bool s2_fault;
	bool record;
	u64 ipa;
	u8 class_;
};

static enum smmu_event s2_translate(struct smmu *smmu, const struct ste *ste, u64 ipa, bool cached,
				    struct cached_leaf *leaf);

/* Physical address of something that stage 1 names: itself, or through stage 2. */
static enum smmu_event through_s2(struct smmu *smmu, const struct ste *s2, u64 addr, bool cached,
				  u64 *pa)
{
	struct cached_leaf leaf;
	enum smmu_event event;

	*pa = addr;
	if (s2 == NULL)
		return SMMU_OK;
	event = s2_translate(smmu, s2, addr, cached, &leaf);
	if (event != SMMU_OK)
		return event;
	if (!leaf.read)
		return SMMU_F_PERMISSION;
	*pa = leaf.out + (addr - leaf.in);
	return SMMU_OK;
}

static void leaf_bits_check(struct smmu *smmu, const struct walk *w, u64 desc, int level)
{
	u64 low = level < 3 ? (1ull << level_shift(level)) - PAGE : 0;
	u64 zero = w->stage1 ? 0xf81c000000000020ull : 0xf81c000000000800ull;

	if ((desc & (zero | low)) != 0 && w->s2 == NULL)
		smmu_misused(smmu, "leaf %#llx at level %d for %#llx sets reserved bits",
			     (unsigned long long)desc, level, (unsigned long long)w->in);
}

static enum smmu_event leaf_decode(struct smmu *smmu, const struct walk *w, u64 desc, int level,
				   struct cached_leaf *leaf)
{
	u64 size = 1ull << level_shift(level);

	leaf_bits_check(smmu, w, desc, level);
	*leaf = (struct cached_leaf){
		.stage1 = w->stage1,
		.guest = w->s2 != NULL,
		.vmid = w->vmid,
		.asid = w->asid,
		.in = w->in & ~(size - 1),
		.out = field_addr(desc, 47, 12) & ~(size - 1),
		.size = size,
		.level = (u8)level,
		.s2_read = true,
		.s2_write = true,
	};
	if (w->stage1) {
		leaf->global = !bit(desc, 11);
		leaf->read = true;
		leaf->write = !bit(desc, 7);
		leaf->user = bit(desc, 6);
	} else {
		leaf->read = bit(desc, 6);
		leaf->write = bit(desc, 7);
		leaf->user = true;
	}
	if (leaf->out >> w->out_bits != 0)
		return SMMU_F_ADDR_SIZE;
	if (!bit(desc, 10) && !w->affd)
		return SMMU_F_ACCESS;
	return SMMU_OK;
}

/* One stage, from the deepest table that a cache knows or from the root. */
static enum smmu_event walk(struct smmu *smmu, struct walk *w, struct cached_leaf *leaf)
{
	const struct cached_table *known =
		w->cached ? cache_table(smmu, w->stage1, w->vmid, w->asid, w->in) : NULL;
	u64 table = known != NULL ? known->table : w->ttb;
	int level = known != NULL ? known->level + 1 : w->start;
	bool root = known == NULL;

	if (w->bits < 64 && w->in >> w->bits != 0)
		return SMMU_F_TRANSLATION;
	for (;; level++, root = false) {
		u64 index = w->in >> level_shift(level);
		enum smmu_event event;
		u64 desc, at;

		if (!root)
			index &= 511;
		event = through_s2(smmu, w->s2, table + index * 8, w->cached, &at);
		if (event != SMMU_OK) {
			w->s2_fault = true;
			w->ipa = table + index * 8;
			w->class_ = 1;
			return event;
		}
		if (!smmu_read_mem(smmu, at, &desc, sizeof(desc))) {
			w->ipa = at;
			w->class_ = 1;
			return SMMU_F_WALK_EABT;
		}
		if (!bit(desc, 0) || (level == 3 && !bit(desc, 1)) || (level == 0 && !bit(desc, 1)))
			return SMMU_F_TRANSLATION;
		if (level == 3 || !bit(desc, 1)) {
			event = leaf_decode(smmu, w, desc, level, leaf);
			return event;
		}
		if (w->stage1 && w->s2 == NULL && field(desc, 63, 59) != 0)
			smmu_misused(smmu, "table descriptor %#llx restricts what is below it",
				     (unsigned long long)desc);
		table = field_addr(desc, 47, 12);
		if (table >> w->out_bits != 0)
			return SMMU_F_ADDR_SIZE;
		if (w->cached) {
			u64 size = 1ull << level_shift(level);
			const struct cached_table entry = {
				.stage1 = w->stage1,
				.guest = w->s2 != NULL,
				.vmid = w->vmid,
				.asid = w->stage1 ? w->asid : 0,
				.in = w->in & ~(size - 1),
				.size = size,
				.level = (u8)level,
				.table = table,
			};

			cache_add_table(smmu, &entry);
		}
	}
}

static struct walk s2_walk(const struct ste *ste, u64 ipa, bool cached)
{
	return (struct walk){
		.cached = cached,
		.vmid = ste->vmid,
		.in = ipa,
		.ttb = ste->s2ttb,
		.bits = ste->s2_bits,
		.start = ste->s2_start,
		.out_bits = ste->s2_out_bits,
		.affd = ste->s2_affd,
	};
}

static enum smmu_event s2_translate(struct smmu *smmu, const struct ste *ste, u64 ipa, bool cached,
				    struct cached_leaf *leaf)
{
	const struct cached_leaf *known =
		cached ? cache_leaf(smmu, false, ste->vmid, 0, ipa) : NULL;
	struct walk w = s2_walk(ste, ipa, cached);
	enum smmu_event event;

	if (known != NULL) {
		*leaf = *known;
		return SMMU_OK;
	}
	event = walk(smmu, &w, leaf);
	if (event == SMMU_OK && cached)
		cache_add_leaf(smmu, leaf);
	return event;
}

/* --- context descriptors */

#define CD_BAD(why)                        \
	do {                               \
		cd->event = SMMU_C_BAD_CD; \
		(void)(why);               \
		return;                    \
	} while (0)

static void cd_decode(const struct smmu *smmu, struct cd *cd, const u64 w[8])
{
	const struct smmu_config *c = &smmu->config;
	u32 t0sz = (u32)field(w[0], 5, 0);
	u32 index_bits;

	if (!bit(w[0], 31))
		CD_BAD("V = 0");
	if (!bit(w[0], 41) || bit(w[0], 15) || field(w[0], 43, 42) != 0)
		CD_BAD("AA64, ENDI, HA or HD");
	if (bit(w[0], 44) && c->stall_model == 1)
		CD_BAD("S without a stall model");
	if (!bit(w[0], 46))
		CD_BAD("A = 0 with TERM_MODEL 1");
	if ((w[1] & 0xfff000000000000dull) != 0 || w[5] != 0 || w[6] != 0 || w[7] != 0)
		CD_BAD("reserved bits");
	cd->asid = (u16)field(w[0], 63, 48);
	if (!c->asid16 && cd->asid > 0xff)
		CD_BAD("ASID");
	cd->affd = bit(w[0], 35);
	cd->wxn = bit(w[0], 36);
	cd->record = bit(w[0], 45);
	cd->epd0 = bit(w[0], 14);
	cd->had = bit(w[1], 1);
	cd->mair = w[3];
	cd->out_bits = smmu_oas_bits((u8)field(w[0], 34, 32));
	if (cd->out_bits > smmu_oas_bits(c->oas))
		cd->out_bits = smmu_oas_bits(c->oas);
	if (!bit(w[0], 30) && (field(w[0], 23, 22) != 2 || field(w[0], 21, 16) < 16))
		CD_BAD("TG1 or T1SZ");
	if (cd->epd0)
		return;
	if (field(w[0], 7, 6) != 0 || t0sz < 16 || t0sz > 39)
		CD_BAD("TG0 or T0SZ");
	cd->va_bits = (u8)(64 - t0sz);
	cd->ttb0 = field_addr(w[1], 51, 4);
	index_bits = (cd->va_bits - 13u) % 9 + 1;
	if (cd->ttb0 % (8ull << index_bits) != 0 || cd->ttb0 >> cd->out_bits != 0)
		CD_BAD("TTB0");
}

struct cd_at {
	enum smmu_event event;
	u64 ipa; /* before stage 2 */
	u64 addr;
};

static struct cd_at cd_address(struct smmu *smmu, const struct ste *ste, u32 sid, u32 ssid,
			       bool cached)
{
	const struct ste *s2 = ste->stage2 ? ste : NULL;
	u32 shift = ste->fmt == 1 ? 6 : 10, first = ssid >> shift << shift;
	struct cd_at at = { .ipa = ste->ctx + (u64)ssid * 64 };
	const u64 *known;
	u64 word;

	if (ste->cd_max > 0 && ste->fmt != 0) {
		known = cached ? cache_l1(smmu, L1CD, sid, ssid) : NULL;
		at.ipa = ste->ctx + (u64)(ssid >> shift) * 8;
		if (known != NULL) {
			word = *known;
		} else {
			at.event = through_s2(smmu, s2, at.ipa, cached, &at.addr);
			if (at.event != SMMU_OK)
				return at;
			if (!smmu_read_mem(smmu, at.addr, &word, sizeof(word))) {
				at.event = SMMU_F_CD_FETCH;
				return at;
			}
			if (cached)
				cache_add_l1(smmu, L1CD, sid, first, 1u << shift, word);
		}
		if (!bit(word, 0)) {
			at.event = SMMU_C_BAD_SUBSTREAMID;
			return at;
		}
		at.ipa = field_addr(word, 51, 12) + (u64)(ssid - first) * 64;
	}
	at.event = through_s2(smmu, s2, at.ipa, cached, &at.addr);
	return at;
}

struct cd cd_fetch(struct smmu *smmu, const struct ste *ste, u32 sid, u32 ssid, bool cached)
{
	const struct cd *known = cached ? cache_cd(smmu, sid, ssid) : NULL;
	struct cd cd = { .event = SMMU_OK };
	struct cd_at at;
	u64 w[8];

	if (known != NULL)
		return *known;
	at = cd_address(smmu, ste, sid, ssid, cached);
	cd.addr = at.addr;
	cd.event = at.event;
	if (cd.event != SMMU_OK)
		return cd;
	if (!smmu_read_mem(smmu, at.addr, w, sizeof(w))) {
		cd.event = SMMU_F_CD_FETCH;
		return cd;
	}
	cd_decode(smmu, &cd, w);
	if (cached)
		cache_add_cd(smmu, sid, ssid, &cd);
	return cd;
}

/* --- a transaction */

/* What a transaction meets, and what its event would say. */
struct outcome {
	enum smmu_event event;
	bool record;
	bool stage2;
	u8 class_;
	u64 ipa;
};

static struct outcome fails(enum smmu_event event)
{
	return (struct outcome){ .event = event, .record = event != SMMU_ABORTED, .class_ = 2 };
}

/* Which CD a transaction of a stage-1 stream uses (S1DSS), or its fault; bypass: none. */
static enum smmu_event substream(const struct ste *ste, const struct smmu_dma *dma, u32 *ssid,
				 bool *bypass)
{
	*ssid = dma->has_ssid ? dma->ssid : 0;
	*bypass = false;
	if (!ste->stage1)
		return dma->has_ssid ? SMMU_C_BAD_SUBSTREAMID : SMMU_OK;
	if (ste->cd_max == 0)
		return dma->has_ssid ? SMMU_C_BAD_SUBSTREAMID : SMMU_OK;
	if (!dma->has_ssid) {
		if (ste->dss == 0)
			return SMMU_F_STREAM_DISABLED;
		*bypass = ste->dss == 1;
		return SMMU_OK;
	}
	if (ste->dss == 2 && dma->ssid == 0)
		return SMMU_F_STREAM_DISABLED;
	return dma->ssid >> ste->cd_max != 0 ? SMMU_C_BAD_SUBSTREAMID : SMMU_OK;
}

static struct outcome permission(const struct ste *ste, const struct smmu_dma *dma,
				 const struct cached_leaf *leaf, bool record1)
{
	bool priv = ste->privcfg == 3 || (ste->privcfg == 0 && dma->priv);
	bool s1 = (dma->write ? leaf->write : leaf->read) && (leaf->user || priv || !leaf->stage1);
	bool s2 = dma->write ? leaf->s2_write : leaf->s2_read;
	struct outcome out = fails(SMMU_OK);

	if (s1 && s2)
		return out;
	out = fails(SMMU_F_PERMISSION);
	out.stage2 = !leaf->stage1 || s1;
	out.record = out.stage2 ? ste->s2_record : record1;
	return out;
}

static struct outcome stage2_alone(struct smmu *smmu, const struct ste *ste,
				   const struct smmu_dma *dma, u64 addr, bool cached,
				   struct cached_leaf *leaf)
{
	struct outcome out = fails(s2_translate(smmu, ste, addr, cached, leaf));

	if (out.event == SMMU_OK)
		return permission(ste, dma, leaf, false);
	out.stage2 = true;
	out.ipa = addr;
	if (out.event != SMMU_F_WALK_EABT)
		out.record = ste->s2_record;
	return out;
}

/* Stage 1, and the stage 2 below it combined into one entry. */
static struct outcome stage1(struct smmu *smmu, const struct ste *ste, const struct cd *cd,
			     const struct smmu_dma *dma, u64 addr, bool cached,
			     struct cached_leaf *leaf)
{
	const bool alone = ste->alone && ste->eats == 2;
	const struct cached_leaf *known =
		cached && !alone ? cache_leaf(smmu, true, ste->vmid, cd->asid, addr) : NULL;
	struct walk w = {
		.stage1 = true,
		.cached = cached,
		.vmid = ste->vmid,
		.asid = cd->asid,
		.in = addr,
		.ttb = cd->ttb0,
		.bits = cd->va_bits,
		.start = (u8)(3 - (cd->va_bits - 13) / 9),
		.out_bits = cd->out_bits,
		.affd = cd->affd,
		.s2 = ste->stage2 ? ste : NULL,
		.class_ = 2,
	};
	struct cached_leaf below;
	struct outcome out;

	if (known != NULL) {
		*leaf = *known;
		return permission(ste, dma, leaf, cd->record);
	}
	if (cd->epd0 || bit(addr, 55)) {
		out = fails(SMMU_F_TRANSLATION);
		out.record = cd->record;
		return out;
	}
	out = fails(walk(smmu, &w, leaf));
	out.stage2 = w.s2_fault;
	out.class_ = w.class_;
	out.ipa = w.ipa;
	if (out.event != SMMU_OK) {
		if (out.event != SMMU_F_WALK_EABT)
			out.record = w.s2_fault ? ste->s2_record : cd->record;
		return out;
	}
	if (alone)
		return permission(ste, dma, leaf, cd->record);
	if (ste->stage2) {
		u64 ipa = leaf->out + (addr - leaf->in);

		out = fails(s2_translate(smmu, ste, ipa, cached, &below));
		if (out.event != SMMU_OK) {
			out.stage2 = true;
			out.ipa = ipa;
			out.record = ste->s2_record;
			return out;
		}
		if (below.size < leaf->size) {
			leaf->in = addr & ~(below.size - 1);
			leaf->size = below.size;
			leaf->level = below.level;
		}
		leaf->out = below.out + ((ipa - (addr - leaf->in)) - below.in);
		leaf->s2_read = below.read;
		leaf->s2_write = below.write;
	}
	if (cached)
		cache_add_leaf(smmu, leaf);
	return permission(ste, dma, leaf, cd->record);
}

/* No translation: the address itself, if it is one. */
static struct outcome untranslated(const struct smmu *smmu, u64 addr, struct cached_leaf *leaf)
{
	*leaf = (struct cached_leaf){
		.in = addr & ~(PAGE - 1),
		.out = addr & ~(PAGE - 1),
		.size = PAGE,
		.read = true,
		.write = true,
	};
	return fails(addr >> smmu_oas_bits(smmu->config.oas) != 0 ? SMMU_F_ADDR_SIZE : SMMU_OK);
}

static struct outcome ats_rules(struct smmu *smmu, const struct ste *ste, const struct smmu_dma *dma, u64 addr, bool cached,
				struct cached_leaf *leaf)
{
	/* Split: what it says is translated is so by stage 1 alone. */
	if (ste->eats == 2)
		return stage2_alone(smmu, ste, dma, addr, cached, leaf);
	if (bit(smmu->cr0, 4) && (ste->eats == 0 || !(ste->stage1 || ste->stage2)))
		return fails(SMMU_F_TRANSL_FORBIDDEN);
	return untranslated(smmu, addr, leaf);
}

/* request: not an access but what an ATS device asks before one. */
static struct outcome translate_for(struct smmu *smmu, const struct smmu_dma *dma, u64 addr, bool cached, bool request,
				    struct cached_leaf *leaf)
{
	struct outcome out;
	bool no_stage1;
	struct ste ste;
	struct cd cd;
	u32 ssid;

	if (smmu->failed)
		return fails(SMMU_ABORTED);
	if (!bit(smmu->cr0ack, 0)) {
		if (bit(smmu->gbpa, 20))
			return fails(SMMU_ABORTED);
		return untranslated(smmu, addr, leaf);
	}
	ste = ste_fetch(smmu, dma->sid, cached);
	if (ste.event == SMMU_OK && ste.eats == 2 && !bit(smmu->cr0, 4))
		ste.event = SMMU_C_BAD_STE; /* 5.2 EATS */
	if (ste.event != SMMU_OK)
		return fails(ste.event);
	ste.alone = request;
	if (ste.abort)
		return fails(SMMU_ABORTED);
	if (dma->translated)
		return ats_rules(smmu, &ste, dma, addr, cached, leaf);
	out = fails(substream(&ste, dma, &ssid, &no_stage1));
	if (out.event != SMMU_OK)
		return out;
	if (ste.stage1 && !no_stage1) {
		cd = cd_fetch(smmu, &ste, dma->sid, ssid, cached);
		if (cd.event == SMMU_F_TRANSLATION || cd.event == SMMU_F_PERMISSION) {
			out = fails(cd.event);
			out.stage2 = true;
			out.class_ = 0;
			return out;
		}
		if (cd.event != SMMU_OK) {
			out = fails(cd.event);
			out.ipa = cd.addr;
			return out;
		}
		return stage1(smmu, &ste, &cd, dma, addr, cached, leaf);
	}
	if (ste.stage2)
		return stage2_alone(smmu, &ste, dma, addr, cached, leaf);
	return untranslated(smmu, addr, leaf);
}

static struct outcome translate(struct smmu *smmu, const struct smmu_dma *dma, u64 addr, bool cached, struct cached_leaf *leaf)
{
	return translate_for(smmu, dma, addr, cached, false, leaf);
}

/* Its record has FetchAddr, which is a physical address, where others have the IPA. */
static bool is_fetch(enum smmu_event event) { return event == SMMU_F_CD_FETCH || event == SMMU_F_WALK_EABT; }

static void report(struct smmu *smmu, const struct smmu_dma *dma, u64 addr,
		   const struct outcome *out)
{
	struct event event = {
		.code = out->event,
		.sid = dma->sid,
		.ssid = dma->ssid,
		.has_ssid = dma->has_ssid,
		.write = dma->write,
		.priv = dma->priv,
		.stage2 = out->stage2,
		.class_ = out->class_,
		.addr = addr,
		.ipa = out->stage2 || is_fetch(out->event) ? out->ipa : 0,
	};

	if (!out->record)
		return;
	if (smmu->config.merges) {
		struct ste ste = ste_fetch(smmu, dma->sid, true);

		event.may_merge = ste.event == SMMU_OK && ste.mev;
	}
	event_record(smmu, &event);
}

/* Memory, or a register window: there the access is only seen by the hook. */
static void access_piece(struct smmu *smmu, const struct smmu_dma *dma, u64 pa, u8 *buffer, u32 n)
{
	void *memory = fake_ram(pa, n);

	if (smmu->hook != NULL)
		smmu->hook(smmu->hook_ctx, dma, pa, n);
	if (memory == NULL) {
		if (!dma->write)
			memset(buffer, 0xff, n);
	} else if (dma->write) {
		fake_hw_write(pa, buffer, n);
	} else {
		memcpy(buffer, memory, n);
	}
}

enum smmu_event smmu_dma(struct smmu *smmu, const struct smmu_dma *dma, void *buffer, u32 *done)
{
	u8 *bytes = buffer;
	u32 at = 0;

	smmu_watch(smmu, dma->sid, dma->has_ssid, dma->ssid, dma->addr);
	if (done != NULL)
		*done = 0;
	while (at < dma->size) {
		u64 addr = dma->addr + at;
		u32 rest = (u32)(PAGE - addr % PAGE),
		    n = dma->size - at < rest ? dma->size - at : rest;
		struct cached_leaf leaf = { .in = 0 };
		struct outcome out = translate(smmu, dma, addr, true, &leaf);

		if (out.event != SMMU_OK) {
			report(smmu, dma, addr, &out);
			return out.event;
		}
		access_piece(smmu, dma, leaf.out + (addr - leaf.in), bytes + at, n);
		at += n;
		if (done != NULL)
			*done = at;
	}
	return SMMU_OK;
}

enum smmu_event smmu_dma_write(struct smmu *smmu, u32 sid, u64 addr, const void *from, u32 size)
{
	const struct smmu_dma dma = { .sid = sid, .write = true, .addr = addr, .size = size };
	u8 copy[2 * PAGE];

	if (size > sizeof(copy))
		fake_die("smmu_dma_write of %u bytes", size);
	memcpy(copy, from, size);
	return smmu_dma(smmu, &dma, copy, NULL);
}

enum smmu_event smmu_dma_read(struct smmu *smmu, u32 sid, u64 addr, void *to, u32 size)
{
	const struct smmu_dma dma = { .sid = sid, .addr = addr, .size = size };

	return smmu_dma(smmu, &dma, to, NULL);
}

enum smmu_event smmu_ats_request(struct smmu *smmu, u32 sid, u64 addr, u64 *pa)
{
	const struct smmu_dma dma = { .sid = sid, .addr = addr, .size = 1 };
	struct cached_leaf leaf = { .in = 0 };
	struct outcome out = fails(SMMU_ABORTED);
	struct ste ste;

	if (!bit(smmu->cr0ack, 0))
		return out.event;
	ste = ste_fetch(smmu, sid, true);
	if (ste.event == SMMU_OK && !ste.abort && ste.eats == 0)
		out = fails(SMMU_F_BAD_ATS_TREQ);
	else
		out = translate_for(smmu, &dma, addr, true, true, &leaf);
	if (out.event != SMMU_OK)
		report(smmu, &dma, addr, &out);
	*pa = leaf.out + (addr - leaf.in);
	if (out.event == SMMU_OK)
		*(struct kept *)list_push(&smmu->kept) = (struct kept){ sid, addr & ~(PAGE - 1), *pa & ~(PAGE - 1) };
	return out.event;
}

static void speculate_one(struct smmu *smmu, const struct watch *w)
{
	const struct smmu_dma dma = { .sid = w->sid, .has_ssid = w->has_ssid, .ssid = w->ssid };
	struct cached_leaf leaf;

	smmu->speculating = true;
	(void)translate(smmu, &dma, w->addr, true, &leaf);
	smmu->speculating = false;
}

void smmu_speculate(struct smmu *smmu)
{
	for (u32 i = 0; bit(smmu->cr0ack, 0) && i < smmu->watches.count; i++)
		speculate_one(smmu, LIST_AT(&smmu->watches, struct watch, i));
}

void smmu_speculate_one(struct smmu *smmu)
{
	u32 i = (u32)fake_random_below(smmu->watches.count);

	if (bit(smmu->cr0ack, 0) && smmu->watches.count > 0)
		speculate_one(smmu, LIST_AT(&smmu->watches, struct watch, i));
}

enum smmu_event smmu_walk(struct smmu *smmu, const struct smmu_dma *dma, u64 *pa, u64 *size)
{
	struct cached_leaf leaf = { .in = 0 };
	struct outcome out = translate(smmu, dma, dma->addr, false, &leaf);

	*pa = leaf.out + (dma->addr - leaf.in);
	*size = leaf.size;
	return out.event;
}

/* --- everything that a table holds */

struct visit {
	struct smmu *smmu;
	struct walk w;
	bool cpu;
	smmu_cached_fn *leaf;
	smmu_table_fn *table;
	void *ctx;
};

static bool visit_read(const struct visit *v, u64 table, u64 *desc, u32 entries)
{
	const void *p;

	if (!v->cpu)
		return smmu_read_mem(v->smmu, table, desc, entries * 8);
	p = fake_ram(table, entries * 8ull);
	if (p != NULL)
		memcpy(desc, p, entries * 8ull);
	return p != NULL;
}

static void visit_leaf(const struct visit *v, u64 in, u64 desc, int level)
{
	struct walk w = v->w;
	struct cached_leaf leaf;
	struct smmu_cached out;

	w.in = in;
	if (leaf_decode(v->smmu, &w, desc, level, &leaf) != SMMU_OK || v->leaf == NULL)
		return;
	out = (struct smmu_cached){
		.stage1 = leaf.stage1,
		.global = leaf.global,
		.input = leaf.in,
		.output = leaf.out,
		.size = leaf.size,
		.read = leaf.read,
		.write = leaf.write,
		.user = leaf.user,
	};
	v->leaf(v->ctx, &out);
}

static void visit_table(const struct visit *v, u64 table, u32 entries, u64 in, int level)
{
	if (v->table != NULL)
		v->table(v->ctx, table, in, level);
	for (u32 done = 0; done < entries; done += 512) {
		u32 now = entries - done < 512 ? entries - done : 512;
		u64 desc[512];

		if (!visit_read(v, table + done * 8ull, desc, now)) {
			smmu_misused(v->smmu, "table at %#llx is not in memory",
				     (unsigned long long)table);
			return;
		}
		for (u32 i = 0; i < now; i++) {
			u64 at = in + ((u64)(done + i) << level_shift(level));

			if (!bit(desc[i], 0))
				continue;
			if (level < 3 && bit(desc[i], 1))
				visit_table(v, field_addr(desc[i], 47, 12), 512, at, level + 1);
			else if (level > 0 && (level < 3 || bit(desc[i], 1)))
				visit_leaf(v, at, desc[i], level);
		}
	}
}

void smmu_for_each_entry(struct smmu *smmu, const struct smmu_root *root, smmu_cached_fn *leaf,
			 smmu_table_fn *table, void *ctx)
{
	const struct visit v = {
		.smmu = smmu,
		.w = { .stage1 = root->stage1,
		       .bits = root->bits,
		       .start = root->start,
		       .out_bits = 48 },
		.cpu = root->cpu,
		.leaf = leaf,
		.table = table,
		.ctx = ctx,
	};

	visit_table(&v, root->table, 1u << (root->bits - level_shift(root->start)), root->input, root->start);
}

struct smmu_stream smmu_stream_of(struct smmu *smmu, u32 sid, bool has_ssid, u32 ssid)
{
	struct ste ste = ste_fetch(smmu, sid, false);
	struct smmu_stream out = {
		.event = ste.event,
		.abort = ste.abort,
		.bypass = ste.bypass,
		.stage1 = ste.stage1,
		.stage2 = ste.stage2,
		.vmid = ste.vmid,
		.ssid_bits = ste.cd_max,
		.s1dss = ste.dss,
		.eats = ste.eats,
		.ste = ste.addr,
		.ctx = ste.ctx,
		.root = ste.s2ttb,
		.s2root = ste.s2ttb,
		.bits = ste.s2_bits,
		.start = ste.s2_start,
	};
	struct cd cd;

	if (ste.event == SMMU_OK && ste.stage1) {
		if (has_ssid && ssid >> ste.cd_max != 0) {
			out.event = SMMU_C_BAD_SUBSTREAMID;
			return out;
		}
		cd = cd_fetch(smmu, &ste, sid, has_ssid ? ssid : 0, false);
		out.event = cd.event;
		out.asid = cd.asid;
		out.cd = cd.addr;
		out.root = cd.ttb0;
		out.bits = cd.va_bits;
		out.start = cd.event == SMMU_OK && !cd.epd0 ? (u8)(3 - (cd.va_bits - 13) / 9) : 0;
	}
	return out;
}

static void stream_visit(struct smmu *smmu, u32 sid, smmu_stream_fn *fn, void *ctx)
{
	struct smmu_stream stream = smmu_stream_of(smmu, sid, false, 0);

	if (stream.stage1 || stream.stage2 || stream.bypass)
		fn(ctx, sid, &stream);
}

void smmu_for_each_stream_page(struct smmu *smmu, smmu_stream_page_fn *fn, void *ctx)
{
	u32 log2 = (u32)field(smmu->strtab_cfg, 5, 0), split = (u32)field(smmu->strtab_cfg, 10, 6);
	u64 base = field_addr(smmu->strtab_base, 51, 6), streams = 1ull << log2, span = streams;
	u64 table = base;

	if (field(smmu->strtab_cfg, 17, 16) == 1) {
		span = 1ull << split;
		for (u64 at = 0; at < streams >> split; at += PAGE / 8)
			fn(ctx, base + at * 8, 0, 0);
	}
	for (u64 first = 0; first < streams; first += span) {
		if (span != streams) {
			if (!smmu_read_mem(smmu, base + (first >> split) * 8, &table, sizeof(table)) ||
			    field(table, 4, 0) == 0)
				continue;
			table = field_addr(table, 51, 6);
		}
		for (u64 at = 0; at < span; at += PAGE / 64)
			fn(ctx, table + at * 64, (u32)(first + at), (u32)(span - at < PAGE / 64 ? span - at : PAGE / 64));
	}
}

void smmu_for_each_stream(struct smmu *smmu, u32 first, u32 count, smmu_stream_fn *fn, void *ctx)
{
	for (u32 sid = first; sid < first + count; sid++)
		stream_visit(smmu, sid, fn, ctx);
}
