// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: the policy changes under the packets (seed-systems 1.6, 1.7; architecture 5).
#include "tests/acceptance/change.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

SLUICE_ACCEPTANCE(ChangeAcceptance);

constexpr const char* default_route_of_c = "  - {to: 0.0.0.0/0, via: 203.0.113.17}\n";
constexpr const char* outbound_of_a = "    - {name: outbound, from: [a1, a2], to: internet, action: allow}\n";
constexpr const char* deny_before_outbound =
    "    - {name: no-more, from: [a1, a2], to: internet, service: udp/7, action: drop}\n"
    "    - {name: outbound, from: [a1, a2], to: internet, action: allow}\n";

Texts with_a_second_way(std::string_view prefix) {
    return edited(
        t1_texts(), "tenants/c.yaml", default_route_of_c,
        std::string(default_route_of_c) + "  - {to: " + std::string(prefix) + ", via: 203.0.113.25}\n");
}

std::uint16_t vlan_of(const std::vector<SentFrame>& sent) {
    return only(sent).vids.at(0);
}

TEST_P(ChangeAcceptance, MT_A15_a_flow_that_a_new_route_covers_moves_and_others_stay) {
    const Bytes far = udp(from_c5({.destination = "198.51.100.200"}));
    const Bytes near = udp(from_c5({.destination = "198.51.100.5"}));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(vlan_of(from_inside(far)), 103);
        EXPECT_EQ(vlan_of(from_inside(near)), 103);
    }
    const std::uint64_t runs = pipeline_runs();
    activate(with_a_second_way("198.51.100.128/25"));
    EXPECT_EQ(vlan_of(from_inside(far)), 104);
    EXPECT_EQ(pipeline_runs(), runs + 1);
    EXPECT_EQ(vlan_of(from_inside(near)), 103);
    EXPECT_EQ(vlan_of(from_inside(near)), 103);
    if (cached()) {
        EXPECT_EQ(pipeline_runs(), runs + 1) << "what did not move is only looked up again";
        EXPECT_EQ(revalidated(), 1u);
    }
    EXPECT_EQ(vlan_of(from_inside(far)), 104);
}

TEST_P(ChangeAcceptance, MT_A16_a_flow_by_the_default_route_says_nothing_about_more_specific_ones) {
    activate(with_a_second_way("10.1.0.0/16"));
    EXPECT_EQ(vlan_of(from_inside(udp(from_c5({.destination = "8.8.8.8"})))), 103);
    EXPECT_EQ(vlan_of(from_inside(udp(from_c5({.destination = "8.8.4.4"})))), 103);
    EXPECT_EQ(vlan_of(from_inside(udp(from_c5({.destination = "10.1.9.9"})))), 104);
    EXPECT_EQ(vlan_of(from_inside(udp(from_c5({.destination = "10.2.9.9"})))), 103);
}

TEST_P(ChangeAcceptance, MT_A17_a_session_that_is_denied_now_ends_with_its_next_packet) {
    const Bytes of_a = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Bytes of_b = udp(from_b5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    for (int i = 0; i < 4; ++i) {
        only(from_inside(of_a));
        only(from_inside(of_b));
    }
    const std::uint64_t runs = pipeline_runs();
    const std::uint64_t packets = rule_of("a", "outbound").packets;
    activate(edited(t1_texts(), a, outbound_of_a, deny_before_outbound));
    EXPECT_EQ(gateway.counters().sessions.active, 2u) << "nothing is done before the next packet";
    EXPECT_TRUE(from_inside(of_a).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 1u);
    EXPECT_EQ(gateway.counters().sessions.active, 1u);
    EXPECT_EQ(rule_of("a", "no-more").packets, 1u);
    EXPECT_EQ(rule_of("a", "outbound").packets, packets) << "counted under its name, wherever it stands";
    EXPECT_TRUE(from_inside(of_a).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_DENY), 1u) << "and from then on it is like any other";

    const std::uint64_t hits = flow_hits();
    const std::uint64_t runs_of_a = pipeline_runs();
    for (int i = 0; i < 4; ++i) only(from_inside(of_b));
    if (cached()) {
        EXPECT_EQ(flow_hits(), hits + 4);
        EXPECT_EQ(pipeline_runs(), runs_of_a);
        EXPECT_EQ(revalidated(), 0u);
    }
    EXPECT_EQ(runs_of_a, runs + 2);
}

