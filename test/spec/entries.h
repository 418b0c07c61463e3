/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what enters the hypervisor: each function of the call table, each operation of PVIOMMU_OP, each kind of
 * trap and event, with how often its rule has judged it. A line that the implementation has and this table has not, or
 * for which there is no rule, is an error of the specification.
 */
#ifndef SPEC_ENTRIES_H
#define SPEC_ENTRIES_H

#include "hyp/types.h"

/* What is no function of the call table. */
enum spec_entry {
	ENTRY_DISCOVERY, /* SMCCC's calls and the vendor's own */
	ENTRY_UNKNOWN,   /* a call that does not exist */
	ENTRY_ACCESS,    /* an address that the primary's view does not map: configuration space, or nobody's */
	ENTRY_VM_ACCESS, /* the same of a secondary */
	ENTRY_RUN,       /* a vCPU is entered; what it comes back with is VCPU_RUN's */
	ENTRY_VM_CHECK,  /* before each return to a secondary */
	ENTRY_IRQ,
	ENTRY_EXIT_WORK, /* that found something to do */
	ENTRY_STORM,
	ENTRY_WAKE, /* a vCPU that does not run has something pending */
	ENTRY_PSCI, /* from here on the CPU room's, judged in its image only */
	ENTRY_SMC,
	ENTRY_VM_PSCI,
	ENTRY_GICD, /* the primary's accesses to the machine's distributor and redistributors */
	ENTRY_GICR,
	ENTRY_VGIC, /* a secondary's to its own */
	ENTRY_SYSREG,
	ENTRY_VM_SYSREG,
	ENTRY_TRAP, /* how a guest goes on behind an exception that is none of these */
	ENTRY_VM_TRAP,
	SPEC_ENTRIES
};

void entry_judged(enum spec_entry entry);
/* A call that has a row: its function number, and the operation where that is PVIOMMU_OP. */
void entry_call_judged(u32 function, u64 operation);

/* What is missing, as a sentence; NULL: every entry point has a rule. */
const char *entries_missing(void);
/* Line by line: the name of an entry point, and how often it was judged. False: no such line. */
bool entries_line(u32 line, const char **name, u64 *count);

#endif
