/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine with two SMMUs: one domain behind both, and what one pvIOMMU can hold (A7). */
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "ring.h"

static struct testdev far_dev; /* behind the second SMMU */
static u32 far_device, far_pviommu;

/* A testdev on a bus of the second host root; its device is given to the pvIOMMU beside the rig's. */
static void open_both(void)
{
	u32 bdf, endpoint;

	for (u32 n = 0;; n++) {
		if (!rig_find_function(TESTDEV_ID, n, &bdf))
			report_skip("this machine has no device behind a second SMMU");
		if (bdf >> 8 >= RIG_SECOND_BUS)
			break;
	}
	rig_open_mapped();
	REQUIRE(rig_find_device(bdf, &far_device, &endpoint), "function %x has no device", bdf);
	far_pviommu = rig.pviommu + 1;
	far_dev.bdf = bdf;
}

static void assign_far(void)
{
	struct hres r;

	do
		r = OK(dev_assign(far_device, PC_VM_PRIMARY, far_pviommu));
	while (r.r1 == 1);
	rig_note_assigned(far_device);
	OK(dev_set_vsid(far_device, 0, RIG_VSID(20)));
	testdev_open(&far_dev, far_dev.bdf);
}

static void detach_far(void)
{
	OK(pv_detach(far_pviommu, RIG_VSID(20), 0, rig.domain));
}

CASE(iommus, identity_behind_both_V4)
{
	u32 *page;

	open_both();
	page = ram_alloc(PAGE, PAGE);
	testdev_open(&far_dev, far_dev.bdf);
	LANDS(far_dev, (u64)page, page);
	REQUIRE_EQUAL(testdev_write(&far_dev, machine.uart, machine.uart, 4), TESTDEV_REFUSED);
	REQUIRE_EQUAL(testdev_write(&far_dev, align_up(machine.reserved[0].base, PAGE), (u64)page, 4), TESTDEV_REFUSED);
}

CASE(iommus, one_pviommu_holds_one_iommu)
{
	open_both();
	REFUSED(dev_assign(far_device, PC_VM_PRIMARY, rig.pviommu), PC_INVALID_PARAMETER);
}

/* Success is told only when every SMMU that could have cached the translation has dropped it. */
CASE(iommus, one_domain_behind_both_A7)
{
	u64 memory, iova = RIG_IOVA + 8 * BLOCK_2M;

	open_both();
	assign_far();
	memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	FAULTS(far_dev, RIG_IOVA, rig.page);
	OK(pv_attach(far_pviommu, RIG_VSID(20), 0, rig.domain, 0));
	for (u64 bytes = PAGE; bytes <= BLOCK_2M; bytes <<= 3) {
		rig_map(rig.domain, iova, memory, bytes, RW);
		LANDS(rig.testdev, iova + bytes - 4, (u32 *)(memory + bytes) - 1);
		LANDS(far_dev, iova + bytes - 4, (u32 *)(memory + bytes) - 1);
		rig_unmap(rig.domain, iova, bytes);
		FAULTS(rig.testdev, iova + bytes - 4, (u32 *)(memory + bytes) - 1);
		FAULTS(far_dev, iova + bytes - 4, (u32 *)(memory + bytes) - 1);
	}
	detach_far();
	FAULTS(far_dev, RIG_IOVA, rig.page);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* What one SMMU cached under the domain's tag is gone when it comes back there, whatever changed meanwhile. */
CASE(iommus, left_and_come_back_A4_A7)
{
	u64 iova = RIG_IOVA + 8 * BLOCK_2M;
	u32 *memory;

	open_both();
	assign_far();
	memory = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < 8; i++) {
		rig_map(rig.domain, iova, (u64)memory, PAGE, RW);
		OK(pv_attach(far_pviommu, RIG_VSID(20), 0, rig.domain, 0));
		LANDS(far_dev, iova, memory);
		detach_far();
		rig_unmap(rig.domain, iova, PAGE);
		OK(pv_attach(far_pviommu, RIG_VSID(20), 0, rig.domain, 0));
		FAULTS(far_dev, iova, memory);
		detach_far();
	}
}

/* vSIDs are per pvIOMMU; endpoints are named by both. */
CASE(iommus, vsids_of_two_pviommus_V7)
{
	open_both();
	assign_far();
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(20), 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(far_pviommu, RIG_VSID(0), 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_detach(far_pviommu, RIG_VSID(0), 0, rig.domain), PC_NOT_FOUND);
}

/* Faults are counted at the pvIOMMU of the endpoint that made them. */
CASE(iommus, faults_are_counted_where_they_happen_H1)
{
	u64 here, there;

	open_both();
	assign_far();
	here = OK(pv_stats(rig.pviommu, PVIOMMU_STAT_FAULTS)).r1;
	there = OK(pv_stats(far_pviommu, PVIOMMU_STAT_FAULTS)).r1;
	for (u32 i = 0; i < 5; i++)
		FAULTS(far_dev, RIG_IOVA + PAGE, rig.page);
	REQUIRE_EQUAL(faults_settled(far_pviommu, there + 5), there + 5);
	REQUIRE_EQUAL(OK(pv_stats(rig.pviommu, PVIOMMU_STAT_FAULTS)).r1, here);
}

static struct pviommu_ring *ring_of(u32 pviommu)
{
	struct pviommu_ring *ring = ram_alloc(align_up(ring_bytes(4, PVIOMMU_RECORD_FULL), PAGE), PAGE);

	OK(pv_events_setup(pviommu, (u64)ring, 4, 0, RING_FULL_RECORDS));
	return ring;
}

/* The next record that is no loss of before. */
static struct pviommu_event next_of(struct pviommu_ring *ring)
{
	struct pviommu_event event = { 0 };

	for (u32 tries = 0; tries < 100000; tries++) {
		OK(dev_count());
		if (ring_take(ring, &event) && event.kind == PVIOMMU_KIND_FAULT)
			return event;
	}
	REQUIRE(false, "no record came");
	return event;
}

/* Two SMMUs, two queues, two rings, in turn and mixed; the same stream number behind both would be two names. */
CASE(iommus, events_of_each_in_its_own_ring_S0_8_S0_9)
{
	struct pviommu_ring *here, *there;

	open_both();
	assign_far();
	OK(pv_attach(far_pviommu, RIG_VSID(20), 0, rig.domain, 0));
	here = ring_of(rig.pviommu);
	there = ring_of(far_pviommu);
	for (u32 i = 1; i <= 40; i++) {
		struct pviommu_event near_event, far_event;

		FAULTS(far_dev, RIG_IOVA + 2 * i * PAGE, rig.page);
		FAULTS(rig.testdev2, RIG_IOVA + (2 * i + 1) * PAGE, rig.page);
		near_event = next_of(here);
		far_event = next_of(there);
		REQUIRE(near_event.endpoint == RIG_VSID(TESTDEV2) && near_event.address == RIG_IOVA + (2 * i + 1) * PAGE,
			"endpoint %#x at %#lx", near_event.endpoint, near_event.address);
		REQUIRE(far_event.endpoint == RIG_VSID(20) && far_event.address == RIG_IOVA + 2 * i * PAGE, "endpoint %#x at %#lx",
			far_event.endpoint, far_event.address);
		REQUIRE(!ring_waiting(here) && !ring_waiting(there), "more than one record of one fault");
	}
	OK(pv_events_setup(rig.pviommu, 0, 0, 0, 0));
	OK(pv_events_setup(far_pviommu, 0, 0, 0, 0));
	detach_far();
}
