/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paravirtual IOMMU: operations of PC_PVIOMMU_OP (R0 = 0xc600003e, R1 = operation), their
 * structures and limits. Version 1.0.
 *
 * Rules for every structure: little-endian, natural alignment, reserved members zero. `size` at
 * offset 0 is the caller's size: below the published size is PC_INVALID_PARAMETER, above the
 * known one the tail must be zero, else PC_TOO_BIG. Structures and arrays are copied in once and
 * only the copy is checked and used.
 *
 * Units: IOVA, IPA and sizes are bytes and multiples of the 4096-byte granule.
 */
#ifndef ABI_PVIOMMU_H
#define ABI_PVIOMMU_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define PVIOMMU_GRANULE 4096u

/*
 * Operations 0..0x3F: wire-compatible with pKVM; R0 is 0, -1 or -3, R3 the precise status.
 *
 * Every operation that names a pvIOMMU, an endpoint or a domain answers PC_NOT_FOUND where the caller has no such
 * one. A domain id counts in all its bits: one that was freed does not name what takes its place. While FREE_DOMAIN
 * works, another call on the domain is PC_BUSY.
 *
 * ATTACH_DEV    PC_EXISTS that domain is there already. PC_NOT_SUPPORTED a PASID other than 0 where there are none,
 *               or before PASID 0 was attached; PC_INVALID_PARAMETER one beyond the pasid_bits that PASID 0 was
 *               attached with, which are read then only. PC_BUSY the device is being reset, or a nested domain would
 *               be beside another. PC_DENIED quarantined. Another domain in the place of one needs no detach. After
 *               PC_IO a device whose stream was being changed is quarantined; after any other error nothing has
 *               changed.
 * DETACH_DEV    PC_NOT_FOUND that domain is not attached there. PC_BUSY PASID 0, with others attached. PC_IO:
 *               quarantined.
 * ALLOC_DOMAIN  PC_NO_MEMORY domains, tags or pool pages are exhausted.
 * FREE_DOMAIN   PC_BUSY it is attached, or an unmap of another vCPU is not complete. What is mapped goes too.
 * MAP_PAGES     maps from the first page on. R1 below R5 with PC_SUCCESS: so far for one call (see the limits), call
 *               again from there. An error maps nothing of its call. PC_INVALID_PARAMETER alignment, a range that
 *               wraps or leaves the IOVA space, prot without READ and WRITE; PC_EXISTS something is mapped there;
 *               PC_BUSY an unmap of these IOVAs is not complete, or a page is mapped as often as can be counted;
 *               PC_FAULT not memory of the VM, or WRITE of what it may only read; PC_DENIED with MMIO: not that of
 *               one device of it; PC_NO_MEMORY tables.
 * UNMAP_PAGES   unmaps from the first page on, up to the first that is not mapped: PC_INVALID_PARAMETER, and R1 says
 *               what was unmapped before it. So with PC_NO_MEMORY and PC_BUSY, where a larger leaf can not be split.
 *               R1 below R4 with PC_SUCCESS: call again from there. Devices reach none of R1 any more when the call
 *               returns. PC_IO: they may, R1 is 0, the range is unmapped and its pages stay pinned.
 */
#define PVIOMMU_ATTACH_DEV   0x00 /* R2 pvIOMMU, R3 vSID, R4 PASID, R5 domain, R6 pasid_bits */
#define PVIOMMU_DETACH_DEV   0x01 /* R2 pvIOMMU, R3 vSID, R4 PASID, R5 domain, R6 zero */
#define PVIOMMU_ALLOC_DOMAIN 0x02 /* R2..R6 zero -> R1 domain */
#define PVIOMMU_FREE_DOMAIN  0x03 /* R2 domain, R3..R6 zero */
#define PVIOMMU_MAP_PAGES    0x04 /* R2 domain, R3 IOVA, R4 IPA, R5 bytes, R6 prot -> R1 bytes mapped */
#define PVIOMMU_UNMAP_PAGES  0x05 /* R2 domain, R3 IOVA, R4 bytes, R5..R6 zero -> R1 bytes unmapped */
#define PVIOMMU_SID_INFO     0x06 /* R2 pvIOMMU, R3 vSID -> R1 endpoint flags */

