/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that read most of a caller's memory, of the primary and of a secondary: a first stage of its own, invalidations
 * for it, a ring of events. Structures and entries are as long as they may be, lie across pages, and end in zeros that
 * have to be looked at; the entries come from a ring that wraps, their kinds change from each to the next, so that there is
 * a sync before every second one, and what became of each is told.
 */
#include "longest.h"
#include "rig.h"
#include "stage1.h"

/* Where things lie in the caller's memory; nothing at the beginning of a page. */
#define STRUCT_AT  (PAGE - 8)
#define STATUS_AT  (4 * PAGE - 8)
#define DATA_AT    (6 * PAGE + 8)
#define CONTEXT_AT (8 * PAGE)
#define ENTRIES_AT (9 * PAGE + 8)
#define RING_2_AT  (LONGEST_ROOM / 2)
#define START      100u
#define VA         0x100000000ul
#define RANGE_4K   (31ul << 12 | 1ul << 20) /* 32 pages, twice: word 0 */
#define GRANULE_4K (1ul << 10)              /* word 1 */

enum kinds { ALTERNATING,
	     STREAMS };

static void put(const struct longest_caller *c, u64 at, u64 value)
{
	*(u64 *)c->here(at) = value;
}

/* Two members of a structure at once. */
static void put2(const struct longest_caller *c, u64 at, u64 low, u64 high)
{
	put(c, at, low | high << 32);
}

static u64 op(const struct longest_caller *c, const char *what, u64 number, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return c->op(what, number, a2, a3, a4, a5, a6).r1;
}

/* --- ALLOC_NESTED */

static u64 alloc_nested(const struct longest_caller *c)
{
	put2(c, STRUCT_AT, PVIOMMU_MAX_STRUCT, 0);
	put2(c, STRUCT_AT + 8, c->pviommu, PVIOMMU_NESTED_SMMUV3);
	put2(c, STRUCT_AT + 16, PVIOMMU_MAX_ENTRY, 0);
	put(c, STRUCT_AT + 24, c->ipa + DATA_AT);
	put(c, DATA_AT, STAGE1_STE(c->ipa + CONTEXT_AT));
	put(c, DATA_AT + 8, 0);
	return op(c, "ALLOC_NESTED", PVIOMMU_ALLOC_NESTED, c->ipa + STRUCT_AT, 0, 0, 0, 0);
}

/* --- INVALIDATE */

static void put_entry(const struct longest_caller *c, u64 at, u32 n, enum kinds kinds)
{
	if (kinds == STREAMS || (kinds == ALTERNATING && n % 2 == 0)) {
		put(c, at, CFGI_CD | VSID(c->vsid));
		put(c, at + 8, 1);
	} else {
		put(c, at, NH_VA | ASID(1) | RANGE_4K);
		put(c, at + 8, (VA + n * PAGE) | GRANULE_4K);
	}
}

/* What was at the front was done. */
static void put_envelope(const struct longest_caller *c, u32 entry_len, u32 done, bool ring)
{
	put2(c, STRUCT_AT, PVIOMMU_MAX_STRUCT, ring ? PVIOMMU_INVAL_RING : 0);
	put2(c, STRUCT_AT + 8, c->pviommu, 0);
	put2(c, STRUCT_AT + 16, PVIOMMU_INVAL_SMMUV3, entry_len);
	put2(c, STRUCT_AT + 24, PVIOMMU_MAX_INVAL - done, ring ? 8 : 0);
	put2(c, STRUCT_AT + 32, ring ? (START + done) % PVIOMMU_MAX_INVAL : 0, 0);
	put(c, STRUCT_AT + 40, c->ipa + ENTRIES_AT + (ring ? 0 : done * entry_len));
	put(c, STRUCT_AT + 48, c->ipa + STATUS_AT);
}

static void invalidate(const struct longest_caller *c, u32 entry_len, enum kinds kinds, bool ring)
{
	for (u64 at = 0; at < PVIOMMU_MAX_INVAL * entry_len; at += 8)
		put(c, ENTRIES_AT + at, 0);
	for (u32 n = 0; n < PVIOMMU_MAX_INVAL; n++)
		put_entry(c, ENTRIES_AT + n * entry_len, n, kinds);
	for (u32 done = 0, now; done < PVIOMMU_MAX_INVAL; done += now) {
		put_envelope(c, entry_len, done, ring);
		now = (u32)op(c, "INVALIDATE", PVIOMMU_INVALIDATE, c->ipa + STRUCT_AT, 0, 0, 0, 0);
		REQUIRE(now && now <= PVIOMMU_MAX_INVAL - done, "INVALIDATE of %u entries of %u bytes does %u",
			PVIOMMU_MAX_INVAL - done, entry_len, now);
	}
}

/* --- EVENTS_SETUP */

static void events(const struct longest_caller *c)
{
	const u64 flags = PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL);

	op(c, "EVENTS_SETUP", PVIOMMU_EVENTS_SETUP, c->pviommu, c->ipa, PVIOMMU_MAX_EVENTS_LOG2, c->event_irq[0], flags);
	op(c, "EVENTS_SETUP", PVIOMMU_EVENTS_SETUP, c->pviommu, c->ipa + RING_2_AT, PVIOMMU_MAX_EVENTS_LOG2, c->event_irq[1], flags);
	op(c, "EVENTS_SETUP", PVIOMMU_EVENTS_SETUP, c->pviommu, 0, 0, 0, 0);
}

void longest_reading(const struct longest_caller *c)
{
	/* As they are published, the longest of which one call takes most, the longest; one after the other and as a ring. */
	static const u32 entry_len[] = { sizeof(struct pviommu_inval_smmuv3), 24, PVIOMMU_MAX_READ / PVIOMMU_MAX_LONG, PVIOMMU_MAX_ENTRY };
	u64 domain;

	events(c);
	longest_print_of(c->prefix, "events_setup");
	if (!longest_nested())
		return;
	c->lend(true);
	domain = alloc_nested(c);
	longest_print_of(c->prefix, "alloc_nested");
	op(c, "ATTACH_DEV", PVIOMMU_ATTACH_DEV, c->pviommu, c->vsid, 0, domain, 0);
	longest_forget();
	for (u32 i = 0; i < ARRAY_COUNT(entry_len); i++)
		for (u32 how = 0; how < 4; how++)
			invalidate(c, entry_len[i], how & 1 ? STREAMS : ALTERNATING, how & 2);
	longest_print_of(c->prefix, "invalidate");
	op(c, "DETACH_DEV", PVIOMMU_DETACH_DEV, c->pviommu, c->vsid, 0, domain, 0);
	op(c, "FREE_DOMAIN", PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0);
	c->lend(false);
}
