/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only way from a driver to the machine. A target build inlines these (arch/<cpu>/include/
 * arch/io.h); a host build routes them to the software models in test/model, which is what makes
 * every driver testable on any CPU.
 *
 *   u8   io_read8(const volatile void __mmio *), void io_write8(u8, volatile void __mmio *)
 *   u32  io_read32(const volatile void __mmio *), u64 io_read64(...)    device registers
 *   void io_write32(u32, volatile void __mmio *), void io_write64(...)
 *        Register accesses are ordered among themselves, and not with memory.
 *   u64  io_table_read(const u64 *)        one 64-bit load of memory that hardware may write
 *   void io_table_write(u64 *, u64)        one 64-bit store to memory that hardware may walk
 *   void io_table_publish(void)            earlier table writes are visible to walkers before
 *                                          any later table or register write (dsb ishst)
 *   void io_wmb(void)                      earlier memory writes before later register writes
 *   void io_rmb(void)                      an earlier register or memory read before later
 *                                          memory reads (an acquire)
 *   void io_clean(const void *, size_t)    to the point of coherency; for walkers that do not snoop
 *   void io_zero_pages(void *, u64 pages)  zero whole pages, the fastest way of the CPU
 *   u64  io_time_us(void)                  monotonic time, microseconds since reset
 *   void io_relax(void)                    inside a polling loop
 *   void *io_phys(pa_t)                    hypervisor's pointer to a page of RAM
 *   pa_t io_phys_of(const void *)          the reverse, for memory of ours
 */
#ifndef HYP_IO_H
#define HYP_IO_H

#include "hyp/addr.h"

#include <arch/io.h>

#endif
