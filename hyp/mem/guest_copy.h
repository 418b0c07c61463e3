/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only code that touches a guest's memory for a call. Copies are made once, into memory of
 * the hypervisor; what was copied is checked, and the guest's copy is not looked at again.
 */
#ifndef MEM_GUEST_COPY_H
#define MEM_GUEST_COPY_H

#include "hyp/addr.h"
#include "hyp/lock.h"
#include "hyp/status.h"

struct vm;

/* E_FAULT: the range wraps or a page of it is not memory that the VM may use. */
enum status guest_read(struct vm *vm, ipa_t from, void *to, u64 bytes) MUST_CHECK
	NOT_HELD(page_class);
/* All or nothing: every page is checked before the first byte is written. */
enum status guest_write(struct vm *vm, ipa_t to, const void *from, u64 bytes) MUST_CHECK
	NOT_HELD(page_class);

/* Would guest_write() succeed now? E_FAULT. */
enum status guest_check_writable(struct vm *vm, ipa_t to, u64 bytes) MUST_CHECK
	NOT_HELD(page_class);

/*
 * A few bytes, at most a page of them, that a call writes when it is over: their pages are the VM's and writable, and stay so
 * from open to close. E_FAULT; E_BUSY: a pin count is full.
 */
struct guest_window {
	pa_t at[2];
	u64 bytes[2]; /* at each; 0: there is no second page */
};
enum status guest_window_open(struct vm *vm, ipa_t to, u64 bytes, struct guest_window *w) MUST_CHECK
	NOT_HELD(page_class);
void guest_window_close(struct guest_window *w, const void *from, u64 bytes) NOT_HELD(page_class);

/*
 * Copy in a top-level structure: u32 size at offset 0, aligned to 8. Members beyond the caller's
 * size read as zero. E_FAULT; E_INVAL: misaligned, or size below `min` or above
 * PVIOMMU_MAX_STRUCT; E_TOOBIG: bytes beyond `known` are not zero.
 */
enum status guest_read_struct(struct vm *vm, ipa_t from, void *to, u32 min, u32 known) MUST_CHECK;

/* Copy in an entry of `entry_len` bytes, of which `known` are known; the caller has checked entry_len. E_FAULT, E_TOOBIG. */
enum status guest_read_entry(struct vm *vm, ipa_t at, u32 entry_len, void *to, u32 known) MUST_CHECK;
/* The same of `count`, one after the other, of which only what is known is kept. */
enum status guest_read_entries(struct vm *vm, ipa_t at, u32 entry_len, u32 count, void *to, u32 known) MUST_CHECK;

/*
 * How many of `count` entries that are longer than they are known one call takes, so that what is behind in them does not
 * make it long (V9): PVIOMMU_MAX_LONG, and no more than PVIOMMU_MAX_READ bytes. Their length is at most PVIOMMU_MAX_ENTRY.
 */
u32 guest_entries_taken(u32 count, u32 entry_len);

#endif
