/* SPDX-License-Identifier: BSD-2-Clause */
/* VM_DESTROY, whatever the VM was doing: in bounded steps, with nothing left; and with hardware that fails. */
#include <string.h>

#include "bench_vm.h"
#include "suite.h"
#include "vm/vm_memory.h"

#define AT 0x80000000ull

static u32 vm, paging;

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(8);
	vm = 0;
}

static void boot(void) { boot_with(bench_defaults()); }

/* --- a VM with everything, one thing after the other */

static void make(void) { vm = bench_vm(0); }

static void memory(void)
{
	bench_donate(vm, AT, bench_block(2), 512, 0);
	bench_donate(vm, AT + 3 * BLOCK_SIZE, bench_page(200), 40, PC_DONATE_READ_ONLY);
	bench_donate(vm, AT + 4 * BLOCK_SIZE + 0x1000, bench_page(300), 600, 0);
}

static void first_device(void) { bench_vm_assign(0, vm, 0, 100); }

static void second_device(void)
{
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_SUCCESS);
}

static void reset_begins(void)
{
	bench_reset_turns = 3;
	assert_int_equal(pc_dev_assign(2, vm, 0).v1, 1);
	bench_reset_turns = 0;
}

static void reset_ends(void) { assert_int_equal(pc_dev_assign(2, vm, 0).v1, 0); }

static void runs(void)
{
	bench_exit();
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
}

static void domains(void)
{
	paging = bench_vm_domain(vm);
	bench_vm_map(vm, paging, 0, AT, BLOCK_SIZE);
	bench_vm_map(vm, paging, 5ull << 30, AT + 4 * BLOCK_SIZE + 0x3000, 16 * PAGE_SIZE);
	bench_vm_map(vm, bench_vm_domain(vm), 0x5000, AT + 0x8000, PAGE_SIZE);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, paging, 7ull << 30, AT + 8 * BLOCK_SIZE, 0x4000,
			    PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ | PVIOMMU_PROT_NOEXEC),
		      PC_SUCCESS);
}

static void attaches(void)
{
	bench_vm_attach(vm, 100, paging);
	bench_vm_attach(vm, 102, paging);
	bench_lands(0, 0, 0x10000, bench_block(2) + 0x10000);
	bench_lands(0, 2, (5ull << 30) + 8, bench_page(302) + 8);
}

static void shares(void)
{
	assert_status(vm_share(vm, AT + 4 * BLOCK_SIZE + 0x1000 + 100 * PAGE_SIZE, 20), PC_SUCCESS);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_ENROLL, 0, 0), PC_SUCCESS);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
}

static void gives_back(void)
{
	assert_status(vm_relinquish(vm, AT + 4 * BLOCK_SIZE + 0x1000 + 90 * PAGE_SIZE, 0), PC_SUCCESS);
	assert_status(pc_vm_add_pool(vm, bench_page(70), 30), PC_SUCCESS);
}

static void owner_resets(void)
{
	bench_reset_turns = 0;
	assert_status(vm_reset(vm, 0, 200), PC_SUCCESS);
}

static void reset_turn(u64 vsid)
{
	struct hcall_args args = { { PC_DEV_RESET, 0, vsid } };

	bench_reset_turns = 3;
	assert_false(hyp_hypercall(vm_vcpu(vm_find(vm), 0), &args));
	bench_reset_turns = 0;
}

/* In the middle of it, with all that the VM has of the device. */
static void owner_is_resetting(void) { reset_turn(200); }

static void (*const stages[])(void) = { make, memory, first_device, second_device, reset_begins, reset_ends,
					runs, domains, attaches, shares, gives_back, owner_resets, owner_is_resetting };

static void build(u32 count)
{
	for (u32 i = 0; i < count; i++)
		stages[i]();
}

/* Nobody has a name for it, its registers or its lines. */
static void nobodys(const struct device *d)
{
	assert_false(d->frozen);
	for (u32 i = 0; i < d->endpoint_count; i++)
		assert_false(d->endpoint[i].has_vsid);
	for (u32 i = 0; i < d->mmio_count; i++)
		assert_true(d->mmio_ipa[i] == DEVICE_UNMAPPED);
	for (u32 i = 0; i < d->irq_count; i++)
		assert_int_equal(d->irq_given[i], 0);
}

