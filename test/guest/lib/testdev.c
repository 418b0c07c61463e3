/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers as in QEMU's include/hw/misc/iommu-testdev.h: 32 bits each. */
#include "testdev.h"

#include "pci.h"

#define REG_TRIGGER 0x00 /* reading runs the DMA */
#define REG_IOVA_LO 0x04
#define REG_IOVA_HI 0x08
#define REG_LENGTH  0x0c
#define REG_RESULT  0x10
#define REG_ARM     0x14
#define REG_ATTRS   0x18
#define REG_IPA_LO  0x1c
#define REG_IPA_HI  0x20

#define ATTRS_NON_SECURE 0xa

void testdev_open(struct testdev *t, u32 bdf)
{
	t->bdf = bdf;
	t->regs = pci_bar(bdf, 0).base;
	pci_enable(bdf);
}

void testdev_arm(const struct testdev *t, u64 iova, u64 ipa, u32 bytes)
{
	mmio_write32(t->regs + REG_IOVA_LO, (u32)iova);
	mmio_write32(t->regs + REG_IOVA_HI, (u32)(iova >> 32));
	mmio_write32(t->regs + REG_IPA_LO, (u32)ipa);
	mmio_write32(t->regs + REG_IPA_HI, (u32)(ipa >> 32));
	mmio_write32(t->regs + REG_LENGTH, bytes);
	mmio_write32(t->regs + REG_ATTRS, ATTRS_NON_SECURE);
	mmio_write32(t->regs + REG_ARM, 1);
	dsb();
}

u32 testdev_write(const struct testdev *t, u64 iova, u64 ipa, u32 bytes)
{
	testdev_arm(t, iova, ipa, bytes);
	mmio_read32(t->regs + REG_TRIGGER);
	dsb();
	return mmio_read32(t->regs + REG_RESULT);
}

bool testdev_lands(const struct testdev *t, u64 iova, volatile u32 *target)
{
	*target = ~TESTDEV_PATTERN;
	dsb();
	return testdev_write(t, iova, (u64)target, 4) == TESTDEV_OK && *target == TESTDEV_PATTERN;
}

bool testdev_faults(const struct testdev *t, u64 iova, volatile u32 *target)
{
	*target = ~TESTDEV_PATTERN;
	dsb();
	return testdev_write(t, iova, (u64)target, 4) == TESTDEV_REFUSED && *target == ~TESTDEV_PATTERN;
}
