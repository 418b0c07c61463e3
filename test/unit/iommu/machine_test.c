/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines that must be refused or run with less: IOMMUs that differ, too much of everything. */
#include <string.h>

#include "bench_vm.h"
#include "suite.h"

static void says(const struct bench_options *o, const char *words)
{
	const char *why = bench_boot_refused(o);

	if (strstr(why, words) == NULL)
		suite_fail("refused by \"%s\", expected \"%s\"", why, words);
}

static void no_iommus(struct machine *m)
{
	m->iommu_count = 0;
}

static void machine_without_iommu_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = no_iommus;
	says(&o, "no IOMMU");
}

/* V4: DMA that cannot be blocked ends the boot. */
static void V4_iommu_that_does_not_block_ends_the_boot(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.time = SMMU_STUCK;
	assert_panics((void)bench_boot_refused(&o));
}

static void one_stream_twice(struct machine *m)
{
	m->dt_device[0].stream[1].sid = 0x708;
}

static void same_stream_twice_in_a_device(struct machine *m)
{
	m->dt_device[0].stream[1].sid = 0x401;
}

static void D1_N33_stream_of_two_devices_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = one_stream_twice;
	says(&o, "twice");
}

static void D3_stream_twice_in_one_device_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = same_stream_twice_in_a_device;
	says(&o, "twice");
}

static void one_id_on_each(struct machine *m)
{
	m->dt_device[0].stream[1].iommu = 1;
	m->dt_device[0].stream[1].sid = 0x708;
}

/* A stream is an IOMMU and a number: one number behind two of them is two streams of two devices. */
static void D1_one_number_on_two_iommus_is_two_streams(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	o.change = one_id_on_each;
	bench_boot(&o);
	assert_ptr_equal(endpoint_find(&iommu_instance[0], sid(0x708))->device, &device_table[0]);
	assert_ptr_equal(endpoint_find(&iommu_instance[1], sid(0x708))->device, &device_table[6]);
	assert_null(endpoint_find(&iommu_instance[1], sid(0x709)));
	assert_null(endpoint_find(&iommu_instance[1], sid(0x401)));
}

static void without_a_stream(struct machine *m)
{
	m->dt_device[0].stream_count = 0;
}

/* D1: what has no stream cannot be assigned, and is at home as it is. */
static void D1_device_without_a_stream_is_not_for_assignment(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 vm;

	o.change = without_a_stream;
	bench_boot(&o);
	vm = bench_vm(0);
	assert_status(pc_dev_assign(6, PC_VM_PRIMARY, 0), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(6, vm, 0), PC_INVALID_PARAMETER);
	assert_status(pc_dev_vsid(6, 0, 1), PC_NOT_FOUND);
	bench_destroy(vm);
}

static void stream_far_away(struct machine *m)
{
	m->dt_device[0].stream[1].sid = 0xfffffff0;
}

static void N34_stream_beyond_the_table_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = stream_far_away;
	(void)bench_boot_refused(&o);
}

/* More functions in one slot than a device may have endpoints: behind one alias. */
static void too_many_endpoints(struct machine *m UNUSED)
{
	for (u32 i = 0; i < PC_DEV_MAX_ENDPOINTS + 1; i++) {
		pci_function[pci_function_count] = pci_function[6];
		pci_function[pci_function_count].rid = (u16)(0x340 + i);
		pci_function[pci_function_count].sid = 0x640 + i;
		memset(pci_function[pci_function_count].bar, 0, sizeof(pci_function[0].bar));
		pci_function_count++;
	}
}

static void more_endpoints_than_a_device_holds(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = too_many_endpoints;
	says(&o, "more devices");
}

static void too_much_mmio(struct machine *m UNUSED)
{
	for (u32 i = 0; i < 3; i++)
		for (u32 b = 0; b < PCI_BARS; b++)
			pci_function[i].bar[b] = (struct pci_bar){ .addr = 0x20000000 + i * 0x100000 +
									   b * 0x10000,
								   .size = 0x1000,
								   .space = PCI_MEM32 };
}

static void more_ranges_than_a_device_holds(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = too_much_mmio;
	says(&o, "more devices");
}

