/* SPDX-License-Identifier: BSD-2-Clause */
/* The two VMSAv8-64 table formats, and the memory attribute indexes that stage 1 uses. */
#ifndef PT_LPAE_H
#define PT_LPAE_H

#include "hyp/pt.h"

/* MAIR indexes of stage-1 leaves. */
#define LPAE_ATTR_NORMAL 0 /* 0xff: write-back */
#define LPAE_ATTR_DEVICE 1 /* 0x04: nGnRE */
#define LPAE_ATTR_NC     2 /* 0x44: normal, not cacheable */

extern const struct pt_ops pt_lpae_s1; /* SMMU stage 1: 48-bit input, ASID-tagged */
extern const struct pt_ops pt_lpae_s2; /* CPU stage 2, and SMMUs below 44 bits: 40-bit input */
extern const struct pt_ops pt_lpae_s2_deep; /* SMMU stage 2: 44-bit input, no concatenation */

#endif
