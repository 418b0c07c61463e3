/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * INVALIDATE as an interface, whatever its entries say: the envelope before the entries, sizes of structures, pointers,
 * rings, the count when something is wrong, and how much one call does.
 */
#include <string.h>

#include "bench_vm.h"
#include "first_stage.h"
#include "suite.h"

#define DATA bench_page(300)
#define LONG 128u /* bytes of an entry: as many bytes as one call reads, and half as many entries */

static u32 domain;

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(8);
	domain = first_stage_of(2, DATA);
}

static u32 queued(void) { return smmu_cmd_count(bench_smmu[0]); }

/* Nothing is read or done for a type that there is not, wherever the entries are said to be. */
static void S0_1_N11_the_type_before_any_entry(void **state UNUSED)
{
	boot();
	smmu_log_clear(bench_smmu[0]);
	for (u32 type = 0; type < 64; type++) {
		struct pviommu_invalidate *q = envelope();
		struct result r;

		q->data_type = type < 32 ? type : 1u << (type - 32);
		if (q->data_type == PVIOMMU_INVAL_SMMUV3)
			continue;
		q->entry_num = 4;
		q->entries_ipa = machine->heap.base;
		q->status_ipa = STATUS;
		*(u64 *)bench_ptr(STATUS) = ~0ull;
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_NOT_SUPPORTED);
		assert_int_equal(r.v1, 0);
		assert_int_equal(*(u64 *)bench_ptr(STATUS), ~0ull);
	}
	assert_int_equal(queued(), 0);
}

/* Two entries, the second of them bad: the first is in effect, the second is not, and the count says so. */
static void S0_2_the_count_when_the_call_fails(void **state UNUSED)
{
	struct result r;

	boot();
	for (u64 n = 0; n < 2; n++)
		put_leaf(0, VA * (1 + n), bench_page(300 + n));
	for (u64 n = 0; n < 2; n++)
		bench_lands(2, 0, VA * (1 + n), bench_page(300 + n));
	for (u64 n = 0; n < 2; n++)
		put_leaf(0, VA * (1 + n), bench_page(310 + n));
	put_entry(0, OP_NH_VA | asid_field(1), VA);
	put_entry(1, OP_NH_VA | asid_field(1) | 1 << 10, 2 * VA); /* a bit of nobody's */
	r = invalidate(2);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 1);
	bench_lands(2, 0, VA, bench_page(310));
	bench_lands(2, 0, 2 * VA, bench_page(301));
}

/* A question: with no entries only what there is of the envelope is looked at, and hardware has nothing to do. */
static void S0_3_N10_no_entries_ask_for_the_type(void **state UNUSED)
{
	struct pviommu_invalidate *q;

	boot();
	smmu_log_clear(bench_smmu[0]);
	q = envelope();
	q->entries_ipa = machine->heap.base;
	q->status_ipa = ~0ull;
	assert_status(pv_list(PVIOMMU_INVALIDATE, WHERE), PC_SUCCESS);
	q = envelope();
	q->data_type = PVIOMMU_INVAL_VTD_S1;
	assert_status(pv_list(PVIOMMU_INVALIDATE, WHERE), PC_NOT_SUPPORTED);
	assert_int_equal(queued(), 0);
}

/* Where ATS is off for an endpoint there is no device TLB: neither calls nor entries come to a command for one. */
static void S0_5_without_ats_no_device_tlb_is_asked(void **state UNUSED)
{
	u32 paging;

	boot();
	smmu_log_clear(bench_smmu[0]);
	inval(OP_NH_ALL, 0);
	inval(OP_CFGI_ALL | sid_field(7), 0);
	assert_status(pv_detach(0, 7, 0, domain), PC_SUCCESS);
	paging = bench_domain();
	bench_map(paging, 0, bench_page(400), PAGE_SIZE);
	bench_attach(7, paging);
	bench_unmap(paging, 0, PAGE_SIZE);
	assert_true(queued() > 8);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_ATC_INV, 0), 0);
}

/* The size comes first: too small, as it is known, longer with zeros behind, longer with anything else. */
static void S2_1_S2_2_N1_N2_sizes_of_both_structures(void **state UNUSED)
{
	static const struct {
		u64 op;
		u32 known;
	} calls[] = { { PVIOMMU_INVALIDATE, 56 }, { PVIOMMU_ALLOC_NESTED, 32 } };

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		for (u32 size = 0; size <= 72; size++) {
			bool fits = size >= calls[i].known;
			u32 *words = bench_ptr(WHERE);

			if (calls[i].op == PVIOMMU_INVALIDATE) {
				(void)envelope();
			} else {
				(void)alloc_raw(5 << 1 | 1 | CDS, 0);
				memmove(bench_ptr(WHERE + 256), bench_ptr(WHERE + 64), 16);
				((struct pviommu_alloc_nested *)words)->data_ipa = WHERE + 256;
			}
			memset((u8 *)words + calls[i].known, 0, 128 - calls[i].known);
			words[0] = size;
			assert_status(pv_list(calls[i].op, WHERE), fits ? PC_SUCCESS : PC_INVALID_PARAMETER);
			if (size <= calls[i].known)
				continue;
			((u8 *)words)[size - 1] = 1;
			assert_status(pv_list(calls[i].op, WHERE), PC_TOO_BIG);
		}
}

