/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO guard: which addresses a VM means to be emulated by the primary. A stray access of the VM then
 * tells the primary nothing. A list, since there are few and an exit costs far more than a look at it.
 */
#include "hyp/pt.h"
#include "vcpu.h"
#include "vm.h"
#include "vm_memory.h"

void guard_enroll(struct vm *vm)
{
	vm_lock(vm);
	vm->open_mmio = false;
	vm_unlock(vm);
}

static u32 find(const struct vm *vm, u64 page) MUST_HOLD(vm_class)
{
	u32 i = 0;

	while (i < vm->guard_count && vm->guard[i] != page)
		i++;
	return i;
}

bool guard_covers(struct vm *vm, u64 at)
{
	return find(vm, align_down(at, PAGE_SIZE)) < vm->guard_count;
}

enum status guard_map(struct vm *vm, u64 at)
{
	enum status status = OK;
	struct pt_run run;

	if (!memory_place_ok(vm, at, PAGE_SIZE))
		return E_INVAL;
	vm_lock(vm);
	if (vm->cpu_pt.ops->lookup(&vm->cpu_pt, at, at, &run))
		status = E_INVAL;
	else if (find(vm, at) == vm->guard_count) {
		if (vm->guard_count == VM_GUARDS)
			status = E_NOMEM;
		else
			vm->guard[vm->guard_count++] = at;
	}
	vm_unlock(vm);
	return status;
}

enum status guard_unmap(struct vm *vm, u64 at)
{
	enum status status = OK;
	u32 i;

	vm_lock(vm);
	i = find(vm, at);
	if (i == vm->guard_count)
		status = E_NOENT;
	else
		vm->guard[i] = vm->guard[--vm->guard_count];
	vm_unlock(vm);
	return status;
}
