/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, queues and time of the SMMUv3 model: IHI 0070 chapter 6. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyp/io.h"

#include "fake.h"
#include "smmuv3_model_private.h"

#define REGS_SIZE   0x20000
#define RELAX_STEPS 3
#define MAX_WATCHES 64u

#define R_IDR0        0x00
#define R_IDR5        0x14
#define R_IIDR        0x18
#define R_AIDR        0x1c
#define R_CR0         0x20
#define R_CR0ACK      0x24
#define R_CR1         0x28
#define R_CR2         0x2c
#define R_STATUSR     0x40
#define R_GBPA        0x44
#define R_AGBPA       0x48
#define R_IRQ_CTRL    0x50
#define R_IRQ_CTRLACK 0x54
#define R_GERROR      0x60
#define R_GERRORN     0x64
#define R_GERROR_IRQ  0x68 /* to 0x74 */
#define R_STRTAB      0x80
#define R_STRTAB_CFG  0x88
#define R_CMDQ        0x90
#define R_CMDQ_PROD   0x98
#define R_CMDQ_CONS   0x9c
#define R_EVTQ        0xa0
#define R_EVTQ_IRQ    0xb0 /* to 0xbc */
#define R_PRIQ        0xc0
#define R_PRIQ_IRQ    0xd0 /* to 0xdc */
#define R_EVTQ_PROD   0x100a8
#define R_EVTQ_CONS   0x100ac

#define GBPA_UPDATE 0x80000000u
#define GBPA_ABORT  0x00100000u
#define GBPA_MASK   0x001ff7ffu
#define CR0_SMMUEN  0x01u
#define CR0_PRIQEN  0x02u
#define CR0_EVTQEN  0x04u
#define CR0_CMDQEN  0x08u
#define GERROR_SFM  8

void smmu_misused(struct smmu *smmu, const char *fmt, ...)
{
	va_list args;

	if (smmu->misuse[0] != '\0')
		return;
	va_start(args, fmt);
	vsnprintf(smmu->misuse, sizeof(smmu->misuse), fmt, args);
	va_end(args);
}

const char *smmu_misuse(const struct smmu *smmu)
{
	return smmu->misuse[0] != '\0' ? smmu->misuse : NULL;
}

void smmu_misuse_clear(struct smmu *smmu) { smmu->misuse[0] = '\0'; }

u8 smmu_oas_bits(u8 code)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };

	return code < ARRAY_SIZE(bits) ? bits[code] : 48;
}

bool smmu_read_mem(struct smmu *smmu, u64 addr, void *out, u32 size)
{
	return fake_hw_read(addr, out, size, smmu->config.coherent);
}

/* --- what kind of SMMU */

struct smmu_config smmu_config_qemu(u64 base)
{
	return (struct smmu_config){
		.base = base,
		.stage1 = true,
		.stage2 = true,
		.sid_bits = 16,
		.two_level = true,
		.range_inval = true,
		.oas = 4,
		.bbml = 2,
		.asid16 = true,
		.vmid16 = true,
		.coherent = true,
		.cmdq_bits = 19,
		.evtq_bits = 19,
		.stall_model = 1,
		.evtq_like_qemu = true,
	};
}

struct smmu_config smmu_config_full(u64 base)
{
	struct smmu_config c = smmu_config_qemu(base);

	c.ssid_bits = 20;
	c.cd_two_level = true;
	c.ats = true;
	c.msi = true;
	c.sev = true;
	c.oas = 5;
	c.evtq_like_qemu = false;
	return c;
}

