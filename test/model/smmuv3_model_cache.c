/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches of the model. Nothing ever leaves them but by an invalidation that the architecture says
 * removes it, and by the narrowest reading of it: a leaf-only command leaves table pointers, a
 * level hint leaves other levels, TLBI_S2_IPA leaves what stage 1 and 2 were combined into.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "smmuv3_model_private.h"

#define MAX_LEAVES 8192u

void *list_push(struct list *list)
{
	if (list->count == list->room) {
		list->room = list->room == 0 ? 64 : 2 * list->room;
		list->items = realloc(list->items, list->room * list->item);
		if (list->items == NULL)
			fake_die("no host memory");
	}
	list->changes++;
	return memset((u8 *)list->items + list->count++ * list->item, 0, list->item);
}

void list_remove(struct list *list, u32 index)
{
	u8 *items = list->items;

	list->changes++;
	list->count--;
	memmove(items + index * list->item, items + list->count * list->item, list->item);
}

/* --- configuration */

const struct ste *cache_ste(const struct smmu *smmu, u32 sid)
{
	for (u32 i = 0; i < smmu->stes.count; i++)
		if (LIST_AT(&smmu->stes, struct cached_ste, i)->sid == sid)
			return &LIST_AT(&smmu->stes, struct cached_ste, i)->ste;
	return NULL;
}

const struct cd *cache_cd(const struct smmu *smmu, u32 sid, u32 ssid)
{
	for (u32 i = 0; i < smmu->cds.count; i++) {
		const struct cached_cd *cd = LIST_AT(&smmu->cds, struct cached_cd, i);

		if (cd->sid == sid && cd->ssid == ssid)
			return &cd->cd;
	}
	return NULL;
}

const u64 *cache_l1(const struct smmu *smmu, enum table_kind kind, u32 sid, u32 index)
{
	for (u32 i = 0; i < smmu->l1s.count; i++) {
		const struct cached_l1 *l1 = LIST_AT(&smmu->l1s, struct cached_l1, i);

		if (l1->kind == kind && (kind == L1STD || l1->sid == sid) &&
		    index - l1->first < l1->count)
			return &l1->word;
	}
	return NULL;
}

void cache_add_ste(struct smmu *smmu, u32 sid, const struct ste *ste)
{
	struct cached_ste *entry = list_push(&smmu->stes);

	entry->sid = sid;
	entry->ste = *ste;
}

void cache_add_cd(struct smmu *smmu, u32 sid, u32 ssid, const struct cd *cd)
{
	struct cached_cd *entry = list_push(&smmu->cds);

	entry->sid = sid;
	entry->ssid = ssid;
	entry->cd = *cd;
}

void cache_add_l1(struct smmu *smmu, enum table_kind kind, u32 sid, u32 first, u32 count, u64 word)
{
	struct cached_l1 *entry = list_push(&smmu->l1s);

	*entry = (struct cached_l1){ kind, sid, first, count, word };
}

static bool in_range(u32 sid, u32 first, u32 last) { return sid >= first && sid <= last; }

static void drop_cds(struct smmu *smmu, u32 first, u32 last, bool l1)
{
	for (u32 i = smmu->cds.count; i-- > 0;)
		if (in_range(LIST_AT(&smmu->cds, struct cached_cd, i)->sid, first, last))
			list_remove(&smmu->cds, i);
	for (u32 i = smmu->l1s.count; l1 && i-- > 0;) {
		const struct cached_l1 *e = LIST_AT(&smmu->l1s, struct cached_l1, i);

		if (e->kind == L1CD && in_range(e->sid, first, last))
			list_remove(&smmu->l1s, i);
	}
}

/* An STE's invalidation takes what was reached through it with it (IHI 0070 4.3.1). */
static void drop_stes(struct smmu *smmu, u32 first, u32 last, bool l1)
{
	for (u32 i = smmu->stes.count; i-- > 0;)
		if (in_range(LIST_AT(&smmu->stes, struct cached_ste, i)->sid, first, last))
			list_remove(&smmu->stes, i);
	drop_cds(smmu, first, last, true);
	for (u32 i = smmu->l1s.count; l1 && i-- > 0;) {
		const struct cached_l1 *e = LIST_AT(&smmu->l1s, struct cached_l1, i);

		if (e->kind == L1STD && first < e->first + e->count && last >= e->first)
			list_remove(&smmu->l1s, i);
	}
}

