/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface as a guest may rely on it, in the simplest form that predicts answers: for each
 * domain an array of pages. Knows nothing of tables, blocks, pins or hardware.
 */
#ifndef SPEC_H
#define SPEC_H

#include "bench.h"

#define SPEC_DOMAINS 12u
#define SPEC_WINDOWS 3u
#define SPEC_PAGES   2048u /* of a window: 8 MiB */
#define SPEC_NAMES   12u

struct spec_page {
	u32 ipa_page; /* page number, 0: not mapped */
	u8 prot;
};

struct spec_domain {
	bool live;
	u32 id;
	u32 attached;
	struct spec_page page[SPEC_WINDOWS][SPEC_PAGES];
};

/* One endpoint of the bench under a fixed vSID, or one PASID of it. */
struct spec_name {
	u32 device, endpoint;
	u32 pviommu, vsid;
	u32 pasid;
	u32 base; /* a PASID's: index of PASID 0 */
	u32 bits; /* of PASID 0: what its context was made for */
	bool assigned;
	s32 domain; /* index, -1 none */
};

struct spec {
	struct spec_domain domain[SPEC_DOMAINS];
	struct spec_name name[SPEC_NAMES];
	u32 names;  /* those with PASIDs come last */
	u32 plain;  /* names without one, all of pvIOMMU 0 */
	u32 pasid_bits; /* of hardware and device 1; 0: none */
	u64 window[SPEC_WINDOWS]; /* base of each */
};

/* `iommus`: with two, device 5 is a name of pvIOMMU 1. `pasids`: device 1 has some. */
void spec_init(struct spec *spec, u8 iova_bits, u32 iommus, bool pasids);
struct spec_page *spec_page(struct spec *spec, u32 domain, u64 iova);
/* Calls, checked against the prediction; the spec follows the answer. */
void spec_alloc(struct spec *spec);
void spec_free(struct spec *spec, u32 domain);
void spec_map(struct spec *spec, u32 domain, u64 iova, u64 ipa, u64 bytes, u32 prot);
void spec_unmap(struct spec *spec, u32 domain, u64 iova, u64 bytes);
void spec_map_list(struct spec *spec, u32 domain, u32 count, u64 where);
void spec_unmap_list(struct spec *spec, u32 domain, u32 count, u64 where);
void spec_attach(struct spec *spec, u32 name, u32 domain);
void spec_attach_list(struct spec *spec, u32 first, u32 count, u32 domain, u64 where);
void spec_detach(struct spec *spec, u32 name, u32 domain);
void spec_assign(struct spec *spec, u32 device);
void spec_release(struct spec *spec, u32 device);
void spec_lookup(struct spec *spec, u32 domain, u64 iova);
/* DMA of a name must do what its domain says, whatever hardware has cached. */
void spec_dma(struct spec *spec, u32 name, u64 iova, bool write);

#endif
