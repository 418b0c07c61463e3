/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may have executed, and what it may say of its own stage 1 (arch/arm64/smmuv3: guest_cmd.c, guest_ste.c, ste.c):
 * no command that is issued carries a foreign VMID or stream, nor any bit outside what IHI 0070 chapter 4 lets a guest say;
 * no nested entry has a second stage, VMID or bit that is not ours to give. The bits are numbered here as the manual numbers
 * them, not by the driver's masks.
 *
 * For all: both words of a command, both of an entry, streams, features, VMIDs, tables.
 *
 * unwind: 9
 */
#include "proof.h"

#include <string.h>

#include "arch/arm64/smmuv3/guest_cmd.c"
#include "arch/arm64/smmuv3/guest_ste.c"
#include "arch/arm64/smmuv3/ste.c"

#define B(high, low) (~0ull >> (63 - (high)) & ~0ull << (low))

static u64 field(u64 word, u32 high, u32 low)
{
	return (word & B(high, low)) >> low;
}

static struct smmuv3_features any_features(void)
{
	struct smmuv3_features f = {
		.stage1 = true,
		.stage2 = true,
		.coherent = any_bool(),
		.range = any_bool(),
		.cd_two_level = any_bool(),
		.stall_off = any_bool(),
		.types_ovr = any_bool(),
		.ats = any_bool(),
		.ds = any_bool(),
		.asid_bits = any_bool() ? 16 : 8,
		.vmid_bits = any_bool() ? 16 : 8,
		.ssid_bits = (u8)any_u32_to(20),
		.oas = (u8)any_u32_to(5),
	};

	return f;
}

/* Bits that a command for hardware may have, beside its opcode and who it is for. */
static u64 open_bits(const struct smmuv3_features *f, u32 op, u32 word)
{
	const u64 range0 = f->range ? B(16, 12) | B(24, 20) | (f->ds ? B(25, 25) : 0) : 0, range1 = f->range ? B(11, 8) : 0;
	const u64 asid = f->asid_bits == 16 ? B(63, 48) : B(55, 48);
	const u64 ssid = f->ssid_bits > 0 ? B(31, 12) : 0, ssv = f->ssid_bits > 0 ? B(11, 11) : 0;

	switch (op) {
	case 0x05: /* CFGI_CD */
		return word == 0 ? ssid : B(0, 0);
	case 0x06: /* CFGI_CD_ALL */
	case 0x10: /* TLBI_NH_ALL */
		return 0;
	case 0x11: /* TLBI_NH_ASID */
		return word == 0 ? asid : 0;
	case 0x12: /* TLBI_NH_VA */
		return word == 0 ? asid | range0 : B(63, 12) | B(0, 0) | range1;
	case 0x13: /* TLBI_NH_VAA */
		return word == 0 ? range0 : B(63, 12) | B(0, 0) | range1;
	default: /* ATC_INV */
		return word == 0 ? ssid | ssv | (f->ssid_bits > 0 ? B(9, 9) : 0) : B(63, 12) | B(5, 0);
	}
}

