/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching: several streams at once, 1:1 names, frozen tables, replacement, PASIDs, two IOMMUs. */
#include <string.h>

#include "bench.h"
#include "suite.h"

#define WHERE bench_page(1000)

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(16);
}

static void boot(void) { boot_with(bench_defaults()); }

static struct result list_call(u64 op, u32 domain, const u32 *vsids, u32 count)
{
	struct pviommu_attach_list *list = bench_ptr(WHERE);

	*list = (struct pviommu_attach_list){
		.size = 48, .domain = domain, .vsids_ipa = WHERE + 64, .vsid_count = count
	};
	memcpy(bench_ptr(WHERE + 64), vsids, count * sizeof(*vsids));
	return pv_list(op, WHERE);
}

static void device_starts_in_identity_and_ends_there(void **state UNUSED)
{
	u32 d;

	boot();
	for (u32 i = 0; i < BENCH_DEVICE_COUNT; i++)
		for (u32 e = 0; e < device_table[i].endpoint_count; e++)
			bench_lands(i, e, bench_page(i), bench_page(i));
	bench_assign(0, 0, 100);
	for (u32 e = 0; e < 3; e++)
		bench_faults(0, e, bench_page(0), SMMU_C_BAD_STE);
	d = bench_domain();
	bench_attach(100, d);
	assert_status(pc_dev_release(0), PC_BUSY);
	assert_status(pv_detach(0, 100, 0, d), PC_SUCCESS);
	bench_faults(0, 0, bench_page(0), SMMU_C_BAD_STE);
	assert_status(pc_dev_release(0), PC_SUCCESS);
	for (u32 e = 0; e < 3; e++)
		bench_lands(0, e, bench_page(0), bench_page(0));
}

/* V1: what identity cannot reach, on every device. */
static void V1_identity_ends_at_the_primarys_memory(void **state UNUSED)
{
	u64 end;

	boot();
	end = machine->ram[0].base + machine->ram[0].size;
	for (u32 i = 0; i < BENCH_DEVICE_COUNT; i++) {
		u64 bad[] = { machine->image.base,
			      machine->image.base + machine->image.size - 8,
			      machine->heap.base,
			      machine->heap.base + machine->heap.size - 8,
			      end,
			      machine->ram[0].base - 8,
			      FAKE_IOMMU_BASE,
			      FAKE_ECAM_BASE,
			      FAKE_UART_BASE,
			      machine->gic.dist.base,
			      0,
			      1ull << 39,
			      1ull << 47 };

		for (u32 k = 0; k < ARRAY_SIZE(bad); k++)
			bench_faults(i, 0, bad[k], SMMU_F_TRANSLATION);
	}
	/* Every page of RAM, by what the record says. */
	for (u64 at = machine->ram[0].base; at < end; at += PAGE_SIZE) {
		bool ours = page_find(pa(at))->owner == OWNER_HYP;

		assert_int_equal(bench_read(2, 0, at, &(u64){ 0 }) == SMMU_OK, !ours);
	}
}

static void V4_streams_of_nobody_are_blocked(void **state UNUSED)
{
	u64 value = 1;

	boot();
	for (u32 s = 0; s < 0x1800; s++) {
		if (endpoint_find(&iommu_instance[0], sid(s)) != NULL)
			continue;
		assert_int_not_equal(smmu_dma_write(bench_smmu[0], s, bench_page(0), &value, 8),
				     SMMU_OK);
	}
	assert_int_not_equal(smmu_dma_write(bench_smmu[0], ~0u, bench_page(0), &value, 8), SMMU_OK);
	assert_int_equal(*(u64 *)bench_ptr(bench_page(0)), 0);
}

