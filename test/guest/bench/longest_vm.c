/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for the calls of a VMM and those of a secondary. A secondary's call is measured as the VCPU_RUN that it
 * happens in, both switches of world included: an interrupt would only keep it from running.
 */
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "longest.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "vmm.h"

#define CODE_IPA      0x40000000ul
#define ARGS_IPA      0x50000000ul
#define PAGES_IPA     0x80000000ul
#define FAR_IPA       0x4000000000ul
#define RUN           512ul
#define POOL          PC_POOL_MAX
#define SCATTERED_IPA (PAGES_IPA + 32 * BLOCK_2M)
#define SHARED_IPA    (FAR_IPA + 4 * BLOCK_1G)
#define PAGED_IPA     (FAR_IPA + 6 * BLOCK_1G)
#define MMIO_IPA      0x20000000ul
#define DOORBELL      0x0a000000ul /* tiny_call's */
#define LINE          40

extern const u8 tiny_call[], tiny_call_end[];

static struct vmm vm;
static u64 scattered_at;
static u64 *call_args; /* of a secondary's call, and its results: a page that it shares */

static u64 vmm_call(const char *what, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	return longest_call(what, fn, a1, a2, a3, a4, a5, 0).r1;
}

static void donate(u64 ipa, u64 own, u64 pages, u64 flags)
{
	while (pages) {
		u64 done = vmm_call("VM_DONATE", PC_VM_DONATE, vm.handle, ipa, own, pages, flags);

		REQUIRE(done && done <= pages, "VM_DONATE of %lu pages does %lu", pages, done);
		ipa += done * PAGE;
		own += done * PAGE;
		pages -= done;
	}
}

/* Pages that lie so that no block fits and blocks of the primary break at both ends; then a whole block. */
static void measure_donations(u64 memory)
{
	donate(PAGES_IPA, memory + BLOCK_2M / 2, RUN, PC_DONATE_SCRUB);
	donate(PAGES_IPA + 8 * BLOCK_2M + PAGE, memory + 4 * BLOCK_2M, RUN, PC_DONATE_SCRUB);
	donate(FAR_IPA, memory + 8 * BLOCK_2M, RUN, PC_DONATE_SCRUB);
	donate(FAR_IPA + BLOCK_1G, memory + 9 * BLOCK_2M, RUN, PC_DONATE_KEEP);
	donate(FAR_IPA + 2 * BLOCK_1G, memory + 10 * BLOCK_2M + PAGE, 1, PC_DONATE_SCRUB);
	longest_print("vm_donate");
}

/* The largest pool there may be, at a block's boundary and off it. */
static void measure_pools(u64 memory)
{
	vm = (struct vmm){ .vcpus = VMM_MAX_VCPUS, .exit = ram_alloc(PAGE, PAGE) };
	vm.handle = vmm_call("VM_CREATE", PC_VM_CREATE, PC_VM_OPEN_MMIO | longest_vm_flags(), VMM_MAX_VCPUS, memory + BLOCK_2M / 2, POOL, 0);
	vmm_note(&vm);
	longest_print("vm_create");
	vmm_call("VM_ADD_POOL", PC_VM_ADD_POOL, vm.handle, memory + 16 * BLOCK_2M, POOL, 0, 0);
	vmm_call("VM_ADD_POOL", PC_VM_ADD_POOL, vm.handle, memory + 32 * BLOCK_2M + PAGE, POOL, 0, 0);
	longest_print("vm_add_pool");
}

static u64 secondary(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	const u64 in[] = { fn, a1, a2, a3, a4, a5, a6 };
	u64 reason;

	memcpy(call_args, in, sizeof(in));
	do {
		vm.exit->size = sizeof(*vm.exit);
		reason = longest_run("VCPU_RUN", vm.handle, 0, (u64)vm.exit).r1;
		REQUIRE(reason == PC_EXIT_MMIO || reason == PC_EXIT_MEMORY, "a secondary came back for reason %lu", reason);
	} while (reason == PC_EXIT_MEMORY);
	return call_args[0];
}

static void begin_secondary(void)
{
	u64 own = (u64)ram_alloc(PAGE, PAGE);

	vmm_load(&vm, CODE_IPA, tiny_call, (u64)(tiny_call_end - tiny_call));
	vmm_donate(&vm, ARGS_IPA, own, 1, PC_DONATE_SCRUB);
	vmm_call("VCPU_SET", PC_VCPU_SET, vm.handle, 0, CODE_IPA, ARGS_IPA, 0);
	longest_print("vcpu_set");
	vmm_call("VM_FINALISE", PC_VM_FINALISE, vm.handle, 0, 0, 0, 0);
	longest_print("vm_finalise");
	vm.exit->size = sizeof(*vm.exit);
	longest_run("VCPU_RUN", vm.handle, 0, (u64)vm.exit);
	REQUIRE(vm.exit->reason == PC_EXIT_MEMORY, "the secondary did not share its page");
	call_args = (u64 *)own;
	vm.exit->size = sizeof(*vm.exit);
	longest_run("VCPU_RUN", vm.handle, 0, (u64)vm.exit);
	REQUIRE(vm.exit->reason == PC_EXIT_MMIO, "the secondary did not ask for a call");
	longest_print("vcpu_run");
	vmm_call("VCPU_IRQ", PC_VCPU_IRQ, vm.handle, 0, LINE, 1, 0);
	longest_print("vcpu_irq");
}

