/* SPDX-License-Identifier: BSD-2-Clause */
#include "vgic_play.h"

#include <string.h>

#define KEYS   (VGIC_VCPUS * 32 + VGIC_SPIS)
#define PHYS   200u /* physical of SPI n: PHYS + n */
#define HW_END 40u  /* SPIs 32 to 39 are tied */

static struct ref {
	bool enabled, group1, edge, hw, activated, cleared;
	bool must, line, busy;
	u64 credit;
	u32 route;
	u8 owner; /* vCPU of a private one */
	u32 intid;
	bool device; /* the physical line, of those with hw */
} ref[KEYS];
static bool group_on[2];
static u32 activated;

static struct ref *ref_of(u32 vcpu, u32 intid)
{
	return &ref[intid < 32 ? vcpu * 32 + intid : VGIC_VCPUS * 32 + intid - 32];
}

static u32 below(u32 n) { return (u32)fake_random_below(n); }

static bool deliverable(const struct ref *r)
{
	return r->enabled && group_on[r->group1] && !r->activated && (r->intid < 32 || r->route < vcpus);
}

static void raised(struct ref *r)
{
	r->must = true;
	r->credit++;
}

/* Physical interrupts that are asserted and not active are acknowledged at once; a timer's while its vCPU is loaded. */
static void devices(void)
{
	for (u32 i = 0; i < KEYS; i++) {
		struct ref *r = &ref[i];

		if (!r->hw || !r->device)
			continue;
		if (r->intid != VGIC_TIMER) {
			if (!physical_active[PHYS + r->intid]) {
				irq_fire(r->intid, PHYS + r->intid);
				raised(r);
			}
		} else if (iface[r->owner].loaded && !iface[r->owner].timer_active) {
			iface[r->owner].timer_active = true;
			vgic_timer_fire(g, r->owner);
			kicked |= 1u << r->owner; /* it was an exit */
			raised(r);
		}
	}
}

static void quiet(u32 vcpu, struct ref *r)
{
	r->device = false;
	if (!r->hw && r->line) {
		r->line = false;
		irq_line(vcpu, r->intid, false);
	}
}

static bool take(u32 vcpu)
{
	u32 intid = guest_ack(vcpu);
	struct ref *r;

	if (intid == SPURIOUS)
		return false;
	r = ref_of(vcpu, intid);
	if (r->busy && !r->cleared)
		suite_fail("INTID %u taken by vCPU %u while it is being handled", intid, vcpu);
	if (!r->edge && !r->hw && intid >= 16) {
		if (!r->credit)
			suite_fail("INTID %u: level, and low", intid);
	} else if (!r->credit--) {
		suite_fail("INTID %u taken more often than raised", intid);
	}
	r->must = false;
	r->busy = true;
	return true;
}

static void deactivate(u32 vcpu, u32 intid)
{
	u64 lost = lost_ends;
	struct ref *r = ref_of(vcpu, intid);

	guest_deactivate(vcpu, intid);
	if (lost_ends != lost && !r->cleared)
		suite_fail("INTID %u: the end is lost", intid);
	r->busy = false;
}

static void deactivate_any(u32 vcpu)
{
	struct iface *f = &iface[vcpu];
	u32 n = below(f->dropped_count), intid = f->dropped[n];

	f->dropped[n] = f->dropped[--f->dropped_count];
	deactivate(vcpu, intid);
}

static void end(u32 vcpu)
{
	struct iface *f = &iface[vcpu];
	u32 intid = guest_drop(vcpu);

	if (f->split)
		f->dropped[f->dropped_count++] = intid;
	else
		deactivate(vcpu, intid);
}

static bool looks(void)
{
	bool any = false;

	devices();
	for (u32 v = 0; v < vcpus; v++)
		any |= guest_look(v);
	return any;
}

static void settled(struct ref *r)
{
	bool active = r->intid == VGIC_TIMER ? iface[r->owner].timer_active : r->hw && physical_active[PHYS + r->intid];
	bool pending = irq_is(r->owner, r->intid, ISPENDR);

	/* Raised twice, once while in a list register: it is not known whether before it was taken. */
	if (pending ? !r->must && !r->credit && !r->line : r->must || (r->line && !r->edge))
		suite_fail("INTID %u of vCPU %u: pending reads %d", r->intid, r->owner, pending);
	r->must = pending && !(r->line && !r->edge);
	if (active && !r->must && !r->activated)
		suite_fail("physical of INTID %u stays active", r->intid);
	if (r->activated != irq_is(r->owner, r->intid, ISACTIVER))
		suite_fail("INTID %u of vCPU %u: active reads %d", r->intid, r->owner, !r->activated);
	r->cleared = false;
	r->credit = pending;
}

