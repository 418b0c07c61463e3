/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hyp_main itself, from the machine's record to the primary's first instruction, on the bench's hardware: what stands
 * then, and that a machine which is refused at any step is stopped with its sentence and all DMA still blocked.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "hyp/log.h"
#include "mem/pool_priv.h"
#include "suite.h"

/* --- in place of the board: firmware's description is the bench's record */

const struct machine *machine;

static const char *refusal;
static enum status fdt_status;
static u64 fdt_space;

const struct machine *platform_discover(const void *fdt UNUSED, u64 fdt_limit UNUSED, struct range image UNUSED,
					const char **why)
{
	if (refusal == NULL)
		return machine;
	*why = refusal;
	return NULL;
}

enum status platform_primary_fdt(const void *fdt UNUSED, const struct machine *m UNUSED, void *out, u64 space)
{
	fdt_space = space;
	memset(out, 0x5a, 16);
	return fdt_status;
}

static enum fake_end boot(void)
{
	return FAKE_CATCH(hyp_main(NULL, 0));
}

/* The machine stops with these words, and no device reaches anything. */
static void refused(const char *words)
{
	assert_int_equal(boot(), FAKE_PANIC);
	assert_null(fake_entered_vm);
	if (strstr(fake_console, words) == NULL)
		suite_fail("\"%s\" was expected, the console has: %s", words, fake_console);
}

static void assert_blocked(void)
{
	u64 value = 0;

	for (u32 i = 0; i < pci_function_count; i++)
		assert_int_not_equal(smmu_dma_write(bench_smmu[0], pci_function[i].sid, FAKE_RAM_BASE, &value, 8), SMMU_OK);
}

static void primary_is_entered_at_its_kernel(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct machine *m = bench_machine(&o);
	u64 end = m->ram[0].base + m->ram[0].size;

	m->option.log_level = LOG_INFO;
	assert_int_equal(boot(), FAKE_ENTERED_GUEST);
	assert_ptr_equal(fake_entered_vm, vm_primary);
	assert_int_equal(fake_entered_at.v, m->module[0].mem.base);
	/* The highest block that is free: firmware's tree and the kernel have the last two MiB. */
	assert_int_equal(fake_entered_fdt.v, end - 2 * BLOCK_SIZE);
	assert_int_equal(fdt_space, BLOCK_SIZE);
	assert_int_equal(*(u8 *)bench_ptr(fake_entered_fdt.v), 0x5a);
	assert_non_null(strstr(fake_console, "32 MiB RAM, 2 CPUs, 1 IOMMUs, 7 devices"));
	bench_guest_base = align_up(m->heap.base + m->heap.size, BLOCK_SIZE);
	bench_guest_end = m->dtb.base;
	oracle_init(bench_smmu, 1);
	bench_check();
	/* Its devices reach it where it lies, and nothing of ours. */
	bench_lands(2, 0, bench_page(3), bench_page(3));
	bench_lands(2, 0, fake_entered_fdt.v, fake_entered_fdt.v);
	assert_int_not_equal(bench_write(2, 0, m->heap.base, 0), SMMU_OK);
	assert_int_not_equal(bench_write(2, 0, m->image.base, 0), SMMU_OK);
	assert_true(bench_domain() != 0);
}

static void a_share_of_the_memory_is_the_primarys_pool(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct machine *m = bench_machine(&o);

	m->option.pool_bytes = 0;
	assert_int_equal(boot(), FAKE_ENTERED_GUEST);
	assert_int_equal(vm_primary->pool.total_pages, (32ull << 20) / 32 / PAGE_SIZE);
}

/* What boot found to be free, and kept for our own tables: each boot is a process of its own. */
static unsigned long *room;

static void pool_is_refused(u64 bytes)
{
	struct bench_options o = bench_defaults();
	struct machine *m = bench_machine(&o);
	const char *words;

	m->option.pool_bytes = bytes;
	refused("does not fit");
	assert_blocked();
	words = strstr(fake_console, "does not fit");
	assert_int_equal(sscanf(words, "does not fit: %lu bytes are free, %lu for our own tables", &room[0], &room[1]), 2);
}

static void a_pool_that_does_not_fit_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct machine *m;

	room = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(room, MAP_FAILED);
	IN_CHILD(pool_is_refused(1ull << 30));
	assert_int_equal(room[1], (32ull << 20) / 256);
	/* All that is left, but for a page less than our own tables may need. */
	IN_CHILD(pool_is_refused(room[0] - room[1] + PAGE_SIZE));
	m = bench_machine(&o);
	m->option.pool_bytes = room[0] - room[1];
	assert_int_equal(boot(), FAKE_ENTERED_GUEST);
	assert_int_equal(vm_primary->pool.total_pages, (room[0] - room[1]) / PAGE_SIZE);
}

static void G6_machine_without_a_description(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_machine(&o);
	refusal = "its tree is empty";
	refused("this machine cannot be run safely: its tree is empty");
}

static void no_iommus(struct machine *m)
{
	m->iommu_count = 0;
}

static void G6_machine_without_an_iommu(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = no_iommus;
	bench_machine(&o);
	refused("this machine cannot be run safely");
}

static void G6_a_device_table_that_is_refused_leaves_all_blocked(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct machine *m = bench_machine(&o);

	m->dt_device[0].stream[1].sid = 0x708;
	refused("one stream twice");
	assert_blocked();
}

static void a_primary_that_cannot_be_placed_is_not_entered(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct machine *m = bench_machine(&o);

	m->module_count = 0;
	refused("no kernel for the primary");
}

static void a_tree_that_cannot_be_made_is_not_given(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_machine(&o);
	fdt_status = E_NOMEM;
	refused("device tree cannot be made");
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(primary_is_entered_at_its_kernel),
		cmocka_unit_test(a_share_of_the_memory_is_the_primarys_pool),
		cmocka_unit_test(a_pool_that_does_not_fit_is_refused),
		cmocka_unit_test(G6_machine_without_a_description),
		cmocka_unit_test(G6_machine_without_an_iommu),
		cmocka_unit_test(G6_a_device_table_that_is_refused_leaves_all_blocked),
		cmocka_unit_test(a_primary_that_cannot_be_placed_is_not_entered),
		cmocka_unit_test(a_tree_that_cannot_be_made_is_not_given),
	};

	return SUITE("boot", cases);
}
