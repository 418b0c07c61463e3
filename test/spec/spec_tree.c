/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec_tree.h"

#include <string.h>

#include "spec_check.h"

#define ENTRIES 512u

static u64 (*node)[ENTRIES];
static u32 node_count, node_free, node_used;

/* A free node's first entry is the next one; node 0 is none. */
void spec_nodes(void *base, u32 count)
{
	node = base;
	node_count = count;
	node_free = 0;
	node_used = 1;
}

u64 *spec_node(u32 index) { return node[index]; }

static u32 node_get(void)
{
	u32 index = node_free;

	if (index != 0)
		node_free = (u32)node[index][0];
	else if (node_used < node_count)
		index = node_used++;
	else
		spec_fail("the specification has no memory for another table");
	memset(node[index], 0, sizeof(node[index]));
	return index;
}

static void node_put(u32 index)
{
	node[index][0] = node_free;
	node_free = index;
}

static u32 below(u64 entry) { return (u32)(entry >> 12); }
static u64 table_entry(u32 index) { return (u64)index << 12 | SPEC_TABLE; }

void tree_make(struct spec_tree *t)
{
	t->tables = t->mapped = 0;
	for (u32 i = 0; i < t->roots; i++)
		t->root[i] = node_get();
}

/* A table and all below it. */
static void drop(u32 table, int level)
{
	for (u32 i = 0; level < SPEC_LAST && i < ENTRIES; i++)
		if (node[table][i] & SPEC_TABLE)
			drop(below(node[table][i]), level + 1);
	node_put(table);
}

void tree_end(struct spec_tree *t)
{
	for (u32 i = 0; i < t->roots; i++)
		drop(t->root[i], t->start);
	t->roots = 0;
}

static u64 *root_slot(const struct spec_tree *t, u64 va)
{
	u64 index = va >> level_shift(t->start);

	return &node[t->root[index / ENTRIES]][index % ENTRIES];
}

static u64 *slot_below(u64 entry, u64 va, int level)
{
	return &node[below(entry)][va >> level_shift(level) & (ENTRIES - 1)];
}

u64 *tree_slot(const struct spec_tree *t, u64 va, int level)
{
	u64 *slot = root_slot(t, va);

	for (int l = t->start; l < level; l++) {
		if (!(*slot & SPEC_TABLE))
			return NULL;
		slot = slot_below(*slot, va, l + 1);
	}
	return slot;
}

u64 tree_entry(const struct spec_tree *t, u64 va, int *level)
{
	u64 *slot = root_slot(t, va);

	for (*level = t->start; *slot & SPEC_TABLE; ++*level)
		slot = slot_below(*slot, va, *level + 1);
	return *slot;
}

bool tree_lookup(const struct spec_tree *t, u64 va, u64 *out, u32 *prot)
{
	int level;
	u64 entry;

	if (va >> t->bits != 0)
		return false;
	entry = tree_entry(t, va, &level);
	if (entry == 0)
		return false;
	*out = leaf_out(entry) + (va & (level_size(level) - 1));
	*prot = leaf_prot_of(entry);
	return true;
}

bool tree_empty(u64 table)
{
	for (u32 i = 0; i < ENTRIES; i++)
		if (node[below(table)][i] != 0)
			return false;
	return true;
}

static void link_slot(struct spec_tree *t, u64 *slot)
{
	if (*slot != 0)
		return;
	*slot = table_entry(node_get());
	t->tables++;
}

/* The slot, with all tables above it. */
static u64 *reach(struct spec_tree *t, u64 va, int level)
{
	u64 *slot = root_slot(t, va);

	for (int l = t->start; l < level; l++) {
		link_slot(t, slot);
		slot = slot_below(*slot, va, l + 1);
	}
	return slot;
}

void tree_link(struct spec_tree *t, u64 va, int level) { link_slot(t, reach(t, va, level)); }

void tree_unlink(struct spec_tree *t, u64 va, int level)
{
	u64 *slot = tree_slot(t, va, level);

	node_put(below(*slot));
	*slot = 0;
	t->tables--;
}

void tree_put(struct spec_tree *t, u64 va, int level, u64 entry)
{
	u64 *slot = reach(t, va, level);

	if (*slot & SPEC_TABLE) {
		node_put(below(*slot));
		t->tables--;
	}
	*slot = entry;
	t->mapped += level_size(level);
}

void tree_clear(struct spec_tree *t, u64 va, int level)
{
	*tree_slot(t, va, level) = 0;
	t->mapped -= level_size(level);
}

u32 tree_table(struct spec_tree *t, u64 *slot)
{
	if (!(*slot & SPEC_TABLE))
		*slot = table_entry(node_get());
	t->tables++;
	return below(*slot);
}

void tree_set(u64 *slot, int level, u64 entry)
{
	if (*slot & SPEC_TABLE)
		drop(below(*slot), level + 1);
	*slot = entry;
}

void tree_split(struct spec_tree *t, u64 va, int level)
{
	u64 *slot = tree_slot(t, va, level), leaf = *slot;
	u32 table = node_get();

	for (u32 i = 0; i < ENTRIES; i++)
		node[table][i] = leaf + i * level_size(level + 1);
	*slot = table_entry(table);
	t->tables++;
}

bool tree_merge(struct spec_tree *t, u64 va, int level)
{
	u64 *slot = tree_slot(t, va, level), first;
	const u64 *table;

	if (!(t->sizes & level_size(level)) || slot == NULL || !(*slot & SPEC_TABLE))
		return false;
	table = node[below(*slot)];
	first = table[0];
	if (!(first & SPEC_LEAF) || (leaf_out(first) & (level_size(level) - 1)) != 0)
		return false;
	for (u32 i = 1; i < ENTRIES; i++)
		if (table[i] != first + i * level_size(level + 1))
			return false;
	node_put(below(*slot));
	*slot = first;
	t->tables--;
	return true;
}

bool tree_next(const struct spec_tree *t, u64 from, u64 end, u64 *va, int *level, u64 *entry)
{
	while (from < end) {
		const u64 *slot = root_slot(t, from);

		for (*level = t->start; *slot & SPEC_TABLE; ++*level)
			slot = slot_below(*slot, from, *level + 1);
		from &= ~(level_size(*level) - 1);
		/* Along the table; below the next entry that is a table, from its beginning on. */
		while (*slot == 0) {
			from += level_size(*level);
			if (from >= end || (from >> level_shift(*level)) % ENTRIES == 0)
				break;
			slot++;
		}
		if (*slot != 0 && !(*slot & SPEC_TABLE)) {
			*va = from;
			*entry = *slot;
			return true;
		}
	}
	return false;
}
