/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An /init for measuring a boot: its first instruction tells the hypervisor that it runs (with the boot option
 * `measure`, a read of CTR_EL0 from EL0 ends the count), its next action says so and what the virtual counter was then,
 * the last switches the machine off.
 */
#define PROGRAM_FIRST "mrs x0, ctr_el0\n"
#include "syscall.h"

#define REBOOT_MAGIC1    0xfee1deadl
#define REBOOT_MAGIC2    0x28121969l
#define REBOOT_POWER_OFF 0x4321fedcl

int program_main(int argc, char **argv)
{
	char line[] = "[t] mark init 00000000000000000000\n";
	uint64_t count;

	__asm__ volatile("isb\n	mrs	%0, cntvct_el0" : "=r"(count));
	(void)argc;
	(void)argv;
	for (char *digit = line + sizeof(line) - 3; count; digit--) {
		*digit = (char)('0' + count % 10);
		count /= 10;
	}
	print(line);
	system_call(SYS_REBOOT, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0, 0, 0);
	return 1;
}
