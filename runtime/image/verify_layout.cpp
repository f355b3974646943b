// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/verify_tenant.h"
#include "schemas/layout/image_header.h"

namespace sluice::verify {
namespace {

// Longer than any name or packet text that people write; keeps what inspect and the logs print in bounds.
constexpr std::size_t longest_text = 4096;

struct AlignmentCheck {
    std::span<const std::uint8_t> payload;
    Refusal refusal;

    template <typename Vector>
    void operator()(std::string_view name, const Vector* vector) {
        if (refusal || vector == nullptr || vector->size() == 0) return;
        const auto offset = static_cast<std::size_t>(vector->Data() - payload.data());
        if (offset % image_alignment == 0) return;
        refusal = fmt::format("{} begins at byte {}, not at a multiple of {}", name, offset, image_alignment);
    }
    void operator()(std::string_view name, const image::Lpm* table) {
        (*this)(fmt::format("{}.root", name), table->root());
        (*this)(fmt::format("{}.records", name), table->records());
    }
};

template <typename Field>
void require(Refusal& refusal, std::string_view name, const Field* field) {
    if (!refusal && field == nullptr) refusal = fmt::format("{} is missing", name);
}

}  // namespace

Refusal check_layout(const image::Tenant& tenant, std::span<const std::uint8_t> payload) {
    Refusal missing;
    require(missing, "name", tenant.name());
    require(missing, "file", tenant.file());
    require(missing, "interface_names", tenant.interface_names());
    require(missing, "set_names", tenant.set_names());
    require(missing, "rule_names", tenant.rule_names());
    require(missing, "assertions", tenant.assertions());
    require(missing, "adjacencies", tenant.adjacencies());
    require(missing, "routes4", tenant.routes4());
    require(missing, "routes6", tenant.routes6());
    require(missing, "nat4", tenant.nat4());
    require(missing, "nat6", tenant.nat6());
    require(missing, "nat_classes4", tenant.nat_classes4());
    require(missing, "nat_classes6", tenant.nat_classes6());
    require(missing, "sets4", tenant.sets4());
    require(missing, "sets6", tenant.sets6());
    require(missing, "classifier", tenant.classifier());
    if (missing) return missing;

    AlignmentCheck check{payload, {}};
    check("interfaces", tenant.interfaces());
    check("addresses", tenant.addresses());
    check("proxied", tenant.proxied());
    check("neighbours", tenant.neighbours());
    check("routes4", tenant.routes4());
    check("routes6", tenant.routes6());
    check("adjacencies", tenant.adjacencies());
    check("ecmp_members", tenant.ecmp_members());
    check("prefixes", tenant.prefixes());
    check("externals", tenant.externals());
    check("pool_addresses", tenant.pool_addresses());
    check("snat_rules", tenant.snat_rules());
    check("dnat_rules", tenant.dnat_rules());
    check("one_to_one_rules", tenant.one_to_one_rules());
    check("nat4", tenant.nat4());
    check("nat6", tenant.nat6());
    check("nat_classes4", tenant.nat_classes4());
    check("nat_classes6", tenant.nat_classes6());
    check("dnat_ports", tenant.dnat_ports());
    check("source_matches", tenant.source_matches());
    check("sets4", tenant.sets4());
    check("sets6", tenant.sets6());
    check("classifier.nodes", tenant.classifier()->nodes());
    check("classifier.rows", tenant.classifier()->rows());
    check("from_zones", tenant.from_zones());
    check("to_zones", tenant.to_zones());
    check("service_cells", tenant.service_cells());
    check("rules", tenant.rules());
    return check.refusal;
}

Refusal check_names(const std::vector<std::string_view>& names, std::string_view what) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty()) return fmt::format("{} {} has an empty name", what, i);
        if (names[i].size() > longest_text) {
            return fmt::format("{} {} has a name of {} bytes, expected at most {}", what, i, names[i].size(),
                               longest_text);
        }
    }
    std::vector<std::string_view> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) return fmt::format("the {} \"{}\" stands twice", what, *twice);
    return std::nullopt;
}

Refusal check_text_size(const TenantView& tenant, std::size_t section_bytes) {
    std::uint64_t bytes = 0;
    for (const std::string_view name : tenant.interface_names) bytes += name.size();
    for (const std::string_view name : tenant.rule_names) bytes += name.size();
    for (const flatbuffers::String* name : *tenant.table->set_names()) bytes += name->size();
    if (bytes > section_bytes) return "the names have more bytes than the section that holds them";
    return std::nullopt;
}

Refusal check_assertions(const TenantView& tenant) {
    const auto is_text = [](const flatbuffers::String* text) {
        return text != nullptr && text->size() <= longest_text;
    };
    const auto is_absent_or_text = [&](const flatbuffers::String* text) {
        return text == nullptr || is_text(text);
    };
    std::vector<std::string_view> interfaces = tenant.interface_names;
    std::sort(interfaces.begin(), interfaces.end());
    std::size_t index = 0;
    for (const image::Assertion* row : *tenant.table->assertions()) {
        if (!is_text(row->name()) || !is_text(row->packet()) || !is_text(row->on()) ||
            !is_text(row->expect()) || !is_absent_or_text(row->rule()) || !is_absent_or_text(row->becomes())) {
            return fmt::format("assertion {} lacks a text or has one of more than {} bytes", index,
                               longest_text);
        }
        const std::string_view expect = row->expect()->string_view();
        if (expect != "allow" && expect != "drop" && expect != "reject") {
            return fmt::format("assertion {} expects \"{}\", not allow, drop or reject", index, expect);
        }
        if (!std::binary_search(interfaces.begin(), interfaces.end(), row->on()->string_view())) {
            return fmt::format("assertion {} is on \"{}\", which is no interface", index,
                               row->on()->string_view());
        }
        ++index;
    }
    return std::nullopt;
}

}  // namespace sluice::verify