static void prove_command(void)
{
	const struct smmuv3_features f = any_features();
	const struct iommu_guest_stream stream = {
		.sid = { any_u32() },
		.nested = any_bool(),
		.quarantined = any_bool(),
		.ats = any_bool(),
		.pasid_bits = (u8)any_u32_to(20),
	};
	const bool found = any_bool();
	const u16 vmid = any_u16();
	const u64 in[2] = { any_u64(), any_u64() };
	u64 out[2] = { any_u64(), any_u64() };
	const u8 verdict = smmuv3_guest_cmd(&f, vmid, in, found ? &stream : NULL, out);
	const u32 op = (u32)field(out[0], 7, 0), asked = (u32)field(in[0], 7, 0);
	const bool of_stream = op == 0x05 || op == 0x06 || op == 0x40;

	CLAIM("a refused command is not issued", verdict == PVIOMMU_INVAL_DONE || (out[0] | out[1]) == 0);
	if (out[0] == 0)
		return;
	CLAIM("only commands of a guest's own stage 1 are issued",
	      of_stream || op == 0x10 || op == 0x11 || op == 0x12 || op == 0x13);
	CLAIM("what is issued is what was asked for, all of everybody's becomes all of its own",
	      op == (asked == 0x30 ? 0x10 : asked) && out[1] == in[1] &&
		      ((out[0] ^ in[0]) & ~(B(7, 0) | (of_stream ? B(63, 32) : B(47, 32)))) == 0);
	CLAIM("a command of a stream carries the stream's own id, of a nested one that is in order",
	      !of_stream || (found && field(out[0], 63, 32) == stream.sid.v && stream.nested && !stream.quarantined));
	CLAIM("every other command carries our VMID", of_stream || field(out[0], 47, 32) == vmid);
	CLAIM("no bit outside what a guest may say",
	      (out[0] & ~(B(7, 0) | (of_stream ? B(63, 32) : B(47, 32)) | open_bits(&f, op, 0))) == 0 && (out[1] & ~open_bits(&f, op, 1)) == 0);
	CLAIM("no context that the stream has not", op != 0x05 || field(out[0], 31, 12) >> stream.pasid_bits == 0);
	CLAIM("device TLBs only where there are some, in sizes that exist", op != 0x40 || (f.ats && stream.ats && field(out[1], 5, 0) <= 52));
	if (op == 0x12 || op == 0x13) {
		const u64 tg = field(out[1], 11, 10), ttl = field(out[1], 9, 8), count = field(out[0], 25, 12) & ~(B(7, 5));

		CLAIM("no reserved form of a range", tg == 0 ? ttl == 0 && count == 0 :
							       (ttl != 0 || count != 0) && (tg != 2 || ttl != 1 || f.ds));
	}
}

static void prove_entry(void)
{
	const struct smmuv3_features f = any_features();
	const struct pt_ops ops = { .va_bits = (u8)(any_bool() ? 40 : 44), .root_pages = 1, .stage = 2 };
	const struct iommu_tag tag = { .kind = TAG_DMA, .asid = any_u16(), .vmid = any_u16() };
	const struct pt pt = { .ops = &ops, .root = { any_u64() & B(47, 12) } };
	const struct iommu_table table = { .pt = &pt, .tag = &tag, .unrecorded = any_bool() };
	const struct nested_config guest = { .word = { any_u64(), any_u64() } };
	const struct stream_config config = { .mode = STREAM_NESTED, .table = &table, .nested = &guest, .vmid = any_u16() };
	u64 ste[8];
	u32 mode;

	/* As the core has asked before. */
	ASSUME(smmuv3_guest_ste_ok(&f, ops.va_bits, guest.word));
	for (u32 i = 0; i < 8; i++)
		ste[i] = any_u64();
	smmuv3_ste_encode(ste, &f, &config);
	mode = (u32)field(ste[0], 3, 1);
	CLAIM("nested: aborts, or translates by our second stage", field(ste[0], 0, 0) == 1 && (mode == 0 || mode == 6 || mode == 7));
	CLAIM("nested: stage 1 only where the guest has said so", mode != 7 || ((guest.word[0] & 0xf) == 0xb && !table.unrecorded));
	if (mode == 0) {
		CLAIM("nested: one that aborts has nothing else", (ste[1] | ste[2] | ste[3]) == 0 && ste[0] == 1);
		return;
	}
	CLAIM("nested: our VMID and our second stage", field(ste[2], 15, 0) == tag.vmid && ste[3] == pt.root.v);
	CLAIM("nested: no bit that is not ours or allowed to the guest",
	      (ste[0] & ~(B(0, 0) | B(3, 1) | (mode == 7 ? B(5, 4) | B(55, 6) | B(63, 59) : 0))) == 0 &&
		      (ste[1] & ~(B(7, 0) | B(19, 19) | B(27, 27) | B(29, 28) | B(45, 44))) == 0 &&
		      (ste[2] & ~(B(15, 0) | B(45, 32) | B(51, 48) | B(54, 53) | B(58, 58))) == 0 && (ste[4] | ste[5] | ste[6] | ste[7]) == 0);
	CLAIM("nested: never EL2, ATS only where there is some, and split", field(ste[1], 31, 30) == 0 &&
										    (field(ste[1], 29, 28) == 0 ||
										     (field(ste[1], 29, 28) == 2 && mode == 7 && f.ats)));
	CLAIM("nested: the guest's table is an address of its own", mode != 7 || (ste[0] & B(55, 6)) >> ops.va_bits == 0);
	CLAIM("nested: no more substreams than hardware has", mode != 7 || field(ste[0], 63, 59) <= f.ssid_bits);
}

int main(void)
{
	prove_command();
	prove_entry();
	return 0;
}
