// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/cross_family.h"

#include <algorithm>

#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/cross_family_icmp.h"
#include "runtime/packet/cross_family_write.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/ip_headers.h"

namespace sluice {
namespace {

constexpr std::uint32_t longest_length = 0xffff;

bool is_extension_header(std::uint8_t protocol) noexcept {
    return protocol == ipv6_hop_by_hop || protocol == ipv6_routing || protocol == ipv6_fragment ||
           protocol == ipv6_authentication || protocol == ipv6_destination_options;
}

std::optional<std::uint8_t> protocol_across(Family from, std::uint8_t protocol) noexcept {
    constexpr std::uint8_t igmp = 2;
    const std::uint8_t icmp = from == Family::v4 ? protocol_icmp : protocol_icmpv6;
    const std::uint8_t other_icmp = from == Family::v4 ? protocol_icmpv6 : protocol_icmp;
    if (protocol == icmp) return other_icmp;
    if (protocol == other_icmp || protocol == igmp || is_extension_header(protocol)) return std::nullopt;
    return protocol;
}

/// Those that translation leaves out stand in front of what is cut into fragments.
bool extensions_go(const IpView& view) noexcept {
    if (view.segments_left || view.authenticated) return false;
    return !view.fragment || view.header_length == view.fragment_header_offset + ipv6_fragment_header_bytes;
}

}  // namespace

std::optional<IpView> view_across(const IpView& view) noexcept {
    const bool to_v6 = view.family == Family::v4;
    const auto protocol = protocol_across(view.family, view.protocol);
    if (!protocol || (!to_v6 && !extensions_go(view))) return std::nullopt;

    IpView across;
    across.family = to_v6 ? Family::v6 : Family::v4;
    across.protocol = *protocol;
    across.ttl = view.ttl;
    across.tos = view.tos;
    across.l4_kind = view.l4_kind;
    across.tcp_flags = view.tcp_flags;
    across.tcp_sequence = view.tcp_sequence;
    across.tcp_acknowledgement = view.tcp_acknowledgement;
    across.fragment = view.fragment;
    across.more_fragments = view.more_fragments;
    across.fragment_offset = view.fragment_offset;

    const bool icmp = view.protocol == protocol_icmp || view.protocol == protocol_icmpv6;
    if (icmp && view.fragment_offset == 0) {
        const auto kind = icmp_across(view.family, {view.icmp_type, view.icmp_code});
        if (!kind) return std::nullopt;
        across.icmp_type = kind->type;
        across.icmp_code = kind->code;
    }

    const std::uint32_t l4_length =
        std::max<std::uint32_t>(view.total_length, view.header_length) - view.header_length;
    if (to_v6) {
        across.header_length = ipv6_header_bytes;
        if (view.fragment) {
            across.fragment_header_offset = ipv6_header_bytes;
            across.header_length += ipv6_fragment_header_bytes;
        }
    } else {
        across.header_length = ipv4_header_bytes;
    }
    across.total_length = across.header_length + l4_length;
    across.dont_fragment =
        to_v6 || (view.fragment_header_offset == 0 && across.total_length > longest_without_df);
    if (to_v6) {
        across.id = view.fragment ? view.id : 0;
    } else {
        across.id = view.id & 0xffff;
    }
    // A datagram's bytes: IPv6 counts them without its header, IPv4 with it.
    const std::uint32_t end = view.fragment_offset + l4_length + (to_v6 ? 0 : ipv4_header_bytes);
    if (end > longest_length) return std::nullopt;
    return across;
}

WholeDatagram whole_datagram(std::span<const PacketView> packets) noexcept {
    WholeDatagram datagram;
    for (const PacketView& packet : packets)
        datagram.l4_length += packet.ip.total_length - packet.ip.header_length;
    if (packets.empty()) return datagram;
    const PacketView& first = packets.front();
    const bool sum_missing = first.ip.family == Family::v4 && first.ip.l4_kind == L4Kind::udp &&
                             first.ip.fragment_offset == 0 && load16(first.l4() + udp_checksum_at) == 0;
    if (!sum_missing) return datagram;
    // What stands behind UDP's own length is not summed. All fragments but the last have an even length.
    std::uint32_t left = load16(first.l4() + udp_length_at), sum = 0;
    for (const PacketView& packet : packets) {
        const std::uint32_t bytes = std::min(left, packet.ip.total_length - packet.ip.header_length);
        sum = checksum_sum({packet.l4(), bytes}, sum);
        left -= bytes;
    }
    datagram.udp_sum = static_cast<std::uint16_t>(~checksum_finish(sum));
    return datagram;
}

bool translate_across(PacketView& packet, const CrossedEnds& ends, const WholeDatagram& datagram,
                      std::optional<std::uint16_t> ipv4_id) noexcept {
    auto across = view_across(packet.ip);
    if (!across || across->header_length > packet.ip.header_length + packet.frame.headroom) return false;
    set_ends(*across, ends);
    set_ipv4_id_across(*across, packet.ip, ipv4_id);
    write_l4_across(packet.l4(), packet.ip.total_length - packet.ip.header_length, packet.ip, *across,
                    datagram.l4_length, datagram.udp_sum);
    move_layer2(packet, packet.ip.header_length, across->header_length, *across);
    write_header_of(*across, packet.l3());
    packet.ip = *across;
    return true;
}

}  // namespace sluice
