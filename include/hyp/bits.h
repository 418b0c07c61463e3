/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit fields of 64-bit words, written as the manuals write them: BITS(high, low). */
#ifndef HYP_BITS_H
#define HYP_BITS_H

#include "hyp/types.h"

#define BIT(n)     (1ull << (n))
#define BITS(h, l) ((~0ull >> (63 - (h))) & (~0ull << (l)))
/* Place a value in a field given by its mask; take a field out of a word. */
#define FIELD(mask, v)     ((((u64)(v)) << __builtin_ctzll(mask)) & (mask))
#define FIELD_GET(mask, w) ((((u64)(w)) & (mask)) >> __builtin_ctzll(mask))

#endif
