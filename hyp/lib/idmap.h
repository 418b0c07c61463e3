/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bitmap of small ids (ASIDs, VMIDs). Id 0 is never given out. Allocation goes round, so that
 * an id rests as long as possible before it is used again. The caller serialises.
 */
#ifndef LIB_IDMAP_H
#define LIB_IDMAP_H

#include "hyp/status.h"

struct idmap {
	u64 *word; /* bit set: in use */
	u32 count; /* ids are below this */
	u32 next;
};

/* Bytes of memory that a map of `count` ids needs. */
static inline u64 idmap_bytes(u32 count)
{
	return ((u64)count + 63) / 64 * 8;
}

/* Start with every id free; `word` is zeroed memory of idmap_bytes(count). */
void idmap_init(struct idmap *map, u64 *word, u32 count);
/* E_NOMEM when all are in use. */
enum status idmap_alloc(struct idmap *map, u16 *id) MUST_CHECK;
void idmap_free(struct idmap *map, u16 id);

#endif
