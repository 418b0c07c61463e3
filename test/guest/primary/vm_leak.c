/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What crosses from a secondary to the primary is vcpu_exit and nothing else (J6, I6): a secondary fills all its
 * registers, and its memory, with a pattern, and the primary looks for it everywhere. The other way round, too.
 */
#include <string.h>

#include "case_regs.h"
#include "el1_regs.h"
#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmm.h"

#define ROUNDS 20

static struct vmm vm;
static struct register_file before __attribute__((aligned(16))), after __attribute__((aligned(16)));

/* Kept complemented, so that the pattern itself is in nobody's memory. */
static volatile u32 inverse = ~0xa5f00d17u;

static u32 magic(void)
{
	return ~inverse;
}

static bool has_magic(u64 value)
{
	return (u32)(value >> 32) == magic() || (u32)value == magic();
}

static void fill_own(u64 exit_ipa)
{
	for (u32 i = 0; i < 31; i++)
		before.x[i] = 0x0123456700000000ul | i;
	for (u32 i = 0; i < 32; i++) {
		before.v[i][0] = 0x89abcdef00000000ul | i;
		before.v[i][1] = 0x4567cdef00000000ul | i;
	}
	before.nzcv = 0x60000000;
	before.x[0] = PC_VCPU_RUN;
	before.x[1] = vm.handle;
	before.x[2] = 0;
	before.x[3] = exit_ipa;
	memset(&after, 0, sizeof(after));
}

static void compare_own(void)
{
	REQUIRE(!after.x[0], "VCPU_RUN answers %s", status_name((long)after.x[0]));
	REQUIRE(after.x[1] == PC_EXIT_MMIO && !after.x[2] && !after.x[3], "R1..R3 are %lx %lx %lx", after.x[1], after.x[2],
		after.x[3]);
	for (u32 i = 4; i < 31; i++)
		REQUIRE(after.x[i] == before.x[i], "x%u was %lx and is %lx", i, before.x[i], after.x[i]);
	for (u32 i = 0; i < 32; i++)
		REQUIRE(after.v[i][0] == before.v[i][0] && after.v[i][1] == before.v[i][1], "v%u is %lx %lx", i, after.v[i][0],
			after.v[i][1]);
	REQUIRE(after.sp == before.sp && after.nzcv == before.nzcv && after.daif == before.daif, "sp %lx NZCV %lx DAIF %lx",
		after.sp, after.nzcv, after.daif);
}

static void look_at_exit(const struct pc_vcpu_exit *e)
{
	const u64 *words = (const u64 *)e;

	for (u32 i = 0; i < sizeof(*e) / 8; i++)
		REQUIRE(!has_magic(words[i]), "word %u of vcpu_exit is %lx", i, words[i]);
	REQUIRE(e->ipa == DOORBELL_EVENT && !e->data && e->flags == (PC_EXIT_WRITE | PC_EXIT_DATA) && e->width == 4 && !e->port,
		"the exit tells more than a word of zero: data %lx flags %x width %u port %x", e->data, e->flags, e->width,
		e->port);
}

/* One run until the secondary's next exit, all registers of the primary full. */
static void run_filled(void)
{
	u64 mine[EL1_REGS_MAX], fpcr, fpsr, present = el1_regs_probe();

	fill_own((u64)&vm.exit[0]);
	vm.exit[0].size = sizeof(vm.exit[0]);
	sysreg_write(fpcr, 0x00c00000);
	sysreg_write(fpsr, 0x11);
	fpcr = sysreg_read(fpcr);
	fpsr = sysreg_read(fpsr);
	for (u32 i = 0; i < el1_reg_count; i++)
		mine[i] = present >> i & 1 ? el1_regs[i].read() : 0;
	do {
		before.x[0] = PC_VCPU_RUN;
		hvc_with_registers(&before, &after);
	} while (!after.x[0] && after.x[1] == PC_EXIT_HOST_IRQ);
	for (u32 i = 0; i < el1_reg_count; i++) {
		u64 now = present >> i & 1 ? el1_regs[i].read() : 0;

		REQUIRE(now == mine[i] && !has_magic(now), "%s was %lx and is %lx", el1_regs[i].name, mine[i], now);
	}
	REQUIRE(sysreg_read(fpcr) == fpcr && sysreg_read(fpsr) == fpsr, "FPCR %lx FPSR %lx", sysreg_read(fpcr),
		sysreg_read(fpsr));
	sysreg_write(fpcr, 0);
}

CASE(leak, registers_of_a_secondary_do_not_reach_the_primary_J6_I6)
{
	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "registers", ~(u64)magic(), ROUNDS);
	for (u32 i = 0; i < ROUNDS; i++) {
		run_filled();
		compare_own();
		look_at_exit(&vm.exit[0]);
	}
	vmm_finish(&vm);
}

/* Everything that the primary can read, its own image and all. */
static void search_memory(void)
{
	for (u32 i = 0; i < machine.ram_count; i++) {
		u64 end = machine.ram[i].base + machine.ram[i].size;

		for (u64 page = machine.ram[i].base; page < end; page += PAGE) {
			if (!machine_owns_ram(page))
				continue;
			for (u64 at = page; at < page + PAGE; at += 8) {
				u64 value = *(volatile u64 *)at;

				REQUIRE(!has_magic(value), "the pattern is at %lx: %lx", at, value);
			}
		}
	}
}

