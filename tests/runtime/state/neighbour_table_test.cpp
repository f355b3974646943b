// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/neighbour_table.h"

#include <gtest/gtest.h>

#include <functional>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = NeighbourState;

const Mac mac_a{{2, 0, 0, 0, 0, 0xa}};
const Mac mac_b{{2, 0, 0, 0, 0, 0xb}};
const Ip host = Ip::from_v4(0x0a000005);
constexpr InterfaceRef lan{1, 2};

HeldPacket packet(std::uint16_t number) {
    HeldPacket held;
    held.packet.frame.port = number;
    return held;
}

/// Drives the table along a time line and writes down what it asks for, with the time in tenths of a second.
struct NeighbourTableTest : testing::Test, NeighbourActions {
    NeighbourTable table{4, {}, *this, 12};
    Time now = 0;
    std::vector<std::string> log;
    std::function<void()> on_drop;

    void note(const std::string& what) { log.push_back(std::to_string(now / tick_nanoseconds) + " " + what); }
    void solicit(const Neighbour&, Cast cast) override { note(cast == Cast::unicast ? "probe" : "ask"); }
    void send_held(std::uint32_t, HeldPacket& held) override {
        note("send " + std::to_string(held.packet.frame.port));
    }
    void drop_held(HeldPacket& held, DropReason reason) override {
        note(std::string(name_of(reason)) + " " + std::to_string(held.packet.frame.port));
        if (on_drop) on_drop();
    }

    void at(Time when) {
        while (tick_of(now) < tick_of(when)) {
            now = (tick_of(now) + 1) * tick_nanoseconds;
            table.step();
        }
        now = when;
    }
    std::uint32_t use(Ip ip = host) { return table.use(lan, ip, Family::v4, now); }
    bool hold(std::uint16_t number, Ip ip = host) { return table.hold(use(ip), packet(number), now); }
    void reply(Mac mac = mac_a, Ip ip = host) { table.learn(lan, ip, Family::v4, mac, true, false, true, now); }
    void gratuitous(Mac mac, Ip ip = host) { table.learn(lan, ip, Family::v4, mac, false, false, true, now); }
    void asks_us(Mac mac, Ip ip = host) { table.learn(lan, ip, Family::v4, mac, false, true, true, now); }
    std::uint32_t index(Ip ip = host) const { return table.find(lan, ip, Family::v4); }
    State state(Ip ip = host) const { return index(ip) == no_neighbour ? State::none : table[index(ip)].state; }
    Mac mac() const { return table[index()].mac; }
    void make_reachable() {
        hold(1);
        reply();
        log.clear();
    }
    void make_stale() {
        asks_us(mac_a);
        ASSERT_EQ(state(), State::stale);
    }
    void make_failed() {  // at 3 s
        hold(1);
        at(seconds(3));
        ASSERT_EQ(state(), State::failed);
        log.clear();
    }
};

TEST_F(NeighbourTableTest, AsksOnceAndReleasesWhatWaitedInOrder) {
    EXPECT_TRUE(hold(1));
    EXPECT_TRUE(hold(2));
    EXPECT_EQ(state(), State::incomplete);
    EXPECT_EQ(table.held_packets(), 2u);
    at(seconds(1) / 2);
    reply();
    EXPECT_THAT(log, ElementsAre("0 ask", "5 send 1", "5 send 2"));
    EXPECT_EQ(state(), State::reachable);
    EXPECT_EQ(mac(), mac_a);
    EXPECT_EQ(table.held_packets(), 0u);
}

