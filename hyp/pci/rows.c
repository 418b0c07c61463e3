/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter's one const table, a row per register, and the map from a function's dwords to rows.
 * What has no row reads as zero and ignores writes. A hidden capability keeps its place in the
 * list with id 0, the null capability, so that the list needs no repair.
 *
 * Hidden: message interrupts (no VM has a translated doorbell), VPD (it keeps what is written for
 * the next owner), advanced features, and everything unknown. Not writable anywhere: power state,
 * resets, bus numbers, windows, BARs, sizes and error reporting that reach beyond the function.
 */
#include "record.h"

enum row {
	NONE,
	/* headers, PCI 6.1 and BR 3.2 */
	READ_ONLY,
	COMMAND,
	COMMAND_FIXED,
	TIMING,
	TIMING_FIXED,
	BAR,
	POINTER,
	LINE,
	BRIDGE_ERRORS,
	/* capabilities */
	HIDDEN,
	PM_HEAD,
	PM_CONTROL,
	PCIE_HEAD,
	DEV_CAP,
	DEV_CONTROL,
	LINK_CAP,
	TIMEOUTS,
	ROWS
};

#define ALL 0xffffffffu

const struct pci_row pci_row[ROWS] = {
	[READ_ONLY] = { .read = ALL },
	[COMMAND] = {
		.read = ALL,
		.write = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX,
		.clear = STATUS_ERRORS,
	},
	/* Bridges forward, host bridges do not master: not a VM's choice. */
	[COMMAND_FIXED] = { .read = ALL },
	[TIMING] = { .read = BITS32(23, 0), .write = TIMING_VALUES }, /* no self-test */
	[TIMING_FIXED] = { .read = BITS32(23, 0) },
	[BAR] = { .kind = ROW_BAR },
	[POINTER] = { .read = BITS32(7, 0) },
	[LINE] = { .read = BITS32(31, 8), .kind = ROW_LINE },
	[BRIDGE_ERRORS] = { .read = ALL, .clear = STATUS_ERRORS, .keep = BITS32(15, 0) },

	[HIDDEN] = { .read = CAP_NEXT },
	/* Version; no wake-up events, no D1, no D2 (PM 3.2.3). */
	[PM_HEAD] = { .read = BITS32(21, 16) | CAP_NEXT | CAP_ID },
	/* The state it is in; a way through D3 resets nothing, since there is no way (PM 3.2.4). */
	[PM_CONTROL] = { .read = PM_STATE, .ones = PM_NO_SOFT_RESET },

	/* PCIe 7.5.3: no slot, no function-level reset, no phantom functions, no ASPM */
	[PCIE_HEAD] = { .read = ALL & ~PCIE_SLOT },
	[DEV_CAP] = { .read = ALL & ~(PCIE_DEVCAP_FLR | BITS32(4, 3)) },
	[DEV_CONTROL] = {
		.read = ALL,
		.write = DEVCTL_RELAXED | DEVCTL_MRRS,
		.clear = DEVSTA_ERRORS,
		.keep = DEVCTL_MPS | DEVCTL_EXT_TAG,
	},
	[LINK_CAP] = { .read = ALL & ~(BIT32(21) | BIT32(18) | BITS32(11, 10)) },
	[TIMEOUTS] = { .read = DEVCTL2_TIMEOUT },
};

static const u8 header_rows[2][16] = {
	{
		READ_ONLY,
		COMMAND,
		READ_ONLY,
		TIMING,
		BAR,
		BAR,
		BAR,
		BAR,
		BAR,
		BAR,
		NONE /* CardBus */,
		READ_ONLY /* subsystem */,
		NONE /* ROM */,
		POINTER,
		NONE,
		LINE,
	},
	{
		READ_ONLY,
		COMMAND_FIXED,
		READ_ONLY,
		TIMING_FIXED,
		BAR,
		BAR,
		READ_ONLY /* buses */,
		BRIDGE_ERRORS /* and the I/O window */,
		READ_ONLY,
		READ_ONLY,
		READ_ONLY,
		READ_ONLY,
		READ_ONLY /* windows */,
		POINTER,
		NONE /* ROM */,
		LINE /* and bridge control */,
	},
};

