#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts rely on of swap_bench, and that its answers are right: nothing lost, nothing mixed. Not how fast.

usage: swap_bench_test.py BUILD/bin"""
import json
import subprocess
import sys
import unittest

PROGRAMS = sys.argv.pop(1)
FIELDS = ["kind", "swaps", "sent", "received", "lost", "mixed", "shard_work_us_median", "delay_us_max", "delay_us_p9999",
          "delay_us_p9999_base", "revalidated", "unchanged_tenant_misses", "activate_ms"]
KINDS = ["rule", "route", "tenant", "all-tenants", "nat-pool"]


def bench(*arguments):
    return subprocess.run([f"{PROGRAMS}/swap_bench", *arguments], capture_output=True, text=True)


class Rows(unittest.TestCase):
    def test_every_kind_has_the_promised_fields_and_loses_nothing(self):
        result = bench("--json", "--quick", "--no-huge")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = json.loads(result.stdout)
        self.assertEqual([row["kind"] for row in rows], KINDS)
        for row in rows:
            self.assertEqual(list(row)[:len(FIELDS)], FIELDS)
            self.assertEqual(row["swaps"], 20)
            self.assertEqual((row["lost"], row["mixed"], row["unchanged_tenant_misses"]), (0, 0, 0))
            self.assertEqual(row["sent"], row["received"] + row["denied"])
            self.assertEqual(row["denied"] > 0, row["kind"] in ("rule", "tenant", "all-tenants"))
            self.assertGreater(row["shard_work_us_median"], 0)

    def test_misuse_ends_with_2(self):
        self.assertEqual(bench("--no-such-option").returncode, 2)
        self.assertEqual(bench("--row", "no-such-row").returncode, 2)


if __name__ == "__main__":
    unittest.main()
