// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build.h"
#include "runtime/packet/build_ip.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"

namespace sluice {
namespace {

constexpr std::uint32_t message_bytes = 24, target_at = 8, options_at = 24, link_layer_option_bytes = 8;
constexpr std::uint8_t option_source_link_layer = 1, option_target_link_layer = 2;
constexpr std::uint8_t flag_router = 0x80, flag_solicited = 0x40, flag_override = 0x20;

/// ff02::1:ff00:0/104 (RFC 4291 2.7.1).
bool is_solicited_node_group(Ip ip) noexcept {
    return ip.hi == 0xff02'0000'0000'0000 && ip.lo >> 24 == 0x1ff;
}

/// False: an option of length zero, or one that leaves the message. An address option of another length than
/// Ethernet's is none of ours and passed over.
bool read_options(std::span<const std::uint8_t> options, NeighbourMessage& message) noexcept {
    const std::uint8_t wanted = message.solicitation ? option_source_link_layer : option_target_link_layer;
    while (!options.empty()) {
        if (options.size() < 2 || options[1] == 0) return false;
        const std::size_t bytes = options[1] * std::size_t{8};
        if (bytes > options.size()) return false;
        if (options[0] == wanted && bytes == link_layer_option_bytes && !message.link_layer) {
            message.link_layer = load_mac(options.data() + 2);
        }
        options = options.subspan(bytes);
    }
    return true;
}

/// RFC 4861 7.1.1 and 7.1.2, what concerns addresses and flags.
bool is_consistent(const NeighbourMessage& message) noexcept {
    if (is_group(message.target, Family::v6)) return false;
    if (!message.solicitation) return !(is_group(message.destination, Family::v6) && message.solicited);
    if (message.source != Ip{}) return true;
    return is_solicited_node_group(message.destination) && !message.link_layer;
}

}  // namespace

std::optional<NeighbourMessage> parse_neighbour_message(const PacketView& packet) noexcept {
    const IpView& ip = packet.ip;
    if (ip.family != Family::v6 || ip.protocol != protocol_icmpv6 || ip.ttl != 255 || ip.icmp_code != 0) {
        return std::nullopt;
    }
    // RFC 6980 5: neighbour discovery never comes with a fragment header.
    if (ip.fragment_header_offset != 0) return std::nullopt;
    const bool solicitation = ip.icmp_type == icmpv6_neighbour_solicitation;
    if (!solicitation && ip.icmp_type != icmpv6_neighbour_advertisement) return std::nullopt;
    const std::uint32_t length = ip.total_length - ip.header_length;
    if (length < message_bytes) return std::nullopt;
    const std::span<const std::uint8_t> icmp(packet.l4(), length);
    const std::uint32_t pseudo =
        pseudo_header_sum(ip.source, ip.destination, Family::v6, protocol_icmpv6, length);
    if (checksum_finish(checksum_sum(icmp, pseudo)) != 0) return std::nullopt;

    NeighbourMessage message;
    message.solicitation = solicitation;
    message.source = ip.source;
    message.destination = ip.destination;
    message.target = load_ip(icmp.data() + target_at, Family::v6);
    if (!solicitation) {
        message.router = (icmp[4] & flag_router) != 0;
        message.solicited = (icmp[4] & flag_solicited) != 0;
        message.override_flag = (icmp[4] & flag_override) != 0;
    }
    if (!read_options(icmp.subspan(options_at), message) || !is_consistent(message)) return std::nullopt;
    return message;
}

std::uint32_t build_neighbour_message(const NeighbourMessage& message, std::span<std::uint8_t> out) noexcept {
    const std::uint32_t length = message_bytes + (message.link_layer ? link_layer_option_bytes : 0);
    if (out.size() < ipv6_header_bytes + length) return 0;
    const OwnPacket packet{.family = Family::v6,
                           .source = message.source,
                           .destination = message.destination,
                           .protocol = protocol_icmpv6,
                           .ttl = 255};
    std::uint8_t* icmp = write_ip_header(packet, length, out.data());
    store64(icmp, 0);
    icmp[0] = message.solicitation ? icmpv6_neighbour_solicitation : icmpv6_neighbour_advertisement;
    if (!message.solicitation) {
        icmp[4] = static_cast<std::uint8_t>((message.router ? flag_router : 0) |
                                            (message.solicited ? flag_solicited : 0) |
                                            (message.override_flag ? flag_override : 0));
    }
    store_ip(icmp + target_at, message.target, Family::v6);
    if (message.link_layer) {
        icmp[options_at] = message.solicitation ? option_source_link_layer : option_target_link_layer;
        icmp[options_at + 1] = 1;
        store_mac(icmp + options_at + 2, *message.link_layer);
    }
    fill_l4_checksum(packet, icmp, length, icmp_checksum_at);
    return ipv6_header_bytes + length;
}

Ip solicited_node_group(Ip target) noexcept {
    return {0xff02'0000'0000'0000, 0x0000'0001'ff00'0000 | (target.lo & 0xff'ffff)};
}

Mac multicast_mac(Ip group, Family family) noexcept {
    Mac mac;
    if (family == Family::v4) {  // RFC 1112 6.4: the lower 23 bits
        mac.bytes = {0x01, 0x00, 0x5e};
        store16(mac.bytes.data() + 4, static_cast<std::uint16_t>(group.v4()));
        mac.bytes[3] = static_cast<std::uint8_t>(group.v4() >> 16 & 0x7f);
    } else {  // RFC 2464 7: the last four bytes
        mac.bytes = {0x33, 0x33};
        store32(mac.bytes.data() + 2, static_cast<std::uint32_t>(group.lo));
    }
    return mac;
}

}  // namespace sluice
