// SPDX-License-Identifier: Apache-2.0
// For any packet: what incremental updates make of it is what building it anew would give.
#include <rapidcheck/gtest.h>

#include <cstdlib>

#include "runtime/packet/build.h"
#include "runtime/packet/rewrite.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;

// 100 cases, the default, are too few for arithmetic modulo 65,535; RC_PARAMS still has the last word.
[[maybe_unused]] const int many_cases = setenv("RC_PARAMS", "max_success=3000", 0);

std::string any_address(Family family) {
    // Unicast in every case: 10/8 or 2000::/8.
    if (family == Family::v4) {
        return to_string(Ip::from_v4(10u << 24 | (*rc::gen::arbitrary<std::uint32_t>() >> 8)), family);
    }
    const std::uint64_t hi = *rc::gen::arbitrary<std::uint64_t>(), lo = *rc::gen::arbitrary<std::uint64_t>();
    return to_string(Ip{0x20ull << 56 | hi >> 8, lo}, family);
}

std::uint16_t any_port() {
    // Zero and all ones are where one's complement arithmetic goes wrong.
    return *rc::gen::oneOf(rc::gen::arbitrary<std::uint16_t>(),
                           rc::gen::element<std::uint16_t>(0, 1, 0xfffe, 0xffff));
}

struct Shape {
    Bytes (*build)(const test::Packet&);
    Family family;
};

Shape any_shape() {
    const auto build = *rc::gen::element<Bytes (*)(const test::Packet&)>(test::udp, test::tcp,
                                                                         test::echo_request, test::echo_reply);
    return {build, *rc::gen::element(Family::v4, Family::v6)};
}

test::Packet any_packet(Family family) {
    test::Packet packet{.source = any_address(family), .destination = any_address(family)};
    packet.source_port = any_port();
    packet.destination_port = any_port();
    packet.identifier = any_port();
    packet.payload = *rc::gen::container<Bytes>(rc::gen::arbitrary<std::uint8_t>());
    if (packet.payload.size() > 1000) packet.payload.resize(1000);
    packet.ttl = *rc::gen::inRange<std::uint8_t>(10, 255);
    packet.id = any_port();
    if (family == Family::v4 && *rc::gen::arbitrary<bool>()) packet.ip_options = {0x94, 4, 0, 0};
    return packet;
}

test::Packet readdressed(test::Packet packet, Family family) {
    packet.source = any_address(family);
    packet.destination = any_address(family);
    packet.source_port = any_port();
    packet.destination_port = any_port();
    packet.identifier = any_port();
    return packet;
}

Translation translation_to(const IpView& before, const Bytes& after) {
    const IpView view = test::parse(after).ip;
    return Translation::between(before, view.source, view.destination, view.source_port, view.destination_port);
}

RC_GTEST_PROP(Translations, EqualAFullRecomputation, ()) {
    const Shape shape = any_shape();
    const test::Packet before = any_packet(shape.family), after = readdressed(before, shape.family);
    Bytes frame = shape.build(before);
    const Bytes expected = shape.build(after);
    const PacketView packet = test::packet_view(frame);
    apply_translation(packet.l3(), packet.ip, translation_to(packet.ip, expected));
    RC_ASSERT(frame == expected);
}

RC_GTEST_PROP(Translations, KeepWrongChecksumsWrongByTheSameDelta, ()) {
    const Shape shape = any_shape();
    test::Packet before = any_packet(shape.family);
    before.l4_checksum_error = *rc::gen::inRange<std::uint16_t>(1, 0xfffe);
    const test::Packet after = readdressed(before, shape.family);
    Bytes frame = shape.build(before);
    const std::size_t field = 14u + test::parse(frame).ip.header_length +
                              (shape.build == test::tcp   ? 16
                               : shape.build == test::udp ? 6
                                                          : 2);
    const bool none = shape.build == test::udp && shape.family == Family::v4 && test::get16(frame, field) == 0;
    test::Packet right_before = before, right_after = after;
    right_before.l4_checksum_error = right_after.l4_checksum_error = 0;
    const PacketView packet = test::packet_view(frame);
    const std::uint32_t error_before =
        (test::get16(frame, field) + 0xffffu - test::get16(shape.build(right_before), field)) % 0xffff;
    const Bytes right = shape.build(right_after);
    apply_translation(packet.l3(), packet.ip, translation_to(packet.ip, right));
    if (none) {
        RC_ASSERT(test::get16(frame, field) == 0);
        return;
    }
    const std::uint32_t error_after =
        (test::get16(frame, field) + 0xffffu - test::get16(right, field)) % 0xffff;
    RC_ASSERT(error_after == error_before);
}

