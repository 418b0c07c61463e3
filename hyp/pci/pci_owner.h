/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may see a function's configuration space. */
#ifndef PCI_OWNER_H
#define PCI_OWNER_H

#include "hyp/pci.h"

struct device;
struct vm;

/*
 * Implemented by hyp/iommu/device.c: `device` is this VM's, and not quarantined. Never called for
 * functions without a device (bridges, host bridges): these are the primary's.
 */
bool device_owned_by(const struct device *device, const struct vm *vm);
/* The first of its functions, which are a list by `next`; NULL: it is no PCI device. Constant after boot. */
struct pci_function *device_functions(const struct device *device);
/* Where the VM has the registers at `addr`; false: it owns no device with them, or has not mapped them. */
bool device_mmio_ipa(const struct vm *vm, pa_t addr, u64 *out);

#endif