/*
 * Operations from 0x40: ours; R0 is the precise status. The structures are below, with what their operations answer.
 *
 * QUERY         PC_NOT_SUPPORTED no such property; PC_NOT_FOUND no such index.
 * ATTACH_LIST   all or none, each as by ATTACH_DEV; PC_INVALID_PARAMETER a vSID twice, or contexts for more than
 *               16,384 PASIDs in all. PC_IO: all are quarantined that had been reached.
 * DETACH_LIST   all or none, each as by DETACH_DEV. On PC_IO those that failed are quarantined, the others detached.
 * MAP_LIST      each entry as by MAP_PAGES, in order. R1 is the bytes from the first entry on, also on an error: of
 *               the entries before the one that failed, which maps nothing. R1 below the sum with PC_SUCCESS: call
 *               again for the rest of that entry and those behind it.
 * UNMAP_LIST    each entry as by UNMAP_PAGES, in order, and one invalidation for all. R1 as there: with what the
 *               failing entry had unmapped.
 * IOVA_TO_IPA   PC_NOT_FOUND nothing is mapped there.
 * STATS         PC_NOT_SUPPORTED no such counter.
 */
#define PVIOMMU_QUERY         0x40 /* R2 pvIOMMU, R3 property, R4 index -> R1 value */
#define PVIOMMU_ENDPOINT_INFO 0x41 /* R2 pvIOMMU, R3 vSID -> R1 flags, R2 PASID bits | group-id bits << 8, R3 isolation group */
#define PVIOMMU_ATTACH_LIST   0x42 /* R2 IPA of struct pviommu_attach_list */
#define PVIOMMU_DETACH_LIST   0x43 /* R2 IPA of struct pviommu_attach_list */
#define PVIOMMU_ALLOC_NESTED  0x44 /* R2 IPA of struct pviommu_alloc_nested -> R1 domain */
#define PVIOMMU_INVALIDATE    0x45 /* R2 IPA of struct pviommu_invalidate -> R1 entries completed */
#define PVIOMMU_EVENTS_SETUP  0x46 /* R2 pvIOMMU, R3 ring IPA or 0, R4 log2 records, R5 interrupt or 0, R6 flags */
#define PVIOMMU_MAP_LIST      0x48 /* R2 IPA of struct pviommu_map_list -> R1 bytes done */
#define PVIOMMU_UNMAP_LIST    0x49 /* R2 IPA of struct pviommu_map_list -> R1 bytes done */
#define PVIOMMU_IOVA_TO_IPA   0x4a /* R2 domain, R3 IOVA -> R1 IPA, R2 prot */
#define PVIOMMU_STATS         0x4b /* R2 pvIOMMU, R3 counter -> R1 value */
/* Reserved: version 1.0 answers PC_NOT_SUPPORTED. */
#define PVIOMMU_PAGE_RESPONSE 0x47 /* R2 IPA of struct pviommu_page_response -> R1 entries accepted */
#define PVIOMMU_OP_FIRST_OURS 0x40
#define PVIOMMU_OP_COUNT      0x4c

/* MAP_PAGES prot; any other bit is refused. */
#define PVIOMMU_PROT_READ   0x01u
#define PVIOMMU_PROT_WRITE  0x02u
#define PVIOMMU_PROT_CACHE  0x04u
#define PVIOMMU_PROT_NOEXEC 0x08u
#define PVIOMMU_PROT_MMIO   0x10u /* IPA names MMIO of a device of this VM, or its MSI doorbell */
#define PVIOMMU_PROT_PRIV   0x20u
#define PVIOMMU_PROT_ALL    0x3fu

