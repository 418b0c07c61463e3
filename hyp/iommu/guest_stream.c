/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver asks of the core for a guest's invalidation: whose stream a name is, and whose turn it is to ask devices. */
#include "device.h"
#include "domain.h"
#include "hyp/io.h"

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
	};
	if (d != NULL && domain_is_nested(d)) {
		out->nested = true;
		out->ats = d->nested.ats_on;
		out->apart = e->late > 0;
		out->pasid_bits = d->nested.pasid_bits;
	}
	return true;
}

bool iommu_guest_stream_still(const struct iommu *iommu, const struct guest_inval *g, sid_t sid,
			      struct iommu_guest_stream *out)
{
	const struct endpoint *e = endpoint_find(iommu, sid);

	/* Of another's nothing is read that is its to change. */
	return e != NULL && __atomic_load_n(&e->device->vm, __ATOMIC_RELAXED) == g->vm && e->has_vsid &&
	       iommu_guest_stream(iommu, g, e->vsid.v, out) && out->sid.v == sid.v;
}

bool iommu_turn(struct iommu *iommu, struct guest_inval *g)
{
	if (!g->turn) {
		g->turn = !__atomic_exchange_n(&iommu->asking, true, __ATOMIC_ACQUIRE);
		g->turn_since = io_time_us();
	}
	return g->turn;
}
