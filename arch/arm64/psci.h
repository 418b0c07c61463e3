/* SPDX-License-Identifier: BSD-2-Clause */
/* Power of the CPUs and the machine (Arm DEN 0022, PSCI 1.1), by proxy to the firmware; a secondary's: psci_guest.c. */
#ifndef ARM64_PSCI_H
#define ARM64_PSCI_H

#include "hyp/platform.h"
#include "hyp/upcall.h"

struct percpu;

/* Function identifiers; those with addresses also as SMC64. */
#define PSCI_VERSION           0x84000000u
#define PSCI_CPU_SUSPEND       0x84000001u
#define PSCI_CPU_OFF           0x84000002u
#define PSCI_CPU_ON            0x84000003u
#define PSCI_AFFINITY_INFO     0x84000004u
#define PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define PSCI_SYSTEM_OFF        0x84000008u
#define PSCI_SYSTEM_RESET      0x84000009u
#define PSCI_FEATURES          0x8400000au
#define SMC64                  0x40000000u

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INTERNAL_FAILURE   (-6)
#define PSCI_INVALID_ADDRESS    (-9)

/*
 * Is `function` in the range of PSCI, 0x84000000..1f or 0xc4000000..1f? The two bits of the calling convention are left
 * to psci_decode: this is on the way of every hypercall.
 */
static inline bool psci_is_call(u64 function)
{
	return (function >> 5 & 0x1ffffff) == (PSCI_VERSION >> 5 & 0x1ffffff);
}

/*
 * The part that decides, without touching the machine: psci_rules.c. What to do for a call, or what to answer.
 */
enum psci_action {
	PSCI_ANSWER, /* the result is in `result` */
	PSCI_DO_STANDBY,
	PSCI_DO_CPU_OFF,
	PSCI_DO_CPU_ON,  /* machine.cpu[target], or vCPU `target`, at `entry` */
	PSCI_DO_AFFINITY_INFO,
	PSCI_DO_SYSTEM_OFF,
	PSCI_DO_SYSTEM_RESET,
};

struct psci_request {
	enum psci_action action;
	s64 result;
	u64 mpidr; /* as the guest names the target */
	u32 target;
	u64 entry, context;
};

void psci_decode(const struct machine *m, const struct hcall_args *args, struct psci_request *request);
/* The same for a secondary of `vcpus` vCPUs, named by their index; any address of its own is an entry. */
void psci_decode_vm(u32 vcpus, const struct hcall_args *args, struct psci_request *request);

/* A call of the primary's, by SMC or HVC: the result replaces args->r[0]. CPU_OFF, SYSTEM_* do not return. */
void psci_call(struct hcall_args *args);

/* Any SMC of the primary's. */
void smc_call(struct hcall_args *args);

/* Does this CPU run, or did nobody begin to switch it off? */
bool psci_cpu_is_on(u32 cpu);

/* The CPU that runs this is on from now. */
void psci_boot_cpu_on(void);

/* A CPU that CPU_ON started: enters the primary where that call said. */
void psci_enter(struct percpu *cpu) NORETURN;

#endif
