/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMM calls (functions 0x100..0x119): the primary VM only. Version 1.0.
 *
 *   VMM_QUERY                R1 property (PC_VMM_Q_*), R2 index -> R1 value
 *   VM_CREATE                R1 flags (PC_VM_*), R2 vCPUs, R3 pool IPA, R4 pool pages -> R1 vm
 *   VM_DESTROY               R1 vm -> R1 work left: call again until it is 0
 *   VM_DONATE                R1 vm, R2 its IPA, R3 own IPA, R4 pages, R5 flags (PC_DONATE_*) -> R1 pages done
 *   VM_FINALISE              R1 vm
 *   VCPU_SET                 R1 vm, R2 vcpu, R3 entry IPA, R4 argument
 *   VCPU_RUN                 R1 vm, R2 vcpu, R3 IPA of struct pc_vcpu_exit -> R1 reason (PC_EXIT_*)
 *   VCPU_IRQ                 R1 vm, R2 vcpu, R3 interrupt, R4 level
 *   VM_ADD_POOL              R1 vm, R2 IPA, R3 pages
 *   DEV_COUNT                -> R1 number of devices
 *   DEV_INFO                 R1 device, R2 IPA of struct pc_dev_info (size set by the caller)
 *   DEV_GET_NUM_END_POINTS   R1 device -> R1
 *   DEV_ASSIGN               R1 device, R2 vm, R3 pvIOMMU -> R1 = 1 while the reset runs: call again
 *   DEV_SET_END_POINT_VSID   R1 device, R2 endpoint index, R3 vSID
 *   DEV_RELEASE              R1 device -> R1 = 1 while the reset runs: call again
 *   DEV_MAP_MMIO             R1 device, R2 range, R3 IPA in its VM -> R1 pages
 *   DEV_MAP_IRQ              R1 device, R2 index, R3 guest interrupt
 *
 * Handles are opaque; the primary VM itself is handle 1. Pages are 4096 bytes. A call that names a VM is PC_BUSY
 * while that is being destroyed, but for VM_DESTROY, and PC_INVALID_PARAMETER for the primary, but for DEV_ASSIGN.
 *
 *   VMM_QUERY               PC_NOT_SUPPORTED no such property; PC_NOT_FOUND no such index
 *   VM_CREATE, VM_ADD_POOL  PC_INVALID_PARAMETER vCPUs, or the pool's place or size (PC_VMM_Q_MIN_POOL, PC_POOL_MAX);
 *                           PC_NO_MEMORY all VMs or tags are taken, or the pool's parts are too small; memory as below.
 *                           Nothing is changed then, but that VM_CREATE has zeroed a pool whose parts are too small
 *   VM_DONATE               PC_EXISTS the VM has something there; PC_NO_MEMORY its pool; PC_INVALID_PARAMETER beyond
 *                           its addresses, or in a window that is emulated; memory as below. R1 below R4 with
 *                           PC_SUCCESS: call again for the rest. An error donates nothing of its call
 *   VM_FINALISE             PC_EXISTS it is final; PC_BUSY a device of a group that it has one of is not assigned yet
 *   VM_DESTROY              begins at once: the VM does not run again. What an IOMMU may still reach is lost
 *   VCPU_SET                PC_INVALID_PARAMETER the entry is not aligned to an instruction, or beyond the VM's
 *                           addresses; PC_BUSY the VM is final
 *   VCPU_RUN                the first one finalises the VM. PC_BUSY another CPU runs the vCPU, or it cannot be
 *                           finalised; PC_FAULT the structure: found afterwards, the exit is kept and the next run
 *                           gives it; PC_NOT_SUPPORTED this machine runs no secondaries
 *   VCPU_IRQ                R4 is 0 or 1. PC_DENIED the interrupt is a device's or an event ring's
 *   DEV_INFO                as VCPU_RUN's structure; of `size` no more is written than is known
 *   DEV_ASSIGN              PC_EXISTS it is there already; PC_BUSY another's, or a device of its group is, its MMIO
 *                           is mapped for DMA, or the VM is final; PC_INVALID_PARAMETER the pvIOMMU is another
 *                           IOMMU's; PC_DENIED quarantined, or there is no reset for it. A secondary has whole
 *                           groups: the others of a group are PC_DEV_CLAIMED until they are assigned to it too.
 *                           R1 is 1: call again, a device of the group has still to be claimed, its MMIO range by range
 *                           and of large ones part by part, or the reset runs. A later call that fails leaves claimed
 *                           what is; DEV_RELEASE of one of them gives all back
 *   DEV_SET_END_POINT_VSID  PC_EXISTS the endpoint has a name, or the name is another's; PC_BUSY attached once, or
 *                           the VM is final; PC_DENIED quarantined
 *   DEV_RELEASE             PC_NOT_FOUND it is nobody's; PC_BUSY attached, its MMIO is mapped for DMA, or its VM is
 *                           final. A quarantined device is reset anew. A reset that fails, here and above, leaves it
 *                           quarantined. R1 is 1: call again, it or others of its group are not home yet; PC_BUSY
 *                           answers a DEV_ASSIGN of one once another is, until all are
 *   DEV_MAP_MMIO            PC_NOT_FOUND no such range, or no secondary's; PC_EXISTS it is mapped, or the VM has
 *                           something there; PC_INVALID_PARAMETER the place; one above 2 MiB lies within 2 MiB as the
 *                           device's does, and best within 1 GiB if it is as large. Of a large range R1 may be less
 *                           than all: call again with the same arguments for the rest, which begins where this ended;
 *                           another place is PC_EXISTS meanwhile, and what is mapped stays when a call fails
 *   DEV_MAP_IRQ             PC_NOT_FOUND no such line, or no secondary's; PC_EXISTS given already; PC_BUSY a device
 *                           of another VM could drive the line, or the interrupt is in use
 *
 * Of the primary's memory, whatever takes it: PC_FAULT it is not RAM; PC_DENIED not the primary's alone; PC_BUSY DMA
 * mappings hold a page; PC_IO hardware did not let go, and all is as before.
 *
 * Memory: a page that is donated, or given as pool, leaves the primary's CPUs and devices before it appears
 * anywhere else. It comes back scrubbed, by VM_DESTROY or when the VM relinquishes it.
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
#define PC_VMM_Q_VERSION         0
#define PC_VMM_Q_MAX_VMS         1 /* beside the primary */
#define PC_VMM_Q_MAX_VCPUS       2 /* per VM */
#define PC_VMM_Q_MAX_PVIOMMUS    3 /* per VM */
#define PC_VMM_Q_MAX_ENDPOINTS   4 /* per device */
#define PC_VMM_Q_MIN_POOL        5 /* pages that VM_CREATE needs: index bits 0..7 vCPUs, the rest its flags */
#define PC_VMM_Q_WINDOW_BASE     6 /* index-th window of a VM's IPAs that the hypervisor emulates: base and size. */
#define PC_VMM_Q_WINDOW_SIZE     7 /* arm64: 0 the interrupt distributor, 1 the redistributors */
#define PC_VMM_Q_WAKE_IRQ        8 /* interrupt of the primary, edge: a vCPU that was idle has something to do */
#define PC_VMM_Q_IPA_BITS        9
#define PC_VMM_Q_VMS             10 /* now: VMs beside the primary */
#define PC_VMM_Q_POOL_FREE       11 /* now: free pages of the hypervisor's own pool */
#define PC_VMM_Q_DEV_QUARANTINED 12 /* now: quarantined devices */

