/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that a guest owns: its contexts and tables in its own memory, walked by hardware behind the VM's DMA table;
 * what may be attached where, and the guest's invalidations. Tables are written here as a guest would, as numbers.
 */
#include <string.h>

#include "bench.h"
#include "bench_vm.h"
#include "first_stage.h"
#include "iommu/drain.h"
#include "pviommu/events.h"
#include "suite.h"

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(8);
}

static void boot(void) { boot_with(bench_defaults()); }

/* Device 2 under vSID 7, nested with ASID 1 and VA at the first data page. */
#define DATA bench_page(300)

static u32 nested;

static void set_up(void) { nested = first_stage_of(2, DATA); }

/* --- translation */

static void dma_goes_through_both_stages(void **state UNUSED)
{
	boot();
	bench_assign(2, 0, 7);
	bench_faults(2, 0, VA, SMMU_C_BAD_STE);
	put_leaf(0, VA, DATA);
	put_cd(CDS, 1, root_of(0));
	nested = alloc_linear(CDS);
	bench_attach(7, nested);
	bench_lands(2, 0, VA, DATA);
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	assert_status(pv_detach(0, 7, 0, nested), PC_SUCCESS);
	bench_faults(2, 0, VA, SMMU_C_BAD_STE);
	assert_status(pv_free(nested), PC_SUCCESS);
	assert_status(pv_free(nested), PC_NOT_FOUND);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_lands(2, 0, DATA, DATA);
}

/* Neither a leaf, nor a table, nor a context can be outside of what the VM has. */
static void V1_a_first_stage_reaches_the_vms_memory_only(void **state UNUSED)
{
	u64 bad[] = { 0, 0, 0, 1ull << 39 };

	boot();
	set_up();
	bad[0] = machine->heap.base;
	bad[1] = machine->image.base;
	bad[2] = FAKE_IOMMU_BASE;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 bad_page = align_down(bad[i], PAGE_SIZE);

		put_leaf(0, 0x5000 + i * VA, bad_page);
		bench_faults(2, 0, 0x5000 + i * VA, SMMU_F_TRANSLATION);
		/* A table of the last level there. */
		*at(root_of(0) + 0x2000 + 8ull * (1 + i)) = bad_page | 3;
		bench_faults(2, 0, (1ull + i) << 21, SMMU_F_TRANSLATION);
		/* And the whole of it. */
		put_cd(CDS, 1, bad_page);
		inval(OP_CFGI_CD | sid_field(7), 1);
		inval(OP_NH_ALL, 0);
		bench_faults(2, 0, VA, SMMU_F_TRANSLATION);
		put_cd(CDS, 1, root_of(0));
		inval(OP_CFGI_CD | sid_field(7), 1);
		bench_lands(2, 0, VA, DATA);
	}
	for (u32 i = 0; i < ARRAY_SIZE(bad) - 1; i++) {
		u32 other = alloc_linear(align_down(bad[i], PAGE_SIZE));

		bench_attach(7, other);
		bench_faults(2, 0, VA, SMMU_F_TRANSLATION);
		bench_attach(7, nested);
		assert_status(pv_free(other), PC_SUCCESS);
	}
	bench_lands(2, 0, VA, DATA);
}

static void bypass_and_abort_are_the_guests_to_choose(void **state UNUSED)
{
	u32 bypass, abort, invalid;
	u32 events;

	boot();
	set_up();
	bypass = alloc(B(0) | 4 << 1, 0);
	abort = alloc(B(0), 0);
	invalid = alloc(5 << 1 | CDS, 0);
	bench_attach(7, bypass);
	bench_lands(2, 0, DATA, DATA); /* by the VM's table alone */
	bench_faults(2, 0, machine->heap.base, SMMU_F_TRANSLATION);
	events = smmu_event_count(bench_smmu[0]);
	bench_attach(7, abort);
	bench_faults(2, 0, DATA, SMMU_ABORTED);
	bench_attach(7, invalid);
	bench_faults(2, 0, VA, SMMU_ABORTED);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events);
	bench_attach(7, nested);
	bench_lands(2, 0, VA, DATA);
}

static u64 substream_write(u32 ssid, u64 va, u64 value, enum smmu_event *event)
{
	const struct smmu_dma dma = { .sid = bench_sid(1, 0), .has_ssid = true, .ssid = ssid, .write = true, .addr = va, .size = 8 };

	*event = smmu_dma(bench_smmu[0], &dma, &value, NULL);
	return value;
}

static void lands_by(u32 ssid, u64 va, u64 ipa)
{
	enum smmu_event event;
	u64 value = substream_write(ssid, va, fake_random(), &event);

	assert_int_equal(event, SMMU_OK);
	assert_int_equal(*at(ipa), value);
}

static void refused_by(u32 ssid, u64 va, enum smmu_event want)
{
	enum smmu_event event;

	(void)substream_write(ssid, va, 0, &event);
	assert_int_equal(event, want);
}

/* PASIDs, in one table and below another: the guest's, all of them. */
static void D8_pasids_of_a_first_stage(void **state UNUSED)
{
	u32 linear, two_4k, two_64k;

	boot_with(bench_pasids());
	bench_assign(1, 0, 7);
	for (u32 i = 0; i < 3; i++)
		put_leaf(i, VA, DATA + i * VA);
	put_cd(CDS, 1, root_of(0));
	put_cd(CDS + 3 * 64, 2, root_of(1));
	linear = alloc(B(0) | 5 << 1 | 2ull << 59 | CDS, 2);
	bench_attach(7, linear);
	bench_lands(1, 0, VA, DATA);
	lands_by(3, VA, DATA + VA);
	refused_by(1, VA, SMMU_C_BAD_CD);
	refused_by(4, VA, SMMU_C_BAD_SUBSTREAMID);
	refused_by(0, VA, SMMU_F_STREAM_DISABLED); /* S1DSS: they are those without */
	/* Leaves of 64 contexts; the second one has PASID 70. */
	*at(bench_page(110)) = CDS | 1;
	*at(bench_page(110) + 8) = bench_page(111) | 1;
	put_cd(bench_page(111) + 6 * 64, 3, root_of(2));
	two_4k = alloc(B(0) | 5 << 1 | 1 << 4 | 7ull << 59 | bench_page(110), 2);
	bench_attach(7, two_4k);
	bench_lands(1, 0, VA, DATA);
	lands_by(70, VA, DATA + 2 * VA);
	refused_by(71, VA, SMMU_C_BAD_CD);
	/* Leaves of 1,024. */
	*at(bench_page(120)) = bench_page(128) | 1;
	put_cd(bench_page(128), 1, root_of(0));
	put_cd(bench_page(128) + 200 * 64, 3, root_of(2));
	two_64k = alloc(B(0) | 5 << 1 | 2 << 4 | 8ull << 59 | bench_page(120), 2);
	bench_attach(7, two_64k);
	lands_by(200, VA, DATA + 2 * VA);
	/* A context by its PASID, and one that there is not. */
	put_cd(bench_page(128) + 200 * 64, 2, root_of(1));
	lands_by(200, VA, DATA + 2 * VA);
	inval(OP_CFGI_CD | sid_field(7) | 200 << 12, 1);
	lands_by(200, VA, DATA + VA);
	put_entry(0, OP_CFGI_CD | sid_field(7) | 256 << 12, 1);
	assert_status(invalidate(1), PC_INVALID_PARAMETER);
	assert_int_equal(*(u8 *)bench_ptr(STATUS), PVIOMMU_INVAL_BAD_BITS);
}

