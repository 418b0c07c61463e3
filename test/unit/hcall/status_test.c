/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each status that each call can answer, by the plainest way to it. The oracle behind every call
 * holds that a refusal changed nothing (V10) and that everything else still stands.
 */
#include <string.h>

#include "hyp/pool.h"

#include "bench.h"
#include "suite.h"

#define WHERE    bench_page(1000) /* structures */
#define NOT_OURS (machine->heap.base)

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(16);
}

static void boot(void) { boot_with(bench_defaults()); }

/* --- domains */

static void alloc_free_domain(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct result r;
	u32 n = 0, d;

	o.pool_bytes = 64 * PAGE_SIZE;
	boot_with(o);
	d = bench_domain();
	assert_status(pv_free(d), PC_SUCCESS);
	assert_status(pv_free(d), PC_NOT_FOUND);
	assert_status(pv_free(0), PC_NOT_FOUND);
	assert_status(pv_free(~0ull), PC_NOT_FOUND);
	/* The same slot again, under another id. */
	assert_int_not_equal(bench_domain(), d);
	while ((r = pv_alloc()).status == PC_SUCCESS)
		n++;
	assert_status(r, PC_NO_MEMORY);
	assert_true(n > 3);
}

static void free_domain_busy(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 100);
	d = bench_domain();
	bench_attach(100, d);
	assert_status(pv_free(d), PC_BUSY);
	assert_status(pv_detach(0, 100, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
}

/* --- map and unmap */

static void map_pages(void **state UNUSED)
{
	u64 last = 1ull << 48, page = bench_guest_base, end;
	u32 d;

	boot();
	page = bench_page(0);
	end = machine->ram[0].base + machine->ram[0].size;
	d = bench_domain();
	assert_status(pv_map(d, 0, page, 0, BENCH_RW), PC_SUCCESS);
	assert_status(pv_map(d, 0x1000, page, 0x2000, BENCH_RW), PC_SUCCESS);
	/* malformed */
	assert_status(pv_map(d, 0x801, page, 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0x8000, page + 8, 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0x8000, page, 0x1001, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0x8000, page, 0x1000, 0), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0x8000, page, 0x1000, 0x40 | BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, ~0xfffull, page, 0x2000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0x8000, ~0xfffull, 0x2000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, last, page, 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, last - 0x1000, page, 0x2000, BENCH_RW), PC_INVALID_PARAMETER);
	assert_status(pv_map(d, 0, page, ~0xfffull, BENCH_RW), PC_INVALID_PARAMETER);
	/* not there */
	assert_status(pv_map(d + 1, 0x8000, page, 0x1000, BENCH_RW), PC_NOT_FOUND);
	/* taken */
	assert_status(pv_map(d, 0x2000, page, 0x1000, BENCH_RW), PC_EXISTS);
	assert_status(pv_map(d, 0, page, 0x2000, BENCH_RW), PC_EXISTS);
	assert_status(pv_map(d, 0x2000, page, 0x2000, BENCH_RW), PC_EXISTS);
	/* not the caller's memory */
	assert_status(pv_map(d, 0x8000, NOT_OURS, 0x1000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, machine->image.base, 0x1000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, FAKE_UART_BASE, 0x1000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, FAKE_IOMMU_BASE, 0x1000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, end - 0x1000, 0x2000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, end, 0x1000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, bench_guest_base - 0x1000, 0x2000, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0x8000, bench_bar(3), 0x1000, BENCH_RW), PC_FAULT);
	/* Just beyond, whatever tables there are: an index that is cut short would find them. */
	assert_status(pv_map(d, 0x200000, page + 0x10000, 0x1000, BENCH_RW), PC_SUCCESS);
	for (u64 at = last; at < last + (16ull << 21); at += 1ull << 21) {
		assert_status(pv_map(d, at, page, 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
		assert_status(pv_map(d, at + 0x5000, page, 0x1000, BENCH_RW), PC_INVALID_PARAMETER);
	}
	/* the last page of the space works */
	assert_status(pv_map(d, last - 0x1000, page, 0x1000, BENCH_RW), PC_SUCCESS);
}

static void map_pages_no_memory(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct result r;
	u32 d;

	o.pool_bytes = 32 * PAGE_SIZE;
	boot_with(o);
	d = bench_domain();
	for (u64 i = 0; i < 64; i++) {
		r = pv_map(d, i << 30, bench_page(0), 0x1000, BENCH_RW);
		if (r.status != PC_SUCCESS)
			break;
	}
	assert_status(r, PC_NO_MEMORY);
	assert_int_equal(r.v1, 0);
}

static void map_pages_pin_count_full(void **state UNUSED)
{
	struct page *page;
	u32 d;

	boot();
	d = bench_domain();
	page = page_find(pa(bench_page(9)));
	page->pins = PIN_MAX;
	/* The summary of its run as well, as if so many mappings were there. */
	page_run_of(pa(bench_page(9)))->pins += PIN_MAX;
	oracle_losses_allowed(); /* more pins than mappings, by our own hand */
	assert_null(oracle_check());
	assert_status(pv_map(d, 0, bench_page(8), 0x3000, BENCH_RW), PC_BUSY);
	assert_status(pv_map(d, 0, bench_page(8), 0x1000, BENCH_RW), PC_SUCCESS);
}

static void map_mmio(void **state UNUSED)
{
	const u64 rw = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC;
	u64 bar;
	u32 d;

	boot();
	bar = bench_bar(3);
	d = bench_domain();
	bench_assign(2, 0, 100);
	bench_assign(3, 0, 200);
	bench_attach(100, d);
	assert_status(pv_map(d, 0, bar, 0x4000, rw | PVIOMMU_PROT_MMIO), PC_SUCCESS);
	assert_int_equal(bench_write(2, 0, 0x2000, 1), SMMU_OK);
	/* More than the range, memory by this flag, a window of the hypervisor's, nothing at all. */
	assert_status(pv_map(d, 0x10000, bar, 0x5000, rw | PVIOMMU_PROT_MMIO), PC_DENIED);
	assert_status(pv_map(d, 0x10000, bench_page(0), 0x1000, rw | PVIOMMU_PROT_MMIO), PC_DENIED);
	assert_status(pv_map(d, 0x10000, FAKE_IOMMU_BASE, 0x1000, rw | PVIOMMU_PROT_MMIO),
		      PC_DENIED);
	assert_status(pv_map(d, 0x10000, FAKE_ECAM_BASE, 0x1000, rw | PVIOMMU_PROT_MMIO),
		      PC_DENIED);
	assert_status(pv_map(d, 0x10000, bar + (1ull << 36), 0x1000, rw | PVIOMMU_PROT_MMIO),
		      PC_DENIED);
	assert_status(pv_unmap(d, 0, 0x4000), PC_SUCCESS);
}

static void unmap_pages(void **state UNUSED)
{
	struct result r;
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(0), 0x3000);
	assert_status(pv_unmap(d, 0x1000, 0), PC_SUCCESS);
	assert_status(pv_unmap(d + 1, 0x1000, 0x1000), PC_NOT_FOUND);
	assert_status(pv_unmap(d, 0x1008, 0x1000), PC_INVALID_PARAMETER);
	assert_status(pv_unmap(d, 0x1000, 0x800), PC_INVALID_PARAMETER);
	assert_status(pv_unmap(d, ~0xfffull, 0x2000), PC_INVALID_PARAMETER);
	assert_status(pv_unmap(d, 1ull << 48, 0x1000), PC_INVALID_PARAMETER);
	/* Over a hole: what is before it is done. */
	r = pv_unmap(d, 0x2000, 0x4000);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0x2000);
	r = pv_unmap(d, 0, 0x2000);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0);
	bench_unmap(d, 0x1000, 0x1000);
}

