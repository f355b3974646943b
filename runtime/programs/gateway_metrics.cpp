// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/gateway_metrics.h"

#include "runtime/programs/image_source.h"
#include "runtime/state/observed.h"

namespace sluice {

GatewayMetrics::GatewayMetrics(const ImagePointer& image, const LiveImage& live, const ImageCommands* images,
                               const Shard& shard, const std::vector<std::unique_ptr<DpdkPort>>& ports,
                               const EventLog& event_log)
    : image_(image),
      live_(live),
      images_(images),
      shard_(shard),
      ports_(ports),
      event_log_(event_log),
      start_seconds_(static_cast<std::uint64_t>(wall_seconds())) {}

GatewayState GatewayMetrics::state() const {
    GatewayState state;
    state.start_seconds = start_seconds_;
    state.rule_events_lost = event_log_.lost_decisions();
    state.block_events_lost = event_log_.lost_blocks();
    for (const auto& port : ports_) {
        const DeviceDescription device = port->describe_device();
        state.ports.push_back({.link_up = device.link_up,
                               .bits_per_second = device.link_megabits * std::uint64_t{1'000'000},
                               .rx_missed = device.rx_missed,
                               .rx_unusable = observed(port->counters().rx_unusable),
                               .tx_failed = observed(port->counters().tx_failed)});
    }
    if (images_ == nullptr) return state;
    const ImageCommands::Shown shown = images_->shown();
    state.image_revision = shown.revision;
    state.image_pending = shown.pending;
    state.image_returns = shown.returns;
    return state;
}

Metrics GatewayMetrics::collect() const {
    const GatewayState gateway = state();
    const auto held = live_.hold();
    return collect_metrics(*image_, shard_, gateway);
}

}  // namespace sluice