static void what_an_endpoint_has_not_is_refused_at_attach(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u32 d;

	o.iommus = 2;
	boot_with(o);
	bench_assign(1, 0, 7); /* 8 bits of PASID */
	bench_assign(2, 0, 8); /* none */
	bench_assign(5, 1, 9);
	d = alloc(B(0) | 5 << 1 | 8ull << 59 | bench_page(256), 0);
	assert_status(pv_attach(0, 7, 0, d, 0), PC_SUCCESS);
	assert_status(pv_detach(0, 7, 0, d), PC_SUCCESS);
	assert_status(pv_attach(0, 8, 0, d, 0), PC_INVALID_PARAMETER);
	d = alloc(B(0) | 5 << 1 | 9ull << 59 | bench_page(512), 0);
	assert_status(pv_attach(0, 7, 0, d, 0), PC_INVALID_PARAMETER);
	/* ATS, which is on nowhere. */
	d = alloc(B(0) | 5 << 1 | CDS, 1ull << 28);
	assert_status(pv_attach(0, 7, 0, d, 0), PC_INVALID_PARAMETER);
	/* S3-13: checked for one IOMMU, it is not for another. */
	d = alloc_linear(CDS);
	assert_status(pv_attach(1, 9, 0, d, 0), PC_INVALID_PARAMETER);
	assert_status(pv_attach(0, 8, 0, d, 0), PC_SUCCESS);
}

/* --- attaching */

static struct result list_call(u64 op, u32 domain, const u32 *vsids, u32 count)
{
	struct pviommu_attach_list *list = bench_ptr(WHERE);

	*list = (struct pviommu_attach_list){ .size = 48, .domain = domain, .vsids_ipa = WHERE + 64, .vsid_count = count };
	memcpy(bench_ptr(WHERE + 64), vsids, count * sizeof(*vsids));
	return pv_list(op, WHERE);
}

static void S3_7_many_streams_at_once_or_none(void **state UNUSED)
{
	const u32 all[] = { 100, 101, 102 }, unknown[] = { 100, 101, 999 };
	u32 d, e;

	boot();
	bench_assign(0, 0, 100);
	put_leaf(0, VA, DATA);
	put_leaf(1, VA, DATA + VA);
	put_cd(CDS, 1, root_of(0));
	put_cd(CDS + 64, 1, root_of(1)); /* the same ASID */
	d = alloc_linear(CDS);
	e = alloc_linear(CDS + 64);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, d, unknown, 3), PC_NOT_FOUND);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, d, all, 3), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		bench_lands(0, i, VA, DATA);
	assert_status(pv_free(d), PC_BUSY);
	/* Replaced in one step, and nothing that was made of the old one is left, though the ASID is the same. */
	assert_status(list_call(PVIOMMU_ATTACH_LIST, e, all, 3), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		bench_lands(0, i, VA, DATA + VA);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, e, all, 3), PC_EXISTS);
	assert_status(pv_free(d), PC_SUCCESS);
	assert_status(list_call(PVIOMMU_DETACH_LIST, e, all, 3), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		bench_faults(0, i, VA, SMMU_C_BAD_STE);
	assert_status(pv_free(e), PC_SUCCESS);
}

static void S3_8_paging_and_nested_side_by_side(void **state UNUSED)
{
	u32 paging, other;

	boot();
	bench_assign(0, 0, 100);
	put_leaf(0, VA, DATA);
	put_cd(CDS, 1, root_of(0));
	nested = alloc_linear(CDS);
	other = alloc_linear(CDS);
	paging = bench_domain();
	bench_map(paging, VA, bench_page(2), 0x1000);
	bench_attach(100, nested);
	bench_attach(101, paging);
	bench_lands(0, 0, VA, DATA);
	bench_lands(0, 1, VA, bench_page(2));
	/* On one vSID they exclude each other. */
	assert_status(pv_attach(0, 100, 0, paging, 0), PC_BUSY);
	assert_status(pv_attach(0, 101, 0, nested, 0), PC_BUSY);
	assert_status(pv_attach(0, 100, 1, paging, 0), PC_BUSY);
	assert_status(pv_attach(0, 100, 1, nested, 0), PC_BUSY);
	assert_status(pv_attach(0, 102, 1, nested, 0), PC_NOT_SUPPORTED);
	assert_status(pv_attach(0, 100, 0, nested, 0), PC_EXISTS);
	assert_status(pv_attach(0, 100, 0, other, 0), PC_SUCCESS);
	assert_status(pv_detach(0, 100, 0, nested), PC_NOT_FOUND);
	/* The guest's invalidations leave what is paged alone: its entries are still there when the table has gone. */
	smmu_log_clear(bench_smmu[0]);
	inval(OP_NSNH_ALL, 0);
	inval(OP_NH_ALL | 0xffffull << 32, 0);
	for (u32 i = 0; i < smmu_cmd_count(bench_smmu[0]); i++) {
		u64 word = smmu_cmd_at(bench_smmu[0], i)->word[0];

		assert_true((word & 0xff) == OP_SYNC || word == (OP_NH_ALL | (u64)vm_primary->dma_tag.vmid << 32));
	}
	bench_lands(0, 1, VA, bench_page(2));
	assert_status(pv_detach(0, 100, 0, other), PC_SUCCESS);
	assert_status(pv_attach(0, 100, 0, paging, 0), PC_SUCCESS);
	bench_lands(0, 0, VA, bench_page(2));
}

static void pasids_and_nested_exclude_each_other(void **state UNUSED)
{
	u32 paging;

	boot_with(bench_pasids());
	bench_assign(1, 0, 7);
	paging = bench_domain();
	nested = alloc_linear(CDS);
	assert_status(pv_attach(0, 7, 0, paging, 4), PC_SUCCESS);
	assert_status(pv_attach(0, 7, 3, paging, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 7, 0, nested, 0), PC_BUSY);
	assert_status(pv_attach(0, 7, 3, nested, 0), PC_BUSY);
	assert_status(pv_detach(0, 7, 3, paging), PC_SUCCESS);
	assert_status(pv_detach(0, 7, 0, paging), PC_SUCCESS);
	assert_status(pv_attach(0, 7, 0, nested, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 7, 3, paging, 0), PC_BUSY);
}

