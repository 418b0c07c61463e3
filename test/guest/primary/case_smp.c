/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Races of two CPUs of one VM on one object. Each CPU accepts what the other's turn explains and nothing else;
 * afterwards the counters must be what one of the two orders leaves.
 */
#include <stdio.h>

#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"

#define IOVA   (RIG_IOVA + 8 * BLOCK_2M)
#define ROUNDS 4000
#define DMAS   20000u

struct race {
	struct barrier gate;
	u64 domain;
	u64 memory;
	u64 other_memory;
	u64 pages;
	/* What the second CPU found. */
	long bad_status;
	u64 successes;
	u64 calls[2];
	u32 stop;
	u32 progress;
	struct pviommu_map_list *list;
	u64 ids[ROUNDS];
};

static struct race race;

static void need_two_cpus(void)
{
	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
	race = (struct race){ .gate = { .count = 2 } };
}

static void run_both(void (*second)(void *), void (*first)(void *))
{
	smp_run(1, second, &race);
	first(&race);
	smp_join(1);
	REQUIRE(!race.bad_status, "the second CPU got %s", status_name(race.bad_status));
}

static bool one_of(long status, long a, long b, long c)
{
	return status == PC_SUCCESS || status == a || status == b || status == c;
}

/* --- map and unmap of one range */