static void all_home(void)
{
	oracle_effort(1);
	bench_check();
	for (u32 i = 0; i < device_count; i++) {
		assert_ptr_equal(device_table[i].vm, vm_primary);
		assert_int_equal(device_table[i].state, DEVICE_UNASSIGNED);
		nobodys(&device_table[i]);
	}
	bench_lands(0, 0, bench_block(2), bench_block(2));
	bench_lands(3, 0, bench_page(1), bench_page(1));
}

static void E4_K4_destroy_at_every_stage(void **state UNUSED)
{
	boot();
	for (u32 n = 1; n <= ARRAY_SIZE(stages); n++) {
		build(n);
		bench_fill(bench_page(1900), PAGE_SIZE, 3);
		bench_destroy(vm);
		all_home();
		oracle_effort(8);
		if (n > 1)
			assert_true(bench_all(bench_block(2), BLOCK_SIZE - 0, 0) ||
				    bench_all(bench_block(2) + 8, BLOCK_SIZE - 8, 0));
	}
}

static void A9_memory_comes_back_scrubbed(void **state UNUSED)
{
	boot();
	build(10);
	bench_fill(bench_block(2), BLOCK_SIZE, 0x6b);
	bench_fill(bench_page(200), 40 * PAGE_SIZE, 0x6b);
	bench_fill(bench_page(300), 600 * PAGE_SIZE, 0x6b);
	bench_destroy(vm);
	assert_true(bench_all(bench_block(2), BLOCK_SIZE, 0));
	assert_true(bench_all(bench_page(200), 40 * PAGE_SIZE, 0));
	assert_true(bench_all(bench_page(300), 600 * PAGE_SIZE, 0));
	assert_true(bench_all(bench_page(0), 64 * PAGE_SIZE, 0));
}

static void K4_hardware_of_every_kind(void **state UNUSED)
{
	struct bench_options kinds[] = { bench_stage1_only(), bench_stage2_only(), bench_pasids(),
					 bench_defaults(), bench_defaults() };

	kinds[3].smmu.bbml = 0;
	kinds[4].noncoherent = true;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		IN_CHILD({
			boot_with(kinds[i]);
			for (u32 round = 0; round < 3; round++) {
				build(ARRAY_SIZE(stages));
				bench_destroy(vm);
				all_home();
			}
		});
}

/* --- what the primary has of it */

static void V2_E4_shared_pages_pinned_by_the_primary(void **state UNUSED)
{
	u32 d, before;

	boot();
	d = bench_domain();
	bench_assign(1, 0, 7);
	bench_attach(7, d);
	build(10);
	bench_map(d, 0x10000, bench_page(400), 8 * PAGE_SIZE);
	before = page_find(pa(bench_page(400)))->pins;
	assert_int_equal(before, 1);
	bench_destroy(vm);
	/* Its mapping stands, and the page is its own now; not to be moved while it stands. */
	assert_int_equal(page_find(pa(bench_page(400)))->pins, 1);
	bench_lands(1, 0, 0x10000, bench_page(400));
	make();
	assert_status(pc_vm_donate(vm, AT, bench_page(400), 1, 0), PC_BUSY);
	bench_unmap(d, 0x10000, 8 * PAGE_SIZE);
	bench_donate(vm, AT, bench_page(400), 1, 0);
	bench_destroy(vm);
	assert_status(pv_detach(0, 7, 0, d), PC_SUCCESS);
	assert_status(pc_dev_release(1), PC_SUCCESS);
}

/* A whole shared block under one pin of the primary's; it goes back in two steps. */
static void V2_E4_shared_block_pinned_by_the_primary(void **state UNUSED)
{
	u32 d;

	boot();
	d = bench_domain();
	make();
	bench_donate(vm, AT - 0x5000, bench_page(100), 5, 0);
	bench_donate(vm, AT, bench_block(3), 512, 0);
	assert_int_equal(vm_share(vm, AT, 512).v1, 512);
	bench_map(d, 0, bench_block(3), BLOCK_SIZE);
	assert_int_equal(page_run_of(pa(bench_block(3)))->block_pins, 1);
	bench_destroy(vm);
	assert_int_equal(page_run_of(pa(bench_block(3)))->block_pins, 1);
	bench_unmap(d, 0, 0x1000);
	bench_unmap(d, 0x1000, BLOCK_SIZE - 0x1000);
	make();
	bench_donate(vm, AT, bench_block(3), 512, 0);
	bench_destroy(vm);
}

