#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the proofs of test/proof: each harness by CBMC, then once more with each of its seeded faults, which must break it.

    prove.py --cbmc=PROGRAM --cc=COMPILER --out=FOLDER --flags=FLAGS [--match=NAMES] [--jobs=N] [--verbose]
    prove.py --check

A proof NAME is two files. NAME.c is the harness; lines of its first comment tell how it is run:

     * unwind: 9                          turns that no loop exceeds; CBMC proves that too
     * unwindset: put_range.0:9 f.1:65    the same for single loops
     * options: --object-bits 10          other options of CBMC
     * scale: FILE: NAME VALUE            a constant of the product is smaller, so that all of something fits

NAME.mut has its seeded faults, in the format of test/mutate/mutate.py: `file` and `mutant` as there, and `kill` names the
claims that the fault must break, with `;` between them. Every claim of a harness is broken by one of its faults: one that nothing breaks says
nothing. A claim counts as broken only if CBMC has found an input for which it is false; a loop that a fault makes longer
than its bound, or memory that it makes unsafe, is no substitute.

A line a proof, `ok prove/NAME` or `not ok prove/NAME: REASON`; what CBMC said is in FOLDER/NAME, how long it took in
FOLDER/seconds, with what the processors did in all, which does not depend on who else is busy. --check looks, without a compiler, whether each harness has what it needs and each fault still applies."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import resource
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "mutate"))
import mutate  # noqa: E402

PROOFS = ROOT / "test" / "proof"
# For one run of CBMC; the longest that there is takes a fifth of it on an idle machine.
SECONDS_LIMIT, BYTES_LIMIT = 600, 12 << 30
ALWAYS = ["--unwinding-assertions", "--slice-formula", "--drop-unused-functions", "--json-ui", "--verbosity", "6"]
CLAIM = re.compile(r'CLAIM\("([^"]+)"')
SETTING = re.compile(r"^ \* (unwind|unwindset|options|scale): (.+)$", re.M)


class Wrong(Exception):
    """The proof, the tree or the tools are wrong: nothing was shown."""


class Proof:
    def __init__(self, harness):
        self.name, self.harness = harness.stem, harness
        text = harness.read_text()
        comment = text[:text.index("*/", text.index("*/") + 2)]
        self.claims = list(dict.fromkeys(CLAIM.findall(text)))
        self.options, self.scales = [], []
        for kind, value in SETTING.findall(comment):
            if kind == "scale":
                file, _, change = value.partition(": ")
                self.scales.append((file, *change.split()))
            elif kind == "options":
                self.options += value.split()
            else:
                self.options += [f"--{kind}", ",".join(value.split())]
        faults = harness.with_suffix(".mut")
        self.faults = mutate.read_list(faults) if faults.exists() else []
        for fault in self.faults:
            fault.kill = {claim.strip() for claim in " ".join(fault.kill).split(";")} - {""}

    def texts(self, fault=None):
        """The product's files that this run has otherwise than the tree: file to text."""
        changed = {}

        def now(file):
            if file not in changed and not (ROOT / file).exists():
                raise Wrong(f"{file} is not there")
            return changed.get(file) or (ROOT / file).read_text()

        for file, name, value in self.scales:
            text, count = re.subn(rf"^#define {name}\b.*$", f"#define {name} {value}", now(file), flags=re.M)
            if count != 1:
                raise Wrong(f"{file}: it defines {name} {count} times")
            changed[file] = text
        for place in fault.places if fault else []:
            changed[place.file] = place.planted(now(place.file))
        return changed

    def check(self):
        """A sentence for each thing that is missing."""
        wrong = []
        if "--unwind" not in self.options:
            wrong.append("no bound of its loops is said")
        if not self.faults:
            wrong.append("it has no seeded fault")
        for fault in self.faults:
            if not fault.kill:
                wrong.append(f"fault {fault.name} names no claim")
            wrong += [f"fault {fault.name} names a claim that is not there: {c}" for c in fault.kill - set(self.claims)]
            try:
                self.texts(fault)
            except (Wrong, mutate.Wrong) as error:
                wrong.append(f"fault {fault.name}: {error}")
        broken = set().union(*(fault.kill for fault in self.faults)) if self.faults else set()
        wrong += [f"no fault breaks the claim: {c}" for c in self.claims if c not in broken]
        return wrong


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES_LIMIT, BYTES_LIMIT))