/* Splitting a block needs a table page: NO_MEMORY, and what was before it counts. */
static void unmap_pages_no_memory(void **state UNUSED)
{
	struct result r;
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, BLOCK_SIZE - 0x1000, bench_block(1) - 0x1000, BLOCK_SIZE + 0x1000);
	pool_fail_after = 1;
	r = pv_unmap(d, BLOCK_SIZE - 0x1000, 0x2000);
	assert_status(r, PC_NO_MEMORY);
	assert_int_equal(r.v1, 0x1000);
	r = pv_unmap(d, BLOCK_SIZE, 0x1000);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0x1000);
}

/* The pins of the block cannot become 512 pins: BUSY. */
static void unmap_pages_pin_count_full(void **state UNUSED)
{
	struct page *page;
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, 0, bench_block(1), BLOCK_SIZE);
	page = page_find(pa(bench_block(1) + 0x5000));
	page->pins = PIN_MAX;
	page_run_of(pa(bench_block(1)))->pins += PIN_MAX;
	oracle_losses_allowed();
	assert_null(oracle_check());
	assert_status(pv_unmap(d, 0x1000, 0x1000), PC_BUSY);
	assert_status(pv_unmap(d, 0, BLOCK_SIZE), PC_SUCCESS);
}

static void iova_to_ipa(void **state UNUSED)
{
	struct result r;
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	bench_map(d, 0x1000, bench_page(3), 0x1000);
	r = pv_iova_to_ipa(d, BLOCK_SIZE + 0x12345);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, bench_block(1) + 0x12345);
	assert_int_equal(r.v2, BENCH_RW);
	assert_int_equal(pv_iova_to_ipa(d, 0x1fff).v1, bench_page(3) + 0xfff);
	assert_status(pv_iova_to_ipa(d, 0), PC_NOT_FOUND);
	assert_status(pv_iova_to_ipa(d, 0x2000), PC_NOT_FOUND);
	assert_status(pv_iova_to_ipa(d, 1ull << 48), PC_NOT_FOUND);
	assert_status(pv_iova_to_ipa(d, ~0ull), PC_NOT_FOUND);
	assert_status(pv_iova_to_ipa(d + 1, 0x1000), PC_NOT_FOUND);
}

