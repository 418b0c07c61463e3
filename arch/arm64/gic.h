/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controller: what we own of it (gic_own.c) and what the primary sees of it (gic_filter.c). */
#ifndef ARM64_GIC_H
#define ARM64_GIC_H

#include "gic_regs.h"
#include "hyp/platform.h"
#include "hyp/upcall.h"

struct gic_frame {
	u64 base;               /* where the guest sees it */
	volatile void __mmio *regs;
};

/* Set at boot, constant while guests run. */
struct gic {
	struct gic_frame dist;
	struct gic_frame redist[MACHINE_MAX_CPUS]; /* of machine.cpu[i] */
	u32 cpu_count;
	struct range window[MACHINE_MAX_GIC_REDIST]; /* all that may hold redistributors */
	u32 window_count;
	u32 own[32];          /* a bit for each INTID below 1024: ours */
};

/* Is this address the distributor's, or where redistributors may be? */
static inline bool gic_is_dist(const struct gic *g, ipa_t addr)
{
	return addr.v - g->dist.base < GICD_BYTES;
}
bool gic_is_redist(const struct gic *gic, ipa_t addr);

/*
 * An access by CPU `cpu` to the distributor or to a redistributor: performs it, filtered. It is decoded (access->valid)
 * and naturally aligned. Pure but for io.h.
 */
void gic_filter_dist(const struct gic *gic, struct mem_access *access);
void gic_filter_redist(const struct gic *gic, u32 cpu, struct mem_access *access);

extern struct gic gic;

/* This CPU's interface and redistributor; before it enters a guest. And before it goes off. */
void gic_cpu_init(void);
void gic_cpu_off(void);

/* Take our pending interrupts: at an FIQ. */
void gic_take(void);

/* Send on a software-generated interrupt of the guest's: the value it wrote to ICC_SGI1R_EL1. */
void gic_send(u64 value);

void gic_stop_others(void);

#endif
