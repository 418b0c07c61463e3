/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives addresses to BARs and bridge windows below one host bridge, in one depth-first pass with
 * one cursor per kind of space, so that what is below a bridge is one run of addresses: its
 * window. Within a bus the large go first. No two BARs share a page, so that a page of a device
 * is never a page of another.
 *
 * On a root bus 64-bit BARs go to the 64-bit space, the others below 4 GiB. Behind a bridge only
 * prefetchable ones can, by the bridges' prefetchable windows (BR 3.2.5.8). Bus address 0 is
 * given to nobody. An I/O BAR that finds no room is left out: no function of today needs it.
 */
#include "record.h"

#include "hyp/log.h"

#define WINDOW_MEM (1ull << 20) /* granule of a bridge's memory window, BR 3.2.5.8 */
#define WINDOW_IO  (1ull << 12) /* of its I/O window, BR 3.2.5.6 */

/* The part of a host's window that is still free; addresses on the bus. */
struct cursor {
	u64 at, end;
	u64 to_cpu;  /* add for the CPU's address, modulo 2^64 */
	u64 unit;    /* of bridge windows */
	u64 pending; /* bytes of BARs that are not placed yet */
};

struct layout {
	struct cursor space[SPANS];
	u32 host;
};

static u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static void cursor_init(struct cursor *c, const struct machine_pci_window *w, u64 unit, u64 limit)
{
	c->unit = unit;
	c->to_cpu = w->cpu - w->bus;
	c->at = align_up(w->bus == 0 ? unit : w->bus, PAGE_SIZE);
	c->end = align_down(min_u64(w->bus + w->size, limit), unit);
	if (c->end < c->at)
		c->end = c->at;
}

/* The first window of each kind counts. */
static void layout_init(struct layout *l, u32 host)
{
	const struct machine_pci_host *h = &pci_machine->pci[host];

	*l = (struct layout){ .host = host };
	for (u32 i = h->window_count; i-- > 0;) {
		const struct machine_pci_window *w = &h->window[i];

		switch (w->space) {
		case PCI_IO:
			cursor_init(&l->space[SPAN_IO], w, WINDOW_IO, 1ull << 16);
			break;
		case PCI_MEM32:
			cursor_init(&l->space[SPAN_MEM], w, WINDOW_MEM, 1ull << 32);
			break;
		case PCI_MEM64:
			cursor_init(&l->space[SPAN_PREF], w, WINDOW_MEM, ~0ull);
			break;
		}
	}
}

static u64 bar_room(const struct pci_bar *b)
{
	return b->size < PAGE_SIZE ? PAGE_SIZE : b->size;
}

static enum pci_span bar_span(const struct layout *l, const struct pci_function *f,
			      const struct pci_bar *b)
{
	const struct pci_function *parent = record_parent(f);

	if (b->space == PCI_IO)
		return SPAN_IO;
	if (!b->is64 || l->space[SPAN_PREF].end == 0)
		return SPAN_MEM;
	if (parent == NULL)
		return SPAN_PREF;
	return b->prefetch && pci_state_of(parent)->has_pref ? SPAN_PREF : SPAN_MEM;
}

/* What a register makes of a value; the same twice, or the bridge is refused in the end. */
static u32 taken(const struct pci_function *f, u32 at, u32 value)
{
	u32 is;

	cfg_write(f, at, value);
	is = cfg_ask(f, at);
	cfg_write(f, at, value);
	if (cfg_ask(f, at) != is)
		pci_state_of(f)->unreliable = true;
	return is;
}

/* Which windows a bridge has: those whose registers take a value (BR 3.2.5.6, 3.2.5.9). */
static void bridge_probe(const struct pci_function *f)
{
	const struct pci_function *parent = record_parent(f);
	const struct pci_state *above = parent == NULL ? NULL : pci_state_of(parent);
	struct pci_state *s = pci_state_of(f);

	s->has_io = (taken(f, BRIDGE_IO, BRIDGE_IO_CLOSED) & 0xf0) != 0 && (above == NULL || above->has_io);
	s->has_pref = (taken(f, BRIDGE_PREF, BRIDGE_MEM_CLOSED) & 0xffff) == (BRIDGE_MEM_CLOSED | BRIDGE_PREF_64) &&
		      (above == NULL || above->has_pref);
}

