/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

/* Registers of a bit, two or eight for each interrupt, in order; the last one ends where it says. */
static const struct {
	u32 offset, end, bits;
	enum frame_kind kind;
} fields[] = {
	{ 0x080, 0x100, 1, F_GROUP },
	{ 0x100, 0x180, 1, F_ENABLE_SET },
	{ 0x180, 0x200, 1, F_ENABLE_CLEAR },
	{ 0x200, 0x280, 1, F_PENDING_SET },
	{ 0x280, 0x300, 1, F_PENDING_CLEAR },
	{ 0x300, 0x380, 1, F_ACTIVE_SET },
	{ 0x380, 0x400, 1, F_ACTIVE_CLEAR },
	{ 0x400, 0x800, 8, F_PRIORITY },
	{ 0xc00, 0xd00, 2, F_CONFIG },
};

/* Words, and bytes of priorities. */
static struct frame_reg field_at(u32 offset, u32 width)
{
	for (u32 i = 0; i < ARRAY_SIZE(fields); i++) {
		if (offset < fields[i].offset || offset >= fields[i].end)
			continue;
		if (width != 4 && (width != 1 || fields[i].bits != 8))
			break;
		return (struct frame_reg){
			.kind = fields[i].kind,
			.first = (offset - fields[i].offset) * 8 / fields[i].bits,
			.count = width * 8 / fields[i].bits,
			.bits = fields[i].bits,
		};
	}
	return (struct frame_reg){ .kind = F_NONE };
}

static struct frame_reg one(enum frame_kind kind, u32 at) { return (struct frame_reg){ .kind = kind, .at = at }; }

static bool is_pidr(u32 offset) { return offset >= 0xffd0 && offset < 0xfffc; }

struct frame_reg frame_dist(u32 offset, u32 width)
{
	if (offset >= 0x6000 && offset < 0x6000 + 8 * SPI_END)
		return (struct frame_reg){
			.kind = width >= 4 ? F_ROUTE : F_NONE,
			.first = (offset - 0x6000) / 8,
			.count = 1,
			.bits = 64,
			.at = offset % 8,
		};
	if (offset >= 0x80)
		return is_pidr(offset) && width == 4 ? one(F_PIDR, 0) : field_at(offset, width);
	if (width != 4)
		return one(F_NONE, 0);
	return one(offset == 0 ? F_CTLR : offset == 4 ? F_TYPER :
				  offset == 8         ? F_IIDR :
							F_NONE,
		   0);
}

struct frame_reg frame_redist(u32 offset, u32 width)
{
	if (offset == 8 || (offset == 0xc && width == 4))
		return one(width >= 4 ? F_TYPER : F_NONE, offset % 8);
	if (width != 4)
		return one(F_NONE, 0);
	if (is_pidr(offset))
		return one(F_PIDR, 0);
	return one(offset == 0 ? F_CTLR : offset == 4 ? F_IIDR :
				  offset == 0x14      ? F_WAKER :
							F_NONE,
		   0);
}

struct frame_reg frame_sgi(u32 offset, u32 width)
{
	struct frame_reg reg = field_at(offset, width);

	return reg.kind != F_NONE && reg.first < SPI_FIRST ? reg : one(F_NONE, 0);
}
