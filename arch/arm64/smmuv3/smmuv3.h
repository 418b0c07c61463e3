/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMMUv3 driver's own state and the calls between its files. Nothing outside this folder
 * includes it but tests; the core sees include/hyp/iommu_hw.h.
 *
 * Locks: cmdq.lock and evtq.lock, both of the queue class and never held together. Stream and
 * context entries are serialised by the core, per stream.
 */
#ifndef SMMUV3_H
#define SMMUV3_H

#include "hyp/config.h"
#include "hyp/iommu_hw.h"
#include "hyp/platform.h"
#include "smmuv3_regs.h"

#define CMDQ_LOG2_WANT  8  /* 256 commands, 4 KiB */
#define EVTQ_LOG2_WANT  12 /* 4096 events: one refused DMA can be dozens */
#define STRTAB_SPLIT    8  /* stream table leaves of 256 entries, 16 KiB */
#define STRTAB_LOG2     20 /* what a two-level table covers by itself */
#define STRTAB_LOG2_MAX 24 /* and at most, if the board has such streams */
#define LINEAR_LOG2_MAX 14 /* a linear table of 1 MiB */
#define CD_SPLIT        10 /* two-level context tables: leaves of 1024 entries, 64 KiB */
#define CD_SPLIT_4K     6  /* a guest may have leaves of a page, of 64 entries */
#define CD_LEAF_ORDER   4
#define CD_LINEAR_BITS  12 /* the most that one pool allocation holds */
#define CD_TWO_BITS     16 /* 1025 pages for one stream; beyond that nobody is served */
#define REG_WAIT_US     100000
/* What a guest can have in the queue beside syncs: far less than a lap, so that others find room. */
#define GUEST_BATCH 64u
#define ATC_WAIT_US (4 * IOMMU_WAIT_US) /* while devices have caches: an SMMU gives up one of them in a second or so */
#define TLBI_BUDGET 64 /* commands; more is one flush of the tag */

/* Deviations that IIDR names. */
#define QUIRK_NO_NESTING BIT(0)
#define QUIRK_SYNC_63    BIT(1) /* at most 63 commands between two CMD_SYNC */
#define QUIRK_REPEAT     BIT(2) /* each TLBI or CFGI with its CMD_SYNC, twice */

/* What the identification registers say, read once. */
struct smmuv3_id {
	u32 idr0, idr1, idr3, idr5, iidr, aidr;
};

/* What they mean to the encoders. */
struct smmuv3_features {
	bool stage1, stage2;
	bool coherent;
	bool range;      /* TLBI by range */
	bool split_live;
	bool two_level;  /* stream tables */
	bool cd_two_level;
	bool stall_off;  /* STE.S1STALLD must be set: stalls are configurable */
	bool types_ovr;  /* STE.SHCFG is looked at */
	bool ats;        /* that can be given to a guest's stage 1: split, behind our stage 2 */
	bool ats_check;  /* there is ATS of some kind: translated transactions have to be checked */
	bool hyp, msi;
	bool ds;         /* 52-bit descriptors: ranges of more than 2^31 granules */
	u8 asid_bits, vmid_bits, pasid_bits, sid_bits;
	u8 ssid_bits;    /* that hardware has; pasid_bits is what our own tables reach */
	u8 out_bits;     /* at most 48 */
	u8 oas;          /* the same as an IPS / S2PS code */
	u8 cmdq_log2, evtq_log2;
	u32 quirks;
};

/* How entries under a kind of tag are invalidated: opcodes, 0 for none. */
struct smmuv3_tlbi {
	u64 single;    /* one page by one command and its sync; 0: take the long way */
	u64 by_range;  /* 0: this SMMU has no such entries, or has failed */
	u64 whole;
	u64 then;      /* after by_range and a sync of their own: combined entries */
	u64 id_mask;  /* VMID and ASID, as far as this SMMU has them */
};

