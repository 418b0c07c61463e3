/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hardware around a VM's interrupt controller: virtual CPU interfaces with list registers of their own, from load to
 * save, physical interrupts, and guests that acknowledge and end. Written from IHI 0069 and not from vgic*.c. What
 * hardware leaves unpredictable, an interrupt in two places, and a physical one deactivated twice fail the case.
 */
#ifndef VGIC_GUEST_H
#define VGIC_GUEST_H

#include "suite.h"

#include "vgic.h"

#define LR_PENDING (1ull << 62)
#define LR_ACTIVE  (2ull << 62)
#define LR_STATE   (3ull << 62)
#define LR_HW      (1ull << 61)
#define LR_GROUP1  (1ull << 60)
#define LR_EOI     (1ull << 41)
#define HCR_UIE    2u

#define SPURIOUS 1023u

/* Offsets in a frame of the distributor or of SGIs. */
#define CTLR      0x0000u
#define IGROUPR   0x0080u
#define ISENABLER 0x0100u
#define ICENABLER 0x0180u
#define ISPENDR   0x0200u
#define ICPENDR   0x0280u
#define ISACTIVER 0x0300u
#define ICACTIVER 0x0380u
#define IPRIO     0x0400u
#define ICFGR     0x0c00u
#define IROUTER   0x6000u

struct iface {
	bool loaded;
	u64 lr[VGIC_LRS];
	u64 hcr;
	bool ended;        /* a list register with EOI became invalid: maintenance interrupt */
	u32 stack[64];     /* acknowledged, the running one last */
	u8 priority[64];
	u32 depth;
	bool split;        /* EOImode 1 */
	u32 dropped[64];   /* whose priority was dropped, to be deactivated in any order */
	u32 dropped_count;
	bool timer_active; /* the physical timer interrupt, while loaded */
};

extern struct vgic *g;
extern u32 vcpus, lrs;
extern struct iface iface[VGIC_VCPUS];
extern bool physical_active[1024];
extern u32 kicked;            /* vCPUs that were named and have not looked yet */
extern u64 lost_ends;         /* ends of interrupts that were in no list register */

/* A new VM; what is guest_on has both groups on, everything Group 1, enabled and of priority 0xa0. */
void guest_new(u32 vcpu_count, u32 lr_count);
void guest_on(u32 vcpu_count, u32 lr_count);

/* Raw accesses of vCPU 0, kicks collected. `gicr`: in the SGI frame of `vcpu`. */
u64 dist_read(u32 offset, u32 width);
void dist_write(u32 offset, u32 width, u64 value);
u64 gicr_read(u32 vcpu, u32 offset, u32 width);
void gicr_write(u32 vcpu, u32 offset, u32 width, u64 value);

/* Of one interrupt, wherever its register is. */
void irq_bit(u32 vcpu, u32 intid, u32 offset);
bool irq_is(u32 vcpu, u32 intid, u32 offset);
void irq_priority(u32 vcpu, u32 intid, u8 priority);
void irq_edge(u32 vcpu, u32 intid, bool edge);
void irq_route(u32 intid, u64 affinity);
void irq_line(u32 vcpu, u32 intid, bool level);
void irq_fire(u32 intid, u32 physical);
void irq_sgi(u32 vcpu, u64 value);

/* The world switch. look: save and load if it is loaded and has to. */
void guest_load(u32 vcpu);
void guest_save(u32 vcpu);
bool guest_look(u32 vcpu);

/* The guest. ack: SPURIOUS if there is none that may be taken. end: of the running one. */
u32 guest_ack(u32 vcpu);
u32 guest_end(u32 vcpu);
u32 guest_drop(u32 vcpu);                   /* or in two steps */
void guest_deactivate(u32 vcpu, u32 intid);
u64 guest_lr(u32 vcpu, u32 intid); /* 0: in none */
u32 guest_listed(u32 vcpu);

#endif
