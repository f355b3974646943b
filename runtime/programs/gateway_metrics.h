// SPDX-License-Identifier: Apache-2.0
//
// The running gateway's metrics (metrics.h). Any thread but the packet thread; holds up neither packets nor
// the control socket.
#pragma once

#include <memory>
#include <vector>

#include "runtime/control/image_commands.h"
#include "runtime/control/live_image.h"
#include "runtime/control/metrics.h"
#include "runtime/io/dpdk_port.h"
#include "runtime/programs/event_log.h"

namespace sluice {

class GatewayMetrics {
  public:
    /// `image` is the one that runs, changed by `live` alone; `images` may be null. All must outlive this.
    GatewayMetrics(const ImagePointer& image, const LiveImage& live, const ImageCommands* images,
                   const Shard& shard, const std::vector<std::unique_ptr<DpdkPort>>& ports,
                   const EventLog& event_log);

    Metrics collect() const;

  private:
    GatewayState state() const;

    const ImagePointer& image_;
    const LiveImage& live_;
    const ImageCommands* images_;
    const Shard& shard_;
    const std::vector<std::unique_ptr<DpdkPort>>& ports_;
    const EventLog& event_log_;
    std::uint64_t start_seconds_;
};

}  // namespace sluice
