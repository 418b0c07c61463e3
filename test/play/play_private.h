/* SPDX-License-Identifier: BSD-2-Clause */
/* What files of test/play have of each other. */
#ifndef PLAY_PRIVATE_H
#define PLAY_PRIVATE_H

#include "play.h"

#define PLAY_PAGE_BYTES  4096u
#define PLAY_BLOCK_BYTES 0x200000u

/* Address of a page, mostly one that `who` has. */
uint64_t play_some_own(struct play *p, uint32_t who);
/* What `who` calls one of its endpoints, or something else. */
struct play_name play_some_name(struct play *p, uint32_t who);
/* A secondary's calls can be made: it is there and nobody takes it apart. */
bool play_can_call(struct play *p, uint32_t who);
uint64_t play_some_word(struct play *p); /* anything, edges often */
struct play_answer play_pv(struct play *p, enum play_kind kind, uint32_t who, uint64_t op, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, uint64_t r6);

#endif
