/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debug console: what each command says of a machine with devices, domains, faults and a VM; that a
 * turn is short whatever there is to say; and that whatever is typed is an answer or nothing.
 */
#include <stdio.h>
#include <string.h>

#include "bench_vm.h"
#include "debug/console.h"
#include "iommu/domain.h"
#include "suite.h"
#include "vm/vm_life.h"

#define IRQ       40u
#define TURNS_MAX 4000u
/* Two lines with all that is echoed: what one turn may put out at most. */
#define TURN_OUTPUT_MAX 600u
#define PROMPT          "> "

static void with_uart(struct machine *m)
{
	m->debug.irq = IRQ;
	m->debug.regs = (struct range){ 0x09040000, 0x1000 };
	m->dt_device[0].irq[0] = 77;
	m->dt_device[0].irq[1] = 78;
	m->dt_device[0].irq_count = 2;
}

static void boot_as(struct bench_options o)
{
	o.change = with_uart;
	bench_boot(&o);
	console_start();
}

static void boot(void)
{
	boot_as(bench_defaults());
}

/* As hardware would: a turn while there is something for one. How many it took. */
static u32 run(void)
{
	u32 turns = 0;

	while (fake_debug_output || (fake_debug_input && fake_debug_in != NULL && *fake_debug_in != 0)) {
		size_t before = strlen(fake_debug_out);

		if (turns++ == TURNS_MAX)
			suite_fail("no end after %u turns: %s", turns, fake_debug_out);
		hyp_irq(IRQ);
		if (strlen(fake_debug_out) - before > TURN_OUTPUT_MAX)
			suite_fail("%zu characters in one turn", strlen(fake_debug_out) - before);
	}
	return turns;
}

/* What a command prints between its echo and the prompt. */
static const char *answer(const char *typed)
{
	const char *out = fake_debug_out + strlen(fake_debug_out), *end;

	fake_debug_in = typed;
	run();
	end = strstr(out, "\r\n");
	if (end == NULL || strlen(end) < 4 || strcmp(end + strlen(end) - 4, "\r\n" PROMPT) != 0)
		suite_fail("'%s' is not answered: %s", typed, out);
	return end + 2;
}

static void has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		suite_fail("no '%s' in: %s", line, text);
}

static void has_not(const char *text, const char *words)
{
	if (strstr(text, words) != NULL)
		suite_fail("'%s' in: %s", words, text);
}

static u32 lines_in(const char *text)
{
	u32 count = 0;

	for (; *text != 0; text++)
		count += *text == '\n';
	return count;
}

/* --- what there is */

static void greets_and_waits_for_input(void **state UNUSED)
{
	boot();
	assert_string_equal(fake_debug_out, "Portcullis debug console; help lists the commands\r\n" PROMPT);
	assert_true(fake_debug_input);
	assert_false(fake_debug_output);
}

static void without_a_uart_there_is_no_console(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	console_start();
	fake_debug_in = "vms\r";
	for (u32 i = 1; i < 1024; i++)
		if (i != machine->iommu[0].event_irq && i != machine->iommu[0].error_irq)
			hyp_irq(i);
	assert_string_equal(fake_debug_out, "");
	assert_string_equal(fake_debug_in, "vms\r");
}

static void help_names_every_command(void **state UNUSED)
{
	static const char *const words[] = { "help", "vms", "devices", "endpoints", "domains",
					     "pins", "quarantined", "counters", "events" };
	const char *text;

	boot();
	text = answer("help\r");
	assert_int_equal(lines_in(text), ARRAY_SIZE(words));
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		has(text, words[i]);
	assert_int_equal(lines_in(answer("?\r")), ARRAY_SIZE(words));
}

/* The first letter is the first command that has it. */
static void beginnings_will_do(void **state UNUSED)
{
	boot();
	has(answer("v\r"), "vm 1 final primary");
	has(answer("d\r"), "device 0 ");
	has_not(answer("do\r"), "device 0 ");
	has(answer("e\r"), "pSID");
	assert_string_equal(answer("ev\r"), PROMPT);
	has(answer("q\r"), "quarantined: 0 of 7");
}

static void nothing_and_nonsense(void **state UNUSED)
{
	boot();
	assert_string_equal(answer("\r"), PROMPT);
	assert_string_equal(answer("\n"), PROMPT);
	assert_string_equal(answer("vmsx\r"), "no such command; help lists them\r\n" PROMPT);
	assert_string_equal(answer("VMS\r"), "no such command; help lists them\r\n" PROMPT);
}

