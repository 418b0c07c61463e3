/* SPDX-License-Identifier: BSD-2-Clause */
/* DEV_*: what the VMM side of the interface tells, gives, freezes and takes back. */
#include <string.h>

#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

#define SDHCI_ID 0x00071b36u

static u64 devices(void)
{
	return OK(dev_count()).r1;
}

CASE(device, every_function_is_of_one_device)
{
	u32 device, endpoint;

	REQUIRE(devices() > 0, "there is no device");
	for (u32 i = 0; i < pci_function_count; i++) {
		u32 bdf = pci_functions[i].bdf;

		/* Bridges of every kind master nothing. */
		if (pci_read32(bdf, PCI_CLASS) >> 24 == PCI_CLASS_BRIDGE)
			continue;
		REQUIRE(rig_find_device(bdf, &device, &endpoint), "function %x belongs to no device", bdf);
		REQUIRE(endpoint < OK(dev_endpoint_count(device)).r1, "function %x is endpoint %u of %lu", bdf, endpoint,
			OK(dev_endpoint_count(device)).r1);
	}
}

CASE(device, info_is_consistent)
{
	for (u64 d = 0; d < devices(); d++) {
		struct pc_dev_info info = rig_device_info((u32)d);

		REQUIRE(info.size == sizeof(info) && info.device == d && !info.reserved, "device %lu: size %u index %u", d,
			info.size, info.device);
		REQUIRE(memchr(info.name, 0, sizeof(info.name)) && info.name[0], "device %lu has no name", d);
		REQUIRE_EQUAL(info.endpoint_count, OK(dev_endpoint_count(d)).r1);
		REQUIRE(info.endpoint_count >= 1 && info.endpoint_count <= PC_DEV_MAX_ENDPOINTS, "%u endpoints",
			info.endpoint_count);
		REQUIRE(info.mmio_count <= PC_DEV_MAX_MMIO, "%u ranges", info.mmio_count);
		REQUIRE(!(info.flags & ~(PC_DEV_ASSIGNED | PC_DEV_QUARANTINED | PC_DEV_FROZEN)), "flags %x", info.flags);
	}
}

CASE(device, info_ranges_are_the_bars)
{
	struct pc_dev_info info;
	u32 bdf, found = 0;

	rig_open();
	info = rig_device_info(rig.device);
	rig_find_slot(&bdf);
	for (u32 fn = 0; fn < RIG_ENDPOINTS; fn++) {
		struct range bar = pci_bar(bdf + fn, 0);

		for (u32 i = 0; i < info.mmio_count; i++)
			found += info.mmio[i].ipa == bar.base && info.mmio[i].bytes == bar.size;
	}
	REQUIRE(found == RIG_ENDPOINTS && info.mmio_count == RIG_ENDPOINTS, "%u of %u ranges are BARs", found,
		info.mmio_count);
}

/* The output stays inside `size`, and a structure of a later version is filled as far as it is known. */
CASE(device, info_writes_min_of_sizes_N1_N2_N15_S2_4)
{
	u8 *buffer = ram_alloc(2 * PAGE, PAGE);
	u32 *size = (u32 *)buffer;

	memset(buffer, 0, PAGE);
	*size = sizeof(struct pc_dev_info);
	buffer[sizeof(struct pc_dev_info)] = 0x77;
	OK(dev_info(0, (u64)buffer));
	REQUIRE(buffer[sizeof(struct pc_dev_info)] == 0x77, "a byte behind the structure is written");
	for (u32 s = 0; s < sizeof(struct pc_dev_info); s += 4) {
		*size = s;
		REFUSED(dev_info(0, (u64)buffer), PC_INVALID_PARAMETER);
	}
	/* A caller of a later version: what we do not know stays as it is. */
	*size = 1024;
	buffer[sizeof(struct pc_dev_info)] = 0;
	buffer[1024] = 0x77;
	OK(dev_info(0, (u64)buffer));
	REQUIRE_EQUAL(*size, sizeof(struct pc_dev_info));
	REQUIRE(buffer[1024] == 0x77, "a byte behind `size` is written");
	*size = PVIOMMU_MAX_STRUCT + 8;
	REFUSED(dev_info(0, (u64)buffer), PC_INVALID_PARAMETER);
}

