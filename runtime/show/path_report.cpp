// SPDX-License-Identifier: Apache-2.0
#include "runtime/show/path_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/show/names.h"
#include "runtime/show/text_table.h"
#include "runtime/stages/router_parts.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;
using image::RouterPart;

class PathWriter {
  public:
    PathWriter(const Image& image, const DryRun& run) : image_(image), run_(run), trace_(run.trace) {}

    Json write();

  private:
    const TenantView& tenant(std::uint16_t slot) const { return image_.tenants()[slot]; }
    std::string interface_name(const TenantView& tenant, std::uint16_t position) const {
        return fmt::format("{}/{}", tenant.name, tenant.interface_names[position]);
    }
    static std::string text(const Endpoints& at, Ip ip) { return to_string(ip, at.family); }
    std::string packet_text(const Endpoints& ends) const {
        return describe(ends.tuple(0, protocol_in(ends.family, run_.packet.ip.protocol)));
    }
    std::string line(const TenantView& tenant, std::uint32_t number) const {
        return fmt::format("{}:{}", tenant.table->file()->string_view(), number);
    }
    void step(std::string stage, std::string looked_up, std::string found, std::string verdict = "forward") {
        steps_.push_back({{"stage", std::move(stage)},
                          {"looked_up", std::move(looked_up)},
                          {"found", std::move(found)},
                          {"verdict", std::move(verdict)}});
    }
    void enter();
    void router(std::size_t number);
    void leave(const Hop& hop);
    bool has(std::size_t number, StageId stage) const;
    std::string decisions(const TenantView& tenant, const Hop& hop, std::size_t number) const;
    std::string destination_words(const TenantView& tenant, std::uint32_t rule) const;
    std::string source_words(const TenantView& tenant, std::uint32_t rule) const;
    std::string route_words(const TenantView& tenant, const Hop& hop) const;
    std::string verdict() const;
    std::size_t last_part(const TenantView& tenant, const RouterParts& parts) const;

    const Image& image_;
    const DryRun& run_;
    const Trace& trace_;
    Json steps_ = Json::array();
};

std::string PathWriter::verdict() const {
    switch (trace_.fate) {
        case Fate::forward:
            return "forward";
        case Fate::reject:
            return "reject";
        case Fate::echo:
            return "answer";
        case Fate::unreachable:
            return "refuse";
        case Fate::reassemble:
            return "reassemble";
        case Fate::no_session:  // it ends, and the packet begins one anew
        case Fate::drop:
            break;
    }
    return "drop";
}

/// By which the packet enters: chosen by port and tags, or by the VNI, alone.
void PathWriter::enter() {
    const TenantView& in = tenant(trace_.ingress.tenant);
    const std::uint16_t position = in.interface_position(trace_.ingress.interface);
    const image::Interface& row = in.interfaces[in.interface_position(run_.came_by.interface)];
    if (takes_frames(row)) {
        step(std::string(image_.port_names()[image_.port_slot(row.port())]), attachment_words(row),
             interface_name(in, position));
    }
}

/// Records are in order, and each router's begin with its admission.
bool PathWriter::has(std::size_t number, StageId stage) const {
    std::size_t router = 0;
    for (const Record& record : std::span(trace_.records).first(trace_.record_count)) {
        router += record.stage == StageId::ip_admission ? 1 : 0;
        if (router == number + 1 && record.stage == stage) return true;
    }
    return false;
}

std::string PathWriter::destination_words(const TenantView& tenant, std::uint32_t rule) const {
    if ((rule & one_to_one_bit) != 0) {
        const auto& row = tenant.one_to_one_rules[rule & ~one_to_one_bit];
        return fmt::format("one-to-one, {}", line(tenant, row.line()));
    }
    if ((rule & mapping_bit) != 0) return "a NAT mapping";
    return fmt::format("DNAT, {}", line(tenant, tenant.dnat_rules[rule].line()));
}

std::string PathWriter::source_words(const TenantView& tenant, std::uint32_t rule) const {
    if (is_exemption(rule)) {
        return fmt::format("kept, {}", line(tenant, tenant.exemptions[rule & ~exempt_bit].line()));
    }
    if ((rule & one_to_one_bit) != 0) {
        const auto& row = tenant.one_to_one_rules[rule & ~one_to_one_bit];
        return fmt::format("one-to-one, {}", line(tenant, row.line()));
    }
    const image::SnatRule& row = tenant.snat_rules[rule];
    return fmt::format("{}, {}", row.nat64() != 0 ? "NAT64" : "SNAT", line(tenant, row.line()));
}

