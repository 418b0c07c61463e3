/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine around the pvIOMMU: which addresses the CPU reaches, what PSCI and the CPU itself still do. */
#include <string.h>

#include "gic.h"
#include "hcall.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"
#include "trap.h"

#define PSCI_ALREADY_ON         (-4)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_INVALID_ADDRESS    (-9)
#define PSCI_NOT_SUPPORTED      (-1)

static const void *below(void)
{
	const void *fdt = machine_below();

	if (!fdt)
		report_skip("the tree of the machine below was not given as ramdisk");
	return fdt;
}

/* Reads and writes of every page must raise an external abort; the guest goes on. */
static void must_abort(const char *what, struct range r, u64 step)
{
	u32 value = 0;

	REQUIRE(r.size, "the machine has no %s", what);
	for (u64 at = r.base; at < r.base + r.size; at += step) {
		REQUIRE(!TRY(value = mmio_read32(at)), "a read of the %s at %lx gives %x", what, at, value);
		REQUIRE(ESR_IS_EXTERNAL(cpu_this()->trap_esr), "a read of the %s at %lx raises ESR %lx", what, at,
			cpu_this()->trap_esr);
		REQUIRE(!TRY(mmio_write32(at, 0)), "a write of the %s at %lx is accepted", what, at);
	}
}

CASE(machine, iommu_registers_are_nobodys_J1)
{
	must_abort("SMMU", machine_find_reg(below(), "arm,smmu-v3"), 0x100);
}

CASE(machine, other_masters_are_nobodys_J1)
{
	struct range r = machine_find_reg(below(), "qemu,fw-cfg-mmio");

	r.size = r.size ? PAGE : 0;
	must_abort("fw_cfg", r, 8);
	must_abort("ITS", machine_find_reg(below(), "arm,gic-v3-its"), PAGE);
	r = machine_find_reg(below(), "virtio,mmio");
	r.size = r.size ? 4 * PAGE : 0;
	must_abort("virtio-mmio", r, 0x200);
	must_abort("flash", machine_find_reg(below(), "cfi-flash"), BLOCK_2M / 8);
}

/* Every page of memory that the machine has and this VM does not. */
CASE(machine, hypervisor_memory_is_not_ours_J1_B11)
{
	struct range ram[MACHINE_RANGES];
	u32 count = machine_memory(below(), ram, MACHINE_RANGES);
	u64 foreign = 0, value = 0;

	for (u32 i = 0; i < count; i++) {
		for (u64 at = ram[i].base; at < ram[i].base + ram[i].size; at += PAGE) {
			if (machine_owns_ram(at))
				continue;
			foreign++;
			REQUIRE(!TRY(value = mmio_read64(at)), "memory of the hypervisor at %lx can be read: %lx", at, value);
			REQUIRE(!TRY(mmio_write64(at + 8, 0)), "memory of the hypervisor at %lx can be written", at);
		}
	}
	REQUIRE(foreign > 16, "only %lu pages are not ours", foreign);
}

CASE(machine, tree_hides_what_is_not_ours)
{
	static const char *const hidden[] = { "arm,smmu-v3", "qemu,fw-cfg-mmio", "arm,gic-v3-its", "virtio,mmio",
					      "cfi-flash" };

	for (u32 i = 0; i < ARRAY_COUNT(hidden); i++)
		REQUIRE(!machine_find_reg(machine.fdt, hidden[i]).size, "the tree names a %s", hidden[i]);
	REQUIRE(machine.pviommu_count >= 1, "the tree names no pvIOMMU");
}

CASE(machine, empty_windows_abort)
{
	struct range gap = { machine.pci.mem32.base + machine.pci.mem32.size - BLOCK_2M, BLOCK_2M };
	u64 end = machine.ram[machine.ram_count - 1].base + machine.ram[machine.ram_count - 1].size;

	must_abort("unused part of the 32-bit PCI window", gap, PAGE);
	gap.base = machine.pci.mem64.base + machine.pci.mem64.size - BLOCK_2M;
	must_abort("unused part of the 64-bit PCI window", gap, PAGE);
	must_abort("space behind memory", (struct range){ align_up(end, BLOCK_1G) + BLOCK_1G, BLOCK_2M }, PAGE);
}

CASE(machine, we_run_at_el1)
{
	REQUIRE_EQUAL(sysreg_read(currentel) >> 2 & 3, 1);
	REQUIRE(!TRY(sysreg_read(hcr_el2)) && ESR_CLASS(cpu_this()->trap_esr) == ESR_UNKNOWN, "HCR_EL2 can be read");
	REQUIRE(!TRY(sysreg_write(vttbr_el2, 0)), "VTTBR_EL2 can be written");
}

