// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * IOMMU driver for VMs of the Portcullis hypervisor.
 *
 * The device tree names each pvIOMMU by a "pkvm,pviommu" node. In a secondary
 * VM the devices name their vSIDs by `iommus` or `iommu-map`. In the primary
 * nothing names them: without this driver devices work in the hypervisor's
 * identity domain, and with it the driver assigns to itself what no driver has
 * bound yet (portcullis_device.c).
 *
 * Domains are strict and there is no identity domain: who wants devices without
 * translation does not load the driver.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "portcullis.h"

/* Where VFIO may put doorbells, as on the Arm SMMU. */
#define PCL_MSI_IOVA_BASE	0x8000000
#define PCL_MSI_IOVA_SIZE	0x100000

/* More would be a hypervisor that does not end its list. */
#define PCL_RESERVED_MAX	64

/* See portcullis.h for what it guards. */
DEFINE_MUTEX(pcl_lock);
LIST_HEAD(pcl_iommus);

static struct pcl_iommu *to_pcl_iommu(struct iommu_device *iommu)
{
	return container_of(iommu, struct pcl_iommu, iommu);
}

/* ---- endpoints ---- */

static struct pcl_endpoint *endpoint_get(struct pcl_iommu *pv, u32 vsid)
{
	struct pcl_endpoint *ep = xa_load(&pv->endpoints, vsid);
	struct arm_smccc_res res;
	int ret;

	if (ep) {
		ep->users++;
		return ep;
	}

	ret = pcl_op(PVIOMMU_ENDPOINT_INFO, pv->id, vsid, 0, 0, 0, &res);
	if (ret)
		return ERR_PTR(ret);
	/* Whatever domain it had, its addresses would not be translated. */
	if (res.a1 & PVIOMMU_EP_UNTRANSLATED)
		return ERR_PTR(-ENODEV);

	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->vsid = vsid;
	ep->flags = res.a1;
	ep->group = res.a3;
	ep->users = 1;
	ret = xa_err(xa_store(&pv->endpoints, vsid, ep, GFP_KERNEL));
	if (ret) {
		kfree(ep);
		return ERR_PTR(ret);
	}
	return ep;
}

static void endpoint_put(struct pcl_iommu *pv, struct pcl_endpoint *ep)
{
	if (--ep->users)
		return;
	xa_erase(&pv->endpoints, ep->vsid);
	kfree(ep);
}

/*
 * Gathers for one call what shall change: @eps grows by those endpoints of
 * @master that are not in @next yet.
 */
static unsigned int endpoints_collect(struct pcl_master *master,
				      struct pcl_domain *next,
				      struct pcl_endpoint **eps,
				      unsigned int count)
{
	unsigned int i;

	for (i = 0; i < master->endpoint_count; i++) {
		struct pcl_endpoint *ep = master->endpoints[i];

		if (ep->domain == next || ep->collected ||
		    count == PVIOMMU_MAX_VSIDS)
			continue;
		ep->collected = true;
		eps[count++] = ep;
	}
	return count;
}

/* Moves @eps, all of which are in @domain or shall be, by @list_op. */
static int endpoints_call(struct pcl_iommu *pv, u32 list_op, u32 domain,
			  struct pcl_endpoint **eps, unsigned int count)
{
	struct pcl_attach_request *req = pv->request;
	struct arm_smccc_res res;
	unsigned int i;

	if (count == 1)
		return pcl_op(list_op == PVIOMMU_ATTACH_LIST ?
			      PVIOMMU_ATTACH_DEV : PVIOMMU_DETACH_DEV,
			      pv->id, eps[0]->vsid, 0, domain, 0, &res);

	req->list = (struct pviommu_attach_list) {
		.size = sizeof(req->list),
		.pviommu = pv->id,
		.domain = domain,
		.vsids_ipa = virt_to_phys(req->vsids),
		.vsid_count = count,
	};
	for (i = 0; i < count; i++)
		req->vsids[i] = eps[i]->vsid;
	return pcl_op(list_op, virt_to_phys(&req->list), 0, 0, 0, 0, &res);
}

/*
 * The functions of one group get a new domain one after the other from the
 * core. The first of them takes the others along: the group changes in one
 * step, or not at all, and the later calls find nothing left to do.
 */
