/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * void sve_around_run(u64 vm, u64 exit_ipa, u64 pattern, void *z, void *p, u64 result[2])
 *
 * Fills z0..z31 with `pattern` + n in every doubleword and p0..p15 with all true (even) or false (odd), runs vCPU 0
 * of the VM once, and stores all of them. result: R0 and R1 of VCPU_RUN.
 */
	.arch_extension sve
	.text
	.global	sve_around_run, sve_bytes
sve_around_run:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	d8, d9, [sp, #48]
	stp	d10, d11, [sp, #64]
	stp	d12, d13, [sp, #80]
	stp	d14, d15, [sp, #96]
	mov	x19, x3
	mov	x20, x4
	mov	x21, x5
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	add	x9, x2, #\n
	dup	z\n\().d, x9
	.endr
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14
	ptrue	p\n\().b
	.endr
	.irp	n, 1, 3, 5, 7, 9, 11, 13, 15
	pfalse	p\n\().b
	.endr
	mov	x3, x1
	mov	x1, x0
	mov	x2, #0
	mov	w0, #0x0106			/* VCPU_RUN */
	movk	w0, #0xc600, lsl #16
	hvc	#0
	stp	x0, x1, [x21]
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	str	z\n, [x19, #\n, mul vl]
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str	p\n, [x20, #\n, mul vl]
	.endr
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	d8, d9, [sp, #48]
	ldp	d10, d11, [sp, #64]
	ldp	d12, d13, [sp, #80]
	ldp	d14, d15, [sp, #96]
	ldp	x29, x30, [sp], #112
	ret

sve_bytes:
	rdvl	x0, #1
	ret
