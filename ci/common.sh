# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in ci/ share: where the tree is, how ccache is used, how steps are run and counted.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# A cache filled by one checkout serves the next: paths relative to the tree, precompiled headers allowed.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_ctime,include_file_mtime
export SLUICE_DATA=${SLUICE_DATA:-$(realpath -m "$root/../shared/data")}

# More than two compilers at once need more memory than small machines have (1.1 GB a file).
jobs=$(nproc)
if [ "$jobs" -gt 2 ] && [ "$(awk '/MemTotal/ { print int($2 / 1048576) }' /proc/meminfo)" -lt $((jobs * 2)) ]; then
    jobs=2
fi

passed=0 failed=0 skipped=0
closing_log= # the first ctest's; its closing lines end the summary too
declare -a failures=() skips=()
declare -A failed_results=() # files with failed cases

heading() { printf '\n== %s (%s)\n' "$*" "$(date -u +%H:%M:%S)"; }

# step NAME COMMAND...: one line for what went well, everything for what did not.
step() {
    local name=$1 start=$SECONDS
    shift
    heading "$name"
    if "$@"; then
        passed=$((passed + 1))
        printf 'passed: %s, %d s\n' "$name" $((SECONDS - start))
    else
        failed=$((failed + 1))
        failures+=("$name")
        printf 'FAILED: %s, %d s\n' "$name" $((SECONDS - start))
    fi
}

# skip NAME REASON
skip() {
    skipped=$((skipped + 1))
    skips+=("$1: $2")
    printf 'skipped: %s: %s\n' "$1" "$2"
}

# run_ctest TREE NAME [ctest arguments]: adds every case to the counts.
run_ctest() {
    local tree=$1 name=$2 results counts kind text
    shift 2
    results=$root/$tree/Testing/$name.xml
    mkdir -p "${results%/*}"
    rm -f "$results"
    closing_log=${closing_log:-$tree/Testing/$name.log}
    heading "ctest in $tree"
    ctest --test-dir "$tree" --output-on-failure --no-tests=error --timeout 600 --output-junit "$results" "$@" |
        tee "$tree/Testing/$name.log" || true
    if ! [ -s "$results" ]; then
        failed=$((failed + 1))
        failures+=("ctest in $tree gave no results")
        return
    fi
    # JUnit: status="run|fail|notrun|disabled"; the reason of a skipped test stands in its output.
    counts=$(python3 ci/ctest_results.py "$results")
    while IFS=$'\t' read -r kind text; do
        case $kind in
            passed) passed=$((passed + text)) ;;
            failed) failed=$((failed + 1)); failures+=("$tree: $text"); failed_results["$results"]=1 ;;
            skipped) skipped=$((skipped + 1)); skips+=("$tree: $text") ;;
        esac
    done <<<"$counts"
}

# summary: what was skipped and why, what failed, ctest's closing lines, the totals. Ends the script.
summary() {
    if [ ${#skips[@]} -gt 0 ]; then
        printf '\nSkipped:\n'
        printf '  %s\n' "${skips[@]}"
    fi
    if [ ${#failures[@]} -gt 0 ]; then
        printf '\nFailed:\n'
        printf '  %s\n' "${failures[@]}"
        # Once more what they said: of a long log the end is what people see.
        for results in "${!failed_results[@]}"; do
            python3 ci/ctest_results.py --failures "$results"
        done
    fi
    printf '\n'
    if [ -f "$closing_log" ]; then
        grep -E 'tests passed|Total Test time' "$closing_log" || true
    fi
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
    exit
}
