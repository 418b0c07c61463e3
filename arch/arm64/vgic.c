/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller of a secondary VM: what makes an interrupt pending, and who has to hear of it. Registers are
 * in vgic_mmio.c, list registers in vgic_lr.c, the state in vgic_priv.h. Follows IHI 0069 H.b, chapter 4.
 */
#include "vgic_priv.h"

#include <string.h>

#include "hyp/check.h"

#define SGIS 16u

/* ICC_SGI1R_EL1, 12.2.20. */
#define SGI_TARGETS BITS(15, 0) /* of affinity level 0, from 16 * range on */
#define SGI_INTID   BITS(27, 24)
#define SGI_ALL     BIT(40) /* but the sender */
#define SGI_OTHER   (BITS(55, 48) | BITS(47, 44) | BITS(39, 32) | BITS(23, 16)) /* Aff3, range, Aff2, Aff1 */

u64 vgic_bytes(void) { return sizeof(struct vgic); }

/* As after reset: nothing enabled, all Group 0, SPIs to vCPU 0, SGIs edge and the others level. */
void vgic_init(struct vgic *g, u32 vcpu_count, u32 lr_count)
{
	struct vgic_vcpu *v;

	CHECK(vcpu_count >= 1 && vcpu_count <= VGIC_VCPUS && lr_count >= 1 && lr_count <= VGIC_LRS);
	memset(g, 0, sizeof(*g));
	g->vcpu_count = vcpu_count;
	memset(g->vcpu[0].routed, 0xff, sizeof(g->vcpu[0].routed));
	for (v = g->vcpu; v != g->vcpu + vcpu_count; v++) {
		v->cpu.lr_count = (u8)lr_count;
		v->cpu.hcr = ICH_HCR_EN;
		v->own.edge = (1u << SGIS) - 1;
		v->own.hw = vgic_bit(VGIC_TIMER);
		v->asleep = true;
	}
}

struct vgic_cpu *vgic_cpu(struct vgic *g, u32 vcpu) { return &g->vcpu[vcpu].cpu; }

u32 vgic_ready(const struct vgic *g, const struct vgic_bank *b)
{
	u32 forwarded = (g->ctlr & GICD_CTLR_GRP1 ? b->group : 0) | (g->ctlr & GICD_CTLR_GRP0 ? ~b->group : 0);

	return (b->latch | (b->line & ~b->edge)) & b->enabled & forwarded;
}

u32 vgic_wanted(struct vgic *g, u32 vcpu, u32 bank)
{
	const struct vgic_bank *b = vgic_bank(g, vcpu, bank);
	u32 ready = vgic_ready(g, b) & ~b->active;
	u32 active = b->active;

	if (bank) {
		ready &= g->vcpu[vcpu].routed[bank - 1];
		active &= g->vcpu[vcpu].held[bank - 1];
	}
	return (ready | active) & ~b->listed;
}

u32 vgic_kick(struct vgic *g, u32 vcpu, u32 bank, u32 bits)
{
	u32 listed = vgic_bank(g, vcpu, bank)->listed & bits;
	u32 kick = 0, i;

	if (!bank)
		return listed || vgic_wanted(g, vcpu, 0) & bits ? 1u << vcpu : 0;
	for (i = 0; i < g->vcpu_count; i++)
		if (listed & g->vcpu[i].held[bank - 1] || vgic_wanted(g, i, bank) & bits)
			kick |= 1u << i;
	return kick;
}

void vgic_settle(struct vgic_bank *b, u32 bits)
{
	u32 over = b->owed & bits & ~(b->latch | b->active | b->listed);

	b->owed &= ~over;
	b->deactivate |= over;
}

u32 vgic_sgi(struct vgic *g, u32 vcpu, u64 value)
{
	u32 bit = vgic_bit((u32)FIELD_GET(SGI_INTID, value));
	u32 targets = 0, kick = 0, i;

	if (value & SGI_ALL)
		targets = ~(1u << vcpu);
	else if (!(value & SGI_OTHER))
		targets = (u32)FIELD_GET(SGI_TARGETS, value);
	vgic_lock(g);
	for (i = 0; i < g->vcpu_count; i++) {
		if (!(targets >> i & 1))
			continue;
		g->vcpu[i].own.latch |= bit;
		kick |= vgic_kick(g, i, 0, bit);
	}
	vgic_unlock(g);
	return kick;
}

enum status vgic_line(struct vgic *g, u32 vcpu, u64 intid, bool level, u32 *kick)
{
	struct vgic_bank *b;
	u32 bank = (u32)intid / 32, bit = vgic_bit((u32)intid), was;
	enum status st = OK;

