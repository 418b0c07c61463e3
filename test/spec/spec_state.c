/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups in the abstract state, and the few changes that all rules share. */
#include "spec_state.h"

#include <string.h>

#include "abi/pviommu.h"
#include "copied.h"
#include "hyp/io.h"
#include "spec_check.h"

struct spec_state *spec;

#define NAME_OF(name) #name,
#define WORD_NAMES(function, WORDS)                                             \
	const char *function(u32 i)                                             \
	{                                                                       \
		static const char *const names[] = { WORDS(NAME_OF) };          \
		return i < ARRAY_SIZE(names) ? names[i] : "a page of the ring"; \
	}
WORD_NAMES(pv_word, SPEC_PV_WORDS)
WORD_NAMES(vm_word, SPEC_VM_WORDS)
WORD_NAMES(vcpu_word, SPEC_VCPU_WORDS)
WORD_NAMES(domain_word, SPEC_DOMAIN_WORDS)
WORD_NAMES(device_word, SPEC_DEVICE_WORDS)
WORD_NAMES(endpoint_word, SPEC_ENDPOINT_WORDS)

struct spec_vm *vm_of(u64 handle)
{
	for (u32 i = 0; i < SPEC_VMS; i++)
		if (spec->vm[i].w.life != VM_NONE && spec->vm[i].w.handle == handle)
			return &spec->vm[i];
	return NULL;
}

u32 vm_index(const struct spec_vm *vm) { return (u32)(vm - spec->vm); }

struct spec_domain *domain_find(u64 vm, u64 id)
{
	for (u32 i = 0; i < spec->domain_count; i++)
		if (spec->domain[i].w.id == id && spec->domain[i].w.vm == vm)
			return &spec->domain[i];
	return NULL;
}

static struct spec_domain *looked_at(struct spec_domain *d)
{
	if (d == NULL)
		return NULL;
	if (spec->looked_count < SPEC_LOOKED) {
		spec->looked[spec->looked_count].vm = d->w.vm;
		spec->looked[spec->looked_count].id = d->w.id;
	}
	if (spec->looked_count <= SPEC_LOOKED)
		spec->looked_count++;
	return d;
}

struct spec_domain *domain_of(const struct spec_vm *vm, u64 id) { return looked_at(domain_find(vm_index(vm), id)); }

struct spec_domain *domain_add(const struct spec_vm *vm, u64 id)
{
	struct spec_domain *d = &spec->domain[spec->domain_count];

	if (spec->domain_count++ == SPEC_DOMAINS)
		spec_fail("more domains than the specification has room for");
	*d = (struct spec_domain){ .w = { .id = id, .vm = vm_index(vm) }, .tree = spec->paging };
	tree_make(&d->tree);
	return looked_at(d);
}

struct spec_domain *domain_add_nested(const struct spec_vm *vm, u64 id)
{
	struct spec_domain *d = &spec->domain[spec->domain_count];

	if (spec->domain_count++ == SPEC_DOMAINS)
		spec_fail("more domains than the specification has room for");
	*d = (struct spec_domain){ .w = { .id = id, .vm = vm_index(vm) } };
	return looked_at(d);
}

/* Which slot a domain has says nothing, so the last one takes this place. */
void domain_remove(struct spec_domain *d)
{
	if (!d->w.nested)
		tree_end(&d->tree);
	*d = spec->domain[--spec->domain_count];
}

struct spec_endpoint *endpoint_of(const struct spec_vm *vm, u64 pv, u64 vsid)
{
	for (u32 i = 0; i < spec->endpoints; i++) {
		struct spec_endpoint *e = &spec->endpoint[i];
		const struct spec_device *d = &spec->device[e->device];

		if (e->w.has_vsid && e->w.vsid == vsid && d->w.vm == vm_index(vm) && d->w.pv == pv + 1)
			return e;
	}
	return NULL;
}

struct spec_sub *sub_of(const struct spec_endpoint *e, u64 pasid)
{
	for (u32 i = 0; i < spec->sub_count; i++)
		if (&spec->endpoint[spec->sub[i].endpoint] == e && spec->sub[i].pasid == pasid)
			return &spec->sub[i];
	return NULL;
}

/* --- pages */

u64 page_number(u64 pa)
{
	for (u32 i = 0; i < spec->ram_count; i++)
		if (pa - spec->ram[i].base < spec->ram[i].size)
			return spec->ram[i].first + ((pa - (spec->ram[i].base & ~(SPEC_BLOCK - 1))) >> 12);
	return NO_PAGE;
}

