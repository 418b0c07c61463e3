/* SPDX-License-Identifier: BSD-2-Clause */
/* From pending to a list register and back, one situation a case. Interrupts have priority 0xa0 and Group 1 unless said. */
#include "vgic_guest.h"

#define SPI  50u
#define HW   60u
#define PHYS 300u

static void take_all(u32 vcpu, const u32 *want, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		assert_int_equal(guest_ack(vcpu), want[i]);
		assert_int_equal(guest_end(vcpu), want[i]);
		guest_look(vcpu);
	}
	assert_int_equal(guest_ack(vcpu), SPURIOUS);
}

static void take_one(u32 vcpu, u32 intid) { take_all(vcpu, &intid, 1); }
static void take_none(u32 vcpu) { take_all(vcpu, NULL, 0); }

static void edge(u32 intid)
{
	irq_edge(0, intid, true);
	irq_line(0, intid, true);
	irq_line(0, intid, false);
}

static void map(u32 intid) { assert_int_equal(vgic_hw_map(g, intid, PHYS), OK); }

/* --- what is in a list register */

static void lr_of_each_kind(void **state UNUSED)
{
	guest_on(1, 8);
	irq_edge(0, 40, true);
	irq_priority(0, 40, 0x48);
	irq_line(0, 40, true);
	irq_line(0, 41, true);
	irq_bit(0, 42, ISPENDR);
	dist_write(IGROUPR + 4, 4, ~(1u << 11));
	irq_bit(0, 43, ISPENDR);
	map(HW);
	irq_fire(HW, PHYS);
	irq_sgi(0, 5 << 24 | 1);
	guest_load(0);
	assert_true(guest_lr(0, 40) == (LR_PENDING | LR_GROUP1 | 0x48ull << 48 | 40));
	assert_true(guest_lr(0, 41) == (LR_PENDING | LR_GROUP1 | LR_EOI | 0xa0ull << 48 | 41));
	assert_true(guest_lr(0, 42) == (LR_PENDING | LR_GROUP1 | 0xa0ull << 48 | 42));
	assert_true(guest_lr(0, 43) == (LR_PENDING | 0xa0ull << 48 | 43));
	assert_true(guest_lr(0, HW) == (LR_PENDING | LR_GROUP1 | LR_HW | 0xa0ull << 48 | (u64)PHYS << 32 | HW));
	assert_true(guest_lr(0, 5) == (LR_PENDING | LR_GROUP1 | 0xa0ull << 48 | 5));
	assert_int_equal(iface[0].hcr, 1);
}

static void nothing_pending_nothing_listed(void **state UNUSED)
{
	guest_on(2, 4);
	guest_load(0);
	assert_int_equal(guest_listed(0), 0);
	guest_save(0);
	assert_int_equal(kicked, 0);
	assert_false(vgic_pending(g, 0));
}

static void most_urgent_first_then_low_numbers(void **state UNUSED)
{
	static const u32 order[] = { 90, 70, 33, 34, 35, 7, 100 };

	guest_on(1, 3);
	irq_priority(0, 90, 0x08);
	irq_priority(0, 70, 0x10);
	for (u32 i = 33; i < 36; i++)
		irq_priority(0, i, 0x20);
	irq_priority(0, 7, 0x28);
	for (u32 i = ARRAY_SIZE(order); i--;)
		irq_bit(0, order[i], ISPENDR);
	guest_load(0);
	assert_int_equal(guest_listed(0), 3);
	assert_int_equal(iface[0].hcr, 1 | HCR_UIE);
	take_all(0, order, ARRAY_SIZE(order));
	assert_int_equal(iface[0].hcr, 1);
}

