/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two CPUs of the primary, or a secondary and its primary, on one VM, page or device at once. Each side accepts what
 * the other's turn explains and nothing else; of what can be had once, one has it.
 */
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmdev.h"
#include "vmm.h"

#define EXTRA 0x90000000ul
#define PAGES 64u
#define LIVES 60u

static struct vmm vm, other;
static struct barrier gate;

/* What the second CPU is to do, and what it found. */
static struct side {
	u64 handle;
	u64 page;
	u64 pages;
	u32 device;
	u32 turn;
	u32 stop;
	u32 wins;
	long bad;
	u32 gone[PAGES]; /* page n has left the primary */
} side;

static void need_two_cpus(void)
{
	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
	memset(&side, 0, sizeof(side));
	gate = (struct barrier){ .count = 2 };
}

static bool is_one_of(long status, long a, long b, long c)
{
	return status == PC_SUCCESS || status == a || status == b || status == c;
}

static u64 min_pool(void)
{
	return OK(vmm_query_at(PC_VMM_Q_MIN_POOL, 1)).r1;
}

static u32 random_below(u32 limit)
{
	static u64 seed = 20261128;

	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (u32)(seed >> 33) % limit;
}

static void pause_us(u32 us)
{
	u64 end = time_ticks() + time_ms(us) / 1000;

	while (time_ticks() < end)
		;
}

/* --- one page: donated, or mapped for DMA, never both */

static void map_it(void *arg)
{
	struct side *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		u32 n = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE);
		u32 was_gone = __atomic_load_n(&s->gone[n], __ATOMIC_ACQUIRE);
		struct hres r = pv_map(rig.domain, RIG_IOVA + BLOCK_2M, s->page + n * PAGE, PAGE, RW);

		if (hres_ok(r)) {
			__atomic_add_fetch(&s->wins, 1, __ATOMIC_ACQ_REL);
			if (was_gone)
				s->bad = PC_SUCCESS + 1;
			r = pv_unmap(rig.domain, RIG_IOVA + BLOCK_2M, PAGE);
			if (!hres_ok(r))
				s->bad = hres_status(r);
		} else if (!is_one_of(hres_status(r), PC_DENIED, PC_FAULT, PC_BUSY)) {
			s->bad = hres_status(r);
		}
	}
}

CASE(race, donate_against_dma_map_A6_V2)
{
	u32 busy = 0;
	u64 end = time_ticks() + time_ms(20000);

	need_two_cpus();
	rig_open_mapped();
	vmm_create(&vm, 0, 1);
	side.page = ram_alloc_raw(PAGES * PAGE, PAGE);
	smp_run(1, map_it, &side);
	for (u32 n = 0; n < PAGES && !side.bad; n++) {
		u32 wins = __atomic_load_n(&side.wins, __ATOMIC_ACQUIRE);
		struct hres r;

		__atomic_store_n(&side.turn, n, __ATOMIC_RELEASE);
		/* Only two that are both at it race: on a crowded host the other may not have begun. */
		while (__atomic_load_n(&side.wins, __ATOMIC_ACQUIRE) == wins && time_ticks() < end)
			;
		pause_us(random_below(200));
		while (hres_status(r = vm_donate(vm.handle, EXTRA + n * PAGE, side.page + n * PAGE, 1, 0)) == PC_BUSY)
			busy++;
		if (!hres_ok(r))
			side.bad = hres_status(r);
		__atomic_store_n(&side.gone[n], 1, __ATOMIC_RELEASE);
		pause_us(20);
	}
	side.stop = 1;
	smp_join(1);
	REQUIRE(!side.bad, "a call got %ld (%s)", side.bad, status_name(side.bad));
	REQUIRE(side.wins >= PAGES, "mapped %u times, %u times busy", side.wins, busy);
	for (u32 n = 0; n < PAGES; n++)
		REQUIRE(!TRY(mmio_read32(side.page + n * PAGE)), "page %u is still the primary's", n);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
	FAULTS(rig.testdev, RIG_IOVA + BLOCK_2M, rig.page);
}

/* --- a CPU that has just used a page, when it goes */

struct watch {
	u64 at;
	u32 reads;
	u32 gone; /* the call that took it has returned */
	u32 late; /* reads that began after that and succeeded */
	u32 stop;
};

static struct watch watched;

