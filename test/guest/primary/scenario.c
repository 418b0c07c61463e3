/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main scenario of `make run`, told as it goes: a primary VM finds its devices, takes one slot with three DMA
 * engines, and does real DMA through the pvIOMMU; then it tries what it must not be able to do. The second part, with
 * two VMs of its making, is scenario_vms.c.
 * Chapters run in order on one state. The last lines are a table and "[t] done ...".
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "scenario.h"

#define MAX_ROWS 128
#define BYTES    1024u /* of one transfer of edu */
#define UNMAPPED (RIG_IOVA + 0x100000)
#define READONLY (RIG_IOVA + 0x200000)
#define BLOCK    (RIG_IOVA + 0x40000000)

static struct row {
	char what[72];
	const char *expected;
	bool held;
} rows[MAX_ROWS];
static u32 row_count;
static bool broken;
static u64 kept; /* memory below it outlives the chapters */

static u64 domain;
/* Memory for the device to read, to write, and never to write; it outlives the chapters. */
static u32 out_page[PAGE / 4] __attribute__((aligned(4096)));
static u32 in_page[PAGE / 4] __attribute__((aligned(4096)));
static u32 read_only[PAGE / 4] __attribute__((aligned(4096)));

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void check(bool held, const char *expected, const char *what, ...)
{
	struct row *row = &rows[row_count < MAX_ROWS - 1 ? row_count++ : row_count];
	va_list args;

	va_start(args, what);
	vsnprintf(row->what, sizeof(row->what), what, args);
	va_end(args);
	row->expected = expected;
	row->held = held;
	say("   %-4s %s: %s", held ? "ok" : "FAIL", row->what, expected);
	broken |= !held;
	REQUIRE(held, "%s: expected %s", row->what, expected);
}

const void *below(void)
{
	const void *fdt = machine_below();

	REQUIRE(fdt, "the tree of the machine below was not given as ramdisk");
	return fdt;
}

CASE(scenario, find_the_machine)
{
	u64 megabytes = 0;

	for (u32 i = 0; i < machine.ram_count; i++)
		megabytes += machine.ram[i].size >> 20;
	say("\n1. What we were given");
	say("   %u CPU%s, %lu MiB of memory, %lu devices, pvIOMMU number %u, interface %lu.%lu", machine.cpu_count,
	    machine.cpu_count == 1 ? "" : "s", megabytes, OK(dev_count()).r1, rig.pviommu,
	    rig_query(PVIOMMU_Q_VERSION, 0) >> 16, rig_query(PVIOMMU_Q_VERSION, 0) & 0xffff);
	check(rig_query(PVIOMMU_Q_VERSION, 0) == PC_ABI_VERSION, "1.0", "version of the interface");
	check(!machine_find_reg(machine.fdt, "arm,smmu-v3").size, "absent", "an SMMU in our device tree");
	check(machine_find_reg(below(), "arm,smmu-v3").size != 0, "present", "an SMMU in the machine below");
}

static const char *engine_name(u32 id)
{
	return id == EDU_ID ? "edu, reads and writes" : "iommu-testdev, writes";
}

CASE(scenario, find_the_device_with_three_endpoints)
{
	u32 bdf, endpoint;
	struct pc_dev_info info;

	say("\n2. One PCI slot holds three DMA engines");
	check(rig_find_slot(&bdf), "there", "a slot of testdev, edu, testdev");
	check(rig_find_device(bdf, &rig.device, &endpoint), "there", "its device");
	info = rig_device_info(rig.device);
	say("   device %u is \"%s\", isolation group %u", rig.device, (char *)info.name, info.group);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		say("   endpoint %u: %s, registers at %#lx", i, engine_name(pci_read32(bdf + i, PCI_ID)),
		    pci_bar(bdf + i, 0).base);
	check(OK(dev_endpoint_count(rig.device)).r1 == RIG_ENDPOINTS, "3", "endpoints of the device");
}

static void open_engines(void)
{
	u32 bdf;

	rig_find_slot(&bdf);
	testdev_open(&rig.testdev, bdf);
	testdev_open(&rig.testdev2, bdf + 2);
	REQUIRE(edu_open(&rig.edu, bdf + 1), "edu does not answer");
}

static bool refuses(u64 address)
{
	return testdev_write(&rig.testdev, address, address, 4) == TESTDEV_REFUSED;
}

