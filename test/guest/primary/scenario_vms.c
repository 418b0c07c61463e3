/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scenario's second part: the primary makes two VMs of its memory and gives each a device, A the slot with three
 * engines behind one SMMU, B an edu behind another; and then can reach neither, nor they each other.
 */
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "scenario.h"
#include "trap.h"
#include "vmdev.h"
#include "vmm.h"

#define HEAP_PAGES 64ul
#define HANDED_ON  0x90000000ul /* where A gets the page that was B's */
#define SECRET     0x5eed0000c0de0000ul
#define BYTES      1024u
#define EDU_MS     200 /* more than edu takes from its start to its transfer */

static struct vmm a, b;
static struct vmdev slot, far_edu;
static struct testdev ours; /* a device that stays with us, in identity */
static u64 domain_a, domain_b, pool_before;

static bool our_cpu_faults(u64 at)
{
	return !TRY(mmio_read64(at)) && !TRY(mmio_write64(at, 0)) && ESR_IS_EXTERNAL(cpu_this()->trap_esr);
}

static bool our_device_faults(u64 at)
{
	return testdev_write(&ours, at, at, 4) == TESTDEV_REFUSED;
}

static bool holds(struct vmm *vm, u64 ipa, u64 bytes, u64 first, u64 step)
{
	return !ASK(vm, "check", ipa, bytes / 8, first, step)[0];
}

static u32 find(u32 id, bool second_smmu)
{
	u32 bdf;

	for (u32 n = 0; rig_find_function(id, n, &bdf); n++) {
		if ((bdf >> 8 >= RIG_SECOND_BUS) == second_smmu)
			return bdf;
	}
	report_fail("this machine has no device %08x %s", id, second_smmu ? "behind a second SMMU" : "of its own");
}

CASE(scenario, two_vms_of_our_memory)
{
	u32 bdf;

	say("\n12. We make two VMs of our memory, and give each a device");
	rig_find_slot(&bdf);
	testdev_open(&ours, find(TESTDEV_ID, false));
	pool_before = OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1;
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&slot, &a, bdf, 0, RIG_VSID(0), 0);
	vmdev_give(&far_edu, &b, find(EDU_ID, true), 0, RIG_VSID(0), 0);
	keep_memory();
	say("   A: %lu pages at %#lx, device %u of three endpoints", a.pages, a.own, slot.device);
	say("   B: %lu pages at %#lx, device %u behind the other SMMU", b.pages, b.own, far_edu.device);
	check(OK(vmm_query(PC_VMM_Q_VMS)).r1 == 2, "2", "VMs beside the primary");
	vmm_start(&a);
	vmm_start(&b);
	vmdev_enable(&slot);
	vmdev_enable(&far_edu);
	strcpy((char *)a.mail->data, "A is up");
	strcpy((char *)b.mail->data, "B is up");
	ASK(&a, "hello", 7);
	ASK(&b, "hello", 7);
	check(true, "up", "both VMs");
}

CASE(scenario, what_we_gave_is_gone)
{
	u32 *word = ram_alloc(PAGE, PAGE), gone = 0;

	say("\n13. What we gave away is gone from our CPUs and from our devices");
	for (u64 i = 0; i < a.pages; i++)
		gone += (a.own + i * PAGE) == (u64)a.mail || our_cpu_faults(a.own + i * PAGE);
	check(gone == a.pages, "abort", "our CPU at each page of A but the one it shares");
	check(our_cpu_faults(b.heap_own) && our_cpu_faults(a.pool), "abort", "our CPU at a page of B, at A's tables");
	check(testdev_lands(&ours, (u64)word, word), "lands", "DMA of our own device to our own memory");
	check(our_device_faults(a.heap_own) && our_device_faults(b.heap_own), "fault", "the same to a page of A, of B");
	check(our_device_faults(a.pool), "fault", "the same to A's tables");
	check(our_cpu_faults(slot.host_regs[0]) && our_cpu_faults(far_edu.host_regs[0]), "abort",
	      "our CPU at the registers of A's device, of B's");
	check(pci_read32(slot.bdf, PCI_ID) == PCI_ABSENT, "absent", "A's device, when we look for it on the bus");
	REFUSED(vm_donate(b.handle, HANDED_ON, a.heap_own, 1, 0), PC_DENIED);
	check(true, "DENIED", "giving a page of A to B");
}

CASE(scenario, a_drives_its_three_endpoints)
{
	say("\n14. A drives its three endpoints through a pvIOMMU of its own");
	domain_a = vmdev_domain(&a);
	vmdev_map(&a, domain_a, RIG_IOVA, a.heap_ipa, 8 * PAGE, RW);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vmdev_attach(&slot, i, domain_a);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	check(true, "lands", "DMA of A's endpoint 0, vSID %#x, in A's memory", slot.vsid);
	vmdev_lands(&slot, 2, RIG_IOVA + PAGE, a.heap_ipa + PAGE);
	check(true, "lands", "DMA of A's endpoint 2, vSID %#x", slot.vsid + 2);
	ASK(&a, "fill", a.heap_ipa + 2 * PAGE, BYTES / 8, SECRET);
	check(ASK(&a, "edu_load", slot.regs[1], RIG_IOVA + 2 * PAGE, 0, BYTES)[0] &&
		      ASK(&a, "edu_store", slot.regs[1], RIG_IOVA + 3 * PAGE, 0, BYTES)[0],
	      "done", "A's edu reads and writes %u bytes", BYTES);
	check(holds(&a, a.heap_ipa + 3 * PAGE, BYTES, SECRET, 1), "equal", "the bytes that came back through it");
	check(OK(vmm_pv_op(&a, PVIOMMU_QUERY, 0, PVIOMMU_Q_VSID_COUNT, 0, 0, 0)).r1 == 3, "3", "vSIDs that A has");
}

