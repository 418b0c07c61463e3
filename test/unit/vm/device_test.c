/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices of secondaries: groups, resets, names, MMIO, lines, configuration space, quarantine. */
#include <sys/mman.h>

#include "bench_vm.h"
#include "suite.h"

#define AT 0x80000000ull

static u32 vm;

/* Devices 2 and 3 cannot be told apart by the fabric: one group. */
static void one_group(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x718 || pci_function[i].sid == 0x720)
			pci_function[i].group = 2;
}

static void boot_with(struct bench_options o)
{
	o.change = one_group;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	bench_donate(vm, AT, bench_page(100), 16, 0);
}

static void boot(void) { boot_with(bench_defaults()); }

static void end(void)
{
	bench_destroy(vm);
	oracle_effort(1);
	bench_check();
	for (u32 i = 0; i < device_count; i++) {
		assert_ptr_equal(device_table[i].vm, vm_primary);
		assert_int_equal(device_table[i].state, DEVICE_UNASSIGNED);
		assert_false(bench_intx_denied[i]);
	}
}

static void E1_claim_of_a_group(void **state UNUSED)
{
	struct pc_dev_info *info;
	u32 other;

	boot();
	other = bench_vm(128);
	bench_lands(3, 0, bench_page(300), bench_page(300));
	bench_master[3] = true; /* at work for the primary */
	bench_vm_assign(2, vm, 0, 100);
	/* The other is nobody's meanwhile: no DMA, no MMIO, no bus mastering, no interrupt. */
	bench_faults(3, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_false(bench_master[3]);
	assert_true(bench_intx_denied[3]);
	info = bench_ptr(bench_page(301));
	info->size = sizeof(*info);
	assert_status(pc_dev_info(3, bench_page(301)), PC_SUCCESS);
	assert_int_equal(info->flags, PC_DEV_CLAIMED);
	assert_status(pc_dev_req_mmio(bench_bar(3)), PC_NOT_FOUND);
	assert_status(pc_dev_info(3, bench_bar(3)), PC_FAULT);
	assert_status(pv_map(bench_domain(), 0, bench_bar(3), PAGE_SIZE,
			     PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ),
		      PC_DENIED);
	assert_status(pc_vm_finalise(vm), PC_BUSY);
	assert_status(pc_vcpu_run(vm, 0, (bench_exit(), BENCH_EXIT)), PC_BUSY);
	assert_status(pc_dev_assign(3, other, 0), PC_BUSY);
	assert_status(pc_dev_assign(3, 1, 0), PC_BUSY);
	assert_status(pc_dev_assign(2, other, 0), PC_BUSY);
	assert_status(pc_dev_assign(2, 1, 0), PC_BUSY);
	assert_status(pc_dev_assign(2, vm, 0), PC_EXISTS);
	assert_status(pc_dev_assign(2, vm, 1), PC_BUSY);
	assert_status(pc_dev_release(3), PC_NOT_FOUND);
	assert_status(pc_dev_vsid(3, 0, 7), PC_NOT_FOUND);
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_NOT_FOUND);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_NOT_FOUND);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_BUSY);
	assert_status(pc_dev_vsid(3, 0, 201), PC_BUSY);
	assert_status(pc_dev_assign(4, vm, 0), PC_BUSY);
	bench_destroy(other);
	end();
	bench_lands(3, 0, bench_page(300), bench_page(300));
}

/* What is given back waits for the last of its group. */
static void E1_release_of_a_group(void **state UNUSED)
{
	boot();
	bench_reset_turns = 2;
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_int_equal(pc_dev_release(2).v1, 1);
	assert_status(pc_dev_assign(2, vm, 0), PC_BUSY);
	assert_status(pc_vm_finalise(vm), PC_BUSY);
	while (pc_dev_release(2).v1 == 1)
		;
	assert_int_equal(device_table[2].state, DEVICE_CLAIMED);
	bench_faults(2, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_status(pc_dev_release(2), PC_NOT_FOUND);
	bench_vm_assign(2, vm, 0, 101); /* the name is free again, and another may be given */
	while (pc_dev_release(2).v1 == 1)
		;
	while (pc_dev_release(3).v1 == 1)
		;
	assert_int_equal(device_table[2].state, DEVICE_UNASSIGNED);
	assert_int_equal(device_table[3].state, DEVICE_UNASSIGNED);
	bench_lands(2, 0, bench_page(300), bench_page(300));
	bench_lands(3, 0, bench_page(300), bench_page(300));
	end();
}

/* Mapped for the primary's DMA, or assigned to it: the whole claim is refused, and nothing has moved. */
static void I4_E2_claim_refused_as_a_whole(void **state UNUSED)
{
	u32 d, resets;

	boot();
	d = bench_domain();
	assert_status(pv_map(d, 0, bench_bar(3), PAGE_SIZE, PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ),
		      PC_SUCCESS);
	resets = smmu_cmd_count(bench_smmu[0]);
	assert_status(pc_dev_assign(2, vm, 0), PC_BUSY);
	/* Not even for a moment: the primary's device went on. */
	assert_int_equal(smmu_cmd_count(bench_smmu[0]), resets);
	assert_status(pc_dev_assign(3, vm, 0), PC_BUSY);
	bench_unmap(d, 0, PAGE_SIZE);
	bench_assign(3, 0, 7);
	assert_status(pc_dev_assign(2, vm, 0), PC_BUSY);
	assert_status(pc_dev_release(3), PC_SUCCESS);
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	end();
}

static void I3_assign_statuses(void **state UNUSED)
{
	boot();
	assert_status(pc_dev_assign(7, vm, 0), PC_NOT_FOUND);
	assert_status(pc_dev_assign(2, vm + 1, 0), PC_NOT_FOUND);
	assert_status(pc_dev_assign(2, vm, 8), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(6, vm, 0), PC_DENIED); /* nobody knows its reset */
	assert_int_equal(device_table[6].vm == vm_primary, 1);
	bench_vm_assign(1, vm, 0, 100);
	assert_status(pc_dev_vsid(1, 0, 101), PC_EXISTS);
	assert_status(pc_dev_vsid(1, 1, 101), PC_NOT_FOUND);
	assert_int_equal(pc_dev_assign(0, vm, 0).v1, 0);
	assert_status(pc_dev_vsid(0, 0, 100), PC_EXISTS);
	assert_status(pc_dev_vsid(0, 0, 1ull << 32), PC_INVALID_PARAMETER);
	assert_status(pc_dev_vsid(0, 0, 101), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 101), PC_EXISTS);
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	assert_status(pc_dev_assign(4, vm, 0), PC_BUSY);
	end();
}

