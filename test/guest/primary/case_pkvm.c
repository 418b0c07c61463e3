/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The defects of other pvIOMMUs that were found by reading (Android Common Kernel: EL2 guest handler, EL2 driver,
 * guest driver), as regression tests: seven of the handler (3.8), four of the driver (3.7), three of the guest
 * driver (1.5), each by what a guest can see of it.
 */
#include <string.h>

#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"

#define FREE_IOVA (RIG_IOVA + 64 * PAGE)

/* A domain could be attached once in its life: no second endpoint, no second device, no attach after a detach. */
CASE(pkvm, 3_8_1_second_attach_of_one_domain)
{
	u32 bdf, device, endpoint;

	rig_open_mapped();
	LANDS(rig.testdev2, RIG_IOVA, rig.page);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_detach(i, rig.domain);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_attach(i, rig.domain);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
	LANDS(rig.testdev2, RIG_IOVA, rig.page);
	REQUIRE(rig_find_function(TESTDEV_ID, 0, &bdf), "no second device");
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
	rig_assign(device);
	rig_set_vsid(device, endpoint, RIG_VSID(10));
	OK(pv_attach(rig.pviommu, RIG_VSID(10), 0, rig.domain, 0));
}

/* Using a domain before its first attach, or freeing an attached one, stopped the machine. */
CASE(pkvm, 3_8_2_guest_cannot_stop_the_machine)
{
	u64 domain;

	rig_open_mapped();
	domain = rig_domain();
	rig_map(domain, FREE_IOVA, (u64)rig.page, PAGE, RW);
	rig_unmap(domain, FREE_IOVA, PAGE);
	REFUSED(pv_unmap(domain, FREE_IOVA, PAGE), PC_INVALID_PARAMETER);
	REFUSED(pv_free_domain(rig.domain), PC_BUSY);
	OK(pv_free_domain(domain));
	rig_forget_domain(domain);
	REFUSED(pv_map(domain, FREE_IOVA, (u64)rig.page, PAGE, RW), PC_NOT_FOUND);
	REFUSED(pv_unmap(domain, FREE_IOVA, PAGE), PC_NOT_FOUND);
}

/* ATTACH took any free id, of the host too. */
CASE(pkvm, 3_8_3_attach_of_a_domain_never_allocated)
{
	struct world before, now;

	rig_open_mapped();
	world_read(&before);
	for (u64 id = 0; id < 4096; id++) {
		struct hres r;

		if (id == rig.domain)
			continue;
		r = pv_attach(rig.pviommu, RIG_VSID(0), 0, id, 0);
		REQUIRE(hres_status(r) == PC_NOT_FOUND, "domain %lu: %s", id, status_name(hres_status(r)));
	}
	world_read(&now);
	REQUIRE(!world_difference(&before, &now), "changed: %s", world_difference(&before, &now));
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* An id beyond the table made the vCPU repeat its call for ever. */
CASE(pkvm, 3_8_4_attach_beyond_the_table_returns)
{
	static const u64 ids[] = { 512, 513, 65535, 65536, 1ul << 20, 1ul << 31, 1ul << 32, 1ul << 63, ~0ul };

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(ids); i++) {
		if (ids[i] != rig.domain)
			REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, ids[i], 0), PC_NOT_FOUND);
	}
}

/* A domain that was never attached could not be freed; a failed attach left it unusable. */
CASE(pkvm, 3_8_5_free_of_a_never_attached_domain)
{
	u64 left = rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), domain;

	for (u32 i = 0; i < 5000; i++)
		OK(pv_free_domain(OK(pv_alloc_domain()).r1));
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), left);
	rig_open_mapped();
	domain = rig_domain();
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(33), 0, domain, 0), PC_NOT_FOUND);
	rig_map(domain, FREE_IOVA, (u64)rig.page, PAGE, RW);
	rig_attach(TESTDEV2, domain);
	LANDS(rig.testdev2, FREE_IOVA, rig.page);
	rig_detach(TESTDEV2, domain);
	OK(pv_free_domain(domain));
	rig_forget_domain(domain);
}

