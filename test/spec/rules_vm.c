/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of secondary VMs and their vCPUs, as the primary's calls ask for it (abi/vmm.h), and small questions. */
#include "rules.h"

#include <string.h>

#include "abi/hcall.h"
#include "spec_view.h"

#define POOL_SPARE  8u /* pages that a pool must have beyond what a VM is made of */
#define CONSOLE_MAX 128u /* characters that one CONSOLE call prints */
#define DOMAINS_MAX 4096u

/* --- questions */

/* A VM that may own first stages has a second view of its memory. */
static u64 min_pool(u64 flags, u64 vcpus)
{
	u64 second = flags & PC_VM_NESTED ? spec->dma.roots + POOL_SPARE : 0;

	return abstract_vm_parts(vcpus) + 1 + POOL_SPARE + second;
}

static bool flags_known(u64 flags)
{
	bool nested = false;

	for (u32 i = 0; i < spec->iommus; i++)
		nested |= spec->iommu[i].nested;
	return (flags & ~(u64)(PC_VM_OPEN_MMIO | PC_VM_NESTED)) == 0 && (nested || !(flags & PC_VM_NESTED));
}

static u64 vms_now(void)
{
	u64 count = 0;

	for (u32 i = 1; i < SPEC_VMS; i++)
		count += spec->vm[i].w.life != VM_NONE;
	return count;
}

static u64 quarantined_now(void)
{
	u64 count = 0;

	for (u32 i = 0; i < spec->devices; i++)
		count += spec->device[i].w.state == DEV_QUARANTINED;
	return count;
}

s64 rule_vmm_query(struct spec_call *c)
{
	u64 index = c->r[2], *value = &c->out[0], other;

	switch (c->r[1]) {
	case PC_VMM_Q_VERSION:
		*value = PC_ABI_VERSION;
		return PC_SUCCESS;
	case PC_VMM_Q_MAX_VMS:
		*value = SPEC_VMS - 1;
		return PC_SUCCESS;
	case PC_VMM_Q_MAX_VCPUS:
		*value = SPEC_VCPUS;
		return PC_SUCCESS;
	case PC_VMM_Q_MAX_PVIOMMUS:
		*value = SPEC_PVS;
		return PC_SUCCESS;
	case PC_VMM_Q_MAX_ENDPOINTS:
		*value = PC_DEV_MAX_ENDPOINTS;
		return PC_SUCCESS;
	case PC_VMM_Q_MIN_POOL:
		if (!flags_known(index >> 8))
			return PC_NOT_SUPPORTED;
		if (index % 256 == 0 || index % 256 > SPEC_VCPUS)
			return PC_INVALID_PARAMETER;
		*value = min_pool(index >> 8, index % 256);
		return PC_SUCCESS;
	case PC_VMM_Q_WINDOW_BASE:
		return abstract_window(index, value, &other) ? PC_SUCCESS : PC_NOT_FOUND;
	case PC_VMM_Q_WINDOW_SIZE:
		return abstract_window(index, &other, value) ? PC_SUCCESS : PC_NOT_FOUND;
	case PC_VMM_Q_WAKE_IRQ:
		*value = abstract_wake_irq();
		return PC_SUCCESS;
	case PC_VMM_Q_IPA_BITS:
		*value = spec->cpu.bits;
		return PC_SUCCESS;
	case PC_VMM_Q_VMS:
		*value = vms_now();
		return PC_SUCCESS;
	case PC_VMM_Q_POOL_FREE:
		*value = spec->hyp_free;
		return PC_SUCCESS;
	case PC_VMM_Q_DEV_QUARANTINED:
		*value = quarantined_now();
		return PC_SUCCESS;
	default:
		return PC_NOT_SUPPORTED;
	}
}

/* R1: how many characters of them were printed. */
s64 rule_console(struct spec_call *c)
{
	char text[CONSOLE_MAX];
	u64 bytes = c->r[2] < CONSOLE_MAX ? c->r[2] : CONSOLE_MAX;

	if (!vm_read(c->vm, c->r[1], text, bytes))
		return PC_FAULT;
	c->out[0] = bytes;
	return PC_SUCCESS;
}

/* --- creation */

