/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An address space of the model: which input address is mapped to what, by leaves of which size, and which tables exist
 * for it, since those are pages of a pool. A table that has become empty stays until a block goes where it is.
 */
#ifndef SPEC_TREE_H
#define SPEC_TREE_H

#include "hyp/types.h"

#define SPEC_LAST  3 /* level of pages */
#define SPEC_ROOTS 2 /* tables side by side at the root, at most */

/* An entry: nothing, a leaf with its output and PVIOMMU_PROT_* bits, or a table below. */
#define SPEC_LEAF       0x001u
#define SPEC_TABLE      0x002u
#define SPEC_BAD        0x004u /* of the machine only: what is there means nothing */
#define SPEC_PROT_SHIFT 4
#define SPEC_PROT       (0x3full << SPEC_PROT_SHIFT)
#define SPEC_OUT        0x000ffffffffff000ull

struct spec_tree {
	u32 root[SPEC_ROOTS];
	u8 roots, start, bits, stage;
	u32 sizes;  /* of leaves, as in QUERY 1 */
	u64 tables; /* below the root */
	u64 mapped; /* bytes */
};

void spec_nodes(void *base, u32 count);
u64 *spec_node(u32 index);

void tree_make(struct spec_tree *t);
void tree_end(struct spec_tree *t); /* whatever is in it */

static inline u32 level_shift(int level) { return 12 + 9 * (u32)(SPEC_LAST - level); }
static inline u64 level_size(int level) { return 1ull << level_shift(level); }
static inline u64 leaf_entry(u64 out, u32 prot) { return out | (u64)prot << SPEC_PROT_SHIFT | SPEC_LEAF; }
static inline u64 leaf_out(u64 entry) { return entry & SPEC_OUT; }
static inline u32 leaf_prot_of(u64 entry) { return (u32)((entry & SPEC_PROT) >> SPEC_PROT_SHIFT); }

/* The entry that decides about va, and its level. */
u64 tree_entry(const struct spec_tree *t, u64 va, int *level);
/* The entry at `level` if the tables above are there; NULL: not. */
u64 *tree_slot(const struct spec_tree *t, u64 va, int level);
/* The output address of va; false: not mapped. */
bool tree_lookup(const struct spec_tree *t, u64 va, u64 *out, u32 *prot);
bool tree_empty(u64 table);
/* Change: the tables above are made; nothing may be there but, in the place of a block, an empty table. */
void tree_put(struct spec_tree *t, u64 va, int level, u64 entry);
/* An empty table at the slot. */
void tree_link(struct spec_tree *t, u64 va, int level);
void tree_unlink(struct spec_tree *t, u64 va, int level); /* the reverse */
void tree_clear(struct spec_tree *t, u64 va, int level);
/*
 * For what takes a tree as it finds it, entry by entry: the node of the table at the slot, made where there was none, and
 * counted; an entry that is no table, in the place of whatever was there, not counted.
 */
u32 tree_table(struct spec_tree *t, u64 *slot);
void tree_set(u64 *slot, int level, u64 entry);
/* A leaf into the 512 smaller ones. */
void tree_split(struct spec_tree *t, u64 va, int level);
/* Is the table at the slot one leaf in pieces? Then it is that leaf from now on. */
bool tree_merge(struct spec_tree *t, u64 va, int level);
/* The first leaf at or after `from`, below `end`; false: none. */
bool tree_next(const struct spec_tree *t, u64 from, u64 end, u64 *va, int *level, u64 *entry);

#endif
