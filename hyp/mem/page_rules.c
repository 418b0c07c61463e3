/* SPDX-License-Identifier: BSD-2-Clause */
#include "page_rules.h"

enum party { PARTY_HYP,
	     PARTY_PRIMARY,
	     PARTY_VM,
	     PARTY_OWNER /* primary or VM */ };

static const struct rule {
	enum party from, to;
	u8 before, after; /* enum page_state */
} rules[PAGE_OPS] = {
	[PAGE_DONATE_HYP] = { PARTY_OWNER, PARTY_HYP, PAGE_OWNED, PAGE_OWNED },
	[PAGE_RETURN_HYP] = { PARTY_HYP, PARTY_OWNER, PAGE_OWNED, PAGE_OWNED },
	[PAGE_DONATE_VM] = { PARTY_PRIMARY, PARTY_VM, PAGE_OWNED, PAGE_OWNED },
	[PAGE_RECLAIM] = { PARTY_VM, PARTY_PRIMARY, PAGE_OWNED, PAGE_OWNED },
	[PAGE_SHARE] = { PARTY_VM, PARTY_VM, PAGE_OWNED, PAGE_SHARED_OUT },
	[PAGE_UNSHARE] = { PARTY_VM, PARTY_VM, PAGE_SHARED_OUT, PAGE_OWNED },
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
	if (page->owner != from || page->state != rule->before)
		return E_DENIED;
	if (pinned)
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
