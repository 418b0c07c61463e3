/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The abstract state: who owns which page, which domain maps what, which name means which endpoint, what is attached
 * where, and every count that somebody can ask for. Words with names, so that one piece of code compares and prints them.
 *
 * It holds no address of the implementation but those that guests know. Where the design leaves a choice (which pages of a
 * pool, which domain id), the state says what was chosen when the answer told.
 */
#ifndef SPEC_STATE_H
#define SPEC_STATE_H

#include "hyp/types.h"
#include "spec_tree.h"

#define SPEC_VMS       65u /* number 0 is the primary */
#define SPEC_PVS       8u
#define SPEC_DEVICES   256u
#define SPEC_ENDPOINTS 1024u
#define SPEC_DOMAINS   4200u
#define SPEC_SUBS      1024u
#define SPEC_LOOKED    16u
#define SPEC_RAM       16u
#define SPEC_PAGE      4096ull
#define SPEC_BLOCK     0x200000ull

/* A page of RAM: owner 0 is the hypervisor, n + 1 the VM number n. The layout is one word, for comparisons. */
enum spec_page_state { PAGE_MINE,
		       PAGE_SHARED,
		       PAGE_READABLE };
struct spec_page {
	u8 owner;
	u8 state;
	u16 zero;
	u32 pins; /* by mappings of 4 KiB */
};

/* The words of each object, by name. clang-format makes a ladder of them. */
/* clang-format off */
#define SPEC_PV_WORDS(W) \
	W(iommu) W(vsids) W(attached) W(faults) W(lost) W(quarantines) W(ring_pages) W(ring_log2) W(ring_bytes) W(ring_irq)
#define SPEC_VM_WORDS(W) \
	W(handle) W(life) W(vcpus) W(pool_total) W(pool_free) W(pages) W(pages_lost) W(domain_max) W(domains) W(maps) \
	W(unmaps) W(pins) W(mapped) W(open_mmio) W(guards) W(runners) W(teardown) W(cpu_tables) W(dma_tables)
#define SPEC_DOMAIN_WORDS(W) \
	W(id) W(vm) W(dying) W(attached) W(iommus) W(mapped) W(tables) W(nested) W(word0) W(word1)
#define SPEC_DEVICE_WORDS(W) \
	W(state) W(target) W(vm) W(pv) W(frozen) W(blocked) W(clean) W(mmio_away) W(mmio_stuck) W(mmio_pins)
#define SPEC_ENDPOINT_WORDS(W) \
	W(has_vsid) W(vsid) W(domain) W(cookie) W(context) W(bits) W(subs) W(stream)
#define SPEC_VCPU_WORDS(W) \
	W(running) W(load) W(undelivered)
/* clang-format on */

#define SPEC_WORD(name) u64 name;
#define SPEC_RING_PAGES 65u
struct spec_pv {
	SPEC_PV_WORDS(SPEC_WORD)
	u64 ring_page[SPEC_RING_PAGES]; /* ring_pages of them */
};
struct spec_vm_words {
	SPEC_VM_WORDS(SPEC_WORD)
};
struct spec_vcpu_words {
	SPEC_VCPU_WORDS(SPEC_WORD)
};
struct spec_domain_words {
	SPEC_DOMAIN_WORDS(SPEC_WORD)
};
struct spec_device_words {
	SPEC_DEVICE_WORDS(SPEC_WORD)
};
struct spec_endpoint_words {
	SPEC_ENDPOINT_WORDS(SPEC_WORD)
};

/* life */
enum spec_life { VM_NONE,
		 VM_BUILT,
		 VM_RUNS,
		 VM_ENDS };
/* state of a device */
enum spec_device_state { DEV_HOME,
			 DEV_RESETTING,
			 DEV_ASSIGNED,
			 DEV_CLAIMED,
			 DEV_QUARANTINED };
/* stream: what hardware does with it */
#define STREAM_NO       0ull       /* blocked */
#define STREAM_IDENTITY 1ull       /* by the DMA table of its VM */
#define STREAM_DOMAIN   (1ull << 32) /* and the domain's id, of its VM */
#define STREAM_STRANGE  2ull       /* anything else */

/* What a run of a vCPU will have to tell the primary, if something of the guest's has ended it. */
struct spec_exit {
	bool known;
	u64 reason, flags, ipa, data, width, arg[3];
};

struct spec_vcpu {
	struct spec_vcpu_words w;
	struct spec_exit exit;
	bool on; /* since VCPU_SET or CPU_ON */
};

#define SPEC_GUARDS 512u
#define SPEC_VCPUS  8u
struct spec_vm {
	struct spec_vm_words w;
	u64 last_handle; /* no later VM of this place has it again */
	u64 guard[SPEC_GUARDS]; /* w.guards of them */
	struct spec_vcpu vcpu[SPEC_VCPUS];
	struct spec_pv pv[SPEC_PVS];
	struct spec_tree cpu, dma; /* dma: of the primary, and where the VM may own first stages */
};

