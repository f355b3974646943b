// SPDX-License-Identifier: Apache-2.0
//
// Is the gateway as well under another image as it was before? Figures of two windows of time, and how far the
// second may be from the first. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime/state/counters.h"

namespace sluice {

/// Counted since the gateway started; `cycles` and `metered` while a meter was in place (burst_watch.h).
struct Vitals {
    std::uint64_t received = 0;  // packets
    std::array<std::uint64_t, drop_reason_count> drops{};
    std::uint64_t sessions_created = 0;
    std::uint64_t cache_hits = 0;
    std::uint64_t metered = 0;  // packets
    std::uint64_t cycles = 0;   // that they took

    /// Adds what `counters` say; the meter's two are not in them. Some microseconds a hundred tenants.
    void add(const Counters& counters);
};

struct GateLimits {
    double drops_points = 1;      // percent of packets that each reason may take more of
    double failures_points = 1;   // percent of attempts to open a session that may fail more
    double cache_points = 10;     // percent of packets that the caches may serve less
    double cycles_percent = 100;  // that a packet may cost more
    std::uint32_t window_seconds = 5;

    /// From what the request says, the rest as above. Throws std::invalid_argument.
    static GateLimits from_json(const nlohmann::ordered_json& json);
};

/// A window.
class Health {
  public:
    Health(const Vitals& begin, const Vitals& end);

    double drops_percent(DropReason reason) const;
    /// No port, no place, or no session any more where there was one: of all that asked.
    double failures_percent() const;
    double cache_hits_percent() const;
    /// nullopt: nothing was measured.
    std::optional<double> cycles_a_packet() const;
    std::uint64_t packets() const { return difference_.received; }
    nlohmann::ordered_json json() const;

  private:
    Vitals difference_;
};

/// Fewer packets than this in a window say nothing.
constexpr std::uint64_t least_packets_to_judge = 100;

bool can_judge(const Health& before, const Health& after);
/// The figure that went too far, as a sentence; nullopt: none did, or there were too few packets.
std::optional<std::string> tripped(const Health& before, const Health& after, const GateLimits& limits);

}  // namespace sluice
