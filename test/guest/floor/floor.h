/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: what map, unmap and an empty call cost where EL2 does only what nobody can leave out. One caller, tables
 * that are there, no pools, no handles, no statistics. Prepared at EL1 (floor_setup.c), called by HVC (floor_el2.c).
 */
#ifndef FLOOR_H
#define FLOOR_H

#include "types.h"

/* Calls: x0; x1 domain, x2 IOVA, x3 IPA or bytes, x4 bytes, x5 prot. Back: x0 a status, x1 bytes done. */
#define FLOOR_NULL  0
#define FLOOR_MAP   1
#define FLOOR_UNMAP 2
#define FLOOR_CALLS 3

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
#define FLOOR_QUEUE_LOG 8

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
};

extern struct floor floor_state;

/* floor_setup.c: the SMMU with one domain for that stream; every table that [iova, iova + bytes) needs is there. */
void floor_open(u32 stream);
void floor_make_tables(u64 iova, u64 bytes);

#endif
