/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of a VM's distributor and redistributors: one row per group of registers, default deny (reads as zero,
 * writes ignored). Private interrupts are in the redistributors only, as affinity routing is always on; a vCPU may
 * access every redistributor of its VM, as on hardware. Follows IHI 0069 H.b, 12.9 to 12.11.
 *
 * There is no 1 of N routing (GICD_TYPER.No1N): GICD_IROUTER.Interrupt_Routing_Mode reads as zero, and such an interrupt
 * goes where the affinity says. An affinity that no vCPU has keeps it pending.
 */
#include "vgic_priv.h"

#define IIDR     0x50000000u /* ours; no implementer's */
#define PIDR2    0x3bu       /* GICv3 */
#define PRIORITY 0xf8u       /* 5 bits */
#define ID_BITS  10u

enum reg {
	CTLR,
	TYPER,
	IIDR_REG,
	PIDR2_REG,
	REDIST_TYPER,
	WAKER,
	/* A bit for each interrupt. */
	GROUP,
	ENABLE_SET,
	ENABLE_CLEAR,
	PENDING_SET,
	PENDING_CLEAR,
	ACTIVE_SET,
	ACTIVE_CLEAR,
	/* More. */
	PRIORITIES,
	CONFIG,
	ROUTE,
};

struct row {
	u16 first, end; /* offsets */
	u8 widths;      /* sum of the widths allowed */
	u8 reg;
	u8 shift;       /* 1 << shift bits for each interrupt, from `intid` on */
	u8 intid;
};

#define ONE(r, offset) { .first = (offset), .end = (offset) + 4, .widths = 4, .reg = (r) }
#define SHARED(r, offset, s, w)                          \
	{ .first = (offset) + (VGIC_PRIVATE << (s)) / 8, \
	  .end = (offset) + (VGIC_INTIDS << (s)) / 8,    \
	  .widths = (w),                                 \
	  .reg = (r),                                    \
	  .shift = (s),                                  \
	  .intid = VGIC_PRIVATE }
#define PRIVATE(r, offset, s, w)                       \
	{ .first = (offset),                           \
	  .end = (offset) + (VGIC_PRIVATE << (s)) / 8, \
	  .widths = (w),                               \
	  .reg = (r),                                  \
	  .shift = (s) }

static const struct row dist_rows[] = {
	SHARED(ENABLE_SET, GICD_ISENABLER, 0, 4),
	SHARED(ENABLE_CLEAR, GICD_ICENABLER, 0, 4),
	SHARED(PENDING_SET, GICD_ISPENDR, 0, 4),
	SHARED(PENDING_CLEAR, GICD_ICPENDR, 0, 4),
	SHARED(ACTIVE_SET, GICD_ISACTIVER, 0, 4),
	SHARED(ACTIVE_CLEAR, GICD_ICACTIVER, 0, 4),
	SHARED(PRIORITIES, GICD_IPRIORITYR, 3, 1 | 4),
	SHARED(CONFIG, GICD_ICFGR, 1, 4),
	SHARED(GROUP, GICD_IGROUPR, 0, 4),
	SHARED(ROUTE, GICD_IROUTER, 6, 4 | 8),
	ONE(CTLR, GICD_CTLR),
	ONE(TYPER, GICD_TYPER),
	ONE(IIDR_REG, GICD_IIDR),
	ONE(PIDR2_REG, GICD_PIDR2),
};

/* RD_base. */
static const struct row redist_rows[] = {
	ONE(IIDR_REG, GICR_IIDR),
	{ .first = GICR_TYPER, .end = GICR_TYPER + 8, .widths = 4 | 8, .reg = REDIST_TYPER },
	ONE(WAKER, GICR_WAKER),
	ONE(PIDR2_REG, GICD_PIDR2),
};

static const struct row sgi_rows[] = {
	PRIVATE(ENABLE_SET, GICD_ISENABLER, 0, 4),
	PRIVATE(ENABLE_CLEAR, GICD_ICENABLER, 0, 4),
	PRIVATE(PENDING_SET, GICD_ISPENDR, 0, 4),
	PRIVATE(PENDING_CLEAR, GICD_ICPENDR, 0, 4),
	PRIVATE(ACTIVE_SET, GICD_ISACTIVER, 0, 4),
	PRIVATE(ACTIVE_CLEAR, GICD_ICACTIVER, 0, 4),
	PRIVATE(PRIORITIES, GICD_IPRIORITYR, 3, 1 | 4),
	PRIVATE(CONFIG, GICD_ICFGR, 1, 4),
	PRIVATE(GROUP, GICD_IGROUPR, 0, 4),
};

/* What an address is: a register in one of the frames. */
struct target {
	const struct row *row, *end; /* of the frame */
	u32 offset;
	u32 vcpu;  /* whose private interrupts */
	u32 intid; /* the first one in the register, where it has any */
};

