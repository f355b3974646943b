// SPDX-License-Identifier: Apache-2.0
//
// A DPDK device that delivers the same frames again and again from memory (net_pcap, infinite_rx) and drops
// what it is given to send. One thread, after EAL's start.
#pragma once

#include <rte_mbuf.h>

#include <memory>
#include <string>

#include "bench/workload.h"
#include "runtime/io/dpdk_port.h"

namespace sluice::bench {

/// For sources of `frames` frames in all, what is on its way included.
EnvironmentSettings environment_of(unsigned core, bool hugepages, unsigned frames,
                                   std::uint32_t longest_frame = 128);

class PreloadedPort {
  public:
    /// The environment's pool must have a buffer for each frame. Throws std::runtime_error.
    PreloadedPort(const Environment& environment, std::uint16_t logical_port, const FrameList& frames);
    ~PreloadedPort();
    PreloadedPort(const PreloadedPort&) = delete;
    PreloadedPort& operator=(const PreloadedPort&) = delete;

    /// As the gateway sees it.
    DpdkPort& port() { return *port_; }
    /// As testpmd would use it: for the floor.
    std::uint16_t device_port() const { return device_port_; }
    std::uint32_t frames() const { return frames_; }

  private:
    std::string name_;
    std::uint32_t frames_;
    std::uint16_t device_port_ = 0;
    std::unique_ptr<DpdkPort> port_;
};

/// Receives a burst, swaps the MACs, sends it: what testpmd's macswap does, and the least a gateway can do.
void swap_macs_and_send(std::uint16_t device_port);

}  // namespace sluice::bench
