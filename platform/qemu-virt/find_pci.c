/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI host bridges: configuration space, windows, which requester has which stream, which slot
 * and pin which interrupt. Follows IEEE 1275's PCI bus binding and the generic host's of Linux.
 */
#include "board.h"

#define PCI_ADDRESS_CELLS 3u
#define PCI_SIZE_CELLS    2u
#define PCI_SPACE_SHIFT   24 /* of the first cell of a PCI address */
#define PCI_SPACE_MASK    3u
#define PCI_SPACE_CONFIG  0u
#define PCI_SPACE_IO      1u
#define PCI_SPACE_MEM32   2u
#define PCI_32BIT_END     (1ul << 32)
#define PCI_DOMAIN_MAX    0xffffu
#define PCI_BUS_MAX       0xffu
#define PCI_SLOT_SHIFT    11     /* device number in the first cell of a PCI address */
#define PCI_SLOT_MASK     0x1800u /* its two low bits: all that the swizzle of a host may look at */
#define PCI_PIN_MASK      7u
#define PCI_SLOTS         4u
#define PCI_PINS          4u
#define RID_BUS_SHIFT     8
#define RID_LOW           0xffu   /* device and function */
#define RID_MAX           0xffffu
#define SID_END           (1ul << 32)

static bool pci_buses(struct discovery *d, const struct dt_node *n, struct machine_pci_host *host)
{
	const char *name = n->name;
	struct cells c = dt_cells(d->dt, n, DT_BUS_RANGE);
	bool given = c.left || c.bad;
	u64 first = given ? cells_take(&c, 1) : 0, last = given ? cells_take(&c, 1) : PCI_BUS_MAX;
	u32 segment = dt_u32(d->dt, n, DT_PCI_DOMAIN, d->m->pci_count), count;

	if (c.bad || c.left || first > last || last > PCI_BUS_MAX)
		return refuse("%s: its bus-range is malformed", name);
	if (segment > PCI_DOMAIN_MAX)
		return refuse("%s: its domain is not of 16 bits", name);
	host->bus_first = (u8)first;
	host->bus_last = (u8)last;
	host->segment = (u16)segment;
	if (!find_reg(d, n, &host->ecam, 1, &count))
		return false;
	if (host->ecam.size < (last - first + 1) * PCI_BUS_ECAM)
		return refuse("%s: its configuration space is too small for its buses", name);
	return window_add(d, name, host->ecam, WINDOW_ECAM);
}

static bool pci_window(struct discovery *d, const char *name, struct machine_pci_host *host, u64 space,
		       struct machine_pci_window w)
{
	struct range cpu = { w.cpu, w.size }, bus = { w.bus, w.size };

	if (!range_check(name, cpu) || bus.base + bus.size < bus.base)
		return refuse("%s: its window at bus address 0x%lx is empty or wraps", name, w.bus);
	if (space == PCI_SPACE_CONFIG || (space <= PCI_SPACE_MEM32 && range_end(bus) > PCI_32BIT_END))
		return refuse("%s: its window at bus address 0x%lx is of an unknown kind", name, w.bus);
	if (host->window_count == ARRAY_SIZE(host->window))
		return refuse("%s: more than %zu windows", name, ARRAY_SIZE(host->window));
	w.space = space == PCI_SPACE_IO ? PCI_IO : space == PCI_SPACE_MEM32 ? PCI_MEM32 :
									      PCI_MEM64;
	host->window[host->window_count++] = w;
	return window_add(d, name, cpu, WINDOW_PCI);
}

