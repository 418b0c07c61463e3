/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole core on a machine to order: booted in hyp_main's order, with SMMU models as IOMMUs
 * and a table of PCI functions. Calls go in by hyp_hypercall as a guest's would; after each one
 * the oracle looks at everything (test/model/oracle.h).
 */
#ifndef BENCH_H
#define BENCH_H

#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "abi/status.h"
#include "abi/vmm.h"
#include "hyp/pci.h"
#include "hyp/upcall.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "vm/vm.h"

#include "fake.h"
#include "oracle.h"
#include "smmuv3_model.h"

#define BENCH_DEVICES 64u

/*
 * The devices of a bench, by index:
 *   0  slot 1, three functions: sids 0x708, 0x709, 0x70f      IOMMU 0
 *   1  slot 2, one function with PASIDs: sid 0x710      IOMMU 0
 *   2  slot 3, one function: sid 0x718                        IOMMU 0
 *   3  slot 4, one function with two BARs: sid 0x720          IOMMU 0
 *   4  behind a conventional bridge, two functions, one sid: 0x600  IOMMU 0
 *   5  bus 9, one function: sid 0x900, with two IOMMUs behind the second, else the first
 *   6  a device-tree device of two streams: 0x401, 0x402      IOMMU 0
 * MMIO of device d begins at bench_bar(d).
 */
#define BENCH_DEVICE_COUNT 7u
struct bench_options {
	struct smmu_config smmu; /* base is set by the bench */
	u32 iommus;     /* 1 or 2 */
	u64 ram_bytes;   /* 0: 32 MiB */
	u64 pool_bytes; /* 0: 2 MiB */
	u64 heap_bytes; /* 0: 8 MiB; the pool is of it */
	bool noncoherent;
	u8 pasid_bits;   /* of device 1; 0: 8 */
	enum smmu_time time;
	enum fake_stores stores;
	bool speculate; /* hardware prefetches at every store */
	void (*before)(void); /* the hardware is there, and nobody has booted on it yet */
	struct smmu_config *second; /* the second IOMMU, where it is not like the first */
	void (*change)(struct machine *m); /* the machine, and pci_function[], before the boot */
};

/* Hardware as in QEMU, nested; change what the test is about, then boot. */
struct bench_options bench_defaults(void);
struct bench_options bench_stage1_only(void);
struct bench_options bench_stage2_only(void);
struct bench_options bench_pasids(void); /* smmu_config_full */
void bench_boot(const struct bench_options *options);
/* The machine and its hardware, before anybody boots on it. */
struct machine *bench_machine(const struct bench_options *options);
/* As far as the machine is taken: the sentence that refuses it, or NULL. */
const char *bench_boot_try(const struct bench_options *options);
/* Behind that, if it was taken: the rest of bench_boot. */
void bench_booted(const struct bench_options *options);
/* The same for a machine that must be refused: the sentence. */
const char *bench_boot_refused(const struct bench_options *options);

extern struct smmu *bench_smmu[2];
extern u64 bench_guest_base, bench_guest_end; /* memory of the primary */
u64 bench_page(u64 n);   /* IPA of its n-th page */
u64 bench_block(u64 n);   /* IPA of its n-th whole 2 MiB run */
u64 bench_bar(u32 device);
u32 bench_sid(u32 device, u32 endpoint);
struct smmu *bench_smmu_of(u32 device);
void *bench_ptr(u64 ipa);

/* pci_fake.c: how resets go, and bus mastering by device. */
extern u32 bench_reset_turns;
extern enum status bench_reset_status;
extern u32 bench_resets;
extern u32 bench_reset_fails_at; /* the n-th from now on; 0: none */
extern u32 bench_pasids_on[BENCH_DEVICES]; /* bit per endpoint that may tag */
extern u32 bench_ats_on[BENCH_DEVICES];    /* bit per endpoint that may keep translations */
extern bool bench_master[BENCH_DEVICES], bench_intx_denied[BENCH_DEVICES];

