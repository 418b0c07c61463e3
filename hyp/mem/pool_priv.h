/* SPDX-License-Identifier: BSD-2-Clause */
/* struct pool for those who embed one (struct vm, the boot code); everybody else uses hyp/pool.h. */
#ifndef MEM_POOL_PRIV_H
#define MEM_POOL_PRIV_H

#include "hyp/platform.h"
#include "hyp/pool.h"

struct pool_node {
	struct pool_node *next, *prev;
};

struct pool {
	struct spinlock lock;
	u8 id; /* told apart in page records, so that runs of two pools never merge */
	struct pool_node free[POOL_ORDER_MAX + 1]; /* list heads */
	u64 free_pages;
	u64 total_pages;
};

void pool_init(struct pool *pool, u8 id);

/*
 * Add a run of pages that the hypervisor owns (records OWNER_HYP, PAGE_OWNED) and that nothing
 * else uses. Page aligned; at least one page.
 */
void pool_add(struct pool *pool, pa_t base, u64 pages) NOT_HELD(page_class);
/*
 * The reverse, for a pool that ends: take any free run out, the largest first. Its pages are the
 * hypervisor's and in no pool. False: nothing is free; what is still used is lost.
 */
bool pool_drain(struct pool *pool, pa_t *base, u64 *pages) NOT_HELD(page_class);

/* The memory that boot_alloc() serves until boot_alloc_close(); then the rest is a pool. */
void boot_alloc_open(struct range heap);
/* The rest of the boot heap as a run; boot_alloc() panics from here on. */
struct range boot_alloc_close(void);

#endif
