/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers: sizing with decoding off (PCI 6.2.5.1), and their registers from the
 * record. What cannot be sized is refused: its function would answer at an unknown address.
 */
#include "record.h"

static u32 bar_limit(const struct pci_function *f)
{
	return f->bridge ? 2 : PCI_BARS;
}

/* Write ones, read what sticks, leave zero. */
static u32 bar_ones(const struct pci_function *f, u32 at)
{
	u32 mask;

	cfg_write(f, at, 0xffffffff);
	mask = cfg_read(f, at);
	cfg_write(f, at, 0);
	return mask;
}

/* A size that one access got wrong would be a place that two functions answer at: it is the same twice. */
static u32 bar_probe(const struct pci_function *f, u32 bar)
{
	u32 at = PCI_BAR0 + 4 * bar, mask = bar_ones(f, at);

	if (bar_ones(f, at) != mask)
		pci_state_of(f)->unreliable = true;
	return mask;
}

/* The size of a mask: ones from some bit up, zeros below; 0: no such mask. */
static u64 mask_size(u64 mask)
{
	u64 size = ~mask + 1;

	return (size & (size - 1)) == 0 ? size : 0;
}

static void bar_size_io(struct pci_bar *b, u32 low)
{
	u64 mask = low & ~BAR_IO_FLAGS;

	b->space = PCI_IO;
	if (mask == 0)
		return;
	/* A function may decode 16 bits only (PCI 6.2.5.1). */
	if (mask >> 16 == 0)
		mask |= 0xffff0000;
	b->size = mask_size(mask | ~0xffffffffull);
}

static void bar_size_mem(const struct pci_function *f, u32 bar, struct pci_bar *b, u32 low)
{
	u64 mask = low & ~BAR_MEM_FLAGS;

	b->space = PCI_MEM32;
	b->prefetch = (low & BAR_PREFETCH) != 0;
	b->is64 = (low & BAR_TYPE) == BAR_TYPE_64;
	if (b->is64 && bar + 1 < bar_limit(f))
		mask |= (u64)bar_probe(f, bar + 1) << 32;
	else if ((low & BAR_TYPE) == BAR_TYPE_32 && mask != 0)
		mask |= ~0xffffffffull;
	else
		mask = 0; /* an unknown type, no address bit, or no register for the upper half */
	b->size = mask_size(mask);
}

enum status bar_size_all(struct pci_function *f, const char **why)
{
	cfg_write(f, f->bridge ? BRIDGE_ROM : PCI_ROM, 0);
	cfg_write(f, PCI_INTERRUPT, 0); /* bridges: and no reset, no error forwarding below */
	for (u32 bar = 0; bar < bar_limit(f); bar++) {
		struct pci_bar *b = &f->bar[bar];
		u32 low = bar_probe(f, bar);

		if (low == 0)
			continue;
		if (low & BAR_IO)
			bar_size_io(b, low);
		else
			bar_size_mem(f, bar, b, low);
		if (b->size == 0)
			return record_refuse(
				f, "has a base address register that cannot be sized", why);
		bar += b->is64;
	}
	return OK;
}

bool bar_write(const struct pci_function *f, u32 bar)
{
	const struct pci_state *s = pci_state_of(f);
	u32 registers = f->bar[bar].is64 ? 2 : 1;

	for (u32 i = bar; i < bar + registers; i++) {
		cfg_write(f, PCI_BAR0 + 4 * i, s->bar_value[i]);
		if (cfg_read(f, PCI_BAR0 + 4 * i) != s->bar_value[i])
			return false;
	}
	return true;
}
