/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual CPU interface of this CPU: registers of IHI 0069 12.4 to and from struct vgic_cpu. The primary has none,
 * but part of its physical interface is virtual since HCR_EL2.FMO is set: ICH_VMCR_EL2, ICH_AP0R<n>_EL2.
 *
 * Also what the primary may have left in the physical interface: active priorities, which would hold back our own
 * interrupts while a secondary runs, are put aside.
 */
#include "hyp/check.h"
#include "vgic.h"
#include "world.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

#define VTR_LIST_REGS BITS(4, 0)   /* less one */
#define VTR_PRE_BITS  BITS(28, 26) /* less one */
#define SRE_ALL       7u           /* ICC_SRE_EL1: system registers, no bypass */

/* clang-format off */
#define EACH_LR(X) \
	X(0, S3_4_C12_C12_0) \
	X(1, S3_4_C12_C12_1) \
	X(2, S3_4_C12_C12_2) \
	X(3, S3_4_C12_C12_3) \
	X(4, S3_4_C12_C12_4) \
	X(5, S3_4_C12_C12_5) \
	X(6, S3_4_C12_C12_6) \
	X(7, S3_4_C12_C12_7) \
	X(8, S3_4_C12_C13_0) \
	X(9, S3_4_C12_C13_1) \
	X(10, S3_4_C12_C13_2) \
	X(11, S3_4_C12_C13_3) \
	X(12, S3_4_C12_C13_4) \
	X(13, S3_4_C12_C13_5) \
	X(14, S3_4_C12_C13_6) \
	X(15, S3_4_C12_C13_7)

/* Priorities of Group 0 and of Group 1. */
#define EACH_APR(X) \
	X(0, S3_4_C12_C8_0, S3_4_C12_C9_0) \
	X(1, S3_4_C12_C8_1, S3_4_C12_C9_1) \
	X(2, S3_4_C12_C8_2, S3_4_C12_C9_2) \
	X(3, S3_4_C12_C8_3, S3_4_C12_C9_3)
/* clang-format on */

static u64 lr_read(u32 n)
{
	switch (n) {
#define READ(i, reg) \
	case i:      \
		return sysreg_read(reg);
		EACH_LR(READ)
#undef READ
	default:
		return 0;
	}
}

static void lr_write(u32 n, u64 value)
{
	switch (n) {
#define WRITE(i, reg)                     \
	case i:                           \
		sysreg_write(reg, value); \
		break;
		EACH_LR(WRITE)
#undef WRITE
	default:
		break;
	}
}

u32 vgic_hw_lrs(void)
{
	u32 lrs = (u32)FIELD_GET(VTR_LIST_REGS, sysreg_read(SYS_ICH_VTR_EL2)) + 1;

	return lrs < VGIC_LRS ? lrs : VGIC_LRS;
}

/* How many registers hold active priorities: one for each 32 levels (12.4.1). */
static u32 apr_count(void)
{
	u32 bits = (u32)FIELD_GET(VTR_PRE_BITS, sysreg_read(SYS_ICH_VTR_EL2)) + 1;

	return bits <= 5 ? 1 : 1u << (bits - 5);
}

/* The physical one's: as many preemption levels as the virtual one has in every implementation known, checked by bits. */
static void host_priorities_save(u64 ap1r[4], u32 count)
{
	ap1r[0] = sysreg_read(SYS_ICC_AP1R0_EL1);
	sysreg_write(SYS_ICC_AP1R0_EL1, 0);
	if (count < 2)
		return;
	ap1r[1] = sysreg_read(SYS_ICC_AP1R1_EL1);
	sysreg_write(SYS_ICC_AP1R1_EL1, 0);
	if (count < 4)
		return;
	ap1r[2] = sysreg_read(SYS_ICC_AP1R2_EL1);
	ap1r[3] = sysreg_read(SYS_ICC_AP1R3_EL1);
	sysreg_write(SYS_ICC_AP1R2_EL1, 0);
	sysreg_write(SYS_ICC_AP1R3_EL1, 0);
}

