/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage1.h"

#include <string.h>

struct pviommu_inval_smmuv3 stage1_entry[PVIOMMU_MAX_INVAL] __attribute__((aligned(64)));
u8 stage1_status[PVIOMMU_MAX_INVAL];

static struct pviommu_alloc_nested alloc __attribute__((aligned(64)));
static struct pviommu_nested_smmuv3 data __attribute__((aligned(64)));
static struct pviommu_invalidate inval __attribute__((aligned(64)));

void stage1_context(u64 *cd, u16 asid, u64 root)
{
	cd[1] = root;
	cd[3] = 0xff;
	cd[0] = ASID(asid) | 7ul << 45 | 1ul << 41 | 5ul << 32 | 3ul << 30 | 0x3500 | 16;
	stage1_publish();
}

u64 *stage1_make(u64 *pages, u16 asid, u64 va)
{
	const u64 words = PAGE / sizeof(u64);
	u64 *table = pages + words;

	memset(pages, 0, STAGE1_PAGES * PAGE);
	for (u32 level = 0; level < 3; level++, table += words)
		table[va >> (39 - 9 * level) & 511] = (u64)(table + words) | 3;
	stage1_context(pages, asid, (u64)(pages + words));
	return &table[va / PAGE & 511];
}

struct hres stage1_alloc(u32 pviommu, u64 word0, u64 word1)
{
	data = (struct pviommu_nested_smmuv3){ { word0, word1 } };
	alloc = (struct pviommu_alloc_nested){ .size = sizeof(alloc),
					       .pviommu = pviommu,
					       .data_type = PVIOMMU_NESTED_SMMUV3,
					       .data_len = sizeof(data),
					       .data_ipa = (u64)&data };
	stage1_publish();
	return pv_alloc_nested((u64)&alloc);
}

struct pviommu_invalidate stage1_envelope(u32 pviommu, const struct pviommu_inval_smmuv3 *entries, u32 count)
{
	return (struct pviommu_invalidate){ .size = sizeof(struct pviommu_invalidate),
					    .pviommu = pviommu,
					    .data_type = PVIOMMU_INVAL_SMMUV3,
					    .entry_len = sizeof(*entries),
					    .entry_num = count,
					    .entries_ipa = (u64)entries };
}

struct hres stage1_invalidate(u32 pviommu, u32 count)
{
	inval = stage1_envelope(pviommu, stage1_entry, count);
	inval.status_ipa = (u64)stage1_status;
	memset(stage1_status, 0xee, sizeof(stage1_status));
	stage1_publish();
	return pv_invalidate((u64)&inval);
}
