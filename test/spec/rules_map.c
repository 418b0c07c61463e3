/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MAP_PAGES, UNMAP_PAGES and their lists (abi/pviommu.h). The interface leaves the count of a step open below 512 leaves and
 * 4,096 page records. This implementation promises more, which is what is checked: as much as the limits and the work of a
 * call allow, largest leaves that fit, so that whoever counts calls or pool pages can rely on it.
 */
#include "rules.h"

#include <string.h>

#include "spec.h"

#define PROT_RW   (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)
#define EMPTY_MAX 8u /* tables that make room for blocks, of one range */
#define TOO_MANY  1 /* not a status of the interface: so far and no further */
#define EDIT_MAX  32u /* tables that a step may touch */
#define PIN_MAX   0x7fffffffu

/* Leaves of one size side by side, input and output. */
struct chunk {
	u64 va, out, size;
	int level;
};
static struct chunk chunk[PVIOMMU_MAX_LEAVES];

static u32 chunks;

/*
 * What a call may still do. Beside what the interface counts there is work (V9), and all that a call finds to do takes of it:
 * entries of a list, runs of leaves and the leaves, looks into a secondary's memory, tables made and taken away, splits.
 */
struct budget {
	u64 leaves, records, work;
};
static const struct budget whole = { PVIOMMU_MAX_LEAVES, PVIOMMU_MAX_PAGES, 4800 };
enum work {
	MAP_PAGE = 1,
	MAP_BLOCK = 14,
	MAP_GIB = 1150,
	MAP_ENTRY = 16,
	MAP_RUN = 32,
	LOOK = 16,
	LOOK_PART = 4,
	TABLE = 28,
	UNLINK = 150,
	UNMAP_PAGE = 1,
	UNMAP_REGISTER = 4,
	UNMAP_BLOCK = 2,
	UNMAP_GIB = 200,
	UNMAP_ENTRY = 8,
	UNMAP_RUN = 29,
	SPLIT = 570,
};

static bool goes_on(const struct budget *b) { return b->leaves > 0 && b->work > 0; }
static void spend(struct budget *b, u64 work) { b->work -= work < b->work ? work : b->work; }

static u64 map_cost(int level) { return level == 1 ? MAP_GIB : level < SPEC_LAST ? MAP_BLOCK :
										   MAP_PAGE; }
static u64 unmap_cost(int level, u64 entry)
{
	if (level < SPEC_LAST)
		return level == 1 ? UNMAP_GIB : UNMAP_BLOCK;
	return leaf_prot_of(entry) & PVIOMMU_PROT_MMIO ? UNMAP_REGISTER : UNMAP_PAGE;
}

/* Tables that a step would make, before it makes any: the slot of the last one at each level. */
struct dry {
	u64 made[SPEC_LAST + 1];
	u32 edits, empty;
};

static bool args_ok(u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	return page_ok(iova | ipa | bytes) && iova + bytes >= iova && ipa + bytes >= ipa && (prot & ~(u64)PVIOMMU_PROT_ALL) == 0 &&
	       (prot & PROT_RW) != 0;
}

/* What hardware of the common format can keep of a prot. */
static u32 kept_prot(u64 prot)
{
	if (spec->paging.stage == 1)
		prot |= PVIOMMU_PROT_READ; /* there is no write-only */
	else
		prot &= ~(u64)PVIOMMU_PROT_PRIV;
	if (prot & PVIOMMU_PROT_MMIO)
		prot &= ~(u64)PVIOMMU_PROT_CACHE;
	return (u32)prot;
}

/* How much of [ipa, ipa + size) from its start on is one piece of the machine and of one kind of leaf. */
bool extent(const struct spec_vm *vm, u64 ipa, u64 size, u64 *out, u64 *room)
{
	u64 entry, next, leaf, end, at;
	int level, other;

	if ((ipa + size - 1) >> spec->cpu.bits != 0)
		return false;
	*out = ipa;
	*room = size;
	if (vm_index(vm) == 0)
		return true;
	entry = tree_entry(&vm->cpu, ipa, &level);
	if (entry == 0)
		return false;
	leaf = level_size(level);
	*out = leaf_out(entry) + (ipa & (leaf - 1));
	at = (ipa & ~(leaf - 1)) + leaf;
	end = (ipa & ~(512 * leaf - 1)) + 512 * leaf;
	for (next = entry + leaf; at < end && at < ipa + size; at += leaf, next += leaf)
		if (tree_entry(&vm->cpu, at, &other) != next || other != level)
			break;
	*room = at - ipa < size ? at - ipa : size;
	return true;
}

