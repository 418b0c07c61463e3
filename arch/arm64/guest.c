/* SPDX-License-Identifier: BSD-2-Clause */
/* Enters the primary on a CPU, the first or one that it powered on. Owns nothing but the reference to the primary. */
#include "guest.h"

#include "cpu.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/vm.h"
#include "measure.h"
#include "psci.h"
#include "smp.h"

#include <arch/sysreg.h>

static struct vm *primary; /* set before the first guest runs */

void guest_start(u32 index, u64 entry, u64 context)
{
	struct vcpu *vcpu = vm_vcpu(primary, index);
	struct percpu *cpu = this_cpu();

	CHECK(vcpu && vm_cpu_view(primary)->primary);
	vcpu->arch = (struct arch_vcpu){
		.x = { [0] = context },
		.stack_top = cpu->stack_top,
		.elr = entry,
		.spsr = SPSR_EL1H | SPSR_DAIF,
	};
	cpu->vcpu = vcpu;
	cpu_reset_el1();
	cpu_load_vm(vm_cpu_view(primary));
	sysreg_write(hcr_el2, cpu_hcr_primary());
	measure_start();
	guest_enter(vcpu);
}

void arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt)
{
	primary = vm;
	cpu_init();
	psci_boot_cpu_on();
	guest_start(arch_cpu_index(), entry.v, fdt.v);
}
