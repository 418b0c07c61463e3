/* SPDX-License-Identifier: BSD-2-Clause */
/* How many instructions EL2 executes in a boot: the boot option `measure`. Off, it costs nothing after the start. */
#ifndef ARM64_MEASURE_H
#define ARM64_MEASURE_H

#include "hyp/types.h"

struct vcpu;

/* Is this the run of a boot that is measured, from start-up to the marker? */
bool measure_running(void);

/* The last step before the first guest instruction of a CPU. */
void measure_start(void);

/* A register that traps only while measuring; false: it is not one of those. */
bool measure_sysreg(struct vcpu *vcpu, u64 esr) COLD NOINLINE;

/* vectors.S: an access to a cache type register, counter stopped. Returns whether to go on counting. */
bool measure_cache_register(struct vcpu *vcpu);

#endif
