/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which commands remove a tag's translations (IHI 0070 4.4):
 *
 *	kind         a range                          the whole tag
 *	TAG_STAGE1   NH_VA(asid)                      NH_ASID
 *	TAG_STAGE2   S2_IPA                           S12_VMALL
 *	TAG_DMA      S2_IPA, sync, NH_ALL             S12_VMALL
 *
 * TAG_DMA: S2_IPA leaves entries that combine both stages, and those could be made again from
 * stage 2 until S2_IPA is complete; hence the sync between. NH_* is illegal without stage 1,
 * S2_* and S12_* without stage 2, and without stage 2 the VMID field is zero.
 */
#include "queue.h"

#define SCALE_MAX      31 /* five bits without IDR5.DS */
#define RANGE_BITS     36 /* log2 of the granules that (31, 31) covers, rounded up */
#define RANGE_COMMANDS 8  /* five bits each */

static const struct smmuv3_tlbi none;

void smmuv3_tlbi_init(struct smmuv3 *s)
{
	const struct smmuv3_features *f = &s->f;
	const u64 vmid = f->stage2 ? CMD0_VMID : 0;

	bool simple = f->coherent && (f->quirks & QUIRK_REPEAT) == 0;

	s->tlbi[TAG_STAGE1] = s->tlbi[TAG_STAGE2] = s->tlbi[TAG_DMA] = none;
	if (f->stage1)
		s->tlbi[TAG_STAGE1] = (struct smmuv3_tlbi){
			.by_range = OP_TLBI_NH_VA,
			.whole = OP_TLBI_NH_ASID,
			.id_mask = vmid | CMD0_ASID,
		};
	if (f->stage2)
		s->tlbi[TAG_STAGE2] = s->tlbi[TAG_DMA] = (struct smmuv3_tlbi){
			.by_range = OP_TLBI_S2_IPA,
			.whole = OP_TLBI_S12_VMALL,
			.id_mask = vmid,
		};
	if (f->stage2 && f->stage1)
		s->tlbi[TAG_DMA].then = OP_TLBI_NH_ALL;
	for (u32 i = 0; simple && i < ARRAY_SIZE(s->tlbi); i++)
		if (s->tlbi[i].then == 0)
			s->tlbi[i].single = s->tlbi[i].by_range;
}

struct command {
	u64 w0, w1;
};

static ALWAYS_INLINE struct command by_address(u64 w0, u64 address, bool leaf_only)
{
	return (struct command){ w0, (address & CMD1_ADDRESS) | FIELD(CMD1_LEAF, leaf_only) };
}

/*
 * TTL, the level of the leaves: only when nothing but leaves goes and all are of one size, since
 * it spares every other level.
 */
static ALWAYS_INLINE u64 level_hint(const struct inval_range *r)
{
	u64 unaligned = (r->base | r->size) & (BIT(r->leaf_shift) - 1);

	return r->leaf_only && unaligned == 0 ? 3 - (r->leaf_shift - PAGE_SHIFT) / 9u : 0;
}

/*
 * By range (4.4.1.1) a command covers (NUM + 1) * 2^SCALE granules from an address on: a page
 * count is taken apart from its lowest bit, five bits a command. One granule has the plain form:
 * as a range without TTL it is reserved. Returns the granules covered.
 */
static ALWAYS_INLINE u64 by_range(struct command *c, u64 pages, u64 ttl)
{
	u32 low = (u32)__builtin_ctzll(pages);
	u32 scale = low < SCALE_MAX ? low : SCALE_MAX;
	u64 num = (pages >> scale) & 31;

	if (num == 1 && scale == 0)
		return 1;
	c->w0 |= FIELD(CMD0_NUM, num - 1) | FIELD(CMD0_SCALE, scale);
	c->w1 |= FIELD(CMD1_TG, TG_4K) | FIELD(CMD1_TTL, ttl);
	return num << scale;
}

static u32 put_range(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, const struct inval_range *r)
	MUST_HOLD(queue_class)
{
	const u64 ttl = level_hint(r);
	u64 address = r->base;
	u64 pages = r->size >> PAGE_SHIFT;
	u32 commands = 0;

	for (; pages != 0; commands++) {
		struct command c = by_address(w0, address, r->leaf_only);
		u64 part = by_range(&c, pages, ttl);

		cmdq_add(s, b, c.w0, c.w1);
		address += part << PAGE_SHIFT;
		pages -= part;
	}
	return commands;
}

/* Without ranges: a command per leaf that was there. */
static u32 put_leaves(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, const struct inval_range *r)
	MUST_HOLD(queue_class)
{
	u64 count = r->size >> r->leaf_shift;

	for (u64 i = 0; i < count; i++) {
		struct command c = by_address(w0, r->base + (i << r->leaf_shift), r->leaf_only);

		cmdq_add(s, b, c.w0, c.w1);
	}
	return (u32)count;
}

