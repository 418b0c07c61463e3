/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the SMMUv3 model. */
#ifndef SMMUV3_MODEL_PRIVATE_H
#define SMMUV3_MODEL_PRIVATE_H

#include "smmuv3_model.h"

/* Bits h..l of a word. */
static inline u64 field(u64 word, u32 h, u32 l) { return (word >> l) & (~0ull >> (63 - (h - l))); }

static inline bool bit(u64 word, u32 n) { return (word >> n & 1) != 0; }

/* Bits h..l of a word in place, which is how an address field reads. */
static inline u64 field_addr(u64 word, u32 h, u32 l) { return field(word, h, l) << l; }

enum table_kind { L1STD,
		  L1CD };

/* A stream-table entry, decoded. */
struct ste {
	enum smmu_event event; /* SMMU_OK: usable */
	bool abort, bypass, stage1, stage2;
	u64 addr; /* where it was fetched */
	/* stage 1 */
	u64 ctx;
	u8 fmt, cd_max, dss;
	bool stalld, mev;
	u8 eats, privcfg;
	/* stage 2, and the VMID of every stream where stage 2 is implemented */
	u16 vmid;
	u64 s2ttb;
	u8 s2_start, s2_bits, s2_out_bits;
	bool s2_record, s2_affd;
	bool alone; /* a request for what stage 1 says alone */
};

/* A context descriptor, decoded. */
struct cd {
	enum smmu_event event;
	u64 addr;
	u64 ttb0;
	u16 asid;
	u8 va_bits, out_bits;
	bool epd0, affd, record, wxn, had;
	u64 mair;
};

struct cached_ste {
	u32 sid;
	struct ste ste;
};
struct cached_cd {
	u32 sid, ssid;
	struct cd cd;
};
/* First-level descriptors of stream and context tables. */
struct cached_l1 {
	enum table_kind kind;
	u32 sid;  /* L1STD: any SID of its span */
	u32 first; /* first SID or SSID that it covers */
	u32 count;
	u64 word;
};

struct cached_leaf {
	bool stage1, global;
	u16 vmid, asid;
	u64 in, out, size;
	u8 level;
	bool guest; /* of a guest's stage 1 */
	bool read, write, user; /* user: unprivileged accesses allowed */
	bool s2_read, s2_write; /* combined entries: what stage 2 allows */
};
/* A table descriptor that was read at `level` and covers [in, in + size). */
struct cached_table {
	bool stage1, guest;
	u16 vmid, asid;
	u64 in, size;
	u8 level;
	u64 table;
};

struct list {
	void *items;
	u32 count, room;
	size_t item;
	u64 changes;
};
void *list_push(struct list *list);
void list_remove(struct list *list, u32 index);
#define LIST_AT(list, type, i) (&((type *)(list)->items)[i])

/* What a device was told, and keeps. */
struct kept {
	u32 sid;
	u64 in, out;
};
struct deaf {
	u32 sid, times;
};

/* An invalidation that was taken from the queue and has no effect yet. */
struct effect {
	u64 word[2];
};

/* An event on its way to the queue. */
#define EVENT_BYTES 32u
struct late_record {
	u64 word[4];
	bool may_merge;
};

struct watch {
	u32 sid, ssid;
	bool has_ssid;
	u64 addr;
};

struct smmu {
	struct smmu_config config;
	enum smmu_time time;

	/* registers */
	u32 idr[6];
	u32 cr0, cr0ack, cr1, cr2, gbpa, gbpa_next, irq_ctrl, irq_ctrlack;
	bool gbpa_pending;
	u32 gerror, gerrorn;
	u64 strtab_base, cmdq_base, evtq_base, priq_base;
	u32 strtab_cfg;
	u32 cmdq_prod, cmdq_cons, evtq_prod, evtq_cons;
	u64 irq_cfg[3][2]; /* gerror, eventq, priq */

