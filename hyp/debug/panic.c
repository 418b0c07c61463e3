/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: our own bug. Says what was found, then the CPU room stops the machine. A panic while
 * stopping says its sentence too, once; any further one parks the CPU without touching anything.
 */
#include <stdarg.h>
#include <stdio.h>

#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"

#define SENTENCES_MAX 2u

void panic(const char *fmt, ...)
{
	static u32 panics;
	char sentence[LOG_LINE_MAX];
	va_list args;

	if (__atomic_fetch_add(&panics, 1, __ATOMIC_RELAXED) >= SENTENCES_MAX)
		for (;;)
			io_relax();
	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	log_error("panic: %s", sentence);
	arch_panic_stop();
}
