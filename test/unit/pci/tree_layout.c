/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle of a boot: reads the tree's own registers, as hardware would decode them, and takes
 * nothing from the record but to compare.
 */
#include "tree.h"

struct span {
	u64 base, end; /* bus addresses */
	bool io;
	u32 fn;
	bool window;
};

static bool is_bridge(const struct tree_fn *f)
{
	return (f->initial[3] >> 16 & 0x7f) == 1;
}

/* What BAR n of a function decodes; false: nothing. */
static bool bar_span(u32 fn, u32 bar, struct span *s)
{
	const struct tree_fn *f = &tree[fn];
	u32 low = f->reg[4 + bar];
	u64 mask, base;

	if (f->writable[4 + bar] == 0 && !(low & 4 && f->writable[5 + bar] != 0))
		return false;
	s->io = low & 1;
	mask = f->writable[4 + bar] | (low & 1 || !(low & 4) ? ~0xffffffffull : 0);
	if (s->io)
		mask |= f->writable[4 + bar] >> 16 ? 0 : 0xffff0000;
	base = low & (s->io ? ~3u : ~15u);
	if (!s->io && low & 4) {
		mask |= (u64)f->writable[5 + bar] << 32;
		base |= (u64)f->reg[5 + bar] << 32;
	}
	s->base = base;
	s->end = base + (~mask + 1);
	s->fn = fn;
	s->window = false;
	return true;
}

enum { WIN_IO,
       WIN_MEM,
       WIN_PREF };

static struct span window_span(u32 fn, int kind)
{
	const u32 *reg = tree[fn].reg;
	struct span s = { .fn = fn, .window = true, .io = kind == WIN_IO };
	u64 limit;

	if (kind == WIN_IO) {
		s.base = (u64)(reg[7] & 0xf0) << 8 | (u64)(reg[12] & 0xffff) << 16;
		limit = (u64)(reg[7] & 0xf000) | 0xfff | (u64)(reg[12] >> 16) << 16;
	} else if (kind == WIN_MEM) {
		s.base = (u64)(reg[8] & 0xfff0) << 16;
		limit = (u64)(reg[8] & 0xfff00000) | 0xfffff;
	} else {
		s.base = (u64)(reg[9] & 0xfff0) << 16 | (u64)reg[10] << 32;
		limit = (u64)(reg[9] & 0xfff00000) | 0xfffff | (u64)reg[11] << 32;
	}
	s.end = s.base <= limit ? limit + 1 : s.base;
	if ((kind == WIN_IO && tree[fn].writable[7] == 0) ||
	    (kind == WIN_PREF && tree[fn].writable[9] == 0))
		s.end = s.base;
	return s;
}

static bool inside(const struct span *s, const struct span *outer)
{
	return s->io == outer->io && s->base >= outer->base && s->end <= outer->end;
}

static bool in_machine(const struct machine *m, const struct span *s)
{
	const struct machine_pci_host *h = &m->pci[tree[s->fn].host];

	for (u32 i = 0; i < h->window_count; i++)
		if ((h->window[i].space == PCI_IO) == s->io && s->base >= h->window[i].bus &&
		    s->end <= h->window[i].bus + h->window[i].size)
			return true;
	return false;
}

static void check_home(const struct machine *m, const struct span *s)
{
	u32 parent = tree[s->fn].parent;
	bool home = false;

	assert_true(s->base != 0);
	assert_true(s->base % (s->end - s->base < 4096 ? 4096 : 1) == 0);
	if (parent == TREE_ROOT) {
		home = in_machine(m, s);
	} else {
		for (int kind = WIN_IO; kind <= WIN_PREF; kind++) {
			struct span w = window_span(parent, kind);

			home |= inside(s, &w);
		}
	}
	if (!home)
		suite_fail("function %u: %s %#lx-%#lx is outside what leads to it", s->fn,
			   s->window ? "window" : "BAR", s->base, s->end);
}

static struct span spans[TREE_MAX * 9];

static u64 page_up(u64 v)
{
	return (v + 4095) & ~4095ull;
}

/* Spans of one bus's level never meet, in whole pages; deeper ones are inside their windows. */
static void check_disjoint(u32 count)
{
	for (u32 i = 0; i < count; i++) {
		for (u32 k = 0; k < i; k++) {
			const struct span *a = &spans[i], *b = &spans[k];
			bool same_level = tree[a->fn].parent == tree[b->fn].parent ||
					  (tree[a->fn].parent == TREE_ROOT &&
					   tree[b->fn].parent == TREE_ROOT);

			if (a->io != b->io || tree[a->fn].host != tree[b->fn].host)
				continue;
			if (!same_level && (a->window || b->window))
				continue;
			if (a->base < page_up(b->end) && b->base < page_up(a->end))
				suite_fail("functions %u and %u meet: %#lx-%#lx, %#lx-%#lx", a->fn,
					   b->fn, a->base, a->end, b->base, b->end);
		}
	}
}