static void no_stream_and_two_iommus(struct machine *m)
{
	struct machine_dt_device *d = &m->dt_device[m->dt_device_count++];

	m->dt_device[0].stream[1].iommu = 1;
	*d = (struct machine_dt_device){ .name = "mute@b000000" };
}

/* A device of no stream has no DMA that could be blocked, one behind two IOMMUs fits under no pvIOMMU. */
static void D3_no_stream_or_two_iommus_are_not_for_assignment(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	o.change = no_stream_and_two_iommus;
	bench_boot(&o);
	assert_int_equal(device_table[6].endpoint_count, 2);
	assert_int_equal(device_table[7].endpoint_count, 0);
	assert_status(pc_dev_assign(6, PC_VM_PRIMARY, 0), PC_INVALID_PARAMETER);
	assert_status(pc_dev_assign(7, PC_VM_PRIMARY, 0), PC_INVALID_PARAMETER);
	bench_check();
}

/* The same numbers below another host are another device, and a line of the tree's device is told. */
static void two_hosts(struct machine *m)
{
	m->pci[1] = m->pci[0];
	m->pci[1].segment = 1;
	m->pci_count = 2;
	pci_function[8].host = 1;
	pci_function[8].rid = pci_function[8].requester = pci_function[3].rid;
	m->dt_device[0].irq[0] = 77;
	m->dt_device[0].irq[1] = 77;
	m->dt_device[0].irq_count = 2;
}

static void numbers_are_a_hosts_own(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = two_hosts;
	bench_boot(&o);
	assert_int_equal(device_count, BENCH_DEVICE_COUNT);
	assert_string_equal(device_table[1].name, "pci 0000:00:02");
	assert_string_equal(device_table[5].name, "pci 0001:00:02");
	assert_int_equal(device_table[6].irq_count, 1);
	assert_int_equal(device_table[6].irq[0], 77);
}

static s64 alloc_unseen(void)
{
	struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_ALLOC_DOMAIN } };

	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 0), &args));
	return (s64)args.r[3];
}

/* Tags that are lost with an IOMMU never come back: a domain without one is refused. The oracle would count them. */
static void K1_no_tag_no_domain(void **state UNUSED)
{
	struct bench_options o = bench_stage2_only();
	u16 id;

	bench_boot(&o);
	while (iommu_id_alloc(&iommu_vmids, &id) == OK)
		;
	assert_int_equal(alloc_unseen(), PC_NO_MEMORY);
	iommu_id_free(&iommu_vmids, id);
	assert_int_equal(alloc_unseen(), PC_SUCCESS);
	assert_int_equal(alloc_unseen(), PC_NO_MEMORY);
}

static void more_functions(u32 count, u32 slots, u32 sids)
{
	for (u32 i = 0; i < count; i++)
		pci_function[pci_function_count++] = (struct pci_function){
			.rid = (u16)(0x2000 + i / slots * 8 + i % slots),
			.requester = (u16)(0x2000 + i / slots * 8 + i % slots),
			.parent = PCI_NO_PARENT,
			.sid = sids + i,
			.group = 100 + i / slots,
		};
}

static void some_are_bridges(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		struct pci_function *f = &pci_function[i];

		f->bridge = f->sid == 0x710;
		f->no_iommu = f->bridge || f->sid == 0x718;
		if (f->sid == 0x720)
			f->bar[3] = (struct pci_bar){ .size = 32, .space = PCI_IO };
	}
}

/* What makes no requests of its own is nobody's device; and what is I/O space is no range of memory. */
static void bridges_are_no_devices(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = some_are_bridges;
	bench_boot(&o);
	assert_int_equal(device_count, BENCH_DEVICE_COUNT - 2);
	assert_string_equal(device_table[1].name, "pci 0000:00:04");
	assert_int_equal(device_table[1].mmio_count, 2);
	for (u32 i = 0; i < pci_function_count; i++)
		assert_int_equal(pci_function[i].device == NULL, pci_function[i].no_iommu);
}