static void D3_list_moves_all_streams_or_none(void **state UNUSED)
{
	const u32 all[] = { 100, 101, 102 }, with_unknown[] = { 100, 101, 999 };
	u32 d, e;

	boot();
	bench_assign(0, 0, 100);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_map(e, 0x1000, bench_page(2), 0x1000);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, d, with_unknown, 3), PC_NOT_FOUND);
	for (u32 i = 0; i < 3; i++)
		bench_faults(0, i, 0x1000, SMMU_C_BAD_STE);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, d, all, 3), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		bench_lands(0, i, 0x1000, bench_page(1));
	/* One of them has the domain already: none moves. */
	assert_status(list_call(PVIOMMU_ATTACH_LIST, e, all, 1), PC_SUCCESS);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, e, all, 3), PC_EXISTS);
	bench_lands(0, 0, 0x1000, bench_page(2));
	bench_lands(0, 1, 0x1000, bench_page(1));
	/* Detach: one of them is elsewhere, none is detached. */
	assert_status(list_call(PVIOMMU_DETACH_LIST, d, all, 3), PC_NOT_FOUND);
	bench_lands(0, 1, 0x1000, bench_page(1));
	assert_status(list_call(PVIOMMU_DETACH_LIST, d, all + 1, 2), PC_SUCCESS);
	for (u32 i = 1; i < 3; i++)
		bench_faults(0, i, 0x1000, SMMU_C_BAD_STE);
	bench_lands(0, 0, 0x1000, bench_page(2));
}

static void list_of_64_endpoints_of_several_devices(void **state UNUSED)
{
	const u32 vsids[] = { 100, 101, 102, 110, 120, 130, 140 };
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	bench_assign(1, 0, 110);
	bench_assign(2, 0, 120);
	bench_assign(3, 0, 130);
	bench_assign(4, 0, 140);
	d = bench_domain();
	bench_map(d, 0, bench_page(0), 0x1000);
	assert_status(list_call(PVIOMMU_ATTACH_LIST, d, vsids, 7), PC_SUCCESS);
	for (u32 i = 0; i < 5; i++)
		bench_lands(i, 0, 0, bench_page(0));
	assert_status(list_call(PVIOMMU_DETACH_LIST, d, vsids, 7), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
}

/* V7: a name has one endpoint, an endpoint one name, for as long as it has it. */
static void V7_names_are_one_to_one(void **state UNUSED)
{
	boot();
	assert_status(pc_dev_assign(0, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_assign(2, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_assign(3, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 0, 5), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 0, 5), PC_EXISTS); /* again */
	assert_status(pc_dev_vsid(0, 0, 6), PC_EXISTS); /* a second name */
	assert_status(pc_dev_vsid(0, 1, 5), PC_EXISTS); /* a second endpoint, same device */
	assert_status(pc_dev_vsid(2, 0, 5), PC_EXISTS); /* and of another device */
	assert_status(pc_dev_vsid(2, 0, 6), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 6), PC_EXISTS);
	/* Free again after release, and only then. */
	assert_status(pc_dev_release(2), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 6), PC_SUCCESS);
	assert_status(pv_sid_info(0, 6), PC_SUCCESS);
	assert_int_equal(pv_query(0, PVIOMMU_Q_VSID_COUNT, 0).v1, 2);
}

/* The same vSID under two pvIOMMUs is two names. */
static void V7_names_are_per_pviommu(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 d, e;

	o.iommus = 2;
	boot_with(o);
	bench_assign(2, 0, 7);
	bench_assign(5, 1, 7);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0, bench_page(1), 0x1000);
	bench_map(e, 0, bench_page(2), 0x1000);
	assert_status(pv_attach(0, 7, 0, d, 0), PC_SUCCESS);
	assert_status(pv_attach(1, 7, 0, e, 0), PC_SUCCESS);
	bench_lands(2, 0, 0, bench_page(1));
	bench_lands(5, 0, 0, bench_page(2));
	assert_status(pv_detach(0, 7, 0, e), PC_NOT_FOUND);
	assert_status(pv_detach(1, 7, 0, e), PC_SUCCESS);
	bench_lands(2, 0, 0, bench_page(1));
}

/* All endpoints of a pvIOMMU are behind one IOMMU. */
static void pviommu_stands_for_one_iommu(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	boot_with(o);
	assert_status(pc_dev_assign(5, 1, 0), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(2, 1, 1), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(5, 1, 1), PC_SUCCESS);
	assert_status(pc_dev_assign(2, 1, 0), PC_SUCCESS);
}

/* A7: one domain through two IOMMUs; an unmap is complete on both before it returns. */
static void A7_domain_over_two_iommus(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 d;

	o.iommus = 2;
	boot_with(o);
	bench_assign(2, 0, 1);
	bench_assign(5, 1, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x2000);
	assert_status(pv_attach(0, 1, 0, d, 0), PC_SUCCESS);
	assert_status(pv_attach(1, 1, 0, d, 0), PC_SUCCESS);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_lands(5, 0, 0x1000, bench_page(1));
	bench_unmap(d, 0x1000, 0x1000);
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	bench_faults(5, 0, 0x1000, SMMU_F_TRANSLATION);
	/* After detach from one, the other still works, and removals still reach both. */
	assert_status(pv_detach(1, 1, 0, d), PC_SUCCESS);
	bench_lands(2, 0, 0x2000, bench_page(2));
	bench_unmap(d, 0x2000, 0x1000);
	bench_faults(2, 0, 0x2000, SMMU_F_TRANSLATION);
	bench_faults(5, 0, 0x2000, SMMU_C_BAD_STE);
}

