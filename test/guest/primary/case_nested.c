/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first stage of our own: contexts and page tables that we write, real DMA through them, and invalidations. QEMU keeps
 * stale entries until the command that removes them, so each case first sees the old page still being hit, and then not.
 */
#include <string.h>

#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "ring.h"
#include "smp.h"
#include "stage1.h"

#define VA            (RIG_IOVA + 8 * PAGE) /* below 512 GiB */
#define C_BAD_CD      0x0a
#define F_TRANSLATION 0x10
#define SID(n)        VSID(RIG_VSID(n))

struct space {
	u64 *cd;
	u64 *level[4];
};

/* The leaf of VA; NULL: none. */
static void put_leaf(const struct space *s, const void *page)
{
	s->level[3][VA / PAGE % 512] = page != NULL ? stage1_leaf((u64)page) : 0;
	stage1_publish();
}

static struct space space_make(u16 asid)
{
	struct space s = { .cd = ram_alloc(STAGE1_PAGES * PAGE, PAGE) };

	(void)stage1_make(s.cd, asid, VA);
	for (u32 i = 0; i < ARRAY_COUNT(s.level); i++)
		s.level[i] = s.cd + (i + 1) * PAGE / sizeof(u64);
	return s;
}

static struct hres alloc_raw(u64 word0, u64 word1) { return stage1_alloc(rig.pviommu, word0, word1); }

static u64 nested_make(u64 cd)
{
	u64 domain = OK(alloc_raw(STAGE1_STE(cd), 0)).r1;

	rig_note_domain(domain);
	return domain;
}

static struct hres invalidate(u32 count) { return stage1_invalidate(rig.pviommu, count); }

static void command(u64 word0, u64 word1)
{
	stage1_entry[0] = (struct pviommu_inval_smmuv3){ { word0, word1 } };
	REQUIRE_EQUAL(OK(invalidate(1)).r1, 1);
	REQUIRE_EQUAL((u64)stage1_status[0], PVIOMMU_INVAL_DONE);
}

/* An endpoint through a space with one page. */
static struct space nested_open(u16 asid, u32 **page)
{
	struct space s;

	rig_open();
	s = space_make(asid);
	*page = ram_alloc(PAGE, PAGE);
	put_leaf(&s, *page);
	rig_attach(TESTDEV, nested_make((u64)s.cd));
	return s;
}

CASE(nested, dma_by_tables_of_our_own_V4)
{
	u32 *page;
	u64 domain;
	struct space s;

	rig_open();
	s = space_make(1);
	page = ram_alloc(PAGE, PAGE);
	put_leaf(&s, page);
	domain = nested_make((u64)s.cd);
	FAULTS(rig.testdev, VA, page);
	rig_attach(TESTDEV, domain);
	LANDS(rig.testdev, VA, page);
	FAULTS(rig.testdev, VA + PAGE, page);
	FAULTS(rig.testdev, (u64)page, page);
	FAULTS(rig.testdev2, VA, page); /* it is attached to nothing */
	rig_detach(TESTDEV, domain);
	FAULTS(rig.testdev, VA, page);
}

/* Every command that has to remove the leaf does, and none that has not. */
CASE(nested, leaf_is_stale_until_invalidated)
{
	static const u64 removes[][2] = { { NH_VA | ASID(7), VA | 1 }, { NH_VAA, VA }, { NH_ASID | ASID(7), 0 }, { NH_ALL, 0 }, { NSNH_ALL, 0 }, { NH_VA | ASID(7) | 0xffffUL << 32, VA }, { NH_VA | ASID(7) | 7 << 12, (VA - 4 * PAGE) | 1 << 10 | 3 << 8 } };
	static const u64 leaves[][2] = { { NH_VA | ASID(8), VA }, { NH_ASID | ASID(8), 0 }, { NH_VA | ASID(7), VA + PAGE }, { NH_VAA, VA - PAGE }, { CFGI_CD | SID(0), 1 }, { CFGI_ALL | SID(0), 0 } };
	u32 *page[2];
	struct space s = nested_open(7, &page[0]);

	page[1] = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < ARRAY_COUNT(removes); i++) {
		LANDS(rig.testdev, VA, page[i % 2]);
		put_leaf(&s, page[(i + 1) % 2]);
		LANDS(rig.testdev, VA, page[i % 2]);
		for (u32 k = 0; k < ARRAY_COUNT(leaves); k++) {
			command(leaves[k][0], leaves[k][1]);
			LANDS(rig.testdev, VA, page[i % 2]);
		}
		command(removes[i][0], removes[i][1]);
		LANDS(rig.testdev, VA, page[(i + 1) % 2]);
	}
	put_leaf(&s, NULL);
	command(NH_ALL, 0);
	FAULTS(rig.testdev, VA, page[0]);
}

