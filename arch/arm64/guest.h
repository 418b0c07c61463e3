/* SPDX-License-Identifier: BSD-2-Clause */
/* The primary on one CPU: its first instruction, and the exceptions that it is made to take. */
#ifndef ARM64_GUEST_H
#define ARM64_GUEST_H

#include "hyp/types.h"

/* This CPU enters the primary's vCPU `index` at EL1: x0 = context, MMU off, interrupts masked. */
void guest_start(u32 index, u64 entry, u64 context) NORETURN;

/* The instruction that trapped becomes an undefined one. */
void inject_undefined(void);

/* The access that trapped becomes a synchronous external abort; `esr` and FAR_EL2 say which. */
void inject_abort(u64 esr);

/* Past the instruction that trapped. */
void guest_skip(void);

#endif
