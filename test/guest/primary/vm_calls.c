/* SPDX-License-Identifier: BSD-2-Clause */
/* A status of each VMM call about VMs: what is malformed, unknown, taken or too much changes nothing (V10). */
#include <string.h>

#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmm.h"

static const u64 no_vms[] = { 0, 2, 0xffff, 0xffffffff, 1ul << 32 | PC_VM_PRIMARY, ~0ul };

static u64 min_pool(u32 vcpus)
{
	return OK(vmm_query_at(PC_VMM_Q_MIN_POOL, vcpus)).r1;
}

static u64 foreign(void)
{
	return align_up(machine.reserved[0].base, PAGE);
}

CASE(vm, query_tells_limits)
{
	u64 vcpus = OK(vmm_query(PC_VMM_Q_MAX_VCPUS)).r1;

	REQUIRE(OK(vmm_query(PC_VMM_Q_MAX_VMS)).r1 >= 64, "fewer than 64 VMs");
	REQUIRE(vcpus >= 8, "fewer than 8 vCPUs");
	REQUIRE(OK(vmm_query(PC_VMM_Q_MAX_PVIOMMUS)).r1 >= 2, "fewer than 2 pvIOMMUs");
	REQUIRE(OK(vmm_query(PC_VMM_Q_IPA_BITS)).r1 >= 36, "fewer than 36 bits of IPA");
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 0);
	REQUIRE(OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1 > 0, "the hypervisor has no free page");
	REQUIRE(OK(vmm_query(PC_VMM_Q_WAKE_IRQ)).r1 >= 32, "the wake interrupt is no SPI");
	for (u32 n = 1; n <= vcpus; n++)
		REQUIRE(min_pool(n) > 0 && min_pool(n) <= PC_POOL_MAX && (n == 1 || min_pool(n) >= min_pool(n - 1)),
			"a VM of %u vCPUs needs %lu pages", n, min_pool(n));
	REFUSED(vmm_query_at(PC_VMM_Q_MIN_POOL, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_query_at(PC_VMM_Q_MIN_POOL, vcpus + 1), PC_INVALID_PARAMETER);
	REQUIRE_EQUAL(OK(vmm_query_at(PC_VMM_Q_WINDOW_BASE, 0)).r1, SERVICE_GICD);
	REQUIRE_EQUAL(OK(vmm_query_at(PC_VMM_Q_WINDOW_BASE, 1)).r1, SERVICE_GICR);
	REQUIRE(OK(vmm_query_at(PC_VMM_Q_WINDOW_SIZE, 1)).r1 >= vcpus * 0x20000, "the redistributors have too little room");
	REFUSED(vmm_query(PC_VMM_Q_DEV_QUARANTINED + 1), PC_NOT_SUPPORTED);
	REFUSED(vmm_query(1ul << 32), PC_NOT_SUPPORTED);
	REFUSED(vmm_query_at(PC_VMM_Q_WINDOW_BASE, 2), PC_NOT_FOUND);
}

CASE(vm, create_refuses_wrong_arguments_I2_I3)
{
	u64 pages = min_pool(1), pool = ram_alloc_raw(pages * PAGE, PAGE);

	REFUSED(vm_create(0x80, 1, pool, pages), PC_NOT_SUPPORTED);
	REFUSED(vm_create(1ul << 32, 1, pool, pages), PC_NOT_SUPPORTED);
	REFUSED(vm_create(0, 0, pool, pages), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, OK(vmm_query(PC_VMM_Q_MAX_VCPUS)).r1 + 1, pool, pages), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1ul << 32 | 1, pool, pages), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1, pool + 8, pages), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1, pool, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1, pool, PC_POOL_MAX + 1), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1, pool, ~0ul), PC_INVALID_PARAMETER);
	REFUSED(vm_create(0, 1, pool, pages - 1), PC_INVALID_PARAMETER);
	*(volatile u32 *)pool = 1;
}