/* A pvIOMMU is one IOMMU; the same name under another is another endpoint. */
static void D1_V7_two_iommus_and_two_vms(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 other, d, e;

	o.iommus = 2;
	boot_with(o);
	other = bench_vm(128);
	bench_donate(other, AT, bench_page(200), 16, 0);
	bench_vm_assign(4, vm, 0, 100);
	assert_status(pc_dev_assign(5, vm, 0), PC_INVALID_PARAMETER);
	bench_vm_assign(5, vm, 1, 100);
	bench_vm_assign(0, other, 0, 100);
	d = bench_vm_domain(vm);
	e = bench_vm_domain(other);
	bench_vm_map(vm, d, 0, AT, PAGE_SIZE);
	bench_vm_map(other, e, 0, AT, PAGE_SIZE);
	bench_vm_attach(vm, 100, d);
	bench_vm_attach(other, 100, e);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 1, 100, 0, d, 0), PC_SUCCESS);
	/* One number, three streams, two VMs. */
	bench_lands(4, 0, 8, bench_page(100) + 8);
	bench_lands(5, 0, 16, bench_page(100) + 16);
	bench_lands(0, 0, 24, bench_page(200) + 24);
	bench_faults(0, 1, 0, SMMU_C_BAD_STE); /* named, not attached */
	/* Foreign names and domains are no names. */
	assert_status(vm_pv(other, PVIOMMU_ATTACH_DEV, 1, 100, 0, e, 0), PC_NOT_FOUND);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 101, 0, d, 0), PC_NOT_FOUND);
	assert_status(vm_pv(vm, PVIOMMU_DETACH_DEV, 0, 101, 0, e, 0), PC_NOT_FOUND);
	assert_status(pv_attach(0, 100, 0, d, 0), PC_NOT_FOUND);
	assert_status(vm_pv(vm, PVIOMMU_FREE_DOMAIN, d, 0, 0, 0, 0), PC_BUSY);
	assert_status(vm_pv(other, PVIOMMU_QUERY, 1, 0, 0, 0, 0), PC_NOT_FOUND);
	assert_status(bench_call_vm(other, PC_DEV_REQ_DMA, 1, 100, 0, 0, 0, 0), PC_NOT_FOUND);
	assert_status(bench_call_vm(other, PC_DEV_REQ_DMA, 0, 100, 0, 0, 0, 0), PC_SUCCESS);
	/* A is gone; B's device goes on. */
	bench_destroy(vm);
	bench_lands(0, 0, 24, bench_page(200) + 24);
	vm = other;
	end();
}

