/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs cases and prints their results. Only the first CPU reports. */
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "smp.h"

#define REASON_BYTES  256
#define PATTERN_BYTES 256
#define MAX_RECORDS   512
#define QUIET_MS      20

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

/*
 * Every result is said again at the end: the hypervisor writes to the same UART, and when it takes this CPU between
 * the look at the FIFO and the write, a character of ours is lost. At the end nothing is left for it to say.
 */
static struct record {
	enum outcome outcome;
	const char *name;
	char reason[REASON_BYTES];
} records[MAX_RECORDS];
static u32 record_count;

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

static void print_record(const struct record *r)
{
	static const char *const words[] = { "ok", "not ok", "skip" };

	if (r->outcome == PASSED)
		printf("[t] ok %s\n", r->name);
	else
		printf("[t] %s %s: %s\n", words[r->outcome], r->name, r->reason);
}

static void record(enum outcome outcome, const char *name, const char *why)
{
	struct record *r = &records[record_count < MAX_RECORDS - 1 ? record_count++ : record_count];

	*(outcome == PASSED ? &passed : outcome == FAILED ? &failed :
							    &skipped) += 1;
	r->outcome = outcome;
	r->name = name;
	snprintf(r->reason, sizeof(r->reason), "%s", outcome == PASSED ? "" : why);
	print_record(r);
}

bool report_line(bool held, const char *name, const char *why)
{
	record(held ? PASSED : FAILED, name, why);
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
	record((enum outcome)outcome, c->name, reason);
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
	const char *end = machine_bootarg("end");

	gic_sleep_ms(QUIET_MS);
	printf("[t] again\n");
	for (u32 i = 0; i < record_count; i++)
		print_record(&records[i]);
	for (u32 i = 0; i < 2; i++)
		printf("[t] done passed=%u failed=%u skipped=%u\n", passed, failed, skipped);
	if (end && strcmp(end, "reset") == 0)
		psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	psci_system_off();
}