/* --- attach */

static void attach_dev(void **state UNUSED)
{
	u32 d, e;

	boot();
	bench_assign(2, 0, 100);
	d = bench_domain();
	e = bench_domain();
	assert_status(pv_attach(0, 101, 0, d, 0), PC_NOT_FOUND);
	assert_status(pv_attach(1, 100, 0, d, 0), PC_NOT_FOUND);
	assert_status(pv_attach(0, 100, 0, e + 1, 0), PC_NOT_FOUND);
	assert_status(pv_attach(0, 100, 0, 0, 0), PC_NOT_FOUND);
	assert_status(pv_attach(0, 100, 1, d, 0), PC_NOT_SUPPORTED); /* no PASIDs here */
	assert_status(pv_detach(0, 100, 0, d), PC_NOT_FOUND);
	assert_status(pv_attach(0, 100, 0, d, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 100, 0, d, 0), PC_EXISTS);
	assert_status(pv_attach(0, 100, 0, e, 0), PC_SUCCESS); /* replaced */
	assert_status(pv_detach(0, 100, 0, d), PC_NOT_FOUND);
	assert_status(pv_detach(0, 101, 0, e), PC_NOT_FOUND);
	assert_status(pv_detach(0, 100, 0, e), PC_SUCCESS);
	assert_status(pv_detach(0, 100, 0, e), PC_NOT_FOUND);
}

static void attach_dev_pasid(void **state UNUSED)
{
	u32 d, e;

	boot_with(bench_pasids());
	bench_assign(1, 0, 100);
	bench_assign(2, 0, 200);
	d = bench_domain();
	e = bench_domain();
	assert_status(pv_attach(0, 100, 1, e, 8), PC_NOT_SUPPORTED); /* PASID 0 first */
	assert_status(pv_attach(0, 100, 0, d, 4), PC_SUCCESS);
	assert_status(pv_attach(0, 100, 15, e, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 100, 15, e, 0), PC_EXISTS);
	assert_status(pv_attach(0, 100, 16, e, 0), PC_INVALID_PARAMETER);
	assert_status(pv_attach(0, 100, 1ull << 32, e, 0), PC_INVALID_PARAMETER);
	assert_status(pv_attach(0, 100, 1ull << 63, e, 0), PC_INVALID_PARAMETER);
	assert_status(pv_detach(0, 100, 0, d), PC_BUSY);
	assert_status(pv_detach(0, 100, 14, e), PC_NOT_FOUND);
	assert_status(pv_detach(0, 100, 16, e), PC_NOT_FOUND);
	assert_status(pv_detach(0, 100, 15, d), PC_NOT_FOUND);
	assert_status(pv_detach(0, 100, 15, e), PC_SUCCESS);
	assert_status(pv_detach(0, 100, 0, d), PC_SUCCESS);
	/* A device that cannot tag its DMA. */
	assert_status(pv_attach(0, 200, 0, d, 8), PC_SUCCESS);
	assert_status(pv_attach(0, 200, 1, e, 8), PC_NOT_SUPPORTED);
}

static void attach_dev_no_memory(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 100);
	d = bench_domain();
	pool_fail_after = 1;
	assert_status(pv_attach(0, 100, 0, d, 0), PC_NO_MEMORY);
	assert_status(pv_attach(0, 100, 0, d, 0), PC_SUCCESS);
}

