/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as drivers see it on a real CPU; the contract is in include/hyp/io.h. */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <arch/barrier.h>

#include "hyp/addr.h"

#ifdef __CHECKER__
#define IO_FORCE __attribute__((force))
#else
#define IO_FORCE
#endif

/* Microseconds in one tick of the system counter, times 2^64; set before the first line of C that logs. */
extern u64 io_time_scale;

static inline u8 io_read8(const volatile void __mmio *reg)
{
	return *(const volatile u8 IO_FORCE *)reg;
}

static inline void io_write8(u8 value, volatile void __mmio *reg)
{
	*(volatile u8 IO_FORCE *)reg = value;
}

static inline u32 io_read32(const volatile void __mmio *reg)
{
	return *(const volatile u32 IO_FORCE *)reg;
}

static inline u64 io_read64(const volatile void __mmio *reg)
{
	return *(const volatile u64 IO_FORCE *)reg;
}

static inline void io_write32(u32 value, volatile void __mmio *reg)
{
	*(volatile u32 IO_FORCE *)reg = value;
}

static inline void io_write64(u64 value, volatile void __mmio *reg)
{
	*(volatile u64 IO_FORCE *)reg = value;
}

static inline u64 io_table_read(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static inline void io_table_write(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

static inline void io_table_publish(void)
{
	dsb(ishst);
}

static inline void io_wmb(void)
{
	dmb(oshst);
}

static inline void io_rmb(void)
{
	dmb(oshld);
}

/* By the line, in steps of sixteen: too long to be in each place that calls it. io.c */
void io_clean(const void *start, size_t size);
void io_zero_pages(void *page, u64 pages);

static inline u64 io_time_us(void)
{
	u64 ticks;

	__asm__ volatile("mrs %0, cntpct_el0" : "=r"(ticks));
	return (u64)(((unsigned __int128)ticks * io_time_scale) >> 64);
}

static inline void io_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* The hypervisor's map has VA = PA. */
static inline void *io_phys(pa_t page)
{
	return (void *)page.v;
}

static inline pa_t io_phys_of(const void *p)
{
	return pa((u64)p);
}

#endif
