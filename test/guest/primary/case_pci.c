/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space: trapped, filtered by a table with default deny, BARs and buses fixed (E7, E8, F5). */
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"

static u32 slot(void)
{
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	return bdf;
}

CASE(pci, bars_cannot_be_moved_E7)
{
	static const u32 values[] = { 0, 0x10000000, 0x40000000, BOARD_SMMU, 0x7ffffff0, 0x12345678 };
	struct testdev t;
	u32 *page = ram_alloc(PAGE, PAGE);

	testdev_open(&t, slot());
	for (u32 i = 0; i < ARRAY_COUNT(values); i++) {
		u32 before = pci_read32(t.bdf, PCI_BAR(0));

		pci_write32(t.bdf, PCI_BAR(0), values[i]);
		REQUIRE_EQUAL(pci_read32(t.bdf, PCI_BAR(0)), before);
		LANDS(t, (u64)page, page);
	}
}

CASE(pci, sizing_works_and_changes_nothing_E7)
{
	u32 bdf = slot();
	u32 before[3];

	for (u32 fn = 0; fn < 3; fn++)
		before[fn] = pci_read32(bdf + fn, PCI_BAR(0));
	REQUIRE_EQUAL(pci_bar(bdf, 0).size, PAGE);
	REQUIRE_EQUAL(pci_bar(bdf + 1, 0).size, 0x100000);
	REQUIRE_EQUAL(pci_bar(bdf + 2, 0).size, PAGE);
	for (u32 fn = 0; fn < 3; fn++) {
		REQUIRE_EQUAL(pci_read32(bdf + fn, PCI_BAR(0)), before[fn]);
		for (u32 bar = 1; bar < 6; bar++)
			REQUIRE_EQUAL(pci_bar(bdf + fn, bar).size, 0);
		pci_write32(bdf + fn, PCI_ROM, ~0u);
		REQUIRE_EQUAL(pci_read32(bdf + fn, PCI_ROM), 0);
	}
}

CASE(pci, messages_cannot_be_turned_on_F5)
{
	u32 bdf = slot() + 1, at = pci_find_capability(bdf, PCI_CAP_MSI), word;

	/* Hidden altogether would do as well. */
	if (!at)
		return;
	word = pci_read32(bdf, at);
	pci_write32(bdf, at, word | 1u << 16);
	REQUIRE(!(pci_read32(bdf, at) & 1u << 16), "MSI is on");
	pci_write32(bdf, at + 4, 0x08090040);
	REQUIRE(pci_read32(bdf, at + 4) != 0x08090040, "the message's address is ours to choose");
}

CASE(pci, fixed_registers_ignore_writes)
{
	u32 bdf = slot();

	for (u32 fn = 0; fn < 3; fn++) {
		for (u32 offset = 0; offset < 0x40; offset += 4) {
			/* Cache line size and latency timer are notes of a driver's to itself. */
			u32 mask = offset == 0x0c ? 0xffff0000 : ~0u, before = pci_read32(bdf + fn, offset) & mask;

			if (offset == PCI_COMMAND || offset == PCI_INTERRUPT_LINE || (offset >= 0x10 && offset < 0x28))
				continue;
			pci_write32(bdf + fn, offset, ~before);
			REQUIRE((pci_read32(bdf + fn, offset) & mask) == before, "offset %x of function %u changes from %x to %x",
				offset, fn, before, pci_read32(bdf + fn, offset));
		}
	}
}

CASE(pci, command_takes_what_an_owner_may_set)
{
	u32 bdf = slot();

	pci_enable(bdf);
	REQUIRE((pci_read32(bdf, PCI_COMMAND) & 6) == 6, "memory decoding and bus mastering: %x",
		pci_read32(bdf, PCI_COMMAND));
	mmio_write16(pci_config(bdf, PCI_COMMAND), PCI_COMMAND_MEMORY);
	REQUIRE((pci_read32(bdf, PCI_COMMAND) & 6) == 2, "bus mastering cannot be turned off");
	pci_enable(bdf);
}

