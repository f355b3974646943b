// SPDX-License-Identifier: Apache-2.0
//
// Base64 as RFC 4648 section 4 has it, with padding: keys, signatures, and image bytes on the control socket.
// Any thread; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

std::string to_base64(std::span<const std::uint8_t> bytes);
/// Nothing where the text is not the one encoding of some bytes.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace sluice