static void V1_E3_quarantine_on_a_failing_reset(void **state UNUSED)
{
	boot();
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(bench_assign_until_done(2, vm, 0), PC_IO);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_DEV_QUARANTINED, 0).v1, 1);
	assert_false(bench_master[2]);
	bench_faults(2, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_status(pc_dev_assign(2, vm, 0), PC_DENIED);
	assert_status(pc_dev_vsid(2, 0, 1), PC_DENIED);
	assert_status(pc_dev_map_mmio(2, 0, AT + BLOCK_SIZE), PC_NOT_FOUND);
	assert_status(pc_dev_release(2), PC_IO);
	/* It goes to the primary with its VM, and stays blocked there. */
	bench_destroy(vm);
	assert_ptr_equal(device_table[2].vm, vm_primary);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	bench_faults(2, 0, bench_page(300), SMMU_C_BAD_STE);
	/* The other of its group has to be reset before it goes home, and that fails as well. */
	assert_int_equal(device_table[3].state, DEVICE_QUARANTINED);
	bench_faults(3, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_status(pc_dev_info(0, bench_bar(2)), PC_FAULT);
	vm = bench_vm(0);
	assert_status(pc_dev_assign(3, vm, 0), PC_DENIED);
	bench_reset_status = OK;
	assert_status(pc_dev_release(3), PC_SUCCESS);
	bench_lands(3, 0, bench_page(300), bench_page(300));
	assert_status(pc_dev_assign(3, vm, 0), PC_DENIED); /* one of its group is in quarantine */
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_lands(2, 0, bench_page(300), bench_page(300));
	bench_vm_assign(3, vm, 0, 1);
	end();
}

/* A device in quarantine is no claim that is still open: its VM goes on without it. */
static void E3_a_vm_with_a_device_in_quarantine_is_finalised(void **state UNUSED)
{
	boot();
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(bench_assign_until_done(1, vm, 0), PC_IO);
	bench_reset_status = OK;
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	bench_destroy(vm);
}

/* The lines that tell of events are the primary's to handle: a secondary learns of none. */
static void F7_no_line_of_the_machine_is_named_to_a_secondary(void **state UNUSED)
{
	boot();
	bench_vm_assign(1, vm, 0, 7);
	assert_true(machine->event_irq_count > 0);
	assert_status(vm_pv(vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_EVENT_IRQ, 0, 0, 0), PC_NOT_FOUND);
	end();
}

/* On its way home from another VM a device is the primary's by name only: no DMA of the primary's reaches its registers. */
static void V1_I3_mmio_on_its_way_home_is_not_mapped(void **state UNUSED)
{
	u32 d;

	boot();
	bench_quarantine_expected();
	d = bench_domain();
	bench_reset_status = E_IO;
	assert_status(bench_assign_until_done(2, vm, 0), PC_IO);
	bench_destroy(vm);
	assert_status(pv_map(d, 0, bench_bar(2), PAGE_SIZE, PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ), PC_DENIED);
	bench_reset_status = OK;
	bench_reset_turns = 2;
	assert_int_equal(pc_dev_release(2).v1, 1);
	assert_status(pv_map(d, 0, bench_bar(2), PAGE_SIZE, PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ), PC_DENIED);
	while (pc_dev_release(2).v1 == 1)
		;
	assert_int_equal(device_table[2].state, DEVICE_UNASSIGNED);
	assert_status(pv_map(d, 0, bench_bar(2), PAGE_SIZE, PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ), PC_SUCCESS);
	bench_unmap(d, 0, PAGE_SIZE);
	bench_check();
}

/* What was reset while another of its group was at work is reset again before it goes home. */
static void E6_group_is_reset_when_all_of_it_is_idle(void **state UNUSED)
{
	u32 before;

	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	before = bench_resets;
	assert_status(pc_dev_release(2), PC_SUCCESS);
	assert_int_equal(bench_resets, before + 1);
	assert_int_equal(device_table[2].state, DEVICE_CLAIMED);
	assert_false(device_table[2].clean);
	assert_status(bench_release_until_done(3), PC_SUCCESS);
	assert_int_equal(bench_resets, before + 3);
	assert_int_equal(device_table[2].state, DEVICE_UNASSIGNED);
	assert_int_equal(device_table[3].state, DEVICE_UNASSIGNED);
	end();
}

/* F7: given back, a device has no line, also while others of its group are still at work. */
/* A member in its owner's reset is at work: another that is given back meanwhile is not clean by its own. */
static void E6_a_member_in_its_owners_reset_is_at_work(void **state UNUSED)
{
	struct hcall_args reset = { { PC_DEV_RESET, 0, 200 } };

	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	bench_reset_turns = 3;
	assert_false(hyp_hypercall(vm_vcpu(vm_find(vm), 0), &reset));
	bench_reset_turns = 0;
	assert_int_equal(device_table[3].state, DEVICE_RESETTING);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	assert_int_equal(device_table[2].state, DEVICE_CLAIMED);
	assert_false(device_table[2].clean);
	assert_status(bench_call_vm(vm, PC_DEV_RESET, 0, 200, 0, 0, 0, 0), PC_SUCCESS);
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	end();
}

static void F7_released_device_has_no_line_while_its_group_is_at_work(void **state UNUSED)
{
	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_irq(2, 0, 40), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	assert_int_equal(device_table[2].state, DEVICE_CLAIMED);
	assert_int_equal(fake_vm_calls.take, 1);
	assert_int_equal(device_table[2].irq_given[0], 0);
	assert_true(bench_intx_denied[2]);
	end();
}

/* V1: the registers of a device in quarantine are nobody's to map, not even by its owner. */
static void V1_E3_registers_in_quarantine_are_nobodys(void **state UNUSED)
{
	const u64 prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
	u32 d;

	boot();
	d = bench_domain();
	assert_status(pv_map(d, 0, bench_bar(1), PAGE_SIZE, prot), PC_SUCCESS);
	bench_unmap(d, 0, PAGE_SIZE);
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(pc_dev_assign(1, 1, 0), PC_IO);
	bench_reset_status = OK;
	assert_int_equal(device_table[1].state, DEVICE_QUARANTINED);
	assert_ptr_equal(device_table[1].vm, vm_primary);
	assert_status(pv_map(d, 0, bench_bar(1), PAGE_SIZE, prot), PC_DENIED);
	assert_status(pc_dev_req_mmio(bench_bar(1)), PC_NOT_FOUND);
	assert_status(pc_dev_release(1), PC_SUCCESS);
	assert_status(pv_map(d, 0, bench_bar(1), PAGE_SIZE, prot), PC_SUCCESS);
	bench_unmap(d, 0, PAGE_SIZE);
	end();
}

static bool primary_has(u64 at)
{
	struct pt_run cpu, dma;
	bool has = vm_primary->cpu_pt.ops->lookup(&vm_primary->cpu_pt, at, at, &cpu);

	assert_int_equal(has, vm_primary->dma_pt.ops->lookup(&vm_primary->dma_pt, at, at, &dma));
	return has;
}

/* The IOMMU falls silent between two ranges of a device's MMIO: the claim takes both from the primary or none. */
static void claim_with_silence_after(u32 steps)
{
	bool has;

	boot();
	bench_hardware_fails();
	smmu_inject_silence(bench_smmu[0], steps);
	(void)bench_assign_until_done(3, vm, 0);
	has = primary_has(bench_bar(3));
	assert_int_equal(primary_has(bench_bar(3) + 0x80000), has);
	assert_int_equal(has, !device_table[3].mmio_away);
	if (steps == 0)
		assert_true(has);
	if (steps == 23)
		assert_false(has);
}

static void E4_claim_takes_all_registers_or_none(void **state UNUSED)
{
	for (u32 steps = 0; steps < 24; steps++)
		IN_CHILD(claim_with_silence_after(steps));
}

static void E3_release_that_fails(void **state UNUSED)
{
	boot();
	bench_quarantine_expected();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	bench_reset_status = E_IO;
	assert_status(pc_dev_release(2), PC_IO);
	bench_reset_status = OK;
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_status(pc_dev_release(3), PC_SUCCESS);
	assert_status(bench_release_until_done(2), PC_SUCCESS);
	end();
}

/* Hardware that does not block a stream: the claim fails, the device is nobody's. */
static void E3_claim_io(void **state UNUSED)
{
	boot();
	smmu_speculate(bench_smmu[0]);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pc_dev_assign(1, vm, 0), PC_IO);
	assert_ptr_equal(device_table[1].vm, vm_primary);
	bench_destroy(vm);
}

