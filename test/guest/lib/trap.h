/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions: an unexpected one ends the run with a report; an expected one is recorded and skipped. */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "cpu.h"

/* As start.S saves it. */
struct trap_frame {
	u64 x[31];
	u64 sp;
	u64 elr;
	u64 spsr;
	u64 esr;
	u64 far;
	u64 fpcr;
	u64 fpsr;
	u64 q[32][2];
};

#define ESR_CLASS(esr) ((u32)((esr) >> 26) & 0x3f)
#define ESR_UNKNOWN    0x00
#define ESR_DATA_ABORT 0x25
/* Synchronous external abort, not on a table walk. */
#define ESR_IS_EXTERNAL(esr) (ESR_CLASS(esr) == ESR_DATA_ABORT && ((esr) & 0x3f) == 0x10)

void trap_arm(void);
/* True if the armed code raised nothing. */
bool trap_disarm(void);

/* TRY(statement): runs one-instruction accesses; false if one of them trapped (and was skipped). */
#define TRY(statement)         \
	({                     \
		trap_arm();    \
		statement;     \
		trap_disarm(); \
	})

/* The interrupt handler of the image; none is installed at first. */
void trap_set_irq(void (*handler)(void));
void trap_handle(struct trap_frame *frame, u64 vector);

#endif