static void drop_cd(struct smmu *smmu, u32 sid, u32 ssid, bool l1)
{
	for (u32 i = smmu->cds.count; i-- > 0;) {
		const struct cached_cd *e = LIST_AT(&smmu->cds, struct cached_cd, i);

		if (e->sid == sid && e->ssid == ssid)
			list_remove(&smmu->cds, i);
	}
	for (u32 i = smmu->l1s.count; l1 && i-- > 0;) {
		const struct cached_l1 *e = LIST_AT(&smmu->l1s, struct cached_l1, i);

		if (e->kind == L1CD && e->sid == sid && ssid - e->first < e->count)
			list_remove(&smmu->l1s, i);
	}
}

/* --- translations */

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a - b < b_size || b - a < a_size;
}

static bool leaf_tagged(const struct cached_leaf *leaf, bool stage1, u16 vmid, u16 asid)
{
	return leaf->stage1 == stage1 && leaf->vmid == vmid &&
	       (!stage1 || leaf->global || leaf->asid == asid);
}

const struct cached_leaf *cache_leaf(const struct smmu *smmu, bool stage1, u16 vmid, u16 asid,
				     u64 in)
{
	for (u32 i = 0; i < smmu->leaves.count; i++) {
		const struct cached_leaf *leaf = LIST_AT(&smmu->leaves, struct cached_leaf, i);

		if (leaf_tagged(leaf, stage1, vmid, asid) && in - leaf->in < leaf->size)
			return leaf;
	}
	return NULL;
}

/*
 * What is new must agree with what is there: a changed output without invalidation, and a changed
 * size without break-before-make below BBML 2, are software's mistakes (IHI 0070 3.21.1.3).
 */
static void leaf_conflicts(struct smmu *smmu, const struct cached_leaf *new)
{
	if (new->guest)
		return;
	for (u32 i = 0; i < smmu->leaves.count; i++) {
		const struct cached_leaf *old = LIST_AT(&smmu->leaves, struct cached_leaf, i);

		if (!leaf_tagged(old, new->stage1, new->vmid, new->asid) ||
		    !overlap(old->in, old->size, new->in, new->size))
			continue;
		if (old->out - old->in != new->out - new->in)
			smmu_misused(smmu, "input %#llx had another output in the TLB",
				     (unsigned long long)new->in);
		else if (old->size != new->size && smmu->config.bbml < 2)
			smmu_misused(smmu, "input %#llx had another size in the TLB",
				     (unsigned long long)new->in);
	}
}

void cache_add_leaf(struct smmu *smmu, const struct cached_leaf *leaf)
{
	leaf_conflicts(smmu, leaf);
	if (smmu->leaves.count == MAX_LEAVES)
		list_remove(&smmu->leaves, (u32)fake_random_below(MAX_LEAVES));
	*(struct cached_leaf *)list_push(&smmu->leaves) = *leaf;
}

const struct cached_table *cache_table(const struct smmu *smmu, bool stage1, u16 vmid, u16 asid,
				       u64 in)
{
	const struct cached_table *best = NULL;

	for (u32 i = 0; i < smmu->tables.count; i++) {
		const struct cached_table *t = LIST_AT(&smmu->tables, struct cached_table, i);

		if (t->stage1 == stage1 && t->vmid == vmid && (!stage1 || t->asid == asid) &&
		    in - t->in < t->size && (best == NULL || t->level > best->level))
			best = t;
	}
	return best;
}

void cache_add_table(struct smmu *smmu, const struct cached_table *table)
{
	for (u32 i = 0; i < smmu->tables.count; i++) {
		const struct cached_table *t = LIST_AT(&smmu->tables, struct cached_table, i);

		if (t->stage1 == table->stage1 && t->vmid == table->vmid &&
		    t->asid == table->asid && t->in == table->in && t->level == table->level) {
			if (t->table != table->table && !t->guest)
				smmu_misused(smmu, "input %#llx had another table in the TLB",
					     (unsigned long long)table->in);
			return;
		}
	}
	*(struct cached_table *)list_push(&smmu->tables) = *table;
}

/* Which translations an invalidation names. */
struct scope {
	bool stage1, any_stage;
	bool any_vmid, any_asid, any_input;
	bool leaf_only;
	u16 vmid, asid;
	u64 in, size;
	u8 level; /* hint: leaves of this level only; 0 none */
};

static bool leaf_in_scope(const struct cached_leaf *leaf, const struct scope *s)
{
	if (!s->any_stage && leaf->stage1 != s->stage1)
		return false;
	if (!s->any_vmid && leaf->vmid != s->vmid)
		return false;
	/* By ASID global entries are kept, by address they go (4.4). */
	if (leaf->stage1 && !s->any_asid && (leaf->global ? s->any_input : leaf->asid != s->asid))
		return false;
	if (s->any_input)
		return true;
	return (s->level == 0 || s->level == leaf->level) &&
	       overlap(leaf->in, leaf->size, s->in, s->size);
}

