/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds every function of a host bridge. First a pass over all bus numbers as firmware left them,
 * in which every function found loses its right to master the bus; then bridges are numbered
 * depth first, below each root bus in the numbers up to the next one (a machine's extra root
 * buses, which hang below no bridge, have fixed numbers).
 */
#include "record.h"

#include <string.h>

struct probe_root probe_root[PROBE_ROOTS];
u32 probe_root_count;

struct bus_set {
	u64 word[4];
};

static bool bus_has(const struct bus_set *set, u32 bus)
{
	return (set->word[bus / 64] >> (bus % 64) & 1) != 0;
}

static void bus_set_add(struct bus_set *set, u32 bus)
{
	set->word[bus / 64] |= BIT(bus % 64);
}

/* An absent function answers ones (PCIe 2.3.1); some bridges answer one half of it, or zeros. */
static bool id_present(u32 id)
{
	return (id & 0xffff) != 0xffff && (id & 0xffff) != 0;
}

/* Does a function answer? `*count`: how many functions its slot may have, from function 0. */
static bool present(u64 config, u32 function, u32 *count)
{
	if (!id_present(cfg_read_at(config, PCI_ID)))
		return false;
	if (function == 0 && cfg_read_at(config, PCI_TIMING) & TIMING_MULTI)
		*count = 8;
	return true;
}

static bool is_bridge(u64 config)
{
	return FIELD_GET(TIMING_HEADER, cfg_read_at(config, PCI_TIMING)) == 1;
}

/* Firmware's numbering: the buses that this bridge claims. */
static void claim(u64 config, struct bus_set *claimed)
{
	u32 buses = cfg_read_at(config, BRIDGE_BUSES);

	for (u32 bus = buses >> 8 & 255; bus != 0 && bus <= (buses >> 16 & 255); bus++)
		bus_set_add(claimed, bus);
}

/*
 * Visit the functions of one bus: off with decoding, mastering and, if `forget`, with the numbers
 * of bridges. Returns whether there is any.
 */
static bool bus_silence(const struct machine_pci_host *h, u32 bus, bool forget,
			struct bus_set *claimed)
{
	bool any = false;

	for (u32 slot = 0; slot < 32; slot++) {
		for (u32 fn = 0, count = 1; fn < count; fn++) {
			u64 config = pci_config_base(h, bus, slot << 3 | fn);

			if (!present(config, fn, &count))
				continue;
			any = true;
			cfg_write_at(config, PCI_COMMAND, 0);
			if (!is_bridge(config))
				continue;
			claim(config, claimed);
			if (forget)
				cfg_write_at(config, BRIDGE_BUSES, 0);
		}
	}
	return any;
}

/* Every function that can be reached loses COMMAND before anything else happens; BR 3.2.4.3. */
static void silence(const struct machine_pci_host *h, struct bus_set *roots)
{
	struct bus_set found = { { 0 } }, claimed = { { 0 } };

	for (u32 bus = h->bus_first; bus <= h->bus_last; bus++)
		if (bus_silence(h, bus, false, &claimed))
			bus_set_add(&found, bus);
	for (u32 bus = h->bus_first; bus <= h->bus_last; bus++)
		if (bus_has(&found, bus))
			bus_silence(h, bus, true, &claimed);
	/* What still answers now that no bridge claims anything hangs below none. */
	for (u32 bus = h->bus_first; bus <= h->bus_last; bus++)
		if (bus_has(&found, bus) &&
		    (!bus_has(&claimed, bus) || bus_silence(h, bus, true, &claimed)))
			bus_set_add(roots, bus);
}

static enum status function_add(struct pci_function *f, u16 parent, const char **why)
{
	struct pci_state *s = pci_state_of(f);
	u32 header, class_code;

