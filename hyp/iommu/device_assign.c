/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns a device: assignment and release in steps, isolation groups, quarantine, the end of a VM. */
#include "attach.h"
#include "device_priv.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/view.h"
#include "vm/vm.h"
#include "vm/vm_memory.h"

/* One turn of the reset; at its end the device is what it was being reset for. */
static enum status reset_turn(struct device *d, bool *again) MUST_HOLD(vm_class);

/* --- quarantine */

void device_quarantine(struct device *d, const char *what)
{
	struct vm *vm = d->vm;

	if (d->state == DEVICE_QUARANTINED)
		return;
	log_error("%s: quarantined: %s", d->name, what);
	if (d->pci)
		pci_device_master(d, false);
	d->state = DEVICE_QUARANTINED;
	for (u32 i = 0; i < d->endpoint_count; i++) {
		static const struct stream_config blocked = { .mode = STREAM_BLOCKED };
		struct endpoint *e = &d->endpoint[i];
		bool ok = e->iommu->ops->stream_write(e->iommu, e->sid, &blocked) == OK;

		attach_forget(vm, e, ok);
	}
	if (!vm->primary) {
		device_lines_take(d, vm);
		device_mmio_unmap(d, vm);
	}
	if (d->pviommu != NULL)
		d->pviommu->quarantines++;
	events_quarantined(d);
}

void endpoint_condemn(struct endpoint *e)
{
	/* The reset goes on: what has begun has to come to its end first. */
	if (e->device->state == DEVICE_RESETTING) {
		e->late = ENDPOINT_LATE_MAX;
		return;
	}
	events_inval_timeout(e);
	device_quarantine(e->device, "its translation cache does not answer");
}

/* One that was condemned in its reset. */
static bool condemned(struct device *d) MUST_HOLD(vm_class)
{
	for (u32 i = 0; i < d->endpoint_count; i++)
		if (d->endpoint[i].late >= ENDPOINT_LATE_MAX) {
			endpoint_condemn(&d->endpoint[i]);
			return true;
		}
	return false;
}

u32 device_quarantined_count(void)
{
	u32 count = 0;

	FOR_EACH_DEVICE(d)
	count += d->state == DEVICE_QUARANTINED;
	return count;
}

/* --- groups */

/* All that its owner has of it, but for its streams. */
static void leave_owner(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	for (u32 i = 0; i < d->endpoint_count; i++) {
		endpoint_clear_vsid(vm, &d->endpoint[i]);
		d->endpoint[i].late = 0;
	}
	d->frozen = false;
	if (vm->primary)
		return;
	device_lines_take(d, vm);
	device_mmio_unmap(d, vm);
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
	if (other->pviommu == pv)
		return;
	events_remove(pv->vm, pv);
	__atomic_store_n(&pv->iommu, NULL, __ATOMIC_RELEASE);
}

/* Back with the primary: MMIO, identity, bus mastering. */
static enum status go_home(struct device *d) MUST_HOLD(vm_class)
{
	enum status status;

	device_lines_take(d, d->vm);
	leave_pviommu(d);
	__atomic_store_n(&d->vm, vm_primary, __ATOMIC_RELEASE);
	d->state = DEVICE_UNASSIGNED;
	/* A device that cannot be stopped may still write to its registers: an IOMMU is dead. */
	if ((d->mmio_pins > 0 || d->mmio_stuck) && d->mmio_away) {
		device_quarantine(d, "its registers may still be written by another device");
		return E_IO;
	}
	device_mmio_return(d);
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

/* Is a device of the group in the VM's use, or about to be? */
static bool group_used(const struct vm *vm, u32 group)
{
	FOR_EACH_DEVICE(d)
	if (d->group == group && d->vm == vm &&
	    (d->state == DEVICE_ASSIGNED ||
	     (d->state == DEVICE_RESETTING && d->target == DEVICE_ASSIGNED)))
		return true;
	return false;
}

/*
 * Once the last device of a group has left a VM's use, all of the group is reset, since its members are
 * not isolated from each other; then all go back to the primary, at once. *again: not yet.
 */
static enum status group_settle(struct vm *vm, u32 group, bool *again) MUST_HOLD(vm_class)
{
	enum status result = OK;
	bool busy = false;

