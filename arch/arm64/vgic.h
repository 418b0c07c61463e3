/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller of a secondary VM: a GICv3 with one security state, affinity routing
 * always on, no LPIs, 32 private interrupts a vCPU and VGIC_SPIS shared ones. Software keeps the
 * distributor; the CPU interface is the hardware's virtual one, through list registers.
 *
 * Pure but for the lock: what belongs to hardware is in struct vgic_cpu, which the world switch
 * loads and saves (vgic_hw.c). Lock: each VM's own, of the queue class; taken inside.
 *
 * List registers are in use from vgic_flush to vgic_sync only; in between, registers show pending and
 * active as they were at the flush. A change of an interrupt that is in a list register is kept beside
 * it, and names its vCPU in the returned set: that one's next vgic_sync brings both together.
 */
#ifndef ARM64_VGIC_H
#define ARM64_VGIC_H

#include "hyp/lock.h"
#include "hyp/platform.h"
#include "hyp/status.h"
#include "hyp/upcall.h"

#define VGIC_VCPUS   8u
#define VGIC_PRIVATE 32u
#define VGIC_SPIS    96u
#define VGIC_INTIDS  (VGIC_PRIVATE + VGIC_SPIS)
#define VGIC_LRS     16u
#define VGIC_TIMER   27u /* the virtual timer's, level */

/* Where a VM finds it. A vCPU's index is its affinity level 0; the others are zero. */
#define VGIC_DIST_BASE    0x08000000ull
#define VGIC_DIST_BYTES   0x10000ull
#define VGIC_REDIST_BASE  0x080a0000ull
#define VGIC_REDIST_BYTES 0x20000ull /* of one vCPU */

/* The virtual CPU interface of one vCPU while it is not loaded: ICH_* registers, IHI 0069 12.4. */
struct vgic_cpu {
	u64 lr[VGIC_LRS];
	u32 ap0r[4], ap1r[4];
	u64 vmcr;
	u64 hcr; /* En and, when more is pending than list registers hold, UIE */
	u8 lr_count; /* of this machine: 1..16; constant */
};

struct vgic;
u64 vgic_bytes(void);
void vgic_init(struct vgic *g, u32 vcpu_count, u32 lr_count);
struct vgic_cpu *vgic_cpu(struct vgic *g, u32 vcpu);

/* Is this address the VM's distributor's or redistributors'? */
bool vgic_owns(const struct vgic *g, u64 ipa);
/*
 * An access of vCPU `vcpu` to it, decoded and naturally aligned; registers that do not exist read as
 * zero. Returns the set of vCPUs (bit = index) that have to look at their interrupts again.
 */
u32 vgic_access(struct vgic *g, u32 vcpu, struct mem_access *access);
/* A write of `value` to ICC_SGI1R_EL1. Returns the set of vCPUs as above. */
u32 vgic_sgi(struct vgic *g, u32 vcpu, u64 value);

/*
 * The level of a line that software drives: a device of the primary's. An edge interrupt latches a
 * rise. `vcpu`: whose, for a private one. *kick as above. E_INVAL: an SGI, beyond the last, or no such
 * vCPU; E_DENIED: hardware drives it, or the hypervisor.
 */
enum status vgic_line(struct vgic *g, u32 vcpu, u64 intid, bool level, u32 *kick) MUST_CHECK;

/*
 * Tie an SPI to a physical interrupt: delivered with HW = 1, so that the guest's end of interrupt
 * deactivates the physical one. vgic_hw_fire: it was acknowledged, and is active; *kick as above.
 * vgic_hw_unmap: forget it, in list registers too; true: it was active, the caller deactivates it, when
 * every vCPU that is between flush and sync now has been through the sync.
 * E_INVAL: no SPI; E_BUSY: tied already, asserted by software, kept for events, or in a list register.
 */
enum status vgic_hw_map(struct vgic *g, u64 intid, u32 physical) MUST_CHECK;
bool vgic_hw_unmap(struct vgic *g, u64 intid);
void vgic_hw_fire(struct vgic *g, u64 intid, u32 *kick);

/*
 * Keep an SPI for the hypervisor's own events. E_INVAL: no SPI; E_BUSY: tied, asserted by software, or kept already.
 * vgic_event_raise: pending as by a rise, whatever the guest made of its trigger; *kick as above.
 */
enum status vgic_event_keep(struct vgic *g, u64 intid) MUST_CHECK;
void vgic_event_drop(struct vgic *g, u64 intid);
void vgic_event_raise(struct vgic *g, u64 intid, u32 *kick);

/*
 * Physical interrupts that were left active for a virtual one that ended without the hardware's help:
 * the guest cleared it by the distributor, or it was pending again while active. The caller deactivates
 * them, one a call until false, after vgic_access and vgic_sync. SPIs of the VM, and VGIC_TIMER for the
 * vCPU of the caller; that one may be inactive already, as it is per CPU, and vgic_timer_active is false.
 */
bool vgic_take_deactivate(struct vgic *g, u32 vcpu, u32 *physical) MUST_CHECK;

/* The virtual timer's interrupt (private, HW = 1 with physical VGIC_TIMER): the same for one vCPU. */
void vgic_timer_fire(struct vgic *g, u32 vcpu);
/* Is the physical one to be active while the vCPU is loaded: it fired, and the guest has not ended it? */
bool vgic_timer_active(struct vgic *g, u32 vcpu);

/*
 * Before the list registers are loaded: fill them with what is active, then with the most urgent; looks
 * at vmcr as saved. After they were saved: take in what the guest did, and empty them. Sync returns other
 * vCPUs that have to look: what this one gave back may be theirs.
 */
void vgic_flush(struct vgic *g, u32 vcpu);
u32 vgic_sync(struct vgic *g, u32 vcpu);
/*
 * Would an interrupt be taken now, if the guest did not mask it in PSTATE? Decides whether WFI leaves.
 * Not between flush and sync; looks at vmcr as saved.
 */
bool vgic_pending(struct vgic *g, u32 vcpu);

#endif
