/* SPDX-License-Identifier: BSD-2-Clause */
/* What a CPU knows of itself, reached by TPIDR_EL2. Fields used by assembly have their offsets in layout.h. */
#ifndef ARCH_PERCPU_H
#define ARCH_PERCPU_H

#include "hyp/platform.h"
#include "hyp/types.h"

struct fatal_frame;
struct vcpu;

struct percpu {
	u64 stack_top;              /* the C stack; an unmapped page lies below it */
	u64 fatal_top;              /* the stack on which exceptions of our own are reported */
	u32 index;                  /* in machine.cpu */
	bool dying;                 /* reports a fatal exception: the next one only parks */
	struct vcpu *vcpu;          /* what runs here; NULL before the first entry */
	struct fatal_frame *fatal;  /* where the backtrace starts, NULL: at the caller */
	u64 redist;                 /* own redistributor's RD_base */
};

extern struct percpu percpu[MACHINE_MAX_CPUS];

static inline struct percpu *this_cpu(void)
{
	struct percpu *p;

	/* Not volatile: the register never changes while C code of this CPU runs. */
	__asm__("mrs %0, tpidr_el2" : "=r"(p));
	return p;
}

#endif
