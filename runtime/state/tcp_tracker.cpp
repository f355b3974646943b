// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tcp_tracker.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t shortest_tcp_header = 20;
constexpr std::uint8_t largest_window_shift = 14;
constexpr std::uint8_t option_end = 0, option_nop = 1, option_window_scale = 3;

/// The TCP header's bytes as far as header length field, packet and frame all have them; empty where not even
/// the fixed part fits.
std::span<const std::uint8_t> tcp_header_of(const PacketView& packet) noexcept {
    const std::uint32_t end = std::min(packet.ip.total_length, packet.l3_room());
    if (packet.ip.header_length + shortest_tcp_header > end) return {};
    const std::uint32_t declared = (packet.l4()[12] >> 4) * 4u;
    const std::uint32_t present = end - packet.ip.header_length;
    return {packet.l4(), std::clamp(declared, shortest_tcp_header, present)};
}

bool carries_data(const IpView& segment, std::uint32_t l4_header_bytes) noexcept {
    return segment.total_length > segment.header_length + l4_header_bytes;
}

}  // namespace

std::string_view name_of(TcpState state) {
    constexpr std::string_view names[] = {"CLOSED", "INIT",     "ESTABLISHED", "C_FIN",
                                          "S_FIN",  "BOTH_FIN", "TRANS"};
    return names[static_cast<std::uint8_t>(state)];
}

bool TcpTracker::opens(std::uint8_t tcp_flags) noexcept {
    return (tcp_flags & (tcp_syn | tcp_ack | tcp_rst | tcp_fin)) == tcp_syn;
}

void TcpTracker::update(const PacketView& packet, std::uint8_t direction) noexcept {
    const auto header_bytes = static_cast<std::uint32_t>(tcp_header_of(packet).size());
    update(packet.ip, direction, window_scale_option(packet), header_bytes);
}

void TcpTracker::update(const IpView& segment, std::uint8_t direction, std::uint8_t window_scale_option,
                        std::uint32_t l4_header_bytes) noexcept {
    const std::uint8_t flags = segment.tcp_flags;
    if ((flags & tcp_rst) != 0) {
        if (plausible(segment, direction)) state = TcpState::trans;
        return;
    }
    const bool from_client = direction == 0;
    if ((flags & tcp_syn) != 0) {
        const bool over = state == TcpState::both_fin || state == TcpState::trans;
        if (from_client && opens(flags) && (state == TcpState::closed || over)) {
            *this = TcpTracker{};
            state = TcpState::init;
        }
        // Only a connection that is opening may set it: a forged SYN must not widen an established one's
        // window.
        if (state == TcpState::init) window_scale[direction] = window_scale_option;
        if (!from_client && state == TcpState::init) {
            state = TcpState::established;
            last_ack[0] =
                segment.tcp_sequence + 1;  // what the initiator has to acknowledge before it has seen_ack
        }
    }
    if ((flags & tcp_ack) != 0 && !(from_client && half_open() && !completes(segment))) {
        seen_ack[direction] = true;
        last_ack[direction] = segment.tcp_acknowledgement;
    }
    if (state == TcpState::trans && (flags & tcp_syn) == 0 && carries_data(segment, l4_header_bytes)) {
        state = TcpState::established;
    }
    if ((flags & tcp_fin) != 0 && plausible(segment, direction)) {
        if (state == TcpState::established) {
            state = from_client ? TcpState::c_fin : TcpState::s_fin;
        } else if (state == (from_client ? TcpState::s_fin : TcpState::c_fin)) {
            state = TcpState::both_fin;
        }
    }
}

/// Somebody who forges the initiator's address does not see the other side's SYN (RFC 4987 2.1).
bool TcpTracker::completes(const IpView& segment) const noexcept {
    return segment.tcp_acknowledgement - last_ack[0] <= std::uint32_t{65536} << window_scale[0];
}

bool TcpTracker::plausible(const IpView& segment, std::uint8_t direction) const noexcept {
    const std::uint8_t other = direction ^ 1;
    if (!seen_ack[other]) return true;
    const std::uint32_t ahead = segment.tcp_sequence - last_ack[other];
    const std::uint32_t distance = std::min(ahead, 0u - ahead);
    return distance <= std::uint32_t{65536} << window_scale[other];
}

Time TcpTracker::timeout(const SessionTimeouts& timeouts) const noexcept {
    switch (state) {
        case TcpState::closed:
        case TcpState::init:
            return timeouts.tcp_opening;
        case TcpState::established:
            return half_open() ? timeouts.tcp_opening : timeouts.tcp_established;
        case TcpState::c_fin:  // a half-closed connection may live as long as any (RFC 6146 3.5.2.2)
        case TcpState::s_fin:
            return timeouts.tcp_established;
        case TcpState::both_fin:
        case TcpState::trans:
            break;
    }
    return timeouts.tcp_closing;
}

std::uint8_t window_scale_option(const PacketView& packet) noexcept {
    if ((packet.ip.tcp_flags & tcp_syn) == 0) return 0;
    const auto header = tcp_header_of(packet);
    for (std::size_t at = shortest_tcp_header; at < header.size();) {
        const std::uint8_t kind = header[at];
        if (kind == option_end) return 0;
        if (kind == option_nop) {
            ++at;
            continue;
        }
        if (at + 1 >= header.size()) return 0;
        const std::uint8_t length = header[at + 1];
        if (length < 2 || at + length > header.size()) return 0;
        if (kind == option_window_scale && length == 3) return std::min(header[at + 2], largest_window_shift);
        at += length;
    }
    return 0;
}

}  // namespace sluice
