# SPDX-License-Identifier: BSD-2-Clause
"""Sides of branches that no test took, by the words of the source (for cover.py).

A side is named by its condition and what that never was, so that it moves with the code: `status == OK is never false`.
A header has a copy in each file that includes it, and a side is taken if one copy took it. In an argument of CHECK(),
likely() and unlikely(), where the compiler's record has the place of the macro alone, conditions are counted off the text.

Three kinds have one reason for all of them: what would stop the machine (`every CHECK`), a value that a switch has no case
for (`every switch`), and what a line of the log depends on, or whether there is one (`every log line`).
"""
import collections
import re

COUNTED = ('CHECK', 'likely', 'unlikely')


class Side:
    """One side: where its condition ends, its name within the file, and its kind, if it is of one."""

    def __init__(self, line, end, what, kind):
        self.line, self.end, self.what, self.kind = line, end, what, kind


def between(lines, first, left, last, right):
    """The source from a place to another, in one line."""
    part = lines[first - 1:last]
    part[-1] = part[-1][:right - 1]
    part[0] = part[0][left - 1:]
    return ' '.join(' '.join(part).split())


def argument(lines, line, right):
    """What stands in the parentheses that open at a place, on lines to come perhaps."""
    text, depth = '\n'.join([lines[line - 1][right - 1:], *lines[line:line + 8]]), 0
    for at, letter in enumerate(text):
        depth += (letter == '(') - (letter == ')')
        if depth == 0:
            return ' '.join(text[1:at].split())
    return ''


def conditions(text):
    """The conditions that && and || of a text join, from left to right; one that stands alone has no record of its own."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in '([') - (letter in ')]')
        if depth == 0 and text[at:at + 2] in ('&&', '||'):
            parts.append(text[start:at].strip())
            start = at + 2
    parts.append(text[start:].strip())
    if len(parts) > 1:
        return [leaf for part in parts for leaf in conditions(part) or [part]]
    whole = re.fullmatch(r'!?\((.*)\)', parts[0])
    return conditions(whole[1]) if whole and balanced(whole[1]) else []


def balanced(text):
    """Whether no parenthesis of a text belongs to one outside of it."""
    depth = 0
    for letter in text:
        depth += (letter == '(') - (letter == ')')
        if depth < 0:
            return False
    return depth == 0


def plain(lines, counted):
    """Conditions that stand in the file as they are: of each its place, words, and kind."""
    for place, (true, false) in counted.items():
        words = between(lines, *place)
        if words.startswith('CONFIG_'):
            continue  # a constant: the compiler counts neither
        switch = lines[place[0] - 1][:place[1] - 1].endswith('switch (')
        if switch and not true:
            yield place, f'switch ({words}) is never anything else', 'every switch'
        elif not true:
            yield place, f'{words} is never true', None
        if not false:
            yield place, f'{words} is never false', None


def expanded(lines, counted):
    """Those in a macro's argument."""
    for place, rows in counted.items():
        macro, text = between(lines, *place), argument(lines, *place[2:])
        names = [text, *conditions(text)]
        if macro not in COUNTED or len(names) != len(rows):
            names = [f'condition {index + 1} of {macro}({text})' for index in range(len(rows))]
        for index, (name, taken) in enumerate(zip(names, rows)):
            kind = 'every log line' if macro.startswith('log_') else None
            if macro == 'CHECK' and index == 0:
                taken.reverse()  # the macro's own condition is the negation
            if not taken[0]:
                yield place, f'{name} is never true', kind
            if not taken[1]:
                yield place, f'{name} is never false', 'every CHECK' if macro == 'CHECK' and '||' not in text else kind


def untaken(record, lines):
    """The sides that nothing took, from a file's part of llvm-cov's JSON."""
    direct, macros = collections.defaultdict(lambda: [0, 0]), {}
    for branch in record['branches']:
        here = direct[tuple(branch[:4])]
        here[0] += branch[4]
        here[1] += branch[5]
    for expansion in record['expansions']:
        rows = macros.setdefault(tuple(expansion['source_region'][:4]), [[0, 0] for _ in expansion['branches']])
        for row, branch in zip(rows, expansion['branches']):
            row[0] += branch[4]
            row[1] += branch[5]
    found = sorted([*plain(lines, direct), *expanded(lines, macros)], key=lambda side: side[0])
    return [Side(place[0], place[2], what, kind) for place, what, kind in found]
