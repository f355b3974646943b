// SPDX-License-Identifier: Apache-2.0
//
// The gateway's metrics over DPDK's telemetry socket, for those who watch DPDK programs (dpdk-telemetry.py):
//   /sluice/status          the gateway's own numbers, those without labels
//   /sluice/stats           every metric, summed over its labels
//   /sluice/stats,NAME      one metric: rows by number, one for each of its samples
//   /sluice/tenants         names
//   /sluice/tenants,TENANT  the rows that are this tenant's
// DPDK calls back from a thread of its own, and leaves out what does not fit into 256 rows or 16 KiB.
#pragma once

#include "runtime/programs/gateway_metrics.h"

namespace sluice {

/// The commands answer for its lifetime; one at a time. Before and after they fail: DPDK forgets none.
class DpdkTelemetry {
  public:
    /// `metrics` must outlive this. The environment must be up. Throws std::runtime_error where DPDK takes no
    /// more commands.
    explicit DpdkTelemetry(const GatewayMetrics& metrics);
    ~DpdkTelemetry();
    DpdkTelemetry(const DpdkTelemetry&) = delete;
    DpdkTelemetry& operator=(const DpdkTelemetry&) = delete;
};

}  // namespace sluice
