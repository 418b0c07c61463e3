/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for memory that changes hands where it is worst: across two whole blocks of 1 GiB, which both break at two
 * levels in both views of the primary; and pages that come home one by one, each or every second one the last of its
 * 2 MiB, so that these become whole again in the step.
 */
#include "longest.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "vmm.h"

#define BOUNDARY   0xc0000000ul /* between two blocks of 1 GiB that are the primary's from end to end */
#define PIECES     40ul
#define APART      (8 * PAGE) /* what lies between two pieces in the VM */
#define PIECES_IPA 0x80000000ul
#define RUNS_IPA   0x90000000ul
#define LONG_RUN   116ul /* leaves room for little more in a step */
#define POOL_RUN   64ul  /* the longest that a pool gives back at once */

static struct vmm vm;

static u64 vmm_call(const char *what, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	return longest_call(what, fn, a1, a2, a3, a4, a5, 0).r1;
}

static void donate(u64 ipa, u64 own, u64 pages)
{
	u64 done = vmm_call("VM_DONATE", PC_VM_DONATE, vm.handle, ipa, own, pages, PC_DONATE_SCRUB);

	REQUIRE(done == pages, "VM_DONATE of %lu pages does %lu", pages, done);
}

static void destroy(const char *key)
{
	longest_forget();
	while (vmm_call("VM_DESTROY", PC_VM_DESTROY, vm.handle, 0, 0, 0, 0))
		;
	vmm_forget(&vm);
	longest_print(key);
}

/* The largest pool, at the boundary and off every smaller one: of a VM with all that there is. */
static void measure_far_pools(void)
{
	u64 pool = BOUNDARY - PC_POOL_MAX / 2 * PAGE + PAGE;

	vmm_create(&vm, longest_vm_flags(), 1);
	vmm_call("VM_ADD_POOL", PC_VM_ADD_POOL, vm.handle, pool, PC_POOL_MAX, 0, 0);
	longest_print("vm_add_pool_far");
	destroy("vm_destroy_far");
	vm = (struct vmm){ .vcpus = VMM_MAX_VCPUS, .exit = ram_alloc(PAGE, PAGE) };
	vm.handle = vmm_call("VM_CREATE", PC_VM_CREATE, longest_vm_flags(), VMM_MAX_VCPUS, pool, PC_POOL_MAX, 0);
	vmm_note(&vm);
	longest_print("vm_create_far");
	destroy("vm_destroy_far_all");
}

static void measure_far_donation(void)
{
	vmm_create(&vm, longest_vm_flags(), 1);
	donate(BOUNDARY + PAGE - 64 * PAGE, BOUNDARY - 64 * PAGE, 128);
	longest_print("vm_donate_far");
	destroy("vm_destroy_donated_far");
}

/* Of each of so many blocks a page, with empty slots between them; and of each another one. */
static void donate_pieces(u64 memory)
{
	for (u64 i = 0; i < 2 * PIECES; i++)
		donate(PIECES_IPA + i * APART, memory + i % PIECES * BLOCK_2M + i / PIECES * PAGE, 1);
}

/* A step's worth but for a little, then pages on both sides of a boundary between blocks. */
static void donate_runs(u64 memory)
{
	donate(RUNS_IPA, memory, LONG_RUN);
	donate(RUNS_IPA + LONG_RUN * PAGE, memory + 2 * BLOCK_2M - 2 * PAGE, 4);
	donate(RUNS_IPA + BLOCK_2M, memory + LONG_RUN * PAGE, 1);
}

static void measure_pieces(u64 memory)
{
	vmm_create(&vm, longest_vm_flags(), 1);
	donate_pieces(memory);
	donate_runs(memory + PIECES * BLOCK_2M);
	destroy("vm_destroy_pieces");
	vmm_create(&vm, longest_vm_flags(), 1);
	for (u64 i = 0; i < PIECES; i++)
		vmm_call("VM_ADD_POOL", PC_VM_ADD_POOL, vm.handle, memory + i * BLOCK_2M, i % 4 < 2 ? POOL_RUN : 1, 0, 0);
	destroy("vm_destroy_pool_pieces");
}

void longest_memory(u64 memory)
{
	u64 end = machine.ram[0].base + machine.ram[0].size;

	/* Ours at the end of RAM, and the image at its beginning, are in other blocks. */
	REQUIRE(end > BOUNDARY + BLOCK_1G && memory + (PIECES + 4) * BLOCK_2M < BOUNDARY - BLOCK_1G, "a block of 1 GiB is not whole");
	measure_far_pools();
	measure_far_donation();
	measure_pieces(memory);
}
