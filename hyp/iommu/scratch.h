/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Working memory of one CPU for one map or unmap at a time: too big for the stack. The
 * hypervisor does not preempt itself, so a CPU's scratch is its own from lock to return.
 */
#ifndef IOMMU_SCRATCH_H
#define IOMMU_SCRATCH_H

#include "abi/pviommu.h"
#include "hyp/iommu_hw.h"
#include "hyp/platform.h"
#include "hyp/pt.h"

#define SCRATCH_RANGES 16

struct scratch {
	/* Leaves pinned by a map, or cleared and still pinned by an unmap. */
	struct pt_run run[PVIOMMU_MAX_LEAVES];
	u32 run_count;
	/* What an unmap must invalidate; more than fit: the whole tag. */
	struct inval_range range[SCRATCH_RANGES];
	u32 range_count;
	bool whole_tag;
	u64 low, high; /* bounds of what is in flight */
	u64 pages;     /* pins among the runs */
	struct pt_edit edit;
};

struct scratch *scratch_here(void);

/* Drop the pins of the runs, and forget them. Locks: takes page. */
void scratch_unpin(struct scratch *s) NOT_HELD(page_class);

#endif
