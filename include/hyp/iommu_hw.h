/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core asks of IOMMU hardware: a const table of operations per driver. A board can have
 * several IOMMUs of different kinds, and host tests plug in a software model behind the driver.
 *
 * Streams are hardware stream ids (SMMU StreamID, PCI requester id). A stream is blocked from
 * probe on and until stream_write says otherwise. The driver takes its queue lock inside; the
 * core serialises configuration changes of one stream by the owner's vm lock.
 *
 * Every wait has a limit in microseconds (IOMMU_WAIT_US). E_IO means that hardware did not answer
 * or reported an error: the core then quarantines, keeps the pins and loses the memory.
 */
#ifndef HYP_IOMMU_HW_H
#define HYP_IOMMU_HW_H

#include "hyp/addr.h"
#include "hyp/io.h"
#include "hyp/lock.h"
#include "hyp/pt.h"
#include "hyp/status.h"

struct pool;
struct vm;

#define IOMMU_MAX     8       /* instances on one board */
#define IOMMU_WAIT_US 1000000 /* one completion; Linux waits 1 s */
#define IOMMU_NAME    32

struct iommu_caps {
	bool stage1;       /* guest paging domains in stage 1, with ASIDs */
	bool stage2;       /* stage 2 with VMIDs */
	bool nested;       /* both at once */
	bool ats;          /* devices may have a cache of what a guest's own first stage says, still behind our second */
	bool range_inval;  /* one command covers a range */
	bool split_live;   /* a live block may be replaced by a table (BBML 2) */
	bool coherent;     /* walks snoop; else tables are cleaned to memory */
	u8 asid_bits;      /* 0 without stage 1 */
	u8 vmid_bits;      /* 0 without stage 2 */
	u8 pasid_bits;     /* 0: no substreams */
	u8 sid_bits;
	u8 out_bits;       /* output address size */
	const struct pt_ops *s1; /* formats: stage-1 paging; NULL without */
	const struct pt_ops *s2; /* stage 2 (paging, and the VM's DMA table); NULL without */
};

/*
 * What tags an entry of a translation cache. `users` is the set of IOMMUs (bit = index) that may
 * hold entries under this tag; set before the first use, cleared only after a completed flush.
 */
enum iommu_tag_kind {
	TAG_STAGE1, /* (vmid, asid): paging in stage 1; vmid is meaningless without stage 2 */
	TAG_STAGE2, /* vmid: paging in stage 2 */
	TAG_DMA,    /* vmid: a VM's DMA table; combined entries of nested streams are under it too */
};

struct iommu_tag {
	enum iommu_tag_kind kind;
	u16 asid;
	u16 vmid;
	u32 users;
};

/* A table that a stream or substream translates by. */
struct iommu_table {
	const struct pt *pt;
	const struct iommu_tag *tag;
	bool unrecorded; /* faults leave no event: for a stream that floods the queue */
};

/*
 * The per-stream context that stage-1 translation needs (SMMU: the CD table). Allocated from the
 * VM's pool by ctx_alloc, bound to one stream, freed after the stream is blocked again.
 */
struct stream_ctx {
	pa_t table;
	u16 pages;
	u8 pasid_bits; /* entries: 1 << pasid_bits */
};

enum stream_mode {
	STREAM_BLOCKED, /* refused DMA is reported as an event */
	STREAM_STAGE2, /* translated by `table` in stage 2: identity, or paging on stage-2 hardware */
	STREAM_STAGE1, /* translated by `ctx`; transactions without a PASID are PASID 0's */
	STREAM_QUIET,  /* blocked without an event: for a device that floods the event queue */
	STREAM_NESTED, /* by the guest's own first stage, as `nested` says, and then by `table` in stage 2 */
};

/*
 * What a guest said of a first stage that is its own, in the format of its data_type: checked by nested_check, never
 * interpreted by the core.
 */
#define NESTED_WORDS 3
struct nested_config {
	u64 word[NESTED_WORDS];
	u8 pasid_bits; /* that it uses: the endpoint must have as many */
	bool ats;      /* that the endpoint must have */
	bool ats_on;   /* and that it uses */
};

struct stream_config {
	enum stream_mode mode;
	const struct iommu_table *table; /* STREAM_STAGE2, STREAM_NESTED */
	const struct stream_ctx *ctx;    /* STREAM_STAGE1 */
	const struct nested_config *nested; /* STREAM_NESTED */
	bool forget; /* and where its device keeps translations, it has none when this returns */
	u16 vmid;   /* STREAM_STAGE1: tag of the stream where stage 2 exists */
};

/* What a driver has to know of a stream that a guest's invalidation names by its vSID. */
struct iommu_guest_stream {
	sid_t sid;
	bool nested;      /* under a nested domain now; else nothing of it is in hardware, and nothing is to be done */
	bool quarantined;
	bool ats;         /* its device may have a cache of that domain */
	bool apart;       /* ... and may have been late: it is asked with no other */
	u8 pasid_bits;    /* of its nested domain */
};

