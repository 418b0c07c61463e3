/* SPDX-License-Identifier: BSD-2-Clause */
/* The primary's kernel, ramdisk and device tree: checked where they lie, the tree placed. */
#ifndef HYP_PRIMARY_IMAGE_H
#define HYP_PRIMARY_IMAGE_H

#include "hyp/addr.h"
#include "hyp/platform.h"

struct primary_image {
	ipa_t entry;
	ipa_t fdt;
};

/*
 * Check the kernel's header and the room it needs, and write the primary's device tree into free
 * memory of the primary. False: a sentence in *why. Boot, after the records are set up.
 */
bool primary_image_place(const void *fdt, const struct machine *m, struct primary_image *image,
			 const char **why);

#endif
