/* SPDX-License-Identifier: BSD-2-Clause */
/* What the measurements share: a call between two readings of the counter, medians, and how a figure is printed. */
#ifndef GUEST_BENCH_COUNT_H
#define GUEST_BENCH_COUNT_H

#include "hcall.h"

#define BENCH_SAMPLES 1000

struct timed {
	struct hres r;
	u32 ticks;
};

/* Of every key that is printed. */
extern const char *bench_suffix;

/* Before the first call: takes the counter's own cost, and fails the case if it does not count instructions. */
void bench_count_begin(void);
struct timed timed_call(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);
u32 bench_median(u32 *values, u32 count);
void bench_print(const char *key, u32 value, u32 cold);

#endif
