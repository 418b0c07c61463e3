#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests: host programs, a minute of fuzzing, guest images in QEMU (test/cases.cfg), stock Linux.

With --trace only what runs in QEMU, each machine with a journal of who owns what, and under a judge of QEMU's trace.

One line per case, "ok NAME" or "not ok NAME: REASON"; last "N passed, N failed". Logs are in build/test/logs, the
same results as JUnit in build/test/junit.xml. Exit status 0 if there was a case and every case passed.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import sys
import time

from lib import board as boards
from lib import cases, guest_run, process, results, traced

HOST_LIMIT_S = 1200
FUZZ_S = 60  # of all targets, or a little more: each runs whole seconds
COMMAND_LIMIT_S = 1800
LINE = re.compile(r"^(ok|not ok) (\S+?)(?:: (.*))?$")
LOGS = os.path.join(boards.WORK, "logs")


def report_lines(ended, limit, name):
    """{case: reason or None} from a program that prints our result lines."""
    found = {}
    for line in ended.lines:
        match = LINE.match(line)
        if match:
            kind, case, reason = match.groups()
            found[case] = None if kind == "ok" else reason or "no reason given"
    reason = ended.reason(limit)
    if not found or (reason and all(r is None for r in found.values())):
        found[name] = reason or "it reported no case"
    return found


def host_job(program):
    name = "unit/" + os.path.relpath(program, "build/host/unit")
    # As test/unit/run has it: the fake machine keeps what the hypervisor never gives back.
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")
    log = os.path.join(LOGS, name.replace("/", "-") + ".log")
    ended = process.run([os.path.abspath(program)], HOST_LIMIT_S, log, cwd=boards.ROOT, env=env)
    return {f"{name}/{case}": why for case, why in report_lines(ended, HOST_LIMIT_S, "program").items()}


def fuzz_job(target, seconds):
    """Each target for its share of a minute, from the kept inputs (test/fuzz/run.py)."""
    log = os.path.join(LOGS, f"fuzz-{target}.log")
    command = [sys.executable, "test/fuzz/run.py", f"--seconds={seconds}", target]
    ended = process.run(command, HOST_LIMIT_S, log, cwd=boards.ROOT)
    return {f"fuzz/{case}": why for case, why in report_lines(ended, HOST_LIMIT_S, target).items()}


def command_job(section, args):
    limit = section.number("timeout", COMMAND_LIMIT_S) * (traced.Judge.slower if args.trace else 1)
    words = {"image": args.image, "work": os.path.join(boards.WORK, section.name), "python": sys.executable,
             "trace": "--trace" if args.trace else ""}
    command = list(filter(None, (word.format(**words) for word in shlex.split(section.get("command")))))
    ended = process.run(command, limit, os.path.join(LOGS, section.name + ".log"), cwd=boards.ROOT)
    return {f"{section.name}/{case}": why for case, why in report_lines(ended, limit, "program").items()}


def guest_job(section, args, board):
    found = {}
    for turn in range(section.number("repeat", 1)):
        outcomes = guest_run.run_section(board, section, args.images, LOGS, turn, args.trace, args.first)
        for case, why in outcomes.items():
            name = f"{section.name}/{case}"
            if turn and why:
                why = f"{why} (run {turn + 1})"
            found[name] = found.get(name) or why
    return found


def jobs_of(args, board):
    """(name, function) of everything that the pattern chooses; long ones first, so that two CPUs end together."""
    jobs = []
    sections = cases.select(cases.read(os.path.join(boards.ROOT, "test", "cases.cfg")), args.match)
    for section in sorted(sections, key=lambda s: -s.number("timeout", 180)):
        if section.get("command"):
            jobs.append((section.name, lambda s=section: command_job(s, args)))
        else:
            jobs.append((section.name, lambda s=section: guest_job(s, args, board)))
    if args.trace:
        return jobs
    for program in sorted(glob.glob("build/host/unit/*/*_test")):
        name = "unit/" + os.path.relpath(program, "build/host/unit")
        if not args.match or cases.matches(name, args.match):
            jobs.append((name, lambda p=program: host_job(p)))
    targets = sorted(os.path.basename(path) for path in glob.glob("build/fuzz/bin/*"))
    for target in targets:
        if not args.match or cases.matches(f"fuzz/{target}", args.match):
            jobs.append((f"fuzz/{target}", lambda t=target: fuzz_job(t, -(-FUZZ_S // len(targets)))))
    return jobs


def run_job(name, job, sink):
    started = time.monotonic()
    try:
        found = job()
    except (boards.BoardError, OSError) as error:
        found = {name: str(error)}
    seconds = (time.monotonic() - started) / max(len(found), 1)
    for case, why in found.items():
        sink.add(case, why, seconds)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", help="the hypervisor; default build/<platform>/portcullis.bin")
    parser.add_argument("--match", default="", help="shell pattern, or a word in the names of cases")
    parser.add_argument("--jobs", type=int, default=2, help="machines at a time")
    parser.add_argument("--trace", action="store_true", help="images with a journal, under the judge of the trace")
    parser.add_argument("--first", action="store_true", help="end each machine at its first case that fails")
    args = parser.parse_args()
    variant = "-trace" if args.trace else ""
    args.image = args.image or f"build/{args.platform}{variant}/portcullis.bin"
    args.images = {"": args.image}
    for kind in ("test", "spec"):
        args.images[kind] = f"build/{args.platform}-{kind}{variant}/portcullis.bin"
    return args


def main():
    args = arguments()
    os.chdir(boards.ROOT)
    sink = results.Results()
    try:
        jobs = jobs_of(args, boards.Board(args.platform))
    except (boards.BoardError, cases.CasesError) as error:
        sys.exit(f"test: {error}")
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        running = [pool.submit(run_job, name, job, sink) for name, job in jobs]
        try:
            for future in running:
                future.result()
        except KeyboardInterrupt:
            for future in running:
                future.cancel()
            process.stop_all()
            print("\ninterrupted", file=sys.stderr)
            return 130
    sink.write_junit(os.path.join(boards.WORK, "junit.xml"))
    return 0 if sink.finish() else 1


if __name__ == "__main__":
    sys.exit(main())
