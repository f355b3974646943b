// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are the same on every machine and with every standard library: SplitMix64 (Steele, Lea
// and Flood, "Fast splittable pseudorandom number generators", 2014). A failing test prints its seed, and the
// seed brings the same case back anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace sluice::test {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31;
    }
    /// In [low, high].
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + next() % (high - low + 1); }
    bool percent(unsigned chance) { return next() % 100 < chance; }
    template <typename Value>
    const Value& pick(const std::vector<Value>& values) {
        return values[next() % values.size()];
    }
    /// An index into `weights`, each as likely as its weight.
    std::size_t weighted(const std::vector<unsigned>& weights) {
        std::uint64_t total = 0;
        for (const unsigned weight : weights) total += weight;
        if (total == 0) throw std::invalid_argument("no weight but zero");
        std::uint64_t ticket = next() % total;
        std::size_t index = 0;
        while (ticket >= weights[index]) ticket -= weights[index++];
        return index;
    }

  private:
    std::uint64_t state_;
};

}  // namespace sluice::test
