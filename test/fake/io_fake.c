/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory, registers, barriers and time of the host's machine. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hyp/io.h"

#include "fake.h"
#include "fake_private.h"

#define MAX_IO_RANGES 32
#define MAX_HOOKS     8
/* The shortest lines that a CPU may have: cleaning one word takes as little along as it can. */
#define CACHE_LINE 16u
/* What is never cleaned: in memory it is what firmware or the last owner left, and looks like entries that are valid. */
#define LEFTOVER 0xa7
/* Looks of a wait at hardware without a store to a register: eight times what the longest wait has before it gives up. */
#define WAIT_LOOKS 8000000u

struct ram {
	u64 base, size;
	u8 *cpu; /* what the CPU sees */
	u8 *hw; /* what a walker without snooping sees; NULL: the same */
};
static struct ram ram[FAKE_MAX_RAM];
static u32 ram_count;

/* Stores that no barrier has followed, oldest first: the slot and what hardware may still see. */
struct store {
	u64 *slot;
	u64 old;
};
/*
 * What hardware wrote since the last io_rmb(), and what was there before: a CPU may have read that early, before the
 * register that told of it. Of small writes, the latest.
 */
#define EARLY       64u
#define EARLY_BYTES 64u
static struct {
	const u64 *slot;
	u64 old;
} early[EARLY];
static u32 early_count;

static void early_remember(const u64 *at, u64 size)
{
	for (u64 i = 0; i < size / sizeof(u64) && size <= EARLY_BYTES; i++) {
		early[early_count % EARLY].slot = at + i;
		early[early_count++ % EARLY].old = at[i];
	}
}

static struct store *stores;
static u32 store_count, store_room;
static enum fake_stores store_policy;

struct io_range {
	u64 base, size;
	const struct fake_io_ops *ops;
	void *ctx;
};
static struct io_range io_range[MAX_IO_RANGES];
static u32 io_range_count;

struct hook {
	void (*fn)(void);
	void *ctx;
};
static struct hook store_hook[MAX_HOOKS], relax_hook[MAX_HOOKS];
static u32 store_hook_count, relax_hook_count;

static u64 clock_us, clock_step;
static u32 looks; /* by a wait, since the last store to a register */
static u64 random_state;
u64 (*fake_random_source)(u64 limit);

