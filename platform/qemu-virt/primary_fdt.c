/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree that the primary boots with: firmware's, edited by libfdt.
 *
 * Nodes are edited from the last to the first, so that the offsets that dt.c took from firmware's
 * tree stay true in the copy: an edit moves only what comes after it.
 *
 * A reference from a node that stays to one that goes is removed by name (`severed`), and so is an
 * alias of it. On this board nothing else refers to what goes.
 */
#include "board.h"

#include <stdio.h>
#include <string.h>

#define NODE_NAME_MAX 40
#define SPACE_MAX     0x1000000 /* libfdt counts in int; no tree comes near */

struct edit {
	const struct dt *dt;
	const struct machine *m;
	void *out;
	u32 gic_phandle;
	bool has_reserved_memory;
};

/* Properties that refer to nodes that go. */
static const enum dt_id severed[] = {
	DT_IOMMUS,
	DT_IOMMU_MAP,
	DT_IOMMU_MAP_MASK,
	DT_MSI_MAP,
	DT_MSI_MAP_MASK,
	DT_MSI_PARENT,
};

static u64 block_end(u32 offset, u32 size)
{
	return (u64)offset + size;
}

/*
 * Copy what is used of firmware's blob, and open it for edits in all of `space`. QEMU pads its
 * tree of ten kilobytes to a megabyte, and fdt_open_into() alone would copy the padding.
 */
static int copy_used(const void *fdt, void *out, int space)
{
	u64 used = block_end(fdt_off_dt_struct(fdt), fdt_size_dt_struct(fdt));
	u64 strings = block_end(fdt_off_dt_strings(fdt), fdt_size_dt_strings(fdt));
	u64 rsvmap = block_end(fdt_off_mem_rsvmap(fdt),
			       ((u32)fdt_num_mem_rsv(fdt) + 1) * (u32)sizeof(struct fdt_reserve_entry));

	used = strings > used ? strings : used;
	used = rsvmap > used ? rsvmap : used;
	/* Blocks in an odd order are put right in a second copy, behind the first: aligned. */
	if (align_up(used, DT_ALIGN) > (u64)space)
		return -FDT_ERR_NOSPACE;
	memcpy(out, fdt, used);
	fdt_set_totalsize(out, (u32)align_up(used, DT_ALIGN));
	return fdt_open_into(out, out, space);
}

static int sever(const struct edit *e, const struct dt_node *n)
{
	int err = 0;

	for (u32 i = 0; !err && i < ARRAY_SIZE(severed); i++)
		if (dt_prop(e->dt, n, severed[i]))
			err = fdt_delprop(e->out, (int)n->offset, dt_id_name(severed[i]));
	return err;
}

static const struct machine_module *module_of(const struct machine *m, enum module_kind kind)
{
	for (u32 i = 0; i < m->module_count; i++)
		if (m->module[i].kind == kind)
			return &m->module[i];
	return NULL;
}

static int drop_prop(const struct edit *e, const struct dt_node *n, enum dt_id id)
{
	return dt_prop(e->dt, n, id) ? fdt_delprop(e->out, (int)n->offset, dt_id_name(id)) : 0;
}

/* Ours goes, the kernel's comes: command line, ramdisk, and who assigns PCI. */
static int edit_chosen(const struct edit *e, const struct dt_node *n)
{
	const struct machine_module *kernel = module_of(e->m, MODULE_KERNEL);
	const struct machine_module *ramdisk = module_of(e->m, MODULE_RAMDISK);
	int node = (int)n->offset, err;

	err = fdt_setprop_u32(e->out, node, "linux,pci-probe-only", 1);
	if (!err && kernel && kernel->cmdline[0])
		err = fdt_setprop_string(e->out, node, "bootargs", kernel->cmdline);
	else if (!err)
		err = drop_prop(e, n, DT_BOOTARGS);
	if (!ramdisk) {
		err = err ? err : drop_prop(e, n, DT_INITRD_START);
		return err ? err : drop_prop(e, n, DT_INITRD_END);
	}
	if (!err)
		err = fdt_setprop_u64(e->out, node, "linux,initrd-start", ramdisk->mem.base);
	if (!err)
		err = fdt_setprop_u64(e->out, node, "linux,initrd-end", range_end(ramdisk->mem));
	return err;
}

