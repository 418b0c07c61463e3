#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Holds test/CHECKLIST.md against the sources.

    checklist.py

Each statement A1 to K4 has one line. What is in backquotes there is a test (`suite.case`, `group.case`, `[section]`,
`fuzz/target`, `check-step`; a star stands for several) and exists. A statement has a test that carries its letter, or
says "no test" and why. And each test that carries a letter, by its name in the sources, is in the letter's line.

Each suite of test/unit has its name in the table of test/README.md.
"""
import collections
import fnmatch
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from lib import cases  # noqa: E402

LIST = 'test/CHECKLIST.md'
README = 'test/README.md'
COUNTS = {'A': 12, 'B': 11, 'C': 13, 'D': 12, 'E': 9, 'F': 7, 'G': 6, 'H': 6, 'I': 8, 'J': 7, 'K': 4}
STATEMENTS = [f'{letter}{number}' for letter, count in COUNTS.items() for number in range(1, count + 1)]
SUITE = re.compile(r'\bSUITE\("(\w+)"')
CASE = re.compile(r'\bcmocka_unit_test\w*\((\w+)')
ROW = re.compile(r'^\| ([A-K]\d+) \| (.+?) \| (.*) \|$')
LETTER = re.compile(r'(?<![A-Za-z0-9])([A-K]\d{1,2})(?![A-Za-z0-9])')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def letters(name):
    return LETTER.findall(name.replace('_', ' '))


def unit_tests():
    for path in glob.glob('test/unit/*/*_test.c'):
        text = read(path)
        suite = SUITE.search(text)
        if suite is None:
            sys.exit(f'checklist: {path} has no SUITE')
        yield from (f'{suite.group(1)}.{case}' for case in CASE.findall(text))


def suites():
    return {name.split('.')[0] for name in unit_tests()}


def named_suites():
    """What the first column of README's tables has in backquotes."""
    return {name for line in read(README).splitlines() if line.startswith('| `')
            for name in re.findall(r'`(\w+)`', line.split('|')[1])}


def guest_tests():
    for path in glob.glob('test/guest/primary/*.c'):
        yield from (f'{group}.{title}' for group, title in cases.CASE.findall(read(path)))


def all_tests():
    yield from unit_tests()
    yield from guest_tests()
    yield from (f'[{section.name}]' for section in cases.read('test/cases.cfg'))
    yield from (f'fuzz/{os.path.basename(path)[:-2]}' for path in glob.glob('test/fuzz/target/*.c'))
    for path in glob.glob('scripts/check/*.mk') + glob.glob('test/*/*.mk'):
        yield from re.findall(r'^(check-\w+):', read(path), re.MULTILINE)


def matching(pattern, tests):
    if pattern.startswith('['):
        return {pattern} & tests
    return {name for name in tests if fnmatch.fnmatchcase(name, pattern)}


def look(rows, tests):
    """What is wrong with the list, a sentence each."""
    carriers = collections.defaultdict(set)
    for name in tests:
        for letter in letters(name):
            carriers[letter].add(name)
    for letter in sorted(carriers.keys() - set(STATEMENTS)):
        yield f'{", ".join(sorted(carriers[letter]))}: there is no statement {letter}'
    for letter in STATEMENTS:
        if letter not in rows:
            yield f'{letter} has no line'
            continue
        listed = set()
        for name in re.findall(r'`([^`]+)`', rows[letter]):
            found = matching(name, tests)
            if not found:
                yield f'{letter}: there is no test `{name}`'
            listed |= found
        for name in sorted(carriers[letter] - listed):
            yield f'{letter}: `{name}` carries the letter and is not in the line'
        if not carriers[letter] and not re.search(r'\bno test: \S', rows[letter]):
            yield f'{letter}: no test carries the letter, and no reason is given ("no test: ...")'
        if carriers[letter] and 'no test: ' in rows[letter]:
            yield f'{letter}: it says "no test", but {sorted(carriers[letter])[0]} carries the letter'


def main():
    rows, wrong = {}, []
    for line in read(LIST).splitlines():
        match = ROW.match(line)
        if match is None:
            continue
        if match.group(1) in rows or match.group(1) not in STATEMENTS:
            wrong.append(f'{match.group(1)} is there twice or is no statement')
        rows[match.group(1)] = match.group(3)
    wrong += look(rows, set(all_tests()))
    for what in wrong:
        print(f'{LIST}: {what}')
    unnamed = suites() - named_suites()
    for suite in sorted(unnamed):
        print(f'{README}: the table of suites has no `{suite}`')
    return bool(wrong or unnamed)


if __name__ == '__main__':
    sys.exit(main())