/* N16, N19: it is no domain to map into, and none to nest on. */
static void N16_N19_nothing_is_mapped_in_a_nested_domain(void **state UNUSED)
{
	struct pviommu_map_list *list;

	boot();
	set_up();
	assert_status(pv_map(nested, 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_DENIED);
	assert_status(pv_unmap(nested, 0x1000, 0x1000), PC_DENIED);
	assert_status(pv_iova_to_ipa(nested, 0x1000), PC_DENIED);
	list = bench_ptr(WHERE);
	*list = (struct pviommu_map_list){ .size = 32, .domain = nested, .entry_len = 32, .entries_ipa = WHERE + 64 };
	assert_status(pv_list(PVIOMMU_MAP_LIST, WHERE), PC_DENIED);
	list->entry_len = 16;
	assert_status(pv_list(PVIOMMU_UNMAP_LIST, WHERE), PC_DENIED);
}

static void N18_slots_and_generations(void **state UNUSED)
{
	u32 first, count = 0;
	struct result r;

	boot();
	first = alloc_linear(CDS);
	assert_status(pv_free(first), PC_SUCCESS);
	nested = alloc_linear(CDS);
	assert_int_not_equal(nested, first);
	bench_assign(2, 0, 7);
	assert_status(pv_attach(0, 7, 0, first, 0), PC_NOT_FOUND);
	assert_status(pv_map(first, 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_NOT_FOUND);
	while ((r = alloc_raw(B(0) | 5 << 1 | CDS, 0)).status == PC_SUCCESS)
		count++;
	assert_status(r, PC_NO_MEMORY);
	assert_true(count > 10);
	assert_status(pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0), PC_SUCCESS);
	assert_int_equal(pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0).v1, 0);
	/* A slot that was nested becomes one of paging. */
	assert_status(pv_free(nested), PC_SUCCESS);
	nested = bench_domain();
	bench_map(nested, 0x1000, bench_page(1), 0x1000);
}

/* The oracle's own: paging, nested, and paging again in one slot, with one root page, between two looks. */
static void a_look_behind_skipped_calls_takes_nothing_over(void **state UNUSED)
{
	boot();
	oracle_rarely(1u << 20);
	nested = bench_domain();
	bench_map(nested, 0x1000, bench_page(1), 0x1000);
	assert_null(oracle_check());
	assert_status(pv_unmap(nested, 0x1000, 0x1000), PC_SUCCESS);
	assert_status(pv_free(nested), PC_SUCCESS);
	nested = alloc_linear(CDS);
	assert_null(oracle_check());
	assert_status(pv_free(nested), PC_SUCCESS);
	nested = bench_domain();
	bench_map(nested, 0x1000, bench_page(1), 0x1000);
	assert_null(oracle_check());
}

/* --- ALLOC_NESTED's structure */

static void N17_N20_statuses_of_alloc(void **state UNUSED)
{
	struct pviommu_alloc_nested good;
	struct pviommu_alloc_nested *a;
	u64 *data;
	u32 id;

	boot();
	good = (struct pviommu_alloc_nested){ .size = 32, .data_type = 2, .data_len = 16, .data_ipa = WHERE + 64 };
	a = bench_ptr(WHERE);
	data = bench_ptr(WHERE + 64);
	data[0] = B(0) | 5 << 1 | CDS;
	data[1] = 0;
#define TRY(change, want)                                                       \
	do {                                                                    \
		*a = good;                                                      \
		change;                                                         \
		assert_status(pv_list(PVIOMMU_ALLOC_NESTED, WHERE), PC_##want); \
	} while (0)
	TRY(a->size = 31, INVALID_PARAMETER);
	TRY(a->flags = 1, NOT_SUPPORTED);
	TRY(a->reserved = 1, INVALID_PARAMETER);
	TRY(a->pviommu = 9, NOT_FOUND);
	TRY(a->data_type = 0, NOT_SUPPORTED);
	TRY(a->data_type = 1, NOT_SUPPORTED);
	TRY(a->data_type = 3, NOT_SUPPORTED);
	TRY(a->data_len = 15, INVALID_PARAMETER);
	TRY(a->data_len = 4097, INVALID_PARAMETER);
	TRY(a->data_ipa += 4, INVALID_PARAMETER);
	TRY(a->data_ipa = machine->heap.base, FAULT);
	TRY(a->data_ipa = 0, FAULT);
	TRY(a->data_ipa = ~7ull, FAULT);
	data[2] = 1;
	TRY(a->data_len = 24, TOO_BIG);
	data[2] = 0;
	data[0] |= 2 << 1;
	TRY((void)0, INVALID_PARAMETER);
	data[0] ^= 2 << 1;
	assert_status(pv_list(PVIOMMU_ALLOC_NESTED, WHERE + 4), PC_INVALID_PARAMETER);
	assert_status(pv_list(PVIOMMU_ALLOC_NESTED, machine->heap.base), PC_FAULT);
	/* S2-2: what is longer and zero is the same. */
	*a = good;
	a->data_len = 24;
	a->size = 40;
	at(WHERE)[4] = 0;
	id = (u32)pv_list(PVIOMMU_ALLOC_NESTED, WHERE).v1;
	assert_int_not_equal(id, 0);
	at(WHERE)[4] = 1;
	assert_status(pv_list(PVIOMMU_ALLOC_NESTED, WHERE), PC_TOO_BIG);
#undef TRY
}

static void queries_say_what_there_is(void **state UNUSED)
{
	boot();
	assert_int_equal(pv_query(0, PVIOMMU_Q_INVAL_MAX, 0).v1, 256);
	assert_int_equal(pv_query(0, PVIOMMU_Q_NESTED_TYPES, 0).v1, 1 << PVIOMMU_NESTED_SMMUV3);
	assert_int_equal(pv_query(0, PVIOMMU_Q_INVAL_TYPES, 0).v1, 1 << PVIOMMU_INVAL_SMMUV3);
	assert_int_equal(pv_query(0, PVIOMMU_Q_FEATURES, 0).v1 >> (PVIOMMU_ALLOC_NESTED - 0x40) & 3, 3);
}

static void no_nesting(struct bench_options o)
{
	struct result r;

	boot_with(o);
	assert_int_equal(pv_query(0, PVIOMMU_Q_INVAL_MAX, 0).v1, 0);
	assert_int_equal(pv_query(0, PVIOMMU_Q_NESTED_TYPES, 0).v1, 0);
	assert_int_equal(pv_query(0, PVIOMMU_Q_INVAL_TYPES, 0).v1, 0);
	assert_status(alloc_raw(B(0) | 5 << 1 | CDS, 0), PC_NOT_SUPPORTED);
	put_entry(0, OP_NH_ALL, 0);
	smmu_log_clear(bench_smmu[0]);
	r = invalidate(1);
	assert_status(r, PC_NOT_SUPPORTED);
	assert_int_equal(r.v1, 0);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
}

static void stage1_alone_cannot_nest(void **state UNUSED) { no_nesting(bench_stage1_only()); }

static void stage2_alone_cannot_nest(void **state UNUSED) { no_nesting(bench_stage2_only()); }

/* A secondary has no DMA table that could be behind its first stage: it is told so, and gets none. */
static void a_vm_without_a_dma_table_cannot_nest(void **state UNUSED)
{
	u64 shared = 0x80000000;
	u32 vm;

	boot();
	vm = bench_vm(2048);
	bench_vm_assign(3, vm, 0, 7);
	bench_donate(vm, shared, bench_page(1000), 1, 0);
	assert_int_equal(vm_pv(vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_NESTED_TYPES, 0, 0, 0).v1, 0);
	assert_int_equal(vm_pv(vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_INVAL_TYPES, 0, 0, 0).v1, 0);
	assert_int_equal(vm_pv(vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_INVAL_MAX, 0, 0, 0).v1, 0);
	*(struct pviommu_alloc_nested *)bench_ptr(bench_page(1000)) =
		(struct pviommu_alloc_nested){ .size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = shared + 64 };
	assert_status(vm_pv(vm, PVIOMMU_ALLOC_NESTED, shared, 0, 0, 0, 0), PC_NOT_SUPPORTED);
	*(struct pviommu_invalidate *)bench_ptr(bench_page(1000)) =
		(struct pviommu_invalidate){ .size = 56, .data_type = PVIOMMU_INVAL_SMMUV3, .entry_len = 16, .entries_ipa = shared + 64 };
	assert_status(vm_pv(vm, PVIOMMU_INVALIDATE, shared, 0, 0, 0, 0), PC_NOT_SUPPORTED);
	bench_destroy(vm);
}

/* MMU-600 before r2p0, by its IIDR. */
static void an_smmu_that_must_not_nest_does_not(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.iidr = 0x483u << 20 | 1u << 16 | 0x43b;
	no_nesting(o);
}

/* --- what the guest's invalidations do, and what is stale without */

static void leaves_are_stale_until_invalidated(void **state UNUSED)
{
	static const u64 commands[][2] = {
		{ OP_NH_VA | 1ull << 48, VA | 1 },
		{ OP_NH_VA | 1ull << 48 | 5ull << 32, VA },
		{ 0x13, VA },
		{ OP_NH_ASID | 1ull << 48, 0 },
		{ OP_NH_ALL, 0 },
		{ OP_NSNH_ALL, 0 },
		{ OP_NH_VA | 1ull << 48 | 3 << 12, 1 << 10 | 3 << 8 }, /* four pages from 0 on */
	};
	static const u64 others[][2] = {
		{ OP_NH_VA | 2ull << 48, VA },      /* another ASID */
		{ OP_NH_ASID | 2ull << 48, 0 },
		{ OP_NH_VA | 1ull << 48, 2 * VA },  /* another page */
		{ 0x13, 3 * VA },
		{ OP_CFGI_CD | 7ull << 32, 1 },
		{ OP_CFGI_ALL | 7ull << 32, 0 },
	};

	boot();
	set_up();
	smmu_speculate_at_stores(bench_smmu[0], false);
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
		u64 old = DATA + i % 2 * VA, new = DATA + (i + 1) % 2 * VA;

		bench_lands(2, 0, VA, old);
		put_leaf(0, VA, new);
		bench_lands(2, 0, VA, old);
		for (u32 k = 0; k < ARRAY_SIZE(others); k++) {
			inval(others[k][0], others[k][1]);
			bench_lands(2, 0, VA, old);
		}
		inval(commands[i][0], commands[i][1]);
		bench_lands(2, 0, VA, new);
	}
}