/* --- MMIO */

static void big_bar(struct machine *m)
{
	one_group(m);
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x900)
			pci_function[i].bar[0] = (struct pci_bar){ .addr = 0x20000000,
								   .size = 4 * BLOCK_SIZE,
								   .space = PCI_MEM32 };
}

static void I3_V1_map_mmio(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 window, last;

	o.change = big_bar;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	bench_donate(vm, AT, bench_page(100), 16, 0);
	window = pc_vmm_query(PC_VMM_Q_WINDOW_BASE, 0).v1;
	last = 1ull << pc_vmm_query(PC_VMM_Q_IPA_BITS, 0).v1;
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_NOT_FOUND);
	bench_assign(1, 0, 5);
	assert_status(pc_dev_map_mmio(1, 0, AT + BLOCK_SIZE), PC_NOT_FOUND); /* the primary's */
	bench_vm_assign(3, vm, 0, 100);
	bench_vm_assign(2, vm, 0, 200);
	bench_vm_assign(5, vm, 0, 300);
	assert_status(pc_dev_map_mmio(7, 0, AT + BLOCK_SIZE), PC_NOT_FOUND);
	assert_status(pc_dev_map_mmio(3, 2, AT + BLOCK_SIZE), PC_NOT_FOUND);
	assert_status(pc_dev_map_mmio(3, 1ull << 32, AT + BLOCK_SIZE), PC_NOT_FOUND);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8), PC_INVALID_PARAMETER);
	assert_status(pc_dev_map_mmio(3, 0, last - PAGE_SIZE), PC_INVALID_PARAMETER);
	assert_status(pc_dev_map_mmio(3, 0, ~0xfffull), PC_INVALID_PARAMETER);
	assert_status(pc_dev_map_mmio(3, 0, window - PAGE_SIZE), PC_INVALID_PARAMETER);
	assert_status(pc_dev_map_mmio(3, 0, AT), PC_EXISTS);
	assert_status(pc_dev_map_mmio(3, 0, AT - PAGE_SIZE), PC_EXISTS);
	assert_status(pc_dev_release(1), PC_SUCCESS);
	assert_int_equal(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE).v1, 4);
	assert_int_equal(pc_dev_map_mmio(3, 1, AT + BLOCK_SIZE + 0x4000).v1, 1);
	assert_status(pc_dev_map_mmio(3, 0, AT + 2 * BLOCK_SIZE), PC_EXISTS);
	assert_status(pc_dev_map_mmio(2, 0, AT + BLOCK_SIZE), PC_EXISTS);
	assert_status(pc_vm_donate(vm, AT + BLOCK_SIZE, bench_page(300), 1, 0), PC_EXISTS);
	/* Above 2 MiB it must lie as the device's does, so that it is blocks. */
	assert_status(pc_dev_map_mmio(5, 0, AT + 8 * BLOCK_SIZE + PAGE_SIZE), PC_INVALID_PARAMETER);
	assert_int_equal(pc_dev_map_mmio(5, 0, AT + 8 * BLOCK_SIZE).v1, 4 * 512);
	/* The VM knows it by its own addresses. */
	assert_int_equal(bench_call_vm(vm, PC_DEV_REQ_MMIO, AT + BLOCK_SIZE + 0x2000, 0, 0, 0, 0, 0).v1,
			 device_mmio_token(&device_table[3], 0) + 0x2000);
	assert_int_equal(bench_call_vm(vm, PC_DEV_REQ_MMIO, AT + BLOCK_SIZE + 0x4000, 0, 0, 0, 0, 0).v1,
			 device_mmio_token(&device_table[3], 1));
	assert_status(bench_call_vm(vm, PC_DEV_REQ_MMIO, bench_bar(3), 0, 0, 0, 0, 0), PC_NOT_FOUND);
	assert_status(bench_call_vm(vm, PC_DEV_REQ_MMIO, AT, 0, 0, 0, 0, 0), PC_NOT_FOUND);
	/* Released: it has left the view. */
	assert_status(pc_dev_release(5), PC_SUCCESS);
	bench_donate(vm, AT + 8 * BLOCK_SIZE, bench_page(300), 1, 0);
	end();
}

