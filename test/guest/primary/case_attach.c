/* SPDX-License-Identifier: BSD-2-Clause */
/* ATTACH_DEV and DETACH_DEV: one or many endpoints, replacement, blocking. */
#include "ram.h"
#include "rig.h"

#define FREE_IOVA (RIG_IOVA + 64 * PAGE)

CASE(attach, unattached_is_blocked_V4_B9)
{
	u32 *memory;

	rig_open();
	memory = ram_alloc(PAGE, PAGE);
	FAULTS(rig.testdev, (u64)memory, memory);
	FAULTS(rig.testdev, 0, memory);
	FAULTS(rig.testdev2, RIG_IOVA, memory);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
}

CASE(attach, identity_addresses_do_not_work_in_a_paging_domain)
{
	u32 *other;

	rig_open_mapped();
	other = ram_alloc(PAGE, PAGE);
	FAULTS(rig.testdev, (u64)other, other);
	FAULTS(rig.testdev, (u64)rig.page, rig.page);
}

CASE(attach, same_domain_again_is_exists_D9)
{
	rig_open_mapped();
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, rig.domain, 0), PC_EXISTS);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(EDU), 0, rig.domain, 0), PC_EXISTS);
}

CASE(attach, endpoints_are_independent)
{
	u32 *page_a, *page_b;
	u64 a, b;

	rig_open();
	a = rig_domain();
	b = rig_domain();
	page_a = ram_alloc(PAGE, PAGE);
	page_b = ram_alloc(PAGE, PAGE);
	rig_map(a, RIG_IOVA, (u64)page_a, PAGE, RW);
	rig_map(b, RIG_IOVA, (u64)page_b, PAGE, RW);
	rig_attach(TESTDEV, a);
	FAULTS(rig.testdev2, RIG_IOVA, page_a);
	rig_attach(TESTDEV2, b);
	LANDS(rig.testdev, RIG_IOVA, page_a);
	LANDS(rig.testdev2, RIG_IOVA, page_b);
	REQUIRE_EQUAL(testdev_write(&rig.testdev, RIG_IOVA, (u64)page_b + 4, 4), TESTDEV_ELSEWHERE);
	rig_detach(TESTDEV, a);
	FAULTS(rig.testdev, RIG_IOVA, page_a);
	LANDS(rig.testdev2, RIG_IOVA, page_b);
}

/* Another domain replaces the first in one step: its tables are unreachable when the call returns. */
CASE(attach, replace_switches_at_once_B4)
{
	u32 *old_page, *new_page;
	u64 old_domain, new_domain;

	rig_open();
	old_domain = rig_domain();
	new_domain = rig_domain();
	old_page = ram_alloc(PAGE, PAGE);
	new_page = ram_alloc(PAGE, PAGE);
	rig_map(old_domain, RIG_IOVA, (u64)old_page, PAGE, RW);
	rig_map(old_domain, FREE_IOVA, (u64)old_page, PAGE, RW);
	rig_map(new_domain, RIG_IOVA, (u64)new_page, PAGE, RW);
	rig_attach(TESTDEV, old_domain);
	for (u32 round = 0; round < 8; round++) {
		LANDS(rig.testdev, RIG_IOVA, old_page);
		LANDS(rig.testdev, FREE_IOVA, old_page);
		rig_attach(TESTDEV, new_domain);
		LANDS(rig.testdev, RIG_IOVA, new_page);
		FAULTS(rig.testdev, FREE_IOVA, old_page);
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 1);
		REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, old_domain), PC_NOT_FOUND);
		rig_attach(TESTDEV, old_domain);
	}
	OK(pv_free_domain(new_domain));
	rig_forget_domain(new_domain);
}

CASE(attach, detach_of_what_is_not_attached_D9)
{
	u64 other;

	rig_open_mapped();
	other = rig_domain();
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, other), PC_NOT_FOUND);
	rig_detach(TESTDEV2, rig.domain);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(TESTDEV2), 0, rig.domain), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(TESTDEV2), 0, other), PC_NOT_FOUND);
}