static void contexts_are_stale_until_invalidated(void **state UNUSED)
{
	boot();
	set_up();
	bench_assign(3, 0, 8);
	put_leaf(1, VA, DATA + VA);
	bench_lands(2, 0, VA, DATA);
	put_cd(CDS, 2, root_of(1));
	bench_lands(2, 0, VA, DATA);
	inval(OP_NH_ALL, 0);
	bench_lands(2, 0, VA, DATA); /* walked again, by the old context */
	inval(OP_CFGI_CD | sid_field(8), 1); /* of a stream that has none */
	bench_lands(2, 0, VA, DATA);
	inval(OP_CFGI_CD | sid_field(7), 1);
	bench_lands(2, 0, VA, DATA + VA);
	put_cd(CDS, 1, root_of(0));
	bench_lands(2, 0, VA, DATA + VA);
	inval(OP_CFGI_ALL | sid_field(7), 0);
	bench_lands(2, 0, VA, DATA);
}

/* Rule 11: what leaves the VM's DMA table leaves what was combined with it, and what it takes to make it again. */
static void A1_pages_that_go_are_out_of_combined_entries(void **state UNUSED)
{
	u64 moved;
	u32 vm;

	boot();
	moved = bench_page(400);
	set_up();
	put_leaf(0, VA, moved);
	bench_lands(2, 0, VA, moved);
	vm = bench_vm(2048);
	bench_donate(vm, 0x80000000, moved, 1, 0);
	bench_faults(2, 0, VA, SMMU_F_TRANSLATION);
	/* Of the page that the last table is in, and of the contexts. */
	put_leaf(0, VA, DATA);
	bench_lands(2, 0, VA, DATA);
	bench_donate(vm, 0x80001000, root_of(0) + 0x3000, 1, 0);
	bench_faults(2, 0, VA, SMMU_F_TRANSLATION);
	bench_destroy(vm);
	bench_check();
}

/* What needs no hardware before what is refused: nothing is queued. */
static void nothing_is_queued_for_nothing(void **state UNUSED)
{
	static const u64 bad[] = { OP_NH_ALL | B(8), 0x03, OP_CFGI_CD | 0x55ull << 32, 0 };

	boot();
	set_up();
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct result r;

		put_entry(0, 0x01 | sid_field(7), 0);
		put_entry(1, bad[i], 0);
		smmu_log_clear(bench_smmu[0]);
		r = invalidate(2);
		assert_int_not_equal(r.status, PC_SUCCESS);
		assert_int_equal(r.v1, 1);
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
	}
}

static void a_blocked_stream_needs_no_hardware(void **state UNUSED)
{
	u32 paging;

	boot();
	bench_assign(2, 0, 7);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_CFGI_CD | sid_field(7), 1);
	inval(OP_CFGI_ALL | sid_field(7), 0);
	inval(0x01 | sid_field(7), 0);
	inval(0x02 | sid_field(7), 0x1000);
	paging = bench_domain();
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
	bench_attach(7, paging);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_CFGI_CD | sid_field(7), 1);
	inval(OP_CFGI_ALL | sid_field(7), 0);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
}

/* --- names */

static void C3_N31_names_are_those_of_the_pviommu(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
	bench_assign(3, 1, 7); /* S0-8: the same vSID under another pvIOMMU, of another device */
	bench_assign(1, 1, 9);
	smmu_log_clear(bench_smmu[0]);
	inval(OP_CFGI_CD | sid_field(7), 1);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0], OP_CFGI_CD | (u64)bench_sid(2, 0) << 32);
	for (u32 i = 0; i < 3; i++) {
		static const u64 unknown[] = { 9, 0, 0xffffffff };

		smmu_log_clear(bench_smmu[0]);
		put_entry(0, OP_CFGI_CD | sid_field(unknown[i]), 1);
		r = invalidate(1);
		assert_status(r, PC_NOT_FOUND);
		assert_int_equal(r.v1, 0);
		assert_int_equal(*(u8 *)bench_ptr(STATUS), PVIOMMU_INVAL_BAD_ID);
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
	}
}

/* While a call is under way its pvIOMMU may come to stand for another IOMMU: the name is nobody's on the old one. */
static void C3_names_are_of_one_iommu(void **state UNUSED)
{
	const struct guest_inval g = { .vm = vm_primary, .pviommu = 0 };
	struct bench_options o = bench_defaults();
	struct iommu_guest_stream stream;

	o.iommus = 2;
	boot_with(o);
	set_up();
	assert_true(iommu_guest_stream(&iommu_instance[0], &g, 7, &stream));
	assert_int_equal(stream.sid.v, bench_sid(2, 0));
	assert_false(iommu_guest_stream(&iommu_instance[1], &g, 7, &stream));
}

