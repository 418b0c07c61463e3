/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry of a guest image: Linux arm64 boot protocol, entered at offset 0 at EL1 with the MMU off, x0 = device tree. An
 * image that is started at EL2 brings el2_boot, which returns at EL1.
 * Owns the boot path of every CPU up to its first C function, and the exception vectors.
 *
 * The image is linked at 0 as a static PIE and relocates itself, so it runs wherever it is loaded (4 KiB aligned).
 * Translation: 40 bits, identity, 1 GiB blocks. Only the gigabytes of the image and of the device tree are memory
 * at first; mmu.c turns the other memory that the tree names from device to normal. Follows DDI 0487 D8.
 */

#define STACK_SIZE	0x10000
#define BLOCK_NORMAL	0x0040000000000701	/* UXN, AF, inner shareable, MAIR index 0, block */
#define BLOCK_DEVICE	0x0060000000000405	/* UXN, PXN, AF, MAIR index 1, block */
#define TABLE		3
#define MAIR_VALUE	0x00ff			/* 0: write-back normal, 1: device nGnRnE */
#define TCR_VALUE	0x803518		/* T0SZ 24, write-back inner shareable walks, 4 KiB, no TTBR1 walks */
#define SCTLR_VALUE	0x30d0180d		/* RES1, I, SA, C, M */
#define FRAME_SIZE	816			/* struct trap_frame, trap.h */

	.section .head, "ax"
	.global	image_start
image_start:
	b	boot
	.long	0
	.quad	0				/* text offset: anywhere */
	.quad	image_bytes			/* up to the end of bss */
	.quad	0xa				/* little endian, 4 KiB pages, no constraint on the place */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.weak	el2_boot
	.text
boot:
	msr	daifset, #0xf
	mov	x20, x0
	adr	x19, image_start
	mrs	x1, currentel
	tbz	x1, #3, 0f
	bl	el2_boot
0:
	/* R_AARCH64_RELATIVE is the only kind a static PIE of ours has. */
	adrp	x1, rela_start
	add	x1, x1, :lo12:rela_start
	adrp	x2, rela_end
	add	x2, x2, :lo12:rela_end
1:	cmp	x1, x2
	b.hs	2f
	ldp	x3, x4, [x1], #16
	ldr	x5, [x1], #8
	cmp	w4, #1027
	b.ne	dead
	add	x5, x5, x19
	str	x5, [x3, x19]
	b	1b

2:	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
3:	cmp	x1, x2
	b.hs	4f
	stp	xzr, xzr, [x1], #16
	b	3b

	/* The level 1 tables: 1024 blocks of 1 GiB. */
4:	adrp	x1, level1
	lsr	x2, x19, #30
	lsr	x3, x20, #30
	mov	x4, #0
	ldr	x5, =BLOCK_NORMAL
	ldr	x6, =BLOCK_DEVICE
5:	cmp	x4, x2
	ccmp	x4, x3, #4, ne
	csel	x7, x5, x6, eq
	add	x7, x7, x4, lsl #30
	str	x7, [x1, x4, lsl #3]
	add	x4, x4, #1
	cmp	x4, #1024
	b.ne	5b
	adrp	x2, level0
	add	x3, x1, #TABLE
	str	x3, [x2]
	add	x3, x3, #0x1000
	str	x3, [x2, #8]

	/* What was written with the MMU off must not be hidden by lines that were in the cache before. */
	dmb	sy
	adrp	x1, image_end
	mov	x2, x19
6:	dc	ivac, x2
	add	x2, x2, #16
	cmp	x2, x1
	b.lo	6b
	dsb	sy

	bl	mmu_on
	adrp	x1, stack0 + STACK_SIZE
	mov	sp, x1
	adrp	x0, cpu0
	add	x0, x0, :lo12:cpu0
	msr	tpidr_el1, x0
	mov	x0, x20
	mov	x29, xzr
	mov	x30, xzr
	bl	guest_start
dead:
	wfi
	b	dead

/* PSCI CPU_ON enters here: x0 = struct smp_boot {stack top, struct cpu *}, written to memory with caches on. */
	.global	secondary_boot
secondary_boot:
	msr	daifset, #0xf
	mov	x20, x0
	bl	mmu_on
	ldp	x1, x2, [x20]
	mov	sp, x1
	msr	tpidr_el1, x2
	mov	x0, x2
	mov	x29, xzr
	mov	x30, xzr
	bl	smp_secondary
	b	dead

/* Translation, vectors and floating point of one CPU. Changes x0..x3 only. */
mmu_on:
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	mov	x0, #(3 << 20)
	msr	cpacr_el1, x0
	mov	x0, #MAIR_VALUE
	msr	mair_el1, x0
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf
	mov	x2, #5				/* 48 bits: larger sizes need LPA */
	cmp	x1, x2
	csel	x1, x1, x2, lo
	ldr	x0, =TCR_VALUE
	orr	x0, x0, x1, lsl #32
	msr	tcr_el1, x0
	adrp	x0, level0
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ldr	x0, =SCTLR_VALUE
	msr	sctlr_el1, x0
	isb
	ic	iallu
	dsb	nsh
	isb
	ret

	/* All 32 FP registers at x2. */
	.macro	each_vector_pair op
	\op	q0, q1, [x2]
	\op	q2, q3, [x2, #32]
	\op	q4, q5, [x2, #64]
	\op	q6, q7, [x2, #96]
	\op	q8, q9, [x2, #128]
	\op	q10, q11, [x2, #160]
	\op	q12, q13, [x2, #192]
	\op	q14, q15, [x2, #224]
	\op	q16, q17, [x2, #256]
	\op	q18, q19, [x2, #288]
	\op	q20, q21, [x2, #320]
	\op	q22, q23, [x2, #352]
	\op	q24, q25, [x2, #384]
	\op	q26, q27, [x2, #416]
	\op	q28, q29, [x2, #448]
	\op	q30, q31, [x2, #480]
	.endm

	.macro	vector index
	.balign	128
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x1, #\index
	b	trap_entry
	.endm

	.balign	2048
vectors:
	.irp	index, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\index
	.endr

trap_entry:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	add	x2, sp, #FRAME_SIZE
	stp	x30, x2, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #256]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [sp, #272]
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [sp, #288]
	add	x2, sp, #304
	each_vector_pair stp
	mov	x0, sp
	bl	trap_handle
	ldp	x2, x3, [sp, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x2, x3, [sp, #288]
	msr	fpcr, x2
	msr	fpsr, x3
	add	x2, sp, #304
	each_vector_pair ldp
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldr	x30, [sp, #240]
	add	sp, sp, #FRAME_SIZE
	eret

	.section .bss.tables, "aw", %nobits
	.balign	4096
level1:	.space	0x2000
level0:	.space	0x1000
	.global	level1
	.balign	16
stack0:	.space	STACK_SIZE