/* Every function a device of its own; then one more in the tree. */
static void too_many_devices(struct machine *m UNUSED)
{
	more_functions(PCI_MAX_FUNCTIONS - pci_function_count, 1, 0x2000);
	for (u32 i = 0; i < 7; i++)
		pci_function[i].rid = pci_function[i].requester = (u16)(0x3000 + 8 * i);
	for (u32 i = 5; i < 7; i++)
		pci_function[i].sid = 0x3000 + i;
}

static void more_devices_than_the_table_holds(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = too_many_devices;
	says(&o, "more devices");
	assert_int_equal(device_count, DEVICE_MAX);
}

static void one_device_too_many(struct machine *m)
{
	too_many_devices(m);
	pci_function[PCI_MAX_FUNCTIONS - 1].bridge = true;
	m->dt_device[m->dt_device_count] = m->dt_device[0];
	m->dt_device[m->dt_device_count].stream[0].sid = 0x501;
	m->dt_device[m->dt_device_count++].stream[1].sid = 0x502;
}

static void the_trees_devices_need_room_too(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = one_device_too_many;
	says(&o, "more devices");
	assert_int_equal(device_count, DEVICE_MAX);
}

/* Two slots whose requests the tree sends to one stream: nobody could tell them apart. */
static void one_stream_of_two_slots(struct machine *m UNUSED)
{
	pci_function[4].sid = pci_function[3].sid;
}

static void D1_stream_of_two_functions_is_refused(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = one_stream_of_two_slots;
	says(&o, "twice");
}

static void too_many_lines(struct machine *m UNUSED)
{
	/* Nine lines behind one alias. */
	for (u32 i = 0; i < DEVICE_MAX_IRQS + 1; i++) {
		pci_function[pci_function_count] = pci_function[6];
		pci_function[pci_function_count].rid = (u16)(0x340 + i);
		pci_function[pci_function_count].intid = 60 + i;
		memset(pci_function[pci_function_count].bar, 0, sizeof(pci_function[0].bar));
		pci_function_count++;
	}
}

static void more_lines_than_a_device_holds(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.change = too_many_lines;
	says(&o, "more devices");
}

/* A line that two functions of a device share is one line. */
static void lines_of_a_device_are_told_once(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	assert_int_equal(device_table[0].endpoint_count, 3);
	assert_int_equal(device_table[0].irq_count, 1);
	assert_int_equal(device_table[6].irq_count, 0);
}

static void A6_mmio_pins_end_with_a_refusal(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct device *d = &device_table[2];
	enum status status;

	bench_boot(&o);
	page_lock();
	d->mmio_pins = PIN_MAX - 1;
	status = device_mmio_pin(vm_primary, pa(bench_bar(2)), 2 * PAGE_SIZE);
	assert_int_equal(status, E_BUSY);
	assert_int_equal(d->mmio_pins, PIN_MAX - 1);
	status = device_mmio_pin(vm_primary, pa(bench_bar(2)), PAGE_SIZE);
	assert_int_equal(status, OK);
	assert_int_equal(d->mmio_pins, PIN_MAX);
	status = device_mmio_pin(vm_primary, pa(bench_bar(2)), PAGE_SIZE);
	assert_int_equal(status, E_BUSY);
	page_unlock();
}

/* The second IOMMU has other stages: its devices stay blocked, and cannot be assigned. */
static void of_another_kind(bool stage1, bool stage2)
{
	struct bench_options o = bench_defaults();
	struct smmu_config second = smmu_config_qemu(0);

	second.stage1 = stage1;
	second.stage2 = stage2;
	second.evtq_bits = 7;
	o.iommus = 2;
	o.second = &second;
	bench_boot(&o);
	assert_non_null(strstr(fake_console, "cannot be assigned"));
	bench_faults(5, 0, bench_page(0), SMMU_C_BAD_STE);
	assert_status(pc_dev_assign(5, 1, 1), PC_DENIED);
	bench_faults(5, 0, bench_page(0), SMMU_C_BAD_STE);
	/* Nor is its entry written when it floods. */
	for (u32 i = 0; i < 500; i++)
		smmu_dma_write(bench_smmu_of(5), bench_sid(5, 0), bench_page(0), &i, 4);
	for (u32 i = 0; i < 8; i++)
		hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_int_equal(device_table[5].endpoint[0].muted_until, 0);
	bench_faults(5, 0, bench_page(0), SMMU_C_BAD_STE);
	bench_assign(2, 0, 1);
}

