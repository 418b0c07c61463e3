/* SPDX-License-Identifier: BSD-2-Clause */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static void *compiled(const char *name)
{
	char command[512];
	const char *slash = strrchr(__FILE__, '/');
	void *fdt = calloc(1, TREE_SPACE);
	FILE *dtc;

	snprintf(command, sizeof(command), "dtc -q -I dts -O dtb '%.*s/dts/%s.dts'", (int)(slash - __FILE__), __FILE__, name);
	dtc = popen(command, "r");
	if (!fdt || !dtc || fread(fdt, 1, TREE_SPACE, dtc) == 0 || pclose(dtc) != 0)
		suite_fail("%s: no tree", command);
	return fdt;
}

void *tree_load(const char *name)
{
	void *fdt = compiled(name);

	assert_int_equal(fdt_open_into(fdt, fdt, TREE_SPACE), 0);
	return fdt;
}

static u32 phandle_of(const void *fdt, const char *compatible)
{
	u32 phandle = fdt_get_phandle(fdt, fdt_node_offset_by_compatible(fdt, -1, compatible));

	assert_int_not_equal(phandle, 0);
	return phandle;
}

static void edit_cells(void *fdt, int node, const struct edit *e)
{
	fdt32_t cells[ARRAY_SIZE(e->cell)];

	for (u32 i = 0; i < e->count; i++) {
		u32 value = e->cell[i];

		if (value == GIC)
			value = phandle_of(fdt, "arm,gic-v3");
		if (value == SMMU)
			value = phandle_of(fdt, "arm,smmu-v3");
		cells[i] = cpu_to_fdt32(value);
	}
	assert_int_equal(fdt_setprop(fdt, node, e->name, cells, (int)(e->count * sizeof(cells[0]))), 0);
}

void tree_edit(void *fdt, const struct edit *e)
{
	int node = fdt_path_offset(fdt, e->path);

	if (node < 0)
		suite_fail("%s: %s", e->path, fdt_strerror(node));
	switch (e->op) {
	case EDIT_CELLS:
		edit_cells(fdt, node, e);
		break;
	case EDIT_BYTES:
		assert_int_equal(fdt_setprop(fdt, node, e->name, e->bytes, (int)e->count), 0);
		break;
	case EDIT_NODE:
		assert_true(fdt_add_subnode(fdt, node, e->name) > 0);
		break;
	case EDIT_NO_PROP:
		assert_int_equal(fdt_delprop(fdt, node, e->name), 0);
		break;
	case EDIT_NO_NODE:
		assert_int_equal(fdt_del_node(fdt, node), 0);
		break;
	case EDIT_END:
		break;
	}
}

void *tree_exact(const void *fdt)
{
	size_t size = fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	void *exact = malloc(size);

	memcpy(exact, fdt, size);
	fdt_set_totalsize(exact, (u32)size);
	return exact;
}

const struct machine *tree_discover(const void *fdt, const char **why)
{
	void *exact = tree_exact(fdt);
	const struct machine *m = platform_discover(exact, fdt_totalsize(exact), TREE_IMAGE, why);

	assert_ptr_equal(m, machine);
	free(exact);
	return m;
}

const struct machine *tree_machine(const void *fdt)
{
	const char *why;
	const struct machine *m = tree_discover(fdt, &why);

	if (!m)
		suite_fail("refused: %s", why);
	assert_null(why);
	return m;
}

void *tree_primary(const void *fdt, const struct machine *m)
{
	void *exact = tree_exact(fdt), *out = calloc(1, TREE_SPACE);

	assert_int_equal(platform_primary_fdt(exact, m, out, TREE_SPACE), OK);
	assert_int_equal(fdt_check_full(out, fdt_totalsize(out)), 0);
	free(exact);
	return out;
}
