# SPDX-License-Identifier: BSD-2-Clause
"""The list of tests in test/cases.cfg, and the names of the cases that are in each guest image.

A section is one start of QEMU (or one host program). Its cases are named SECTION/GROUP.TITLE.
"""

import configparser
import dataclasses
import fnmatch
import glob
import os
import re

from .board import ROOT

CASE = re.compile(r"^CASE\((\w+), (\w+)\)", re.MULTILINE)
KEYS = {
    "image", "t", "cpu", "smp", "memory", "machine", "devices", "qemu", "bootline", "hypervisor", "bare", "tree",
    "second_smmu", "ramdisk", "icount", "timeout", "repeat", "skips", "expect_failure",
    "expect_reason", "stops", "stops_in", "before_guest", "end", "says", "trace", "trace_info", "command",
    "console", "console_sees", "broken",
}


class CasesError(Exception):
    """A mistake in cases.cfg; the message names it."""


@dataclasses.dataclass
class Section:
    name: str
    values: dict
    cases: list  # names inside the image; empty for a command, which names its own
    narrowed: bool = False  # a user's pattern left some out

    def get(self, key, default=""):
        return self.values.get(key, default)

    def words(self, key):
        return self.get(key).split()

    def flag(self, key):
        return self.get(key) == "yes"

    def number(self, key, default):
        try:
            return int(self.get(key) or default)
        except ValueError:
            raise CasesError(f"[{self.name}] {key} is not a number") from None


def matches(name, pattern):
    """A shell pattern, or a word somewhere in the name."""
    return fnmatch.fnmatchcase(name, pattern) or pattern in name


def names_in_image(image):
    """The cases compiled into a guest image, by its sources."""
    folder = os.path.join(ROOT, "test", "guest", "primary")
    pattern = {"cases": "case_*.c", "vms": "vm_*.c", "fuzz": "fuzz_*.c", "scenario": "scenario*.c"}.get(image, f"{image}.c")
    names = []
    for path in sorted(glob.glob(os.path.join(folder, pattern))):
        with open(path, encoding="utf-8") as file:
            names += [f"{group}.{title}" for group, title in CASE.findall(file.read())]
    if not names:
        raise CasesError(f"no case is in the sources of image '{image}'")
    return names


def read(path):
    parser = configparser.ConfigParser(interpolation=None)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    sections = []
    for name in parser.sections():
        values = {key: " ".join(value.split()) for key, value in parser.items(name)}
        unknown = set(values) - KEYS
        if unknown:
            raise CasesError(f"[{name}] has unknown keys: {', '.join(sorted(unknown))}")
        if ("image" in values) == ("command" in values):
            raise CasesError(f"[{name}] needs an image or a command")
        cases = []
        if "image" in values:
            wanted = values.get("t", "*").split(",")
            cases = [c for c in names_in_image(values["image"]) if any(fnmatch.fnmatchcase(c, w) for w in wanted)]
            if not cases:
                raise CasesError(f"[{name}] t={values.get('t')} matches no case")
        sections.append(Section(name, values, cases))
    return sections


def select(sections, pattern):
    """The sections and cases that a user's pattern names; everything without one."""
    if not pattern:
        return sections
    chosen = []
    for section in sections:
        if matches(section.name, pattern):
            chosen.append(section)
            continue
        cases = [case for case in section.cases if matches(f"{section.name}/{case}", pattern)]
        if cases:
            chosen.append(dataclasses.replace(section, cases=cases, narrowed=True))
    return chosen