static const u8 pm_rows[] = { PM_HEAD, PM_CONTROL };
static const u8 subsystem_rows[] = { READ_ONLY, READ_ONLY };
/* Slot and root registers are the hypervisor's, of the second set the link's are shown. */
static const u8 pcie_rows[] = {
	PCIE_HEAD,
	DEV_CAP,
	DEV_CONTROL,
	LINK_CAP,
	READ_ONLY /* link control */,
	NONE,
	NONE,
	NONE,
	NONE,
	TIMEOUTS,
	TIMEOUTS,
	READ_ONLY,
	READ_ONLY,
};
/* A vendor's own is as long as it says; reading it is part of many drivers (virtio 4.1.4). */
#define VENDOR_DWORDS 16
#define VENDOR_LENGTH BITS32(23, 16)
static const u8 vendor_rows[VENDOR_DWORDS] = {
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
	READ_ONLY,
};

struct cap_rows {
	const u8 *rows; /* NULL: hidden */
	u32 count;
};

static struct cap_rows rows_of(u32 head)
{
	u32 dwords = ((u32)FIELD_GET(VENDOR_LENGTH, head) + 3) / 4;

	if (dwords > VENDOR_DWORDS)
		dwords = VENDOR_DWORDS;
	switch (head & CAP_ID) {
	case CAP_PM:
		return (struct cap_rows){ pm_rows, ARRAY_SIZE(pm_rows) };
	case CAP_PCIE:
		return (struct cap_rows){ pcie_rows, ARRAY_SIZE(pcie_rows) };
	case CAP_SUBSYSTEM:
		return (struct cap_rows){ subsystem_rows, ARRAY_SIZE(subsystem_rows) };
	case CAP_VENDOR:
		return (struct cap_rows){ vendor_rows, dwords };
	default:
		return (struct cap_rows){ NULL, 0 };
	}
}

/* Rows of one capability, up to the next one's head: lengths are the device's word. */
static void cap_rows_fill(struct pci_state *s, u32 at, u32 head)
{
	const struct cap_rows cap = rows_of(head);

	if (cap.rows == NULL)
		return;
	s->row[at / 4] = cap.rows[0];
	for (u32 i = 1; i < cap.count && at / 4 + i < ARRAY_SIZE(s->row); i++) {
		if (s->row[at / 4 + i] != NONE)
			break;
		s->row[at / 4 + i] = cap.rows[i];
	}
}

/* --- extended capabilities: constants, copied once, so the list can leave out what is hidden */

static void ext_add(struct pci_state *s, u32 offset, u32 value)
{
	s->ext[s->ext_count++] = (struct pci_ext_dword){ (u16)offset, value };
}

/* Two are shown: serial number, and access controls as they are set. PCIe 7.9.3, 7.7.11 */
static void ext_build(const struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);
	u32 first = s->cap_serial, second = f->cap_acs;

	if (second != 0 && (first == 0 || second < first)) {
		first = f->cap_acs;
		second = s->cap_serial;
	}
	if (first == 0)
		return;
	if (first != EXT_FIRST) /* the list begins there, with a null capability */
		ext_add(s, EXT_FIRST, first << 20);
	for (u32 at = first; at != 0; at = at == first ? second : 0) {
		u32 head = cfg_ask(f, at) & ~(u32)EXT_NEXT;

		ext_add(s, at, at == first ? head | second << 20 : head);
		ext_add(s, at + 4, cfg_ask_again(f, at + 4));
		if (at == s->cap_serial)
			ext_add(s, at + 8, cfg_ask_again(f, at + 8));
	}
}

void rows_build(const struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);

	for (u32 i = 0; i < 16; i++)
		s->row[i] = header_rows[f->bridge][i];
	if (f->no_iommu)
		s->row[PCI_COMMAND / 4] = COMMAND_FIXED;
	for (u32 at = 0, left = CAP_LIST_MAX; caps_next(f, &at, &left);)
		s->row[at / 4] = HIDDEN;
	for (u32 at = 0, left = CAP_LIST_MAX; caps_next(f, &at, &left);)
		cap_rows_fill(s, at, cfg_ask(f, at));
	ext_build(f);
}
