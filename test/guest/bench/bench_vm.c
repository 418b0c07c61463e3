/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secondaries, in instructions of all exception levels, the secondary's few own ones among them:
 *   vcpu_run        VCPU_RUN of a vCPU that stores to an address of nobody's and so comes back (two instructions)
 *   vcpu_run_idle   the same of one that waits for an interrupt
 *   world_switch    vcpu_run less an empty call: all that changing worlds takes, there and back
 *   mem_share, mem_unshare     VCPU_RUN of one that makes that call for a page, up to the exit that says so
 *   donate_page     VM_DONATE of a page that is cleared; its tables and the primary's are of pages already
 *   donate_512x4k   of 512 pages that lie so that no block fits; donate_2m: of a block
 *   destroy_vm      all of VM_DESTROY for a VM without memory but its pool
 *   destroy_page    what it takes more for each page that was donated by itself, destroy_512x4k and destroy_2m: for each
 *                   such run or block
 * Every 100th sample is looked at: what was shared is there to be written, what was destroyed is zero.
 */
#include <stdio.h>

#include "bench.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "vmm.h"

#define SAMPLES     1000
#define LARGE       32 /* samples of what takes a block each */
#define PROVE_EVERY 100
#define CODE_IPA    0x40000000ul
#define PAGES_IPA   0x80000000ul
#define BLOCKS_IPA  0x100000000ul
#define SHIFTED_IPA 0x180000000ul

extern const u8 tiny_store[], tiny_store_end[], tiny_wait[], tiny_wait_end[], tiny_share[], tiny_share_end[];

static struct vmm vm;
static u32 samples[SAMPLES], samples_back[SAMPLES];

static void begin(const u8 *program, const u8 *end, u64 argument)
{
	vmm_create(&vm, PC_VM_OPEN_MMIO, 1);
	vmm_load(&vm, CODE_IPA, program, (u64)(end - program));
	OK(vcpu_set(vm.handle, 0, CODE_IPA, argument));
}

static u32 timed_run(u32 reason)
{
	struct timed t;

	vm.exit->size = sizeof(*vm.exit);
	t = timed_call(PC_VCPU_RUN, vm.handle, 0, (u64)vm.exit, 0, 0, 0);
	REQUIRE(hres_ok(t.r) && t.r.r1 == reason && vm.exit->reason == reason, "VCPU_RUN: %s, exit %lu instead of %u",
		status_name(hres_status(t.r)), t.r.r1, reason);
	return t.ticks;
}

static u32 bench_run(const char *key, const u8 *program, const u8 *end, u32 reason)
{
	u32 cold, median;

	begin(program, end, 0);
	cold = timed_run(reason);
	for (u32 i = 0; i < SAMPLES; i++)
		samples[i] = timed_run(reason);
	median = bench_median(samples, SAMPLES);
	bench_print(key, median, cold);
	vmm_destroy(&vm);
	return median;
}

static u32 timed_memory(u32 what, u64 own)
{
	u32 ticks = timed_run(PC_EXIT_MEMORY);

	REQUIRE(vm.exit->arg[0] == what && vm.exit->arg[1] == own && vm.exit->arg[2] == 1,
		"the exit says %lu of page %lx", vm.exit->arg[0], vm.exit->arg[1]);
	return ticks;
}

static void bench_share(u64 own)
{
	u32 cold, cold_back;

	begin(tiny_share, tiny_share_end, PAGES_IPA);
	vmm_donate(&vm, PAGES_IPA, own, 1, PC_DONATE_SCRUB);
	cold = timed_memory(PC_MEM_SHARED, own);
	cold_back = timed_memory(PC_MEM_UNSHARED, own);
	for (u32 i = 0; i < SAMPLES; i++) {
		samples[i] = timed_memory(PC_MEM_SHARED, own);
		if (i % PROVE_EVERY == 0)
			*(volatile u64 *)own = i;
		samples_back[i] = timed_memory(PC_MEM_UNSHARED, own);
	}
	bench_print("mem_share", bench_median(samples, SAMPLES), cold);
	bench_print("mem_unshare", bench_median(samples_back, SAMPLES), cold_back);
	vmm_destroy(&vm);
}

/* --- memory there and back */

/* In as many calls as it takes. */
static u32 timed_donate(u64 ipa, u64 own, u64 pages)
{
	u32 ticks = 0;

	while (pages) {
		struct timed t = timed_call(PC_VM_DONATE, vm.handle, ipa, own, pages, PC_DONATE_SCRUB, 0);

		REQUIRE(hres_ok(t.r) && t.r.r1 && t.r.r1 <= pages, "VM_DONATE of %lu pages: %s, %lu", pages,
			status_name(hres_status(t.r)), t.r.r1);
		ticks += t.ticks;
		ipa += t.r.r1 * PAGE;
		own += t.r.r1 * PAGE;
		pages -= t.r.r1;
	}
	return ticks;
}

static u64 timed_destroy(void)
{
	u64 ticks = 0;
	struct timed t;

	do {
		t = timed_call(PC_VM_DESTROY, vm.handle, 0, 0, 0, 0, 0);
		REQUIRE(hres_ok(t.r), "VM_DESTROY: %s", status_name(hres_status(t.r)));
		ticks += t.ticks;
	} while (t.r.r1);
	vmm_forget(&vm);
	return ticks;
}

/* Donates `count` times, destroys, and looks at some words. What destroying takes for each. */
static u64 there_and_back(const char *key, u64 ipa, u64 own, u64 bytes, u64 stride, u32 count, u64 empty)
{
	u64 ticks;
	u32 cold;

	vmm_create(&vm, PC_VM_OPEN_MMIO, 1);
	cold = timed_donate(ipa, own, bytes / PAGE);
	for (u32 i = 0; i < count; i++)
		samples[i] = timed_donate(ipa + (i + 1) * stride, own + (i + 1) * stride, bytes / PAGE);
	bench_print(key, bench_median(samples, count), cold);
	ticks = timed_destroy();
	for (u32 i = 0; i <= count; i++)
		REQUIRE(!*(volatile u64 *)(own + i * stride + bytes - 8), "memory came back as it was");
	return (ticks - empty) / (count + 1);
}

static void bench_memory(u64 memory)
{
	u64 empty, page, shifted, block;

	*(volatile u64 *)(memory + PAGE - 8) = 1;
	vmm_create(&vm, PC_VM_OPEN_MMIO, 1);
	empty = timed_destroy();
	page = there_and_back("donate_page", PAGES_IPA, memory, PAGE, PAGE, SAMPLES - 1, empty);
	shifted = there_and_back("donate_512x4k", SHIFTED_IPA + PAGE, memory, BLOCK_2M, BLOCK_2M, LARGE, empty);
	block = there_and_back("donate_2m", BLOCKS_IPA, memory, BLOCK_2M, BLOCK_2M, LARGE, empty);
	bench_print("destroy_vm", (u32)empty, (u32)empty);
	bench_print("destroy_page", (u32)page, (u32)page);
	bench_print("destroy_512x4k", (u32)shifted, (u32)shifted);
	bench_print("destroy_2m", (u32)block, (u32)block);
}

void bench_vms(u64 memory, u32 null_call)
{
	u32 run = bench_run("vcpu_run", tiny_store, tiny_store_end, PC_EXIT_MMIO);

	bench_run("vcpu_run_idle", tiny_wait, tiny_wait_end, PC_EXIT_IDLE);
	bench_print("world_switch", run - null_call, run - null_call);
	bench_share(memory);
	bench_memory(memory);
}
