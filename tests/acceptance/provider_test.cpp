// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: topology T1 as it is written (seed-systems 1.2; rules/t1): tenants behind VXLAN, a provider's
// router between them and one uplink, links with addresses, transits between the routers' parts.
#include <nlohmann/json.hpp>

#include "runtime/control/report.h"
#include "runtime/show/path_report.h"
#include "tests/acceptance/tunnelled.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t segment_of_a = 5001, transit_of_a = 5900;

class Provider : public Tunnelled {
  protected:
    Provider() : Tunnelled(provider_texts) {}

    /// A packet of a5's on that VNI: to the distributed part of its router, or to the service part by the
    /// transit.
    std::vector<SentFrame> from_a5(const Packet& packet, std::uint32_t vni) {
        return from_tunnel(udp(to_router(packet, vni)), {.vni = vni});
    }
    std::vector<SentFrame> tcp_from_a5(const Packet& packet, std::uint32_t vni) {
        return from_tunnel(tcp(to_router(packet, vni)), {.vni = vni});
    }
    static Packet to_router(Packet packet, std::uint32_t vni) {
        packet.source_mac = "02:aa:00:00:00:05";
        packet.destination_mac = vni == segment_of_a ? "02:50:56:56:44:52" : "02:00:00:00:01:01";
        return packet;
    }
    void open_web_connection() {
        only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_syn}))));
        only(tcp_from_a5(answer_of_web(tcp_syn | tcp_ack), transit_of_a));
        only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_ack}))));
    }
    static Packet answer_of_web(std::uint8_t flags) {
        return {.source = "10.1.1.5",
                .destination = "203.0.113.9",
                .source_port = 8080,
                .destination_port = 4000,
                .tcp_flags = flags,
                .ttl = 64};
    }

    static constexpr std::uint8_t tcp_syn = 0x02, tcp_ack = 0x10;
};
SLUICE_OVERLAY(Provider);

TEST_P(Provider, MT_A01_a_published_service_is_reached_through_all_routers) {
    const Opened sent = only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_syn, .ttl = 64}))));
    EXPECT_EQ(sent.vni, segment_of_a);
    EXPECT_EQ(text(sent.outer.destination), "198.51.100.21");
    const Decoded inner = decode(sent.inner);
    EXPECT_EQ(text(inner.source), "203.0.113.9");
    EXPECT_EQ(inner.source_port(), 4000);
    EXPECT_EQ(text(inner.destination), "10.1.1.5");
    EXPECT_EQ(inner.destination_port(), 8080);
    EXPECT_EQ(inner.ttl, 60);
    EXPECT_EQ(to_string(inner.source_mac), "02:50:56:56:44:52");
    EXPECT_EQ(to_string(inner.destination_mac), "02:aa:00:00:00:05");
}

TEST_P(Provider, MT_A02_the_reply_by_the_transit_has_passed_the_distributed_part) {
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_syn}))));
    const Decoded out = only(tcp_from_a5(answer_of_web(tcp_syn | tcp_ack), transit_of_a));
    EXPECT_EQ(out.vids, std::vector<std::uint16_t>{100});
    EXPECT_EQ(to_string(out.destination_mac), "02:00:00:00:09:01");
    EXPECT_EQ(text(out.source), "192.0.2.11");
    EXPECT_EQ(out.source_port(), 80);
    EXPECT_EQ(out.ttl, 64 - 3);
}

TEST_P(Provider, MT_A03_the_reply_by_the_segment_passes_the_distributed_part_here) {
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_syn}))));
    const Decoded out = only(tcp_from_a5(answer_of_web(tcp_syn | tcp_ack), segment_of_a));
    EXPECT_EQ(to_string(out.destination_mac), "02:00:00:00:09:01");
    EXPECT_EQ(text(out.source), "192.0.2.11");
    EXPECT_EQ(out.source_port(), 80);
    EXPECT_EQ(out.ttl, 64 - 4);
}

