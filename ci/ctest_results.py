#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads ctest's JUnit file; prints one line "passed N", then "failed NAME" and "skipped NAME: REASON" lines.
With --failures before the file: what each failed case said, from where it first speaks of a failure."""
import re
import sys
import xml.etree.ElementTree as tree

MOST_LINES = 40  # of a case; all of it stands in ctest's own output


def cases(path):
    for case in tree.parse(path).getroot().iter("testcase"):
        yield case, case.get("name"), case.get("status"), case.findtext("system-out") or ""


def is_skipped(case, status):
    return status in ("notrun", "disabled") and case.find("failure") is None


def print_counts(path):
    passed = 0
    for case, name, status, output in cases(path):
        if status == "run":
            passed += 1
        elif is_skipped(case, status):
            # A skipped GoogleTest says why after the line of its GTEST_SKIP; our scripts say "skipped: why".
            said = re.search(r"Skipped\n(.+)|^skipped: (.+)", output, re.MULTILINE)
            reason = next(filter(None, said.groups())) if said else "no reason given"
            print(f"skipped\t{name}: {reason}")
        else:
            print(f"failed\t{name}")
    print(f"passed\t{passed}")


def print_failures(path):
    for case, name, status, output in cases(path):
        if status == "run" or is_skipped(case, status):
            continue
        lines = output.splitlines()
        first = next((i for i, line in enumerate(lines) if re.search("failure|error|exception", line, re.I)), 0)
        said = lines[first:first + MOST_LINES] or [(case.find("failure") or case).get("message", "nothing")]
        print(f"\n{name}:")
        for line in said:
            print(f"    {line}")
        if first + MOST_LINES < len(lines):
            print(f"    ({len(lines) - first - MOST_LINES} more lines)")


if sys.argv[1] == "--failures":
    print_failures(sys.argv[2])
else:
    print_counts(sys.argv[1])
