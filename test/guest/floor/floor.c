/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor's figures, for scripts/bench.py: the same operations as calls.c, measured the same way, without the
 * hypervisor. As there, after every 100th map a DMA must land and after every 100th unmap the same DMA must fault.
 *   [b] floor_KEY MEDIAN cold N
 */
#include "floor.h"

#include "bench_count.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

#define DOMAIN      1
#define PROVE_EVERY 100
#define BASE_IOVA   0x10000000000ul
#define KEY_IOVA    0x400000000ul
#define RUNS        64 /* runs of 2 MiB that samples take in turn */

struct shape {
	const char *map_key;
	const char *unmap_key;
	u64 bytes;
	u64 iova_shift; /* off a 2 MiB boundary, so that no block fits */
	u64 iova_stride;
	u64 ipa_stride;
};

static const struct shape shapes[] = {
	{ "floor_map_4k", "floor_unmap_4k", PAGE, 0, 4 * PAGE, PAGE },
	{ "floor_map_64k", "floor_unmap_64k", 16 * PAGE, 0, 32 * PAGE, 16 * PAGE },
	{ "floor_map_2m", "floor_unmap_2m", BLOCK_2M, 0, 2 * BLOCK_2M, BLOCK_2M },
	{ "floor_map_512x4k", "floor_unmap_512x4k", BLOCK_2M, PAGE, 2 * BLOCK_2M, BLOCK_2M },
};

static struct testdev device;
static u32 samples[BENCH_SAMPLES], samples_back[BENCH_SAMPLES];

static u32 floor_null(void)
{
	struct timed t = timed_call(FLOOR_NULL, 0, 0, 0, 0, 0, 0);

	REQUIRE(t.r.r0 == FLOOR_OK, "an empty call answers %lu", t.r.r0);
	return t.ticks;
}

static u32 floor_map(u64 iova, u64 ipa, u64 bytes)
{
	struct timed t = timed_call(FLOOR_MAP, DOMAIN, iova, ipa, bytes, FLOOR_READ | FLOOR_WRITE, 0);

	REQUIRE(t.r.r0 == FLOOR_OK && t.r.r1 == bytes, "a map of %#lx bytes at %#lx answers %lu, %#lx", bytes, iova, t.r.r0,
		t.r.r1);
	return t.ticks;
}

static u32 floor_unmap(u64 iova, u64 bytes)
{
	struct timed t = timed_call(FLOOR_UNMAP, DOMAIN, iova, bytes, 0, 0, 0);

	REQUIRE(t.r.r0 == FLOOR_OK && t.r.r1 == bytes, "an unmap of %#lx bytes at %#lx answers %lu, %#lx", bytes, iova, t.r.r0,
		t.r.r1);
	return t.ticks;
}

static void measure_null(void)
{
	u32 cold = floor_null();

	for (u32 i = 0; i < BENCH_SAMPLES; i++)
		samples[i] = floor_null();
	bench_print("floor_null_call", bench_median(samples, BENCH_SAMPLES), cold);
}

static void measure_shape(const struct shape *s, u64 base, u64 memory)
{
	u32 cold = 0, cold_back = 0;

	floor_make_tables(base + s->iova_shift, BENCH_SAMPLES * s->iova_stride);
	for (u64 i = 0; i < BENCH_SAMPLES; i++) {
		u64 iova = base + s->iova_shift + i * s->iova_stride;
		u64 ipa = memory + i * s->ipa_stride % (RUNS * BLOCK_2M);
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		samples[i] = floor_map(iova, ipa, s->bytes);
		if (prove) {
			LANDS(device, iova, (u32 *)ipa);
			LANDS(device, iova + s->bytes - 4, (u32 *)(ipa + s->bytes) - 1);
		}
		samples_back[i] = floor_unmap(iova, s->bytes);
		if (prove) {
			FAULTS(device, iova, (u32 *)ipa);
			FAULTS(device, iova + s->bytes - 4, (u32 *)(ipa + s->bytes) - 1);
		}
		cold = i ? cold : samples[0];
		cold_back = i ? cold_back : samples_back[0];
	}
	bench_print(s->map_key, bench_median(samples, BENCH_SAMPLES), cold);
	bench_print(s->unmap_key, bench_median(samples_back, BENCH_SAMPLES), cold_back);
}

