/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose stream a guest's invalidation is about: the driver asks by the name that the guest has for it. */
#include "device.h"
#include "domain.h"

/* The vm lock is nested_inval()'s. */
bool iommu_guest_stream(const struct iommu *iommu, const struct guest_inval *g, u32 vsid,
			struct iommu_guest_stream *out) NO_LOCK_ANALYSIS
{
	const struct endpoint *e = endpoint_of_vsid(g->vm, g->pviommu, vsid);
	const struct domain *d;

	/* A pvIOMMU without devices may come to stand for another IOMMU while a call is under way. */
	if (e == NULL || e->iommu != iommu)
		return false;
	d = e->attached.domain;
	*out = (struct iommu_guest_stream){
		.sid = e->sid,
		.quarantined = e->device->state == DEVICE_QUARANTINED,
		.ats = e->ats,
	};
	if (d != NULL && domain_is_nested(d)) {
		out->nested = true;
		out->pasid_bits = d->nested.pasid_bits;
	}
	return true;
}