static void idr_fill(struct smmu *smmu)
{
	const struct smmu_config *c = &smmu->config;

	smmu->idr[0] = (u32)c->stage2 | (u32)c->stage1 << 1 | 2u << 2 | (u32)c->coherent << 4 |
		       (u32)c->hyp << 9 | (u32)c->ats << 10 | (u32)c->ats_stage1_only << 11 | (u32)c->asid16 << 12 |
		       (u32)c->msi << 13 | (u32)c->sev << 14 | (u32)c->vmid16 << 18 |
		       (u32)c->cd_two_level << 19 | 2u << 21 | (u32)c->stall_model << 24 |
		       1u << 26 | (u32)c->two_level << 27;
	smmu->idr[1] = (u32)c->sid_bits | (u32)c->ssid_bits << 6 | (u32)c->evtq_bits << 16 |
		       (u32)c->cmdq_bits << 21;
	smmu->idr[3] =
		1u << 2 | (u32)c->stage2 << 4 | (u32)c->range_inval << 10 | (u32)c->bbml << 11;
	smmu->idr[5] = c->oas | 1u << 4 | 1u << 5 | 1u << 6;
}

/* --- acknowledgements */

static void cr0_ack(struct smmu *smmu)
{
	u32 changed = smmu->cr0 ^ smmu->cr0ack;

	smmu->cr0ack = smmu->cr0;
	/* Turning translation on or off says nothing about caches: they keep what they had. */
	if ((changed & CR0_SMMUEN) != 0 && (smmu->cr0 & CR0_SMMUEN) != 0 &&
	    !(smmu->config_flushed && smmu->tlb_flushed))
		smmu_misused(smmu, "translation turned on with unknown contents in the caches");
	if ((changed & CR0_CMDQEN) != 0 && (smmu->cr0 & CR0_CMDQEN) != 0 &&
	    queue_log2(smmu->cmdq_base) > smmu->config.cmdq_bits)
		smmu_misused(smmu, "command queue of 2^%u entries", queue_log2(smmu->cmdq_base));
	if ((changed & CR0_EVTQEN) != 0 && (smmu->cr0 & CR0_EVTQEN) != 0 &&
	    queue_log2(smmu->evtq_base) > smmu->config.evtq_bits)
		smmu_misused(smmu, "event queue of 2^%u entries", queue_log2(smmu->evtq_base));
}

static bool step_one(struct smmu *smmu)
{
	if (smmu->gbpa_pending) {
		smmu->gbpa = smmu->gbpa_next;
		smmu->gbpa_pending = false;
		return true;
	}
	if (smmu->cr0 != smmu->cr0ack) {
		cr0_ack(smmu);
		return true;
	}
	if (smmu->irq_ctrl != smmu->irq_ctrlack) {
		smmu->irq_ctrlack = smmu->irq_ctrl;
		return true;
	}
	return cmd_step(smmu);
}

static bool is_due(const struct smmu *smmu)
{
	return smmu->gbpa_pending || smmu->cr0 != smmu->cr0ack || smmu->irq_ctrl != smmu->irq_ctrlack || cmd_due(smmu);
}

u32 smmu_step(struct smmu *smmu, u32 steps)
{
	u32 done = 0;

	while (done < steps && smmu->time != SMMU_STUCK) {
		/* Silent is who has something to do and does not. */
		if (smmu->fused && smmu->fuse == 0 && is_due(smmu)) {
			smmu->fused = false;
			smmu->time = SMMU_STUCK;
			break;
		}
		if (!step_one(smmu))
			break;
		smmu->fuse -= smmu->fused;
		done++;
	}
	return done;
}

static void relax(void *ctx)
{
	struct smmu *smmu = ctx;

	if (smmu->time == SMMU_ON_RELAX)
		smmu_step(smmu, RELAX_STEPS);
}

void smmu_time(struct smmu *smmu, enum smmu_time time)
{
	smmu->time = time;
	smmu->fused = false;
}

void smmu_inject_silence(struct smmu *smmu, u32 steps)
{
	smmu->fused = true;
	smmu->fuse = steps;
}

bool smmu_silent(const struct smmu *smmu) { return smmu->time == SMMU_STUCK; }

/* --- registers */

static u64 merge(u64 old, u64 offset, u32 width, u64 value)
{
	if (width == 8)
		return value;
	if (offset % 8 == 0)
		return (old & 0xffffffff00000000ull) | (u32)value;
	return (old & 0xffffffffull) | value << 32;
}

