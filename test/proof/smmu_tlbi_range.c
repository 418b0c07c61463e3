/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a range is taken apart into invalidations by address (arch/arm64/smmuv3/tlb.c): the commands cover it exactly, page by
 * page, each beginning where the last one ended. What a command covers is worked out here from IHI 0070 4.4, not by the
 * driver's masks. Under which tag, and what else goes with it, is smmu_tlbi's.
 *
 * For all: one step of up to 2^36 pages, which is where the driver flushes the whole tag instead, and that eight steps are
 * enough; leaf sizes, alignments. Up to: the steps of one range one behind the other, 2^20 pages; nine commands in place of
 * 64 where hardware has no ranges, a leaf each.
 *
 * unwind: 10
 * unwindset: put_range.0:5
 * scale: arch/arm64/smmuv3/smmuv3.h: TLBI_BUDGET 9
 */
#include "proof.h"

#include "arch/arm64/smmuv3/tlb.c"

#define B(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

static u64 field(u64 word, u32 high, u32 low)
{
	return (word & B(high, low)) >> low;
}

static struct smmuv3 smmu;
static struct inval_range range;
static u64 left; /* bytes that are not covered yet */
static u64 others; /* bits of the opcode, VMID and ASID */

/* Bytes that a command by address covers, from where it says; of a plain one: the leaf that holds the address. */
static u64 extent(u64 w0, u64 w1)
{
	const u64 granule = field(w1, 11, 10), level = field(w1, 9, 8), num = field(w0, 16, 12), scale = field(w0, 24, 20);

	if (granule == 0) {
		CLAIM("a plain command has no range fields", num == 0 && scale == 0 && level == 0);
		return smmu.f.range ? PAGE_SIZE : 1ull << range.leaf_shift;
	}
	CLAIM("ranges only where hardware has them, in pages of 4 KiB", smmu.f.range && granule == 1);
	CLAIM("no reserved form of a range", num != 0 || scale != 0 || level != 0);
	return (num + 1) << scale << 12;
}

/* Below tlb.c: the queue. */
void cmdq_add(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1)
{
	const u64 level = field(w1, 9, 8), bytes = extent(w0, w1);

	(void)s, (void)b;
	CLAIM("each command begins where the last one ended", (w1 & B(63, 12)) == range.base + range.size - left);
	CLAIM("no command reaches beyond its range", bytes <= left);
	CLAIM("leaves alone only if only leaves were there", (w1 & 1) == range.leaf_only);
	/* TTL 1, 2, 3: leaves of level 1, 2, 3, and of no other size. */
	CLAIM("a hint of the level is the leaves' level",
	      level == 0 || (range.leaf_only && range.leaf_shift == 39 - 9 * level &&
			     ((range.base | range.size) & ((1ull << range.leaf_shift) - 1)) == 0));
	CLAIM("no bit of a command changes but its fields",
	      (w0 & ~(B(24, 20) | B(16, 12))) == others && (w1 & B(7, 1)) == 0);
	left -= bytes;
}

/* A step leaves a count of pages with five zeros more at its end: of 36 bits nothing is left after eight. */
static void prove_step(void)
{
	const u64 pages = any_u64(), ttl = any_u32_to(3);
	struct command c = { 0, 0 };
	u64 part;

	smmu.f.range = true;
	range.leaf_shift = PAGE_SHIFT;
	ASSUME(pages != 0 && pages >> RANGE_BITS == 0);
	part = by_range(&c, pages, ttl);
	CLAIM("a step says what its command covers", extent(c.w0, c.w1) == part << 12);
	CLAIM("a step covers something, and no more than there is", part != 0 && part <= pages);
	CLAIM("a step leaves less to do", pages == part || (pages - part) % (32ull << __builtin_ctzll(pages)) == 0);
}

static void prove_range(void)
{
	struct cmdq_batch b = { 0 };

	smmu.f.range = any_bool();
	range = (struct inval_range){ any_u64(), any_u64(), any_u8(), any_bool() };
	/* As struct inval_range says, inside an address space. */
	ASSUME(range.leaf_shift == 12 || range.leaf_shift == 21 || range.leaf_shift == 30);
	ASSUME(range.size != 0 && (range.size & ((1ull << range.leaf_shift) - 1)) == 0);
	ASSUME((range.base & PAGE_MASK) == 0 && range.base >> 52 == 0 && range.size <= 1ull << 52);
	/* Without ranges a command goes to each leaf, which then has to begin there. */
	ASSUME(smmu.f.range || (range.base & ((1ull << range.leaf_shift) - 1)) == 0);
	ASSUME(!smmu.f.range || range.size >> 32 == 0 || range.size >> 48 != 0);
	others = any_u64() & (B(63, 32) | B(7, 0));
	left = range.size;
	if (put_ranges(&smmu, &b, others, &range, 1))
		CLAIM("every page of the range is covered", left == 0);
	else
		CLAIM("a range that is not taken apart has no command, and is too long",
		      left == range.size && (smmu.f.range ? range.size >> 48 != 0 : range.size >> range.leaf_shift > 9));
}

int main(void)
{
	prove_step();
	prove_range();
	return 0;
}
