/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paging domains: an IOVA space, its table, its tag. Nested ones: what a guest says of a first stage that is its own; their
 * table and tag are the VM's DMA table's. A domain takes any number of attachments.
 *
 *   FREE --alloc--> LIVE, or NESTED --free--> DYING (steps) --> FREE, with a new generation in its id
 *
 * Slots never move and are never anything but slots while their VM lives, so a lookup needs no
 * lock but the slot's own. The domain lock guards everything in the slot but `flight`.
 */
#ifndef IOMMU_DOMAIN_H
#define IOMMU_DOMAIN_H

#include "budget.h"
#include "hyp/iommu_hw.h"
#include "hyp/lock.h"
#include "hyp/platform.h"

struct vm;
struct vcpu;

#define DOMAIN_MAX       4096u /* per VM */
#define DOMAINS_PER_PAGE 8u
#define DOMAIN_PAGES     (DOMAIN_MAX / DOMAINS_PER_PAGE)
/* Pool pages that a VM must have for each domain slot it gets. */
#define DOMAIN_POOL_SHARE 4u

enum domain_state { DOMAIN_FREE,
		    DOMAIN_LIVE, /* of paging: what most calls look for */
		    DOMAIN_NESTED,
		    DOMAIN_DYING };

/* Addresses that an unmap has cleared and whose invalidation is not complete yet. */
struct domain_flight {
	u64 base;
	u64 size; /* 0: none */
};

struct domain {
	struct spinlock lock;
	u32 id;        /* generation * DOMAIN_MAX + index + 1 */
	u8 state;
	u16 index;
	u32 next_free; /* vm lock */
	struct vm *vm;
	struct pt pt;
	struct iommu_tag tag;
	struct iommu *iommu;           /* of a nested domain: what it was checked for; of paging: NULL */
	struct nested_config nested;
	u32 attached;                  /* attachments */
	u16 attached_on[IOMMU_MAX];    /* of them, by IOMMU */
	u32 flights_begun;             /* unmaps that wait, or have waited, for hardware */
	u32 flights_ended;             /* of them; without the lock, atomically */
	u64 mapped;      /* bytes */
	u64 cursor;      /* DYING: everything below is unmapped */
	struct domain_flight flight[8]; /* by CPU; written by that CPU, set under the lock */
};
_Static_assert(sizeof(struct domain) <= 4096 / DOMAINS_PER_PAGE, "slots fit their page");
_Static_assert(MACHINE_MAX_CPUS <= 8, "one flight per CPU");

void domain_unlock(struct domain *d) RELEASES(domain_class);

/* Slots for a VM, from its pool; E_NOMEM. Called once when the VM is made. */
enum status domain_table_init(struct vm *vm, u64 pool_pages) MUST_CHECK;

static inline bool domain_is_nested(const struct domain *d)
{
	return d->iommu != NULL;
}

/*
 * The live paging domain that `id` (all 64 bits count) names in this VM, locked in *out. False with
 * *why: E_NOENT, E_BUSY while it is being freed, or E_DENIED: it is nested.
 */
bool domain_get(struct vm *vm, u64 id, struct domain **out, enum status *why)
	ACQUIRES_IF(true, domain_class) NOT_HELD(page_class);

/* The same for either kind. */
bool domain_get_any(struct vm *vm, u64 id, struct domain **out, enum status *why)
	ACQUIRES_IF(true, domain_class) NOT_HELD(page_class);

/* E_NOMEM: slots, tags or pool pages are exhausted. Locks: takes vm, domain. */
enum status domain_alloc(struct vm *vm, u32 *id) MUST_CHECK NOT_HELD(vm_class);
/* A nested one, of what the driver of `iommu` has checked. E_NOMEM: slots. */
enum status domain_alloc_nested(struct vm *vm, struct iommu *iommu, const struct nested_config *config, u32 *id)
	MUST_CHECK MUST_HOLD(vm_class);

/*
 * Remove a domain in bounded steps: *again is set while there is more to do. E_NOENT, E_BUSY
 * while attached or while an unmap is in flight. Locks: takes vm, domain, page.
 */
enum status domain_free(struct vcpu *vcpu, u64 id, bool *again) MUST_CHECK NOT_HELD(vm_class);