static void every_interrupt_at_once_with_each_list_register_count(void **state UNUSED)
{
	for (u32 n = 1; n <= VGIC_LRS; n++) {
		guest_on(1, n);
		for (u32 i = 0; i < VGIC_INTIDS; i++)
			irq_bit(0, i, ISPENDR);
		guest_load(0);
		for (u32 i = 0; i < VGIC_INTIDS; i++) {
			assert_int_equal(guest_ack(0), i);
			guest_end(0);
			guest_look(0);
		}
		take_none(0);
	}
}

static void urgent_one_preempts(void **state UNUSED)
{
	guest_on(1, 2);
	edge(SPI);
	guest_load(0);
	assert_int_equal(guest_ack(0), SPI);
	irq_priority(0, 70, 0x10);
	edge(70);
	edge(71); /* of the same priority as what runs */
	assert_true(guest_look(0));
	assert_int_equal(guest_ack(0), 70);
	assert_int_equal(guest_ack(0), SPURIOUS);
	assert_int_equal(guest_end(0), 70);
	guest_look(0);
	assert_int_equal(guest_ack(0), SPURIOUS);
	assert_int_equal(guest_end(0), SPI);
	guest_look(0);
	take_one(0, 71);
	assert_int_equal(lost_ends, 0);
}

/* A handler that masks interrupts ends before it takes what came meanwhile, however urgent. */
static void active_keeps_its_list_register(void **state UNUSED)
{
	static const u32 later[] = { 70, 71, 72, 73, 74, 75 };

	for (u32 n = 1; n <= 4; n++) {
		guest_on(1, n);
		irq_line(0, SPI, true);
		guest_load(0);
		assert_int_equal(guest_ack(0), SPI);
		for (u32 i = 0; i < ARRAY_SIZE(later); i++) {
			irq_priority(0, later[i], 0x10);
			edge(later[i]);
		}
		guest_look(0);
		irq_line(0, SPI, false);
		guest_look(0);
		guest_end(0);
		guest_look(0);
		assert_int_equal(lost_ends, 0);
		take_all(0, later, ARRAY_SIZE(later));
		assert_false(irq_is(0, SPI, ISACTIVER));
	}
}

/* Ends in two steps, all list registers active: the first deactivation lets the next one in. */
static void two_step_ends_are_reported_while_more_wait(void **state UNUSED)
{
	guest_on(1, 4);
	iface[0].split = true;
	vgic_cpu(g, 0)->vmcr |= 1 << 9;
	map(HW);
	irq_fire(HW, PHYS);
	for (u32 i = 100; i < 104; i++)
		edge(i);
	guest_load(0);
	for (u32 i = 0; i < 4; i++) {
		assert_int_not_equal(guest_ack(0), SPURIOUS);
		guest_drop(0);
	}
	assert_int_equal(guest_ack(0), SPURIOUS);
	guest_deactivate(0, HW);
	assert_true(guest_look(0));
	assert_false(physical_active[PHYS]);
	assert_int_equal(guest_ack(0), 103);
	guest_drop(0);
	for (u32 i = 100; i < 104; i++)
		guest_deactivate(0, i);
	assert_int_equal(lost_ends, 0);
}

/* --- level and edge */

static void level_again_while_asserted(void **state UNUSED)
{
	guest_on(1, 4);
	irq_line(0, SPI, true);
	guest_load(0);
	for (u32 i = 0; i < 3; i++) {
		assert_int_equal(guest_ack(0), SPI);
		assert_true(irq_is(0, SPI, ISPENDR));
		guest_end(0);
		assert_true(guest_look(0));
	}
	assert_int_equal(guest_ack(0), SPI);
	irq_line(0, SPI, false);
	guest_end(0);
	guest_look(0);
	take_none(0);
	assert_false(irq_is(0, SPI, ISPENDR));
}

static void level_that_falls_before_it_is_taken(void **state UNUSED)
{
	guest_on(1, 4);
	irq_line(0, SPI, true);
	assert_int_equal(kicked, 1);
	guest_load(0);
	irq_line(0, SPI, false);
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_none(0);
}