int pcl_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct pcl_endpoint *eps[PVIOMMU_MAX_VSIDS];
	struct pcl_master *master = dev_iommu_priv_get(dev);
	struct pcl_domain *d = to_pcl_domain(domain);
	struct pcl_iommu *pv = master->pv;
	struct pcl_master *other;
	unsigned int count, i;
	int ret = 0;

	if (!pcl_domain_fits(d, pv))
		return -EINVAL;

	mutex_lock(&pcl_lock);
	count = endpoints_collect(master, d, eps, 0);
	list_for_each_entry(other, &pv->masters, node)
		if (count && other->dev->iommu_group == dev->iommu_group)
			count = endpoints_collect(other, d, eps, count);

	if (count)
		ret = endpoints_call(pv, PVIOMMU_ATTACH_LIST, pcl_domain_id(d),
				     eps, count);
	for (i = 0; i < count; i++) {
		eps[i]->collected = false;
		if (!ret)
			eps[i]->domain = d;
	}
	if (!ret)
		master->attached = true;
	mutex_unlock(&pcl_lock);
	return ret;
}

static bool endpoint_wanted(struct pcl_iommu *pv, struct pcl_endpoint *ep)
{
	struct pcl_master *master;
	unsigned int i;

	list_for_each_entry(master, &pv->masters, node)
		for (i = 0; master->attached && i < master->endpoint_count; i++)
			if (master->endpoints[i] == ep)
				return true;
	return false;
}

/* Blocks @master, except where others share its requester id. */
static int master_detach(struct pcl_master *master)
{
	struct pcl_endpoint *eps[PVIOMMU_MAX_VSIDS];
	struct pcl_iommu *pv = master->pv;
	unsigned int count, i, n;
	u32 domain;
	int ret = 0;

	lockdep_assert_held(&pcl_lock);

	master->attached = false;
	count = endpoints_collect(master, NULL, eps, 0);
	for (i = 0, n = 0; i < count; i++) {
		eps[i]->collected = false;
		if (!endpoint_wanted(pv, eps[i]))
			eps[n++] = eps[i];
	}
	if (!n)
		return 0;

	/* A master's endpoints change together, so they are in one domain. */
	domain = pcl_domain_id(eps[0]->domain);
	ret = endpoints_call(pv, PVIOMMU_DETACH_LIST, domain, eps, n);
	if (ret)
		dev_err(master->dev, "not detached from domain %u: %pe\n",
			domain, ERR_PTR(ret));
	for (i = 0; i < n; i++)
		eps[i]->domain = NULL;
	return ret;
}

static int pcl_attach_blocked(struct iommu_domain *domain, struct device *dev)
{
	int ret;

	mutex_lock(&pcl_lock);
	ret = master_detach(dev_iommu_priv_get(dev));
	mutex_unlock(&pcl_lock);
	return ret;
}

static struct iommu_domain pcl_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = pcl_attach_blocked,
	},
};

static struct iommu_domain *pcl_domain_alloc_paging(struct device *dev)
{
	struct pcl_master *master = dev_iommu_priv_get(dev);

	return pcl_domain_alloc(master->pv);
}

/* ---- devices ---- */

static struct pcl_iommu *iommu_by_fwnode(const struct fwnode_handle *fwnode)
{
	struct pcl_iommu *pv;

	list_for_each_entry(pv, &pcl_iommus, node)
		if (dev_fwnode(pv->dev) == fwnode)
			return pv;
	return NULL;
}

static void master_free(struct pcl_master *master)
{
	unsigned int i;

	for (i = 0; i < master->endpoint_count; i++)
		endpoint_put(master->pv, master->endpoints[i]);
	if (master->slot)
		pcl_slot_put(master->slot);
	kfree(master);
}

/* Takes over the reference to @slot, which may be NULL, in any case. */
static struct pcl_master *master_alloc(struct device *dev, struct pcl_iommu *pv,
				       struct pcl_slot *slot, const u32 *vsids,
				       unsigned int count)
{
	struct pcl_master *master;
	unsigned int i;

	master = kzalloc(struct_size(master, endpoints, count), GFP_KERNEL);
	if (!master) {
		if (slot)
			pcl_slot_put(slot);
		return ERR_PTR(-ENOMEM);
	}
	master->dev = dev;
	master->pv = pv;
	master->slot = slot;

	for (i = 0; i < count; i++) {
		struct pcl_endpoint *ep = endpoint_get(pv, vsids[i]);

		if (IS_ERR(ep)) {
			master_free(master);
			return ERR_CAST(ep);
		}
		master->endpoint_count++;
		master->endpoints[i] = ep;
	}
	return master;
}

/* A secondary VM: the device tree says it all. */
static struct pcl_master *master_from_fwspec(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct pcl_iommu *pv = iommu_by_fwnode(fwspec->iommu_fwnode);

	if (!pv || !fwspec->num_ids || fwspec->num_ids > PVIOMMU_MAX_VSIDS)
		return ERR_PTR(-ENODEV);
	return master_alloc(dev, pv, NULL, fwspec->ids, fwspec->num_ids);
}

