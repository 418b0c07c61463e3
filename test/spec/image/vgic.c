/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's accesses to its own distributor and redistributors (IHI 0069 H.b, 12.9 to 12.11): one security state, affinity
 * routing, no LPIs, VGIC_SPIS shared interrupts. What it says of an interrupt is kept as said, and nothing else of its
 * interrupts changes; what a VM reads is what it and its devices have said.
 *
 * Pending and active are compared where no other CPU and no physical interrupt has a part in them.
 */
#include "vgic_priv.h"

#include "entries.h"
#include "frames.h"
#include "image.h"
#include "spec_check.h"
#include "turn.h"

#define OUR_IIDR      0x50000000ull
#define OUR_PIDR2     0x3bull
#define CTLR_FIXED    0x50ull /* affinity routing, one security state */
#define CTLR_GROUPS   0x3ull
#define SLEEP         0x2ull
#define IS_ASLEEP     0x6ull
#define DIST_TYPER    ((VGIC_INTIDS / 32 - 1) | 9u << 19 | 1u << 25) /* 10 bits of INTID; no 1 of N */
#define PRIORITY_KEPT 0xf8u
#define BANK_COUNT    (VGIC_INTIDS / 32)

/* What a vCPU sees of all its interrupts, a bank of 32 each. */
struct seen {
	struct {
		u32 group, enabled, edge, pending, active;
		u32 moves; /* of which pending and active may change from elsewhere */
		u8 priority[32];
	} bank[BANK_COUNT];
	u64 route[VGIC_SPIS];
	u64 ctlr, asleep;
};

static void take(struct vgic *g, u32 vcpu, struct seen *s)
{
	vgic_lock(g);
	for (u32 k = 0; k < BANK_COUNT; k++) {
		const struct vgic_bank *b = vgic_bank(g, vcpu, k);

		s->bank[k].group = b->group;
		s->bank[k].enabled = b->enabled;
		s->bank[k].edge = b->edge;
		s->bank[k].pending = b->latch | b->sent | (b->line & ~b->edge);
		s->bank[k].active = b->active;
		s->bank[k].moves = b->listed | b->hw | b->events | (k == 0 ? 1u << VGIC_TIMER : 0);
		for (u32 i = 0; i < 32; i++)
			s->bank[k].priority[i] = b->priority[i];
	}
	for (u32 i = 0; i < VGIC_SPIS; i++)
		s->route[i] = (u64)(g->route[i] >> 24) << 32 | (g->route[i] & 0xffffff);
	s->ctlr = g->ctlr;
	s->asleep = g->vcpu[vcpu].asleep;
	vgic_unlock(g);
}

struct asked {
	struct frame_reg reg;
	const struct mem_access *access;
	u32 frame; /* whose private interrupts, or redistributor */
	u32 vcpus;
	bool dist;
};

static u64 low_bits(u64 value, u32 width) { return width == 8 ? value : value & ((1ull << width * 8) - 1); }

static u64 spread(u32 bits)
{
	u64 value = 0;

	for (u32 i = 0; i < 16; i++)
		value |= (u64)(bits >> i & 1) << (2 * i + 1);
	return value;
}

static u64 priorities(const struct seen *s, const struct frame_reg *reg)
{
	u64 value = 0;

	for (u32 i = 0; i < reg->count; i++)
		value |= (u64)s->bank[reg->first / 32].priority[reg->first % 32 + i] << 8 * i;
	return value;
}

static u64 redist_typer(const struct asked *a)
{
	u64 last = a->frame + 1 == a->vcpus;

	return ((u64)a->frame << 32 | a->frame << 8 | last << 4) >> a->reg.at * 8;
}