static void check_record(const struct machine *m, u32 fn, u32 bar, const struct span *s, bool given)
{
	const struct pci_bar *b = &tree_record(fn)->bar[bar];
	bool found = false;

	if (!given) {
		assert_int_equal(b->size, 0);
		return;
	}
	assert_int_equal(b->size, s->end - s->base);
	for (u32 i = 0; i < 4; i++) {
		const struct machine_pci_window *w = &m->pci[tree[fn].host].window[i];

		found |= w->space == b->space && b->addr - w->cpu == s->base - w->bus &&
			 b->addr >= w->cpu && b->addr - w->cpu < w->size;
	}
	assert_true(found);
	assert_int_equal(b->space == PCI_IO, s->io);
}

static u32 collect_bars(const struct machine *m, u32 fn, u32 count)
{
	u32 limit = is_bridge(&tree[fn]) ? 2 : 6;

	for (u32 bar = 0; bar < limit; bar++) {
		struct span *s = &spans[count];
		bool given;

		if (!bar_span(fn, bar, s))
			continue;
		/* An I/O BAR may have found no room: then it is nowhere. */
		given = !(s->io && s->base == 0);
		check_record(m, fn, bar, s, given);
		if (given) {
			check_home(m, s);
			count++;
		}
		if (!s->io && tree[fn].reg[4 + bar] & 4)
			bar++;
	}
	return count;
}

static u32 collect_windows(const struct machine *m, u32 fn, u32 count)
{
	for (int kind = WIN_IO; kind <= WIN_PREF; kind++) {
		spans[count] = window_span(fn, kind);
		if (spans[count].base == spans[count].end)
			continue;
		check_home(m, &spans[count]);
		count++;
	}
	return count;
}

static void check_bus_numbers(u32 fn)
{
	const struct tree_fn *f = &tree[fn];
	u32 primary = f->reg[6] & 255, sec = f->reg[6] >> 8 & 255, sub = f->reg[6] >> 16 & 255;
	const struct tree_fn *up = f->parent == TREE_ROOT ? NULL : &tree[f->parent];

	assert_int_equal(primary, up == NULL ? f->bus : up->reg[6] >> 8 & 255);
	assert_true(sec > primary && sub >= sec);
	if (up != NULL)
		assert_true(sub <= (up->reg[6] >> 16 & 255));
	for (u32 i = 0; i < tree_count; i++) {
		if (tree[i].host != f->host)
			continue;
		if (tree[i].parent == TREE_ROOT) /* no root bus inside */
			assert_true(tree[i].bus < sec || tree[i].bus > sub);
		if (i != fn && is_bridge(&tree[i]))
			assert_true((tree[i].reg[6] >> 8 & 255) != sec);
	}
}

static void check_controls(u32 fn)
{
	const struct tree_fn *f = &tree[fn];
	const struct pci_function *r = tree_record(fn);

	assert_int_equal(f->reg[1] & 0xffff, is_bridge(f) ? 7 : 0);
	assert_int_equal(f->reg[is_bridge(f) ? 14 : 12], f->initial[is_bridge(f) ? 14 : 12] & 0);
	if (r->cap_msi)
		assert_int_equal(f->reg[r->cap_msi / 4] & 0x00010000, 0);
	if (r->cap_msix)
		assert_int_equal(f->reg[r->cap_msix / 4] & 0x80000000, 0);
	if (r->cap_pcie)
		assert_int_equal(f->reg[r->cap_pcie / 4 + 2] & 0x0e0f, 0);
	if (r->cap_acs)
		assert_int_equal(f->reg[r->cap_acs / 4 + 1] >> 16,
				 f->reg[r->cap_acs / 4 + 1] & 0x1f);
	if (r->cap_ats)
		assert_int_equal(f->reg[r->cap_ats / 4 + 1] >> 16, 0);
	if (r->cap_sriov)
		assert_int_equal(f->reg[r->cap_sriov / 4 + 2] & 0xffff, 0);
}

void tree_check_layout(const struct machine *m)
{
	u32 count = 0;

	assert_int_equal(pci_function_count, tree_count);
	assert_int_equal(tree_conflicts, 0);
	assert_int_equal(tree_masters, 0);
	for (u32 i = 0; i < tree_count; i++) {
		count = collect_bars(m, i, count);
		if (is_bridge(&tree[i])) {
			count = collect_windows(m, i, count);
			check_bus_numbers(i);
		}
		check_controls(i);
	}
	check_disjoint(count);
}
