/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event ring in a guest's memory (hyp/pviommu/ring.c), whose consumer the guest may set to anything at any moment: records
 * stay inside the ring, each whole and in its place; what does not fit is lost, and counted.
 *
 * For all: sizes of rings and records, producers, consumers, events lost before, a guest that writes its line between any two
 * looks. One call, on a ring in any state.
 *
 * unwind: 4
 * unwindset: any_ring.0:66
 */
#include "proof.h"

#include <string.h>

static void *copied(void *to, const void *from, u64 bytes);
#define memcpy copied
#include "hyp/pviommu/ring.c"
#undef memcpy

static pa_t page[RING_PAGES_MAX];
static union {
	u8 byte[PAGE_SIZE];
	struct pviommu_ring ring;
} first;
static u8 other[PAGE_SIZE]; /* stands for every page behind the first */
static u64 page_now;
static struct event_ring ring, was;
static u64 records_begun, copied_bytes;
static bool fits; /* by what the guest said last, there was room */
static u64 wanted_at; /* where the record that is being written goes on */

void *io_phys(pa_t at)
{
	page_now = at.v >> PAGE_SHIFT;
	CLAIM("only pages of the ring are written", page_now < ring.page_count && (at.v & PAGE_MASK) == 0);
	/* Any time is a time at which the guest may write its line. */
	first.ring.consumer = any_u32();
	first.ring.mask_irq = any_u32();
	if (records_begun == 0 && ring.producer - first.ring.consumer < 1u << ring.log2)
		fits = true;
	return page_now == 0 ? first.byte : other;
}

static void *copied(void *to, const void *from, u64 bytes)
{
	const u64 within = (u64)((u8 *)to - (page_now == 0 ? first.byte : other));
	const u64 at = (page_now << PAGE_SHIFT) + within;

	(void)from;
	if (copied_bytes % ring.record_bytes == 0) {
		records_begun++;
		wanted_at = sizeof(struct pviommu_ring) + (u64)(ring.producer & ((1u << ring.log2) - 1)) * ring.record_bytes;
	}
	CLAIM("a record goes to its place, piece behind piece", at == wanted_at);
	CLAIM("no piece leaves its page", bytes <= PAGE_SIZE - within);
	CLAIM("no record is written into the header or behind the ring",
	      at >= sizeof(struct pviommu_ring) && at + bytes <= ring_bytes(ring.log2, ring.record_bytes));
	wanted_at += bytes;
	copied_bytes += bytes;
	return to;
}

static void any_ring(void)
{
	const u32 kind = any_u32_to(2);

	ring = (struct event_ring){
		.page = page,
		.log2 = (u8)any_u32_to(PVIOMMU_MAX_EVENTS_LOG2),
		.record_bytes = kind == 0 ? PVIOMMU_RECORD_SHORT : kind == 1 ? PVIOMMU_RECORD_LONG :
									       PVIOMMU_RECORD_FULL,
		.wanted = true,
		.unknown = any_bool(),
		.producer = any_u32(),
		.earlier = any_u32(),
		.sequence = any_u32(),
		.gap = any_u32(),
		.gap_end = any_u32(),
		.lost = any_u64(),
	};
	ring.page_count = (u32)(align_up(ring_bytes(ring.log2, ring.record_bytes), PAGE_SIZE) >> PAGE_SHIFT);
	CLAIM("every ring fits in the pages that there may be", ring.page_count <= RING_PAGES_MAX);
	for (u32 i = 0; i < RING_PAGES_MAX; i++)
		page[i] = pa((u64)i << PAGE_SHIFT);
	was = ring;
	records_begun = copied_bytes = 0;
	fits = false;
}

static u32 events(u32 now, u32 before) { return now - before; }

int main(void)
{
	struct pviommu_event event = { .kind = any_u16(), .sequence = any_u32() };
	const u32 call = any_u32_to(2);
	bool told = false;

	any_ring();
	if (any_bool()) {
		ring.page = NULL;
		ring.page_count = 0;
		was = ring;
	}
	if (call == 0)
		told = ring_put(&ring, &event);
	else if (call == 1)
		ring_lose(&ring);
	else
		told = ring_lose_unknown(&ring);

	CLAIM("a full ring takes nothing, however full the guest says that it is", records_begun == 0 || fits);
	CLAIM("records are whole", copied_bytes == records_begun * ring.record_bytes);
	CLAIM("the producer counts the records", events(ring.producer, was.producer) == records_begun && records_begun <= 2);
	CLAIM("a call takes one number of the sequence", events(ring.sequence, was.sequence) == 1);
	CLAIM("an event has a record, or is lost and counted",
	      call != 0 || (records_begun > 0 ? ring.lost == was.lost && event.sequence == was.sequence :
						ring.lost == was.lost + 1 && ring.gap_end == was.sequence));
	CLAIM("what was lost is counted until a record tells of it",
	      call == 0 && records_begun == 2 ? ring.gap == 0 && !ring.unknown :
	      call == 0 && records_begun == 1 ? ring.gap == was.gap && ring.unknown == was.unknown :
	      call == 2 && records_begun == 1 ? ring.gap == 0 && !ring.unknown :
						ring.gap == (was.gap == ~0u ? ~0u : was.gap + 1) && ring.unknown == (call == 2 || was.unknown));
	CLAIM("without a ring nothing is written, and nobody told", ring.page != NULL || (records_begun == 0 && !told));
	CLAIM("nobody is told without a record", !told || records_begun > 0);
	CLAIM("the guest finds the producer behind its records", ring.page == NULL || first.ring.producer == ring.producer);
	return 0;
}