static void frozen_at_the_first_attach(void **state UNUSED)
{
	u32 d;

	boot();
	assert_status(pc_dev_assign(0, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 0, 5), PC_SUCCESS);
	d = bench_domain();
	assert_status(pv_attach(0, 5, 0, d, 0), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 6), PC_BUSY);
	assert_status(pv_detach(0, 5, 0, d), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 6), PC_BUSY); /* still */
	assert_status(pc_dev_release(0), PC_SUCCESS);
	assert_status(pc_dev_assign(0, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_vsid(0, 1, 6), PC_SUCCESS);
	/* Another device's table is its own. */
	assert_status(pc_dev_assign(2, 1, 0), PC_SUCCESS);
	assert_status(pc_dev_vsid(2, 0, 9), PC_SUCCESS);
}

/* B3, A5: replaced in one step; the old tables are unreachable when it returns. */
static void B3_replaced_domain_is_unreachable(void **state UNUSED)
{
	u32 d, e;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_map(d, 0x2000, bench_page(2), 0x1000);
	bench_map(e, 0x1000, bench_page(3), 0x1000);
	bench_attach(1, d);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_lands(2, 0, 0x2000, bench_page(2));
	bench_attach(1, e);
	bench_lands(2, 0, 0x1000, bench_page(3));
	bench_faults(2, 0, 0x2000, SMMU_F_TRANSLATION);
	/* The old one may go, and its pages be mapped elsewhere, at once. */
	assert_status(pv_free(d), PC_SUCCESS);
	bench_lands(2, 0, 0x1000, bench_page(3));
}

static void many_devices_and_reattach_on_one_domain(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	bench_assign(2, 0, 120);
	bench_assign(3, 0, 130);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < 3; i++)
			bench_attach(100 + i, d);
		bench_attach(120, d);
		bench_attach(130, d);
		bench_lands(0, 2, 0x1000, bench_page(1));
		bench_lands(3, 0, 0x1000, bench_page(1));
		for (u32 i = 0; i < 3; i++)
			assert_status(pv_detach(0, 100 + i, 0, d), PC_SUCCESS);
		bench_faults(0, 1, 0x1000, SMMU_C_BAD_STE);
		bench_lands(2, 0, 0x1000, bench_page(1));
		assert_status(pv_detach(0, 120, 0, d), PC_SUCCESS);
		assert_status(pv_detach(0, 130, 0, d), PC_SUCCESS);
	}
	bench_unmap(d, 0x1000, 0x1000);
	assert_status(pv_free(d), PC_SUCCESS);
}

/* Mappings made while nothing is attached, and between two attachments, are there. */
static void map_unmap_around_attachments(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_attach(1, d);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_map(d, 0x2000, bench_page(2), 0x1000);
	bench_lands(2, 0, 0x2000, bench_page(2));
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	bench_unmap(d, 0x1000, 0x1000);
	bench_map(d, 0x3000, bench_page(3), 0x1000);
	bench_attach(1, d);
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	bench_lands(2, 0, 0x2000, bench_page(2));
	bench_lands(2, 0, 0x3000, bench_page(3));
}

/* --- PASIDs */

static enum smmu_event pasid_dma(u32 pasid, u64 at, u64 value, bool write)
{
	const struct smmu_dma dma = { .sid = bench_sid(1, 0),
				      .has_ssid = true,
				      .ssid = pasid,
				      .write = write,
				      .addr = at,
				      .size = 8 };

	return smmu_dma(bench_smmu_of(1), &dma, &value, NULL);
}

static void pasid_lands(u32 pasid, u64 at, u64 where)
{
	u64 value = fake_random();

	assert_int_equal(pasid_dma(pasid, at, value, true), SMMU_OK);
	assert_memory_equal(bench_ptr(where), &value, 8);
}