#define MENDED (RIG_IOVA + 0x40000000 + 0x84)

CASE(scenario, a_hears_of_a_fault_and_mends_it)
{
	const u64 *told;

	say("\n15. A's third endpoint has a fault; A reads of it, maps the page, and it goes through");
	check(ASK(&a, "ring_open", a.heap_ipa + 4 * PAGE, 4, 70, 0)[0] == PC_SUCCESS, "done", "a ring of 16 events in A's memory");
	told = ASK(&a, "ring_fault", slot.regs[2], MENDED, a.heap_ipa);
	check(told[0] && told[10] == 1, "1", "interrupt of A's own, and a record in the ring");
	check(told[1] == PVIOMMU_REASON_MAPPING && told[3] == RIG_VSID(2) && told[4] == MENDED, "equal",
	      "it says: not mapped, vSID %#x, %#lx", RIG_VSID(2), MENDED);
	vmdev_map(&a, domain_a, told[4] & ~(PAGE - 1), a.heap_ipa + 5 * PAGE, PAGE, RW);
	vmdev_lands(&slot, 2, MENDED, a.heap_ipa + 5 * PAGE + (MENDED & (PAGE - 1)));
	check(true, "lands", "the same DMA once more, in the page that A mapped there");
	check(ASK(&a, "ring_close", 0)[0] == PC_SUCCESS, "done", "A takes the ring away");
}

CASE(scenario, one_number_is_two_devices)
{
	say("\n16. One vSID number, two VMs, two SMMUs: two devices");
	domain_b = vmdev_domain(&b);
	vmdev_map(&b, domain_b, RIG_IOVA, b.heap_ipa, 8 * PAGE, RW);
	vmdev_attach(&far_edu, 0, domain_b);
	ASK(&b, "fill", b.heap_ipa, BYTES / 8, ~SECRET);
	ASK(&b, "edu_load", far_edu.regs[0], RIG_IOVA, 0, BYTES);
	ASK(&b, "edu_store", far_edu.regs[0], RIG_IOVA + PAGE, 0, BYTES);
	check(holds(&b, b.heap_ipa + PAGE, BYTES, ~SECRET, 1), "equal", "bytes through vSID %#x of B, in B's memory",
	      far_edu.vsid);
	ASK(&b, "fill", b.heap_ipa, 1, SECRET);
	check(vmdev_dma(&slot, 0, RIG_IOVA) && holds(&b, b.heap_ipa, 8, SECRET, 0), "A's only",
	      "DMA through vSID %#x of A at the same IOVA", slot.vsid);
	vmdev_detach(&far_edu, 0, domain_b);
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	check(true, "lands", "DMA through vSID %#x of A, after B detached its own", slot.vsid);
	REFUSED(vmm_pv_op(&b, PVIOMMU_ATTACH_DEV, 0, slot.vsid + 1, 0, domain_b, 0), PC_NOT_FOUND);
	check(true, "NOT_FOUND", "a vSID that only A has, asked for by B");
	vmdev_attach(&far_edu, 0, domain_b);
}

static bool a_reaches(u64 address)
{
	return vmdev_dma(&slot, 0, address) || vmdev_dma(&slot, 2, address + 8);
}

CASE(scenario, the_device_of_a_reaches_nobody_else)
{
	u64 hypervisor = align_up(machine.reserved[0].base, PAGE), smmu = machine_find_reg(below(), "arm,smmu-v3").base;
	u32 *page = ram_alloc(PAGE, PAGE);
	u64 foreign[] = { hypervisor, smmu, b.heap_own, (u64)page };
	bool refused = true;

	say("\n17. A's device reaches neither B, nor us, nor the hypervisor");
	check(!a_reaches(b.heap_own) && !a_reaches(b.own), "fault", "DMA of A's device to B's memory at %#lx", b.heap_own);
	check(!a_reaches((u64)page) && !page[0] && !page[2], "fault", "the same to our memory at %#lx", (u64)page);
	check(!a_reaches(hypervisor), "fault", "the same to the hypervisor's memory at %#lx", hypervisor);
	check(!a_reaches(smmu) && !a_reaches(smmu + 0x20000), "fault", "the same to the registers of either SMMU");
	check(!a_reaches(a.heap_own), "fault", "the same to its own memory, by its physical address");
	for (u32 i = 0; i < ARRAY_COUNT(foreign); i++)
		refused &= hres_status(vmm_pv_op(&a, PVIOMMU_MAP_PAGES, domain_a, RIG_IOVA + BLOCK_1G, foreign[i], PAGE, RW)) ==
			   PC_FAULT;
	check(refused, "FAULT", "mapping any of these, by A");
	ASK(&a, "enroll", 0);
	check(!ASK(&a, "peek", b.heap_own, 8)[0] && !ASK(&a, "peek", hypervisor, 8)[0] &&
		      !ASK(&a, "peek", far_edu.host_regs[0], 4)[0],
	      "abort", "A's CPU at B's memory, the hypervisor's, B's device");
	check(vmdev_faults_settled(&a, 0, 15) == 15, "15", "events counted for A's DMA");
	check(!OK(vmm_pv_op(&b, PVIOMMU_STATS, 0, PVIOMMU_STAT_FAULTS, 0, 0, 0)).r1, "0", "and for B's");
}