TEST_P(ChangeAcceptance, ATenantMayKeepWhatItsPolicyOfTodayWouldNotLetBegin) {
    const auto from_port = [](std::uint16_t port) {
        return udp(from_a5({.destination = "198.18.0.9", .source_port = port, .destination_port = 7}));
    };
    const Decoded opened = only(from_inside(from_port(5000)));
    const Bytes reply = udp(from_r({.source = "198.18.0.9",
                                    .destination = "192.0.2.10",
                                    .source_port = 7,
                                    .destination_port = opened.source_port()}));
    only(from_outside(reply));
    const Texts keeping = edited(t1_texts(), a, "firewall:\n", "firewall:\n  denied-sessions: keep\n");
    activate(edited(keeping, a, outbound_of_a, deny_before_outbound));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(only(from_inside(from_port(5000))).source_port(), opened.source_port());
        only(from_outside(reply));
        EXPECT_TRUE(from_inside(from_port(5001)).empty()) << "new ones are denied";
    }
    EXPECT_EQ(rule_of("a", "outbound").packets, 8u);
    EXPECT_EQ(rule_of("a", "no-more").packets, 3u);
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 0u);
    activate(edited(t1_texts(), a, outbound_of_a, deny_before_outbound));
    EXPECT_TRUE(from_inside(from_port(5000)).empty()) << "with the knob back it goes";
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 1u);
}

TEST_P(ChangeAcceptance, AKeptSessionWhoseRuleIsGoneCountsForTheDefaultAndForNoRuleAfterIt) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Decoded opened = only(from_inside(frame));
    const Texts closed =
        edited(edited(t1_texts(), a, "firewall:\n", "firewall:\n  denied-sessions: keep\n"), a, outbound_of_a,
               "    - {name: shut, from: [a1, a2], to: internet, action: drop}\n");
    activate(closed);
    for (int burst = 0; burst < 2000; ++burst) gateway.advance(0);
    const std::uint64_t before = gateway.counters().tenants[0].rules.back().packets;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(only(from_inside(frame)).source_port(), opened.source_port());
    EXPECT_EQ(gateway.counters().tenants[0].rules.back().packets, before + 3);
    const std::uint32_t slots = gateway.image().tenants()[0].rule_slots();
    activate(edited(
        closed, a, "    - {name: shut,",
        "    - {name: fresh, from: a1, to: internet, service: udp/9, action: allow}\n    - {name: shut,"));
    EXPECT_EQ(gateway.image().tenants()[0].rule_slots(), slots) << "the slot of the rule that is gone";
    only(from_inside(frame));
    EXPECT_EQ(rule_of("a", "fresh").packets, 0u);
    EXPECT_EQ(rule_of("a", "shut").packets, 0u);
    EXPECT_EQ(gateway.counters().tenants[0].rules.back().packets, before + 4);
}

TEST_P(ChangeAcceptance, MT_A17_a_reply_ends_it_just_as_well) {
    const Decoded opened = only(
        from_inside(udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}))));
    const Bytes reply = udp(from_r({.source = "198.18.0.9",
                                    .destination = "192.0.2.10",
                                    .source_port = 7,
                                    .destination_port = opened.source_port()}));
    only(from_outside(reply));
    only(from_outside(reply));
    activate(edited(t1_texts(), a, outbound_of_a, deny_before_outbound));
    EXPECT_TRUE(from_outside(reply).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 1u);
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
    EXPECT_TRUE(from_outside(reply).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NAT_FILTERED), 1u) << "its port is free again";
}

TEST_P(ChangeAcceptance, ASessionThatIsStillAllowedIsJudgedOnceAndCountsForTheRuleOfToday) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Decoded before = only(from_inside(frame));
    only(from_inside(frame));
    activate(edited(t1_texts(), a, outbound_of_a,
                    "    - {name: echo, from: a1, to: internet, service: udp/7, action: allow}\n" +
                        std::string(outbound_of_a)));
    for (int i = 0; i < 3; ++i) {
        const Decoded after = only(from_inside(frame));
        EXPECT_EQ(after.source_port(), before.source_port());
        EXPECT_EQ(text(after.source), "192.0.2.10");
    }
    EXPECT_EQ(rule_of("a", "outbound").packets, 2u);
    EXPECT_EQ(rule_of("a", "echo").packets, 3u);
    EXPECT_EQ(gateway.counters().sessions.created, 1u);
}

