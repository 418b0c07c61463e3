# SPDX-License-Identifier: BSD-2-Clause
"""What the hypervisor must say when it finds a bug of its own, and that nothing runs afterwards.

For sections of cases.cfg with `stops`: the hypervisor makes the mistake (plant= on its boot line) while
test/guest/primary/stop.c has every other CPU say that it is alive; or, with `before_guest`, refuses the machine.
"""

import re

SILENCE_S = 3  # several beats of stop.c
PANIC = re.compile(r"\bpanic: (.*)$")
CALLER = re.compile(r"^\[ *\d+\.\d+\] \w+ +(?:at|by|x30) +[0-9a-f]+(?: (\w+)\+0x[0-9a-f]+)?$")
REPEAT = re.compile(r"^\[ *\d+\.\d+\] \w+ +\(\d+ times more\)$")
# QEMU, still there to be told.
ENDED_BY_US = re.compile(r"terminating on signal 15\b")
BEAT = re.compile(r"\[t\] info stop\.cpu(\d+) beat=\d+$")
CPUS = re.compile(r"\[t\] info stop\.machine cpus=(\d+)$")


class StopReport:
    """Listens to one run; ends it when the machine has had time to say more than it may."""

    def __init__(self, section):
        self.words = section.get("stops")
        self.before_guest = section.flag("before_guest")
        self.callers = section.words("stops_in")
        self.sentence = None
        self.names = []
        self.strays = []
        self.beats = set()
        self.cpus = 0
        self.ended_by_us = False

    def line(self, text):
        if self.sentence is not None:
            self._after(text)
            return None
        panic, beat, cpus = PANIC.search(text), BEAT.search(text), CPUS.search(text)
        if beat:
            self.beats.add(int(beat.group(1)))
        if cpus:
            self.cpus = int(cpus.group(1))
        if not panic:
            return None
        self.sentence = panic.group(1)
        return "the hypervisor stopped the machine"

    def _after(self, text):
        if ENDED_BY_US.search(text):
            self.ended_by_us = True
            return
        caller = CALLER.match(text)
        if caller and caller.group(1):
            self.names.append(caller.group(1))
        elif text and not caller and not REPEAT.match(text):
            self.strays.append(text)

    def verdict(self, ended, reason):
        """None if it is all there, else what is wrong."""
        if self.sentence is None:
            return f"no report of a bug: {reason or 'the machine went off'}"
        if self.words not in self.sentence:
            return f"the report says '{self.sentence}'"
        rest = iter(self.names)
        missing = [name for name in self.callers if name not in rest]
        if missing:
            return f"no {missing[0]} in its place among the callers: {' '.join(self.names)}"
        if self.before_guest and (self.cpus or self.beats):
            return "the primary ran before"
        if not self.before_guest and (self.cpus < 2 or len(self.beats) != self.cpus - 1):
            return f"of {self.cpus} CPUs {len(self.beats)} others were alive before"
        if self.strays:
            return f"the machine went on: {self.strays[0]}"
        if not self.ended_by_us:
            return "the machine went off instead of stopping"
        return None
