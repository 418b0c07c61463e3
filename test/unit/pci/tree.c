/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree itself: routing, registers, the devices that have behaviour. */
#include "tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_ECAM 0x5000000000ull

struct tree_fn tree[TREE_MAX];
u32 tree_count;
struct tree_write tree_writes[TREE_WRITES];
u32 tree_write_count;
u64 tree_reads;
u32 tree_strays, tree_conflicts, tree_masters;
struct vm tree_primary, tree_other;

static struct device devices[64];
static u32 device_used;
static u64 ecam_base[2];
static u8 ecam_first[2];

/* --- routing */

static u32 secondary(const struct tree_fn *f)
{
	return f->reg[0x18 / 4] >> 8 & 255;
}

static u32 subordinate(const struct tree_fn *f)
{
	return f->reg[0x18 / 4] >> 16 & 255;
}

static bool is_root_bus(u32 host, u32 bus)
{
	for (u32 i = 0; i < tree_count; i++)
		if (tree[i].host == host && tree[i].parent == TREE_ROOT && tree[i].bus == bus)
			return true;
	return false;
}

/* Does a configuration access for `bus` come to f's bus? */
static bool reaches(const struct tree_fn *f, u32 bus)
{
	const struct tree_fn *b;

	if (f->parent == TREE_ROOT)
		return f->bus == bus;
	if (is_root_bus(f->host, bus))
		return false;
	b = &tree[f->parent];
	if (secondary(b) != bus || b->held)
		return false;
	while (b->parent != TREE_ROOT) {
		b = &tree[b->parent];
		if (bus <= secondary(b) || bus > subordinate(b))
			return false;
	}
	return true;
}

static struct tree_fn *find(u32 host, u32 bus, u32 devfn)
{
	struct tree_fn *found = NULL;

	for (u32 i = 0; i < tree_count; i++) {
		if (tree[i].host != host || tree[i].devfn != devfn || !reaches(&tree[i], bus))
			continue;
		if (found != NULL)
			tree_conflicts++;
		found = &tree[i];
	}
	return found;
}

static bool silent(const struct tree_fn *f)
{
	return f->held || fake_time_now() < f->silent_until;
}

/* --- behaviour behind registers */

static void function_reset(struct tree_fn *f)
{
	memcpy(f->reg, f->initial, sizeof(f->reg));
	f->resets++;
	f->silent_until = fake_time_now() + f->reset_us;
	f->sizing_done = false;
}

static u32 virtio_read(struct tree_fn *f)
{
	u32 at = f->access_at, offset = f->reg[at / 4 + 2];
	u32 length = f->reg[at / 4 + 3];

	if (length != 1 && length != 4)
		return 0;
	if (offset == 0x1004 && length == 4 && f->feature_word < 2)
		return f->features[f->feature_word];
	if (offset == 0x1014 && length == 1) {
		if (f->status_polls > 0 && f->status_polls-- > 0)
			return f->status | 0x40;
		return f->status;
	}
	return 0;
}

static void virtio_write(struct tree_fn *f, u32 value)
{
	u32 at = f->access_at, offset = f->reg[at / 4 + 2];
	u32 length = f->reg[at / 4 + 3];

	if (f->reg[1] & 2)
		suite_fail("access capability used while decoding is on");
	if (offset == 0x1000 && length == 4)
		f->feature_word = value;
	else if (offset == 0x1014 && length == 1)
		f->status = value & 255;
	else if (length != 0)
		suite_fail("virtio: write of %u at %#x", length, offset);
}

static u32 mood_read(const struct tree_fn *f, u32 offset, u32 value)
{
	switch (f->mood) {
	case MOOD_ONES:
		return offset == 0 ? value : 0xffffffff;
	case MOOD_GARBAGE:
		return offset == 0 ? value : (u32)fake_random();
	case MOOD_CHAOS:
		return fake_random_below(4) ? (u32)fake_random() : value;
	case MOOD_GOOD:
	case MOOD_STUCK_BAR:
	case MOOD_DEAF:
		break;
	}
	return value;
}

static u32 config_read(struct tree_fn *f, u32 offset)
{
	if (silent(f))
		return 0xffffffff;
	if (f->access_at != 0 && offset == f->access_at + 16)
		return virtio_read(f);
	return mood_read(f, offset, f->reg[offset / 4]);
}

static void start_resets(struct tree_fn *f, u32 offset, u32 value)
{
	if (f->flr_at != 0 && offset == f->flr_at + 8 && value & 0x8000)
		function_reset(f);
	if (f->af_at != 0 && offset == f->af_at + 4 && value & 1)
		function_reset(f);
}

static void bus_reset(const struct tree_fn *bridge, bool hold)
{
	for (u32 i = 0; i < tree_count; i++) {
		if (tree[i].parent != (u32)(bridge - tree))
			continue;
		if (tree[i].held && !hold)
			function_reset(&tree[i]);
		tree[i].held = hold;
	}
}

static void config_write(struct tree_fn *f, u32 offset, u32 value)
{
	u32 *reg = &f->reg[offset / 4], old = *reg;
	u32 writable = f->writable[offset / 4];

	if (tree_write_count == TREE_WRITES)
		suite_fail("more writes than the log holds");
	tree_writes[tree_write_count++] =
		(struct tree_write){ (u32)(f - tree), offset, value, old };
	if (silent(f))
		return;
	if (f->mood == MOOD_DEAF && offset >= 0x18 && offset < 0x30)
		return;
	if (f->mood == MOOD_STUCK_BAR && offset >= 0x10 && offset < 0x28 && value != 0xffffffff)
		value = 0;
	if (f->loses_bars && f->resets > 0 && offset >= 0x10 && offset < 0x28)
		value = 0;
	if (offset == 4 && value & 4 && f->writable[6] >> 8 == 0)
		tree_masters++;
	*reg = (*reg & ~writable) | (value & writable);
	*reg &= ~(value & f->clear[offset / 4]);
	if (f->access_at != 0 && offset == f->access_at + 16)
		virtio_write(f, value);
	if ((f->initial[3] >> 16 & 0x7f) == 1 && offset == 0x3c)
		bus_reset(f, (value & 0x00400000) != 0);
	start_resets(f, offset, value);
}

static u64 ecam_read(void *ctx, u64 offset, u32 width)
{
	u32 host = (u32)(u64 *)ctx[0] == 0 ? 0 : 0;
	struct tree_fn *f;

	(void)host;
	if (width != 4)
		suite_fail("configuration read of %u bytes", width);
	host = (u32)((u64 *)ctx - ecam_base);
	tree_reads++;
	f = find(host, (u32)(offset >> 20) + ecam_first[host], offset >> 12 & 255);
	return f == NULL ? 0xffffffff : config_read(f, offset & 0xfff);
}