/* --- the stream there and back; a page is mapped all the time */

static u32 floor_stream(u64 call)
{
	struct timed t = timed_call(call, DOMAIN, 0, 0, 0, 0, 0);

	REQUIRE(t.r.r0 == FLOOR_OK, "call %lu of a stream answers %lu", call, t.r.r0);
	return t.ticks;
}

static void measure_stream(u64 iova, u64 memory)
{
	u32 cold = 0, cold_back = 0;

	floor_make_tables(iova, PAGE);
	floor_map(iova, memory, PAGE);
	for (u64 i = 0; i < BENCH_SAMPLES; i++) {
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		/* So that hardware has kept all that it may. */
		if (prove)
			LANDS(device, iova, (u32 *)memory);
		samples_back[i] = floor_stream(FLOOR_DETACH);
		if (prove)
			FAULTS(device, iova, (u32 *)memory);
		samples[i] = floor_stream(FLOOR_ATTACH);
		if (prove)
			LANDS(device, iova, (u32 *)memory);
		cold = i ? cold : samples[0];
		cold_back = i ? cold_back : samples_back[0];
	}
	floor_unmap(iova, PAGE);
	bench_print("floor_attach", bench_median(samples, BENCH_SAMPLES), cold);
	bench_print("floor_detach", bench_median(samples_back, BENCH_SAMPLES), cold_back);
}

/* --- invalidations: as bench_nested.c, the last entry says the page whose leaf has changed */

static u64 entries[FLOOR_INVAL_MAX][2] __attribute__((aligned(4096)));

static u32 floor_invalidate(u64 count)
{
	struct timed t = timed_call(FLOOR_INVALIDATE, DOMAIN, (u64)entries, count, 0, 0, 0);

	REQUIRE(t.r.r0 == FLOOR_OK && t.r.r1 == count, "an invalidation of %lu answers %lu, %lu", count, t.r.r0, t.r.r1);
	return t.ticks;
}

static void put_leaf(u64 iova, u64 out)
{
	u64 *leaf = floor_leaf(iova);

	*leaf = (*leaf & (PAGE - 1)) | out;
	dsb();
}

static void measure_invalidate(const char *key, u64 count, u64 iova, u64 memory)
{
	u32 cold = 0;

	floor_make_tables(iova, PAGE);
	floor_map(iova, memory, PAGE);
	for (u64 i = 0; i < count; i++) {
		entries[i][0] = 0x12 | (u64)floor_state.domain[DOMAIN].asid << 48;
		entries[i][1] = iova + (count - 1 - i) * PAGE;
	}
	for (u64 i = 0; i < BENCH_SAMPLES; i++) {
		bool prove = i % PROVE_EVERY == PROVE_EVERY - 1;

		if (prove) {
			LANDS(device, iova, (u32 *)memory);
			put_leaf(iova, memory + PAGE);
			LANDS(device, iova, (u32 *)memory);
		}
		samples[i] = floor_invalidate(count);
		cold = i ? cold : samples[0];
		if (prove) {
			LANDS(device, iova, (u32 *)(memory + PAGE));
			put_leaf(iova, memory);
			(void)floor_invalidate(count);
			LANDS(device, iova, (u32 *)memory);
		}
	}
	floor_unmap(iova, PAGE);
	bench_print(key, bench_median(samples, BENCH_SAMPLES), cold);
}