CASE(vm, create_refuses_a_pool_that_is_not_ours_V1)
{
	u64 pages = min_pool(1), end = machine.ram[machine.ram_count - 1].base + machine.ram[machine.ram_count - 1].size;

	REFUSED(vm_create(0, 1, foreign(), pages), PC_DENIED);
	REFUSED(vm_create(0, 1, machine.uart, pages), PC_FAULT);
	REFUSED(vm_create(0, 1, end - PAGE, pages), PC_DENIED);
	REFUSED(vm_create(0, 1, 1ul << 47, pages), PC_FAULT);
	REFUSED(vm_create(0, 1, ~0xffful, pages), PC_INVALID_PARAMETER);
}

CASE(vm, create_refuses_a_pinned_pool_A6_V2)
{
	u64 pages = min_pool(1), pool = ram_alloc_raw(pages * PAGE, PAGE);
	u64 last = pool + (pages - 1) * PAGE;

	rig_open_mapped();
	rig_map(rig.domain, RIG_IOVA + PAGE, last, PAGE, RW);
	REFUSED(vm_create(0, 1, pool, pages), PC_BUSY);
	LANDS(rig.testdev, RIG_IOVA + PAGE, (u32 *)last);
	*(volatile u32 *)pool = 1;
	rig_unmap(rig.domain, RIG_IOVA + PAGE, PAGE);
}

CASE(vm, pool_leaves_the_primary_and_comes_back_scrubbed_A9_K4)
{
	struct vmm vm;
	volatile u64 *pool;

	vmm_create(&vm, 0, 1);
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 1);
	pool = (u64 *)vm.pool;
	for (u64 i = 0; i < vm.pool_pages; i++) {
		u64 value = 0;

		REQUIRE(!TRY(value = mmio_read64(vm.pool + i * PAGE)), "page %lu of a VM's pool can be read: %lx", i, value);
		REQUIRE(!TRY(mmio_write64(vm.pool + i * PAGE, 1)), "page %lu of a VM's pool can be written", i);
	}
	vmm_destroy(&vm);
	for (u64 i = 0; i < vm.pool_pages * PAGE / 8; i++)
		REQUIRE(!pool[i], "word %lu of the pool came back as %lx", i, pool[i]);
}

CASE(vm, handles_are_opaque_and_not_given_twice_V7)
{
	u64 old[8];
	struct vmm vm;

	for (u32 i = 0; i < ARRAY_COUNT(old); i++) {
		vmm_create(&vm, 0, 1);
		old[i] = vm.handle;
		REQUIRE(vm.handle != PC_VM_PRIMARY, "a VM has the primary's handle");
		for (u32 j = 0; j < i; j++)
			REQUIRE(old[j] != vm.handle, "the handle %lx is given again", vm.handle);
		vmm_destroy(&vm);
		REFUSED(vm_finalise(vm.handle), PC_NOT_FOUND);
		REFUSED(vm_destroy(vm.handle), PC_NOT_FOUND);
	}
}

CASE(vm, unknown_handles_D7)
{
	u64 page = ram_alloc_raw(PAGE, PAGE);
	struct pc_vcpu_exit *exit = ram_alloc(PAGE, PAGE);

	exit->size = sizeof(*exit);
	for (u32 i = 0; i < ARRAY_COUNT(no_vms); i++) {
		u64 vm = no_vms[i];

		REFUSED(vm_destroy(vm), PC_NOT_FOUND);
		REFUSED(vm_donate(vm, SERVICE_BASE, page, 1, 0), PC_NOT_FOUND);
		REFUSED(vm_finalise(vm), PC_NOT_FOUND);
		REFUSED(vm_add_pool(vm, page, 1), PC_NOT_FOUND);
		REFUSED(vcpu_set(vm, 0, SERVICE_BASE, 0), PC_NOT_FOUND);
		REFUSED(vcpu_run(vm, 0, (u64)exit), PC_NOT_FOUND);
		REFUSED(vcpu_irq(vm, 0, 40, 1), PC_NOT_FOUND);
	}
	*(volatile u32 *)page = 1;
}

