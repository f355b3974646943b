// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/cpu_target.h"

#include <cstring>

#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

constexpr unsigned known_levels = 4;

std::string name_of_level(unsigned level) {
    return level == 1 ? "x86-64" : "x86-64-v" + std::to_string(level);
}

}  // namespace

std::optional<CpuTargets> parse_cpu_target(std::string_view name) {
    for (unsigned level = 1; level <= known_levels; ++level) {
        if (name == name_of_level(level)) return CpuTargets{1} << (level - 1);
    }
    return std::nullopt;
}

std::string text_of(CpuTargets targets) {
    std::string text;
    for (unsigned bit = 0; bit < 32; ++bit) {
        if ((targets >> bit & 1) != 0) text += (text.empty() ? "" : " and ") + name_of_level(bit + 1);
    }
    return text.empty() ? "any CPU" : text;
}

CpuTargets own_cpu_targets() {
    __builtin_cpu_init();
    CpuTargets targets = 1;
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) return targets;
    targets |= 2;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2")) {
        return targets;
    }
    targets |= 4;
    const bool level4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return level4 ? targets | 8 : targets;
}

CpuTargets cpu_targets_of(std::span<const std::uint8_t> image_file) {
    ImageHeader header;
    std::memcpy(&header, image_file.data(), sizeof header);
    return header.cpu_targets;
}

std::optional<std::string> refuse_cpu(std::span<const std::uint8_t> image_file) {
    if (image_file.size() < sizeof(ImageHeader)) return std::nullopt;
    const CpuTargets targets = cpu_targets_of(image_file);
    if (targets == 0 || (targets & own_cpu_targets()) != 0) return std::nullopt;
    return "the image is for " + text_of(targets) + "; this CPU is " + text_of(own_cpu_targets());
}

}  // namespace sluice
