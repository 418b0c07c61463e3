#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plays the fuzzer's records by guests in QEMU, for a while: sections fuzz-1, fuzz-2 and fuzz-4 of test/cases.cfg.

A line "ok SECTION" or "not ok SECTION: REASON" each, and how many calls were made. Seeds count up from --seed; what
breaks is played again by its own seed, printed before each round and with the reason.
"""

import argparse
import os
import re
import sys
import time

from lib import board as boards
from lib import cases, guest_run, process

SECTIONS = ("fuzz-1", "fuzz-2", "fuzz-4")
CASE = "fuzz.streams_by_seed_leave_no_trace_V1_K4"
# QEMU starts, and a machine that is busy with other things is slow, but not for ever.
GRACE_S = 300
ROUND = re.compile(r"\bround (\d+)$")


def play(board, section, args):
    words = f"seed={args.seed} " + (f"rounds={args.rounds}" if args.rounds else f"seconds={args.seconds:.0f}")
    section.cases, section.narrowed = [CASE], True
    command = guest_run.section_command(board, section, {"": args.image}, words)
    report, rounds = guest_run.GuestReport(), []

    def listen(line):
        match = ROUND.search(line)
        if match:
            rounds.append(int(match.group(1)))
        return report.line(line)

    log = os.path.join(boards.WORK, "logs", f"{section.name}-long.log")
    started = time.monotonic()
    ended = process.run(command, args.seconds + GRACE_S, log, listen, cwd=boards.ROOT)
    seconds = time.monotonic() - started
    why = report.verdict(CASE, section, ended.reason(args.seconds + GRACE_S))
    if why:
        cpus = section.get("smp")
        last = rounds[-1] if rounds else args.seed
        print(f"not ok {section.name}: {why}; again by: make fuzz-guest CPUS={cpus} SEED={last} ROUNDS=1; log: {log}")
        return False
    calls = report.info.get("fuzz.calls", 0)
    print(f"ok {section.name}")
    print(f"# {section.name}: {report.info.get('fuzz.rounds', 0)} rounds, {calls} calls "
          f"({report.info.get('fuzz.of_secondaries', 0)} of secondaries, {report.info.get('fuzz.well', 0)} went well), "
          f"{report.info.get('fuzz.dma', 0)} DMA; {calls / seconds:.0f} calls a second", flush=True)
    return calls > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", required=True, help="the hypervisor")
    parser.add_argument("--seconds", type=float, default=60, help="of each machine")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round; the time")
    parser.add_argument("--rounds", type=int, default=0, help="in place of seconds")
    parser.add_argument("--cpus", default="", help="the machine with that many alone")
    args = parser.parse_args()
    os.chdir(boards.ROOT)
    try:
        board = boards.Board(args.platform)
        sections = [s for s in cases.read(os.path.join(boards.ROOT, "test", "cases.cfg")) if s.name in SECTIONS]
        wanted = [s for s in sections if not args.cpus or s.get("smp") == args.cpus]
        if not wanted:
            sys.exit(f"fuzz-guest: no machine has {args.cpus} CPUs")
        good = [play(board, section, args) for section in wanted]
    except (boards.BoardError, cases.CasesError) as error:
        sys.exit(f"fuzz-guest: {error}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
