/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secondary VMs: what their CPUs reach against the page records and devices, every page of every
 * pool against what uses it, ids against who has them, and K4: after the last of them nothing is left.
 */
#include "oracle_private.h"

#include "hyp/arch.h"
#include "hyp/io.h"
#include "mem/page.h"
#include "vm/vm_life.h"

static unsigned long long ull(u64 v) { return v; }

struct secondary {
	const struct vm *vm;
	const struct pt *pt; /* the view that is looked at */
	u64 ram, mmio; /* bytes */
	u64 tables;
};

static void view_ram(struct secondary *look, const struct leaf *c)
{
	const struct vm *vm = look->vm;

	look->ram += c->size;
	for (u64 done = 0; done < c->size; done += PAGE_SIZE) {
		const struct page *page = page_find(pa(c->out + done));

		if (page == NULL || page->owner != vm->owner || page->state > PAGE_READ_ONLY)
			violated("V1: vm %u maps %#llx, which is not its own", vm->handle,
				 ull(c->out + done));
		else if (c->write && page->state == PAGE_READ_ONLY)
			violated("V1: vm %u may write %#llx, which it was given to read", vm->handle,
				 ull(c->out + done));
		else if (page_ipa(pa(c->out + done)).v != c->va + done)
			violated("V2: page %#llx is at %#llx in vm %u, its record says %#llx",
				 ull(c->out + done), ull(c->va + done), vm->handle,
				 ull(page_ipa(pa(c->out + done)).v));
	}
}

/* A device of the VM, at the place that DEV_MAP_MMIO gave it. */
static void view_mmio(struct secondary *look, const struct leaf *c)
{
	u32 range;
	const struct device *d = device_of_mmio(NULL, pa(c->out), c->size, &range);

	look->mmio += c->size;
	if (d == NULL || d->vm != look->vm)
		violated("V1: vm %u maps %#llx, which is no device of its own", look->vm->handle,
			 ull(c->out));
	else if (d->mmio_ipa[range] + (c->out - d->mmio[range].base) != c->va)
		violated("V1: vm %u has MMIO %#llx at %#llx, where nobody put it", look->vm->handle,
			 ull(c->out), ull(c->va));
}

static void view_leaf(struct secondary *look, const struct leaf *c)
{
	for (u32 i = 0; arch_vm_window(i).size != 0; i++) {
		const struct range w = arch_vm_window(i);

		if (c->va < w.base + w.size && w.base < c->va + c->size)
			violated("V1: vm %u has memory at %#llx, in a window", look->vm->handle,
				 ull(c->va));
	}
	if (page_index(c->out) != ~0u)
		view_ram(look, c);
	else
		view_mmio(look, c);
}

static bool is_dma(const struct secondary *look) { return look->pt == &look->vm->dma_pt; }

static void view_table(struct secondary *look, const struct table_page *page)
{
	const struct place place = { .kind = is_dma(look) ? PLACE_DMA : PLACE_RECORDS,
				     .level = page->level,
				     .input = page->input,
				     .owner = vm_number(look->vm) };

	place_set(page->addr, &place);
	look->tables += page->level >= 0 && page->addr != look->pt->root.v;
}

static struct smmu_root root_of(const struct pt *pt, bool cpu)
{
	return (struct smmu_root){
		.table = pt->root.v,
		.stage1 = pt->ops->stage == 1,
		.bits = pt->ops->va_bits,
		.start = start_level(pt->ops),
		.cpu = cpu,
	};
}

static void look_at_view(const struct vm *vm, const struct pt *pt)
{
	struct secondary look = { .vm = vm, .pt = pt };
	struct table_look *t = is_dma(&look) ? &oracle.dma_view[vm_number(vm)] : &oracle.view[vm_number(vm)];
	struct smmu_root root;
	u64 mmio = 0;

	if (vm_dissolves(vm) || pt->root.v == 0) {
		t->walked = false;
		return;
	}
	root = root_of(pt, !is_dma(&look));
	table_look(t, &root, "view of a VM");
	for (u32 i = 0; i < t->page_count; i++)
		view_table(&look, &t->page[i]);
	for (u32 i = 0; i < t->leaf_count; i++)
		view_leaf(&look, &t->leaf[i]);
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; device_table[i].vm == vm && k < device_table[i].mmio_count; k++)
			mmio += device_table[i].mmio_given[k];
	if (look.ram != vm->pages << PAGE_SHIFT)
		violated("A11: vm %u maps %#llx bytes of RAM, it was given %#llx", vm->handle,
			 ull(look.ram), ull(vm->pages << PAGE_SHIFT));
	if (look.mmio != mmio)
		violated("A11: vm %u maps %#llx bytes of MMIO, it was given %#llx", vm->handle,
			 ull(look.mmio), ull(mmio));
	if (look.tables != pt->tables)
		violated("V5: vm %u says %u tables, it has %llu", vm->handle, pt->tables,
			 ull(look.tables));
}