std::string PathWriter::route_words(const TenantView& tenant, const Hop& hop) const {
    const image::Adjacency& adjacency = tenant.adjacencies[hop.adjacency];
    switch (adjacency.kind()) {
        case image::AdjacencyKind::Connected:
            return fmt::format("connected on {}", tenant.interface_names[adjacency.interface()]);
        case image::AdjacencyKind::Gateway:
            return fmt::format(
                "via {} on {}",
                to_string(from_image(adjacency.next_hop()), static_cast<Family>(adjacency.family())),
                tenant.interface_names[adjacency.interface()]);
        case image::AdjacencyKind::Peer:
            return fmt::format("to tenant {}", this->tenant(tenant.peers[adjacency.interface()].tenant).name);
        case image::AdjacencyKind::Blackhole:
            return "a blackhole";
        case image::AdjacencyKind::NoRoute:
            return "no route";
        default:
            return "no way on";
    }
}

/// What the service part decided.
std::string PathWriter::decisions(const TenantView& tenant, const Hop& hop, std::size_t number) const {
    std::vector<std::string> words;
    if (has(number, StageId::session)) words.emplace_back(hop.session ? "a known session" : "a new session");
    if (hop.destination_rule != no_stage_row) {
        words.push_back("destination by " + destination_words(tenant, hop.destination_rule));
    }
    if (has(number, StageId::firewall)) {
        const bool by_rule = hop.rule != default_rule;
        words.push_back(by_rule ? fmt::format("rule {}, {}", tenant.name_of_rule(hop.rule),
                                              line(tenant, tenant.rules[tenant.rule_position(hop.rule)].line()))
                                : "rule default");
    }
    if (hop.source_rule != no_stage_row) words.push_back("source by " + source_words(tenant, hop.source_rule));
    return fmt::format("{}", fmt::join(words, "; "));
}

/// Of the parts that the packet would pass, the one in which its way ends.
std::size_t PathWriter::last_part(const TenantView& tenant, const RouterParts& parts) const {
    const auto part = trace_.element == Element::service_router ? RouterPart::Service : RouterPart::Distributed;
    const bool behind_transit = tenant.transit != no_interface && trace_.speaks_on == tenant.transit;
    std::size_t found = 0;
    for (std::size_t i = 0; i < parts.count; ++i) {
        if (parts.of[i] != part) continue;
        found = i;
        if (!behind_transit) break;
    }
    return found;
}

void PathWriter::router(std::size_t number) {
    const Hop& hop = trace_.hops[number];
    const TenantView& tenant = this->tenant(hop.tenant);
    const bool routed = has(number, StageId::route);
    const bool ends = number + 1U == trace_.hop_count && trace_.fate != Fate::forward;
    const RouterParts parts = routed ? parts_of(tenant, hop) : parts_before_route(tenant, hop);
    const std::size_t last = ends ? last_part(tenant, parts) : parts.count - 1u;
    const Endpoints& behind = number + 1U < trace_.hop_count ? trace_.hops[number + 1].entering
                              : trace_.fate == Fate::forward ? trace_.leaving
                                                             : hop.entering;
    for (std::size_t i = 0; i <= last; ++i) {
        const bool service = parts.of[i] == RouterPart::Service;
        const bool here = ends && i == last;
        std::string found = service && hop.stateful ? decisions(tenant, hop, number) : "";
        if (i + 1U == parts.count && routed) {
            found += (found.empty() ? "" : "; ") + route_words(tenant, hop);
        }
        const bool whole = service && hop.stateful;
        const Endpoints& seen = i + 1U == parts.count && !whole ? behind : hop.entering;
        step(fmt::format("{}.{}", tenant.name, service ? "sr" : "dr"),
             whole ? packet_text(hop.entering) : text(seen, seen.destination), std::move(found),
             here ? verdict() + (trace_.fate == Fate::drop ? fmt::format(" {}", name_of(trace_.reason)) : "")
                  : "forward");
        if (i < last) step(fmt::format("{}.transit", tenant.name), "", "");
    }
    if (ends) return;
    if (number + 1U == trace_.hop_count) return leave(hop);
    step(fmt::format("link {}", interface_name(tenant, hop.out_interface)), "",
         interface_name(this->tenant(trace_.hops[number + 1].tenant), trace_.hops[number + 1].in_interface));
}

