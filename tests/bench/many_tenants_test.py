#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""MT-A32: what a hit costs does not depend on the number of tenants: many_tenants_test.py BUILD SOURCE

Instructions a packet, counted by callgrind, with 8,192 flows of a thousand tenants and of ten, which take turns; with
one tenant alone the packets of a burst share what is one tenant's, whatever number there are. Status 77 (skipped)
without the benchmark or valgrind."""
import shutil
import sys

BUILD, SOURCE = sys.argv[1:]
sys.path.insert(0, f"{SOURCE}/ci")
import perf_measure  # noqa: E402

MOST = 1.15


def instructions(row):
    return perf_measure.instructions(BUILD, row)[row]


if perf_measure.program(BUILD, "instruction_bench") is None or shutil.which("valgrind") is None:
    print("skipped: needs valgrind and instruction_bench (SLUICE_BENCH=ON)")
    sys.exit(77)
few, many = instructions("established-10-tenants"), instructions("established-1000-tenants")
print(f"{few} instructions a packet with 10 tenants, {many} with 1,000: {many / few:.3f} times as many, at most {MOST}")
sys.exit(0 if many <= MOST * few else 1)
