/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux arm64 boot protocol as seen by a loader: header of an Image, and its rules. Anything
 * without the header is a flat position-independent image, entered at its first byte.
 */
#include "hyp/arch.h"
#include "hyp/bits.h"

#include "mm.h"

#define IMAGE_MAGIC     0x644d5241u /* "ARM\x64" */
#define FLAG_BIG_ENDIAN BIT(0)

struct kernel_header {
	u32 code[2];
	u64 text_offset;
	u64 image_size; /* 0 before Linux 3.17 */
	u64 flags;
	u64 reserved[3];
	u32 magic;
	u32 pe_offset;
};

struct range arch_image(void)
{
	u64 base = (u64)image_start, end = align_up((u64)image_end, BLOCK_SIZE);

	return (struct range){ .base = base, .size = end - base };
}

bool arch_kernel_layout(const void *image, struct range file, struct range *room, ipa_t *entry,
			const char **why)
{
	const struct kernel_header *h = image;

	*room = file;
	*entry = ipa(file.base);
	if (file.size < sizeof(*h) || h->magic != IMAGE_MAGIC) {
		if (file.size >= 4 && !page_aligned(file.base)) {
			*why = "a flat kernel must be loaded at a page boundary";
			return false;
		}
		return true;
	}
	if (h->flags & FLAG_BIG_ENDIAN) {
		*why = "the primary's kernel is big-endian";
		return false;
	}
	if (h->text_offset >= BLOCK_SIZE || (file.base - h->text_offset) % BLOCK_SIZE != 0) {
		*why = "the primary's kernel must be loaded at its text offset from a 2 MiB boundary";
		return false;
	}
	if (h->image_size > file.size) {
		if (h->image_size > BIT(40)) {
			*why = "the primary's kernel claims an absurd size";
			return false;
		}
		room->size = align_up(h->image_size, PAGE_SIZE);
	}
	return true;
}
