/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that move devices between owners ask of each other: device_*.c. */
#ifndef IOMMU_DEVICE_PRIV_H
#define IOMMU_DEVICE_PRIV_H

#include "device.h"

/* --- device.c */

/* Constant after boot, but for what changes of an endpoint. */
extern struct endpoint endpoint_table[ENDPOINT_MAX];

/* Devices of the table in order; `d` is NULL at the end. */
static inline struct device *device_next(const struct device *d)
{
	u32 i = d == NULL ? 0 : d->index + 1;

	return i < device_count ? &device_table[i] : NULL;
}

/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is declared */
#define FOR_EACH_DEVICE(d) for (struct device *d = device_next(NULL); (d) != NULL; (d) = device_next(d))

/* --- device_quarantine.c */

/* Was it condemned in its reset? It is quarantined now. */
bool device_condemned(struct device *d) MUST_HOLD(vm_class);

/* --- device_group.c */

/* All that its owner has of it, but for its streams and its MMIO. */
void device_leave_owner(struct device *d, struct vm *vm) MUST_HOLD(vm_class);
/*
 * One turn of the reset, before which a device that leaves a secondary leaves its view; at its end (not *again) the device is
 * what it was being reset for. An error has quarantined it: E_DENIED it cannot be reset; E_IO.
 */
enum status device_reset_turn(struct device *d, bool *again) MUST_HOLD(vm_class);
/* Is a device of the group in the VM's use, or about to be? */
bool device_group_used(const struct vm *vm, u32 group) MUST_HOLD(vm_class);
/*
 * Once the last device of a group has left a VM's use, all of the group is reset, since its members are not isolated from each
 * other; then they go back to the primary. One step of that; *again: not all yet. `last` of the group, the VM's, is the last to
 * go; E_IO, else as attach_identity(): it is quarantined.
 */
enum status device_group_settle(struct vm *vm, struct device *last, bool *again) MUST_HOLD(vm_class);
/*
 * A secondary has all of the device's group from here on; one that it has not yet is CLAIMED, and *again: call again. E_BUSY,
 * E_DENIED quarantined, E_NOMEM, E_IO: nothing is changed, but that what hardware failed is quarantined.
 */
enum status device_claim(struct device *d, struct vm *vm, bool *again) MUST_CHECK MUST_HOLD(vm_class);

/* --- device_give.c */

/*
 * Its MMIO, or as much of it as one call may take (V9), leaves the primary's reach; device_mmio_left(): that was the last of it.
 * E_NOMEM; E_IO: an IOMMU did not complete. All is as before the call then.
 */
enum status device_mmio_leave(struct device *d) MUST_CHECK MUST_HOLD(vm_class);
bool device_mmio_left(const struct device *d) MUST_HOLD(vm_class);
/* The way back, and out of a secondary's reach; false: call again, not all of it yet, or it was much for one call. */
bool device_mmio_return(struct device *d) MUST_CHECK MUST_HOLD(vm_class);
bool device_mmio_unmap(struct device *d, struct vm *vm, bool at_once) MUST_CHECK MUST_HOLD(vm_class);

/* May its functions drive their pins? Nothing is done for what is not PCI. */
void device_pin_allow(const struct device *d, bool allow);
/* Was a line of it given to a secondary? Its pins stay silent until then. */
bool device_has_line(const struct device *d);
/* The VM loses the lines that the device drives, for all its devices on them. */
void device_lines_take(struct device *d, struct vm *vm) MUST_HOLD(vm_class);

#endif
