/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a record of the fuzzer means: which call of which VM with which registers, which DMA. One meaning for the host,
 * where test/unit/vm/random_vms.c plays against the core, and for guests in QEMU (test/guest/primary/fuzz_play.c).
 *
 * Here choices are made and answers remembered; who plays makes the calls and says what is there to choose from.
 */
#ifndef PLAY_H
#define PLAY_H

#include <stdbool.h>
#include <stdint.h>

#define PLAY_VMS     3u
#define PLAY_PRIMARY PLAY_VMS /* as `who` */
#define PLAY_PAGES   2600u    /* of the primary's that are played with, from the first on */
#define PLAY_BLOCKS  5u       /* of 2 MiB, likewise */
#define PLAY_DOMAINS 4u
#define PLAY_DEVICES 16u
#define PLAY_RINGS   2u /* by pvIOMMU */
#define PLAY_POISON  0xdeadbeefcafef00dull /* in registers that a call does not use */

enum play_kind { PLAY_CREATE,
		 PLAY_DESTROY,
		 PLAY_DONATE,
		 PLAY_ADD_POOL,
		 PLAY_ASSIGN,
		 PLAY_NAME,
		 PLAY_RELEASE,
		 PLAY_MAP_MMIO,
		 PLAY_MAP_IRQ,
		 PLAY_FINALISE,
		 PLAY_RUN,
		 PLAY_SHARE,
		 PLAY_UNSHARE,
		 PLAY_RELINQUISH,
		 PLAY_GUARD,
		 PLAY_RESET,
		 PLAY_ALLOC,
		 PLAY_FREE,
		 PLAY_MAP,
		 PLAY_UNMAP,
		 PLAY_ATTACH,
		 PLAY_DETACH,
		 PLAY_EVENTS,
		 PLAY_NESTED,
		 PLAY_INVALIDATE,
		 PLAY_RAW,
		 PLAY_KINDS };

struct play_call {
	enum play_kind kind;
	uint32_t who;
	uint64_t r[7];
};

struct play_answer {
	int64_t status; /* PC_*, the precise one */
	uint64_t r1;
};

enum play_state { PLAY_GONE,
		  PLAY_BUILDING,
		  PLAY_RUNNING,
		  PLAY_DYING };

/* A name for an endpoint, and the domain it is attached to by it; 0: none. */
struct play_name {
	uint64_t pviommu, vsid, domain;
};

/* What is played with: set by who plays; handles and domains are remembered here. */
struct play {
	uint64_t pages;           /* address of the first page, a multiple of 2 MiB */
	uint64_t any, any_pages;  /* memory of everybody's */
	uint64_t at;              /* where secondaries get memory */
	uint64_t exit;            /* page for VCPU_RUN */
	uint32_t device_count, endpoints[PLAY_DEVICES];
	uint64_t bar[PLAY_DEVICES];
	uint32_t vm[PLAY_VMS];    /* handles; 0: not there */
	uint32_t domain[PLAY_VMS + 1][PLAY_DOMAINS];
	uint64_t ring[PLAY_VMS + 1][PLAY_RINGS]; /* where each VM's last ones are, or were; 0: there was none */
	uint64_t event_irq;       /* one of the primary's */
	uint64_t first_stage;     /* where the primary has its last one; 0: nowhere */
};

/* --- what a record chooses */

/* One action of `kind` below 24 (of hcall.c's 32): calls, DMA, rings, raw calls, words in memory. */
void play_some_call(struct play *p);
void play_some_dma(struct play *p);
/* A ring of events is set up, anew, or taken away; or its guest writes its line of the header. */
void play_some_events(struct play *p);
/* A first stage of a VM's own: made and attached, changed, or invalidated, entry by entry or from a ring. */
void play_some_nested(struct play *p);
void play_some_raw_call(struct play *p);
void play_some_words(struct play *p);
/* The action of a record; above these it is the player's: kind 24 to 31. */
void play_action(struct play *p);

/* --- who plays */

uint64_t play_below(struct play *p, uint64_t limit); /* limit > 0: a choice of the record's */
struct play_answer play_make(struct play *p, const struct play_call *call);
/* Which CPU of two the call is made on, and how many times a reset of a device must be asked for. */
void play_setting(struct play *p, uint32_t cpu, uint32_t turns);
enum play_state play_state_of(struct play *p, uint32_t handle);
/* Is page n `who`'s, and where is it in its memory? */
bool play_owns(struct play *p, uint32_t who, uint64_t n);
uint64_t play_ipa_of(struct play *p, uint32_t who, uint64_t n);
/* An endpoint of who's that has a name, looked for from device `start` on. */
bool play_named(struct play *p, uint32_t who, uint32_t start, struct play_name *name);
/* The page at p->exit is made ready; false: it is not the primary's now. */
bool play_exit_ready(struct play *p);
/* A device's access; its own memory's addresses where nobody has it, else IOVAs. */
bool play_unassigned(struct play *p, uint32_t device);
void play_dma(struct play *p, uint32_t device, uint32_t endpoint, uint64_t at, bool write);
/* A word of page n, if the primary has it. */
void play_word(struct play *p, uint64_t n, uint64_t offset, uint64_t value);
/* 32 bits of who's own memory, if it has it there and who plays gets at it. */
void play_own_word(struct play *p, uint32_t who, uint64_t ipa, uint32_t value);
void play_hardware(struct play *p, uint32_t kind);

#endif
