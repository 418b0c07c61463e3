/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fourteen defects that were read in the pKVM guest handler, its SMMUv3 driver and the stock
 * guest driver, each as the calls that show it.
 */
#include <string.h>

#include "bench.h"
#include "suite.h"

#define WHERE bench_page(1000)

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(16);
}

/* --- 3.8: the guest handler */

/* One attach per domain's life: a second stream, a second PASID, a re-attach were refused. */
static void pkvm_3_8_1_one_attach_per_domain_life(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u32 d;

	bench_boot(&o);
	bench_assign(0, 0, 100);
	bench_assign(1, 0, 110);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	for (u32 i = 0; i < 3; i++)
		bench_attach(100 + i, d);
	assert_status(pv_attach(0, 110, 0, d, 4), PC_SUCCESS);
	assert_status(pv_attach(0, 110, 3, d, 0), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++) {
		bench_lands(0, i, 0x1000, bench_page(1));
		assert_status(pv_detach(0, 100 + i, 0, d), PC_SUCCESS);
		bench_attach(100 + i, d);
		bench_lands(0, i, 0x1000, bench_page(1));
	}
}

/* BUG_ON: MAP and UNMAP of a domain that nothing is attached to; FREE while attached. */
static void pkvm_3_8_2_map_before_attach(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x2000);
	bench_unmap(d, 0x2000, 0x1000);
	assert_status(pv_map(d + 1, 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_NOT_FOUND);
	assert_status(pv_unmap(d + 1, 0x1000, 0x1000), PC_NOT_FOUND);
	bench_attach(1, d);
	bench_lands(2, 0, 0x1000, bench_page(1));
	assert_status(pv_free(d), PC_BUSY);
	bench_lands(2, 0, 0x1000, bench_page(1));
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
	assert_status(pv_map(d, 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_NOT_FOUND);
	assert_status(pv_unmap(d, 0x1000, 0x1000), PC_NOT_FOUND);
}

/* ATTACH took any free domain id: of nobody, of another VM, freed already. */
static void pkvm_3_8_3_attach_names_only_own_domains(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	assert_status(pv_free(d), PC_SUCCESS);
	for (u64 id = 0; id < 3 * DOMAIN_MAX; id++)
		assert_status(pv_attach(0, 1, 0, id, 0), PC_NOT_FOUND);
	assert_status(pv_attach(0, 1, 0, d, 0), PC_NOT_FOUND);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_DOMAINS).v1, 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_ATTACHED).v1, 0);
}

/* An id beyond the table: the vCPU spun for ever in a rewound call. */
static void pkvm_3_8_4_attach_beyond_the_table_ends(void **state UNUSED)
{
	static const u64 ids[] = { 511,
				   512,
				   513,
				   4096,
				   4097,
				   65535,
				   65536,
				   0x10001,
				   1ull << 31,
				   1ull << 32,
				   (1ull << 32) + 1,
				   ~0ull };

	boot();
	bench_assign(2, 0, 1);
	bench_domain();
	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, 0, 1, 0, ids[i],
					     0 } };

		/* At once: nobody has to ask again. */
		assert_true(hyp_hypercall(vm_vcpu(vm_primary, 0), &args));
		assert_int_equal((s64)args.r[3], PC_NOT_FOUND);
	}
	bench_check();
}

/* FREE of a domain that was never attached failed and leaked the id; so did a failed attach. */
static void pkvm_3_8_5_free_of_never_attached_domain(void **state UNUSED)
{
	u64 left, free_pages;
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	left = pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0).v1;
	free_pages = pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1;
	for (u32 i = 0; i < 3 * left; i++) {
		d = bench_domain();
		if (i % 3 == 0)
			assert_status(pv_attach(0, 999, 0, d, 0), PC_NOT_FOUND);
		if (i % 3 == 1) {
			pool_fail_after = 1;
			assert_status(pv_attach(0, 1, 0, d, 0), PC_NO_MEMORY);
			pool_fail_after = 0;
		}
		assert_status(pv_free(d), PC_SUCCESS);
	}
	assert_int_equal(pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0).v1, left);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_POOL_FREE).v1, free_pages);
}

