#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of a boot of Linux go that EL2 executes: the boot of bench_boot.py once more, each of them logged.

Every exit is of one kind, and every instruction of the function that the source has it in, inlined or not. What measuring
itself adds is left out. The sum has to be the hypervisor's own count, else there is no table. Writes
build/bench/boot_profile.txt, beside the report.
"""

import collections
import contextlib
import os
import sys

import bench_boot
from bench_profile import Image, by_group, logged, split
from lib import board as boards
from lib.bench_figures import BOOT, WORK, Results

TEXT = os.path.join(WORK, "boot_profile.txt")
# Kind of exit: the function that only exits of this kind enter.
KINDS = {
    "PCI reads": "pci_config_read",
    "PCI writes": "pci_config_write",
    "GICD": "dist_access",
    "GICR": "redist_access",
    "SMC": "trap_smc",
    "HVC": "trap_hvc",
}
OTHERS = "other"
# What is there only to measure; left out. The last read of a cache type register ends the measured boot.
MEASURING = ("vectors_measure", "measure_sync", "measure_cache_register")
END = "measure_end"
# From the counter's start, which is before the primary's first instruction, to there.
WAY_OUT = 100
GROUPS = (
    ("registers of the guest", ("vectors.S",), "31 stored and loaded, and the way to the C code and back"),
    ("kind of the exit", ("trap.c", "abort.c", "inject.c", "sysreg_trap.c", "measure.c"),
     "syndrome and address decoded, a store's value, a load's register, the next instruction"),
    ("before the return", ("exits.c:hyp_exit_work", "iommu_hw.h"), "event queue and errors are polled at each exit (H2)"),
    ("whose address", ("gic.h", "gic_filter.c:gic_is_redist", "exits.c"), "distributor, redistributor, configuration space or nobody's"),
    ("interrupt controller", ("gic_filter.c",), "a row for the register; bits of interrupts that are ours"),
    ("which function", ("record.c", "record.h", "filter.c:function_at"), "bus, slot and function to its record"),
    ("configuration space", ("filter.c", "device.c"), "whose it is, a row for the register, allowed bits"),
    ("power calls", ("psci.c", "psci.h", "psci_rules.c"), "allowed calls alone reach firmware"),
    ("locks", ("spinlock.h", "spinlock.c", "lock.h", "record.c:pci_lock", "record.c:pci_unlock"), "a ticket each"),
    ("machine access", ("io.h", "sysreg.h", "barrier.h"), "one access of the hardware at most"),
)


def exits(image, command):
    """Addresses of each exit, without what is there to measure."""
    low, high = image.range()
    left_out = sorted(image.symbol(name) for name in MEASURING[1:])
    ranges = zip([low] + [last + 1 for _, last in left_out], [first - 1 for first, _ in left_out] + [high])
    vectors = image.symbol("vectors_measure")
    ends = image.symbol(END)
    addresses = logged(command, [r for r in ranges if r[0] <= r[1]], "boot_profile.log")
    with contextlib.closing(addresses):
        for number, entry in enumerate(split(addresses, vectors[0])):
            if any(ends[0] <= at <= ends[1] for at in entry):
                return
            kept = [at for at in entry if not vectors[0] <= at <= vectors[1]]
            # A cache type register that was read: nothing but measuring. The first is start-up.
            if number > 0 and "guest_sync" in {image.name(at) for at in kept}:
                yield kept
    sys.exit(f"bench: the profile of the boot has no end; see {WORK}/boot_profile.log")


def kind_of(image, entry):
    entered = {image.name(at) for at in set(entry)}
    return next((kind for kind, function in KINDS.items() if function in entered), OTHERS)


def table(image, found, counted):
    kinds = [kind for kind in (*KINDS, OTHERS) if found[kind]]
    sources = image.sources(sorted({at for kind in kinds for entry in found[kind] for at in entry}))
    counts = {"all": collections.Counter(), **{kind: collections.Counter() for kind in kinds}}
    number, total = {"all": 0}, {"all": 0}
    for kind in kinds:
        for entry in found[kind]:
            counts[kind].update(sources[at] for at in entry)
        counts["all"].update(counts[kind])
        number[kind], total[kind] = len(found[kind]), sum(map(len, found[kind]))
        number["all"] += number[kind]
        total["all"] += total[kind]
    if not 0 <= counted - total["all"] <= WAY_OUT:
        sys.exit(f"bench: the profile of the boot has {total['all']} instructions, counted were {counted}")
    lines = by_group(counts, GROUPS, 12)
    for name, cells in (("at EL2", {k: f"{total[k]}" for k in counts}), ("exits", {k: f"{number[k]}" for k in counts}),
                        ("an exit", {k: f"{total[k] / number[k]:.1f}" for k in counts}),
                        ("of all, %", {k: f"{100 * total[k] / total['all']:.1f}" for k in counts})):
        lines.append(f"{name:<36}" + "".join(f"{cells[k]:>12}" for k in counts))
    goal, exits_all = BOOT["boot_el2"][1], number["all"]
    lines.append(f"counted by the hypervisor: {counted}; {counted - total['all']} more are its way from the counter's start to the primary")
    lines.append(f"the goal, {goal}, is {goal / exits_all:.1f} for each of these {exits_all} exits, which Linux chooses; here {counted / exits_all:.1f}")
    return lines


def main():
    args = bench_boot.arguments(__doc__)
    os.chdir(boards.ROOT)
    counted = Results(args.platform).get("boot_el2")
    if counted is None:
        sys.exit("bench: no profile of the boot: its figure comes first")
    try:
        command = bench_boot.command_of(boards.Board(args.platform), args)
    except boards.BoardError as error:
        sys.exit(f"bench: {error}")
    image, found = Image(args.image[:-len(".bin")] + ".elf"), collections.defaultdict(list)
    for entry in exits(image, command):
        found[kind_of(image, entry)].append(entry)
    with open(TEXT, "w", encoding="utf-8") as file:
        file.write("\n".join(table(image, found, counted)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