/* --- in the middle of something */

/* B's device is at work on a page that A gets next. */
static void A1_destroyed_in_mid_dma(void **state UNUSED)
{
	u32 a;
	u64 left, target;
	s64 event = SMMU_OK;

	boot();
	a = bench_vm(1600);
	build(9);
	target = bench_page(302);
	smmu_speculate(bench_smmu[0]);
	do {
		left = pc_vm_destroy(vm).v1;
		smmu_speculate(bench_smmu[0]);
		/* It writes as long as it is let; never after the page has left B. */
		event = bench_write(0, 2, 5ull << 30, 0x4242424242424242);
		if (event == SMMU_OK && left != 0)
			assert_int_equal(page_find(pa(target))->owner, vm_find(vm)->owner);
	} while (left != 0);
	assert_true(event != SMMU_OK);
	bench_donate(a, AT, target, 1, 0);
	bench_fill(target, PAGE_SIZE, 0x5e);
	bench_write(0, 2, 5ull << 30, 0);
	bench_write(0, 0, AT, 0);
	bench_write(3, 0, target, 0);
	assert_true(bench_all(target, PAGE_SIZE, 0x5e));
	bench_destroy(a);
	all_home();
}

static u32 tried;
static u64 left_inside;

/* Another CPU's, while an unmap waits for hardware: no lock is held then. */
static void destroy_meanwhile(void *ctx UNUSED)
{
	struct hcall_args args = { { PC_VM_DESTROY, vm } };

	if (fake_locks_held() != 0 || tried++ > 3)
		return;
	fake_cpu_set(1);
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &args));
	fake_cpu_set(0);
	assert_int_equal(args.r[0], 0);
	left_inside = args.r[1];
}

static enum status unmaps(struct vcpu *vcpu)
{
	fake_relax_hook_add(destroy_meanwhile, NULL);
	assert_status(vm_pv(vm, PVIOMMU_UNMAP_PAGES, paging, 0, BLOCK_SIZE, 0, 0), PC_SUCCESS);
	fake_relax_hook_remove(destroy_meanwhile, NULL);
	hyp_vcpu_check(vcpu);
	return OK;
}

static void E4_D6_destroyed_with_an_unmap_in_flight(void **state UNUSED)
{
	boot();
	build(9);
	tried = 0;
	fake_vcpu_run_hook = unmaps;
	assert_int_equal(pc_vcpu_run(vm, 0, BENCH_EXIT).v1, PC_EXIT_DEAD);
	assert_true(tried > 0 && left_inside > 0);
	assert_int_equal(vm_find(vm)->teardown, TEARDOWN_VCPUS);
	fake_vcpu_run_hook = NULL;
	bench_destroy(vm);
	all_home();
}

/* Resets that take their time: a step is one turn of each. */
static void I8_resets_in_several_turns(void **state UNUSED)
{
	u32 quick, slow;

	boot();
	build(ARRAY_SIZE(stages));
	quick = bench_destroy(vm);
	build(ARRAY_SIZE(stages));
	bench_reset_turns = 25;
	slow = bench_destroy(vm);
	assert_true(slow > quick + 20);
	bench_reset_turns = 0;
	all_home();
}

/* All have begun, and have nothing to wait for any more: a step makes one of them what it becomes, not all that there are. */
static void I8_V9_one_reset_ends_in_a_step(void **state UNUSED)
{
	static const u32 devices[] = { 0, 1, 4 };
	struct result r;
	u32 done = 0, most = 0;

	boot();
	make();
	bench_reset_turns = ~0u;
	for (u32 i = 0; i < ARRAY_SIZE(devices); i++)
		assert_int_equal(pc_dev_assign(devices[i], vm, 0).v1, 1);
	bench_reset_turns = 0;
	do {
		u32 was = done;

		r = pc_vm_destroy(vm);
		assert_status(r, PC_SUCCESS);
		done = 0;
		for (u32 i = 0; i < ARRAY_SIZE(devices); i++)
			done += device_table[devices[i]].state != DEVICE_RESETTING;
		most = done > was && done - was > most ? done - was : most;
	} while (r.v1 != 0);
	assert_int_equal(done, ARRAY_SIZE(devices));
	assert_int_equal(most, 1);
	all_home();
}

