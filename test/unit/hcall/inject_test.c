/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call, with the n-th of everything that can fail failing, for every n until the call needs fewer: allocations,
 * commands, completions, register reads, errors of GERROR, slots of the command queue, resets, devices that do not answer an
 * invalidation. The oracle looks behind each call, a refused one has changed nothing bit for bit (V10), and when the VM has
 * gone all is as at boot (K4) but for what hardware that failed may still reach. How many points there were is printed at the
 * end. What PCI reads back is not among them, since the bench has functions to order in place of hyp/pci: pci_inject has
 * that, and pci_reset.E3_E9_* for resets. Machines of two IOMMUs are inject_two's.
 */
#include <string.h>

#include "hcall/hcall.h"
#include "inject_points.h"
#include "suite.h"

/* No call is left out. */
static bool in_table(u32 call)
{
	for (u32 i = 0; i < scenario_count(); i++)
		if (scenarios[i].call == call)
			return true;
	return false;
}

static void every_call_is_in_the_table(void **state UNUSED)
{
	for (u32 i = 0; i < PVIOMMU_OP_COUNT; i++)
		if (hcall_pviommu[i].handler != NULL && !in_table(OP(i)))
			suite_fail("operation %#x has no scenario", i);
	for (u32 i = 0; i < HCALL_FUNCTIONS; i++)
		if (hcall_function[i].handler != NULL && i != FN(PC_PVIOMMU_OP) && !in_table(i))
			suite_fail("function %#x has no scenario", i);
}

/* And each does what it is there for: a refusal for another reason would prove nothing. */
static void every_call_does_its_work(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	inject_world(&o);
	for (u32 i = 0; i < scenario_count(); i++)
		IN_CHILD(inject_must_work(&scenarios[i]));
}

/* --- on the hardware of each kind */

#define NESTED                    bench_defaults()
#define STAGE1                    bench_stage1_only()
#define STAGE2                    bench_stage2_only()
#define PASIDS                    bench_pasids()
#define TINY                      tiny_queue()
#define PLAIN                     plain()
#define ATS                       with_ats()
#define CASE(name, kind, options) INJECT(name, kind, options, FIRST)

/* Two slots: each batch finds the queue full. */
static struct bench_options tiny_queue(void)
{
	struct bench_options o = bench_defaults();

	o.smmu.cmdq_bits = 1;
	o.smmu.range_inval = false;
	return o;
}

static void can_keep(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].ats = true;
}

/* Every device keeps translations, and first stages of guests let it. */
static struct bench_options with_ats(void)
{
	struct bench_options o = bench_pasids();

	o.change = can_keep;
	inject_eats = 1ull << 28;
	return o;
}

/* No snooping, no blocks under a live stream. */
static struct bench_options plain(void)
{
	struct bench_options o = bench_defaults();

	o.noncoherent = true;
	o.smmu.bbml = 0;
	return o;
}

CASE(V10_N14_S2_12_allocations, ALLOCATION, NESTED)
CASE(V10_allocations_with_stage1_only, ALLOCATION, STAGE1)
CASE(V10_allocations_with_stage2_only, ALLOCATION, STAGE2)
CASE(V10_allocations_with_pasids, ALLOCATION, PASIDS)
CASE(C9_commands_aborted, COMMAND_ABORTED, NESTED)
CASE(C9_commands_aborted_in_a_full_queue, COMMAND_ABORTED, TINY)
CASE(C9_commands_refused, COMMAND_REFUSED, NESTED)
CASE(C9_commands_refused_without_snooping, COMMAND_REFUSED, PLAIN)
CASE(C9_illegal_commands, COMMAND_ILLEGAL, NESTED)
CASE(N47_C9_late_devices, DEVICE_LATE, ATS)
CASE(C9_late_devices_where_none_keeps, DEVICE_LATE, NESTED)
CASE(E4_completions, COMPLETION, NESTED)
CASE(E4_completions_in_a_full_queue, COMPLETION, TINY)
CASE(E4_completions_with_stage1_only, COMPLETION, STAGE1)
CASE(E9_register_reads, REGISTER_READ, NESTED)
CASE(E9_register_reads_in_a_full_queue, REGISTER_READ, TINY)
CASE(E9_registers_gone, REGISTERS_GONE, NESTED)
CASE(E9_registers_gone_in_a_full_queue, REGISTERS_GONE, TINY)
CASE(C9_global_errors, GLOBAL_ERRORS, NESTED)
CASE(E9_service_failures, SERVICE_FAILURE, NESTED)
CASE(E3_resets, DEVICE_RESET, NESTED)

/*
 * A machine whose IOMMU stops answering while it is taken over is refused, whatever it was asked last; and from
 * the first answer on, which is to GBPA, no DMA passes.
 */
static void G6_steps_of_the_boot(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	inject_boot_sweep(&o, BOOT_SILENCE, FIRST, 4);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_call_is_in_the_table),
		cmocka_unit_test(every_call_does_its_work),
		cmocka_unit_test(V10_N14_S2_12_allocations),
		cmocka_unit_test(V10_allocations_with_stage1_only),
		cmocka_unit_test(V10_allocations_with_stage2_only),
		cmocka_unit_test(V10_allocations_with_pasids),
		cmocka_unit_test(C9_commands_aborted),
		cmocka_unit_test(C9_commands_aborted_in_a_full_queue),
		cmocka_unit_test(C9_commands_refused),
		cmocka_unit_test(C9_commands_refused_without_snooping),
		cmocka_unit_test(C9_illegal_commands),
		cmocka_unit_test(N47_C9_late_devices),
		cmocka_unit_test(C9_late_devices_where_none_keeps),
		cmocka_unit_test(E4_completions),
		cmocka_unit_test(E4_completions_in_a_full_queue),
		cmocka_unit_test(E4_completions_with_stage1_only),
		cmocka_unit_test(E9_register_reads),
		cmocka_unit_test(E9_register_reads_in_a_full_queue),
		cmocka_unit_test(E9_registers_gone),
		cmocka_unit_test(E9_registers_gone_in_a_full_queue),
		cmocka_unit_test(C9_global_errors),
		cmocka_unit_test(E9_service_failures),
		cmocka_unit_test(E3_resets),
		cmocka_unit_test(G6_steps_of_the_boot),
	};
	int failed;

	if (!inject_begin())
		return 2;
	failed = SUITE("inject", cases);
	inject_print("inject");
	return failed;
}