static void iommu_of_another_kind_is_not_for_assignment(void **state UNUSED)
{
	IN_CHILD(of_another_kind(false, true));
	IN_CHILD(of_another_kind(true, false));
}

/*
 * The second IOMMU's second stage has another format, so the VM's DMA table does not fit there: neither alone, nor behind a
 * first stage, whose addresses would be checked against the one and used with the other.
 */
static void second_stage_of_another_format(bool stage1, u8 first_oas, u8 second_oas)
{
	struct bench_options o = bench_defaults();
	struct smmu_config second = smmu_config_qemu(0);

	o.smmu.stage1 = second.stage1 = stage1;
	o.smmu.oas = first_oas;
	second.oas = second_oas;
	o.iommus = 2;
	o.second = &second;
	bench_boot(&o);
	assert_non_null(strstr(fake_console, "cannot be assigned"));
	bench_faults(5, 0, bench_page(0), SMMU_C_BAD_STE);
	assert_status(pc_dev_assign(5, 1, 1), PC_DENIED);
	assert_false(iommu_instance[1].caps.nested);
	bench_assign(2, 0, 1);
}

/* 40 bits of output have 40 of input, 44 have 44. */
static void iommu_of_a_deeper_second_stage_is_not_for_assignment(void **state UNUSED)
{
	IN_CHILD(second_stage_of_another_format(true, 2, 4));
	IN_CHILD(second_stage_of_another_format(false, 2, 4));
}

static void iommu_of_a_flatter_second_stage_is_not_for_assignment(void **state UNUSED)
{
	IN_CHILD(second_stage_of_another_format(true, 4, 2));
	IN_CHILD(second_stage_of_another_format(false, 4, 2));
}

/* The narrowest of each: eight bits of ASID and VMID on the second. */
static void tags_are_as_narrow_as_the_narrowest(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct smmu_config second = smmu_config_qemu(0);
	u64 left, n = 0;
	struct result r;

	second.asid16 = second.vmid16 = false;
	o.iommus = 2;
	o.second = &second;
	o.ram_bytes = 64ull << 20;
	o.heap_bytes = 16ull << 20;
	o.pool_bytes = 8ull << 20;
	bench_boot(&o);
	oracle_effort(64);
	bench_assign(5, 1, 5);
	left = pv_query(0, PVIOMMU_Q_DOMAINS_LEFT, 0).v1;
	while ((r = pv_alloc()).status == PC_SUCCESS)
		n++;
	assert_status(r, PC_NO_MEMORY);
	assert_int_equal(n, left);
	assert_true(n > 200 && n < 256);
	assert_status(pv_attach(1, 5, 0, n, 0), PC_SUCCESS);
}

