#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each up-call of include/hyp/upcall.h is wrapped by the specification, or has a reason here."""
import re
import sys

NOT_WRAPPED = {
    'hyp_main': 'the boot: no guest runs yet, and the specification begins with what it leaves',
}

COMMENT = re.compile(r'/\*.*?\*/', re.S)
PROTOTYPE = re.compile(r'^[a-z][\w \*]*?\b(\w+)\([^;{]*\)[^;{]*;', re.M)


def main(header, wrapped):
    with open(header, encoding='utf-8') as file:
        calls = set(PROTOTYPE.findall(COMMENT.sub('', file.read())))
    found = [f'{name} of {header} is not wrapped' for name in calls - set(wrapped) - set(NOT_WRAPPED)]
    found += [f'{name} is wrapped and has a reason why it is not' for name in set(wrapped) & set(NOT_WRAPPED)]
    found += [f'{name} is no up-call of {header}' for name in set(NOT_WRAPPED) - calls]
    found += [f'{name} is wrapped and no up-call of {header}' for name in wrapped if name.startswith('hyp_') and name not in calls]
    if not calls:
        found.append(f'{header} has no up-calls')
    for line in sorted(found):
        print(f'{sys.argv[0]}: {line}', file=sys.stderr)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
