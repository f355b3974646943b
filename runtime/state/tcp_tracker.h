// SPDX-License-Identifier: Apache-2.0
//
// The TCP state of a session (RFC 5382, RFC 7857 2) as a NAT sees it: enough to choose a timeout and to
// distrust stray RSTs and FINs.
//
//   CLOSED --client SYN--> INIT --server SYN--> ESTABLISHED --FIN of client--> C_FIN --FIN of server-->
//   BOTH_FIN
//                                                            --FIN of server--> S_FIN --FIN of client-->
//                                                            BOTH_FIN
//   any --plausible RST--> TRANS --data--> ESTABLISHED (RFC 7857 2.2);  deletion is by timer only
//   BOTH_FIN, TRANS --client SYN--> INIT: the client uses the same ports for its next connection
//
// Owner shard only; plain value, no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "runtime/packet/view.h"

namespace sluice {

enum class TcpState : std::uint8_t { closed, init, established, c_fin, s_fin, both_fin, trans };
std::string_view name_of(TcpState state);

/// Idle times by what the session carries (seed-systems 0.4).
struct SessionTimeouts {
    Time udp = seconds(300);
    Time dns = seconds(120);          // UDP to port 53
    Time tcp_opening = seconds(240);  // before both SYNs, and the initiator's answer to the second
    Time tcp_established = seconds(7440);
    Time tcp_closing = seconds(240);  // after a FIN of each side or a RST
    Time icmp = seconds(60);
    Time other = seconds(300);

    /// After this long without a packet no session lives.
    Time longest() const {
        return std::max({udp, dns, tcp_opening, tcp_established, tcp_closing, icmp, other});
    }
};

struct TcpTracker {
    TcpState state = TcpState::closed;
    std::uint8_t window_scale[2] = {0, 0};  // from each side's SYN (RFC 7323 2.2)
    bool seen_ack[2] = {false, false};
    std::uint32_t last_ack[2] = {0, 0};  // the last acknowledgement each direction sent

    /// Nobody has completed it yet: the initiator has acknowledged nothing (RFC 4987 2.1).
    bool half_open() const noexcept {
        return state <= TcpState::init || (state == TcpState::established && !seen_ack[0]);
    }
    /// May a packet with these flags open a session? SYN without ACK, RST and FIN only.
    static bool opens(std::uint8_t tcp_flags) noexcept;
    /// Advances by one segment of the given direction (0 the initiator's). `window_scale_option` is the
    /// segment's, 0 where absent. Bytes behind `l4_header_bytes` are data; where the caller does not know the
    /// header's length, options count as data, which errs towards keeping the session.
    void update(const IpView& segment, std::uint8_t direction, std::uint8_t window_scale_option,
                std::uint32_t l4_header_bytes = 20) noexcept;
    /// The same with header length and window scale read from the packet: what a stage calls.
    void update(const PacketView& packet, std::uint8_t direction) noexcept;
    /// A RST or FIN counts only near what the other side last acknowledged: within 64 KiB << its window scale.
    /// Before the other side acknowledged anything there is nothing to compare with, and little to lose.
    bool plausible(const IpView& segment, std::uint8_t direction) const noexcept;
    /// Whether the initiator's segment acknowledges the other side's SYN.
    bool completes(const IpView& segment) const noexcept;
    /// What may open, end or reset a connection, of one that has not ended, and is not plausible.
    bool disturbs(const IpView& segment, std::uint8_t direction) const noexcept {
        const bool over =
            state == TcpState::both_fin || state == TcpState::trans;  // the ports may be used again
        return !over && (segment.tcp_flags & (tcp_syn | tcp_fin | tcp_rst)) != 0 &&
               !plausible(segment, direction);
    }
    /// Packets of such a session may be served from the flow cache.
    bool cacheable() const noexcept { return state == TcpState::established; }
    Time timeout(const SessionTimeouts& timeouts) const noexcept;
};

/// The shift of the window scale option of a SYN, 0 where there is none (or it is cut short). Capped at 14 (RFC
/// 7323 2.3).
std::uint8_t window_scale_option(const PacketView& packet) noexcept;

}  // namespace sluice
