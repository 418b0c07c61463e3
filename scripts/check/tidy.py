#!/usr/bin/env python3
"""clang-tidy over C files, several at a time; a file that was clean is not looked at again.

    tidy.py CACHE FILE... -- FLAG...

A clean file leaves an empty file in the folder CACHE, named by the checksum of all that clang-tidy would see: the
preprocessed text, the flags, .clang-tidy. Times of files do not matter, so a change of branch or a new checkout costs
nothing, and neither does a changed comment.
"""
import concurrent.futures
import hashlib
import os
import subprocess
import sys

CLANG, TIDY = 'clang-19', 'clang-tidy-19'


def checksum(path, flags):
    text = subprocess.run([CLANG, *flags, '-E', path], stdout=subprocess.PIPE, check=True).stdout
    with open('.clang-tidy', 'rb') as config:
        parts = (path.encode(), '\0'.join(flags).encode(), config.read(), text)
    return hashlib.sha256(b'\0\0'.join(parts)).hexdigest()


def look(cache, path, flags):
    """What clang-tidy found in a file; nothing if it is clean."""
    try:
        stamp = os.path.join(cache, checksum(path, flags))
    except subprocess.CalledProcessError:
        return f'{path}: does not preprocess\n'
    if os.path.exists(stamp):
        return ''
    run = subprocess.run([TIDY, '--quiet', path, '--', *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode == 0 and not run.stdout.strip():
        with open(stamp, 'w', encoding='utf-8'):
            return ''
    return run.stdout or run.stderr or f'{path}: {TIDY} gave exit status {run.returncode}\n'


def main():
    split = sys.argv.index('--')
    cache, files, flags = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    os.makedirs(cache, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = ''.join(pool.map(lambda path: look(cache, path, flags), files))
    sys.stdout.write(found)
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
