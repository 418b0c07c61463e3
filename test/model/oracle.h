/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle: the invariants V1 to V10 of the architecture, looked up in the core's records, in
 * the tables as the SMMU reads them, and in what its caches hold. It shares no code with what it
 * checks: entries are decoded by the model, counts are taken again from the tables.
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
/* A test had a command refused as illegal: what stands in for one names everything. */
void oracle_stand_ins_allowed(void);
/* Begin anew each n-th time only (1: each time); at other times what has not changed is taken over from the last look. */
void oracle_effort(u32 n);

#endif
