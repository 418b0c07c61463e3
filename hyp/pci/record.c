/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the table of functions, its index by requester id, and the lock of the room.
 *
 * Functions of a bus are neighbours and ascend by device and function. The index has two levels:
 * bus -> map of slots -> first function of the slot, of which at most seven more follow.
 */
#include "record.h"

#include <stdio.h>
#include <string.h>

struct bus_map {
	u32 present;  /* bit per device number */
	u8 first[32]; /* index of the slot's first function */
};
_Static_assert(PCI_MAX_FUNCTIONS <= 256, "an index fits a byte");

struct pci_function pci_function[PCI_MAX_FUNCTIONS];
u32 pci_function_count;
struct pci_state pci_state[PCI_MAX_FUNCTIONS];
const struct machine *pci_machine;

/* Map 0 stays empty: that of all buses without functions. */
static struct bus_map bus_map[PCI_MAX_FUNCTIONS];
static u32 bus_map_count;
static u8 bus_index[MACHINE_MAX_PCI_HOSTS][256];

struct lock_class pci_class;
static struct spinlock lock = SPINLOCK_INIT;

void pci_lock(void) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&lock);
}

void pci_unlock(void) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&lock);
}

void record_reset(const struct machine *m)
{
	memset(pci_function, 0, sizeof(pci_function));
	memset(pci_state, 0, sizeof(pci_state));
	memset(bus_map, 0, sizeof(bus_map));
	memset(bus_index, 0, sizeof(bus_index));
	pci_function_count = 0;
	bus_map_count = 1;
	probe_root_count = 0;
	pci_machine = m;
}

u32 cfg_ask(const struct pci_function *f, u32 offset)
{
	u32 value = cfg_read(f, offset);

	if (value == PCI_ABSENT)
		pci_state_of(f)->unreliable = true;
	return value;
}

u32 cfg_ask_again(const struct pci_function *f, u32 offset)
{
	u32 value = cfg_read(f, offset);

	if (value == PCI_ABSENT && cfg_read(f, offset) != PCI_ABSENT)
		pci_state_of(f)->unreliable = true;
	return value;
}

struct pci_function *record_add(u32 host, u32 rid)
{
	u8 *index = &bus_index[host][rid >> 8];
	u32 slot = rid >> 3 & 31;
	struct pci_function *f;
	struct bus_map *map;

	if (pci_function_count == PCI_MAX_FUNCTIONS)
		return NULL;
	if (*index == 0) {
		if (bus_map_count == ARRAY_SIZE(bus_map))
			return NULL;
		*index = (u8)bus_map_count++;
	}
	map = &bus_map[*index];
	if (!(map->present & BIT32(slot))) {
		map->present |= BIT32(slot);
		map->first[slot] = (u8)pci_function_count;
	}
	f = &pci_function[pci_function_count++];
	f->host = (u8)host;
	f->rid = (u16)rid;
	pci_state_of(f)->config = pci_config_base(&pci_machine->pci[host], rid >> 8, rid & 255);
	return f;
}

u32 record_find(u32 host, u32 rid)
{
	const struct bus_map *map = &bus_map[bus_index[host][rid >> 8 & 255]];
	u32 slot = rid >> 3 & 31, i, end;

	if (!(map->present & BIT32(slot)))
		return RECORD_NONE;
	i = map->first[slot];
	for (end = i + 8; i < end && i < pci_function_count; i++)
		if (likely(pci_function[i].rid == rid && pci_function[i].host == host))
			return i;
	return RECORD_NONE;
}

struct pci_function *record_parent(const struct pci_function *f)
{
	return f->parent == PCI_NO_PARENT ? NULL : &pci_function[f->parent];
}

enum status record_refuse(const struct pci_function *f, const char *text, const char **why)
{
	static char sentence[160];

	snprintf(sentence, sizeof(sentence), "%04x:%02x:%02x.%u (%04x:%04x): %s",
		 pci_machine->pci[f->host].segment, f->rid >> 8u, f->rid >> 3u & 31u, f->rid & 7u,
		 f->vendor, f->device_id, text);
	*why = sentence;
	return E_INVAL;
}

bool record_on_bus(u32 index, u32 host, u32 bus)
{
	return index < pci_function_count && pci_function[index].host == host &&
	       pci_function[index].rid >> 8u == bus;
}

void record_walk_begin(struct record_walk *w, u32 host, u32 bus, u32 first)
{
	*w = (struct record_walk){
		.host = host,
		.bus = bus,
		.next = first,
		.parent = PCI_NO_PARENT,
	};
}

enum record_step record_walk_next(struct record_walk *w)
{
	if (w->down) {
		w->down = false;
		w->parent = (u16)w->bridge;
		w->bus = pci_function[w->bridge].secondary;
		w->next = pci_state[w->bridge].first_below;
	}
	for (; record_on_bus(w->next, w->host, w->bus); w->next++) {
		if (pci_function[w->next].bridge) {
			w->bridge = w->next;
			w->down = true;
			return STEP_DOWN;
		}
	}
	if (w->parent == PCI_NO_PARENT)
		return STEP_END;
	w->bridge = w->parent;
	w->next = w->bridge + 1;
	w->bus = pci_function[w->bridge].rid >> 8;
	w->parent = pci_function[w->bridge].parent;
	return STEP_UP;
}
