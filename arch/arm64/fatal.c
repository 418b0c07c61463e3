/* SPDX-License-Identifier: BSD-2-Clause */
/* An exception that EL2 took from itself: a bug of ours. Reports registers and callers, then everything stops. */
#include "fatal.h"

#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "layout.h"
#include "mm.h"

#include <arch/percpu.h>
#include <arch/sysreg.h>

#define EC_SP_ALIGNMENT 0x26
#define EC_SERROR       0x2f
#define EC_BTI          0x0d
#define EC_BRK          0x3c
#define FATAL_GUEST     8 /* vectors from here on are a guest's */

static const char *const vector_name[4] = { "synchronous", "IRQ", "FIQ", "SError" };

static bool in_guard_page(u64 address, const struct percpu *cpu)
{
	u64 stack = cpu->stack_top - STACK_SIZE, fatal = cpu->fatal_top - FATAL_STACK_SIZE;

	return (address < stack && address >= stack - STACK_GUARD) || (address < fatal && address >= fatal - STACK_GUARD);
}

static const char *cause(u64 esr, u64 far)
{
	switch (FIELD_GET(ESR_EC, esr)) {
	case EC_DABT_SAME:
		return in_guard_page(far, this_cpu()) ? "stack overflow" : "data abort";
	case EC_IABT_SAME:
		return "instruction abort";
	case EC_UNKNOWN:
		return "undefined instruction";
	case EC_BTI:
		return "branch to no landing place";
	case EC_BRK:
		return "trap instruction";
	case EC_ILLEGAL:
		return "illegal state";
	case EC_SP_ALIGNMENT:
		return "stack pointer not aligned";
	case EC_SERROR:
		return "SError";
	default:
		return "exception";
	}
}

static void log_registers(const struct fatal_frame *f)
{
	u32 i;

	for (i = 0; i < 28; i += 4)
		log_error("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx", i, f->x[i], i + 1, f->x[i + 1], i + 2,
			  f->x[i + 2], i + 3, f->x[i + 3]);
	log_error("  x28 %016lx  x29 %016lx  x30 %016lx  sp  %016lx", f->x[28], f->x[29], f->x[30], f->sp);
}

void fatal_exception(struct fatal_frame *frame)
{
	u64 esr = sysreg_read(esr_el2), far = sysreg_read(far_el2), elr = sysreg_read(elr_el2);
	struct percpu *cpu = this_cpu();

	if (cpu->dying)
		park();
	cpu->dying = true;
	cpu->fatal = frame;
	log_error("EL2 %s (%s%s): ESR %lx FAR %lx ELR %lx SPSR %lx", cause(esr, far), vector_name[frame->kind % 4],
		  frame->kind < FATAL_GUEST ? "" : ", from a guest", esr, far, elr, sysreg_read(spsr_el2));
	log_registers(frame);
	panic("exception in the hypervisor: %s at %lx", cause(esr, far), elr);
}

void arch_panic_stop(void)
{
	struct percpu *cpu = this_cpu();

	cpu->dying = true;
	smp_stop_others();
	if (cpu->fatal) {
		backtrace(sysreg_read(elr_el2), cpu->fatal->x[29]);
		backtrace_line("x30", cpu->fatal->x[30]);
	} else {
		backtrace((u64)arch_panic_stop, (u64)__builtin_frame_address(0));
	}
	park();
}
