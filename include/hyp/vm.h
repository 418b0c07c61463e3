/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU room needs to know of VMs and vCPUs. The rest of struct vm is the core's
 * (hyp/vm/vm.h); the arch part of a vCPU is the CPU room's.
 */
#ifndef HYP_VM_H
#define HYP_VM_H

#include "abi/vmm.h"
#include "hyp/addr.h"
#include "hyp/platform.h"
#include "hyp/types.h"

#include <arch/vcpu.h> /* struct arch_vcpu */

struct hcall;
struct vm;

struct vcpu {
	struct arch_vcpu arch; /* first: entry code addresses it by offset */
	struct vm *vm;
	u32 index;             /* in its VM; for the primary also the physical CPU */
	struct hcall *call;    /* hypercall in progress: the core's working memory */

	/*
	 * A secondary's: `leave` set by whoever answers an exit ends arch_vcpu_run(), and `exit` tells
	 * the primary why. Only the CPU that runs the vCPU touches them.
	 */
	bool leave;
	struct pc_vcpu_exit exit;
	u32 running;           /* atomic: 0 no, 1 a VCPU_RUN has it */
	bool load;             /* the exit was an MMIO load, which the next run ends */
	bool undelivered;      /* the primary has not seen the exit yet */
};

/* The part of a VM that entering it needs. */
struct vm_cpu_view {
	u64 table;  /* physical address of the CPU stage-2 root */
	u16 vmid;
	bool primary;
	u32 vcpu_count;
	void *arch; /* a secondary's: 1 << arch_vm_order() pages of state that the CPU room keeps for the VM */
};
const struct vm_cpu_view *vm_cpu_view(const struct vm *vm);
struct vcpu *vm_vcpu(struct vm *vm, u32 index); /* NULL when out of range */

#endif
