/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A secondary's interrupt controller, register by register: what is written is what is read again, no more of it than
 * there is, and nothing of what lies beside it. With the specification around the image each access is judged by itself.
 */
#include "gic.h"
#include "machine.h"
#include "service.h"

#define GICD_IIDR 0x0008
#define GICR_IIDR 0x0004
#define PIDR2     0xffe8
#define ALL       ~0u
#define SOME      0x5a5aa5a5u
#define OTHERS    (~SOME)

static u64 differences;

static void is(u64 got, u64 want) { differences += got != want; }

static void put(u64 at, u32 value, u32 want)
{
	mmio_write32(at, value);
	is(mmio_read32(at), want);
}

/* Two registers of one state: ones set it, and ones clear it. */
static void set_and_clear(u64 set, u64 clear)
{
	mmio_write32(clear, ALL);
	put(set, SOME, SOME);
	is(mmio_read32(clear), SOME);
	put(set, 1u << 17, SOME | 1u << 17);
	mmio_write32(clear, 0xffff);
	is(mmio_read32(set), (SOME | 1u << 17) & 0xffff0000);
	mmio_write32(clear, ALL);
	is(mmio_read32(set), 0);
}

/* Five bits of each. */
static void priorities(u64 at)
{
	for (u32 i = 0; i < 32; i += 4) {
		put(at + i, 0x1f3f5f7fu + i, (0x1f3f5f7fu + i) & 0xf8f8f8f8u);
		mmio_write8(at + i + 2, 0xff);
		is(mmio_read8(at + i + 2), 0xf8);
		is(mmio_read32(at + i) >> 24, 0x18);
		put(at + i, 0, 0);
	}
}

/* A bank of 32, level or edge by two bits each; software's own are edge. */
static void config(u64 at, bool own)
{
	put(at, ALL, 0xaaaaaaaa);
	put(at + 4, 0x80008008u, 0x80008008u);
	put(at + 4, 0x55555555u, 0);
	put(at, 0, own ? 0xaaaaaaaa : 0);
}

static void routes(u64 at)
{
	for (u32 i = 0; i < 32; i++, at += 8) {
		mmio_write64(at, 0xff80ffffffu << 8 | 1);
		is(mmio_read64(at), (0xff80ffffffu << 8 | 1) & 0xff00fffffful);
		mmio_write32(at + 4, 7);
		is(mmio_read64(at) >> 32, 7);
		put(at, 0x10203, 0x10203);
		mmio_write64(at, 0);
	}
}

static void bank(u64 base, u32 k, bool own)
{
	u64 word = base + 4ul * k;

	put(word + GICD_IGROUPR, SOME, SOME);
	put(word + GICD_IGROUPR, OTHERS, OTHERS);
	set_and_clear(word + GICD_ISENABLER, word + GICD_ICENABLER);
	/* Of its timer's nobody says that it is pending but the timer. Of the others by level first, then by edge. */
	for (u32 edge = 0; !own && edge < 2; edge++) {
		mmio_write32(base + GICD_ICFGR + 8ul * k, edge ? ALL : 0);
		mmio_write32(base + GICD_ICFGR + 8ul * k + 4, edge ? ALL : 0);
		set_and_clear(word + GICD_ISPENDR, word + GICD_ICPENDR);
	}
	set_and_clear(word + GICD_ISACTIVER, word + GICD_ICACTIVER);
	priorities(base + GICD_IPRIORITYR + 32ul * k);
	config(base + GICD_ICFGR + 8ul * k, own);
	if (!own)
		routes(base + GICD_IROUTER + 256ul * k);
	put(word + GICD_IGROUPR, 0, 0);
}

/* A GICv3 of no other product: who wrote the registers, and of the identification of components the architecture alone. */
static void identity(u64 frame, u32 iidr)
{
	is(mmio_read32(frame + iidr), 0x50000000);
	is(mmio_read32(frame + PIDR2), 0x3b);
	is(mmio_read32(frame + PIDR2 - 8), 0);
}

static void redistributor(u64 frame, u32 index)
{
	u64 typer = mmio_read64(frame + GICR_TYPER);

	is(typer >> 32, index);
	is(mmio_read32(frame + GICR_TYPER + 4), index);
	is(typer >> 4 & 1, index + 1 == mail->vcpus);
	identity(frame, GICR_IIDR);
	put(frame + GICR_WAKER, 2, 6);
	put(frame + GICR_WAKER, 0, 0);
	bank(frame + GICR_SGI, 0, true);
}

/* What is no register, and widths that one has not: zero, and nothing is written. */
static void nothing(u64 base, u64 bytes)
{
	for (u64 at = base; at < base + bytes; at += 0x94) {
		(void)mmio_read8(at);
		(void)mmio_read16(align_up(at, 2));
		(void)mmio_read64(align_up(at, 8));
		mmio_write16(align_up(at, 2), 0xffff);
	}
}

/* -> how many registers were not what they have to be */
SERVICE(frames)
{
	differences = 0;
	gic_init(NULL);
	put(SERVICE_GICD + GICD_CTLR, 0, 0x50);
	put(SERVICE_GICD + GICD_CTLR, 1, 0x51);
	put(SERVICE_GICD + GICD_CTLR, 0, 0x50);
	is(mmio_read32(SERVICE_GICD + GICD_TYPER) & 0x1f, SERVICE_IRQS / 32 - 1);
	identity(SERVICE_GICD, GICD_IIDR);
	/* Private ones are in the redistributors alone. */
	put(SERVICE_GICD + GICD_ISENABLER, ALL, 0);
	for (u32 k = 1; k < SERVICE_IRQS / 32; k++)
		bank(SERVICE_GICD, k, false);
	put(SERVICE_GICD + GICD_ISENABLER + SERVICE_IRQS / 8, ALL, 0);
	for (u32 i = 0; i < mail->vcpus; i++)
		redistributor(SERVICE_GICR + i * GICR_STRIDE, i);
	nothing(SERVICE_GICD, 0x10000);
	nothing(SERVICE_GICR, mail->vcpus * GICR_STRIDE);
	mail->result[0] = differences;
}
