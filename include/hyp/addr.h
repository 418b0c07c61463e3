/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and stream ids as types: one-field structs, so that an IPA cannot be used as a
 * physical address, nor a guest's stream id as a hardware one. There is no cast between them:
 * an IPA becomes a PA in vm_ipa_to_pa() and vm_ipa_extent() (hyp/vm/vm.c), a vSID names an endpoint, which has the SID,
 * in endpoint_of_vsid() (hyp/iommu/device.c).
 */
#ifndef HYP_ADDR_H
#define HYP_ADDR_H

#include "hyp/types.h"

#define PAGE_SHIFT  12
#define PAGE_SIZE   (1ul << PAGE_SHIFT)
#define PAGE_MASK   (PAGE_SIZE - 1)
#define BLOCK_SHIFT 21 /* a 2 MiB run of pages */
#define BLOCK_SIZE  (1ul << BLOCK_SHIFT)
#define BLOCK_PAGES (BLOCK_SIZE / PAGE_SIZE)

typedef struct {
	u64 v;
} pa_t;   /* physical address of the machine */
typedef struct {
	u64 v;
} ipa_t;  /* a VM's physical address */
typedef struct {
	u64 v;
} iova_t; /* a device's input address */
typedef struct {
	u32 v;
} sid_t;  /* hardware stream id (SMMU StreamID, PCI requester id) */
typedef struct {
	u32 v;
} vsid_t; /* a guest's name for a stream */

static inline pa_t pa(u64 v) { return (pa_t){ v }; }
static inline ipa_t ipa(u64 v) { return (ipa_t){ v }; }
static inline iova_t iova(u64 v) { return (iova_t){ v }; }
static inline sid_t sid(u32 v) { return (sid_t){ v }; }
static inline vsid_t vsid(u32 v) { return (vsid_t){ v }; }

static inline bool page_aligned(u64 v) { return (v & PAGE_MASK) == 0; }
static inline u64 align_down(u64 v, u64 a) { return v & ~(a - 1); }
static inline u64 align_up(u64 v, u64 a) { return (v + a - 1) & ~(a - 1); }

#endif
