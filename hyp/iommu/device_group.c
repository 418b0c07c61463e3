/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How devices leave an owner and come to another: a secondary has all of an isolation group or nothing of it, and between two
 * owners each member is blocked and reset.
 *
 * A group may be large, so a call deals with one member (V9). First all of a group are the VM's by name, which nobody else can
 * change any more, while they go on for the primary; then one by one is blocked. Nothing of a group is assigned before that is
 * done, and nothing goes home before all of it is reset.
 */
#include "attach.h"
#include "device_priv.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

void device_leave_owner(struct device *d, struct vm *vm)
{
	for (u32 i = 0; i < d->endpoint_count; i++) {
		endpoint_clear_vsid(vm, &d->endpoint[i]);
		d->endpoint[i].late = 0;
	}
	d->frozen = false;
	if (vm->primary)
		return;
	device_lines_take(d, vm);
}

/* A pvIOMMU that stands for no device stands for no IOMMU; the primary's first ones always do. */
static void leave_pviommu(struct device *d) MUST_HOLD(vm_class) NO_LOCK_ANALYSIS
{
	struct pviommu *pv = d->pviommu;

	/* Behind this no event of the device is on its way to the ring. */
	events_hold(pv);
	__atomic_store_n(&d->pviommu, NULL, __ATOMIC_RELEASE);
	events_release(pv);
	if (pv == NULL || (d->vm->primary && pv->id < iommu_count))
		return;
	FOR_EACH_DEVICE(other)
		if (__atomic_load_n(&other->pviommu, __ATOMIC_RELAXED) == pv)
			return;
	events_remove(pv->vm, pv);
	__atomic_store_n(&pv->iommu, NULL, __ATOMIC_RELEASE);
}

/* Back with the primary: MMIO, which may take several calls; then identity, bus mastering. */
static enum status go_home(struct device *d, bool *again) MUST_HOLD(vm_class)
{
	/* A device that cannot be stopped may still write to its registers: an IOMMU is dead. */
	const bool lost = (d->mmio_pins > 0 || d->mmio_stuck) && d->mmio_away > 0;
	enum status status;

	if (!lost && !device_mmio_return(d)) {
		*again = true;
		return OK;
	}
	device_lines_take(d, d->vm);
	leave_pviommu(d);
	__atomic_store_n(&d->vm, vm_primary, __ATOMIC_RELEASE);
	d->state = DEVICE_UNASSIGNED;
	if (lost) {
		device_quarantine(d, "its registers may still be written by another device");
		return E_IO;
	}
	status = attach_identity(d, vm_primary);
	if (status != OK) {
		device_quarantine(d, "the identity domain cannot be set");
		return status;
	}
	device_pin_allow(d, true);
	if (d->pci)
		pci_device_master(d, true);
	return OK;
}

/* PCI functions tag only while they are assigned, and only for an IOMMU that knows tags. */
static void pasids_allow(const struct device *d)
{
	for (u32 i = 0; i < d->endpoint_count; i++)
		if (endpoint_pasid_bits(&d->endpoint[i]) > 0)
			pci_endpoint_pasids(d, i);
}

#define ANY_STATE (~0u)
#define BY_NAME   (1u << DEVICE_UNASSIGNED)

/* The first of the group that is the VM's and in one of these states, but for one index; NULL: none. */
static struct device *member(const struct vm *vm, u32 group, u32 states, u32 but)
{
	FOR_EACH_DEVICE(d)
		if (d->group == group && device_is_of(d, vm) && d->index != but && (states >> d->state & 1) != 0)
			return d;
	return NULL;
}

bool device_group_used(const struct vm *vm, u32 group)
{
	FOR_EACH_DEVICE(d)
		if (d->group == group && device_is_of(d, vm) &&
		    (d->state == DEVICE_ASSIGNED ||
		     (d->state == DEVICE_RESETTING && d->target == DEVICE_ASSIGNED)))
			return true;
	return false;
}

enum status device_reset_turn(struct device *d, bool *again)
{
	enum status status = OK;

	if (d->target != DEVICE_ASSIGNED && !d->vm->primary && !device_mmio_unmap(d, d->vm, false)) {
		*again = true;
		return OK;
	}
	if (d->target != DEVICE_UNASSIGNED || !d->clean)
		status = d->pci ? pci_device_reset(d, again) : E_DENIED;
	if (status != OK) {
		device_quarantine(d, "its reset failed");
		return status;
	}
	if (*again)
		return OK;
	if (d->target == DEVICE_UNASSIGNED) {
		d->clean = true;
		return go_home(d, again);
	}
	d->state = d->target;
	switch ((enum device_state)d->state) {
	case DEVICE_CLAIMED:
		pci_device_master(d, false);
		leave_pviommu(d);
		/* Not while another member could write to it. */
		d->clean = !device_group_used(d->vm, d->group);
		return OK;
	case DEVICE_ASSIGNED:
		d->blocked = 0;
		if (device_condemned(d))
			return E_IO;
		break;
	case DEVICE_UNASSIGNED:
	case DEVICE_RESETTING:
	case DEVICE_QUARANTINED:
		break;
	}
	pci_device_master(d, true); /* a device that was quarantined may master the bus again */
	pasids_allow(d);
	device_pin_allow(d, d->vm->primary || device_has_line(d));
	return OK;
}

