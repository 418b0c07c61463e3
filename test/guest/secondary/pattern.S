/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.h: x 0, sp 248, nzcv 256, fpcr 264, fpsr 272, own_sp 280, v 288. */
	.macro	vectors op, base
	\op	q0, q1, [\base]
	\op	q2, q3, [\base, #32]
	\op	q4, q5, [\base, #64]
	\op	q6, q7, [\base, #96]
	\op	q8, q9, [\base, #128]
	\op	q10, q11, [\base, #160]
	\op	q12, q13, [\base, #192]
	\op	q14, q15, [\base, #224]
	\op	q16, q17, [\base, #256]
	\op	q18, q19, [\base, #288]
	\op	q20, q21, [\base, #320]
	\op	q22, q23, [\base, #352]
	\op	q24, q25, [\base, #384]
	\op	q26, q27, [\base, #416]
	\op	q28, q29, [\base, #448]
	\op	q30, q31, [\base, #480]
	.endm

	.macro	generals op, base
	\op	x2, x3, [\base, #16]
	\op	x4, x5, [\base, #32]
	\op	x6, x7, [\base, #48]
	\op	x8, x9, [\base, #64]
	\op	x10, x11, [\base, #80]
	\op	x12, x13, [\base, #96]
	\op	x14, x15, [\base, #112]
	\op	x16, x17, [\base, #128]
	\op	x18, x19, [\base, #144]
	\op	x20, x21, [\base, #160]
	\op	x22, x23, [\base, #176]
	\op	x24, x25, [\base, #192]
	\op	x26, x27, [\base, #208]
	\op	x28, x29, [\base, #224]
	.endm

	.text
	.global	pattern_exit
pattern_exit:
	sub	sp, sp, #176
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [sp, #160]
	mov	x2, sp
	str	x2, [x1, #280]
	mov	sp, x1

	add	x2, x0, #288
	vectors	ldp, x2
	ldr	x2, [x0, #256]
	msr	nzcv, x2
	ldp	x2, x3, [x0, #264]
	msr	fpcr, x2
	msr	fpsr, x3
	generals ldp, x0
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]

	str	wzr, [x30]

	stp	x0, x1, [sp]
	generals stp, sp
	mov	x0, sp
	stp	x30, x0, [sp, #240]
	mrs	x1, nzcv
	mrs	x2, fpcr
	stp	x1, x2, [sp, #256]
	mrs	x1, fpsr
	str	x1, [sp, #272]
	add	x1, sp, #288
	vectors	stp, x1

	ldr	x1, [sp, #280]
	mov	sp, x1
	ldp	x2, x3, [sp, #160]
	msr	fpcr, x2
	msr	fpsr, x3
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #176
	ret