#define SECONDARY(key, ...)                                                               \
	do {                                                                              \
		u64 status_ = secondary(__VA_ARGS__);                                     \
		REQUIRE(!status_ || status_ == PAGE, #key " answers %ld", (long)status_); \
		longest_print(#key);                                                      \
	} while (0)

/* Pages of the VM that lie in no order: where its memory at an offset from the first of them is here. */
static void *scattered_here(u64 offset)
{
	return (void *)(scattered_at + (RUN - 1 - offset / PAGE) * 2 * PAGE + offset % PAGE);
}

/* Consecutive here and there, in a block, and pages that lie in no order anywhere. */
static void measure_memory_calls(u64 memory)
{
	scattered_at = memory + 40 * BLOCK_2M;
	for (u64 i = 0; i < RUN; i++)
		vmm_donate(&vm, SCATTERED_IPA + i * PAGE, (u64)scattered_here(i * PAGE), 1, PC_DONATE_SCRUB);
	SECONDARY(hyp_meminfo, PC_HYP_MEMINFO, 0, 0, 0, 0, 0, 0);
	SECONDARY(mem_share, PC_MEM_SHARE, FAR_IPA, RUN, 0, 0, 0, 0);
	SECONDARY(mem_unshare, PC_MEM_UNSHARE, FAR_IPA, RUN, 0, 0, 0, 0);
	SECONDARY(mem_relinquish, PC_MEM_RELINQUISH, FAR_IPA + 17 * PAGE, 0, 0, 0, 0, 0);
	for (u64 done = 0; done < RUN; done += call_args[1])
		secondary(PC_MMIO_RGUARD_MAP, MMIO_IPA + done * PAGE, RUN - done, 0, 0, 0, 0);
	longest_print("mmio_rguard_map");
	/* Of as many as there may be, the last that is looked at. */
	SECONDARY(mmio_guard_unmap, PC_MMIO_GUARD_UNMAP, MMIO_IPA + (RUN - 1) * PAGE, 0, 0, 0, 0, 0);
	SECONDARY(mmio_guard_map, PC_MMIO_GUARD_MAP, MMIO_IPA + (RUN - 1) * PAGE, 0, 0, 0, 0, 0);
	for (u64 done = 0; done < RUN; done += call_args[1])
		secondary(PC_MMIO_RGUARD_UNMAP, MMIO_IPA + done * PAGE, RUN - done, 0, 0, 0, 0);
	longest_print("mmio_rguard_unmap");
}

/* In as many calls as it takes. */
static void scattered(u64 op, u64 domain, u64 iova, u64 ipa, u64 bytes)
{
	while (bytes) {
		if (op == PVIOMMU_MAP_PAGES)
			secondary(PC_PVIOMMU_OP, op, domain, iova, ipa, bytes, RW);
		else
			secondary(PC_PVIOMMU_OP, op, domain, iova, bytes, 0, 0);
		REQUIRE(!call_args[0] && call_args[1] && call_args[1] <= bytes, "operation %lu of a secondary answers %ld", op,
			(long)call_args[3]);
		iova += call_args[1];
		ipa += call_args[1];
		bytes -= call_args[1];
	}
}

static void measure_scattered(void)
{
	u64 domain, ipa = SCATTERED_IPA;

	SECONDARY(vm_alloc_domain, PC_PVIOMMU_OP, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
	domain = call_args[1];
	scattered(PVIOMMU_MAP_PAGES, domain, PAGE, ipa, BLOCK_2M);
	longest_print("vm_map_scattered");
	scattered(PVIOMMU_UNMAP_PAGES, domain, PAGE, 0, BLOCK_2M);
	longest_print("vm_unmap_scattered");
	/* And left to the end of the VM. */
	scattered(PVIOMMU_MAP_PAGES, domain, PAGE, ipa, BLOCK_2M);
	longest_print("vm_map_again");
}

/* --- what is read from memory */

static struct hres secondary_op(const char *what, u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	u64 status = secondary(PC_PVIOMMU_OP, op, a2, a3, a4, a5, a6);

	REQUIRE(!status, "%s of a secondary answers %ld", what, (long)status);
	return (struct hres){ .r1 = call_args[1] };
}

static void scattered_lend(bool lent)
{
	for (u64 done = 0; done < RUN; done += call_args[1])
		REQUIRE(!secondary(lent ? PC_MEM_SHARE : PC_MEM_UNSHARE, SCATTERED_IPA + done * PAGE, RUN - done, 0, 0, 0, 0) &&
				call_args[1],
			"a page cannot be shared");
	longest_forget();
}

static void measure_reading(void)
{
	longest_reading(&(struct longest_caller){
		.prefix = "vm_",
		.op = secondary_op,
		.ipa = SCATTERED_IPA,
		.here = scattered_here,
		.lend = scattered_lend,
		.vsid = RIG_VSID(TESTDEV2),
		.event_irq = { LINE + 1, LINE + 2 },
	});
}

static void measure_lists(u64 memory)
{
	for (u64 i = 0; i < RUN; i++)
		vmm_donate(&vm, PAGED_IPA + i * PAGE, memory + 52 * BLOCK_2M + i * PAGE, 1, PC_DONATE_SCRUB);
	longest_forget();
	longest_lists_of(&(struct longest_caller){ .prefix = "vm_", .op = secondary_op, .ipa = SCATTERED_IPA, .here = scattered_here, .lend = scattered_lend }, PAGED_IPA);
}

static void measure_guard(void)
{
	SECONDARY(mmio_guard_info, PC_MMIO_GUARD_INFO, 0, 0, 0, 0, 0, 0);
	secondary(PC_MMIO_GUARD_MAP, DOORBELL, 0, 0, 0, 0, 0);
	longest_forget();
	SECONDARY(mmio_guard_enroll, PC_MMIO_GUARD_ENROLL, 0, 0, 0, 0, 0, 0);
}

static void until_done(const char *what, u64 fn, u64 a1, u64 a2, u64 a3)
{
	struct hres r;

	do {
		r = longest_call(what, fn, a1, a2, a3, 0, 0, 0);
		gic_sleep_ms(2);
		longest_begin();
	} while (r.r1);
}

static void measure_devices(void)
{
	static struct pc_dev_info info __attribute__((aligned(64)));
	u32 bdf, device, endpoint;
	u64 at = MMIO_IPA;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &device, &endpoint), "no slot of testdev, edu, testdev");
	vmm_call("DEV_COUNT", PC_DEV_COUNT, 0, 0, 0, 0, 0);
	longest_print("dev_count");
	info.size = sizeof(info);
	vmm_call("DEV_INFO", PC_DEV_INFO, device, (u64)&info, 0, 0, 0);
	longest_print("dev_info");
	vmm_call("DEV_GET_NUM_END_POINTS", PC_DEV_GET_NUM_END_POINTS, device, 0, 0, 0, 0);
	longest_print("dev_get_num_end_points");
	until_done("DEV_ASSIGN", PC_DEV_ASSIGN, device, vm.handle, 0);
	vmm_note_device(device);
	longest_print("dev_assign");
	for (u64 e = 0; e < info.endpoint_count; e++)
		vmm_call("DEV_SET_END_POINT_VSID", PC_DEV_SET_END_POINT_VSID, device, e, RIG_VSID(e), 0, 0);
	longest_print("dev_set_end_point_vsid");
	for (u64 range = 0; range < info.mmio_count; range++) {
		u64 done = 0;

		while (done < info.mmio[range].bytes)
			done += vmm_call("DEV_MAP_MMIO", PC_DEV_MAP_MMIO, device, range, at, 0, 0) * PAGE;
		at += done + BLOCK_2M;
	}
	longest_print("dev_map_mmio");
	vmm_call("DEV_MAP_IRQ", PC_DEV_MAP_IRQ, device, 0, LINE, 0, 0);
	longest_print("dev_map_irq");
	until_done("DEV_RELEASE", PC_DEV_RELEASE, device, 0, 0);
	longest_print("dev_release");
	until_done("DEV_ASSIGN", PC_DEV_ASSIGN, device, vm.handle, 0);
	longest_print("dev_assign_again");
	for (u64 e = 0; e < info.endpoint_count; e++)
		OK(dev_set_vsid(device, e, RIG_VSID(e)));
}

/* What goes back page by page: of a run, every second one is shared. */
static void share_every_second(u64 memory)
{
	donate(SHARED_IPA, memory + 50 * BLOCK_2M, RUN, PC_DONATE_SCRUB);
	for (u64 i = 0; i < RUN; i += 2)
		REQUIRE(!secondary(PC_MEM_SHARE, SHARED_IPA + i * PAGE, 1, 0, 0, 0, 0), "a page cannot be shared");
	longest_forget();
}

static void measure_end(void)
{
	struct hres r;

	do {
		r = longest_call("VM_DESTROY", PC_VM_DESTROY, vm.handle, 0, 0, 0, 0, 0);
		gic_sleep_ms(2);
		longest_begin();
	} while (r.r1);
	vmm_forget(&vm);
	longest_print("vm_destroy");
}

void longest_vms(u64 memory)
{
	for (u64 p = 0; p <= PC_VMM_Q_DEV_QUARANTINED; p++)
		vmm_call("VMM_QUERY", PC_VMM_QUERY, p, p == PC_VMM_Q_MIN_POOL ? VMM_MAX_VCPUS : 0, 0, 0, 0);
	longest_print("vmm_query");
	measure_pools(memory + 64 * BLOCK_2M);
	measure_donations(memory);
	measure_devices();
	begin_secondary();
	measure_memory_calls(memory);
	measure_reading();
	measure_lists(memory);
	measure_scattered();
	share_every_second(memory);
	measure_guard();
	measure_end();
	vmm_clean_up();
}
