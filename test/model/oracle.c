/* SPDX-License-Identifier: BSD-2-Clause */
/* One look after the other: V10, V2 and V9 compare two of them. */
#include "oracle_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/pviommu.h"
#include "vm/vm_life.h"

#include "fake.h"

/* V9: what one call may write to tables and wait, derived from the limits of the interface. */
#define STORES_MAX  (2 * PC_POOL_MAX + PVIOMMU_MAX_LEAVES + 2 * PT_EDIT_MAX + 8 * 512u)
#define WAIT_MAX_US (8ull * IOMMU_WAIT_US)

struct oracle oracle;

bool violated(const char *fmt, ...)
{
	va_list args;

	if (oracle.why[0] != '\0')
		return false;
	va_start(args, fmt);
	vsnprintf(oracle.why, sizeof(oracle.why), fmt, args);
	va_end(args);
	return false;
}

void state_begin(struct state *s)
{
	s->count = 0;
	s->section_count = 0;
}

void state_section(struct state *s, const char *name)
{
	s->section[s->section_count++] = (struct section){ name, s->count };
}

void state_add(struct state *s, u64 word)
{
	s->word = grown(s->word, &s->room, s->count, sizeof(*s->word));
	s->word[s->count++] = word;
}

void oracle_init(struct smmu *const *smmu, u32 count)
{
	memset(&oracle, 0, sizeof(oracle));
	for (u32 i = 0; i < count; i++)
		oracle.smmu[i] = smmu[i];
	commands_init(smmu, count);
	oracle.smmu_count = count;
	oracle.effort = oracle.rarely = 1;
	oracle.base = machine->ram[0].base;
	/* Regions one behind the other are one to the oracle. */
	for (u32 i = 0; i < machine->ram_count; i++)
		if (machine->ram[i].base == oracle.base + oracle.pages * PAGE_SIZE)
			oracle.pages += (u32)(machine->ram[i].size >> PAGE_SHIFT);
	oracle.runs = oracle.pages / BLOCK_PAGES;
	oracle.pins = calloc(oracle.pages, sizeof(*oracle.pins));
	oracle.block_pins = calloc(oracle.runs, sizeof(*oracle.block_pins));
	oracle.place = calloc(oracle.pages, sizeof(*oracle.place));
	oracle.placed = calloc(oracle.pages, sizeof(*oracle.placed));
	if (!oracle.pins || !oracle.block_pins || !oracle.place || !oracle.placed)
		fake_die("no host memory for the oracle");
	for (u32 i = 0; i < count; i++)
		oracle.cmds[i] = smmu_cmd_count(smmu[i]);
	oracle.boot.tables_free = vm_tables_free();
	oracle.boot.tables = oracle.boot.tables_free + vm_primary->cpu_pt.tables + vm_primary->dma_pt.tables;
	oracle.boot.vmids = ids_in_use(&iommu_vmids) - (vm_primary->dma_tag.vmid != 0) -
			    (vm_primary->paging_vmid != 0);
	oracle.boot.asids = ids_in_use(&iommu_asids) - (vm_primary->dma_tag.asid != 0);
	changes_init();
	views_init();
}

void oracle_losses_allowed(void) { oracle.losses = true; }

void oracle_calls_overlap(void) { oracle.overlap = true; }

void oracle_stand_ins_allowed(void) { oracle.stand_ins = true; }

void oracle_effort(u32 n) { oracle.effort = n; }

void oracle_rarely(u32 n)
{
	oracle.rarely = n;
	if (n > 1)
		oracle_calls_overlap(); /* between looks calls follow each other, which is no better known */
}

static const char *look(void)
{
	struct state old = oracle.before;

	oracle.why[0] = '\0';
	oracle.before = oracle.now;
	oracle.now = old;
	state_begin(&oracle.now);
	changes_begin();
	if (look_at_core() && look_at_vms())
		look_at_hardware();
	changes_end();
	oracle.looks++;
	oracle.failed = oracle.why[0] != '\0';
	return oracle.why[0] != '\0' ? oracle.why : NULL;
}

const char *oracle_check(void) { return look(); }

void oracle_before(void)
{
	/* What a guest does in its own first stage, under its own tag, is no misuse of the hypervisor's. */
	for (u32 i = 0; i < oracle.smmu_count; i++)
		FOR_EACH_VM(vm)
			smmu_guest_tag(oracle.smmu[i], vm->dma_tag.vmid);
	oracle.stores = 0;
	oracle.started_us = fake_time_now();
}

/* The word of both looks that differs first; ~0u: none. */
u32 state_difference(void)
{
	const struct state *a = &oracle.before, *b = &oracle.now;
	u32 i = 0;

	while (i < a->count && i < b->count && a->word[i] == b->word[i])
		i++;
	return i == a->count && i == b->count ? ~0u : i;
}

/* V10 */
static bool nothing_changed(void)
{
	const struct state *a = &oracle.before, *b = &oracle.now;
	const char *name = "state";
	u32 i = state_difference();

	if (oracle.other[0] != '\0')
		return violated("V10: a refused call changed the %s", oracle.other);
	if (i == ~0u)
		return true;
	for (u32 k = 0; k < b->section_count && b->section[k].start <= i; k++)
		name = b->section[k].name;
	return violated("V10: a refused call changed the %s (word %u: %#llx, was %#llx)", name, i,
			i < b->count ? (unsigned long long)b->word[i] : 0,
			i < a->count ? (unsigned long long)a->word[i] : 0);
}

/* The one change that pins allow: a share that ends with its VM, to the primary that was shared with. */
static bool share_ended(u64 was, u64 is)
{
	return (was & 0xff) > OWNER_VM && (was >> 8 & 0xff) == PAGE_SHARED_OUT &&
	       (is & 0xffff) == (OWNER_VM | PAGE_OWNED << 8);
}

/* V2: no page with pins changed hands. */
static bool pinned_pages_stayed(void)
{
	for (u32 i = 0; i < oracle.change_count; i++) {
		const struct change *c = &oracle.change[i];

		if ((c->was & 0xffff) != (c->is & 0xffff) && !share_ended(c->was, c->is) &&
		    !(oracle.losses && (c->is & 0xff) == OWNER_HYP) && (c->was >> 32 != 0 || c->block_pins != 0))
			return violated("V2: pinned page %#llx changed from owner and state "
					"%#llx to %#llx",
					(unsigned long long)(oracle.base + c->page * PAGE_SIZE),
					(unsigned long long)(c->was & 0xffff),
					(unsigned long long)(c->is & 0xffff));
	}
	return true;
}

static bool work_was_bounded(void)
{
	u32 pages_changed = oracle.change_count + oracle.block_pin_changes;
	u64 waited = fake_time_now() - oracle.started_us;

	if (oracle.stores > STORES_MAX)
		return violated("V9: one call stored %llu table entries",
				(unsigned long long)oracle.stores);
	if (pages_changed > PVIOMMU_MAX_PAGES)
		return violated("V9: one call changed %u page records", pages_changed);
	if (waited > WAIT_MAX_US)
		return violated("V9: one call waited %llu us", (unsigned long long)waited);
	return true;
}

const char *oracle_after(bool refused)
{
	u32 turn = oracle.calls++ % oracle.rarely;
	const char *why;

	oracle.skipped |= turn > 1;
	if (turn > 1)
		return NULL;
	why = look();
	if (why != NULL || (turn == 0 && oracle.rarely > 1))
		return why;
	if (pinned_pages_stayed() && work_was_bounded() && refused)
		nothing_changed();
	return oracle.why[0] != '\0' ? oracle.why : NULL;
}