CASE(nested, context_is_stale_until_invalidated)
{
	u32 *page, *other_page = ram_alloc(PAGE, PAGE);
	struct space s = nested_open(1, &page), other = space_make(2);

	rig_attach(TESTDEV2, nested_make((u64)other.cd));
	put_leaf(&other, other_page);
	LANDS(rig.testdev, VA, page);
	LANDS(rig.testdev2, VA, other_page);
	stage1_context(s.cd, 2, (u64)other.level[0]);
	LANDS(rig.testdev, VA, page);
	command(NH_ALL, 0);
	command(CFGI_CD | SID(2), 1);
	LANDS(rig.testdev, VA, page);
	command(CFGI_CD | SID(0), 1);
	LANDS(rig.testdev, VA, other_page);
	stage1_context(s.cd, 1, (u64)s.level[0]);
	LANDS(rig.testdev, VA, other_page);
	command(CFGI_ALL | SID(0), 0);
	LANDS(rig.testdev, VA, page);
}

/* V1: a leaf, a table and a context that are not ours: the hypervisor's memory, its SMMU, and nothing at all. */
CASE(nested, tables_that_point_outside_reach_nothing_V1)
{
	u32 *page;
	struct space s = nested_open(1, &page);
	/* The first flash, which nobody has; the SMMU; behind all RAM. */
	const u64 outside[] = { 0, BOARD_SMMU, 1ul << 38 };

	for (u32 i = 0; i < ARRAY_COUNT(outside); i++) {
		u64 at = outside[i];

		s.level[3][VA / PAGE % 512] = stage1_leaf(at);
		stage1_publish();
		command(NH_ALL, 0);
		FAULTS(rig.testdev, VA, page);
		s.level[2][VA >> 21 & 511] = at | 3;
		stage1_publish();
		command(NH_ALL, 0);
		FAULTS(rig.testdev, VA, page);
		s.level[2][VA >> 21 & 511] = (u64)s.level[3] | 3;
		put_leaf(&s, page);
		stage1_context(s.cd, 1, at);
		command(CFGI_CD | SID(0), 1);
		command(NH_ALL, 0);
		FAULTS(rig.testdev, VA, page);
		stage1_context(s.cd, 1, (u64)s.level[0]);
		command(CFGI_CD | SID(0), 1);
		command(NH_ALL, 0);
		LANDS(rig.testdev, VA, page);
	}
	for (u32 i = 0; i < ARRAY_COUNT(outside); i++) {
		u64 domain = nested_make(outside[i]);

		rig_attach(TESTDEV2, domain);
		FAULTS(rig.testdev2, VA, page);
		rig_detach(TESTDEV2, domain);
	}
	LANDS(rig.testdev, VA, page);
}

/* One record, of a write to VA that fails; whatever has no name here is zero. */
static void told(struct pviommu_ring *ring, void *page, u8 code, u8 reason, u32 flags)
{
	struct pviommu_event got, want = { .reason = reason,
					   .flags = flags,
					   .endpoint = RIG_VSID(TESTDEV),
					   .address = flags & PVIOMMU_EVENT_ADDRESS ? VA : 0,
					   .kind = PVIOMMU_KIND_FAULT,
					   .arch = PVIOMMU_ARCH_SMMUV3,
					   .code = code };

	want.sequence = ring->sequence;
	FAULTS(rig.testdev, VA, page);
	for (u32 tries = 0; !ring_waiting(ring) && tries < 100000; tries++)
		OK(dev_count());
	REQUIRE(ring_take(ring, &got), "no record came");
	REQUIRE(got.code == code && got.reason == reason && got.flags == flags, "code %#x, reason %u, flags %#x", got.code, got.reason,
		got.flags);
	REQUIRE(!memcmp(&got, &want, sizeof(got)), "the record says more, or not what it should");
	REQUIRE(!ring_waiting(ring), "there is another record");
}

