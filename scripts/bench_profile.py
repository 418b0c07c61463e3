#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of a call go: QEMU logs every one of the hypervisor's, one at a time, while test/guest/bench/steps.c
makes the calls; each belongs to the function that the source has it in, inlined or not. Writes build/bench/profile.txt,
beside the report: a row for each group of functions, what it is for, and below it the functions.
"""

import argparse
import bisect
import collections
import os
import re
import subprocess
import sys
import threading

from lib import board as boards
from lib.bench_figures import CALLS, FLOOR, WORK, Results

LIMIT_S = 1800  # against what hangs; a boot, an instruction at a time, takes minutes where others are busy
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max", "-m": "1G"}
LOGGED = re.compile(rb"\[[0-9a-f]+/([0-9a-f]+)/")
VECTORS, VECTOR = 0x800, 0x80
# Calls that the image makes last, in turn, by the handler that is entered; the last of the empty one is found by its length.
COLUMNS = ("map_4k", "unmap_4k", "map_64k", "unmap_64k", "map_2m", "unmap_2m", "map_512x4k", "unmap_512x4k", "attach", "detach",
           "invalidate_1", "invalidate_16")
HANDLERS = {"map": "hc_map_pages", "unmap": "hc_unmap_pages", "attach": "hc_attach_dev", "detach": "hc_detach_dev", "invalidate": "hc_invalidate"}
LONGEST_CALL = 20_000
# Group: files (or file:function) whose instructions it has, and why they are there.
GROUPS = (
    ("entry and exit", ("vectors.S", "trap.c", "guest_trap.c", "guest.h", "psci.h"),
     "31 registers kept from and for the guest; what kind of exit; SMCCC's results"),
    ("row of the call", ("dispatch.c", "hcall.h"), "which call, who may, what must be zero; the index also under speculation"),
    ("before the return", ("exits.c", "events.c", "drain.c", "gerror.c", "fault.c", "iommu_hw.h"), "event queue and errors are polled at each exit (H2)"),
    ("arguments", ("hcall_pviommu.c", "hcall_nested.c", "pviommu_map.c", "pviommu.c", "pviommu_nested.c", "range.h"), "alignment, overflow, allowed bits; handle decoded"),
    ("locks", ("spinlock.h", "spinlock.c", "lock.h"), "domain, page and queue: a ticket each"),
    ("guest's structures", ("guest_copy.c", "guest_copy.h", "guest_window.c"), "read once, sizes and zero tails, page by page as the VM may (A1)"),
    ("guest's entries", ("nested.c", "guest_inval.c", "guest_cmd.c", "guest_cmd.h", "guest_stream.c"),
     "allow-list of bits, the VMID forced, vSID to stream; in batches that are each complete"),
    ("domain", ("domain.c", "domain.h"), "handle to a live domain of this VM, generation compared"),
    ("whose memory", ("vm.c", "vm.h", "view.c"), "IPA to PA in one place, which knows what a VM has"),
    ("pages", ("page.c", "page.h", "page_rules.c"), "owner, state, pin counts with overflow, the summary of the run (V1, V2)"),
    ("leaves", ("map.c", "budget.h"), "size of the leaf, what is in flight, what the call may still do (V9), counters"),
    ("tables", ("pt_walk.h", "pt_lpae_s1.c", "pt_lpae_s2.c", "pt_lpae.h", "pt_lpae_desc.h", "pt.h"), "walk, empty or mapped?, entries"),
    ("removal", ("unmap.c",), "flight of the range while no lock is held, counters (V3)"),
    ("invalidation", ("iommu.c", "tlb.c", "queue.c", "queue.h", "smmuv3.h", "ops.c", "iommu.h"), "commands, SYNC, doorbell, wait with a limit, per IOMMU"),
    ("streams and contexts", ("attach.c", "attach.h", "names.c", "device.c", "device.h", "entry.c", "stream.c", "ste.c", "context.c", "cd.c"),
     "vSID to stream; entries made, and written so that hardware never fetches a half: a flush and a sync a step"),
    ("pool", ("pool.c", "io.c:io_zero_pages", "libc"), "the context descriptor's page, zeroed; entries copied"),
    ("machine access", ("io.h", "sysreg.h", "barrier.h", "io_addr.h", "addr.h", "smp.c", "percpu.h"), "registers, barriers, time, physical addresses"),
)


class Image:
    def __init__(self, elf):
        self.elf = elf
        text = subprocess.run(["llvm-nm-19", "-n", "--defined-only", elf], stdout=subprocess.PIPE, check=True).stdout
        symbols = [line.split() for line in text.decode().splitlines()]
        symbols = [(int(at, 16), name) for at, kind, name in symbols if kind in "tT" and not name.startswith("$")]
        self.starts, self.names = [at for at, _ in symbols], [name for _, name in symbols]

    def at(self, name):
        return self.starts[self.names.index(name)]

    def symbol(self, name):
        """Its first address and its last."""
        at = self.at(name)
        return at, self.starts[bisect.bisect_right(self.starts, at)] - 1

    def range(self):
        return self.starts[0], self.starts[-1] + 0x1000

    def name(self, at):
        return self.names[max(bisect.bisect_right(self.starts, at) - 1, 0)]

    def sources(self, addresses):
        """{address: (file, function)} of the innermost function, inlined or not."""
        asked = "\n".join(hex(at) for at in addresses) + "\n"
        said = subprocess.run(["llvm-symbolizer-19", "--obj=" + self.elf, "--inlines", "--functions=short"],
                              input=asked.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
        found = {}
        for at, block in zip(addresses, said.split("\n\n")):
            lines = block.split("\n")
            file, function = os.path.basename(lines[1].rsplit(":", 2)[0]), lines[0]
            # The C library has no lines, and what several functions share belongs to none of them.
            found[at] = (file, function) if file != "??" else ("libc" if function == "??" else "shared", self.name(at))
        return found


def logged(command, ranges, log):
    """Yields the address of each instruction in these ranges, as they are executed. Whoever has enough closes it."""
    reader, writer = os.pipe()
    command = command + ["-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain",
                         "-dfilter", ",".join(f"{low:#x}..{high:#x}" for low, high in ranges), "-D", f"/dev/fd/{writer}"]
    with open(os.path.join(WORK, log), "wb") as out:
        qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=[writer], cwd=boards.ROOT)
        os.close(writer)
        timer = threading.Timer(LIMIT_S, qemu.kill)
        timer.start()
        try:
            with os.fdopen(reader, "rb") as lines:
                for line in lines:
                    match = LOGGED.search(line)
                    if match:
                        yield int(match.group(1), 16)
            qemu.wait()
        finally:
            timer.cancel()
            if qemu.poll() is None:
                qemu.kill()
                qemu.wait()


def split(addresses, vectors):
    """Yields the addresses of each entry of EL2 by these vectors, up to the next; first those before any."""
    entry = []
    for at in addresses:
        if 0 <= at - vectors < VECTORS and (at - vectors) % VECTOR == 0:
            yield entry
            entry = []
        entry.append(at)
    yield entry


def entries(board, image, hypervisor):
    command = board.command(hypervisor, "testdev", "build/guest/bench-steps.bin", "", None, OVERRIDES, board.devices(["slot"]))
    return split(logged(command, [image.range()], "profile.log"), image.at("vectors"))


def last_calls(image, found):
    """{operation: addresses} of the last call of each."""
    calls = collections.defaultdict(list)
    empty = None
    for entry in found:
        names = {image.name(at) for at in set(entry)} if len(entry) < LONGEST_CALL else set()
        for kind, handler in HANDLERS.items():
            if handler in names:
                calls[kind].append(entry)
        if "hc_query" in names and (empty is None or len(entry) <= len(empty)):
            empty = entry
    turns = 3
    if empty is None or len(calls["map"]) < 4 * turns or not calls["attach"] or not calls["detach"] or len(calls["invalidate"]) != 2 * turns:
        sys.exit(f"bench: the profile has no calls; see {WORK}/profile.log")
    # What sets up and cleans up attaches and detaches too; the turns are most of it.
    usual = {name: sorted(calls[name], key=len)[len(calls[name]) // 2] for name in ("attach", "detach")}
    result = {"null_call": empty, **usual}
    result["invalidate_1"], result["invalidate_16"] = calls["invalidate"][turns - 1], calls["invalidate"][-1]
    # The last twelve maps and unmaps are three turns of four sizes; of each size the last turn counts.
    for i, bytes_ in enumerate(("4k", "64k", "2m", "512x4k")):
        result["map_" + bytes_] = calls["map"][-turns * (4 - i) + turns - 1]
        result["unmap_" + bytes_] = calls["unmap"][-turns * (4 - i) + turns - 1 - (i < 2)]
    return result


def group_of(file, function, groups):
    for name, files, _ in groups:
        if file in files or f"{file}:{function}" in files:
            return name
    return "others"


def by_group(counts, groups, width=13):
    """Lines from {column: Counter of (file, function)}: a row for each group, and below it its functions."""
    places = {place for counter in counts.values() for place in counter}
    lines = [f"{'':<36}" + "".join(f"{column:>{width}}" for column in counts)]
    for name, why in [(name, why) for name, _, why in groups] + [("others", "")]:
        of = sorted((place for place in places if group_of(*place, groups) == name),
                    key=lambda place: (-max(counter[place] for counter in counts.values()), place))
        if not of:
            continue
        lines.append(f"{name:<36}" + "".join(f"{sum(c[place] for place in of):>{width}}" for c in counts.values()) + f"  {why}")
        lines += [f"  {place[0] + ' ' + place[1]:<34.34}" + "".join(f"{c[place] or '':>{width}}" for c in counts.values())
                  for place in of]
    return lines


def goals(columns, calls, figures):
    """The goal of each call, what it is missed by, and what the floor takes: an image that does the same and checks nothing."""
    rows = {"goal": [CALLS[column][1] for column in columns], "above its goal": [], "floor": []}
    for column, goal in zip(columns, rows["goal"]):
        rows["above its goal"].append(max(len(calls[column]) - goal, 0) or "")
        rows["floor"].append(figures.get(FLOOR + column) or "")
    return [f"{name:<36}" + "".join(f"{value:>13}" for value in row) for name, row in rows.items()]


def table(image, calls, figures):
    columns = ("null_call", *COLUMNS)
    sources = image.sources(sorted({at for entry in calls.values() for at in entry}))
    lines = by_group({column: collections.Counter(sources[at] for at in calls[column]) for column in columns}, GROUPS)
    lines.append(f"{'at EL2':<36}" + "".join(f"{len(calls[column]):>13}" for column in columns))
    return lines + goals(columns, calls, figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", required=True)
    args = parser.parse_args()
    os.chdir(boards.ROOT)
    os.makedirs(WORK, exist_ok=True)
    image = Image(args.image[:-len(".bin")] + ".elf")
    lines = table(image, last_calls(image, entries(boards.Board(args.platform), image, args.image)), Results(args.platform))
    with open(os.path.join(WORK, "profile.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
