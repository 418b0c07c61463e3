/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a secondary VM: what it is made of, from its own pool, and the stages of its end, in bounded steps. */
#include "vm_life.h"

#include <string.h>

#include "hcall/hcall.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "iommu/nested.h"
#include "pviommu/events.h"
#include "view.h"
#include "vm.h"
#include "vm_memory.h"

/* Pages that a pool must have beyond what a VM is made of: its first tables. */
#define POOL_SPARE 8u
/* Table pages that one step frees. */
#define STEP_TABLES 64u

_Static_assert(VM_MAX_VCPUS * sizeof(struct hcall) <= PAGE_SIZE, "calls fit a page");

static struct pool *tables_pool;

void vm_life_init(struct pool *tables)
{
	tables_pool = tables;
}

u64 vm_tables_free(void)
{
	return pool_free_pages(tables_pool);
}

u32 vm_count(void)
{
	u32 count = 0;

	for (u32 i = 1; i <= VM_SECONDARIES; i++)
		count += vm_state(vm_at(i)) != VM_FREE;
	return count;
}

u64 vm_min_pool(u64 flags, u64 vcpus)
{
	u64 asids = iommu_common.stage1 && iommu_common.stage2 ?
			    align_up(idmap_bytes(1u << iommu_common.asid_bits), PAGE_SIZE) >> PAGE_SHIFT :
			    0;

	/* Calls, guards, one page of domain slots, the view's root, the CPU room's, ASIDs. */
	return 3 + arch_cpu_pt->root_pages + (1ull << arch_vm_order()) + (vcpus << arch_vcpu_order()) +
	       asids + POOL_SPARE + (flags & PC_VM_NESTED ? iommu_common.dma->root_pages + POOL_SPARE : 0);
}

/* --- creation */

bool vm_flags_known(u64 flags)
{
	return (flags & ~(u64)(PC_VM_OPEN_MMIO | PC_VM_NESTED)) == 0 &&
	       (!(flags & PC_VM_NESTED) || nested_possible());
}

static enum status page_of_pool(struct vm *vm, u32 order, void **out)
{
	enum status status;
	pa_t page;

	status = pool_alloc(&vm->pool, order, &page);
	if (status == OK)
		*out = io_phys(page);
	return status;
}

static enum status vcpus_init(struct vm *vm, u32 count)
{
	void *page;
	enum status status = page_of_pool(vm, 0, &page);

	if (status != OK)
		return status;
	vm->calls = page;
	status = page_of_pool(vm, arch_vm_order(), &vm->view.arch);
	for (u32 i = 0; i < count && status == OK; i++)
		status = page_of_pool(vm, arch_vcpu_order(), &vm->vcpu_state[i]);
	if (status != OK)
		return status;
	vm->view.vcpu_count = count;
	arch_vm_init(vm);
	for (u32 i = 0; i < count; i++) {
		struct vcpu *vcpu = &vm->vcpu[i];

		*vcpu = (struct vcpu){ .vm = vm, .index = i };
		hcall_init(&vm->calls[i], vcpu);
		arch_vcpu_init(vcpu, vm->vcpu_state[i]);
	}
	return OK;
}

/* What nested streams of the VM go through behind the first stage that it owns. */
static enum status dma_init(struct vm *vm)
{
	return pt_init(&vm->dma_pt, iommu_common.dma, &vm->pool, iommu_common.dma_sizes, iommu_common.clean);
}

/* Everything that a VM is made of, from its own pool. */
static enum status furnish(struct vm *vm, u64 flags, u32 vcpus)
{
	enum status status;
	void *page;

	status = pt_init(&vm->cpu_pt, arch_cpu_pt, &vm->pool, ~0u, false);
	if (status != OK)
		return status;
	vm->cpu_pt.uncached = true;
	status = vm_asids_init(vm, &vm->pool);
	if (status == OK && (flags & PC_VM_NESTED))
		status = dma_init(vm);
	if (status == OK)
		status = domain_table_init(vm, vm->pool.total_pages);
	if (status == OK)
		status = page_of_pool(vm, 0, &page);
	if (status != OK)
		return status;
	vm->guard = page;
	vm->view = (struct vm_cpu_view){ .table = vm->cpu_pt.root.v, .vmid = vm->owner };
	return vcpus_init(vm, vcpus);
}

static void pool_return(struct vm *vm, u64 budget) MUST_HOLD(vm_class)
{
	u64 pages = 0;
	pa_t base;

	while (budget > 0 && pool_drain(&vm->pool, &base, &pages)) {
		u64 cost = memory_return_pool(base, pages);

		budget = budget > cost ? budget - cost : 0;
	}
}

