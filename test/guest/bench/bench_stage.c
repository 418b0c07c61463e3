/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_stage.h"

#include <string.h>

#include "ram.h"
#include "rig.h"

u64 bench_first_stage(u64 **last)
{
	static struct pviommu_alloc_nested alloc;
	static struct pviommu_nested_smmuv3 data;
	u64 *cd = ram_alloc(PAGE, PAGE), *table[4];

	memset(cd, 0, PAGE);
	for (u32 i = 0; i < 4; i++) {
		table[i] = ram_alloc(PAGE, PAGE);
		memset(table[i], 0, PAGE);
		if (i > 0)
			table[i - 1][BENCH_STAGE_VA >> (48 - 9 * i) & 511] = (u64)table[i] | 3;
	}
	*last = table[3];
	cd[0] = BENCH_STAGE_ASID | 7ul << 45 | 1ul << 41 | 5ul << 32 | 3ul << 30 | 0x3500 | 16;
	cd[1] = (u64)table[0];
	cd[3] = 0xff;
	data.ste[0] = 5 << 1 | 1 | (u64)cd;
	alloc = (struct pviommu_alloc_nested){ .size = sizeof(alloc), .pviommu = rig.pviommu, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = (u64)&data };
	return OK(pv_alloc_nested((u64)&alloc)).r1;
}
