/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_vms.h"

#include "suite.h"

#define VMS     RANDOM_VMS
#define PAGES   2600u /* of the primary's that are played with */
#define AT      0x80000000ull
#define DOMAINS 4u

u32 random_vm[VMS];
static u32 domain[VMS + 1][DOMAINS]; /* the last: the primary's */
u32 random_landed;

u32 random_went_well[KINDS], random_refused[KINDS];

static u64 some(u64 limit) { return fake_random_below(limit); }

static u64 some_page(void)
{
	switch (some(8)) {
	case 0:
		return bench_block(some(5));
	case 1:
		return FAKE_RAM_BASE + some(8192) * PAGE_SIZE; /* ours too */
	case 2:
		return bench_bar((u32)some(BENCH_DEVICE_COUNT));
	default:
		return bench_page(some(PAGES));
	}
}

static u64 some_ipa(void)
{
	return some(30) == 0 ? some(1ull << 36) << PAGE_SHIFT :
			       AT + some(4) * BLOCK_SIZE + (some(4) == 0 ? 0 : some(200) * PAGE_SIZE);
}

/* Mostly one that the owner has, from some place on: calls that are refused are quickly found by chance. */
static u64 owned_page(u8 owner)
{
	u64 start = some(4) == 0 ? some(5) * 512 : some(PAGES);

	for (u64 i = 0; i < PAGES; i++) {
		u64 at = bench_page((start + i) % PAGES);

		if (page_find(pa(at))->owner == owner)
			return at;
	}
	return some_page();
}

static u64 page_of_primary(void) { return some(6) == 0 ? some_page() : owned_page(OWNER_VM); }

/* The same by a secondary's addresses. */
static u64 ipa_of(const struct vm *its)
{
	u64 at = owned_page(its->owner);

	return some(6) == 0 || page_find(pa(at)) == NULL ? some_ipa() : page_ipa(pa(at)).v;
}

static u64 some_pages(void)
{
	switch (some(6)) {
	case 0:
		return 512;
	case 1:
		return 1 + some(40);
	default:
		return 1 + some(4);
	}
}

/* As the primary knows them: stale ones and wrong ones too. */
static u32 some_vm(u32 *index)
{
	*index = (u32)some(VMS);
	return some(40) == 0 ? (u32)some(1000) : random_vm[*index];
}

static void count(enum kind kind, struct result r)
{
	if (r.status == PC_SUCCESS)
		random_went_well[kind]++;
	else
		random_refused[kind]++;
}

/* --- calls */

/* What the VM calls one of its endpoints, or something else. */
static const struct endpoint *name_of(const struct vm *its, u64 *pviommu, u64 *vsid)
{
	u32 start = (u32)some(device_count);

	*pviommu = some(2);
	*vsid = some(20);
	if (some(8) == 0)
		return NULL;
	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[(start + i) % device_count];
		const struct endpoint *e = &d->endpoint[some(d->endpoint_count)];

		if (d->vm != its || !e->has_vsid)
			continue;
		*pviommu = d->pviommu->id;
		*vsid = e->vsid.v;
		return e;
	}
	return NULL;
}

static void create(void)
{
	u32 i = (u32)some(VMS);
	struct result r, destroyed;

	r = pc_vm_create(some(2), 1 + some(2), page_of_primary(), 30 + some(100));
	count(CREATE, r);
	if (r.status != PC_SUCCESS)
		return;
	if (vm_find(random_vm[i]) == NULL) {
		random_vm[i] = (u32)r.v1;
		for (u32 k = 0; k < DOMAINS; k++)
			domain[i][k] = 0;
		return;
	}
	/* One too many; as far as it goes. */
	do {
		destroyed = pc_vm_destroy(r.v1);
	} while (destroyed.status == PC_SUCCESS && destroyed.v1 != 0);
}

static bool any_dying(void)
{
	for (u32 k = 0; k < VMS; k++)
		if (vm_find(random_vm[k]) != NULL && vm_find(random_vm[k])->state == VM_DYING)
			return true;
	return false;
}

