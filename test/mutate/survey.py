#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks QEMU about the faults of which no list says whether it shows them (make mutate SURVEY=1).

Each by itself first, at the cases that are about what its suites are about (NEAR). Those that nothing there notices go GROUP
at once into one image, through all of WIDE. Which fault made a case fail is looked for with that case alone, if it
fails there too, and it has to fail again with that fault alone. A fault that needs others to show goes into another group.
That a machine only runs into its time limit is no answer.

build/mutate/survey keeps a line for each answer, which holds while the fault is as it was: a survey that was stopped goes on
there. SURVEY=write writes the answers into the lists: `shown` with the case, or with all of the pattern where it takes those
before it, or `host-only passes the survey`.
"""
import argparse
import json
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import mutate

GROUP = 32
# Seconds, some three times what the longest pattern takes on two crowded CPUs.
NEAR_LIMIT_S, WIDE_LIMIT_S = 60, 300
IMAGES = {"qemu": "build/qemu-virt/portcullis.bin", "spec": "build/qemu-virt-spec/portcullis.bin"}
# (suites, cases in QEMU that are about the same). Not where instructions are counted for time: a guest that waits in vain takes
# minutes there. Nor what floods two CPUs with events.
NEAR = (
    (r"pviommu/(events|ats_late)|iommu/drain|smmuv3/events", ("qemu:n2/events.[!s]*", "qemu:vms-one-cpu/vmevents.*")),
    (r"pviommu/(nested|first_stage|invalidate)|smmuv3/(guest|encode|entry)", ("qemu:n2/nested.*", "qemu:vms-n2/vmnested.*")),
    (r"pviommu/|iommu/|pt/|smmuv3/|hcall/", ("qemu:n2/[adlmnqu]*",)),
    (r"vm/(device|group|device_large)|pci/", ("qemu:n2/pci.*", "qemu:vms-n2/assigned.[!d]*")),
    (r"vm/|mem/|hcall/status", ("qemu:vms-n2/[lm]*", "qemu:vms-n2/vm.*")),
    (r"vgic/|arm64/", ("qemu:n2/gic.*", "qemu:vms-n2/guest.*")),
)
# First where a guest waits by time; last what takes longest. Of one CPU, where a vain wait takes minutes, only what floods while
# its ring is set up anew, which takes several CPUs as long: the other cases are those of `max`.
WIDE = ("qemu:max/[!e]*", "qemu:max/events.[!s]*", "qemu:two-smmus/[!e]*", "spec:spec-one-cpu/*", "spec:spec-vms/*",
        "qemu:one-cpu/events.set_up*", "qemu:vms-max/vm.*", "qemu:vms-max/vm[!.]*", "qemu:vms-max/[!v]*")
LATE = "time limit"


def near(mutant):
    """Without what would be asked twice."""
    words = [word for word in mutant.kill if word.partition(":")[0] not in mutate.IN_QEMU]
    patterns = [p for suites, found in NEAR if any(re.match(suites, word) for word in words) for p in found]
    return list(dict.fromkeys(patterns))


class Survey(mutate.Machine):
    """A copy of the tree with any faults in it at once."""

    def plant(self, mutants):
        """The texts to put back, and those of the faults that had room beside the ones before."""
        before, planted = {}, []
        for mutant in mutants:
            texts = {}
            try:
                for place in mutant.places:
                    path = self.tree / place.file
                    texts[place.file] = place.planted(texts.get(place.file) or path.read_text())
            except mutate.Wrong:
                continue
            for file, text in texts.items():
                before.setdefault(file, (self.tree / file).read_text())
                (self.tree / file).write_text(text)
            planted.append(mutant)
        return before, planted

    def plantable(self, mutants):
        """Those that have room beside those before them."""
        before, planted = self.plant(mutants)
        self.restore(before)
        return planted

    def restore(self, before):
        for file, text in before.items():
            (self.tree / file).write_text(text)

    def image(self, kind):
        argv = ["nice", "make", "-j2", "hyp_warnings=-w -fno-lto", IMAGES[kind]]
        lines, status = mutate.run(argv, self.tree, mutate.BUILD_LIMIT_S)
        if status != 0:
            raise mutate.Wrong("the image is not built: " + " / ".join(lines[-3:]))

    def ask(self, pattern, limit_s):
        """The first case that notices, LATE if the machine was only ended by a limit, or None; the run is told to end there, and
        ends its machines itself."""
        kind, _, match = pattern.partition(":")
        self.image(kind)
        child = subprocess.Popen(self.asking(kind, match, limit_s), cwd=self.tree, text=True, errors="replace",
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        case, late, ran, begin = None, False, False, time.monotonic()
        for line in map(str.rstrip, child.stdout):
            ran = ran or line.startswith(("ok ", "not ok "))
            late = late or mutate.LIMITED.match(line) is not None
            # At the limit what was interrupted fails.
            if case is None and not mutate.LIMITED.match(line) and time.monotonic() - begin < limit_s:
                case = self.noticed(line, kind)
                if case is not None:
                    child.send_signal(signal.SIGINT)
        late = child.wait() in mutate.ENDED_BY_US or late
        if case:
            return f"{kind}:{case.partition(': ')[0]}"
        if not ran and not late:
            raise mutate.Wrong(f"{pattern}: nothing ran")
        return LATE if late else None

    def first(self, mutants, patterns, limit_s=WIDE_LIMIT_S):
        """(what was planted, what noticed): LATE if nothing did, and not all ended."""
        before, planted = self.plant(mutants)
        late = None
        try:
            for pattern in patterns:
                begin = time.monotonic()
                found = self.ask(pattern, limit_s)
                print(f"  {len(planted)} at {pattern}: {found or 'passed'}, {time.monotonic() - begin:.0f} s", flush=True)
                if found not in (None, LATE):
                    return planted, found
                late = late or found
            return planted, late
        finally:
            self.restore(before)

    def makes_fail(self, mutants, pattern):
        """The one without which those before it pass."""
        passes, fails = 0, len(mutants)
        while fails - passes > 1:
            some = (passes + fails) // 2
            if self.first(mutants[:some], [pattern])[1]:
                fails = some
            else:
                passes = some
        return mutants[fails - 1]


class Answers:
    def __init__(self, path):
        self.path, self.lock, self.of = path, threading.Lock(), {}
        for line in path.read_text().splitlines() if path.exists() else []:
            answer = json.loads(line)
            self.of[answer["name"], answer["fault"]] = answer

    def get(self, mutant):
        return self.of.get((mutant.name, mutate.Results.fault(mutant, "host")))

    def keep(self, mutant, stage, case):
        answer = {"name": mutant.name, "fault": mutate.Results.fault(mutant, "host"), "stage": stage, "case": case}
        with self.lock, self.path.open("a") as out:
            self.of[answer["name"], answer["fault"]] = answer
            out.write(json.dumps(answer) + "\n")
            print(f"ok mutate/{mutant.name}/survey: {'shown ' + case if case else 'not shown ' + stage}", flush=True)


def near_one(machine, mutant, answers):
    case = machine.first([mutant], near(mutant), NEAR_LIMIT_S)[1]
    if case == LATE:
        answers.keep(mutant, LATE, None)
        return
    if case and machine.first([mutant], [case + "*"], NEAR_LIMIT_S)[1] != case:
        case = None  # once is no answer
    answers.keep(mutant, "near", case)


def wide_group(machine, group, answers):
    """Until nothing fails of those that are left; what has passed with more of them in it is not asked again. Returns those that
    have to be asked in another group."""
    planted, asked = machine.plantable(group), 0
    if not planted:
        raise mutate.Wrong("none can be planted")
    later = [m for m in group if m not in planted]
    while asked < len(WIDE) and planted:
        pattern = WIDE[asked]
        case = machine.first(planted, [pattern])[1]
        if case is None:
            asked += 1
            continue
        if case != LATE and machine.first(planted, [case + "*"])[1]:
            pattern = case + "*"  # not only behind the cases before it
        one = machine.makes_fail(planted, pattern)
        case = machine.first([one], [pattern])[1]
        planted.remove(one)
        if case is None:
            later.append(one)  # only with others
        else:
            answers.keep(one, *(LATE, None) if case == LATE else ("wide", pattern.removesuffix("*")))
    for mutant in planted:
        answers.keep(mutant, "wide", None)
    return later


def work(plan, index, waiting, answers, failed, later):
    worker = machine = None
    while True:
        try:
            job = waiting.get_nowait()
        except queue.Empty:
            break
        try:
            worker = worker or mutate.Worker(plan, f"-survey{index}")
            machine = machine or Survey(worker)
            if isinstance(job, list):
                later += wide_group(machine, job, answers)
            else:
                near_one(machine, job, answers)
        except Exception as why:  # what goes wrong here is no answer
            failed.append(job)
            names = " ".join(m.name for m in (job if isinstance(job, list) else [job]))
            print(f"not ok mutate/survey: {why!r} ({names})", flush=True)
    if worker is not None:
        shutil.rmtree(worker.tree, ignore_errors=True)


def run_all(plan, jobs, answers, wanted):
    """(jobs that have failed, faults that are left for another group)"""
    waiting, failed, later = queue.Queue(), [], []
    for job in wanted:
        waiting.put(job)
    threads = [threading.Thread(target=work, args=(plan, i, waiting, answers, failed, later)) for i in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed, later


def write(lists, answers):
    """A line behind the fault's own in its list, for each answer."""
    for path in lists:
        lines = []
        known = {m.name: m for m in mutate.read_list(path) if m.unasked()}
        for line in path.read_text().splitlines():
            lines.append(line)
            word, _, name = line.partition(" ")
            answer = answers.get(known[name]) if word == "mutant" and name in known else None
            if answer and answer["case"]:
                lines.append(f"shown {answer['case']}*")
            elif answer and answer["stage"] == "wide":
                lines.append("host-only passes the survey")
        path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", type=pathlib.Path)
    parser.add_argument("--match", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    options, root = parser.parse_args(), pathlib.Path.cwd()
    answers = Answers(root / "build/mutate/survey")
    if options.write:
        write(options.lists, answers)
        return 0
    mutants = [m for path in options.lists for m in mutate.read_list(path) if m.unasked()]
    chosen = [m for m in mutants if any(w in m.name or w == m.kind for w in options.match.split() or [""])]
    plan = mutate.Plan(options.plan, root)
    failed, _ = run_all(plan, options.jobs, answers, [m for m in chosen if answers.get(m) is None])
    left = [m for m in chosen if (a := answers.get(m)) and a["stage"] == "near" and not a["case"]]
    while left:
        # Side by side, since what is in few files is built soon.
        more, left = run_all(plan, options.jobs, answers, [left[i:i + GROUP] for i in range(0, len(left), GROUP)])
        failed += more
    found = [answers.get(m) for m in chosen]
    shown = sum(bool(a and a["case"]) for a in found)
    passed = sum(bool(a and not a["case"] and a["stage"] == "wide") for a in found)
    print(f"  {len(chosen)} faults: {shown} shown, {passed} not, {len(failed)} questions without an answer")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