/* A line of a device that is being taken apart storms: the next device still goes from its first endpoint on. */
static void E4_F7_storm_between_the_steps(void **state UNUSED)
{
	boot();
	device_table[0].irq[0] = 61; /* the bench's machine has none for it */
	device_table[0].irq_count = 1;
	assert_true(device_table[0].endpoint_count > device_table[3].endpoint_count);
	for (u32 steps = 0; steps < 12; steps++) {
		u64 left = 1;

		oracle_effort(8);
		vm = bench_vm(0);
		bench_vm_assign(0, vm, 0, 100);
		bench_vm_assign(3, vm, 0, 200);
		assert_status(pc_dev_map_irq(0, 0, 40), PC_SUCCESS);
		bench_vm_attach(vm, 200, bench_vm_domain(vm));
		for (u32 i = 0; i < steps && left != 0; i++)
			left = pc_vm_destroy(vm).v1;
		if (left != 0)
			hyp_irq_storm(61, vm_find(vm));
		bench_check();
		while (left != 0)
			left = pc_vm_destroy(vm).v1;
		assert_null(vm_find(vm));
		if (device_table[0].state == DEVICE_QUARANTINED)
			assert_status(pc_dev_release(0), PC_SUCCESS);
		all_home();
	}
}

static void E4_resets_that_fail(void **state UNUSED)
{
	boot();
	build(ARRAY_SIZE(stages));
	bench_reset_status = E_IO;
	bench_destroy(vm);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_DEV_QUARANTINED, 0).v1, 3);
	assert_status(pc_dev_info(0, bench_bar(3)), PC_FAULT);
	bench_faults(0, 0, bench_page(1), SMMU_C_BAD_STE);
	bench_reset_status = OK;
	for (u32 i = 0; i < device_count; i++)
		if (device_table[i].state == DEVICE_QUARANTINED)
			assert_status(pc_dev_release(i), PC_SUCCESS);
	all_home();
}

/* --- hardware that fails (V3): what it may still reach is nobody's for ever */

static u32 owned_by(u8 owner, u64 addr, u64 pages)
{
	u32 n = 0;

	for (u64 i = 0; i < pages; i++)
		n += page_find(pa(addr + i * PAGE_SIZE))->owner == owner;
	return n;
}

static void V3_E4_hardware_is_silent(void **state UNUSED)
{
	boot();
	build(ARRAY_SIZE(stages));
	smmu_speculate(bench_smmu[0]);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	bench_destroy(vm);
	/* Mapped for DMA: lost. The others are the primary's. */
	assert_int_equal(owned_by(OWNER_HYP, bench_block(2), 512), 512);
	assert_int_equal(owned_by(OWNER_HYP, bench_page(302), 16), 16);
	assert_int_equal(owned_by(OWNER_VM, bench_page(300), 2), 2);
	assert_int_equal(owned_by(OWNER_VM, bench_page(320), 580), 580);
	assert_int_equal(owned_by(OWNER_VM, bench_page(200), 40), 40);
	/* Never given again, whatever hardware says later; nor the MMIO that it may reach. */
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	assert_status(pc_vm_create(0, 1, bench_block(2), 64), PC_DENIED);
	assert_status(pv_map(bench_domain(), 0, bench_block(2), PAGE_SIZE, BENCH_RW), PC_FAULT);
	assert_int_equal(device_table[3].state, DEVICE_QUARANTINED);
	assert_status(pc_dev_release(3), PC_BUSY);
	assert_status(pc_dev_info(0, bench_bar(3)), PC_FAULT);
}

static bool left_cpus;

static void shared_page_left(u16 vmid, u64 base, u64 size)
{
	left_cpus |= vmid == vm_primary->view.vmid && base <= bench_page(100) && bench_page(100) - base < size;
}

/* A shared page under a mapping that was lost leaves the primary too, if that can be done. */
static void V3_E4_shared_page_is_lost(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 d;

	o.iommus = 2;
	boot_with(o);
	make();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	assert_int_equal(vm_share(vm, AT, 2).v1, 2);
	bench_vm_assign(5, vm, 0, 1);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, 0, AT, 4 * PAGE_SIZE);
	bench_vm_attach(vm, 1, d);
	bench_lands(5, 0, 8, bench_page(100) + 8);
	/* The primary's devices and CPUs have been there, by an IOMMU that answers. */
	bench_lands(2, 0, bench_page(100), bench_page(100));
	fake_cpu_inval_hook = shared_page_left;
	bench_hardware_fails();
	smmu_time(bench_smmu[1], SMMU_STUCK);
	bench_destroy(vm);
	assert_int_equal(owned_by(OWNER_HYP, bench_page(100), 4), 4);
	assert_int_equal(owned_by(OWNER_VM, bench_page(104), 4), 4);
	assert_int_equal(pc_dev_release(5).status, PC_IO);
	bench_faults(2, 0, bench_page(100), SMMU_F_TRANSLATION);
	assert_true(left_cpus);
}

