/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_play.h"

#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmm.h"

/* What is played with, and behind it as much as one call takes at most: behind that is the image. */
#define ARENA_BYTES (align_up(PLAY_PAGES * PAGE, BLOCK_2M) + PC_POOL_MAX * PAGE)
#define AT          0x90000000ul /* in secondaries; the service image is at 0x80000000 */
#define CANARIES    64u          /* pages */
#define CANARY      0xc0ffee0000000000ul
#define HEAP_PAGES  4u
#define HEAP_WORD   0x5ec2e70000000000ul
#define MAX_KNOWN   512u
#define MAX_DOMAINS 1024u
#define MAX_ENDS    8u
#define RUNS        64u /* of a vCPU for one call */
#define TURNS       3u  /* of an assignment that waits for a reset */
#define PRIMARY     PC_VM_PRIMARY
#define IN_POOL     0x80000000u /* of an owner */

/* A VM that was made in this round. */
struct known {
	u32 handle;
	enum play_state state;
};

struct known_device {
	u32 vm; /* 0: nobody has assigned it */
	u32 pviommu;
	u32 vsid[MAX_ENDS]; /* plus one; 0: none */
	u64 domain[MAX_ENDS];
	u32 count;
	u32 bdf[MAX_ENDS]; /* of the function that answers as endpoint n */
	u64 regs[MAX_ENDS];
	u32 id[MAX_ENDS];
	struct spinlock lock;
};

struct slot {
	struct vmm vm;
	struct spinlock lock;
};

static struct slot slot[PLAY_VMS];
static struct play play[MAX_CPUS];
static struct record record[MAX_CPUS];
static struct fuzz_sums sums[MAX_CPUS];
/* A page for each CPU, for VCPU_RUN; beside it, what testdevs compare with. */
static u8 exits[MAX_CPUS][PAGE] __attribute__((aligned(PAGE)));

/* What is known of this round; hints, written under the lock and read without. */
static struct spinlock lock;
static struct known known[MAX_KNOWN];
static u32 known_count;
static u64 domains[MAX_DOMAINS];
static u32 domain_count;
static u32 owner[PLAY_PAGES];  /* handle, perhaps IN_POOL */
static u64 where[PLAY_PAGES];  /* IPA in its owner */
static struct known_device device[PLAY_DEVICES];
static u32 device_count;
static u64 arena, canaries;

/* The first answer that no table has. */
static struct bad {
	u64 r[7];
	struct hres answer;
	u32 who;
	u32 found;
} bad;

static u32 this_cpu(void) { return cpu_this()->index; }

uint64_t play_below(struct play *p, uint64_t limit)
{
	(void)p;
	return record_below(&record[this_cpu()], limit);
}

/* --- what is whose */

static struct known *known_of(u32 handle)
{
	for (u32 i = known_count; i-- > 0;) {
		if (known[i].handle == handle)
			return &known[i];
	}
	return NULL;
}

static u32 handle_of(const struct play *p, u32 who) { return who == PLAY_PRIMARY ? PRIMARY : p->vm[who]; }

enum play_state play_state_of(struct play *p, uint32_t handle)
{
	const struct known *k = known_of(handle);

	(void)p;
	return k ? k->state : PLAY_GONE;
}

bool play_owns(struct play *p, uint32_t who, uint64_t n)
{
	u32 handle = handle_of(p, who);

	return handle && owner[n] == handle;
}

uint64_t play_ipa_of(struct play *p, uint32_t who, uint64_t n)
{
	(void)p;
	(void)who;
	return where[n];
}

static void pages_go(u64 at, u64 pages, u32 to, u64 ipa)
{
	for (u64 n = (at - arena) / PAGE, i = 0; i < pages && n < PLAY_PAGES; i++, n++) {
		owner[n] = to;
		where[n] = ipa + i * PAGE;
	}
}

