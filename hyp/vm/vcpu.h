/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs of secondaries as the primary drives them. Locks: taken inside; none is held while one runs. */
#ifndef VM_VCPU_H
#define VM_VCPU_H

#include "hyp/addr.h"
#include "hyp/lock.h"
#include "hyp/status.h"
#include "hyp/upcall.h"

struct vcpu;
struct vm;

/* E_BUSY: the VM is final. */
enum status vcpu_set(u64 handle, u64 index, u64 entry, u64 argument) MUST_CHECK NOT_HELD(vm_class);

/*
 * Run a vCPU of the VM until there is something for the primary, whose struct pc_vcpu_exit is at `at`.
 * E_BUSY: another CPU runs it, or the VM cannot be finalised or is being destroyed; E_FAULT: `at`; when
 * that is found only afterwards the exit is kept, and the next run gives it first.
 */
enum status vcpu_run(u64 handle, u64 index, ipa_t at, u64 *reason) MUST_CHECK NOT_HELD(vm_class);
enum status vcpu_irq(u64 handle, u64 index, u64 intid, u64 level) MUST_CHECK NOT_HELD(vm_class);

/* A secondary's access that its view does not map: hyp_vcpu_mem_access(). */
bool vcpu_mem_access(struct vcpu *vcpu, struct mem_access *access);
/* Tell the primary of memory that changed: ends the run. */
void vcpu_exit_memory(struct vcpu *vcpu, u32 what, ipa_t where, u64 pages);

/* The MMIO guard: E_INVAL not a page, or memory of the VM; E_NOMEM: too many; E_NOENT: not guarded. */
void guard_enroll(struct vm *vm) NOT_HELD(vm_class);
enum status guard_map(struct vm *vm, u64 at) MUST_CHECK NOT_HELD(vm_class);
enum status guard_unmap(struct vm *vm, u64 at) MUST_CHECK NOT_HELD(vm_class);
bool guard_covers(struct vm *vm, u64 at) MUST_HOLD(vm_class);

#endif
