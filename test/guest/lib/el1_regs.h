/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EL1 and EL0 system registers that hold a value of a guest's without an effect on this library's code: for
 * tests that fill them with a pattern, or compare them across a call.
 */
#ifndef GUEST_EL1_REGS_H
#define GUEST_EL1_REGS_H

#include "cpu.h"

struct el1_reg {
	const char *name;
	u64 mask; /* bits that a test may set */
	u64 (*read)(void);
	void (*write)(u64 value);
};

#define EL1_REGS_MAX 40

extern const struct el1_reg el1_regs[];
extern const u32 el1_reg_count;

/* Bit n: register n exists here, for this VM; reading it does not trap. Changes none. */
u64 el1_regs_probe(void);

#endif
