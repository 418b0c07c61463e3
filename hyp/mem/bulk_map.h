/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping whole ranges in a table that follows ownership (a VM's CPU and DMA view), where the caller is the hypervisor and
 * not a guest: largest leaves that fit, no pins.
 */
#ifndef MEM_BULK_MAP_H
#define MEM_BULK_MAP_H

#include "hyp/pt.h"

/* Map [va, va+size) to out; all of it must be unmapped. E_NOMEM, E_EXIST: nothing is mapped. */
enum status bulk_map(struct pt *pt, u64 va, u64 out, u64 size, u32 prot) MUST_CHECK;

#endif
