// SPDX-License-Identifier: Apache-2.0
//
// A seed must bring back the same case with every compiler and on every machine.
#include <gtest/gtest.h>

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
    EXPECT_EQ(fingerprint.value(), 873268017473380856u);
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
    EXPECT_EQ(fingerprint.value(), 6373427378981854769u);
}

}  // namespace
}  // namespace sluice::test
