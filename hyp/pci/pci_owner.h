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

#endif