static bool pci_windows(struct discovery *d, const struct dt_node *n, struct machine_pci_host *host)
{
	u32 cpu_cells = dt_address_cells(d->dt, dt_parent(d->dt, n));
	const char *name = n->name;
	struct cells c = dt_cells(d->dt, n, DT_RANGES);

	if (n->depth != 1)
		return refuse("%s: a PCI host below a bus", name);
	if (dt_address_cells(d->dt, n) != PCI_ADDRESS_CELLS || dt_size_cells(d->dt, n) != PCI_SIZE_CELLS)
		return refuse("%s: its addresses are not of 3 cells and 2", name);
	while (c.left && !c.bad) {
		u64 space = cells_take(&c, 1) >> PCI_SPACE_SHIFT & PCI_SPACE_MASK;
		struct machine_pci_window w = { 0 };

		w.bus = cells_take(&c, 2);
		w.cpu = cells_take(&c, cpu_cells);
		w.size = cells_take(&c, PCI_SIZE_CELLS);
		if (!c.bad && !pci_window(d, name, host, space, w))
			return false;
	}
	return !c.bad || refuse("%s: its ranges are malformed", name);
}

/* Requester ids before and behind iommu-map-mask: [first, last] - removed = [first, last] & mask. */
struct rid_view {
	u32 first, last;
	u32 removed;
};

/*
 * A mask that merges two requesters of this host into one stream is refused: a stream belongs
 * to one endpoint. What is left are masks that drop bits which all of its requesters share.
 */
static bool rid_view(struct discovery *d, const struct dt_node *n, const struct machine_pci_host *host,
		     struct rid_view *view)
{
	u32 mask = dt_u32(d->dt, n, DT_IOMMU_MAP_MASK, RID_MAX);
	u32 span = RID_LOW;

	view->first = (u32)host->bus_first << RID_BUS_SHIFT;
	view->last = (u32)host->bus_last << RID_BUS_SHIFT | RID_LOW;
	while ((view->first & ~span) != (view->last & ~span))
		span = span << 1 | 1;
	if (mask > RID_MAX || (mask & span) != span)
		return refuse("%s: its iommu-map-mask gives one stream to two requesters", n->name);
	view->removed = view->first & ~mask;
	return true;
}

static bool sidmaps_meet(const struct machine_sidmap *a, const struct machine_sidmap *b)
{
	return a->iommu == b->iommu && ranges_meet((struct range){ a->sid, a->count }, (struct range){ b->sid, b->count });
}

static bool sidmap_add(struct discovery *d, const char *name, struct machine_pci_host *host,
		       struct machine_sidmap map)
{
	const struct machine *m = d->m;
	struct range rids = { map.rid, map.count };

	for (u32 i = 0; i < host->sidmap_count; i++)
		if (ranges_meet(rids, (struct range){ host->sidmap[i].rid, host->sidmap[i].count }))
			return refuse("%s: its iommu-map names requester 0x%x twice", name, map.rid);
	/* The host that is being read is the one behind the last that counts. */
	for (u32 i = 0; i <= m->pci_count; i++)
		for (u32 k = 0; k < m->pci[i].sidmap_count; k++)
			if (sidmaps_meet(&map, &m->pci[i].sidmap[k]))
				return refuse("%s: its iommu-map gives stream 0x%x to two requesters", name, map.sid);
	if (host->sidmap_count == MACHINE_MAX_SIDMAPS)
		return refuse("%s: more than %u runs in its iommu-map", name, MACHINE_MAX_SIDMAPS);
	host->sidmap[host->sidmap_count++] = map;
	return true;
}

static bool pci_streams(struct discovery *d, const struct dt_node *n, struct machine_pci_host *host)
{
	struct cells c = dt_cells(d->dt, n, DT_IOMMU_MAP);
	const char *name = n->name;
	struct rid_view view;

	if (!rid_view(d, n, host, &view))
		return false;
	while (c.left && !c.bad) {
		u64 rid = cells_take(&c, 1) + view.removed, phandle = cells_take(&c, 1);
		u64 stream = cells_take(&c, 1), end = rid + cells_take(&c, 1);
		u64 first = rid > view.first ? rid : view.first;
		struct machine_sidmap map = { .rid = (u32)first };

		if (c.bad)
			break;
		if (!find_iommu_by_phandle(d->m, (u32)phandle, &map.iommu))
			return refuse("%s: its iommu-map names something that is not an SMMUv3", name);
		if (stream + (end - rid) > SID_END)
			return refuse("%s: the streams of its iommu-map wrap", name);
		end = end < view.last + 1 ? end : view.last + 1;
		if (first >= end)
			continue; /* none of this host's requesters */
		map.sid = (u32)(stream + (first - rid));
		map.count = (u32)(end - first);
		if (!sidmap_add(d, name, host, map))
			return false;
	}
	return !c.bad || refuse("%s: its iommu-map is malformed", name);
}

