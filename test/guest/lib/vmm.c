/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm.h"

#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"

#define MAX_VMS     72
#define MAX_DEVICES 32
#define LIMIT_MS    60000
#define SLICE_MS    100
#define NAP_MS      1
#define RESET_MS    20000 /* for two seconds: a crowded host may keep us waiting */
#define PATIENCE    8
#define BYTES_AT    16 /* of the image header: up to the end of bss */
#define LINE        16

extern const u8 service_image[], service_image_end[];

static struct vmm *vms[MAX_VMS];
static u32 vm_count;
static u32 devices[MAX_DEVICES];
static u32 device_count;

static struct worker {
	struct vmm *vm;
	u32 vcpu;
	bool busy;
} workers[MAX_CPUS];

/* --- life */

void vmm_note(struct vmm *vm)
{
	REQUIRE(vm_count < MAX_VMS, "too many VMs for the VMM of the test");
	vms[vm_count++] = vm;
}

void vmm_forget(struct vmm *vm)
{
	for (u32 i = 0; i < vm_count; i++) {
		if (vms[i] == vm)
			vms[i] = vms[--vm_count];
	}
}

void vmm_create(struct vmm *vm, u64 flags, u32 vcpus)
{
	*vm = (struct vmm){ .vcpus = vcpus };
	vm->exit = ram_alloc(PAGE, PAGE);
	vm->pool_pages = OK(vmm_query_at(PC_VMM_Q_MIN_POOL, flags << PC_VMM_Q_MIN_POOL_FLAGS | vcpus)).r1 + VMM_POOL_EXTRA;
	vm->pool = ram_alloc_raw(vm->pool_pages * PAGE, PAGE);
	vm->handle = OK(vm_create(flags, vcpus, vm->pool, vm->pool_pages)).r1;
	vmm_note(vm);
}

void vmm_donate(struct vmm *vm, u64 ipa, u64 own_ipa, u64 pages, u64 flags)
{
	while (pages) {
		struct hres r = OK(vm_donate(vm->handle, ipa, own_ipa, pages, flags));

		REQUIRE(r.r1 && r.r1 <= pages && r.r1 <= PC_DONATE_MAX, "VM_DONATE of %lu pages answers %lu", pages, r.r1);
		ipa += r.r1 * PAGE;
		own_ipa += r.r1 * PAGE;
		pages -= r.r1;
	}
}

/* A vCPU starts with its caches off. */
static void clean(u64 base, u64 bytes)
{
	for (u64 at = align_down(base, LINE); at < base + bytes; at += LINE)
		asm volatile("dc cvac, %0" ::"r"(at) : "memory");
	dsb();
}

u64 vmm_load(struct vmm *vm, u64 ipa, const void *image, u64 bytes)
{
	u64 own = ram_alloc_raw(align_up(bytes, PAGE), PAGE);

	memcpy((void *)own, image, bytes);
	memset((void *)(own + bytes), 0, align_up(bytes, PAGE) - bytes);
	clean(own, align_up(bytes, PAGE));
	vmm_donate(vm, ipa, own, align_up(bytes, PAGE) / PAGE, PC_DONATE_KEEP);
	return own;
}

void vmm_service(struct vmm *vm, u64 flags, u32 vcpus, u64 heap_pages)
{
	u64 bytes, file = (u64)(service_image_end - service_image);

	memcpy(&bytes, service_image + BYTES_AT, sizeof(bytes));
	bytes = align_up(bytes, PAGE);
	vmm_create(vm, flags, vcpus);
	vm->pages = bytes / PAGE + 1 + heap_pages;
	vm->own = ram_alloc_raw(vm->pages * PAGE, PAGE);
	memcpy((void *)vm->own, service_image, file);
	vm->mail = (struct mail *)(vm->own + bytes);
	vm->mail_ipa = SERVICE_BASE + bytes;
	memset(vm->mail, 0, PAGE);
	vm->mail->vcpus = vcpus;
	clean(vm->own, bytes + PAGE);
	vm->heap_pages = heap_pages;
	vm->heap_ipa = vm->mail_ipa + PAGE;
	vm->heap_own = (u64)vm->mail + PAGE;
	vmm_donate(vm, SERVICE_BASE, vm->own, bytes / PAGE + 1, PC_DONATE_KEEP);
	vmm_donate(vm, vm->heap_ipa, vm->heap_own, heap_pages, PC_DONATE_SCRUB);
	OK(vcpu_set(vm->handle, 0, SERVICE_BASE, vm->mail_ipa));
}

void vmm_start(struct vmm *vm)
{
	enum vmm_event event = vmm_run(vm);

	REQUIRE(event == VMM_READY && vm->shared, "a VM did not start: %s, status %s, exit reason %u arg %lx",
		vmm_event_name(event), status_name(vm->status[0]), vm->exit[0].reason, vm->exit[0].arg[0]);
}

void vmm_boot(struct vmm *vm, u32 vcpus, u64 heap_pages)
{
	vmm_service(vm, PC_VM_OPEN_MMIO, vcpus, heap_pages);
	vmm_start(vm);
}

