/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL011 (DDI 0183) that a VMM emulates for its VM: what is sent appears on our own console, one whole line at a
 * time. Sending takes no time, so the transmit interrupt is due after each character. Who sends the character ENQ
 * receives the line "ack", and nothing else is ever received.
 * Lock: the caller's, one for each UART.
 */
#ifndef GUEST_VMUART_H
#define GUEST_VMUART_H

#include "types.h"

#define VMUART_BYTES 0x1000ul
#define VMUART_LINE  240

struct vmuart {
	u32 divisor, fraction, line_control, control, fifo_levels, mask, raw;
	const char *input; /* not yet received; zero terminated */
	u32 used;
	char line[VMUART_LINE];
};

/* After reset. */
void vmuart_init(struct vmuart *uart);

u64 vmuart_load(struct vmuart *uart, u64 offset);
void vmuart_store(struct vmuart *uart, u64 offset, u64 value);

/* Is its interrupt line high now? */
bool vmuart_level(const struct vmuart *uart);

#endif
