#!/usr/bin/env python3
"""Rooms and directions: who may include whom, and what a room's text may not say.

include/abi <- include/hyp <- {hyp, arch, platform}: an include goes to the left or stays in its room. Nothing outside
test/ includes test/; only libfdt and the C library come from outside the tree.
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# The C library as newlib gives it to the hypervisor, and the compiler's own.
C_LIBRARY = {
    'assert.h', 'ctype.h', 'errno.h', 'limits.h', 'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'stdio.h', 'stdlib.h',
    'string.h', 'libfdt.h',
}
ROOMS = ('include/abi', 'include/hyp', 'hyp', 'arch', 'platform')
MAY_USE = {
    'include/abi': ('include/abi',),
    'include/hyp': ('include/abi', 'include/hyp'),
    'hyp': ('include/abi', 'include/hyp', 'hyp'),
    'arch': ('include/abi', 'include/hyp', 'arch'),
    'platform': ('include/abi', 'include/hyp', 'platform'),
}
# Contracts that a CPU room fills in: found by the include path of the build.
ARCH_SEAMS = {'include/hyp/io.h': 'arch/io.h', 'include/hyp/lock.h': 'arch/spinlock.h', 'include/hyp/vm.h': 'arch/vcpu.h'}

# In hyp/ there is no conditional text but include guards (options are constants: hyp/config.h), and no hardware by name.
CONDITIONAL = re.compile(r'^\s*#\s*(if|ifdef|ifndef|elif)\b(.*)', re.M)
ALLOWED_IF = re.compile(r'^\s*[A-Z0-9_]+_H\s*$')
ASSEMBLY = re.compile(r'\b(__asm__|__asm|asm)\b')
HARDWARE = re.compile(r'(?<![a-z])(arm|arm64|smmu|smmuv3|vtd|vt-d|gic|gicv3|aarch64|x86)(?![a-z])', re.I)

# A reader has this tree and the architectures' manuals: what else a comment names must be here.
ELSEWHERE = re.compile(r'design rule|\b(design|research)/|guest-abi|iommu-rules|(architecture|pkvm|iommufd)\.md')


def sources(root, folders):
    for folder in folders:
        for where, dirs, names in os.walk(os.path.join(root, folder)):
            dirs.sort()
            for name in sorted(names):
                if name.endswith(('.c', '.h', '.S')):
                    yield os.path.relpath(os.path.join(where, name), root)


def room_of(path):
    for room in ROOMS:
        if path.startswith(room + '/'):
            return room
    return None


def resolve(root, path, name):
    """The file of this tree that an include names, as the build's include paths find it."""
    here = os.path.normpath(os.path.join(os.path.dirname(path), name))
    cpu = path.split('/')[1] if path.startswith('arch/') else 'arm64'
    for candidate in (here, 'include/' + name, 'hyp/' + name, f'arch/{cpu}/' + name, f'arch/{cpu}/include/' + name):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def line_of(text, at):
    return text.count('\n', 0, at) + 1


def check_includes(root, path, text, complain):
    room = room_of(path)
    for match in INCLUDE.finditer(text):
        name, at = match.group(2), line_of(text, match.start())
        if name in C_LIBRARY:
            if room == 'include/abi' and name != 'stdint.h':
                complain(path, at, f'the interface needs {name}')
            continue
        if room == 'include/abi' and name == 'linux/types.h':
            continue
        target = resolve(root, path, name)
        if target is None:
            complain(path, at, f'{name} is in no room, and not of the C library')
        elif ARCH_SEAMS.get(path) == name:
            continue
        elif room_of(target) not in MAY_USE[room]:
            complain(path, at, f'{room} includes {target}')
        elif room in ('arch', 'platform') and target.split('/')[1] != path.split('/')[1] and \
                room_of(target) == room:
            complain(path, at, f'{path.split("/")[1]} includes {target}')


def without_comments(text):
    return re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text, flags=re.S)


def check_core(path, text, complain):
    for match in CONDITIONAL.finditer(text):
        if not ALLOWED_IF.match(match.group(2)):
            complain(path, line_of(text, match.start()), f'conditional text: {match.group(0).strip()}')
    for match in ASSEMBLY.finditer(without_comments(text)):
        complain(path, line_of(text, match.start()), f'assembly in the core: {match.group(0)}')
    for match in HARDWARE.finditer(text):
        complain(path, line_of(text, match.start()), f'the core names hardware: {match.group(0)}')


def check_documents(path, text, complain):
    for match in ELSEWHERE.finditer(text):
        complain(path, line_of(text, match.start()), f'a document that is not in the tree: {match.group(0)}')


def check_guard(path, text, complain):
    guard = re.search(r'#ifndef ([A-Z0-9_]+)\n#define \1\n', text)
    if guard is None:
        complain(path, 1, 'no include guard')
    elif not text.rstrip().endswith('#endif'):
        complain(path, text.count('\n'), 'something is behind the include guard')


def check(root, complain):
    for path in sources(root, ROOMS):
        if path.startswith('platform/linux/'):
            continue  # a Linux driver: other rules, not linked with ours
        with open(os.path.join(root, path), encoding='utf-8') as file:
            text = file.read()
        check_includes(root, path, text, complain)
        if path.startswith('hyp/'):
            check_core(path, text, complain)
        check_documents(path, text, complain)
        if path.endswith('.h'):
            check_guard(path, text, complain)
    for path in sources(root, ('test',)):
        with open(os.path.join(root, path), encoding='utf-8') as file:
            check_documents(path, file.read(), complain)


def main():
    found = []
    check(sys.argv[1] if len(sys.argv) > 1 else '.', lambda path, line, what: found.append(f'{path}:{line}: {what}'))
    print('\n'.join(found), end='\n' if found else '')
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
