/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a VM's devices at its end, in bounded steps. */
#include "attach.h"
#include "device_priv.h"
#include "iommu.h"
#include "vm/vm.h"

/* PASIDs are detached some a step, streams blocked and forgotten an endpoint a step; true: that was the last. */
static bool teardown_stream(struct device *d, struct vm *vm) MUST_HOLD(vm_class)
{
	struct endpoint *e = &d->endpoint[d->blocked];
	bool more;

	if (attach_end_pasids(vm, e, &more) != OK || (!more && endpoint_block(e) != OK)) {
		device_quarantine(d, "its streams could not be blocked");
		return true;
	}
	if (more)
		return false;
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
			device_leave_owner(d, vm);
			d->target = DEVICE_CLAIMED;
			d->state = DEVICE_RESETTING;
		}
		return false;
	case DEVICE_RESETTING:
		/* It was on its way to the VM, or the VM's and reset by it. */
		if (d->target == DEVICE_ASSIGNED)
			device_leave_owner(d, vm);
		d->target = DEVICE_CLAIMED;
		/* A failure quarantines it, which is as far as it goes. The last turn is a step too: many resets may be due (V9). */
		(void)!device_reset_turn(d, &again);
		return false;
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
		if (device_is_of(d, vm) && !teardown_device(d, vm))
			return false;
	return true;
}

bool device_home_step(struct vm *vm)
{
	FOR_EACH_DEVICE(d) {
		bool again = false;

		if (!device_is_of(d, vm))
			continue;
		(void)!device_group_settle(vm, d, &again);
		return false;
	}
	return true;
}