/* Everybody runs until nobody has anything to do. Nothing here makes a vCPU look that was not asked to. */
void vgic_play_drain(void)
{
	bool busy = true;
	u32 rounds;

	for (u32 v = 0; v < vcpus; v++)
		if (!iface[v].loaded)
			guest_load(v);
	for (rounds = 0; busy; rounds++) {
		busy = looks();
		for (u32 v = 0; v < vcpus; v++) {
			if (iface[v].depth) {
				quiet(v, ref_of(v, iface[v].stack[iface[v].depth - 1]));
				end(v);
				busy = true;
			} else if (iface[v].dropped_count) {
				deactivate_any(v);
				busy = true;
			} else if (take(v)) {
				busy = true;
			}
		}
		if (rounds > 20000)
			suite_fail("this never ends");
	}
	for (u32 i = 0; i < KEYS; i++)
		if ((ref[i].must || (ref[i].line && !ref[i].edge) || ref[i].device) && deliverable(&ref[i]))
			suite_fail("INTID %u of vCPU %u is lost", ref[i].intid, ref[i].owner);
	assert_int_equal(kicked, 0);
	/* Registers are right after a sync, and a look that nobody asked for finds nothing new. */
	for (u32 v = 0; v < vcpus; v++) {
		guest_save(v);
		guest_load(v);
		assert_int_equal(guest_ack(v), SPURIOUS);
	}
	for (u32 i = 0; i < KEYS; i++)
		if (ref[i].intid >= 32 || ref[i].owner < vcpus)
			settled(&ref[i]);
}

/* Mostly few interrupts, so that things meet. */
static struct ref *any_irq(void)
{
	u32 v = below(vcpus), pick = below(4);

	if (pick == 0)
		return ref_of(v, below(32));
	if (pick == 1)
		return ref_of(v, VGIC_TIMER);
	return ref_of(0, pick == 2 ? 32 + below(12) : 32 + below(VGIC_SPIS));
}

static void raise_one(struct ref *r)
{
	if (r->intid < 16) {
		u32 targets = below(4) ? 1u << r->owner : below(256), from = below(vcpus);
		bool all = below(8) == 0;

		irq_sgi(from, (u64)all << 40 | r->intid << 24 | targets);
		for (u32 v = 0; v < vcpus; v++)
			if (all ? v != from : targets >> v & 1)
				raised(ref_of(v, r->intid));
	} else if (r->hw) {
		r->device = true;
	} else if (!r->line) {
		r->line = true;
		irq_line(r->owner, r->intid, true);
		r->credit = r->edge ? r->credit : 1;
		if (r->edge)
			raised(r);
	} else {
		r->line = false;
		irq_line(r->owner, r->intid, false);
	}
}

/* The device is taken away, and given again unless the guest still handles it. */
static void untie(struct ref *r)
{
	bool was;

	r->device = false;
	was = vgic_hw_unmap(g, r->intid);
	if (physical_active[PHYS + r->intid] && !was)
		suite_fail("physical of INTID %u is active and forgotten", r->intid);
	for (u32 v = 0; v < vcpus; v++)
		if (iface[v].loaded) {
			guest_save(v);
			guest_load(v);
		}
	physical_active[PHYS + r->intid] = false;
	r->must = false;
	r->credit = 0;
	r->hw = vgic_hw_map(g, r->intid, PHYS + r->intid) == OK;
}

static void configure(struct ref *r)
{
	u32 v = r->owner;

	if (r->hw && r->intid != VGIC_TIMER && below(8) == 0) {
		untie(r);
		return;
	}
	switch (below(10)) {
	case 0:
	case 1:
		r->enabled = !r->enabled;
		irq_bit(v, r->intid, r->enabled ? ISENABLER : ICENABLER);
		break;
	case 2:
	case 3:
		irq_bit(v, r->intid, ISPENDR);
		raised(r);
		break;
	case 4:
		irq_bit(v, r->intid, ICPENDR);
		r->must = false; /* may have been on its way */
		break;
	case 5:
		irq_priority(v, r->intid, (u8)fake_random());
		break;
	case 6:
	case 7:
		if (r->intid < 32)
			break;
		r->route = below(8) ? below(vcpus) : below(2) ? 0x100 :
								vcpus;
		irq_route(r->intid, r->route);
		break;
	case 8:
		if (r->activated) {
			irq_bit(v, r->intid, ICACTIVER);
			r->activated = false;
			r->cleared = true;
			activated--;
		} else if (lrs > 1 && !activated && !iface[0].split && !r->busy && below(4) == 0) {
			/* Not one that a guest may be about to take. */
			vgic_play_drain();
			irq_bit(v, r->intid, ISACTIVER);
			r->activated = true;
			activated++;
		}
		break;
	default:
		if (below(4))
			break;
		r->cleared = true; /* or about to be taken: it is not known which came first */
		if (r->activated)
			activated--;
		r->activated = false;
		irq_bit(v, r->intid, ICACTIVER);
	}
}