static void vm_is(u32 handle, enum play_state state)
{
	struct known *k = known_of(handle);

	if (!k && known_count < MAX_KNOWN)
		k = &known[known_count++];
	if (k)
		*k = (struct known){ handle, state };
	for (u32 n = 0; state == PLAY_GONE && n < PLAY_PAGES; n++) {
		if ((owner[n] & ~IN_POOL) == handle)
			owner[n] = PRIMARY;
	}
	for (u32 d = 0; state == PLAY_GONE && d < device_count; d++) {
		if (device[d].vm == handle)
			device[d].vm = 0;
	}
}

static void note_destroy(u32 handle, struct hres r)
{
	if (hres_ok(r) && known_of(handle))
		vm_is(handle, r.r1 ? PLAY_DYING : PLAY_GONE);
	else if (hres_status(r) == PC_NOT_FOUND && known_of(handle))
		vm_is(handle, PLAY_GONE);
}

static void note_device(u32 function, u64 n, u64 a, u64 b)
{
	struct known_device *d = &device[n];

	if (n >= device_count)
		return;
	if (function == PC_DEV_SET_END_POINT_VSID) {
		if (a < MAX_ENDS)
			d->vsid[a] = (u32)b + 1;
		return;
	}
	d->vm = function == PC_DEV_ASSIGN ? (u32)a : 0;
	d->pviommu = (u32)b;
	memset(d->vsid, 0, sizeof(d->vsid));
	memset(d->domain, 0, sizeof(d->domain));
}

static void note_attach(u32 handle, u64 pviommu, u64 vsid, u64 domain)
{
	for (u32 d = 0; d < device_count; d++) {
		for (u32 e = 0; e < MAX_ENDS; e++) {
			if (device[d].vm == handle && device[d].pviommu == pviommu && device[d].vsid[e] == vsid + 1)
				device[d].domain[e] = domain;
		}
	}
}

static void note_relinquish(u32 handle, u64 ipa)
{
	for (u32 n = 0; n < PLAY_PAGES; n++) {
		if (owner[n] == handle && where[n] == ipa)
			owner[n] = PRIMARY;
	}
}

static void note_pv(u32 handle, const u64 *r, struct hres answer)
{
	switch (r[1]) {
	case PVIOMMU_ALLOC_DOMAIN:
	case PVIOMMU_ALLOC_NESTED:
		if (handle == PRIMARY && domain_count < MAX_DOMAINS)
			domains[domain_count++] = answer.r1;
		break;
	case PVIOMMU_ATTACH_DEV:
		note_attach(handle, r[2], r[3], r[5]);
		break;
	case PVIOMMU_DETACH_DEV:
		note_attach(handle, r[2], r[3], 0);
		break;
	default:
		break;
	}
}

static void note(u32 handle, const u64 *r, struct hres answer)
{
	u32 function = (u32)r[0] & ~PC_SVE_HINT;

	if (function == (PC_VM_DESTROY & ~PC_SVE_HINT)) {
		note_destroy((u32)r[1], answer);
		return;
	}
	if (!hres_ok(answer))
		return;
	switch ((u32)r[0]) {
	case PC_VM_CREATE:
		vm_is((u32)answer.r1, PLAY_BUILDING);
		pages_go(r[3], r[4], (u32)answer.r1 | IN_POOL, 0);
		break;
	case PC_VM_ADD_POOL:
		pages_go(r[2], r[3], (u32)r[1] | IN_POOL, 0);
		break;
	case PC_VM_DONATE:
		pages_go(r[3], answer.r1, (u32)r[1], r[2]);
		break;
	case PC_VM_FINALISE:
	case PC_VCPU_RUN:
		if (play_state_of(NULL, (u32)r[1]) == PLAY_BUILDING)
			vm_is((u32)r[1], PLAY_RUNNING);
		break;
	case PC_DEV_ASSIGN:
	case PC_DEV_RELEASE:
	case PC_DEV_SET_END_POINT_VSID:
		note_device((u32)r[0], r[1], r[2], r[3]);
		break;
	case PC_MEM_RELINQUISH:
		note_relinquish(handle, r[1]);
		break;
	case PC_PVIOMMU_OP:
		note_pv(handle, r, answer);
		break;
	default:
		break;
	}
}

/* --- calls */

