/* SPDX-License-Identifier: BSD-2-Clause */
/* The root of a page table, and whole tables of leaves: what every format has in common beyond its walker. */
#include "hyp/pt.h"

#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/pool.h"

static u32 root_order(const struct pt_ops *ops)
{
	return ops->root_pages == 1 ? 0 : (u32)__builtin_ctz(ops->root_pages);
}

enum status pt_init(struct pt *pt, const struct pt_ops *ops, struct pool *pool, u32 leaf_sizes,
		    bool clean)
{
	enum status status;

	*pt = (struct pt){
		.ops = ops,
		.pool = pool,
		.last_slot = ~0ull,
		.leaf_sizes = leaf_sizes & ops->leaf_sizes,
		.clean = clean,
	};
	status = pool_alloc(pool, root_order(ops), &pt->root);
	if (status != OK)
		return status;
	if (clean)
		io_clean(io_phys(pt->root), PAGE_SIZE << root_order(ops));
	io_table_publish();
	return OK;
}

void pt_fini(struct pt *pt)
{
	CHECK(pt->tables == 0);
	pool_free(pt->pool, root_order(pt->ops), pt->root);
	pt->root = pa(0);
}

void pt_leaves_fill(const struct pt *pt, u64 *slot, u64 count, u64 entry, u64 step)
{
#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++, entry += step)
		io_table_write(slot + i, entry);
	if (pt->clean)
		io_clean(slot, count * sizeof(*slot));
}

bool pt_leaves_follow(const u64 *slot, u64 count, u64 step)
{
	u64 entry = *slot, differ = 0;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++, entry += step)
		differ |= slot[i] ^ entry;
	return differ == 0;
}
