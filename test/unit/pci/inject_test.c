/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space that fails: the n-th read that a function answers is ones, or it answers none from there on, or the n-th
 * write has no effect, for every n until there are fewer. In a boot, in accesses of VMs, and
 * in what the core switches. A boot is refused by name; or its machine
 * is the one without a failure, bit for bit, record and registers; or a function that did not answer when it was looked for is
 * not there, is off, and all others are what they are. How many points there were is printed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pci/record.h"
#include "tree.h"

#define N_LIMIT 4000u

enum kind { BOOT_READ,
	    BOOT_GONE,
	    BOOT_WRITE,
	    ACCESS_READ,
	    SWITCH_READ,
	    SWITCH_GONE,
	    SWITCH_MUTE, /* it takes writes, and answers nothing */
	    KINDS };

static const char *const kind_name[KINDS] = { "reads of a boot", "functions gone in a boot", "writes of a boot",
					      "reads behind an access", "reads behind a switch of the core", "functions gone there", "functions mute there" };
static u32 *points; /* by kind; shared with the cases */

/* --- the machine: everything that a boot asks for, and as firmware may leave it */

static u32 with_control(u32 fn, u32 id, u32 dword, u32 writable, u32 value)
{
	u32 at = tree_ext(fn, id, 0) + 4 * dword;

	tree[fn].writable[at / 4] = writable;
	tree[fn].reg[at / 4] |= value;
	return at;
}

static void with_extended(u32 fn)
{
	u32 serial = tree_ext(fn, 0x03, 0);

	tree[fn].reg[serial / 4 + 1] = 0x11223344;
	tree[fn].reg[serial / 4 + 2] = 0x55667788;
	with_control(fn, 0x0f, 1, 0x801f0000, 0x80000020); /* ATS, on */
	with_control(fn, 0x13, 1, 3, 1);                   /* page requests */
	with_control(fn, 0x1b, 1, 0x00070000, 0x00011006); /* PASIDs, 16 bits */
	with_control(fn, 0x10, 2, 0x1f, 9);                /* virtual functions */
	with_control(fn, 0x0e, 1, 0x00730000, 0x00010000); /* alternative routing */
}

static void with_list(u32 fn)
{
	u32 pm = tree_cap(fn, 0x01, 2, 0), msi = tree_cap(fn, 0x05, 4, 0), msix = tree_cap(fn, 0x11, 3, 0);

	tree[fn].writable[pm / 4 + 1] = 0x8103;
	tree[fn].reg[msi / 4] |= 0x00010000;
	tree[fn].writable[msi / 4] = 0x00710000;
	tree[fn].reg[msix / 4] |= 0x80000000;
	tree[fn].writable[msix / 4] = 0xc0000000;
}

/* An express device with all kinds of memory, which was on. */
static u32 rich(u32 parent, u32 device, u32 id)
{
	u32 fn = tree_endpoint(parent, device, id);

	tree_bar(fn, 0, 0x4000, 0);
	tree_bar(fn, 1, 0x20, BAR_KIND_IO);
	tree_bar(fn, 2, 1u << 20, BAR_KIND_64 | BAR_KIND_PREF);
	tree[fn].reg[12] = 0xfe000001;
	tree[fn].writable[12] = 0xfffff801;
	with_list(fn);
	tree[fn].reg[tree_pcie(fn, 0, true) / 4 + 9] = 1u << 21; /* prefixes pass */
	tree_acs(fn, 0x0d);
	with_extended(fn);
	return fn;
}

static u32 port(u32 parent, u32 device, u32 type, u32 secondary, u32 subordinate)
{
	u32 fn = tree_bridge(parent, 0, device, (int)type), at = tree[fn].last_cap;

	tree[fn].reg[6] = subordinate << 16 | secondary << 8;
	tree[fn].reg[at / 4 + 9] = 1u << 21;
	tree_acs(fn, 0x1d); /* translation blocking would go, for the ATS below */
	return fn;
}

static struct machine *machine_make(void)
{
	struct machine *m = tree_begin();
	u32 root, slot, up, down, conventional, huge;

