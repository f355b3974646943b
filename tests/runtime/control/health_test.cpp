// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/health.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sluice {
namespace {

/// A thousand packets of a gateway that is well.
Vitals usual() {
    Vitals vitals;
    vitals.received = 1000;
    vitals.drops[static_cast<std::size_t>(DropReason::FW_DENY)] = 50;
    vitals.sessions_created = 100;
    vitals.cache_hits = 900;
    vitals.metered = 1000;
    vitals.cycles = 200'000;
    return vitals;
}

std::string judged(const Vitals& after, const GateLimits& limits = {}) {
    return tripped(Health({}, usual()), Health({}, after), limits).value_or("");
}

std::uint64_t& drops(Vitals& vitals, DropReason reason) {
    return vitals.drops[static_cast<std::size_t>(reason)];
}

TEST(Health, TheSameAgainIsWell) {
    EXPECT_EQ(judged(usual()), "");
    Vitals twice = usual();
    twice.received += 1000;
    EXPECT_EQ(Health(usual(), twice).packets(), 1000u) << "of the window alone";
}

TEST(Health, EachReasonToDropIsComparedByItself) {
    Vitals after = usual();
    drops(after, DropReason::FW_DENY) = 60;  // 6 instead of 5 %
    EXPECT_EQ(judged(after), "");
    drops(after, DropReason::FW_DENY) = 61;
    EXPECT_EQ(judged(after), "FW_DENY drops rose from 5.0 to 6.1 % of the packets, by more than 1.0");
    drops(after, DropReason::FW_DENY) = 0;
    drops(after, DropReason::NO_ROUTE) = 30;
    EXPECT_EQ(judged(after), "NO_ROUTE drops rose from 0.0 to 3.0 % of the packets, by more than 1.0");
    EXPECT_EQ(judged(after, {.drops_points = 3}), "");
}

TEST(Health, OfReasonsThatWentTooFarTheWorstIsNamed) {
    Vitals after = usual();
    drops(after, DropReason::SHORT) = 12;
    drops(after, DropReason::FW_DENY) = 900;
    drops(after, DropReason::NO_ROUTE) = 13;
    EXPECT_EQ(judged(after), "FW_DENY drops rose from 5.0 to 90.0 % of the packets, by more than 1.0");
}

TEST(Health, SessionsThatFailAreComparedWithThoseThatWereTried) {
    Vitals after = usual();
    drops(after, DropReason::NAT_NO_PORT) = 3;
    EXPECT_EQ(judged(after), "session failures rose from 0.0 to 2.9 % of the attempts, by more than 1.0");
    EXPECT_EQ(judged(after, {.failures_points = 5}), "");
}

TEST(Health, CachesThatServeLessAndPacketsThatCostMoreTrip) {
    Vitals after = usual();
    after.cache_hits = 790;
    EXPECT_EQ(judged(after), "cache hits fell from 90.0 to 79.0 % of the packets, by more than 10.0");
    after = usual();
    after.cycles = 410'000;
    EXPECT_EQ(judged(after), "a packet's price rose from 200 to 410 cycles, by more than 100 %");
    after.metered = after.cycles = 0;
    EXPECT_EQ(judged(after), "") << "not measured";
}

TEST(Health, AHandfulOfPacketsSaysNothing) {
    Vitals after;
    after.received = 99;
    drops(after, DropReason::NO_ROUTE) = 99;
    EXPECT_EQ(judged(after), "");
    after.received = 100;
    EXPECT_NE(judged(after), "");
}

TEST(Health, LimitsAreReadAndChecked) {
    const auto limits = GateLimits::from_json({{"drops", 2.5}, {"seconds", 9}});
    EXPECT_EQ(limits.drops_points, 2.5);
    EXPECT_EQ(limits.window_seconds, 9u);
    EXPECT_EQ(limits.cache_points, 10);
    EXPECT_THROW(GateLimits::from_json({{"cycles", -1}}), std::invalid_argument);
    EXPECT_THROW(GateLimits::from_json({{"seconds", 0}}), std::invalid_argument);
    EXPECT_THROW(GateLimits::from_json(5), std::invalid_argument);
}

}  // namespace
}  // namespace sluice
