/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of every CPU: the Linux arm64 boot protocol (Documentation/arch/arm64/booting.rst) on the first, PSCI CPU_ON
 * on the others, up to the first C function. Owns the order in which the MMU of EL2 goes on.
 *
 * The image is a static PIE: loaded where it was linked it runs as it is, elsewhere it relocates itself.
 */
#include "layout.h"

#define SCTLR_MMU_OFF	0x30c50838	/* RES1, EIS, EOS, SA: D24.2.175 */
#define SCTLR_MMU_ON	0x30cd183d	/* and I, C, M, WXN */
#define HCR_BOOT	0x80000000	/* RW; no E2H, no TGE */
#define HCR_E2H_BIT	34
#define MAIR_VALUE	0x04ff		/* 0: write-back normal memory, 1: device nGnRE */
#define TCR_VALUE	0x80803510	/* RES1, 48 bits, 4 KiB, write-back inner shareable walks: D24.2.194 */
#define R_RELATIVE	1027
#define PMU_COUNT_EL2	0xc8000008	/* PMEVTYPER: instructions retired, not EL1, not EL0, EL2: D24.5.14 */

	.section .head, "ax"
	.global	image_start
image_start:
	b	boot
	.long	0
	.quad	0			/* text offset */
	.quad	image_bytes		/* to the end of bss and stacks */
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
boot:
	msr	daifset, #0xf
	mov	x20, x0
	adr	x19, image_start
	tst	x19, #0xfff
	b.ne	park			/* not even a message can be found */
	adrp	x21, why_not_el2
	add	x21, x21, :lo12:why_not_el2
	mrs	x0, currentel
	cmp	x0, #(2 << 2)
	b.ne	refuse
	adrp	x21, why_place
	add	x21, x21, :lo12:why_place
	tst	x19, #0x1fffff
	b.ne	refuse
	bl	el2_reset
	adrp	x21, why_e2h
	add	x21, x21, :lo12:why_e2h
	cbnz	x0, refuse
	bl	count_instructions

	/* Relocation: only when loaded elsewhere than linked. */
	ldr	x0, link_base
	subs	x5, x19, x0
	b.eq	2f
	adrp	x1, rela_start
	add	x1, x1, :lo12:rela_start
	adrp	x2, rela_end
	add	x2, x2, :lo12:rela_end
1:	cmp	x1, x2
	b.hs	2f
	ldp	x3, x4, [x1], #16
	ldr	x6, [x1], #8
	cmp	w4, #R_RELATIVE
	b.ne	park
	add	x6, x6, x5
	str	x6, [x3, x5]
	b	1b

2:	bl	clear_bss

	/* The stack protector's guard: not constant, not secret from who measures time; a NUL byte ends strings. */
	mrs	x1, cntpct_el0
	mrs	x2, id_aa64isar0_el1
	ubfx	x2, x2, #60, #4		/* RNDR */
	cbz	x2, 4f
	mrs	x2, s3_3_c2_c4_0
4:	eor	x1, x1, x2, ror #32
	ldr	x2, =0x9e3779b97f4a7c15
	mul	x1, x1, x2
	eor	x1, x1, x1, lsr #29
	mul	x1, x1, x2
	and	x1, x1, #~0xff
	adrp	x2, __stack_chk_guard
	str	x1, [x2, :lo12:__stack_chk_guard]

	adrp	x0, percpu
	add	x0, x0, :lo12:percpu
	msr	tpidr_el2, x0
	adrp	x1, boot_stack_top
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x19
	mov	x1, x20
	bl	map_boot
	mov	x22, x0			/* bytes of the device tree that are mapped, 0: refused */

	/* Written with the MMU off; what the cache held of it before must not cover it. */
	dmb	sy
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4
	mov	x4, #4
	lsl	x3, x4, x3
	mov	x1, x19
	adrp	x2, image_end
5:	dc	ivac, x1
	add	x1, x1, x3
	cmp	x1, x2
	b.lo	5b
	dsb	sy

	adrp	x21, why_tree
	add	x21, x21, :lo12:why_tree
	cbz	x22, refuse
	adrp	x0, boot_root
	bl	mmu_on
	mov	x0, x20
	mov	x1, x22
	bl	boot_main