static void D8_pasids_are_spaces_of_their_own(void **state UNUSED)
{
	u32 d, e, f;

	boot_with(bench_pasids());
	bench_assign(1, 0, 10);
	d = bench_domain();
	e = bench_domain();
	f = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_map(e, 0x1000, bench_page(2), 0x1000);
	bench_map(f, 0x1000, bench_page(3), 0x1000);
	assert_status(pv_attach(0, 10, 0, d, 8), PC_SUCCESS);
	assert_status(pv_attach(0, 10, 1, e, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 10, 255, f, 0), PC_SUCCESS);
	bench_lands(1, 0, 0x1000, bench_page(1));
	pasid_lands(1, 0x1000, bench_page(2));
	pasid_lands(255, 0x1000, bench_page(3));
	/* What nobody attached faults, and never falls back to PASID 0. */
	assert_int_equal(pasid_dma(2, 0x1000, 1, true), SMMU_C_BAD_CD);
	assert_int_equal(pasid_dma(256, 0x1000, 1, true), SMMU_C_BAD_SUBSTREAMID);
	assert_int_not_equal(pasid_dma(0, 0x1000, 1, true), SMMU_OK);
	/* Replace one, detach another: the rest does not notice. */
	assert_status(pv_attach(0, 10, 1, f, 0), PC_SUCCESS);
	pasid_lands(1, 0x1000, bench_page(3));
	assert_status(pv_detach(0, 10, 255, f), PC_SUCCESS);
	assert_int_equal(pasid_dma(255, 0x1000, 1, true), SMMU_C_BAD_CD);
	pasid_lands(1, 0x1000, bench_page(3));
	bench_lands(1, 0, 0x1000, bench_page(1));
	assert_status(pv_free(e), PC_SUCCESS);
	assert_status(pv_free(f), PC_BUSY);
	assert_status(pv_detach(0, 10, 0, d), PC_BUSY);
	assert_status(pv_detach(0, 10, 1, f), PC_SUCCESS);
	assert_status(pv_detach(0, 10, 0, d), PC_SUCCESS);
	assert_int_equal(pasid_dma(1, 0x1000, 1, true), SMMU_C_BAD_STE);
}

static void D8_pasid_zero_can_be_replaced_alone(void **state UNUSED)
{
	u32 d, e;

	boot_with(bench_pasids());
	bench_assign(1, 0, 10);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_map(e, 0x1000, bench_page(2), 0x1000);
	assert_status(pv_attach(0, 10, 0, d, 3), PC_SUCCESS);
	assert_status(pv_attach(0, 10, 7, d, 0), PC_SUCCESS);
	pasid_lands(7, 0x1000, bench_page(1));
	assert_status(pv_attach(0, 10, 0, e, 3), PC_SUCCESS);
	bench_lands(1, 0, 0x1000, bench_page(2));
	pasid_lands(7, 0x1000, bench_page(1));
	bench_unmap(d, 0x1000, 0x1000);
	assert_int_equal(pasid_dma(7, 0x1000, 1, true), SMMU_F_TRANSLATION);
}

/* A table of one: no PASID works, the stream's own DMA does. */
static void pasids_everywhere(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].pasid_bits = 14;
}

/* What contexts of a list take is zeroed in one call: for no more PASIDs in all than a single one may have. */
static void V9_I8_contexts_of_a_list(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	struct pviommu_attach_list *list;
	u32 e, *vsids;

	o.change = pasids_everywhere;
	o.pool_bytes = 16ull << 20;
	o.heap_bytes = 24ull << 20;
	o.ram_bytes = 64ull << 20;
	boot_with(o);
	bench_assign(0, 0, 10);
	e = bench_domain();
	list = bench_ptr(bench_page(40));
	vsids = bench_ptr(bench_page(41));
	memcpy(vsids, (u32[]){ 10, 11, 12 }, 3 * sizeof(u32));
	*list = (struct pviommu_attach_list){ .size = sizeof(*list), .domain = e, .pasid_bits = 14, .vsid_count = 2, .vsids_ipa = bench_page(41) };
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(40)), PC_INVALID_PARAMETER);
	list->vsid_count = 3;
	list->pasid_bits = 13;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(40)), PC_INVALID_PARAMETER);
	list->vsid_count = 2;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(40)), PC_SUCCESS);
	/* One that has its context needs none. */
	list->pasid_bits = 14;
	list->domain = bench_domain();
	list->vsid_count = 3;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(40)), PC_SUCCESS);
	list->vsid_count = 3;
	assert_status(pv_list(PVIOMMU_DETACH_LIST, bench_page(40)), PC_SUCCESS);
}

