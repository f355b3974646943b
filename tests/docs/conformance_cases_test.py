#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How conformance.py finds the tests of a row, what it refuses, and what results of a run make of a row."""
import copy
import unittest

import conformance

CASES = ["T1/Nat.MT_A05_apart/no_cache", "T1/Nat.MT_A05_apart/trace_cache", "Plain.one", "live_ping"]


def sections(rows, **more):
    return [{"section": "S", "rows": copy.deepcopy(rows), **more}]


def row(**keys):
    return {"id": "RFC 1 REQ-1", "text": "what is asked", **keys}


class Resolving(unittest.TestCase):
    def state_of(self, one, **more):
        return conformance.resolve(sections([one], **more), CASES)[0]["rows"][0]["state"]

    def refused(self, rows, wanted, **more):
        with self.assertRaisesRegex(conformance.Mistake, wanted):
            conformance.resolve(sections(rows, **more), CASES)

    def test_names_lose_instance_and_parameter(self):
        self.assertEqual([conformance.short_name(case) for case in CASES],
                         ["Nat.MT_A05_apart", "Nat.MT_A05_apart", "Plain.one", "live_ping"])

    def test_state_follows_tests_and_what_is_missing(self):
        self.assertEqual(self.state_of(row(tests=["^Plain"])), "pass")
        self.assertEqual(self.state_of(row(tests=["^Plain"], missing="half of it")), "partly")
        self.assertEqual(self.state_of(row(missing="all of it")), "not done")

    def test_by_id_the_name_carries_it(self):
        self.assertEqual(self.state_of(row() | {"id": "MT-A05"}, **{"by-id": True}), "pass")
        five = row() | {"id": "MT-A05"}
        self.refused([five, row() | {"id": "MT-A06"}], "MT-A06: neither a test nor what is missing", **{"by-id": True})
        self.refused([five, row(also=["^Plain"]) | {"id": "MT-A06"}], "MT-A06: no test carries MT_A06", **{"by-id": True})
        self.refused([row(tests=["^Plain"]) | {"id": "MT-A05"}], "others go into `also`", **{"by-id": True})

    def test_an_id_that_no_row_has_is_refused(self):
        self.refused([row(missing="all") | {"id": "MT-A50"}], "Nat.MT_A05_apart: an id that no row has", **{"by-id": True})

    def test_mistakes_are_refused(self):
        self.refused([row(tests=["^Gone$"])], r"no test matches \^Gone\$")
        self.refused([row()], "neither a test nor what is missing")
        self.refused([row(tests=["^Plain"])] * 2, "twice")
        self.refused([row(tests=["^Plain"], test="x")], "what is test?")
        self.refused([{"id": "RFC 1", "tests": ["^Plain"]}], "no text")
        self.refused([row(tests=["^Plain"]) | {"text": "x" * 201}], "more than 200 characters")
        self.refused([row(tests=["^Plain"], also=["^live"])], "`also` is for")


class Judging(unittest.TestCase):
    def judged(self, **outcomes):
        rows = conformance.resolve(sections([row(tests=["MT_A05"]), row(missing="all") | {"id": "RFC 2"}]), CASES)
        results = {CASES[0]: "run", CASES[1]: "run"} | {CASES[int(key[1])]: value for key, value in outcomes.items()}
        wrong = conformance.judge(rows, CASES, {key: value for key, value in results.items() if value})
        return rows[0]["rows"][0]["state"], wrong

    def test_all_passed(self):
        self.assertEqual(self.judged(), ("pass", []))

    def test_one_of_its_cases_failed(self):
        state, wrong = self.judged(c1="fail")
        self.assertEqual(state, "FAIL")
        self.assertEqual(wrong, ["RFC 1 REQ-1: T1/Nat.MT_A05_apart/trace_cache failed"])

    def test_one_of_its_cases_is_not_in_the_results(self):
        self.assertEqual(self.judged(c0=None)[1], ["RFC 1 REQ-1: T1/Nat.MT_A05_apart/no_cache was not run"])

    def test_skipped_is_not_passed(self):
        self.assertEqual(self.judged(c0="notrun"), ("skipped", []))


if __name__ == "__main__":
    unittest.main()
