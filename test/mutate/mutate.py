#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mutation testing: plants one fault at a time and says which test noticed it.

A list of faults (*.mut) is lines; what is said once holds until it is said again:

    class drop-inval
    file hyp/iommu/unmap.c
    kill iommu/hardware:V3 pviommu/map
    mutant NAME
     a line of context
    -the old text
    +the new text

`-` and ` ` lines are the old text, `+` and ` ` lines the new one; indentation does not count. The old text must be in
the file exactly once, else the list is out of date, which is an error. `kill` names the suites that must notice, each
with a word that chooses cases; `kill qemu:PATTERN` is for faults that only QEMU can show. Other lines of a mutant:

    also FILE            a second place of the same fault
    equivalent REASON    nothing differs; it is planted all the same, and being noticed is an error
    unshown REASON       a fault that neither the host nor QEMU can show; likewise
    control              the null mutant: everything must pass

A mutant is compiled in a copy of the tree: the files that include the changed one, then programs are linked with these
objects in place of the old ones, the named suites first. What does not compile is an error, never a kill."""
import argparse
import collections
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

TREE = ("arch", "hyp", "include", "platform", "test")
# A program that runs longer than this hangs; the long ones take 10 to 40 s of a processor.
PROGRAM_LIMIT_S = 45
LONG_LIMIT_S = 300
LONG = ("random", "hardware", "pkvm", "damage", "dispatch", "gic_filter", "layout", "teardown", "map", "inject")
FAILED = re.compile(r"not ok \w+\.\w+$")  # of a suite; cmocka's own begin with a number


class Wrong(Exception):
    """The list, the tree or the tools are wrong: nothing was shown."""


class Place:
    def __init__(self, file):
        self.file, self.old, self.new = file, [], []

    def pattern(self):
        lines = [re.escape(line.strip()) for line in self.old]
        return re.compile(r"[ \t]*\n\s*".join(lines))

    def planted(self, text):
        """The file's text with the fault in it."""
        found = list(self.pattern().finditer(text)) if self.old else []
        if len(found) != 1:
            raise Wrong(f"{self.file}: the old text is there {len(found)} times: {self.old[:1]}")
        start, end = found[0].span()
        return text[:start] + "\n".join(line.strip() for line in self.new) + text[end:]


class Mutant:
    def __init__(self, name, kind, kill):
        self.name, self.kind, self.kill = name, kind, kill
        self.places, self.passes, self.control = [], None, False

    def qemu(self):
        return [word[5:] for word in self.kill if word.startswith("qemu:")]

    def suites(self):
        return [tuple((word.split(":") + [""])[:2]) for word in self.kill if not word.startswith("qemu:")]


def read_list(path):
    mutants, kind, file, kill = [], None, None, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        at = mutants[-1] if mutants else None
        word, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if line[0] in " +-":
            if at is None or not at.places:
                raise Wrong(f"{path}:{number}: text outside a mutant")
            if line[0] != "+":
                at.places[-1].old.append(line[1:])
            if line[0] != "-":
                at.places[-1].new.append(line[1:])
        elif word == "class":
            kind = rest
        elif word == "file":
            file = rest
        elif word == "also":
            at.places.append(Place(rest))
        elif word == "kill":
            kill = rest.split()
        elif word == "mutant":
            mutants.append(Mutant(rest, kind, kill))
            mutants[-1].places.append(Place(file))
        elif word in ("equivalent", "unshown"):
            at.passes = f"{word}: {rest}"
        elif word == "control":
            at.control = True
        else:
            raise Wrong(f"{path}:{number}: {line}")
    return mutants


def check(mutants, root):
    """Every fault applies, and every name is one fault's."""
    wrong = []
    names = collections.Counter(m.name for m in mutants)
    wrong += [f"{name}: twice" for name, count in names.items() if count > 1]
    for mutant in mutants:
        for place in mutant.places:
            try:
                text = (root / place.file).read_text()
                if place.planted(text) == text and not mutant.control:
                    wrong.append(f"{mutant.name}: changes nothing")
            except (Wrong, OSError) as why:
                wrong.append(f"{mutant.name}: {why}")
        for suite, _ in mutant.suites():
            if not (root / "test/unit" / f"{suite}_test.c").exists():
                wrong.append(f"{mutant.name}: no suite {suite}")
        if not mutant.kill:
            wrong.append(f"{mutant.name}: nothing is named that must notice")
    return wrong


class Plan:
    """What the makefile says of the host build."""

    def __init__(self, path, root):
        self.root, self.programs, self.fast = root, {}, set()
        for line in path.read_text().splitlines():
            word, *rest = line.split()
            if word == "program":
                name = rest[0].removeprefix("build/host/unit/").removesuffix("_test")
                self.programs[name] = rest[1:]
            elif word == "fast":
                self.fast = set(rest)
            else:
                setattr(self, word, rest)
        self.users = collections.defaultdict(set)
        obj = root / "build/host/obj"
        for depends in obj.rglob("*.d"):
            target = str(depends.relative_to(obj).with_suffix(".o"))
            rule = depends.read_text().replace("\\\n", " ").splitlines()[0]
            for source in rule.partition(":")[2].split():
                self.users[os.path.normpath(source)].add(target)

    def compile_flags(self, obj):
        if obj not in self.fast:
            return self.flags
        plain = [f for f in self.flags if not f.startswith("-fsanitize") and f != "-O1"]
        return plain + ["-O2", "-fsanitize=undefined", "-fno-sanitize-recover=all"]