/* What furnish() had made, whatever it was; the pool is whole again. */
static void unfurnish(struct vm *vm) MUST_HOLD(vm_class)
{
	for (u32 i = 0; i < VM_MAX_VCPUS; i++)
		if (vm->vcpu_state[i] != NULL)
			pool_free(&vm->pool, arch_vcpu_order(), io_phys_of(vm->vcpu_state[i]));
	if (vm->view.arch != NULL)
		pool_free(&vm->pool, arch_vm_order(), io_phys_of(vm->view.arch));
	if (vm->calls != NULL)
		pool_free(&vm->pool, 0, io_phys_of(vm->calls));
	if (vm->guard != NULL)
		pool_free(&vm->pool, 0, io_phys_of(vm->guard));
	domain_table_fini(vm);
	vm_tags_free(vm);
	if (vm->dma_pt.root.v != 0 && !vm->dma_lost)
		pt_fini(&vm->dma_pt);
	if (vm->cpu_pt.root.v != 0)
		pt_fini(&vm->cpu_pt);
}

/* A slot as it was before its VM, but for its handle. Handle and state are read without the lock, for a hint. */
static void slot_free(struct vm *vm) MUST_HOLD(vm_class)
{
	char *rest = (char *)&vm->pool;

	__atomic_store_n(&vm->handle, vm->handle + HANDLE_SLOTS, __ATOMIC_RELAXED);
	vm_state_set(vm, VM_FREE);
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		events_forget(&vm->pviommu[i]);
	memset(rest, 0, sizeof(*vm) - (size_t)(rest - (char *)vm));
}

/* A free slot, locked as a pair; NULL: none. */
static struct vm *slot_lock(void) NO_LOCK_ANALYSIS
{
	for (u32 i = 1; i <= VM_SECONDARIES; i++) {
		struct vm *vm = vm_at(i);

		if (vm_state(vm) != VM_FREE)
			continue;
		vm_lock_pair(vm);
		if (vm->state == VM_FREE)
			return vm;
		vm_unlock_pair(vm);
	}
	return NULL;
}

static bool pool_args_ok(u64 pool, u64 pages)
{
	return page_aligned(pool) && pages > 0 && pages <= PC_POOL_MAX &&
	       pool + (pages << PAGE_SHIFT) > pool;
}

static enum status create(struct vm *vm, u64 flags, u64 vcpus, u64 pool, u64 pages) MUST_HOLD(vm_class)
{
	/* The machine's tags first: where there are none, no page is touched, of which there may be many (V9). */
	enum status status = vm_tags_init(vm);

	if (status == OK)
		status = memory_take_pool(pa(pool), pages);
	if (status != OK) {
		vm_tags_free(vm);
		return status;
	}
	pool_init(&vm->pool, vm->owner);
	pool_add(&vm->pool, pa(pool), pages);
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
		vm->pviommu[i].vm = vm;
		vm->pviommu[i].id = i;
	}
	status = furnish(vm, flags, (u32)vcpus);
	if (status != OK) {
		unfurnish(vm);
		pool_return(vm, ~0ull);
		slot_free(vm);
		return status;
	}
	vm->open_mmio = flags & PC_VM_OPEN_MMIO;
	vm_state_set(vm, VM_BUILDING);
	return OK;
}

enum status vm_create(u64 flags, u64 vcpus, u64 pool, u64 pages, u32 *handle) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vm *vm;

	if (!vm_flags_known(flags))
		return E_NOSYS;
	if (vcpus == 0 || vcpus > VM_MAX_VCPUS || !pool_args_ok(pool, pages) || pages < vm_min_pool(flags, vcpus))
		return E_INVAL;
	vm = slot_lock();
	if (vm == NULL)
		return E_NOMEM;
	status = create(vm, flags, vcpus, pool, pages);
	if (status == OK)
		*handle = vm->handle;
	vm_unlock_pair(vm);
	return status;
}

enum status vm_add_pool(u64 handle, u64 pool, u64 pages) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vm *vm;

	if (!pool_args_ok(pool, pages))
		return E_INVAL;
	status = vm_get(handle, &vm);
	if (status != OK)
		return status;
	status = vm->primary ? E_INVAL : memory_take_pool(pa(pool), pages);
	if (status == OK)
		pool_add(&vm->pool, pa(pool), pages);
	vm_unlock_pair(vm);
	return status;
}

