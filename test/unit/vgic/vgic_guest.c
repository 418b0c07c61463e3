/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_guest.h"

#include <stdlib.h>
#include <string.h>

struct vgic *g;
u32 vcpus, lrs;
struct iface iface[VGIC_VCPUS];
bool physical_active[1024];
u32 kicked;
u64 lost_ends;

void guest_new(u32 vcpu_count, u32 lr_count)
{
	free(g);
	g = malloc(vgic_bytes());
	memset(g, 0x5a, vgic_bytes());
	vgic_init(g, vcpu_count, lr_count);
	vcpus = vcpu_count;
	lrs = lr_count;
	memset(iface, 0, sizeof(iface));
	memset(physical_active, 0, sizeof(physical_active));
	kicked = 0;
	lost_ends = 0;
	for (u32 v = 0; v < vcpus; v++)
		vgic_cpu(g, v)->vmcr = 0xff000003;
}

void guest_on(u32 vcpu_count, u32 lr_count)
{
	guest_new(vcpu_count, lr_count);
	for (u32 v = 0; v < vcpus; v++) {
		gicr_write(v, IGROUPR, 4, ~0u);
		gicr_write(v, ISENABLER, 4, ~0u);
		for (u32 i = 0; i < 32; i++)
			irq_priority(v, i, 0xa0);
	}
	for (u32 i = 32; i < VGIC_INTIDS; i++)
		irq_priority(0, i, 0xa0);
	for (u32 i = 4; i < VGIC_INTIDS / 8; i += 4) {
		dist_write(IGROUPR + i, 4, ~0u);
		dist_write(ISENABLER + i, 4, ~0u);
	}
	dist_write(CTLR, 4, 3);
	kicked = 0;
}

static void kick(u32 set)
{
	if (set >> vcpus)
		suite_fail("kick %x names a vCPU that does not exist", set);
	kicked |= set;
}

static void deactivate(u32 vcpu)
{
	u32 physical;

	while (vgic_take_deactivate(g, vcpu, &physical)) {
		bool *active = physical == VGIC_TIMER ? &iface[vcpu].timer_active : &physical_active[physical];

		if (!*active && !(physical == VGIC_TIMER && !iface[vcpu].loaded))
			suite_fail("physical %u to be deactivated, and is not active", physical);
		*active = false;
	}
}

static u64 access_at(u64 ipa, u32 width, bool write, u64 value)
{
	struct mem_access a = { .ipa = { ipa }, .width = (u8)width, .write = write, .valid = true, .value = value };

	kick(vgic_access(g, 0, &a));
	for (u32 v = 0; v < vcpus; v++)
		if (iface[v].loaded || v == 0)
			deactivate(v);
	assert_int_equal(fake_locks_held(), 0);
	return a.value;
}

u64 dist_read(u32 offset, u32 width) { return access_at(VGIC_DIST_BASE + offset, width, false, ~0ull); }
void dist_write(u32 offset, u32 width, u64 value) { access_at(VGIC_DIST_BASE + offset, width, true, value); }

static u64 sgi_frame(u32 vcpu) { return VGIC_REDIST_BASE + vcpu * VGIC_REDIST_BYTES + 0x10000; }
u64 gicr_read(u32 vcpu, u32 offset, u32 width) { return access_at(sgi_frame(vcpu) + offset, width, false, ~0ull); }
void gicr_write(u32 vcpu, u32 offset, u32 width, u64 value) { access_at(sgi_frame(vcpu) + offset, width, true, value); }

static u64 irq_frame(u32 vcpu, u32 intid) { return intid < 32 ? sgi_frame(vcpu) : VGIC_DIST_BASE; }

void irq_bit(u32 vcpu, u32 intid, u32 offset)
{
	access_at(irq_frame(vcpu, intid) + offset + intid / 32 * 4, 4, true, 1u << intid % 32);
}

bool irq_is(u32 vcpu, u32 intid, u32 offset)
{
	return access_at(irq_frame(vcpu, intid) + offset + intid / 32 * 4, 4, false, 0) >> intid % 32 & 1;
}

void irq_priority(u32 vcpu, u32 intid, u8 priority)
{
	access_at(irq_frame(vcpu, intid) + IPRIO + intid, 1, true, priority);
}

void irq_edge(u32 vcpu, u32 intid, bool edge)
{
	u64 at = irq_frame(vcpu, intid) + ICFGR + intid / 16 * 4;
	u32 bit = 2u << intid % 16 * 2;
	u32 was = (u32)access_at(at, 4, false, 0);

	access_at(at, 4, true, edge ? was | bit : was & ~bit);
}

void irq_route(u32 intid, u64 affinity) { dist_write(IROUTER + 8 * intid, 8, affinity); }

void irq_line(u32 vcpu, u32 intid, bool level)
{
	u32 set;

	assert_int_equal(vgic_line(g, vcpu, intid, level, &set), OK);
	kick(set);
}

void irq_fire(u32 intid, u32 physical)
{
	u32 set;

	assert_false(physical_active[physical]);
	physical_active[physical] = true;
	vgic_hw_fire(g, intid, &set);
	kick(set);
}

void irq_sgi(u32 vcpu, u64 value) { kick(vgic_sgi(g, vcpu, value)); }

static u32 lr_intid(u64 lr) { return (u32)lr; }
static u8 lr_priority(u64 lr) { return (u8)(lr >> 48); }

