// SPDX-License-Identifier: Apache-2.0
//
// Random tables against a linear scan, in every form a table has. Addresses and prefixes come from a few bits,
// so that they meet often.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "schemas/layout/lpm_burst.h"
#include "tests/compiler/lower/linear_scan.h"

namespace sluice::lower {
namespace {

constexpr Ip family_mask(Family family) {
    return prefix_mask(address_bits(family));
}

// Few distinct bits at the ends of the levels, where a mistake would be.
rc::Gen<Ip> addresses(Family family) {
    return rc::gen::map(rc::gen::pair(rc::gen::arbitrary<std::uint64_t>(), rc::gen::arbitrary<std::uint64_t>()),
                        [=](const auto& words) {
                            const Ip busy{0x0300000180c00003, 0x0c00000300000003};
                            return Ip{words.first, words.second} & busy & family_mask(family);
                        });
}

rc::Gen<LpmEntry> entries(Family family, std::uint32_t first_value) {
    const auto bits = static_cast<int>(address_bits(family));
    return rc::gen::map(rc::gen::tuple(addresses(family), rc::gen::inRange(0, bits + 1),
                                       rc::gen::inRange<std::uint32_t>(first_value, first_value + 5)),
                        [=](const auto& parts) {
                            const auto length = static_cast<std::uint8_t>(std::get<1>(parts));
                            const Ip ip = std::get<0>(parts) & prefix_mask(length);
                            return LpmEntry{{ip, length, family}, std::get<2>(parts)};
                        });
}

void looks_up_as_a_linear_scan_does(Family family) {
    const auto first_value = *rc::gen::element<std::uint32_t>(1, lpm_narrow_end - 3, 0x7fff'fff0);
    const auto root_bits = *rc::gen::element(0U, 2U, 6U, 8U, 12U, 14U, 17U, 18U);
    const auto table_entries = *rc::gen::container<std::vector<LpmEntry>>(entries(family, first_value));
    const LpmTable table = build_lpm(table_entries, root_bits);
    auto questions = *rc::gen::container<std::vector<Ip>>(30, addresses(family));
    for (const LpmEntry& entry : table_entries) {  // first and last address of each prefix
        questions.push_back(entry.prefix.ip);
        questions.push_back(entry.prefix.ip | (~prefix_mask(entry.prefix.length) & family_mask(family)));
    }
    std::vector<std::uint32_t> in_bursts(questions.size());
    lpm_lookup_burst(table.view(), questions, in_bursts.data());
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const std::uint32_t expected = test::linear_scan(table_entries, questions[i]);
        if (table.view().lookup(questions[i]) != expected) RC_FAIL(to_string(questions[i], family));
        if (in_bursts[i] != expected) RC_FAIL("in a burst: " + to_string(questions[i], family));
    }
}

RC_GTEST_PROP(LpmProperty, Ipv4LooksUpAsALinearScanDoes, ()) {
    looks_up_as_a_linear_scan_does(Family::v4);
}
RC_GTEST_PROP(LpmProperty, Ipv6LooksUpAsALinearScanDoes, ()) {
    looks_up_as_a_linear_scan_does(Family::v6);
}

}  // namespace
}  // namespace sluice::lower
