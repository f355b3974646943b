// SPDX-License-Identifier: Apache-2.0
#include "tests/acceptance/underlay.h"

#include <gtest/gtest.h>

#include <regex>
#include <stdexcept>

#include "tests/support/bytes.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t first_ipv4 = 0xc6336400;  // 198.51.100.0/24
constexpr std::uint64_t subnet_ipv6 = 0x20010db800510000;
constexpr const char* everybody = "ff:ff:ff:ff:ff:ff";

/// The digits stay: 198.51.100.21 is 2001:db8:51::21.
std::string ipv6_text(std::uint32_t last) {
    return "2001:db8:51::" + std::to_string(last);
}
std::string ipv6_text(Ip ipv4) {
    if ((ipv4.v4() & 0xffffff00) != first_ipv4) throw std::logic_error("not of the underlay");
    return ipv6_text(ipv4.v4() & 0xff);
}
std::string ipv4_text(Ip ipv6) {
    if (ipv6.hi != subnet_ipv6 || ipv6.lo > 0xffff) return to_string(ipv6, Family::v6);
    return "198.51.100." + to_string(Ip{0, ipv6.lo}, Family::v6).substr(2);
}

/// Ports, traffic class and payload of `from`, between other addresses.
Packet between(const Decoded& from, std::string source, std::string destination, std::size_t header_bytes) {
    Packet packet;
    packet.source_mac = to_string(from.source_mac);
    packet.destination_mac = to_string(from.destination_mac);
    packet.source = std::move(source);
    packet.destination = std::move(destination);
    packet.source_port = from.source_port();
    packet.destination_port = from.destination_port();
    packet.identifier = from.word(4);
    packet.payload.assign(from.l4.begin() + static_cast<std::ptrdiff_t>(header_bytes), from.l4.end());
    packet.ttl = from.ttl;
    packet.tos = from.tos;
    packet.dont_fragment = from.dont_fragment;
    packet.no_udp_checksum = from.word(6) == 0;
    return packet;
}

Bytes neighbour_message_of(const Bytes& arp) {
    const auto ip_at = [&](std::size_t at) { return Ip::from_v4(get32(arp, at)); };
    const Decoded frame = decode(arp);
    NeighbourFrame message;
    message.source_mac = to_string(frame.source_mac);
    message.source = ipv6_text(ip_at(28));
    message.link_layer = message.source_mac;
    const std::string target = ipv6_text(ip_at(38));
    if (get16(arp, 20) == 1) {
        message.target = message.destination = target;
        if (to_string(frame.destination_mac) != everybody) {
            message.destination_mac = to_string(frame.destination_mac);
        }
        return neighbour_solicitation(message);
    }
    message.destination_mac = to_string(frame.destination_mac);
    message.destination = target;
    message.target = message.source;
    message.solicited = message.override_flag = true;
    return neighbour_advertisement(message);
}

Bytes arp_of(const Bytes& frame, const Decoded& message) {
    constexpr std::size_t target_at = 14 + 40 + 8, link_layer_at = target_at + 18;
    EXPECT_EQ(message.ttl, 255);  // RFC 4861 7.1
    EXPECT_TRUE(checksums_valid(frame));
    EXPECT_EQ(frame.size(), link_layer_at + 6);
    const auto word = [&](std::size_t at) {
        return std::uint64_t{get32(frame, at)} << 32 | get32(frame, at + 4);
    };
    const std::string target = ipv4_text({word(target_at), word(target_at + 8)});
    Mac link_layer;
    std::copy_n(frame.begin() + link_layer_at, 6, link_layer.bytes.begin());
    const bool asks = message.byte(0) == 135;
    ArpFrame arp_frame{.source_mac = to_string(message.source_mac),
                       .operation = static_cast<std::uint16_t>(asks ? 1 : 2),
                       .sender_mac = to_string(link_layer),
                       .sender_ip = asks ? ipv4_text(message.source) : target};
    if (asks) {
        arp_frame.target_ip = target;
    } else {
        arp_frame.target_mac = to_string(message.destination_mac);
        arp_frame.target_ip = ipv4_text(message.destination);
    }
    if (!message.destination_mac.is_group()) arp_frame.destination_mac = to_string(message.destination_mac);
    return arp(arp_frame);
}

