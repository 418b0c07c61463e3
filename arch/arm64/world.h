/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two worlds of a CPU: the primary's, which is always there, and a secondary's, loaded for the time of one
 * arch_vcpu_run(). world.c says in which order they change.
 */
#ifndef ARM64_WORLD_H
#define ARM64_WORLD_H

#include "hyp/platform.h"
#include "hyp/types.h"
#include "hyp/vm.h"
#include "vgic.h"

#include <arch/percpu.h>

/* EL1's registers that both worlds use, without those whose order matters: SCTLR_EL1, TCR_EL1. */
/* clang-format off */
#define WORLD_EL1_REGS(X)                                                                         \
	X(sp_el0) X(sp_el1) X(elr_el1) X(spsr_el1) X(tpidr_el0) X(tpidrro_el0) X(tpidr_el1)       \
	X(ttbr0_el1) X(ttbr1_el1) X(mair_el1) X(amair_el1) X(vbar_el1) X(contextidr_el1)          \
	X(cpacr_el1) X(afsr0_el1) X(afsr1_el1) X(esr_el1) X(far_el1) X(par_el1) X(csselr_el1)     \
	X(cntkctl_el1) X(mdscr_el1)
/* clang-format on */

struct world_el1 {
#define WORLD_FIELD(reg) u64 reg;
	WORLD_EL1_REGS(WORLD_FIELD)
#undef WORLD_FIELD
	u64 sctlr_el1, tcr_el1;
};

/* Keys A and B for instructions and data, and the generic one; low and high halves. */
struct world_keys {
	u64 key[10];
};

/* fpsimd.S has the layout. */
struct world_fp {
	u64 v[64];
	u64 fpcr, fpsr;
};

#define SVE_VECTOR_MAX    256u /* bytes */
#define SVE_PREDICATE_MAX (SVE_VECTOR_MAX / 8)

/* Z0..Z31 and, from a fixed place on, P0..P15 and FFR, each as long as the CPU's vectors. */
struct ALIGNED(16) world_sve {
	u8 z[32 * SVE_VECTOR_MAX];
	u8 p[17 * SVE_PREDICATE_MAX];
	u64 fpcr, fpsr;
};

struct world_timer {
	u64 ctl, cval;
};

/* A vCPU's registers while it is not loaded, but the general ones. */
struct ALIGNED(64) world {
	struct world_el1 el1;
	struct world_keys keys;
	struct world_timer timer;
	struct world_fp fp;
};

/* What EL1 may do: EL2's control registers. Those that a CPU does not have are not touched. */
struct world_control {
	u64 hcr, hcrx, mpam2, cptr, mdcr, cnthctl, vmpidr, vbar, vttbr;
	u64 fine[6], fine2[5];
};

/* Features of a CPU with state or traps of their own. */
#define HAS_KEYS BIT(0)
#define HAS_SVE  BIT(1)
#define HAS_SME  BIT(2)
#define HAS_PMU  BIT(3)
#define HAS_SPE  BIT(4)
#define HAS_TRBE BIT(5)
#define HAS_TRF  BIT(6)
#define HAS_BRBE BIT(7)
#define HAS_HCX  BIT(8)
#define HAS_FGT  BIT(9)
#define HAS_FGT2 BIT(10)
#define HAS_AMU  BIT(11)
#define HAS_RAS  BIT(12)
#define HAS_D128 BIT(13)
#define HAS_MPAM BIT(14)

/* The primary's debug and profiling while it cannot go on. */
struct world_debug {
	u64 pmcnten, pmuserenr, pmscr, pmblimitr, trfcr, trblimitr, brbcr;
};

/* The primary's view of the virtual timer's interrupt on this CPU. */
struct world_ppi {
	bool enabled, active, pending;
	u8 priority;
};

/* Interrupts of the primary whose state is in the CPU. */
struct world_gic {
	u64 sre, vmcr;
	u64 ap1r[4];       /* of the physical interface */
	u64 virtual_ap0r[4]; /* HCR_EL2.FMO makes the primary's Group 0 virtual */
	struct world_ppi timer;
};

/* One for each CPU. */
struct world_cpu {
	u64 has;   /* HAS_ */
	struct world_control secondary; /* constant but for the part of the vCPU */
	struct world_control primary;   /* this and all below: while a secondary is loaded */
	u64 elr, spsr;
	struct world_el1 el1;
	struct world_keys keys;
	struct world_timer timer;
	struct world_debug debug;
	struct world_gic gic;
	union {
		struct world_fp fp;
		struct world_sve sve;
	};
	u8 last[256];                   /* by VMID: 1 + index of the vCPU that ran here last, 0: none did */
};

