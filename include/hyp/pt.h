/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables as the core sees them: formats are const tables of operations, one per format
 * (Arm stage 1 and stage 2, later EPT, VT-d). Tables are radix trees of 4 KiB pages, leaves are
 * 4 KiB, 2 MiB or 1 GiB.
 *
 * The caller holds the lock of whatever owns the table. Nothing here invalidates a TLB: the
 * caller does, before a page or table page is reused.
 */
#ifndef HYP_PT_H
#define HYP_PT_H

#include "hyp/addr.h"
#include "hyp/status.h"

struct pool;
struct pt_ops;

/* Access and memory type of a leaf, in every format. */
#define PT_READ    0x01u
#define PT_WRITE   0x02u
#define PT_EXEC    0x04u
#define PT_DEVICE  0x08u /* device memory; else normal memory */
#define PT_PRIV    0x10u /* stage 1: privileged accesses only */
#define PT_NOCACHE 0x20u /* normal memory, not cacheable */

/* Sizes of leaves, as shifts, and their bits in a mask of sizes. */
#define PT_SHIFT_4K 12
#define PT_SHIFT_2M 21
#define PT_SHIFT_1G 30
#define PT_SIZE_4K  (1u << PT_SHIFT_4K)
#define PT_SIZE_2M  (1u << PT_SHIFT_2M)
#define PT_SIZE_1G  (1u << PT_SHIFT_1G)

struct pt {
	const struct pt_ops *ops;
	struct pool *pool; /* where table pages come from and go to */
	pa_t root;         /* first of ops->root_pages pages */
	u64 *last;         /* cache: the table of 4 KiB leaves of the 2 MiB slot `last_slot` */
	u64 last_slot;     /* input address >> 21; ~0: none */
	u32 leaf_sizes;    /* which PT_SIZE_* may be used */
	u32 tables;        /* table pages below the root */
	bool clean;        /* the walker does not snoop: stores are cleaned to memory */
	bool uncached;     /* `last` is not kept: lookups do not hold the writers' lock */
};

/* Consecutive leaves of one size whose outputs are consecutive too. */
struct pt_run {
	u64 va;
	u64 out;
	u64 size;
	u32 prot; /* PT_* of the first; pt_take makes no claim about the others */
	u8 shift;
};

/*
 * What prepare did, so that it can be undone, and what it unlinked. One edit spans the prepares
 * of one contiguous range of input addresses, which bounds the tables it can need.
 */
#define PT_EDIT_MAX 32
struct pt_edit {
	u32 count;
	u32 unlinked; /* entries of step[] that took an empty table away */
	u64 reached;  /* E_TOOBIG with some of those: what lies before this address is ready */
	bool undone;
	struct pt_edit_step {
		u64 *slot;
		u64 old, new;
		u64 va; /* start of what the slot maps */
		pa_t page;
		u8 shift; /* log2 of what the slot maps */
	} step[PT_EDIT_MAX];
};

struct pt_ops {
	u8 va_bits;     /* input addresses are below 1 << va_bits */
	u8 root_pages;  /* 1, or more for concatenated tables; the root is aligned to its size */
	u8 stage;       /* 1 or 2 */
	u32 leaf_sizes; /* PT_SIZE_* that the format has */

	/*
	 * Make [va, va+size) ready for leaves of 1 << shift bytes (all aligned to it): every
	 * address must be unmapped (E_EXIST), missing tables are allocated (E_NOMEM) and linked
	 * empty, empty tables in the place of a block are unlinked. No translation changes.
	 * E_TOOBIG: too many empty tables are in the place of blocks; with edit->unlinked > 0 what lies before
	 * edit->reached is ready, and the caller may be content with that.
	 * On an error the caller calls undo with the same edit; after success with edit->unlinked > 0
	 * it invalidates the range, walk caches included, before commit, then calls finish.
	 */
	enum status (*prepare)(struct pt *pt, struct pt_edit *edit, u64 va, u64 size,
			       u8 shift) MUST_CHECK;

