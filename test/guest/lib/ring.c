/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring.h"

#include <string.h>

bool ring_take(struct pviommu_ring *ring, struct pviommu_event *event)
{
	const char *records = (const char *)(ring + 1);
	u32 place = ring->consumer & ((1u << ring->log2) - 1);

	memset(event, 0, sizeof(*event));
	if (!ring_waiting(ring))
		return false;
	memcpy(event, records + (u64)place * ring->record_bytes, ring->record_bytes);
	/* Then look at the producer again: a record that was written before this is seen raises no interrupt. */
	__atomic_store_n(&ring->consumer, ring->consumer + 1, __ATOMIC_SEQ_CST);
	return true;
}