/* QUERY properties. */
#define PVIOMMU_Q_VERSION       0
#define PVIOMMU_Q_PAGE_SIZES    1 /* bitmap of leaf sizes */
#define PVIOMMU_Q_IOVA_BITS     2
#define PVIOMMU_Q_PASID_BITS    3
#define PVIOMMU_Q_VSID_COUNT    4
#define PVIOMMU_Q_VSID          5 /* the index-th vSID */
#define PVIOMMU_Q_DOMAINS_LEFT  6
#define PVIOMMU_Q_FEATURES      7 /* bit n: operation 0x40 + n exists; others are PVIOMMU_FEAT_* */
#define PVIOMMU_Q_INVAL_MAX     8 /* entries per INVALIDATE */
#define PVIOMMU_Q_NESTED_TYPES  9 /* bit n: ALLOC_NESTED data_type n */
#define PVIOMMU_Q_MAP_LIST_MAX  10 /* entries per MAP_LIST */
#define PVIOMMU_Q_DOORBELL      11 /* MSI doorbell IPA, 0: none */
#define PVIOMMU_Q_DOORBELL_SIZE 12
#define PVIOMMU_Q_RESERVED_BASE 13 /* index-th reserved IOVA range */
#define PVIOMMU_Q_RESERVED_SIZE 14
#define PVIOMMU_Q_INVAL_TYPES   15 /* bit n: INVALIDATE data_type n */
#define PVIOMMU_Q_EVENT_IRQ     16 /* index-th event interrupt */
#define PVIOMMU_Q_COUNT         17

/* Bits of FEATURES that version 1.0 never sets. */
#define PVIOMMU_FEAT_SHADOW        32
#define PVIOMMU_FEAT_PAGE_REQUESTS 33

/* SID_INFO and ENDPOINT_INFO flags. */
#define PVIOMMU_EP_ATS 0x02u /* it keeps translations behind a nested domain, where the guest's entry lets it */
/* Never set by version 1.0. */
#define PVIOMMU_EP_UNTRANSLATED 0x01u
#define PVIOMMU_EP_PRI          0x04u
#define PVIOMMU_EP_STALL        0x08u
#define PVIOMMU_EP_PRG_PASID    0x10u /* a page response needs the PASID */
#define PVIOMMU_EP_SHARED       0x20u /* shares its function with another endpoint */

/*
 * STATS counters; R2 is a pvIOMMU of the caller. The primary's count since boot and a secondary's since its
 * VM_CREATE, but where "now" is said. Those of maps and unmaps are the whole VM's, by whichever of its pvIOMMUs they
 * are asked.
 */
#define PVIOMMU_STAT_MAPS        0 /* map requests that mapped something; each entry of a list is one */
#define PVIOMMU_STAT_UNMAPS      1 /* unmap requests that unmapped something; a list is one */
#define PVIOMMU_STAT_FAULTS      2 /* hardware fault events of this pvIOMMU's endpoints */
#define PVIOMMU_STAT_LOST        3 /* occasions on which fault events may have been lost that FAULTS does not count */
#define PVIOMMU_STAT_QUARANTINES 4 /* devices of this pvIOMMU, each time */
#define PVIOMMU_STAT_POOL_FREE   5 /* now: free pages of the VM's pool */
#define PVIOMMU_STAT_PINS        6 /* now: DMA pins of the VM, in pages */
#define PVIOMMU_STAT_MAPPED      7 /* now: bytes mapped in the VM's domains */
#define PVIOMMU_STAT_DOMAINS     8 /* now: domains of the VM */
#define PVIOMMU_STAT_ATTACHED    9 /* now: attachments of this pvIOMMU */
#define PVIOMMU_STAT_COUNT       10

/* Limits. */
#define PVIOMMU_MAX_LEAVES 512u  /* leaves one map or unmap call touches; one of 1 GiB counts for 128 */
#define PVIOMMU_MAX_PAGES  4096u /* page records one call touches */
#define PVIOMMU_MAX_LIST   256u  /* entries per MAP_LIST or UNMAP_LIST */
#define PVIOMMU_MAX_VSIDS  64u   /* vSIDs per ATTACH_LIST */
#define PVIOMMU_MAX_INVAL  256u  /* entries per INVALIDATE */
#define PVIOMMU_MAX_ENTRY  4096u /* entry_len */
#define PVIOMMU_MAX_LONG   128u  /* entries longer than published that one call takes: call again for the rest */
#define PVIOMMU_MAX_READ   16384u /* and no more bytes of them than this */
#define PVIOMMU_MAX_STRUCT 4096u /* size of a top-level structure */

#define PVIOMMU_ATTACH_ACCEPT_SHARED 0x01u /* may be set: version 1.0 has no endpoint that is shared */

