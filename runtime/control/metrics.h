// SPDX-License-Identifier: Apache-2.0
//
// The numbers of a gateway for machines that watch it: gathered once, written as Prometheus text or handed out
// over DPDK's telemetry socket. The names are stable. Labels are bounded by the policy: tenant, port, stage,
// reason, pool, shard.
//
// collect(): any thread, while no other image comes (LiveImage::hold); allocates. It reads counters where their
// owner writes them and asks the packet thread for nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/shard/shard.h"
#include "runtime/store/manifest.h"

namespace sluice {

enum class MetricKind : std::uint8_t { counter, gauge };

struct MetricFamily {
    std::string_view name;
    MetricKind kind;
    std::string_view help;
};

using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

struct MetricSample {
    MetricLabels labels;
    std::uint64_t value;
};

/// A family and what there is of it now, which may be nothing.
struct Metric {
    MetricFamily family;
    std::vector<MetricSample> samples;
};
using Metrics = std::vector<Metric>;

/// What the devices tell, by the image's port number.
struct PortState {
    bool link_up = false;
    std::uint64_t bits_per_second = 0;  // 0 unknown
    std::uint64_t rx_missed = 0, rx_unusable = 0, tx_failed = 0;
};

/// What neither image nor shard know.
struct GatewayState {
    std::vector<PortState> ports;
    std::uint64_t start_seconds = 0;  // since 1970
    std::uint64_t image_revision = 0;
    bool image_pending = false;
    ReturnCounts image_returns{};
    std::uint64_t rule_events_lost = 0, block_events_lost = 0;
};

/// Every family, in the same order always; `image` is the one that the shard runs.
Metrics collect_metrics(const Image& image, const Shard& shard, const GatewayState& gateway);

/// Prometheus' text format, version 0.0.4.
std::string prometheus_text(const Metrics& metrics);

}  // namespace sluice