static void D9_attach_dev_busy_and_denied(void **state UNUSED)
{
	u32 d;

	boot();
	d = bench_domain();
	bench_assign(2, 0, 100);
	/* While the device is being given back. */
	bench_reset_turns = 3;
	assert_int_equal(pc_dev_release(2).v1, 1);
	assert_status(pv_attach(0, 100, 0, d, 0), PC_NOT_FOUND); /* its name is gone already */
	while (pc_dev_release(2).v1 == 1)
		;
	bench_reset_turns = 0;
	bench_assign(3, 0, 300);
	bench_reset_status = E_IO;
	bench_quarantine_expected();
	assert_status(pc_dev_release(3), PC_IO);
	bench_reset_status = OK;
	assert_true(pv_attach(0, 300, 0, d, 0).status == PC_NOT_FOUND ||
		    pv_attach(0, 300, 0, d, 0).status == PC_DENIED);
}

/* --- lists */

static struct pviommu_attach_list *attach_list(u32 domain, u32 first, u32 count)
{
	struct pviommu_attach_list *list = bench_ptr(WHERE);
	u32 *vsid = bench_ptr(WHERE + 256);

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .domain = domain,
					      .vsids_ipa = WHERE + 256,
					      .vsid_count = count };
	for (u32 i = 0; i < count && i < 100; i++)
		vsid[i] = first + i;
	return list;
}

static void lists_of_attach(u64 op, u32 d)
{
	struct pviommu_attach_list *list;

	attach_list(d, 100, 3)->size = 47;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 3)->size = 4097;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 3)->size = 56;
	((u8 *)bench_ptr(WHERE))[55] = 1;
	assert_status(pv_list(op, WHERE), PC_TOO_BIG);
	((u8 *)bench_ptr(WHERE))[55] = 0;
	attach_list(d, 100, 3)->flags = 2;
	assert_status(pv_list(op, WHERE), PC_NOT_SUPPORTED);
	attach_list(d, 100, 3)->reserved = 1;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 0);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 65);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 3)->vsids_ipa = WHERE + 258;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	attach_list(d, 100, 3)->vsids_ipa = NOT_OURS;
	assert_status(pv_list(op, WHERE), PC_FAULT);
	attach_list(d, 100, 3)->vsids_ipa = ~3ull;
	assert_status(pv_list(op, WHERE), PC_FAULT);
	assert_status(pv_list(op, NOT_OURS), PC_FAULT);
	assert_status(pv_list(op, WHERE + 4), PC_INVALID_PARAMETER);
	list = attach_list(d, 100, 3);
	((u32 *)bench_ptr(WHERE + 256))[2] = 100;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	list->pviommu = 1;
	assert_status(pv_list(op, WHERE), PC_NOT_FOUND);
	attach_list(d, 101, 3);
	assert_status(pv_list(op, WHERE), PC_NOT_FOUND);
	attach_list(d + 7, 100, 3);
	assert_status(pv_list(op, WHERE), PC_NOT_FOUND);
}

static void attach_and_detach_list(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	d = bench_domain();
	lists_of_attach(PVIOMMU_ATTACH_LIST, d);
	attach_list(d, 100, 3);
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, WHERE), PC_SUCCESS);
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, WHERE), PC_EXISTS);
	lists_of_attach(PVIOMMU_DETACH_LIST, d);
	attach_list(d, 100, 3);
	assert_status(pv_list(PVIOMMU_DETACH_LIST, WHERE), PC_SUCCESS);
	assert_status(pv_list(PVIOMMU_DETACH_LIST, WHERE), PC_NOT_FOUND);
}

static struct pviommu_map_list *map_list(u32 domain, u32 count, u32 entry_len)
{
	struct pviommu_map_list *list = bench_ptr(WHERE);

	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = domain,
					   .entry_len = entry_len,
					   .entry_num = count,
					   .entries_ipa = WHERE + 256 };
	return list;
}

static void envelope(u64 op, u32 d, u32 len)
{
	map_list(d, 1, len)->size = 31;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, len)->size = 40;
	((u8 *)bench_ptr(WHERE))[39] = 1;
	assert_status(pv_list(op, WHERE), PC_TOO_BIG);
	((u8 *)bench_ptr(WHERE))[39] = 0;
	map_list(d, 1, len)->flags = 1;
	assert_status(pv_list(op, WHERE), PC_NOT_SUPPORTED);
	map_list(d, 1, len)->reserved = 1;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, len - 8);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, 0);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, len + 4);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, 4104);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 257, len);
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, len)->entries_ipa = WHERE + 260;
	assert_status(pv_list(op, WHERE), PC_INVALID_PARAMETER);
	map_list(d, 1, len)->entries_ipa = NOT_OURS;
	assert_status(pv_list(op, WHERE), PC_FAULT);
	map_list(d + 7, 1, len);
	assert_status(pv_list(op, WHERE), PC_NOT_FOUND);
	map_list(d, 0, len);
	assert_status(pv_list(op, WHERE), PC_SUCCESS);
	/* Longer entries: their tails must be zero. */
	map_list(d, 1, len + 8);
	memset(bench_ptr(WHERE + 256), 0, 64);
	((u8 *)bench_ptr(WHERE + 256))[len] = 1;
	assert_status(pv_list(op, WHERE), PC_TOO_BIG);
	((u8 *)bench_ptr(WHERE + 256))[len] = 0;
}