/* ATTACH_LIST, DETACH_LIST (cookie and pasid_bits are ignored by DETACH_LIST). */
struct pviommu_attach_list {
	uint32_t size;
	uint32_t flags;
	uint32_t pviommu;
	uint32_t domain;
	uint32_t pasid;
	uint32_t pasid_bits;
	uint64_t cookie;
	uint64_t vsids_ipa; /* of vsid_count u32, 4-byte aligned */
	uint32_t vsid_count; /* 1..PVIOMMU_MAX_VSIDS */
	uint32_t reserved;
};

/*
 * ALLOC_NESTED: a domain whose first stage is the guest's own, in its memory, behind the hypervisor's second stage. Its
 * addresses are IPAs; nothing of it is copied or pinned. It is attached at PASID 0 and takes the whole stream, PASIDs
 * included; next to it the stream has no other domain (PC_BUSY), and only another nested domain replaces it. Mappings
 * are the guest's: MAP, UNMAP and IOVA_TO_IPA answer PC_DENIED.
 *
 * What depends on the IOMMU is checked here, what depends on the endpoint by ATTACH: PC_INVALID_PARAMETER.
 * PC_NOT_SUPPORTED: there is no such data_type for this VM behind this pvIOMMU. PC_NO_MEMORY: no domain is left.
 */
#define PVIOMMU_NESTED_VTD_S1 1u
#define PVIOMMU_NESTED_SMMUV3 2u

struct pviommu_alloc_nested {
	uint32_t size;
	uint32_t flags; /* zero */
	uint32_t pviommu;
	uint32_t data_type; /* PVIOMMU_NESTED_* */
	uint32_t data_len; /* of the structure of that type; size rules as for `size` */
	uint32_t reserved;
	uint64_t data_ipa; /* 8-byte aligned */
};

/*
 * The first two words of a stream table entry. Word 0: V, Config (abort, bypass, stage 1), S1Fmt, S1ContextPtr,
 * S1CDMax; word 1: S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS. Any other bit is refused.
 */
struct pviommu_nested_smmuv3 {
	uint64_t ste[2];
};

struct pviommu_nested_vtd_s1 {
	uint64_t flags;
	uint64_t pgtbl_addr;
	uint32_t addr_width;
	uint32_t reserved;
};

/*
 * INVALIDATE: entries of the hardware's own format, each copied once and checked against what a guest may ask; who it
 * is for is overwritten. R1 is how many entries are complete, in the hardware too, and so when the call fails: the
 * entry of that index is the one that failed. PC_SUCCESS with fewer than entry_num: call again from there. entry_num
 * 0 asks whether there is such a data_type: PC_NOT_SUPPORTED.
 *
 * What an entry gives is said at its status byte. Of the call, with nothing done: PC_INVALID_PARAMETER a limit, or
 * more entries than the ring has; PC_FAULT the entries, or status bytes that are not the caller's to write;
 * PC_TOO_BIG; PC_BUSY the page of the status bytes is mapped as often as can be counted.
 */
#define PVIOMMU_INVAL_VTD_S1 0u
#define PVIOMMU_INVAL_SMMUV3 1u

#define PVIOMMU_INVAL_RING     0x01u /* entries start, start + 1 ... of a ring of 1 << ring_log2 */
#define PVIOMMU_MAX_INVAL_LOG2 19u

struct pviommu_invalidate {
	uint32_t size;
	uint32_t flags; /* PVIOMMU_INVAL_RING; without it ring_log2 and start are zero */
	uint32_t pviommu;
	uint32_t domain; /* VT-d: whose it is, and pviommu zero; SMMUv3: zero */
	uint32_t data_type; /* PVIOMMU_INVAL_* */
	uint32_t entry_len;
	uint32_t entry_num; /* 0..PVIOMMU_MAX_INVAL */
	uint32_t ring_log2;
	uint32_t start;
	uint32_t reserved;
	uint64_t entries_ipa; /* 8-byte aligned */
	uint64_t status_ipa; /* 0, or one byte per entry of the call */
};

/*
 * A command: CFGI_CD, CFGI_CD_ALL, TLBI_NH_ALL, _ASID, _VA, _VAA, TLBI_NSNH_ALL, ATC_INV, and PREFETCH, which does
 * nothing. Streams are named by their vSIDs; a VMID is ignored. There is no CMD_SYNC: the call is one.
 */
struct pviommu_inval_smmuv3 {
	uint64_t cmd[2];
};