/* A reference leaked on a path that returned early: counts must balance after every refusal. */
static void pkvm_3_8_6_refusals_leak_no_reference(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_attach(1, d);
	for (u32 i = 0; i < 50; i++) {
		assert_status(pv_attach(0, 1, 0, d, 0), PC_EXISTS);
		assert_status(pv_attach(0, 1, 1, d, 0), PC_NOT_SUPPORTED);
		assert_status(pv_map(d, 0x1000, bench_page(1), 0x1000, BENCH_RW), PC_EXISTS);
		assert_status(pv_map(d, 0x4000, machine->heap.base, 0x1000, BENCH_RW), PC_FAULT);
		assert_status(pv_unmap(d, 0x9000, 0x1000), PC_INVALID_PARAMETER);
		assert_status(pv_detach(0, 1, 0, d + 1), PC_NOT_FOUND);
	}
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
	assert_int_equal(page_find(pa(bench_page(1)))->pins, 0);
}

/* DETACH did not look whose domain it was: it must be the one attached, and the caller's. */
static void pkvm_3_8_7_detach_names_the_attached_domain(void **state UNUSED)
{
	u32 d, e;

	boot();
	bench_assign(2, 0, 1);
	bench_assign(3, 0, 2);
	d = bench_domain();
	e = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_attach(1, d);
	bench_attach(2, e);
	assert_status(pv_detach(0, 1, 0, e), PC_NOT_FOUND);
	assert_status(pv_detach(0, 1, 0, 0), PC_NOT_FOUND);
	assert_status(pv_detach(0, 1, 0, d + DOMAIN_MAX), PC_NOT_FOUND);
	assert_status(pv_detach(0, 1, 0, (u64)d | 1ull << 32), PC_NOT_FOUND);
	bench_lands(2, 0, 0x1000, bench_page(1));
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
}

/* --- 3.7: the SMMUv3 driver */

/*
 * A batch indexed its commands by one word instead of two: only the first of several
 * invalidations was right. Every range of one list must leave the caches.
 */
static void pkvm_3_7_1_every_command_of_a_batch_counts(void **state UNUSED)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *e;
	u32 d;

	boot();
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_attach(1, d);
	list = bench_ptr(WHERE);
	e = bench_ptr(WHERE + 64);
	for (u32 count = 1; count <= 16; count++) {
		for (u32 i = 0; i < count; i++) {
			e[i] = (struct pviommu_unmap_entry){ (u64)(i * 7 + 1) << 21, 0x1000 };
			bench_map(d, e[i].iova, bench_page(i), 0x1000);
			bench_lands(2, 0, e[i].iova, bench_page(i));
		}
		*list = (struct pviommu_map_list){ .size = 32,
						   .domain = d,
						   .entry_len = 16,
						   .entry_num = count,
						   .entries_ipa = WHERE + 64 };
		assert_int_equal(pv_list(PVIOMMU_UNMAP_LIST, WHERE).v1, count * 0x1000);
		for (u32 i = 0; i < count; i++)
			bench_faults(2, 0, e[i].iova, SMMU_F_TRANSLATION);
	}
}

/* Turning identity off returned with the lock held: the next call would never end. */
static void pkvm_3_7_2_leaving_identity_releases_its_lock(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 4; i++) {
		assert_status(pc_dev_assign(2, 1, 0), PC_SUCCESS);
		assert_int_equal(fake_locks_held(), 0);
		assert_status(pc_dev_release(2), PC_SUCCESS);
		bench_lands(2, 0, bench_page(0), bench_page(0));
	}
	/* And on the ways out that fail. */
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(pc_dev_assign(2, 1, 0), PC_IO);
	assert_int_equal(fake_locks_held(), 0);
}

/*
 * The context table was reclaimed before the stream's entry was invalidated. Here hardware
 * caches everything at every store and completes late; the pages that detach gives back are
 * taken and overwritten at once by the next allocation.
 */
