// SPDX-License-Identifier: Apache-2.0
#include "compiler/analyze/assertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "compiler/policy/packet_text.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

constexpr std::uint8_t fresh_ttl = 64;
constexpr std::uint32_t small_packet_bytes = 64;

/// What the parser would have made of such a packet: the first one of its flow.
PacketView first_packet(const policy::PacketText& text) {
    PacketView packet;
    IpView& ip = packet.ip;
    ip.family = text.family;
    ip.protocol = text.protocol;
    ip.ttl = fresh_ttl;
    ip.source = text.source;
    ip.destination = text.destination;
    ip.total_length = small_packet_bytes;
    ip.header_length = text.family == Family::v4 ? 20 : 40;
    ip.dont_fragment = true;
    if (text.is_icmp()) {
        ip.icmp_type = text.icmp_type;
        ip.icmp_code = text.icmp_code;
        const bool echo = text.icmp_type == (text.protocol == protocol_icmp ? 8 : 128);
        ip.l4_kind = echo ? L4Kind::icmp_query : L4Kind::icmp_other;
        if (echo) ip.source_port = 1;
    } else if (text.has_ports()) {
        ip.l4_kind = text.protocol == protocol_tcp ? L4Kind::tcp : L4Kind::udp;
        ip.source_port = text.source_port;
        ip.destination_port = text.destination_port;
        ip.tcp_flags = text.protocol == protocol_tcp ? tcp_syn : 0;
    }
    return packet;
}

policy::PacketText as_text(const policy::PacketText& sent, const Endpoints& leaving) {
    policy::PacketText text = sent;
    text.source = leaving.source;
    text.destination = leaving.destination;
    if (sent.has_ports()) {
        text.source_port = leaving.source_port;
        text.destination_port = leaving.destination_port;
    }
    return text;
}

bool same(const policy::PacketText& expected, const policy::PacketText& actual) {
    return expected.family == actual.family && expected.protocol == actual.protocol &&
           expected.source == actual.source && expected.destination == actual.destination &&
           (expected.any_source_port || expected.source_port == actual.source_port) &&
           (expected.any_destination_port || expected.destination_port == actual.destination_port);
}

struct Outcome {
    std::string_view verdict;  // allow, drop, reject
    std::string_view reason;   // of a drop
    std::optional<std::string_view> rule;
    policy::PacketText becomes;
};

std::optional<std::string_view> deciding_rule(const TenantView& tenant, const Trace& trace) {
    const auto decided = [&](const Record& record) {
        return record.stage == StageId::firewall && record.tenant == tenant.index;
    };
    const auto end = trace.records.begin() + trace.record_count;
    if (std::find_if(trace.records.begin(), end, decided) == end) return std::nullopt;
    const Hop& hop = trace.hops[0];
    return hop.rule == default_rule ? "default" : tenant.rule_names[hop.rule];
}

Outcome judge(const Image& image, const StageTables& empty, const TenantView& tenant, std::uint16_t interface,
              const policy::PacketText& text) {
    const PacketView packet = first_packet(text);
    Trace trace;
    run_pipeline(image, empty, {&packet, 1}, true, {tenant.index, interface}, trace);
    Outcome outcome{"allow", "", deciding_rule(tenant, trace), text};
    switch (trace.fate) {
        case Fate::forward:
            outcome.becomes = as_text(text, trace.leaving);
            break;
        case Fate::echo:
            break;
        case Fate::reject:
        case Fate::unreachable:
            outcome.verdict = "reject";
            break;
        case Fate::no_session:  // never of a first packet: there are no sessions here
        case Fate::drop:
        case Fate::reassemble:
            outcome.verdict = "drop";
            outcome.reason = name_of(trace.reason);
            break;
    }
    return outcome;
}

std::string describe(const Outcome& outcome) {
    std::string text(outcome.verdict);
    if (outcome.rule) text += fmt::format(" by rule \"{}\"", *outcome.rule);
    if (!outcome.reason.empty()) text += fmt::format(" ({})", outcome.reason);
    return text;
}

/// Empty: as asserted.
std::string check(const Image& image, const StageTables& empty, const TenantView& tenant,
                  const image::Assertion& assertion) {
    policy::PacketTextError error;
    const auto packet = parse_packet_text(assertion.packet()->string_view(), policy::Wildcards::refused, error);
    const auto interface =
        std::find(tenant.interface_names.begin(), tenant.interface_names.end(), assertion.on()->string_view());
    if (!packet) return fmt::format("its packet cannot be read: {}", error.words);
    if (interface == tenant.interface_names.end()) {
        return fmt::format("the tenant has no segment or uplink \"{}\"", assertion.on()->string_view());
    }
    const auto on = static_cast<std::uint16_t>(interface - tenant.interface_names.begin());
    const Outcome outcome = judge(image, empty, tenant, on, *packet);
    if (outcome.verdict != assertion.expect()->string_view()) {
        return fmt::format("expected {}, got {}", assertion.expect()->string_view(), describe(outcome));
    }
    const bool names_rule = assertion.rule() != nullptr && assertion.rule()->size() != 0;
    if (names_rule && outcome.rule != assertion.rule()->string_view()) {
        return fmt::format("expected {} by rule \"{}\", got {}", outcome.verdict,
                           assertion.rule()->string_view(), describe(outcome));
    }
    if (assertion.becomes() == nullptr || assertion.becomes()->size() == 0) return {};
    const auto becomes =
        parse_packet_text(assertion.becomes()->string_view(), policy::Wildcards::allowed, error);
    if (!becomes) return fmt::format("what it becomes cannot be read: {}", error.words);
    if (same(*becomes, outcome.becomes)) return {};
    return fmt::format("expected it to become \"{}\", it became \"{}\"", assertion.becomes()->string_view(),
                       policy::to_string(outcome.becomes));
}

}  // namespace

std::vector<AssertionResult> run_assertions(const Image& image) {
    const HashKey key = HashKey::from_seed(1);
    const SessionTable sessions(1, key);
    const NatTable nat(image, 1, key);
    const LinkStates links;
    const StageTables empty{sessions, nat, key, links};
    std::vector<AssertionResult> results;
    for (const TenantView& tenant : image.tenants()) {
        if (tenant.table->assertions() == nullptr) continue;
        for (const image::Assertion* assertion : *tenant.table->assertions()) {
            AssertionResult result;
            result.tenant = tenant.name;
            result.name = assertion->name()->str();
            result.file = tenant.table->file()->str();
            result.line = assertion->line();
            result.explanation = check(image, empty, tenant, *assertion);
            result.passed = result.explanation.empty();
            results.push_back(std::move(result));
        }
    }
    return results;
}

}  // namespace sluice
