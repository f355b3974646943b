// SPDX-License-Identifier: Apache-2.0
//
// Who gets no session hears of it where he is inside, and as often as errors may be sent (RFC 5508 REQ-8, RFC
// 6888 REQ-11, seed-systems C3).
#include "tests/runtime/shard/one_tenant.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

constexpr std::uint8_t syn = 0x02;
constexpr const char* open_both_ways = "firewall: {default: allow}\n";
const std::string two_ports = "nat: [{snat: 10.1.1.0/24, out: internet, to: 203.0.113.10, ports: 2000-2001}]\n";

class RefusedSessions : public OneTenant {
  protected:
    using Sent = std::vector<SentFrame>;
    Sent inside(const Bytes& frame) { return gateway_->inject("lan0", frame); }
    static Packet flow(std::uint16_t number, std::string source = "10.1.1.5") {
        return {.vlan = 1,
                .source = std::move(source),
                .destination = "198.18.0.9",
                .source_port = static_cast<std::uint16_t>(4000 + number),
                .destination_port = 7,
                .identifier = static_cast<std::uint16_t>(4000 + number)};
    }
    /// Opens as many as there are ports.
    void take_all() {
        for (std::uint16_t number : {0, 1}) {
            EXPECT_EQ(gateway_->count_by("uplink0", inside(udp(flow(number)))), 1u);
            EXPECT_EQ(gateway_->count_by("uplink0", inside(echo_request(flow(number)))), 1u);
            Packet segment = flow(number);
            segment.tcp_flags = syn;
            EXPECT_EQ(gateway_->count_by("uplink0", inside(tcp(segment))), 1u);
        }
    }
    /// That it is "communication administratively prohibited", about this frame, to its sender.
    void expect_told(const Bytes& about, const Sent& sent) {
        ASSERT_EQ(sent.size(), 1u);
        EXPECT_EQ(sent[0].port, gateway_->port_of("lan0"));
        EXPECT_TRUE(checksums_valid(sent[0].bytes));
        const Decoded told = decode(sent[0].bytes), asked = decode(about);
        ASSERT_EQ(told.kind(), Kind::icmp_error);
        const bool v4 = asked.family == Family::v4;
        EXPECT_EQ(told.byte(0), v4 ? 3 : 1);
        EXPECT_EQ(told.byte(1), v4 ? 13 : 1);
        EXPECT_EQ(told.destination, asked.source);
        EXPECT_EQ(to_string(told.source, told.family), v4 ? "10.1.1.1" : "2001:db8:1::1");
        const Decoded quoted = decode_quoted(told);
        EXPECT_EQ(quoted.source, asked.source);
        EXPECT_EQ(quoted.destination, asked.destination);
        EXPECT_EQ(quoted.source_port(), asked.source_port());
    }
    void expect_refused_aloud(const Bytes& frame, DropReason reason) {
        const std::uint64_t before = refused(reason);
        expect_told(frame, inside(frame));
        EXPECT_EQ(refused(reason), before + 1);
    }
};
INSTANTIATE_TEST_SUITE_P(Cached, RefusedSessions, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(RefusedSessions, for_want_of_a_port_are_told_for_each_protocol) {
    run(one_tenant(two_ports));
    take_all();
    Packet segment = flow(2);
    segment.tcp_flags = syn;
    for (int time = 0; time < 2; ++time) {
        expect_refused_aloud(udp(flow(2)), DropReason::NAT_NO_PORT);
        expect_refused_aloud(tcp(segment), DropReason::NAT_NO_PORT);
        expect_refused_aloud(echo_request(flow(2)), DropReason::NAT_NO_PORT);
        expect_refused_aloud(ip_protocol(flow(2), 47), DropReason::NAT_NO_PORT);
    }
}

TEST_P(RefusedSessions, for_want_of_room_are_told_inside_and_not_outside) {
    run(one_tenant(open_both_ways));
    ShardSettings settings;
    settings.cache = GetParam();
    settings.sessions = 4;
    gateway_ = std::make_unique<TestGateway>(*image_, settings);
    for (std::uint16_t number = 0; number < 4; ++number) {
        EXPECT_EQ(gateway_->count_by("uplink0", inside(udp(flow(number)))), 1u);
    }
    for (std::uint16_t number = 4; number < 8; ++number) {
        expect_refused_aloud(udp(flow(number)), DropReason::SESSION_FULL);
    }
    Packet six = flow(9, "2001:db8:1::5");
    six.destination = "2001:db8:9::1";
    expect_refused_aloud(udp(six), DropReason::SESSION_FULL);
    const Packet stranger{.vlan = 1, .source = "198.18.0.9", .destination = "10.1.1.5", .destination_port = 7};
    EXPECT_TRUE(gateway_->inject("uplink0", udp(stranger)).empty());
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 6u);
}

