/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle: the invariants of the hypervisor, looked up in the core's records, in the tables as the SMMU reads them, and
 * in what its caches hold. It shares no code with what it checks: entries are decoded by the model, counts are taken again
 * from the tables.
 *
 *   V1   What a bus master can reach, through an IOMMU or past it, is owned by the VM that controls it or shared with that,
 *        and is reached with no more access than the VM has.
 *   V2   A page with DMA pins changes neither owner nor state, but at the end of its VM. The pages of an event ring are
 *        pinned too.
 *   V3   A pin is dropped, a table page reused, and a tag or name given again only after hardware has said that its
 *        invalidation is complete.
 *   V4   A stream that is not attached is blocked, from the first instruction that can block it on.
 *   V5   Tables that hardware walks are the hypervisor's memory; first stages of a guest's own are walked behind its second.
 *   V6   Nothing that is written for a VM tells a hardware stream, a tag of the machine or a physical address that is not
 *        the VM's own name for it.
 *   V7   A stream has at most one vSID in the machine, and a vSID of a pvIOMMU names at most one endpoint.
 *   V8   A command reaches a hardware queue only if the hypervisor made it, or made it anew from a guest's that is allowed.
 *   V9   A call does a bounded amount of work, and waits for hardware no longer than a limit.
 *   V10  A call that fails with nothing done has changed nothing.
 *
 * The answers are sentences that begin with the invariant's name, NULL when all hold.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "smmuv3_model.h"

/* The models in the order of the core's IOMMUs; after boot. */
void oracle_init(struct smmu *const *smmu, u32 count);

/* Before a call. What a test changed by itself since the last look must be shown by oracle_check(). */
void oracle_before(void);
/* After a call: all invariants, V9 for what it did; `refused`: V10, nothing may have changed. */
const char *oracle_after(bool refused);
/* All invariants now. */
const char *oracle_check(void);

/* Hardware has failed: memory may be lost from here on, never reused. */
void oracle_losses_allowed(void);
/*
 * What is looked at is what two calls at once have left, of which the one may have given back what the other had commands for
 * before. That an id had an owner is then known of the moment at which hardware took its command, and no longer of the end.
 */
void oracle_calls_overlap(void);
/* A test had a command refused as illegal: what stands in for one names everything. */
void oracle_stand_ins_allowed(void);
/* Begin anew each n-th time only (1: each time); at other times what has not changed is taken over from the last look. */
void oracle_effort(u32 n);
/*
 * Of n calls look behind two (1: behind each): at everything behind the first, which is what the second is compared with. For
 * calls by the million, which the specification judges each.
 */
void oracle_rarely(u32 n);

#endif
