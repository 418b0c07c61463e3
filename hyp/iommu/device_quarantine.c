/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that nobody may use, since they, or what is around them, misbehaved. */
#include "attach.h"
#include "device_priv.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

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
		struct endpoint *e = &d->endpoint[i];
		bool ok = endpoint_block(e) == OK;

		attach_forget(vm, e, ok);
	}
	if (!vm->primary) {
		device_lines_take(d, vm);
		/* At once, however large it is: hardware that misbehaved may answer no access at all. */
		(void)!device_mmio_unmap(d, vm, true);
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

bool device_condemned(struct device *d)
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
