/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one page-table walker. A format file defines `struct pt_format` constants and instantiates
 * the operations with PT_DEFINE_OPS; since the format is a compile-time constant there, every
 * indirection below folds away. Tables hold 512 64-bit entries; level 3 maps 4 KiB.
 */
#ifndef HYP_PT_WALK_H
#define HYP_PT_WALK_H

#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/pool.h"
#include "hyp/pt.h"

/* Copies of the body of a loop over entries: a format that is not in a hot path says 1, and shares the longest loops (pt.c). */
#ifndef PT_UNROLL
#define PT_UNROLL 4
#endif

#define PT_LAST 3
/* The most empty tables that one edit unlinks: each costs a scan of its entries. */
#define PT_UNLINK_MAX 8

struct pt_format {
	u8 start_level;
	u8 va_bits;
	u8 root_pages;
	u64 (*table)(u64 page);                     /* entry that points to a table */
	u64 (*leaf)(u64 out, u32 prot, int level);  /* entry that maps */
	bool (*is_table)(u64 entry, int level);     /* of a non-zero entry */
	u64 (*out)(u64 entry);                      /* output or table address */
	u32 (*prot)(u64 entry);
};

static ALWAYS_INLINE u32 pt_level_shift(int level)
{
	return PAGE_SHIFT + 9u * (u32)(PT_LAST - level);
}

static ALWAYS_INLINE int pt_shift_level(u8 shift)
{
	return PT_LAST - (shift - PAGE_SHIFT) / 9;
}

static ALWAYS_INLINE u64 *pt_slot(const struct pt_format *f, u64 *table, u64 va, int level)
{
	u64 index = va >> pt_level_shift(level);

	/* Concatenated roots are indexed by more than nine bits. */
	if (level != f->start_level)
		index &= PT_ENTRIES - 1;
	return table + index;
}

static ALWAYS_INLINE void pt_store(const struct pt *pt, u64 *slot, u64 entry)
{
	io_table_write(slot, entry);
	if (unlikely(pt->clean))
		io_clean(slot, sizeof(*slot));
}

/* The slot at `level` on the way to va; NULL when a table above is missing or a block maps it. */
static ALWAYS_INLINE u64 *pt_descend(const struct pt_format *f, const struct pt *pt, u64 va,
				     int level, int *found)
{
	u64 *table = io_phys(pt->root);

	for (int l = f->start_level;; l++) {
		u64 *slot = pt_slot(f, table, va, l);
		u64 entry;

		*found = l;
		if (l == level)
			return slot;
		entry = *slot;
		if (entry == 0 || !f->is_table(entry, l))
			return slot;
		table = io_phys(pa(f->out(entry)));
	}
}

/* The table of 4 KiB leaves for va by the cache, or NULL. */
static ALWAYS_INLINE u64 *pt_cached(const struct pt *pt, u64 va)
{
	return likely(pt->last_slot == va >> PT_SHIFT_2M) ? pt->last : NULL;
}

static ALWAYS_INLINE bool pt_table_empty(const u64 *table)
{
	for (u32 i = 0; i < PT_ENTRIES; i += 4)
		if (table[i] | table[i + 1] | table[i + 2] | table[i + 3])
			return false;
	return true;
}

static ALWAYS_INLINE bool pt_edit_room(const struct pt_edit *edit)
{
	return edit->count < PT_EDIT_MAX;
}

static ALWAYS_INLINE void pt_edit_add(struct pt_edit *edit, u64 *slot, u64 new, u64 va, u32 shift,
				      u64 page)
{
	CHECK(pt_edit_room(edit));
	edit->step[edit->count++] = (struct pt_edit_step){
		.slot = slot,
		.old = *slot,
		.new = new,
		.va = va >> shift << shift,
		.page = pa(page),
		.shift = (u8)shift,
	};
}

static NOINLINE UNUSED enum status pt_link_table(const struct pt_format *f, struct pt *pt,
						 struct pt_edit *edit, u64 *slot, u64 va,
						 int level)
{
	enum status status;
	u64 entry;
	pa_t page;

	if (!pt_edit_room(edit))
		return E_NOMEM;
	status = pool_alloc(pt->pool, 0, &page);
	if (status != OK)
		return status;
	if (pt->clean)
		io_clean(io_phys(page), PAGE_SIZE);
	io_table_publish();
	entry = f->table(page.v);
	pt_edit_add(edit, slot, entry, va, pt_level_shift(level), page.v);
	pt_store(pt, slot, entry);
	pt->tables++;
	return OK;
}

