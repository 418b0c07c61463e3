/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CHECK: an assertion about ourselves, in every build. It panics, so no guest, device or
 * firmware may be able to make it fail: their mistakes get a status or a quarantine.
 */
#ifndef HYP_CHECK_H
#define HYP_CHECK_H

#include "hyp/types.h"

void panic(const char *fmt, ...) NORETURN COLD PRINTF(1, 2);

#define CHECK(cond)                                                                \
	do {                                                                       \
		if (unlikely(!(cond)))                                             \
			panic("%s:%d: CHECK(%s)", __FILE_NAME__, __LINE__, #cond); \
	} while (0)

#endif