/* Map could leak a reference of the domain, which then never could be freed. */
CASE(pkvm, 3_8_6_map_leaks_no_reference)
{
	u64 domain;

	rig_open_mapped();
	for (u32 i = 0; i < 300; i++) {
		domain = rig_domain();
		rig_map(domain, FREE_IOVA, (u64)rig.page, PAGE, RW);
		REFUSED(pv_map(domain, FREE_IOVA, (u64)rig.page, PAGE, RW), PC_EXISTS);
		if (i % 3)
			rig_unmap(domain, FREE_IOVA, PAGE);
		OK(pv_free_domain(domain));
		rig_forget_domain(domain);
	}
}

/* DETACH did not check which domain it was. */
CASE(pkvm, 3_8_7_detach_checks_the_domain)
{
	u64 other;

	rig_open_mapped();
	other = rig_domain();
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, other), PC_NOT_FOUND);
	rig_attach(TESTDEV2, other);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, other), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(TESTDEV2), 0, rig.domain), PC_NOT_FOUND);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* A batch of commands was indexed by one word instead of two: only half of what it named was invalidated. */
CASE(pkvm, 3_7_1_every_command_of_a_batch_is_issued)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *entries;
	u64 memory;

	rig_open_mapped();
	list = ram_alloc(PAGE, PAGE);
	entries = ram_alloc(PAGE, PAGE);
	memory = ram_alloc_raw(200 * PAGE, PAGE);
	for (u64 i = 0; i < 200; i++) {
		entries[i] = (struct pviommu_unmap_entry){ FREE_IOVA + 3 * i * PAGE, PAGE };
		rig_map(rig.domain, entries[i].iova, memory + i * PAGE, PAGE, RW);
		LANDS(rig.testdev, entries[i].iova, (u32 *)(memory + i * PAGE));
	}
	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = (u32)rig.domain,
					   .entry_len = sizeof(*entries),
					   .entry_num = 200,
					   .entries_ipa = (u64)entries };
	/* What a call does not come to is the next one's: nothing of it is said to be done. */
	for (u64 done = 0, now; done < 200; done += now) {
		list->entries_ipa = (u64)&entries[done];
		list->entry_num = (u32)(200 - done);
		now = OK(pv_unmap_list((u64)list)).r1 / PAGE;
		REQUIRE(now > 0 && now <= 200 - done, "%lu entries of %lu were done", now, 200 - done);
	}
	for (u64 i = 0; i < 200; i++)
		FAULTS(rig.testdev, entries[i].iova, (u32 *)(memory + i * PAGE));
}

static void other_cpu_asks(void *arg)
{
	*(u64 *)arg = pv_query(rig.pviommu, PVIOMMU_Q_VERSION, 0).r1;
}

/* Taking a device out of identity returned with a lock held: the next call of anybody hung. */
CASE(pkvm, 3_7_2_no_lock_is_kept_by_leaving_identity)
{
	u64 answer = 0;

	rig_open();
	if (smp_start_all() > 1) {
		smp_run(1, other_cpu_asks, &answer);
		smp_join(1);
		REQUIRE_EQUAL(answer, PC_ABI_VERSION);
	}
	rig_hooks.clean_up();
	for (u32 i = 0; i < 3; i++) {
		rig_open();
		rig_hooks.clean_up();
	}
}

/* Blocking a device gave its tables back before the stream's change was complete. */
CASE(pkvm, 3_7_3_blocked_before_tables_are_reused)
{
	u64 pool, filler;
	u32 *page;

	rig_open_mapped();
	page = rig.page;
	for (u32 i = 0; i < 16; i++) {
		LANDS(rig.testdev, RIG_IOVA, page);
		rig_detach(TESTDEV, rig.domain);
		pool = rig_stat(PVIOMMU_STAT_POOL_FREE);
		/* Whatever detach gave back is in use again by this domain's tables now. */
		filler = rig_domain();
		rig_map(filler, RIG_IOVA, (u64)page, PAGE, RW);
		FAULTS(rig.testdev, RIG_IOVA, page);
		OK(pv_free_domain(filler));
		rig_forget_domain(filler);
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_POOL_FREE), pool);
		rig_attach(TESTDEV, rig.domain);
	}
}

