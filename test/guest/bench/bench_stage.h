/* SPDX-License-Identifier: BSD-2-Clause */
/* A first stage of our own that calls are measured with. */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "stage1.h"

#define BENCH_STAGE_VA   0x100000000ul
#define BENCH_STAGE_ASID 3

/* Tables and a context for one 4 KiB page at BENCH_STAGE_VA, as a nested domain; *leaf: its descriptor, 0. */
u64 bench_first_stage(u64 **leaf);

#endif
