/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose an event is, and what its owner is told of it: in the owner's names, and nothing else (V6). EVENTS_SETUP.
 *
 * What an event is looked up by, an endpoint's pvIOMMU, vSID and attachments, changes only between events_hold() and
 * events_release() of that pvIOMMU: an event is delivered by what was true at one moment, never to who had the endpoint
 * later, and never from memory that went back (H3).
 */
#ifndef PVIOMMU_EVENTS_H
#define PVIOMMU_EVENTS_H

#include "hyp/iommu_hw.h"
#include "hyp/lock.h"
#include "hyp/status.h"

struct endpoint;
struct device;
struct pviommu;
struct vm;

/* R2 to R6 of EVENTS_SETUP. */
struct events_request {
	u64 pviommu;
	u64 ring; /* IPA; 0: no ring any more */
	u64 log2;
	u64 irq;
	u64 flags;
};

/*
 * E_NOENT no such pvIOMMU, or no ring to take away; E_NOSYS page requests, unknown flags; E_INVAL sizes, alignment, no
 * interrupt of this VM's; E_BUSY the interrupt is used otherwise, a pin count is full; E_FAULT not all the VM's memory, or
 * shared; E_NOMEM. The old ring stands until the new one does.
 */
enum status events_setup(struct vm *vm, const struct events_request *req) MUST_CHECK NOT_HELD(vm_class);
/* No ring, its pages and interrupt free: before they can have another use. */
void events_remove(struct vm *vm, struct pviommu *pv) MUST_HOLD(vm_class);

/* Its VM is no more. */
void events_forget(struct pviommu *pv);

/* NULL: of an endpoint that is under none, whose events nobody is told of. */
void events_hold(struct pviommu *pv) ACQUIRES(ring_class);
void events_release(struct pviommu *pv) RELEASES(ring_class);

/*
 * Events before `since` are of what was before, and lost. EVENTS_NEVER while an attachment changes; then the mark that was
 * read when hardware had said that the change is complete.
 */
#define EVENTS_NEVER (~0ull)
void events_since(struct endpoint *e, u64 since);
u64 events_mark(const struct endpoint *e);

/* What the endpoint may have of its pvIOMMU's ring is counted from here on: it may have been under another's. */
void events_share_begin(struct endpoint *e) MUST_HOLD(ring_class);

/* A fault of the endpoint: to its owner's ring, if it is one that an owner may know of. */
void events_fault(struct endpoint *e, const struct iommu_event *event);
/* Its faults left no event for a while: how many there were, nobody knows. */
void events_muted(struct endpoint *e);
/* Hardware lost events of anybody's behind it. */
void events_overflow(struct iommu *iommu);
/* An invalidation did not complete: every endpoint behind it that has a name is told: without device TLBs
 * hardware names none. */
void events_inval_failed(struct iommu *iommu);
/* The endpoint's device did not answer to one: it alone is told. */
void events_inval_timeout(struct endpoint *e);
/* The device was quarantined: each of its endpoints is named. */
void events_quarantined(struct device *d);

#endif
