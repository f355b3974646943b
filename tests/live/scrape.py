#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus would read: `scrape.py URL`, or `scrape.py -` for text on stdin. Parses with Prometheus' own Python client and prints
JSON: {family: {"type", "help", "samples": [{"labels": {...}, "value": N}]}}; exit 1 where a sample stands twice."""
import json
import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def read(source):
    if source == "-":
        return sys.stdin.read()
    with urllib.request.urlopen(source, timeout=30) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4"), response.headers
        return response.read().decode()


families, seen, twice = {}, set(), False
for family in text_string_to_metric_families(read(sys.argv[1])):
    # The client takes the _total off a counter's family; scripts ask for what stands in the text.
    name = family.name + ("_total" if family.type == "counter" else "")
    samples = families.setdefault(name, {"type": family.type, "help": family.documentation, "samples": []})["samples"]
    for sample in family.samples:
        samples.append({"labels": sample.labels, "value": sample.value})
        key = (sample.name, tuple(sorted(sample.labels.items())))
        if key in seen:
            print("twice:", key, file=sys.stderr)
            twice = True
        seen.add(key)
json.dump(families, sys.stdout)
sys.exit(1 if twice else 0)