/* A piece of address space to drop from the caches. */
struct inval_range {
	u64 base;
	u64 size;      /* multiple of 1 << leaf_shift */
	u8 leaf_shift; /* 12, 21 or 30: size of the leaves that were there */
	bool leaf_only; /* false: table pages were unlinked too, walk caches must go */
};

/* What a hardware event says, before it has an owner. Numbers of kind as in the ABI's reasons. */
struct iommu_event {
	sid_t sid;
	u32 pasid;
	bool has_sid;
	bool has_pasid;
	bool has_addr;
	u8 reason;     /* PVIOMMU_REASON_* of abi/pviommu.h */
	u8 code;       /* the architecture's event code */
	bool read, write, exec, priv, stage2, table_walk, stalled;
	bool invalid_stream; /* of a stream that is blocked: its entry is not valid */
	bool context;  /* about the stream's contexts: ours, unless its first stage is its owner's */
	bool internal; /* about tables that are ours alone, or nothing that a guest could know: never told to one */
	u64 number;    /* in the order of the hardware queue, see event_mark */
	u64 addr;      /* the device's input address */
	u64 ipa;       /* stage-2 input, for the log only */
};

/* What is on its way so that its fate can be told; the driver's. */
struct iommu_watch {
	struct iommu_watch *next;
	u64 first, end; /* what is in the queue between is its */
	sid_t sid;
	u8 fate;        /* PVIOMMU_INVAL_* */
	bool queued;
	bool device;    /* it is the device of `sid` that has to answer, in a batch the first of them */
};

/*
 * Invalidations of a guest for its own first stages: entries of the driver's inval_type, copied from the guest once and
 * rewritten where they are.
 */
struct guest_inval {
	struct vm *vm;        /* with `pviommu`: whose vSIDs they name */
	const struct iommu_tag *tag; /* the VM's DMA table's: the only one that they can be about */
	u64 *entry;
	u64 ticket; /* result: for inval_wait(); 0: nothing was queued */
	u32 pviommu;
	u32 count;
	u32 done;   /* result: checked, and queued as far as there was anything for hardware */
	u32 mishaps; /* the driver's: what its queue had seen before */
	bool turn;  /* result: it asks devices, see iommu_turn() */
	bool mixed; /* result: more than one */
	bool apart; /* the driver's: it asks one that no other may be asked with */
	u64 turn_since; /* microseconds */
	struct iommu_watch watch; /* result, with `turn`: HW_TIMEOUT: one of them was late */
};

struct iommu;

struct iommu_hw_ops {
	const char *driver;
	u8 arch; /* PVIOMMU_ARCH_*: whose event numbers a guest is told */

	/* What a guest calls the formats of its first stage and of their invalidations; where caps.nested. */
	u8 nested_type, inval_type; /* PVIOMMU_NESTED_*, PVIOMMU_INVAL_* */
	u8 nested_bytes, inval_bytes; /* of their structures, multiples of 8 */

	/* Make sure the stream's entry can be written later without allocating; still blocked. */
	enum status (*stream_init)(struct iommu *iommu, sid_t sid) MUST_CHECK;

	/*
	 * Change a stream's configuration; when it returns OK the old one is in no cache. Blocked
	 * and back never shows a half-written entry to the walker.
	 */
	enum status (*stream_write)(struct iommu *iommu, sid_t sid,
				    const struct stream_config *config) MUST_CHECK;

	/* Allocate, or release to its pool, the context of one stream. E_NOMEM, E_NOSYS. */
	enum status (*ctx_alloc)(struct iommu *iommu, struct pool *pool, u8 pasid_bits,
				 struct stream_ctx *ctx) MUST_CHECK;
	void (*ctx_free)(struct iommu *iommu, struct pool *pool, struct stream_ctx *ctx);

	/*
	 * Set (table) or clear (NULL) the entry of one PASID. `live`: the stream translates by this
	 * context now, so the caches are flushed with completion.
	 */
	enum status (*ctx_write)(struct iommu *iommu, sid_t sid, const struct stream_ctx *ctx,
				 u32 pasid, const struct iommu_table *table,
				 bool live) MUST_CHECK;

	/*
	 * Queue the invalidation of `count` ranges under a tag and one sync; ranges NULL: the whole
	 * tag. Does not wait: *ticket is for wait(). E_IO when the queue is dead.
	 */
	enum status (*inval)(struct iommu *iommu, const struct iommu_tag *tag,
			     const struct inval_range *ranges, u32 count, u64 *ticket) MUST_CHECK;

	/* May a guest own such a first stage here? `word` is the guest's, the rest is filled in. E_INVAL. Pure. */
	enum status (*nested_check)(const struct iommu *iommu, struct nested_config *config) MUST_CHECK;

