/* SPDX-License-Identifier: BSD-2-Clause */
/* A node's `reg`, translated by the buses above it. Nothing is taken that wraps or is empty. */
#include "board.h"

bool range_check(const char *name, struct range r)
{
	if (r.size == 0)
		return refuse("%s: a range at 0x%lx of size 0", name, r.base);
	if (r.base + r.size < r.base || range_end(r) > 1ul << PA_BITS)
		return refuse("%s: the range at 0x%lx ends beyond 48 bits of address", name, r.base);
	return true;
}

/* One step up: from a bus's own addresses to its parent's, by the bus's `ranges`. */
static bool bus_translate(const struct dt *dt, const struct dt_node *bus, struct range *r)
{
	struct cells c = dt_cells(dt, bus, DT_RANGES);
	const struct dt_node *parent = dt_parent(dt, bus);

	if (!dt_prop(dt, bus, DT_RANGES))
		return bus->kind == &kind_chosen || bus->kind == &kind_reserved_memory ||
		       refuse("%s: it has no ranges to translate 0x%lx", bus->name, r->base);
	if (c.left == 0 && !c.bad)
		return true; /* one to one */
	while (c.left && !c.bad) {
		struct range child;
		u64 up;

		child.base = cells_take(&c, dt_address_cells(dt, bus));
		up = cells_take(&c, dt_address_cells(dt, parent));
		child.size = cells_take(&c, dt_size_cells(dt, bus));
		if (c.bad)
			break;
		if (!range_check(bus->name, child))
			return false;
		if (!range_holds(child, *r))
			continue;
		r->base += up - child.base;
		return range_check(bus->name, *r);
	}
	return refuse("%s: its ranges do not translate 0x%lx", bus->name, r->base);
}

/* guest-loader writes modules with the root's cells and gives /chosen none of its own. */
static const struct dt_node *cells_of(const struct dt *dt, const struct dt_node *parent)
{
	if (parent->kind == &kind_chosen && !dt_prop(dt, parent, DT_ADDRESS_CELLS))
		return &dt->node[0];
	return parent;
}

bool find_reg(struct discovery *d, const struct dt_node *n, struct range *reg, u32 max, u32 *count)
{
	const struct dt_node *parent = dt_parent(d->dt, n), *shape = cells_of(d->dt, parent);
	u32 address = dt_address_cells(d->dt, shape), size = dt_size_cells(d->dt, shape);
	const char *name = n->name;
	struct cells c = dt_cells(d->dt, n, DT_REG);

	*count = 0;
	if (address < 1 || address > 2 || size < 1 || size > 2)
		return refuse("%s: %u address and %u size cells; 1 or 2 are understood", name, address, size);
	while (c.left && !c.bad) {
		struct range r;

		r.base = cells_take(&c, address);
		r.size = cells_take(&c, size);
		if (c.bad)
			break;
		if (*count == max)
			return refuse("%s: more than %u ranges", name, max);
		if (!range_check(name, r))
			return false;
		for (const struct dt_node *bus = parent; bus->depth > 0; bus = dt_parent(d->dt, bus))
			if (!bus_translate(d->dt, bus, &r))
				return false;
		reg[(*count)++] = r;
	}
	if (c.bad || *count == 0)
		return refuse("%s: its reg is malformed", name);
	return true;
}