u64 page_address(u64 number)
{
	u32 i = spec->ram_count - 1;

	while (i > 0 && number < spec->ram[i].first)
		i--;
	return (spec->ram[i].base & ~(SPEC_BLOCK - 1)) + ((number - spec->ram[i].first) << 12);
}

bool page_usable_by(u64 number, const struct spec_vm *vm, bool write)
{
	const struct spec_page *p;

	if (number == NO_PAGE)
		return false;
	p = &spec->page[number];
	if (p->owner == owner_of(vm))
		return p->state != PAGE_READABLE || !write;
	/* What a secondary shares is shared with the primary. */
	return vm_index(vm) == 0 && p->owner > 1 && p->state == PAGE_SHARED;
}

bool run_usable_by(u64 pa, const struct spec_vm *vm, bool write)
{
	u64 first = page_number(pa), last = page_number(pa + SPEC_BLOCK - SPEC_PAGE);

	if (first == NO_PAGE || last != first + SPEC_BLOCK / SPEC_PAGE - 1 || !page_usable_by(first, vm, write))
		return false;
	for (u64 n = first + 1; n <= last; n++)
		if (spec->page[n].owner != spec->page[first].owner || spec->page[n].state != spec->page[first].state)
			return false;
	return true;
}

bool vm_translate(const struct spec_vm *vm, u64 ipa, u64 *pa)
{
	u32 prot;

	if (vm_index(vm) != 0)
		return tree_lookup(&vm->cpu, ipa, pa, &prot);
	*pa = ipa; /* the primary's addresses are the machine's */
	return ipa >> spec->cpu.bits == 0;
}

bool vm_name_of(const struct spec_vm *vm, u64 pa, u64 *ipa)
{
	u64 number = page_number(pa);

	*ipa = pa;
	if (vm_index(vm) == 0)
		return true;
	if (number != NO_PAGE) {
		*ipa = ((u64)spec->page_ipa[number] << 12) + (pa & (SPEC_PAGE - 1));
		return true;
	}
	for (u32 i = 0; i < spec->devices; i++)
		for (u32 k = 0; k < spec->device[i].mmio_count; k++) {
			const struct spec_device *d = &spec->device[i];

			if (pa - d->mmio[k].base >= d->mmio[k].size)
				continue;
			*ipa = d->mmio_ipa[k] + (pa - d->mmio[k].base);
			return d->w.vm == vm_index(vm) && d->w.state != DEV_QUARANTINED && pa - d->mmio[k].base < d->mmio_given[k];
		}
	return false;
}

void pins_add(u64 pa, u64 size, bool block, int by)
{
	u64 first = page_number(pa);

	for (u64 n = first; n < first + size / SPEC_PAGE; n += block ? SPEC_BLOCK / SPEC_PAGE : 1)
		if (block)
			spec->block_pins[n / (SPEC_BLOCK / SPEC_PAGE)] += (u32)by;
		else
			spec->page[n].pins += (u32)by;
}

/* --- memory of guests, as a call sees it */

static void *guest_page(const struct spec_vm *vm, u64 ipa, bool write)
{
	u64 pa;

	if (!vm_translate(vm, ipa, &pa) || !page_usable_by(page_number(pa), vm, write))
		return NULL;
	return io_phys((pa_t){ pa });
}

bool vm_read(const struct spec_vm *vm, u64 ipa, void *to, u64 bytes)
{
	if (copied_get(vm_index(vm), ipa, to, bytes))
		return true;
	if (ipa + bytes < ipa)
		return false;
	for (u64 done = 0, n; done < bytes; done += n) {
		u64 rest = SPEC_PAGE - ((ipa + done) & (SPEC_PAGE - 1));
		const void *from = guest_page(vm, ipa + done, false);

		n = bytes - done < rest ? bytes - done : rest;
		if (from == NULL)
			return false;
		memcpy((char *)to + done, from, n);
	}
	return true;
}

bool vm_may_write(const struct spec_vm *vm, u64 ipa, u64 bytes)
{
	if (ipa + bytes < ipa)
		return false;
	for (u64 at = ipa; at < ipa + bytes; at = (at & ~(SPEC_PAGE - 1)) + SPEC_PAGE)
		if (guest_page(vm, at, true) == NULL)
			return false;
	return true;
}
