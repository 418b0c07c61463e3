/* SPDX-License-Identifier: BSD-2-Clause */
/* The log and the panic: what a line looks like, what is cut, what is dropped, and that one always comes out. */
#include <string.h>

#include "hyp/check.h"
#include "hyp/log.h"
#include "suite.h"

static void line_format(void **state UNUSED)
{
	fake_time_advance(12345678);
	log_info("%u of %s at 0x%lx", 3, "four", 0x1234567890ul);
	assert_string_equal(fake_console, "[   12.345678] info  3 of four at 0x1234567890\n");
}

static void level_words(void **state UNUSED)
{
	log_level = LOG_DEBUG;
	fake_time_step(0);
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(fake_console, "[    0.000000] error a\n[    0.000000] warn  b\n"
					  "[    0.000000] info  c\n[    0.000000] debug d\n");
}

static void levels_above_are_dropped(void **state UNUSED)
{
	assert_int_equal(log_level, LOG_INFO);
	log_debug("no");
	log_line(LOG_DEBUG, "no");
	assert_string_equal(fake_console, "");
	log_level = LOG_ERROR;
	log_warn("no");
	log_info("no");
	assert_string_equal(fake_console, "");
	log_error("yes");
	assert_non_null(strstr(fake_console, "] error yes\n"));
}

/* LOG_LINE_MAX - 1 characters and the end of the line. */
static void long_lines_are_cut(void **state UNUSED)
{
	char text[2 * LOG_LINE_MAX];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	log_info("%s", text);
	assert_int_equal(strlen(fake_console), LOG_LINE_MAX);
	assert_int_equal(fake_console[LOG_LINE_MAX - 2], 'x');
	assert_int_equal(fake_console[LOG_LINE_MAX - 1], '\n');
}

/* Time stamps grow past their width and not past the line. */
static void far_future(void **state UNUSED)
{
	fake_time_advance(~0ul);
	log_info("late");
	assert_string_equal(fake_console, "[18446744073709.551615] info  late\n");
}

static void panic_speaks_and_stops(void **state UNUSED)
{
	fake_time_step(0);
	assert_panics(panic("found %d", 7));
	assert_string_equal(fake_console, "[    0.000000] error panic: found 7\n");
}

static void panic_is_an_error_at_every_level(void **state UNUSED)
{
	log_level = LOG_ERROR;
	assert_panics(panic("heard"));
	assert_non_null(strstr(fake_console, "panic: heard"));
}

static void check_names_its_condition(void **state UNUSED)
{
	int two = 2;

	CHECK(two == 2);
	assert_string_equal(fake_console, "");
	assert_panics(CHECK(two == 3));
	assert_non_null(strstr(fake_console, "log_test.c:"));
	assert_non_null(strstr(fake_console, "CHECK(two == 3)"));
}

/* A second one says its sentence too. */
static void panic_after_panic(void **state UNUSED)
{
	assert_panics(panic("first"));
	assert_panics(panic("second"));
	assert_non_null(strstr(fake_console, "panic: first"));
	assert_non_null(strstr(fake_console, "panic: second"));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(line_format),
		cmocka_unit_test(level_words),
		cmocka_unit_test(levels_above_are_dropped),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(far_future),
		cmocka_unit_test(panic_speaks_and_stops),
		cmocka_unit_test(panic_is_an_error_at_every_level),
		cmocka_unit_test(check_names_its_condition),
		cmocka_unit_test(panic_after_panic),
	};

	return SUITE("log", cases);
}
