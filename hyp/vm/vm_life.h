/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of secondary VMs, as the primary's calls ask for it. Locks: taken inside. */
#ifndef VM_VM_LIFE_H
#define VM_VM_LIFE_H

#include "hyp/addr.h"
#include "hyp/lock.h"
#include "hyp/status.h"

struct vm;
struct pool;

/* Are these VM_CREATE's flags, and offered by this machine? */
bool vm_flags_known(u64 flags);
/* The least pool of a VM of such flags and so many vCPUs, in pages. */
u64 vm_min_pool(u64 flags, u64 vcpus);

/*
 * Make a VM from the primary's pages [pool, ..). E_NOSYS: a flag that is unknown or not offered; E_INVAL: vCPUs, or the
 * pool's place or size; E_NOMEM: all slots or ids are taken, or the pool is too broken up; else as memory_donate(). Nothing
 * is changed then.
 */
enum status vm_create(u64 flags, u64 vcpus, u64 pool, u64 pages, u32 *handle) MUST_CHECK NOT_HELD(vm_class);
enum status vm_add_pool(u64 handle, u64 pool, u64 pages) MUST_CHECK NOT_HELD(vm_class);

/* E_EXIST: it is already; E_BUSY: a device of a group that it claims is not assigned yet. */
enum status vm_finalise(u64 handle) MUST_CHECK NOT_HELD(vm_class);

/*
 * One bounded step of the end of a VM; *left is 0 when it has gone. In order: no vCPU runs, devices are blocked and reset,
 * domains go, devices are the primary's again, the DMA table leaves the caches, memory comes back scrubbed, the pool too.
 */
enum status vm_destroy(u64 handle, u64 *left) MUST_CHECK NOT_HELD(vm_class);

u32 vm_count(void);

/* The hypervisor's own pool, which the primary's views are made from. */
void vm_life_init(struct pool *tables);
u64 vm_tables_free(void);

#endif
