/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule is a function of the abstract state and a call: it returns the status that the design promises, sets the results,
 * and changes the state as the call changes the machine. A refusal changes nothing. Where the design leaves a choice, the
 * rule looks at the answer, and says when it is none of the allowed ones.
 */
#ifndef SPEC_RULES_H
#define SPEC_RULES_H

#include "abi/pviommu.h"
#include "abi/status.h"
#include "abi/vmm.h"
#include "abstract.h"
#include "spec_check.h"
#include "spec_state.h"

struct spec_call {
	struct spec_vm *vm; /* the caller */
	u32 vcpu;
	u64 r[7];    /* as the guest set them */
	/* what was read of guest memory before the call, by rule_fetch() */
	union {
		struct pviommu_attach_list attach;
		struct pviommu_map_list map;
	} envelope;
	union {
		u32 vsid[PVIOMMU_MAX_VSIDS];
		struct pviommu_map_entry map[PVIOMMU_MAX_LIST];
		struct pviommu_unmap_entry unmap[PVIOMMU_MAX_LIST];
	} list;
	s64 fetched;  /* status of that */
	u64 fails_at; /* the n-th allocation is ordered to fail; 0: none */

	/* the answer */
	bool finished;
	u64 got[7];
	s64 got_status; /* the precise one */

	/* the verdict */
	u64 out[3];
	bool again;   /* it was right not to finish */
	bool take;    /* the state behind it is open: hardware failed */
	u64 spent;    /* pages of the caller's pool, not yet taken from its count */
	struct spec_look look;
};

typedef s64 spec_rule(struct spec_call *c);

#define RULE_PRIMARY   1u
#define RULE_SECONDARY 2u
struct spec_row {
	spec_rule *rule;
	u8 callers;
	u8 first_zero, last_zero; /* registers that must be zero; 0: none */
};
extern const struct spec_row spec_functions[0x183], spec_operations[PVIOMMU_OP_COUNT];

/* What a call reads of its guest's memory; before the call, since the guest may change it. */
void rule_fetch(struct spec_call *c);
/* The whole verdict on a call: fails, or leaves the state as it has to be now. */
void rule_judge(struct spec_call *c);

/* --- for rules */
/* An answer that the design does not allow. */
#define RULE_DEMAND(c, cond, ...)                    \
	do {                                         \
		if (!(cond))                         \
			rule_refuse(c, __VA_ARGS__); \
	} while (0)
void rule_refuse(const struct spec_call *c, const char *fmt, ...) NORETURN PRINTF(2, 3);

/* 2^order pages of the caller's pool for this call; false: there are none. */
bool pool_take(struct spec_call *c, u32 order);
/* What was taken is spent from now on. */
void pool_settle(struct spec_call *c);
/* The live domain of the caller; *why: NOT_FOUND, or BUSY while it is being freed. */
struct spec_domain *live_domain(const struct spec_call *c, u64 id, s64 *why);
static inline bool page_ok(u64 v) { return (v & (SPEC_PAGE - 1)) == 0; }
/* The device and range of MMIO that holds all of [pa, pa + size), NULL: none. */
struct spec_device *device_of_range(u64 pa, u64 size, u32 *range);
struct spec_pv *pv_of(struct spec_vm *vm, u64 id);

spec_rule rule_attach_dev, rule_detach_dev, rule_alloc_domain, rule_free_domain, rule_map_pages, rule_unmap_pages,
	rule_sid_info, rule_query, rule_endpoint_info, rule_attach_list, rule_detach_list, rule_map_list, rule_unmap_list,
	rule_iova_to_ipa, rule_stats;

#endif
