/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's view: a pvIOMMU is a small id of one VM that stands for one physical IOMMU, behind
 * which the VM's vSIDs name endpoints strictly 1:1. The table is the endpoints' own (device.c).
 */
#ifndef PVIOMMU_PVIOMMU_H
#define PVIOMMU_PVIOMMU_H

#include "abi/pviommu.h"
#include "hyp/iommu_hw.h"
#include "hyp/lock.h"
#include "ring.h"

struct vm;
struct vcpu;

struct pviommu {
	struct vm *vm;       /* constant, like the next, as long as there is the VM */
	u32 id;              /* index in its VM */
	struct spinlock ring_lock; /* events_hold() */
	struct event_ring ring;    /* ring lock */
	u32 ring_irq;              /* ring lock and vm lock for writing; 0: none */
	struct iommu *iommu; /* NULL until the first device is assigned (the primary: from boot) */
	u64 faults, lost;    /* relaxed atomics */
	/* Change under the vm lock. QUERY, STATS and a ring's shares read one of them without: a figure of that moment. */
	u64 quarantines;
	u32 vsid_count;
	u32 attached;
};

/* The VM's, if it stands for an IOMMU; else NULL. */
struct pviommu *pviommu_find(struct vm *vm, u64 id);

/* QUERY and STATS. E_NOENT: no such pvIOMMU, or no such index; E_NOSYS: no such property. */
enum status pviommu_query(struct vm *vm, u64 pviommu, u64 property, u64 index, u64 *value)
	MUST_CHECK;
enum status pviommu_stats(struct vm *vm, u64 pviommu, u64 counter, u64 *value) MUST_CHECK;

/* What a VM may know of an endpoint. E_NOENT. */
struct endpoint_facts {
	u32 flags; /* PVIOMMU_EP_* */
	u32 pasid_bits;
	u32 group;
};
enum status pviommu_endpoint(struct vm *vm, u64 pviommu, u64 vsid, struct endpoint_facts *facts)
	MUST_CHECK;
enum status pviommu_tokens(struct vm *vm, u64 pviommu, u64 vsid, u32 *token1, u32 *token2)
	MUST_CHECK;

/* Where the configuration space of an endpoint is. E_NOENT: no such endpoint, or it has none. */
enum status pviommu_config_place(struct vm *vm, u64 pviommu, u64 vsid, u32 *host, u64 *offset)
	MUST_CHECK;

/* Attach or detach vSIDs, all or none; `vsids` has `count` of them. See hyp/iommu/attach.h. */
struct pviommu_attach {
	u64 pviommu;
	u64 domain;
	u64 pasid;
	u64 pasid_bits;
	u64 cookie;
	u32 count;
};
enum status pviommu_attach(struct vm *vm, const struct pviommu_attach *req, const u64 *vsids)
	MUST_CHECK;
enum status pviommu_detach(struct vm *vm, const struct pviommu_attach *req, const u64 *vsids)
	MUST_CHECK;

/* Map or unmap one range; *done bytes. See hyp/iommu/domain.h for the statuses. */
enum status pviommu_map(struct vcpu *vcpu, u64 domain, u64 base, u64 from, u64 bytes, u64 prot,
			u64 *done) MUST_CHECK;
enum status pviommu_unmap(struct vcpu *vcpu, u64 domain, u64 base, u64 bytes, u64 *done)
	MUST_CHECK;

/*
 * The same for lists that were copied in. *done: bytes, also on an error: of a map those of whole entries, of an unmap with
 * what the entry that fails had done, unless hardware did not complete: 0.
 */
enum status pviommu_map_list(struct vcpu *vcpu, u64 domain, const struct pviommu_map_entry *entry,
			     u32 count, u64 *done) MUST_CHECK;
enum status pviommu_unmap_list(struct vcpu *vcpu, u64 domain,
			       const struct pviommu_unmap_entry *entry, u32 count, u64 *done)
	MUST_CHECK;

/*
 * A domain of a first stage that the guest owns; `data` is what it says of it, as long as the driver's structure. E_NOENT no
 * such pvIOMMU; E_NOSYS no such type there; E_INVAL; E_NOMEM; and of the copy.
 */
enum status pviommu_alloc_nested(struct vm *vm, const struct pviommu_alloc_nested *req, u32 *id) MUST_CHECK;

/*
 * The guest's invalidations; room for PVIOMMU_MAX_INVAL of them, of INVAL_WORDS each, is at `entry`. *done is how many are
 * complete, whatever is returned: E_NOENT no such pvIOMMU, or an entry's vSID; E_NOSYS flags, type; E_INVAL; E_DENIED an
 * entry's endpoint is quarantined; E_FAULT, E_TOOBIG, and E_BUSY from the status bytes' pins: nothing was done; E_IO.
 */
#define INVAL_WORDS 3
enum status pviommu_invalidate(struct vm *vm, const struct pviommu_invalidate *req, u64 *entry, u64 *done) MUST_CHECK;

enum status pviommu_iova_to_ipa(struct vm *vm, u64 domain, u64 iova, u64 *ipa, u32 *prot)
	MUST_CHECK;

#endif
