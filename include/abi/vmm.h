/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMM calls (functions 0x100..0x119): the primary VM only. Version 1.0.
 *
 *   DEV_COUNT                -> R1 number of devices
 *   DEV_INFO                 R1 device, R2 IPA of struct pc_dev_info (size set by the caller)
 *   DEV_GET_NUM_END_POINTS   R1 device -> R1
 *   DEV_ASSIGN               R1 device, R2 vm, R3 pvIOMMU -> R1 = 1 while the reset runs: call again
 *   DEV_SET_END_POINT_VSID   R1 device, R2 endpoint index, R3 vSID
 *   DEV_RELEASE              R1 device -> R1 = 1 while the reset runs: call again
 *
 * Handles are opaque; the primary VM itself is handle 1.
 */
#ifndef ABI_VMM_H
#define ABI_VMM_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define PC_VM_PRIMARY 1u

/* VMM_QUERY properties. */
#define PC_VMM_Q_VERSION       0
#define PC_VMM_Q_MAX_VMS       1
#define PC_VMM_Q_MAX_VCPUS     2 /* per VM */
#define PC_VMM_Q_MAX_PVIOMMUS  3 /* per VM */
#define PC_VMM_Q_MAX_ENDPOINTS 4 /* per device */

#define PC_DEV_MAX_ENDPOINTS 32u
#define PC_DEV_MAX_MMIO      16u

/* pc_dev_info flags. */
#define PC_DEV_ASSIGNED    0x01u /* assigned to a VM */
#define PC_DEV_QUARANTINED 0x02u /* blocked until a reset succeeds */
#define PC_DEV_FROZEN      0x04u /* its vSIDs can no longer change */

struct pc_dev_range {
	uint64_t ipa;
	uint64_t bytes;
};

struct pc_dev_info {
	uint32_t size;
	uint32_t flags;
	uint32_t device;
	uint32_t group; /* isolation group: devices that move together */
	uint32_t endpoint_count;
	uint32_t mmio_count;
	uint32_t irq_count;
	uint32_t reserved;
	uint8_t name[32]; /* "pci 0000:00:04" or the device-tree node's name; zero terminated */
	struct pc_dev_range mmio[PC_DEV_MAX_MMIO];
};

#endif
