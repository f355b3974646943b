// SPDX-License-Identifier: Apache-2.0
//
// One device with one receive and one transmit queue, bound to a port of the policy.
// Start-up and shut-down: the main thread. receive() and send(): the packet thread. link_up() and
// describe_device(): any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/control/host_file.h"
#include "runtime/io/dpdk_environment.h"
#include "runtime/packet/frame.h"

struct rte_mbuf;

namespace sluice {

/// What the device lost, beside what the shard counts. Packet thread writes.
struct DeviceCounters {
    std::uint64_t rx_unusable = 0;  // segments that did not fit one buffer
    std::uint64_t tx_failed = 0;    // the shard sent it, the device did not take it
};

struct DeviceDescription {
    std::string driver;
    std::string device;
    bool link_up = false;
    std::uint32_t link_megabits = 0;  // 0 unknown
    std::uint16_t mtu = 0;
    std::uint64_t rx_missed = 0;  // by the device, where it counts that
};

class DpdkPort {
  public:
    static constexpr std::uint16_t burst_frames = 32;

    /// Configures and starts the device. Throws std::runtime_error. Warnings (a device that can't carry the
    /// MTU) are appended to `warnings`.
    DpdkPort(const Environment& environment, const HostPort& host, std::uint16_t logical_port,
             std::uint16_t mtu, std::vector<std::string>& warnings);
    ~DpdkPort();
    DpdkPort(const DpdkPort&) = delete;
    DpdkPort& operator=(const DpdkPort&) = delete;

    /// At most burst_frames; the span is valid until the next call.
    std::span<const Frame> receive();
    /// Keeps the frames until flush() or until a burst is full.
    void send(std::span<const Frame> frames);
    void flush();

    const std::string& name() const { return name_; }
    const DeviceCounters& counters() const { return counters_; }
    DeviceDescription describe_device() const;
    /// True too where the device cannot say.
    bool link_up() const;

  private:
    void configure(rte_mempool* pool);

    std::string name_;
    std::string device_;
    std::uint16_t device_port_ = 0;
    std::uint16_t logical_port_ = 0;
    std::uint16_t waiting_ = 0;
    std::array<Frame, burst_frames> received_{};
    std::array<rte_mbuf*, burst_frames> to_send_{};
    DeviceCounters counters_;
};

/// Sends each frame to port_of(frame.port), a DpdkPort&, in order; neighbours that go to one port go together.
template <typename PortOf>
void send_each(std::span<const Frame> frames, PortOf&& port_of) {
    while (!frames.empty()) {
        const std::uint16_t port = frames.front().port;
        std::size_t count = 1;
        while (count < frames.size() && frames[count].port == port) ++count;
        port_of(port).send(frames.first(count));
        frames = frames.subspan(count);
    }
}

}  // namespace sluice