static void watch_it(void *arg)
{
	struct watch *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		u32 gone = __atomic_load_n(&w->gone, __ATOMIC_ACQUIRE);
		bool read = TRY(mmio_read32(w->at));

		__atomic_add_fetch(&w->reads, read, __ATOMIC_ACQ_REL);
		w->late += read && gone;
	}
}

/* The other CPU reads the page until `take` has taken it, and a little longer. */
static void require_gone_at_once(u64 at, void (*take)(u64 at))
{
	u64 end = time_ticks() + time_ms(20000);

	watched = (struct watch){ .at = at };
	smp_run(1, watch_it, &watched);
	while (__atomic_load_n(&watched.reads, __ATOMIC_ACQUIRE) < 100 && time_ticks() < end)
		;
	take(at);
	__atomic_store_n(&watched.gone, 1, __ATOMIC_RELEASE);
	pause_us(200);
	__atomic_store_n(&watched.stop, 1, __ATOMIC_RELEASE);
	smp_join(1);
	REQUIRE(watched.reads >= 100, "the other CPU read the page %u times", watched.reads);
	REQUIRE(!watched.late, "the other CPU read the page %u times after it had gone", watched.late);
}

static void donate_this(u64 at)
{
	vmm_donate(&vm, EXTRA, at, 1, PC_DONATE_KEEP);
}

static void unshare_this(u64 at)
{
	(void)at;
	BEGIN(&vm, "unshare", vm.heap_ipa, 1);
	REQUIRE(vmm_run(&vm) == VMM_MEMORY, "MEM_UNSHARE did not exit");
}

CASE(race, other_cpus_lose_a_page_at_once_A1_A11)
{
	need_two_cpus();
	for (u32 i = 0; i < 10; i++) {
		u64 mark = ram_mark();

		vmm_create(&vm, 0, 1);
		require_gone_at_once(ram_alloc_raw(PAGE, PAGE), donate_this);
		vmm_destroy(&vm);
		ram_release(mark);
	}
	vmm_boot(&vm, 1, 2);
	for (u32 i = 0; i < 10; i++) {
		BEGIN(&vm, "share", vm.heap_ipa, 1);
		REQUIRE(vmm_run(&vm) == VMM_MEMORY, "MEM_SHARE did not exit");
		vmm_finish(&vm);
		require_gone_at_once(vm.heap_own, unshare_this);
		vmm_finish(&vm);
	}
}

/* --- what can be had once */

static void donate_it(void *arg)
{
	struct side *s = arg;
	struct hres r;

	barrier_wait(&gate);
	r = vm_donate(s->handle, EXTRA, s->page, 1, 0);
	if (!is_one_of(hres_status(r), PC_DENIED, PC_FAULT, PC_BUSY))
		s->bad = hres_status(r);
	__atomic_add_fetch(&s->wins, hres_ok(r), __ATOMIC_ACQ_REL);
}

CASE(race, one_page_to_two_vms_V1)
{
	need_two_cpus();
	for (u32 i = 0; i < LIVES; i++) {
		u64 mark = ram_mark();
		struct side mine;

		vmm_create(&vm, 0, 1);
		vmm_create(&other, 0, 1);
		side = (struct side){ .handle = other.handle, .page = ram_alloc_raw(PAGE, PAGE) };
		mine = side;
		mine.handle = vm.handle;
		smp_run(1, donate_it, &side);
		donate_it(&mine);
		smp_join(1);
		REQUIRE(!side.bad && !mine.bad, "VM_DONATE: %s", status_name(side.bad ? side.bad : mine.bad));
		REQUIRE_EQUAL(side.wins + mine.wins, 1);
		vmm_destroy(&vm);
		vmm_destroy(&other);
		ram_release(mark);
	}
}

static void create_it(void *arg)
{
	struct side *s = arg;
	struct hres r;

	barrier_wait(&gate);
	r = vm_create(0, 1, s->page, s->pages);
	s->handle = hres_ok(r) ? r.r1 : 0;
	if (!is_one_of(hres_status(r), PC_DENIED, PC_FAULT, PC_BUSY))
		s->bad = hres_status(r);
}