static void a_quarantined_endpoint_is_denied(void **state UNUSED)
{
	struct result r;

	boot();
	set_up();
	bench_quarantine_expected();
	vm_lock(vm_primary);
	device_quarantine(&device_table[2], "the test says so");
	vm_unlock(vm_primary);
	put_entry(0, OP_NH_ALL, 0);
	put_entry(1, OP_CFGI_CD | sid_field(7), 1);
	put_entry(2, OP_NH_ALL, 0);
	r = invalidate(3);
	assert_status(r, PC_DENIED);
	assert_int_equal(r.v1, 1);
	assert_memory_equal(bench_ptr(STATUS), ((u8[]){ 0, 8, 1, 0xee }), 4);
	bench_faults(2, 0, VA, SMMU_C_BAD_STE);
}

/* --- what its owner is told of it */

#define RING bench_page(600)

static struct pviommu_ring *ring;

static void ring_open(void)
{
	ring = bench_ptr(RING);
	memset(ring, 0, sizeof(*ring));
	assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, 0, RING, 4, 0, PVIOMMU_EVENTS_RECORD(64)), PC_SUCCESS);
}

static struct pviommu_event told(void)
{
	struct pviommu_event e;

	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_int_equal(ring->producer - ring->consumer, 1);
	memcpy(&e, (char *)ring + sizeof(*ring) + 64ul * (ring->consumer++ % 16), sizeof(e));
	return e;
}

/* The whole record of a write to VA by vSID 7; whatever has no name here is zero. */
static void expect_told(enum smmu_event event, u8 reason, u32 flags)
{
	struct pviommu_event want = { .reason = reason,
				      .flags = flags,
				      .endpoint = 7,
				      .address = flags & PVIOMMU_EVENT_ADDRESS ? VA : 0,
				      .sequence = ring->sequence,
				      .kind = PVIOMMU_KIND_FAULT,
				      .arch = PVIOMMU_ARCH_SMMUV3,
				      .code = (u8)event };
	struct pviommu_event got;

	bench_faults(2, 0, VA, event);
	got = told();
	assert_memory_equal(&got, &want, sizeof(got));
}

/* Attached anew, so that no cache has what was there before. */
static void attach_contexts(u64 cds)
{
	u32 last = nested;

	nested = alloc_linear(cds);
	bench_attach(7, nested);
	assert_status(pv_free(last), PC_SUCCESS);
}

/*
 * S1-3, N70: tables and contexts are the guest's own, so that what is wrong with them is its to know; where
 * hardware found it is a physical address, or one in stage 2's tables, and is not.
 */
static void N70_S1_3_faults_of_a_first_stage_are_its_owners(void **state UNUSED)
{
	const u32 dma = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS;

	boot();
	set_up();
	ring_open();
	/* A context in registers, which answer no fetch. */
	attach_contexts(bench_bar(3));
	expect_told(SMMU_F_CD_FETCH, PVIOMMU_REASON_DOMAIN, 0);
	/* Outside of what the VM has. */
	attach_contexts(align_down(machine->heap.base, PAGE_SIZE));
	expect_told(SMMU_F_TRANSLATION, PVIOMMU_REASON_DOMAIN, dma | PVIOMMU_EVENT_STAGE2);
	/* One that is not valid. */
	attach_contexts(bench_page(150));
	expect_told(SMMU_C_BAD_CD, PVIOMMU_REASON_DOMAIN, 0);
	/* A table in registers, and outside. */
	put_cd(CDS, 1, bench_bar(3));
	attach_contexts(CDS);
	expect_told(SMMU_F_WALK_EABT, PVIOMMU_REASON_WALK, dma | PVIOMMU_EVENT_TABLE_WALK);
	put_cd(CDS, 1, align_down(machine->heap.base, PAGE_SIZE));
	inval(OP_CFGI_CD | sid_field(7), 1);
	expect_told(SMMU_F_TRANSLATION, PVIOMMU_REASON_WALK, dma | PVIOMMU_EVENT_STAGE2 | PVIOMMU_EVENT_TABLE_WALK);
	put_cd(CDS, 1, root_of(0));
	inval(OP_CFGI_CD | sid_field(7), 1);
	bench_lands(2, 0, VA, DATA);
	assert_int_equal(ring->lost, 0);
}

/* The same codes of a stream whose contexts are ours are our affair; nobody is told, nor is it lost for anybody. */
static void N70_faults_of_our_contexts_are_not(void **state UNUSED)
{
	struct iommu_event e = { .code = 0x09, .reason = PVIOMMU_REASON_DOMAIN, .has_sid = true, .context = true };

	boot();
	set_up();
	ring_open();
	bench_assign(3, 0, 8);
	bench_attach(8, bench_domain());
	e.number = EVENTS_NEVER - 1;
	e.sid = sid(bench_sid(3, 0));
	iommu_report_event(&iommu_instance[0], &e);
	assert_int_equal(ring->producer, 0);
	assert_int_equal(ring->sequence, 0);
	e.sid = sid(bench_sid(2, 0));
	iommu_report_event(&iommu_instance[0], &e);
	assert_int_equal(told().code, 0x09);
	/* What was before it was attached is told to nobody, as everywhere. */
	bench_faults(2, 0, 3 * VA, SMMU_F_TRANSLATION);
	(void)told();
	attach_contexts(CDS);
	e.number = 0;
	iommu_report_event(&iommu_instance[0], &e);
	assert_int_equal(ring->producer, 2);
	assert_int_equal(ring->lost, 1);
}

/* --- INVALIDATE's structure */

