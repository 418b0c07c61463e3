/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's device calls and the guest's attestation calls: decode only. */
#include <string.h>

#include "abi/hcall.h"
#include "abi/vmm.h"
#include "hcall.h"
#include "hyp/bits.h"
#include "iommu/device.h"
#include "mem/guest_copy.h"
#include "pviommu/pviommu.h"

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
		     (d->state == DEVICE_CLAIMED || device_is_named(d) ? PC_DEV_CLAIMED : 0) |
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
	enum status status;
	bool again = false;

	if (d == NULL)
		return E_NOENT;
	status = device_assign(d, c->r[2], c->r[3], &again);
	if (status == OK)
		c->out[0] = again;
	return status;
}

enum status hc_dev_set_vsid(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);

	if (d == NULL)
		return E_NOENT;
	return device_set_vsid(d, c->r[2], c->r[3]);
}

enum status hc_dev_release(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);
	enum status status;
	bool again = false;

	if (d == NULL)
		return E_NOENT;
	status = device_release(d, &again);
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
	const struct device *d = NULL;
	u32 range;
	pa_t at;

	if (!page_aligned(c->r[1]))
		return E_INVAL;
	vm_lock(c->vm);
	if (vm_ipa_to_pa(c->vm, ipa(c->r[1]), &at))
		d = device_of_mmio(c->vm, at, PAGE_SIZE, &range);
	vm_unlock(c->vm);
	if (d == NULL)
		return E_NOENT;
	c->out[0] = device_mmio_token(d, range) + (at.v - d->mmio[range].base);
	return OK;
}

enum status hc_dev_map_mmio(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);

	return d != NULL ? device_map_mmio(d, c->r[2], c->r[3], &c->out[0]) : E_NOENT;
}

enum status hc_dev_map_irq(struct hcall *c)
{
	struct device *d = device_find(c->r[1]);

	return d != NULL ? device_map_irq(d, c->r[2], c->r[3]) : E_NOENT;
}

/* R3 of DEV_CONFIG. */
#define CONFIG_OFFSET BITS(15, 0)
#define CONFIG_WIDTH  BITS(23, 16)
#define CONFIG_WRITE  BIT(24)

enum status hc_dev_config(struct hcall *c)
{
	u64 offset = FIELD_GET(CONFIG_OFFSET, c->r[3]), width = FIELD_GET(CONFIG_WIDTH, c->r[3]), base;
	enum status status;
	u32 host;

	if ((c->r[3] & ~(CONFIG_OFFSET | CONFIG_WIDTH | CONFIG_WRITE)) != 0 || offset >= PAGE_SIZE ||
	    (width != 1 && width != 2 && width != 4) || offset % width != 0)
		return E_INVAL;
	if ((c->r[3] & CONFIG_WRITE) && c->r[4] >> (8 * width) != 0)
		return E_INVAL;
	status = pviommu_config_place(c->vm, c->r[1], c->r[2], &host, &base);
	if (status != OK)
		return status;
	if (c->r[3] & CONFIG_WRITE)
		pci_config_write(c->vm, host, base + offset, (u32)width, (u32)c->r[4]);
	else
		c->out[0] = pci_config_read(c->vm, host, base + offset, (u32)width);
	return OK;
}

enum status hc_dev_reset(struct hcall *c)
{
	return device_reset(c->vm, c->r[1], c->r[2], &c->again);
}
