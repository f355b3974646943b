// SPDX-License-Identifier: Apache-2.0
//
// Refuses with a sentence on a CPU that lacks what this program was built for, instead of an illegal
// instruction somewhere. Built for the oldest x86-64 (programs/CMakeLists.txt) and run before any other code of
// ours.
#include <unistd.h>

#include <cstring>

namespace {

void say(const char* text) {
    // Nothing to be done where stderr is closed.
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text, std::strlen(text));
}

bool level_is(const char* level) {
    return std::strcmp(SLUICE_ARCH, level) == 0;
}

/// Whether the CPU has what the psABI's levels name; other -march= values are the builder's own affair.
bool cpu_suffices() {
    __builtin_cpu_init();
    const bool level4 = level_is("x86-64-v4");
    const bool level3 = level4 || level_is("x86-64-v3");
    const bool level2 = level3 || level_is("x86-64-v2");
    if (level2 && !(__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))) return false;
    if (level3 && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))) {
        return false;
    }
    return !level4 || (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
}

__attribute__((constructor(101))) void refuse_a_lesser_cpu() {
    if (cpu_suffices()) return;
    say("this program was built for " SLUICE_ARCH
        " processors and this one is older: build it with cmake -DSLUICE_ARCH=x86-64-v2 (or x86-64)\n");
    _exit(1);
}

}  // namespace
