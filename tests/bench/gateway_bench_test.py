#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts rely on of gateway_bench: the shape of its rows, which rows there are, exit statuses. Not how fast.

usage: gateway_bench_test.py BUILD/bin"""
import json
import subprocess
import sys
import unittest

PROGRAMS = sys.argv.pop(1)


def bench(*arguments):
    return subprocess.run([f"{PROGRAMS}/gateway_bench", *arguments], capture_output=True, text=True)


class Rows(unittest.TestCase):
    def test_json_has_the_promised_fields_and_a_floor(self):
        result = bench("--json", "--row", "established", "--row", "floor", "--flows", "1", "--windows", "4", "--no-huge")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = json.loads(result.stdout)
        self.assertEqual([row["name"] for row in rows], ["established", "floor"])
        for row in rows:
            self.assertEqual(list(row), ["name", "flows", "rules", "tenants", "cycles", "floor", "ratio"])
            self.assertAlmostEqual(row["ratio"], row["cycles"] / row["floor"])
        self.assertGreater(rows[0]["cycles"], rows[0]["floor"])
        self.assertEqual((rows[0]["flows"], rows[0]["rules"], rows[0]["tenants"]), (1, 1000, 1))

    def test_sessions_begin_and_end_as_the_row_says(self):
        result = bench("--row", "churn", "--row", "new-session", "--row", "established-replies", "--row", "provider-northbound",
                       "--row", "tunnel-southbound-four", "--quick", "--rules", "10,1000",
                       "--windows", "4", "--rounds", "1", "--no-huge")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_every_promised_row_is_there(self):
        result = bench("--list", "--large")
        rows = {tuple(line.split()[:4]) for line in result.stdout.splitlines()}
        for flows in ("1", "10000", "100000", "1000000"):
            self.assertIn(("established", flows, "1000", "1"), rows)
            self.assertIn(("established-replies", flows, "1000", "1"), rows)
            for way in ("northbound", "southbound"):
                self.assertIn((f"tunnel-{way}", flows, "1000", "1"), rows)
                self.assertIn((f"tunnel-{way}-four", flows, "1000", "1"), rows)
                self.assertIn((f"provider-{way}", flows, "1000", "1"), rows)
        for rules in ("10", "1000", "100000"):
            self.assertIn(("new-session", "1000000", rules, "1"), rows)
            self.assertIn(("new-session-all-rules", "1000000", rules, "1"), rows)
        for tenants in ("100", "1000"):
            self.assertIn(("established", "100000", "10", tenants), rows)
        names = {row[0] for row in rows}
        self.assertTrue({"churn", "new-session-expiring", "new-session-single"} <= names)
        for name in ("miss-random-tuples", "miss-colliding-keys", "miss-class-tuples", "scan-denied"):
            self.assertTrue({name, f"{name}-no-cache"} <= names)
        for name in ("new-flows", "scan"):
            self.assertTrue({f"established-among-{name}", f"established-beside-{name}"} <= names)

    def test_misuse_ends_with_2(self):
        self.assertEqual(bench("--no-such-option").returncode, 2)
        self.assertEqual(bench("--row", "no-such-row").returncode, 2)


if __name__ == "__main__":
    unittest.main()