TEST_P(Provider, MT_A04_an_inside_port_keeps_its_external_port_whoever_is_asked) {
    const Decoded first = only(from_a5(
        {.source = "10.1.1.5", .destination = "203.0.113.9", .source_port = 5353, .destination_port = 53},
        transit_of_a));
    EXPECT_EQ(text(first.source), "192.0.2.10");
    EXPECT_GE(first.source_port(), 1024);
    const Decoded second = only(from_a5(
        {.source = "10.1.1.5", .destination = "203.0.113.77", .source_port = 5353, .destination_port = 53},
        transit_of_a));
    EXPECT_EQ(text(second.source), "192.0.2.10");
    EXPECT_EQ(second.source_port(), first.source_port());
}

TEST_P(Provider, MT_A05_equal_addresses_of_two_tenants_share_the_uplink_and_never_meet) {
    const Packet request{.source = "10.1.1.5", .destination = "198.18.0.9", .source_port = 5000};
    Packet of_b = request;
    of_b.source_mac = "02:bb:00:00:00:05";
    of_b.destination_mac = "02:00:00:00:01:01";
    const Decoded a = only(from_a5(request, transit_of_a));
    const Decoded b = only(from_tunnel(udp(of_b), {.vni = 6900}));
    EXPECT_EQ(text(a.source), "192.0.2.10");
    EXPECT_EQ(text(b.source), "192.0.2.20");
    const auto reply_to = [&](const Decoded& sent) {
        Packet reply{.source = "198.18.0.9", .destination = text(sent.source)};
        reply.source_port = sent.destination_port();
        reply.destination_port = sent.source_port();
        return only_tunnelled(from_outside(udp(from_r(reply))));
    };
    const Opened to_a = reply_to(a), to_b = reply_to(b);
    EXPECT_EQ(to_a.vni, 5001u);
    EXPECT_EQ(to_string(decode(to_a.inner).destination_mac), "02:aa:00:00:00:05");
    EXPECT_EQ(to_b.vni, 6001u);
    EXPECT_EQ(to_string(decode(to_b.inner).destination_mac), "02:bb:00:00:00:05");
}

// Each part of a router that the packet reaches with nothing left speaks for itself.
TEST_P(Provider, MT_A10_time_exceeded_comes_from_the_part_that_saw_it) {
    open_web_connection();
    const char* const speakers[] = {"203.0.113.2", "169.254.0.1", "100.64.0.1", "169.254.1.1"};
    const char* const elements[] = {"provider.sr", "provider.dr", "a.sr", "a.dr"};
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    for (std::uint8_t ttl = 1; ttl <= 4; ++ttl) {
        const Decoded error = only(from_outside(tcp(to_web({.tcp_flags = tcp_ack, .ttl = ttl}))));
        EXPECT_EQ(error.byte(0), 11);
        EXPECT_EQ(error.byte(1), 0);
        EXPECT_EQ(text(error.source), speakers[ttl - 1]) << int{ttl};
        EXPECT_EQ(text(error.destination), "203.0.113.9");
        const Decoded quoted = decode_quoted(error);
        EXPECT_EQ(text(quoted.destination), "192.0.2.11");
        EXPECT_EQ(quoted.destination_port(), 80);
        EXPECT_EQ(gateway.drops(elements[ttl - 1], DropReason::TTL_EXPIRED), 1u) << elements[ttl - 1];
    }
    EXPECT_EQ(gateway.counters().cache.flow_hits, hits);
    EXPECT_EQ(decode(only_tunnelled(from_outside(tcp(to_web({.tcp_flags = tcp_ack, .ttl = 5})))).inner).ttl, 1);
}

TEST_P(Provider, time_exceeded_northbound_comes_from_where_the_packet_entered_each_part) {
    const Packet request{.source = "10.1.1.5", .destination = "203.0.113.9"};
    const auto speaker = [&](std::uint8_t ttl, std::uint32_t vni) {
        Packet packet = request;
        packet.ttl = ttl;
        const Opened told = only_tunnelled(from_a5(packet, vni));
        EXPECT_EQ(told.vni, segment_of_a);  // the way back to a5
        const Decoded error = decode(told.inner);
        EXPECT_EQ(error.byte(0), 11);
        EXPECT_EQ(text(decode_quoted(error).source), "10.1.1.5");
        return text(error.source);
    };
    EXPECT_EQ(speaker(1, transit_of_a), "169.254.1.2");
    EXPECT_EQ(speaker(2, transit_of_a), "100.64.0.0");
    EXPECT_EQ(speaker(3, transit_of_a), "169.254.0.2");
    EXPECT_EQ(speaker(1, segment_of_a), "10.1.1.1");
    EXPECT_EQ(speaker(2, segment_of_a), "169.254.1.2");
    EXPECT_EQ(speaker(3, segment_of_a), "100.64.0.0");
    EXPECT_EQ(speaker(4, segment_of_a), "169.254.0.2");
}