/* S1-3, N70: a context and a table outside of what we have, and ones that make no sense: told in our words, with no address of a table. */
CASE(nested, what_is_wrong_with_our_tables_is_told_N70_S1_3)
{
	const u32 dma = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS;
	const u64 outside = BOARD_SMMU;
	struct pviommu_ring *ring;
	u32 *page;
	struct space s = nested_open(1, &page);

	ring = ram_alloc(align_up(ring_bytes(4, PVIOMMU_RECORD_FULL), PAGE), PAGE);
	memset(ring, 0, sizeof(*ring));
	OK(pv_events_setup(rig.pviommu, (u64)ring, 4, 0, RING_FULL_RECORDS));
	/* What was lost before is told with the next event. */
	FAULTS(rig.testdev, VA + PAGE, page);
	AWAIT(ring_waiting(ring) && !ring->flags, OK(dev_count()));
	ring_skip(ring);
	s.level[2][VA >> 21 & 511] = outside | 3;
	stage1_publish();
	command(NH_ALL, 0);
	/* QEMU says of the fetch of a table that stage 2 refuses that it is stage 1's. */
	told(ring, page, F_TRANSLATION, PVIOMMU_REASON_MAPPING, dma | PVIOMMU_EVENT_TABLE_WALK);
	s.level[2][VA >> 21 & 511] = (u64)s.level[3] | 3;
	put_leaf(&s, NULL);
	command(NH_ALL, 0);
	told(ring, page, F_TRANSLATION, PVIOMMU_REASON_MAPPING, dma);
	put_leaf(&s, (void *)outside);
	command(NH_ALL, 0);
	told(ring, page, F_TRANSLATION, PVIOMMU_REASON_MAPPING, dma | PVIOMMU_EVENT_STAGE2);
	s.cd[0] = 0;
	stage1_publish();
	command(CFGI_CD | SID(0), 1);
	told(ring, page, C_BAD_CD, PVIOMMU_REASON_DOMAIN, 0);
	rig_attach(TESTDEV, nested_make(outside));
	/* And of the fetch of a context, that it reads. */
	told(ring, page, F_TRANSLATION, PVIOMMU_REASON_DOMAIN, PVIOMMU_EVENT_READ | PVIOMMU_EVENT_ADDRESS | PVIOMMU_EVENT_STAGE2);
	OK(pv_events_setup(rig.pviommu, 0, 0, 0, 0));
}

/* The old one is unreachable when the call returns, though both have one ASID. */
CASE(nested, replaced_at_once_B4)
{
	u32 *page, *other_page = ram_alloc(PAGE, PAGE);
	struct space s = nested_open(1, &page), other = space_make(1);

	put_leaf(&other, other_page);
	LANDS(rig.testdev, VA, page);
	rig_attach(TESTDEV, nested_make((u64)other.cd));
	LANDS(rig.testdev, VA, other_page);
	rig_attach(TESTDEV, nested_make((u64)s.cd));
	LANDS(rig.testdev, VA, page);
}

CASE(nested, beside_paging_on_other_endpoints)
{
	u32 *page, *paged = ram_alloc(PAGE, PAGE);
	u64 paging;

	(void)nested_open(1, &page);
	paging = rig_domain();
	rig_map(paging, VA, (u64)paged, PAGE, RW);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, paging, 0), PC_BUSY);
	rig_attach(TESTDEV2, paging);
	LANDS(rig.testdev, VA, page);
	LANDS(rig.testdev2, VA, paged);
	/* Nothing of ours reaches what is paged. */
	command(NSNH_ALL, 0);
	command(NH_ALL | 0xffffUL << 32, 0);
	LANDS(rig.testdev2, VA, paged);
	rig_unmap(paging, VA, PAGE);
	FAULTS(rig.testdev2, VA, paged);
	LANDS(rig.testdev, VA, page);
}

