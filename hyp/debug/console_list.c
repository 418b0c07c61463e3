/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the debug console's commands say: each is a walk over tables that never move, a line or a bounded
 * number of empty places at a step, so that what changes between two steps costs a line at worst.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "hyp/arch.h"
#include "iommu/device.h"
#include "iommu/domain.h"
#include "iommu/fault.h"
#include "iommu/iommu.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#define SLOTS_PER_STEP 64u
#define US_PER_SECOND  1000000u

#define LONG(value) ((unsigned long)(value)) /* newlib's small printf has no %ll; u64 is a long here */

enum command { HELP,
	       VMS,
	       DEVICES,
	       ENDPOINTS,
	       DOMAINS,
	       PINS,
	       QUARANTINED,
	       COUNTERS,
	       EVENTS,
	       COMMANDS };

static const struct {
	const char *word, *says;
} commands[COMMANDS] = {
	[HELP] = { "help", "this list; the beginning of a word will do, ctrl-C ends a listing" },
	[VMS] = { "vms", "VMs: state, vCPUs and which run, pages, free and all pages of the pool, devices" },
	[DEVICES] = { "devices", "devices: group, state, owner, MMIO, lines" },
	[ENDPOINTS] = { "endpoints", "endpoints: the owner's name, the hardware's, PASID bits, domain, faults" },
	[DOMAINS] = { "domains", "domains: bytes mapped, attachments, unmaps in flight, tag" },
	[PINS] = { "pins", "pages held by DMA mappings" },
	[QUARANTINED] = { "quarantined", "devices that may not be used" },
	[COUNTERS] = { "counters", "exits of the primary, IOMMUs, events, lost memory, our own pool" },
	[EVENTS] = { "events", "the last events of hardware" },
};

u32 console_command(const char *word)
{
	size_t length = strlen(word);

	if (length == 0)
		return CONSOLE_NO_COMMAND;
	if (strcmp(word, "?") == 0)
		return HELP;
	for (u32 i = 0; i < COMMANDS; i++)
		if (strncmp(commands[i].word, word, length) == 0)
			return i;
	return CONSOLE_NO_COMMAND;
}

/* A line that grows; what does not fit is cut. */
struct text {
	char *line;
	u32 length;
};

static void say(struct text *t, const char *fmt, ...) PRINTF(2, 3);
static void say(struct text *t, const char *fmt, ...)
{
	u32 room = CONSOLE_LINE - t->length;
	va_list args;
	int wanted;

	va_start(args, fmt);
	wanted = vsnprintf(t->line + t->length, room, fmt, args);
	va_end(args);
	if (wanted > 0)
		t->length += (u32)wanted < room ? (u32)wanted : room - 1;
}

static enum console_step help(struct console_cursor *at, struct text *t)
{
	if (at->row == COMMANDS)
		return CONSOLE_END;
	say(t, "%-12s %s", commands[at->row].word, commands[at->row].says);
	at->row++;
	return CONSOLE_LINE_MADE;
}

/* --- VMs */

static const char *const vm_states[] = {
	[VM_FREE] = "free",
	[VM_BUILDING] = "building",
	[VM_FINAL] = "final",
	[VM_DYING] = "dying",
};

/* The next VM that there is, at cursor row, locked; NULL: no more. */
static struct vm *vm_next(struct console_cursor *at) NO_LOCK_ANALYSIS
{
	for (; at->row <= VM_SECONDARIES; at->row++) {
		struct vm *vm = vm_at(at->row);

		if (vm->state == VM_FREE)
			continue;
		vm_lock(vm);
		if (vm->state != VM_FREE)
			return vm;
		vm_unlock(vm);
	}
	return NULL;
}

static u32 devices_of(const struct vm *vm)
{
	u32 count = 0;

	for (u32 i = 0; i < device_count; i++)
		count += __atomic_load_n(&device_table[i].vm, __ATOMIC_RELAXED) == vm;
	return count;
}

