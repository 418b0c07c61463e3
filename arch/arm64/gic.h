/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controller: what we own of it (gic_own.c) and what the primary sees of it (gic_filter.c). */
#ifndef ARM64_GIC_H
#define ARM64_GIC_H

#include "gic_regs.h"
#include "hyp/lock.h"
#include "hyp/platform.h"
#include "hyp/upcall.h"

struct gic_frame {
	u64 base;               /* where the guest sees it */
	volatile void __mmio *regs;
};

struct vm;

/* Set at boot, constant while guests run, but for the bits of SPIs in own and level: gic_line.c. */
struct gic {
	struct gic_frame dist;
	struct gic_frame redist[MACHINE_MAX_CPUS]; /* of machine.cpu[i] */
	u32 cpu_count;
	struct range window[MACHINE_MAX_GIC_REDIST]; /* all that may hold redistributors */
	u32 window_count;
	u32 own[32];          /* a bit for each INTID below 1024: ours */
	u32 level[32];        /* those of them that are level, not edge; of SPIs, lines given to secondaries */
};

/* Is this address the distributor's, or where redistributors may be? */
static inline bool gic_is_dist(const struct gic *g, ipa_t addr)
{
	return addr.v - g->dist.base < GICD_BYTES;
}
bool gic_in_window(const struct gic *gic, ipa_t addr);
static inline bool gic_is_redist(const struct gic *g, ipa_t addr)
{
	/* Nearly every machine has one window, and this is asked of each access to configuration space. */
	if (likely(g->window_count == 1))
		return addr.v - g->window[0].base < g->window[0].size;
	return gic_in_window(g, addr);
}

/*
 * An access by CPU `cpu` to the distributor or to a redistributor: performs it, filtered. It is decoded (access->valid)
 * and naturally aligned. Pure but for io.h.
 */
void gic_filter_dist(const struct gic *gic, struct mem_access *access);
void gic_filter_redist(const struct gic *gic, u32 cpu, struct mem_access *access);

extern struct gic gic;

/* Guards the distributor's registers that hold several interrupts, and own and level. A leaf: nothing is taken inside. */
extern struct spinlock gic_dist_lock;

static inline volatile void __mmio *gic_dist_reg(u32 offset)
{
	return (volatile u8 __mmio *)gic.dist.regs + offset;
}

/* Of a CPU's redistributor: a register of its second frame, which has the distributor's offsets. */
static inline volatile void __mmio *gic_sgi_reg(u32 cpu, u32 offset)
{
	return (volatile u8 __mmio *)gic.redist[cpu].regs + GICR_SGI_BASE + offset;
}

/* Wait until writes that disable an interrupt have taken effect (RWP, IHI 0069 12.9.4, 12.11.4). */
void gic_dist_settle(void);
void gic_redist_settle(u32 cpu);

/* This CPU's interface and redistributor; before it enters a guest. And before it goes off. */
void gic_cpu_init(void);
void gic_cpu_off(void);

/* Take our pending interrupts: at an FIQ. True: lines of secondaries were among them. */
bool gic_take(void);

/* The end of an interrupt that stays active until somebody deactivates it. */
void gic_drop_priority(u32 intid);

/* Can a secondary run: are Group 0 interrupts ours? */
bool gic_can_run_secondary(void);

/* Make a CPU look at what it runs. */
void gic_kick(u32 cpu);

/*
 * Lines given to secondaries: gic_line.c. gic_line_fire: this one was acknowledged; false: it is none. gic_lines_leave:
 * the CPU `from`, which is OFF by psci_cpu_is_on(), goes: its lines and what else of ours goes there go to one that stays.
 * gic_lines_sample: at an exit of a secondary that none of them made. gic_line_deactivate: its guest will not do that;
 * nothing happens when the line is that VM's no longer.
 */
bool gic_line_fire(u32 intid);
void gic_lines_leave(u32 from);
void gic_lines_sample(const struct vm *vm);
void gic_line_deactivate(u32 intid, const struct vm *vm);

/* Send on a software-generated interrupt of the guest's: the value it wrote to ICC_SGI1R_EL1. */
void gic_send(u64 value);

void gic_stop_others(void);

#endif