/* Take an empty table out of the place where a block shall go. */
static NOINLINE UNUSED enum status pt_unlink_empty(const struct pt_format *f, struct pt *pt,
						   struct pt_edit *edit, u64 *slot, u64 va,
						   int level)
{
	const u64 *table = io_phys(pa(f->out(*slot)));

	if (level + 1 < PT_LAST) /* tables of tables: use smaller leaves below it */
		return E_TOOBIG;
	if (!pt_table_empty(table))
		return E_EXIST;
	if (edit->unlinked >= PT_UNLINK_MAX || !pt_edit_room(edit)) {
		edit->reached = va;
		return E_TOOBIG;
	}
	pt_edit_add(edit, slot, 0, va, pt_level_shift(level), f->out(*slot));
	edit->unlinked++;
	if (pt->last == table)
		pt->last_slot = ~0ull;
	pt_store(pt, slot, 0);
	pt->tables--;
	return OK;
}

/* The slot for a leaf at `level`, with every table above it linked. */
static ALWAYS_INLINE enum status pt_reach(const struct pt_format *f, struct pt *pt,
					  struct pt_edit *edit, u64 va, int level, u64 **out)
{
	u64 *table = io_phys(pt->root);
	enum status status;

	for (int l = f->start_level; l < level; l++) {
		u64 *slot = pt_slot(f, table, va, l);

		if (*slot == 0) {
			status = pt_link_table(f, pt, edit, slot, va, l);
			if (status != OK)
				return status;
		} else if (!f->is_table(*slot, l)) {
			return E_EXIST;
		}
		table = io_phys(pa(f->out(*slot)));
	}
	if (level == PT_LAST && !pt->uncached) {
		pt->last = table;
		pt->last_slot = va >> PT_SHIFT_2M;
	}
	*out = pt_slot(f, table, va, level);
	return OK;
}

static ALWAYS_INLINE bool pt_slots_empty(const u64 *slot, u64 count)
{
	u64 any = 0;

#pragma clang loop unroll_count(PT_UNROLL)
	for (u64 i = 0; i < count; i++)
		any |= slot[i];
	return any == 0;
}

/* `count` leaves from a first entry on. */
static ALWAYS_INLINE void pt_fill(const struct pt *pt, u64 *slot, u64 count, u64 entry, u64 step)
{
	if (PT_UNROLL == 1)
		return pt_leaves_fill(pt, slot, count, entry, step);
#pragma clang loop unroll_count(PT_UNROLL)
	for (u64 i = 0; i < count; i++, entry += step)
		io_table_write(slot + i, entry);
	if (unlikely(pt->clean))
		io_clean(slot, count * sizeof(*slot));
}

/* How many of the entries from slot on, at most `max`, continue the first one. */
static ALWAYS_INLINE u64 pt_count_run(const u64 *slot, u64 max, u64 step)
{
	u64 entry = *slot, i = 1;

#pragma clang loop unroll_count(PT_UNROLL)
	for (; i < max; i++) {
		entry += step;
		if (slot[i] != entry)
			break;
	}
	return i;
}

static ALWAYS_INLINE enum status pt_prepare(const struct pt_format *f, struct pt *pt,
					    struct pt_edit *edit, u64 va, u64 size, u8 shift)
{
	int level = pt_shift_level(shift);
	u64 end = va + size;

	while (va < end) {
		u64 table_end = align_down(va, 512ull << shift) + (512ull << shift);
		u64 stop = end < table_end ? end : table_end;
		u64 *table = level == PT_LAST ? pt_cached(pt, va) : NULL;
		u64 *slot;

		if (table != NULL) {
			slot = table + (va >> PAGE_SHIFT) % PT_ENTRIES;
		} else {
			enum status status = pt_reach(f, pt, edit, va, level, &slot);

			if (unlikely(status != OK))
				return status;
		}
		if (likely(pt_slots_empty(slot, (stop - va) >> shift))) {
			va = stop;
			continue;
		}
		for (; va < stop; va += 1ull << shift, slot++) {
			if (*slot == 0)
				continue;
			if (level == PT_LAST || !f->is_table(*slot, level))
				return E_EXIST;
			enum status status = pt_unlink_empty(f, pt, edit, slot, va, level);

			if (status != OK)
				return status;
		}
	}
	return OK;
}

