/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests ask of the state: where a device's access has to land. Hardware's caches may not make a difference. */
#include "rules.h"
#include "spec.h"

bool spec_mapped(u64 vm, u64 domain, u64 iova, u64 *pa)
{
	const struct spec_vm *v = vm_of(vm);
	const struct spec_domain *d = v != NULL ? domain_of(v, domain) : NULL;
	u32 prot;

	return d != NULL && tree_lookup(&d->tree, iova, pa, &prot);
}

static const struct spec_endpoint *endpoint_at(u32 device, u32 endpoint)
{
	return &spec->endpoint[spec->device[device].first + endpoint];
}

bool spec_attached(u32 device, u32 endpoint, u32 pasid, u32 *domain)
{
	const struct spec_endpoint *e = endpoint_at(device, endpoint);
	const struct spec_sub *sub = pasid != 0 ? sub_of(e, pasid) : NULL;
	u64 id = pasid == 0 ? e->w.domain : sub != NULL ? sub->domain :
							  0;

	*domain = (u32)id;
	return id != 0;
}

bool spec_is_identity(u32 device, u32 endpoint) { return endpoint_at(device, endpoint)->w.stream == STREAM_IDENTITY; }

bool spec_is_nested(u32 device, u32 endpoint)
{
	u32 id;

	return spec_attached(device, endpoint, 0, &id) && domain_of(&spec->vm[spec->device[device].w.vm], id)->w.nested;
}

/* The table that translates it; NULL: none, it is blocked. A tag is no way around an untagged stream. */
static const struct spec_tree *table_of(const struct spec_endpoint *e, u32 pasid)
{
	const struct spec_device *d = &spec->device[e->device];
	u32 id;

	if (e->w.stream == STREAM_NO)
		return NULL;
	if (e->w.stream == STREAM_IDENTITY)
		return pasid == 0 ? &spec->vm[0].dma : NULL;
	if (!spec_attached(e->device, e->index, pasid, &id) || domain_of(&spec->vm[d->w.vm], id)->w.nested)
		return NULL;
	return &domain_of(&spec->vm[d->w.vm], id)->tree;
}

bool spec_dma_lands(u32 device, u32 endpoint, u32 pasid, u64 iova, bool write, u64 *pa)
{
	const struct spec_tree *t = table_of(endpoint_at(device, endpoint), pasid);
	u32 prot;

	*pa = 0;
	if (t == NULL || !tree_lookup(t, iova, pa, &prot))
		return false;
	/* The devices of the model are unprivileged. */
	return !(prot & PVIOMMU_PROT_PRIV) && (prot & (write ? PVIOMMU_PROT_WRITE : PVIOMMU_PROT_READ)) != 0;
}
