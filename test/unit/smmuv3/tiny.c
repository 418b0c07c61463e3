/* SPDX-License-Identifier: BSD-2-Clause */
#include "tiny.h"

#include <string.h>

#include "hyp/arch.h"
#include "hyp/pool.h"
#include "mem/page.h"
#include "mem/pool_priv.h"
#include "suite.h"

struct tiny tiny;
struct iommu tiny_iommu;
struct iommu_event tiny_events[8192];
u32 tiny_event_count, tiny_overflows;

void iommu_report_event(struct iommu *iommu, const struct iommu_event *event)
{
	assert_ptr_equal(iommu, &tiny_iommu);
	assert_int_equal(fake_locks_held(), 0);
	tiny_events[tiny_event_count++ % ARRAY_SIZE(tiny_events)] = *event;
}

bool (*tiny_stream)(u32 vsid, struct iommu_guest_stream *out);
bool (*tiny_still)(struct iommu_guest_stream *out);

bool iommu_guest_stream(const struct iommu *iommu UNUSED, const struct guest_inval *g UNUSED, u32 vsid, struct iommu_guest_stream *out)
{
	return tiny_stream != NULL && tiny_stream(vsid, out);
}

bool iommu_guest_stream_still(const struct iommu *iommu UNUSED, const struct guest_inval *g UNUSED, sid_t sid UNUSED,
			      struct iommu_guest_stream *out)
{
	return tiny_still != NULL && tiny_still(out);
}

bool iommu_turn(struct iommu *iommu UNUSED, struct guest_inval *g UNUSED)
{
	return true;
}

void iommu_report_overflow(struct iommu *iommu)
{
	assert_ptr_equal(iommu, &tiny_iommu);
	assert_int_equal(fake_locks_held(), 0);
	tiny_overflows++;
}

static u32 *reg(u32 offset)
{
	return &tiny.reg[offset / 4];
}

u64 tiny_reg64(u32 offset)
{
	return *reg(offset) | (u64)*reg(offset + 4) << 32;
}

static u32 queue_size(void)
{
	return 1u << (tiny_reg64(0x90) & 31);
}

static bool command_error(void)
{
	return ((*reg(0x60) ^ *reg(0x64)) & 1) != 0;
}

/* One command; false: none, or the queue is stopped. */
static bool step(void)
{
	u64 base = tiny_reg64(0x90) & 0xffffffffffffe0ull, w[2];
	bool coherent = (*reg(0x28) & 3) != 0;

	if (!(*reg(0x24) & 8) || tiny.prod == tiny.cons || command_error())
		return false;
	if (tiny.fail_at == 1 && tiny.fail_times > 0) {
		tiny.fail_times--;
		*reg(0x9c) = (*reg(0x9c) & 0xfffff) | tiny.fail_code << 24;
		*reg(0x60) ^= 1;
		return false;
	}
	if (tiny.fail_at > 0)
		tiny.fail_at--;
	assert_true(fake_hw_read(base + (tiny.cons % queue_size()) * 16, w, 16, coherent));
	if (tiny.log_count < TINY_LOG)
		tiny.log[tiny.log_count] = (struct tiny_cmd){ w[0], w[1] };
	tiny.log_count++;
	tiny.cons++;
	*reg(0x9c) = (u32)tiny.cons & (2 * queue_size() - 1);
	return true;
}

void tiny_consume(u32 count)
{
	while (count-- > 0 && step())
		;
}

static void relax(void *ctx UNUSED)
{
	if (tiny.on_relax && !tiny.held)
		tiny_consume((u32)fake_random_below(4));
}

static void doorbell(u32 value)
{
	u32 wrap = 2 * queue_size() - 1;
	u64 prod = tiny.cons + ((value - (u32)tiny.cons) & wrap);

	/* More than a queue ahead of the consumer: something was overwritten. */
	assert_true(value <= wrap && prod - tiny.cons <= queue_size() && prod >= tiny.prod);
	tiny.prod = prod;
	tiny.doorbells++;
	if (!tiny.held && !tiny.on_relax)
		tiny_consume(~0u);
}