	/*
	 * Take back what an edit did. Tables that were linked are unlinked: when it returns true
	 * the caller invalidates [va, va+size) of the edit's call, walk caches included, and then
	 * calls finish; false: nothing was linked.
	 */
	bool (*undo)(struct pt *pt, struct pt_edit *edit);

	/* Release the unlinked pages of an edit to the pool; after the invalidation. */
	void (*finish)(struct pt *pt, struct pt_edit *edit);

	/* Write the leaves of a prepared range, published to walkers. Cannot fail. */
	void (*commit)(struct pt *pt, u64 va, u64 out, u64 size, u8 shift, u32 prot);

	/*
	 * The run of leaves that begins with the leaf that maps va, inside one table page and
	 * [.., limit). run->va is that leaf's start (at or below va). False: not mapped; then run->size and
	 * run->va say what unmapped slot va lies in.
	 */
	bool (*lookup)(const struct pt *pt, u64 va, u64 limit, struct pt_run *run);

	/*
	 * The common case in one step: map, or clear, a run of leaves of 1 << shift bytes (4 KiB
	 * or 2 MiB) that lies in one table. try_map: if no table is missing and every slot is
	 * empty. try_clear: if [va, va+size) is mapped by consecutive leaves of that size to
	 * consecutive outputs, which *run then says. Else false, and nothing has changed.
	 */
	bool (*try_map)(struct pt *pt, u64 va, u64 out, u64 size, u8 shift, u32 prot);
	bool (*try_clear)(struct pt *pt, u64 va, u64 size, u8 shift, struct pt_run *run);

	/* Clear the leaves of a run that lookup found; published. */
	void (*clear)(struct pt *pt, const struct pt_run *run);

	/*
	 * Split the block leaf that maps va. prepare: a table page with the next smaller leaves,
	 * same output and prot, linked nowhere (E_NOMEM). commit: puts it in the place of the
	 * leaf in one store. Walkers that do not accept a change of size (CPU stage 2, SMMU below
	 * BBML 2) need clear + invalidation in between.
	 */
	enum status (*split_prepare)(struct pt *pt, u64 va, pa_t *table) MUST_CHECK;
	void (*split_commit)(struct pt *pt, u64 va, u8 shift, pa_t table);

	/*
	 * The reverse: if the 2 MiB or 1 GiB slot (shift) of va holds a table of equal
	 * consecutive leaves, describe the block and unlink the table into the edit. The caller
	 * invalidates, commits the block, and calls finish. False: nothing changed.
	 */
	bool (*merge)(struct pt *pt, u64 va, u8 shift, struct pt_edit *edit, struct pt_run *block);
	/* The same in one store, for walkers that accept a change of size (SMMU with BBML 2). The
	 * caller invalidates and calls finish. */
	bool (*merge_live)(struct pt *pt, u64 va, u8 shift, struct pt_edit *edit);

	/*
	 * Release table pages below the root, at most `budget` and one at least; so many empty slots on the way count as a
	 * page. Returns what it took of the budget; pt->tables says what is left.
	 */
	u32 (*destroy)(struct pt *pt, u32 budget);
};

/* A table with an empty root from `pool`. E_NOMEM. */
enum status pt_init(struct pt *pt, const struct pt_ops *ops, struct pool *pool, u32 leaf_sizes,
		    bool clean) MUST_CHECK;
/* Release the root; no table page is below it any more. */
void pt_fini(struct pt *pt);

/*
 * Leaves of one table, each `step` further than the one before: write `count` of them, the first as `entry`; do so many
 * follow the first? Long loops, in copies, once for all formats that are in no hot path: a call may come by several tables (V9).
 */
#define PT_ENTRIES 512u
void pt_leaves_fill(const struct pt *pt, u64 *slot, u64 count, u64 entry, u64 step);
bool pt_leaves_follow(const u64 *slot, u64 count, u64 step);

#endif
