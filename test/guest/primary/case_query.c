/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest can ask: QUERY, ENDPOINT_INFO, SID_INFO, IOVA_TO_IPA, STATS, tokens. None of it changes anything. */
#include <string.h>

#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

CASE(query, version_and_limits)
{
	rig_open_mapped();
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_VERSION, 0), PC_ABI_VERSION);
	REQUIRE(rig_query(PVIOMMU_Q_PAGE_SIZES, 0) & PAGE, "4 KiB is not among the page sizes");
	REQUIRE(rig_query(PVIOMMU_Q_IOVA_BITS, 0) >= 32 && rig_query(PVIOMMU_Q_IOVA_BITS, 0) <= 52,
		"%lu IOVA bits", rig_query(PVIOMMU_Q_IOVA_BITS, 0));
	/* QEMU's SMMU has no substreams. */
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_PASID_BITS, 0), 0);
	REQUIRE(rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0) > 0, "no domain is left");
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_MAP_LIST_MAX, 0), PVIOMMU_MAX_LIST);
	/* Interrupts are INTx: there is no doorbell. */
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_DOORBELL, 0), 0);
}

CASE(query, vsids_are_the_given_ones)
{
	bool seen[RIG_ENDPOINTS] = { false };

	rig_open();
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_VSID_COUNT, 0), RIG_ENDPOINTS);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		u64 vsid = rig_query(PVIOMMU_Q_VSID, i);

		REQUIRE(vsid - RIG_VSID(0) < RIG_ENDPOINTS && !seen[vsid - RIG_VSID(0)], "vSID %lx", vsid);
		seen[vsid - RIG_VSID(0)] = true;
	}
	REFUSED(pv_query(rig.pviommu, PVIOMMU_Q_VSID, RIG_ENDPOINTS), PC_NOT_FOUND);
	REFUSED(pv_query(rig.pviommu, PVIOMMU_Q_VSID, ~0ul), PC_NOT_FOUND);
	REFUSED(pv_query(rig.pviommu, PVIOMMU_Q_VSID, 1ul << 32), PC_NOT_FOUND);
}

CASE(query, unknown_properties_refused_I3)
{
	static const u64 properties[] = { PVIOMMU_Q_COUNT, 64, 255, 1ul << 32, 1ul << 32 | PVIOMMU_Q_VERSION, ~0ul };

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(properties); i++)
		REFUSED(pv_query(rig.pviommu, properties[i], 0), PC_NOT_SUPPORTED);
}

static const u64 strange_pviommus[] = { 1ul << 32, 0x7fffffff, 0xffffffff, ~0ul };

CASE(query, foreign_pviommu_refused_D7_N5)
{
	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(strange_pviommus); i++) {
		u64 pv = strange_pviommus[i];

		REFUSED(pv_query(pv, PVIOMMU_Q_VERSION, 0), PC_NOT_FOUND);
		REFUSED(pv_endpoint_info(pv, RIG_VSID(0)), PC_NOT_FOUND);
		REFUSED(pv_sid_info(pv, RIG_VSID(0)), PC_NOT_FOUND);
		REFUSED(pv_stats(pv, 0), PC_NOT_FOUND);
		REFUSED(dev_req_dma(pv, RIG_VSID(0)), PC_NOT_FOUND);
	}
}

CASE(query, foreign_vsid_refused_D7_N31)
{
	static const u64 vsids[] = { 0, 1, 0x20, RIG_VSID(3), 0xffff, 0xffffffff, 1ul << 32 | RIG_VSID(0), ~0ul };

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(vsids); i++) {
		REFUSED(pv_endpoint_info(rig.pviommu, vsids[i]), PC_NOT_FOUND);
		REFUSED(pv_sid_info(rig.pviommu, vsids[i]), PC_NOT_FOUND);
		REFUSED(dev_req_dma(rig.pviommu, vsids[i]), PC_NOT_FOUND);
	}
}

