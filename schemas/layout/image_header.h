// SPDX-License-Identifier: Apache-2.0
//
// The first 64 bytes of an image file. The FlatBuffer (image.fbs) follows at once, so that its 64-byte
// alignments hold in the file as well. Little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

constexpr std::array<std::uint8_t, 8> image_magic = {'S', 'L', 'U', 'I', 'C', 'E', 'I', 'M'};
constexpr std::uint32_t image_format_version = 1;
constexpr std::uint32_t image_schema_version = 10;
constexpr std::size_t image_alignment = 64;
constexpr std::uint64_t longest_image_bytes = (1ULL << 31) - 1;

struct ImageHeader {
    std::array<std::uint8_t, 8> magic;
    std::uint32_t format_version;
    std::uint32_t header_bytes;            // sizeof(ImageHeader)
    std::uint64_t payload_bytes;           // what follows the header, to the end of the file
    std::array<std::uint8_t, 32> digest;   // BLAKE2b-256 of the whole file with this field zero
    std::uint32_t cpu_targets;             // that it has parts for (cpu_target.h); 0: any CPU
    std::array<std::uint8_t, 4> reserved;  // zero
};
static_assert(sizeof(ImageHeader) == 64);

}  // namespace sluice
