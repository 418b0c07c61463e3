# SPDX-License-Identifier: BSD-2-Clause
"""What looks at a machine from outside, by QEMU's trace: a count of one event, or the judge of all that the SMMU does.

Each has `arguments` for QEMU and `passed`, what QEMU inherits; close() is called when the machine has ended, and then
`counted` is how often the event was there, if one was named.
"""

import os
import subprocess
import sys

from .board import ROOT

# What a run without a violation shows: invariants, and lines of the checklist A to K.
NAME = "trace.A1_A2_A8_B3_N71_S0_12_V1_V2_V3_V4_V5_V7_V8"
JUDGE_LIMIT_S = 120  # behind the end of the machine


class Count:
    """QEMU's own count of one event; of none, if it has no name."""

    slower = 1

    def __init__(self, event, path):
        self.event, self.path, self.counted, self.passed = event, path, None, ()
        self.arguments = ["-trace", event, "-D", path] if event else []

    def close(self):
        if self.event and os.path.exists(self.path):
            with open(self.path, encoding="utf-8", errors="replace") as file:
                self.counted = sum(self.event in line for line in file)
            os.unlink(self.path)

    def verdicts(self, _):
        return {}


class Judge:
    """The trace goes to scripts/trace_check.py as the machine runs: a program of its own, so that two machines keep
    two processors busy. Nothing is kept of it but what is shown with a report."""

    slower = 3  # how much longer a traced machine may take

    def __init__(self, command, event, log):
        reader, self.writer = os.pipe()
        self.log, self.words, self.counted, self.passed = log, [], None, (self.writer,)
        self.arguments = ["-trace", f"events={os.path.join('scripts', 'lib', 'trace.events')}",
                          "-D", f"/dev/fd/{self.writer}"]
        # QEMU's own events do not say which SMMU they are of; writes to registers do.
        if sum(word.startswith("arm-smmuv3,") for word in command) > 1:
            self.arguments += ["-trace", "memory_region_ops_write"]
        if event:
            self.arguments += ["-trace", event]
        os.makedirs(os.path.dirname(log), exist_ok=True)
        self.program = subprocess.Popen(
            [sys.executable, os.path.join("scripts", "trace_check.py"), f"--log={log}", f"--count={event}"],
            cwd=ROOT, stdin=reader, stdout=subprocess.PIPE, text=True)
        os.close(reader)

    def close(self):
        os.close(self.writer)
        try:
            output, _ = self.program.communicate(timeout=JUDGE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.program.kill()
            output, _ = self.program.communicate()
        self.words = output.splitlines()
        if self.words and self.words[-1].startswith("broken "):
            self.counted = int(self.words[-1].split("counted ")[1].split(",")[0])

    def verdicts(self, section):
        return {NAME: self.verdict(section.get("broken"))}

    def verdict(self, wanted=""):
        """None if nothing was broken, else what; with `wanted`, None if it was found broken in these words."""
        if self.counted is None:
            return f"the judge did not end: {' '.join(self.words[-3:])}"
        reports = self.words[:-1]
        if wanted:
            seen = any(wanted in report for report in reports)
            return None if seen else f"nobody says '{wanted}': {'; '.join(reports) or 'nothing is broken'}"
        if not reports:
            return None
        more = f", and {len(reports) - 1} more" if len(reports) > 1 else ""
        return f"{reports[0]}{more} ({self.log})"
