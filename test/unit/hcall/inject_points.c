/* SPDX-License-Identifier: BSD-2-Clause */
/* The n-th of something fails, for every n until the call needs fewer. */
#include "inject_points.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "hyp/upcall.h"

#include "bench_vm.h"
#include "suite.h"

#define N_LIMIT 400u

/* SMMU_GERROR, IHI 0070 6.3.19: EVENTQ_ABT, PRIQ_ABT and the four of MSIs; SFM. */
#define GERROR_GOES_ON 0xfcu
#define GERROR_STOPS   0x100u

extern bool smmuv3_ill_panics; /* of the driver, in test builds */

static const char *const kind_name[KINDS] = {
	"allocations", "commands aborted", "commands refused", "illegal commands", "late devices", "completions",
	"register reads", "registers gone", "global errors", "service failures", "resets", "silences in a boot", "ones in a boot", "wrong reads in a boot", "registers gone in a boot"
};

/* What children leave. */
static struct shared {
	u32 points[KINDS];
	bool reached;
	s64 good;
	struct iommu_caps caps[2];
	struct iommu_common common;
	u32 error_irqs[2];
} *shared;

bool inject_begin(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared != MAP_FAILED;
}

void inject_print(const char *suite)
{
	const char *before = ":";
	u32 all = 0;

	for (u32 i = 0; i < KINDS; i++)
		all += shared->points[i];
	printf("ok %s.points: %u in all", suite, all);
	for (u32 i = 0; i < KINDS; i++) {
		if (shared->points[i] == 0)
			continue;
		printf("%s %u %s", before, shared->points[i], kind_name[i]);
		before = ",";
	}
	printf("\n");
}

/* --- what fails */

static void plant_in(struct smmu *smmu, enum kind kind, u32 n)
{
	switch (kind) {
	case COMMAND_ABORTED:
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ABT);
		break;
	case COMMAND_REFUSED:
		smmu_inject_cerrors(smmu, n, SMMU_CERROR_ABT, 16);
		break;
	case COMMAND_ILLEGAL:
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ILL);
		break;
	case DEVICE_LATE:
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ATC_INV_SYNC);
		break;
	case COMPLETION:
	case BOOT_SILENCE:
		smmu_inject_silence(smmu, n - 1);
		break;
	case REGISTER_READ:
	case BOOT_READ:
		smmu_inject_ones(smmu, n, false);
		break;
	case REGISTERS_GONE:
	case BOOT_GONE:
		smmu_inject_ones(smmu, n, true);
		break;
	case GLOBAL_ERRORS:
		smmu_inject_gerror_at(smmu, n, GERROR_GOES_ON);
		break;
	case SERVICE_FAILURE:
		smmu_inject_gerror_at(smmu, n, GERROR_STOPS);
		break;
	case BOOT_WRONG:
		smmu_inject_wrong(smmu, n);
		break;
	case ALLOCATION:
	case DEVICE_RESET:
	case KINDS:
		break;
	}
}

static void plant(enum kind kind, u32 where, u32 n)
{
	switch (kind) {
	case ALLOCATION:
		/* Without stage 2 a device that goes home needs a context: it stays blocked until it is released again. */
		if (!iommu_common.stage2)
			bench_quarantine_expected();
		pool_fail_after = n;
		break;
	case COMMAND_ILLEGAL:
		smmuv3_ill_panics = false;
		oracle_stand_ins_allowed();
		break;
	case DEVICE_LATE:
		bench_quarantine_expected();
		break;
	case DEVICE_RESET:
		bench_quarantine_expected();
		bench_reset_fails_at = n;
		break;
	case COMMAND_REFUSED:
	case COMPLETION:
	case REGISTER_READ:
	case REGISTERS_GONE:
	case SERVICE_FAILURE:
		bench_hardware_fails();
		break;
	case COMMAND_ABORTED:
	case GLOBAL_ERRORS:
	case BOOT_SILENCE:
	case BOOT_READ:
	case BOOT_WRONG:
	case BOOT_GONE:
	case KINDS:
		break;
	}
	for (u32 i = 0; i < 2; i++)
		if ((where >> i & 1) != 0)
			plant_in(bench_smmu[i], kind, n);
}

