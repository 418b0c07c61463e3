/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls of the primary to its pvIOMMUs, each answer predicted (spec.h): what random_test.c and the fuzzer play.
 * All chances are fake_random_below()'s.
 */
#ifndef RANDOM_CALLS_H
#define RANDOM_CALLS_H

#include "spec_old.h"

extern struct spec random_spec;

void random_calls_begin(u32 iommus); /* after bench_boot */
void random_calls_one(void);
void random_calls_dma(void);

#endif
