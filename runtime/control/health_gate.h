// SPDX-License-Identifier: Apache-2.0
//
// An image on probation before the figures: activated, compared with what ran before, and kept or not. One
// control thread (the control server's worker), which it holds up meanwhile.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime/control/burst_watch.h"
#include "runtime/control/health.h"
#include "runtime/control/mailbox.h"
#include "runtime/shard/shard.h"
#include "runtime/store/lifecycle.h"

namespace sluice {

/// Where the figures come from and how time passes: the running gateway, or a test.
class HealthSource {
  public:
    virtual ~HealthSource() = default;
    virtual Vitals read() = 0;
    /// False: the gateway is shutting down.
    virtual bool wait(Time time) = 0;
    virtual Lifecycle::Now now() = 0;
};

/// Of a shard, its packets metered as long as this lives.
class ShardHealth final : public HealthSource {
  public:
    /// Throws std::runtime_error where the packet thread has ended.
    ShardHealth(Shard& shard, Mailbox& mailbox, BurstWatch& watch);
    ~ShardHealth() override;
    ShardHealth(const ShardHealth&) = delete;
    ShardHealth& operator=(const ShardHealth&) = delete;

    Vitals read() override;
    bool wait(Time time) override;
    Lifecycle::Now now() override;

  private:
    Shard& shard_;  // touched by jobs only
    Mailbox& mailbox_;
    BurstWatch& watch_;
    CycleMeter meter_;
};

struct GateResult {
    Lifecycle::Outcome refused = {};  // null: the image is active; else what ran before runs
    std::optional<Health> before = {}, after = {};
    std::optional<std::string> tripped = {};  // the figure that went too far
    std::uint32_t window_seconds = 0;

    nlohmann::ordered_json json() const;
};

/// Activates `digest` on probation, and for good when no figure went too far unless `confirm_within` says that
/// people decide. It takes two windows and a second.
GateResult activate_through_gate(Lifecycle& lifecycle, HealthSource& source, const GateLimits& limits,
                                 const std::string& digest, std::optional<Time> confirm_within);

}  // namespace sluice
