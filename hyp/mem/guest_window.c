/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of a guest that a call writes when it is over: nobody else's until then. */
#include <string.h>

#include "guest_copy.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "mem/page.h"
#include "vm/vm.h"

/* One page of a window; page lock. */
static enum status window_pin(struct vm *vm, ipa_t to, pa_t *at) MUST_HOLD(page_class)
{
	if (!vm_ipa_to_pa(vm, to, at))
		return E_FAULT;
	return page_pin(pa(align_down(at->v, PAGE_SIZE)), 1, vm->owner, true);
}

enum status guest_window_open(struct vm *vm, ipa_t to, u64 bytes, struct guest_window *w)
{
	const u64 rest = PAGE_SIZE - (to.v & PAGE_MASK);
	enum status status;

	CHECK(bytes <= PAGE_SIZE);
	if (to.v + bytes < to.v)
		return E_FAULT;
	w->bytes[0] = bytes < rest ? bytes : rest;
	w->bytes[1] = bytes - w->bytes[0];
	page_lock();
	status = window_pin(vm, to, &w->at[0]);
	if (status == OK && w->bytes[1] != 0) {
		status = window_pin(vm, ipa(to.v + w->bytes[0]), &w->at[1]);
		if (status != OK)
			page_unpin(pa(align_down(w->at[0].v, PAGE_SIZE)), 1);
	}
	page_unlock();
	return status;
}

void guest_window_close(struct guest_window *w, const void *from, u64 bytes)
{
	CHECK(bytes == w->bytes[0] + w->bytes[1]);
	memcpy(io_phys(w->at[0]), from, w->bytes[0]);
	if (w->bytes[1] != 0)
		memcpy(io_phys(w->at[1]), (const char *)from + w->bytes[0], w->bytes[1]);
	page_lock();
	for (u32 i = 0; i < 2 && w->bytes[i] != 0; i++)
		page_unpin(pa(align_down(w->at[i].v, PAGE_SIZE)), 1);
	page_unlock();
}
