/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI 3.0 configuration space, type 0 and 1 headers. */
#include "pci.h"

#define BAR_IO        1u
#define BAR_64        4u
#define FUNCTIONS_BUS 256

struct pci_function pci_functions[PCI_MAX_FUNCTIONS];
u32 pci_function_count;

u64 pci_config(u32 bdf, u32 offset)
{
	return machine.pci.ecam.base + ((u64)(bdf - (machine.pci.bus_first << 8)) << 12) + offset;
}

static u64 bar_value(u32 bdf, u32 bar)
{
	u32 low = pci_read32(bdf, PCI_BAR(bar));
	u64 high = low & BAR_64 ? pci_read32(bdf, PCI_BAR(bar + 1)) : 0;

	return high << 32 | (low & ~0xfu);
}

static void bar_write(u32 bdf, u32 bar, u64 value)
{
	u32 low = pci_read32(bdf, PCI_BAR(bar));

	pci_write32(bdf, PCI_BAR(bar), (u32)value);
	if (low & BAR_64)
		pci_write32(bdf, PCI_BAR(bar + 1), (u32)(value >> 32));
}

struct range pci_bar(u32 bdf, u32 bar)
{
	u32 low = pci_read32(bdf, PCI_BAR(bar));
	struct range r = { 0, 0 };
	u64 mask;

	if (low & BAR_IO)
		return r;
	r.base = bar_value(bdf, bar);
	bar_write(bdf, bar, ~0ul);
	mask = bar_value(bdf, bar);
	bar_write(bdf, bar, r.base);
	if (!(low & BAR_64))
		mask |= mask ? ~0ul << 32 : 0;
	r.size = ~mask + 1;
	return r;
}

u32 pci_enable(u32 bdf)
{
	u32 command = pci_read32(bdf, PCI_COMMAND) & 0xffff;

	/* The upper half is the status register: writing zeros there changes nothing. */
	pci_write32(bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return pci_read32(bdf, PCI_COMMAND) & 0xffff;
}

u32 pci_find_capability(u32 bdf, u8 id)
{
	u32 at = pci_read32(bdf, PCI_CAPABILITIES) & 0xfc;

	for (u32 hops = 0; at && hops < 48; hops++) {
		u32 header = pci_read32(bdf, at);

		if ((header & 0xff) == id)
			return at;
		at = header >> 8 & 0xfc;
	}
	return 0;
}

static void scan_slot(u32 slot)
{
	u32 count = 8;

	for (u32 fn = 0; fn < count; fn++) {
		u32 id = pci_read32(slot + fn, PCI_ID);

		if (id == PCI_ABSENT && fn == 0)
			return;
		if (id == PCI_ABSENT || pci_function_count == PCI_MAX_FUNCTIONS)
			continue;
		pci_functions[pci_function_count++] = (struct pci_function){ slot + fn, id };
		if (fn == 0 && !(pci_read32(slot, PCI_HEADER_TYPE & ~3u) >> 16 & 0x80))
			count = 1;
	}
}

void pci_scan(void)
{
	if (!machine.pci.ecam.size)
		return;
	for (u32 bus = machine.pci.bus_first; bus <= machine.pci.bus_last; bus++) {
		for (u32 slot = 0; slot < FUNCTIONS_BUS; slot += 8)
			scan_slot(bus << 8 | slot);
	}
}

static void assign_function(u32 bdf, u64 *next)
{
	for (u32 bar = 0; bar < 6; bar++) {
		u32 low = pci_read32(bdf, PCI_BAR(bar));
		struct range r = pci_bar(bdf, bar);

		if (r.size && !r.base) {
			*next = align_up(*next, r.size);
			bar_write(bdf, bar, *next);
			*next += r.size;
		}
		bar += low & BAR_64 ? 1 : 0;
	}
	pci_enable(bdf);
}

void pci_assign_unassigned(void)
{
	u64 next = machine.pci.mem32.base;

	for (u32 i = 0; i < pci_function_count; i++)
		assign_function(pci_functions[i].bdf, &next);
}
