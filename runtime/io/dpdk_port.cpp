// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/dpdk_port.h"

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "runtime/io/dpdk_frames.h"

namespace sluice {
namespace {

constexpr std::uint16_t wished_descriptors = 1024;
// A full queue is tried again this often before the rest is given up: long enough for a device that drains,
// short enough that one dead device does not stop the others.
constexpr int send_attempts = 64;

void check(int result, const std::string& what) {
    if (result != 0) throw std::runtime_error(what + ": " + std::strerror(result < 0 ? -result : result));
}

}  // namespace

DpdkPort::DpdkPort(const Environment& environment, const HostPort& host, std::uint16_t logical_port,
                   std::uint16_t mtu, std::vector<std::string>& warnings)
    : name_(host.name), device_(host.device), logical_port_(logical_port) {
    const std::string device_name(host.device_name());
    if (rte_eth_dev_get_port_by_name(device_name.c_str(), &device_port_) != 0) {
        throw std::runtime_error(fmt::format("port {}: DPDK has no device {}", name_, device_name));
    }
    configure(environment.pool());
    std::uint16_t device_mtu = 0;
    if (rte_eth_dev_get_mtu(device_port_, &device_mtu) == 0 && device_mtu < mtu &&
        rte_eth_dev_set_mtu(device_port_, mtu) != 0) {
        warnings.push_back(
            fmt::format("port {}: the policy's MTU is {}, the device stays at {}", name_, mtu, device_mtu));
    }
    for (Frame& frame : received_) frame.port = logical_port;  // for good: describe() leaves it
    // Not every device can; those that can't deliver everything anyway.
    rte_eth_promiscuous_enable(device_port_);
}

void DpdkPort::configure(rte_mempool* pool) {
    const std::string what = fmt::format("port {} ({})", name_, device_);
    rte_eth_conf settings{};
    check(rte_eth_dev_configure(device_port_, 1, 1, &settings), what + " can't be configured");
    std::uint16_t rx_descriptors = wished_descriptors;
    std::uint16_t tx_descriptors = wished_descriptors;
    check(rte_eth_dev_adjust_nb_rx_tx_desc(device_port_, &rx_descriptors, &tx_descriptors), what);
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(device_port_));
    check(rte_eth_rx_queue_setup(device_port_, 0, rx_descriptors, socket, nullptr, pool),
          what + ", receive queue");
    check(rte_eth_tx_queue_setup(device_port_, 0, tx_descriptors, socket, nullptr), what + ", transmit queue");
    check(rte_eth_dev_start(device_port_), what + " can't be started");
}

DpdkPort::~DpdkPort() {
    flush();
    rte_eth_dev_stop(device_port_);
    rte_eth_dev_close(device_port_);
}

std::span<const Frame> DpdkPort::receive() {
    std::array<rte_mbuf*, burst_frames> mbufs;
    const std::uint16_t count = rte_eth_rx_burst(device_port_, 0, mbufs.data(), burst_frames);
    Frame* next = received_.data();
    for (rte_mbuf* mbuf : std::span(mbufs.data(), count)) {
        if (!make_whole(mbuf)) {
            ++counters_.rx_unusable;
            continue;
        }
        describe(mbuf, *next++);
    }
    return {received_.data(), next};
}

void DpdkPort::send(std::span<const Frame> frames) {
    while (!frames.empty()) {
        const std::size_t count = std::min<std::size_t>(frames.size(), burst_frames - waiting_);
        rte_mbuf** next = to_send_.data() + waiting_;
        for (const Frame& frame : frames.first(count)) *next++ = mbuf_to_send(frame);
        waiting_ = static_cast<std::uint16_t>(waiting_ + count);
        frames = frames.subspan(count);
        if (waiting_ == burst_frames) flush();
    }
}

void DpdkPort::flush() {
    std::uint16_t sent = 0;
    for (int attempt = 0; sent < waiting_ && attempt < send_attempts; ++attempt) {
        if (attempt > 0) rte_pause();
        sent = static_cast<std::uint16_t>(sent + rte_eth_tx_burst(device_port_, 0, to_send_.data() + sent,
                                                                  static_cast<std::uint16_t>(waiting_ - sent)));
    }
    if (sent < waiting_) {
        counters_.tx_failed += waiting_ - sent;
        rte_pktmbuf_free_bulk(to_send_.data() + sent, waiting_ - sent);
    }
    waiting_ = 0;
}

bool DpdkPort::link_up() const {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(device_port_, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

DeviceDescription DpdkPort::describe_device() const {
    DeviceDescription description;
    description.device = device_;
    rte_eth_dev_info info{};
    if (rte_eth_dev_info_get(device_port_, &info) == 0) description.driver = info.driver_name;
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(device_port_, &link) == 0) {
        description.link_up = link.link_status == RTE_ETH_LINK_UP;
        if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) description.link_megabits = link.link_speed;
    }
    rte_eth_dev_get_mtu(device_port_, &description.mtu);
    rte_eth_stats stats{};
    if (rte_eth_stats_get(device_port_, &stats) == 0) description.rx_missed = stats.imissed;
    return description;
}

}  // namespace sluice
