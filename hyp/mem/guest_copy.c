/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies from and to a guest's memory, page by page, each page looked up under the page lock. */
#include "guest_copy.h"

#include <string.h>

#include "abi/pviommu.h"
#include "hyp/io.h"
#include "mem/page.h"
#include "vm/vm.h"

static u64 piece(u64 addr, u64 bytes)
{
	u64 rest = PAGE_SIZE - (addr & PAGE_MASK);

	return bytes < rest ? bytes : rest;
}

/* The hypervisor's pointer to an IPA of the VM's own or shared memory; page lock. */
static void *guest_ptr(struct vm *vm, ipa_t addr, bool write) MUST_HOLD(page_class)
{
	const struct page *page;
	pa_t base;

	if (!vm_ipa_to_pa(vm, addr, &base))
		return NULL;
	page = page_find(base);
	if (page == NULL || !page_usable(page, vm->owner, write))
		return NULL;
	return io_phys(base);
}

enum status guest_read(struct vm *vm, ipa_t from, void *to, u64 bytes)
{
	char *out = to;

	if (unlikely(from.v + bytes < from.v))
		return E_FAULT;
	while (likely(bytes > 0)) {
		const u64 n = piece(from.v, bytes);
		const void *src;

		page_lock();
		src = guest_ptr(vm, from, false);
		if (src != NULL)
			memcpy(out, src, n);
		page_unlock();
		if (src == NULL)
			return E_FAULT;
		out += n;
		from.v += n;
		bytes -= n;
	}
	return OK;
}

static bool writable(struct vm *vm, ipa_t to, u64 bytes) MUST_HOLD(page_class)
{
	for (u64 done = 0; done < bytes; done += piece(to.v + done, bytes - done))
		if (guest_ptr(vm, ipa(to.v + done), true) == NULL)
			return false;
	return true;
}

enum status guest_write(struct vm *vm, ipa_t to, const void *from, u64 bytes)
{
	const char *in = from;
	enum status status = OK;

	if (to.v + bytes < to.v || bytes > PVIOMMU_MAX_STRUCT)
		return E_FAULT;
	page_lock();
	if (!writable(vm, to, bytes))
		status = E_FAULT;
	while (status == OK && bytes > 0) {
		u64 n = piece(to.v, bytes);

		memcpy(guest_ptr(vm, to, true), in, n);
		in += n;
		to.v += n;
		bytes -= n;
	}
	page_unlock();
	return status;
}

enum status guest_check_writable(struct vm *vm, ipa_t to, u64 bytes)
{
	bool ok;

	if (to.v + bytes < to.v || bytes > PVIOMMU_MAX_STRUCT)
		return E_FAULT;
	page_lock();
	ok = writable(vm, to, bytes);
	page_unlock();
	return ok ? OK : E_FAULT;
}

static enum status tail_is_zero(struct vm *vm, ipa_t from, u64 bytes)
{
	u64 chunk[8];

	while (bytes > 0) {
		u64 n = bytes < sizeof(chunk) ? bytes : sizeof(chunk);
		const u8 *byte = (const u8 *)chunk;
		enum status status = guest_read(vm, from, chunk, n);

		if (status != OK)
			return status;
		for (u64 i = 0; i < n; i++)
			if (byte[i] != 0)
				return E_TOOBIG;
		from.v += n;
		bytes -= n;
	}
	return OK;
}

/* Of any size, anywhere. */
static NOINLINE enum status read_struct(struct vm *vm, ipa_t from, void *to, u32 min, u32 known)
{
	/* In a page of its own what must be there is read with its size: either can be read or neither. */
	const u32 head = piece(from.v, min) == min ? min : (u32)sizeof(u32);
	enum status status;
	u32 size, take;

	if (from.v % 8 != 0)
		return E_INVAL;
	status = guest_read(vm, from, to, head);
	if (status != OK)
		return status;
	size = *(const u32 *)to;
	if (size < min || size > PVIOMMU_MAX_STRUCT)
		return E_INVAL;
	take = size < known ? size : known;
	if (take > head) {
		status = guest_read(vm, from, to, take);
		if (status != OK)
			return status;
		/* The size that was checked, whatever the guest has made of it since. */
		*(u32 *)to = size;
	}
	if (take == known)
		return size > known ? tail_is_zero(vm, ipa(from.v + known), size - known) : OK;
	memset((char *)to + take, 0, known - take);
	return OK;
}

enum status guest_read_struct(struct vm *vm, ipa_t from, void *to, u32 min, u32 known)
{
	/* Of the size that is known, in one page: nearly all of them. Whatever else it says is read anew. */
	if (likely(min == known && from.v % 8 == 0 && piece(from.v, known) == known)) {
		enum status status = guest_read(vm, from, to, known);

		if (likely(status != OK || *(const u32 *)to == known))
			return status;
	}
	return read_struct(vm, from, to, min, known);
}

enum status guest_read_entry(struct vm *vm, ipa_t array, u32 entry_len, u32 index, void *to,
			     u32 known)
{
	ipa_t at = ipa(array.v + (u64)entry_len * index);
	u32 take = entry_len < known ? entry_len : known;
	enum status status;

	if (at.v < array.v)
		return E_FAULT;
	memset(to, 0, known);
	status = guest_read(vm, at, to, take);
	if (status != OK || entry_len <= known)
		return status;
	return tail_is_zero(vm, ipa(at.v + known), entry_len - known);
}
