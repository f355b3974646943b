// SPDX-License-Identifier: Apache-2.0
//
// The first step of verify_file. Any thread; reads every byte of the file once, for the digest.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/image/image.h"

namespace sluice {

/// Is it as long as its header says? For bytes that nobody has vouched for yet: reads the header alone, and
/// takes what is no image, or one of another version, as it is.
std::optional<ImageError> verify_length(std::span<const std::uint8_t> file);

/// Magic, versions, sizes and the digest of the whole file, in that order: the first that is wrong is named.
std::optional<ImageError> verify_header(std::span<const std::uint8_t> file);

}  // namespace sluice