/* One entry of the interrupt-map: the child's address and pin, and the GIC's interrupt. */
struct intx_entry {
	u64 slot; /* first cell of the address */
	u64 pin;
	u32 intid;
};

static bool intx_entry(struct discovery *d, const char *name, struct cells *c, struct intx_entry *e)
{
	u64 phandle;

	e->slot = cells_take(c, 1);
	cells_take(c, PCI_ADDRESS_CELLS - 1);
	e->pin = cells_take(c, 1);
	phandle = cells_take(c, 1);
	if (!c->bad && phandle != d->gic_phandle)
		return refuse("%s: its interrupt-map names a controller that is not the GIC", name);
	cells_take(c, d->gic_address_cells);
	return find_irq_take(d, name, c, &e->intid);
}

/* Only what the standard swizzle needs: two bits of the slot, and the pin. */
static bool intx_mask(struct discovery *d, const struct dt_node *n, u64 *slot, u64 *pin)
{
	struct cells c = dt_cells(d->dt, n, DT_INTERRUPT_MAP_MASK);

	*slot = cells_take(&c, 1);
	if (cells_take(&c, PCI_ADDRESS_CELLS - 1) != 0)
		c.bad = true;
	*pin = cells_take(&c, 1);
	if (c.bad || c.left || *slot & ~(u64)PCI_SLOT_MASK || *pin != PCI_PIN_MASK)
		return refuse("%s: its interrupt-map-mask is not of slots modulo 4", n->name);
	return true;
}

static void intx_set(struct machine_pci_host *host, const struct intx_entry *e, u64 slot_mask)
{
	for (u32 slot = 0; slot < PCI_SLOTS; slot++) {
		u32 *intx = host->intx[slot];

		if ((slot << PCI_SLOT_SHIFT & slot_mask) == e->slot && e->pin >= 1 && e->pin <= PCI_PINS &&
		    intx[e->pin - 1] == 0)
			intx[e->pin - 1] = e->intid;
	}
}

static bool pci_intx(struct discovery *d, const struct dt_node *n, struct machine_pci_host *host)
{
	const char *name = n->name;
	struct cells c = dt_cells(d->dt, n, DT_INTERRUPT_MAP);
	u64 slot_mask, pin_mask;

	if (!c.left && !c.bad)
		return true;
	if (dt_u32(d->dt, n, DT_INTERRUPT_CELLS, 0) != 1)
		return refuse("%s: its pins are not of one cell", name);
	if (!intx_mask(d, n, &slot_mask, &pin_mask))
		return false;
	while (c.left && !c.bad) {
		struct intx_entry e;

		if (!intx_entry(d, name, &c, &e))
			return false;
		intx_set(host, &e, slot_mask);
	}
	return !c.bad || refuse("%s: its interrupt-map is malformed", name);
}

bool find_pci(struct discovery *d, const struct dt_node *n)
{
	struct machine *m = d->m;
	struct machine_pci_host *host = &m->pci[m->pci_count];

	if (m->pci_count == MACHINE_MAX_PCI_HOSTS)
		return refuse("%s: more than %u PCI hosts", n->name, MACHINE_MAX_PCI_HOSTS);
	if (!pci_buses(d, n, host) || !pci_windows(d, n, host) || !pci_streams(d, n, host) ||
	    !pci_intx(d, n, host))
		return false;
	host->ats = dt_prop(d->dt, n, DT_ATS) != NULL; /* bindings/pci/host-generic-pci.yaml */
	m->pci_count++;
	return true;
}