static u64 mmio_of(const struct device *d)
{
	u64 bytes = 0;

	for (u32 i = 0; i < d->mmio_count; i++)
		bytes += align_up(d->mmio[i].size, PAGE_SIZE);
	return bytes;
}

/* Nobody is in it any more: no CPU, and no stream, nor anything in a cache of an IOMMU that a stream could use. */
static void look_at_dissolution(const struct vm *vm)
{
	if (vm_dissolves(vm) && vm->runners != 0)
		violated("V1: vm %u is taken apart and runs", vm->handle);
	if (vm_dissolves(vm) && vm->dma_tag.users != 0 && !vm->dma_lost)
		violated("V3: vm %u is taken apart, and IOMMUs may have what its DMA table says", vm->handle);
	if (vm->dma_lost && !oracle.losses)
		violated("V3: the memory of vm %u is lost, and no hardware has failed", vm->handle);
}

static void record(u64 addr, u64 pages)
{
	const struct place place = { .kind = PLACE_RECORDS };

	for (u64 done = 0; done < pages; done++)
		place_set(addr + done * PAGE_SIZE, &place);
}

/* What a VM is made of, from its own pool, beyond domains and contexts. */
static void look_at_furniture(const struct vm *vm)
{
	u64 *used = &oracle.used[vm_number(vm)];

	if (vm->state == VM_DYING && vm->teardown > TEARDOWN_TABLES)
		return;
	*used += vm->cpu_pt.ops->root_pages + vm->cpu_pt.tables;
	if (vm->dma_pt.root.v != 0)
		*used += vm->dma_pt.ops->root_pages + vm->dma_pt.tables;
	record(io_phys_of(vm->calls).v, 1);
	record(io_phys_of(vm->guard).v, 1);
	record(io_phys_of(vm->view.arch).v, 1u << arch_vm_order());
	*used += 2 + (1u << arch_vm_order());
	for (u32 i = 0; i < vm->view.vcpu_count; i++) {
		record(io_phys_of(vm->vcpu_state[i]).v, 1u << arch_vcpu_order());
		*used += 1u << arch_vcpu_order();
	}
	if (vm->own_asids.word != NULL) {
		record(io_phys_of(vm->own_asids.word).v, 1u << vm->asid_order);
		*used += 1u << vm->asid_order;
	}
}

static void look_at_pool(const struct vm *vm)
{
	u64 used = vm->pool.total_pages - vm->pool.free_pages, found = oracle.used[vm_number(vm)];

	if (used != found && !(oracle.losses && used > found))
		violated("accounts: the pool of vm %u has %llu pages in use, %llu are used for something",
			 vm->handle, ull(used), ull(found));
	if (!vm->primary && oracle.ram_of[vm_number(vm)] != vm->pages)
		violated("accounts: vm %u counts %llu pages, the records %llu", vm->handle,
			 ull(vm->pages), ull(oracle.ram_of[vm_number(vm)]));
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
		u32 names = 0;

		FOR_EACH_ENDPOINT(e)
			names += e->has_vsid && e->device->pviommu == &vm->pviommu[i];
		if (names != vm->pviommu[i].vsid_count)
			violated("V7: pvIOMMU %u of vm %u has %u names, it counts %u", i, vm->handle,
				 names, vm->pviommu[i].vsid_count);
	}
}

