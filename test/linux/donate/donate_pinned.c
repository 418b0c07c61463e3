// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Pages that the disk can reach: in a paging domain they are pinned, and stay.
 * In the hypervisor's identity domain nothing is, and they go from the disk's
 * view as from Linux's.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/pci.h>

#include "donate.h"

#define NVME_ASQ	0x28	/* NVM Express 2.0, 3.1.4.9: admin submission queue */
#define NVME_REGS	0x1000

/* Where the disk finds its commands, at this moment. */
static int queue_refused(struct pci_dev *pdev, struct donate_vm *vm)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	void __iomem *regs = ioremap(pci_resource_start(pdev, 0), NVME_REGS);
	phys_addr_t queue;
	u64 iova;

	if (!regs)
		return -ENOMEM;
	iova = lo_hi_readq(regs + NVME_ASQ);
	iounmap(regs);

	queue = domain ? iommu_iova_to_phys(domain, iova) : 0;
	if (!queue)
		return donate_wrong("the queue at %llx is not mapped", iova);
	return donate_vm_expect(vm, queue, 1, PC_BUSY);
}

/* A pool is taken as donated pages are. */
static int pool_refused(struct donate_chunk *c)
{
	u64 none;
	s32 status = donate_call(PC_VM_CREATE, 0, 1, page_to_phys(c->page),
				 c->count, 0, &none);

	if (status != PC_BUSY)
		return donate_wrong("VM_CREATE with a mapped page: %d", status);
	return 0;
}

/* Page 17 of a block is mapped: it stays, and so does all of a call with it. */
static int mapped_refused(struct pci_dev *pdev, struct donate_vm *vm,
			  struct donate_chunk *c)
{
	phys_addr_t pa = donate_chunk_pa(c);
	struct page *page = c->page + 17;
	dma_addr_t dma;
	int ret;

	dma = dma_map_page(&pdev->dev, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(&pdev->dev, dma))
		return donate_wrong("a page cannot be mapped");
	ret = donate_vm_expect(vm, page_to_phys(page), 1, PC_BUSY) ?:
	      donate_vm_expect(vm, pa, 18, PC_BUSY) ?:
	      donate_vm_expect(vm, pa, c->count, PC_BUSY) ?:
	      pool_refused(c);
	dma_unmap_page(&pdev->dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (ret)
		return ret;

	/* Nothing of it went. */
	c->count = 0;
	ret = donate_chunk_check_rest(c);
	c->count = DONATE_BLOCK_PAGES;
	return ret;
}

static int pinned_check(struct pci_dev *pdev, struct donate_vm *vm,
			struct donate_chunk *c)
{
	int ret = 0;

	if (device_iommu_mapped(&pdev->dev))
		ret = queue_refused(pdev, vm) ?: mapped_refused(pdev, vm, c);
	return ret ?: donate_chunk_give(c, vm, PC_DONATE_KEEP);
}

int donate_pinned(void)
{
	struct pci_dev *pdev = pci_get_class(PCI_CLASS_STORAGE_EXPRESS, NULL);
	struct donate_chunk block;
	struct donate_vm vm;
	int ret;

	if (!pdev)
		return donate_wrong("there is no disk");
	ret = donate_chunk_alloc(&block, DONATE_BLOCK_ORDER, 0,
				 DONATE_BLOCK_PAGES);
	block.ipa = DONATE_IPA;
	if (!ret) {
		ret = donate_vm_create(&vm, 1) ?:
		      pinned_check(pdev, &vm, &block) ?:
		      donate_vm_destroy(&vm) ?:
		      donate_chunk_check_back(&block);
		if (!ret)
			donate_chunk_free(&block);
	}
	pci_dev_put(pdev);
	return ret;
}