static u32 vm_make(void)
{
	u32 handle = 0;

	assert_int_equal(vm_create(0, 2, bench_block(1), 256, &handle), OK);
	return handle;
}

static void vms_are_listed(void **state UNUSED)
{
	struct vm *vm;
	char line[64];
	u32 handle;
	const char *text;

	boot();
	handle = vm_make();
	vm = vm_find(handle);
	text = answer("vms\r");
	assert_int_equal(lines_in(text), 2);
	has(text, "vm 1 final primary cpus 2, pool ");
	has(text, ", devices 7\r\n");
	snprintf(line, sizeof(line), "vm %u building vcpus 2, pages 0 lost 0, pool ", handle);
	has(text, line);
	has(text, "/256, devices 0\r\n");
	vm->state = VM_FINAL;
	vm->pages = 77;
	vm->pages_lost = 3;
	vm->vcpu[1].running = 1;
	snprintf(line, sizeof(line), "vm %u final vcpus 2, run 1, pages 77 lost 3, pool ", handle);
	has(answer("vms\r"), line);
	vm->vcpu[0].running = 1;
	has(answer("vms\r"), "vcpus 2, run 0 1, pages");
	vm->state = VM_DYING;
	has(answer("vms\r"), " dying vcpus 2");
	has(answer("counters\r"), "lost pages 3; secondaries 1, quarantined 0\r\n");
}

static void devices_are_listed(void **state UNUSED)
{
	const char *text;

	boot();
	bench_assign(0, 0, 5);
	bench_assign(3, 1, 9);
	assert_status(pv_attach(1, 9, 0, bench_domain(), 0), PC_SUCCESS);
	text = answer("devices\r");
	/* Eight functions with a range each, one of them with two, and the platform device's. */
	assert_int_equal(lines_in(text), 7 + 11);
	has(text, "device 0 pci 0000:00:01: group 0, assigned, vm 1 pvIOMMU 0, lines 35\r\n"
		  "    MMIO 0: 0x10000000+0x4000\r\n"
		  "    MMIO 1: 0x10004000+0x4000\r\n"
		  "    MMIO 2: 0x10008000+0x4000\r\n");
	has(text, "device 2 pci 0000:00:03: group 2, unassigned, vm 1, lines 37\r\n");
	has(text, "device 3 pci 0000:00:04: group 3, assigned, vm 1 pvIOMMU 1 frozen, lines 38\r\n");
	has(text, "device 6 dma@a003000: ");
	has(text, ", lines 77 78\r\n");
}

/* What a secondary has of a device: its names for the registers and the line, and that the primary has neither. */
static void devices_of_a_secondary_are_listed(void **state UNUSED)
{
	const char *text;
	u32 vm;

	boot();
	vm = bench_vm(0);
	bench_vm_assign(3, vm, 1, 9);
	assert_status(pc_dev_map_mmio(3, 1, 0x80000000), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_SUCCESS);
	text = answer("devices\r");
	has(text, "device 3 pci 0000:00:04: group 3, assigned, vm 2 pvIOMMU 1, lines 38 as 40\r\n"
		  "    MMIO 0: 0x10300000+0x4000, not the primary's\r\n"
		  "    MMIO 1: 0x10380000+0x1000 at 0x80000000, not the primary's\r\n");
	has(text, "device 2 pci 0000:00:03: group 2, unassigned, vm 1, lines 37\r\n");
}

static void substreams_and_plain_tags(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	u32 domain;

	boot_as(o);
	bench_assign(1, 0, 5);
	domain = bench_domain();
	assert_status(pv_attach(0, 5, 0, domain, 4), PC_SUCCESS);
	assert_status(pv_attach(0, 5, 3, domain, 4), PC_SUCCESS);
	assert_status(pv_attach(0, 5, 4, domain, 4), PC_SUCCESS);
	has(answer("endpoints\r"), ", 2 PASIDs attached, faults 0\r\n");
}

static void domains_of_stage_2_have_a_vmid_each(void **state UNUSED)
{
	char line[80];
	u32 domain;

	boot_as(bench_stage2_only());
	domain = bench_domain();
	snprintf(line, sizeof(line), "vm 1 domain %u: bytes mapped 0, attached 0, in flight 0, VMID ", domain);
	has(answer("domains\r"), line);
	has_not(fake_debug_out, "ASID");
}

static void slots_beyond_the_table_are_none(void **state UNUSED)
{
	struct domain_facts facts;

	boot();
	assert_false(domain_facts(vm_primary, vm_primary->domain_max, &facts));
	assert_false(domain_facts(vm_primary, ~0u, &facts));
}