static void S2_5_S2_10_statuses_of_invalidate(void **state UNUSED)
{
	struct pviommu_invalidate *q;
	u64 end;

	boot();
	set_up();
	for (u32 i = 0; i < 512; i++)
		put_entry(i, OP_NH_ALL, 0);
	end = machine->ram[0].base + machine->ram[0].size;
	q = bench_ptr(WHERE);
#define TRY(change, want, count)                                                              \
	do {                                                                                  \
		struct result r;                                                              \
		(void)envelope();                                                             \
		q->entry_num = 2;                                                             \
		q->status_ipa = STATUS;                                                       \
		*at(STATUS) = ~0ull;                                                          \
		change;                                                                       \
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);                                       \
		assert_status(r, PC_##want);                                                  \
		assert_int_equal(r.v1, count);                                                \
		/* Checks before any entry write no status. */                                \
		if (r.status != PC_SUCCESS && r.status != PC_FAULT && r.status != PC_TOO_BIG) \
			assert_int_equal(*at(STATUS), ~0ull);                                 \
	} while (0)
	TRY((void)0, SUCCESS, 2);
	TRY(q->size = 55, INVALID_PARAMETER, 0);
	TRY(q->flags = 2, NOT_SUPPORTED, 0);
	TRY(q->flags = 1u << 31, NOT_SUPPORTED, 0);
	TRY(q->reserved = 1, INVALID_PARAMETER, 0);
	TRY(q->pviommu = 5, NOT_FOUND, 0);
	TRY(q->data_type = 0, NOT_SUPPORTED, 0);
	TRY(q->data_type = 2, NOT_SUPPORTED, 0);
	TRY(q->domain = nested, INVALID_PARAMETER, 0);
	TRY(q->entry_len = 0, INVALID_PARAMETER, 0);
	TRY(q->entry_len = 15, INVALID_PARAMETER, 0);
	TRY(q->entry_len = 4097, INVALID_PARAMETER, 0);
	TRY(q->entry_num = 257, INVALID_PARAMETER, 0);
	TRY(q->entry_num = ~0u, INVALID_PARAMETER, 0);
	TRY(q->start = 1, INVALID_PARAMETER, 0);
	TRY(q->ring_log2 = 1, INVALID_PARAMETER, 0);
	TRY((q->flags = 1, q->ring_log2 = 20), INVALID_PARAMETER, 0);
	TRY((q->flags = 1, q->ring_log2 = ~0u), INVALID_PARAMETER, 0);
	TRY((q->flags = 1, q->ring_log2 = 3, q->start = 8), INVALID_PARAMETER, 0);
	TRY((q->flags = 1, q->ring_log2 = 0, q->start = 0), INVALID_PARAMETER, 0); /* two of a ring of one */
	TRY((q->flags = 1, q->ring_log2 = 0, q->entry_num = 1), SUCCESS, 1);
	TRY((q->flags = 1, q->ring_log2 = 1, q->start = 1), SUCCESS, 2);
	TRY(q->entries_ipa += 4, INVALID_PARAMETER, 0);
	TRY(q->entries_ipa = 0, FAULT, 0);
	TRY(q->entries_ipa = machine->heap.base, FAULT, 0);
	TRY(q->entries_ipa = end - 16, FAULT, 0);
	TRY(q->entries_ipa = ~0ull - 7, FAULT, 0);
	TRY((q->flags = 1, q->ring_log2 = 1, q->start = 1, q->entries_ipa = ~0ull - 15), FAULT, 0); /* the next is beyond all */
	TRY(q->status_ipa = machine->heap.base, FAULT, 0);
	TRY(q->status_ipa = ~0ull, FAULT, 0);
	TRY(q->status_ipa = end - 1, FAULT, 0);
	TRY(q->status_ipa = 0, SUCCESS, 2);
	/* The order: what comes first is answered. */
	TRY((q->flags = 2, q->reserved = 1), NOT_SUPPORTED, 0);
	TRY((q->reserved = 1, q->data_type = 9), INVALID_PARAMETER, 0);
	TRY((q->data_type = 9, q->entry_len = 0), NOT_SUPPORTED, 0);
	TRY((q->entry_num = 257, q->status_ipa = 1), INVALID_PARAMETER, 0);
	/* S0-3, N10: nothing to do is a question, and nothing is looked at for it. */
	smmu_log_clear(bench_smmu[0]);
	TRY((q->entry_num = 0, q->entries_ipa = 0, q->status_ipa = 1), SUCCESS, 0);
	TRY((q->entry_num = 0, q->data_type = 0), NOT_SUPPORTED, 0);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
	/* Longer entries with zeros behind what is known. */
	TRY(q->entry_len = 24, TOO_BIG, 0);
	at(ENTRIES)[2] = 0;
	TRY((q->entry_len = 24, q->entry_num = 1), SUCCESS, 1);
#undef TRY
}

/* S2-5: entries of every length, the tail zero or not. */
static void S2_5_lengths_of_entries(void **state UNUSED)
{
	static const u32 lengths[] = { 16, 17, 24, 40, 4096 };

	boot();
	set_up();
	for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct pviommu_invalidate *q;
		struct result r;

		memset(bench_ptr(ENTRIES), 0, 4 * 4096);
		for (u32 k = 0; k < 3; k++)
			memcpy((u8 *)bench_ptr(ENTRIES) + k * lengths[i], &(u64){ OP_NH_ALL }, 8);
		q = envelope();
		q->entry_len = lengths[i];
		q->entry_num = 3;
		smmu_log_clear(bench_smmu[0]);
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_ALL, 0), 3);
		if (lengths[i] == 16)
			continue;
		((u8 *)bench_ptr(ENTRIES))[3 * lengths[i] - 1] = 1;
		smmu_log_clear(bench_smmu[0]);
		q->status_ipa = STATUS;
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_TOO_BIG);
		assert_int_equal(r.v1, 0);
		assert_memory_equal(bench_ptr(STATUS), ((u8[]){ 1, 1, 1 }), 3);
		assert_int_equal(smmu_cmd_count(bench_smmu[0]), 0);
	}
}

/* N44: with a bad entry at every place the ones before it are complete, in hardware, and none behind it. */
static void C10_N44_the_count_is_what_is_complete(void **state UNUSED)
{
	static const u32 counts[] = { 1, 2, 62, 63, 64, 65, 126, 127, 128, 129, 255, 256 };
	static const u64 bad[][2] = { { 0x03, PVIOMMU_INVAL_BAD_OPCODE }, { OP_NH_ALL | B(8), PVIOMMU_INVAL_BAD_BITS }, { OP_CFGI_CD | 0x55ull << 32, PVIOMMU_INVAL_BAD_ID } };
	static const s64 status[] = { PC_INVALID_PARAMETER, PC_INVALID_PARAMETER, PC_NOT_FOUND };
	const u8 *bytes;

	boot();
	set_up();
	oracle_effort(64);
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	bytes = bench_ptr(STATUS);
	for (u32 n = 0; n < ARRAY_SIZE(counts); n++)
		for (u32 i = 0; i <= counts[n]; i++) {
			struct result r;

			for (u32 k = 0; k < counts[n]; k++)
				put_entry(k, OP_NH_VA | asid_field(k + 1), (u64)(k + 1) << 12);
			if (i < counts[n])
				put_entry(i, bad[i % 3][0], 0);
			smmu_log_clear(bench_smmu[0]);
			r = invalidate(counts[n]);
			assert_int_equal(r.status, i < counts[n] ? status[i % 3] : PC_SUCCESS);
			assert_int_equal(r.v1, i);
			assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_VA, 0), i);
			assert_true(smmu_idle(bench_smmu[0]));
			for (u32 k = 0; k < counts[n]; k++)
				assert_int_equal(bytes[k], k < i ? 0 : k == i ? bad[i % 3][1] :
										PVIOMMU_INVAL_NOT_ATTEMPTED);
			assert_int_equal(bytes[counts[n]], 0xee);
		}
}

/* What is in the queue: each entry once and in order, syncs between, and one at the end. */
static void expect_commands(const u64 (*want)[2], u32 count)
{
	u32 n = smmu_cmd_count(bench_smmu[0]), k = 0;

	for (u32 i = 0; i < n; i++) {
		const struct smmu_cmd *cmd = smmu_cmd_at(bench_smmu[0], i);

		if ((cmd->word[0] & 0xff) == OP_SYNC)
			continue;
		assert_true(k < count);
		assert_int_equal(cmd->word[0], want[k][0]);
		assert_int_equal(cmd->word[1], want[k][1]);
		k++;
	}
	assert_int_equal(k, count);
	assert_true(n == 0 || (smmu_cmd_at(bench_smmu[0], n - 1)->word[0] & 0xff) == OP_SYNC);
}