static void D8_no_pasid_bits_no_pasids(void **state UNUSED)
{
	u32 d;

	boot_with(bench_pasids());
	bench_assign(1, 0, 10);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	assert_status(pv_attach(0, 10, 0, d, 0), PC_SUCCESS);
	bench_lands(1, 0, 0x1000, bench_page(1));
	assert_int_equal(pasid_dma(1, 0x1000, 1, true), SMMU_C_BAD_SUBSTREAMID);
	assert_int_not_equal(pv_attach(0, 10, 1, d, 8).status, PC_SUCCESS);
}

/* A table of two levels (above 12 bits): every leaf of it, and the same rules. */
static void D8_two_level_context_table(void **state UNUSED)
{
	static const u32 pasids[] = { 1, 1023, 1024, 4097, 8191, 16383 };
	struct bench_options o = bench_pasids();
	u32 d, e;

	o.pasid_bits = 14;
	o.pool_bytes = 8ull << 20;
	o.ram_bytes = 64ull << 20;
	o.heap_bytes = 16ull << 20;
	boot_with(o);
	bench_assign(1, 0, 10);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_map(e, 0x1000, bench_page(2), 0x1000);
	assert_status(pv_attach(0, 10, 0, d, 14), PC_SUCCESS);
	for (u32 i = 0; i < ARRAY_SIZE(pasids); i++) {
		assert_int_equal(pasid_dma(pasids[i], 0x1000, 1, true), SMMU_C_BAD_CD);
		assert_status(pv_attach(0, 10, pasids[i], e, 0), PC_SUCCESS);
		pasid_lands(pasids[i], 0x1000, bench_page(2));
	}
	bench_lands(1, 0, 0x1000, bench_page(1));
	assert_status(pv_attach(0, 10, 16384, e, 0), PC_INVALID_PARAMETER);
	for (u32 i = 0; i < ARRAY_SIZE(pasids); i++) {
		assert_status(pv_detach(0, 10, pasids[i], e), PC_SUCCESS);
		assert_int_equal(pasid_dma(pasids[i], 0x1000, 1, true), SMMU_C_BAD_CD);
	}
	assert_status(pv_detach(0, 10, 0, d), PC_SUCCESS);
}

/* What QUERY promises can be had: a guest that asks for all of it is served. */
static void D8_as_many_pasids_as_query_says(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u64 bits;
	u32 d;

	o.pasid_bits = 20;
	o.pool_bytes = 16ull << 20;
	o.ram_bytes = 64ull << 20;
	o.heap_bytes = 24ull << 20;
	boot_with(o);
	bench_assign(1, 0, 10);
	d = bench_domain();
	bits = pv_query(0, PVIOMMU_Q_PASID_BITS, 0).v1;
	assert_true(pv_endpoint_info(0, 10).v2 % 256 <= bits);
	assert_status(pv_attach(0, 10, 0, d, bits), PC_SUCCESS);
	bits = pv_endpoint_info(0, 10).v2 % 256;
	assert_status(pv_attach(0, 10, (1ull << bits) - 1, d, 0), PC_SUCCESS);
}

/* More bits than anybody has are as many as there are. */
static void pasid_bits_are_limited_by_endpoint_and_iommu(void **state UNUSED)
{
	u32 d;

	boot_with(bench_pasids());
	bench_assign(1, 0, 10);
	d = bench_domain();
	assert_status(pv_attach(0, 10, 0, d, ~0ull), PC_SUCCESS);
	assert_status(pv_attach(0, 10, 255, d, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 10, 256, d, 0), PC_INVALID_PARAMETER);
	assert_int_equal(pv_query(0, PVIOMMU_Q_PASID_BITS, 0).v1,
			 14 /* of the IOMMU's 16: PASID_BITS_MAX */);
}

