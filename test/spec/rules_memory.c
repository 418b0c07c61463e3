/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that changes hands: VM_DONATE and pools (abi/vmm.h), what a secondary shares and gives back, and its guard
 * (abi/hcall.h). The interface leaves the count of a step open; this implementation goes on to where a block may begin, to the
 * end of what lies side by side, or to PC_DONATE_MAX.
 *
 * In all of them: first the arguments, then the VM, then room where the pages go, then whether they may leave, page by page.
 */
#include "rules.h"

#include "spec_view.h"

/* May each page leave its owner's state? The first that may not says why. */
static s64 may_leave(u64 pa, u64 pages, u8 owner, u8 state)
{
	for (u64 at = pa; at < pa + pages * SPEC_PAGE; at += SPEC_PAGE) {
		u64 n = page_number(at);

		if (n == NO_PAGE)
			return PC_FAULT;
		if (spec->page[n].owner != owner || spec->page[n].state != state)
			return PC_DENIED;
		if (spec->page[n].pins != 0 || spec->block_pins[n / (SPEC_BLOCK / SPEC_PAGE)] != 0)
			return PC_BUSY;
	}
	return PC_SUCCESS;
}

static void pages_set(struct spec_call *c, u64 pa, u64 pages, u8 owner, u8 state)
{
	for (u64 i = 0; i < pages; i++) {
		struct spec_page *p = &spec->page[page_number(pa + i * SPEC_PAGE)];

		p->owner = owner;
		p->state = state;
		if (owner <= 1)
			spec->page_ipa[p - spec->page] = 0;
	}
	look_pages(&c->look, pa, pages * SPEC_PAGE);
}

bool place_ok(u64 at, u64 size)
{
	return page_ok(at | size) && size != 0 && at + size > at && (at + size - 1) >> spec->cpu.bits == 0 &&
	       !abstract_in_window(at, size);
}

s64 get_vm(u64 handle, struct spec_vm **vm)
{
	*vm = vm_of(handle);
	if (*vm == NULL)
		return PC_NOT_FOUND;
	return (*vm)->w.life == VM_ENDS ? PC_BUSY : PC_SUCCESS;
}

/* --- donation */

/* Each page is cleared and cleaned: as many as a call does. */
#define DONATE_STEP 128u

static u64 step_pages(u64 at, u64 from, u64 pages)
{
	u64 n = pages < DONATE_STEP ? pages : DONATE_STEP;
	u64 to_block = (SPEC_BLOCK - (at & (SPEC_BLOCK - 1))) / SPEC_PAGE;

	return ((at ^ from) & (SPEC_BLOCK - 1)) == 0 && n > to_block ? to_block : n;
}

/* Out of the primary's reach. */
static s64 take_away(struct spec_call *c, u64 pa, u64 pages)
{
	s64 status = may_leave(pa, pages, 1, PAGE_MINE);

	look_pages(&c->look, pa, pages * SPEC_PAGE);
	return status == PC_SUCCESS ? primary_remove(c, pa, pages * SPEC_PAGE) : status;
}

static s64 donate(struct spec_call *c, struct spec_vm *vm, u64 at, u64 from, u64 n)
{
	u8 state = c->r[5] & PC_DONATE_READ_ONLY ? PAGE_READABLE : PAGE_MINE;
	u32 but = state == PAGE_READABLE ? PVIOMMU_PROT_WRITE : 0;
	struct view_room made;
	s64 status;

	status = views_room(c, vm, at, from, n * SPEC_PAGE, &made);
	if (status != PC_SUCCESS)
		return status;
	status = take_away(c, from, n);
	if (status != PC_SUCCESS) {
		views_unroom(&made);
		return status;
	}
	views_fill(c, vm, at, from, n * SPEC_PAGE, VIEW_RAM & ~but, VIEW_DMA & ~but);
	pages_set(c, from, n, owner_of(vm), state);
	for (u64 i = 0; i < n; i++)
		spec->page_ipa[page_number(from) + i] = (u32)(at / SPEC_PAGE + i);
	if (c->r[5] & PC_DONATE_SCRUB)
		for (u64 i = 0; i < n; i++)
			RULE_DEMAND(c, abstract_page_is_zero(from + i * SPEC_PAGE), "a page was not scrubbed");
	if (((at ^ from) & (SPEC_BLOCK - 1)) == 0 && ((at + n * SPEC_PAGE) & (SPEC_BLOCK - 1)) == 0)
		secondary_merge(c, vm, at + n * SPEC_PAGE - SPEC_BLOCK);
	vm->w.pages += n;
	c->out[0] = n;
	return PC_SUCCESS;
}