/* Unmapped, the hypervisor's, registers, another VM's, wrapping, across the end: nothing is done and nothing written. */
static void S2_6_N3_N9_pointers_that_are_not_the_guests(void **state UNUSED)
{
	u64 bad[7];
	u32 vm;

	boot();
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, bench_page(500), 1, 0);
	bad[0] = 0;
	bad[1] = machine->heap.base;
	bad[2] = FAKE_IOMMU_BASE;
	bad[3] = bench_page(500);
	bad[4] = ~0ull - 15;
	bad[5] = machine->ram[0].base + machine->ram[0].size - 16; /* of 32 */
	bad[6] = bench_page(500) - 16;
	put_entry(0, OP_NH_ALL, 0);
	put_entry(1, OP_NH_ALL, 0);
	smmu_log_clear(bench_smmu[0]);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pviommu_invalidate *q = envelope();
		struct result r;

		q->entry_num = 2;
		q->entries_ipa = bad[i];
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_FAULT);
		assert_int_equal(r.v1, 0);
		if (bad[i] == 0 || i == 6)
			continue;
		q = envelope();
		q->entry_num = 2;
		q->status_ipa = i == 5 ? bad[i] + 15 : bad[i];
		assert_status(pv_list(PVIOMMU_INVALIDATE, WHERE), PC_FAULT);
		if (i != 5) /* it says a size of zero there */
			assert_status(pv_list(PVIOMMU_INVALIDATE, bad[i]), PC_FAULT);
	}
	assert_int_equal(queued(), 0);
	bench_destroy(vm);
}

/* A start outside, a size that is too large or too small for the entries, a ring over memory that is ours. */
static void S2_9_N12_rings_that_are_none(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 512; i++)
		put_entry(i, OP_NH_ALL, 0);
	smmu_log_clear(bench_smmu[0]);
	for (u32 log2 = 0; log2 < 33; log2++)
		for (u32 n = 0; n < 4; n++) {
			const u32 size = log2 < 32 ? 1u << log2 : 0;
			const u32 start[] = { size, size + 1, ~0u, 0 }, count[] = { 1, 1, 1, size + 1 };
			struct pviommu_invalidate *q = envelope();

			q->flags = PVIOMMU_INVAL_RING;
			q->ring_log2 = log2;
			q->start = start[n];
			q->entry_num = count[n] != 0 ? count[n] : 1;
			assert_status(pv_list(PVIOMMU_INVALIDATE, WHERE), PC_INVALID_PARAMETER);
		}
	for (u32 i = 0; i < 4; i++) {
		struct pviommu_invalidate *q = envelope();
		struct result r;

		/* The last entry before the wrap is not ours to read; then the first behind it is not. */
		q->flags = PVIOMMU_INVAL_RING;
		q->ring_log2 = 8;
		q->start = 255;
		q->entry_num = 2;
		q->entries_ipa = i % 2 == 0 ? machine->heap.base - 255 * 16 : machine->heap.base + machine->heap.size - 16;
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_FAULT);
		assert_int_equal(r.v1, 0);
	}
	assert_int_equal(queued(), 0);
}

/* One call has a most: what is more is refused as a whole, and QUERY says where that is. */
static void S2_11_V9_N8_one_call_does_so_much(void **state UNUSED)
{
	struct result r;

	boot();
	assert_int_equal(pv_query(0, PVIOMMU_Q_INVAL_MAX, 0).v1, PVIOMMU_MAX_INVAL);
	for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
		put_entry(i, OP_NH_ASID | asid_field(i), 0);
	smmu_log_clear(bench_smmu[0]);
	r = invalidate(PVIOMMU_MAX_INVAL + 1);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0);
	assert_int_equal(queued(), 0);
	r = invalidate(PVIOMMU_MAX_INVAL);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, PVIOMMU_MAX_INVAL);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ASID, 0), PVIOMMU_MAX_INVAL);
}

/* From entry `from` on, each LONG bytes; of a ring of them if it is one. */
static struct result invalidate_long(u32 from, bool ring)
{
	struct pviommu_invalidate *q = envelope();

	q->entry_len = LONG;
	q->entry_num = PVIOMMU_MAX_INVAL - from;
	if (ring) {
		q->flags = PVIOMMU_INVAL_RING;
		q->ring_log2 = 8;
		q->start = (from + 250) % PVIOMMU_MAX_INVAL;
	} else {
		q->entries_ipa = ENTRIES + (u64)LONG * from;
	}
	q->status_ipa = STATUS;
	return pv_list(PVIOMMU_INVALIDATE, WHERE);
}