static void host_priorities_load(const u64 ap1r[4], u32 count)
{
	sysreg_write(SYS_ICC_AP1R0_EL1, ap1r[0]);
	if (count < 2)
		return;
	sysreg_write(SYS_ICC_AP1R1_EL1, ap1r[1]);
	if (count < 4)
		return;
	sysreg_write(SYS_ICC_AP1R2_EL1, ap1r[2]);
	sysreg_write(SYS_ICC_AP1R3_EL1, ap1r[3]);
}

/* ICC_CTLR_EL1.PRIbits, less one. */
static u32 host_apr_count(void)
{
	u32 bits = (u32)FIELD_GET(BITS(10, 8), sysreg_read(SYS_ICC_CTLR_EL1)) + 1;

	return bits <= 5 ? 1 : 1u << (bits - 5 > 2 ? 2 : bits - 5);
}

void vgic_hw_enter(struct world_gic *primary, const struct vgic_cpu *c)
{
	u32 aprs = apr_count();

	primary->sre = sysreg_read(SYS_ICC_SRE_EL1);
	if (primary->sre != SRE_ALL) {
		sysreg_write(SYS_ICC_SRE_EL1, SRE_ALL);
		isb();
	}
	host_priorities_save(primary->ap1r, host_apr_count());
	primary->vmcr = sysreg_read(SYS_ICH_VMCR_EL2);
	sysreg_write(SYS_ICH_VMCR_EL2, c->vmcr);
#define ENTER(n, group0, group1)                                \
	if ((n) < aprs) {                                       \
		primary->virtual_ap0r[n] = sysreg_read(group0); \
		sysreg_write(group0, c->ap0r[n]);               \
		sysreg_write(group1, c->ap1r[n]);               \
	}
	EACH_APR(ENTER)
#undef ENTER
}

/* Nothing of the secondary's stays: the primary's ends of Group 0 interrupts are virtual, and would find it. */
void vgic_hw_leave(const struct world_gic *primary)
{
	u32 aprs = apr_count(), lrs = vgic_hw_lrs(), i;

	for (i = 0; i < lrs; i++)
		lr_write(i, 0);
	sysreg_write(SYS_ICH_VMCR_EL2, primary->vmcr);
#define LEAVE(n, group0, group1)                                \
	if ((n) < aprs) {                                       \
		sysreg_write(group0, primary->virtual_ap0r[n]); \
		sysreg_write(group1, 0);                        \
	}
	EACH_APR(LEAVE)
#undef LEAVE
	host_priorities_load(primary->ap1r, host_apr_count());
	/* Where it can be written at all, the secondary may have done so. */
	if (sysreg_read(SYS_ICC_SRE_EL1) != primary->sre)
		sysreg_write(SYS_ICC_SRE_EL1, primary->sre);
	isb();
}

void vgic_hw_load(const struct vgic_cpu *c)
{
	u32 i;

	for (i = 0; i < c->lr_count; i++)
		lr_write(i, c->lr[i]);
	sysreg_write(SYS_ICH_HCR_EL2, c->hcr);
	isb();
}

/* Off meanwhile: the maintenance interrupt's level goes, or taking our interrupts would find it again and again. */
void vgic_hw_save(struct vgic_cpu *c)
{
	u32 aprs = apr_count(), i;

	for (i = 0; i < c->lr_count; i++)
		c->lr[i] = lr_read(i);
	c->vmcr = sysreg_read(SYS_ICH_VMCR_EL2);
#define SAVE(n, group0, group1)                        \
	if ((n) < aprs) {                              \
		c->ap0r[n] = (u32)sysreg_read(group0); \
		c->ap1r[n] = (u32)sysreg_read(group1); \
	}
	EACH_APR(SAVE)
#undef SAVE
	sysreg_write(SYS_ICH_HCR_EL2, 0);
	isb();
}