static void join_workers(const struct vmm *vm)
{
	for (u32 i = 1; i < MAX_CPUS; i++) {
		if (!workers[i].busy || workers[i].vm != vm)
			continue;
		smp_join(i);
		workers[i].busy = false;
	}
}

/* While a device's reset takes its time nothing changes, and the CPU sleeps. */
static struct hres destroy_all(u64 handle)
{
	u64 left = ~0ul;
	struct hres r;
	u32 same = 0;

	for (;;) {
		r = vm_destroy(handle);
		if (!hres_ok(r) || !r.r1)
			return r;
		same = r.r1 == left ? same + 1 : 0;
		left = r.r1;
		if (same > PATIENCE)
			gic_sleep_ms(NAP_MS);
	}
}

void vmm_destroy(struct vmm *vm)
{
	struct hres r = destroy_all(vm->handle);

	vmm_stop(vm);
	vmm_forget(vm);
	REQUIRE(hres_ok(r), "VM_DESTROY answers %s", status_name(hres_status(r)));
}

/* Nothing here may fail the case: it also runs after a failure. */
void vmm_clean_up(void)
{
	while (vm_count) {
		struct vmm *vm = vms[--vm_count];

		destroy_all(vm->handle);
		vmm_stop(vm);
	}
	while (device_count)
		vmm_release_call(devices[--device_count]);
}

/* --- running */

const char *vmm_event_name(enum vmm_event event)
{
	static const char *const names[] = { "ready", "an event", "an access to nobody's address", "a memory call",
					     "a device", "off", "dead", "an error of VCPU_RUN", "time is up" };

	return names[event];
}

static enum vmm_event answer_mmio(struct pc_vcpu_exit *e)
{
	if (e->ipa == DOORBELL_READY && !(e->flags & PC_EXIT_WRITE)) {
		e->data = 1;
		return VMM_READY;
	}
	if (e->ipa == DOORBELL_EVENT && e->flags & PC_EXIT_WRITE)
		return VMM_EVENT;
	return VMM_MMIO;
}

/* True: the caller has to know. */
static bool answer_memory(struct vmm *vm, const struct pc_vcpu_exit *e)
{
	struct vmm_memory_call *call = &vm->log[vm->log_count++ % VMM_LOG];

	*call = (struct vmm_memory_call){ (u32)e->arg[0], e->arg[1], e->arg[2] };
	if (vm->shared || call->what != PC_MEM_SHARED || call->ipa != (u64)vm->mail)
		return true;
	vm->shared = true;
	return false;
}

static bool answer_power(struct vmm *vm, const struct pc_vcpu_exit *e)
{
	if (e->arg[0] != PC_POWER_ON)
		return true;
	if (e->arg[1] < VMM_MAX_VCPUS)
		__atomic_or_fetch(&vm->on, 1u << e->arg[1], __ATOMIC_ACQ_REL);
	return false;
}

/* Until its timer is due, but not for long: an interrupt may come from elsewhere. */
static void nap(const struct pc_vcpu_exit *e, u64 end)
{
	u64 until = time_ticks() + time_ms(NAP_MS);

	if (e->flags & PC_EXIT_DATA && e->data < until)
		until = e->data;
	gic_sleep_until(until < end ? until : end);
}

enum vmm_event vmm_run_until(struct vmm *vm, u32 vcpu, u64 end)
{
	struct pc_vcpu_exit *e = &vm->exit[vcpu];

	while (time_ticks() < end && !__atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE)) {
		struct hres r;

		e->size = sizeof(*e);
		gic_timer_arm(end);
		r = vcpu_run(vm->handle, vcpu, (u64)e);
		gic_timer_off();
		vm->status[vcpu] = hres_status(r);
		if (!hres_ok(r))
			return VMM_ERROR;
		if (r.r1 <= PC_EXIT_DEVICE)
			__atomic_add_fetch(&vm->exits[r.r1], 1, __ATOMIC_RELAXED);
		switch (r.r1) {
		case PC_EXIT_HOST_IRQ:
			break;
		case PC_EXIT_IDLE:
			nap(e, end);
			break;
		case PC_EXIT_MMIO:
			return answer_mmio(e);
		case PC_EXIT_MEMORY:
			if (answer_memory(vm, e))
				return VMM_MEMORY;
			break;
		case PC_EXIT_POWER:
			if (answer_power(vm, e))
				return VMM_OFF;
			break;
		case PC_EXIT_DEVICE:
			return VMM_DEVICE;
		default:
			return VMM_DEAD;
		}
	}
	return VMM_SLICE;
}

enum vmm_event vmm_run(struct vmm *vm)
{
	enum vmm_event event = vmm_run_until(vm, 0, time_ticks() + time_ms(LIMIT_MS));

	REQUIRE(event != VMM_SLICE, "a VM says nothing for %u s", LIMIT_MS / 1000);
	return event;
}

