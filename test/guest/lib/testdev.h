/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's iommu-testdev: writes 32-bit words of one pattern by DMA, at once, inside a register read.
 * It ignores bus mastering. After its write it compares by a read of its own that no IOMMU translates.
 */
#ifndef GUEST_TESTDEV_H
#define GUEST_TESTDEV_H

#include "types.h"

#define TESTDEV_ID      0x00051b36u
#define TESTDEV_PATTERN 0x12345678u

enum testdev_result {
	TESTDEV_OK = 0,
	TESTDEV_REFUSED = 0xdead0002, /* the write was not accepted */
	TESTDEV_UNREADABLE = 0xdead0003,
	TESTDEV_ELSEWHERE = 0xdead0004, /* accepted, but `ipa` does not hold the pattern */
};

struct testdev {
	u32 bdf;
	u64 regs;
};

void testdev_open(struct testdev *t, u32 bdf);

/* DMA of `bytes` at iova, compared at address `ipa`. */
u32 testdev_write(const struct testdev *t, u64 iova, u64 ipa, u32 bytes);
/* All of that but the read of the first register, which lets it write. */
void testdev_arm(const struct testdev *t, u64 iova, u64 ipa, u32 bytes);

/* A 4-byte DMA that must arrive at `target`, which held something else. */
bool testdev_lands(const struct testdev *t, u64 iova, volatile u32 *target);

/* A 4-byte DMA that must be refused and leave `target` as it is. */
bool testdev_faults(const struct testdev *t, u64 iova, volatile u32 *target);

#endif