static void level_with_ispendr_stays_pending_without_its_line(void **state UNUSED)
{
	guest_on(1, 4);
	irq_bit(0, SPI, ISPENDR);
	irq_line(0, SPI, true);
	irq_line(0, SPI, false);
	assert_true(irq_is(0, SPI, ISPENDR));
	guest_load(0);
	guest_save(0);
	assert_true(irq_is(0, SPI, ISPENDR));
	guest_load(0);
	take_one(0, SPI);
	guest_save(0);
	assert_false(irq_is(0, SPI, ISPENDR));
}

static void edge_not_taken_goes_back_and_is_taken_once(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	for (u32 i = 0; i < 3; i++) {
		guest_load(0);
		guest_save(0);
		assert_true(irq_is(0, SPI, ISPENDR));
	}
	guest_load(0);
	take_one(0, SPI);
	guest_save(0);
	guest_load(0);
	take_none(0);
}

static void edge_while_active_is_pending_and_active(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	guest_load(0);
	assert_int_equal(guest_ack(0), SPI);
	edge(SPI);
	guest_look(0);
	assert_true((guest_lr(0, SPI) & LR_STATE) == LR_STATE);
	assert_true(irq_is(0, SPI, ISPENDR) && irq_is(0, SPI, ISACTIVER));
	assert_int_equal(guest_ack(0), SPURIOUS);
	guest_end(0);
	take_one(0, SPI);
}

/* The rise comes after the guest has ended, and before anybody knows: it must not be lost. */
static void edge_behind_an_end_that_is_not_known(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	guest_load(0);
	take_one(0, SPI);
	edge(SPI);
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_one(0, SPI);
	take_none(0);
}

static void edge_needs_a_fall_between_rises(void **state UNUSED)
{
	guest_on(1, 4);
	irq_edge(0, SPI, true);
	irq_line(0, SPI, true);
	guest_load(0);
	take_one(0, SPI);
	irq_line(0, SPI, true);
	guest_save(0);
	guest_load(0);
	take_none(0);
}

/* --- off and on */

static void disabled_while_pending_keeps_it(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	guest_load(0);
	irq_bit(0, SPI, ICENABLER);
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_none(0);
	assert_true(irq_is(0, SPI, ISPENDR));
	irq_bit(0, SPI, ISENABLER);
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_one(0, SPI);
}

static void disabled_while_active_ends(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	guest_load(0);
	guest_ack(0);
	edge(SPI);
	irq_bit(0, SPI, ICENABLER);
	guest_look(0);
	assert_true((guest_lr(0, SPI) & LR_STATE) == LR_ACTIVE);
	guest_end(0);
	assert_int_equal(lost_ends, 0);
	guest_save(0);
	guest_load(0);
	take_none(0);
	irq_bit(0, SPI, ISENABLER);
	guest_look(0);
	take_one(0, SPI);
}

static void group_off_keeps_it(void **state UNUSED)
{
	guest_on(2, 4);
	dist_write(IGROUPR + 4, 4, ~(1u << (SPI - 32)));
	edge(SPI);
	edge(SPI + 1);
	guest_load(0);
	dist_write(CTLR, 4, 1);
	guest_look(0);
	take_one(0, SPI);
	dist_write(CTLR, 4, 0);
	guest_look(0);
	take_none(0);
	dist_write(CTLR, 4, 2);
	guest_look(0);
	take_one(0, SPI + 1);
}

static void icpendr_removes(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	irq_bit(0, SPI, ICPENDR);
	assert_false(irq_is(0, SPI, ISPENDR));
	edge(SPI);
	guest_load(0);
	irq_bit(0, SPI, ICPENDR);
	assert_false(irq_is(0, SPI, ISPENDR));
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_none(0);
	irq_line(0, SPI + 1, true); /* not a level that is still asserted */
	irq_bit(0, SPI + 1, ICPENDR);
	guest_look(0);
	assert_int_equal(guest_ack(0), SPI + 1);
}