	if (group_used(vm, group))
		return OK;
	FOR_EACH_DEVICE(d)
	{
		if (d->group != group || d->vm != vm)
			continue;
		if (d->state == DEVICE_CLAIMED && !d->clean) {
			d->target = DEVICE_CLAIMED;
			d->state = DEVICE_RESETTING;
		}
		if (d->state == DEVICE_RESETTING) {
			bool more = false;

			(void)!reset_turn(d, &more); /* a failure quarantines it */
			busy |= more;
		}
	}
	*again |= busy;
	FOR_EACH_DEVICE(d)
	{
		enum status status = OK;

		if (busy || d->group != group || d->vm != vm)
			continue;
		if (d->state == DEVICE_CLAIMED)
			status = go_home(d);
		if (d->state == DEVICE_QUARANTINED && d->vm == vm) {
			leave_owner(d, vm);
			leave_pviommu(d);
			__atomic_store_n(&d->vm, vm_primary, __ATOMIC_RELEASE);
		}
		if (status != OK)
			result = status;
	}
	return result;
}

/* May a secondary have all of the group? Pure. */
static enum status claim_check(const struct device *d, const struct vm *vm)
{
	FOR_EACH_DEVICE(other)
	{
		if (other->group != d->group || other->vm == vm)
			continue;
		if (other->state == DEVICE_QUARANTINED)
			return E_DENIED;
		if (other->vm != vm_primary || other->state != DEVICE_UNASSIGNED)
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

static enum status block(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	if (attach_block(d) != OK) {
		device_quarantine(d, "its streams could not be blocked");
		return E_IO;
	}
	for (u32 i = 0; i < d->endpoint_count; i++)
		attach_forget(vm, &d->endpoint[i], true);
	return OK;
}

/* One member of a group, which is the VM's by name already, leaves the primary. */
static enum status claim_one(struct device *d) MUST_HOLD(vm_class)
{
	enum status status = device_mmio_leave(d);

	if (status != OK)
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

/* A member of d's group that is the VM's by name only: nothing has been done to it. */
static bool is_named(const struct device *other, const struct device *d, const struct vm *vm)
{
	return other->group == d->group && other->vm == vm && other->state == DEVICE_UNASSIGNED;
}

static enum status claim(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	enum status status = claim_check(d, vm);
	bool again = false;

	/* First what may refuse, so that a refusal touches no device of the primary that is at work. */
	FOR_EACH_DEVICE(other)
	if (status == OK && other->group == d->group && other->vm != vm && !owner_change(other, vm))
		status = E_BUSY;
	FOR_EACH_DEVICE(other)
	if (status == OK && is_named(other, d, vm))
		status = claim_one(other);
	if (status == OK)
		return OK;
	FOR_EACH_DEVICE(other)
	if (is_named(other, d, vm))
		__atomic_store_n(&other->vm, vm_primary, __ATOMIC_RELEASE);
	(void)!group_settle(vm, d->group, &again);
	return status;
}

bool device_claims_open(const struct vm *vm)
{
	FOR_EACH_DEVICE(d)
	if (d->vm == vm && (d->state == DEVICE_CLAIMED || d->state == DEVICE_RESETTING))
		return true;
	return false;
}

/* --- assignment */

/* PCI functions tag only while they are assigned, and only for an IOMMU that knows tags. */
static void pasids_allow(const struct device *d)
{
	for (u32 i = 0; i < d->endpoint_count; i++)
		if (endpoint_pasid_bits(&d->endpoint[i]) > 0)
			pci_endpoint_pasids(d, i);
}

static enum status reset_turn(struct device *d, bool *again)
{
	enum status status = d->pci ? pci_device_reset(d, again) : E_DENIED;

	if (status != OK) {
		device_quarantine(d, "its reset failed");
		return status;
	}
	if (*again)
		return OK;
	d->state = d->target;
	switch ((enum device_state)d->state) {
	case DEVICE_UNASSIGNED:
		return go_home(d);
	case DEVICE_CLAIMED:
		pci_device_master(d, false);
		leave_pviommu(d);
		/* Not while another member could write to it. */
		d->clean = !group_used(d->vm, d->group);
		return OK;
	case DEVICE_ASSIGNED:
		d->blocked = 0;
		if (condemned(d))
			return E_IO;
		break;
	case DEVICE_RESETTING:
	case DEVICE_QUARANTINED:
		break;
	}
	pci_device_master(d, true); /* a device that was quarantined may master the bus again */
	pasids_allow(d);
	device_pin_allow(d, d->vm->primary || device_has_line(d));
	return OK;
}

static enum status assign_check(const struct device *d, const struct pviommu *pv)
{
	if (d->endpoint_count == 0)
		return E_INVAL;
	for (u32 i = 0; i < d->endpoint_count; i++) {
		const struct endpoint *e = &d->endpoint[i];

		if (!iommu_is_common(e->iommu))
			return E_DENIED;
		if (e->iommu != d->endpoint[0].iommu)
			return E_INVAL;
	}
	if (pv->iommu != NULL && pv->iommu != d->endpoint[0].iommu)
		return E_INVAL;
	return d->pci ? OK : E_DENIED; /* no reset handler is known for anything else */
}

static enum status assign_begin(struct device *d, struct vm *vm, struct pviommu *pv)
	MUST_HOLD(vm_class)
{
	enum status status = assign_check(d, pv);

	if (status == OK && !vm->primary)
		status = claim(d, vm);
	if (status != OK)
		return status;
	FOR_EACH_DEVICE(other)
	if (other->group == d->group && other->vm == vm)
		other->clean = false;
	pv->iommu = d->endpoint[0].iommu;
	__atomic_store_n(&d->pviommu, pv, __ATOMIC_RELEASE);
	d->frozen = false;
	d->target = DEVICE_ASSIGNED;
	d->state = DEVICE_RESETTING;
	return vm->primary ? block(d, vm) : OK;
}

static enum status assign_locked(struct device *d, struct vm *vm, u64 pviommu, bool *again)
	MUST_HOLD(vm_class)
{
	enum status status = OK;
	struct pviommu *pv;

	if (pviommu >= VM_MAX_PVIOMMUS)
		return E_INVAL;
	if (!vm->primary && vm->state != VM_BUILDING)
		return E_BUSY;
	pv = &vm->pviommu[pviommu];
	switch ((enum device_state)d->state) {
	case DEVICE_UNASSIGNED:
		status = assign_begin(d, vm, pv);
		break;
	case DEVICE_CLAIMED:
		status = d->vm == vm ? assign_begin(d, vm, pv) : E_BUSY;
		break;
	case DEVICE_RESETTING:
		if (d->target != DEVICE_ASSIGNED || d->vm != vm || d->pviommu != pv)
			status = E_BUSY;
		break;
	case DEVICE_ASSIGNED:
		status = d->vm == vm && d->pviommu == pv ? E_EXIST : E_BUSY;
		break;
	case DEVICE_QUARANTINED:
		status = E_DENIED;
		break;
	}
	return status == OK ? reset_turn(d, again) : status;
}

enum status device_assign(struct device *d, u64 handle, u64 pviommu, bool *again) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vm *vm;

	status = vm_get(handle, &vm);
	if (status != OK)
		return status;
	/* A device of a third VM is refused by its state alone, which the primary's lock keeps. */
	status = assign_locked(d, vm, pviommu, again);
	vm_unlock_pair(vm);
	return status;
}

static bool has_attachments(const struct device *d)
{
	for (u32 i = 0; i < d->endpoint_count; i++)
		if (d->endpoint[i].attached.domain != NULL)
			return true;
	return false;
}

static enum status release_begin(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	enum status status = OK;

	/* Mappings of an owner that has gone may be in hardware for ever: it does not come back then. */
	if (has_attachments(d) || ((!vm->primary || d->mmio_away) && (d->mmio_pins > 0 || d->mmio_stuck)))
		return E_BUSY;
	/* At the end of the reset it would be too late to refuse. */
	if (vm->primary)
		status = attach_identity_prepare(d, vm);
	if (status != OK)
		return status;
	leave_owner(d, vm);
	d->target = vm->primary ? DEVICE_UNASSIGNED : DEVICE_CLAIMED;
	d->state = DEVICE_RESETTING;
	return OK;
}

static enum status release_locked(struct device *d, struct vm *vm, bool *again) MUST_HOLD(vm_class)
{
	enum status status = OK;

	if (!vm->primary && vm->state != VM_BUILDING)
		return E_BUSY;
	switch ((enum device_state)d->state) {
	case DEVICE_UNASSIGNED:
		return E_NOENT;
	case DEVICE_CLAIMED: /* released already, while others of its group are still being reset */
		if (group_used(vm, d->group))
			return E_NOENT;
		break;
	case DEVICE_RESETTING:
		if (d->target == DEVICE_ASSIGNED)
			return E_BUSY;
		break;
	case DEVICE_ASSIGNED:
	case DEVICE_QUARANTINED:
		status = release_begin(d, vm);
		break;
	}
	if (status == OK && d->state == DEVICE_RESETTING)
		status = reset_turn(d, again);
	if (status == OK && !vm->primary && !*again)
		status = group_settle(vm, d->group, again);
	return status;
}

enum status device_release(struct device *d, bool *again) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&d->vm);
	enum status status = release_locked(d, vm, again);

