// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Self test of the Portcullis IOMMU driver: the driver's own objects, linked
 * with a hypervisor and a PCI bus made for the test. It needs no hypervisor and
 * no device. The module loads if everything holds; what does not is in the log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/prandom.h>
#include <linux/property.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/sizes.h>

#include "../portcullis.h"
#include "fake.h"

static unsigned int failures;

#define check(cond)							\
({									\
	bool ok_ = (cond);						\
									\
	if (!ok_) {							\
		failures++;						\
		pr_err("%s, line %d: not %s\n", __func__, __LINE__, #cond); \
	}								\
	ok_;								\
})

/* ---- devices ---- */

static struct platform_device *host_device, *iommu_device;

static int fake_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(40));
}

static const struct pci_device_id fake_ids[] = {
	{ PCI_DEVICE(FAKE_PCI_VENDOR, FAKE_PCI_DEVICE) },
	{ }
};

/* Does not want the bridge, which Linux's own driver does not take either. */
static struct pci_driver fake_driver = {
	.name		= "portcullis-selftest",
	.id_table	= fake_ids,
	.probe		= fake_probe,
};

static bool iommu_add(void)
{
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_U32("id", FAKE_PVIOMMU),
		{ }
	};
	const struct platform_device_info info = {
		.name		= "portcullis-iommu",
		.id		= PLATFORM_DEVID_NONE,
		.properties	= properties,
	};

	iommu_device = platform_device_register_full(&info);
	return check(!IS_ERR(iommu_device)) &&
	       check(iommu_device->dev.driver);
}

static void iommu_remove(void)
{
	platform_device_unregister(iommu_device);
}

static struct iommu_group *group_of(struct pci_dev *pdev)
{
	return pdev ? pdev->dev.iommu_group : NULL;
}

/* All that was taken from the hypervisor was given back. */
static void check_nothing_held(void)
{
	struct fake_counts now = fake_hyp_counts();

	check(now.assigned == 0);
	check(now.attached == 0);
	check(now.domains == 0);
	check(now.pages == 0);
	check(now.errors == 0);
}

static struct pci_dev *multi0, *multi2, *single, *refused, *bus0, *bus1;

static void devices_get(void)
{
	multi0 = fake_pci_get(0, 1, 0);
	multi2 = fake_pci_get(0, 1, 2);
	single = fake_pci_get(0, 2, 0);
	refused = fake_pci_get(0, 3, 0);
	bus0 = fake_pci_get(1, 0, 0);
	bus1 = fake_pci_get(1, 1, 0);
}

static void devices_put(void)
{
	pci_dev_put(multi0);
	pci_dev_put(multi2);
	pci_dev_put(single);
	pci_dev_put(refused);
	pci_dev_put(bus0);
	pci_dev_put(bus1);
}

/* ---- cases ---- */

/* Devices that drivers have bound stay as they are. */
static void test_in_use(void)
{
	if (!check(!pci_register_driver(&fake_driver)))
		return;
	check(single->dev.driver);
	if (iommu_add()) {
		check(!group_of(single));
		check(!group_of(multi0));
		check(fake_hyp_counts().resets == 0);
		iommu_remove();
	}
	check_nothing_held();
	pci_unregister_driver(&fake_driver);
}

static void test_probe(unsigned long calls_before)
{
	struct fake_counts now = fake_hyp_counts();

	check(now.assigned == 3);
	check(now.attached == 4);
	check(now.domains == 3);
	/* One call for both functions of slot 1. */
	check(now.attach_calls == calls_before + 3);

	check(group_of(multi0) && group_of(multi0) == group_of(multi2));
	check(group_of(bus0) && group_of(bus0) == group_of(bus1));
	check(group_of(single) && group_of(single) != group_of(multi0));
	check(group_of(bus0) != group_of(single));
	check(!group_of(refused));
	check(iommu_get_domain_for_dev(&single->dev)->type == IOMMU_DOMAIN_DMA);
	check(fake_hyp_vsid(FAKE_DEV_MULTI, 0) >= 0);
	check(fake_hyp_vsid(FAKE_DEV_MULTI, 1) >= 0);
	check(fake_hyp_vsid(FAKE_DEV_NOT_PCI, 0) < 0);
}