/* Mapped by DMA of another device of the VM, it goes nowhere. */
static void A6_D11_peer_to_peer(void **state UNUSED)
{
	const u64 prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
	struct result r;
	u32 d;

	boot();
	bench_vm_assign(2, vm, 0, 200);
	bench_vm_assign(3, vm, 0, 300);
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_SUCCESS);
	d = bench_vm_domain(vm);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, 0, AT + BLOCK_SIZE, 0x4000, prot), PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, BLOCK_SIZE, AT + BLOCK_SIZE, 0x5000, prot), PC_DENIED);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, BLOCK_SIZE, bench_bar(3), 0x1000, prot), PC_DENIED);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, BLOCK_SIZE, AT, 0x1000, prot), PC_DENIED);
	assert_status(vm_pv(vm, PVIOMMU_MAP_PAGES, d, BLOCK_SIZE, AT + BLOCK_SIZE, 0x1000, BENCH_RW),
		      PC_FAULT);
	r = vm_pv(vm, PVIOMMU_IOVA_TO_IPA, d, 0x2010, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, AT + BLOCK_SIZE + 0x2010);
	assert_status(pc_dev_release(3), PC_BUSY);
	bench_vm_attach(vm, 200, d);
	assert_int_equal(bench_write(2, 0, 0x1000, 1), SMMU_OK);
	/* Destroyed with it: the mapping is gone before the device is anybody's again (oracle). */
	end();
}

/* --- lines */

static void I3_F4_lines(void **state UNUSED)
{
	boot();
	/* Devices 1 and 5 share line 36, device 2 alone has 37. */
	assert_int_equal(device_table[1].irq[0], device_table[5].irq[0]);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_NOT_FOUND);
	bench_vm_assign(1, vm, 0, 100);
	assert_true(bench_intx_denied[1]);
	/* The primary's device could drive it. */
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY);
	assert_int_equal(fake_vm_calls.give, 0);
	bench_vm_assign(5, vm, 1, 100);
	assert_status(pc_dev_map_irq(7, 0, 40), PC_NOT_FOUND);
	assert_status(pc_dev_map_irq(1, 1, 40), PC_NOT_FOUND);
	fake_irq_give_status = E_INVAL;
	assert_status(pc_dev_map_irq(1, 0, 3), PC_INVALID_PARAMETER);
	fake_irq_give_status = E_BUSY;
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY);
	assert_true(bench_intx_denied[1]);
	fake_irq_give_status = OK;
	assert_status(pc_dev_map_irq(1, 0, 40), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.give_physical, device_table[1].irq[0]);
	assert_false(bench_intx_denied[1]);
	assert_true(bench_intx_denied[5]);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_EXISTS);
	assert_status(pc_dev_map_irq(5, 0, 41), PC_EXISTS);
	assert_status(pc_dev_map_irq(5, 0, 40), PC_SUCCESS);
	assert_false(bench_intx_denied[5]);
	/* One of the two goes: neither drives the line any more. */
	assert_status(pc_dev_release(5), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.take, 1);
	assert_int_equal(fake_vm_calls.take_physical, 36);
	assert_true(bench_intx_denied[1]);
	assert_false(bench_intx_denied[5]);
	end();
}

/* F: three owners on one line; each is BUSY until the line is one VM's. */
static void three_on_a_line(struct machine *m)
{
	one_group(m);
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x710 || pci_function[i].sid == 0x600 ||
		    pci_function[i].sid == 0x900)
			pci_function[i].intid = 60;
}