def run(argv, cwd, limit, env=None, until=None):
    """Output and status of a program; until(line): enough was seen. Status None: it took too long."""
    end = time.monotonic() + limit
    child = subprocess.Popen(argv, cwd=cwd, env=env, text=True, errors="replace", stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    late = threading.Timer(limit, os.killpg, (child.pid, signal.SIGKILL))
    late.start()
    lines = []
    try:
        for line in child.stdout:
            lines.append(line.rstrip("\n"))
            if until is not None and until(line):
                os.killpg(child.pid, signal.SIGKILL)
                break
        child.wait()
    finally:
        late.cancel()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return lines, None if time.monotonic() > end else child.returncode


class Worker:
    """A copy of the tree in which one fault at a time is planted."""

    def __init__(self, plan, index):
        self.plan, self.tree = plan, plan.root / f"build/mutate/tree{index}"
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in TREE:
            shutil.copytree(plan.root / name, self.tree / name)
        (self.tree / "build").mkdir()
        for name in ("tools", "newlib", "libfdt"):
            os.symlink(plan.root / "build" / name, self.tree / "build" / name)
        self.out = self.tree / "out"

    def compile(self, mutant):
        """The objects that are not what they were, by name."""
        changed = set()
        shutil.rmtree(self.out, ignore_errors=True)
        for place in mutant.places:
            changed |= self.plan.users[place.file]
            if place.file.endswith(".h") and not self.plan.users[place.file]:
                raise Wrong(f"no host program includes {place.file}")
        if not changed:
            raise Wrong(f"{mutant.places[0].file} is in no host program")
        for obj in sorted(changed):
            (self.out / obj).parent.mkdir(parents=True, exist_ok=True)
            source = str(pathlib.Path(obj).with_suffix(".c"))
            argv = self.plan.cc + self.plan.compile_flags(obj) + ["-MF", "/dev/null", "-c", "-o", str(self.out / obj), source]
            lines, status = run(argv, self.tree, 120)
            if status != 0:
                raise Wrong(f"{source} does not compile: " + " / ".join(lines[:3]))
        return changed

    def link(self, name, changed):
        base, own = self.plan.root / "build/host/obj", self.plan.programs[name]
        objs = [str(self.out / o) if o in changed else str(base / o) for o in own]
        objs += [str(self.out / o) for o in sorted(changed) if not o.startswith("test/unit/") and o not in own]
        # Parts of a room's bench and other mains are in programs that have them, nowhere else.
        program = self.out / name.replace("/", "_")
        argv = self.plan.cc + self.plan.sanitize + ["-o", str(program)] + objs
        argv += [str(self.plan.root / self.plan.lib[0])] + self.plan.link
        lines, status = run(argv, self.tree, 120)
        if status != 0:
            raise Wrong(f"{name} does not link: " + " / ".join(lines[-3:]))
        return program

    def suite(self, name, word, changed):
        """The case that failed, or None."""
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=0")
        if word:
            env["CASE"] = word
        program = self.link(name, changed)
        limit = LONG_LIMIT_S if any(w in name for w in LONG) else PROGRAM_LIMIT_S
        lines, status = run(["nice", str(program)], self.tree, limit, env, FAILED.match)
        program.unlink()
        bad = next((l for l in lines if FAILED.match(l)), None)
        if bad is not None:
            return bad.split()[2]
        if status is None:
            return f"{name} (time limit)"
        if status != 0:
            return f"{name} (status {status})"
        if not any(l.startswith("ok ") for l in lines):
            raise Wrong(f"{name} has no case {word}")
        return None

    def plant(self, mutant):
        for place in mutant.places:
            path = self.tree / place.file
            path.write_text(place.planted(path.read_text()) + ("\n" if mutant.control else ""))

    def restore(self, mutant):
        for place in mutant.places:
            shutil.copy(self.plan.root / place.file, self.tree / place.file)

    def judge(self, mutant, limit, first_only, rest):
        """(the case that noticed or None, was it a named one)"""
        end = time.monotonic() + limit
        self.plant(mutant)
        try:
            changed = self.compile(mutant)
            for name, word in mutant.suites():
                case = self.suite(name, word, changed)
                if case is not None:
                    return case, True
            named = {name for name, word in mutant.suites() if not word}
            for name in [] if first_only else [n for n in self.rest(changed, named) if re.search(rest, n)]:
                if time.monotonic() > end:
                    raise Wrong(f"not judged within {limit} s")
                case = self.suite(name, "", changed)
                if case is not None:
                    return case, False
            return None, False
        finally:
            self.restore(mutant)

    def rest(self, changed, named):
        """The other programs, quick rooms first; the long random ones last."""
        slow = ("lib", "mem", "smmuv3", "hcall", "vgic", "vm", "pt", "iommu", "pci", "pviommu", "arm64", "debug", "platform")
        def key(name):
            return "random" in name, slow.index(name.split("/")[0]) if name.split("/")[0] in slow else 99, name
        core = any(not o.startswith("test/unit/") for o in changed)
        users = [n for n, objs in self.plan.programs.items() if core or changed & set(objs)]
        return sorted((n for n in users if n not in named), key=key)


def judge_qemu(worker, mutant, root):
    """Builds the image in the copy and runs the cases that the mutant names."""
    for name in ("Makefile", "scripts", "LICENSE"):
        source, target = root / name, worker.tree / name
        if not target.exists():
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    if not (worker.tree / "build/linux").exists():
        os.symlink(root / "build/linux", worker.tree / "build/linux")
    worker.plant(mutant)
    try:
        lines, status = run(["nice", "make", "-j2", "test", "T=" + " ".join(mutant.qemu())], worker.tree, 900)
    finally:
        worker.restore(mutant)
    bad = next((l for l in lines if l.startswith("not ok ")), None)
    if bad is None and status != 0:
        raise Wrong("make test: " + " / ".join(lines[-3:]))
    return (bad.split()[2], True) if bad else (None, False)


class Report:
    def __init__(self):
        self.lock, self.failed = threading.Lock(), 0
        self.killed, self.elsewhere, self.survived = [], [], []
        self.passed = {"equivalent": [], "unshown": []}
        self.by_class = collections.defaultdict(lambda: [0, 0])

    def say(self, good, mutant, text, seconds):
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} mutate/{mutant.name}: {text} ({seconds:.0f} s)", flush=True)

    def add(self, mutant, case, named, seconds):
        with self.lock:
            if mutant.control:
                return self.say(case is None, mutant, f"noticed by {case}" if case else "survived, as it must", seconds)
            if mutant.passes:
                self.passed[mutant.passes.partition(":")[0]].append(mutant)
                return self.say(case is None, mutant, mutant.passes + (f", but noticed by {case}" if case else ""), seconds)
            count = self.by_class[mutant.kind]
            count[0] += 1
            count[1] += case is not None
            if case is None:
                self.survived.append(mutant)
                return self.say(False, mutant, "survived", seconds)
            self.killed.append(mutant)
            if not named:
                self.elsewhere.append(mutant)
            self.say(True, mutant, f"killed by {case}" + ("" if named else ", not by what is named"), seconds)

    def error(self, mutant, why):
        with self.lock:
            self.say(False, mutant, f"error: {why}", 0)

    def summary(self, total, skipped, seconds):
        for kind, (count, killed) in sorted(self.by_class.items()):
            print(f"  {kind:<14} {killed:>3} of {count:>3} killed")
        if self.survived:
            print("  survivors: " + " ".join(m.name for m in self.survived))
        if self.elsewhere:
            print("  killed, but not by what is named: " + " ".join(m.name for m in self.elsewhere))
        print(f"  {len(self.killed)} killed, {len(self.survived)} survived, {len(self.passed['equivalent'])} equivalent, "
              f"{len(self.passed['unshown'])} that no rung can show, {skipped} left to QEMU (QEMU=1), {total} in all; "
              f"{seconds:.0f} s")


