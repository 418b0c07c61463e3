/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls of the primary to its pvIOMMUs, and DMA of its devices: what random_test.c and the fuzzer play. What the
 * calls have to answer, and where DMA has to land, the specification says (test/spec). All chances are
 * fake_random_below()'s.
 */
#ifndef RANDOM_CALLS_H
#define RANDOM_CALLS_H

#include "bench.h"

void random_calls_begin(u32 iommus); /* after bench_boot */
void random_calls_one(void);
void random_calls_dma(void);

#endif