/*
 * Registers that a device of a silent IOMMU may still write: they are nobody's, though the device they are of is
 * behind an IOMMU that answers.
 */
static void V3_E4_registers_under_a_lost_mapping_stay_away(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pt_run run;
	u32 d;

	o.iommus = 2;
	boot_with(o);
	make();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	bench_vm_assign(3, vm, 0, 200);
	bench_vm_assign(5, vm, 1, 1);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	d = bench_vm_domain(vm);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, 0, AT + 8 * BLOCK_SIZE, 0x4000,
			    PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC),
		      PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 1, 1, 0, d, 0), PC_SUCCESS);
	assert_int_equal(bench_write(5, 0, 0x1000, 1), SMMU_OK);
	bench_hardware_fails();
	smmu_time(bench_smmu[1], SMMU_STUCK);
	bench_destroy(vm);
	assert_ptr_equal(device_table[3].vm, vm_primary);
	assert_int_equal(device_table[3].state, DEVICE_QUARANTINED);
	assert_false(vm_primary->cpu_pt.ops->lookup(&vm_primary->cpu_pt, bench_bar(3), bench_bar(3), &run));
	assert_false(vm_primary->dma_pt.ops->lookup(&vm_primary->dma_pt, bench_bar(3), bench_bar(3), &run));
	bench_faults(3, 0, bench_page(1), SMMU_C_BAD_STE);
	assert_status(pc_dev_release(3), PC_BUSY);
}

/* Behind an IOMMU that never answers no table of the primary makes room for a block: it would be lost for nothing. */
static void V3_K1_no_table_is_given_up_behind_a_dead_iommu(void **state UNUSED)
{
	u32 cpu, dma;

	boot();
	make();
	bench_donate(vm, AT, bench_block(5) + 0x7000, 1, 0);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pc_vm_donate(vm, AT + PAGE_SIZE, bench_block(5) + 0x8000, 1, 0), PC_IO);
	assert_true(iommu_instance[0].dead);
	cpu = vm_primary->cpu_pt.tables;
	dma = vm_primary->dma_pt.tables;
	bench_destroy(vm);
	assert_int_equal(owned_by(OWNER_VM, bench_block(5), 512), 512);
	assert_int_equal(vm_primary->dma_pt.tables, dma);
	assert_true(vm_primary->cpu_pt.tables < cpu); /* the CPUs' view is whole again */
}

/* A VMID that some IOMMU may still have translations under is nobody's any more. */
static void A8_V3_lost_vmid_is_not_given_again(void **state UNUSED)
{
	u16 paging, id;

	boot();
	build(9);
	paging = vm_find(vm)->paging_vmid;
	assert_int_not_equal(paging, 0);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	bench_destroy(vm);
	while (iommu_id_alloc(&iommu_vmids, &id) == OK)
		assert_int_not_equal(id, paging);
}

/* The IOMMU falls silent somewhere in the middle, at every place there is. */
static void E4_E9_silence_at_every_step(void **state UNUSED)
{
	for (u32 n = 0; n < 60; n += 3)
		IN_CHILD({
			boot();
			build(ARRAY_SIZE(stages));
			smmu_speculate(bench_smmu[0]);
			bench_hardware_fails();
			smmu_inject_silence(bench_smmu[0], n);
			bench_destroy(vm);
		});
}

/* A command fails, and the queue goes on. */
static void E4_C9_an_error_at_every_command(void **state UNUSED)
{
	for (u32 n = 1; n < 30; n++)
		IN_CHILD({
			boot();
			build(ARRAY_SIZE(stages));
			smmu_speculate(bench_smmu[0]);
			bench_hardware_fails();
			smmu_inject_cerror(bench_smmu[0], n, SMMU_CERROR_ABT);
			bench_destroy(vm);
		});
}

