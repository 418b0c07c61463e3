/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A software SMMUv3 (Arm IHI 0070 G.b) behind test/fake's registers. Written from the
 * architecture's tables, not from the driver: it has its own encodings and its own walker.
 *
 * It is an unkind SMMU: it does at the latest moment what the architecture lets it delay, keeps
 * in its caches everything that it may keep, refuses every reserved bit, and says when software
 * did what the architecture leaves unpredictable (smmu_misuse).
 */
#ifndef SMMUV3_MODEL_H
#define SMMUV3_MODEL_H

#include "hyp/types.h"

struct smmu_config {
	u64 base; /* physical address of its registers */
	bool stage1, stage2;
	u8 sid_bits;  /* IDR1.SIDSIZE, <= 32 */
	u8 ssid_bits; /* IDR1.SSIDSIZE, <= 20 */
	bool two_level; /* stream table */
	bool cd_two_level;
	bool range_inval;
	bool ats, ats_stage1_only; /* the latter: no split ATS */
	bool hyp;
	bool msi;
	bool sev;
	u8 oas; /* IDR5.OAS: 0 32 bits, 1 36, 2 40, 3 42, 4 44, 5 48 */
	u8 bbml;
	bool asid16, vmid16;
	bool coherent;
	u8 cmdq_bits, evtq_bits; /* log2 of the largest queue */
	u8 stall_model;  /* IDR0.STALL_MODEL; 1: no stalls */
	u32 iidr;
	bool evtq_like_qemu; /* a full event queue raises GERROR.EVTQ_ABT_ERR, never OVFLG */
	bool error_for_each; /* a sync fails once for each ATC_INV before it that is not answered, not once for all */
	bool merges; /* a record like the one before it is not written again where STE.MEV allows that */
};

/* Nested, 16-bit stream ids, no substreams: what QEMU 11.1 has. Registers at `base`. */
struct smmu_config smmu_config_qemu(u64 base);
/* The same with substreams (20 bits), two-level CD tables, ATS and MSI: what QEMU has not. */
struct smmu_config smmu_config_full(u64 base);

/* When the SMMU acts on what software wrote: commands, CR0ACK, GBPA.UPDATE, IRQ_CTRLACK. */
enum smmu_time {
	SMMU_AT_ONCE,  /* inside the register write; a sync that waits for a device, at the first read when its time is over */
	SMMU_ON_READ,  /* at the next register read */
	SMMU_ON_RELAX, /* at io_relax(), a few steps each */
	SMMU_MANUAL,   /* by smmu_step() only */
	SMMU_STUCK,    /* never */
};

struct smmu;

struct smmu *smmu_new(const struct smmu_config *config);
void smmu_free(struct smmu *smmu);
const struct smmu_config *smmu_config_of(const struct smmu *smmu);

/* --- time */

/* Effects of invalidations wait for the CMD_SYNC behind them, except with SMMU_AT_ONCE. */
void smmu_time(struct smmu *smmu, enum smmu_time time);
/* Do at most `steps` of what is due (a command or an acknowledgement each); returns those done. */
u32 smmu_step(struct smmu *smmu, u32 steps);
/*
 * Fetch and cache, as hardware may at any moment, the configuration of every stream that DMA has
 * named so far or smmu_watch() did, and translations that the caches may hold for them.
 */
void smmu_speculate(struct smmu *smmu);
void smmu_watch(struct smmu *smmu, u32 sid, bool has_ssid, u32 ssid, u64 addr);
void smmu_speculate_one(struct smmu *smmu); /* of one of them, by chance */
/* Do that before each table store of the CPU, so that any intermediate state may be cached. */
void smmu_speculate_at_stores(struct smmu *smmu, bool on);

/* --- faults to inject */

enum smmu_cerror { SMMU_CERROR_NONE,
		   SMMU_CERROR_ILL,
		   SMMU_CERROR_ABT,
		   SMMU_CERROR_ATC_INV_SYNC };
/* The n-th command from now on (1: the next) fails so; ATC_INV_SYNC: the next sync then does. */
void smmu_inject_cerror(struct smmu *smmu, u32 nth, enum smmu_cerror code);
/* The same, and it fails again as often as it is tried, `times` in all. */
void smmu_inject_cerrors(struct smmu *smmu, u32 nth, enum smmu_cerror code, u32 times);
u32 smmu_inject_left(const struct smmu *smmu); /* 0: the command was there */
/* The n-th register read from now on is ones; for_ever: and so are all behind it, and nothing is done any more. */
void smmu_inject_ones(struct smmu *smmu, u32 nth, bool for_ever);
u32 smmu_inject_ones_left(const struct smmu *smmu); /* 0: it was read */
/* Every bit of the n-th register read from now on is wrong. */
void smmu_inject_wrong(struct smmu *smmu, u32 nth);
u32 smmu_inject_wrong_left(const struct smmu *smmu);
/* After so many more steps it does nothing any more, for ever (until smmu_time says otherwise). */
void smmu_inject_silence(struct smmu *smmu, u32 steps);
bool smmu_silent(const struct smmu *smmu); /* it has come to that */
/* Every command of this opcode is illegal, or is no more. */
void smmu_refuse(struct smmu *smmu, u8 op, bool on);
/*
 * The next `times` ATC_INV of the stream are not answered: the sync behind them fails, SMMU_ATC_TIMEOUT_US later, and names
 * nobody (4.7.3). What its device has cached stays there.
 */
