/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the files of the Portcullis IOMMU driver share.
 *
 * The interface spoken is include/abi/ of the hypervisor's tree, version 1.x.
 */
#ifndef PORTCULLIS_H
#define PORTCULLIS_H

#include <linux/arm-smccc.h>
#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include <abi/hcall.h>
#include <abi/pviommu.h>
#include <abi/status.h>
#include <abi/vmm.h>

#define PCL_OF_COMPATIBLE	"pkvm,pviommu"

struct pci_dev;
struct pcl_slot;

/* One pvIOMMU, that is one "pkvm,pviommu" node. */
struct pcl_iommu {
	struct iommu_device	iommu;
	struct device		*dev;
	struct list_head	node;		/* in pcl_iommus */
	struct list_head	masters;
	struct xarray		endpoints;	/* by vSID */
	struct ida		vsids;		/* those this driver chose */
	u32			id;
	u64			features;
	unsigned int		map_list_max;
	unsigned long		pgsize_bitmap;
	dma_addr_t		aperture_end;
	struct pcl_attach_request *request;
};

/* What an ATTACH_LIST or DETACH_LIST call reads. */
struct pcl_attach_request {
	struct pviommu_attach_list	list;
	u32				vsids[PVIOMMU_MAX_VSIDS];
};

/* One (pvIOMMU, vSID). Functions that share a requester id share this. */
struct pcl_endpoint {
	u32			vsid;
	u32			flags;		/* PVIOMMU_EP_* */
	u32			group;		/* isolation group */
	unsigned int		users;
	bool			collected;	/* is in the request being built */
	struct pcl_domain	*domain;
};

/* A device behind a pvIOMMU; dev_iommu_priv of that device. */
struct pcl_master {
	struct device		*dev;
	struct pcl_iommu	*pv;
	struct list_head	node;		/* in pv->masters */
	struct pcl_slot		*slot;		/* NULL unless in the primary */
	bool			attached;	/* the core put it into a paging domain */
	unsigned int		endpoint_count;
	struct pcl_endpoint	*endpoints[] __counted_by(endpoint_count);
};

/*
 * Guards every list and table above and the slots, and so orders attach,
 * detach, assignment and release. Taken inside iommu_probe_device_lock and
 * group->mutex. Mapping does not take it.
 */
extern struct mutex pcl_lock;
extern struct list_head pcl_iommus;

/* portcullis_hvc.c: the instruction. */

void pcl_smccc(unsigned long fn, unsigned long arg1, unsigned long arg2,
	       unsigned long arg3, unsigned long arg4, unsigned long arg5,
	       unsigned long arg6, struct arm_smccc_res *res);

/* portcullis_hcall.c: calls, and statuses to errno. */

int pcl_call(u32 fn, u64 r1, u64 r2, u64 r3, struct arm_smccc_res *res);
int pcl_op(u32 op, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6,
	   struct arm_smccc_res *res);
int pcl_query(u32 pviommu, u32 property, u32 index, u64 *value);
bool pcl_hypervisor_present(void);

/* True when operation @op, which is 0x40 or more, exists on @pv. */
static inline bool pcl_has_op(const struct pcl_iommu *pv, u32 op)
{
	return pv->features & BIT_ULL(op - PVIOMMU_OP_FIRST_OURS);
}

/* portcullis_iommu.c: devices and what they are attached to. */

int pcl_driver_register(void);
void pcl_driver_unregister(void);
int pcl_attach_dev(struct iommu_domain *domain, struct device *dev);

/* portcullis_domain.c: paging domains. */

struct pcl_domain;

struct iommu_domain *pcl_domain_alloc(struct pcl_iommu *pv);
u32 pcl_domain_id(const struct pcl_domain *d);
bool pcl_domain_fits(const struct pcl_domain *d, const struct pcl_iommu *pv);
struct pcl_domain *to_pcl_domain(struct iommu_domain *domain);
int pcl_domain_cache_create(void);
void pcl_domain_cache_destroy(void);

/* portcullis_device.c: devices that the primary assigns to itself. */

int pcl_slots_read(struct device *dev);
void pcl_slots_free(void);
struct pcl_slot *pcl_slot_claim(struct pci_dev *pdev, struct pcl_iommu **pv,
				u32 *vsid);
void pcl_slot_put(struct pcl_slot *slot);

#endif
