/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a VM's own devices: in its ring, by its interrupt, in its names. One that floods keeps nobody else's away, and
 * may end in the middle of it.
 */
#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"
#include "vmdev.h"
#include "vmm.h"

#define HEAP_PAGES 64ul
#define RING_PAGE  16ul /* of the heap */
#define RING_IRQ   70u
#define NOT_MAPPED (RIG_IOVA + 0x100000)

static struct vmm a, b;
static struct vmdev slot, single;
static u64 domain_a;

static void open_a(u32 log2)
{
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	vmm_service(&a, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&slot, &a, bdf, 0, RIG_VSID(0), 0);
	vmm_start(&a);
	vmdev_enable(&slot);
	domain_a = vmdev_domain(&a);
	vmdev_map(&a, domain_a, RIG_IOVA, a.heap_ipa, 8 * PAGE, RW);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vmdev_attach(&slot, i, domain_a);
	REQUIRE_EQUAL(ASK(&a, "ring_open", a.heap_ipa + RING_PAGE * PAGE, log2, RING_IRQ, 0)[0], PC_SUCCESS);
}

CASE(vmevents, third_endpoint_by_its_own_interrupt_S0_9)
{
	const u64 *r;

	open_a(4);
	r = ASK(&a, "ring_fault", slot.regs[2], NOT_MAPPED + 0x84, a.heap_ipa);
	REQUIRE(r[0] && r[1] == PVIOMMU_REASON_MAPPING && r[3] == RIG_VSID(2) && r[4] == NOT_MAPPED + 0x84 && r[5] == 0,
		"reason %lu, endpoint %#lx, address %#lx, number %lu", r[1], r[3], r[4], r[5]);
	REQUIRE_EQUAL(r[10], 1);
	/* The page, and once more. */
	vmdev_map(&a, domain_a, NOT_MAPPED, a.heap_ipa + 9 * PAGE, PAGE, RW);
	vmdev_lands(&slot, 2, NOT_MAPPED + 0x84, a.heap_ipa + 9 * PAGE + 0x84);
	REQUIRE_EQUAL(ASK(&a, "ring_close", 0)[0], PC_SUCCESS);
	vmm_destroy(&a);
}

/* The page of a ring is its VM's alone as long as there is the ring, and the interrupt is no device's. */
CASE(vmevents, ring_page_and_interrupt_are_kept_V2)
{
	u64 ring;

	open_a(4);
	ring = a.heap_ipa + RING_PAGE * PAGE;
	REQUIRE_EQUAL(hres_status(vmm_hcall(&a, PC_MEM_SHARE, ring, 1, 0, 0, 0)), PC_BUSY);
	REQUIRE_EQUAL(hres_status(vmm_hcall(&a, PC_MEM_RELINQUISH, ring, 0, 0, 0, 0)), PC_BUSY);
	REFUSED(vcpu_irq(a.handle, 0, RING_IRQ, 1), PC_DENIED);
	REQUIRE_EQUAL(ASK(&a, "ring_close", 0)[0], PC_SUCCESS);
	OK(vcpu_irq(a.handle, 0, RING_IRQ, 0));
	vmm_destroy(&a);
}

/*
 * A floods, B has a single fault, its device behind the same SMMU. B hears of it within as many exits as drain a whole
 * queue of 4,096, 64 each: A's part of it is muted, so that the queue has room.
 */
CASE(vmevents, a_flood_of_one_vm_keeps_no_fault_of_another_N82)
{
	const u64 *r;
	u32 bdf;

	open_a(4);
	if (!rig_find_function(TESTDEV_ID, 0, &bdf))
		report_skip("this machine has no other testdev");
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&single, &b, bdf, 0, RIG_VSID(0), 0);
	vmm_start(&b);
	vmdev_enable(&single);
	vmdev_attach(&single, 0, vmdev_domain(&b));
	REQUIRE_EQUAL(ASK(&b, "ring_open", b.heap_ipa + RING_PAGE * PAGE, 4, RING_IRQ, 0)[0], PC_SUCCESS);
	for (u32 i = 0; i < 10; i++) {
		/* 5,120 refused words; then B's. */
		ASK(&a, "ring_flood", slot.regs[0], NOT_MAPPED, a.heap_ipa, 5);
		r = ASK(&b, "ring_fault", single.regs[0], NOT_MAPPED + i * PAGE, b.heap_ipa);
		for (u32 more = 0; r[0] && r[6] == PVIOMMU_KIND_LOST && more < 64; more++)
			r = ASK(&b, "ring_next", 0);
		REQUIRE(r[0] && r[6] == PVIOMMU_KIND_FAULT && r[3] == RIG_VSID(0) && r[4] == NOT_MAPPED + i * PAGE,
			"round %u: kind %lu, endpoint %#lx, address %#lx", i, r[6], r[3], r[4]);
	}
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	vmm_destroy(&b);
	vmm_destroy(&a);
}

/* A floods on another CPU and is destroyed: its ring goes before its pages do. */
CASE(vmevents, destroyed_while_it_floods_E4_H3)
{
	u64 mark;

	if (smp_start_all() < 2)
		report_skip("this machine has one CPU");
	for (u32 i = 0; i < 20; i++) {
		mark = ram_mark();
		open_a(4);
		vmm_begin(&a, "ring_flood", (const u64[]){ slot.regs[0], NOT_MAPPED, a.heap_ipa, 100000 }, 4);
		vmm_run_on(&a, 0, 1);
		gic_sleep_ms(1 + i % 7);
		vmm_destroy(&a);
		for (u64 k = 0; k < a.pages * PAGE / 8; k++)
			REQUIRE(!((volatile u64 *)a.own)[k], "word %lu came back as %lx", k, ((volatile u64 *)a.own)[k]);
		ram_release(mark);
	}
}