/* --- calls */

struct result {
	s64 status; /* precise */
	u64 v0;         /* R0 as it is */
	u64 v1, v2, v3; /* R1..R3, as far as the call has them */
};

/*
 * The registers as given; R0 function, R1..R6. Issued again while the call asks for it. Fails
 * the case when R0 is not what the interface says, or the oracle finds something.
 */
struct result bench_call(u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6);
/* Turns after which a call that is not done is not made again: it is BUSY then, in the middle of things; 0: it is, until it is. */
extern u32 bench_patience;
/* Calls since the start that were answered and looked at. */
extern u64 bench_calls;
#define BENCH_POISON 0xdeadbeefcafef00dull /* in registers that a call does not use */

/* The same by the first vCPU of a secondary. */
struct result bench_call_vm(u32 vm, u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6);

struct result pv_attach(u64 pviommu, u64 vsid, u64 pasid, u64 domain, u64 pasid_bits);
struct result pv_detach(u64 pviommu, u64 vsid, u64 pasid, u64 domain);
struct result pv_alloc(void);
struct result pv_free(u64 domain);
struct result pv_map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot);
struct result pv_unmap(u64 domain, u64 iova, u64 bytes);
struct result pv_sid_info(u64 pviommu, u64 vsid);
struct result pv_query(u64 pviommu, u64 property, u64 index);
struct result pv_endpoint_info(u64 pviommu, u64 vsid);
struct result pv_list(u64 operation, u64 ipa); /* ATTACH_LIST and the other list calls */
struct result pv_iova_to_ipa(u64 domain, u64 iova);
struct result pv_stats(u64 pviommu, u64 counter);
struct result pc_dev_count(void);
struct result pc_dev_info(u64 device, u64 ipa);
struct result pc_dev_endpoints(u64 device);
struct result pc_dev_assign(u64 device, u64 vm, u64 pviommu);
struct result pc_dev_vsid(u64 device, u64 endpoint, u64 vsid);
struct result pc_dev_release(u64 device);
struct result pc_dev_req_dma(u64 pviommu, u64 vsid);
struct result pc_dev_req_mmio(u64 ipa);

/* Which CPU calls, of two; 0 at boot. */
extern u32 bench_cpu;
void bench_cpu_set(u32 cpu);
/*
 * From here on a call may end with IO or DENIED and leave a device quarantined: a change (V10).
 * hardware_fails: and memory that hardware may still reach is lost.
 */
void bench_quarantine_expected(void);
void bench_hardware_fails(void);
/* But not while all IOMMUs work and no device has come to quarantine: then a refused call has changed nothing all the same. */
extern bool bench_strict;

/* --- steps that most cases begin with; they fail the case when they do not succeed */

/* Device to vm 1 under `pviommu`; its endpoints get vsid, vsid + 1, ... */
void bench_assign(u32 device, u32 pviommu, u32 vsid);
u32 bench_domain(void);
void bench_attach(u32 vsid, u32 domain);
void bench_map(u32 domain, u64 iova, u64 ipa, u64 bytes);
void bench_unmap(u32 domain, u64 iova, u64 bytes);
#define BENCH_RW (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_CACHE | PVIOMMU_PROT_NOEXEC)

/* DMA of a device's endpoint; event codes of the model. */
enum smmu_event bench_write(u32 device, u32 endpoint, u64 iova, u64 value);
enum smmu_event bench_read(u32 device, u32 endpoint, u64 iova, u64 *value);
/* A write must land at `ipa`. */
void bench_lands(u32 device, u32 endpoint, u64 iova, u64 ipa);
/* A write must be refused with this event. */
void bench_faults(u32 device, u32 endpoint, u64 iova, enum smmu_event event);

/* The oracle on its own, and no misuse of the hardware. */
void bench_check(void);

#define assert_status(r, want) assert_int_equal((r).status, want)

#endif
