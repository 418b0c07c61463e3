/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every pvIOMMU case starts from: the device with three endpoints in one PCI slot (iommu-testdev, edu,
 * iommu-testdev), assigned to this VM, each endpoint under a vSID of ours. And the yardstick of every hostile
 * case: a snapshot of all that a refused call could have changed.
 */
#ifndef GUEST_RIG_H
#define GUEST_RIG_H

#include "edu.h"
#include "hcall.h"
#include "report.h"
#include "testdev.h"

#define RIG_ENDPOINTS 3
/* Far from any requester id, so that a leaked one shows. */
#define RIG_VSID(n) (0x5100u + (n))
#define RIG_IOVA    0x100000000ul
/* Buses from here on are behind the second SMMU of a machine that has two (test/cases.cfg). */
#define RIG_SECOND_BUS 8
#define RW             (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)

enum rig_endpoint { TESTDEV = 0,
		    EDU = 1,
		    TESTDEV2 = 2 };

struct rig {
	u32 pviommu;
	u32 device;
	struct testdev testdev;  /* endpoint 0 */
	struct edu edu;   /* endpoint 1 */
	struct testdev testdev2; /* endpoint 2 */
	/* Set by rig_open_mapped: a domain with all three attached, one page mapped at RIG_IOVA. */
	u64 domain;
	u32 *page;
};

extern struct rig rig;

/* --- devices by their place in the machine */

/* Index of the device that owns a function, and which endpoint the function is; false if there is none. */
bool rig_find_device(u32 bdf, u32 *device, u32 *endpoint);

/* The n-th slot that holds exactly testdev, edu, testdev as functions 0, 1, 2; false if there is none. */
bool rig_find_slot(u32 *bdf);

/* The n-th (from 0) function with this PCI id outside that slot; false if there is none. */
bool rig_find_function(u32 id, u32 n, u32 *bdf);

/* Reads a device's record; fails the case if the call does. */
struct pc_dev_info rig_device_info(u32 device);

/* Assigns to this VM and waits for the reset. The clean-up releases it again. */
void rig_assign(u32 device);
void rig_release(u32 device);
/* For a case that assigns by calls of its own. */
void rig_note_assigned(u32 device);
struct hres rig_call_until_done(struct hres (*call)(u32 device), u32 device);

/* Gives a vSID and remembers it for the clean-up. */
void rig_set_vsid(u32 device, u32 endpoint, u32 vsid);

/* --- the rig */

/* Assigned, all vSIDs given, nothing attached: the device is blocked. */
void rig_open(void);

/* And attached to one domain with one page mapped. */
void rig_open_mapped(void);

/* A domain that the clean-up frees. */
u64 rig_domain(void);
/* For a case that allocates, or frees, by calls of its own. */
void rig_note_domain(u64 domain);
void rig_forget_domain(u64 domain);

void rig_attach(enum rig_endpoint endpoint, u64 domain);
void rig_detach(enum rig_endpoint endpoint, u64 domain);

/* Maps or unmaps all of a range, in as many calls as it takes; fails the case on an error. */
void rig_map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot);
void rig_unmap(u64 domain, u64 iova, u64 bytes);

u64 rig_stat(u32 counter);

/*
 * PVIOMMU_STAT_FAULTS of a pvIOMMU once it is `want`, or what it has stayed at. Each call drains the event queue, but does
 * not wait for another CPU that is at it already: the last events may be counted a little after the call.
 */
u64 faults_settled(u32 pviommu, u64 want);
u64 rig_query(u32 property, u64 index);

/* Hooks for report_run: before, after (nothing may be left over), clean_up. */
extern const struct report_hooks rig_hooks;

/* --- the yardstick */

struct world {
	u64 stat[PVIOMMU_STAT_COUNT];
	u64 domains_left;
	u64 vsid_count;
	u64 vsid_sum;
	u64 device_flags;
	u64 vms;
	u64 hypervisor_pool;
	u64 quarantined;
	u64 probe_status;
	u64 probe_ipa;
	u64 probe_prot;
};

void world_read(struct world *w);
/* For a case that changes the world for good: what it is now is what the next must leave behind. */
void rig_world_changed(void);
/* NULL if they are equal, else the name of what differs. */
const char *world_difference(const struct world *a, const struct world *b);

/*
 * The call must answer that status with R1 = count and the other results zero, and have changed nothing. False: faults were
 * counted meanwhile, perhaps those of DMA before it, which another CPU was about to count: once more, RIG_TRIES times at most.
 */
#define RIG_TRIES 10u
bool rig_check_refused(const char *text, struct hres got, long wanted, u64 count, const struct world *before, u32 tries);

#define REFUSED_AT(call, wanted, count)                                                       \
	do {                                                                                  \
		struct world before_;                                                         \
		u32 tries_ = 0;                                                               \
		do                                                                            \
			world_read(&before_);                                                 \
		while (!rig_check_refused(#call, (call), wanted, count, &before_, ++tries_)); \
	} while (0)
#define REFUSED(call, status) REFUSED_AT(call, status, 0)

/* The call must succeed. Evaluates to its result. */
struct hres rig_check_ok(const char *text, struct hres got);
#define OK(call) rig_check_ok(#call, (call))

#define REQUIRE_EQUAL(value, wanted)                                                            \
	do {                                                                                    \
		u64 value_ = (value), wanted_ = (wanted);                                       \
		REQUIRE(value_ == wanted_, "%s is %#lx and not %#lx", #value, value_, wanted_); \
	} while (0)

/* DMA of the rig's testdevs. */
#define LANDS(testdev, iova, target) \
	REQUIRE(testdev_lands(&(testdev), iova, target), "DMA at IOVA %#lx did not arrive", (u64)(iova))
#define FAULTS(testdev, iova, target) \
	REQUIRE(testdev_faults(&(testdev), iova, target), "DMA at IOVA %#lx was not refused", (u64)(iova))

/* A domain whose tables take every page that is left in the pool. */
u64 rig_drain_pool(void);

#endif
