/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM's calls about VMs and vCPUs, and a secondary's about its own memory and console: decode only. */
#include <stdio.h>

#include "abi/hcall.h"
#include "abi/vmm.h"
#include "hcall.h"
#include "hyp/arch.h"
#include "hyp/log.h"
#include "iommu/device.h"
#include "mem/guest_copy.h"
#include "vm/vcpu.h"
#include "vm/vm_life.h"
#include "vm/vm_memory.h"

static enum status min_pool(u64 flags, u64 vcpus, u64 *pages)
{
	if (!vm_flags_known(flags))
		return E_NOSYS;
	if (vcpus == 0 || vcpus > VM_MAX_VCPUS)
		return E_INVAL;
	*pages = vm_min_pool(flags, vcpus);
	return OK;
}

enum status hc_vmm_query(struct hcall *c)
{
	u64 index = c->r[2], *value = &c->out[0];
	struct range window = arch_vm_window(index < 8 ? (u32)index : 8);

	switch (c->r[1]) {
	case PC_VMM_Q_VERSION:
		*value = PC_ABI_VERSION;
		return OK;
	case PC_VMM_Q_MAX_VMS:
		*value = VM_SECONDARIES;
		return OK;
	case PC_VMM_Q_MAX_VCPUS:
		*value = VM_MAX_VCPUS;
		return OK;
	case PC_VMM_Q_MAX_PVIOMMUS:
		*value = VM_MAX_PVIOMMUS;
		return OK;
	case PC_VMM_Q_MAX_ENDPOINTS:
		*value = PC_DEV_MAX_ENDPOINTS;
		return OK;
	case PC_VMM_Q_MIN_POOL:
		return min_pool(index >> PC_VMM_Q_MIN_POOL_FLAGS, index & ((1u << PC_VMM_Q_MIN_POOL_FLAGS) - 1), value);
	case PC_VMM_Q_WINDOW_BASE:
		*value = window.base;
		return window.size != 0 ? OK : E_NOENT;
	case PC_VMM_Q_WINDOW_SIZE:
		*value = window.size;
		return window.size != 0 ? OK : E_NOENT;
	case PC_VMM_Q_WAKE_IRQ:
		*value = machine->wake_irq;
		return OK;
	case PC_VMM_Q_IPA_BITS:
		*value = arch_cpu_pt->va_bits;
		return OK;
	case PC_VMM_Q_VMS:
		*value = vm_count();
		return OK;
	case PC_VMM_Q_POOL_FREE:
		*value = vm_tables_free();
		return OK;
	case PC_VMM_Q_DEV_QUARANTINED:
		*value = device_quarantined_count();
		return OK;
	default:
		return E_NOSYS;
	}
}

enum status hc_vm_create(struct hcall *c)
{
	enum status status;
	u32 handle;

	status = vm_create(c->r[1], c->r[2], c->r[3], c->r[4], &handle);
	if (status == OK)
		c->out[0] = handle;
	return status;
}

enum status hc_vm_add_pool(struct hcall *c)
{
	return vm_add_pool(c->r[1], c->r[2], c->r[3]);
}

enum status hc_vm_destroy(struct hcall *c)
{
	return vm_destroy(c->r[1], &c->out[0]);
}

enum status hc_vm_finalise(struct hcall *c)
{
	return vm_finalise(c->r[1]);
}

enum status hc_vm_donate(struct hcall *c) NO_LOCK_ANALYSIS
{
	const u64 *r = c->r;
	enum status status;
	struct vm *vm;

	if (r[5] & ~(u64)(PC_DONATE_SCRUB | PC_DONATE_READ_ONLY))
		return E_NOSYS;
	if (r[4] == 0 || r[4] >> (64 - PAGE_SHIFT) != 0 || !page_aligned(r[3]))
		return E_INVAL;
	status = vm_get(r[1], &vm);
	if (status != OK)
		return status;
	status = vm->primary ? E_INVAL :
			       memory_donate(vm, ipa(r[2]), ipa(r[3]), r[4], (u32)r[5], &c->out[0]);
	vm_unlock_pair(vm);
	return status;
}

