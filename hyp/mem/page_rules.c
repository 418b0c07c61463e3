/* SPDX-License-Identifier: BSD-2-Clause */
/* The transitions of a page that there are, as a table. */
#include "page_rules.h"

#include "hyp/bits.h"
#include "hyp/check.h"

enum party { PARTY_HYP,
	     PARTY_PRIMARY,
	     PARTY_VM,
	     PARTY_OWNER /* primary or VM */ };

/* Sets of states that a transition starts from. */
#define OWNED    (1u << PAGE_OWNED)
#define SHARED   (1u << PAGE_SHARED_OUT)
#define READABLE (1u << PAGE_READ_ONLY)
#define MOVING   (1u << PAGE_MOVING)

static const struct rule {
	enum party from, to;
	u8 before; /* set of enum page_state */
	u8 after;
	bool pins; /* DMA mappings may exist */
} rules[PAGE_OPS] = {
	[PAGE_TAKE] = { PARTY_OWNER, PARTY_OWNER, OWNED, PAGE_MOVING, false },
	[PAGE_TAKE_BACK] = { PARTY_OWNER, PARTY_OWNER, MOVING, PAGE_OWNED, false },
	[PAGE_DONATE_HYP] = { PARTY_OWNER, PARTY_HYP, MOVING, PAGE_OWNED, false },
	[PAGE_RETURN_HYP] = { PARTY_HYP, PARTY_OWNER, OWNED, PAGE_OWNED, false },
	[PAGE_DONATE_VM] = { PARTY_PRIMARY, PARTY_VM, MOVING, PAGE_OWNED, false },
	[PAGE_DONATE_VM_RO] = { PARTY_PRIMARY, PARTY_VM, MOVING, PAGE_READ_ONLY, false },
	[PAGE_RELINQUISH] = { PARTY_VM, PARTY_PRIMARY, MOVING, PAGE_OWNED, false },
	[PAGE_RECLAIM] = { PARTY_VM, PARTY_PRIMARY, OWNED | READABLE | MOVING, PAGE_OWNED, false },
	[PAGE_RECLAIM_SHARED] = { PARTY_VM, PARTY_PRIMARY, SHARED, PAGE_OWNED, true },
	[PAGE_SHARE] = { PARTY_VM, PARTY_VM, MOVING, PAGE_SHARED_OUT, false },
	[PAGE_UNSHARE] = { PARTY_VM, PARTY_VM, SHARED, PAGE_MOVING, false },
};

static bool is_party(u8 owner, enum party party)
{
	switch (party) {
	case PARTY_HYP:
		return owner == OWNER_HYP;
	case PARTY_PRIMARY:
		return owner == OWNER_VM;
	case PARTY_VM:
		return owner > OWNER_VM;
	case PARTY_OWNER:
		return owner >= OWNER_VM;
	}
	return false;
}

enum status page_rule_check(const struct page *page, enum page_op op, u8 from, u8 to, bool pinned)
{
	const struct rule *rule = &rules[op];

	if (!is_party(from, rule->from) || !is_party(to, rule->to))
		return E_INVAL;
	if (rule->from == rule->to && from != to)
		return E_INVAL;
	if (page->owner != from || !(rule->before & BIT(page->state)))
		return E_DENIED;
	if (pinned && !rule->pins)
		return E_BUSY;
	return OK;
}

enum status page_transition(pa_t addr, enum page_op op, u8 from, u8 to)
{
	struct page *page = page_find(addr);
	enum status status;

	if (page == NULL)
		return E_FAULT;
	status = page_rule_check(page, op, from, to, page_pinned(addr));
	if (status == OK)
		page_set(page, to, rules[op].after);
	return status;
}

/* The page at `at`, and those behind it that are like it: how many pages *done says. */
static enum status check(pa_t at, u64 pages, enum page_op op, u8 from, u8 to, u64 *done) MUST_HOLD(page_class)
{
	const struct page *page = page_find(at);
	struct page kind;

	*done = BLOCK_PAGES;
	if (page_run_uniform(at, pages, &kind))
		return page_rule_check(&kind, op, from, to, false);
	*done = page_span_uniform(at, pages, &kind);
	if (*done > 0)
		return page_rule_check(&kind, op, from, to, false);
	*done = 1;
	return page != NULL ? page_rule_check(page, op, from, to, page_pinned(at)) : E_FAULT;
}

/* Pages of one piece, as check() found it. */
static void set(pa_t at, u64 pages, u8 owner, u8 state) MUST_HOLD(page_class)
{
	struct page kind;

	if (page_run_uniform(at, pages, &kind))
		page_set_run(at, owner, state);
	else if (pages > 1)
		page_set_span(at, pages, owner, state);
	else
		page_set(page_of(at), owner, state);
}

/* Pieces whose sizes are kept from the check; of more, each is looked at again. */
#define PIECES_KEPT 16u

enum status page_transition_run(pa_t base, u64 pages, enum page_op op, u8 from, u8 to)
{
	u64 kept[PIECES_KEPT], done;
	enum status status;
	u32 piece = 0;

	for (u64 i = 0; i < pages; i += done, piece++) {
		status = check(pa(base.v + (i << PAGE_SHIFT)), pages - i, op, from, to, &done);
		if (status != OK)
			return status;
		if (piece < PIECES_KEPT)
			kept[piece] = done;
	}
	piece = 0;
	/* Nothing has changed since but the pieces before: what passed the check passes again. */
	for (u64 i = 0; i < pages; i += done, piece++) {
		pa_t at = pa(base.v + (i << PAGE_SHIFT));

		if (piece < PIECES_KEPT)
			done = kept[piece];
		else
			CHECK(check(at, pages - i, op, from, to, &done) == OK);
		set(at, done, to, rules[op].after);
	}
	return OK;
}
