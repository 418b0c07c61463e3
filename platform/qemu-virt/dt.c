/* SPDX-License-Identifier: BSD-2-Clause */
/* The flat table of firmware's device tree. See dt.h. */
#include "dt.h"

#include <limits.h>
#include <string.h>

static struct dt tree;

static const char *const id_name[DT_IDS] = {
	[DT_ADDRESS_CELLS] = "#address-cells",
	[DT_ATS] = "ats-supported",
	[DT_BOOTARGS] = "bootargs",
	[DT_BUS_RANGE] = "bus-range",
	[DT_COMPATIBLE] = "compatible",
	[DT_DEVICE_TYPE] = "device_type",
	[DT_DMA_COHERENT] = "dma-coherent",
	[DT_DMA_NONCOHERENT] = "dma-noncoherent",
	[DT_ENABLE_METHOD] = "enable-method",
	[DT_INITRD_END] = "linux,initrd-end",
	[DT_INITRD_START] = "linux,initrd-start",
	[DT_INTERRUPT_CELLS] = "#interrupt-cells",
	[DT_INTERRUPT_MAP] = "interrupt-map",
	[DT_INTERRUPT_MAP_MASK] = "interrupt-map-mask",
	[DT_INTERRUPT_NAMES] = "interrupt-names",
	[DT_INTERRUPT_PARENT] = "interrupt-parent",
	[DT_INTERRUPTS] = "interrupts",
	[DT_INTERRUPTS_EXTENDED] = "interrupts-extended",
	[DT_IOMMU_CELLS] = "#iommu-cells",
	[DT_IOMMU_MAP] = "iommu-map",
	[DT_IOMMU_MAP_MASK] = "iommu-map-mask",
	[DT_IOMMUS] = "iommus",
	[DT_METHOD] = "method",
	[DT_MSI_MAP] = "msi-map",
	[DT_MSI_MAP_MASK] = "msi-map-mask",
	[DT_MSI_PARENT] = "msi-parent",
	[DT_PASID_BITS] = "pasid-num-bits",
	[DT_PCI_DOMAIN] = "linux,pci-domain",
	[DT_PHANDLE] = "phandle",
	[DT_RANGES] = "ranges",
	[DT_REDIST_REGIONS] = "#redistributor-regions",
	[DT_REDIST_STRIDE] = "redistributor-stride",
	[DT_REG] = "reg",
	[DT_SIZE_CELLS] = "#size-cells",
	[DT_STATUS] = "status",
};

const char *dt_error(int fdt_result)
{
	switch (-fdt_result) {
	case FDT_ERR_TRUNCATED:
		return "the device tree is cut short";
	case FDT_ERR_BADMAGIC:
		return "there is no device tree where the boot protocol says";
	case FDT_ERR_BADVERSION:
		return "the device tree is of a version other than 17";
	case FDT_ERR_ALIGNMENT:
		return "the device tree is not at a multiple of 8";
	default:
		return "the device tree's structure is damaged";
	}
}

const char *dt_check(const void *fdt, u64 limit)
{
	int err;

	if ((uintptr_t)fdt % DT_ALIGN != 0)
		return dt_error(-FDT_ERR_ALIGNMENT);
	if (limit < sizeof(struct fdt_header))
		return dt_error(-FDT_ERR_TRUNCATED);
	err = fdt_check_header(fdt);
	if (err)
		return dt_error(err);
	if (fdt_version(fdt) < DT_VERSION)
		return dt_error(-FDT_ERR_BADVERSION);
	/* libfdt reads both as they lie; fdt_check_full() does not ask. */
	if (fdt_off_dt_struct(fdt) % FDT_TAGSIZE != 0 ||
	    fdt_off_mem_rsvmap(fdt) % sizeof(fdt64_t) != 0)
		return dt_error(-FDT_ERR_ALIGNMENT);
	err = fdt_check_full(fdt, limit);
	return err ? dt_error(err) : NULL;
}

static const char *node_add(u32 offset, const char *name, u16 parent)
{
	struct dt_node *n = &tree.node[tree.node_count];
	u32 depth = parent == DT_NO_NODE ? 0 : tree.node[parent].depth + 1u;

	if (tree.node_count == DT_MAX_NODES)
		return "the device tree has more than 256 nodes";
	if (depth == DT_MAX_DEPTH)
		return "the device tree nests deeper than 16 nodes";
	*n = (struct dt_node){
		.name = parent == DT_NO_NODE ? "/" : name,
		.offset = offset,
		.parent = parent,
		.first_prop = (u16)tree.prop_count,
		.depth = (u16)depth,
	};
	tree.node_count++;
	return NULL;
}

static enum dt_id id_of(const char *name)
{
	u32 id;

	for (id = 0; id < DT_IDS; id++)
		if (id_name[id][0] == name[0] && strcmp(id_name[id], name) == 0)
			break;
	return (enum dt_id)id;
}

