/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns a device, as the primary and its owner say: assignment and release in steps, names, resets. */
#include "attach.h"
#include "device_priv.h"
#include "iommu.h"
#include "vm/vm.h"

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

static enum status assign_begin(struct device *d, struct vm *vm, struct pviommu *pv, bool *again)
	MUST_HOLD(vm_class)
{
	enum status status = assign_check(d, pv);

	if (status == OK && !vm->primary)
		status = device_claim(d, vm, again);
	if (status != OK || *again)
		return status;
	FOR_EACH_DEVICE(other)
		if (other->group == d->group && device_is_of(other, vm))
			other->clean = false;
	__atomic_store_n(&pv->iommu, d->endpoint[0].iommu, __ATOMIC_RELEASE);
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
	case DEVICE_CLAIMED:
		status = device_is_of(d, vm) || device_is_of(d, vm_primary) ? assign_begin(d, vm, pv, again) : E_BUSY;
		break;
	case DEVICE_RESETTING:
		if (d->target != DEVICE_ASSIGNED || !device_is_of(d, vm) || d->pviommu != pv)
			status = E_BUSY;
		break;
	case DEVICE_ASSIGNED:
		status = device_is_of(d, vm) && d->pviommu == pv ? E_EXIST : E_BUSY;
		break;
	case DEVICE_QUARANTINED:
		status = E_DENIED;
		break;
	}
	return status == OK && !*again ? device_reset_turn(d, again) : status;
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
	device_leave_owner(d, vm);
	d->clean = false;
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
		if (vm->primary)
			return E_NOENT;
		break;
	case DEVICE_CLAIMED: /* released already, while others of its group are still being reset */
		if (device_group_used(vm, d->group))
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
		status = device_reset_turn(d, again);
	if (status == OK && !vm->primary && !*again)
		status = device_group_settle(vm, d, again);
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
	return device_reset_turn(d, again);
}

enum status device_reset(struct vm *vm, u64 pviommu, u64 vsid_value, bool *again) NO_LOCK_ANALYSIS
{
	enum status status;

	vm_lock_pair(vm);
	status = reset_locked(vm, pviommu, vsid_value, again);
	vm_unlock_pair(vm);
	return status;
}