/* Write a value as one or two cells; the place behind it, NULL when it does not fit. */
static fdt32_t *put_cells(fdt32_t *at, u64 value, u32 cells)
{
	if (cells < 1 || cells > 2 || (cells == 1 && value >> 32))
		return NULL;
	if (cells == 2)
		fdt32_st(at++, (u32)(value >> 32));
	fdt32_st(at++, (u32)value);
	return at;
}

static int reserve(const struct edit *e, int parent, struct range r, u32 address_cells, u32 size_cells)
{
	fdt32_t reg[4], *end = put_cells(reg, r.base, address_cells);
	char name[NODE_NAME_MAX];
	int node, err;

	end = end ? put_cells(end, r.size, size_cells) : NULL;
	if (!end)
		return -FDT_ERR_BADNCELLS;
	snprintf(name, sizeof(name), "portcullis@%lx", r.base);
	node = fdt_add_subnode(e->out, parent, name);
	if (node < 0)
		return node;
	err = fdt_setprop(e->out, node, "reg", reg, (int)((char *)end - (char *)reg));
	return err ? err : fdt_setprop_empty(e->out, node, "no-map");
}

static int reserve_ours(const struct edit *e, int parent, u32 address_cells, u32 size_cells)
{
	int err = reserve(e, parent, e->m->image, address_cells, size_cells);

	return err ? err : reserve(e, parent, e->m->heap, address_cells, size_cells);
}

/* Where firmware reserves nothing: the node that holds our two entries, shaped as the root. */
static int add_reserved_memory(const struct edit *e)
{
	u32 address_cells = dt_address_cells(e->dt, &e->dt->node[0]);
	u32 size_cells = dt_size_cells(e->dt, &e->dt->node[0]);
	int node = fdt_add_subnode(e->out, 0, "reserved-memory"), err;

	if (node < 0)
		return node;
	err = fdt_setprop_u32(e->out, node, "#address-cells", address_cells);
	if (!err)
		err = fdt_setprop_u32(e->out, node, "#size-cells", size_cells);
	if (!err)
		err = fdt_setprop_empty(e->out, node, "ranges");
	return err ? err : reserve_ours(e, node, address_cells, size_cells);
}

static int set_event_irqs(const struct edit *e, int node)
{
	fdt32_t spec[ARRAY_SIZE(e->m->event_irq) * GIC_CELLS], *end = spec;

	for (u32 i = 0; i < e->m->event_irq_count; i++) {
		fdt32_st(end++, GIC_KIND_SPI);
		fdt32_st(end++, e->m->event_irq[i] - GIC_FIRST_SPI);
		fdt32_st(end++, GIC_EDGE);
	}
	return fdt_setprop(e->out, node, "interrupts", spec, (int)((char *)end - (char *)spec));
}

static int add_pviommu(const struct edit *e, u32 id)
{
	char name[NODE_NAME_MAX];
	int node, err;

	snprintf(name, sizeof(name), "pviommu@%x", id);
	node = fdt_add_subnode(e->out, 0, name);
	if (node < 0)
		return node;
	err = fdt_setprop_string(e->out, node, "compatible", "pkvm,pviommu");
	if (!err)
		err = fdt_setprop_u32(e->out, node, "id", id);
	if (!err)
		err = fdt_setprop_u32(e->out, node, "#iommu-cells", 1);
	if (!err)
		err = fdt_setprop_u32(e->out, node, "interrupt-parent", e->gic_phandle);
	return err ? err : set_event_irqs(e, node);
}

static int edit_root(const struct edit *e)
{
	int err = 0;

	if (!e->has_reserved_memory)
		err = add_reserved_memory(e);
	for (u32 id = e->m->iommu_count; !err && id-- > 0;)
		err = add_pviommu(e, id);
	return err;
}

