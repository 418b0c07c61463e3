/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding of guests' aborts: every syndrome, against DDI 0487 D24.2.40 written down field by field. */
#include "abort.h"
#include "hyp/bits.h"
#include "suite.h"

/* ESR_EL2 by its fields, as the architecture numbers them. */
struct syndrome {
	u32 ec, isv, sas, sse, srt, sf, s1ptw, wnr, fsc;
};

static u64 esr_of(const struct syndrome *s)
{
	return (u64)s->ec << 26 | (u64)s->isv << 24 | (u64)s->sas << 22 | (u64)s->sse << 21 | (u64)s->srt << 16 |
	       (u64)s->sf << 15 | (u64)s->s1ptw << 7 | (u64)s->wnr << 6 | s->fsc;
}

/* The bits that no question here is about: IL, AR, the fault's other details, ISS2. */
static u64 noise(void)
{
	return fake_random() & (BIT(25) | BIT(14) | BITS(13, 8) | BITS(55, 32));
}

/* A load or store of one register that found no mapping, and nothing else, is described. */
static void only_what_is_described_is_emulated(void **state UNUSED)
{
	struct syndrome s = { 0 };
	u32 described = 0;

	for (s.ec = 0; s.ec < 64; s.ec++)
		for (s.isv = 0; s.isv < 2; s.isv++)
			for (s.s1ptw = 0; s.s1ptw < 2; s.s1ptw++)
				for (s.fsc = 0; s.fsc < 64; s.fsc++)
					for (u32 i = 0; i < 16; i++) {
						bool translation = s.fsc >= 4 && s.fsc <= 7;
						bool wanted = s.ec == 0x24 && s.isv && !s.s1ptw && translation;
						u64 esr;

						s.sas = i & 3;
						s.srt = (u32)fake_random_below(32);
						s.wnr = i >> 2 & 1;
						s.sf = i >> 3;
						esr = esr_of(&s) | noise();
						assert_int_equal(abort_described(esr), wanted);
						assert_int_equal(abort_unmapped(esr), translation);
						described += wanted;
					}
	assert_int_equal(described, 4 * 16);
}

static void every_access_is_decoded(void **state UNUSED)
{
	struct syndrome s = { .ec = 0x24, .isv = 1, .fsc = 7 };

	for (u32 i = 0; i < 1u << 10; i++) {
		u64 esr, addr = fake_random() & BITS(47, 0);
		struct abort a;

		s.sas = i & 3;
		s.sse = i >> 2 & 1;
		s.sf = i >> 3 & 1;
		s.wnr = i >> 4 & 1;
		s.srt = i >> 5;
		esr = esr_of(&s) | noise();
		a = abort_decode(esr, ipa(addr));
		assert_int_equal(a.access.ipa.v, addr);
		assert_int_equal(a.access.width, 1u << s.sas);
		assert_int_equal(a.access.write, s.wnr);
		assert_int_equal(a.reg, s.srt);
		assert_int_equal(a.sign, s.sse);
		assert_int_equal(a.wide, s.sf);
		assert_int_equal(a.access.value, 0);
		assert_false(a.access.valid); /* the caller's to say */
		for (u32 low = 0; low < 16; low++)
			assert_int_equal(abort_aligned(esr, ipa((addr & ~15ull) + low)), low % (1u << s.sas) == 0);
	}
}

/* What the guest's load leaves in its register, by the conversions of C. */
static u64 loaded(u64 value, u32 width, bool sign, bool wide)
{
	s64 extended = width == 1 ? (int8_t)value : width == 2 ? (int16_t)value :
					    width == 4         ? (int32_t)value :
								 (s64)value;
	u64 zeros = width == 1 ? (uint8_t)value : width == 2 ? (uint16_t)value :
					  width == 4         ? (u32)value :
							       value;

	if (!sign)
		return zeros;
	return wide ? (u64)extended : (u32)extended;
}

static void check_value(u64 value)
{
	for (u32 i = 0; i < 16; i++) {
		struct abort a = { .access = { .width = (u8)(1u << (i & 3)), .value = value },
				   .sign = i & 4,
				   .wide = i & 8 };

		/* LDRSW has a 64-bit register, and no load extends 64 bits: not in a syndrome. */
		if (a.sign && ((a.access.width == 4 && !a.wide) || a.access.width == 8))
			continue;
		assert_int_equal(abort_extend(&a), loaded(value, a.access.width, a.sign, a.wide));
		assert_int_equal(abort_truncate(&a, value), loaded(value, a.access.width, false, true));
	}
}

static void loads_extend_and_stores_truncate(void **state UNUSED)
{
	for (u32 i = 0; i < 64; i++) {
		check_value(BIT(i));
		check_value(BIT(i) - 1);
		check_value(~BIT(i));
	}
	for (u32 i = 0; i < 1u << 16; i++) {
		check_value(i);
		check_value(i | 0xfedcba9876540000);
	}
	for (u32 i = 0; i < 100000; i++)
		check_value(fake_random());
}

/* FIPA holds bits 47:12 at 43:4; the rest of the page is the faulting address's. */
static void addresses_are_put_together(void **state UNUSED)
{
	assert_int_equal(abort_ipa(0, 0).v, 0);
	assert_int_equal(abort_ipa(0xffff000012345678, 0x90000).v, 0x9000678ull);
	for (u32 i = 0; i < 100000; i++) {
		u64 page = fake_random() & BITS(47, 12), far = fake_random();
		u64 hpfar = page >> 12 << 4;

		assert_int_equal(abort_ipa(far, hpfar).v, page | (far & 0xfff));
		assert_int_equal(abort_ipa(far, hpfar | 0xf | BIT(63)).v, page | (far & 0xfff)); /* NS, RES0 */
	}
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(only_what_is_described_is_emulated),
		cmocka_unit_test(every_access_is_decoded),
		cmocka_unit_test(loads_extend_and_stores_truncate),
		cmocka_unit_test(addresses_are_put_together),
	};

	return SUITE("abort", cases);
}