bool vgic_owns(const struct vgic *g, u64 ipa)
{
	return ipa - VGIC_DIST_BASE < VGIC_DIST_BYTES ||
	       ipa - VGIC_REDIST_BASE < g->vcpu_count * VGIC_REDIST_BYTES;
}

static struct target target_find(const struct vgic *g, u64 ipa)
{
	u64 offset = ipa - VGIC_REDIST_BASE;
	u32 vcpu = (u32)(offset / VGIC_REDIST_BYTES), in = (u32)(offset % VGIC_REDIST_BYTES);

	if (ipa - VGIC_DIST_BASE < VGIC_DIST_BYTES)
		return (struct target){ dist_rows, dist_rows + ARRAY_SIZE(dist_rows), (u32)(ipa - VGIC_DIST_BASE), 0, 0 };
	if (offset >= g->vcpu_count * VGIC_REDIST_BYTES)
		return (struct target){ 0 };
	if (in < GICR_SGI_BASE)
		return (struct target){ redist_rows, redist_rows + ARRAY_SIZE(redist_rows), in, vcpu, 0 };
	return (struct target){ sgi_rows, sgi_rows + ARRAY_SIZE(sgi_rows), in - GICR_SGI_BASE, vcpu, 0 };
}

static bool row_find(struct target *t, u32 width)
{
	for (; t->row != t->end; t->row++) {
		if (t->offset < t->row->first || t->offset >= t->row->end)
			continue;
		t->intid = t->row->intid + ((t->offset - t->row->first) * 8 >> t->row->shift);
		return t->row->widths & width && !(width & (width - 1)) && !(t->offset % width);
	}
	return false;
}

/* Two bits for each interrupt; the high one: edge. */
static u32 config_read(const struct vgic_bank *b, u32 first)
{
	u32 value = 0, i;

	for (i = 0; i < 16; i++)
		value |= (b->edge >> (first + i) & 1) << (2 * i + 1);
	return value;
}

static u32 config_write(struct vgic_bank *b, u32 first, u32 value)
{
	u32 edge = 0, was = b->edge, i;

	for (i = 0; i < 16; i++)
		edge |= (value >> (2 * i + 1) & 1) << (first + i);
	b->edge = (b->edge & ~(0xffffu << first)) | edge;
	return b->edge ^ was;
}

static u32 priority_read(const struct vgic_bank *b, u32 first, u32 count)
{
	u32 value = 0, i;

	for (i = 0; i < count; i++)
		value |= (u32)b->priority[first + i] << 8 * i;
	return value;
}

static u32 priority_write(struct vgic_bank *b, u32 first, u32 count, u64 value)
{
	u32 i;

	for (i = 0; i < count; i++)
		b->priority[first + i] = value >> 8 * i & PRIORITY;
	return ((1u << count) - 1) << first;
}

/* Aff3 is in bits 39 to 32 of the register and 31 to 24 of ours. */
static u64 route_read(const struct vgic *g, u32 spi)
{
	return (u64)(g->route[spi] >> 24) << 32 | (g->route[spi] & BITS(23, 0));
}

static u32 route_write(struct vgic *g, u32 spi, u64 value)
{
	u32 bit = vgic_bit(spi), i;

	g->route[spi] = (u32)(FIELD_GET(BITS(39, 32), value) << 24 | FIELD_GET(BITS(23, 0), value));
	for (i = 0; i < g->vcpu_count; i++)
		if (g->route[spi] == i)
			g->vcpu[i].routed[spi / 32] |= bit;
		else
			g->vcpu[i].routed[spi / 32] &= ~bit;
	return bit;
}

static u64 redist_typer(const struct vgic *g, u32 vcpu)
{
	return FIELD(GICR_TYPER_AFFINITY, vcpu) | FIELD(GICR_TYPER_NUMBER, vcpu) |
	       (vcpu + 1 == g->vcpu_count ? GICR_TYPER_LAST : 0);
}

