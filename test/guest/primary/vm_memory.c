/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that changes hands: donated, shared, given back. What the primary's CPUs and devices see of it, and when
 * (V1, V2, A1, A6, A9, A11).
 */
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmm.h"

#define EXTRA  0x90000000ul /* IPA of pages that a case donates by itself */
#define SECRET 0x5eed0000c0de0000ul

static struct vmm vm;

static void must_be_gone(const char *what, u64 at)
{
	u64 value = 0;

	REQUIRE(!TRY(value = mmio_read64(at)), "%s can be read: %lx", what, value);
	REQUIRE(ESR_IS_EXTERNAL(cpu_this()->trap_esr), "a read of %s raises ESR %lx", what, cpu_this()->trap_esr);
	REQUIRE(!TRY(mmio_write64(at, 0)), "%s can be written", what);
	REQUIRE(!TRY(mmio_read8(at + PAGE - 1)), "the last byte of %s can be read", what);
}

static void fill(u64 at, u64 words, u64 first)
{
	for (u64 i = 0; i < words; i++)
		((u64 *)at)[i] = first + i;
}

static bool holds(u64 at, u64 words, u64 first, u64 step)
{
	for (u64 i = 0; i < words; i++) {
		if (((volatile u64 *)at)[i] != first + i * step)
			return false;
	}
	return true;
}

static void guest_holds(const char *what, u64 ipa, u64 words, u64 first, u64 step)
{
	const u64 *r = ASK(&vm, "check", ipa, words, first, step);

	REQUIRE(!r[0], "%s: %lu words differ, the first is number %lu: %lx", what, r[0], r[1], r[2]);
}

/* A testdev that nobody has taken: its IOVA is the physical address. */
static void open_identity(void)
{
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	testdev_open(&rig.testdev, bdf);
}

/* The target is nobody's to look at: only the device's own word. */
static bool is_refused(u64 address)
{
	return testdev_write(&rig.testdev, address, address, 4) == TESTDEV_REFUSED;
}

/* Memory calls that the VM made since the last look: the last one must be this. */
static void last_call_is(u32 what, u64 ipa, u64 pages)
{
	const struct vmm_memory_call *c = &vm.log[(vm.log_count - 1) % VMM_LOG];

	REQUIRE(vm.log_count, "the VM's call did not exit");
	REQUIRE(c->what == what && c->ipa == ipa && c->pages == pages, "the exit says %u of %lu pages at %lx", c->what, c->pages,
		c->ipa);
}

/* A service whose call exits once, to tell the primary. */
static const u64 *ask_with_exit(const char *service, u64 a0, u64 a1)
{
	enum vmm_event event;

	BEGIN(&vm, service, a0, a1);
	event = vmm_run(&vm);
	REQUIRE(event == VMM_MEMORY, "service %s: %s", service, vmm_event_name(event));
	return vmm_finish(&vm);
}

static struct hres call_with_exit(u64 fn, u64 a1, u64 a2)
{
	const u64 args[7] = { fn, a1, a2 };
	enum vmm_event event;
	const u64 *r;

	vmm_begin(&vm, "call", args, 7);
	event = vmm_run(&vm);
	REQUIRE(event == VMM_MEMORY, "the call %lx: %s", fn, vmm_event_name(event));
	r = vmm_finish(&vm);
	return (struct hres){ r[0], r[1], r[2], r[3], true };
}

/* --- donation */

CASE(memory, donated_pages_are_gone_from_the_cpu_V1_A11)
{
	u64 own = ram_alloc_raw(3 * PAGE, PAGE);

	fill(own, 3 * PAGE / 8, SECRET);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, own + PAGE, 1, PC_DONATE_KEEP);
	must_be_gone("the donated page", own + PAGE);
	must_be_gone("the image", vm.own);
	REQUIRE(holds(own, PAGE / 8, SECRET, 1) && holds(own + 2 * PAGE, PAGE / 8, SECRET + 2 * PAGE / 8, 1),
		"a page beside it changed");
	vmm_start(&vm);
	guest_holds("the donated page", EXTRA, PAGE / 8, SECRET + PAGE / 8, 1);
	must_be_gone("the donated page", own + PAGE);
}

