/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The record of every function behind include/hyp/pci.h: what only this room needs, and the one
 * way to configuration space. Written at boot, constant afterwards but where a field says so.
 */
#ifndef PCI_RECORD_H
#define PCI_RECORD_H

#include "hyp/io.h"
#include "hyp/lock.h"
#include "hyp/pci.h"
#include "pci_owner.h"
#include "pci_regs.h"

/* What a bridge forwards, and what BARs are taken from. */
enum pci_span {
	SPAN_IO,
	SPAN_MEM,
	SPAN_PREF,
	SPANS
};

struct pci_window {
	u64 base, end; /* bus addresses, half open; equal: closed */
};

/* A dword of extended configuration space as VMs see it: from the record, never from hardware. */
struct pci_ext_dword {
	u16 offset;
	u32 value;
};
#define PCI_EXT_DWORDS 6

enum pci_reset_phase {
	RESET_IDLE,
	RESET_PLAN,
	RESET_QUIET,
	RESET_HELD,
	RESET_SETTLE,
	RESET_READY,
	RESET_RESTORE,
};

struct pci_state {
	u64 config;               /* address of its 4 KiB */
	u8 row[64];               /* dword of configuration space -> row of the filter's table */
	u32 bar_value[PCI_BARS];  /* registers as assigned */
	u32 bar_mask[PCI_BARS];   /* what sizing answers */
	struct pci_ext_dword ext[PCI_EXT_DWORDS];
	u8 ext_count;
	u16 cap_serial;
	u8 pcie_type;             /* enum pcie_type */
	u16 first_below;          /* bridges: index of the first function on the secondary bus */
	bool has_io, has_pref;    /* bridges: such a window exists, up to the root */
	struct pci_window window[SPANS];
	u32 id, command, timing, devctl; /* what a reset restores */
	u8 reset;                 /* enum reset_method */
	bool unreliable;          /* cfg_ask() had no answer; boot, and who resets it */

	bool stopped;             /* nobody's: reset or quarantine; lock, read without */
	bool intx_masked;         /* by us when it was stopped; lock */
	bool intx_denied;         /* its owner has no line for it; lock */
	u32 sizing;               /* bit n: BAR register n answers its mask; atomic */
	u8 line; /* interrupt line register, atomic */

	/* In the first function of a device; its caller serialises resets of one device. */
	u8 phase;                 /* enum pci_reset_phase */
	bool with_bus;            /* this reset takes the whole secondary bus */
	u64 deadline_us;
	const struct pci_function *at; /* the phase has to deal with the functions from here on */
};

extern struct pci_state pci_state[PCI_MAX_FUNCTIONS];
extern const struct machine *pci_machine;

/* NOLINTNEXTLINE(bugprone-macro-parentheses): it is declared */
#define FOR_EACH_FUNCTION(f, device) for (struct pci_function *f = device_functions(device); (f) != NULL; (f) = (f)->next)

static inline u32 pci_index(const struct pci_function *f)
{
	return (u32)(((uintptr_t)f - (uintptr_t)pci_function) / sizeof(*f));
}

static inline struct pci_state *pci_state_of(const struct pci_function *f)
{
	return &pci_state[pci_index(f)];
}

/* --- configuration space: `offset` is a multiple of 4, below 4096 */

static inline u32 cfg_read_at(u64 config, u32 offset)
{
	return io_read32((const volatile void __mmio *)(uintptr_t)(config + offset));
}

static inline void cfg_write_at(u64 config, u32 offset, u32 value)
{
	io_write32(value, (volatile void __mmio *)(uintptr_t)(config + offset));
}

static inline u32 cfg_read(const struct pci_function *f, u32 offset)
{
	return cfg_read_at(pci_state_of(f)->config, offset);
}

static inline void cfg_write(const struct pci_function *f, u32 offset, u32 value)
{
	cfg_write_at(pci_state_of(f)->config, offset, value);
}

/*
 * What decides about a function at boot and in its resets. Ones are what nobody's answer looks like (PCIe 2.3.2): the function is
 * marked, and whoever began refuses it in the end, so that nothing is taken for a feature, or for the want of one, by mistake.
 */
u32 cfg_ask(const struct pci_function *f, u32 offset);
/* The same where ones may be right: if they are, they are there twice. */
u32 cfg_ask_again(const struct pci_function *f, u32 offset);

static inline void cfg_clear(const struct pci_function *f, u32 offset, u32 bits)
{
	cfg_write(f, offset, cfg_ask(f, offset) & ~bits);
}

static inline u64 pci_config_base(const struct machine_pci_host *h, u32 bus, u32 devfn)
{
	return h->ecam.base + ((u64)(bus - h->bus_first) << 20) + (devfn << 12);
}

/* --- the table of functions; record.c */

