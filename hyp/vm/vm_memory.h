/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that changes hands between the primary, the hypervisor and secondary VMs. A step is bounded: a donation and
 * a teardown by MEMORY_STEP_PAGES, sharing by PC_DONATE_MAX, a pool by PC_POOL_MAX. *done says how many pages it
 * completed, from the first on.
 *
 * Locks: the primary's and the VM's vm lock are held (vm_lock_pair); takes page.
 */
#ifndef VM_VM_MEMORY_H
#define VM_VM_MEMORY_H

#include "hyp/addr.h"
#include "hyp/lock.h"
#include "hyp/status.h"

struct vm;

/* May a VM have something at [at, at+size): pages within its addresses, in no emulated window? */
bool memory_place_ok(const struct vm *vm, u64 at, u64 size);

/*
 * Pages that one call donates, or one step of a teardown takes back: each is cleared and cleaned out of the caches line
 * by line (V9). A block goes in four.
 */
#define MEMORY_STEP_PAGES 128u

/*
 * The primary's pages [from, ..) become the VM's at `at`. E_DENIED: not the primary's alone; E_BUSY: DMA
 * mappings hold one; E_FAULT: not RAM; E_EXIST: the VM has something there; E_NOMEM: its pool; E_INVAL:
 * beyond its addresses or in a window that is emulated; E_IO: an IOMMU did not complete.
 */
enum status memory_donate(struct vm *vm, ipa_t at, ipa_t from, u64 pages, u32 flags, u64 *done) MUST_CHECK
	MUST_HOLD(vm_class);

/* The VM's pages at `at` may be used by the primary too, or no longer. *where: the primary's IPA of the first. */
enum status memory_share(struct vm *vm, ipa_t at, u64 pages, u64 *done, ipa_t *where) MUST_CHECK
	MUST_HOLD(vm_class);
enum status memory_unshare(struct vm *vm, ipa_t at, u64 pages, u64 *done, ipa_t *where) MUST_CHECK
	MUST_HOLD(vm_class);
/* One page goes back to the primary, scrubbed. E_DENIED: shared; E_BUSY: DMA mappings. */
enum status memory_relinquish(struct vm *vm, ipa_t at, ipa_t *where) MUST_CHECK MUST_HOLD(vm_class);

/* The primary's pages become the hypervisor's, for a pool: at most PC_POOL_MAX. As memory_donate. */
enum status memory_take_pool(pa_t from, u64 pages) MUST_CHECK MUST_HOLD(vm_class);
/* Pages of the hypervisor's that nothing uses go back to the primary, scrubbed. What that costs of MEMORY_STEP_PAGES. */
u64 memory_return_pool(pa_t base, u64 pages) MUST_HOLD(vm_class);

/*
 * Teardown: what the VM still maps goes back, from `*cursor` on, at most MEMORY_STEP_PAGES a step. No
 * CPU runs the VM, and nothing of it is in a TLB; its domains are gone. True: nothing is left.
 */
bool memory_reclaim_step(struct vm *vm, u64 *cursor) MUST_HOLD(vm_class);

#endif
