// SPDX-License-Identifier: Apache-2.0
//
// What NAT does with an address, so that a packet finds it with one look-up an end, whatever the number of NAT
// rules: which external address it is, what it would leave as by each interface, and which exemptions it is a
// destination of. Linear in the rules, but for prefixes that cover one another: those carry what is said of all
// that cover them.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "compiler/lower/passes.h"
#include "schemas/layout/image_types.h"

namespace sluice::lower {
namespace {

// What rewrites a source that leaves by an interface, or keeps it. The least one decides; an exemption with
// destinations only for those.
struct Source {
    std::uint16_t interface = 0;
    std::uint8_t nat64 = 0;  // 1 + the prefix it is for; each decides for itself
    image::SourceKind kind{};
    std::uint32_t row = 0;
    bool decides_like(const Source& other) const {
        return interface == other.interface && nat64 == other.nat64;
    }
    bool always() const { return kind != image::SourceKind::ExemptTowards; }
    friend auto operator<=>(const Source&, const Source&) = default;
};

struct NatMeaning {
    std::uint32_t external = no_row;
    std::uint32_t exemptions = 0;  // of which it is a destination: a bit each
    std::uint32_t nat64 = 0;       // 1 + the prefix that it is of
    std::vector<Source> sources;   // ascending; those alike end with the first that decides always
    friend auto operator<=>(const NatMeaning&, const NatMeaning&) = default;
};

// One thing that is said of a prefix.
struct Member {
    Prefix prefix;
    std::uint32_t external = no_row;
    std::uint32_t exemptions = 0;
    std::optional<Source> source = std::nullopt;
    std::uint32_t nat64 = 0;
};

std::vector<Member> members_of(const policy::Tenant& tenant, const TenantTables& tables, Family family) {
    const auto number = static_cast<std::uint8_t>(family);
    const auto bits = static_cast<std::uint8_t>(address_bits(family));
    std::vector<Member> members;
    const auto add_source = [&](const Prefix& prefix, const Source& source) {
        members.push_back({.prefix = prefix, .source = source});
    };
    for (std::uint32_t i = 0; i < tables.externals.size(); ++i) {
        const image::ExternalAddress& row = tables.externals[i];
        if (row.family() == number) {
            members.push_back({.prefix = {from_image(row.ip()), bits, family}, .external = i});
        }
    }
    for (std::uint32_t i = 0; i < tables.one_to_one_rules.size(); ++i) {
        const image::OneToOneRule& row = tables.one_to_one_rules[i];
        if (row.family() != number) continue;
        add_source({from_image(row.inside_ip()), bits, family},
                   {row.on_interface(), 0, image::SourceKind::OneToOne, i});
    }
    for (std::uint32_t i = 0; i < tables.snat_rules.size(); ++i) {
        const image::SnatRule& rule = tables.snat_rules[i];
        if (rule.family() != number) continue;
        for (std::uint32_t k = 0; k < rule.source_count(); ++k) {
            const image::PrefixRow& row = tables.prefixes[rule.first_source() + k];
            add_source(
                {from_image(row.ip()), row.length(), family},
                {rule.out_interface(), static_cast<std::uint8_t>(rule.nat64()), image::SourceKind::Snat, i});
        }
    }
    for (std::uint32_t i = 0; i < tenant.exemptions.size(); ++i) {
        const policy::Exemption& rule = tenant.exemptions[i];
        if (rule.family != family) continue;
        const auto kind = rule.destinations ? image::SourceKind::ExemptTowards : image::SourceKind::Exempt;
        for (const Prefix& source : rule.sources) add_source(source, {rule.out, 0, kind, i});
        if (!rule.destinations) continue;
        for (const Prefix& prefix : *rule.destinations) {
            members.push_back({.prefix = prefix, .exemptions = std::uint32_t{1} << i});
        }
    }
    for (std::uint32_t i = 0; family == Family::v6 && i < tables.nat64_prefixes.size(); ++i) {
        const image::PrefixRow& row = tables.nat64_prefixes[i];
        members.push_back({.prefix = {from_image(row.ip()), row.length(), family}, .nat64 = i + 1});
    }
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
        return std::tie(a.prefix.ip, a.prefix.length, a.source, a.external, a.exemptions, a.nat64) <
               std::tie(b.prefix.ip, b.prefix.length, b.source, b.external, b.exemptions, b.nat64);
    });
    return members;
}

void add(NatMeaning& meaning, const Source& source) {
    auto& all = meaning.sources;
    const auto at = std::lower_bound(all.begin(), all.end(), source);
    const bool is_behind = at != all.begin() && std::prev(at)->decides_like(source);
    if (is_behind && std::prev(at)->always()) return;
    if (at != all.end() && *at == source) return;
    const auto place = all.insert(at, source);
    if (!source.always()) return;
    const auto end = std::find_if(std::next(place), all.end(),
                                  [&](const Source& other) { return !other.decides_like(source); });
    all.erase(std::next(place), end);
}