/* One domain for each four pages of the pool, where tags suffice. */
static u64 domains_of(u64 pages)
{
	u64 max = pages / 4 < DOMAINS_MAX ? pages / 4 : DOMAINS_MAX, tags = abstract_domain_tags();

	return max < tags ? max : tags;
}

static void vm_begin(struct spec_call *c, struct spec_vm *vm, u64 pages)
{
	u64 domains = domains_of(pages), roots = c->r[1] & PC_VM_NESTED ? spec->dma.roots : 0;

	vm->w = (struct spec_vm_words){
		.handle = c->got[1],
		.life = VM_BUILT,
		.vcpus = c->r[2],
		.pool_total = pages,
		.pool_free = pages - abstract_vm_parts(c->r[2]) - roots - (domains + 7) / 8,
		.domain_max = domains,
		.open_mmio = c->r[1] & PC_VM_OPEN_MMIO,
	};
	memset(vm->pv, 0, sizeof(vm->pv));
	memset(vm->vcpu, 0, sizeof(vm->vcpu));
	vm->cpu = spec->cpu;
	vm->dma = roots > 0 ? spec->dma : (struct spec_tree){ 0 };
	tree_make(&vm->cpu);
	tree_make(&vm->dma);
	vm->last_handle = c->got[1];
}

/* A VM that a pool cannot be cut up for is none, and its pages are the primary's again. */
s64 rule_vm_create(struct spec_call *c)
{
	u64 number = abstract_vm_place(c->got[1]);
	s64 status;

	if (!flags_known(c->r[1]))
		return PC_NOT_SUPPORTED;
	if (c->r[2] == 0 || c->r[2] > SPEC_VCPUS || !pool_ok(c->r[3], c->r[4]) || c->r[4] < min_pool(c->r[1], c->r[2]))
		return PC_INVALID_PARAMETER;
	if (vms_now() == SPEC_VMS - 1)
		return PC_NO_MEMORY;
	status = take_pool(c, c->r[3], c->r[4]);
	if (status == PC_SUCCESS && c->got_status == PC_NO_MEMORY) {
		/* Which sizes of runs a pool's place has, and what ids are left, is not the model's; that nothing changed is. */
		give_back(c, c->r[3], c->r[4]);
		c->fails_at = 0;
		status = PC_NO_MEMORY;
	} else if (status == PC_SUCCESS) {
		RULE_DEMAND(c, c->got_status == PC_SUCCESS, "there is a place for a VM, and a pool");
		RULE_DEMAND(c, number > 0 && number < SPEC_VMS && spec->vm[number].w.life == VM_NONE && c->got[1] > spec->vm[number].last_handle,
			    "the handle is another VM's, or was one");
		vm_begin(c, &spec->vm[number], c->r[4]);
		c->out[0] = c->got[1];
	}
	views_settle();
	return status;
}

static bool claims_open(const struct spec_vm *vm)
{
	for (u32 i = 0; i < spec->devices; i++)
		if (spec->device[i].w.vm == vm_index(vm) &&
		    spec->device[i].w.state != DEV_ASSIGNED && spec->device[i].w.state != DEV_QUARANTINED)
			return true;
	return false;
}

s64 rule_vm_finalise(struct spec_call *c)
{
	struct spec_vm *vm;
	s64 status = get_vm(c->r[1], &vm);

	if (status != PC_SUCCESS)
		return status;
	if (vm_index(vm) == 0)
		return PC_INVALID_PARAMETER;
	if (vm->w.life == VM_RUNS)
		return PC_EXISTS;
	if (claims_open(vm))
		return PC_BUSY;
	vm->w.life = VM_RUNS;
	return PC_SUCCESS;
}

/* --- the end
 *
 * How much of a removal one call does is open. What may change is not: pages of the VM and of its pool, to the primary,
 * with nothing of the VM left in them; the VM's own state; devices that it has.
 */

static bool of_ending_vm(const struct spec_call *c, u32 vm)
{
	return vm == 0 || spec->vm[vm].w.handle == c->r[1];
}

static bool ends_with_vm(const struct spec_call *c, u32 device)
{
	return spec->vm[spec->device[device].w.vm].w.handle == c->r[1];
}

