/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * u64 bench_event(u64 trigger): reads the register there, which lets a device write at once, with interrupts on and vectors
 * of its own: the ticks from before the read to the first instruction of the interrupt's vector. 0: none came. What interrupted is not
 * acknowledged.
 */
	.text
	.global	bench_event
bench_event:
	mrs	x9, vbar_el1
	mrs	x10, daif
	adr	x11, bench_event_vectors
	msr	vbar_el1, x11
	mov	x14, #0x1000000			/* turns without one */
	msr	daifclr, #2
	isb
	mrs	x12, cntvct_el0
	ldr	w11, [x0]
1:	subs	x14, x14, #1
	b.ne	1b
	mov	x13, x12
taken:
	msr	daif, x10
	msr	vbar_el1, x9
	isb
	sub	x0, x13, x12
	ret

/* Exceptions of EL1 itself: the interrupt, and others as they are otherwise. */
	.macro	elsewhere offset
	.balign	0x80
	add	x11, x9, #\offset
	br	x11
	.endm

	.balign	0x800
bench_event_vectors:
	.skip	0x200
	elsewhere 0x200
	.balign	0x80
	mrs	x13, cntvct_el0
	b	taken
	elsewhere 0x300
	elsewhere 0x380
