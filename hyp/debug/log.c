/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log. A line is formatted on the caller's stack and written at once under the log lock.
 *
 * The lock is a flag and not a struct spinlock, because a line must come out on the way down too:
 * whoever finds it taken for LOG_WAIT_US, by a CPU that died or by itself before a fault, writes
 * all the same, and leaves the flag to its owner.
 */
#include "hyp/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "hyp/io.h"
#include "hyp/platform.h"

#define LOG_WAIT_US   500000u /* a host may take a virtual CPU's time away for long */
#define US_PER_SECOND 1000000u

enum log_level log_level = LOG_INFO;

static bool busy; /* the log lock */

static const char *const level_word[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* True: taken, to be given back. The clock before the lock: who was away in between still gets it. */
static bool log_enter(void)
{
	u64 start = io_time_us();

	for (;;) {
		bool late = io_time_us() - start >= LOG_WAIT_US;

		if (!__atomic_exchange_n(&busy, true, __ATOMIC_ACQUIRE))
			return true;
		if (late)
			return false;
		io_relax();
	}
}

static void log_leave(bool taken)
{
	if (taken)
		__atomic_store_n(&busy, false, __ATOMIC_RELEASE);
}

/* What snprintf wanted to write, cut to what there was room for. */
static size_t written(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	u64 now = io_time_us();
	size_t len;
	va_list args;
	bool taken;

	if (level > log_level)
		return;
	/* newlib's small printf has no %ll; u64 is a long here. */
	len = written(snprintf(line, sizeof(line), "[%5lu.%06lu] %-5s ", (unsigned long)(now / US_PER_SECOND),
			       (unsigned long)(now % US_PER_SECOND), level_word[level]),
		      sizeof(line));
	va_start(args, fmt);
	len += written(vsnprintf(line + len, sizeof(line) - len, fmt, args), sizeof(line) - len);
	va_end(args);
	taken = log_enter();
	for (size_t i = 0; i < len; i++)
		plat_console_putc(line[i]);
	plat_console_putc('\n');
	log_leave(taken);
}