	*kick = 0;
	if (intid < SGIS || intid >= VGIC_INTIDS || vcpu >= g->vcpu_count)
		return E_INVAL;
	vgic_lock(g);
	b = vgic_bank(g, vcpu, bank);
	was = b->line & bit;
	if ((b->hw | b->events) & bit) {
		st = E_DENIED;
	} else if (level && !was) {
		b->line |= bit;
		b->latch |= b->edge & bit;
		*kick = vgic_kick(g, vcpu, bank, bit);
	} else if (!level && was) {
		b->line &= ~bit;
		*kick = vgic_kick(g, vcpu, bank, bit);
	}
	vgic_unlock(g);
	return st;
}

static bool is_spi(u64 intid) { return intid >= VGIC_PRIVATE && intid < VGIC_INTIDS; }

enum status vgic_hw_map(struct vgic *g, u64 intid, u32 physical)
{
	struct vgic_bank *b;
	enum status st = E_BUSY;

	if (!is_spi(intid))
		return E_INVAL;
	vgic_lock(g);
	b = vgic_bank(g, 0, (u32)intid / 32);
	if (!((b->hw | b->line | b->events | b->listed) & vgic_bit((u32)intid))) {
		b->hw |= vgic_bit((u32)intid);
		g->physical[intid - VGIC_PRIVATE] = physical;
		st = OK;
	}
	vgic_unlock(g);
	return st;
}

/* One that is active stays so, as software's: the guest is about to end it. */
bool vgic_hw_unmap(struct vgic *g, u64 intid)
{
	struct vgic_bank *b;
	bool was = false;
	u32 bit = vgic_bit((u32)intid);

	if (!is_spi(intid))
		return false;
	vgic_lock(g);
	b = vgic_bank(g, 0, (u32)intid / 32);
	if (b->hw & bit) {
		was = (b->owed | b->lent | b->deactivate) & bit;
		b->hw &= ~bit;
		b->owed &= ~bit;
		b->lent &= ~bit;
		b->deactivate &= ~bit;
		b->latch &= ~bit;
		b->sent &= ~bit;
	}
	vgic_unlock(g);
	return was;
}

enum status vgic_event_keep(struct vgic *g, u64 intid)
{
	struct vgic_bank *b;
	enum status st = E_BUSY;

	if (!is_spi(intid))
		return E_INVAL;
	vgic_lock(g);
	b = vgic_bank(g, 0, (u32)intid / 32);
	if (!((b->hw | b->line | b->events) & vgic_bit((u32)intid))) {
		b->events |= vgic_bit((u32)intid);
		st = OK;
	}
	vgic_unlock(g);
	return st;
}

void vgic_event_drop(struct vgic *g, u64 intid)
{
	vgic_lock(g);
	vgic_bank(g, 0, (u32)intid / 32)->events &= ~vgic_bit((u32)intid);
	vgic_unlock(g);
}

void vgic_event_raise(struct vgic *g, u64 intid, u32 *kick)
{
	vgic_lock(g);
	vgic_bank(g, 0, (u32)intid / 32)->latch |= vgic_bit((u32)intid);
	*kick = vgic_kick(g, 0, (u32)intid / 32, vgic_bit((u32)intid));
	vgic_unlock(g);
}

/* While it is listed, too: then hardware has deactivated it for its end, and it is a new one. */
static u32 fire(struct vgic *g, u32 vcpu, u32 intid) MUST_HOLD(queue_class)
{
	struct vgic_bank *b = vgic_bank(g, vcpu, intid / 32);
	u32 bit = vgic_bit(intid) & b->hw;

	b->latch |= bit;
	b->owed |= bit;
	b->deactivate &= ~bit;
	return vgic_kick(g, vcpu, intid / 32, bit);
}

void vgic_hw_fire(struct vgic *g, u64 intid, u32 *kick)
{
	*kick = 0;
	if (!is_spi(intid))
		return;
	vgic_lock(g);
	*kick = fire(g, 0, (u32)intid);
	vgic_unlock(g);
}

void vgic_timer_fire(struct vgic *g, u32 vcpu)
{
	vgic_lock(g);
	fire(g, vcpu, VGIC_TIMER);
	vgic_unlock(g);
}

bool vgic_timer_active(struct vgic *g, u32 vcpu)
{
	const struct vgic_bank *b = &g->vcpu[vcpu].own;
	bool active;

	vgic_lock(g);
	active = (b->owed | b->lent) & vgic_bit(VGIC_TIMER);
	vgic_unlock(g);
	return active;
}

bool vgic_take_deactivate(struct vgic *g, u32 vcpu, u32 *physical)
{
	u32 bank, bits = 0, intid;

	vgic_lock(g);
	for (bank = 0; bank < BANKS && !bits; bank++) {
		bits = vgic_bank(g, vcpu, bank)->deactivate;
		if (!bits)
			continue;
		intid = bank * 32 + (u32)__builtin_ctz(bits);
		vgic_bank(g, vcpu, bank)->deactivate &= ~vgic_bit(intid);
		*physical = bank ? g->physical[intid - VGIC_PRIVATE] : intid;
	}
	vgic_unlock(g);
	return bits;
}
