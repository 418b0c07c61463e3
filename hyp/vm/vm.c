/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual machines and how their addresses translate. */
#include "vm.h"

#include "hcall/hcall.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/config.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "mem/bulk_map.h"
#include "mem/pool_priv.h"

static struct vm primary;
static struct vm *secondary; /* VM_SECONDARIES of them */
static struct hcall calls[VM_MAX_VCPUS];
struct vm *vm_primary = &primary;

/* Pool ids in page records: 0 is the hypervisor's own, else the owner's. */
#define POOL_ID_PRIMARY OWNER_VM

void vm_lock(struct vm *vm) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&vm->lock);
}

void vm_unlock(struct vm *vm) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&vm->lock);
}

/* One after the other in a fixed order, which the analysis cannot see. */
void vm_lock_pair(struct vm *vm) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&vm_primary->lock);
	if (vm != vm_primary)
		arch_spin_lock(&vm->lock);
}

void vm_unlock_pair(struct vm *vm) NO_LOCK_ANALYSIS
{
	if (vm != vm_primary)
		arch_spin_unlock(&vm->lock);
	arch_spin_unlock(&vm_primary->lock);
}

struct vm *vm_lock_owner(struct vm *const *owner) NO_LOCK_ANALYSIS
{
	struct vm *vm;

	arch_spin_lock(&vm_primary->lock);
	vm = *owner;
	if (vm != NULL && vm != vm_primary)
		arch_spin_lock(&vm->lock);
	return vm;
}

struct vm *vm_at(u32 index)
{
	if (index == 0)
		return vm_primary;
	return index <= VM_SECONDARIES ? &secondary[index - 1] : NULL;
}

void vm_table_init(void)
{
	u64 pages = align_up(VM_SECONDARIES * sizeof(*secondary), PAGE_SIZE) >> PAGE_SHIFT;

	secondary = io_phys(boot_alloc(pages, PAGE_SIZE));
	for (u32 i = 0; i < VM_SECONDARIES; i++) {
		secondary[i].lock = (struct spinlock)SPINLOCK_INIT;
		secondary[i].handle = PC_VM_PRIMARY + 1 + i;
		secondary[i].owner = (u8)(OWNER_VM + 1 + i);
	}
}

struct vm *vm_find(u64 handle)
{
	struct vm *vm = handle >> 32 == 0 ? vm_at((u32)handle % HANDLE_SLOTS - 1) : NULL;

	if (vm == NULL || __atomic_load_n(&vm->handle, __ATOMIC_RELAXED) != handle)
		return NULL;
	return vm->primary || vm_state(vm) != VM_FREE ? vm : NULL;
}

enum status vm_get(u64 handle, struct vm **out) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_find(handle);
	enum status status = OK;

	if (vm == NULL)
		return E_NOENT;
	vm_lock_pair(vm);
	if (vm_find(handle) != vm)
		status = E_NOENT;
	else if (vm->state == VM_DYING)
		status = E_BUSY;
	if (status == OK)
		*out = vm;
	else
		vm_unlock_pair(vm);
	return status;
}

const struct vm_cpu_view *vm_cpu_view(const struct vm *vm)
{
	return &vm->view;
}

struct vcpu *vm_vcpu(struct vm *vm, u32 index)
{
	return index < vm->view.vcpu_count ? &vm->vcpu[index] : NULL;
}

#define NOWHERE (~0ull)

/* By the table of a secondary, out of line: what the primary's callers inline needs no memory of the stack. */
static NOINLINE u64 by_table(const struct vm *vm, u64 addr)
{
	struct pt_run run;

	if (addr >> vm->cpu_pt.ops->va_bits != 0 || !vm->cpu_pt.ops->lookup(&vm->cpu_pt, addr, addr, &run))
		return NOWHERE;
	return run.out + (addr - run.va);
}