static bool table_in_scope(const struct cached_table *t, const struct scope *s)
{
	if (s->leaf_only || (!s->any_stage && t->stage1 != s->stage1))
		return false;
	if (!s->any_vmid && t->vmid != s->vmid)
		return false;
	if (t->stage1 && !s->any_asid && t->asid != s->asid)
		return false;
	if (s->any_input)
		return true;
	return (s->level == 0 || t->level < s->level) && overlap(t->in, t->size, s->in, s->size);
}

static void drop_translations(struct smmu *smmu, const struct scope *s)
{
	for (u32 i = smmu->leaves.count; i-- > 0;)
		if (leaf_in_scope(LIST_AT(&smmu->leaves, struct cached_leaf, i), s))
			list_remove(&smmu->leaves, i);
	for (u32 i = smmu->tables.count; i-- > 0;)
		if (table_in_scope(LIST_AT(&smmu->tables, struct cached_table, i), s))
			list_remove(&smmu->tables, i);
}

/* The address, range and hints of a TLBI by address. */
static void scope_address(struct smmu *smmu, struct scope *s, const u64 word[2])
{
	const bool guest = is_guest_vmid(smmu, s->vmid);
	u64 tg = field(word[1], 11, 10), pages = 1;

	s->in = field_addr(word[1], 63, 12);
	s->leaf_only = bit(word[1], 0);
	if (tg != 0) {
		pages = (field(word[0], 16, 12) + 1) << field(word[0], 25, 20);
		s->level = (u8)field(word[1], 9, 8);
		if (tg != 1 && !guest)
			smmu_misused(smmu, "TLBI for a granule that no table has");
	}
	s->size = pages << (tg < 2 ? 12 : 10 + 2 * tg);
	if (s->level == 1 || s->level == 2) {
		u64 block = s->level == 1 ? 1ull << 30 : 1ull << 21;

		/* No entry need be invalidated then. */
		if (s->in % block != 0) {
			if (!guest)
				smmu_misused(smmu, "TLBI at %#llx is not aligned to its level %u",
					     (unsigned long long)s->in, s->level);
			s->size = 0;
		}
	}
}

static void tlbi_apply(struct smmu *smmu, const u64 word[2])
{
	struct scope s = {
		.stage1 = true,
		.vmid = (u16)field(word[0], 47, 32),
		.asid = (u16)field(word[0], 63, 48),
		.any_vmid = !smmu->config.stage2,
	};

	switch (field(word[0], 7, 0)) {
	case 0x10: /* NH_ALL */
		s.any_asid = s.any_input = true;
		break;
	case 0x11: /* NH_ASID */
		s.any_input = true;
		break;
	case 0x12: /* NH_VA */
		scope_address(smmu, &s, word);
		break;
	case 0x13: /* NH_VAA */
		s.any_asid = true;
		scope_address(smmu, &s, word);
		break;
	case 0x28: /* S12_VMALL */
		s.any_stage = s.any_asid = s.any_input = true;
		break;
	case 0x2a: /* S2_IPA: stage 2 alone */
		s.stage1 = false;
		scope_address(smmu, &s, word);
		s.in &= (1ull << 52) - 1;
		break;
	case 0x30: /* NSNH_ALL */
		s.any_stage = s.any_vmid = s.any_asid = s.any_input = true;
		smmu->tlb_flushed = true;
		break;
	default: /* EL2: none of ours */
		return;
	}
	if (s.any_input || s.size != 0)
		drop_translations(smmu, &s);
}

/* What the device keeps of 2^Size pages, naturally aligned (4.5.1). */
static void drop_kept(struct smmu *smmu, const u64 word[2])
{
	u64 log2 = 12 + field(word[1], 5, 0), first = field_addr(word[1], 63, 12);

	first = log2 < 64 ? first >> log2 << log2 : 0;
	for (u32 i = smmu->kept.count; i-- > 0;) {
		const struct kept *kept = LIST_AT(&smmu->kept, struct kept, i);

		if (kept->sid == field(word[0], 63, 32) && (log2 >= 64 || (kept->in - first) >> log2 == 0))
			list_remove(&smmu->kept, i);
	}
}

bool smmu_atc_holds(const struct smmu *smmu, u32 sid, u64 addr)
{
	for (u32 i = 0; i < smmu->kept.count; i++)
		if (LIST_AT(&smmu->kept, struct kept, i)->sid == sid && LIST_AT(&smmu->kept, struct kept, i)->in == (addr & ~0xfffull))
			return true;
	return false;
}