/* A function may tag its DMA while it is assigned, and not before, meanwhile or after. */
static void D8_tagging_ends_with_the_assignment(void **state UNUSED)
{
	boot_with(bench_pasids());
	assert_int_equal(bench_pasids_on[1], 0);
	bench_reset_turns = 2;
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(pc_dev_assign(1, 1, 0).v1, 1);
		assert_int_equal(bench_pasids_on[1], 0);
	}
	assert_int_equal(pc_dev_assign(1, 1, 0).v1, 0);
	assert_int_equal(bench_pasids_on[1], 1);
	bench_reset_turns = 0;
	bench_assign(0, 0, 20); /* three functions without the capability */
	assert_int_equal(bench_pasids_on[0], 0);
	assert_status(pc_dev_release(1), PC_SUCCESS);
	assert_int_equal(bench_pasids_on[1], 0);
	bench_assign(1, 0, 10);
	assert_int_equal(bench_pasids_on[1], 1);
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_int_not_equal(pc_dev_release(1).status, PC_SUCCESS);
	assert_int_equal(bench_pasids_on[1], 0);
}

/* An IOMMU without substreams, QEMU's: nobody tags, whatever the function could. */
static void D8_no_tagging_for_an_iommu_without(void **state UNUSED)
{
	boot();
	bench_assign(1, 0, 10);
	assert_int_equal(device_table[1].endpoint[0].pasid_bits, 8);
	assert_int_equal(pv_endpoint_info(0, 10).v2 % 256, 0);
	assert_int_equal(bench_pasids_on[1], 0);
}

static void widths_by_description(struct machine *m)
{
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x600)
			pci_function[i].pasid_bits = pci_function[i].rid == 0x328 ? 9 : 5;
		else if (pci_function[i].sid == 0x70f)
			pci_function[i].pasid_bits = 3;
	m->dt_device[0].pasid_bits = 6;
}

/* Each endpoint has its own; functions behind one stream have the least of theirs. */
static void widths_are_those_of_the_description(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u32 d;

	o.change = widths_by_description;
	boot_with(o);
	assert_int_equal(device_table[6].endpoint[0].pasid_bits, 6);
	assert_int_equal(device_table[6].endpoint[1].pasid_bits, 6);
	bench_assign(0, 0, 20);
	bench_assign(4, 0, 30);
	assert_int_equal(pv_endpoint_info(0, 20).v2 % 256, 0);
	assert_int_equal(pv_endpoint_info(0, 22).v2 % 256, 3);
	assert_int_equal(pv_endpoint_info(0, 30).v2 % 256, 5);
	assert_int_equal(bench_pasids_on[0], 4);
	d = bench_domain();
	assert_status(pv_attach(0, 30, 0, d, 9), PC_SUCCESS);
	assert_status(pv_attach(0, 30, 31, d, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 30, 32, d, 0), PC_INVALID_PARAMETER);
}

/* --- resets and quarantine */

static void E6_streams_are_blocked_before_the_reset(void **state UNUSED)
{
	boot();
	bench_lands(2, 0, bench_page(0), bench_page(0));
	bench_reset_turns = 3;
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(pc_dev_assign(2, 1, 0).v1, 1);
		bench_faults(2, 0, bench_page(0), SMMU_C_BAD_STE);
	}
	assert_int_equal(pc_dev_assign(2, 1, 0).v1, 0);
	bench_faults(2, 0, bench_page(0), SMMU_C_BAD_STE);
}

static void E3_failed_reset_quarantines(void **state UNUSED)
{
	struct pc_dev_info *info;

	boot();
	bench_quarantine_expected();
	bench_reset_status = E_DENIED;
	assert_status(pc_dev_assign(2, 1, 0), PC_DENIED);
	bench_faults(2, 0, bench_page(0), SMMU_C_BAD_STE);
	info = bench_ptr(WHERE);
	info->size = sizeof(*info);
	assert_status(pc_dev_info(2, WHERE), PC_SUCCESS);
	assert_true(info->flags & PC_DEV_QUARANTINED);
	bench_reset_status = OK;
	assert_status(pc_dev_assign(2, 1, 0), PC_DENIED);
	assert_status(pc_dev_vsid(2, 0, 1), PC_DENIED);
	/* RELEASE tries the reset again. */
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_lands(2, 0, bench_page(0), bench_page(0));
	bench_assign(2, 0, 1);
}

/* A device that nobody knows how to reset stays where it is. */
static void device_without_reset_stays_the_primarys(void **state UNUSED)
{
	boot();
	assert_status(pc_dev_assign(6, 1, 0), PC_DENIED);
	bench_lands(6, 0, bench_page(0), bench_page(0));
	bench_lands(6, 1, bench_page(0), bench_page(0));
}