void add(NatMeaning& meaning, const Member& member) {
    if (member.external != no_row) meaning.external = member.external;
    meaning.exemptions |= member.exemptions;
    if (member.nat64 != 0) meaning.nat64 = member.nat64;
    if (member.source) add(meaning, *member.source);
}

struct PortRule {
    std::uint32_t from, to;  // protocol << 16 | port, the last one exclusive
    std::uint32_t rule;
};

PortRule range_of(const image::DnatRule& rule, std::uint32_t index) {
    constexpr std::uint32_t protocols = 256;
    const std::uint32_t protocol = rule.protocol();
    if (protocol == 0) return {0, protocols << 16, index};
    if (rule.port_low() == 0 && rule.port_high() == 0) return {protocol << 16, (protocol + 1) << 16, index};
    return {protocol << 16 | rule.port_low(), (protocol << 16 | rule.port_high()) + 1, index};
}

// The rules of one external address, most specific first, as ranges of ports that do not overlap.
std::vector<image::DnatPort> ports_of(std::span<const image::DnatRule> rules, std::uint32_t first_rule) {
    std::map<std::uint32_t, std::vector<PortRule>> borders;  // where some rule begins or ends
    borders[0];
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const PortRule range = range_of(rules[i], first_rule + i);
        borders[range.from].push_back(range);
        borders[range.to].push_back(range);
    }
    std::vector<image::DnatPort> rows;
    std::set<std::uint32_t> here;
    for (const auto& [at, changes] : borders) {
        for (const PortRule& range : changes) {
            if (range.from == at) {
                here.insert(range.rule);
            } else {
                here.erase(range.rule);
            }
        }
        const std::uint32_t decides = here.empty() ? no_row : *here.begin();
        const bool beyond_the_last_protocol = at >> 24 != 0;
        if (beyond_the_last_protocol || (!rows.empty() && rows.back().rule() == decides)) continue;
        rows.emplace_back(at, decides);
    }
    return rows;
}

class Writer {
  public:
    Writer(TenantTables& tables, std::vector<image::NatClass>& classes) : tables_(tables), rows_(classes) {
        class_of({});
    }

    std::uint32_t class_of(const NatMeaning& meaning) {
        const auto [place, is_new] = classes_.try_emplace(meaning, static_cast<std::uint32_t>(rows_.size()));
        if (!is_new) return place->second;
        const auto first_port = static_cast<std::uint32_t>(tables_.dnat_ports.size());
        if (meaning.external != no_row) add_ports(tables_.externals[meaning.external]);
        const auto first_source = static_cast<std::uint32_t>(tables_.source_matches.size());
        for (const Source& source : meaning.sources) {
            tables_.source_matches.emplace_back(source.row, source.interface, source.nat64, source.kind);
        }
        rows_.emplace_back(meaning.external, first_port,
                           static_cast<std::uint32_t>(tables_.dnat_ports.size()) - first_port, first_source,
                           static_cast<std::uint32_t>(meaning.sources.size()), meaning.exemptions,
                           meaning.nat64);
        return place->second;
    }

  private:
    void add_ports(const image::ExternalAddress& external) {
        const auto rules = std::span(tables_.dnat_rules).subspan(external.first_dnat(), external.dnat_count());
        if (rules.empty()) return;
        const auto rows = ports_of(rules, external.first_dnat());
        tables_.dnat_ports.insert(tables_.dnat_ports.end(), rows.begin(), rows.end());
    }

    TenantTables& tables_;
    std::vector<image::NatClass>& rows_;
    std::map<NatMeaning, std::uint32_t> classes_;
};

// Members are sorted, so the prefixes that cover one stand before it: `open` holds them, shortest first.
LpmTable build_table(const policy::Tenant& tenant, TenantTables& tables, Family family,
                     std::vector<image::NatClass>& classes) {
    Writer writer(tables, classes);
    const std::vector<Member> members = members_of(tenant, tables, family);
    std::vector<LpmEntry> entries;
    std::vector<std::pair<Prefix, NatMeaning>> open;
    for (std::size_t i = 0; i < members.size();) {
        const Prefix& prefix = members[i].prefix;
        while (!open.empty() && !open.back().first.contains(prefix.ip)) open.pop_back();
        NatMeaning meaning;
        if (!open.empty()) {
            meaning.sources = open.back().second.sources;
            meaning.exemptions = open.back().second.exemptions;
            meaning.nat64 = open.back().second.nat64;
        }
        for (; i < members.size() && members[i].prefix == prefix; ++i) add(meaning, members[i]);
        entries.push_back({prefix, writer.class_of(meaning)});
        open.emplace_back(prefix, std::move(meaning));
    }
    const unsigned root_bits = lpm_host_root_bits(entries.size());
    return build_lpm(std::move(entries), root_bits);
}

}  // namespace

void lower_nat_classes(const policy::Tenant& tenant, TenantTables& tables) {
    tables.nat4 = build_table(tenant, tables, Family::v4, tables.nat_classes4);
    tables.nat6 = build_table(tenant, tables, Family::v6, tables.nat_classes6);
}

}  // namespace sluice::lower
