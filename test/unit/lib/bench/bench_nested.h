/* SPDX-License-Identifier: BSD-2-Clause */
/* First stages that a guest owns, written as a guest would: as numbers, in its own memory. */
#ifndef BENCH_NESTED_H
#define BENCH_NESTED_H

#include "bench.h"

/* Invalidations: opcodes, and where their fields are. */
#define OP_CFGI_CD  0x05ull
#define OP_CFGI_ALL 0x06ull
#define OP_NH_ALL   0x10ull
#define OP_NH_ASID  0x11ull
#define OP_NH_VA    0x12ull
#define OP_NH_VAA   0x13ull
#define OP_NSNH_ALL 0x30ull
#define OP_ATC_INV  0x40ull
#define OP_SYNC     0x46ull

static inline u64 sid_field(u64 vsid) { return vsid << 32; }
static inline u64 asid_field(u64 asid) { return asid << 48; }

/*
 * A leaf of 4 KiB for an address below 2 MiB, or 0 for none, in tables of four levels, a page each, from `root` on, which
 * the guest has `root` for and the machine `where`: writable by everybody, tagged by the ASID.
 */
void bench_stage1_leaf(u64 root, u64 where, u64 va, u64 out);
/* A context descriptor: 48 bits of input, that root. */
void bench_stage1_context(u64 where, u16 asid, u64 root);

#endif
