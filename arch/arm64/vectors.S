/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors of EL2, and the way into and out of a guest.
 *
 * While a guest runs, SP_EL2 points at its struct vcpu: an exit stores the general registers there and takes the
 * CPU's stack from beside them. HVC #0 goes straight to its C function; x20..x28 then stay in the CPU, since C code
 * keeps them. EL2 leaves floating point, pointer-authentication keys and EL1's registers alone, so nothing else is
 * saved. ELR_EL2 and SPSR_EL2 stay in the CPU: EL2 takes no exception while it serves one, but the fatal kind.
 *
 * A secondary has vectors of its own and runs inside world_run(), a C function to its caller: "its stack" is the point
 * of the primary's hypercall at which that was called.
 *
 * An exception of EL2's own is fatal. It may be an overflow of the stack, so the report has a stack of its own.
 */
#include "layout.h"

	.macro	save_volatile
	stp	x0, x1, [sp, #VCPU_X(0)]
	stp	x2, x3, [sp, #VCPU_X(2)]
	stp	x4, x5, [sp, #VCPU_X(4)]
	stp	x6, x7, [sp, #VCPU_X(6)]
	stp	x8, x9, [sp, #VCPU_X(8)]
	stp	x10, x11, [sp, #VCPU_X(10)]
	stp	x12, x13, [sp, #VCPU_X(12)]
	stp	x14, x15, [sp, #VCPU_X(14)]
	stp	x16, x17, [sp, #VCPU_X(16)]
	stp	x18, x19, [sp, #VCPU_X(18)]
	stp	x29, x30, [sp, #VCPU_X(29)]
	.endm

	.macro	save_others
	stp	x20, x21, [sp, #VCPU_X(20)]
	stp	x22, x23, [sp, #VCPU_X(22)]
	stp	x24, x25, [sp, #VCPU_X(24)]
	stp	x26, x27, [sp, #VCPU_X(26)]
	str	x28, [sp, #VCPU_X(28)]
	.endm

	/* The reverse: from the vCPU in x19; then what save_volatile keeps but x0 and x1, the vCPU being SP. */
	.macro	load_others
	ldp	x20, x21, [x19, #VCPU_X(20)]
	ldp	x22, x23, [x19, #VCPU_X(22)]
	ldp	x24, x25, [x19, #VCPU_X(24)]
	ldp	x26, x27, [x19, #VCPU_X(26)]
	ldr	x28, [x19, #VCPU_X(28)]
	.endm

	.macro	load_volatile
	ldp	x2, x3, [sp, #VCPU_X(2)]
	ldp	x4, x5, [sp, #VCPU_X(4)]
	ldp	x6, x7, [sp, #VCPU_X(6)]
	ldp	x8, x9, [sp, #VCPU_X(8)]
	ldp	x10, x11, [sp, #VCPU_X(10)]
	ldp	x12, x13, [sp, #VCPU_X(12)]
	ldp	x14, x15, [sp, #VCPU_X(14)]
	ldp	x16, x17, [sp, #VCPU_X(16)]
	ldp	x18, x19, [sp, #VCPU_X(18)]
	ldp	x29, x30, [sp, #VCPU_X(29)]
	.endm

	.macro	to_guest
	eret
	dsb	nsh			/* nothing behind it runs ahead */
	isb
	.endm

	/* To the CPU's stack; x0 and x19 are the vCPU. A backtrace ends at the zero frame. */
	.macro	take_stack
	ldr	x2, [sp, #VCPU_STACK_TOP]
	mov	x19, sp
	mov	x0, x19
	mov	sp, x2
	mov	x29, xzr
	.endm

	/*
	 * The guest may have been between its exclusive load and the WFE by which it waits for a lock to change: an exit
	 * clears the monitor, so nothing else would wake it. An exception return sets the event register (DDI 0487
	 * D1.6.1), but not QEMU 11.1's, which has no event stream either on a CPU without FEAT_WFxT. No need behind an
	 * HVC, which is not in that place.
	 */
	.macro	event
	sevl
	.endm

	/* SP_EL0 was a guest's; no guest runs again, and there is no other place for x0. */
	.macro	fatal kind
	.balign	128
	msr	sp_el0, x0
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #PERCPU_FATAL_TOP]
	sub	x0, x0, #FRAME_BYTES
	stp	x1, x2, [x0, #FRAME_X(1)]
	mov	x1, #\kind
	b	fatal_save
	.endm

	.text
	.balign	2048
	.global	vectors
vectors:
	/* EL2 with SP_EL0: never used. */
	fatal	0
	fatal	1
	fatal	2
	fatal	3
	/* EL2 itself. */
	fatal	4
	fatal	5
	fatal	6
	fatal	7

	/* A guest: synchronous. */
	.balign	128
guest_sync:
	save_volatile
	mrs	x1, esr_el2
	mov	w2, #ESR_HVC0
	cmp	x1, x2
	b.ne	guest_sync_other
	take_stack
	bl	trap_hvc
	b	guest_return

	/* IRQ: none is routed here while the primary runs. FIQ: our own interrupts. */
	.rept	2
	.balign	128
	save_volatile
	take_stack
	bl	trap_irq
	mov	x0, x19
	bl	hyp_exit_work
	event
	b	guest_return
	.endr

	/* SError goes to EL1. A guest's EL1 in AArch32 does not exist (HCR_EL2.RW). */
	fatal	11
	fatal	12
	fatal	13
	fatal	14
	fatal	15

	/* As above, counting: for the boot figure only, chosen by measure.c. */
	.balign	2048
	.global	vectors_measure
vectors_measure:
	.irp	kind, 0, 1, 2, 3, 4, 5, 6, 7
	fatal	\kind
	.endr
	.balign	128
	b	measure_sync
	.balign	128
	b	vectors + 9 * 128
	.balign	128
	b	vectors + 10 * 128
	.irp	kind, 11, 12, 13, 14, 15
	fatal	\kind
	.endr

	/* An exit of a secondary: it goes on when \function says true, else world_run returns. */
	.macro	guest_exit function, argument
	.balign	128
	save_volatile
	save_others
	.ifnb	\argument
	mrs	x1, \argument
	.endif
	take_stack
	mov	x29, sp
	bl	\function
	b	world_decide
	.endm

	/* While a secondary runs. All its exits are rare beside the primary's calls, and each saves everything. */
	.balign	2048
	.global	vectors_guest
vectors_guest:
	.irp	kind, 0, 1, 2, 3, 4, 5, 6
	fatal	\kind
	.endr
	/* SError of EL2: unmasked, and so taken, at one place only. */
	.balign	128
	mov	x0, #1
	eret
	dsb	nsh
	isb
	guest_exit world_sync, esr_el2
	guest_exit world_irq
	guest_exit world_fiq
	guest_exit world_serror
	/* EL0 in AArch32, where the CPU has it: general registers are where they were, in the lower halves. */
	guest_exit world_sync, esr_el2
	guest_exit world_irq
	guest_exit world_fiq
	guest_exit world_serror

/*
 * bool world_serror_take(void): with a secondary's vectors and routing (HCR_EL2.AMO). It comes at once: it is pending,
 * and the barrier is a context synchronisation event (DDI 0487 D1.3.6). ELR_EL2 and SPSR_EL2 are lost.
 */
	.global	world_serror_take
world_serror_take:
	mov	x0, #0
	msr	daifclr, #4
	isb
	msr	daifset, #4
	ret

world_decide:
	cbnz	w0, guest_return_all
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

/*
 * void world_run(struct vcpu *): the secondary's registers but these are loaded. The frame here is also the frame
 * record at which its exits go on, so that a backtrace leads to who ran it.
 */
	.global	world_run
world_run:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mov	x19, x0
	mov	x1, sp
	str	x1, [x19, #VCPU_STACK_TOP]
	b	guest_return_all

guest_sync_other:
	save_others
	take_stack
	bl	trap_sync
	mov	x0, x19
	bl	hyp_exit_work

	/* Back to the guest of x19, all registers from memory. */
guest_return_all:
	load_others
	event
guest_return:
	mov	sp, x19
	ldp	x0, x1, [sp, #VCPU_X(0)]
	load_volatile
	to_guest

/*
 * Synchronous exits while measuring. What measuring itself costs is known to the instruction and subtracted
 * (measure.c has the same numbers): 14 for an exit, 3 more for an HVC. An access to the cache type registers, which
 * trap only because measuring waits for one, stops the counter until just before it returns, here: the 13 around that are
 * counted, and depend on no other code.
 */
measure_sync:
	stp	x0, x1, [sp, #VCPU_X(0)]
	mrs	x0, esr_el2
	ldr	w1, =MEASURE_ISS_MASK
	and	w0, w0, w1
	ldr	w1, =MEASURE_ISS_CACHE
	cmp	w0, w1
	b.eq	2f
	mrs	x0, esr_el2
	mov	w1, #ESR_HVC0
	cmp	x0, x1
	b.ne	1f
	ldr	w0, [sp, #VCPU_HVC_COUNT]
	add	w0, w0, #1
	str	w0, [sp, #VCPU_HVC_COUNT]
1:	ldp	x0, x1, [sp, #VCPU_X(0)]
	b	guest_sync

2:	mov	x0, #MEASURE_COUNTER
	msr	pmcntenclr_el0, x0
	isb
	ldp	x0, x1, [sp, #VCPU_X(0)]
	save_volatile
	save_others
	take_stack
	bl	measure_cache_register
	cbz	w0, guest_return_all	/* measured enough */
	load_others
	event
	mov	sp, x19
	load_volatile
	mov	x0, #MEASURE_COUNTER
	msr	pmcntenset_el0, x0
	isb
	ldp	x0, x1, [sp, #VCPU_X(0)]
	to_guest

/* void guest_enter(struct vcpu *): for the first time. */
	.global	guest_enter
guest_enter:
	mov	x19, x0
	ldp	x1, x2, [x19, #VCPU_ELR]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	b	guest_return_all

/* x0 = frame, x1 = kind; the other registers as they were, x0 in SP_EL0. */
fatal_save:
	stp	x3, x4, [x0, #FRAME_X(3)]
	stp	x5, x6, [x0, #FRAME_X(5)]
	stp	x7, x8, [x0, #FRAME_X(7)]
	stp	x9, x10, [x0, #FRAME_X(9)]
	stp	x11, x12, [x0, #FRAME_X(11)]
	stp	x13, x14, [x0, #FRAME_X(13)]
	stp	x15, x16, [x0, #FRAME_X(15)]
	stp	x17, x18, [x0, #FRAME_X(17)]
	stp	x19, x20, [x0, #FRAME_X(19)]
	stp	x21, x22, [x0, #FRAME_X(21)]
	stp	x23, x24, [x0, #FRAME_X(23)]
	stp	x25, x26, [x0, #FRAME_X(25)]
	stp	x27, x28, [x0, #FRAME_X(27)]
	stp	x29, x30, [x0, #FRAME_X(29)]
	mrs	x2, sp_el0
	str	x2, [x0]
	mov	x2, sp
	stp	x2, x1, [x0, #FRAME_SP]
	mov	sp, x0
	mov	x29, xzr
	bl	fatal_exception
	b	park
