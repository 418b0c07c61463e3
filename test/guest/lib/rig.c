/* SPDX-License-Identifier: BSD-2-Clause */
/* Owns what a case has taken from the hypervisor, so that the clean-up can give it back whatever happened. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"

#define MAX_DOMAINS 4096
#define MAX_GIVEN   128
#define RESET_MS    20000 /* for two seconds: a crowded host may keep us waiting */

struct rig rig;

static u64 domains[MAX_DOMAINS];
static u32 domain_count;
static u32 assigned[MAX_GIVEN];
static u32 assigned_count;
static u32 vsids[MAX_GIVEN];
static u32 vsid_count;
static struct pc_dev_info info_buffer __attribute__((aligned(64)));

/* --- devices by their place in the machine */

struct pc_dev_info rig_device_info(u32 device)
{
	memset(&info_buffer, 0, sizeof(info_buffer));
	info_buffer.size = sizeof(info_buffer);
	OK(dev_info(device, (u64)&info_buffer));
	return info_buffer;
}

/* Endpoints are the functions of the slot in ascending order; a set of aliases has one endpoint. */
bool rig_find_device(u32 bdf, u32 *device, u32 *endpoint)
{
	u64 count = OK(dev_count()).r1;
	char slot[32], bus[32];

	snprintf(slot, sizeof(slot), "pci 0000:%02x:%02x", bdf >> 8, bdf >> 3 & 31);
	snprintf(bus, sizeof(bus), "pci 0000:%02x:*", bdf >> 8);
	for (*device = 0; *device < count; ++*device) {
		struct pc_dev_info info = rig_device_info(*device);

		*endpoint = 0;
		if (!strcmp((char *)info.name, bus))
			return true;
		if (strcmp((char *)info.name, slot) != 0)
			continue;
		for (u32 i = 0; i < pci_function_count; i++)
			*endpoint += pci_functions[i].bdf < bdf && pci_functions[i].bdf >> 3 == bdf >> 3;
		return true;
	}
	return false;
}

static u32 function_id(u32 bdf)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		if (pci_functions[i].bdf == bdf)
			return pci_functions[i].id;
	}
	return PCI_ABSENT;
}

bool rig_find_slot(u32 *bdf)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		*bdf = pci_functions[i].bdf;
		if (function_id(*bdf) == TESTDEV_ID && function_id(*bdf + 1) == EDU_ID &&
		    function_id(*bdf + 2) == TESTDEV_ID && function_id(*bdf + 3) == PCI_ABSENT)
			return true;
	}
	return false;
}

bool rig_find_function(u32 id, u32 n, u32 *bdf)
{
	u32 slot = ~0u;

	rig_find_slot(&slot);
	for (u32 i = 0; i < pci_function_count; i++) {
		*bdf = pci_functions[i].bdf;
		if (pci_functions[i].id == id && *bdf >> 3 != slot >> 3 && n-- == 0)
			return true;
	}
	return false;
}

static struct hres assign_once(u32 device)
{
	return dev_assign(device, PC_VM_PRIMARY, rig.pviommu);
}

static struct hres release_once(u32 device)
{
	return dev_release(device);
}

struct hres rig_call_until_done(struct hres (*call)(u32 device), u32 device)
{
	u64 end = time_ticks() + time_ms(RESET_MS);
	struct hres r = call(device);

	while (hres_ok(r) && r.r1 == 1 && time_ticks() < end) {
		gic_sleep_ms(2);
		r = call(device);
	}
	return r;
}

void rig_note_assigned(u32 device)
{
	if (assigned_count < MAX_GIVEN)
		assigned[assigned_count++] = device;
}

void rig_assign(u32 device)
{
	struct hres r = rig_call_until_done(assign_once, device);

	REQUIRE(hres_ok(r) && r.r1 == 0, "DEV_ASSIGN of device %u: %s, R1 %lu", device, status_name(hres_status(r)),
		r.r1);
	rig_note_assigned(device);
}

void rig_release(u32 device)
{
	struct hres r = rig_call_until_done(release_once, device);

	for (u32 i = 0; i < assigned_count; i++) {
		if (assigned[i] == device)
			assigned[i] = assigned[--assigned_count];
	}
	REQUIRE(hres_ok(r) && r.r1 == 0, "DEV_RELEASE of device %u: %s, R1 %lu", device, status_name(hres_status(r)),
		r.r1);
}

void rig_set_vsid(u32 device, u32 endpoint, u32 vsid)
{
	OK(dev_set_vsid(device, endpoint, vsid));
	if (vsid_count < MAX_GIVEN)
		vsids[vsid_count++] = vsid;
}

/* --- the rig */

static void use_first_pviommu(void)
{
	REQUIRE(machine.pviommu_count, "the device tree has no pkvm,pviommu node");
	rig.pviommu = machine.pviommu[0].id;
}

