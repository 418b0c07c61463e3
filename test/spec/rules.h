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
		struct pviommu_alloc_nested nested;
		struct pviommu_invalidate inval;
	} envelope;
	union {
		u32 vsid[PVIOMMU_MAX_VSIDS];
		struct pviommu_map_entry map[PVIOMMU_MAX_LIST];
		struct pviommu_unmap_entry unmap[PVIOMMU_MAX_LIST];
		u64 inval[PVIOMMU_MAX_INVAL][2]; /* of ALLOC_NESTED: the first is its data */
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
	bool take;    /* the state behind it is open */
	/* And what of it: VMs and devices that the call is about; and do pages change hands, to the primary? */
	bool (*mine)(const struct spec_call *c, u32 vm);
	bool (*moves)(const struct spec_call *c, u32 device);
	bool returns_pages;
	bool ran;     /* VCPU_RUN entered the guest */
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
/* An access that a view does not map (hyp/upcall.h); `left`: the vCPU has to leave by it. */
struct mem_access;
void rule_access(struct spec_vm *vm, u32 vcpu, const struct mem_access *was, const struct mem_access *is, bool done,
		 bool left);
/* Is each device of the VM that drives the line, and only those, quarantined now? A sentence if not. */
const char *rule_storm(u32 line, u32 vm);
/* What was raised for the primary when a vCPU that does not run has something pending: how often, and which last. */
void rule_wake(u32 count, u32 intid);
/* A vCPU is about to be run by VCPU_RUN. */
void rule_run_begins(struct spec_call *c);
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
/* The live paging domain of the caller; *why: NOT_FOUND, BUSY while it is being freed, or DENIED: it is nested. */
struct spec_domain *live_domain(const struct spec_call *c, u64 id, s64 *why);
/* rules_nested.c: may the domain be attached there, as far as nested domains have a say? */
s64 may_attach_nested(const struct spec_vm *vm, const struct spec_endpoint *e, const struct spec_domain *d, u64 pasid);
bool nested_here(const struct spec_vm *vm, const struct spec_pv *pv);
s64 fetch_nested(struct spec_call *c);
s64 fetch_inval(struct spec_call *c);
static inline bool page_ok(u64 v) { return (v & (SPEC_PAGE - 1)) == 0; }
/* The device and range of MMIO that holds all of [pa, pa + size), NULL: none. */
struct spec_device *device_of_range(u64 pa, u64 size, u32 *range);
/* How much of [ipa, ipa + size) from its start on is one piece of the machine; false: none of it. */
bool extent(const struct spec_vm *vm, u64 ipa, u64 size, u64 *out, u64 *room);
/* A VM by its handle: NOT_FOUND, or BUSY while it is being destroyed. */
s64 get_vm(u64 handle, struct spec_vm **vm);
/* May something of a VM be at these addresses of it? */
bool place_ok(u64 at, u64 size);
bool pool_ok(u64 pool, u64 pages);
s64 take_pool(struct spec_call *c, u64 pool, u64 pages);
void give_back(struct spec_call *c, u64 pa, u64 pages);
bool is_guarded(const struct spec_vm *vm, u64 at);
s64 fetch_struct(const struct spec_vm *vm, u64 from, void *to, u32 known);
s64 fetch_tail(const struct spec_vm *vm, u64 at, u64 bytes);
/* How many of so many entries a call looks at. */
u32 entries_taken(u32 count, u32 entry_len, u32 known);
struct spec_pv *pv_of(struct spec_vm *vm, u64 id);
/* A pvIOMMU has no ring any more. */
void ring_gone(struct spec_vm *vm, struct spec_pv *pv);

spec_rule rule_attach_dev, rule_detach_dev, rule_alloc_domain, rule_free_domain, rule_map_pages, rule_unmap_pages,
	rule_sid_info, rule_query, rule_endpoint_info, rule_attach_list, rule_detach_list, rule_map_list, rule_unmap_list,
	rule_iova_to_ipa, rule_stats, rule_events_setup, rule_alloc_nested, rule_invalidate;
spec_rule rule_meminfo, rule_mem_share, rule_mem_unshare, rule_mem_relinquish, rule_guard_enroll, rule_guard_map,
	rule_guard_unmap, rule_guard_range_map, rule_guard_range_unmap, rule_console;
spec_rule rule_vmm_query, rule_vm_create, rule_vm_destroy, rule_vm_donate, rule_vm_finalise, rule_vm_add_pool,
	rule_vcpu_set, rule_vcpu_run, rule_vcpu_irq;
spec_rule rule_dev_count, rule_dev_info, rule_dev_endpoints, rule_dev_assign, rule_dev_set_vsid, rule_dev_release,
	rule_dev_map_mmio, rule_dev_map_irq, rule_dev_req_dma, rule_dev_req_mmio, rule_dev_config, rule_dev_reset;

#endif
