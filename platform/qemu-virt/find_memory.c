/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM, what firmware reserved in it, and the run that we take for our heap. */
#include "board.h"

/*
 * The heap, as parts of RAM of 4 bytes a page each. Page records: 8 bytes a page, and 4 for where a VM has it. Tables: the
 * primary's CPU and DMA tables, each at worst all of 4 KiB leaves, 8 bytes a page; and one part for the levels above and
 * our own map. Fixed: slots of VMs and what is small.
 */
#define HEAP_FIXED    (4ul << 20)
#define HEAP_QUEUES   (8ul << 20) /* queues and stream tables of the IOMMUs */
#define HEAP_RAM_PART 1024u /* 4 bytes a page */
#define HEAP_RECORDS  3u
#define HEAP_TABLES   5u

/* Insert into a list sorted by base; false if it is full. */
static bool list_insert(struct range *list, u32 *count, u32 max, struct range r)
{
	u32 i = *count;

	if (i == max)
		return false;
	for (; i > 0 && list[i - 1].base > r.base; i--)
		list[i] = list[i - 1];
	list[i] = r;
	(*count)++;
	return true;
}

/* Join ranges of a sorted list that touch or meet. */
static void list_join(struct range *list, u32 *count)
{
	u32 kept = 0;

	for (u32 i = 1; i < *count; i++) {
		struct range *last = &list[kept];

		if (list[i].base > range_end(*last))
			list[++kept] = list[i];
		else if (range_end(list[i]) > range_end(*last))
			last->size = range_end(list[i]) - last->base;
	}
	if (*count)
		*count = kept + 1;
}

bool find_memory(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;
	struct machine *m = d->m;
	struct range reg[MACHINE_MAX_RAM];
	u32 count;

	if (!find_reg(d, n, reg, MACHINE_MAX_RAM, &count))
		return false;
	for (u32 i = 0; i < count; i++) {
		if (!page_aligned(reg[i].base) || !page_aligned(reg[i].size))
			return refuse("%s: RAM at 0x%lx is not made of whole pages", name, reg[i].base);
		for (u32 k = 0; k < m->ram_count; k++)
			if (ranges_meet(reg[i], m->ram[k]))
				return refuse("%s: RAM at 0x%lx is there twice", name, reg[i].base);
		if (!list_insert(m->ram, &m->ram_count, MACHINE_MAX_RAM, reg[i]))
			return refuse("%s: more than %u ranges of RAM", name, MACHINE_MAX_RAM);
	}
	return true;
}

/* Whole pages around r: a page that firmware shares with a VM is not the VM's. */
static bool reserve(struct discovery *d, const char *name, struct range r)
{
	u64 base = align_down(r.base, PAGE_SIZE), end = align_up(range_end(r), PAGE_SIZE);
	struct machine *m = d->m;

	if (!list_insert(m->reserved, &m->reserved_count, MACHINE_MAX_RAM, (struct range){ base, end - base }))
		return refuse("%s: more than %u reserved ranges", name, MACHINE_MAX_RAM);
	return true;
}

bool find_reserved(struct discovery *d, const struct dt_node *n)
{
	struct range reg[MACHINE_MAX_RAM];
	u32 count;

	/* Without reg it is a wish of the operating system's, with no place yet. */
	if (!dt_enabled(d->dt, n) || !dt_prop(d->dt, n, DT_REG))
		return true;
	if (!find_reg(d, n, reg, MACHINE_MAX_RAM, &count))
		return false;
	for (u32 i = 0; i < count; i++)
		if (!reserve(d, n->name, reg[i]))
			return false;
	return true;
}

bool find_reserve_map(struct discovery *d)
{
	const char *name = "memory reservation block";
	struct range r;

	for (int i = 0; !fdt_get_mem_rsv(d->dt->fdt, i, &r.base, &r.size) && r.size; i++)
		if (!range_check(name, r) || !reserve(d, name, r))
			return false;
	return true;
}

static bool in_ram(const struct machine *m, struct range r)
{
	for (u32 i = 0; i < m->ram_count; i++)
		if (range_holds(m->ram[i], r))
			return true;
	return false;
}

/* What lies in RAM already: index 0, 1, ...; false when there are no more. */
static bool occupant(const struct machine *m, u32 index, struct range *r, const char **name)
{
	if (index == 0) {
		*r = m->image;
		*name = "the hypervisor's image";
	} else if (index == 1) {
		*r = m->dtb;
		*name = "the device tree";
	} else if (index < 2 + m->module_count) {
		*r = m->module[index - 2].mem;
		*name = "a boot module";
	} else if (index < 2 + m->module_count + m->reserved_count) {
		*r = m->reserved[index - 2 - m->module_count];
		*name = "reserved memory";
	} else {
		return false;
	}
	return true;
}

/* No two occupants may meet, firmware's reservations of its own tree excepted. */
static bool occupants_check(const struct machine *m)
{
	struct range a, b;
	const char *a_name, *b_name;

	for (u32 i = 0; occupant(m, i, &a, &a_name); i++)
		for (u32 k = 0; k < i && occupant(m, k, &b, &b_name); k++)
			if (ranges_meet(a, b) && !(k == 1 && i >= 2 + m->module_count))
				return refuse("%s at 0x%lx meets %s at 0x%lx", a_name, a.base, b_name, b.base);
	return true;
}

bool find_memory_check(struct discovery *d)
{
	struct machine *m = d->m;

	list_join(m->ram, &m->ram_count);
	list_join(m->reserved, &m->reserved_count);
	if (m->ram_count == 0)
		return refuse("the device tree has no memory");
	if (m->image.size == 0 || m->image.base % BLOCK_SIZE || m->image.size % BLOCK_SIZE || !in_ram(m, m->image))
		return refuse("the hypervisor's image at 0x%lx is not a run of whole 2 MiB of RAM", m->image.base);
	for (u32 i = 0; i < m->module_count; i++)
		if (!in_ram(m, m->module[i].mem))
			return refuse("the boot module at 0x%lx is outside RAM", m->module[i].mem.base);
	return occupants_check(m);
}

static u64 heap_size(const struct machine *m)
{
	u64 ram = 0, size;

	for (u32 i = 0; i < m->ram_count; i++)
		ram += m->ram[i].size;
	size = HEAP_FIXED + HEAP_QUEUES;
	size += ram / HEAP_RAM_PART * (HEAP_RECORDS + HEAP_TABLES);
	size += m->option.pool_bytes ? m->option.pool_bytes : ram / POOL_RAM_SHARE;
	return align_up(size, BLOCK_SIZE);
}

/* The highest free place of `size` in one range of RAM. */
static bool heap_place(const struct machine *m, struct range ram, u64 size, struct range *heap)
{
	u64 top = range_end(ram);
	struct range taken;
	const char *name;
	bool met;

	do {
		if (top < size || align_down(top - size, BLOCK_SIZE) < ram.base)
			return false;
		*heap = (struct range){ align_down(top - size, BLOCK_SIZE), size };
		met = false;
		for (u32 i = 0; !met && occupant(m, i, &taken, &name); i++)
			met = ranges_meet(*heap, taken);
		top = taken.base;
	} while (met);
	return true;
}

bool find_heap(struct discovery *d)
{
	struct machine *m = d->m;
	u64 size = heap_size(m);

	for (u32 i = m->ram_count; i-- > 0;)
		if (heap_place(m, m->ram[i], size, &m->heap))
			return true;
	return refuse("RAM has no free run of %lu MiB for the hypervisor; give the machine more memory", size >> 20);
}
