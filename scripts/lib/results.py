# SPDX-License-Identifier: BSD-2-Clause
"""Results of tests: lines on the console as they come, a JUnit file at the end, the last line."""

import os
import re
import threading
import time
from xml.sax.saxutils import escape, quoteattr

# What JUnit's XML 1.0 cannot hold.
UNPRINTABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]")


class Results:
    def __init__(self):
        self.cases = []  # (name, reason or None, seconds)
        self.lock = threading.Lock()
        self.started = time.monotonic()

    def add(self, name, reason=None, seconds=0.0):
        with self.lock:
            self.cases.append((name, reason, seconds))
            print(f"ok {name}" if reason is None else f"not ok {name}: {reason}", flush=True)

    @property
    def failed(self):
        return sum(reason is not None for _, reason, _ in self.cases)

    def write_junit(self, path):
        seconds = time.monotonic() - self.started
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            file.write(f'<testsuite name="portcullis" tests="{len(self.cases)}" failures="{self.failed}" '
                       f'time="{seconds:.1f}">\n')
            for name, reason, took in self.cases:
                group, _, title = name.rpartition("/")
                file.write(f'  <testcase classname={quoteattr(group or "portcullis")} name={quoteattr(title)} '
                           f'time="{took:.2f}"')
                if reason is None:
                    file.write("/>\n")
                else:
                    text = escape(UNPRINTABLE.sub("?", reason))
                    file.write(f'><failure message={quoteattr(UNPRINTABLE.sub("?", reason))}>{text}</failure>'
                               "</testcase>\n")
            file.write("</testsuite>\n")

    def finish(self):
        """The last line; True if there was something to pass and all of it did."""
        passed = len(self.cases) - self.failed
        print(f"{passed} passed, {self.failed} failed", flush=True)
        return passed > 0 and self.failed == 0