static void map_and_unmap(void *arg)
{
	struct race *r = arg;
	u64 seed = cpu_this()->index + 1;

	barrier_wait(&r->gate);
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 first, count;
		struct hres map, unmap;

		seed = seed * 6364136223846793005ul + 1;
		first = seed >> 40 & 15;
		count = 1 + (seed >> 50 & 7);
		map = pv_map(r->domain, IOVA + first * PAGE, r->memory + first * PAGE, count * PAGE, RW);
		if (!one_of(hres_status(map), PC_EXISTS, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(map);
		unmap = pv_unmap(r->domain, IOVA + first * PAGE, count * PAGE);
		if (!one_of(hres_status(unmap), PC_INVALID_PARAMETER, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(unmap);
		r->successes += hres_ok(map);
	}
}

static void unmap_what_is_left(u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		pv_unmap(rig.domain, IOVA + i * PAGE, PAGE);
}

CASE(smp, map_and_unmap_of_one_range_A6_D12)
{
	need_two_cpus();
	rig_open_mapped();
	race.domain = rig.domain;
	race.memory = ram_alloc_raw(24 * PAGE, PAGE);
	run_both(map_and_unmap, map_and_unmap);
	REQUIRE(race.successes > ROUNDS / 10, "only %lu maps succeeded", race.successes);
	unmap_what_is_left(24);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
	for (u64 i = 0; i < 24; i++)
		FAULTS(rig.testdev, IOVA + i * PAGE, (u32 *)(race.memory + i * PAGE));
}

/* --- blocks and parts of them */

static void block_and_part(void *arg)
{
	struct race *r = arg;
	bool whole = cpu_this()->index == 0;

	barrier_wait(&r->gate);
	for (u32 i = 0; i < ROUNDS / 4; i++) {
		u64 iova = whole ? IOVA : IOVA + i % 512 * PAGE, bytes = whole ? BLOCK_2M : PAGE;
		struct hres map = pv_map(r->domain, iova, r->memory + (iova - IOVA), bytes, RW);
		struct hres unmap = pv_unmap(r->domain, iova, bytes);

		if (!one_of(hres_status(map), PC_EXISTS, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(map);
		if (!one_of(hres_status(unmap), PC_INVALID_PARAMETER, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(unmap);
	}
}

CASE(smp, block_against_a_part_of_it_A4)
{
	need_two_cpus();
	rig_open_mapped();
	race.domain = rig.domain;
	race.memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);
	run_both(block_and_part, block_and_part);
	unmap_what_is_left(512);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
}

/* --- attach against detach */

/* A race is over when both sides have had their turns often enough, or too much time has gone for that. */
#define TURNS   100
#define RACE_MS 20000

static u64 race_end(void)
{
	return time_ticks() + time_ms(RACE_MS);
}

/*
 * Before a call of one of the two sides: of the other's calls, how many had begun. Who was refused waits until there is one
 * more: calls overlap as before, but where calls take turns in the machine, nobody takes all of them.
 */
static u64 call_begins(struct race *r, u32 side)
{
	u64 others = __atomic_load_n(&r->calls[!side], __ATOMIC_SEQ_CST);

	__atomic_fetch_add(&r->calls[side], 1, __ATOMIC_SEQ_CST);
	return others;
}

static void wait_for_the_other(struct race *r, u32 side, u64 others, u64 end)
{
	while (__atomic_load_n(&r->calls[!side], __ATOMIC_SEQ_CST) == others && !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE) &&
	       time_ticks() < end)
		;
}

static void attach_only(void *arg)
{
	struct race *r = arg;
	u64 end = race_end();

	barrier_wait(&r->gate);
	while (r->successes < TURNS && time_ticks() < end) {
		u64 others = call_begins(r, 0);
		struct hres h = pv_attach(rig.pviommu, RIG_VSID(TESTDEV), 0, r->domain, 0);

		if (!one_of(hres_status(h), PC_EXISTS, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(h);
		r->successes += hres_ok(h);
		if (!hres_ok(h))
			wait_for_the_other(r, 0, others, end);
	}
	__atomic_store_n(&r->stop, 1, __ATOMIC_RELEASE);
}

static void detach_only(void *arg)
{
	struct race *r = arg;
	u64 end = race_end();

	barrier_wait(&r->gate);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		u64 others = call_begins(r, 1);
		struct hres h = pv_detach(rig.pviommu, RIG_VSID(TESTDEV), 0, r->domain);

		if (!one_of(hres_status(h), PC_NOT_FOUND, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(h);
		if (!hres_ok(h))
			wait_for_the_other(r, 1, others, end);
	}
}

CASE(smp, attach_against_detach_D6)
{
	need_two_cpus();
	rig_open_mapped();
	race.domain = rig.domain;
	run_both(attach_only, detach_only);
	REQUIRE(race.successes == TURNS, "only %lu attaches succeeded", race.successes);
	pv_detach(rig.pviommu, RIG_VSID(TESTDEV), 0, rig.domain);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 2);
	FAULTS(rig.testdev, RIG_IOVA, rig.page);
	rig_attach(TESTDEV, rig.domain);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* --- a device that never stops, against unmap and reuse of the page */

#define REUSES 50u

/* Until it is told to stop, or for so many DMAs that whoever should tell it is stuck. */
static void dma_for_long(void *arg)
{
	struct race *r = arg;

	barrier_wait(&r->gate);
	for (u32 i = 0; i < DMAS && !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE); i++) {
		u64 pause = time_ticks() + time_ms(1) / 16;

		testdev_write(&rig.testdev2, IOVA, r->memory, 4);
		__atomic_add_fetch(&r->progress, 1, __ATOMIC_RELEASE);
		/* QEMU's devices share one lock that is not fair: leave it to the other CPU's calls for a while. */
		while (time_ticks() < pause)
			;
	}
}

static bool wait_for_dmas(u32 count)
{
	u32 start = __atomic_load_n(&race.progress, __ATOMIC_ACQUIRE), now = start;

	while (now - start < count && now < DMAS)
		now = __atomic_load_n(&race.progress, __ATOMIC_ACQUIRE);
	return now < DMAS;
}

/* From the moment that UNMAP returns, the page is ours: what we write there stays (V3, A1). */
static void reuse_after_unmap(void *arg)
{
	volatile u32 *page = (u32 *)race.memory;
	bool held = true;
	u32 landed = 0;

	(void)arg;
	barrier_wait(&race.gate);
	for (u32 i = 0; i < REUSES && held; i++) {
		if (!hres_ok(pv_map(rig.domain, IOVA, race.memory, PAGE, RW)))
			break;
		if (!wait_for_dmas(3))
			break;
		landed += *page == TESTDEV_PATTERN;
		if (!hres_ok(pv_unmap(rig.domain, IOVA, PAGE)))
			break;
		*page = i;
		if (!wait_for_dmas(3))
			break;
		held = *page == i;
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELEASE);
	race.successes = held ? landed : 0;
}

CASE(smp, unmapped_page_is_ours_while_dma_runs_V3_A1)
{
	need_two_cpus();
	rig_open_mapped();
	race.memory = (u64)ram_alloc(PAGE, PAGE);
	run_both(dma_for_long, reuse_after_unmap);
	REQUIRE(race.successes == REUSES, "DMA changed a page after its unmap, or only %lu rounds ran", race.successes);
}

/* --- a device that faults as fast as it can, against everybody's work */

#define STORM       4000
#define STORM_CALLS 50

/* And until the other CPU, which the host may not run for a while, has had its calls. */
static void fault_storm(void *arg)
{
	struct race *r = arg;
	u64 end = race_end();

	barrier_wait(&r->gate);
	for (u32 i = 0; i < STORM || (__atomic_load_n(&r->successes, __ATOMIC_RELAXED) < STORM_CALLS && time_ticks() < end); i++) {
		u64 pause = time_ticks() + time_ms(1) / 16;

		testdev_write(&rig.testdev2, IOVA, r->memory, 4);
		/* QEMU's devices share one lock that is not fair: leave it to the other CPU's calls for a while. */
		while (time_ticks() < pause)
			;
	}
	__atomic_store_n(&r->stop, 1, __ATOMIC_RELEASE);
}

static void work_in_the_storm(void *arg)
{
	struct race *r = arg;

	barrier_wait(&r->gate);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		struct hres map = pv_map(r->domain, IOVA + PAGE, r->memory, PAGE, RW);
		struct hres unmap = pv_unmap(r->domain, IOVA + PAGE, PAGE);

		if (!hres_ok(map) || !hres_ok(unmap))
			r->bad_status = hres_ok(map) ? hres_status(unmap) : hres_status(map);
		r->successes++;
	}
}

CASE(smp, fault_storm_stops_nobody_F7_H2)
{
	u64 faults;

	need_two_cpus();
	rig_open_mapped();
	race.domain = rig.domain;
	race.memory = (u64)ram_alloc(PAGE, PAGE);
	faults = rig_stat(PVIOMMU_STAT_FAULTS);
	run_both(fault_storm, work_in_the_storm);
	OK(dev_count());
	REQUIRE(race.successes >= STORM_CALLS, "%lu maps and unmaps while %u DMAs faulted", race.successes, STORM);
	REQUIRE(rig_stat(PVIOMMU_STAT_FAULTS) > faults, "no fault was counted");
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* --- free against use */

static void use_domain(void *arg)
{
	struct race *r = arg;

	barrier_wait(&r->gate);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		u64 domain = __atomic_load_n(&r->domain, __ATOMIC_ACQUIRE);
		long map = hres_status(pv_map(domain, IOVA, r->memory, 4 * PAGE, RW));
		long attach = hres_status(pv_attach(rig.pviommu, RIG_VSID(TESTDEV2), 0, domain, 0));
		long unmap = hres_status(pv_unmap(domain, IOVA, 4 * PAGE));
		long detach = hres_status(pv_detach(rig.pviommu, RIG_VSID(TESTDEV2), 0, domain));

		if (!one_of(map, PC_NOT_FOUND, PC_EXISTS, PC_BUSY))
			r->bad_status = map;
		if (!one_of(attach, PC_NOT_FOUND, PC_EXISTS, PC_BUSY))
			r->bad_status = attach;
		if (!one_of(unmap, PC_NOT_FOUND, PC_INVALID_PARAMETER, PC_BUSY))
			r->bad_status = unmap;
		if (!one_of(detach, PC_NOT_FOUND, PC_BUSY, PC_BUSY))
			r->bad_status = detach;
		r->successes += map == PC_SUCCESS;
	}
}

static void free_domains(void *arg)
{
	(void)arg;
	barrier_wait(&race.gate);
	for (u32 i = 0; i < ROUNDS / 8; i++) {
		u64 domain = pv_alloc_domain().r1;
		long status;

		__atomic_store_n(&race.domain, domain, __ATOMIC_RELEASE);
		do
			status = hres_status(pv_free_domain(domain));
		while (status == PC_BUSY);
		if (status != PC_SUCCESS)
			race.bad_status = status;
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELEASE);
}

CASE(smp, free_against_map_and_attach_D6)
{
	need_two_cpus();
	rig_open();
	race.memory = ram_alloc_raw(4 * PAGE, PAGE);
	race.domain = ~0ul;
	run_both(use_domain, free_domains);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 0);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
	FAULTS(rig.testdev2, IOVA, (u32 *)race.memory);
}

/* --- a list that changes under the call */

static void flip_entries(void *arg)
{
	struct race *r = arg;
	volatile struct pviommu_map_entry *e = (void *)r->list->entries_ipa;

	barrier_wait(&r->gate);
	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		e[1].ipa = r->other_memory;
		e[1].prot = RW | 0x40;
		e[1].ipa = r->memory + PAGE;
		e[1].prot = RW;
	}
}

/* Whatever the entry was when it was copied, it is checked as it was copied: foreign memory is never mapped. */
static void map_flipping_list(void *arg)
{
	u64 bad = 0, end = race_end(), refused = 0;

	(void)arg;
	barrier_wait(&race.gate);
	while ((race.successes < TURNS || refused < TURNS) && time_ticks() < end) {
		struct hres r = pv_map_list((u64)race.list);
		struct hres at = pv_iova_to_ipa(rig.domain, IOVA + PAGE);

		if (hres_ok(at))
			bad += at.r1 != race.memory + PAGE;
		bad += hres_ok(r) != hres_ok(at);
		race.successes += hres_ok(r);
		refused += !hres_ok(r);
		pv_unmap(rig.domain, IOVA, PAGE);
		pv_unmap(rig.domain, IOVA + PAGE, PAGE);
	}
	__atomic_store_n(&race.stop, 1, __ATOMIC_RELEASE);
	race.progress = (u32)refused;
	if (bad)
		race.bad_status = PC_FAULT;
}

CASE(smp, list_is_copied_once_I1_N13)
{
	struct pviommu_map_entry *entries;

	need_two_cpus();
	rig_open_mapped();
	race.memory = ram_alloc_raw(2 * PAGE, PAGE);
	race.other_memory = align_up(machine.reserved[0].base, PAGE);
	race.list = ram_alloc(PAGE, PAGE);
	entries = ram_alloc(PAGE, PAGE);
	*race.list = (struct pviommu_map_list){ .size = sizeof(*race.list),
						.domain = (u32)rig.domain,
						.entry_len = sizeof(*entries),
						.entry_num = 2,
						.entries_ipa = (u64)entries };
	for (u64 i = 0; i < 2; i++)
		entries[i] = (struct pviommu_map_entry){ IOVA + i * PAGE, race.memory + i * PAGE, PAGE, RW, 0 };
	run_both(flip_entries, map_flipping_list);
	/* How many lists were caught in the middle depends on the host's scheduling: told, not judged. */
	printf("[t] info smp lists_mapped=%lu lists_refused=%u\n", race.successes, race.progress);
	REQUIRE(race.successes > 0, "no list was mapped");
}

/* --- ids and vSIDs are given once */

static void alloc_many(void *arg)
{
	struct race *r = arg;
	u32 half = cpu_this()->index ? 200 : 0;

	barrier_wait(&r->gate);
	for (u32 i = 0; i < 200; i++)
		r->ids[half + i] = pv_alloc_domain().r1;
}

CASE(smp, domain_ids_are_given_once)
{
	need_two_cpus();
	run_both(alloc_many, alloc_many);
	for (u32 i = 0; i < 400; i++) {
		for (u32 j = 0; j < i; j++)
			REQUIRE(race.ids[i] != race.ids[j], "two allocations have the id %lx", race.ids[i]);
	}
	for (u32 i = 0; i < 400; i++)
		OK(pv_free_domain(race.ids[i]));
}

static void claim(void *arg)
{
	struct race *r = arg;
	struct hres h;

	barrier_wait(&r->gate);
	do
		h = dev_assign(rig.device, PC_VM_PRIMARY, rig.pviommu);
	while (hres_ok(h) && h.r1 == 1);
	if (!one_of(hres_status(h), PC_EXISTS, PC_BUSY, PC_BUSY))
		r->bad_status = hres_status(h);
	barrier_wait(&r->gate);
	for (u32 e = 0; e < RIG_ENDPOINTS; e++) {
		h = dev_set_vsid(rig.device, e, RIG_VSID(e));
		if (!one_of(hres_status(h), PC_EXISTS, PC_BUSY, PC_BUSY))
			r->bad_status = hres_status(h);
		__atomic_add_fetch(&r->successes, hres_ok(h), __ATOMIC_ACQ_REL);
	}
}

CASE(smp, vsids_are_given_once_V7)
{
	need_two_cpus();
	rig_open();
	for (u32 i = 0; i < 50; i++) {
		u32 device = rig.device;

		rig_hooks.clean_up();
		rig_note_assigned(device);
		race.successes = 0;
		run_both(claim, claim);
		REQUIRE_EQUAL(race.successes, RIG_ENDPOINTS);
		REQUIRE_EQUAL(rig_query(PVIOMMU_Q_VSID_COUNT, 0), RIG_ENDPOINTS);
		rig_release(device);
	}
}

/* --- everybody at once */

static void storm(void *arg)
{
	struct race *r = arg;
	u64 mine = IOVA + cpu_this()->index * BLOCK_2M + PAGE, memory = r->memory + cpu_this()->index * 64 * PAGE;
	u64 domain;

	barrier_wait(&r->gate);
	for (u32 i = 0; i < ROUNDS / 100; i++) {
		struct hres d = pv_alloc_domain();

		domain = d.r1;
		if (!hres_ok(d) || !hres_ok(pv_map(domain, mine, memory, 64 * PAGE, RW)) ||
		    !hres_ok(pv_map(rig.domain, mine, memory, 64 * PAGE, RW)) ||
		    !hres_ok(pv_unmap(domain, mine, 32 * PAGE)) || !hres_ok(pv_unmap(rig.domain, mine, 64 * PAGE)) ||
		    !hres_ok(pv_free_domain(domain)))
			r->bad_status = PC_IO;
	}
}

CASE(smp, all_cpus_on_their_own_ranges_K3)
{
	u32 cpus;

	need_two_cpus();
	rig_open_mapped();
	cpus = smp_start_all();
	race.gate.count = cpus;
	race.memory = ram_alloc_raw(cpus * 64 * PAGE, PAGE);
	for (u32 i = 1; i < cpus; i++)
		smp_run(i, storm, &race);
	storm(&race);
	for (u32 i = 1; i < cpus; i++)
		smp_join(i);
	REQUIRE(!race.bad_status, "a call that nobody else could disturb failed");
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
}
