// SPDX-License-Identifier: Apache-2.0
//
// What a gateway that ends leaves for the next one, as bytes: sealed by Shard::save(), opened here, taken up by
// Shard::resume(). Opening looks at everything that can be wrong with bytes (torn, of another version, another
// boot of the machine, too old); what they mean is checked entry by entry when they are taken up. Any thread
// but a packet thread; allocates.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/image/numbering.h"
#include "runtime/packet/frame.h"
#include "schemas/gateway_state_generated.h"
#include "schemas/layout/image_seal.h"

namespace sluice {

constexpr std::array<std::uint8_t, 8> saved_magic = {'S', 'L', 'U', 'I', 'C', 'E', 'S', 'T'};
constexpr std::uint32_t saved_version = 1;
constexpr std::uint8_t family_nat64 = 64;  // of a mapping: IPv6 inside, IPv4 outside

/// Names the time since the machine started: the monotonic clock says nothing about another one.
using BootId = std::array<std::uint8_t, 16>;

struct SavedHeader {
    std::array<std::uint8_t, 8> magic;
    std::uint32_t version;
    std::uint32_t header_bytes;  // sizeof(SavedHeader)
    std::uint64_t payload_bytes;
    BootId boot;
    std::array<std::uint8_t, 32> digest;    // BLAKE2b-256 of the whole with this field zero
    std::array<std::uint8_t, 56> reserved;  // zero
};
static_assert(sizeof(SavedHeader) == 128);

class SavedState {
  public:
    /// The text says why not: what was expected, what was found. `most_idle`: after this long no session can
    /// have a timer that has not fired.
    static std::variant<SavedState, std::string> open(std::vector<std::uint8_t> bytes, const BootId& boot,
                                                      Time now, Time most_idle);

    const saved::Gateway& root() const;
    Numbering numbering() const;
    Digest image() const;
    std::uint64_t seed() const { return root().seed(); }
    Time saved_at() const { return root().now(); }

  private:
    explicit SavedState(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
    std::vector<std::uint8_t> bytes_;
};

/// Puts a header before the FlatBuffer of a saved::Gateway.
std::vector<std::uint8_t> seal_state(std::span<const std::uint8_t> payload, const BootId& boot);

}  // namespace sluice
