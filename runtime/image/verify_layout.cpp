// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/shared_tables.h"
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
};

std::uint64_t text_bytes(const NameList::Names* names) {
    std::uint64_t bytes = 0;
    const NameList list(names);
    for (std::size_t i = 0; i < list.size(); ++i) bytes += list[i].size();
    return bytes;
}

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
    require(missing, "assertions", tenant.assertions());
    require(missing, "adjacencies", tenant.adjacencies());
    require(missing, "nat_classes4", tenant.nat_classes4());
    require(missing, "nat_classes6", tenant.nat_classes6());
    if (missing) return missing;

    AlignmentCheck check{payload, {}};
    check("interfaces", tenant.interfaces());
    check("addresses", tenant.addresses());
    check("proxied", tenant.proxied());
    check("neighbours", tenant.neighbours());
    check("stations", tenant.stations());
    check("remotes", tenant.remotes());
    check("adjacencies", tenant.adjacencies());
    check("ecmp_members", tenant.ecmp_members());
    check("prefixes", tenant.prefixes());
    check("externals", tenant.externals());
    check("pool_addresses", tenant.pool_addresses());
    check("snat_rules", tenant.snat_rules());
    check("dnat_rules", tenant.dnat_rules());
    check("one_to_one_rules", tenant.one_to_one_rules());
    check("nat_classes4", tenant.nat_classes4());
    check("nat_classes6", tenant.nat_classes6());
    check("dnat_ports", tenant.dnat_ports());
    check("source_matches", tenant.source_matches());
    check("exemptions", tenant.exemptions());
    check("nat64_prefixes", tenant.nat64_prefixes());
    check("from_zones", tenant.from_zones());
    check("to_zones", tenant.to_zones());
    return check.refusal;
}

Refusal check_layout(const image::SharedTable& table, std::span<const std::uint8_t> payload) {
    const image::TableRoot& root = table_root(table);
    AlignmentCheck check{payload, {}};
    if (root.content() == nullptr) return "has no content";
    if (const auto* lpm = root.content_as_Lpm()) {
        check("root", lpm->root());
        check("records", lpm->records());
    } else if (const auto* classifier = root.content_as_Classifier()) {
        check("nodes", classifier->nodes());
        check("rows", classifier->rows());
    } else if (const auto* services = root.content_as_ServiceMap()) {
        check("cells", services->cells());
    } else if (const auto* comb = root.content_as_Comb()) {
        check("slots", comb->slots());
        check("steps", comb->steps());
    } else if (const auto* rules = root.content_as_RuleList()) {
        check("rules", rules->rules());
        if (text_bytes(rules->names()) + text_bytes(rules->set_names()) > table.bytes()->size())
            return "has names of more bytes than itself";
    } else {
        return "has a content of no known kind";
    }
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
    if (text_bytes(tenant.table->interface_names()) > section_bytes)
        return "the names have more bytes than the section that holds them";
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
