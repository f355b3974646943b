// SPDX-License-Identifier: Apache-2.0
//
// Stateful NAT64 of one tenant (RFC 6146, 6052, 7915): IPv6 hosts of its segment and the IPv4 world behind its
// uplink, in each tier of the cache.
#include <algorithm>
#include <set>

#include "runtime/state/nat_table.h"
#include "tests/runtime/shard/one_tenant.h"
#include "tests/support/bytes.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

constexpr const char* router_outside = "9.9.9.1";
constexpr const char* open_to_all =
    "firewall: {default: drop, rules: [{name: all, from: any, to: any, action: allow}]}\n";

std::string nat64(const std::string& options = "", const std::string& prefix = "64:ff9b::/96") {
    return "nat:\n  - {nat64: \"" + prefix +
           "\", from: \"2001:db8:1::/64\", out: internet, to: 203.0.113.10, ports: 2000-2999" + options + "}\n";
}

class Nat64 : public OneTenant {
  protected:
    static std::string text(Ip ip, Family family) { return to_string(ip, family); }
    static std::string from(const Decoded& packet) { return text(packet.source, packet.family); }
    static std::string to(const Decoded& packet) { return text(packet.destination, packet.family); }

    Packet host(Packet packet) const {
        packet.vlan = 1;
        packet.id = 0x4321;
        if (packet.source == "10.1.1.5") packet.source = "2001:db8:1::5";
        if (packet.destination == "198.18.0.9") packet.destination = "64:ff9b::808:808";
        return packet;
    }
    /// To what the gateway made of a packet.
    static Packet server(const Decoded& sent, Packet packet = {}) {
        packet.vlan = 1;
        packet.source_mac = "02:00:00:00:09:01";
        if (packet.source == "10.1.1.5") packet.source = text(sent.destination, Family::v4);
        packet.destination = text(sent.source, Family::v4);
        packet.source_port = sent.destination_port();
        packet.destination_port = sent.source_port();
        return packet;
    }
    Decoded only(std::string_view port, const Bytes& frame) {
        const auto sent = gateway_->inject(port, frame);
        EXPECT_EQ(sent.size(), 1u);
        if (sent.size() != 1) return {};
        EXPECT_TRUE(checksums_valid(sent[0].bytes)) << describe(decode(sent[0].bytes));
        last_ = sent[0].bytes;
        return decode(last_);
    }
    Decoded inside(const Bytes& frame) { return only("lan0", frame); }
    Decoded outside(const Bytes& frame) { return only("uplink0", frame); }
    void nothing(std::string_view port, const Bytes& frame, DropReason reason) {
        const std::uint64_t before = refused(reason);
        EXPECT_EQ(gateway_->inject(port, frame).size(), 0u);
        EXPECT_EQ(refused(reason), before + 1) << name_of(reason);
    }