/* S2-8: a ring from any place is the array that its entries are one after the other. */
static void S2_8_a_ring_is_an_array(void **state UNUSED)
{
	static u64 want[256][2];

	boot();
	set_up();
	oracle_effort(64);
	for (u32 round = 0; round < 300; round++) {
		u32 log2 = (u32)fake_random_below(10), size = 1u << log2, start = (u32)fake_random_below(size);
		u32 count = (u32)fake_random_below((size < 256 ? size : 256) + 1);
		u32 len = round % 3 == 0 && log2 < 8 ? 24 : 16;
		struct pviommu_invalidate *q;
		struct result r;

		memset(bench_ptr(ENTRIES), 0xff, 16 * 0x1000);
		for (u32 k = 0; k < count; k++) {
			u64 *entry = (u64 *)((u8 *)bench_ptr(ENTRIES) + (u64)((start + k) % size) * len);
			u64 va = fake_random_below(1 << 20) << 12;

			entry[0] = OP_NH_VA | asid_field(k + 1) | fake_random_below(0x10000) << 32;
			entry[1] = va;
			if (len > 16)
				entry[2] = 0;
			want[k][0] = OP_NH_VA | asid_field(k + 1) | (u64)vm_primary->dma_tag.vmid << 32;
			want[k][1] = va;
		}
		q = envelope();
		q->flags = PVIOMMU_INVAL_RING;
		q->ring_log2 = log2;
		q->start = start;
		q->entry_len = len;
		q->entry_num = count;
		q->status_ipa = STATUS;
		smmu_log_clear(bench_smmu[0]);
		r = pv_list(PVIOMMU_INVALIDATE, WHERE);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, count);
		expect_commands(want, count);
	}
}

/* S2-7, N13: another vCPU writes all the time; what was checked is what is executed. */
static u32 rewrites;

static void rewrite(void *ctx UNUSED, u64 *entry UNUSED, u64 value UNUSED)
{
	rewrites++;
	for (u32 i = 0; i < 256; i++)
		put_entry(i, 0x28 | (u64)vm_primary->paging_vmid << 32, 0);
	memset(bench_ptr(WHERE), 0xff, 56);
}

static void C1_S2_7_N13_entries_are_read_once(void **state UNUSED)
{
	static u64 want[256][2];
	struct result r;

	boot();
	set_up();
	for (u32 i = 0; i < 256; i++) {
		put_entry(i, i % 9 == 8 ? OP_CFGI_CD | sid_field(7) : OP_NH_VA | asid_field(i), i % 9 == 8 ? 1 : 0x1000);
		want[i][0] = i % 9 == 8 ? OP_CFGI_CD | (u64)bench_sid(2, 0) << 32 :
					  OP_NH_VA | asid_field(i) | (u64)vm_primary->dma_tag.vmid << 32;
		want[i][1] = i % 9 == 8 ? 1 : 0x1000;
	}
	smmu_log_clear(bench_smmu[0]);
	fake_store_hook_add(rewrite, NULL);
	r = invalidate(256);
	fake_store_hook_remove(rewrite, NULL);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 256);
	assert_true(rewrites > 256);
	expect_commands(want, 256);
}

/* Rule 5: configuration before translations, each complete before the next; what is only one kind has one sync. */
static void the_order_of_kinds_has_its_syncs(void **state UNUSED)
{
	static const u8 want[] = { 0x05, 0x46, 0x12, 0x10, 0x06, 0x46, 0x11, 0x46 };

	boot();
	set_up();
	put_entry(0, OP_CFGI_CD | sid_field(7), 1);
	put_entry(1, OP_NH_VA | asid_field(1), VA);
	put_entry(2, OP_NH_ALL, 0);
	put_entry(3, OP_CFGI_ALL | sid_field(7), 0);
	put_entry(4, OP_NH_ASID | asid_field(1), 0);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(5), PC_SUCCESS);
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), sizeof(want));
	for (u32 i = 0; i < sizeof(want); i++)
		assert_int_equal(smmu_cmd_at(bench_smmu[0], i)->word[0] & 0xff, want[i]);
}

/* N88: where it is required everything but the device TLBs' goes twice, each time with a sync. */
static void N88_A12_invalidations_of_a_guest_are_repeated(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.iidr = 0x36b;
	boot_with(o);
	set_up();
	for (u32 i = 0; i < 100; i++)
		put_entry(i, OP_NH_VA | asid_field(1), (u64)i << 12);
	smmu_log_clear(bench_smmu[0]);
	assert_status(invalidate(100), PC_SUCCESS);
	assert_int_equal(smmu_cmd_count_op(bench_smmu[0], OP_NH_VA, 0), 200);
	assert_true(smmu_cmd_count_op(bench_smmu[0], OP_SYNC, 0) >= 4);
}

static void a_small_queue_takes_the_longest_call(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	for (o.smmu.cmdq_bits = 1; o.smmu.cmdq_bits < 9; o.smmu.cmdq_bits++)
		IN_CHILD({
			static u64 want[256][2];
			struct result r;

			boot_with(o);
			set_up();
			for (u32 i = 0; i < 256; i++) {
				put_entry(i, OP_NH_ASID | asid_field(i), 0);
				want[i][0] = OP_NH_ASID | asid_field(i) | (u64)vm_primary->dma_tag.vmid << 32;
			}
			smmu_log_clear(bench_smmu[0]);
			r = invalidate(256);
			assert_status(r, PC_SUCCESS);
			assert_int_equal(r.v1, 256);
			expect_commands(want, 256);
		});
}

/* N90: silence is no success. What was complete before it counts. */
static void N90_E9_hardware_that_is_silent(void **state UNUSED)
{
	struct result r;
	const u8 *bytes;

	boot();
	set_up();
	bench_hardware_fails();
	for (u32 i = 0; i < 200; i++)
		put_entry(i, OP_NH_ASID | asid_field(i), 0);
	smmu_inject_silence(bench_smmu[0], 100);
	r = invalidate(200);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 64);
	bytes = bench_ptr(STATUS);
	assert_int_equal(bytes[63], PVIOMMU_INVAL_DONE);
	assert_int_equal(bytes[64], PVIOMMU_INVAL_HW_TIMEOUT);
	assert_int_equal(bytes[65], PVIOMMU_INVAL_NOT_ATTEMPTED);
	r = invalidate(1);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_int_equal(*bytes, PVIOMMU_INVAL_HW_TIMEOUT);
	/* Nor does its queue, full by then, take more. */
	for (u32 i = 0; i < 4; i++) {
		r = invalidate(200);
		assert_status(r, PC_IO);
		assert_int_equal(r.v1, 0);
	}
}

/* The page of the status bytes stays what it is while hardware is waited for. */
static u32 refused;

static void take_status_page(void *ctx UNUSED)
{
	page_lock();
	refused += page_pinned(pa(STATUS)) && page_pinned(pa(STATUS + 0x1000));
	page_unlock();
}

static void V2_the_status_bytes_are_pinned_meanwhile(void **state UNUSED)
{
	struct pviommu_invalidate *q;

	boot();
	set_up();
	for (u32 i = 0; i < 128; i++)
		put_entry(i, OP_NH_ALL, 0);
	q = envelope();
	q->entry_num = 128;
	q->status_ipa = STATUS + 0x1000 - 60;
	fake_relax_hook_add(take_status_page, NULL);
	assert_status(pv_list(PVIOMMU_INVALIDATE, WHERE), PC_SUCCESS);
	fake_relax_hook_remove(take_status_page, NULL);
	assert_true(refused > 0);
	page_lock();
	assert_false(page_pinned(pa(STATUS)));
	assert_false(page_pinned(pa(STATUS + 0x1000)));
	page_unlock();
}

/* K3, issue: no lock is held while hardware is waited for. */
static u32 waits;

static void no_lock(void *ctx UNUSED)
{
	assert_int_equal(fake_locks_held(), 0);
	waits++;
}

