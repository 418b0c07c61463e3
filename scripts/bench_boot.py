#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What EL2 itself executes while a stock Linux boots, and before: the hypervisor's own counter (boot option `measure`).

1 GiB, one CPU, NVMe and virtio-net present, to the first instruction of /init. For this run the pmu node is left out
of the guest's tree and PMU access is trapped; an attempt voids the run. Adds its figures to build/bench/bench.json.
"""

import argparse
import os
import re
import sys

from lib import board as boards
from lib import process
from lib.bench_figures import BOOT, WORK, Results

LIMIT_S = 300
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max", "-m": "1G"}
DISK_BYTES = 16 << 20
BOOT_LINE = re.compile(r"measure: boot el2_instructions=(\d+)(.*)")
STARTUP = re.compile(r"measure: startup el2_instructions=(\d+)")


def arguments(what):
    parser = argparse.ArgumentParser(description=what.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True, help="its /init marks its first instruction")
    return parser.parse_args()


def command_of(board, args):
    disk = os.path.join(WORK, "boot-disk")
    with open(disk, "wb") as file:
        file.truncate(DISK_BYTES)
    extra = ["-drive", f"file={disk},if=none,id=disk,format=raw",
             "-device", "nvme,drive=disk,serial=portcullis",
             "-netdev", "user,id=net",
             "-device", "virtio-net-pci,netdev=net,iommu_platform=on,disable-legacy=on,romfile="]
    return board.command(args.image, "measure", args.linux, "console=ttyAMA0 panic=-1 quiet", args.initrd, OVERRIDES, extra)


def boot(board, args):
    """{figure: instructions}, the exits by kind, and why there are none, if so."""
    found, exits, void = {}, [], []

    def listen(line):
        match = BOOT_LINE.search(line)
        if match:
            found["boot_el2"] = int(match.group(1))
            exits.append(match.group(2).strip())
        match = STARTUP.search(line)
        if match:
            found["startup_el2"] = int(match.group(1))
        if "measure: void" in line:
            void.append(line.strip())

    ended = process.run(command_of(board, args), LIMIT_S, os.path.join(WORK, "boot.log"), listen, cwd=boards.ROOT)
    why = ended.reason(LIMIT_S) or (void[0] if void else None)
    if not why and len(found) < len(BOOT):
        why = "the hypervisor reported no count"
    return found, exits[0] if exits else "", why


def main():
    args = arguments(__doc__)
    os.chdir(boards.ROOT)
    os.makedirs(WORK, exist_ok=True)
    try:
        found, exits, why = boot(boards.Board(args.platform), args)
    except boards.BoardError as error:
        sys.exit(f"bench: {error}")
    if why:
        sys.exit(f"bench: no figure for the boot: {why}. Log: {WORK}/boot.log")
    Results(args.platform).update(found)
    print(f"bench: exits of a stock Linux boot: {exits}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
