// SPDX-License-Identifier: Apache-2.0
//
// A file that one process leaves and the next one takes, once. Only its owner may read or write it: it holds
// the secrets that hashes and NAT ports are chosen by. Main thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/shard/saved_state.h"

namespace sluice {

/// Of this boot of the machine; nothing where the kernel does not say.
std::optional<BootId> read_boot_id();

struct NoStateFile {};
/// What lies there, which is gone then. The text says why it cannot be taken.
std::variant<std::vector<std::uint8_t>, NoStateFile, std::string> take_state_file(const std::string& path);

/// Whole or not at all. Why not, as a sentence.
std::optional<std::string> leave_state_file(const std::string& path, std::span<const std::uint8_t> bytes);

}  // namespace sluice
