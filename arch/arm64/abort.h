/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest's abort says of the access that made it: ESR_EL2, FAR_EL2 and HPFAR_EL2 decoded. Pure. */
#ifndef ARM64_ABORT_H
#define ARM64_ABORT_H

#include "hyp/upcall.h"

/* A load or store that stage 2 refused. */
struct abort {
	struct mem_access access; /* without the value of a store */
	u8 reg;     /* stored, or loaded into; 31 is the zero register */
	bool sign;                /* a load extends the sign */
	bool wide;                /* to 64 bits, else to 32 */
};

/* Was it for want of a mapping? Otherwise there is no address. */
bool abort_unmapped(u64 esr);
ipa_t abort_ipa(u64 far, u64 hpfar);

/* Is it for want of a mapping, and does the syndrome describe one load or store of one register? */
bool abort_described(u64 esr);

/* The access; `valid` is left to the caller: described, and naturally aligned. */
struct abort abort_decode(u64 esr, ipa_t addr);
bool abort_aligned(u64 esr, ipa_t addr);

/* What a load leaves in its register. */
u64 abort_extend(const struct abort *abort);

/* The part of a register that a store of this width writes. */
u64 abort_truncate(const struct abort *abort, u64 reg);

#endif
