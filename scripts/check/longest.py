#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every call of the interface, by the hypervisor's table, has a kept figure of the longest time that it takes.

    longest.py
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from lib import bench_figures  # noqa: E402

KEPT = 'scripts/bench_figures.json'


def main():
    calls = bench_figures.interface()
    if not calls:
        sys.exit(f'longest: {bench_figures.TABLE} has no row')
    without = bench_figures.Results('qemu-virt', KEPT).without_longest()
    for name in without:
        print(f'{KEPT}: no {bench_figures.LONGEST}{name}: how long can that call take? test/guest/bench/longest*.c')
    return bool(without)


if __name__ == '__main__':
    sys.exit(main())