static void F7_three_owners_on_one_line(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 other;

	o.change = three_on_a_line;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	other = bench_vm(128);
	bench_vm_assign(1, vm, 0, 1);
	bench_vm_assign(4, other, 0, 1);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY);
	assert_status(pc_dev_map_irq(4, 0, 40), PC_BUSY);
	assert_status(pc_dev_release(4), PC_SUCCESS);
	bench_vm_assign(4, vm, 0, 2);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY); /* still the primary's device 5 */
	bench_vm_assign(5, vm, 0, 3);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_SUCCESS);
	assert_status(pc_dev_map_irq(4, 0, 40), PC_SUCCESS);
	assert_status(pc_dev_map_irq(5, 0, 40), PC_SUCCESS);
	bench_destroy(other);
	end();
	assert_int_equal(fake_vm_calls.give, fake_vm_calls.take);
}

static void F7_storm_quarantines(void **state UNUSED)
{
	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_irq(2, 0, 40), PC_SUCCESS);
	bench_vm_attach(vm, 100, bench_vm_domain(vm));
	hyp_irq_storm(38, vm_find(vm)); /* nobody's who was given it */
	assert_int_equal(device_table[2].state, DEVICE_ASSIGNED);
	hyp_irq_storm(device_table[2].irq[0], vm_primary); /* the VM lost it meanwhile */
	assert_int_equal(device_table[2].state, DEVICE_ASSIGNED);
	hyp_irq_storm(device_table[2].irq[0], vm_find(vm));
	bench_check();
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	bench_destroy(vm);
	assert_int_equal(fake_vm_calls.take, 1);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_check();
}

static void two_lines(struct machine *m)
{
	one_group(m);
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x709)
			pci_function[i].intid = 61;
}

/* Of a device of several lines it is the one that is given that counts. */
static void F7_storm_on_one_of_two_lines(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = two_lines;
	bench_boot(&o);
	vm = bench_vm(0);
	bench_vm_assign(0, vm, 0, 100);
	assert_int_equal(device_table[0].irq_count, 2);
	assert_int_equal(device_table[0].irq[1], 61);
	assert_status(pc_dev_map_irq(0, 1, 40), PC_SUCCESS);
	hyp_irq_storm(device_table[0].irq[0], vm_find(vm));
	assert_int_equal(device_table[0].state, DEVICE_ASSIGNED);
	hyp_irq_storm(61, vm_find(vm));
	assert_int_equal(device_table[0].state, DEVICE_QUARANTINED);
	bench_destroy(vm);
}

/* --- DEV_CONFIG and DEV_RESET */

#define CONFIG(offset, width) ((offset) | (u64)(width) << 16)
#define CONFIG_WRITE          (1ull << 24)

static void I2_I3_config(void **state UNUSED)
{
	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(vm_config(vm, 0, 99, CONFIG(0, 4), 0), PC_NOT_FOUND);
	assert_status(vm_config(vm, 1, 100, CONFIG(0, 4), 0), PC_NOT_FOUND);
	assert_status(vm_config(vm, 8, 100, CONFIG(0, 4), 0), PC_NOT_FOUND);
	assert_status(vm_config(vm, 1ull << 32, 100, CONFIG(0, 4), 0), PC_NOT_FOUND);
	assert_status(vm_config(vm, 0, 100, CONFIG(0, 0), 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(0, 3), 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(0, 8), 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(2, 4), 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(4096, 4), 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(0, 4) | 1ull << 25, 0), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(0, 4) | 1ull << 63, 0), PC_INVALID_PARAMETER);
	assert_int_equal(vm_config(vm, 0, 100, CONFIG(4092, 4), BENCH_POISON).v1, 0xffffffff);
	assert_status(vm_config(vm, 0, 100, CONFIG(4095, 1), 0), PC_SUCCESS);
	assert_status(vm_config(vm, 0, 100, CONFIG(4, 2) | CONFIG_WRITE, 0xffff), PC_SUCCESS);
	/* Nothing is silently narrowed. */
	assert_status(vm_config(vm, 0, 100, CONFIG(4, 2) | CONFIG_WRITE, 0x10000), PC_INVALID_PARAMETER);
	assert_status(vm_config(vm, 0, 100, CONFIG(4, 4) | CONFIG_WRITE, 1ull << 32),
		      PC_INVALID_PARAMETER);
	/* The primary's are not the VM's, nor the other way round. */
	bench_assign(1, 0, 300);
	assert_status(vm_config(vm, 0, 300, CONFIG(0, 4), 0), PC_NOT_FOUND);
	assert_status(bench_call(PC_DEV_CONFIG, 0, 100, CONFIG(0, 4), 0, 0, 0), PC_NOT_FOUND);
	assert_status(bench_call(PC_DEV_CONFIG, 0, 300, CONFIG(0, 4), 0, 0, 0), PC_SUCCESS);
	assert_status(pc_dev_release(1), PC_SUCCESS);
	end();
}

