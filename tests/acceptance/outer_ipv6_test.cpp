// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: tunnels over IPv6 where it differs from IPv4, and beside it on one port
// (tests/acceptance/two-underlays). That all else is the same is what the other suites show, which run over
// both.
#include "tests/acceptance/change.h"
#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/vxlan.h"

namespace sluice::test {
namespace {

const Image& topology() {
    static const std::unique_ptr<const Image> image = compile_texts(two_underlays_texts());
    return *image;
}

constexpr const char* underlay = "underlay-V0.V0";

ShardSettings with_cache(CacheTiers cache) {
    ShardSettings settings;
    settings.cache = cache;
    return settings;
}

Packet from_a5(Packet packet = {}) {
    packet.source_mac = "02:aa:00:00:00:05";
    packet.destination_mac = "02:50:56:56:44:52";
    packet.destination = "203.0.113.9";
    return packet;
}
Packet from_r(Packet packet) {
    packet.source_mac = "02:00:00:00:09:01";
    packet.destination_mac = "02:00:00:00:01:01";
    packet.vlan = 100;
    packet.source = "203.0.113.9";
    return packet;
}
Outer from_21(Outer outer = {}) {
    outer.source = "2001:db8:51::21";
    outer.destination = "2001:db8:51::10";
    return outer;
}

class OuterIpv6 : public testing::TestWithParam<CacheTiers> {
  protected:
    OuterIpv6() : gateway(topology(), with_cache(GetParam())) {}
    void TearDown() override {
        EXPECT_TRUE(gateway.counters().balanced());
        EXPECT_EQ(gateway.frames_in_use(), gateway.counters().held);
    }
    std::vector<SentFrame> from_tunnel(const Outer& outer = from_21(), const Bytes& inner = udp(from_a5())) {
        return gateway.inject("V0", in_vxlan(outer, inner));
    }
    /// A session of that station's, and a packet of the other side's for it.
    Bytes reply_to(const std::string& station, const Outer& outer, bool geneve = false) {
        const Bytes request = udp(from_a5({.source = station}));
        const Decoded sent =
            only(gateway.inject("V0", geneve ? in_geneve(outer, request) : in_vxlan(outer, request)));
        Packet reply{.destination = text(sent.source)};
        reply.source_port = sent.destination_port();
        reply.destination_port = sent.source_port();
        reply.payload = {1, 2, 3, 4};
        reply.tos = 46 << 2;
        return udp(from_r(reply));
    }

