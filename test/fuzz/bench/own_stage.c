/* SPDX-License-Identifier: BSD-2-Clause */
#include "own_stage.h"

#include "abi/hcall.h"
#include "abi/pviommu.h"

#include "bench_nested.h"
#include "fuzz.h"

#define ENTRIES 8u
#define EATS    (1ull << 28)
#define DATA    64u /* in a page of structures */
#define STATUS  128u
#define LIST    256u

static u64 call_page(u64 base, u32 cpu) { return base + (5 + cpu) * PAGE_SIZE; }

void own_stage_write(const struct own_stage *s, u64 out)
{
	for (u64 i = 0; i < 8; i++)
		bench_stage1_leaf(s->ipa + PAGE_SIZE, s->where + PAGE_SIZE, i * PAGE_SIZE, out + i * PAGE_SIZE);
	bench_stage1_context(s->where, 1, s->ipa + PAGE_SIZE);
}

struct hcall_args own_stage_alloc(const struct own_stage *s, u32 cpu)
{
	const u64 at = call_page(s->ipa, cpu);
	struct pviommu_alloc_nested *a = bench_ptr(call_page(s->where, cpu));
	struct pviommu_nested_smmuv3 *data = bench_ptr(call_page(s->where, cpu) + DATA);

	*data = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | s->ipa, fuzz_below(4) != 0 ? EATS : 0 } };
	*a = (struct pviommu_alloc_nested){
		.size = sizeof(*a), .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = sizeof(*data), .data_ipa = at + DATA
	};
	return (struct hcall_args){ { PC_PVIOMMU_OP, PVIOMMU_ALLOC_NESTED, at } };
}

struct hcall_args own_stage_invalidate(const struct own_stage *s, u32 cpu, u32 vsid)
{
	static const u64 ops[] = { OP_ATC_INV, OP_ATC_INV, OP_ATC_INV, OP_CFGI_CD, OP_CFGI_ALL, OP_NH_ALL, OP_NH_ASID, OP_NH_VA, OP_SYNC };
	const u64 at = call_page(s->ipa, cpu);
	struct pviommu_invalidate *q = bench_ptr(call_page(s->where, cpu));
	u64 *entry = bench_ptr(call_page(s->where, cpu) + LIST);
	u32 count = 1 + (u32)fuzz_below(ENTRIES);

	for (u32 i = 0; i < count; i++) {
		u64 op = ops[fuzz_below(fuzz_below(16) == 0 ? ARRAY_SIZE(ops) : ARRAY_SIZE(ops) - 1)];
		bool stream = op < OP_NH_ALL || op == OP_ATC_INV;
		u64 whose = stream ? sid_field(vsid + fuzz_below(6)) : asid_field(1);

		entry[2 * i] = op | (op == OP_NH_ALL ? 0 : whose);
		entry[2 * i + 1] = op == OP_NH_VA || op == OP_ATC_INV ? fuzz_below(8) * PAGE_SIZE : 0;
	}
	*q = (struct pviommu_invalidate){ .size = sizeof(*q),
					  .data_type = PVIOMMU_INVAL_SMMUV3,
					  .entry_len = 16,
					  .entry_num = count,
					  .entries_ipa = at + LIST,
					  .status_ipa = fuzz_below(2) != 0 ? at + STATUS : 0 };
	return (struct hcall_args){ { PC_PVIOMMU_OP, PVIOMMU_INVALIDATE, at } };
}