CASE(device, info_buffer_must_be_memory_N3)
{
	u64 end = machine.ram[machine.ram_count - 1].base + machine.ram[machine.ram_count - 1].size;

	REFUSED(dev_info(0, align_up(machine.reserved[0].base, PAGE)), PC_FAULT);
	REFUSED(dev_info(0, machine.uart), PC_FAULT);
	REFUSED(dev_info(0, machine.pci.ecam.base), PC_FAULT);
	REFUSED(dev_info(0, end), PC_FAULT);
	REFUSED(dev_info(0, 1ul << 52), PC_FAULT);
	REFUSED(dev_info(0, ~7ul), PC_FAULT);
}

CASE(device, unknown_index_refused_D7)
{
	u64 count = devices();
	u64 strange[] = { count, count + 1, 0xffff, 0xffffffff, 1ul << 32, ~0ul };
	u64 *buffer = ram_alloc(PAGE, PAGE);

	*buffer = sizeof(struct pc_dev_info);
	for (u32 i = 0; i < ARRAY_COUNT(strange); i++) {
		REFUSED(dev_info(strange[i], (u64)buffer), PC_NOT_FOUND);
		REFUSED(dev_endpoint_count(strange[i]), PC_NOT_FOUND);
		REFUSED(dev_assign(strange[i], PC_VM_PRIMARY, machine.pviommu[0].id), PC_NOT_FOUND);
		REFUSED(dev_set_vsid(strange[i], 0, RIG_VSID(0)), PC_NOT_FOUND);
		REFUSED(dev_release(strange[i]), PC_NOT_FOUND);
	}
}

CASE(device, assign_to_unknown_vm_refused_N5)
{
	static const u64 vms[] = { 0, 2, 3, 0xffffffff, 1ul << 32 | 1, ~0ul };
	u32 bdf, device, endpoint;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &device, &endpoint), "no device");
	for (u32 i = 0; i < ARRAY_COUNT(vms); i++)
		REFUSED(dev_assign(device, vms[i], machine.pviommu[0].id), PC_NOT_FOUND);
}

CASE(device, assign_twice)
{
	rig_open();
	REFUSED(dev_assign(rig.device, PC_VM_PRIMARY, rig.pviommu), PC_EXISTS);
}

/* Until a vSID is given there is no way to an endpoint. */
CASE(device, assigned_without_vsid_is_blocked_N21_N29_S3_6)
{
	u32 bdf, endpoint, *memory = ram_alloc(PAGE, PAGE);
	struct testdev t;
	u64 domain = rig_domain();

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &rig.device, &endpoint), "no device");
	rig_assign(rig.device);
	testdev_open(&t, bdf);
	FAULTS(t, (u64)memory, memory);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, domain, 0), PC_NOT_FOUND);
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_VSID_COUNT, 0), 0);
}

CASE(device, vsids_are_one_to_one_D1_V7_N22_N28)
{
	u32 bdf, endpoint;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &rig.device, &endpoint), "no device");
	rig_assign(rig.device);
	rig_set_vsid(rig.device, 0, RIG_VSID(0));
	REFUSED(dev_set_vsid(rig.device, 0, RIG_VSID(0)), PC_EXISTS);
	REFUSED(dev_set_vsid(rig.device, 0, RIG_VSID(1)), PC_EXISTS);
	REFUSED(dev_set_vsid(rig.device, 1, RIG_VSID(0)), PC_EXISTS);
	REFUSED(dev_set_vsid(rig.device, RIG_ENDPOINTS, RIG_VSID(5)), PC_NOT_FOUND);
	REFUSED(dev_set_vsid(rig.device, ~0ul, RIG_VSID(5)), PC_NOT_FOUND);
	REFUSED(dev_set_vsid(rig.device, 1ul << 32 | 1, RIG_VSID(5)), PC_NOT_FOUND);
	REFUSED(dev_set_vsid(rig.device, 1, 1ul << 32 | RIG_VSID(5)), PC_INVALID_PARAMETER);
	REFUSED(dev_set_vsid(rig.device, 1, ~0ul), PC_INVALID_PARAMETER);
	rig_set_vsid(rig.device, 1, RIG_VSID(1));
	rig_set_vsid(rig.device, 2, RIG_VSID(2));
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_VSID_COUNT, 0), RIG_ENDPOINTS);
}