	/*
	 * Check entries from the first on, up to one that is refused or a batch, and queue those before it with one sync at
	 * their end. Returns PVIOMMU_INVAL_* of the entry at `done`, DONE when none was refused, NOT_ATTEMPTED when it has to
	 * be asked again. The vm lock is held; does not wait.
	 */
	u8 (*inval_guest)(struct iommu *iommu, struct guest_inval *g) MUST_CHECK;
	/*
	 * Wait for what it queued. No lock held. E_BUSY: complete, but something was not executed as it was given, perhaps of
	 * this batch: the hardware does not say of whom. E_IO as for wait.
	 */
	enum status (*inval_wait)(struct iommu *iommu, struct guest_inval *g) MUST_CHECK;
	/*
	 * To find out of whom: one of its entries again, as it was rewritten. The vm lock is held; does not wait. Unless
	 * watch->queued, what it returns is what became of it; else inval_fate() waits for that, without a lock: HW_ILLEGAL,
	 * or HW_TIMEOUT: who was asked did not answer (watch->device: the device of watch->sid), or the IOMMU is dead.
	 */
	u8 (*inval_alone)(struct iommu *iommu, const struct guest_inval *g, const u64 *entry,
			  struct iommu_watch *watch) MUST_CHECK;
	u8 (*inval_fate)(struct iommu *iommu, struct iommu_watch *watch) MUST_CHECK;

	/* Wait until the sync of `ticket` is complete. No lock held. E_IO on time-out or error. */
	enum status (*wait)(struct iommu *iommu, u64 ticket) MUST_CHECK;

	/*
	 * Drain at most `max` hardware events into iommu_report_event(); true: more are waiting. iommu->backlog says how
	 * many there were. One CPU at a time (hyp/iommu/drain.c).
	 */
	bool (*events)(struct iommu *iommu, u32 max);
	/* The number that the next event will have that hardware queues: all before are of what was before. */
	u64 (*event_mark)(struct iommu *iommu);

	/* Acknowledge and handle reported errors (SMMU GERROR). */
	void (*error)(struct iommu *iommu);
};

struct iommu {
	const struct iommu_hw_ops *ops;
	void *hw;             /* the driver's */
	struct iommu_caps caps;
	char name[IOMMU_NAME];
	u32 index;
	bool dead;            /* hardware failed: every stream behind it stays blocked; atomic */
	bool told;            /* and the owners of endpoints behind it know */
	bool asking;          /* a guest's call waits for devices; atomic */

	/*
	 * Polled at every exit of a guest, so it is one register and a comparison: events() has
	 * something to do when (register & poll_mask) != poll_idle. The driver keeps poll_idle.
	 */
	const volatile void __mmio *poll;
	union {
		struct {
			u32 poll_mask;
			u32 poll_idle;
		};
		u64 poll_both; /* mask 31:0, idle 63:32: one load for a poll, which another CPU's drain may be beside */
	};
	u32 backlog;    /* events that waited when the last drain began, of at most event_room */
	u32 event_room;
	u32 poll_force; /* a bit outside poll_mask while events() is to be called at every exit: drain.c */
	bool loss_owed; /* events were lost, and who is behind it is not told yet: of who drains */
};

/* It may fail at any moment, on any CPU; once it has, it is dead for ever. */
static inline bool iommu_is_dead(const struct iommu *iommu)
{
	return __atomic_load_n(&iommu->dead, __ATOMIC_RELAXED);
}

/* Has the driver's events() something to do? Errors come by interrupt, and with events. */
static inline bool iommu_pending(const struct iommu *iommu)
{
	const u64 both = __atomic_load_n(&iommu->poll_both, __ATOMIC_RELAXED);

	return (u64)(io_read32(iommu->poll) & (u32)both) != both >> 32;
}

/*
 * Up-call of drivers: the stream of this IOMMU that a guest's entry names, false: it has none of that name there.
 * hyp/iommu/guest_stream.c.
 */
bool iommu_guest_stream(const struct iommu *iommu, const struct guest_inval *g, u32 vsid, struct iommu_guest_stream *out);
/* The same by the stream that it was: false: it is not that guest's any more. */
bool iommu_guest_stream_still(const struct iommu *iommu, const struct guest_inval *g, sid_t sid,
			      struct iommu_guest_stream *out);
/*
 * Before the first entry that a device has to answer: one call at a time asks devices, so that one that does not answer holds
 * up the queue as long as it takes, whatever number of CPUs ask it. False: it is another's turn, and the call ends there.
 */
bool iommu_turn(struct iommu *iommu, struct guest_inval *g) MUST_CHECK;
/* Up-call of drivers: an event was taken from the hardware queue. hyp/iommu/fault.c. */
void iommu_report_event(struct iommu *iommu, const struct iommu_event *event);
/* Up-call, of error() and events() only: events were lost, the count is unknown. */
void iommu_report_overflow(struct iommu *iommu);

#endif
