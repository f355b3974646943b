# SPDX-License-Identifier: Apache-2.0
"""Revisions and their builds, for the performance gate."""
import contextlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGETS = ("sluicec", "instruction_bench", "gateway_bench")


class BuildFailed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def commit_of(revision):
    result = subprocess.run(["git", "-C", ROOT, "rev-parse", "--verify", "--quiet", revision + "^{commit}"],
                            capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else None


@contextlib.contextmanager
def worktree(commit, path):
    subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", path, commit], check=True)
    try:
        yield path
    finally:
        subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", path], check=True)


def run_quietly(command, environment):
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        say(result.stdout)
        raise BuildFailed(f"{' '.join(command)} failed")


def build_tree(source, binary):
    """A release build of the benchmark targets that this revision has; the folder of its programs' build."""
    say(f"building {os.path.relpath(source)} in {binary} ...")
    environment = dict(os.environ, CCACHE_BASEDIR=source, CCACHE_NOHASHDIR="1")
    # The options of what is built already stay: ci/test has tests in build/.
    fresh = [] if os.path.exists(os.path.join(binary, "CMakeCache.txt")) else ["-DSLUICE_TESTS=OFF"]
    run_quietly(["cmake", "-S", source, "-B", binary, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DSLUICE_BENCH=ON",
                 *fresh], environment)
    known = subprocess.run(["ninja", "-C", binary, "-t", "targets", "all"], capture_output=True, text=True).stdout
    wanted = [target for target in TARGETS if f"\n{target}: phony" in known]
    for target in set(TARGETS) - set(wanted):
        say(f"{os.path.relpath(source)} has no {target}")
    run_quietly(["cmake", "--build", binary, "-j", str(min(2, os.cpu_count() or 1)), "--target", *wanted], environment)
    return binary
