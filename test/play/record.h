/* SPDX-License-Identifier: BSD-2-Clause */
/* A record of the fuzzer: sixteen bytes, from which choices are taken, and from a generator that they seed when more are wanted. */
#ifndef PLAY_RECORD_H
#define PLAY_RECORD_H

#include <stdint.h>

#define RECORD_BYTES 16u

struct record {
	const uint8_t *bytes;
	uint32_t taken;
	uint64_t more;
};

/* Its choices from the first on; the seed that they are followed by. */
uint64_t record_begin(struct record *r, const uint8_t *bytes);
/* Below limit, > 0. */
uint64_t record_below(struct record *r, uint64_t limit);
uint64_t record_take(struct record *r, uint32_t bytes);

#endif