	m->pci[0].bus_last = 15;
	m->pci[0].ats = true;
	tree_add(TREE_ROOT, 0, 0, 0, 0x00081b36, 0x060000);
	root = port(TREE_ROOT, 1, 4, 3, 3);
	rich(root, 0, 0x11112222);
	slot = tree_add(TREE_ROOT, 0, 2, 0, 0x33334444, 0x010000);
	tree_multi(slot);
	tree_pcie(slot, 0, false);
	tree_acs(slot, 0x0c);
	slot = tree_add(TREE_ROOT, 0, 2, 1, 0x33334444, 0x010000);
	tree_pcie(slot, 0, false);
	tree_acs(slot, 0x08); /* no redirection of requests: one group */
	up = port(port(TREE_ROOT, 3, 4, 5, 8), 0, 5, 6, 8);
	down = port(up, 0, 6, 7, 7);
	rich(down, 0, 0x55556666);
	down = port(up, 1, 6, 8, 8);
	tree_bar(tree_endpoint(down, 0, 0x77778888), 0, 0x100, 0);
	conventional = tree_bridge(TREE_ROOT, 0, 4, -1);
	tree[conventional].reg[6] = 0x000a0a00;
	tree_bar(tree_endpoint(conventional, 1, 0x9999aaaa), 0, 0x1000, 0);
	tree_virtio(TREE_ROOT, 5, 0x1042, true);
	huge = tree_endpoint(TREE_ROOT, 6, 0xbbbbcccc);
	tree_bar(huge, 0, 8ull << 30, BAR_KIND_64 | BAR_KIND_PREF);
	huge = tree_endpoint(TREE_ROOT, 7, 0xbbbbcccd);
	tree_bar(huge, 4, 8ull << 30, BAR_KIND_64);
	for (u32 i = 0; i < tree_count; i++)
		tree[i].reg[1] |= 7;
	return m;
}

/* --- what a boot without a failure makes of it */

static struct pci_function good_function[64];
static struct pci_state good_state[64];
static struct tree_fn good_tree[64];
static u32 good_index[64]; /* of a function of the tree, in the record */
static u32 good_count;

/* Index of a tree's function in the record, by where hardware has it now; ~0u: it is not there. */
static u32 index_of(u32 fn)
{
	const struct tree_fn *f = &tree[fn];
	u32 bus = f->parent == TREE_ROOT ? f->bus : tree[f->parent].reg[6] >> 8 & 255;

	/* Behind a bridge that has no number nothing can be. */
	return f->parent != TREE_ROOT && bus == 0 ? RECORD_NONE : record_find(f->host, bus << 8 | f->devfn);
}

static void boot_without_a_failure(void)
{
	tree_boot(machine_make());
	tree_check_layout(pci_machine);
	assert_int_equal(pci_function_count, tree_count);
	good_count = tree_count;
	memcpy(good_function, pci_function, sizeof(good_function));
	memcpy(good_state, pci_state, sizeof(good_state));
	memcpy(good_tree, tree, sizeof(good_tree));
	for (u32 i = 0; i < tree_count; i++)
		good_index[i] = index_of(i);
}

/* --- a boot with one */

static bool below(u32 fn, u32 of)
{
	for (; fn != TREE_ROOT; fn = tree[fn].parent)
		if (fn == of)
			return true;
	return false;
}

/* It may be missing: it was hit, or the first of its slot was, or what is above was. */
static bool may_be_missing(u32 fn)
{
	const struct tree_fn *hit = &tree[tree_fault.fn];

	for (u32 i = 0; i < tree_count; i++)
		if (below(fn, i) && tree[i].parent == hit->parent && tree[i].bus == hit->bus &&
		    tree[i].devfn >> 3 == hit->devfn >> 3 && (i == tree_fault.fn || (hit->devfn & 7) == 0))
			return true;
	return false;
}