/* A block of 1 GiB is 512 runs of page records: four of them are a call's. */
#define GIB_RECORDS 512u
#define GIB_LEAVES  128u
static u64 leaf_work(int level) { return level == 1 ? GIB_LEAVES : 1; }

static bool runs_usable(const struct spec_vm *vm, u64 out, u64 size, bool write)
{
	for (u64 at = out; at < out + size; at += SPEC_BLOCK)
		if (!run_usable_by(at, vm, write) || spec->block_pins[page_number(at) / (SPEC_BLOCK / SPEC_PAGE)] == PIN_MAX)
			return false;
	return true;
}

/* No table, empty or not, makes room for a leaf of 1 GiB. */
static bool is_gib_free(const struct spec_tree *t, u64 va)
{
	const u64 *slot = tree_slot(t, va, 1);

	return slot == NULL || *slot == 0;
}

/* The leaves that come next at k->va and k->out: a block, or pages up to where a block may begin. k->size 0: it is the next call's. */
static s64 next_chunk(const struct spec_vm *vm, const struct spec_tree *t, const struct pviommu_map_entry *e, u64 room,
		      const struct budget *b, struct chunk *k)
{
	bool write = e->prot & PVIOMMU_PROT_WRITE;
	u64 pages = b->leaves < b->work ? b->leaves : b->work;

	for (k->level = 1; k->level < SPEC_LAST; k->level++) {
		k->size = level_size(k->level);
		if (!(t->sizes & k->size) || ((k->va | k->out) & (k->size - 1)) != 0 || room < k->size || (k->level == 1 && !is_gib_free(t, k->va)))
			continue;
		if (k->level == 1 && (b->leaves < GIB_LEAVES || b->work < MAP_GIB)) {
			k->size = 0;
			return PC_SUCCESS;
		}
		if (runs_usable(vm, k->out, k->size, write))
			return PC_SUCCESS;
	}
	k->size = room < pages * SPEC_PAGE ? room : pages * SPEC_PAGE;
	if (((k->va ^ k->out) & (SPEC_BLOCK - 1)) == 0 && k->size > SPEC_BLOCK - (k->va & (SPEC_BLOCK - 1)))
		k->size = SPEC_BLOCK - (k->va & (SPEC_BLOCK - 1));
	for (u64 at = k->out; at < k->out + k->size; at += SPEC_PAGE) {
		if (!page_usable_by(page_number(at), vm, write))
			return PC_FAULT;
		if (spec->page[page_number(at)].pins == PIN_MAX)
			return PC_BUSY;
	}
	return PC_SUCCESS;
}

/* A secondary's memory is looked up, as far as it goes on. */
static u64 look_cost(const struct spec_vm *vm, u64 room)
{
	u64 entries = room / SPEC_PAGE < 512 ? room / SPEC_PAGE : 512;

	return vm_index(vm) == 0 ? 0 : LOOK + entries / LOOK_PART;
}

static s64 plan_memory(struct spec_call *c, const struct spec_tree *t, const struct pviommu_map_entry *e, struct budget *b, u64 *done)
{
	u64 out = 0, room = 0;

	*done = 0;
	chunks = 0;
	while (*done < e->bytes && goes_on(b)) {
		struct chunk *k = &chunk[chunks];
		u64 look = 0, count;
		s64 status;

		if (room == 0) {
			if (!extent(c->vm, e->ipa + *done, e->bytes - *done, &out, &room))
				return PC_FAULT;
			look = look_cost(c->vm, room);
		}
		k->va = e->iova + *done;
		k->out = out;
		status = next_chunk(c->vm, t, e, room, b, k);
		if (status != PC_SUCCESS)
			return status;
		if (k->size == 0)
			break;
		count = k->size >> level_shift(k->level);
		b->leaves -= count * leaf_work(k->level);
		spend(b, look + count * map_cost(k->level));
		if (chunks == 0 || k[-1].level != k->level || k[-1].out + k[-1].size != k->out)
			spend(b, MAP_RUN);
		*done += k->size;
		out += k->size;
		room -= k->size;
		chunks++;
	}
	return PC_SUCCESS;
}

