/* SPDX-License-Identifier: BSD-2-Clause */
/* The buddy pools: every order, exhaustion, merging, two pools side by side, misuse. */
#include <string.h>

#include "hyp/io.h"
#include "mem/pool_priv.h"

#include "records.h"
#include "suite.h"

#define PAGES 100u /* no power of two, so that runs of every order are there */

static struct pool a, b;

/* Two pools that are neighbours in memory. */
static void boot(void)
{
	pa_t run;

	records_boot();
	run = boot_alloc(2 * PAGES, PAGE_SIZE << POOL_ORDER_MAX);
	pool_init(&a, 1);
	pool_init(&b, 2);
	pool_add(&a, run, PAGES);
	pool_add(&b, pa(run.v + PAGES * PAGE_SIZE), PAGES);
}

static u32 free_lists(const struct pool *pool)
{
	u32 pages = 0;

	for (u32 order = 0; order <= POOL_ORDER_MAX; order++)
		for (const struct pool_node *n = pool->free[order].next; n != &pool->free[order];
		     n = n->next)
			pages += 1u << order;
	return pages;
}

static void alloc_is_aligned_zeroed_and_counted(void **state UNUSED)
{
	boot();
	for (u32 order = 0; order <= POOL_ORDER_MAX; order++) {
		u64 before = pool_free_pages(&a);
		pa_t at;

		assert_int_equal(pool_alloc(&a, order, &at), OK);
		assert_int_equal(at.v % (PAGE_SIZE << order), 0);
		assert_int_equal(pool_free_pages(&a), before - (1u << order));
		for (u64 i = 0; i < PAGE_SIZE << order; i++)
			assert_int_equal(((u8 *)io_phys(at))[i], 0);
		memset(io_phys(at), 0xa5, PAGE_SIZE << order);
		pool_free(&a, order, at);
		assert_int_equal(pool_free_pages(&a), before);
		assert_int_equal(pool_alloc(&a, order, &at), OK);
		assert_int_equal(*(u64 *)io_phys(at), 0);
		pool_free(&a, order, at);
	}
	assert_int_equal(free_lists(&a), PAGES);
}

static void exhausted_pool_says_so_and_recovers(void **state UNUSED)
{
	pa_t at[PAGES], more;

	boot();
	for (u32 i = 0; i < PAGES; i++)
		assert_int_equal(pool_alloc(&a, 0, &at[i]), OK);
	assert_int_equal(pool_free_pages(&a), 0);
	for (u32 order = 0; order <= POOL_ORDER_MAX; order++)
		assert_int_equal(pool_alloc(&a, order, &more), E_NOMEM);
	/* The other pool lives: one VM exhausts only itself. */
	assert_int_equal(pool_alloc(&b, 0, &more), OK);
	for (u32 i = 0; i < PAGES; i++)
		for (u32 k = 0; k < i; k++)
			assert_int_not_equal(at[i].v, at[k].v);
	/* Every second page back: no run of two can be made of them. */
	for (u32 i = 0; i < PAGES; i += 2)
		if (at[i].v / PAGE_SIZE % 2 == 0)
			pool_free(&a, 0, at[i]);
	assert_int_equal(pool_alloc(&a, 1, &more), E_NOMEM);
}

static void freed_runs_merge_again(void **state UNUSED)
{
	pa_t at[PAGES], big;

	boot();
	for (u32 i = 0; i < PAGES; i++)
		assert_int_equal(pool_alloc(&a, 0, &at[i]), OK);
	for (u32 i = 0; i < PAGES; i++)
		pool_free(&a, 0, at[i * 37 % PAGES]);
	assert_int_equal(pool_free_pages(&a), PAGES);
	assert_int_equal(pool_alloc(&a, POOL_ORDER_MAX, &big), OK);
}

static void neighbours_of_two_pools_never_merge(void **state UNUSED)
{
	pa_t at;
	u32 n = 0;

	boot();
	/* All of both out and back in: a merge across the border would move pages between them. */
	for (u32 round = 0; round < 2; round++) {
		pa_t of_a[PAGES], of_b[PAGES];

		for (u32 i = 0; i < PAGES; i++) {
			assert_int_equal(pool_alloc(&a, 0, &of_a[i]), OK);
			assert_int_equal(pool_alloc(&b, 0, &of_b[i]), OK);
		}
		for (u32 i = 0; i < PAGES; i++) {
			pool_free(&b, 0, of_b[i]);
			pool_free(&a, 0, of_a[PAGES - 1 - i]);
		}
		assert_int_equal(free_lists(&a), PAGES);
		assert_int_equal(free_lists(&b), PAGES);
	}
	while (pool_alloc(&a, 2, &at) == OK)
		n++;
	assert_int_equal(n, PAGES / 4);
}

