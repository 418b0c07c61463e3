/* SPDX-License-Identifier: BSD-2-Clause */
#include "nested.h"

#include "abi/pviommu.h"
#include "device.h"
#include "domain.h"
#include "hyp/bits.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

/* Devices that a call waits for in vain: each takes as long as hardware gives it. */
#define DEAF_MAX 2u
/* Batches that a device may be late for and answer when it is asked again, before it is taken for one that does not. */
#define LATE_MAX 4u

/* What stands in an entry's place when it is known what became of it: that in the lowest byte, and who was asked. */
#define FATE_ASKED BIT(8)
#define FATE_SID   BITS(63, 32)

bool nested_possible(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].caps.nested)
			return true;
	return false;
}

bool nested_offered(const struct vm *vm, const struct iommu *iommu)
{
	/* Behind the first stage is the VM's DMA table: it must have one, in the format of this IOMMU. */
	return iommu->caps.nested && vm->dma_pt.ops != NULL;
}

enum status nested_alloc(struct vm *vm, struct iommu *iommu, struct nested_config *config, u32 *id)
{
	enum status status = iommu->ops->nested_check(iommu, config);

	if (status != OK)
		return status;
	vm_lock(vm);
	status = domain_alloc_nested(vm, iommu, config, id);
	vm_unlock(vm);
	return status;
}

/* The endpoint of a stream, if it is still the VM's to be judged by. */
static struct endpoint *still_at_work(const struct vm *vm, const struct iommu *iommu, sid_t sid) MUST_HOLD(vm_class)
{
	struct endpoint *e = endpoint_find(iommu, sid);
	bool is = e != NULL && __atomic_load_n(&e->device->vm, __ATOMIC_RELAXED) == vm && e->device->state == DEVICE_ASSIGNED;

	return is ? e : NULL;
}

/* Its cache may hold what it must not use any more: whoever owns the device by now, nobody else does. */
static void fence(struct endpoint *e) MUST_HOLD(vm_class)
{
	events_inval_timeout(e);
	device_quarantine(e->device, "its translation cache does not answer");
}

/* One entry again, with a sync of its own. Where it asks a device, that is in *watch. */
static u8 again_alone(struct iommu *iommu, const struct guest_inval *g, const u64 *entry, struct iommu_watch *watch)
{
	struct endpoint *e;
	u8 fate;

	vm_lock(g->vm);
	fate = iommu->ops->inval_alone(iommu, g, entry, watch);
	vm_unlock(g->vm);
	if (watch->queued)
		fate = iommu->ops->inval_fate(iommu, watch);
	if (fate != PVIOMMU_INVAL_HW_TIMEOUT || !watch->device || iommu->dead)
		return fate;
	vm_lock(g->vm);
	e = still_at_work(g->vm, iommu, watch->sid);
	if (e != NULL)
		fence(e);
	vm_unlock(g->vm);
	return fate;
}

/* One more batch that it was late for; too many, and it is as if it did not answer at all. */
static bool forgive(struct endpoint *e) MUST_HOLD(vm_class)
{
	if (e == NULL || ++e->late < LATE_MAX)
		return true;
	fence(e);
	return false;
}

/* Perhaps it: from now on it is asked in a batch without others, so that the next time it is known. */
static void suspect(struct endpoint *e) MUST_HOLD(vm_class)
{
	if (e != NULL && e->late == 0)
		e->late = 1;
}

/* A batch has waited in vain for a device, and each that it asked answers when it is asked again. */
static void find_late(const struct iommu *iommu, struct guest_inval *g, u32 words)
{
	bool forgiven;

	vm_lock(g->vm);
	forgiven = g->mixed || forgive(still_at_work(g->vm, iommu, g->watch.sid));
	for (u64 *entry = g->entry, *end = entry + g->done * words; entry != end; entry += words) {
		if ((*entry & FATE_ASKED) == 0)
			continue;
		if (g->mixed)
			suspect(still_at_work(g->vm, iommu, sid((u32)FIELD_GET(FATE_SID, *entry))));
		else if (!forgiven)
			*entry = PVIOMMU_INVAL_HW_TIMEOUT;
	}
	vm_unlock(g->vm);
}

/*
 * Something was not executed as it was given, perhaps of this batch: all of it again, each entry with a sync of its own, so
 * that who fails is known; a device that does is fenced. Each entry's fate is left in its place. Returns the first that is
 * not DONE, at g->done then; *told: of how many it is known. What is behind is for the guest to ask again.
 */
static u8 find_out(struct iommu *iommu, struct guest_inval *g, u32 *told)
{
	const u32 words = iommu->ops->inval_bytes / sizeof(u64), count = g->done;
	struct iommu_watch watch;
	u32 known = 0, deaf = 0;

	for (; known < count && !iommu->dead && deaf < DEAF_MAX; known++) {
		u64 *entry = g->entry + known * words;
		const u8 fate = again_alone(iommu, g, entry, &watch);

		*entry = fate | (watch.device ? FATE_ASKED | FIELD(FATE_SID, watch.sid.v) : 0);
		deaf += fate == PVIOMMU_INVAL_HW_TIMEOUT;
	}
	if (deaf == 0 && known == count && g->turn && g->watch.fate == PVIOMMU_INVAL_HW_TIMEOUT)
		find_late(iommu, g, words);
	*told = known;
	for (g->done = 0; g->done < known; g->done++)
		if ((u8)g->entry[g->done * words] != PVIOMMU_INVAL_DONE)
			return (u8)g->entry[g->done * words];
	return known == count ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_HW_TIMEOUT;
}

/* The wait for a batch has not ended well. */
static NOINLINE COLD u8 settle(struct iommu *iommu, struct guest_inval *g, enum status status, u8 verdict, u32 *told)
{
	u8 fate = PVIOMMU_INVAL_HW_TIMEOUT;

	*told = 0;
	if (status == E_BUSY)
		fate = find_out(iommu, g, told);
	else
		g->done = 0;
	if (status != E_BUSY || iommu->dead)
		iommu_fail(iommu, "a guest's invalidation did not complete");
	return fate != PVIOMMU_INVAL_DONE ? fate : verdict;
}

u8 nested_inval(struct vm *vm, u32 pviommu, struct iommu *iommu, u64 *entry, u32 count, struct inval_done *r)
{
	struct guest_inval g = { .vm = vm, .pviommu = pviommu, .tag = &vm->dma_tag, .entry = entry, .count = count };
	u32 told = 0;
	u8 verdict;

	do {
		enum status status;

		/*
		 * What was queued under the lock is before all that a change of the stream, or of its owner, queues later;
		 * so no command comes to hardware after its name has become another's.
		 */
		vm_lock(vm);
		verdict = iommu->ops->inval_guest(iommu, &g);
		vm_unlock(vm);
		if (g.ticket != 0) {
			status = iommu->ops->inval_wait(iommu, &g);
			if (unlikely(status != OK)) {
				verdict = settle(iommu, &g, status, verdict, &told);
				told += count - g.count;
			}
		}
		if (unlikely(g.turn)) {
			__atomic_store_n(&iommu->asking, false, __ATOMIC_RELEASE);
			g.turn = false;
		}
		g.entry += g.done * (iommu->ops->inval_bytes / sizeof(u64));
		g.count -= g.done;
	} while (g.count > 0 && verdict == PVIOMMU_INVAL_DONE);
	r->done = count - g.count;
	r->told = told;
	return verdict;
}