static enum status finalise(struct vm *vm) MUST_HOLD(vm_class)
{
	if (vm->state == VM_FINAL)
		return E_EXIST;
	if (device_claims_open(vm))
		return E_BUSY;
	vm_state_set(vm, VM_FINAL);
	return OK;
}

enum status vm_finalise(u64 handle) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vm *vm;

	status = vm_get(handle, &vm);
	if (status != OK)
		return status;
	status = vm->primary ? E_INVAL : finalise(vm);
	vm_unlock_pair(vm);
	return status;
}

/* --- the end */

/* No CPU may be in it, nor hold translations of it. */
static bool end_vcpus(struct vm *vm) MUST_HOLD(vm_class)
{
	if (__atomic_load_n(&vm->runners, __ATOMIC_ACQUIRE) > 0) {
		arch_vm_kick(vm);
		return false;
	}
	arch_cpu_inval_vmid(vm->view.vmid);
	return true;
}

/* Their pages and interrupts are the VM's. One ring a step. */
static bool end_rings(struct vm *vm) MUST_HOLD(vm_class)
{
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		if (vm->pviommu[i].ring.page != NULL) {
			events_remove(vm, &vm->pviommu[i]);
			return false;
		}
	return true;
}

/*
 * Its streams are blocked, so nothing walks its DMA table; what was made of it leaves the caches here. If it does not,
 * or if a stream goes on, all that the table maps may be reached for ever.
 */
static bool end_dma(struct vm *vm) MUST_HOLD(vm_class)
{
	if (iommu_inval(&vm->dma_tag, vm->dma_tag.users, NULL, 0) != OK)
		vm->dma_lost = true;
	else if (!vm->dma_lost)
		vm->dma_tag.users = 0;
	return true;
}

static bool end_tables(struct vm *vm) MUST_HOLD(vm_class)
{
	/* One of the two a step, and what is left of the VM in one of its own. */
	if (vm->dma_pt.tables > 0 && !vm->dma_lost) {
		(void)vm->dma_pt.ops->destroy(&vm->dma_pt, STEP_TABLES);
		return false;
	}
	if (vm->cpu_pt.tables > 0) {
		(void)vm->cpu_pt.ops->destroy(&vm->cpu_pt, STEP_TABLES);
		return false;
	}
	unfurnish(vm);
	return true;
}

static bool end_pool(struct vm *vm) MUST_HOLD(vm_class)
{
	pool_return(vm, MEMORY_STEP_PAGES);
	if (vm->pool.free_pages > 0)
		return false;
	if (vm->pool.total_pages > 0 || vm->pages_lost > 0)
		log_error("vm %u: %lu pages are lost: an IOMMU may still reach them", vm->handle,
			  (unsigned long)(vm->pool.total_pages + vm->pages_lost));
	return true;
}

/* One step of the stage that is due; true: the stage is over. */
static bool teardown_step(struct vm *vm) MUST_HOLD(vm_class)
{
	switch ((enum vm_teardown)vm->teardown) {
	case TEARDOWN_VCPUS:
		return end_vcpus(vm);
	case TEARDOWN_DEVICES:
		return device_teardown_step(vm);
	case TEARDOWN_RINGS:
		return end_rings(vm);
	case TEARDOWN_DOMAINS:
		return domain_teardown_step(vm, &vm->cursor, &vm->tags_lost);
	case TEARDOWN_HOME:
		return device_home_step(vm);
	case TEARDOWN_DMA:
		return end_dma(vm);
	case TEARDOWN_MEMORY:
		return memory_reclaim_step(vm, &vm->cursor);
	case TEARDOWN_TABLES:
		return end_tables(vm);
	case TEARDOWN_POOL:
		return end_pool(vm);
	}
	return true;
}

enum status vm_destroy(u64 handle, u64 *left)
{
	struct vm *vm = vm_find(handle);

	if (vm == NULL)
		return E_NOENT;
	if (vm->primary)
		return E_INVAL;
	vm_lock_pair(vm);
	if (vm_find(handle) != vm) {
		vm_unlock_pair(vm);
		return E_NOENT;
	}
	vm_state_set(vm, VM_DYING);
	if (teardown_step(vm)) {
		vm->cursor = 0;
		vm->teardown++;
	}
	*left = vm->pages + pool_free_pages(&vm->pool) + 1;
	if (vm->teardown > TEARDOWN_POOL) {
		slot_free(vm);
		*left = 0;
	}
	vm_unlock_pair(vm);
	return OK;
}
