/* SPDX-License-Identifier: BSD-2-Clause */
/* What secondaries do while they are measured: position independent, no stack, MMU off, their argument in x0. */
	.section .rodata.bench_tiny, "a"

/* An access that the primary emulates, again and again: DOORBELL_EVENT, mail.h. */
	.balign	16
	.global	tiny_store, tiny_store_end
tiny_store:
	mov	x1, #0x0a000000
1:	str	w0, [x1, #8]
	b	1b
tiny_store_end:

	.balign	16
	.global	tiny_wait, tiny_wait_end
tiny_wait:
	wfi
	b	tiny_wait
tiny_wait_end:

/* Shares the page at x0 and takes it back. */
	.balign	16
	.global	tiny_share, tiny_share_end
tiny_share:
	mov	x19, x0
1:	mov	w0, #0x0003			/* MEM_SHARE */
	movk	w0, #0xc600, lsl #16
	mov	x1, x19
	mov	x2, #1
	mov	x3, #0
	hvc	#0
	mov	w0, #0x0004			/* MEM_UNSHARE */
	movk	w0, #0xc600, lsl #16
	mov	x1, x19
	mov	x2, #1
	mov	x3, #0
	hvc	#0
	b	1b
tiny_share_end:

/* Shares the page at x0, then makes the calls whose registers it finds there, for ever: x0 to x6, back x0 to x3. */
	.balign	16
	.global	tiny_call, tiny_call_end
tiny_call:
	mov	x19, x0
	mov	w0, #0x0003			/* MEM_SHARE */
	movk	w0, #0xc600, lsl #16
	mov	x1, x19
	mov	x2, #1
	mov	x3, #0
	hvc	#0
	mov	x20, #0x0a000000
1:	str	w0, [x20, #8]
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #16]
	ldp	x4, x5, [x19, #32]
	ldr	x6, [x19, #48]
	hvc	#0
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	b	1b
tiny_call_end:
