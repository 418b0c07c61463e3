/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GUEST_MMU_H
#define GUEST_MMU_H

/* Makes the memory that the device tree names cacheable; start.S mapped all but two gigabytes as device. */
void mmu_map_memory(void);

#endif
