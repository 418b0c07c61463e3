/* SPDX-License-Identifier: BSD-2-Clause */
/* Every general and vector register around one exit to the primary (pattern.S). */
#ifndef SECONDARY_PATTERN_H
#define SECONDARY_PATTERN_H

#include "types.h"

struct pattern_file {
	u64 x[31]; /* x[30] is the address that is written */
	u64 sp;    /* filled by pattern_exit: the stack pointer meanwhile */
	u64 nzcv;
	u64 fpcr;
	u64 fpsr;
	u64 own_sp;
	u64 v[32][2];
};

/*
 * Loads x0..x30, v0..v31, NZCV, FPCR and FPSR from `in`, makes `out` the stack pointer, stores a zero word at
 * in->x[30] and collects all of them in `out`. Interrupts must be masked.
 */
void pattern_exit(const struct pattern_file *in, struct pattern_file *out);

#endif