CASE(nested, bad_entries_stop_with_those_before_done_C10)
{
	static const u64 bad[][3] = { { 0x03, PC_INVALID_PARAMETER, PVIOMMU_INVAL_BAD_OPCODE },
				      { 0x46, PC_INVALID_PARAMETER, PVIOMMU_INVAL_BAD_OPCODE },
				      { 0x28, PC_INVALID_PARAMETER, PVIOMMU_INVAL_BAD_OPCODE },
				      { NH_ALL | 1 << 10, PC_INVALID_PARAMETER, PVIOMMU_INVAL_BAD_BITS },
				      { CFGI_CD | 1ul << 32, PC_NOT_FOUND, PVIOMMU_INVAL_BAD_ID } };
	static const u32 places[] = { 0, 1, 63, 64, 65, 127, 200, 255 };
	u32 *page[2];
	struct space s = nested_open(1, &page[0]);

	page[1] = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < ARRAY_COUNT(places) * ARRAY_COUNT(bad); i++) {
		const u64 *b = bad[i % ARRAY_COUNT(bad)];
		u32 place = places[i / ARRAY_COUNT(bad)];
		struct hres r;

		put_leaf(&s, page[0]);
		command(NH_ALL, 0);
		for (u32 k = 0; k < PVIOMMU_MAX_INVAL; k++)
			stage1_entry[k] = (struct pviommu_inval_smmuv3){ { NH_VA | ASID(1), k == 0 || k > place ? VA : VA + PAGE } };
		stage1_entry[place] = (struct pviommu_inval_smmuv3){ { b[0], 0 } };
		LANDS(rig.testdev, VA, page[0]);
		put_leaf(&s, page[1]);
		r = invalidate(PVIOMMU_MAX_INVAL);
		REQUIRE(hres_status(r) == (long)b[1] && r.r1 == place, "entry %u: %s, %lu done", place, status_name(hres_status(r)), r.r1);
		for (u32 k = 0; k < PVIOMMU_MAX_INVAL; k++)
			REQUIRE(stage1_status[k] == (k < place ? 0 : k == place ? b[2] :
										  PVIOMMU_INVAL_NOT_ATTEMPTED),
				"entry %u of %u: %u", k,
				place, stage1_status[k]);
		/* The first entry is in effect if it was before the bad one; those behind are not. */
		LANDS(rig.testdev, VA, page[place > 0]);
	}
}

CASE(nested, what_this_smmu_has_not_is_refused_N49)
{
	u32 *page;
	struct space s = nested_open(1, &page);
	u64 cd = (u64)s.cd;

	REFUSED(alloc_raw(STAGE1_STE(cd) | 1ul << 59, 0), PC_INVALID_PARAMETER); /* S1CDMax: no substreams */
	REFUSED(alloc_raw(STAGE1_STE(cd) | 1 << 4, 0), PC_INVALID_PARAMETER);    /* S1Fmt: no tables of two levels */
	REFUSED(alloc_raw(STAGE1_STE(cd), 1ul << 28), PC_INVALID_PARAMETER);     /* EATS */
	REFUSED(alloc_raw(STAGE1_STE(cd), 1ul << 27), PC_INVALID_PARAMETER);     /* S1STALLD */
	REFUSED(alloc_raw(STAGE1_STE(cd), 1), PC_INVALID_PARAMETER);             /* S1DSS: bypass */
	for (u64 config = 0; config < 8; config++)
		if (config != 0 && config != 4 && config != 5)
			REFUSED(alloc_raw(config << 1 | 1 | cd, 0), PC_INVALID_PARAMETER);
	LANDS(rig.testdev, VA, page);
}

/* --- several CPUs */

/* Each CPU's own call. */
struct caller {
	struct pviommu_invalidate inval __attribute__((aligned(64)));
	struct pviommu_inval_smmuv3 entry[PVIOMMU_MAX_INVAL];
	u64 calls, refused;
	bool stop;
};