class Run:
    """One harness on one text of the product."""

    def __init__(self, args, proof, fault=None):
        self.args, self.proof, self.fault = args, proof, fault
        self.folder = pathlib.Path(args.out) / proof.name / (fault.name if fault else "proof")
        self.seconds = 0.0

    def overlay(self):
        """Options that show the compiler the changed files in the place of the tree's."""
        roots = []
        for file, text in self.proof.texts(self.fault).items():
            at = (self.folder / file.replace("/", "_")).resolve()
            at.write_text(text)
            roots.append({"type": "file", "name": str(ROOT / file), "external-contents": str(at)})
        if not roots:
            return []
        overlay = self.folder / "overlay.yaml"
        overlay.write_text(json.dumps({"version": 0, "roots": roots}))
        return ["-ivfsoverlay", str(overlay)]

    def preprocess(self):
        out = self.folder / "harness.i"
        done = subprocess.run([self.args.cc, "-E", *self.overlay(), *shlex.split(self.args.flags), "-o", out, self.proof.harness],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Wrong("it does not compile: " + done.stderr.strip().splitlines()[0])
        return out

    def properties(self, only=()):
        """What CBMC decided: (description, status, place, id) of each property; of those in `only`, if there are any."""
        self.folder.mkdir(parents=True, exist_ok=True)
        source, log = self.preprocess(), self.folder / "cbmc.json"
        asked = [word for name in only for word in ("--property", name)]
        start = time.monotonic()
        with open(log, "w") as out:
            try:
                subprocess.run([self.args.cbmc, *ALWAYS, *self.proof.options, *asked, source], stdout=out, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, timeout=SECONDS_LIMIT, preexec_fn=limit)
            except subprocess.TimeoutExpired:
                raise Wrong(f"CBMC took more than {SECONDS_LIMIT} seconds") from None
        self.seconds = time.monotonic() - start
        try:
            said = json.loads(log.read_text())
        except ValueError:
            raise Wrong(f"CBMC ended without a result, see {log}") from None
        for part in said:
            if "result" in part:
                return [(p["description"], p["status"], p.get("sourceLocation", {}), p["property"]) for p in part["result"]]
        errors = [p["messageText"] for p in said if p.get("messageType") == "ERROR"]
        raise Wrong(f"CBMC has no result: {(errors or ['no reason'])[-1]} ({log})")


def where(place):
    return f"{os.path.relpath(place['file'], ROOT)}:{place['line']}" if "line" in place and "file" in place else "?"


def judge(args, proof):
    """The reason why the proof does not stand, or None."""
    wrong = proof.check()
    if wrong:
        return "; ".join(wrong), []
    runs = [Run(args, proof)]
    found = runs[0].properties()
    failed = [(text, at) for text, status, at, _ in found if status != "SUCCESS"]
    if failed:
        text, at = failed[0]
        return f"{text} does not hold ({where(at)}), and {len(failed) - 1} others; see {runs[0].folder}", runs
    ids = {}
    for text, _, _, name in found:
        ids.setdefault(text, []).append(name)
    missing = [c for c in proof.claims if f"claim {c}" not in ids]
    if missing:
        return f"CBMC was not asked: {missing[0]}", runs
    for fault in proof.faults:
        runs.append(Run(args, proof, fault))
        asked = [name for claim in sorted(fault.kill) for name in ids[f"claim {claim}"]]
        broken = {text[len("claim "):] for text, status, _, _ in runs[-1].properties(asked) if status == "FAILURE"}
        if not fault.kill <= broken:
            return f"the seeded fault {fault.name} does not break: {', '.join(sorted(fault.kill - broken))}", runs
    return None, runs


def guarded(args, proof):
    try:
        return judge(args, proof)
    except (Wrong, mutate.Wrong) as error:
        return str(error), []


def prove(args, proofs):
    failures, lines = 0, []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for proof, (reason, runs) in zip(proofs, pool.map(lambda p: guarded(args, p), proofs)):
            print(f"not ok prove/{proof.name}: {reason}" if reason else f"ok prove/{proof.name}", flush=True)
            failures += reason is not None
            for run in runs:
                lines.append(f"{run.seconds:7.1f}  {proof.name}{' ' + run.fault.name if run.fault else ''}")
                if args.verbose:
                    print(f"  {lines[-1]}", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines.append(f"{used.ru_utime + used.ru_stime:7.1f}  of processors, all together")
    if args.verbose:
        print(f"  {lines[-1]}", flush=True)
    (pathlib.Path(args.out) / "seconds").write_text("\n".join(lines) + "\n")
    print(f"{len(proofs) - failures} passed, {failures} failed")
    return 1 if failures or not proofs else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cbmc")
    parser.add_argument("--cc")
    parser.add_argument("--flags", default="")
    parser.add_argument("--out")
    parser.add_argument("--match", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    try:
        proofs = [Proof(path) for path in sorted(PROOFS.glob("*.c"))]
    except (Wrong, mutate.Wrong) as error:
        print(f"proof: {error}", file=sys.stderr)
        return 1
    if args.check:
        wrong = [f"test/proof/{p.name}: {sentence}" for p in proofs for sentence in p.check()]
        print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
        return 1 if wrong else 0
    names = args.match.split()
    unknown = set(names) - {p.name for p in proofs}
    if unknown:
        print(f"no proof has the name {sorted(unknown)[0]}; there are: {' '.join(p.name for p in proofs)}", file=sys.stderr)
        return 1
    pathlib.Path(args.out).mkdir(parents=True, exist_ok=True)
    return prove(args, [p for p in proofs if not names or p.name in names])


if __name__ == "__main__":
    sys.exit(main())
