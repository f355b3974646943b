// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::uint32_t most_sessions = 1U << 30;
constexpr std::uint32_t most_a_second = 100'000'000;

/// NUMBER/s.
std::optional<std::uint32_t> rate_of(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    constexpr std::string_view unit = "/s";
    std::optional<std::uint32_t> value;
    if (text->ends_with(unit))
        value = parse_decimal(text->substr(0, text->size() - unit.size()), most_a_second);
    if (value && *value != 0) return value;
    context
        .report(Code::bad_rate, node.span,
                fmt::format("{} must be so many a second, from 1/s to {}/s, not \"{}\"", what, most_a_second,
                            *text))
        .help("write it like 5000/s");
    return std::nullopt;
}

}  // namespace

void read_limits(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["limits"];
    if (node == nullptr) return;
    const Span where = scope.object->key_span("limits");
    const Object limits(context, *node, keys::limits, where);
    if (!limits.is_map()) return;
    auto& tenant = context.tenant(scope);
    if (const auto* rate = limits["packets"]) {
        tenant.packets_a_second = rate_of(context, *rate, "the limit of packets");
    }
    if (const auto* rate = limits["slow-path"]) {
        tenant.slow_path_a_second = rate_of(context, *rate, "the limit of packets on the slow path");
    }
    // The others are limits of sessions.
    const std::string_view of_sessions[] = {"sessions", "new-sessions", "host-sessions", "host-new-sessions",
                                            "host-half-open"};
    const auto* first = std::ranges::find_if(of_sessions, [&](auto key) { return limits[key] != nullptr; });
    if (first == std::end(of_sessions)) return;
    if (!tenant.has_service_router()) {
        context
            .report(Code::conflicting_keys, limits.key_span(*first),
                    fmt::format("tenant \"{}\" has neither firewall nor NAT, so it has no sessions to limit",
                                tenant.name))
            .help("delete the limit, or add firewall: {default: allow}");
        return;
    }
    const auto number = [&](std::string_view key, std::string_view what, auto& result) {
        if (const auto* value = limits[key]) result = number_of(context, *value, what, 1, most_sessions);
    };
    const auto rate = [&](std::string_view key, std::string_view what, auto& result) {
        if (const auto* value = limits[key]) result = rate_of(context, *value, what);
    };
    number("sessions", "the limit of sessions", tenant.most_sessions);
    rate("new-sessions", "the limit of new sessions", tenant.new_sessions_a_second);
    number("host-sessions", "the limit of a host's sessions", tenant.most_host_sessions);
    rate("host-new-sessions", "the limit of a host's new sessions", tenant.new_host_sessions_a_second);
    number("host-half-open", "the limit of half-open connections to a host", tenant.most_host_half_open);
}

}  // namespace sluice::sema
