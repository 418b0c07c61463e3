/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware's device tree: one of test/unit/platform/dts, changed by edits that keep it well formed or by bytes that do
 * not. Discovery ends with a machine that keeps its promises or with a sentence; of an accepted one the primary's tree is
 * made, into a space that may be too small, and is sound.
 */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#include "fuzz.h"
#include "platform/tree.h"

static const char *const names[] = { "virt", "two-smmus", "devices", "narrow" };
static void *trees[ARRAY_SIZE(names)];
static u8 fdt[TREE_SPACE] __attribute__((aligned(8)));

static void boot(u32 index UNUSED)
{
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		trees[i] = tree_load(names[i]);
}

/* The n-th node or property, as many as there are, again from the first. */
static int some_node(void)
{
	int count = 0, node;
	u64 n;

	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		count++;
	n = count == 0 ? 0 : fuzz_below((u64)count);
	for (node = 0; n > 0 && node >= 0; n--)
		node = fdt_next_node(fdt, node, NULL);
	return node;
}

static int some_property(int node)
{
	int count = 0, p;
	u64 n;

	fdt_for_each_property_offset(p, fdt, node)
		count++;
	if (count == 0)
		return -1;
	n = fuzz_below((u64)count);
	p = fdt_first_property_offset(fdt, node);
	while (n-- > 0)
		p = fdt_next_property_offset(fdt, p);
	return p;
}

static u32 some_cell(void)
{
	static const u32 cells[] = { 0, 1, 2, 3, 4, 8, 0x1000, 0x10000, 0x200000, 0x40000000, 0x40200000, 0x80000000,
				     0xffffffff, 0xfffff000 };

	return fuzz_below(2) != 0 ? cells[fuzz_below(ARRAY_SIZE(cells))] : (u32)fuzz_word();
}

/* Contents of a property that may be anything: some cell of it, its length, or all of another's. */
static void change(int node)
{
	int p = some_property(node), other, len = 0, other_len = 0;
	const char *name = NULL;
	static u8 value[0x4000];
	const void *was, *from;

	if (p < 0)
		return;
	was = fdt_getprop_by_offset(fdt, p, &name, &len);
	if (was == NULL || len < 0 || (size_t)len > sizeof(value) / 2)
		return;
	memcpy(value, was, (size_t)len);
	switch (fuzz_below(4)) {
	case 0:
		memset(value + len, 0, 64);
		len = (int)fuzz_below((u64)len + 9);
		break;
	case 1:
		other = some_property(some_node());
		from = other < 0 ? NULL : fdt_getprop_by_offset(fdt, other, NULL, &other_len);
		if (from == NULL || other_len < 0 || (size_t)other_len > sizeof(value))
			return;
		memcpy(value, from, (size_t)other_len);
		len = other_len;
		break;
	default:
		if (len >= 4) {
			fdt32_t cell = cpu_to_fdt32(some_cell());

			memcpy(value + fuzz_below((u64)len / 4) * 4, &cell, sizeof(cell));
		} else if (len > 0) {
			value[fuzz_below((u64)len)] = (u8)fuzz_below(256);
		}
		break;
	}
	/* The name is in the tree, which moves. */
	{
		char copy[64];

		strncpy(copy, name, sizeof(copy) - 1);
		copy[sizeof(copy) - 1] = 0;
		(void)fdt_setprop(fdt, node, copy, value, len);
	}
}

/* A property or a node of one place at another. */
static void copy(int from, int to)
{
	int p = some_property(from), len = 0, made;
	const char *name = NULL;
	char node_name[64];
	const void *value;
	static u8 kept[0x4000];

	if (p < 0)
		return;
	value = fdt_getprop_by_offset(fdt, p, &name, &len);
	if (value == NULL || len < 0 || (size_t)len > sizeof(kept))
		return;
	memcpy(kept, value, (size_t)len);
	strncpy(node_name, fuzz_below(4) != 0 ? name : "memory@1", sizeof(node_name) - 1);
	node_name[sizeof(node_name) - 1] = 0;
	if (fuzz_below(4) == 0) {
		made = fdt_add_subnode(fdt, to, node_name);
		if (made > 0)
			(void)fdt_setprop(fdt, made, "reg", kept, len);
		return;
	}
	(void)fdt_setprop(fdt, to, node_name, kept, len);
}

static void property_nop(int node, int property)
{
	const char *name = NULL;

	if (fdt_getprop_by_offset(fdt, property, &name, NULL) != NULL)
		(void)fdt_nop_property(fdt, node, name);
}

static void edit(void)
{
	int node = some_node(), p;

	if (node < 0)
		return;
	switch (fuzz_below(8)) {
	case 0:
		p = some_property(node);
		if (p >= 0)
			property_nop(node, p);
		break;
	case 1:
		if (node > 0)
			(void)fdt_del_node(fdt, node);
		break;
	case 2:
		copy(node, some_node());
		break;
	case 3:
		(void)fdt_add_mem_rsv(fdt, fuzz_word(), fuzz_word());
		break;
	default:
		change(node);
		break;
	}
}

/* Bytes anywhere, the header more often; after it no edit is possible. */
static void damage(u8 *blob, size_t size)
{
	size_t at = fuzz_below(3) == 0 ? fuzz_below(sizeof(struct fdt_header)) : fuzz_below(size);

	for (u64 n = 1 + fuzz_below(4); n > 0 && at < size; n--)
		blob[at++] = (u8)fuzz_below(256);
}

static void discover(void *exact, size_t size)
{
	static u8 out[TREE_SPACE] __attribute__((aligned(8)));
	u64 space = fuzz_below(8) == 0 ? fuzz_below(sizeof(out)) : sizeof(out);
	const char *why = NULL;
	const struct machine *m = platform_discover(exact, size, TREE_IMAGE, &why);
	enum status st;

	fuzz_calls++;
	if (m == NULL) {
		tree_check_sentence(why);
		return;
	}
	tree_check_machine(m);
	st = platform_primary_fdt(exact, m, out, space & ~7ull);
	assert_true(st == OK || st == E_INVAL || (st == E_NOMEM && space < sizeof(out)));
	if (st == OK)
		assert_int_equal(fdt_check_full(out, fdt_totalsize(out)), 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size_t bytes;
	void *exact;
	bool more;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine(0, boot);
	memcpy(fdt, trees[fuzz_below(ARRAY_SIZE(trees))], sizeof(fdt));
	fake_random_source = fuzz_below;
	while ((more = fuzz_next()) && fuzz_below(16) != 0)
		edit();
	/* In a buffer that ends where the tree ends. */
	exact = tree_exact(fdt);
	bytes = fdt_totalsize(exact);
	for (; more; more = fuzz_next())
		damage(exact, bytes);
	discover(exact, bytes);
	free(exact);
	return 0;
}
