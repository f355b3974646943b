// SPDX-License-Identifier: Apache-2.0
//
// The Internet's own tables: answers against one hash table a prefix length, how long they take to build and
// how much memory they need.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "compiler/lower/lpm_builder.h"
#include "schemas/layout/lpm_burst.h"
#include "tests/support/routing_table.h"

namespace sluice::lower {
namespace {

using Entries = std::vector<LpmEntry>;

Entries with_values(const std::vector<Prefix>& prefixes, std::uint32_t distinct) {
    std::mt19937_64 random(1);
    Entries entries;
    for (const Prefix& prefix : prefixes) {
        entries.push_back({prefix, static_cast<std::uint32_t>(1 + random() % distinct)});
    }
    return entries;
}

void expect_same_answers(const LpmView& view, const Entries& entries) {
    test::PrefixesByLength model;
    for (const LpmEntry& entry : entries) model.add(entry.prefix, entry.value);
    const Family family = entries[0].prefix.family;
    std::mt19937_64 random(42);
    std::vector<Ip> questions;
    for (int i = 0; i < 50'000; ++i) {
        questions.push_back(Ip{random(), random()} & prefix_mask(address_bits(family)));
        const Prefix& near = entries[random() % entries.size()].prefix;
        questions.push_back(test::address_in(near, {random(), random()}));
        questions.push_back(test::address_in(near, ~Ip{}));
    }
    std::vector<std::uint32_t> in_bursts(questions.size());
    lpm_lookup_burst(view, questions, in_bursts.data());
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const std::uint32_t expected = model.lookup(questions[i]);
        ASSERT_EQ(view.lookup(questions[i]), expected) << to_string(questions[i], family);
        ASSERT_EQ(in_bursts[i], expected) << to_string(questions[i], family);
    }
}

void compare(const std::string& file, std::size_t fewest, std::uint32_t distinct, double most_mib) {
    const auto read = test::read_routing_table(file);
    if (const auto* why = std::get_if<std::string>(&read)) GTEST_SKIP() << *why;
    const auto entries = with_values(std::get<std::vector<Prefix>>(read), distinct);
    ASSERT_GE(entries.size(), fewest) << "the file does not hold the table its name says";

    const auto begin = std::chrono::steady_clock::now();
    const LpmTable table = build_lpm(entries);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    const double mib = static_cast<double>(table.bytes()) / (1 << 20);
    std::printf("%s: %zu prefixes, %u values, %.2f MiB, built in %.2f s\n", file.c_str(), entries.size(),
                distinct, mib, seconds.count());
    EXPECT_LE(mib, most_mib);
    EXPECT_EQ(table.wide, distinct >= lpm_narrow_end);
    expect_same_answers(table.view(), entries);
}

// A quarter of DIR24_8 with 2-byte next hops, whose first table alone has 32 MiB.
TEST(LpmInternet, Ipv4TableOf2024) {
    compare("internet-v4-2024-01.prefixes.txt.zst", 900'000, 256, 8);
}
TEST(LpmInternet, Ipv4TableOf2024WithManyValues) {
    compare("internet-v4-2024-01.prefixes.txt.zst", 900'000, 100'000, 12);
}
TEST(LpmInternet, Ipv4TableOf2014) {
    compare("routeviews-v4-2014-05-13.prefix-originas.txt.zst", 400'000, 256, 8);
}
TEST(LpmInternet, Ipv6TableOf2024) {
    compare("internet-v6-2024-01.prefixes.txt.zst", 100'000, 256, 8);
}
TEST(LpmInternet, Ipv6TableOf2021) {
    compare("fib-v6-as19016-2021-01-17.prefix-nexthop.txt.zst", 50'000, 32, 8);
}

TEST(LpmInternet, AThousandRoutersOfAThousandRoutesFitInto64MiB) {
    for (const char* file : {"internet-v4-2024-01.prefixes.txt.zst", "internet-v6-2024-01.prefixes.txt.zst"}) {
        const auto read = test::read_routing_table(file);
        if (const auto* why = std::get_if<std::string>(&read)) GTEST_SKIP() << *why;
        const auto all = with_values(std::get<std::vector<Prefix>>(read), 256);
        std::mt19937_64 random(7);
        std::size_t bytes = 0;
        for (int router = 0; router < 1000; ++router) {
            Entries entries;  // scattered over the whole Internet: neighbours would share more
            for (int i = 0; i < 1000; ++i) entries.push_back(all[random() % all.size()]);
            bytes += build_lpm(std::move(entries)).bytes();
        }
        std::printf("%s: 1,000 routers of 1,000 routes: %.1f MiB\n", file,
                    static_cast<double>(bytes) / (1 << 20));
        EXPECT_LE(bytes, std::size_t{64} << 20);
    }
}

}  // namespace
}  // namespace sluice::lower