static bool is_ours(u64 function)
{
	return ((u32)function & ~(PC_FN_MASK | PC_SVE_HINT)) == (PC_FN_BASE & ~PC_SVE_HINT) && (function & PC_FN_MASK) != 0;
}

/* V10, as far as a guest sees it: a status of the table, and zeros beside one that is not SUCCESS. */
static bool answer_is_good(const u64 *r, struct hres a)
{
	long status = hres_status(a);

	if (!is_ours(r[0]))
		return true;
	if (a.compatible && (long)a.r0 > 0)
		return true;
	return status == PC_SUCCESS || strcmp(status_name(status), "an unknown status") != 0;
}

static void judge(const struct play_call *c, struct hres a)
{
	struct fuzz_sums *s = &sums[this_cpu()];

	s->calls++;
	s->of_secondaries += c->who != PLAY_PRIMARY;
	s->well += hres_ok(a);
	s->kind[c->kind] += hres_ok(a);
	if (answer_is_good(c->r, a))
		return;
	spin_lock(&lock);
	if (!bad.found) {
		memcpy(bad.r, c->r, sizeof(bad.r));
		bad.answer = a;
		bad.who = c->who;
		bad.found = 1;
	}
	spin_unlock(&lock);
}

static bool try_lock(struct spinlock *l) { return !__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE); }

static struct hres run_vcpu(u64 handle, u64 vcpu, u64 exit)
{
	struct hres r;

	gic_timer_arm(time_ticks() + time_ms(2));
	r = hcall(PC_VCPU_RUN, handle, vcpu, exit, 0, 0, 0);
	gic_timer_off();
	return r;
}

/* The mail page is not ours from one moment to the next when another CPU destroys the VM. */
static bool mail_write(struct mail *mail, const u64 *r)
{
	bool there = true;
	u64 name = 0;

	memcpy(&name, "call", 4);
	there = there && TRY(mmio_write64((u64)mail->service, name));
	for (u32 i = 0; i < 7 && there; i++)
		there = TRY(mmio_write64((u64)&mail->arg[i], r[i]));
	return there && TRY(mmio_write32((u64)&mail->state, MAIL_GIVEN));
}

static bool mail_read(struct mail *mail, const u64 *r, struct hres *out)
{
	u64 v[4] = { 0 };
	u32 state = 0, number = (u32)r[0] & PC_FN_MASK;

	if (!TRY(state = mmio_read32((u64)&mail->state)) || state != MAIL_DONE)
		return false;
	for (u32 i = 0; i < 4; i++) {
		if (!TRY(v[i] = mmio_read64((u64)&mail->result[i])))
			return false;
	}
	*out = (struct hres){ v[0], v[1], v[2], v[3],
			      number == 62 ? r[1] < PVIOMMU_OP_FIRST_OURS : number >= 2 && number <= 63 };
	return true;
}

/* The service image makes it; false: it did not come to it. */
static bool call_of_slot(struct slot *s, const u64 *r, struct hres *out)
{
	struct pc_vcpu_exit *e = s->vm.exit;

	if (!mail_write(s->vm.mail, r))
		return false;
	for (u32 n = 0; n < RUNS; n++) {
		struct hres run;

		e->size = sizeof(*e);
		run = run_vcpu(s->vm.handle, 0, (u64)e);
		if (hres_status(run) == PC_BUSY)
			continue;
		if (!hres_ok(run) || run.r1 == PC_EXIT_DEAD)
			return false;
		if (run.r1 == PC_EXIT_MMIO && e->ipa == DOORBELL_READY && mail_read(s->vm.mail, r, out))
			return true;
	}
	return false;
}

static bool call_of_secondary(u32 handle, const u64 *r, struct hres *out)
{
	for (u32 i = 0; i < PLAY_VMS; i++) {
		bool made;

		if (slot[i].vm.handle != handle || !try_lock(&slot[i].lock))
			continue;
		made = call_of_slot(&slot[i], r, out);
		spin_unlock(&slot[i].lock);
		return made;
	}
	return false;
}

static struct hres call_of_primary(const struct play_call *c)
{
	const u64 *r = c->r;
	struct hres a;