TEST_P(ChangeAcceptance, ARoundOfReadingTheCountersGoesOnOverAChange) {
    for (std::uint16_t port = 5000; port < 5004; ++port) {
        only(from_inside(
            udp(from_a5({.destination = "198.18.0.9", .source_port = port, .destination_port = 7}))));
    }
    Shard& shard = gateway.shard();
    const std::uint32_t places = shard.flow_places();
    for (std::uint32_t before = 0; before < 4; ++before) {
        EXPECT_FALSE(shard.fold_some(before));  // the round ends at another place each time
        activate(edited(t1_texts(), a, outbound_of_a,
                        "    - {name: more-" + std::to_string(before) +
                            ", from: a1, to: internet, service: udp/9, action: allow}\n" +
                            std::string(outbound_of_a)));
        EXPECT_TRUE(shard.fold_some(places));
        std::uint64_t packets = 0;
        for (const RuleCount& rule : shard.counters_so_far().tenants[0].rules) packets += rule.packets;
        EXPECT_EQ(packets, 4u) << before;
    }
    only(from_inside(udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}))));
    EXPECT_EQ(rule_of("a", "outbound").packets, 5u);
}

TEST_P(ChangeAcceptance, WhatIsCountedOfATenantsTracesGoesOn) {
    for (std::uint16_t port = 5000; port < 5003; ++port) {
        only(from_inside(
            udp(from_a5({.destination = "198.18.0.9", .source_port = port, .destination_port = 7}))));
    }
    const bool traced = GetParam() == CacheTiers::trace_cache;
    activate(without_tenant(t1_texts(), c));
    const auto& traces = gateway.counters().tenants[0].traces;
    EXPECT_EQ(traces.misses, traced ? 1u : 0u);
    EXPECT_EQ(traces.hits, traced ? 2u : 0u);
    EXPECT_EQ(traces.started, traced ? 2u : 0u);
}

TEST_P(ChangeAcceptance, MT_A18_a_tenant_does_not_notice_how_often_another_changes) {
    const auto one = compile_texts(t1_texts());
    const auto other = compile_texts(edited(t1_texts(), b, "to: 192.0.2.20}",
                                            "to: 192.0.2.20}\n"
                                            "  - {one-to-one: 192.0.2.22, inside: 10.1.1.5, on: internet}"));
    const Bytes of_a = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Bytes of_b = udp(from_b5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const std::uint16_t port = only(from_inside(of_a)).source_port();
    only(from_inside(of_b));
    only(from_inside(of_a));
    const std::uint64_t runs = pipeline_runs();
    for (int i = 0; i < 1000; ++i) {
        gateway.activate(i % 2 == 0 ? *other : *one);
        ASSERT_EQ(only(from_inside(of_a)).source_port(), port);
    }
    if (cached()) {
        EXPECT_EQ(pipeline_runs(), runs);
        EXPECT_EQ(revalidated(), 0u);
    }
    EXPECT_EQ(rule_of("a", "outbound").packets, 1002u);
    only(from_inside(of_b));
}

/// Tenants d and e reach the world through tenant p, which has no services.
Texts with_provider() {
    Texts texts = t1_texts();
    const auto customer = [](const std::string& name, const std::string& vlan, const std::string& net) {
        return "tenant: " + name + "\nsegments:\n  lan:\n    vlan: {port: V0, id: " + vlan +
               "}\n    gateway: 198.19." + net + ".1/24\n    neighbours: {198.19." + net +
               ".5: \"02:dd:00:00:00:05\"}\npeers: [p]\nroutes:\n  - {to: 0.0.0.0/0, tenant: p}\n"
               "firewall:\n  rules:\n    - {name: out, from: lan, to: p, action: allow}\n";
    };
    texts["tenants/d.yaml"] = customer("d", "801", "1");
    texts["tenants/e.yaml"] = customer("e", "802", "2");
    texts["tenants/p.yaml"] = R"(tenant: p
uplinks:
  world:
    vlan: {port: U0, id: 105}
    address: 203.0.113.34/29
    neighbours: {203.0.113.33: "02:00:00:00:09:01"}
peers: [d, e]
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.33}
  - {to: 198.19.1.0/24, tenant: d}
  - {to: 198.19.2.0/24, tenant: e}
)";
    return edited(std::move(texts), "gateway.yaml", "tenants/c.yaml]",
                  "tenants/c.yaml, tenants/d.yaml, tenants/e.yaml, tenants/p.yaml]");
}