struct pviommu_inval_vtd_s1 {
	uint64_t addr;
	uint64_t npages;
	uint32_t flags; /* bit 0: leaves only */
	uint32_t reserved;
};

/* Status bytes of INVALIDATE, and the status of the call when it is the first that failed. */
#define PVIOMMU_INVAL_DONE          0u
#define PVIOMMU_INVAL_NOT_ATTEMPTED 1u
#define PVIOMMU_INVAL_BAD_OPCODE    2u /* PC_INVALID_PARAMETER */
#define PVIOMMU_INVAL_BAD_BITS      3u /* PC_INVALID_PARAMETER */
#define PVIOMMU_INVAL_BAD_ID        4u /* PC_NOT_FOUND: no such vSID */
#define PVIOMMU_INVAL_HW_ILLEGAL    5u /* PC_IO, like the next two */
#define PVIOMMU_INVAL_HW_TIMEOUT    6u
#define PVIOMMU_INVAL_HW_RESPONSE   7u
#define PVIOMMU_INVAL_QUARANTINED   8u /* PC_DENIED */

/* MAP_LIST with entries of struct pviommu_map_entry, UNMAP_LIST with struct pviommu_unmap_entry. */
struct pviommu_map_list {
	uint32_t size;
	uint32_t flags; /* zero */
	uint32_t domain;
	uint32_t entry_len;
	uint32_t entry_num; /* 0..PVIOMMU_MAX_LIST */
	uint32_t reserved;
	uint64_t entries_ipa; /* 8-byte aligned */
};

struct pviommu_map_entry {
	uint64_t iova;
	uint64_t ipa;
	uint64_t bytes;
	uint32_t prot;
	uint32_t reserved;
};

struct pviommu_unmap_entry {
	uint64_t iova;
	uint64_t bytes;
};

/*
 * EVENTS_SETUP. The ring is struct pviommu_ring and then 1 << log2 records of the size that was asked for. Its pages
 * are the VM's own and unshared, and stay pinned until another setup, or one with IPA 0, which takes the ring away
 * (R4 to R6 zero). Producer and consumer run freely: record n is at place n modulo the number of records.
 *
 * The guest writes zero to the consumer before the setup. To take events: read `producer` (acquire), read the records
 * up to there, write `consumer` (release), and look at `producer` once more behind a full barrier before it waits for
 * the interrupt, which comes when a record is written to a ring that is empty by then, and not while mask_irq is set.
 * What comes while it is set is seen by who looks at the producer after having cleared it.
 *
 * A consumer that is ahead of the producer, or further behind than there are records, counts as a full ring.
 *
 * What a device reports by itself, past the IOMMU, is not told here: it is its driver's.
 *
 * PC_NOT_FOUND: IPA 0, and there is no ring. PC_NOT_SUPPORTED: page requests, or a flag that is unknown.
 * PC_INVALID_PARAMETER: the place, log2 or record size, or the primary's interrupt is none of QUERY's. PC_BUSY: the
 * interrupt is another's, or a page is mapped as often as can be counted. PC_FAULT: a page is not the VM's own, or
 * shared. PC_NO_MEMORY: its pool. On an error the ring of before stays.
 */
#define PVIOMMU_EVENTS_PAGE_REQUESTS 0x01u /* R6: page requests are wanted; version 1.0: PC_NOT_SUPPORTED */
#define PVIOMMU_EVENTS_RECORD(bytes) ((uint64_t)(bytes) << 8) /* R6: PVIOMMU_RECORD_* */
#define PVIOMMU_RECORD_SHORT         24u /* as virtio-iommu's fault: reason, READ WRITE EXEC ADDRESS, endpoint, address */
#define PVIOMMU_RECORD_LONG          48u /* and PASID, group and private data */
#define PVIOMMU_RECORD_FULL          64u
#define PVIOMMU_MAX_EVENTS_LOG2      12u

#define PVIOMMU_RING_OVERFLOW 0x01u /* events were lost that no record tells of yet */

struct pviommu_ring {
	uint32_t version; /* PC_ABI_VERSION */
	uint32_t log2;
	uint32_t producer;
	uint32_t flags; /* PVIOMMU_RING_* */
	uint64_t lost;  /* events since the first setup that no record was written for */
	uint32_t sequence; /* of the next event; survives a new setup */
	uint32_t record_bytes;
	uint32_t reserved[8];
	/* The guest's line, never written by the hypervisor. */
	uint32_t consumer;
	uint32_t mask_irq;
	uint32_t unused[14];
};

