/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that a VMM gives an operating system: CPUs, memory, interrupt controller, timer, PSCI, a PL011. */
#ifndef GUEST_VMTREE_H
#define GUEST_VMTREE_H

#include "types.h"

struct vmtree {
	u32 vcpus;
	struct range memory;
	struct range initrd;
	struct range gicd;
	struct range gicr;
	struct range uart;
	u32 uart_irq;  /* INTIDs */
	u32 timer_irq;
	const char *bootargs;
};

/* Writes it to `buffer`. Returns libfdt's error, 0 if all is well. */
int vmtree_write(const struct vmtree *tree, void *buffer, u64 bytes);

#endif
