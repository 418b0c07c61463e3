/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPUs of the machine. */
#ifndef ARM64_SMP_H
#define ARM64_SMP_H

#include "hyp/platform.h"

#include <arch/percpu.h>

/* Where the stacks of all CPUs are: the first thing in C, since the report of an exception needs it. */
void smp_stacks_init(void);

/* Identities of all CPUs; refuses a machine whose tree does not name the CPU that runs this. */
void smp_init(const struct machine *m);

/* The record of machine.cpu[index]. */
struct percpu *smp_cpu(u32 index);

/* Where PSCI starts a CPU for us, x0 = its record: boot.S. Then the first C function, translation on. */
void secondary_boot(void);
void smp_main(struct percpu *cpu) NORETURN;

#endif
