// SPDX-License-Identifier: Apache-2.0
//
// A seed must bring back the same case with every compiler and on every machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "tests/support/compiled_policy.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"

namespace sluice::test {
namespace {

/// FNV-1a, 64 bits.
class Fingerprint {
  public:
    template <typename Range>
    void add(const Range& bytes) {
        for (const auto byte : bytes) value_ = (value_ ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3;
    }
    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

// The numbers below change with every change of a generator; gcc and clang must then agree on the new ones.

TEST(Generators, MakeTheSamePoliciesEverywhere) {
    Fingerprint fingerprint;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        for (const auto& [name, text] : random_policy(seed)) {
            fingerprint.add(name);
            fingerprint.add(text);
        }
    }
    EXPECT_EQ(fingerprint.value(), 14449703458174536338u);
}

TEST(Generators, MakeTheSamePacketsEverywhere) {
    Fingerprint fingerprint;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const CompiledPolicy compiled = compile_policy(random_policy(seed));
        PacketSource source(compiled.policy, seed);
        for (int datagram = 0; datagram < 200; ++datagram) {
            for (const SentFrame& frame : source.next()) {
                fingerprint.add(frame.bytes);
                source.saw(frame);
            }
        }
    }
    EXPECT_EQ(fingerprint.value(), 2905904053258857392u);
}

bool is_whole(const policy::Service& service) {
    return service.low == 0 && service.high == 65535;
}
bool is_at_an_edge(const policy::Service& service) {
    return !is_whole(service) && (service.low == 0 || service.high == 65535);
}

// A compiler that is wrong about whole protocols once passed every test, because hardly a policy had one.
TEST(Generators, MakeEveryKindOfRuleOften) {
    std::map<std::string, int> found;
    int rules = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const CompiledPolicy compiled = compile_policy(random_policy(seed));
        for (const policy::Tenant& tenant : compiled.policy.tenants) {
            if (!tenant.firewall) continue;
            for (const policy::Rule& rule : tenant.firewall->rules) {
                ++rules;
                const auto any_service = [&](auto&& is) {
                    return std::any_of(rule.services.begin(), rule.services.end(), is);
                };
                found["no service"] += rule.services.empty();
                found["several services"] += rule.services.size() > 1;
                found["all of TCP or UDP"] += any_service(
                    [](const auto& s) { return (s.protocol == 6 || s.protocol == 17) && is_whole(s); });
                found["all of ICMP or another protocol"] += any_service(
                    [](const auto& s) { return s.protocol != 6 && s.protocol != 17 && is_whole(s); });
                found["an ICMP type"] += any_service(
                    [](const auto& s) { return (s.protocol == 1 || s.protocol == 58) && !is_whole(s); });
                found["a range up to an edge"] += any_service(is_at_an_edge);
                found["from addresses"] += !rule.from.sets.empty();
                found["to addresses"] += !rule.to.sets.empty();
                found["from a zone"] += !rule.from.zones.empty();
                found["a zone and addresses on a side"] +=
                    (!rule.from.zones.empty() && !rule.from.sets.empty()) ||
                    (!rule.to.zones.empty() && !rule.to.sets.empty());
                const auto has_v6 = [&](const policy::Side& side) {
                    return std::any_of(side.sets.begin(), side.sets.end(), [&](std::uint32_t set) {
                        const auto& prefixes = tenant.sets[set].prefixes;
                        return std::any_of(prefixes.begin(), prefixes.end(),
                                           [](const Prefix& prefix) { return prefix.family == Family::v6; });
                    });
                };
                found["IPv6 addresses"] += has_v6(rule.from) || has_v6(rule.to);
            }
        }
    }
    for (const auto& [kind, count] : found) {
        std::printf("[ rules ] %-32s %3d %%\n", kind.c_str(), 100 * count / rules);
        EXPECT_GE(100 * count / rules, 5) << kind;
    }
}

}  // namespace
}  // namespace sluice::test
