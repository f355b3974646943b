// SPDX-License-Identifier: Apache-2.0
#include "compiler/analyze/assertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "runtime/packet/packet_text.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

PacketText as_text(const PacketText& sent, const Endpoints& leaving) {
    PacketText text = sent;
    text.family = leaving.family;
    text.protocol = protocol_in(leaving.family, sent.protocol);
    text.source = leaving.source;
    text.destination = leaving.destination;
    if (sent.has_ports()) {
        text.source_port = leaving.source_port;
        text.destination_port = leaving.destination_port;
    }
    return text;
}

bool same(const PacketText& expected, const PacketText& actual) {
    return expected.family == actual.family && expected.protocol == actual.protocol &&
           expected.source == actual.source && expected.destination == actual.destination &&
           (expected.any_source_port || expected.source_port == actual.source_port) &&
           (expected.any_destination_port || expected.destination_port == actual.destination_port);
}

struct Outcome {
    std::string_view verdict;  // allow, drop, reject
    std::string_view reason;   // of a drop
    std::optional<std::string_view> rule;
    PacketText becomes;
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
              const PacketText& text) {
    const PacketView packet = first_packet_of(text);
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
    PacketTextError error;
    const auto packet = parse_packet_text(assertion.packet()->string_view(), Wildcards::refused, error);
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
    const auto becomes = parse_packet_text(assertion.becomes()->string_view(), Wildcards::allowed, error);
    if (!becomes) return fmt::format("what it becomes cannot be read: {}", error.words);
    if (same(*becomes, outcome.becomes)) return {};
    return fmt::format("expected it to become \"{}\", it became \"{}\"", assertion.becomes()->string_view(),
                       to_string(outcome.becomes));
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
