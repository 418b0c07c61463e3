# SPDX-License-Identifier: BSD-2-Clause
"""One start of QEMU with a guest image, and what its report lines (test/guest/lib/report.h) say."""

import fnmatch
import os
import re

from . import board as boards
from . import cases, debug_console, process, stop_report, traced

REPORT = re.compile(r"\[t\] (ok|not ok|skip|info|again|done) ?([\w.]*)(?:: | )?(.*)$")
FIELD = re.compile(r"(\w+)=(\d+)")
# The hypervisor's own words when it finds a bug of its own.
PANIC = re.compile(r"\b(panic: .*)$")
# The boot line of a module is 512 bytes in the hypervisor, a word of it 256 in the guest library.
BOOTARG_LIMIT = 240


class GuestReport:
    """Collects the report lines of one run; with `first` the run need not go on behind a case that fails."""

    def __init__(self, first=False):
        self.first, self.failed = first, None
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
            if self.first and kind == "not ok":
                self.failed = name
        return self.failed

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
    """What the image is asked to run: the cases that were chosen, or the whole section where that is too long to say."""
    whole = section.get("t", "*")
    if not section.narrowed:
        return whole
    others = set(cases.names_in_image(section.get("image"))) - set(section.cases)
    chosen = ",".join(beginnings(section.cases, others))
    return chosen if len(chosen) < BOOTARG_LIMIT else whole


def beginnings(chosen, others):
    """Patterns of all that are chosen, and of none of the others: the shortest beginnings that say so."""
    patterns = []
    for name in chosen:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        ends = (n for n in range(1, len(name) + 1) if not any(other.startswith(name[:n]) for other in others))
        end = next(ends, None)
        patterns.append(name if end is None else name[:end] + "*")
    return patterns


def section_command(board, section, images, bootargs="", qemu_args=()):
    """The QEMU command of a section of cases.cfg, with more words for the image and arguments for QEMU. `images`: the
    hypervisor's by what a section calls them, "" for the usual one."""
    name = section.get("image")
    primary = os.path.join("build", "guest", f"{name}.bin")
    hypervisor = None if section.flag("bare") else images[section.get("hypervisor")]
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


def count_verdict(section, report, counted):
    """QEMU's own count of an event against the number that the image gives; None if they agree."""
    expected = report.info.get(section.get("trace_info"))
    if expected is None:
        return f"the image does not say {section.get('trace_info')}"
    return None if counted == expected else f"QEMU saw {counted} times {section.get('trace')}, the image {expected}"


def is_judged(section):
    """Is there a hypervisor to be judged: one that gets as far as taking the SMMU, and keeping a journal of owners?"""
    return not section.flag("bare") and not section.flag("before_guest")


def run_section(board, section, images, logs, turn=0, trace=False, first=False):
    """Runs it once, with `trace` under the judge (traced.py), with `first` up to the first case that fails. Returns
    {case: reason or None}."""
    log = os.path.join(logs, section.name + (f"-{turn}" if turn else "") + ".log")
    command = section_command(board, section, images)
    if trace and is_judged(section):
        observer = traced.Judge(command, section.get("trace"), log[:-4] + ".trace.log")
    else:
        observer = traced.Count(section.get("trace"), log[:-4] + ".trace")
    if section.get("stops"):
        return run_stop(section, command, log, observer) | observer.verdicts(section)
    return run_guest(section, command, log, observer, first) | observer.verdicts(section)


def observe(section, command, log, listener, observer, last_words_s=process.LAST_WORDS_S):
    """The machine from beginning to end: how it ended, and why that is a failure, if it is."""
    limit = section.number("timeout", 180) * observer.slower
    try:
        ended = process.run(command + observer.arguments, limit, log, listener, cwd=boards.ROOT,
                            last_words_s=last_words_s, pass_fds=observer.passed)
    finally:
        observer.close()
    return ended, ended.reason(limit)


def run_stop(section, command, log, observer):
    """The image makes the hypervisor stop: its report is judged, and the silence behind it."""
    stop = stop_report.StopReport(section)
    ended, reason = observe(section, command, log, stop.line, observer, stop_report.SILENCE_S + 0.5)
    return {case: stop.verdict(ended, reason) for case in section.cases}


def run_guest(section, command, log, observer, first):
    """The image reports its cases; the run as a whole, a count and the console may have verdicts too."""
    report = GuestReport(first and not section.get("expect_failure"))
    console = debug_console.DebugConsole(section) if section.get("console") else None
    try:
        ended, reason = observe(section, command + (console.arguments if console else []), log, report.line, observer)
    finally:
        if console:
            console.close()
    if report.failed:
        return {case: report.verdict(case, section, reason) for case in report.outcomes}
    results = {case: report.verdict(case, section, reason) for case in section.cases}
    for name, (kind, why) in report.outcomes.items():
        # What a narrowed run did besides is nobody's question.
        if name not in results and kind != "ok" and (name == "image" or not section.narrowed):
            results[name] = why or kind
    if reason or not report.done:
        results["run"] = reason or "the image ended without its last line"
    elif section.get("says") and not any(section.get("says") in line for line in ended.lines):
        results["run"] = f"nobody says '{section.get('says')}'"
    if console:
        results["console"] = console.verdict(ended.lines, section.narrowed)
    if section.get("trace") and "run" not in results:
        results["trace"] = count_verdict(section, report, observer.counted)
    return results
