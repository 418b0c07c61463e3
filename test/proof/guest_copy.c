/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies from and to a guest's memory (hyp/mem/guest_copy.c): each piece inside one page that the VM may use so at that
 * moment, the pieces one behind the other and all of them, nothing written before all pages were looked at.
 *
 * For all: addresses, where the VM's pages are, whose they are and in which state. Up to: copies of two pages, so over three.
 *
 * unwind: 5
 */
#include "proof.h"

#include <string.h>

static void *copied(void *to, const void *from, u64 bytes);
#define memcpy copied
#include "hyp/mem/guest_copy.c"
#undef memcpy

#define PIECES 3u

static struct vm vm;
static u64 base, size;       /* what was asked for, in the guest's memory */
static u8 buffer[2 * PAGE_SIZE], guest[PAGE_SIZE];
static struct page page[PIECES]; /* of the pages from that of `base` on; no owner: there is none */
static bool there[PIECES];
static u64 done, page_now;
static bool writing, locked;

static u64 piece_of(u64 addr) { return (addr >> PAGE_SHIFT) - (base >> PAGE_SHIFT); }

static bool usable(u64 i, bool write)
{
	const struct page *p = &page[i];

	if (!there[i])
		return false;
	if (p->owner == vm.owner)
		return p->state <= PAGE_SHARED_OUT || (p->state == PAGE_READ_ONLY && !write);
	return vm.owner == OWNER_VM && p->owner > OWNER_VM && p->state == PAGE_SHARED_OUT;
}

static bool all_usable(bool write)
{
	bool ok = true;

	for (u64 i = 0; i < PIECES; i++)
		ok = ok && (i > piece_of(base + size - 1) || usable(i, write));
	return ok;
}

/* --- below guest_copy.c */

void page_lock(void) { locked = true; }
void page_unlock(void) { locked = false; }

bool vm_ipa_to_pa(const struct vm *v, ipa_t addr, pa_t *out)
{
	(void)v;
	/* Elsewhere in physical memory, page by page; what is not there has no address. */
	*out = pa(piece_of(addr.v) << PAGE_SHIFT | (addr.v & PAGE_MASK));
	return piece_of(addr.v) < PIECES && there[piece_of(addr.v)];
}

struct page *page_find(pa_t at) { return &page[at.v >> PAGE_SHIFT]; }

void *io_phys(pa_t at)
{
	page_now = at.v >> PAGE_SHIFT;
	return guest + (at.v & PAGE_MASK);
}

static void *copied(void *to, const void *from, u64 bytes)
{
	const u8 *ours = writing ? from : to, *theirs = writing ? to : from;
	const u64 within = (u64)((uintptr_t)theirs - (uintptr_t)guest);

	CLAIM("a piece goes between the right places", within == ((base + done) & PAGE_MASK) && page_now == piece_of(base + done) &&
							       (uintptr_t)ours - (uintptr_t)buffer == done);
	CLAIM("no piece leaves its page", bytes > 0 && bytes <= PAGE_SIZE - within);
	CLAIM("no piece leaves what was asked for", bytes <= size - done);
	CLAIM("only pages are touched that the VM may use so, under the lock", locked && usable(page_now, writing));
	done += bytes;
	return to;
}

int main(void)
{
	enum status status;
	bool wraps;

	base = any_u64();
	size = any_u32_to(sizeof(buffer));
	vm.owner = any_u8();
	writing = any_bool();
	ASSUME(vm.owner >= OWNER_VM);
	for (u32 i = 0; i < PIECES; i++) {
		there[i] = any_bool();
		page[i] = (struct page){ .owner = any_u8(), .state = (u8)any_u32_to(PAGE_STATES - 1) };
	}
	wraps = base + size < base;
	status = writing ? guest_write(&vm, ipa(base), buffer, size) : guest_read(&vm, ipa(base), buffer, size);
	CLAIM("success is all of it", status != OK || done == size);
	CLAIM("a copy succeeds exactly when the VM may use all of it so",
	      (status == OK) == (!wraps && (!writing || size <= PVIOMMU_MAX_STRUCT) && (size == 0 || all_usable(writing))));
	CLAIM("of a refused write not a byte was written", !writing || status == OK || done == 0);
	CLAIM("the lock is not kept", !locked);
	return 0;
}
