/* SPDX-License-Identifier: BSD-2-Clause */
/* The first C code with the MMU on; and what compiled code expects to find: the stack protector's guard. */
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/upcall.h"
#include "smp.h"

#include <arch/sysreg.h>

#define USEC 1000000u

u64 io_time_scale;

/* Set by boot.S before the first function that is protected. */
extern u64 __stack_chk_guard;
u64 __stack_chk_guard;
void __stack_chk_fail(void) NORETURN;
void boot_main(const void *fdt, u64 fdt_limit) NORETURN;

void __stack_chk_fail(void)
{
	panic("a stack frame was overwritten");
}

/* 2^64 * USEC / frequency in two steps, since 2^64 * USEC does not fit. */
static bool time_init(void)
{
	u64 frequency = sysreg_read(cntfrq_el0), high = (u64)USEC << 44;

	if (frequency <= USEC)
		return false;
	io_time_scale = ((high / frequency) << 20) + ((high % frequency) << 20) / frequency;
	return true;
}

void boot_main(const void *fdt, u64 fdt_limit)
{
	smp_stacks_init();
	if (!time_init())
		panic("refused: the system counter's frequency (CNTFRQ_EL0) is not set");
	hyp_main(fdt, fdt_limit);
}
