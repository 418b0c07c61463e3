/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory changes hands: VM_DONATE, MEM_SHARE, MEM_UNSHARE, MEM_RELINQUISH; in which order, and back. */
#include <string.h>

#include "bench_vm.h"
#include "mem/pool_priv.h"
#include "suite.h"
#include "vm/view.h"
#include "vm/vm_life.h"
#include "vm/vm_memory.h"

#define AT 0x80000000ull /* in a VM: a block's boundary */

static u32 vm;

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
}

static void end(void)
{
	bench_destroy(vm);
	oracle_effort(1);
	bench_check();
}

static bool has(u32 handle, u64 at, u64 addr)
{
	pa_t out;

	return vm_ipa_to_pa(vm_find(handle), ipa(at), &out) && out.v == addr;
}

static void I3_donate_statuses(void **state UNUSED)
{
	u64 end_of_ram, last, page;

	boot();
	page = bench_page(100);
	end_of_ram = machine->ram[0].base + machine->ram[0].size;
	last = 1ull << pc_vmm_query(PC_VMM_Q_IPA_BITS, 0).v1;
	assert_status(pc_vm_donate(vm, AT, page, 1, 4), PC_NOT_SUPPORTED);
	assert_status(pc_vm_donate(vm, AT, page, 1, 1ull << 32), PC_NOT_SUPPORTED);
	assert_status(pc_vm_donate(vm, AT, page, 0, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, AT, page, 1ull << 52, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, AT, page + 8, 1, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, AT + 8, page, 1, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(1, AT, page, 1, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm + 1, AT, page, 1, 0), PC_NOT_FOUND);
	assert_status(pc_vm_donate(vm, last, page, 1, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, last - PAGE_SIZE, page, 2, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, ~0xfffull, page, 2, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vm_donate(vm, AT, ~0xfffull, 2, 0), PC_INVALID_PARAMETER);
	/* Windows that the hypervisor emulates: in, across either edge. */
	for (u64 i = 0; i < 2; i++) {
		u64 base = pc_vmm_query(PC_VMM_Q_WINDOW_BASE, i).v1;
		u64 size = pc_vmm_query(PC_VMM_Q_WINDOW_SIZE, i).v1;

		assert_status(pc_vm_donate(vm, base, page, 1, 0), PC_INVALID_PARAMETER);
		assert_status(pc_vm_donate(vm, base - PAGE_SIZE, page, 2, 0), PC_INVALID_PARAMETER);
		assert_status(pc_vm_donate(vm, base + size - PAGE_SIZE, page, 2, 0),
			      PC_INVALID_PARAMETER);
		assert_status(pc_vm_donate(vm, base - PAGE_SIZE, page + 16 * PAGE_SIZE * (i + 1), 1, 0),
			      PC_SUCCESS);
		assert_status(pc_vm_donate(vm, base + size, page + 16 * PAGE_SIZE * (i + 3), 1, 0),
			      PC_SUCCESS);
	}
	assert_status(pc_vm_donate(vm, AT, machine->heap.base, 1, 0), PC_DENIED);
	assert_status(pc_vm_donate(vm, AT, machine->image.base, 512, 0), PC_DENIED);
	assert_status(pc_vm_donate(vm, AT, bench_page(0), 1, 0), PC_DENIED);
	assert_status(pc_vm_donate(vm, AT, bench_page(63), 2, 0), PC_DENIED);
	assert_status(pc_vm_donate(vm, AT, bench_bar(3), 1, 0), PC_FAULT);
	assert_status(pc_vm_donate(vm, AT, FAKE_IOMMU_BASE, 1, 0), PC_FAULT);
	assert_status(pc_vm_donate(vm, AT, end_of_ram, 1, 0), PC_FAULT);
	assert_status(pc_vm_donate(vm, AT, end_of_ram - PAGE_SIZE, 2, 0), PC_FAULT);
	bench_donate(vm, AT, page, 1, 0);
	assert_status(pc_vm_donate(vm, AT, page + PAGE_SIZE, 1, 0), PC_EXISTS);
	assert_status(pc_vm_donate(vm, AT - PAGE_SIZE, page + PAGE_SIZE, 2, 0), PC_EXISTS);
	assert_status(pc_vm_donate(vm, AT + PAGE_SIZE, page, 1, 0), PC_DENIED);
	/* A block over a place where there is something, and a page inside a block. */
	assert_status(pc_vm_donate(vm, AT, bench_block(2), 512, 0), PC_EXISTS);
	bench_donate(vm, AT + BLOCK_SIZE, bench_block(2), 512, 0);
	assert_status(pc_vm_donate(vm, AT + BLOCK_SIZE + 0x5000, page + PAGE_SIZE, 1, 0), PC_EXISTS);
	end();
}

static void A9_donate_keeps_or_scrubs(void **state UNUSED)
{
	boot();
	bench_fill(bench_page(100), 3 * PAGE_SIZE, 0x5a);
	bench_donate(vm, AT, bench_page(100), 1, PC_DONATE_KEEP);
	bench_donate(vm, AT + PAGE_SIZE, bench_page(101), 1, PC_DONATE_SCRUB);
	bench_donate(vm, AT + 2 * PAGE_SIZE, bench_page(102), 1, PC_DONATE_READ_ONLY);
	assert_true(bench_all(bench_page(100), PAGE_SIZE, 0x5a));
	assert_true(bench_all(bench_page(101), PAGE_SIZE, 0));
	assert_true(bench_all(bench_page(102), PAGE_SIZE, 0x5a));
	assert_true(fake_vm_calls.sync_code >= 3);
	/* To be read: by its own calls, by its devices, and not to be given on. */
	assert_int_equal(page_find(pa(bench_page(102)))->state, PAGE_READ_ONLY);
	assert_status(vm_share(vm, AT + 2 * PAGE_SIZE, 1), PC_DENIED);
	assert_status(vm_relinquish(vm, AT + 2 * PAGE_SIZE, 0), PC_DENIED);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, bench_vm_domain(vm), 0, AT + 2 * PAGE_SIZE, PAGE_SIZE,
			    PVIOMMU_PROT_READ),
		      PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, bench_vm_domain(vm), 0, AT + 2 * PAGE_SIZE, PAGE_SIZE,
			    BENCH_RW),
		      PC_FAULT);
	end();
	assert_true(bench_all(bench_page(100), 3 * PAGE_SIZE, 0));
}

