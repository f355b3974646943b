// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: NAT rules change under the packets. A binding stays while its rule exists, matches and owns its
// address and port (architecture 5).
#include <variant>

#include "compiler/policy/policy.h"
#include "tests/acceptance/change.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

using NatChangeAcceptance = ChangeAcceptance;
SLUICE_ACCEPTANCE(NatChangeAcceptance);

constexpr std::uint8_t syn = 0x02, ack = 0x10, syn_ack = 0x12;

constexpr const char* snat_of_a = "  - {snat: 10.1.0.0/16, out: internet, to: 192.0.2.10}\n";

TEST_P(NatChangeAcceptance, ABindingOutlivesAllThatLeavesItsRuleAddressAndPortAlone) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const std::uint16_t port = only(from_inside(frame)).source_port();
    const auto expect_same = [&] {
        const Decoded sent = only(from_inside(frame));
        EXPECT_EQ(text(sent.source), "192.0.2.10");
        EXPECT_EQ(sent.source_port(), port);
    };
    activate(edited(t1_texts(), a, snat_of_a,  // a new rule that would match first: never moves a session
                    "  - {snat: 10.1.1.0/24, out: internet, to: 192.0.2.13}\n" + std::string(snat_of_a)));
    expect_same();
    const Decoded other = only(
        from_inside(udp(from_a5({.destination = "198.18.0.9", .source_port = 5001, .destination_port = 7}))));
    EXPECT_EQ(text(other.source), "192.0.2.13") << "but new ones are its own";
    activate(edited(t1_texts(), a, "to: 192.0.2.10}", "to: [192.0.2.10, 192.0.2.14]}"));
    expect_same();
    activate(edited(t1_texts(), a, "{snat: 10.1.0.0/16,", "{snat: [10.1.0.0/16, 10.9.0.0/16],"));
    expect_same();
    EXPECT_EQ(gateway.counters().sessions.created, 2u);
}

TEST_P(NatChangeAcceptance, ABindingWhoseAddressIsTakenAwayEndsAndThePacketBeginsANewOne) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Decoded before = only(from_inside(frame));
    only(from_inside(frame));
    activate(edited(t1_texts(), a, "to: 192.0.2.10}", "to: 192.0.2.14}"));
    const Bytes reply = udp(from_r({.source = "198.18.0.9",
                                    .destination = "192.0.2.10",
                                    .source_port = 7,
                                    .destination_port = before.source_port()}));
    EXPECT_TRUE(from_outside(reply).empty());
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
    const Decoded after = only(from_inside(frame));
    EXPECT_EQ(text(after.source), "192.0.2.14");
    EXPECT_EQ(gateway.counters().sessions.created, 2u);
    EXPECT_EQ(gateway.counters().sessions.active, 1u);
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REEVAL_DENY), 0u);
}

// One thing at a time: the port, the address, the host, the rule.
TEST_P(NatChangeAcceptance, ABindingEndsWhenItsRuleOwnsOrMatchesItNoMore) {
    std::uint16_t source_port = 5000;
    const auto expect_after = [&](const std::string& nat, bool stays) {
        const Bytes frame =
            udp(from_a5({.destination = "198.18.0.9", .source_port = ++source_port, .destination_port = 7}));
        activate(t1_texts());
        only(from_inside(frame));
        const Decoded before = only(from_inside(frame));
        const std::uint64_t sessions = gateway.counters().sessions.created;
        activate(edited(t1_texts(), a, snat_of_a, nat));
        const auto after = from_inside(frame);
        EXPECT_EQ(gateway.counters().sessions.created, sessions + (stays ? 0 : 1)) << nat;
        EXPECT_EQ(only(after).source_port() == before.source_port() && only(after).source == before.source,
                  stays)
            << nat;
    };
    expect_after(snat_of_a, true);
    const auto with_ports = [](unsigned low, unsigned high) {
        return "  - {snat: 10.1.0.0/16, out: internet, to: 192.0.2.10, ports: " + std::to_string(low) + "-" +
               std::to_string(high) + "}\n";
    };
    expect_after(with_ports(1024, 65534), true);
    expect_after(with_ports(20000, 20099), false);
    expect_after("  - {snat: 10.1.0.0/16, out: internet, to: 192.0.2.14}\n", false);
    expect_after("  - {snat: 10.1.2.0/24, out: internet, to: 192.0.2.10}\n", false);
    expect_after("", false);
}