Bytes from_d5(Packet packet) {
    packet.source = "198.19.1.5";
    packet.source_mac = "02:dd:00:00:00:05";
    packet.destination_mac = "02:00:00:00:01:01";
    packet.vlan = 801;
    return udp(packet);
}

TEST_P(ChangeAcceptance, MT_A18_a_change_beside_the_path_costs_a_stamp) {
    activate(with_provider());
    const Bytes frame = from_d5({.destination = "198.18.0.9"});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(vlan_of(from_inside(frame)), 105);
    const std::uint64_t runs = pipeline_runs();
    // Tenant e's firewall is in d's closure: its packets could get there. Those of this flow do not.
    activate(edited(with_provider(), "tenants/e.yaml", "from: lan, to: p, action: allow",
                    "from: lan, to: p, action: drop"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(vlan_of(from_inside(frame)), 105);
    if (cached()) {
        EXPECT_EQ(pipeline_runs(), runs);
        EXPECT_EQ(revalidated(), 1u);
    }
}

TEST_P(ChangeAcceptance, MT_A18_a_change_of_the_shared_provider_costs_a_look_up) {
    activate(with_provider());
    const Bytes frame = from_d5({.destination = "198.18.0.9"});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(vlan_of(from_inside(frame)), 105);
    const std::uint64_t runs = pipeline_runs();
    activate(edited(with_provider(), "tenants/p.yaml", "  - {to: 198.19.2.0/24, tenant: e}\n",
                    "  - {to: 198.19.2.0/24, tenant: e}\n  - {to: 198.19.77.0/24, tenant: e}\n"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(vlan_of(from_inside(frame)), 105);
    if (cached()) {
        EXPECT_EQ(pipeline_runs(), runs);
        EXPECT_EQ(revalidated(), 1u);
    }
    EXPECT_EQ(rule_of("d", "out").packets, 6u);
    EXPECT_EQ(gateway.counters().sessions.created, 1u);
}

TEST_P(ChangeAcceptance, AHeldPacketIsJudgedAgainUnderTheNewPolicyAndCountedOnce) {
    const Bytes kept = udp(from_a5({.destination = "10.1.2.9", .source_port = 1001, .destination_port = 7}));
    const Bytes denied = udp(from_a5({.destination = "10.1.2.9", .source_port = 1002, .destination_port = 9}));
    EXPECT_EQ(from_inside(kept).size(), 1u);  // the ARP request
    EXPECT_TRUE(from_inside(denied).empty());
    const std::uint64_t received = gateway.counters().tenants[0].rx.packets;
    activate(edited(
        t1_texts(), a, "    - {name: no-telnet",
        "    - {name: no-discard, from: a1, to: a2, service: udp/9, action: drop}\n    - {name: no-telnet"));
    EXPECT_TRUE(gateway.advance(0).empty());
    EXPECT_EQ(gateway.counters().held, 1u);
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 1u);
    const Decoded sent = only(from_inside(answer_of_a9()));
    EXPECT_EQ(sent.source_port(), 1001);
    EXPECT_EQ(gateway.counters().tenants[0].rx.packets, received + 1) << "the answer";
    EXPECT_EQ(rule_of("a", "inside").packets, 1u);
    EXPECT_EQ(rule_of("a", "no-discard").packets, 1u);
}

TEST_P(ChangeAcceptance, WhatIsHeldForAVanishedTenantIsDroppedAsGone) {
    EXPECT_EQ(from_inside(udp(from_c5({.destination = "203.0.113.20"}))).size(), 1u);  // asks for it
    EXPECT_EQ(gateway.counters().held, 1u);
    activate(without_tenant(t1_texts(), c));
    EXPECT_TRUE(gateway.advance(0).empty());
    EXPECT_EQ(gateway.counters().held, 0u);
    EXPECT_EQ(gateway.drops("c.dr", DropReason::LFE_GONE), 1u);
    EXPECT_TRUE(from_inside(udp(from_c5({.destination = "198.18.0.9"}))).empty());
    EXPECT_EQ(gateway.drops("gateway.V0", DropReason::UNKNOWN_VLAN), 1u);
    activate(t1_texts());
    EXPECT_EQ(vlan_of(from_inside(udp(from_c5({.destination = "198.18.0.9"})))), 103);
}

TEST_P(ChangeAcceptance, WhatIsUnderReassemblyForAVanishedTenantIsDroppedAsGone) {
    const Bytes datagram = udp(from_b5({.destination = "198.18.0.9", .payload = Bytes(256, 1)}));
    EXPECT_TRUE(from_inside(fragments(datagram, 128, 7)[0]).empty());
    EXPECT_EQ(gateway.counters().held, 1u);
    activate(without_tenant(t1_texts(), b));
    EXPECT_TRUE(gateway.advance(0).empty());
    EXPECT_EQ(gateway.counters().held, 0u);
    EXPECT_EQ(gateway.drops("b.dr", DropReason::LFE_GONE), 1u);
}

struct Publisher {
    TestGateway* gateway;
    Shard::Activation activation;
    bool refused = false;
};

TEST_P(ChangeAcceptance, MT_A19_an_image_published_between_a_packet_and_its_entry_leaves_no_entry_of_old) {
    // The hook runs after the stages and before the entry; the shard takes the image when the burst is over.
    Publisher publisher{nullptr, nullptr};
    ShardSettings hooked = settings();
    hooked.before_insert_argument = &publisher;
    hooked.before_insert = [](void* argument) {
        auto& self = *static_cast<Publisher*>(argument);
        if (self.activation) self.refused = !self.gateway->shard().activate(*self.activation);
    };
    const auto before = compile_texts(t1_texts());
    const auto after = compile_texts(with_a_second_way("198.51.100.128/25"));
    TestGateway raced(*before, hooked);
    publisher.gateway = &raced;
    const auto next = after->follow(raced.image());
    publisher.activation = raced.shard().prepare(*next);
    const Bytes frame = udp(from_c5({.destination = "198.51.100.200"}));
    EXPECT_EQ(vlan_of(raced.inject("V0", frame)), 103) << "this packet saw the old policy from end to end";
    EXPECT_TRUE(publisher.refused) << "never in the middle of a burst";
    EXPECT_TRUE(raced.shard().activate(*publisher.activation));
    publisher.activation.reset();
    EXPECT_EQ(vlan_of(raced.inject("V0", frame)), 104);
    EXPECT_EQ(vlan_of(raced.inject("V0", frame)), 104);
    const std::uint16_t first = 1;  // c's interfaces in order: c1, first, second
    for (std::uint32_t place = 0; place < raced.shard().flow_places(); ++place) {
        const auto flow = raced.shard().flow(place);
        EXPECT_FALSE(flow && flow->egress.interface == first);
    }
}

TEST_P(ChangeAcceptance, NeighboursAreRememberedWhereTheirSubnetStays) {
    const Bytes frame = udp(from_a5({.destination = "10.1.2.9", .source_port = 1001, .destination_port = 7}));
    from_inside(frame);
    only(from_inside(answer_of_a9()));
    activate(edited(t1_texts(), a, outbound_of_a, deny_before_outbound));
    EXPECT_EQ(to_string(only(from_inside(frame)).destination_mac), "02:aa:00:00:00:09");
    activate(edited(t1_texts(), a, "    gateway: 10.1.2.1/24\n", "    gateway: 10.1.2.2/24\n"));
    const auto asked = from_inside(frame);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(decode(asked[0].bytes).ethertype, 0x0806);
}

TEST_P(ChangeAcceptance, StaticNeighboursAreThoseOfToday) {
    const Bytes frame = udp(from_c5({.destination = "198.18.0.9"}));
    EXPECT_EQ(to_string(only(from_inside(frame)).destination_mac), "02:00:00:00:09:01");
    only(from_inside(frame));
    activate(edited(t1_texts(), c, "{203.0.113.17: \"02:00:00:00:09:01\"}",
                    "{203.0.113.17: \"02:00:00:00:09:02\"}"));
    EXPECT_EQ(to_string(only(from_inside(frame)).destination_mac), "02:00:00:00:09:02");
    activate(edited(t1_texts(), c, "    neighbours: {203.0.113.17: \"02:00:00:00:09:01\"}\n", ""));
    const auto asked = from_inside(frame);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(decode(asked[0].bytes).ethertype, 0x0806);
}

TEST_P(ChangeAcceptance, TheMtuAndMacOfTodayAreUsed) {
    const Bytes frame =
        udp(from_c5({.destination = "198.18.0.9", .payload = Bytes(1300, 1), .dont_fragment = true}));
    EXPECT_EQ(vlan_of(from_inside(frame)), 103);
    only(from_inside(frame));
    activate(edited(t1_texts(), "gateway.yaml", "U0: {mtu: 1500}", "U0: {mtu: 1280}"));
    EXPECT_EQ(only(from_inside(frame)).kind(), Kind::icmp_error);
    activate(edited(t1_texts(), "gateway.yaml", "mac: 02:00:00:00:01:01", "mac: 02:00:00:00:01:02"));
    EXPECT_TRUE(from_inside(frame).empty()) << "that is another station's MAC now";
    Packet packet = from_c5({.destination = "198.18.0.9"});
    packet.destination_mac = "02:00:00:00:01:02";
    EXPECT_EQ(to_string(only(from_inside(udp(packet))).source_mac), "02:00:00:00:01:02");
}

TEST_P(ChangeAcceptance, PositionsMayMoveAsTheyLike) {
    const Bytes of_a = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Bytes of_c = udp(from_c5({.destination = "198.18.0.9"}));
    const std::uint16_t port = only(from_inside(of_a)).source_port();
    only(from_inside(of_c));
    Texts texts = edited(t1_texts(), "gateway.yaml", "  V0: {mtu: 1500}\n  U0: {mtu: 1500}\n",
                         "  U0: {mtu: 1500}\n  V0: {mtu: 1500}\n");
    texts = edited(texts, "gateway.yaml", "tenants/a.yaml, tenants/b.yaml, tenants/c.yaml",
                   "tenants/c.yaml, tenants/b.yaml, tenants/a.yaml");
    texts = edited(texts, a, "segments:\n",
                   "segments:\n  a0:\n    vlan: {port: V0, id: 500}\n    gateway: 10.1.0.1/24\n");
    activate(texts);
    for (int i = 0; i < 2; ++i) {
        const Decoded sent = only(from_inside(of_a));
        EXPECT_EQ(sent.source_port(), port);
        EXPECT_EQ(sent.vids.at(0), 100);
        EXPECT_EQ(vlan_of(from_inside(of_c)), 103);
    }
    EXPECT_EQ(gateway.counters().sessions.created, 1u);
    EXPECT_EQ(rule_of("a", "outbound").packets, 3u);
    EXPECT_EQ(gateway.counters().rx[gateway.port_of("V0")].packets, 6u);
    EXPECT_EQ(gateway.counters().tenants[0].rx.packets, 3u);
}

TEST_P(ChangeAcceptance, SlotsOfWhatIsGoneForGoodAreUsedAgain) {
    only(from_inside(udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}))));
    for (int i = 0; i < 50; ++i) {
        const std::string name = "rule-" + std::to_string(i);
        activate(edited(t1_texts(), a, outbound_of_a,
                        "    - {name: " + name + ", from: a1, to: internet, service: udp/7, action: allow}\n" +
                            outbound_of_a));
        only(from_inside(
            udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}))));
        EXPECT_EQ(rule_of("a", name).packets, 1u) << name;
        for (int burst = 0; burst < 2000; ++burst) gateway.advance(0);
    }
    EXPECT_LE(gateway.image().tenants()[0].rule_slots(), 10u);
}

}  // namespace
}  // namespace sluice::test
