/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invalidation of the CPUs' stage 2 translations, with completion. By address it takes two steps: the stage 2 entries
 * of the IPA, then all stage 1 entries of the VMID, which may have been combined with them (DDI 0487 D8.16.5.2).
 */
#include "hyp/addr.h"
#include "hyp/arch.h"
#include "hyp/bits.h"
#include "hyp/io.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>
#include "pt_lpae.h"

const struct pt_ops *const arch_cpu_pt = &pt_lpae_s2;

#define BY_ADDRESS_MAX 64u /* pages; above, everything of the VMID goes */
#define VTTBR_VMID     BITS(63, 48)

/* Walked by nobody's mistake while another VMID is loaded: it maps nothing. */
static u64 empty_root[2 * PAGE_SIZE / 8] ALIGNED(2 * PAGE_SIZE);

static void inval_loaded(ipa_t base, u64 size)
{
	u64 at;

	dsb(ishst);
	if (size > BY_ADDRESS_MAX * PAGE_SIZE) {
		__asm__ volatile("tlbi vmalls12e1is" ::: "memory");
	} else {
		for (at = base.v; at < base.v + size; at += PAGE_SIZE)
			__asm__ volatile("tlbi ipas2e1is, %0" ::"r"(at >> PAGE_SHIFT) : "memory");
		dsb(ish);
		__asm__ volatile("tlbi vmalle1is" ::: "memory");
	}
	dsb(ish);
	isb();
}

/* Whoever is loaded, the primary or a secondary: its VMID is the one that instructions act on. */
void arch_cpu_inval(u16 vmid, ipa_t base, u64 size)
{
	u64 loaded = sysreg_read(vttbr_el2);

	if (FIELD_GET(VTTBR_VMID, loaded) == vmid)
		return inval_loaded(base, size);
	sysreg_write(vttbr_el2, (u64)empty_root | FIELD(VTTBR_VMID, vmid));
	isb();
	inval_loaded(base, size);
	sysreg_write(vttbr_el2, loaded);
	isb();
}

/* Instruction caches may be tagged with the VMID (VPIPT, B2.7.4.3). */
void arch_cpu_inval_vmid(u16 vmid)
{
	arch_cpu_inval(vmid, ipa(0), ~0ull);
	__asm__ volatile("ic ialluis" ::: "memory");
	dsb(ish);
	isb();
}

/* To the point of coherency: a guest starts with its caches off. */
void arch_sync_code(const void *page, u64 bytes)
{
	io_clean(page, bytes);
	__asm__ volatile("ic ialluis" ::: "memory");
	dsb(ish);
	isb();
}
