/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page ownership as one table of transitions. A transition names who asks and what the page must
 * be; everything else is refused and changes nothing.
 *
 *   primary: OWNED --take--> MOVING --donate--> hypervisor --return--> primary: OWNED
 *      ^   ^                   |
 *      |   |                   +--donate--> VM n: OWNED or READ_ONLY --reclaim--> primary: OWNED
 *      |   |                                  |  ^  |
 *      |   +--relinquish-- VM n: MOVING <--take--+
 *      |                      |  ^  +--take back-^
 *      |                share |  | unshare
 *      |                      v  |
 *      +---reclaim------- VM n: SHARED_OUT
 *
 * What leaves somebody is MOVING until no CPU and no device can reach it there; only then it has a
 * new owner. A page with DMA mappings changes neither owner nor state (V2), but for one that goes
 * back, at teardown, to the primary, which it was shared with and which holds the mappings.
 */
#ifndef MEM_PAGE_RULES_H
#define MEM_PAGE_RULES_H

#include "page.h"

enum page_op {
	PAGE_TAKE,         /* an owner's page begins to leave */
	PAGE_TAKE_BACK,    /* it stays after all; the end of an unshare too */
	PAGE_DONATE_HYP,   /* to the hypervisor (pool memory) */
	PAGE_RETURN_HYP,   /* the hypervisor gives an unused page of its own back */
	PAGE_DONATE_VM,    /* from the primary to a VM */
	PAGE_DONATE_VM_RO, /* to be read only */
	PAGE_RELINQUISH,   /* a VM gives a page back to the primary */
	PAGE_RECLAIM,      /* teardown: a VM's page goes back to the primary */
	PAGE_RECLAIM_SHARED,
	PAGE_SHARE,        /* a VM lets the primary use its page, which was taken: the end of a share */
	PAGE_UNSHARE,      /* begins to end that; then it is taken back, or shared again */
	PAGE_OPS
};

/*
 * Check, then do, one transition of `page` as asked for by owner `from`; `to` is the new owner
 * where the operation has one, else equal to `from`.
 * E_DENIED: not from's page, or not in the state; E_BUSY: DMA mappings hold it; E_INVAL: the two
 * owners do not fit the operation.
 */
enum status page_rule_check(const struct page *page, enum page_op op, u8 from, u8 to,
			    bool pinned) MUST_CHECK;
enum status page_transition(pa_t addr, enum page_op op, u8 from, u8 to) MUST_CHECK
	MUST_HOLD(page_class);
/* The same for consecutive pages: all or none. E_FAULT: not RAM. */
enum status page_transition_run(pa_t base, u64 pages, enum page_op op, u8 from, u8 to) MUST_CHECK
	MUST_HOLD(page_class);

#endif
