// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A PCI bus of configuration spaces in memory: devices without registers or
 * interrupts, of which the IOMMU code sees all it looks at.
 */
#include <linux/pci.h>
#include <linux/string.h>

#include "fake.h"

#define CONFIG_SIZE	256
#define PCIE_CAP	0x40

struct fake_function {
	u8	bus;
	u8	devfn;
	u8	header;
	u8	config[CONFIG_SIZE];
};

/*
 * Slot 4 of bus 0 is a bridge from PCI Express to conventional PCI: what is on
 * bus 1 sends its requests by one and the same id.
 */
static struct fake_function functions[] = {
	{ 0, PCI_DEVFN(1, 0), PCI_HEADER_TYPE_NORMAL | PCI_HEADER_TYPE_MFD },
	{ 0, PCI_DEVFN(1, 2), PCI_HEADER_TYPE_NORMAL | PCI_HEADER_TYPE_MFD },
	{ 0, PCI_DEVFN(2, 0), PCI_HEADER_TYPE_NORMAL },
	{ 0, PCI_DEVFN(3, 0), PCI_HEADER_TYPE_NORMAL },
	{ 0, PCI_DEVFN(4, 0), PCI_HEADER_TYPE_BRIDGE },
	{ 1, PCI_DEVFN(0, 0), PCI_HEADER_TYPE_NORMAL },
	{ 1, PCI_DEVFN(1, 0), PCI_HEADER_TYPE_NORMAL },
};

static struct pci_bus *root;

static void config_set(struct fake_function *f, int where, int size, u32 value)
{
	__le32 bytes = cpu_to_le32(value);

	memcpy(&f->config[where], &bytes, size);
}

static void config_fill(struct fake_function *f)
{
	bool bridge = f->header == PCI_HEADER_TYPE_BRIDGE;

	memset(f->config, 0, sizeof(f->config));
	config_set(f, PCI_VENDOR_ID, 2, FAKE_PCI_VENDOR);
	config_set(f, PCI_DEVICE_ID, 2, FAKE_PCI_DEVICE);
	config_set(f, PCI_HEADER_TYPE, 1, f->header);
	config_set(f, PCI_CLASS_DEVICE, 2,
		   bridge ? PCI_CLASS_BRIDGE_PCI : PCI_CLASS_OTHERS << 8);
	if (!bridge)
		return;
	config_set(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	config_set(f, PCI_CAPABILITY_LIST, 1, PCIE_CAP);
	config_set(f, PCIE_CAP, 2, PCI_CAP_ID_EXP);
	config_set(f, PCIE_CAP + PCI_EXP_FLAGS, 2,
		   2 | PCI_EXP_TYPE_PCI_BRIDGE << 4);
	config_set(f, PCI_PRIMARY_BUS, 4, 0x00010100);
	/* A closed window: its base is above its limit. */
	config_set(f, PCI_MEMORY_BASE, 4, 0x0000fff0);
}

static struct fake_function *function_find(struct pci_bus *bus,
					   unsigned int devfn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].bus == bus->number &&
		    functions[i].devfn == devfn)
			return &functions[i];
	return NULL;
}

static int config_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *value)
{
	struct fake_function *f = function_find(bus, devfn);
	__le32 bytes = 0;

	if (!f || where + size > CONFIG_SIZE) {
		PCI_SET_ERROR_RESPONSE(value);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	memcpy(&bytes, &f->config[where], size);
	*value = le32_to_cpu(bytes);
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 value)
{
	struct fake_function *f = function_find(bus, devfn);

	if (!f)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where == PCI_COMMAND ||
	    (where == PCI_PRIMARY_BUS && f->header == PCI_HEADER_TYPE_BRIDGE))
		config_set(f, where, size, value);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops fake_pci_ops = {
	.read	= config_read,
	.write	= config_write,
};

int fake_pci_add(struct device *parent)
{
	struct pci_host_bridge *host;
	int ret, i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		config_fill(&functions[i]);

	host = pci_alloc_host_bridge(0);
	if (!host)
		return -ENOMEM;
	host->dev.parent = parent;
	host->ops = &fake_pci_ops;
	host->domain_nr = FAKE_PCI_DOMAIN;
	ret = pci_scan_root_bus_bridge(host);
	if (ret) {
		pci_free_host_bridge(host);
		return ret;
	}
	root = host->bus;
	pci_bus_add_devices(root);
	return 0;
}

void fake_pci_remove(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(root);
	pci_remove_root_bus(root);
	pci_unlock_rescan_remove();
}

struct pci_dev *fake_pci_get(unsigned int bus, unsigned int slot,
			     unsigned int fn)
{
	return pci_get_domain_bus_and_slot(FAKE_PCI_DOMAIN, bus,
					   PCI_DEVFN(slot, fn));
}
