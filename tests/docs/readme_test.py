#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every command of README.md and compares what it prints: readme_test.py BIN SOURCE [--update]

A ```console block holds commands (`$ …`) and their output, run in order in one empty folder that sees the tree's
`rules` and `ci`. A ```sh block holds commands that are run as they are, in the tree, but for ci/test, which runs this.
--update writes the real output into the README.
"""
import os
import re
import subprocess
import sys
import tempfile


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command, folder, programs):
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", LC_ALL="C.UTF-8")
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600)
    return done.returncode, done.stdout


def commands_of(block):
    """[command, expected output] pairs."""
    pairs = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            pairs.append([line[2:].rstrip("\n"), ""])
        else:
            pairs[-1][1] += line
    return pairs


def main(programs, source, update):
    readme = os.path.join(source, "README.md")
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    failures = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("rules", "ci"):
            os.symlink(os.path.join(source, name), os.path.join(folder, name))
        for block in blocks(text, "console"):
            shown = ""
            for command, expected in commands_of(block):
                status, output = run(command, folder, programs)
                count += 1
                shown += f"$ {command}\n{output}"
                if status != 0 or (output != expected and not update):
                    failures += 1
                    print(f"FAILED: {command}\nstatus {status}, printed:\n{output}\nthe README says:\n{expected}")
            text = text.replace(block, shown) if update else text
    for block in blocks(text, "sh"):
        for line in block.splitlines():
            command = line.split("#")[0].strip()
            if command in ("", "./ci/test"):
                continue
            status, output = run(command, source, programs)
            count += 1
            if status != 0:
                failures += 1
                print(f"FAILED: {command}\nstatus {status}, printed:\n{output}")
    if update:
        with open(readme, "w", encoding="utf-8") as file:
            file.write(text)
    print(f"{count} commands, {failures} failed")
    return 1 if failures or count < 5 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), "--update" in sys.argv))
