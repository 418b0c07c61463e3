/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of pages for tables: one per VM (donated, so that a VM exhausts only itself) and one of
 * the hypervisor. A buddy allocator over page records: single pages in a few instructions, runs of
 * up to 2^POOL_ORDER_MAX pages, naturally aligned. Freed pages may hold anything; allocated pages are zeroed.
 *
 * Locks: each pool has its own lock, of the page class; callers hold none of that class.
 */
#ifndef HYP_POOL_H
#define HYP_POOL_H

#include "hyp/addr.h"
#include "hyp/lock.h"
#include "hyp/status.h"

#define POOL_ORDER_MAX 6 /* 64 pages: an SMMU CD table of 4096 entries */

struct pool;

/* 2^order zeroed pages, aligned to their size. E_NOMEM. */
enum status pool_alloc(struct pool *pool, u32 order, pa_t *out) MUST_CHECK NOT_HELD(page_class);
void pool_free(struct pool *pool, u32 order, pa_t base) NOT_HELD(page_class);
/* The order that a run was allocated with; `base` is its first page. */
u32 pool_order(pa_t base);
u64 pool_free_pages(const struct pool *pool);
/* CONFIG_TEST: the n-th allocation from now on fails, once; 0: none. */
extern u64 pool_fail_after;

/*
 * Memory that lives as long as the hypervisor: from the hypervisor's own pool at boot, before the
 * first guest runs. `pages` > 0, zeroed, aligned to `align` bytes (a power of two, >= PAGE_SIZE).
 * Panics when it is exhausted: the boot line sized it too small. Not callable after boot.
 */
pa_t boot_alloc(u64 pages, u64 align);

#endif
