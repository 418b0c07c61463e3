/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of each call, from the HVC to its return, all exception levels together. Runs on one vCPU of
 * -cpu max under -icount shift=0,sleep=off, where one tick of CNTVCT is one instruction; the cost of the counter
 * itself is measured and taken off. Prints, for scripts/bench.py:
 *   [b] KEY MEDIAN cold N
 * Every sample maps a fresh IOVA and a fresh IPA in a table that has its last-level page; the cold sample is the
 * first of its kind, which allocates the tables. After every 100th map a DMA must land and after every 100th unmap
 * the same DMA must fault: a call that did not do its work gives no figure.
 */
#include <stdio.h>

#include "bench.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

#define SAMPLES      BENCH_SAMPLES
#define PROVE_EVERY  100
#define DOMAINS      1000
#define ATTACH_PAGES 1000
#define BASE_IOVA    0x10000000000ul
#define KEY_IOVA     0x400000000ul /* of one key to the next, so that each has tables of its own */

static u32 samples[SAMPLES], samples_back[SAMPLES];
static u64 memory; /* IPAs: as many 2 MiB runs as the largest key takes */
static u64 standing; /* the page that is mapped only to keep tables */

static struct timed timed_hvc(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return timed_call(PC_PVIOMMU_OP, a1, a2, a3, a4, a5, a6);
}

static u32 null_call(void)
{
	struct timed t = timed_hvc(PVIOMMU_QUERY, rig.pviommu, PVIOMMU_Q_VERSION, 0, 0, 0);

	REQUIRE(hres_ok(t.r) && t.r.r1 == PC_ABI_VERSION, "QUERY version answers %lx %lx", t.r.r0, t.r.r1);
	return t.ticks;
}

static void bench_null(void)
{
	u32 cold = null_call();

	for (u32 i = 0; i < SAMPLES; i++)
		samples[i] = null_call();
	bench_print("null_call", bench_median(samples, SAMPLES), cold);
}

/* --- map and unmap */

struct shape {
	const char *map_key;
	const char *unmap_key;
	u64 bytes;
	u64 iova_shift;  /* off a 2 MiB boundary, so that no block fits */
	u64 iova_stride; /* of samples: what keeps each in a table that is there */
	u64 ipa_stride;
	u64 table_span;  /* one standing page in each such span keeps its last-level table */
	u64 standing_at; /* where in the span */
};

static const struct shape shapes[] = {
	{ "map_4k", "unmap_4k", PAGE, 0, 4 * PAGE, PAGE, BLOCK_2M, BLOCK_2M - PAGE },
	{ "map_64k", "unmap_64k", 16 * PAGE, 0, 32 * PAGE, 16 * PAGE, BLOCK_2M, BLOCK_2M - PAGE },
	{ "map_2m", "unmap_2m", BLOCK_2M, 0, 2 * BLOCK_2M, BLOCK_2M, BLOCK_1G, BLOCK_1G - PAGE },
	{ "map_512x4k", "unmap_512x4k", BLOCK_2M, PAGE, 2 * BLOCK_2M, BLOCK_2M, 0, 0 },
};

static struct timed timed_map(u64 iova, u64 ipa, u64 bytes)
{
	struct timed t = timed_hvc(PVIOMMU_MAP_PAGES, rig.domain, iova, ipa, bytes, RW);

	REQUIRE(hres_ok(t.r) && t.r.r1 == bytes, "MAP_PAGES %lx -> %lx, %#lx bytes: %s, %#lx", iova, ipa, bytes,
		status_name(hres_status(t.r)), t.r.r1);
	return t;
}

static struct timed timed_unmap(u64 iova, u64 bytes)
{
	struct timed t = timed_hvc(PVIOMMU_UNMAP_PAGES, rig.domain, iova, bytes, 0, 0);

	REQUIRE(hres_ok(t.r) && t.r.r1 == bytes, "UNMAP_PAGES %lx, %#lx bytes: %s, %#lx", iova, bytes,
		status_name(hres_status(t.r)), t.r.r1);
	return t;
}

/* First and last word of the mapping, so that a call that did half of it is found out. */
static void prove_mapped(u64 iova, u64 ipa, u64 bytes)
{
	LANDS(rig.testdev, iova, (u32 *)ipa);
	LANDS(rig.testdev, iova + bytes - 4, (u32 *)(ipa + bytes) - 1);
}

static void prove_unmapped(u64 iova, u64 ipa, u64 bytes)
{
	FAULTS(rig.testdev, iova, (u32 *)ipa);
	FAULTS(rig.testdev, iova + bytes - 4, (u32 *)(ipa + bytes) - 1);
}

/* Standing pages: both tables that a 512 x 4 KiB sample touches, or one page in each span of the others. */
static void keep_tables(const struct shape *s, u64 base)
{
	u64 end = base + (SAMPLES + 1) * s->iova_stride;

	if (!s->table_span) {
		for (u64 iova = base; iova < end; iova += 2 * BLOCK_2M) {
			rig_map(rig.domain, iova, standing, PAGE, RW);
			rig_map(rig.domain, iova + 2 * BLOCK_2M - PAGE, standing, PAGE, RW);
		}
		return;
	}
	for (u64 iova = align_down(base, s->table_span); iova < end; iova += s->table_span)
		rig_map(rig.domain, iova + s->standing_at, standing, PAGE, RW);
}