bool vm_ipa_to_pa(const struct vm *vm, ipa_t addr, pa_t *out)
{
	if (likely(vm->primary)) {
		*out = pa(addr.v);
		return addr.v >> vm->cpu_pt.ops->va_bits == 0;
	}
	*out = pa(by_table(vm, addr.v));
	return out->v != NOWHERE;
}

bool vm_ipa_extent(const struct vm *vm, ipa_t addr, u64 size, pa_t *out, u64 *room)
{
	struct pt_run run;

	if (likely(vm->primary)) {
		*out = pa(addr.v);
		*room = size;
		return (addr.v + size - 1) >> vm->cpu_pt.ops->va_bits == 0;
	}
	if ((addr.v + size - 1) >> vm->cpu_pt.ops->va_bits != 0 ||
	    !vm->cpu_pt.ops->lookup(&vm->cpu_pt, addr.v, addr.v + size, &run))
		return false;
	*out = pa(run.out + (addr.v - run.va));
	*room = run.va + run.size - addr.v;
	if (*room > size)
		*room = size;
	return true;
}

enum status vm_pa_to_ipa(const struct vm *vm, pa_t addr, ipa_t *out)
{
	const struct page *page;
	u64 name;

	if (vm->primary) {
		*out = ipa(addr.v);
		return OK;
	}
	page = page_find(addr);
	if (page == NULL && !device_mmio_ipa(vm, addr, &name))
		return E_NOENT;
	/* Its pin keeps the page where it is. */
	*out = page != NULL ? ipa(page_ipa(addr).v + (addr.v & PAGE_MASK)) : ipa(name);
	return OK;
}

static void must(enum status status, const char *what)
{
	if (status != OK)
		panic("the primary cannot be set up: %s (%d)", what, status);
}

/* Both views of one range: the CPUs' with `cpu`, the devices' with `dma` (0: not at all). */
static void identity_add(struct vm *vm, u64 base, u64 size, u32 cpu, u32 dma)
{
	if (cpu != 0)
		must(bulk_map(&vm->cpu_pt, base, base, size, cpu), "CPU view");
	if (dma != 0)
		must(bulk_map(&vm->dma_pt, base, base, size, dma), "DMA view");
}

/* All RAM that is the primary's by its records, in the largest runs. */
static void view_ram(struct vm *vm, const struct machine *m)
{
	const u32 rw = PT_READ | PT_WRITE;

	for (u32 i = 0; i < m->ram_count; i++) {
		u64 end = m->ram[i].base + m->ram[i].size;
		u64 at = m->ram[i].base;

		while (at < end) {
			u64 stop = page_run_end(pa(at), end, vm->owner);

			if (stop > at)
				identity_add(vm, at, stop - at, rw | PT_EXEC, rw);
			at = stop > at ? stop : page_run_end(pa(at), end, OWNER_HYP);
		}
	}
}

/*
 * A fault that a test build plants on demand: a page of ours that devices can reach, which the
 * sweep over all memory must find. It holds nothing.
 */
static void plant_hole(struct vm *vm, struct pool *tables)
{
	pa_t page;

	must(pool_alloc(tables, 0, &page), "planted page");
	identity_add(vm, page.v, PAGE_SIZE, 0, PT_READ | PT_WRITE);
	log_warn("planted: DMA reaches our page 0x%lx", (unsigned long)page.v);
}

static void view_windows(struct vm *vm, const struct machine *m)
{
	const u32 device = PT_READ | PT_WRITE | PT_DEVICE;

	for (u32 i = 0; i < m->window_count; i++)
		if (m->window[i].use == WINDOW_DIRECT)
			identity_add(vm, m->window[i].mem.base, m->window[i].mem.size, device, 0);
}

void vm_primary_add_mmio(struct range mmio)
{
	const u32 device = PT_READ | PT_WRITE | PT_DEVICE;

	identity_add(vm_primary, mmio.base, mmio.size, device, device);
}