/* A vCPU that was switched on runs until it goes off; it may be switched on again before that is told. */
static void work(void *arg)
{
	struct worker *w = arg;
	struct vmm *vm = w->vm;
	u32 bit = 1u << w->vcpu;
	bool on = false;

	while (!__atomic_load_n(&vm->stop, __ATOMIC_ACQUIRE)) {
		enum vmm_event event;

		on = on || __atomic_fetch_and(&vm->on, ~bit, __ATOMIC_ACQ_REL) & bit;
		if (!on) {
			gic_sleep_ms(NAP_MS);
			continue;
		}
		event = vmm_run_until(vm, w->vcpu, time_ticks() + time_ms(SLICE_MS));
		if (event == VMM_DEAD || event == VMM_ERROR)
			return;
		on = event != VMM_OFF;
		if (event == VMM_READY)
			gic_sleep_ms(NAP_MS);
	}
}

void vmm_run_on(struct vmm *vm, u32 vcpu, u32 cpu)
{
	workers[cpu] = (struct worker){ vm, vcpu, true };
	if (vcpu == 0)
		__atomic_or_fetch(&vm->on, 1, __ATOMIC_ACQ_REL);
	smp_run(cpu, work, &workers[cpu]);
}

void vmm_stop(struct vmm *vm)
{
	__atomic_store_n(&vm->stop, 1, __ATOMIC_RELEASE);
	join_workers(vm);
	vm->stop = 0;
}

/* --- the service image */

void vmm_begin(struct vmm *vm, const char *service, const u64 *args, u32 count)
{
	REQUIRE(vm->shared, "the VM has not shared its mail page");
	for (u32 i = 0; i < MAIL_ARGS; i++)
		vm->mail->arg[i] = i < count ? args[i] : 0;
	strncpy(vm->mail->service, service, sizeof(vm->mail->service) - 1);
	__atomic_store_n(&vm->mail->state, MAIL_GIVEN, __ATOMIC_RELEASE);
}

const u64 *vmm_finish(struct vmm *vm)
{
	enum vmm_event event = vmm_run(vm);
	u32 state = __atomic_load_n(&vm->mail->state, __ATOMIC_ACQUIRE);

	REQUIRE(event == VMM_READY, "service %s: %s, status %s, exit reason %u arg %lx, state %u %s", vm->mail->service,
		vmm_event_name(event), status_name(vm->status[0]), vm->exit[0].reason, vm->exit[0].arg[0], state,
		state == MAIL_FAILED ? vm->mail->text : "");
	REQUIRE(state == MAIL_DONE, "service %s: %s", vm->mail->service,
		state == MAIL_FAILED ? vm->mail->text : "it did not run");
	return vm->mail->result;
}

const u64 *vmm_ask(struct vmm *vm, const char *service, const u64 *args, u32 count)
{
	vmm_begin(vm, service, args, count);
	return vmm_finish(vm);
}

static struct hres call(struct vmm *vm, const u64 *args)
{
	const u64 *r = vmm_ask(vm, "call", args, 7);
	u32 number = (u32)args[0] & PC_FN_MASK;

	return (struct hres){ r[0], r[1], r[2], r[3],
			      number == 62 ? args[1] < PVIOMMU_OP_FIRST_OURS : number >= 2 && number <= 63 };
}

struct hres vmm_hcall(struct vmm *vm, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
	return call(vm, (const u64[]){ fn, a1, a2, a3, a4, a5, 0 });
}

struct hres vmm_pv_op(struct vmm *vm, u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return call(vm, (const u64[]){ PC_PVIOMMU_OP, op, a2, a3, a4, a5, a6 });
}

/* --- devices */

void vmm_note_device(u32 device)
{
	if (device_count < MAX_DEVICES)
		devices[device_count++] = device;
}

struct hres vmm_assign_call(u64 device, u64 vm, u64 pviommu)
{
	u64 end = time_ticks() + time_ms(RESET_MS);
	struct hres r = dev_assign(device, vm, pviommu);

	while (hres_ok(r) && r.r1 == 1 && time_ticks() < end) {
		gic_sleep_ms(2);
		r = dev_assign(device, vm, pviommu);
	}
	return r;
}

struct hres vmm_release_call(u64 device)
{
	u64 end = time_ticks() + time_ms(RESET_MS);
	struct hres r = dev_release(device);

	while (hres_ok(r) && r.r1 == 1 && time_ticks() < end) {
		gic_sleep_ms(2);
		r = dev_release(device);
	}
	return r;
}

void vmm_assign(struct vmm *vm, u32 device, u32 pviommu)
{
	struct hres r;

	vmm_note_device(device);
	r = vmm_assign_call(device, vm->handle, pviommu);
	REQUIRE(hres_ok(r) && r.r1 == 0, "DEV_ASSIGN of device %u to a VM: %s, R1 %lu", device,
		status_name(hres_status(r)), r.r1);
}

void vmm_map_mmio(u32 device, u32 range, u64 ipa)
{
	u64 pages = rig_device_info(device).mmio[range].bytes / PAGE;

	for (u64 done = 0, more; done < pages; done += more) {
		more = OK(dev_map_mmio(device, range, ipa)).r1;
		REQUIRE(more && more <= pages - done, "DEV_MAP_MMIO of %lu pages answers %lu after %lu", pages, more, done);
	}
}