struct smmuv3_cmdq {
	u64 *base;
	u64 prod;  /* commands given to hardware since start; lock for writing */
	u64 cons;  /* lock; how many of them are known to be consumed */
	u32 size;  /* a power of two */
	u32 wrap;  /* 2 * size - 1: index and wrap bit */
	u32 burst; /* commands between two syncs */
	struct spinlock lock;
	u64 bad;   /* lock; position of the last command error */
	u32 tries; /* lock; errors there */
	u32 errors; /* lock for writing; since start */
	u32 mishaps; /* lock for writing; commands that were not executed as they were given */
	u32 patience; /* microseconds without progress before the queue is given up */
	struct iommu_watch *watched; /* lock */
};

struct smmuv3_evtq {
	u64 *base;
	u32 size;
	u32 wrap;
	u32 cons; /* lock; as in the register: index, wrap bit, OVACKFLG */
	u64 taken; /* lock; records since start */
	struct spinlock lock;
};

struct smmuv3_strtab {
	u64 *base; /* entries, or level 1 descriptors */
	u8 log2;
	bool two_level;
};

/* What a guest may ask by an opcode, on this SMMU: guest_cmd.c. */
#define GUEST_OPS (OP_ATC_INV + 1)
struct smmuv3_guest_rule {
	u64 may[CMD_WORDS];   /* all bits that may be set, the opcode's among them; 0: it may not be asked */
	u64 range[CMD_WORDS]; /* the fields of a range, where it has them */
	u8 issue;           /* the opcode that hardware gets */
	bool vmid;          /* about the VMID, which is ours to write; else about a stream */
	bool ats, hint;
};

struct smmuv3 {
	volatile u8 __mmio *regs;
	struct smmuv3_tlbi tlbi[3]; /* by enum iommu_tag_kind */
	struct smmuv3_cmdq cmdq;
	bool dead;                  /* cmdq.lock for writing */
	u32 gerrorn;                /* cmdq.lock; SMMU_GERRORN */
	u32 gerror_seen;            /* cmdq.lock; kinds that were logged */
	struct smmuv3_evtq evtq;
	struct smmuv3_strtab strtab;
	struct smmuv3_features f;
	struct iommu *iommu;
	const struct smmuv3_guest_rule *guest; /* by opcode, GUEST_OPS of them */
};
_Static_assert(GUEST_OPS * sizeof(struct smmuv3_guest_rule) <= PAGE_SIZE, "guest_inval.c takes a page");

static ALWAYS_INLINE struct smmuv3 *smmuv3_of(const struct iommu *iommu)
{
	return iommu->hw;
}

/* The hypervisor maps device windows at their physical addresses. */
static inline volatile u8 __mmio *smmuv3_regs_at(const struct machine_iommu *hw)
{
	return (volatile u8 __mmio *)(uintptr_t)hw->regs.base;
}

/* probe.c */
struct smmuv3_id smmuv3_read_id(const volatile u8 __mmio *regs);
/* False: *why says what cannot be made safe. `streams`: stream ids of the board are below it. */
bool smmuv3_decode_id(const struct smmuv3_id *id, bool coherent, struct smmuv3_features *f,
		      const char **why) MUST_CHECK;
bool smmuv3_fits_board(const struct smmuv3_features *f, u64 ram_end, u64 streams,
		       const char **why) MUST_CHECK;
/* Log2 of the entries of a linear table that the board's streams need. */
u8 smmuv3_sid_bits(u64 streams);

/* start.c */
/* Write a register that acknowledges itself in another one. False: it did not. */
bool smmuv3_write_acked(volatile u8 __mmio *regs, u32 reg, u32 ack, u32 value) MUST_CHECK;

/* ops.c */
extern const struct iommu_hw_ops smmuv3_ops;

/* errata.c */
u32 smmuv3_quirks(u32 iidr);

/* ste.c, cd.c: pure */
void smmuv3_ste_encode(u64 ste[STE_WORDS], const struct smmuv3_features *f,
		       const struct stream_config *config);
void smmuv3_cd_encode(u64 cd[CD_WORDS], const struct smmuv3_features *f,
		      const struct iommu_table *table);

/* guest_ste.c, guest_cmd.c: what a guest may say of its own stage 1; pure */
#define GUEST_STE_WORDS 2
bool smmuv3_guest_ste_ok(const struct smmuv3_features *f, u8 ipa_bits, const u64 ste[GUEST_STE_WORDS]);
/* S1CDMax of an entry that translates by stage 1, else 0. */
u8 smmuv3_guest_ste_pasid_bits(const u64 ste[GUEST_STE_WORDS]);
/*
 * The command that hardware gets in place of a guest's, under the guest's own VMID and on its stream (NULL: the guest has no
 * stream of that name). PVIOMMU_INVAL_*; DONE with out[0] 0: nothing is left to do for hardware.
 */