static void endpoints_have_both_names(void **state UNUSED)
{
	const char *text;
	char line[160];
	u32 domain;

	boot_as(bench_pasids());
	bench_assign(0, 0, 5);
	domain = bench_domain();
	bench_attach(6, domain);
	text = answer("endpoints\r");
	assert_int_equal(lines_in(text), 10);
	snprintf(line, sizeof(line), "pci 0000:00:01 endpoint 1: vm 1 pvIOMMU 0 vSID 6 = iommu0 pSID 0x709, domain %u, faults 0\r\n",
		 domain);
	has(text, line);
	has(text, "pci 0000:00:01 endpoint 2: vm 1 pvIOMMU 0 vSID 7 = iommu0 pSID 0x70f, faults 0\r\n");
	has(text, "pci 0000:00:02 endpoint 0: vm 1 = iommu0 pSID 0x710, PASID bits 8, faults 0\r\n");
	has(text, "dma@a003000 endpoint 1: vm 1 = iommu0 pSID 0x402, faults 0\r\n");
}

static void domains_and_pins(void **state UNUSED)
{
	u32 first, second;
	const char *text;
	char line[120];

	boot();
	assert_string_equal(answer("domains\r"), PROMPT);
	has(answer("pins\r"), "vm 1: pins 0, bytes mapped 0, maps 0, unmaps 0\r\nall VMs: pins 0\r\n" PROMPT);
	bench_assign(0, 0, 5);
	first = bench_domain();
	second = bench_domain();
	bench_attach(5, second);
	bench_attach(6, second);
	bench_map(second, 0x1000, bench_page(0), 3 * PAGE_SIZE);
	text = answer("domains\r");
	assert_int_equal(lines_in(text), 2);
	snprintf(line, sizeof(line), "vm 1 domain %u: bytes mapped 0, attached 0, in flight 0, ASID ", first);
	has(text, line);
	snprintf(line, sizeof(line), "vm 1 domain %u: bytes mapped 12288, attached 2, in flight 0, ASID ", second);
	has(text, line);
	has(answer("pins\r"), "vm 1: pins 3, bytes mapped 12288, maps 1, unmaps 0\r\nall VMs: pins 3\r\n");
	/* A gap in the slots: the listing still finds the last, and ends there. */
	assert_status(pv_free(first), PC_SUCCESS);
	assert_int_equal(lines_in(answer("domains\r")), 1);
}

/* Behind more empty slots than a step looks at. */
static void domain_far_behind_is_found(void **state UNUSED)
{
	u32 id[100];

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(id); i++)
		id[i] = bench_domain();
	for (u32 i = 0; i + 1 < ARRAY_SIZE(id); i++)
		assert_status(pv_free(id[i]), PC_SUCCESS);
	assert_int_equal(lines_in(answer("domains\r")), 1);
}

static void quarantined_are_named(void **state UNUSED)
{
	const char *text;

	boot();
	assert_string_equal(answer("quarantined\r"), "quarantined: 0 of 7 devices\r\n" PROMPT);
	vm_lock_pair(vm_primary);
	device_quarantine(&device_table[2], "a test");
	vm_unlock_pair(vm_primary);
	text = answer("quarantined\r");
	assert_int_equal(lines_in(text), 2);
	has(text, "device 2 pci 0000:00:03: group 2, quarantined, vm 1");
	has(text, "quarantined: 1 of 7 devices\r\n" PROMPT);
}

static void counters_of_everything(void **state UNUSED)
{
	const char *text;

	boot();
	text = answer("counters\r");
	assert_int_equal(lines_in(text), 5);
	has(text, "cpu 0 exits: config 7 irq 8\r\ncpu 1 exits: config 7 irq 8\r\niommu 0 iommu0: alive\r\n"
		  "events: 0, strays 0, overflows 0\r\nown pool: pages free ");
	iommu_instance[0].dead = true;
	has(answer("counters\r"), "iommu 0 iommu0: dead\r\n");
}

static void event(sid_t stream, u64 addr)
{
	const struct iommu_event e = { .sid = stream, .has_sid = true, .has_addr = true, .reason = 2, .code = 16, .write = true, .addr = addr };

	iommu_report_event(&iommu_instance[0], &e);
}