#define PC_VMM_Q_MIN_POOL_FLAGS 8 /* where the flags begin */

/* VM_CREATE flags. NOT_SUPPORTED: one that is unknown, or that this machine does not offer. */
#define PC_VM_OPEN_MMIO 0x01u /* until the VM enrolls in the MMIO guard, accesses to nobody's address exit */
/*
 * The VM may own first stages of its devices (ALLOC_NESTED). What it has is then mapped for them as well as for its
 * CPUs, by a second set of tables from its pool: one more of the same size, and a root.
 */
#define PC_VM_NESTED 0x02u

/* Limits of one call. */
#define PC_POOL_MAX   4096u /* pages of VM_CREATE and of VM_ADD_POOL */
#define PC_DONATE_MAX 512u  /* the most that one VM_DONATE, MEM_SHARE or MEM_UNSHARE completes; R1 says how many it was */

/* VM_DONATE flags. */
#define PC_DONATE_KEEP      0x00u /* the VM finds what the primary left there */
#define PC_DONATE_SCRUB     0x01u
#define PC_DONATE_READ_ONLY 0x02u

/* Why VCPU_RUN came back. */
#define PC_EXIT_HOST_IRQ 0 /* an interrupt of the primary's is pending */
#define PC_EXIT_IDLE     1 /* the vCPU waits for an interrupt; data, where valid: its timer is due at that count */
#define PC_EXIT_MMIO     2 /* ipa, width, flags; data written, or to be given with the next VCPU_RUN */
#define PC_EXIT_MEMORY   4 /* arg[0] PC_MEM_*, arg[1] the primary's IPA, arg[2] pages, consecutive there */
#define PC_EXIT_POWER    5 /* arg[0] PC_POWER_*, arg[1] vcpu */
#define PC_EXIT_DEAD     6 /* the vCPU cannot go on; arg[0] PC_DEAD_* */
/* Reserved: not sent by version 1.0. */
#define PC_EXIT_PORT   3 /* x86: port, width, flags, data */
#define PC_EXIT_DEVICE 7 /* arg[0] device: its state changed */

#define PC_MEM_SHARED       1 /* the primary may use the pages from now on */
#define PC_MEM_UNSHARED     2 /* and no longer */
#define PC_MEM_RELINQUISHED 3 /* the pages are the primary's again */

#define PC_POWER_OFF          1 /* this vCPU is off: nothing to run until a PC_POWER_ON names it */
#define PC_POWER_ON           2 /* vcpu arg[1] was switched on */
#define PC_POWER_SYSTEM_OFF   3 /* the VM has ended; no vCPU of it runs again */
#define PC_POWER_SYSTEM_RESET 4 /* the VM asks to be started anew: no vCPU of it runs again */

#define PC_DEAD_DESTROYED 1 /* VM_DESTROY has begun */
#define PC_DEAD_STATE     2 /* it reached a state that cannot be resumed */

#define PC_EXIT_WRITE 0x01u /* flags: a store */
#define PC_EXIT_DATA  0x02u /* flags: data is valid */

/* Written by VCPU_RUN; of it only size, and data for an MMIO or port read, are read back by the next one. */
struct pc_vcpu_exit {
	uint32_t size;
	uint32_t reason;
	uint32_t vcpu;
	uint32_t flags;
	uint64_t ipa;
	uint64_t data;
	uint32_t width; /* bytes */
	uint32_t port;
	uint64_t arg[6];
	uint64_t reserved[5];
};

#define PC_DEV_MAX_ENDPOINTS 32u
#define PC_DEV_MAX_MMIO      16u

/* pc_dev_info flags. */
#define PC_DEV_ASSIGNED    0x01u /* assigned to a VM */
#define PC_DEV_QUARANTINED 0x02u /* blocked until a reset succeeds */
#define PC_DEV_FROZEN      0x04u /* its vSIDs can no longer change */
#define PC_DEV_CLAIMED     0x08u /* its group is another VM's: invisible, and blocked before any of it is assigned */

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