static bool is_own_bar(u64 address)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		struct range bar = pci_bar(pci_functions[i].bdf, 0);

		if (range_has(&bar, address))
			return true;
	}
	return false;
}

CASE(scenario, identity_reaches_our_memory_only)
{
	struct range windows[64], smmu = machine_find_reg(below(), "arm,smmu-v3");
	struct range its = machine_find_reg(below(), "arm,gic-v3-its");
	struct range fw_cfg = machine_find_reg(below(), "qemu,fw-cfg-mmio");
	u32 count = machine_windows(below(), windows, ARRAY_COUNT(windows)), tried = 0, refused = 0;
	u32 *page = ram_alloc(PAGE, PAGE);

	say("\n3. A device that we have not taken runs in identity: its address is the physical one");
	open_engines();
	check(testdev_lands(&rig.testdev, (u64)page, page), "lands", "DMA to our memory at %#lx", (u64)page);
	for (u32 i = 0; i < machine.reserved_count; i++)
		check(refuses(align_up(machine.reserved[i].base, PAGE)), "fault", "DMA to the hypervisor's memory at %#lx",
		      align_up(machine.reserved[i].base, PAGE));
	check(refuses(smmu.base) && refuses(smmu.base + 0x10000), "fault", "DMA to the SMMU's registers at %#lx", smmu.base);
	check(refuses(its.base + 0x10040), "fault", "DMA to the ITS doorbell at %#lx", its.base + 0x10040);
	check(refuses(align_down(fw_cfg.base, PAGE)), "fault", "DMA to fw_cfg at %#lx", fw_cfg.base);
	for (u32 i = 0; i < count; i++) {
		u64 ends[2] = { windows[i].base, align_down(windows[i].base + windows[i].size - 4, 4) };

		for (u32 e = 0; e < 2; e++) {
			if (is_own_bar(ends[e]))
				continue;
			tried++;
			refused += refuses(ends[e]);
		}
	}
	check(tried > 20 && refused == tried, "fault", "DMA to both ends of %u other windows", count);
}

CASE(scenario, take_the_device)
{
	static u32 spare;

	say("\n4. We take the device: it is reset, blocked, and each endpoint gets a number of ours");
	rig_assign(rig.device);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++) {
		rig_set_vsid(rig.device, i, RIG_VSID(i));
		say("   endpoint %u is vSID %#x", i, RIG_VSID(i));
	}
	open_engines();
	check(testdev_faults(&rig.testdev, (u64)&spare, &spare), "fault", "DMA while nothing is attached");
	REFUSED(dev_set_vsid(rig.device, 0, RIG_VSID(7)), PC_EXISTS);
	REFUSED(dev_set_vsid(rig.device, 1, RIG_VSID(0)), PC_EXISTS);
	check(true, "EXISTS", "a second vSID for an endpoint, a second endpoint for a vSID");
}

CASE(scenario, attach_all_endpoints_at_once)
{
	struct pviommu_attach_list *list = ram_alloc(PAGE, PAGE);
	u32 *vsids = (u32 *)list + 64;

	say("\n5. One domain, all three endpoints in one call, or none of them");
	domain = rig_domain();
	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .pviommu = rig.pviommu,
					      .domain = (u32)domain,
					      .vsids_ipa = (u64)vsids,
					      .vsid_count = RIG_ENDPOINTS };
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		vsids[i] = RIG_VSID(i);
	vsids[2] = RIG_VSID(9);
	REFUSED(pv_attach_list((u64)list), PC_NOT_FOUND);
	check(rig_stat(PVIOMMU_STAT_ATTACHED) == 0, "none", "attached after a list with one forged vSID");
	vsids[2] = RIG_VSID(2);
	OK(pv_attach_list((u64)list));
	check(rig_stat(PVIOMMU_STAT_ATTACHED) == RIG_ENDPOINTS, "3", "attached after the right list");
}