s64 rule_vm_donate(struct spec_call *c)
{
	u64 at = c->r[2], from = c->r[3], n = step_pages(at, from, c->r[4]);
	struct spec_vm *vm;
	s64 status;

	if (c->r[5] & ~(u64)(PC_DONATE_SCRUB | PC_DONATE_READ_ONLY))
		return PC_NOT_SUPPORTED;
	if (c->r[4] == 0 || c->r[4] >> 52 != 0 || !page_ok(from))
		return PC_INVALID_PARAMETER;
	status = get_vm(c->r[1], &vm);
	if (status != PC_SUCCESS)
		return status;
	if (vm_index(vm) == 0 || !place_ok(at, n * SPEC_PAGE) || from + n * SPEC_PAGE < from)
		return PC_INVALID_PARAMETER;
	status = donate(c, vm, at, from, n);
	views_settle();
	return status;
}

/* --- pools */

bool pool_ok(u64 pool, u64 pages)
{
	return page_ok(pool) && pages > 0 && pages <= PC_POOL_MAX && pool + pages * SPEC_PAGE > pool;
}

s64 take_pool(struct spec_call *c, u64 pool, u64 pages)
{
	s64 status = take_away(c, pool, pages);

	if (status == PC_SUCCESS)
		pages_set(c, pool, pages, 0, PAGE_MINE);
	return status;
}

/* Pages of the hypervisor's are the primary's again, scrubbed. */
void give_back(struct spec_call *c, u64 pa, u64 pages)
{
	pages_set(c, pa, pages, 1, PAGE_MINE);
	if (views_add(c, &spec->vm[0], pa, pa, pages * SPEC_PAGE, VIEW_RAM, VIEW_DMA) != PC_SUCCESS)
		spec_fail("the primary's tables were not sized for 0x%llx", (unsigned long long)pa);
	primary_merge(c, pa, pages * SPEC_PAGE);
}

s64 rule_vm_add_pool(struct spec_call *c)
{
	struct spec_vm *vm;
	s64 status;

	if (!pool_ok(c->r[2], c->r[3]))
		return PC_INVALID_PARAMETER;
	status = get_vm(c->r[1], &vm);
	if (status == PC_SUCCESS)
		status = vm_index(vm) == 0 ? PC_INVALID_PARAMETER : take_pool(c, c->r[2], c->r[3]);
	if (status == PC_SUCCESS) {
		vm->w.pool_total += c->r[3];
		vm->w.pool_free += c->r[3];
	}
	views_settle();
	return status;
}

/* --- a secondary's own memory */

/* The pages from `at` on that one step of a share takes. */
static s64 piece_of(const struct spec_call *c, u64 pages, u64 *pa, u64 *n)
{
	u64 at = c->r[1], size = (pages < PC_DONATE_MAX ? pages : PC_DONATE_MAX) * SPEC_PAGE, room;

	if (!page_ok(at) || at + size < at)
		return PC_INVALID_PARAMETER;
	if (!extent(c->vm, at, size, pa, &room))
		return PC_FAULT;
	*n = room / SPEC_PAGE;
	return PC_SUCCESS;
}

static void tell(struct spec_call *c, u32 what, u64 pa, u64 pages)
{
	c->vm->vcpu[c->vcpu].exit = (struct spec_exit){ .known = true,
							.reason = PC_EXIT_MEMORY,
							.arg = { what, pa, pages } };
}

s64 rule_mem_share(struct spec_call *c)
{
	u64 pa, n;
	s64 status = piece_of(c, c->r[2] != 0 ? c->r[2] : 1, &pa, &n);

	if (status == PC_SUCCESS)
		status = may_leave(pa, n, owner_of(c->vm), PAGE_MINE);
	if (status == PC_SUCCESS)
		status = views_add(c, &spec->vm[0], pa, pa, n * SPEC_PAGE, VIEW_RAM, VIEW_DMA);
	views_settle();
	if (status != PC_SUCCESS)
		return status;
	pages_set(c, pa, n, owner_of(c->vm), PAGE_SHARED);
	tell(c, PC_MEM_SHARED, pa, n);
	c->out[0] = n;
	return PC_SUCCESS;
}