static void pkvm_3_7_3_context_outlives_its_stream(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u32 d, e;

	bench_boot(&o);
	bench_assign(1, 0, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	for (u32 i = 0; i < 20; i++) {
		assert_status(pv_attach(0, 1, 0, d, 8), PC_SUCCESS);
		assert_status(pv_attach(0, 1, i + 1, d, 0), PC_SUCCESS);
		bench_lands(1, 0, 0x1000, bench_page(1));
		assert_status(pv_detach(0, 1, i + 1, d), PC_SUCCESS);
		assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
		e = bench_domain();
		bench_map(e, (u64)i << 30, bench_page(2), 0x1000);
		bench_faults(1, 0, 0x1000, SMMU_C_BAD_STE);
		assert_status(pv_free(e), PC_SUCCESS);
	}
}

/* Linear and two-level stream tables were mixed up: both, at the edges of their spans. */
static void streams_of_both_tables(struct bench_options o)
{
	u32 d;
	u64 value = 5;

	bench_boot(&o);
	bench_assign(0, 0, 1);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	for (u32 i = 0; i < 3; i++) {
		bench_attach(1 + i, d);
		bench_lands(0, i, 0x1000, bench_page(1));
	}
	for (u32 i = 0; i < BENCH_DEVICE_COUNT; i++)
		if (i != 0)
			bench_lands(i, 0, bench_page(0), bench_page(0));
	for (u32 s = 0x6f0; s < 0x740; s++)
		if (endpoint_find(&iommu_instance[0], sid(s)) == NULL)
			assert_int_not_equal(
				smmu_dma_write(bench_smmu[0], s, bench_page(0), &value, 8),
				SMMU_OK);
}

static void pkvm_3_7_4_linear_stream_table(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.two_level = false;
	o.smmu.sid_bits = 12;
	streams_of_both_tables(o);
}

static void pkvm_3_7_4_two_level_stream_table(void **state UNUSED)
{
	streams_of_both_tables(bench_defaults());
}

/* --- 1.5: the stock guest driver, which our side must survive */

/* A second cell was taken for a group id although it was a vSID: groups come from us. */
static void pkvm_1_5_1_groups_are_not_vsids(void **state UNUSED)
{
	struct result r[3];

	boot();
	bench_assign(0, 0, 100);
	bench_assign(2, 0, 200);
	for (u32 i = 0; i < 3; i++) {
		r[i] = pv_endpoint_info(0, 100 + i);
		assert_status(r[i], PC_SUCCESS);
		assert_int_equal(r[i].v3, r[0].v3);
	}
	assert_int_not_equal(pv_endpoint_info(0, 200).v3, r[0].v3);
}

/* The driver never found an existing group and made one for each device: attach order is free. */
static void pkvm_1_5_2_members_of_a_group_attach_in_any_order(void **state UNUSED)
{
	static const u32 order[][3] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 } };
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	for (u32 k = 0; k < ARRAY_SIZE(order); k++) {
		d = bench_domain();
		bench_map(d, 0x1000, bench_page(k), 0x1000);
		for (u32 i = 0; i < 3; i++)
			bench_attach(100 + order[k][i], d);
		for (u32 i = 0; i < 3; i++)
			bench_lands(0, i, 0x1000, bench_page(k));
		for (u32 i = 0; i < 3; i++)
			assert_status(pv_detach(0, 100 + order[k][i], 0, d), PC_SUCCESS);
		assert_status(pv_free(d), PC_SUCCESS);
	}
}

/* The driver's unwinding detaches with a stale name: the right ones stay, nothing breaks. */
static void pkvm_1_5_3_unwinding_with_a_stale_sid(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_attach(100, d);
	bench_attach(101, d);
	assert_status(pv_attach(0, 777, 0, d, 0), PC_NOT_FOUND);
	/* As it unwinds: the failed name twice, instead of the two that were attached. */
	assert_status(pv_detach(0, 777, 0, d), PC_NOT_FOUND);
	assert_status(pv_detach(0, 777, 0, d), PC_NOT_FOUND);
	bench_lands(0, 0, 0x1000, bench_page(1));
	bench_lands(0, 1, 0x1000, bench_page(1));
	assert_status(pv_detach(0, 100, 0, d), PC_SUCCESS);
	assert_status(pv_detach(0, 100, 0, d), PC_NOT_FOUND);
	bench_lands(0, 1, 0x1000, bench_page(1));
	assert_status(pv_detach(0, 101, 0, d), PC_SUCCESS);
	assert_status(pv_free(d), PC_SUCCESS);
}