static void random_use_keeps_every_page(void **state UNUSED)
{
	struct {
		pa_t at;
		u32 order;
		bool used;
	} held[64] = { 0 };
	u64 out = 0;

	boot();
	for (u32 i = 0; i < 20000; i++) {
		u32 k = (u32)fake_random_below(ARRAY_SIZE(held));

		if (held[k].used) {
			/* Nobody else has written it meanwhile. */
			for (u32 p = 0; p < 1u << held[k].order; p++)
				assert_int_equal(*(u64 *)io_phys(pa(held[k].at.v + p * PAGE_SIZE)),
						 k + 1);
			pool_free(&a, held[k].order, held[k].at);
			held[k].used = false;
			out -= 1u << held[k].order;
			continue;
		}
		held[k].order = (u32)fake_random_below(4);
		if (pool_alloc(&a, held[k].order, &held[k].at) != OK)
			continue;
		held[k].used = true;
		out += 1u << held[k].order;
		for (u32 p = 0; p < 1u << held[k].order; p++)
			*(u64 *)io_phys(pa(held[k].at.v + p * PAGE_SIZE)) = k + 1;
		assert_int_equal(pool_free_pages(&a), PAGES - out);
	}
	assert_int_equal(free_lists(&a), PAGES - out);
}

static pa_t one(u32 order)
{
	pa_t at;

	boot();
	assert_int_equal(pool_alloc(&a, order, &at), OK);
	return at;
}

static void double_free_panics(void **state UNUSED)
{
	pa_t at = one(0);

	pool_free(&a, 0, at);
	assert_panics(pool_free(&a, 0, at));
}

static void free_of_another_size_panics(void **state UNUSED)
{
	assert_panics(pool_free(&a, 1, one(2)));
}

static void free_into_another_pool_panics(void **state UNUSED)
{
	assert_panics(pool_free(&b, 0, one(0)));
}

static void free_of_the_middle_of_a_run_panics(void **state UNUSED)
{
	pa_t at = one(2);

	assert_panics(pool_free(&a, 0, pa(at.v + PAGE_SIZE)));
}

static void fail_hook_fails_the_nth_once(void **state UNUSED)
{
	pa_t at;

	boot();
	pool_fail_after = 2;
	assert_int_equal(pool_alloc(&a, 0, &at), OK);
	assert_int_equal(pool_alloc(&a, 0, &at), E_NOMEM);
	assert_int_equal(pool_alloc(&a, 0, &at), OK);
}

static void boot_memory_ends_with_a_panic(void **state UNUSED)
{
	struct range rest;

	records_boot();
	assert_int_equal(boot_alloc(1, PAGE_SIZE << 3).v % (PAGE_SIZE << 3), 0);
	assert_panics((void)boot_alloc(1ull << 40, PAGE_SIZE));
	assert_panics((void)boot_alloc(1, 1ull << 40)); /* the next such address is behind the heap */
	rest = boot_alloc_close();
	assert_true(rest.size > 0 &&
		    rest.base + rest.size == machine->heap.base + machine->heap.size);
	assert_panics((void)boot_alloc(1, PAGE_SIZE));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(alloc_is_aligned_zeroed_and_counted),
		cmocka_unit_test(exhausted_pool_says_so_and_recovers),
		cmocka_unit_test(freed_runs_merge_again),
		cmocka_unit_test(neighbours_of_two_pools_never_merge),
		cmocka_unit_test(random_use_keeps_every_page),
		cmocka_unit_test(double_free_panics),
		cmocka_unit_test(free_of_another_size_panics),
		cmocka_unit_test(free_into_another_pool_panics),
		cmocka_unit_test(free_of_the_middle_of_a_run_panics),
		cmocka_unit_test(fail_hook_fails_the_nth_once),
		cmocka_unit_test(boot_memory_ends_with_a_panic),
	};

	return SUITE("pool", cases);
}
