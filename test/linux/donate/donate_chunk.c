// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Pages on their way to a VM and back, and what is in them. */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "donate.h"

/* As the program in a VM looks for it: a number and that number inverted. */
static u64 mark_of(const struct page *page, unsigned int word)
{
	u64 mark = page_to_pfn(page) * 0x9e3779b97f4a7c15ULL;

	return word & 1 ? ~mark : mark;
}

static void page_mark(struct page *page)
{
	u64 *at = page_address(page);
	unsigned int word;

	for (word = 0; word < PAGE_SIZE / sizeof(*at); word++)
		at[word] = mark_of(page, word);
}

static int page_check_mark(struct page *page)
{
	const u64 *at = page_address(page);
	unsigned int word;

	for (word = 0; word < PAGE_SIZE / sizeof(*at); word++)
		if (at[word] != mark_of(page, word))
			return donate_wrong("page %lx, which stayed here, has %llx at word %u",
					    page_to_pfn(page), at[word], word);
	return 0;
}

int donate_page_was_written(struct page *page)
{
	const u64 *at = page_address(page);

	if (at[0] == mark_of(page, 0) && at[1] == mark_of(page, 1))
		return donate_wrong("page %lx was not written",
				    page_to_pfn(page));
	page_mark(page);
	return 0;
}

int donate_check_zero(struct page *page, unsigned int pages)
{
	const u8 *at = page_address(page);
	const u8 *found = memchr_inv(at, 0, (size_t)pages * PAGE_SIZE);

	if (found)
		return donate_wrong("page %lx came back with %x at offset %zx of %u pages",
				    page_to_pfn(page), *found,
				    (size_t)(found - at), pages);
	return 0;
}

int donate_chunk_alloc(struct donate_chunk *c, unsigned int order,
		       unsigned int first, unsigned int count)
{
	unsigned int i;

	*c = (struct donate_chunk) {
		.page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY,
				    order),
		.order = order,
		.first = first,
		.count = count,
	};
	if (!c->page)
		return -ENOMEM;
	for (i = 0; i < 1u << order; i++)
		page_mark(c->page + i);
	return 0;
}

void donate_chunk_free(struct donate_chunk *c)
{
	if (c->page)
		__free_pages(c->page, c->order);
	c->page = NULL;
}

int donate_chunk_give(struct donate_chunk *c, struct donate_vm *vm, u32 flags)
{
	u64 ipa = c->ipa, pa = donate_chunk_pa(c), left = c->count, done;
	s32 status;

	for (; left; left -= done) {
		status = donate_call(PC_VM_DONATE, vm->handle, ipa, pa, left,
				     flags, &done);
		if (status || !done || done > left)
			return donate_wrong("VM_DONATE of %llu pages at %llx: %d, %llu done",
					    left, pa, status, done);
		ipa += done * PAGE_SIZE;
		pa += done * PAGE_SIZE;
	}
	return 0;
}

bool donate_chunk_is_given(const struct donate_chunk *c, unsigned int i)
{
	return i >= c->first && i < c->first + c->count;
}

int donate_chunk_check_rest(struct donate_chunk *c)
{
	unsigned int i;
	int ret;

	for (i = 0; i < 1u << c->order; i++) {
		if (donate_chunk_is_given(c, i))
			continue;
		ret = page_check_mark(c->page + i);
		if (ret)
			return ret;
		page_mark(c->page + i);
	}
	return 0;
}

int donate_chunk_check_back(struct donate_chunk *c)
{
	int ret = donate_chunk_check_rest(c);

	return ret ?: donate_check_zero(c->page + c->first, c->count);
}
