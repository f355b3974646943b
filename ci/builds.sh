# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Building a preset, and running its fuzzers.

build() { # build PRESET [target...]
    local preset=$1 options=()
    shift
    [ "$preset" != release ] || options=(-DSLUICE_TESTS=ON -DSLUICE_BENCH=ON)
    quietly cmake --preset "$preset" "${options[@]}" || return 1
    cmake --build --preset "$preset" -j "${jobs:-2}" ${1:+--target "$@"} 2>&1 |
        { grep -vE '^\[[0-9]+/[0-9]+\] |^ninja: no work' || true; }
}

quietly() { # output only of what fails
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { cat "$log"; rm -f "$log"; return 1; }
    rm -f "$log"
}

built_fuzzers() { find build-fuzz/bin -name '*_fuzz' -type f -perm -u+x 2>/dev/null | sort; }

fuzz_one() {
    local seconds=$1 program=$2 name corpus
    name=$(basename "$program")
    corpus=build-fuzz/corpus/$name
    mkdir -p "$corpus"
    if "$program" "$corpus" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 \
        -artifact_prefix="build-fuzz/$name-" -print_final_stats=1 >"build-fuzz/$name.log" 2>&1; then
        echo "$name: $(awk '/number_of_executed_units/ { print $2 }' "build-fuzz/$name.log") inputs"
    else
        echo "$name found something:"
        tail -n 60 "build-fuzz/$name.log"
        return 1
    fi
}
export -f fuzz_one

# run_fuzzers SECONDS PROGRAM...: two at a time. The corpus stays in the build tree and grows from run to run.
run_fuzzers() {
    local seconds=$1
    shift
    printf '%s\n' "$@" | xargs -P 2 -n 1 bash -c 'fuzz_one "$@"' fuzz_one "$seconds"
}
