/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks that layout.h says what the compiler does. No code. */
#include "layout.h"

#include "fatal.h"
#include "hyp/vm.h"
#include "world.h"

#include <arch/percpu.h>

_Static_assert(CPUS_MAX == MACHINE_MAX_CPUS, "CPUS_MAX");
_Static_assert(offsetof(struct vcpu, arch) == 0, "struct vcpu");
_Static_assert(offsetof(struct arch_vcpu, x[30]) == VCPU_X(30), "VCPU_X");
_Static_assert(offsetof(struct arch_vcpu, call.r[6]) == VCPU_X(6), "struct hcall_args");
_Static_assert(offsetof(struct arch_vcpu, stack_top) == VCPU_STACK_TOP, "VCPU_STACK_TOP");
_Static_assert(offsetof(struct arch_vcpu, elr) == VCPU_ELR, "VCPU_ELR");
_Static_assert(offsetof(struct arch_vcpu, spsr) == VCPU_ELR + 8, "VCPU_ELR");
_Static_assert(offsetof(struct arch_vcpu, exits[EXIT_HVC]) == VCPU_HVC_COUNT, "VCPU_HVC_COUNT");
_Static_assert(_Alignof(struct arch_vcpu) % 16 == 0, "SP_EL2 is 16-byte aligned");
_Static_assert(offsetof(struct percpu, stack_top) == PERCPU_STACK_TOP, "PERCPU_STACK_TOP");
_Static_assert(offsetof(struct percpu, fatal_top) == PERCPU_FATAL_TOP, "PERCPU_FATAL_TOP");
_Static_assert(offsetof(struct world_fp, fpcr) == FP_CONTROL, "FP_CONTROL");
_Static_assert(offsetof(struct world_fp, fpsr) == FP_CONTROL + 8, "FP_CONTROL");
_Static_assert(offsetof(struct world_sve, p) == SVE_P, "SVE_P");
_Static_assert(offsetof(struct world_sve, fpcr) == SVE_P + SVE_P_BYTES, "SVE_P_BYTES");
_Static_assert(offsetof(struct world_sve, fpsr) == SVE_P + SVE_P_BYTES + 8, "SVE_P_BYTES");
_Static_assert(offsetof(struct fatal_frame, x[30]) == FRAME_X(30), "FRAME_X");
_Static_assert(offsetof(struct fatal_frame, sp) == FRAME_SP, "FRAME_SP");
_Static_assert(offsetof(struct fatal_frame, kind) == FRAME_KIND, "FRAME_KIND");
_Static_assert(sizeof(struct fatal_frame) == FRAME_BYTES, "FRAME_BYTES");