CASE(query, endpoint_info)
{
	u64 group;

	rig_open();
	group = OK(pv_endpoint_info(rig.pviommu, RIG_VSID(0))).r3;
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		struct hres r = OK(pv_endpoint_info(rig.pviommu, RIG_VSID(i)));

		/* Functions of conventional devices on virt's SMMU: no ATS, no page requests, no stall, no PASID. */
		REQUIRE(r.r1 == 0 && (r.r2 & 0xff) == 0, "endpoint %u has flags %lx, R2 %lx", i, r.r1, r.r2);
		REQUIRE(r.r3 == group, "endpoints of one slot are in groups %lu and %lu", group, r.r3);
		REQUIRE_EQUAL(OK(pv_sid_info(rig.pviommu, RIG_VSID(i))).r1, 0);
	}
	REQUIRE_EQUAL(group, rig_device_info(rig.device).group);
}

CASE(query, iova_to_ipa)
{
	u64 *memory, other;

	rig_open_mapped();
	memory = ram_alloc(4 * PAGE, PAGE);
	rig_map(rig.domain, RIG_IOVA + 8 * PAGE, (u64)memory, 4 * PAGE, PVIOMMU_PROT_READ);
	for (u32 i = 0; i < 4; i++) {
		struct hres r = OK(pv_iova_to_ipa(rig.domain, RIG_IOVA + (8 + i) * PAGE));

		REQUIRE(r.r1 == (u64)memory + i * PAGE, "page %u is at %lx", i, r.r1);
		REQUIRE((r.r2 & RW) == PVIOMMU_PROT_READ, "page %u has prot %lx", i, r.r2);
	}
	REQUIRE((OK(pv_iova_to_ipa(rig.domain, RIG_IOVA)).r2 & RW) == RW, "prot of a writable page");
	REFUSED(pv_iova_to_ipa(rig.domain, RIG_IOVA + PAGE), PC_NOT_FOUND);
	REFUSED(pv_iova_to_ipa(rig.domain, RIG_IOVA + 12 * PAGE), PC_NOT_FOUND);
	REFUSED(pv_iova_to_ipa(~rig.domain, RIG_IOVA), PC_NOT_FOUND);
	other = rig_domain();
	REFUSED(pv_iova_to_ipa(other, RIG_IOVA), PC_NOT_FOUND);
	REFUSED(pv_iova_to_ipa(rig.domain, ~0ul & ~(PAGE - 1)), PC_NOT_FOUND);
}

CASE(query, stats_count_what_happens)
{
	u64 maps, unmaps, faults, lost, pins, mapped;

	rig_open_mapped();
	maps = rig_stat(PVIOMMU_STAT_MAPS);
	unmaps = rig_stat(PVIOMMU_STAT_UNMAPS);
	faults = rig_stat(PVIOMMU_STAT_FAULTS);
	lost = rig_stat(PVIOMMU_STAT_LOST);
	pins = rig_stat(PVIOMMU_STAT_PINS);
	mapped = rig_stat(PVIOMMU_STAT_MAPPED);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), RIG_ENDPOINTS);
	REQUIRE(pins == 1 && mapped == PAGE, "one page mapped: %lu pins, %lu bytes", pins, mapped);
	rig_map(rig.domain, RIG_IOVA + PAGE, (u64)ram_alloc(2 * PAGE, PAGE), 2 * PAGE, RW);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPS), maps + 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), pins + 2);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), mapped + 2 * PAGE);
	rig_unmap(rig.domain, RIG_IOVA + PAGE, 2 * PAGE);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_UNMAPS), unmaps + 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), pins);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), mapped);
	/* A refused DMA is one event for each 4 bytes. */
	FAULTS(rig.testdev, RIG_IOVA + PAGE, rig.page);
	REQUIRE_EQUAL(faults_settled(rig.pviommu, faults + 1), faults + 1);
	testdev_write(&rig.testdev2, RIG_IOVA + PAGE, (u64)rig.page, 64);
	REQUIRE_EQUAL(faults_settled(rig.pviommu, faults + 1 + 16), faults + 1 + 16);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_LOST), lost);
	REFUSED(pv_stats(rig.pviommu, PVIOMMU_STAT_COUNT), PC_NOT_SUPPORTED);
	REFUSED(pv_stats(rig.pviommu, 1ul << 32), PC_NOT_SUPPORTED);
}

