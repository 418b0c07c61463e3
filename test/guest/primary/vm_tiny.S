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

/*
 * Stores what its registers hold at the entry in the page at x0 (x0..x30, then v0..v31) and shares that page.
 * Nothing is changed before it is stored but x0 itself.
 */
	.balign	16
	.global	tiny_dump, tiny_dump_end
tiny_dump:
	str	x1, [x0, #8]
	str	x2, [x0, #16]
	mov	x1, #(3 << 20)			/* the only way to v0..v31: nothing of them changes */
	mrs	x2, cpacr_el1
	orr	x1, x1, x2
	msr	cpacr_el1, x1
	isb
	str	x0, [x0]
	stp	x3, x4, [x0, #24]
	stp	x5, x6, [x0, #40]
	stp	x7, x8, [x0, #56]
	stp	x9, x10, [x0, #72]
	stp	x11, x12, [x0, #88]
	stp	x13, x14, [x0, #104]
	stp	x15, x16, [x0, #120]
	stp	x17, x18, [x0, #136]
	stp	x19, x20, [x0, #152]
	stp	x21, x22, [x0, #168]
	stp	x23, x24, [x0, #184]
	stp	x25, x26, [x0, #200]
	stp	x27, x28, [x0, #216]
	stp	x29, x30, [x0, #232]
	add	x1, x0, #248
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	str	d\n, [x1], #8
	mov	x2, v\n\().d[1]
	str	x2, [x1], #8
	.endr
	mov	x1, x0
	mov	w0, #0x0003			/* MEM_SHARE */
	movk	w0, #0xc600, lsl #16
	mov	x2, #1
	mov	x3, #0
	hvc	#0
1:	wfi
	b	1b
tiny_dump_end:
