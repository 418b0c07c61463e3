/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest's abort says of the access that made it. */
#ifndef ARM64_ABORT_H
#define ARM64_ABORT_H

#include "hyp/upcall.h"

/* A load or store that stage 2 refused. */
struct abort {
	struct mem_access access; /* without the value of a store */
	u8 reg;                   /* stored, or loaded into; 31 is the zero register */
	bool sign;                /* a load extends the sign */
	bool wide;                /* to 64 bits, else to 32 */
};

/* From ESR_EL2, FAR_EL2 and HPFAR_EL2. False: not for want of a mapping, or the address is not known. Pure. */
bool abort_decode(u64 esr, u64 far, u64 hpfar, struct abort *abort) MUST_CHECK;

/* What a load leaves in its register. */
u64 abort_extend(const struct abort *abort);

/* The part of a register that a store of this width writes. */
u64 abort_truncate(const struct abort *abort, u64 reg);

#endif
