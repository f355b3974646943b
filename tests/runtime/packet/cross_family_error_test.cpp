// SPDX-License-Identifier: Apache-2.0
// ICMP errors in the other IP version: they must look as if they had been about the packet of that version.
#include <gtest/gtest.h>

#include "tests/runtime/packet/crossing.h"

namespace sluice {
namespace {

using test::Bytes;
using test::crossed_error;
using test::ends_of;
using test::ends_of_quoted;

using Build = Bytes (*)(const test::Packet&);

Bytes head(Bytes packet, std::size_t length) {
    if (packet.size() > length) packet.resize(length);
    return packet;
}

/// From a router outside to a host of ours, in both families, and the packet that it is about.
struct Sides {
    test::Packet error{.source = "192.0.2.77", .destination = "203.0.113.10"};
    test::Packet error6{.source = "64:ff9b::192.0.2.77", .destination = "2001:db8::5"};
    test::Packet quoted{
        .source = "203.0.113.10", .destination = "192.0.2.33", .source_port = 61000, .identifier = 61000};
    test::Packet quoted6{
        .source = "2001:db8::5", .destination = "64:ff9b::192.0.2.33", .source_port = 5000, .identifier = 5000};

    Sides() {
        error6.id = quoted6.id = 0;
        error.id = 0x5151;
        quoted.dont_fragment = true;
        quoted.id = 0;
        quoted.payload = quoted6.payload = Bytes(51, 3);
    }
};

struct Kind {
    int type = 0, code = 0;
    std::uint32_t word = 0;
};
void set(test::Packet& packet, const Kind& kind) {
    packet.icmp_type = static_cast<std::uint8_t>(kind.type);
    packet.icmp_code = static_cast<std::uint8_t>(kind.code);
    packet.icmp_rest = kind.word;
}

/// `kind` over IPv4 becomes `kind6`; nullopt: nothing.
void expect_to_v6(const Kind& kind, const std::optional<Kind>& kind6, Sides sides = {}) {
    set(sides.error, kind);
    const Bytes quoted = test::ip_packet(test::udp(sides.quoted)),
                quoted6 = test::ip_packet(test::udp(sides.quoted6));
    const Bytes frame = test::icmp_error(sides.error, quoted);
    Bytes expected;
    if (kind6) {
        set(sides.error6, *kind6);
        expected = test::icmp_error(sides.error6, quoted6);
    }
    const Bytes like = test::icmp_error(sides.error6, quoted6);
    EXPECT_EQ(crossed_error(frame, ends_of(like), ends_of_quoted(quoted6)), expected)
        << kind.type << "/" << kind.code << " " << kind.word;
    if (!view_across(test::parse(frame).ip)) {
        EXPECT_FALSE(kind6) << kind.type << "/" << kind.code;
    }
}
void expect_to_v4(const Kind& kind6, const std::optional<Kind>& kind, Sides sides = {}) {
    set(sides.error6, kind6);
    sides.quoted.dont_fragment = false;  // as any packet of its length (5.1)
    const Bytes quoted = test::ip_packet(test::udp(sides.quoted)),
                quoted6 = test::ip_packet(test::udp(sides.quoted6));
    const Bytes frame = test::icmp_error(sides.error6, quoted6);
    Bytes expected;
    if (kind) {
        set(sides.error, *kind);
        expected = test::icmp_error(sides.error, quoted);
    }
    const Bytes like = test::icmp_error(sides.error, quoted);
    EXPECT_EQ(crossed_error(frame, ends_of(like), ends_of_quoted(quoted), 0x5151), expected)
        << kind6.type << "/" << kind6.code << " " << kind6.word;
}

TEST(ErrorsToSix, DestinationUnreachable) {  // 4.2
    for (const int code : {0, 1, 5, 6, 7, 8, 11, 12}) expect_to_v6({3, code}, Kind{1, 0});
    for (const int code : {9, 10, 13, 15}) expect_to_v6({3, code}, Kind{1, 1});
    expect_to_v6({3, 2}, Kind{4, 1, 6});  // protocol: a parameter problem at the next header
    expect_to_v6({3, 3}, Kind{1, 4});
    for (const int code : {14, 16, 255}) expect_to_v6({3, code}, std::nullopt);
}

TEST(ErrorsToSix, FragmentationNeeded) {  // 4.2, 6
    expect_to_v6({3, 4, 1400}, Kind{2, 0, 1420});
    expect_to_v6({3, 4, 1260}, Kind{2, 0, 1280});
    expect_to_v6({3, 4, 1259}, Kind{2, 0, 1280});
    expect_to_v6({3, 4, 68}, Kind{2, 0, 1280});
    expect_to_v6({3, 4, 65535}, Kind{2, 0, 65555});
    expect_to_v6({3, 4, 0x7fff0000 | 1400}, Kind{2, 0, 1420});  // RFC 1191 4: the upper half says nothing
}

TEST(ErrorsToSix, FragmentationNeededWithoutMtuGivesAPlateau) {  // 4.2, RFC 1191 7.1
    const struct {
        std::size_t length;
        std::uint32_t mtu;
    } cases[] = {{1500, 1512}, {1493, 1512}, {1492, 1280}, {1280, 1280},  {100, 1280},
                 {2002, 1512}, {2003, 2022}, {9000, 8186}, {17915, 17934}};
    for (const auto& [length, mtu] : cases) {
        Sides sides;
        sides.quoted.payload = sides.quoted6.payload = Bytes(length - 28, 3);
        set(sides.error, {3, 4, 0});
        set(sides.error6, {2, 0, mtu});
        const Bytes quoted = head(test::ip_packet(test::udp(sides.quoted)), 100);
        const Bytes quoted6 = head(test::ip_packet(test::udp(sides.quoted6)), 120);
        const Bytes expected = test::icmp_error(sides.error6, quoted6);
        EXPECT_EQ(
            crossed_error(test::icmp_error(sides.error, quoted), ends_of(expected), ends_of_quoted(quoted6)),
            expected)
            << length;
    }
}

TEST(ErrorsToSix, TimeExceeded) {  // 4.2
    expect_to_v6({11, 0}, Kind{3, 0});
    expect_to_v6({11, 1}, Kind{3, 1});
}

TEST(ErrorsToSix, ParameterProblem) {  // 4.2, figure 3
    const std::optional<std::uint32_t> pointers[] = {0,  1, 4, 4, {}, {}, {}, {}, 7,  6, {},
                                                     {}, 8, 8, 8, 8,  24, 24, 24, 24, {}};
    for (std::uint32_t pointer = 0; pointer < std::size(pointers); ++pointer) {
        for (const int code : {0, 2}) {
            const auto to = pointers[pointer] ? std::optional(Kind{4, 0, *pointers[pointer]}) : std::nullopt;
            expect_to_v6({12, code, pointer << 24}, to);
        }
    }
    expect_to_v6({12, 1, 0}, std::nullopt);
    expect_to_v6({12, 3, 0}, std::nullopt);
}

TEST(ErrorsToSix, SourceQuenchAndRedirectAreDropped) {  // 4.2
    for (const int code : {0, 1, 2, 3}) {
        expect_to_v6({4, code}, std::nullopt);
        expect_to_v6({5, code}, std::nullopt);
    }
}

TEST(ErrorsToFour, DestinationUnreachable) {  // 5.2
    for (const int code : {0, 2, 3}) expect_to_v4({1, code}, Kind{3, 1});
    expect_to_v4({1, 1}, Kind{3, 10});
    expect_to_v4({1, 4}, Kind{3, 3});
    for (const int code : {5, 6, 7, 255}) expect_to_v4({1, code}, std::nullopt);
}

TEST(ErrorsToFour, PacketTooBig) {  // 5.2
    expect_to_v4({2, 0, 1280}, Kind{3, 4, 1260});
    expect_to_v4({2, 0, 1500}, Kind{3, 4, 1480});
    expect_to_v4({2, 0, 1000}, Kind{3, 4, 980});
    expect_to_v4({2, 0, 88}, Kind{3, 4, 68});
    expect_to_v4({2, 0, 87}, Kind{3, 4, 68});  // RFC 791 3.2: no link has less
    expect_to_v4({2, 0, 0}, Kind{3, 4, 68});
    expect_to_v4({2, 0, 65555}, Kind{3, 4, 65535});
    expect_to_v4({2, 0, 0xffffffff}, Kind{3, 4, 65535});
}

TEST(ErrorsToFour, TimeExceeded) {  // 5.2
    expect_to_v4({3, 0}, Kind{11, 0});
    expect_to_v4({3, 1}, Kind{11, 1});
}

TEST(ErrorsToFour, ParameterProblem) {  // 5.2, figure 6
    for (std::uint32_t pointer = 0; pointer < 48; ++pointer) {
        std::optional<Kind> to;
        if (pointer <= 1) to = Kind{12, 0, pointer << 24};
        if (pointer == 4 || pointer == 5) to = Kind{12, 0, 2u << 24};
        if (pointer == 6) to = Kind{12, 0, 9u << 24};
        if (pointer == 7) to = Kind{12, 0, 8u << 24};
        if (pointer >= 8 && pointer <= 23) to = Kind{12, 0, 12u << 24};
        if (pointer >= 24 && pointer <= 39) to = Kind{12, 0, 16u << 24};
        expect_to_v4({4, 0, pointer}, to);
    }
    expect_to_v4({4, 0, 0xffffff06}, std::nullopt);
    expect_to_v4({4, 1, 6}, Kind{3, 2});
    expect_to_v4({4, 2, 6}, std::nullopt);
}

TEST(ErrorsToFour, UnknownErrorsAreDropped) {  // 5.2
    for (const int type : {0, 5, 100, 101, 127}) expect_to_v4({type, 0}, std::nullopt);
}

TEST(ErrorsAcross, QuoteWhatThereIsOfThePacket) {  // 4.3, 5.3
    for (const Build build : {test::udp, test::tcp, test::echo_request}) {
        for (std::size_t l4 = build == test::echo_request ? 8 : 4; l4 <= 80; ++l4) {
            // Half a checksum can't be brought up to date, and nobody can check it.
            if (l4 == (build == test::tcp ? 17 : 7)) continue;
            Sides sides;
            set(sides.error, {11, 0});
            set(sides.error6, {3, 0});
            const Bytes quoted6 = head(test::ip_packet(build(sides.quoted6)), 40 + l4);
            Bytes quoted = head(test::ip_packet(build(sides.quoted)), 20 + l4);
            const Bytes expected6 = test::icmp_error(sides.error6, quoted6);
            EXPECT_EQ(crossed_error(test::icmp_error(sides.error, quoted), ends_of(expected6),
                                    ends_of_quoted(quoted6)),
                      expected6)
                << l4;
            sides.quoted.dont_fragment = false;
            quoted = head(test::ip_packet(build(sides.quoted)), 20 + l4);
            const Bytes expected = test::icmp_error(sides.error, quoted);
            EXPECT_EQ(crossed_error(expected6, ends_of(expected), ends_of_quoted(quoted), sides.error.id),
                      expected)
                << l4;
        }
    }
}

TEST(ErrorsAcross, QuoteFragments) {
    Sides sides;
    set(sides.error, {11, 0});
    set(sides.error6, {3, 0});
    sides.quoted.dont_fragment = false;
    sides.quoted.id = 0xbeef;
    const auto fragments = test::fragments(test::udp(sides.quoted), 16);
    const auto fragments6 = test::fragments(test::udp(sides.quoted6), 16, 0xbeef);
    for (std::size_t i = 0; i < fragments.size(); ++i) {
        const Bytes error = test::icmp_error(sides.error, test::ip_packet(fragments[i]));
        const Bytes error6 = test::icmp_error(sides.error6, test::ip_packet(fragments6[i]));
        EXPECT_EQ(crossed_error(error, ends_of(error6), ends_of_quoted(test::ip_packet(fragments6[i]))), error6)
            << i;
        EXPECT_EQ(crossed_error(error6, ends_of(error), ends_of_quoted(test::ip_packet(fragments[i])),
                                sides.error.id),
                  error)
            << i;
    }
}

TEST(ErrorsAcross, LeaveOptionsAndExtensionHeadersOutOfBothHeaders) {
    Sides sides;
    set(sides.error, {11, 0});
    set(sides.error6, {3, 0});
    test::Packet error = sides.error, quoted = sides.quoted;
    error.ip_options = {0x94, 4, 0, 0};
    quoted.ip_options = {7, 7, 4, 0, 0, 0, 0, 0};
    const Bytes expected6 = test::icmp_error(sides.error6, test::ip_packet(test::udp(sides.quoted6)));
    EXPECT_EQ(crossed_error(test::icmp_error(error, test::ip_packet(test::udp(quoted))), ends_of(expected6),
                            ends_of_quoted(test::ip_packet(test::udp(sides.quoted6)))),
              expected6);
    test::Packet error6 = sides.error6, quoted6 = sides.quoted6;
    error6.extensions = quoted6.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
    sides.quoted.dont_fragment = false;
    const Bytes expected = test::icmp_error(sides.error, test::ip_packet(test::udp(sides.quoted)));
    EXPECT_EQ(crossed_error(test::icmp_error(error6, test::ip_packet(test::udp(quoted6))), ends_of(expected),
                            ends_of_quoted(test::ip_packet(test::udp(sides.quoted))), sides.error.id),
              expected);
}

TEST(ErrorsAcross, AreCutTo1280BytesOfIpv6) {  // RFC 4443 2.4 (c)
    for (const std::size_t bytes : {1280 - 40 - 8 - 40, 1280 - 40 - 8 - 40 + 1, 1400}) {
        Sides sides;
        set(sides.error, {11, 0});
        set(sides.error6, {3, 0});
        sides.quoted.payload = sides.quoted6.payload = Bytes(bytes - 8, 3);
        const Bytes quoted6 = test::ip_packet(test::udp(sides.quoted6));
        const Bytes expected = test::icmp_error(sides.error6, head(quoted6, 1280 - 48));
        EXPECT_EQ(crossed_error(test::icmp_error(sides.error, test::ip_packet(test::udp(sides.quoted))),
                                ends_of(expected), ends_of_quoted(quoted6)),
                  expected)
            << bytes;
    }
}

TEST(ErrorsAcross, ExtensionsAreCutOff) {  // RFC 4884
    Sides sides;
    const Bytes extension = {0x20, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0x51, 0xff};
    sides.quoted.payload = sides.quoted6.payload = Bytes(500, 3);
    Bytes quoted = head(test::ip_packet(test::udp(sides.quoted)), 128);
    Bytes quoted6 = head(test::ip_packet(test::udp(sides.quoted6)), 148);
    set(sides.error6, {3, 0});
    const Bytes expected6 = test::icmp_error(sides.error6, quoted6);
    set(sides.error, {11, 0, (128 / 4) << 16});
    test::append(quoted, extension);
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error, quoted), ends_of(expected6), ends_of_quoted(quoted6)),
              expected6);

    sides.quoted.dont_fragment = false;
    quoted6 = head(test::ip_packet(test::udp(sides.quoted6)), 128);
    quoted = head(test::ip_packet(test::udp(sides.quoted)), 108);
    set(sides.error, {11, 0});
    const Bytes expected = test::icmp_error(sides.error, quoted);
    set(sides.error6, {3, 0, (128u / 8) << 24});
    test::append(quoted6, extension);
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error6, quoted6), ends_of(expected), ends_of_quoted(quoted),
                            sides.error.id),
              expected);
}

