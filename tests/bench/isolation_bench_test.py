#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts rely on of isolation_bench, and that limits refuse what they should. Not how fast.

usage: isolation_bench_test.py BUILD/bin"""
import json
import subprocess
import sys
import unittest

PROGRAMS = sys.argv.pop(1)
FIELDS = ["flood", "share", "offered", "refused", "alone_mpps", "flooded_mpps", "kept"]
FLOODS = ["new-flows, no limit", "new-flows", "new-flows, packets limited", "expired, no limit", "expired"]


def bench(*arguments):
    return subprocess.run([f"{PROGRAMS}/isolation_bench", *arguments], capture_output=True, text=True)


class Rows(unittest.TestCase):
    def test_every_flood_has_the_promised_fields_and_its_excess_is_refused(self):
        # A high share, so that few windows hold enough of the flood.
        result = bench("--json", "--no-huge", "--share", "50000", "--windows", "4")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = json.loads(result.stdout)
        self.assertEqual([row["flood"] for row in rows], FLOODS)
        for row in rows:
            self.assertEqual(list(row), FIELDS)
            self.assertGreater(row["alone_mpps"], 0)
            self.assertAlmostEqual(row["refused"], 0 if "no limit" in row["flood"] else 0.9, delta=0.1)

    def test_misuse_ends_with_2(self):
        self.assertEqual(bench("--no-such-option").returncode, 2)
        self.assertEqual(bench("--share", "1").returncode, 2)


if __name__ == "__main__":
    unittest.main()