TEST_P(Provider, MT_A27_a_tenant_without_services_has_one_part) {
    Packet packet = from_r({.source = "203.0.113.9", .destination = "198.18.3.5", .ttl = 64});
    const std::uint64_t sessions = gateway.counters().sessions.created;
    const Opened sent = only_tunnelled(from_outside(udp(packet)));
    EXPECT_EQ(sent.vni, 7001u);
    EXPECT_EQ(decode(sent.inner).ttl, 61);
    EXPECT_EQ(gateway.counters().sessions.created, sessions);
    packet.ttl = 3;
    EXPECT_EQ(text(only(from_outside(udp(packet))).source), "100.64.0.5");
    EXPECT_EQ(gateway.drops("c.dr", DropReason::TTL_EXPIRED), 1u);
    EXPECT_EQ(gateway.drops("c.sr", DropReason::TTL_EXPIRED), 0u);
}

TEST_P(Provider, MT_A29_a_source_that_is_not_routed_back_is_dropped) {
    EXPECT_TRUE(from_a5({.source = "172.16.0.1", .destination = "203.0.113.9"}, transit_of_a).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::URPF), 1u);
    EXPECT_TRUE(from_a5({.source = "172.16.0.1", .destination = "203.0.113.9"}, segment_of_a).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::URPF), 2u);
    // Routed, but to another segment: by the transit it is what it is, on a1 it is forged.
    EXPECT_FALSE(from_a5({.source = "10.1.2.9", .destination = "203.0.113.9"}, transit_of_a).empty());
    EXPECT_TRUE(from_a5({.source = "10.1.2.9", .destination = "203.0.113.9"}, segment_of_a).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::URPF), 3u);
    EXPECT_EQ(gateway.counters().sessions.created, 1u);
}

TEST_P(Provider, what_comes_by_the_transit_is_from_the_segment_of_its_source) {
    Packet telnet{.source = "10.1.1.5", .destination = "203.0.113.9", .destination_port = 23};
    telnet.tcp_flags = tcp_syn;
    EXPECT_EQ(tcp_from_a5(telnet, transit_of_a).size(), 1u);  // the refusal
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REJECT), 1u);
}

TEST_P(Provider, from_tenant_to_tenant_the_services_of_both_are_passed) {
    const Packet request{.source = "10.1.1.5", .destination = "192.0.2.20", .source_port = 5000};
    EXPECT_TRUE(from_a5(request, transit_of_a).empty());  // b publishes nothing
    EXPECT_EQ(gateway.drops("b.sr", DropReason::NAT_FILTERED), 1u);

    // From b to what a publishes: as a stranger with b's external address.
    Packet of_b{.source = "10.1.1.5",
                .destination = "192.0.2.11",
                .source_port = 5000,
                .destination_port = 53,
                .ttl = 64};
    of_b.source_mac = "02:bb:00:00:00:05";
    of_b.destination_mac = "02:00:00:00:01:01";
    const Opened first = only_tunnelled(from_tunnel(udp(of_b), {.vni = 6900}));
    EXPECT_EQ(first.vni, segment_of_a);
    const Decoded inner = decode(first.inner);
    EXPECT_EQ(text(inner.source), "192.0.2.20");
    EXPECT_EQ(text(inner.destination), "10.1.1.5");
    EXPECT_EQ(inner.ttl, 64 - 4);  // b's service part, the provider's distributed part, a's two
    EXPECT_EQ(gateway.counters().sessions.created, 2u);
    Packet reply{.source = "10.1.1.5", .destination = "192.0.2.20", .source_port = 53};
    reply.destination_port = inner.source_port();
    const Opened back = only_tunnelled(from_a5(reply, transit_of_a));
    EXPECT_EQ(back.vni, 6001u);
    EXPECT_EQ(text(decode(back.inner).source), "192.0.2.11");
    EXPECT_EQ(decode(back.inner).destination_port(), 5000);
}

