/* SPDX-License-Identifier: BSD-2-Clause */
/* A first stage as the primary writes it, in numbers and not in the driver's words, and its calls for it. */
#ifndef FIRST_STAGE_H
#define FIRST_STAGE_H

#include "bench_nested.h"

#define WHERE   bench_page(1000) /* structures of calls */
#define ENTRIES bench_page(1010) /* 16 pages of them */
#define STATUS  bench_page(1030)
#define CDS     bench_page(100)
#define ROOT    bench_page(200) /* four levels, a page each: of address space n from page 200 + 4 n on */
#define VA      0x1000ull
#define B(n)    (1ull << (n))

u64 *at(u64 ipa);
u64 root_of(u32 space);
/* A page of the first 2 MiB, writable by everybody, tagged by the ASID. */
void put_leaf(u32 space, u64 va, u64 ipa);
void put_cd(u64 where, u16 asid, u64 root);

struct result alloc_raw(u64 word0, u64 word1);
u32 alloc(u64 word0, u64 word1);
u32 alloc_linear(u64 cds); /* one context without PASIDs */

struct pviommu_invalidate *envelope(void);
void put_entry(u32 i, u64 word0, u64 word1);
struct result invalidate(u32 count);
void inval(u64 word0, u64 word1); /* one entry that has to succeed */

/* The device under vSID 7: nested with ASID 1, VA at the page. Returns the domain. */
u32 first_stage_of(u32 device, u64 page);

#endif