enum status hc_vcpu_set(struct hcall *c)
{
	return vcpu_set(c->r[1], c->r[2], c->r[3], c->r[4]);
}

enum status hc_vcpu_run(struct hcall *c)
{
	return vcpu_run(c->r[1], c->r[2], ipa(c->r[3]), &c->out[0]);
}

enum status hc_vcpu_irq(struct hcall *c)
{
	return vcpu_irq(c->r[1], c->r[2], c->r[3], c->r[4]);
}

/* --- a secondary's own */

enum status hc_hyp_meminfo(struct hcall *c)
{
	c->out[0] = 1; /* ranges */
	return OK_GRANULE;
}

static enum status share_or_unshare(struct hcall *c,
				    enum status (*what)(struct vm *, ipa_t, u64, u64 *, ipa_t *),
				    u32 event) NO_LOCK_ANALYSIS
{
	u64 pages = c->r[2] != 0 ? c->r[2] : 1; /* stock guests know calls of one page only */
	enum status status;
	ipa_t where;

	vm_lock_pair(c->vm);
	status = what(c->vm, ipa(c->r[1]), pages, &c->out[0], &where);
	vm_unlock_pair(c->vm);
	if (status == OK)
		vcpu_exit_memory(c->vcpu, event, where, c->out[0]);
	return status;
}

enum status hc_mem_share(struct hcall *c)
{
	return share_or_unshare(c, memory_share, PC_MEM_SHARED);
}

enum status hc_mem_unshare(struct hcall *c)
{
	return share_or_unshare(c, memory_unshare, PC_MEM_UNSHARED);
}

enum status hc_mem_relinquish(struct hcall *c) NO_LOCK_ANALYSIS
{
	enum status status;
	ipa_t where;

	if (c->r[2] & ~1ull) /* NO_POISON: it is scrubbed all the same */
		return E_INVAL;
	vm_lock_pair(c->vm);
	status = memory_relinquish(c->vm, ipa(c->r[1]), &where);
	vm_unlock_pair(c->vm);
	if (status == OK)
		vcpu_exit_memory(c->vcpu, PC_MEM_RELINQUISHED, where, 1);
	return status;
}

enum status hc_guard_info(struct hcall *c)
{
	return hc_hyp_meminfo(c);
}

enum status hc_guard_enroll(struct hcall *c)
{
	guard_enroll(c->vm);
	return OK;
}

enum status hc_guard_map(struct hcall *c)
{
	return guard_map(c->vm, c->r[1]);
}

enum status hc_guard_unmap(struct hcall *c)
{
	return guard_unmap(c->vm, c->r[1]);
}

/*
 * A range of pages, for drivers that map many; R1 is how many were done, a driver calls again for the rest. A call
 * does few, since each is looked for in the whole list.
 */
static enum status guard_range(struct hcall *c, enum status (*what)(struct vm *, u64))
{
	u64 pages = c->r[2] != 0 ? c->r[2] : 1;
	enum status status = OK;

	if (pages > PC_GUARD_MAX)
		pages = PC_GUARD_MAX;
	for (u64 i = 0; i < pages && status == OK; i++) {
		status = what(c->vm, c->r[1] + (i << PAGE_SHIFT));
		c->out[0] += status == OK;
	}
	return c->out[0] > 0 ? OK : status;
}

enum status hc_guard_range_map(struct hcall *c)
{
	return guard_range(c, guard_map);
}

enum status hc_guard_range_unmap(struct hcall *c)
{
	return guard_range(c, guard_unmap);
}

enum status hc_console(struct hcall *c)
{
	u64 bytes = c->r[2] < PC_CONSOLE_MAX ? c->r[2] : PC_CONSOLE_MAX;
	char text[PC_CONSOLE_MAX + 1];
	enum status status;

	status = guest_read(c->vm, ipa(c->r[1]), text, bytes);
	if (status != OK)
		return status;
	/* A line of the log a call: what would end it, or act on a terminal, is a space. */
	for (u64 i = 0; i < bytes; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
	text[bytes] = '\0';
	log_info("vm %u: %s", c->vm->handle, text);
	c->out[0] = bytes;
	return OK;
}