static void E6_reset_by_the_owner(void **state UNUSED)
{
	u32 d, resets;

	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_irq(2, 0, 40), PC_SUCCESS);
	assert_status(vm_reset(vm, 0, 99), PC_NOT_FOUND);
	assert_status(vm_reset(vm, 8, 100), PC_NOT_FOUND);
	assert_status(vm_reset(vm, 0, 1ull << 32 | 100), PC_NOT_FOUND);
	assert_status(bench_call(PC_DEV_RESET, 0, 100, 0, 0, 0, 0), PC_NOT_FOUND);
	d = bench_vm_domain(vm);
	bench_vm_attach(vm, 100, d);
	assert_status(vm_reset(vm, 0, 100), PC_BUSY);
	assert_status(vm_pv(vm, PVIOMMU_DETACH_DEV, 0, 100, 0, d, 0), PC_SUCCESS);
	bench_reset_turns = 3;
	resets = bench_resets;
	assert_status(vm_reset(vm, 0, 100), PC_SUCCESS);
	assert_int_equal(bench_resets, resets + 4);
	assert_true(bench_master[2]);
	assert_false(bench_intx_denied[2]);
	bench_vm_attach(vm, 100, d);
	assert_status(vm_pv(vm, PVIOMMU_DETACH_DEV, 0, 100, 0, d, 0), PC_SUCCESS);
	bench_quarantine_expected();
	bench_reset_turns = 0;
	bench_reset_status = E_IO;
	assert_status(vm_reset(vm, 0, 100), PC_IO);
	bench_reset_status = OK;
	assert_status(vm_reset(vm, 0, 100), PC_DENIED);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 100, 0, d, 0), PC_DENIED);
	bench_destroy(vm);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_check();
}

/* Devices 3 and 5 in other slots, with other streams. */
static void elsewhere(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].rid == 0x020 || pci_function[i].rid == 0x900) {
			pci_function[i].rid += 0x40;
			pci_function[i].requester += 0x40;
			pci_function[i].sid += 0x40;
		}
}

static void tokens_of(u32 device, u32 pviommu, u64 *token)
{
	struct result r = bench_call_vm(vm, PC_DEV_REQ_DMA, pviommu, 100 + device, 0, 0, 0, 0);

	assert_status(r, PC_SUCCESS);
	token[0] = r.v1;
	token[1] = r.v2;
	token[2] = device_mmio_token(&device_table[device], 0);
}

/* Of devices 3 and 5, which are alike. */
static void tokens_with(void (*change)(struct machine *m), u64 token[2][3])
{
	struct bench_options o = bench_defaults();

	o.change = change;
	bench_boot(&o);
	vm = bench_vm(0);
	for (u32 i = 0; i < 2; i++) {
		bench_vm_assign(3 + 2 * i, vm, i, 103 + 2 * i);
		tokens_of(3 + 2 * i, i, token[i]);
	}
}

static void V6_tokens_say_what_a_device_is_and_not_where(void **state UNUSED)
{
	u64(*token)[2][3] = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	IN_CHILD(tokens_with(NULL, token[0]));
	IN_CHILD(tokens_with(elsewhere, token[1]));
	assert_memory_equal(token[0], token[1], sizeof(token[0]));
	/* And they tell devices of one kind apart. */
	for (u32 k = 0; k < 3; k++)
		assert_int_not_equal(token[0][0][k], token[0][1][k]);
}

/* E3: an owner's reset that fails: the device is nobody's at once, with its streams, its MMIO and its interrupt line. */
static void E3_reset_by_its_owner_fails(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct hcall_args args;
	u32 vm, domain, taken;

	bench_boot(&o);
	vm = bench_vm(0);
	bench_donate(vm, 0x80000000, bench_page(100), 4, 0);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_mmio(3, 0, 0x90000000), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_SUCCESS);
	domain = bench_vm_domain(vm);
	/* While it is being reset nothing is attached to it. */
	bench_reset_turns = 1;
	args = (struct hcall_args){ { PC_DEV_RESET, 0, 200 } };
	assert_false(hyp_hypercall(vm_vcpu(vm_find(vm), 0), &args));
	bench_check();
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 200, 0, domain, 0), PC_BUSY);
	assert_status(vm_reset(vm, 0, 200), PC_SUCCESS);
	bench_reset_turns = 0;
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	taken = fake_vm_calls.take;
	assert_status(vm_reset(vm, 0, 200), PC_IO);
	bench_reset_status = OK;
	assert_int_equal(device_table[3].state, DEVICE_QUARANTINED);
	assert_int_equal(fake_vm_calls.take, taken + 1);
	assert_int_equal(device_table[3].irq_given[0], 0);
	assert_true(device_table[3].mmio_ipa[0] == DEVICE_UNMAPPED);
	assert_status(vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 200, 0, domain, 0), PC_DENIED);
	bench_destroy(vm);
}

/* Do the primary's CPUs and devices have this, of 1 and 2? */
static u32 views_with(u64 at)
{
	struct pt_run run;

	return vm_primary->cpu_pt.ops->lookup(&vm_primary->cpu_pt, at, at, &run) +
	       2u * vm_primary->dma_pt.ops->lookup(&vm_primary->dma_pt, at, at, &run);
}