static void lr_check(u32 vcpu, u32 n)
{
	u64 lr = iface[vcpu].lr[n];
	u32 intid = lr_intid(lr), physical = lr >> 32 & 0x1fff, v, i;

	if (!(lr & LR_STATE)) {
		assert_int_equal(lr, 0);
		return;
	}
	if (intid >= VGIC_INTIDS || n >= lrs)
		suite_fail("list register %u: %lx", n, (unsigned long)lr);
	if (lr & LR_HW) {
		if ((lr & LR_STATE) == LR_STATE)
			suite_fail("INTID %u: HW, pending and active", intid);
		if (!(intid == VGIC_TIMER ? physical == VGIC_TIMER && iface[vcpu].timer_active :
					    physical_active[physical]))
			suite_fail("INTID %u: HW, and physical %u is not active", intid, physical);
	} else if (physical & ~0x200u) {
		suite_fail("INTID %u: RES0 bits in %lx", intid, (unsigned long)lr);
	}
	for (v = 0; v < vcpus; v++)
		for (i = 0; iface[v].loaded && i < VGIC_LRS; i++)
			if ((v != vcpu || i != n) && iface[v].lr[i] & LR_STATE && lr_intid(iface[v].lr[i]) == intid &&
			    (intid >= 32 || v == vcpu))
				suite_fail("INTID %u twice: vCPU %u and %u", intid, vcpu, v);
}

void guest_load(u32 vcpu)
{
	struct iface *f = &iface[vcpu];

	assert_false(f->loaded);
	deactivate(vcpu); /* its timer's, cleared by another vCPU */
	kicked &= ~(1u << vcpu);
	vgic_flush(g, vcpu);
	memcpy(f->lr, vgic_cpu(g, vcpu)->lr, sizeof(f->lr));
	f->hcr = vgic_cpu(g, vcpu)->hcr;
	f->ended = false;
	f->loaded = true;
	f->timer_active = vgic_timer_active(g, vcpu);
	assert_int_equal(f->hcr & ~(u64)HCR_UIE, 1);
	for (u32 n = 0; n < VGIC_LRS; n++)
		lr_check(vcpu, n);
	if (f->hcr & HCR_UIE && guest_listed(vcpu) < 2)
		suite_fail("underflow interrupt at once: no guest would ever run");
}

void guest_save(u32 vcpu)
{
	struct iface *f = &iface[vcpu];
	u32 set;

	assert_true(f->loaded);
	memcpy(vgic_cpu(g, vcpu)->lr, f->lr, sizeof(f->lr));
	set = vgic_sync(g, vcpu);
	assert_false(set >> vcpu & 1);
	kick(set);
	deactivate(vcpu);
	assert_int_equal(f->timer_active, vgic_timer_active(g, vcpu));
	for (u32 n = 0; n < VGIC_LRS; n++)
		assert_int_equal(vgic_cpu(g, vcpu)->lr[n], 0);
	f->loaded = false;
	assert_int_equal(fake_locks_held(), 0);
}

u32 guest_listed(u32 vcpu)
{
	u32 count = 0;

	for (u32 n = 0; n < VGIC_LRS; n++)
		count += (iface[vcpu].lr[n] & LR_STATE) != 0;
	return count;
}

bool guest_look(u32 vcpu)
{
	struct iface *f = &iface[vcpu];
	bool underflow = f->hcr & HCR_UIE && guest_listed(vcpu) < 2;

	if (!f->loaded || !(kicked >> vcpu & 1 || f->ended || underflow))
		return false;
	guest_save(vcpu);
	guest_load(vcpu);
	return true;
}

u32 guest_ack(u32 vcpu)
{
	struct iface *f = &iface[vcpu];
	u64 *best = NULL;

	assert_true(f->loaded);
	for (u32 n = 0; n < VGIC_LRS; n++)
		if ((f->lr[n] & LR_STATE) == LR_PENDING && (!best || lr_priority(f->lr[n]) < lr_priority(*best)))
			best = &f->lr[n];
	if (!best || (f->depth && lr_priority(*best) >= f->priority[f->depth - 1]))
		return SPURIOUS;
	*best ^= LR_STATE;
	f->priority[f->depth] = lr_priority(*best);
	f->stack[f->depth++] = lr_intid(*best);
	return lr_intid(*best);
}

u64 guest_lr(u32 vcpu, u32 intid)
{
	for (u32 n = 0; iface[vcpu].loaded && n < VGIC_LRS; n++)
		if (iface[vcpu].lr[n] & LR_STATE && lr_intid(iface[vcpu].lr[n]) == intid)
			return iface[vcpu].lr[n];
	return 0;
}

u32 guest_drop(u32 vcpu)
{
	struct iface *f = &iface[vcpu];

	return f->depth ? f->stack[--f->depth] : SPURIOUS;
}

u32 guest_end(u32 vcpu)
{
	u32 intid = guest_drop(vcpu);

	if (intid != SPURIOUS)
		guest_deactivate(vcpu, intid);
	return intid;
}

void guest_deactivate(u32 vcpu, u32 intid)
{
	struct iface *f = &iface[vcpu];
	bool *active;

	for (u32 n = 0; n < VGIC_LRS; n++) {
		u64 *lr = &f->lr[n];

		if (!(*lr & LR_ACTIVE) || lr_intid(*lr) != intid)
			continue;
		*lr &= ~LR_ACTIVE;
		if (*lr & LR_HW) {
			active = intid == VGIC_TIMER ? &f->timer_active : &physical_active[*lr >> 32 & 0x1fff];
			if (!*active)
				suite_fail("INTID %u: its end deactivates what is not active", intid);
			*active = false;
		} else if (!(*lr & LR_STATE) && *lr & LR_EOI) {
			f->ended = true;
		}
		return;
	}
	lost_ends++;
}
