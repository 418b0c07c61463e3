/* SPDX-License-Identifier: BSD-2-Clause */
/* This CPU: system registers, barriers, device access, the record behind TPIDR_EL1. */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "types.h"

#define MAX_CPUS 8

#define TIMER_ISTATUS 4u /* of a timer's control register: its time has come */

#define sysreg_read(reg)                                             \
	({                                                           \
		u64 sysreg_value_;                                   \
		asm volatile("mrs %0, " #reg : "=r"(sysreg_value_)); \
		sysreg_value_;                                       \
	})
#define sysreg_write(reg, value) asm volatile("msr " #reg ", %0" ::"r"((u64)(value)) : "memory")

#define isb() asm volatile("isb" ::: "memory")
#define dsb() asm volatile("dsb sy" ::: "memory")
#define wfi() asm volatile("dsb sy\n\twfi" ::: "memory")

/*
 * Waits by WFE as for a lock to change, after an exit: whose read of `exits`, 4 bytes, comes between the exclusive load
 * and the wait. No event is left over from before.
 */
static inline void wait_behind_exit(u64 exits)
{
	u64 lock = 0, seen;
	u32 value;

	asm volatile("sevl\n\twfe\n\tldxr %0, [%2]\n\tldr %w1, [%3]\n\twfe"
		     : "=&r"(seen), "=&r"(value)
		     : "r"(&lock), "r"(exits)
		     : "memory");
}

/* One instruction each, so that a trap can skip it and a hypervisor can decode it. */
static inline u32 mmio_read32(u64 address)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write32(u64 address, u32 value)
{
	asm volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

static inline u64 mmio_read64(u64 address)
{
	u64 value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write64(u64 address, u64 value)
{
	asm volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}

static inline u16 mmio_read16(u64 address)
{
	u32 value;

	asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return (u16)value;
}

static inline void mmio_write8(u64 address, u8 value)
{
	asm volatile("strb %w0, [%1]" ::"r"((u32)value), "r"(address) : "memory");
}

static inline void mmio_write16(u64 address, u16 value)
{
	asm volatile("strh %w0, [%1]" ::"r"((u32)value), "r"(address) : "memory");
}

static inline u8 mmio_read8(u64 address)
{
	u32 value;

	asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return (u8)value;
}

struct cpu {
	u32 index;
	u64 mpidr;
	/* trap.c: an exception is expected; it is recorded and the instruction skipped. */
	bool trap_armed;
	bool trap_taken;
	u64 trap_esr;
	u64 trap_far;
	/* smp.c: what a secondary is to run next. */
	void (*work)(void *arg);
	void *work_arg;
	u32 work_given;
	u32 work_done;
	bool online;
	bool gic_ready; /* gic.c */
};

extern struct cpu cpu0;

static inline struct cpu *cpu_this(void)
{
	return (struct cpu *)sysreg_read(tpidr_el1);
}

/* Virtual counter; on QEMU's "max" under -icount shift=0 one tick is one instruction. */
static inline u64 time_ticks(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

static inline u64 time_ms(u64 ms)
{
	return sysreg_read(cntfrq_el0) / 1000 * ms;
}

#endif
