#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long a stock Linux boots as a secondary VM, and natively: instructions from the kernel's first to /init's first.

One CPU and 256 MiB both times, with the devices that the secondary has: GIC, timer, a PL011. Natively that is QEMU's
virt without EL2, whose tree is cut down to them. The counter is the virtual one, which counts instructions (and, while
the CPU waits for an interrupt, leaps to the next): both worlds see the same. The VMM's own work is in the
secondary's figure. Each is the median of three boots; the two differ by some percent from boot to boot, as a tick of
4,000,000 comes a little earlier or later in it. Adds both to build/bench/bench.json.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys

from lib import board as boards
from lib import process
from lib.bench_figures import WORK, Results

VMM = "build/guest/vmm-linux.bin"
LIMIT_S = 300
MEMORY_MIB = 256
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max"}
# Of the random numbers that the kernel finds: a boot's length depends on them by some percent, and is repeated exactly
# with the same.
SEEDS = (1, 2, 3)
BOOTARGS = "console=ttyAMA0 panic=-1 quiet nokaslr"
# What is left of QEMU's tree, by the beginning of the nodes' names.
KEPT = ("aliases", "apb-pclk", "chosen", "cpus", "intc@", "memory@", "pl011@", "psci", "timer")
MARK = re.compile(r"\[t\] mark init (\d+)")
STARTED = re.compile(r"\[t\] value started (\d+)")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True, help="its /init says what the counter is at its first instruction")
    parser.add_argument("--pack", required=True, help="the two packed together")
    return parser.parse_args()


def median(name, command):
    return statistics.median(play(name, [*command, "-seed", str(seed)]) for seed in SEEDS)


def play(name, command):
    """What the counter is at /init's first instruction, less what it was at the kernel's."""
    found = {"started": 0}

    def listen(line):
        for key, pattern in (("mark", MARK), ("started", STARTED)):
            match = pattern.search(line)
            if match:
                found[key] = int(match.group(1))

    log = os.path.join(WORK, f"{name}.log")
    ended = process.run(command, LIMIT_S, log, listen, cwd=boards.ROOT)
    why = ended.reason(LIMIT_S) or (None if "mark" in found else "/init did not say what the counter was")
    if why:
        sys.exit(f"bench: no figure for {name}: {why}. Log: {log}")
    return found["mark"] - found["started"]


def secondary_boot(board, args):
    bootargs = f"vcpus=1 memory={MEMORY_MIB} -- {BOOTARGS}"
    return median("secondary_boot", board.command(args.image, "", VMM, bootargs, args.pack, {**OVERRIDES, "-m": "1G"}))


def cut_down(tree):
    """A copy of a tree without the devices that a secondary does not have."""
    path = os.path.join(WORK, "native.dtb")
    nodes = subprocess.run(["fdtget", "-l", tree, "/"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    with open(tree, "rb") as whole, open(path, "wb") as copy:
        copy.write(whole.read())
    for node in nodes:
        if not node.startswith(KEPT):
            subprocess.run(["fdtput", "-r", path, "/" + node], check=True)
    return path


def native_boot(board, args):
    overrides = {**OVERRIDES, "-m": f"{MEMORY_MIB}M", "-M": "virt,gic-version=3,its=off"}
    command = board.command(None, "", args.linux, BOOTARGS, args.initrd, overrides)
    # The counter is 0 when the machine starts, a few instructions before the kernel.
    return median("native_boot", [*command, "-dtb", cut_down(board.tree(command))])


def main():
    args = arguments()
    os.chdir(boards.ROOT)
    os.makedirs(WORK, exist_ok=True)
    try:
        board = boards.Board(args.platform)
        found = {"native_boot": native_boot(board, args), "secondary_boot": secondary_boot(board, args)}
    except boards.BoardError as error:
        sys.exit(f"bench: {error}")
    Results(args.platform).update(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
