/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices in a VM: given, used through its own pvIOMMU, seen by nobody else, and taken back at the end. Function 0
 * and 2 of the rig's slot are testdevs, function 1 is an edu.
 */
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmdev.h"
#include "vmm.h"

#define HEAP_PAGES 64ul
#define WINDOW_B   8 /* SERVICE_MMIO windows of a second device in one VM */
#define SECRET     0x5eed0000c0de0000ul
#define BYTES      1024u
#define EDU_MS     200

static struct vmm a, b;
static struct vmdev slot, single;
static u64 domain_a;

static u32 slot_bdf(void)
{
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	return bdf;
}

/* The n-th testdev outside the slot, on the first SMMU's or the second's buses. */
static u32 single_bdf(u32 n, bool second_smmu)
{
	u32 bdf;

	for (u32 i = 0; rig_find_function(TESTDEV_ID, i, &bdf); i++) {
		if ((bdf >> 8 >= RIG_SECOND_BUS) == second_smmu && n-- == 0)
			return bdf;
	}
	report_skip("this machine has no such testdev");
}

/* A with the slot, everything enabled, all endpoints in one domain with the first half of the heap at RIG_IOVA. */
static void open_a(void)
{
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&slot, &a, slot_bdf(), 0, RIG_VSID(0), 0);
	vmm_start(&a);
	vmdev_enable(&slot);
	domain_a = vmdev_domain(&a);
	vmdev_map(&a, domain_a, RIG_IOVA, a.heap_ipa, HEAP_PAGES / 2 * PAGE, RW);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vmdev_attach(&slot, i, domain_a);
}

static void guest_holds(struct vmm *vm, const char *what, u64 ipa, u64 words, u64 first, u64 step)
{
	const u64 *r = ASK(vm, "check", ipa, words, first, step);

	REQUIRE(!r[0], "%s: %lu words differ, the first is number %lu: %lx", what, r[0], r[1], r[2]);
}

static struct hres a_op(u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return vmm_pv_op(&a, op, a2, a3, a4, a5, a6);
}

/* --- use */

CASE(assigned, dma_of_three_endpoints_both_ways_D3)
{
	open_a();
	vmdev_lands(&slot, 0, RIG_IOVA + 8, a.heap_ipa + 8);
	vmdev_lands(&slot, 2, RIG_IOVA + PAGE + 12, a.heap_ipa + PAGE + 12);
	ASK(&a, "fill", a.heap_ipa + 2 * PAGE, BYTES / 8, SECRET);
	REQUIRE(ASK(&a, "edu_load", slot.regs[1], RIG_IOVA + 2 * PAGE, 0, BYTES)[0], "edu does not end its load");
	REQUIRE(ASK(&a, "edu_store", slot.regs[1], RIG_IOVA + 3 * PAGE, 0, BYTES)[0], "edu does not end its store");
	guest_holds(&a, "what came back through edu", a.heap_ipa + 3 * PAGE, BYTES / 8, SECRET, 1);
	vmdev_faults(&slot, 0, RIG_IOVA + HEAP_PAGES / 2 * PAGE, a.heap_ipa + HEAP_PAGES / 2 * PAGE);
	/* Its own IPA is no IOVA, nor is what the primary would call the page. */
	vmdev_faults(&slot, 0, a.heap_ipa, a.heap_ipa);
	vmdev_faults(&slot, 0, a.heap_own, a.heap_ipa);
	vmdev_detach(&slot, 0, domain_a);
	vmdev_faults(&slot, 0, RIG_IOVA + 8, a.heap_ipa + 8);
	vmdev_lands(&slot, 2, RIG_IOVA + 8, a.heap_ipa + 8);
}

/* What the pvIOMMU tells a VM are the names that the primary gave, and nothing of the machine (V6). */
CASE(assigned, a_vm_sees_its_own_names_only_V6_D7)
{
	struct hres r;

	open_a();
	REQUIRE_EQUAL(OK(a_op(PVIOMMU_QUERY, 0, PVIOMMU_Q_VSID_COUNT, 0, 0, 0)).r1, RIG_ENDPOINTS);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		REQUIRE_EQUAL(OK(a_op(PVIOMMU_QUERY, 0, PVIOMMU_Q_VSID, i, 0, 0)).r1, RIG_VSID(i));
	REFUSED(a_op(PVIOMMU_ATTACH_DEV, 0, RIG_VSID(3), 0, domain_a, 0), PC_NOT_FOUND);
	REFUSED(a_op(PVIOMMU_ATTACH_DEV, 0, slot.bdf, 0, domain_a, 0), PC_NOT_FOUND);
	REFUSED(a_op(PVIOMMU_ATTACH_DEV, 1, RIG_VSID(0), 0, domain_a, 0), PC_NOT_FOUND);
	REFUSED(a_op(PVIOMMU_ENDPOINT_INFO, 0, slot.bdf, 0, 0, 0), PC_NOT_FOUND);
	r = OK(vmm_hcall(&a, PC_DEV_REQ_DMA, 0, RIG_VSID(0), 0, 0, 0));
	REQUIRE(r.r1 != slot.bdf && r.r2 != slot.bdf && r.r2 < 1ul << 32, "the tokens are %lx %lx", r.r1, r.r2);
	REFUSED(vmm_hcall(&a, PC_DEV_REQ_DMA, 0, RIG_VSID(9), 0, 0, 0), PC_NOT_FOUND);
	/* A domain of the primary's is none of the VM's, and the other way round. */
	REFUSED(a_op(PVIOMMU_FREE_DOMAIN, domain_a + 50, 0, 0, 0, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, domain_a, 0), PC_NOT_FOUND);
	REFUSED(dev_req_dma(rig.pviommu, RIG_VSID(0)), PC_NOT_FOUND);
}

