#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the hypervisor in QEMU with a primary VM.

Without --primary: plays the main scenario (section [scenario] of test/cases.cfg) and exits with 0 only if it held.
With --primary: your own kernel, on this terminal; the exit status is QEMU's. Ctrl-C ends it.
With a second serial port (--qemu-args="-serial unix:PATH,server=on"): the debug console, for another terminal.
"""

import argparse
import os
import shlex
import subprocess
import sys

from lib import board as boards
from lib import cases, guest_run, process

SCENARIO = "scenario"
SCENARIO_LIMIT_S = 120
WORK = os.path.join("build", "run")
# QEMU's test device reads back past the IOMMU, so the hypervisor takes it only when it is told so.
BOOT_LINE = "testdev"


def scenario_command(board, args):
    sections = cases.read(os.path.join(boards.ROOT, "test", "cases.cfg"))
    section = next(s for s in sections if s.name == SCENARIO)
    return guest_run.section_command(board, section, {"": args.image}, args.cmdline, shlex.split(args.qemu_args))


def play(board, args):
    """The scenario: its story is shown, its report lines are judged."""
    command = scenario_command(board, args)
    report = guest_run.GuestReport()

    def listen(line):
        if not line.startswith("[t] "):
            print(line, flush=True)
        return report.line(line)

    ended = process.run(command, SCENARIO_LIMIT_S, os.path.join(WORK, "scenario.log"), listen, cwd=boards.ROOT)
    bad = {name: reason for name, (kind, reason) in report.outcomes.items() if kind != "ok"}
    reason = ended.reason(SCENARIO_LIMIT_S) or (None if report.done else "the image ended without its last line")
    for name, why in bad.items():
        print(f"{name} did not hold: {why}")
    if bad or reason or not report.outcomes:
        print(f"The scenario did not hold{': ' + reason if reason else ''}. Log: {WORK}/scenario.log")
        return 1
    print(f"The scenario held: {len(report.outcomes)} chapters. Log: {WORK}/scenario.log")
    return 0


def own_command(board, args):
    extra = shlex.split(args.qemu_args)
    boot_line = BOOT_LINE if "iommu-testdev" in args.qemu_args else ""
    return board.command(args.image, boot_line, args.primary, args.cmdline, args.initrd, (), extra)


def foreground(command):
    """On this terminal until it ends; Ctrl-C reaches QEMU as it reaches us."""
    machine = subprocess.Popen(command, cwd=boards.ROOT)
    try:
        return machine.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        process.stop(machine)


def debug(board, args):
    """QEMU stopped at its first instruction, its console in a file, gdb on this terminal."""
    os.makedirs(WORK, exist_ok=True)
    socket, console = os.path.join(WORK, "gdb.socket"), os.path.join(WORK, "console.log")
    if os.path.exists(socket):
        os.unlink(socket)
    command = own_command(board, args) if args.primary else scenario_command(board, args)
    command[command.index("-serial") + 1] = f"file:{console}"
    command += ["-S", "-chardev", f"socket,path={socket},server=on,wait=off,id=gdb", "-gdb", "chardev:gdb"]
    machine = subprocess.Popen(command, cwd=boards.ROOT, start_new_session=True)
    print(f"The console goes to {console}; the machine waits: set a breakpoint (hyp_main) and continue.")
    try:
        elf = os.path.splitext(args.image)[0] + ".elf"
        return subprocess.call(["gdb-multiarch", "-q", elf, "-ex", "set confirm off",
                                "-ex", "target remote " + os.path.abspath(socket)])
    except FileNotFoundError:
        print("gdb-multiarch is not installed")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        process.stop(machine)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", default="qemu-virt")
    parser.add_argument("--image", help="the hypervisor; default build/<platform>/portcullis.bin")
    parser.add_argument("--primary", help="a kernel of the Linux arm64 boot protocol, or a flat image")
    parser.add_argument("--initrd", help="the primary's ramdisk")
    parser.add_argument("--cmdline", default="", help="the primary's command line")
    parser.add_argument("--qemu-args", default="", help="more arguments for QEMU")
    parser.add_argument("--debug", action="store_true", help="wait for gdb, and start one")
    args = parser.parse_args()
    args.image = args.image or f"build/{args.platform}/portcullis.bin"
    return args


def main():
    args = arguments()
    # A user's paths are seen from where make was called, which is the root as well.
    os.chdir(boards.ROOT)
    try:
        board = boards.Board(args.platform)
        for path in filter(None, [args.image, args.primary, args.initrd]):
            if not os.path.exists(path):
                raise boards.BoardError(f"{path} is not there")
        if args.debug:
            return debug(board, args)
        return foreground(own_command(board, args)) if args.primary else play(board, args)
    except (boards.BoardError, cases.CasesError) as error:
        sys.exit(f"run: {error}")
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
