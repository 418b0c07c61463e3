/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking an SMMU over (IHI 0070 6.3.9, 6.3.14, 3.11): all DMA is aborted from the first write on
 * and stays so until a stream is given a table.
 *
 *	quiesce   GBPA.ABORT, then translation, queues and interrupts off
 *	probe     features, tables, queues; CMDQEN; empty caches; EVENTQEN; interrupts; SMMUEN
 */
#include <string.h>

#include "hyp/arch.h"
#include "hyp/log.h"
#include "hyp/pool.h"
#include "pt_lpae.h"
#include "queue.h"

static bool reads_as(volatile u8 __mmio *regs, u32 reg, u32 mask, u32 value)
{
	u64 start = io_time_us();

	for (;;) {
		bool late = io_time_us() - start > REG_WAIT_US;

		if ((io_read32(regs + reg) & mask) == value)
			return true;
		if (late)
			return false;
		io_relax();
	}
}

bool smmuv3_write_acked(volatile u8 __mmio *regs, u32 reg, u32 ack, u32 value)
{
	io_write32(value, regs + reg);
	return reads_as(regs, ack, ~0u, value);
}

/* 6.3.14.1: written with Update set, and only while it is clear. */
static bool abort_bypass(volatile u8 __mmio *regs)
{
	const u32 update = (u32)GBPA_UPDATE;
	u32 gbpa;

	if (!reads_as(regs, SMMU_GBPA, update, 0))
		return false;
	gbpa = io_read32(regs + SMMU_GBPA);
	io_write32(gbpa | (u32)GBPA_ABORT | update, regs + SMMU_GBPA);
	return reads_as(regs, SMMU_GBPA, update | (u32)GBPA_ABORT, (u32)GBPA_ABORT);
}

enum status arch_iommu_quiesce(const struct machine_iommu *hw, const char **why)
{
	volatile u8 __mmio *regs = smmuv3_regs_at(hw);

	if (hw->regs.size < SMMU_REGS_SIZE) {
		*why = "its registers are not all there";
		return E_NOSYS;
	}
	if (!abort_bypass(regs)) {
		*why = "it does not take GBPA.ABORT";
		return E_IO;
	}
	if (!smmuv3_write_acked(regs, SMMU_CR0, SMMU_CR0ACK, 0) ||
	    !smmuv3_write_acked(regs, SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK, 0)) {
		*why = "it does not stop";
		return E_IO;
	}
	return OK;
}

static u64 ram_end(const struct machine *m)
{
	u64 end = 0;

	for (u32 i = 0; i < m->ram_count; i++)
		if (m->ram[i].base + m->ram[i].size > end)
			end = m->ram[i].base + m->ram[i].size;
	return end;
}

