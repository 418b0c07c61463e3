/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's educational device: DMA both ways between memory and its 4 KiB buffer, 100 ms of virtual time each.
 * It says nothing of errors, and its addresses are cut to dma_mask (give it dma_mask=0xffffffffff).
 */
#ifndef GUEST_EDU_H
#define GUEST_EDU_H

#include "types.h"

#define EDU_ID 0x11e81234u

struct edu {
	u32 bdf;
	u64 regs;
};

/* False if the registers are not those of an edu. */
bool edu_open(struct edu *e, u32 bdf);

/* From memory at iova into the device, and back. False if the transfer did not end in time. */
bool edu_load(const struct edu *e, u64 iova, u32 offset, u32 bytes);
bool edu_store(const struct edu *e, u64 iova, u32 offset, u32 bytes);

/* Starts a transfer and does not wait for it. */
void edu_start_store(const struct edu *e, u64 iova, u32 offset, u32 bytes);
bool edu_running(const struct edu *e);
bool edu_wait(const struct edu *e);

void edu_raise_irq(const struct edu *e, u32 bits);
void edu_clear_irq(const struct edu *e, u32 bits);
u32 edu_irq_bits(const struct edu *e);

#endif
