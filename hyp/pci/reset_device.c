/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that need more than bus mastering off before they are idle, by id. Their registers are
 * reached with memory decoding on for the length of one call; mastering stays off.
 */
#include "record.h"

enum device_kind { KIND_NONE,
		   KIND_VIRTIO,
		   KIND_EDU,
		   KIND_TESTDEV };

/* By vendor and device id as they stand in the first dword. */
static const struct {
	u32 id;
	enum device_kind kind;
} device_kinds[] = {
	{ 0x11e81234, KIND_EDU },
	{ 0x00051b36, KIND_TESTDEV },
};

static enum device_kind kind_of(const struct pci_function *f)
{
	for (u32 i = 0; i < ARRAY_SIZE(device_kinds); i++)
		if (device_kinds[i].id == pci_state_of(f)->id)
			return device_kinds[i].kind;
	return virtio_is(f) ? KIND_VIRTIO : KIND_NONE;
}

bool reset_device_known(const struct pci_function *f)
{
	return kind_of(f) != KIND_NONE;
}

static volatile void __mmio *reg(const struct pci_function *f, u32 offset)
{
	return (volatile void __mmio *)(uintptr_t)(f->bar[0].addr + offset);
}

/* --- QEMU's edu (docs/specs/edu): DMA 100 ms after it is asked for, dropped without mastering */

#define EDU_STATUS      0x20
#define EDU_IRQ         0x24
#define EDU_IRQ_ACK     0x64
#define EDU_DMA_SOURCE  0x80
#define EDU_DMA_TARGET  0x88
#define EDU_DMA_COUNT   0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN     BIT32(0)

static enum status edu_quiet(const struct pci_function *f, bool *again)
{
	*again = (io_read32(reg(f, EDU_DMA_COMMAND)) & EDU_DMA_RUN) != 0;
	if (*again)
		return OK;
	io_write32(0, reg(f, EDU_STATUS)); /* no interrupt at the end of a computation */
	io_write32(io_read32(reg(f, EDU_IRQ)), reg(f, EDU_IRQ_ACK));
	for (u32 at = EDU_DMA_SOURCE; at <= EDU_DMA_COUNT; at += 8)
		io_write64(0, reg(f, at));
	return OK;
}

/* --- QEMU's iommu-testdev: ignores bus mastering, so what it was armed for has to be taken back */

#define TESTDEV_TRIGGER 0x00
#define TESTDEV_FIRST   0x04
#define TESTDEV_RESULT  0x10
#define TESTDEV_LAST    0x20
#define TESTDEV_UNARMED 0xdead0005u

/*
 * The arming register does not tell; a trigger does. Should it still be armed, it has no length
 * left to do anything with.
 */
static enum status testdev_quiet(const struct pci_function *f)
{
	for (u32 at = TESTDEV_FIRST; at <= TESTDEV_LAST; at += 4)
		io_write32(0, reg(f, at));
	(void)io_read32(reg(f, TESTDEV_TRIGGER));
	return io_read32(reg(f, TESTDEV_RESULT)) == TESTDEV_UNARMED ? OK : E_IO;
}

static enum status mmio_quiet(const struct pci_function *f, enum device_kind kind, bool *again)
{
	enum status status;

	if (f->bar[0].size < PAGE_SIZE || f->bar[0].space != PCI_MEM32)
		return E_IO;
	cfg_write(f, PCI_COMMAND, COMMAND_MEMORY | COMMAND_NO_INTX);
	status = kind == KIND_EDU ? edu_quiet(f, again) : testdev_quiet(f);
	cfg_write(f, PCI_COMMAND, COMMAND_NO_INTX);
	return status;
}

enum status reset_device_quiet(const struct pci_function *f, bool *again)
{
	enum device_kind kind = kind_of(f);

	switch (kind) {
	case KIND_NONE:
		return OK;
	case KIND_VIRTIO:
		/* virtio 4.1.4.3.2: it has stopped when the status reads zero */
		virtio_reset(f);
		*again = !virtio_is_reset(f);
		return OK;
	case KIND_EDU:
	case KIND_TESTDEV:
		return mmio_quiet(f, kind, again);
	}
	return E_IO;
}