    TestGateway gateway;
};
SLUICE_ACCEPTANCE(OuterIpv6);

TEST_P(OuterIpv6, a_packet_in_a_tunnel_is_this_byte_for_byte) {
    for (const bool geneve : {false, true}) {
        const Bytes reply = reply_to(geneve ? "10.1.2.5" : "10.1.1.5", from_21(), geneve);
        for (int i = 0; i < 3; ++i) {
            const auto sent = gateway.inject("U0", reply);
            ASSERT_EQ(sent.size(), 1u);
            const Bytes& frame = sent[0].bytes;
            constexpr std::size_t inner_bytes = 14 + 20 + 8 + 4, udp_bytes = 16 + inner_bytes;
            ASSERT_EQ(frame.size(), 14 + 40 + udp_bytes);
            const std::uint16_t source_port = get16(frame, 54);
            EXPECT_GE(source_port, 49152);
            const std::uint32_t flow_label = static_cast<std::uint32_t>(source_port - 49152) << 6;
            Bytes expected;
            append_mac(expected, "02:00:00:00:21:01");
            append_mac(expected, "02:00:00:00:01:01");
            append16(expected, 0x86dd);
            append32(expected, 0x60000000u | (46u << 2) << 20 | flow_label);
            append16(expected, udp_bytes);
            append16(expected, 17 << 8 | 64);
            append_ip(expected, "2001:db8:51::10");
            append_ip(expected, "2001:db8:51::21");
            append16(expected, source_port);
            append16(expected, geneve ? 6081 : 4789);
            append16(expected, udp_bytes);
            append16(expected, 0);
            append32(expected, geneve ? 0x00006558 : 0x08000000);
            append32(expected, 5001 << 8);
            Bytes header(frame.begin(), frame.begin() + 70);
            EXPECT_EQ(header[17] & 1, 1);  // of the flow label, whose last bits only its hash tells
            header[17] = static_cast<std::uint8_t>(header[17] & 0xc0);
            EXPECT_EQ(header, expected);
            const Bytes inner(frame.begin() + 70, frame.end());
            EXPECT_TRUE(checksums_valid(inner));
            EXPECT_EQ(decode(inner).tos, 46 << 2);
            EXPECT_EQ(decode(inner).untouched_l4(), decode(reply).untouched_l4());
        }
    }
    if (GetParam() != CacheTiers::none) {
        EXPECT_GE(gateway.counters().cache.flow_hits, 4u);
    }
}

// RFC 6935 5: none, because the packet inside has its own. One that is there is not looked at, as over IPv4.
TEST_P(OuterIpv6, any_udp_checksum_will_do) {
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(from_tunnel().size(), 1u);
        Outer with_checksum = from_21();
        with_checksum.no_udp_checksum = false;
        EXPECT_EQ(from_tunnel(with_checksum).size(), 1u);
        Bytes wrong = in_vxlan(with_checksum, udp(from_a5()));
        wrong[14 + 40 + 6] ^= 0xff;
        EXPECT_EQ(gateway.inject("V0", wrong).size(), 1u);
    }
}

TEST_P(OuterIpv6, extension_headers_outside_are_refused_by_name) {
    from_tunnel();  // the flow is known
    const Bytes plain = in_vxlan(from_21(), udp(from_a5()));
    const Bytes padding{0, 1, 4, 0, 0, 0, 0};  // behind the next header: one of 8 bytes, PadN
    const Bytes no_fragment{0, 0, 0, 1, 2, 3, 4};
    std::uint64_t dropped = 0;
    for (const Extension& extension :
         {Extension{0, padding}, Extension{60, padding}, Extension{44, no_fragment}}) {
        Packet outer{.source_mac = "02:00:00:00:21:01",
                     .destination_mac = "02:00:00:00:01:01",
                     .source = "2001:db8:51::21",
                     .destination = "2001:db8:51::10",
                     .source_port = 50000,
                     .destination_port = 4789,
                     .payload = Bytes(plain.begin() + 62, plain.end()),
                     .extensions = {extension},
                     .no_udp_checksum = true};
        EXPECT_TRUE(gateway.inject("V0", udp(outer)).empty());
        EXPECT_EQ(gateway.drops(underlay, DropReason::OUTER_EXT_HEADER), ++dropped);
        outer.extensions.clear();
        EXPECT_EQ(gateway.inject("V0", udp(outer)).size(), 1u);
    }
}

TEST_P(OuterIpv6, an_endpoint_of_the_other_family_is_nobody) {
    const auto from_ipv4 = [](std::uint32_t vni) {
        return Outer{.source = "198.51.100.21", .destination = "198.51.100.10", .vni = vni};
    };
    Packet of_b = from_a5();
    of_b.destination_mac = "02:00:00:00:01:01";
    for (int i = 0; i < 2; ++i) {  // the first packet of a flow, and one of a known flow
        EXPECT_EQ(from_tunnel(from_ipv4(6001), udp(of_b)).size(), 1u);
        EXPECT_EQ(from_tunnel().size(), 1u);
        EXPECT_TRUE(from_tunnel(from_ipv4(5001)).empty());
        // The bits of 198.51.100.21, with zeros behind them.
        Outer of_alike_bits = from_21({.vni = 6001});
        of_alike_bits.source = "c633:6415::";
        EXPECT_TRUE(from_tunnel(of_alike_bits, udp(of_b)).empty());
        EXPECT_EQ(gateway.drops(underlay, DropReason::UNKNOWN_TEP), 2u * (i + 1u));
    }
}

TEST_P(OuterIpv6, an_endpoint_behind_the_tunnel_gateway_is_reached_by_it) {
    const Outer from_22{
        .source_mac = "02:00:00:00:51:01", .source = "2001:db8:52::22", .destination = "2001:db8:51::10"};
    const Bytes reply = reply_to("10.1.1.6", from_22);
    const auto asked = gateway.inject("U0", reply);
    ASSERT_EQ(asked.size(), 1u);
    const Decoded question = decode(asked[0].bytes);
    EXPECT_EQ(question.byte(0), 135);
    EXPECT_EQ(question.ttl, 255);
    EXPECT_EQ(to_string(question.destination, Family::v6), "ff02::1:ff00:1");
    EXPECT_EQ(to_string(question.source, Family::v6), "2001:db8:51::10");
    EXPECT_EQ(gateway.counters().held, 1u);
    const auto released = gateway.inject("V0", neighbour_advertisement({.source_mac = "02:00:00:00:51:01",
                                                                        .destination_mac = "02:00:00:00:01:01",
                                                                        .source = "2001:db8:51::1",
                                                                        .destination = "2001:db8:51::10",
                                                                        .target = "2001:db8:51::1",
                                                                        .link_layer = "02:00:00:00:51:01",
                                                                        .solicited = true,
                                                                        .override_flag = true}));
    for (int i = 0; i < 3; ++i) {
        const auto sent = i == 0 ? released : gateway.inject("U0", reply);
        ASSERT_EQ(sent.size(), 1u);
        const Opened opened = open_vxlan(sent[0].bytes);
        EXPECT_EQ(opened.fault, "");
        EXPECT_EQ(to_string(opened.outer.destination_mac), "02:00:00:00:51:01");
        EXPECT_EQ(to_string(opened.outer.destination, Family::v6), "2001:db8:52::22");
        EXPECT_EQ(to_string(decode(opened.inner).destination_mac), "02:aa:00:00:00:06");
    }
}

TEST_P(OuterIpv6, a_segment_goes_over_to_the_other_family_under_its_sessions) {
    const Bytes reply = reply_to("10.1.1.5", from_21());
    const auto expect_over = [&](Family family) {
        for (int i = 0; i < 3; ++i) {
            const auto sent = gateway.inject("U0", reply);
            ASSERT_EQ(sent.size(), 1u);
            const Opened opened = open_vxlan(sent[0].bytes);
            EXPECT_EQ(opened.fault, "");
            EXPECT_EQ(opened.outer.family, family);
            EXPECT_EQ(to_string(opened.outer.destination, family),
                      family == Family::v4 ? "198.51.100.21" : "2001:db8:51::21");
            EXPECT_EQ(to_string(opened.outer.destination_mac),
                      family == Family::v4 ? "02:00:00:00:21:04" : "02:00:00:00:21:01");
        }
    };
    expect_over(Family::v6);
    const auto over_ipv4 = [](Texts texts) {
        texts = edited(std::move(texts), "tenants/a.yaml", "[\"2001:db8:51::21\", \"2001:db8:52::22\"]",
                       "198.51.100.21");
        return edited(std::move(texts), "tenants/a.yaml",
                      "\"02:aa:00:00:00:05\": \"2001:db8:51::21\", \"02:aa:00:00:00:06\": \"2001:db8:52::22\"",
                      "\"02:aa:00:00:00:05\": 198.51.100.21");
    };
    gateway.activate(*compile_texts(over_ipv4(two_underlays_texts())));
    expect_over(Family::v4);
    EXPECT_TRUE(from_tunnel().empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::UNKNOWN_TEP), 1u);
    EXPECT_EQ(from_tunnel(Outer{}).size(), 1u);
    gateway.activate(topology());
    expect_over(Family::v6);
    EXPECT_EQ(from_tunnel().size(), 1u);
    EXPECT_TRUE(from_tunnel(Outer{}).empty());
}