	if ((u32)r[0] == PC_VCPU_RUN)
		return run_vcpu(r[1], r[2], r[3]);
	a = hcall(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
	for (u32 n = 0; n < TURNS && c->kind == PLAY_ASSIGN && hres_ok(a) && a.r1 == 1; n++) {
		gic_sleep_ms(1);
		a = hcall(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
	}
	return a;
}

struct play_answer play_make(struct play *p, const struct play_call *c)
{
	u32 handle = handle_of(p, c->who);
	struct hres a;

	if (c->who == PLAY_PRIMARY)
		a = call_of_primary(c);
	else if (!call_of_secondary(handle, c->r, &a))
		return (struct play_answer){ PC_NOT_FOUND, 0 };
	judge(c, a);
	spin_lock(&lock);
	note(handle, c->r, a);
	spin_unlock(&lock);
	return (struct play_answer){ hres_status(a), a.r1 };
}

void play_setting(struct play *p, uint32_t cpu, uint32_t turns)
{
	(void)p;
	(void)cpu;
	(void)turns;
}

bool play_exit_ready(struct play *p)
{
	struct pc_vcpu_exit *e = (struct pc_vcpu_exit *)p->exit;

	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	return true;
}

bool play_named(struct play *p, uint32_t who, uint32_t start, struct play_name *name)
{
	u32 handle = handle_of(p, who);

	for (u32 i = 0; i < device_count; i++) {
		const struct known_device *d = &device[(start + i) % device_count];
		u32 e = (u32)play_below(p, d->count);

		if (d->vm != handle || !d->vsid[e])
			continue;
		*name = (struct play_name){ d->pviommu, d->vsid[e] - 1, d->domain[e] };
		return true;
	}
	return false;
}

/* --- DMA */

bool play_unassigned(struct play *p, uint32_t n)
{
	(void)p;
	return !device[n].vm;
}

/* Registers may be another VM's now: each access stands alone. */
static void edu_starts(u64 regs, u64 at, u32 bytes, bool write)
{
	u64 buffer = 0x40000;

	(void)!TRY(mmio_write64(regs + 0x80, write ? buffer : at));
	(void)!TRY(mmio_write64(regs + 0x88, write ? at : buffer));
	(void)!TRY(mmio_write64(regs + 0x90, bytes));
	(void)!TRY(mmio_write64(regs + 0x98, write ? 3 : 1));
}

static void testdev_starts(u64 regs, u64 at)
{
	static const u32 order[] = { 0x04, 0x08, 0x1c, 0x20, 0x0c, 0x18, 0x14 };
	const u32 value[] = { (u32)at, (u32)(at >> 32), (u32)canaries, 0, 4, 0xa, 1 };
	u32 result;

	for (u32 i = 0; i < ARRAY_COUNT(order); i++)
		(void)!TRY(mmio_write32(regs + order[i], value[i]));
	dsb();
	(void)!TRY(result = mmio_read32(regs));
	(void)result;
}

void play_dma(struct play *p, uint32_t n, uint32_t endpoint, uint64_t at, bool write)
{
	struct known_device *d = &device[n];

	(void)p;
	if (endpoint >= MAX_ENDS || !d->regs[endpoint] || !try_lock(&d->lock))
		return;
	if (d->id[endpoint] == EDU_ID)
		edu_starts(d->regs[endpoint], at, (u32)(PAGE - at % PAGE), write);
	else
		testdev_starts(d->regs[endpoint], at);
	sums[this_cpu()].dma++;
	spin_unlock(&d->lock);
}

void play_word(struct play *p, uint64_t n, uint64_t offset, uint64_t value)
{
	(void)p;
	if (owner[n] == PRIMARY)
		(void)!TRY(mmio_write64(arena + n * PAGE + offset, value));
}

/* A secondary's own memory is its own; the primary's may go from one moment to the next. */
void play_own_word(struct play *p, uint32_t who, uint64_t at, uint32_t value)
{
	(void)p;
	if (who == PLAY_PRIMARY)
		(void)!TRY(mmio_write32(at, value));
}

/* What hardware does by itself is QEMU's; resets get on meanwhile, and there is DMA under way. */
void play_hardware(struct play *p, uint32_t kind)
{
	if (kind == 28)
		gic_sleep_ms(1);
	else if (kind > 28)
		play_some_call(p);
	else
		play_some_dma(p);
}

void fuzz_record(const u8 *bytes)
{
	record_begin(&record[this_cpu()], bytes);
	play_action(&play[this_cpu()]);
}

/* --- a round */

static void find_functions(u32 n)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		u32 at, endpoint, bdf = pci_functions[i].bdf;

		if ((pci_functions[i].id != TESTDEV_ID && pci_functions[i].id != EDU_ID) ||
		    !rig_find_device(bdf, &at, &endpoint) || at != n || endpoint >= MAX_ENDS)
			continue;
		device[n].bdf[endpoint] = bdf;
		device[n].regs[endpoint] = pci_bar(bdf, 0).base;
		device[n].id[endpoint] = pci_functions[i].id;
		pci_enable(bdf);
	}
}