/* 64-bit registers, whole or by halves; NULL: not one. */
static u64 *wide(struct smmu *smmu, u64 offset)
{
	switch (offset & ~7ull) {
	case R_STRTAB:
		return &smmu->strtab_base;
	case R_CMDQ:
		return &smmu->cmdq_base;
	case R_EVTQ:
		return &smmu->evtq_base;
	case R_PRIQ:
		return &smmu->priq_base;
	case R_GERROR_IRQ:
		return &smmu->irq_cfg[0][0];
	case R_EVTQ_IRQ:
		return &smmu->irq_cfg[1][0];
	case R_PRIQ_IRQ:
		return &smmu->irq_cfg[2][0];
	case R_GERROR_IRQ + 8:
		return &smmu->irq_cfg[0][1];
	case R_EVTQ_IRQ + 8:
		return &smmu->irq_cfg[1][1];
	case R_PRIQ_IRQ + 8:
		return &smmu->irq_cfg[2][1];
	default:
		return NULL;
	}
}

static u32 narrow_read(struct smmu *smmu, u64 offset)
{
	switch (offset) {
	case R_IDR0 ... R_IDR5:
		return smmu->idr[(offset - R_IDR0) / 4];
	case R_IIDR:
		return smmu->config.iidr;
	case R_AIDR:
		return 1;
	case R_CR0:
		return smmu->cr0;
	case R_CR0ACK:
		return smmu->cr0ack;
	case R_CR1:
		return smmu->cr1;
	case R_CR2:
		return smmu->cr2;
	case R_GBPA:
		return smmu->gbpa | (smmu->gbpa_pending ? GBPA_UPDATE : 0);
	case R_IRQ_CTRL:
		return smmu->irq_ctrl;
	case R_IRQ_CTRLACK:
		return smmu->irq_ctrlack;
	case R_GERROR:
		return smmu->gerror;
	case R_GERRORN:
		return smmu->gerrorn;
	case R_STRTAB_CFG:
		return smmu->strtab_cfg;
	case R_CMDQ_PROD:
		return smmu->cmdq_prod;
	case R_CMDQ_CONS:
		return smmu->cmdq_cons;
	case R_EVTQ_PROD:
		return smmu->evtq_prod;
	case R_EVTQ_CONS:
		return smmu->evtq_cons;
	case R_STATUSR:
	case R_AGBPA:
		return 0;
	default:
		smmu_misused(smmu, "read of register %#llx", (unsigned long long)offset);
		return 0;
	}
}

/* Has a test planted ones for this read? */
static bool reads_ones(struct smmu *smmu)
{
	if (smmu->ones_nth == 0 || --smmu->ones_nth != 0)
		return smmu->gone;
	if (smmu->ones_for_ever) {
		smmu->gone = true;
		smmu->time = SMMU_STUCK;
	}
	return true;
}

static bool reads_wrong(struct smmu *smmu) { return smmu->wrong_nth != 0 && --smmu->wrong_nth == 0; }

static u64 reg_value(struct smmu *smmu, u64 offset, u32 width)
{
	u64 *reg = wide(smmu, offset);

	/* At once: what waited for a device at the write, and has waited for long enough by now. */
	if (smmu->time == SMMU_AT_ONCE)
		smmu_step(smmu, ~0u);
	if (smmu->time == SMMU_ON_READ)
		smmu_step(smmu, RELAX_STEPS);
	if (reg != NULL)
		return width == 8 ? *reg : offset % 8 == 0 ? (u32)*reg :
							     *reg >> 32;
	if (width == 8)
		smmu_misused(smmu, "64-bit read of register %#llx", (unsigned long long)offset);
	return narrow_read(smmu, offset);
}

