/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes into the queue for an invalidation (arch/arm64/smmuv3/tlb.c): under the tag that was meant and no other, by
 * commands that the hardware has, in the order that IHI 0070 4.4 and the errata want, with a sync behind all of it; on the
 * short way of one command as on the long one. That the commands of a range cover it is smmu_tlbi_range's.
 *
 * For all: tags, features, errata, how full the queue is, what comes of it. Up to: two ranges a call, each a page or too long.
 *
 * unwind: 4
 */
#include "proof.h"

#include "arch/arm64/smmuv3/tlb.c"

#define B(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

static u64 field(u64 word, u32 high, u32 low)
{
	return (word & B(high, low)) >> low;
}

static struct smmuv3 smmu;
static struct iommu iommu;
static struct iommu_tag tag;
static struct inval_range range[2];
static u32 range_count;
static u64 slot[4]; /* of a queue of two commands, for what goes by cmdq_single() */

/* What was seen: in the first of two rounds (where an erratum wants two), and in the second. */
static struct {
	u32 range; /* the next one */
	bool done; /* all of them */
	bool whole;  /* the tag as a whole */
	bool behind; /* a sync stands behind all that */
	bool combined; /* and entries that combine both stages have gone, too */
} seen, first;
static bool by_batch, ended;

static bool nested_dma(void)
{
	return tag.kind == TAG_DMA && smmu.f.stage1;
}

static void by_address_seen(u64 w0, u64 w1)
{
	CLAIM("by address goes what was asked for, in its order",
	      !seen.done && seen.range < range_count && (w1 & B(63, 12)) == range[seen.range].base &&
		      (w1 & B(11, 0)) == range[seen.range].leaf_only && (w0 & B(31, 8)) == 0);
	seen.range++;
	seen.done = seen.range == range_count;
}

static void command_seen(u64 w0, u64 w1)
{
	const u32 op = (u32)field(w0, 7, 0);
	const bool s1 = tag.kind == TAG_STAGE1;

	if (op == 0x46) {
		seen.behind = seen.done || seen.whole;
		return;
	}
	CLAIM("commands have the tag's VMID, and an ASID only in stage 1",
	      field(w0, 47, 32) == (smmu.f.stage2 ? tag.vmid : 0) && field(w0, 63, 48) == (s1 ? tag.asid : 0));
	CLAIM("commands of a stage only where hardware has it", op == 0x11 || op == 0x12 || op == 0x10 ? smmu.f.stage1 :
													 smmu.f.stage2);
	if (op == (s1 ? 0x12u : 0x2au)) {
		by_address_seen(w0, w1);
	} else if (op == 0x10) {
		/* What combines both stages could be made again from stage 2 until that is complete. */
		CLAIM("combined entries go after stage 2 is complete, and only for a VM's DMA", nested_dma() && seen.behind);
		seen.combined = true;
		seen.behind = false;
	} else {
		CLAIM("the whole tag by its own command", op == (s1 ? 0x11u : 0x28u) && w1 == 0);
		seen.whole = true;
		seen.behind = false;
		seen.combined = true; /* S12_VMALL and NH_ASID have them too */
	}
}

/* --- below tlb.c: the queue, in order */

void cmdq_add(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1)
{
	(void)s, (void)b;
	/* The second round of an erratum begins anew, behind the sync of the first. */
	if ((smmu.f.quirks & QUIRK_REPEAT) != 0 && seen.behind && (seen.combined || !nested_dma()) && !first.behind) {
		first = seen;
		__builtin_memset(&seen, 0, sizeof(seen));
	}
	command_seen(w0, w1);
}

void cmdq_sync(struct smmuv3 *s, struct cmdq_batch *b)
{
	(void)s, (void)b;
	seen.behind = seen.done || seen.whole;
}

struct cmdq_batch cmdq_begin(struct smmuv3 *s)
{
	(void)s;
	by_batch = true;
	return (struct cmdq_batch){ 0 };
}

u64 cmdq_end(struct smmuv3 *s, struct cmdq_batch *b)
{
	cmdq_sync(s, b);
	ended = true;
	return any_u64();
}

void arch_spin_lock(struct spinlock *lock) { (void)lock; }
void arch_spin_unlock(struct spinlock *lock) { (void)lock; }
void io_table_write(u64 *at, u64 value) { *at = value; }
void io_wmb(void) {}
void io_write32(u32 value, volatile void *reg) { (void)value, (void)reg; }
u32 io_read32(const volatile void *reg)
{
	(void)reg;
	return any_u32();
}
enum status cmdq_wait_slow(struct smmuv3 *s, u64 ticket)
{
	(void)s, (void)ticket;
	return any_bool() ? OK : E_IO;
}

static void any_smmu(void)
{
	static u8 regs[0x100];

	smmu = (struct smmuv3){
		.regs = regs,
		.iommu = &iommu,
		.f = { .stage1 = any_bool(), .stage2 = any_bool(), .range = any_bool(), .coherent = any_bool(), .quirks = any_u32() },
		.cmdq = { .base = slot, .size = 2, .wrap = 3, .prod = any_u64(), .cons = any_u64() },
	};
	iommu.hw = &smmu;
	ASSUME(smmu.f.stage1 || smmu.f.stage2);
	smmuv3_tlbi_init(&smmu);
}

static void any_ranges(void)
{
	range_count = any_u32_to(2);
	for (u32 i = 0; i < 2; i++) {
		struct inval_range *r = &range[i];

		*r = (struct inval_range){ any_u64(), any_bool() ? PAGE_SIZE : 1ull << 49, PAGE_SHIFT, any_bool() };
		ASSUME((r->base & PAGE_MASK) == 0 && r->base >> 52 == 0);
	}
}

int main(void)
{
	enum status status;
	u64 ticket = 0;

	any_smmu();
	any_ranges();
	tag = (struct iommu_tag){ .kind = (enum iommu_tag_kind)any_u32_to(TAG_DMA), .asid = any_u16(), .vmid = any_u16() };

	status = smmuv3_inval(&iommu, &tag, range_count > 0 ? range : NULL, range_count, &ticket);

	if (tag.kind == TAG_STAGE1 ? !smmu.f.stage1 : !smmu.f.stage2) {
		CLAIM("what the hardware has no entries of is refused", status == E_INVAL && !by_batch);
		return 0;
	}
	if (!by_batch) {
		/* A batch of one command, straight into the queue. */
		CLAIM("done at once means queued", status == OK && ticket != 0);
		CLAIM("alone goes only what needs no other", !nested_dma() && (smmu.f.quirks & QUIRK_REPEAT) == 0 && smmu.f.coherent);
		command_seen(slot[0 + 2 * ((ticket - 2) & 1)], slot[1 + 2 * ((ticket - 2) & 1)]);
		command_seen(slot[0 + 2 * ((ticket - 1) & 1)], slot[1 + 2 * ((ticket - 1) & 1)]);
		CLAIM("a command alone is all, with a sync behind it", seen.done && seen.behind && !seen.whole);
		return 0;
	}
	CLAIM("success means a ticket", ended && (status == OK) == (ticket != 0));
	CLAIM("every range, or the whole tag, and a sync behind it", (seen.done || seen.whole) && seen.behind);
	CLAIM("combined entries are gone too", !nested_dma() || seen.combined);
	if ((smmu.f.quirks & QUIRK_REPEAT) != 0)
		CLAIM("twice where an erratum wants it, with a sync between",
		      (first.done || first.whole) && first.behind && (first.combined || !nested_dma()));
	return 0;
}