void rig_open(void)
{
	u32 bdf, endpoint;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	REQUIRE(rig_find_device(bdf, &rig.device, &endpoint), "no device is named for the slot of function %x", bdf);
	rig_assign(rig.device);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_set_vsid(rig.device, i, RIG_VSID(i));
	testdev_open(&rig.testdev, bdf);
	REQUIRE(edu_open(&rig.edu, bdf + 1), "function %x does not answer as an edu", bdf + 1);
	testdev_open(&rig.testdev2, bdf + 2);
}

void rig_open_mapped(void)
{
	rig_open();
	rig.domain = rig_domain();
	rig.page = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, RIG_IOVA, (u64)rig.page, PAGE, RW);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_attach(i, rig.domain);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

void rig_note_domain(u64 domain)
{
	if (domain_count < MAX_DOMAINS)
		domains[domain_count++] = domain;
}

u64 rig_domain(void)
{
	u64 domain = OK(pv_alloc_domain()).r1;

	rig_note_domain(domain);
	return domain;
}

void rig_forget_domain(u64 domain)
{
	for (u32 i = 0; i < domain_count; i++) {
		if (domains[i] == domain)
			domains[i] = domains[--domain_count];
	}
}

void rig_attach(enum rig_endpoint endpoint, u64 domain)
{
	OK(pv_attach(rig.pviommu, RIG_VSID(endpoint), 0, domain, 0));
}

void rig_detach(enum rig_endpoint endpoint, u64 domain)
{
	OK(pv_detach(rig.pviommu, RIG_VSID(endpoint), 0, domain));
}

void rig_map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	while (bytes) {
		struct hres r = OK(pv_map(domain, iova, ipa, bytes, prot));

		REQUIRE(r.r1 && r.r1 <= bytes && !(r.r1 % PAGE), "MAP_PAGES of %#lx bytes answers %#lx", bytes, r.r1);
		iova += r.r1;
		ipa += r.r1;
		bytes -= r.r1;
	}
}

void rig_unmap(u64 domain, u64 iova, u64 bytes)
{
	while (bytes) {
		struct hres r = OK(pv_unmap(domain, iova, bytes));

		REQUIRE(r.r1 && r.r1 <= bytes && !(r.r1 % PAGE), "UNMAP_PAGES of %#lx bytes answers %#lx", bytes, r.r1);
		iova += r.r1;
		bytes -= r.r1;
	}
}

u64 rig_stat(u32 counter)
{
	return OK(pv_stats(rig.pviommu, counter)).r1;
}

u64 faults_settled(u32 pviommu, u64 want)
{
	u64 count = OK(pv_stats(pviommu, PVIOMMU_STAT_FAULTS)).r1;

	for (u32 tries = 0; count < want && tries < 1000000; tries++)
		count = OK(pv_stats(pviommu, PVIOMMU_STAT_FAULTS)).r1;
	return count;
}

u64 rig_query(u32 property, u64 index)
{
	return OK(pv_query(rig.pviommu, property, index)).r1;
}

/* --- hooks */

static struct world at_start;

static void detach_everywhere(u32 vsid)
{
	for (u32 i = 0; i < domain_count; i++) {
		if (hres_ok(pv_detach(rig.pviommu, vsid, 0, domains[i])))
			return;
	}
}

/* Nothing here may fail the case: it also runs after a failure, when some of the calls cannot succeed. */
static void clean_up(void)
{
	pv_events_setup(rig.pviommu, 0, 0, 0, 0);
	for (u32 i = 0; i < vsid_count; i++)
		detach_everywhere(vsids[i]);
	while (domain_count)
		pv_free_domain(domains[--domain_count]);
	while (assigned_count)
		rig_call_until_done(release_once, assigned[--assigned_count]);
	vsid_count = 0;
	rig.page = NULL;
}

static void before(void)
{
	use_first_pviommu();
	world_read(&at_start);
}

/* What only grows is no leak. */
static void level_history(struct world *w)
{
	for (u32 i = PVIOMMU_STAT_MAPS; i <= PVIOMMU_STAT_LOST; i++)
		w->stat[i] = 0;
}

static void after(void)
{
	struct world at_end;
	const char *difference;

	clean_up();
	world_read(&at_end);
	level_history(&at_start);
	level_history(&at_end);
	difference = world_difference(&at_start, &at_end);
	REQUIRE(!difference, "the case left something behind: %s differs from the start (K4)", difference);
}

void rig_world_changed(void)
{
	world_read(&at_start);
}

const struct report_hooks rig_hooks = { before, after, clean_up };

/* --- the yardstick */

static u64 device_flags(void)
{
	u64 count = OK(dev_count()).r1, sum = 0;

	for (u32 i = 0; i < count; i++)
		sum = sum * 31 + rig_device_info(i).flags;
	return sum;
}

