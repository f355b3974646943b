// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_header.h"
#include "runtime/image/verify_tenant.h"
#include "schemas/layout/closure.h"
#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

using verify::Refusal;

// Tenants share rules, but each has counters of its own for them: memory must not grow faster than an operator
// would expect.
constexpr std::uint64_t most_rules = 1U << 24;

// Tables stand three deep at most; sections are verified one by one, not through their parent, because sections
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
    constexpr std::size_t most_tenants = 0xffff;
    if (root.tenants()->size() > most_tenants) {
        return fmt::format("the image has {} tenants, expected at most {}", root.tenants()->size(),
                           most_tenants);
    }
    std::uint64_t bytes = 0;
    std::size_t index = 0;
    for (const image::TenantSection* row : *root.tenants()) {
        if (row->section() != nullptr) bytes += row->section()->size();
        if (bytes > payload.size()) return "the sections of the tenants overlap";
        if (auto refusal = verify_section(row, index++, payload, digests)) return refusal;
    }
    return std::nullopt;
}

Refusal verify_table(const image::SharedTable& row, std::span<const std::uint8_t> payload,
                     SectionDigests digests) {
    const std::span<const std::uint8_t> bytes(row.bytes()->data(), row.bytes()->size());
    const std::size_t offset = static_cast<std::size_t>(bytes.data() - payload.data());
    if (offset % image_alignment != 0)
        return fmt::format("begins at byte {}, not at a multiple of {}", offset, image_alignment);
    if (digests == SectionDigests::check) {
        const Digest found = digest_of(bytes);
        if (std::memcmp(row.digest(), found.data(), found.size()) != 0)
            return "does not have the digest that the image gives for it";
    }
    auto verifier = layout_verifier(bytes);
    if (!verifier.VerifyBuffer<image::TableRoot>(nullptr)) return "is not a well-formed FlatBuffer";
    return verify::check_layout(row, payload);
}

Refusal verify_tables(const image::Image& root, std::span<const std::uint8_t> payload, SectionDigests digests) {
    if (root.tables() == nullptr) return "the image has no list of tables";
    std::uint64_t bytes = 0;
    const image::SharedTable* before = nullptr;
    std::size_t index = 0;
    for (const image::SharedTable* row : *root.tables()) {
        bytes += row->bytes()->size();
        if (bytes > payload.size()) return "the tables overlap";
        if (before != nullptr &&
            std::memcmp(before->digest(), row->digest(), sizeof(image::TableDigest)) >= 0) {
            return fmt::format("table {} does not come in the order of the digests", index);
        }
        if (auto refusal = verify_table(*row, payload, digests))
            return fmt::format("table {} {}", index, *refusal);
        before = row;
        ++index;
    }
    return std::nullopt;
}

Refusal verify_root(const image::Image& root, std::span<const std::uint8_t> payload) {
    if (root.gateway() == nullptr) return "the image does not name its gateway";
    if (root.tenants() == nullptr || root.ports() == nullptr)
        return "the image has no list of tenants or of ports";
    const auto bindings = rows_of(root.bindings());
    const auto offset =
        bindings.empty() ? std::size_t{0} : static_cast<std::size_t>(root.bindings()->Data() - payload.data());
    if (offset % image_alignment != 0) {
        return fmt::format("bindings begins at byte {}, not at a multiple of {}", offset, image_alignment);
    }
    constexpr std::size_t most_ports = 0xffff;
    if (root.ports()->size() > most_ports) {
        return fmt::format("the image has {} ports, expected at most {}", root.ports()->size(), most_ports);
    }
    std::vector<std::string_view> names;
    std::uint64_t bytes = 0;
    for (const image::Port* port : *root.ports()) {
        if (port->name() == nullptr) return fmt::format("port {} has no name", names.size());
        names.push_back(port->name()->string_view());
        bytes += names.back().size();
    }
    if (bytes > payload.size()) return "the names of the ports have more bytes than the image";
    return verify::check_names(names, "port");
}

