#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The performance report: build/bench/report.txt, which is printed, and report.svg, from build/bench/bench.json.

--check holds the figures against those kept in scripts/bench_figures.json: instructions are exact, so what differs has
a cause in a change. And it holds what the page holds: a figure may be as it was kept, and above what it must be. --accept keeps the figures as they are now. Exit status 0 if all that is held holds.
"""

import argparse
import hashlib
import json
import os
import re
import sys

from lib import bench_page, bench_svg
from lib import board as boards
from lib.bench_figures import WORK, Results

KEPT = os.path.join("scripts", "bench_figures.json")
# What is too long for the page, or no text.
BESIDE = {
    "profile.txt": "where the instructions of each call go, by function",
    "boot_profile.txt": "where those of the boot go that EL2 executes, by kind of exit and by function",
    "report.svg": "the page as a drawing: bars, growth, longest stretches",
    "bench.json": "every figure, flat",
}
TOLERANCE = 0.02
# Boots of Linux as a whole: a tick comes a little earlier or later when anything changes, and the kernel is Debian's.
COARSE = {"secondary_boot": 0.05, "native_boot": 0.05, "boot_el2": 0.05}
# Not ours to hold: it says what the machine gives, or follows from others.
NOT_HELD = re.compile(r"image_(text|file|noinit)$|image_code_.*|.*_1000$")


def tolerance(name):
    return COARSE.get(name, TOLERANCE)


def compare(results):
    """Lines about what differs from the kept figures, and whether nothing is worse."""
    kept = Results(results.prefix[:-1], KEPT)
    lines, good = [], True
    for name in sorted(set(kept.names()) | set(results.names())):
        old, new = kept.get(name), results.get(name)
        if NOT_HELD.match(name):
            continue
        if old is None:
            lines.append(f"new    {name}: {new}")
        elif new is None:
            lines.append(f"LOST   {name}: was {old}, no figure now")
            good = False
        elif new > old * (1 + tolerance(name)) and new > old + 1:
            lines.append(f"WORSE  {name}: {old} -> {new}, {100 * (new - old) / old:+.1f} %, at most {100 * tolerance(name):+.0f} %")
            good = False
        elif new < old * (1 - tolerance(name)):
            lines.append(f"better {name}: {old} -> {new}, {100 * (new - old) / old:+.1f} %")
    return lines, good


def check(results):
    lines, good = compare(results)
    _, broken = bench_page.make(results, "", {})
    lines += [f"MUST   {what}" for what in broken]
    for line in lines:
        print(line)
    if broken:
        print("\nbench-check: what must hold does not, whatever is kept.")
    if not good:
        print("\nbench-check: worse than the kept figures. Where that is meant, make bench-accept keeps the new ones; "
              f"commit {KEPT} with the change and say why.")
    if good and not broken:
        print(f"bench-check: {len(results.names())} figures, none worse than kept"
              + ("; make bench-accept keeps the better ones" if lines else ""))
    return 0 if good and not broken else 1


def accept(results):
    with open(KEPT, "w", encoding="utf-8") as file:
        json.dump({results.prefix + name: results.get(name) for name in sorted(results.names())
                   if not NOT_HELD.match(name)}, file, indent=1)
        file.write("\n")
    print(f"bench-accept: {KEPT} has the figures of {results.path}")
    return 0


def report(results, image):
    with open(image, "rb") as file:
        name = hashlib.sha256(file.read()).hexdigest()
    text, broken = bench_page.make(results, name, {os.path.join(WORK, path): what for path, what in BESIDE.items()})
    for path, content in (("report.txt", text), ("report.svg", bench_svg.make(results))):
        with open(os.path.join(WORK, path), "w", encoding="utf-8") as file:
            file.write(content)
    print(text, end="")
    for what in broken:
        print(f"MUST   {what}")
    return 1 if broken else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", help="the hypervisor that was measured; default build/<platform>/portcullis.bin")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--accept", action="store_true")
    args = parser.parse_args()
    os.chdir(boards.ROOT)
    results = Results(args.platform)
    if not results.names():
        sys.exit("bench: there are no figures; make bench measures them")
    if args.check:
        return check(results)
    if args.accept:
        return accept(results)
    return report(results, args.image or f"build/{args.platform}/portcullis.bin")


if __name__ == "__main__":
    sys.exit(main())
