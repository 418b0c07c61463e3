/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may ask of PSCI: an allow-list, everything else is NOT_SUPPORTED. Pure: no register of the machine is
 * touched here. The primary names CPUs of the machine, a secondary its own vCPUs. Arm DEN 0022 (PSCI 1.1), section 5; Arm DEN 0028 (SMCCC 1.2), section 7.
 */
#include "psci.h"

#include "hyp/bits.h"

#define PSCI_VERSION_1_1     0x10001
#define MIGRATE_NOT_REQUIRED 2
#define AFFINITY_BITS        (BITS(39, 32) | BITS(23, 0))
#define SUSPEND_POWER_DOWN   BIT(16) /* StateType of power_state, original format */
#define SMCCC_VERSION        0x80000000u
#define IPA_BITS             40

struct rule {
	u32 function;
	bool smc64; /* exists with 64-bit arguments too */
};

static const struct rule rules[] = {
	{ PSCI_VERSION, false },
	{ PSCI_CPU_SUSPEND, true },
	{ PSCI_CPU_OFF, false },
	{ PSCI_CPU_ON, true },
	{ PSCI_AFFINITY_INFO, true },
	{ PSCI_MIGRATE_INFO_TYPE, false },
	{ PSCI_SYSTEM_OFF, false },
	{ PSCI_SYSTEM_RESET, false },
	{ PSCI_FEATURES, false },
};

static bool allowed(u32 function)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (function == rules[i].function || (rules[i].smc64 && function == (rules[i].function | SMC64)))
			return true;
	return false;
}

static bool cpu_find(const struct machine *m, u64 mpidr, u32 *index)
{
	u32 i;

	for (i = 0; i < m->cpu_count; i++)
		if (m->cpu[i].mpidr == mpidr) {
			*index = i;
			return true;
		}
	return false;
}

static bool inside(u64 address, const struct range *r)
{
	return address >= r->base && address - r->base < r->size;
}

/* RAM that is not ours. Whether the primary still owns the page is for stage 2 to say, when the CPU fetches there. */
static bool entry_in_ram(const struct machine *m, u64 entry)
{
	u32 i;

	if (entry % 4 != 0 || inside(entry, &m->image) || inside(entry, &m->heap))
		return false;
	for (i = 0; i < m->reserved_count; i++)
		if (inside(entry, &m->reserved[i]))
			return false;
	for (i = 0; i < m->ram_count; i++)
		if (inside(entry, &m->ram[i]))
			return true;
	return false;
}

static void answer(struct psci_request *request, s64 result)
{
	request->action = PSCI_ANSWER;
	request->result = result;
}

static void decode_cpu_on(u64 target, u64 entry, u64 context, struct psci_request *request)
{
	request->action = PSCI_DO_CPU_ON;
	request->mpidr = target;
	request->entry = entry;
	request->context = context;
}

static void decode_affinity_info(u64 target, u64 level, struct psci_request *request)
{
	if (level != 0)
		return answer(request, PSCI_INVALID_PARAMETERS);
	request->action = PSCI_DO_AFFINITY_INFO;
	request->mpidr = target;
}

/* Only what keeps the CPU's state: a power-down would come back at EL2 with everything to set up again. */
static void decode_suspend(u64 state, struct psci_request *request)
{
	if (state & SUSPEND_POWER_DOWN)
		return answer(request, PSCI_INVALID_PARAMETERS);
	request->action = PSCI_DO_STANDBY;
}

/* Has it a target, which is still to be found? */
static bool has_target(const struct psci_request *request)
{
	return request->action == PSCI_DO_CPU_ON || request->action == PSCI_DO_AFFINITY_INFO;
}

static void decode(const struct hcall_args *args, struct psci_request *request)
{
	u32 function = (u32)args->r[0];
	u64 width = function & SMC64 ? ~0ull : BITS(31, 0);
	u64 a1 = args->r[1] & width, a2 = args->r[2] & width, a3 = args->r[3] & width;

	*request = (struct psci_request){ .action = PSCI_ANSWER, .result = PSCI_NOT_SUPPORTED };
	if (!allowed(function))
		return;
	switch (function & ~SMC64) {
	case PSCI_VERSION:
		return answer(request, PSCI_VERSION_1_1);
	case PSCI_FEATURES:
		return answer(request, allowed((u32)a1) || (u32)a1 == SMCCC_VERSION ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED);
	case PSCI_MIGRATE_INFO_TYPE:
		return answer(request, MIGRATE_NOT_REQUIRED);
	case PSCI_CPU_ON:
		return decode_cpu_on(a1, a2, a3, request);
	case PSCI_AFFINITY_INFO:
		return decode_affinity_info(a1, a2, request);
	case PSCI_CPU_SUSPEND:
		return decode_suspend(a1, request);
	case PSCI_CPU_OFF:
		request->action = PSCI_DO_CPU_OFF;
		return;
	case PSCI_SYSTEM_OFF:
		request->action = PSCI_DO_SYSTEM_OFF;
		return;
	case PSCI_SYSTEM_RESET:
		request->action = PSCI_DO_SYSTEM_RESET;
		return;
	}
}

void psci_decode(const struct machine *m, const struct hcall_args *args, struct psci_request *request)
{
	decode(args, request);
	if (!has_target(request))
		return;
	if ((request->mpidr & ~AFFINITY_BITS) || !cpu_find(m, request->mpidr, &request->target))
		answer(request, PSCI_INVALID_PARAMETERS);
	else if (request->action == PSCI_DO_CPU_ON && !entry_in_ram(m, request->entry))
		answer(request, PSCI_INVALID_ADDRESS);
}

void psci_decode_vm(u32 vcpus, const struct hcall_args *args, struct psci_request *request)
{
	decode(args, request);
	if (!has_target(request))
		return;
	if (request->mpidr >= vcpus)
		return answer(request, PSCI_INVALID_PARAMETERS);
	request->target = (u32)request->mpidr;
	if (request->action == PSCI_DO_CPU_ON && (request->entry % 4 != 0 || request->entry >> IPA_BITS))
		answer(request, PSCI_INVALID_ADDRESS);
}