static void map_list_statuses(void **state UNUSED)
{
	struct pviommu_map_entry *e;
	struct result r;
	u32 d;

	boot();
	d = bench_domain();
	e = bench_ptr(WHERE + 256);
	envelope(PVIOMMU_MAP_LIST, d, sizeof(*e));
	map_list(d, 3, sizeof(*e));
	e[0] = (struct pviommu_map_entry){ 0x1000, bench_page(1), 0x1000, BENCH_RW, 0 };
	e[1] = (struct pviommu_map_entry){ 0x5000, bench_page(2), 0x2000, BENCH_RW, 0 };
	e[2] = (struct pviommu_map_entry){ 0x1000, bench_page(3), 0x1000, BENCH_RW, 0 };
	r = pv_list(PVIOMMU_MAP_LIST, WHERE);
	assert_status(r, PC_EXISTS);
	assert_int_equal(r.v1, 0x3000);
	bench_unmap(d, 0x1000, 0x1000);
	bench_unmap(d, 0x5000, 0x2000);
	e[2].reserved = 1;
	r = pv_list(PVIOMMU_MAP_LIST, WHERE);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0x3000);
	e[0].prot = 0;
	r = pv_list(PVIOMMU_MAP_LIST, WHERE);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0);
	e[0] = (struct pviommu_map_entry){ 0x9000, NOT_OURS, 0x1000, BENCH_RW, 0 };
	assert_status(pv_list(PVIOMMU_MAP_LIST, WHERE), PC_FAULT);
}

static void unmap_list_statuses(void **state UNUSED)
{
	struct pviommu_unmap_entry *e;
	struct result r;
	u32 d;

	boot();
	d = bench_domain();
	e = bench_ptr(WHERE + 256);
	envelope(PVIOMMU_UNMAP_LIST, d, sizeof(*e));
	bench_map(d, 0x1000, bench_page(1), 0x4000);
	map_list(d, 3, sizeof(*e));
	e[0] = (struct pviommu_unmap_entry){ 0x3000, 0x1000 };
	e[1] = (struct pviommu_unmap_entry){ 0x1000, 0x1000 };
	e[2] = (struct pviommu_unmap_entry){ 0x1000, 0x1000 };
	r = pv_list(PVIOMMU_UNMAP_LIST, WHERE);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0x2000);
	e[0] = (struct pviommu_unmap_entry){ 0x2000, 0x1000 };
	e[1] = (struct pviommu_unmap_entry){ 0x4004, 0x1000 };
	r = pv_list(PVIOMMU_UNMAP_LIST, WHERE);
	assert_status(r, PC_INVALID_PARAMETER);
	assert_int_equal(r.v1, 0x1000);
	bench_unmap(d, 0x4000, 0x1000);
}

/* --- what a guest may ask */