CASE(scenario, dma_in_both_directions)
{
	say("\n6. Real bytes in both directions");
	rig_map(domain, RIG_IOVA, (u64)out_page, PAGE, PVIOMMU_PROT_READ);
	rig_map(domain, RIG_IOVA + PAGE, (u64)in_page, PAGE, RW);
	say("   IOVA %#lx -> %#lx read only, %#lx -> %#lx", RIG_IOVA, (u64)out_page, RIG_IOVA + PAGE, (u64)in_page);
	for (u32 i = 0; i < BYTES / 4; i++)
		out_page[i] = 0x9e3779b9u * (i + 1);
	check(edu_load(&rig.edu, RIG_IOVA, 0, BYTES), "done", "edu reads %u bytes", BYTES);
	check(edu_store(&rig.edu, RIG_IOVA + PAGE, 0, BYTES), "done", "edu writes %u bytes", BYTES);
	check(!memcmp(out_page, in_page, BYTES), "equal", "the bytes that came back through the device");
	check(testdev_lands(&rig.testdev, RIG_IOVA + PAGE + 2048, in_page + 512), "lands", "DMA of endpoint 0");
	check(testdev_lands(&rig.testdev2, RIG_IOVA + PAGE + 2052, in_page + 513), "lands", "DMA of endpoint 2");
}

CASE(scenario, block_of_2m)
{
	u64 memory = ram_alloc_raw(BLOCK_2M, BLOCK_2M);

	say("\n7. A block of 2 MiB is one leaf; taking a page out of it splits it");
	rig_map(domain, BLOCK, memory, BLOCK_2M, RW);
	check(testdev_lands(&rig.testdev, BLOCK + BLOCK_2M - 4, (u32 *)(memory + BLOCK_2M) - 1), "lands",
	      "DMA to the block's last word");
	rig_unmap(domain, BLOCK + 5 * PAGE, PAGE);
	check(testdev_faults(&rig.testdev, BLOCK + 5 * PAGE, (u32 *)(memory + 5 * PAGE)), "fault",
	      "DMA to the page taken out");
	check(testdev_lands(&rig.testdev, BLOCK + 6 * PAGE, (u32 *)(memory + 6 * PAGE)), "lands", "DMA to the page beside it");
	rig_unmap(domain, BLOCK, 5 * PAGE);
	rig_unmap(domain, BLOCK + 6 * PAGE, BLOCK_2M - 6 * PAGE);
}

CASE(scenario, what_is_not_mapped_faults)
{
	u64 faults = rig_stat(PVIOMMU_STAT_FAULTS);
	u32 *secret = ram_alloc(PAGE, PAGE);

	say("\n8. What is not mapped, or not for writing, faults");
	check(testdev_faults(&rig.testdev, UNMAPPED, in_page), "fault", "DMA to an IOVA that is not mapped");
	check(testdev_faults(&rig.testdev, (u64)in_page, in_page), "fault", "DMA to a physical address, our own");
	rig_map(domain, READONLY, (u64)read_only, PAGE, PVIOMMU_PROT_READ);
	check(testdev_faults(&rig.testdev, READONLY, read_only), "fault", "a write to a read-only page");
	check(testdev_faults(&rig.testdev2, READONLY, read_only), "fault", "the same from another endpoint");
	check(faults_settled(rig.pviommu, faults + 4) == faults + 4, "4", "events counted for these");
	for (u32 i = 0; i < BYTES / 4; i++)
		secret[i] = 0x5ec2e7;
	memset(in_page, 0, PAGE);
	check(edu_load(&rig.edu, (u64)secret, 0, BYTES) && edu_store(&rig.edu, RIG_IOVA + PAGE, 0, BYTES), "done",
	      "edu tries to read memory that is not mapped");
	check(memcmp(in_page, secret, BYTES) != 0, "not there", "the secret, in what edu brings back");
}

CASE(scenario, unmap_is_complete)
{
	say("\n9. After unmap the stale access faults, and the page is ours alone");
	check(testdev_lands(&rig.testdev, RIG_IOVA + PAGE, in_page), "lands", "DMA before the unmap, so that it is cached");
	rig_unmap(domain, RIG_IOVA + PAGE, PAGE);
	check(testdev_faults(&rig.testdev, RIG_IOVA + PAGE, in_page), "fault", "the same DMA after the unmap");
	in_page[0] = 0x0badcafe;
	edu_store(&rig.edu, RIG_IOVA + PAGE, 0, BYTES);
	check(in_page[0] == 0x0badcafe, "stays", "what we write to the page, while edu writes too");
	rig_map(domain, RIG_IOVA + PAGE, (u64)in_page, PAGE, RW);
}

