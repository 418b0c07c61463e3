#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs fuzz targets from their kept inputs, and says what they reached.

A line "ok TARGET" or "not ok TARGET: REASON" each, and the figures of the run. What a run finds new grows in
build/fuzz/corpus/TARGET; an input that breaks something is build/fuzz/crash/TARGET-*. test/fuzz/corpus/TARGET.pack is
the kept inputs: length (two bytes, little endian) and bytes, one behind the other.
"""

import argparse
import fcntl
import glob
import os
import re
import shutil
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "fuzz")
LONGEST = 4096
VOLUME = 65536  # bytes of an input for volume, all of them
VOLUME_RARER = "8"  # looks at the whole machine; each call is judged all the same
KEPT_BYTES = 64 * 1024  # of a target: most of what a long run finds, and a few seconds of it
ONE_INPUT_S = 60
ONE_LONG_INPUT_S = 600
VOLUME_PROGRAMS = "fuzz-volume"
TSAN_PROGRAMS = "fuzz-tsan"


def unpack(target):
    """The kept inputs as a folder of files."""
    folder = os.path.join(WORK, "kept", target)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    pack = os.path.join(ROOT, "test", "fuzz", "corpus", target + ".pack")
    data = open(pack, "rb").read() if os.path.exists(pack) else b""
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<H", data, at)
        with open(os.path.join(folder, f"{at:06d}"), "wb") as file:
            file.write(data[at + 2:at + 2 + size])
        at += 2 + size
    return folder


def run(target, arguments, programs="fuzz"):
    # The fake machine keeps what the hypervisor never gives back.
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")
    if programs == VOLUME_PROGRAMS:
        env["FUZZ_LEAST"] = str(VOLUME)
        env.setdefault("FUZZ_RARER", VOLUME_RARER)
    command = [os.path.join(ROOT, "build", programs, "bin", target), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=ROOT, check=False,
                          errors="replace")


def command_again(target, path, programs):
    """What shows a finding once more, under the same sanitizers."""
    if programs == TSAN_PROGRAMS:
        return f"make fuzz-tsan CRASH={path}"
    if programs == VOLUME_PROGRAMS:
        return f"make fuzz-volume T={target} CRASH={path}, or under ASan: make fuzz T={target} CRASH={path}"
    return f"make fuzz T={target} CRASH={path}"


def reason(target, ended, programs):
    lines = ended.stdout.splitlines()
    words = [line for line in lines if line.startswith(("found: ", "ERROR: ", "fake machine: "))
             or "runtime error: " in line or "ERROR: AddressSanitizer" in line or "ERROR: libFuzzer" in line
             or line.startswith("SUMMARY: ThreadSanitizer")]
    crash = re.findall(r"Test unit written to (\S+)", ended.stdout)
    where = f"; again by: {command_again(target, crash[-1], programs)}" if crash else ""
    return (words[0] if words else f"exit status {ended.returncode}") + where


def counted(ended):
    found = re.search(r"fuzz: (\d+) inputs, (\d+) checked calls", ended.stdout)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def total(target, inputs, calls, cpu_s):
    """Adds a run without a finding to build/fuzz/total: a line for each target, of this tree's whole life."""
    # Two runs of one `make test` end at the same moment: one after the other.
    with open(os.path.join(WORK, "total.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = os.path.join(WORK, "total")
        lines = open(path).read().splitlines() if os.path.exists(path) else []
        sums = {words[0]: words[1:] for words in map(str.split, lines)}
        old = sums.get(target, ("0", "0", "0"))
        sums[target] = (str(int(old[0]) + inputs), str(int(old[1]) + calls), f"{float(old[2]) + cpu_s:.0f}")
        with open(path + ".new", "w") as file:
            file.writelines(f"{name} {' '.join(values)}\n" for name, values in sorted(sums.items()))
        os.replace(path + ".new", path)
    return f"{sums[target][1]} checked calls in all runs of this tree"


def figures(target, ended, cpu_s):
    cover = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", ended.stdout)
    inputs, calls = counted(ended)
    text = [f"{inputs} inputs, {calls} checked calls, {calls / max(cpu_s, 0.01):.0f} a second of CPU"]
    if cover:
        text.append(f"{cover[-1][0]} edges, {cover[-1][1]} features, {cover[-1][2]} inputs in the corpus")
    text.append(total(target, inputs, calls, cpu_s))
    return "; ".join(text)


def fuzz(target, seconds, programs):
    corpus, crash = os.path.join(ROOT, "build", programs, "corpus", target), os.path.join(WORK, "crash")
    if programs == VOLUME_PROGRAMS:
        # Long inputs that found something new would each be played again at the start.
        shutil.rmtree(corpus, ignore_errors=True)
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(crash, exist_ok=True)
    before = os.times()
    longest, limit = (VOLUME, ONE_LONG_INPUT_S) if programs == VOLUME_PROGRAMS else (LONGEST, ONE_INPUT_S)
    options = [f"-max_total_time={seconds}", f"-max_len={longest}", "-len_control=0", f"-timeout={limit}",
               f"-artifact_prefix={os.path.relpath(crash, ROOT)}/{target}-"]
    ended = run(target, [*options, corpus, unpack(target)], programs)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    if ended.returncode != 0:
        print(f"not ok {target}: {reason(target, ended, programs)}")
        sys.stderr.write(ended.stdout)
        return False
    print(f"ok {target}")
    print(f"# {target}: {figures(target, ended, cpu_s)}", flush=True)
    return True


def again(target, path, programs):
    long = os.path.getsize(path) > LONGEST
    ended = run(target, [f"-timeout={ONE_LONG_INPUT_S if long else ONE_INPUT_S}", os.path.abspath(path)], programs)
    sys.stdout.write(ended.stdout)
    return ended.returncode == 0


def keep(target):
    """The least set of inputs with the same coverage; of a large one those that are small."""
    least = os.path.join(WORK, "least", target)
    shutil.rmtree(least, ignore_errors=True)
    os.makedirs(least)
    kept = unpack(target)
    sources = [folder for folder in (kept, os.path.join(WORK, "corpus", target)) if os.path.isdir(folder)]
    ended = run(target, ["-set_cover_merge=1", f"-max_len={LONGEST}", least, *sources])
    if ended.returncode != 0:
        sys.exit(ended.stdout)
    inputs = sorted((open(path, "rb").read() for path in glob.glob(os.path.join(least, "*"))), key=len)
    packed, count = b"", 0
    for data in inputs:
        if len(packed) + len(data) + 2 <= KEPT_BYTES:
            packed += struct.pack("<H", len(data)) + data
            count += 1
    with open(os.path.join(ROOT, "test", "fuzz", "corpus", target + ".pack"), "wb") as file:
        file.write(packed)
    print(f"{target}: {count} of {len(inputs)} inputs, {len(packed)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each target")
    parser.add_argument("--crash", default="", help="this input, once")
    parser.add_argument("--keep", action="store_true", help="write the least inputs back to test/fuzz/corpus")
    parser.add_argument("--tsan", action="store_true", help="the programs under TSan")
    parser.add_argument("--volume", action="store_true", help="the programs without sanitizers, on long inputs")
    parser.add_argument("targets", nargs="+")
    args = parser.parse_args()
    programs = TSAN_PROGRAMS if args.tsan else VOLUME_PROGRAMS if args.volume else "fuzz"
    if args.keep:
        for target in args.targets:
            keep(target)
        return 0
    if args.crash:
        if len(args.targets) != 1:
            sys.exit("fuzz: T=target says whose input it is")
        return 0 if again(args.targets[0], args.crash, programs) else 1
    good = [fuzz(target, max(1, int(args.seconds)), programs) for target in args.targets]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