/* Initialisation mixed the two forms of stream table: streams of a second-level table that nobody set up. */
CASE(pkvm, 3_7_4_every_stream_has_its_own_entry)
{
	u64 domains[PCI_MAX_FUNCTIONS];
	u32 *pages[PCI_MAX_FUNCTIONS], vsids[PCI_MAX_FUNCTIONS], count = 0, bdf, device, endpoint, buses = 0;
	struct testdev t[PCI_MAX_FUNCTIONS];

	for (u32 n = 0; rig_find_function(TESTDEV_ID, n, &bdf); n++) {
		REQUIRE(rig_find_device(bdf, &device, &endpoint), "no device");
		/* Functions behind one conventional bridge are one stream; a second SMMU has cases of its own. */
		if (bdf >> 8 >= RIG_SECOND_BUS || rig_device_info(device).flags & PC_DEV_ASSIGNED)
			continue;
		rig_assign(device);
		vsids[count] = RIG_VSID(16 + count);
		rig_set_vsid(device, endpoint, vsids[count]);
		testdev_open(&t[count], bdf);
		domains[count] = rig_domain();
		pages[count] = ram_alloc(PAGE, PAGE);
		rig_map(domains[count], RIG_IOVA, (u64)pages[count], PAGE, RW);
		FAULTS(t[count], RIG_IOVA, pages[count]);
		buses |= 1u << (bdf >> 8 & 31);
		count++;
	}
	if (!(buses & ~1u))
		report_skip("this machine has no testdev behind a bridge");
	for (u32 i = 0; i < count; i++)
		OK(pv_attach(rig.pviommu, vsids[i], 0, domains[i], 0));
	for (u32 i = 0; i < count; i++)
		LANDS(t[i], RIG_IOVA, pages[i]);
}

/* The guest driver took the second id of a device for a group number, so that several vSIDs and groups collided. */
CASE(pkvm, 1_5_1_ids_are_vsids_and_groups_are_told)
{
	u64 group;

	for (u32 i = 0; i < machine.pviommu_count; i++)
		REQUIRE(machine.pviommu[i].iommu_cells == 1, "#iommu-cells is %u", machine.pviommu[i].iommu_cells);
	rig_open();
	group = OK(pv_endpoint_info(rig.pviommu, RIG_VSID(0))).r3;
	REQUIRE(OK(pv_endpoint_info(rig.pviommu, RIG_VSID(1))).r3 == group &&
			OK(pv_endpoint_info(rig.pviommu, RIG_VSID(2))).r3 == group,
		"the functions of one slot are in different groups");
}

/* The guest driver never stored the groups it made; ours come from the hypervisor, the same at each question. */
CASE(pkvm, 1_5_2_groups_are_stable_and_distinct)
{
	u64 count = OK(dev_count()).r1;

	for (u64 a = 0; a < count; a++) {
		u32 group = rig_device_info((u32)a).group;

		REQUIRE_EQUAL(rig_device_info((u32)a).group, group);
		for (u64 b = 0; b < a; b++) {
			struct pc_dev_info x = rig_device_info((u32)a);
			struct pc_dev_info y = rig_device_info((u32)b);

			/* Slots of the root bus are isolated from each other by the SMMU alone. */
			if (!strncmp((char *)x.name, "pci 0000:00:", 12) && !strncmp((char *)y.name, "pci 0000:00:", 12))
				REQUIRE(x.group != y.group, "devices %lu and %lu are in group %u", a, b, group);
		}
	}
}

/* The guest driver's way back from a failed attach detached the wrong endpoint; here the call undoes itself. */
CASE(pkvm, 1_5_3_failed_attach_undoes_exactly_itself)
{
	struct pviommu_attach_list *list;
	u32 *vsids;
	u64 other;

	rig_open_mapped();
	other = rig_domain();
	rig_map(other, FREE_IOVA, (u64)rig.page, PAGE, RW);
	list = ram_alloc(2 * PAGE, PAGE);
	vsids = (u32 *)((u8 *)list + PAGE);
	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .pviommu = rig.pviommu,
					      .domain = (u32)other,
					      .vsids_ipa = (u64)vsids,
					      .vsid_count = 3 };
	vsids[0] = RIG_VSID(0), vsids[1] = RIG_VSID(1), vsids[2] = RIG_VSID(50);
	REFUSED(pv_attach_list((u64)list), PC_NOT_FOUND);
	FAULTS(rig.testdev, FREE_IOVA, rig.page);
	LANDS(rig.testdev2, RIG_IOVA, rig.page);
	rig_detach(TESTDEV2, rig.domain);
	rig_attach(TESTDEV2, other);
	/* The last of the list has the domain already: the first two keep the one they have. */
	vsids[2] = RIG_VSID(2);
	REFUSED(pv_attach_list((u64)list), PC_EXISTS);
	LANDS(rig.testdev2, FREE_IOVA, rig.page);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}