/* Gone from the primary's CPUs, its devices and its calls; there for the VM and its calls. */
static void V1_A11_donated_page_is_the_vms_alone(void **state UNUSED)
{
	u32 d;

	boot();
	bench_lands(2, 0, bench_page(100), bench_page(100));
	bench_donate(vm, AT, bench_page(100), 1, 0);
	assert_true(has(vm, AT, bench_page(100)));
	bench_faults(2, 0, bench_page(100), SMMU_F_TRANSLATION);
	bench_lands(2, 0, bench_page(101), bench_page(101));
	d = bench_domain();
	assert_status(pv_map(d, 0, bench_page(100), PAGE_SIZE, BENCH_RW), PC_FAULT);
	assert_status(pv_map(d, 0, bench_page(99), 3 * PAGE_SIZE, BENCH_RW), PC_FAULT);
	assert_status(pc_dev_info(0, bench_page(100)), PC_FAULT);
	assert_status(bench_call(PC_CONSOLE, bench_page(100), 4, 0, 0, 0, 0), PC_FAULT);
	memcpy(bench_ptr(bench_page(100)), "hello", 5);
	assert_status(bench_call_vm(vm, PC_CONSOLE, AT, 5, 0, 0, 0, 0), PC_SUCCESS);
	assert_non_null(strstr(fake_console, ": hello"));
	assert_status(bench_call_vm(vm, PC_CONSOLE, AT + 0xffe, 5, 0, 0, 0, 0), PC_FAULT);
	assert_status(bench_call_vm(vm, PC_CONSOLE, bench_page(101), 5, 0, 0, 0, 0), PC_FAULT);
	end();
	bench_lands(2, 0, bench_page(100), bench_page(100));
}

static void A6_pinned_pages_stay(void **state UNUSED)
{
	u32 d;

	boot();
	d = bench_domain();
	bench_map(d, 0, bench_page(105), PAGE_SIZE);
	bench_map(d, BLOCK_SIZE, bench_block(2), BLOCK_SIZE);
	assert_status(pc_vm_donate(vm, AT, bench_page(105), 1, 0), PC_BUSY);
	assert_status(pc_vm_donate(vm, AT, bench_page(100), 16, 0), PC_BUSY);
	assert_status(pc_vm_donate(vm, AT, bench_block(2) + 5 * PAGE_SIZE, 1, 0), PC_BUSY);
	assert_status(pc_vm_donate(vm, AT, bench_block(2), 512, 0), PC_BUSY);
	/* A step ends before the block; the next begins with it. */
	assert_int_equal(pc_vm_donate(vm, AT + BLOCK_SIZE - 4 * PAGE_SIZE, bench_block(2) - 4 * PAGE_SIZE,
				      8, 0)
				 .v1,
			 4);
	assert_status(pc_vm_donate(vm, AT + BLOCK_SIZE, bench_block(2), 4, 0), PC_BUSY);
	/* One page of a block that is of one kind otherwise. */
	bench_map(d, 2 * BLOCK_SIZE, bench_block(3) + 0x7000, PAGE_SIZE);
	assert_status(pc_vm_donate(vm, AT + 4 * BLOCK_SIZE, bench_block(3), 512, 0), PC_BUSY);
	bench_unmap(d, 2 * BLOCK_SIZE, PAGE_SIZE);
	bench_donate(vm, AT + 4 * BLOCK_SIZE, bench_block(3), 512, 0);
	bench_unmap(d, 0, PAGE_SIZE);
	bench_donate(vm, AT, bench_page(100), 16, 0);
	end();
}

static void I8_V9_donate_in_bounded_steps(void **state UNUSED)
{
	struct result r;
	struct pt_run run;

	boot();
	/* Not congruent: as many as a call may. */
	r = pc_vm_donate(vm, AT + PAGE_SIZE, bench_page(512), 1400, 0);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, MEMORY_STEP_PAGES);
	/* Congruent: up to where a block may begin, so that it is one. */
	r = pc_vm_donate(vm, 2 * AT + 0x1ff000, bench_block(3) - PAGE_SIZE, 2000, 0);
	assert_int_equal(r.v1, 1);
	for (u64 done = 0; done < 512; done += r.v1) {
		r = pc_vm_donate(vm, 2 * AT + 0x200000 + done * PAGE_SIZE, bench_block(3) + done * PAGE_SIZE,
				 1999 - done, 0);
		assert_int_equal(r.v1, MEMORY_STEP_PAGES);
	}
	assert_true(vm_find(vm)->cpu_pt.ops->lookup(&vm_find(vm)->cpu_pt, 2 * AT + 0x200000,
						    2 * AT + 0x400000, &run));
	assert_int_equal(run.shift, PT_SHIFT_2M);
	end();
}