void cache_apply(struct smmu *smmu, const u64 word[2])
{
	u32 sid = (u32)field(word[0], 63, 32), ssid = (u32)field(word[0], 31, 12);
	u32 range = (u32)field(word[1], 4, 0);
	u32 span;

	switch (field(word[0], 7, 0)) {
	case 0x03:
		drop_stes(smmu, sid, sid, !bit(word[1], 0));
		break;
	case 0x04: /* 2^(Range+1) streams; 31: all */
		if (range == 31)
			smmu->config_flushed = true;
		span = range == 31 ? ~0u : (2u << range) - 1;
		drop_stes(smmu, range == 31 ? 0 : sid & ~span, range == 31 ? ~0u : sid | span,
			  true);
		break;
	case 0x05:
		drop_cd(smmu, sid, ssid, !bit(word[1], 0));
		break;
	case 0x06:
		drop_cds(smmu, sid, sid, true);
		break;
	case 0x10 ... 0x30:
		tlbi_apply(smmu, word);
		break;
	case 0x40:
		drop_kept(smmu, word);
		break;
	default:
		break;
	}
}

void cache_clear(struct smmu *smmu)
{
	smmu->stes.count = smmu->cds.count = smmu->l1s.count = 0;
	smmu->leaves.count = smmu->tables.count = 0;
	smmu->stes.changes++;
}

void smmu_guest_tag(struct smmu *smmu, u16 vmid) { smmu->guest_vmid[vmid / 8] |= (u8)(1u << vmid % 8); }

u64 smmu_cache_changes(const struct smmu *smmu)
{
	return smmu->stes.changes + smmu->cds.changes + smmu->l1s.changes + smmu->leaves.changes + smmu->tables.changes;
}

void smmu_for_each_cached(const struct smmu *smmu, smmu_cached_fn *fn, void *ctx)
{
	for (u32 i = 0; i < smmu->leaves.count; i++) {
		const struct cached_leaf *leaf = LIST_AT(&smmu->leaves, struct cached_leaf, i);
		const struct smmu_cached cached = {
			.stage1 = leaf->stage1,
			.global = leaf->global,
			.vmid = leaf->vmid,
			.asid = leaf->asid,
			.input = leaf->in,
			.output = leaf->out,
			.size = leaf->size,
			.read = leaf->read && leaf->s2_read,
			.write = leaf->write && leaf->s2_write,
			.user = leaf->user,
		};

		fn(ctx, &cached);
	}
}

void smmu_for_each_cached_table(const struct smmu *smmu, smmu_cached_table_fn *fn, void *ctx)
{
	for (u32 i = 0; i < smmu->tables.count; i++) {
		const struct cached_table *t = LIST_AT(&smmu->tables, struct cached_table, i);
		const struct smmu_cached_table cached = {
			.stage1 = t->stage1,
			.vmid = t->vmid,
			.asid = t->asid,
			.input = t->in,
			.size = t->size,
			.level = t->level,
			.table = t->table,
		};

		fn(ctx, &cached);
	}
}

static bool ste_same(const struct ste *a, const struct ste *b)
{
	return a->event == b->event && a->abort == b->abort && a->bypass == b->bypass &&
	       a->stage1 == b->stage1 && a->stage2 == b->stage2 && a->ctx == b->ctx &&
	       a->fmt == b->fmt && a->cd_max == b->cd_max && a->dss == b->dss &&
	       a->vmid == b->vmid && a->s2ttb == b->s2ttb && a->s2_bits == b->s2_bits &&
	       a->s2_start == b->s2_start && a->eats == b->eats;
}

static bool cd_same(const struct cd *a, const struct cd *b)
{
	return a->event == b->event &&
	       (a->event != SMMU_OK || (a->ttb0 == b->ttb0 && a->asid == b->asid &&
					a->va_bits == b->va_bits && a->mair == b->mair));
}

bool smmu_config_stale(struct smmu *smmu, u32 *sid)
{
	for (u32 i = 0; i < smmu->stes.count; i++) {
		const struct cached_ste *e = LIST_AT(&smmu->stes, struct cached_ste, i);
		struct ste now = ste_fetch(smmu, e->sid, false);

		*sid = e->sid;
		if (!ste_same(&e->ste, &now))
			return true;
	}
	for (u32 i = 0; i < smmu->cds.count; i++) {
		const struct cached_cd *e = LIST_AT(&smmu->cds, struct cached_cd, i);
		struct ste ste = ste_fetch(smmu, e->sid, false);
		struct cd now;

		*sid = e->sid;
		if (ste.event != SMMU_OK || !ste.stage1)
			return true;
		if (ste.stage2)
			continue; /* the guest's to invalidate */
		now = cd_fetch(smmu, &ste, e->sid, e->ssid, false);
		if (!cd_same(&e->cd, &now))
			return true;
	}
	return false;
}