CASE(assigned, tokens_of_registers)
{
	u64 first;

	open_a();
	first = OK(vmm_hcall(&a, PC_DEV_REQ_MMIO, slot.regs[1], 0, 0, 0, 0)).r1;
	for (u64 i = 1; i < 256; i += 51)
		REQUIRE_EQUAL(OK(vmm_hcall(&a, PC_DEV_REQ_MMIO, slot.regs[1] + i * PAGE, 0, 0, 0, 0)).r1, first + i * PAGE);
	REFUSED(vmm_hcall(&a, PC_DEV_REQ_MMIO, slot.regs[1] + 256 * PAGE, 0, 0, 0, 0), PC_NOT_FOUND);
	REFUSED(vmm_hcall(&a, PC_DEV_REQ_MMIO, slot.regs[1] + 8, 0, 0, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_hcall(&a, PC_DEV_REQ_MMIO, DOORBELL, 0, 0, 0, 0), PC_NOT_FOUND);
}

/* Pins of a VM's own domains hold its pages where they are. */
CASE(assigned, mapped_pages_stay_A6_V2)
{
	open_a();
	REFUSED(vmm_hcall(&a, PC_MEM_RELINQUISH, a.heap_ipa, 0, 0, 0, 0), PC_BUSY);
	REFUSED(vmm_hcall(&a, PC_MEM_SHARE, a.heap_ipa, 1, 0, 0, 0), PC_BUSY);
	REFUSED(a_op(PVIOMMU_FREE_DOMAIN, domain_a, 0, 0, 0, 0), PC_BUSY);
	OK(a_op(PVIOMMU_UNMAP_PAGES, domain_a, RIG_IOVA, PAGE, 0, 0));
	BEGIN(&a, "call", PC_MEM_RELINQUISH, a.heap_ipa);
	REQUIRE(vmm_run(&a) == VMM_MEMORY, "relinquishing an unmapped page did not exit");
	REQUIRE_EQUAL(vmm_finish(&a)[0], 0);
	REFUSED(a_op(PVIOMMU_MAP_PAGES, domain_a, RIG_IOVA, a.heap_ipa, PAGE, RW), PC_FAULT);
	REQUIRE(!vmdev_dma(&slot, 0, RIG_IOVA), "DMA to the relinquished page was not refused");
	REFUSED(a_op(PVIOMMU_MAP_PAGES, domain_a, RIG_IOVA, DOORBELL, PAGE, RW), PC_FAULT);
	REFUSED(a_op(PVIOMMU_MAP_PAGES, domain_a, RIG_IOVA, SERVICE_GICD, PAGE, RW | PVIOMMU_PROT_MMIO), PC_DENIED);
	/* Registers of its own device: peer to peer. */
	OK(a_op(PVIOMMU_MAP_PAGES, domain_a, RIG_IOVA, slot.regs[2], PAGE, PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO));
	OK(a_op(PVIOMMU_UNMAP_PAGES, domain_a, RIG_IOVA, PAGE, 0, 0));
}

/* --- the primary's side */

CASE(assigned, invisible_to_the_primary_E1)
{
	u64 value = 0;

	open_a();
	for (u32 fn = 0; fn < RIG_ENDPOINTS; fn++) {
		REQUIRE_EQUAL(pci_read32(slot.bdf + fn, PCI_ID), PCI_ABSENT);
		pci_write32(slot.bdf + fn, PCI_COMMAND, 0);
		pci_write32(slot.bdf + fn, PCI_BAR(0), 0);
		REQUIRE(!TRY(value = mmio_read32(slot.host_regs[fn])), "the primary reads registers of the VM's device: %lx", value);
		REQUIRE(!TRY(mmio_write32(slot.host_regs[fn] + 4, 1)), "the primary writes registers of the VM's device");
	}
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	REQUIRE(rig_device_info(slot.device).flags & PC_DEV_ASSIGNED, "the device is not told as assigned");
	REFUSED(dev_set_vsid(slot.device, 0, RIG_VSID(7)), PC_BUSY);
	REFUSED(dev_assign(slot.device, PC_VM_PRIMARY, rig.pviommu), PC_BUSY);
	REFUSED(dev_assign(slot.device, a.handle, 0), PC_BUSY);
	REFUSED(dev_map_mmio(slot.device, 0, SERVICE_MMIO(0)), PC_EXISTS);
}

CASE(assigned, statuses_of_the_device_calls)
{
	u32 bdf = slot_bdf(), device, endpoint;
	u64 page = ram_alloc_raw(PAGE, PAGE);

	REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
	REFUSED(dev_map_mmio(device, 0, SERVICE_MMIO(0)), PC_NOT_FOUND);
	REFUSED(dev_map_irq(device, 0, 40), PC_NOT_FOUND);
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, 0);
	REFUSED(dev_assign(device, a.handle, OK(vmm_query(PC_VMM_Q_MAX_PVIOMMUS)).r1), PC_INVALID_PARAMETER);
	REFUSED(dev_assign(device, a.handle, ~0ul), PC_INVALID_PARAMETER);
	vmm_assign(&a, device, 0);
	OK(dev_set_vsid(device, 0, RIG_VSID(0)));
	REFUSED(dev_set_vsid(device, 1, RIG_VSID(0)), PC_EXISTS);
	REFUSED(dev_set_vsid(device, 0, RIG_VSID(1)), PC_EXISTS);
	REFUSED(dev_map_mmio(device, PC_DEV_MAX_MMIO, SERVICE_MMIO(0)), PC_NOT_FOUND);
	REFUSED(dev_map_mmio(device, ~0ul, SERVICE_MMIO(0)), PC_NOT_FOUND);
	REFUSED(dev_map_mmio(device, 0, SERVICE_MMIO(0) + 8), PC_INVALID_PARAMETER);
	REFUSED(dev_map_mmio(device, 0, SERVICE_BASE), PC_EXISTS);
	REFUSED(dev_map_mmio(device, 0, SERVICE_GICD), PC_INVALID_PARAMETER);
	REFUSED(dev_map_mmio(device, 0, 1ul << 50), PC_INVALID_PARAMETER);
	OK(dev_map_mmio(device, 0, SERVICE_MMIO(0)));
	REFUSED(vm_donate(a.handle, SERVICE_MMIO(0), page, 1, 0), PC_EXISTS);
	*(volatile u32 *)page = 1;
	REFUSED(dev_map_irq(device, 99, 40), PC_NOT_FOUND);
	OK(vm_finalise(a.handle));
	REFUSED(dev_set_vsid(device, 1, RIG_VSID(1)), PC_BUSY);
}