/* Takes away what was not reached at this IOMMU; true: it was. */
static bool taken_from(u32 index, enum kind kind)
{
	struct smmu *smmu = bench_smmu[index];
	bool was = false;

	switch (kind) {
	case COMMAND_ABORTED:
	case COMMAND_ILLEGAL:
	case DEVICE_LATE:
		was = smmu_inject_left(smmu) == 0;
		smmu_inject_cerror(smmu, 0, SMMU_CERROR_NONE);
		break;
	case COMMAND_REFUSED:
		was = iommu_instance[index].dead;
		smmu_inject_cerror(smmu, 0, SMMU_CERROR_NONE);
		break;
	case COMPLETION:
	case BOOT_SILENCE:
		was = smmu_silent(smmu);
		if (!was)
			smmu_time(smmu, SMMU_ON_RELAX);
		break;
	case REGISTER_READ:
	case REGISTERS_GONE:
	case BOOT_READ:
	case BOOT_GONE:
		was = smmu_inject_ones_left(smmu) == 0;
		smmu_inject_ones(smmu, 0, false);
		break;
	case GLOBAL_ERRORS:
	case SERVICE_FAILURE:
		was = smmu_inject_gerror_left(smmu) == 0;
		smmu_inject_gerror_at(smmu, 0, 0);
		break;
	case BOOT_WRONG:
		was = smmu_inject_wrong_left(smmu) == 0;
		smmu_inject_wrong(smmu, 0);
		break;
	case ALLOCATION:
	case DEVICE_RESET:
	case KINDS:
		break;
	}
	return was;
}

static bool taken(enum kind kind, u32 where)
{
	bool was = false;

	if (kind == ALLOCATION)
		was = pool_fail_after == 0;
	if (kind == DEVICE_RESET)
		was = bench_reset_fails_at == 0;
	pool_fail_after = bench_reset_fails_at = 0;
	for (u32 i = 0; i < 2; i++)
		if ((where >> i & 1) != 0)
			was |= taken_from(i, kind);
	return was;
}

/* --- in calls */

/* Does the call go on as if nothing had been? */
static bool harmless(enum kind kind)
{
	return kind == COMMAND_ABORTED || kind == COMMAND_ILLEGAL || kind == GLOBAL_ERRORS;
}

static void answer_check(const struct scenario *s, enum kind kind, struct result r, s64 good)
{
	bool fine = r.status == good, was = shared->reached;

	if (was && !fine && kind == ALLOCATION)
		fine = r.status == PC_NO_MEMORY;
	else if (was && !fine && !harmless(kind))
		fine = r.status == PC_IO || r.status == PC_DENIED;
	if (!fine)
		suite_fail("%s: status %lld", s->name, (long long)r.status);
}

/* Nobody is given up for what another one does, nor for what is repaired. */
static void others_live(const struct scenario *s, enum kind kind, u32 where)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].dead && (harmless(kind) || kind == DEVICE_LATE || (where >> i & 1) == 0))
			suite_fail("%s: IOMMU %u was given up", s->name, i);
}

/* The same call once more, with memory there: nothing of the refused one is in its way. */
static void again(const struct scenario *s, s64 good)
{
	struct result r = s->make();

	if (r.status != good)
		suite_fail("%s: status %lld the second time", s->name, (long long)r.status);
}

/* EL2 has interrupts masked, so that the one of an error comes behind the call in which there was one. */
static void interrupts(enum kind kind, u32 where)
{
	for (u32 i = 0; i < iommu_count; i++) {
		if (smmu_interrupts(bench_smmu[i], true) == shared->error_irqs[i])
			continue;
		hyp_irq(machine->iommu[i].error_irq);
		if (kind == SERVICE_FAILURE && (where >> i & 1) != 0 && !iommu_instance[i].dead)
			suite_fail("IOMMU %u failed, and works on", i);
	}
}

static void end_of_the_vm(void)
{
	if (vm_find(inject_vm) != NULL)
		bench_destroy(inject_vm);
	bench_check();
}

static void one_point(const struct scenario *s, enum kind kind, u32 where, u32 n)
{
	const s64 good = shared->good;
	struct result r;

	plant(kind, where, n);
	bench_strict = true;
	r = s->make();
	bench_strict = false;
	shared->reached = taken(kind, where);
	interrupts(kind, where);
	answer_check(s, kind, r, good);
	others_live(s, kind, where);
	for (u32 i = 0; i < iommu_count; i++)
		smmu_speculate(bench_smmu[i]);
	bench_check();
	if (kind == ALLOCATION && r.status != good && r.v1 == 0)
		again(s, good);
	end_of_the_vm();
	others_live(s, kind, where);
}

