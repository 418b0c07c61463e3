/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI functions through the ECAM window. Under the hypervisor buses and BARs are assigned and fixed. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "machine.h"

#define PCI_BDF(bus, dev, fn) ((u32)(bus) << 8 | (u32)(dev) << 3 | (u32)(fn))

#define PCI_ID             0x00
#define PCI_COMMAND        0x04
#define PCI_CLASS          0x08
#define PCI_HEADER_TYPE    0x0e
#define PCI_BAR(n)         (0x10 + 4 * (n))
#define PCI_BRIDGE_BUSES   0x18
#define PCI_ROM            0x30
#define PCI_CAPABILITIES   0x34
#define PCI_INTERRUPT_LINE 0x3c

#define PCI_CLASS_BRIDGE 6

#define PCI_COMMAND_MEMORY 0x002
#define PCI_COMMAND_MASTER 0x004

#define PCI_CAP_MSI 0x05

#define PCI_ABSENT ~0u

u64 pci_config(u32 bdf, u32 offset);

static inline u32 pci_read32(u32 bdf, u32 offset)
{
	return mmio_read32(pci_config(bdf, offset));
}

static inline void pci_write32(u32 bdf, u32 offset, u32 value)
{
	mmio_write32(pci_config(bdf, offset), value);
}

/* Address and size of a memory BAR as its registers have them; size 0 if there is none. Sizes by writing ones. */
struct range pci_bar(u32 bdf, u32 bar);

/* Memory decoding and bus mastering on; reads back what the function accepted. */
u32 pci_enable(u32 bdf);

/* Configuration offset of a capability, 0 if the function lacks it. */
u32 pci_find_capability(u32 bdf, u8 id);

#define PCI_MAX_FUNCTIONS 64

struct pci_function {
	u32 bdf;
	u32 id;
};

/* Every function of every bus, ascending, as pci_scan found them. */
extern struct pci_function pci_functions[PCI_MAX_FUNCTIONS];
extern u32 pci_function_count;

void pci_scan(void);

/* Gives addresses to BARs that have none. Only for a machine without a hypervisor, where nobody has. */
void pci_assign_unassigned(void);

#endif
