// SPDX-License-Identifier: Apache-2.0
//
// Every ClassBench filter set, where the data is at hand: each header of its trace, or headers at the corners
// of its rules where it has none, against a linear scan.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "schemas/layout/classifier_cost.h"
#include "tests/support/filter_classifier.h"

namespace sluice::test {
namespace {

TEST(ClassifierClassBench, EverySetAnswersAsALinearScanDoes) {
    const std::vector<FilterSet> sets = read_filter_sets();
    if (sets.empty()) GTEST_SKIP() << "needs the folder classbench (set SLUICE_DATA) and the program zstd";
    ASSERT_GE(sets.size(), 11U);
    for (const FilterSet& set : sets) {
        ASSERT_GE(set.rules.size(), 600U) << set.name;
        ASSERT_GE(set.headers.size(), 6000U) << set.name;
        const auto begin = std::chrono::steady_clock::now();
        const FilterClassifier classifier(set.rules);
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        const ClassifierCost worst = worst_lookup(classifier.classifier().nodes, classifier.classifier().root);
        std::printf(
            "%-22s %5zu rules, built in %.2f s, %.2f MiB and %.2f MiB of classes, worst path %zu steps or "
            "%zu nodes %zu rows\n",
            set.name.c_str(), set.rules.size(), seconds.count(),
            static_cast<double>(classifier.classifier().bytes()) / (1 << 20),
            static_cast<double>(classifier.class_bytes()) / (1 << 20),
            classifier.classifier().comb.steps.size(), static_cast<std::size_t>(worst.nodes),
            static_cast<std::size_t>(worst.rows));
        EXPECT_LE(classifier.classifier().bytes(), 64U << 20);
        std::vector<FilterHeader> headers = set.headers;
        const auto corners = corner_headers(set.rules, 3000, 7);
        headers.insert(headers.end(), corners.begin(), corners.end());
        std::vector<std::uint32_t> burst(headers.size());
        for (std::size_t i = 0; i < headers.size(); i += classifier_most_burst) {
            const std::span<const FilterHeader> all(headers);
            classifier.lookup_burst(all.subspan(i, std::min(classifier_most_burst, headers.size() - i)),
                                    &burst[i]);
        }
        for (std::size_t i = 0; i < headers.size(); ++i) {
            ASSERT_EQ(burst[i], classifier.lookup(headers[i])) << set.name << " header " << i;
            ASSERT_EQ(classifier.lookup(headers[i]), linear_scan(set.rules, headers[i]))
                << set.name << " header " << i;
        }
    }
}

}  // namespace
}  // namespace sluice::test