s64 rule_vm_destroy(struct spec_call *c)
{
	struct spec_vm *vm = vm_of(c->r[1]);

	if (vm == NULL)
		return PC_NOT_FOUND;
	if (vm_index(vm) == 0)
		return PC_INVALID_PARAMETER;
	c->take = true;
	c->mine = of_ending_vm;
	c->moves = ends_with_vm;
	c->returns_pages = true;
	RULE_DEMAND(c, c->got_status == PC_SUCCESS, "a VM can always be destroyed");
	RULE_DEMAND(c, (c->got[1] == 0) == !abstract_vm_is_there(vm_index(vm)), "R1 is 0 when the VM has gone, and only then");
	c->out[0] = c->got[1];
	return PC_SUCCESS;
}

/* --- vCPUs */

static s64 get_vcpu(u64 handle, u64 index, struct spec_vm **vm)
{
	s64 status = get_vm(handle, vm);

	if (status != PC_SUCCESS)
		return status;
	if (vm_index(*vm) == 0)
		return PC_INVALID_PARAMETER;
	return index < (*vm)->w.vcpus ? PC_SUCCESS : PC_NOT_FOUND;
}

s64 rule_vcpu_set(struct spec_call *c)
{
	struct spec_vm *vm;
	s64 status = get_vcpu(c->r[1], c->r[2], &vm);

	if (status != PC_SUCCESS)
		return status;
	if (c->r[3] % 4 != 0 || c->r[3] >> spec->cpu.bits != 0)
		return PC_INVALID_PARAMETER;
	if (vm->w.life != VM_BUILT)
		return PC_BUSY;
	vm->vcpu[c->r[2]].on = true;
	return PC_SUCCESS;
}

/* Which interrupts there are is the CPU room's; those of a device are denied. */
s64 rule_vcpu_irq(struct spec_call *c)
{
	struct spec_vm *vm;
	s64 status;

	if (c->r[4] > 1)
		return PC_INVALID_PARAMETER;
	status = get_vcpu(c->r[1], c->r[2], &vm);
	if (status != PC_SUCCESS)
		return status;
	RULE_DEMAND(c, c->got_status == PC_SUCCESS || c->got_status == PC_INVALID_PARAMETER || c->got_status == PC_DENIED,
		    "an interrupt is driven, is none, or is a device's");
	return c->got_status;
}

/* May the vCPU be entered? */
static s64 may_run(const struct spec_call *c, struct spec_vm **vm)
{
	*vm = vm_of(c->r[1]);
	if (*vm == NULL)
		return PC_NOT_FOUND;
	if (vm_index(*vm) == 0)
		return PC_INVALID_PARAMETER;
	if (c->r[2] >> 32 != 0)
		return PC_NOT_FOUND;
	if ((*vm)->w.life == VM_ENDS)
		return PC_BUSY;
	if (c->r[2] >= (*vm)->w.vcpus)
		return PC_NOT_FOUND;
	if ((*vm)->w.life == VM_BUILT && claims_open(*vm))
		return PC_BUSY;
	return (*vm)->vcpu[c->r[2]].w.running ? PC_BUSY : PC_SUCCESS;
}

/* As far as the guest's first instruction. */
void rule_run_begins(struct spec_call *c)
{
	struct spec_vm *vm;

	RULE_DEMAND(c, c->fetched == PC_SUCCESS && abstract_can_run() && may_run(c, &vm) == PC_SUCCESS,
		    "the vCPU was run, and may not be");
	vm->w.life = VM_RUNS;
	vm->w.runners++;
	vm->vcpu[c->r[2]].w.running = 1;
	vm->vcpu[c->r[2]].w.load = 0;
	vm->vcpu[c->r[2]].exit = (struct spec_exit){ 0 };
	c->ran = true;
}