/* MMIO of one device of the VM, page by page. */
static s64 plan_mmio(struct spec_call *c, const struct pviommu_map_entry *e, struct budget *b, u64 *done)
{
	u64 most = (b->leaves < b->work ? b->leaves : b->work) * SPEC_PAGE;
	u64 size = e->bytes < most ? e->bytes : most, out, room;
	const struct spec_device *d;
	u32 range;

	chunks = 0;
	if (!extent(c->vm, e->ipa, size, &out, &room) || room != size)
		return PC_DENIED;
	d = device_of_range(out, size, &range);
	/* On its way home it is the primary's by name only. */
	if (d == NULL || d->w.vm != vm_index(c->vm) || d->w.state == DEV_QUARANTINED || (d->w.vm == 0 && d->w.mmio_away))
		return PC_DENIED;
	chunk[chunks++] = (struct chunk){ e->iova, out, size, SPEC_LAST };
	b->leaves -= size / SPEC_PAGE;
	spend(b, LOOK + look_cost(c->vm, room) + MAP_RUN + size / SPEC_PAGE);
	*done = size;
	return PC_SUCCESS;
}

/* Tables above a leaf: NO_MEMORY, or EXISTS where a larger leaf is. */
static s64 dry_tables(struct spec_call *c, const struct spec_tree *t, u64 va, int level, struct dry *dry)
{
	for (int l = t->start; l < level; l++) {
		const u64 *slot = tree_slot(t, va, l);

		if (slot != NULL && (*slot & SPEC_TABLE))
			continue;
		if (slot != NULL && *slot != 0)
			return PC_EXISTS;
		if (dry->made[l] == va >> level_shift(l))
			continue;
		if (dry->edits == EDIT_MAX || !pool_take(c, 0))
			return PC_NO_MEMORY;
		dry->edits++;
		dry->made[l] = va >> level_shift(l);
	}
	return PC_SUCCESS;
}

/* The places of the leaves: free, or empty tables where blocks go. Of TOO_MANY of those, k ends before the first that stays. */
static s64 dry_chunk(struct spec_call *c, const struct spec_tree *t, struct chunk *k, struct dry *dry)
{
	u64 leaf = level_size(k->level), part = 512 * leaf;

	for (u64 va = k->va; va < k->va + k->size; va += leaf) {
		const u64 *slot;

		if (va == k->va || (va & (part - 1)) == 0) {
			s64 status = dry_tables(c, t, va, k->level, dry);

			if (status != PC_SUCCESS)
				return status;
		}
		slot = tree_slot(t, va, k->level);
		if (slot == NULL || *slot == 0)
			continue;
		if (!(*slot & SPEC_TABLE))
			return PC_EXISTS;
		if (!tree_empty(*slot))
			return PC_EXISTS;
		if (dry->empty == EMPTY_MAX || dry->edits == EDIT_MAX) {
			k->size = va - k->va;
			return TOO_MANY;
		}
		dry->edits++;
		dry->empty++;
	}
	return PC_SUCCESS;
}

static s64 plan(struct spec_call *c, const struct spec_domain *d, const struct pviommu_map_entry *e, struct budget *b, u64 *done,
		u32 *empty)
{
	struct dry dry = { .made = { ~0ull, ~0ull, ~0ull, ~0ull } };
	s64 status;

	c->spent = 0;
	status = e->prot & PVIOMMU_PROT_MMIO ? plan_mmio(c, e, b, done) : plan_memory(c, &d->tree, e, b, done);
	for (u32 i = 0; status == PC_SUCCESS && i < chunks; i++) {
		status = dry_chunk(c, &d->tree, &chunk[i], &dry);
		if (status == TOO_MANY) {
			*done = chunk[i].va + chunk[i].size - e->iova;
			chunks = i + (chunk[i].size > 0);
			status = PC_SUCCESS;
		}
	}
	*empty = dry.empty;
	spend(b, (dry.edits - dry.empty) * TABLE + dry.empty * UNLINK);
	if (status != PC_SUCCESS)
		c->spent = 0;
	return status;
}

static void pin_chunk(const struct chunk *k, u32 prot)
{
	u32 range;

	if (prot & PVIOMMU_PROT_MMIO)
		device_of_range(k->out, k->size, &range)->w.mmio_pins += k->size / SPEC_PAGE;
	else
		pins_add(k->out, k->size, k->level < SPEC_LAST, 1);
}

static void map_chunk(struct spec_call *c, struct spec_domain *d, const struct chunk *k, u32 prot)
{
	for (u64 at = 0; at < k->size; at += level_size(k->level))
		tree_put(&d->tree, k->va + at, k->level, leaf_entry(k->out + at, kept_prot(prot)));
	pin_chunk(k, prot);
	look_pages(&c->look, k->out, k->size);
}

static void look_at_request(struct spec_call *c, const struct spec_domain *d, u64 iova, u64 bytes)
{
	u64 most = (u64)PVIOMMU_MAX_LEAVES * SPEC_BLOCK;

	look_tree(&c->look, &d->tree, iova, bytes < most ? bytes : most);
}