static void active_written(void **state UNUSED)
{
	guest_on(1, 4);
	edge(SPI);
	irq_bit(0, SPI, ISACTIVER);
	guest_load(0);
	assert_true((guest_lr(0, SPI) & LR_STATE) == LR_STATE);
	take_none(0);
	irq_bit(0, SPI, ICACTIVER);
	assert_false(irq_is(0, SPI, ISACTIVER));
	assert_int_equal(kicked, 1);
	guest_look(0);
	assert_int_equal(guest_ack(0), SPI);
	irq_bit(0, SPI, ICACTIVER); /* while it runs: the list register must not bring it back */
	guest_look(0);
	assert_false(irq_is(0, SPI, ISACTIVER));
	edge(SPI);
	irq_bit(0, SPI, ISACTIVER); /* before it is taken */
	guest_look(0);
	guest_end(0);
	guest_look(0);
	assert_true((guest_lr(0, SPI) & LR_STATE) == LR_PENDING);
}

/* --- several vCPUs */

static u32 sgi_targets(u32 from, u64 value)
{
	u32 set = 0;

	kicked = 0;
	irq_sgi(from, value | 3 << 24);
	for (u32 v = 0; v < vcpus; v++) {
		if (irq_is(v, 3, ISPENDR))
			set |= 1u << v;
		irq_bit(v, 3, ICPENDR);
	}
	return set;
}

static void sgi_targets_are_decoded(void **state UNUSED)
{
	guest_on(4, 4);
	assert_int_equal(sgi_targets(1, 0x2), 0x2);
	assert_int_equal(sgi_targets(1, 0xffff), 0xf);
	assert_int_equal(kicked, 0xf);
	assert_int_equal(sgi_targets(1, 0xfff0), 0);
	assert_int_equal(kicked, 0);
	assert_int_equal(sgi_targets(2, 1ull << 40), 0xb);
	assert_int_equal(sgi_targets(2, 1ull << 40 | ~0ull << 41 | 0xffff), 0xb);
	assert_int_equal(sgi_targets(0, 1ull << 16 | 0xf), 0); /* Aff1 */
	assert_int_equal(sgi_targets(0, 1ull << 32 | 0xf), 0); /* Aff2 */
	assert_int_equal(sgi_targets(0, 1ull << 48 | 0xf), 0); /* Aff3 */
	assert_int_equal(sgi_targets(0, 1ull << 44 | 0xf), 0); /* 16 and up */
	guest_on(1, 4);
	assert_int_equal(sgi_targets(0, 1ull << 40), 0);
}

static void sgi_to_each_is_its_own(void **state UNUSED)
{
	guest_on(3, 4);
	for (u32 v = 0; v < 3; v++)
		guest_load(v);
	irq_sgi(0, 15ull << 24 | 7);
	for (u32 v = 0; v < 3; v++) {
		guest_look(v);
		take_one(v, 15);
	}
}

static void spi_goes_where_it_is_routed(void **state UNUSED)
{
	guest_on(3, 4);
	irq_route(SPI, 2);
	edge(SPI);
	assert_int_equal(kicked, 4);
	guest_load(0);
	guest_load(2);
	take_none(0);
	take_one(2, SPI);
	irq_route(SPI, 3); /* nobody */
	kicked = 0;
	edge(SPI);
	guest_look(2);
	take_none(2);
	assert_true(irq_is(0, SPI, ISPENDR));
	irq_route(SPI, 1ull << 32 | 0);
	assert_int_equal(kicked, 0);
	irq_route(SPI, 1u << 31 | 0); /* any: 0 */
	assert_int_equal(kicked, 1);
	guest_look(0);
	take_one(0, SPI);
}

static void moved_while_pending_in_a_list_register(void **state UNUSED)
{
	guest_on(2, 4);
	edge(SPI);
	guest_load(0);
	guest_load(1);
	irq_route(SPI, 1);
	assert_int_equal(kicked, 1);
	guest_look(0);
	assert_int_equal(kicked, 2); /* what vCPU 0 gave back */
	take_none(0);
	guest_look(1);
	take_one(1, SPI);
}

