/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware events: who owns the stream, counted there, and logged with the owner's name for it.
 * A device that faults for ever costs a bounded amount of log: the first events of each endpoint,
 * then one in so many, and no more than one of those that an interrupt finds: no call of a guest's is made longer by lines (V9).
 * The last FAULT_KEPT are kept whole, for the debug console; only there is a hardware stream named: the log goes where the
 * primary sees it.
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
static u64 owed;        /* number of the latest that is worth a line and has none, 0: none; relaxed atomics, like the next */
static bool owed_loss;  /* the same of events that hardware dropped */

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
static void keep(struct iommu *iommu, const struct endpoint *e, const struct iommu_event *event, u64 count)
{
	struct fault_record record = {
		.time_us = io_time_us(),
		.iommu = iommu,
		.endpoint = e,
		.vm = owner_of(e),
		.count = count,
		.event = *event,
	};

	if (e != NULL)
		record.has_vsid = name_of(e, &record.vsid);
	arch_spin_lock(&kept_lock);
	record.number = ++last;
	kept[record.number % FAULT_KEPT] = record;
	arch_spin_unlock(&kept_lock);
	if (worth_a_line(count))
		__atomic_store_n(&owed, record.number, __ATOMIC_RELAXED);
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

static void tell(const struct fault_record *r)
{
	const struct iommu_event *event = &r->event;

	if (r->endpoint == NULL)
		log_warn("%s: event %u of a stream that is nobody's", r->iommu->name, event->code);
	else
		log_warn("%s endpoint %u (vm %u vSID %d): %s %s at 0x%lx, stage %u, event %u #%lu", r->endpoint->device->name,
			 r->endpoint->index, r->vm, r->has_vsid ? (int)r->vsid.v : -1, event->write ? "write" : "read",
			 fault_reason(event), (unsigned long)event->addr, event->stage2 ? 2 : 1, event->code,
			 (unsigned long)r->count);
}

void fault_tell(void)
{
	u64 number = __atomic_exchange_n(&owed, 0, __ATOMIC_RELAXED);
	struct fault_record record;

	if (number != 0 && fault_from(number, &record))
		tell(&record);
	else if (__atomic_exchange_n(&owed_loss, false, __ATOMIC_RELAXED))
		log_warn("events were lost, the count is unknown #%lu",
			 (unsigned long)__atomic_load_n(&overflows, __ATOMIC_RELAXED));
}

void iommu_report_event(struct iommu *iommu, const struct iommu_event *event)
{
	struct endpoint *e = event->has_sid ? endpoint_find(iommu, event->sid) : NULL;
	struct pviommu *pv;

	keep(iommu, e, event, __atomic_fetch_add(e != NULL ? &e->faults : &strays, 1, __ATOMIC_RELAXED));
	if (e == NULL)
		return;
	pv = __atomic_load_n(&e->device->pviommu, __ATOMIC_ACQUIRE);
	if (pv != NULL)
		__atomic_fetch_add(&pv->faults, 1, __ATOMIC_RELAXED);
	drain_count(iommu, e, event);
	events_fault(e, event);
}

void iommu_report_overflow(struct iommu *iommu)
{
	iommu->loss_owed = true;
	if (worth_a_line(__atomic_fetch_add(&overflows, 1, __ATOMIC_RELAXED)))
		__atomic_store_n(&owed_loss, true, __ATOMIC_RELAXED);
}
