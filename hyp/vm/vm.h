/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual machines: what each owns. Handle 1 is the primary, whose memory is identity mapped (IPA ==
 * PA); up to VM_SECONDARIES others are made and ended by it.
 *
 *   FREE --create--> BUILDING --finalise, or the first run--> FINAL --destroy--> DYING --> FREE,
 *                        +------------------------------------ destroy ----------^   with a new handle
 *
 * struct vm never moves and is never anything else, so a stale pointer or handle finds a VM that is
 * not its own and nothing worse. The vm lock guards the configuration of the VM's devices, pvIOMMUs,
 * views and set of domains. Whoever takes two takes the primary's first (vm_lock_pair).
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
#define VM_NAMES        1024u /* as many as there are endpoints */
#define VM_SECONDARIES  64u
#define VM_GUARDS       (PAGE_SIZE / sizeof(u64)) /* pages of MMIO that a VM may guard */

/* A handle is slot + 1, and above HANDLE_SLOTS how often the slot was used before. */
#define HANDLE_SLOTS 256u
_Static_assert(VM_SECONDARIES + 1 < HANDLE_SLOTS, "each slot has a handle");

enum vm_state { VM_FREE,
		VM_BUILDING,
		VM_FINAL,
		VM_DYING };

/* How far a teardown is; each stage is done in steps. vm_life.c. */
enum vm_teardown { TEARDOWN_VCPUS,
		   TEARDOWN_DEVICES,
		   TEARDOWN_RINGS,
		   TEARDOWN_DOMAINS,
		   TEARDOWN_HOME,
		   TEARDOWN_DMA,
		   TEARDOWN_MEMORY,
		   TEARDOWN_TABLES,
		   TEARDOWN_POOL };

/* Counted by one vCPU alone, so without atomics; sums over the vCPUs are the VM's figures. */
struct vm_stat {
	u64 maps;
	u64 unmaps;
	u64 pins;   /* pages; may wrap below zero on one vCPU, the sum does not */
	u64 mapped; /* bytes, likewise */
};

struct vm {
	struct spinlock lock;
	u32 handle;   /* changes when the VM has gone: vm lock */
	u8 owner;     /* in page records */
	u8 state;     /* enum vm_state; vm lock, read without for a hint */
	bool primary;

	struct pviommu pviommu[VM_MAX_PVIOMMUS]; /* vm lock; their ring locks outlive the VM, as its own does */

	/* From here on all is zero while the slot is free. */
	struct pool pool;
	struct pt cpu_pt; /* the CPUs' stage 2 */
	struct vm_cpu_view view;

	/* What identity and nested streams of this VM translate by: separate from the CPUs'. No ops: it has none. */
	struct pt dma_pt;
	struct iommu_tag dma_tag;

	u16 paging_vmid;      /* tag of stage-1 paging streams where stage 2 exists */
	struct idmap *asids;  /* of this VM where stage 2 exists, else of the machine */
	struct idmap own_asids;
	u32 asid_order;       /* pages of own_asids */

	struct domain *domain_page[DOMAIN_PAGES]; /* DOMAINS_PER_PAGE each; constant once set */
	u32 domain_max;
	u32 domain_free;      /* index + 1 of the first slot that was freed, chained; 0: none; vm lock */
	u32 domain_fresh;     /* slots from here on were never used; vm lock */
	u32 domain_count;     /* in use; vm lock, STATS reads it without: a figure of that moment */

	u16 by_name[VM_NAMES]; /* endpoints in order of (pvIOMMU, vSID): device.c; vm lock, like the next */
	u32 name_count;

	struct vcpu vcpu[VM_MAX_VCPUS];
	struct vm_stat stat[VM_MAX_VCPUS];