/* One range, of at least a page. */
static s64 map_one(struct spec_call *c, struct spec_domain *d, const struct pviommu_map_entry *e, struct budget *b, u64 *done)
{
	u32 empty;
	s64 status;

	look_at_request(c, d, e->iova, e->bytes);
	look_pages(&c->look, e->ipa, e->bytes < (PVIOMMU_MAX_LEAVES * SPEC_PAGE) ? e->bytes : PVIOMMU_MAX_LEAVES * SPEC_PAGE);
	*done = 0;
	if ((e->iova + e->bytes - 1) >> d->tree.bits != 0)
		return PC_INVALID_PARAMETER;
	status = plan(c, d, e, b, done, &empty);
	if (status != PC_SUCCESS) {
		*done = 0;
		return status;
	}
	for (u32 i = 0; i < chunks; i++)
		map_chunk(c, d, &chunk[i], e->prot);
	pool_settle(c);
	c->vm->w.pool_free += empty;
	c->vm->w.pins += *done / SPEC_PAGE;
	c->vm->w.mapped += *done;
	c->vm->w.maps += *done > 0;
	d->w.mapped += *done;
	d->w.tables = d->tree.tables;
	return PC_SUCCESS;
}

s64 rule_map_pages(struct spec_call *c)
{
	const struct pviommu_map_entry e = { .iova = c->r[3], .ipa = c->r[4], .bytes = c->r[5], .prot = (u32)c->r[6] };
	struct budget left = whole;
	struct spec_domain *d;
	s64 status;

	if (!args_ok(e.iova, e.ipa, e.bytes, c->r[6]))
		return PC_INVALID_PARAMETER;
	d = live_domain(c, c->r[2], &status);
	if (d == NULL || e.bytes == 0)
		return status;
	return map_one(c, d, &e, &left, &c->out[0]);
}

s64 rule_map_list(struct spec_call *c)
{
	struct budget left = whole;
	struct spec_domain *d;
	s64 status = c->fetched;

	if (status != PC_SUCCESS)
		return status;
	d = live_domain(c, c->envelope.map.domain, &status);
	if (d == NULL)
		return status;
	for (u32 i = 0; i < c->envelope.map.entry_num && goes_on(&left); i++) {
		const struct pviommu_map_entry *e = &c->list.map[i];
		u64 step = 0;

		if (!args_ok(e->iova, e->ipa, e->bytes, e->prot) || e->reserved != 0)
			return PC_INVALID_PARAMETER;
		/* Nothing to do is no work: so whatever comes first has all of a call. */
		if (e->bytes == 0)
			continue;
		status = map_one(c, d, e, &left, &step);
		c->out[0] += step;
		if (status != PC_SUCCESS || step < e->bytes)
			return status;
		spend(&left, MAP_ENTRY);
	}
	return PC_SUCCESS;
}

/* --- unmapping */

static void unmap_leaf(struct spec_call *c, struct spec_domain *d, u64 va, int level, u64 entry)
{
	const struct chunk k = { va, leaf_out(entry), level_size(level), level };
	u32 range;

	tree_clear(&d->tree, va, level);
	if (leaf_prot_of(entry) & PVIOMMU_PROT_MMIO)
		device_of_range(k.out, k.size, &range)->w.mmio_pins -= k.size / SPEC_PAGE;
	else
		pins_add(k.out, k.size, level < SPEC_LAST, -1);
	if (c->look.page_runs > 0 && c->look.page[c->look.page_runs - 1].first + c->look.page[c->look.page_runs - 1].count ==
					     page_number(k.out))
		c->look.page[c->look.page_runs - 1].count += k.size / SPEC_PAGE;
	else
		look_pages(&c->look, k.out, k.size);
	c->vm->w.pins -= k.size / SPEC_PAGE;
	c->vm->w.mapped -= k.size;
	d->w.mapped -= k.size;
}

/* A block of which a part goes: its pages are pinned one by one from then on. */
static s64 split(struct spec_call *c, struct spec_domain *d, u64 va, int level, u64 entry)
{
	u64 first = page_number(leaf_out(entry));

	if (!pool_take(c, 0))
		return PC_NO_MEMORY;
	for (u64 n = first; level == SPEC_LAST - 1 && n < first + SPEC_BLOCK / SPEC_PAGE; n++)
		if (spec->page[n].pins == PIN_MAX) {
			c->spent = 0;
			return PC_BUSY;
		}
	pool_settle(c);
	tree_split(&d->tree, va, level);
	d->w.tables = d->tree.tables;
	if (level == SPEC_LAST - 1) {
		pins_add(leaf_out(entry), SPEC_BLOCK, true, -1);
		pins_add(leaf_out(entry), SPEC_BLOCK, false, 1);
		look_pages(&c->look, leaf_out(entry), SPEC_BLOCK);
	}
	look_tree(&c->look, &d->tree, va & ~(level_size(level) - 1), level_size(level));
	return PC_SUCCESS;
}