struct spec_domain {
	struct spec_domain_words w;
	struct spec_tree tree;
	u32 on[8]; /* attachments by IOMMU */
	u64 freed; /* nothing is mapped below, since steps of FREE_DOMAIN come from there */
};

struct spec_device {
	struct spec_device_words w;
	u64 mmio_ipa[16];   /* where a secondary has it, ~0: not */
	u64 mmio_given[16]; /* and how many bytes of it, from its first */
	u64 line[8];      /* a secondary's interrupt for it, 0: none */
	/* constant */
	u32 first, endpoints; /* in the table of endpoints */
	u32 group;
	bool pci;
	u32 mmio_count, line_count;
	struct {
		u64 base, size;
	} mmio[16];
	u32 lines[8];
	const char *name;
	u64 token[16]; /* of its ranges, as it was first told; 0: not yet */
};

struct spec_endpoint {
	struct spec_endpoint_words w;
	/* constant */
	u32 device, index;
	u32 iommu;
	u32 pasid_bits; /* as a guest sees them */
	bool ats;       /* may have a cache of translations */
	u64 token[2];   /* as they were first told */
	bool told;
};

/* An attachment of a PASID above 0. */
struct spec_sub {
	u32 endpoint, pasid;
	u64 domain, cookie;
};

struct spec_iommu {
	bool common, dead;
	u32 pasid_bits;
	/* of a guest's own first stages: are there any, and what entries and commands depend on */
	bool nested, ats, range, ds, stalls, cd_two_level;
	u32 ssid_bits, asid_bits;
};

struct spec_state {
	/* the machine, constant */
	struct {
		u64 base, size;
		u64 first; /* its first page's number */
	} ram[SPEC_RAM];
	u32 ram_count;
	u64 pages;
	u32 iommus, devices, endpoints;
	bool stage1, stage2; /* of the common format */
	struct spec_tree paging, dma, cpu; /* formats: trees without a root */

	struct spec_page *page;
	u32 *block_pins; /* by 2 MiB run of page numbers */
	u32 *page_ipa;   /* a secondary's page: where it has it, in pages */
	u64 hyp_free;    /* pages of the hypervisor's own pool */
	struct spec_iommu iommu[8];
	struct spec_vm vm[SPEC_VMS];
	struct spec_device device[SPEC_DEVICES];
	struct spec_endpoint endpoint[SPEC_ENDPOINTS];
	struct spec_domain domain[SPEC_DOMAINS]; /* those that are there are the first */
	u32 domain_count;
	/* Domains that were looked up since the last comparison; more than fits are all. */
	struct {
		u64 vm, id;
	} looked[SPEC_LOOKED];
	u32 looked_count;
	struct spec_sub sub[SPEC_SUBS];
	u32 sub_count;
};

extern struct spec_state *spec;

/* --- look-ups; NULL: there is none */
struct spec_vm *vm_of(u64 handle);
u32 vm_index(const struct spec_vm *vm);
struct spec_domain *domain_find(u64 vm, u64 id);
struct spec_domain *domain_of(const struct spec_vm *vm, u64 id); /* it is compared after the call */
struct spec_domain *domain_add(const struct spec_vm *vm, u64 id);
struct spec_domain *domain_add_nested(const struct spec_vm *vm, u64 id); /* without a table */
void domain_remove(struct spec_domain *d);
struct spec_endpoint *endpoint_of(const struct spec_vm *vm, u64 pv, u64 vsid);
struct spec_sub *sub_of(const struct spec_endpoint *e, u64 pasid);

/* --- pages */
#define NO_PAGE (~0ull)
u64 page_number(u64 pa); /* NO_PAGE: not RAM */
u64 page_address(u64 number);
static inline u8 owner_of(const struct spec_vm *vm) { return (u8)(vm_index(vm) + 1); }
bool page_usable_by(u64 number, const struct spec_vm *vm, bool write);
/* Are the 2 MiB at pa all alike, and usable? */
bool run_usable_by(u64 pa, const struct spec_vm *vm, bool write);
/* Where the VM's address lies in the machine. */
bool vm_translate(const struct spec_vm *vm, u64 ipa, u64 *pa);
/* The other way: of memory that it has mapped for DMA. */
bool vm_name_of(const struct spec_vm *vm, u64 pa, u64 *ipa);
void pins_add(u64 pa, u64 size, bool block, int by);
/* Copy from a guest; false: some of it is not memory that it may read. */
bool vm_read(const struct spec_vm *vm, u64 ipa, void *to, u64 bytes);
bool vm_may_write(const struct spec_vm *vm, u64 ipa, u64 bytes);

/* --- all of it in words, to compare or print: index and name of a word that differs */
const char *pv_word(u32 i), *vm_word(u32 i), *domain_word(u32 i), *device_word(u32 i), *endpoint_word(u32 i), *vcpu_word(u32 i);

#endif
