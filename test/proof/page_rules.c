/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may own a page, and how that changes (hyp/mem/page_rules.c on hyp/mem/page.c): no transition with pins but the one that
 * may, none that the table of this file does not have, the summaries stay true; and what a call over many pages takes for one
 * piece, which it checks once, is alike and without pins.
 *
 * For all: each rule, for every record there is; records and summaries that agree, operations, owners. Up to: two runs of two
 * pages in place of 512.
 *
 * unwind: 6
 * scale: include/hyp/addr.h: BLOCK_SHIFT 13
 */
#include "pages.h"

#include "hyp/mem/page_rules.c"

/* Written from the picture in page_rules.h. */
static bool allowed(enum page_op op, u8 from, u8 to, u8 state)
{
	const bool primary = from == OWNER_VM, vm = from > OWNER_VM, own = from == to && from != OWNER_HYP;

	switch (op) {
	case PAGE_TAKE:
		return own && state == PAGE_OWNED;
	case PAGE_TAKE_BACK:
		return own && state == PAGE_MOVING;
	case PAGE_DONATE_HYP:
		return (primary || vm) && to == OWNER_HYP && state == PAGE_MOVING;
	case PAGE_RETURN_HYP:
		return from == OWNER_HYP && to != OWNER_HYP && state == PAGE_OWNED;
	case PAGE_DONATE_VM:
	case PAGE_DONATE_VM_RO:
		return primary && to > OWNER_VM && state == PAGE_MOVING;
	case PAGE_RELINQUISH:
		return vm && to == OWNER_VM && state == PAGE_MOVING;
	case PAGE_RECLAIM:
		return vm && to == OWNER_VM && (state == PAGE_OWNED || state == PAGE_READ_ONLY || state == PAGE_MOVING);
	case PAGE_RECLAIM_SHARED:
		return vm && to == OWNER_VM && state == PAGE_SHARED_OUT;
	case PAGE_SHARE:
		return vm && own && state == PAGE_MOVING;
	case PAGE_UNSHARE:
		return vm && own && state == PAGE_SHARED_OUT;
	default:
		return false;
	}
}

static u8 state_after(enum page_op op)
{
	switch (op) {
	case PAGE_TAKE:
	case PAGE_UNSHARE:
		return PAGE_MOVING;
	case PAGE_DONATE_VM_RO:
		return PAGE_READ_ONLY;
	case PAGE_SHARE:
		return PAGE_SHARED_OUT;
	default:
		return PAGE_OWNED;
	}
}

static void prove_rule(void)
{
	const struct page page = { any_u8(), (u8)any_u32_to(PAGE_STATES - 1), any_u8(), any_u8(), any_u32() };
	const enum page_op op = (enum page_op)any_u32_to(PAGE_OPS - 1);
	const u8 from = any_u8(), to = any_u8();
	const bool pinned = any_bool();
	const enum status status = page_rule_check(&page, op, from, to, pinned);

	CLAIM("a transition is in the table, of its owner's page",
	      (status == OK) == (page.owner == from && allowed(op, from, to, page.state) && (!pinned || op == PAGE_RECLAIM_SHARED)));
	CLAIM("pins alone are told as such", status != E_BUSY || (pinned && page.owner == from && allowed(op, from, to, page.state)));
	CLAIM("the state behind it is the picture's", rules[op].after == state_after(op));
}

static void prove_one(void)
{
	const enum page_op op = (enum page_op)any_u32_to(PAGE_OPS - 1);
	const u32 place = any_u32_to(PAGES - 1), i = any_u32_to(PAGES - 1);
	const u8 from = any_u8(), to = any_u8();
	enum status status = OK;

	any_pages();
	/* A call for each place, which then is a constant to CBMC. */
	for (u32 k = 0; k < PAGES; k++)
		if (place == k)
			status = page_transition(pa(BASE + k * PAGE_SIZE), op, from, to);
	CLAIM("no transition changes a pin", now(i).pins == was(i).pins && runs_now[i / BLOCK_PAGES].pins == runs_was[i / BLOCK_PAGES].pins &&
						     runs_now[i / BLOCK_PAGES].block_pins == runs_was[i / BLOCK_PAGES].block_pins);
	CLAIM("summaries stay true", sound(words_now, runs_now));
	if (status != OK || i != place) {
		CLAIM("what is refused, and every other page, stays as it is", same_page(i));
		return;
	}
	CLAIM("only RAM changes hands", is_ram(i));
	CLAIM("a page that changes hands was allowed to",
	      was(i).owner == from && allowed(op, from, to, was(i).state) && (!pinned_before(i) || op == PAGE_RECLAIM_SHARED));
	CLAIM("it has its new owner and state", now(i).owner == to && now(i).state == state_after(op));
}

/* What page_transition_run() takes for one piece is alike in all that a rule looks at, and has no pins. */
static void prove_pieces(void)
{
	const u32 place = any_u32_to(PAGES - 1), i = any_u32_to(PAGES - 1);
	const u64 pages = any_u32_to(PAGES);
	struct page kind = { 0 };
	u64 count = 0;

	any_pages();
	for (u32 k = 0; k < PAGES; k++)
		if (place == k)
			count = page_run_uniform(pa(BASE + k * PAGE_SIZE), pages, &kind) ?
					BLOCK_PAGES :
					page_span_uniform(pa(BASE + k * PAGE_SIZE), pages, &kind);
	if (i < place || i - place >= count)
		return;
	CLAIM("a piece is no more than was asked about, and RAM", count <= pages && is_ram(i));
	CLAIM("all pages of a piece are alike, but for what pools note",
	      was(i).owner == kind.owner && (was(i).state == kind.state || kind.owner == OWNER_HYP));
	CLAIM("no page of a piece has a pin", !pinned_before(i));
}

int main(void)
{
	switch (any_u32_to(2)) {
	case 0:
		prove_rule();
		break;
	case 1:
		prove_one();
		break;
	default:
		prove_pieces();
	}
	return 0;
}
