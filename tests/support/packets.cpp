// SPDX-License-Identifier: Apache-2.0
#include "tests/support/packets.h"

#include <algorithm>
#include <stdexcept>

#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

Family family_of(const Packet& packet) {
    return address(packet.source).family;
}

/// Layer 2 fields are named alike in every struct of packets.h.
template <typename Fields>
Bytes l2_header(const Fields& fields, std::uint16_t ethertype) {
    Bytes out;
    append_mac(out, fields.destination_mac);
    append_mac(out, fields.source_mac);
    if (fields.outer_vlan) {
        append16(out, 0x88a8);
        append16(out, *fields.outer_vlan);
    }
    if (fields.vlan) {
        append16(out, 0x8100);
        append16(out, *fields.vlan);
    }
    append16(out, ethertype);
    return out;
}

Bytes pseudo_header(const Packet& packet, std::uint8_t protocol, std::size_t l4_length) {
    Bytes out;
    append_ip(out, packet.source);
    append_ip(out, packet.destination);
    append16(out, static_cast<std::uint16_t>(l4_length >> 16));
    append16(out, static_cast<std::uint16_t>(l4_length));
    append16(out, protocol);
    return out;
}

void fill_l4_checksum(const Packet& packet, std::uint8_t protocol, Bytes& l4, std::size_t at) {
    Bytes summed = protocol == 1 ? Bytes{} : pseudo_header(packet, protocol, l4.size());
    append(summed, l4);
    std::uint16_t checksum = slow_checksum(summed);
    if (protocol == 17 && checksum == 0) checksum = 0xffff;
    put16(l4, at, static_cast<std::uint16_t>(checksum + packet.l4_checksum_error));
}

Bytes ipv4_frame(const Packet& packet, std::uint8_t protocol, const Bytes& l4) {
    Bytes header;
    const std::size_t header_length = 20 + packet.ip_options.size();
    header.push_back(static_cast<std::uint8_t>(0x40 | header_length / 4));
    header.push_back(packet.tos);
    append16(header, static_cast<std::uint16_t>(header_length + l4.size()));
    append16(header, packet.id);
    append16(header, packet.dont_fragment ? 0x4000 : 0);
    header.push_back(packet.ttl);
    header.push_back(protocol);
    append16(header, 0);
    append_ip(header, packet.source);
    append_ip(header, packet.destination);
    append(header, packet.ip_options);
    put16(header, 10, static_cast<std::uint16_t>(slow_checksum(header) + packet.ip_checksum_error));
    Bytes out = l2_header(packet, 0x0800);
    append(out, header);
    append(out, l4);
    return out;
}

Bytes ipv6_frame(const Packet& packet, std::uint8_t protocol, const Bytes& l4) {
    Bytes extensions;
    for (std::size_t i = 0; i < packet.extensions.size(); ++i) {
        const bool last = i + 1 == packet.extensions.size();
        extensions.push_back(last ? protocol : packet.extensions[i + 1].type);
        append(extensions, packet.extensions[i].body);
    }
    Bytes out = l2_header(packet, 0x86dd);
    append16(out, static_cast<std::uint16_t>(0x6000 | packet.tos << 4));
    append16(out, 0);
    append16(out, static_cast<std::uint16_t>(extensions.size() + l4.size()));
    out.push_back(packet.extensions.empty() ? protocol : packet.extensions[0].type);
    out.push_back(packet.ttl);
    append_ip(out, packet.source);
    append_ip(out, packet.destination);
    append(out, extensions);
    append(out, l4);
    return out;
}

Bytes ip_frame(const Packet& packet, std::uint8_t protocol, const Bytes& l4) {
    return family_of(packet) == Family::v4 ? ipv4_frame(packet, protocol, l4)
                                           : ipv6_frame(packet, protocol, l4);
}

Bytes icmp_frame(const Packet& packet, std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
    const std::uint8_t protocol = family_of(packet) == Family::v4 ? 1 : 58;
    Bytes l4 = {type, code, 0, 0};
    append32(l4, rest);
    append(l4, packet.payload);
    fill_l4_checksum(packet, protocol, l4, 2);
    return ip_frame(packet, protocol, l4);
}

std::uint32_t query_rest(const Packet& packet) {
    return std::uint32_t{packet.identifier} << 16 | (packet.sequence & 0xffff);
}

Bytes neighbour_frame(const NeighbourFrame& frame, std::uint8_t type) {
    const bool solicitation = type == 135;
    Packet packet{.source_mac = frame.source_mac,
                  .destination_mac = frame.destination_mac,
                  .outer_vlan = frame.outer_vlan,
                  .vlan = frame.vlan,
                  .source = frame.source,
                  .destination = frame.destination,
                  .payload = {},
                  .ttl = frame.hop_limit};
    append_ip(packet.payload, frame.target);
    if (!frame.link_layer.empty()) {
        append(packet.payload, Bytes{static_cast<std::uint8_t>(solicitation ? 1 : 2), 1});
        append_mac(packet.payload, frame.link_layer);
    }
    const std::uint32_t flags = std::uint32_t{frame.router} << 31 | std::uint32_t{frame.solicited} << 30 |
                                std::uint32_t{frame.override_flag} << 29;
    return icmp_frame(packet, type, 0, solicitation ? 0 : flags);
}

}  // namespace

