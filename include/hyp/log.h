/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: "[    0.001234] info  text" on the board's console, one line per call.
 *
 * Levels: error (a fault of ours or of hardware), warn, info (boot facts), debug. A guest's
 * mistakes are never above debug. Locks: takes the log lock, the last in the order; callable
 * from anywhere, also on the way down. Lines longer than LOG_LINE_MAX are cut.
 */
#ifndef HYP_LOG_H
#define HYP_LOG_H

#include "hyp/types.h"

enum log_level { LOG_ERROR,
		 LOG_WARN,
		 LOG_INFO,
		 LOG_DEBUG };

#define LOG_LINE_MAX 200

/* Messages above this level are dropped; set from the boot line (loglevel=...). */
extern enum log_level log_level;

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                    \
	do {                                              \
		if (unlikely(log_level >= LOG_DEBUG))     \
			log_line(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