static void check_stream_refusals(void)
{
	REQUIRE(timed_call(FLOOR_ATTACH, DOMAIN, 0, 0, 0, 0, 0).r.r0 != FLOOR_OK, "it attaches what is attached");
	REQUIRE(timed_call(FLOOR_DETACH, 0, 0, 0, 0, 0, 0).r.r0 != FLOOR_OK, "it detaches from another domain");
	REQUIRE(timed_call(FLOOR_DETACH, DOMAIN, 1, 0, 0, 0, 0).r.r0 != FLOOR_OK, "it detaches nobody's stream");
	entries[1][1] |= 1ul << 11;
	REQUIRE(timed_call(FLOOR_INVALIDATE, DOMAIN, (u64)entries, 2, 0, 0, 0).r.r0 != FLOOR_OK, "it takes a bit that it does not know");
	entries[1][1] &= ~(1ul << 11);
	entries[0][0] = 0x30;
	REQUIRE(timed_call(FLOOR_INVALIDATE, DOMAIN, (u64)entries, 1, 0, 0, 0).r.r0 != FLOOR_OK, "it takes any command");
	REQUIRE(timed_call(FLOOR_INVALIDATE, DOMAIN, (u64)entries + 16, 256, 0, 0, 0).r.r0 != FLOOR_OK, "it reads behind a page");
}

/* What it must not let through, so that the figures are those of calls that look. */
static void check_refusals(u64 memory)
{
	u64 iova = BASE_IOVA;

	floor_make_tables(iova, 4 * PAGE);
	floor_map(iova, memory, PAGE);
	REQUIRE(timed_call(FLOOR_MAP, DOMAIN, iova, memory, PAGE, 3, 0).r.r0 != FLOOR_OK, "it maps over a mapping");
	REQUIRE(timed_call(FLOOR_MAP, 0, iova + PAGE, memory, PAGE, 3, 0).r.r0 != FLOOR_OK, "it maps in nobody's domain");
	floor_unmap(iova, PAGE);
	REQUIRE(timed_call(FLOOR_UNMAP, DOMAIN, iova, PAGE, 0, 0, 0).r.r0 != FLOOR_OK, "it unmaps what is not mapped");
	floor_state.pages[(memory - floor_state.ram_base) / PAGE] = 0;
	REQUIRE(timed_call(FLOOR_MAP, DOMAIN, iova, memory, PAGE, 3, 0).r.r0 != FLOOR_OK, "it maps another's page");
	floor_state.pages[(memory - floor_state.ram_base) / PAGE] = FLOOR_OWNED;
	for (u64 i = 0; i < floor_state.ram_bytes / PAGE; i++)
		REQUIRE(floor_state.pages[i] == FLOOR_OWNED, "page %lu is held by nothing", i);
}

CASE(floor, all)
{
	u32 bdf;
	u64 memory = ram_alloc_raw(RUNS * BLOCK_2M, BLOCK_2M);

	REQUIRE(rig_find_slot(&bdf), "no slot of testdev, edu, testdev");
	testdev_open(&device, bdf);
	floor_open(bdf);
	bench_count_begin();
	measure_null();
	for (u32 i = 0; i < ARRAY_COUNT(shapes); i++)
		measure_shape(&shapes[i], BASE_IOVA + (i + 1) * KEY_IOVA, memory);
	measure_stream(BASE_IOVA + 8 * KEY_IOVA, memory);
	measure_invalidate("floor_invalidate_1", 1, BASE_IOVA + 9 * KEY_IOVA, memory);
	measure_invalidate("floor_invalidate_16", 16, BASE_IOVA + 9 * KEY_IOVA, memory);
	measure_invalidate("floor_invalidate_256", 256, BASE_IOVA + 9 * KEY_IOVA, memory);
	check_stream_refusals();
	check_refusals(memory);
}

static void nothing(void)
{
}

void guest_main(void)
{
	static const struct report_hooks none = { nothing, nothing, nothing };

	pci_assign_unassigned();
	report_run("*", &none);
}