#define SMMU_ATC_TIMEOUT_US 1500000u
void smmu_atc_deaf(struct smmu *smmu, u32 sid, u32 times);
/* Devices answer to each ATC_INV, but no sooner than `us` after it. */
void smmu_atc_slow(struct smmu *smmu, u32 us);
/* Raise bits of GERROR (EVTQ_ABT 2, PRIQ_ABT 3, MSI 4..7, SFM 8). SFM also stops all DMA. */
void smmu_inject_gerror(struct smmu *smmu, u32 bits);
/* The same just before the n-th register read from now on. */
void smmu_inject_gerror_at(struct smmu *smmu, u32 nth, u32 bits);
u32 smmu_inject_gerror_left(const struct smmu *smmu); /* 0: it was read */

/* --- DMA */

struct smmu_dma {
	u32 sid;
	u32 ssid;
	bool has_ssid;
	bool write;
	bool priv;
	bool translated; /* the device says that the address is translated already (ATS) */
	u64 addr;
	u32 size;
};

/* Events, IHI 0070 7.3. SMMU_OK: done; SMMU_ABORTED: aborted without an event (GBPA, STE). */
enum smmu_event {
	SMMU_OK = 0,
	SMMU_ABORTED = -1,
	SMMU_F_UUT = 0x01,
	SMMU_C_BAD_STREAMID = 0x02,
	SMMU_F_STE_FETCH = 0x03,
	SMMU_C_BAD_STE = 0x04,
	SMMU_F_BAD_ATS_TREQ = 0x05,
	SMMU_F_STREAM_DISABLED = 0x06,
	SMMU_F_TRANSL_FORBIDDEN = 0x07,
	SMMU_C_BAD_SUBSTREAMID = 0x08,
	SMMU_F_CD_FETCH = 0x09,
	SMMU_C_BAD_CD = 0x0a,
	SMMU_F_WALK_EABT = 0x0b,
	SMMU_F_TRANSLATION = 0x10,
	SMMU_F_ADDR_SIZE = 0x11,
	SMMU_F_ACCESS = 0x12,
	SMMU_F_PERMISSION = 0x13,
};

/*
 * Perform a DMA with `buffer` as the device's memory. Pages before a fault are done, as a
 * device's would be; *done (may be NULL) is their bytes.
 */
enum smmu_event smmu_dma(struct smmu *smmu, const struct smmu_dma *dma, void *buffer, u32 *done);
/* The usual: write or read without substream, unprivileged. */
enum smmu_event smmu_dma_write(struct smmu *smmu, u32 sid, u64 addr, const void *from, u32 size);
enum smmu_event smmu_dma_read(struct smmu *smmu, u32 sid, u64 addr, void *to, u32 size);
/*
 * An ATS translation request: SMMU_OK and *pa, or its event. With STE.EATS = 0b10 what the first stage says, which is not yet
 * a physical address. The device keeps it until an ATC_INV.
 */
enum smmu_event smmu_ats_request(struct smmu *smmu, u32 sid, u64 addr, u64 *pa);

/* Does the stream's device still have an answer for the address? */
bool smmu_atc_holds(const struct smmu *smmu, u32 sid, u64 addr);

/* Called with each piece of an access that is about to reach memory. */
typedef void smmu_access_hook(void *ctx, const struct smmu_dma *dma, u64 pa, u32 size);
void smmu_access_hook_set(struct smmu *smmu, smmu_access_hook *hook, void *ctx);

/* --- to look inside */

/*
 * Stage 1 under this VMID is a guest's own, behind a stage 2: what it has in its tables, and its commands, may be nonsense
 * without being misuse, and caches may hold what its contexts were before it said that they have changed.
 */
void smmu_guest_tag(struct smmu *smmu, u16 vmid);

/* A translation that a cache holds now and that DMA would use. */
struct smmu_cached {
	bool stage1; /* tagged by ASID (unless global); else stage 2 alone */
	bool global;
	u16 vmid, asid;
	u64 input, output, size;
	bool read, write, user; /* user: unprivileged accesses too */
};
typedef void smmu_cached_fn(void *ctx, const struct smmu_cached *cached);
void smmu_for_each_cached(const struct smmu *smmu, smmu_cached_fn *fn, void *ctx);

