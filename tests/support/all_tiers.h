// SPDX-License-Identifier: Apache-2.0
//
// The same packets through three gateways at once: without a cache, with the flow table, with all tiers. What
// leaves must be the same of all, and every counter outside `cache`.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/support/test_gateway.h"

namespace sluice::test {

class AllTiers {
  public:
    AllTiers(const Image& image, ShardSettings settings);

    /// What leaves without a cache.
    std::vector<SentFrame> inject(std::span<const SentFrame> burst);
    std::vector<SentFrame> advance(Time duration);
    /// All go over to one and the same image: choices depend on slots, and slots on what is forgotten.
    void activate(const Image& next);
    void compare_counters();
    /// Where they parted first; empty where they did not.
    const std::string& parting() const { return parting_; }

    const Image& image() const { return followed_ ? *followed_ : *first_; }
    TestGateway& gateway(CacheTiers tiers) { return *gateways_[static_cast<std::size_t>(tiers)]; }
    std::span<const std::unique_ptr<TestGateway>> gateways() const { return gateways_; }

  private:
    void note(CacheTiers tiers, const std::string& how);

    const Image* first_;
    std::unique_ptr<const Image> followed_;
    std::vector<std::unique_ptr<TestGateway>> gateways_;
    std::string parting_;
};

}  // namespace sluice::test