/* True if [@dma, @dma + @size) leads to @phys for the device of @vsid. */
static bool reaches(int vsid, dma_addr_t dma, phys_addr_t phys, size_t size,
		    u32 prot)
{
	size_t i;
	u64 ipa;
	u32 got;

	for (i = 0; i < size; i += PAGE_SIZE)
		if (fake_hyp_translate(vsid, dma + i, &ipa, &got) ||
		    ipa != phys + i || (got & 3) != prot)
			return false;
	return true;
}

static void test_map_single(struct pci_dev *pdev, int vsid)
{
	static const size_t sizes[] = { 64, SZ_4K, SZ_64K, SZ_2M, SZ_4M };
	unsigned long before = fake_hyp_counts().pages;
	dma_addr_t dma;
	void *buffer;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buffer = (void *)__get_free_pages(GFP_KERNEL | __GFP_NOWARN,
						  get_order(sizes[i]));
		if (!buffer)
			continue;
		dma = dma_map_single(&pdev->dev, buffer, sizes[i],
				     DMA_TO_DEVICE);
		if (check(!dma_mapping_error(&pdev->dev, dma))) {
			check(reaches(vsid, dma, virt_to_phys(buffer), sizes[i],
				      PVIOMMU_PROT_READ));
			dma_unmap_single(&pdev->dev, dma, sizes[i],
					 DMA_TO_DEVICE);
		}
		check(fake_hyp_counts().pages == before);
		free_pages((unsigned long)buffer, get_order(sizes[i]));
	}
}

static void test_coherent(struct pci_dev *pdev)
{
	unsigned long before = fake_hyp_counts().pages;
	dma_addr_t dma;
	void *cpu;

	cpu = dma_alloc_coherent(&pdev->dev, SZ_64K, &dma, GFP_KERNEL);
	if (!check(cpu))
		return;
	check(fake_hyp_counts().pages == before + SZ_64K / SZ_4K);
	dma_free_coherent(&pdev->dev, SZ_64K, cpu, dma);
	check(fake_hyp_counts().pages == before);
}

#define SG_MAX	300

/* Pages in an order that leaves few of them contiguous. */
static int sg_fill(struct sg_table *table, unsigned int count)
{
	struct scatterlist *sg;
	struct page *page;
	unsigned int i;

	if (sg_alloc_table(table, count, GFP_KERNEL))
		return -ENOMEM;
	for_each_sgtable_sg(table, sg, i) {
		page = alloc_pages(GFP_KERNEL, i % 3);
		if (!page)
			return -ENOMEM;
		sg_set_page(sg, page, PAGE_SIZE << (i % 3), 0);
	}
	return 0;
}

static void sg_release(struct sg_table *table)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(table, sg, i)
		if (sg_page(sg))
			__free_pages(sg_page(sg), i % 3);
	sg_free_table(table);
}

static bool sg_reached(struct sg_table *table, int vsid)
{
	struct scatterlist *dma_sg = table->sgl, *sg;
	size_t used = 0;
	unsigned int i;

	/* The DMA side may have fewer, longer entries. */
	for_each_sgtable_sg(table, sg, i) {
		if (used == sg_dma_len(dma_sg)) {
			dma_sg = sg_next(dma_sg);
			used = 0;
		}
		if (!reaches(vsid, sg_dma_address(dma_sg) + used, sg_phys(sg),
			     sg->length, PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE))
			return false;
		used += sg->length;
	}
	return true;
}

static void test_map_sg(struct pci_dev *pdev, int vsid)
{
	unsigned long before = fake_hyp_counts().pages;
	unsigned long lists = fake_hyp_counts().list_calls;
	struct sg_table table;
	struct scatterlist *sg;
	unsigned int i;

	if (!check(!sg_fill(&table, SG_MAX)))
		return;
	if (check(!dma_map_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0))) {
		check(sg_reached(&table, vsid));
		dma_unmap_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0);
	}
	check(fake_hyp_counts().pages == before);
	check(fake_hyp_counts().list_calls > lists);

	/* Refused anywhere: nothing stays, and nothing is in the way later. */
	for_each_sgtable_sg(&table, sg, i) {
		if (i % 37)
			continue;
		fake_hyp_refuse_page(sg_phys(sg) + sg->length - PAGE_SIZE);
		check(dma_map_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0));
		check(fake_hyp_counts().pages == before);
	}
	fake_hyp_refuse_page(0);
	if (check(!dma_map_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0))) {
		check(sg_reached(&table, vsid));
		dma_unmap_sgtable(&pdev->dev, &table, DMA_BIDIRECTIONAL, 0);
	}
	check(fake_hyp_counts().pages == before);
	sg_release(&table);
}

