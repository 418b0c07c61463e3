/* SPDX-License-Identifier: BSD-2-Clause */
/* The world that every scenario of the suites `inject*` starts from, and a row for each call of the interface. */
#ifndef INJECT_CALLS_H
#define INJECT_CALLS_H

#include "bench.h"

struct scenario {
	u32 call; /* number, or operation with bit 16 */
	const char *name;
	struct result (*make)(void);
};
extern const struct scenario scenarios[];
/* How many there are on this machine: the last ones are about a second IOMMU. */
u32 scenario_count(void);

#define OP(op) (PVIOMMU_OP_COUNT > (op) ? 0x10000u | (op) : 0)
#define FN(id) ((id) & PC_FN_MASK)

/* What a first stage says beside its contexts: devices may keep translations (STE.EATS, IHI 0070 5.2), where they can. */
extern u64 inject_eats;
extern u32 inject_vm; /* the secondary of the world */

/* Boots it: a secondary and the primary at work, each with domains, and with first stages of their own where there can be any. */
void inject_world(const struct bench_options *o);
/*
 * The same on a machine of two IOMMUs: domains of both VMs are in use behind both, first stages behind one each, and some
 * calls are about devices behind the second.
 */
struct bench_options inject_two_iommus(void);
/* The call, which must succeed. */
void inject_must_work(const struct scenario *s);

#endif
