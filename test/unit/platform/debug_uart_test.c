/* SPDX-License-Identifier: BSD-2-Clause */
/* The debug console's PL011: how it is set up, and when it raises its interrupt. */
#define plat_debug_init  pl011_debug_init
#define plat_debug_begin pl011_debug_begin
#define plat_debug_end   pl011_debug_end
#define plat_debug_getc  pl011_debug_getc
#define plat_debug_putc  pl011_debug_putc
void pl011_debug_init(void);
void pl011_debug_begin(void);
void pl011_debug_end(_Bool input, _Bool output);
_Bool pl011_debug_getc(char *c);
_Bool pl011_debug_putc(char c);
#include "platform/qemu-virt/debug_pl011.c"

#include "suite.h"

#define BASE 0x09040000ul

static struct uart {
	u32 control, line, mask, flags, data;
	u32 sent, writes;
} uart;

static u64 uart_read(void *ctx, u64 offset, u32 width)
{
	struct uart *u = ctx;

	assert_int_equal(width, 4);
	if (offset == UARTFR)
		return u->flags;
	assert_int_equal(offset, UARTDR);
	assert_false(u->flags & FR_RXFE);
	return u->data;
}

static void uart_write(void *ctx, u64 offset, u32 width, u64 value)
{
	struct uart *u = ctx;

	assert_int_equal(width, 4);
	if (offset == UARTCR)
		u->control = (u32)value;
	else if (offset == UARTLCR_H)
		u->line = (u32)value;
	else if (offset == UARTIMSC)
		u->mask = (u32)value;
	else {
		assert_int_equal(offset, UARTDR);
		assert_false(u->flags & FR_TXFF);
		u->sent = (u32)value;
		u->writes++;
	}
}

static void make(void)
{
	static const struct fake_io_ops ops = { uart_read, uart_write };
	static struct machine m = { .debug = { .regs = { BASE, 0x1000 }, .irq = 40 } };

	machine = &m;
	fake_io_register(BASE, 0x1000, &ops, &uart);
}

static void starts_without_fifos_and_silent(void **state UNUSED)
{
	make();
	uart.mask = ~0u;
	uart.line = 0x10;
	pl011_debug_init();
	assert_int_equal(uart.line, 0x60);
	assert_int_equal(uart.control, 0x301);
	assert_int_equal(uart.mask, 0);
}

static void interrupts_are_what_was_asked_for(void **state UNUSED)
{
	make();
	pl011_debug_end(true, false);
	assert_int_equal(uart.mask, INT_RX);
	pl011_debug_begin();
	assert_int_equal(uart.mask, 0);
	pl011_debug_end(true, true);
	assert_int_equal(uart.mask, INT_RX | INT_TX);
	pl011_debug_end(false, false);
	assert_int_equal(uart.mask, 0);
}

static void never_waits_for_room(void **state UNUSED)
{
	make();
	assert_true(pl011_debug_putc('\xe9'));
	assert_int_equal(uart.sent, 0xe9);
	uart.flags = FR_TXFF;
	assert_false(pl011_debug_putc('x'));
	assert_int_equal(uart.writes, 1);
}

/* What arrived broken is no character. */
static void reads_what_came(void **state UNUSED)
{
	char c = 'x';

	make();
	uart.flags = FR_RXFE;
	assert_false(pl011_debug_getc(&c));
	assert_int_equal(c, 'x');
	uart.flags = 0;
	uart.data = 'q';
	assert_true(pl011_debug_getc(&c));
	assert_int_equal(c, 'q');
	uart.data = 0x400 | 'q';
	assert_true(pl011_debug_getc(&c));
	assert_int_equal(c, 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(starts_without_fifos_and_silent),
		cmocka_unit_test(interrupts_are_what_was_asked_for),
		cmocka_unit_test(never_waits_for_room),
		cmocka_unit_test(reads_what_came),
	};

	return SUITE("debug_uart", cases);
}
