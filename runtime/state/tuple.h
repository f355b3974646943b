// SPDX-License-Identifier: Apache-2.0
//
// The key of a session: what a packet carries, in the scope of one stateful router. Plain values; any thread.
#pragma once

#include <cstdint>

#include "runtime/state/keyed_hash.h"
#include "schemas/layout/address.h"

namespace sluice {

struct Tuple {
    Ip source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t scope = 0;  // the tenant whose service router holds the session
    std::uint8_t protocol = 0;
    Family family = Family::v4;

    Tuple reversed() const {
        return {destination, source, destination_port, source_port, scope, protocol, family};
    }
    friend bool operator==(const Tuple&, const Tuple&) = default;
};

inline std::uint64_t hash_of(const Tuple& tuple, const HashKey& key) noexcept {
    return KeyedHash(key)
        .add(tuple.source.hi, tuple.source.lo)
        .add(tuple.destination.hi, tuple.destination.lo)
        .add(std::uint64_t{tuple.source_port} << 48 | std::uint64_t{tuple.destination_port} << 32 |
                 std::uint64_t{tuple.scope} << 16 | std::uint64_t{tuple.protocol} << 8 |
                 static_cast<std::uint64_t>(tuple.family),
             0)
        .value();
}

}  // namespace sluice
