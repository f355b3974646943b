// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/ip_headers.h"
#include "runtime/packet/martians.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/parse_l4.h"

namespace sluice {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// DHCP clients without an address send from 0.0.0.0:68 to port 67 (RFC 2131 4.1).
bool is_dhcp_from_client(Bytes packet, const IpView& view) noexcept {
    return view.protocol == protocol_udp && view.fragment_offset == 0 &&
           view.total_length >= view.header_length + 4u && load16(packet.data() + view.header_length) == 68 &&
           load16(packet.data() + view.header_length + 2) == 67;
}

std::optional<DropReason> parse_ipv4(Bytes packet, IpView& view) noexcept {
    if (packet.size() < ipv4_header_bytes) return DropReason::SHORT;
    if (packet[0] >> 4 != 4) return DropReason::IP_VERSION;
    if ((packet[0] & 15) < 5) return DropReason::IP_HDRLEN;
    read_ipv4_header(packet.data(), view);
    if (view.total_length > packet.size() || view.total_length < view.header_length)
        return DropReason::IP_TOTLEN;
    if (checksum_finish(checksum_sum(packet.first(view.header_length))) != 0) return DropReason::IP_CSUM;
    if (is_martian_ipv4_source(view.source.v4())) {
        if (view.source.v4() != 0 || !is_dhcp_from_client(packet, view)) return DropReason::MARTIAN_SRC;
    }
    if (is_martian_ipv4_destination(view.destination.v4())) return DropReason::MARTIAN_DST;
    const Bytes options = packet.subspan(ipv4_header_bytes, view.header_length - ipv4_header_bytes);
    if (!options.empty() && !read_ipv4_options(options, view)) return DropReason::IP_HDRLEN;
    const Bytes l4 = packet.subspan(view.header_length, view.total_length - view.header_length);
    return parse_l4(l4, view) ? std::nullopt : std::optional(DropReason::L4_SHORT);
}

std::optional<DropReason> parse_ipv6(Bytes packet, IpView& view) noexcept {
    if (packet.size() < ipv6_header_bytes) return DropReason::SHORT;
    if (packet[0] >> 4 != 6) return DropReason::IP_VERSION;
    read_ipv6_header(packet.data(), view);
    if (view.total_length > packet.size()) return DropReason::IP_TOTLEN;
    // A payload length of 0 with a hop-by-hop header is a jumbogram (RFC 2675), longer than any link of ours.
    const std::uint8_t first = packet[ipv6_next_header_at];
    if (view.total_length == ipv6_header_bytes && first == ipv6_hop_by_hop) return DropReason::IP_TOTLEN;
    if (is_martian_ipv6_source(view.source)) return DropReason::MARTIAN_SRC;
    if (is_martian_ipv6_destination(view.destination)) return DropReason::MARTIAN_DST;
    const Bytes whole = packet.first(view.total_length);
    if (!read_ipv6_extensions(whole, first, view)) return DropReason::IP_HDRLEN;
    // Only neighbour discovery and MLD speak without an address yet (RFC 4861 4.3, RFC 3590), and ICMPv6 is
    // known behind the extension headers only.
    if (view.source == Ip{} && view.protocol != protocol_icmpv6) return DropReason::MARTIAN_SRC;
    return parse_l4(whole.subspan(view.header_length), view) ? std::nullopt
                                                             : std::optional(DropReason::L4_SHORT);
}

}  // namespace

std::optional<DropReason> parse_ip_packet(std::span<const std::uint8_t> packet, std::uint16_t ethertype,
                                          IpView& view) noexcept {
    view = {};
    if (ethertype == ethertype_ipv4) return parse_ipv4(packet, view);
    if (ethertype == ethertype_ipv6) return parse_ipv6(packet, view);
    return DropReason::IP_VERSION;
}

std::optional<QuotedPacket> parse_quoted_packet(std::span<const std::uint8_t> quoted, Family family) noexcept {
    QuotedPacket result;
    IpView& view = result.view;
    if (family == Family::v4) {
        if (quoted.size() < ipv4_header_bytes || quoted[0] >> 4 != 4 || (quoted[0] & 15) < 5)
            return std::nullopt;
        read_ipv4_header(quoted.data(), view);
        if (view.header_length > quoted.size()) return std::nullopt;
    } else {
        if (quoted.size() < ipv6_header_bytes || quoted[0] >> 4 != 6) return std::nullopt;
        read_ipv6_header(quoted.data(), view);
        if (!read_ipv6_extensions(quoted, quoted[ipv6_next_header_at], view)) return std::nullopt;
    }
    Bytes l4 = quoted.subspan(view.header_length);
    // What follows the quoted packet (RFC 4884 padding and extensions) is none of it. A length that makes no
    // sense was mangled on the way and limits nothing.
    if (view.total_length >= view.header_length && l4.size() > view.total_length - view.header_length) {
        l4 = l4.first(view.total_length - view.header_length);
    }
    result.l4_bytes = static_cast<std::uint32_t>(l4.size());
    if (!parse_quoted_l4(l4, view)) return std::nullopt;
    return result;
}

}  // namespace sluice
