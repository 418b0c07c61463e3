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
 * A secondary claims whole isolation groups: before the first device of a group is reset all of it are
 * CLAIMED, one a call, blocked and in nobody's configuration space, until each is assigned too; a device
 * that a secondary gives back is CLAIMED until the last of the group is, then all are the primary's again.
 *
 * Locks: who owns a device changes only under the primary's vm lock and that of the secondary, if one
 * is concerned; what an owner configures is guarded by the owner's vm lock. Names, streams and MMIO
 * are constant after boot.
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
		    DEVICE_CLAIMED,
		    DEVICE_QUARANTINED };

#define DEVICE_UNMAPPED (~0ull)
#define DEVICE_MAX_IRQS 8u

/* One (vSID, PASID) under a domain. */
struct attachment {
	struct domain *domain; /* NULL: none */
	u64 cookie;
};

struct endpoint {
	struct device *device;
	struct iommu *iommu;
	sid_t sid;
	u16 number;         /* in the machine */
	u8 index;           /* in its device */
	u8 pasid_bits;      /* PASIDs that the endpoint can tag with; 0: none */
	bool ats;           /* it has a translation cache, and may use it behind a guest's own first stage */
	u8 late;            /* batches that it was late for, while it has this owner: nested.c */
	bool has_vsid;
	vsid_t vsid;
	u64 listed;         /* the last list that named it, pviommu.c; vm lock */
	u64 name;           /* while has_vsid: that and its pvIOMMU, as its owner's table is in order of */
	struct endpoint *sid_next;  /* bucket of the machine */

	struct attachment attached;   /* PASID 0 */
	struct attachment *substream; /* PASIDs 1.. of ctx; NULL without */
	u32 substreams;               /* of them, attached */
	struct stream_ctx ctx;        /* stage-1 context; table 0: none */
	u8 ctx_pages_order;           /* of substream[] */
	u32 pasid_end;                /* PASIDs that the end of its VM has come past */

	u64 since;          /* the first event that is of what is attached now; events_hold() */
	u32 window, window_records; /* its share of a ring, events.c; events_hold() */
	u32 burst, burst_round;     /* drain.c, like the next */
	u32 noisy_pasid, muted_pasid;
	u64 muted_until;    /* microseconds; 0: it is not */

	u64 faults;         /* events counted; relaxed atomics */
	u64 logged;         /* of them, printed */
};

struct device {
	u32 index;
	char name[32];
	u32 group;
	u32 kind;           /* a hash of what it is, wherever it is: PCI ids, or its name in the device tree */
	u32 nth;            /* of that kind, in the order of the table */
	u8 state;           /* enum device_state */
	u8 target;          /* while RESETTING: the state that follows */
	bool frozen;        /* its vSIDs are fixed */
	bool pci;
	struct pci_function *function; /* the first; NULL: it is no PCI device */
	struct vm *vm;      /* owner; the primary while quarantined after another VM */
	struct pviommu *pviommu;
	struct endpoint *endpoint; /* endpoint_count of them, consecutive */
	u32 endpoint_count;
	struct range mmio[PC_DEV_MAX_MMIO];
	u32 mmio_count;
	u32 irq[DEVICE_MAX_IRQS];
	u32 irq_count;
	u32 mmio_pins;      /* pages of its MMIO in DMA mappings; page lock */
	u32 blocked;        /* ASSIGNED, to a VM that ends: endpoints that its teardown has done */
	bool clean;         /* CLAIMED: reset since anything of its group was in use; RESETTING: it is, and goes home */
	bool mmio_stuck;    /* devices of a former owner may reach it for ever: an IOMMU is dead */
	u64 mmio_away;      /* bytes of its MMIO, range after range, that the primary's views do not have */
	u64 mmio_ipa[PC_DEV_MAX_MMIO];   /* where a secondary has it, or DEVICE_UNMAPPED */
	u64 mmio_given[PC_DEV_MAX_MMIO]; /* and how many bytes of it, from its first */
	u32 irq_given[DEVICE_MAX_IRQS]; /* the interrupt that a secondary has for it, 0: none */
};

extern struct device device_table[DEVICE_MAX];
extern u32 device_count;

/* Build the table from the enumerated functions and the device tree; all the primary's. Boot. */
bool device_init(const struct machine *m, const char **why);
/* One more function of a device. Boot. */
void device_function_add(struct device *d, struct pci_function *f);
/* Let every device of the primary translate by the primary's DMA table. Boot. */
void device_boot_identity(void);

/* E_NOENT when there is no such device; any VM but the primary has no device calls. */
struct device *device_find(u64 index);

/* The endpoint behind a hardware stream, NULL: nobody's. Constant after boot, no lock. */
struct endpoint *endpoint_find(const struct iommu *iommu, sid_t sid);

/*
 * Attestation tokens, below 1 << 32: stable across boots of one machine, and opaque. They are made of what the device is, since
 * of its place a guest could try all that there are until the token fits, and would know its stream.
 */
void endpoint_tokens(const struct endpoint *e, u32 *token1, u32 *token2);
u64 device_mmio_token(const struct device *d, u32 range);

/* MMIO is found by its address from here on: all ranges are in the table. Boot. */
void device_mmio_sort(void);
/* The device of `vm` whose MMIO holds all of [base, base+size), NULL: none. */
struct device *device_of_mmio(const struct vm *vm, pa_t base, u64 size, u32 *range);