CASE(memory, keep_shows_and_scrub_hides_A9)
{
	u64 own = ram_alloc_raw(4 * PAGE, PAGE);

	fill(own, 4 * PAGE / 8, SECRET);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, own, 2, PC_DONATE_KEEP);
	vmm_donate(&vm, EXTRA + 2 * PAGE, own + 2 * PAGE, 2, PC_DONATE_SCRUB);
	vmm_start(&vm);
	guest_holds("what was kept", EXTRA, 2 * PAGE / 8, SECRET, 1);
	guest_holds("what was scrubbed", EXTRA + 2 * PAGE, 2 * PAGE / 8, 0, 0);
}

CASE(memory, read_only_stays_as_it_was)
{
	u64 own = ram_alloc_raw(PAGE, PAGE);

	fill(own, PAGE / 8, SECRET);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, own, 1, PC_DONATE_KEEP | PC_DONATE_READ_ONLY);
	vmm_start(&vm);
	guest_holds("the read-only page", EXTRA, PAGE / 8, SECRET, 1);
	REQUIRE(!ASK(&vm, "poke", EXTRA + 8, 8, 1)[0], "the VM can write a read-only page");
	guest_holds("the read-only page", EXTRA, PAGE / 8, SECRET, 1);
	must_be_gone("the read-only page", own);
	REFUSED(vmm_hcall(&vm, PC_MEM_SHARE, EXTRA, 1, 0, 0, 0), PC_DENIED);
	REFUSED(vmm_hcall(&vm, PC_MEM_RELINQUISH, EXTRA, 0, 0, 0, 0), PC_DENIED);
}

/* Whole blocks, and blocks that are not aligned to each other. */
CASE(memory, blocks_and_odd_runs_A4)
{
	u64 own = ram_alloc_raw(2 * BLOCK_2M, BLOCK_2M), odd = ram_alloc_raw(1027 * PAGE, BLOCK_2M) + 3 * PAGE;

	fill(own, 2 * BLOCK_2M / 8, SECRET);
	fill(odd, 1024 * PAGE / 8, SECRET);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, own, 2 * BLOCK_2M / PAGE, PC_DONATE_KEEP);
	vmm_donate(&vm, EXTRA + 8 * BLOCK_2M + 5 * PAGE, odd, 1024, PC_DONATE_KEEP);
	for (u64 i = 0; i < 1024; i += 93) {
		must_be_gone("a page of a block", own + i * PAGE);
		must_be_gone("a page of an odd run", odd + i * PAGE);
	}
	*(volatile u32 *)(odd - PAGE) = 1;
	vmm_start(&vm);
	guest_holds("two blocks", EXTRA, 2 * BLOCK_2M / 8, SECRET, 1);
	guest_holds("an odd run", EXTRA + 8 * BLOCK_2M + 5 * PAGE, 1024 * PAGE / 8, SECRET, 1);
	vmm_destroy(&vm);
	REQUIRE(holds(own, 2 * BLOCK_2M / 8, 0, 0) && holds(odd, 1024 * PAGE / 8, 0, 0), "memory came back unscrubbed");
}

CASE(memory, devices_of_the_primary_lose_it_too_V1_A1)
{
	u32 *own = ram_alloc(3 * PAGE, PAGE);
	u64 at = (u64)own + PAGE;

	open_identity();
	LANDS(rig.testdev, at, own + 1024);
	memset(own, 0, 3 * PAGE);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, at, 1, PC_DONATE_KEEP);
	for (u32 offset = 0; offset < PAGE; offset += 508)
		REQUIRE(is_refused(at + offset), "DMA to the donated page at %lx was not refused", at + offset);
	REQUIRE(is_refused(vm.own) && is_refused(vm.pool), "DMA to the VM's image or pool was not refused");
	LANDS(rig.testdev, (u64)own, own);
	LANDS(rig.testdev, at + PAGE, own + 2048);
	vmm_start(&vm);
	guest_holds("the donated page", EXTRA, PAGE / 8, 0, 0);
	vmm_destroy(&vm);
	LANDS(rig.testdev, at, own + 1024);
}

