/* SPDX-License-Identifier: BSD-2-Clause */
/* The hardware's event queues, taken in bounded turns: who does it, and who is muted for filling them. */
#include "drain.h"

#include "attach.h"
#include "device.h"
#include "hyp/bits.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

/* Streams that one exit lets speak again, about 1,500 instructions each; others that are due do at the next. */
#define UNMUTED 4u

/*
 * A drain that has time for more than a few events, so that it is not behind a call that may be long: it mutes, lets speak
 * and tells of losses as well.
 */
#define WHOLE(events) ((events) > DRAIN_EVENTS_LONG)

/* A bit of iommu->poll_idle that no register has. */
#define FORCED BIT(30)

/* Who drains an IOMMU's queue; all below is of the CPU that does. */
static u32 draining[IOMMU_MAX];

static struct noise {
	u32 round;               /* of drains, so that counts of older ones are none */
	u32 quiet;               /* so many events of this drain are nobody's flood yet */
	struct endpoint *loudest; /* the most of this drain's events were its, and more than that; NULL: nobody's were */
	u32 muted;
} noise[IOMMU_MAX];

void drain_count(struct iommu *iommu, struct endpoint *e, const struct iommu_event *event)
{
	struct noise *n = &noise[iommu->index];

	if (e->burst_round != n->round) {
		e->burst_round = n->round;
		e->burst = 0;
	}
	e->noisy_pasid = event->has_pasid ? event->pasid : 0;
	e->burst++;
	/*
	 * Several may flood in turn: of those that are not muted yet, who has most, half of all or not. What is left of the others
	 * is more of a later drain.
	 */
	if (e->burst > n->quiet && e->muted_until == 0 && (n->loudest == NULL || e->burst > n->loudest->burst))
		n->loudest = e;
}

static bool begin(const struct iommu *iommu)
{
	return __atomic_exchange_n(&draining[iommu->index], 1, __ATOMIC_ACQUIRE) == 0;
}

static void end(const struct iommu *iommu)
{
	__atomic_store_n(&draining[iommu->index], 0, __ATOMIC_RELEASE);
}

/*
 * Every exit looks, as long as a stream is muted, since its time may be over, or somebody is to be told of a loss. Said anew at
 * each drain: the driver of an IOMMU that is gone takes back all that there was to look for.
 */
static void force(struct iommu *iommu)
{
	const u32 bit = noise[iommu->index].muted > 0 || iommu->loss_owed ? (u32)FORCED : 0;

	iommu->poll_force = bit;
	__atomic_store_n(&iommu->poll_idle, (iommu->poll_idle & ~(u32)FORCED) | bit, __ATOMIC_RELAXED);
}

/* Also looks for reported errors: a full event queue is one. */
static void take(struct iommu *iommu, u32 events)
{
	struct noise *n = &noise[iommu->index];

	n->round++;
	n->quiet = events / 8;
	n->loudest = NULL;
	iommu->ops->error(iommu);
	(void)iommu->ops->events(iommu, events);
	if (iommu->loss_owed && WHOLE(events)) {
		iommu->loss_owed = false;
		events_overflow(iommu);
	}
}

/*
 * While one CPU drains, the others go on: queued behind it, they would all serve a device that faults for ever. What is
 * left is still pending at the next exit of any CPU.
 */
void iommu_drain(struct iommu *iommu, u32 events)
{
	if (!iommu_pending(iommu) || !begin(iommu))
		return;
	take(iommu, events);
	force(iommu);
	end(iommu);
}

static void mute(struct iommu *iommu, struct endpoint *e) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&e->device->vm);
	bool done = e->muted_until == 0 && attach_unrecorded(e, e->noisy_pasid, true) == OK;

	vm_unlock_pair(vm);
	if (!done)
		return;
	e->muted_pasid = e->noisy_pasid;
	e->muted_until = io_time_us() + DRAIN_MUTE_US;
	noise[iommu->index].muted++;
	log_debug("%s endpoint %u: muted, it floods", e->device->name, e->index);
}

static void unmute(struct iommu *iommu, struct endpoint *e) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&e->device->vm);

	/* What cannot be written now is written when it is attached or blocked the next time. */
	(void)!attach_unrecorded(e, e->muted_pasid, false);
	vm_unlock_pair(vm);
	e->muted_until = 0;
	events_muted(e);
	noise[iommu->index].muted--;
}

static void unmute_due(struct iommu *iommu)
{
	u64 now = io_time_us();
	u32 left = UNMUTED;

	for (u32 i = 0; i < device_count && left > 0; i++) {
		struct device *d = &device_table[i];

		for (u32 k = 0; k < d->endpoint_count && left > 0; k++) {
			struct endpoint *e = &d->endpoint[k];

			if (e->iommu != iommu || e->muted_until == 0 || now < e->muted_until)
				continue;
			unmute(iommu, e);
			left--;
		}
	}
}

void iommu_drain_exit(struct iommu *iommu, u32 events)
{
	struct noise *n = &noise[iommu->index];

	if (!begin(iommu))
		return;
	take(iommu, events);
	if (WHOLE(events) && n->loudest != NULL && iommu->backlog >= iommu->event_room / 4)
		mute(iommu, n->loudest);
	if (WHOLE(events) && n->muted > 0)
		unmute_due(iommu);
	force(iommu);
	end(iommu);
}
