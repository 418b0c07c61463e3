/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests, devices and hypervisor in random order, against a reference (vgic_play.h). SEED=n begins there, SEEDS=n says how many. */
#include <stdio.h>
#include <stdlib.h>

#include "vgic_play.h"

#define STEPS 1500
static u32 below(u32 n) { return (u32)fake_random_below(n); }

static void run(u64 seed, bool steady)
{
	static const u32 lr_counts[] = { 1, 2, 3, 4, 4, 16 };

	fake_seed(seed);
	vgic_play_begin(1 + below(VGIC_VCPUS), lr_counts[below(ARRAY_SIZE(lr_counts))]);
	for (u32 i = 0; i < STEPS; i++)
		vgic_play_step(steady);
	vgic_play_drain();
}

static u64 seeds(void) { return getenv("SEEDS") ? strtoull(getenv("SEEDS"), NULL, 0) : 400; }

static void each_seed(bool steady)
{
	u64 first = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 1;

	for (u64 s = first; s < first + seeds(); s++) {
		if (getenv("SEED"))
			fprintf(stderr, "seed %lu\n", (unsigned long)s);
		run(s, steady);
	}
}

static void random_devices_and_guests_none_lost_or_doubled(void **state UNUSED) { each_seed(true); }
static void random_configuration_none_lost_or_doubled(void **state UNUSED) { each_seed(false); }

/* Any access and value, any SGI, by any vCPU, while guests run: what is checked at each load holds, nothing ends. */
static void random_hostile_accesses(void **state UNUSED)
{
	for (u64 s = 1; s <= seeds() / 4; s++) {
		fake_seed(s);
		vgic_play_begin(1 + below(VGIC_VCPUS), 1 + below(VGIC_LRS));
		for (u32 i = 0; i < 3000; i++)
			vgic_play_hostile();
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(random_devices_and_guests_none_lost_or_doubled),
		cmocka_unit_test(random_configuration_none_lost_or_doubled),
		cmocka_unit_test(random_hostile_accesses),
	};

	return SUITE("vgic_random", cases);
}
