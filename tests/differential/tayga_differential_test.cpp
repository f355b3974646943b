// SPDX-License-Identifier: Apache-2.0
//
// The same packets through runtime/packet/cross_family.h and through tayga, a stateless translator (RFC 6145,
// which RFC 7915 replaced), with the same addresses: the same packets in the other IP version.
// SLUICE_PROPERTY_RUNS multiplies their number.
//
// What is left out, because the two mean to differ, each with its reason:
// - DF and ID of IPv4 packets that are not fragments, quoted ones as well: RFC 6145 5.1 sets DF always, its
//   successor in packets longer than 1260 bytes only. Tayga chooses IDs once it told a host of a small MTU.
// - ICMP errors over IPv4 are cut to 576 bytes by tayga (RFC 1812 4.3.2.3); ours are as long as they came.
// - The hop limit of what tayga cuts into IPv6 fragments: it takes two off.
// - A quoted IPv4 fragment: tayga leaves its fragment header out.
// - MTUs larger than those of tayga's own device: it tells of that one then. Ours leave links to their caller.
// What tayga does not translate at all, and ours do: see why_tayga_is_silent. Of UDP fragments without checksum
// it translates all but the first, and behind a fragment header it takes extension headers for layer 4: neither
// are sent.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "runtime/packet/cross_family.h"
#include "runtime/packet/rewrite.h"
#include "tests/differential/crossing_packets.h"
#include "tests/differential/tayga.h"
#include "tests/runtime/packet/crossing.h"
#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

CrossedEnds ends_across(const IpView& view) {
    return {counterpart(view.source, view.family), counterpart(view.destination, view.family), view.source_port,
            view.destination_port};
}

bool translate(PacketView& packet, const WholeDatagram& whole, const std::optional<QuotedPacket>& quoted) {
    const CrossedEnds ends = ends_across(packet.ip);
    if (packet.ip.l4_kind != L4Kind::icmp_error || packet.ip.fragment_offset != 0)
        return translate_across(packet, ends, whole, std::nullopt);
    return quoted && translate_error_across(packet, ends, *quoted, ends_across(quoted->view));
}

/// What came as IPv4 without DF is cut to what every IPv6 link carries (RFC 7915 4.1).
std::vector<Bytes> cut(const PacketView& packet, std::uint32_t ipv4_id) {
    constexpr std::uint16_t every_link = 1280;
    const std::uint32_t count = ipv6_fragment_count(packet.ip, every_link);
    std::vector<Bytes> pieces;
    for (std::uint32_t i = 0; i < count; ++i) {
        Bytes piece(every_link);
        piece.resize(build_ipv6_fragment(packet.ip_bytes(), packet.ip, every_link, ipv4_id, i, piece));
        if (count > 1) --piece[7];  // as tayga does
        pieces.push_back(piece);
    }
    return pieces;
}

/// One packet or the fragments of one, as a router would send them on.
std::vector<Bytes> translated(const std::vector<Bytes>& frames) {
    std::vector<Crossing> crossings;
    std::vector<PacketView> packets;
    for (const Bytes& frame : frames) crossings.emplace_back(frame);
    for (const Crossing& crossing : crossings) packets.push_back(crossing.packet);
    const WholeDatagram whole = whole_datagram(packets);
    std::vector<Bytes> out;
    for (Crossing& crossing : crossings) {
        PacketView& packet = crossing.packet;
        const IpView before = packet.ip;
        if (!translate(packet, whole, crossing.quoted())) return {};
        decrement_ttl(packet.l3(), packet.ip.family, 1);
        const auto bytes = packet.ip_bytes();
        if (before.family == Family::v4 && !before.dont_fragment) {
            for (Bytes& piece : cut(packet, before.id)) out.push_back(std::move(piece));
        } else {
            out.emplace_back(bytes.begin(), bytes.end());
        }
    }
    return out;
}

std::string text_of(const Bytes& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        char hex[4];
        std::snprintf(hex, sizeof hex, "%02x ", byte);
        text += hex;
    }
    return text.substr(0, 3 * 120) + std::to_string(bytes.size());
}

bool is_v4(const Bytes& packet) {
    return packet.at(0) >> 4 == 4;
}

struct Layer4 {
    std::uint8_t protocol = 0;
    bool fragment = false;
    std::span<const std::uint8_t> bytes;
};
/// Only what Packets makes.
Layer4 layer4(std::span<const std::uint8_t> packet) {
    if (packet[0] >> 4 == 4)
        return {packet[9], (get16(packet, 6) & 0x3fff) != 0, packet.subspan((packet[0] & 15u) * 4)};
    if (packet[6] == 60) return {packet[40], false, packet.subspan(48)};
    if (packet[6] == 44) return {packet[40], true, packet.subspan(48)};
    return {packet[6], false, packet.subspan(40)};
}
bool is_icmp(const Layer4& layer) {
    return layer.protocol == 1 || layer.protocol == 58;
}
bool is_error(const Bytes& packet) {
    const Layer4 layer = layer4(packet);
    if (!is_icmp(layer) || layer.fragment) return false;
    const std::uint8_t type = layer.bytes[0];
    return is_v4(packet) ? type == 3 || type == 11 || type == 12 : type < 128;
}

void repair_ipv4_checksum(std::span<std::uint8_t> packet) {
    put16(packet, 10, 0);
    put16(packet, 10, slow_checksum(packet.first(20)));
}