CASE(leak, nothing_of_a_secondary_is_left_in_memory_A9)
{
	enum vmm_event event;

	vmm_boot(&vm, 1, 64);
	ASK(&vm, "fill", vm.heap_ipa, 64 * PAGE / 8, 0);
	/* The upper half of each word is the pattern: filled by the secondary, which is given its complement. */
	BEGIN(&vm, "fill_inverse", vm.heap_ipa, 64 * PAGE / 8, ~((u64)magic() << 32));
	vmm_finish(&vm);
	BEGIN(&vm, "registers", ~(u64)magic(), 3);
	while ((event = vmm_run(&vm)) == VMM_EVENT)
		;
	REQUIRE(event == VMM_READY && vm.mail->state == MAIL_DONE, "%s %s", vmm_event_name(event), vm.mail->text);
	/* Parked in the middle, all registers full. */
	BEGIN(&vm, "registers", ~(u64)magic(), 0);
	REQUIRE(vmm_run(&vm) == VMM_EVENT, "it did not stop in the middle: %s", vm.mail->text);
	vmm_destroy(&vm);
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	search_memory();
}

/* The primary's registers do not reach a secondary either: a vCPU starts with nothing of anybody's. */
extern const u8 tiny_dump[], tiny_dump_end[];

CASE(leak, a_vcpu_starts_with_clean_registers_J6)
{
	u64 own, words = 31 + 64;
	const u64 *dump;

	vmm_create(&vm, PC_VM_OPEN_MMIO, 1);
	vmm_load(&vm, SERVICE_BASE, tiny_dump, (u64)(tiny_dump_end - tiny_dump));
	own = ram_alloc_raw(PAGE, PAGE);
	vmm_donate(&vm, SERVICE_BASE + PAGE, own, 1, PC_DONATE_SCRUB);
	OK(vcpu_set(vm.handle, 0, SERVICE_BASE, SERVICE_BASE + PAGE));
	fill_own((u64)&vm.exit[0]);
	/* The program shares its page when it is full, which is the exit. */
	vm.exit[0].size = sizeof(vm.exit[0]);
	do {
		before.x[0] = PC_VCPU_RUN;
		hvc_with_registers(&before, &after);
	} while (!after.x[0] && after.x[1] == PC_EXIT_HOST_IRQ);
	REQUIRE(!after.x[0] && after.x[1] == PC_EXIT_MEMORY, "VCPU_RUN: %s, reason %lu", status_name((long)after.x[0]),
		after.x[1]);
	REQUIRE_EQUAL(vm.exit[0].arg[1], own);
	dump = (const u64 *)own;
	REQUIRE_EQUAL(dump[0], SERVICE_BASE + PAGE);
	for (u32 i = 1; i < words; i++)
		REQUIRE(dump[i] == 0, "%s%u starts as %lx", i < 31 ? "x" : "half of v", i < 31 ? i : (i - 31), dump[i]);
}

/* --- the wide vector registers, which a secondary does not have */

#define PFR0_SVE(value) ((value) >> 32 & 0xf)
#define CPACR_ZEN       (3ul << 16)

void sve_around_run(u64 vm, u64 exit_ipa, u64 pattern, void *z, void *p, u64 result[2]);
u64 sve_bytes(void);

static u64 z_now[32 * 256 / 8], result[2];
static u8 p_now[16 * 32];

static void require_wide(u64 bytes, u64 pattern)
{
	for (u64 n = 0; n < 32; n++) {
		for (u64 i = 0; i < bytes / 8; i++)
			REQUIRE(z_now[n * bytes / 8 + i] == pattern + n, "doubleword %lu of z%lu is %lx", i, n,
				z_now[n * bytes / 8 + i]);
	}
	for (u64 n = 0; n < 16; n++) {
		for (u64 i = 0; i < bytes / 8; i++)
			REQUIRE(p_now[n * bytes / 8 + i] == (n & 1 ? 0 : 0xff), "byte %lu of p%lu is %x", i, n,
				p_now[n * bytes / 8 + i]);
	}
}

CASE(leak, wide_vectors_of_the_primary_stay_its_own_J6)
{
	u64 bytes, pattern = 0x0badcafe00000100ul;
	const u64 *r;

	if (!PFR0_SVE(sysreg_read(id_aa64pfr0_el1)))
		report_skip("this CPU has no SVE");
	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | CPACR_ZEN);
	isb();
	bytes = sve_bytes();
	REQUIRE(bytes >= 16 && bytes <= 256, "vectors of %lu bytes", bytes);
	vmm_boot(&vm, 1, 0);
	r = ASK(&vm, "sve", 0);
	REQUIRE(!r[0] && !r[1], "a secondary sees SVE: ID %lu, it runs %lu", r[0], r[1]);
	BEGIN(&vm, "registers", ~(u64)magic(), ROUNDS);
	for (u32 i = 0; i < ROUNDS; i++) {
		do {
			vm.exit[0].size = sizeof(vm.exit[0]);
			memset(z_now, 0, sizeof(z_now));
			sve_around_run(vm.handle, (u64)&vm.exit[0], pattern, z_now, p_now, result);
			REQUIRE(!result[0], "VCPU_RUN answers %s", status_name((long)result[0]));
			require_wide(bytes, pattern);
		} while (result[1] == PC_EXIT_HOST_IRQ);
		REQUIRE_EQUAL(result[1], PC_EXIT_MMIO);
		pattern += 0x100;
	}
	vmm_finish(&vm);
}
