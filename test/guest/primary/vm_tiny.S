/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs of one page for VMs that are made in numbers: position independent, no stack, MMU off. Their argument is
 * in x0.
 */
	.section .rodata.tiny, "a"

/* Counts from its argument on, each number an event to the primary: DOORBELL_EVENT, mail.h. */
	.balign	16
	.global	tiny_counter, tiny_counter_end
tiny_counter:
	mov	x1, #0x0a000000
	add	w0, w0, #1
	str	w0, [x1, #8]
	b	tiny_counter
tiny_counter_end:

/* Writes the page at x0, all of it, again and again, and asks for a share and unshare of it each time. */
	.balign	16
	.global	tiny_busy, tiny_busy_end
tiny_busy:
	mov	x19, x0
	mov	x20, #0
1:	mov	x1, #0
2:	str	x20, [x19, x1]
	add	x1, x1, #8
	cmp	x1, #4096
	b.ne	2b
	add	x20, x20, #1
	mov	w0, #0x0003			/* MEM_SHARE */
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
tiny_busy_end:

/* Never exits by itself. */
	.balign	16
	.global	tiny_spin, tiny_spin_end
tiny_spin:
	b	tiny_spin
tiny_spin_end:
