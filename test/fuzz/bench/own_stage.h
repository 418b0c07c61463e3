/* SPDX-License-Identifier: BSD-2-Clause */
/* First stages that the primary and VMs write themselves, for calls that are made at any moment. */
#ifndef OWN_STAGE_H
#define OWN_STAGE_H

#include "bench.h"
#include "vm/vm.h"

#define OWN_STAGE_PAGES 7u /* a context, four tables, and structures of calls for either CPU */

/* Such pages: at `where` for the primary, and at `ipa` for who owns them. */
struct own_stage {
	u64 where, ipa;
};

/* Addresses 0 to 7 pages lead to the eight pages from `out` on. */
void own_stage_write(const struct own_stage *s, u64 out);
/* ALLOC_NESTED, sometimes with ATS. */
struct hcall_args own_stage_alloc(const struct own_stage *s, u32 cpu);
/* INVALIDATE of a few entries, of streams `vsid` to `vsid` + 5, wrong ones among them. */
struct hcall_args own_stage_invalidate(const struct own_stage *s, u32 cpu, u32 vsid);

#endif
