// SPDX-License-Identifier: Apache-2.0
// A second, slow reading of a packet: what a checksum ought to be, word by word from the RFCs.
#include <algorithm>

#include "tests/support/bytes.h"
#include "tests/support/packets.h"

namespace sluice::test {
namespace {

/// Valid if what is there of layer 4 is the whole of it: `length` says how long it was when it was sent.
bool l4_checksum_valid(Bytes pseudo_header, std::uint8_t protocol, std::span<const std::uint8_t> l4,
                       std::size_t length) {
    const std::size_t field = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
    const bool has_checksum = protocol == 1 || protocol == 6 || protocol == 17 || protocol == 58;
    if (!has_checksum || l4.size() < length) return true;
    if (length < field + 2) return false;
    if (protocol == 17 && get16(l4, field) == 0) return pseudo_header.size() == 8;
    Bytes summed;
    if (protocol != 1) {
        summed = std::move(pseudo_header);
        append32(summed, static_cast<std::uint32_t>(length));
        append16(summed, protocol);
    }
    append(summed, l4.first(length));
    return slow_checksum(summed) == 0;
}

bool ipv4_valid(std::span<const std::uint8_t> packet) {
    const std::size_t header = (packet[0] & 15u) * 4;
    if (packet.size() < header || slow_checksum(packet.first(header)) != 0) return false;
    if ((get16(packet, 6) & 0x3fff) != 0) return true;
    return l4_checksum_valid(Bytes(packet.begin() + 12, packet.begin() + 20), packet[9], packet.subspan(header),
                             get16(packet, 2) - header);
}

bool ipv6_valid(std::span<const std::uint8_t> packet) {
    std::uint8_t next = packet[6];
    std::size_t at = 40;
    while (next == 0 || next == 43 || next == 44 || next == 60 || next == 51) {
        if (at + 8 > packet.size()) return true;
        if (next == 44 && (get16(packet, at + 2) & 0xfff9) != 0) return true;
        const std::size_t length = next == 44   ? 8
                                   : next == 51 ? (packet[at + 1] + 2u) * 4
                                                : (packet[at + 1] + 1u) * 8;
        next = packet[at];
        at += length;
    }
    if (at > packet.size()) return true;
    return l4_checksum_valid(Bytes(packet.begin() + 8, packet.begin() + 40), next, packet.subspan(at),
                             40u + get16(packet, 4) - at);
}

bool packet_valid(std::span<const std::uint8_t> packet) {
    if (packet.size() >= 20 && packet[0] >> 4 == 4) return ipv4_valid(packet);
    if (packet.size() >= 40 && packet[0] >> 4 == 6) return ipv6_valid(packet);
    return false;
}

bool is_ip(std::span<const std::uint8_t> frame) {
    const std::uint16_t ethertype = get16(frame, l2_length(frame) - 2);
    return ethertype == 0x0800 || ethertype == 0x86dd;
}

}  // namespace

std::size_t l2_length(std::span<const std::uint8_t> frame) {
    std::size_t at = 12;
    while (at + 4 <= frame.size() && (get16(frame, at) == 0x8100 || get16(frame, at) == 0x88a8)) at += 4;
    return at + 2;
}

Bytes ip_packet(std::span<const std::uint8_t> frame) {
    const auto packet = frame.subspan(l2_length(frame));
    const std::size_t length = packet[0] >> 4 == 4 ? get16(packet, 2) : 40u + get16(packet, 4);
    return Bytes(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(std::min(length, packet.size())));
}

std::uint16_t slow_checksum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        if (sum > 0xffff) sum -= 0xffff;
    }
    return static_cast<std::uint16_t>(~sum);
}

bool checksums_valid(std::span<const std::uint8_t> frame) {
    return !is_ip(frame) || packet_valid(ip_packet(frame));
}

bool quoted_checksums_valid(std::span<const std::uint8_t> frame) {
    const Bytes packet = ip_packet(frame);
    const std::size_t header = packet[0] >> 4 == 4 ? (packet[0] & 15u) * 4 : 40;
    return packet.size() >= header + 8 && packet_valid(std::span(packet).subspan(header + 8));
}

}  // namespace sluice::test