static void events_name_streams_here_only(void **state UNUSED)
{
	const char *text;

	boot();
	assert_string_equal(answer("events\r"), PROMPT);
	bench_assign(0, 0, 5);
	event(sid(0x709), 0x123000);
	event(sid(0xabcd), 0x1000);
	text = answer("events\r");
	assert_int_equal(lines_in(text), 2);
	has(text, "] #1 iommu0 pSID 0x709 pci 0000:00:01 endpoint 1 vm 1 vSID 6: write not mapped, event 16 at 0x123000, stage 1\r\n");
	has(text, "] #2 iommu0 pSID 0xabcd nobody's: write not mapped, event 16 at 0x1000, stage 1\r\n");
	has(answer("counters\r"), "events: 2, strays 1, overflows 0\r\n");
	hyp_irq(machine->iommu[0].event_irq);
	has(fake_console, "event 16 of a stream that is nobody's");
	has_not(fake_console, "abcd");
	has_not(fake_console, "43981");
}

/* PASID, kind of access and stage, each where hardware tells it. */
static void events_say_what_hardware_said(void **state UNUSED)
{
	struct iommu_event e = { .sid = sid(0x709), .has_sid = true, .has_pasid = true, .pasid = 3, .code = 19, .has_addr = true, .addr = 0x5000, .stage2 = true };

	boot();
	iommu_report_event(&iommu_instance[0], &e);
	e = (struct iommu_event){ .code = 1 };
	iommu_report_event(&iommu_instance[0], &e);
	has(answer("events\r"), " pSID 0x709 PASID 3 pci 0000:00:01 endpoint 1 vm 1: read ");
	has(fake_debug_out, "event 19 at 0x5000, stage 2\r\n");
	has(fake_debug_out, "#2 iommu0 nobody's: read ");
	has(fake_debug_out, "event 1\r\n");
}

static void the_last_events_are_kept(void **state UNUSED)
{
	const char *text;

	boot();
	for (u32 i = 1; i <= 1000; i++)
		event(sid(0x709), i << 12);
	text = answer("events\r");
	assert_int_equal(lines_in(text), 64);
	has(text, "#937 ");
	has(text, "#1000 ");
	has_not(text, "#936 ");
}

/* Events that come while they are listed do not keep the listing from its end. */
static void listing_of_events_ends_under_a_flood(void **state UNUSED)
{
	u32 turns = 0;

	boot();
	event(sid(0x709), 0);
	fake_debug_in = "events\r";
	do {
		for (u32 i = 0; i < 100; i++)
			event(sid(0x709), i);
		hyp_irq(IRQ);
		assert_true(turns++ < 100);
	} while (fake_debug_output || *fake_debug_in != 0);
	assert_true(lines_in(fake_debug_out) < 64 + 3);
}

/* --- turns */

/* A UART that takes a character at a time: the same text, and never more than that in a turn. */
static void slow_uart_gets_every_character(void **state UNUSED)
{
	static char fast[16384];
	u32 turns;

	boot();
	snprintf(fast, sizeof(fast), "%s", answer("devices\r"));
	fake_debug_room = 1;
	assert_string_equal(answer("devices\r"), fast);
	fake_debug_in = "endpoints\r";
	turns = run();
	assert_true(turns > 500);
}

/* A full UART: nothing is produced meanwhile, nothing is lost. */
static void stuck_uart_keeps_the_listing(void **state UNUSED)
{
	size_t length;

	boot();
	fake_debug_in = "help\r";
	fake_debug_room = 0;
	for (u32 i = 0; i < 10; i++)
		hyp_irq(IRQ);
	assert_true(fake_debug_output);
	length = strlen(fake_debug_out);
	fake_debug_room = ~0u;
	run();
	assert_int_equal(lines_in(fake_debug_out + length), 1 + 9);
}

/* --- input */

static void keys_that_edit(void **state UNUSED)
{
	boot();
	has(answer("vmx\bs\r"), "vm 1");
	has(answer("\b\b\177vms\r"), "vm 1");
	has(answer("junk\3vms\r"), "vm 1");
	has(answer("v m\ts\33[A\r"), "no such command");
	has(answer("\1\2v\200m\377s\r"), "vm 1");
}

/* Keys wait in hardware while there is no room for what they echo. */
static void keys_at_a_stuck_uart_wait(void **state UNUSED)
{
	static char typed[801];

	boot();
	for (u32 i = 0; i < sizeof(typed) - 1; i++)
		typed[i] = i % 2 == 0 ? 'q' : '\b';
	fake_debug_in = typed;
	fake_debug_room = 0;
	for (u32 i = 0; i < 40; i++)
		hyp_irq(IRQ);
	assert_in_range(strlen(fake_debug_in), 1, sizeof(typed) - 100);
	fake_debug_room = ~0u;
	run();
	has(answer("vms\r"), "vm 1");
}

