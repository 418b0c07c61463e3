/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: what map, unmap, attach, detach, invalidations and an empty call cost where EL2 does only what nobody can leave out. One caller, tables
 * that are there, no pools, no handles, no statistics. Prepared at EL1 (floor_setup.c), called by HVC (floor_el2.c).
 */
#ifndef FLOOR_H
#define FLOOR_H

#include "types.h"

/*
 * Calls: x0; x1 domain, x2 IOVA, x3 IPA or bytes, x4 bytes, x5 prot. Back: x0 a status, x1 bytes done. Attach and detach:
 * x2 stream. Invalidate: x2 IPA of entries, x3 how many; back in x1 how many.
 */
#define FLOOR_NULL       0
#define FLOOR_MAP        1
#define FLOOR_UNMAP      2
#define FLOOR_ATTACH     3
#define FLOOR_DETACH     4
#define FLOOR_INVALIDATE 5

#define FLOOR_OK      0
#define FLOOR_INVALID 1
#define FLOOR_DENIED  2
#define FLOOR_BUSY    3
#define FLOOR_ABSENT  4
#define FLOOR_IO      5

#define FLOOR_READ  1u
#define FLOOR_WRITE 2u

#define FLOOR_IOVA_BITS 48
#define FLOOR_DOMAINS   4
#define FLOOR_OWNER     1u /* the one caller */
#define FLOOR_PINS_MAX  0xffffu
#define FLOOR_OWNED     ((u64)FLOOR_OWNER << 32)
#define FLOOR_QUEUE_LOG 16 /* holds the largest invalidation and its sync; a place is found by an extension of its index */
#define FLOOR_STREAMS   4
#define FLOOR_INVAL_MAX 256u

/* A page, and likewise a run of 2 MiB: owner << 32 | how many mappings hold it. */
typedef u64 floor_record;

struct floor_lock {
	u32 next;
	u32 serving;
};

struct floor_domain {
	struct floor_lock lock; /* the tables, and the records of the owner's pages */
	u32 owner;
	u32 asid;
	u64 *root;
};

/* The one that is measured is the first. */
struct floor_stream {
	u32 owner;
	u32 sid;
	u64 *entry;
	struct floor_domain *domain; /* that it is attached to */
};

struct floor_queue {
	struct floor_lock lock;
	u32 prod;
	u64 (*commands)[2];
	u64 prod_reg;
	u64 cons_reg;
};

/* Written at EL1 before the first call, used at EL2 alone after it. */
struct floor {
	struct floor_domain domain[FLOOR_DOMAINS];
	struct floor_queue queue;
	u64 ram_base;
	u64 ram_bytes;
	floor_record *pages;
	floor_record *runs;
	struct floor_stream stream[FLOOR_STREAMS];
	u64 ste[FLOOR_DOMAINS][2]; /* what a stream's entry says that is attached there */
	u32 vmid;
};

extern struct floor floor_state;

struct floor_result {
	u64 status;
	u64 done;
};

/* floor_stream.c, at EL2: takes the place of floor_call, and so its arguments. */
struct floor_result floor_stream_call(u64 call, u64 domain, u64 what, u64 count, u64 b, u64 prot);

/* floor_setup.c: the SMMU with one domain for that stream; every table that [iova, iova + bytes) needs is there. */
void floor_open(u32 stream);
void floor_make_tables(u64 iova, u64 bytes);
/* The last-level entry of an IOVA that has its tables. */
u64 *floor_leaf(u64 iova);

#endif