static void register_values(struct pci_state *s, const struct pci_bar *b, u32 bar, u64 at)
{
	u32 flags = (b->is64 ? BAR_TYPE_64 : 0) | (b->prefetch ? BAR_PREFETCH : 0);

	if (b->space == PCI_IO)
		flags = BAR_IO;
	s->bar_value[bar] = (u32)at | flags;
	s->bar_mask[bar] = (u32)(~b->size + 1) | flags;
	if (b->is64) {
		s->bar_value[bar + 1] = (u32)(at >> 32);
		s->bar_mask[bar + 1] = (u32)((~b->size + 1) >> 32);
	}
}

static enum status place_bar(struct layout *l, struct pci_function *f, u32 bar, const char **why)
{
	struct pci_bar *b = &f->bar[bar];
	struct cursor *c = &l->space[bar_span(l, f, b)];
	const struct pci_function *parent = record_parent(f);
	u64 size = bar_room(b), at = align_up(c->at, size);
	bool closed = b->space == PCI_IO && parent != NULL && !pci_state_of(parent)->has_io;

	c->pending -= size;
	if (closed || at < c->at || at > c->end || size > c->end - at) {
		if (b->space != PCI_IO)
			return record_refuse(f, "does not fit the host bridge's windows", why);
		log_warn("PCI %02x:%02x.%u: no I/O space for BAR %u", f->rid >> 8u,
			 f->rid >> 3u & 31u, f->rid & 7u, bar);
		*b = (struct pci_bar){ .size = 0 };
		return OK;
	}
	c->at = at + size;
	b->addr = at + c->to_cpu;
	if (b->space != PCI_IO)
		b->space = c == &l->space[SPAN_PREF] ? PCI_MEM64 : PCI_MEM32;
	register_values(pci_state_of(f), b, bar, at);
	if (!bar_write(f, bar))
		return record_refuse(f, "has a base address register that does not hold an address",
				     why);
	return OK;
}

/* Place the BARs of one bus that take `size`. */
static enum status place_size(struct layout *l, u32 first, u32 bus, u64 size, const char **why)
{
	for (u32 i = first; record_on_bus(i, l->host, bus); i++) {
		for (u32 bar = 0; bar < PCI_BARS; bar++) {
			struct pci_function *f = &pci_function[i];
			enum status status = OK;

			if (f->bar[bar].size != 0 && bar_room(&f->bar[bar]) == size)
				status = place_bar(l, f, bar, why);
			if (status != OK)
				return status;
		}
	}
	return OK;
}

/* Place all BARs of one bus, the large ones first. */
static enum status place_bus(struct layout *l, u32 first, u32 bus, const char **why)
{
	enum status status = OK;
	u64 sizes = 0; /* powers of two */

	for (u32 i = first; record_on_bus(i, l->host, bus); i++)
		for (u32 bar = 0; bar < PCI_BARS; bar++)
			if (pci_function[i].bar[bar].size != 0)
				sizes |= bar_room(&pci_function[i].bar[bar]);
	while (sizes != 0 && status == OK) {
		u64 size = 1ull << (63 - __builtin_clzll(sizes));

		sizes &= ~size;
		status = place_size(l, first, bus, size, why);
	}
	return status;
}

static void window_begin(struct layout *l, const struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);

	for (u32 i = 0; i < SPANS; i++) {
		struct cursor *c = &l->space[i];

		c->at = min_u64(align_up(c->at, c->unit), c->end);
		s->window[i].base = c->at;
	}
}

/*
 * Close a window behind what was placed in it. An empty one gets the smallest size while there
 * is plenty: an operating system that sees none may believe that it can open one.
 */
static void window_end(struct layout *l, const struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);
	const bool exists[SPANS] = { s->has_io, true, s->has_pref };

	for (u32 i = 0; i < SPANS; i++) {
		struct cursor *c = &l->space[i];
		bool plenty = c->end - c->at >= c->unit + 2 * c->pending;

		if (exists[i] && c->at == s->window[i].base && plenty)
			c->at += c->unit;
		c->at = min_u64(align_up(c->at, c->unit), c->end);
		s->window[i].end = c->at;
	}
}