void leave_out_id_and_df(std::span<std::uint8_t> packet) {
    if ((get16(packet, 6) & 0x3fff) != 0) return;
    put16(packet, 4, 0);
    put16(packet, 6, 0);
    repair_ipv4_checksum(packet);
}

/// Without that in which the two mean to differ, and errors without the checksum that covers it.
Bytes comparable_v4(Bytes packet) {
    leave_out_id_and_df(packet);
    if (!is_error(packet)) return packet;
    if (packet.size() > 576) {
        packet.resize(576);
        put16(packet, 2, 576);
        repair_ipv4_checksum(packet);
    }
    leave_out_id_and_df(std::span(packet).subspan(28));
    put16(packet, 22, 0);
    return packet;
}
Bytes comparable_v6(Bytes packet) {
    if (!is_error(packet)) return packet;
    const std::size_t quoted = 48;
    if (packet[quoted + 6] == 44) {
        packet[quoted + 6] = packet[quoted + 40];
        const auto header = packet.begin() + quoted + 40;
        packet.erase(header, header + 8);
        put16(packet, 4, static_cast<std::uint16_t>(get16(packet, 4) - 8));
        put16(packet, quoted + 4, static_cast<std::uint16_t>(get16(packet, quoted + 4) - 8));
    }
    put16(packet, 42, 0);
    return packet;
}
std::vector<Bytes> comparable(std::vector<Bytes> packets) {
    for (Bytes& packet : packets) packet = is_v4(packet) ? comparable_v4(packet) : comparable_v6(packet);
    return packets;
}

/// Why tayga says nothing about what we translate, or empty.
std::string why_tayga_is_silent(const std::vector<Bytes>& sent) {
    const Bytes first = ip_packet(sent[0]);
    const Layer4 layer = layer4(first);
    if (is_v4(first) && layer.protocol == 17 && get16(layer.bytes, 6) == 0) return "UDP without checksum";
    if (!is_icmp(layer)) return "";
    if (layer.fragment) return "fragmented ICMP";
    if (!checksums_valid(sent[0])) return "wrong ICMP checksum";
    if (!is_error(first)) return "";
    const std::uint8_t type = layer.bytes[0], code = layer.bytes[1];
    if (type == (is_v4(first) ? 12 : 4)) return "parameter problem";
    if (!is_v4(first) && type == 1 && code == 3) return "address unreachable";
    if (!is_v4(first) && type == 2 && get32(layer.bytes, 4) == 0) return "MTU of 0";
    const Layer4 quoted = layer4(layer.bytes.subspan(8));
    if (is_icmp(quoted) && quoted.fragment) return "quoted fragment of ICMP";
    if (quoted.fragment && quoted.bytes.size() % 8 != 0) return "quoted fragment cut short";
    if (quoted.bytes.size() < (quoted.protocol == 6 ? 20u : 8u)) return "quoted header cut short";
    return "";
}

std::vector<Bytes> ip_packets(const std::vector<Bytes>& frames) {
    std::vector<Bytes> packets;
    for (const Bytes& frame : frames) packets.push_back(ip_packet(frame));
    return packets;
}

std::string describe(const std::vector<Bytes>& sent, const std::vector<Bytes>& ours,
                     const std::vector<Bytes>& theirs) {
    std::string text;
    const auto add = [&](const char* whose, const std::vector<Bytes>& packets) {
        for (const Bytes& packet : packets) text += std::string(whose) + text_of(packet) + "\n";
    };
    add("sent  ", sent);
    add("ours  ", ours);
    add("tayga ", theirs);
    return text;
}

/// Errors are compared without their checksums.
bool checksums_valid_in(const std::vector<Bytes>& packets) {
    for (const Bytes& packet : packets) {
        Bytes frame(12);
        append16(frame, is_v4(packet) ? 0x0800 : 0x86dd);
        append(frame, packet);
        if (!checksums_valid(frame)) return false;
    }
    return true;
}

TEST(TaygaDifferential, TheSamePacketsInTheOtherFamily) {
    if (const std::string reason = Tayga::unavailable(); !reason.empty()) GTEST_SKIP() << reason;
    const char* factor = std::getenv("SLUICE_PROPERTY_RUNS");
    const int runs = 10'000 * (factor == nullptr ? 1 : std::atoi(factor));
    Tayga tayga(crossing_prefix, crossing_hosts);
    CrossingPackets source(1);
    std::map<std::string, int> silent;
    int same = 0;
    for (int i = 0; i < runs; ++i) {
        const std::vector<Bytes> frames = source.next(), sent = ip_packets(frames);
        const std::vector<Bytes> ours = translated(frames), theirs = tayga.exchange(sent);
        const std::string why = why_tayga_is_silent(frames);
        if (theirs.empty() && !why.empty()) {
            ++silent[why];
            continue;
        }
        SCOPED_TRACE("packet " + std::to_string(i) + "\n" + describe(sent, ours, theirs));
        ASSERT_EQ(comparable(ours), comparable(theirs));
        ASSERT_EQ(checksums_valid_in(ours), checksums_valid_in(theirs));
        if (!ours.empty()) ++same;
    }
    for (const auto& [why, count] : silent) std::printf("tayga says nothing to %d: %s\n", count, why.c_str());
    std::printf("%d translated alike\n", same);
    EXPECT_EQ(silent.size(), 9u);
    EXPECT_GT(same, runs * 2 / 3);
}

}  // namespace
}  // namespace sluice::test