/* --- configuration space by DEV_CONFIG, reset by DEV_RESET */

static struct hres config(u32 fn, u32 offset, u32 width, bool write, u64 value)
{
	return vmm_hcall(&a, PC_DEV_CONFIG, 0, RIG_VSID(fn), offset | width << 16 | (u32)write << 24, value, 0);
}

CASE(assigned, configuration_is_filtered_E7_V6)
{
	u64 bar;

	open_a();
	REQUIRE_EQUAL(OK(config(0, PCI_ID, 4, false, 0)).r1, TESTDEV_ID);
	REQUIRE_EQUAL(OK(config(1, PCI_ID, 4, false, 0)).r1, EDU_ID);
	REQUIRE_EQUAL(OK(config(1, PCI_ID, 2, false, 0)).r1, EDU_ID & 0xffff);
	REQUIRE_EQUAL(OK(config(1, PCI_ID + 3, 1, false, 0)).r1, EDU_ID >> 24);
	bar = OK(config(0, PCI_BAR(0), 4, false, 0)).r1;
	config(0, PCI_BAR(0), 4, true, 0x40000000);
	REQUIRE_EQUAL(OK(config(0, PCI_BAR(0), 4, false, 0)).r1, bar);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	for (u32 offset = 0; offset < PAGE; offset += 4) {
		config(0, offset, 4, true, ~0u);
		config(0, offset, 4, true, 0);
	}
	vmdev_enable(&slot);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	REFUSED(config(0, PCI_ID, 3, false, 0), PC_INVALID_PARAMETER);
	REFUSED(config(0, PCI_ID, 8, false, 0), PC_INVALID_PARAMETER);
	REFUSED(config(0, PCI_ID, 0, false, 0), PC_INVALID_PARAMETER);
	REFUSED(config(0, PCI_ID + 2, 4, false, 0), PC_INVALID_PARAMETER);
	REFUSED(config(0, PAGE, 4, false, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_hcall(&a, PC_DEV_CONFIG, 0, RIG_VSID(0), 1u << 25 | 4u << 16, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(config(3, PCI_ID, 4, false, 0), PC_NOT_FOUND);
	/* The VM has its registers elsewhere, and no address of the machine's is in what it reads (V6). */
	for (u32 fn = 0; fn < RIG_ENDPOINTS; fn++)
		REQUIRE_EQUAL(OK(config(fn, PCI_BAR(0), 4, false, 0)).r1 & ~0xful, slot.regs[fn]);
	config(1, PCI_BAR(0), 4, true, ~0u);
	REQUIRE_EQUAL(OK(config(1, PCI_BAR(0), 4, false, 0)).r1 & ~0xful, 0xfff00000);
	config(1, PCI_BAR(0), 4, true, 0);
}

CASE(assigned, reset_by_the_vm_E6)
{
	open_a();
	ASK(&a, "poke", slot.regs[0] + 0x14, 4, 1); /* armed */
	REFUSED(vmm_hcall(&a, PC_DEV_RESET, 0, RIG_VSID(0), 0, 0, 0), PC_BUSY);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vmdev_detach(&slot, i, domain_a);
	OK(vmm_hcall(&a, PC_DEV_RESET, 0, RIG_VSID(0), 0, 0, 0));
	vmdev_enable(&slot);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vmdev_attach(&slot, i, domain_a);
	ASK(&a, "peek", slot.regs[0], 4);
	REQUIRE_EQUAL(ASK(&a, "peek", slot.regs[0] + 0x10, 4)[1], 0xdead0005);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	REFUSED(vmm_hcall(&a, PC_DEV_RESET, 0, RIG_VSID(5), 0, 0, 0), PC_NOT_FOUND);
}

/* --- two VMs */

static void open_b(u32 bdf, u32 pviommu)
{
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&single, &b, bdf, pviommu, RIG_VSID(0), 0);
	vmm_start(&b);
	vmdev_enable(&single);
}

static void same_number_is_other_hardware(void)
{
	u64 domain_b = vmdev_domain(&b);

	/* The ids are each VM's own, and may well be equal. */
	vmdev_map(&b, domain_b, RIG_IOVA, b.heap_ipa, PAGE, RW);
	vmdev_attach(&single, 0, domain_b);
	vmdev_lands(&single, 0, RIG_IOVA, b.heap_ipa);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	/* A's testdev at the same IOVA: A's page, not B's. */
	ASK(&b, "poke", b.heap_ipa, 4, 7);
	REQUIRE(vmdev_dma(&slot, 0, RIG_IOVA), "A's DMA is refused");
	REQUIRE_EQUAL(ASK(&b, "peek", b.heap_ipa, 4)[1], 7);
	/* Detaching the number in B leaves it attached in A. */
	vmdev_detach(&single, 0, domain_b);
	vmdev_faults(&single, 0, RIG_IOVA, b.heap_ipa);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	REFUSED(vmm_pv_op(&b, PVIOMMU_ATTACH_DEV, 0, RIG_VSID(1), 0, domain_b, 0), PC_NOT_FOUND);
	/* The registers are not each other's, either. */
	ASK(&b, "enroll", 0);
	REQUIRE(!ASK(&b, "peek", slot.host_regs[0], 4)[0], "B reads registers at A's device's physical address");
}

CASE(assigned, one_vsid_in_two_vms_is_two_devices_D1_V7)
{
	open_a();
	open_b(single_bdf(0, false), 0);
	same_number_is_other_hardware();
}

CASE(assigned, one_vsid_behind_two_smmus_D1_V7_A7)
{
	u32 bdf = single_bdf(0, true);

	open_a();
	open_b(bdf, 0);
	same_number_is_other_hardware();
}

/* One VM, two SMMUs: a pvIOMMU each, one domain behind both. */
CASE(assigned, two_pviommus_in_one_vm_A7)
{
	u32 bdf = single_bdf(0, true), device, endpoint;
	u64 domain;

	vmm_service(&a, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&slot, &a, slot_bdf(), 0, RIG_VSID(0), 0);
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
	vmm_note_device(device);
	REFUSED(dev_assign(device, a.handle, 0), PC_INVALID_PARAMETER);
	vmdev_give(&single, &a, bdf, 1, RIG_VSID(0), WINDOW_B);
	vmm_start(&a);
	vmdev_enable(&slot);
	vmdev_enable(&single);
	domain = vmdev_domain(&a);
	vmdev_map(&a, domain, RIG_IOVA, a.heap_ipa, 2 * PAGE, RW);
	vmdev_attach(&slot, 0, domain);
	vmdev_faults(&single, 0, RIG_IOVA, a.heap_ipa);
	vmdev_attach(&single, 0, domain);
	vmdev_lands(&single, 0, RIG_IOVA, a.heap_ipa);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	OK(a_op(PVIOMMU_UNMAP_PAGES, domain, RIG_IOVA, PAGE, 0, 0));
	vmdev_faults(&single, 0, RIG_IOVA, a.heap_ipa);
	vmdev_faults(&slot, 0, RIG_IOVA, a.heap_ipa);
	vmdev_lands(&single, 0, RIG_IOVA + PAGE, a.heap_ipa + PAGE);
}

/* --- interrupts of a device */

/* INTx of a function: which shared line its pin drives. */
static u32 line_of(u32 bdf)
{
	return machine_pci_irq(bdf, pci_read32(bdf, PCI_INTERRUPT_LINE) >> 8 & 0xff);
}

CASE(assigned, intx_goes_straight_to_the_vm_F1)
{
	u32 line, bdf = slot_bdf();
	const u64 *r;
	u64 exits;

	line = line_of(bdf + 1);
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, 0);
	vmdev_give(&slot, &a, bdf, 0, RIG_VSID(0), 0);
	for (u32 i = 0; i < rig_device_info(slot.device).irq_count; i++)
		OK(dev_map_irq(slot.device, i, 50 + i));
	REFUSED(vcpu_irq(a.handle, 0, 50, 1), PC_DENIED);
	vmm_start(&a);
	vmdev_enable(&slot);
	exits = a.exits[PC_EXIT_MMIO];
	for (u64 asleep = 0; asleep < 2; asleep++) {
		r = ASK(&a, "edu_irq", 50, 1, 20, asleep, slot.regs[1]);
		REQUIRE(r[0] == 20 && r[1] == 50 && !r[2], "%lu interrupts, the last is %lu, still raised: %lx", r[0], r[1], r[2]);
	}
	REQUIRE_EQUAL(a.exits[PC_EXIT_MMIO], exits + 2);
	REFUSED(vcpu_irq(a.handle, 0, 50, 1), PC_DENIED);
	/* The line is no longer the primary's to enable or to raise. */
	gic_enable(line, true);
	REQUIRE(!(mmio_read32(machine.gicd.base + GICD_ISENABLER + line / 32 * 4) >> line % 32 & 1),
		"the primary enables the VM's line %u", line);
	mmio_write32(machine.gicd.base + GICD_ISPENDR + line / 32 * 4, 1u << line % 32);
	REQUIRE_EQUAL(ASK(&a, "edu_irq", 50, 1, 1, 0, slot.regs[1])[0], 1);
}

CASE(assigned, a_line_of_three_owners_is_nobodys_F1)
{
	u32 bdfs[3], line = 0, device, endpoint;
	struct vmdev mine, others;

	for (u32 n = 0; n < 3; n++) {
		if (!rig_find_function(EDU_ID, n, &bdfs[n]))
			report_skip("this machine has not three edus beside the slot's");
		REQUIRE(!n || line_of(bdfs[n]) == line, "edu %u is on the line %u and not %u", n, line_of(bdfs[n]), line);
		line = line_of(bdfs[n]);
	}
	/* One is A's, one is B's, the third stays the primary's. */
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, 0);
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, 0);
	vmdev_give(&mine, &a, bdfs[0], 0, RIG_VSID(0), 0);
	vmdev_give(&others, &b, bdfs[1], 0, RIG_VSID(0), 0);
	REFUSED(dev_map_irq(mine.device, 0, 50), PC_BUSY);
	REFUSED(dev_map_irq(others.device, 0, 50), PC_BUSY);
	/* Two owners, A and the primary, are as bad. */
	vmm_destroy(&b);
	vmm_release_call(others.device);
	REFUSED(dev_map_irq(mine.device, 0, 50), PC_BUSY);
	/* All that can drive it in one hand: each has the line, as the same interrupt. */
	vmm_assign(&a, others.device, 0);
	REQUIRE(rig_find_device(bdfs[2], &device, &endpoint), "no device");
	vmm_assign(&a, device, 0);
	OK(dev_set_vsid(others.device, 0, RIG_VSID(1)));
	OK(dev_set_vsid(device, 0, RIG_VSID(2)));
	OK(dev_map_irq(mine.device, 0, 50));
	REFUSED(dev_map_irq(mine.device, 0, 50), PC_EXISTS);
	REFUSED(dev_map_irq(device, 0, 51), PC_EXISTS);
	OK(dev_map_irq(device, 0, 50));
	vmm_start(&a);
	vmdev_enable(&mine);
	REQUIRE_EQUAL(ASK(&a, "edu_irq", 50, 1, 5, 0, mine.regs[0])[0], 5);
}