/*
 * Exactly what the guest driver of 6.12 and 6.18 and its firmware issue, in their order, with
 * poison in every register that they leave undefined.
 */
static struct result driver(u64 op, u64 a, u64 b, u64 c, u64 e, u64 f)
{
	return bench_call(PC_PVIOMMU_OP, op, a, b, c, e, f);
}

static void replay(u32 pasid_bits)
{
	const u64 poison = BENCH_POISON;
	struct result r;
	u64 size = 700 * PAGE_SIZE, done = 0, d;

	bench_assign(0, 0, 100);
	/* Firmware: tokens of each endpoint. */
	for (u32 i = 0; i < 3; i++)
		assert_status(bench_call(PC_DEV_REQ_DMA, 0, 100 + i, 0, 0, 0, 0), PC_SUCCESS);
	assert_status(bench_call(PC_DEV_REQ_MMIO, bench_bar(0), 0, 0, 0, 0, 0), PC_SUCCESS);
	/* Driver: allocate, attach every id of the device, map until all is done, and back. */
	r = driver(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	d = r.v1;
	for (u32 i = 0; i < 3; i++)
		assert_status(driver(PVIOMMU_ATTACH_DEV, 0, 100 + i, 0, d, pasid_bits), PC_SUCCESS);
	while (done < size) {
		r = driver(PVIOMMU_MAP_PAGES, d, 0x100000 + done, bench_page(1) + done, size - done,
			   BENCH_RW);
		assert_status(r, PC_SUCCESS);
		done += r.v1;
	}
	bench_lands(0, 1, 0x100000 + size - 8, bench_page(1) + size - 8);
	for (done = 0; done < size; done += r.v1) {
		r = driver(PVIOMMU_UNMAP_PAGES, d, 0x100000 + done, size - done, 0, 0);
		assert_status(r, PC_SUCCESS);
	}
	assert_status(driver(PVIOMMU_SID_INFO, 0, 100, poison, poison, poison), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		assert_status(driver(PVIOMMU_DETACH_DEV, 0, 100 + i, 0, d, 0), PC_SUCCESS);
	assert_status(driver(PVIOMMU_FREE_DOMAIN, d, 0, 0, 0, 0), PC_SUCCESS);
}

static void android_replay_6_12(void **state UNUSED)
{
	boot();
	replay(0);
}

static void android_replay_6_18(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	bench_boot(&o);
	oracle_effort(16);
	replay(8);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(pkvm_3_8_1_one_attach_per_domain_life),
		cmocka_unit_test(pkvm_3_8_2_map_before_attach),
		cmocka_unit_test(pkvm_3_8_3_attach_names_only_own_domains),
		cmocka_unit_test(pkvm_3_8_4_attach_beyond_the_table_ends),
		cmocka_unit_test(pkvm_3_8_5_free_of_never_attached_domain),
		cmocka_unit_test(pkvm_3_8_6_refusals_leak_no_reference),
		cmocka_unit_test(pkvm_3_8_7_detach_names_the_attached_domain),
		cmocka_unit_test(pkvm_3_7_1_every_command_of_a_batch_counts),
		cmocka_unit_test(pkvm_3_7_2_leaving_identity_releases_its_lock),
		cmocka_unit_test(pkvm_3_7_3_context_outlives_its_stream),
		cmocka_unit_test(pkvm_3_7_4_linear_stream_table),
		cmocka_unit_test(pkvm_3_7_4_two_level_stream_table),
		cmocka_unit_test(pkvm_1_5_1_groups_are_not_vsids),
		cmocka_unit_test(pkvm_1_5_2_members_of_a_group_attach_in_any_order),
		cmocka_unit_test(pkvm_1_5_3_unwinding_with_a_stale_sid),
		cmocka_unit_test(android_replay_6_12),
		cmocka_unit_test(android_replay_6_18),
	};

	return SUITE("pkvm", cases);
}