static void say_vcpus(struct text *t, struct vm *vm)
{
	const char *before = ", run";

	say(t, " vcpus %u", vm->view.vcpu_count);
	for (u32 i = 0; i < vm->view.vcpu_count; i++) {
		if (__atomic_load_n(&vm->vcpu[i].running, __ATOMIC_RELAXED) == 0)
			continue;
		say(t, "%s %u", before, i);
		before = "";
	}
}

static enum console_step vms(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_next(at);

	if (vm == NULL)
		return CONSOLE_END;
	say(t, "vm %u %s", vm->handle, vm_states[vm->state]);
	if (vm->primary)
		say(t, " primary cpus %u", machine->cpu_count);
	else
		say_vcpus(t, vm);
	if (!vm->primary)
		say(t, ", pages %lu lost %lu", LONG(vm->pages), LONG(vm->pages_lost));
	say(t, ", pool %lu/%lu, devices %u", LONG(pool_free_pages(&vm->pool)), LONG(vm->pool.total_pages),
	    devices_of(vm));
	vm_unlock(vm);
	at->row++;
	return CONSOLE_LINE_MADE;
}

static enum console_step pins(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_next(at);
	u64 held;

	if (at->row > VM_SECONDARIES + 1)
		return CONSOLE_END;
	if (vm == NULL) {
		say(t, "all VMs: pins %lu", LONG(at->count));
		at->row = VM_SECONDARIES + 2;
		return CONSOLE_LINE_MADE;
	}
	held = VM_STAT(vm, pins);
	say(t, "vm %u: pins %lu, bytes mapped %lu, maps %lu, unmaps %lu", vm->handle, LONG(held), LONG(VM_STAT(vm, mapped)),
	    LONG(VM_STAT(vm, maps)), LONG(VM_STAT(vm, unmaps)));
	at->count += held;
	vm_unlock(vm);
	at->row++;
	return CONSOLE_LINE_MADE;
}

/* --- devices */

static const char *const device_states[] = {
	[DEVICE_UNASSIGNED] = "unassigned",
	[DEVICE_RESETTING] = "resetting",
	[DEVICE_ASSIGNED] = "assigned",
	[DEVICE_CLAIMED] = "claimed",
	[DEVICE_QUARANTINED] = "quarantined",
};

static struct vm *owner_lock(const struct device *d) NO_LOCK_ANALYSIS
{
	return vm_lock_owner(&d->vm);
}

static void owner_unlock(struct vm *owner) NO_LOCK_ANALYSIS
{
	vm_unlock_pair(owner != NULL ? owner : vm_primary);
}

static void say_device(struct text *t, const struct device *d, const struct vm *owner)
{
	say(t, "device %u %s: group %u, %s, vm %u", d->index, d->name, d->group, device_states[d->state],
	    owner != NULL ? owner->handle : 0);
	if (d->pviommu != NULL)
		say(t, " pvIOMMU %u%s", d->pviommu->id, d->frozen ? " frozen" : "");
	for (u32 i = 0; i < d->irq_count; i++) {
		say(t, "%s %u", i == 0 ? ", lines" : "", d->irq[i]);
		if (d->irq_given[i] != 0)
			say(t, " as %u", d->irq_given[i]);
	}
}

static void say_mmio(struct text *t, const struct device *d, u32 i)
{
	say(t, "    MMIO %u: 0x%lx+0x%lx", i, LONG(d->mmio[i].base), LONG(d->mmio[i].size));
	if (d->mmio_ipa[i] != DEVICE_UNMAPPED)
		say(t, " at 0x%lx", LONG(d->mmio_ipa[i]));
	if (d->mmio_away)
		say(t, ", not the primary's");
}