/* The primary: the device is assigned by being probed. */
static struct pcl_master *master_from_pci(struct pci_dev *pdev)
{
	struct pcl_iommu *pv;
	struct pcl_slot *slot;
	u32 vsid;

	/* Bridges forward, they have no memory traffic of their own. */
	if (pci_is_bridge(pdev))
		return ERR_PTR(-ENODEV);

	slot = pcl_slot_claim(pdev, &pv, &vsid);
	if (IS_ERR(slot))
		return ERR_CAST(slot);
	return master_alloc(&pdev->dev, pv, slot, &vsid, 1);
}

static struct iommu_device *pcl_probe_device(struct device *dev)
{
	struct pcl_master *master;
	struct pcl_iommu *pv;

	mutex_lock(&pcl_lock);
	if (dev_iommu_fwspec_get(dev))
		master = master_from_fwspec(dev);
	else if (dev_is_pci(dev))
		master = master_from_pci(to_pci_dev(dev));
	else
		master = ERR_PTR(-ENODEV);

	/*
	 * A device that cannot be had stays in the hypervisor's identity
	 * domain, or blocked; any other answer would fail the pvIOMMU itself.
	 */
	if (IS_ERR(master)) {
		mutex_unlock(&pcl_lock);
		return ERR_PTR(-ENODEV);
	}
	pv = master->pv;
	list_add_tail(&master->node, &pv->masters);
	dev_iommu_priv_set(dev, master);
	mutex_unlock(&pcl_lock);

	/*
	 * Makes the driver core unbind @dev before the pvIOMMU: afterwards its
	 * DMA addresses mean nothing any more.
	 */
	if (!device_link_add(dev, pv->dev, DL_FLAG_AUTOREMOVE_SUPPLIER))
		dev_warn(dev, "will not be unbound together with %s\n",
			 dev_name(pv->dev));
	return &pv->iommu;
}

static void pcl_release_device(struct device *dev)
{
	struct pcl_master *master = dev_iommu_priv_get(dev);

	mutex_lock(&pcl_lock);
	/* A sibling may have taken it along before the core attached it. */
	master_detach(master);
	list_del(&master->node);
	master_free(master);
	mutex_unlock(&pcl_lock);
}

/* What the hypervisor cannot tell apart must not look separate here. */
static struct iommu_group *pcl_group_of_endpoint(struct pcl_master *master)
{
	struct iommu_group *group = NULL;
	struct pcl_iommu *pv;
	struct pcl_master *other;
	unsigned int i;

	mutex_lock(&pcl_lock);
	list_for_each_entry(pv, &pcl_iommus, node)
		list_for_each_entry(other, &pv->masters, node)
			for (i = 0; !group && i < other->endpoint_count; i++)
				if (other->endpoints[i]->group ==
				    master->endpoints[0]->group)
					group = iommu_group_get(other->dev);
	mutex_unlock(&pcl_lock);
	return group;
}

static struct iommu_group *pcl_device_group(struct device *dev)
{
	struct iommu_group *group;

	group = pcl_group_of_endpoint(dev_iommu_priv_get(dev));
	if (group)
		return group;
	return dev_is_pci(dev) ? pci_device_group(dev) :
				 generic_device_group(dev);
}

static int pcl_of_xlate(struct device *dev, const struct of_phandle_args *args)
{
	return iommu_fwspec_add_ids(dev, args->args, args->args_count);
}

static bool pcl_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return device_get_dma_attr(dev) == DEV_DMA_COHERENT;
	case IOMMU_CAP_NOEXEC:
		return true;
	default:
		return false;
	}
}

static int pcl_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_DMA;
}

static void resv_add(struct list_head *head, u64 base, u64 size, int prot,
		     enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(base, size, prot, type, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}

static void pcl_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct pcl_master *master = dev_iommu_priv_get(dev);
	u32 id = master->pv->id, i;
	u64 base, size, doorbell;

	for (i = 0; i < PCL_RESERVED_MAX; i++) {
		if (pcl_query(id, PVIOMMU_Q_RESERVED_BASE, i, &base) ||
		    pcl_query(id, PVIOMMU_Q_RESERVED_SIZE, i, &size) || !size)
			break;
		resv_add(head, base, size, 0, IOMMU_RESV_RESERVED);
	}

	if (!pcl_query(id, PVIOMMU_Q_DOORBELL, 0, &doorbell) && doorbell)
		resv_add(head, PCL_MSI_IOVA_BASE, PCL_MSI_IOVA_SIZE,
			 IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO,
			 IOMMU_RESV_SW_MSI);

	if (dev->of_node)
		of_iommu_get_resv_regions(dev, head);
}

