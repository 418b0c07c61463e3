/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The third "CPU": the machine under the core and the drivers in a host build. Physical memory
 * is host memory at chosen physical addresses, registers are routed to software models, time is
 * virtual, and every store to memory that hardware walks is seen by whoever asks.
 *
 * Everything here is one global machine; fake_reset() makes it empty again, between tests.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>

#include "hyp/addr.h"
#include "hyp/arch.h"
#include "hyp/platform.h"

/* --- physical memory */

#define FAKE_MAX_RAM 8

/* Zero-filled RAM at [base, base + size), page aligned. Returns the host's pointer to it. */
void *fake_ram_add(u64 base, u64 size);
/* The host's pointer to a physical range, or NULL when it is not RAM from end to end. */
void *fake_ram(u64 addr, u64 size);
/* Called when the core asks for a pointer to memory: another CPU may have been there since it last looked. */
extern void (*fake_phys_hook)(u64 addr);
/* And back; false: it points to no RAM. */
bool fake_ram_addr(const void *pointer, u64 *addr);

/*
 * What hardware sees of memory. A CPU's store may sit in its store buffer until a barrier, and
 * in its cache until it is cleaned; these reads take that into account, the pointers above do not.
 * False: not RAM (an external abort).
 */
bool fake_hw_read(u64 addr, void *out, u64 size, bool coherent);
bool fake_hw_write(u64 addr, const void *in, u64 size);

/* When hardware sees a store made by io_table_write() that no barrier has followed yet. */
enum fake_stores {
	FAKE_STORES_AT_ONCE,
	FAKE_STORES_AT_BARRIER, /* never before the next io_table_publish() or io_wmb() */
	FAKE_STORES_RANDOM,     /* any subset, in any order, by fake_random() */
};
void fake_stores_policy(enum fake_stores policy);
/* Stores that hardware may not have seen yet. */
bool fake_stores_pending(void);

/*
 * From here on plain memory and what a walker without snooping sees are two things: stores reach
 * it by io_clean() only. Called after fake_ram_add(), before the first store.
 */
void fake_noncoherent(void);

/* Called before each io_table_write(): the slot still holds the old value. */
typedef void fake_store_hook(void *ctx, u64 *entry, u64 value);
void fake_store_hook_add(fake_store_hook *hook, void *ctx);
void fake_store_hook_remove(fake_store_hook *hook, void *ctx);

/* --- registers */

struct fake_io_ops {
	u64 (*read)(void *ctx, u64 offset, u32 width);        /* width 1, 4 or 8 */
	void (*write)(void *ctx, u64 offset, u32 width, u64 value);
};
/* The __mmio pointer of a register is its physical address. Unregistered addresses abort. */
void fake_io_register(u64 base, u64 size, const struct fake_io_ops *ops, void *ctx);
void fake_io_unregister(u64 base);

/* --- time */

/* io_time_us() returns the clock and then advances it by this; 1 at reset. */
void fake_time_step(u64 us);
void fake_time_advance(u64 us);
u64 fake_time_now(void);
/* Called at each io_relax(), which also advances the clock. Several may be added. */
typedef void fake_relax_hook(void *ctx);
void fake_relax_hook_add(fake_relax_hook *hook, void *ctx);
void fake_relax_hook_remove(fake_relax_hook *hook, void *ctx);

/* --- randomness with a seed, for everything adversarial */

void fake_seed(u64 seed);
u64 fake_random(void);
u64 fake_random_below(u64 limit);
/* Answers fake_random_below() in its place, for limits above 0: a fuzzer's input. */
extern u64 (*fake_random_source)(u64 limit);

/* --- the CPU */

void fake_cpu_set(u32 index);

/*
 * For who plays several CPUs by turns: called around each change of a lock. BUSY: another CPU has it, and has to run
 * before this returns. Without a hook a lock that is taken twice is a deadlock.
 */
struct spinlock;
enum fake_lock_point { FAKE_LOCK_BEFORE,
		       FAKE_LOCK_BUSY,
		       FAKE_LOCK_TAKEN,
		       FAKE_LOCK_RELEASE,
		       FAKE_LOCK_AFTER };
extern void (*fake_lock_hook)(struct spinlock *lock, enum fake_lock_point what);

/* arch_cpu_inval() calls since reset, the latest ones in order. */
struct fake_cpu_inval {
	u16 vmid;
	u64 base;
	u64 size;
};
#define FAKE_CPU_INVALS 256
extern struct fake_cpu_inval fake_cpu_invals[FAKE_CPU_INVALS];
extern u64 fake_cpu_inval_count;