TEST(ErrorsAcross, QuotedUdpWithoutChecksumStaysSo) {
    Sides sides;
    sides.quoted.no_udp_checksum = sides.quoted6.no_udp_checksum = true;
    expect_to_v6({11, 0}, Kind{3, 0}, sides);
    expect_to_v4({3, 0}, Kind{11, 0}, sides);
}

TEST(ErrorsAcross, WrongChecksumsStayAsWrong) {
    Sides sides;
    sides.quoted.l4_checksum_error = sides.quoted6.l4_checksum_error = 0x0101;
    expect_to_v6({11, 0}, Kind{3, 0}, sides);
    sides = {};
    sides.error.l4_checksum_error = sides.error6.l4_checksum_error = 0x0101;
    expect_to_v6({11, 0}, Kind{3, 0}, sides);
    expect_to_v4({3, 0}, Kind{11, 0}, sides);
}

TEST(ErrorsAcross, ErrorsAboutErrorsAreDropped) {  // 4.3, 5.3
    Sides sides;
    set(sides.error, {11, 0});
    set(sides.quoted, {3, 1});
    const Bytes inner =
        test::ip_packet(test::icmp_error(sides.quoted, test::ip_packet(test::udp(sides.quoted))));
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error, inner), {}, {}), Bytes{});
    set(sides.error6, {3, 0});
    set(sides.quoted6, {1, 0});
    const Bytes inner6 =
        test::ip_packet(test::icmp_error(sides.quoted6, test::ip_packet(test::udp(sides.quoted6))));
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error6, inner6), {}, {}), Bytes{});
}

