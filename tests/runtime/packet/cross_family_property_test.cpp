// SPDX-License-Identifier: Apache-2.0
// For any packet: what crossing to the other IP version makes of it is what would have been built there, and
// crossing back gives the packet where nothing was lost.
#include <rapidcheck/gtest.h>

#include "tests/runtime/packet/crossing.h"

namespace sluice {
namespace {

using test::Bytes;
using test::crossed;
using test::crossed_error;
using test::ends_of;
using test::ends_of_quoted;

using Build = Bytes (*)(const test::Packet&);

Bytes gre(const test::Packet& packet) {
    return test::ip_protocol(packet, 47);
}

/// By number: RapidCheck cannot show functions.
constexpr Build builds[] = {test::udp, test::tcp, test::echo_request, test::echo_reply, gre};

std::uint16_t any_port() {
    // Zero and all ones are where one's complement arithmetic goes wrong.
    return *rc::gen::oneOf(rc::gen::arbitrary<std::uint16_t>(),
                           rc::gen::element<std::uint16_t>(0, 1, 0xfffe, 0xffff));
}

/// One packet in both families.
struct Both {
    Build build = test::udp;
    test::Packet v4, v6;
    std::uint16_t id = 0;
};

void set_ends(test::Packet& packet, Family family) {
    const auto address = [&] {
        const Ip ip = family == Family::v4 ? Ip::from_v4(10u << 24 | *rc::gen::arbitrary<std::uint32_t>() >> 8)
                                           : Ip{0x20ull << 56 | *rc::gen::arbitrary<std::uint64_t>() >> 8,
                                                *rc::gen::arbitrary<std::uint64_t>()};
        return to_string(ip, family);
    };
    packet.source = address();
    packet.destination = address();
    packet.source_port = any_port();
    packet.destination_port = any_port();
    packet.identifier = any_port();
}

Both any_packet(std::size_t longest = 1400) {
    Both both;
    both.build = builds[*rc::gen::inRange<std::size_t>(0, std::size(builds))];
    test::Packet packet;
    packet.payload = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, longest),
                                                rc::gen::arbitrary<std::uint8_t>());
    packet.tos = *rc::gen::arbitrary<std::uint8_t>();
    packet.ttl = *rc::gen::arbitrary<std::uint8_t>();
    packet.tcp_flags = *rc::gen::arbitrary<std::uint8_t>();
    both.v4 = both.v6 = packet;
    set_ends(both.v4, Family::v4);
    set_ends(both.v6, Family::v6);
    both.id = any_port();
    return both;
}

/// What is translated from IPv6 has its ID and DF from the length (RFC 7915 5.1).
void number(Both& both) {
    both.v4.dont_fragment = test::parse(both.build(both.v4)).ip.total_length > 1260;
    both.v4.id = both.v4.dont_fragment ? 0 : both.id;
}

RC_GTEST_PROP(Crossing, EqualsBuildingInTheOtherFamily, ()) {
    Both both = any_packet();
    const Bytes v4 = both.build(both.v4), v6 = both.build(both.v6);
    RC_ASSERT(crossed(v4, ends_of(v6)) == v6);
    number(both);
    const Bytes numbered = both.build(both.v4);
    RC_ASSERT(crossed(v6, ends_of(numbered), both.id) == numbered);
}

RC_GTEST_PROP(Crossing, ThereAndBackGivesTheSamePacket, ()) {
    Both both = any_packet();
    number(both);
    const Bytes v4 = both.build(both.v4), v6 = both.build(both.v6);
    RC_ASSERT(crossed(crossed(v4, ends_of(v6)), ends_of(v4), both.id) == v4);
    RC_ASSERT(crossed(crossed(v6, ends_of(v4), both.id), ends_of(v6)) == v6);
}

/// How far a layer 4 checksum is from the right one, in one's complement.
std::uint32_t wrong_by(const Bytes& frame, const Bytes& right, Build build) {
    const std::size_t at = 14u + test::parse(right).ip.header_length +
                           (build == test::tcp   ? 16
                            : build == test::udp ? 6
                                                 : 2);
    return (test::get16(frame, at) + 0xffffu - test::get16(right, at)) % 0xffff;
}

RC_GTEST_PROP(Crossing, KeepsWrongChecksumsWrongByTheSameDelta, ()) {
    Both both = any_packet();
    if (both.build == gre) return;  // has none
    number(both);
    const Bytes right4 = both.build(both.v4), right6 = both.build(both.v6);
    both.v4.l4_checksum_error = *rc::gen::inRange<std::uint16_t>(1, 0xfffe);
    both.v6.l4_checksum_error = *rc::gen::inRange<std::uint16_t>(1, 0xfffe);
    const Bytes v4 = both.build(both.v4), v6 = both.build(both.v6);
    const bool udp = both.build == test::udp;
    RC_PRE(!udp || (test::get16(v4, 14 + 20 + 6) != 0 && test::get16(v6, 14 + 40 + 6) != 0));  // none
    const Bytes to6 = crossed(v4, ends_of(right6)), to4 = crossed(v6, ends_of(right4), both.id);
    RC_ASSERT(wrong_by(to6, right6, both.build) == wrong_by(v4, right4, both.build));
    RC_ASSERT(wrong_by(to4, right4, both.build) == wrong_by(v6, right6, both.build));
}

