// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/ip_headers.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"

namespace sluice {
namespace {

constexpr std::uint8_t option_end = 0, option_no_operation = 1, option_loose_source_route = 131,
                       option_strict_source_route = 137;

void read_fragment_header(const std::uint8_t* header, std::uint16_t at, IpView& view) noexcept {
    const std::uint16_t field = load16(header + 2);
    view.fragment_offset = field & 0xfff8;
    view.more_fragments = (field & 1) != 0;
    view.fragment = view.more_fragments || view.fragment_offset != 0;
    view.id = load32(header + 4);
    view.fragment_header_offset = at;
}

/// As the header itself says, for the types that have a length.
std::uint32_t extension_bytes(std::uint8_t type, std::uint8_t length_field) noexcept {
    if (type == ipv6_fragment) return ipv6_fragment_header_bytes;
    if (type == ipv6_authentication) return (length_field + 2u) * 4;  // RFC 4302 2.2
    return (length_field + 1u) * 8;
}

bool is_extension(std::uint8_t type) noexcept {
    return type == ipv6_hop_by_hop || type == ipv6_routing || type == ipv6_fragment ||
           type == ipv6_authentication || type == ipv6_destination_options;
}

}  // namespace

void read_ipv4_header(const std::uint8_t* packet, IpView& view) noexcept {
    view.family = Family::v4;
    view.header_length = static_cast<std::uint16_t>((packet[0] & 15) * 4);
    view.has_options = view.header_length > ipv4_header_bytes;
    view.tos = packet[ipv4_tos_at];
    view.total_length = load16(packet + ipv4_total_length_at);
    view.id = load16(packet + ipv4_id_at);
    const std::uint16_t fragment = load16(packet + ipv4_fragment_at);
    view.dont_fragment = (fragment & ipv4_dont_fragment) != 0;
    view.more_fragments = (fragment & ipv4_more_fragments) != 0;
    view.fragment_offset = static_cast<std::uint16_t>((fragment & ipv4_offset_mask) * 8);
    view.fragment = view.more_fragments || view.fragment_offset != 0;
    view.ttl = packet[ipv4_ttl_at];
    view.protocol = packet[ipv4_protocol_at];
    view.source = load_ip(packet + addresses_at(Family::v4), Family::v4);
    view.destination = load_ip(packet + addresses_at(Family::v4) + 4, Family::v4);
}

bool read_ipv4_options(std::span<const std::uint8_t> options, IpView& view) noexcept {
    for (std::size_t at = 0; at < options.size();) {
        const std::uint8_t type = options[at];
        if (type == option_end) return true;
        if (type == option_no_operation) {
            ++at;
            continue;
        }
        if (at + 1 >= options.size()) return false;
        const std::uint8_t length = options[at + 1];
        if (length < 2 || length > options.size() - at) return false;
        if (type == option_loose_source_route || type == option_strict_source_route) view.source_route = true;
        at += length;
    }
    return true;
}

void read_ipv6_header(const std::uint8_t* packet, IpView& view) noexcept {
    view.family = Family::v6;
    view.tos = static_cast<std::uint8_t>(load16(packet) >> 4);
    view.total_length = ipv6_header_bytes + load16(packet + ipv6_payload_length_at);
    view.ttl = packet[ipv6_hop_limit_at];
    view.dont_fragment = true;
    view.source = load_ip(packet + addresses_at(Family::v6), Family::v6);
    view.destination = load_ip(packet + addresses_at(Family::v6) + 16, Family::v6);
}

bool read_ipv6_extensions(std::span<const std::uint8_t> packet, std::uint8_t first, IpView& view) noexcept {
    std::uint8_t type = first;
    std::uint32_t at = ipv6_header_bytes;
    for (unsigned count = 0; is_extension(type) && view.fragment_offset == 0; ++count) {
        if (count == most_extension_headers) return false;
        if (packet.size() < at + 8) return false;  // the shortest of them
        const std::uint8_t* header = packet.data() + at;
        const std::uint32_t bytes = extension_bytes(type, header[1]);
        if (packet.size() < at + bytes) return false;
        if (type == ipv6_hop_by_hop && count > 0) return false;
        if (type == ipv6_fragment) {
            if (view.fragment_header_offset != 0) return false;
            read_fragment_header(header, static_cast<std::uint16_t>(at), view);
        } else if (type == ipv6_authentication) {
            view.authenticated = true;
        } else {
            view.has_options = true;
            if (type == ipv6_routing && header[2] == 0) view.source_route = true;  // RFC 5095
            if (type == ipv6_routing && header[3] != 0) view.segments_left = true;
        }
        type = header[0];
        at += bytes;
    }
    view.protocol = type;
    view.header_length = static_cast<std::uint16_t>(at);
    return true;
}

}  // namespace sluice
