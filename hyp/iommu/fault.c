/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware events: who owns the stream, counted there, and logged with the owner's name for it.
 * A device that faults for ever costs a bounded amount of log: the first events of each endpoint,
 * then one in so many, and of a drain no more than a few. The last FAULT_KEPT are kept whole, for the debug console; only there is a
 * hardware stream named: the log goes where the primary sees it.
 */
#include "fault.h"

#include "device.h"
#include "drain.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

#define LOG_FIRST 8
#define LOG_EVERY 4096

static u64 strays;    /* events of no endpoint; relaxed atomics, like the next */
static u64 overflows; /* times that hardware dropped events */

static struct spinlock kept_lock = SPINLOCK_INIT;
static struct fault_record kept[FAULT_KEPT]; /* by number % FAULT_KEPT */
static u64 last;        /* number of the latest; both: kept_lock */

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

const char *fault_reason(const struct iommu_event *event)
{
	return event->reason < ARRAY_SIZE(reasons) ? reasons[event->reason] : "other";
}

static u32 owner_of(const struct endpoint *e)
{
	const struct vm *vm = e != NULL ? __atomic_load_n(&e->device->vm, __ATOMIC_RELAXED) : NULL;

	return vm != NULL ? vm->handle : 0;
}

/* Is there a name, and which: while it changes, the old one or the new one, which only the log and the console show. */
static bool name_of(const struct endpoint *e, vsid_t *name)
{
	name->v = __atomic_load_n(&e->vsid.v, __ATOMIC_RELAXED);
	return __atomic_load_n(&e->has_vsid, __ATOMIC_RELAXED);
}

/* Before anything else is done with it, so that it is there even if the rest does not end. */
static void keep(struct iommu *iommu, const struct endpoint *e, const struct iommu_event *event)
{
	struct fault_record record = {
		.time_us = io_time_us(),
		.iommu = iommu,
		.endpoint = e,
		.vm = owner_of(e),
		.event = *event,
	};

	if (e != NULL)
		record.has_vsid = name_of(e, &record.vsid);
	arch_spin_lock(&kept_lock);
	record.number = ++last;
	kept[record.number % FAULT_KEPT] = record;
	arch_spin_unlock(&kept_lock);
}

bool fault_from(u64 number, struct fault_record *out)
{
	bool found;

	arch_spin_lock(&kept_lock);
	if (last >= FAULT_KEPT && number <= last - FAULT_KEPT)
		number = last - FAULT_KEPT + 1;
	found = number > 0 && number <= last;
	if (found)
		*out = kept[number % FAULT_KEPT];
	arch_spin_unlock(&kept_lock);
	return found;
}

struct fault_counts fault_counts(void)
{
	struct fault_counts counts = {
		.strays = __atomic_load_n(&strays, __ATOMIC_RELAXED),
		.overflows = __atomic_load_n(&overflows, __ATOMIC_RELAXED),
	};

	arch_spin_lock(&kept_lock);
	counts.events = last;
	arch_spin_unlock(&kept_lock);
	return counts;
}

static void log_event(const struct endpoint *e, const struct iommu_event *event, u64 count)
{
	vsid_t name;
	bool named = name_of(e, &name);

	log_warn("%s endpoint %u (vm %u vSID %d): %s %s at 0x%lx, stage %u, event %u #%lu",
		 e->device->name, e->index, owner_of(e),
		 named ? (int)name.v : -1, event->write ? "write" : "read", fault_reason(event),
		 (unsigned long)event->addr, event->stage2 ? 2 : 1, event->code,
		 (unsigned long)count);
}

void iommu_report_event(struct iommu *iommu, const struct iommu_event *event)
{
	struct endpoint *e = event->has_sid ? endpoint_find(iommu, event->sid) : NULL;
	struct pviommu *pv;
	u64 count;

	keep(iommu, e, event);
	if (e == NULL) {
		count = __atomic_fetch_add(&strays, 1, __ATOMIC_RELAXED);
		if (worth_a_line(count) && drain_line(iommu))
			log_warn("%s: event %u of a stream that is nobody's", iommu->name, event->code);
		return;
	}
	count = __atomic_fetch_add(&e->faults, 1, __ATOMIC_RELAXED);
	pv = __atomic_load_n(&e->device->pviommu, __ATOMIC_ACQUIRE);
	if (pv != NULL)
		__atomic_fetch_add(&pv->faults, 1, __ATOMIC_RELAXED);
	drain_count(iommu, e, event);
	events_fault(e, event);
	if (worth_a_line(count) && drain_line(iommu))
		log_event(e, event, count);
}

void iommu_report_overflow(struct iommu *iommu)
{
	u64 count;

	events_overflow(iommu);
	count = __atomic_fetch_add(&overflows, 1, __ATOMIC_RELAXED);
	if (worth_a_line(count))
		log_warn("%s: events were lost, the count is unknown #%lu", iommu->name,
			 (unsigned long)count);
}