/* An exit that the guest did not cause by a call or an access says nothing of it. */
static void exit_is_sound(const struct spec_call *c, const struct pc_vcpu_exit *x, u64 vcpus)
{
	u64 rest = x->port | x->ipa | x->width;

	for (u32 i = 2; i < ARRAY_SIZE(x->arg); i++)
		rest |= x->arg[i];
	RULE_DEMAND(c, rest == 0, "the exit tells more than reason %u may", x->reason);
	switch (x->reason) {
	case PC_EXIT_HOST_IRQ:
		RULE_DEMAND(c, (x->flags | x->data | x->arg[0] | x->arg[1]) == 0, "an interrupt of the primary's tells more");
		return;
	case PC_EXIT_IDLE:
		RULE_DEMAND(c, (x->flags == PC_EXIT_DATA || (x->flags | x->data) == 0) && (x->arg[0] | x->arg[1]) == 0,
			    "idleness tells more than a time");
		return;
	case PC_EXIT_POWER:
		RULE_DEMAND(c, x->arg[0] >= PC_POWER_OFF && x->arg[0] <= PC_POWER_SYSTEM_RESET && x->arg[1] < vcpus,
			    "no such change of power");
		return;
	case PC_EXIT_DEAD:
		RULE_DEMAND(c, x->arg[0] >= PC_DEAD_DESTROYED && x->arg[0] <= PC_DEAD_STATE, "no such death");
		return;
	case PC_EXIT_DEVICE:
		return;
	default:
		rule_refuse(c, "reason %u is not the guest's doing now", x->reason);
	}
}

static void exit_is_known(const struct spec_call *c, const struct pc_vcpu_exit *x, const struct spec_exit *must)
{
	RULE_DEMAND(c,
		    x->reason == must->reason && x->flags == must->flags && x->ipa == must->ipa && x->data == must->data &&
			    x->width == must->width && x->arg[0] == must->arg[0] && x->arg[1] == must->arg[1] &&
			    x->arg[2] == must->arg[2],
		    "the exit has to be reason %llu (0x%llx 0x%llx 0x%llx), and is %u (0x%llx 0x%llx 0x%llx)",
		    (unsigned long long)must->reason, (unsigned long long)(must->ipa | must->arg[0]),
		    (unsigned long long)(must->data | must->arg[1]), (unsigned long long)(must->width | must->arg[2]), x->reason,
		    (unsigned long long)(x->ipa | x->arg[0]), (unsigned long long)(x->data | x->arg[1]),
		    (unsigned long long)(x->width | x->arg[2]));
}

/* What the primary reads where it said; and nothing in what is reserved. */
static void exit_is_told(struct spec_call *c, struct spec_vm *vm)
{
	const struct spec_exit *must = &vm->vcpu[c->r[2]].exit;
	struct pc_vcpu_exit x;
	u64 reserved = 0;

	RULE_DEMAND(c, vm_read(c->vm, c->r[3], &x, sizeof(x)), "the exit was written where the primary may not");
	for (u32 i = 0; i < ARRAY_SIZE(x.reserved); i++)
		reserved |= x.reserved[i];
	RULE_DEMAND(c, x.size == sizeof(x) && x.vcpu == c->r[2] && reserved == 0, "the exit's size, vCPU or reserved words");
	if (x.reason == PC_EXIT_DEAD && x.arg[0] == PC_DEAD_DESTROYED)
		RULE_DEMAND(c, vm->w.life == VM_ENDS, "the VM is not being destroyed");
	else if (must->known)
		exit_is_known(c, &x, must);
	else
		exit_is_sound(c, &x, vm->w.vcpus);
	c->out[0] = x.reason;
}

s64 rule_vcpu_run(struct spec_call *c)
{
	struct spec_vcpu *vcpu;
	struct spec_vm *vm;
	s64 status = c->fetched;

	if (status == PC_SUCCESS && !abstract_can_run() && !c->ran)
		status = PC_NOT_SUPPORTED;
	if (status == PC_SUCCESS && !c->ran)
		status = may_run(c, &vm);
	if (status != PC_SUCCESS)
		return status;
	vm = vm_of(c->r[1]);
	vcpu = &vm->vcpu[c->r[2]];
	if (c->ran) {
		vm->w.runners--;
		vcpu->w.running = 0;
	} else {
		RULE_DEMAND(c, vcpu->w.undelivered, "the vCPU was not run");
		vm->w.life = VM_RUNS;
	}
	/* The place may have gone while the guest ran: then the exit is kept for the next run. */
	vcpu->w.undelivered = !vm_may_write(c->vm, c->r[3], sizeof(struct pc_vcpu_exit));
	if (vcpu->w.undelivered)
		return PC_FAULT;
	exit_is_told(c, vm);
	return PC_SUCCESS;
}
