/* SPDX-License-Identifier: BSD-2-Clause */
/* What the primary may ask of PSCI: every function id around the range, every argument that decides. */
#include <string.h>

#include "hyp/bits.h"
#include "psci.h"
#include "suite.h"

#define POISON 0xdeadbeef00000000ull /* upper halves that a 32-bit call does not have */

static struct machine *machine_make(void)
{
	struct machine *m = fake_machine(64 << 20, 16 << 20, 1);

	m->cpu_count = 3;
	m->cpu[0].mpidr = 0;
	m->cpu[1].mpidr = 0x101;
	m->cpu[2].mpidr = 0x0200000003;
	return m;
}

static struct psci_request ask(const struct machine *m, u64 function, u64 a1, u64 a2, u64 a3)
{
	const struct hcall_args args = { { function, a1, a2, a3, ~0ull, ~0ull, ~0ull } };
	struct psci_request r;

	memset(&r, 0xa5, sizeof(r));
	psci_decode(m, &args, &r);
	return r;
}

static void answers(const struct psci_request *r, s64 result)
{
	assert_int_equal(r->action, PSCI_ANSWER);
	assert_int_equal(r->result, result);
}

/* The functions that exist, in both conventions: 32 bits, and 64 where there are addresses. */
static bool offered(u32 function)
{
	static const u32 ids[] = { 0x84000000, 0x84000001, 0x84000002, 0x84000003, 0x84000004, 0x84000006, 0x84000008,
				   0x84000009, 0x8400000a, 0xc4000001, 0xc4000003, 0xc4000004 };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i] == function)
			return true;
	return false;
}

static void everything_else_is_not_supported(void **state UNUSED)
{
	const struct machine *m = machine_make();

	for (u32 high = 0; high < 256; high++) {
		for (u32 low = 0; low < 0x10000; low += low < 0x200 ? 1 : 0x333) {
			u32 function = high << 24 | low;
			struct psci_request r = ask(m, POISON | function, PSCI_VERSION, 0, 0);

			/* Yielding calls of that range too: they end here, as not supported. */
			assert_int_equal(psci_is_call(function), (high & 0x3f) == 0x04 && low < 32);
			if (!offered(function))
				answers(&r, PSCI_NOT_SUPPORTED);
			else
				assert_true(r.action != PSCI_ANSWER || r.result != PSCI_NOT_SUPPORTED);
			/* FEATURES says the same of it, and knows SMCCC_VERSION beside. */
			r = ask(m, PSCI_FEATURES, POISON | function, 0, 0);
			answers(&r, offered(function) || function == 0x80000000 ? 0 : PSCI_NOT_SUPPORTED);
		}
	}
}

static void constants(void **state UNUSED)
{
	const struct machine *m = machine_make();
	struct psci_request r = ask(m, PSCI_VERSION, ~0ull, ~0ull, ~0ull);

	answers(&r, 0x10001);
	r = ask(m, PSCI_MIGRATE_INFO_TYPE, 0, 0, 0);
	answers(&r, 2);
	assert_int_equal(ask(m, PSCI_CPU_OFF, 0, 0, 0).action, PSCI_DO_CPU_OFF);
	assert_int_equal(ask(m, PSCI_SYSTEM_OFF, 0, 0, 0).action, PSCI_DO_SYSTEM_OFF);
	assert_int_equal(ask(m, PSCI_SYSTEM_RESET, 0, 0, 0).action, PSCI_DO_SYSTEM_RESET);
}