	vm_unlock_pair(vm);
	return status;
}

static enum status set_vsid(struct device *d, struct vm *vm, u64 endpoint, u64 vsid_value)
	MUST_HOLD(vm_class)
{
	struct endpoint *e;

	if (d->state == DEVICE_UNASSIGNED || d->state == DEVICE_CLAIMED)
		return E_NOENT;
	if (d->state == DEVICE_QUARANTINED)
		return E_DENIED;
	if (d->state == DEVICE_RESETTING || d->frozen || (!vm->primary && vm->state != VM_BUILDING))
		return E_BUSY;
	if (endpoint >= d->endpoint_count)
		return E_NOENT;
	e = &d->endpoint[endpoint];
	if (e->has_vsid || endpoint_of_vsid(vm, d->pviommu->id, vsid_value) != NULL)
		return E_EXIST;
	endpoint_set_vsid(vm, e, (u32)vsid_value);
	return OK;
}

enum status device_set_vsid(struct device *d, u64 endpoint, u64 vsid_value) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vm *vm;

	if (vsid_value >> 32 != 0)
		return E_INVAL;
	vm = vm_lock_owner(&d->vm);
	status = set_vsid(d, vm, endpoint, vsid_value);
	vm_unlock_pair(vm);
	return status;
}

static enum status reset_locked(struct vm *vm, u64 pviommu, u64 vsid_value, bool *again)
	MUST_HOLD(vm_class)
{
	struct endpoint *e = pviommu < VM_MAX_PVIOMMUS ? endpoint_of_vsid(vm, (u32)pviommu, vsid_value) :
							 NULL;
	struct device *d;

	if (e == NULL)
		return E_NOENT;
	d = e->device;
	if (d->state == DEVICE_QUARANTINED)
		return E_DENIED;
	if (d->state == DEVICE_ASSIGNED) {
		if (has_attachments(d))
			return E_BUSY;
		d->target = DEVICE_ASSIGNED;
		d->state = DEVICE_RESETTING;
	} else if (d->target != DEVICE_ASSIGNED) {
		return E_BUSY;
	}
	return reset_turn(d, again);
}

