/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space, dword by dword: every access of ours is 32 bits wide, so fields are given
 * where they stand in their dword. Sections of PCI Local Bus 3.0 (PCI), PCI-to-PCI Bridge 1.2
 * (BR), PCI Express Base 6.0 (PCIe), PCI Power Management 1.2 (PM), AF ECN (AF), virtio 1.2.
 */
#ifndef PCI_REGS_H
#define PCI_REGS_H

#include "hyp/bits.h"

#define BITS32(h, l) ((u32)BITS(h, l))
#define BIT32(n)     ((u32)BIT(n))

/* Common header, PCI 6.1 */
#define PCI_ID          0x00
#define PCI_COMMAND     0x04 /* status in the upper half */
#define PCI_CLASS       0x08
#define PCI_TIMING      0x0c /* cache line, latency, header type, BIST */
#define PCI_BAR0        0x10
#define PCI_ROM         0x30 /* enabled by bit 0 */
#define PCI_CAP_POINTER 0x34
#define PCI_INTERRUPT   0x3c /* line, pin; bridges: bridge control */

#define PCI_ABSENT 0xffffffffu

#define COMMAND_IO      BIT32(0)
#define COMMAND_MEMORY  BIT32(1)
#define COMMAND_MASTER  BIT32(2)
#define COMMAND_NO_INTX BIT32(10)
#define STATUS_CAP_LIST BIT32(20)
/* Error bits of a (secondary) status register, cleared by writing one; PCI 6.2.3 */
#define STATUS_ERRORS (BITS32(31, 27) | BIT32(24))

#define TIMING_VALUES BITS32(15, 0)
#define TIMING_HEADER BITS32(22, 16)
#define TIMING_MULTI  BIT32(23)

#define ROM_ENABLE    BIT32(0)
#define BAR_IO        BIT32(0)
#define BAR_TYPE      BITS32(2, 1)
#define BAR_TYPE_32   0u
#define BAR_TYPE_64   BIT32(2)
#define BAR_PREFETCH  BIT32(3)
#define BAR_MEM_FLAGS BITS32(3, 0)
#define BAR_IO_FLAGS  BITS32(1, 0)

#define INTERRUPT_LINE BITS32(7, 0)
#define INTERRUPT_PIN  BITS32(15, 8)

/* Bridges, BR 3.2 */
#define BRIDGE_BUSES            0x18 /* primary, secondary, subordinate, secondary latency */
#define BRIDGE_IO               0x1c /* base, limit; secondary status */
#define BRIDGE_MEM              0x20 /* base, limit */
#define BRIDGE_PREF             0x24
#define BRIDGE_PREF_BASE_UPPER  0x28
#define BRIDGE_PREF_LIMIT_UPPER 0x2c
#define BRIDGE_IO_UPPER         0x30
#define BRIDGE_ROM              0x38
#define BRIDGE_CONTROL          0x3c
#define BRIDGE_CONTROL_RESET    BIT32(22)
#define BRIDGE_BUS_NUMBERS      BITS32(23, 0)
#define BRIDGE_IO_CLOSED        0x000000f0u /* base above limit, BR 3.2.5.6 */
#define BRIDGE_MEM_CLOSED       0x0000fff0u
#define BRIDGE_PREF_64          1u          /* in the low nibble of base and limit */

/* Capabilities, PCI 6.7 */
#define CAP_ID        BITS32(7, 0)
#define CAP_NEXT      BITS32(15, 8)
#define CAP_PM        0x01
#define CAP_MSI       0x05
#define CAP_VENDOR    0x09
#define CAP_SUBSYSTEM 0x0d
#define CAP_PCIE      0x10
#define CAP_MSIX      0x11
#define CAP_AF        0x13
#define CAP_LIST_MAX  48 /* as many as fit from 0x40 to 0xff */

#define MSI_ENABLE  BIT32(16)
#define MSIX_ENABLE BIT32(31)

#define PM_STATUS        4 /* PM 3.2.4 */
#define PM_STATE         BITS32(1, 0)
#define PM_NO_SOFT_RESET BIT32(3)
#define PM_WAKE_US       10000 /* D3hot to D0, PM 5.6.1 */

