// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Paging domains: map, unmap and what is mapped where.
 *
 * The hypervisor holds the tables the hardware walks. This side keeps a tree of
 * the same mappings, because the DMA API asks for the physical address behind
 * an IOVA on every unmap, from any context, and that must not cost a call.
 *
 * Maps are queued: map_pages() puts the mapping into the tree and into the
 * queue, iotlb_sync_map() sends the queue. The IOMMU core calls the first once
 * per piece of a scatter list and the second once at its end, so a list costs
 * one call and one invalidation. A queue may hold pieces of several lists built
 * on several CPUs; whoever sends it sends all, and what the hypervisor refuses
 * is marked in the tree, where the owner of the piece finds it.
 *
 * Unmaps are not queued: the pages must be out of the device's reach, and that
 * is true when the call returns.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "portcullis.h"

/* The queue is one page, so that it is contiguous for the hypervisor too. */
#define PCL_QUEUE_MAX \
	min_t(size_t, PVIOMMU_MAX_LIST, \
	      PAGE_SIZE / sizeof(struct pviommu_map_entry))

/* One IOVA range that is contiguous in IPA. */
struct pcl_mapping {
	struct interval_tree_node	node;	/* both ends inclusive */
	phys_addr_t			paddr;
	int				error;	/* the hypervisor refused it */
};

struct pcl_domain {
	struct iommu_domain		domain;
	u32				id;
	unsigned int			queue_max;
	bool				has_list;

	/*
	 * Guards all below, is held over calls that map and never over calls
	 * that unmap, which wait for hardware.
	 */
	spinlock_t			lock;
	struct rb_root_cached		mappings;
	unsigned int			refused;	/* mappings with an error */
	unsigned int			queued;
	struct pviommu_map_list		list;
	struct pviommu_map_entry	*entries;	/* 0..queued */
	struct pcl_mapping		**owners;	/* of entries[i] */
};

static struct kmem_cache *mapping_cache;

int pcl_domain_cache_create(void)
{
	mapping_cache = KMEM_CACHE(pcl_mapping, 0);
	return mapping_cache ? 0 : -ENOMEM;
}

void pcl_domain_cache_destroy(void)
{
	kmem_cache_destroy(mapping_cache);
}

struct pcl_domain *to_pcl_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct pcl_domain, domain);
}

u32 pcl_domain_id(const struct pcl_domain *d)
{
	return d->id;
}

/* A domain made for one pvIOMMU serves another that sees the same addresses. */
bool pcl_domain_fits(const struct pcl_domain *d, const struct pcl_iommu *pv)
{
	return d->domain.pgsize_bitmap == pv->pgsize_bitmap &&
	       d->domain.geometry.aperture_end == pv->aperture_end;
}

static u32 pcl_prot(int prot)
{
	u32 out = 0;

	if (prot & IOMMU_READ)
		out |= PVIOMMU_PROT_READ;
	if (prot & IOMMU_WRITE)
		out |= PVIOMMU_PROT_WRITE;
	if (prot & IOMMU_CACHE)
		out |= PVIOMMU_PROT_CACHE;
	if (prot & IOMMU_NOEXEC)
		out |= PVIOMMU_PROT_NOEXEC;
	if (prot & IOMMU_MMIO)
		out |= PVIOMMU_PROT_MMIO;
	if (prot & IOMMU_PRIV)
		out |= PVIOMMU_PROT_PRIV;
	return out;
}

static struct pcl_mapping *mapping_first(struct pcl_domain *d,
					 unsigned long iova, unsigned long last)
{
	struct interval_tree_node *node;

	node = interval_tree_iter_first(&d->mappings, iova, last);
	return node ? container_of(node, struct pcl_mapping, node) : NULL;
}

static struct pcl_mapping *mapping_next(struct pcl_mapping *m,
					unsigned long iova, unsigned long last)
{
	struct interval_tree_node *node;

	node = interval_tree_iter_next(&m->node, iova, last);
	return node ? container_of(node, struct pcl_mapping, node) : NULL;
}

static void mapping_insert(struct pcl_domain *d, struct pcl_mapping *m,
			   unsigned long iova, unsigned long last,
			   phys_addr_t paddr)
{
	m->node.start = iova;
	m->node.last = last;
	m->paddr = paddr;
	interval_tree_insert(&m->node, &d->mappings);
}

/*
 * Takes [@iova, @last] out of the tree. Ends that stick out stay; a mapping
 * that loses its middle needs @spare for its second half and takes it.
 */
static void mapping_erase(struct pcl_domain *d, unsigned long iova,
			  unsigned long last, struct pcl_mapping **spare)
{
	struct pcl_mapping *m;

	while ((m = mapping_first(d, iova, last))) {
		unsigned long start = m->node.start, end = m->node.last;
		phys_addr_t paddr = m->paddr;
		struct pcl_mapping *tail = m;

		interval_tree_remove(&m->node, &d->mappings);
		if (start < iova) {
			mapping_insert(d, m, start, iova - 1, paddr);
			tail = *spare;
		}
		if (end > last) {
			if (start < iova) {
				*spare = NULL;
				tail->error = m->error;
				d->refused += !!m->error;
			}
			mapping_insert(d, tail, last + 1, end,
				       paddr + (last + 1 - start));
		} else if (start >= iova) {
			d->refused -= !!m->error;
			kmem_cache_free(mapping_cache, m);
		}
	}
}