static ALWAYS_INLINE bool pt_undo(struct pt *pt, struct pt_edit *edit)
{
	u32 taken = 0;

	for (u32 i = edit->count; i-- > 0;) {
		const struct pt_edit_step *step = &edit->step[i];

		pt_store(pt, step->slot, step->old);
		if (step->old != 0) { /* an empty table goes back where it was */
			pt->tables++;
		} else {
			pt->tables--;
			taken++;
		}
	}
	pt->last_slot = ~0ull;
	io_table_publish();
	edit->undone = true;
	return taken > 0;
}

/* What no entry points to any more: the linked tables of an undone edit, else the unlinked. */
static ALWAYS_INLINE void pt_finish(struct pt *pt, struct pt_edit *edit)
{
	for (u32 i = edit->count; i-- > 0;) {
		const struct pt_edit_step *step = &edit->step[i];

		if ((step->old == 0) == edit->undone)
			pool_free(pt->pool, 0, step->page);
	}
	edit->count = 0;
	edit->unlinked = 0;
	edit->undone = false;
}

static ALWAYS_INLINE void pt_commit(const struct pt_format *f, struct pt *pt, u64 va, u64 out,
				    u64 size, u8 shift, u32 prot)
{
	int level = pt_shift_level(shift);
	u64 end = va + size;
	u64 entry = f->leaf(out, prot, level);

	while (va < end) {
		u64 table_end = align_down(va, 512ull << shift) + (512ull << shift);
		u64 stop = end < table_end ? end : table_end;
		u64 *table = level == PT_LAST ? pt_cached(pt, va) : NULL;
		u64 *slot;
		int found;

		if (table != NULL) {
			slot = table + (va >> PAGE_SHIFT) % PT_ENTRIES;
		} else {
			slot = pt_descend(f, pt, va, level, &found);
			CHECK(found == level);
		}
		pt_fill(pt, slot, (stop - va) >> shift, entry, 1ull << shift);
		entry += stop - va;
		va = stop;
	}
	io_table_publish();
}

static ALWAYS_INLINE bool pt_lookup(const struct pt_format *f, const struct pt *pt, u64 va,
				    u64 limit, struct pt_run *run)
{
	u64 *table = pt_cached(pt, va);
	int level = PT_LAST;
	u64 *slot, entry, size;

	if (likely(table != NULL))
		slot = table + (va >> PAGE_SHIFT) % PT_ENTRIES;
	else
		slot = pt_descend(f, pt, va, PT_LAST, &level);
	entry = *slot;
	size = 1ull << pt_level_shift(level);
	run->va = va & ~(size - 1);
	run->size = size;
	run->shift = (u8)pt_level_shift(level);
	if (entry == 0)
		return false;
	run->out = f->out(entry);
	run->prot = f->prot(entry);
	if (limit > run->va + size) {
		u64 end = align_down(run->va, 512 * size) + 512 * size;

		if (end > limit)
			end = limit;
		run->size = pt_count_run(slot, (end - run->va + size - 1) >> run->shift, size)
			    << run->shift;
	}
	return true;
}

/* The slot of va at a level if every table above it is there, by the cache or by a walk. */
static ALWAYS_INLINE u64 *pt_find_slot(const struct pt_format *f, struct pt *pt, u64 va, u8 shift)
{
	int found, level = pt_shift_level(shift);
	u64 *slot;

	if (shift == PT_SHIFT_4K) {
		u64 *table = pt_cached(pt, va);

		if (likely(table != NULL))
			return table + (va >> PAGE_SHIFT) % PT_ENTRIES;
	}
	slot = pt_descend(f, pt, va, level, &found);
	if (found != level)
		return NULL;
	if (shift == PT_SHIFT_4K && !pt->uncached) {
		pt->last = slot - (va >> PAGE_SHIFT) % PT_ENTRIES;
		pt->last_slot = va >> PT_SHIFT_2M;
	}
	return slot;
}

static ALWAYS_INLINE bool pt_one_table(u64 va, u64 size, u8 shift)
{
	return (va ^ (va + size - 1)) >> (shift + 9) == 0;
}