/* A pointer to a table that a cache holds now: the walker may read the table there. */
struct smmu_cached_table {
	bool stage1;
	u16 vmid, asid;
	u64 input, size; /* what the entry that points to it covers */
	u8 level;   /* of that entry */
	u64 table;
};
typedef void smmu_cached_table_fn(void *ctx, const struct smmu_cached_table *cached);
void smmu_for_each_cached_table(const struct smmu *smmu, smmu_cached_table_fn *fn, void *ctx);

/* Grows with each change of what the caches hold. */
u64 smmu_cache_changes(const struct smmu *smmu);

/* A cached STE or CD that differs from the one in memory; false: there is none. */
bool smmu_config_stale(struct smmu *smmu, u32 *sid);

/*
 * The translation that a fresh walk would give now, with no cache looked at or filled: what the
 * tables in memory say. Returns the size of the leaf in *size.
 */
enum smmu_event smmu_walk(struct smmu *smmu, const struct smmu_dma *dma, u64 *pa, u64 *size);

/*
 * Every leaf, and every table page, below a root: as this SMMU would read them, or as the CPU
 * does (`cpu`; for tables that no SMMU walks now). Either function may be NULL.
 */
struct smmu_root {
	u64 table;
	bool stage1;
	u8 bits;  /* input size */
	u8 start; /* level */
	bool cpu;
	u64 input; /* of the first entry: of a table below the real root, where it begins */
};
typedef void smmu_table_fn(void *ctx, u64 table, u64 input, int level);
void smmu_for_each_entry(struct smmu *smmu, const struct smmu_root *root, smmu_cached_fn *leaf,
			 smmu_table_fn *table, void *ctx);

/* The stream's configuration as a fresh fetch sees it, and the tags it translates under. */
struct smmu_stream {
	enum smmu_event event; /* SMMU_OK: the STE (and CD) is good */
	bool abort, bypass, stage1, stage2;
	u16 vmid, asid;
	u8 ssid_bits, s1dss;
	u8 eats;
	u64 ste, ctx, cd; /* addresses */
	u64 root;   /* of stage 1 if there is one, else of stage 2 */
	u64 s2root;
	u8 bits, start; /* of `root` */
};
struct smmu_stream smmu_stream_of(struct smmu *smmu, u32 sid, bool has_ssid, u32 ssid);
/* The pages of the stream table: first stream and number of those described there, 0: it points to others. */
typedef void smmu_stream_page_fn(void *ctx, u64 page, u32 first, u32 count);
void smmu_for_each_stream_page(struct smmu *smmu, smmu_stream_page_fn *fn, void *ctx);
/* Every stream of `count` from `first` on whose entry is valid and does not abort. */
typedef void smmu_stream_fn(void *ctx, u32 sid, const struct smmu_stream *stream);
void smmu_for_each_stream(struct smmu *smmu, u32 first, u32 count, smmu_stream_fn *fn, void *ctx);

/* Commands taken from the queue since creation, in order. */
struct smmu_cmd {
	u64 word[2];
};
u32 smmu_cmd_count(const struct smmu *smmu);
const struct smmu_cmd *smmu_cmd_at(const struct smmu *smmu, u32 index);
u32 smmu_cmd_count_op(const struct smmu *smmu, u8 op, u32 from);
/* Whom to tell of each at the moment that it is taken. */
typedef void smmu_cmd_fn(const struct smmu_cmd *cmd);
void smmu_at_command(struct smmu *smmu, smmu_cmd_fn *fn);
/* Commands whose effect was not complete yet. */
bool smmu_idle(const struct smmu *smmu);
void smmu_log_clear(struct smmu *smmu);

/*
 * Records are on their way for a while: they come to the queue when the test lets them, and no later than a CMD_SYNC that
 * was taken behind their faults completes. Off: at once.
 */
void smmu_events_late(struct smmu *smmu, bool on);
u32 smmu_events_arrive(struct smmu *smmu, u32 count); /* of those, the oldest; returns how many there were */
/* Events recorded (also those that the queue had no room for). */
u32 smmu_event_count(const struct smmu *smmu);
u32 smmu_interrupts(const struct smmu *smmu, bool error); /* raised since creation */

/* What software did wrong first, as a sentence; NULL: nothing. */
const char *smmu_misuse(const struct smmu *smmu);
void smmu_misuse_clear(struct smmu *smmu);

/* Raw register, for tests of the model and of register programming. */
u64 smmu_reg(const struct smmu *smmu, u32 offset);

#endif