/* --- isolation groups */

static u32 flags_of(u32 device)
{
	return rig_device_info(device).flags;
}

/* Two devices of one group that own nothing yet; the functions whose registers they are. */
static bool find_group(u32 devices[2], u32 bdfs[2])
{
	u64 count = OK(dev_count()).r1;
	u32 endpoint, found;

	for (u32 first = 0; first < count; first++) {
		for (u32 second = first + 1; second < count; second++) {
			if (rig_device_info(first).group != rig_device_info(second).group)
				continue;
			devices[0] = first;
			devices[1] = second;
			for (u32 i = 0; i < pci_function_count; i++) {
				u32 bdf = pci_functions[i].bdf;

				if (pci_functions[i].id != TESTDEV_ID || !rig_find_device(bdf, &found, &endpoint))
					continue;
				for (u32 n = 0; n < 2; n++)
					bdfs[n] = found == devices[n] ? bdf : bdfs[n];
			}
			return true;
		}
	}
	return false;
}

CASE(assigned, a_group_moves_as_one_E2)
{
	struct pc_vcpu_exit *exit = ram_alloc(PAGE, PAGE);
	u32 devices[2], bdfs[2] = { 0 }, *word = ram_alloc(PAGE, PAGE);
	struct testdev second;
	struct vmdev mine;
	u64 domain;

	if (!find_group(devices, bdfs))
		report_skip("this machine has no group of two devices");
	exit->size = sizeof(*exit);
	testdev_open(&second, bdfs[1]);
	LANDS(second, (u64)word, word);
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, 0);
	vmdev_give(&mine, &a, bdfs[0], 0, RIG_VSID(0), 0);
	vmm_note_device(devices[1]);
	/* The other one is nobody's: blocked, invisible, and A's alone to ask for. */
	REQUIRE(flags_of(devices[1]) & PC_DEV_CLAIMED, "the other device has flags %x", flags_of(devices[1]));
	REQUIRE_EQUAL(pci_read32(bdfs[1], PCI_ID), PCI_ABSENT);
	REQUIRE(!TRY(mmio_read32(second.regs)), "its registers are still the primary's");
	REFUSED(dev_assign(devices[1], b.handle, 0), PC_BUSY);
	REFUSED(dev_assign(devices[1], PC_VM_PRIMARY, rig.pviommu), PC_BUSY);
	REFUSED(vm_finalise(a.handle), PC_BUSY);
	REFUSED(vcpu_run(a.handle, 0, (u64)exit), PC_BUSY);
	/* Its configuration space is back once it is given; until then nobody can look at its registers' place. */
	vmm_assign(&a, devices[1], 0);
	OK(dev_set_vsid(devices[1], 0, RIG_VSID(1)));
	vmm_map_mmio(devices[1], 0, SERVICE_MMIO(WINDOW_B));
	single = (struct vmdev){ .vm = &a, .device = devices[1], .vsid = RIG_VSID(1), .functions = 1, .regs = { SERVICE_MMIO(WINDOW_B) } };
	vmm_start(&a);
	vmdev_enable(&mine);
	vmdev_enable(&single);
	domain = vmdev_domain(&a);
	vmdev_map(&a, domain, RIG_IOVA, a.heap_ipa, PAGE, RW);
	vmdev_attach(&mine, 0, domain);
	vmdev_lands(&mine, 0, RIG_IOVA, a.heap_ipa);
	vmdev_faults(&single, 0, RIG_IOVA, a.heap_ipa);
	/* Together they come home. */
	vmm_destroy(&a);
	REQUIRE_EQUAL(flags_of(devices[0]) | flags_of(devices[1]), 0);
	testdev_open(&second, bdfs[1]);
	LANDS(second, (u64)word, word);
}