/// RFC 6935 5: no UDP checksum. RFC 6438: a flow label that tells as much as the source port does.
void judge_tunnelled(const Bytes& frame, const Decoded& outer) {
    EXPECT_EQ(frame.size(), 14u + 40u + get16(frame, 18));
    EXPECT_EQ(outer.ttl, 64);
    EXPECT_TRUE(outer.options.empty());
    EXPECT_EQ(outer.word(6), 0);
    const std::uint32_t flow_label = get32(frame, 14) & 0xfffff;
    EXPECT_EQ(flow_label >> 6, outer.source_port() - 49152u);
    EXPECT_EQ(flow_label & 1, 1u);
}

}  // namespace

Texts over(Family outside, Texts texts) {
    if (outside == Family::v4) return texts;
    static const std::regex subnet(R"(198\.51\.100\.(\d+)/24)"), host(R"(198\.51\.100\.(\d+))"),
        mtu(R"((V0:\s*\{?\s*mtu: )1600)");
    for (auto& [name, text] : texts) {
        text = std::regex_replace(text, subnet, "\"2001:db8:51::$1/64\"");
        text = std::regex_replace(text, host, "\"2001:db8:51::$1\"");
        text = std::regex_replace(text, mtu, "$011620");
    }
    return texts;
}

Ip endpoint(Family outside, const std::string& ipv4) {
    const Ip ip = address(ipv4).ip;
    return outside == Family::v4 ? ip : address(ipv6_text(ip)).ip;
}

Bytes into_ipv6(const Bytes& frame) {
    const Decoded packet = decode(frame);
    if (packet.ethertype == 0x0806) return neighbour_message_of(frame);
    const auto between_ipv6 = [&](std::size_t header_bytes) {
        return between(packet, ipv6_text(packet.source), ipv6_text(packet.destination), header_bytes);
    };
    if (packet.kind() == Kind::udp) return udp(between_ipv6(8));
    if (packet.kind() == Kind::echo_request) return echo_request(between_ipv6(8));
    throw std::logic_error("nothing that a test sends on the underlay");
}

Bytes back_to_ipv4(const Bytes& frame) {
    const Decoded packet = decode(frame);
    EXPECT_EQ(packet.fault, "") << describe(packet);
    EXPECT_EQ(packet.ethertype, 0x86dd);
    if (packet.protocol == 58 && (packet.byte(0) == 135 || packet.byte(0) == 136)) return arp_of(frame, packet);
    const auto between_ipv4 = [&](std::size_t header_bytes) {
        return between(packet, ipv4_text(packet.source), ipv4_text(packet.destination), header_bytes);
    };
    if (packet.kind() == Kind::udp) {
        judge_tunnelled(frame, packet);
        return udp(between_ipv4(8));
    }
    EXPECT_EQ(packet.kind(), Kind::echo_reply) << describe(packet);
    return echo_reply(between_ipv4(8));
}

std::vector<SentFrame> UnderlayGateway::inject(std::string_view port, const Bytes& frame) {
    const bool translated = outside_ == Family::v6 && port.starts_with('V');
    return from_wire(TestGateway::inject(port, translated ? into_ipv6(frame) : frame));
}

std::vector<SentFrame> UnderlayGateway::from_wire(std::vector<SentFrame> sent) const {
    if (outside_ == Family::v4) return sent;
    for (SentFrame& frame : sent) {
        if (image().port_names()[frame.port].starts_with('V')) frame.bytes = back_to_ipv4(frame.bytes);
    }
    return sent;
}

}  // namespace sluice::test
