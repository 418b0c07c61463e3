/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmuart.h"

#include "console.h"

/* Registers, DDI 0183 3.2. */
#define UARTDR    0x000
#define UARTFR    0x018
#define UARTIBRD  0x024
#define UARTFBRD  0x028
#define UARTLCR_H 0x02c
#define UARTCR    0x030
#define UARTIFLS  0x034
#define UARTIMSC  0x038
#define UARTRIS   0x03c
#define UARTMIS   0x040
#define UARTICR   0x044
#define UARTID    0xfe0 /* eight registers of one byte each */

#define FR_TX_EMPTY 0x80u
#define FR_RX_EMPTY 0x10u
#define INT_RX      0x10u
#define INT_TX      0x20u
#define INT_RX_LATE 0x40u /* fewer characters than make INT_RX, for a while */
#define CR_RESET    0x300u /* transmitter and receiver enabled, the UART not */
#define IFLS_RESET  0x12u
#define ENQ         5

void vmuart_init(struct vmuart *uart)
{
	*uart = (struct vmuart){ .control = CR_RESET, .fifo_levels = IFLS_RESET, .input = "" };
}

/* Lines of other CPUs and of ours must not be torn apart, so a line is written when it is whole, or full. */
static void send(struct vmuart *uart, char c)
{
	if (c == ENQ) {
		uart->input = "ack\n";
		uart->raw |= INT_RX | INT_RX_LATE;
	} else if (c != '\r') {
		uart->line[uart->used++] = c;
	}
	if (c == '\n' || uart->used == VMUART_LINE) {
		console_write(uart->line, uart->used);
		uart->used = 0;
	}
	uart->raw |= INT_TX;
}

static u64 receive(struct vmuart *uart)
{
	u8 c = (u8)*uart->input;

	if (c)
		uart->input++;
	if (!*uart->input)
		uart->raw &= ~(INT_RX | INT_RX_LATE);
	return c;
}

/* Registers that read as they were written. */
static const u32 *stored(const struct vmuart *uart, u64 offset)
{
	switch (offset) {
	case UARTIBRD:
		return &uart->divisor;
	case UARTFBRD:
		return &uart->fraction;
	case UARTLCR_H:
		return &uart->line_control;
	case UARTCR:
		return &uart->control;
	case UARTIFLS:
		return &uart->fifo_levels;
	case UARTIMSC:
		return &uart->mask;
	default:
		return NULL;
	}
}

u64 vmuart_load(struct vmuart *uart, u64 offset)
{
	/* Peripheral 0x011 of designer 0x41 (Arm), revision 1; a PrimeCell. */
	static const u8 id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	const u32 *reg = stored(uart, offset);

	if (reg)
		return *reg;
	if (offset >= UARTID && offset < UARTID + 4 * sizeof(id))
		return id[(offset - UARTID) / 4];
	switch (offset) {
	case UARTDR:
		return receive(uart);
	case UARTFR:
		return FR_TX_EMPTY | (*uart->input ? 0 : FR_RX_EMPTY);
	case UARTRIS:
		return uart->raw;
	case UARTMIS:
		return uart->raw & uart->mask;
	default:
		return 0;
	}
}

void vmuart_store(struct vmuart *uart, u64 offset, u64 value)
{
	u32 *reg = (u32 *)stored(uart, offset);

	if (reg)
		*reg = (u32)value;
	else if (offset == UARTDR)
		send(uart, (char)value);
	else if (offset == UARTICR)
		uart->raw &= ~(u32)value;
}

bool vmuart_level(const struct vmuart *uart)
{
	return uart->raw & uart->mask;
}
