/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a VM's own devices: in its ring, by its interrupt, in its names. One that floods keeps nobody else's away, and
 * may end in the middle of it.
 */
#include <string.h>

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
#define CALLS_MAX  (4096 / 64 + 1) /* hardware's queue, and what a call takes of it */
#define TRIES_MAX  500

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

static void open_b(void)
{
	u32 bdf;

	if (!rig_find_function(TESTDEV_ID, 0, &bdf))
		report_skip("this machine has no other testdev");
	vmm_service(&b, PC_VM_OPEN_MMIO, 1, HEAP_PAGES);
	vmdev_give(&single, &b, bdf, 0, RIG_VSID(0), 0);
	vmm_start(&b);
	vmdev_enable(&single);
	vmdev_attach(&single, 0, vmdev_domain(&b));
	REQUIRE_EQUAL(ASK(&b, "ring_open", b.heap_ipa + RING_PAGE * PAGE, 4, 0, 0)[0], PC_SUCCESS);
}

/* A fault of B's is told within as many calls of its own as drain a whole queue, and one more. */
static bool told_to_b(u64 iova)
{
	return ASK(&b, "ring_fault_within", single.regs[0], iova, b.heap_ipa, CALLS_MAX)[0];
}

/* A floods, 51,200 refused words in all, between single faults of B, whose device is behind the same SMMU. */
CASE(vmevents, a_flood_of_one_vm_keeps_no_fault_of_another_N82)
{
	open_a(4);
	open_b();
	for (u32 i = 0; i < 10; i++) {
		ASK(&a, "ring_flood", slot.regs[0], NOT_MAPPED, a.heap_ipa, 5);
		REQUIRE(told_to_b(NOT_MAPPED + i * PAGE), "round %u: the fault was not told", i);
	}
	vmdev_lands(&slot, 0, RIG_IOVA, a.heap_ipa);
	vmm_destroy(&b);
	vmm_destroy(&a);
}

/*
 * The same while A floods all the time, on another CPU, 1,024 words with each register read. What comes while hardware's queue is
 * full is dropped by hardware, and B told that something was; but it is not full for long, since who fills it is muted.
 * That it would be without muting is for the model to show (events.H2_*): QEMU lets one CPU's devices wait for the other's.
 */
CASE(vmevents, a_flood_beside_keeps_no_fault_of_another_N82_H2)
{
	u64 before;

	if (smp_start_all() < 2)
		report_skip("this machine has one CPU");
	open_a(4);
	open_b();
	vmm_begin(&a, "ring_flood", (const u64[]){ slot.regs[0], NOT_MAPPED, a.heap_ipa, ~0ul }, 4);
	vmm_run_on(&a, 0, 1);
	before = a.mail->progress;
	for (u32 i = 0; i < 20 || a.mail->progress - before < 50; i++) {
		u32 tries = 0;

		while (!told_to_b(NOT_MAPPED + (i % 16) * PAGE)) {
			REQUIRE(++tries < TRIES_MAX, "round %u: %u faults were not told", i, tries);
			/* The other CPU may be the one that drains, and not be running at all: it is a thread of the host. */
			gic_sleep_ms(1);
		}
	}
	vmm_destroy(&b);
	vmm_destroy(&a);
}

/* No word of the VM's memory lies in the range. */
static void require_none(u64 ipa, u64 bytes, struct range range, const char *what)
{
	const u64 *r = ASK(&a, "find_words", ipa, bytes, range.base, range.base + range.size);

	REQUIRE(!r[0], "%lu words of a VM's memory are %s, the first at %lx: %lx", r[0], what, r[1], r[2]);
}

/* All of its memory but the mail page, which is the primary's too, and has the range that is looked for. */
static void require_none_in_all(struct range range, const char *what)
{
	u64 behind = a.mail_ipa + PAGE;

	require_none(SERVICE_BASE, a.mail_ipa - SERVICE_BASE, range, what);
	require_none(behind, SERVICE_BASE + a.pages * PAGE - behind, range, what);
}

/* Whether the counter was in the range since then. The VM's stack holds a reading of it, which would be taken for an address. */
static bool clock_was_in(struct range range, u64 since)
{
	return since < range.base + range.size && time_ticks() >= range.base;
}

/* A fault of the VM is told, and no host address is in its memory. False if that could not be asked: the clock looked like one. */
static bool looked_through(void)
{
	const struct pviommu_event want = { .reason = PVIOMMU_REASON_MAPPING,
					    .flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS,
					    .endpoint = RIG_VSID(2),
					    .address = NOT_MAPPED + 0x84,
					    .kind = PVIOMMU_KIND_FAULT,
					    .arch = PVIOMMU_ARCH_SMMUV3,
					    .code = 0x10 };
	u64 ring, behind, since = time_ticks();
	struct range all = { 1, ~1ul }, own;
	bool clock = false;

	open_a(4);
	ring = a.heap_ipa + RING_PAGE * PAGE;
	behind = ring + sizeof(struct pviommu_ring) + sizeof(want);
	own = (struct range){ a.own, a.pages * PAGE };
	REQUIRE(ASK(&a, "ring_fault", slot.regs[2], NOT_MAPPED + 0x84, a.heap_ipa)[0], "no record came");
	REQUIRE(!memcmp(ASK(&a, "ring_words", sizeof(struct pviommu_ring)), &want, sizeof(want)), "the record is another");
	REQUIRE(!memcmp(ASK(&a, "ring_words", 0),
			&(const u32[16]){ PC_ABI_VERSION, 4, 1, 0, 0, 0, 1, PVIOMMU_RECORD_FULL }, 64),
		"the header's first line is another");
	/* That the search finds what is there. */
	REQUIRE_EQUAL(ASK(&a, "find_words", ring, PAGE, NOT_MAPPED + 0x84, NOT_MAPPED + 0x85)[0], 1);
	require_none(a.heap_ipa, ring - a.heap_ipa, all, "not zero");
	require_none(behind, a.heap_ipa + HEAP_PAGES * PAGE - behind, all, "not zero");
	for (u32 i = 0; i < machine.reserved_count; i++)
		clock |= clock_was_in(machine.reserved[i], since);
	clock |= clock_was_in(own, since);
	if (!clock) {
		for (u32 i = 0; i < machine.reserved_count; i++)
			require_none_in_all(machine.reserved[i], "addresses of the hypervisor");
		require_none_in_all(own, "host addresses of its own memory");
	}
	vmm_destroy(&a);
	return !clock;
}

/*
 * V6: every byte that the hypervisor has written to the VM is in the ring, and there it says what the VM knows, in its own
 * names. All of the VM's memory is looked through for host addresses: those of the hypervisor's memory, and those at which the
 * VM's own lies. Its heap was cleared when it was given, and nobody else writes it: there every word but the ring's is zero.
 * What registers it reads is vgic_regs' affair, what a call answers the specification's.
 */
CASE(vmevents, nothing_else_is_written_V6_N70_S3_4)
{
	u64 mark = ram_mark();

	while (!looked_through()) {
		ram_release(mark);
		gic_sleep_ms(10);
	}
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
