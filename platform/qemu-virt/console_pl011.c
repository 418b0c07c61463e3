/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console output on a PL011 (Arm DDI 0183). The primary drives the same UART: its driver may
 * switch it off, so each character looks first. No lock: the log has one.
 */
#include "board.h"
#include "hyp/io.h"
#include "pl011.h"

/* Polls for room, some ten times what a byte takes at 115200 baud; then it is dropped. */
#define ROOM_POLLS 10000u

/* It was in vain. The primary can keep the UART from sending: until there is room again a character is not waited for. */
static bool in_vain;

static volatile void __mmio *reg(u32 offset)
{
	u64 base = machine ? machine->console.base : VIRT_UART_BASE;

	return (volatile void __mmio *)(base + offset);
}

void plat_console_putc(char c)
{
	u32 control = io_read32(reg(UARTCR)), polls = in_vain ? 1 : ROOM_POLLS;

	if ((control & CR_UARTEN) == 0 || (control & CR_TXE) == 0)
		io_write32(control | CR_UARTEN | CR_TXE, reg(UARTCR));
	while (io_read32(reg(UARTFR)) & FR_TXFF) {
		if (--polls == 0) {
			in_vain = true;
			return;
		}
		io_relax();
	}
	in_vain = false;
	io_write32((u8)c, reg(UARTDR));
}