/* Where a missing function makes room, others move: their numbers, addresses and groups may differ, what they are may not. */
static bool is_the_same_function(u32 fn)
{
	const struct pci_function *is = &pci_function[index_of(fn)], *was = &good_function[good_index[fn]];
	const struct pci_state *s = &pci_state[index_of(fn)], *t = &good_state[good_index[fn]];

	for (u32 i = 0; i < PCI_BARS; i++)
		if (is->bar[i].size != was->bar[i].size || is->bar[i].space != was->bar[i].space)
			return false;
	return is->vendor == was->vendor && is->device_id == was->device_id && is->class_code == was->class_code &&
	       is->bridge == was->bridge && is->no_iommu == was->no_iommu && is->cap_pm == was->cap_pm && is->cap_msi == was->cap_msi &&
	       is->cap_msix == was->cap_msix && is->cap_pcie == was->cap_pcie && is->cap_af == was->cap_af &&
	       is->cap_acs == was->cap_acs && is->cap_ari == was->cap_ari && is->cap_ats == was->cap_ats &&
	       is->cap_sriov == was->cap_sriov && is->cap_pri == was->cap_pri && is->cap_pasid == was->cap_pasid &&
	       is->pasid_bits == was->pasid_bits && (is->ats == was->ats || is->bridge) && is->intx_pin == was->intx_pin &&
	       s->pcie_type == t->pcie_type && s->reset == t->reset && s->devctl == t->devctl && s->timing == t->timing &&
	       s->cap_serial == t->cap_serial && s->has_io == t->has_io && s->has_pref == t->has_pref &&
	       memcmp(s->row, t->row, sizeof(s->row)) == 0;
}

static bool is_the_same_machine(u32 n)
{
	for (u32 i = 0; i < tree_count; i++)
		for (u32 k = 0; k < 1024; k++)
			if (tree[i].reg[k] != good_tree[i].reg[k])
				suite_fail("point %u, at function %u: register %#x of function %u is %#x, not %#x", n, tree_fault.fn, 4 * k, i,
					   tree[i].reg[k], good_tree[i].reg[k]);
	for (u32 i = 0; i < pci_function_count; i++)
		if (memcmp(&pci_function[i], &good_function[i], sizeof(good_function[i])) != 0 ||
		    memcmp(&pci_state[i], &good_state[i], sizeof(good_state[i])) != 0)
			suite_fail("point %u, at function %u: the record of function %u differs", n, tree_fault.fn, i);
	return true;
}

/* It is off, but if it was never there to be told: the IOMMU has no stream for it. */
static void is_the_machine_without_it(u32 n, bool gone)
{
	u32 there = 0;

	for (u32 i = 0; i < tree_count; i++) {
		if (index_of(i) != RECORD_NONE) {
			there++;
			if (!is_the_same_function(i))
				suite_fail("point %u, at function %u: function %u is another now", n, tree_fault.fn, i);
		} else if (!may_be_missing(i) || ((tree[i].reg[1] & 7) != 0 && !gone)) {
			suite_fail("point %u, at function %u: function %u is missing, command %#x", n, tree_fault.fn, i, tree[i].reg[1]);
		}
	}
	assert_int_equal(there, pci_function_count);
}

enum end { REFUSED,
	   WHOLE,
	   WITHOUT };
static u32 ends[3];

static void boot_ended(u32 n, enum status status, const char *why, bool gone)
{
	assert_int_equal(tree_masters, 0);
	assert_int_equal(tree_conflicts, 0);
	if (status != OK) {
		if (strncmp(why, "0000:", 5) != 0)
			suite_fail("point %u: refused with \"%s\"", n, why);
		ends[REFUSED]++;
	} else if (pci_function_count == good_count) {
		is_the_same_machine(n);
		ends[WHOLE]++;
	} else {
		is_the_machine_without_it(n, gone);
		ends[WITHOUT]++;
	}
}

static void fault_plant(enum kind kind, u32 n)
{
	tree_fault.for_ever = kind == BOOT_GONE;
	*(kind == BOOT_WRITE ? &tree_fault.write_nth : &tree_fault.read_nth) = n;
}

static void boots(enum kind kind, u32 least)
{
	u32 n = 1;

	boot_without_a_failure();
	for (; n < N_LIMIT; n++) {
		struct machine *m;
		enum status status;
		const char *why;
		bool hit;

		fake_reset();
		m = machine_make();
		fault_plant(kind, n);
		status = tree_try(m, &why);
		hit = tree_fault.hit;
		tree_fault.for_ever = false;
		boot_ended(n, status, why, kind == BOOT_GONE);
		if (!hit)
			break;
		points[kind]++;
	}
	assert_true(n > least && n < N_LIMIT && ends[REFUSED] > 0 && ends[WHOLE] > 0);
}

static void G6_E9_boot_with_a_failing_read(void **state UNUSED) { boots(BOOT_READ, 500); }

static void G6_E9_boot_with_a_function_gone(void **state UNUSED) { boots(BOOT_GONE, 500); }

static void G6_E9_boot_with_a_lost_write(void **state UNUSED) { boots(BOOT_WRITE, 200); }