    Bytes last_;  // frame that left
};
INSTANTIATE_TEST_SUITE_P(Cached, Nat64, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

// RFC 6146 3.5.1, 3.5.2, 3.6.
TEST_P(Nat64, a_flow_leaves_as_ipv4_and_its_replies_come_back) {
    run(one_tenant(nat64()));
    for (const std::uint8_t protocol : {protocol_udp, protocol_tcp}) {
        const auto frame = [&](const Packet& packet) {
            return protocol == protocol_udp ? udp(packet) : tcp(packet);
        };
        std::uint16_t port = 0;
        for (int round = 0; round < 3; ++round) {
            const std::uint8_t ours = round == 0 ? 0x02 : 0x10, theirs = round == 0 ? 0x12 : 0x10;
            const Packet sent = host({.tcp_flags = ours, .ttl = 9, .tos = 0x2e});
            const Decoded out = inside(frame(sent));
            EXPECT_EQ(out.family, Family::v4);
            EXPECT_EQ(from(out), "203.0.113.10");
            EXPECT_EQ(to(out), "8.8.8.8");
            EXPECT_EQ(out.destination_port(), 80);
            EXPECT_TRUE(out.source_port() >= 2000 && out.source_port() < 3000);
            EXPECT_TRUE(round == 0 || out.source_port() == port);
            port = out.source_port();
            EXPECT_EQ(out.ttl, 8);
            EXPECT_EQ(out.tos, 0x2e);
            EXPECT_FALSE(out.dont_fragment) << "RFC 7915 5.1: short packets may be fragmented";
            EXPECT_EQ(out.untouched_l4(), decode(frame(sent)).untouched_l4());

            const Decoded back = outside(frame(server(out, {.tcp_flags = theirs, .ttl = 7, .tos = 3})));
            EXPECT_EQ(back.family, Family::v6);
            EXPECT_EQ(from(back), "64:ff9b::808:808");
            EXPECT_EQ(to(back), "2001:db8:1::5");
            EXPECT_EQ(back.source_port(), 80);
            EXPECT_EQ(back.destination_port(), 5000);
            EXPECT_EQ(back.ttl, 6);
            EXPECT_EQ(back.tos, 3);
            EXPECT_EQ(back.destination_mac, *parse_mac("02:00:00:00:00:01"));
        }
    }
    EXPECT_EQ(gateway_->counters().sessions.active, 2u);
}

// RFC 6146 3.5.3.
TEST_P(Nat64, an_echo_crosses_with_an_identifier_of_the_pool) {
    run(one_tenant(nat64()));
    for (int round = 0; round < 2; ++round) {
        const Decoded out = inside(echo_request(host({.identifier = 77})));
        EXPECT_EQ(out.kind(), Kind::echo_request);
        EXPECT_EQ(out.protocol, protocol_icmp);
        EXPECT_TRUE(out.source_port() >= 2000 && out.source_port() < 3000);
        const Decoded back = outside(echo_reply(server(out, {.identifier = out.source_port()})));
        EXPECT_EQ(back.kind(), Kind::echo_reply);
        EXPECT_EQ(back.protocol, protocol_icmpv6);
        EXPECT_EQ(back.destination_port(), 77);
        EXPECT_EQ(to(back), "2001:db8:1::5");
    }
}

// RFC 6146 3.5.1: endpoint-independent.
TEST_P(Nat64, a_host_keeps_its_port_to_all_destinations_and_shares_the_pool_with_ipv4) {
    run(one_tenant(nat64() + "  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10, ports: 2000-2001}\n"));
    const std::uint16_t port = inside(udp(host({}))).source_port();
    EXPECT_EQ(inside(udp(host({.destination = "64:ff9b::909:909"}))).source_port(), port);
    // The one rule's ports are the other's as well: each is given once.
    std::set<std::uint16_t> ports = {port};
    for (const std::uint16_t own : {6000, 6001}) {
        const auto sent =
            gateway_->inject("lan0", udp({.vlan = 1, .destination = "8.8.8.8", .source_port = own}));
        if (sent.size() == 1 && decode(sent[0].bytes).destination_port() == 80) {
            EXPECT_TRUE(ports.insert(decode(sent[0].bytes).source_port()).second);
        }
    }
}

// RFC 6052 2.2.
TEST_P(Nat64, own_prefixes_of_every_length) {
    const std::pair<const char*, const char*> cases[] = {
        {"2001:db9::/32", "2001:db9:c633:6407::"},
        {"2001:db8:100::/40", "2001:db8:1c6:3364:7::"},
        {"2001:db8:122::/48", "2001:db8:122:c633:64:700::"},
        {"2001:db8:122:300::/56", "2001:db8:122:3c6:33:6407::"},
        {"2001:db8:122:344::/64", "2001:db8:122:344:c6:3364:700:0"},
        {"2001:db8:122:344::/96", "2001:db8:122:344::c633:6407"},
    };
    for (const auto& [prefix, destination] : cases) {
        run(one_tenant(nat64("", prefix)));
        const Decoded out = inside(udp(host({.destination = destination})));
        EXPECT_EQ(to(out), "198.51.100.7") << prefix;
        EXPECT_EQ(from(outside(udp(server(out)))), to_string(parse_ip(destination)->ip, Family::v6)) << prefix;
    }
}

// RFC 6052 2.2: there is no meaning for a suffix yet; RFC 6146 3.5: who is behind the prefix sends no IPv6.
TEST_P(Nat64, addresses_that_nobody_has_are_no_ends) {
    run(one_tenant(nat64("", "2001:db8:122:344::/64")));
    nothing("lan0", udp(host({.destination = "2001:db8:122:344:c6:3364:700:1"})), DropReason::MARTIAN_DST);
    nothing("uplink0",
            udp({.source_mac = "02:00:00:00:09:01",
                 .vlan = 1,
                 .source = "2001:db8:122:344:8:808:800:0",
                 .destination = "2001:db8:1::6"}),
            DropReason::MARTIAN_SRC);
}

// RFC 6052 3.1.
TEST_P(Nat64, the_well_known_prefix_leads_to_global_addresses_alone) {
    run(one_tenant(nat64()));
    for (const char* destination :
         {"64:ff9b::a00:1", "64:ff9b::ac10:1", "64:ff9b::c0a8:101", "64:ff9b::6440:1", "64:ff9b::a9fe:1",
          "64:ff9b::c000:201", "64:ff9b::c612:1", "64:ff9b::7f00:1", "64:ff9b::e000:1", "64:ff9b::"}) {
        nothing("lan0", udp(host({.destination = destination})), DropReason::MARTIAN_DST);
    }
    run(one_tenant(nat64("", "2001:db8:64::/96")));
    EXPECT_EQ(to(inside(udp(host({.destination = "2001:db8:64::a00:1"})))), "10.0.0.1") << "own prefixes";
    nothing("lan0", udp(host({.destination = "2001:db8:64::7f00:1"})), DropReason::MARTIAN_DST);
}

TEST_P(Nat64, who_has_no_rule_is_told) {
    run(one_tenant(
        "nat:\n  - {nat64: \"64:ff9b::/96\", from: \"2001:db8:1::6\", out: internet, to: 203.0.113.10}\n"));
    const std::uint64_t before = refused(DropReason::NAT_FILTERED);
    const Decoded told = inside(udp(host({})));
    EXPECT_EQ(told.kind(), Kind::icmp_error);
    EXPECT_EQ(told.byte(0), 1);
    EXPECT_EQ(told.byte(1), 1) << "administratively prohibited";
    EXPECT_EQ(refused(DropReason::NAT_FILTERED), before + 1);
}

// RFC 6146 3.5.1, RFC 4787 REQ-8.
TEST_P(Nat64, strangers_enter_where_the_filter_lets_them) {
    run(one_tenant(nat64() + open_to_all));
    Decoded out = inside(udp(host({})));
    Packet stranger = server(out, {.source = "9.9.9.9"});
    nothing("uplink0", udp(stranger), DropReason::NAT_FILTERED);

    run(one_tenant(nat64(", filter: endpoint-independent") + open_to_all));
    out = inside(udp(host({})));
    stranger = server(out, {.source = "9.9.9.9"});
    stranger.source_port = 4444;
    for (int round = 0; round < 2; ++round) {
        const Decoded in = outside(udp(stranger));
        EXPECT_EQ(from(in), "64:ff9b::909:909");
        EXPECT_EQ(to(in), "2001:db8:1::5");
        EXPECT_EQ(in.source_port(), 4444);
        EXPECT_EQ(in.destination_port(), 5000);
        const Decoded back = inside(udp(host({.destination = "64:ff9b::909:909", .destination_port = 4444})));
        EXPECT_EQ(from(back), "203.0.113.10");
        EXPECT_EQ(back.source_port(), out.source_port());
        EXPECT_EQ(to(back), "9.9.9.9");
        EXPECT_EQ(back.destination_port(), 4444);
    }
    EXPECT_EQ(gateway_->counters().sessions.active, 2u);
    gateway_->advance(seconds(301));
    EXPECT_EQ(gateway_->counters().sessions.active, 0u);
    gateway_->advance(seconds(121));  // ports rest
    EXPECT_EQ(gateway_->shard().live_use_of_pool(0, 0).mappings, 0u) << "all are given back";
}

// RFC 6146 3.8.
TEST_P(Nat64, two_hosts_of_the_inside_reach_each_other) {
    run(one_tenant(nat64(", filter: endpoint-independent")));
    const Decoded five = inside(udp(host({})));
    const std::string known_as = "64:ff9b::cb00:710a";
    (void)five;
    // 203.0.113.10 is no global address, so the well-known prefix is not for it.
    nothing("lan0", udp(host({.destination = known_as})), DropReason::MARTIAN_DST);

    run(one_tenant(nat64(", filter: endpoint-independent", "2001:db8:64::/96")));
    const std::string pool = "2001:db8:64::cb00:710a";
    const Decoded out = inside(udp(host({.destination = "2001:db8:64::808:808"})));
    for (int round = 0; round < 2; ++round) {
        const Decoded in = inside(udp(host({.source_mac = "02:00:00:00:00:02",
                                            .source = "2001:db8:1::6",
                                            .destination = pool,
                                            .source_port = 6000,
                                            .destination_port = out.source_port()})));
        EXPECT_EQ(in.family, Family::v6);
        EXPECT_EQ(to(in), "2001:db8:1::5");
        EXPECT_EQ(in.destination_port(), 5000);
        EXPECT_EQ(from(in), pool) << "its own external address";
        EXPECT_TRUE(in.source_port() >= 2000 && in.source_port() < 3000);
        const Decoded back = inside(
            udp(host({.source = "2001:db8:1::5", .destination = pool, .destination_port = in.source_port()})));
        EXPECT_EQ(to(back), "2001:db8:1::6");
        EXPECT_EQ(back.destination_port(), 6000);
        EXPECT_EQ(from(back), pool);
        EXPECT_EQ(back.source_port(), out.source_port());
    }
}

// RFC 6146 3.5.3, 3.6.1; RFC 7915 4.2, 4.3.
TEST_P(Nat64, an_error_of_the_ipv4_side_reaches_the_host) {
    run(one_tenant(nat64()));
    const Bytes sent = tcp(host({.tcp_flags = 0x02}));
    const Decoded out = inside(sent);
    Packet router = server(out, {.source = router_outside, .icmp_type = 3, .icmp_code = 4, .icmp_rest = 1400});
    const Decoded error = outside(icmp_error(router, ip_packet(last_)));
    EXPECT_EQ(error.family, Family::v6);
    EXPECT_EQ(error.byte(0), 2) << "packet too big";
    EXPECT_EQ(error.word(6), 1420);
    EXPECT_EQ(from(error), "64:ff9b::909:901") << "the router's own";
    EXPECT_EQ(to(error), "2001:db8:1::5");
    const Decoded quoted = decode_quoted(error);
    EXPECT_EQ(quoted.fault, "");
    EXPECT_EQ(to(quoted), "64:ff9b::808:808");
    EXPECT_EQ(from(quoted), "2001:db8:1::5");
    EXPECT_EQ(quoted.source_port(), 5000);
    EXPECT_EQ(quoted.destination_port(), 80);
    EXPECT_TRUE(quoted_checksums_valid(last_));
}

TEST_P(Nat64, an_error_of_the_host_reaches_the_ipv4_side) {
    run(one_tenant(nat64()));
    const Decoded out = inside(udp(host({})));
    outside(udp(server(out)));
    const Decoded error = inside(icmp_error(host({.icmp_type = 1, .icmp_code = 4}), ip_packet(last_)));
    EXPECT_EQ(error.family, Family::v4);
    EXPECT_EQ(error.byte(0), 3);
    EXPECT_EQ(error.byte(1), 3) << "port unreachable";
    EXPECT_EQ(from(error), "203.0.113.10");
    EXPECT_EQ(to(error), "8.8.8.8");
    const Decoded quoted = decode_quoted(error);
    EXPECT_EQ(to(quoted), "203.0.113.10");
    EXPECT_EQ(quoted.destination_port(), out.source_port());
    EXPECT_EQ(quoted.source_port(), 80);
}

TEST_P(Nat64, what_expires_or_is_too_long_is_told_in_the_senders_family) {
    run(one_tenant(nat64()));
    const Decoded expired = inside(udp(host({.ttl = 1})));
    EXPECT_EQ(expired.family, Family::v6);
    EXPECT_EQ(expired.byte(0), 3);
    EXPECT_EQ(from(expired), "2001:db8:1::1");

    const Decoded out = inside(udp(host({})));
    // 1480 bytes are 1500 of IPv6: the way in takes no more.
    EXPECT_EQ(outside(udp(server(out, {.payload = Bytes(1480 - 28, 1), .dont_fragment = true}))).total_bytes,
              1500u);
    const Decoded big = outside(udp(server(out, {.payload = Bytes(1481 - 28, 1), .dont_fragment = true})));
    EXPECT_EQ(big.family, Family::v4);
    EXPECT_EQ(big.byte(0), 3);
    EXPECT_EQ(big.byte(1), 4);
    EXPECT_EQ(big.word(6), 1480);
}

// RFC 6146 3.4; RFC 7915 4.1, 5.1.1.
TEST_P(Nat64, fragments_cross_both_ways_in_any_order) {
    run(one_tenant(nat64()));
    const Bytes sent = udp(host({.payload = Bytes(1000, 7)}));
    auto pieces = fragments(sent, 400);
    std::reverse(pieces.begin(), pieces.end());
    const auto collect = [&](std::string_view port, const std::vector<Bytes>& frames) {
        std::vector<Decoded> parts;
        for (const Bytes& frame : frames) {
            for (const SentFrame& one : gateway_->inject(port, frame)) parts.push_back(decode(one.bytes));
        }
        std::sort(parts.begin(), parts.end(),
                  [](const auto& a, const auto& b) { return a.fragment_offset < b.fragment_offset; });
        return parts;
    };
    const auto there = collect("lan0", pieces);
    ASSERT_EQ(there.size(), 3u);
    for (const Decoded& part : there) {
        EXPECT_EQ(part.family, Family::v4);
        EXPECT_EQ(part.id, there[0].id);
        EXPECT_FALSE(part.dont_fragment);
    }
    Decoded whole = joined(there);
    EXPECT_EQ(whole.untouched_l4(), decode(sent).untouched_l4());
    EXPECT_TRUE(l4_residue(whole) == 0 || l4_residue(whole) == 0xffff);

    for (const bool no_checksum : {false, true}) {
        const Bytes reply = udp(server(whole, {.payload = Bytes(1000, 8), .no_udp_checksum = no_checksum}));
        auto answers = fragments(reply, 400);
        std::swap(answers[0], answers[2]);
        const auto back = collect("uplink0", answers);
        ASSERT_EQ(back.size(), 3u);
        for (const Decoded& part : back) {
            EXPECT_EQ(part.family, Family::v6);
            EXPECT_EQ(part.id, 0x1234u);
            EXPECT_EQ(to(part), "2001:db8:1::5");
        }
        const Decoded answer = joined(back);
        EXPECT_EQ(answer.destination_port(), 5000);
        EXPECT_TRUE(l4_residue(answer) == 0 || l4_residue(answer) == 0xffff) << "RFC 7915 4.5: it gets one";
        EXPECT_NE(answer.word(6), 0);
    }
}

// The ICMPv6 checksum counts the length of the whole message.
TEST_P(Nat64, an_echo_in_fragments_crosses_both_ways) {
    run(one_tenant(nat64()));
    const auto through = [&](std::string_view port, const Bytes& frame) {
        std::vector<Decoded> parts;
        for (const Bytes& piece : fragments(frame, 1448)) {
            for (const SentFrame& one : gateway_->inject(port, piece)) parts.push_back(decode(one.bytes));
        }
        EXPECT_GE(parts.size(), 3u);
        return parts.empty() ? Decoded{} : joined(parts);
    };
    const Bytes request = echo_request(host({.identifier = 77, .payload = Bytes(4000, 9)}));
    const Decoded out = through("lan0", request);
    EXPECT_EQ(out.kind(), Kind::echo_request);
    EXPECT_EQ(out.family, Family::v4);
    EXPECT_EQ(slow_checksum(out.l4), 0);
    EXPECT_EQ(out.l4.size(), 4008u);
    const Bytes reply = echo_reply(server(out, {.identifier = out.source_port(), .payload = Bytes(4000, 9)}));
    const Decoded back = through("uplink0", reply);
    EXPECT_EQ(back.kind(), Kind::echo_reply);
    EXPECT_EQ(back.destination_port(), 77);
    EXPECT_TRUE(l4_residue(back) == 0 || l4_residue(back) == 0xffff);
}

// RFC 7915 4: without DF no sender would learn of a smaller MTU.
TEST_P(Nat64, long_ipv4_without_df_is_cut_to_what_every_ipv6_link_takes) {
    run(one_tenant(nat64()));
    const Decoded out = inside(udp(host({})));
    const Bytes reply = udp(server(out, {.payload = Bytes(1400, 8)}));
    const auto frames = gateway_->inject("uplink0", reply);
    ASSERT_EQ(frames.size(), 2u);
    std::vector<Decoded> parts;
    for (const SentFrame& frame : frames) {
        parts.push_back(decode(frame.bytes));
        EXPECT_LE(parts.back().total_bytes, 1280u);
        EXPECT_EQ(parts.back().id, 0x1234u);
        EXPECT_EQ(parts.back().ttl, 63);
    }
    const Decoded whole = joined(parts);
    EXPECT_EQ(whole.untouched_l4(), decode(reply).untouched_l4());
    EXPECT_TRUE(l4_residue(whole) == 0 || l4_residue(whole) == 0xffff);
    EXPECT_EQ(outside(udp(server(out, {.payload = Bytes(1400, 8), .dont_fragment = true}))).total_bytes, 1448u);
}

TEST_P(Nat64, the_firewall_sees_what_the_host_sees) {
    run(one_tenant(
        nat64() +
        "firewall:\n  rules:\n    - {name: not-there, from: lan, to: \"64:ff9b::909:900/120\", action: "
        "drop}\n    - {name: web, from: \"2001:db8:1::5\", to: internet, service: [tcp/80, icmpv6], action: "
        "allow}\n    - {name: rest, from: any, to: any, action: drop}\n"));
    EXPECT_EQ(to(inside(tcp(host({.tcp_flags = 2})))), "8.8.8.8");
    EXPECT_EQ(to(inside(echo_request(host({})))), "8.8.8.8");
    nothing("lan0", tcp(host({.destination = "64:ff9b::909:909", .tcp_flags = 2})), DropReason::FW_DENY);
    nothing("lan0", udp(host({})), DropReason::FW_DENY);
}

TEST_P(Nat64, a_published_ipv4_server_of_the_inside_is_reached) {
    run(one_tenant(nat64("", "2001:db8:64::/96") +
                   "  - {dnat: \"tcp 203.0.113.10:80\", on: internet, to: \"10.1.1.6:8080\"}\n"));
    const Decoded in = inside(tcp(host({.destination = "2001:db8:64::cb00:710a", .tcp_flags = 2})));
    EXPECT_EQ(to(in), "10.1.1.6");
    EXPECT_EQ(in.destination_port(), 8080);
    EXPECT_EQ(from(in), "203.0.113.10");
    const Decoded back = inside(tcp({.source_mac = "02:00:00:00:00:02",
                                     .vlan = 1,
                                     .source = "10.1.1.6",
                                     .destination = "203.0.113.10",
                                     .source_port = 8080,
                                     .destination_port = in.source_port(),
                                     .tcp_flags = 0x12}));
    EXPECT_EQ(to(back), "2001:db8:1::5");
    EXPECT_EQ(from(back), "2001:db8:64::cb00:710a");
    EXPECT_EQ(back.source_port(), 80);
}

TEST_P(Nat64, a_session_lives_as_long_as_its_rule) {
    run(one_tenant(nat64()));
    const std::uint16_t port = inside(udp(host({}))).source_port();
    const auto longer = one_tenant(nat64(", filter: endpoint-independent"));
    gateway_->activate(*longer);
    EXPECT_EQ(inside(udp(host({}))).source_port(), port) << "its rule still makes it";
    EXPECT_EQ(gateway_->counters().sessions.created, 1u);
    const auto other = one_tenant(
        "nat:\n  - {nat64: \"64:ff9b::/96\", from: \"2001:db8:1::/64\", out: internet, to: "
        "203.0.113.11}\n");
    gateway_->activate(*other);
    EXPECT_EQ(from(inside(udp(host({})))), "203.0.113.11");
    EXPECT_EQ(gateway_->counters().sessions.created, 2u);
    const auto without = one_tenant("firewall: {default: allow}\n");
    gateway_->activate(*without);
    const Decoded plain = inside(udp(host({})));
    EXPECT_EQ(plain.family, Family::v6) << "routed like any other address";
    EXPECT_EQ(to(plain), "64:ff9b::808:808");
}

TEST_P(Nat64, a_one_to_one_host_keeps_its_session_with_an_ipv6_host) {
    const std::string policy = nat64(", filter: endpoint-independent", "2001:db8:64::/96") +
                               "  - {one-to-one: 203.0.113.5, inside: 10.1.1.6, on: internet}\n";
    run(one_tenant(policy));
    const Decoded out = inside(udp(host({.destination = "2001:db8:64::808:808"})));
    const Packet four{.source_mac = "02:00:00:00:00:02",
                      .vlan = 1,
                      .source = "10.1.1.6",
                      .destination = "203.0.113.10",
                      .source_port = 6000,
                      .destination_port = out.source_port()};
    const Decoded in = inside(udp(four));
    EXPECT_EQ(to(in), "2001:db8:1::5");
    EXPECT_EQ(from(in), "2001:db8:64::cb00:7105");
    const auto same = one_tenant(policy + "limits: {sessions: 1000}\n");
    gateway_->activate(*same);
    const Decoded back = inside(udp(host({.destination = "2001:db8:64::cb00:7105", .destination_port = 6000})));
    EXPECT_EQ(to(back), "10.1.1.6");
    EXPECT_EQ(from(back), "203.0.113.10");
    EXPECT_EQ(gateway_->counters().sessions.created, 2u);
}

TEST_P(Nat64, the_log_of_blocks_names_host_and_address_each_in_its_family) {
    run(one_tenant(nat64(", block-size: 64")));
    inside(udp(host({})));
    ASSERT_EQ(gateway_->blocks().size(), 1u);
    const BlockEvent& block = gateway_->blocks()[0];
    EXPECT_EQ(text(block.host, block.family), "2001:db8:1::5");
    EXPECT_EQ(text(block.external, block.external_family), "203.0.113.10");
}

TEST_P(Nat64, an_error_of_a_router_that_may_not_stand_behind_the_prefix_still_arrives) {
    run(one_tenant(nat64()));
    const Decoded out = inside(udp(host({})));
    const Packet router =
        server(out, {.source = "10.7.7.7", .icmp_type = 3, .icmp_code = 4, .icmp_rest = 1400});
    const Decoded error = outside(icmp_error(router, ip_packet(last_)));
    EXPECT_EQ(from(error), "64:ff9b::808:808") << "the host's address for it";
    EXPECT_EQ(error.word(6), 1420);
}

TEST_P(Nat64, a_session_outlives_the_process) {
    const std::string policy = nat64(", filter: endpoint-independent") + open_to_all;
    run(one_tenant(policy));
    const Decoded out = inside(udp(host({})));
    Packet stranger = server(out, {.source = "9.9.9.9"});
    outside(udp(stranger));
    const auto loaded = one_tenant(policy);
    const auto next = gateway_->restart(*loaded);
    EXPECT_EQ(next->resumed().sessions, 2u);
    for (const Packet& packet : {server(out), stranger}) {
        const auto frames = next->inject("uplink0", udp(packet));
        ASSERT_EQ(frames.size(), 1u);
        EXPECT_EQ(to(decode(frames[0].bytes)), "2001:db8:1::5");
    }
    EXPECT_EQ(next->counters().sessions.created, gateway_->counters().sessions.created);
    EXPECT_EQ(next->counters().sessions.active, 2u);
}

TEST_P(Nat64, what_has_no_counterpart_is_dropped) {
    run(one_tenant(nat64()));
    const Decoded out = inside(echo_request(host({})));
    // Timestamps (RFC 7915 4.2), protocols without ports.
    nothing("uplink0", icmp(server(out, {.icmp_type = 13})), DropReason::NAT_FILTERED);
    const std::uint64_t before = refused(DropReason::NAT_NO_PORT);
    gateway_->inject("lan0", ip_protocol(host({}), 47));
    EXPECT_EQ(refused(DropReason::NAT_NO_PORT), before + 1);
}

}  // namespace
}  // namespace sluice::test
