/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmocka, with output that a reader and a script can follow: one line per case, `ok suite.case`
 * or `not ok suite.case`, and cmocka's own words only for a case that failed.
 *
 *	int main(void)
 *	{
 *		static const struct CMUnitTest cases[] = {
 *			cmocka_unit_test(V2_pinned_page_stays),
 *		};
 *		return SUITE("page", cases);
 *	}
 *
 * A case's name begins with the ids of what it proves (V3, A6) where there are any. Each case runs in a
 * process of its own, with the fake machine empty, and must end with no lock held.
 */
#ifndef SUITE_H
#define SUITE_H

/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hyp/types.h"

#include "fake.h"

#define SUITE(name, cases) suite_run(name, cases, ARRAY_SIZE(cases))
int suite_run(const char *suite, const struct CMUnitTest *cases, size_t count);

/* Fails the case with a formatted message. */
void suite_fail(const char *fmt, ...) NORETURN PRINTF(1, 2);

/* Runs a statement in a process of its own, from the machine as it is now; it must not fail. */
#define IN_CHILD(statement)                \
	do {                               \
		if (suite_child_begin()) { \
			statement;         \
			suite_child_end(); \
		}                          \
	} while (0)
bool suite_child_begin(void); /* true in the child; the parent waits for it */
void suite_child_end(void) NORETURN;

/* A statement that must panic. */
#define assert_panics(statement) assert_int_equal(FAKE_CATCH(statement), FAKE_PANIC)

#endif