/* PASIDs of a VM that ends: each leaves its domain, the context goes with the stream. */
static void E4_D8_pasids_at_work(void **state UNUSED)
{
	u32 d;

	boot_with(bench_pasids());
	make();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	bench_vm_assign(1, vm, 0, 7);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, 0, AT, PAGE_SIZE);
	for (u32 pasid = 0; pasid < 16; pasid += 5)
		assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, pasid, d, 4), PC_SUCCESS);
	bench_destroy(vm);
	bench_check();
	assert_int_equal(device_table[1].endpoint[0].substreams, 0);
	assert_null(device_table[1].endpoint[0].substream);
	bench_lands(1, 0, bench_page(100), bench_page(100));
}

/* The same where hardware says no more: nobody knows what still goes through them, so the device stays out. */
static void E4_D8_pasids_that_cannot_be_taken_back(void **state UNUSED)
{
	u32 d;

	boot_with(bench_pasids());
	make();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	bench_vm_assign(1, vm, 0, 7);
	d = bench_vm_domain(vm);
	bench_vm_map(vm, d, 0, AT, PAGE_SIZE);
	for (u32 pasid = 0; pasid < 16; pasid += 5)
		assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, pasid, d, 4), PC_SUCCESS);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	bench_destroy(vm);
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[1].endpoint[0].substreams, 0);
	assert_int_equal(owned_by(OWNER_HYP, bench_page(100), 1), 1);
}

/* More tables than one step takes: a page here and a page there. */
static void I8_many_tables_go_in_steps(void **state UNUSED)
{
	boot();
	vm = bench_vm_of(0, 256, 1);
	for (u64 i = 0; i < 150; i++)
		bench_donate(vm, AT + i * BLOCK_SIZE, bench_page(300 + i), 1, 0);
	assert_true(bench_destroy(vm) > 8);
	bench_check();
}

/* How many pages the VM still has, and pages of tables: a step of its end takes few of what goes back one by one. */
static void destroy_in_steps(u64 most_pages, u64 most_pool)
{
	const struct vm *v = vm_find(vm);
	u64 pages, tables, left;

	do {
		pages = v->pages;
		tables = v->pool.total_pages - v->pool.free_pages;
		left = pc_vm_destroy(vm).v1;
		assert_true(pages - v->pages <= most_pages);
		if (v->teardown == TEARDOWN_TABLES || v->teardown == TEARDOWN_POOL)
			assert_true(v->pool.total_pages == 0 || tables - (v->pool.total_pages - v->pool.free_pages) <= most_pool);
	} while (left != 0);
	bench_check();
}

/* Every second page of a run is shared: each of them, and what lies between two, goes back alone. */
static void I8_V9_a_run_in_pieces_is_no_longer_step(void **state UNUSED)
{
	boot();
	vm = bench_vm_of(0, 256, 1);
	bench_donate(vm, AT, bench_block(2), 512, 0);
	for (u64 i = 0; i < 512; i += 2)
		assert_status(vm_share(vm, AT + i * PAGE_SIZE, 1), PC_SUCCESS);
	destroy_in_steps(MEMORY_STEP_PAGES / 6, 64);
}

/* Every second page may be reached for ever: what lies between two such goes back alone. */
static void I8_V9_V3_lost_pages_between_are_no_longer_step(void **state UNUSED)
{
	boot();
	vm = bench_vm_of(0, 256, 1);
	bench_donate(vm, AT, bench_block(2), 512, 0);
	bench_vm_assign(0, vm, 0, 100);
	paging = bench_vm_domain(vm);
	for (u64 i = 0; i < 512; i += 2)
		bench_vm_map(vm, paging, i * PAGE_SIZE, AT + i * PAGE_SIZE, PAGE_SIZE);
	bench_vm_attach(vm, 100, paging);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	destroy_in_steps(MEMORY_STEP_PAGES / 3, 64);
}

/* The tables' last step takes no more than any other: what the VM was made of goes in one of its own. */
static void I8_V9_the_last_tables_go_by_themselves(void **state UNUSED)
{
	boot();
	vm = bench_vm_of(0, 256, 1);
	for (u64 i = 0; i < 62; i++)
		bench_donate(vm, AT + i * BLOCK_SIZE, bench_page(300 + i), 1, 0);
	destroy_in_steps(MEMORY_STEP_PAGES, 64);
}

