#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures calls in instructions (test/guest/bench), and what they cost where nobody checks anything (test/guest/floor).

Each image is a run of QEMU of its own, two at a time: instructions are counted, so runs do not disturb each other.
Adds its figures to build/bench/bench.json; scripts/bench_report.py makes a page of them.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys

from check import size
from lib import board as boards
from lib import bench_code, guest_run, process
from lib.bench_figures import CALLS, CODE, COLD, ONE_STAGE, RESULTS, WORK, Results

LIMIT_S = 900
AT_ONCE = 2
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max"}
BOOT_LINE = "testdev"
FIGURE = re.compile(r"\[b\] (\w+) (\d+) cold (\d+)$")
FEW, MANY = ["slot", "more", "bridges"], ["slot", "more", "bridges", "endpoints"]
LARGE = ["large-registers", "many-functions", "large-group"]
# Every 2 MiB sample has memory of its own: a thousand of them, and ours. And two blocks of 1 GiB side by side, whole.
SAMPLES, BLOCKS = "3G", "4G"
# run: (its image, below the hypervisor, its devices, its memory, which of its cases, the one stage of its SMMU)
RUNS = {
    "bench": ("bench", True, FEW, SAMPLES, "", 0),
    "bench-growth": ("bench-growth", True, MANY, SAMPLES, "", 0),
    "bench-longest": ("bench-longest", True, MANY, BLOCKS, "", 0),
    "bench-stage-1": ("bench-longest", True, MANY, BLOCKS, "", 1),
    "bench-stage-2": ("bench-longest", True, MANY, BLOCKS, "", 2),
    "bench-devices": ("bench-devices", True, LARGE, SAMPLES, "t=*.devices", 0),
    "floor": ("floor", False, FEW, SAMPLES, "", 0),
}
MODEL = os.path.join("build", "bench", "host", "endpoints")
RECORDS = ("vm", "device", "endpoint", "page")
SECTION = re.compile(r"\]\s+(\.\w+)\s+\w+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def command_of(board, hypervisor, run):
    image, below, devices, memory, cases, stage = RUNS[run]
    primary, initrd = os.path.join("build", "guest", f"{image}.bin"), None
    overrides, extra = {**OVERRIDES, "-m": memory}, board.devices(devices)
    if stage:
        # The SMMU comes before what is behind it; the guest learns of it by a ramdisk.
        overrides["-M"] = "virt,virtualization=on,gic-version=3"
        extra = ["-device", f"arm-smmuv3,primary-bus=pcie.0,stage={stage}", *extra]
        initrd = board.tree(board.command(hypervisor, BOOT_LINE, primary, cases, None, overrides, extra))
    return board.command(hypervisor if below else None, BOOT_LINE, primary, cases, initrd, overrides, extra)


def measure(board, hypervisor, run):
    """{key: (median, cold)}; raises BoardError, saying why, if there are no figures."""
    log = os.path.join(WORK, f"{run}.log")
    command = command_of(board, hypervisor, run)
    prefix = ONE_STAGE.format(RUNS[run][-1]) if RUNS[run][-1] else ""
    report, found = guest_run.GuestReport(), {}

    def listen(line):
        match = FIGURE.search(line)
        if match:
            found[prefix + match.group(1)] = (int(match.group(2)), int(match.group(3)))
        return report.line(line)

    ended = process.run(command, LIMIT_S, log, listen, cwd=boards.ROOT)
    bad = [why for kind, why in report.outcomes.values() if kind != "ok"]
    why = ended.reason(LIMIT_S) or (bad[0] if bad else None if report.done else "the image ended early")
    if why:
        raise boards.BoardError(f"no figures of {run}: {why}. Log: {log}")
    return found


def measure_model():
    """The same of the program that counts on the host."""
    log, found = os.path.join(WORK, "endpoints.log"), {}

    def listen(line):
        match = FIGURE.search(line)
        if match:
            found[match.group(1)] = (int(match.group(2)), int(match.group(3)))

    ended = process.run([MODEL], LIMIT_S, log, listen, cwd=boards.ROOT)
    if ended.reason(LIMIT_S):
        raise boards.BoardError(f"no figures of the model: {ended.reason(LIMIT_S)}. Log: {log}")
    return found


def measure_all(board, hypervisor):
    found = measure_model()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for each in pool.map(lambda run: measure(board, hypervisor, run), RUNS):
            found.update(each)
    figures = {name: value for name, (value, _) in found.items()}
    figures.update({name + COLD: found[name][1] for name in CALLS if name in found})
    return figures


def image_sizes(image):
    """Bytes of the image's sections, of its code without the C library, and of what a VM, device, page ... is in it."""
    stem = image[:-len(".bin")]
    figures = {"image_file": os.path.getsize(image)}
    sections = subprocess.run(["llvm-readelf-19", "-S", stem + ".elf"], stdout=subprocess.PIPE, check=True)
    for name, length in SECTION.findall(sections.stdout.decode()):
        if name in (".text", ".rodata", ".data", ".bss", ".noinit"):
            figures["image_" + name[1:]] = int(length, 16)
    with open(stem + ".map", encoding="utf-8") as file:
        figures["image_text_ours"], figures["image_text_libc"] = size.text_bytes(file)
    figures.update({CODE + room: length for room, length in bench_code.by_room(stem + ".elf")})
    for record in RECORDS:
        text = subprocess.run(["llvm-dwarfdump-19", "-n", record, stem + ".elf"], stdout=subprocess.PIPE, check=True)
        match = re.search(r"DW_TAG_structure_type\s+DW_AT_name\s+\(\"" + record + r"\"\)\s+DW_AT_byte_size\s+\((0x\w+)\)",
                          text.stdout.decode())
        figures["record_" + record] = int(match.group(1), 16)
    return figures


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
    try:
        before = sha256(args.image)
        figures = measure_all(boards.Board(args.platform), args.image)
        figures.update(image_sizes(args.image))
        if sha256(args.image) != before:
            raise boards.BoardError("no figures: the image changed while it was measured")
    except (boards.BoardError, OSError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        return 130
    # What was measured of another image is no part of this one's figures.
    if os.path.exists(RESULTS):
        os.unlink(RESULTS)
    Results(args.platform).update(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
