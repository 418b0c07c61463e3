/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as in QEMU's docs/specs/edu.rst. */
#include "edu.h"

#include "gic.h"
#include "pci.h"

#define REG_IDENT      0x00
#define REG_IRQ_STATUS 0x24
#define REG_IRQ_RAISE  0x60
#define REG_IRQ_CLEAR  0x64
#define REG_SOURCE     0x80
#define REG_TARGET     0x88
#define REG_COUNT      0x90
#define REG_COMMAND    0x98

#define IDENT        0x010000edu
#define COMMAND_RUN  1u
#define COMMAND_OUT  2u
#define BUFFER_START 0x40000u
#define WAIT_MS      20000 /* for 100 ms: a crowded host may keep its timer waiting */

bool edu_open(struct edu *e, u32 bdf)
{
	e->bdf = bdf;
	e->regs = pci_bar(bdf, 0).base;
	pci_enable(bdf);
	return mmio_read32(e->regs + REG_IDENT) == IDENT;
}

bool edu_running(const struct edu *e)
{
	return mmio_read64(e->regs + REG_COMMAND) & COMMAND_RUN;
}

bool edu_wait(const struct edu *e)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	while (edu_running(e)) {
		if (time_ticks() > end)
			return false;
		gic_sleep_ms(2);
	}
	dsb();
	return true;
}

static void start(const struct edu *e, u64 source, u64 target, u32 bytes, u32 command)
{
	dsb();
	mmio_write64(e->regs + REG_SOURCE, source);
	mmio_write64(e->regs + REG_TARGET, target);
	mmio_write64(e->regs + REG_COUNT, bytes);
	mmio_write64(e->regs + REG_COMMAND, COMMAND_RUN | command);
}

bool edu_load(const struct edu *e, u64 iova, u32 offset, u32 bytes)
{
	start(e, iova, BUFFER_START + offset, bytes, 0);
	return edu_wait(e);
}

void edu_start_store(const struct edu *e, u64 iova, u32 offset, u32 bytes)
{
	start(e, BUFFER_START + offset, iova, bytes, COMMAND_OUT);
}

bool edu_store(const struct edu *e, u64 iova, u32 offset, u32 bytes)
{
	edu_start_store(e, iova, offset, bytes);
	return edu_wait(e);
}

void edu_raise_irq(const struct edu *e, u32 bits)
{
	mmio_write32(e->regs + REG_IRQ_RAISE, bits);
}

void edu_clear_irq(const struct edu *e, u32 bits)
{
	mmio_write32(e->regs + REG_IRQ_CLEAR, bits);
}

u32 edu_irq_bits(const struct edu *e)
{
	return mmio_read32(e->regs + REG_IRQ_STATUS);
}
