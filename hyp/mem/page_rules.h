/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page ownership as one table of transitions. A transition names who asks and what the page must
 * be; everything else is refused and changes nothing.
 *
 *                 donate                     donate (pool)
 *   hypervisor <---------- primary: OWNED ------------------> hypervisor: pool
 *       |                    ^   |                               |
 *       |            reclaim |   | donate to VM                  | reclaim (teardown)
 *       |                    |   v                               v
 *       |                  VM n: OWNED <---share/unshare---> VM n: SHARED_OUT
 *
 * A page with DMA mappings changes neither owner nor state (V2).
 */
#ifndef MEM_PAGE_RULES_H
#define MEM_PAGE_RULES_H

#include "page.h"

enum page_op {
	PAGE_DONATE_HYP, /* an owner gives a page to the hypervisor (pool memory) */
	PAGE_RETURN_HYP, /* the hypervisor gives an unused page of its own back */
	PAGE_DONATE_VM,  /* the primary gives a page to a VM */
	PAGE_RECLAIM,    /* teardown or relinquish: a VM's page goes back to the primary */
	PAGE_SHARE,      /* a VM lets the primary use its page */
	PAGE_UNSHARE,
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

#endif
