/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's device calls and the guest's attestation calls: decode only. */
#include <string.h>

#include "abi/hcall.h"
#include "abi/vmm.h"
#include "hcall.h"
#include "iommu/device.h"
#include "mem/guest_copy.h"
#include "pviommu/pviommu.h"

enum status hc_vmm_query(struct hcall *c)
{
	switch (c->r[1]) {
	case PC_VMM_Q_VERSION:
		c->out[0] = PC_ABI_VERSION;
		return OK;
	case PC_VMM_Q_MAX_VMS:
		c->out[0] = 1;
		return OK;
	case PC_VMM_Q_MAX_VCPUS:
		c->out[0] = VM_MAX_VCPUS;
		return OK;
	case PC_VMM_Q_MAX_PVIOMMUS:
		c->out[0] = VM_MAX_PVIOMMUS;
		return OK;
	case PC_VMM_Q_MAX_ENDPOINTS:
		c->out[0] = PC_DEV_MAX_ENDPOINTS;
		return OK;
	default:
		return E_NOSYS;
	}
}

enum status hc_dev_count(struct hcall *c)
{
	c->out[0] = device_count;
	return OK;
}

/* The size that the caller offers is read from its structure; no more is written. */
enum status hc_dev_info(struct hcall *c)
{
	const struct device *d = device_find(c->r[1]);
	ipa_t where = ipa(c->r[2]);
	struct pc_dev_info info = { .size = sizeof(info) };
	enum status status;
	u32 size;

	if (d == NULL)
		return E_NOENT;
	if (where.v % 8 != 0)
		return E_INVAL;
	status = guest_read(c->vm, where, &size, sizeof(size));
	if (status != OK)
		return status;
	if (size < sizeof(info) || size > PVIOMMU_MAX_STRUCT)
		return E_INVAL;
	info.flags = (d->state == DEVICE_ASSIGNED ? PC_DEV_ASSIGNED : 0) |
		     (d->state == DEVICE_QUARANTINED ? PC_DEV_QUARANTINED : 0) |
		     (d->frozen ? PC_DEV_FROZEN : 0);
	info.device = d->index;
	info.group = d->group;
	info.endpoint_count = d->endpoint_count;
	info.mmio_count = d->mmio_count;
	info.irq_count = d->irq_count;
	memcpy(info.name, d->name, sizeof(info.name));
	/* The primary's memory is identity mapped, so a range is its own IPA. */
	for (u32 i = 0; i < d->mmio_count; i++)
		info.mmio[i] = (struct pc_dev_range){ d->mmio[i].base, d->mmio[i].size };
	return guest_write(c->vm, where, &info, sizeof(info));
}

enum status hc_dev_endpoints(struct hcall *c)
{
	const struct device *d = device_find(c->r[1]);

	if (d == NULL)
		return E_NOENT;
	c->out[0] = d->endpoint_count;
	return OK;
}

enum status hc_dev_assign(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);
	struct vm *vm = vm_find(c->r[2]);
	enum status status;
	bool again = false;

	if (d == NULL || vm == NULL)
		return E_NOENT;
	status = device_assign(d, vm, c->r[3], &again);
	if (status == OK)
		c->out[0] = again;
	return status;
}

enum status hc_dev_set_vsid(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);

	if (d == NULL)
		return E_NOENT;
	return device_set_vsid(d, vm_primary, c->r[2], c->r[3]);
}

enum status hc_dev_release(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);
	enum status status;
	bool again = false;

	if (d == NULL)
		return E_NOENT;
	status = device_release(d, vm_primary, &again);
	if (status == OK)
		c->out[0] = again;
	return status;
}

enum status hc_dev_req_dma(struct hcall *c)
{
	u32 token1, token2;
	enum status status;

	status = pviommu_tokens(c->vm, c->r[1], c->r[2], &token1, &token2);
	if (status != OK)
		return status;
	c->out[0] = token1;
	c->out[1] = token2;
	return OK;
}

enum status hc_dev_req_mmio(struct hcall *c)
{
	const struct device *d;
	u32 range;
	pa_t at;

	if (!page_aligned(c->r[1]))
		return E_INVAL;
	if (!vm_ipa_to_pa(c->vm, ipa(c->r[1]), &at))
		return E_NOENT;
	d = device_of_mmio(c->vm, at, PAGE_SIZE, &range);
	if (d == NULL)
		return E_NOENT;
	c->out[0] = device_mmio_token(d, range) + (at.v - d->mmio[range].base);
	return OK;
}
