/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_nested.h"

#include <string.h>

#include "suite.h"

#define B(n) (1ull << (n))

void bench_stage1_leaf(u64 root, u64 where, u64 va, u64 out)
{
	for (u64 level = 0; level < 3; level++)
		*(u64 *)bench_ptr(where + level * PAGE_SIZE) = (root + (level + 1) * PAGE_SIZE) | 3;
	*(u64 *)bench_ptr(where + 3 * PAGE_SIZE + va / PAGE_SIZE * 8) = out == 0 ? 0 : out | 0x403 | 0x300 | 0x40 | 0x800;
}

void bench_stage1_context(u64 where, u16 asid, u64 root)
{
	u64 *cd = bench_ptr(where);

	cd[1] = root;
	cd[3] = 0xff;
	cd[0] = (u64)asid << 48 | B(46) | B(45) | B(41) | 5ull << 32 | B(31) | B(30) | 3 << 12 | 1 << 10 | 1 << 8 | 16;
}

struct result bench_nested_alloc_call(u64 word0, u64 word1)
{
	*(struct pviommu_alloc_nested *)bench_ptr(NESTED_CALL) = (struct pviommu_alloc_nested){
		.size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = NESTED_CALL + 64
	};
	*(struct pviommu_nested_smmuv3 *)bench_ptr(NESTED_CALL + 64) = (struct pviommu_nested_smmuv3){ { word0, word1 } };
	return pv_list(PVIOMMU_ALLOC_NESTED, NESTED_CALL);
}

struct pviommu_invalidate *bench_nested_envelope(void)
{
	struct pviommu_invalidate *q = bench_ptr(NESTED_CALL);

	*q = (struct pviommu_invalidate){
		.size = 56, .data_type = PVIOMMU_INVAL_SMMUV3, .entry_len = 16, .entries_ipa = NESTED_ENTRIES
	};
	return q;
}

void bench_nested_entry(u32 i, u64 word0, u64 word1)
{
	u64 *entry = bench_ptr(NESTED_ENTRIES + 16ull * i);

	entry[0] = word0;
	entry[1] = word1;
}

struct result bench_nested_invalidate(u32 count)
{
	struct pviommu_invalidate *q = bench_nested_envelope();

	q->entry_num = count;
	q->status_ipa = NESTED_STATUS;
	memset(bench_ptr(NESTED_STATUS), 0xee, PAGE_SIZE);
	return pv_list(PVIOMMU_INVALIDATE, NESTED_CALL);
}

void bench_nested_inval(u64 word0, u64 word1)
{
	struct result r;

	bench_nested_entry(0, word0, word1);
	r = bench_nested_invalidate(1);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 1);
	assert_int_equal(*(u8 *)bench_ptr(NESTED_STATUS), PVIOMMU_INVAL_DONE);
}

u32 bench_nested_set_up(u32 device)
{
	struct result r;

	bench_assign(device, 0, 7);
	bench_stage1_leaf(NESTED_ROOT, NESTED_ROOT, NESTED_VA, NESTED_DATA);
	bench_stage1_context(NESTED_CDS, 1, NESTED_ROOT);
	r = bench_nested_alloc_call(5 << 1 | 1 | NESTED_CDS, 0);
	assert_status(r, PC_SUCCESS);
	bench_attach(7, (u32)r.v1);
	return (u32)r.v1;
}
