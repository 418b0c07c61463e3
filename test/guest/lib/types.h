/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer names and the few helpers that every file of a guest image uses. */
#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64; /* unsigned long here: newlib's small printf has no %ll */

#define PAGE     0x1000ul
#define BLOCK_2M 0x200000ul
#define BLOCK_1G 0x40000000ul

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline u64 align_up(u64 value, u64 align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline u64 align_down(u64 value, u64 align)
{
	return value & ~(align - 1);
}

/* Half open. */
struct range {
	u64 base;
	u64 size;
};

static inline bool range_has(const struct range *r, u64 address)
{
	return address - r->base < r->size;
}

static inline bool range_overlaps(const struct range *r, u64 base, u64 size)
{
	return base < r->base + r->size && r->base < base + size;
}

#endif