def work(plan, index, waiting, report, options):
    worker = Worker(plan, index)
    while True:
        try:
            mutant = waiting.get_nowait()
        except queue.Empty:
            break
        begin = time.monotonic()
        try:
            if mutant.qemu():
                case, named = judge_qemu(worker, mutant, plan.root)
            else:
                case, named = worker.judge(mutant, options.limit, options.first and not mutant.control, options.rest)
            report.add(mutant, case, named, time.monotonic() - begin)
        except Wrong as why:
            report.error(mutant, why)
        except Exception as why:  # nothing that goes wrong here may pass for a kill
            report.error(mutant, repr(why))
    shutil.rmtree(worker.tree, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", type=pathlib.Path)
    parser.add_argument("--match", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=900)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--rest", default="")
    parser.add_argument("--qemu", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    root = pathlib.Path.cwd()
    mutants = [m for path in options.lists for m in read_list(path)]
    wrong = check(mutants, root)
    for line in wrong:
        print(f"not ok mutate/{line}")
    if wrong or options.check:
        return 1 if wrong else 0
    chosen = [m for m in mutants if any(w in m.name or w == m.kind for w in options.match.split() or [""])]
    skipped = [m for m in chosen if m.qemu() and not options.qemu]
    report, waiting, begin = Report(), queue.Queue(), time.monotonic()
    for mutant in sorted(chosen, key=lambda m: not m.control):
        if mutant not in skipped:
            waiting.put(mutant)
    plan = Plan(options.plan, root)
    threads = [threading.Thread(target=work, args=(plan, i, waiting, report, options)) for i in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.summary(len(chosen), len(skipped), time.monotonic() - begin)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
