/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * include/hyp/io.h on the host: every access leaves the driver here and reaches test/fake, which
 * routes registers to the software models and remembers stores that hardware may not see yet.
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include "hyp/addr.h"

u8 io_read8(const volatile void __mmio *reg);
u32 io_read32(const volatile void __mmio *reg);
u64 io_read64(const volatile void __mmio *reg);
void io_write8(u8 value, volatile void __mmio *reg);
void io_write32(u32 value, volatile void __mmio *reg);
void io_write64(u64 value, volatile void __mmio *reg);

u64 io_table_read(const u64 *entry);
void io_table_write(u64 *entry, u64 value);
void io_table_publish(void);
void io_wmb(void);
void io_rmb(void);
void io_clean(const void *start, size_t size);

void io_zero_pages(void *page, u64 pages);
u64 io_time_us(void);
void io_relax(void);

void *io_phys(pa_t page);
pa_t io_phys_of(const void *pointer);

#endif
