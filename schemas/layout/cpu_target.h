// SPDX-License-Identifier: Apache-2.0
//
// The CPUs an image is made for, where parts of it run on some alone (serialized Hyperscan databases): the
// levels of the x86-64 psABI, a bit each. Any thread; the texts allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// Bit n: x86-64-v(n + 1). 0: any CPU.
using CpuTargets = std::uint32_t;

/// "x86-64-v3"; "x86-64" is the first level.
std::optional<CpuTargets> parse_cpu_target(std::string_view name);
/// "x86-64-v2 and x86-64-v3"; "any CPU" where there is none. Levels that this program does not know have
/// numbers too.
std::string text_of(CpuTargets targets);
/// What this machine runs: each level includes those below it.
CpuTargets own_cpu_targets();

/// Of a file that holds at least a header.
CpuTargets cpu_targets_of(std::span<const std::uint8_t> image_file);
/// Why this machine cannot run an image, as a sentence; nothing where it can, or where the bytes are no image.
std::optional<std::string> refuse_cpu(std::span<const std::uint8_t> image_file);

}  // namespace sluice