static void destroy(void)
{
	u32 i, handle = some_vm(&i);
	struct result r;

	/* A step, or to the end; one that is under way is not left for long. */
	for (u32 k = 0; k < VMS; k++)
		if (vm_find(random_vm[k]) != NULL && vm_find(random_vm[k])->state == VM_DYING) {
			i = k;
			handle = random_vm[k];
		}
	do {
		r = pc_vm_destroy(handle);
		count(DESTROY, r);
		if (r.status != PC_SUCCESS)
			return;
		if (r.v1 == 0 && handle == random_vm[i])
			random_vm[i] = 0;
	} while (r.v1 != 0 && some(12) != 0);
}

static void primary_call(void)
{
	u32 i, handle = some_vm(&i), device = (u32)some(BENCH_DEVICE_COUNT);

	switch (some(12)) {
	case 0 ... 3:
		count(DONATE, pc_vm_donate(handle, some_ipa(), page_of_primary(), some_pages(), some(4)));
		break;
	case 4:
		count(ADD_POOL, pc_vm_add_pool(handle, page_of_primary(), some(10)));
		break;
	case 5:
	case 6:
		count(ASSIGN, pc_dev_assign(device, some(5) == 0 ? 1 : handle, some(2)));
		if (some(2) == 0)
			count(NAME, pc_dev_vsid(device, 0, device));
		break;
	case 7:
		count(NAME, pc_dev_vsid(device, some(3), some(20)));
		break;
	case 8:
		count(RELEASE, pc_dev_release(device));
		break;
	case 9:
		count(MAP_MMIO, pc_dev_map_mmio(device, some(2),
						some(4) == 0 ? some_ipa() : AT + 16 * BLOCK_SIZE + device * BLOCK_SIZE + some(2) * 0x4000));
		break;
	case 10:
		count(MAP_IRQ, pc_dev_map_irq(device, some(2), 40 + some(3)));
		break;
	default:
		if (some(24) == 0)
			count(FINALISE, pc_vm_finalise(handle));
		bench_exit();
		if (page_usable(page_find(pa(BENCH_EXIT)), OWNER_VM, true))
			count(RUN, pc_vcpu_run(vm_find(handle) != NULL && vm_find(handle)->state == VM_BUILDING &&
							       some(20) != 0 ?
						       0 :
						       handle,
					       some(3), BENCH_EXIT));
		break;
	}
}

static struct result pv(u32 who, u64 op, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	return who == VMS ? bench_call(PC_PVIOMMU_OP, op, r2, r3, r4, r5, r6) :
			    vm_pv(random_vm[who], op, r2, r3, r4, r5, r6);
}