/* A block stays a block, in the VM, and in the primary when it is back. */
static void K4_blocks_split_and_merge(void **state UNUSED)
{
	u32 cpu, dma, before;

	boot();
	cpu = vm_primary->cpu_pt.tables;
	dma = vm_primary->dma_pt.tables;
	before = vm_find(vm)->cpu_pt.tables;
	bench_donate(vm, AT, bench_block(2), 1024, 0);
	assert_true(vm_find(vm)->cpu_pt.tables - before <= 2); /* none of level 3 */
	/* Empty ones, for what comes back. */
	assert_int_equal(vm_primary->cpu_pt.tables, cpu + 2);
	assert_int_equal(vm_primary->dma_pt.tables, dma + 2);
	/* One page of a block, from the VM's and from the primary's. */
	assert_status(vm_relinquish(vm, AT + 0x7000, 0), PC_SUCCESS);
	assert_int_equal(vm_primary->cpu_pt.tables, cpu + 2);
	bench_donate(vm, AT + BLOCK_SIZE * 4, bench_block(5) + 0x3000, 1, 0);
	assert_int_equal(vm_primary->cpu_pt.tables, cpu + 3);
	assert_int_equal(vm_primary->dma_pt.tables, dma + 3);
	bench_lands(2, 0, bench_block(5) + 0x2000, bench_block(5) + 0x2000);
	bench_lands(2, 0, bench_block(5) + 0x4000, bench_block(5) + 0x4000);
	bench_faults(2, 0, bench_block(5) + 0x3000, SMMU_F_TRANSLATION);
	assert_status(vm_relinquish(vm, AT + BLOCK_SIZE * 4, 1), PC_SUCCESS);
	assert_int_equal(vm_primary->cpu_pt.tables, cpu + 2);
	end();
	/* The VM's pool was the last that was missing: all is as it was at boot (oracle: K4). */
}

static void K1_donate_exhausts_only_the_vms_pool(void **state UNUSED)
{
	struct result r;
	u32 n = 0, other;

	boot();
	other = bench_vm(64);
	/* A page every 2 MiB, each in a table of its own. */
	do {
		r = pc_vm_donate(vm, AT + n * BLOCK_SIZE, bench_page(200 + n), 1, 0);
	} while (r.status == PC_SUCCESS && ++n < 100);
	assert_status(r, PC_NO_MEMORY);
	assert_true(n > 10);
	bench_donate(other, AT, bench_page(200 + n), 1, 0);
	assert_status(pc_vm_add_pool(vm, bench_page(400), 4), PC_SUCCESS);
	assert_status(pc_vm_donate(vm, AT + n * BLOCK_SIZE, bench_page(201 + n), 1, 0), PC_SUCCESS);
	bench_destroy(other);
	end();
}

/* The next region of RAM is memory like any other; records of both change. */
static void two_regions(struct machine *m)
{
	fake_ram_add(m->ram[0].base, m->ram[0].size);
	m->ram[1] = (struct range){ m->ram[0].base + (16ull << 20), m->ram[0].size - (16ull << 20) };
	m->ram[0].size = 16ull << 20;
	m->ram_count = 2;
}

static void V2_donate_across_regions(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 border;

	o.change = two_regions;
	bench_boot(&o);
	vm = bench_vm(0);
	border = machine->ram[1].base;
	bench_donate(vm, AT + 0x3000, border - 5 * PAGE_SIZE, 10, 0);
	assert_true(has(vm, AT + 0x3000, border - 5 * PAGE_SIZE));
	assert_true(has(vm, AT + 0x3000 + 5 * PAGE_SIZE, border));
	assert_status(vm_share(vm, AT + 0x3000, 10), PC_SUCCESS);
	end();
}

/* --- the order of a removal (A1, A11) */

static u64 moving;
static u32 seen_inval, seen_wait;

static bool in_cache;

static void cached(void *ctx UNUSED, const struct smmu_cached *c)
{
	in_cache |= moving >= c->output && moving - c->output < c->size;
}

static bool mapped(const struct pt *pt, u64 va)
{
	struct pt_run run;

	return pt->ops->lookup(pt, va, va, &run);
}

/* Until every cache has forgotten the page it is nobody's to begin with. */
static void nobody_has_it(void)
{
	assert_int_equal(page_find(pa(moving))->owner, OWNER_VM);
	assert_int_equal(page_find(pa(moving))->state, PAGE_MOVING);
	assert_false(has(vm, AT, moving));
	assert_false(mapped(&vm_primary->dma_pt, moving));
	assert_false(mapped(&vm_primary->cpu_pt, moving));
}

static void at_cpu_inval(u16 vmid, u64 base, u64 size)
{
	if (vmid != vm_primary->view.vmid || moving < base || moving - base >= size ||
	    mapped(&vm_primary->dma_pt, moving)) /* of a block that is split first */
		return;
	/* Of the block's last piece, when this one has arrived. */
	if (seen_inval > 0 && has(vm, AT, moving))
		return;
	seen_inval++;
	nobody_has_it();
	/* The devices' caches are done by now. */
	in_cache = false;
	smmu_for_each_cached(bench_smmu[0], cached, NULL);
	assert_false(in_cache);
	assert_true(smmu_idle(bench_smmu[0]));
}

