/* SPDX-License-Identifier: BSD-2-Clause */
/* The PL011: where it is before and after discovery, waiting for room, a UART that is off or stuck. */
#define plat_console_putc pl011_putc
#include "platform/qemu-virt/console_pl011.c"
#undef plat_console_putc

#include "suite.h"
#include "tree.h"

static struct uart {
	u64 base;
	u32 control;
	u32 full; /* reads of the flags until there is room; ~0: never */
	u32 reads, writes;
	char text[16];
	u32 count;
} uart;

static u64 uart_read(void *ctx, u64 offset, u32 width)
{
	struct uart *u = ctx;

	assert_int_equal(width, 4);
	if (offset == UARTCR)
		return u->control;
	assert_int_equal(offset, UARTFR);
	u->reads++;
	if (u->full && u->full != ~0u)
		u->full--;
	return u->full ? FR_TXFF : 0;
}

static void uart_write(void *ctx, u64 offset, u32 width, u64 value)
{
	struct uart *u = ctx;

	assert_int_equal(width, 4);
	if (offset == UARTCR) {
		u->control = (u32)value;
		u->writes++;
		return;
	}
	assert_int_equal(offset, UARTDR);
	assert_true(u->control & CR_UARTEN && u->control & CR_TXE && !u->full && value < 0x100);
	u->text[u->count++] = (char)value;
}

static void uart_at(u64 base)
{
	static const struct fake_io_ops ops = { uart_read, uart_write };

	uart.base = base;
	fake_io_register(base, 0x1000, &ops, &uart);
}

static void before_discovery(void **state UNUSED)
{
	assert_null(machine);
	uart_at(VIRT_UART_BASE);
	/* As QEMU leaves it at reset: the transmitter on, the UART off. */
	uart.control = 0x300;
	pl011_putc('H');
	pl011_putc('\xe9');
	assert_int_equal(uart.count, 2);
	assert_int_equal(uart.text[0], 'H');
	assert_int_equal(uart.text[1], '\xe9');
	assert_int_equal(uart.control, 0x301);
	assert_int_equal(uart.writes, 1);
}

static void after_discovery(void **state UNUSED)
{
	static struct machine elsewhere = { .console = { 0x9040000, 0x1000 } };

	machine = &elsewhere;
	uart_at(0x9040000);
	pl011_putc('x');
	assert_int_equal(uart.count, 1);
	assert_int_equal(uart.control, CR_UARTEN | CR_TXE);
}

static void waits_for_room(void **state UNUSED)
{
	uart_at(VIRT_UART_BASE);
	uart.full = 40;
	pl011_putc('x');
	assert_int_equal(uart.count, 1);
	assert_int_equal(uart.reads, 40);
}

/* The console is no reason to hang. */
static void never_room(void **state UNUSED)
{
	uart_at(VIRT_UART_BASE);
	uart.full = ~0u;
	pl011_putc('x');
	assert_int_equal(uart.count, 0);
	assert_int_equal(uart.reads, ROOM_POLLS);
}

/* A primary that holds its UART back makes no call of anybody long: a line waits once, and the next ones not at all. */
static void V9_a_line_without_room_waits_once(void **state UNUSED)
{
	uart_at(VIRT_UART_BASE);
	uart.full = ~0u;
	for (u32 i = 0; i < 200; i++)
		pl011_putc('x');
	assert_int_equal(uart.count, 0);
	assert_true(uart.reads <= ROOM_POLLS + 200);
	/* There is room again: it is waited for as before. */
	uart.full = 0;
	pl011_putc('y');
	uart.full = 40;
	uart.reads = 0;
	pl011_putc('z');
	assert_int_equal(uart.count, 2);
	assert_int_equal(uart.reads, 40);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(before_discovery),
		cmocka_unit_test(after_discovery),
		cmocka_unit_test(waits_for_room),
		cmocka_unit_test(never_room),
		cmocka_unit_test(V9_a_line_without_room_waits_once),
	};

	return SUITE("console", cases);
}