TEST_F(NeighbourTableTest, WithoutAReplyAsksThreeTimesThenFailsHoldsDownAndForgets) {
    hold(1);
    hold(2);
    at(seconds(3) - 1);
    EXPECT_THAT(log, ElementsAre("0 ask", "10 ask", "20 ask"));
    log.clear();
    at(seconds(3));
    EXPECT_THAT(log, ElementsAre("30 NEIGH_FAILED 1", "30 NEIGH_FAILED 2"));
    EXPECT_EQ(state(), State::failed);
    log.clear();
    at(seconds(8) - 1);
    EXPECT_FALSE(hold(3));
    EXPECT_THAT(log, IsEmpty());
    at(seconds(8));
    EXPECT_EQ(state(), State::none);
    EXPECT_TRUE(table.timers_empty());
    EXPECT_TRUE(hold(4));
    EXPECT_THAT(log, ElementsAre("80 ask"));
}

TEST_F(NeighbourTableTest, RequestsDoNotDriftWithTheTicks) {
    at(tick_nanoseconds / 2);
    hold(1);
    at(seconds(4));
    EXPECT_THAT(log, ElementsAre("0 ask", "11 ask", "21 ask", "31 NEIGH_FAILED 1"));
}

TEST_F(NeighbourTableTest, TheNinthPacketDropsTheOldest) {
    for (std::uint16_t number = 1; number <= 9; ++number) EXPECT_TRUE(hold(number));
    EXPECT_THAT(log, ElementsAre("0 ask", "0 NEIGH_QUEUE_FULL 1"));
    log.clear();
    reply();
    EXPECT_THAT(log, ElementsAre("0 send 2", "0 send 3", "0 send 4", "0 send 5", "0 send 6", "0 send 7",
                                 "0 send 8", "0 send 9"));
}

TEST_F(NeighbourTableTest, AnExhaustedPoolDropsTheNeighboursOldestOrTheNewPacket) {
    const Ip second = Ip::from_v4(2), third = Ip::from_v4(3);
    for (std::uint16_t number = 1; number <= 8; ++number) hold(number);
    for (std::uint16_t number = 11; number <= 14; ++number) hold(number, second);
    EXPECT_EQ(table.held_packets(), 12u);
    log.clear();
    EXPECT_TRUE(hold(15, second));
    EXPECT_THAT(log, ElementsAre("0 NEIGH_QUEUE_FULL 11"));
    log.clear();
    EXPECT_TRUE(hold(21, third));
    EXPECT_THAT(log, ElementsAre("0 ask", "0 NEIGH_QUEUE_FULL 21"));
    EXPECT_EQ(table.held_packets(), 12u);
}

