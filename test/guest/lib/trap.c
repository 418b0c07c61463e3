/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions of EL1 itself. Vectors 4..7 of the table are the ones an image that stays at EL1 can see. */
#include <stdio.h>

#include "report.h"
#include "trap.h"

#define VECTOR_SYNC   4
#define VECTOR_IRQ    5
#define VECTOR_SERROR 7

static void (*irq_handler)(void);

void trap_set_irq(void (*handler)(void))
{
	irq_handler = handler;
}

void trap_arm(void)
{
	struct cpu *cpu = cpu_this();

	cpu->trap_taken = false;
	cpu->trap_armed = true;
	asm volatile("" ::: "memory");
}

bool trap_disarm(void)
{
	struct cpu *cpu = cpu_this();

	/* An error that an access raised late must still find the trap armed. */
	dsb();
	isb();
	cpu->trap_armed = false;
	return !*(volatile bool *)&cpu->trap_taken;
}

static void dump(const struct trap_frame *frame, u64 vector)
{
	printf("unexpected exception %lu on CPU %u: ESR %lx FAR %lx ELR %lx (image + %lx) SPSR %lx\n", vector,
	       cpu_this()->index, frame->esr, frame->far, frame->elr, frame->elr - image_base(), frame->spsr);
	for (u32 i = 0; i < 30; i += 3)
		printf("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", i, frame->x[i], i + 1, frame->x[i + 1], i + 2,
		       frame->x[i + 2]);
	printf("  x30 %016lx  sp  %016lx\n", frame->x[30], frame->sp);
}

void trap_handle(struct trap_frame *frame, u64 vector)
{
	struct cpu *cpu = cpu_this();

	if (vector == VECTOR_IRQ && irq_handler) {
		irq_handler();
		return;
	}
	if (cpu->trap_armed && (vector == VECTOR_SYNC || vector == VECTOR_SERROR)) {
		cpu->trap_taken = true;
		cpu->trap_esr = frame->esr;
		cpu->trap_far = frame->far;
		if (vector == VECTOR_SYNC)
			frame->elr += 4;
		return;
	}
	dump(frame, vector);
	report_abandon("unexpected exception");
}
