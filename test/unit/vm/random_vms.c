/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_vms.h"

#include "spec.h"
#include "suite.h"

struct play random_vms;
u32 random_landed;
u32 random_went_well[PLAY_KINDS], random_refused[PLAY_KINDS];
void (*random_hardware)(u32 kind);

uint64_t play_below(struct play *p UNUSED, uint64_t limit) { return fake_random_below(limit); }

static const struct vm *vm_of(const struct play *p, u32 who)
{
	return who == PLAY_PRIMARY ? vm_primary : vm_find(p->vm[who]);
}

/* Who resets may be thrown out of it: what comes next finds the device in the middle. */
static void maybe_in_the_middle(const struct play_call *c)
{
	bench_patience = 0;
	if (c->kind != PLAY_RESET || fake_random_below(2) == 0)
		return;
	bench_reset_turns = 3;
	bench_patience = 1;
}

struct play_answer play_make(struct play *p, const struct play_call *c)
{
	struct result r;

	maybe_in_the_middle(c);
	r = c->who == PLAY_PRIMARY ?
		    bench_call(c->r[0], c->r[1], c->r[2], c->r[3], c->r[4], c->r[5], c->r[6]) :
		    bench_call_vm(p->vm[c->who], c->r[0], c->r[1], c->r[2], c->r[3], c->r[4], c->r[5], c->r[6]);

	if (r.status == PC_SUCCESS)
		random_went_well[c->kind]++;
	else
		random_refused[c->kind]++;
	return (struct play_answer){ r.status, r.v1 };
}

void play_setting(struct play *p UNUSED, uint32_t cpu, uint32_t turns)
{
	bench_cpu_set(cpu);
	bench_reset_turns = turns;
}

enum play_state play_state_of(struct play *p UNUSED, uint32_t handle)
{
	const struct vm *vm = vm_find(handle);

	if (vm == NULL || vm->primary)
		return PLAY_GONE;
	return vm->state == VM_BUILDING ? PLAY_BUILDING : vm->state == VM_DYING ? PLAY_DYING :
										  PLAY_RUNNING;
}

bool play_owns(struct play *p, uint32_t who, uint64_t n)
{
	const struct vm *vm = vm_of(p, who);

	return vm != NULL && page_find(pa(bench_page(n)))->owner == vm->owner;
}

uint64_t play_ipa_of(struct play *p UNUSED, uint32_t who UNUSED, uint64_t n) { return page_ipa(pa(bench_page(n))).v; }

bool play_named(struct play *p, uint32_t who, uint32_t start, struct play_name *name)
{
	const struct vm *its = vm_of(p, who);

	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[(start + i) % device_count];
		const struct endpoint *e = &d->endpoint[fake_random_below(d->endpoint_count)];

		if (d->vm != its || !e->has_vsid)
			continue;
		name->pviommu = d->pviommu->id;
		name->vsid = e->vsid.v;
		name->domain = e->attached.domain != NULL ? e->attached.domain->id : 0;
		return true;
	}
	return false;
}

bool play_exit_ready(struct play *p UNUSED)
{
	/* A page that the primary gave away may be another's memory, or a pool's free run, by now. */
	if (!page_usable(page_find(pa(BENCH_EXIT)), OWNER_VM, true))
		return false;
	bench_exit();
	return true;
}

/* --- DMA and memory */

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

bool play_unassigned(struct play *p UNUSED, uint32_t device) { return device_table[device].state == DEVICE_UNASSIGNED; }

void play_dma(struct play *p UNUSED, uint32_t device, uint32_t endpoint, uint64_t at, bool write)
{
	u64 value;

	/* Writes of MMIO have nobody there to take them. */
	if (!write)
		bench_read(device, endpoint, at, &value);
	else if (page_find(pa(at & ~PAGE_MASK)) != NULL || at < 16 * BLOCK_SIZE)
		bench_write(device, endpoint, at, fake_random());
}

void play_word(struct play *p UNUSED, uint64_t n, uint64_t offset, uint64_t value)
{
	u64 *word = bench_ptr(bench_page(n) + offset);

	if (page_usable(page_find(pa(bench_page(n))), OWNER_VM, true))
		*word = value;
}

void play_own_word(struct play *p, uint32_t who, uint64_t at, uint32_t value)
{
	const struct vm *vm = vm_of(p, who);
	pa_t pa;

	if (vm != NULL && vm_ipa_to_pa(vm, ipa(at & ~PAGE_MASK), &pa) && page_find(pa) != NULL &&
	    page_usable(page_find(pa), vm->owner, true))
		*(u32 *)bench_ptr(pa.v + (at & PAGE_MASK)) = value;
}

void play_hardware(struct play *p UNUSED, uint32_t kind) { random_hardware(kind); }

void random_vms_begin(void)
{
	random_vms = (struct play){
		.pages = bench_page(0),
		.any = FAKE_RAM_BASE,
		.any_pages = 8192,
		.at = 0x80000000ull,
		.exit = BENCH_EXIT,
		.device_count = BENCH_DEVICE_COUNT,
		.event_irq = machine->event_irq[0],
	};
	for (u32 i = 0; i < BENCH_DEVICE_COUNT; i++) {
		random_vms.endpoints[i] = device_table[i].endpoint_count;
		random_vms.bar[i] = bench_bar(i);
	}
	spec_foreign_changes(false); /* nothing here but calls and DMA */
	for (u32 i = 0; i < iommu_count; i++)
		smmu_access_hook_set(bench_smmu[i], lands, NULL);
	for (u32 i = 0; i < PLAY_VMS; i++)
		random_vms.vm[i] = bench_vm(i * 64);
}