static void at_wait(void *ctx UNUSED)
{
	if (mapped(&vm_primary->dma_pt, moving) || (seen_inval > 0 && has(vm, AT, moving)))
		return;
	seen_wait++;
	nobody_has_it();
}

static void order_of(u64 pages)
{
	seen_inval = seen_wait = 0;
	smmu_watch(bench_smmu[0], bench_sid(2, 0), false, 0, moving);
	smmu_speculate(bench_smmu[0]);
	fake_cpu_inval_hook = at_cpu_inval;
	fake_relax_hook_add(at_wait, NULL);
	bench_donate(vm, AT, moving, pages, 0);
	fake_cpu_inval_hook = NULL;
	fake_relax_hook_remove(at_wait, NULL);
	assert_true(seen_inval > 0 && seen_wait > 0);
	assert_true(has(vm, AT, moving));
}

static void A1_A11_order_of_a_donation(void **state UNUSED)
{
	boot();
	moving = bench_page(777);
	order_of(1);
	end();
}

static u32 wider, clears;

static void as_a_block(void *ctx UNUSED, const struct smmu_cached *c)
{
	wider += c->size > PAGE_SIZE && moving >= c->output && moving - c->output < c->size;
}

/* The page's leaf is about to go: what it was a piece of is forgotten by then. */
static void at_clear(void *ctx UNUSED, u64 *entry, u64 value)
{
	if (value != 0 || (*entry & 0x0000fffffffff000) != moving || !(*entry & 1))
		return;
	clears++;
	smmu_for_each_cached(bench_smmu[0], as_a_block, NULL);
}

static void A1_A4_a_split_is_complete_before_a_piece_goes(void **state UNUSED)
{
	boot();
	moving = bench_block(3) + 0x7000;
	bench_lands(2, 0, moving, moving);
	wider = clears = 0;
	smmu_for_each_cached(bench_smmu[0], as_a_block, NULL);
	assert_true(wider > 0);
	wider = 0;
	fake_store_hook_add(at_clear, NULL);
	bench_donate(vm, AT, moving, 1, 0);
	fake_store_hook_remove(at_clear, NULL);
	assert_int_equal(clears, 2); /* for devices, and for CPUs */
	assert_int_equal(wider, 0);
	bench_faults(2, 0, moving, SMMU_F_TRANSLATION);
	end();
}

static void A1_A11_order_of_a_block(void **state UNUSED)
{
	boot();
	moving = bench_block(3);
	order_of(512);
	end();
}

/* The same for what comes back: the VM's caches first, then the primary. */
static void at_relinquish(u16 vmid, u64 base, u64 size)
{
	if (vmid != vm_find(vm)->view.vmid || base != AT || size != PAGE_SIZE)
		return;
	seen_inval++;
	assert_int_equal(page_find(pa(moving))->owner, vm_find(vm)->owner);
	assert_int_equal(page_find(pa(moving))->state, PAGE_MOVING);
	assert_false(mapped(&vm_primary->dma_pt, moving));
	assert_false(mapped(&vm_primary->cpu_pt, moving));
	assert_true(bench_all(moving, PAGE_SIZE, 0x77));
}

static void A1_A9_order_of_a_relinquish(void **state UNUSED)
{
	boot();
	moving = bench_page(777);
	bench_donate(vm, AT, moving, 1, 0);
	bench_fill(moving, PAGE_SIZE, 0x77);
	seen_inval = 0;
	fake_cpu_inval_hook = at_relinquish;
	assert_status(vm_relinquish(vm, AT, 0), PC_SUCCESS);
	fake_cpu_inval_hook = NULL;
	assert_int_equal(seen_inval, 1);
	assert_true(bench_all(moving, PAGE_SIZE, 0));
	assert_false(has(vm, AT, moving));
	assert_status(vm_relinquish(vm, AT, 0), PC_FAULT);
	bench_lands(2, 0, moving, moving);
	end();
}

/*
 * A page of a donated block comes back: the VM's block needs a table for what stays, and without one nothing has changed.
 * The primary has its table still, so that what comes back needs no memory of ours.
 */
static void V10_relinquish_needs_memory_of_the_vms_alone(void **state UNUSED)
{
	u32 cpu, dma;
	u64 page;

	boot();
	page = bench_block(3) + 0x7000;
	bench_donate(vm, AT, bench_block(3), 512, 0);
	cpu = vm_primary->cpu_pt.tables;
	dma = vm_primary->dma_pt.tables;
	pool_fail_after = 1;
	assert_status(vm_relinquish(vm, AT + 0x7000, 0), PC_NO_MEMORY);
	assert_int_equal(pool_fail_after, 0);
	assert_true(has(vm, AT + 0x7000, page));
	pool_fail_after = 2;
	assert_status(vm_relinquish(vm, AT + 0x7000, 0), PC_SUCCESS);
	assert_int_equal(pool_fail_after, 1); /* there was none but that of the VM's */
	pool_fail_after = 0;
	assert_int_equal(vm_primary->cpu_pt.tables, cpu);
	assert_int_equal(vm_primary->dma_pt.tables, dma);
	bench_lands(2, 0, page, page);
	end();
}