static u64 read(void *ctx UNUSED, u64 offset, u32 width)
{
	u64 value;

	if (tiny.gone)
		return width == 4 ? ~0u : ~0ull;
	assert_true(offset + width <= SMMU_REGS_SIZE);
	if (tiny.before_read != NULL)
		tiny.before_read((u32)offset);
	value = width == 4 ? *reg((u32)offset) : tiny_reg64((u32)offset);
	if (tiny.after_read != NULL)
		tiny.after_read((u32)offset);
	return value;
}

static void write(void *ctx UNUSED, u64 offset, u32 width, u64 value)
{
	u32 at = (u32)offset;

	if (tiny.writes < ARRAY_SIZE(tiny.order))
		tiny.order[tiny.writes] = at;
	tiny.writes++;
	*reg(at) = (u32)value;
	if (width == 8)
		*reg(at + 4) = (u32)(value >> 32);
	if (tiny.after_write != NULL)
		tiny.after_write(at);
	if (at == 0x98 && (*reg(0x24) & 8) != 0)
		doorbell((u32)value);
	if (at == 0x98 && (*reg(0x24) & 8) == 0)
		tiny.prod = tiny.cons = value;
	if (at == 0x64 && !tiny.held && !tiny.on_relax)
		tiny_consume(~0u);
	if (tiny.no_ack)
		return;
	if ((at == 0x20 || at == 0x50) && !tiny.no_stop)
		*reg(at + 4) = (u32)value;
	if (at == 0x44)
		*reg(at) &= ~0x80000000u;
}

struct machine *tiny_machine(void)
{
	static const struct fake_io_ops ops = { read, write };
	struct machine *m = fake_machine(64ull << 20, 16ull << 20, 1);

	memset(&tiny, 0, sizeof(tiny));
	memset(&tiny_iommu, 0, sizeof(tiny_iommu));
	tiny_event_count = tiny_overflows = 0;
	tiny.idr0 = TINY_IDR0;
	tiny.idr1 = TINY_IDR1;
	tiny.idr3 = TINY_IDR3;
	tiny.idr5 = TINY_IDR5;
	*reg(0x44) = 0x1000; /* GBPA at reset: bypass */
	fake_io_register(m->iommu[0].regs.base, SMMU_REGS_SIZE, &ops, NULL);
	fake_machine_use(m);
	fake_relax_hook_add(relax, NULL);
	boot_alloc_open(m->heap);
	return m;
}

static enum status probe(const struct machine *m, const char **why)
{
	*reg(0x00) = tiny.idr0;
	*reg(0x04) = tiny.idr1;
	*reg(0x0c) = tiny.idr3;
	*reg(0x14) = tiny.idr5;
	*reg(0x18) = tiny.iidr;
	*reg(0x1c) = tiny.aidr;
	strcpy(tiny_iommu.name, "tiny");
	return arch_iommu_probe(&m->iommu[0], &tiny_iommu, why);
}

struct smmuv3 *tiny_start(struct machine *m)
{
	const char *why = "nothing";

	if (probe(m, &why) != OK)
		suite_fail("probe refused: %s", why);
	return tiny_iommu.hw;
}

struct smmuv3 *tiny_default(void)
{
	return tiny_start(tiny_machine());
}

void tiny_log_clear(void)
{
	tiny.log_count = 0;
	tiny.doorbells = 0;
}

u8 tiny_op(u32 index)
{
	assert_true(index < tiny.log_count);
	return (u8)tiny.log[index].w0;
}

u32 tiny_count(u8 op)
{
	u32 count = 0;

	for (u32 i = 0; i < tiny.log_count; i++)
		count += tiny_op(i) == op;
	return count;
}

struct pool *tiny_pool(u64 pages)
{
	static struct pool pool;

	page_init(machine);
	pool_init(&pool, 1);
	pool_add(&pool, boot_alloc(pages, 64 * PAGE_SIZE), pages);
	return &pool;
}
