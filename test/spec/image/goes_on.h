/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a guest goes on behind an exit, on the CPU that it left: done, as it was, or in its handler. Each answer is a sentence
 * about what is wrong, NULL if nothing is.
 */
#ifndef SPEC_GOES_ON_H
#define SPEC_GOES_ON_H

#include "hyp/types.h"

#define X_COUNT 31u
#define X_NONE  31u

struct vcpu;

struct guest_before {
	u64 x[X_COUNT], pc, state;
};

struct guest_before goes_on_take(const struct vcpu *vcpu);
/* `bytes` behind where it was, in the same state; no register but `rt` changed. */
const char *goes_on_behind(const struct vcpu *vcpu, const struct guest_before *b, u64 bytes, u32 rt);
/* In its handler, told of an undefined instruction; of an external abort. */
const char *goes_on_undefined(const struct vcpu *vcpu, const struct guest_before *b, u64 esr);
const char *goes_on_aborted(const struct vcpu *vcpu, const struct guest_before *b, u64 esr);

#endif