/* A device, then its ranges. */
static enum console_step devices(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	const struct device *d = device_find(at->row);
	struct vm *owner;

	if (d == NULL)
		return CONSOLE_END;
	owner = owner_lock(d);
	if (at->column == 0)
		say_device(t, d, owner);
	else
		say_mmio(t, d, at->column - 1);
	owner_unlock(owner);
	if (at->column++ == d->mmio_count) {
		at->column = 0;
		at->row++;
	}
	return CONSOLE_LINE_MADE;
}

static enum console_step quarantined(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	while (at->row < device_count) {
		const struct device *d = &device_table[at->row++];
		struct vm *owner;

		if (__atomic_load_n(&d->state, __ATOMIC_RELAXED) != DEVICE_QUARANTINED)
			continue;
		owner = owner_lock(d);
		say_device(t, d, owner);
		owner_unlock(owner);
		return CONSOLE_LINE_MADE;
	}
	if (at->column++ > 0)
		return CONSOLE_END;
	say(t, "quarantined: %u of %u devices", device_quarantined_count(), device_count);
	return CONSOLE_LINE_MADE;
}

static void say_attached(struct text *t, const struct endpoint *e)
{
	if (e->attached.domain != NULL)
		say(t, ", domain %u", e->attached.domain->id);
	if (e->substreams > 0)
		say(t, ", %u PASIDs attached", e->substreams);
}

static void say_endpoint(struct text *t, const struct endpoint *e, const struct vm *owner)
{
	const struct device *d = e->device;

	say(t, "%s endpoint %u: vm %u", d->name, e->index, owner != NULL ? owner->handle : 0);
	if (d->pviommu != NULL)
		say(t, " pvIOMMU %u", d->pviommu->id);
	if (e->has_vsid)
		say(t, " vSID %u", e->vsid.v);
	say(t, " = %s pSID 0x%x", e->iommu->name, e->sid.v);
	if (e->pasid_bits > 0)
		say(t, ", PASID bits %u", e->pasid_bits);
	say_attached(t, e);
	say(t, ", faults %lu", LONG(__atomic_load_n(&e->faults, __ATOMIC_RELAXED)));
}

static enum console_step endpoints(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	const struct device *d = device_find(at->row);
	struct vm *owner;

	if (d == NULL)
		return CONSOLE_END;
	if (at->column >= d->endpoint_count) {
		at->column = 0;
		at->row++;
		return CONSOLE_NO_LINE;
	}
	owner = owner_lock(d);
	say_endpoint(t, &d->endpoint[at->column++], owner);
	owner_unlock(owner);
	return CONSOLE_LINE_MADE;
}

/* --- domains */

static void say_domain(struct text *t, const struct vm *vm, const struct domain_facts *d)
{
	say(t, "vm %u domain %u%s: bytes mapped %lu, attached %u, in flight %u, ", vm->handle, d->id,
	    d->state == DOMAIN_DYING ? " dying" : "", LONG(d->mapped), d->attached, d->flights);
	if (d->tag.kind == TAG_STAGE1)
		say(t, "ASID %u VMID %u", d->tag.asid, d->tag.vmid);
	else
		say(t, "VMID %u", d->tag.vmid);
}

/* A VM's slots, the lowest of which are taken first; `count`: of its domains, seen. */
static enum console_step domains(struct console_cursor *at, struct text *t) NO_LOCK_ANALYSIS
{
	u32 row = at->row;
	struct vm *vm = vm_next(at);
	struct domain_facts facts;
	bool found = false;

	if (vm == NULL)
		return CONSOLE_END;
	if (at->row != row)
		*at = (struct console_cursor){ .row = at->row }; /* the VM that was there has gone */
	for (u32 i = 0; i < SLOTS_PER_STEP && !found && at->column < vm->domain_max; i++)
		found = domain_facts(vm, at->column++, &facts);
	if (found) {
		say_domain(t, vm, &facts);
		at->count++;
	}
	if (at->column >= vm->domain_max || at->count >= vm->domain_count)
		*at = (struct console_cursor){ .row = at->row + 1 };
	vm_unlock(vm);
	return found ? CONSOLE_LINE_MADE : CONSOLE_NO_LINE;
}

