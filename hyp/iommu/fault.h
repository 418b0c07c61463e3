/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of hardware events, for the debug console. Locks: one of its own inside, a leaf. */
#ifndef IOMMU_FAULT_H
#define IOMMU_FAULT_H

#include "hyp/iommu_hw.h"

struct endpoint;

#define FAULT_KEPT 64u

struct fault_record {
	u64 number;  /* counted from 1 */
	u64 time_us;
	const struct iommu *iommu;
	const struct endpoint *endpoint; /* NULL: nobody's stream */
	u32 vm;      /* handle of the owner at that time; 0: none */
	bool has_vsid;
	vsid_t vsid;
	u64 count;   /* of its endpoint, or of those that are nobody's, before it */
	struct iommu_event event;
};

struct fault_counts {
	u64 events;
	u64 strays;    /* of them, of streams that are nobody's */
	u64 overflows; /* times that hardware dropped events */
};

struct fault_counts fault_counts(void);
/* A copy of the first record that is kept from `number` on; false: there is none. */
bool fault_from(u64 number, struct fault_record *out);
const char *fault_reason(const struct iommu_event *event);

/* Write a line of the log about the latest event that is worth one and has none, if there is. Costs as much as 20 events. */
void fault_tell(void);

#endif