/* Given back before it ran: as long as one is in use the group stays claimed. */
CASE(assigned, a_group_is_released_as_one_E2)
{
	u32 devices[2], bdfs[2] = { 0 };

	if (!find_group(devices, bdfs))
		report_skip("this machine has no group of two devices");
	vmm_create(&a, 0, 1);
	vmm_assign(&a, devices[0], 0);
	vmm_assign(&a, devices[1], 0);
	REQUIRE_EQUAL(OK(vmm_release_call(devices[0])).r1, 0);
	REQUIRE_EQUAL(flags_of(devices[0]), PC_DEV_CLAIMED);
	REQUIRE_EQUAL(pci_read32(bdfs[0], PCI_ID), PCI_ABSENT);
	REFUSED(vm_finalise(a.handle), PC_BUSY);
	REFUSED(dev_release(devices[0]), PC_NOT_FOUND);
	REQUIRE_EQUAL(OK(vmm_release_call(devices[1])).r1, 0);
	REQUIRE_EQUAL(flags_of(devices[0]) | flags_of(devices[1]), 0);
	REQUIRE_EQUAL(pci_read32(bdfs[0], PCI_ID), TESTDEV_ID);
	OK(vm_finalise(a.handle));
}

/* --- the end of a VM */

CASE(assigned, destroyed_in_the_middle_of_dma_E4_V3)
{
	static struct vmm next;
	u64 page;

	open_a();
	page = a.heap_own;
	ASK(&a, "fill", a.heap_ipa + PAGE, BYTES / 8, SECRET);
	ASK(&a, "edu_load", slot.regs[1], RIG_IOVA + PAGE, 0, BYTES);
	ASK(&a, "edu_start_store", slot.regs[1], RIG_IOVA, 0, BYTES);
	vmm_destroy(&a);
	for (u64 i = 0; i < PAGE / 8; i++)
		REQUIRE(!((volatile u64 *)page)[i], "word %lu of the page came back as %lx", i, ((volatile u64 *)page)[i]);
	/* It is the next VM's, and the transfer's time goes by. */
	vmm_service(&next, PC_VM_OPEN_MMIO, 1, 0);
	vmm_donate(&next, SERVICE_BASE + 64 * BLOCK_2M, page, 1, PC_DONATE_KEEP);
	vmm_start(&next);
	gic_sleep_ms(EDU_MS);
	REQUIRE(!ASK(&next, "check", SERVICE_BASE + 64 * BLOCK_2M, PAGE / 8, 0, 0)[0], "the dead VM's DMA reached the next one");
	vmm_destroy(&next);
	for (u64 i = 0; i < PAGE / 8; i++)
		REQUIRE(!((volatile u64 *)page)[i], "word %lu is %lx", i, ((volatile u64 *)page)[i]);
}

