/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two views of a VM's memory: by its CPUs (stage 2) and by devices in its identity domain or behind a first stage of
 * its own (the DMA table, which a secondary has only if it was made with PC_VM_NESTED). They follow ownership and never
 * lead it: what leaves somebody leaves the DMA view, then the CPU view, then all caches, and only then changes hands; what
 * arrives is mapped after that.
 *
 * Locks: views are written under the vm lock. A secondary's CPU view is also read under the page lock
 * alone (guest_copy, pins), so where a block of it is split, that lock is held over the gap.
 */
#ifndef VM_VIEW_H
#define VM_VIEW_H

#include "hyp/lock.h"
#include "hyp/pt.h"
#include "hyp/status.h"

struct vm;

#define VIEW_RAM  (PT_READ | PT_WRITE | PT_EXEC) /* of CPUs */
#define VIEW_DMA  (PT_READ | PT_WRITE)
#define VIEW_MMIO (PT_READ | PT_WRITE | PT_DEVICE)

/*
 * Map a range in both views, with `cpu` and `dma` access. All or nothing: E_EXIST, E_NOMEM, E_INVAL.
 * view_merge() then lets small leaves become blocks again where the page records say that all of a
 * block is the VM's. It answers for how many blocks it looked at tables, which takes long.
 */
enum status view_add(struct vm *vm, ipa_t at, pa_t out, u64 size, u32 cpu, u32 dma) MUST_CHECK
	MUST_HOLD(vm_class);
u32 view_merge(struct vm *vm, ipa_t at, u64 size) MUST_HOLD(vm_class);
/* The same for the 2 MiB at `at` of a secondary, which came piece by piece; both views. */
void view_merge_pieces(struct vm *vm, ipa_t at) MUST_HOLD(vm_class);

/*
 * Tables in both views for a range that is not mapped now, so that view_commit() or view_add() of it cannot fail.
 * E_EXIST: some of it is mapped; E_NOMEM; E_INVAL: beyond a view. view_unreserve(), with nothing else reserved on this CPU
 * in between, takes them back.
 */
enum status view_reserve(struct vm *vm, ipa_t at, pa_t out, u64 size) MUST_CHECK MUST_HOLD(vm_class);
void view_unreserve(struct vm *vm, ipa_t at, u64 size) MUST_HOLD(vm_class);
void view_commit(struct vm *vm, ipa_t at, pa_t out, u64 size, u32 cpu, u32 dma) MUST_HOLD(vm_class);

/*
 * Remove a range from both views, with completion on every CPU and IOMMU. All or nothing: E_NOMEM: no
 * table to split a block; E_IO: an IOMMU did not complete, and everything is as before.
 */
enum status view_remove(struct vm *vm, ipa_t at, u64 size) MUST_CHECK MUST_HOLD(vm_class);

/* The same for what is lost: out of both views, whether or not an IOMMU can be made to forget it. */
void view_drop(struct vm *vm, ipa_t at, u64 size) MUST_HOLD(vm_class);

/*
 * The first part of a range, or the last, that may be added or removed within the budget of a call (V9), of which it takes its
 * share; 0: nothing is left of that. Parts end where leaves do, of what is mapped and of what is to be.
 */
#define VIEW_BUDGET 32u
u64 view_part(const struct vm *vm, ipa_t at, pa_t out, u64 size, bool last, u32 *budget) MUST_HOLD(vm_class);

/* Is the address mapped for the VM's CPUs now? Waits for a change that is under way. */
bool view_has(struct vm *vm, ipa_t at) NOT_HELD(vm_class);

#endif