RC_GTEST_PROP(Translations, ThereAndBackGiveTheSamePacket, ()) {
    const Shape shape = any_shape();
    const test::Packet before = any_packet(shape.family), after = readdressed(before, shape.family);
    const Bytes original = shape.build(before), other = shape.build(after);
    Bytes frame = original;
    const PacketView packet = test::packet_view(frame);
    apply_translation(packet.l3(), packet.ip, translation_to(packet.ip, other));
    const PacketView back = test::packet_view(frame);
    apply_translation(back.l3(), back.ip, translation_to(back.ip, original));
    RC_ASSERT(frame == original);
}

RC_GTEST_PROP(HeaderUpdates, EqualAFullRecomputation, ()) {
    const Shape shape = any_shape();
    test::Packet packet = any_packet(shape.family);
    Bytes frame = shape.build(packet);
    const auto count = *rc::gen::inRange<std::uint8_t>(1, 9);
    decrement_ttl(frame.data() + 14, shape.family, count);
    packet.ttl = static_cast<std::uint8_t>(packet.ttl - count);
    if (shape.family == Family::v4) {
        packet.id = any_port();
        set_ipv4_id(frame.data() + 14, packet.id);
    }
    RC_ASSERT(frame == shape.build(packet));
}

RC_GTEST_PROP(Checksums, EqualTheObviousOnes, (const Bytes& bytes)) {
    RC_ASSERT(checksum_finish(checksum_sum(bytes)) == test::slow_checksum(bytes));
}

RC_GTEST_PROP(Checksums, AddUpOverEvenParts, (Bytes first, const Bytes& second)) {
    if (first.size() % 2 != 0) first.push_back(0);
    Bytes whole = first;
    test::append(whole, second);
    RC_ASSERT(checksum_finish(checksum_sum(second, checksum_sum(first))) == test::slow_checksum(whole));
}

RC_GTEST_PROP(Fragments, JoinToTheirPacket, ()) {
    test::Packet fields = any_packet(Family::v4);
    fields.payload.resize(*rc::gen::inRange<std::size_t>(0, 3000), 5);
    Bytes frame = test::udp(fields);
    const PacketView packet = test::packet_view(frame);
    const auto mtu = *rc::gen::inRange<std::uint16_t>(68, 1500);
    const auto count = ipv4_fragment_count(packet.ip, mtu);
    Bytes joined;
    for (std::uint32_t i = 0; i < count; ++i) {
        Bytes out(mtu);
        out.resize(build_ipv4_fragment(packet.ip_bytes(), packet.ip, mtu, i, out));
        IpView view;
        RC_ASSERT(parse_ip_packet(out, ethertype_ipv4, view) == std::nullopt);
        RC_ASSERT(view.total_length == out.size());
        RC_ASSERT(view.fragment_offset == joined.size());
        RC_ASSERT(view.more_fragments == (i + 1 < count));
        test::append(joined, std::span(out).subspan(view.header_length));
    }
    const auto l4 = packet.ip_bytes().subspan(packet.ip.header_length);
    RC_ASSERT(joined == Bytes(l4.begin(), l4.end()));
}

RC_GTEST_PROP(AnyBytes, AreReadWithoutHarm, (const Bytes& bytes)) {
    (void)parse_l2(bytes);
    (void)parse_arp(bytes);
    Bytes packet = bytes;
    if (!packet.empty()) packet[0] = *rc::gen::element<std::uint8_t>(0x45, 0x4f, 0x60);
    IpView view;
    (void)parse_ip_packet(packet, ethertype_ipv4, view);
    (void)parse_ip_packet(packet, ethertype_ipv6, view);
    (void)parse_quoted_packet(packet, Family::v4);
    (void)parse_quoted_packet(packet, Family::v6);
}

}  // namespace
}  // namespace sluice
