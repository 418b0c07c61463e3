#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures calls in instructions (test/guest/bench) and holds those of the pvIOMMU against figures.

In the same run the floor is measured: a bare image at EL2 that does only what nobody can leave out (test/guest/floor).

Prints a table, writes build/bench/bench.json (flat, keys "<platform>.<operation>"). Exit status 0 if every figure is
there and none is above what it must hold.
"""

import argparse
import hashlib
import json
import os
import re
import sys

from lib import board as boards
from lib import guest_run, process

WORK = os.path.join("build", "bench")
LIMIT_S = 900
# Every 2 MiB sample has memory of its own: a thousand of them, and ours.
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max", "-m": "3G"}
BOOT_LINE = "testdev"
DEVICES = ["slot", "more", "bridges"]
FIGURE = re.compile(r"\[b\] (\w+) (\d+) cold (\d+)$")
CROWD = "_1000"
FLOOR = "floor_"
CROWD_FACTOR = 1.05

# operation: (must, goal, a native Linux driver without hypervisor)
FIGURES = {
    "null_call": (150, 115, None),
    "map_4k": (450, 300, 671),
    "unmap_4k": (700, 430, 1879),
    "map_64k": (900, 550, 971),
    "unmap_64k": (1200, 700, 2824),
    "map_2m": (500, 320, 572),
    "unmap_2m": (800, 450, 1796),
    "map_512x4k": (11400, 9000, 11419),
    "unmap_512x4k": (13000, 10000, 34552),
    "attach": (4000, 1500, 8112),
    "detach": (4000, 1500, 8097),
}

# operation: (how many pages, or 0, what is measured); no figure to hold yet. bench_vm.c says more.
VM_FIGURES = {
    "vcpu_run": (0, "VCPU_RUN of a secondary that stores to an address of nobody's: there and back"),
    "vcpu_run_idle": (0, "the same of one that waits for an interrupt"),
    "world_switch": (0, "vcpu_run less null_call"),
    "mem_share": (0, "VCPU_RUN of a secondary that shares a page, up to the exit that says so"),
    "mem_unshare": (0, "the same for taking it back"),
    "donate_page": (1, "VM_DONATE of a page that is cleared"),
    "donate_512x4k": (512, "of 512 pages where no block fits"),
    "donate_2m": (512, "of a block"),
    "destroy_vm": (0, "all of VM_DESTROY for a VM without memory but its pool"),
    "destroy_page": (1, "what a page that was donated by itself adds to that"),
    "destroy_512x4k": (512, "and 512 pages that were donated at once"),
    "destroy_2m": (512, "and a block"),
}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def measure(board, hypervisor, image):
    """{key: (median, cold)}; ends the program, saying why, if there are no figures."""
    primary = os.path.join("build", "guest", f"{image}.bin")
    log = os.path.join(WORK, f"{image}.log")
    command = board.command(hypervisor, BOOT_LINE, primary, "", None, OVERRIDES, board.devices(DEVICES))
    report, found = guest_run.GuestReport(), {}

    def listen(line):
        match = FIGURE.search(line)
        if match:
            found[match.group(1)] = (int(match.group(2)), int(match.group(3)))
        return report.line(line)

    ended = process.run(command, LIMIT_S, log, listen, cwd=boards.ROOT)
    bad = [why for kind, why in report.outcomes.values() if kind != "ok"]
    why = ended.reason(LIMIT_S) or (bad[0] if bad else None if report.done else "the image ended early")
    if why:
        sys.exit(f"bench: no figures: {why}. Log: {log}")
    return found


def row(key, found):
    """One line of the table, and whether the figure holds."""
    must, goal, native = FIGURES[key]
    if key not in found:
        return f"{key:<14} no figure", False
    value, cold = found[key]
    crowd, floor = found.get(key + CROWD), found.get(FLOOR + key)
    verdict = "goal" if value <= goal else "must" if value <= must else "ABOVE"
    factor = crowd[0] / value if crowd else None
    head = f"{key:<14}{value:>8}{must:>8}{goal:>8}{native or '-':>8}{cold:>8}"
    head += f"{floor[0]:>8}{value / floor[0]:>7.2f}x" if floor else f"{'-':>8}{'':8}"
    text = head + (f"{crowd[0]:>8}  {factor:5.3f}x  " if crowd else f"{'-':>8}{'':9}")
    holds = value <= must and factor is not None and factor <= CROWD_FACTOR
    return text + (verdict if holds or verdict == "ABOVE" else "CROWD"), holds


def vm_table(found):
    """Prints the figures of secondaries; False if one is missing."""
    print("\nSecondaries, whole calls, the secondary's own instructions among them\n")
    print(f"{'operation':<16}{'median':>8}{'a page':>8}{'cold':>8}  what")
    for key, (pages, what) in VM_FIGURES.items():
        if key in found:
            value, cold = found[key]
            print(f"{key:<16}{value:>8}{value // pages if pages else '-':>8}{cold:>8}  {what}")
        else:
            print(f"{key:<16} no figure")
    return all(key in found for key in VM_FIGURES)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", help="the hypervisor; default build/<platform>/portcullis.bin")
    args = parser.parse_args()
    args.image = args.image or f"build/{args.platform}/portcullis.bin"
    return args


def main():
    args = arguments()
    os.chdir(boards.ROOT)
    standard = f"build/{args.platform}/portcullis.bin"
    try:
        board = boards.Board(args.platform)
        before = sha256(args.image)
        found = {**measure(board, None, "floor"), **measure(board, args.image, "bench")}
        if sha256(args.image) != before:
            sys.exit("bench: no figures: the image changed while it was measured")
    except (boards.BoardError, OSError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        return 130
    print("Instructions from the guest's HVC to its return, median of 1000 (one CPU, -cpu max, -icount shift=0)\n")
    print(f"{'operation':<14}{'median':>8}{'must':>8}{'goal':>8}{'native':>8}{'cold':>8}{'floor':>8}"
          f"{'ratio':>8}{'crowd':>8}")
    good = True
    for key in FIGURES:
        text, holds = row(key, found)
        good &= holds
        print(text)
    good &= vm_table(found)
    same = os.path.exists(standard) and sha256(standard) == before
    print("\nnative: Linux's own driver without a hypervisor. cold: the tables are made. floor: what no EL2 can leave out, and how")
    print(f"many times that. crowd: the same among 1,000 domains and every endpoint of the machine, at most {CROWD_FACTOR}x.")
    print(f"image {before}, {'the one that make run boots' if same else 'NOT the one that make run boots'}")
    results = {f"{args.platform}.{key}": value for key, (value, _) in sorted(found.items())}
    with open(os.path.join(WORK, "bench.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    return 0 if good and same else 1


if __name__ == "__main__":
    sys.exit(main())