TEST_P(OuterIpv6, flow_labels_tell_flows_apart) {
    std::set<std::uint32_t> labels;
    constexpr int flows = 64;
    for (int i = 0; i < flows; ++i) {
        Packet packet{.destination = "192.0.2.11",
                      .source_port = static_cast<std::uint16_t>(4000 + i),
                      .tcp_flags = 0x02};
        const auto sent = gateway.inject("U0", tcp(from_r(packet)));
        ASSERT_EQ(sent.size(), 1u);
        labels.insert(get32(sent[0].bytes, 14) & 0xfffff);
    }
    EXPECT_GT(labels.size(), flows - 3u);
    EXPECT_EQ(labels.count(0), 0u);
}

TEST_P(OuterIpv6, what_fits_is_the_ports_mtu_less_70) {
    const auto of_length = [](std::size_t bytes) {
        Packet packet{.destination = "192.0.2.11", .tcp_flags = 0x02, .payload = Bytes(bytes - 40, 1)};
        packet.dont_fragment = true;
        return tcp(from_r(packet));
    };
    const auto sent = gateway.inject("U0", of_length(1550));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].bytes.size(), 14u + 1620u);
    const Decoded error = only(gateway.inject("U0", of_length(1551)));
    EXPECT_EQ(error.byte(0), 3);
    EXPECT_EQ(error.byte(1), 4);
    EXPECT_EQ(error.word(6), 1550);
}

