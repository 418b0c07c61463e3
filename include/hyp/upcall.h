/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls from the CPU room (arch/<cpu>) up into the core. All run on the hypervisor's stack of
 * the calling CPU, with the hypervisor's interrupts masked, no lock held.
 */
#ifndef HYP_UPCALL_H
#define HYP_UPCALL_H

#include "hyp/addr.h"

struct vcpu;
struct vm;

/* Registers of a call: R0..R6 in, R0..R3 out. 64 bits each; dispatch narrows 32-bit calls. */
struct hcall_args {
	u64 r[7];
};

/*
 * The boot CPU, once: MMU on with the early map, stack, zeroed bss, vectors set. `fdt` is
 * readable up to fdt + fdt_limit. Discovers the machine, brings everything up and enters the
 * primary; never returns.
 */
void hyp_main(const void *fdt, u64 fdt_limit) __attribute__((noreturn));

/*
 * A guest's HVC #0 (VMMCALL). Results replace args->r[0..3]. False: not finished; the arch does
 * not advance the program counter nor write registers, takes pending interrupts and re-enters
 * the guest, which issues the call again.
 */
bool hyp_hypercall(struct vcpu *vcpu, struct hcall_args *args);
/* The same for a secondary's: apart, so that the primary's way is one straight piece of code. */
bool hyp_vcpu_hypercall(struct vcpu *vcpu, struct hcall_args *args);

/* A guest's access to an address that its stage 2 does not map, decoded by the arch. */
struct mem_access {
	ipa_t ipa;
	u8 width;   /* 1, 2, 4, 8 */
	bool write;
	bool valid; /* the instruction was decoded; false: only the address is known */
	u64 value;  /* written; or to be returned, zero-extended */
	bool again; /* out, with false: mapped by now (a change was under way): the guest retries */
};
/*
 * The primary's. True: emulated. False: nobody's address, the arch injects an external abort into
 * the guest, unless `again` is set.
 */
bool hyp_mem_access(struct vcpu *vcpu, struct mem_access *access);
/*
 * A secondary's, likewise; and with vcpu->leave set the primary emulates it: the arch is past a
 * store, and ends a load in arch_vcpu_mmio_done().
 */
bool hyp_vcpu_mem_access(struct vcpu *vcpu, struct mem_access *access);

/*
 * A line that was given to `vm` is asserted again and again and nobody quiets it: the arch has masked
 * it. The device that drives it is quarantined, if it is still that VM's.
 */
void hyp_irq_storm(u32 physical, struct vm *vm);

/* Something is pending now for a vCPU that is not running: the primary hears of it. */
void hyp_vcpu_wake(struct vcpu *vcpu);

/* An interrupt of the hypervisor's own (IOMMU event queue or error), by its INTID. */
void hyp_irq(u32 intid);

/* Before each return to a guest: what is pending and must not depend on an interrupt. */
void hyp_exit_work(struct vcpu *vcpu);
/* And to a secondary: sets vcpu->leave when its VM is being destroyed. */
void hyp_vcpu_check(struct vcpu *vcpu);

#endif