static void K3_no_lock_is_held_while_it_waits(void **state UNUSED)
{
	boot();
	set_up();
	for (u32 i = 0; i < 256; i++)
		put_entry(i, i % 7 ? OP_NH_VA | asid_field(1) : OP_CFGI_CD | sid_field(7), i % 7 ? VA : 1);
	(void)invalidate(1);
	fake_relax_hook_add(no_lock, NULL);
	assert_status(invalidate(256), PC_SUCCESS);
	fake_relax_hook_remove(no_lock, NULL);
	assert_true(waits > 0);
}

/* S0-6, N37: another VM's streams, whatever the attacker names. */
static void N37_C2_nothing_of_another_vm(void **state UNUSED)
{
	u32 vm, d;

	boot();
	set_up();
	vm = bench_vm(2048);
	bench_vm_assign(3, vm, 0, 7);
	bench_donate(vm, 0x80000000, bench_page(512), 16, 0);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, VA, 0x80003000, 0x1000);
	bench_vm_attach(vm, 7, d);
	bench_lands(3, 0, VA, bench_page(515));
	smmu_log_clear(bench_smmu[0]);
	for (u64 vmid = 0; vmid < 64; vmid++) {
		inval(OP_NH_ALL | vmid << 32, 0);
		inval(OP_NH_ASID | vmid << 32 | asid_field(vmid), 0);
		inval(OP_NH_VA | vmid << 32 | asid_field(1), VA);
	}
	inval(OP_NSNH_ALL, 0);
	for (u32 i = 0; i < smmu_cmd_count(bench_smmu[0]); i++) {
		u64 word = smmu_cmd_at(bench_smmu[0], i)->word[0];

		assert_true((word & 0xff) == OP_SYNC || (word >> 32 & 0xffff) == vm_primary->dma_tag.vmid);
	}
	/* Its own vSID 7 is another stream. */
	smmu_log_clear(bench_smmu[0]);
	inval(OP_CFGI_CD | sid_field(7), 1);
	assert_int_equal(smmu_cmd_at(bench_smmu[0], 0)->word[0] >> 32, bench_sid(2, 0));
	bench_destroy(vm);
}

static void drain(void) { hyp_exit_work(vm_vcpu(vm_primary, 0)); }

/*
 * H2: a first stage without a leaf, and a device that tries for ever. Only its guest could say that these faults leave no
 * event, so the stream is closed for its time, and then as it was.
 */
static void H2_a_nested_stream_that_floods_is_closed_for_its_time(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 value = 0;
	u32 events;

	o.smmu.evtq_bits = 7;
	boot_with(o);
	set_up();
	bench_assign(3, 0, 8);
	for (u32 i = 0; i < 500; i++)
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), 2 * VA, &value, 8);
	for (u32 i = 0; i < 8; i++)
		drain();
	events = smmu_event_count(bench_smmu[0]);
	bench_faults(2, 0, 2 * VA, SMMU_ABORTED);
	bench_faults(2, 0, VA, SMMU_ABORTED);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events);
	bench_faults(3, 0, VA, SMMU_C_BAD_STE);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 1);
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	bench_lands(2, 0, VA, DATA);
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 2);
}

/* A PASID of such a stream is the guest's too: the whole stream is meant. */
static void H2_a_pasid_of_a_nested_stream_that_floods(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	enum smmu_event event;
	u32 events;

	o.smmu.evtq_bits = 7;
	boot_with(o);
	bench_assign(1, 0, 7);
	put_leaf(0, VA, DATA);
	put_cd(CDS, 1, root_of(0));
	nested = alloc(B(0) | 5 << 1 | 2ull << 59 | CDS, 2);
	bench_attach(7, nested);
	for (u32 i = 0; i < 500; i++)
		(void)substream_write(3, VA, 0, &event);
	for (u32 i = 0; i < 8; i++)
		drain();
	events = smmu_event_count(bench_smmu[0]);
	refused_by(3, VA, SMMU_ABORTED);
	bench_faults(1, 0, VA, SMMU_ABORTED);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events);
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	bench_lands(1, 0, VA, DATA);
	refused_by(3, VA, SMMU_C_BAD_CD);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(dma_goes_through_both_stages),
		cmocka_unit_test(V1_a_first_stage_reaches_the_vms_memory_only),
		cmocka_unit_test(bypass_and_abort_are_the_guests_to_choose),
		cmocka_unit_test(D8_pasids_of_a_first_stage),
		cmocka_unit_test(what_an_endpoint_has_not_is_refused_at_attach),
		cmocka_unit_test(S3_7_many_streams_at_once_or_none),
		cmocka_unit_test(S3_8_paging_and_nested_side_by_side),
		cmocka_unit_test(pasids_and_nested_exclude_each_other),
		cmocka_unit_test(N16_N19_nothing_is_mapped_in_a_nested_domain),
		cmocka_unit_test(N18_slots_and_generations),
		cmocka_unit_test(a_look_behind_skipped_calls_takes_nothing_over),
		cmocka_unit_test(N17_N20_statuses_of_alloc),
		cmocka_unit_test(queries_say_what_there_is),
		cmocka_unit_test(stage1_alone_cannot_nest),
		cmocka_unit_test(stage2_alone_cannot_nest),
		cmocka_unit_test(a_vm_without_a_dma_table_cannot_nest),
		cmocka_unit_test(an_smmu_that_must_not_nest_does_not),
		cmocka_unit_test(leaves_are_stale_until_invalidated),
		cmocka_unit_test(contexts_are_stale_until_invalidated),
		cmocka_unit_test(A1_pages_that_go_are_out_of_combined_entries),
		cmocka_unit_test(nothing_is_queued_for_nothing),
		cmocka_unit_test(a_blocked_stream_needs_no_hardware),
		cmocka_unit_test(C3_N31_names_are_those_of_the_pviommu),
		cmocka_unit_test(C3_names_are_of_one_iommu),
		cmocka_unit_test(a_quarantined_endpoint_is_denied),
		cmocka_unit_test(N70_S1_3_faults_of_a_first_stage_are_its_owners),
		cmocka_unit_test(N70_faults_of_our_contexts_are_not),
		cmocka_unit_test(S2_5_S2_10_statuses_of_invalidate),
		cmocka_unit_test(S2_5_lengths_of_entries),
		cmocka_unit_test(C10_N44_the_count_is_what_is_complete),
		cmocka_unit_test(S2_8_a_ring_is_an_array),
		cmocka_unit_test(C1_S2_7_N13_entries_are_read_once),
		cmocka_unit_test(the_order_of_kinds_has_its_syncs),
		cmocka_unit_test(N88_A12_invalidations_of_a_guest_are_repeated),
		cmocka_unit_test(a_small_queue_takes_the_longest_call),
		cmocka_unit_test(N90_E9_hardware_that_is_silent),
		cmocka_unit_test(V2_the_status_bytes_are_pinned_meanwhile),
		cmocka_unit_test(K3_no_lock_is_held_while_it_waits),
		cmocka_unit_test(N37_C2_nothing_of_another_vm),
		cmocka_unit_test(H2_a_nested_stream_that_floods_is_closed_for_its_time),
		cmocka_unit_test(H2_a_pasid_of_a_nested_stream_that_floods),
	};

	return SUITE("nested", cases);
}