CASE(vm, the_primary_is_no_secondary)
{
	u64 page = ram_alloc_raw(PAGE, PAGE);
	struct pc_vcpu_exit *exit = ram_alloc(PAGE, PAGE);

	exit->size = sizeof(*exit);
	REFUSED(vm_destroy(PC_VM_PRIMARY), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(PC_VM_PRIMARY, SERVICE_BASE, page, 1, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_finalise(PC_VM_PRIMARY), PC_INVALID_PARAMETER);
	REFUSED(vm_add_pool(PC_VM_PRIMARY, page, 1), PC_INVALID_PARAMETER);
	REFUSED(vcpu_set(PC_VM_PRIMARY, 0, SERVICE_BASE, 0), PC_INVALID_PARAMETER);
	REFUSED(vcpu_run(PC_VM_PRIMARY, 0, (u64)exit), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(PC_VM_PRIMARY, 0, 40, 1), PC_INVALID_PARAMETER);
	*(volatile u32 *)page = 1;
}

CASE(vm, donate_refuses_wrong_arguments_I2_I3)
{
	u64 bits = OK(vmm_query(PC_VMM_Q_IPA_BITS)).r1, page = ram_alloc_raw(2 * PAGE, PAGE);
	struct vmm vm;

	vmm_create(&vm, 0, 1);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE + 8, page, 1, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page + 8, 1, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page, 1, 0x80), PC_NOT_SUPPORTED);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page, 1, 1ul << 32), PC_NOT_SUPPORTED);
	REFUSED(vm_donate(vm.handle, 1ul << bits, page, 1, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, (1ul << bits) - PAGE, page, 2, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, -PAGE, page, 2, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page, ~0ul, 0), PC_INVALID_PARAMETER);
	*(volatile u32 *)page = 1;
}

CASE(vm, donate_refuses_what_is_not_ours_V1)
{
	u64 page = ram_alloc_raw(2 * PAGE, PAGE), end = machine.ram[machine.ram_count - 1].base +
							machine.ram[machine.ram_count - 1].size;
	struct vmm vm, other;

	vmm_create(&vm, 0, 1);
	vmm_create(&other, 0, 1);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, foreign(), 1, 0), PC_DENIED);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, machine.uart, 1, 0), PC_FAULT);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, machine.pci.ecam.base, 1, 0), PC_FAULT);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, end, 1, 0), PC_FAULT);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, other.pool, 1, 0), PC_DENIED);
	vmm_donate(&vm, SERVICE_BASE, page, 1, 0);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE + PAGE, page, 1, 0), PC_DENIED);
	REFUSED(vm_donate(other.handle, SERVICE_BASE, page, 1, 0), PC_DENIED);
	REFUSED(vm_donate(vm.handle, SERVICE_BASE, page + PAGE, 1, 0), PC_EXISTS);
	*(volatile u64 *)(page + PAGE) = 1;
}

CASE(vm, donate_refuses_the_emulated_windows)
{
	u64 page = ram_alloc_raw(PAGE, PAGE);
	struct vmm vm;

	vmm_create(&vm, 0, 1);
	for (u32 i = 0; i < 2; i++) {
		u64 base = OK(vmm_query_at(PC_VMM_Q_WINDOW_BASE, i)).r1, size = OK(vmm_query_at(PC_VMM_Q_WINDOW_SIZE, i)).r1;

		REFUSED(vm_donate(vm.handle, base, page, 1, 0), PC_INVALID_PARAMETER);
		REFUSED(vm_donate(vm.handle, base + size - PAGE, page, 1, 0), PC_INVALID_PARAMETER);
	}
	*(volatile u32 *)page = 1;
}

CASE(vm, donate_is_bounded_and_counts_V9_D12)
{
	u64 pages = PC_DONATE_MAX + 3, memory = ram_alloc_raw(pages * PAGE, PAGE), done;
	struct vmm vm;

	vmm_create(&vm, 0, 1);
	done = OK(vm_donate(vm.handle, SERVICE_BASE, memory, pages, PC_DONATE_SCRUB)).r1;
	REQUIRE(done > 0 && done <= PC_DONATE_MAX, "one call donates %lu pages", done);
	/* What it did not count is still ours. */
	for (u64 i = done; i < pages; i++)
		*(volatile u64 *)(memory + i * PAGE) = i;
	REQUIRE(!TRY(mmio_read64(memory + (done - 1) * PAGE)), "the last page counted is still ours");
	vmm_donate(&vm, SERVICE_BASE + done * PAGE, memory + done * PAGE, pages - done, PC_DONATE_SCRUB);
}

