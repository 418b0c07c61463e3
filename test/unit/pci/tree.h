/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A software PCI tree behind a fake ECAM: bridges route configuration accesses and memory by
 * their own registers, BARs size as PCI says, and every access is counted and every write logged.
 * Functions can be anything from well-behaved to hostile.
 */
#ifndef TREE_H
#define TREE_H

#include "hyp/pci.h"
#include "iommu/device.h"
#include "suite.h"
#include "vm/vm.h"

#define TREE_MAX    400
#define TREE_ROOT   0xffffu /* parent of functions on a root bus */
#define TREE_WRITES 200000

enum tree_kind { TREE_PLAIN,
		 TREE_EDU,
		 TREE_TESTDEV,
		 TREE_VIRTIO };
enum tree_mood {
	MOOD_GOOD,
	MOOD_ONES,      /* has an id, answers ones to everything else */
	MOOD_GARBAGE,   /* random answers behind a good header */
	MOOD_CHAOS,     /* random answers everywhere */
	MOOD_STUCK_BAR, /* sizes, but does not keep an address */
	MOOD_DEAF,      /* a bridge that does not keep numbers and windows */
};

struct tree_fn {
	u32 host;
	u32 parent; /* index of the bridge, or TREE_ROOT */
	u8 bus;     /* of functions on a root bus */
	u8 devfn;
	enum tree_kind kind;
	enum tree_mood mood;
	u32 good_reads; /* before the mood shows */
	u32 bad_reads;  /* in which it shows; 0: in all from there on */
	u32 reg[1024], initial[1024], writable[1024], clear[1024];
	u32 last_cap, cap_end;
	u32 flr_at, af_at, pcie_at; /* capability with that reset; 0: none */
	u64 reset_us;     /* how long a reset keeps it silent */
	u64 silent_until;
	u64 away_us;      /* who finds it silent or busy is away for so long then, once */
	u32 resets;
	u32 swap_at, swap_id; /* the read of its id from which on it is another; 0: none */
	bool held;        /* in secondary bus reset */
	bool loses_bars;  /* forgets how to keep BARs after a reset */
	/* edu */
	u64 busy_until, dma[4];
	u32 irq;
	/* iommu-testdev */
	bool armed, stubborn;
	u32 result, triggers, dmas;
	/* virtio */
	u32 access_at, feature_word, features[2], status, status_polls, odd_writes;
};

extern struct tree_fn tree[TREE_MAX];
extern u32 tree_count;

/* What fails, of the accesses that a function answers: the n-th from now on; 0: none. */
struct tree_fault {
	u32 read_nth;  /* it answers ones */
	u32 write_nth; /* it does not take it */
	bool for_ever; /* and so it does to all accesses behind that */
	bool takes;    /* but to reads only */
	bool hit;
	u32 fn; /* who was hit */
};
extern struct tree_fault tree_fault;

struct tree_write {
	u32 fn, offset, value, old;
};
extern struct tree_write tree_writes[TREE_WRITES];
extern u32 tree_write_count;
extern u64 tree_reads;
extern u32 tree_strays;    /* memory accesses that nobody decodes */
extern u32 tree_conflicts; /* accesses that two functions answer */
extern u32 tree_masters;   /* writes that let a function (not a bridge) master the bus */

/* The fake machine's host bridge with an empty tree; windows and streams may be changed after. */
struct machine *tree_begin(void);
/* Adds a second host bridge with buses [first, last]. */
void tree_second_host(struct machine *m, u8 first, u8 last);

u32 tree_add(u32 parent, u8 bus, u32 device, u32 function, u32 id, u32 class_code);
u32 tree_endpoint(u32 parent, u32 device, u32 id);       /* bus 0 if parent is TREE_ROOT */
u32 tree_bridge(u32 parent, u8 bus, u32 device, int pcie_type); /* -1: conventional */
#define BAR_KIND_IO   1u
#define BAR_KIND_64   4u
#define BAR_KIND_PREF 8u
void tree_bar(u32 fn, u32 bar, u64 size, u32 kind);
/* Append a capability of `dwords` dwords, at `at` (0: behind the last); returns its offset. */
u32 tree_cap(u32 fn, u32 id, u32 dwords, u32 at);
u32 tree_ext(u32 fn, u32 id, u32 at);
u32 tree_pcie(u32 fn, u32 type, bool flr);
u32 tree_acs(u32 fn, u32 supported);
u32 tree_virtio(u32 parent, u32 device, u32 id, bool access_platform);
void tree_multi(u32 fn); /* function 0 of several */
/* What reset brings back: call when the tree is complete. */
void tree_seal(void);

/* pci_enumerate(), which must succeed; and the device (the core's) of some functions. */
void tree_boot(const struct machine *m);
enum status tree_try(const struct machine *m, const char **why);
struct pci_function *tree_record(u32 fn);
/* A device of `vm` with these functions (-1 ends). */
struct device *tree_device(struct vm *vm, ...);
extern struct vm tree_primary, tree_other;

/* Offset in the host's ECAM of a function as it is numbered now. */
u64 tree_ecam(u32 fn);

/* Everything that must hold after a boot that was not refused, from hardware's registers. */
void tree_check_layout(const struct machine *m);

#endif
