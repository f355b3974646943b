// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/service_classes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "schemas/layout/service_map.h"

namespace sluice::lower {
namespace {

using Lists = std::vector<std::vector<policy::Service>>;

bool contains(const std::vector<policy::Service>& list, Family family, std::uint8_t protocol,
              std::uint16_t port) {
    for (const policy::Service& service : list) {
        if (service.protocol == protocol &&
            (service.family == 0 || service.family == static_cast<int>(family)) && service.low <= port &&
            port <= service.high) {
            return true;
        }
    }
    return false;
}

bool in_ranges(const std::vector<ClassRange>& ranges, std::uint32_t value) {
    for (const ClassRange& range : ranges) {
        if (range.low <= value && value <= range.high) return true;
    }
    return false;
}

TEST(ServiceClasses, WhatNoListNamesIsClassZero) {
    const ServiceClasses classes = classify_services({{{6, 0, 80, 80}}});
    const ServiceMapView view{classes.cells.data()};
    EXPECT_EQ(view.lookup(Family::v4, 6, 79), 0);
    EXPECT_EQ(view.lookup(Family::v4, 6, 80), 1);
    EXPECT_EQ(view.lookup(Family::v6, 6, 80), 1);
    EXPECT_EQ(view.lookup(Family::v4, 17, 80), 0);
}

TEST(ServiceClasses, AProtocolNamedAsAWholeIsOfTheListsClass) {
    const ServiceClasses classes = classify_services({{{17, 0, 4000, 4000}, {1, 4, 0, 65535}}});
    const ServiceMapView view{classes.cells.data()};
    EXPECT_EQ(view.lookup(Family::v4, 1, 8 << 8), 1);
    EXPECT_EQ(view.lookup(Family::v4, 17, 4000), 1);
    EXPECT_EQ(view.lookup(Family::v6, 1, 8 << 8), 0);
}

TEST(ServiceClasses, EqualRowsAreStoredOnce) {
    const ServiceClasses classes =
        classify_services({{{6, 0, 80, 80}}, {{17, 0, 0, 65535}}, {{1, 4, 2048, 2303}}});
    // At most: two by protocol; by high byte: none, TCP, UDP, ICMP; by low byte: none, port 80, all of UDP,
    // type 8.
    EXPECT_LE(classes.cells.size() / service_row_cells, 2U + 4 + 4);
}

TEST(ServiceClasses, MoreClassesThanCellsCanSayAreRefused) {
    Lists lists;
    for (const std::uint8_t protocol : {6, 17}) {
        for (std::uint32_t port = 0; port < 40'000; ++port) {
            lists.push_back(
                {{protocol, 0, static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port)}});
        }
    }
    EXPECT_THROW(classify_services(lists), std::length_error);
}

RC_GTEST_PROP(ServiceClassesProperty, AClassIsInTheRangesOfExactlyItsLists, ()) {
    const auto services = rc::gen::map(
        rc::gen::tuple(rc::gen::element(6, 17), rc::gen::element(0, 4, 6), rc::gen::inRange(0, 9),
                       rc::gen::inRange(0, 9)),
        [](const auto& parts) {
            // Edges near 0, a page's end and 65535.
            static constexpr std::uint16_t ports[] = {0, 1, 254, 255, 256, 257, 511, 65534, 65535};
            const auto [protocol, family, a, b] = parts;
            return policy::Service{static_cast<std::uint8_t>(protocol), static_cast<std::uint8_t>(family),
                                   ports[std::min(a, b)], ports[std::max(a, b)]};
        });
    const Lists lists = *rc::gen::container<Lists>(rc::gen::container<std::vector<policy::Service>>(services));
    const ServiceClasses classes = classify_services(lists);
    const ServiceMapView view{classes.cells.data()};
    for (const Family family : {Family::v4, Family::v6}) {
        for (const std::uint8_t protocol : {1, 6, 17}) {
            for (const std::uint16_t port :
                 {0, 1, 2, 253, 254, 255, 256, 257, 258, 510, 511, 512, 65533, 65534, 65535}) {
                const std::uint16_t found = view.lookup(family, protocol, port);
                for (std::uint32_t list = 0; list < lists.size(); ++list) {
                    RC_ASSERT(in_ranges(classes.numbering.ranges_of(list), found) ==
                              contains(lists[list], family, protocol, port));
                }
            }
        }
    }
}

}  // namespace
}  // namespace sluice::lower
