/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU's part of a vCPU. While its guest runs, SP_EL2 points here and the vectors store the general registers
 * straight into it (vectors.S; offsets in layout.h).
 *
 * Which registers are here: x0..x19, x29 and x30 after every exit; x20..x28 only after exits other than HVC, where
 * the C code keeps them by its own calling convention.
 */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include "hyp/types.h"
#include "hyp/upcall.h" /* struct hcall_args */

/* Exits by cause, for the boot figure. HVC is counted only while measuring: measure.c. */
enum exit_kind {
	EXIT_HVC,
	EXIT_SMC,
	EXIT_GICD,
	EXIT_GICR,
	EXIT_CFG, /* accesses that the core emulates */
	EXIT_SGI,
	EXIT_IRQ,
	EXIT_OTHER,
	EXIT_KINDS,
};

struct world;

struct ALIGNED(64) arch_vcpu {
	union {
		u64 x[31];
		struct hcall_args call; /* R0..R6 are x0..x6 */
	};
	u64 stack_top;          /* of the CPU that runs this vCPU */
	u64 elr, spsr;          /* only where the guest is first entered, or switched: else in the CPU */
	u32 exits[EXIT_KINDS];

	/* A secondary's. */
	struct world *world;  /* its other registers while it is not loaded: world.h */
	u32 cpu;              /* atomic: 1 + index of the CPU that runs it, 0: none does */
	u32 rounds;           /* atomic: odd while its list registers may be in hardware */
	u32 power;            /* atomic: psci_guest.c */
	u64 entry, context;   /* where CPU_ON starts it */
	u64 load;             /* ESR of the load that the primary is to end, 0: none */
	bool dead;            /* its state is lost */
};

#endif