CASE(memory, pinned_pages_are_not_donated_A6_V2)
{
	u64 own = ram_alloc_raw(4 * PAGE, PAGE), block = ram_alloc_raw(BLOCK_2M, BLOCK_2M);

	rig_open_mapped();
	vmm_create(&vm, 0, 1);
	rig_map(rig.domain, RIG_IOVA + PAGE, own + 2 * PAGE, PAGE, PVIOMMU_PROT_READ);
	REFUSED(vm_donate(vm.handle, EXTRA, own + 2 * PAGE, 1, 0), PC_BUSY);
	/* A run that a pinned page ends: either nothing of it, or what lies before. */
	REQUIRE(OK(vm_donate(vm.handle, EXTRA, own, 2, 0)).r1 == 2, "two pages before the pinned one");
	rig_map(rig.domain, RIG_IOVA + BLOCK_2M, block, BLOCK_2M, RW);
	REFUSED(vm_donate(vm.handle, EXTRA + BLOCK_2M, block, 1, 0), PC_BUSY);
	REFUSED(vm_donate(vm.handle, EXTRA + BLOCK_2M, block + 17 * PAGE, 1, 0), PC_BUSY);
	rig_unmap(rig.domain, RIG_IOVA + BLOCK_2M + 17 * PAGE, PAGE);
	REFUSED(vm_donate(vm.handle, EXTRA + BLOCK_2M, block + 16 * PAGE, 1, 0), PC_BUSY);
	OK(vm_donate(vm.handle, EXTRA + BLOCK_2M, block + 17 * PAGE, 1, 0));
	REFUSED(pv_map(rig.domain, RIG_IOVA + 2 * PAGE, block + 17 * PAGE, PAGE, RW), PC_FAULT);
	rig_unmap(rig.domain, RIG_IOVA + PAGE, PAGE);
	OK(vm_donate(vm.handle, EXTRA + 2 * PAGE, own + 2 * PAGE, 1, 0));
	rig_unmap(rig.domain, RIG_IOVA + BLOCK_2M, 17 * PAGE);
	rig_unmap(rig.domain, RIG_IOVA + BLOCK_2M + 18 * PAGE, BLOCK_2M - 18 * PAGE);
}

/* No call of the primary's reads or writes memory that it gave away: not a list, not a result. */
CASE(memory, calls_do_not_reach_donated_pages_N3)
{
	struct pviommu_attach_list *list = ram_alloc(PAGE, PAGE);

	list->size = sizeof(*list);
	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&vm, EXTRA, (u64)list, 1, PC_DONATE_KEEP);
	REFUSED(pv_attach_list((u64)list), PC_FAULT);
	REFUSED(pv_map_list((u64)list), PC_FAULT);
	REFUSED(pv_alloc_nested((u64)list), PC_FAULT);
	REFUSED(pv_invalidate((u64)list), PC_FAULT);
	REFUSED(dev_info(0, (u64)list), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, (u64)list), PC_FAULT);
	REFUSED(pv_events_setup(rig.pviommu, (u64)list, 0, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_FAULT);
	vmm_start(&vm);
	REQUIRE_EQUAL(ASK(&vm, "peek", EXTRA, 8)[1], sizeof(*list));
}

/* --- coming back */

CASE(memory, all_comes_back_scrubbed_A9)
{
	u64 pages;

	vmm_boot(&vm, 1, 300);
	ASK(&vm, "fill", vm.heap_ipa, 300 * PAGE / 8, SECRET);
	pages = vm.pages;
	vmm_destroy(&vm);
	REQUIRE(holds(vm.own, pages * PAGE / 8, 0, 0), "memory of the VM came back unscrubbed");
	REQUIRE(holds(vm.pool, vm.pool_pages * PAGE / 8, 0, 0), "the pool came back unscrubbed");
}

/* A VM that dies may not keep its memory from being used again at once, nor see it again. */
CASE(memory, goes_from_one_vm_to_the_next)
{
	static struct vmm next;
	u64 page;

	vmm_boot(&vm, 1, 1);
	ASK(&vm, "fill", vm.heap_ipa, PAGE / 8, SECRET);
	page = vm.heap_own;
	vmm_destroy(&vm);
	vmm_service(&next, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&next, EXTRA, page, 1, PC_DONATE_KEEP);
	vmm_start(&next);
	REQUIRE(!ASK(&next, "check", EXTRA, PAGE / 8, 0, 0)[0], "the next VM sees what the last one wrote");
	vmm_destroy(&next);
}

