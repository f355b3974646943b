#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The performance gate: see ci/perf-gate for its use."""
import argparse
import os
import sys
import tempfile

import perf_builds
import perf_measure
from perf_report import Line, paired_line, print_table

PARTS = ("instructions", "cycles", "images", "compile")


def compare_counts(what, base, new, limit_percent):
    """One line for each name of either side, in the order of the new side."""
    names = list(new) + [name for name in base if name not in new]
    return [Line(what, name, base.get(name), new.get(name), limit_percent) for name in names]


def compare_scraped(rows):
    """Who reads metrics must not cost a packet one instruction."""
    if "established-scraped" not in rows:
        return []
    return [Line("instructions/packet", "metrics read beside none", rows.get("established"), rows["established-scraped"], 0)]


def compare_revisions(base, new, limits, parts, pairs):
    lines = []
    if "instructions" in parts:
        lines += compare_counts("instructions/packet", perf_measure.instructions(base),
                                perf_measure.instructions(new), limits["instructions_percent"])
    if "images" in parts:
        lines += compare_counts("image bytes", perf_measure.image_bytes(base), perf_measure.image_bytes(new),
                                limits["image_percent"])
    for part, what, measure, limit in (
            ("compile", "compile CPU seconds", perf_measure.compile_seconds, limits["compile_percent"]),
            ("cycles", "cycles/packet", perf_measure.cycles, limits["cycles_percent"])):
        if part in parts:
            # In turn, because neighbours on the machine come and go: what is compared must be close in time.
            measured = [(measure(base), measure(new)) for _ in range(pairs)]
            names = dict.fromkeys(name for sides in measured for side in reversed(sides) for name in side)
            lines += [paired_line(what, name, [(b.get(name), n.get(name)) for b, n in measured], limit)
                      for name in names]
    return lines


def measure_one(build, parts):
    measured = {}
    if "instructions" in parts:
        measured["instructions"] = perf_measure.instructions(build)
    if "images" in parts:
        measured["image_bytes"] = perf_measure.image_bytes(build)
    return measured


def with_budget(arguments, parts):
    build = arguments.build or perf_builds.build_tree(perf_builds.ROOT, os.path.join(perf_builds.ROOT, "build"))
    file = perf_measure.Budget(os.path.join(perf_builds.ROOT, "ci/perf-budget.yaml"))
    measured = measure_one(build, parts)
    if arguments.update_budget:
        file.store(measured)
        print("ci/perf-budget.yaml updated")
        return 0
    limits = file.thresholds()
    lines = []
    if "instructions" in parts:
        lines += compare_counts("instructions/packet", file.section("instructions"), measured["instructions"],
                                limits["instructions_percent"])
        lines += compare_scraped(measured["instructions"])
    if "images" in parts:
        lines += compare_counts("image bytes", file.section("image_bytes"), measured["image_bytes"],
                                limits["image_percent"])
    status = print_table(lines, "budget", "now")
    if status == 3:
        print("where this is the price of something worth having: ci/perf-gate --update-budget, and say so in the commit")
    elif any(line.better() for line in lines):
        print("better than the budget: ci/perf-gate --update-budget keeps it so")
    return status


def with_revision(arguments, parts):
    limits = perf_measure.Budget(os.path.join(perf_builds.ROOT, "ci/perf-budget.yaml")).thresholds()
    commit = perf_builds.commit_of(arguments.base)
    if commit is None:
        print(f"ci/perf-gate: {arguments.base} is no revision of this repository", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="sluice-perf-") as folder, \
            perf_builds.worktree(commit, os.path.join(folder, "base")) as tree:
        # Inside their trees: a path relative to its build is the same in both, and ccache knows the files.
        base = perf_builds.build_tree(tree, os.path.join(tree, "build-perf"))
        new = perf_builds.build_tree(perf_builds.ROOT, os.path.join(perf_builds.ROOT, "build-perf"))
        lines = compare_revisions(base, new, limits, parts, arguments.pairs)
    return print_table(lines, arguments.base[:12], "this tree")


def main():
    parser = argparse.ArgumentParser(prog="ci/perf-gate", description="Is this tree slower than BASE, or than its budget?")
    parser.add_argument("base", nargs="?", metavar="BASE", help="a revision to compare with")
    parser.add_argument("--budget", action="store_true", help="compare with ci/perf-budget.yaml instead")
    parser.add_argument("--update-budget", action="store_true", help="store what is measured as the budget")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--build", metavar="DIR", help="with a budget: a build that is there already")
    parser.add_argument("--pairs", type=int, default=7, metavar="N", help="measurements of each side (7)")
    arguments = parser.parse_args()
    if (arguments.base is None) == (not (arguments.budget or arguments.update_budget)):
        parser.error("either BASE, or --budget, or --update-budget")
    if arguments.pairs < 1:
        parser.error("--pairs must be at least 1")
    parts = arguments.only or PARTS
    try:
        return with_budget(arguments, parts) if arguments.base is None else with_revision(arguments, parts)
    except (perf_builds.BuildFailed, perf_measure.NotMeasured) as problem:
        print(f"ci/perf-gate: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
