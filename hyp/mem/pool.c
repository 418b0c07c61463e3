/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A buddy allocator. A free run keeps its list node in its own first bytes and its order in its
 * first page's record; a used run only its order. Merging looks at the buddy's record, which says
 * whether it is the head of a free run of this size and of this pool.
 *
 * Pages are zeroed when they are given out, not when they come back.
 */
#include "pool_priv.h"

#include <string.h>

#include "hyp/check.h"
#include "hyp/config.h"
#include "hyp/io.h"
#include "page.h"

u64 pool_fail_after;

/* Read without the lock, as a figure of that moment. */
static void free_count(struct pool *pool, u64 free_pages)
{
	__atomic_store_n(&pool->free_pages, free_pages, __ATOMIC_RELAXED);
}

static void list_add(struct pool_node *head, struct pool_node *node)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}

static void list_del(struct pool_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
}

void pool_init(struct pool *pool, u8 id)
{
	memset(pool, 0, sizeof(*pool));
	pool->id = id;
	for (u32 i = 0; i <= POOL_ORDER_MAX; i++)
		pool->free[i].next = pool->free[i].prev = &pool->free[i];
}

static void mark(const struct pool *pool, pa_t base, u8 state, u32 order)
{
	struct page *page = page_of(base);

	/* Owner stays the hypervisor, so the run summary does not count these states. */
	page->state = state;
	page->order = (u8)order;
	page->pool = pool->id;
}

static void insert_locked(struct pool *pool, pa_t base, u32 order)
{
	mark(pool, base, PAGE_POOL_FREE, order);
	list_add(&pool->free[order], io_phys(base));
}

/* The record says that a free run of `order` of this pool starts at the buddy. */
static bool buddy_free(const struct pool *pool, pa_t buddy, u32 order)
{
	const struct page *page = page_find(buddy);

	return page != NULL && page->owner == OWNER_HYP && page->state == PAGE_POOL_FREE &&
	       page->order == order && page->pool == pool->id;
}

static void free_locked(struct pool *pool, pa_t base, u32 order)
{
	free_count(pool, pool->free_pages + (1ull << order));
	while (order < POOL_ORDER_MAX) {
		pa_t buddy = pa(base.v ^ (PAGE_SIZE << order));

		if (!buddy_free(pool, buddy, order))
			break;
		list_del(io_phys(buddy));
		mark(pool, buddy, PAGE_OWNED, 0);
		mark(pool, base, PAGE_OWNED, 0);
		base.v &= ~(PAGE_SIZE << order);
		order++;
	}
	insert_locked(pool, base, order);
}

void pool_add(struct pool *pool, pa_t base, u64 pages)
{
	pa_t end = pa(base.v + pages * PAGE_SIZE);

	arch_spin_lock(&pool->lock);
	while (base.v < end.v) {
		u32 order = POOL_ORDER_MAX;

		while ((base.v & ((PAGE_SIZE << order) - 1)) != 0 ||
		       base.v + (PAGE_SIZE << order) > end.v)
			order--;
		free_locked(pool, base, order);
		base.v += PAGE_SIZE << order;
	}
	pool->total_pages += pages;
	arch_spin_unlock(&pool->lock);
}

bool pool_drain(struct pool *pool, pa_t *base, u64 *pages)
{
	u32 order = POOL_ORDER_MAX;
	bool found;

	arch_spin_lock(&pool->lock);
	while (order > 0 && pool->free[order].next == &pool->free[order])
		order--;
	found = pool->free[order].next != &pool->free[order];
	if (found) {
		*base = io_phys_of(pool->free[order].next);
		*pages = 1ull << order;
		list_del(pool->free[order].next);
		mark(pool, *base, PAGE_OWNED, 0);
		free_count(pool, pool->free_pages - *pages);
		pool->total_pages -= *pages;
	}
	arch_spin_unlock(&pool->lock);
	return found;
}

static enum status take_locked(struct pool *pool, u32 order, pa_t *out)
{
	u32 from = order;

	while (from <= POOL_ORDER_MAX && pool->free[from].next == &pool->free[from])
		from++;
	if (from > POOL_ORDER_MAX)
		return E_NOMEM;
	*out = io_phys_of(pool->free[from].next);
	list_del(pool->free[from].next);
	while (from > order) {
		from--;
		insert_locked(pool, pa(out->v + (PAGE_SIZE << from)), from);
	}
	mark(pool, *out, PAGE_POOL_USED, order);
	free_count(pool, pool->free_pages - (1ull << order));
	return OK;
}

static bool must_fail(void)
{
	if (pool_fail_after == 0)
		return false;
	pool_fail_after--;
	return pool_fail_after == 0;
}

enum status pool_alloc(struct pool *pool, u32 order, pa_t *out)
{
	enum status status;

	CHECK(order <= POOL_ORDER_MAX);
	if (CONFIG_TEST && must_fail())
		return E_NOMEM;
	arch_spin_lock(&pool->lock);
	status = take_locked(pool, order, out);
	arch_spin_unlock(&pool->lock);
	if (status == OK)
		io_zero_pages(io_phys(*out), 1ull << order);
	return status;
}

void pool_free(struct pool *pool, u32 order, pa_t base)
{
	const struct page *page = page_of(base);

	CHECK(page->state == PAGE_POOL_USED && page->order == order && page->pool == pool->id);
	arch_spin_lock(&pool->lock);
	free_locked(pool, base, order);
	arch_spin_unlock(&pool->lock);
}

u32 pool_order(pa_t base)
{
	const struct page *page = page_of(base);

	CHECK(page->state == PAGE_POOL_USED);
	return page->order;
}

u64 pool_free_pages(const struct pool *pool)
{
	return __atomic_load_n(&pool->free_pages, __ATOMIC_RELAXED);
}