CASE(race, one_pool_for_two_vms_V1)
{
	need_two_cpus();
	for (u32 i = 0; i < LIVES; i++) {
		u64 mark = ram_mark(), pages = min_pool() + 4;
		struct side mine;

		side = (struct side){ .page = ram_alloc_raw(pages * PAGE, PAGE), .pages = pages };
		mine = side;
		smp_run(1, create_it, &side);
		create_it(&mine);
		smp_join(1);
		vm.handle = side.handle ? side.handle : mine.handle;
		vmm_note(&vm);
		REQUIRE(!side.bad && !mine.bad, "VM_CREATE: %s", status_name(side.bad ? side.bad : mine.bad));
		REQUIRE(!side.handle != !mine.handle, "the pool made VMs %lx and %lx", side.handle, mine.handle);
		REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 1);
		vmm_destroy(&vm);
		ram_release(mark);
	}
}

static void assign_it(void *arg)
{
	struct side *s = arg;
	struct hres r;

	barrier_wait(&gate);
	do
		r = dev_assign(s->device, s->handle, 0);
	while (hres_ok(r) && r.r1 == 1);
	if (!is_one_of(hres_status(r), PC_BUSY, PC_EXISTS, PC_BUSY))
		s->bad = hres_status(r);
	s->wins = hres_ok(r);
}

CASE(race, one_device_to_two_vms_D1_V7)
{
	u32 bdf, endpoint, device;

	need_two_cpus();
	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
	vmm_note_device(device);
	for (u32 i = 0; i < LIVES / 4; i++) {
		u64 mark = ram_mark();
		struct side mine;

		vmm_create(&vm, 0, 1);
		vmm_create(&other, 0, 1);
		side = (struct side){ .device = device, .handle = other.handle };
		mine = side;
		mine.handle = vm.handle;
		smp_run(1, assign_it, &side);
		assign_it(&mine);
		smp_join(1);
		REQUIRE(!side.bad && !mine.bad, "DEV_ASSIGN: %s", status_name(side.bad ? side.bad : mine.bad));
		REQUIRE_EQUAL(side.wins + mine.wins, 1);
		vmm_destroy(&vm);
		vmm_destroy(&other);
		vmm_release_call(device);
		ram_release(mark);
	}
}

static void spin_on_the_other_cpu(void)
{
	u64 progress = vm.mail->progress, end = time_ticks() + time_ms(20000);

	vmm_run_on(&vm, 0, 1);
	while (vm.mail->progress == progress && time_ticks() < end)
		;
	REQUIRE(vm.mail->progress != progress, "the other CPU does not run it");
}

/* While one CPU is in a vCPU, everybody else finds it busy; and only that vCPU. */
CASE(race, two_cpus_run_one_vcpu)
{
	struct pc_vcpu_exit *exit;

	need_two_cpus();
	vmm_boot(&vm, 2, 0);
	exit = ram_alloc(PAGE, PAGE);
	exit->size = sizeof(*exit);
	BEGIN(&vm, "spin", 0);
	spin_on_the_other_cpu();
	for (u32 i = 0, busy = 0; busy < 100; i++) {
		struct hres r;

		gic_timer_arm(time_ticks() + time_ms(20));
		r = vcpu_run(vm.handle, 0, (u64)exit);
		gic_timer_off();
		REQUIRE(hres_ok(r) || hres_status(r) == PC_BUSY, "VCPU_RUN of a running vCPU answers %s",
			status_name(hres_status(r)));
		busy += !hres_ok(r);
		REQUIRE(i < 2000, "it was busy %u times of %u", busy, i);
		/* It was free between two slices of the other CPU, which has found it busy since, and given up. */
		if (hres_ok(r)) {
			vmm_stop(&vm);
			spin_on_the_other_cpu();
		}
	}
	vmm_stop(&vm);
}

static void run_it(void *arg)
{
	struct side *s = arg;
	struct pc_vcpu_exit *exit = (struct pc_vcpu_exit *)s->page;
	struct hres r;

	exit->size = sizeof(*exit);
	barrier_wait(&gate);
	gic_timer_arm(time_ticks() + time_ms(20));
	r = vcpu_run(s->handle, 0, s->page);
	gic_timer_off();
	s->bad = hres_status(r);
}

CASE(race, exactly_one_of_two_runs_is_busy)
{
	struct side mine;
	u32 busy = 0;

	need_two_cpus();
	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "spin", 0);
	side = (struct side){ .handle = vm.handle, .page = (u64)ram_alloc(PAGE, PAGE) };
	for (u32 i = 0; busy < 20; i++) {
		REQUIRE(i < 1000, "of %u pairs %u met", i, busy);
		mine = side;
		mine.page = (u64)&vm.exit[0];
		smp_run(1, run_it, &side);
		run_it(&mine);
		smp_join(1);
		REQUIRE(is_one_of(side.bad, PC_BUSY, PC_BUSY, PC_BUSY) && is_one_of(mine.bad, PC_BUSY, PC_BUSY, PC_BUSY),
			"VCPU_RUN answers %s and %s", status_name(side.bad), status_name(mine.bad));
		REQUIRE(!side.bad || !mine.bad, "both found it busy");
		/* None, when the host kept the second away for a whole slice. */
		busy += side.bad || mine.bad;
	}
}

