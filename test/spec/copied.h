/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a call copied from its guest. Other CPUs of the guest may write there all the time, so what the memory says before
 * or after the call need not be what the call read: where the reads come by here, the rules see the very bytes.
 */
#ifndef SPEC_COPIED_H
#define SPEC_COPIED_H

#include "hyp/types.h"

void copied_forget(void);
bool copied_any(void);
/* False: not copied, or not all of it. */
bool copied_get(u64 vm, u64 from, void *to, u64 bytes);

#endif
