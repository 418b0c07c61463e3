/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the primary's kernel and its device tree go: against a search of its own, over machines at random. */
#include <string.h>

#include "primary_image.h"
#include "suite.h"

#define STEP  0x100000ull
#define SPACE BLOCK_SIZE

static struct machine *m;
static struct primary_image image;
static const char *why;

static struct machine_module *kernel(void)
{
	for (u32 i = 0; i < m->module_count; i++)
		if (m->module[i].kind == MODULE_KERNEL)
			return &m->module[i];
	return NULL;
}

/* In place of the board: where a tree was asked for. */
static const void *tree_at;

enum status platform_primary_fdt(const void *fdt UNUSED, const struct machine *of UNUSED, void *out, u64 space)
{
	assert_int_equal(space, SPACE);
	tree_at = out;
	return OK;
}

static bool apart(struct range a, u64 base, u64 size)
{
	return a.size == 0 || a.base + a.size <= base || base + size <= a.base;
}

/* Is [base, base + size) memory that nobody else has? Without the kernel and firmware's tree, if so asked. */
static bool is_free(u64 base, u64 size, bool with_kernel)
{
	bool in_ram = false;

	for (u32 i = 0; i < m->ram_count; i++)
		in_ram |= base >= m->ram[i].base && base + size <= m->ram[i].base + m->ram[i].size;
	if (!in_ram || !apart(m->image, base, size) || !apart(m->heap, base, size))
		return false;
	for (u32 i = 0; i < m->reserved_count; i++)
		if (!apart(m->reserved[i], base, size))
			return false;
	for (u32 i = 0; i < m->module_count; i++)
		if (m->module[i].kind != MODULE_KERNEL && !apart(m->module[i].mem, base, size))
			return false;
	return !with_kernel || (apart(kernel()->mem, base, size) && apart(m->dtb, base, size));
}

/* The highest block that is free, or 0. */
static u64 highest(void)
{
	u64 best = 0;

	for (u32 i = 0; i < m->ram_count; i++)
		for (u64 at = align_up(m->ram[i].base, SPACE); at + SPACE <= m->ram[i].base + m->ram[i].size; at += SPACE)
			if (at > best && is_free(at, SPACE, true))
				best = at;
	return best;
}

static struct range somewhere(u64 most)
{
	const struct range *ram = &m->ram[fake_random_below(m->ram_count)];
	u64 size = (1 + fake_random_below(most)) * STEP;

	return (struct range){ ram->base + fake_random_below((ram->size - STEP) / STEP) * STEP, size };
}

/* Three pieces of RAM of 2 to 33 MiB, the image in the first, and much in the way. */
static void machine_at_random(u64 seed)
{
	fake_reset();
	fake_seed(seed);
	m = fake_machine(64 << 20, 4 << 20, 1);
	m->ram_count = 1 + (u32)fake_random_below(3);
	for (u32 i = 0; i < m->ram_count; i++)
		m->ram[i] = (struct range){ FAKE_RAM_BASE + i * (256ull << 20) + fake_random_below(2) * STEP,
					    (2 + fake_random_below(32)) * STEP };
	m->image.base = m->ram[0].base;
	m->heap = somewhere(4);
	m->dtb = somewhere(1);
	m->reserved_count = (u32)fake_random_below(3);
	for (u32 i = 0; i < m->reserved_count; i++)
		m->reserved[i] = somewhere(8);
	m->module_count = 1 + (u32)fake_random_below(2);
	for (u32 i = 0; i < m->module_count; i++)
		m->module[i] = (struct machine_module){ .kind = MODULE_RAMDISK, .mem = somewhere(4) };
	m->module[fake_random_below(m->module_count)].kind = MODULE_KERNEL;
	fake_machine_use(m);
}

static void random_machines_get_the_highest_free_block(void **state UNUSED)
{
	u32 taken = 0, refused = 0, no_room = 0;

	for (u32 i = 0; i < 4000; i++) {
		struct range k;
		u64 want;

		machine_at_random(i + 1);
		k = kernel()->mem;
		want = highest();
		why = NULL;
		if (primary_image_place(NULL, m, &image, &why)) {
			assert_true(is_free(k.base, k.size, false));
			assert_int_equal(image.fdt.v, want);
			assert_int_equal(image.entry.v, k.base);
			assert_ptr_equal(tree_at, fake_ram(want, SPACE));
			taken++;
		} else if (strstr(why, "behind its image") != NULL) {
			assert_false(is_free(k.base, k.size, false));
			refused++;
		} else {
			assert_non_null(strstr(why, "no 2 MiB"));
			assert_int_equal(want, 0);
			no_room++;
		}
	}
	assert_true(taken > 500 && refused > 500 && no_room > 20);
}

static void kernel_is_looked_at_first(void **state UNUSED)
{
	m = fake_machine(64 << 20, 4 << 20, 1);
	fake_machine_use(m);
	kernel()->mem.size = 0;
	assert_false(primary_image_place(NULL, m, &image, &why));
	assert_non_null(strstr(why, "the kernel is empty"));
	kernel()->kind = MODULE_RAMDISK;
	assert_false(primary_image_place(NULL, m, &image, &why));
	assert_non_null(strstr(why, "no kernel"));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(random_machines_get_the_highest_free_block),
		cmocka_unit_test(kernel_is_looked_at_first),
	};

	return SUITE("primary_image", cases);
}