/* --- the end of a VM against everything */

static u32 told_dead;

/* A VM with the service image, on CPU 1, is destroyed while it does that; that CPU hears of it, or of no such VM. */
static void destroy_while(const char *service, const u64 *args, u32 count, u64 heap_pages)
{
	u64 mark = ram_mark();

	vmm_boot(&vm, 1, heap_pages);
	vmm_begin(&vm, service, args, count);
	vmm_run_on(&vm, 0, 1);
	pause_us(random_below(3000));
	vmm_destroy(&vm);
	REQUIRE(vm.status[0] == PC_SUCCESS || vm.status[0] == PC_BUSY || vm.status[0] == PC_NOT_FOUND,
		"the CPU that ran it got %s", status_name(vm.status[0]));
	if (vm.exits[PC_EXIT_DEAD]) {
		REQUIRE_EQUAL(vm.exit[0].arg[0], PC_DEAD_DESTROYED);
		told_dead++;
	}
	for (u64 i = 0; i < vm.pages * PAGE / 8; i++)
		REQUIRE(!((volatile u64 *)vm.own)[i], "word %lu came back as %lx", i, ((volatile u64 *)vm.own)[i]);
	ram_release(mark);
}

CASE(race, run_against_destroy_E4)
{
	need_two_cpus();
	told_dead = 0;
	/* The host may keep the other CPU away until the VM has gone: such a life does not count. */
	for (u32 i = 0; i < LIVES || told_dead < LIVES / 2; i++) {
		REQUIRE(i < 20 * LIVES, "a CPU was told %u times of %u that the VM it runs ends", told_dead, i);
		destroy_while("spin", NULL, 0, 0);
	}
	for (u32 i = 0; i < LIVES / 4; i++)
		destroy_while("wait_forever", NULL, 0, 0);
}

CASE(race, share_against_destroy_E4)
{
	need_two_cpus();
	for (u32 i = 0; i < LIVES / 2; i++) {
		/* The heap begins where the mail page ends, which is the same for every VM of this image. */
		u64 mark = ram_mark();
		u64 args[2] = { 0, 2 };

		vmm_boot(&vm, 1, 4);
		args[0] = vm.heap_ipa;
		vmm_destroy(&vm);
		ram_release(mark);
		destroy_while("share_forever", args, 2, 4);
	}
}

/* Attaching, mapping and unmapping by the VM, while it is destroyed; its device does DMA all the time. */
CASE(race, attach_and_map_against_destroy_D6_E4)
{
	struct vmdev d;
	u32 bdf;

	need_two_cpus();
	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	for (u32 i = 0; i < 20; i++) {
		static const char *const services[] = { "map_forever", "attach_forever", "dma_forever" };
		u64 mark = ram_mark(), domain;

		vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 16);
		vmdev_give(&d, &vm, bdf, 0, RIG_VSID(0), 0);
		vmm_start(&vm);
		vmdev_enable(&d);
		domain = vmdev_domain(&vm);
		vmdev_map(&vm, domain, RIG_IOVA + BLOCK_2M, vm.heap_ipa + 8 * PAGE, PAGE, RW);
		vmdev_attach(&d, 0, domain);
		if (i % 3 == 0)
			BEGIN(&vm, services[0], domain, RIG_IOVA, vm.heap_ipa, 8 * PAGE);
		else if (i % 3 == 1)
			BEGIN(&vm, services[1], 0, RIG_VSID(2), domain);
		else
			BEGIN(&vm, services[2], d.regs[0], RIG_IOVA + BLOCK_2M);
		vmm_run_on(&vm, 0, 1);
		pause_us(random_below(3000));
		vmm_destroy(&vm);
		REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 0);
		for (u64 w = 0; w < 16 * PAGE / 8; w++)
			REQUIRE(!((volatile u64 *)vm.heap_own)[w], "word %lu came back as %lx", w, ((volatile u64 *)vm.heap_own)[w]);
		vmm_clean_up();
		ram_release(mark);
	}
}

