/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the cases of a suite, each in a process of its own: the core has static state that only a
 * boot sets up, and a case that crashes or hangs must not take the others with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hyp/lock.h"

#include "suite.h"

#define CASE_LIMIT_S 300

void suite_fail(const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("%s", text);
	abort();
}

bool suite_child_begin(void)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = _Fork();
	if (child == 0)
		return true;
	if (child < 0 || waitpid(child, &status, 0) < 0)
		suite_fail("no process");
	if (status != 0)
		suite_fail("a child ended with status %#x", status);
	return false;
}

/* Of builds for coverage only. */
extern int __llvm_profile_write_file(void) __attribute__((weak));

/* Without the search for leaks of an exit(), which takes longer than what most children are for; the case itself ends with one. */
void suite_child_end(void)
{
	fflush(NULL);
	if (__llvm_profile_write_file != NULL)
		__llvm_profile_write_file();
	_exit(0);
}

static void uncaught(enum fake_end how)
{
	static const char *const word[] = { "returned", "panicked", "switched off", "reset",
					    "entered the guest" };

	suite_fail("the machine %s; its console:\n%s", word[how], fake_console);
}

static int case_begin(void **state UNUSED)
{
	fake_reset();
	fake_uncaught = uncaught;
	return 0;
}

static int case_end(void **state UNUSED)
{
	assert_int_equal(fake_locks_held(), 0);
	return 0;
}

static void copy_out(int from)
{
	char text[4096];
	ssize_t n;

	lseek(from, 0, SEEK_SET);
	while ((n = read(from, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			break;
}

/* cmocka writes what it has to say into a file that is shown only when it matters. */
static int case_child(const char *suite, const struct CMUnitTest *test, int capture)
{
	struct CMUnitTest one = *test;

	if (one.setup_func == NULL)
		one.setup_func = case_begin;
	if (one.teardown_func == NULL)
		one.teardown_func = case_end;
	alarm(CASE_LIMIT_S);
	dup2(capture, STDOUT_FILENO);
	return _cmocka_run_group_tests(suite, &one, 1, NULL, NULL) == 0 ? 0 : 1;
}

static bool case_run(const char *suite, const struct CMUnitTest *test)
{
	int capture = memfd_create("suite", 0);
	int status;
	pid_t child;

	fflush(stdout);
	child = _Fork();
	if (child == 0)
		exit(case_child(suite, test, capture));
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		perror("suite");
		exit(2);
	}
	if (status != 0)
		copy_out(capture);
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s.%s: signal %d\n", suite, test->name, WTERMSIG(status));
	close(capture);
	return status == 0;
}

int suite_run(const char *suite, const struct CMUnitTest *cases, size_t count)
{
	const char *only = getenv("CASE");
	int failed = 0;

	unsetenv("CMOCKA_MESSAGE_OUTPUT");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	for (size_t i = 0; i < count; i++) {
		bool good;

		if (only != NULL && strstr(cases[i].name, only) == NULL)
			continue;
		good = case_run(suite, &cases[i]);
		printf("%s %s.%s\n", good ? "ok" : "not ok", suite, cases[i].name);
		failed += !good;
	}
	return failed > 0;
}