static void boot_large(void)
{
	struct bench_options o = bench_defaults();

	o.ram_bytes = 128ull << 20;
	o.heap_bytes = 16ull << 20;
	boot_with(o);
	oracle_effort(64);
}

/* A table of the primary's that becomes a leaf again takes as long as this many pages. */
#define MERGE_AS_PAGES 32

/* A step ends at the latest with the run, and the block, that takes it beyond what it may. Answers for the blocks in all. */
static u64 destroy_block_by_block(void)
{
	const struct vm *v = vm_find(vm);
	u64 merged = 0, left;

	do {
		u64 pages = v->pages + v->pool.total_pages, tables = vm_primary->cpu_pt.tables, blocks, done;

		left = pc_vm_destroy(vm).v1;
		done = pages - v->pages - v->pool.total_pages;
		blocks = tables > vm_primary->cpu_pt.tables ? tables - vm_primary->cpu_pt.tables : 0;
		assert_true(done + MERGE_AS_PAGES * blocks <= MEMORY_STEP_PAGES + MERGE_AS_PAGES);
		merged += blocks;
	} while (left != 0);
	oracle_effort(1);
	bench_check();
	return merged;
}

/* Single pages, each the only one that the primary has not of its block; every second one is shared with it. */
static void I8_V9_few_blocks_become_whole_in_a_step(void **state UNUSED)
{
	boot_large();
	vm = bench_vm_of(0, 256, 1);
	for (u64 i = 0; i < 30; i++) {
		bench_donate(vm, AT + i * PAGE_SIZE, bench_block(2 + i) + 7 * PAGE_SIZE, 1, 0);
		if (i % 2 == 0)
			assert_status(vm_share(vm, AT + i * PAGE_SIZE, 1), PC_SUCCESS);
	}
	assert_true(destroy_block_by_block() >= 30);
}

/* What lies on both sides of a block's boundary may make either whole: it goes back in two runs. */
static void I8_V9_a_run_across_two_blocks(void **state UNUSED)
{
	boot_large();
	vm = bench_vm_of(0, 256, 1);
	bench_donate(vm, AT, bench_block(4), 116, 0);
	bench_donate(vm, AT + 116 * PAGE_SIZE, bench_block(3) - 2 * PAGE_SIZE, 4, 0);
	bench_donate(vm, AT + 120 * PAGE_SIZE, bench_block(4) + 200 * PAGE_SIZE, 1, 0);
	assert_true(destroy_block_by_block() >= 3);
}

/* The same of a pool that was given page by page. */
static void I8_V9_a_pool_makes_few_blocks_whole_in_a_step(void **state UNUSED)
{
	boot_large();
	vm = bench_vm_of(0, 256, 1);
	for (u64 i = 0; i < 30; i++)
		assert_status(pc_vm_add_pool(vm, bench_block(2 + i) + 7 * PAGE_SIZE, 1), PC_SUCCESS);
	assert_true(destroy_block_by_block() >= 30);
}

/*
 * A VM's device could write to the registers of its other device, and the IOMMU no longer says that this has ended:
 * those registers are lost with the device, and not the primary's.
 */
static void V3_E3_registers_that_may_still_be_written(void **state UNUSED)
{
	const u64 prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
	struct bench_options o = bench_defaults();
	u32 d;

	o.iommus = 2;
	boot_with(o);
	make();
	bench_donate(vm, AT, bench_page(100), 8, 0);
	bench_vm_assign(5, vm, 1, 1);
	bench_vm_assign(3, vm, 0, 1);
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_SUCCESS);
	d = bench_vm_domain(vm);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, 0, AT + BLOCK_SIZE, 0x4000, prot), PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 1, 1, 0, d, 0), PC_SUCCESS);
	assert_int_equal(bench_write(5, 0, 0x1000, 1), SMMU_OK);
	bench_hardware_fails();
	smmu_time(bench_smmu[1], SMMU_STUCK);
	bench_destroy(vm);
	/* Device 3 itself is behind the IOMMU that answers. */
	assert_int_equal(device_table[3].state, DEVICE_QUARANTINED);
	assert_true(device_table[3].mmio_pins > 0);
	assert_non_null(strstr(fake_console, "may still be written"));
	assert_status(pc_dev_info(0, bench_bar(3)), PC_FAULT);
}