/* The iommu calls of one VM, or of the primary. */
static void iommu_call(u32 who)
{
	u32 k = (u32)some(DOMAINS), id = domain[who][k];
	const struct vm *its = who == VMS ? vm_primary : vm_find(random_vm[who]);
	u64 iova = some(3) * BLOCK_SIZE + (some(2) == 0 ? 0 : some(20) * PAGE_SIZE);
	u64 from = who == VMS ? page_of_primary() : ipa_of(its), pviommu, vsid;
	u64 bytes = (some(4) == 0 ? 512 : 1 + some(3)) * PAGE_SIZE;
	const struct endpoint *e = name_of(its, &pviommu, &vsid);
	u64 prot = some(8) == 0 ? PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ :
		   some(4) == 0 ? PVIOMMU_PROT_READ :
				  BENCH_RW;
	struct result r;

	switch (some(10)) {
	case 0:
		if (id != 0)
			break;
		r = pv(who, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
		count(ALLOC, r);
		if (r.status == PC_SUCCESS)
			domain[who][k] = (u32)r.v1;
		break;
	case 1:
		if (some(4) != 0)
			break;
		r = pv(who, PVIOMMU_FREE_DOMAIN, id, 0, 0, 0, 0);
		count(FREE, r);
		if (r.status == PC_SUCCESS)
			domain[who][k] = 0;
		break;
	case 2 ... 4:
		count(MAP, pv(who, PVIOMMU_MAP_PAGES, id, iova, from, bytes, prot));
		break;
	case 5 ... 6:
		count(UNMAP, pv(who, PVIOMMU_UNMAP_PAGES, id, iova, bytes, 0, 0));
		break;
	case 7 ... 8:
		count(ATTACH, pv(who, PVIOMMU_ATTACH_DEV, pviommu, vsid, 0, id, 0));
		break;
	default:
		if (e != NULL && e->attached.domain != NULL)
			id = e->attached.domain->id;
		count(DETACH, pv(who, PVIOMMU_DETACH_DEV, pviommu, vsid, 0, id, 0));
		break;
	}
}

static void secondary_call(void)
{
	u32 i = (u32)some(VMS);
	const struct vm *its = vm_find(random_vm[i]);
	u64 pviommu, vsid;

	/* It runs while nobody takes it apart. */
	if (its == NULL || its->state == VM_DYING)
		return;
	switch (some(8)) {
	case 0:
		count(SHARE, vm_share(random_vm[i], ipa_of(its), some_pages()));
		break;
	case 1:
		count(UNSHARE, vm_unshare(random_vm[i], ipa_of(its), some_pages()));
		break;
	case 2:
		count(RELINQUISH, vm_relinquish(random_vm[i], ipa_of(its), 0));
		break;
	case 3:
		count(GUARD, vm_guard(random_vm[i], some(2) == 0 ? PC_MMIO_RGUARD_MAP : PC_MMIO_RGUARD_UNMAP, some_ipa(),
				      some(10)));
		break;
	case 4:
		name_of(its, &pviommu, &vsid);
		count(RESET, vm_reset(random_vm[i], pviommu, vsid));
		break;
	default:
		iommu_call(i);
		break;
	}
}

/* --- DMA */

static void lands(void *ctx UNUSED, const struct smmu_dma *dma, u64 addr, u32 size UNUSED)
{
	const struct page *page = page_find(pa(addr & ~PAGE_MASK));
	const struct endpoint *e = NULL;
	u32 range;

	for (u32 i = 0; i < iommu_count && e == NULL; i++)
		e = endpoint_find(&iommu_instance[i], sid(dma->sid));
	assert_non_null(e);
	random_landed++;
	if (page != NULL)
		assert_true(page_usable(page, e->device->vm->owner, dma->write));
	else
		assert_ptr_equal(device_of_mmio(NULL, pa(addr & ~PAGE_MASK), PAGE_SIZE, &range)->vm,
				 e->device->vm);
}

void random_vms_dma(void)
{
	u32 device = (u32)some(BENCH_DEVICE_COUNT), endpoint = (u32)some(device_table[device].endpoint_count);
	u64 at = device_table[device].state == DEVICE_UNASSIGNED ? page_of_primary() :
								   some(3) * BLOCK_SIZE + some(20) * PAGE_SIZE;
	u64 value;

	/* Writes of MMIO have nobody there to take them. */
	if (some(2) == 0)
		bench_read(device, endpoint, at, &value);
	else if (page_find(pa(at)) != NULL || at < 16 * BLOCK_SIZE)
		bench_write(device, endpoint, at + 8 * some(500), fake_random());
}

void random_vms_begin(void)
{
	for (u32 i = 0; i < iommu_count; i++)
		smmu_access_hook_set(bench_smmu[i], lands, NULL);
	for (u32 i = 0; i < VMS; i++)
		random_vm[i] = bench_vm(i * 64);
}

void random_vms_call(void)
{
	bench_cpu_set((u32)some(2));
	bench_reset_turns = some(6) == 0 ? 2 : 0;
	switch (some(32)) {
	case 0:
		create();
		break;
	case 1:
		if (some(4) == 0 || any_dying())
			destroy();
		break;
	case 2 ... 12:
		primary_call();
		break;
	case 13 ... 15:
		iommu_call(VMS);
		break;
	default:
		secondary_call();
		break;
	}
}
