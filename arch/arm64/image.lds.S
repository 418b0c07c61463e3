/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layout of the image. Sections with different access start on pages of their own (mm.c maps them so). The symbol
 * table lies behind the code, so that the second link, which fills it, moves no instruction.
 */
#include "layout.h"

ENTRY(image_start)

SECTIONS
{
	. = image_link_base;
	.text : {
		text_start = .;
		KEEP(*(.head))
		*(.text .text.*)
		. = ALIGN(4096);
		text_end = .;
	}
	.rodata : {
		rodata_start = .;
		*(.rodata .rodata.* .eh_frame)
	}
	.data.rel.ro : { *(.data.rel.ro .data.rel.ro.*) }
	.got : { *(.got .got.plt) }
	.rela.dyn : ALIGN(8) { rela_start = .; *(.rela .rela.*) rela_end = .; }
	/* lld wants these in a PIE; nothing reads them at run time. */
	.dynamic : { *(.dynamic) }
	.dynsym : { *(.dynsym) }
	.gnu.hash : { *(.gnu.hash) }
	.hash : { *(.hash) }
	.dynstr : { *(.dynstr) }
	.symbols : ALIGN(8) {
		symbols_start = .;
		KEEP(*(.symbols))
		symbols_end = .;
		. = ALIGN(4096);
		rodata_end = .;
	}
	.data : {
		data_start = .;
		*(.data .data.*)
		. = ALIGN(4096);
	}
	.bss (NOLOAD) : {
		bss_start = .;
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
		bss_end = .;
	}
	/* Not zeroed: table pages, which are when they are taken, and stacks. */
	.noinit (NOLOAD) : {
		*(.noinit)
		. = ALIGN(4096);
		stacks_start = .;
		. += STACK_GUARD + STACK_SIZE;
		boot_stack_top = .;
		. += STACK_GUARD + FATAL_STACK_SIZE;
		. += (CPUS_MAX - 1) * (2 * STACK_GUARD + STACK_SIZE + FATAL_STACK_SIZE);
		stacks_end = .;
	}
	image_end = .;
	image_bytes = ABSOLUTE(image_end - image_start);
	.comment 0 : { *(.comment) }
	.symtab 0 : { *(.symtab) }
	.shstrtab 0 : { *(.shstrtab) }
	.strtab 0 : { *(.strtab) }
	/DISCARD/ : { *(.interp .note.* .ARM.attributes) }
}
