/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables as hardware walks them, kept from look to look, and what each page of RAM is used for. */
#include "oracle_private.h"

#include <stdlib.h>
#include <string.h>

#include "fake.h"

void *grown(void *items, u32 *room, u32 count, size_t size)
{
	if (count < *room)
		return items;
	*room = *room == 0 ? 256 : 2 * *room;
	items = realloc(items, *room * size);
	if (items == NULL)
		fake_die("no host memory for the oracle");
	return items;
}

/* --- walks */

static void leaf_seen(void *ctx, const struct smmu_cached *c)
{
	struct table_look *t = ctx;

	t->leaf = grown(t->leaf, &t->leaf_room, t->leaf_count, sizeof(*t->leaf));
	t->leaf[t->leaf_count++] = (struct leaf){ c->input, c->output, c->size, c->read, c->write, c->user };
}

static void page_add(struct table_look *t, u64 addr, u64 input, int level)
{
	t->page = grown(t->page, &t->page_room, t->page_count, sizeof(*t->page));
	t->page[t->page_count++] = (struct table_page){ addr, input, level };
}

static void page_seen(void *ctx, u64 table, u64 input, int level) { page_add(ctx, table, input, level); }

static bool same_root(const struct smmu_root *a, const struct smmu_root *b)
{
	return a->table == b->table && a->stage1 == b->stage1 && a->bits == b->bits && a->start == b->start &&
	       a->cpu == b->cpu;
}

static bool pages_stored(const struct table_look *t)
{
	for (u32 i = 0; i < t->page_count; i++)
		if (page_stored(t->page[i].addr))
			return true;
	return false;
}

static bool same_leaf(const struct leaf *a, const struct leaf *b)
{
	return a->va == b->va && a->out == b->out && a->size == b->size && a->read == b->read && a->write == b->write &&
	       a->user == b->user;
}

/* The first leaf that only one of them has. */
static bool same_leaves(const struct table_look *a, const struct table_look *b, u64 *at)
{
	u32 i = 0;

	while (i < a->leaf_count && i < b->leaf_count && same_leaf(&a->leaf[i], &b->leaf[i]))
		i++;
	*at = i < a->leaf_count ? a->leaf[i].va : i < b->leaf_count ? b->leaf[i].va :
								      0;
	return i == a->leaf_count && i == b->leaf_count;
}

static void walk(struct table_look *t)
{
	u32 pages = 1u << (t->root.bits > 9 * (4u - t->root.start) + 12 ? t->root.bits - 9 * (4u - t->root.start) - 12 : 0);

	t->leaf_count = t->page_count = 0;
	smmu_for_each_entry(oracle.smmu[0], &t->root, leaf_seen, page_seen, t);
	for (u32 i = 1; i < pages; i++)
		page_add(t, t->root.table + i * PAGE_SIZE, 0, -1);
}

bool table_look(struct table_look *t, const struct smmu_root *root, const char *what)
{
	bool known, told = false;
	struct table_look was;
	u64 at;

	/* Behind calls that none looked behind it may be another's of this place. */
	t->walked &= !oracle.forgot;
	known = t->walked && same_root(&t->root, root);
	was = *t;
	t->fresh = false;
	if (known && !pages_stored(t))
		return false;
	for (u32 i = 0; i < t->page_count && !told; i++)
		told = page_index(t->page[i].addr) == ~0u || oracle.stored[page_index(t->page[i].addr)];
	*t = oracle.spare;
	t->root = *root;
	t->walked = t->fresh = true;
	walk(t);
	if (was.walked && !same_leaves(&was, t, &at)) {
		change_found(what, at, was.leaf_count);
		if (known && !told)
			violated("io: %s at %#llx changed without a store to a table", what, (unsigned long long)at);
	}
	oracle.spare = was;
	return true;
}

/* --- what pages are used for */

bool place_set(u64 addr, const struct place *place)
{
	u32 i = page_index(addr);

	if (!page_is_ours(addr))
		return violated("V5: table page %#llx is not the hypervisor's, or free", (unsigned long long)addr);
	if (oracle.place[i].kind != PLACE_NONE)
		return violated("V5: table page %#llx is used twice", (unsigned long long)addr);
	oracle.place[i] = *place;
	oracle.placed[oracle.placed_count++] = i;
	return true;
}

void places_clear(void)
{
	while (oracle.placed_count > 0)
		oracle.place[oracle.placed[--oracle.placed_count]] = (struct place){ .kind = PLACE_NONE };
}
