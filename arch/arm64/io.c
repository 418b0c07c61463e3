/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory by the cache line: the long parts of <arch/io.h>. */
#include "hyp/io.h"

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

NOINLINE void io_clean(const void *start, size_t size)
{
	u64 ctr, line, p, end = (u64)start + size;

	/* CTR_EL0.DminLine: log2 of the words in the smallest data cache line (DDI 0487 D24.2.36). */
	__asm__("mrs %0, ctr_el0" : "=r"(ctr));
	line = 4ul << ((ctr >> 16) & 0xf);
	p = (u64)start & ~(line - 1);
	IO_EACH_LINE("dc civac", p, end, line);
	dsb(sy);
}

NOINLINE void io_zero_pages(void *page, u64 pages)
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