void fake_die(const char *fmt, ...)
{
	va_list args;

	fputs("fake machine: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* --- physical memory */

static struct ram *ram_of(u64 addr, u64 size)
{
	for (u32 i = 0; i < ram_count; i++)
		if (addr >= ram[i].base && addr - ram[i].base < ram[i].size &&
		    size <= ram[i].size - (addr - ram[i].base))
			return &ram[i];
	return NULL;
}

static const struct ram *ram_at(const void *pointer)
{
	const u8 *p = pointer;

	for (u32 i = 0; i < ram_count; i++)
		if (p >= ram[i].cpu && p < ram[i].cpu + ram[i].size)
			return &ram[i];
	return NULL;
}

static void *pages(u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fake_die("no host memory for %#llx bytes of RAM", (unsigned long long)size);
	return p;
}

void *fake_ram_add(u64 base, u64 size)
{
	if (ram_count == FAKE_MAX_RAM || !page_aligned(base) || !page_aligned(size) || size == 0)
		fake_die("RAM at %#llx, %#llx bytes", (unsigned long long)base,
			 (unsigned long long)size);
	ram[ram_count] = (struct ram){ .base = base, .size = size, .cpu = pages(size) };
	return ram[ram_count++].cpu;
}

void *fake_ram(u64 addr, u64 size)
{
	const struct ram *r = ram_of(addr, size);

	return r == NULL ? NULL : r->cpu + (addr - r->base);
}

void (*fake_phys_hook)(u64 addr);

bool fake_ram_addr(const void *pointer, u64 *addr)
{
	const struct ram *r = ram_at(pointer);

	if (r != NULL)
		*addr = r->base + (u64)((const u8 *)pointer - r->cpu);
	return r != NULL;
}

void *io_phys(pa_t page)
{
	void *p = fake_ram(page.v, 1);

	if (fake_phys_hook != NULL)
		fake_phys_hook(page.v);
	if (p == NULL)
		fake_die("io_phys(%#llx) is not RAM", (unsigned long long)page.v);
	return p;
}

pa_t io_phys_of(const void *pointer)
{
	const struct ram *r = ram_at(pointer);

	if (r == NULL)
		fake_die("io_phys_of(%p) is not in RAM", pointer);
	return pa(r->base + (u64)((const u8 *)pointer - r->cpu));
}

void fake_noncoherent(void)
{
	for (u32 i = 0; i < ram_count; i++) {
		if (ram[i].hw != NULL)
			continue;
		ram[i].hw = pages(ram[i].size);
		memset(ram[i].hw, LEFTOVER, ram[i].size);
	}
}

/* --- what hardware sees */

void fake_stores_policy(enum fake_stores policy)
{
	store_policy = policy;
	store_count = 0;
}

bool fake_stores_pending(void) { return store_count != 0; }

static void store_remember(u64 *slot)
{
	if (store_count == store_room) {
		store_room = store_room == 0 ? 1024 : 2 * store_room;
		stores = realloc(stores, store_room * sizeof(*stores));
		if (stores == NULL)
			fake_die("no host memory for the store buffer");
	}
	stores[store_count++] = (struct store){ .slot = slot, .old = *slot };
}

/* What hardware sees of an aligned word: the oldest value still allowed, or the newest. */
static u64 word_seen(u64 *slot)
{
	for (u32 i = 0; i < store_count; i++) {
		if (stores[i].slot != slot)
			continue;
		if (store_policy == FAKE_STORES_RANDOM && (fake_random() & 1) != 0) {
			/* This one became visible just now, and stays so. */
			stores[i].slot = NULL;
			continue;
		}
		return stores[i].old;
	}
	return *slot;
}

bool fake_hw_read(u64 addr, void *out, u64 size, bool coherent)
{
	const struct ram *r = ram_of(addr, size);
	u8 *to = out;

	if (r == NULL)
		return false;
	if (!coherent && r->hw != NULL) {
		memcpy(out, r->hw + (addr - r->base), size);
		return true;
	}
	memcpy(out, r->cpu + (addr - r->base), size);
	if (store_count == 0 || (addr | size) % sizeof(u64) != 0)
		return true;
	for (u64 i = 0; i < size; i += sizeof(u64)) {
		u64 word = word_seen((u64 *)(void *)(r->cpu + (addr - r->base) + i));

		memcpy(to + i, &word, sizeof(word));
	}
	return true;
}

bool fake_hw_write(u64 addr, const void *in, u64 size)
{
	const struct ram *r = ram_of(addr, size);

	if (r == NULL)
		return false;
	if (addr % sizeof(u64) == 0)
		early_remember((const u64 *)(const void *)(r->cpu + (addr - r->base)), size);
	memcpy(r->cpu + (addr - r->base), in, size);
	if (r->hw != NULL)
		memcpy(r->hw + (addr - r->base), in, size);
	return true;
}

/* --- the CPU's side of memory */

u64 io_table_read(const u64 *entry)
{
	for (u32 i = 0; i < early_count && i < EARLY; i++)
		if (early[i].slot == entry && store_policy != FAKE_STORES_AT_ONCE)
			return early[i].old;
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

void io_table_write(u64 *entry, u64 value)
{
	for (u32 i = 0; i < store_hook_count; i++)
		((fake_store_hook *)store_hook[i].fn)(store_hook[i].ctx, entry, value);
	if (store_policy != FAKE_STORES_AT_ONCE)
		store_remember(entry);
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

void io_table_publish(void) { store_count = 0; }

void io_wmb(void) { store_count = 0; }

void io_rmb(void) { early_count = 0; }

void io_clean(const void *start, size_t size)
{
	const struct ram *r = ram_at(start);
	u64 from, to;

	if (r == NULL)
		fake_die("io_clean(%p) is not in RAM", start);
	if (r->hw == NULL)
		return;
	from = align_down((u64)((const u8 *)start - r->cpu), CACHE_LINE);
	to = align_up((u64)((const u8 *)start - r->cpu) + size, CACHE_LINE);
	memcpy(r->hw + from, r->cpu + from, to - from);
}

static void hook_add(struct hook *hooks, u32 *count, void (*fn)(void), void *ctx)
{
	if (*count == MAX_HOOKS)
		fake_die("too many hooks");
	hooks[(*count)++] = (struct hook){ .fn = fn, .ctx = ctx };
}

static void hook_remove(struct hook *hooks, u32 *count, void (*fn)(void), const void *ctx)
{
	for (u32 i = 0; i < *count; i++) {
		if (hooks[i].fn == fn && hooks[i].ctx == ctx) {
			hooks[i] = hooks[--*count];
			return;
		}
	}
}

void fake_store_hook_add(fake_store_hook *hook, void *ctx)
{
	hook_add(store_hook, &store_hook_count, (void (*)(void))hook, ctx);
}

void fake_store_hook_remove(fake_store_hook *hook, void *ctx)
{
	hook_remove(store_hook, &store_hook_count, (void (*)(void))hook, ctx);
}

void fake_relax_hook_add(fake_relax_hook *hook, void *ctx)
{
	hook_add(relax_hook, &relax_hook_count, (void (*)(void))hook, ctx);
}

void fake_relax_hook_remove(fake_relax_hook *hook, void *ctx)
{
	hook_remove(relax_hook, &relax_hook_count, (void (*)(void))hook, ctx);
}

/* --- registers */

void fake_io_register(u64 base, u64 size, const struct fake_io_ops *ops, void *ctx)
{
	if (io_range_count == MAX_IO_RANGES)
		fake_die("too many register ranges");
	io_range[io_range_count++] = (struct io_range){ base, size, ops, ctx };
}

void fake_io_unregister(u64 base)
{
	for (u32 i = 0; i < io_range_count; i++)
		if (io_range[i].base == base)
			io_range[i] = io_range[--io_range_count];
}

static const struct io_range *io_range_of(u64 addr, u32 width)
{
	for (u32 i = 0; i < io_range_count; i++)
		if (addr >= io_range[i].base && addr - io_range[i].base < io_range[i].size)
			return &io_range[i];
	fake_die("no device at %#llx (width %u)", (unsigned long long)addr, width);
}

static u64 io_read(const volatile void *reg, u32 width)
{
	u64 addr = (u64)(uintptr_t)reg;
	const struct io_range *r = io_range_of(addr, width);

	if (addr % width != 0)
		fake_die("unaligned read of %u at %#llx", width, (unsigned long long)addr);
	return r->ops->read(r->ctx, addr - r->base, width);
}

static void io_write(volatile void *reg, u32 width, u64 value)
{
	u64 addr = (u64)(uintptr_t)reg;
	const struct io_range *r = io_range_of(addr, width);

	if (addr % width != 0)
		fake_die("unaligned write of %u at %#llx", width, (unsigned long long)addr);
	looks = 0;
	r->ops->write(r->ctx, addr - r->base, width, value);
}

u8 io_read8(const volatile void __mmio *reg) { return (u8)io_read(reg, 1); }

u32 io_read32(const volatile void __mmio *reg) { return (u32)io_read(reg, 4); }

u64 io_read64(const volatile void __mmio *reg) { return io_read(reg, 8); }

void io_write8(u8 value, volatile void __mmio *reg) { io_write(reg, 1, value); }

void io_write32(u32 value, volatile void __mmio *reg) { io_write(reg, 4, value); }

void io_write64(u64 value, volatile void __mmio *reg) { io_write(reg, 8, value); }

/* --- time and chance */

void fake_time_step(u64 us) { clock_step = us; }

void fake_time_advance(u64 us) { clock_us += us; }

u64 fake_time_now(void) { return clock_us; }

/* What is zero is not written: a child that forked, and a fuzzer's input, would have to copy each page from its parent first. */
void io_zero_pages(void *page, u64 pages)
{
	for (u8 *at = page; pages-- > 0; at += PAGE_SIZE)
		if (at[0] != 0 || memcmp(at, at + 1, PAGE_SIZE - 1) != 0)
			memset(at, 0, PAGE_SIZE);
}

u64 io_time_us(void)
{
	u64 now = clock_us;

	clock_us += clock_step;
	return now;
}

void io_relax(void)
{
	if (++looks > WAIT_LOOKS)
		fake_die("a wait without end");
	clock_us += clock_step;
	for (u32 i = 0; i < relax_hook_count; i++)
		((fake_relax_hook *)relax_hook[i].fn)(relax_hook[i].ctx);
}

void fake_seed(u64 seed) { random_state = seed; }

/* splitmix64 */
u64 fake_random(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

u64 fake_random_below(u64 limit)
{
	if (limit != 0 && fake_random_source != NULL)
		return fake_random_source(limit);
	return limit == 0 ? 0 : fake_random() % limit;
}

void fake_io_reset(void)
{
	for (u32 i = 0; i < ram_count; i++) {
		munmap(ram[i].cpu, ram[i].size);
		if (ram[i].hw != NULL)
			munmap(ram[i].hw, ram[i].size);
	}
	ram_count = 0;
	memset(ram, 0, sizeof(ram));
	store_count = 0;
	early_count = 0;
	store_policy = FAKE_STORES_AT_ONCE;
	io_range_count = 0;
	store_hook_count = 0;
	relax_hook_count = 0;
	fake_phys_hook = NULL;
	clock_us = 0;
	clock_step = 1;
	looks = 0;
	random_state = 1;
	fake_random_source = NULL;
}
