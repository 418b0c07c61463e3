/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware's device tree as a flat table: one pass over the blob, after which discovery and the
 * editing of the primary's tree look at nodes and properties without walking it again.
 *
 * Owns the one table there is, in use at boot only and by one CPU. Says nothing about what a node
 * means: that is board.c. Follows the Devicetree Specification 0.4.
 */
#ifndef QEMU_VIRT_DT_H
#define QEMU_VIRT_DT_H

#include <libfdt.h>

#include "hyp/types.h"

#define DT_MAX_NODES 256  /* virt with 8 CPUs and 32 virtio-mmio transports has about 80 */
#define DT_MAX_PROPS 1536 /* of those named below */
#define DT_MAX_DEPTH 16
#define DT_VERSION   17 /* older blobs do not tell the size of their structure */
#define DT_ALIGN     8

#define DT_NO_NODE 0xffff
#define DT_ABSENT  0u          /* no valid phandle */
#define DT_BAD     0xffffffffu /* value of a one-cell property that is not one cell */

/* The properties that somebody asks for. */
enum dt_id {
	DT_ADDRESS_CELLS,
	DT_ATS,
	DT_BOOTARGS,
	DT_BUS_RANGE,
	DT_COMPATIBLE,
	DT_DEVICE_TYPE,
	DT_DMA_COHERENT,
	DT_DMA_NONCOHERENT,
	DT_ENABLE_METHOD,
	DT_INITRD_END,
	DT_INITRD_START,
	DT_INTERRUPT_CELLS,
	DT_INTERRUPT_MAP,
	DT_INTERRUPT_MAP_MASK,
	DT_INTERRUPT_NAMES,
	DT_INTERRUPT_PARENT,
	DT_INTERRUPTS,
	DT_INTERRUPTS_EXTENDED,
	DT_IOMMU_CELLS,
	DT_IOMMU_MAP,
	DT_IOMMU_MAP_MASK,
	DT_IOMMUS,
	DT_METHOD,
	DT_MSI_MAP,
	DT_MSI_MAP_MASK,
	DT_MSI_PARENT,
	DT_PASID_BITS,
	DT_PCI_DOMAIN,
	DT_PHANDLE,
	DT_RANGES,
	DT_REDIST_REGIONS,
	DT_REDIST_STRIDE,
	DT_REG,
	DT_SIZE_CELLS,
	DT_STATUS,
	DT_IDS
};

struct dt_prop {
	const void *data;
	u32 len;
	enum dt_id id;
};

struct node_kind;

struct dt_node {
	const char *name; /* "/" for the root */
	u32 offset; /* in the structure block */
	u16 parent; /* index, always below the node's own; DT_NO_NODE: the root */
	u16 first_prop;
	u16 prop_count;
	u16 depth;
	const struct node_kind *kind; /* board.c */
};

struct dt {
	const void *fdt;
	u32 node_count, prop_count;
	struct dt_node node[DT_MAX_NODES]; /* in the order of the blob: parents first */
	struct dt_prop prop[DT_MAX_PROPS];
};

/* What a libfdt result below zero means. Constant text. */
const char *dt_error(int fdt_result);

/* Whether a blob is sound, whatever bytes there are; NULL, or what is wrong with it. */
const char *dt_check(const void *fdt, u64 limit);

/* Fill the table from a blob that dt_check() found sound; NULL, or why it cannot be. */
const char *dt_parse(const void *fdt, struct dt **dt);

const char *dt_id_name(enum dt_id id);
const struct dt_node *dt_parent(const struct dt *dt, const struct dt_node *n);

/* First property of that name, NULL without. */
const struct dt_prop *dt_prop(const struct dt *dt, const struct dt_node *n, enum dt_id id);

/* A property of one cell: its value, `otherwise` without, DT_BAD when it is not one cell. */
u32 dt_u32(const struct dt *dt, const struct dt_node *n, enum dt_id id, u32 otherwise);

/* A property of one string; NULL when absent, not ended, or more than one string. */
const char *dt_string(const struct dt *dt, const struct dt_node *n, enum dt_id id);

/* A property of strings holds this one. */
bool dt_says(const struct dt *dt, const struct dt_node *n, enum dt_id id, const char *word);

/* Its status is absent or okay. */
bool dt_enabled(const struct dt *dt, const struct dt_node *n);

/* Cells for the addresses and sizes of a node's children. */
u32 dt_address_cells(const struct dt *dt, const struct dt_node *n);
u32 dt_size_cells(const struct dt *dt, const struct dt_node *n);

/*
 * A cursor over the cells of a property. Taking more than there is, or more than two at once,
 * gives 0 and marks the cursor bad: one check after the last take is enough.
 */
struct cells {
	const fdt32_t *at;
	u32 left;
	bool bad;
};

struct cells dt_cells(const struct dt *dt, const struct dt_node *n, enum dt_id id);
u64 cells_take(struct cells *c, u32 count);

#endif