static u64 reg_read(void *ctx, u64 offset, u32 width)
{
	struct smmu *smmu = ctx;
	u64 value;

	if (smmu->error_nth != 0 && --smmu->error_nth == 0)
		smmu_inject_gerror(smmu, smmu->error_bits);
	value = reads_ones(smmu) ? ~0ull : reg_value(smmu, offset, width);

	if (reads_wrong(smmu))
		value = ~value;
	return width == 8 ? value : (u32)value;
}

/* Registers that must not change while what they configure is on (6.3). */
static bool guarded(struct smmu *smmu, u64 offset)
{
	u32 on = smmu->cr0 | smmu->cr0ack, by;

	switch (offset & ~7ull) {
	case R_STRTAB:
	case R_STRTAB_CFG:
		by = CR0_SMMUEN;
		break;
	case R_CMDQ:
		by = CR0_CMDQEN;
		break;
	case R_EVTQ:
		by = CR0_EVTQEN;
		break;
	case R_PRIQ:
		by = CR0_PRIQEN;
		break;
	default:
		return false;
	}
	if ((on & by) == 0)
		return false;
	smmu_misused(smmu, "register %#llx written while in use", (unsigned long long)offset);
	return true;
}

static void cr0_write(struct smmu *smmu, u32 value)
{
	if (smmu->cr0 != smmu->cr0ack)
		smmu_misused(smmu, "CR0 written before the last write was acknowledged");
	if ((value & ~0x1dfu) != 0)
		smmu_misused(smmu, "CR0 %#x sets reserved bits", value);
	if ((value & CR0_PRIQEN) != 0)
		smmu_misused(smmu, "CR0.PRIQEN without a PRI queue");
	smmu->cr0 = value;
}

static void gbpa_write(struct smmu *smmu, u32 value)
{
	if (smmu->gbpa_pending) {
		smmu_misused(smmu, "GBPA written before the last update was done");
		return;
	}
	if ((value & GBPA_UPDATE) == 0) {
		smmu_misused(smmu, "GBPA written without UPDATE has no effect");
		return;
	}
	smmu->gbpa_next = value & GBPA_MASK;
	smmu->gbpa_pending = true;
}

static void cmdq_prod_write(struct smmu *smmu, u32 value)
{
	u32 mask = (2u << queue_log2(smmu->cmdq_base)) - 1;
	u32 used = (value - smmu->cmdq_cons) & mask;

	if (used > 1u << queue_log2(smmu->cmdq_base))
		smmu_misused(smmu, "command queue overrun: PROD %#x, CONS %#x", value,
			     smmu->cmdq_cons);
	if ((value & ~mask) != 0)
		smmu_misused(smmu, "CMDQ_PROD %#x beyond the queue", value);
	smmu->cmdq_prod = value & mask;
}

static void narrow_write(struct smmu *smmu, u64 offset, u32 value)
{
	switch (offset) {
	case R_CR0:
		cr0_write(smmu, value);
		break;
	case R_CR1:
		if (((smmu->cr0 | smmu->cr0ack) & 0xfu) != 0)
			smmu_misused(smmu, "CR1 written while something is on");
		smmu->cr1 = value & 0xfff;
		break;
	case R_CR2:
		if (((smmu->cr0 | smmu->cr0ack) & CR0_SMMUEN) != 0)
			smmu_misused(smmu, "CR2 written while translation is on");
		smmu->cr2 = value;
		break;
	case R_GBPA:
		gbpa_write(smmu, value);
		break;
	case R_IRQ_CTRL:
		smmu->irq_ctrl = value & 7;
		break;
	case R_GERRORN:
		if (((value ^ smmu->gerrorn) & ~(smmu->gerror ^ smmu->gerrorn)) != 0)
			smmu_misused(smmu, "GERRORN %#x acknowledges what is not active", value);
		smmu->gerrorn = value;
		break;
	case R_STRTAB_CFG:
		if (!guarded(smmu, offset))
			smmu->strtab_cfg = value;
		break;
	case R_CMDQ_PROD:
		cmdq_prod_write(smmu, value);
		break;
	case R_CMDQ_CONS:
		if (((smmu->cr0 | smmu->cr0ack) & CR0_CMDQEN) != 0)
			smmu_misused(smmu, "CMDQ_CONS written while the queue is on");
		smmu->cmdq_cons = value;
		break;
	case R_EVTQ_PROD:
		if (((smmu->cr0 | smmu->cr0ack) & CR0_EVTQEN) != 0)
			smmu_misused(smmu, "EVENTQ_PROD written while the queue is on");
		smmu->evtq_prod = value;
		break;
	case R_EVTQ_CONS:
		smmu->evtq_cons = value;
		break;
	default:
		smmu_misused(smmu, "write of register %#llx", (unsigned long long)offset);
		break;
	}
}