/* The call exits once, for us to know. */
static bool memory_call(u64 fn, u64 ipa)
{
	const u64 args[7] = { fn, ipa, 1 };

	vmm_begin(&a, "call", args, 7);
	return vmm_run(&a) == VMM_MEMORY && !vmm_finish(&a)[0];
}

CASE(scenario, a_bounce_page_comes_back)
{
	u64 ipa = a.heap_ipa + 20 * PAGE, at = a.heap_own + 20 * PAGE;

	say("\n18. A lends us a page to bounce data through, and takes it back");
	ASK(&a, "fill", ipa, BYTES / 8, SECRET);
	check(our_cpu_faults(at), "abort", "our CPU at A's page before");
	check(memory_call(PC_MEM_SHARE, ipa), "done", "A shares one page");
	check(((u64 *)at)[1] == SECRET + 1, "seen", "what A wrote there, by us");
	((u64 *)at)[0] = 77;
	check(ASK(&a, "peek", ipa, 8)[1] == 77, "seen", "what we write there, by A");
	check(testdev_lands(&ours, at + 64, (u32 *)(at + 64)), "lands", "DMA of our device to it");
	check(our_cpu_faults(at - PAGE) && our_cpu_faults(at + PAGE), "abort", "our CPU at the pages beside it");
	check(memory_call(PC_MEM_UNSHARE, ipa), "done", "A takes it back");
	check(our_cpu_faults(at), "abort", "our CPU at it after that");
	check(our_device_faults(at), "fault", "DMA of our device to it after that");
	check(ASK(&a, "peek", ipa, 8)[1] == 77, "still", "what we wrote, for A");
}

CASE(scenario, b_is_destroyed_in_the_middle_of_dma)
{
	u64 page = b.heap_own + 4 * PAGE;

	say("\n19. B is destroyed in the middle of a DMA, and the page that it aims at goes to A");
	ASK(&b, "fill", b.heap_ipa, BYTES / 8, ~SECRET);
	ASK(&b, "edu_load", far_edu.regs[0], RIG_IOVA, 0, BYTES);
	ASK(&b, "edu_start_store", far_edu.regs[0], RIG_IOVA + 4 * PAGE, 0, BYTES);
	vmm_destroy(&b);
	check(OK(vmm_query(PC_VMM_Q_VMS)).r1 == 1, "1", "VMs left");
	check(!((u64 *)page)[0] && !memcmp((u8 *)page, (u8 *)page + 8, PAGE - 8), "zeros", "the page, back with us at %#lx", page);
	vmm_donate(&a, HANDED_ON, page, 1, PC_DONATE_KEEP);
	ASK(&a, "fill", HANDED_ON, PAGE / 8, SECRET);
	gic_sleep_ms(EDU_MS);
	check(holds(&a, HANDED_ON, PAGE, SECRET, 1), "untouched", "the page, A's by now, %u ms later", EDU_MS);
	check(!(rig_device_info(far_edu.device).flags & (PC_DEV_ASSIGNED | PC_DEV_QUARANTINED)), "ours", "B's device");
	REQUIRE(edu_open(&rig.edu, far_edu.bdf), "B's edu does not answer us");
	check(!edu_running(&rig.edu), "reset", "and its engine");
}

CASE(scenario, the_end_of_a)
{
	bool zeros = true;

	say("\n20. A ends too, and everything is as it was");
	vmm_destroy(&a);
	for (u64 i = 0; i < a.pages * PAGE / 8; i++)
		zeros &= !((u64 *)a.own)[i];
	check(zeros, "zeros", "all %lu pages of A, back with us", a.pages);
	check(!OK(vmm_query(PC_VMM_Q_VMS)).r1, "0", "VMs left");
	check(OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1 == pool_before, "as before", "free pages of the hypervisor's pool");
	check(!OK(vmm_query(PC_VMM_Q_DEV_QUARANTINED)).r1, "0", "quarantined devices");
	testdev_open(&rig.testdev, slot.bdf);
	check(testdev_lands(&rig.testdev, a.heap_own, (u32 *)a.heap_own), "lands", "DMA of the slot's device, ours again, there");
	REFUSED(vm_destroy(a.handle), PC_NOT_FOUND);
	check(true, "NOT_FOUND", "A's handle");
}
