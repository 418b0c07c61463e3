/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows of device memory, sorted by address; in the end of whole pages, none meeting another. */
#include "board.h"

#include <string.h>

/* Denied windows that touch become one: the transports of virtio-mmio are eight to a page. */
static bool can_join(const struct machine_window *w, struct range mem, enum window_use use)
{
	return w->use == WINDOW_DENIED && use == WINDOW_DENIED && range_end(w->mem) >= mem.base &&
	       range_end(mem) >= w->mem.base;
}

static void join(struct machine_window *w, struct range mem)
{
	u64 base = w->mem.base < mem.base ? w->mem.base : mem.base;
	u64 end = range_end(w->mem) > range_end(mem) ? range_end(w->mem) : range_end(mem);

	w->mem = (struct range){ base, end - base };
}

/* Extend `window[i]` over the one after it, which goes. */
static void join_next(struct machine *m, u32 i)
{
	struct machine_window *w = &m->window[i];

	join(w, w[1].mem);
	m->window_count--;
	memmove(&w[1], &w[2], (m->window_count - i - 1) * sizeof(*w));
}

static bool insert(struct machine *m, u32 i, const char *name, struct range mem, enum window_use use)
{
	struct machine_window *w = &m->window[i];

	if (m->window_count == MACHINE_MAX_WINDOWS)
		return refuse("%s: more than %u windows of device memory", name, MACHINE_MAX_WINDOWS);
	memmove(&w[1], &w[0], (m->window_count - i) * sizeof(*w));
	m->window_count++;
	*w = (struct machine_window){ .mem = mem, .use = use };
	copy_name(w->name, name);
	return true;
}

bool window_add(struct discovery *d, const char *name, struct range mem, enum window_use use)
{
	struct machine *m = d->m;
	struct machine_window *w = m->window;
	u32 i = m->window_count;

	while (i > 0 && w[i - 1].mem.base > mem.base)
		i--;
	if (i > 0 && range_end(w[i - 1].mem) > mem.base)
		return refuse("%s: its range at 0x%lx meets %s", name, mem.base, w[i - 1].name);
	if (i < m->window_count && range_end(mem) > w[i].mem.base)
		return refuse("%s: its range at 0x%lx meets %s", name, mem.base, w[i].name);
	if (i > 0 && can_join(&w[i - 1], mem, use))
		join(&w[--i], mem);
	else if (i < m->window_count && can_join(&w[i], mem, use))
		join(&w[i], mem);
	else
		return insert(m, i, name, mem, use);
	if (i + 1 < m->window_count && can_join(&w[i], w[i + 1].mem, w[i + 1].use))
		join_next(m, i);
	return true;
}

/* Every range of a node gets the same use. */
static bool add_all(struct discovery *d, const struct dt_node *n, enum window_use use, struct range *first)
{
	struct range reg[8];
	u32 count;

	if (!find_reg(d, n, reg, ARRAY_SIZE(reg), &count))
		return false;
	for (u32 i = 0; i < count; i++)
		if (!window_add(d, n->name, reg[i], use))
			return false;
	*first = reg[0];
	return true;
}

bool find_console(struct discovery *d, const struct dt_node *n)
{
	if (d->m->console.size)
		return refuse("%s: a second console", n->name);
	return add_all(d, n, WINDOW_DIRECT, &d->m->console);
}

/* Nobody's but the hypervisor's. Without an interrupt it stays unused. */
bool find_debug_console(struct discovery *d, const struct dt_node *n)
{
	u32 count;

	if (d->m->debug.regs.size)
		return refuse("%s: a third console", n->name);
	return add_all(d, n, WINDOW_DENIED, &d->m->debug.regs) && find_irqs(d, n, &d->m->debug.irq, 1, &count);
}

bool find_direct(struct discovery *d, const struct dt_node *n)
{
	struct range unused;

	return add_all(d, n, WINDOW_DIRECT, &unused);
}

bool find_denied(struct discovery *d, const struct dt_node *n)
{
	struct range unused;

	/* Memory and translation of a node below a bus that has none, or of none of its own. */
	if (!dt_prop(d->dt, n, DT_REG))
		return true;
	return add_all(d, n, WINDOW_DENIED, &unused);
}

/* Denied windows grow to whole pages; all others must be, or a VM would get its neighbour's bytes. */
static bool page_window(struct machine_window *w)
{
	u64 base = align_down(w->mem.base, PAGE_SIZE), end = align_up(range_end(w->mem), PAGE_SIZE);

	if (w->use != WINDOW_DENIED && (base != w->mem.base || end != range_end(w->mem)))
		return refuse("%s: its range at 0x%lx is not made of whole pages", w->name, w->mem.base);
	w->mem = (struct range){ base, end - base };
	return true;
}

bool find_windows_check(struct discovery *d)
{
	struct machine *m = d->m;

	for (u32 i = 0; i < m->window_count; i++)
		if (!page_window(&m->window[i]))
			return false;
	/* Only denied ones grew, and so no other can share a page with a neighbour. */
	for (u32 i = 0; i + 1 < m->window_count;) {
		if (range_end(m->window[i].mem) > m->window[i + 1].mem.base)
			join_next(m, i);
		else
			i++;
	}
	for (u32 i = 0; i < m->window_count; i++)
		for (u32 k = 0; k < m->ram_count; k++)
			if (ranges_meet(m->window[i].mem, m->ram[k]))
				return refuse("%s: its range at 0x%lx is in RAM", m->window[i].name, m->window[i].mem.base);
	return m->console.size || refuse("the device tree has no PL011 for the console");
}
