/* SPDX-License-Identifier: BSD-2-Clause */
/* Accesses that no view maps (abi/vmm.h: PC_EXIT_MMIO), lines that are never quiet, and vCPUs that wake. */
#include "rules.h"

#include "hyp/upcall.h"

static void demand(bool ok, const struct spec_vm *vm, const struct mem_access *a, const char *what)
{
	if (!ok)
		spec_fail("%s of %u bytes at 0x%llx by VM 0x%llx: %s", a->write ? "a write" : "a read", a->width,
			  (unsigned long long)a->ipa.v, (unsigned long long)vm->w.handle, what);
}

static bool mapped(const struct spec_vm *vm, u64 at)
{
	u64 pa;
	u32 prot;

	return tree_lookup(&vm->cpu, at, &pa, &prot);
}

/* Configuration space is emulated where the access is one of at most 4 bytes, and aligned. */
static void of_primary(const struct spec_vm *vm, const struct mem_access *was, const struct mem_access *is, bool done)
{
	u64 at = was->ipa.v;

	if (abstract_config_window(at)) {
		demand(done == (was->valid && was->width <= 4 && at % was->width == 0), vm, was,
		       "configuration space is emulated for aligned accesses of at most 4 bytes, and for no other");
		return;
	}
	demand(!done, vm, was, "it is nobody's, and was emulated");
	demand(is->again == (page_number(at) != NO_PAGE && mapped(vm, at)), vm, was,
	       "it has to be tried again if the memory is there now, and only then");
}

/* The primary emulates what a VM has guarded, or all that is nobody's while the VM is open. It hears of nothing else. */
static void of_secondary(struct spec_vm *vm, u32 vcpu, const struct mem_access *was, const struct mem_access *is, bool left)
{
	u64 at = was->ipa.v;
	bool there = mapped(vm, at);
	bool tells = !there && was->valid && (vm->w.open_mmio || is_guarded(vm, at));

	demand(is->again == there, vm, was, "it has to be tried again if it is mapped, and only then");
	demand(left == tells, vm, was, tells ? "the primary has to emulate it" : "the primary hears of it");
	if (!tells)
		return;
	vm->vcpu[vcpu].w.load = !was->write;
	vm->vcpu[vcpu].exit = (struct spec_exit){ .known = true,
						  .reason = PC_EXIT_MMIO,
						  .ipa = at,
						  .width = was->width,
						  .flags = was->write ? PC_EXIT_WRITE | PC_EXIT_DATA : 0,
						  .data = was->write ? was->value : 0 };
}

void rule_access(struct spec_vm *vm, u32 vcpu, const struct mem_access *was, const struct mem_access *is, bool done, bool left)
{
	if (vm_index(vm) == 0) {
		of_primary(vm, was, is, done);
		return;
	}
	demand(!done, vm, was, "nothing is emulated for a secondary here");
	of_secondary(vm, vcpu, was, is, left);
}

static bool has_line(const struct spec_device *d, u32 line)
{
	for (u32 i = 0; i < d->line_count; i++)
		if (d->lines[i] == line && d->line[i] != 0)
			return true;
	return false;
}

const char *rule_storm(u32 line, u32 vm)
{
	for (u32 i = 0; i < spec->devices; i++) {
		const struct spec_device *d = &spec->device[i];
		bool must = d->w.vm == vm && has_line(d, line);

		if (must && abstract_device_state(i) != DEV_QUARANTINED)
			return "a device that was given the line goes on";
		if (!must && abstract_device_state(i) != d->w.state)
			return "a device that was not given the line is not what it was";
	}
	return NULL;
}

/* The primary hears of it by the one interrupt that VMM_QUERY tells, and asks which vCPU it was by running them. */
void rule_wake(u32 count, u32 intid)
{
	if (count != 1 || intid != abstract_wake_irq())
		spec_fail("a vCPU may run again: the primary got %u interrupts, the last one %u, and has to get one, %llu", count,
			  intid, (unsigned long long)abstract_wake_irq());
}