/* Base and limit as the 16-bit registers of a bridge have them, address bits 31:20 in 15:4. */
static u32 mem_registers(const struct pci_window *w)
{
	if (w->base == w->end)
		return BRIDGE_MEM_CLOSED;
	return (u32)((w->end - 1) & 0xfff00000) | (u32)(w->base >> 16 & 0xfff0);
}

static u32 io_registers(const struct pci_window *w)
{
	if (w->base == w->end)
		return BRIDGE_IO_CLOSED;
	return (u32)((w->end - 1) & 0xf000) | (u32)(w->base >> 8 & 0xf0);
}

static void window_write(const struct pci_function *f)
{
	const struct pci_window *w = pci_state_of(f)->window;
	const struct pci_window *pref = &w[SPAN_PREF];
	bool open = pref->base != pref->end;

	cfg_write(f, BRIDGE_IO, io_registers(&w[SPAN_IO]));
	cfg_write(f, BRIDGE_IO_UPPER, 0);
	cfg_write(f, BRIDGE_MEM, mem_registers(&w[SPAN_MEM]));
	cfg_write(f, BRIDGE_PREF, mem_registers(pref));
	cfg_write(f, BRIDGE_PREF_BASE_UPPER, open ? (u32)(pref->base >> 32) : 0);
	cfg_write(f, BRIDGE_PREF_LIMIT_UPPER, open ? (u32)((pref->end - 1) >> 32) : 0);
}

static bool window_holds(const struct pci_function *f)
{
	const struct pci_state *s = pci_state_of(f);
	const struct pci_window *w = s->window;

	/* The low nibbles say what kind of window it is. */
	if (s->has_io && ((cfg_read(f, BRIDGE_IO) & 0xf0f0) != io_registers(&w[SPAN_IO]) || cfg_read(f, BRIDGE_IO_UPPER) != 0))
		return false;
	if ((cfg_read(f, BRIDGE_MEM) & 0xfff0fff0) != mem_registers(&w[SPAN_MEM]))
		return false;
	if (w[SPAN_PREF].base == w[SPAN_PREF].end)
		return true;
	return (cfg_read(f, BRIDGE_PREF) & 0xfff0fff0) == mem_registers(&w[SPAN_PREF]) &&
	       cfg_read(f, BRIDGE_PREF_BASE_UPPER) == w[SPAN_PREF].base >> 32 &&
	       cfg_read(f, BRIDGE_PREF_LIMIT_UPPER) == (w[SPAN_PREF].end - 1) >> 32;
}

static void pending_init(struct layout *l)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *f = &pci_function[i];

		if (f->host != l->host)
			continue;
		if (f->bridge)
			bridge_probe(f);
		for (u32 bar = 0; bar < PCI_BARS; bar++)
			if (f->bar[bar].size != 0)
				l->space[bar_span(l, f, &f->bar[bar])].pending +=
					bar_room(&f->bar[bar]);
	}
}

static enum status bridge_step(struct layout *l, enum record_step step, u32 bridge,
			       const char **why)
{
	const struct pci_function *f = &pci_function[bridge];

	if (step == STEP_DOWN) {
		window_begin(l, f);
		return place_bus(l, pci_state_of(f)->first_below, f->secondary, why);
	}
	window_end(l, f);
	window_write(f);
	return window_holds(f) ? OK : record_refuse(f, "does not take its windows", why);
}

static enum status assign_root(struct layout *l, const struct probe_root *root, const char **why)
{
	enum status status = place_bus(l, root->first, root->bus, why);
	enum record_step step;
	struct record_walk w;

	record_walk_begin(&w, root->host, root->bus, root->first);
	while (status == OK && (step = record_walk_next(&w)) != STEP_END)
		status = bridge_step(l, step, w.bridge, why);
	return status;
}

enum status assign_host(u32 host, const char **why)
{
	enum status status = OK;
	struct layout l;

	layout_init(&l, host);
	pending_init(&l);
	for (u32 i = 0; i < probe_root_count && status == OK; i++)
		if (probe_root[i].host == host)
			status = assign_root(&l, &probe_root[i], why);
	return status;
}