TEST_P(Provider, an_established_flow_is_served_by_the_cache_both_ways) {
    const Packet request{.source = "10.1.1.5", .destination = "203.0.113.9"};
    const Decoded first = only(from_a5(request, transit_of_a));
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10"};
    reply.source_port = first.destination_port();
    reply.destination_port = first.source_port();
    only_tunnelled(from_outside(udp(from_r(reply))));
    const std::uint64_t runs = gateway.counters().cache.pipeline_runs;
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    for (int i = 0; i < 3; ++i) {
        only(from_a5(request, transit_of_a));
        EXPECT_EQ(decode(only_tunnelled(from_outside(udp(from_r(reply)))).inner).ttl, 60);
    }
    EXPECT_EQ(gateway.counters().cache.pipeline_runs, runs + (cached() ? 0 : 6));
    EXPECT_EQ(gateway.counters().cache.flow_hits, hits + (cached() ? 6 : 0));
}

TEST_P(Provider, a_flow_through_the_provider_takes_the_entries_of_its_session_alone) {
    const Decoded first = only(from_a5({.source = "10.1.1.5", .destination = "203.0.113.9"}, transit_of_a));
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10"};
    reply.source_port = first.destination_port();
    reply.destination_port = first.source_port();
    for (int i = 0; i < 3; ++i) only_tunnelled(from_outside(udp(from_r(reply))));
    const FlowTable& flows = gateway.shard().sessions().flows;
    std::uint32_t entries = 0;
    for (std::uint32_t at = 0; at < flows.size(); ++at) entries += flows.live(at) ? 1 : 0;
    EXPECT_EQ(entries, 2u);
}

TEST_P(Provider, the_ends_of_links_and_the_parts_of_routers_answer_echo_requests) {
    for (const char* address : {"203.0.113.2", "169.254.0.1", "100.64.0.0", "100.64.0.1"}) {
        const auto sent = from_outside(echo_request(from_r({.source = "203.0.113.9", .destination = address})));
        EXPECT_EQ(only(sent).kind(), Kind::echo_reply) << address;
    }
}

class DryRuns : public Provider {
  protected:
    using Json = nlohmann::ordered_json;

    /// The report of a packet that would enter there.
    Json trace(const std::string& on, const Bytes& frame) {
        const auto ingress = interface_named(gateway.image(), on);
        Bytes bytes = frame;
        PacketView packet;
        packet.frame.data = bytes.data();
        packet.frame.length = static_cast<std::uint32_t>(bytes.size());
        packet.l2 = *parse_l2(packet.frame.bytes());
        EXPECT_FALSE(
            parse_ip_packet(packet.frame.bytes().subspan(packet.l2.length), packet.l2.ethertype, packet.ip));
        DryRun run;
        gateway.shard().dry_run(packet, *ingress, run);
        return path_report(gateway.image(), run);
    }
    static std::vector<std::string> stages(const Json& report) {
        std::vector<std::string> names;
        for (const Json& step : report.at("steps")) names.push_back(step.at("stage"));
        return names;
    }
    using Names = std::vector<std::string>;
};
SLUICE_OVERLAY(DryRuns);