Bytes udp(const Packet& packet) {
    Bytes l4;
    append16(l4, packet.source_port);
    append16(l4, packet.destination_port);
    append16(l4, static_cast<std::uint16_t>(8 + packet.payload.size()));
    append16(l4, 0);
    append(l4, packet.payload);
    if (!packet.no_udp_checksum) fill_l4_checksum(packet, 17, l4, 6);
    return ip_frame(packet, 17, l4);
}

Bytes tcp(const Packet& packet) {
    Bytes l4;
    append16(l4, packet.source_port);
    append16(l4, packet.destination_port);
    append32(l4, packet.sequence);
    append32(l4, packet.acknowledgement);
    l4.push_back(static_cast<std::uint8_t>((20 + packet.tcp_options.size()) / 4 << 4));
    l4.push_back(packet.tcp_flags);
    append16(l4, packet.window);
    append16(l4, 0);
    append16(l4, 0);
    append(l4, packet.tcp_options);
    append(l4, packet.payload);
    fill_l4_checksum(packet, 6, l4, 16);
    return ip_frame(packet, 6, l4);
}

Bytes echo_request(const Packet& packet) {
    return icmp_frame(packet, family_of(packet) == Family::v4 ? 8 : 128, 0, query_rest(packet));
}

Bytes echo_reply(const Packet& packet) {
    return icmp_frame(packet, family_of(packet) == Family::v4 ? 0 : 129, 0, query_rest(packet));
}

Bytes icmp(const Packet& packet) {
    return icmp_frame(packet, packet.icmp_type, packet.icmp_code, packet.icmp_rest);
}

Bytes icmp_error(Packet packet, std::span<const std::uint8_t> quoted) {
    packet.payload.assign(quoted.begin(), quoted.end());
    return icmp(packet);
}

Bytes ip_protocol(const Packet& packet, std::uint8_t protocol) {
    return ip_frame(packet, protocol, packet.payload);
}

Bytes arp(const ArpFrame& arp) {
    Bytes out = l2_header(arp, 0x0806);
    append(out, Bytes{0, 1, 8, 0, 6, 4});
    append16(out, arp.operation);
    append_mac(out, arp.sender_mac);
    append_ip(out, arp.sender_ip);
    append_mac(out, arp.target_mac);
    append_ip(out, arp.target_ip);
    return out;
}

Bytes neighbour_solicitation(const NeighbourFrame& frame) {
    return neighbour_frame(frame, 135);
}

Bytes neighbour_advertisement(const NeighbourFrame& frame) {
    return neighbour_frame(frame, 136);
}

std::vector<Bytes> fragments(std::span<const std::uint8_t> frame, std::size_t piece_bytes, std::uint32_t id) {
    if (piece_bytes == 0 || piece_bytes % 8 != 0) throw std::invalid_argument("pieces are multiples of 8");
    const std::size_t l3 = l2_length(frame);
    const Bytes packet = ip_packet(frame);
    const bool v4 = packet.at(0) >> 4 == 4;
    const std::size_t header = v4 ? (packet[0] & 15u) * 4 : 40;
    std::vector<Bytes> out;
    for (std::size_t offset = 0; header + offset < packet.size(); offset += piece_bytes) {
        const std::size_t piece = std::min(piece_bytes, packet.size() - header - offset);
        const bool more = header + offset + piece < packet.size();
        Bytes l3_header(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(header));
        if (v4) {
            put16(l3_header, 2, static_cast<std::uint16_t>(header + piece));
            put16(l3_header, 6, static_cast<std::uint16_t>(offset / 8 | (more ? 0x2000 : 0)));
            put16(l3_header, 10, 0);
            put16(l3_header, 10, slow_checksum(l3_header));
        } else {
            put16(l3_header, 4, static_cast<std::uint16_t>(8 + piece));
            const std::uint8_t next = l3_header[6];
            l3_header[6] = 44;
            append(l3_header, Bytes{next, 0});
            append16(l3_header, static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
            append32(l3_header, id);
        }
        Bytes fragment(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(l3));
        append(fragment, l3_header);
        append(fragment, std::span(packet).subspan(header + offset, piece));
        out.push_back(fragment);
    }
    return out;
}

Bytes padded(Bytes frame, std::size_t length) {
    if (frame.size() < length) frame.resize(length, 0);
    return frame;
}

}  // namespace sluice::test
