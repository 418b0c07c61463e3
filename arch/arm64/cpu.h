/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of EL2 that decide what EL1 may do. */
#ifndef ARM64_CPU_H
#define ARM64_CPU_H

#include "hyp/types.h"

struct vm_cpu_view;
struct vcpu;

#define SCTLR_EL1_RESET 0x30d00800ull /* RES1 at reset, MMU off: DDI 0487 (M.a) D24.2.174 */

/* HCR_EL2 while the primary runs: cpu.c says what each bit is for. */
u64 cpu_hcr_primary(void);

/* This CPU's EL2 registers, once after it starts, before any guest. */
void cpu_init(void);

/* The part of cpu_init that depends on measure_running(). */
void cpu_init_debug(void);
bool cpu_has_pmu(void);

/* Load a VM's translation and what traps it; EL1 as after reset. */
void cpu_load_vm(const struct vm_cpu_view *view);
void cpu_reset_el1(void);

/* A field of an ID register, 4 bits at `low`. */
static inline u32 id_field(u64 value, u32 low)
{
	return (u32)(value >> low) & 0xf;
}

/* vectors.S */
void guest_enter(struct vcpu *vcpu) NORETURN;

#endif