enum status device_reset(struct vm *vm, u64 pviommu, u64 vsid_value, bool *again) NO_LOCK_ANALYSIS
{
	enum status status;

	vm_lock_pair(vm);
	status = reset_locked(vm, pviommu, vsid_value, again);
	vm_unlock_pair(vm);
	return status;
}

/* --- the end of a VM */

/* Streams are blocked and their attachments forgotten an endpoint a step; true: that was the last. */
static bool teardown_stream(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	static const struct stream_config blocked = { .mode = STREAM_BLOCKED };
	struct endpoint *e = &d->endpoint[d->blocked];

	if (e->iommu->ops->stream_write(e->iommu, e->sid, &blocked) != OK) {
		device_quarantine(d, "its streams could not be blocked");
		return true;
	}
	attach_forget(vm, e, true);
	d->blocked++;
	return d->blocked == d->endpoint_count;
}

/* One device of the VM goes one step; true: it can go no further while others are in the VM's use. */
static bool teardown_device(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	bool again = false;

	switch ((enum device_state)d->state) {
	case DEVICE_ASSIGNED:
		if (teardown_stream(d, vm) && d->state == DEVICE_ASSIGNED) {
			leave_owner(d, vm);
			d->target = DEVICE_CLAIMED;
			d->state = DEVICE_RESETTING;
		}
		return false;
	case DEVICE_RESETTING:
		/* It was on its way to the VM, or the VM's and reset by it. */
		if (d->target == DEVICE_ASSIGNED)
			leave_owner(d, vm);
		d->target = DEVICE_CLAIMED;
		/* A failure quarantines it, which is as far as it goes. */
		(void)!reset_turn(d, &again);
		return !again && d->state != DEVICE_RESETTING;
	case DEVICE_CLAIMED:
	case DEVICE_QUARANTINED:
	case DEVICE_UNASSIGNED:
		break;
	}
	return true;
}

bool device_teardown_step(struct vm *vm)
{
	FOR_EACH_DEVICE(d)
	if (d->vm == vm && !teardown_device(d, vm))
		return false;
	return true;
}

bool device_home_step(struct vm *vm)
{
	FOR_EACH_DEVICE(d)
	{
		bool again = false;

		if (d->vm != vm)
			continue;
		(void)!group_settle(vm, d->group, &again);
		return false;
	}
	return true;
}