static void long_lines_are_no_command(void **state UNUSED)
{
	static char typed[4096];

	boot();
	memset(typed, 'v', sizeof(typed) - 2);
	typed[sizeof(typed) - 2] = '\r';
	assert_string_equal(answer(typed), "no such command; help lists them\r\n" PROMPT);
	/* Whose beginning is one. */
	memcpy(typed, "vms", 3);
	memset(typed + 3, 0, sizeof(typed) - 3);
	strcpy(typed + 3, "aaaaaaaaaaaaaaaaaaaaaaa\r");
	assert_string_equal(answer(typed), "no such command; help lists them\r\n" PROMPT);
	has(answer("vms\r"), "vm 1");
}

static void typed_ahead(void **state UNUSED)
{
	boot();
	fake_debug_in = "pins\rquarantined\rvms\r";
	run();
	has(fake_debug_out, "all VMs: pins 0\r\n" PROMPT);
	has(fake_debug_out, "quarantined: 0 of 7 devices\r\n" PROMPT);
	has(fake_debug_out, "vm 1 final primary");
}

static void ctrl_c_ends_a_listing(void **state UNUSED)
{
	boot();
	fake_debug_in = "devices\r";
	fake_debug_room = 40;
	for (u32 i = 0; i < 4; i++)
		hyp_irq(IRQ);
	assert_true(fake_debug_output);
	fake_debug_in = "\3";
	fake_debug_room = ~0u;
	run();
	has(fake_debug_out, "device 0");
	has_not(fake_debug_out, "device 6");
	has(fake_debug_out, "^C\r\n" PROMPT);
	has(answer("vms\r"), "vm 1");
}

/* Any bytes at all, with any amount of room: every turn is short, and it answers afterwards. */
static void garbage(void **state UNUSED)
{
	static char typed[3001];

	boot();
	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < sizeof(typed) - 1; i++) {
			static const char likely[] = "vmsdevicesendpointspins\r\n\3\b";

			typed[i] = fake_random_below(3) == 0 ? (char)(1 + fake_random_below(255)) :
							       likely[fake_random_below(sizeof(likely) - 1)];
		}
		fake_debug_in = typed;
		fake_debug_room = (u32)fake_random_below(200) + 1;
		for (u32 turns = 0; *fake_debug_in != 0; turns++) {
			assert_true(turns < 100000);
			hyp_irq(IRQ);
		}
		fake_debug_room = ~0u;
		fake_debug_in = "\3";
		run();
		has(answer("pins\r"), "all VMs: pins 0\r\n");
		bench_check();
		fake_debug_clear();
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(greets_and_waits_for_input),
		cmocka_unit_test(without_a_uart_there_is_no_console),
		cmocka_unit_test(help_names_every_command),
		cmocka_unit_test(beginnings_will_do),
		cmocka_unit_test(nothing_and_nonsense),
		cmocka_unit_test(vms_are_listed),
		cmocka_unit_test(devices_are_listed),
		cmocka_unit_test(devices_of_a_secondary_are_listed),
		cmocka_unit_test(substreams_and_plain_tags),
		cmocka_unit_test(domains_of_stage_2_have_a_vmid_each),
		cmocka_unit_test(events_say_what_hardware_said),
		cmocka_unit_test(endpoints_have_both_names),
		cmocka_unit_test(domains_and_pins),
		cmocka_unit_test(domain_far_behind_is_found),
		cmocka_unit_test(quarantined_are_named),
		cmocka_unit_test(counters_of_everything),
		cmocka_unit_test(events_name_streams_here_only),
		cmocka_unit_test(the_last_events_are_kept),
		cmocka_unit_test(listing_of_events_ends_under_a_flood),
		cmocka_unit_test(slow_uart_gets_every_character),
		cmocka_unit_test(stuck_uart_keeps_the_listing),
		cmocka_unit_test(keys_that_edit),
		cmocka_unit_test(keys_at_a_stuck_uart_wait),
		cmocka_unit_test(long_lines_are_no_command),
		cmocka_unit_test(typed_ahead),
		cmocka_unit_test(ctrl_c_ends_a_listing),
		cmocka_unit_test(garbage),
		cmocka_unit_test(slots_beyond_the_table_are_none),
	};

	return SUITE("debug_console", cases);
}
