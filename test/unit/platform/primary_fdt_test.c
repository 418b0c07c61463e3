/* SPDX-License-Identifier: BSD-2-Clause */
/* The primary's tree: what goes, what comes, and that all the rest is firmware's, byte for byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tree.h"

#define PATH_MAX_LEN 256

static bool in_list(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* The node or one above it is in the list. */
static bool below(const char *path, const char *const *list)
{
	for (; *list; list++) {
		size_t len = strlen(*list);

		if (strncmp(path, *list, len) == 0 && (path[len] == 0 || path[len] == '/'))
			return true;
	}
	return false;
}

/* Properties of `from`'s node that are in `to`'s as they were, but for those of the list ("path:name"). */
static void check_props(const void *from, const void *to, const char *path, int a, int b, const char *const *changed)
{
	int p;

	fdt_for_each_property_offset(p, from, a)
	{
		const char *name;
		char full[PATH_MAX_LEN * 2];
		int len, len2;
		const void *data = fdt_getprop_by_offset(from, p, &name, &len);
		const void *data2 = fdt_getprop(to, b, name, &len2);

		snprintf(full, sizeof(full), "%s:%s", path, name);
		if (in_list(full, changed))
			continue;
		if (!data2 || len != len2 || memcmp(data, data2, (size_t)len) != 0)
			suite_fail("%s differs", full);
	}
}

/* Everything in `from` is in `to`, but for the nodes of `gone` and the properties of `changed`. */
static void check_kept(const void *from, const void *to, const char *const *gone, const char *const *changed)
{
	for (int node = 0; node >= 0; node = fdt_next_node(from, node, NULL)) {
		char path[PATH_MAX_LEN];
		int other;

		assert_int_equal(fdt_get_path(from, node, path, sizeof(path)), 0);
		other = fdt_path_offset(to, path);
		if (below(path, gone)) {
			if (other >= 0)
				suite_fail("%s is still there", path);
			continue;
		}
		if (other < 0)
			suite_fail("%s is gone", path);
		check_props(from, to, path, node, other, changed);
	}
}

static const char *const none[] = { NULL };

static const char *const virt_gone[] = {
	"/platform-bus@c000000",
	"/fw-cfg@9020000",
	"/virtio_mmio@a000000",
	"/virtio_mmio@a000200",
	"/virtio_mmio@a000400",
	"/virtio_mmio@a000600",
	"/virtio_mmio@a000800",
	"/virtio_mmio@a000a00",
	"/virtio_mmio@a000c00",
	"/virtio_mmio@a000e00",
	"/virtio_mmio@a001000",
	"/virtio_mmio@a001200",
	"/smmuv3@9050000",
	"/intc@8000000/its@8080000",
	"/flash@0",
	"/chosen/module@0x60000000",
	"/chosen/module@0x50000000",
	NULL,
};
static const char *const virt_changed[] = {
	"/chosen:bootargs",
	"/pcie@10000000:iommu-map",
	"/pcie@10000000:msi-map",
	NULL,
};
static const char *const virt_new[] = { "/reserved-memory", "/pviommu@0", NULL };
static const char *const virt_new_props[] = {
	"/chosen:bootargs",
	"/chosen:linux,pci-probe-only",
	"/chosen:linux,initrd-start",
	"/chosen:linux,initrd-end",
	NULL,
};

static void check_u32(const void *fdt, const char *path, const char *name, u32 want)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	if (!p || len != 4 || fdt32_to_cpu(*p) != want)
		suite_fail("%s:%s is not 0x%x", path, name, want);
}

static void check_u64s(const void *fdt, const char *path, const char *name, const u64 *want, u32 count)
{
	int len;
	const fdt64_t *p = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	if (!p || (u32)len != count * 8)
		suite_fail("%s:%s has %d bytes", path, name, len);
	for (u32 i = 0; i < count; i++)
		if (fdt64_ld(&p[i]) != want[i])
			suite_fail("%s:%s is not 0x%lx", path, name, want[i]);
}

static void check_text(const void *fdt, const char *path, const char *name, const char *want)
{
	int len;
	const char *p = fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	if (!p || (size_t)len != strlen(want) + 1 || strcmp(p, want) != 0)
		suite_fail("%s:%s is not '%s'", path, name, want);
}

static void check_absent(const void *fdt, const char *path, const char *name)
{
	int node = fdt_path_offset(fdt, path);

	assert_true(node >= 0);
	if (fdt_getprop(fdt, node, name, NULL))
		suite_fail("%s:%s is there", path, name);
}