CASE(query, dma_tokens_tell_endpoints_apart)
{
	u64 tokens[RIG_ENDPOINTS][2];

	rig_open();
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		struct hres r = OK(dev_req_dma(rig.pviommu, RIG_VSID(i)));

		REQUIRE(r.r2 < 1ul << 32, "token2 is %lx", r.r2);
		tokens[i][0] = r.r1;
		tokens[i][1] = r.r2;
		for (u32 j = 0; j < i; j++)
			REQUIRE(tokens[j][0] != r.r1 || tokens[j][1] != r.r2, "endpoints %u and %u have one token", j, i);
	}
	/* The promise is about the endpoint, not about the name it has this time. */
	rig_hooks.clean_up();
	rig_assign(rig.device);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		struct hres r;

		rig_set_vsid(rig.device, i, RIG_VSID(7 + i));
		r = OK(dev_req_dma(rig.pviommu, RIG_VSID(7 + i)));
		REQUIRE(r.r1 == tokens[i][0] && r.r2 == tokens[i][1], "endpoint %u has another token under another vSID", i);
	}
}

CASE(query, mmio_tokens)
{
	struct pc_dev_info info;
	u64 first;

	rig_open();
	info = rig_device_info(rig.device);
	for (u32 i = 0; i < info.mmio_count; i++) {
		first = OK(dev_req_mmio(info.mmio[i].ipa)).r1;
		for (u64 n = 1; n < info.mmio[i].bytes / PAGE && n < 8; n++)
			REQUIRE_EQUAL(OK(dev_req_mmio(info.mmio[i].ipa + n * PAGE)).r1, first + n * PAGE);
	}
	REFUSED(dev_req_mmio(info.mmio[0].ipa + 4), PC_INVALID_PARAMETER);
	REFUSED(dev_req_mmio((u64)ram_alloc(PAGE, PAGE)), PC_NOT_FOUND);
	REFUSED(dev_req_mmio(machine.uart), PC_NOT_FOUND);
	REFUSED(dev_req_mmio(machine.pci.ecam.base), PC_NOT_FOUND);
	REFUSED(dev_req_mmio(1ul << 60), PC_NOT_FOUND);
}

/* Nothing that the hypervisor writes for a guest holds a requester id (V6); vSIDs were chosen far from them. */
CASE(query, no_stream_id_is_told_V6_N32)
{
	struct pc_dev_info *info = ram_alloc(PAGE, PAGE);
	u32 bdf = rig_find_slot(&bdf) ? bdf : 0;
	u32 *words = (u32 *)info;

	rig_open();
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		struct hres r = OK(dev_req_dma(rig.pviommu, RIG_VSID(i)));

		REQUIRE((r.r1 & 0xffff) != bdf + i && r.r2 != bdf + i, "token of endpoint %u holds its requester id", i);
	}
	info->size = sizeof(*info);
	OK(dev_info(rig.device, (u64)info));
	for (u32 i = 0; i < offsetof(struct pc_dev_info, mmio) / 4; i++)
		REQUIRE(words[i] != bdf && words[i] != bdf + 1 && words[i] != bdf + 2,
			"word %u of dev_info is the requester id %x", i, words[i]);
}

CASE(query, reserved_iovas_cannot_be_mapped_D10)
{
	rig_open_mapped();
	for (u64 i = 0; i < 16; i++) {
		struct hres base = pv_query(rig.pviommu, PVIOMMU_Q_RESERVED_BASE, i);
		struct hres size = pv_query(rig.pviommu, PVIOMMU_Q_RESERVED_SIZE, i);

		REQUIRE(hres_ok(base) == hres_ok(size), "range %lu has a base and no size", i);
		if (!hres_ok(base) || !size.r1)
			break;
		REFUSED(pv_map(rig.domain, base.r1, (u64)rig.page, PAGE, RW), PC_INVALID_PARAMETER);
		REFUSED(pv_map(rig.domain, base.r1 + size.r1 - PAGE, (u64)rig.page, PAGE, RW), PC_INVALID_PARAMETER);
	}
}
