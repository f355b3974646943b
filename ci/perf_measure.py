# SPDX-License-Identifier: Apache-2.0
"""What the performance gate measures on one build: a dictionary from names to figures each."""
import glob
import json
import os
import re
import resource
import subprocess
import tempfile

import yaml

import perf_policies


class NotMeasured(Exception):
    pass


def program(build, name):
    path = os.path.join(build, "bin", name)
    return path if os.access(path, os.X_OK) else None


def run(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as problem:
        raise NotMeasured(f"{command[0]} is missing: ci/setup installs it") from problem
    if result.returncode != 0:
        raise NotMeasured(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def instructions(build, row=""):
    """A packet: the difference between a run over 2N packets and one over N, divided by N. Of each row, or of one."""
    bench = program(build, "instruction_bench")
    if bench is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        run(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/dump", bench,
             *([row] if row else [])])
        counts = {}
        for path in glob.glob(f"{folder}/dump.*"):
            with open(path, encoding="ascii") as file:
                text = file.read()
            name, packets = re.search(r"^desc: Trigger: Client Request: (.*)/(\d+)$", text, re.MULTILINE).groups()
            total = re.search(r"^totals: (\d+)$", text, re.MULTILINE).group(1)
            part = re.search(r"^part: (\d+)$", text, re.MULTILINE).group(1)
            counts.setdefault(name, []).append((int(part), int(packets), int(total)))
    rows = {}
    for name, ((_, few, few_total), (_, many, many_total)) in sorted(
            (name, sorted(dumps)) for name, dumps in counts.items()):
        rows[name] = round((many_total - few_total) / (many - few), 1)
    return rows


def cycles(build):
    bench = program(build, "gateway_bench")
    # Older revisions' benchmark measures something else.
    if bench is None or "--rounds" not in run([bench, "--help"]):
        return {}
    rows = json.loads(run([bench, "--json", "--quick", "--windows", "60", "--rounds", "1"]))
    return {f"{row['name']}, {row['flows']} flows, {row['rules']} rules": row["cycles"] for row in rows
            if row["name"] != "floor"}


def compile_policies(build, visit):
    compiler = program(build, "sluicec")
    if compiler is None:
        return
    for name, texts in perf_policies.policies().items():
        with tempfile.TemporaryDirectory() as folder:
            for path, text in texts.items():
                with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                    file.write(text)
            image = os.path.join(folder, "edge.img")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            run([compiler, "build", folder, "-o", image])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            visit(name, image, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def image_bytes(build):
    sizes = {}
    compile_policies(build, lambda name, image, _: sizes.update({name: os.path.getsize(image)}))
    return sizes


def compile_seconds(build):
    times = {}
    compile_policies(build, lambda name, _, seconds: times.update({name: seconds}))
    return times


class Budget:
    """ci/perf-budget.yaml. Storing rewrites the measured sections and leaves thresholds and comments alone."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.content = yaml.safe_load(self.text)

    def thresholds(self):
        return self.content["thresholds"]

    def section(self, name):
        return self.content.get(name) or {}

    def store(self, measured):
        for section, figures in measured.items():
            rows = "".join(f"  {name}: {figure}\n" for name, figure in figures.items())
            self.text = re.sub(rf"^{section}:[^\n]*\n(?:  [^\n]*\n)*", lambda found: found.group(0).split("\n")[0] + "\n" + rows,
                               self.text, flags=re.MULTILINE)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self.text)
