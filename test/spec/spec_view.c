/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec_view.h"

static bool page_take(struct spec_call *c, u64 *pool)
{
	if (c->fails_at != 0 && --c->fails_at == 0)
		return false;
	if (*pool == 0)
		return false;
	--*pool;
	return true;
}

/* The leaf that comes next: the largest that fits where no table is in the way; pages up to where a block may begin. */
static s64 piece(const struct spec_tree *t, u64 va, u64 out, u64 left, int *level, u64 *size)
{
	int found;

	if (tree_entry(t, va, &found) != 0)
		return PC_EXISTS;
	for (*level = 1; *level < SPEC_LAST; ++*level) {
		*size = level_size(*level);
		if ((t->sizes & *size) && ((va | out) & (*size - 1)) == 0 && left >= *size && found <= *level)
			return PC_SUCCESS;
	}
	*size = SPEC_BLOCK - (va & (SPEC_BLOCK - 1));
	if (*size > left)
		*size = left;
	return PC_SUCCESS;
}

/* Every table above one leaf. */
static s64 link_above(struct spec_call *c, struct view_edit *e, u64 va, int level)
{
	for (int l = e->tree->start; l < level; l++) {
		const u64 *slot = tree_slot(e->tree, va, l);

		if (*slot & SPEC_TABLE)
			continue;
		if (*slot != 0)
			return PC_EXISTS;
		if (e->count == ARRAY_SIZE(e->made) || !page_take(c, e->pool))
			return PC_NO_MEMORY;
		tree_link(e->tree, va, l);
		e->made[e->count].va = va;
		e->made[e->count++].level = l;
	}
	return PC_SUCCESS;
}

static s64 link_piece(struct spec_call *c, struct view_edit *e, u64 va, u64 size, int level)
{
	s64 status = link_above(c, e, va, level);

	for (u64 at = va; status == PC_SUCCESS && at < va + size; at += level_size(level))
		if (*tree_slot(e->tree, at, level) != 0)
			status = PC_EXISTS;
	return status;
}

static void unroom(struct view_edit *e)
{
	while (e->count > 0) {
		e->count--;
		tree_unlink(e->tree, e->made[e->count].va, e->made[e->count].level);
		++*e->pool;
	}
}

static s64 room(struct spec_call *c, struct spec_tree *t, u64 *pool, u64 at, u64 out, u64 size, struct view_edit *edit)
{
	s64 status = PC_SUCCESS;
	u64 take;
	int level;

	edit->tree = t;
	edit->pool = pool;
	edit->count = 0;
	if (size == 0 || (at + size - 1) >> t->bits != 0)
		return PC_INVALID_PARAMETER;
	look_tree(&c->look, t, at, size);
	for (u64 done = 0; status == PC_SUCCESS && done < size; done += take) {
		status = piece(t, at + done, out + done, size - done, &level, &take);
		if (status == PC_SUCCESS)
			status = link_piece(c, edit, at + done, take, level);
	}
	if (status != PC_SUCCESS)
		unroom(edit);
	return status;
}

static void fill(struct spec_call *c, struct spec_tree *t, u64 at, u64 out, u64 size, u32 prot)
{
	u64 take;
	int level;

	for (u64 done = 0; done < size; done += take) {
		if (piece(t, at + done, out + done, size - done, &level, &take) != PC_SUCCESS)
			spec_fail("a view was prepared at 0x%llx, and is mapped", (unsigned long long)(at + done));
		for (u64 k = 0; k < take; k += level_size(level))
			tree_put(t, at + done + k, level, leaf_entry(out + done + k, prot));
	}
	look_tree(&c->look, t, at, size);
}

static u64 *pool_of(struct spec_vm *vm) { return vm_index(vm) == 0 ? &spec->hyp_free : &vm->w.pool_free; }

s64 views_room(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, struct view_room *made)
{
	s64 status = room(c, &vm->cpu, pool_of(vm), at, out, size, &made->cpu);

	made->dma.count = 0;
	if (status != PC_SUCCESS || vm->dma.roots == 0)
		return status;
	status = room(c, &vm->dma, pool_of(vm), at, out, size, &made->dma);
	if (status != PC_SUCCESS)
		unroom(&made->cpu);
	return status;
}

void views_unroom(struct view_room *made)
{
	unroom(&made->dma);
	unroom(&made->cpu);
}

void views_fill(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, u32 cpu, u32 dma)
{
	if (vm->dma.roots > 0)
		fill(c, &vm->dma, at, out, size, dma);
	fill(c, &vm->cpu, at, out, size, cpu);
}

/* What hardware keeps of a prot: stage 1 has no write-only, stage 2 no privilege; nothing of ours needs either. */
s64 views_add(struct spec_call *c, struct spec_vm *vm, u64 at, u64 out, u64 size, u32 cpu, u32 dma)
{
	struct view_room made;
	s64 status = views_room(c, vm, at, out, size, &made);

	if (status == PC_SUCCESS)
		views_fill(c, vm, at, out, size, cpu, dma);
	return status;
}

