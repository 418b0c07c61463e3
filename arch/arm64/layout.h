/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets and sizes that assembly and C share; C checks each of them (layout.c). */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define CPUS_MAX         8      /* MACHINE_MAX_CPUS */
#define STACK_SIZE       0x4000 /* of a CPU's C code */
#define FATAL_STACK_SIZE 0x2000 /* on which an exception of our own is reported */
#define STACK_GUARD      0x1000 /* unmapped, below each of them */

#define VCPU_X(n)      (8 * (n))
#define VCPU_STACK_TOP 248
#define VCPU_ELR       256
#define VCPU_HVC_COUNT 272

#define PERCPU_STACK_TOP 0
#define PERCPU_FATAL_TOP 8

#define FP_CONTROL  512 /* struct world_fp */
#define SVE_P       8192 /* struct world_sve */
#define SVE_P_BYTES 544

#define FRAME_X(n)  (8 * (n)) /* struct fatal_frame */
#define FRAME_SP    248
#define FRAME_KIND  256
#define FRAME_BYTES 272

/* ESR_EL2 of HVC #0: EC 0x16, IL, imm16 0. */
#define ESR_HVC0 0x5a000000

/* ESR_EL2 of a trapped register with op0 3, CRn 0, CRm 0: CTR_EL0, CLIDR_EL1 and their like. */
#define MEASURE_ISS_MASK  0xfc303c1e
#define MEASURE_ISS_CACHE 0x60300000
#define MEASURE_COUNTER   2 /* bit of PMU counter 1 */

#endif