/* V2: a device whose MMIO others map for DMA cannot leave. */
static void V2_mmio_in_use_keeps_its_device(void **state UNUSED)
{
	const u64 prot =
		PVIOMMU_PROT_WRITE | PVIOMMU_PROT_READ | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_attach(1, d);
	assert_status(pv_map(d, 0, bench_bar(3), 0x4000, prot), PC_SUCCESS);
	assert_status(pv_unmap(d, 0x1000, 0x1000), PC_SUCCESS);
	assert_int_equal(bench_write(2, 0, 0, 1), SMMU_OK);
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	/* Of the primary's own it comes and goes: the registers are the primary's all the time. */
	bench_assign(3, 1, 9);
	assert_status(pc_dev_release(3), PC_SUCCESS);
	assert_int_equal(device_table[3].state, DEVICE_UNASSIGNED);
	assert_int_equal(bench_write(2, 0, 0, 1), SMMU_OK);
	bench_lands(3, 0, bench_page(1), bench_page(1));
	assert_status(pv_unmap(d, 0, 0x1000), PC_SUCCESS);
	assert_status(pv_unmap(d, 0x2000, 0x2000), PC_SUCCESS);
}

/* V6: with stream ids that cannot be anything else by chance, none is found in any answer. */
static void V6_no_answer_holds_a_stream_id(void **state UNUSED)
{
	static const u32 secret[] = { 0x708, 0x709, 0x70f };
	struct result r;
	const u8 *bytes;

	boot();
	bench_assign(0, 0, 1);
	memset(bench_ptr(WHERE), 0, PAGE_SIZE);
	*(u32 *)bench_ptr(WHERE) = 320;
	assert_status(pc_dev_info(0, WHERE), PC_SUCCESS);
	bytes = bench_ptr(WHERE);
	for (u32 i = 0; i < 3; i++) {
		for (u32 at = 0; at + 2 <= 320; at++)
			assert_int_not_equal(bytes[at] | bytes[at + 1] << 8, secret[i]);
		for (u64 p = 0; p < PVIOMMU_Q_COUNT; p++)
			assert_int_not_equal(pv_query(0, p, i).v1, secret[i]);
		r = pv_endpoint_info(0, 1 + i);
		assert_true(r.v1 != secret[i] && r.v2 != secret[i] && r.v3 != secret[i]);
		r = pc_dev_req_dma(0, 1 + i);
		assert_true(r.v1 != secret[i] && r.v2 != secret[i]);
		assert_true((u16)r.v1 != secret[i] && (u16)r.v2 != secret[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(device_starts_in_identity_and_ends_there),
		cmocka_unit_test(V1_identity_ends_at_the_primarys_memory),
		cmocka_unit_test(V4_streams_of_nobody_are_blocked),
		cmocka_unit_test(D3_list_moves_all_streams_or_none),
		cmocka_unit_test(list_of_64_endpoints_of_several_devices),
		cmocka_unit_test(V7_names_are_one_to_one),
		cmocka_unit_test(V7_names_are_per_pviommu),
		cmocka_unit_test(pviommu_stands_for_one_iommu),
		cmocka_unit_test(A7_domain_over_two_iommus),
		cmocka_unit_test(frozen_at_the_first_attach),
		cmocka_unit_test(B3_replaced_domain_is_unreachable),
		cmocka_unit_test(many_devices_and_reattach_on_one_domain),
		cmocka_unit_test(map_unmap_around_attachments),
		cmocka_unit_test(D8_pasids_are_spaces_of_their_own),
		cmocka_unit_test(D8_pasid_zero_can_be_replaced_alone),
		cmocka_unit_test(V9_I8_contexts_of_a_list),
		cmocka_unit_test(D8_no_pasid_bits_no_pasids),
		cmocka_unit_test(D8_two_level_context_table),
		cmocka_unit_test(D8_as_many_pasids_as_query_says),
		cmocka_unit_test(pasid_bits_are_limited_by_endpoint_and_iommu),
		cmocka_unit_test(D8_tagging_ends_with_the_assignment),
		cmocka_unit_test(D8_no_tagging_for_an_iommu_without),
		cmocka_unit_test(widths_are_those_of_the_description),
		cmocka_unit_test(E6_streams_are_blocked_before_the_reset),
		cmocka_unit_test(E3_failed_reset_quarantines),
		cmocka_unit_test(device_without_reset_stays_the_primarys),
		cmocka_unit_test(V2_mmio_in_use_keeps_its_device),
		cmocka_unit_test(V6_no_answer_holds_a_stream_id),
	};

	return SUITE("attach", cases);
}