static u64 reg_read(struct vgic *g, const struct target *t, u32 width) MUST_HOLD(queue_class)
{
	const struct vgic_bank *b = vgic_bank(g, t->vcpu, t->intid / 32);

	switch (t->row->reg) {
	case CTLR:
		return g->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
	case TYPER:
		return FIELD(GICD_TYPER_LINES, BANKS - 1) | FIELD(GICD_TYPER_IDBITS, ID_BITS - 1) | GICD_TYPER_NO1N;
	case IIDR_REG:
		return IIDR;
	case PIDR2_REG:
		return PIDR2;
	case REDIST_TYPER:
		return redist_typer(g, t->vcpu) >> t->offset % 8 * 8;
	case WAKER:
		return g->vcpu[t->vcpu].asleep ? GICR_WAKER_SLEEP | GICR_WAKER_CHILDREN : 0;
	case GROUP:
		return b->group;
	case ENABLE_SET:
	case ENABLE_CLEAR:
		return b->enabled;
	case PENDING_SET:
	case PENDING_CLEAR:
		return b->latch | b->sent | (b->line & ~b->edge);
	case ACTIVE_SET:
	case ACTIVE_CLEAR:
		return b->active;
	case PRIORITIES:
		return priority_read(b, t->intid % 32, width);
	case CONFIG:
		return config_read(b, t->intid % 32);
	case ROUTE:
		return route_read(g, t->intid - VGIC_PRIVATE) >> t->offset % 8 * 8;
	default:
		return 0;
	}
}

/* A shared interrupt that nobody holds becomes active where it is routed to, or else where that was written. */
static void active_set(struct vgic *g, u32 vcpu, const struct target *t, u32 bits) MUST_HOLD(queue_class)
{
	u32 bank = t->intid / 32, i;
	struct vgic_bank *b = vgic_bank(g, t->vcpu, bank);
	u32 nobodys = bits & ~(b->active | b->listed);

	b->active |= bits;
	b->forced |= bits & b->listed;
	if (!bank)
		return;
	for (i = 0; i < g->vcpu_count; i++) {
		g->vcpu[i].held[bank - 1] |= nobodys & g->vcpu[i].routed[bank - 1];
		nobodys &= ~g->vcpu[i].routed[bank - 1];
	}
	g->vcpu[vcpu].held[bank - 1] |= nobodys;
}

static void active_clear(struct vgic *g, const struct target *t, u32 bits) MUST_HOLD(queue_class)
{
	u32 bank = t->intid / 32, i;
	struct vgic_bank *b = vgic_bank(g, t->vcpu, bank);

	b->active &= ~bits;
	b->forced |= bits & b->listed;
	for (i = 0; bank && i < g->vcpu_count; i++)
		g->vcpu[i].held[bank - 1] &= ~(bits & ~b->listed);
	vgic_settle(b, bits);
}

/* Returns the interrupts of the bank that may have to be delivered differently now. */
static u32 reg_write(struct vgic *g, u32 vcpu, const struct target *t, const struct mem_access *a) MUST_HOLD(queue_class)
{
	struct vgic_bank *b = vgic_bank(g, t->vcpu, t->intid / 32);
	u32 value = (u32)a->value, was, spi = t->intid - VGIC_PRIVATE;

	switch (t->row->reg) {
	case WAKER:
		g->vcpu[t->vcpu].asleep = value & GICR_WAKER_SLEEP;
		return 0;
	case GROUP:
		was = b->group;
		b->group = value;
		return value ^ was;
	case ENABLE_SET:
		b->enabled |= value;
		return value;
	case ENABLE_CLEAR:
		b->enabled &= ~value;
		return value;
	case PENDING_SET:
		b->latch |= value;
		return value;
	case PENDING_CLEAR:
		b->latch &= ~value;
		b->sent &= ~value;
		vgic_settle(b, value);
		return value;
	case ACTIVE_SET:
		active_set(g, vcpu, t, value);
		return value;
	case ACTIVE_CLEAR:
		active_clear(g, t, value);
		return value;
	case PRIORITIES:
		return priority_write(b, t->intid % 32, a->width, a->value);
	case CONFIG:
		return t->intid ? config_write(b, t->intid % 32, value) : 0; /* SGIs are edge */
	case ROUTE:
		if (a->width == 8)
			return route_write(g, spi, a->value);
		if (t->offset % 8)
			return route_write(g, spi, (u64)value << 32 | (u32)route_read(g, spi));
		return route_write(g, spi, (route_read(g, spi) & BITS(63, 32)) | value);
	default:
		return 0;
	}
}

u32 vgic_access(struct vgic *g, u32 vcpu, struct mem_access *a)
{
	struct target t = target_find(g, a->ipa.v);
	u32 kick = 0, changed;

	if (!row_find(&t, a->width)) {
		a->value = 0;
		return 0;
	}
	vgic_lock(g);
	if (!a->write) {
		a->value = reg_read(g, &t, a->width) & BITS(8 * a->width - 1, 0);
	} else if (t.row->reg == CTLR) {
		changed = (g->ctlr ^ (u32)a->value) & (u32)(GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
		g->ctlr ^= changed;
		kick = changed ? (1u << g->vcpu_count) - 1 : 0;
	} else {
		changed = reg_write(g, vcpu, &t, a);
		kick = vgic_kick(g, t.vcpu, t.intid / 32, changed);
	}
	vgic_unlock(g);
	return kick;
}