u32 domain_left(struct vm *vm) NOT_HELD(vm_class);

/*
 * Teardown of a VM whose streams are all blocked and whose vCPUs run no more: remove its domains in
 * bounded steps. *cursor starts at 0. A domain whose tag some IOMMU may still hold is left, with its
 * pages pinned, and *lost is set. True: no more to do.
 */
bool domain_teardown_step(struct vm *vm, u64 *cursor, bool *lost) MUST_HOLD(vm_class);
/* The slots themselves, at the end of that. */
void domain_table_fini(struct vm *vm) MUST_HOLD(vm_class);

/* For the debug console: what the slot `index` holds; false: nothing, or no such slot. */
struct domain_facts {
	u32 id;
	u8 state;
	u32 attached;
	u32 flights;
	u64 mapped;
	struct iommu_tag tag;
};
bool domain_facts(struct vm *vm, u32 index, struct domain_facts *out) MUST_HOLD(vm_class);

/* An attachment through `iommu` begins (before hardware may use the table) or has ended. */
void domain_use(struct domain *d, const struct iommu *iommu) MUST_HOLD(domain_class);
enum status domain_unuse(struct domain *d, struct iommu *iommu) MUST_CHECK
	MUST_HOLD(domain_class);

/* Does an unmap still wait for hardware? Then its addresses are in flight[]. */
static inline bool domain_in_flight(const struct domain *d) MUST_HOLD(domain_class)
{
	return d->flights_begun != __atomic_load_n(&d->flights_ended, __ATOMIC_ACQUIRE);
}

/* One piece of a map request; checked by the caller for granule, wrap and prot bits. */
struct map_request {
	iova_t iova;
	ipa_t ipa;
	u64 size;
	u32 prot; /* PVIOMMU_PROT_* */
};

/*
 * The whole of a map in the common case: one run of 4 KiB leaves, or one block of 2 MiB, in one
 * table that is there. False: nothing has changed, domain_map() does it or says why not.
 */
bool domain_map_simple(struct vcpu *vcpu, struct domain *d, iova_t at, ipa_t from, u64 size,
		       u32 prot) MUST_HOLD(domain_class);

/*
 * Map as much of `req` as the budget allows: *done is the bytes mapped, none only where it is not
 * whole any more. An error maps nothing. E_INVAL: IOVA outside the space; E_EXIST; E_BUSY: IOVA still
 * in flight or a pin count full; E_FAULT: not the VM's memory; E_DENIED: not its MMIO; E_NOMEM; E_IO.
 * Locks: domain held, takes page.
 */
enum status domain_map(struct vcpu *vcpu, struct domain *d, const struct map_request *req,
		       struct budget *b, u64 *done) MUST_CHECK MUST_HOLD(domain_class);

/*
 * An unmap gathers: pages are cleared from the table now, and become free for other use when
 * domain_unmap_end() has seen the invalidation complete. One gather per CPU at a time.
 */
void domain_unmap_begin(struct domain *d) MUST_HOLD(domain_class);
/*
 * Clear [base, base+size) up to a hole or the budget: *done bytes. E_INVAL at a hole, E_NOMEM or
 * E_BUSY when a block cannot be split; what was done before counts.
 */
enum status domain_unmap_gather(struct domain *d, iova_t base, u64 size, struct budget *b,
				u64 *done) MUST_CHECK MUST_HOLD(domain_class);
/*
 * The whole of begin, gather and end for the common case: one run of leaves in one table. True:
 * done, *status is OK or E_IO, the domain lock is released. False: nothing has changed.
 */
bool domain_unmap_simple(struct vcpu *vcpu, struct domain *d, iova_t base, u64 size,
			 enum status *status) MUST_HOLD(domain_class);

/* Releases the domain lock, waits for the hardware, unpins. E_IO: the pins stay for ever. */
enum status domain_unmap_end(struct vcpu *vcpu, struct domain *d) MUST_CHECK
	RELEASES(domain_class);

/* The IPA and PVIOMMU_PROT_* that an IOVA is mapped to; E_NOENT when it is not. */
enum status domain_lookup(struct domain *d, iova_t at, ipa_t *out, u32 *prot) MUST_CHECK
	MUST_HOLD(domain_class);

#endif