static ALWAYS_INLINE bool pt_try_map(const struct pt_format *f, struct pt *pt, u64 va, u64 out,
				     u64 size, u8 shift, u32 prot)
{
	u64 *slot, entry;

	if (unlikely(!pt_one_table(va, size, shift)))
		return false;
	slot = pt_find_slot(f, pt, va, shift);
	if (unlikely(slot == NULL))
		return false;
	entry = f->leaf(out, prot, pt_shift_level(shift));
	if (likely(size == 1ull << shift)) {
		if (unlikely(*slot != 0))
			return false;
		pt_store(pt, slot, entry);
	} else {
		if (unlikely(!pt_slots_empty(slot, size >> shift)))
			return false;
		pt_fill(pt, slot, size >> shift, entry, 1ull << shift);
	}
	io_table_publish();
	return true;
}

/* Are all of `count` slots the leaves that follow the first, each `step` further? No branch for each. */
static ALWAYS_INLINE bool pt_is_run(const u64 *slot, u64 count, u64 step)
{
	u64 entry, differ = 0;

	if (PT_UNROLL == 1)
		return pt_leaves_follow(slot, count, step);
	entry = *slot;
#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++, entry += step)
		differ |= slot[i] ^ entry;
	return differ == 0;
}

static ALWAYS_INLINE bool pt_try_clear(const struct pt_format *f, struct pt *pt, u64 va, u64 size,
				       u8 shift, struct pt_run *run)
{
	int level = pt_shift_level(shift);
	u64 *slot;

	if (unlikely(!pt_one_table(va, size, shift)))
		return false;
	slot = pt_find_slot(f, pt, va, shift);
	if (unlikely(slot == NULL || *slot == 0 || (level < PT_LAST && f->is_table(*slot, level))))
		return false;
	if (size != 1ull << shift &&
	    unlikely(!pt_is_run(slot, size >> shift, 1ull << shift)))
		return false;
	run->va = va;
	run->size = size;
	run->out = f->out(*slot);
	run->prot = f->prot(*slot);
	run->shift = shift;
	if (likely(size == 1ull << shift))
		pt_store(pt, slot, 0);
	else
		pt_fill(pt, slot, size >> shift, 0, 0);
	io_table_publish();
	return true;
}

static ALWAYS_INLINE void pt_clear(const struct pt_format *f, struct pt *pt,
				   const struct pt_run *run)
{
	u64 *table = run->shift == PT_SHIFT_4K ? pt_cached(pt, run->va) : NULL;
	u64 count = run->size >> run->shift;
	u64 *slot;
	int found;

	if (table != NULL) {
		slot = table + (run->va >> PAGE_SHIFT) % PT_ENTRIES;
	} else {
		slot = pt_descend(f, pt, run->va, pt_shift_level(run->shift), &found);
		CHECK(found == pt_shift_level(run->shift));
	}
	pt_fill(pt, slot, count, 0, 0);
	io_table_publish();
}

static ALWAYS_INLINE enum status pt_split_prepare(const struct pt_format *f, struct pt *pt, u64 va,
						  pa_t *table)
{
	enum status status;
	struct pt_run run;
	u64 *entry, leaf;
	u64 step;

	CHECK(pt_lookup(f, pt, va, va, &run));
	CHECK(run.shift > PAGE_SHIFT);
	status = pool_alloc(pt->pool, 0, table);
	if (status != OK)
		return status;
	entry = io_phys(*table);
	step = 1ull << (run.shift - 9);
	leaf = f->leaf(run.out, run.prot, pt_shift_level(run.shift) + 1);
	pt_leaves_fill(pt, entry, PT_ENTRIES, leaf, step);
	io_table_publish();
	return OK;
}

static ALWAYS_INLINE void pt_split_commit(const struct pt_format *f, struct pt *pt, u64 va,
					  u8 shift, pa_t table)
{
	int level = pt_shift_level(shift);
	int found;
	u64 *slot = pt_descend(f, pt, va, level, &found);

	CHECK(found == level && (*slot == 0 || !f->is_table(*slot, level)));
	pt_store(pt, slot, f->table(table.v));
	io_table_publish();
	pt->tables++;
}

/* The slot of a table that is one block in small pieces, and that block; NULL: it is not. */
static NOINLINE UNUSED u64 *pt_mergeable(const struct pt_format *f, struct pt *pt, u64 va, u8 shift,
					 struct pt_run *block)
{
	int level = pt_shift_level(shift);
	u64 step = 1ull << (shift - 9);
	u64 *slot, *table, entry;
	int found;