static bool too_many(const struct smmuv3 *s, const struct inval_range *r, u32 left)
{
	if (s->f.range)
		return left < RANGE_COMMANDS || r->size >> (PAGE_SHIFT + RANGE_BITS) != 0;
	return r->size >> r->leaf_shift > left;
}

/* False: it would be more commands than a flush of the tag is worth. */
static bool put_ranges(struct smmuv3 *s, struct cmdq_batch *b, u64 w0,
		       const struct inval_range *ranges, u32 count) MUST_HOLD(queue_class)
{
	u32 left = TLBI_BUDGET;

	for (u32 i = 0; i < count; i++) {
		if (too_many(s, &ranges[i], left))
			return false;
		left -= s->f.range ? put_range(s, b, w0, &ranges[i]) :
				     put_leaves(s, b, w0, &ranges[i]);
	}
	return true;
}

static void put_all(struct smmuv3 *s, struct cmdq_batch *b, const struct smmuv3_tlbi *how, u64 id,
		    const struct inval_range *ranges, u32 count) MUST_HOLD(queue_class)
{
	if (ranges == NULL || !put_ranges(s, b, how->by_range | id, ranges, count)) {
		cmdq_add(s, b, how->whole | id, 0);
	} else if (how->then != 0) {
		cmdq_sync(s, b);
		cmdq_add(s, b, how->then | id, 0);
	}
}

static NOINLINE enum status inval_batch(struct smmuv3 *s, const struct smmuv3_tlbi *how, u64 id,
					const struct inval_range *ranges, u32 count, u64 *ticket)
{
	struct cmdq_batch b;

	if (__atomic_load_n(&how->by_range, __ATOMIC_RELAXED) == 0)
		return __atomic_load_n(&s->dead, __ATOMIC_RELAXED) ? E_IO : E_INVAL;
	b = cmdq_begin(s);
	put_all(s, &b, how, id, ranges, count);
	if ((s->f.quirks & QUIRK_REPEAT) != 0) {
		cmdq_sync(s, &b);
		put_all(s, &b, how, id, ranges, count);
	}
	*ticket = cmdq_end(s, &b);
	return *ticket != 0 ? OK : E_IO;
}

/* One range in one command, by far the commonest: its ticket, or 0 when that is not it. */
static ALWAYS_INLINE u64 inval_single(struct smmuv3 *s, u64 w0, const struct inval_range *r)
{
	struct command c = by_address(w0, r->base, r->leaf_only);

	if (r->size != PAGE_SIZE) {
		u64 pages = r->size >> PAGE_SHIFT;

		if (!s->f.range || pages == 0 || pages >> RANGE_BITS != 0 ||
		    by_range(&c, pages, level_hint(r)) != pages)
			return 0;
	}
	return cmdq_single(s, c.w0, c.w1);
}

enum status smmuv3_inval(struct iommu *iommu, const struct iommu_tag *tag,
			 const struct inval_range *ranges, u32 count, u64 *ticket)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	const struct smmuv3_tlbi *how = &s->tlbi[tag->kind];
	const u64 id = (FIELD(CMD0_VMID, tag->vmid) | FIELD(CMD0_ASID, tag->asid)) & how->id_mask;
	const u64 single = __atomic_load_n(&how->single, __ATOMIC_RELAXED);

	if (likely(single != 0 && count == 1 && ranges != NULL)) {
		*ticket = inval_single(s, single | id, ranges);
		if (likely(*ticket != 0))
			return OK;
	}
	return inval_batch(s, how, id, ranges, count, ticket);
}

/* Configuration first: the other way round old entries could still fill the TLB (4.3.6). */
enum status smmuv3_flush_all(struct smmuv3 *s)
{
	struct cmdq_batch b = cmdq_begin(s);
	u64 ticket;

	for (u32 pass = 0; pass < 2; pass++) {
		cmdq_add(s, &b, OP_CFGI_STE_RANGE, FIELD(CMD1_RANGE, RANGE_ALL));
		cmdq_sync(s, &b);
		cmdq_add(s, &b, OP_TLBI_NSNH_ALL, 0);
		if (s->f.hyp)
			cmdq_add(s, &b, OP_TLBI_EL2_ALL, 0);
		if ((s->f.quirks & QUIRK_REPEAT) == 0)
			break;
		cmdq_sync(s, &b);
	}
	ticket = cmdq_end(s, &b);
	return ticket != 0 ? cmdq_wait(s, ticket) : E_IO;
}
