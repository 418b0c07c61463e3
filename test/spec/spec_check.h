/* SPDX-License-Identifier: BSD-2-Clause */
/* How a rule or a comparison says that the implementation is wrong: a sentence; it does not return. */
#ifndef SPEC_CHECK_H
#define SPEC_CHECK_H

#include "hyp/types.h"

void spec_fail(const char *fmt, ...) NORETURN PRINTF(1, 2);

#endif