CASE(memory, relinquished_page_is_scrubbed_and_ours_A9)
{
	vmm_boot(&vm, 1, 4);
	ASK(&vm, "enroll", 0);
	ASK(&vm, "fill", vm.heap_ipa, 4 * PAGE / 8, SECRET);
	OK(call_with_exit(PC_MEM_RELINQUISH, vm.heap_ipa + PAGE, 0));
	last_call_is(PC_MEM_RELINQUISHED, vm.heap_own + PAGE, 1);
	REQUIRE(holds(vm.heap_own + PAGE, PAGE / 8, 0, 0), "the relinquished page is not scrubbed");
	fill(vm.heap_own + PAGE, PAGE / 8, 1);
	must_be_gone("the page before it", vm.heap_own);
	must_be_gone("the page behind it", vm.heap_own + 2 * PAGE);
	REQUIRE(!ASK(&vm, "peek", vm.heap_ipa + PAGE, 8)[0], "the VM still reads the page it relinquished");
	guest_holds("the pages beside it", vm.heap_ipa, PAGE / 8, SECRET, 1);
	REFUSED(vmm_hcall(&vm, PC_MEM_RELINQUISH, vm.heap_ipa + PAGE, 0, 0, 0, 0), PC_FAULT);
	open_identity();
	LANDS(rig.testdev, vm.heap_own + PAGE, (u32 *)(vm.heap_own + PAGE));
}

/* --- sharing */

CASE(memory, shared_pages_are_both_sides_V1)
{
	const u64 *r;
	u32 *word;

	vmm_boot(&vm, 1, 8);
	ASK(&vm, "fill", vm.heap_ipa, 8 * PAGE / 8, SECRET);
	must_be_gone("a page before it is shared", vm.heap_own + 2 * PAGE);
	r = ask_with_exit("share", vm.heap_ipa + 2 * PAGE, 3);
	REQUIRE(!r[0] && r[1] == 3, "MEM_SHARE: %s, %lu pages", status_name((long)r[0]), r[1]);
	last_call_is(PC_MEM_SHARED, vm.heap_own + 2 * PAGE, 3);
	REQUIRE(holds(vm.heap_own + 2 * PAGE, 3 * PAGE / 8, SECRET + 2 * PAGE / 8, 1), "the primary sees other contents");
	must_be_gone("the page before", vm.heap_own + PAGE);
	must_be_gone("the page behind", vm.heap_own + 5 * PAGE);
	fill(vm.heap_own + 2 * PAGE, PAGE / 8, 77);
	guest_holds("what the primary wrote", vm.heap_ipa + 2 * PAGE, PAGE / 8, 77, 1);
	open_identity();
	word = (u32 *)(vm.heap_own + 3 * PAGE);
	LANDS(rig.testdev, (u64)word, word);
	r = ask_with_exit("unshare", vm.heap_ipa + 2 * PAGE, 3);
	REQUIRE(!r[0] && r[1] == 3, "MEM_UNSHARE: %s, %lu pages", status_name((long)r[0]), r[1]);
	last_call_is(PC_MEM_UNSHARED, vm.heap_own + 2 * PAGE, 3);
	for (u64 i = 2; i < 5; i++) {
		must_be_gone("an unshared page", vm.heap_own + i * PAGE);
		REQUIRE(is_refused(vm.heap_own + i * PAGE), "DMA to an unshared page was not refused");
	}
	guest_holds("what stayed", vm.heap_ipa + 2 * PAGE, PAGE / 8, 77, 1);
}

CASE(memory, shared_pages_pinned_by_the_primary_stay_A6_V2)
{
	vmm_boot(&vm, 1, 4);
	ask_with_exit("share", vm.heap_ipa, 2);
	rig_open_mapped();
	rig_map(rig.domain, RIG_IOVA + PAGE, vm.heap_own, PAGE, RW);
	LANDS(rig.testdev, RIG_IOVA + PAGE, (u32 *)vm.heap_own);
	REFUSED(vmm_hcall(&vm, PC_MEM_UNSHARE, vm.heap_ipa, 1, 0, 0, 0), PC_BUSY);
	REFUSED(vmm_hcall(&vm, PC_MEM_RELINQUISH, vm.heap_ipa, 0, 0, 0, 0), PC_DENIED);
	rig_unmap(rig.domain, RIG_IOVA + PAGE, PAGE);
	OK(call_with_exit(PC_MEM_UNSHARE, vm.heap_ipa, 1));
	REFUSED(pv_map(rig.domain, RIG_IOVA + PAGE, vm.heap_own, PAGE, RW), PC_FAULT);
}