static void reg_write(void *ctx, u64 offset, u32 width, u64 value)
{
	struct smmu *smmu = ctx;
	u64 *reg = wide(smmu, offset);

	if (reg != NULL) {
		if (!guarded(smmu, offset))
			*reg = merge(*reg, offset, width, value);
	} else if (width == 8) {
		smmu_misused(smmu, "64-bit write of register %#llx", (unsigned long long)offset);
	} else {
		narrow_write(smmu, offset, (u32)value);
	}
	if (smmu->time == SMMU_AT_ONCE)
		smmu_step(smmu, ~0u);
}

u64 smmu_reg(const struct smmu *smmu, u32 offset)
{
	/* Reading has no effect but a possible misuse, which a test that asks does not mean. */
	struct smmu copy = *smmu;
	u64 *reg = wide(&copy, offset);

	return reg != NULL ? *reg : narrow_read(&copy, offset);
}

/* --- tests' controls */

void smmu_inject_gerror(struct smmu *smmu, u32 bits)
{
	/* A bit that is active already stays so. */
	u32 fresh = bits & ~(smmu->gerror ^ smmu->gerrorn);

	smmu->gerror ^= fresh;
	if ((bits & 1u << GERROR_SFM) != 0)
		smmu->failed = true;
	if (fresh != 0 && (smmu->irq_ctrl & 1) != 0)
		smmu->error_irqs++;
}

void smmu_inject_gerror_at(struct smmu *smmu, u32 nth, u32 bits)
{
	smmu->error_nth = nth;
	smmu->error_bits = bits;
}

u32 smmu_inject_gerror_left(const struct smmu *smmu) { return smmu->error_nth; }

u32 smmu_interrupts(const struct smmu *smmu, bool error)
{
	return error ? smmu->error_irqs : smmu->event_irqs;
}

void smmu_inject_cerror(struct smmu *smmu, u32 nth, enum smmu_cerror code)
{
	smmu_inject_cerrors(smmu, nth, code, 1);
}

void smmu_inject_cerrors(struct smmu *smmu, u32 nth, enum smmu_cerror code, u32 times)
{
	smmu->inject_nth = nth;
	smmu->inject_code = code;
	smmu->inject_times = times;
}

u32 smmu_inject_left(const struct smmu *smmu) { return smmu->inject_nth; }

void smmu_inject_ones(struct smmu *smmu, u32 nth, bool for_ever)
{
	smmu->ones_nth = nth;
	smmu->ones_for_ever = for_ever;
}

u32 smmu_inject_ones_left(const struct smmu *smmu) { return smmu->ones_nth; }

void smmu_inject_wrong(struct smmu *smmu, u32 nth) { smmu->wrong_nth = nth; }

u32 smmu_inject_wrong_left(const struct smmu *smmu) { return smmu->wrong_nth; }

void smmu_access_hook_set(struct smmu *smmu, smmu_access_hook *hook, void *ctx)
{
	smmu->hook = hook;
	smmu->hook_ctx = ctx;
}

