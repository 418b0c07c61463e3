/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's interrupt controller, between model guests and devices: the reference of test/unit/vgic/vgic_play.c says that no
 * interrupt is lost or taken twice; or any access and value, for what holds at every load of the list registers.
 */
#include "fuzz.h"
#include "vgic/vgic_play.h"

static void boot(u32 index UNUSED) { fake_random_source = fuzz_below; }

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u32 lr_counts[] = { 1, 2, 3, 4, 5, 16 };
	u64 mode;
	u32 lr_count;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine(0, boot);
	mode = fuzz_below(8);
	lr_count = lr_counts[fuzz_below(ARRAY_SIZE(lr_counts))];
	vgic_play_begin(1 + (u32)fuzz_below(VGIC_VCPUS), lr_count);
	while (fuzz_next()) {
		/* As many as the bytes of a record choose, about. */
		for (u32 i = 0; i < (mode == 0 ? 2 : 4); i++) {
			if (mode == 0)
				vgic_play_hostile();
			else
				vgic_play_step(mode == 1);
			fuzz_calls++;
		}
	}
	if (mode != 0)
		vgic_play_drain();
	return 0;
}