static void caller_make(struct caller *c)
{
	memset(c, 0, sizeof(*c));
	c->inval = stage1_envelope(rig.pviommu, c->entry, PVIOMMU_MAX_INVAL);
}

static void call_again(struct caller *c)
{
	struct hres r = pv_invalidate((u64)&c->inval);

	__atomic_add_fetch(&c->calls, 1, __ATOMIC_RELEASE);
	c->refused += hres_status(r) != PC_SUCCESS || r.r1 != PVIOMMU_MAX_INVAL;
}

static void calls_with_the_most(void *arg)
{
	for (u32 i = 0; i < 50; i++)
		call_again(arg);
}

static void need_cpus(void)
{
	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
}

/* Each entry of each call has been done once when its call ends, whoever else calls. */
CASE(nested, all_cpus_at_once_with_the_most_N86_V9)
{
	struct caller *c = ram_alloc(machine.cpu_count * sizeof(*c), PAGE);
	u32 *page[2];
	struct space s;

	need_cpus();
	s = nested_open(1, &page[0]);
	page[1] = ram_alloc(PAGE, PAGE);
	for (u32 cpu = 0; cpu < machine.cpu_count; cpu++) {
		caller_make(&c[cpu]);
		for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
			c[cpu].entry[i] = (struct pviommu_inval_smmuv3){ { NH_VA | ASID(1), VA + (PVIOMMU_MAX_INVAL - 1 - i) * PAGE } };
	}
	LANDS(rig.testdev, VA, page[0]);
	put_leaf(&s, page[1]);
	LANDS(rig.testdev, VA, page[0]);
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_run(cpu, calls_with_the_most, &c[cpu]);
	call_again(&c[0]);
	LANDS(rig.testdev, VA, page[1]);
	calls_with_the_most(&c[0]);
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_join(cpu);
	for (u32 cpu = 0; cpu < machine.cpu_count; cpu++)
		REQUIRE(!c[cpu].refused && c[cpu].calls >= 50, "CPU %u: %lu of %lu calls failed", cpu, c[cpu].refused, c[cpu].calls);
	LANDS(rig.testdev, VA, page[1]);
}

#define BESIDE    10
#define BESIDE_MS 20000

static u64 calls_of(const struct caller *c) { return __atomic_load_n(&c->calls, __ATOMIC_ACQUIRE); }

static void calls_until_told(void *arg)
{
	struct caller *c = arg;
	u64 end = time_ticks() + time_ms(BESIDE_MS);

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE) && time_ticks() < end)
		call_again(c);
}

/* A stream that is attached and detached while another CPU names it all the time: no call fails, and what is attached works. */
CASE(nested, invalidation_beside_attach_and_detach_N87)
{
	struct caller *c = ram_alloc(sizeof(*c), PAGE);
	u64 first, other, end = time_ticks() + time_ms(BESIDE_MS);
	u32 *page;
	struct space s;

	need_cpus();
	s = nested_open(1, &page);
	first = nested_make((u64)s.cd);
	other = nested_make((u64)s.cd);
	caller_make(c);
	for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
		c->entry[i] = (struct pviommu_inval_smmuv3){ { i % 3 == 0 ? CFGI_CD | SID(0) : i % 3 == 1 ? CFGI_ALL | SID(0) :
													    NH_ASID | ASID(1),
							       i % 3 == 0 } };
	rig_attach(TESTDEV, first);
	smp_run(1, calls_until_told, c);
	/* And until the other CPU has been let in often enough. */
	for (u32 i = 0; i < 100 || (calls_of(c) < BESIDE && time_ticks() < end); i++) {
		rig_attach(TESTDEV, other);
		LANDS(rig.testdev, VA, page);
		rig_detach(TESTDEV, other);
		FAULTS(rig.testdev, VA, page);
		rig_attach(TESTDEV, first);
		LANDS(rig.testdev, VA, page);
	}
	__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
	smp_join(1);
	REQUIRE(!c->refused && c->calls >= BESIDE, "%lu of %lu calls failed", c->refused, c->calls);
}
