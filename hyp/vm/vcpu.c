/* SPDX-License-Identifier: BSD-2-Clause */
/* What the primary asks of a secondary's vCPUs, and what their exits tell it. */
#include "vcpu.h"

#include <string.h>

#include "hyp/arch.h"
#include "hyp/bits.h"
#include "mem/guest_copy.h"
#include "view.h"
#include "vm.h"
#include "vm_life.h"

/* The vCPU of a VM that may be built further or run, both locked; nothing is locked on an error. */
static enum status vcpu_get(u64 handle, u64 index, struct vm **vm, struct vcpu **vcpu) NO_LOCK_ANALYSIS
{
	enum status status = vm_get(handle, vm);

	if (status != OK)
		return status;
	*vcpu = index <= ~0u ? vm_vcpu(*vm, (u32)index) : NULL;
	if ((*vm)->primary)
		status = E_INVAL;
	else if (*vcpu == NULL)
		status = E_NOENT;
	if (status != OK)
		vm_unlock_pair(*vm);
	return status;
}

enum status vcpu_set(u64 handle, u64 index, u64 entry, u64 argument) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vcpu *vcpu;
	struct vm *vm;

	status = vcpu_get(handle, index, &vm, &vcpu);
	if (status != OK)
		return status;
	if (entry % 4 != 0 || entry >> vm->cpu_pt.ops->va_bits != 0)
		status = E_INVAL;
	else if (vm->state != VM_BUILDING) /* from then on it is the VM's own affair */
		status = E_BUSY;
	else
		arch_vcpu_set(vcpu, ipa(entry), argument);
	vm_unlock_pair(vm);
	return status;
}

/* Claim the vCPU for this CPU. From here on the VM does not go away. */
static enum status begin(u64 handle, u64 index, struct vcpu **out) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_find(handle);
	enum status status = OK;
	struct vcpu *vcpu;

	/* In the common case without the primary's lock, which the VM's teardown and devices keep busy. */
	if (vm == NULL)
		return E_NOENT;
	if (vm->primary)
		return E_INVAL;
	vm_lock(vm);
	if (vm_find(handle) != vm || index > ~0u) {
		vm_unlock(vm);
		return E_NOENT;
	}
	vcpu = vm_vcpu(vm, (u32)index);
	if (vm->state == VM_DYING)
		status = E_BUSY;
	else if (vcpu == NULL)
		status = E_NOENT;
	else if (vm->state == VM_BUILDING)
		status = E_NOSYS; /* not yet: see vcpu_run() */
	else if (__atomic_exchange_n(&vcpu->running, 1, __ATOMIC_ACQUIRE) != 0)
		status = E_BUSY;
	if (status == OK) {
		__atomic_fetch_add(&vm->runners, 1, __ATOMIC_RELAXED);
		*out = vcpu;
	}
	vm_unlock(vm);
	return status;
}

static void end(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	__atomic_store_n(&vcpu->running, 0, __ATOMIC_RELEASE);
	/* Behind this the VM may be gone. */
	__atomic_fetch_sub(&vm->runners, 1, __ATOMIC_RELEASE);
}

static void run(struct vcpu *vcpu, u64 data)
{
	if (vcpu->load) {
		vcpu->load = false;
		arch_vcpu_mmio_done(vcpu, data);
	}
	memset(&vcpu->exit, 0, sizeof(vcpu->exit));
	vcpu->exit.size = sizeof(vcpu->exit);
	vcpu->exit.vcpu = vcpu->index;
	vcpu->leave = false;
	arch_vcpu_run(vcpu);
}

/*
 * What the primary offers, which is memory that it may write: its own pages are, but for none. One look
 * in the common case, since every vCPU of the machine comes by here.
 */
static enum status read_exit(ipa_t at, struct pc_vcpu_exit *exit)
{
	enum status status;

	if (at.v % 8 != 0)
		return E_INVAL;
	status = guest_read(vm_primary, at, exit, sizeof(*exit));
	if (status == OK && likely(exit->size == sizeof(*exit)))
		return OK;
	/* It may end before the page does, or begin a longer one of a later version. */
	status = guest_read_struct(vm_primary, at, exit, sizeof(*exit), sizeof(*exit));
	return status == OK ? guest_check_writable(vm_primary, at, sizeof(*exit)) : status;
}

enum status vcpu_run(u64 handle, u64 index, ipa_t at, u64 *reason)
{
	struct pc_vcpu_exit exit;
	enum status status;
	struct vcpu *vcpu;

	status = read_exit(at, &exit);
	if (status != OK)
		return status;
	if (!arch_vcpu_can_run())
		return E_NOSYS;
	status = begin(handle, index, &vcpu);
	if (status == E_NOSYS) {
		status = vm_finalise(handle);
		if (status == OK || status == E_EXIST)
			status = begin(handle, index, &vcpu);
	}
	if (status != OK)
		return status;
	/* An old idleness may be over, and nobody would say so again. */
	if (!vcpu->undelivered || vcpu->exit.reason == PC_EXIT_IDLE)
		run(vcpu, exit.data);
	status = guest_write(vm_primary, at, &vcpu->exit, sizeof(vcpu->exit));
	vcpu->undelivered = status != OK;
	if (status == OK)
		*reason = vcpu->exit.reason;
	end(vcpu);
	return status;
}

enum status vcpu_irq(u64 handle, u64 index, u64 intid, u64 level) NO_LOCK_ANALYSIS
{
	enum status status;
	struct vcpu *vcpu;
	struct vm *vm;

	if (level > 1)
		return E_INVAL;
	status = vcpu_get(handle, index, &vm, &vcpu);
	if (status != OK)
		return status;
	status = arch_vcpu_irq(vm, vcpu->index, intid, level != 0);
	vm_unlock_pair(vm);
	return status;
}

/* --- exits of a secondary */

void hyp_vcpu_check(struct vcpu *vcpu)
{
	if (likely(vm_state(vcpu->vm) != VM_DYING))
		return;
	vcpu->exit.reason = PC_EXIT_DEAD;
	vcpu->exit.arg[0] = PC_DEAD_DESTROYED;
	vcpu->leave = true;
}

void vcpu_exit_memory(struct vcpu *vcpu, u32 what, ipa_t where, u64 pages)
{
	vcpu->exit.reason = PC_EXIT_MEMORY;
	vcpu->exit.arg[0] = what;
	vcpu->exit.arg[1] = where.v;
	vcpu->exit.arg[2] = pages;
	vcpu->leave = true;
}

static void exit_mmio(struct vcpu *vcpu, const struct mem_access *access)
{
	struct pc_vcpu_exit *exit = &vcpu->exit;

	exit->reason = PC_EXIT_MMIO;
	exit->ipa = access->ipa.v;
	exit->width = access->width;
	if (access->write) {
		exit->flags = PC_EXIT_WRITE | PC_EXIT_DATA;
		exit->data = access->value;
	}
	vcpu->load = !access->write;
	vcpu->leave = true;
}

bool vcpu_mem_access(struct vcpu *vcpu, struct mem_access *access)
{
	struct vm *vm = vcpu->vm;
	bool emulate;

	if (view_has(vm, access->ipa)) {
		access->again = true;
		return false;
	}
	if (!access->valid)
		return false;
	vm_lock(vm);
	emulate = vm->open_mmio || guard_covers(vm, access->ipa.v);
	vm_unlock(vm);
	if (emulate)
		exit_mmio(vcpu, access);
	return false;
}
