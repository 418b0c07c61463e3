/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device trees for the tests of a board: compiled from dts/ by dtc, edited in memory, handed to
 * discovery in a buffer that ends where the tree ends, so that a read beyond it is seen.
 */
#ifndef TREE_H
#define TREE_H

#include <libfdt.h>

#include "hyp/platform.h"

#define TREE_SPACE 0x20000

/* Where the tests say our image is: the second 2 MiB of QEMU's RAM. */
#define TREE_IMAGE ((struct range){ 0x40200000, 0x200000 })

/* In cells of an edit: the phandle of the GIC, of the first SMMU. */
#define GIC  0xfeed0001u
#define SMMU 0xfeed0002u

enum edit_op { EDIT_END,
	       EDIT_CELLS,
	       EDIT_BYTES,
	       EDIT_NODE,
	       EDIT_NO_PROP,
	       EDIT_NO_NODE };

struct edit {
	enum edit_op op;
	const char *path, *name;
	const char *bytes;
	u32 cell[40];
	u32 count; /* of cells or bytes */
};

/* Set a property to cells; to a string and its end; to exactly these bytes. */
#define CELLS(node, prop, ...) \
	{ .op = EDIT_CELLS, .path = node, .name = prop, .cell = { __VA_ARGS__ }, .count = sizeof((u32[]){ __VA_ARGS__ }) / sizeof(u32) }
#define TEXT(node, prop, text) \
	{ .op = EDIT_BYTES, .path = node, .name = prop, .bytes = text, .count = sizeof(text) }
#define BYTES(node, prop, text) \
	{ .op = EDIT_BYTES, .path = node, .name = prop, .bytes = text, .count = sizeof(text) - 1 }
#define EMPTY(node, prop)   BYTES(node, prop, "")
#define NODE(parent, node)  { .op = EDIT_NODE, .path = parent, .name = node }
#define NO_PROP(node, prop) { .op = EDIT_NO_PROP, .path = node, .name = prop }
#define NO_NODE(node)       { .op = EDIT_NO_NODE, .path = node }

/* A tree of dts/, writable, with TREE_SPACE bytes of room. */
void *tree_load(const char *name);
void tree_edit(void *fdt, const struct edit *edit);

/* Copy to a buffer of exactly the tree's size. */
void *tree_exact(const void *fdt);

/* tree_exact() and platform_discover(). */
const struct machine *tree_discover(const void *fdt, const char **why);
/* The same; the case fails if the machine is refused. */
const struct machine *tree_machine(const void *fdt);

/* The primary's tree of that machine, checked to be sound; the case fails if there is none. */
void *tree_primary(const void *fdt, const struct machine *m);

/* The promises of a record of an accepted machine, and of a refusal's sentence, or the case fails. */
void tree_check_machine(const struct machine *m);
void tree_check_sentence(const char *why);

#endif
