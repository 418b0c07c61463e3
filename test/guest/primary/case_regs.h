/* SPDX-License-Identifier: BSD-2-Clause */
/* Every general and vector register around one HVC (case_regs.S). */
#ifndef CASE_REGS_H
#define CASE_REGS_H

#include "types.h"

struct register_file {
	u64 x[31];
	u64 sp;
	u64 nzcv;
	u64 daif;
	u64 v[32][2];
};

/* Loads x0..x30, v0..v31 and the flags from `in`, issues HVC #0, stores all to `out`; writes sp and DAIF to `in`. */
void hvc_with_registers(struct register_file *in, struct register_file *out);

#endif
