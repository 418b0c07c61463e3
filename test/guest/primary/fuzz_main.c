/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzer's records (test/play) in QEMU: kept inputs from the ramdisk (test/fuzz/corpus), then streams by seed, a
 * stream on each CPU at once, DMA between and below the calls. After each round nothing is left and nothing is lost.
 *
 * Boot arguments: seed=N, rounds=N, or seconds=N in place of rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_play.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"
#include "vmm.h"

#define ROUNDS  6u
#define RECORDS 1000u /* of all CPUs in a round */
#define INPUTS  8u   /* kept ones of a CPU in a round */

/* What a CPU plays in a round. */
struct stream {
	u64 seed;
	const u8 *input; /* the next kept input, or NULL */
	u32 cpu;
};

static struct stream stream[MAX_CPUS];
static u64 seed;

static u64 number(const char *key, u64 usual)
{
	const char *word = machine_bootarg(key);

	return word ? strtoul(word, NULL, 0) : usual;
}

static u64 next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ul;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebul;
	return z ^ (z >> 31);
}

static void play_seed(void *arg)
{
	struct stream *s = arg;
	u64 state = s->seed;

	for (u32 n = 0; n < RECORDS / machine.cpu_count; n++) {
		u64 word[2] = { next(&state), next(&state) };

		fuzz_record((const u8 *)word);
	}
}

/* The pack: length and bytes, one behind the other (test/fuzz/run.py). NULL: there is no other. */
static const u8 *behind(const u8 *input)
{
	const u8 *end = (const u8 *)machine.initrd.base + machine.initrd.size;
	const u8 *after = input + 2 + (input[0] | input[1] << 8);

	return after + 2 < end ? after : NULL;
}

/* Every n-th of the inputs, n the number of CPUs. The first record of an input names a machine: there is this one. */
static void play_kept(void *arg)
{
	struct stream *s = arg;

	for (u32 n = 0; n < INPUTS && s->input; n++) {
		u32 bytes = (u32)(s->input[0] | s->input[1] << 8);

		for (u32 at = RECORD_BYTES; at + RECORD_BYTES <= bytes; at += RECORD_BYTES)
			fuzz_record(s->input + 2 + at);
		for (u32 skip = machine.cpu_count; skip > 0 && s->input; skip--)
			s->input = behind(s->input);
	}
}

static void round_of_all(void (*play)(void *))
{
	u64 mark = ram_mark();

	rig_hooks.before();
	fuzz_round_begin();
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_run(cpu, play, &stream[cpu]);
	play(&stream[0]);
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_join(cpu);
	fuzz_round_end();
	rig_hooks.after();
	ram_release(mark);
}

static void say(u64 rounds)
{
	static const char *const names[PLAY_KINDS] = { "create", "destroy", "donate", "add_pool", "assign", "name", "release",
						       "map_mmio", "map_irq", "finalise", "run", "share", "unshare",
						       "relinquish", "guard", "reset", "alloc", "free", "map", "unmap",
						       "attach", "detach", "events", "nested", "invalidate", "raw" };
	struct fuzz_sums s = fuzz_sums();

	printf("[t] info fuzz rounds=%lu calls=%lu of_secondaries=%lu well=%lu dma=%lu seed=%lu\n", rounds, s.calls,
	       s.of_secondaries, s.well, s.dma, seed);
	printf("[t] info went_well");
	for (u32 k = 0; k < PLAY_KINDS; k++)
		printf(" %s=%lu", names[k], s.kind[k]);
	printf("\n");
}

CASE(fuzz, kept_inputs_leave_no_trace_V1_K4)
{
	const u8 *input = (const u8 *)machine.initrd.base;
	u64 rounds = 0;

	REQUIRE(machine.initrd.size > 2 + RECORD_BYTES, "the ramdisk has no kept inputs");
	for (u32 cpu = 0; cpu < machine.cpu_count; cpu++) {
		stream[cpu].input = input;
		input = input ? behind(input) : NULL;
	}
	for (; stream[0].input; rounds++)
		round_of_all(play_kept);
	say(rounds);
}

CASE(fuzz, streams_by_seed_leave_no_trace_V1_K4)
{
	u64 seconds = number("seconds", 0), rounds = number("rounds", ROUNDS);
	u64 end = time_ticks() + time_ms(1000 * seconds), n;

	for (n = 0; seconds ? time_ticks() < end : n < rounds; n++, seed++) {
		for (u32 cpu = 0; cpu < machine.cpu_count; cpu++)
			stream[cpu].seed = (seed << 8) + cpu;
		printf("round %lu\n", seed);
		round_of_all(play_seed);
	}
	say(n);
}

static void clean_up(void)
{
	vmm_clean_up();
	rig_hooks.clean_up();
}

static void before(void)
{
	static bool opened;

	rig_hooks.before();
	if (!opened)
		fuzz_open();
	opened = true;
}

static void after(void)
{
}

void guest_main(void)
{
	const struct report_hooks hooks = { before, after, clean_up };
	const char *word = machine_bootarg("t");
	static char patterns[256];

	/* The next question for a boot argument takes the room of this answer. */
	strncpy(patterns, word ? word : "*", sizeof(patterns) - 1);
	seed = number("seed", 1);
	smp_start_all();
	report_run(patterns, &hooks);
}
