/* SPDX-License-Identifier: BSD-2-Clause */
/* Page records of a small machine without anything else on it. */
#ifndef RECORDS_H
#define RECORDS_H

#include "mem/page.h"
#include "mem/page_rules.h"

/* Three regions of RAM, two of them not aligned to 2 MiB; the heap is in the first. */
void records_boot(void);
#define RECORDS_GUEST     (FAKE_RAM_BASE + (8ull << 20)) /* the primary's, 2 MiB aligned, 8 MiB */
#define RECORDS_RAM2      0x80100000ull   /* 3 MiB from the middle of a run on */
#define RECORDS_RAM2_SIZE 0x300000ull
#define RECORDS_RAM3      0xc0000000ull   /* 1 MiB */
#define RECORDS_RAM3_SIZE 0x100000ull

/* Give a page an owner and state, as only a test may; the summary stays true. */
void records_make(u64 addr, u8 owner, u8 state);
/* The run's summary must be what its pages say. */
void records_check(void);

#endif
