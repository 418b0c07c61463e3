/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that are a guest's own: its invalidations in batches, and who is to blame for one that does not complete.
 * Whether an entry may be asked is the driver's to know, and what it waits for is the command queue's.
 */
#include "nested.h"

#include "abi/pviommu.h"
#include "device.h"
#include "domain.h"
#include "hyp/bits.h"
#include "hyp/io.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

/* Long waits for devices in one call, in vain or not: each may take as long as hardware gives a device. */
#define WAITS_MAX    2u
#define LONG_WAIT_US 10000u

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

/* The endpoint of a stream, if it is still the VM's to be judged by: under its name, in use or being reset. */
static struct endpoint *still_its(const struct vm *vm, const struct iommu *iommu, sid_t sid) MUST_HOLD(vm_class)
{
	struct endpoint *e = endpoint_find(iommu, sid);
	bool is = e != NULL && __atomic_load_n(&e->device->vm, __ATOMIC_RELAXED) == vm && e->has_vsid &&
		  e->device->state != DEVICE_QUARANTINED;

	return is ? e : NULL;
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
	if (fate != PVIOMMU_INVAL_HW_TIMEOUT || !watch->device || iommu_is_dead(iommu))
		return fate;
	vm_lock(g->vm);
	e = still_its(g->vm, iommu, watch->sid);
	if (e != NULL)
		endpoint_condemn(e);
	vm_unlock(g->vm);
	return fate;
}

/* One more batch that it was late for; too many, and it is as if it did not answer at all. */
static bool forgive(struct endpoint *e) MUST_HOLD(vm_class)
{
	if (e == NULL)
		return true;
	if (e->late < ENDPOINT_LATE_MAX)
		e->late++;
	if (e->late < ENDPOINT_LATE_MAX)
		return true;
	endpoint_condemn(e);
	return false;
}

/* Perhaps it: from now on it is asked in a batch without others, so that the next time it is known. */
static void suspect(struct endpoint *e) MUST_HOLD(vm_class)
{
	if (e != NULL && e->late == 0)
		e->late = 1;
}

/* A batch has waited in vain for a device, and each that it asked answers when it is asked again, as far as is known. */
static void find_late(const struct iommu *iommu, struct guest_inval *g, u32 known, u32 words)
{
	bool forgiven;

	vm_lock(g->vm);
	forgiven = g->mixed || forgive(still_its(g->vm, iommu, g->watch.sid));
	for (u64 *entry = g->entry, *end = entry + known * words; entry != end; entry += words) {
		if ((*entry & FATE_ASKED) == 0)
			continue;
		if (g->mixed)
			suspect(still_its(g->vm, iommu, sid((u32)FIELD_GET(FATE_SID, *entry))));
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
	u32 known = 0, waits = 0;
	bool deaf = false;

	for (; known < count && !iommu_is_dead(iommu) && waits < WAITS_MAX; known++) {
		u64 *entry = g->entry + known * words, since = io_time_us();
		const u8 fate = again_alone(iommu, g, entry, &watch);

		waits += io_time_us() - since > LONG_WAIT_US;
		*entry = fate | (watch.device ? FATE_ASKED | FIELD(FATE_SID, watch.sid.v) : 0);
		deaf |= fate == PVIOMMU_INVAL_HW_TIMEOUT;
	}
	if (!deaf && !iommu_is_dead(iommu) && g->turn && g->watch.fate == PVIOMMU_INVAL_HW_TIMEOUT)
		find_late(iommu, g, known, words);
	*told = known;
	for (g->done = 0; g->done < known; g->done++)
		if ((u8)g->entry[g->done * words] != PVIOMMU_INVAL_DONE)
			return (u8)g->entry[g->done * words];
	if (known == count)
		return PVIOMMU_INVAL_DONE;
	return iommu_is_dead(iommu) ? PVIOMMU_INVAL_HW_TIMEOUT : PVIOMMU_INVAL_NOT_ATTEMPTED;
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
	if (status != E_BUSY || iommu_is_dead(iommu))
		iommu_fail(iommu, "a guest's invalidation did not complete");
	return fate != PVIOMMU_INVAL_DONE ? fate : verdict;
}

/*
 * A batch that asked devices is over, and its turn with it. A call that has waited for long ends here, to be asked again: the CPU
 * is its VMM's again meanwhile.
 */
static NOINLINE COLD u8 asked(struct iommu *iommu, struct guest_inval *g, u8 verdict, u64 *waited)
{
	*waited += io_time_us() - g->turn_since;
	__atomic_store_n(&iommu->asking, false, __ATOMIC_RELEASE);
	g->turn = false;
	return verdict == PVIOMMU_INVAL_DONE && g->done < g->count && *waited > LONG_WAIT_US ? PVIOMMU_INVAL_NOT_ATTEMPTED : verdict;
}

u8 nested_inval(struct vm *vm, u32 pviommu, struct iommu *iommu, u64 *entry, u32 count, struct inval_done *r)
{
	struct guest_inval g = { .vm = vm, .pviommu = pviommu, .tag = &vm->dma_tag, .entry = entry, .count = count };
	u64 waited = 0;
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
		if (unlikely(g.turn))
			verdict = asked(iommu, &g, verdict, &waited);
		g.entry += g.done * (iommu->ops->inval_bytes / sizeof(u64));
		g.count -= g.done;
	} while (g.count > 0 && verdict == PVIOMMU_INVAL_DONE);
	r->done = count - g.count;
	r->told = told;
	return verdict;
}