void smmu_watch(struct smmu *smmu, u32 sid, bool has_ssid, u32 ssid, u64 addr)
{
	struct watch *w;

	for (u32 i = 0; i < smmu->watches.count; i++) {
		w = LIST_AT(&smmu->watches, struct watch, i);
		if (w->sid == sid && w->has_ssid == has_ssid && w->ssid == ssid &&
		    w->addr >> 12 == addr >> 12)
			return;
	}
	if (smmu->watches.count == MAX_WATCHES)
		list_remove(&smmu->watches, (u32)fake_random_below(MAX_WATCHES));
	w = list_push(&smmu->watches);
	*w = (struct watch){ .sid = sid, .ssid = ssid, .has_ssid = has_ssid, .addr = addr };
}

static void at_store(void *ctx, u64 *entry UNUSED, u64 value UNUSED) { smmu_speculate_one(ctx); }

void smmu_speculate_at_stores(struct smmu *smmu, bool on)
{
	if (on == smmu->at_stores)
		return;
	smmu->at_stores = on;
	if (on)
		fake_store_hook_add(at_store, smmu);
	else
		fake_store_hook_remove(at_store, smmu);
}

u32 smmu_cmd_count(const struct smmu *smmu) { return smmu->cmds.count; }

const struct smmu_cmd *smmu_cmd_at(const struct smmu *smmu, u32 index)
{
	return index < smmu->cmds.count ? LIST_AT(&smmu->cmds, struct smmu_cmd, index) : NULL;
}

u32 smmu_cmd_count_op(const struct smmu *smmu, u8 op, u32 from)
{
	u32 n = 0;

	for (u32 i = from; i < smmu->cmds.count; i++)
		n += (LIST_AT(&smmu->cmds, struct smmu_cmd, i)->word[0] & 0xff) == op;
	return n;
}

bool smmu_idle(const struct smmu *smmu)
{
	return smmu->effects.count == 0 && smmu->cr0 == smmu->cr0ack && !smmu->gbpa_pending &&
	       ((smmu->cmdq_prod ^ smmu->cmdq_cons) & ((2u << queue_log2(smmu->cmdq_base)) - 1)) ==
		       0;
}

void smmu_log_clear(struct smmu *smmu) { smmu->cmds.count = 0; }

const struct smmu_config *smmu_config_of(const struct smmu *smmu) { return &smmu->config; }

/* --- life */

struct smmu *smmu_new(const struct smmu_config *config)
{
	static const struct fake_io_ops ops = { reg_read, reg_write };
	struct smmu *smmu = calloc(1, sizeof(*smmu));

	if (smmu == NULL)
		fake_die("no host memory");
	smmu->config = *config;
	idr_fill(smmu);
	smmu->stes.item = sizeof(struct cached_ste);
	smmu->cds.item = sizeof(struct cached_cd);
	smmu->l1s.item = sizeof(struct cached_l1);
	smmu->leaves.item = sizeof(struct cached_leaf);
	smmu->tables.item = sizeof(struct cached_table);
	smmu->effects.item = sizeof(struct effect);
	smmu->watches.item = sizeof(struct watch);
	smmu->cmds.item = sizeof(struct smmu_cmd);
	smmu->late.item = sizeof(struct late_record);
	smmu->kept.item = sizeof(struct kept);
	smmu->deaf.item = sizeof(struct deaf);
	smmu->gbpa = 0x1000; /* as QEMU resets: ABORT clear, incoming shareability */
	fake_io_register(config->base, REGS_SIZE, &ops, smmu);
	fake_relax_hook_add(relax, smmu);
	return smmu;
}

void smmu_free(struct smmu *smmu)
{
	struct list *lists[] = { &smmu->stes, &smmu->cds, &smmu->l1s, &smmu->leaves,
				 &smmu->tables, &smmu->effects, &smmu->watches, &smmu->cmds, &smmu->late,
				 &smmu->kept, &smmu->deaf };

	smmu_speculate_at_stores(smmu, false);
	fake_io_unregister(smmu->config.base);
	fake_relax_hook_remove(relax, smmu);
	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		free(lists[i]->items);
	free(smmu);
}