void PathWriter::leave(const Hop& hop) {
    const TenantView& tenant = this->tenant(hop.tenant);
    const image::Interface& row = tenant.interfaces[hop.out_interface];
    std::string found = "not known: it is asked for";
    if (run_.neighbour) {
        found = run_.neighbour->usable() ? to_string(run_.neighbour->mac)
                                         : std::string(name_of(run_.neighbour->state));
    }
    step(interface_name(tenant, hop.out_interface), text(trace_.leaving, hop.next_hop), std::move(found));
    const std::uint32_t way = run_.neighbour ? run_.neighbour->tunnel : no_tunnel;
    if (is_attachment(way)) {  // the segment is on a port as well, and the station is there
        const image::Interface& out = tenant.interfaces[tenant.interface_position(attachment_of(way))];
        return step(std::string(image_.port_names()[image_.port_slot(out.port())]), attachment_words(out), "",
                    "sent");
    }
    if (row.encapsulation() != image::Encapsulation::None) {
        step("encap", attachment_words(row),
             run_.remote ? to_string(*run_.remote, outer_family(row)) : "behind which endpoint is not known");
    }
    const bool tagged = row.encapsulation() == image::Encapsulation::None;
    step(std::string(image_.port_names()[image_.port_slot(row.port())]), tagged ? attachment_words(row) : "",
         "", "sent");
}

Json PathWriter::write() {
    enter();
    for (std::size_t number = 0; number < trace_.hop_count; ++number) router(number);
    const TenantView& in = tenant(trace_.ingress.tenant);
    Json json;
    json["packet"] = packet_text(Endpoints::of(run_.packet.ip));
    json["on"] = interface_name(in, in.interface_position(trace_.ingress.interface));
    json["steps"] = std::move(steps_);
    json["verdict"] = verdict();
    if (trace_.fate == Fate::drop || trace_.fate == Fate::reject) json["reason"] = name_of(trace_.reason);
    if (trace_.fate == Fate::forward) {
        json["becomes"] = packet_text(trace_.leaving);
        json["ttl_cost"] = trace_.ttl_cost;
    }
    json["cacheable"] = trace_.fate == Fate::forward && trace_.no_cache == 0;
    json["nocache"] = Json::array();
    for (std::uint32_t why = 0; why < nocache_reason_count; ++why) {
        if ((trace_.no_cache >> why & 1) != 0) {
            json["nocache"].push_back(name_of(static_cast<NoCacheReason>(why)));
        }
    }
    return json;
}

}  // namespace

std::optional<InterfaceRef> interface_named(const Image& image, std::string_view name) {
    for (const TenantView& tenant : image.tenants()) {
        for (std::uint16_t position = 0; tenant.exists() && position < tenant.interfaces.size(); ++position) {
            if (name == fmt::format("{}/{}", tenant.name, tenant.interface_names[position])) {
                return tenant.ref(position);
            }
        }
    }
    return std::nullopt;
}

Json path_report(const Image& image, const DryRun& run) {
    return PathWriter(image, run).write();
}

std::string path_text(const Json& report) {
    const auto text = [](const Json& value) { return value.get<std::string>(); };
    std::vector<TableRow> rows;
    for (const Json& row : report.at("steps")) {
        rows.push_back({"  " + text(row.at("stage")), text(row.at("looked_up")), text(row.at("verdict")),
                        text(row.at("found"))});
    }
    std::string lines = fmt::format("{} on {}\n", text(report.at("packet")), text(report.at("on")));
    lines += text_table({"  stage", "looked up", "verdict", "found"}, rows);
    lines += text(report.at("verdict"));
    if (report.contains("reason")) lines += fmt::format(" {}", text(report.at("reason")));
    if (report.contains("becomes")) {
        lines += fmt::format(" as {}, TTL - {}", text(report.at("becomes")), report.at("ttl_cost").get<int>());
    }
    std::vector<std::string> why;
    for (const Json& reason : report.at("nocache")) why.push_back(text(reason));
    if (!why.empty()) lines += fmt::format("; not cached: {}", fmt::join(why, ", "));
    return lines + "\n";
}

}  // namespace sluice
