/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of pages: taken, compared, and those that a call must not touch. */
#include "abstract.h"

#include <string.h>

#include "vm/vm.h"

#include "abstract_parts.h"
#include "rules.h"

u64 abstract_page_count(void)
{
	u64 pages = 0;

	for (u32 i = 0; i < machine->ram_count; i++)
		pages += (align_up(machine->ram[i].base + machine->ram[i].size, BLOCK_SIZE) -
			  align_down(machine->ram[i].base, BLOCK_SIZE)) >>
			 PAGE_SHIFT;
	return pages;
}

void pages_of_ram(void)
{
	u64 first = 0;

	spec->ram_count = machine->ram_count;
	for (u32 i = 0; i < machine->ram_count; i++) {
		u64 base = align_down(machine->ram[i].base, BLOCK_SIZE);

		spec->ram[i].base = machine->ram[i].base;
		spec->ram[i].size = machine->ram[i].size;
		spec->ram[i].first = first;
		first += (align_up(machine->ram[i].base + machine->ram[i].size, BLOCK_SIZE) - base) >> PAGE_SHIFT;
	}
	spec->pages = first;
}

/* A record as one word, without what a pool notes in it. */
static u64 record_word(const struct page *p)
{
	u64 word;

	memcpy(&word, p, sizeof(word));
	return word & (p->owner == OWNER_HYP ? 0xffffffff000000ffull : 0xffffffff0000ffffull);
}

static u64 page_word(u64 n)
{
	u64 word;

	memcpy(&word, &spec->page[n], sizeof(word));
	return word;
}

#define TOGETHER 8

/* Whether none of these records is of interest, in the terms of record_word(); what a pool notes is looked at singly. */
static bool together_same(const struct page *real, u64 n)
{
	u64 is[TOGETHER], want[TOGETHER], interest = 0;

	memcpy(is, real, sizeof(is));
	memcpy(want, &spec->page[n], sizeof(want));
	for (u32 i = 0; i < TOGETHER; i++)
		interest |= ((is[i] ^ want[i]) & 0xffffffff0000ffffull) | (is[i] & (0xff & ~OWNER_VM));
	return interest == 0;
}

/*
 * The first page in [n, end) whose record is not what the state says, or that has an address in a secondary; `end`:
 * none. Over a whole machine most of the time goes here, so a run is found once, and its records, side by side, are
 * compared by eight.
 */
static u64 next_of_interest(u64 n, u64 end)
{
	while (n < end) {
		u64 last = align_up(n + 1, BLOCK_PAGES) < end ? align_up(n + 1, BLOCK_PAGES) : end;
		const struct page *real = page_find(pa(page_address(n)));

		/* A region may begin or end inside a run. */
		if (real == NULL || page_find(pa(page_address(last - 1))) == NULL)
			last = n + 1;
		while (real != NULL && n < last) {
			bool together = n % TOGETHER == 0 && last - n >= TOGETHER && together_same(real, n);
			u32 past = together ? TOGETHER : 1;

			if (!together && (real->owner > OWNER_VM || record_word(real) != page_word(n)))
				return n;
			n += past;
			real += past;
		}
		n = last;
	}
	return end;
}

void pages_take(void)
{
	for (u64 n = next_of_interest(0, spec->pages); n < spec->pages; n = next_of_interest(n + 1, spec->pages)) {
		pa_t at = pa(page_address(n));
		u64 word = record_word(page_find(at));

		memcpy(&spec->page[n], &word, sizeof(word));
		spec->page_ipa[n] = spec->page[n].owner > 1 ? (u32)(page_ipa(at).v >> PAGE_SHIFT) : 0;
	}
	for (u64 n = 0; n < spec->pages; n++) {
		pa_t at = pa(page_address(n));

		if (page_find(at) == NULL)
			continue;
		spec->block_pins[n / BLOCK_PAGES] = page_run_of(at)->block_pins;
		n |= BLOCK_PAGES - 1;
	}
}

/* --- comparing */

static bool same_page(u64 n)
{
	const struct page *real = page_find(pa(page_address(n)));
	u64 is = record_word(real), want = page_word(n);

	if (is != want)
		return differs("page 0x%llx: owner %llu state %llu pins %llu, the specification says owner %llu state %llu pins %llu",
			       (unsigned long long)page_address(n), (unsigned long long)(is & 0xff),
			       (unsigned long long)(is >> 8 & 0xff), (unsigned long long)(is >> 32),
			       (unsigned long long)(want & 0xff), (unsigned long long)(want >> 8 & 0xff),
			       (unsigned long long)(want >> 32));
	if (real->owner > OWNER_VM && spec->page_ipa[n] != page_ipa(pa(page_address(n))).v >> PAGE_SHIFT)
		return differs("page 0x%llx: its owner has it at another address than the specification says",
			       (unsigned long long)page_address(n));
	return true;
}

static bool same_block_pins(u64 n)
{
	pa_t at = pa(page_address(n));
	u32 want = spec->block_pins[n / BLOCK_PAGES];

	if (page_find(at) == NULL || page_run_of(at)->block_pins == want)
		return true;
	return differs("run 0x%llx: %u block pins, the specification says %u", (unsigned long long)at.v,
		       page_run_of(at)->block_pins, want);
}

bool pages_same(u64 first, u64 count)
{
	const u64 end = first + count;

	for (u64 n = next_of_interest(first, end); n < end; n = next_of_interest(n + 1, end))
		if (!same_page(n))
			return false;
	for (u64 n = first; n < end; n = align_up(n + 1, BLOCK_PAGES))
		if (!same_block_pins(n))
			return false;
	return true;
}

/* --- what a call must not touch */

static bool page_may_change(const struct spec_call *c, u64 n)
{
	const struct spec_page *was = &spec->page[n];
	const struct page *real = page_find(pa(page_address(n)));

	if (record_word(real) == page_word(n))
		return true;
	if ((was->owner != 0 && !c->mine(c, was->owner - 1u)) || (real->owner != OWNER_HYP && !c->mine(c, real->owner - OWNER_VM)))
		return differs("page 0x%llx of owner %u is owner %u's now, and the call is about neither",
			       (unsigned long long)page_address(n), was->owner, real->owner);
	if (was->owner == real->owner)
		return true;
	if (!c->returns_pages || was->owner == OWNER_VM || real->owner > OWNER_VM)
		return differs("page 0x%llx of owner %u is owner %u's now, and the call moves no page there",
			       (unsigned long long)page_address(n), was->owner, real->owner);
	if (real->owner == OWNER_HYP && !abstract_hardware_failed())
		return differs("page 0x%llx of owner %u is lost, and no hardware has failed", (unsigned long long)page_address(n),
			       was->owner);
	if (real->owner == OWNER_VM && !abstract_page_is_zero(page_address(n)))
		return differs("page 0x%llx is the primary's again and was not scrubbed", (unsigned long long)page_address(n));
	return true;
}

bool pages_mine(const struct spec_call *c)
{
	for (u64 n = next_of_interest(0, spec->pages); n < spec->pages; n = next_of_interest(n + 1, spec->pages))
		if (!page_may_change(c, n))
			return false;
	return true;
}