struct worker {
	struct pci_dev		*pdev;
	int			vsid;
	unsigned int		seed;
	unsigned int		wrong;
	struct completion	done;
};

/* Lists of several CPUs meet in the queue of one domain. */
static int worker_run(void *data)
{
	struct worker *w = data;
	struct rnd_state rnd;
	struct sg_table table;
	unsigned int i;

	prandom_seed_state(&rnd, w->seed);
	for (i = 0; i < 200; i++) {
		if (sg_fill(&table, 1 + prandom_u32_state(&rnd) % 40))
			break;
		if (dma_map_sgtable(&w->pdev->dev, &table, DMA_BIDIRECTIONAL, 0)) {
			w->wrong++;
		} else {
			w->wrong += !sg_reached(&table, w->vsid);
			dma_unmap_sgtable(&w->pdev->dev, &table,
					  DMA_BIDIRECTIONAL, 0);
		}
		sg_release(&table);
	}
	complete(&w->done);
	return 0;
}

static void test_concurrent(struct pci_dev *pdev, int vsid)
{
	unsigned long before = fake_hyp_counts().pages;
	struct worker workers[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i] = (struct worker) {
			.pdev = pdev, .vsid = vsid, .seed = i + 1,
		};
		init_completion(&workers[i].done);
		if (!check(!IS_ERR(kthread_run(worker_run, &workers[i],
					       "portcullis-%u", i))))
			complete(&workers[i].done);
	}
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		wait_for_completion(&workers[i].done);
		check(workers[i].wrong == 0);
	}
	check(fake_hyp_counts().pages == before);
}

#define SPACE_PAGES	256
#define SPACE_IOVA	SZ_1G

/* The domain's own tree, the hypervisor's and @shadow say the same. */
static bool space_agrees(struct iommu_domain *domain, int vsid,
			 const phys_addr_t *shadow)
{
	unsigned int i;
	u64 ipa;
	u32 prot;

	for (i = 0; i < SPACE_PAGES; i++) {
		dma_addr_t iova = SPACE_IOVA + i * PAGE_SIZE;

		if (iommu_iova_to_phys(domain, iova) != shadow[i])
			return false;
		if (fake_hyp_translate(vsid, iova, &ipa, &prot))
			ipa = 0;
		if (ipa != shadow[i])
			return false;
	}
	return true;
}

/* Maps and unmaps runs that have nothing to do with each other, then all. */
static void space_walk(struct iommu_domain *domain, int vsid,
		       phys_addr_t *shadow)
{
	struct rnd_state rnd;
	unsigned int step, i;

	prandom_seed_state(&rnd, 1);
	for (step = 0; step < 2000 && !failures; step++) {
		unsigned int first = prandom_u32_state(&rnd) % SPACE_PAGES;
		unsigned int most = min(SPACE_PAGES - first, 40U);
		unsigned int want = 1 + prandom_u32_state(&rnd) % most;
		unsigned long iova = SPACE_IOVA + first * PAGE_SIZE;
		phys_addr_t phys = (1 + prandom_u32_state(&rnd) % 0xfffff) *
				   PAGE_SIZE;
		bool mapped = shadow[first];
		unsigned int n = 0;

		while (n < want && !!shadow[first + n] == mapped)
			n++;
		if (mapped) {
			check(iommu_unmap(domain, iova, n * PAGE_SIZE) ==
			      n * PAGE_SIZE);
		} else {
			check(!iommu_map(domain, iova, phys, n * PAGE_SIZE,
					 IOMMU_READ | IOMMU_WRITE, GFP_KERNEL));
		}
		for (i = 0; i < n; i++)
			shadow[first + i] = mapped ? 0 : phys + i * PAGE_SIZE;
		check(space_agrees(domain, vsid, shadow));
	}
	for (i = 0; i < SPACE_PAGES; i++)
		if (shadow[i])
			check(iommu_unmap(domain, SPACE_IOVA + i * PAGE_SIZE,
					  PAGE_SIZE) == PAGE_SIZE);
}