static void moved_while_active_pending_goes_to_the_new_one_after_the_end(void **state UNUSED)
{
	guest_on(2, 4);
	edge(SPI);
	guest_load(0);
	guest_load(1);
	guest_ack(0);
	irq_route(SPI, 1);
	edge(SPI);
	guest_look(0);
	guest_look(1);
	take_none(1);
	guest_end(0);
	guest_save(0);
	assert_int_equal(kicked, 2);
	guest_look(1);
	take_one(1, SPI);
	guest_load(0);
	take_none(0);
}

/* Taken away from the vCPU that had it active, it is not that one's any more when another takes it. */
static void cleared_and_moved_is_active_in_one_place(void **state UNUSED)
{
	guest_on(2, 4);
	edge(SPI);
	guest_load(0);
	guest_ack(0);
	guest_save(0);
	irq_bit(0, SPI, ICACTIVER);
	irq_route(SPI, 1);
	edge(SPI);
	guest_load(1);
	assert_int_equal(guest_ack(1), SPI);
	guest_save(1);
	guest_load(0);
	assert_true(guest_lr(0, SPI) == 0);
	guest_load(1);
	guest_end(1);
	assert_int_equal(lost_ends, 0);
}

/* --- lines */

static void line_statuses(void **state UNUSED)
{
	u32 set;

	guest_on(2, 4);
	assert_int_equal(vgic_line(g, 0, 0, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 0, 15, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 0, VGIC_INTIDS, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 0, 1ull << 32 | SPI, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 0, ~0ull, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 2, 20, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, ~0u, SPI, true, &set), E_INVAL);
	assert_int_equal(vgic_line(g, 1, VGIC_TIMER, true, &set), E_DENIED);
	map(HW);
	assert_int_equal(vgic_line(g, 0, HW, true, &set), E_DENIED);
	assert_int_equal(vgic_line(g, 1, 20, true, &set), OK);
	assert_int_equal(set, 2);
	guest_load(1);
	assert_int_equal(guest_ack(1), 20);
	assert_false(irq_is(0, 20, ISPENDR));
}

static void map_statuses(void **state UNUSED)
{
	u32 set;

	guest_on(2, 4);
	assert_int_equal(vgic_hw_map(g, 31, PHYS), E_INVAL);
	assert_int_equal(vgic_hw_map(g, VGIC_INTIDS, PHYS), E_INVAL);
	assert_int_equal(vgic_hw_map(g, 1ull << 32 | HW, PHYS), E_INVAL);
	map(HW);
	assert_int_equal(vgic_hw_map(g, HW, PHYS), E_BUSY);
	irq_line(0, SPI, true);
	assert_int_equal(vgic_hw_map(g, SPI, PHYS + 1), E_BUSY);
	guest_load(0);
	irq_line(0, SPI, false);
	assert_int_equal(vgic_hw_map(g, SPI, PHYS + 1), E_BUSY);
	guest_look(0);
	assert_int_equal(vgic_hw_map(g, SPI, PHYS + 1), OK);
	assert_false(vgic_hw_unmap(g, 31));
	assert_false(vgic_hw_unmap(g, ~0ull));
	assert_false(vgic_hw_unmap(g, 99));
	vgic_hw_fire(g, 99, &set); /* nothing is tied to these */
	assert_int_equal(set, 0);
	vgic_hw_fire(g, ~0ull, &set);
	assert_int_equal(set, 0);
	assert_false(irq_is(0, 99, ISPENDR));
}

/* --- hardware behind it */