/* One IOMMU without live splits: no blocks anywhere, so that nothing must be broken. */
static void blocks_only_where_all_can_split(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct smmu_config second = smmu_config_qemu(0);
	u32 d;

	second.bbml = 1;
	o.iommus = 2;
	o.second = &second;
	bench_boot(&o);
	assert_int_equal(pv_query(0, PVIOMMU_Q_PAGE_SIZES, 0).v1, 0x1000);
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_map(d, BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	assert_int_equal(page_run_of(pa(bench_block(1)))->block_pins, 0);
	bench_attach(1, d);
	bench_lands(2, 0, BLOCK_SIZE, bench_block(1));
	bench_unmap(d, BLOCK_SIZE + 0x5000, 0x1000);
	bench_lands(2, 0, BLOCK_SIZE + 0x4000, bench_block(1) + 0x4000);
}

/* Many names: buckets are shared, and every name is still found and only it. */
static void many_names_are_all_found(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(64);
	for (u32 round = 0; round < 100; round++) {
		u32 name = round * 0x10001;

		bench_assign(0, 0, name);
		bench_assign(2, 0, name + 256);
		bench_assign(3, 0, name + 512);
		for (u32 i = 0; i < 3; i++)
			assert_status(pv_sid_info(0, name + i), PC_SUCCESS);
		assert_status(pv_sid_info(0, name + 256), PC_SUCCESS);
		assert_status(pv_sid_info(0, name + 512), PC_SUCCESS);
		assert_status(pv_sid_info(0, name + 3), PC_NOT_FOUND);
		assert_status(pc_dev_release(2), PC_SUCCESS);
		assert_status(pv_sid_info(0, name + 256), PC_NOT_FOUND);
		assert_status(pv_sid_info(0, name + 512), PC_SUCCESS);
		assert_status(pc_dev_release(0), PC_SUCCESS);
		assert_status(pc_dev_release(3), PC_SUCCESS);
	}
}

/* The hash of device.c, so that this finds names of one bucket. */
static u32 bucket(u32 name)
{
	return (name * 0x9e3779b1u) >> 24;
}

/* Names that fall into one bucket are found and forgotten one by one, the oldest first and last. */
static void names_of_one_bucket_are_told_apart(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 name[3] = { 1, 0, 0 };

	bench_boot(&o);
	for (u32 i = 1; i < 3; i++)
		for (name[i] = name[i - 1] + 1; bucket(name[i]) != bucket(1); name[i]++)
			;
	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < 3; i++)
			bench_assign(i == 0 ? 5 : 1 + i, 0, name[i]);
		for (u32 i = 0; i < 3; i++) {
			u32 gone = (round + i) % 3;

			assert_status(pv_sid_info(0, name[gone]), PC_SUCCESS);
			assert_status(pc_dev_release(gone == 0 ? 5 : 1 + gone), PC_SUCCESS);
			for (u32 k = 0; k < 3; k++)
				assert_status(pv_sid_info(0, name[k]), (k + 3 - round) % 3 > i ? PC_SUCCESS : PC_NOT_FOUND);
		}
	}
}

/* Generations of a domain's id come round: the next one is a slot's first, never 0. */
static void D7_generations_of_a_domain_wrap(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 first, last;

	o.ram_bytes = 256ull << 20;
	o.heap_bytes = 96ull << 20;
	o.pool_bytes = (u64)DOMAIN_MAX * DOMAIN_POOL_SHARE * PAGE_SIZE;
	bench_boot(&o);
	assert_int_equal(vm_primary->domain_max, DOMAIN_MAX);
	/* The last slot's ids are multiples of the table's size, so that 0 would follow. */
	for (u32 i = 0; i < DOMAIN_MAX; i++) {
		struct domain *d = &vm_primary->domain_page[i / DOMAINS_PER_PAGE][i % DOMAINS_PER_PAGE];

		d->vm = vm_primary;
		d->index = (u16)i;
		d->id = i + 1;
	}
	vm_primary->domain_fresh = DOMAIN_MAX;
	vm_primary->domain_free = DOMAIN_MAX;
	first = bench_domain();
	assert_int_equal(first, DOMAIN_MAX);
	last = 0u - DOMAIN_MAX;
	vm_primary->domain_page[DOMAIN_PAGES - 1][DOMAINS_PER_PAGE - 1].id = last;
	assert_status(pv_free(last), PC_SUCCESS);
	assert_int_equal(bench_domain(), first);
	assert_status(pv_free(last), PC_NOT_FOUND);
	assert_status(pv_free(0), PC_NOT_FOUND);
}

/* Our own pool ends while the primary's views are made: there is no primary then, and nothing is entered. */
static void no_table_for(u64 n, const char *what)
{
	struct bench_options o = bench_defaults();
	const char *why;

	pool_fail_after = n;
	assert_panics(why = bench_boot_try(&o));
	(void)why;
	if (strstr(fake_console, what) == NULL)
		suite_fail("allocation %lu: %s", (unsigned long)n, fake_console);
}

/* The second is a run of slots for domains, which comes in smaller ones then. */
static void smaller_runs_do(void)
{
	struct bench_options o = bench_defaults();

	pool_fail_after = 2;
	assert_null(bench_boot_try(&o));
	assert_int_equal(pool_fail_after, 0);
	oracle_init(bench_smmu, 1);
	assert_null(oracle_check());
}