/* What is only shared with the primary is not the primary's to give. */
CASE(memory, shared_pages_are_not_the_primarys_to_donate_V1)
{
	static struct vmm other;

	vmm_boot(&vm, 1, 2);
	ask_with_exit("share", vm.heap_ipa, 1);
	vmm_create(&other, 0, 1);
	REFUSED(vm_donate(other.handle, EXTRA, vm.heap_own, 1, 0), PC_DENIED);
	REFUSED(vm_donate(vm.handle, EXTRA, vm.heap_own, 1, 0), PC_DENIED);
	REFUSED(vm_add_pool(vm.handle, vm.heap_own, 1), PC_DENIED);
	REFUSED(vm_create(0, 1, vm.heap_own, vm.pool_pages), PC_DENIED);
}

CASE(memory, share_and_unshare_statuses)
{
	const u64 *r;

	vmm_boot(&vm, 1, 4);
	ask_with_exit("share", vm.heap_ipa, 1);
	REFUSED(vmm_hcall(&vm, PC_MEM_SHARE, vm.heap_ipa, 1, 0, 0, 0), PC_DENIED);
	REFUSED(vmm_hcall(&vm, PC_MEM_UNSHARE, vm.heap_ipa + PAGE, 1, 0, 0, 0), PC_DENIED);
	REFUSED(vmm_hcall(&vm, PC_MEM_UNSHARE, vm.heap_ipa + 8, 1, 0, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_hcall(&vm, PC_MEM_UNSHARE, vm.heap_ipa, 1, 1, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_hcall(&vm, PC_MEM_SHARE, -PAGE, 2, 0, 0, 0), PC_INVALID_PARAMETER);
	/* Zero granules means one. */
	OK(call_with_exit(PC_MEM_UNSHARE, vm.heap_ipa, 0));
	last_call_is(PC_MEM_UNSHARED, vm.heap_own, 1);
	r = ask_with_exit("share", vm.heap_ipa, 4);
	REQUIRE(!r[0] && r[1] == 4, "MEM_SHARE: %s, %lu pages", status_name((long)r[0]), r[1]);
}

/* More than one call's worth, the exits naming runs that are consecutive here. */
CASE(memory, long_shares_are_steps_V9)
{
	const u64 pages = 2 * PC_DONATE_MAX + 5;
	u64 told = 0;
	const u64 *r;

	vmm_boot(&vm, 1, pages);
	BEGIN(&vm, "share", vm.heap_ipa, pages);
	for (;;) {
		enum vmm_event event = vmm_run(&vm);

		if (event == VMM_READY)
			break;
		REQUIRE(event == VMM_MEMORY, "while it shares: %s", vmm_event_name(event));
		REQUIRE_EQUAL(vm.log[(vm.log_count - 1) % VMM_LOG].ipa, vm.heap_own + told * PAGE);
		told += vm.log[(vm.log_count - 1) % VMM_LOG].pages;
	}
	r = vm.mail->result;
	REQUIRE(vm.mail->state == MAIL_DONE && !r[0] && r[1] == pages && told == pages, "%s: %lu pages in %lu calls, told %lu",
		vm.mail->text, r[1], r[2], told);
	fill(vm.heap_own, pages * PAGE / 8, SECRET);
	guest_holds("what was shared", vm.heap_ipa, pages * PAGE / 8, SECRET, 1);
	/* It dies with everything shared. */
	vmm_destroy(&vm);
	REQUIRE(holds(vm.heap_own, pages * PAGE / 8, 0, 0), "shared memory came back unscrubbed");
}

/* Pinned by the primary when its owner dies: it comes to the one who holds all its pins, and stays where it is. */
CASE(memory, shared_and_pinned_when_the_owner_dies_V2)
{
	vmm_boot(&vm, 1, 2);
	ask_with_exit("share", vm.heap_ipa, 1);
	rig_open_mapped();
	rig_map(rig.domain, RIG_IOVA + PAGE, vm.heap_own, PAGE, RW);
	vmm_destroy(&vm);
	LANDS(rig.testdev, RIG_IOVA + PAGE, (u32 *)vm.heap_own);
	REFUSED(vm_create(0, 1, vm.heap_own, OK(vmm_query_at(PC_VMM_Q_MIN_POOL, 1)).r1), PC_BUSY);
	rig_unmap(rig.domain, RIG_IOVA + PAGE, PAGE);
}

/* A page that was shared when its owner died is the primary's own again in every way: it runs from it, and so do
 * the tables, which are as few as before (K4). */
CASE(memory, shared_pages_of_the_dead_are_whole_again_K4)
{
	u32 (*code)(void);
	u64 pool = OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1;

	vmm_boot(&vm, 1, 4);
	ask_with_exit("share", vm.heap_ipa, 2);
	vmm_destroy(&vm);
	((u32 *)vm.heap_own)[0] = 0x52800540; /* mov w0, #42 */
	((u32 *)vm.heap_own)[1] = 0xd65f03c0; /* ret */
	asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(vm.heap_own) : "memory");
	code = (u32(*)(void))vm.heap_own;
	REQUIRE_EQUAL(code(), 42);
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1, pool);
}