/* Whether it was there before the transfer was over, which on a crowded host it need not be. */
static bool thrown_out_of_its_reset(void)
{
	enum vmm_event event;
	u32 flags;

	open_a();
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	ASK(&a, "edu_start_store", slot.regs[1], RIG_IOVA, 0, BYTES);
	for (u32 k = 0; k < RIG_ENDPOINTS; k++)
		vmdev_detach(&slot, k, domain_a);
	BEGIN(&a, "call", PC_DEV_RESET, 0, RIG_VSID(0));
	do {
		event = vmm_run_until(&a, 0, time_ticks() + time_ms(1) / 4);
		flags = rig_device_info(slot.device).flags;
	} while (event == VMM_SLICE && flags & PC_DEV_ASSIGNED);
	REQUIRE(event == VMM_SLICE || event == VMM_READY, "the VM ended in its reset: %u", event);
	REQUIRE(!(flags & PC_DEV_QUARANTINED), "the reset failed");
	vmm_destroy(&a);
	return event == VMM_SLICE;
}

/*
 * It is thrown out of the reset of its own device, which waits for edu's transfer, and never comes back. It runs for no longer
 * than until it is there: where instructions are counted for time, a look at edu takes QEMU a thousand times as long as others.
 */
CASE(assigned, destroyed_in_its_own_reset_E4_E6)
{
	u32 tries = 0;

	for (u32 times = 0; times < 2;) {
		u64 mark = ram_mark();

		REQUIRE(tries++ < 20, "the reset was over %u times", tries - 1 - times);
		times += thrown_out_of_its_reset();
		ram_release(mark);
		vmm_clean_up();
	}
}

