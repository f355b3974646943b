// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/vxlan.h"

#include <gtest/gtest.h>

#include "runtime/packet/parse.h"
#include "tests/support/bytes.h"
#include "tests/support/packets.h"
#include "tests/support/vxlan.h"

namespace sluice::test {
namespace {

Bytes payload_of(const Bytes& frame) {
    constexpr std::size_t headers = 14 + 20 + 8;
    return {frame.begin() + headers, frame.end()};
}

TEST(Vxlan, IsReadByItsFlagAndVni) {
    const Bytes inner = udp({});
    EXPECT_EQ(std::get<std::uint32_t>(parse_vxlan(payload_of(in_vxlan({.vni = 0xfffffe}, inner)))), 0xfffffeu);
    // Reserved flags and bits are ignored on receipt (RFC 7348 5).
    Bytes reserved = payload_of(in_vxlan({.flags = 0xff}, inner));
    reserved[1] = reserved[3] = reserved[7] = 0xff;
    EXPECT_EQ(std::get<std::uint32_t>(parse_vxlan(reserved)), 5001u);
    EXPECT_EQ(std::get<DropReason>(parse_vxlan(payload_of(in_vxlan({.flags = 0xf7}, inner)))),
              DropReason::VXLAN_BAD_FLAGS);
    const Bytes shortest = payload_of(in_vxlan({}, Bytes(14)));
    EXPECT_TRUE(std::holds_alternative<std::uint32_t>(parse_vxlan(shortest)));
    for (std::size_t length = 0; length < shortest.size(); ++length) {
        EXPECT_EQ(std::get<DropReason>(parse_vxlan({shortest.data(), length})), DropReason::SHORT) << length;
    }
}

TEST(Vxlan, IsWrittenAsAnotherEndReadsIt) {
    const Bytes inner = udp({});
    Bytes frame(14 + vxlan_encapsulation_bytes(Family::v4));
    const Bytes ethernet = udp({});
    std::copy_n(ethernet.begin(), 14, frame.begin());
    write_vxlan({.source = address("198.51.100.10").ip,
                 .destination = address("198.51.100.21").ip,
                 .vni = 0x123456,
                 .source_port = 50123,
                 .tos = 0xb9},
                static_cast<std::uint32_t>(inner.size()), frame.data() + 14);
    append(frame, inner);
    const Opened opened = open_vxlan(frame);
    EXPECT_EQ(opened.fault, "");
    EXPECT_EQ(opened.vni, 0x123456u);
    EXPECT_EQ(opened.inner, inner);
    EXPECT_EQ(opened.outer.tos, 0xb9);
    EXPECT_EQ(opened.outer.source_port(), 50123);
    EXPECT_EQ(opened.outer.source, address("198.51.100.10").ip);
    EXPECT_EQ(opened.outer.destination, address("198.51.100.21").ip);
}

TEST(Vxlan, IsWrittenOverIpv6AsAnotherEndReadsIt) {
    const Bytes inner = udp({});
    Bytes frame(14 + vxlan_encapsulation_bytes(Family::v6));
    frame[12] = 0x86;
    frame[13] = 0xdd;
    write_vxlan({.family = Family::v6,
                 .source = address("2001:db8:51::10").ip,
                 .destination = address("2001:db8:51::21").ip,
                 .vni = 0x123456,
                 .source_port = 50123,
                 .flow_label = 0xabcde,
                 .tos = 0xb9},
                static_cast<std::uint32_t>(inner.size()), frame.data() + 14);
    append(frame, inner);
    const Opened opened = open_vxlan(frame);
    EXPECT_EQ(opened.fault, "");
    EXPECT_EQ(opened.vni, 0x123456u);
    EXPECT_EQ(opened.inner, inner);
    EXPECT_EQ(opened.outer.tos, 0xb9);
    EXPECT_EQ(get32(frame, 14), 0x6b9abcdeu);
    EXPECT_EQ(opened.outer.source_port(), 50123);
    EXPECT_EQ(opened.outer.source, address("2001:db8:51::10").ip);
    EXPECT_EQ(opened.outer.destination, address("2001:db8:51::21").ip);
}

TEST(Vxlan, AFlowLabelIsNeverNone) {
    EXPECT_EQ(outer_flow_label(0), 1u);
    EXPECT_EQ(outer_flow_label(~0ULL), 0xfffffu);
    EXPECT_EQ(outer_flow_label(0x123456789abcdef0), 0x12345u);
    EXPECT_EQ(vxlan_source_port(0), 49152);
    EXPECT_EQ(vxlan_source_port(~0ULL), 65535);
}

TEST(Vxlan, OnlyWholeUdpToItsPortIsMeantForTunnels) {
    IpView view;
    view.protocol = protocol_udp;
    view.destination_port = vxlan_port;
    EXPECT_TRUE(is_vxlan(view));
    view.fragment = true;
    EXPECT_FALSE(is_vxlan(view));
    view.fragment = false;
    view.protocol = protocol_tcp;
    EXPECT_FALSE(is_vxlan(view));
    view.protocol = protocol_udp;
    ++view.destination_port;
    EXPECT_FALSE(is_vxlan(view));
}

TEST(Vxlan, AnotherTrafficClassKeepsTheChecksumRight) {
    Bytes v4 = udp({.tos = 0x02});
    set_tos(v4.data() + 14, Family::v4, 0x03);
    EXPECT_EQ(decode(v4).tos, 0x03);
    EXPECT_TRUE(checksums_valid(v4));
    Bytes v6 = udp({.source = "2001:db8::1", .destination = "2001:db8::2", .tos = 0xba});
    const Bytes before = v6;
    set_tos(v6.data() + 14, Family::v6, 0xbb);
    EXPECT_EQ(decode(v6).tos, 0xbb);
    EXPECT_TRUE(checksums_valid(v6));
    EXPECT_EQ(v6[14] >> 4, 6);
    EXPECT_TRUE(std::equal(before.begin() + 16, before.end(), v6.begin() + 16));
}

}  // namespace
}  // namespace sluice::test
