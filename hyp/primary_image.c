/* SPDX-License-Identifier: BSD-2-Clause */
/* The primary's kernel, ramdisk and device tree: checked, and placed in its memory. */
#include "primary_image.h"

#include "hyp/arch.h"
#include "hyp/io.h"

/* The boot protocol's bounds of a device tree: in one 2 MiB block. */
#define FDT_SPACE BLOCK_SIZE

#define RANGES_MAX (MACHINE_MAX_MODULES + MACHINE_MAX_RAM + 4)

struct taken {
	struct range range[RANGES_MAX];
	u32 count;
};

static void take(struct taken *t, struct range r)
{
	if (r.size != 0)
		t->range[t->count++] = r;
}

static bool overlaps(struct range a, struct range b)
{
	return a.base < b.base + b.size && b.base < a.base + a.size;
}

static const struct range *hit(const struct taken *t, struct range r)
{
	for (u32 i = 0; i < t->count; i++)
		if (overlaps(t->range[i], r))
			return &t->range[i];
	return NULL;
}

static bool in_ram(const struct machine *m, struct range r)
{
	for (u32 i = 0; i < m->ram_count; i++)
		if (r.base >= m->ram[i].base && r.base - m->ram[i].base < m->ram[i].size &&
		    r.size <= m->ram[i].size - (r.base - m->ram[i].base))
			return true;
	return false;
}

/* The highest free block of RAM for the tree. */
static bool place_fdt(const struct machine *m, const struct taken *t, u64 *base)
{
	bool found = false;

	for (u32 i = 0; i < m->ram_count; i++) {
		u64 at = align_down(m->ram[i].base + m->ram[i].size, FDT_SPACE);

		while (at >= m->ram[i].base + FDT_SPACE) {
			struct range r = { .base = at - FDT_SPACE, .size = FDT_SPACE };
			const struct range *in_the_way = hit(t, r);

			if (in_the_way == NULL) {
				if (!found || r.base > *base)
					*base = r.base;
				found = true;
				break;
			}
			at = align_down(in_the_way->base, FDT_SPACE);
		}
	}
	return found;
}

static const struct machine_module *kernel_of(const struct machine *m)
{
	for (u32 i = 0; i < m->module_count; i++)
		if (m->module[i].kind == MODULE_KERNEL)
			return &m->module[i];
	return NULL;
}

bool primary_image_place(const void *fdt, const struct machine *m, struct primary_image *image,
			 const char **why)
{
	const struct machine_module *kernel = kernel_of(m);
	struct taken taken = { .count = 0 };
	struct range room;
	u64 base = 0;

	if (kernel == NULL) {
		*why = "no kernel for the primary among the boot modules";
		return false;
	}
	if (!arch_kernel_layout(io_phys(pa(kernel->mem.base)), kernel->mem, &room, &image->entry,
				why))
		return false;
	take(&taken, m->image);
	take(&taken, m->heap);
	for (u32 i = 0; i < m->reserved_count; i++)
		take(&taken, m->reserved[i]);
	for (u32 i = 0; i < m->module_count; i++)
		if (&m->module[i] != kernel)
			take(&taken, m->module[i].mem);
	if (!in_ram(m, room) || hit(&taken, room) != NULL) {
		*why = "the memory that the primary's kernel needs behind its image is not free";
		return false;
	}
	take(&taken, room);
	/* Firmware's tree is read while the primary's is written. */
	take(&taken, m->dtb);
	if (!place_fdt(m, &taken, &base)) {
		*why = "no 2 MiB of RAM are free for the primary's device tree";
		return false;
	}
	image->fdt = ipa(base);
	if (platform_primary_fdt(fdt, m, io_phys(pa(base)), FDT_SPACE) != OK) {
		*why = "the primary's device tree cannot be made from firmware's";
		return false;
	}
	return true;
}