/* A list that fails half way, before any of it was sent. */
static void space_list(struct iommu_domain *domain)
{
	unsigned long before = fake_hyp_counts().pages;
	struct sg_table table;

	/* Of one, two, four and one pages. */
	if (!check(!sg_fill(&table, 4)))
		return;
	check(!iommu_map(domain, SPACE_IOVA + SZ_16K, SZ_1M, SZ_4K, IOMMU_READ,
			 GFP_KERNEL));
	check(iommu_map_sg(domain, SPACE_IOVA, table.sgl, table.nents,
			   IOMMU_READ, GFP_KERNEL) == -EEXIST);
	check(fake_hyp_counts().pages == before + 1);
	check(!iommu_iova_to_phys(domain, SPACE_IOVA));
	check(iommu_unmap(domain, SPACE_IOVA + SZ_16K, SZ_4K) == SZ_4K);
	sg_release(&table);
}

static void test_space(struct pci_dev *pdev, int vsid)
{
	unsigned long before = fake_hyp_counts().pages;
	struct iommu_domain *domain;
	phys_addr_t *shadow;

	shadow = kcalloc(SPACE_PAGES, sizeof(*shadow), GFP_KERNEL);
	domain = iommu_paging_domain_alloc(&pdev->dev);
	if (!check(shadow) || !check(!IS_ERR(domain)))
		goto out;
	if (!check(!iommu_attach_device(domain, &pdev->dev)))
		goto out_free;

	space_walk(domain, vsid, shadow);
	space_list(domain);
	/* What is mapped cannot be mapped again, and stays. */
	check(!iommu_map(domain, SPACE_IOVA, SZ_1M, SZ_4K, IOMMU_READ,
			 GFP_KERNEL));
	check(iommu_map(domain, SPACE_IOVA, SZ_2M, SZ_4K, IOMMU_READ,
			GFP_KERNEL) == -EEXIST);
	check(iommu_iova_to_phys(domain, SPACE_IOVA + 1) == SZ_1M + 1);
	/* A hole ends an unmap. */
	check(iommu_unmap(domain, SPACE_IOVA, SZ_64K) == SZ_4K);
	/* A refusal in a long run undoes what was done of it. */
	fake_hyp_refuse_page(SZ_1M + 30 * SZ_4K);
	check(iommu_map(domain, SPACE_IOVA, SZ_1M, SZ_256K, IOMMU_READ,
			GFP_KERNEL) == -ENOMEM);
	fake_hyp_refuse_page(0);
	check(!iommu_iova_to_phys(domain, SPACE_IOVA));
	check(fake_hyp_counts().pages == before);
	/* Freed with mappings in it, and the device is where it was. */
	check(!iommu_map(domain, SPACE_IOVA, SZ_1M, SZ_64K, IOMMU_READ,
			 GFP_KERNEL));
	iommu_detach_device(domain, &pdev->dev);
out_free:
	iommu_domain_free(domain);
	check(fake_hyp_counts().pages == before);
out:
	kfree(shadow);
}

/* Who claims a group gets it blocked. */
static void test_claim(void)
{
	unsigned int attached = fake_hyp_counts().attached;

	check(!iommu_device_claim_dma_owner(&multi0->dev, &failures));
	check(fake_hyp_counts().attached == attached - 2);
	iommu_device_release_dma_owner(&multi0->dev);
	check(fake_hyp_counts().attached == attached);

	/* One requester id for both. */
	check(!iommu_device_claim_dma_owner(&bus0->dev, &failures));
	check(fake_hyp_counts().attached == attached - 1);
	iommu_device_release_dma_owner(&bus0->dev);
	check(fake_hyp_counts().attached == attached);
}