Refusal verify_tenant(const TenantView& tenant, std::size_t port_count, verify::TableChecks& tables) {
    if (auto refusal = verify::check_interfaces(tenant, port_count)) return refusal;
    if (auto refusal = verify::check_adjacencies(tenant)) return refusal;
    if (auto refusal = verify::check_routes(tenant, tables)) return refusal;
    if (auto refusal = verify::check_nat_rules(tenant)) return refusal;
    if (auto refusal = verify::check_externals(tenant)) return refusal;
    if (auto refusal = verify::check_nat_classes(tenant, tables)) return refusal;
    if (auto refusal = verify::check_address_classes(tenant, tables)) return refusal;
    if (auto refusal = verify::check_firewall(tenant, tables)) return refusal;
    return verify::check_assertions(tenant);
}

Refusal verify_tenants(const image::Image& root, std::span<const std::uint8_t> payload) {
    std::vector<TenantView> tenants;
    std::vector<std::string_view> names;
    verify::TableChecks tables;
    std::vector<bool> used(root.tables()->size());
    std::uint64_t rules = 0;
    for (const image::TenantSection* row : *root.tenants()) {
        const auto& table = *flatbuffers::GetRoot<image::Tenant>(row->section()->data());
        if (auto refusal = verify::check_layout(table, payload)) {
            return fmt::format("tenant {}: {}", tenants.size(), *refusal);
        }
        const TenantView& tenant = tenants.emplace_back(view_tenant(root, table, tenants.size()));
        names.push_back(tenant.name);
        Refusal refusal = verify::check_text_size(tenant, row->section()->size());
        if (!refusal) refusal = verify::check_references(root, table, used);
        if (!refusal) refusal = verify_tenant(tenant, root.ports()->size(), tables);
        rules += tenant.rules.size();
        if (!refusal && rules > most_rules)
            refusal = fmt::format("the tenants up to here have {} firewall rules, expected at most {}", rules,
                                  most_rules);
        if (refusal) {
            return fmt::format("tenant \"{}\": {}", tenant.name, *refusal);
        }
    }
    const auto unused = std::find(used.begin(), used.end(), false);
    if (unused != used.end()) return fmt::format("no tenant uses table {}", unused - used.begin());
    if (auto refusal = verify::check_names(names, "tenant")) return refusal;
    if (auto refusal = verify::check_peers(tenants)) return refusal;
    if (auto refusal = verify::check_tunnels(root, tenants)) return refusal;
    if (auto refusal = verify::check_external_addresses(tenants)) return refusal;
    return verify::check_bindings(rows_of(root.bindings()), tenants);
}

Refusal verify_closures(const image::Image& root) {
    const std::vector<Digest> closures = closure_digests(root);
    for (std::size_t i = 0; i < closures.size(); ++i) {
        const auto* row = root.tenants()->Get(static_cast<flatbuffers::uoffset_t>(i))->closure();
        if (row == nullptr || !std::equal(row->begin(), row->end(), closures[i].begin(), closures[i].end())) {
            return fmt::format("tenant {} does not have the closure digest that follows from the sections", i);
        }
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
    Refusal refusal = verify_root(root, payload);
    if (!refusal) refusal = verify_sections(root, payload, digests);
    if (!refusal) refusal = verify_tables(root, payload, digests);
    if (!refusal) refusal = verify_tenants(root, payload);
    if (!refusal && digests == SectionDigests::check) refusal = verify_closures(root);
    if (refusal) return ImageError{ImageError::Kind::integrity, *refusal};
    return std::nullopt;
}

std::optional<ImageError> verify_file(std::span<const std::uint8_t> file) {
    if (auto error = verify_header(file)) return error;
    return verify_payload(file.subspan(sizeof(ImageHeader)));
}

}  // namespace sluice