/* Count DMA mappings of a device's MMIO: E_DENIED when it is not all MMIO of one device of vm. */
enum status device_mmio_pin(const struct vm *vm, pa_t base, u64 size) MUST_CHECK
	MUST_HOLD(page_class);
void device_mmio_unpin(pa_t base, u64 size) MUST_HOLD(page_class);

/* Where a VM has this MMIO address; false: it has not. */
bool device_mmio_ipa(const struct vm *vm, pa_t addr, u64 *out);

/*
 * Is this device the VM's? Under that VM's lock the answer stays; of a device that is not the VM's it is that alone, since
 * it may be on its way between two others.
 */
static inline bool device_is_of(const struct device *d, const struct vm *vm)
{
	return __atomic_load_n(&d->vm, __ATOMIC_RELAXED) == vm;
}

/* Is this device the VM's, so that it may see its configuration space? For hyp/pci. */
bool device_owned_by(const struct device *d, const struct vm *vm);
/* The first of its PCI functions; for hyp/pci too. */
struct pci_function *device_functions(const struct device *d);

/* The owner's name for an endpoint, in its table and out of it. */
void endpoint_set_vsid(struct vm *vm, struct endpoint *e, u32 vsid) MUST_HOLD(vm_class);
void endpoint_clear_vsid(struct vm *vm, struct endpoint *e) MUST_HOLD(vm_class);

/* --- device_assign.c, and for what is around the calls device_group.c, device_end.c, device_quarantine.c */

/*
 * Hand a device to a VM under a pvIOMMU of it: streams blocked, device reset. *again: call again.
 * E_NOENT no such VM; E_EXIST already assigned there; E_BUSY another's, a member of its group is, MMIO
 * is mapped for DMA, or the VM is final; E_INVAL pvIOMMU id or IOMMU do not fit; E_DENIED quarantined
 * or cannot be reset; E_IO.
 */
enum status device_assign(struct device *d, u64 handle, u64 pviommu, bool *again) MUST_CHECK
	NOT_HELD(vm_class);
/* E_NOENT it is nobody's; E_BUSY attached, or its VM is final. On a quarantined one: resets again. */
enum status device_release(struct device *d, bool *again) MUST_CHECK NOT_HELD(vm_class);
enum status device_set_vsid(struct device *d, u64 endpoint, u64 vsid) MUST_CHECK
	NOT_HELD(vm_class);
/* The owner resets its device: E_BUSY while attached; *again: call again. */
enum status device_reset(struct vm *vm, u64 pviommu, u64 vsid, bool *again) MUST_CHECK NOT_HELD(vm_class);

/* Is it a secondary's by name only, and still at work for the primary, until the claim of its group comes to it? */
bool device_is_named(const struct device *d);
/* Has the VM claimed a group of which not all are assigned? */
bool device_claims_open(const struct vm *vm) MUST_HOLD(vm_class);
/*
 * One step of taking all devices from a VM that ends. First they are blocked and reset (true: all that
 * can be are); then, when its domains are gone, they go home (true: it has none).
 */
bool device_teardown_step(struct vm *vm) MUST_HOLD(vm_class);
bool device_home_step(struct vm *vm) MUST_HOLD(vm_class);
u32 device_quarantined_count(void);

/*
 * Its translation cache does not answer, or was late for ENDPOINT_LATE_MAX batches and answered when it was asked again; it may
 * hold what it must not use. Told, and quarantined: while it is being reset, when that is over.
 */
#define ENDPOINT_LATE_MAX 4u
void endpoint_condemn(struct endpoint *e) MUST_HOLD(vm_class);

/* Hardware of this device misbehaved: its streams are blocked, it cannot be used until a reset. */
void device_quarantine(struct device *d, const char *what) MUST_HOLD(vm_class);

/* The endpoint that a VM calls (pvIOMMU, vSID), NULL. */
struct endpoint *endpoint_of_vsid(struct vm *vm, u32 pviommu, u64 vsid) MUST_HOLD(vm_class);

/* --- device_give.c */

/*
 * Let a secondary reach an MMIO range of its device at `at`, or more of it: *pages that it had not; as many as one call may
 * take, so that of a large range they are not all. E_NOENT no such range, or the device is no secondary's; E_EXIST it is
 * mapped, or some of it elsewhere, or the VM has something there; E_INVAL the place (a range above 2 MiB must lie as the
 * device's does within 2 MiB); E_NOMEM.
 */
enum status device_map_mmio(struct device *d, u64 range, u64 at, u64 *pages) MUST_CHECK
	NOT_HELD(vm_class);
/*
 * Give the index-th line of a device to its VM as interrupt `intid`. E_BUSY: a device of another owner
 * could drive the line, or the interrupt is in use; E_EXIST: given already; E_INVAL; E_NOENT.
 */
enum status device_map_irq(struct device *d, u64 index, u64 intid) MUST_CHECK NOT_HELD(vm_class);
/*
 * A line that was given to a VM is asserted without end: the VM loses it, for all its devices, whose pins are silent from then on;
 * the first of them is quarantined, since which one drives the line is not known.
 */
void device_irq_storm(u32 line, const struct vm *owner) NOT_HELD(vm_class);

#endif