static void query(void **state UNUSED)
{
	static const u64 values[] = { 0x10000, 0x40201000, 48, 0 };
	static const u64 beyond[] = { VM_MAX_PVIOMMUS, VM_MAX_PVIOMMUS + 1, 1000, 1ull << 32, ~0ull };
	struct result r;

	boot();
	bench_assign(0, 0, 100);
	for (u64 p = 0; p < ARRAY_SIZE(values); p++) {
		r = pv_query(0, p, 0);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, values[p]);
	}
	assert_int_equal(pv_query(0, PVIOMMU_Q_VSID_COUNT, 0).v1, 3);
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(pv_query(0, PVIOMMU_Q_VSID, i).v1, 100 + i);
	assert_status(pv_query(0, PVIOMMU_Q_VSID, 3), PC_NOT_FOUND);
	assert_status(pv_query(0, PVIOMMU_Q_VSID, ~0ull), PC_NOT_FOUND);
	r = pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0);
	assert_true(r.v1 > 0);
	bench_domain();
	assert_int_equal(pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0).v1, r.v1 - 1);
	assert_int_equal(pv_query(0, PVIOMMU_Q_MAP_LIST_MAX, 0).v1, 256);
	assert_int_equal(pv_query(0, PVIOMMU_Q_DOORBELL, 0).v1, 0);
	assert_status(pv_query(0, PVIOMMU_Q_RESERVED_BASE, 0), PC_NOT_FOUND);
	for (u64 i = 0; i < machine->event_irq_count; i++)
		assert_int_equal(pv_query(0, PVIOMMU_Q_EVENT_IRQ, i).v1, machine->event_irq[i]);
	assert_status(pv_query(0, PVIOMMU_Q_EVENT_IRQ, machine->event_irq_count), PC_NOT_FOUND);
	assert_status(pv_query(0, PVIOMMU_Q_COUNT, 0), PC_NOT_SUPPORTED);
	assert_status(pv_query(1, 0, 0), PC_NOT_FOUND);
	for (u32 i = 0; i < ARRAY_SIZE(beyond); i++) {
		assert_status(pv_query(beyond[i], 0, 0), PC_NOT_FOUND);
		assert_status(pv_stats(beyond[i], 0), PC_NOT_FOUND);
		assert_status(pv_endpoint_info(beyond[i], 100), PC_NOT_FOUND);
	}
}

static void endpoint_info(void **state UNUSED)
{
	struct result r;

	boot_with(bench_pasids());
	bench_assign(1, 0, 100);
	assert_status(pv_endpoint_info(0, 101), PC_NOT_FOUND);
	assert_status(pv_endpoint_info(1, 100), PC_NOT_FOUND);
	r = pv_endpoint_info(0, 100);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0);
	assert_int_equal(r.v2 & 0xff, 8);
	assert_int_equal(r.v3, device_table[1].group);
	r = pv_sid_info(0, 100);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0);
	assert_status(pv_sid_info(0, 99), PC_NOT_FOUND);
}

static void stats(void **state UNUSED)
{
	u64 before;
	u32 d;

	boot();
	bench_assign(2, 0, 100);
	before = pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1;
	d = bench_domain();
	bench_map(d, 0, bench_page(0), 0x3000);
	bench_map(d, BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	bench_attach(100, d);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_MAPS).v1, 2);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_PINS).v1, 3 + 512);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_MAPPED).v1, 0x3000 + BLOCK_SIZE);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_DOMAINS).v1, 1);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_ATTACHED).v1, 1);
	assert_true(pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1 < before);
	bench_unmap(d, 0, 0x3000);
	bench_unmap(d, BLOCK_SIZE, BLOCK_SIZE);
	assert_status(pv_detach(0, 100, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_UNMAPS).v1, 2);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_PINS).v1, 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_MAPPED).v1, 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_DOMAINS).v1, 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_ATTACHED).v1, 0);
	/* K4: after the last use everything is as it was. */
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1, before);
	assert_status(pv_stats(0, PVIOMMU_STAT_COUNT), PC_NOT_SUPPORTED);
	assert_status(pv_stats(1, 0), PC_NOT_FOUND);
}

/* --- devices */

static void dev_calls(void **state UNUSED)
{
	struct result r;

	boot();
	assert_int_equal(pc_dev_count().v1, BENCH_DEVICE_COUNT);
	for (u32 i = 0; i < BENCH_DEVICE_COUNT; i++) {
		r = pc_dev_endpoints(i);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, i == 0 ? 3 : i == 6 ? 2 :
							     1);
	}
	assert_status(pc_dev_endpoints(BENCH_DEVICE_COUNT), PC_NOT_FOUND);
	for (u64 p = PC_VMM_Q_VERSION; p <= PC_VMM_Q_MAX_ENDPOINTS; p++) {
		static const u64 values[] = { 0x10000, 64, 8, 8, 32 };

		r = bench_call(PC_VMM_QUERY, p, 0, 0, 0, 0, 0);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, values[p]);
	}
	assert_status(bench_call(PC_VMM_QUERY, PC_VMM_Q_DEV_QUARANTINED + 1, 0, 0, 0, 0, 0),
		      PC_NOT_SUPPORTED);
}