TEST_F(NeighbourTableTest, AnEntryThatNothingWaitsForIsForgotten) {
    use();
    at(seconds(1));
    EXPECT_EQ(state(), State::none);
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(NeighbourTableTest, AgesFromReachableThroughStaleAndDelayToProbe) {
    make_reachable();
    at(seconds(30) - 1);
    EXPECT_EQ(state(), State::reachable);
    at(seconds(30));
    EXPECT_EQ(state(), State::stale);
    at(seconds(100));
    EXPECT_EQ(state(), State::stale) << "nobody uses it";
    use();
    EXPECT_EQ(state(), State::delay);
    at(seconds(105) - 1);
    EXPECT_THAT(log, IsEmpty());
    at(seconds(105));
    EXPECT_EQ(state(), State::probe);
    EXPECT_TRUE(table[index()].usable());
    reply();
    EXPECT_EQ(state(), State::reachable);
    EXPECT_THAT(log, ElementsAre("1050 probe"));
}

TEST_F(NeighbourTableTest, ACachedPacketTouchesAsAUseDoes) {
    make_stale();
    EXPECT_FALSE(table.use_of(index()).ready) << "it must be told, so that it probes";
    table.touch(index(), now);
    EXPECT_EQ(state(), State::delay);
    EXPECT_TRUE(table.use_of(index()).ready);
    table.touch(index(), now);
    EXPECT_EQ(state(), State::delay);
}

TEST_F(NeighbourTableTest, ThreeUnansweredProbesFail) {
    make_stale();
    use();
    at(seconds(8) - 1);
    EXPECT_THAT(log, ElementsAre("50 probe", "60 probe", "70 probe"));
    EXPECT_EQ(state(), State::probe);
    at(seconds(8));
    EXPECT_EQ(state(), State::failed);
    EXPECT_FALSE(hold(1));
    at(seconds(13));
    EXPECT_EQ(state(), State::none);
}

TEST_F(NeighbourTableTest, AReplyNobodyAskedForConfirmsNothing) {
    make_stale();
    reply();
    EXPECT_EQ(state(), State::stale);
    use();
    reply();
    EXPECT_EQ(state(), State::delay) << "in DELAY nothing was asked yet";
    reply(mac_b);
    EXPECT_EQ(state(), State::stale);
    EXPECT_EQ(mac(), mac_b);
    reply(mac_a, Ip::from_v4(9));
    EXPECT_EQ(state(Ip::from_v4(9)), State::none);
}

TEST_F(NeighbourTableTest, AnEntryThatWasUsedButNotAskedForIsNotConfirmedEither) {
    use();
    reply();
    EXPECT_EQ(state(), State::stale);
}

TEST_F(NeighbourTableTest, GratuitousArpUpdatesButNeverCreates) {
    gratuitous(mac_b);
    EXPECT_EQ(state(), State::none);
    make_reachable();
    gratuitous(mac_a);
    EXPECT_EQ(state(), State::reachable) << "nothing new";
    gratuitous(mac_b);
    EXPECT_EQ(state(), State::stale);
    EXPECT_EQ(mac(), mac_b);
    at(seconds(31));
    EXPECT_EQ(state(), State::stale) << "no timer of REACHABLE is left";
}

TEST_F(NeighbourTableTest, ARequestToUsCreatesAStaleEntry) {
    asks_us(mac_a);
    EXPECT_EQ(state(), State::stale);
    EXPECT_EQ(mac(), mac_a);
}

TEST_F(NeighbourTableTest, ARequestToUsReleasesWhatWaitsAndPutsTheEntryToTheTest) {
    hold(1);
    log.clear();
    asks_us(mac_a);
    EXPECT_THAT(log, ElementsAre("0 send 1"));
    EXPECT_EQ(state(), State::delay);
    at(seconds(5));
    EXPECT_EQ(state(), State::probe);
}

TEST_F(NeighbourTableTest, WithoutOverrideAnotherMacIsNotTaken) {
    make_reachable();
    table.learn(lan, host, Family::v4, mac_b, true, false, false, now);
    EXPECT_EQ(state(), State::stale);
    EXPECT_EQ(mac(), mac_a);
    use();
    table.learn(lan, host, Family::v4, mac_b, true, false, false, now);
    EXPECT_EQ(state(), State::delay);
    at(seconds(5));
    table.learn(lan, host, Family::v4, mac_b, true, false, false, now);
    EXPECT_EQ(state(), State::probe) << "still asking";
    table.learn(lan, host, Family::v4, mac_a, true, false, false, now);
    EXPECT_EQ(state(), State::reachable) << "the same MAC confirms without override";
}

TEST_F(NeighbourTableTest, AnAnswerToAProbeMayBringAnotherMac) {
    make_stale();
    use();
    at(seconds(5));
    reply(mac_b);
    EXPECT_EQ(state(), State::reachable);
    EXPECT_EQ(mac(), mac_b);
    EXPECT_EQ(table.use_of(index()).mac, mac_b);
}

TEST_F(NeighbourTableTest, AFailedEntryThatIsHeardOfBecomesUsable) {
    make_failed();
    gratuitous(mac_a);
    EXPECT_EQ(state(), State::stale);
    at(seconds(20));
    EXPECT_EQ(state(), State::stale) << "no timer of the hold-down is left";
    EXPECT_TRUE(hold(5));
    EXPECT_THAT(log, ElementsAre("200 send 5"));
}

TEST_F(NeighbourTableTest, PermanentEntriesNeitherAgeNorLearn) {
    table.add_permanent(lan, host, Family::v4, mac_a);
    reply(mac_b);
    gratuitous(mac_b);
    at(seconds(100));
    use();
    at(seconds(200));
    EXPECT_EQ(state(), State::permanent);
    EXPECT_EQ(mac(), mac_a);
    EXPECT_TRUE(table.timers_empty());
    EXPECT_THAT(log, IsEmpty());
}

TEST_F(NeighbourTableTest, AGroupOrZeroMacIsIgnored) {
    hold(1);
    reply(Mac{{1, 0, 0x5e, 0, 0, 1}});
    reply(Mac{});
    EXPECT_EQ(state(), State::incomplete);
}

TEST_F(NeighbourTableTest, InterfacesAndFamiliesAreApart) {
    make_stale();
    EXPECT_EQ(table.find({1, 3}, host, Family::v4), no_neighbour);
    EXPECT_EQ(table.find({2, 2}, host, Family::v4), no_neighbour);
    EXPECT_EQ(table.find(lan, host, Family::v6), no_neighbour);
}

TEST_F(NeighbourTableTest, AFullTableGivesUpTheOldestStaleEntryElseRefuses) {
    const Ip ips[] = {Ip::from_v4(1), Ip::from_v4(2), Ip::from_v4(3), Ip::from_v4(4), Ip::from_v4(5)};
    asks_us(mac_a, ips[0]);
    asks_us(mac_a, ips[1]);
    hold(1, ips[2]);
    hold(2, ips[3]);
    use(ips[0]);  // now in DELAY: ips[1] is the oldest STALE one
    const std::uint32_t slot = index(ips[1]);
    const std::uint32_t life = table.use_of(slot).life;
    EXPECT_EQ(use(ips[4]), slot);
    EXPECT_EQ(state(ips[1]), State::none);
    EXPECT_NE(table.use_of(slot).life, life) << "a flow that names the slot must notice";
    EXPECT_EQ(use(ips[1]), no_neighbour);
}

TEST_F(NeighbourTableTest, TellsKnownFlowsOfStateAndMac) {
    use();
    EXPECT_FALSE(table.use_of(index()).ready);
    make_reachable();
    const std::uint32_t life = table.use_of(index()).life;
    EXPECT_TRUE(table.use_of(index()).ready);
    EXPECT_EQ(table.use_of(index()).mac, mac_a);
    gratuitous(mac_b);
    EXPECT_FALSE(table.use_of(index()).ready) << "STALE: the next use probes it";
    use();
    EXPECT_TRUE(table.use_of(index()).ready);
    EXPECT_EQ(table.use_of(index()).mac, mac_b);
    EXPECT_EQ(table.use_of(index()).life, life);
}

TEST_F(NeighbourTableTest, ACalleeMayUseTheTable) {
    hold(1);
    hold(2);
    std::uint16_t next = 10;
    on_drop = [&] {
        EXPECT_TRUE(hold(next++, Ip::from_v4(77)));
    };  // the ICMP error about each needs a neighbour too
    at(seconds(3));
    EXPECT_THAT(log,
                ElementsAre("0 ask", "10 ask", "20 ask", "30 NEIGH_FAILED 1", "30 ask", "30 NEIGH_FAILED 2"));
    EXPECT_EQ(table.held_packets(), 2u);
}

TEST_F(NeighbourTableTest, ReleasesAllThatIsHeld) {
    hold(1);
    hold(2);
    hold(3, Ip::from_v4(2));
    std::vector<int> released;
    table.release_all([&](const HeldPacket& held) { released.push_back(held.packet.frame.port); });
    EXPECT_THAT(released, ElementsAre(1, 2, 3));
    EXPECT_EQ(table.held_packets(), 0u);
}

TEST_F(NeighbourTableTest, VisitsEachEntryOnce) {
    make_stale();
    asks_us(mac_b, Ip::from_v4(2));
    int visited = 0;
    table.for_each([&](const Neighbour&) { ++visited; });
    EXPECT_EQ(visited, 2);
    EXPECT_EQ(name_of(State::permanent), "PERMANENT");
}

}  // namespace
}  // namespace sluice
