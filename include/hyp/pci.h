/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space belongs to the hypervisor (hyp/pci). At boot it enumerates, assigns
 * buses, windows and BARs and freezes them as a record; every VM's configuration access is
 * trapped and filtered by a const table with default deny. A device of the core is a PCI slot
 * (its functions are the endpoints) or an alias set behind a conventional bridge (one endpoint).
 */
#ifndef HYP_PCI_H
#define HYP_PCI_H

#include "hyp/addr.h"
#include "hyp/platform.h"
#include "hyp/status.h"

#define PCI_MAX_FUNCTIONS 256
#define PCI_BARS          6

struct vm;
struct device;

struct pci_bar {
	u64 addr;  /* CPU address; 0 size: absent */
	u64 size;
	enum pci_space space;
	bool prefetch;
	bool is64;
};

struct pci_function {
	u16 rid;          /* bus << 8 | device << 3 | function */
	u8 host;          /* index into machine.pci */
	u16 vendor, device_id;
	u32 class_code;   /* class << 16 | subclass << 8 | interface */
	bool bridge;      /* type 1 header */
	u8 secondary, subordinate; /* bridges */
	u16 parent;       /* index of the bridge above, or PCI_NO_PARENT */
	u8 cap_pcie, cap_af, cap_msi, cap_msix, cap_pm; /* offsets, 0: none */
	u16 cap_acs, cap_ari, cap_ats, cap_pri, cap_pasid, cap_sriov; /* extended, 0: none */
	u8 pasid_bits;    /* PASIDs that it can tag its DMA with and the way up carries; 0: none */
	bool ats;         /* it may have a cache of translations: it can, and the board lets it */
	u8 intx_pin;      /* 1..4, 0: none */
	u32 intid;        /* interrupt of that pin after swizzling */
	u16 requester;    /* requester id that its DMA carries (an alias behind conventional bridges) */
	u32 iommu;        /* index into machine.iommu */
	u32 sid;          /* stream id at that IOMMU */
	u32 group;        /* isolation group number */
	struct pci_bar bar[PCI_BARS];
	struct device *device; /* the core's device, set by device_function_add() */
	struct pci_function *next; /* of the same device, in the order of the table; NULL: the last */
	u8 endpoint;      /* index in it */
	bool no_iommu;    /* bridges and functions that never master the bus */
};
#define PCI_NO_PARENT 0xffff

/*
 * Enumerate every host bridge of the machine: bus mastering off everywhere, buses, windows and
 * BARs assigned, capabilities recorded. Returns E_INVAL with a sentence in *why when a function
 * is found that cannot be run safely (a stream that no IOMMU covers, a virtio function that
 * would bypass, iommu-testdev without the boot option ...).
 */
enum status pci_enumerate(const struct machine *m, const char **why) MUST_CHECK;

extern struct pci_function pci_function[PCI_MAX_FUNCTIONS];
extern u32 pci_function_count;

/*
 * A VM's access to configuration space: offset into host `host`'s ECAM, width 1, 2 or 4 bytes
 * (8 is refused), naturally aligned. Reads of what the VM does not own are all ones; writes are
 * filtered. Called with no lock held.
 */
u32 pci_config_read(const struct vm *vm, u32 host, u64 offset, u32 width);
void pci_config_write(struct vm *vm, u32 host, u64 offset, u32 width, u32 value);

/*
 * Reset all functions of a device: bus mastering off, device-specific handler, function-level or
 * secondary-bus reset, BARs and command rewritten from the record. In steps: *again is set while
 * the reset still runs (call again later), which may also be since a device has many functions.
 * E_DENIED: this device cannot be reset safely.
 */
enum status pci_device_reset(const struct device *device, bool *again) MUST_CHECK;

/*
 * Stop all functions of a device from mastering the bus (quarantine), or allow it again. While
 * stopped they are in no VM's configuration space. A reset stops them too, until it has succeeded.
 */
void pci_device_master(const struct device *device, bool allow);

/*
 * Let the functions of one endpoint tag their DMA with PASIDs. Off at boot, and off again with
 * every reset and every stop: a device that is not assigned has none.
 */
void pci_endpoint_pasids(const struct device *device, u32 endpoint);

/*
 * Let the functions of one endpoint keep translations, or no more: on only while their stream has ATS. Off at boot and with
 * every reset and every stop; and each time that it is turned on, nothing is kept.
 */
void pci_endpoint_ats(const struct device *device, u32 endpoint, bool on);

/*
 * May the functions of a device raise their interrupt pins? Where not, their Interrupt Disable bit is
 * set and stays so, whatever their owner writes.
 */
void pci_device_intx(const struct device *device, bool allow);

/* Where an endpoint's configuration space is: host, and offset of its first byte there. */
bool pci_endpoint_place(const struct device *device, u32 endpoint, u32 *host, u64 *offset);

#endif
