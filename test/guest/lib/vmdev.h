/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices of QEMU's in the hands of a VM with the service image: given, mapped, told to do DMA. */
#ifndef GUEST_VMDEV_H
#define GUEST_VMDEV_H

#include "rig.h"
#include "vmm.h"

struct vmdev {
	struct vmm *vm;
	u32 device;
	u32 pviommu;
	u32 vsid; /* of endpoint 0; the others follow */
	u32 functions;
	u32 bdf;
	u64 regs[RIG_ENDPOINTS]; /* IPAs in the VM */
	u64 host_regs[RIG_ENDPOINTS];
};

/*
 * Gives the device of a slot to a VM that has not run: endpoints get vSIDs from `vsid` on, registers are mapped from
 * SERVICE_MMIO(window) on. Functions are those of the slot.
 */
void vmdev_give(struct vmdev *d, struct vmm *vm, u32 bdf, u32 pviommu, u32 vsid, u32 window);
/* The VM, running, turns on memory decoding and bus mastering. */
void vmdev_enable(const struct vmdev *d);

/* The VM's own pvIOMMU calls; vmdev_map maps all. */
u64 vmdev_domain(struct vmm *vm);
void vmdev_map(struct vmm *vm, u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot);
void vmdev_attach(const struct vmdev *d, u32 endpoint, u64 domain);
void vmdev_detach(const struct vmdev *d, u32 endpoint, u64 domain);

/* A DMA by the testdev that is function n: accepted, whatever it hit. */
bool vmdev_dma(const struct vmdev *d, u32 function, u64 iova);
/* The same, and the word at `ipa` in the VM shows it, or shows none. */
void vmdev_lands(const struct vmdev *d, u32 function, u64 iova, u64 ipa);
void vmdev_faults(const struct vmdev *d, u32 function, u64 iova, u64 ipa);
/* As faults_settled, for a pvIOMMU of the VM. */
u64 vmdev_faults_settled(struct vmm *vm, u32 pviommu, u64 want);

#endif
