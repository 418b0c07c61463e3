/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching endpoints to domains: one, or a list of which all or none change. Locks: the vm lock
 * is held throughout; takes domain.
 */
#ifndef IOMMU_ATTACH_H
#define IOMMU_ATTACH_H

#include "device.h"

/* Attachments of one stream are kept in one run of pages: 16 bytes a PASID, 64 pages. */
#define PASID_BITS_MAX 14

/* How many bits of PASID can be had behind an IOMMU, and at an endpoint; 0: none. */
u8 iommu_pasid_bits(const struct iommu *iommu);
u8 endpoint_pasid_bits(const struct endpoint *e);

struct attach_request {
	struct endpoint **endpoint;
	u32 endpoint_count; /* 1..PVIOMMU_MAX_VSIDS, no endpoint twice */
	u64 domain;
	u64 pasid;
	u64 pasid_bits; /* read at PASID 0 only */
	u64 cookie;
};

/*
 * E_NOENT no such domain; E_EXIST one is attached to it already; E_NOSYS a PASID where there are
 * none, or PASID 0 is not in stage 1; E_INVAL PASID beyond the context, contexts of a list for more than
 * 2^PASID_BITS_MAX PASIDs in all, or a nested domain of another IOMMU or for more than the endpoint has; E_BUSY the domain is being freed, or the stream
 * has one of the other kind; E_DENIED quarantined, or not of the common format; E_NOMEM; E_IO.
 */
enum status attach(struct vm *vm, const struct attach_request *req) MUST_CHECK MUST_HOLD(vm_class);

/* E_NOENT not attached to that domain; E_BUSY PASID 0 with others attached; E_IO. */
enum status detach(struct vm *vm, const struct attach_request *req) MUST_CHECK MUST_HOLD(vm_class);

/*
 * A step of the end of the endpoint's VM: some of its PASIDs but 0 are detached. *more: not all of them yet. E_IO: whose stream
 * this is may be used no longer.
 */
enum status attach_end_pasids(struct vm *vm, struct endpoint *e, bool *more) MUST_CHECK MUST_HOLD(vm_class);

/*
 * Forget every attachment of an endpoint whose device is being quarantined. `blocked`: hardware
 * has confirmed that the stream walks nothing; else its context is never reused.
 */
void attach_forget(struct vm *vm, struct endpoint *e, bool blocked) MUST_HOLD(vm_class);

/*
 * Faults of an endpoint under a PASID (0: or none) leave no event any more, or do again; all else stays. For a device that
 * floods. E_NOSYS: nothing is attached to that PASID alone; E_IO: it stays as it is.
 */
enum status attach_unrecorded(struct endpoint *e, u32 pasid, bool unrecorded) MUST_CHECK MUST_HOLD(vm_class);

/*
 * Take the memory that attach_identity() will need, for a device without attachments: all of it, or E_NOMEM. Given back
 * where the device is quarantined instead.
 */
enum status attach_identity_prepare(struct device *d, struct vm *vm) MUST_CHECK MUST_HOLD(vm_class);
/* All streams of a device translate by the DMA table of its VM. E_IO; E_NOMEM, unless it was prepared. */
enum status attach_identity(struct device *d, struct vm *vm) MUST_CHECK;
/* The stream walks nothing from here on, and refused DMA is reported. E_IO. */
enum status endpoint_block(struct endpoint *e) MUST_CHECK;
/* All streams of a device are blocked. E_IO. */
enum status attach_block(struct device *d) MUST_CHECK;

#endif
