/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of a GICv3's frames by their offsets (IHI 0069 H.b, tables 12-25 to 12-27), for both judges of them. */
#ifndef SPEC_FRAMES_H
#define SPEC_FRAMES_H

#include "hyp/types.h"

#define SPI_FIRST 32u
#define SPI_END   1020u

enum frame_kind {
	F_NONE, /* reads as zero, writes are ignored */
	/* A field for each interrupt. */
	F_GROUP,
	F_ENABLE_SET,
	F_ENABLE_CLEAR,
	F_PENDING_SET,
	F_PENDING_CLEAR,
	F_ACTIVE_SET,
	F_ACTIVE_CLEAR,
	F_PRIORITY,
	F_CONFIG,
	F_ROUTE,
	/* One of the frame. */
	F_CTLR,
	F_TYPER,
	F_IIDR,
	F_WAKER,
	F_PIDR,
};

struct frame_reg {
	enum frame_kind kind;
	u32 first; /* the INTID of the lowest field in what is accessed */
	u32 count; /* fields in it */
	u32 bits;  /* of a field; less of it may be accessed than there is: a half of a route */
	u32 at;    /* the byte of the field, or of the register, at which the access begins */
};

/* What `width` bytes at `offset` of the distributor are; of the first frame of a redistributor; and of the second. */
struct frame_reg frame_dist(u32 offset, u32 width);
struct frame_reg frame_redist(u32 offset, u32 width);
struct frame_reg frame_sgi(u32 offset, u32 width);

#endif