/* From `from` on to the end, a hole, or what the budget allows. */
static s64 unmap_one(struct spec_call *c, struct spec_domain *d, u64 from, u64 bytes, struct budget *left, u64 *done)
{
	u64 end = from + bytes, next = 0; /* entry that goes on with the run at hand; 0: none is */
	int run_level = 0;

	look_at_request(c, d, from, bytes);
	for (*done = 0; *done < bytes && goes_on(left);) {
		u64 va = from + *done, entry = 0;
		s64 status;
		int level;

		/* Beyond the address space nothing is mapped: a range that ends there has its hole at once. */
		if ((end - 1) >> d->tree.bits == 0)
			entry = tree_entry(&d->tree, va, &level);
		if (entry == 0)
			return PC_INVALID_PARAMETER;
		if ((va & (level_size(level) - 1)) == 0 && level_size(level) <= end - va) {
			/* A run lies in one table. */
			if (entry != next || level != run_level || (va & (512 * level_size(level) - 1)) == 0)
				spend(left, UNMAP_RUN);
			if (level == 1 && (left->leaves < leaf_work(level) || left->records < GIB_RECORDS)) {
				left->leaves = 0;
				break;
			}
			spend(left, unmap_cost(level, entry));
			next = entry + level_size(level);
			run_level = level;
			unmap_leaf(c, d, va, level, entry);
			*done += level_size(level);
			left->records -= level == 1 ? GIB_RECORDS : 1;
			left->leaves = left->records == 0 ? 0 : left->leaves - leaf_work(level);
			continue;
		}
		/* A split touches 512 records, and at least one more goes behind it. */
		if (left->records <= SPEC_BLOCK / SPEC_PAGE) {
			left->leaves = 0;
			break;
		}
		next = 0;
		left->records -= SPEC_BLOCK / SPEC_PAGE;
		spend(left, SPLIT);
		status = split(c, d, va, level, entry);
		if (status != PC_SUCCESS)
			return status;
	}
	return PC_SUCCESS;
}

static bool unmap_args_ok(u64 iova, u64 bytes) { return page_ok(iova | bytes) && iova + bytes >= iova; }

s64 rule_unmap_pages(struct spec_call *c)
{
	struct budget left = whole;
	struct spec_domain *d;
	s64 status;

	if (!unmap_args_ok(c->r[3], c->r[4]))
		return PC_INVALID_PARAMETER;
	d = live_domain(c, c->r[2], &status);
	if (d == NULL)
		return status;
	spend(&left, c->r[4] != 0 ? UNMAP_ENTRY : 0);
	status = unmap_one(c, d, c->r[3], c->r[4], &left, &c->out[0]);
	c->vm->w.unmaps += c->out[0] > 0;
	return status;
}

/* The count is of all that is unmapped, a part of the entry that failed included: its pages are free. */
s64 rule_unmap_list(struct spec_call *c)
{
	struct budget left = whole;
	struct spec_domain *d;
	s64 status = c->fetched;

	if (status != PC_SUCCESS)
		return status;
	d = live_domain(c, c->envelope.map.domain, &status);
	for (u32 i = 0; d != NULL && i < c->envelope.map.entry_num && goes_on(&left); i++) {
		const struct pviommu_unmap_entry *e = &c->list.unmap[i];
		u64 step;

		status = unmap_args_ok(e->iova, e->bytes) ? PC_SUCCESS : PC_INVALID_PARAMETER;
		if (status != PC_SUCCESS)
			break;
		spend(&left, e->bytes != 0 ? UNMAP_ENTRY : 0);
		status = unmap_one(c, d, e->iova, e->bytes, &left, &step);
		c->out[0] += step;
		if (status != PC_SUCCESS || step < e->bytes)
			break;
	}
	c->vm->w.unmaps += c->out[0] > 0;
	return status;
}

s64 rule_iova_to_ipa(struct spec_call *c)
{
	struct spec_domain *d;
	s64 status;
	u64 out;
	u32 prot;

	d = live_domain(c, c->r[2], &status);
	if (d == NULL)
		return status;
	if (!tree_lookup(&d->tree, c->r[3], &out, &prot) || !vm_name_of(c->vm, out, &c->out[0])) {
		c->out[0] = 0;
		return PC_NOT_FOUND;
	}
	c->out[1] = prot;
	return PC_SUCCESS;
}
