/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log's lock: a line is never torn by another CPU, and a line comes out even if the holder is
 * gone, or is the caller itself. The console is the test's own here, to interrupt a line halfway.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "hyp/io.h"

/* The fake machine counts a wait's turns, and a host may keep the holder away for any number of them. */
u64 log_test_time(void);
#define io_relax()        ((void)sched_yield())
#define io_time_us()      log_test_time()
#define plat_console_putc log_test_putc
#include "hyp/debug/log.c"
#undef plat_console_putc
#undef io_time_us
#undef io_relax

#include "suite.h"

#define THREADS 4
#define LINES   200

static char text[THREADS * LINES * 64];
static atomic_size_t used;
static int fault_at = -1; /* a line of its own from within the console, after that many characters */
static u32 away_at;       /* looks at the clock until one behind which ten seconds have gone, and the holder too */
static bool alone;        /* whether every character came under the lock */

u64 log_test_time(void)
{
	if (away_at > 0 && --away_at == 0) {
		fake_time_advance(10000000);
		busy = false;
	}
	return io_time_us();
}

void log_test_putc(char c)
{
	text[used++] = c;
	alone &= busy;
	if (fault_at >= 0 && fault_at-- == 0)
		log_line(LOG_ERROR, "from within");
}

static void *talk(void *who)
{
	for (u32 i = 0; i < LINES; i++)
		log_line(LOG_INFO, "%c%c%c%c", *(char *)who, *(char *)who, *(char *)who, *(char *)who);
	return NULL;
}

static bool is_whole(const char *line)
{
	return line[0] == '[' && line[21] == line[22] && line[22] == line[23] && line[23] == line[24];
}

static void lines_are_whole(void **state UNUSED)
{
	static char who[THREADS] = { 'a', 'b', 'c', 'd' };
	pthread_t thread[THREADS];
	u32 lines = 0;

	/* No time passes: nobody loses patience. */
	fake_time_step(0);
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, talk, &who[i]), 0);
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
		if (!is_whole(line))
			suite_fail("torn: %s", line);
	assert_int_equal(lines, THREADS * LINES);
}

/* A fault while a line is written: the second line comes out at once inside the first. */
static void a_line_within_a_line(void **state UNUSED)
{
	fake_time_step(1000);
	fault_at = 21;
	log_line(LOG_INFO, "outside");
	assert_non_null(strstr(text, "from within\n"));
	assert_non_null(strstr(text, "utside\n"));
	assert_true(fake_time_now() >= LOG_WAIT_US && fake_time_now() < 2 * LOG_WAIT_US);
	/* The lock was given back once, by its owner. */
	assert_false(busy);
}

static void a_holder_that_died(void **state UNUSED)
{
	fake_time_step(1000);
	busy = true;
	log_line(LOG_ERROR, "alone");
	assert_non_null(strstr(text, "] error alone\n"));
	assert_true(fake_time_now() >= LOG_WAIT_US);
	assert_true(busy);
}

/* A CPU that was away between its look at the lock and at the clock has not waited in vain. */
static void who_was_away_takes_the_lock(void **state UNUSED)
{
	alone = true;
	busy = true;
	away_at = 3;
	log_line(LOG_ERROR, "late");
	assert_int_equal(away_at, 0);
	assert_non_null(strstr(text, "] error late\n"));
	assert_true(alone);
	assert_false(busy);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(lines_are_whole),
		cmocka_unit_test(a_line_within_a_line),
		cmocka_unit_test(a_holder_that_died),
		cmocka_unit_test(who_was_away_takes_the_lock),
	};

	return SUITE("log_lock", cases);
}