TEST_P(NatChangeAcceptance, AStrangerDoesNotComeInThroughABindingThatIsGone) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Decoded before = only(from_inside(frame));
    activate(edited(t1_texts(), a, snat_of_a,
                    "  - {snat: 10.1.2.0/24, out: internet, to: 192.0.2.10, ports: 3000-3001}\n"));
    EXPECT_TRUE(from_outside(udp(from_r({.source = "198.18.0.9",
                                         .destination = "192.0.2.10",
                                         .source_port = 4000,
                                         .destination_port = before.source_port()})))
                    .empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NAT_FILTERED), 1u);
}

TEST_P(NatChangeAcceptance, ADnatSessionStaysWhileARuleMakesTheSameOfItsAddress) {
    const Bytes request = tcp(from_r({.source = "198.18.0.9",
                                      .destination = "192.0.2.11",
                                      .source_port = 4000,
                                      .destination_port = 80,
                                      .tcp_flags = syn}));
    const Bytes more = tcp(from_r({.source = "198.18.0.9",
                                   .destination = "192.0.2.11",
                                   .source_port = 4000,
                                   .destination_port = 80,
                                   .tcp_flags = ack}));
    const Bytes answer = tcp(from_a5(
        {.destination = "198.18.0.9", .source_port = 8080, .destination_port = 4000, .tcp_flags = syn_ack}));
    only(from_outside(request));
    only(from_inside(answer));
    only(from_outside(more));
    only(from_outside(more));
    activate(edited(t1_texts(), a, "  - {dnat: \"tcp 192.0.2.11:80\", on: internet, to: \"10.1.1.5:8080\"}\n",
                    "  - {dnat: \"tcp 192.0.2.11:79-80\", on: internet, to: \"10.1.1.5:8079\"}\n"));
    EXPECT_EQ(only(from_outside(more)).destination_port(), 8080);
    activate(edited(t1_texts(), a, "  - {dnat: \"tcp 192.0.2.11:80\", on: internet, to: \"10.1.1.5:8080\"}\n",
                    "  - {dnat: \"tcp 192.0.2.11:80\", on: internet, to: \"10.1.1.12:8080\"}\n"));
    EXPECT_TRUE(from_outside(more).empty()) << "not a first packet of anything";
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_INVALID_STATE), 1u);
    EXPECT_EQ(text(only(from_outside(request)).destination), "10.1.1.12");
}

// The compiler makes no image of it; what another one made is refused whole before any packet sees it.
TEST_P(NatChangeAcceptance,
       MT_A31_an_image_with_overlapping_external_addresses_is_refused_and_the_old_one_goes_on) {
    const Packet of_a{.source = "10.1.1.5", .destination = "198.18.0.9"};
    const Decoded before = only(from_inside(udp(from_a5(of_a))));
    const Decoded before_b = only(from_inside(udp(from_b5(of_a))));
    const Texts overlapping = edited(t1_texts(), b, "to: 192.0.2.20}", "to: 192.0.2.10}");
    EXPECT_THROW(compile_texts(overlapping), std::runtime_error);
    const std::vector<std::uint8_t> file = compile_file(t1_texts(), [](policy::Policy& policy) {
        policy.tenants[1].snat[0].pool = policy.tenants[0].snat[0].pool;
    });
    const Image& running = gateway.image();
    const auto loaded = Image::from_bytes(file);
    const auto* error = std::get_if<ImageError>(&loaded);
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->text, "CFG_NAT_OVERLAP: tenants \"a\" and \"b\" both present 192.0.2.10 to the outside");
    EXPECT_EQ(&gateway.image(), &running);
    const std::uint64_t runs = pipeline_runs();
    const Decoded after = only(from_inside(udp(from_a5(of_a))));
    const Decoded after_b = only(from_inside(udp(from_b5(of_a))));
    EXPECT_EQ(text(after.source), "192.0.2.10");
    EXPECT_EQ(after.source_port(), before.source_port());
    EXPECT_EQ(text(after_b.source), "192.0.2.20");
    EXPECT_EQ(after_b.source_port(), before_b.source_port());
    if (cached()) {
        EXPECT_EQ(pipeline_runs(), runs);
    }
    EXPECT_EQ(gateway.counters().total_drops(), 0u);
}

}  // namespace
}  // namespace sluice::test