/* A function that becomes another on the way: it is refused, or what the record says of it is true of the one that is there. */
static void G6_function_that_is_another_in_the_end(void **state UNUSED)
{
	u32 n = 1, refused = 0;
	bool swapped = true;

	for (; swapped; n++) {
		struct machine *m;
		const char *why;
		u32 fn;

		fake_reset();
		m = tree_begin();
		m->pci[0].bus_last = 1;
		fn = tree_endpoint(TREE_ROOT, 5, 0x11112222);
		tree[fn].swap_at = n;
		tree[fn].swap_id = 0x33334444;
		if (tree_try(m, &why) == OK)
			assert_int_equal(tree_record(fn)->device_id << 16 | tree_record(fn)->vendor, tree[fn].reg[0]);
		else
			refused++;
		swapped = tree[fn].swap_at == 0;
	}
	assert_true(n > 4 && refused == 1);
}

/* Half of its features look like the one that matters. */
static struct machine *one_that_bypasses(void)
{
	struct machine *m = tree_begin();

	m->pci[0].bus_last = 1;
	tree[tree_virtio(TREE_ROOT, 5, 0x1042, false)].features[0] = ~0u >> 1;
	return m;
}

static void V1_E9_virtio_that_bypasses_is_refused_whatever_fails(void **state UNUSED)
{
	for (u32 i = 0; i < 3; i++) {
		const enum kind kind = i == 0 ? BOOT_READ : i == 1 ? BOOT_GONE :
								     BOOT_WRITE;
		bool hit = true;

		for (u32 n = 1; hit; n++) {
			struct machine *m;
			enum status status;
			const char *why;

			fake_reset();
			m = one_that_bypasses();
			fault_plant(kind, n);
			status = tree_try(m, &why);
			hit = tree_fault.hit;
			if (status == OK && pci_function_count != 0)
				suite_fail("point %u of the %s: it is taken", n, kind_name[kind]);
			points[kind] += hit;
			assert_true(n < N_LIMIT);
		}
	}
}

/* --- accesses of VMs, and what the core switches, behind a boot without a failure */

static struct device *device;
static u32 subject; /* of the tree: the device's only function */

static void world(void)
{
	struct machine *m;

	fake_reset();
	m = machine_make();
	subject = 2;
	tree_boot(m);
	device = tree_device(&tree_primary, (int)subject, -1);
	pci_config_write(&tree_primary, 0, tree_ecam(subject) + 4, 2, 0x407);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x407);
}

struct access {
	u32 offset, width, value;
	bool write;
};

static u32 access_make(const struct access *a, u64 at)
{
	if (!a->write)
		return pci_config_read(&tree_primary, 0, at + a->offset, a->width);
	pci_config_write(&tree_primary, 0, at + a->offset, a->width, a->value);
	return 0;
}

/* All registers of a function and its state are as at one moment or another. */
static struct moment {
	u32 reg[1024];
	struct pci_state state;
} before, after, now;

static void moment_take(struct moment *m)
{
	memcpy(m->reg, tree[subject].reg, sizeof(m->reg));
	m->state = pci_state[index_of(subject)];
}

static bool moment_is(const struct moment *m)
{
	moment_take(&now);
	return memcmp(m, &now, sizeof(now)) == 0;
}

static void moment_back(const struct moment *m)
{
	memcpy(tree[subject].reg, m->reg, sizeof(m->reg));
	pci_state[index_of(subject)] = m->state;
}

/* An access whose reads fail has had no effect, or all that it has; what is read are ones where hardware is shown. */
static void access_points(const struct access *a)
{
	const u64 at = tree_ecam(subject);
	u32 good, is;

	tree_fault = (struct tree_fault){ 0 };
	moment_take(&before);
	good = access_make(a, at);
	moment_take(&after);
	moment_back(&before);
	for (u32 n = 1;; n++) {
		tree_fault = (struct tree_fault){ .read_nth = n };
		is = access_make(a, at);
		if (!moment_is(&before) && !moment_is(&after))
			suite_fail("%s of %u bytes at %#x, value %#x, read %u: half done", a->write ? "write" : "read", a->width, a->offset,
				   a->value, n);
		if ((is & good) != good)
			suite_fail("read at %#x: %#x, not ones or %#x", a->offset, is, good);
		moment_back(&before);
		if (!tree_fault.hit)
			break;
		points[ACCESS_READ]++;
	}
}

