# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor's debug console, typed at while a guest image runs: a second serial port of QEMU on a socket.

The commands are typed one after the other, round and round, each when the one before it was answered.
"""

import os
import re
import shutil
import socket
import tempfile
import threading
import time

CONNECT_LIMIT_S = 20
ANSWER_LIMIT_S = 20
PAUSE_S = 0.02
PROMPT = b"\n> "
CTRL_C = b"\x03"

# What every answer to a command must have, and what at least one must have: lines, as regular expressions.
ALWAYS = {
    "help": r"^events +\S",
    "vms": r"^vm 1 final primary cpus \d+, pool \d+/\d+, devices \d+$",
    "devices": r"^device 0 .*: group \d+, \w+, vm \d+",
    "endpoints": r"^.* endpoint 0: vm \d+.* pSID 0x[0-9a-f]+",
    "pins": r"^all VMs: pins \d+$",
    "quarantined": r"^quarantined: 0 of \d+ devices$",
    "counters": r"^events: \d+, strays 0, overflows \d+$",
}
ONCE = {
    "domains": r"^vm \d+ domain \d+: bytes mapped [1-9]\d*, attached [1-9]",
    "pins": r"^all VMs: pins [1-9]",
    "endpoints": r"^.* vSID \d+ = .* pSID 0x[0-9a-f]+.*, domain \d+.*, faults [1-9]",
    "events": r"^\[ *\d+\.\d+\] #\d+ .* pSID 0x[0-9a-f]+ .* endpoint \d+ vm 1.*: (read|write) ",
}
# The hypervisor's log is on the primary's console, and hardware streams have no business there.
LOG_LINE = re.compile(r"^\[ *\d+\.\d+\] (error|warn|info|debug) ")
STREAM = re.compile(r"\bp?SID\b(?<!vSID)|\bstream (0x)?\d")
EVENTS = re.compile(r"^events: (\d+),", re.MULTILINE)


class DebugConsole:
    def __init__(self, section):
        self.commands = section.words("console")
        self.sees = section.get("console_sees")
        self.folder = tempfile.mkdtemp(prefix="console-")
        self.path = os.path.join(self.folder, "socket")
        self.arguments = ["-chardev", f"socket,id=debug,path={self.path},server=on,wait=off", "-serial", "chardev:debug"]
        self.answers = {command: [] for command in self.commands}
        self.ended = threading.Event()
        self.failure = None
        self.typist = threading.Thread(target=self._type, daemon=True)
        self.typist.start()

    def close(self):
        """The machine is gone."""
        self.ended.set()
        self.typist.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _connect(self):
        end = time.monotonic() + CONNECT_LIMIT_S
        while time.monotonic() < end and not self.ended.is_set():
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(self.path)
                port.settimeout(0.2)
                return port
            except OSError:
                port.close()
                time.sleep(0.01)
        return None

    def _ask(self, port, typed, last):
        """The answer's lines; None if the machine ended before it was whole, which the last characters say."""
        port.sendall(typed)
        text, end = b"", time.monotonic() + ANSWER_LIMIT_S
        while not text.endswith(last):
            try:
                piece = port.recv(4096)
            except TimeoutError:
                if time.monotonic() > end and not self.ended.is_set():
                    raise
                piece = b"" if self.ended.is_set() else None
            if piece == b"":
                return None
            text += piece or b""
        return text.decode(errors="replace").replace("\r", "").split("\n")[1:-1]

    def _type(self):
        port = self._connect()
        if port is None:
            return
        command = "the first"
        try:
            # The greeting may come before, after or not at all; what an interrupted line gives is known.
            if self._ask(port, CTRL_C, b"^C\r" + PROMPT) is None:
                return
            while True:
                for command in self.commands:
                    answer = self._ask(port, command.encode() + b"\r", PROMPT)
                    if answer is None:
                        return
                    self.answers[command].append("\n".join(answer))
                time.sleep(PAUSE_S)
        except TimeoutError:
            self.failure = f"no answer to '{command}'"
        except OSError:
            return  # the machine ended meanwhile
        finally:
            port.close()

    def verdict(self, lines, narrowed):
        """None if the console was as it must be and its secrets stayed there; lines: the primary's console. What all cases
        together make it list is not asked of a narrowed run."""
        if self.failure:
            return self.failure
        for command, answers in self.answers.items():
            if not answers and not narrowed:
                return f"'{command}' was never answered"
            always = ALWAYS.get(command)
            bad = [answer for answer in answers if always and not re.search(always, answer, re.MULTILINE)]
            if bad:
                return f"'{command}' has no line {always}: {bad[0]}"
            once = ONCE.get(command)
            if once and not narrowed and not any(re.search(once, answer, re.MULTILINE) for answer in answers):
                return f"'{command}' never had a line {once}: {answers[-1]}"
        everything = "\n".join(answer for answers in self.answers.values() for answer in answers)
        if self.sees and not narrowed and not re.search(self.sees, everything, re.MULTILINE):
            return f"never a line {self.sees}"
        counts = [int(match) for answer in self.answers.get("counters", []) for match in EVENTS.findall(answer)]
        if counts and not narrowed and counts[-1] == counts[0]:
            return "no event was counted between the first listing and the last"
        leaks = [line for line in lines if LOG_LINE.match(line) and STREAM.search(line)]
        return f"the primary's console says '{leaks[0]}'" if leaks else None
