// SPDX-License-Identifier: Apache-2.0
//
// Random policies and random packets: what the gateway does with the compiled image is what the slow
// interpreter says the policy means, with the flow cache and without it, packet by packet and in bursts.
//
// SLUICE_PROPERTY_RUNS multiplies the number of policies; SLUICE_PROPERTY_SEED runs one alone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/lower/build_image.h"
#include "schemas/layout/hexadecimal.h"
#include "tests/property/trials.h"
#include "tests/support/compiled_policy.h"
#include "tests/support/counted.h"
#include "tests/support/interpreter.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t policies = 400;
constexpr std::size_t packets_a_policy = 400;
/// ICMP errors are limited to 100 a second; at this pace no packet is refused its own.
constexpr Time pace = nanoseconds_per_second / 50;
/// Longer than every timeout.
constexpr Time ages = seconds(3 * 3600);

std::vector<std::uint64_t> drops_by_reason(TestGateway& gateway) {
    std::vector<std::uint64_t> result(drop_reason_count);
    for (const auto& component : gateway.counters().drops) {
        for (std::size_t reason = 0; reason < drop_reason_count; ++reason) result[reason] += component[reason];
    }
    return result;
}

class Trial {
  public:
    explicit Trial(std::uint64_t seed)
        : seed_(seed),
          // Every second policy has its routes in two tables, as only large ones do otherwise.
          compiled_(compile_policy(random_policy(seed), 0, seed % 2 == 0 ? 1 : own_routes_from)),
          interpreter_(compiled_.policy),
          source_(compiled_.policy, seed ^ 0x5eed),
          random_(seed + 1) {}

    /// Every packet alone, judged by the interpreter, through two gateways in step.
    void packet_by_packet() {
        TestGateway cached(*compiled_.image, small_shard(tiers()));
        TestGateway plain(*compiled_.image, small_shard(CacheTiers::none));
        std::vector<std::uint64_t> before = drops_by_reason(cached);
        while (arrivals_.size() < packets_a_policy) {
            if (random_.percent(1)) {
                interpreter_.forget();
                ASSERT_EQ(cached.advance(ages), plain.advance(ages));
                before = drops_by_reason(cached);
            }
            for (const SentFrame& arrival : source_.next()) {
                arrivals_.push_back(arrival);
                cached.advance(pace);
                plain.advance(pace);
                Observation observed;
                observed.sent = cached.inject(arrival.port, arrival.bytes);
                const std::vector<std::uint64_t> after = drops_by_reason(cached);
                for (std::size_t reason = 0; reason < after.size(); ++reason) {
                    const auto name = std::string(name_of(static_cast<DropReason>(reason)));
                    observed.drops.insert(observed.drops.end(), after[reason] - before[reason], name);
                }
                before = after;
                ASSERT_EQ(observed.sent, plain.inject(arrival.port, arrival.bytes)) << where(arrival);
                const Expected expected = interpreter_.judge(arrival.port, arrival.bytes, observed);
                ASSERT_EQ(difference(expected, observed), "") << where(arrival);
                for (const SentFrame& sent : observed.sent) source_.saw(sent);
            }
        }
        ASSERT_EQ(counters_difference(cached, plain), "") << reproduction();
        ASSERT_TRUE(cached.counters().balanced()) << reproduction();
        ASSERT_TRUE(plain.counters().balanced()) << reproduction();
        EXPECT_EQ(plain.counters().cache.flow_hits, 0u);
        flow_hits += cached.counters().cache.flow_hits;
        check_rules(cached);
    }

    /// The same packets in bursts: the cache must not show.
    void in_bursts() {
        TestGateway cached(*compiled_.image, small_shard(tiers()));
        TestGateway plain(*compiled_.image, small_shard(CacheTiers::none));
        for (std::size_t at = 0; at < arrivals_.size();) {
            const std::size_t size = std::min<std::size_t>(random_.between(1, 64), arrivals_.size() - at);
            const std::span<const SentFrame> burst = std::span(arrivals_).subspan(at, size);
            ASSERT_EQ(cached.inject(burst), plain.inject(burst)) << "burst at packet " << at << reproduction();
            cached.advance(pace * size);
            plain.advance(pace * size);
            at += size;
        }
        ASSERT_EQ(counters_difference(cached, plain), "") << reproduction();
        ASSERT_TRUE(cached.counters().balanced()) << reproduction();
        ASSERT_TRUE(plain.counters().balanced()) << reproduction();
        flow_hits += cached.counters().cache.flow_hits;
    }

    std::uint64_t flow_hits = 0;

  private:
    std::string counters_difference(TestGateway& cached, TestGateway& plain) {
        return first_difference(numbers_of(*compiled_.image, cached.counters()),
                                numbers_of(*compiled_.image, plain.counters()));
    }
    void check_rules(TestGateway& gateway) {
        const auto& expected = interpreter_.rule_counts();
        for (std::size_t tenant = 0; tenant < expected.size(); ++tenant) {
            if (!compiled_.policy.tenants[tenant].has_service_router()) continue;
            const auto& rules = gateway.counters().tenants[tenant].rules;
            ASSERT_EQ(rules.size(), expected[tenant].size());
            for (std::size_t rule = 0; rule < rules.size(); ++rule) {
                const auto name = "tenant" + std::to_string(tenant) + " rule " + std::to_string(rule);
                EXPECT_EQ(rules[rule].sessions, expected[tenant][rule].sessions) << name << reproduction();
                EXPECT_EQ(rules[rule].packets, expected[tenant][rule].packets) << name << reproduction();
            }
        }
    }
    std::string reproduction() const {
        return "\nreproduce with SLUICE_PROPERTY_SEED=" + std::to_string(seed_) +
               " image_vs_interpreter_test --gtest_filter='ImageVsInterpreter.*'";
    }
    std::string where(const SentFrame& arrival) const {
        std::string text = "packet " + std::to_string(arrivals_.size()) + " on port " +
                           std::string(compiled_.image->port_names()[arrival.port]) + ": " +
                           describe(decode(arrival.bytes)) + "\n  " + hexadecimal(arrival.bytes) +
                           reproduction();
        for (const auto& [name, content] : random_policy(seed_)) text += "\n# " + name + "\n" + content;
        return text;
    }

    CacheTiers tiers() const { return seed_ % 2 == 0 ? CacheTiers::flow_table : CacheTiers::trace_cache; }

    std::uint64_t seed_;
    CompiledPolicy compiled_;
    Interpreter interpreter_;
    PacketSource source_;
    Random random_;
    std::vector<SentFrame> arrivals_;
};

TEST(ImageVsInterpreter, AgreeWithTheCacheOnAndOff) {
    std::uint64_t hits = 0;
    for (const std::uint64_t seed : property_seeds(policies)) {
        Trial trial(seed);
        trial.packet_by_packet();
        if (HasFatalFailure()) return;
        trial.in_bursts();
        if (HasFatalFailure()) return;
        hits += trial.flow_hits;
    }
    EXPECT_GT(hits, 0u) << "the cache was never used";
}

TEST(ImageVsInterpreter, BytesDoNotDependOnThreadsOrTime) {
    for (const std::uint64_t seed : property_seeds(policies)) {
        const CompiledPolicy first = compile_policy(random_policy(seed), 1);
        for (const unsigned threads : {1u, 2u}) {
            ASSERT_EQ(first.bytes, build_image(first.policy, threads))
                << "seed " << seed << ", threads " << threads;
        }
        ASSERT_EQ(first.bytes, compile_policy(random_policy(seed)).bytes) << "seed " << seed;
    }
}

}  // namespace
}  // namespace sluice::test
