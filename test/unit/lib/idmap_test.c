/* SPDX-License-Identifier: BSD-2-Clause */
/* The map of small ids: zero is never given, each once, a returned one rests longest. */
#include <string.h>

#include "lib/idmap.h"

#include "suite.h"

static struct idmap map;
static u64 words[8];

static u16 take(void)
{
	u16 id = 0;

	assert_int_equal(idmap_alloc(&map, &id), OK);
	assert_int_not_equal(id, 0);
	assert_true(id < map.count);
	return id;
}

static void every_id_once_and_zero_never(void **state UNUSED)
{
	static const u32 counts[] = { 2, 3, 63, 64, 65, 127, 128, 130, 256, 500 };

	for (u32 i = 0; i < ARRAY_SIZE(counts); i++) {
		bool seen[512] = { false };
		u16 id;

		memset(words, 0, sizeof(words));
		idmap_init(&map, words, counts[i]);
		for (u32 k = 1; k < counts[i]; k++) {
			id = take();
			assert_false(seen[id]);
			seen[id] = true;
		}
		assert_int_equal(idmap_alloc(&map, &id), E_NOMEM);
		/* One in the middle back: it is the only one there is. */
		idmap_free(&map, (u16)(counts[i] / 2));
		assert_int_equal(take(), counts[i] / 2);
		assert_int_equal(idmap_alloc(&map, &id), E_NOMEM);
	}
}

static void A8_returned_id_rests_longest(void **state UNUSED)
{
	u16 first, id;

	memset(words, 0, sizeof(words));
	idmap_init(&map, words, 200);
	first = take();
	idmap_free(&map, first);
	for (u32 k = 2; k < 200; k++) {
		id = take();
		assert_int_not_equal(id, first);
		idmap_free(&map, id);
	}
	assert_int_equal(take(), first);
}

static void free_of_a_free_id_panics(void **state UNUSED)
{
	memset(words, 0, sizeof(words));
	idmap_init(&map, words, 64);
	assert_panics(idmap_free(&map, 5));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_id_once_and_zero_never),
		cmocka_unit_test(A8_returned_id_rests_longest),
		cmocka_unit_test(free_of_a_free_id_panics),
	};

	return SUITE("idmap", cases);
}
