/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small VMM: VMs made of this primary's memory, their vCPUs run by this primary's CPUs, their exits answered.
 * What a case has created, assigned and started is remembered and taken back by vmm_clean_up.
 *
 * Functions that end the case on an error (as OK does) are for the first CPU alone; vmm_run_until and the workers
 * report by what they return.
 */
#ifndef GUEST_VMM_H
#define GUEST_VMM_H

#include "hcall.h"
#include "mail.h"
#include "smp.h"

#define VMM_MAX_VCPUS 8
#define VMM_LOG       8
/* Pages of a VM's pool beyond what VM_CREATE needs, for its IOMMU tables and deep addresses. */
#define VMM_POOL_EXTRA 96

enum vmm_event {
	VMM_READY,  /* the service image asks for work */
	VMM_EVENT,  /* a service said something: exit.data */
	VMM_MMIO,   /* another address of nobody's; for a read set exit.data before the next run */
	VMM_MEMORY, /* pages other than the mail page: last of the log */
	VMM_DEVICE,
	VMM_OFF,    /* this vCPU, or the VM, is off: exit.arg[0] */
	VMM_DEAD,
	VMM_ERROR,  /* VCPU_RUN answered vm->status */
	VMM_SLICE,  /* time is up */
};

struct vmm_memory_call {
	u32 what; /* PC_MEM_* */
	u64 ipa;
	u64 pages;
};

struct vmm {
	u64 handle;
	u32 vcpus;
	u64 pool;
	u64 pool_pages;
	/* Donated memory: at SERVICE_BASE in the VM, at `own` here. */
	u64 own;
	u64 pages;
	struct mail *mail;
	u64 mail_ipa;
	u64 heap_ipa;
	u64 heap_own;
	u64 heap_pages;
	struct pc_vcpu_exit *exit; /* one for each vCPU */
	long status[VMM_MAX_VCPUS];
	bool shared; /* the mail page is ours to use */
	u32 on;      /* bit n: vCPU n was switched on, and nobody runs it yet */
	u32 stop;
	struct vmm_memory_call log[VMM_LOG];
	u32 log_count;
	u64 exits[PC_EXIT_DEVICE + 1];
};

/* --- life */

/* A VM and its pool, nothing else. */
void vmm_create(struct vmm *vm, u64 flags, u32 vcpus);
/* For a VM that a case created by calls of its own. */
void vmm_note(struct vmm *vm);
/* And ended by calls of its own. */
void vmm_forget(struct vmm *vm);

/* All of a range, in as many calls as it takes. */
void vmm_donate(struct vmm *vm, u64 ipa, u64 own_ipa, u64 pages, u64 flags);

/* Flat, position independent code: copied, cleaned to memory, donated at `ipa`. Returns where it lay here. */
u64 vmm_load(struct vmm *vm, u64 ipa, const void *image, u64 bytes);

/* A VM with the service image, a mail page and `heap_pages` of cleared memory; vCPU 0 is set, nothing has run. */
void vmm_service(struct vmm *vm, u64 flags, u32 vcpus, u64 heap_pages);
/* Runs it up to its first question for work. */
void vmm_start(struct vmm *vm);
/* Both, with PC_VM_OPEN_MMIO. */
void vmm_boot(struct vmm *vm, u32 vcpus, u64 heap_pages);

/* Until nothing is left of it; the vCPUs that other CPUs run come to an end. */
void vmm_destroy(struct vmm *vm);
void vmm_clean_up(void);

/* --- running */

/* Until something that the caller must know, or that count of time; answers the rest by itself. */
enum vmm_event vmm_run_until(struct vmm *vm, u32 vcpu, u64 end);
/* vCPU 0, with a limit whose expiry ends the case. */
enum vmm_event vmm_run(struct vmm *vm);
const char *vmm_event_name(enum vmm_event event);

/* CPU `cpu` runs the vCPU when it is switched on, until vmm_stop or the VM's end; vCPU 0 is on from the start. */
void vmm_run_on(struct vmm *vm, u32 vcpu, u32 cpu);
void vmm_stop(struct vmm *vm);

/* --- the service image */

/* Begins a service; vmm_finish runs it to its end, and the case fails if it failed. */
void vmm_begin(struct vmm *vm, const char *service, const u64 *args, u32 count);
const u64 *vmm_finish(struct vmm *vm);
const u64 *vmm_ask(struct vmm *vm, const char *service, const u64 *args, u32 count);

#define ARGS_(...)              (const u64[]){ __VA_ARGS__ }, sizeof((const u64[]){ __VA_ARGS__ }) / sizeof(u64)
#define BEGIN(vm, service, ...) vmm_begin(vm, service, ARGS_(__VA_ARGS__))
#define ASK(vm, service, ...)   vmm_ask(vm, service, ARGS_(__VA_ARGS__))

/* A hypercall of the secondary's. */
struct hres vmm_hcall(struct vmm *vm, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
struct hres vmm_pv_op(struct vmm *vm, u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);

/* --- devices */

/* Assigns and waits for the reset; the clean-up takes the device back. */
void vmm_assign(struct vmm *vm, u32 device, u32 pviommu);
void vmm_note_device(u32 device);
/* DEV_ASSIGN or DEV_RELEASE until it no longer says that the reset runs. */
struct hres vmm_assign_call(u64 device, u64 vm, u64 pviommu);
struct hres vmm_release_call(u64 device);
/* All of range n. */
void vmm_map_mmio(u32 device, u32 range, u64 ipa);

#endif
