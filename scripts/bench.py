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
from lib.bench_figures import CALLS, CODE, COLD, RESULTS, WORK, Results

LIMIT_S = 900
AT_ONCE = 2
OVERRIDES = {"-icount": "shift=0,sleep=off", "-smp": "1", "-cpu": "max"}
BOOT_LINE = "testdev"
FIGURE = re.compile(r"\[b\] (\w+) (\d+) cold (\d+)$")
FEW, MANY = ["slot", "more", "bridges"], ["slot", "more", "bridges", "endpoints"]
LARGE = ["large-registers", "many-functions", "large-group"]
# Every 2 MiB sample has memory of its own: a thousand of them, and ours. And two blocks of 1 GiB side by side, whole.
SAMPLES, BLOCKS = "3G", "4G"
# image: (below the hypervisor, its devices, its memory, which of its cases)
IMAGES = {
    "bench": (True, FEW, SAMPLES, ""),
    "bench-growth": (True, MANY, SAMPLES, ""),
    "bench-longest": (True, MANY, BLOCKS, ""),
    "bench-devices": (True, LARGE, SAMPLES, "t=*.devices"),
    "floor": (False, FEW, SAMPLES, ""),
}
MODEL = os.path.join("build", "bench", "host", "endpoints")
RECORDS = ("vm", "device", "endpoint", "page")
SECTION = re.compile(r"\]\s+(\.\w+)\s+\w+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def measure(board, hypervisor, image):
    """{key: (median, cold)}; raises BoardError, saying why, if there are no figures."""
    below, devices, memory, cases = IMAGES[image]
    primary = os.path.join("build", "guest", f"{image}.bin")
    log = os.path.join(WORK, f"{image}.log")
    command = board.command(hypervisor if below else None, BOOT_LINE, primary, cases, None, {**OVERRIDES, "-m": memory},
                            board.devices(devices))
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
        raise boards.BoardError(f"no figures of {image}: {why}. Log: {log}")
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
        for each in pool.map(lambda image: measure(board, hypervisor, image), IMAGES):
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