/* A CPU that PSCI CPU_ON started for us: x0 = its struct percpu. */
	.global	secondary_boot
secondary_boot:
	msr	daifset, #0xf
	mov	x20, x0
	mrs	x0, currentel
	cmp	x0, #(2 << 2)
	b.ne	park
	bl	el2_reset
	cbnz	x0, park
	msr	tpidr_el2, x20
	adrp	x0, final_root
	bl	mmu_on
	ldr	x1, [x20, #PERCPU_STACK_TOP]
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x20
	bl	smp_main

	.global	park
park:
	msr	daifset, #0xf
1:	wfi
	b	1b

/* Print the string at x21 and stop. Runs at any exception level, with the MMU off. */
refuse:
	bl	clear_bss
	adrp	x0, boot_stack_top
	mov	sp, x0
1:	ldrb	w0, [x21], #1
	cbz	w0, park
	bl	plat_console_putc
	b	1b

clear_bss:
	adrp	x0, bss_start
	adrp	x1, bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret

/* MMU off, E2H off; x0 = 0 when E2H could be cleared. Changes x0, x1. */
el2_reset:
	ldr	x0, =SCTLR_MMU_OFF
	msr	sctlr_el2, x0
	isb
	ldr	x0, =HCR_BOOT
	msr	hcr_el2, x0
	isb
	mrs	x0, hcr_el2
	ubfx	x0, x0, #HCR_E2H_BIT, #1
	ret

/*
 * Let PMU counter 1 count the instructions of EL2, for measure.c; entry code decides later whether anyone asks.
 * Without a PMU (ID_AA64DFR0_EL1.PMUVer 0 or 0xf) nothing. Changes x0, x1.
 */
count_instructions:
	mrs	x0, id_aa64dfr0_el1
	ubfx	x0, x0, #8, #4
	sub	x0, x0, #1
	cmp	x0, #0xe
	b.hs	1f
	mrs	x0, pmcr_el0
	ubfx	x0, x0, #11, #5		/* N: all counters are EL1's to program */
	cmp	x0, #2
	b.lo	1f
	msr	mdcr_el2, x0		/* HPMN */
	ldr	x0, =PMU_COUNT_EL2
	msr	pmevtyper1_el0, x0
	msr	pmevcntr1_el0, xzr
	mov	x0, #MEASURE_COUNTER
	msr	pmcntenset_el0, x0
	mov	x0, #1			/* E */
	msr	pmcr_el0, x0
	isb
1:	ret

/*
 * Translation by the table at x0, and the vectors. VA = PA, so it may also be called with the MMU on, to change
 * tables: nothing but instructions is fetched in between. Changes x0..x3.
 */
	.global	mmu_on
mmu_on:
	ldr	x1, =SCTLR_MMU_OFF
	ldr	x2, =SCTLR_MMU_ON
	ldr	x3, =TCR_VALUE
	dsb	sy
	msr	sctlr_el2, x1
	isb
	msr	ttbr0_el2, x0
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf
	mov	x0, #5			/* 48 bits: larger sizes need another descriptor */
	cmp	x1, x0
	csel	x1, x1, x0, lo
	orr	x3, x3, x1, lsl #16
	msr	tcr_el2, x3
	mov	x1, #MAIR_VALUE
	msr	mair_el2, x1
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el2, x1
	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x2
	isb
	ret

	.balign	8
link_base:
	.quad	image_link_base

	.section .rodata.boot, "a"
why_not_el2:
	.asciz	"portcullis: refused: not entered at EL2 (on QEMU: -M virt,virtualization=on)\n"
why_place:
	.asciz	"portcullis: refused: not loaded at a multiple of 2 MiB\n"
why_e2h:
	.asciz	"portcullis: refused: this CPU has no EL2 without E2H\n"
why_tree:
	.asciz	"portcullis: refused: x0 does not point to a device tree in memory beside the image\n"