/* What a page held is gone from memory too, where accesses that pass the caches by would find it. */
static void A9_scrubbed_pages_are_zero_behind_the_caches(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 word;

	o.noncoherent = true;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	bench_donate(vm, AT, bench_page(777), 2, 0);
	bench_fill(bench_page(777), 2 * PAGE_SIZE, 0x77);
	io_clean(bench_ptr(bench_page(777)), 2 * PAGE_SIZE);
	assert_status(vm_relinquish(vm, AT, 0), PC_SUCCESS);
	end();
	for (u64 at = bench_page(777); at < bench_page(779); at += 8) {
		assert_true(fake_hw_read(at, &word, 8, false));
		assert_int_equal(word, 0);
	}
}

/* D11: a mapping that is refused behind a block keeps no pin of the block. */
static void A6_D11_refused_behind_a_block_keeps_no_pin(void **state UNUSED)
{
	u32 d;

	boot();
	d = bench_domain();
	bench_donate(vm, AT, bench_block(4), 1, 0);
	assert_status(pv_map(d, 0, bench_block(3), BLOCK_SIZE + PAGE_SIZE, BENCH_RW), PC_FAULT);
	assert_int_equal(page_run_of(pa(bench_block(3)))->block_pins, 0);
	bench_donate(vm, AT + BLOCK_SIZE, bench_block(3), 512, 0);
	end();
}

/* A VM is told its own names of its pages, never the machine's. */
static void D7_iova_to_ipa_is_the_vms_own_name(void **state UNUSED)
{
	u32 d;

	boot();
	bench_donate(vm, AT, bench_page(100), 4, 0);
	bench_donate(vm, AT + BLOCK_SIZE, bench_block(3), 512, 0);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, 0x10000, AT, 4 * PAGE_SIZE);
	bench_vm_map(vm, d, BLOCK_SIZE, AT + BLOCK_SIZE, BLOCK_SIZE);
	assert_int_equal(vm_pv(vm, PVIOMMU_IOVA_TO_IPA, d, 0x12345, 0, 0, 0).v1, AT + 0x2345);
	assert_int_equal(vm_pv(vm, PVIOMMU_IOVA_TO_IPA, d, BLOCK_SIZE + 0x54321, 0, 0, 0).v1, AT + BLOCK_SIZE + 0x54321);
	end();
}

/* The IOMMU does not answer: everything is where it was, for ever. */
static void V3_donate_io_moves_nothing(void **state UNUSED)
{
	boot();
	bench_fill(bench_page(100), PAGE_SIZE, 0x11);
	smmu_speculate(bench_smmu[0]);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pc_vm_donate(vm, AT, bench_page(100), 8, PC_DONATE_SCRUB), PC_IO);
	assert_int_equal(page_find(pa(bench_page(100)))->owner, OWNER_VM);
	assert_int_equal(page_find(pa(bench_page(100)))->state, PAGE_OWNED);
	assert_true(bench_all(bench_page(100), PAGE_SIZE, 0x11));
	assert_true(mapped(&vm_primary->dma_pt, bench_page(100)));
	assert_true(mapped(&vm_primary->cpu_pt, bench_page(100)));
	assert_false(has(vm, AT, bench_page(100)));
	assert_status(pc_vm_add_pool(vm, bench_page(100), 8), PC_IO);
	assert_status(pc_vm_create(0, 1, bench_page(200), 64), PC_IO);
	assert_int_equal(page_find(pa(bench_page(200)))->owner, OWNER_VM);
	/* What is the VM's comes back all the same. */
	bench_destroy(vm);
	assert_int_equal(page_find(pa(bench_page(0)))->owner, OWNER_VM);
}

static void V3_unshare_io_stays_shared(void **state UNUSED)
{
	boot();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	assert_status(vm_share(vm, AT, 4), PC_SUCCESS);
	smmu_speculate(bench_smmu[0]);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(vm_unshare(vm, AT, 4), PC_IO);
	assert_int_equal(page_find(pa(bench_page(100)))->state, PAGE_SHARED_OUT);
	assert_status(vm_relinquish(vm, AT, 0), PC_DENIED);
	assert_status(vm_relinquish(vm, AT + 0x4000, 0), PC_SUCCESS);
	bench_destroy(vm);
	assert_int_equal(page_find(pa(bench_page(100)))->owner, OWNER_VM);
}

/* --- sharing */

