// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/station_table.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

constexpr InterfaceRef web{1, 0}, data{1, 1};
constexpr Time start = seconds(1000);

Mac mac(std::uint8_t last) {
    return {{2, 0, 0, 0, 0, last}};
}

class Stations : public testing::Test {
  protected:
    StationTable table{4, HashKey::from_seed(1)};
};

TEST_F(Stations, AreWhereTheirLastFrameCameFrom) {
    EXPECT_EQ(table.find(web, mac(1), start), no_tunnel);
    table.learn(web, mac(1), 7, start);
    table.learn(data, mac(1), 8, start);
    EXPECT_EQ(table.find(web, mac(1), start), 7u);
    EXPECT_EQ(table.find(data, mac(1), start), 8u);
    table.learn(web, mac(1), way_by_attachment(3), start);
    EXPECT_EQ(table.find(web, mac(1), start), way_by_attachment(3));
    EXPECT_EQ(table.set_way(web, mac(1)), no_tunnel);
}

TEST_F(Stations, AreForgottenWhenTheyAreSilent) {
    table.learn(web, mac(1), 7, start);
    EXPECT_EQ(table.find(web, mac(1), start + station_age), 7u);
    EXPECT_EQ(table.find(web, mac(1), start + station_age + 1), no_tunnel);
    table.learn(web, mac(1), 7, start + station_age + 2);
    EXPECT_EQ(table.find(web, mac(1), start + station_age + 3), 7u);
}

TEST_F(Stations, StayWhereSomebodySaysTheyAre) {
    EXPECT_TRUE(table.set(web, mac(1), 9, start));
    table.learn(web, mac(1), 7, start + 1);
    EXPECT_EQ(table.find(web, mac(1), start + 2 * station_age), 9u);
    EXPECT_EQ(table.set_way(web, mac(1)), 9u);
    EXPECT_TRUE(table.unset(web, mac(1)));
    EXPECT_EQ(table.find(web, mac(1), start), no_tunnel);
    EXPECT_FALSE(table.unset(web, mac(1)));
    table.learn(web, mac(1), 7, start);
    EXPECT_FALSE(table.unset(web, mac(1)));  // nobody had set it
}

TEST_F(Stations, TakePlacesOfTheSilentAlone) {
    for (std::uint8_t i = 0; i < 4; ++i) table.learn(web, mac(i), i, start + i);
    table.learn(web, mac(9), 9, start + station_age);
    EXPECT_EQ(table.find(web, mac(9), start + station_age), no_tunnel);  // all others were heard of
    EXPECT_FALSE(table.set(web, mac(9), 9, start + station_age));
    table.learn(web, mac(9), 9, start + station_age + 1);
    EXPECT_EQ(table.find(web, mac(9), start + station_age + 1), 9u);
    EXPECT_EQ(table.find(web, mac(1), start + station_age + 1), 1u);
}

TEST_F(Stations, GoWithTheirSegment) {
    table.learn(web, mac(1), 7, start);
    table.set(data, mac(2), 8, start);
    table.forget_if([](const StationTable::Entry& entry) { return entry.interface == web; });
    EXPECT_EQ(table.find(web, mac(1), start), no_tunnel);
    std::uint32_t left = 0;
    for (std::uint32_t place = 0; place < 4; ++place) {
        const StationTable::Entry* const entry = table.at(place, start + 2 * station_age);
        if (entry == nullptr) continue;
        EXPECT_EQ(entry->mac, mac(2));
        ++left;
    }
    EXPECT_EQ(left, 1u);
}

}  // namespace
}  // namespace sluice::test
