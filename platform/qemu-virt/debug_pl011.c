/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debug console's UART: a second PL011 (Arm DDI 0183) that no VM has. Its FIFOs stay off, so that each
 * character raises an interrupt whatever else has come or gone, and its speed stays as firmware set it. The
 * interrupt controller sees edges: between plat_debug_begin() and plat_debug_end() the line is low.
 *
 * No state; the lock is the caller's.
 */
#include "hyp/io.h"
#include "hyp/platform.h"
#include "pl011.h"

static volatile void __mmio *debug_reg(u32 offset)
{
	return (volatile void __mmio *)(machine->debug.regs.base + offset);
}

void plat_debug_init(void)
{
	io_write32(0, debug_reg(UARTCR));
	io_write32(0, debug_reg(UARTIMSC));
	io_write32(LCR_8_BITS, debug_reg(UARTLCR_H));
	io_write32(CR_UARTEN | CR_TXE | CR_RXE, debug_reg(UARTCR));
}

void plat_debug_begin(void)
{
	io_write32(0, debug_reg(UARTIMSC));
}

void plat_debug_end(bool input, bool output)
{
	io_write32((input ? INT_RX : 0) | (output ? INT_TX : 0), debug_reg(UARTIMSC));
}

bool plat_debug_getc(char *c)
{
	u32 data;

	if (io_read32(debug_reg(UARTFR)) & FR_RXFE)
		return false;
	data = io_read32(debug_reg(UARTDR));
	*c = data & DR_BROKEN ? 0 : (char)data;
	return true;
}

bool plat_debug_putc(char c)
{
	if (io_read32(debug_reg(UARTFR)) & FR_TXFF)
		return false;
	io_write32((u8)c, debug_reg(UARTDR));
	return true;
}
