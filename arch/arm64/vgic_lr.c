/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * List registers of a vCPU: filled before it runs, emptied afterwards. Follows IHI 0069 H.b, 12.4 (ICH_LR<n>_EL2,
 * ICH_HCR_EL2).
 *
 * Hardware cannot have a physical interrupt's virtual one pending and active, and does not report its end. Where one of
 * these is needed it is listed like software's, its end raises the maintenance interrupt, and the caller deactivates the
 * physical one (vgic_take_deactivate).
 *
 * An active interrupt keeps its list register, since its end shows nowhere else; pending ones get what is left. So no
 * guest has more of them than list registers, but by ISACTIVER: then the end of those that are left out is lost.
 */
#include "vgic_priv.h"

/* Active ones first; at one priority low numbers. */
static u32 most_urgent(struct vgic *g, u32 vcpu, const u32 want[BANKS]) MUST_HOLD(queue_class)
{
	u32 best = ~0u, bank, bits, i, key;
	const struct vgic_bank *b;

	for (bank = 0; bank < BANKS; bank++) {
		b = vgic_bank(g, vcpu, bank);
		for (bits = want[bank]; bits; bits &= bits - 1) {
			i = (u32)__builtin_ctz(bits);
			key = (~b->active >> i & 1) << 24 | (u32)b->priority[i] << 16 | (bank * 32 + i);
			if (key < best)
				best = key;
		}
	}
	return best & 0xff;
}

/* `notify`: its end must be reported. */
static void list(struct vgic *g, u32 vcpu, u32 intid, bool notify) MUST_HOLD(queue_class)
{
	struct vgic_vcpu *v = &g->vcpu[vcpu];
	struct vgic_bank *b = vgic_bank(g, vcpu, intid / 32);
	u32 bit = vgic_bit(intid), ready = vgic_ready(g, b) & bit, latched = ready & b->latch;
	bool active = b->active & bit;
	bool pending = latched || (ready && !active);
	bool hw = b->owed & bit && !(pending && active) && !notify;
	u64 lr = FIELD(ICH_LR_INTID, intid) | FIELD(ICH_LR_PRIORITY, b->priority[intid % 32]);

	lr |= (b->group & bit ? ICH_LR_GROUP1 : 0) | (active ? ICH_LR_ACTIVE : 0) | (pending ? ICH_LR_PENDING : 0);
	if (hw) {
		lr |= ICH_LR_HW |
		      FIELD(ICH_LR_PHYSICAL, intid < VGIC_PRIVATE ? intid : g->physical[intid - VGIC_PRIVATE]);
		b->lent |= bit;
		b->owed &= ~bit;
	} else if (notify || (b->owed | (b->line & ~b->edge)) & bit) {
		lr |= ICH_LR_EOI;
	}
	b->latch &= ~latched;
	b->sent |= latched;
	b->listed |= bit;
	if (intid >= VGIC_PRIVATE)
		v->held[intid / 32 - 1] |= bit;
	v->cpu.lr[v->used] = lr;
	v->intid[v->used++] = (u8)intid;
}

static void take_back(struct vgic *g, u32 vcpu, u32 intid, u64 lr) MUST_HOLD(queue_class)
{
	struct vgic_bank *b = vgic_bank(g, vcpu, intid / 32);
	u32 bit = vgic_bit(intid);

	if (lr & ICH_LR_PENDING)
		b->latch |= b->sent & bit;
	if (lr & (ICH_LR_PENDING | ICH_LR_ACTIVE))
		b->owed |= b->lent & bit;
	if (!(b->forced & bit))
		b->active = (b->active & ~bit) | (lr & ICH_LR_ACTIVE ? bit : 0);
	b->listed &= ~bit;
	b->sent &= ~bit;
	b->lent &= ~bit;
	b->forced &= ~bit;
	if (intid >= VGIC_PRIVATE && !(b->active & bit))
		g->vcpu[vcpu].held[intid / 32 - 1] &= ~bit;
	vgic_settle(b, bit);
}

/* Nothing is pending or active in the whole VM: what most entries find. */
static bool idle(struct vgic *g, u32 vcpu) MUST_HOLD(queue_class)
{
	const struct vgic_bank *b = &g->vcpu[vcpu].own;
	u32 all = b->latch | b->line | b->active;

	for (b = g->spi; b != g->spi + SPI_BANKS; b++)
		all |= b->latch | b->line | b->active;
	return !all;
}

/*
 * When more wait than there are list registers, there is an exit as soon as at most one of them is still in use. That is
 * at once where there is only one, and may be never where the guest ends in two steps, in any order (EOImode 1): there
 * each end is reported.
 */
void vgic_flush(struct vgic *g, u32 vcpu)
{
	struct vgic_vcpu *v = &g->vcpu[vcpu];
	u32 want[BANKS] = { 0 }, bank, intid, count = v->used;
	bool more;

	vgic_lock(g);
	for (bank = idle(g, vcpu) ? BANKS : 0; bank < BANKS; bank++) {
		want[bank] = vgic_wanted(g, vcpu, bank);
		count += (u32)__builtin_popcount(want[bank]);
	}
	more = count > v->cpu.lr_count;
	while (v->used < v->cpu.lr_count && v->used < count) {
		intid = most_urgent(g, vcpu, want);
		want[intid / 32] &= ~vgic_bit(intid);
		list(g, vcpu, intid, more && (v->cpu.lr_count == 1 || v->cpu.vmcr & ICH_VMCR_EOIM));
	}
	v->cpu.hcr = ICH_HCR_EN | (more && v->cpu.lr_count > 1 ? ICH_HCR_UIE : 0);
	vgic_unlock(g);
}

u32 vgic_sync(struct vgic *g, u32 vcpu)
{
	struct vgic_vcpu *v = &g->vcpu[vcpu];
	u32 back[BANKS] = { 0 }, bank, intid, kick = 0;

	if (!v->used)
		return 0;
	vgic_lock(g);
	while (v->used) {
		intid = v->intid[--v->used];
		take_back(g, vcpu, intid, v->cpu.lr[v->used]);
		v->cpu.lr[v->used] = 0;
		back[intid / 32] |= vgic_bit(intid);
	}
	for (bank = 1; bank < BANKS; bank++)
		if (back[bank])
			kick |= vgic_kick(g, vcpu, bank, back[bank]);
	vgic_unlock(g);
	return kick & ~(1u << vcpu);
}

bool vgic_pending(struct vgic *g, u32 vcpu)
{
	const struct vgic_cpu *cpu = &g->vcpu[vcpu].cpu;
	const struct vgic_bank *b;
	u32 bank, bits, i, mask = (u32)FIELD_GET(ICH_VMCR_PMR, cpu->vmcr);
	bool found = false;

	vgic_lock(g);
	for (bank = 0; bank < BANKS; bank++) {
		b = vgic_bank(g, vcpu, bank);
		bits = vgic_wanted(g, vcpu, bank) & ~b->active;
		bits &= (cpu->vmcr & ICH_VMCR_ENG1 ? b->group : 0) | (cpu->vmcr & ICH_VMCR_ENG0 ? ~b->group : 0);
		for (; bits && !found; bits &= bits - 1) {
			i = (u32)__builtin_ctz(bits);
			found = b->priority[i] < mask;
		}
	}
	vgic_unlock(g);
	return found;
}