/// What a glance into a tunnel lets pass must be what the full parser would: packets of a known flow with every
/// bit outside flipped, one at a time, leave as they do without the cache.
class OuterHeaderBits : public testing::TestWithParam<CacheTiers> {
  protected:
    OuterHeaderBits()
        : gateway_(topology(), with_cache(GetParam())), without_(topology(), with_cache(CacheTiers::none)) {}
    void flip_every_bit(const Bytes& good, std::size_t outer_bytes) {
        for (int i = 0; i < 2; ++i) ASSERT_EQ(both(good).size(), 1u);
        const bool is_ipv4 = good[12] == 0x08;
        for (std::size_t bit = 0; bit < outer_bytes * 8; ++bit) {
            for (const bool repaired : {false, true}) {
                if (repaired && !is_ipv4) continue;
                Bytes flipped = good;
                flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
                if (repaired) {
                    put16(flipped, 24, 0);
                    put16(flipped, 24, slow_checksum({&flipped[14], 20}));
                }
                both(flipped);
                ASSERT_FALSE(HasFailure()) << "byte " << bit / 8 << " bit " << bit % 8;
            }
        }
        for (std::size_t length = 14; length < good.size(); ++length) {
            both({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)});
            ASSERT_FALSE(HasFailure()) << "cut at " << length;
        }
        both(padded(good, good.size() + 9));
        EXPECT_EQ(gateway_.counters().drops, without_.counters().drops);
        EXPECT_EQ(gateway_.counters().cache.flow_hits > 0, GetParam() != CacheTiers::none);
    }

  private:
    std::vector<SentFrame> both(const Bytes& frame) {
        const auto one = gateway_.inject("V0", frame), other = without_.inject("V0", frame);
        EXPECT_EQ(one, other);
        return one;
    }

    TestGateway gateway_, without_;
};
SLUICE_ACCEPTANCE(OuterHeaderBits);

TEST_P(OuterHeaderBits, vxlan_over_ipv6) {
    flip_every_bit(in_vxlan(from_21(), udp(from_a5())), 70);
}

TEST_P(OuterHeaderBits, geneve_over_ipv6) {
    Packet packet = from_a5();
    packet.source = "10.1.2.5";
    flip_every_bit(in_geneve(from_21(), udp(packet)), 70);
}

TEST_P(OuterHeaderBits, vxlan_over_ipv4) {
    Packet packet = from_a5();
    packet.destination_mac = "02:00:00:00:01:01";
    flip_every_bit(in_vxlan({.vni = 6001}, udp(packet)), 50);
}

}  // namespace
}  // namespace sluice::test