/* Called inside each arch_cpu_inval(): a test's model of CPU translations. */
extern void (*fake_cpu_inval_hook)(u16 vmid, u64 base, u64 size);

extern u32 fake_event_irq_raised[1024];
/* Interrupts of secondaries that are kept for events, and how often each was raised; vm NULL: a free one. */
extern struct fake_vm_event {
	const struct vm *vm;
	u32 intid;
	u32 raised;
} fake_vm_event[64];

/* What the core asked for a secondary VM, counted since reset; the last arguments beside the counts. */
struct fake_vm_calls {
	u32 vm_init, vcpu_init, vcpu_set, run, mmio_done, kick, irq, give, take, inval_vmid, sync_code;
	ipa_t set_entry;
	u64 set_argument, mmio_value, irq_intid, give_intid, sync_bytes;
	u32 irq_vcpu, give_physical, take_physical;
	u16 inval_vmid_last;
	bool irq_level;
};
extern struct fake_vm_calls fake_vm_calls;

/* The orders that arch_vm_order() and arch_vcpu_order() answer; 1 and 0 at reset. */
extern u32 fake_vm_order, fake_vcpu_order;
/* Runs a vCPU in the guest's place. None: every run ends with PC_EXIT_HOST_IRQ. */
extern enum status (*fake_vcpu_run_hook)(struct vcpu *vcpu);
extern bool fake_vcpu_cannot_run;
/* What arch_vcpu_irq() and arch_irq_give() answer; OK at reset. */
extern enum status fake_vcpu_irq_status, fake_irq_give_status;

/*
 * How the machine stops. FAKE_CATCH runs a statement and says how it ended:
 *	if (FAKE_CATCH(pool_free(...)) == FAKE_PANIC) ...
 */
enum fake_end { FAKE_RETURNED,
		FAKE_PANIC,
		FAKE_OFF,
		FAKE_RESET,
		FAKE_ENTERED_GUEST };
extern jmp_buf *fake_catch_at;
#define FAKE_CATCH(statement)                                              \
	({                                                                 \
		jmp_buf fake_here;                                         \
		jmp_buf *fake_outer = fake_catch_at;                       \
		fake_catch_at = &fake_here;                                \
		enum fake_end fake_how = (enum fake_end)setjmp(fake_here); \
		if (fake_how == FAKE_RETURNED)                             \
			statement;                                         \
		fake_catch_at = fake_outer;                                \
		fake_how;                                                  \
	})
/* What happens to a stop that nobody catches; abort() unless a harness says otherwise. */
extern void (*fake_uncaught)(enum fake_end how);

/* Where the primary was entered (FAKE_ENTERED_GUEST). */
extern struct vm *fake_entered_vm;
extern ipa_t fake_entered_at, fake_entered_fdt;

/* --- the board */

/* Console text since reset, zero terminated, cut at its size. */
extern char fake_console[65536];
extern bool fake_console_echo; /* also to stderr */

/*
 * The debug console's UART. Typed: taken from here, the pointer moves. What came out since reset, zero
 * terminated; how many characters it takes from plat_debug_begin() on; what it asked for at the end.
 */
extern const char *fake_debug_in;
extern char fake_debug_out[65536];
extern u32 fake_debug_room;
extern bool fake_debug_input, fake_debug_output;
void fake_debug_clear(void); /* forgets what came out */

/*
 * A machine record, to be changed by the test before `machine` is set to it by fake_machine_use:
 * RAM of `ram_bytes` at 1 GiB, image and heap at its start, the given number of IOMMUs at
 * FAKE_IOMMU_BASE + n * FAKE_IOMMU_STRIDE, one CPU, one PCI host, a UART window, the modules at
 * the end of the RAM.
 */
#define FAKE_RAM_BASE     0x40000000ull
#define FAKE_IMAGE_SIZE   0x200000ull
#define FAKE_IOMMU_BASE   0x0c000000ull
#define FAKE_IOMMU_STRIDE 0x20000ull
#define FAKE_ECAM_BASE    0x4010000000ull
#define FAKE_UART_BASE    0x09000000ull
struct machine *fake_machine(u64 ram_bytes, u64 heap_bytes, u32 iommus);
void fake_machine_use(const struct machine *m);

void fake_reset(void);
/* Print and abort: the test or the code under test used the machine wrongly. */
void fake_die(const char *fmt, ...) NORETURN PRINTF(1, 2);

#endif