#define AF_CAP         0 /* capability bits in the upper half, AF 2 */
#define AF_CAP_FLR     (BIT32(24) | BIT32(25)) /* with transactions-pending */
#define AF_CONTROL     4
#define AF_CONTROL_FLR BIT32(0)
#define AF_PENDING     BIT32(8)

/* PCI Express capability, PCIe 7.5.3 */
#define PCIE_TYPE       BITS32(23, 20)
#define PCIE_VERSION    BITS32(19, 16)
#define PCIE_SLOT       BIT32(24)
#define PCIE_DEVCAP     0x04
#define PCIE_DEVCAP_FLR BIT32(28)
#define PCIE_DEVCTL     0x08
#define DEVCTL_RELAXED  BIT32(4)
#define DEVCTL_MPS      BITS32(7, 5)
#define DEVCTL_EXT_TAG  BIT32(8)
#define DEVCTL_PHANTOM  BIT32(9)
#define DEVCTL_NO_SNOOP BIT32(11)
#define DEVCTL_MRRS     BITS32(14, 12)
#define DEVCTL_FLR      BIT32(15)
#define DEVSTA_PENDING  BIT32(21)
#define DEVSTA_ERRORS   (BITS32(19, 16) | BIT32(22))
#define PCIE_SLTCTL     0x18
#define SLTCTL_KEEP     BITS32(10, 6) /* indicators and power */
#define PCIE_ROOTCTL    0x1c
#define PCIE_DEVCAP2    0x24
#define DEVCAP2_PREFIX  BIT32(21) /* end-end TLP prefixes pass */
#define PCIE_DEVCTL2    0x28
#define DEVCTL2_TIMEOUT BITS32(4, 0)

enum pcie_type {
	PCIE_ENDPOINT = 0,
	PCIE_ROOT_PORT = 4,
	PCIE_UPSTREAM = 5,
	PCIE_DOWNSTREAM = 6,
	PCIE_TO_PCI = 7,
	PCIE_FROM_PCI = 8,
	PCIE_COLLECTOR = 10,
	PCIE_NONE = 0xff, /* conventional */
};

/* Extended capabilities, PCIe 7.6 */
#define EXT_FIRST    0x100
#define EXT_ID       BITS32(15, 0)
#define EXT_NEXT     BITS32(31, 20)
#define EXT_SERIAL   0x0003
#define EXT_ACS      0x000d
#define EXT_ARI      0x000e
#define EXT_ATS      0x000f
#define EXT_SRIOV    0x0010
#define EXT_PRI      0x0013
#define EXT_PASID    0x001b
#define EXT_LIST_MAX 48

/* Control registers of these, all at offset 4 but SR-IOV's; PCIe 7.7.11, 10.5.1, 9.3.3 */
#define EXT_CONTROL   4
#define SRIOV_CONTROL 8
#define SRIOV_ENABLES (BIT32(0) | BIT32(3)) /* virtual functions, and their memory */
#define PRI_ENABLE    BIT32(0)
#define ARI_CONTROLS  BITS32(31, 16)
/* ATS, the same; the smallest unit of an invalidation stays a page of 4 KiB. PCIe 7.8.8 */
#define ATS_ENABLE BIT32(31)

/* PASID, capability and control in one dword; execute and privileged requests stay off. PCIe 7.8.9 */
#define PASID_WIDTH     BITS32(12, 8)
#define PASID_WIDTH_MAX 20u
#define PASID_ENABLE    BIT32(16)
/* Capability bits of ACS; the control bits are the same, 16 higher. PCIe 7.7.11.2 */
#define ACS_CONTROLS   BITS32(20, 16)
#define ACS_SOURCE     BIT32(0) /* source validation */
#define ACS_BLOCKING   BIT32(1) /* translation blocking */
#define ACS_REQUEST    BIT32(2) /* request redirect */
#define ACS_COMPLETION BIT32(3) /* completion redirect */
#define ACS_FORWARD    BIT32(4) /* upstream forwarding */

#define CLASS_HOST_BRIDGE 0x0600

#endif