static void hw_end_deactivates(void **state UNUSED)
{
	guest_on(1, 4);
	map(HW);
	guest_load(0);
	for (u32 i = 0; i < 3; i++) {
		irq_fire(HW, PHYS);
		assert_int_equal(kicked, 1);
		guest_look(0);
		assert_int_equal(guest_ack(0), HW);
		assert_true(physical_active[PHYS]);
		guest_save(0);
		guest_load(0);
		guest_end(0);
		assert_false(physical_active[PHYS]);
	}
}

/* It fires again behind the guest's end, taken by another CPU, before the vCPU is looked at. */
static void hw_again_behind_an_end_that_is_not_known(void **state UNUSED)
{
	guest_on(1, 4);
	map(HW);
	irq_fire(HW, PHYS);
	guest_load(0);
	take_one(0, HW);
	irq_fire(HW, PHYS);
	guest_look(0);
	assert_true(guest_lr(0, HW) & LR_HW);
	take_one(0, HW);
	assert_false(physical_active[PHYS]);
}

static void hw_pending_from_the_guest_alone_has_no_hardware(void **state UNUSED)
{
	guest_on(1, 4);
	map(HW);
	irq_bit(0, HW, ISPENDR);
	guest_load(0);
	assert_false(guest_lr(0, HW) & LR_HW);
	take_one(0, HW);
}

static void hw_pending_and_active(void **state UNUSED)
{
	guest_on(1, 4);
	map(HW);
	irq_fire(HW, PHYS);
	guest_load(0);
	guest_ack(0);
	irq_bit(0, HW, ISPENDR);
	guest_look(0);
	assert_false(guest_lr(0, HW) & LR_HW);
	guest_end(0);
	guest_look(0);
	assert_int_equal(guest_ack(0), HW);
	guest_end(0);
	guest_look(0);
	assert_false(physical_active[PHYS]);
	take_none(0);
}

static void hw_cleared_by_the_guest_is_deactivated(void **state UNUSED)
{
	static const struct {
		bool load, ack;
		u32 clear;
	} ways[] = { { false, false, ICPENDR }, { true, false, ICPENDR }, { true, true, ICACTIVER } };

	for (u32 i = 0; i < ARRAY_SIZE(ways); i++) {
		guest_on(1, 4);
		map(HW);
		irq_fire(HW, PHYS);
		if (ways[i].load)
			guest_load(0);
		if (ways[i].ack)
			assert_int_equal(guest_ack(0), HW);
		irq_bit(0, HW, ways[i].clear);
		guest_look(0);
		assert_false(physical_active[PHYS]);
		irq_fire(HW, PHYS);
		if (ways[i].ack)
			guest_end(0);
		if (!ways[i].load)
			guest_load(0);
		guest_look(0);
		take_one(0, HW);
		assert_false(physical_active[PHYS]);
	}
	/* Active, and not in a list register. */
	guest_on(1, 4);
	map(HW);
	irq_fire(HW, PHYS);
	guest_load(0);
	guest_ack(0);
	guest_save(0);
	irq_bit(0, HW, ICACTIVER);
	assert_false(physical_active[PHYS]);
}

/* It is in a list register without HW, since another waits: its physical one is the guest's up to the end all the same. */
static void hw_reported_end_deactivates_at_the_end(void **state UNUSED)
{
	guest_on(1, 1);
	map(HW);
	irq_fire(HW, PHYS);
	edge(70);
	guest_load(0);
	assert_int_equal(guest_ack(0), HW);
	irq_bit(0, HW, ICPENDR);
	assert_true(physical_active[PHYS]);
	guest_look(0);
	assert_true(physical_active[PHYS]);
	guest_end(0);
	guest_look(0);
	assert_false(physical_active[PHYS]);
	take_one(0, 70);
}

static void hw_disabled_waits_with_its_physical_one(void **state UNUSED)
{
	guest_on(1, 4);
	map(HW);
	irq_bit(0, HW, ICENABLER);
	irq_fire(HW, PHYS);
	assert_int_equal(kicked, 0);
	guest_load(0);
	take_none(0);
	assert_true(physical_active[PHYS]);
	irq_bit(0, HW, ISENABLER);
	guest_look(0);
	take_one(0, HW);
}

