// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string_view>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::uint32_t longest_seconds = 30 * 86400;

struct Timeout {
    std::string_view key;
    std::optional<std::uint32_t> policy::IdleTimes::*value;
    std::uint32_t least_seconds;  // what RFCs ask of a NAT; 0: nothing
    std::string_view rfc;
};
constexpr Timeout timeouts[] = {
    {"udp", &policy::IdleTimes::udp, 120, "RFC 4787 REQ-5"},
    {"dns", &policy::IdleTimes::dns, 0, ""},  // RFC 4787 REQ-5 lets well-known ports have less
    {"icmp", &policy::IdleTimes::icmp, 60, "RFC 5508 REQ-2"},
    {"tcp-opening", &policy::IdleTimes::tcp_opening, 240, "RFC 5382 REQ-5"},
    {"tcp-established", &policy::IdleTimes::tcp_established, 7440, "RFC 5382 REQ-5"},
    {"tcp-closing", &policy::IdleTimes::tcp_closing, 240, "RFC 5382 REQ-5"},
    {"other", &policy::IdleTimes::other, 0, ""},
};

/// NUMBERs, NUMBERm or NUMBERh.
std::optional<std::uint32_t> seconds_of(Context& context, const Node& node, std::string_view key) {
    const auto text = text_of(context, node, key);
    if (!text) return std::nullopt;
    constexpr std::pair<char, std::uint32_t> units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    for (const auto& [unit, seconds] : units) {
        if (!text->ends_with(unit)) continue;
        const auto value = parse_decimal(text->substr(0, text->size() - 1), longest_seconds / seconds);
        if (value && *value != 0) return *value * seconds;
    }
    context
        .report(Code::bad_duration, node.span,
                fmt::format("{} must be a time from 1s to {}h, not \"{}\"", key, longest_seconds / 3600, *text))
        .help("write it like 300s, 5m or 2h");
    return std::nullopt;
}

}  // namespace

void read_timeouts(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["timeouts"];
    if (node == nullptr) return;
    const Span where = scope.object->key_span("timeouts");
    const Object object(context, *node, keys::timeouts, where);
    if (!object.is_map()) return;
    auto& tenant = context.tenant(scope);
    if (!tenant.has_service_router()) {
        context
            .report(Code::conflicting_keys, where,
                    fmt::format("tenant \"{}\" has neither firewall nor NAT, so it has no sessions to time out",
                                tenant.name))
            .help("delete the timeouts, or add firewall: {default: allow}");
        return;
    }
    const bool translates = !tenant.snat.empty() || !tenant.dnat.empty() || !tenant.one_to_one.empty();
    for (const Timeout& timeout : timeouts) {
        const auto* value = object[timeout.key];
        if (value == nullptr) continue;
        const auto seconds = seconds_of(context, *value, timeout.key);
        tenant.idle_times.*timeout.value = seconds;
        if (!seconds || !translates || *seconds >= timeout.least_seconds) continue;
        context
            .report(Code::timeout_short, value->span,
                    fmt::format("{} is shorter than the {}s that {} asks of a NAT", timeout.key,
                                timeout.least_seconds, timeout.rfc))
            .help("connections that are quiet for longer break");
    }
}

}  // namespace sluice::sema