	/* caches */
	struct list stes, cds, l1s, leaves, tables;
	struct list kept, deaf; /* by devices */
	struct list effects;
	struct list watches;
	bool speculating;
	/* What a reset leaves in caches is unknown: both must be flushed before translation is on. */
	bool config_flushed, tlb_flushed;

	u8 guest_vmid[0x10000 / 8]; /* a bit each */

	struct list cmds;
	struct list late; /* struct late_record */
	bool events_late;
	u32 events, event_irqs, error_irqs;
	u32 inject_nth, inject_times;
	u32 ones_nth; /* register reads until one is ones */
	u32 wrong_nth; /* until one has every bit wrong */
	u32 error_nth, error_bits; /* until these of GERROR are raised */
	bool ones_for_ever, gone;
	enum smmu_cerror inject_code;
	smmu_cmd_fn *at_command;
	u32 atc_failed; /* errors that the next syncs are to have */
	u32 atc_slow_us;
	u64 atc_until; /* microseconds: until then the sync waits for a device */
	bool refused[256];
	bool failed; /* service failure mode */
	bool at_stores;
	bool fused; /* goes silent after `fuse` more steps */
	u32 fuse;

	smmu_access_hook *hook;
	void *hook_ctx;
	char misuse[200];
};

void smmu_misused(struct smmu *smmu, const char *fmt, ...) PRINTF(2, 3);
u8 smmu_oas_bits(u8 code);
bool smmu_read_mem(struct smmu *smmu, u64 addr, void *out, u32 size);
/* The low bits of a queue pointer that count, wrap bit included. */
static inline u32 queue_log2(u64 base) { return (u32)field(base, 4, 0); }

static inline bool is_guest_vmid(const struct smmu *smmu, u16 vmid) { return (smmu->guest_vmid[vmid / 8] >> vmid % 8 & 1) != 0; }

/* caches */
const struct ste *cache_ste(const struct smmu *smmu, u32 sid);
const struct cd *cache_cd(const struct smmu *smmu, u32 sid, u32 ssid);
const u64 *cache_l1(const struct smmu *smmu, enum table_kind kind, u32 sid, u32 index);
void cache_add_ste(struct smmu *smmu, u32 sid, const struct ste *ste);
void cache_add_cd(struct smmu *smmu, u32 sid, u32 ssid, const struct cd *cd);
void cache_add_l1(struct smmu *smmu, enum table_kind kind, u32 sid, u32 first, u32 count, u64 word);
const struct cached_leaf *cache_leaf(const struct smmu *smmu, bool stage1, u16 vmid, u16 asid,
				     u64 in);
void cache_add_leaf(struct smmu *smmu, const struct cached_leaf *leaf);
/* The deepest cached table on the way to `in`. */
const struct cached_table *cache_table(const struct smmu *smmu, bool stage1, u16 vmid, u16 asid,
				       u64 in);
void cache_add_table(struct smmu *smmu, const struct cached_table *table);
void cache_clear(struct smmu *smmu);
/* An invalidation command takes effect. */
void cache_apply(struct smmu *smmu, const u64 word[2]);

/* commands: SMMU_CERROR_NONE, or why the command is refused */
enum smmu_cerror cmd_check(const struct smmu *smmu, const u64 word[2]);
bool cmd_due(const struct smmu *smmu); /* there is one, and no error before it */
/* Take one command from the queue; false: nothing to do, or stopped by an error. */
bool cmd_step(struct smmu *smmu);

/* walker */
struct ste ste_fetch(struct smmu *smmu, u32 sid, bool cached);
struct cd cd_fetch(struct smmu *smmu, const struct ste *ste, u32 sid, u32 ssid, bool cached);

/* events */
struct event {
	enum smmu_event code;
	u32 sid, ssid;
	bool has_ssid, write, priv, stage2;
	bool may_merge; /* STE.MEV */
	u8 class_; /* 0 CD, 1 TT, 2 IN */
	u64 addr, ipa;
};
void event_record(struct smmu *smmu, const struct event *event);

#endif
