/* SPDX-License-Identifier: BSD-2-Clause */
/* include/hyp/arch.h on the host. The table formats are the real ones of arch/arm64/pt_lpae_s1.c and pt_lpae_s2.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyp/arch.h"
#include "hyp/io.h"
#include "hyp/lock.h"
#include "hyp/vm.h"

#include "fake.h"
#include "fake_private.h"
#include "pt_lpae.h"

struct fake_cpu_inval fake_cpu_invals[FAKE_CPU_INVALS];
u64 fake_cpu_inval_count;
void (*fake_cpu_inval_hook)(u16 vmid, u64 base, u64 size);
u32 fake_event_irq_raised[1024];
struct fake_vm_event fake_vm_event[64];
struct fake_vm_calls fake_vm_calls;
u32 fake_vm_order = 1, fake_vcpu_order;
enum status (*fake_vcpu_run_hook)(struct vcpu *vcpu);
bool fake_vcpu_cannot_run;
enum status fake_vcpu_irq_status, fake_irq_give_status;

jmp_buf *fake_catch_at;
void (*fake_uncaught)(enum fake_end how);
struct vm *fake_entered_vm;
ipa_t fake_entered_at, fake_entered_fdt;

static u32 cpu_index;
static u32 locks_held[MACHINE_MAX_CPUS];
void (*fake_lock_hook)(struct spinlock *lock, enum fake_lock_point what);

const struct pt_ops *const arch_cpu_pt = &pt_lpae_s2;

void fake_cpu_set(u32 index) { cpu_index = index; }

u32 arch_cpu_index(void) { return cpu_index; }

struct range arch_image(void) { return (struct range){ FAKE_RAM_BASE, FAKE_IMAGE_SIZE }; }

/* The host's "boot protocol": a flat image, entered at its first byte, without room beyond it. */
bool arch_kernel_layout(const void *image UNUSED, struct range file, struct range *room,
			ipa_t *entry, const char **why)
{
	if (file.size == 0) {
		*why = "the kernel is empty";
		return false;
	}
	*room = file;
	*entry = ipa(file.base);
	return true;
}

void arch_map_init(const struct machine *m UNUSED) {}

void arch_irq_init(const struct machine *m UNUSED) {}

void arch_cpu_inval(u16 vmid, ipa_t base, u64 size)
{
	fake_cpu_invals[fake_cpu_inval_count++ % FAKE_CPU_INVALS] =
		(struct fake_cpu_inval){ .vmid = vmid, .base = base.v, .size = size };
	if (fake_cpu_inval_hook != NULL)
		fake_cpu_inval_hook(vmid, base.v, size);
}

void arch_raise_event_irq(u32 intid)
{
	if (intid >= ARRAY_SIZE(fake_event_irq_raised))
		fake_die("event interrupt %u", intid);
	fake_event_irq_raised[intid]++;
}

/* --- secondary VMs */

u32 arch_vm_order(void) { return fake_vm_order; }

u32 arch_vcpu_order(void) { return fake_vcpu_order; }

/* The memory is ours from now on: written end to end, so that a sanitizer sees one too small. */
void arch_vm_init(struct vm *vm)
{
	fake_vm_calls.vm_init++;
	memset(vm_cpu_view(vm)->arch, 0xa5, PAGE_SIZE << fake_vm_order);
}

void arch_vcpu_init(struct vcpu *vcpu UNUSED, void *state)
{
	fake_vm_calls.vcpu_init++;
	memset(state, 0xa5, PAGE_SIZE << fake_vcpu_order);
}

void arch_vcpu_set(struct vcpu *vcpu UNUSED, ipa_t entry, u64 argument)
{
	fake_vm_calls.vcpu_set++;
	fake_vm_calls.set_entry = entry;
	fake_vm_calls.set_argument = argument;
}

bool arch_vcpu_can_run(void) { return !fake_vcpu_cannot_run; }

void arch_vcpu_run(struct vcpu *vcpu)
{
	if (locks_held[cpu_index] != 0)
		fake_die("a vCPU is run with %u locks held", locks_held[cpu_index]);
	fake_vm_calls.run++;
	if (fake_vcpu_run_hook != NULL) {
		(void)!fake_vcpu_run_hook(vcpu);
		return;
	}
	vcpu->exit = (struct pc_vcpu_exit){
		.size = sizeof(vcpu->exit),
		.reason = PC_EXIT_HOST_IRQ,
		.vcpu = vcpu->index,
	};
	vcpu->leave = true;
}

void arch_vcpu_mmio_done(struct vcpu *vcpu UNUSED, u64 value)
{
	fake_vm_calls.mmio_done++;
	fake_vm_calls.mmio_value = value;
}

const char *arch_exit_count(const struct vcpu *vcpu UNUSED, u32 index, u32 *count)
{
	*count = 7 + index;
	return index == 0 ? "config" : index == 1 ? "irq" :
						    NULL;
}

void arch_vm_kick(struct vm *vm UNUSED) { fake_vm_calls.kick++; }

/* One of a VM's interrupts that is kept for events; NULL: it is not. */
static struct fake_vm_event *vm_event(const struct vm *vm, u64 intid)
{
	for (u32 i = 0; i < ARRAY_SIZE(fake_vm_event); i++)
		if (fake_vm_event[i].vm == vm && fake_vm_event[i].intid == intid)
			return &fake_vm_event[i];
	return NULL;
}