/* --- blocks */

static bool merge(struct spec_call *c, struct spec_tree *t, u64 va, int level)
{
	if (!tree_merge(t, va, level))
		return false;
	spec->hyp_free++;
	look_tree(&c->look, t, va & ~(level_size(level) - 1), level_size(level));
	return true;
}

static void merge_at(struct spec_call *c, u64 va)
{
	struct spec_vm *p = &spec->vm[0];

	if (merge(c, &p->dma, va, 2))
		merge(c, &p->dma, va, 1);
	if (merge(c, &p->cpu, va, 2))
		merge(c, &p->cpu, va, 1);
}

static bool run_is_primary(u64 va)
{
	u64 first = page_number(va);

	if (first == NO_PAGE)
		return false;
	first -= first % (SPEC_BLOCK / SPEC_PAGE);
	for (u64 n = first; n < first + SPEC_BLOCK / SPEC_PAGE; n++)
		if (spec->page[n].owner != 1 || spec->page[n].state != PAGE_MINE)
			return false;
	return true;
}

void primary_merge(struct spec_call *c, u64 pa, u64 size)
{
	for (u64 va = pa & ~(SPEC_BLOCK - 1); va < pa + size; va += SPEC_BLOCK)
		if (run_is_primary(va))
			merge_at(c, va);
}

static void merge_piece(struct spec_call *c, struct spec_vm *vm, struct spec_tree *t, u64 at)
{
	if (!tree_merge(t, at, 2))
		return;
	vm->w.pool_free++;
	look_tree(&c->look, t, at & ~(SPEC_BLOCK - 1), SPEC_BLOCK);
}

void secondary_merge(struct spec_call *c, struct spec_vm *vm, u64 at)
{
	if (vm->dma.roots > 0)
		merge_piece(c, vm, &vm->dma, at);
	merge_piece(c, vm, &vm->cpu, at);
}

static s64 split_at(struct spec_call *c, struct spec_tree *t, u64 *pool, u64 va)
{
	int level;

	while (va >> t->bits == 0 && tree_entry(t, va, &level) != 0 && (va & (level_size(level) - 1)) != 0) {
		if (!page_take(c, pool))
			return PC_NO_MEMORY;
		tree_split(t, va, level);
		look_tree(&c->look, t, va & ~(level_size(level) - 1), level_size(level));
	}
	return PC_SUCCESS;
}

static s64 split_edges(struct spec_call *c, struct spec_tree *t, u64 *pool, u64 va, u64 size)
{
	s64 status = split_at(c, t, pool, va);

	return status == PC_SUCCESS ? split_at(c, t, pool, va + size) : status;
}

static void clear(struct spec_call *c, struct spec_tree *t, u64 va, u64 size)
{
	u64 at = va, entry;
	int level;

	look_tree(&c->look, t, va, size);
	while (tree_next(t, at, va + size, &at, &level, &entry)) {
		tree_clear(t, at, level);
		at += level_size(level);
	}
}

s64 primary_remove(struct spec_call *c, u64 pa, u64 size)
{
	struct spec_vm *p = &spec->vm[0];
	s64 status = split_edges(c, &p->dma, &spec->hyp_free, pa, size);

	if (status == PC_SUCCESS)
		status = split_edges(c, &p->cpu, &spec->hyp_free, pa, size);
	if (status != PC_SUCCESS) { /* what was split for it is whole again */
		merge_at(c, pa);
		if ((pa + size) >> p->cpu.bits == 0)
			merge_at(c, pa + size);
		return status;
	}
	clear(c, &p->dma, pa, size);
	clear(c, &p->cpu, pa, size);
	return PC_SUCCESS;
}

s64 secondary_remove(struct spec_call *c, struct spec_vm *vm, u64 at, u64 size)
{
	const bool dma = vm->dma.roots > 0;
	u64 tables = vm->dma.tables;
	s64 status = PC_SUCCESS;

	if (dma)
		status = split_edges(c, &vm->dma, &vm->w.pool_free, at, size);
	if (status == PC_SUCCESS)
		status = split_edges(c, &vm->cpu, &vm->w.pool_free, at, size);
	if (status != PC_SUCCESS) {
		if (vm->dma.tables != tables)
			merge_piece(c, vm, &vm->dma, at);
		return status;
	}
	if (dma)
		clear(c, &vm->dma, at, size);
	clear(c, &vm->cpu, at, size);
	return PC_SUCCESS;
}

void views_settle(void)
{
	for (u32 i = 0; i < SPEC_VMS; i++)
		if (spec->vm[i].w.life != VM_NONE) {
			spec->vm[i].w.cpu_tables = spec->vm[i].cpu.tables;
			spec->vm[i].w.dma_tables = spec->vm[i].dma.tables;
		}
}
