/* SPDX-License-Identifier: BSD-2-Clause */
/* What the measurements share: a call between two readings of the counter, medians, and how a figure is printed. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include "hcall.h"

struct timed {
	struct hres r;
	u32 ticks;
};

struct timed timed_call(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);
u32 bench_median(u32 *values, u32 count);
void bench_print(const char *key, u32 value, u32 cold);

/* bench_vm.c: secondaries, of memory that begins at a 2 MiB boundary; an empty call's figure is known. */
void bench_vms(u64 memory, u32 null_call);

#endif