static void cpu_on_checks_its_target(void **state UNUSED)
{
	const struct machine *m = machine_make();
	u64 entry = m->heap.base + m->heap.size;
	struct psci_request r;

	for (u32 i = 0; i < m->cpu_count; i++) {
		r = ask(m, PSCI_CPU_ON | SMC64, m->cpu[i].mpidr, entry, 0x1234567890abcdef);
		assert_int_equal(r.action, PSCI_DO_CPU_ON);
		assert_int_equal(r.target, i);
		assert_int_equal(r.entry, entry);
		assert_int_equal(r.context, 0x1234567890abcdef);
		assert_int_equal(ask(m, PSCI_AFFINITY_INFO | SMC64, m->cpu[i].mpidr, 0, 0).action,
				 PSCI_DO_AFFINITY_INFO);
		/* No bit of an MPIDR that names nobody, and none that is no affinity, is taken for another. */
		for (u32 bit = 0; bit < 64; bit++) {
			r = ask(m, PSCI_CPU_ON | SMC64, m->cpu[i].mpidr ^ BIT(bit), entry, 0);
			answers(&r, PSCI_INVALID_PARAMETERS);
			r = ask(m, PSCI_AFFINITY_INFO | SMC64, m->cpu[i].mpidr ^ BIT(bit), 0, 0);
			answers(&r, PSCI_INVALID_PARAMETERS);
		}
		r = ask(m, PSCI_AFFINITY_INFO | SMC64, m->cpu[i].mpidr, 1, 0);
		answers(&r, PSCI_INVALID_PARAMETERS);
	}
}

/* A 32-bit call has 32-bit arguments: what is above is not looked at. */
static void narrow_calls(void **state UNUSED)
{
	struct machine *m = machine_make();
	u64 entry = m->heap.base + m->heap.size;
	struct psci_request r;

	assert_int_equal(entry >> 32, 0);
	r = ask(m, PSCI_CPU_ON, POISON | 0x101, POISON | entry, POISON | 77);
	assert_int_equal(r.action, PSCI_DO_CPU_ON);
	assert_int_equal(r.target, 1);
	assert_int_equal(r.entry, entry);
	assert_int_equal(r.context, 77);
	r = ask(m, PSCI_CPU_ON, 0x0200000003, entry, 0); /* which is 3 then: nobody */
	answers(&r, PSCI_INVALID_PARAMETERS);
	assert_int_equal(ask(m, PSCI_AFFINITY_INFO, POISON | 0x101, POISON, 0).action, PSCI_DO_AFFINITY_INFO);
	r = ask(m, PSCI_AFFINITY_INFO | SMC64, 0x101, POISON, 0);
	answers(&r, PSCI_INVALID_PARAMETERS);
}

static struct psci_request on_at(const struct machine *m, u64 entry)
{
	return ask(m, PSCI_CPU_ON | SMC64, 0, entry, 0);
}

static void inside_is_ours(const struct machine *m, struct range r)
{
	const u64 at[] = { r.base, r.base + 4, r.base + r.size / 2 / 4 * 4, r.base + r.size - 4 };

	for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
		struct psci_request request = on_at(m, at[i]);

		answers(&request, PSCI_INVALID_ADDRESS);
	}
}

/* No CPU starts in our memory, in firmware's, in no memory at all, or between instructions. */
static void cpu_on_checks_its_entry(void **state UNUSED)
{
	struct machine *m = machine_make();
	u64 end = m->ram[0].base + m->ram[0].size, good = end - 0x200000;
	struct psci_request r;

	m->reserved_count = 1;
	m->reserved[0] = (struct range){ end - 0x10000, 0x1000 };
	assert_int_equal(on_at(m, good).action, PSCI_DO_CPU_ON);
	assert_int_equal(on_at(m, end - 4).action, PSCI_DO_CPU_ON);
	assert_int_equal(on_at(m, end - 0x10000 - 4).action, PSCI_DO_CPU_ON);
	assert_int_equal(on_at(m, end - 0xf000).action, PSCI_DO_CPU_ON);
	inside_is_ours(m, m->image);
	inside_is_ours(m, m->heap);
	inside_is_ours(m, m->reserved[0]);
	for (u32 i = 1; i < 4; i++) {
		r = on_at(m, good + i);
		answers(&r, PSCI_INVALID_ADDRESS);
	}
	r = on_at(m, end);
	answers(&r, PSCI_INVALID_ADDRESS);
	r = on_at(m, m->ram[0].base - 4);
	answers(&r, PSCI_INVALID_ADDRESS);
	r = on_at(m, ~3ull);
	answers(&r, PSCI_INVALID_ADDRESS);
	r = on_at(m, m->gic.dist.base);
	answers(&r, PSCI_INVALID_ADDRESS);
}