static u64 max(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* Every stream id that the board can present to this SMMU is below the result. */
static u64 streams_of(const struct machine *m, u32 index)
{
	u64 end = 0;

	for (u32 p = 0; p < m->pci_count; p++)
		for (u32 i = 0; i < m->pci[p].sidmap_count; i++) {
			const struct machine_sidmap *map = &m->pci[p].sidmap[i];

			if (map->iommu == index)
				end = max(end, (u64)map->sid + map->count);
		}
	for (u32 d = 0; d < m->dt_device_count; d++)
		for (u32 i = 0; i < m->dt_device[d].stream_count; i++)
			if (m->dt_device[d].stream[i].iommu == index)
				end = max(end, (u64)m->dt_device[d].stream[i].sid + 1);
	return end;
}

/* Memory of a queue, aligned to its size; its register value. */
static u64 *queue_alloc(const struct smmuv3 *s, u8 log2, u64 entry_bytes, u64 *reg)
{
	u64 size = align_up(entry_bytes << log2, PAGE_SIZE);
	pa_t at = boot_alloc(size / PAGE_SIZE, size);

	smmuv3_publish(s, io_phys(at), size);
	*reg = at.v | FIELD(QUEUE_BASE_LOG2SIZE, log2) | QUEUE_BASE_HINT;
	return io_phys(at);
}

static void queues_init(struct smmuv3 *s)
{
	struct smmuv3_cmdq *c = &s->cmdq;
	struct smmuv3_evtq *e = &s->evtq;
	u64 reg;

	c->base = queue_alloc(s, s->f.cmdq_log2, CMD_BYTES, &reg);
	c->size = 1u << s->f.cmdq_log2;
	c->wrap = 2 * c->size - 1;
	c->burst = (s->f.quirks & QUIRK_SYNC_63) != 0 ? 63 : ~0u;
	c->patience = IOMMU_WAIT_US;
	c->lock = (struct spinlock)SPINLOCK_INIT;
	io_write64(reg, s->regs + SMMU_CMDQ_BASE);
	io_write32(0, s->regs + SMMU_CMDQ_PROD);
	io_write32(0, s->regs + SMMU_CMDQ_CONS);

	e->base = queue_alloc(s, s->f.evtq_log2, EVT_BYTES, &reg);
	e->size = 1u << s->f.evtq_log2;
	s->iommu->event_room = e->size;
	e->wrap = 2 * e->size - 1;
	e->lock = (struct spinlock)SPINLOCK_INIT;
	io_write64(reg, s->regs + SMMU_EVENTQ_BASE);
	io_write32(0, s->regs + SMMU_EVENTQ_PROD);
	io_write32(0, s->regs + SMMU_EVENTQ_CONS);
	s->iommu->poll = s->regs + SMMU_EVENTQ_PROD;
	s->iommu->poll_mask = e->wrap | (u32)EVENTQ_OVERFLOW;
	s->iommu->poll_idle = 0;
}

static void controls_init(const struct smmuv3 *s)
{
	const u64 cached = s->f.coherent ? ATTR_WB : ATTR_NC;
	const u64 shared = s->f.coherent ? SH_INNER : SH_OUTER;

	io_write32((u32)(FIELD(CR1_TABLE_SH, shared) | FIELD(CR1_TABLE_OC, cached) |
			 FIELD(CR1_TABLE_IC, cached) | FIELD(CR1_QUEUE_SH, shared) |
			 FIELD(CR1_QUEUE_OC, cached) | FIELD(CR1_QUEUE_IC, cached)),
		   s->regs + SMMU_CR1);
	io_write32((u32)(CR2_PTM | CR2_RECINVSID), s->regs + SMMU_CR2);
	if (s->f.msi) {
		/* Wired interrupts: a message would be a write to memory. */
		io_write64(0, s->regs + SMMU_GERROR_IRQ_CFG0);
		io_write64(0, s->regs + SMMU_EVENTQ_IRQ_CFG0);
	}
}

/* Errors from before our time mean nothing to us. */
static void gerror_forget(struct smmuv3 *s)
{
	s->gerrorn = io_read32(s->regs + SMMU_GERROR) & (u32)GERROR_ALL;
	io_write32(s->gerrorn, s->regs + SMMU_GERRORN);
}

static bool enable(struct smmuv3 *s)
{
	/*
	 * Where ATS exists, translated transactions are checked against EATS: without ATSCHK a device
	 * could claim any address to be translated and pass.
	 */
	u32 cr0 = s->f.ats_check ? (u32)CR0_ATSCHK : 0;
	volatile u8 __mmio *regs = s->regs;

	cr0 |= (u32)CR0_CMDQEN;
	if (!smmuv3_write_acked(regs, SMMU_CR0, SMMU_CR0ACK, cr0) || smmuv3_flush_all(s) != OK)
		return false;
	cr0 |= (u32)CR0_EVENTQEN;
	if (!smmuv3_write_acked(regs, SMMU_CR0, SMMU_CR0ACK, cr0))
		return false;
	if (!smmuv3_write_acked(regs, SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK,
				(u32)(IRQ_CTRL_EVENTQ | IRQ_CTRL_GERROR)))
		return false;
	cr0 |= (u32)CR0_SMMUEN;
	return smmuv3_write_acked(regs, SMMU_CR0, SMMU_CR0ACK, cr0);
}

static void caps_fill(struct iommu_caps *caps, const struct smmuv3 *s)
{
	const struct smmuv3_features *f = &s->f;

	*caps = (struct iommu_caps){
		.stage1 = f->stage1,
		.stage2 = f->stage2,
		.nested = f->stage1 && f->stage2 && (f->quirks & QUIRK_NO_NESTING) == 0,
		.ats = f->ats && (f->quirks & QUIRK_NO_NESTING) == 0,
		.range_inval = f->range,
		.split_live = f->split_live,
		.coherent = f->coherent,
		.asid_bits = f->asid_bits,
		.vmid_bits = f->vmid_bits,
		.pasid_bits = f->pasid_bits,
		.sid_bits = s->strtab.log2,
		.out_bits = f->out_bits,
		.s1 = f->stage1 ? &pt_lpae_s1 : NULL,
		.s2 = !f->stage2        ? NULL :
		      f->out_bits >= 44 ? &pt_lpae_s2_deep :
					  &pt_lpae_s2,
	};
}

/* Everything rests on what it says that it has: an answer that got lost once must not be taken for a feature. */
static bool identify(const volatile u8 __mmio *regs, struct smmuv3_id *id)
{
	const struct smmuv3_id twice = smmuv3_read_id(regs);

	*id = smmuv3_read_id(regs);
	return memcmp(id, &twice, sizeof(twice)) == 0;
}

static void announce(const struct smmuv3 *s, const struct smmuv3_id *id)
{
	const struct smmuv3_features *f = &s->f;

	log_info("%s: SMMUv3.%u, stage%s%s%s, %u-bit streams and %u-bit output%s%s%s",
		 s->iommu->name, (u32)FIELD_GET(AIDR_MINOR, id->aidr), f->stage1 ? " 1" : "",
		 f->stage1 && f->stage2 ? " and" : "", f->stage2 ? " 2" : "", s->strtab.log2,
		 f->out_bits, f->range ? ", range invalidation" : "",
		 f->coherent ? "" : ", walks do not snoop", f->quirks ? ", with errata" : "");
}

enum status arch_iommu_probe(const struct machine_iommu *hw, struct iommu *iommu,
			     const char **why)
{
	enum status status = arch_iommu_quiesce(hw, why);
	struct smmuv3_features f;
	struct smmuv3_id id;
	struct smmuv3 *s;
	u64 streams;

	if (status != OK)
		return status;
	if (!identify(smmuv3_regs_at(hw), &id)) {
		*why = "it does not say twice what it has";
		return E_IO;
	}
	streams = streams_of(machine, iommu->index);
	if (!smmuv3_decode_id(&id, hw->coherent, &f, why) ||
	    !smmuv3_fits_board(&f, ram_end(machine), streams, why))
		return E_NOSYS;

	s = io_phys(boot_alloc(1, PAGE_SIZE));
	s->regs = smmuv3_regs_at(hw);
	s->iommu = iommu;
	s->f = f;
	iommu->ops = &smmuv3_ops;
	iommu->hw = s;
	controls_init(s);
	smmuv3_strtab_init(s, streams);
	queues_init(s);
	smmuv3_tlbi_init(s);
	smmuv3_guest_init(s);
	gerror_forget(s);
	caps_fill(&iommu->caps, s);
	if (!enable(s)) {
		*why = "it does not start";
		return E_IO;
	}
	announce(s, &id);
	return OK;
}