CASE(vm, donate_ends_with_the_pool)
{
	u64 pages = min_pool(1), pool = ram_alloc_raw(pages * PAGE, PAGE), more = ram_alloc_raw(8 * PAGE, PAGE), n;
	u64 memory = ram_alloc_raw(256 * PAGE, PAGE);
	struct vmm vm = { .vcpus = 1 };
	struct hres r = { 0 };

	vm.handle = OK(vm_create(0, 1, pool, pages)).r1;
	vmm_note(&vm);
	/* Each page a gigabyte from the last, so that each takes tables of its own. */
	for (n = 0; n < 256; n++) {
		r = vm_donate(vm.handle, (n + 1) << 30, memory + n * PAGE, 1, 0);
		if (!hres_ok(r))
			break;
	}
	REQUIRE(n < 256 && hres_status(r) == PC_NO_MEMORY, "after %lu pages: %s", n, status_name(hres_status(r)));
	REFUSED(vm_donate(vm.handle, (n + 1) << 30, memory + n * PAGE, 1, 0), PC_NO_MEMORY);
	*(volatile u64 *)(memory + n * PAGE) = 1;
	REQUIRE_EQUAL(OK(vm_add_pool(vm.handle, more, 8)).r0, 0);
	OK(vm_donate(vm.handle, (n + 1) << 30, memory + n * PAGE, 1, 0));
	REQUIRE(!TRY(mmio_read64(more)), "a page given to the pool is still ours");
}

CASE(vm, add_pool_refuses_wrong_arguments)
{
	u64 page = ram_alloc_raw(2 * PAGE, PAGE);
	struct vmm vm;

	vmm_create(&vm, 0, 1);
	REFUSED(vm_add_pool(vm.handle, page + 8, 1), PC_INVALID_PARAMETER);
	REFUSED(vm_add_pool(vm.handle, page, 0), PC_INVALID_PARAMETER);
	REFUSED(vm_add_pool(vm.handle, page, PC_POOL_MAX + 1), PC_INVALID_PARAMETER);
	REFUSED(vm_add_pool(vm.handle, foreign(), 1), PC_DENIED);
	REFUSED(vm_add_pool(vm.handle, vm.pool, 1), PC_DENIED);
	REFUSED(vm_add_pool(vm.handle, -PAGE, 1), PC_INVALID_PARAMETER);
	*(volatile u32 *)page = 1;
	OK(vm_add_pool(vm.handle, page, 2));
}

CASE(vm, finalise_is_once)
{
	struct vmm vm;

	vmm_service(&vm, 0, 1, 0);
	OK(vm_finalise(vm.handle));
	REFUSED(vm_finalise(vm.handle), PC_EXISTS);
	REFUSED(dev_assign(0, vm.handle, 0), PC_BUSY);
}

CASE(vm, vcpu_set_before_the_first_run_only)
{
	struct vmm vm;

	vmm_service(&vm, PC_VM_OPEN_MMIO, 2, 0);
	REFUSED(vcpu_set(vm.handle, 2, SERVICE_BASE, 0), PC_NOT_FOUND);
	REFUSED(vcpu_set(vm.handle, ~0ul, SERVICE_BASE, 0), PC_NOT_FOUND);
	REFUSED(vcpu_set(vm.handle, 1ul << 32, SERVICE_BASE, 0), PC_NOT_FOUND);
	REFUSED(vcpu_set(vm.handle, 0, SERVICE_BASE + 2, 0), PC_INVALID_PARAMETER);
	OK(vcpu_set(vm.handle, 0, SERVICE_BASE, vm.mail_ipa));
	vmm_start(&vm);
	REFUSED(vcpu_set(vm.handle, 0, SERVICE_BASE, 0), PC_BUSY);
}

