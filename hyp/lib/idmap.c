/* SPDX-License-Identifier: BSD-2-Clause */
/* Small ids in a bit map: what was given back rests longest before it is given again. */
#include "idmap.h"

#include "hyp/bits.h"
#include "hyp/check.h"

void idmap_init(struct idmap *map, u64 *word, u32 count)
{
	map->word = word;
	map->count = count;
	map->next = 1;
	word[0] |= 1; /* id 0 */
}

/* The first free id in [from, to), or `to`. */
static u32 idmap_scan(const struct idmap *map, u32 from, u32 to)
{
	for (u32 id = from; id < to;) {
		u64 open = ~map->word[id / 64] >> (id % 64);

		if (open != 0) {
			id += (u32)__builtin_ctzll(open);
			return id < to ? id : to;
		}
		id = (id / 64 + 1) * 64;
	}
	return to;
}

enum status idmap_alloc(struct idmap *map, u16 *id)
{
	u32 found = idmap_scan(map, map->next, map->count);

	if (found == map->count) {
		found = idmap_scan(map, 1, map->next);
		if (found == map->next)
			return E_NOMEM;
	}
	map->word[found / 64] |= BIT(found % 64);
	map->next = found + 1 < map->count ? found + 1 : 1;
	*id = (u16)found;
	return OK;
}

void idmap_free(struct idmap *map, u16 id)
{
	CHECK(id != 0 && id < map->count && (map->word[id / 64] & BIT(id % 64)));
	map->word[id / 64] &= ~BIT(id % 64);
}
