// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/cross_family_write.h"

#include <cstring>

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/ip_headers.h"
#include "runtime/packet/write_translation.h"

namespace sluice {
namespace {

void write_ipv4_header(const IpView& view, std::uint8_t* out) noexcept {
    out[0] = 0x45;
    out[ipv4_tos_at] = view.tos;
    store16(out + ipv4_total_length_at, static_cast<std::uint16_t>(view.total_length));
    store16(out + ipv4_id_at, static_cast<std::uint16_t>(view.id));
    store16(out + ipv4_fragment_at, static_cast<std::uint16_t>((view.dont_fragment ? ipv4_dont_fragment : 0) |
                                                               (view.more_fragments ? ipv4_more_fragments : 0) |
                                                               view.fragment_offset / 8));
    out[ipv4_ttl_at] = view.ttl;
    out[ipv4_protocol_at] = view.protocol;
    store16(out + ipv4_checksum_at, 0);
    store_ip(out + addresses_at(Family::v4), view.source, Family::v4);
    store_ip(out + addresses_at(Family::v4) + 4, view.destination, Family::v4);
    store16(out + ipv4_checksum_at, checksum_finish(checksum_sum({out, ipv4_header_bytes})));
}

void write_ipv6_header(const IpView& view, std::uint8_t* out) noexcept {
    const bool has_fragment_header = view.fragment_header_offset != 0;
    store32(out, 0x60000000u | std::uint32_t{view.tos} << 20);
    store16(out + ipv6_payload_length_at, static_cast<std::uint16_t>(view.total_length - ipv6_header_bytes));
    out[ipv6_next_header_at] = has_fragment_header ? ipv6_fragment : view.protocol;
    out[ipv6_hop_limit_at] = view.ttl;
    store_ip(out + addresses_at(Family::v6), view.source, Family::v6);
    store_ip(out + addresses_at(Family::v6) + 16, view.destination, Family::v6);
    if (!has_fragment_header) return;
    std::uint8_t* header = out + ipv6_header_bytes;
    header[0] = view.protocol;
    header[1] = 0;
    store16(header + 2, static_cast<std::uint16_t>(view.fragment_offset | (view.more_fragments ? 1 : 0)));
    store32(header + 4, view.id);
}

std::uint16_t folded(std::uint32_t sum) noexcept {
    return static_cast<std::uint16_t>(~checksum_finish(sum));
}

/// What the checksum of TCP and UDP covers and may change: addresses and ports.
std::uint32_t sum_of_ends(const IpView& view) noexcept {
    return pseudo_header_sum(view.source, view.destination, view.family, 0, 0) + view.source_port +
           view.destination_port;
}

std::uint16_t icmp_identifier_of(const IpView& view) noexcept {
    return is_icmp_request(view.family, view.icmp_type) ? view.source_port : view.destination_port;
}

/// What the checksum of a query covers and may change: type, code, identifier and, with ICMPv6, the
/// pseudo-header.
std::uint32_t sum_of_query(const IpView& view, std::uint32_t l4_length) noexcept {
    const std::uint32_t own = (view.icmp_type << 8 | view.icmp_code) + icmp_identifier_of(view);
    if (view.family == Family::v4) return own;
    return own + pseudo_header_sum(view.source, view.destination, view.family, view.protocol, l4_length);
}

std::uint16_t delta_between(std::uint32_t before, std::uint32_t after) noexcept {
    ChecksumDelta delta;
    delta.replace16(folded(before), folded(after));
    return delta.value();
}

void write_udp_checksum(std::uint8_t* udp, const IpView& before, const IpView& after,
                        std::optional<std::uint16_t> udp_sum) noexcept {
    std::uint8_t* at = udp + udp_checksum_at;
    std::uint16_t checksum = load16(at);
    if (checksum == 0) {
        if (after.family == Family::v4 || !udp_sum) return;
        // As if it had come with one.
        const std::uint32_t pseudo = pseudo_header_sum(before.source, before.destination, before.family,
                                                       protocol_udp, load16(udp + udp_length_at));
        checksum = checksum_finish(pseudo + *udp_sum);
    }
    const std::uint16_t delta = delta_between(sum_of_ends(before), sum_of_ends(after));
    checksum = ChecksumDelta::from_value(delta).apply(checksum);
    store16(at, checksum == 0 ? 0xffff : checksum);
}

}  // namespace

void set_ends(IpView& across, const CrossedEnds& ends) noexcept {
    across.source = ends.source;
    across.destination = ends.destination;
    across.source_port = ends.source_port;
    across.destination_port = ends.destination_port;
}

void set_ipv4_id_across(IpView& across, const IpView& before, std::optional<std::uint16_t> ipv4_id) noexcept {
    if (across.family != Family::v4 || across.dont_fragment) return;
    if (ipv4_id) {
        across.id = *ipv4_id;
    } else if (before.fragment_header_offset == 0) {
        across.dont_fragment = true;  // RFC 6864 4.1: nobody may need it
    }
}

void write_header_of(const IpView& view, std::uint8_t* out) noexcept {
    if (view.family == Family::v4) {
        write_ipv4_header(view, out);
    } else {
        write_ipv6_header(view, out);
    }
}

void write_l4_across(std::uint8_t* l4, std::uint32_t l4_bytes, const IpView& before, const IpView& after,
                     std::uint32_t l4_length, std::optional<std::uint16_t> udp_sum) noexcept {
    if (before.fragment_offset != 0) return;
    switch (before.l4_kind) {
        case L4Kind::tcp:
        case L4Kind::udp:
            if (l4_bytes < 4) return;
            if (before.l4_kind == L4Kind::udp) {
                if (l4_bytes >= udp_header_bytes) write_udp_checksum(l4, before, after, udp_sum);
            } else if (l4_bytes >= tcp_checksum_at + 2) {
                update_checksum(l4 + tcp_checksum_at, delta_between(sum_of_ends(before), sum_of_ends(after)));
            }
            store16(l4, after.source_port);
            store16(l4 + 2, after.destination_port);
            return;
        case L4Kind::icmp_query:
            if (l4_bytes < icmp_header_bytes) return;
            l4[0] = after.icmp_type;
            l4[1] = after.icmp_code;
            store16(l4 + icmp_identifier_at, icmp_identifier_of(after));
            update_checksum(l4 + icmp_checksum_at,
                            delta_between(sum_of_query(before, l4_length), sum_of_query(after, l4_length)));
            return;
        case L4Kind::icmp_error:
        case L4Kind::icmp_other:
        case L4Kind::other:
            return;
    }
}

void move_layer2(PacketView& packet, std::uint32_t then, std::uint32_t now, const IpView& across) noexcept {
    Frame& frame = packet.frame;
    std::uint8_t* to = frame.data + then - now;
    std::memmove(to, frame.data, packet.l2.length);
    const std::uint32_t room = frame.length + frame.tailroom + now - then;
    frame.data = to;
    frame.headroom = static_cast<std::uint16_t>(frame.headroom + then - now);
    frame.length = packet.l2.length + across.total_length;
    frame.tailroom = room - frame.length;
    packet.l2.ethertype = across.family == Family::v4 ? ethertype_ipv4 : ethertype_ipv6;
    store16(to + packet.l2.length - 2, packet.l2.ethertype);
}

}  // namespace sluice