TEST_P(RefusedSessions, by_a_limit_are_told) {
    struct Case {
        const char* limits;
        DropReason reason;
    };
    const Case cases[] = {{"limits: {sessions: 2}\n", DropReason::SESSION_FULL},
                          {"limits: {new-sessions: 2/s}\n", DropReason::SESSION_RATE},
                          {"limits: {host-sessions: 2}\n", DropReason::HOST_LIMIT},
                          {"limits: {host-new-sessions: 2/s}\n", DropReason::HOST_LIMIT}};
    for (const Case& one : cases) {
        run(one_tenant(open_both_ways + std::string(one.limits)));
        for (std::uint16_t number = 0; number < 2; ++number) {
            EXPECT_EQ(gateway_->count_by("uplink0", inside(udp(flow(number)))), 1u);
        }
        for (std::uint16_t number = 2; number < 6; ++number)
            expect_refused_aloud(udp(flow(number)), one.reason);
        Packet segment = flow(6);
        segment.tcp_flags = syn;
        expect_refused_aloud(tcp(segment), one.reason);
    }
}

// They protect from floods, whose sources are forged.
TEST_P(RefusedSessions, for_half_open_connections_are_not_told) {
    run(one_tenant(open_both_ways + std::string("limits: {host-half-open: 1}\n")));
    Packet segment = flow(0);
    segment.tcp_flags = syn;
    EXPECT_EQ(gateway_->count_by("uplink0", inside(tcp(segment))), 1u);
    segment.source_port = 4001;
    EXPECT_TRUE(inside(tcp(segment)).empty());
    EXPECT_EQ(refused(DropReason::SYN_LIMIT), 1u);
}

TEST_P(RefusedSessions, in_a_flood_are_told_as_often_as_errors_may_be_sent) {
    run(one_tenant(open_both_ways + std::string("limits: {sessions: 1}\n")));
    inside(udp(flow(0)));
    std::uint16_t number = 1;
    const auto flood = [&](std::size_t frames) {
        std::vector<Bytes> burst;
        for (std::size_t i = 0; i < frames; ++i) burst.push_back(udp(flow(number++)));
        return gateway_->inject("lan0", burst).size();
    };
    EXPECT_EQ(flood(32) + flood(32) + flood(32), 50u);
    EXPECT_EQ(refused(DropReason::ICMP_RATELIMIT), 46u);
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 96u);
    gateway_->advance(nanoseconds_per_second / 10);
    EXPECT_EQ(flood(32), 10u);
    EXPECT_EQ(refused(DropReason::ICMP_RATELIMIT), 68u);
    EXPECT_EQ(gateway_->counters().originated, 128u);
}

// Nor is it counted as held back by the rate limit.
TEST_P(RefusedSessions, of_whom_nothing_can_be_told_are_silent) {
    run(one_tenant("router: {urpf: off}\n" + std::string(open_both_ways) + "limits: {sessions: 1}\n"));
    inside(udp(flow(0)));
    struct Sender {
        std::uint16_t vlan;
        const char* source;
    };
    const Sender senders[] = {{1, "240.0.0.1"},   // no host's
                              {1, "10.1.1.255"},  // a broadcast address
                              {3, "10.1.9.9"}};   // towards which the gateway has no address of its own
    const auto expect_silence = [&](std::uint16_t first) {
        const std::uint64_t held_back = refused(DropReason::ICMP_RATELIMIT);
        const std::uint64_t before = refused(DropReason::SESSION_FULL);
        for (const Sender& sender : senders) {
            for (std::uint16_t number = first; number < first + 3; ++number) {
                Packet packet = flow(number, sender.source);
                packet.vlan = sender.vlan;
                EXPECT_TRUE(inside(udp(packet)).empty()) << sender.source;
            }
        }
        EXPECT_EQ(refused(DropReason::SESSION_FULL), before + 9);
        EXPECT_EQ(refused(DropReason::ICMP_RATELIMIT), held_back);
    };
    expect_silence(1);
    for (std::uint16_t number = 100; number < 160; ++number) inside(udp(flow(number)));
    EXPECT_GT(refused(DropReason::ICMP_RATELIMIT), 0u);
    expect_silence(10);
}

}  // namespace
}  // namespace sluice::test
