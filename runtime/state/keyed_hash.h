// SPDX-License-Identifier: Apache-2.0
//
// A keyed multiply-mix hash (64 x 64 -> 128 bits, halves folded) for tables that strangers choose keys for.
// CRC32 and Toeplitz are linear: keys that collide under one secret collide under all. Any thread; about 5
// cycles per pair of words.
#pragma once

#include <cstdint>

namespace sluice {

struct HashKey {
    std::uint64_t words[2] = {0x9e3779b97f4a7c15, 0xd1b54a32d192ed03};

    /// Secrets from a seed: random at boot in sluiced, fixed by --seed in replay.
    static HashKey from_seed(std::uint64_t seed) noexcept;
};

inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

class KeyedHash {
  public:
    explicit KeyedHash(const HashKey& key) noexcept : key_(key), state_(key.words[0]) {}
    KeyedHash& add(std::uint64_t a, std::uint64_t b) noexcept {
        state_ = mix(state_ ^ a ^ key_.words[1], b ^ key_.words[0] ^ (state_ >> 32 | state_ << 32));
        return *this;
    }
    std::uint64_t value() const noexcept { return mix(state_ ^ key_.words[1], key_.words[0] | 1); }

  private:
    HashKey key_;
    std::uint64_t state_;
};

inline HashKey HashKey::from_seed(std::uint64_t seed) noexcept {
    auto next = [&seed] {  // splitmix64
        std::uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    };
    HashKey key;
    for (auto& word : key.words) word = next();
    return key;
}

}  // namespace sluice
