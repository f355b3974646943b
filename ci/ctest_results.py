#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads ctest's JUnit file; prints one line "passed N", then "failed NAME" and "skipped NAME: REASON" lines."""
import re
import sys
import xml.etree.ElementTree as tree

passed = 0
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    name, status = case.get("name"), case.get("status")
    output = case.findtext("system-out") or ""
    if status == "run":
        passed += 1
    elif status in ("notrun", "disabled") and case.find("failure") is None:
        # A skipped GoogleTest says why after the line of its GTEST_SKIP; our scripts say "skipped: why".
        said = re.search(r"Skipped\n(.+)|^skipped: (.+)", output, re.MULTILINE)
        reason = next(filter(None, said.groups())) if said else "no reason given"
        print(f"skipped\t{name}: {reason}")
    else:
        print(f"failed\t{name}")
print(f"passed\t{passed}")
