/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one call on domains may still do (V9). Whatever a call finds to do is charged against one count at the place where it
 * arises, so that no state of tables, lists, views and devices makes the sum longer. The unit is what one more page of a
 * run takes, about a dozen instructions; the longest calls in QEMU are test/guest/bench/longest_lists.c.
 *
 * What is begun is ended, and may go beyond; so a call with a whole budget does something of its first entry, whatever it is.
 */
#ifndef IOMMU_BUDGET_H
#define IOMMU_BUDGET_H

#include "abi/pviommu.h"
#include "hyp/addr.h"
#include "hyp/pt.h"

struct budget {
	u32 leaves;  /* as the interface counts them */
	u32 records; /* page records that an unmap may still touch */
	u32 work;
};

#define CALL_WORK 4800u

/* Mapping: a leaf, an entry, a run of leaves, a look into a secondary's view or for a device, and for each four entries there. */
#define WORK_MAP_PAGE  1u
#define WORK_MAP_BLOCK 14u
#define WORK_MAP_GIB   1150u
#define WORK_MAP_ENTRY 16u
#define WORK_MAP_RUN   32u
#define WORK_LOOK      16u
#define LOOK_ENTRIES   4u
/* A table made; an empty one taken out of a block's place, which is read whole. */
#define WORK_TABLE  28u
#define WORK_UNLINK 150u
/*
 * Unmapping: a leaf, of registers too, which may be another device's than those before; an entry, a run, and a split, which
 * writes a table and, of 2 MiB, as many page records.
 */
#define WORK_UNMAP_PAGE     1u
#define WORK_UNMAP_REGISTER 4u
#define WORK_UNMAP_BLOCK    2u
#define WORK_UNMAP_GIB      200u
#define WORK_UNMAP_ENTRY    8u
#define WORK_UNMAP_RUN      29u
#define WORK_SPLIT          570u
/* The end of domains: an empty slot of a table, a table page or so many slots as pt_destroy() looks at for one, a domain, a slot. */
#define WORK_HOLE    9u
#define WORK_DESTROY 36u
#define WORK_DOMAIN  40u
#define WORK_SLOT    2u

_Static_assert(CALL_WORK >= WORK_MAP_GIB && CALL_WORK > WORK_UNMAP_ENTRY + 2 * WORK_SPLIT, "enough for any first leaf");

#define BUDGET_WHOLE ((struct budget){ .leaves = PVIOMMU_MAX_LEAVES, .records = PVIOMMU_MAX_PAGES, .work = CALL_WORK })

static inline bool budget_left(const struct budget *b) { return b->leaves > 0 && b->work > 0; }

static inline void budget_spend(struct budget *b, u32 work) { b->work = work < b->work ? b->work - work : 0; }

/* What a leaf takes of the leaves that one step may touch: of 1 GiB, it touches the records of 512 runs. */
#define GIB_AS_LEAVES  128u
#define GIB_AS_RECORDS 512u
_Static_assert(PVIOMMU_MAX_LEAVES / GIB_AS_LEAVES * GIB_AS_RECORDS <= PVIOMMU_MAX_PAGES, "records of one call");
static inline u32 leaf_work(u8 shift) { return unlikely(shift == PT_SHIFT_1G) ? GIB_AS_LEAVES : 1; }
static inline u32 leaf_records(u8 shift) { return unlikely(shift == PT_SHIFT_1G) ? GIB_AS_RECORDS : 1; }
/* How many such leaves there is room for. */
static inline u32 leaf_room(u32 leaves, u8 shift) { return unlikely(shift == PT_SHIFT_1G) ? leaves / GIB_AS_LEAVES : leaves; }

/*
 * A run of leaves that goes: it is made as short as what the budget has left, and charged. False: not one of it, and the
 * call ends. In unmap.c.
 */
bool budget_run(struct budget *b, struct pt_run *run);

#endif
