#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How the performance gate judges figures. What it measures is tested by ci/perf_gate_bites.sh, which takes minutes."""
import contextlib
import io
import os
import subprocess
import tempfile
import unittest

import perf_gate
import perf_measure
from perf_report import Line, paired_line, print_table


def table(lines):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        status = print_table(lines, "base", "new")
    return status, output.getvalue()


class Judging(unittest.TestCase):
    def test_beyond_the_limit_is_a_regression(self):
        status, text = table([Line("instructions/packet", "established", 1000, 1031, 3)])
        self.assertEqual(status, 3)
        self.assertIn("REGRESSION", text)
        self.assertIn("+3.1 %", text)

    def test_within_the_limit_is_none(self):
        self.assertEqual(table([Line("image bytes", "small", 1000, 1029, 3)])[0], 0)

    def test_what_vanished_is_a_regression_and_what_is_new_is_none(self):
        lines = perf_gate.compare_counts("instructions/packet", {"old": 5}, {"added": 7}, 3)
        self.assertEqual([line.verdict() for line in lines], ["new", "GONE"])
        self.assertEqual(table(lines)[0], 3)

    def test_reading_metrics_may_cost_nothing(self):
        same = perf_gate.compare_scraped({"established": 340.7, "established-scraped": 340.7})
        more = perf_gate.compare_scraped({"established": 340.7, "established-scraped": 340.8})
        self.assertEqual((table(same)[0], table(more)[0]), (0, 3))
        self.assertEqual(perf_gate.compare_scraped({"established": 340.7}), [])

    def test_a_neighbour_in_one_run_is_no_regression(self):
        pairs = [(100, 101), (100, 240), (100, 99), (101, 250), (100, 230)]
        self.assertFalse(paired_line("cycles/packet", "established", pairs, 10).regressed())

    def test_slower_in_pairs_and_at_best_is_a_regression(self):
        pairs = [(100, 115), (140, 160), (101, 114)]
        self.assertTrue(paired_line("cycles/packet", "established", pairs, 10).regressed())


class Budget(unittest.TestCase):
    def test_storing_keeps_thresholds_comments_and_other_sections(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "budget.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write("# why\nthresholds:\n  image_percent: 3\n\n# what\ninstructions:\n  old: 1\n\nimage_bytes:\n  small: 9\n")
            perf_measure.Budget(path).store({"instructions": {"established": 12.5}})
            stored = perf_measure.Budget(path)
            self.assertEqual(stored.section("instructions"), {"established": 12.5})
            self.assertEqual(stored.section("image_bytes"), {"small": 9})
            self.assertEqual(stored.thresholds(), {"image_percent": 3})
            self.assertIn("# what\n", stored.text)


class Usage(unittest.TestCase):
    def test_neither_base_nor_budget_ends_with_2(self):
        gate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "perf_gate.py")
        for arguments in ([], ["HEAD", "--budget"], ["--pairs", "0", "HEAD"], ["no-such-revision"]):
            result = subprocess.run([gate, *arguments], capture_output=True)
            self.assertEqual(result.returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