static void assign_with_silence_from(u32 n)
{
	const struct device *d = &device_table[3];
	struct result r;

	boot();
	/* Devices have been at each other's registers, which all caches may hold. */
	(void)bench_write(2, 0, bench_bar(3), 0);
	(void)bench_write(2, 0, bench_bar(3) + 0x80000, 0);
	bench_hardware_fails();
	smmu_inject_silence(bench_smmu[0], n);
	r = bench_assign_until_done(3, vm, 0);
	assert_true(r.status == PC_SUCCESS || r.status == PC_IO);
	assert_true(r.status == PC_SUCCESS || d->state == DEVICE_UNASSIGNED || d->state == DEVICE_QUARANTINED);
	/* Refused at its registers it is the primary's as before, with both ranges; later it is nobody's, with none. */
	assert_int_equal(d->mmio_away != 0, d->state != DEVICE_UNASSIGNED);
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(views_with(d->mmio[i].base), d->mmio_away ? 0 : 3);
}

/* The IOMMU falls silent at each command of an assignment, between the device's two ranges too. */
static void E3_silence_at_every_step_of_an_assignment(void **state UNUSED)
{
	for (u32 n = 0; n < 24; n++)
		IN_CHILD(assign_with_silence_from(n));
}

/* A vCPU that is still inside asks for a reset while its VM's device is reset to be taken away: it has no name by then. */
static void E4_reset_by_an_owner_that_ends(void **state UNUSED)
{
	boot();
	bench_vm_assign(2, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	bench_reset_turns = 3;
	for (u32 i = 0; i < 100 && device_table[2].state != DEVICE_RESETTING; i++)
		assert_status(pc_vm_destroy(vm), PC_SUCCESS);
	assert_int_equal(device_table[2].state, DEVICE_RESETTING);
	assert_status(vm_reset(vm, 0, 100), PC_NOT_FOUND);
	assert_int_equal(device_table[2].state, DEVICE_RESETTING);
	bench_reset_turns = 0;
	end();
}

/* And one that ends while its own reset is under way: the next owner finds nothing of it, nor does the end of that one. */
static void E4_E6_next_owner_behind_an_owner_that_ended_in_a_reset(void **state UNUSED)
{
	struct hcall_args args = { { PC_DEV_RESET, 0, 200 } };
	u32 next;

	boot();
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_mmio(3, 0, 0x90000000), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_SUCCESS);
	bench_reset_turns = 3;
	assert_false(hyp_hypercall(vm_vcpu(vm_find(vm), 0), &args));
	bench_destroy(vm);
	bench_reset_turns = 0;
	next = bench_vm(2048);
	bench_donate(next, 0x80000000, bench_page(100), 4, 0);
	bench_vm_assign(3, next, 0, 300);
	assert_status(pc_dev_map_mmio(3, 0, 0xa0000000), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 41), PC_SUCCESS);
	bench_destroy(next);
	assert_int_equal(device_table[3].state, DEVICE_UNASSIGNED);
	vm = bench_vm(0);
	end();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(E1_claim_of_a_group),
		cmocka_unit_test(E1_release_of_a_group),
		cmocka_unit_test(I4_E2_claim_refused_as_a_whole),
		cmocka_unit_test(I3_assign_statuses),
		cmocka_unit_test(D1_V7_two_iommus_and_two_vms),
		cmocka_unit_test(V1_E3_quarantine_on_a_failing_reset),
		cmocka_unit_test(E3_a_vm_with_a_device_in_quarantine_is_finalised),
		cmocka_unit_test(F7_no_line_of_the_machine_is_named_to_a_secondary),
		cmocka_unit_test(V1_I3_mmio_on_its_way_home_is_not_mapped),
		cmocka_unit_test(E6_group_is_reset_when_all_of_it_is_idle),
		cmocka_unit_test(E6_a_member_in_its_owners_reset_is_at_work),
		cmocka_unit_test(F7_released_device_has_no_line_while_its_group_is_at_work),
		cmocka_unit_test(V1_E3_registers_in_quarantine_are_nobodys),
		cmocka_unit_test(E4_claim_takes_all_registers_or_none),
		cmocka_unit_test(E3_release_that_fails),
		cmocka_unit_test(E3_claim_io),
		cmocka_unit_test(I3_V1_map_mmio),
		cmocka_unit_test(A6_D11_peer_to_peer),
		cmocka_unit_test(I3_F4_lines),
		cmocka_unit_test(F7_three_owners_on_one_line),
		cmocka_unit_test(F7_storm_quarantines),
		cmocka_unit_test(F7_storm_on_one_of_two_lines),
		cmocka_unit_test(I2_I3_config),
		cmocka_unit_test(E6_reset_by_the_owner),
		cmocka_unit_test(V6_tokens_say_what_a_device_is_and_not_where),
		cmocka_unit_test(E3_reset_by_its_owner_fails),
		cmocka_unit_test(E3_silence_at_every_step_of_an_assignment),
		cmocka_unit_test(E4_reset_by_an_owner_that_ends),
		cmocka_unit_test(E4_E6_next_owner_behind_an_owner_that_ended_in_a_reset),
	};

	return SUITE("device", cases);
}
