/* SPDX-License-Identifier: BSD-2-Clause */
/* What device_assign.c, which moves devices between owners, asks of device_give.c. */
#ifndef IOMMU_DEVICE_PRIV_H
#define IOMMU_DEVICE_PRIV_H

#include "device.h"

/* Devices of the table in order; `d` is NULL at the end. */
static inline struct device *device_next(const struct device *d)
{
	u32 i = d == NULL ? 0 : d->index + 1;

	return i < device_count ? &device_table[i] : NULL;
}

/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is declared */
#define FOR_EACH_DEVICE(d) for (struct device *d = device_next(NULL); (d) != NULL; (d) = device_next(d))

/* Its MMIO, out of the primary's reach. E_IO: an IOMMU did not complete, it is still there. */
enum status device_mmio_leave(struct device *d) MUST_CHECK MUST_HOLD(vm_class);
void device_mmio_return(struct device *d) MUST_HOLD(vm_class);
/* Out of a secondary's reach. A VM that ends has no CPU that could reach anything. */
void device_mmio_unmap(struct device *d, struct vm *vm) MUST_HOLD(vm_class);

/* May its functions drive their pins? Nothing is done for what is not PCI. */
void device_pin_allow(const struct device *d, bool allow);
/* Was a line of it given to a secondary? Its pins stay silent until then. */
bool device_has_line(const struct device *d);
/* The VM loses the lines that the device drives, for all its devices on them. */
void device_lines_take(struct device *d, struct vm *vm) MUST_HOLD(vm_class);

#endif
