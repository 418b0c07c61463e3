/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An event ring in a guest's memory: how records, losses and the producer get there (include/abi/pviommu.h). Knows nothing
 * of who an event is for. What the guest writes, its consumer and its mask, is read anew for each decision, believed in
 * nothing but how much room there is, and harms nobody but who wrote it.
 *
 * Lock: the ring's, of its owner (events.c); the last in the order but for the log's.
 */
#ifndef PVIOMMU_RING_H
#define PVIOMMU_RING_H

#include "abi/pviommu.h"
#include "hyp/addr.h"
#include "hyp/lock.h"

/* Of a ring of 4,096 records of 64 bytes, and the two lines before them. */
#define RING_PAGES_MAX 65u

struct event_ring {
	pa_t *page;      /* where its pages are, page_count of them; NULL: there is no ring */
	u32 page_count;
	u8 log2;
	u8 record_bytes;
	bool wanted;     /* there was a ring once: from then on every event counts */
	bool unknown;    /* hardware lost events that no record tells of yet */
	u32 producer;
	u32 earlier;     /* records that rings before this one had */
	u32 sequence;    /* of the next event */
	u32 gap;         /* events lost that no record tells of yet */
	u32 gap_end;     /* the sequence of the last one */
	u64 lost;
};

/* Bytes of a ring, header included. */
static inline u64 ring_bytes(u32 log2, u32 record_bytes)
{
	return sizeof(struct pviommu_ring) + ((u64)record_bytes << log2);
}

/* The header of a ring whose pages and sizes were just set: empty, what was lost is said. */
void ring_begin(struct event_ring *r) MUST_HOLD(ring_class);
/*
 * Write an event; its sequence is set here. When the ring is full it is lost, and counted. True: the ring was empty before,
 * and the guest has not masked the interrupt.
 */
bool ring_put(struct event_ring *r, struct pviommu_event *event) MUST_HOLD(ring_class);
/* One event is lost on purpose. */
void ring_lose(struct event_ring *r) MUST_HOLD(ring_class);
/* Hardware lost some. The guest is told at once if there is room: true as above. */
bool ring_lose_unknown(struct event_ring *r) MUST_HOLD(ring_class);
/* How many records the guest has taken, of all rings that there were, and how many were written. The first is what it says. */
u32 ring_taken(const struct event_ring *r) MUST_HOLD(ring_class);
u32 ring_written(const struct event_ring *r) MUST_HOLD(ring_class);

#endif