/* Nothing of what a VM did to a device is there for the next owner. */
CASE(assigned, device_is_reset_between_owners_E1_E6)
{
	u32 *word = ram_alloc(PAGE, PAGE);
	struct hres r;

	open_a();
	ASK(&a, "poke", slot.regs[0] + 4, 4, (u32)(u64)word);
	ASK(&a, "poke", slot.regs[0] + 0x14, 4, 1);
	ASK(&a, "edu_start_store", slot.regs[1], RIG_IOVA, 0, 64);
	vmm_destroy(&a);
	r = vmm_release_call(slot.device);
	REQUIRE(!(rig_device_info(slot.device).flags & (PC_DEV_ASSIGNED | PC_DEV_QUARANTINED | PC_DEV_FROZEN)),
		"after the VM's end: flags %x, DEV_RELEASE %s", rig_device_info(slot.device).flags,
		status_name(hres_status(r)));
	for (u32 fn = 0; fn < RIG_ENDPOINTS; fn++)
		REQUIRE(!(pci_read32(slot.bdf + fn, PCI_COMMAND) & PCI_COMMAND_MASTER), "function %u still masters the bus", fn);
	testdev_open(&rig.testdev, slot.bdf);
	REQUIRE(edu_open(&rig.edu, slot.bdf + 1), "edu does not answer");
	mmio_read32(rig.testdev.regs);
	REQUIRE_EQUAL(mmio_read32(rig.testdev.regs + 0x10), 0xdead0005);
	REQUIRE(!edu_running(&rig.edu), "edu still runs a transfer");
	LANDS(rig.testdev, (u64)word, word);
}

