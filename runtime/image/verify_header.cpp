// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/verify_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_header.h"
#include "schemas/layout/image_seal.h"

namespace sluice {
namespace {

ImageError integrity(std::string text) {
    return {ImageError::Kind::integrity, std::move(text)};
}

}  // namespace

std::optional<ImageError> verify_length(std::span<const std::uint8_t> file) {
    ImageHeader header;
    if (file.size() < sizeof header) {
        return integrity(fmt::format("the file has {} bytes; an image begins with a header of {}", file.size(),
                                     sizeof header));
    }
    std::memcpy(&header, file.data(), sizeof header);
    const bool known = header.magic == image_magic && header.format_version == image_format_version;
    if (known && header.payload_bytes != file.size() - sizeof header) {
        return integrity(fmt::format("the header announces {} bytes behind it, the file has {}",
                                     header.payload_bytes, file.size() - sizeof header));
    }
    return std::nullopt;
}

std::optional<ImageError> verify_header(std::span<const std::uint8_t> file) {
    if (auto error = verify_length(file)) return error;
    ImageHeader header;
    std::memcpy(&header, file.data(), sizeof header);
    if (header.magic != image_magic) {
        return integrity(fmt::format("not an image: it begins with {} instead of {}", hexadecimal(header.magic),
                                     hexadecimal(image_magic)));
    }
    if (header.format_version != image_format_version) {
        return ImageError{ImageError::Kind::version,
                          fmt::format("the image has format version {}; this program reads version {}",
                                      header.format_version, image_format_version)};
    }
    if (header.header_bytes != sizeof header) {
        return integrity(
            fmt::format("the header says it has {} bytes, not {}", header.header_bytes, sizeof header));
    }
    if (file.size() > longest_image_bytes) {
        return integrity(
            fmt::format("the file has {} bytes, an image at most {}", file.size(), longest_image_bytes));
    }
    if (std::any_of(header.reserved.begin(), header.reserved.end(), [](std::uint8_t b) { return b != 0; })) {
        return integrity(
            fmt::format("the reserved bytes of the header are {}, not zero", hexadecimal(header.reserved)));
    }
    const Digest digest = image_digest(file);
    if (digest != header.digest) {
        return integrity(fmt::format("the digest in the header is {}, that of the file {}",
                                     hexadecimal(header.digest), hexadecimal(digest)));
    }
    return std::nullopt;
}

}  // namespace sluice
