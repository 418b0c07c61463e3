/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bitmaps that ASIDs and VMIDs come from (hyp/lib/idmap.c), from any state that they can be in.
 *
 * For all: contents of the map, where the search begins. Up to: 320 ids (five words; 8-bit ASIDs and VMIDs have 256).
 *
 * unwind: 7
 */
#include "proof.h"

#include "hyp/lib/idmap.c"

#define WORDS 5

static u64 word[WORDS], was[WORDS];
static struct idmap map = { .word = word };

static bool used(const u64 *words, u32 id)
{
	return (words[id / 64] >> id % 64 & 1) != 0;
}

static void any_map(void)
{
	map.count = any_u32_to(WORDS * 64);
	map.next = any_u32();
	ASSUME(map.count >= 2 && map.next >= 1 && map.next < map.count);
	for (u32 i = 0; i < WORDS; i++)
		was[i] = word[i] = any_u64();
	ASSUME(used(word, 0));
}

static void prove_init(void)
{
	struct idmap fresh;
	u64 memory[WORDS] = { 0 };
	u32 count = any_u32_to(WORDS * 64), id = any_u32_to(WORDS * 64 - 1);

	ASSUME(count >= 2);
	idmap_init(&fresh, memory, count);
	CLAIM("a new map has every id free but 0", used(memory, id) == (id == 0));
	CLAIM("a map has a bit for each id", idmap_bytes(count) * 8 >= count && idmap_bytes(count) <= sizeof(memory));
}

static void prove_alloc(void)
{
	u32 other = any_u32_to(WORDS * 64 - 1), first;
	u16 id = 0;

	any_map();
	first = map.next;
	if (idmap_alloc(&map, &id) != OK) {
		CLAIM("none is found only when all are in use", other >= map.count || used(was, other));
		CLAIM("nothing changes when none is found", word[other / 64] == was[other / 64]);
		return;
	}
	CLAIM("an id is in its map, and not 0", id != 0 && id < map.count);
	CLAIM("an id was free", !used(was, id));
	CLAIM("an id is in use from then on", used(word, id));
	CLAIM("no other id changes", other == id || used(word, other) == used(was, other));
	CLAIM("the next search begins inside the map", map.next >= 1 && map.next < map.count);
	CLAIM("the first free one is taken, going round",
	      other < first || other >= map.count || used(was, other) ||
		      (id >= first ? id <= other : other < first));
}

static void prove_free(void)
{
	u32 other = any_u32_to(WORDS * 64 - 1);
	u16 id = any_u16();

	any_map();
	ASSUME(id != 0 && id < map.count && used(word, id));
	idmap_free(&map, id);
	CLAIM("a freed id is free", !used(word, id));
	CLAIM("freeing changes no other id", other == id || used(word, other) == used(was, other));
}

int main(void)
{
	prove_init();
	prove_alloc();
	prove_free();
	return 0;
}