	if (!(pt->leaf_sizes & (1u << shift)))
		return NULL;
	slot = pt_descend(f, pt, va, level, &found);
	if (found != level || *slot == 0 || !f->is_table(*slot, level))
		return NULL;
	table = io_phys(pa(f->out(*slot)));
	entry = table[0];
	if (entry == 0 || (level + 1 < PT_LAST && f->is_table(entry, level + 1)) ||
	    (f->out(entry) & ((1ull << shift) - 1)) != 0)
		return NULL;
	if (!pt_leaves_follow(table, PT_ENTRIES, step))
		return NULL;
	*block = (struct pt_run){
		.va = va >> shift << shift,
		.out = f->out(entry),
		.size = 1ull << shift,
		.prot = f->prot(entry),
		.shift = shift,
	};
	return slot;
}

/* Put `entry` in the place of a table, which the edit keeps until it is in no cache. */
static NOINLINE UNUSED void pt_replace_table(const struct pt_format *f, struct pt *pt, u64 *slot,
					     u64 va, u8 shift, u64 entry, struct pt_edit *edit)
{
	u64 page = f->out(*slot);

	pt_edit_add(edit, slot, entry, va, shift, page);
	edit->unlinked++;
	if (pt->last == (u64 *)io_phys(pa(page)))
		pt->last_slot = ~0ull;
	pt_store(pt, slot, entry);
	io_table_publish();
	pt->tables--;
}

static ALWAYS_INLINE bool pt_merge(const struct pt_format *f, struct pt *pt, u64 va, u8 shift,
				   struct pt_edit *edit, struct pt_run *block)
{
	u64 *slot = pt_mergeable(f, pt, va, shift, block);

	if (slot == NULL || !pt_edit_room(edit))
		return false;
	pt_replace_table(f, pt, slot, va, shift, 0, edit);
	return true;
}

static ALWAYS_INLINE bool pt_merge_live(const struct pt_format *f, struct pt *pt, u64 va, u8 shift,
					struct pt_edit *edit)
{
	struct pt_run block;
	u64 *slot = pt_mergeable(f, pt, va, shift, &block);

	if (slot == NULL || !pt_edit_room(edit))
		return false;
	pt_replace_table(f, pt, slot, va, shift,
			 f->leaf(block.out, block.prot, pt_shift_level(shift)), edit);
	return true;
}

static ALWAYS_INLINE void pt_release(const struct pt_format *f, struct pt *pt, u64 *slot)
{
	pa_t page = pa(f->out(*slot));

	pt_store(pt, slot, 0);
	pt->tables--;
	pool_free(pt->pool, 0, page);
}

/* Slots that are looked at in vain in the time of a table that is released. */
#define PT_DESTROY_LOOKS 64u

/* The first slot from `at` on that holds a table; else `limit`. */
static ALWAYS_INLINE u32 pt_next_table(const struct pt_format *f, const u64 *table, u32 at, u32 limit, int level)
{
	while (at < limit && (table[at] == 0 || !f->is_table(table[at], level)))
		at++;
	return at;
}

/*
 * Free tables bottom up without recursion: each pass goes down the first branch that still has
 * tables below and frees the deepest one, so the depth is constant and a step can stop anywhere.
 */
static ALWAYS_INLINE u32 pt_destroy(const struct pt_format *f, struct pt *pt, u32 budget)
{
	u64 *path[PT_LAST + 1];
	u32 next[PT_LAST + 1];
	int level = f->start_level;
	u32 before = pt->tables, looks = 0;

	pt->last_slot = ~0ull;
	path[level] = io_phys(pt->root);
	next[level] = 0;
	/* However long the way to it is, one table goes. */
	while (pt->tables > 0 && (before - pt->tables + looks / PT_DESTROY_LOOKS < budget || pt->tables == before)) {
		u32 limit = level == f->start_level ? PT_ENTRIES * f->root_pages : PT_ENTRIES;
		u32 from = next[level], at = pt_next_table(f, path[level], from, limit, level);
		u64 *slot = path[level] + at;

		looks += at - from;
		next[level] = at + 1;
		if (at == limit) {
			/* Everything below this table is gone: so is the table. */
			CHECK(level > f->start_level);
			level--;
			pt_release(f, pt, path[level] + next[level] - 1);
		} else if (level + 1 == PT_LAST) { /* a table of leaves: nothing below it */
			pt_release(f, pt, slot);
		} else {
			path[++level] = io_phys(pa(f->out(*slot)));
			next[level] = 0;
		}
	}
	return before - pt->tables + looks / PT_DESTROY_LOOKS;
}

