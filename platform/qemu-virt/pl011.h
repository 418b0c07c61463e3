/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the PL011 (Arm DDI 0183), as far as the two consoles use them. */
#ifndef QEMU_VIRT_PL011_H
#define QEMU_VIRT_PL011_H

#include "hyp/bits.h"

#define UARTDR     0x000u      /* rw data                DDI 0183 3.3.1 */
#define DR_BROKEN  BITS(11, 8) /*    framing, parity, break, overrun */
#define UARTFR     0x018u      /* r- flags               3.3.3 */
#define FR_RXFE    BIT(4)      /*    receive FIFO empty */
#define FR_TXFF    BIT(5)      /*    transmit FIFO full */
#define UARTLCR_H  0x02cu      /* rw line control        3.3.7 */
#define LCR_8_BITS BITS(6, 5)
#define UARTCR     0x030u      /* rw control             3.3.8 */
#define CR_UARTEN  BIT(0)      /*    on */
#define CR_TXE     BIT(8)      /*    transmitter on */
#define CR_RXE     BIT(9)      /*    receiver on */
#define UARTIMSC   0x038u      /* rw interrupts that are passed on   3.3.10 */
#define INT_RX     BIT(4)
#define INT_TX     BIT(5)

#endif