static void check_phandle(const void *fdt, const char *where, u32 phandle)
{
	if (fdt_node_offset_by_phandle(fdt, phandle) < 0)
		suite_fail("%s refers to nothing: 0x%x", where, phandle);
}

/* One cell of every `stride` is a phandle; stride 0: the first only. */
static void check_references(const void *fdt, int node, const char *name, u32 first, u32 stride)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);
	char path[PATH_MAX_LEN];

	fdt_get_path(fdt, node, path, sizeof(path));
	for (u32 i = first; p && i < (u32)len / 4; i += stride ? stride : (u32)len)
		check_phandle(fdt, path, fdt32_to_cpu(p[i]));
}

/* Whatever refers to another node finds it. */
static void check_no_dangling(const void *fdt)
{
	for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
		static const char *const gone[] = { "iommus", "iommu-map", "iommu-map-mask", "msi-map",
						    "msi-map-mask", "msi-parent" };
		int len;
		const fdt32_t *map = fdt_getprop(fdt, node, "interrupt-map", &len);
		u32 gic_cells;

		check_references(fdt, node, "interrupt-parent", 0, 0);
		check_references(fdt, node, "clocks", 0, 1);
		check_references(fdt, node, "gpios", 0, 3);
		check_references(fdt, node, "cpu", 0, 0);
		check_references(fdt, node, "interrupts-extended", 0, 4);
		if (map) {
			gic_cells = (u32)fdt_address_cells(fdt, fdt_node_offset_by_phandle(fdt, fdt32_to_cpu(map[4])));
			check_references(fdt, node, "interrupt-map", 4, 8 + gic_cells);
		}
		for (u32 i = 0; i < ARRAY_SIZE(gone); i++)
			assert_null(fdt_getprop(fdt, node, gone[i], NULL));
	}
}

static void virt_keeps_the_rest(void **state UNUSED)
{
	void *fdt = tree_load("virt"), *out = tree_primary(fdt, tree_machine(fdt));

	check_kept(fdt, out, virt_gone, virt_changed);
	check_kept(out, fdt, virt_new, virt_new_props);
	check_no_dangling(out);
}

static void virt_chosen(void **state UNUSED)
{
	void *fdt = tree_load("virt"), *out = tree_primary(fdt, tree_machine(fdt));

	check_text(out, "/chosen", "bootargs", "console=ttyAMA0 hello");
	check_text(out, "/chosen", "stdout-path", "/pl011@9000000");
	check_u32(out, "/chosen", "linux,pci-probe-only", 1);
	check_u64s(out, "/chosen", "linux,initrd-start", (u64[]){ 0x60000000 }, 1);
	check_u64s(out, "/chosen", "linux,initrd-end", (u64[]){ 0x60000bb8 }, 1);
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, "/chosen"), "kaslr-seed", NULL));
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, "/chosen"), "rng-seed", NULL));
	check_text(out, "/psci", "method", "smc");
}

static void virt_reservations(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	const struct machine *m = tree_machine(fdt);
	void *out = tree_primary(fdt, m);
	char heap[64];

	check_u32(out, "/reserved-memory", "#address-cells", 2);
	check_u32(out, "/reserved-memory", "#size-cells", 2);
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, "/reserved-memory"), "ranges", NULL));
	check_u64s(out, "/reserved-memory/portcullis@40200000", "reg", (u64[]){ 0x40200000, 0x200000 }, 2);
	snprintf(heap, sizeof(heap), "/reserved-memory/portcullis@%lx", m->heap.base);
	check_u64s(out, heap, "reg", (u64[]){ m->heap.base, m->heap.size }, 2);
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, heap), "no-map", NULL));
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, "/reserved-memory/portcullis@40200000"), "no-map", NULL));
}

