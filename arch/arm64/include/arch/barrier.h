/* SPDX-License-Identifier: BSD-2-Clause */
/* Barriers of the CPU. Arm ARM (DDI 0487) B2.3, C6.2 (DMB, DSB, ISB). */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

/* Order between memory accesses; `scope` as the instruction writes it: ish, ishst, osh, oshst, oshld, sy. */
#define dmb(scope) __asm__ volatile("dmb " #scope ::: "memory")
/* As dmb, and every instruction behind it waits for them; completes TLB and cache maintenance. */
#define dsb(scope) __asm__ volatile("dsb " #scope ::: "memory")
/* Later instructions see earlier changes of system registers. */
#define isb() __asm__ volatile("isb" ::: "memory")

#endif