static void dev_info(void **state UNUSED)
{
	struct pc_dev_info *info;

	boot();
	info = bench_ptr(WHERE);
	memset(info, 0xff, 512);
	info->size = 512;
	assert_status(pc_dev_info(3, WHERE), PC_SUCCESS);
	assert_int_equal(info->size, 320);
	assert_int_equal(info->flags, 0);
	assert_int_equal(info->device, 3);
	assert_int_equal(info->endpoint_count, 1);
	assert_int_equal(info->mmio_count, 2);
	assert_int_equal(info->reserved, 0);
	assert_int_equal(info->mmio[0].ipa, bench_bar(3));
	assert_int_equal(info->mmio[1].bytes, 0x1000);
	assert_string_equal((const char *)info->name, "pci 0000:00:04");
	/* Never past the size that is known. */
	assert_int_equal(((u8 *)info)[320], 0xff);
	info->size = 319;
	assert_status(pc_dev_info(3, WHERE), PC_INVALID_PARAMETER);
	info->size = 4097;
	assert_status(pc_dev_info(3, WHERE), PC_INVALID_PARAMETER);
	info->size = 320;
	assert_status(pc_dev_info(7, WHERE), PC_NOT_FOUND);
	assert_status(pc_dev_info(3, WHERE + 4), PC_INVALID_PARAMETER);
	assert_status(pc_dev_info(3, NOT_OURS), PC_FAULT);
	assert_status(pc_dev_info(3, ~7ull), PC_FAULT);
	bench_assign(3, 0, 100);
	assert_status(pc_dev_info(3, WHERE), PC_SUCCESS);
	assert_int_equal(info->flags, PC_DEV_ASSIGNED);
	bench_attach(100, bench_domain());
	assert_status(pc_dev_info(3, WHERE), PC_SUCCESS);
	assert_int_equal(info->flags, PC_DEV_ASSIGNED | PC_DEV_FROZEN);
}

/* The structure at the very end of memory: written whole, or not at all. */
static void dev_info_at_the_end_of_memory(void **state UNUSED)
{
	u64 end;

	boot();
	end = machine->ram[0].base + machine->ram[0].size;
	*(u32 *)bench_ptr(end - 320) = 320;
	assert_status(pc_dev_info(0, end - 320), PC_SUCCESS);
	*(u32 *)bench_ptr(end - 312) = 320;
	assert_status(pc_dev_info(0, end - 312), PC_FAULT);
	assert_int_equal(*(u32 *)bench_ptr(end - 312), 320);
}

static void dev_assign_and_release(void **state UNUSED)
{
	boot();
	assert_status(pc_dev_assign(7, 1, 0), PC_NOT_FOUND);
	assert_status(pc_dev_assign(2, 0, 0), PC_NOT_FOUND);
	assert_status(pc_dev_assign(2, 2, 0), PC_NOT_FOUND);
	assert_status(pc_dev_assign(2, 1, 8), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(2, 1, ~0ull), PC_INVALID_PARAMETER);
	assert_status(pc_dev_release(2), PC_NOT_FOUND);
	assert_status(pc_dev_release(7), PC_NOT_FOUND);
	assert_status(pc_dev_vsid(2, 0, 1), PC_NOT_FOUND);
	bench_reset_turns = 2;
	assert_int_equal(pc_dev_assign(2, 1, 0).v1, 1);
	assert_status(pc_dev_vsid(2, 0, 1), PC_BUSY);
	assert_status(pc_dev_release(2), PC_BUSY);
	assert_status(pc_dev_assign(2, 1, 1), PC_BUSY); /* another pvIOMMU than it began with */
	assert_int_equal(pc_dev_assign(2, 1, 0).v1, 1);
	assert_int_equal(pc_dev_assign(2, 1, 0).v1, 0);
	assert_status(pc_dev_assign(2, 1, 0), PC_EXISTS);
	assert_status(pc_dev_vsid(2, 1, 1), PC_NOT_FOUND);
	assert_status(pc_dev_vsid(7, 0, 1), PC_NOT_FOUND);
	assert_status(pc_dev_vsid(2, 0, 1ull << 32), PC_INVALID_PARAMETER);
	assert_status(pc_dev_vsid(2, 0, 0xffffffff), PC_SUCCESS);
	assert_status(pc_dev_vsid(2, 0, 0xffffffff), PC_EXISTS);
	assert_status(pc_dev_vsid(2, 0, 1), PC_EXISTS);
	assert_int_equal(pc_dev_release(2).v1, 1);
	assert_status(pc_dev_assign(2, 1, 0), PC_BUSY);
	while (pc_dev_release(2).v1 == 1)
		;
	assert_status(pc_dev_release(2), PC_NOT_FOUND);
}

