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
with a word that chooses cases; `kill qemu:PATTERN` is for faults that only QEMU can show, `kill trace:PATTERN` for those
that the judge of QEMU's trace must see in the sections or cases of that pattern, whatever else does, and `kill
spec:PATTERN` for those at which the specification around the image must stop the machine; a pattern without a star is a
word in names, of other sections too. Other lines of a mutant:

    also FILE            a second place of the same fault
    equivalent REASON    nothing differs; it is planted all the same, and being noticed by the named suites is an error
    unshown REASON       a fault that neither the host nor QEMU can show; likewise
    shown qemu:PATTERN   what in QEMU has to notice too, beside the named suites; or spec:PATTERN
    host-only REASON     QEMU does not show it: what it was asked, or why it cannot; behind `class` of all that are in it
    control              the null mutant: everything must pass
    hangs REASON         for QEMU: that a machine is still running at its time limit is the kill

A mutant is compiled in a copy of the tree: the objects that include the changed file, then programs are linked with these
in place of the old ones. First the named suites without ASan, then the same with it, then all others, quick ones first.
The first case that fails is the kill; what was it in an earlier run is asked first. What does not compile is an error,
never a kill, and so is what only takes too long: a wait without end ends in test/fake.

build/mutate/results keeps a line for each verdict. It holds while the fault and all files that it rests on are what they
were: for a kill those of the program that noticed, else those of all programs, in QEMU all that images and guests are made
of. A run that was stopped goes on there. For QEMU images are built in the copy. There too a time limit is an error of the
run, unless the mutant says that it hangs."""
import argparse
import collections
import functools
import hashlib
import json
import os
import pathlib
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from lib import cases  # noqa: E402

TREE = ("arch", "hyp", "include", "platform", "test")
# What every verdict rests on, beside the sources.
BASIS = {"test/mutate/mutate.py", "test/mutate/mutate.mk", "test/unit/unit.mk"}
BASIS_IN_QEMU = ("Makefile", "arch", "hyp", "include", "platform", "scripts", "test/cases.cfg", "test/guest",
                 "test/mutate/mutate.py", "test/play", "test/spec", "test/trace")
IN_QEMU = ("qemu", "trace", "spec")
# Of a processor, for one case; the longest that there is takes 15 s with ASan.
CASE_LIMIT_S = 120
# Of the clock, for a program: only against one that sleeps.
PROGRAM_LIMIT_S = 1200
FAILED = re.compile(r"not ok \w+\.\w+$")  # of a suite; cmocka's own begin with a number
# A case that was ended by one of these has shown nothing: a limit of ours (SIGXCPU), of suite.c (SIGALRM).
LATE = re.compile(r"(\w+\.\w+): signal (24|14)$")
JUDGED = re.compile(r"(ok|not ok) (\S+/trace\.\S+?)(?:: (.*))?$")  # the judge's line of a section in QEMU
STOPPED = re.compile(r"not ok (\S+): the hypervisor stopped the machine: panic: specification: (.*)$")
# A test in QEMU that its time limit ended (scripts/lib/process.py).
LIMITED = re.compile(r"not ok (\S+): still running after \d")
BUILD_LIMIT_S, QEMU_LIMIT_S = 600, 300
# What scripts/test.py has to end its machines (scripts/lib/process.py: 15 s for each), and of `timeout` what says that it did it:
# it ends with what it has to kill.
QEMU_END_S = 60
ENDED_BY_US = (None, 124, 137, -signal.SIGKILL)


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
        self.places, self.passes, self.control, self.hangs = [], None, False, False
        self.shown, self.host_only = [], None

    def patterns(self, kind):
        """Of tests in QEMU: kind is one of IN_QEMU."""
        return [word.partition(":")[2] for word in self.kill + self.shown if word.startswith(kind + ":")]

    def in_qemu(self):
        return [pattern for kind in IN_QEMU for pattern in self.patterns(kind)]

    def suites(self):
        return [tuple((word.split(":") + [""])[:2]) for word in self.kill if word.partition(":")[0] not in IN_QEMU]

    def rungs(self):
        """Where it is judged. What is judged on both has to be noticed on both."""
        return (["host"] if self.suites() else []) + (["qemu"] if self.in_qemu() else [])

    def unasked(self):
        """Does the list not say whether QEMU shows it?"""
        return self.rungs() == ["host"] and not (self.host_only or self.passes or self.control)


def read_list(path):
    mutants, kind, file, kill, of_class, before = [], None, None, [], None, None
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
            kind, of_class = rest, None
        elif word == "file":
            file = rest
        elif word == "also":
            at.places.append(Place(rest))
        elif word == "kill":
            kill = rest.split()
        elif word == "mutant":
            mutants.append(Mutant(rest, kind, kill))
            mutants[-1].places.append(Place(file))
            mutants[-1].host_only = of_class
        elif word in ("equivalent", "unshown"):
            at.passes = f"{word}: {rest}"
        elif word == "control":
            at.control = True
        elif word == "hangs":
            at.hangs = True
        elif word == "shown":
            at.shown, at.host_only = rest.split(), None
        elif word == "host-only" and before == "class":
            of_class = rest
        elif word == "host-only":
            at.host_only = rest
        else:
            raise Wrong(f"{path}:{number}: {line}")
        before = word
    return mutants


def check(mutants, root):
    """Every fault applies, and every name is one fault's."""
    wrong = []
    sections = cases.read(root / "test/cases.cfg")
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
        for pattern in mutant.in_qemu():
            if not cases.select(sections, pattern):
                wrong.append(f"{mutant.name}: no test in QEMU is {pattern}")
        if not mutant.kill:
            wrong.append(f"{mutant.name}: nothing is named that must notice")
        if mutant.shown and (mutant.host_only or mutant.passes or not mutant.suites()):
            wrong.append(f"{mutant.name}: shown beside what?")
        wrong += [f"{mutant.name}: shown by {word}?" for word in mutant.shown if not word.startswith(("qemu:", "spec:"))]
    return wrong


def table(mutants):
    """The rows of test/mutate/README.md: {class: row}."""
    count = collections.defaultdict(collections.Counter)
    for mutant in mutants:
        kind = mutant.kind.partition("-")[0] + "-*" if mutant.kind.startswith("trace-") else mutant.kind
        passes = (mutant.passes or "").partition(":")[0]
        where = "both" if mutant.shown else "host" if mutant.suites() else "qemu"
        count[kind].update(["planted", passes or "noticed", *([] if passes else [where])] if not mutant.control else [])
    columns = ("planted", "noticed", "equivalent", "unshown", "both", "host", "qemu")
    return {kind: "| " + " | ".join([kind, *(str(n[c] or "") for c in columns)]) + " |" for kind, n in count.items() if n}


def check_asked(mutants):
    """Of every fault the lists say whether QEMU shows it."""
    return [f"{m.name}: does QEMU show it? (make mutate SURVEY=1 M={m.name})" for m in mutants if m.unasked()]


def check_table(mutants, readme):
    lines = readme.read_text().splitlines()
    return [f"{kind}: README.md has to have: {row}" for kind, row in table(mutants).items() if row not in lines]


class Build:
    """A host build: its folder, how it compiles and links."""

    def __init__(self, folder, flags, fast, sanitize, known):
        self.folder, self.flags, self.fast, self.sanitize, self.known = folder, flags, fast, sanitize, known

    def compile_argv(self, obj, out):
        flags = self.fast if obj in self.known.fast else self.flags
        source = str(pathlib.Path(obj).with_suffix(".c"))
        return self.known.cc + flags + ["-MF", "/dev/null", "-c", "-o", str(out), source]


class Plan:
    """What the makefile says of the host builds."""

    def __init__(self, path, root):
        self.root, self.programs, word_of = root, {}, {}
        for line in path.read_text().splitlines():
            word, *rest = line.split()
            if word == "program":
                self.programs[rest[0]] = rest[1:]
            else:
                word_of[word] = rest
        self.cc, self.ar, self.libs = word_of["cc"], word_of["ar"], word_of["libs"]
        # What the specification is attached by, and to which programs.
        self.wrap, self.wrapped = word_of["wrap"], set(word_of["wrapped"])
        self.fast, self.lib = set(word_of["fast"]), set(word_of["lib"])
        self.builds = [Build(root / word_of[kind][0], word_of[f"{kind}_flags"], word_of[f"{kind}_fast"],
                             word_of[f"{kind}_link"], self) for kind in ("plain", "full")]
        self.sources, self.users = {}, collections.defaultdict(set)
        obj = self.builds[0].folder / "obj"
        for depends in obj.rglob("*.d"):
            target = str(depends.relative_to(obj).with_suffix(".o"))
            rule = depends.read_text().replace("\\\n", " ").splitlines()[0]
            files = {os.path.normpath(source) for source in rule.partition(":")[2].split()}
            self.sources[target] = {f for f in files if not os.path.isabs(f)}
            for source in files:
                self.users[source].add(target)
        # Once, at the start: what is edited during a run is none of its verdicts.
        files = set().union(BASIS, *self.sources.values())
        self.digests = {file: hashlib.sha256((root / file).read_bytes()).hexdigest()
                        for file in files if (root / file).exists()}  # objects of files that have gone may be left

    def basis(self, programs):
        """A word for the contents of all that the programs are made of."""
        objs = self.lib.union(*(self.programs[p] for p in programs))
        files = sorted(set().union(*(self.sources.get(o, ()) for o in objs)) | BASIS)
        return hashlib.sha256("".join(f + self.digests.get(f, "") for f in files).encode()).hexdigest()[:16]

    @functools.cached_property
    def basis_in_qemu(self):
        """The same of all that images, guests and runs in QEMU are made of."""
        whole = hashlib.sha256()
        for path in sorted(path for name in BASIS_IN_QEMU for path in ((self.root / name), *(self.root / name).rglob("*"))):
            if path.is_file() and path.suffix not in (".md", ".pyc"):
                whole.update(str(path.relative_to(self.root)).encode() + path.read_bytes())
        return whole.hexdigest()[:16]


def run(argv, cwd, limit, env=None, until=None, cpu=None):
    """Output and status of a program; until(line): enough was seen. Status None: it took too long."""
    end = time.monotonic() + limit
    limited = (lambda: resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))) if cpu else None
    child = subprocess.Popen(argv, cwd=cwd, env=env, text=True, errors="replace", stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limited)
    late = threading.Timer(limit, os.killpg, (child.pid, signal.SIGKILL))
    late.start()
    lines = []
    try:
        for line in child.stdout:
            lines.append(line.rstrip("\n"))
            if until is not None and until(lines[-1]):
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


class Planted:
    """A fault in one of the builds: objects as they are asked for, and programs of them."""

    def __init__(self, plan, build, tree, changed):
        self.plan, self.build, self.tree, self.changed = plan, build, tree, changed
        self.out = tree / "out"
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        self.archive = self.out / "libfault.a"
        objs = [self.object(o) for o in sorted(changed & plan.lib)]
        if objs:
            self.tool([*plan.ar, "rcs", str(self.archive), *objs], "an archive")

    def tool(self, argv, what):
        lines, status = run(argv, self.tree, 300)
        if status != 0:
            raise Wrong(f"{what}: " + " / ".join(line for line in lines[-5:] if "error" in line or len(lines) < 3))
        return lines

    def object(self, obj):
        if obj not in self.changed:
            return str(self.build.folder / "obj" / obj)
        out = self.out / obj
        if not out.exists():
            out.parent.mkdir(parents=True, exist_ok=True)
            self.tool(self.build.compile_argv(obj, out), obj)
        return str(out)

    def link(self, name):
        """The program, or None where nothing in it is changed."""
        own, program = self.plan.programs[name], self.out / name.replace("/", "_")
        libs = ([str(self.archive)] if self.archive.exists() else []) + [str(self.build.folder / "libhyp.a")]
        lines = self.tool([*self.plan.cc, *self.build.sanitize, "-Wl,--trace", "-o", str(program),
                           *(self.object(o) for o in own), *libs, *self.plan.libs,
                           *(self.plan.wrap if name in self.plan.wrapped else ())], name)
        # Rooms that bring something of their own in place of a changed object do not have it.
        if not self.changed.intersection(own) and not any("libfault.a" in line for line in lines):
            return None
        return program

    def suite(self, name, word):
        """The case that failed, or None; and the cases that took too long."""
        program = self.link(name)
        if program is None:
            return None, []
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=0")
        if word:
            env["CASE"] = word
        late = set()

        def enough(line):
            ended = LATE.match(line)
            if ended:
                late.add(ended[1])
            return FAILED.match(line) and line.split()[2] not in late

        lines, status = run([str(program)], self.tree, PROGRAM_LIMIT_S, env, enough, CASE_LIMIT_S)
        program.unlink()
        bad = next((line.split()[2] for line in lines if FAILED.match(line) and line.split()[2] not in late), None)
        if bad is None and status is None:
            late.add(name)
        if bad is None and not late and status != 0:
            bad = f"{name} (status {status})"
        if bad is None and not late and not any(line.startswith("ok ") for line in lines):
            raise Wrong(f"{name} has no case {word}")
        return bad, sorted(late)


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
        self.whole = {}

    def plant(self, mutant):
        self.whole = {place.file: (self.tree / place.file).read_text() for place in mutant.places}
        for place in mutant.places:
            path = self.tree / place.file
            path.write_text(place.planted(path.read_text()) + ("\n" if mutant.control else ""))

    def restore(self, mutant):
        for place in mutant.places:
            (self.tree / place.file).write_text(self.whole[place.file])

    def changed(self, mutant):
        objs = set()
        for place in mutant.places:
            if not self.plan.users[place.file]:
                raise Wrong(f"{place.file} is in no host program")
            objs |= self.plan.users[place.file]
        return objs

    def attempts(self, mutant, hint, options, times):
        """(build, program, word, was it named), in the order in which they are tried."""
        plain, full = self.plan.builds
        named = mutant.suites()
        if hint is not None and hint[0] in self.plan.programs and \
           hint[1] in (self.tree / f"test/unit/{hint[0]}_test.c").read_text():
            yield plain, hint[0], hint[1], hint[0] in [name for name, _ in named]
        for build in (plain, full):
            for name, word in named:
                yield build, name, word, True
        whole = {name for name, word in named if not word}
        if (options.first or mutant.passes and not options.all) and not mutant.control:
            return
        others = [n for n in self.plan.programs if n not in whole and re.search(options.rest, n)]
        for name in sorted(others, key=lambda n: (times.get(n, 0), "random" in n or "inject" in n, n)):
            yield plain, name, "", False

    def judge(self, mutant, hint, options, times):
        """The verdict: case that noticed or None, in which program, was that named; what took too long."""
        verdict, planted = {"case": None, "program": None, "named": False, "late": []}, None
        try:
            self.plant(mutant)
            changed = self.changed(mutant)
            for build, name, word, named in self.attempts(mutant, hint, options, times):
                if planted is None or planted.build is not build:
                    planted = Planted(self.plan, build, self.tree, changed)
                begin = time.monotonic()
                case, late = planted.suite(name, word)
                verdict["late"] += late
                if mutant.control and not word:
                    times[name] = time.monotonic() - begin
                if case is not None:
                    return dict(verdict, case=case, program=name, named=named)
            return verdict
        finally:
            self.restore(mutant)


class Machine:
    """A worker's copy, as far as images are built in it and run in QEMU; guests and tools are those of the tree."""

    def __init__(self, worker):
        self.worker, self.tree, root = worker, worker.tree, worker.plan.root
        for name in ("Makefile", "scripts", "LICENSE"):
            source = root / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, self.tree / name)
        for name in ("guest", "linux", "linux-guest"):
            if (root / "build" / name).exists():
                os.symlink(root / "build" / name, self.tree / "build" / name)
        # What is built already need not be again: files keep their times. But objects are, once, without optimisation at
        # the link: it takes longer than all the rest of a fault.
        for folder in (root / "build").glob("qemu-virt*"):
            shutil.copytree(folder, self.tree / "build" / folder.name, ignore=shutil.ignore_patterns("*.o"))

    def build(self, mutant, traced):
        """The images that are booted."""
        sections = cases.read(self.worker.plan.root / "test/cases.cfg")
        chosen = [s for pattern in mutant.in_qemu() for s in cases.select(sections, pattern)]
        variants = sorted({f"-{s.get('hypervisor')}" if s.get("hypervisor") else "" for s in chosen})
        images = [f"build/qemu-virt{variant}{'-trace' if traced else ''}/portcullis.bin" for variant in variants]
        lines, status = run(["nice", "make", "-j2", "hyp_warnings=-w -fno-lto", *images], self.tree, BUILD_LIMIT_S)
        if status != 0:
            raise Wrong("the image is not built: " + " / ".join(lines[-3:]))

    @staticmethod
    def asking(kind, pattern, limit_s):
        """The tests of a pattern, told to end at the limit. Where a guest has to notice, they go up to the first that fails."""
        return ["timeout", "-s", "INT", "-k", str(QEMU_END_S), str(limit_s), "nice", sys.executable, "scripts/test.py", "--jobs=1",
                f"--match={pattern}"] + {"qemu": ["--first"], "trace": ["--trace"], "spec": []}[kind]

    def lines(self, kind, pattern):
        """What scripts/test.py says of the tests of a pattern, and what of them, or itself, its time limit ended. It ends
        its machines itself, so it is asked to end."""
        argv = self.asking(kind, pattern, QEMU_LIMIT_S)
        lines, status = run(argv, self.tree, QEMU_LIMIT_S + 2 * QEMU_END_S)
        if status in ENDED_BY_US:
            # The machine that we ended has cases that fail of that.
            return [], [pattern]
        late = [match.group(1) for match in map(LIMITED.match, lines) if match]
        if not late and not any(line.startswith(("ok ", "not ok ")) for line in lines):
            raise Wrong(f"{pattern}: nothing ran: " + " / ".join(lines[-3:]))
        return lines, late

    def judge(self, mutant):
        """What noticed, or None."""
        traced = bool(mutant.patterns("trace"))
        self.worker.plant(mutant)
        try:
            self.build(mutant, traced)
            for kind in ("trace",) if traced else ("qemu", "spec"):
                for pattern in mutant.patterns(kind):
                    lines, late = self.lines(kind, pattern)
                    # Of the null mutant nothing may fail, whoever has to notice the others.
                    by = "qemu" if mutant.control and not traced else kind
                    noticed = [self.noticed(line, by) for line in lines if not LIMITED.match(line)]
                    if any(noticed):
                        return next(filter(None, noticed))
                    if late and mutant.hangs:
                        return f"{late[0]} (time limit)"
                    if late:
                        raise Wrong(f"only the time limit ended {' '.join(late[:3])}")
            return None
        finally:
            self.worker.restore(mutant)

    @staticmethod
    def noticed(line, kind):
        """Of a judge only what was broken: that a guest fails, or a judge gets no trace, shows nothing of it."""
        if kind == "qemu":
            return line.split()[2].rstrip(":") if line.startswith("not ok ") else None
        if kind == "spec":
            match = STOPPED.match(line)
            return f"{match.group(1)}: {match.group(2)}" if match else None
        match = JUDGED.match(line)
        if match and match.group(1) == "not ok" and re.match(r"[A-Z]\d+(_\d+)?: ", match.group(3) or ""):
            return match.group(2).partition(".")[0] + ": " + match.group(3).rpartition(" (")[0]
        return None


class Results:
    """Verdicts of this run and of earlier ones: build/mutate/results, a line of JSON each, the last one holds."""

    def __init__(self, plan, path):
        self.plan, self.path, self.lock, self.of = plan, path, threading.Lock(), {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    verdict = json.loads(line)
                    self.of[verdict["name"], verdict.get("rung", "host")] = verdict
                except (ValueError, KeyError):
                    pass  # a line that was being written when the run was stopped
        path.write_text("".join(json.dumps(v) + "\n" for v in self.of.values()))

    @staticmethod
    def fault(mutant, rung):
        named = [mutant.kill, mutant.passes] if rung == "host" else [mutant.in_qemu(), mutant.hangs]
        text = json.dumps([[p.file, p.old, p.new] for p in mutant.places] + named)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def basis(self, verdict, rung):
        if rung != "host":
            return self.plan.basis_in_qemu
        programs = [verdict["program"]] if verdict["program"] else self.plan.programs
        return self.plan.basis(programs) if all(p in self.plan.programs for p in programs) else None

    def kept(self, mutant, rung):
        """The verdict on the same fault in the same files, or None."""
        verdict = self.of.get((mutant.name, rung))
        if verdict is None or verdict["fault"] != self.fault(mutant, rung) or verdict["basis"] != self.basis(verdict, rung):
            return None
        return verdict

    def hint(self, mutant):
        """Which program and case noticed it last."""
        verdict = self.of.get((mutant.name, "host"))
        if verdict is None or verdict["program"] is None or " " in verdict["case"]:
            return None
        return verdict["program"], verdict["case"].split(".")[1]

    def keep(self, mutant, rung, verdict, partial):
        if partial and rung == "host" and verdict["case"] is None:
            return  # not all were asked
        verdict = dict(verdict, name=mutant.name, rung=rung, fault=self.fault(mutant, rung), basis=self.basis(verdict, rung))
        with self.lock, self.path.open("a") as out:
            out.write(json.dumps(verdict) + "\n")


class Report:
    def __init__(self):
        self.lock, self.failed = threading.Lock(), 0
        self.killed, self.elsewhere, self.survived, self.late = [], [], [], []
        self.unseen = []
        self.passed = {"equivalent": [], "unshown": []}
        self.by_class = collections.defaultdict(collections.Counter)

    def say(self, good, mutant, text, beside=""):
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} mutate/{mutant.name}{beside}: {text}", flush=True)

    def add_shown(self, mutant, case, how):
        """What QEMU said of a fault that is the host's too."""
        count = self.by_class[mutant.kind]
        count["shown"] += 1
        count["seen"] += case is not None
        if case is None:
            self.unseen.append(mutant)
        self.say(case is not None, mutant, (f"killed by {case}" if case else "survived") + how, "/qemu")

    def add(self, mutant, rung, verdict, how):
        """how: what the line ends with."""
        case = verdict["case"]
        by = f"noticed by {case}" if case else ""
        with self.lock:
            if rung == "qemu" and mutant.suites() and not mutant.control:
                return self.add_shown(mutant, case, how)
            if mutant.control:
                return self.say(case is None, mutant, (by or "survived, as it must") + how)
            if mutant.passes:
                kind = mutant.passes.partition(":")[0]
                self.passed[kind].append(mutant)
                self.by_class[mutant.kind][kind] += 1
                return self.say(case is None, mutant, mutant.passes + (f", but {by}" if case else "") + how)
            count = self.by_class[mutant.kind]
            count["all"] += 1
            count["killed"] += case is not None
            if case is None:
                self.survived.append(mutant)
                late = verdict["late"]
                return self.say(False, mutant, "survived" + (f"; too long: {' '.join(late)}" if late else "") + how)
            self.killed.append(mutant)
            if not verdict["named"]:
                self.elsewhere.append(mutant)
            self.say(True, mutant, f"killed by {case}" + ("" if verdict["named"] else ", not by what is named") + how)

    def error(self, mutant, why):
        with self.lock:
            self.say(False, mutant, f"error: {why}")

    def summary(self, total, unasked, skipped, kept, seconds):
        lines = []
        for kind, n in sorted(self.by_class.items()):
            beside = "".join(f", {n[word]} {word}" for word in ("equivalent", "unshown") if n[word])
            beside += f", {n['seen']} of {n['shown']} in QEMU, which is named too" if n["shown"] else ""
            lines.append(f"  {kind:<14} {n['killed']:>3} of {n['all']:>3} killed{beside}")
        for what, mutants in (("survivors", self.survived), ("killed, but not by what is named", self.elsewhere),
                              ("not noticed in QEMU, which is named", self.unseen),
                              ("equivalent", self.passed["equivalent"]), ("unshown", self.passed["unshown"])):
            if mutants:
                lines.append(f"  {what}: " + " ".join(m.name for m in mutants))
        lines.append(f"  {len(self.killed)} killed, {len(self.survived)} survived, {len(self.passed['equivalent'])} equivalent, "
                     f"{len(self.passed['unshown'])} that no rung can show, {total} in all; {skipped} left to QEMU (QEMU=1), "
                     f"{unasked} of which QEMU was not asked (SURVEY=1); {kept} verdicts of an earlier run; {seconds:.0f} s")
        return lines


def work(plan, index, waiting, results, report, options, times):
    worker = machine = None
    while True:
        try:
            mutant, rung = waiting.get_nowait()
        except queue.Empty:
            break
        begin = time.monotonic()
        try:
            worker = worker or Worker(plan, index)
            if rung == "host":
                verdict = worker.judge(mutant, results.hint(mutant), options, times)
            else:
                machine = machine or Machine(worker)
                verdict = {"case": machine.judge(mutant), "program": None, "named": True, "late": []}
            results.keep(mutant, rung, verdict, options.first or options.rest)
            report.add(mutant, rung, verdict, f" ({time.monotonic() - begin:.1f} s)")
        except Wrong as why:
            report.error(mutant, why)
        except Exception as why:  # nothing that goes wrong here may pass for a kill
            report.error(mutant, repr(why))
    if worker is not None:
        shutil.rmtree(worker.tree, ignore_errors=True)


def options_read():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", type=pathlib.Path)
    parser.add_argument("--match", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--rest", default="")
    parser.add_argument("--qemu", default="")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    return parser.parse_args()


def to_judge(chosen, options):
    """(fault, rung) of all that is to be judged, the null mutants first."""
    rungs = ("qemu",) if options.trace or options.qemu == "only" else ("host", "qemu")
    return [(m, rung) for m in sorted(chosen, key=lambda m: not m.control) for rung in m.rungs() if rung in rungs]


def main():
    options, root = options_read(), pathlib.Path.cwd()
    mutants = [m for path in options.lists for m in read_list(path)]
    wrong = check(mutants, root)
    if options.check:
        wrong += check_asked(mutants) + check_table(mutants, root / "test/mutate/README.md")
    for line in wrong:
        print(f"not ok mutate/{line}")
    if wrong or options.check:
        return 1 if wrong else 0
    plan = Plan(options.plan, root)
    results = Results(plan, root / "build/mutate/results")
    chosen = [m for m in mutants if any(w in m.name or w == m.kind for w in options.match.split() or [""])]
    if options.trace:
        chosen = [m for m in chosen if m.patterns("trace")]
    unasked = sum(m.unasked() for m in chosen)
    report, waiting, begin, kept, skipped = Report(), queue.Queue(), time.monotonic(), 0, 0
    for mutant, rung in to_judge(chosen, options):
        if rung == "qemu" and not options.qemu and not options.trace:
            skipped += 1
            continue
        verdict = None if options.fresh else results.kept(mutant, rung)
        if verdict is not None:
            kept += 1
            report.add(mutant, rung, verdict, " (as before)")
        else:
            waiting.put((mutant, rung))
    times = {}
    threads = [threading.Thread(target=work, args=(plan, i, waiting, results, report, options, times))
               for i in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = report.summary(len(chosen), unasked, skipped, kept, time.monotonic() - begin)
    (root / "build/mutate/summary").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
