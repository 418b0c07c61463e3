/* SPDX-License-Identifier: BSD-2-Clause */
/* PL011 UART, polled (DDI 0183 chapter 3). Whoever booted us has set the line up. */
#include "console.h"

#include "machine.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF 0x20

static void put(char c)
{
	while (mmio_read32(machine.uart + UART_FR) & UART_FR_TXFF)
		;
	mmio_write32(machine.uart + UART_DR, (u8)c);
}

void console_write(const char *data, size_t count)
{
	if (!machine.uart)
		return;
	while (count--) {
		if (*data == '\n')
			put('\r');
		put(*data++);
	}
}
