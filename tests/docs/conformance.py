#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which requirement is shown by which test: docs/conformance.md from tests/docs/conformance.yaml and ctest's own list.

  conformance.py BUILD SOURCE                             the page is what the rows and the tests of BUILD make of it
  conformance.py BUILD SOURCE --update                    writes the page
  conformance.py BUILD SOURCE --results JUNIT --page FILE writes FILE with what a run of ctest (--output-junit) gave;
                                                          fails where a test of a row did not pass

A row has an id, a text and `tests`: regular expressions over `Suite.test`, each of which must find one. `missing` says in
a few words what no test shows yet: without tests the row is "not done", beside them "partly". Rows of a section with
`by-id: true` have the tests that carry their id (MT-A08: MT_A08); `also` adds others.
"""
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as tree

import yaml

PASS, PARTLY, SKIPPED, FAIL, NOT_DONE = "pass", "partly", "skipped", "FAIL", "not done"
ROW_KEYS = {"id", "text", "tests", "also", "missing"}
LONGEST_TEXT = 200


class Mistake(Exception):
    pass


def short_name(case):
    """Suite.test of Instance/Suite.test/parameter."""
    found = re.fullmatch(r"(?:[^/.]+/)?([^/.]+\.[^/]+)(?:/.+)?", case)
    return found.group(1) if found else case


def cases_of(build):
    """Every case that ctest knows, and the programs that are not built, whose cases nobody knows."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    names = [test["name"] for test in json.loads(listing)["tests"]]
    return [name for name in names if not name.endswith("_NOT_BUILT")], \
        [name.removesuffix("_NOT_BUILT") for name in names if name.endswith("_NOT_BUILT")]


def pattern_of_id(identity):
    return re.escape(identity.replace("-", "_")) + r"(?!\d)"


def find_tests(row, by_id, names, mistakes):
    """The short names of a row's tests, in ctest's order."""
    patterns = [*row.get("tests", []), *row.get("also", [])]
    if by_id:
        if "tests" in row:
            mistakes.append(f"{row['id']}: its tests are those that carry its id; others go into `also`")
        own = pattern_of_id(row["id"])
        if any(re.search(own, name) for name in names):
            patterns.insert(0, own)
        elif row.get("also"):
            mistakes.append(f"{row['id']}: no test carries {row['id'].replace('-', '_')}")
    elif "also" in row:
        mistakes.append(f"{row['id']}: `also` is for sections with `by-id`")
    found = []
    for pattern in patterns:
        matching = [name for name in names if re.search(pattern, name)]
        if not matching:
            mistakes.append(f"{row['id']}: no test matches {pattern}")
        found += [name for name in matching if name not in found]
    return found


