// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/crossing_packets.h"

#include "schemas/layout/rfc6052.h"
#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

using Build = Bytes (*)(const Packet&);

Bytes gre(const Packet& packet) {
    return ip_protocol(packet, 47);
}

}  // namespace

const std::vector<std::pair<std::string, std::string>> crossing_hosts = {
    {"203.0.113.10", "2001:db8::5"}, {"203.0.113.11", "2001:db8:1:2:3:4:5:6"}};

Ip counterpart(Ip ip, Family family) {
    const bool v4 = family == Family::v4;
    for (const auto& [ipv4, ipv6] : crossing_hosts) {
        if (ip == address(v4 ? ipv4 : ipv6).ip) return address(v4 ? ipv6 : ipv4).ip;
    }
    const Prefix prefix = *parse_prefix(crossing_prefix);
    return v4 ? embed_ipv4(prefix, ip) : embedded_ipv4(prefix, ip);
}

std::vector<Bytes> CrossingPackets::next() {
    const Family family = random_.percent(50) ? Family::v4 : Family::v6;
    Packet packet = any(family, false);
    constexpr std::size_t icmp_of_any_type = 5, icmp_error_kind = 6;
    const std::size_t kind = random_.weighted({4, 4, 3, 2, 1, 2, 8});
    packet.no_udp_checksum = kind == 0 && family == Family::v4 && random_.percent(20);
    Bytes frame;
    if (kind == icmp_error_kind) {
        frame = error(packet, family);
    } else if (kind == icmp_of_any_type) {
        packet.icmp_type = static_cast<std::uint8_t>(family == Family::v4 ? random_.between(13, 20)
                                                                          : random_.between(128, 145));
        frame = icmp(packet);
    } else {
        frame = std::vector<Build>{udp, tcp, echo_request, echo_reply, gre}[kind](packet);
    }
    const bool whole = packet.payload.empty() || kind >= icmp_of_any_type || packet.no_udp_checksum ||
                       !packet.extensions.empty() || !packet.ip_options.empty();
    if (whole || !random_.percent(25)) return {frame};
    const std::size_t piece = 8 * random_.between(4, 120);
    return fragments(frame, piece, static_cast<std::uint32_t>(random_.next()));
}

/// From outside to a host over IPv4, from a host over IPv6; or reversed.
Packet CrossingPackets::any(Family family, bool reversed) {
    const bool v4 = family == Family::v4;
    Packet packet;
    const auto& [host4, host6] = random_.pick(crossing_hosts);
    const std::string outside4 = "198.51.100." + std::to_string(random_.between(1, 254));
    const std::string outside6 = to_string(counterpart(address(outside4).ip, Family::v4), Family::v6);
    packet.source = v4 ? outside4 : host6;
    packet.destination = v4 ? host4 : outside6;
    if (reversed) std::swap(packet.source, packet.destination);
    packet.source_port = static_cast<std::uint16_t>(random_.next());
    packet.destination_port = static_cast<std::uint16_t>(random_.next());
    packet.identifier = static_cast<std::uint16_t>(random_.next());
    packet.sequence = static_cast<std::uint32_t>(random_.next());
    packet.tcp_flags = static_cast<std::uint8_t>(random_.next());
    packet.payload.resize(random_.between(0, random_.percent(70) ? 100 : 1400));
    for (std::uint8_t& byte : packet.payload) byte = static_cast<std::uint8_t>(random_.next());
    packet.ttl = static_cast<std::uint8_t>(random_.between(3, 255));
    packet.tos = static_cast<std::uint8_t>(random_.next());
    packet.id = static_cast<std::uint16_t>(random_.next());
    packet.dont_fragment = random_.percent(50);
    if (random_.percent(10)) packet.l4_checksum_error = static_cast<std::uint16_t>(random_.between(1, 0xfffe));
    if (v4 && random_.percent(10)) packet.ip_options = {0x94, 4, 0, 0};
    if (!v4 && random_.percent(10)) packet.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
    return packet;
}

Bytes CrossingPackets::error(Packet packet, Family family) {
    const bool v4 = family == Family::v4;
    const int type = random_.pick(v4 ? std::vector<int>{3, 3, 3, 11, 12} : std::vector<int>{1, 2, 3, 4});
    packet.icmp_type = static_cast<std::uint8_t>(type);
    packet.icmp_code =
        static_cast<std::uint8_t>(v4 && type == 3 ? random_.between(0, 16) : random_.between(0, 4));
    const bool too_big = v4 ? type == 3 && packet.icmp_code == 4 : type == 2;
    if (too_big) packet.icmp_rest = random_.pick(std::vector<std::uint32_t>{0, 576, 1280, 1300, 1400, 1480});
    if (v4 && type == 12) packet.icmp_rest = static_cast<std::uint32_t>(random_.between(0, 24) << 24);
    if (!v4 && type == 4) packet.icmp_rest = static_cast<std::uint32_t>(random_.between(0, 44));

    Packet about = any(family, true);
    about.ttl = 1;
    Bytes frame = random_.pick(std::vector<Build>{udp, tcp, echo_request})(about);
    if (about.extensions.empty() && random_.percent(10))
        frame = random_.pick(fragments(frame, 8 * random_.between(4, 20), 0xbeef));
    Bytes quoted = ip_packet(frame);
    const std::size_t most = random_.percent(50) ? (v4 ? 28 : 48) : random_.between(v4 ? 48 : 68, 1200);
    if (quoted.size() > most) quoted.resize(most);
    return icmp_error(packet, quoted);
}

}  // namespace sluice::test