/* A hundred lives with a device: names, pins, pages, streams, all come back (K4, A8). */
CASE(assigned, many_lives_of_one_device_K4_A8)
{
	u64 pool = OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1;

	for (u32 i = 0; i < 40; i++) {
		u64 mark = ram_mark();

		open_a();
		vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
		vmm_destroy(&a);
		ram_release(mark);
		REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1, pool);
		REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 0);
		vmm_clean_up();
	}
}

/* --- everywhere a device of a VM must not reach (G4) */

#define SWEEP_PIECE  8192u /* places that the VM tries before it answers */
#define SWEEP_SPARSE (64ul << 20)

static u64 swept, reached;

/* By the VM itself, a piece at a time, so that nobody waits for an answer too long. */
static void sweep_range(const struct vmdev *d, struct range r, u64 step)
{
	u64 at = align_down(r.base, PAGE), end = r.base + r.size;

	while (at < end) {
		u64 bytes = end - at < SWEEP_PIECE * step ? end - at : SWEEP_PIECE * step;
		const u64 *result = ASK(d->vm, "testdev_sweep", d->regs[0], at, bytes, step);

		swept += result[0];
		reached += result[1];
		REQUIRE(!result[1], "%lu places of %lx to %lx were reached, the first is %lx", result[1], at, at + bytes, result[2]);
		at += align_up(bytes, step);
	}
}

/*
 * Every page of memory, the primary's, the hypervisor's, other VMs' and its own by physical address, and every page of
 * every window of registers; of the one of 512 GiB the first 16 MiB, then a page of each 64 MiB. What the VM maps is at
 * RIG_IOVA, which is none of these.
 */
static void sweep_machine(struct vmm *vm, const struct vmdev *d, u64 domain)
{
	struct range ram[MACHINE_RANGES], windows[64];
	const void *below = machine_below();
	u32 rams = machine_memory(below, ram, MACHINE_RANGES), count = machine_windows(below, windows, ARRAY_COUNT(windows));
	u64 faults = OK(vmm_pv_op(vm, PVIOMMU_STATS, d->pviommu, PVIOMMU_STAT_FAULTS, 0, 0, 0)).r1;

	swept = reached = 0;
	sweep_range(d, (struct range){ 0, ram[0].base }, PAGE);
	for (u32 i = 0; i < rams; i++)
		sweep_range(d, ram[i], PAGE);
	for (u32 i = 0; i < count; i++) {
		u64 dense = windows[i].size > SWEEP_SPARSE * 64 ? 16ul << 20 : windows[i].size;

		if (windows[i].base < ram[0].base)
			continue; /* it was among all below memory */
		sweep_range(d, (struct range){ windows[i].base, dense }, PAGE);
		if (dense < windows[i].size)
			sweep_range(d, (struct range){ windows[i].base + dense, windows[i].size - dense }, SWEEP_SPARSE + PAGE);
	}
	printf("[t] info vm_sweep vm=%lu refused=%lu\n", (u64)vm->handle, swept);
	REQUIRE(!reached && swept > 100000, "%lu of %lu places were reached", reached, swept);
	REQUIRE_EQUAL(vmdev_faults_settled(vm, d->pviommu, faults + swept), faults + swept);
	/* The same places cannot be mapped, either: they are not its IPAs. */
	for (u32 i = 0; i < rams; i++) {
		for (u64 at = ram[i].base; at < ram[i].base + ram[i].size; at += 997 * PAGE) {
			if (at - SERVICE_BASE < BLOCK_1G)
				continue;
			REFUSED(vmm_pv_op(vm, PVIOMMU_MAP_PAGES, domain, RIG_IOVA + BLOCK_1G, at, PAGE, RW), PC_FAULT);
		}
	}
	for (u32 i = 0; i < count; i++)
		REFUSED(vmm_pv_op(vm, PVIOMMU_MAP_PAGES, domain, RIG_IOVA + BLOCK_1G, align_down(windows[i].base, PAGE), PAGE,
				  RW | PVIOMMU_PROT_MMIO),
			PC_DENIED);
}

/* By the device of each of two VMs, where the machine has them behind two SMMUs. */
static void sweep_by_both(bool far)
{
	u64 domain_b;

	if (!machine_below())
		report_skip("the tree of the machine below was not given as ramdisk");
	open_a();
	open_b(single_bdf(0, far), 0);
	domain_b = vmdev_domain(&b);
	vmdev_map(&b, domain_b, RIG_IOVA, b.heap_ipa, PAGE, RW);
	vmdev_attach(&single, 0, domain_b);
	sweep_machine(&a, &slot, domain_a);
	sweep_machine(&b, &single, domain_b);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	vmdev_lands(&single, 0, RIG_IOVA, b.heap_ipa);
}

CASE(assigned, dma_sweep_over_the_machine_G4_J1)
{
	sweep_by_both(false);
}

CASE(assigned, dma_sweep_behind_two_smmus_G4_J1)
{
	sweep_by_both(true);
}