CASE(attach, unknown_names_refused_N5_N21)
{
	rig_open_mapped();
	REFUSED(pv_attach(rig.pviommu + 1000, RIG_VSID(0), 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(9), 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, 0, 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, rig.domain + 100000, 0), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu + 1000, RIG_VSID(0), 0, rig.domain), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(9), 0, rig.domain), PC_NOT_FOUND);
}

/* QEMU's SMMU has no substreams, so no PASID but 0 exists here; those that do are shown on the model. */
CASE(attach, pasid_without_substreams_D8_N24)
{
	u64 other;

	rig_open_mapped();
	other = rig_domain();
	for (u64 pasid = 1; pasid < 1ul << 20; pasid <<= 4) {
		REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), pasid, rig.domain, 0), PC_NOT_SUPPORTED);
		REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), pasid, other, 8), PC_NOT_SUPPORTED);
		REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), pasid, rig.domain), PC_NOT_FOUND);
	}
}

/* pasid_bits asks for at most what there is. */
CASE(attach, pasid_bits_are_cut)
{
	u64 domain;

	rig_open();
	domain = rig_domain();
	for (u64 bits = 0; bits <= 20; bits += 5) {
		OK(pv_attach(rig.pviommu, RIG_VSID(0), 0, domain, bits));
		rig_detach(TESTDEV, domain);
	}
}

CASE(attach, detach_and_attach_again)
{
	rig_open_mapped();
	for (u32 i = 0; i < 200; i++) {
		rig_detach(TESTDEV, rig.domain);
		if (i % 20 == 0)
			FAULTS(rig.testdev, RIG_IOVA, rig.page);
		rig_attach(TESTDEV, rig.domain);
		if (i % 20 == 0)
			LANDS(rig.testdev, RIG_IOVA, rig.page);
	}
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), RIG_ENDPOINTS);
}

/* A transfer that edu starts before the detach fires 100 ms later, into a blocked stream. */
/* Where an attachment takes memory (stage 1: a context), none is left of one that found none. */
CASE(attach, without_memory_nothing_changes_I4)
{
	struct pviommu_attach_list *list = (void *)ram_alloc(PAGE, PAGE);
	u32 *vsids = (u32 *)list + PAGE / 8, *page = ram_alloc(PAGE, PAGE);
	u64 filler, before, needed, domain;

	rig_open();
	domain = rig_domain();
	before = rig_stat(PVIOMMU_STAT_POOL_FREE);
	rig_attach(0, domain);
	needed = before - rig_stat(PVIOMMU_STAT_POOL_FREE);
	rig_detach(0, domain);
	filler = rig_drain_pool();
	*list = (struct pviommu_attach_list){
		.size = sizeof(*list),
		.pviommu = rig.pviommu,
		.domain = (u32)domain,
		.vsids_ipa = (u64)vsids,
		.vsid_count = 2,
	};
	vsids[0] = (u32)RIG_VSID(0);
	vsids[1] = (u32)RIG_VSID(EDU);
	if (needed) {
		REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, domain, 0), PC_NO_MEMORY);
		REFUSED(pv_attach_list((u64)list), PC_NO_MEMORY);
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
		FAULTS(rig.testdev, RIG_IOVA, page);
	}
	OK(pv_free_domain(filler));
	rig_forget_domain(filler);
	rig_attach(0, domain);
	rig_detach(0, domain);
}

CASE(attach, late_transfer_is_blocked_E6)
{
	u32 *victim;

	rig_open_mapped();
	victim = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, (u64)victim, PAGE, RW);
	rig.page[0] = 0x600df00d;
	REQUIRE(edu_load(&rig.edu, RIG_IOVA, 0, 64), "edu does not finish");
	victim[0] = 0x11111111;
	edu_start_store(&rig.edu, FREE_IOVA, 0, 64);
	rig_detach(EDU, rig.domain);
	REQUIRE(edu_wait(&rig.edu), "edu does not finish");
	REQUIRE_EQUAL(victim[0], 0x11111111);
	rig_attach(EDU, rig.domain);
	REQUIRE(edu_store(&rig.edu, FREE_IOVA, 0, 64), "edu does not finish");
	REQUIRE_EQUAL(victim[0], 0x600df00d);
}
