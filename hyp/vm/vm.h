/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual machines: what each owns. Handle 1 is the primary, whose memory is identity mapped
 * (IPA == PA). struct vm is stable for the life of the VM; its own lock (class vm) guards the
 * configuration of its devices, pvIOMMUs and its set of domains.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "abi/vmm.h"
#include "hyp/iommu_hw.h"
#include "hyp/vm.h"
#include "iommu/domain.h"
#include "lib/idmap.h"
#include "mem/page.h"
#include "mem/pool_priv.h"
#include "pviommu/pviommu.h"

#define VM_MAX_VCPUS    8
#define VM_MAX_PVIOMMUS 8
#define VM_VSID_BUCKETS 256

/* Counted by one vCPU alone, so without atomics; sums over the vCPUs are the VM's figures. */
struct vm_stat {
	u64 maps;
	u64 unmaps;
	u64 pins;   /* pages; may wrap below zero on one vCPU, the sum does not */
	u64 mapped; /* bytes, likewise */
};

struct vm {
	struct spinlock lock;
	u32 handle;
	u8 owner; /* in page records */
	bool primary;

	struct pool pool;
	struct pt cpu_pt; /* the CPUs' stage 2 */
	struct vm_cpu_view view;

	/* What identity and nested streams of this VM translate by: separate from the CPUs'. */
	struct pt dma_pt;
	struct iommu_tag dma_tag;

	u16 paging_vmid;      /* tag of stage-1 paging streams where stage 2 exists */
	struct idmap *asids;  /* of this VM where stage 2 exists, else of the machine; vm lock */
	struct idmap own_asids;

	struct domain *domain_page[DOMAIN_PAGES]; /* DOMAINS_PER_PAGE each; constant once set */
	u32 domain_max;
	u32 domain_free;      /* index + 1 of the first free slot, chained; vm lock */
	u32 domain_count;     /* in use; vm lock */

	struct pviommu pviommu[VM_MAX_PVIOMMUS];               /* vm lock */
	struct endpoint *vsid_bucket[VM_VSID_BUCKETS];         /* by (pvIOMMU, vSID); vm lock */

	struct vcpu vcpu[VM_MAX_VCPUS];
	struct vm_stat stat[VM_MAX_VCPUS];
};

void vm_lock(struct vm *vm) ACQUIRES(vm_class) NOT_HELD(domain_class, page_class, queue_class);
void vm_unlock(struct vm *vm) RELEASES(vm_class);

/*
 * The primary: owns all RAM that page_init() gave it; `tables` is where its two views' tables
 * come from, `pool` its own pool for domains. Boot.
 */
void vm_primary_init(const struct machine *m, struct pool *tables, struct range pool);
/* MMIO of a device of the primary, for its CPUs and its devices. Boot. */
void vm_primary_add_mmio(struct range mmio);
extern struct vm *vm_primary;

/* The VM of a handle, NULL if there is none. */
struct vm *vm_find(u64 handle);

/*
 * Translate by the VM's own map. False: nothing is mapped there for this VM. Says nothing about
 * what may be done with the page: that is its record. Locks: page (or none for the primary).
 */
bool vm_ipa_to_pa(const struct vm *vm, ipa_t addr, pa_t *out);
/* The same for a range: *room is how much of `size` from addr on is physically consecutive. */
bool vm_ipa_extent(const struct vm *vm, ipa_t addr, u64 size, pa_t *out, u64 *room);
/* The VM's name for a physical address of its memory or MMIO. E_NOENT. */
enum status vm_pa_to_ipa(const struct vm *vm, pa_t addr, ipa_t *out) MUST_CHECK;

#endif
