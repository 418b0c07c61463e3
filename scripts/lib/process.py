# SPDX-License-Identifier: BSD-2-Clause
"""Runs one program with a time limit, its output going to a log and, line by line, to whoever listens.

Nothing is left behind: when the caller is interrupted, so is the program.
"""

import dataclasses
import os
import subprocess
import threading
import time

GRACE_S = 15  # a crowded host may keep QEMU from its last words
LAST_WORDS_S = 0.5

_running = set()
_running_lock = threading.Lock()


@dataclasses.dataclass
class Ended:
    status: int       # of the program; negative: the signal
    timed_out: bool
    lines: list
    broken_off: str   # the line at which the listener gave up; empty if it did not

    def reason(self, limit_s):
        """Why the run counts as failed although its output may be fine; None if it ended by itself with 0."""
        if self.broken_off:
            return self.broken_off.strip()
        if self.timed_out:
            return f"still running after {limit_s:g} s"
        return f"ended with status {self.status}" if self.status else None


def stop(process):
    """Ends a program that we started: politely, then for sure."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop_all():
    """Ends every program that run() has under way."""
    with _running_lock:
        programs = list(_running)
    for program in programs:
        stop(program)


def run(command, limit_s, log_path, listener=None, cwd=None, env=None, last_words_s=LAST_WORDS_S, pass_fds=()):
    """Runs to the end or the limit. The log has each line with its time, `listener` gets it without; what it
    returns, if anything, is why the program need not go on: it is stopped `last_words_s` later, so that it can
    finish what it was saying.
    """
    lines = []
    broken_off = ""
    started = time.monotonic()
    expired = threading.Event()
    os.makedirs(os.path.dirname(log_path), exist_ok=True)
    with open(log_path, "w", encoding="utf-8") as log:
        log.write("+ " + subprocess.list2cmdline(command) + "\n")
        log.flush()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
            env=env, start_new_session=True, pass_fds=pass_fds,
        )

        with _running_lock:
            _running.add(process)

        def expire():
            expired.set()
            stop(process)

        timer = threading.Timer(limit_s, expire)
        timer.start()
        try:
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip("\r\n").replace("\r", "")
                log.write(f"{time.monotonic() - started:8.3f} {line}\n")
                lines.append(line)
                why = listener(line) if listener else None
                if why and not broken_off:
                    broken_off = why
                    timer.cancel()
                    timer = threading.Timer(last_words_s, stop, [process])
                    timer.start()
            process.wait()
        finally:
            timer.cancel()
            stop(process)
            with _running_lock:
                _running.discard(process)
            process.stdout.close()
        if expired.is_set():
            log.write(f"(stopped after {limit_s:g} s)\n")
    return Ended(process.returncode, expired.is_set(), lines, broken_off)
