/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that lives for ever: a pointer that only moves up, closed before the first guest runs. */
#include "hyp/check.h"
#include "hyp/io.h"
#include "pool_priv.h"

static u64 next, end;

void boot_alloc_open(struct range heap)
{
	next = heap.base;
	end = heap.base + heap.size;
}

pa_t boot_alloc(u64 pages, u64 align)
{
	u64 base = align_up(next, align);

	CHECK(pages > 0 && align >= PAGE_SIZE && (align & (align - 1)) == 0);
	if (base > end || pages > (end - base) / PAGE_SIZE)
		panic("boot memory exhausted: %lu pages wanted, %lu left", (unsigned long)pages,
		      (unsigned long)(base < end ? (end - base) / PAGE_SIZE : 0));
	next = base + pages * PAGE_SIZE;
	io_zero_pages(io_phys(pa(base)), pages);
	return pa(base);
}

struct range boot_alloc_close(void)
{
	struct range rest = { .base = next, .size = end - next };

	next = end = 0;
	return rest;
}
