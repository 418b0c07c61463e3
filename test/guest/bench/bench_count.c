/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter, medians and how a figure is printed. Runs on one vCPU of -cpu max under -icount shift=0,sleep=off. */
#include "bench_count.h"

#include <stdio.h>
#include <stdlib.h>

#include "abi/hcall.h"
#include "report.h"

static u32 counter_cost;
const char *bench_suffix = "";

/*
 * The counter around one HVC, with the same instructions around none for its own cost. x9 and x10 hold the two
 * readings: the call preserves them.
 */
struct timed timed_call(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;
	register u64 x4 asm("x4") = a4;
	register u64 x5 asm("x5") = a5;
	register u64 x6 asm("x6") = a6;
	register u64 x9 asm("x9");
	register u64 x10 asm("x10");

	asm volatile("isb\n\tmrs x9, cntvct_el0\n\thvc #0\n\tisb\n\tmrs x10, cntvct_el0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "=&r"(x9), "=&r"(x10)
		     : "r"(x4), "r"(x5), "r"(x6)
		     : "memory");
	return (struct timed){ { x0, x1, x2, x3, fn == PC_PVIOMMU_OP && a1 < PVIOMMU_OP_FIRST_OURS },
			       (u32)(x10 - x9) - counter_cost };
}

static int ascending(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

u32 bench_median(u32 *values, u32 count)
{
	qsort(values, count, sizeof(u32), ascending);
	return values[count / 2];
}

/* Instructions between the readings with nothing between; each of a thousand must be the same. */
void bench_count_begin(void)
{
	u32 first = 0;

	for (u32 i = 0; i < BENCH_SAMPLES; i++) {
		u64 a, b;

		asm volatile("isb\n\tmrs %0, cntvct_el0\n\tisb\n\tmrs %1, cntvct_el0" : "=&r"(a), "=&r"(b)::"memory");
		if (!i)
			first = (u32)(b - a);
		REQUIRE(b - a == first && first < 16, "the counter does not count instructions: %lu after %u (one CPU, -cpu max, "
						      "-icount shift=0,sleep=off?)",
			b - a, first);
	}
	counter_cost = first;
}

void bench_print(const char *key, u32 value, u32 cold)
{
	printf("[b] %s%s %u cold %u\n", key, bench_suffix, value, cold);
}
