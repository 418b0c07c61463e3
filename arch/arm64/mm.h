/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's own map: VA = PA, W^X. */
#ifndef ARM64_MM_H
#define ARM64_MM_H

#include "hyp/types.h"

/* Symbols of image.lds.S. */
extern char image_start[], image_end[], text_start[], text_end[], rodata_start[], rodata_end[], data_start[];
extern char stacks_start[], stacks_end[], symbols_start[], symbols_end[];

/*
 * The early map, called with the MMU off: image by section, the low GiB as device, the device tree read-only. Returns
 * how many bytes of the tree can be read, 0 when it cannot lie there.
 */
u64 map_boot(u64 image, u64 fdt);

/* Translate by the table at `root` from the next instruction on: boot.S. */
void mmu_on(u64 root);

#endif