/* What a read of this has to show. */
static u64 shown(const struct asked *a, const struct seen *s)
{
	u32 bank = a->reg.first / 32;

	switch (a->reg.kind) {
	case F_NONE:
		return 0;
	case F_GROUP:
		return s->bank[bank].group;
	case F_ENABLE_SET ... F_ENABLE_CLEAR:
		return s->bank[bank].enabled;
	case F_PENDING_SET ... F_PENDING_CLEAR:
		return s->bank[bank].pending;
	case F_ACTIVE_SET ... F_ACTIVE_CLEAR:
		return s->bank[bank].active;
	case F_PRIORITY:
		return priorities(s, &a->reg);
	case F_CONFIG:
		return spread(s->bank[bank].edge >> a->reg.first % 32);
	case F_ROUTE:
		return s->route[a->reg.first - SPI_FIRST] >> a->reg.at * 8;
	case F_CTLR:
		return a->dist ? s->ctlr | CTLR_FIXED : 0;
	case F_TYPER:
		return a->dist ? DIST_TYPER : redist_typer(a);
	case F_IIDR:
		return OUR_IIDR;
	case F_WAKER:
		return s->asleep ? IS_ASLEEP : 0;
	case F_PIDR:
		return (a->access->ipa.v & 0xffff) == 0xffe8 ? OUR_PIDR2 : 0;
	}
	return 0;
}

static void write_config(struct seen *s, const struct frame_reg *reg, u64 v)
{
	u32 shift = reg->first % 32;

	if (reg->first == 0)
		return; /* software's are edge */
	for (u32 i = 0; i < reg->count; i++)
		s->bank[reg->first / 32].edge = (s->bank[reg->first / 32].edge & ~(1u << (shift + i))) |
						(u32)(v >> (2 * i + 1) & 1) << (shift + i);
}

static void write_route(struct seen *s, const struct asked *a, u64 v)
{
	u64 *route = &s->route[a->reg.first - SPI_FIRST], mask = low_bits(~0ull, a->access->width) << a->reg.at * 8;

	*route = ((*route & ~mask) | (v << a->reg.at * 8 & mask)) & 0xff00ffffffull;
}

/* What a write does to what is seen. */
static void written(const struct asked *a, struct seen *s)
{
	const u64 v = low_bits(a->access->value, a->access->width);
	const u32 bits = (u32)v;
	const u32 k = a->reg.first / 32;

	switch (a->reg.kind) {
	case F_GROUP:
		s->bank[k].group = bits;
		break;
	case F_ENABLE_SET:
		s->bank[k].enabled |= bits;
		break;
	case F_ENABLE_CLEAR:
		s->bank[k].enabled &= ~bits;
		break;
	case F_PENDING_SET:
		s->bank[k].pending |= bits;
		break;
	case F_PENDING_CLEAR:
		/* A level that is high stays pending; whose is told by what is left of it. */
		s->bank[k].moves |= bits & ~s->bank[k].edge;
		s->bank[k].pending &= ~bits;
		break;
	case F_ACTIVE_SET:
		s->bank[k].active |= bits;
		break;
	case F_ACTIVE_CLEAR:
		s->bank[k].active &= ~bits;
		break;
	case F_PRIORITY:
		for (u32 i = 0; i < a->reg.count; i++)
			s->bank[k].priority[a->reg.first % 32 + i] = (u8)(v >> 8 * i & PRIORITY_KEPT);
		break;
	case F_CONFIG:
		/* A line that was pending by its level, or by its rise, is so by the other from now on. */
		s->bank[k].moves |= ~0u;
		write_config(s, &a->reg, v);
		break;
	case F_ROUTE:
		write_route(s, a, v);
		break;
	case F_CTLR:
		s->ctlr = a->dist ? v & CTLR_GROUPS : s->ctlr;
		break;
	case F_WAKER:
		s->asleep = (v & SLEEP) != 0;
		break;
	default:
		break;
	}
}

static void NORETURN refuse(const struct asked *a, u64 is, u64 must, const char *what)
{
	spec_fail("a VM's %s of %u bytes at its 0x%llx (0x%llx): %s 0x%llx, and 0x%llx it has to be",
		  a->access->write ? "write" : "read", a->access->width, (unsigned long long)a->access->ipa.v,
		  (unsigned long long)a->access->value, what, (unsigned long long)is, (unsigned long long)must);
}

