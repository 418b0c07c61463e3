/* SPDX-License-Identifier: BSD-2-Clause */
/* Input, output and turns of the debug console; what it says is console_list.c. */
#include "console.h"

#include <stdio.h>
#include <string.h>

#include "hyp/lock.h"
#include "hyp/platform.h"

#define WORD_MAX        15u
#define OUT_MAX         (CONSOLE_LINE + 64u)
#define INPUT_PER_TURN  32u
#define STEPS_PER_TURN  4u
#define OUTPUT_PER_TURN (2u * OUT_MAX)

#define CTRL_C    3
#define BACKSPACE 8
#define DELETE    127

#define PROMPT "> "

static struct spinlock console_lock = SPINLOCK_INIT;

/* All of it: console_lock. */
static struct {
	char word[WORD_MAX + 1]; /* typed so far */
	u32 length;
	bool too_long;  /* more was typed than fits */
	bool entered;   /* it is complete; nothing is read until it was taken */
	u32 command;    /* that is being listed; CONSOLE_NO_COMMAND: none */
	struct console_cursor at;
	char out[OUT_MAX];
	u32 out_count, out_sent;
} console;

static void put(const char *text)
{
	while (*text != 0 && console.out_count < OUT_MAX)
		console.out[console.out_count++] = *text++;
}

static void put_char(char c)
{
	put((const char[]){ c, 0 });
}

/* --- input */

static void word_clear(void)
{
	memset(console.word, 0, sizeof(console.word));
	console.length = 0;
	console.too_long = false;
	console.entered = false;
}

static void interrupt(void)
{
	word_clear();
	console.command = CONSOLE_NO_COMMAND;
	put("^C\r\n" PROMPT);
}

static void erase(void)
{
	if (console.length == 0)
		return;
	console.word[--console.length] = 0;
	console.too_long = false;
	put("\b \b");
}

static void take(char c)
{
	if (c == CTRL_C)
		return interrupt();
	if (c == BACKSPACE || c == DELETE)
		return erase();
	if (c == '\r' || c == '\n') {
		put("\r\n");
		console.entered = true;
		return;
	}
	if (c <= ' ' || c > '~')
		return; /* no command has it, and a terminal might do something */
	if (console.length == WORD_MAX) {
		console.too_long = true;
		return;
	}
	console.word[console.length++] = c;
	put_char(c);
}

/* The longest echo is that of CTRL_C. */
static bool has_room(void)
{
	return OUT_MAX - console.out_count > sizeof("^C\r\n" PROMPT);
}

static void input(void)
{
	char c;

	for (u32 i = 0; i < INPUT_PER_TURN && !console.entered && has_room() && plat_debug_getc(&c); i++)
		take(c);
}

/* --- output */

/* True: all is out. */
static bool flush(u32 *budget)
{
	while (console.out_sent < console.out_count && *budget > 0 && plat_debug_putc(console.out[console.out_sent])) {
		console.out_sent++;
		(*budget)--;
	}
	if (console.out_sent < console.out_count)
		return false;
	console.out_count = 0;
	console.out_sent = 0;
	return true;
}

/* --- commands */

static void begin(void)
{
	u32 command = console.too_long ? CONSOLE_NO_COMMAND : console_command(console.word);

	if (console.length > 0 && command == CONSOLE_NO_COMMAND)
		put("no such command; help lists them\r\n");
	if (console.length == 0 || command == CONSOLE_NO_COMMAND)
		put(PROMPT);
	else
		console.command = command;
	console.at = (struct console_cursor){ 0 };
	word_clear();
}

static void list(void)
{
	char line[CONSOLE_LINE];

	switch (console_list(console.command, &console.at, line)) {
	case CONSOLE_LINE_MADE:
		put(line);
		put("\r\n");
		break;
	case CONSOLE_NO_LINE:
		break;
	case CONSOLE_END:
		console.command = CONSOLE_NO_COMMAND;
		put(PROMPT);
		break;
	}
}

/* A piece of what there is to say; true: there is more. Nothing is made before the last is out. */
static bool output(void)
{
	u32 budget = OUTPUT_PER_TURN;

	for (u32 i = 0; i < STEPS_PER_TURN && flush(&budget); i++) {
		if (console.command != CONSOLE_NO_COMMAND)
			list();
		else if (console.entered)
			begin();
		else
			return false;
	}
	return !flush(&budget) || console.command != CONSOLE_NO_COMMAND || console.entered;
}

static void turn(void)
{
	bool more;

	plat_debug_begin();
	input();
	more = output();
	plat_debug_end(!console.entered, more);
}

void console_turn(void)
{
	arch_spin_lock(&console_lock);
	turn();
	arch_spin_unlock(&console_lock);
}

void console_start(void)
{
	if (machine->debug.irq == 0)
		return;
	arch_spin_lock(&console_lock);
	plat_debug_init();
	word_clear();
	console.command = CONSOLE_NO_COMMAND;
	console.out_count = 0;
	console.out_sent = 0;
	put("Portcullis debug console; help lists the commands\r\n" PROMPT);
	turn();
	arch_spin_unlock(&console_lock);
}