static const char *prop_add(u16 owner, const char *name, const void *data, u32 len)
{
	enum dt_id id = id_of(name);

	/* The properties of a node lie together only if they come before its children. */
	if (owner == DT_NO_NODE || owner != tree.node_count - 1)
		return dt_error(-FDT_ERR_BADSTRUCTURE);
	if (id == DT_IDS)
		return NULL;
	if (tree.prop_count == DT_MAX_PROPS)
		return "the device tree has too many properties";
	tree.prop[tree.prop_count++] = (struct dt_prop){ data, len, id };
	tree.node[owner].prop_count++;
	return NULL;
}

/* Cells that `bytes` take up in the structure block. */
static u32 cells_of(u32 bytes)
{
	return (bytes + FDT_TAGSIZE - 1) / (u32)FDT_TAGSIZE;
}

/*
 * The blob was checked, so the tags are taken as they come: fdt_next_tag() looks at each byte of
 * each name by a function call, a good part of all that a boot executes.
 */
const char *dt_parse(const void *fdt, struct dt **dt)
{
	const fdt32_t *start = (const fdt32_t *)((const char *)fdt + fdt_off_dt_struct(fdt));
	const char *strings = (const char *)fdt + fdt_off_dt_strings(fdt), *why = NULL;
	u16 open = DT_NO_NODE;

	tree.fdt = fdt;
	tree.node_count = tree.prop_count = 0;
	*dt = &tree;
	for (const fdt32_t *at = start; !why;) {
		const fdt32_t *tag = at++;

		switch (fdt32_ld(tag)) {
		case FDT_BEGIN_NODE:
			why = node_add((u32)((const char *)tag - (const char *)start), (const char *)at, open);
			open = (u16)(tree.node_count - 1);
			at += cells_of((u32)strlen((const char *)at) + 1);
			break;
		case FDT_PROP:
			why = prop_add(open, strings + fdt32_ld(&at[1]), &at[2], fdt32_ld(&at[0]));
			at += 2 + cells_of(fdt32_ld(&at[0]));
			break;
		case FDT_END_NODE:
			open = tree.node[open].parent;
			break;
		case FDT_END:
			return tree.node_count ? NULL : dt_error(-FDT_ERR_BADSTRUCTURE);
		default:
			break;
		}
	}
	return why;
}

const char *dt_id_name(enum dt_id id)
{
	return id_name[id];
}

const struct dt_node *dt_parent(const struct dt *dt, const struct dt_node *n)
{
	return n->parent == DT_NO_NODE ? NULL : &dt->node[n->parent];
}

const struct dt_prop *dt_prop(const struct dt *dt, const struct dt_node *n, enum dt_id id)
{
	const struct dt_prop *p = &dt->prop[n->first_prop];

	for (u32 i = 0; i < n->prop_count; i++)
		if (p[i].id == id)
			return &p[i];
	return NULL;
}

u32 dt_u32(const struct dt *dt, const struct dt_node *n, enum dt_id id, u32 otherwise)
{
	const struct dt_prop *p = dt_prop(dt, n, id);

	if (!p)
		return otherwise;
	return p->len == sizeof(fdt32_t) ? fdt32_ld(p->data) : DT_BAD;
}

const char *dt_string(const struct dt *dt, const struct dt_node *n, enum dt_id id)
{
	const struct dt_prop *p = dt_prop(dt, n, id);

	if (!p || p->len == 0 || memchr(p->data, 0, p->len) != (const char *)p->data + p->len - 1)
		return NULL;
	return p->data;
}

bool dt_says(const struct dt *dt, const struct dt_node *n, enum dt_id id, const char *word)
{
	const struct dt_prop *p = dt_prop(dt, n, id);

	return p && p->len <= INT_MAX && fdt_stringlist_contains(p->data, (int)p->len, word);
}

bool dt_enabled(const struct dt *dt, const struct dt_node *n)
{
	return !dt_prop(dt, n, DT_STATUS) || dt_says(dt, n, DT_STATUS, "okay") ||
	       dt_says(dt, n, DT_STATUS, "ok");
}

u32 dt_address_cells(const struct dt *dt, const struct dt_node *n)
{
	return dt_u32(dt, n, DT_ADDRESS_CELLS, 2);
}

u32 dt_size_cells(const struct dt *dt, const struct dt_node *n)
{
	return dt_u32(dt, n, DT_SIZE_CELLS, 1);
}

struct cells dt_cells(const struct dt *dt, const struct dt_node *n, enum dt_id id)
{
	const struct dt_prop *p = dt_prop(dt, n, id);

	if (!p)
		return (struct cells){ 0 };
	return (struct cells){
		.at = p->data,
		.left = p->len / (u32)sizeof(fdt32_t),
		.bad = p->len % sizeof(fdt32_t) != 0,
	};
}

u64 cells_take(struct cells *c, u32 count)
{
	u64 value = 0;

	if (count > 2 || count > c->left) {
		c->bad = true;
		c->left = 0;
		return 0;
	}
	c->left -= count;
	while (count--)
		value = value << 32 | fdt32_ld(c->at++);
	return value;
}