/* V3: an id is in use exactly while somebody has it. */
static void look_at_ids(void)
{
	u32 vmids = oracle.boot.vmids, asids = oracle.boot.asids;

	FOR_EACH_VM(vm) {
		vmids += (vm->dma_tag.vmid != 0) + (vm->paging_vmid != 0);
		asids += vm->dma_tag.asid != 0;
	}
	for (u32 i = 0; i < oracle.domain_count; i++) {
		vmids += oracle.domain[i]->d->tag.kind == TAG_STAGE2;
		asids += oracle.domain[i]->d->tag.kind == TAG_STAGE1 && !iommu_common.stage2;
	}
	if (!oracle.losses && ids_in_use(&iommu_vmids) != vmids)
		violated("V3: %u VMIDs are in use, somebody has %u", ids_in_use(&iommu_vmids), vmids);
	if (!oracle.losses && ids_in_use(&iommu_asids) != asids)
		violated("V3: %u ASIDs are in use, somebody has %u", ids_in_use(&iommu_asids), asids);
	FOR_EACH_VM(a)
		FOR_EACH_VM(b) {
			if (a == b)
				continue;
			if (a->view.vmid == b->view.vmid)
				violated("V3: two VMs have CPU VMID %u", a->view.vmid);
			if (a->dma_tag.vmid != 0 &&
			    (a->dma_tag.vmid == b->dma_tag.vmid || a->dma_tag.vmid == b->paging_vmid))
				violated("V3: two VMs have VMID %u", a->dma_tag.vmid);
			if (a->paging_vmid != 0 && a->paging_vmid == b->paging_vmid)
				violated("V3: two VMs have paging VMID %u", a->paging_vmid);
		}
}

static void look_at_end(void)
{
	u64 tables = vm_tables_free() + vm_primary->cpu_pt.tables + vm_primary->dma_pt.tables;

	if (tables != oracle.boot.tables && !oracle.losses)
		violated("accounts: %llu pages are free or in the primary's views, %llu were at boot",
			 ull(tables), ull(oracle.boot.tables));
	if (vm_count() == 0 && !oracle.losses && vm_tables_free() != oracle.boot.tables_free)
		violated("K4: no VM is left, %llu table pages are free and %llu were at boot",
			 ull(vm_tables_free()), ull(oracle.boot.tables_free));
	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[i];

		if (!d->vm->primary && d->vm->state == VM_FREE)
			violated("K4: %s is a VM's that is gone", d->name);
		/* One that is on its way home is reset before, and blocked. */
		if (!d->vm->primary && d->mmio_away < mmio_of(d) && !device_is_named(d) && !(d->state == DEVICE_CLAIMED && d->clean))
			violated("V1: %s is away and its MMIO is not", d->name);
		if (d->vm->primary && d->mmio_away && d->state != DEVICE_QUARANTINED &&
		    d->state != DEVICE_RESETTING)
			violated("K4: %s is back and its MMIO is not", d->name);
	}
}

bool look_at_vms(void)
{
	FOR_EACH_VM(vm) {
		if (!vm->primary) {
			look_at_dissolution(vm);
			look_at_view(vm, &vm->cpu_pt);
			look_at_view(vm, &vm->dma_pt);
			look_at_furniture(vm);
		}
		look_at_pool(vm);
	}
	look_at_ids();
	look_at_end();
	state_of_vms();
	return oracle.why[0] == '\0';
}

static void state_of_vm(const struct vm *vm)
{
	struct state *s = &oracle.now;

	state_add(s, vm->handle | (u64)vm->state << 32 | (u64)vm->teardown << 40 |
			     (u64)vm->open_mmio << 48);
	state_add(s, vm->pool.free_pages | vm->pool.total_pages << 32);
	state_add(s, vm->pages | (u64)vm->domain_count << 32);
	state_add(s, vm->dma_tag.vmid | (u64)vm->paging_vmid << 16 | (u64)vm->runners << 32);
	for (u32 i = 0; i < vm->view.vcpu_count; i++)
		state_add(s, (u64)vm->vcpu[i].load << 1 |
				     (u64)vm->vcpu[i].undelivered << 2 | (u64)vm->vcpu[i].running << 3);
	/* The list is in the VM's pool, and goes with it. */
	for (u32 i = 0; i < vm->guard_count && !(vm->state == VM_DYING && vm->teardown == TEARDOWN_POOL); i++)
		state_add(s, vm->guard[i]);
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		state_add(s, vm->pviommu[i].attached | (u64)vm->pviommu[i].vsid_count << 32 |
				     (u64)(vm->pviommu[i].iommu != NULL ? vm->pviommu[i].iommu->index + 1 : 0)
					     << 56);
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		state_of_ring(&vm->pviommu[i]);
}

void state_of_vms(void)
{
	state_section(&oracle.now, "primary's tables");
	state_add(&oracle.now, vm_primary->cpu_pt.tables | (u64)vm_primary->dma_pt.tables << 32);
	state_section(&oracle.now, "VMs");
	FOR_EACH_VM(vm)
		if (!vm->primary)
			state_of_vm(vm);
}