TEST(ErrorsAcross, QuotesWithoutCounterpartAreDropped) {
    Sides sides;
    set(sides.error, {11, 0});
    set(sides.quoted, {13, 0});  // a timestamp request
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error, test::ip_packet(test::icmp(sides.quoted))), {}, {}),
              Bytes{});
    set(sides.error6, {3, 0});
    sides.quoted6.extensions = {{43, {0, 4, 1, 0, 0, 0, 0}}};
    EXPECT_EQ(crossed_error(test::icmp_error(sides.error6, test::ip_packet(test::udp(sides.quoted6))), {}, {}),
              Bytes{});
}

TEST(ErrorsAcross, FragmentedErrorsAreDropped) {
    Sides sides;
    set(sides.error, {11, 0});
    const Bytes frame = test::icmp_error(sides.error, test::ip_packet(test::udp(sides.quoted)));
    EXPECT_EQ(crossed_error(test::fragments(frame, 64)[0], {}, {}), Bytes{});
}

TEST(ErrorsAcross, WithoutHeadroomThePacketStaysAsItWas) {
    Sides sides;
    set(sides.error, {11, 0});
    const Bytes frame = test::icmp_error(sides.error, test::ip_packet(test::udp(sides.quoted)));
    test::Crossing crossing(frame, 39);
    EXPECT_FALSE(translate_error_across(crossing.packet, {}, *crossing.quoted(), {}));
    EXPECT_EQ(crossing.frame(), frame);
    test::Crossing enough(frame, 40);
    EXPECT_TRUE(translate_error_across(enough.packet, {}, *enough.quoted(), {}));
}

TEST(ErrorsAcross, WithoutAnIdDfIsSet) {  // RFC 6864 4.1
    Sides sides;
    set(sides.error6, {3, 0});
    test::Crossing crossing(test::icmp_error(sides.error6, test::ip_packet(test::udp(sides.quoted6))));
    ASSERT_TRUE(translate_error_across(crossing.packet, {}, *crossing.quoted(), {}));
    EXPECT_EQ(test::get16(crossing.frame(), 14 + 4), 0);
    EXPECT_EQ(test::get16(crossing.frame(), 14 + 6), 0x4000);
}

}  // namespace
}  // namespace sluice