CASE(pci, absent_functions_read_ones)
{
	u32 absent = 0;

	for (u32 bus = machine.pci.bus_first; bus <= machine.pci.bus_last; bus++) {
		for (u32 fn = 0; fn < 256; fn++) {
			u32 bdf = bus << 8 | fn, known = 0;

			for (u32 i = 0; i < pci_function_count; i++)
				known |= pci_functions[i].bdf == bdf;
			if (known)
				continue;
			absent++;
			REQUIRE(pci_read32(bdf, PCI_ID) == PCI_ABSENT && pci_read32(bdf, PCI_COMMAND) == ~0u,
				"function %x, which is not there, reads %x", bdf, pci_read32(bdf, PCI_ID));
			if (fn % 32 == 0)
				pci_write32(bdf, PCI_COMMAND, 7);
		}
	}
	REQUIRE(absent > 1000, "only %u functions are absent", absent);
}

CASE(pci, narrow_reads_agree_with_words)
{
	u32 bdf = slot();

	for (u32 offset = 0; offset < 0x100; offset += 4) {
		u32 word = pci_read32(bdf, offset);

		REQUIRE(mmio_read16(pci_config(bdf, offset)) == (u16)word && mmio_read16(pci_config(bdf, offset + 2)) == word >> 16,
			"16-bit reads at %x", offset);
		for (u32 byte = 0; byte < 4; byte++)
			REQUIRE(mmio_read8(pci_config(bdf, offset + byte)) == (u8)(word >> 8 * byte), "8-bit reads at %x", offset);
	}
}

/* All of it, in words nobody would write: whatever is accepted, the device stays where and what it was. */
CASE(pci, writing_everything_moves_nothing_E7_K2)
{
	u32 bdf = slot(), *page = ram_alloc(PAGE, PAGE);
	u32 bars[3], ids[3];
	struct testdev t;

	for (u32 fn = 0; fn < 3; fn++) {
		bars[fn] = pci_read32(bdf + fn, PCI_BAR(0));
		ids[fn] = pci_read32(bdf + fn, PCI_ID);
	}
	for (u32 offset = 0; offset < 0x1000; offset += 4) {
		for (u32 fn = 0; fn < 3; fn++) {
			pci_write32(bdf + fn, offset, 0x55555555);
			pci_write32(bdf + fn, offset, 0xaaaaaaaa);
			pci_write32(bdf + fn, offset, 0xffffffff);
			pci_write32(bdf + fn, offset, 0);
		}
	}
	for (u32 fn = 0; fn < 3; fn++)
		REQUIRE(pci_read32(bdf + fn, PCI_BAR(0)) == bars[fn] && pci_read32(bdf + fn, PCI_ID) == ids[fn],
			"function %u has another BAR or another id", fn);
	testdev_open(&t, bdf);
	LANDS(t, (u64)page, page);
}

/* Bridges: buses and windows are fixed. */
CASE(pci, bridges_cannot_be_moved)
{
	u32 bridges = 0;

	for (u32 i = 0; i < pci_function_count; i++) {
		u32 bdf = pci_functions[i].bdf, buses;

		if ((pci_read32(bdf, PCI_HEADER_TYPE & ~3u) >> 16 & 0x7f) != 1)
			continue;
		bridges++;
		buses = pci_read32(bdf, PCI_BRIDGE_BUSES);
		for (u32 offset = PCI_BRIDGE_BUSES; offset < 0x34; offset += 4) {
			u32 before = pci_read32(bdf, offset) & (offset == 0x1c ? 0xffff : ~0u);

			pci_write32(bdf, offset, 0);
			pci_write32(bdf, offset, ~before);
			REQUIRE((pci_read32(bdf, offset) & (offset == 0x1c ? 0xffff : ~0u)) == before,
				"offset %x of bridge %x changes", offset, bdf);
		}
		REQUIRE_EQUAL(pci_read32(bdf, PCI_BRIDGE_BUSES), buses);
	}
	if (!bridges)
		report_skip("this machine has no bridge");
}

CASE(pci, strange_widths_K2)
{
	u32 bdf = slot(), id = pci_read32(bdf, PCI_ID);

	TRY(mmio_read64(pci_config(bdf, 0)));
	TRY(mmio_write64(pci_config(bdf, PCI_BAR(0)), 0));
	TRY(mmio_read64(pci_config(bdf, 0xff8)));
	REQUIRE_EQUAL(pci_read32(bdf, PCI_ID), id);
	REQUIRE_EQUAL(pci_bar(bdf, 0).size, PAGE);
	REQUIRE(pci_bar(bdf, 0).base, "a 64-bit write moved the BAR");
}
