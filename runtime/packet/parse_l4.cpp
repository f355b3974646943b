// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/parse_l4.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/parse.h"

namespace sluice {
namespace {

void read_ports(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    view.source_port = load16(l4.data());
    view.destination_port = load16(l4.data() + 2);
}

void read_tcp_fields(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    view.tcp_sequence = load32(l4.data() + tcp_sequence_at);
    view.tcp_acknowledgement = load32(l4.data() + tcp_acknowledgement_at);
    view.tcp_flags = l4[tcp_flags_at];
}

bool is_icmp_error(Family family, std::uint8_t type) noexcept {
    // RFC 4443 2.1: ICMPv6 types below 128 are errors, unknown ones too.
    if (family == Family::v6) return type < 128;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

void read_icmp(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    view.icmp_type = l4[0];
    view.icmp_code = l4[1];
    const std::uint16_t identifier = load16(l4.data() + icmp_identifier_at);
    if (is_icmp_request(view.family, view.icmp_type)) {
        view.l4_kind = L4Kind::icmp_query;
        view.source_port = identifier;
    } else if (is_icmp_reply(view.family, view.icmp_type)) {
        view.l4_kind = L4Kind::icmp_query;
        view.destination_port = identifier;
    } else if (is_icmp_error(view.family, view.icmp_type)) {
        view.l4_kind = L4Kind::icmp_error;
    }
}

bool parse_icmp(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    if (l4.size() < icmp_header_bytes) return false;
    read_icmp(l4, view);
    return true;
}

bool parse_tcp(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    if (l4.size() < tcp_header_bytes) return false;
    const std::uint32_t header_bytes = (l4[tcp_data_offset_at] >> 4) * 4u;
    if (header_bytes < tcp_header_bytes || header_bytes > l4.size()) return false;
    read_ports(l4, view);
    read_tcp_fields(l4, view);
    return true;
}

bool parse_udp(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    if (l4.size() < udp_header_bytes) return false;
    const std::uint16_t length = load16(l4.data() + udp_length_at);
    if (length < udp_header_bytes) return false;
    if (!view.fragment && length > l4.size()) return false;
    read_ports(l4, view);
    return true;
}

}  // namespace

L4Kind kind_of_protocol(Family family, std::uint8_t protocol) noexcept {
    if (protocol == protocol_tcp) return L4Kind::tcp;
    if (protocol == protocol_udp) return L4Kind::udp;
    const std::uint8_t icmp = family == Family::v4 ? protocol_icmp : protocol_icmpv6;
    return protocol == icmp ? L4Kind::icmp_other : L4Kind::other;
}

bool parse_l4(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    view.l4_kind = kind_of_protocol(view.family, view.protocol);
    if (view.fragment_offset != 0) return true;
    switch (view.l4_kind) {
        case L4Kind::tcp:
            return parse_tcp(l4, view);
        case L4Kind::udp:
            return parse_udp(l4, view);
        case L4Kind::icmp_other:
            return parse_icmp(l4, view);
        default:
            return true;
    }
}

bool parse_quoted_l4(std::span<const std::uint8_t> l4, IpView& view) noexcept {
    view.l4_kind = kind_of_protocol(view.family, view.protocol);
    if (view.fragment_offset != 0) return true;
    switch (view.l4_kind) {
        case L4Kind::tcp:
        case L4Kind::udp:
            if (l4.size() < 4) return false;
            read_ports(l4, view);
            if (view.l4_kind == L4Kind::tcp && l4.size() > tcp_flags_at) read_tcp_fields(l4, view);
            return true;
        case L4Kind::icmp_other:
            return parse_icmp(l4, view);
        default:
            return true;
    }
}

bool icmp_checksum_valid(const PacketView& packet) noexcept {
    const IpView& ip = packet.ip;
    const auto message = packet.ip_bytes().subspan(ip.header_length);
    const std::uint32_t pseudo_header =
        ip.family == Family::v4 ? 0
                                : pseudo_header_sum(ip.source, ip.destination, ip.family, ip.protocol,
                                                    static_cast<std::uint32_t>(message.size()));
    return checksum_finish(checksum_sum(message, pseudo_header)) == 0;
}

}  // namespace sluice
