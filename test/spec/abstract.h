/* SPDX-License-Identifier: BSD-2-Clause */
/* All that the specification knows of the implementation: what its records and the tables of hardware mean. */
#ifndef SPEC_ABSTRACT_H
#define SPEC_ABSTRACT_H

#include "spec_state.h"

struct vm;

/* What a comparison looks at: everything, or these. */
struct spec_look {
	bool all;
	u32 page_runs, tree_runs;
	struct {
		u64 first, count;
	} page[8];
	struct {
		const struct spec_tree *tree;
		u64 from, to;
	} tree[24];
};
/* A part that the call could have touched; more than fits is everything. */
void look_pages(struct spec_look *look, u64 pa, u64 size);
void look_tree(struct spec_look *look, const struct spec_tree *tree, u64 from, u64 size);

/*
 * The whole machine into `spec`, whose memory for pages is there: zeroed, or with a state of the same machine in it, of
 * which what is still so stays.
 */
void abstract_take(void);
u64 abstract_page_count(void);
/* Does the machine differ from `spec`? A sentence, or NULL. */
const char *abstract_differs(const struct spec_look *look);

/* Both states in words: of each the specification's, and the machine's where that is another. */
void abstract_print(char *to, size_t size);

/* What only the machine can tell. */
u64 abstract_vm_number(const struct vm *vm);
u64 abstract_allocation_fails(void); /* the n-th from now on is ordered to fail; 0: none */
bool abstract_hardware_failed(void);   /* an IOMMU is off for good */
bool abstract_tags_left(u32 vm);       /* for a domain's entries in translation caches */
bool abstract_page_is_zero(u64 at);
/* The CPU room's windows in a VM's addresses, and what a VM is made of, in pages of its pool beside domains. */
bool abstract_in_window(u64 at, u64 size);
bool abstract_window(u64 index, u64 *base, u64 *size);
u64 abstract_vm_parts(u64 vcpus);
u64 abstract_wake_irq(void);
u64 abstract_domain_tags(void); /* the most domains that a secondary can have tags for */
u64 abstract_vm_place(u64 handle);  /* the number of a VM by its handle */
bool abstract_vm_is_there(u32 vm);
u64 abstract_device_state(u32 device);
u64 abstract_device_vm(u32 device);
/*
 * Was something changed that the call is not about (spec_call: mine, moves, returns_pages)? A sentence, or NULL. A page
 * changes hands only to the primary, scrubbed, or is the hypervisor's for good where hardware failed.
 */
struct spec_call;
struct vcpu;
const char *abstract_foreign(const struct spec_call *c);
/* Does an IOMMU's event queue hold something, or has it dropped something? */
bool abstract_events_pending(void);
bool abstract_call_is_fresh(const struct vcpu *vcpu); /* none of its exits since its last call took events */
bool abstract_irq_is_of(u32 intid, u32 iommu);
/*
 * More events may have come since hw_events_count(), or `any` number was taken: counters may have grown more than it says.
 * A sentence if one is less than it was.
 */
const char *abstract_take_faults(bool any);
/* Does a stream flood, so that its faults leave no event until an exit ends that, and tells of a loss? */
bool abstract_streams_muted(void);
bool abstract_config_window(u64 at); /* configuration space, which is emulated for the primary */
bool abstract_can_run(void); /* this CPU, a secondary's vCPU */
bool abstract_event_irq(u64 index, u64 *intid);
bool abstract_pool_has_run(u32 vm, u32 order); /* 2^order free pages side by side, or more */
void abstract_domain_left(u32 vm, u64 id, u64 *mapped, u64 *tables); /* of one that is being freed */

/*
 * Count what waits in an event queue, as far as one exit takes it, for whom it is about. `always`: an interrupt has told of
 * it; else it is looked at where the queue's index says that there is something. `most`: so many the exit takes of it.
 */
void hw_events_count(u32 iommu, bool always, u32 most);

#endif
