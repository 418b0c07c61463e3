/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv3, as much as one CPU's tests need: Group 1, affinity routing, no LPIs. */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include "cpu.h"

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_ISACTIVER  0x0300
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR      0x0c00
#define GICD_IROUTER    0x6000
#define GICR_CTLR       0x0000
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_PROPBASER  0x0070
#define GICR_PENDBASER  0x0078
#define GICR_SGI        0x10000 /* the second frame */
#define GICR_STRIDE     0x20000

#define GIC_SPURIOUS 1020

/* Sets up the distributor and this CPU's redistributor and interface; `handler` gets each INTID taken. */
void gic_init(void (*handler)(u32 irq));

/* This CPU's part of it alone; no interrupt enabled. */
void gic_cpu_init(void);

/*
 * Sleeps by WFI and the virtual timer, interrupts masked. Busy waiting would keep one of the host's CPUs from the
 * others, and under -icount it takes as long as the instructions do, where sleeping takes no time.
 */
void gic_sleep_ms(u64 ms);
void gic_sleep_until(u64 when);

/* The virtual timer's interrupt is pending from that count on, until it is turned off. */
void gic_timer_arm(u64 when);
void gic_timer_off(void);

/* Routes an SPI to this CPU (PPIs are its own), and enables or disables it. */
void gic_enable(u32 irq, bool level);
void gic_disable(u32 irq);

/* This CPU's redistributor, 0 if it is not found. */
u64 gic_redistributor(void);

static inline void irq_on(void)
{
	asm volatile("msr daifclr, #2" ::: "memory");
}

static inline void irq_off(void)
{
	asm volatile("msr daifset, #2" ::: "memory");
}

#endif