s64 rule_mem_unshare(struct spec_call *c)
{
	u64 pa, n;
	s64 status = piece_of(c, c->r[2] != 0 ? c->r[2] : 1, &pa, &n);

	if (status == PC_SUCCESS)
		status = may_leave(pa, n, owner_of(c->vm), PAGE_SHARED);
	if (status == PC_SUCCESS)
		status = primary_remove(c, pa, n * SPEC_PAGE);
	views_settle();
	if (status != PC_SUCCESS)
		return status;
	pages_set(c, pa, n, owner_of(c->vm), PAGE_MINE);
	tell(c, PC_MEM_UNSHARED, pa, n);
	c->out[0] = n;
	return PC_SUCCESS;
}

static s64 relinquish(struct spec_call *c, u64 pa)
{
	struct view_room made;
	s64 status = may_leave(pa, 1, owner_of(c->vm), PAGE_MINE);

	if (status != PC_SUCCESS)
		return status;
	status = views_room(c, &spec->vm[0], pa, pa, SPEC_PAGE, &made);
	if (status != PC_SUCCESS)
		return status;
	status = secondary_remove(c, c->vm, c->r[1], SPEC_PAGE);
	if (status == PC_SUCCESS)
		return PC_SUCCESS;
	views_unroom(&made);
	return status;
}

s64 rule_mem_relinquish(struct spec_call *c)
{
	u64 pa, n;
	s64 status;

	if (c->r[2] & ~1ull) /* NO_POISON is accepted, and scrubbed all the same */
		return PC_INVALID_PARAMETER;
	status = piece_of(c, 1, &pa, &n);
	if (status == PC_SUCCESS)
		status = relinquish(c, pa);
	if (status == PC_SUCCESS) {
		give_back(c, pa, 1);
		RULE_DEMAND(c, abstract_page_is_zero(pa), "the page was not scrubbed");
		c->vm->w.pages--;
		tell(c, PC_MEM_RELINQUISHED, pa, 1);
	}
	views_settle();
	return status;
}

/* --- the guard */

static u32 guard_index(const struct spec_vm *vm, u64 page)
{
	u32 i = 0;

	while (i < vm->w.guards && vm->guard[i] != page)
		i++;
	return i;
}

bool is_guarded(const struct spec_vm *vm, u64 at) { return guard_index(vm, at & ~(SPEC_PAGE - 1)) < vm->w.guards; }

static s64 guard(struct spec_vm *vm, u64 at)
{
	u64 pa;
	u32 prot;

	if (!place_ok(at, SPEC_PAGE) || tree_lookup(&vm->cpu, at, &pa, &prot))
		return PC_INVALID_PARAMETER;
	if (is_guarded(vm, at))
		return PC_SUCCESS;
	if (vm->w.guards == SPEC_GUARDS)
		return PC_NO_MEMORY;
	vm->guard[vm->w.guards++] = at;
	return PC_SUCCESS;
}

static s64 unguard(struct spec_vm *vm, u64 at)
{
	u32 i = guard_index(vm, at);

	if (i == vm->w.guards)
		return PC_NOT_FOUND;
	vm->guard[i] = vm->guard[--vm->w.guards];
	return PC_SUCCESS;
}

/* As far as it goes; the pages before the first that it cannot be done for count. */
/* Each is looked for in the whole list. */
#define GUARD_STEP 16u

static s64 guard_range(struct spec_call *c, s64 (*what)(struct spec_vm *, u64))
{
	u64 pages = c->r[2] == 0 ? 1 : c->r[2] < GUARD_STEP ? c->r[2] :
							      GUARD_STEP;
	s64 status = PC_SUCCESS;

	while (status == PC_SUCCESS && c->out[0] < pages) {
		status = what(c->vm, c->r[1] + c->out[0] * SPEC_PAGE);
		c->out[0] += status == PC_SUCCESS;
	}
	return c->out[0] > 0 ? PC_SUCCESS : status;
}

s64 rule_guard_map(struct spec_call *c) { return guard(c->vm, c->r[1]); }
s64 rule_guard_unmap(struct spec_call *c) { return unguard(c->vm, c->r[1]); }
s64 rule_guard_range_map(struct spec_call *c) { return guard_range(c, guard); }
s64 rule_guard_range_unmap(struct spec_call *c) { return guard_range(c, unguard); }

s64 rule_guard_enroll(struct spec_call *c)
{
	c->vm->w.open_mmio = 0;
	return PC_SUCCESS;
}

/* The granule in R0; R1 bit 0: ranges. */
s64 rule_meminfo(struct spec_call *c)
{
	c->out[0] = 1;
	return SPEC_PAGE;
}