/* One span further there is no table yet. */
static void cold_pair(const struct shape *s, u64 iova, u32 *map, u32 *unmap)
{
	iova = align_up(iova, BLOCK_1G) + BLOCK_1G + s->iova_shift;
	*map = timed_map(iova, memory, s->bytes).ticks;
	prove_mapped(iova, memory, s->bytes);
	*unmap = timed_unmap(iova, s->bytes).ticks;
	prove_unmapped(iova, memory, s->bytes);
}

static void bench_shape(const struct shape *s, u64 base)
{
	u32 cold_map, cold_unmap;

	keep_tables(s, base);
	cold_pair(s, base + (SAMPLES + 1) * s->iova_stride, &cold_map, &cold_unmap);
	for (u64 i = 0; i < SAMPLES; i++) {
		u64 iova = base + s->iova_shift + i * s->iova_stride, ipa = memory + i * s->ipa_stride;
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		samples[i] = timed_map(iova, ipa, s->bytes).ticks;
		if (prove)
			prove_mapped(iova, ipa, s->bytes);
		samples_back[i] = timed_unmap(iova, s->bytes).ticks;
		if (prove)
			prove_unmapped(iova, ipa, s->bytes);
	}
	bench_print(s->map_key, bench_median(samples, SAMPLES), cold_map);
	bench_print(s->unmap_key, bench_median(samples_back, SAMPLES), cold_unmap);
}

/* --- attach and detach of one endpoint, a domain with a thousand mappings */

static u32 timed_attach(u64 domain)
{
	struct timed t = timed_hvc(PVIOMMU_ATTACH_DEV, rig.pviommu, RIG_VSID(TESTDEV2), 0, domain, 0);

	REQUIRE(hres_ok(t.r), "ATTACH_DEV: %s", status_name(hres_status(t.r)));
	return t.ticks;
}

static u32 timed_detach(u64 domain)
{
	struct timed t = timed_hvc(PVIOMMU_DETACH_DEV, rig.pviommu, RIG_VSID(TESTDEV2), 0, domain, 0);

	REQUIRE(hres_ok(t.r), "DETACH_DEV: %s", status_name(hres_status(t.r)));
	return t.ticks;
}

static void bench_attach(void)
{
	u64 domain = rig_domain();
	u32 cold_attach, cold_detach;

	for (u64 i = 0; i < ATTACH_PAGES; i++)
		rig_map(domain, BASE_IOVA + 2 * i * PAGE, memory + i * PAGE, PAGE, RW);
	cold_attach = timed_attach(domain);
	cold_detach = timed_detach(domain);
	for (u32 i = 0; i < SAMPLES; i++) {
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		samples[i] = timed_attach(domain);
		if (prove)
			LANDS(rig.testdev2, BASE_IOVA + 2 * i * PAGE, (u32 *)(memory + i * PAGE));
		samples_back[i] = timed_detach(domain);
		if (prove)
			FAULTS(rig.testdev2, BASE_IOVA + 2 * i * PAGE, (u32 *)(memory + i * PAGE));
	}
	OK(pv_free_domain(domain));
	rig_forget_domain(domain);
	bench_print("attach", bench_median(samples, SAMPLES), cold_attach);
	bench_print("detach", bench_median(samples_back, SAMPLES), cold_detach);
}

static void bench_all(u64 base)
{
	bench_null();
	for (u32 i = 0; i < ARRAY_COUNT(shapes); i++)
		bench_shape(&shapes[i], base + i * KEY_IOVA);
	bench_attach();
	bench_invalidations();
}

/* Every endpoint of the machine attached to a domain of its own, and a thousand domains with a mapping each. */
static void crowd(void)
{
	u64 count = OK(dev_count()).r1;
	u32 vsid = RIG_VSID(100);

	for (u32 i = 0; i < DOMAINS; i++)
		rig_map(rig_domain(), BASE_IOVA, standing, PAGE, RW);
	for (u32 d = 0; d < count; d++) {
		if (d == rig.device)
			continue;
		rig_assign(d);
		for (u32 e = 0; e < rig_device_info(d).endpoint_count; e++) {
			rig_set_vsid(d, e, vsid);
			OK(pv_attach(rig.pviommu, vsid++, 0, rig_domain(), 0));
		}
	}
	printf("[t] info crowd domains=%lu attached=%lu\n", rig_stat(PVIOMMU_STAT_DOMAINS), rig_stat(PVIOMMU_STAT_ATTACHED));
}

CASE(bench, all)
{
	u64 iova_bits;

	rig_open();
	iova_bits = rig_query(PVIOMMU_Q_IOVA_BITS, 0);
	REQUIRE(1ul << iova_bits >= 2 * BASE_IOVA, "%lu IOVA bits are too few for fresh IOVAs", iova_bits);
	standing = (u64)ram_alloc(PAGE, PAGE);
	memory = ram_alloc_raw((SAMPLES + 1) * BLOCK_2M, BLOCK_2M);
	rig.domain = rig_domain();
	rig_attach(TESTDEV, rig.domain);
	bench_count_begin();
	bench_all(BASE_IOVA / 4);
	bench_events();
	bench_vms(memory, null_call());
	crowd();
	bench_suffix = "_1000";
	bench_all(BASE_IOVA / 2);
}

void guest_main(void)
{
	report_run("*", &rig_hooks);
}
