/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_stage.h"

#include "ram.h"
#include "rig.h"

u64 bench_first_stage(u64 **leaf)
{
	u64 *pages = ram_alloc(STAGE1_PAGES * PAGE, PAGE);

	*leaf = stage1_make(pages, BENCH_STAGE_ASID, BENCH_STAGE_VA);
	return OK(stage1_alloc(rig.pviommu, STAGE1_STE(pages), 0)).r1;
}