/* Assigning by the primary against destroying by the primary. */
static void assign_until_gone(void *arg)
{
	struct side *s = arg;
	struct hres r;

	barrier_wait(&gate);
	do {
		r = dev_assign(s->device, s->handle, 0);
		if (!is_one_of(hres_status(r), PC_EXISTS, PC_BUSY, PC_NOT_FOUND))
			s->bad = hres_status(r);
		if (hres_ok(r) && !r.r1)
			s->wins++;
		dev_set_vsid(s->device, 0, RIG_VSID(0));
		r = dev_release(s->device);
		if (!is_one_of(hres_status(r), PC_EXISTS, PC_BUSY, PC_NOT_FOUND))
			s->bad = hres_status(r);
	} while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE));
}

CASE(race, assign_against_destroy_E4)
{
	u32 bdf, endpoint, device;

	need_two_cpus();
	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
	vmm_note_device(device);
	for (u32 i = 0; i < LIVES; i++) {
		u64 mark = ram_mark();

		vmm_create(&vm, 0, 1);
		side = (struct side){ .device = device, .handle = vm.handle };
		smp_run(1, assign_until_gone, &side);
		barrier_wait(&gate);
		pause_us(random_below(2000));
		while (OK(vm_destroy(vm.handle)).r1)
			;
		side.stop = 1;
		smp_join(1);
		vmm_clean_up();
		REQUIRE(!side.bad, "a device call answers %s", status_name(side.bad));
		REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 0);
		vmm_release_call(device);
		REQUIRE(!(rig_device_info(device).flags & (PC_DEV_ASSIGNED | PC_DEV_QUARANTINED | PC_DEV_CLAIMED)),
			"round %u leaves the device with flags %x", i, rig_device_info(device).flags);
		ram_release(mark);
	}
}

/* Two CPUs destroy: each step is somebody's, and the last one is told once. */
static void destroy_it(void *arg)
{
	struct side *s = arg;
	struct hres r;

	barrier_wait(&gate);
	do
		r = vm_destroy(s->handle);
	while (hres_ok(r) && r.r1);
	s->wins = hres_ok(r);
	if (!is_one_of(hres_status(r), PC_NOT_FOUND, PC_NOT_FOUND, PC_NOT_FOUND))
		s->bad = hres_status(r);
}

CASE(race, two_cpus_destroy_one_vm_E4)
{
	need_two_cpus();
	for (u32 i = 0; i < LIVES / 2; i++) {
		u64 mark = ram_mark();
		struct side mine;

		vmm_boot(&vm, 1, 200);
		side = (struct side){ .handle = vm.handle };
		mine = side;
		smp_run(1, destroy_it, &side);
		destroy_it(&mine);
		smp_join(1);
		vmm_clean_up();
		REQUIRE(!side.bad && !mine.bad, "VM_DESTROY answers %s", status_name(side.bad ? side.bad : mine.bad));
		REQUIRE_EQUAL(side.wins + mine.wins, 1);
		ram_release(mark);
	}
}

/* Pages that a VM shares and takes back all the time, against DMA mappings of the primary's. */
CASE(race, unshare_against_dma_map_A6_V2)
{
	u64 end;
	u32 mapped = 0;

	need_two_cpus();
	vmm_boot(&vm, 1, 2);
	rig_open_mapped();
	BEGIN(&vm, "share_forever", vm.heap_ipa, 1);
	vmm_run_on(&vm, 0, 1);
	end = time_ticks() + time_ms(20000);
	while (mapped < 200 && time_ticks() < end) {
		struct hres r = pv_map(rig.domain, RIG_IOVA + BLOCK_2M, vm.heap_own, PAGE, RW);

		if (!hres_ok(r)) {
			REQUIRE(is_one_of(hres_status(r), PC_DENIED, PC_FAULT, PC_BUSY), "MAP_PAGES answers %s",
				status_name(hres_status(r)));
			continue;
		}
		mapped++;
		/* As long as it is mapped the page is ours as well. */
		LANDS(rig.testdev, RIG_IOVA + BLOCK_2M, (u32 *)vm.heap_own);
		OK(pv_unmap(rig.domain, RIG_IOVA + BLOCK_2M, PAGE));
	}
	vmm_stop(&vm);
	REQUIRE(mapped == 200, "only %u times mapped, %lu rounds of sharing", mapped, vm.mail->progress);
}