static const struct iommu_ops pcl_ops = {
	.capable		= pcl_capable,
	.domain_alloc_paging	= pcl_domain_alloc_paging,
	.probe_device		= pcl_probe_device,
	.release_device		= pcl_release_device,
	.device_group		= pcl_device_group,
	.get_resv_regions	= pcl_get_resv_regions,
	.of_xlate		= pcl_of_xlate,
	.def_domain_type	= pcl_def_domain_type,
	.blocked_domain		= &pcl_blocked_domain,
	.release_domain		= &pcl_blocked_domain,
	.owner			= THIS_MODULE,
};

/* ---- counters, as /sys/class/iommu/<pviommu>/stats/<counter> ---- */

struct pcl_stat {
	struct device_attribute attr;
	u32 counter;
};

static ssize_t stat_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct pcl_stat *stat = container_of(attr, struct pcl_stat, attr);
	struct pcl_iommu *pv = to_pcl_iommu(dev_to_iommu_device(dev));
	struct arm_smccc_res res;
	int ret;

	ret = pcl_op(PVIOMMU_STATS, pv->id, stat->counter, 0, 0, 0, &res);
	return ret ?: sysfs_emit(buf, "%lu\n", res.a1);
}

#define PCL_STAT(_name, _counter)					\
	static struct pcl_stat stat_##_name = {				\
		.attr = __ATTR(_name, 0444, stat_show, NULL),		\
		.counter = _counter,					\
	}

PCL_STAT(maps, PVIOMMU_STAT_MAPS);
PCL_STAT(unmaps, PVIOMMU_STAT_UNMAPS);
PCL_STAT(faults, PVIOMMU_STAT_FAULTS);
PCL_STAT(lost, PVIOMMU_STAT_LOST);
PCL_STAT(quarantines, PVIOMMU_STAT_QUARANTINES);
PCL_STAT(pool_free, PVIOMMU_STAT_POOL_FREE);
PCL_STAT(pins, PVIOMMU_STAT_PINS);
PCL_STAT(mapped, PVIOMMU_STAT_MAPPED);
PCL_STAT(domains, PVIOMMU_STAT_DOMAINS);
PCL_STAT(attached, PVIOMMU_STAT_ATTACHED);

static struct attribute *pcl_stat_attrs[] = {
	&stat_maps.attr.attr,
	&stat_unmaps.attr.attr,
	&stat_faults.attr.attr,
	&stat_lost.attr.attr,
	&stat_quarantines.attr.attr,
	&stat_pool_free.attr.attr,
	&stat_pins.attr.attr,
	&stat_mapped.attr.attr,
	&stat_domains.attr.attr,
	&stat_attached.attr.attr,
	NULL
};

static const struct attribute_group pcl_stat_group = {
	.name = "stats",
	.attrs = pcl_stat_attrs,
};

static const struct attribute_group *pcl_groups[] = {
	&pcl_stat_group,
	NULL
};

/* ---- the pvIOMMU ---- */

static int pcl_read_properties(struct pcl_iommu *pv)
{
	u64 version, bits, sizes, entries;
	int ret;

	ret = pcl_query(pv->id, PVIOMMU_Q_VERSION, 0, &version);
	if (!ret)
		ret = pcl_query(pv->id, PVIOMMU_Q_IOVA_BITS, 0, &bits);
	if (!ret)
		ret = pcl_query(pv->id, PVIOMMU_Q_PAGE_SIZES, 0, &sizes);
	if (!ret)
		ret = pcl_query(pv->id, PVIOMMU_Q_FEATURES, 0, &pv->features);
	if (ret)
		return dev_err_probe(pv->dev, ret, "pvIOMMU %u does not answer\n",
				     pv->id);

	if (version >> 16 != PC_ABI_VERSION_MAJOR)
		return dev_err_probe(pv->dev, -ENODEV, "interface version %llu.%llu is unknown\n",
				     version >> 16, version & 0xffff);
	if (bits < PAGE_SHIFT || bits > 64 ||
	    !(sizes & (PAGE_SIZE | (PAGE_SIZE - 1))))
		return dev_err_probe(pv->dev, -ENODEV, "%llu-bit IOVAs in pages of %#llx are of no use\n",
				     bits, sizes);
	if (!pcl_has_op(pv, PVIOMMU_ENDPOINT_INFO) ||
	    !pcl_has_op(pv, PVIOMMU_ATTACH_LIST) ||
	    !pcl_has_op(pv, PVIOMMU_DETACH_LIST))
		return dev_err_probe(pv->dev, -ENODEV, "operations are missing: %#llx\n",
				     pv->features);

	pv->pgsize_bitmap = sizes;
	pv->aperture_end = DMA_BIT_MASK(bits);
	if (pcl_has_op(pv, PVIOMMU_MAP_LIST) &&
	    !pcl_query(pv->id, PVIOMMU_Q_MAP_LIST_MAX, 0, &entries))
		pv->map_list_max = min_t(u64, entries, PVIOMMU_MAX_LIST);

	dev_info(pv->dev, "pvIOMMU %u: version %llu.%llu, %llu-bit IOVA, page sizes %#llx, lists of %u\n",
		 pv->id, version >> 16, version & 0xffff, bits, sizes,
		 pv->map_list_max);
	return 0;
}

