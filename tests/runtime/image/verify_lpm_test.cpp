// SPDX-License-Identifier: Apache-2.0
//
// Random damage to a look-up table: what the verifier accepts, every look-up must be able to read, and returns
// a value that is allowed.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "compiler/lower/lpm_builder.h"
#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

constexpr std::uint32_t values = 9;
constexpr unsigned roots[] = {0, 2, 6, 8};

lower::LpmTable random_table(std::mt19937_64& random, Family family, unsigned root_bits) {
    std::vector<lower::LpmEntry> entries;
    for (int i = 0; i < 40; ++i) {
        const auto length = static_cast<std::uint8_t>(random() % (address_bits(family) + 1));
        const Ip ip = Ip{random() & 0x0f0f'0000'0000'0000, 0} & prefix_mask(length);
        const auto value = static_cast<std::uint32_t>(random() % values);
        entries.push_back({{ip, length, family}, value});
    }
    return lower::build_lpm(entries, root_bits);
}

Refusal check(const lower::LpmTable& table, Family family) {
    flatbuffers::FlatBufferBuilder builder;
    const auto root = builder.CreateVector(table.root);
    const auto records = builder.CreateVector(table.records);
    builder.Finish(image::CreateLpm(builder, root, records, table.first_level_words, table.wide));
    return check_lpm(*flatbuffers::GetRoot<image::Lpm>(builder.GetBufferPointer()), family, values, "table");
}

/// What a look-up does, with each read checked; nothing where it would leave the table or does not end.
std::optional<std::uint32_t> careful_lookup(const lower::LpmTable& table, Ip ip, unsigned bits) {
    const LpmView view = table.view();
    std::size_t at = table.root.at(static_cast<std::size_t>(view.root_entry(ip) - view.root));
    for (unsigned depth = view.root_bits; depth < bits; depth += lpm_stride_bits) {
        if (at + 2 > table.records.size()) return std::nullopt;
        const char* record = reinterpret_cast<const char*>(&table.records[at]);
        const char* leaf_at = view.leaf_place(&table.records[at], LpmView::branch_at(ip, depth));
        const auto offset = static_cast<std::size_t>(leaf_at - record);
        if (leaf_at < record + lpm_leaves_offset || at * 8 + offset + 2 > table.records.size() * 8)
            return std::nullopt;
        const std::int32_t leaf = view.leaf_at(leaf_at);
        if (leaf >= 0) return static_cast<std::uint32_t>(leaf);
        at = static_cast<std::size_t>(view.child_of(&table.records[at], leaf) - view.records);
    }
    return std::nullopt;
}

void damage(lower::LpmTable& table, std::mt19937_64& random) {
    const std::uint64_t kind = random() % 8;
    if (kind == 0) {
        table.root[random() % table.root.size()] = static_cast<std::uint32_t>(random() % 64);
    } else if (kind == 1) {
        table.first_level_words += static_cast<std::uint32_t>(random() % 5) - 2;
    } else if (kind == 2) {
        table.records.resize(random() % (table.records.size() + 1));
    } else if (kind == 3) {  // a field of a record becomes another's
        const std::uint64_t word = table.records[random() % table.records.size()];
        table.records[random() % table.records.size()] = word;
    } else {
        const std::uint64_t bit = random() % 64;
        table.records[random() % table.records.size()] ^= 1ULL << bit;
    }
}

TEST(DamagedLpm, WhatIsAcceptedCanBeReadEverywhere) {
    std::mt19937_64 random(11);
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const Family family = i % 2 == 0 ? Family::v4 : Family::v6;
        lower::LpmTable table = random_table(random, family, roots[i / 2 % 4]);
        ASSERT_EQ(check(table, family), std::nullopt);
        damage(table, random);
        if (check(table, family)) continue;
        ++accepted;
        for (int question = 0; question < 200; ++question) {
            const std::uint64_t few_bits = question % 2 == 0 ? 0x0f0f'0000'0000'0000 : ~0ULL;
            const Ip ip = Ip{random() & few_bits, random()} & prefix_mask(address_bits(family));
            const auto value = careful_lookup(table, ip, address_bits(family));
            ASSERT_TRUE(value && *value < values) << "table " << i << ", " << to_string(ip, family);
        }
    }
    EXPECT_GT(accepted, 500);  // a changed value, a run that begins elsewhere
    EXPECT_LT(accepted, 15'000);
}

}  // namespace
}  // namespace sluice::verify