/* Where identity takes memory of the pool, a device that it is not there for stays as it is. */
static void I4_dev_release_no_memory(void **state UNUSED)
{
	boot_with(bench_stage1_only());
	bench_assign(0, 0, 100);
	for (u32 n = 1; n <= 3; n++) {
		pool_fail_after = n;
		assert_status(pc_dev_release(0), PC_NO_MEMORY);
		assert_status(pc_dev_req_dma(0, 100), PC_SUCCESS);
	}
	bench_reset_turns = 2;
	assert_int_equal(pc_dev_release(0).v1, 1);
	pool_fail_after = 1; /* what it takes is there by now */
	assert_int_equal(pc_dev_release(0).v1, 1);
	assert_status(pc_dev_release(0), PC_SUCCESS);
	pool_fail_after = 0;
	bench_lands(0, 2, bench_page(5), bench_page(5));
}

static void dev_req_dma_and_mmio(void **state UNUSED)
{
	struct result a, b;

	boot();
	assert_status(pc_dev_req_dma(0, 100), PC_NOT_FOUND);
	bench_assign(0, 0, 100);
	a = pc_dev_req_dma(0, 100);
	assert_status(a, PC_SUCCESS);
	b = pc_dev_req_dma(0, 101);
	assert_int_equal(a.v1, b.v1);
	assert_int_not_equal(a.v2, b.v2);
	assert_true(a.v1 >> 32 == 0 && a.v2 >> 32 == 0 && b.v2 >> 32 == 0);
	assert_status(pc_dev_req_dma(1, 100), PC_NOT_FOUND);
	a = pc_dev_req_mmio(bench_bar(3));
	assert_status(a, PC_SUCCESS);
	b = pc_dev_req_mmio(bench_bar(3) + 0x2000);
	assert_status(b, PC_SUCCESS);
	assert_int_equal(b.v1, a.v1 + 0x2000);
	assert_status(pc_dev_req_mmio(bench_bar(3) + 0x4000), PC_NOT_FOUND);
	assert_status(pc_dev_req_mmio(bench_bar(3) + 8), PC_INVALID_PARAMETER);
	assert_status(pc_dev_req_mmio(bench_page(0)), PC_NOT_FOUND);
	assert_status(pc_dev_req_mmio(~0xfffull), PC_NOT_FOUND);
}

/* A device that fails is counted where its owner can ask. */
static void E3_quarantines_are_counted(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	bench_assign(2, 0, 7);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_QUARANTINES).v1, 0);
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(pc_dev_release(2), PC_IO);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_QUARANTINES).v1, 1);
	bench_check();
}

static void query_counts_what_has_a_name(void **state UNUSED)
{
	boot();
	assert_status(pc_dev_assign(0, PC_VM_PRIMARY, 0), PC_SUCCESS);
	assert_status(pv_query(0, PVIOMMU_Q_VSID, 0), PC_NOT_FOUND);
	assert_status(pc_dev_vsid(0, 2, 77), PC_SUCCESS);
	assert_int_equal(pv_query(0, PVIOMMU_Q_VSID, 0).v1, 77);
	assert_status(pv_query(0, PVIOMMU_Q_VSID, 1), PC_NOT_FOUND);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(alloc_free_domain),
		cmocka_unit_test(free_domain_busy),
		cmocka_unit_test(map_pages),
		cmocka_unit_test(map_pages_no_memory),
		cmocka_unit_test(map_pages_pin_count_full),
		cmocka_unit_test(map_mmio),
		cmocka_unit_test(unmap_pages),
		cmocka_unit_test(unmap_pages_no_memory),
		cmocka_unit_test(unmap_pages_pin_count_full),
		cmocka_unit_test(iova_to_ipa),
		cmocka_unit_test(attach_dev),
		cmocka_unit_test(attach_dev_pasid),
		cmocka_unit_test(attach_dev_no_memory),
		cmocka_unit_test(D9_attach_dev_busy_and_denied),
		cmocka_unit_test(attach_and_detach_list),
		cmocka_unit_test(map_list_statuses),
		cmocka_unit_test(unmap_list_statuses),
		cmocka_unit_test(query),
		cmocka_unit_test(query_counts_what_has_a_name),
		cmocka_unit_test(endpoint_info),
		cmocka_unit_test(stats),
		cmocka_unit_test(dev_calls),
		cmocka_unit_test(dev_info),
		cmocka_unit_test(dev_info_at_the_end_of_memory),
		cmocka_unit_test(dev_assign_and_release),
		cmocka_unit_test(I4_dev_release_no_memory),
		cmocka_unit_test(dev_req_dma_and_mmio),
		cmocka_unit_test(E3_quarantines_are_counted),
	};

	return SUITE("status", cases);
}