/*
 * The record of an exit lies in a page that the VM lends and takes back while it runs: the run has nowhere to tell
 * what happened, and the next one tells it.
 */
CASE(memory, an_exit_that_cannot_be_told_is_kept)
{
	struct pc_vcpu_exit *lent;
	struct hres r;

	vmm_boot(&vm, 1, 2);
	ask_with_exit("share", vm.heap_ipa, 1);
	lent = (struct pc_vcpu_exit *)vm.heap_own;
	memset(lent, 0, PAGE);
	lent->size = sizeof(*lent);
	lent->data = 1; /* answers the doorbell */
	BEGIN(&vm, "unshare", vm.heap_ipa, 1);
	do
		r = vcpu_run(vm.handle, 0, (u64)lent);
	while (hres_ok(r) && r.r1 == PC_EXIT_HOST_IRQ);
	REQUIRE(hres_status(r) == PC_FAULT && !r.r2 && !r.r3, "VCPU_RUN answers %s, R1 %lu", status_name(hres_status(r)), r.r1);
	must_be_gone("the page of the record", vm.heap_own);
	REFUSED(vcpu_run(vm.handle, 0, (u64)lent), PC_FAULT);
	REQUIRE(vmm_run(&vm) == VMM_MEMORY, "the exit is lost");
	last_call_is(PC_MEM_UNSHARED, vm.heap_own, 1);
	REQUIRE_EQUAL(vmm_finish(&vm)[1], 1);
}

/* --- donation beside DMA that must not notice (A4, A11) */

struct dma_race {
	u64 page;
	u32 stop;
	u32 landed;
	u32 lost;
};

static struct dma_race beside;

static void dma_beside(void *arg)
{
	struct dma_race *d = arg;
	volatile u32 *word = (u32 *)d->page;

	while (!__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE)) {
		u64 pause = time_ticks() + time_ms(1) / 16;

		if (testdev_lands(&rig.testdev, d->page, word))
			__atomic_add_fetch(&d->landed, 1, __ATOMIC_ACQ_REL);
		else
			d->lost++;
		while (time_ticks() < pause)
			;
	}
}

CASE(memory, donation_beside_dma_faults_nobody)
{
	u64 block = ram_alloc_raw(BLOCK_2M, BLOCK_2M), faults;

	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
	open_identity();
	faults = rig_stat(PVIOMMU_STAT_FAULTS);
	beside = (struct dma_race){ .page = block + 100 * PAGE };
	smp_run(1, dma_beside, &beside);
	for (u32 round = 0; round < 60; round++) {
		u32 before = __atomic_load_n(&beside.landed, __ATOMIC_ACQUIRE);
		u64 end = time_ticks() + time_ms(20000);
		struct hres r;

		vmm_create(&vm, 0, 1);
		/* One page, a run up to the device's page, and all that is left behind it. */
		r = vm_donate(vm.handle, EXTRA, block + (round % 90) * PAGE, 1 + round % 8, round & 1);
		if (hres_ok(r))
			r = vm_donate(vm.handle, EXTRA + BLOCK_2M, block + 101 * PAGE, 411, PC_DONATE_KEEP);
		while (__atomic_load_n(&beside.landed, __ATOMIC_ACQUIRE) < before + 3 && time_ticks() < end)
			;
		if (!hres_ok(r) || beside.lost || time_ticks() >= end) {
			beside.stop = 1;
			smp_join(1);
			report_fail("round %u: %s, %u DMAs landed, %u were lost", round, status_name(hres_status(r)), beside.landed,
				    beside.lost);
		}
		vmm_destroy(&vm);
	}
	beside.stop = 1;
	smp_join(1);
	REQUIRE(!beside.lost, "%u DMAs beside the donated pages were lost, %u landed", beside.lost, beside.landed);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_FAULTS), faults);
}