/* Empty it, for a boot. */
void record_reset(const struct machine *m);
/* Room for one more function of a host at `rid`; NULL: full. Functions of a bus are neighbours. */
struct pci_function *record_add(u32 host, u32 rid);
/* Index of the function at (host, rid), or RECORD_NONE. In a few instructions. */
#define RECORD_NONE (~0u)
u32 record_find(u32 host, u32 rid);
/* The bridge above, NULL on a root bus. */
struct pci_function *record_parent(const struct pci_function *f);
/* Serialise writes of functions' registers by several CPUs; the last lock but the log's. */
extern struct lock_class pci_class;
void pci_lock(void) ACQUIRES(pci_class);
void pci_unlock(void) RELEASES(pci_class);

/* Make the sentence of a refusal, "0000:00:03.0 (1af4:1001): text"; returns E_INVAL. */
enum status record_refuse(const struct pci_function *f, const char *text, const char **why)
	MUST_CHECK;

/*
 * Depth-first visit of everything below a root bus, without recursion: parent fields are the
 * stack. STEP_DOWN: `bridge` is entered, its secondary bus and first_below must be set before
 * the next call. STEP_UP: all below `bridge` was visited.
 */
struct record_walk {
	u32 host, bus;
	u32 next;   /* function to look at */
	u32 bridge; /* of the step */
	u16 parent;
	bool down;  /* the last step was STEP_DOWN */
};
enum record_step {
	STEP_DOWN,
	STEP_UP,
	STEP_END,
};

void record_walk_begin(struct record_walk *w, u32 host, u32 bus, u32 first);
enum record_step record_walk_next(struct record_walk *w);
/* Is function `index` on that bus (and not past the table)? */
bool record_on_bus(u32 index, u32 host, u32 bus);

/* --- boot, in this order */

/* Masters off everywhere, then buses numbered and the table filled. */
enum status probe_host(u32 host, const char **why) MUST_CHECK;
/* The root buses that probe_host found; ends at `count`. */
struct probe_root {
	u8 host, bus;
	u16 first; /* index of its first function */
};
#define PROBE_ROOTS 32
extern struct probe_root probe_root[PROBE_ROOTS];
extern u32 probe_root_count;

/* Record the capabilities of a function and switch off what is the hypervisor's. */
void caps_record(struct pci_function *f);
/* The second half alone: after a reset. */
void caps_quiet(const struct pci_function *f);
/* Does hardware hold what was switched off? */
bool caps_hold(const struct pci_function *f);
/* What ACS the function has, on; anew when f->ats has changed. */
void caps_acs(const struct pci_function *f);
/* Width of the PASIDs that it sends and that every bridge above lets pass; 0: none. */
u8 caps_pasid_bits(const struct pci_function *f);
/* The next entry of the capability list after `*at` (0: the first); false at its end. `*left`
 * starts at CAP_LIST_MAX and bounds a list that loops. */
bool caps_next(const struct pci_function *f, u32 *at, u32 *left);

/* Size every BAR; ROM off. */
enum status bar_size_all(struct pci_function *f, const char **why) MUST_CHECK;
/* Write BAR n's registers from the record; false: they do not hold it. */
bool bar_write(const struct pci_function *f, u32 bar);

/* Addresses of BARs and windows below one host, written to hardware. */
enum status assign_host(u32 host, const char **why) MUST_CHECK;

/* Requester ids, streams, interrupts, groups of all functions. */
enum status topology_all(const char **why) MUST_CHECK;

/* Refuses a virtio function that would bypass IOMMUs. */
enum status virtio_check(const struct pci_function *f, const char **why) MUST_CHECK;
/* Write 0 to the device status; then does it read 0? */
void virtio_reset(const struct pci_function *f);
bool virtio_is_reset(const struct pci_function *f);
bool virtio_is(const struct pci_function *f);

/* --- the filter's table; rows.c */

enum row_kind {
	ROW_PLAIN,
	ROW_BAR,  /* answered from the record */
	ROW_LINE, /* the interrupt line is memory of ours, the rest plain */
};

/*
 * What a VM sees and may change in one dword. What is written to hardware is the allowed bits of
 * the VM's value and the kept bits of hardware's; all else is zero.
 */
struct pci_row {
	u32 read;  /* bits that show hardware's value */
	u32 ones;  /* bits that read one */
	u32 write; /* bits that the VM sets */
	u32 clear; /* error bits that the VM clears by writing one */
	u32 keep;  /* bits that a write leaves as they are */
	u8 kind;   /* enum row_kind */
};
extern const struct pci_row pci_row[];

/* Which row governs each dword of a function. */
void rows_build(const struct pci_function *f);

/* --- resets */

enum reset_method {
	RESET_BY_HANDLER,
	RESET_BY_FLR,
	RESET_BY_AF,
	RESET_BY_BUS,
};
/* How a function says at boot that it can be reset. */
enum reset_method reset_method_read(const struct pci_function *f);
bool reset_device_known(const struct pci_function *f);
/* Make a function that has its own handler idle. E_IO: it does not obey. *again: not yet. */
enum status reset_device_quiet(const struct pci_function *f, bool *again) MUST_CHECK;

#endif
