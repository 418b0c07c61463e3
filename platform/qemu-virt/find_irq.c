/* SPDX-License-Identifier: BSD-2-Clause */
/* The GICv3 and interrupts as INTIDs: who has which, and eight for events that nobody has. */
#include "board.h"

#define GIC_MAX_REGS 8u /* distributor, redistributors, and the frames of a GICv2 beside */

static bool irq_is_used(const struct discovery *d, u32 intid)
{
	return d->irq_used[intid / 64] >> intid % 64 & 1;
}

bool find_irq_take(struct discovery *d, const char *name, struct cells *spec, u32 *intid)
{
	u64 kind = cells_take(spec, 1), number = cells_take(spec, 1);

	cells_take(spec, 1); /* edge or level: the device's driver programs it */
	if (spec->bad)
		return refuse("%s: its interrupts are malformed", name);
	if (kind != GIC_KIND_SPI && kind != GIC_KIND_PPI)
		return refuse("%s: an interrupt of the unknown kind %lu", name, kind);
	if (number >= (kind == GIC_KIND_PPI ? GIC_PPIS : VIRT_INTIDS - GIC_FIRST_SPI))
		return refuse("%s: the board has no interrupt %lu of kind %lu", name, number, kind);
	*intid = (u32)number + (kind == GIC_KIND_PPI ? GIC_FIRST_PPI : GIC_FIRST_SPI);
	d->irq_used[*intid / 64] |= 1ul << *intid % 64;
	return true;
}

/* The controller that a node's `interrupts` speak to: its own word, else the nearest above. */
static u32 irq_parent(const struct dt *dt, const struct dt_node *n)
{
	for (const struct dt_node *up; n; n = up) {
		up = dt_parent(dt, n);
		if (dt_prop(dt, n, DT_INTERRUPT_PARENT))
			return dt_u32(dt, n, DT_INTERRUPT_PARENT, DT_ABSENT);
		if (up && dt_prop(dt, up, DT_INTERRUPT_CELLS))
			return dt_u32(dt, up, DT_PHANDLE, DT_ABSENT);
	}
	return DT_ABSENT;
}

/* @irq NULL: only mark as used, and pass over what is not the GIC's. */
static bool read_irqs(struct discovery *d, const struct dt_node *n, u32 *irq, u32 max, u32 *count)
{
	const char *name = n->name;
	bool extended = dt_prop(d->dt, n, DT_INTERRUPTS_EXTENDED);
	struct cells c = dt_cells(d->dt, n, extended ? DT_INTERRUPTS_EXTENDED : DT_INTERRUPTS);
	u32 intid;

	*count = 0;
	if (!extended && c.left && irq_parent(d->dt, n) != d->gic_phandle)
		return !irq || refuse("%s: its interrupts are not the GIC's", name);
	while (c.left && !c.bad) {
		if (extended && cells_take(&c, 1) != d->gic_phandle)
			return refuse("%s: interrupts-extended names a controller that is not the GIC", name);
		if (!find_irq_take(d, name, &c, &intid))
			return false;
		if (!irq)
			continue;
		if (*count == max)
			return refuse("%s: more than %u interrupts", name, max);
		irq[(*count)++] = intid;
	}
	return !c.bad || refuse("%s: its interrupts are malformed", name);
}

bool find_irq_used(struct discovery *d, const struct dt_node *n)
{
	u32 unused;

	return read_irqs(d, n, NULL, 0, &unused);
}

bool find_irqs(struct discovery *d, const struct dt_node *n, u32 *irq, u32 max, u32 *count)
{
	return read_irqs(d, n, irq, max, count);
}

bool find_event_irqs(struct discovery *d)
{
	const u32 events = ARRAY_SIZE(d->m->event_irq);
	u32 missing = events + 1;

	/* From the highest down: the events', then the one for vCPUs. */
	for (u32 intid = VIRT_INTIDS; missing && intid-- > GIC_FIRST_SPI;) {
		if (irq_is_used(d, intid))
			continue;
		if (--missing > 0)
			d->m->event_irq[missing - 1] = intid;
		else
			d->m->wake_irq = intid;
	}
	if (missing)
		return refuse("the device tree leaves no %u interrupts for events", events + 1);
	d->m->event_irq_count = events;
	return true;
}

static bool gic_properties(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;
	struct cells stride = dt_cells(d->dt, n, DT_REDIST_STRIDE);

	if (dt_u32(d->dt, n, DT_INTERRUPT_CELLS, 0) != GIC_CELLS)
		return refuse("%s: its interrupts are not of 3 cells", name);
	if ((stride.left || stride.bad) && cells_take(&stride, stride.left) != GICR_FRAMES)
		return refuse("%s: its redistributors are not 128 KiB apart", name);
	d->gic_phandle = dt_u32(d->dt, n, DT_PHANDLE, DT_ABSENT);
	/* Linux takes none, and not the specification's default, where an interrupt-map needs it. */
	d->gic_address_cells = dt_u32(d->dt, n, DT_ADDRESS_CELLS, 0);
	if (d->gic_phandle == DT_ABSENT || d->gic_phandle == DT_BAD || d->gic_address_cells > 2)
		return refuse("%s: its phandle or address cells are malformed", name);
	return true;
}

bool find_gic(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;
	u32 regions = dt_u32(d->dt, n, DT_REDIST_REGIONS, 1), count;
	struct range reg[GIC_MAX_REGS];
	struct machine *m = d->m;

	if (d->gic_phandle)
		return refuse("%s: a second GIC", name);
	if (!gic_properties(d, n) || !find_reg(d, n, reg, GIC_MAX_REGS, &count))
		return false;
	if (regions < 1 || regions > MACHINE_MAX_GIC_REDIST || count < 1 + regions)
		return refuse("%s: %u redistributor regions with %u ranges", name, regions, count);
	if (reg[0].size < GICD_FRAME)
		return refuse("%s: its distributor is smaller than 64 KiB", name);
	m->gic.dist = reg[0];
	for (u32 i = 0; i < regions; i++)
		m->gic.redist[m->gic.redist_count++] = reg[1 + i];
	for (u32 i = 0; i < count; i++)
		if (!window_add(d, name, reg[i],
				i == 0 ? WINDOW_GICD : i <= regions ? WINDOW_GICR :
								      WINDOW_DENIED))
			return false;
	return true;
}

bool find_gicv2(struct discovery *d UNUSED, const struct dt_node *n)
{
	return refuse("%s: a GICv2; a GICv3 is needed (QEMU: -M virt,gic-version=3)", n->name);
}

bool find_gic_check(const struct discovery *d)
{
	u64 frames = 0;

	for (u32 i = 0; i < d->m->gic.redist_count; i++)
		frames += d->m->gic.redist[i].size / GICR_FRAMES;
	if (frames < d->m->cpu_count)
		return refuse("the GIC has %lu redistributors for %u CPUs", frames, d->m->cpu_count);
	return true;
}