TEST_P(DryRuns, MT_A28_a_dry_run_names_the_stages_in_order_and_changes_nothing) {
    open_web_connection();
    const Json before = counters_report(gateway.image(), gateway.counters());
    const auto levels = gateway.shard().live_levels();

    const Json south = trace("provider/internet", tcp(to_web({.tcp_flags = tcp_syn})));
    EXPECT_EQ(stages(south), (Names{"U0", "provider.sr", "provider.transit", "provider.dr", "link provider/a",
                                    "a.sr", "a.transit", "a.dr", "a/a1", "encap", "V0"}));
    EXPECT_EQ(south.at("steps")[0].at("looked_up"), "VLAN 100");
    EXPECT_EQ(south.at("steps")[1].at("looked_up"), "192.0.2.11");
    EXPECT_EQ(south.at("steps")[3].at("found"), "to tenant a");
    EXPECT_EQ(south.at("steps")[5].at("looked_up"), "tcp 203.0.113.9:4000 > 192.0.2.11:80");
    EXPECT_EQ(south.at("steps")[5].at("found"), "a known session");
    EXPECT_EQ(south.at("steps")[7].at("found"), "connected on a1");
    EXPECT_EQ(south.at("steps")[8].at("found"), "02:aa:00:00:00:05");
    EXPECT_EQ(south.at("steps")[9].at("found"), to_string(endpoint("198.51.100.21"), GetParam().outside));
    EXPECT_EQ(south.at("becomes"), "tcp 203.0.113.9:4000 > 10.1.1.5:8080");
    EXPECT_EQ(south.at("ttl_cost"), 4);
    EXPECT_EQ(south.at("cacheable"), false);
    EXPECT_EQ(south.at("nocache"), Json::array({"TCP_FLAGS"}));

    Packet asked{
        .source = "10.1.1.5", .destination = "203.0.113.9", .source_port = 5353, .destination_port = 53};
    const Json north = trace("a/transit", udp(to_router(asked, transit_of_a)));
    EXPECT_EQ(stages(north), (Names{"V0", "a.sr", "link a/provider", "provider.dr", "provider.transit",
                                    "provider.sr", "provider/internet", "U0"}));
    EXPECT_EQ(north.at("steps")[1].at("found"),
              "a new session; rule outbound, tenants/a.yaml:27; source by SNAT, tenants/a.yaml:19; to tenant "
              "provider");
    EXPECT_EQ(north.at("cacheable"), true);

    EXPECT_EQ(counters_report(gateway.image(), gateway.counters()), before);
    EXPECT_EQ(gateway.shard().live_levels().sessions, levels.sessions);
    EXPECT_EQ(gateway.shard().live_levels().mappings, levels.mappings);
    // The port that it would have taken is still there for the packet itself.
    const Decoded sent = only(from_a5(asked, transit_of_a));
    EXPECT_NE(north.at("becomes").get<std::string>().find("192.0.2.10:" + std::to_string(sent.source_port())),
              std::string::npos);
}

TEST_P(DryRuns, MT_A27_there_is_no_service_part_on_the_way_to_a_tenant_without_services) {
    const Json report =
        trace("provider/internet", udp(from_r({.source = "203.0.113.9", .destination = "198.18.3.5"})));
    EXPECT_EQ(stages(report), (Names{"U0", "provider.sr", "provider.transit", "provider.dr", "link provider/c",
                                     "c.dr", "c/c1", "encap", "V0"}));
    EXPECT_EQ(report.at("ttl_cost"), 3);
}

TEST_P(DryRuns, a_way_ends_where_the_packet_does) {
    const Json denied = trace("provider/internet", tcp(to_web({.tcp_flags = tcp_ack})));
    EXPECT_EQ(stages(denied).back(), "a.sr");
    EXPECT_EQ(denied.at("steps").back().at("verdict"), "drop FW_INVALID_STATE");
    EXPECT_EQ(denied.at("reason"), "FW_INVALID_STATE");
    const Json expired = trace("provider/internet", tcp(to_web({.tcp_flags = tcp_syn, .ttl = 4})));
    EXPECT_EQ(stages(expired).back(), "a.dr");
    EXPECT_EQ(expired.at("steps").back().at("verdict"), "drop TTL_EXPIRED");
    const Json forged = trace("a/a1", udp(to_router({.source = "172.16.0.1"}, segment_of_a)));
    EXPECT_EQ(stages(forged), (Names{"V0", "a.dr", "a.transit", "a.sr"}));
    EXPECT_EQ(forged.at("steps").back().at("verdict"), "drop URPF");
    const Json echo = trace("provider/internet",
                            echo_request(from_r({.source = "203.0.113.9", .destination = "100.64.0.1"})));
    EXPECT_EQ(stages(echo).back(), "a.sr");
    EXPECT_EQ(echo.at("verdict"), "answer");
}

}  // namespace
}  // namespace sluice::test