enum status vm_asids_init(struct vm *vm, struct pool *pool)
{
	u32 count = 1u << iommu_common.asid_bits;
	enum status status;
	pa_t words;

	if (!iommu_common.stage2) {
		vm->asids = &iommu_asids;
		return OK;
	}
	if (!iommu_common.stage1)
		return OK;
	vm->asid_order = 0;
	while ((PAGE_SIZE << vm->asid_order) < idmap_bytes(count))
		vm->asid_order++;
	status = pool_alloc(pool, vm->asid_order, &words);
	if (status != OK)
		return status;
	idmap_init(&vm->own_asids, io_phys(words), count);
	vm->asids = &vm->own_asids;
	return OK;
}

enum status vm_tags_init(struct vm *vm)
{
	enum status status;

	vm->dma_tag = (struct iommu_tag){ .kind = TAG_DMA };
	vm->own_asids.word = NULL;
	if (!iommu_common.stage2) {
		vm->dma_tag.kind = TAG_STAGE1;
		return iommu_id_alloc(&iommu_asids, &vm->dma_tag.asid);
	}
	status = iommu_id_alloc(&iommu_vmids, &vm->dma_tag.vmid);
	if (status != OK || !iommu_common.stage1)
		return status;
	return iommu_id_alloc(&iommu_vmids, &vm->paging_vmid);
}

/* A tag that some IOMMU may still have entries under stays taken (V3). */
void vm_tags_free(struct vm *vm)
{
	if (vm->own_asids.word != NULL)
		pool_free(&vm->pool, vm->asid_order, io_phys_of(vm->own_asids.word));
	if (vm->paging_vmid != 0 && !vm->tags_lost)
		iommu_id_free(&iommu_vmids, vm->paging_vmid);
	if (vm->dma_tag.vmid != 0 && vm->dma_tag.users == 0)
		iommu_id_free(&iommu_vmids, vm->dma_tag.vmid);
	if (vm->dma_tag.asid != 0 && vm->dma_tag.users == 0)
		iommu_id_free(&iommu_asids, vm->dma_tag.asid);
	vm->own_asids.word = NULL;
	vm->paging_vmid = 0;
	vm->dma_tag = (struct iommu_tag){ 0 };
}

void vm_primary_init(const struct machine *m, struct pool *tables, struct range pool)
{
	struct vm *vm = vm_primary;

	vm->handle = PC_VM_PRIMARY;
	vm->owner = OWNER_VM;
	vm->primary = true;
	vm_state_set(vm, VM_FINAL);
	must(vm_tags_init(vm), "tags");
	must(vm_asids_init(vm, tables), "ASIDs");
	pool_init(&vm->pool, POOL_ID_PRIMARY);
	pool_add(&vm->pool, pa(pool.base), pool.size >> PAGE_SHIFT);
	must(domain_table_init(vm, pool.size >> PAGE_SHIFT), "domain table");
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
		vm->pviommu[i].vm = vm;
		vm->pviommu[i].id = i;
		vm->pviommu[i].iommu = i < iommu_count ? &iommu_instance[i] : NULL;
	}
	for (u32 i = 0; i < VM_MAX_VCPUS; i++) {
		vm->vcpu[i].vm = vm;
		vm->vcpu[i].index = i;
		hcall_init(&calls[i], &vm->vcpu[i]);
	}
	must(pt_init(&vm->cpu_pt, arch_cpu_pt, tables, ~0u, false), "CPU table");
	must(pt_init(&vm->dma_pt, iommu_common.dma, tables, iommu_common.dma_sizes,
		     iommu_common.clean),
	     "DMA table");
	view_ram(vm, m);
	view_windows(vm, m);
	if (CONFIG_TEST && m->option.plant_dma_hole)
		plant_hole(vm, tables);
	vm->view = (struct vm_cpu_view){ .table = vm->cpu_pt.root.v,
					 .vmid = vm->owner,
					 .primary = true,
					 .vcpu_count = VM_MAX_VCPUS };
}
