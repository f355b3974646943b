// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/geneve.h"

#include <gtest/gtest.h>

#include "runtime/packet/vxlan.h"
#include "tests/support/bytes.h"
#include "tests/support/vxlan.h"

namespace sluice::test {
namespace {

Bytes payload_of(const Bytes& frame) {
    constexpr std::size_t headers = 14 + 20 + 8;
    return {frame.begin() + headers, frame.end()};
}

TEST(Geneve, IsReadWithItsOptions) {
    const Bytes inner = udp({});
    const auto plain = std::get<GeneveHeader>(parse_geneve(payload_of(in_geneve({.vni = 0xfffffe}, inner))));
    EXPECT_EQ(plain.vni, 0xfffffeu);
    EXPECT_EQ(plain.bytes, 8u);
    Bytes reserved = payload_of(in_geneve({}, inner, {.options = Bytes(252)}));
    reserved[1] |= 0x3f;
    reserved[7] = 0xff;
    const auto longest = std::get<GeneveHeader>(parse_geneve(reserved));
    EXPECT_EQ(longest.vni, 5001u);
    EXPECT_EQ(longest.bytes, 260u);
    const Bytes shortest = payload_of(in_geneve({}, Bytes(14), {.options = Bytes(8)}));
    EXPECT_TRUE(std::holds_alternative<GeneveHeader>(parse_geneve(shortest)));
    for (std::size_t length = 0; length < shortest.size(); ++length) {
        EXPECT_EQ(std::get<DropReason>(parse_geneve({shortest.data(), length})), DropReason::SHORT) << length;
    }
}

TEST(Geneve, OnlyWholeUdpToItsPortIsMeantForTunnels) {
    IpView view;
    view.protocol = protocol_udp;
    view.destination_port = geneve_port;
    EXPECT_TRUE(is_geneve(view));
    EXPECT_FALSE(is_vxlan(view));
    view.fragment = true;
    EXPECT_FALSE(is_geneve(view));
    view.fragment = false;
    view.protocol = protocol_tcp;
    EXPECT_FALSE(is_geneve(view));
}

}  // namespace
}  // namespace sluice::test
