/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls from the core down into the CPU room. One CPU is linked in; test/fake is another.
 */
#ifndef HYP_ARCH_H
#define HYP_ARCH_H

#include "hyp/addr.h"
#include "hyp/platform.h"
#include "hyp/pt.h"
#include "hyp/status.h"

struct vcpu;
struct vm;
struct iommu;

/* Our image where it lies, a 2 MiB aligned run. */
struct range arch_image(void);

/*
 * How a kernel image of this CPU's boot protocol is entered: `image` is readable for file.size
 * bytes at physical file.base. *room: all memory that it takes, *entry: its first instruction.
 * False: a sentence in *why.
 */
bool arch_kernel_layout(const void *image, struct range file, struct range *room, ipa_t *entry,
			const char **why);

/* Index of this CPU in machine.cpu, below machine.cpu_count. */
u32 arch_cpu_index(void);

/*
 * The hypervisor's own map, final form: image by section (text RX, rodata R, data RW), page
 * records and pools RW, all other RAM RW, device windows, no page writable and executable, guard
 * pages below stacks. Call once on the boot CPU, after platform_discover and before anything
 * touches memory beyond the image.
 */
void arch_map_init(const struct machine *m);

/* Interrupt controller and own interrupts (machine.iommu[].event_irq, machine.debug.irq), filter state. */
void arch_irq_init(const struct machine *m);

/* Format of the CPU's stage 2. */
extern const struct pt_ops *const arch_cpu_pt;

/* Drop every CPU's cached translations of [base, base+size) under `vmid`, with completion. */
void arch_cpu_inval(u16 vmid, ipa_t base, u64 size);

/*
 * IOMMU drivers that belong to this CPU. quiesce: block all DMA of an IOMMU that is not set up
 * yet, first thing at boot (SMMU: GBPA.ABORT). probe: read its features, refuse with a sentence
 * what cannot be made safe, set up tables and queues, everything blocked, translation on.
 */
enum status arch_iommu_quiesce(const struct machine_iommu *hw, const char **why) MUST_CHECK;
enum status arch_iommu_probe(const struct machine_iommu *hw, struct iommu *iommu,
			     const char **why) MUST_CHECK;

/* --- secondary VMs and their vCPUs
 *
 * The core owns the memory: arch_vm_order() and arch_vcpu_order() are log2 of the zeroed pages that
 * the CPU room needs for a VM (vm_cpu_view()->arch) and for each vCPU (`state`). They come from the
 * VM's pool, and go back when no vCPU of it can run again.
 */
u32 arch_vm_order(void);
u32 arch_vcpu_order(void);
void arch_vm_init(struct vm *vm);
void arch_vcpu_init(struct vcpu *vcpu, void *state);

/*
 * A vCPU as after reset, at `entry` with `argument` in its first register, on. The others of a VM
 * are off until the guest itself starts them. Before the vCPU first runs.
 */
void arch_vcpu_set(struct vcpu *vcpu, ipa_t entry, u64 argument);

/*
 * Run a vCPU on this CPU until `vcpu->leave` is set by an up-call, or until the arch has an exit of
 * its own for the primary: PC_EXIT_HOST_IRQ, IDLE, POWER, DEAD. vcpu->exit says which; all registers
 * of the caller's VM are as before. The caller made sure that nobody else runs it. No lock held.
 * arch_vcpu_can_run() was true before: the CPU can, and the caller's VM is in no state that could not be
 * kept (arm64: streaming SVE mode).
 */
bool arch_vcpu_can_run(void);
void arch_vcpu_run(struct vcpu *vcpu);

/* End the load that left with PC_EXIT_MMIO: `value` goes to its register, zero- or sign-extended. */
void arch_vcpu_mmio_done(struct vcpu *vcpu, u64 value);

/* If another CPU runs a vCPU of this VM, make it look at `leave`, its VM and its interrupts soon. */
void arch_vm_kick(struct vm *vm);

/*
 * Drive a virtual interrupt of a vCPU from the primary. E_INVAL: no such interrupt (or software's);
 * E_DENIED: a device was given it. Locks: none of ours.
 */
enum status arch_vcpu_irq(struct vm *vm, u32 vcpu, u64 intid, bool level) MUST_CHECK;

/*
 * Give a physical level interrupt to a VM as its virtual interrupt `intid`, or take it back. While it
 * is given no access of the primary reaches it. arch_irq_take returns when no CPU will deliver it any
 * more. E_INVAL: no such virtual interrupt; E_BUSY: the virtual one is another line's already, or the
 * primary drives it.
 */
enum status arch_irq_give(u32 physical, struct vm *vm, u64 intid) MUST_CHECK;
void arch_irq_take(u32 physical, struct vm *vm);

/*
 * An SPI of a secondary's interrupt controller for events of ours: reserved until it is given back, then nobody's else.
 * E_INVAL: no such interrupt; E_BUSY: a device or the primary drives it. Raised as an edge, and the vCPU hears of it.
 */
enum status arch_vm_event_reserve(struct vm *vm, u64 intid) MUST_CHECK;
void arch_vm_event_release(struct vm *vm, u32 intid);
void arch_vm_event_raise(struct vm *vm, u32 intid);

/* The index-th window of a VM's addresses that the CPU room emulates for it; size 0: no such. */
struct range arch_vm_window(u32 index);

/* Forget what CPUs cached under a VMID, with completion: before it names another VM. */
void arch_cpu_inval_vmid(u16 vmid);
/* Instructions of a guest will be fetched from what was written there: clean it to memory, make it visible. */
void arch_sync_code(const void *page, u64 bytes);

/* Enter the primary on the boot CPU at its kernel's entry, x0 = fdt; never returns. */
void arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt) __attribute__((noreturn));

/* Raise an event interrupt of the primary's (machine.event_irq). */
void arch_raise_event_irq(u32 intid);

/*
 * The index-th cause of exits that are counted, and how often the vCPU had it; NULL: no such. Without a
 * lock. Calls are not counted: their path has no instruction to spare.
 */
const char *arch_exit_count(const struct vcpu *vcpu, u32 index, u32 *count);

/* Power of the machine; do not return. */
void arch_system_off(void) __attribute__((noreturn));
void arch_system_reset(void) __attribute__((noreturn));

/* The end: symbolised backtrace of this CPU, stop the others, park. Called by panic(). */
void arch_panic_stop(void) __attribute__((noreturn));

#endif
