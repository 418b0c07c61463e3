/* SPDX-License-Identifier: BSD-2-Clause */
/* A bump allocator over the largest hole that the image, the device tree, the ramdisk and reserved ranges leave. */
#include "ram.h"

#include <libfdt.h>
#include <string.h>

#include "machine.h"
#include "report.h"

static struct range hole;
static u64 next;

static u32 taken_ranges(struct range *taken)
{
	u32 count = 0;

	for (u32 i = 0; i < machine.reserved_count; i++)
		taken[count++] = machine.reserved[i];
	taken[count++] = (struct range){ image_base(), image_size() };
	taken[count++] = (struct range){ (u64)machine.fdt, fdt_totalsize(machine.fdt) };
	taken[count++] = machine.initrd;
	return count;
}

/* End of the hole that starts at base: the next taken range or the end of that memory. */
static u64 hole_end(const struct range *ram, u64 base, const struct range *taken, u32 count)
{
	u64 end = ram->base + ram->size;

	for (u32 i = 0; i < count; i++) {
		if (taken[i].size && taken[i].base + taken[i].size > base && taken[i].base < end)
			end = taken[i].base > base ? taken[i].base : base;
	}
	return align_down(end, PAGE);
}

static void hole_try(const struct range *ram, u64 base, const struct range *taken, u32 count)
{
	u64 start = align_up(base, PAGE), end;

	if (!range_has(ram, start))
		return;
	end = hole_end(ram, start, taken, count);
	if (end > start && end - start > hole.size)
		hole = (struct range){ start, end - start };
}

void ram_init(void)
{
	struct range taken[MACHINE_RANGES + 3];
	u32 count = taken_ranges(taken);

	for (u32 i = 0; i < machine.ram_count; i++) {
		hole_try(&machine.ram[i], machine.ram[i].base, taken, count);
		for (u32 j = 0; j < count; j++)
			hole_try(&machine.ram[i], taken[j].base + taken[j].size, taken, count);
	}
	next = hole.base;
}

u64 ram_alloc_raw(u64 bytes, u64 align)
{
	u64 base = align_up(next, align < PAGE ? PAGE : align);

	if (!range_has(&hole, base) || hole.base + hole.size - base < bytes)
		report_abandon("the machine has too little memory for this image");
	next = base + align_up(bytes, PAGE);
	return base;
}

void *ram_alloc(u64 bytes, u64 align)
{
	void *p = (void *)ram_alloc_raw(bytes, align);

	return memset(p, 0, bytes);
}

u64 ram_mark(void)
{
	return next;
}

void ram_release(u64 mark)
{
	next = mark;
}

struct range ram_free(void)
{
	return hole;
}
