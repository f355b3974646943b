// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/suggest.h"

namespace sluice::front {
namespace {

TEST(EditDistance, CountsSwapsAsOne) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("rotues", "routes"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Suggester, FindsTheNearest) {
    Suggester suggester;
    EXPECT_EQ(suggester.nearest("wbe", {"db", "web", "app"}), "web");
    EXPECT_EQ(suggester.nearest("completely", {"db", "web"}), "");
    EXPECT_EQ(suggester.nearest("", {"db"}), "");
}

TEST(Suggester, DoesNotDependOnTheOrderOfCandidates) {
    Suggester suggester;
    EXPECT_EQ(suggester.nearest("wxb", {"wab", "wcb"}), "wab");
    EXPECT_EQ(suggester.nearest("wxb", {"wcb", "wab"}), "wab");
}

}  // namespace
}  // namespace sluice::front
