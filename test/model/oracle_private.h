/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the oracle: one look at the machine, and what it is compared with. */
#ifndef ORACLE_PRIVATE_H
#define ORACLE_PRIVATE_H

#include "iommu/device.h"
#include "iommu/iommu.h"
#include "vm/vm.h"

#include "oracle.h"

/* What a page of RAM is linked as, or used for. */
enum place_kind { PLACE_NONE,
		  PLACE_DOMAIN,
		  PLACE_DMA,
		  PLACE_CONTEXT,
		  PLACE_RECORDS };
struct place {
	enum place_kind kind;
	int level;
	u32 owner; /* of the domain (domain_number) or endpoint */
	u64 input;
};

struct leaf {
	u64 va, out, size;
	bool read, write, user;
};

struct domain_look {
	const struct domain *d;
	struct leaf *leaf; /* in order of va */
	u32 leaf_count, leaf_room;
	u32 tables; /* below the root */
	u64 bytes;
};

/* The abstract state, as words; sections are named for the message about a difference. */
struct state {
	u64 *word;
	u32 count, room;
	struct section {
		const char *name;
		u32 start;
	} section[32];
	u32 section_count;
};

struct oracle {
	struct smmu *smmu[IOMMU_MAX];
	u32 smmu_count;
	u64 base;  /* of RAM */
	u32 pages;
	u32 runs;

	u32 *pins;    /* expected, by page */
	u32 *block_pins; /* expected, by run */
	u64 mmio_pins[DEVICE_MAX];
	struct place *place;     /* of this look */
	struct place *dma_place; /* of the VM's DMA table: looked at each `effort`-th time */
	struct domain_look *domain; /* of all VMs */
	u32 domain_count, domain_room;

	u64 used[VM_SECONDARIES + 1]; /* pages of each VM's pool that something is found in */
	u64 ram_of[VM_SECONDARIES + 1]; /* pages that the records say a VM owns */
	struct boot {
		u64 tables;      /* pages of the hypervisor's pool: free, and in the primary's views */
		u64 tables_free;
		u32 vmids, asids; /* in use beyond what VMs and domains have */
	} boot;

	u32 effort, looks;
	u64 ownership, looked_at; /* digests of what the primary's views follow */
	bool losses;
	bool stand_ins;
	u64 stores;
	u64 started_us;
	u32 cmds[IOMMU_MAX];

	struct state before, now;
	char why[300];
};
extern struct oracle oracle;

/* The first violation is the one that is told; always false. */
bool violated(const char *fmt, ...) PRINTF(1, 2);
/* Index of a page of RAM, or ~0u. */
u32 page_index(u64 addr);
/* A page that the hypervisor owns and that no pool has as free. */
bool page_is_ours(u64 addr);
#define FOR_EACH_ENDPOINT(e)                                                                \
	for (u32 d_##e = 0; d_##e < device_count; d_##e++)                                  \
		for (struct endpoint *e = device_table[d_##e].endpoint;                     \
		     e != NULL &&                                                           \
		     e < device_table[d_##e].endpoint + device_table[d_##e].endpoint_count; \
		     e++)
u8 start_level(const struct pt_ops *ops);
const struct domain_look *domain_of_tag(bool stage1, u16 vmid, u16 asid);
const struct leaf *leaf_at(const struct domain_look *look, u64 va);

/* Every VM in use, and the number of one: the primary is 0. */
#define FOR_EACH_VM(it)                                                    \
	for (u32 n_##it = 0; n_##it <= VM_SECONDARIES; n_##it++)           \
		for (struct vm *it = vm_at(n_##it); it != NULL; it = NULL) \
			if (it->primary || it->state != VM_FREE)
static inline u32 vm_number(const struct vm *vm) { return vm->owner - OWNER_VM; }
static inline u32 domain_number(const struct domain *d)
{
	return vm_number(d->vm) << 16 | d->index;
}
/* Its memory goes back, so records and view no longer agree; nobody runs it. */
static inline bool vm_dissolves(const struct vm *vm)
{
	return vm->state == VM_DYING && vm->teardown >= TEARDOWN_MEMORY;
}
/* A secondary's view, leaf by leaf. */
void for_each_leaf(const struct vm *vm, smmu_cached_fn *leaf, smmu_table_fn *table, void *ctx);
u32 ids_in_use(const struct idmap *map);

/* Each false: violated() was called. */
bool look_at_core(void);  /* oracle_core.c: V2 (counts), V5, V7, accounts */
bool look_at_vms(void); /* oracle_vm.c: views of secondaries, pools, ids, K4 */
void state_of_vms(void);
bool look_at_hardware(void); /* oracle_hw.c: V1, V3, V4, V5, V8 */

void state_begin(struct state *s);
void state_section(struct state *s, const char *name);
void state_add(struct state *s, u64 word);

#endif
