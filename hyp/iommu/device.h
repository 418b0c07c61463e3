/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices and their endpoints. A device is what is assigned as one: a PCI slot with its
 * functions, an alias set behind a conventional bridge, or a device-tree node with `iommus`. An
 * endpoint is one hardware stream (iommu, SID) of it.
 *
 *   UNASSIGNED --assign--> RESETTING --> ASSIGNED --release--> RESETTING --> UNASSIGNED
 *   (the primary's,            |                                   |
 *    identity)                 +------------> QUARANTINED <--------+   (release tries again)
 *
 * Locks: what changes with ownership is guarded by the vm lock of the owner; names, streams and
 * MMIO are constant after boot.
 */
#ifndef IOMMU_DEVICE_H
#define IOMMU_DEVICE_H

#include "abi/vmm.h"
#include "hyp/iommu_hw.h"
#include "hyp/lock.h"
#include "hyp/pci.h"
#include "hyp/platform.h"

struct vm;
struct vcpu;
struct domain;
struct pviommu;

#define DEVICE_MAX   256u
#define ENDPOINT_MAX 1024u

enum device_state { DEVICE_UNASSIGNED,
		    DEVICE_RESETTING,
		    DEVICE_ASSIGNED,
		    DEVICE_QUARANTINED };

/* One (vSID, PASID) under a domain. */
struct attachment {
	struct domain *domain; /* NULL: none */
	u64 cookie;
};

struct endpoint {
	struct device *device;
	struct iommu *iommu;
	sid_t sid;
	u8 index;           /* in its device */
	u8 pasid_bits;      /* PASIDs that the endpoint can tag with; 0: none */
	bool has_vsid;
	vsid_t vsid;
	struct endpoint *vsid_next; /* bucket of the owner VM */
	struct endpoint *sid_next;  /* bucket of the machine */

	struct attachment attached;   /* PASID 0 */
	struct attachment *substream; /* PASIDs 1.. of ctx; NULL without */
	u32 substreams;               /* of them, attached */
	struct stream_ctx ctx;        /* stage-1 context; table 0: none */
	u8 ctx_pages_order;           /* of substream[] */

	u64 faults;         /* events counted; relaxed atomics */
	u64 logged;         /* of them, printed */
};

struct device {
	u32 index;
	char name[32];
	u32 group;
	u8 state;           /* enum device_state */
	u8 target;          /* while RESETTING: the state that follows */
	bool frozen;        /* its vSIDs are fixed */
	bool pci;
	struct vm *vm;      /* owner; NULL while quarantined after another VM */
	struct pviommu *pviommu;
	struct endpoint *endpoint; /* endpoint_count of them, consecutive */
	u32 endpoint_count;
	struct range mmio[PC_DEV_MAX_MMIO];
	u32 mmio_count;
	u32 irq[8];
	u32 irq_count;
	u32 mmio_pins;      /* pages of its MMIO in DMA mappings; page lock */
};

extern struct device device_table[DEVICE_MAX];
extern u32 device_count;

/* Build the table from the enumerated functions and the device tree; all the primary's. Boot. */
bool device_init(const struct machine *m, const char **why);
/* Let every device of the primary translate by the primary's DMA table. Boot. */
void device_boot_identity(void);

/* E_NOENT when there is no such device; any VM but the primary has no device calls. */
struct device *device_find(u64 index);

/* The endpoint behind a hardware stream, NULL: nobody's. Constant after boot, no lock. */
struct endpoint *endpoint_find(const struct iommu *iommu, sid_t sid);

/* Opaque attestation tokens, stable across boots of one machine, below 1 << 32. */
void endpoint_tokens(const struct endpoint *e, u32 *token1, u32 *token2);
u64 device_mmio_token(const struct device *d, u32 range);

/* The device of `vm` whose MMIO holds all of [base, base+size), NULL: none. */
struct device *device_of_mmio(const struct vm *vm, pa_t base, u64 size, u32 *range);

/* Count DMA mappings of a device's MMIO: E_DENIED when it is not all MMIO of one device of vm. */
enum status device_mmio_pin(const struct vm *vm, pa_t base, u64 size) MUST_CHECK
	MUST_HOLD(page_class);
void device_mmio_unpin(pa_t base, u64 size) MUST_HOLD(page_class);

/* Is this device the VM's, so that it may see its configuration space? For hyp/pci. */
bool device_owned_by(const struct device *d, const struct vm *vm);

/*
 * Hand a device to a VM under a pvIOMMU of it: streams blocked, device reset. *again: call again.
 * E_NOENT; E_EXIST already assigned there; E_BUSY another's, or MMIO is mapped for DMA; E_INVAL
 * pvIOMMU id or IOMMU do not fit; E_DENIED quarantined or cannot be reset; E_IO.
 */
enum status device_assign(struct device *d, struct vm *vm, u64 pviommu, bool *again) MUST_CHECK
	NOT_HELD(vm_class);
enum status device_release(struct device *d, struct vm *vm, bool *again) MUST_CHECK
	NOT_HELD(vm_class);
enum status device_set_vsid(struct device *d, struct vm *vm, u64 endpoint, u64 vsid) MUST_CHECK
	NOT_HELD(vm_class);

/* Hardware of this device misbehaved: its streams are blocked, it cannot be used until a reset. */
void device_quarantine(struct device *d, const char *what) MUST_HOLD(vm_class);

/* The endpoint that a VM calls (pvIOMMU, vSID), NULL. */
struct endpoint *endpoint_of_vsid(struct vm *vm, u32 pviommu, u64 vsid) MUST_HOLD(vm_class);

#endif
