/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged trees: every truncation, every byte flipped, chance. Whatever bytes there are, discovery
 * ends, with a machine that keeps its promises or with a sentence; nothing is read or written
 * outside the blob (ASan), nothing is undefined (UBSan).
 */
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tree.h"

#define RANDOM_ROUNDS 5000
#define RANDOM_BYTES  8

static const char *const trees[] = { "virt", "two-smmus", "devices", "narrow" };

static u32 accepted, refused_count;

/* A blob of `size` bytes, in a buffer that ends there. */
static void try_blob(const void *blob, size_t size)
{
	static u8 out[TREE_SPACE] __attribute__((aligned(8)));
	void *exact = malloc(size ? size : 1);
	const char *why = NULL;
	const struct machine *m;

	memcpy(exact, blob, size);
	m = platform_discover(exact, size, TREE_IMAGE, &why);
	if (m) {
		enum status st = platform_primary_fdt(exact, m, out, sizeof(out));

		accepted++;
		tree_check_machine(m);
		assert_true(st == OK || st == E_INVAL);
		if (st == OK)
			assert_int_equal(fdt_check_full(out, fdt_totalsize(out)), 0);
	} else {
		refused_count++;
		tree_check_sentence(why);
	}
	free(exact);
}

static void *load(u32 tree, size_t *size)
{
	void *fdt = tree_load(trees[tree]), *exact = tree_exact(fdt);

	free(fdt);
	*size = fdt_totalsize(exact);
	return exact;
}

static void truncated(void **state UNUSED)
{
	size_t size;

	for (u32 tree = 0; tree < ARRAY_SIZE(trees); tree++) {
		void *blob = load(tree, &size);

		for (size_t cut = 0; cut < size; cut += 4) {
			try_blob(blob, cut);
			/* And with a header that agrees. */
			fdt_set_totalsize(blob, (u32)cut);
			try_blob(blob, cut);
			fdt_set_totalsize(blob, (u32)size);
		}
		free(blob);
	}
	assert_int_equal(accepted, 0);
	assert_true(refused_count > 0);
}

static void flip_all(u32 tree)
{
	static const u8 flip[] = { 0xff, 0x01 };
	size_t size;
	u8 *blob = load(tree, &size);

	for (size_t i = 0; i < size; i++) {
		for (u32 k = 0; k < ARRAY_SIZE(flip); k++) {
			blob[i] ^= flip[k];
			try_blob(blob, size);
			blob[i] ^= flip[k];
		}
	}
	assert_true(accepted > 0 && refused_count > 0);
}

static void flipped_virt(void **state UNUSED)
{
	flip_all(0);
}

static void flipped_two_smmus(void **state UNUSED)
{
	flip_all(1);
}

static void flipped_devices(void **state UNUSED)
{
	flip_all(2);
}

static void flipped_narrow(void **state UNUSED)
{
	flip_all(3);
}

/* Several bytes at once, with the values that lengths, offsets and tags like least. */
static void random_bytes(void **state UNUSED)
{
	static const u8 odd[] = { 0, 1, 2, 3, 4, 8, 9, 0x7f, 0x80, 0xff };
	size_t size;

	fake_seed(2);
	for (u32 tree = 0; tree < ARRAY_SIZE(trees); tree++) {
		u8 *blob = load(tree, &size), *mutant = malloc(size);

		for (u32 round = 0; round < RANDOM_ROUNDS; round++) {
			memcpy(mutant, blob, size);
			for (u64 i = 1 + fake_random_below(RANDOM_BYTES); i > 0; i--)
				mutant[fake_random_below(size)] = odd[fake_random_below(ARRAY_SIZE(odd))];
			try_blob(mutant, size);
		}
		free(blob);
		free(mutant);
	}
	assert_true(accepted > 0 && refused_count > 0);
}

static void headers(void **state UNUSED)
{
	size_t size;
	u8 *blob = load(0, &size), *moved = malloc(size + 8);
	const char *why;

	assert_null(platform_discover(blob, sizeof(struct fdt_header) - 1, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is cut short");
	assert_null(platform_discover(blob, size - 1, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is cut short");
	memcpy(moved + 4, blob, size);
	assert_null(platform_discover(moved + 4, size, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is not at a multiple of 8");
	fdt_set_version(blob, 16);
	assert_null(platform_discover(blob, size, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is of a version other than 17");
	fdt_set_version(blob, 17);
	fdt_set_last_comp_version(blob, 18);
	assert_null(platform_discover(blob, size, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is of a version other than 17");
	fdt_set_last_comp_version(blob, 16);
	fdt_set_off_dt_struct(blob, fdt_off_dt_struct(blob) + 2);
	assert_null(platform_discover(blob, size, TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree is not at a multiple of 8");
	fdt_set_off_dt_struct(blob, fdt_off_dt_struct(blob) - 2);
	fdt_set_magic(blob, ~FDT_MAGIC);
	assert_null(platform_discover(blob, size, TREE_IMAGE, &why));
	assert_string_equal(why, "there is no device tree where the boot protocol says");
	fdt_set_magic(blob, FDT_MAGIC);
	assert_non_null(platform_discover(blob, size, TREE_IMAGE, &why));
}

/* A property behind a child: libfdt lets it pass, and the specification does not. */
static void property_after_child(void **state UNUSED)
{
	static char blob[1024] __attribute__((aligned(8)));
	const char *why;

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	assert_int_equal(fdt_begin_node(blob, "child"), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_property_u32(blob, "reg", 1), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
	assert_int_equal(fdt_check_full(blob, sizeof(blob)), 0);
	assert_null(platform_discover(blob, sizeof(blob), TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree's structure is damaged");
}

/* No node at all. */
static void empty_tree(void **state UNUSED)
{
	struct {
		struct fdt_header header;
		fdt64_t reserve[2];
		fdt32_t end;
	} __attribute__((aligned(8))) blob = { .end = cpu_to_fdt32(FDT_END) };
	const char *why;

	fdt_set_magic(&blob, FDT_MAGIC);
	fdt_set_totalsize(&blob, sizeof(blob));
	fdt_set_version(&blob, 17);
	fdt_set_last_comp_version(&blob, 16);
	fdt_set_off_mem_rsvmap(&blob, sizeof(blob.header));
	fdt_set_off_dt_struct(&blob, (u32)((char *)&blob.end - (char *)&blob));
	fdt_set_size_dt_struct(&blob, sizeof(blob.end));
	fdt_set_off_dt_strings(&blob, sizeof(blob));
	assert_int_equal(fdt_check_full(&blob, sizeof(blob)), 0);
	assert_null(platform_discover(&blob, sizeof(blob), TREE_IMAGE, &why));
	assert_string_equal(why, "the device tree's structure is damaged");
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(truncated),
		cmocka_unit_test(flipped_virt),
		cmocka_unit_test(flipped_two_smmus),
		cmocka_unit_test(flipped_devices),
		cmocka_unit_test(flipped_narrow),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(headers),
		cmocka_unit_test(property_after_child),
		cmocka_unit_test(empty_tree),
	};

	return SUITE("damage", cases);
}