void world_read(struct world *w)
{
	struct hres probe;

	memset(w, 0, sizeof(*w));
	for (u32 i = 0; i < PVIOMMU_STAT_COUNT; i++)
		w->stat[i] = rig_stat(i);
	w->domains_left = rig_query(PVIOMMU_Q_DOMAINS_LEFT, 0);
	w->vsid_count = rig_query(PVIOMMU_Q_VSID_COUNT, 0);
	for (u64 i = 0; i < w->vsid_count; i++)
		w->vsid_sum = w->vsid_sum * 31 + rig_query(PVIOMMU_Q_VSID, i);
	w->device_flags = device_flags();
	w->vms = vmm_query(PC_VMM_Q_VMS).r1;
	w->hypervisor_pool = vmm_query(PC_VMM_Q_POOL_FREE).r1;
	w->quarantined = vmm_query(PC_VMM_Q_DEV_QUARANTINED).r1;
	if (!rig.page)
		return;
	probe = pv_iova_to_ipa(rig.domain, RIG_IOVA);
	w->probe_status = probe.r0;
	w->probe_ipa = probe.r1;
	w->probe_prot = probe.r2;
}

const char *world_difference(const struct world *a, const struct world *b)
{
	static const char *const stat_names[PVIOMMU_STAT_COUNT] = { "maps", "unmaps", "faults", "lost", "quarantines",
								    "pool_free", "pins", "mapped", "domains",
								    "attached" };

	for (u32 i = 0; i < PVIOMMU_STAT_COUNT; i++) {
		if (a->stat[i] != b->stat[i])
			return stat_names[i];
	}
	if (a->domains_left != b->domains_left)
		return "domains left";
	if (a->vsid_count != b->vsid_count || a->vsid_sum != b->vsid_sum)
		return "the vSIDs";
	if (a->device_flags != b->device_flags)
		return "the flags of a device";
	if (a->vms != b->vms)
		return "the number of VMs";
	if (a->hypervisor_pool != b->hypervisor_pool)
		return "the hypervisor's own pool";
	if (a->quarantined != b->quarantined)
		return "the number of quarantined devices";
	if (a->probe_status != b->probe_status || a->probe_ipa != b->probe_ipa || a->probe_prot != b->probe_prot)
		return "the standing mapping";
	return NULL;
}

static bool results_are_clean(struct hres got, u64 count)
{
	if (got.r1 != count || got.r2)
		return false;
	if (!got.compatible)
		return !got.r3;
	return (long)got.r0 == ((long)got.r3 == PC_NOT_SUPPORTED ? PC_NOT_SUPPORTED : PC_INVALID_PARAMETER);
}

static bool only_faults_differ(struct world a, struct world b)
{
	a.stat[PVIOMMU_STAT_FAULTS] = b.stat[PVIOMMU_STAT_FAULTS];
	a.stat[PVIOMMU_STAT_LOST] = b.stat[PVIOMMU_STAT_LOST];
	return !world_difference(&a, &b);
}

bool rig_check_refused(const char *text, struct hres got, long wanted, u64 count, const struct world *before_call, u32 tries)
{
	struct world now;
	const char *difference;
	long status = hres_status(got);

	REQUIRE(status == wanted, "%s answers %s and not %s", text,
		status == 0 ? "SUCCESS" : status_name(status), status_name(wanted));
	REQUIRE(results_are_clean(got, count), "%s refused with R0..R3 %lx %lx %lx %lx", text, got.r0, got.r1, got.r2,
		got.r3);
	world_read(&now);
	difference = world_difference(before_call, &now);
	if (difference && only_faults_differ(*before_call, now) && tries < RIG_TRIES)
		return false;
	REQUIRE(!difference, "%s was refused but changed: %s", text, difference);
	if (rig.page)
		LANDS(rig.testdev, RIG_IOVA, rig.page);
	return true;
}

struct hres rig_check_ok(const char *text, struct hres got)
{
	REQUIRE(hres_ok(got), "%s answers %s (R0..R3 %lx %lx %lx %lx)", text, status_name(hres_status(got)), got.r0, got.r1,
		got.r2, got.r3);
	return got;
}

u64 rig_drain_pool(void)
{
	u64 filler = rig_domain(), memory = (u64)ram_alloc(PAGE, PAGE), iova = RIG_IOVA;
	u64 top = 1ul << rig_query(PVIOMMU_Q_IOVA_BITS, 0);
	struct hres r;

	/* Two tables each while there are as many; then one each, in gigabytes that have their upper one. */
	for (r.r0 = 0; hres_ok(r) && iova < top; iova += BLOCK_1G)
		r = pv_map(filler, iova, memory, PAGE, RW);
	for (r.r0 = 0, iova = RIG_IOVA + BLOCK_2M; hres_ok(r) && iova < top; iova += BLOCK_2M)
		r = pv_map(filler, iova, memory, PAGE, RW);
	REQUIRE(hres_status(r) == PC_NO_MEMORY, "the pool does not run out: %s", status_name(hres_status(r)));
	return filler;
}
