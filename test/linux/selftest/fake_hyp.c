// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A hypervisor in one file: it answers the driver's calls from tables of its
 * own and counts every call that the interface forbids. It is stingier than a
 * real one: calls do a few pages at most and resets take several calls.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "../portcullis.h"
#include "fake.h"

#define MAX_DOMAINS	32
#define MAX_ENDPOINTS	4
#define RESET_CALLS	3
#define IOVA_BITS	40
#define GRANULE		PVIOMMU_GRANULE

struct fake_endpoint {
	int		vsid;		/* -1: none */
	u32		domain;		/* 0: blocked */
};

struct fake_device {
	const char		*name;
	u32			group;
	u32			endpoint_count;
	bool			refused;
	bool			assigned;
	bool			frozen;
	unsigned int		reset_left;
	struct fake_endpoint	endpoints[MAX_ENDPOINTS];
};

struct fake_domain {
	bool		used;
	struct xarray	pages;		/* IOVA page -> IPA page << 8 | prot */
};

static struct fake_device devices[FAKE_DEV_COUNT] = {
	[FAKE_DEV_MULTI]   = { "pci 7e57:00:01", 11, 2 },
	[FAKE_DEV_SINGLE]  = { "pci 7e57:00:02", 12, 1 },
	[FAKE_DEV_BUS]     = { "pci 7e57:01:*", 13, 1 },
	[FAKE_DEV_NOT_PCI] = { "dma@9000000", 14, 3 },
	[FAKE_DEV_REFUSED] = { "pci 7e57:00:03", 15, 1, .refused = true },
};

static struct fake_domain domains[MAX_DOMAINS];
static struct fake_counts counts;
static size_t map_step, unmap_step;
static phys_addr_t refused_page;
static DEFINE_SPINLOCK(fake_lock);