u8 smmuv3_guest_cmd(const struct smmuv3_features *f, u16 vmid, const u64 in[CMD_WORDS],
		    const struct iommu_guest_stream *stream, u64 out[CMD_WORDS]);

/*
 * entry.c: the one writer of stream table entries and context descriptors. Each store leaves
 * what hardware reads as the old entry, an invalid one, or the new one.
 */
struct smmuv3_entry {
	u64 *words;    /* eight */
	u64 valid;     /* the V bit, in word 0 */
	enum { ENTRY_UNREACHABLE,
	       ENTRY_STE,
	       ENTRY_CD } cached; /* what to drop from caches */
	u32 sid, ssid;
};
enum status smmuv3_entry_write(struct smmuv3 *s, const struct smmuv3_entry *e,
			       const u64 next[STE_WORDS]) MUST_CHECK;
/* Stores to tables are where the walker sees them. */
void smmuv3_publish(const struct smmuv3 *s, const void *start, u64 size);

/* stream.c */
void smmuv3_strtab_init(struct smmuv3 *s, u64 streams);
enum status smmuv3_stream_init(struct iommu *iommu, sid_t sid) MUST_CHECK;
enum status smmuv3_stream_write(struct iommu *iommu, sid_t sid,
				const struct stream_config *config) MUST_CHECK;

/* context.c */
enum status smmuv3_ctx_alloc(struct iommu *iommu, struct pool *pool, u8 pasid_bits,
			     struct stream_ctx *ctx) MUST_CHECK;
void smmuv3_ctx_free(struct iommu *iommu, struct pool *pool, struct stream_ctx *ctx);
enum status smmuv3_ctx_write(struct iommu *iommu, sid_t sid, const struct stream_ctx *ctx,
			     u32 pasid, const struct iommu_table *table, bool live) MUST_CHECK;

/* tlb.c */
void smmuv3_tlbi_init(struct smmuv3 *s);
enum status smmuv3_inval(struct iommu *iommu, const struct iommu_tag *tag,
			 const struct inval_range *ranges, u32 count, u64 *ticket) MUST_CHECK;
/* Drop every configuration and translation, with completion. */
enum status smmuv3_flush_all(struct smmuv3 *s) MUST_CHECK;

/* guest_inval.c */
void smmuv3_guest_init(struct smmuv3 *s);
u8 smmuv3_inval_guest(struct iommu *iommu, struct guest_inval *g) MUST_CHECK;
enum status smmuv3_inval_wait(struct iommu *iommu, struct guest_inval *g) MUST_CHECK;

/* alone.c */
u8 smmuv3_inval_alone(struct iommu *iommu, const struct guest_inval *g, const u64 *entry,
		      struct iommu_watch *watch) MUST_CHECK;
u8 smmuv3_inval_fate(struct iommu *iommu, struct iommu_watch *watch) MUST_CHECK;
/* Nothing is left in the stream's device of what it has cached; E_IO: it does not say so. */
enum status smmuv3_atc_flush(struct smmuv3 *s, u32 sid) MUST_CHECK;

/* events.c */
bool smmuv3_event_decode(const u64 record[EVT_WORDS], struct iommu_event *event);
bool smmuv3_events(struct iommu *iommu, u32 max);
u64 smmuv3_event_mark(struct iommu *iommu);

/* gerror.c */
void smmuv3_error(struct iommu *iommu);
/* Handle a command error, if one is active. */
void smmuv3_cmdq_recover(struct smmuv3 *s) MUST_HOLD(queue_class);
/* This SMMU is not to be trusted any more: block everything, refuse every later call. */
void smmuv3_fail(struct smmuv3 *s, const char *why) MUST_HOLD(queue_class);
/* Test builds panic on CERROR_ILL, which only a bug of ours can cause, unless this is false. */
extern bool smmuv3_ill_panics;

#endif