	/* --- secondaries; vm lock but where it says otherwise */
	void *vcpu_state[VM_MAX_VCPUS];
	struct hcall *calls;  /* a page of them */
	u64 *guard;           /* a page: IPAs of guarded MMIO pages, guard_count of them */
	u32 guard_count;
	bool open_mmio;       /* not enrolled yet: what is nobody's exits to the primary */
	u32 runners;          /* vCPUs inside VCPU_RUN; atomic, grows under the vm lock only */
	u64 pages;            /* donated to it */
	u64 pages_lost;       /* that hardware may still reach: nobody's for ever */
	bool tags_lost;       /* and an IOMMU may hold entries under its tags */
	bool dma_lost;        /* or still walk its DMA table: all its memory is lost then */
	u8 teardown;          /* enum vm_teardown */
	u64 cursor;           /* of the stage */
};

void vm_lock(struct vm *vm) ACQUIRES(vm_class) NOT_HELD(domain_class, page_class, queue_class);
void vm_unlock(struct vm *vm) RELEASES(vm_class);
/* The primary's lock, and the VM's if that is another. Device ownership changes only under both. */
void vm_lock_pair(struct vm *vm) ACQUIRES(vm_class) NOT_HELD(domain_class, page_class, queue_class);
void vm_unlock_pair(struct vm *vm) RELEASES(vm_class);

/*
 * The owner of a device, which can change before it is locked: locked as a pair, and returned. NULL:
 * it has none, and only the primary is locked. For vm_unlock_pair(owner or vm_primary).
 */
struct vm *vm_lock_owner(struct vm *const *owner) ACQUIRES(vm_class) NOT_HELD(domain_class, page_class, queue_class);

/*
 * The primary: owns all RAM that page_init() gave it; `tables` is where its two views' tables
 * come from, `pool` its own pool for domains. Boot.
 */
void vm_primary_init(const struct machine *m, struct pool *tables, struct range pool);
/* MMIO of a device of the primary, for its CPUs and its devices. Boot. */
void vm_primary_add_mmio(struct range mmio);
extern struct vm *vm_primary;
/* Room for secondaries; boot, before the boot heap is closed. */
void vm_table_init(void);
/* The slots: index 0 is the primary. NULL beyond the last. */
struct vm *vm_at(u32 index);

/* The state, for who looks again under the lock or only wants a hint; set under the lock. */
static inline u8 vm_state(const struct vm *vm) { return __atomic_load_n(&vm->state, __ATOMIC_RELAXED); }
static inline void vm_state_set(struct vm *vm, u8 state) { __atomic_store_n(&vm->state, state, __ATOMIC_RELAXED); }

/*
 * The VM of a handle, locked as a pair with the primary: OK, or E_NOENT, or E_BUSY while it is being
 * destroyed, with nothing locked. vm_find: without a lock, for what looks again under one.
 */
enum status vm_get(u64 handle, struct vm **out) MUST_CHECK NOT_HELD(vm_class);
struct vm *vm_find(u64 handle);

/*
 * Translate by the VM's own map. False: nothing is mapped there for this VM. Says nothing about
 * what may be done with the page: that is its record. Locks: page or vm (or none for the primary).
 */
bool vm_ipa_to_pa(const struct vm *vm, ipa_t addr, pa_t *out);
/* The same for a range: *room is how much of `size` from addr on is physically consecutive. */
bool vm_ipa_extent(const struct vm *vm, ipa_t addr, u64 size, pa_t *out, u64 *room);
/* The VM's name for a physical address of memory that it has pinned, or of its MMIO. E_NOENT. */
enum status vm_pa_to_ipa(const struct vm *vm, pa_t addr, ipa_t *out) MUST_CHECK;

/* A figure of the VM, by the name of a member of struct vm_stat: the sum over its vCPUs. */
#define VM_STAT(vm, member) vm_stat_sum(vm, offsetof(struct vm_stat, member))
static inline u64 vm_stat_sum(const struct vm *vm, u64 offset)
{
	u64 sum = 0;

	for (u32 i = 0; i < VM_MAX_VCPUS; i++)
		sum += *(const u64 *)((const char *)&vm->stat[i] + offset);
	return sum;
}

/* Tags for the VM's streams, and the map of its ASIDs from `pool`: E_NOMEM. vm_tags_free gives back what is not in use. */
enum status vm_tags_init(struct vm *vm) MUST_CHECK;
enum status vm_asids_init(struct vm *vm, struct pool *pool) MUST_CHECK;
void vm_tags_free(struct vm *vm);

#endif
