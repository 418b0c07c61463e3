/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of an event ring (include/abi/pviommu.h): what a driver does, and no more. */
#ifndef GUEST_RING_H
#define GUEST_RING_H

#include "abi/pviommu.h"
#include "types.h"

#define RING_FULL_RECORDS PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)

/* Bytes of memory that a ring takes. */
static inline u64 ring_bytes(u32 log2, u32 record_bytes)
{
	return sizeof(struct pviommu_ring) + ((u64)record_bytes << log2);
}

/* Empty, as before EVENTS_SETUP. */
static inline void ring_clear(struct pviommu_ring *ring)
{
	ring->consumer = 0;
	ring->mask_irq = 0;
}

/* Records that are there and not taken. */
static inline u32 ring_waiting(const struct pviommu_ring *ring)
{
	return __atomic_load_n(&ring->producer, __ATOMIC_ACQUIRE) - ring->consumer;
}

/* The oldest, as far as records of this ring have it; the rest is zero. False: there is none. */
bool ring_take(struct pviommu_ring *ring, struct pviommu_event *event);

/* All that are there are taken, unseen. */
static inline void ring_skip(struct pviommu_ring *ring)
{
	__atomic_store_n(&ring->consumer, __atomic_load_n(&ring->producer, __ATOMIC_ACQUIRE), __ATOMIC_SEQ_CST);
}

#endif