/* Numbers are the VM's own: any 32 bits do. */
CASE(device, vsids_at_the_edges)
{
	u32 bdf, endpoint, *memory = ram_alloc(PAGE, PAGE);
	struct testdev t;
	u64 domain;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &rig.device, &endpoint), "no device");
	rig_assign(rig.device);
	rig_set_vsid(rig.device, 0, 0xfffffffe);
	rig_set_vsid(rig.device, 1, 0);
	rig_set_vsid(rig.device, 2, bdf);
	testdev_open(&t, bdf);
	domain = rig_domain();
	rig_map(domain, RIG_IOVA, (u64)memory, PAGE, RW);
	/* The vSID that looks like endpoint 0's requester id is endpoint 2's. */
	OK(pv_attach(rig.pviommu, bdf, 0, domain, 0));
	FAULTS(t, RIG_IOVA, memory);
	OK(pv_attach(rig.pviommu, 0xfffffffe, 0, domain, 0));
	LANDS(t, RIG_IOVA, memory);
}

CASE(device, table_freezes_at_the_first_attach_N28)
{
	u32 bdf, endpoint;
	u64 domain;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &rig.device, &endpoint), "no device");
	rig_assign(rig.device);
	rig_set_vsid(rig.device, 0, RIG_VSID(0));
	domain = rig_domain();
	REQUIRE(!(rig_device_info(rig.device).flags & PC_DEV_FROZEN), "frozen too early");
	rig_attach(TESTDEV, domain);
	REQUIRE(rig_device_info(rig.device).flags & PC_DEV_FROZEN, "not frozen");
	REFUSED(dev_set_vsid(rig.device, 1, RIG_VSID(1)), PC_BUSY);
	rig_detach(TESTDEV, domain);
	REFUSED(dev_set_vsid(rig.device, 1, RIG_VSID(1)), PC_BUSY);
	rig_release(rig.device);
	REQUIRE(!(rig_device_info(rig.device).flags & (PC_DEV_FROZEN | PC_DEV_ASSIGNED)), "still frozen or assigned");
}

CASE(device, set_vsid_before_assignment_refused)
{
	u32 bdf, device, endpoint;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &device, &endpoint), "no device");
	REFUSED(dev_set_vsid(device, 0, RIG_VSID(0)), PC_NOT_FOUND);
	REFUSED(dev_release(device), PC_NOT_FOUND);
}

/* Out of and back into identity: the only time between is blocked. */
CASE(device, identity_before_and_after_V4_E1)
{
	u32 bdf, endpoint, *memory = ram_alloc(PAGE, PAGE);
	struct testdev t;

	REQUIRE(rig_find_slot(&bdf) && rig_find_device(bdf, &rig.device, &endpoint), "no device");
	testdev_open(&t, bdf);
	for (u32 round = 0; round < 3; round++) {
		LANDS(t, (u64)memory, memory);
		rig_assign(rig.device);
		testdev_open(&t, bdf);
		FAULTS(t, (u64)memory, memory);
		rig_release(rig.device);
		testdev_open(&t, bdf);
	}
	LANDS(t, (u64)memory, memory);
}

/* Releasing what is attached either is refused and changes nothing, or leaves nothing attached. */
CASE(device, release_while_attached_E1)
{
	struct world was, now;
	struct hres r;

	rig_open_mapped();
	world_read(&was);
	r = dev_release(rig.device);
	if (!hres_ok(r)) {
		REQUIRE(hres_status(r) == PC_BUSY, "DEV_RELEASE answers %s", status_name(hres_status(r)));
		world_read(&now);
		REQUIRE(!world_difference(&was, &now), "it changed: %s", world_difference(&was, &now));
		LANDS(rig.testdev, RIG_IOVA, rig.page);
		return;
	}
	rig_release(rig.device);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
	testdev_open(&rig.testdev, rig.testdev.bdf);
	FAULTS(rig.testdev, RIG_IOVA, rig.page);
}

