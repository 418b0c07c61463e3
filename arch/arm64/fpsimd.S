/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating point and vectors to memory and back. C code of EL2 uses none of these registers (-mgeneral-regs-only).
 * Layouts: struct world_fp, struct world_sve. Vector code is used only where the CPU has it and CPTR_EL2 lets it.
 */
#include "layout.h"

	.text
	.arch_extension fp
	.arch_extension simd
	.arch_extension sve

	.macro	each_pair op
	\op	q0, q1, [x0, #0]
	\op	q2, q3, [x0, #32]
	\op	q4, q5, [x0, #64]
	\op	q6, q7, [x0, #96]
	\op	q8, q9, [x0, #128]
	\op	q10, q11, [x0, #160]
	\op	q12, q13, [x0, #192]
	\op	q14, q15, [x0, #224]
	\op	q16, q17, [x0, #256]
	\op	q18, q19, [x0, #288]
	\op	q20, q21, [x0, #320]
	\op	q22, q23, [x0, #352]
	\op	q24, q25, [x0, #384]
	\op	q26, q27, [x0, #416]
	\op	q28, q29, [x0, #448]
	\op	q30, q31, [x0, #480]
	.endm

/* void fp_save(struct world_fp *) */
	.global	fp_save
fp_save:
	each_pair stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x0, x0, #FP_CONTROL
	stp	x1, x2, [x0]
	ret

/* void fp_load(const struct world_fp *) */
	.global	fp_load
fp_load:
	each_pair ldp
	add	x0, x0, #FP_CONTROL
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret

	.macro	each_vector op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op	z\n, [x0, #\n, mul vl]
	\op	p\n, [x1, #\n, mul vl]
	.endr
	.irp	n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	z\n, [x0, #\n, mul vl]
	.endr
	.endm

/* void sve_save(struct world_sve *) */
	.global	sve_save
sve_save:
	add	x1, x0, #SVE_P
	each_vector str
	rdffr	p0.b
	str	p0, [x1, #16, mul vl]
	ldr	p0, [x1, #0, mul vl]
	mrs	x2, fpcr
	mrs	x3, fpsr
	add	x1, x1, #SVE_P_BYTES
	stp	x2, x3, [x1]
	ret

/* void sve_load(const struct world_sve *) */
	.global	sve_load
sve_load:
	add	x1, x0, #SVE_P
	ldr	p0, [x1, #16, mul vl]
	wrffr	p0.b
	each_vector ldr
	add	x1, x1, #SVE_P_BYTES
	ldp	x2, x3, [x1]
	msr	fpcr, x2
	msr	fpsr, x3
	ret
