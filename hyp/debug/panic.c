/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: our own bug. Says what was found, then the CPU room stops the machine.
 *
 * No state, so nothing stands in the way of a second panic: another CPU's, or one on the way
 * down, says its sentence as well (the log never waits for ever). One that repeats itself ends on
 * the stack's guard page, and an exception of a CPU that is stopping only parks it.
 */
#include <stdarg.h>
#include <stdio.h>

#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/log.h"

void panic(const char *fmt, ...)
{
	char sentence[LOG_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	log_error("panic: %s", sentence);
	arch_panic_stop();
}