/* The hypervisor's image: what nobody may have, as the other addresses are that a record chooses from. */
static struct range hypervisor(void)
{
	const char *hyp = machine_bootarg("hyp");
	unsigned long start = 0, end = 0;

	REQUIRE(hyp && sscanf(hyp, "%lx-%lx", &start, &end) == 2 && start < end, "the boot arguments have no hyp=START-END");
	return (struct range){ start, end - start };
}

void fuzz_open(void)
{
	struct range free = ram_free();
	struct range hyp = hypervisor();

	arena = align_down(free.base + free.size - ARENA_BYTES, BLOCK_2M);
	canaries = arena - CANARIES * PAGE;
	for (u64 at = canaries; at < arena; at += 8)
		*(u64 *)at = CANARY ^ at;
	device_count = (u32)OK(dev_count()).r1;
	if (device_count > PLAY_DEVICES)
		device_count = PLAY_DEVICES;
	for (u32 n = 0; n < device_count; n++) {
		u64 ends = OK(dev_endpoint_count(n)).r1;

		device[n].count = ends < MAX_ENDS ? (u32)ends : MAX_ENDS;
		find_functions(n);
	}
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		struct play *p = &play[cpu];

		*p = (struct play){
			.pages = arena,
			.any = hyp.base,
			.any_pages = hyp.size / PAGE,
			.at = AT,
			.exit = (u64)exits[cpu],
			.device_count = device_count,
			.event_irq = OK(pv_query(0, PVIOMMU_Q_EVENT_IRQ, 0)).r1,
		};
		for (u32 n = 0; n < device_count; n++) {
			p->endpoints[n] = device[n].count;
			p->bar[n] = device[n].regs[0] ? device[n].regs[0] : arena;
		}
	}
}

void fuzz_round_begin(void)
{
	known_count = domain_count = 0;
	for (u32 n = 0; n < PLAY_PAGES; n++)
		owner[n] = PRIMARY;
	for (u32 n = 0; n < device_count; n++)
		device[n].vm = 0;
	for (u32 i = 0; i < PLAY_VMS; i++) {
		vmm_boot(&slot[i].vm, 1, HEAP_PAGES);
		ASK(&slot[i].vm, "fill", slot[i].vm.heap_ipa, HEAP_PAGES * PAGE / 8, HEAP_WORD);
		vm_is((u32)slot[i].vm.handle, PLAY_RUNNING);
	}
	for (u32 i = 0; i < 2; i++)
		domains[domain_count++] = OK(pv_alloc_domain()).r1;
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		memset(play[cpu].domain, 0, sizeof(play[cpu].domain));
		memset(play[cpu].ring, 0, sizeof(play[cpu].ring));
		for (u32 i = 0; i < PLAY_VMS; i++)
			play[cpu].vm[i] = (u32)slot[i].vm.handle;
		for (u32 i = 0; i < 2; i++)
			play[cpu].domain[PLAY_PRIMARY][i] = (u32)domains[i];
	}
}

