/* SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

#include <string.h>

uint64_t record_begin(struct record *r, const uint8_t *bytes)
{
	uint64_t seed;

	memcpy(&seed, bytes + RECORD_BYTES - sizeof(seed), sizeof(seed));
	*r = (struct record){ .bytes = bytes, .more = seed ^ bytes[0] };
	return r->more;
}

/* splitmix64 */
static uint64_t more(struct record *r)
{
	uint64_t z = r->more += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t record_take(struct record *r, uint32_t bytes)
{
	uint64_t value = 0;

	if (r->taken + bytes > RECORD_BYTES)
		return more(r);
	memcpy(&value, r->bytes + r->taken, bytes);
	r->taken += bytes;
	return value;
}

uint64_t record_below(struct record *r, uint64_t limit)
{
	uint32_t bytes = limit <= 0x100 ? 1 : limit <= 0x10000 ? 2 :
				      limit <= 1ull << 32      ? 4 :
								 8;

	return record_take(r, bytes) % limit;
}
