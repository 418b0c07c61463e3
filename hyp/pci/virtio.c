/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio functions reach memory past the IOMMU unless they offer VIRTIO_F_ACCESS_PLATFORM, and
 * always by their legacy interface; both are refused. Their registers are reached through the
 * configuration access capability, which every one must have (virtio 1.2, 4.1.4.9): it works
 * before any BAR has an address. Decoding is off meanwhile: with it on, QEMU's model of that
 * capability ends QEMU (an assertion in virtio_address_space_lookup).
 */
#include "record.h"

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_FIRST  0x1000 /* transitional device ids, virtio 4.1.2.1 */
#define VIRTIO_MODERN 0x1040
#define VIRTIO_LAST   0x107f

/* struct virtio_pci_cap in dwords, virtio 4.1.4 */
#define VIRTIO_CAP_TYPE   BITS32(31, 24) /* of its first dword */
#define VIRTIO_CAP_COMMON 1
#define VIRTIO_CAP_ACCESS 5
#define VIRTIO_CAP_BAR    4
#define VIRTIO_CAP_OFFSET 8
#define VIRTIO_CAP_LENGTH 12
#define VIRTIO_CAP_DATA   16
#define VIRTIO_CAP_END    20

/* struct virtio_pci_common_cfg, virtio 4.1.4.3: each register by its own width */
#define COMMON_FEATURE_SELECT   0
#define COMMON_FEATURE          4
#define COMMON_STATUS           20
#define FEATURE_ACCESS_PLATFORM BIT32(33 - 32)

bool virtio_is(const struct pci_function *f)
{
	return f->vendor == VIRTIO_VENDOR && f->device_id >= VIRTIO_FIRST &&
	       f->device_id <= VIRTIO_LAST;
}

static u32 virtio_cap(const struct pci_function *f, u32 type)
{
	for (u32 at = 0, left = CAP_LIST_MAX; caps_next(f, &at, &left);) {
		u32 head = cfg_ask(f, at);

		if ((head & CAP_ID) == CAP_VENDOR && FIELD_GET(VIRTIO_CAP_TYPE, head) == type &&
		    at + VIRTIO_CAP_END <= 0x100)
			return at;
	}
	return 0;
}

/* A register of the access capability; false: it does not hold the value. */
static bool access_set(const struct pci_function *f, u32 at, u32 bits, u32 value)
{
	bool holds;

	cfg_write(f, at, value);
	holds = (cfg_ask(f, at) & bits) == value;
	if (!holds)
		pci_state_of(f)->unreliable = true;
	return holds;
}

/* Point the access capability at a register of the common configuration; its data's offset, or 0: what is there would be another. */
static u32 common_at(const struct pci_function *f, u32 reg, u32 width)
{
	u32 common = virtio_cap(f, VIRTIO_CAP_COMMON), access = virtio_cap(f, VIRTIO_CAP_ACCESS);

	if (common == 0 || access == 0)
		return 0;
	if (!access_set(f, access + VIRTIO_CAP_BAR, 255, cfg_ask(f, common + VIRTIO_CAP_BAR) & 255) ||
	    !access_set(f, access + VIRTIO_CAP_OFFSET, ~0u, cfg_ask(f, common + VIRTIO_CAP_OFFSET) + reg) ||
	    !access_set(f, access + VIRTIO_CAP_LENGTH, ~0u, width))
		return 0;
	return access + VIRTIO_CAP_DATA;
}

/* No access any more. */
static void common_close(const struct pci_function *f, u32 data)
{
	(void)access_set(f, data - VIRTIO_CAP_DATA + VIRTIO_CAP_LENGTH, ~0u, 0);
}

static void common_write(const struct pci_function *f, u32 reg, u32 width, u32 value)
{
	u32 data = common_at(f, reg, width);

	if (data == 0)
		return;
	cfg_write(f, data, value);
	common_close(f, data);
}

static u32 common_read(const struct pci_function *f, u32 reg, u32 width)
{
	u32 data = common_at(f, reg, width), value;

	if (data == 0)
		return 0xffffffff;
	value = cfg_read(f, data);
	common_close(f, data);
	return value;
}

static bool features_select(const struct pci_function *f, u32 half)
{
	common_write(f, COMMON_FEATURE_SELECT, 4, half);
	return common_read(f, COMMON_FEATURE_SELECT, 4) == half;
}

/* Features 32 to 63. Ones: not known, since what else could be shown is the other half, which has other features at these bits. */
static u32 features_high(const struct pci_function *f)
{
	u32 features = features_select(f, 1) ? common_read(f, COMMON_FEATURE, 4) : 0xffffffff;

	return features_select(f, 0) ? features : 0xffffffff;
}

enum status virtio_check(const struct pci_function *f, const char **why)
{
	u32 features;

	if (!virtio_is(f))
		return OK;
	if (f->device_id < VIRTIO_MODERN ||
	    (f->bar[0].size != 0 && f->bar[0].space == PCI_IO))
		return record_refuse(f, "virtio with a legacy interface would bypass the IOMMU "
					"(QEMU: disable-legacy=on)",
				     why);
	if (virtio_cap(f, VIRTIO_CAP_COMMON) == 0 || virtio_cap(f, VIRTIO_CAP_ACCESS) == 0)
		return record_refuse(f, "virtio without the capabilities that show its features",
				     why);
	features = features_high(f);
	if (features == 0xffffffff || !(features & FEATURE_ACCESS_PLATFORM))
		return record_refuse(f, "virtio without VIRTIO_F_ACCESS_PLATFORM would bypass the "
					"IOMMU (QEMU: iommu_platform=on)",
				     why);
	return OK;
}

void virtio_reset(const struct pci_function *f)
{
	common_write(f, COMMON_STATUS, 1, 0);
}

bool virtio_is_reset(const struct pci_function *f)
{
	return (common_read(f, COMMON_STATUS, 1) & 0xff) == 0;
}
