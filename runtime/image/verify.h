// SPDX-License-Identifier: Apache-2.0
//
// Decides whether bytes are an image that the packet path may read without a single check of its own: the
// header and digest, the layout (FlatBuffers), then the meaning, file by file of verify_*.cpp. Hostile bytes
// are refused with a sentence; they cost time linear in their length and no memory that grows with it faster.
// Any thread; reads only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/image/image.h"

namespace sluice {

/// A whole file. `file` starts at a multiple of 64 bytes in memory.
std::optional<ImageError> verify_file(std::span<const std::uint8_t> file);

/// What follows the header, without the digest of the file: for tests and fuzzers, which change bytes on
/// purpose. `payload` starts at a multiple of 64 bytes in memory.
enum class SectionDigests : std::uint8_t { check, ignore };
std::optional<ImageError> verify_payload(std::span<const std::uint8_t> payload,
                                         SectionDigests digests = SectionDigests::check);

}  // namespace sluice