/* Reasons. */
#define PVIOMMU_REASON_UNKNOWN       0
#define PVIOMMU_REASON_DOMAIN        1 /* nothing is attached, or what is cannot be used */
#define PVIOMMU_REASON_MAPPING       2
#define PVIOMMU_REASON_WALK          3 /* a table could not be read */
#define PVIOMMU_REASON_TABLE_ENTRY   4
#define PVIOMMU_REASON_PERMISSION    5
#define PVIOMMU_REASON_ACCESS        6
#define PVIOMMU_REASON_ADDRESS_SIZE  7
#define PVIOMMU_REASON_PASID         8
#define PVIOMMU_REASON_DISABLED      9
#define PVIOMMU_REASON_ATS           10
#define PVIOMMU_REASON_CONFLICT      11
#define PVIOMMU_REASON_INVAL_FAILED  12
#define PVIOMMU_REASON_INVAL_TIMEOUT 13
#define PVIOMMU_REASON_QUARANTINED   14
#define PVIOMMU_REASON_LOST          15

/* Flags; a field whose flag is clear is zero. */
#define PVIOMMU_EVENT_READ         0x000001u
#define PVIOMMU_EVENT_WRITE        0x000002u
#define PVIOMMU_EVENT_EXEC         0x000004u
#define PVIOMMU_EVENT_PRIVILEGED   0x000008u
#define PVIOMMU_EVENT_ADDRESS      0x000100u
#define PVIOMMU_EVENT_PASID        0x000200u
#define PVIOMMU_EVENT_GROUP_ID     0x000400u
#define PVIOMMU_EVENT_PRIVATE_DATA 0x000800u
#define PVIOMMU_EVENT_STAGE2       0x020000u
#define PVIOMMU_EVENT_TABLE_WALK   0x040000u
/* Of page requests and stalls: never set by version 1.0. */
#define PVIOMMU_EVENT_LAST           0x000010u
#define PVIOMMU_EVENT_PAGE_REQUEST   0x000020u
#define PVIOMMU_EVENT_STALLED        0x010000u
#define PVIOMMU_EVENT_TERMINATED     0x080000u
#define PVIOMMU_EVENT_AUTO_RESPONDED 0x100000u

/* Kinds. */
#define PVIOMMU_KIND_FAULT        1
#define PVIOMMU_KIND_PAGE_REQUEST 2 /* none comes in version 1.0 */
#define PVIOMMU_KIND_INVALIDATION 3
#define PVIOMMU_KIND_LOST         4 /* private_data[0]: how many; without its flag: hardware lost some, nobody knows how many */
#define PVIOMMU_KIND_DEVICE       5

#define PVIOMMU_ARCH_SMMUV3 1
#define PVIOMMU_ARCH_VTD    2
#define PVIOMMU_ARCH_AMDVI  3

struct pviommu_event {
	uint8_t reason;
	uint8_t reserved0[3];
	uint32_t flags;
	uint32_t endpoint; /* vSID */
	uint32_t pasid;
	uint64_t address; /* that the device used */
	uint16_t group_id;
	uint8_t reserved1[6];
	uint64_t private_data[2];
	uint32_t sequence; /* counts what was lost too; of a LOST record: that of the last event it stands for */
	uint16_t kind;
	uint8_t arch;
	uint8_t code; /* of that architecture: its event number */
	uint64_t cookie; /* of the attachment */
};

/* PAGE_RESPONSE; see there. */
struct pviommu_page_response {
	uint32_t size;
	uint32_t flags;
	uint32_t entry_len;
	uint32_t entry_num;
	uint64_t entries_ipa;
	uint64_t status_ipa;
};

struct pviommu_page_response_entry {
	uint32_t flags; /* bit 0: PASID valid */
	uint32_t pviommu;
	uint32_t vsid;
	uint32_t pasid;
	uint32_t group_id;
	uint32_t token; /* sequence of the LAST record */
	uint32_t code;  /* 0 success, 1 invalid, 2 failure */
	uint32_t reserved;
	uint64_t private_data[2];
};

#endif
