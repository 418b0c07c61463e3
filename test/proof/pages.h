/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page records in any state that they can be in, for proofs of hyp/mem/page.c and page_rules.c: one region of RAM of two runs,
 * which may begin and end anywhere in them. Runs are of two pages (BLOCK_SHIFT 13) in place of 512.
 */
#ifndef PROOF_PAGES_H
#define PROOF_PAGES_H

#include "proof.h"

#include "hyp/mem/page.c"

#define RUNS  2u
#define PAGES (RUNS * BLOCK_PAGES)
#define BASE  0x40000000ull

/* A record is one word to the hot loops, and so to CBMC: its fields are taken out of it here. */
static u64 words_now[PAGES], words_was[PAGES];
static struct page_run runs_now[RUNS], runs_was[RUNS];

static struct page record_of(u64 word)
{
	return (struct page){ (u8)word, (u8)(word >> 8), (u8)(word >> 16), (u8)(word >> 24), (u32)(word >> 32) };
}

/*
 * The summary of a run is true of its pages. Of its sum of pins only what is asked of it: that none means none; that it is a
 * sum is shown by its changes.
 */
static bool sound(const u64 *words, const struct page_run *r)
{
	bool ok = true;

	for (u32 run = 0; run < RUNS; run++) {
		u32 odd = 0, pins = 0, most = 0;

		for (u32 i = 0; i < BLOCK_PAGES; i++) {
			const struct page at = record_of(words[run * BLOCK_PAGES + i]);

			pins |= at.pins;
			most |= at.pins > PIN_MAX;
			odd += at.owner != r[run].owner || (at.owner != OWNER_HYP && at.state != r[run].state);
		}
		ok = ok && r[run].odd == odd && odd < BLOCK_PAGES && !most && r[run].block_pins <= PIN_MAX &&
		     (r[run].pins != 0 || pins == 0);
	}
	return ok;
}

static struct page now(u32 i) { return record_of(words_now[i]); }
static struct page was(u32 i) { return record_of(words_was[i]); }

/* How many pages of a run are in [first, first + pages). */
static u32 overlap(u32 run, u64 first, u64 pages)
{
	const u64 from = run * BLOCK_PAGES, to = from + BLOCK_PAGES, end = first + pages;
	const u64 a = first > from ? first : from, b = end < to ? end : to;

	return b > a ? (u32)(b - a) : 0;
}

static bool same_page(u32 i)
{
	return now(i).owner == was(i).owner && now(i).state == was(i).state && now(i).pins == was(i).pins;
}

static bool same_run(u32 i)
{
	return runs_now[i].owner == runs_was[i].owner && runs_now[i].state == runs_was[i].state && runs_now[i].odd == runs_was[i].odd &&
	       runs_now[i].pins == runs_was[i].pins && runs_now[i].block_pins == runs_was[i].block_pins;
}

static bool pinned_before(u32 i)
{
	return was(i).pins != 0 || runs_was[i / BLOCK_PAGES].block_pins != 0;
}

/* The place of a page in the records, where `at` is RAM. */
static u32 place_of(pa_t at) { return (u32)((at.v - BASE) >> PAGE_SHIFT); }

static bool is_ram(u64 place)
{
	return place >= (region[0].first - BASE) >> PAGE_SHIFT && place < (region[0].end - BASE) >> PAGE_SHIFT;
}

static void any_pages(void)
{
	const u32 first = any_u32_to(PAGES - 1), end = any_u32_to(PAGES);

	ASSUME(first < end);
	region_count = 1;
	region[0] = (struct region){ BASE, PAGES * PAGE_SIZE, BASE + first * PAGE_SIZE, BASE + end * PAGE_SIZE, 0 };
	record = (struct page *)(void *)words_now;
	run_record = runs_now;
	for (u32 i = 0; i < PAGES; i++) {
		words_was[i] = words_now[i] = any_u64();
		ASSUME(now(i).state < PAGE_STATES);
	}
	for (u32 i = 0; i < RUNS; i++) {
		runs_now[i] = (struct page_run){ any_u8(), (u8)any_u32_to(PAGE_STATES - 1), any_u16(), any_u32(), any_u64() };
		/* The hypervisor's pages are all alike to a summary. */
		ASSUME(runs_now[i].owner != OWNER_HYP || runs_now[i].state == PAGE_OWNED);
		runs_was[i] = runs_now[i];
	}
	ASSUME(sound(words_now, runs_now));
}

/* A page address anywhere about the RAM, or far from it. */
static pa_t any_address(void)
{
	return pa(BASE - BLOCK_SIZE + ((u64)any_u32() << PAGE_SHIFT));
}

/* --- below page.c */

void arch_spin_lock(struct spinlock *l) { (void)l; }
void arch_spin_unlock(struct spinlock *l) { (void)l; }

#endif