static void same(const struct asked *a, u64 is, u64 must, const char *what)
{
	if (is != must)
		refuse(a, is, must, what);
}

static void judge_write(const struct asked *a, const struct seen *must, const struct seen *is)
{
	for (u32 k = 0; k < BANK_COUNT; k++) {
		u32 stable = ~(must->bank[k].moves | is->bank[k].moves);

		same(a, is->bank[k].group, must->bank[k].group, "groups are");
		same(a, is->bank[k].enabled, must->bank[k].enabled, "enabled are");
		same(a, is->bank[k].edge, must->bank[k].edge, "edges are");
		same(a, is->bank[k].pending & stable, must->bank[k].pending & stable, "pending are");
		same(a, is->bank[k].active & stable, must->bank[k].active & stable, "active are");
		for (u32 i = 0; i < 32; i++)
			same(a, is->bank[k].priority[i], must->bank[k].priority[i], "a priority is");
	}
	for (u32 i = 0; i < VGIC_SPIS; i++)
		same(a, is->route[i], must->route[i], "a route is");
	same(a, is->ctlr, must->ctlr, "groups that are forwarded are");
	same(a, is->asleep, must->asleep, "the redistributor's sleep is");
}

static void judge_read(const struct asked *a, const struct seen *before, const struct seen *after)
{
	u64 is = a->access->value, must = low_bits(shown(a, before), a->access->width), stable = ~0ull;

	if (a->reg.kind >= F_PENDING_SET && a->reg.kind <= F_ACTIVE_CLEAR)
		stable = ~(before->bank[a->reg.first / 32].moves | after->bank[a->reg.first / 32].moves);
	same(a, is & stable, must & stable, "it shows");
}

static struct asked ask(const struct vgic *g, u32 vcpu, const struct mem_access *access)
{
	struct asked a = { .access = access, .vcpus = g->vcpu_count, .frame = vcpu };
	u64 offset = access->ipa.v - VGIC_REDIST_BASE;

	a.dist = access->ipa.v - VGIC_DIST_BASE < VGIC_DIST_BYTES;
	if (a.dist) {
		a.reg = frame_dist((u32)(access->ipa.v - VGIC_DIST_BASE), access->width);
		if (a.reg.count != 0 && (a.reg.first < SPI_FIRST || a.reg.first >= VGIC_INTIDS))
			a.reg = (struct frame_reg){ .kind = F_NONE };
	} else if (offset < a.vcpus * VGIC_REDIST_BYTES) {
		a.frame = (u32)(offset / VGIC_REDIST_BYTES);
		offset %= VGIC_REDIST_BYTES;
		a.reg = offset < 0x10000 ? frame_redist((u32)offset, access->width) :
					   frame_sgi((u32)offset - 0x10000, access->width);
	}
	return a;
}

u32 __real_vgic_access(struct vgic *g, u32 vcpu, struct mem_access *access);
u32 __wrap_vgic_access(struct vgic *g, u32 vcpu, struct mem_access *access);
u32 __wrap_vgic_access(struct vgic *g, u32 vcpu, struct mem_access *access)
{
	static struct seen before, after; /* guarded by the turn */
	struct asked a = ask(g, vcpu, access);
	bool alone;
	u32 kick;

	if (!turn_judges())
		return __real_vgic_access(g, vcpu, access);
	alone = turn_enter();
	if (alone)
		take(g, a.frame, &before);
	kick = __real_vgic_access(g, vcpu, access);
	if (turn_is_ours(alone)) {
		take(g, a.frame, &after);
		entry_judged(ENTRY_VGIC);
		if (!access->write)
			judge_read(&a, &before, &after);
		else
			written(&a, &before);
		judge_write(&a, &before, &after);
		if (kick >> a.vcpus != 0)
			refuse(&a, kick, (1u << a.vcpus) - 1, "of vCPUs that it has not, one is to look:");
	}
	turn_leave();
	return kick;
}
