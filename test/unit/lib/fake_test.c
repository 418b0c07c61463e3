/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake machine itself: a test bed that hides mistakes would make every other test worthless. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hyp/io.h"
#include "hyp/lock.h"

#include "suite.h"

#define RAM 0x40000000ull

static u64 seen(u64 addr, bool coherent)
{
	u64 word = 0;

	assert_true(fake_hw_read(addr, &word, sizeof(word), coherent));
	return word;
}

static void ram_translates_both_ways(void **state UNUSED)
{
	u8 *p = fake_ram_add(RAM, 2 * PAGE_SIZE);
	u64 word;

	assert_ptr_equal(io_phys(pa(RAM + 8)), p + 8);
	assert_int_equal(io_phys_of(p + PAGE_SIZE).v, RAM + PAGE_SIZE);
	assert_null(fake_ram(RAM + PAGE_SIZE, PAGE_SIZE + 1));
	assert_false(fake_hw_read(RAM + 2 * PAGE_SIZE - 4, &word, 8, true));
	assert_false(fake_hw_write(RAM - 1, &word, 1));
}

static void store_is_not_seen_before_the_barrier(void **state UNUSED)
{
	u64 *p = fake_ram_add(RAM, PAGE_SIZE);

	fake_stores_policy(FAKE_STORES_AT_BARRIER);
	io_table_write(p, 1);
	io_table_write(p, 2);
	assert_int_equal(*p, 2);
	assert_int_equal(seen(RAM, true), 0);
	io_table_publish();
	assert_int_equal(seen(RAM, true), 2);
	io_table_write(p, 3);
	assert_int_equal(seen(RAM, true), 2);
	io_wmb();
	assert_int_equal(seen(RAM, true), 3);
}

static void store_once_seen_stays_seen(void **state UNUSED)
{
	u64 *p = fake_ram_add(RAM, PAGE_SIZE);
	u32 old = 0, new = 0;

	fake_stores_policy(FAKE_STORES_RANDOM);
	for (u64 i = 1; i <= 200; i++) {
		bool changed = false;

		io_table_write(p, i);
		for (u32 look = 0; look < 4; look++) {
			u64 value = seen(RAM, true);

			if (value == i)
				changed = true;
			else
				assert_int_equal(value, i - 1);
			assert_true(!changed || value == i);
		}
		if (changed)
			new ++;
		else
			old++;
		io_table_publish();
	}
	assert_true(old > 0 && new > 100);
}

static void noncoherent_walker_needs_a_clean(void **state UNUSED)
{
	u64 *p = fake_ram_add(RAM, PAGE_SIZE);

	fake_noncoherent();
	io_table_write(p + 9, 5);
	io_table_publish();
	assert_int_equal(seen(RAM + 72, true), 5);
	/* Until then it finds what was there before the machine started, not zeros. */
	assert_int_equal(seen(RAM + 72, false), 0xa7a7a7a7a7a7a7a7);
	/* A line is short: what is beside it stays. */
	io_clean(p + 10, 8);
	assert_int_equal(seen(RAM + 72, false), 0xa7a7a7a7a7a7a7a7);
	io_clean(p + 8, 1);
	assert_int_equal(seen(RAM + 72, false), 5);
}

/* Who polls and never gives up is ended here, and not by somebody's patience. */
static void wait_without_end_is_a_failure(void **state UNUSED)
{
	int status;
	pid_t child;

	child = fork();
	if (child == 0) {
		for (;;)
			io_relax();
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static u64 last_offset, last_value;

static u64 reg_read(void *ctx, u64 offset, u32 width)
{
	last_offset = offset;
	return *(u64 *)ctx + width;
}

static void reg_write(void *ctx UNUSED, u64 offset, u32 width UNUSED, u64 value)
{
	last_offset = offset;
	last_value = value;
}

static void registers_are_routed(void **state UNUSED)
{
	static const struct fake_io_ops ops = { reg_read, reg_write };
	u64 a = 100, b = 200;

	fake_io_register(0x9000, 0x1000, &ops, &a);
	fake_io_register(0xa000, 0x1000, &ops, &b);
	assert_int_equal(io_read32((void *)0x9ffc), 104);
	assert_int_equal(last_offset, 0xffc);
	assert_int_equal(io_read64((void *)0xa000), 208);
	io_write32(7, (void *)0xa004);
	assert_int_equal(last_offset, 4);
	assert_int_equal(last_value, 7);
}

static void count_store(void *ctx, u64 *entry, u64 value)
{
	u64 *seen_stores = ctx;

	assert_int_not_equal(*entry, value);
	(*seen_stores)++;
}

static void count_relax(void *ctx) { (*(u64 *)ctx)++; }

static void hooks_see_each_store_and_each_poll(void **state UNUSED)
{
	u64 *p = fake_ram_add(RAM, PAGE_SIZE);
	u64 stored = 0, relaxed = 0;
	u64 before = io_time_us();

	fake_store_hook_add(count_store, &stored);
	fake_relax_hook_add(count_relax, &relaxed);
	io_table_write(p, 1);
	io_table_write(p, 2);
	io_relax();
	assert_int_equal(stored, 2);
	assert_int_equal(relaxed, 1);
	assert_true(io_time_us() > before);
	fake_store_hook_remove(count_store, &stored);
	io_table_write(p, 2);
	assert_int_equal(stored, 2);
	fake_time_advance(1000);
	assert_true(io_time_us() >= before + 1000);
}

static void stops_are_caught(void **state UNUSED)
{
	u32 after = 0;

	assert_int_equal(FAKE_CATCH(after++), FAKE_RETURNED);
	assert_int_equal(FAKE_CATCH({ arch_panic_stop(); }), FAKE_PANIC);
	assert_int_equal(FAKE_CATCH({ arch_system_off(); }), FAKE_OFF);
	assert_int_equal(FAKE_CATCH({ arch_system_reset(); }), FAKE_RESET);
	assert_int_equal(FAKE_CATCH(arch_enter_primary(NULL, ipa(1), ipa(2))), FAKE_ENTERED_GUEST);
	assert_int_equal(fake_entered_fdt.v, 2);
	assert_int_equal(after, 1);
}

static void locks_are_counted(void **state UNUSED)
{
	struct spinlock lock = SPINLOCK_INIT;

	arch_spin_lock(&lock);
	assert_int_equal(fake_locks_held(), 1);
	arch_spin_unlock(&lock);
	assert_int_equal(fake_locks_held(), 0);
}

static void reset_forgets_everything(void **state UNUSED)
{
	u64 *p = fake_ram_add(RAM, PAGE_SIZE);

	*p = 1;
	fake_time_advance(5);
	arch_cpu_inval(1, ipa(0), 4096);
	fake_reset();
	assert_null(fake_ram(RAM, 1));
	assert_int_equal(fake_time_now(), 0);
	assert_int_equal(fake_cpu_inval_count, 0);
	p = fake_ram_add(RAM, PAGE_SIZE);
	assert_int_equal(*p, 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(ram_translates_both_ways),
		cmocka_unit_test(store_is_not_seen_before_the_barrier),
		cmocka_unit_test(store_once_seen_stays_seen),
		cmocka_unit_test(noncoherent_walker_needs_a_clean),
		cmocka_unit_test(wait_without_end_is_a_failure),
		cmocka_unit_test(registers_are_routed),
		cmocka_unit_test(hooks_see_each_store_and_each_poll),
		cmocka_unit_test(stops_are_caught),
		cmocka_unit_test(locks_are_counted),
		cmocka_unit_test(reset_forgets_everything),
	};

	return SUITE("fake", cases);
}
