/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMs on the bench: the primary's calls about them, calls of their own (by their first vCPU), and the
 * steps that most cases begin with.
 */
#ifndef BENCH_VM_H
#define BENCH_VM_H

#include "bench.h"

/* --- calls of the primary */
struct result pc_vmm_query(u64 property, u64 index);
struct result pc_vm_create(u64 flags, u64 vcpus, u64 pool, u64 pages);
struct result pc_vm_destroy(u64 vm);
struct result pc_vm_donate(u64 vm, u64 at, u64 from, u64 pages, u64 flags);
struct result pc_vm_finalise(u64 vm);
struct result pc_vm_add_pool(u64 vm, u64 pool, u64 pages);
struct result pc_vcpu_set(u64 vm, u64 vcpu, u64 entry, u64 argument);
struct result pc_vcpu_run(u64 vm, u64 vcpu, u64 at);
struct result pc_vcpu_irq(u64 vm, u64 vcpu, u64 intid, u64 level);
struct result pc_dev_map_mmio(u64 device, u64 range, u64 at);
struct result pc_dev_map_irq(u64 device, u64 index, u64 intid);

/* --- calls of a secondary */
struct result vm_share(u32 vm, u64 at, u64 pages);
struct result vm_unshare(u32 vm, u64 at, u64 pages);
struct result vm_relinquish(u32 vm, u64 at, u64 flags);
struct result vm_guard(u32 vm, u64 function, u64 at, u64 pages);
struct result vm_config(u32 vm, u64 pviommu, u64 vsid, u64 how, u64 value);
struct result vm_reset(u32 vm, u64 pviommu, u64 vsid);
struct result vm_pv(u32 vm, u64 op, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6);

/* --- steps; they fail the case when they do not succeed */

#define BENCH_POOL 64u /* pages of a VM's pool, unless it says */
#define BENCH_EXIT bench_page(4000) /* where VCPU_RUN writes */

/* A VM of one vCPU whose pool is the primary's pages [page, page + BENCH_POOL). */
u32 bench_vm(u64 page);
u32 bench_vm_of(u64 page, u64 pages, u32 vcpus);
u32 bench_vm_nested(u64 page); /* one that may own first stages */
u32 bench_vm_with(u64 flags, u64 page, u64 pages, u32 vcpus);
/* All the pages, by as many calls as it takes. */
void bench_donate(u32 vm, u64 at, u64 from, u64 pages, u32 flags);
/* DEV_ASSIGN, or DEV_RELEASE, until it fails or says that it is done: the last answer. */
struct result bench_assign_until_done(u32 device, u32 vm, u32 pviommu);
struct result bench_release_until_done(u32 device);
/* The device's whole reset, and the claim of its group; endpoints get vsid, vsid + 1, ... */
void bench_vm_assign(u32 device, u32 vm, u32 pviommu, u32 vsid);
/* Until nothing is left, in bounded steps; how many there were. */
u32 bench_destroy(u32 vm);
u32 bench_vm_domain(u32 vm);
void bench_vm_attach(u32 vm, u32 vsid, u32 domain);
void bench_vm_map(u32 vm, u32 domain, u64 iova, u64 ipa, u64 bytes);

/* The primary's memory has its contents at [addr, addr + bytes) all of one byte? */
bool bench_all(u64 addr, u64 bytes, u8 value);
void bench_fill(u64 addr, u64 bytes, u8 value);
struct pc_vcpu_exit *bench_exit(void); /* cleared, with its size, for VCPU_RUN at BENCH_EXIT */

#endif