#define OP_CFGI_CD 0x05
/* PASIDs of a device are as many as its owner likes: a step of the owner's end detaches some, the stream is at work until all are. */
static void I8_V9_pasids_go_some_a_step(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	const u32 count = 150;
	struct result r;
	u32 d, most = 0;

	o.pasid_bits = 8;
	boot_with(o);
	oracle_effort(64);
	vm = bench_vm_of(0, 256, 1);
	bench_vm_assign(1, vm, 0, 7);
	d = bench_vm_domain(vm);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, 0, d, 8), PC_SUCCESS);
	for (u32 p = 1; p <= count; p++)
		assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, p, d, 0), PC_SUCCESS);
	do {
		u32 before = smmu_cmd_count_op(bench_smmu[0], OP_CFGI_CD, 0), gone;

		r = pc_vm_destroy(vm);
		assert_status(r, PC_SUCCESS);
		gone = smmu_cmd_count_op(bench_smmu[0], OP_CFGI_CD, 0) - before;
		most = gone > most ? gone : most;
	} while (r.v1 != 0);
	assert_in_range(most, 1, 40);
	bench_check();
}

/* A few PASIDs at the ends of a wide table: a step ends by what it has looked at, whatever it has found. */
static void I8_V9_pasids_far_apart_are_looked_for_some_a_step(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	const struct endpoint *e;
	struct result r;
	u32 d;

	o.pasid_bits = 14;
	o.ram_bytes = 64ull << 20;
	boot_with(o);
	oracle_effort(64);
	vm = bench_vm_of(0, 1024, 1);
	bench_vm_assign(1, vm, 0, 7);
	d = bench_vm_domain(vm);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, 0, d, 14), PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 7, 16383, d, 0), PC_SUCCESS);
	e = &device_table[1].endpoint[0];
	do {
		const u32 from = e->pasid_end;

		r = pc_vm_destroy(vm);
		assert_status(r, PC_SUCCESS);
		assert_true(e->pasid_end <= from + 4096);
	} while (r.v1 != 0);
	assert_int_equal(e->substreams, 0);
	bench_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(E4_K4_destroy_at_every_stage),
		cmocka_unit_test(A9_memory_comes_back_scrubbed),
		cmocka_unit_test(K4_hardware_of_every_kind),
		cmocka_unit_test(V2_E4_shared_pages_pinned_by_the_primary),
		cmocka_unit_test(V2_E4_shared_block_pinned_by_the_primary),
		cmocka_unit_test(A1_destroyed_in_mid_dma),
		cmocka_unit_test(E4_D6_destroyed_with_an_unmap_in_flight),
		cmocka_unit_test(I8_resets_in_several_turns),
		cmocka_unit_test(I8_V9_one_reset_ends_in_a_step),
		cmocka_unit_test(E4_F7_storm_between_the_steps),
		cmocka_unit_test(E4_resets_that_fail),
		cmocka_unit_test(V3_E4_hardware_is_silent),
		cmocka_unit_test(V3_E4_shared_page_is_lost),
		cmocka_unit_test(V3_E4_registers_under_a_lost_mapping_stay_away),
		cmocka_unit_test(V3_K1_no_table_is_given_up_behind_a_dead_iommu),
		cmocka_unit_test(A8_V3_lost_vmid_is_not_given_again),
		cmocka_unit_test(E4_E9_silence_at_every_step),
		cmocka_unit_test(E4_C9_an_error_at_every_command),
		cmocka_unit_test(E4_D8_pasids_at_work),
		cmocka_unit_test(E4_D8_pasids_that_cannot_be_taken_back),
		cmocka_unit_test(I8_V9_pasids_far_apart_are_looked_for_some_a_step),
		cmocka_unit_test(I8_many_tables_go_in_steps),
		cmocka_unit_test(I8_V9_a_run_in_pieces_is_no_longer_step),
		cmocka_unit_test(I8_V9_V3_lost_pages_between_are_no_longer_step),
		cmocka_unit_test(I8_V9_the_last_tables_go_by_themselves),
		cmocka_unit_test(I8_V9_few_blocks_become_whole_in_a_step),
		cmocka_unit_test(I8_V9_a_run_across_two_blocks),
		cmocka_unit_test(I8_V9_a_pool_makes_few_blocks_whole_in_a_step),
		cmocka_unit_test(I8_V9_pasids_go_some_a_step),
		cmocka_unit_test(V3_E3_registers_that_may_still_be_written),
	};

	return SUITE("teardown", cases);
}
