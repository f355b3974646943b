// SPDX-License-Identifier: Apache-2.0
//
// How many sessions a tenant and a host may have and begin, and how many connections to a host may be half open
// (RFC 6888 REQ-4, RFC 4987 3.2). What is refused gets no session and takes no port.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

HostKey opener(const TenantView& tenant, const Tuple& forward) {
    return {.ip = forward.source, .tenant = tenant.index, .family = forward.family, .role = HostRole::opens};
}

/// Where it leads in truth: behind all translation.
HostKey receiver(const TenantView& tenant, const Tuple& reverse) {
    return {
        .ip = reverse.source, .tenant = tenant.index, .family = reverse.family, .role = HostRole::is_half_open};
}

}  // namespace

std::unique_ptr<HostTable> Shard::State::hosts_for(const Image& next) const {
    const bool wanted = std::ranges::any_of(next.tenants(), [](const TenantView& tenant) {
        return tenant.limits_hosts() || tenant.most_host_half_open != 0;
    });
    return wanted && hosts == nullptr ? std::make_unique<HostTable>(2 * settings.sessions, key) : nullptr;
}

std::vector<SessionTimeouts> Shard::State::idle_times_of(const Image& next) const {
    const auto says_any = [](const TenantView& tenant) { return tenant.idle_times != nullptr; };
    std::vector<SessionTimeouts> all;
    if (std::ranges::none_of(next.tenants(), says_any)) return all;
    for (const TenantView& tenant : next.tenants()) {
        SessionTimeouts& times = all.emplace_back(settings.timeouts);
        if (tenant.idle_times == nullptr) continue;
        const image::IdleTimes& own = *tenant.idle_times;
        const auto take = [](std::uint32_t own_seconds, Time& time) {
            if (own_seconds != 0) time = seconds(own_seconds);
        };
        take(own.udp(), times.udp);
        take(own.dns(), times.dns);
        take(own.icmp(), times.icmp);
        take(own.tcp_opening(), times.tcp_opening);
        take(own.tcp_established(), times.tcp_established);
        take(own.tcp_closing(), times.tcp_closing);
        take(own.other(), times.other);
    }
    return all;
}

std::optional<DropReason> Shard::State::limit_of_sessions(const TenantView& tenant, const Tuple& forward,
                                                          bool from_inside) const {
    if (tenant.most_sessions != 0 && counters.tenants[tenant.index].sessions >= tenant.most_sessions) {
        return DropReason::SESSION_FULL;
    }
    if (!meters[tenant.index].sessions.allows(now, tenant.new_sessions_a_second))
        return DropReason::SESSION_RATE;
    if (from_inside && tenant.limits_hosts() &&
        !hosts->allows(opener(tenant, forward), now, tenant.most_host_sessions,
                       tenant.new_host_sessions_a_second)) {
        return DropReason::HOST_LIMIT;
    }
    return std::nullopt;
}

bool Shard::State::may_be_half_open(const TenantView& tenant, const Tuple& reverse) const {
    const std::uint32_t most = tenant.most_host_half_open;
    return most == 0 || hosts->allows(receiver(tenant, reverse), now, most, 0);
}

void Shard::State::count_session(const TenantView& tenant, SessionRef session, bool from_inside) {
    ++counters.tenants[tenant.index].sessions;
    meters[tenant.index].sessions.count(now, tenant.new_sessions_a_second);
    if (!from_inside || !tenant.limits_hosts()) return;
    const HostKey host = opener(tenant, sessions.tuple(session, Direction::forward));
    sessions.set_counted(session, {.of_host = hosts->count(host, now, tenant.new_host_sessions_a_second)});
}

void Shard::State::count_half_open(const TenantView& tenant, SessionRef session) {
    if (tenant.most_host_half_open == 0) return;
    const HostKey host = receiver(tenant, sessions.tuple(session, Direction::reverse));
    SessionTable::Counted counted = sessions.counted(session);
    counted.half_open = hosts->count(host, now, 0);
    sessions.set_counted(session, counted);
}

void Shard::State::recount_session(SessionRef session) {
    const Tuple forward = sessions.tuple(session, Direction::forward);
    const TenantView& tenant = image->tenants()[forward.scope];
    ++counters.tenants[tenant.index].sessions;
    const std::uint16_t position = tenant.interface_position(sessions.in_interface(session));
    const bool from_inside = position != no_interface && is_inside(tenant.interfaces[position].kind());
    if (from_inside && tenant.limits_hosts()) {
        sessions.set_counted(session, {.of_host = hosts->count(opener(tenant, forward), now, 0)});
    }
    if (forward.protocol == protocol_tcp && sessions.tcp(session).half_open()) {
        count_half_open(tenant, session);
    }
}

void Shard::State::uncount_half_open(SessionRef session) {
    SessionTable::Counted counted = sessions.counted(session);
    counted.half_open = false;
    sessions.set_counted(session, counted);
    const Tuple reverse = sessions.tuple(session, Direction::reverse);
    hosts->release(receiver(image->tenants()[reverse.scope], reverse), now);
}

void Shard::State::uncount_session(SessionRef session) {
    const std::uint16_t tenant = sessions.flow(session, Direction::forward).key.scope;
    --counters.tenants[tenant].sessions;
    const SessionTable::Counted counted = sessions.counted(session);
    if (counted.half_open) uncount_half_open(session);
    if (!counted.of_host) return;
    hosts->release(opener(image->tenants()[tenant], sessions.tuple(session, Direction::forward)), now);
}

}  // namespace sluice
