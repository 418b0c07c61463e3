/* SPDX-License-Identifier: BSD-2-Clause */
/* include/hyp/arch.h on the host. The table formats are the real ones of arch/arm64/pt_lpae_s1.c and pt_lpae_s2.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyp/arch.h"
#include "hyp/lock.h"

#include "fake.h"
#include "fake_private.h"
#include "pt_lpae.h"

struct fake_cpu_inval fake_cpu_invals[FAKE_CPU_INVALS];
u64 fake_cpu_inval_count;
void (*fake_cpu_inval_hook)(u16 vmid, u64 base, u64 size);
u32 fake_event_irq_raised[1024];

jmp_buf *fake_catch_at;
void (*fake_uncaught)(enum fake_end how);
struct vm *fake_entered_vm;
ipa_t fake_entered_at, fake_entered_fdt;

static u32 cpu_index;
static u32 locks_held;

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

/* --- locks of one thread */

void arch_spin_lock(struct spinlock *lock)
{
	if (lock->held != 0)
		fake_die("deadlock: lock %p is taken twice", (void *)lock);
	lock->held = 1;
	locks_held++;
}

void arch_spin_unlock(struct spinlock *lock)
{
	if (lock->held == 0)
		fake_die("lock %p is not held", (void *)lock);
	lock->held = 0;
	locks_held--;
}

u32 fake_locks_held(void) { return locks_held; }

/* --- the ends */

static void NORETURN stop(enum fake_end how)
{
	if (fake_catch_at != NULL) {
		/* Nobody comes back to release what the stopped code held. */
		locks_held = 0;
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
	fake_catch_at = NULL;
	fake_entered_vm = NULL;
	cpu_index = 0;
	locks_held = 0;
}
