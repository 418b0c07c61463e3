// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What a vCPU runs, its MMU off: x0 is the address of a page that begins with
 * a number and that number inverted. Fills the page and ends the VM by
 * SYSTEM_OFF; by SYSTEM_RESET if it found anything else there.
 */
#include "donate.h"

asm("	.pushsection .rodata, \"a\"\n"
    "	.balign	8\n"
    "	.global	donate_guest, donate_guest_end\n"
    "donate_guest:\n"
    "	ldp	x1, x2, [x0]\n"
    "	mvn	x2, x2\n"
    "	cmp	x1, x2\n"
    "	mov	w3, #0x0008\n"
    "	movk	w3, #0x8400, lsl #16\n"
    "	cinc	w3, w3, ne\n"
    "	mov	x4, #0\n"
    "1:	str	x1, [x0, x4]\n"
    "	add	x4, x4, #8\n"
    "	cmp	x4, #4096\n"
    "	b.ne	1b\n"
    "	mov	w0, w3\n"
    "	hvc	#0\n"
    "2:	b	2b\n"
    "donate_guest_end:\n"
    "	.popsection\n");