enum status arch_vm_event_reserve(struct vm *vm, u64 intid)
{
	struct fake_vm_event *slot = vm_event(NULL, 0);

	if (intid < 32 || intid >= 128)
		return E_INVAL;
	if (vm_event(vm, intid) != NULL)
		return E_BUSY;
	if (slot == NULL)
		fake_die("more event interrupts than the fake machine keeps");
	*slot = (struct fake_vm_event){ .vm = vm, .intid = (u32)intid };
	return OK;
}

void arch_vm_event_release(struct vm *vm, u32 intid)
{
	struct fake_vm_event *slot = vm_event(vm, intid);

	if (slot == NULL)
		fake_die("event interrupt %u is released and was not reserved", intid);
	*slot = (struct fake_vm_event){ 0 };
}

void arch_vm_event_raise(struct vm *vm, u32 intid)
{
	struct fake_vm_event *slot = vm_event(vm, intid);

	if (slot == NULL)
		fake_die("event interrupt %u is raised and was not reserved", intid);
	slot->raised++;
}

enum status arch_vcpu_irq(struct vm *vm UNUSED, u32 vcpu, u64 intid, bool level)
{
	fake_vm_calls.irq++;
	fake_vm_calls.irq_vcpu = vcpu;
	fake_vm_calls.irq_intid = intid;
	fake_vm_calls.irq_level = level;
	return fake_vcpu_irq_status;
}

enum status arch_irq_give(u32 physical, struct vm *vm UNUSED, u64 intid)
{
	fake_vm_calls.give++;
	fake_vm_calls.give_physical = physical;
	fake_vm_calls.give_intid = intid;
	return fake_irq_give_status;
}

void arch_irq_take(u32 physical, struct vm *vm UNUSED)
{
	fake_vm_calls.take++;
	fake_vm_calls.take_physical = physical;
}

/* Two windows, as arm64 has them. */
struct range arch_vm_window(u32 index)
{
	static const struct range windows[] = { { 0x08000000, 0x10000 }, { 0x080a0000, 0x100000 } };

	return index < ARRAY_SIZE(windows) ? windows[index] : (struct range){ 0, 0 };
}

void arch_cpu_inval_vmid(u16 vmid)
{
	fake_vm_calls.inval_vmid++;
	fake_vm_calls.inval_vmid_last = vmid;
}

void arch_sync_code(const void *page, u64 bytes)
{
	io_clean(page, bytes);
	fake_vm_calls.sync_code++;
	fake_vm_calls.sync_bytes = bytes;
}

/* --- locks: of one thread, unless somebody plays several CPUs */

static void lock_point(struct spinlock *lock, enum fake_lock_point what)
{
	if (fake_lock_hook != NULL)
		fake_lock_hook(lock, what);
}

void arch_spin_lock(struct spinlock *lock)
{
	lock_point(lock, FAKE_LOCK_BEFORE);
	while (lock->held != 0) {
		if (fake_lock_hook == NULL)
			fake_die("deadlock: lock %p is taken twice", (void *)lock);
		lock_point(lock, FAKE_LOCK_BUSY);
	}
	lock->held = 1;
	locks_held[cpu_index]++;
	lock_point(lock, FAKE_LOCK_TAKEN);
}

void arch_spin_unlock(struct spinlock *lock)
{
	if (lock->held == 0)
		fake_die("lock %p is not held", (void *)lock);
	lock_point(lock, FAKE_LOCK_RELEASE);
	lock->held = 0;
	locks_held[cpu_index]--;
	lock_point(lock, FAKE_LOCK_AFTER);
}

u32 fake_locks_held(void)
{
	u32 count = 0;

	for (u32 i = 0; i < MACHINE_MAX_CPUS; i++)
		count += locks_held[i];
	return count;
}

/* --- the ends */

static void NORETURN stop(enum fake_end how)
{
	if (fake_catch_at != NULL) {
		/* Nobody comes back to release what the stopped code held. */
		memset(locks_held, 0, sizeof(locks_held));
		longjmp(*fake_catch_at, (int)how);
	}
	if (fake_uncaught != NULL)
		fake_uncaught(how);
	fprintf(stderr, "fake machine: stopped (%d)\n%s\n", (int)how, fake_console);
	abort();
}

void arch_panic_stop(void) { stop(FAKE_PANIC); }

void arch_system_off(void) { stop(FAKE_OFF); }

void arch_system_reset(void) { stop(FAKE_RESET); }

void arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt)
{
	fake_entered_vm = vm;
	fake_entered_at = entry;
	fake_entered_fdt = fdt;
	stop(FAKE_ENTERED_GUEST);
}

void fake_arch_reset(void)
{
	memset(fake_cpu_invals, 0, sizeof(fake_cpu_invals));
	fake_cpu_inval_count = 0;
	fake_cpu_inval_hook = NULL;
	memset(fake_event_irq_raised, 0, sizeof(fake_event_irq_raised));
	memset(fake_vm_event, 0, sizeof(fake_vm_event));
	memset(&fake_vm_calls, 0, sizeof(fake_vm_calls));
	fake_vm_order = 1;
	fake_vcpu_order = 0;
	fake_vcpu_run_hook = NULL;
	fake_vcpu_cannot_run = false;
	fake_vcpu_irq_status = OK;
	fake_irq_give_status = OK;
	fake_catch_at = NULL;
	fake_entered_vm = NULL;
	cpu_index = 0;
	memset(locks_held, 0, sizeof(locks_held));
	fake_lock_hook = NULL;
}