/* In each state of its list register, and in none. */
static void hw_unmap(void **state UNUSED)
{
	enum { IDLE,
	       PENDING,
	       LISTED,
	       TAKEN,
	       ACTIVE,
	       ENDED,
	       OWED,
	       STATES };

	for (u32 s = IDLE; s < STATES; s++) {
		guest_on(1, 4);
		map(HW);
		if (s != IDLE)
			irq_fire(HW, PHYS);
		if (s >= LISTED)
			guest_load(0);
		if (s >= TAKEN)
			assert_int_equal(guest_ack(0), HW);
		if (s == ACTIVE)
			guest_save(0);
		if (s == ENDED)
			guest_end(0);
		if (s == OWED) {
			struct mem_access a = { .ipa = { VGIC_DIST_BASE + ICACTIVER + 4 }, .width = 4, .write = true, .valid = true, .value = ~0u };

			vgic_access(g, 0, &a);
			vgic_cpu(g, 0)->lr[0] = iface[0].lr[0];
			vgic_sync(g, 0); /* and nobody asks what is to be deactivated */
			iface[0].loaded = false;
			iface[0].depth = 0;
		}
		assert_int_equal(vgic_hw_unmap(g, HW), s != IDLE);
		assert_false(vgic_hw_unmap(g, HW));
		if (s == LISTED || s == TAKEN || s == ENDED)
			guest_save(0);
		physical_active[PHYS] = false; /* the caller */
		guest_load(0);
		if (s == TAKEN || s == ACTIVE) {
			assert_false(guest_lr(0, HW) & LR_HW);
			guest_end(0);
			guest_look(0);
		}
		take_none(0);
		guest_save(0);
		assert_false(irq_is(0, HW, ISPENDR) || irq_is(0, HW, ISACTIVER));
		/* Software's, and then another's. */
		irq_line(0, HW, true);
		irq_line(0, HW, false);
		assert_int_equal(vgic_hw_map(g, HW, PHYS + 1), OK);
		irq_fire(HW, PHYS + 1);
		guest_load(0);
		take_one(0, HW);
		assert_false(physical_active[PHYS + 1]);
	}
}

static void timer_is_the_vcpus_own(void **state UNUSED)
{
	guest_on(2, 4);
	guest_load(1);
	iface[1].timer_active = true;
	vgic_timer_fire(g, 1);
	assert_true(vgic_timer_active(g, 1));
	assert_false(vgic_timer_active(g, 0));
	guest_save(1);
	guest_load(1);
	assert_true(guest_lr(1, VGIC_TIMER) == (LR_PENDING | LR_GROUP1 | LR_HW | 0xa0ull << 48 | 27ull << 32 | 27));
	assert_int_equal(guest_ack(1), VGIC_TIMER);
	guest_save(1);
	assert_true(vgic_timer_active(g, 1));
	guest_load(1);
	guest_end(1);
	guest_save(1);
	assert_false(vgic_timer_active(g, 1));
	/* One that the guest made itself has no physical one. */
	irq_bit(1, VGIC_TIMER, ISPENDR);
	assert_false(vgic_timer_active(g, 1));
	guest_load(1);
	take_one(1, VGIC_TIMER);
}

static void timer_cleared_by_the_guest(void **state UNUSED)
{
	u32 physical = 0;
	struct mem_access a = { .ipa = { VGIC_REDIST_BASE + 0x10000 + ICPENDR }, .width = 4, .write = true, .valid = true, .value = ~0u };

	guest_on(2, 4);
	vgic_timer_fire(g, 0);
	vgic_access(g, 0, &a);
	assert_false(vgic_timer_active(g, 0));
	assert_false(vgic_take_deactivate(g, 1, &physical));
	assert_true(vgic_take_deactivate(g, 0, &physical));
	assert_int_equal(physical, VGIC_TIMER);
	assert_false(vgic_take_deactivate(g, 0, &physical));
}