/* Repeats the call until all is unmapped; *@done counts also on error. */
static int hv_unmap(struct pcl_domain *d, unsigned long iova, size_t size,
		    size_t *done)
{
	struct arm_smccc_res res;
	int ret = 0;

	for (*done = 0; !ret && *done < size; *done += res.a1) {
		ret = pcl_op(PVIOMMU_UNMAP_PAGES, d->id, iova + *done,
			     size - *done, 0, 0, &res);
		if (WARN_ON_ONCE(res.a1 > size - *done || (!ret && !res.a1)))
			return -EIO;
	}
	return ret;
}

/*
 * Sends entries @first and on. *@done is the bytes now mapped, in the order of
 * the entries; the last one reached may be mapped in part if there is no error.
 */
static int hv_map(struct pcl_domain *d, unsigned int first, size_t *done)
{
	const struct pviommu_map_entry *e = &d->entries[first];
	unsigned int count = d->queued - first;
	struct arm_smccc_res res;
	int ret;

	if (count == 1 || !d->has_list) {
		ret = pcl_op(PVIOMMU_MAP_PAGES, d->id, e->iova, e->ipa,
			     e->bytes, e->prot, &res);
	} else {
		d->list = (struct pviommu_map_list) {
			.size = sizeof(d->list),
			.domain = d->id,
			.entry_len = sizeof(*e),
			.entry_num = count,
			.entries_ipa = virt_to_phys((void *)e),
		};
		ret = pcl_op(PVIOMMU_MAP_LIST, virt_to_phys(&d->list),
			     0, 0, 0, 0, &res);
	}
	*done = res.a1;

	/* A call that says yes and did nothing would be repeated for ever. */
	if (WARN_ON_ONCE(!ret && !*done))
		ret = -EIO;
	return ret;
}

/* Entry @i will not be mapped; what an earlier call did of it is undone. */
static void queue_refuse(struct pcl_domain *d, unsigned int i, int error)
{
	struct pcl_mapping *m = d->owners[i];
	size_t mapped = d->entries[i].iova - m->node.start;
	size_t done;

	if (mapped)
		WARN_ON_ONCE(hv_unmap(d, m->node.start, mapped, &done));
	m->error = error;
	d->refused++;
}

static void queue_send(struct pcl_domain *d)
{
	unsigned int i = 0;

	lockdep_assert_held(&d->lock);

	while (i < d->queued) {
		struct pviommu_map_entry *e;
		size_t done;
		int ret;

		ret = hv_map(d, i, &done);
		while (i < d->queued && done >= d->entries[i].bytes)
			done -= d->entries[i++].bytes;
		if (i == d->queued)
			break;

		e = &d->entries[i];
		e->iova += done;
		e->ipa += done;
		e->bytes -= done;
		if (ret)
			queue_refuse(d, i++, ret);
	}
	d->queued = 0;
}

static int pcl_map_pages(struct iommu_domain *domain, unsigned long iova,
			 phys_addr_t paddr, size_t pgsize, size_t pgcount,
			 int prot, gfp_t gfp, size_t *mapped)
{
	struct pcl_domain *d = to_pcl_domain(domain);
	size_t size = pgsize * pgcount;
	struct pcl_mapping *m;
	unsigned long flags;

	m = kmem_cache_zalloc(mapping_cache, gfp);
	if (!m)
		return -ENOMEM;

	spin_lock_irqsave(&d->lock, flags);
	if (mapping_first(d, iova, iova + size - 1)) {
		spin_unlock_irqrestore(&d->lock, flags);
		kmem_cache_free(mapping_cache, m);
		return -EEXIST;
	}
	if (d->queued == d->queue_max)
		queue_send(d);
	mapping_insert(d, m, iova, iova + size - 1, paddr);
	d->owners[d->queued] = m;
	d->entries[d->queued++] = (struct pviommu_map_entry) {
		.iova = iova,
		.ipa = paddr,
		.bytes = size,
		.prot = pcl_prot(prot),
	};
	spin_unlock_irqrestore(&d->lock, flags);

	*mapped = size;
	return 0;
}

/*
 * On error the core unmaps the range, which removes what was refused from the
 * tree and what was mapped from the hypervisor.
 */
static int pcl_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			      size_t size)
{
	struct pcl_domain *d = to_pcl_domain(domain);
	struct pcl_mapping *m = NULL;
	unsigned long flags;
	int ret = 0;

	if (!size)
		return 0;

	spin_lock_irqsave(&d->lock, flags);
	queue_send(d);
	if (d->refused)
		m = mapping_first(d, iova, iova + size - 1);
	for (; m && !ret; m = mapping_next(m, iova, iova + size - 1))
		ret = m->error;
	spin_unlock_irqrestore(&d->lock, flags);
	return ret;
}

