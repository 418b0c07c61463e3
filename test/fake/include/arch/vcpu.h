/* SPDX-License-Identifier: BSD-2-Clause */
/* The host has no guest registers: tests call hyp_hypercall() with the arguments themselves. */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include "hyp/types.h"

struct arch_vcpu {
	u64 unused;
};

#endif