#define require(cond)							\
({									\
	bool ok_ = (cond);						\
									\
	if (!ok_) {							\
		counts.errors++;					\
		pr_err("line %d: not %s\n", __LINE__, #cond);		\
	}								\
	ok_;								\
})

static struct fake_domain *domain_find(u64 id)
{
	return id < MAX_DOMAINS && domains[id].used ? &domains[id] : NULL;
}

static struct fake_endpoint *endpoint_find(u64 vsid, struct fake_device **dev)
{
	unsigned int i, e;

	for (i = 0; i < FAKE_DEV_COUNT; i++)
		for (e = 0; e < devices[i].endpoint_count; e++)
			if (devices[i].assigned &&
			    devices[i].endpoints[e].vsid == (int)vsid) {
				*dev = &devices[i];
				return &devices[i].endpoints[e];
			}
	return NULL;
}

/* ---- devices ---- */

static s64 device_info(u64 device, u64 ipa)
{
	struct pc_dev_info *info = phys_to_virt(ipa);

	if (!require(device < FAKE_DEV_COUNT) ||
	    !require(info->size == sizeof(*info)))
		return PC_INVALID_PARAMETER;
	info->flags = devices[device].assigned ? PC_DEV_ASSIGNED : 0;
	info->device = device;
	info->group = devices[device].group;
	info->endpoint_count = devices[device].endpoint_count;
	strscpy((char *)info->name, devices[device].name, sizeof(info->name));
	return PC_SUCCESS;
}

static s64 device_reset(struct fake_device *dev, u64 *result)
{
	if (!dev->reset_left)
		dev->reset_left = RESET_CALLS;
	*result = --dev->reset_left ? 1 : 0;
	return PC_SUCCESS;
}

static s64 device_assign(u64 device, u64 vm, u64 pv, u64 *result)
{
	struct fake_device *dev = &devices[device];
	s64 ret;

	if (!require(device < FAKE_DEV_COUNT) || !require(!dev->assigned) ||
	    !require(vm == PC_VM_PRIMARY) || !require(pv == FAKE_PVIOMMU))
		return PC_INVALID_PARAMETER;
	if (dev->refused)
		return PC_BUSY;
	ret = device_reset(dev, result);
	if (!*result) {
		dev->assigned = true;
		counts.assigned++;
		counts.resets++;
	}
	return ret;
}

static s64 device_release(u64 device, u64 *result)
{
	struct fake_device *dev = &devices[device];
	unsigned int e;
	s64 ret;

	if (!require(device < FAKE_DEV_COUNT) || !require(dev->assigned))
		return PC_INVALID_PARAMETER;
	for (e = 0; e < dev->endpoint_count; e++)
		if (!require(!dev->endpoints[e].domain))
			return PC_BUSY;
	ret = device_reset(dev, result);
	if (!*result) {
		dev->assigned = false;
		dev->frozen = false;
		for (e = 0; e < dev->endpoint_count; e++)
			dev->endpoints[e].vsid = -1;
		counts.assigned--;
		counts.resets++;
	}
	return ret;
}

static s64 device_set_vsid(u64 device, u64 index, u64 vsid)
{
	struct fake_device *dev = &devices[device], *other;

	if (!require(device < FAKE_DEV_COUNT) || !require(dev->assigned) ||
	    !require(index < dev->endpoint_count) || !require(!dev->frozen) ||
	    !require(dev->endpoints[index].vsid < 0) ||
	    !require(!endpoint_find(vsid, &other)))
		return PC_INVALID_PARAMETER;
	dev->endpoints[index].vsid = vsid;
	return PC_SUCCESS;
}

/* ---- attach ---- */

static s64 attach_check(u64 pv, u64 vsid, u64 domain, bool attach)
{
	struct fake_device *dev;
	struct fake_endpoint *ep = endpoint_find(vsid, &dev);

	if (!require(pv == FAKE_PVIOMMU) || !require(ep) ||
	    !require(domain_find(domain)))
		return PC_NOT_FOUND;
	if (attach)
		return require(ep->domain != domain) ? PC_SUCCESS : PC_EXISTS;
	return require(ep->domain == domain) ? PC_SUCCESS : PC_NOT_FOUND;
}

static void attach_commit(u64 vsid, u64 domain, bool attach)
{
	struct fake_device *dev;
	struct fake_endpoint *ep = endpoint_find(vsid, &dev);

	counts.attached += (attach && !ep->domain) - (int)!attach;
	ep->domain = attach ? domain : 0;
	dev->frozen = true;
}

static s64 attach_one(u64 pv, u64 vsid, u64 pasid, u64 domain, bool attach)
{
	s64 ret;

	if (!require(!pasid))
		return PC_INVALID_PARAMETER;
	ret = attach_check(pv, vsid, domain, attach);
	if (!ret)
		attach_commit(vsid, domain, attach);
	counts.attach_calls++;
	return ret;
}

static s64 attach_list(u64 ipa, bool attach)
{
	struct pviommu_attach_list *list = phys_to_virt(ipa);
	u32 *vsids = phys_to_virt(list->vsids_ipa), i, j;
	s64 ret;

	if (!require(list->size == sizeof(*list)) || !require(!list->flags) ||
	    !require(!list->reserved) || !require(!list->pasid) ||
	    !require(list->vsid_count > 1) ||
	    !require(list->vsid_count <= PVIOMMU_MAX_VSIDS))
		return PC_INVALID_PARAMETER;
	for (i = 0; i < list->vsid_count; i++) {
		for (j = 0; j < i; j++)
			if (!require(vsids[i] != vsids[j]))
				return PC_INVALID_PARAMETER;
		ret = attach_check(list->pviommu, vsids[i], list->domain,
				   attach);
		if (ret)
			return ret;
	}
	for (i = 0; i < list->vsid_count; i++)
		attach_commit(vsids[i], list->domain, attach);
	counts.attach_calls++;
	return PC_SUCCESS;
}

/* ---- domains ---- */

static s64 domain_alloc(u64 *result)
{
	unsigned int id;

	for (id = 1; id < MAX_DOMAINS; id++) {
		if (domains[id].used)
			continue;
		domains[id].used = true;
		xa_init(&domains[id].pages);
		counts.domains++;
		*result = id;
		return PC_SUCCESS;
	}
	return PC_NO_MEMORY;
}

static s64 domain_free(u64 id)
{
	struct fake_domain *d = domain_find(id);
	unsigned int i, e;
	unsigned long page;
	void *entry;

	if (!require(d))
		return PC_NOT_FOUND;
	for (i = 0; i < FAKE_DEV_COUNT; i++)
		for (e = 0; e < devices[i].endpoint_count; e++)
			if (!require(devices[i].endpoints[e].domain != id))
				return PC_BUSY;
	xa_for_each(&d->pages, page, entry)
		counts.pages--;
	xa_destroy(&d->pages);
	d->used = false;
	counts.domains--;
	return PC_SUCCESS;
}

/*
 * Maps at most *@budget pages of the range, all or none, and takes them off it.
 */
static s64 map_range(struct fake_domain *d, u64 iova, u64 ipa, u64 bytes,
		     u32 prot, size_t *budget, u64 *done)
{
	u64 n = min_t(u64, bytes / GRANULE, *budget), i;
	u64 page = iova / GRANULE, frame = ipa / GRANULE;

	*done = 0;
	if (!require(bytes) || !require(!((iova | ipa | bytes) % GRANULE)) ||
	    !require(!((iova + bytes - 1) >> IOVA_BITS)) ||
	    !require(prot & (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)) ||
	    !require(!(prot & ~PVIOMMU_PROT_ALL)))
		return PC_INVALID_PARAMETER;
	for (i = 0; i < n; i++) {
		if (!require(!xa_load(&d->pages, page + i)))
			return PC_EXISTS;
		if (refused_page && frame + i == refused_page / GRANULE)
			return PC_NO_MEMORY;
	}
	for (i = 0; i < n; i++)
		if (!require(!xa_err(xa_store(&d->pages, page + i,
					      xa_mk_value((frame + i) << 8 | prot),
					      GFP_ATOMIC))))
			return PC_NO_MEMORY;
	counts.pages += n;
	*budget -= n;
	*done = n * GRANULE;
	return PC_SUCCESS;
}

static s64 map_pages(u64 id, u64 iova, u64 ipa, u64 bytes, u64 prot,
		     u64 *result)
{
	struct fake_domain *d = domain_find(id);
	size_t budget = map_step;

	if (!require(d))
		return PC_NOT_FOUND;
	return map_range(d, iova, ipa, bytes, prot, &budget, result);
}

static s64 map_list(u64 ipa, u64 *result)
{
	struct pviommu_map_list *list = phys_to_virt(ipa);
	struct pviommu_map_entry *e = phys_to_virt(list->entries_ipa);
	struct fake_domain *d = domain_find(list->domain);
	size_t budget = map_step;
	u64 done;
	s64 ret;
	u32 i;

	*result = 0;
	if (!require(d) || !require(list->size == sizeof(*list)) ||
	    !require(list->entry_len == sizeof(*e)) ||
	    !require(!list->flags && !list->reserved) ||
	    !require(list->entry_num > 1 &&
		     list->entry_num <= PVIOMMU_MAX_LIST))
		return PC_INVALID_PARAMETER;
	counts.list_calls++;
	for (i = 0; i < list->entry_num && budget; i++, e++) {
		if (!require(!e->reserved))
			return PC_INVALID_PARAMETER;
		ret = map_range(d, e->iova, e->ipa, e->bytes, e->prot, &budget,
				&done);
		if (ret)
			return ret;
		*result += done;
		if (done < e->bytes)
			break;
	}
	return PC_SUCCESS;
}

static s64 unmap_pages(u64 id, u64 iova, u64 bytes, u64 *result)
{
	struct fake_domain *d = domain_find(id);
	u64 n = min_t(u64, bytes / GRANULE, unmap_step), i;

	*result = 0;
	if (!require(d))
		return PC_NOT_FOUND;
	if (!require(!((iova | bytes) % GRANULE)))
		return PC_INVALID_PARAMETER;
	for (i = 0; i < n; i++) {
		if (!require(xa_erase(&d->pages, iova / GRANULE + i)))
			return PC_INVALID_PARAMETER;
		counts.pages--;
		*result += GRANULE;
	}
	return PC_SUCCESS;
}

/* ---- the call ---- */

static s64 query(u64 property, u64 index, u64 *result)
{
	static const u64 reserved[][2] = { { 0x9000000, 0x10000 } };

	switch (property) {
	case PVIOMMU_Q_VERSION:
		*result = PC_ABI_VERSION;
		return PC_SUCCESS;
	case PVIOMMU_Q_PAGE_SIZES:
		*result = SZ_4K | SZ_2M;
		return PC_SUCCESS;
	case PVIOMMU_Q_IOVA_BITS:
		*result = IOVA_BITS;
		return PC_SUCCESS;
	case PVIOMMU_Q_FEATURES:
		*result = GENMASK(PVIOMMU_OP_COUNT - 1 - PVIOMMU_OP_FIRST_OURS, 0);
		return PC_SUCCESS;
	case PVIOMMU_Q_MAP_LIST_MAX:
		*result = PVIOMMU_MAX_LIST;
		return PC_SUCCESS;
	case PVIOMMU_Q_DOORBELL:
		*result = 0;
		return PC_SUCCESS;
	case PVIOMMU_Q_RESERVED_BASE:
	case PVIOMMU_Q_RESERVED_SIZE:
		if (index >= ARRAY_SIZE(reserved))
			return PC_NOT_FOUND;
		*result = reserved[index][property - PVIOMMU_Q_RESERVED_BASE];
		return PC_SUCCESS;
	}
	require(!"one of the properties");
	return PC_INVALID_PARAMETER;
}

static s64 endpoint_info(u64 pv, u64 vsid, struct arm_smccc_res *res)
{
	struct fake_device *dev;

	if (!require(pv == FAKE_PVIOMMU) || !require(endpoint_find(vsid, &dev)))
		return PC_NOT_FOUND;
	res->a3 = dev->group;
	return PC_SUCCESS;
}

static s64 operation(u64 op, const u64 *r, struct arm_smccc_res *res)
{
	u64 result = 0;
	s64 ret;

	switch (op) {
	case PVIOMMU_ATTACH_DEV:
	case PVIOMMU_DETACH_DEV:
		ret = attach_one(r[2], r[3], r[4], r[5],
				 op == PVIOMMU_ATTACH_DEV);
		break;
	case PVIOMMU_ALLOC_DOMAIN:
		ret = domain_alloc(&result);
		break;
	case PVIOMMU_FREE_DOMAIN:
		ret = domain_free(r[2]);
		break;
	case PVIOMMU_MAP_PAGES:
		ret = map_pages(r[2], r[3], r[4], r[5], r[6], &result);
		break;
	case PVIOMMU_UNMAP_PAGES:
		ret = unmap_pages(r[2], r[3], r[4], &result);
		break;
	case PVIOMMU_QUERY:
		ret = query(r[3], r[4], &result);
		break;
	case PVIOMMU_ENDPOINT_INFO:
		ret = endpoint_info(r[2], r[3], res);
		break;
	case PVIOMMU_ATTACH_LIST:
	case PVIOMMU_DETACH_LIST:
		ret = attach_list(r[2], op == PVIOMMU_ATTACH_LIST);
		break;
	case PVIOMMU_MAP_LIST:
		ret = map_list(r[2], &result);
		break;
	case PVIOMMU_STATS:
		ret = PC_SUCCESS;
		result = r[3] == PVIOMMU_STAT_DOMAINS ? counts.domains : 0;
		break;
	default:
		require(!"one of the operations");
		ret = PC_NOT_SUPPORTED;
	}

	res->a1 = result;
	/* As on the wire: pKVM's operations say why only in R3. */
	if (op < PVIOMMU_OP_FIRST_OURS && ret) {
		res->a3 = ret;
		if (ret != PC_NOT_SUPPORTED)
			ret = PC_INVALID_PARAMETER;
	}
	return ret;
}

void pcl_smccc(unsigned long fn, unsigned long arg1, unsigned long arg2,
	       unsigned long arg3, unsigned long arg4, unsigned long arg5,
	       unsigned long arg6, struct arm_smccc_res *res)
{
	const u64 r[] = { fn, arg1, arg2, arg3, arg4, arg5, arg6 };
	unsigned long flags;
	u64 result = 0;
	s64 ret;

	*res = (struct arm_smccc_res) { };
	spin_lock_irqsave(&fake_lock, flags);
	switch ((u32)fn) {
	case PC_VENDOR_UID:
		*res = (struct arm_smccc_res) {
			PC_VENDOR_UID_0, PC_VENDOR_UID_1,
			PC_VENDOR_UID_2, PC_VENDOR_UID_3,
		};
		goto out;
	case PC_VENDOR_FEATURES:
		res->a1 = GENMASK(31, 29);
		goto out;
	case PC_PVIOMMU_OP:
		ret = operation(arg1, r, res);
		res->a0 = ret;
		goto out;
	case PC_DEV_COUNT:
		result = FAKE_DEV_COUNT;
		ret = PC_SUCCESS;
		break;
	case PC_DEV_INFO:
		ret = device_info(arg1, arg2);
		break;
	case PC_DEV_ASSIGN:
		ret = device_assign(arg1, arg2, arg3, &result);
		break;
	case PC_DEV_RELEASE:
		ret = device_release(arg1, &result);
		break;
	case PC_DEV_SET_END_POINT_VSID:
		ret = device_set_vsid(arg1, arg2, arg3);
		break;
	default:
		require(!"one of the functions");
		ret = PC_NOT_SUPPORTED;
	}
	res->a0 = ret;
	res->a1 = result;
out:
	spin_unlock_irqrestore(&fake_lock, flags);
}

/* ---- what the test sees ---- */

void fake_hyp_init(void)
{
	unsigned int i, e;

	for (i = 0; i < FAKE_DEV_COUNT; i++)
		for (e = 0; e < MAX_ENDPOINTS; e++)
			devices[i].endpoints[e].vsid = -1;
	fake_hyp_steps(7, 5);
}

void fake_hyp_exit(void)
{
	unsigned int id;

	for (id = 0; id < MAX_DOMAINS; id++)
		if (domains[id].used)
			xa_destroy(&domains[id].pages);
}

struct fake_counts fake_hyp_counts(void)
{
	struct fake_counts now;
	unsigned long flags;

	spin_lock_irqsave(&fake_lock, flags);
	now = counts;
	spin_unlock_irqrestore(&fake_lock, flags);
	return now;
}

/* The most that one call does. */
void fake_hyp_steps(size_t map_pages, size_t unmap_pages)
{
	unsigned long flags;

	spin_lock_irqsave(&fake_lock, flags);
	map_step = map_pages;
	unmap_step = unmap_pages;
	spin_unlock_irqrestore(&fake_lock, flags);
}

/* A map that reaches @ipa finds no memory; 0 for none. */
void fake_hyp_refuse_page(phys_addr_t ipa)
{
	unsigned long flags;

	spin_lock_irqsave(&fake_lock, flags);
	refused_page = ipa;
	spin_unlock_irqrestore(&fake_lock, flags);
}

/* What the device behind @vsid reaches at @iova. */
int fake_hyp_translate(u32 vsid, u64 iova, u64 *ipa, u32 *prot)
{
	struct fake_device *dev;
	struct fake_endpoint *ep;
	struct fake_domain *d = NULL;
	unsigned long flags, value;
	void *entry = NULL;

	spin_lock_irqsave(&fake_lock, flags);
	ep = endpoint_find(vsid, &dev);
	if (ep)
		d = domain_find(ep->domain);
	if (d)
		entry = xa_load(&d->pages, iova / GRANULE);
	spin_unlock_irqrestore(&fake_lock, flags);
	if (!entry)
		return -ENOENT;
	value = xa_to_value(entry);
	*ipa = (u64)(value >> 8) * GRANULE + iova % GRANULE;
	*prot = value & 0xff;
	return 0;
}

/* -1 if the device is not assigned or has no name. */
int fake_hyp_vsid(unsigned int device, unsigned int endpoint)
{
	return devices[device].endpoints[endpoint].vsid;
}