static void check_pviommu(const void *fdt, u32 id, u32 first_spi)
{
	char path[32];
	int node, len;
	const fdt32_t *p;

	snprintf(path, sizeof(path), "/pviommu@%u", id);
	node = fdt_path_offset(fdt, path);
	check_text(fdt, path, "compatible", "pkvm,pviommu");
	check_u32(fdt, path, "id", id);
	check_u32(fdt, path, "#iommu-cells", 1);
	check_u32(fdt, path, "interrupt-parent", fdt_get_phandle(fdt, fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3")));
	p = fdt_getprop(fdt, node, "interrupts", &len);
	assert_int_equal(len, 8 * 3 * 4);
	for (u32 i = 0; i < 8; i++) {
		assert_int_equal(fdt32_to_cpu(p[3 * i]), 0);
		assert_int_equal(fdt32_to_cpu(p[3 * i + 1]), first_spi + i);
		assert_int_equal(fdt32_to_cpu(p[3 * i + 2]), 1);
	}
}

static void virt_pviommu(void **state UNUSED)
{
	void *fdt = tree_load("virt"), *out = tree_primary(fdt, tree_machine(fdt));

	check_pviommu(out, 0, 248);
	assert_int_equal(fdt_path_offset(out, "/pviommu@1"), -FDT_ERR_NOTFOUND);
}

static void measure_removes_the_pmu(void **state UNUSED)
{
	static const char *const gone[] = { "/pmu", NULL };
	void *fdt = tree_load("virt"), *out = tree_primary(fdt, tree_machine(fdt)), *measured;

	assert_true(fdt_path_offset(out, "/pmu") > 0);
	tree_edit(fdt, &(const struct edit)TEXT("/chosen", "bootargs", "testdev pool=4M measure"));
	measured = tree_primary(fdt, tree_machine(fdt));
	check_kept(out, measured, gone, none);
	check_kept(measured, out, none, none);
}

static void two_smmus(void **state UNUSED)
{
	void *fdt = tree_load("two-smmus"), *out = tree_primary(fdt, tree_machine(fdt));

	check_pviommu(out, 0, 248);
	check_pviommu(out, 1, 248);
	assert_true(fdt_path_offset(out, "/smmuv3@c000000") < 0);
	assert_true(fdt_path_offset(out, "/smmuv3@c020000") < 0);
	assert_int_equal(fdt_node_offset_by_compatible(out, -1, "arm,smmu-v3"), -FDT_ERR_NOTFOUND);
	check_no_dangling(out);
}

static void reserved_memory_of_firmware(void **state UNUSED)
{
	void *fdt = tree_load("devices");
	const struct machine *m = tree_machine(fdt);
	void *out = tree_primary(fdt, m);
	u64 address, size;
	char heap[64];

	assert_true(fdt_path_offset(out, "/reserved-memory/firmware@7fff0000") > 0);
	assert_true(fdt_path_offset(out, "/reserved-memory/later") > 0);
	snprintf(heap, sizeof(heap), "/reserved-memory/portcullis@%lx", m->heap.base);
	/* One cell each: two halves of a u64. */
	check_u64s(out, heap, "reg", (u64[]){ m->heap.base << 32 | m->heap.size }, 1);
	check_u64s(out, "/reserved-memory/portcullis@40200000", "reg", (u64[]){ 0x4020000000200000 }, 1);
	assert_int_equal(fdt_num_mem_rsv(out), 1);
	assert_int_equal(fdt_get_mem_rsv(out, 0, &address, &size), 0);
	assert_int_equal(address, 0x48000000);
	assert_int_equal(size, 0x1800);
}

static void devices_and_unknown_nodes(void **state UNUSED)
{
	static const char *const gone[] = {
		"/soc/unknown@4000",
		"/soc/off@5000",
		"/pl011@9040000",
		NULL,
	};
	void *fdt = tree_load("devices"), *out = tree_primary(fdt, tree_machine(fdt));

	for (u32 i = 0; gone[i]; i++)
		assert_int_equal(fdt_path_offset(out, gone[i]), -FDT_ERR_NOTFOUND);
	assert_true(fdt_path_offset(out, "/soc/dma@1000") > 0);
	assert_true(fdt_path_offset(out, "/quiet") > 0);
	check_absent(out, "/soc/dma@1000", "iommus");
	check_u64s(out, "/soc/dma@1000", "reg", (u64[]){ 0x100000001000, 0x10000000002000 }, 2);
	check_no_dangling(out);
}

static void debug_console_and_its_aliases(void **state UNUSED)
{
	static const struct edit second[] = {
		NODE("/", "pl011@9040000"),
		TEXT("/pl011@9040000", "compatible", "arm,pl011"),
		CELLS("/pl011@9040000", "reg", 0, 0x9040000, 0, 0x1000),
		CELLS("/pl011@9040000", "interrupts", 0, 8, 4),
		TEXT("/aliases", "serial1", "/pl011@9040000"),
		TEXT("/aliases", "below", "/pl011@9040000/port"),
		TEXT("/aliases", "neither", "/pl011@90400001"),
		BYTES("/aliases", "unended", "/pl011@9040000"),
	};
	void *fdt = tree_load("virt"), *out;

	for (u32 i = 0; i < ARRAY_SIZE(second); i++)
		tree_edit(fdt, &second[i]);
	out = tree_primary(fdt, tree_machine(fdt));
	assert_int_equal(fdt_path_offset(out, "/pl011@9040000"), -FDT_ERR_NOTFOUND);
	assert_true(fdt_path_offset(out, "/pl011@9000000") > 0);
	check_text(out, "/aliases", "serial0", "/pl011@9000000");
	check_absent(out, "/aliases", "serial1");
	check_absent(out, "/aliases", "below");
	check_text(out, "/aliases", "neither", "/pl011@90400001");
	assert_non_null(fdt_getprop(out, fdt_path_offset(out, "/aliases"), "unended", NULL));
}

static void without_ramdisk_and_command_line(void **state UNUSED)
{
	void *fdt = tree_load("narrow"), *out;
	const struct machine *m = tree_machine(fdt);
	char heap[64];

	out = tree_primary(fdt, m);
	check_absent(out, "/chosen", "bootargs");
	check_absent(out, "/chosen", "linux,initrd-start");
	check_absent(out, "/chosen", "linux,initrd-end");
	check_u32(out, "/reserved-memory", "#address-cells", 1);
	check_u32(out, "/reserved-memory", "#size-cells", 1);
	snprintf(heap, sizeof(heap), "/reserved-memory/portcullis@%lx", m->heap.base);
	check_u64s(out, heap, "reg", (u64[]){ m->heap.base << 32 | m->heap.size }, 1);
	check_absent(out, "/pcie@30000000", "iommu-map-mask");
	tree_edit(fdt, &(const struct edit)TEXT("/chosen", "bootargs", "testdev"));
	out = tree_primary(fdt, tree_machine(fdt));
	check_absent(out, "/chosen", "bootargs");
}

/* A heap that one cell cannot name. */
static void too_high_for_the_cells(void **state UNUSED)
{
	static const struct edit edit[] = {
		CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, 0x40000000, 8, 0, 0, 0x40000000),
	};
	void *fdt = tree_load("devices"), *exact;
	static u8 out[TREE_SPACE] __attribute__((aligned(8)));
	const struct machine *m;

	tree_edit(fdt, &edit[0]);
	m = tree_machine(fdt);
	assert_true(m->heap.base > 1ul << 32);
	exact = tree_exact(fdt);
	assert_int_equal(platform_primary_fdt(exact, m, out, sizeof(out)), E_INVAL);
	free(exact);
}

/* Names of ours that firmware uses already. */
static void names_that_are_taken(void **state UNUSED)
{
	static const struct edit edit[] = {
		NODE("/", "pviommu@0"),
		NODE("/reserved-memory", "portcullis@40200000"),
	};
	static u8 out[TREE_SPACE] __attribute__((aligned(8)));

	for (u32 i = 0; i < ARRAY_SIZE(edit); i++) {
		void *fdt = tree_load("devices"), *exact;
		const struct machine *m;

		tree_edit(fdt, &edit[i]);
		m = tree_machine(fdt);
		exact = tree_exact(fdt);
		assert_int_equal(platform_primary_fdt(exact, m, out, sizeof(out)), E_INVAL);
		free(exact);
	}
}

/* In every size of buffer: a tree, or E_NOMEM; never a byte beyond. */
static void every_space(void **state UNUSED)
{
	void *fdt = tree_exact(tree_load("two-smmus")), *out;
	const struct machine *m;
	const char *why;
	u64 space;

	m = platform_discover(fdt, fdt_totalsize(fdt), TREE_IMAGE, &why);
	assert_non_null(m);
	for (space = 0;; space++) {
		enum status st;

		out = malloc(space ? space : 1);
		st = platform_primary_fdt(fdt, m, out, space);
		if (st == OK)
			break;
		assert_int_equal(st, E_NOMEM);
		free(out);
	}
	assert_true(space <= fdt_totalsize(fdt) + 1024);
	assert_int_equal(fdt_check_full(out, space), 0);
	assert_true(fdt_totalsize(out) <= space);
	assert_int_equal(platform_primary_fdt(fdt, m, (char *)out + 4, space - 4), E_INVAL);
}

/* QEMU's padding is not copied, and a huge space is no harm. */
static void padding(void **state UNUSED)
{
	void *fdt = tree_load("virt"), *out = calloc(1, TREE_SPACE);
	const char *why;
	const struct machine *m = platform_discover(fdt, TREE_SPACE, TREE_IMAGE, &why);

	assert_int_equal(fdt_totalsize(fdt), TREE_SPACE);
	assert_int_equal(platform_primary_fdt(fdt, m, out, 0x8000), OK);
	assert_true(fdt_totalsize(out) < 0x2000);
	assert_int_equal(platform_primary_fdt(fdt, m, out, 1ul << 40), OK);
}

/* Strings before the structure: legal, and not what libfdt edits. */
static void blocks_in_another_order(void **state UNUSED)
{
	void *fdt = tree_exact(tree_load("virt")), *want, *out;
	u32 strings = fdt_size_dt_strings(fdt), structure = fdt_size_dt_struct(fdt);
	u32 first = (fdt_off_mem_rsvmap(fdt) + 16 + 7) & ~7u, second = (first + strings + 7) & ~7u;
	char *odd = calloc(1, TREE_SPACE);

	memcpy(odd, fdt, first);
	memcpy(odd + first, (char *)fdt + fdt_off_dt_strings(fdt), strings);
	memcpy(odd + second, (char *)fdt + fdt_off_dt_struct(fdt), structure);
	fdt_set_off_dt_strings(odd, first);
	fdt_set_off_dt_struct(odd, second);
	fdt_set_totalsize(odd, TREE_SPACE);
	want = tree_primary(fdt, tree_machine(fdt));
	out = calloc(1, TREE_SPACE);
	assert_int_equal(platform_primary_fdt(odd, machine, out, TREE_SPACE), OK);
	assert_int_equal(fdt_check_full(out, fdt_totalsize(out)), 0);
	check_kept(want, out, none, none);
	check_kept(out, want, none, none);
}

/*
 * Discovery of the primary's own tree: no SMMU, no modules, so it is refused; with those put back it is the same
 * machine less what was taken out.
 */
static void round_trip(void **state UNUSED)
{
	static const struct edit back[] = {
		NODE("/", "smmuv3@9050000"),
		TEXT("/smmuv3@9050000", "compatible", "arm,smmu-v3"),
		CELLS("/smmuv3@9050000", "reg", 0, 0x9050000, 0, 0x20000),
		CELLS("/smmuv3@9050000", "#iommu-cells", 1),
		NO_PROP("/chosen", "bootargs"),
		NODE("/chosen", "module@50000000"),
		TEXT("/chosen/module@50000000", "compatible", "multiboot,module\0multiboot,kernel"),
		CELLS("/chosen/module@50000000", "reg", 0, 0x50000000, 0, 0x3e8),
	};
	static struct machine first;
	const struct machine *m;
	const char *why;
	void *fdt = tree_load("virt"), *out;

	first = *tree_machine(fdt);
	out = tree_primary(fdt, &first);
	assert_null(tree_discover(out, &why));
	assert_string_equal(why, "boot line: the word 'console=ttyAMA0' is unknown");
	assert_int_equal(fdt_open_into(out, out, TREE_SPACE), 0);
	for (u32 i = 0; i < ARRAY_SIZE(back); i++)
		tree_edit(out, &back[i]);
	/* Our image is reserved there, so it must lie elsewhere this time. */
	assert_null(tree_discover(out, &why));
	assert_non_null(strstr(why, "meets the hypervisor's image"));
	m = platform_discover(out, TREE_SPACE, (struct range){ 0x40400000, 0x200000 }, &why);
	assert_non_null(m);
	assert_memory_equal(m->ram, first.ram, sizeof(first.ram));
	assert_memory_equal(m->cpu, first.cpu, sizeof(first.cpu));
	assert_memory_equal(&m->gic, &first.gic, sizeof(first.gic));
	assert_int_equal(m->reserved_count, 2);
	assert_memory_equal(&m->reserved[0], &first.image, sizeof(first.image));
	assert_memory_equal(&m->reserved[1], &first.heap, sizeof(first.heap));
	assert_int_equal(m->event_irq[7], first.event_irq[0] - 1);
	assert_int_equal(m->window_count, first.window_count - 4);
	assert_int_equal(m->pci[0].window_count, 3);
	assert_memory_equal(m->pci[0].intx, first.pci[0].intx, sizeof(first.pci[0].intx));
	assert_int_equal(m->pci[0].sidmap_count, 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(virt_keeps_the_rest),
		cmocka_unit_test(virt_chosen),
		cmocka_unit_test(virt_reservations),
		cmocka_unit_test(virt_pviommu),
		cmocka_unit_test(measure_removes_the_pmu),
		cmocka_unit_test(two_smmus),
		cmocka_unit_test(reserved_memory_of_firmware),
		cmocka_unit_test(devices_and_unknown_nodes),
		cmocka_unit_test(debug_console_and_its_aliases),
		cmocka_unit_test(without_ramdisk_and_command_line),
		cmocka_unit_test(too_high_for_the_cells),
		cmocka_unit_test(names_that_are_taken),
		cmocka_unit_test(every_space),
		cmocka_unit_test(padding),
		cmocka_unit_test(blocks_in_another_order),
		cmocka_unit_test(round_trip),
	};

	return SUITE("primary_fdt", cases);
}
