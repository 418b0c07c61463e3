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
	u32 owner; /* of the domain (domain_number) or endpoint; of a secondary's DMA table: its number */
	u64 input;
};

struct leaf {
	u64 va, out, size;
	bool read, write, user;
};

struct table_page {
	u64 addr, input;
	int level; /* -1: of a root of several pages, not the first */
};

/* What a root leads to, walked again when a store has changed one of its pages. */
struct table_look {
	struct smmu_root root;
	struct leaf *leaf; /* in order of va */
	u32 leaf_count, leaf_room;
	struct table_page *page;
	u32 page_count, page_room;
	bool walked, fresh; /* ever; in this look */
};

struct domain_look {
	const struct domain *d;
	struct table_look table;
	u32 tables; /* below the root */
	u64 bytes;
	struct domain_look *next; /* among those that nobody is in */
};

/* One of the primary's two views, identity mapped: what of RAM it maps, and the leaves that are no RAM. */
struct view_look {
	const char *name;
	bool cpu;
	u8 *rights; /* by page of RAM: RIGHT_READ, RIGHT_WRITE */
	u64 mapped; /* pages of RAM */
	struct leaf *device;
	u32 device_count, device_room;
	struct table_page *page;
	u32 page_count, page_room;
	struct place *place;
};
#define RIGHT_READ  1u
#define RIGHT_WRITE 2u

/* A stream that translates, and a page of an IOMMU's stream table. */
struct stream_look {
	u32 smmu, sid;
	struct smmu_stream s;
};
struct stream_page {
	u32 smmu, first, count;
	u64 addr;
};

/* A page record that is not what it was at the last look, as words of the abstract state. */
struct change {
	u32 page;
	u64 was, is;
	u32 block_pins; /* of its run, before */
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

	/* oracle_change.c: what is new since the last look */
	bool anew;              /* this look takes over nothing */
	bool failed;            /* the last one found something */
	bool *stored;           /* by page: table memory that was written */
	u32 *stored_page, stored_count;
	struct page *record;    /* all records, as they were */
	struct page_run *run;
	bool *run_differs;      /* by run: any record does */
	bool *run_dirty;        /* by run: records or what is expected of them */
	struct change *change;
	u32 change_count, block_pin_changes;
	bool *ours;             /* by page: page_is_ours() said so of the records as they are */
	u64 usable;             /* pages that the primary may use */
	bool devices_changed;
	u64 devices;            /* a digest of them */
	char other[120];        /* beside words of the state: what first differs, or empty */

	u32 *pins;       /* expected, by page */
	u32 *block_pins; /* expected, by run */
	u64 mmio_pins[DEVICE_MAX];
	struct place *place; /* of this look */
	u32 *placed, placed_count;
	struct view_look dma, cpu; /* the primary's views */
	struct domain_look **domain; /* of all VMs */
	u32 domain_count, domain_room;
	struct domain_look **past; /* as of the last look; taken over or NULL */
	u32 past_count, past_room;
	struct domain_look *idle;
	struct table_look spare;   /* room for a walk */
	struct table_look view[VM_SECONDARIES + 1], dma_view[VM_SECONDARIES + 1]; /* of secondaries */
	struct stream_page *stream_page;
	u32 stream_page_count, stream_page_room;
	struct stream_look *stream, *past_stream;
	u32 stream_count, stream_room, past_stream_count, past_stream_room;
	u64 strtab[IOMMU_MAX]; /* registers that name the stream table */
	u64 cache_changes;
	struct vm *vm[VM_SECONDARIES + 1]; /* in use */
	u32 vm_count;

	u32 ring_page[(VM_SECONDARIES + 1) * VM_MAX_PVIOMMUS * RING_PAGES_MAX]; /* indices, of the last look */
	u32 ring_page_count;

	u64 used[VM_SECONDARIES + 1]; /* pages of each VM's pool that something is found in */
	u64 ram_of[VM_SECONDARIES + 1]; /* pages that the records say a VM owns */
	struct boot {
		u64 tables;      /* pages of the hypervisor's pool: free, and in the primary's views */
		u64 tables_free;
		u32 vmids, asids; /* in use beyond what VMs and domains have */
	} boot;

	u32 effort, looks, rarely, calls;
	bool losses;
	bool stand_ins;
	bool overlap;
	bool skipped; /* calls since the last look that none was behind */
	bool forgot;  /* there were such before this look */
	struct smmu_cmd stray; /* taken when its VMID was nobody's; 0: none */
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
#define FOR_EACH_VM(it)                                          \
	for (u32 n_##it = 0; n_##it < oracle.vm_count; n_##it++) \
		for (struct vm *it = oracle.vm[n_##it]; it != NULL; it = NULL)
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
u32 ids_in_use(const struct idmap *map);

/* oracle_change.c */
void changes_init(void);
void changes_begin(void); /* of a look: what differs from the last one */
void changes_end(void);   /* it is over */
/* Has the page been written as a table since the last look, or does the look begin anew? */
bool page_stored(u64 addr);
/* V10: something differs that has no words in the state; the first is told. */
void change_found(const char *what, u64 is, u64 was);

/* oracle_hw.c */
void views_init(void);
void commands_init(struct smmu *const *smmu, u32 count);

/* oracle_table.c */
/* An item more in a growing array. */
void *grown(void *items, u32 *room, u32 count, size_t size);
/* Walks the tables below `root` if they may have changed. False: nothing did. */
bool table_look(struct table_look *t, const struct smmu_root *root, const char *what);
/* The page is used as a table of that kind, once, and is ours. */
bool place_set(u64 addr, const struct place *place);
void places_clear(void);

/* Each false: violated() was called. */
bool look_at_core(void);  /* oracle_core.c: V2 (counts), V5, V7, accounts */
bool look_at_vms(void); /* oracle_vm.c: views of secondaries, pools, ids, K4 */
void state_of_vms(void);
void state_of_ring(const struct pviommu *pv);
bool look_at_hardware(void); /* oracle_hw.c: V1, V3, V4, V5, V8 */

/* The first word that the two last looks do not share; ~0u: all are alike. */
u32 state_difference(void);
void state_begin(struct state *s);
void state_section(struct state *s, const char *name);
void state_add(struct state *s, u64 word);

#endif
