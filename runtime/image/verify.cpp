// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/verify.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/image/verify_header.h"
#include "schemas/layout/image_header.h"
#include "schemas/layout/image_seal.h"

namespace sluice {
namespace {

using Refusal = std::optional<std::string>;

// Tables stand at most three deep; sections are verified one by one, not through their parent, because sections
// that share bytes would make that work grow faster than the file.
flatbuffers::Verifier layout_verifier(std::span<const std::uint8_t> bytes) {
    flatbuffers::Verifier::Options options;
    options.max_depth = 8;
    options.check_nested_flatbuffers = false;
    return flatbuffers::Verifier(bytes.data(), bytes.size(), options);
}

Refusal verify_section(const image::TenantSection* row, std::size_t index,
                       std::span<const std::uint8_t> payload, SectionDigests digests) {
    if (row->section() == nullptr || row->digest() == nullptr) {
        return fmt::format("tenant {} has no section or no digest", index);
    }
    const std::span<const std::uint8_t> section(row->section()->data(), row->section()->size());
    const std::span<const std::uint8_t> digest(row->digest()->data(), row->digest()->size());
    const std::size_t offset = static_cast<std::size_t>(section.data() - payload.data());
    if (offset % image_alignment != 0) {
        return fmt::format("the section of tenant {} begins at byte {}, not at a multiple of {}", index, offset,
                           image_alignment);
    }
    if (digests == SectionDigests::check) {
        const Digest found = digest_of(section);
        if (digest.size() != found.size() || std::memcmp(digest.data(), found.data(), found.size()) != 0) {
            return fmt::format("the section of tenant {} does not have the digest that the image gives for it",
                               index);
        }
    }
    auto verifier = layout_verifier(section);
    if (!verifier.VerifyBuffer<image::Tenant>(nullptr)) {
        return fmt::format("the section of tenant {} is not a well-formed FlatBuffer", index);
    }
    return std::nullopt;
}

Refusal verify_sections(const image::Image& root, std::span<const std::uint8_t> payload,
                        SectionDigests digests) {
    if (root.tenants() == nullptr) return "the image has no list of tenants";
    std::uint64_t bytes = 0;
    std::size_t index = 0;
    for (const image::TenantSection* row : *root.tenants()) {
        if (row->section() != nullptr) bytes += row->section()->size();
        if (bytes > payload.size()) return "the sections of the tenants overlap";
        if (auto refusal = verify_section(row, index++, payload, digests)) return refusal;
    }
    return std::nullopt;
}

}  // namespace

std::optional<ImageError> verify_payload(std::span<const std::uint8_t> payload, SectionDigests digests) {
    auto verifier = layout_verifier(payload);
    if (payload.size() > longest_image_bytes ||
        !verifier.VerifyBuffer<image::Image>(image::ImageIdentifier())) {
        return ImageError{ImageError::Kind::integrity,
                          "the payload is not a well-formed FlatBuffer of an image"};
    }
    const image::Image& root = *image::GetImage(payload.data());
    if (root.schema_version() != image_schema_version) {
        return ImageError{ImageError::Kind::version,
                          fmt::format("the image has schema version {}; this program reads version {}",
                                      root.schema_version(), image_schema_version)};
    }
    if (auto refusal = verify_sections(root, payload, digests)) {
        return ImageError{ImageError::Kind::integrity, *refusal};
    }
    return std::nullopt;
}

std::optional<ImageError> verify_file(std::span<const std::uint8_t> file) {
    if (auto error = verify_header(file)) return error;
    return verify_payload(file.subspan(sizeof(ImageHeader)));
}

}  // namespace sluice