/* --- counters */

static void say_exits(struct text *t, u32 cpu)
{
	const char *name;
	u32 count;

	say(t, "cpu %u exits:", cpu);
	for (u32 i = 0; (name = arch_exit_count(vm_vcpu(vm_primary, cpu), i, &count)) != NULL; i++)
		say(t, " %s %u", name, count);
}

static void say_events(struct text *t)
{
	struct fault_counts c = fault_counts();

	say(t, "events: %lu, strays %lu, overflows %lu", LONG(c.events), LONG(c.strays), LONG(c.overflows));
}

static void say_memory(struct text *t)
{
	u64 lost = 0;

	for (u32 i = 1; i <= VM_SECONDARIES; i++)
		lost += vm_at(i)->pages_lost;
	say(t, "own pool: pages free %lu; lost pages %lu; secondaries %u, quarantined %u", LONG(vm_tables_free()),
	    LONG(lost), vm_count(), device_quarantined_count());
}

/* CPUs, IOMMUs, then two lines about all. */
static enum console_step counters(struct console_cursor *at, struct text *t)
{
	u32 row = at->row++;

	if (row < machine->cpu_count) {
		say_exits(t, row);
		return CONSOLE_LINE_MADE;
	}
	row -= machine->cpu_count;
	if (row < iommu_count) {
		say(t, "iommu %u %s: %s", row, iommu_instance[row].name,
		    iommu_is_dead(&iommu_instance[row]) ? "dead" : "alive");
		return CONSOLE_LINE_MADE;
	}
	row -= iommu_count;
	if (row >= 2)
		return CONSOLE_END;
	if (row == 0)
		say_events(t);
	else
		say_memory(t);
	return CONSOLE_LINE_MADE;
}

/* --- events */

static void say_record(struct text *t, const struct fault_record *r)
{
	const struct iommu_event *e = &r->event;

	say(t, "[%5lu.%06lu] #%lu %s", LONG(r->time_us / US_PER_SECOND), LONG(r->time_us % US_PER_SECOND),
	    LONG(r->number), r->iommu->name);
	if (e->has_sid)
		say(t, " pSID 0x%x", e->sid.v);
	if (e->has_pasid)
		say(t, " PASID %u", e->pasid);
	if (r->endpoint == NULL)
		say(t, " nobody's");
	else
		say(t, " %s endpoint %u vm %u", r->endpoint->device->name, r->endpoint->index, r->vm);
	if (r->has_vsid)
		say(t, " vSID %u", r->vsid.v);
	say(t, ": %s %s, event %u", e->write ? "write" : "read", fault_reason(e), e->code);
	if (e->has_addr)
		say(t, " at 0x%lx, stage %u", LONG(e->addr), e->stage2 ? 2 : 1);
}

/* From the oldest that is kept to what was the latest when the listing began: an end, whatever comes. */
static enum console_step events(struct console_cursor *at, struct text *t)
{
	struct fault_record record;

	if (at->row++ == FAULT_KEPT || !fault_from(at->count + 1, &record))
		return CONSOLE_END;
	at->count = record.number;
	say_record(t, &record);
	return CONSOLE_LINE_MADE;
}

enum console_step console_list(u32 command, struct console_cursor *at, char line[CONSOLE_LINE])
{
	struct text t = { .line = line };

	line[0] = 0;
	switch ((enum command)command) {
	case HELP:
		return help(at, &t);
	case VMS:
		return vms(at, &t);
	case DEVICES:
		return devices(at, &t);
	case ENDPOINTS:
		return endpoints(at, &t);
	case DOMAINS:
		return domains(at, &t);
	case PINS:
		return pins(at, &t);
	case QUARANTINED:
		return quarantined(at, &t);
	case COUNTERS:
		return counters(at, &t);
	case EVENTS:
		return events(at, &t);
	case COMMANDS:
		break;
	}
	return CONSOLE_END;
}
