/* SPDX-License-Identifier: BSD-2-Clause */
#include "first_stage.h"

#include <string.h>

#include "suite.h"

/* --- a guest's tables */

u64 *at(u64 ipa) { return bench_ptr(ipa); }

u64 root_of(u32 space) { return bench_page(200 + 4ull * space); }

void put_leaf(u32 space, u64 va, u64 ipa) { bench_stage1_leaf(root_of(space), root_of(space), va, ipa); }

void put_cd(u64 where, u16 asid, u64 root) { bench_stage1_context(where, asid, root); }

/* --- calls */

struct result alloc_raw(u64 word0, u64 word1)
{
	struct pviommu_alloc_nested *a = bench_ptr(WHERE);
	struct pviommu_nested_smmuv3 *data = bench_ptr(WHERE + 64);

	*a = (struct pviommu_alloc_nested){ .size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = WHERE + 64 };
	*data = (struct pviommu_nested_smmuv3){ { word0, word1 } };
	return pv_list(PVIOMMU_ALLOC_NESTED, WHERE);
}

u32 alloc(u64 word0, u64 word1)
{
	struct result r = alloc_raw(word0, word1);

	assert_status(r, PC_SUCCESS);
	return (u32)r.v1;
}

u32 alloc_linear(u64 cds) { return alloc(B(0) | 5 << 1 | cds, 0); }

struct pviommu_invalidate *envelope(void)
{
	struct pviommu_invalidate *q = bench_ptr(WHERE);

	*q = (struct pviommu_invalidate){ .size = 56, .data_type = PVIOMMU_INVAL_SMMUV3, .entry_len = 16, .entries_ipa = ENTRIES };
	return q;
}

void put_entry(u32 i, u64 word0, u64 word1)
{
	at(ENTRIES)[2 * i] = word0;
	at(ENTRIES)[2 * i + 1] = word1;
}

struct result invalidate(u32 count)
{
	struct pviommu_invalidate *q = envelope();

	q->entry_num = count;
	q->status_ipa = STATUS;
	memset(bench_ptr(STATUS), 0xee, 0x1000);
	return pv_list(PVIOMMU_INVALIDATE, WHERE);
}

void inval(u64 word0, u64 word1)
{
	struct result r;

	put_entry(0, word0, word1);
	r = invalidate(1);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 1);
	assert_int_equal(*(u8 *)bench_ptr(STATUS), PVIOMMU_INVAL_DONE);
}

u32 first_stage_of(u32 device, u64 page)
{
	u32 domain;

	bench_assign(device, 0, 7);
	put_leaf(0, VA, page);
	put_cd(CDS, 1, root_of(0));
	domain = alloc_linear(CDS);
	bench_attach(7, domain);
	return domain;
}