static void a_primary_without_tables_is_none(void **state UNUSED)
{
	for (u64 n = 1; n <= 18; n++)
		if (n != 2)
			IN_CHILD(no_table_for(n, "the primary cannot be set up: "));
	IN_CHILD(smaller_runs_do());
}

static void with_a_planted_hole(struct machine *m)
{
	m->option.plant_dma_hole = true;
}

/* What the sweep in QEMU is tried on: the oracle sees it too, and says whose page it is. */
static void V1_the_planted_hole_is_seen(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	const char *why;

	o.change = with_a_planted_hole;
	assert_null(bench_boot_try(&o));
	oracle_init(bench_smmu, 1);
	why = oracle_check();
	assert_non_null(why);
	assert_memory_equal(why, "V1", 2);
}

/* Where calls overlap only the moment of the command is looked at: an id that is in use then, and one that is not. */
static void V8_a_command_for_nobodys_vmid_is_seen(void **state UNUSED)
{
	struct iommu_tag tag = { .kind = TAG_STAGE2 };
	struct bench_options o = bench_stage2_only();
	const char *why;

	bench_boot(&o);
	oracle_calls_overlap();
	assert_int_equal(iommu_id_alloc(&iommu_vmids, &tag.vmid), OK);
	assert_int_equal(iommu_inval(&tag, 1, NULL, 0), OK);
	iommu_id_free(&iommu_vmids, tag.vmid);
	assert_null(oracle_check());
	assert_int_equal(iommu_inval(&tag, 1, NULL, 0), OK);
	why = oracle_check();
	assert_non_null(why);
	assert_memory_equal(why, "V8", 2);
}

#define HOLE (FAKE_RAM_BASE + (1ull << 30) + 300 * BLOCK_SIZE + 0x5000)

/* Firmware keeps a page in the middle. */
static void with_a_hole(struct machine *m)
{
	m->reserved[m->reserved_count++] = (struct range){ HOLE, PAGE_SIZE };
}

/*
 * A gigabyte that is not all the guest's: blocks that were pinned on the way are given back, and
 * since a step is all or nothing, the call maps nothing.
 */
static void gigabyte_with_a_hole_falls_back(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 gib = 1ull << 30, there = FAKE_RAM_BASE + gib;
	struct result r;
	u32 d;

	o.ram_bytes = 2 * gib + (64ull << 20);
	o.change = with_a_hole;
	bench_boot(&o);
	oracle_effort(1000);
	d = bench_domain();
	r = pv_map(d, 4 * gib, there, gib, BENCH_RW);
	assert_status(r, PC_FAULT);
	assert_int_equal(page_run_of(pa(there))->block_pins, 0);
	bench_map(d, 4 * gib, there, 300 * BLOCK_SIZE);
	assert_int_equal(page_run_of(pa(there))->block_pins, 1);
	r = pv_map(d, 4 * gib + 300 * BLOCK_SIZE, there + 300 * BLOCK_SIZE, BLOCK_SIZE, BENCH_RW);
	assert_status(r, PC_FAULT);
	bench_unmap(d, 4 * gib, 300 * BLOCK_SIZE);
}

/* --- accesses that are not hypercalls */

/* Memory that the primary has after all, split or merged on another CPU a moment ago: once more. */
static void accesses_of_its_memory_are_made_again(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct mem_access a = { .width = 4, .valid = true, .write = true };
	struct vcpu *vcpu;
	u32 vm;

	bench_boot(&o);
	vcpu = vm_vcpu(vm_primary, 0);
	vm = bench_vm(0);
	bench_donate(vm, 0x80000000, bench_page(100), 4, 0);
	a.ipa = ipa(bench_page(104));
	assert_false(hyp_mem_access(vcpu, &a));
	assert_true(a.again);
	a.ipa = ipa(bench_page(100));
	assert_false(hyp_mem_access(vcpu, &a));
	assert_false(a.again);
	a.ipa = ipa(machine->heap.base);
	assert_false(hyp_mem_access(vcpu, &a));
	assert_false(a.again);
	hyp_vcpu_wake(vcpu);
	assert_int_equal(fake_event_irq_raised[machine->wake_irq], 1);
}

