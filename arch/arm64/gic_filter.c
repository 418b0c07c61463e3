/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the primary sees of the distributor and the redistributors: one row per group of registers, default deny (reads
 * as zero, writes ignored). The primary's interrupts are all Group 1 with priorities of 0x80 and above, so that ours
 * (Group 0) always come first; ours read as zero. Nothing here lets the interrupt controller touch memory: LPIs do not
 * exist. Each CPU writes only its own redistributor.
 *
 * No state: every access is at most one access of the hardware. Which SPIs are ours may change while guests run, so the
 * caller holds gic_dist_lock for the distributor: a write that was filtered by the old set is done before there is a new
 * one. Follows IHI 0069 12.9 to 12.11.
 */
#include "gic.h"

#include "hyp/io.h"

#define LOWEST_PRIORITY 0x80808080u /* guests' are from 0x80 on, ours are 0 */
#define ALL_EDGE        0xaaaaaaaau /* GICD_ICFGR, ours but for those in `level` */
#define ALL             BITS(63, 0)

struct row {
	u16 first, end; /* offsets */
	u8 widths;      /* sum of the widths allowed */
	u8 shift;       /* the register has 1 << shift bits for each interrupt, from `intid` on; 7: it has none */
	u16 intid;
	u64 hidden;     /* reads as zero */
	u64 writable;   /* 0: writes are ignored */
	u64 set;        /* always one in the guest's part of what is written */
	u64 own;        /* and this is written to ours */
};

#define NO_INTERRUPT 7

/* The most frequent first. */
static const struct row dist_rows[] = {
	{ .first = GICD_IROUTER + 8 * GIC_SPI_FIRST, .end = GICD_IROUTER + 8 * GIC_SPI_END, .widths = 4 | 8, .shift = 6, .intid = GIC_SPI_FIRST, .writable = GICD_IROUTER_MASK },
	{ .first = GICD_IPRIORITYR, .end = GICD_IPRIORITYR + GIC_SPI_END, .widths = 1 | 4, .shift = 3, .writable = ALL, .set = LOWEST_PRIORITY },
	{ .first = GICD_ISENABLER, .end = GICD_IPRIORITYR, .widths = 4, /* and ICENABLER to ICACTIVER, 128 bytes each */
	  .shift = 0,
	  .writable = ALL },
	{ .first = GICD_ICFGR, .end = GICD_ICFGR + 256, .widths = 4, .shift = 1, .writable = ALL, .own = ALL_EDGE },
	{ .first = GICD_IGROUPR, .end = GICD_ISENABLER, .widths = 4, .shift = 0, .writable = ALL, .set = ALL },
	{ .first = GICD_CTLR, .end = GICD_CTLR + 4, .widths = 4, .shift = NO_INTERRUPT, .hidden = GICD_CTLR_GRP0 },
	{ .first = GICD_TYPER, .end = GICD_TYPER + 4, .widths = 4, .shift = NO_INTERRUPT, .hidden = GICD_TYPER_LPIS | GICD_TYPER_LPI_COUNT | GICD_TYPER_MBIS | GICD_TYPER_ESPI | GICD_TYPER_ESPI_LAST },
	{ .first = GICD_IIDR, .end = GICD_IIDR + 4, .widths = 4, .shift = NO_INTERRUPT },
	{ .first = GICD_PIDR, .end = GIC_ID_END, .widths = 4, .shift = NO_INTERRUPT },
};

/* RD_base. VLPIS stays visible: the distance to the next redistributor follows from it. */
static const struct row redist_rows[] = {
	{ .first = GICR_CTLR, .end = GICR_CTLR + 4, .widths = 4, .shift = NO_INTERRUPT, .hidden = ~GICR_CTLR_RWP },
	{ .first = GICR_TYPER, .end = GICR_TYPER + 4, .widths = 4 | 8, .shift = NO_INTERRUPT, .hidden = GICR_TYPER_PLPIS | GICR_TYPER_DIRTY | GICR_TYPER_DIRECT | GICR_TYPER_MPAM | GICR_TYPER_RVPEID },
	{ .first = GICR_TYPER + 4, .end = GICR_TYPER + 8, .widths = 4, .shift = NO_INTERRUPT },
	{ .first = GICR_WAKER, .end = GICR_WAKER + 4, .widths = 4, .shift = NO_INTERRUPT },
	{ .first = GICR_IIDR, .end = GICR_IIDR + 4, .widths = 4, .shift = NO_INTERRUPT },
	{ .first = GICR_PIDR, .end = GIC_ID_END, .widths = 4, .shift = NO_INTERRUPT },
};

#define SGI_BITS(offset) { .first = (offset), .end = (offset) + 4, .widths = 4, .shift = 0, .writable = ALL }