static void sweep(const struct scenario *s, enum kind kind, u32 where)
{
	u32 n = 1;

	IN_CHILD(shared->good = s->make().status);
	for (; n < N_LIMIT; n++) {
		IN_CHILD(one_point(s, kind, where, n));
		if (!shared->reached)
			break;
		shared->points[kind]++;
	}
	if (n == N_LIMIT)
		suite_fail("%s: more than %u points", s->name, N_LIMIT);
}

void inject_sweep(const struct bench_options *o, enum kind kind, u32 where)
{
	inject_world(o);
	for (u32 i = 0; i < iommu_count; i++)
		shared->error_irqs[i] = smmu_interrupts(bench_smmu[i], true);
	for (u32 i = 0; i < scenario_count(); i++)
		sweep(&scenarios[i], kind, where);
}

/* --- in a boot */

static enum kind boot_kind;
static u32 boot_where, boot_n;

static void boot_plant(void) { plant(boot_kind, boot_where, boot_n); }

/* Nothing passes; but one that fails before it has taken what it was told first, which is to abort, cannot be told. */
static void all_blocked(u32 iommus, bool quiesced)
{
	u64 value = 1;

	for (u32 i = 0; i < iommus; i++) {
		bool aborts = (smmu_reg(bench_smmu[i], 0x44) >> 20 & 1) != 0;

		if (!aborts && (quiesced || (boot_where >> i & 1) == 0))
			suite_fail("point %u: IOMMU %u was not told to block", boot_n, i);
		if (aborts)
			assert_int_not_equal(smmu_dma_write(bench_smmu[i], 0x900, machine->image.base, &value, sizeof(value)),
					     SMMU_OK);
	}
}

/* What is taken is taken whole: it has all that it has after a boot without a failure, and works. */
static void works(const struct bench_options *o)
{
	u32 domain;

	bench_booted(o);
	for (u32 i = 0; i < iommu_count; i++)
		assert_memory_equal(&iommu_instance[i].caps, &shared->caps[i], sizeof(shared->caps[i]));
	assert_memory_equal(&iommu_common, &shared->common, sizeof(iommu_common));
	bench_assign(1, 0, 1);
	bench_assign(5, iommu_count - 1, 2);
	domain = bench_domain();
	bench_map(domain, 0x1000, bench_page(1), PAGE_SIZE);
	assert_status(pv_attach(0, 1, 0, domain, 0), PC_SUCCESS);
	assert_status(pv_attach(iommu_count - 1, 2, 0, domain, 0), PC_SUCCESS);
	bench_lands(1, 0, 0x1000, bench_page(1));
	bench_lands(5, 0, 0x1000, bench_page(1));
	bench_unmap(domain, 0x1000, PAGE_SIZE);
	bench_faults(1, 0, 0x1000, SMMU_F_TRANSLATION);
	bench_faults(5, 0, 0x1000, SMMU_F_TRANSLATION);
}

static void boot_point(const struct bench_options *o)
{
	const char *why = NULL;
	enum fake_end end = FAKE_CATCH(why = bench_boot_try(o));
	bool refused = end == FAKE_PANIC || why != NULL;

	shared->reached = taken(boot_kind, boot_where);
	if (!shared->reached)
		assert_false(refused);
	if (end == FAKE_PANIC && strstr(fake_console, ": DMA cannot be blocked: it does not ") == NULL &&
	    strstr(fake_console, ": the identity domain cannot be set") == NULL)
		suite_fail("point %u: the boot ends in\n%s", boot_n, fake_console);
	if (shared->reached && (boot_kind == BOOT_SILENCE || boot_kind == BOOT_GONE))
		assert_true(refused);
	if (refused)
		all_blocked(o->iommus, why != NULL);
	else
		works(o);
}

static void boot_caps(const struct bench_options *o)
{
	assert_null(bench_boot_try(o));
	for (u32 i = 0; i < iommu_count; i++)
		shared->caps[i] = iommu_instance[i].caps;
	shared->common = iommu_common;
}

void inject_boot_sweep(const struct bench_options *o, enum kind kind, u32 where, u32 least)
{
	struct bench_options planted = *o;

	IN_CHILD(boot_caps(o));
	planted.before = boot_plant;
	boot_kind = kind;
	boot_where = where;
	for (boot_n = 1; boot_n < N_LIMIT; boot_n++) {
		IN_CHILD(boot_point(&planted));
		if (!shared->reached)
			break;
		shared->points[kind]++;
	}
	assert_true(boot_n < N_LIMIT && boot_n > least);
}