static bool is_dropped(const struct edit *e, const struct dt_node *n)
{
	return n->kind->fate == NODE_DROPPED ||
	       (n->kind->fate == NODE_DROPPED_TO_MEASURE && e->m->option.measure);
}

/* The child of `parent` that a path names next; *path is moved behind it. NULL: none. */
static const struct dt_node *path_next(const struct edit *e, const struct dt_node *parent, const char **path)
{
	const char *name = *path + strspn(*path, "/");
	size_t length = strcspn(name, "/");

	*path = name + length;
	for (u32 i = 1; length > 0 && i < e->dt->node_count; i++) {
		const struct dt_node *n = &e->dt->node[i];

		if (dt_parent(e->dt, n) == parent && strncmp(n->name, name, length) == 0 && n->name[length] == 0)
			return n;
	}
	return NULL;
}

/* Is the node at this path one that goes, or below one? */
static bool goes(const struct edit *e, const char *path)
{
	const struct dt_node *n = &e->dt->node[0];

	while ((n = path_next(e, n, &path)) != NULL)
		if (is_dropped(e, n))
			return true;
	return false;
}

/* Names of nodes that go. Firmware's properties are looked at, so that removing moves nothing under us. */
static int edit_aliases(const struct edit *e, const struct dt_node *n)
{
	int prop, len, err = 0;

	fdt_for_each_property_offset(prop, e->dt->fdt, (int)n->offset)
	{
		const char *name = NULL, *path = fdt_getprop_by_offset(e->dt->fdt, prop, &name, &len);

		if (!err && path && name && len > 0 && path[len - 1] == 0 && path[0] == '/' && goes(e, path))
			err = fdt_delprop(e->out, (int)n->offset, name);
	}
	return err;
}

static int edit_node(const struct edit *e, const struct dt_node *n)
{
	const struct dt_node *parent = dt_parent(e->dt, n);
	int err;

	if (!parent)
		return edit_root(e);
	if (is_dropped(e, parent))
		return 0; /* goes with it */
	if (is_dropped(e, n))
		return fdt_del_node(e->out, (int)n->offset);
	err = sever(e, n);
	if (!err && n->kind == &kind_chosen)
		err = edit_chosen(e, n);
	if (!err && n->depth == 1 && strcmp(n->name, "aliases") == 0)
		err = edit_aliases(e, n);
	if (!err && n->kind == &kind_reserved_memory)
		err = reserve_ours(e, (int)n->offset, dt_address_cells(e->dt, n), dt_size_cells(e->dt, n));
	return err;
}

/* What the edits of single nodes must know of others. */
static void look_ahead(struct edit *e)
{
	for (u32 i = 0; i < e->dt->node_count; i++) {
		const struct dt_node *n = &e->dt->node[i];

		if (n->kind == &kind_reserved_memory)
			e->has_reserved_memory = true;
		if (n->kind->find == find_gic)
			e->gic_phandle = dt_u32(e->dt, n, DT_PHANDLE, DT_ABSENT);
	}
}

static enum status status_of(int err)
{
	return err == 0 ? OK : err == -FDT_ERR_NOSPACE ? E_NOMEM :
							 E_INVAL;
}

enum status platform_primary_fdt(const void *fdt, const struct machine *m, void *out, u64 space)
{
	struct edit e = { .m = m, .out = out };
	int limit = space > SPACE_MAX ? SPACE_MAX : (int)space;
	struct dt *dt;
	int err;

	if ((uintptr_t)out % DT_ALIGN != 0 || dt_parse(fdt, &dt))
		return E_INVAL;
	board_classify(dt);
	e.dt = dt;
	look_ahead(&e);
	err = copy_used(fdt, out, limit);
	for (u32 i = dt->node_count; !err && i-- > 0;)
		err = edit_node(&e, &dt->node[i]);
	if (!err)
		err = fdt_pack(out);
	return status_of(err);
}