def check_row(row, seen, mistakes):
    for key in sorted(row.keys() - ROW_KEYS):
        mistakes.append(f"{row.get('id')}: what is {key}?")
    for key in ("id", "text"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            mistakes.append(f"{row.get('id')}: no {key}")
    if row.get("id") in seen:
        mistakes.append(f"{row['id']}: twice")
    seen.add(row.get("id"))
    if len(row.get("text") or "") > LONGEST_TEXT:
        mistakes.append(f"{row['id']}: more than {LONGEST_TEXT} characters")


def resolve(sections, cases):
    """Each section's rows with the tests that show them; raises Mistake with all that is wrong."""
    names = list(dict.fromkeys(short_name(case) for case in cases))
    mistakes, seen = [], set()
    for section in sections:
        by_id = section.get("by-id", False)
        for row in section["rows"]:
            check_row(row, seen, mistakes)
            if mistakes and "id" not in row:
                continue
            row["found"] = find_tests(row, by_id, names, mistakes)
            if not row["found"] and "missing" not in row:
                mistakes.append(f"{row['id']}: neither a test nor what is missing")
            row["state"] = NOT_DONE if not row["found"] else PARTLY if "missing" in row else PASS
        if by_id:
            known = [pattern_of_id(row["id"]) for row in section["rows"]]
            kin = re.compile(re.escape(section["rows"][0]["id"].split("-")[0]) + r"_A\d\d")
            mistakes += [f"{name}: an id that no row has" for name in names
                         if kin.search(name) and not any(re.search(one, name) for one in known)]
    if mistakes:
        raise Mistake("\n".join(mistakes))
    return sections


def results_of(junit):
    """What became of each case: run, fail, notrun or disabled."""
    return {case.get("name"): "fail" if case.find("failure") is not None else case.get("status")
            for case in tree.parse(junit).getroot().iter("testcase")}


def judge(sections, cases, results):
    """Gives each row what a run of its tests gave; returns what is wrong with them."""
    wrong = []
    for section in sections:
        for row in section["rows"]:
            shown = [case for case in cases if short_name(case) in row["found"]]
            if not shown:
                continue
            outcomes = {case: results.get(case, "absent") for case in shown}
            bad = [case for case, outcome in outcomes.items() if outcome in ("fail", "absent")]
            if bad:
                row["state"] = FAIL
                wrong += [f"{row['id']}: {case} {'failed' if outcomes[case] == 'fail' else 'was not run'}" for case in bad]
            elif any(outcome != "run" for outcome in outcomes.values()):
                row["state"] = SKIPPED
    return wrong


def count(rows):
    states = [row["state"] for row in rows]
    return [states.count(state) for state in (PASS, PARTLY, SKIPPED, FAIL, NOT_DONE)]


def table_of(section):
    lines = [f"## {section['section']}", ""]
    if "about" in section:
        lines += [section["about"].strip(), ""]
    lines += ["| id | requirement | shown by | state |", "| --- | --- | --- | --- |"]
    for row in section["rows"]:
        tests = "<br>".join(f"`{name}`" for name in row["found"])
        missing = f": {row['missing']}" if "missing" in row else ""
        lines.append(f"| {row['id']} | {row['text']} | {tests} | {row['state']}{missing} |")
    return lines + [""]


def page_of(head, sections, ran):
    lines = ["# Conformance", "", head.strip(), ""]
    if not ran:
        lines += ["`pass` here says that tests exist for the whole of a requirement and stand in the tree, which does not land "
                  "unless they pass; `ci/test` writes this page with the results of its own run to "
                  "`build/Testing/conformance.md` and fails where they say otherwise.", ""]
    lines += ["| | rows | pass | partly | skipped | fail | not done |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for section in sections:
        rows = section["rows"]
        lines.append(f"| {section['section']} | {len(rows)} | " + " | ".join(map(str, count(rows))) + " |")
    everything = [row for section in sections for row in section["rows"]]
    lines += [f"| **all** | {len(everything)} | " + " | ".join(map(str, count(everything))) + " |", ""]
    for section in sections:
        lines += table_of(section)
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments):
    build, source, *options = arguments
    with open(os.path.join(source, "tests/docs/conformance.yaml"), encoding="utf-8") as file:
        data = yaml.safe_load(file)
    cases, not_built = cases_of(build)
    if not_built:
        print(f"skipped: not built: {', '.join(not_built)}")
        return 77
    try:
        sections = resolve(data["sections"], cases)
    except Mistake as mistakes:
        print(mistakes)
        return 1
    wrong = []
    page = os.path.join(source, "docs/conformance.md")
    if "--results" in options:
        wrong = judge(sections, cases, results_of(options[options.index("--results") + 1]))
        page = options[options.index("--page") + 1]
    text = page_of(data["head"], sections, "--results" in options)
    if options:
        with open(page, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        with open(page, encoding="utf-8") as file:
            if file.read() != text:
                wrong.append("docs/conformance.md is not what its rows and tests make of it: conformance.py --update")
    rows = [row for section in sections for row in section["rows"]]
    print("\n".join(wrong + [f"{len(rows)} rows: " + ", ".join(
        f"{number} {state}" for number, state in zip(count(rows), (PASS, PARTLY, SKIPPED, FAIL, NOT_DONE)))]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