/* What is kept for a VM in vm_cpu_view()->arch. */
struct ALIGNED(64) guest_vm {
	u32 ended; /* atomic: PC_POWER_ reason, 0: it has not */
};

static inline struct guest_vm *guest_vm(const struct vm *vm)
{
	return vm_cpu_view(vm)->arch;
}

static inline struct vgic *guest_vgic(const struct vm *vm)
{
	return (struct vgic *)(guest_vm(vm) + 1);
}

/* world_control.c: what a secondary may do on this CPU, once after it started; and the change of who may what. */
void world_control_init(struct world_cpu *cpu);
void world_control_enter(struct world_cpu *cpu, const struct vm_cpu_view *view, u32 index);
void world_control_leave(struct world_cpu *cpu);
/* Debug, profiling and trace of the primary. */
void world_debug_stop(struct world_cpu *cpu);
void world_debug_go_on(struct world_cpu *cpu);

/* world.c */
struct world_cpu *world_cpu(void);
void world_init(void); /* of cpu_init() */
/* The vCPU leaves to the primary with this, unless it leaves already. Size and vCPU are filled in. */
void world_leave(struct vcpu *vcpu, const struct pc_vcpu_exit *exit);
/* Called by vectors.S: an exit of a secondary. True: it goes on. */
bool world_sync(struct vcpu *vcpu, u64 esr);
bool world_irq(struct vcpu *vcpu);
bool world_fiq(struct vcpu *vcpu);
bool world_serror(struct vcpu *vcpu);
/* vectors.S: runs it until one of these says false. And: take an SError that is pending; was there one? */
void world_run(struct vcpu *vcpu);
bool world_serror_take(void);

/* fpsimd.S */
void fp_save(struct world_fp *fp);
void fp_load(const struct world_fp *fp);
void sve_save(struct world_sve *sve);
void sve_load(const struct world_sve *sve);

/* world_timer.c: the virtual timer, which either world has while it runs, and the primary's deadline. */
void world_timer_enter(struct world_cpu *cpu, struct vcpu *vcpu);
void world_timer_leave(struct world_cpu *cpu, struct vcpu *vcpu);
void world_timer_fire(void);
void world_timer_deactivate(void);
void world_timer_host_off(void);
bool world_timer_host_due(const struct world_cpu *cpu);
/* WFI: is the guest's own timer a reason to go on? Else *deadline when there is one. */
bool world_timer_due(const struct vcpu *vcpu, u64 *deadline, bool *armed);

/* vgic_hw.c: the virtual CPU interface. enter and leave change whose it is; load and save are around each round. */
u32 vgic_hw_lrs(void);
void vgic_hw_enter(struct world_gic *primary, const struct vgic_cpu *c);
void vgic_hw_leave(const struct world_gic *primary);
void vgic_hw_load(const struct vgic_cpu *c);
void vgic_hw_save(struct vgic_cpu *c);

/* guest_trap.c: answers a synchronous exit of a secondary. guest_sysreg.c: of them, system registers. */
void guest_trap(struct vcpu *vcpu, u64 esr);
void guest_sysreg(struct vcpu *vcpu, u64 esr);
/* WFI, or what stands for it: leaves when there is nothing to do. */
void guest_idle(struct vcpu *vcpu);
/* guest_id.c: an ID register as a secondary sees it, by CRm and op2; 0 where it sees none. */
u64 guest_id(u32 crm, u32 op2);

/* vcpu.c: a vCPU's registers as after reset. And: these vCPUs (bit = index) have to look at their interrupts. */
void vcpu_reset(struct vcpu *vcpu, u64 entry, u64 argument);
void vcpu_kick(struct vm *vm, u32 set);
/* Physical interrupts that wait for an end that the guest will not make. */
void vcpu_deactivate(struct vcpu *vcpu);

/* psci_guest.c: a secondary's own power. Is the function one of PSCI: then it is done. */
bool guest_psci(struct vcpu *vcpu);
/* Is this vCPU on, and its VM alive? False: vcpu->exit says what it is. Starts it where CPU_ON said. */
bool guest_power_on(struct vcpu *vcpu);
/* The VM has ended: leaves. */
void guest_power_check(struct vcpu *vcpu);
/* Before it first runs: on, or off until somebody says CPU_ON. */
void guest_power_init(struct vcpu *vcpu, bool on);

#endif
