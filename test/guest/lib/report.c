/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs cases and prints their results. Only the first CPU reports. */
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ram.h"
#include "smp.h"

#define REASON_BYTES  256
#define PATTERN_BYTES 256

enum outcome {
	PASSED = 0, /* what setjmp returns at first */
	FAILED = 1,
	SKIPPED = 2,
};

extern struct test_case cases_start[], cases_end[];
extern char image_start[], image_end[];

static const struct test_case *current;
static jmp_buf escape;
static char reason[REASON_BYTES];
static u32 passed, failed, skipped;

u64 image_base(void)
{
	return (u64)image_start;
}

u64 image_size(void)
{
	return (u64)(image_end - image_start);
}

bool text_matches(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++) {
		if (*pattern == '*') {
			for (; !text_matches(text, pattern + 1); text++) {
				if (!*text)
					return false;
			}
			return true;
		}
		if (*text != *pattern)
			return false;
	}
	return !*text;
}

static bool matches_one_of(const char *text, const char *patterns)
{
	char pattern[128];

	while (*patterns) {
		size_t len = strcspn(patterns, ",");

		if (len < sizeof(pattern)) {
			memcpy(pattern, patterns, len);
			pattern[len] = 0;
			if (text_matches(text, pattern))
				return true;
		}
		patterns += len + (patterns[len] == ',');
	}
	return false;
}

bool report_line(bool held, const char *name, const char *why)
{
	if (held) {
		passed++;
		printf("[t] ok %s\n", name);
	} else {
		failed++;
		printf("[t] not ok %s: %s\n", name, why);
	}
	return held;
}

void report_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (!current)
		report_abandon(reason);
	longjmp(escape, FAILED);
}

void report_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (!current)
		report_abandon(reason);
	longjmp(escape, SKIPPED);
}

static void run_case(const struct test_case *c, const struct report_hooks *hooks)
{
	u64 mark = ram_mark();
	int outcome;

	current = c;
	outcome = setjmp(escape);
	if (outcome == PASSED) {
		hooks->before();
		c->run();
		hooks->after();
	}
	current = NULL;
	hooks->clean_up();
	ram_release(mark);
	if (outcome == SKIPPED) {
		skipped++;
		printf("[t] skip %s: %s\n", c->name, reason);
	} else {
		report_line(outcome == PASSED, c->name, reason);
	}
}

void report_run(const char *patterns, const struct report_hooks *hooks)
{
	/* The boot argument's buffer is used again by cases. */
	static char mine[PATTERN_BYTES];

	strncpy(mine, patterns, sizeof(mine) - 1);
	for (const struct test_case *c = cases_start; c < cases_end; c++) {
		if (matches_one_of(c->name, mine))
			run_case(c, hooks);
	}
}

void report_abandon(const char *why)
{
	report_line(false, current ? current->name : "image", why);
	report_done();
}

void report_done(void)
{
	printf("[t] done passed=%u failed=%u skipped=%u\n", passed, failed, skipped);
	psci_system_off();
}
