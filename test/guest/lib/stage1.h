/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that a guest owns (include/abi/pviommu.h): contexts, tables and commands as a guest writes them, and its calls.
 * In the architecture's numbers and not in the driver's words: IHI 0070 4 and 5.4, tables of 4 KiB pages in four levels.
 */
#ifndef GUEST_STAGE1_H
#define GUEST_STAGE1_H

#include "abi/pviommu.h"
#include "hcall.h"
#include "types.h"

#define CFGI_CD  0x05ul
#define CFGI_ALL 0x06ul
#define NH_ALL   0x10ul
#define NH_ASID  0x11ul
#define NH_VA    0x12ul
#define NH_VAA   0x13ul
#define NSNH_ALL 0x30ul
#define ASID(n)  ((u64)(n) << 48)
#define VSID(n)  ((u64)(n) << 32)

/* Word 0 of a stream table entry: stage 1 by the one context at `cd`. */
#define STAGE1_STE(cd) (5ul << 1 | 1 | (u64)(cd))

#define STAGE1_PAGES 5u /* the context's and four levels of tables */

/* What walkers of the SMMU read is in memory. */
static inline void stage1_publish(void) { __asm__ volatile("dsb sy" ::: "memory"); }

/* A descriptor of the last level, for reads and writes by all of one ASID: nG, AF, inner shareable. */
static inline u64 stage1_leaf(u64 out) { return out | 0xf43; }

/* A context for the tables from `root` on: 48 bits of TTB0, no TTB1, faults are recorded. */
void stage1_context(u64 *cd, u16 asid, u64 root);

/* A context, in the first of STAGE1_PAGES pages, and tables behind it for the page at `va`, whose leaf is returned, 0. */
u64 *stage1_make(u64 *pages, u16 asid, u64 va);

/* ALLOC_NESTED of these words. */
struct hres stage1_alloc(u32 pviommu, u64 word0, u64 word1);

/* INVALIDATE of the first `count` of stage1_entry[]; what became of each is in stage1_status[], 0xee where nothing is said. */
extern struct pviommu_inval_smmuv3 stage1_entry[PVIOMMU_MAX_INVAL];
extern u8 stage1_status[PVIOMMU_MAX_INVAL];
struct hres stage1_invalidate(u32 pviommu, u32 count);
/* Its structure, for callers with entries of their own. */
struct pviommu_invalidate stage1_envelope(u32 pviommu, const struct pviommu_inval_smmuv3 *entries, u32 count);

#endif
