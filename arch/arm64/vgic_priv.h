/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vgic*.c share. Interrupts are kept 32 to a bank, a bit each, so that what concerns none of them costs a few
 * instructions.
 *
 * An interrupt is in at most one list register, and there only between a flush and the sync of its vCPU (`listed`). What
 * went along with it (`sent`, `lent`) comes back with it unless the guest has used it up; what changes meanwhile is
 * written to the bank, which counts again from the sync on.
 *
 *	latch  --flush-->  sent  --sync, list register still pending-->   latch
 *	                         --sync, taken-->                         gone
 *	owed   --flush-->  lent  --sync, list register still valid-->     owed
 *	                         --sync, ended: hardware deactivated-->   gone
 *	owed, and neither latched nor active nor listed -->  deactivate  --vgic_take_deactivate-->  gone
 */
#ifndef ARM64_VGIC_PRIV_H
#define ARM64_VGIC_PRIV_H

#include "gic_regs.h"
#include "vgic.h"

#define SPI_BANKS (VGIC_SPIS / 32)
#define BANKS     (1 + SPI_BANKS) /* of a vCPU: its private one, and all shared ones */

struct vgic_bank {
	/* What the guest and devices say. */
	u32 group;      /* 1: Group 1 */
	u32 enabled;
	u32 edge;       /* 0: level */
	u32 line;       /* software's lines */
	u32 latch;      /* pending by a rise, an SGI, ISPENDR or a physical interrupt */
	u32 active;
	/* Hardware behind it. */
	u32 hw;         /* tied to a physical interrupt */
	u32 events;     /* the hypervisor's own, for events */
	u32 owed;       /* which is active, and this one's end has to deactivate it */
	u32 deactivate; /* which the caller has to deactivate */
	/* While in a list register. */
	u32 listed;
	u32 sent;       /* it took the latch along */
	u32 lent;       /* it will deactivate the physical one: HW = 1 */
	u32 forced;     /* `active` was written meanwhile, and the list register's does not count */
	u8 priority[32];
};

struct vgic_vcpu {
	struct vgic_cpu cpu;
	u8 intid[VGIC_LRS]; /* in list registers [0, used) */
	u32 used;           /* with cpu and intid: of the CPU that runs the vCPU */
	bool asleep;        /* GICR_WAKER */
	struct vgic_bank own;
	u32 routed[SPI_BANKS]; /* SPIs that go to this vCPU when they become pending */
	u32 held[SPI_BANKS];   /* SPIs that are active here, or listed here */
};

/* All but vcpu_count: under the lock. */
struct vgic {
	struct spinlock lock;
	u32 vcpu_count;
	u32 ctlr; /* groups that are forwarded */
	struct vgic_bank spi[SPI_BANKS];
	u32 route[VGIC_SPIS];    /* affinity, packed: levels 3 to 0 */
	u32 physical[VGIC_SPIS]; /* of those with `hw` */
	struct vgic_vcpu vcpu[VGIC_VCPUS];
};

static inline void vgic_lock(struct vgic *g) ACQUIRES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&g->lock);
}

static inline void vgic_unlock(struct vgic *g) RELEASES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&g->lock);
}

/* The bank-th 32 interrupts as a vCPU sees them. */
static inline struct vgic_bank *vgic_bank(struct vgic *g, u32 vcpu, u32 bank)
{
	return bank ? &g->spi[bank - 1] : &g->vcpu[vcpu].own;
}

static inline u32 vgic_bit(u32 intid) { return 1u << intid % 32; }

/* Pending, enabled, and of a group that is forwarded. */
u32 vgic_ready(const struct vgic *g, const struct vgic_bank *b) MUST_HOLD(queue_class);
/* What belongs into a list register of the vCPU and is in none: ready and not active, or active here. */
u32 vgic_wanted(struct vgic *g, u32 vcpu, u32 bank) MUST_HOLD(queue_class);
/* Which vCPUs have to look after these interrupts changed. `vcpu`: whose bank, for a private one. */
u32 vgic_kick(struct vgic *g, u32 vcpu, u32 bank, u32 bits) MUST_HOLD(queue_class);
/* Physical interrupts that nothing virtual will end any more go to the caller. */
void vgic_settle(struct vgic_bank *b, u32 bits) MUST_HOLD(queue_class);

#endif
