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

static u64 any_bit_of_bytes(const u8 *at, u64 count)
{
	u64 seen = 0;

#pragma clang loop unroll(disable)
	for (; count > 0; count--)
		seen |= *at++;
	return seen;
}

/* Read once, where they are: a call may have to look at many, and nothing is kept of them. */
static bool all_zero(const void *bytes, u64 count)
{
	const u64 crooked = -(uintptr_t)bytes % sizeof(u64), head = crooked < count ? crooked : count;
	const u64 *word = (const void *)((const u8 *)bytes + head);
	u64 seen = head != 0 ? any_bit_of_bytes(bytes, head) : 0;

	for (count -= head; count >= 8 * sizeof(u64); count -= 8 * sizeof(u64), word += 8)
		seen |= word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7];
	for (; count >= 2 * sizeof(u64); count -= 2 * sizeof(u64), word += 2)
		seen |= word[0] | word[1];
	if (count >= sizeof(u64)) {
		seen |= *word++;
		count -= sizeof(u64);
	}
	return (count != 0 ? seen | any_bit_of_bytes((const void *)word, count) : seen) == 0;
}

/* The first byte that is not zero, or cannot be read, decides. */
static enum status tail_is_zero(struct vm *vm, ipa_t from, u64 bytes)
{
	enum status status = OK;

	while (status == OK && bytes > 0) {
		const u64 n = piece(from.v, bytes);
		const void *src;

		page_lock();
		src = guest_ptr(vm, from, false);
		if (src == NULL)
			status = E_FAULT;
		else if (!all_zero(src, n))
			status = E_TOOBIG;
		page_unlock();
		from.v += n;
		bytes -= n;
	}
	return status;
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

enum status guest_read_entry(struct vm *vm, ipa_t at, u32 entry_len, void *to, u32 known)
{
	enum status status = guest_read(vm, at, to, known);

	if (status != OK || entry_len == known)
		return status;
	return tail_is_zero(vm, ipa(at.v + known), entry_len - known);
}

/* So many that lie in one page, which is looked up once. */
static enum status read_together(struct vm *vm, ipa_t at, u32 entry_len, u32 count, char *to, u32 known)
{
	enum status status = OK;
	const char *src;

	page_lock();
	src = guest_ptr(vm, at, false);
	if (src == NULL)
		status = E_FAULT;
	for (; count > 0 && status == OK; count--, src += entry_len, to += known) {
		memcpy(to, src, known);
		if (!all_zero(src + known, entry_len - known))
			status = E_TOOBIG;
	}
	page_unlock();
	return status;
}

enum status guest_read_entries(struct vm *vm, ipa_t at, u32 entry_len, u32 count, void *to, u32 known)
{
	enum status status = OK;
	char *out = to;

	if (at.v + (u64)entry_len * count < at.v)
		return E_FAULT;
	for (u32 n; count > 0 && status == OK; count -= n) {
		n = (u32)(piece(at.v, (u64)entry_len * count) / entry_len);
		if (n > 0) {
			status = read_together(vm, at, entry_len, n, out, known);
		} else {
			n = 1;
			status = guest_read_entry(vm, at, entry_len, out, known);
		}
		at.v += (u64)entry_len * n;
		out += (u64)known * n;
	}
	return status;
}

u32 guest_entries_taken(u32 count, u32 entry_len)
{
	const u32 fit = PVIOMMU_MAX_READ / entry_len, most = fit < PVIOMMU_MAX_LONG ? fit : PVIOMMU_MAX_LONG;

	return count < most ? count : most;
}
