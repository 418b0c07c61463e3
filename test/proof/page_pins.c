/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins of pages and of whole runs (hyp/mem/page.c): all or none, only of pages that the owner may use so, never above the
 * largest count, and the summaries stay true.
 *
 * For all: records and summaries that agree, owners, addresses, counts, where RAM begins and ends. Up to: two runs of two
 * pages in place of 512, so four pages a call.
 *
 * unwind: 6
 * scale: include/hyp/addr.h: BLOCK_SHIFT 13
 */
#include "pages.h"

static bool usable(struct page p, u8 owner, bool write)
{
	if (p.owner == owner)
		return p.state == PAGE_OWNED || p.state == PAGE_SHARED_OUT || (p.state == PAGE_READ_ONLY && !write);
	return owner == OWNER_VM && p.owner > OWNER_VM && p.state == PAGE_SHARED_OUT;
}

static void nothing_changed(void)
{
	const u32 i = any_u32_to(PAGES - 1);

	CLAIM("what is refused changes nothing", same_page(i) && same_run(i / BLOCK_PAGES));
}

/* A call for each place, which then is a constant to CBMC: the same, and much less to compute. */
static enum status pin_at(u32 place, u64 pages, u8 owner, bool write)
{
	enum status status = OK;

	for (u32 k = 0; k < PAGES; k++)
		if (place == k)
			status = page_pin(pa(BASE + k * PAGE_SIZE), pages, owner, write);
	return status;
}

static void unpin_at(u32 place, u64 pages)
{
	for (u32 k = 0; k < PAGES; k++)
		if (place == k)
			page_unpin(pa(BASE + k * PAGE_SIZE), pages);
}

static void prove_pin_elsewhere(void)
{
	const pa_t base = any_address();

	any_pages();
	ASSUME(base.v < BASE || !is_ram(place_of(base)));
	CLAIM("what is no RAM is not pinned", page_pin(base, 1, any_u8(), any_bool()) == E_FAULT);
	nothing_changed();
}

static void prove_pin(void)
{
	const u32 place = any_u32_to(PAGES - 1);
	const u64 pages = any_u32_to(PAGES);
	const u8 owner = any_u8();
	const bool write = any_bool();
	const u32 i = any_u32_to(PAGES - 1);
	const u32 run = i / BLOCK_PAGES;
	bool inside;

	any_pages();
	ASSUME(owner >= OWNER_VM && pages > 0); /* a VM asks */
	if (pin_at(place, pages, owner, write) != OK) {
		nothing_changed();
		return;
	}
	CLAIM("only RAM is pinned", is_ram(place) && is_ram(place + pages - 1));
	inside = i >= place && i - place < pages;
	CLAIM("only pages are pinned that the owner may use so", !inside || usable(was(i), owner, write));
	CLAIM("each page has one pin more, all others what they had", now(i).pins == was(i).pins + inside);
	CLAIM("pins never exceed their maximum", now(i).pins <= PIN_MAX);
	CLAIM("the sum of a run has the new pins", runs_now[run].pins == runs_was[run].pins + overlap(run, place, pages));
	CLAIM("a pin changes nothing else of a summary", runs_now[run].odd == runs_was[run].odd && runs_now[run].owner == runs_was[run].owner &&
								 runs_now[run].state == runs_was[run].state &&
								 runs_now[run].block_pins == runs_was[run].block_pins);
	CLAIM("a pin changes neither owner nor state", now(i).owner == was(i).owner && now(i).state == was(i).state);
}

static void prove_unpin(void)
{
	const u32 first = any_u32_to(PAGES - 1), pages = any_u32_to(PAGES), i = any_u32_to(PAGES - 1);
	const u32 run = i / BLOCK_PAGES;
	bool inside, all = true;

	any_pages();
	ASSUME(pages > 0 && is_ram(first) && is_ram(first + pages - 1));
	for (u32 k = 0; k < PAGES; k++)
		all = all && (k < first || k - first >= pages || was(k).pins > 0);
	ASSUME(all);
	unpin_at(first, pages);
	inside = i >= first && i - first < pages;
	CLAIM("each page has one pin less, all others what they had", now(i).pins == was(i).pins - inside);
	CLAIM("the sum of a run has the old pins no more", runs_now[run].pins == runs_was[run].pins - overlap(run, first, pages));
}

static void prove_block(void)
{
	const pa_t base = any_address();
	const u8 owner = any_u8();
	const bool write = any_bool();
	const u32 i = any_u32_to(PAGES - 1);

	any_pages();
	ASSUME(owner >= OWNER_VM && (base.v & (BLOCK_SIZE - 1)) == 0);
	if (page_pin_block(base, owner, write) != OK) {
		nothing_changed();
		return;
	}
	CLAIM("only whole runs of RAM are pinned as a block", base.v >= BASE && is_ram(place_of(base)) && is_ram(place_of(base) + BLOCK_PAGES - 1));
	CLAIM("every page of a pinned block is one that the owner may use so",
	      i / BLOCK_PAGES != place_of(base) / BLOCK_PAGES || usable(was(i), owner, write));
	CLAIM("a block has one pin more", runs_now[i / BLOCK_PAGES].block_pins ==
						  runs_was[i / BLOCK_PAGES].block_pins + (i / BLOCK_PAGES == place_of(base) / BLOCK_PAGES));
	CLAIM("pins of blocks never exceed their maximum", runs_now[i / BLOCK_PAGES].block_pins <= PIN_MAX && same_page(i));
	page_unpin_block(base);
	nothing_changed();
}

static void prove_convert(void)
{
	const u32 run = any_u32_to(RUNS - 1), i = any_u32_to(PAGES - 1);
	const u32 inside = i / BLOCK_PAGES == run;

	any_pages();
	ASSUME(is_ram(run * BLOCK_PAGES) && is_ram((run + 1) * BLOCK_PAGES - 1) && runs_was[run].block_pins > 0);
	if (page_pin_convert(pa(BASE + run * BLOCK_SIZE)) != OK) {
		nothing_changed();
		return;
	}
	CLAIM("a converted block has a pin on each page for one of its own",
	      now(i).pins == was(i).pins + inside &&
		      runs_now[i / BLOCK_PAGES].block_pins == runs_was[i / BLOCK_PAGES].block_pins - inside);
	CLAIM("the sum of a converted run has a pin for each page", runs_now[i / BLOCK_PAGES].pins ==
									    runs_was[i / BLOCK_PAGES].pins + (inside ? BLOCK_PAGES : 0));
	CLAIM("pins never exceed their maximum when a block is converted", now(i).pins <= PIN_MAX);
}

int main(void)
{
	switch (any_u32_to(4)) {
	case 0:
		prove_pin_elsewhere();
		break;
	case 3:
		prove_pin();
		break;
	case 1:
		prove_unpin();
		break;
	case 2:
		prove_block();
		break;
	default:
		prove_convert();
	}
	return 0;
}
