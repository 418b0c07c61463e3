/* SPDX-License-Identifier: BSD-2-Clause */
/* The n-th of something fails, for every n until the call needs fewer. */
#ifndef INJECT_POINTS_H
#define INJECT_POINTS_H

#include "inject_calls.h"

enum kind { ALLOCATION,
	    COMMAND_ABORTED,   /* and taken the second time */
	    COMMAND_REFUSED,   /* as often as it is tried */
	    COMMAND_ILLEGAL,
	    DEVICE_LATE,       /* a device has not answered an invalidation before the next sync */
	    COMPLETION,        /* and all behind it */
	    REGISTER_READ,     /* ones, once */
	    REGISTERS_GONE,    /* ones from there on */
	    GLOBAL_ERRORS,     /* of GERROR, before a register read: those behind which hardware goes on */
	    SERVICE_FAILURE,   /* the one behind which it does not: IHI 0070 12.3 */
	    DEVICE_RESET,
	    BOOT_SILENCE,      /* an answer of the boot, and all behind it */
	    BOOT_READ,         /* ones, once */
	    BOOT_WRONG,        /* every bit wrong, once */
	    BOOT_GONE,         /* ones from there on */
	    KINDS };

/* Which IOMMU is hit: of two each at its own n-th. */
enum { FIRST = 1,
       SECOND = 2,
       BOTH = 3 };

/* In main(), before the suite and behind it: how many points of which kind there were, as a line that `make check` does not show. */
bool inject_begin(void);
void inject_print(const char *suite);

/* Every scenario on that machine, with every point of that kind. */
void inject_sweep(const struct bench_options *o, enum kind kind, u32 where);
/* Every point of that kind in a boot of that machine; there are at least so many. */
void inject_boot_sweep(const struct bench_options *o, enum kind kind, u32 where, u32 least);

#define INJECT(name, kind, options, where)        \
	static void name(void **state UNUSED)     \
	{                                         \
		struct bench_options o = options; \
                                                  \
		inject_sweep(&o, kind, where);    \
	}

#endif
