// SPDX-License-Identifier: Apache-2.0
//
// The digests of an image: what the compiler writes and the loader compares. Any thread; each reads all the
// bytes it is given once (about 1 GB/s).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "schemas/layout/image_header.h"

namespace sluice {

using Digest = std::array<std::uint8_t, 32>;

/// BLAKE2b-256.
Digest digest_of(std::span<const std::uint8_t> bytes);

/// BLAKE2b-256 of a whole image file, with the digest field of its header read as zero. `file` holds at least a
/// header.
Digest image_digest(std::span<const std::uint8_t> file);

/// Writes a complete header into the first sizeof(ImageHeader) bytes of `file`; the rest is the payload.
/// `cpu_targets`: cpu_target.h.
void seal_image(std::span<std::uint8_t> file, std::uint32_t cpu_targets = 0);

}  // namespace sluice
