/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debug console: one-word commands on a UART that only the hypervisor has (machine.debug). It is
 * the only place where hardware streams are named. Where the machine has no such UART it is not there.
 *
 * Driven by the UART's interrupt alone. Each turn reads what came, produces a bounded piece of a
 * listing and hands on what the UART takes without waiting; the UART asks for the next turn.
 *
 * Locks: one of its own, before all others; a listing takes those of VMs for the length of a line.
 */
#ifndef DEBUG_CONSOLE_H
#define DEBUG_CONSOLE_H

#include "hyp/types.h"

/* Boot, when interrupts are set up: greets. */
void console_start(void);
/* The UART's interrupt came. */
void console_turn(void);

/* --- console_list.c: what the commands say */

#define CONSOLE_LINE 200u /* with its end and the terminating zero; longer ones are cut */

/* Where a listing is: what these mean is each command's own. All 0: at its beginning. */
struct console_cursor {
	u32 row, column;
	u64 count;
};

enum console_step {
	CONSOLE_LINE_MADE, /* one line; there may be more */
	CONSOLE_NO_LINE,   /* a bounded number of places had nothing to say: go on */
	CONSOLE_END,       /* no line, and no more */
};

/* The index of the command that a word is, or begins (the first such); CONSOLE_NO_COMMAND. */
#define CONSOLE_NO_COMMAND (~0u)
u32 console_command(const char *word);
/* One step of it: at most one line, without its end, zero terminated. */
enum console_step console_list(u32 command, struct console_cursor *at, char line[CONSOLE_LINE]);

#endif