static void I3_share_statuses(void **state UNUSED)
{
	u32 d;

	boot();
	bench_donate(vm, AT, bench_page(100), 16, 0);
	bench_vm_assign(3, vm, 0, 100);
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_SUCCESS);
	assert_status(vm_share(vm, AT + 1, 1), PC_INVALID_PARAMETER);
	assert_status(vm_share(vm, ~0xfffull, 2), PC_INVALID_PARAMETER);
	assert_status(bench_call_vm(vm, PC_MEM_SHARE, AT, 1, 1, 0, 0, 0), PC_INVALID_PARAMETER);
	assert_status(vm_share(vm, AT - PAGE_SIZE, 1), PC_FAULT);
	assert_status(vm_share(vm, 1ull << 60, 1), PC_FAULT);
	assert_status(vm_share(vm, bench_page(101), 1), PC_FAULT);
	assert_status(vm_share(vm, AT + BLOCK_SIZE, 1), PC_FAULT); /* MMIO */
	assert_status(vm_unshare(vm, AT, 1), PC_DENIED);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, 0, AT + 0x3000, PAGE_SIZE);
	assert_status(vm_share(vm, AT, 8), PC_BUSY);
	assert_status(vm_relinquish(vm, AT + 0x3000, 0), PC_BUSY);
	assert_int_equal(vm_share(vm, AT, 0).v1, 1); /* stock guests: one page */
	assert_status(vm_share(vm, AT, 1), PC_DENIED);
	assert_status(vm_unshare(vm, AT, 2), PC_DENIED);
	assert_status(vm_unshare(vm, AT + 1, 1), PC_INVALID_PARAMETER);
	assert_status(bench_call_vm(vm, PC_MEM_UNSHARE, AT, 1, 1, 0, 0, 0), PC_INVALID_PARAMETER);
	assert_status(vm_unshare(vm, AT - PAGE_SIZE, 1), PC_FAULT);
	assert_status(vm_relinquish(vm, AT, 0), PC_DENIED);
	assert_status(vm_relinquish(vm, AT + 0x1000, 2), PC_INVALID_PARAMETER);
	assert_status(vm_relinquish(vm, AT + 0x1001, 0), PC_INVALID_PARAMETER);
	assert_status(vm_relinquish(vm, AT + BLOCK_SIZE, 0), PC_FAULT);
	assert_status(bench_call_vm(vm, PC_MEM_RELINQUISH, AT, 0, 1, 0, 0, 0), PC_INVALID_PARAMETER);
	assert_int_equal(vm_unshare(vm, AT, 0).v1, 1);
	end();
}

/* Shared: the primary's CPUs, devices and domains have it; not: they have not. */
static void V1_A6_share_and_unshare(void **state UNUSED)
{
	struct result r;
	u32 d;

	boot();
	bench_donate(vm, AT, bench_page(100), 16, 0);
	r = vm_share(vm, AT + 0x2000, 4);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 4);
	/* The primary is told where, by its own addresses. */
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.reason, PC_EXIT_MEMORY);
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[0], PC_MEM_SHARED);
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[1], bench_page(102));
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[2], 4);
	assert_true(vm_vcpu(vm_find(vm), 0)->leave);
	bench_lands(2, 0, bench_page(102), bench_page(102));
	bench_faults(2, 0, bench_page(101), SMMU_F_TRANSLATION);
	d = bench_domain();
	bench_map(d, 0, bench_page(102), 2 * PAGE_SIZE);
	/* Not to be given on: it is not the primary's. */
	assert_status(pc_vm_donate(vm, 2 * AT, bench_page(104), 1, 0), PC_DENIED);
	assert_status(pc_vm_add_pool(vm, bench_page(104), 1), PC_DENIED);
	assert_status(vm_unshare(vm, AT + 0x2000, 4), PC_BUSY);
	assert_status(vm_unshare(vm, AT + 0x3000, 1), PC_BUSY);
	assert_int_equal(vm_unshare(vm, AT + 0x4000, 2).v1, 2);
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[0], PC_MEM_UNSHARED);
	bench_faults(2, 0, bench_page(104), SMMU_F_TRANSLATION);
	bench_unmap(d, 0, 2 * PAGE_SIZE);
	assert_status(vm_unshare(vm, AT + 0x2000, 2), PC_SUCCESS);
	bench_faults(2, 0, bench_page(102), SMMU_F_TRANSLATION);
	assert_status(vm_relinquish(vm, AT + 0x2000, 0), PC_SUCCESS);
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[0], PC_MEM_RELINQUISHED);
	assert_int_equal(vm_vcpu(vm_find(vm), 0)->exit.arg[1], bench_page(102));
	end();
}

/* A step takes what is consecutive in the machine, and says how much that was. */
static void D12_share_counts(void **state UNUSED)
{
	boot();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	bench_donate(vm, AT + 0x8000, bench_page(300), 8, 0);
	assert_int_equal(vm_share(vm, AT, 16).v1, 8);
	assert_int_equal(vm_share(vm, AT + 0x8000, 8).v1, 8);
	assert_int_equal(vm_unshare(vm, AT + 0x4000, 100).v1, 4);
	assert_int_equal(vm_unshare(vm, AT + 0x8000, ~0ull >> 12).v1, 8);
	bench_donate(vm, AT + BLOCK_SIZE, bench_block(3), 1024, 0);
	assert_int_equal(vm_share(vm, AT + BLOCK_SIZE + 0x1000, 1000).v1, 512);
	end();
}

static void D7_pages_of_another_vm(void **state UNUSED)
{
	u32 other;

	boot();
	other = bench_vm(64);
	bench_donate(vm, AT, bench_page(200), 4, 0);
	assert_status(vm_share(vm, AT, 4), PC_SUCCESS);
	bench_donate(other, AT + BLOCK_SIZE, bench_page(300), 4, 0);
	assert_status(vm_share(other, AT, 1), PC_FAULT);
	assert_status(vm_unshare(other, AT, 1), PC_FAULT);
	assert_status(vm_relinquish(other, AT, 0), PC_FAULT);
	assert_status(pc_vm_donate(other, AT, bench_page(200), 1, 0), PC_DENIED);
	assert_status(vm_pv(other, PVIOMMU_MAP_PAGES, bench_vm_domain(other), 0, AT, PAGE_SIZE, BENCH_RW),
		      PC_FAULT);
	bench_destroy(vm);
	vm = other;
	end();
}

