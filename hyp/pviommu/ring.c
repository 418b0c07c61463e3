/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of records in a guest's memory: written as if the guest were hostile, never waited for. */
#include "ring.h"

#include <string.h>

#include "abi/hcall.h"
#include "hyp/io.h"

_Static_assert(sizeof(struct pviommu_ring) == 128 && sizeof(struct pviommu_event) == PVIOMMU_RECORD_FULL, "as published");

/* What readers of the shorter records know. */
#define FLAGS_SHORT (PVIOMMU_EVENT_READ | PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_EXEC | PVIOMMU_EVENT_ADDRESS)
#define FLAGS_LONG  0xffffu

static struct pviommu_ring *header(const struct event_ring *r) { return io_phys(r->page[0]); }

/* Records of 24 and 48 bytes may lie across pages, which are anywhere. */
static void copy_out(const struct event_ring *r, u64 at, const void *from, u64 bytes)
{
	const char *in = from;

	while (bytes > 0) {
		u64 within = at & PAGE_MASK;
		u64 n = bytes < PAGE_SIZE - within ? bytes : PAGE_SIZE - within;

		memcpy((char *)io_phys(r->page[at >> PAGE_SHIFT]) + within, in, n);
		in += n;
		at += n;
		bytes -= n;
	}
}

/* The form that the reader asked for: what it has no field for is left out of the flags, too. */
static void record(struct event_ring *r, const struct pviommu_event *event)
{
	struct pviommu_event out = *event;
	u32 place = r->producer & ((1u << r->log2) - 1);

	if (r->record_bytes == PVIOMMU_RECORD_SHORT) {
		out.flags &= FLAGS_SHORT;
		out.pasid = 0;
	} else if (r->record_bytes == PVIOMMU_RECORD_LONG) {
		out.flags &= FLAGS_LONG;
	}
	copy_out(r, sizeof(struct pviommu_ring) + (u64)place * r->record_bytes, &out, r->record_bytes);
	r->producer++;
}

static u32 consumer(const struct event_ring *r)
{
	return __atomic_load_n(&header(r)->consumer, __ATOMIC_ACQUIRE);
}

u32 ring_taken(const struct event_ring *r) { return r->earlier + consumer(r); }

u32 ring_written(const struct event_ring *r) { return r->earlier + r->producer; }

static u32 room(const struct event_ring *r)
{
	u32 size = 1u << r->log2, used = r->producer - consumer(r);

	return used < size ? size - used : 0;
}

/* The counts, and last the producer, behind the records. */
static void publish(const struct event_ring *r)
{
	struct pviommu_ring *h = header(r);

	__atomic_store_n(&h->lost, r->lost, __ATOMIC_RELAXED);
	__atomic_store_n(&h->sequence, r->sequence, __ATOMIC_RELAXED);
	__atomic_store_n(&h->flags, r->gap > 0 || r->unknown ? PVIOMMU_RING_OVERFLOW : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&h->producer, r->producer, __ATOMIC_RELEASE);
}

/*
 * Had the guest taken all that was there `before`? Then it may be about to wait, and looked at the producer before this one
 * was stored: the barrier here and the one in the guest make sure that one of the two sees the other.
 */
static bool interrupt_due(const struct event_ring *r, u32 before)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return consumer(r) == before && __atomic_load_n(&header(r)->mask_irq, __ATOMIC_RELAXED) == 0;
}

static void lose(struct event_ring *r)
{
	r->lost++;
	r->gap_end = r->sequence++;
	if (r->gap != ~0u)
		r->gap++;
}

/* What is known of the losses since the last record of this kind. Those of hardware can only be guessed at. */
static void record_loss(struct event_ring *r)
{
	struct pviommu_event event = {
		.reason = PVIOMMU_REASON_LOST,
		.kind = PVIOMMU_KIND_LOST,
		.sequence = r->gap_end,
	};

	if (!r->unknown) {
		event.flags = PVIOMMU_EVENT_PRIVATE_DATA;
		event.private_data[0] = r->gap;
	}
	record(r, &event);
	r->gap = 0;
	r->unknown = false;
}

void ring_begin(struct event_ring *r)
{
	struct pviommu_ring *h = header(r);

	r->earlier += r->producer;
	r->producer = 0;
	h->version = PC_ABI_VERSION;
	h->log2 = r->log2;
	h->record_bytes = r->record_bytes;
	memset(h->reserved, 0, sizeof(h->reserved));
	publish(r);
}

/* With one place left the event has it: that some are missing is seen from its sequence, and said with the next. */
bool ring_put(struct event_ring *r, struct pviommu_event *event)
{
	u32 before = r->producer, left;

	if (!r->wanted)
		return false;
	left = r->page != NULL ? room(r) : 0;
	if (left == 0) {
		ring_lose(r);
		return false;
	}
	if ((r->gap > 0 || r->unknown) && left > 1)
		record_loss(r);
	event->sequence = r->sequence++;
	record(r, event);
	publish(r);
	return interrupt_due(r, before);
}

void ring_lose(struct event_ring *r)
{
	if (!r->wanted)
		return;
	lose(r);
	if (r->page != NULL)
		publish(r);
}

/* It takes one number of the sequence, however many there were. */
bool ring_lose_unknown(struct event_ring *r)
{
	u32 before = r->producer;

	if (!r->wanted)
		return false;
	lose(r);
	r->unknown = true;
	if (r->page == NULL)
		return false;
	if (room(r) == 0) {
		publish(r);
		return false;
	}
	record_loss(r);
	publish(r);
	return interrupt_due(r, before);
}