/* A function leaves and comes back; the others do not notice. */
static void test_hotplug(void)
{
	struct pci_bus *bus = bus1->bus, *slots = multi2->bus;
	struct fake_counts before = fake_hyp_counts(), now;

	pci_stop_and_remove_bus_device_locked(bus1);
	pci_stop_and_remove_bus_device_locked(multi2);
	now = fake_hyp_counts();
	check(now.assigned == before.assigned);
	check(now.resets == before.resets);
	check(now.attached == before.attached - 1);

	/* The last function of a slot takes the slot along. */
	pci_stop_and_remove_bus_device_locked(single);
	now = fake_hyp_counts();
	check(now.assigned == before.assigned - 1);
	check(now.attached == before.attached - 2);

	devices_put();
	pci_lock_rescan_remove();
	pci_rescan_bus(slots);
	pci_rescan_bus(bus);
	pci_unlock_rescan_remove();
	devices_get();
	now = fake_hyp_counts();
	check(now.assigned == before.assigned);
	check(now.attached == before.attached);
	check(group_of(multi0) == group_of(multi2));
	check(group_of(bus0) == group_of(bus1));
}

static void test_devices(void)
{
	int multi = fake_hyp_vsid(FAKE_DEV_MULTI, 1);
	int one = fake_hyp_vsid(FAKE_DEV_SINGLE, 0);

	/* No multiple of each other, nor divisors of what is asked for. */
	fake_hyp_steps(7, 5);
	test_map_single(multi2, multi);
	test_coherent(multi2);
	test_map_sg(multi2, multi);
	test_map_sg(bus1, fake_hyp_vsid(FAKE_DEV_BUS, 0));
	test_space(single, one);
	test_concurrent(single, one);
	/* As roomy as a real hypervisor: whole lists in one call. */
	fake_hyp_steps(PVIOMMU_MAX_PAGES, PVIOMMU_MAX_PAGES);
	test_map_single(multi2, multi);
	test_map_sg(multi2, multi);
	test_concurrent(single, one);
}

static void test_round(void)
{
	unsigned long calls = fake_hyp_counts().attach_calls;

	if (!iommu_add())
		return;
	test_probe(calls);
	test_claim();
	if (!check(!pci_register_driver(&fake_driver))) {
		iommu_remove();
		return;
	}
	check(single->dev.driver && multi2->dev.driver && bus1->dev.driver);
	test_devices();
	test_hotplug();

	/* The pvIOMMU goes first: the core takes the drivers off before. */
	iommu_remove();
	check(!single->dev.driver && !multi2->dev.driver && !bus1->dev.driver);
	check(!group_of(single) && !group_of(multi0) && !group_of(bus0));
	check_nothing_held();

	/* And they can be used without it. */
	check(device_attach(&single->dev) == 1);
	check(single->dev.driver);
	pci_unregister_driver(&fake_driver);
}

static int __init selftest_init(void)
{
	struct fake_counts now;
	int ret;

	fake_hyp_init();
	ret = pcl_driver_register();
	if (ret)
		return ret;
	host_device = platform_device_register_simple("portcullis-selftest", -1,
						      NULL, 0);
	if (IS_ERR(host_device)) {
		ret = PTR_ERR(host_device);
		goto out_driver;
	}
	ret = fake_pci_add(&host_device->dev);
	if (ret)
		goto out_host;

	devices_get();
	if (check(multi0 && multi2 && single && refused && bus0 && bus1)) {
		test_in_use();
		test_round();
		test_round();
	}
	devices_put();

	now = fake_hyp_counts();
	pr_info("%u failures, %u wrong calls, %lu lists, %lu resets\n",
		failures, now.errors, now.list_calls, now.resets);
	ret = failures || now.errors ? -EIO : 0;

	fake_pci_remove();
out_host:
	platform_device_unregister(host_device);
out_driver:
	pcl_driver_unregister();
	fake_hyp_exit();
	return ret;
}

/* Everything was undone when it was loaded. */
static void __exit selftest_exit(void)
{
}

module_init(selftest_init);
module_exit(selftest_exit);

MODULE_DESCRIPTION("Self test of the Portcullis IOMMU driver");
MODULE_LICENSE("Dual BSD/GPL");
