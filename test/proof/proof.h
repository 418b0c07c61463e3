/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a harness is written with. It includes the files of the product that it proves something of, gives what lies below
 * them the widest behaviour that their contracts allow, and states its claims; CBMC then looks at every input at once.
 *
 * A claim's name is said once more in the list of seeded faults beside the harness: some fault must break it there.
 */
#ifndef PROOF_H
#define PROOF_H

#include "hyp/bits.h"
#include "hyp/types.h"

void __CPROVER_assume(_Bool condition);
void __CPROVER_assert(_Bool condition, const char *claim);

/* Any value at all: CBMC knows functions of such names. */
u8 nondet_u8(void);
u16 nondet_u16(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
_Bool nondet_bool(void);
static inline u8 any_u8(void) { return nondet_u8(); }
static inline u16 any_u16(void) { return nondet_u16(); }
static inline u32 any_u32(void) { return nondet_u32(); }
static inline u64 any_u64(void) { return nondet_u64(); }
static inline bool any_bool(void) { return nondet_bool(); }

/* What callers promise; nothing is proven where it does not hold. */
#define ASSUME(condition) __CPROVER_assume(condition)
/* Holds for every input that is left. */
#define CLAIM(name, condition) __CPROVER_assert(condition, "claim " name)

static inline u32 any_u32_to(u32 most)
{
	u32 value = any_u32();

	ASSUME(value <= most);
	return value;
}

/* A CHECK of the product never fails. Nothing is looked at behind one that does. */
void panic(const char *fmt, ...)
{
	(void)fmt;
	__CPROVER_assert(0, "no CHECK fails");
	__CPROVER_assume(0);
	for (;;)
		;
}

#endif