/* A device given back and taken again keeps nothing: not the arming of the testdev, not bus mastering of edu. */
CASE(device, reset_on_hand_over_E6)
{
	u32 bdf, endpoint;

	rig_open_mapped();
	rig_find_slot(&bdf);
	mmio_write32(rig.testdev.regs + 4, 0x1234);
	mmio_write32(rig.testdev.regs + 0x14, 1);
	edu_start_store(&rig.edu, RIG_IOVA, 0, 64);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_detach(i, rig.domain);
	rig.page = NULL;
	rig_release(rig.device);
	REQUIRE(rig_find_device(bdf, &rig.device, &endpoint), "the device is gone");
	rig_assign(rig.device);
	for (u32 fn = 0; fn < RIG_ENDPOINTS; fn++)
		REQUIRE(!(pci_read32(bdf + fn, PCI_COMMAND) & PCI_COMMAND_MASTER), "function %u still masters the bus", fn);
	pci_enable(bdf);
	pci_enable(bdf + 1);
	/* Unarmed: the trigger does nothing but say so. */
	mmio_read32(rig.testdev.regs);
	REQUIRE_EQUAL(mmio_read32(rig.testdev.regs + 0x10), 0xdead0005);
	REQUIRE(!edu_running(&rig.edu), "edu still runs a transfer");
}

CASE(device, vmm_query)
{
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VERSION)).r1, PC_ABI_VERSION);
	REQUIRE(OK(vmm_query(PC_VMM_Q_MAX_PVIOMMUS)).r1 >= machine.pviommu_count, "fewer pvIOMMUs than nodes");
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_MAX_ENDPOINTS)).r1, PC_DEV_MAX_ENDPOINTS);
	REFUSED(vmm_query(1000), PC_NOT_SUPPORTED);
}

/* Two devices on one domain, each with its own vSIDs, and one vSID number is taken on the whole pvIOMMU. */
CASE(device, two_devices_on_one_domain_V7)
{
	u32 bdf, device, endpoint;
	struct testdev t;

	rig_open_mapped();
	if (!rig_find_function(TESTDEV_ID, 0, &bdf))
		report_skip("this machine has no second device of testdev");
	REQUIRE(rig_find_device(bdf, &device, &endpoint) && device != rig.device, "function %x has no device of its own",
		bdf);
	rig_assign(device);
	REFUSED(dev_set_vsid(device, endpoint, RIG_VSID(0)), PC_EXISTS);
	rig_set_vsid(device, endpoint, RIG_VSID(10));
	testdev_open(&t, bdf);
	FAULTS(t, RIG_IOVA, rig.page);
	OK(pv_attach(rig.pviommu, RIG_VSID(10), 0, rig.domain, 0));
	LANDS(t, RIG_IOVA, rig.page);
	OK(pv_detach(rig.pviommu, RIG_VSID(10), 0, rig.domain));
	FAULTS(t, RIG_IOVA, rig.page);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* A device that nobody can reset is given to nobody: blocked, out of configuration space, and it stays so. */
CASE(device, without_a_reset_is_quarantined_E3)
{
	u32 bdf, device, endpoint;

	if (!rig_find_function(SDHCI_ID, 0, &bdf))
		report_skip("no device without a reset");
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "function %x belongs to no device", bdf);
	REQUIRE_EQUAL((u64)hres_status(dev_assign(device, PC_VM_PRIMARY, 0)), (u64)PC_DENIED);
	REQUIRE_EQUAL(rig_device_info(device).flags, PC_DEV_QUARANTINED);
	REQUIRE_EQUAL(pci_read32(bdf, 0), PCI_ABSENT);
	REFUSED(dev_assign(device, PC_VM_PRIMARY, 0), PC_DENIED);
	REFUSED(dev_set_vsid(device, 0, RIG_VSID(0)), PC_DENIED);
	/* A release tries the reset again. */
	REQUIRE_EQUAL((u64)hres_status(dev_release(device)), (u64)PC_DENIED);
	REQUIRE_EQUAL(rig_device_info(device).flags, PC_DEV_QUARANTINED);
	REQUIRE_EQUAL(pci_read32(bdf, 0), PCI_ABSENT);
	rig_world_changed();
}