/* No device finds @pv any more; those that have are to be released next. */
static void pcl_hide(struct pcl_iommu *pv)
{
	mutex_lock(&pcl_lock);
	list_del(&pv->node);
	mutex_unlock(&pcl_lock);
}

static void pcl_slots_free_last(void)
{
	mutex_lock(&pcl_lock);
	if (list_empty(&pcl_iommus))
		pcl_slots_free();
	mutex_unlock(&pcl_lock);
}

static int pcl_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct pcl_iommu *pv;
	bool primary;
	int ret;

	if (!pcl_hypervisor_present())
		return dev_err_probe(dev, -ENODEV, "no hypervisor answers\n");

	pv = devm_kzalloc(dev, sizeof(*pv), GFP_KERNEL);
	if (!pv)
		return -ENOMEM;
	pv->request = devm_kzalloc(dev, sizeof(*pv->request), GFP_KERNEL);
	if (!pv->request)
		return -ENOMEM;
	pv->dev = dev;
	INIT_LIST_HEAD(&pv->masters);
	xa_init(&pv->endpoints);
	ida_init(&pv->vsids);

	ret = device_property_read_u32(dev, "id", &pv->id);
	if (ret)
		return dev_err_probe(dev, ret, "the node has no id\n");
	ret = pcl_read_properties(pv);
	if (ret)
		return ret;

	mutex_lock(&pcl_lock);
	ret = pcl_slots_read(dev);
	primary = !ret;
	if (ret == -EOPNOTSUPP)
		ret = 0;
	if (!ret)
		list_add_tail(&pv->node, &pcl_iommus);
	mutex_unlock(&pcl_lock);
	if (ret)
		return dev_err_probe(dev, ret, "devices cannot be listed\n");

	ret = iommu_device_sysfs_add(&pv->iommu, dev, pcl_groups, "pviommu%u",
				     pv->id);
	if (ret)
		goto err_list;

	platform_set_drvdata(pdev, pv);

	/*
	 * The core takes an IOMMU without a node for the one of all devices
	 * that name none, which in the primary are all.
	 */
	ret = iommu_device_register(&pv->iommu, &pcl_ops, primary ? NULL : dev);
	if (ret)
		goto err_sysfs;
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&pv->iommu);
err_list:
	pcl_hide(pv);
	pcl_slots_free_last();
	return ret;
}

/* The drivers of all devices behind @pdev are unbound by now. */
static void pcl_remove(struct platform_device *pdev)
{
	struct pcl_iommu *pv = platform_get_drvdata(pdev);

	pcl_hide(pv);
	iommu_device_unregister(&pv->iommu);
	iommu_device_sysfs_remove(&pv->iommu);
	pcl_slots_free_last();
	ida_destroy(&pv->vsids);
	xa_destroy(&pv->endpoints);
}

static const struct of_device_id pcl_of_match[] = {
	{ .compatible = PCL_OF_COMPATIBLE },
	{ }
};
MODULE_DEVICE_TABLE(of, pcl_of_match);

static struct platform_driver pcl_driver = {
	.probe	= pcl_probe,
	.remove	= pcl_remove,
	.driver	= {
		.name		= "portcullis-iommu",
		.of_match_table	= pcl_of_match,
	},
};

int pcl_driver_register(void)
{
	int ret;

	ret = pcl_domain_cache_create();
	if (ret)
		return ret;
	ret = platform_driver_register(&pcl_driver);
	if (ret)
		pcl_domain_cache_destroy();
	return ret;
}

void pcl_driver_unregister(void)
{
	platform_driver_unregister(&pcl_driver);
	pcl_domain_cache_destroy();
}