RC_GTEST_PROP(Crossing, FragmentsEqualTheFragmentsOfTheOtherPacket, ()) {
    Both both = any_packet();
    both.v4.id = both.id;
    both.v4.no_udp_checksum = *rc::gen::arbitrary<bool>();
    const std::size_t piece = 8 * *rc::gen::inRange<std::size_t>(3, 100);
    const Bytes v6 = both.build(both.v6);
    RC_PRE(v6.size() > 14 + 40 + piece);
    const auto fragments6 = test::fragments(v6, piece, both.id);
    RC_ASSERT(crossed(test::fragments(both.build(both.v4), piece), ends_of(v6)) == fragments6);
    both.v4.no_udp_checksum = false;
    const Bytes v4 = both.build(both.v4);
    RC_ASSERT(crossed(fragments6, ends_of(v4)) == test::fragments(v4, piece));
}

RC_GTEST_PROP(Crossing, ErrorsEqualThoseAboutTheOtherPacket, ()) {
    Both both = any_packet(600), error = any_packet(1);
    both.id = 0;  // a quoted IPv6 packet has none
    number(both);
    error.v4.icmp_type = 11;
    error.v6.icmp_type = 3;
    error.v4.id = error.id;
    error.v4.l4_checksum_error = error.v6.l4_checksum_error = *rc::gen::element<std::uint16_t>(0, 0, 1, 0xfff0);
    // A checksum quoted by half can't follow.
    const std::size_t l4 = *rc::gen::suchThat(rc::gen::inRange<std::size_t>(8, 700),
                                              [](std::size_t bytes) { return bytes != 17; });
    const auto quote = [l4](const Bytes& packet, std::size_t header) {
        return Bytes(packet.begin(),
                     packet.begin() + static_cast<std::ptrdiff_t>(std::min(packet.size(), header + l4)));
    };
    const Bytes quoted4 = quote(test::ip_packet(both.build(both.v4)), 20);
    const Bytes quoted6 = quote(test::ip_packet(both.build(both.v6)), 40);
    const Bytes error4 = test::icmp_error(error.v4, quoted4), error6 = test::icmp_error(error.v6, quoted6);
    const Bytes to6 = crossed_error(error4, ends_of(error6), ends_of_quoted(quoted6));
    const Bytes to4 = crossed_error(error6, ends_of(error4), ends_of_quoted(quoted4), error.id);
    error.v4.l4_checksum_error = error.v6.l4_checksum_error = 0;
    const Bytes right4 = test::icmp_error(error.v4, quoted4), right6 = test::icmp_error(error.v6, quoted6);
    RC_ASSERT(wrong_by(to6, right6, test::icmp) == wrong_by(error4, right4, test::icmp));
    RC_ASSERT(wrong_by(to4, right4, test::icmp) == wrong_by(error6, right6, test::icmp));
    const auto but_for_checksum = [](Bytes frame, const Bytes& other, std::size_t at) {
        test::put16(frame, at, test::get16(other, at));
        return frame;
    };
    RC_ASSERT(but_for_checksum(to6, right6, 14 + 40 + 2) == right6);
    RC_ASSERT(but_for_checksum(to4, right4, 14 + 20 + 2) == right4);
    if (error4 == right4) RC_ASSERT(to6 == right6);
    if (error6 == right6) RC_ASSERT(to4 == right4);
}

/// An IP header of either version in front of anything, its own length and checksum right, so that most are
/// packets.
Bytes plausible(Bytes bytes) {
    const bool v4 = *rc::gen::arbitrary<bool>();
    if (bytes.size() < 40) bytes.resize(40);
    bytes[0] = v4 ? *rc::gen::element<std::uint8_t>(0x45, 0x46, 0x4f) : 0x60;
    const std::uint8_t kind = *rc::gen::element<std::uint8_t>(1, 6, 17, 58, 0, 43, 44, 60, 47);
    if (v4) {
        if (bytes.size() < 60) bytes.resize(60);
        test::put16(bytes, 2, static_cast<std::uint16_t>(bytes.size()));
        if (*rc::gen::arbitrary<bool>()) test::put16(bytes, 6, 0);
        bytes[9] = kind;
        bytes[12] = bytes[16] = 10;
        test::put16(bytes, 10, 0);
        test::put16(bytes, 10, test::slow_checksum(std::span(bytes).first((bytes[0] & 15u) * 4)));
    } else {
        test::put16(bytes, 4, static_cast<std::uint16_t>(bytes.size() - 40));
        bytes[6] = kind;
        bytes[8] = bytes[24] = 0x20;
    }
    Bytes frame(12, 2);
    test::append16(frame, v4 ? 0x0800 : 0x86dd);
    test::append(frame, bytes);
    return frame;
}

RC_GTEST_PROP(Crossing, AnyBytesStayInBounds, ()) {
    const Bytes frame = plausible(*rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(20, 200),
                                                             rc::gen::arbitrary<std::uint8_t>()));
    const test::Parsed parsed = test::parse(frame);
    RC_PRE(!parsed.reason);
    CrossedEnds ends{Ip::from_v4(0x0a000001), Ip::from_v4(0x0a000002), 1, 2};
    if (parsed.ip.family == Family::v4) ends.source = ends.destination = {0x20ull << 56, 1};
    const auto view = view_across(parsed.ip);
    if (parsed.ip.l4_kind == L4Kind::icmp_error) {
        test::Crossing crossing(frame);
        const auto quoted = crossing.quoted();
        if (quoted) (void)crossed_error(frame, ends, ends);
        return;
    }
    const Bytes across = crossed(frame, ends);  // throws where it is out of bounds
    RC_ASSERT(view.has_value() != across.empty());
    if (!view) return;
    const test::Parsed again = test::parse(across);
    RC_ASSERT(!again.reason);
    RC_ASSERT(again.ip.total_length == view->total_length);
    RC_ASSERT(again.ip.header_length == view->header_length);
    RC_ASSERT(again.ip.l4_kind == view->l4_kind);
    RC_ASSERT(again.ip.fragment_offset == view->fragment_offset);
}

}  // namespace
}  // namespace sluice
