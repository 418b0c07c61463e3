/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of a guest: called by vectors.S on the CPU's stack, the guest's registers in vcpu->arch.x. */
#ifndef ARM64_TRAP_H
#define ARM64_TRAP_H

#include "hyp/types.h"

struct vcpu;

void trap_hvc(struct vcpu *vcpu);            /* HVC #0 */
void trap_sync(struct vcpu *vcpu, u64 esr);  /* all other synchronous exits */
void trap_irq(struct vcpu *vcpu);            /* our interrupts */

/* A trapped MSR or MRS: sysreg_trap.c. */
void trap_sysreg(struct vcpu *vcpu, u64 esr);

#endif
