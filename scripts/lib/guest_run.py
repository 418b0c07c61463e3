# SPDX-License-Identifier: BSD-2-Clause
"""One start of QEMU with a guest image, and what its report lines (test/guest/lib/report.h) say."""

import fnmatch
import os
import re

from . import board as boards
from . import debug_console, process, stop_report

REPORT = re.compile(r"\[t\] (ok|not ok|skip|info|again|done) ?([\w.]*)(?:: | )?(.*)$")
FIELD = re.compile(r"(\w+)=(\d+)")
# The hypervisor's own words when it finds a bug of its own.
PANIC = re.compile(r"\b(panic: .*)$")
# The boot line of a module is 512 bytes in the hypervisor, a word of it 256 in the guest library.
BOOTARG_LIMIT = 240


class GuestReport:
    """Collects the report lines of one run."""

    def __init__(self):
        self.outcomes = {}  # case -> ("ok" | "not ok" | "skip", reason)
        self.info = {}      # "key.field" -> number
        self.done = False

    def line(self, text):
        """Takes a line in; answers why the run cannot go on, if it says so."""
        match = REPORT.search(text)
        if not match:
            panic = PANIC.search(text)
            return f"the hypervisor stopped the machine: {panic.group(1)}" if panic else None
        kind, name, rest = match.groups()
        if kind == "done":
            self.done = True
        elif kind == "again":
            # The second copy is the whole one: in the first, characters may have been lost.
            self.outcomes = {}
        elif kind == "info":
            self.info.update((f"{name}.{field}", int(number)) for field, number in FIELD.findall(rest))
        else:
            self.outcomes[name] = (kind, rest)
        return None

    def verdict(self, case, section, ended):
        """None if the case holds, else why not."""
        missing = ended or "the image ended without its last line"
        kind, reason = self.outcomes.get(case, ("missing", missing if not self.done else "not reported"))
        expected = section.get("expect_failure")
        if expected and fnmatch.fnmatchcase(case, expected):
            failed = kind == "not ok" and self.done and section.get("expect_reason") in reason
            return None if failed else f"had to fail here, and: {kind} {reason}".rstrip()
        if kind == "skip":
            allowed = any(fnmatch.fnmatchcase(case, pattern) for pattern in section.words("skips"))
            return None if allowed else f"skipped: {reason}"
        return None if kind == "ok" else reason or "no reason given"


def case_patterns(section):
    """What the image is asked to run: the cases that were chosen, or the whole section where that is too long."""
    whole = section.get("t", "*")
    chosen = ",".join(section.cases)
    return chosen if section.narrowed and len(chosen) < BOOTARG_LIMIT else whole


def section_command(board, section, image, test_image, bootargs="", qemu_args=()):
    """The QEMU command of a section of cases.cfg, with more words for the image and arguments for QEMU."""
    name = section.get("image")
    primary = os.path.join("build", "guest", f"{name}.bin")
    hypervisor = None if section.flag("bare") else test_image if section.get("hypervisor") == "test" else image
    overrides = {
        option: section.get(key)
        for key, option in (("machine", "-M"), ("cpu", "-cpu"), ("smp", "-smp"), ("memory", "-m"))
        if section.get(key)
    }
    if section.flag("icount"):
        overrides["-icount"] = "shift=0,sleep=off"
    # An SMMU among them comes first: devices ask for their address space when they are made.
    extra = section.words("qemu") + board.devices(section.words("devices")) + list(qemu_args)
    words = {"t": case_patterns(section)}
    if section.get("end"):
        words["end"] = section.get("end")
    initrd = None
    if section.flag("tree") and hypervisor:
        start, end = board.image_range(hypervisor)
        words["hyp"] = f"{start:x}-{end:x}"
        initrd = board.tree(board.command(hypervisor, section.get("bootline"), primary, "", None, overrides, extra))

    if section.get("ramdisk"):
        start, end = board.image_range(hypervisor)
        words["hyp"] = f"{start:x}-{end:x}"
        initrd = os.path.join(boards.ROOT, section.get("ramdisk"))

    def build():
        line = " ".join([*(f"{key}={value}" for key, value in words.items()), *bootargs.split()])
        return board.command(hypervisor, section.get("bootline"), primary, line, initrd, overrides, extra)

    if section.get("second_smmu"):
        # -dtb replaces the tree that guest-loader extends, so it is made from that.
        tree = boards.add_second_smmu(board.tree(build()), section.number("second_smmu", 0))
        extra = [*extra, "-dtb", tree]
    return build()


def trace_verdict(section, report, path):
    """QEMU's own count of an event against the number that the image gives; None if they agree."""
    expected = report.info.get(section.get("trace_info"))
    if expected is None:
        return f"the image does not say {section.get('trace_info')}"
    with open(path, encoding="utf-8", errors="replace") as file:
        counted = sum(section.get("trace") in line for line in file)
    os.unlink(path)
    return None if counted == expected else f"QEMU saw {counted} times {section.get('trace')}, the image {expected}"


def run_section(board, section, image, test_image, logs, turn=0):
    """Runs it once. Returns {case: reason or None}."""
    log = os.path.join(logs, section.name + (f"-{turn}" if turn else "") + ".log")
    limit = section.number("timeout", 180)
    command = section_command(board, section, image, test_image)
    trace = log[:-4] + ".trace"
    if section.get("trace"):
        command += ["-trace", section.get("trace"), "-D", trace]
    if section.get("stops"):
        stop = stop_report.StopReport(section)
        ended = process.run(command, limit, log, stop.line, cwd=boards.ROOT, last_words_s=stop_report.SILENCE_S + 0.5)
        return {case: stop.verdict(ended, limit) for case in section.cases}
    report = GuestReport()
    console = debug_console.DebugConsole(section) if section.get("console") else None
    try:
        ended = process.run(command + (console.arguments if console else []), limit, log, report.line, cwd=boards.ROOT)
    finally:
        if console:
            console.close()
    reason = ended.reason(limit)
    results = {case: report.verdict(case, section, reason) for case in section.cases}
    for name, (kind, why) in report.outcomes.items():
        # What a narrowed run did besides is nobody's question.
        if name not in results and kind != "ok" and (name == "image" or not section.narrowed):
            results[name] = why or kind
    if reason or not report.done:
        results["run"] = reason or "the image ended without its last line"
    elif section.get("says") and not any(section.get("says") in line for line in ended.lines):
        results["run"] = f"nobody says '{section.get('says')}'"
    if section.get("trace") and "run" not in results:
        results["trace"] = trace_verdict(section, report, trace)
    if console:
        results["console"] = console.verdict(ended.lines)
    return results