	s->id = cfg_read(f, PCI_ID);
	f->vendor = (u16)s->id;
	f->device_id = (u16)(s->id >> 16);
	class_code = cfg_ask(f, PCI_CLASS);
	f->class_code = class_code >> 8;
	f->parent = parent;
	cfg_write(f, PCI_COMMAND, 0);
	header = (u32)FIELD_GET(TIMING_HEADER, cfg_read(f, PCI_TIMING));
	if (!id_present(s->id) || header > 1)
		return record_refuse(f, "answers with an unknown kind of header", why);
	f->bridge = header == 1;
	f->no_iommu = f->bridge || f->class_code >> 8 == CLASS_HOST_BRIDGE;
	caps_record(f); /* before its bus numbers: it may have to be woken, and forget them */
	s->reset = (u8)reset_method_read(f);
	if (f->bridge)
		cfg_write(f, BRIDGE_BUSES, 0);
	return OK;
}

static enum status bus_scan(u32 host, u32 bus, u16 parent, const char **why)
{
	const struct machine_pci_host *h = &pci_machine->pci[host];

	for (u32 slot = 0; slot < 32; slot++) {
		for (u32 fn = 0, count = 1; fn < count; fn++) {
			u32 devfn = slot << 3 | fn;
			struct pci_function *f;
			enum status status;

			if (!present(pci_config_base(h, bus, devfn), fn, &count))
				continue;
			f = record_add(host, bus << 8 | devfn);
			if (f == NULL) {
				*why = "more PCI functions than the table holds";
				return E_INVAL;
			}
			status = function_add(f, parent, why);
			if (status != OK)
				return status;
		}
	}
	return OK;
}

/* Enter a bridge: the next bus number is its secondary, everything up to `last` is let through. */
static enum status bridge_enter(struct pci_function *f, u32 bus, u32 last, const char **why)
{
	if (bus > last)
		return record_refuse(f, "no bus number is left for this bridge", why);
	f->secondary = (u8)bus;
	f->subordinate = (u8)last;
	pci_state_of(f)->first_below = (u16)pci_function_count;
	cfg_write(f, BRIDGE_BUSES, last << 16 | bus << 8 | f->rid >> 8);
	return bus_scan(f->host, bus, (u16)pci_index(f), why);
}

static enum status bridge_leave(struct pci_function *f, u32 last, const char **why)
{
	u32 numbers = last << 16 | (u32)f->secondary << 8 | f->rid >> 8;

	f->subordinate = (u8)last;
	cfg_write(f, BRIDGE_BUSES, numbers);
	if ((cfg_read(f, BRIDGE_BUSES) & BRIDGE_BUS_NUMBERS) != numbers)
		return record_refuse(f, "does not take its bus numbers", why);
	return OK;
}

/* Everything below one root bus; its bridges number from the next bus up to `last`. */
static enum status root_scan(const struct probe_root *root, u32 last, const char **why)
{
	enum status status = bus_scan(root->host, root->bus, PCI_NO_PARENT, why);
	u32 used = root->bus;
	struct record_walk w;

	record_walk_begin(&w, root->host, root->bus, root->first);
	while (status == OK) {
		switch (record_walk_next(&w)) {
		case STEP_DOWN:
			status = bridge_enter(&pci_function[w.bridge], ++used, last, why);
			break;
		case STEP_UP:
			status = bridge_leave(&pci_function[w.bridge], used, why);
			break;
		case STEP_END:
			return OK;
		}
	}
	return status;
}

static u32 next_root(const struct machine_pci_host *h, const struct bus_set *roots, u32 bus)
{
	do
		bus++;
	while (bus <= h->bus_last && !bus_has(roots, bus));
	return bus;
}

enum status probe_host(u32 host, const char **why)
{
	const struct machine_pci_host *h = &pci_machine->pci[host];
	struct bus_set roots = { { 0 } };
	enum status status = OK;
	u32 bus;

	silence(h, &roots);
	bus = bus_has(&roots, h->bus_first) ? h->bus_first : next_root(h, &roots, h->bus_first);
	while (status == OK && bus <= h->bus_last) {
		u32 next = next_root(h, &roots, bus);
		struct probe_root *root = &probe_root[probe_root_count];

		if (probe_root_count == PROBE_ROOTS) {
			*why = "more PCI root buses than the table holds";
			return E_INVAL;
		}
		probe_root_count++;
		*root = (struct probe_root){ (u8)host, (u8)bus, (u16)pci_function_count };
		status = root_scan(root, next - 1, why);
		bus = next;
	}
	return status;
}
