/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The views of a VM's memory: by its CPUs, and, for the primary and for VMs that may own first stages,
 * by devices (architecture 11). They
 * follow ownership, by the largest leaves that fit; a leaf of which a part goes is split, and pieces that are one block
 * again, all of one owner, are merged. Each table is a page of a pool.
 */
#ifndef SPEC_VIEW_H
#define SPEC_VIEW_H

#include "rules.h"

#define VIEW_RAM  (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_CACHE)
#define VIEW_DMA  (VIEW_RAM | PVIOMMU_PROT_NOEXEC)
#define VIEW_MMIO (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO | PVIOMMU_PROT_NOEXEC)

/* Tables that were made for a range, to take them back. */
struct view_edit {
	struct spec_tree *tree;
	u64 *pool;
	u32 count;
	struct {
		u64 va;
		int level;
	} made[32];
};

struct view_room {
	struct view_edit cpu, dma;
};

/*
 * Tables for a range of which nothing is mapped, in both views: EXISTS, NO_MEMORY, INVALID_PARAMETER; on an error none is
 * made. Then it can be filled, or the tables go again.
 */
s64 views_room(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, struct view_room *made);
void views_unroom(struct view_room *made);
void views_fill(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, u32 cpu, u32 dma);
/* All of it; all or nothing. */
s64 views_add(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, u32 cpu, u32 dma);
void primary_merge(struct spec_call *c, u64 pa, u64 size);
/* A block that a secondary got in pieces is one. */
void secondary_merge(struct spec_call *c, struct spec_vm *vm, u64 at);
/* Out of the primary's views, or of a secondary's: all, or NO_MEMORY where no leaf can be split. */
s64 primary_remove(struct spec_call *c, u64 pa, u64 size);
s64 secondary_remove(struct spec_call *c, struct spec_vm *vm, u64 at, u64 size);
/* Words that say how many tables there are. */
void views_settle(void);

#endif
