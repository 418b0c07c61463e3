/* SPDX-License-Identifier: BSD-2-Clause */
/* One up-call at a time: for wrappers of more than include/hyp/upcall.h has. */
#ifndef SPEC_TURN_H
#define SPEC_TURN_H

#include "hyp/types.h"

/* True: no other is in one. Waits for its end first, with spec_serialise(). */
bool turn_enter(void);
/* Is it still so, and is anything judged at all? */
bool turn_is_ours(bool alone);
void turn_leave(void);

/* For what belongs to one CPU, or is held by a lock of its own, and needs no turn: is anything judged now? */
bool turn_judges(void);

#endif
