/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject_test.c on a machine of two IOMMUs: the n-th of everything fails at the first, at the second, and at both. Who works goes
 * on, and is not given up for the other; what both have a hand in is lost only where hardware may still reach it. And the same
 * for each answer of a boot: the machine is refused, and blocks on all IOMMUs that take it, or it is whole.
 */
#include "inject_points.h"
#include "suite.h"

static void every_call_does_its_work(void **state UNUSED)
{
	struct bench_options o = inject_two_iommus();

	inject_world(&o);
	for (u32 i = 0; i < scenario_count(); i++)
		IN_CHILD(inject_must_work(&scenarios[i]));
}

#define TWO inject_two_iommus()
INJECT(C9_commands_aborted_by_the_first, COMMAND_ABORTED, TWO, FIRST)
INJECT(C9_commands_aborted_by_the_second, COMMAND_ABORTED, TWO, SECOND)
INJECT(C9_commands_aborted_by_both, COMMAND_ABORTED, TWO, BOTH)
INJECT(C9_commands_refused_by_the_first, COMMAND_REFUSED, TWO, FIRST)
INJECT(C9_commands_refused_by_the_second, COMMAND_REFUSED, TWO, SECOND)
INJECT(C9_commands_refused_by_both, COMMAND_REFUSED, TWO, BOTH)
INJECT(C9_illegal_commands_at_the_first, COMMAND_ILLEGAL, TWO, FIRST)
INJECT(C9_illegal_commands_at_the_second, COMMAND_ILLEGAL, TWO, SECOND)
INJECT(C9_illegal_commands_at_both, COMMAND_ILLEGAL, TWO, BOTH)
INJECT(E4_completions_of_the_first, COMPLETION, TWO, FIRST)
INJECT(E4_completions_of_the_second, COMPLETION, TWO, SECOND)
INJECT(E4_completions_of_both, COMPLETION, TWO, BOTH)
INJECT(E9_register_reads_of_the_first, REGISTER_READ, TWO, FIRST)
INJECT(E9_register_reads_of_the_second, REGISTER_READ, TWO, SECOND)
INJECT(E9_register_reads_of_both, REGISTER_READ, TWO, BOTH)
INJECT(E9_registers_of_the_first_gone, REGISTERS_GONE, TWO, FIRST)
INJECT(E9_registers_of_the_second_gone, REGISTERS_GONE, TWO, SECOND)
INJECT(E9_registers_of_both_gone, REGISTERS_GONE, TWO, BOTH)
INJECT(E9_service_failures_of_the_first, SERVICE_FAILURE, TWO, FIRST)
INJECT(E9_service_failures_of_the_second, SERVICE_FAILURE, TWO, SECOND)

/* --- boots */

static void boot(enum kind kind, u32 where)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	inject_boot_sweep(&o, kind, where, kind == BOOT_SILENCE ? 4 : 20);
}

static void G6_E9_boot_with_a_silence_of_the_first(void **state UNUSED) { boot(BOOT_SILENCE, FIRST); }

static void G6_E9_boot_with_a_silence_of_the_second(void **state UNUSED) { boot(BOOT_SILENCE, SECOND); }

static void G6_E9_boot_with_a_silence_of_both(void **state UNUSED) { boot(BOOT_SILENCE, BOTH); }

static void G6_E9_boot_with_a_failing_read_of_the_first(void **state UNUSED) { boot(BOOT_READ, FIRST); }

static void G6_E9_boot_with_a_failing_read_of_the_second(void **state UNUSED) { boot(BOOT_READ, SECOND); }

static void G6_E9_boot_with_a_failing_read_of_both(void **state UNUSED) { boot(BOOT_READ, BOTH); }

static void G6_E9_boot_with_a_wrong_read_of_the_first(void **state UNUSED) { boot(BOOT_WRONG, FIRST); }

static void G6_E9_boot_with_a_wrong_read_of_the_second(void **state UNUSED) { boot(BOOT_WRONG, SECOND); }

static void G6_E9_boot_with_a_wrong_read_of_both(void **state UNUSED) { boot(BOOT_WRONG, BOTH); }

static void G6_E9_boot_with_the_first_gone(void **state UNUSED) { boot(BOOT_GONE, FIRST); }

static void G6_E9_boot_with_the_second_gone(void **state UNUSED) { boot(BOOT_GONE, SECOND); }

static void G6_E9_boot_with_both_gone(void **state UNUSED) { boot(BOOT_GONE, BOTH); }

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_call_does_its_work),
		cmocka_unit_test(C9_commands_aborted_by_the_first),
		cmocka_unit_test(C9_commands_aborted_by_the_second),
		cmocka_unit_test(C9_commands_aborted_by_both),
		cmocka_unit_test(C9_commands_refused_by_the_first),
		cmocka_unit_test(C9_commands_refused_by_the_second),
		cmocka_unit_test(C9_commands_refused_by_both),
		cmocka_unit_test(C9_illegal_commands_at_the_first),
		cmocka_unit_test(C9_illegal_commands_at_the_second),
		cmocka_unit_test(C9_illegal_commands_at_both),
		cmocka_unit_test(E4_completions_of_the_first),
		cmocka_unit_test(E4_completions_of_the_second),
		cmocka_unit_test(E4_completions_of_both),
		cmocka_unit_test(E9_register_reads_of_the_first),
		cmocka_unit_test(E9_register_reads_of_the_second),
		cmocka_unit_test(E9_register_reads_of_both),
		cmocka_unit_test(E9_registers_of_the_first_gone),
		cmocka_unit_test(E9_registers_of_the_second_gone),
		cmocka_unit_test(E9_registers_of_both_gone),
		cmocka_unit_test(E9_service_failures_of_the_first),
		cmocka_unit_test(E9_service_failures_of_the_second),
		cmocka_unit_test(G6_E9_boot_with_a_silence_of_the_first),
		cmocka_unit_test(G6_E9_boot_with_a_silence_of_the_second),
		cmocka_unit_test(G6_E9_boot_with_a_silence_of_both),
		cmocka_unit_test(G6_E9_boot_with_a_failing_read_of_the_first),
		cmocka_unit_test(G6_E9_boot_with_a_failing_read_of_the_second),
		cmocka_unit_test(G6_E9_boot_with_a_failing_read_of_both),
		cmocka_unit_test(G6_E9_boot_with_a_wrong_read_of_the_first),
		cmocka_unit_test(G6_E9_boot_with_a_wrong_read_of_the_second),
		cmocka_unit_test(G6_E9_boot_with_a_wrong_read_of_both),
		cmocka_unit_test(G6_E9_boot_with_the_first_gone),
		cmocka_unit_test(G6_E9_boot_with_the_second_gone),
		cmocka_unit_test(G6_E9_boot_with_both_gone),
	};
	int failed;

	if (!inject_begin())
		return 2;
	failed = SUITE("inject_two", cases);
	inject_print("inject_two");
	return failed;
}
