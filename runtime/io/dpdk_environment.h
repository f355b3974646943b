// SPDX-License-Identifier: Apache-2.0
//
// DPDK's environment (EAL) for one gateway process, started from the host file and taken down without a trace.
// Start-up thread only; once a process. The calling thread becomes the first of `cores`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/control/host_file.h"

struct rte_mempool;

namespace sluice {

struct EnvironmentSettings {
    std::vector<unsigned> cores;
    Hugepages hugepages = Hugepages::automatic;
    std::vector<HostPort> devices;
    unsigned frames = 8191;                                     // in the one pool, for all devices
    unsigned longest_frame_bytes = 0;                           // what one buffer must hold
    unsigned smallest_data_room_bytes = 2048;                   // benchmarks preload a million short frames
    bool telemetry = false;                                     // DPDK's own socket, and a thread for it
    std::uint64_t environment_bytes = std::uint64_t{32} << 20;  // rings, device queues, EAL's own
};

class Environment {
  public:
    /// Throws std::runtime_error with a sentence that says what to do.
    explicit Environment(const EnvironmentSettings& settings);
    ~Environment();
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    bool hugepages() const { return hugepages_; }
    /// Where DPDK keeps its sockets.
    const std::string& runtime_folder() const { return runtime_folder_; }
    rte_mempool* pool() const { return pool_; }
    unsigned longest_frame() const { return longest_frame_; }

  private:
    bool hugepages_ = false;
    unsigned longest_frame_ = 0;
    std::string runtime_folder_;
    rte_mempool* pool_ = nullptr;
};

/// Bytes in free hugepages of any size, 0 where none can be used.
std::uint64_t free_hugepage_bytes();

}  // namespace sluice
