/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EL2 of the floor. start.S calls el2_boot when it finds itself at EL2: it leaves vectors and a stack there and goes on
 * at EL1. Of a call it keeps what the C function may change and the caller must find again: x4 to x18 and x30.
 */
#define HCR_RW		(1 << 31)
#define CPTR_NO_TRAPS	0x33ff
#define SCTLR_EL1_OFF	0x30d00800	/* RES1, MMU and caches off */
#define SPSR_EL1H	0x3c5		/* D, A, I, F masked */
#define STACK_SIZE	0x4000
#define EC_HVC64	0x16

	.text
	.global	el2_boot
el2_boot:
	ldr	x0, =HCR_RW
	msr	hcr_el2, x0
	mov	x0, #CPTR_NO_TRAPS
	msr	cptr_el2, x0
	ldr	x0, =SCTLR_EL1_OFF
	msr	sctlr_el1, x0
	mov	x0, #3				/* counter and timer are EL1's */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	msr	vttbr_el2, xzr
	msr	hstr_el2, xzr
	mov	x0, #0xf			/* the GIC's registers too */
	msr	icc_sre_el2, x0
	isb
	adrp	x0, floor_vectors
	add	x0, x0, :lo12:floor_vectors
	msr	vbar_el2, x0
	adrp	x0, floor_stack + STACK_SIZE
	mov	sp, x0
	mov	x0, #SPSR_EL1H
	msr	spsr_el2, x0
	msr	elr_el2, x30
	isb
	eret

	.balign	2048
floor_vectors:
	.rept	8
	.balign	128
	b	.
	.endr
	.balign	128
	stp	x4, x5, [sp, #-128]!
	stp	x6, x7, [sp, #16]
	stp	x8, x9, [sp, #32]
	stp	x10, x11, [sp, #48]
	stp	x12, x13, [sp, #64]
	stp	x14, x15, [sp, #80]
	stp	x16, x17, [sp, #96]
	stp	x18, x30, [sp, #112]
	mrs	x6, esr_el2
	lsr	x6, x6, #26
	cmp	x6, #EC_HVC64
	b.ne	.
	bl	floor_call
	ldp	x18, x30, [sp, #112]
	ldp	x16, x17, [sp, #96]
	ldp	x14, x15, [sp, #80]
	ldp	x12, x13, [sp, #64]
	ldp	x10, x11, [sp, #48]
	ldp	x8, x9, [sp, #32]
	ldp	x6, x7, [sp, #16]
	mov	x2, xzr				/* nothing of EL2's in them */
	mov	x3, xzr
	ldp	x4, x5, [sp], #128
	eret
	.rept	7
	.balign	128
	b	.
	.endr

	.section .bss.floor_stack, "aw", %nobits
	.balign	4096
floor_stack:
	.space	STACK_SIZE
