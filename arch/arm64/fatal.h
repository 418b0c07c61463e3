/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of the hypervisor: exceptions of its own, backtraces, stopping. */
#ifndef ARM64_FATAL_H
#define ARM64_FATAL_H

#include "hyp/types.h"

/* What vectors.S stores of an exception that EL2 took from itself. */
struct fatal_frame {
	u64 x[31];
	u64 sp;
	u64 kind; /* number of the vector, 0..15 */
	u64 reserved;
};

void fatal_exception(struct fatal_frame *frame) NORETURN COLD;

/* Log the callers from the frame record at `fp`, `pc` first. Stops at whatever is not on this CPU's stacks. */
void backtrace(u64 pc, u64 fp) COLD;

/* One line of it. */
void backtrace_line(const char *label, u64 pc) COLD;

/* All CPUs but this one are told to park: best effort, they may have our interrupts masked. */
void smp_stop_others(void) COLD;
void park(void) NORETURN;

#endif