static void accesses_outside_of_everything_are_nobodys(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct vcpu *vcpu;
	struct mem_access a = { .width = 4, .valid = true };
	u64 ecam = FAKE_ECAM_BASE;

	bench_boot(&o);
	vcpu = vm_vcpu(vm_primary, 0);
	a.ipa = ipa(FAKE_IOMMU_BASE);
	assert_false(hyp_mem_access(vcpu, &a));
	a.ipa = ipa(ecam - 4);
	assert_false(hyp_mem_access(vcpu, &a));
	a.ipa = ipa(ecam + machine->pci[0].ecam.size);
	assert_false(hyp_mem_access(vcpu, &a));
	/* Inside configuration space: well-formed ones are answered, the rest is nobody's. */
	a.ipa = ipa(ecam + 0x8000);
	a.value = 0;
	assert_true(hyp_mem_access(vcpu, &a));
	assert_int_equal(a.value, 0xffffffff);
	a.write = true;
	assert_true(hyp_mem_access(vcpu, &a));
	a.width = 8;
	assert_false(hyp_mem_access(vcpu, &a));
	a.width = 4;
	a.ipa = ipa(ecam + 0x8002);
	assert_false(hyp_mem_access(vcpu, &a));
	a.ipa = ipa(ecam + 0x8000);
	a.valid = false;
	assert_false(hyp_mem_access(vcpu, &a));
	bench_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(machine_without_iommu_is_refused),
		cmocka_unit_test(V4_iommu_that_does_not_block_ends_the_boot),
		cmocka_unit_test(D1_N33_stream_of_two_devices_is_refused),
		cmocka_unit_test(D3_stream_twice_in_one_device_is_refused),
		cmocka_unit_test(D1_one_number_on_two_iommus_is_two_streams),
		cmocka_unit_test(D1_device_without_a_stream_is_not_for_assignment),
		cmocka_unit_test(N34_stream_beyond_the_table_is_refused),
		cmocka_unit_test(D1_stream_of_two_functions_is_refused),
		cmocka_unit_test(D3_no_stream_or_two_iommus_are_not_for_assignment),
		cmocka_unit_test(more_endpoints_than_a_device_holds),
		cmocka_unit_test(bridges_are_no_devices),
		cmocka_unit_test(more_devices_than_the_table_holds),
		cmocka_unit_test(the_trees_devices_need_room_too),
		cmocka_unit_test(more_lines_than_a_device_holds),
		cmocka_unit_test(lines_of_a_device_are_told_once),
		cmocka_unit_test(A6_mmio_pins_end_with_a_refusal),
		cmocka_unit_test(more_ranges_than_a_device_holds),
		cmocka_unit_test(iommu_of_another_kind_is_not_for_assignment),
		cmocka_unit_test(iommu_of_a_deeper_second_stage_is_not_for_assignment),
		cmocka_unit_test(iommu_of_a_flatter_second_stage_is_not_for_assignment),
		cmocka_unit_test(tags_are_as_narrow_as_the_narrowest),
		cmocka_unit_test(blocks_only_where_all_can_split),
		cmocka_unit_test(many_names_are_all_found),
		cmocka_unit_test(names_of_one_bucket_are_told_apart),
		cmocka_unit_test(D7_generations_of_a_domain_wrap),
		cmocka_unit_test(a_primary_without_tables_is_none),
		cmocka_unit_test(V1_the_planted_hole_is_seen),
		cmocka_unit_test(V8_a_command_for_nobodys_vmid_is_seen),
		cmocka_unit_test(gigabyte_with_a_hole_falls_back),
		cmocka_unit_test(accesses_of_its_memory_are_made_again),
		cmocka_unit_test(accesses_outside_of_everything_are_nobodys),
		cmocka_unit_test(numbers_are_a_hosts_own),
		cmocka_unit_test(K1_no_tag_no_domain),
	};

	return SUITE("machine", cases);
}
