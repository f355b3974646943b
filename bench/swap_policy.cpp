// SPDX-License-Identifier: Apache-2.0
#include "bench/swap_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "compiler/policy/policy.h"
#include "tests/support/compile.h"
#include "tests/support/routing_table.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t other_pool_host = 160;
constexpr std::size_t internet_next_hops = 60;

struct Change {
    bool rule = false, route = false, pool = false;
};

Change change_of(SwapKind kind) {
    switch (kind) {
        case SwapKind::rule:
            return {.rule = true};
        case SwapKind::route:
            return {.route = true};
        case SwapKind::nat_pool:
            return {.pool = true};
        case SwapKind::tenant:
        case SwapKind::all_tenants:
            break;
    }
    return {.rule = true, .route = true, .pool = true};
}

void replace_once(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::logic_error("the policy lacks: " + from);
    text.replace(at, from.size(), to);
}

std::string pool_text(const std::string& net, std::uint32_t first, std::uint32_t count) {
    return fmt::format("to: {}.{}-{}.{}}}", net, first, net, first + count - 1);
}

// Of the packets (workload.cpp): their way is for the kinds to change.
bool covers_our_traffic(const Prefix& prefix) {
    return prefix.length == 0 || (prefix.family == Family::v4 && prefix.contains(Ip::from_v4(0xc0000209)));
}

// A quarter of a tenant's sources is in 10.1.0.0/16 (workload.cpp).
bool in_first_net(const Shape& shape, std::uint32_t flow) {
    return flow / shape.tenants % 4 == 0;
}

}  // namespace

bool concerns(SwapKind kind, std::uint32_t tenant) {
    return tenant == 0 || kind == SwapKind::all_tenants;
}

std::map<std::string, std::string> swap_texts(const Shape& shape, SwapKind kind, bool changed) {
    auto texts = policy_texts(shape);
    for (std::uint32_t tenant = 0; tenant < shape.tenants; ++tenant) {
        std::string& text = texts.at(fmt::format("t{}.yaml", tenant));
        const std::string net = outside_net(tenant);
        replace_once(text, "\"02:00:00:00:09:01\"",
                     fmt::format("\"02:00:00:00:09:01\", {}.2: \"02:00:00:00:09:02\"", net));
        const Change change = changed && concerns(kind, tenant) ? change_of(kind) : Change{};
        if (change.rule) {
            replace_once(text, "    - {name: outbound",
                         "    - {name: not-these, from: 10.1.0.0/16, to: internet, action: drop}\n"
                         "    - {name: outbound");
        }
        if (change.route) {
            replace_once(text, "routes:\n", fmt::format("routes:\n  - {{to: 192.0.2.0/24, via: {}.2}}\n", net));
        }
        if (change.pool) {
            const std::uint32_t count = pool_addresses(shape);
            replace_once(text, pool_text(net, first_pool_host, count), pool_text(net, other_pool_host, count));
        }
    }
    return texts;
}

std::variant<Routes, std::string> internet_routes() {
    Routes all;
    for (const char* file : {"internet-v4-2024-01.prefixes.txt.zst", "internet-v6-2024-01.prefixes.txt.zst"}) {
        auto read = test::read_routing_table(file);
        if (auto* missing = std::get_if<std::string>(&read)) return std::move(*missing);
        const auto& table = std::get<Routes>(read);
        all.insert(all.end(), table.begin(), table.end());
    }
    return all;
}

std::vector<std::uint8_t> swap_file(const Shape& shape, SwapKind kind, bool changed, const Routes& internet) {
    if (internet.empty()) return test::compile_file(swap_texts(shape, kind, changed));
    return test::compile_file(swap_texts(shape, kind, changed), [&](policy::Policy& policy) {
        for (std::uint32_t number = 0; number < policy.tenants.size(); ++number) {
            policy::Tenant& tenant = policy.tenants[number];
            // Another order makes other tables: those of the rules are not to be shared.
            auto& rules = tenant.firewall->rules;
            std::rotate(rules.begin(), rules.begin() + number * 7, rules.end() - 2);
            const auto uplink =
                std::ranges::find(tenant.interfaces, policy::InterfaceKind::uplink, &policy::Interface::kind);
            const auto out = static_cast<std::uint16_t>(uplink - tenant.interfaces.begin());
            tenant.routes.reserve(tenant.routes.size() + internet.size());
            for (std::size_t i = 0; i < internet.size(); ++i) {
                if (covers_our_traffic(internet[i])) continue;
                const auto host = static_cast<std::uint32_t>(1 + i % internet_next_hops);
                const Ip gateway = internet[i].family == Family::v4 ? Ip::from_v4(outside_address(number, host))
                                                                    : Ip{0x20010db8ffff0000, host};
                tenant.routes.push_back({.to = internet[i], .next_hops = {{out, gateway}}, .where = {}});
            }
        }
    });
}

Fate fate_of(const Shape& shape, SwapKind kind, bool changed, std::uint32_t flow) {
    const std::uint32_t tenant = flow % shape.tenants;
    const Change change = changed && concerns(kind, tenant) ? change_of(kind) : Change{};
    return {.denied = change.rule && in_first_net(shape, flow),
            .next_hop = static_cast<std::uint8_t>(change.route ? 2 : 1),
            .pool = outside_address(tenant, change.pool ? other_pool_host : first_pool_host)};
}

std::optional<Fate> fate_seen(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port) {
    if (port != uplink_port || frame.size() != frame_bytes) return std::nullopt;
    const auto source = static_cast<std::uint32_t>(translation_of(frame) >> 16);
    const std::uint32_t host = source & 255;
    const std::uint32_t first = host < other_pool_host ? first_pool_host : other_pool_host;
    if (host < first || host >= first + pool_addresses(shape)) return std::nullopt;
    return Fate{.denied = false, .next_hop = frame[5], .pool = source - host + first};
}

}  // namespace sluice::bench