#define PT_DEFINE_OPS(name, format, stage_, sizes)                                               \
	static enum status name##_prepare(struct pt *pt, struct pt_edit *edit, u64 va, u64 size, \
					  u8 shift)                                              \
	{                                                                                        \
		return pt_prepare(&(format), pt, edit, va, size, shift);                         \
	}                                                                                        \
	static bool name##_undo(struct pt *pt, struct pt_edit *edit)                             \
	{                                                                                        \
		return pt_undo(pt, edit);                                                        \
	}                                                                                        \
	static void name##_finish(struct pt *pt, struct pt_edit *edit)                           \
	{                                                                                        \
		pt_finish(pt, edit);                                                             \
	}                                                                                        \
	static void name##_commit(struct pt *pt, u64 va, u64 out, u64 size, u8 shift, u32 prot)  \
	{                                                                                        \
		pt_commit(&(format), pt, va, out, size, shift, prot);                            \
	}                                                                                        \
	static bool name##_lookup(const struct pt *pt, u64 va, u64 limit, struct pt_run *run)    \
	{                                                                                        \
		return pt_lookup(&(format), pt, va, limit, run);                                 \
	}                                                                                        \
	static bool name##_try_map(struct pt *pt, u64 va, u64 out, u64 size, u8 shift, u32 prot) \
	{                                                                                        \
		if (likely(shift == PT_SHIFT_4K))                                                \
			return pt_try_map(&(format), pt, va, out, size, PT_SHIFT_4K, prot);      \
		return pt_try_map(&(format), pt, va, out, size, PT_SHIFT_2M, prot);              \
	}                                                                                        \
	static bool name##_try_clear(struct pt *pt, u64 va, u64 size, u8 shift,                  \
				     struct pt_run *run)                                         \
	{                                                                                        \
		if (likely(shift == PT_SHIFT_4K))                                                \
			return pt_try_clear(&(format), pt, va, size, PT_SHIFT_4K, run);          \
		return pt_try_clear(&(format), pt, va, size, PT_SHIFT_2M, run);                  \
	}                                                                                        \
	static void name##_clear(struct pt *pt, const struct pt_run *run)                        \
	{                                                                                        \
		pt_clear(&(format), pt, run);                                                    \
	}                                                                                        \
	static enum status name##_split_prepare(struct pt *pt, u64 va, pa_t *table)              \
	{                                                                                        \
		return pt_split_prepare(&(format), pt, va, table);                               \
	}                                                                                        \
	static void name##_split_commit(struct pt *pt, u64 va, u8 shift, pa_t table)             \
	{                                                                                        \
		pt_split_commit(&(format), pt, va, shift, table);                                \
	}                                                                                        \
	static bool name##_merge(struct pt *pt, u64 va, u8 shift, struct pt_edit *edit,          \
				 struct pt_run *block)                                           \
	{                                                                                        \
		return pt_merge(&(format), pt, va, shift, edit, block);                          \
	}                                                                                        \
	static bool name##_merge_live(struct pt *pt, u64 va, u8 shift, struct pt_edit *edit)     \
	{                                                                                        \
		return pt_merge_live(&(format), pt, va, shift, edit);                            \
	}                                                                                        \
	static u32 name##_destroy(struct pt *pt, u32 budget)                                     \
	{                                                                                        \
		return pt_destroy(&(format), pt, budget);                                        \
	}                                                                                        \
	const struct pt_ops name = {                                                             \
		.va_bits = (format).va_bits,                                                     \
		.root_pages = (format).root_pages,                                               \
		.stage = (stage_),                                                               \
		.leaf_sizes = (sizes),                                                           \
		.prepare = name##_prepare,                                                       \
		.undo = name##_undo,                                                             \
		.finish = name##_finish,                                                         \
		.commit = name##_commit,                                                         \
		.lookup = name##_lookup,                                                         \
		.try_map = name##_try_map,                                                       \
		.try_clear = name##_try_clear,                                                   \
		.clear = name##_clear,                                                           \
		.split_prepare = name##_split_prepare,                                           \
		.split_commit = name##_split_commit,                                             \
		.merge = name##_merge,                                                           \
		.merge_live = name##_merge_live,                                                 \
		.destroy = name##_destroy,                                                       \
	}

#endif
