# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Checks of the tree that need no test program; ci/test and ci/full run them as steps.

ours() { git ls-files -co --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }

check_format() { ours '*.cpp' '*.h' '*.c' | xargs -r clang-format --dry-run --Werror; }

# The runtime runs what the compiler made; if it could include the compiler, a gateway would carry one.
check_layers() {
    # The store knows images and files; nothing of packets but the time.
    ! grep -nE '^#include "runtime/' -r runtime/store | grep -vE '"runtime/(store|image)/|"runtime/packet/frame.h"' || return 1
    ! grep -nE '^#include "runtime/store/' -r runtime/{image,packet,state,cache,stages,shard,io} || return 1
    ! grep -nE '^#include "(compiler|tests|bench)/' -r runtime schemas --include='*.h' --include='*.cpp' &&
        ! grep -nE '^#include "(runtime/(control|io|programs)|tests|bench)/' -r compiler --include='*.h' --include='*.cpp' |
        grep -v '"runtime/io/capture_reader.h"' # no device
}

# One licence line a file, the first after a `#!`.
check_licence() {
    local bad=0 file
    while read -r file; do
        if [ "$(head -n 2 "$file" | grep -c 'SPDX-License-Identifier: Apache-2.0$')" -ne 1 ]; then
            echo "$file: no SPDX line among the first two"
            bad=1
        fi
    done < <(ours '*.cpp' '*.h' '*.c' '*.fbs' '*.cmake' '*CMakeLists.txt' '*.yaml' '*.sh' '*.py' 'ci/*' | grep -v '^tests/diagnostics/\|README.md$')
    return $bad
}

check_shell() { ours '*.sh' 'ci/*' '.ci/run' | grep -vE '\.(py|txt|md|yaml)$' | xargs -r shellcheck -x -S warning; }

# What changed since the branch left the main line; on the main line: the last commit, and what is not committed.
changed_files() {
    local base
    base=$(git merge-base HEAD origin/main 2>/dev/null || true)
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
        base=$(git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null)
    fi
    { git diff --name-only --diff-filter=d "$base"; git ls-files -o --exclude-standard; } | sort -u
}

# clang-tidy reads gcc's compile commands, but not gcc's precompiled headers: it gets their text instead.
tidy_database() {
    local header
    mkdir -p build/tidy
    find build -name cmake_pch.hxx | while read -r header; do cp "$header" "${header%.hxx}_text.hxx"; done
    sed 's/cmake_pch\.hxx/cmake_pch_text.hxx/g' build/compile_commands.json >build/tidy/compile_commands.json
}

# check_tidy FILE...: sources that the build in build/ knows.
check_tidy() {
    tidy_database
    printf '%s\n' "$@" | xargs -r -P "${jobs:-2}" -n 1 clang-tidy -p build/tidy --quiet \
        --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument 2>&1 |
        { grep -vE '^[0-9]+ warnings?.* generated|^Suppressed |^Use -header-filter|^$' || true; } | tee build/tidy/log
    ! grep -qE 'error:|warning:' build/tidy/log
}
tidy_sources() { grep -E '\.cpp$' | while read -r file; do grep -qF "/$file\"" build/compile_commands.json && echo "$file"; done; }