static void I3_meminfo_and_features(void **state UNUSED)
{
	struct result r;

	boot();
	r = bench_call_vm(vm, PC_HYP_MEMINFO, 0, 0, 0, BENCH_POISON, BENCH_POISON, BENCH_POISON);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v0, PAGE_SIZE);
	assert_int_equal(r.v1, 1);
	assert_status(bench_call_vm(vm, PC_HYP_MEMINFO, 1, 0, 0, 0, 0, 0), PC_INVALID_PARAMETER);
	end();
}

/* --- the CPU's side: a change of size is seen by nobody (B6) */

static u64 watched;
static bool gone_in_between;

/* Inside the invalidation of the block's addresses the view has nothing there. */
static void look_at_the_gap(u16 vmid UNUSED, u64 base, u64 size)
{
	struct pt_run run;

	if (base <= watched && watched - base < size && size >= BLOCK_SIZE)
		gone_in_between |= !vm_primary->cpu_pt.ops->lookup(&vm_primary->cpu_pt, watched, watched, &run);
}

static void B6_primary_blocks_are_broken_before_they_are_made(void **state UNUSED)
{
	boot();
	watched = bench_block(3) + 0x7000;
	fake_cpu_inval_hook = look_at_the_gap;
	gone_in_between = false;
	bench_donate(vm, AT, bench_block(3) + 0x9000, 1, 0);
	assert_true(gone_in_between); /* split */
	gone_in_between = false;
	assert_status(vm_relinquish(vm, AT, 0), PC_SUCCESS);
	assert_true(gone_in_between); /* merged */
	fake_cpu_inval_hook = NULL;
	end();
}

/* A8: when the VM goes, no CPU has translations of its VMID, and it is said before its memory is anybody's. */
static void A8_vmid_is_invalidated_at_the_end(void **state UNUSED)
{
	u32 before;
	u16 vmid;

	boot();
	vmid = vm_find(vm)->view.vmid;
	before = fake_vm_calls.inval_vmid;
	bench_destroy(vm);
	assert_true(fake_vm_calls.inval_vmid > before);
	assert_int_equal(fake_vm_calls.inval_vmid_last, vmid);
}

/* D11: from the middle of a block on, up to its end; what follows in the VM lies elsewhere in the machine. */
static void D11_mapping_across_blocks_that_are_apart(void **state UNUSED)
{
	u32 domain;

	boot();
	bench_donate(vm, AT, bench_block(2), 512, 0);
	bench_donate(vm, AT + BLOCK_SIZE, bench_block(4), 512, 0);
	bench_donate(vm, AT + 2 * BLOCK_SIZE, bench_block(3), 512, 0);
	bench_vm_assign(2, vm, 0, 1);
	domain = bench_vm_domain(vm);
	for (u64 done = 0; done < BLOCK_SIZE;) {
		struct result r = vm_pv(vm, PVIOMMU_MAP_PAGES, domain, done, AT + BLOCK_SIZE / 2 + done, BLOCK_SIZE - done, BENCH_RW);

		assert_status(r, PC_SUCCESS);
		done += r.v1;
	}
	bench_vm_attach(vm, 1, domain);
	bench_lands(2, 0, 0, bench_block(2) + BLOCK_SIZE / 2);
	bench_lands(2, 0, BLOCK_SIZE / 2, bench_block(4));
	bench_lands(2, 0, BLOCK_SIZE - PAGE_SIZE, bench_block(4) + BLOCK_SIZE / 2 - PAGE_SIZE);
	end();
}

/* Memory for tables runs out at each allocation of a share or a relinquish out of a block: refused, and all as before. */
static void without_tables(bool share, u64 n)
{
	struct result r;

	boot();
	bench_donate(vm, AT + 4 * BLOCK_SIZE, bench_block(4), 512, 0);
	pool_fail_after = n;
	r = share ? vm_share(vm, AT + 4 * BLOCK_SIZE + 0x7000, 3) : vm_relinquish(vm, AT + 4 * BLOCK_SIZE + 0x7000, 0);
	if (pool_fail_after == 0) {
		assert_status(r, PC_NO_MEMORY);
		assert_int_equal(page_find(pa(bench_block(4) + 0x7000))->owner, vm_find(vm)->owner);
		r = share ? vm_share(vm, AT + 4 * BLOCK_SIZE + 0x7000, 3) : vm_relinquish(vm, AT + 4 * BLOCK_SIZE + 0x7000, 0);
	}
	pool_fail_after = 0;
	assert_status(r, PC_SUCCESS);
	end();
}

static void I4_share_and_relinquish_without_tables(void **state UNUSED)
{
	for (u64 n = 1; n <= 6; n++) {
		IN_CHILD(without_tables(true, n));
		IN_CHILD(without_tables(false, n));
	}
}

static u32 cpu_forgot;

static void at_undo(u16 vmid, u64 base, u64 size)
{
	cpu_forgot += vmid == vm_find(vm)->view.vmid && base <= AT && AT - base < size;
}

/*
 * A donation for which the VM's tables lack the n-th page: those that were linked for it are gone, and where its vCPUs may
 * have walked into one, that is forgotten before the page is anything else.
 */
