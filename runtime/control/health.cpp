// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/health.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

/// Reasons that end the wish for a session; what a rule denies is not among them.
constexpr std::array failures = {DropReason::NAT_NO_PORT, DropReason::SESSION_FULL, DropReason::FW_REEVAL_DENY};

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

DropReason reason_at(std::size_t number) {
    return static_cast<DropReason>(number);
}

}  // namespace

void Vitals::add(const Counters& counters) {
    for (const PacketCount& port : counters.rx) received += port.packets;
    for (const auto& component : counters.drops) {
        for (std::size_t reason = 0; reason < drops.size(); ++reason) drops[reason] += component[reason];
    }
    sessions_created += counters.sessions.created;
    cache_hits += counters.cache.flow_hits + counters.cache.trace_hits;
}

GateLimits GateLimits::from_json(const Json& json) {
    if (!json.is_object()) throw std::invalid_argument("the gate's limits are an object");
    GateLimits limits;
    const auto read = [&json](const char* name, auto& value) {
        if (!json.contains(name)) return;
        const double wanted = json.at(name).get<double>();
        if (!(wanted >= 0 && wanted <= 1e6)) throw std::invalid_argument(fmt::format("no limit: {}", name));
        value = static_cast<std::remove_reference_t<decltype(value)>>(wanted);
    };
    read("drops", limits.drops_points);
    read("failures", limits.failures_points);
    read("cache", limits.cache_points);
    read("cycles", limits.cycles_percent);
    read("seconds", limits.window_seconds);
    if (limits.window_seconds < 1 || limits.window_seconds > 3600) {
        throw std::invalid_argument("the gate looks at 1 to 3600 seconds");
    }
    return limits;
}

Health::Health(const Vitals& begin, const Vitals& end) : difference_(end) {
    difference_.received -= begin.received;
    for (std::size_t reason = 0; reason < begin.drops.size(); ++reason) {
        difference_.drops[reason] -= begin.drops[reason];
    }
    difference_.sessions_created -= begin.sessions_created;
    difference_.cache_hits -= begin.cache_hits;
    difference_.metered -= begin.metered;
    difference_.cycles -= begin.cycles;
}

double Health::drops_percent(DropReason reason) const {
    return percent(difference_.drops[static_cast<std::size_t>(reason)], difference_.received);
}

double Health::failures_percent() const {
    std::uint64_t failed = 0;
    for (const DropReason reason : failures) failed += difference_.drops[static_cast<std::size_t>(reason)];
    return percent(failed, failed + difference_.sessions_created);
}

double Health::cache_hits_percent() const {
    return percent(difference_.cache_hits, difference_.received);
}

std::optional<double> Health::cycles_a_packet() const {
    if (difference_.metered == 0) return std::nullopt;
    return static_cast<double>(difference_.cycles) / static_cast<double>(difference_.metered);
}

Json Health::json() const {
    Json drops = Json::object();
    for (std::size_t reason = 0; reason < difference_.drops.size(); ++reason) {
        if (difference_.drops[reason] != 0)
            drops[name_of(reason_at(reason))] = drops_percent(reason_at(reason));
    }
    const auto cycles = cycles_a_packet();
    return {{"packets", packets()},
            {"drops_percent", std::move(drops)},
            {"session_failures_percent", failures_percent()},
            {"cache_hits_percent", cache_hits_percent()},
            {"cycles_a_packet", cycles ? Json(*cycles) : Json()}};
}

bool can_judge(const Health& before, const Health& after) {
    return before.packets() >= least_packets_to_judge && after.packets() >= least_packets_to_judge;
}

std::optional<std::string> tripped(const Health& before, const Health& after, const GateLimits& limits) {
    if (!can_judge(before, after)) return std::nullopt;
    const auto rose = [](double from, double to, double limit) { return to > from + limit; };
    // The one that rose most: beside it the shares of others may have risen for want of packets.
    const auto rise = [&](std::size_t number) {
        return after.drops_percent(reason_at(number)) - before.drops_percent(reason_at(number));
    };
    std::size_t most = 0;
    for (std::size_t number = 1; number < drop_reason_count; ++number) {
        if (rise(number) > rise(most)) most = number;
    }
    const DropReason worst = reason_at(most);
    if (const double from = before.drops_percent(worst), to = after.drops_percent(worst);
        rose(from, to, limits.drops_points)) {
        return fmt::format("{} drops rose from {:.1f} to {:.1f} % of the packets, by more than {:.1f}",
                           name_of(worst), from, to, limits.drops_points);
    }
    if (const double from = before.failures_percent(), to = after.failures_percent();
        rose(from, to, limits.failures_points)) {
        return fmt::format("session failures rose from {:.1f} to {:.1f} % of the attempts, by more than {:.1f}",
                           from, to, limits.failures_points);
    }
    if (const double from = before.cache_hits_percent(), to = after.cache_hits_percent();
        rose(to, from, limits.cache_points)) {
        return fmt::format("cache hits fell from {:.1f} to {:.1f} % of the packets, by more than {:.1f}", from,
                           to, limits.cache_points);
    }
    const auto from = before.cycles_a_packet(), to = after.cycles_a_packet();
    if (from && to && rose(*from, *to, *from * limits.cycles_percent / 100)) {
        return fmt::format("a packet's price rose from {:.0f} to {:.0f} cycles, by more than {:.0f} %", *from,
                           *to, limits.cycles_percent);
    }
    return std::nullopt;
}

}  // namespace sluice
