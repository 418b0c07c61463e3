/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine with two SMMUs: one domain behind both, and what one pvIOMMU can hold (A7). */
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

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