/*
 * Length of the run at @iova, at most to @last, that one call can unmap: it
 * ends at a hole and where *@error, which is the run's, changes. *@inside says
 * that the run begins inside a mapping.
 */
static size_t mapping_run(struct pcl_domain *d, unsigned long iova,
			  unsigned long last, int *error, bool *inside)
{
	struct pcl_mapping *m = mapping_first(d, iova, last);
	unsigned long next = iova;

	if (!m || m->node.start > iova)
		return 0;

	*error = m->error;
	*inside = m->node.start < iova;
	while (m && m->error == *error &&
	       (m->node.start == next || next == iova)) {
		if (m->node.last >= last)
			return last - iova + 1;
		next = m->node.last + 1;
		m = mapping_next(m, iova, last);
	}
	return next - iova;
}

static size_t pcl_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			      size_t pgsize, size_t pgcount,
			      struct iommu_iotlb_gather *gather)
{
	struct pcl_domain *d = to_pcl_domain(domain);
	size_t size = pgsize * pgcount, total = 0, run, done;
	unsigned long last = iova + size - 1, flags;
	struct pcl_mapping *spare = NULL;
	bool inside;
	int error;

	while (total < size) {
		spin_lock_irqsave(&d->lock, flags);
		/* An error in the middle of a list comes here unsent. */
		queue_send(d);
		run = mapping_run(d, iova, last, &error, &inside);
		spin_unlock_irqrestore(&d->lock, flags);
		if (!run)
			break;

		/* Nothing can fail any more once the pages are unmapped. */
		if (inside && !spare)
			spare = kmem_cache_zalloc(mapping_cache, GFP_ATOMIC);
		if (inside && !spare)
			break;

		done = run;
		if (!error)
			error = hv_unmap(d, iova, run, &done);
		else
			error = 0;

		if (done) {
			spin_lock_irqsave(&d->lock, flags);
			mapping_erase(d, iova, iova + done - 1, &spare);
			spin_unlock_irqrestore(&d->lock, flags);
		}
		iova += done;
		total += done;
		if (error)
			break;
	}

	if (spare)
		kmem_cache_free(mapping_cache, spare);
	return total;
}

static phys_addr_t pcl_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	struct pcl_domain *d = to_pcl_domain(domain);
	struct pcl_mapping *m;
	phys_addr_t paddr = 0;
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	m = mapping_first(d, iova, iova);
	if (m && !m->error)
		paddr = m->paddr + (iova - m->node.start);
	spin_unlock_irqrestore(&d->lock, flags);
	return paddr;
}

static void domain_destroy(struct pcl_domain *d)
{
	struct pcl_mapping *m, *next;

	rbtree_postorder_for_each_entry_safe(m, next, &d->mappings.rb_root,
					     node.rb)
		kmem_cache_free(mapping_cache, m);
	kfree(d->owners);
	free_page((unsigned long)d->entries);
	kfree(d);
}

/* The hypervisor removes what is still mapped by itself. */
static void pcl_domain_free(struct iommu_domain *domain)
{
	struct pcl_domain *d = to_pcl_domain(domain);
	struct arm_smccc_res res;
	int ret;

	ret = pcl_op(PVIOMMU_FREE_DOMAIN, d->id, 0, 0, 0, 0, &res);
	if (ret)
		pr_err("domain %u stays: %pe\n", d->id, ERR_PTR(ret));
	domain_destroy(d);
}

static const struct iommu_domain_ops pcl_domain_ops = {
	.attach_dev	= pcl_attach_dev,
	.map_pages	= pcl_map_pages,
	.unmap_pages	= pcl_unmap_pages,
	.iotlb_sync_map	= pcl_iotlb_sync_map,
	.iova_to_phys	= pcl_iova_to_phys,
	.free		= pcl_domain_free,
};

struct iommu_domain *pcl_domain_alloc(struct pcl_iommu *pv)
{
	struct arm_smccc_res res;
	struct pcl_domain *d;
	int ret;

	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);

	spin_lock_init(&d->lock);
	d->mappings = RB_ROOT_CACHED;
	d->has_list = pv->map_list_max > 1;
	d->queue_max = clamp_t(size_t, pv->map_list_max, 1, PCL_QUEUE_MAX);
	d->entries = (void *)__get_free_page(GFP_KERNEL);
	d->owners = kcalloc(d->queue_max, sizeof(*d->owners), GFP_KERNEL);
	if (!d->entries || !d->owners) {
		domain_destroy(d);
		return ERR_PTR(-ENOMEM);
	}

	ret = pcl_op(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0, &res);
	if (ret) {
		domain_destroy(d);
		return ERR_PTR(ret);
	}
	d->id = res.a1;
	d->domain.ops = &pcl_domain_ops;
	d->domain.pgsize_bitmap = pv->pgsize_bitmap;
	d->domain.geometry = (struct iommu_domain_geometry) {
		.aperture_end = pv->aperture_end,
		.force_aperture = true,
	};
	return &d->domain;
}