/*
 * Who of a group that is idle has to be reset yet: those first that are not on their way, so that all wait together; then who has
 * waited longest.
 */
static struct device *to_reset(const struct vm *vm, u32 group)
{
	struct device *waits = NULL;

	FOR_EACH_DEVICE(d) {
		if (d->group != group || !device_is_of(d, vm))
			continue;
		if (d->state == DEVICE_CLAIMED && !d->clean)
			return d;
		if (d->state == DEVICE_RESETTING && waits == NULL)
			waits = d;
	}
	return waits;
}

static enum status settle_one(struct device *d, struct vm *vm, bool *again) MUST_HOLD(vm_class)
{
	if (d->state == DEVICE_CLAIMED)
		return go_home(d, again);
	if (d->state == DEVICE_QUARANTINED) {
		device_leave_owner(d, vm);
		leave_pviommu(d);
	} else if (!device_mmio_return(d)) { /* it was the VM's by name only */
		*again = true;
		return OK;
	}
	__atomic_store_n(&d->vm, vm_primary, __ATOMIC_RELEASE);
	return d->state == DEVICE_QUARANTINED ? E_IO : OK;
}

enum status device_group_settle(struct vm *vm, struct device *last, bool *again)
{
	struct device *d;
	bool waits = false;

	if (device_group_used(vm, last->group))
		return OK;
	d = to_reset(vm, last->group);
	if (d != NULL) {
		if (d->state == DEVICE_CLAIMED) {
			d->target = DEVICE_CLAIMED;
			d->state = DEVICE_RESETTING;
		}
		(void)!device_reset_turn(d, &waits); /* a failure quarantines it */
		*again = true;
		return OK;
	}
	d = member(vm, last->group, ANY_STATE, last->index);
	if (d == NULL)
		return settle_one(last, vm, again);
	(void)!settle_one(d, vm, &waits); /* as above */
	*again = true;
	return OK;
}

/*
 * May a secondary have all of the group? `begun`: it has some of it, and not the rest only while that goes home, as one does of
 * which some MMIO is back. Pure.
 */
static enum status claim_check(const struct device *d, const struct vm *vm, bool begun) MUST_HOLD(vm_class)
{
	FOR_EACH_DEVICE(other) {
		if (other->group != d->group)
			continue;
		if (device_is_of(other, vm)) {
			if (other->state == DEVICE_CLAIMED && !device_mmio_left(other))
				return E_BUSY;
			continue;
		}
		if (other->state == DEVICE_QUARANTINED)
			return E_DENIED;
		if (begun || !device_is_of(other, vm_primary) || other->state != DEVICE_UNASSIGNED)
			return E_BUSY;
	}
	return OK;
}

/* No mapping of its MMIO by the primary's devices, and none from here on. */
static bool owner_change(struct device *d, struct vm *vm)
{
	bool free;

	page_lock();
	free = d->mmio_pins == 0 && !d->mmio_stuck;
	if (free)
		__atomic_store_n(&d->vm, vm, __ATOMIC_RELEASE);
	page_unlock();
	return free;
}

/* One member of a group, which is the VM's by name already, leaves the primary: its MMIO, in as many calls as that takes, then it. */
static enum status claim_one(struct device *d) MUST_HOLD(vm_class)
{
	enum status status = device_mmio_leave(d);

	if (status != OK || !device_mmio_left(d))
		return status;
	if (d->pci)
		pci_device_master(d, false);
	device_pin_allow(d, false);
	if (attach_block(d) != OK) {
		__atomic_store_n(&d->vm, vm_primary, __ATOMIC_RELEASE);
		device_quarantine(d, "its streams could not be blocked");
		return E_IO;
	}
	/* Its identity context came from the primary's pool. */
	for (u32 i = 0; i < d->endpoint_count; i++)
		attach_forget(vm_primary, &d->endpoint[i], true);
	d->state = DEVICE_CLAIMED;
	d->clean = true; /* nothing of the group has been the VM's yet */
	return OK;
}

bool device_is_named(const struct device *d)
{
	return d->state == DEVICE_UNASSIGNED && !device_is_of(d, vm_primary);
}

enum status device_claim(struct device *d, struct vm *vm, bool *again)
{
	const bool begun = member(vm, d->group, ANY_STATE, DEVICE_MAX) != NULL;
	enum status status = claim_check(d, vm, begun);
	struct device *next;

	/* First what may refuse, so that a refusal touches no device of the primary that is at work. */
	FOR_EACH_DEVICE(other)
		if (status == OK && other->group == d->group && !device_is_of(other, vm) && !owner_change(other, vm))
			status = E_BUSY;
	next = member(vm, d->group, BY_NAME, DEVICE_MAX);
	if (status == OK && next != NULL)
		status = claim_one(next);
	if (status == OK) {
		*again = member(vm, d->group, BY_NAME, DEVICE_MAX) != NULL;
		return OK;
	}
	/* What earlier calls did stays: another call goes on, or a release takes it back. */
	FOR_EACH_DEVICE(other)
		if (!begun && other->group == d->group && device_is_of(other, vm))
			__atomic_store_n(&other->vm, vm_primary, __ATOMIC_RELEASE);
	return status;
}

bool device_claims_open(const struct vm *vm)
{
	FOR_EACH_DEVICE(d)
		if (device_is_of(d, vm) && d->state != DEVICE_ASSIGNED && d->state != DEVICE_QUARANTINED)
			return true;
	return false;
}