CASE(scenario, forged_arguments_change_nothing)
{
	u64 foreign = align_up(machine.reserved[0].base, PAGE);

	say("\n10. Forged arguments are refused and change nothing");
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(3), 0, domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, rig.testdev.bdf, 0, domain, 0), PC_NOT_FOUND);
	check(true, "NOT_FOUND", "a forged vSID, and a real requester id as vSID");
	REFUSED(pv_map(domain + 77, UNMAPPED, (u64)in_page, PAGE, RW), PC_NOT_FOUND);
	REFUSED(pv_map(domain | 1ul << 32, UNMAPPED, (u64)in_page, PAGE, RW), PC_NOT_FOUND);
	check(true, "NOT_FOUND", "a forged domain");
	REFUSED(pv_map(domain, UNMAPPED + 8, (u64)in_page, PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(domain, -PAGE, (u64)in_page, 2 * PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(domain, RIG_IOVA, (u64)in_page, PAGE, RW), PC_EXISTS);
	check(true, "refused", "a forged IOVA: unaligned, wrapping, taken");
	REFUSED(pv_map(domain, UNMAPPED, foreign, PAGE, PVIOMMU_PROT_READ), PC_FAULT);
	REFUSED(pv_map(domain, UNMAPPED, machine_find_reg(below(), "arm,smmu-v3").base, PAGE, RW | PVIOMMU_PROT_MMIO), PC_DENIED);
	check(true, "refused", "a forged IPA: the hypervisor's memory, the SMMU's registers");
	REFUSED(pv_map(domain, UNMAPPED, (u64)in_page, PAGE + 1, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(domain, UNMAPPED, (u64)in_page, -PAGE, RW), PC_INVALID_PARAMETER);
	check(true, "INVALID", "a forged size");
	REFUSED(pv_map(domain, UNMAPPED, (u64)in_page, PAGE, RW | 0x40), PC_INVALID_PARAMETER);
	REFUSED(pv_map(domain, UNMAPPED, (u64)in_page, PAGE, RW | 1ul << 32), PC_INVALID_PARAMETER);
	check(true, "INVALID", "a forged prot");
	REFUSED(pv_free_domain(domain), PC_BUSY);
	check(true, "BUSY", "freeing the domain under its endpoints");
	check(testdev_lands(&rig.testdev, RIG_IOVA + PAGE, in_page), "lands", "DMA of the honest mapping, still");
}

CASE(scenario, detach_blocks)
{
	say("\n11. Detach blocks, release gives back");
	rig_detach(TESTDEV, domain);
	check(testdev_faults(&rig.testdev, RIG_IOVA + PAGE, in_page), "fault", "DMA of the endpoint that was detached");
	check(testdev_lands(&rig.testdev2, RIG_IOVA + PAGE, in_page), "lands", "DMA of the endpoint that was not");
	rig_hooks.clean_up();
	open_engines();
	check(testdev_lands(&rig.testdev, (u64)in_page, in_page), "lands", "DMA in identity, after the release");
	check(!rig_stat(PVIOMMU_STAT_PINS) && !rig_stat(PVIOMMU_STAT_MAPPED) && !rig_stat(PVIOMMU_STAT_DOMAINS) &&
		      !rig_stat(PVIOMMU_STAT_ATTACHED),
	      "0", "pins, mappings, domains and attachments left");
}

static void table(void)
{
	printf("\n%-72s %-10s %s\n", "what", "expected", "held");
	for (u32 i = 0; i < 88; i++)
		printf("-");
	printf("\n");
	for (u32 i = 0; i < row_count; i++)
		printf("%-72s %-10s %s\n", rows[i].what, rows[i].expected, rows[i].held ? "yes" : "NO");
	printf("\n");
}

static void before(void)
{
	if (kept)
		ram_release(kept);
	REQUIRE(machine.pviommu_count, "the device tree has no pkvm,pviommu node");
	rig.pviommu = machine.pviommu[0].id;
	if (broken)
		report_skip("an earlier chapter failed");
	/* A chapter that ends early leaves the story broken; the last line of a good one takes it back. */
	broken = true;
}

void keep_memory(void)
{
	kept = ram_mark();
}

static void after(void)
{
	broken = false;
}

static void keep(void)
{
}

void guest_main(void)
{
	static const struct report_hooks hooks = { before, after, keep };

	printf("\nPortcullis: a primary VM and the SMMU that it never sees\n");
	report_run("*", &hooks);
	table();
}
