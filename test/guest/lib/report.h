/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an image says of its tests, one line each, for scripts/test.py:
 *   [t] ok NAME | [t] not ok NAME: REASON | [t] skip NAME: REASON | [t] info KEY VALUE
 * then, after "[t] again", all of them once more, and last "[t] done passed=N failed=N skipped=N"; then the machine
 * is powered off, or reset where the boot arguments say end=reset.
 *
 * A case is a function registered by CASE(group, title); its name is "group.title", and the title ends with
 * the ids of what it proves: A..K of the checklist, V of the invariants, N of the negative tests.
 */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include "cpu.h"
#include "types.h"

struct test_case {
	const char *name;
	void (*run)(void);
};

#define CASE(group, title)                                                                         \
	static void case_##group##_##title(void);                                                  \
	static struct test_case entry_##group##_##title                                            \
		__attribute__((used, section(".cases"), aligned(8))) = { #group "." #title,        \
									 case_##group##_##title }; \
	static void case_##group##_##title(void)

/* What the image does around each case; before may fail or skip the case, after sees only those that passed. */
struct report_hooks {
	void (*before)(void);
	void (*after)(void);
	void (*clean_up)(void); /* always, also after a failure */
};

/* Every image defines it; it may return, which ends the run. */
void guest_main(void);

/* Runs the registered cases whose names match one of the patterns ("a*,b*"; "*" stands for any text). */
void report_run(const char *patterns, const struct report_hooks *hooks);

/* Ends the case at hand, on the first CPU. */
void report_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void report_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define REQUIRE(condition, ...)                   \
	do {                                      \
		if (!(condition))                 \
			report_fail(__VA_ARGS__); \
	} while (0)

/*
 * Repeats a call until what it has to bring about is there: a wait without end says nothing. Seconds, since what is waited for
 * may be another CPU's, which is a thread of the host.
 */
#define AWAIT(condition, call)                                                               \
	do {                                                                                 \
		for (u64 end_ = time_ticks() + time_ms(AWAIT_MS); !(condition);) {           \
			REQUIRE(time_ticks() < end_, "never: %s, by %s", #condition, #call); \
			call;                                                                \
		}                                                                            \
	} while (0)
#define AWAIT_MS 20000 /* only what fails, or a crowded host, takes as long */

/* One line and one count for something that is not a case. Returns `held`. */
bool report_line(bool held, const char *name, const char *reason);

/* Ends the run: the case at hand, if any, is "not ok". For what leaves the image in no state to go on. */
void report_abandon(const char *reason) __attribute__((noreturn));
void report_done(void) __attribute__((noreturn));

bool text_matches(const char *text, const char *pattern);

u64 image_base(void);
u64 image_size(void);

#endif
