/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware events: who owns the stream, counted there, and logged with the owner's name for it.
 * A device that faults for ever costs a bounded amount of log: the first events of each endpoint,
 * then one in so many.
 */
#include "device.h"
#include "hyp/log.h"
#include "iommu.h"
#include "vm/vm.h"

#define LOG_FIRST 8
#define LOG_EVERY 4096

static u64 strays;    /* events of no endpoint; relaxed atomics, like the next */
static u64 overflows; /* times that hardware dropped events */

static bool worth_a_line(u64 count)
{
	return count < LOG_FIRST || count % LOG_EVERY == 0;
}

static const char *const reasons[] = {
	"unknown",
	"domain",
	"not mapped",
	"walk abort",
	"table entry",
	"permission",
	"access flag",
	"address size",
	"bad PASID",
	"stream disabled",
};

static void log_event(const struct endpoint *e, const struct iommu_event *event, u64 count)
{
	const char *reason = event->reason < ARRAY_SIZE(reasons) ? reasons[event->reason] : "other";

	log_warn("%s endpoint %u (vm %u vSID %d): %s %s at 0x%lx, stage %u, event %u #%lu",
		 e->device->name, e->index, e->device->vm != NULL ? e->device->vm->handle : 0,
		 e->has_vsid ? (int)e->vsid.v : -1, event->write ? "write" : "read", reason,
		 (unsigned long)event->addr, event->stage2 ? 2 : 1, event->code,
		 (unsigned long)count);
}

void iommu_report_event(struct iommu *iommu, const struct iommu_event *event)
{
	struct endpoint *e = event->has_sid ? endpoint_find(iommu, event->sid) : NULL;
	struct pviommu *pv;
	u64 count;

	if (e == NULL) {
		count = __atomic_fetch_add(&strays, 1, __ATOMIC_RELAXED);
		if (worth_a_line(count))
			log_warn("%s: event %u of stream %u, which is nobody's", iommu->name,
				 event->code, event->has_sid ? event->sid.v : ~0u);
		return;
	}
	count = __atomic_fetch_add(&e->faults, 1, __ATOMIC_RELAXED);
	pv = __atomic_load_n(&e->device->pviommu, __ATOMIC_ACQUIRE);
	if (pv != NULL)
		__atomic_fetch_add(&pv->faults, 1, __ATOMIC_RELAXED);
	if (worth_a_line(count))
		log_event(e, event, count);
}

void iommu_report_overflow(struct iommu *iommu)
{
	u64 count;

	for (u32 k = 0; k <= VM_SECONDARIES; k++)
		for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
			struct pviommu *pv = &vm_at(k)->pviommu[i];

			if (__atomic_load_n(&pv->iommu, __ATOMIC_RELAXED) == iommu)
				__atomic_fetch_add(&pv->lost, 1, __ATOMIC_RELAXED);
		}
	count = __atomic_fetch_add(&overflows, 1, __ATOMIC_RELAXED);
	if (worth_a_line(count))
		log_warn("%s: events were lost, the count is unknown #%lu", iommu->name,
			 (unsigned long)count);
}