/*
 * Of entries that are longer than they are known a call does fewer, so that it does not take longer: no more than it reads
 * bytes of. What is behind is told as not attempted, and not looked at before it is asked again.
 */
static void S2_11_V9_longer_entries_make_no_longer_call(void **state UNUSED)
{
	const u32 half = PVIOMMU_MAX_INVAL / 2;
	const u8 *told;

	boot();
	told = bench_ptr(STATUS);
	memset(bench_ptr(ENTRIES), 0, PVIOMMU_MAX_INVAL * LONG);
	for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
		at(ENTRIES + (u64)LONG * i)[0] = OP_NH_ASID | asid_field(i);
	for (u32 ring = 0; ring < 2; ring++) {
		struct result r;

		/* What is wrong among those that are read is told, not that others are left. */
		at(ENTRIES)[LONG / 8 * ((3 + ring * 250) % PVIOMMU_MAX_INVAL)] = 3;
		r = invalidate_long(0, ring);
		assert_status(r, PC_INVALID_PARAMETER);
		assert_int_equal(r.v1, 3);
		assert_int_equal(told[3], PVIOMMU_INVAL_BAD_OPCODE);
		at(ENTRIES)[LONG / 8 * ((3 + ring * 250) % PVIOMMU_MAX_INVAL)] = OP_NH_ASID;
		smmu_log_clear(bench_smmu[0]);
		at(ENTRIES)[LONG / 8 * ((half + 1 + ring * 250) % PVIOMMU_MAX_INVAL) + 3] = 1;
		r = invalidate_long(0, ring);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, half);
		assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ASID, 0), half);
		for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
			assert_int_equal(told[i], i < half ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_NOT_ATTEMPTED);
		r = invalidate_long(half, ring);
		assert_status(r, PC_TOO_BIG);
		assert_int_equal(r.v1, 0);
		at(ENTRIES)[LONG / 8 * ((half + 1 + ring * 250) % PVIOMMU_MAX_INVAL) + 3] = 0;
		r = invalidate_long(half, ring);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, half);
		assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ASID, 0), PVIOMMU_MAX_INVAL);
	}
}

/* A device that leaves takes its name with it, and the next one of that name is another stream. */
static void N23_a_name_goes_with_its_device(void **state UNUSED)
{
	struct result r;

	boot();
	assert_status(pv_detach(0, 7, 0, domain), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	smmu_log_clear(bench_smmu[0]);
	r = invalidate(1);
	assert_status(r, PC_NOT_FOUND);
	assert_int_equal(*(u8 *)bench_ptr(STATUS), PVIOMMU_INVAL_BAD_ID);
	assert_status(pv_attach(0, 7, 0, domain, 0), PC_NOT_FOUND);
	assert_int_equal(queued(), 0);
	bench_assign(3, 0, 7);
	bench_attach(7, domain);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_CFGI_CD | sid_field(7), 1);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0] >> 32, bench_sid(3, 0));
	bench_lands(3, 0, VA, DATA);
}

/* No VMID is left: no VM and nothing of one, and when there is one again there is a VM. */
static void N89_E9_no_vmid_is_left(void **state UNUSED)
{
	static u16 id[1u << 16];
	u32 taken = 0;

	boot();
	bench_destroy(bench_vm_nested(2048));
	while (taken < ARRAY_SIZE(id) && iommu_id_alloc(&iommu_vmids, &id[taken]) == OK)
		taken++;
	assert_true(taken > 200 && taken < ARRAY_SIZE(id));
	for (u32 left = 0; left < 2; left++) {
		bench_hardware_fails(); /* the oracle counts ids, and these are nobody's */
		assert_status(pc_vm_create(PC_VM_NESTED, 1, bench_page(2048), 64), PC_NO_MEMORY);
		assert_int_equal(pc_vmm_query(PC_VMM_Q_VMS, 0).v1, 0);
		iommu_id_free(&iommu_vmids, id[--taken]);
	}
	bench_destroy(bench_vm_nested(2048));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(S0_1_N11_the_type_before_any_entry),
		cmocka_unit_test(S0_2_the_count_when_the_call_fails),
		cmocka_unit_test(S0_3_N10_no_entries_ask_for_the_type),
		cmocka_unit_test(S0_5_without_ats_no_device_tlb_is_asked),
		cmocka_unit_test(S2_1_S2_2_N1_N2_sizes_of_both_structures),
		cmocka_unit_test(S2_6_N3_N9_pointers_that_are_not_the_guests),
		cmocka_unit_test(S2_9_N12_rings_that_are_none),
		cmocka_unit_test(S2_11_V9_N8_one_call_does_so_much),
		cmocka_unit_test(S2_11_V9_longer_entries_make_no_longer_call),
		cmocka_unit_test(N23_a_name_goes_with_its_device),
		cmocka_unit_test(N89_E9_no_vmid_is_left),
	};

	return SUITE("invalidate", cases);
}
