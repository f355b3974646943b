// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/prefix_set.h"

namespace sluice::sema {
namespace {

PrefixSet set_of(std::initializer_list<const char*> texts) {
    std::vector<Prefix> prefixes;
    for (const char* text : texts) prefixes.push_back(*parse_prefix(text));
    return PrefixSet(prefixes);
}

TEST(PrefixSet, SameMeaningSameRanges) {
    EXPECT_EQ(set_of({"10.0.0.0/25", "10.0.0.128/25"}).ranges(),
              set_of({"10.0.0.0/24", "10.0.0.7/32"}).ranges());
    EXPECT_EQ(set_of({"0.0.0.0/1", "128.0.0.0/1"}).ranges(),
              set_of({"0.0.0.0/0", "255.255.255.255/32"}).ranges());
    EXPECT_EQ(set_of({"::/1", "8000::/1"}).ranges(), set_of({"::/0"}).ranges());
    EXPECT_EQ(set_of({"2001:db8::/65", "2001:db8:0:0:8000::/65"}).ranges(), set_of({"2001:db8::/64"}).ranges());
}

TEST(PrefixSet, Contains) {
    EXPECT_TRUE(set_of({"10.0.0.0/25", "10.0.0.128/25"}).contains(set_of({"10.0.0.64/26", "10.0.0.0/24"})));
    EXPECT_FALSE(set_of({"10.0.0.0/25"}).contains(set_of({"10.0.0.0/24"})));
    EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(set_of({"::/128"})));
    EXPECT_TRUE(set_of({}).contains(set_of({})));
}

}  // namespace
}  // namespace sluice::sema
