/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What follows from where a function sits: the requester id that its DMA carries, the stream of
 * that id, its interrupt, and the functions that it is not isolated from. Pure but for the record.
 */
#include "record.h"

/*
 * Bridges to and from conventional PCI replace requester ids on their way up; the topmost has the
 * last word. PCIe-to-PCI: (secondary bus, 0) (PCIe to PCI/PCI-X Bridge 2.3); conventional and
 * PCI-to-PCIe: the bridge's own.
 */
static u16 requester_of(const struct pci_function *f)
{
	u16 requester = f->rid;

	for (const struct pci_function *b = record_parent(f); b != NULL; b = record_parent(b)) {
		switch (pci_state_of(b)->pcie_type) {
		case PCIE_ROOT_PORT:
		case PCIE_UPSTREAM:
		case PCIE_DOWNSTREAM:
			break;
		case PCIE_TO_PCI:
			requester = (u16)(b->secondary << 8);
			break;
		default:
			requester = b->rid;
			break;
		}
	}
	return requester;
}

static bool stream_find(struct pci_function *f)
{
	const struct machine_pci_host *h = &pci_machine->pci[f->host];

	for (u32 i = 0; i < h->sidmap_count; i++) {
		const struct machine_sidmap *map = &h->sidmap[i];

		if (f->requester < map->rid || f->requester - map->rid >= map->count)
			continue;
		f->iommu = map->iommu;
		f->sid = map->sid + (f->requester - map->rid);
		return map->iommu < pci_machine->iommu_count;
	}
	return false;
}

/* Pins rotate by the device number at each bridge (BR 9.1). */
static u32 interrupt_of(const struct pci_function *f)
{
	const struct machine_pci_host *h = &pci_machine->pci[f->host];
	u32 pin = f->intx_pin;

	if (pin == 0)
		return 0;
	for (; record_parent(f) != NULL; f = record_parent(f))
		pin = (pin - 1u + (f->rid >> 3u & 31u)) % 4 + 1;
	return h->intx[f->rid >> 3 & 3][pin - 1];
}

/* --- isolation groups: a group is named by its first function */

static void join(u32 a, u32 b)
{
	u32 low = pci_function[a].group, high = pci_function[b].group;

	if (low > high) {
		low = pci_function[b].group;
		high = pci_function[a].group;
	}
	if (low == high)
		return;
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].group == high)
			pci_function[i].group = low;
}

/* Requests of its own or from below are sent up to be judged: ACS redirection is on. */
static bool redirects(const struct pci_function *f)
{
	const u32 needed = (ACS_REQUEST | ACS_COMPLETION) << 16;

	return f->cap_acs != 0 && (cfg_ask(f, f->cap_acs + EXT_CONTROL) & needed) == needed;
}

static bool forwards_all(const struct pci_function *f)
{
	const u32 needed = (ACS_SOURCE | ACS_FORWARD) << 16;

	return redirects(f) && (cfg_ask(f, f->cap_acs + EXT_CONTROL) & needed) == needed;
}

/* What is below a bridge is one group, unless it is a port that sends everything up. */
static bool isolates(const struct pci_function *f)
{
	switch (pci_state_of(f)->pcie_type) {
	case PCIE_ROOT_PORT:
	case PCIE_DOWNSTREAM:
		return forwards_all(f);
	case PCIE_UPSTREAM:
		return true; /* its downstream ports decide */
	default:
		return false;
	}
}

/* Functions of one slot reach each other inside it, unless all of them redirect (PCIe 6.12.1.2). */
static void group_slot(u32 first)
{
	u32 end = first;
	bool together = false;

	while (end < pci_function_count && pci_function[end].host == pci_function[first].host &&
	       pci_function[end].rid >> 3 == pci_function[first].rid >> 3)
		together |= !redirects(&pci_function[end++]);
	for (u32 i = first + 1; together && i < end; i++)
		join(first, i);
}

static void group_below(u32 bridge)
{
	for (u32 i = bridge + 1; i < pci_function_count; i++)
		for (const struct pci_function *b = record_parent(&pci_function[i]); b != NULL;
		     b = record_parent(b))
			if (pci_index(b) == bridge)
				join(bridge, i);
}

/* From below a switch port that does not redirect, all that is below its sisters is in reach. */
static void group_sisters(u32 port)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		if (pci_function[i].parent != pci_function[port].parent)
			continue;
		join(port, i);
		if (pci_function[i].bridge)
			group_below(i);
	}
}

/*
 * A root bus isolates: its IOMMU sees what comes up from each port and integrated function, or
 * the root complex would need ACS there (PCIe 6.12.1.1, and the base system architectures).
 */
static void groups(void)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].group = i;
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *f = &pci_function[i];

		if (i == 0 || f[-1].rid >> 3 != f->rid >> 3 || f[-1].host != f->host)
			group_slot(i);
		if (!f->bridge || isolates(f))
			continue;
		group_below(i);
		if (pci_state_of(f)->pcie_type == PCIE_DOWNSTREAM && f->parent != PCI_NO_PARENT)
			group_sisters(i);
	}
}

/*
 * Switches route by address before anything translates. A request that goes to a neighbour
 * instead of up would take its PASID's addresses for the bus's, so every port must send it up.
 */
static u8 pasid_bits_of(const struct pci_function *f)
{
	for (const struct pci_function *b = record_parent(f); b != NULL; b = record_parent(b))
		if (!isolates(b))
			return 0;
	return f->bridge ? 0 : caps_pasid_bits(f);
}

/* The same for who asks for translations to keep; and none whose requests carry another's id. */
static void ats_of(struct pci_function *f)
{
	if (!pci_machine->pci[f->host].ats || f->bridge || f->cap_ats == 0 || f->requester != f->rid)
		return;
	for (const struct pci_function *b = record_parent(f); b != NULL; b = record_parent(b))
		if (!isolates(b))
			return;
	for (struct pci_function *b = f; b != NULL; b = record_parent(b)) {
		b->ats = true;
		if (b->cap_acs != 0)
			caps_acs(b);
	}
}

enum status topology_all(const char **why)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		struct pci_function *f = &pci_function[i];
		u32 pin = (u32)FIELD_GET(INTERRUPT_PIN, cfg_ask(f, PCI_INTERRUPT));

		if (pin > 4)
			return record_refuse(f, "has an interrupt pin that does not exist", why);
		f->intx_pin = (u8)pin;
		f->intid = interrupt_of(f);
		f->requester = requester_of(f);
		if (!stream_find(f) && !f->no_iommu)
			return record_refuse(f, "its DMA passes no IOMMU of this machine", why);
	}
	groups();
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].pasid_bits = pasid_bits_of(&pci_function[i]);
	for (u32 i = 0; i < pci_function_count; i++)
		ats_of(&pci_function[i]);
	return OK;
}