/* V1: what only a secondary has is as it left it, whatever devices did. */
static void require_secrets(struct slot *s)
{
	struct vmm *vm = &s->vm;
	u64 words = HEAP_PAGES * PAGE / 8;

	if (play_state_of(NULL, (u32)vm->handle) != PLAY_RUNNING)
		return;
	vmm_begin(vm, "check", (const u64[]){ vm->heap_ipa, words, HEAP_WORD, 1 }, 4);
	if (vmm_run_until(vm, 0, time_ticks() + time_ms(5000)) != VMM_READY || vm->mail->state != MAIL_DONE)
		return;
	REQUIRE(!vm->mail->result[0], "%lu words of a VM's memory are not its own, the first is word %lu: %lx (V1)",
		vm->mail->result[0], vm->mail->result[1], vm->mail->result[2]);
}

/* A VM has more pvIOMMUs than its tree names. */
static void detach_all(void)
{
	u64 pviommus = OK(vmm_query(PC_VMM_Q_MAX_PVIOMMUS)).r1;

	for (u64 id = 0; id < pviommus; id++) {
		struct hres count = pv_query(id, PVIOMMU_Q_VSID_COUNT, 0);

		(void)pv_events_setup(id, 0, 0, 0, 0);
		for (u64 n = 0; hres_ok(count) && n < count.r1; n++) {
			u64 vsid = OK(pv_query(id, PVIOMMU_Q_VSID, n)).r1;

			for (u32 d = 0; d < domain_count; d++)
				(void)pv_detach(id, vsid, 0, domains[d]);
		}
	}
}

static void destroy_all(void)
{
	vmm_clean_up();
	for (u32 i = 0; i < known_count; i++) {
		struct hres r;

		do
			r = vm_destroy(known[i].handle);
		while (hres_ok(r) && r.r1);
	}
}

/* K4: every page is the primary's to use and to give away, so that nothing holds it. */
static void require_all_can_go(void)
{
	static struct vmm taker;

	for (u64 n = 0; n < ARENA_BYTES / PAGE; n++)
		REQUIRE(TRY(mmio_read64(arena + n * PAGE)), "page %lx did not come back (K4)", arena + n * PAGE);
	vmm_create(&taker, 0, 1);
	vmm_donate(&taker, AT, arena, ARENA_BYTES / PAGE, PC_DONATE_KEEP);
	vmm_destroy(&taker);
}

void fuzz_round_end(void)
{
	REQUIRE(!bad.found, "call %lx/%lx(%lx %lx %lx %lx) of %u answers %lx %lx %lx %lx", bad.r[0], bad.r[1], bad.r[2], bad.r[3],
		bad.r[4], bad.r[5], bad.who, bad.answer.r0, bad.answer.r1, bad.answer.r2, bad.answer.r3);
	for (u32 i = 0; i < PLAY_VMS; i++)
		require_secrets(&slot[i]);
	destroy_all();
	detach_all();
	while (domain_count) {
		struct hres r = pv_free_domain(domains[--domain_count]);

		REQUIRE(hres_ok(r) || hres_status(r) == PC_NOT_FOUND, "FREE_DOMAIN of domain %lx, detached, answers %s (K4)",
			domains[domain_count], status_name(hres_status(r)));
	}
	for (u32 n = 0; n < device_count; n++)
		(void)vmm_release_call(n);
	for (u64 at = canaries; at < arena; at += 8)
		REQUIRE(*(u64 *)at == (CANARY ^ at), "DMA reached %lx, which nobody named: %lx (V1)", at, *(u64 *)at);
	require_all_can_go();
}

struct fuzz_sums fuzz_sums(void)
{
	struct fuzz_sums all = { 0 };

	for (u32 i = 0; i < MAX_CPUS; i++) {
		all.calls += sums[i].calls;
		all.of_secondaries += sums[i].of_secondaries;
		all.well += sums[i].well;
		all.dma += sums[i].dma;
		for (u32 k = 0; k < PLAY_KINDS; k++)
			all.kind[k] += sums[i].kind[k];
	}
	return all;
}
