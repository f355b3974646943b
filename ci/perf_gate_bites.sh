#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows that ci/perf-gate bites: in a copy of the tree it passes as it is, and ends with 3 once a few instructions a packet
# are put into the shard. Takes minutes: two builds and four counts.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/checks.sh
source ci/checks.sh

folder=$(mktemp -d)
copy=$folder/copy
trap 'git worktree remove --force "$copy" 2>/dev/null || true; rm -rf "$folder"' EXIT
git worktree add --quiet --detach "$copy" HEAD
# What is not committed yet is part of the tree too.
ours | xargs -d '\n' cp --parents -t "$copy"

expect() { # expect STATUS ARGUMENT...
    local wanted=$1 status=0
    shift
    "$copy/ci/perf-gate" "$@" || status=$?
    if [ "$status" -ne "$wanted" ]; then
        echo "ci/perf-gate $* ended with $status, not with $wanted" >&2
        exit 1
    fi
}

expect 2
expect 2 no-such-revision
expect 0 HEAD --only instructions
expect 0 --update-budget --only instructions

shard=$copy/runtime/shard/shard.cpp
sed -i '/^void Shard::process(.*{$/a\    for (volatile std::size_t wasted = 0; wasted < burst.size() * 16;) wasted = wasted + 1;' "$shard"
grep -q wasted "$shard" || { echo "Shard::process is not where the slowdown goes" >&2; exit 1; }
expect 3 --budget --only instructions
expect 3 HEAD --only instructions
echo "the gate bites"