static const struct row sgi_rows[] = {
	SGI_BITS(GICD_ISENABLER),
	SGI_BITS(GICD_ICENABLER),
	SGI_BITS(GICD_ISPENDR),
	SGI_BITS(GICD_ICPENDR),
	SGI_BITS(GICD_ISACTIVER),
	SGI_BITS(GICD_ICACTIVER),
	{ .first = GICD_IPRIORITYR, .end = GICD_IPRIORITYR + 32, .widths = 1 | 4, .shift = 3, .writable = ALL, .set = LOWEST_PRIORITY },
	{ .first = GICD_ICFGR, .end = GICD_ICFGR + 8, .widths = 4, .shift = 1, .writable = ALL, .own = ALL_EDGE },
	{ .first = GICD_IGROUPR, .end = GICD_IGROUPR + 4, .widths = 4, .shift = 0, .writable = ALL, .set = ALL },
};

/* A mask with `size` bits for each bit set in `bits`. */
static ALWAYS_INLINE u64 widen(u64 bits, u32 size)
{
	u64 mask = 0;

	for (; bits; bits &= bits - 1)
		mask |= BITS(size - 1, 0) << (size * (u32)__builtin_ctzll(bits));
	return mask;
}

/* Which bits of the register, as accessed, belong to interrupts in `set`; `first` is the first interrupt in it. */
static ALWAYS_INLINE u64 own_bits(const u32 *set, const struct row *row, u32 first, u32 width)
{
	u32 count = width * 8 >> row->shift; /* 0: less than one interrupt's */
	u64 bits = set[first / 32] >> first % 32 & BITS(count ? count - 1 : 0, 0);

	return row->shift == NO_INTERRUPT ? 0 : widen(bits, 1u << row->shift);
}

/* What is written to ours. */
static ALWAYS_INLINE u64 ours(const struct gic *g, const struct row *row, u32 first, u32 width, u64 own)
{
	if (likely(!(own & row->own)))
		return 0;
	return own & row->own & ~own_bits(g->level, row, first, width);
}

static u64 read(const volatile void __mmio *reg, u32 width)
{
	if (width == 8)
		return io_read64(reg);
	return width == 4 ? io_read32(reg) : io_read8(reg);
}

static void write(u64 value, volatile void __mmio *reg, u32 width)
{
	if (width == 8)
		io_write64(value, reg);
	else if (width == 4)
		io_write32((u32)value, reg);
	else
		io_write8((u8)value, reg);
}

/* What an address is: a register in one of the frames. */
struct target {
	const struct row *row, *end; /* of the frame */
	volatile void __mmio *regs;
	u32 offset;
	bool may_write;
};

static const struct row *row_find(const struct target *t, u32 width)
{
	const struct row *row;

	for (row = t->row; row != t->end; row++)
		if (t->offset >= row->first && t->offset < row->end)
			return row->widths & width ? row : NULL;
	return NULL;
}

static ALWAYS_INLINE void access(const struct gic *g, const struct target *t, struct mem_access *a)
{
	const struct row *row = row_find(t, a->width);
	volatile void __mmio *reg;
	u32 first;
	u64 own = 0;

	if (!row) {
		a->value = 0;
		return;
	}
	reg = (volatile u8 __mmio *)t->regs + t->offset;
	first = (row->intid + ((t->offset - row->first) * 8 >> row->shift)) % 1024;
	if (g->own[first / 32])
		own = own_bits(g->own, row, first, a->width);
	if (!a->write)
		a->value = read(reg, a->width) & ~(own | row->hidden);
	else if (t->may_write && row->writable && own != ALL)
		write((((a->value | row->set) & row->writable >> t->offset % 8 * 8) & ~own) | ours(g, row, first, a->width, own),
		      reg, a->width);
}

bool gic_in_window(const struct gic *g, ipa_t addr)
{
	u32 i;

	for (i = 0; i < g->window_count; i++)
		if (addr.v - g->window[i].base < g->window[i].size)
			return true;
	return false;
}

/* Beyond the last redistributor, and in the frames of virtual LPIs, there are no rows. */
static struct target target_redist(const struct gic *g, u32 cpu, ipa_t addr)
{
	u32 i, offset;

	for (i = 0; i < g->cpu_count; i++) {
		if (addr.v - g->redist[i].base >= GICR_BYTES)
			continue;
		offset = (u32)(addr.v - g->redist[i].base);
		if (offset < GICR_SGI_BASE)
			return (struct target){ redist_rows, redist_rows + ARRAY_SIZE(redist_rows), g->redist[i].regs,
						offset, i == cpu };
		return (struct target){ sgi_rows, sgi_rows + ARRAY_SIZE(sgi_rows),
					(volatile u8 __mmio *)g->redist[i].regs + GICR_SGI_BASE,
					offset - GICR_SGI_BASE, i == cpu };
	}
	return (struct target){ 0 };
}

void gic_filter_redist(const struct gic *g, u32 cpu, struct mem_access *a)
{
	struct target t = target_redist(g, cpu, a->ipa);

	access(g, &t, a);
}

void gic_filter_dist(const struct gic *g, struct mem_access *a)
{
	struct target t = { dist_rows, dist_rows + ARRAY_SIZE(dist_rows), g->dist.regs, (u32)(a->ipa.v - g->dist.base),
			    true };

	access(g, &t, a);
}
