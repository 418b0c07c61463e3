/* SPDX-License-Identifier: BSD-2-Clause */
/* ALLOC_DOMAIN and FREE_DOMAIN: ids, quota, what keeps a domain. */
#include "ram.h"
#include "rig.h"

CASE(domain, alloc_and_free_are_counted)
{
	u64 left = rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), pool = rig_stat(PVIOMMU_STAT_POOL_FREE);
	u64 a = rig_domain(), b = rig_domain();

	REQUIRE(a != b, "two domains have the id %lx", a);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_DOMAINS), 2);
	REQUIRE(rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0) <= left - 2, "two domains taken, %lu of %lu left",
		rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), left);
	OK(pv_free_domain(a));
	rig_forget_domain(a);
	OK(pv_free_domain(b));
	rig_forget_domain(b);
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), left);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_POOL_FREE), pool);
}

CASE(domain, unknown_ids_refused_N5)
{
	u64 gone = rig_domain();
	u64 ids[] = { 0, 0xffff, 0xffffffff, 1ul << 32, 1ul << 63, ~0ul, gone };

	rig_open_mapped();
	OK(pv_free_domain(gone));
	rig_forget_domain(gone);
	for (u32 i = 0; i < ARRAY_COUNT(ids); i++) {
		if (ids[i] == rig.domain)
			continue;
		REFUSED(pv_free_domain(ids[i]), PC_NOT_FOUND);
		REFUSED(pv_map(ids[i], RIG_IOVA, (u64)rig.page, PAGE, RW), PC_NOT_FOUND);
		REFUSED(pv_unmap(ids[i], RIG_IOVA, PAGE), PC_NOT_FOUND);
		REFUSED(pv_iova_to_ipa(ids[i], RIG_IOVA), PC_NOT_FOUND);
		REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, ids[i], 0), PC_NOT_FOUND);
		REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, ids[i]), PC_NOT_FOUND);
	}
}

CASE(domain, free_while_attached_is_busy_D6_N18)
{
	rig_open_mapped();
	REFUSED(pv_free_domain(rig.domain), PC_BUSY);
	rig_detach(TESTDEV, rig.domain);
	rig_detach(TESTDEV2, rig.domain);
	rig.page = NULL;
	REFUSED(pv_free_domain(rig.domain), PC_BUSY);
	rig_detach(EDU, rig.domain);
	OK(pv_free_domain(rig.domain));
	rig_forget_domain(rig.domain);
}

/* Freeing with mappings of every size gives back pins and tables; thousands of leaves take several steps. */
CASE(domain, free_removes_mappings_V9)
{
	u64 pool = rig_stat(PVIOMMU_STAT_POOL_FREE), domain = rig_domain();
	u64 memory = ram_alloc_raw(12 * BLOCK_2M, BLOCK_2M);

	rig_map(domain, RIG_IOVA, memory, 4 * BLOCK_2M, RW);
	rig_map(domain, RIG_IOVA + 16 * BLOCK_2M + PAGE, memory, 8 * BLOCK_2M, RW);
	for (u64 i = 0; i < 40; i++)
		rig_map(domain, RIG_IOVA + (i + 1) * BLOCK_1G, memory + i * PAGE, PAGE, RW);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), 12 * BLOCK_2M + 40 * PAGE);
	OK(pv_free_domain(domain));
	rig_forget_domain(domain);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), 0);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 0);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_POOL_FREE), pool);
}

/* All there are: the next is refused, names nothing, and everything comes back. */
CASE(domain, quota_K1)
{
	u64 left = rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), count = 0;
	u64 *ids = (u64 *)ram_alloc_raw((left + 1) * 8, PAGE);
	struct hres r;

	for (;;) {
		r = pv_alloc_domain();
		if (!hres_ok(r) || count > left)
			break;
		ids[count++] = r.r1;
	}
	REQUIRE(count <= left, "%lu domains were promised and more were given", left);
	REFUSED(pv_alloc_domain(), PC_NO_MEMORY);
	if (count != left)
		REQUIRE(rig_stat(PVIOMMU_STAT_POOL_FREE) < 64, "only %lu of %lu domains with %lu pool pages free", count, left,
			rig_stat(PVIOMMU_STAT_POOL_FREE));
	while (count)
		OK(pv_free_domain(ids[--count]));
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0), left);
}

/* The pool runs out in the middle of a map: that call changes nothing, and the domain still works. */
CASE(domain, pool_exhausted_I4_I5_D12)
{
	u64 memory, filler, iova = RIG_IOVA, top;
	struct hres r;

	rig_open_mapped();
	top = 1ul << rig_query(PVIOMMU_Q_IOVA_BITS, 0);
	memory = (u64)ram_alloc(PAGE, PAGE);
	filler = rig_domain();
	/* Every mapping in a gigabyte of its own takes two table pages; when the aperture ends, one in each 2 MiB. */
	for (u64 step = BLOCK_1G; step >= BLOCK_2M; step = step == BLOCK_1G ? BLOCK_2M : PAGE) {
		for (r.r0 = 0; hres_ok(r) && iova < top; iova += step)
			r = pv_map(filler, iova, memory, PAGE, RW);
		if (!hres_ok(r))
			break;
		iova = RIG_IOVA + PAGE;
	}
	REQUIRE(hres_status(r) == PC_NO_MEMORY, "the pool does not run out: %s", status_name(hres_status(r)));
	iova = align_up(iova, BLOCK_1G) + 7 * BLOCK_1G + 3 * BLOCK_2M;
	REFUSED(pv_map(rig.domain, iova, memory, PAGE, RW), PC_NO_MEMORY);
	/* No table is needed beside a page that is mapped. */
	rig_map(rig.domain, RIG_IOVA + PAGE, memory, PAGE, RW);
	LANDS(rig.testdev, RIG_IOVA + PAGE, (u32 *)memory);
	OK(pv_free_domain(filler));
	rig_forget_domain(filler);
	rig_map(rig.domain, iova, memory, PAGE, RW);
	LANDS(rig.testdev, iova, (u32 *)memory);
}

/* Domains come and go for longer than any tag is wide: ids and tags are really given back (A8). */
CASE(domain, many_generations_A8)
{
	rig_open();
	rig.page = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < 70000; i++) {
		u64 domain = OK(pv_alloc_domain()).r1;

		if (i % 4096 == 0) {
			rig_map(domain, RIG_IOVA, (u64)rig.page, PAGE, RW);
			rig_attach(TESTDEV, domain);
			LANDS(rig.testdev, RIG_IOVA, rig.page);
			rig_detach(TESTDEV, domain);
			FAULTS(rig.testdev, RIG_IOVA, rig.page);
		}
		OK(pv_free_domain(domain));
	}
	rig.page = NULL;
}