static void V3_I4_a_table_that_is_undone_is_forgotten(void **state UNUSED)
{
	u64 left;
	u32 n, tables;

	boot();
	tables = vm_find(vm)->cpu_pt.tables;
	left = pool_free_pages(&vm_find(vm)->pool);
	fake_cpu_inval_hook = at_undo;
	for (n = 1;; n++) {
		cpu_forgot = 0;
		pool_fail_after = n;
		if (pc_vm_donate(vm, AT, bench_page(100), 1, 0).status == PC_SUCCESS)
			break;
		assert_int_equal(pool_fail_after, 0);
		assert_int_equal(vm_find(vm)->cpu_pt.tables, tables);
		assert_int_equal(pool_free_pages(&vm_find(vm)->pool), left);
		assert_int_equal(cpu_forgot, n > 1);
	}
	pool_fail_after = 0;
	fake_cpu_inval_hook = NULL;
	assert_true(n > 2);
	end();
}

/* What callers have looked at is looked at again where tables are indexed. */
static void D10_views_end_where_their_tables_do(void **state UNUSED)
{
	struct vm *of;
	enum status status;
	u64 top;
	ipa_t where;

	boot();
	of = vm_find(vm);
	top = 1ull << of->cpu_pt.ops->va_bits;
	vm_lock(of);
	status = view_reserve(of, ipa(top), pa(bench_page(700)), PAGE_SIZE);
	assert_int_equal(status, E_INVAL);
	status = view_reserve(of, ipa(top - PAGE_SIZE), pa(bench_page(700)), 2 * PAGE_SIZE);
	assert_int_equal(status, E_INVAL);
	status = view_reserve(of, ipa(AT), pa(bench_page(700)), 0);
	assert_int_equal(status, E_INVAL);
	vm_unlock(of);
	/* And what is neither memory nor a device's registers has no name in a VM. */
	status = vm_pa_to_ipa(of, pa(FAKE_UART_BASE), &where);
	assert_int_equal(status, E_NOENT);
	end();
}

/* A range with a hole in it, in pages and a block: what is there goes, and the hole is passed over. */
static void A4_removal_passes_over_holes(void **state UNUSED)
{
	struct pt_run run;
	enum status status;

	boot();
	bench_donate(vm, AT + 4 * BLOCK_SIZE, bench_block(4) + 0x5000, 3, 0);
	vm_lock(vm_primary);
	status = view_remove(vm_primary, ipa(bench_block(4) + 0x3000), 8 * PAGE_SIZE);
	assert_int_equal(status, OK);
	for (u64 at = 0; at < 16 * PAGE_SIZE; at += PAGE_SIZE)
		assert_int_equal(vm_primary->cpu_pt.ops->lookup(&vm_primary->cpu_pt, bench_block(4) + at, bench_block(4) + at, &run),
				 at < 0x3000 || at >= 0x3000 + 8 * PAGE_SIZE);
	vm_unlock(vm_primary);
	bench_faults(2, 0, bench_block(4) + 0x4000, SMMU_F_TRANSLATION);
	bench_faults(2, 0, bench_block(4) + 0x9000, SMMU_F_TRANSLATION);
	bench_lands(2, 0, bench_block(4) + 0xb000, bench_block(4) + 0xb000);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(I3_donate_statuses),
		cmocka_unit_test(A9_donate_keeps_or_scrubs),
		cmocka_unit_test(V1_A11_donated_page_is_the_vms_alone),
		cmocka_unit_test(A6_pinned_pages_stay),
		cmocka_unit_test(I8_V9_donate_in_bounded_steps),
		cmocka_unit_test(K4_blocks_split_and_merge),
		cmocka_unit_test(K1_donate_exhausts_only_the_vms_pool),
		cmocka_unit_test(V2_donate_across_regions),
		cmocka_unit_test(A1_A11_order_of_a_donation),
		cmocka_unit_test(A1_A11_order_of_a_block),
		cmocka_unit_test(A1_A4_a_split_is_complete_before_a_piece_goes),
		cmocka_unit_test(A1_A9_order_of_a_relinquish),
		cmocka_unit_test(V10_relinquish_needs_memory_of_the_vms_alone),
		cmocka_unit_test(A9_scrubbed_pages_are_zero_behind_the_caches),
		cmocka_unit_test(A6_D11_refused_behind_a_block_keeps_no_pin),
		cmocka_unit_test(D7_iova_to_ipa_is_the_vms_own_name),
		cmocka_unit_test(V3_donate_io_moves_nothing),
		cmocka_unit_test(V3_unshare_io_stays_shared),
		cmocka_unit_test(I3_share_statuses),
		cmocka_unit_test(V1_A6_share_and_unshare),
		cmocka_unit_test(D12_share_counts),
		cmocka_unit_test(D7_pages_of_another_vm),
		cmocka_unit_test(I3_meminfo_and_features),
		cmocka_unit_test(B6_primary_blocks_are_broken_before_they_are_made),
		cmocka_unit_test(A8_vmid_is_invalidated_at_the_end),
		cmocka_unit_test(D11_mapping_across_blocks_that_are_apart),
		cmocka_unit_test(I4_share_and_relinquish_without_tables),
		cmocka_unit_test(V3_I4_a_table_that_is_undone_is_forgotten),
		cmocka_unit_test(D10_views_end_where_their_tables_do),
		cmocka_unit_test(A4_removal_passes_over_holes),
	};

	return SUITE("memory", cases);
}
