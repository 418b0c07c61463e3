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

/* Interrupt controller and own interrupts (machine.iommu[].event_irq ...), filter state. */
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

/* Enter the primary on the boot CPU at its kernel's entry, x0 = fdt; never returns. */
void arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt) __attribute__((noreturn));

/* Raise an event interrupt of the primary's (machine.event_irq). */
void arch_raise_event_irq(u32 intid);

/* Power of the machine; do not return. */
void arch_system_off(void) __attribute__((noreturn));
void arch_system_reset(void) __attribute__((noreturn));

/* The end: symbolised backtrace of this CPU, stop the others, park. Called by panic(). */
void arch_panic_stop(void) __attribute__((noreturn));

#endif
