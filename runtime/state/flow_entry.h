// SPDX-License-Identifier: Apache-2.0
//
// One direction of a flow as the packet path sees it: a cache line that says who it is, what is to be done to
// its packets, and what they amounted to. A session is two entries side by side. Plain values; owner shard
// only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/state/keyed_hash.h"
#include "runtime/state/tuple.h"

namespace sluice {

constexpr std::uint32_t no_program = 0xffffffff;
constexpr std::uint32_t no_neighbour = 0xffffffff;
constexpr std::uint32_t most_neighbours = 1u << 20;  // an entry has twenty bits for one

enum class FlowKind : std::uint8_t {
    none,        // an empty entry
    session4,    // scope: the tenant whose service router holds the session
    session6,    // addresses as a digest, in full in the entry's WideLine
    stateless4,  // scope: the ingress; no session, given up when room is needed
    stateless6,
};

/// Addresses and ports in the byte order of the wire, and the protocol in its place: the second half of an IPv4
/// header and the ports behind it, but for the kind (there the TTL) and the scope (there the checksum).
/// FlowKey{} is all zero; one that is only declared says nothing.
struct alignas(16) FlowKey {
    FlowKind kind;
    std::uint8_t protocol;
    std::uint16_t scope;
    std::uint32_t source, destination;
    std::uint16_t source_port, destination_port;

    friend bool operator==(const FlowKey& a, const FlowKey& b) noexcept {
        std::uint64_t x[2], y[2];
        std::memcpy(x, &a, sizeof x);
        std::memcpy(y, &b, sizeof y);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
    }
};
static_assert(sizeof(FlowKey) == 16);

/// The first bytes of an IPv4 key but for the protocol, as the machine reads them.
constexpr std::uint32_t key_bits_of(FlowKind kind, std::uint16_t scope) noexcept {
    return static_cast<std::uint32_t>(kind) | std::uint32_t{scope} << 16;
}

inline std::uint64_t hash_of_words(std::uint64_t first, std::uint64_t second, const HashKey& key) noexcept {
    return mix(mix(first ^ key.words[0], second ^ key.words[1]) ^ key.words[1], key.words[0] | 1);
}
inline std::uint64_t hash_of(const FlowKey& flow, const HashKey& key) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, &flow, sizeof words);
    return hash_of_words(words[0], words[1], key);
}

/// A key with what it does not hold itself.
struct FlowProbe {
    FlowKey key{};
    std::uint64_t hash = 0;
    Ip source, destination;  // IPv6 only

    static FlowProbe of(const Tuple& tuple, bool session, const HashKey& key) noexcept;
};

struct alignas(64) FlowEntry {
    FlowKey key;
    std::uint32_t program;  // no_program: its packets run the pipeline
    std::uint32_t epoch;    // of its ingress, when the program was last known to be right
    /// Guards: the ingress the program was made for; the neighbour that packets go to, and the life of its slot
    /// that was meant; whether `last_ack` says anything.
    std::uint64_t ingress : 16, neighbour : 20, neighbour_version : 27, seen_ack : 1;
    /// What a packet carries instead, in wire order. Where both sides change, the ports of both (source first);
    /// the addresses are in the WideLine.
    std::uint32_t new_address;
    std::uint16_t new_port;
    std::uint16_t l3_delta, l4_delta;  // in wire order; of the L3 checksum with the TTL's part
    std::uint16_t bytes_high;
    std::uint32_t bytes_low;
    std::uint32_t packets;    // and bytes: of this life of the entry, whoever served them
    std::uint32_t last_seen;  // tick; of what refreshes only
    std::uint32_t last_ack;   // TCP: what this direction acknowledged last, for RST plausibility
    std::uint32_t aside;  // a session's: NAT mapping (forward entry), tick it was created in (reverse entry);
                          // a stateless one's without a program: whose session it leads to, plus one

    /// Program, epoch and guards: what entries have in common whose packets are served alike.
    struct Likeness {
        std::uint64_t program_and_epoch, guards;
        friend bool operator==(const Likeness& a, const Likeness& b) noexcept {
            return ((a.program_and_epoch ^ b.program_and_epoch) | (a.guards ^ b.guards)) == 0;
        }
    };
    static constexpr Likeness like_no_other{~0ULL, ~0ULL};
    Likeness likeness() const noexcept {
        std::uint64_t words[2];
        std::memcpy(words, reinterpret_cast<const std::uint8_t*>(this) + sizeof key, sizeof words);
        return {words[0], words[1] << 1};  // without seen_ack, which is each flow's own
    }

    std::uint64_t bytes() const noexcept { return std::uint64_t{bytes_high} << 32 | bytes_low; }
    void count(std::uint32_t frame_bytes) noexcept {
        ++packets;
        bytes_low += frame_bytes;
        bytes_high = static_cast<std::uint16_t>(bytes_high + (bytes_low < frame_bytes));
    }
    /// One of those packets has to be judged again.
    void uncount(std::uint32_t frame_bytes) noexcept {
        if (packets == 0) return;
        --packets;
        bytes_high = static_cast<std::uint16_t>(bytes_high - (bytes_low < frame_bytes));
        bytes_low -= frame_bytes;
    }
};
static_assert(sizeof(FlowEntry) == 64 && offsetof(FlowEntry, program) == sizeof(FlowKey) &&
              offsetof(FlowEntry, new_address) == 32);

/// The second line of an entry that needs one: IPv6, both sides translated, a path with several sessions.
struct alignas(64) WideLine {
    Ip source, destination;          // IPv6: the key's
    Ip new_source, new_destination;  // what a packet carries when it leaves
};

}  // namespace sluice