void vgic_play_step(bool steady)
{
	u32 v = below(vcpus), what = below(20);

	if (what < 5) {
		raise_one(any_irq());
	} else if (what < 8) {
		if (!steady)
			configure(any_irq());
	} else if (what < 12) {
		if (iface[v].loaded && iface[v].depth + activated < lrs + !activated * 32)
			take(v);
	} else if (what < 15) {
		if (iface[v].loaded && iface[v].depth) {
			if (below(2))
				quiet(v, ref_of(v, iface[v].stack[iface[v].depth - 1]));
			end(v);
		} else if (iface[v].loaded && iface[v].dropped_count) {
			deactivate_any(v);
		}
	} else if (what < 17) {
		if (!iface[v].loaded)
			guest_load(v);
		else if (below(4) == 0)
			guest_save(v);
	} else if (what < 18) {
		guest_look(v); /* kicks come late */
	} else if (what == 18 && below(20) == 0 && !steady) {
		group_on[below(2)] ^= true;
		dist_write(CTLR, 4, (u64)group_on[1] << 1 | group_on[0]);
	} else if (below(30) == 0) {
		vgic_play_drain();
	}
	devices();
	/* Maintenance interrupts come at once. */
	if (iface[v].ended || (iface[v].hcr & HCR_UIE && guest_listed(v) < 2))
		guest_look(v);
}

void vgic_play_begin(u32 vcpu_count, u32 lr_count)
{
	guest_on(vcpu_count, lr_count);
	memset(ref, 0, sizeof(ref));
	activated = 0;
	group_on[0] = group_on[1] = true;
	for (u32 i = 0; i < KEYS; i++) {
		struct ref *r = &ref[i];

		r->intid = i < VGIC_VCPUS * 32 ? i % 32 : 32 + i - VGIC_VCPUS * 32;
		r->owner = (u8)(i < VGIC_VCPUS * 32 ? i / 32 : 0);
		if (r->owner >= vcpus)
			continue;
		r->enabled = r->group1 = true;
		r->edge = r->intid < 16 || below(2);
		if (r->intid >= 16)
			irq_edge(r->owner, r->intid, r->edge);
		irq_priority(r->owner, r->intid, (u8)fake_random());
		r->hw = r->intid == VGIC_TIMER || (r->intid >= 32 && r->intid < HW_END);
		if (r->hw && r->intid != VGIC_TIMER)
			assert_int_equal(vgic_hw_map(g, r->intid, PHYS + r->intid), OK);
		if (r->intid >= 32) {
			r->route = below(vcpus);
			irq_route(r->intid, r->route);
		}
	}
	for (u32 v = 0, split = below(3) == 0; split && v < vcpus; v++) {
		iface[v].split = true;
		vgic_cpu(g, v)->vmcr |= 1u << 9;
	}
	for (u32 i = 0; i < 4; i++) { /* a few of Group 0 */
		u32 intid = 40 + below(20);

		ref_of(0, intid)->group1 = false;
		dist_write(IGROUPR + intid / 32 * 4, 4, dist_read(IGROUPR + intid / 32 * 4, 4) & ~(1u << intid % 32));
	}
}

void vgic_play_hostile(void)
{
	static const u32 offsets[] = { CTLR, IGROUPR, ISENABLER, ICENABLER, ISPENDR, ICPENDR, ISACTIVER, ICACTIVER, IPRIO, ICFGR, IROUTER };
	u32 v = below(vcpus), width = 1u << below(4);
	u32 offset = offsets[below(ARRAY_SIZE(offsets))] + below(0x400);
	u64 value = below(2) ? fake_random() : 1ull << below(64);

	offset &= ~(width - 1);
	if (below(2))
		dist_write(offset, width, value);
	else
		gicr_write(v, offset, width, value);
	if (below(4) == 0)
		irq_sgi(v, value);
	if (below(4) == 0)
		raise_one(any_irq());
	if (!iface[v].loaded)
		guest_load(v);
	if (iface[v].depth < 60)
		guest_ack(v);
	if (below(2))
		guest_end(v);
	devices();
	guest_look(v);
}