/* --- WFI */

static void pending_looks_at_masks(void **state UNUSED)
{
	struct vgic_cpu *cpu;

	guest_on(2, 4);
	cpu = vgic_cpu(g, 0);
	assert_false(vgic_pending(g, 0));
	edge(SPI);
	assert_true(vgic_pending(g, 0));
	assert_false(vgic_pending(g, 1));
	cpu->vmcr = 0xa0000003;
	assert_false(vgic_pending(g, 0));
	cpu->vmcr = 0xa8000003;
	assert_true(vgic_pending(g, 0));
	cpu->vmcr = 0xa8000001;
	assert_false(vgic_pending(g, 0));
	dist_write(IGROUPR + 4, 4, 0);
	assert_true(vgic_pending(g, 0));
	dist_write(CTLR, 4, 2);
	assert_false(vgic_pending(g, 0));
	dist_write(CTLR, 4, 3);
	irq_bit(0, SPI, ISACTIVER);
	assert_false(vgic_pending(g, 0));
	irq_bit(0, SPI, ICACTIVER);
	irq_bit(0, SPI, ICENABLER);
	assert_false(vgic_pending(g, 0));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(lr_of_each_kind),
		cmocka_unit_test(nothing_pending_nothing_listed),
		cmocka_unit_test(most_urgent_first_then_low_numbers),
		cmocka_unit_test(every_interrupt_at_once_with_each_list_register_count),
		cmocka_unit_test(urgent_one_preempts),
		cmocka_unit_test(active_keeps_its_list_register),
		cmocka_unit_test(two_step_ends_are_reported_while_more_wait),
		cmocka_unit_test(level_again_while_asserted),
		cmocka_unit_test(level_that_falls_before_it_is_taken),
		cmocka_unit_test(level_with_ispendr_stays_pending_without_its_line),
		cmocka_unit_test(edge_not_taken_goes_back_and_is_taken_once),
		cmocka_unit_test(edge_while_active_is_pending_and_active),
		cmocka_unit_test(edge_behind_an_end_that_is_not_known),
		cmocka_unit_test(edge_needs_a_fall_between_rises),
		cmocka_unit_test(disabled_while_pending_keeps_it),
		cmocka_unit_test(disabled_while_active_ends),
		cmocka_unit_test(group_off_keeps_it),
		cmocka_unit_test(icpendr_removes),
		cmocka_unit_test(active_written),
		cmocka_unit_test(sgi_targets_are_decoded),
		cmocka_unit_test(sgi_to_each_is_its_own),
		cmocka_unit_test(spi_goes_where_it_is_routed),
		cmocka_unit_test(moved_while_pending_in_a_list_register),
		cmocka_unit_test(moved_while_active_pending_goes_to_the_new_one_after_the_end),
		cmocka_unit_test(cleared_and_moved_is_active_in_one_place),
		cmocka_unit_test(line_statuses),
		cmocka_unit_test(map_statuses),
		cmocka_unit_test(hw_end_deactivates),
		cmocka_unit_test(hw_again_behind_an_end_that_is_not_known),
		cmocka_unit_test(hw_pending_from_the_guest_alone_has_no_hardware),
		cmocka_unit_test(hw_pending_and_active),
		cmocka_unit_test(hw_cleared_by_the_guest_is_deactivated),
		cmocka_unit_test(hw_reported_end_deactivates_at_the_end),
		cmocka_unit_test(hw_disabled_waits_with_its_physical_one),
		cmocka_unit_test(hw_unmap),
		cmocka_unit_test(timer_is_the_vcpus_own),
		cmocka_unit_test(timer_cleared_by_the_guest),
		cmocka_unit_test(pending_looks_at_masks),
	};

	return SUITE("vgic_delivery", cases);
}