static void E9_V10_accesses_with_a_failing_read(void **state UNUSED)
{
	static const u32 values[] = { 0, 0xffffffff, 0x5a5a5a5a, 0x00000407 };

	world();
	for (u32 width = 1; width <= 4; width *= 2)
		for (u32 offset = 0; offset < 0x300; offset += width) {
			struct access a = { .offset = offset, .width = width };

			access_points(&a);
			a.write = true;
			for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
				a.value = values[i];
				access_points(&a);
			}
		}
	assert_true(points[ACCESS_READ] > 150);
}

static void stop(void) { pci_device_master(device, false); }

static void go(void) { pci_device_master(device, true); }

static void no_line(void) { pci_device_intx(device, false); }

static void line(void) { pci_device_intx(device, true); }

static void pasids(void) { pci_endpoint_pasids(device, 0); }

static void ats_on(void) { pci_endpoint_ats(device, 0, true); }

static void ats_off(void) { pci_endpoint_ats(device, 0, false); }

/* One read that fails changes nothing of what comes out; who is gone is not seen, and masters nothing when it is back. */
static void switch_points(void (*make)(void), enum kind kind)
{
	tree_fault = (struct tree_fault){ 0 };
	moment_take(&before);
	make();
	moment_take(&after);
	moment_back(&before);
	for (u32 n = 1;; n++) {
		tree_fault = (struct tree_fault){ .read_nth = n, .for_ever = kind != SWITCH_READ, .takes = kind == SWITCH_MUTE };
		make();
		tree_fault.for_ever = false;
		if (!moment_is(&after) && kind == SWITCH_READ)
			suite_fail("read %u: command %#x, not %#x", n, now.reg[1], after.reg[1]);
		if (now.state.stopped != after.state.stopped || now.state.intx_denied != after.state.intx_denied)
			suite_fail("read %u: the record does not say what was asked for", n);
		if ((tree[subject].reg[1] & 7 & ~before.reg[1] & ~after.reg[1]) != 0)
			suite_fail("read %u: command %#x says more than anybody set", n, tree[subject].reg[1]);
		moment_back(&before);
		if (!tree_fault.hit)
			break;
		points[kind]++;
	}
	moment_back(&after);
}

static void switches(enum kind kind)
{
	static void (*const all[])(void) = { ats_on, pasids, no_line, stop, no_line, go, line, stop, line, stop, go, no_line, ats_off };
	static const u32 commands[] = { 0x007, 0x406, 0x402, 0x000, 0x400 };

	for (u32 i = 0; i < ARRAY_SIZE(commands); i++) {
		world();
		pci_config_write(&tree_primary, 0, tree_ecam(subject) + 4, 2, commands[i]);
		for (u32 k = 0; k < ARRAY_SIZE(all); k++)
			switch_points(all[k], kind);
	}
	assert_true(points[kind] >= 5 * 8);
}

static void E9_V10_switches_with_a_failing_read(void **state UNUSED) { switches(SWITCH_READ); }

static void E9_switches_of_a_function_that_is_gone(void **state UNUSED) { switches(SWITCH_GONE); }

static void E9_switches_of_a_function_that_is_mute(void **state UNUSED) { switches(SWITCH_MUTE); }

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(G6_E9_boot_with_a_failing_read),
		cmocka_unit_test(G6_E9_boot_with_a_function_gone),
		cmocka_unit_test(G6_E9_boot_with_a_lost_write),
		cmocka_unit_test(G6_function_that_is_another_in_the_end),
		cmocka_unit_test(V1_E9_virtio_that_bypasses_is_refused_whatever_fails),
		cmocka_unit_test(E9_V10_accesses_with_a_failing_read),
		cmocka_unit_test(E9_V10_switches_with_a_failing_read),
		cmocka_unit_test(E9_switches_of_a_function_that_is_gone),
		cmocka_unit_test(E9_switches_of_a_function_that_is_mute),
	};
	const char *before = ":";
	u32 all = 0;
	int failed;

	points = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (points == MAP_FAILED)
		return 2;
	failed = SUITE("pci_inject", cases);
	for (u32 i = 0; i < KINDS; i++)
		all += points[i];
	printf("ok pci_inject.points: %u in all", all);
	for (u32 i = 0; i < KINDS; i++, before = ",")
		printf("%s %u %s", before, points[i], kind_name[i]);
	printf("\n");
	return failed;
}