/* Standby keeps the CPU's state; a power-down does not, and is refused in both conventions. */
static void suspend_is_standby(void **state UNUSED)
{
	const struct machine *m = machine_make();

	for (u32 bit = 0; bit < 32; bit++) {
		struct psci_request narrow = ask(m, PSCI_CPU_SUSPEND, BIT(bit), 0, 0);
		struct psci_request wide = ask(m, PSCI_CPU_SUSPEND | SMC64, BIT(bit), 0, 0);

		if (bit == 16) {
			answers(&narrow, PSCI_INVALID_PARAMETERS);
			answers(&wide, PSCI_INVALID_PARAMETERS);
		} else {
			assert_int_equal(narrow.action, PSCI_DO_STANDBY);
			assert_int_equal(wide.action, PSCI_DO_STANDBY);
		}
	}
}

static struct psci_request ask_vm(u32 vcpus, u64 function, u64 a1, u64 a2, u64 a3)
{
	const struct hcall_args args = { { function, a1, a2, a3, ~0ull, ~0ull, ~0ull } };
	struct psci_request r;

	memset(&r, 0xa5, sizeof(r));
	psci_decode_vm(vcpus, &args, &r);
	return r;
}

/* A secondary names its vCPUs by their index, and nobody else's CPU by anything. */
static void D7_a_secondary_has_its_own_cpus_only(void **state UNUSED)
{
	static const u64 foreign[] = { 3, 4, 0x101, 0x200000003, 1ull << 32, ~0ull, 0x80000000 };
	struct psci_request r;

	for (u32 i = 0; i < 3; i++) {
		r = ask_vm(3, PSCI_CPU_ON | SMC64, i, 0x40000000, 7);
		assert_int_equal(r.action, PSCI_DO_CPU_ON);
		assert_int_equal(r.target, i);
		assert_int_equal(r.entry, 0x40000000);
		assert_int_equal(r.context, 7);
		r = ask_vm(3, PSCI_AFFINITY_INFO | SMC64, i, 0, 0);
		assert_int_equal(r.action, PSCI_DO_AFFINITY_INFO);
		assert_int_equal(r.target, i);
	}
	for (u32 i = 0; i < ARRAY_SIZE(foreign); i++) {
		r = ask_vm(3, PSCI_CPU_ON | SMC64, foreign[i], 0x40000000, 7);
		answers(&r, PSCI_INVALID_PARAMETERS);
		r = ask_vm(3, PSCI_AFFINITY_INFO | SMC64, foreign[i], 0, 0);
		answers(&r, PSCI_INVALID_PARAMETERS);
	}
}

/* What the vCPU could not fetch from is refused: not a word's address, or beyond a guest's 40 bits. */
static void a_secondarys_entry_is_in_its_space(void **state UNUSED)
{
	static const u64 bad[] = { 1, 2, 3, 0x40000001, 1ull << 40, 1ull << 63, ~3ull };
	struct psci_request r;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		r = ask_vm(1, PSCI_CPU_ON | SMC64, 0, bad[i], 0);
		answers(&r, PSCI_INVALID_ADDRESS);
	}
	r = ask_vm(1, PSCI_CPU_ON | SMC64, 0, (1ull << 40) - 4, 0);
	assert_int_equal(r.action, PSCI_DO_CPU_ON);
	/* The same range of calls as the primary's, and none has a target but these. */
	r = ask_vm(1, PSCI_VERSION, 0, 0, 0);
	answers(&r, 0x10001);
	r = ask_vm(1, PSCI_SYSTEM_OFF, 0, 0, 0);
	assert_int_equal(r.action, PSCI_DO_SYSTEM_OFF);
	r = ask_vm(1, 0x84000005, 0, 0, 0);
	answers(&r, PSCI_NOT_SUPPORTED);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(everything_else_is_not_supported),
		cmocka_unit_test(constants),
		cmocka_unit_test(cpu_on_checks_its_target),
		cmocka_unit_test(narrow_calls),
		cmocka_unit_test(cpu_on_checks_its_entry),
		cmocka_unit_test(suspend_is_standby),
		cmocka_unit_test(D7_a_secondary_has_its_own_cpus_only),
		cmocka_unit_test(a_secondarys_entry_is_in_its_space),
	};

	return SUITE("psci_rules", cases);
}
