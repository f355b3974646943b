// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/flow_sampler.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>

#include "runtime/packet/parse.h"
#include "runtime/packet/parse_l4.h"

namespace sluice {
namespace {

constexpr std::size_t known_flows = 1 << 16;
constexpr std::size_t ring_places = 512;

std::uint64_t word_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, &bytes[offset], sizeof word);
    return word;
}

/// What tells flows apart, from where it lies in most packets; nullopt for what begins no flow. The judge looks
/// closer.
std::optional<std::uint64_t> flow_hash(const Frame& frame, const HashKey& key) {
    const auto l2 = parse_l2(frame.bytes());
    if (!l2) return std::nullopt;
    const auto ip = frame.bytes().subspan(l2->length);
    const bool v6 = l2->ethertype == ethertype_ipv6;
    if (!v6 && l2->ethertype != ethertype_ipv4) return std::nullopt;
    const std::size_t header = v6 ? 40 : 20;  // what has options or extension headers is told apart less well
    if (ip.size() < header + 8) return std::nullopt;
    const std::uint8_t protocol = v6 ? ip[6] : ip[9];
    constexpr std::uint8_t syn = 0x02, ack = 0x10;
    if (protocol == protocol_tcp && ip.size() >= header + 14 && (ip[header + 13] & (syn | ack)) != syn) {
        return std::nullopt;
    }
    std::uint32_t ports = 0;
    std::memcpy(&ports, &ip[header], sizeof ports);
    KeyedHash hash(key);
    hash.add(std::uint64_t{frame.port} << 48 | std::uint64_t{l2->outer_vid} << 32 | ports,
             std::uint64_t{l2->inner_vid} << 8 | protocol);
    if (!v6) return hash.add(word_at(ip, 12), 0).value();
    return hash.add(word_at(ip, 8), word_at(ip, 16)).add(word_at(ip, 24), word_at(ip, 32)).value();
}

}  // namespace

FlowSampler::FlowSampler(std::uint32_t one_in, const HashKey& key)
    : key_(key),
      share_(std::numeric_limits<std::uint64_t>::max() / std::max(one_in, 1u)),
      known_(known_flows),
      samples_(ring_places) {}

void FlowSampler::look(std::span<const Frame> burst) noexcept {
    for (const Frame& frame : burst) {
        const auto hash = flow_hash(frame, key_);
        if (!hash || *hash > share_) continue;
        // The upper bits chose the sample.
        std::uint64_t& known = known_[*hash % known_.size()];
        if (known == *hash) continue;
        known = *hash;
        put(frame);
    }
}

void FlowSampler::put(const Frame& frame) noexcept {
    const std::uint32_t at = put_.load(std::memory_order_relaxed);
    if (frame.length > FlowSample::most_bytes ||
        at - taken_.load(std::memory_order_acquire) == samples_.size()) {
        left_out_.store(left_out_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return;
    }
    FlowSample& sample = samples_[at % samples_.size()];
    sample.port = frame.port;
    sample.length = static_cast<std::uint16_t>(frame.length);
    std::memcpy(sample.bytes.data(), frame.data, frame.length);
    put_.store(at + 1, std::memory_order_release);
}

}  // namespace sluice