CASE(vm, vcpu_run_refuses_wrong_arguments_N3)
{
	struct pc_vcpu_exit *exit = ram_alloc(2 * PAGE, PAGE);
	struct vmm vm;

	vmm_service(&vm, PC_VM_OPEN_MMIO, 2, 0);
	exit->size = sizeof(*exit);
	REFUSED(vcpu_run(vm.handle, 2, (u64)exit), PC_NOT_FOUND);
	REFUSED(vcpu_run(vm.handle, 1ul << 32, (u64)exit), PC_NOT_FOUND);
	REFUSED(vcpu_run(vm.handle, 0, foreign()), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, machine.uart), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, 1ul << 47), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, ~7ul), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, vm.own), PC_FAULT);
	REFUSED(vcpu_run(vm.handle, 0, (u64)exit + 4), PC_INVALID_PARAMETER);
	for (u32 size = 0; size < sizeof(*exit); size += 4) {
		exit->size = size;
		REFUSED(vcpu_run(vm.handle, 0, (u64)exit), PC_INVALID_PARAMETER);
	}
	/* A caller of a later version, whose tail is not zero. */
	exit->size = sizeof(*exit) + 8;
	((u64 *)(exit + 1))[0] = 1;
	REFUSED(vcpu_run(vm.handle, 0, (u64)exit), PC_TOO_BIG);
	vmm_start(&vm);
}

/* What was never set, or is off, does not run. */
CASE(vm, vcpu_that_is_off_does_not_run)
{
	struct vmm vm;

	vmm_boot(&vm, 2, 0);
	for (u32 i = 0; i < 3; i++) {
		/* It is said at once; a crowded host may take the CPU away before. */
		enum vmm_event event = vmm_run_until(&vm, 1, time_ticks() + time_ms(20000));

		REQUIRE(event == VMM_OFF || event == VMM_ERROR, "a vCPU that is off: %s", vmm_event_name(event));
	}
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_VERSION)[0], 0x10001);
}

CASE(vm, vcpu_irq_refuses_wrong_arguments)
{
	struct vmm vm;

	vmm_boot(&vm, 1, 0);
	REFUSED(vcpu_irq(vm.handle, 1, 40, 1), PC_NOT_FOUND);
	REFUSED(vcpu_irq(vm.handle, 0, 3, 1), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(vm.handle, 0, SERVICE_IRQS, 1), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(vm.handle, 0, 1020, 1), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(vm.handle, 0, 1ul << 32 | 40, 1), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(vm.handle, 0, 40, 2), PC_INVALID_PARAMETER);
	REFUSED(vcpu_irq(vm.handle, 0, SERVICE_TIMER_IRQ, 1), PC_DENIED);
	OK(vcpu_irq(vm.handle, 0, 40, 1));
	OK(vcpu_irq(vm.handle, 0, 40, 0));
}

/* 64 of them at once, each with the smallest pool and a program of one page; each runs. */
static struct vmm many[65];

extern const u8 tiny_counter[], tiny_counter_end[];

CASE(vm, sixty_four_at_once_K1)
{
	u64 max = OK(vmm_query(PC_VMM_Q_MAX_VMS)).r1, pool_pages = min_pool(1) + 4;
	u64 last_pool = ram_alloc_raw(pool_pages * PAGE, PAGE);

	REQUIRE(max >= 64 && max < ARRAY_COUNT(many), "%lu VMs are more than this case holds", max);
	for (u64 i = 0; i < max; i++) {
		struct vmm *vm = &many[i];

		*vm = (struct vmm){ .vcpus = 1, .pool_pages = pool_pages };
		vm->exit = ram_alloc(PAGE, PAGE);
		vm->pool = ram_alloc_raw(pool_pages * PAGE, PAGE);
		vm->handle = OK(vm_create(PC_VM_OPEN_MMIO, 1, vm->pool, pool_pages)).r1;
		vmm_note(vm);
		vmm_load(vm, SERVICE_BASE, tiny_counter, (u64)(tiny_counter_end - tiny_counter));
		OK(vcpu_set(vm->handle, 0, SERVICE_BASE, i << 8));
	}
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, max);
	REFUSED(vm_create(0, 1, last_pool, pool_pages), PC_NO_MEMORY);
	for (u32 round = 1; round <= 3; round++) {
		for (u64 i = 0; i < max; i++) {
			enum vmm_event event = vmm_run(&many[i]);

			REQUIRE(event == VMM_EVENT && many[i].exit->data == (i << 8) + round, "VM %lu, round %u: %s, %lx", i, round,
				vmm_event_name(event), many[i].exit->data);
		}
	}
	/* From the middle, so that slots are given again in no order. */
	for (u64 i = max / 2; i < max; i++)
		vmm_destroy(&many[i]);
	for (u64 i = 0; i < max / 2; i++)
		vmm_destroy(&many[i]);
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 0);
}
