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

/* An operation by address on each line of [at, end); `at` and `end` are wherever the first and the last begin. */
#define IO_EACH_LINE(operation, at, end, line)                                                      \
	do {                                                                                        \
		for (; (end) - (at) >= 16 * (line); (at) += 16 * (line)) {                          \
			u64 each = (at);                                                            \
                                                                                                    \
			__asm__ volatile(".rept 16\n\t" operation ", %0\n\tadd %0, %0, %1\n\t.endr" \
					 : "+r"(each)                                               \
					 : "r"(line)                                                \
					 : "memory");                                               \
		}                                                                                   \
		for (; (at) < (end); (at) += (line))                                                \
			__asm__ volatile(operation ", %0" ::"r"(at) : "memory");                    \
	} while (0)

static inline void io_clean(const void *start, size_t size)
{
	u64 ctr, line, p, end = (u64)start + size;

	/* CTR_EL0.DminLine: log2 of the words in the smallest data cache line (DDI 0487 D24.2.36). */
	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4ul << ((ctr >> 16) & 0xf);
	p = (u64)start & ~(line - 1);
	IO_EACH_LINE("dc civac", p, end, line);
	dsb(sy);
}

static inline void io_zero_pages(void *page, u64 pages)
{
	u64 dczid, line, p = (u64)page, end = (u64)page + pages * PAGE_SIZE;

	/* DCZID_EL0: log2 of the words that DC ZVA zeroes, and whether it is prohibited (D24.2.38). */
	__asm__("mrs %0, dczid_el0" : "=r"(dczid));
	if ((dczid & 0x10) != 0) {
		for (u64 *word = page; (u64)word < end; word += 2)
			word[0] = word[1] = 0;
		return;
	}
	line = 4ul << (dczid & 0xf);
	IO_EACH_LINE("dc zva", p, end, line);
}

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