static long smc(u64 function, u64 a1, u64 a2)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = 0;

	asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	return (int32_t)x0;
}

/* Firmware is reached by the allow-list of PSCI and by nothing else. */
CASE(machine, firmware_calls_are_filtered)
{
	static const u64 functions[] = { 0xc2000001, 0x82000000, 0x83000000, 0x84000012, 0xc4000012, 0xc400000c, 0xbf00ff01,
					 0xc6000000, 0xffffffff, 0 };

	for (u32 i = 0; i < ARRAY_COUNT(functions); i++)
		REQUIRE(smc(functions[i], ~0ul, ~0ul) == PSCI_NOT_SUPPORTED, "SMC %lx answers %ld", functions[i],
			smc(functions[i], ~0ul, ~0ul));
}

/* Calls are HVC #0 (SMCCC 1.2, 2.9): another immediate is nobody's, whatever the registers ask, and changes one of them. */
CASE(machine, an_hvc_with_an_immediate_is_no_call)
{
	static const u64 functions[] = { PSCI_VERSION, PC_HYP_MEMINFO, 0 };

	for (u32 i = 0; i < ARRAY_COUNT(functions); i++) {
		register u64 x0 asm("x0") = functions[i];
		register u64 x1 asm("x1") = 1;
		register u64 x2 asm("x2") = 2;
		register u64 x3 asm("x3") = 3;

		asm volatile("hvc #1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
		REQUIRE((long)x0 == PSCI_NOT_SUPPORTED, "HVC #1 answers 0x%lx to function 0x%lx", x0, functions[i]);
		REQUIRE(x1 == 1 && x2 == 2 && x3 == 3, "HVC #1 changes more than its first register");
	}
}

CASE(machine, psci)
{
	REQUIRE((u32)psci_call(PSCI_VERSION, 0, 0, 0) >= 0x10000, "PSCI version %lx", psci_call(PSCI_VERSION, 0, 0, 0));
	REQUIRE_EQUAL((u64)psci_call(PSCI_FEATURES, PSCI_CPU_ON, 0, 0), 0);
	REQUIRE_EQUAL((u64)psci_call(PSCI_FEATURES, PSCI_SYSTEM_OFF, 0, 0), 0);
	REQUIRE(psci_call(PSCI_FEATURES, 0x84000012, 0, 0) == PSCI_NOT_SUPPORTED, "SYSTEM_RESET2 is offered");
	REQUIRE_EQUAL((u64)psci_call(PSCI_AFFINITY_INFO, machine.mpidr[0], 0, 0), 0);
	REQUIRE(psci_call(PSCI_CPU_ON, machine.mpidr[0], (u64)image_base(), 0) == PSCI_ALREADY_ON, "this CPU was started");
	REQUIRE(psci_call(PSCI_CPU_ON, 0x123456, (u64)image_base(), 0) == PSCI_INVALID_PARAMETERS, "an unknown CPU");
	REQUIRE(psci_call(PSCI_AFFINITY_INFO, 0x123456, 0, 0) == PSCI_INVALID_PARAMETERS, "an unknown CPU");
	REQUIRE(psci_call(PSCI_CPU_ON, machine.mpidr[0], (u64)image_base() + 2, 0) == PSCI_INVALID_ADDRESS, "half an instruction");
	REQUIRE(psci_call(PSCI_CPU_ON, machine.mpidr[0], 0, 0) == PSCI_INVALID_ADDRESS, "no RAM");
}

/* A CPU may stand by and keep its state; a power-down, which would come back elsewhere, is no state that there is. */
CASE(machine, psci_suspend_is_standby)
{
	gic_timer_arm(time_ticks() + time_ms(1)); /* also for what should not stand by, and does */
	REQUIRE(psci_call(PSCI_CPU_SUSPEND, 1u << 16, (u64)image_base(), 0) == PSCI_INVALID_PARAMETERS, "a power-down");
	REQUIRE_EQUAL((u64)psci_call(PSCI_CPU_SUSPEND, 0, 0, 0), 0);
	gic_timer_off();
}

/* Implementation-defined registers (HCR_EL2.TIDCP) are undefined here, whatever the CPU has. */
CASE(machine, what_is_the_implementations_is_undefined)
{
	REQUIRE(!TRY(sysreg_read(s3_0_c11_c0_0)) && ESR_CLASS(cpu_this()->trap_esr) == ESR_UNKNOWN, "S3_0_C11_C0_0 can be read");
	REQUIRE(!TRY(sysreg_write(s3_3_c15_c1_0, 0)) && ESR_CLASS(cpu_this()->trap_esr) == ESR_UNKNOWN,
		"S3_3_C15_C1_0 can be written");
}

static void read_level(void *arg)
{
	*(u64 *)arg = sysreg_read(currentel) << 32 | (sysreg_read(mpidr_el1) & 0xffffff);
}

/* Each CPU that is started comes up at EL1, in our code and nowhere else. */
CASE(machine, every_cpu_starts_at_el1)
{
	u32 count = smp_start_all();
	u64 level = 0;

	if (count < 2)
		report_skip("this machine has one CPU");
	for (u32 i = 1; i < count; i++) {
		smp_run(i, read_level, &level);
		smp_join(i);
		REQUIRE(level >> 34 == 1 && (level & 0xffffff) == (machine.mpidr[i] & 0xffffff), "CPU %u: %lx", i, level);
		REQUIRE(psci_call(PSCI_CPU_ON, machine.mpidr[i], (u64)image_base(), 0) == PSCI_ALREADY_ON,
			"CPU %u was started twice", i);
	}
}

static void go_off(void *arg)
{
	(void)arg;
	psci_call(PSCI_CPU_OFF, 0, 0, 0);
}

/* One that went off is off as firmware sees it, and comes up again where it is sent. */
CASE(machine, a_cpu_goes_off_and_on)
{
	u64 end, level = 0;
	u32 cpu;
	long state;

	if (smp_start_all() < 2)
		report_skip("this machine has one CPU");
	cpu = machine.cpu_count - 1;
	smp_run(cpu, go_off, NULL);
	end = time_ticks() + time_ms(20000);
	do
		state = psci_call(PSCI_AFFINITY_INFO, machine.mpidr[cpu], 0, 0);
	while (state != 1 && time_ticks() < end);
	REQUIRE(state == 1, "CPU %u is %ld, and went off", cpu, state);
	smp_forget(cpu);
	smp_start_all();
	REQUIRE_EQUAL((u64)psci_call(PSCI_AFFINITY_INFO, machine.mpidr[cpu], 0, 0), 0);
	smp_run(cpu, read_level, &level);
	smp_join(cpu);
	REQUIRE(level >> 34 == 1 && (level & 0xffffff) == (machine.mpidr[cpu] & 0xffffff), "CPU %u: %lx", cpu, level);
}

/* What is the primary's own stays so over calls: keys, debug registers, counters, thread registers. */
CASE(machine, own_registers_survive_calls_J6)
{
	bool pointer_auth = sysreg_read(id_aa64isar1_el1) & 0xff0;

	if (pointer_auth) {
		sysreg_write(s3_0_c2_c1_0, 0x1111222233334444); /* APIAKeyLo_EL1 */
		sysreg_write(s3_0_c2_c2_0, 0x5555666677778888); /* APDAKeyLo_EL1 */
	}
	sysreg_write(tpidr_el0, 0x1234567890abcdef);
	sysreg_write(tpidrro_el0, 0xfedcba0987654321);
	sysreg_write(contextidr_el1, 0x4242);
	sysreg_write(dbgbvr0_el1, 0x4000);
	sysreg_write(pmccfiltr_el0, 0);
	sysreg_write(pmcntenset_el0, 1ul << 31);
	sysreg_write(pmcr_el0, 1);
	for (u32 i = 0; i < 100; i++)
		OK(dev_count());
	if (pointer_auth)
		REQUIRE(sysreg_read(s3_0_c2_c1_0) == 0x1111222233334444 && sysreg_read(s3_0_c2_c2_0) == 0x5555666677778888,
			"a pointer authentication key changed");
	REQUIRE(sysreg_read(tpidr_el0) == 0x1234567890abcdef && sysreg_read(tpidrro_el0) == 0xfedcba0987654321 &&
			sysreg_read(contextidr_el1) == 0x4242 && sysreg_read(dbgbvr0_el1) == 0x4000,
		"a thread, context or debug register changed");
	REQUIRE(sysreg_read(pmccntr_el0) && sysreg_read(pmcntenset_el0) >> 31 & 1, "the cycle counter does not count");
	sysreg_write(pmcr_el0, 0);
}

/* Else who waits for a lock, and was interrupted where it was about to, may wait for ever. */
CASE(machine, an_exit_wakes_who_waits_for_an_event_J6)
{
	bool late;

	gic_timer_arm(time_ticks() + time_ms(20000));
	wait_behind_exit(machine.gicd.base + GICD_TYPER);
	late = sysreg_read(cntv_ctl_el0) & TIMER_ISTATUS;
	gic_timer_off();
	REQUIRE(!late, "an event was due and did not come");
}

CASE(machine, floating_point_works_J6)
{
	volatile double x = 1.0, sum = 0;

	for (u32 i = 1; i <= 1000; i++) {
		sum = sum + x / i;
		if (i % 50 == 0)
			OK(dev_count());
	}
	REQUIRE(sum > 7.485 && sum < 7.486, "the sum is wrong");
}
